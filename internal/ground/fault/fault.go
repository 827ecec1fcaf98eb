package fault

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// Kind says what sort of thing went wrong. A face maps it to a status once.
type Kind string

// The kinds, with the HTTP status that the management API answers. // spec: 01 §8
const (
	Invalid         Kind = "invalid"         // the form of the input is wrong: 400
	Unauthenticated Kind = "unauthenticated" // nobody, or not who they say: 401
	Forbidden       Kind = "forbidden"       // known, but not allowed: 403
	NotFound        Kind = "not_found"       // unknown, or another tenant's: 404, byte for byte alike
	Conflict        Kind = "conflict"        // the state, or an idempotency key, says no: 409
	Rule            Kind = "rule"            // well formed, but a business rule refuses it: 422
	TooMany         Kind = "too_many"        // throttled: 429
	Unavailable     Kind = "unavailable"     // the store is gone, full or busy; try again: 503
	Internal        Kind = "internal"        // our own mistake: 500
)

// Fault is an error that carries everything a face needs.
type Fault struct {
	Kind    Kind
	Code    string            // stable, lower_snake; scripts may branch on it
	Message string            // safe to show
	Fields  map[string]string // field name → what is wrong and what would be right
	Cause   error             // for logs only
}

func (f *Fault) Error() string {
	var b strings.Builder
	b.WriteString(string(f.Kind))
	if f.Code != "" && f.Code != string(f.Kind) {
		b.WriteString(" " + f.Code)
	}
	b.WriteString(": " + f.Message)
	if len(f.Fields) > 0 {
		names := make([]string, 0, len(f.Fields))
		for n := range f.Fields {
			names = append(names, n)
		}
		sort.Strings(names)
		for _, n := range names {
			b.WriteString("; " + n + ": " + f.Fields[n])
		}
	}
	if f.Cause != nil {
		b.WriteString(": " + f.Cause.Error())
	}
	return b.String()
}

func (f *Fault) Unwrap() error { return f.Cause }

// New makes a fault; format and args make its message.
func New(kind Kind, code, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap makes a fault around a cause that only logs may show.
func Wrap(cause error, kind Kind, code, format string, args ...any) *Fault {
	f := New(kind, code, format, args...)
	f.Cause = cause
	return f
}

// Unknown is the answer to an unknown id and to another tenant's id alike, so
// that nobody can probe what exists. noun is the thing asked for ("order").
func Unknown(noun string) *Fault {
	return New(NotFound, "not_found", "no such %s", noun)
}

// Field is a form error in a single field.
func Field(name, format string, args ...any) *Fault {
	text := fmt.Sprintf(format, args...)
	return &Fault{Kind: Invalid, Code: "invalid", Message: "the input has an error in " + name, Fields: map[string]string{name: text}}
}

// Fields collects form errors; Err is nil as long as none was added.
type Fields map[string]string

// Add notes an error; the first one of a field stays.
func (f Fields) Add(name, format string, args ...any) {
	if _, there := f[name]; !there {
		f[name] = fmt.Sprintf(format, args...)
	}
}

// Err gives the fault, or nil when every field was right.
func (f Fields) Err() error {
	if len(f) == 0 {
		return nil
	}
	names := make([]string, 0, len(f))
	for n := range f {
		names = append(names, n)
	}
	sort.Strings(names)
	return &Fault{Kind: Invalid, Code: "invalid", Message: "the input has errors in " + strings.Join(names, ", "), Fields: f}
}

// As finds the Fault in a chain of errors.
func As(err error) (*Fault, bool) {
	var f *Fault
	ok := errors.As(err, &f)
	return f, ok
}

// KindOf is the kind of an error; anything that is no Fault is Internal.
func KindOf(err error) Kind {
	if f, ok := As(err); ok {
		return f.Kind
	}
	return Internal
}

// Is tells whether err carries the given code.
func Is(err error, code string) bool {
	f, ok := As(err)
	return ok && f.Code == code
}

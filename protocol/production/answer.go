package production

import (
	"strings"
	"time"
)

// Answer is what the network gave back for one call. Exactly one of these holds:
// TimedOut or TransportErr is set (nothing is known), TooLarge is set (the body was
// cut off at the caller's limit), or Status, Headers and Body are the whole answer.
type Answer struct {
	Status       int
	Headers      map[string][]string // any spelling of the names
	Body         []byte              // raw bytes, never unpacked or decoded
	TransportErr error               // connection, TLS or reading failed
	TimedOut     bool
	TooLarge     bool
}

// Header returns every value of a header, whatever the case of its name.
func (a Answer) Header(name string) []string {
	var values []string
	for n, v := range a.Headers {
		if strings.EqualFold(n, name) {
			values = append(values, v...)
		}
	}
	return values
}

// Header is one request header; requests keep them in the order of sending.
type Header struct{ Name, Value string }

// Request is one call, complete and signed: send exactly these bytes. Headers
// leaves out Host, User-Agent and Content-Length, which the client adds.
type Request struct {
	Method  string
	URL     string // absolute, already percent-encoded
	Headers []Header
	Body    []byte // nil for GET
}

// Time-outs of one call, connecting included.
// spec: 01 §2.1
const (
	TimeoutV1     = 20 * time.Second
	TimeoutV2     = 5 * time.Second
	TimeoutNotify = 5 * time.Second
)

// MaxBody is how many bytes of an answer are read; a longer one is TooLarge. The
// longest honest answer, 100 instances with every field full and every character of
// the memos escaped, stays below it.
const MaxBody = 900 << 10

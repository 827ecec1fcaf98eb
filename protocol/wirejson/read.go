package wirejson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind is the JSON type of a Value.
type Kind int

// The JSON types.
const (
	Null Kind = iota
	Bool
	Number
	String
	Array
	Object
)

// Value is one parsed JSON value. Text holds the content of a String (escapes
// resolved, always valid UTF-8), the exact characters of a Number, or "true" and
// "false". Members keep the order of the text.
type Value struct {
	Kind    Kind
	Text    string
	Members []Member
	Items   []Value
}

// Member is a name with its value inside an Object.
type Member struct {
	Name  string
	Value Value
}

// MaxDepth is how deeply objects and arrays may be nested before Parse refuses.
const MaxDepth = 64

// Errors of Parse. A DuplicateError is the fifth kind.
var (
	ErrBOM    = errors.New("body begins with a byte order mark")
	ErrUTF8   = errors.New("body is not valid UTF-8")
	ErrSyntax = errors.New("body is not JSON")
	ErrDepth  = errors.New("body is nested too deeply")
)

// DuplicateError says that a name occurs twice in one object: two readers could
// then see two different messages under one signature.
type DuplicateError struct{ Name string }

func (e *DuplicateError) Error() string { return fmt.Sprintf("name %q occurs twice", e.Name) }

var bom = []byte{0xEF, 0xBB, 0xBF}

// Parse reads exactly one JSON value. An escape that names half a surrogate pair
// becomes U+FFFD; everything else that is not JSON is refused.
// spec: 02 §1.11
func Parse(body []byte) (Value, error) {
	if bytes.HasPrefix(body, bom) {
		return Value{}, ErrBOM
	}
	if !utf8.Valid(body) {
		return Value{}, ErrUTF8
	}
	// Valid first: the token reader alone is more lenient than the grammar.
	if !json.Valid(body) {
		return Value{}, ErrSyntax
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	return readValue(decoder, 0)
}

// ParseObject is Parse for a text that must hold an object.
func ParseObject(body []byte) (Value, error) {
	v, err := Parse(body)
	if err == nil && v.Kind != Object {
		return Value{}, ErrSyntax
	}
	return v, err
}

func readValue(d *json.Decoder, depth int) (Value, error) {
	if depth > MaxDepth {
		return Value{}, ErrDepth
	}
	token, err := d.Token()
	if err != nil {
		return Value{}, ErrSyntax
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			return readObject(d, depth)
		}
		return readArray(d, depth)
	case string:
		return Value{Kind: String, Text: t}, nil
	case json.Number:
		return Value{Kind: Number, Text: t.String()}, nil
	case bool:
		if t {
			return Value{Kind: Bool, Text: "true"}, nil
		}
		return Value{Kind: Bool, Text: "false"}, nil
	default:
		return Value{Kind: Null}, nil
	}
}

func readObject(d *json.Decoder, depth int) (Value, error) {
	v := Value{Kind: Object}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return Value{}, ErrSyntax
		}
		name, _ := token.(string)
		if seen[name] {
			return Value{}, &DuplicateError{Name: name}
		}
		seen[name] = true
		member, err := readValue(d, depth+1)
		if err != nil {
			return Value{}, err
		}
		v.Members = append(v.Members, Member{Name: name, Value: member})
	}
	_, err := d.Token()
	return v, err
}

func readArray(d *json.Decoder, depth int) (Value, error) {
	v := Value{Kind: Array}
	for d.More() {
		item, err := readValue(d, depth+1)
		if err != nil {
			return Value{}, err
		}
		v.Items = append(v.Items, item)
	}
	_, err := d.Token()
	return v, err
}

// Get returns the member called name. A member that is null counts as absent.
func (v Value) Get(name string) (Value, bool) {
	for _, m := range v.Members {
		if m.Name == name {
			return m.Value, m.Value.Kind != Null
		}
	}
	return Value{}, false
}

// StringOf returns the text of a String member; ok is false when it is absent,
// null or of another type.
func (v Value) StringOf(name string) (text string, ok bool) {
	m, present := v.Get(name)
	if !present || m.Kind != String {
		return "", false
	}
	return m.Text, true
}

// PlainDecimal rewrites a JSON number or decimal text exactly, without exponent,
// leading zeros, trailing zeros after the point, or a negative zero. It refuses
// anything that is not a decimal and anything of more than 40 digits.
func PlainDecimal(text string) (string, bool) {
	s := text
	negative := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	exponent := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		e := s[i+1:]
		down := strings.HasPrefix(e, "-")
		e = strings.TrimLeft(strings.TrimPrefix(strings.TrimPrefix(e, "-"), "+"), "0")
		if !digits(s[i+1+signLength(s[i+1:]):]) || len(e) > 2 {
			return "", false
		}
		for _, c := range e {
			exponent = exponent*10 + int(c-'0')
		}
		if down {
			exponent = -exponent
		}
		s = s[:i]
	}
	whole, fraction, point := strings.Cut(s, ".")
	if !digits(whole) || point && !digits(fraction) {
		return "", false
	}
	number, scale := whole+fraction, len(fraction)-exponent
	if scale < 0 {
		number, scale = number+strings.Repeat("0", -scale), 0
	}
	if len(number) <= scale {
		number = strings.Repeat("0", scale-len(number)+1) + number
	}
	whole, fraction = number[:len(number)-scale], number[len(number)-scale:]
	whole, fraction = strings.TrimLeft(whole, "0"), strings.TrimRight(fraction, "0")
	if len(whole)+len(fraction) > 40 {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	result := whole
	if fraction != "" {
		result += "." + fraction
	}
	if negative && result != "0" {
		result = "-" + result
	}
	return result, true
}

func signLength(s string) int {
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return 1
	}
	return 0
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

package wirejson

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Obj is an object to be written: values are string, int, int64, bool, Obj, []any or Value.
type Obj map[string]any

// MaxInteger is the largest integer that every seller's reader keeps exact.
// spec: 02 §2.1
const MaxInteger = 1 << 53

// Canonical writes o compactly with names ascending at every level, UTF-8 raw,
// only what JSON demands escaped, and no newline at the end. It refuses invalid
// UTF-8, integers of 2^53 and more, and types it does not know.
// spec: 11 §2, 02 §2.1
func Canonical(o Obj) ([]byte, error) {
	var b strings.Builder
	if err := write(&b, o); err != nil {
		return nil, err
	}
	return []byte(b.String()), nil
}

// Text writes any value that Canonical accepts as a member.
func Text(v any) (string, error) {
	var b strings.Builder
	err := write(&b, v)
	return b.String(), err
}

func write(b *strings.Builder, v any) error {
	switch v := v.(type) {
	case string:
		return quote(b, v)
	case int:
		return write(b, int64(v))
	case int64:
		if v >= MaxInteger || v <= -MaxInteger {
			return fmt.Errorf("integer %d is not exact at every seller", v)
		}
		b.WriteString(strconv.FormatInt(v, 10))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case Obj:
		return writeObject(b, v)
	case []any:
		b.WriteByte('[')
		for i, item := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := write(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
	case Value:
		return writeValue(b, v)
	default:
		return fmt.Errorf("type %T has no place on the wire", v)
	}
	return nil
}

func writeObject(b *strings.Builder, o Obj) error {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	slices.SortFunc(names, CompareUTF16)
	b.WriteByte('{')
	for i, name := range names {
		if i > 0 {
			b.WriteByte(',')
		}
		if err := quote(b, name); err != nil {
			return err
		}
		b.WriteByte(':')
		if err := write(b, o[name]); err != nil {
			return err
		}
	}
	b.WriteByte('}')
	return nil
}

func writeValue(b *strings.Builder, v Value) error {
	switch v.Kind {
	case String:
		return quote(b, v.Text)
	case Number, Bool:
		b.WriteString(v.Text)
	case Null:
		b.WriteString("null")
	case Array:
		items := make([]any, len(v.Items))
		for i, item := range v.Items {
			items[i] = item
		}
		return write(b, items)
	case Object:
		o := Obj{}
		for _, m := range v.Members {
			o[m.Name] = m.Value
		}
		return writeObject(b, o)
	}
	return nil
}

var shortEscapes = map[rune]string{
	'"': `\"`, '\\': `\\`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`,
}

func quote(b *strings.Builder, s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("%q is not valid UTF-8", s)
	}
	b.WriteByte('"')
	for _, r := range s {
		switch short, found := shortEscapes[r]; {
		case found:
			b.WriteString(short)
		case r < 0x20:
			fmt.Fprintf(b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return nil
}

// CompareUTF16 orders two names by their UTF-16 code units, which is the order of
// a Java TreeMap and differs from Go's byte order beyond U+FFFF.
// spec: 10 §6.1
func CompareUTF16(a, b string) int {
	return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
}

// Spell replaces by a blank the characters that re-serialising sellers spell in
// different ways: U+2028, U+2029 and control characters other than tab, newline
// and carriage return.
// spec: 02 §2.2
func Spell(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return r
		case r < 0x20 || r == 0x2028 || r == 0x2029:
			return ' '
		default:
			return r
		}
	}, s)
}

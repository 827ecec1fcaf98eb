package explain

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"

	"github.com/souk-market/souk/protocol/wirejson"
)

// spelling is one way in which programs write the JSON they have read.
type spelling struct {
	sorted, blanks, ascii, html, slashes, noNulls, texts bool
}

// spellings are those of the usual libraries.
// spec: 11 §2, 02 §2.2
var spellings = []spelling{
	{sorted: true}, {},
	{sorted: true, noNulls: true}, {noNulls: true},
	{blanks: true}, {sorted: true, blanks: true},
	{blanks: true, ascii: true}, {sorted: true, blanks: true, ascii: true},
	{ascii: true}, {sorted: true, ascii: true},
	{html: true}, {sorted: true, html: true},
	{slashes: true}, {slashes: true, ascii: true}, {sorted: true, slashes: true}, {sorted: true, slashes: true, ascii: true},
	{sorted: true, texts: true}, {sorted: true, texts: true, noNulls: true},
}

// write spells a value; what JSON demands to be escaped is escaped always.
func (s spelling) write(b *strings.Builder, v wirejson.Value) {
	comma, colon := ",", ":"
	if s.blanks {
		comma, colon = ", ", ": "
	}
	switch v.Kind {
	case wirejson.Null:
		b.WriteString("null")
	case wirejson.Number, wirejson.Bool:
		if s.texts {
			s.quote(b, v.Text)
			return
		}
		b.WriteString(v.Text)
	case wirejson.String:
		s.quote(b, v.Text)
	case wirejson.Array:
		b.WriteByte('[')
		for i, item := range v.Items {
			if i > 0 {
				b.WriteString(comma)
			}
			s.write(b, item)
		}
		b.WriteByte(']')
	case wirejson.Object:
		b.WriteByte('{')
		first := true
		for _, m := range s.order(v.Members) {
			if s.noNulls && m.Value.Kind == wirejson.Null {
				continue
			}
			if !first {
				b.WriteString(comma)
			}
			first = false
			s.quote(b, m.Name)
			b.WriteString(colon)
			s.write(b, m.Value)
		}
		b.WriteByte('}')
	}
}

func (s spelling) order(members []wirejson.Member) []wirejson.Member {
	if !s.sorted {
		return members
	}
	return byMember(members, wirejson.CompareUTF16)
}

func (s spelling) quote(b *strings.Builder, text string) {
	plain, _ := wirejson.Text(text)
	for _, r := range plain {
		switch {
		case s.slashes && r == '/':
			b.WriteString(`\/`)
		case s.html && strings.ContainsRune("<>&\u2028\u2029", r):
			fmt.Fprintf(b, `\u%04x`, r)
		case s.ascii && r > 0x7e:
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(b, `\u%04x`, unit)
			}
		default:
			b.WriteRune(r)
		}
	}
}

// bodyWays are the mistakes in the bytes of a body; set puts other bytes into a recipe.
func bodyWays[T any](body []byte, get func(T) []byte, set func(*T, []byte)) []way[T] {
	var ways []way[T]
	seen := map[string]bool{string(body): true}
	fixed := func(code Code, text []byte) {
		if !seen[string(text)] {
			seen[string(text)] = true
			ways = append(ways, way[T]{code, func(r T) (T, string) { set(&r, text); return r, visible(string(text)) }})
		}
	}
	// The plainest name of a text comes first: what is a missing newline is no re-serialising.
	fixed(TrailingNewline, bytes.TrimRight(body, "\r\n"))
	fixed(Trimmed, bytes.TrimSpace(body))
	if object, err := wirejson.Parse(body); err == nil {
		for _, s := range spellings {
			var b strings.Builder
			s.write(&b, object)
			fixed(Reserialised, []byte(b.String()))
		}
		if object.Kind == wirejson.Object {
			var b strings.Builder
			spelling{}.write(&b, wirejson.Value{Kind: wirejson.Object, Members: byMember(object.Members, func(a, b string) int { return wirejson.CompareUTF16(b, a) })})
			fixed(Unsorted, []byte(b.String()))
		}
		for _, indent := range []string{"  ", "    ", "\t"} {
			var pretty bytes.Buffer
			if json.Indent(&pretty, body, "", indent) == nil {
				fixed(Reserialised, pretty.Bytes())
			}
		}
	}
	fixed(NotUTF8, []byte(questionMarks(string(body))))
	for _, end := range []string{"\n", "\r\n"} {
		ways = append(ways, way[T]{TrailingNewline, func(r T) (T, string) {
			longer := append(bytes.Clone(get(r)), end...)
			set(&r, longer)
			return r, visible(end)
		}})
	}
	ways = append(ways,
		way[T]{BOM, func(r T) (T, string) { set(&r, append([]byte("\uFEFF"), get(r)...)); return r, `\uFEFF` }},
		way[T]{BodyEmpty, func(r T) (T, string) { set(&r, nil); return r, "0" }},
	)
	if rest, found := bytes.CutPrefix(body, []byte("\uFEFF")); found {
		fixed(BOM, rest)
	}
	return ways
}

package backup

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/engine/database"
)

// What is written is read again, whatever a column holds; a line that was cut or lengthened is told.
func TestRowsComeBack(t *testing.T) {
	kinds := []database.Kind{database.BigInt, database.Text, database.Boolean, database.Bytea}
	texts := rapid.OneOf(rapid.String(), rapid.StringMatching(`[\\"\[\]{},:\n]*`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		var columns []database.Column
		var values []any
		for range rapid.IntRange(1, 6).Draw(t, "columns") {
			kind := rapid.SampledFrom(kinds).Draw(t, "kind")
			columns = append(columns, database.Column{Name: "c", Kind: kind})
			var v any
			if rapid.IntRange(0, 5).Draw(t, "null") > 0 {
				switch kind {
				case database.BigInt:
					v = rapid.Int64().Draw(t, "n")
				case database.Boolean:
					v = rapid.Bool().Draw(t, "yes")
				case database.Bytea:
					v = rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
				default:
					v = texts.Draw(t, "text")
				}
			}
			values = append(values, v)
		}
		var b bytes.Buffer
		if err := encodeRow(&b, columns, values); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n != 1 {
			t.Fatalf("%d lines: %q", n, b.String())
		}
		got, err := decodeRow(b.Bytes(), columns)
		if err != nil {
			t.Fatalf("%q: %v", b.String(), err)
		}
		for i, v := range values {
			if x, ok := v.([]byte); ok && len(x) == 0 {
				values[i] = []byte{}
			}
		}
		if !reflect.DeepEqual(got, values) {
			t.Fatalf("%q: got %#v, want %#v", b.String(), got, values)
		}
		whole := b.Bytes()
		for _, bad := range [][]byte{whole[:len(whole)-1], whole[:len(whole)-2], whole[:len(whole)/2], whole[1:], append(bytes.Clone(whole[:len(whole)-2]), ",1]\n"...), nil} {
			if _, err := decodeRow(bad, columns); err == nil {
				t.Fatalf("%q is taken for a row", bad)
			}
		}
	})
}

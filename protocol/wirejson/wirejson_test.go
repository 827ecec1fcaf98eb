package wirejson

import (
	"encoding/json"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestParseNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       error
	}{
		{"byte order mark", "\xEF\xBB\xBF{}", ErrBOM},
		{"Latin-1 bytes", "{\"a\":\"\xE9\"}", ErrUTF8},
		{"web page", "<html>", ErrSyntax},
		{"trailing comma", `{"a":1,}`, ErrSyntax},
		{"two values", `{} {}`, ErrSyntax},
		{"leading zero", `{"a":01}`, ErrSyntax},
		{"array instead of object", `[]`, ErrSyntax},
		{"empty", ``, ErrSyntax},
	} {
		if _, err := ParseObject([]byte(c.body)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	var duplicate *DuplicateError
	if _, err := Parse([]byte(`{"x":{"a":1,"\u0061":2}}`)); !errors.As(err, &duplicate) || duplicate.Name != "a" {
		t.Errorf("duplicate: got %v", err)
	}
}

func TestParseKeepsNumbersAndTreatsNullAsAbsent(t *testing.T) {
	v, err := ParseObject([]byte(`{"n":12345678901234567890.10,"z":null,"s":"\ud83d\ude00\ud83d"}`))
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := v.Get("n"); n.Text != "12345678901234567890.10" {
		t.Errorf("number became %q", n.Text)
	}
	if _, present := v.Get("z"); present {
		t.Error("null counted as present")
	}
	if s, _ := v.StringOf("s"); s != "😀\uFFFD" {
		t.Errorf("surrogates became %q", s)
	}
}

func TestPlainDecimal(t *testing.T) {
	for in, want := range map[string]string{
		"1": "1", "0": "0", "-0": "0", "-0.0": "0", "1.50": "1.5", "100.00": "100", "1e3": "1000", "1.25E-2": "0.0125",
		"12.5e+1": "125", "007": "7", "-3.10": "-3.1", "0e99": "0",
	} {
		if got, ok := PlainDecimal(in); !ok || got != want {
			t.Errorf("%s: got %q %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"", "-", ".", "1.", ".5", "1e", "1e-", "1e99", "1e999999999", "NaN", "0x1", " 1", "1 ", "+1", "--1", "1_0"} {
		if got, ok := PlainDecimal(in); ok {
			t.Errorf("%q was accepted as %q", in, got)
		}
	}
}

func TestCanonicalSpelling(t *testing.T) {
	got, err := Canonical(Obj{"b": "<&>/中\u2028\"\\\n", "B": 1, "_": Obj{"z": "", "a": []any{int64(2), true}}})
	want := "{\"B\":1,\"_\":{\"a\":[2,true],\"z\":\"\"},\"b\":\"<&>/中\u2028\\\"\\\\\\n\"}"
	if err != nil || string(got) != want {
		t.Errorf("got %s %v", got, err)
	}
	for _, bad := range []Obj{{"a": "\xff"}, {"a": int64(MaxInteger)}, {"a": 1.5}, {"a": nil}} {
		if _, err := Canonical(bad); err == nil {
			t.Errorf("%v was written", bad)
		}
	}
	if CompareUTF16("\U0001F600", "\uFF01") >= 0 {
		t.Error("names beyond U+FFFF must sort before U+FF01, as in Java")
	}
	if got := Spell("a\u2028b\x01c\td\ne"); got != "a b c\td\ne" {
		t.Errorf("Spell gave %q", got)
	}
}

// What is written canonically reads back, and writing it again changes nothing.
func TestCanonicalIsAFixedPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := Obj{}
		for name, text := range rapid.MapOf(rapid.String(), rapid.String()).Draw(t, "object") {
			o[name] = text
		}
		first, err := Canonical(o)
		if err != nil {
			t.Fatal(err)
		}
		v, err := Parse(first)
		if err != nil {
			t.Fatal(err)
		}
		if again, _ := Text(v); again != string(first) {
			t.Fatalf("%s became %s", first, again)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,2,{"b":null}],"c":"\ud800"}`, `[1e5]`, "\xEF\xBB\xBF{}", `{"a":1,"a":2}`, `{"a":01}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := Parse(body)
		if err != nil {
			return
		}
		text, err := Text(v)
		if err != nil {
			t.Fatalf("read %q but could not write it: %v", body, err)
		}
		if !json.Valid([]byte(text)) {
			t.Fatalf("%q became invalid JSON %q", body, text)
		}
	})
}

func FuzzPlainDecimal(f *testing.F) {
	for _, seed := range []string{"1", "-1.50", "1e-3", "0e0", "9e40"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if plain, ok := PlainDecimal(text); ok {
			if again, ok := PlainDecimal(plain); !ok || again != plain {
				t.Fatalf("%q became %q and then %q", text, plain, again)
			}
		}
	})
}

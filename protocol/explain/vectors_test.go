package explain

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/souk-market/souk/protocol/aksk"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/sealed"
)

func load(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func codes(r Result) string {
	var all []string
	for _, c := range r.Causes {
		all = append(all, string(c.Code))
	}
	return strings.Join(all, " ")
}

func wire(params []v1.Param) string {
	texts := make([]string, len(params))
	for i, p := range params {
		texts[i] = v1.Encode(p.Name) + "=" + v1.Encode(p.Value)
	}
	return strings.Join(texts, "&")
}

// The vectors that are wrong on purpose are named for what they are.
var wrongVectors = map[string]string{
	"A with the values signed URL-encoded":   "url-encoded",
	"C signed with %2C":                      "url-encoded",
	"basic rule instead of the kit rule":     "kit-prehashed",
	"kit rule on a basic call":               "kit-rule",
	"HTML escaping":                          "reserialised",
	"blank added":                            "trimmed",
	"newline added under the same signature": "trailing-newline",
	"without quotes":                         "body-sign-form",
	"SHA-1":                                  "body-sign-form",
	"a value added":                          "parameter-left-out",
}

func check(t *testing.T, name string, valid bool, r Result, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if r.Equal != valid || valid && len(r.Causes) > 0 {
		t.Errorf("%s: equal %v, causes %s, want %s", name, r.Equal, codes(r), r.Want)
	}
	if cause, listed := wrongVectors[name]; listed && !valid && codes(r) != cause {
		t.Errorf("%s: causes %q, want %q", name, codes(r), cause)
	}
}

func TestVectorsV1(t *testing.T) {
	var v struct {
		AuthToken []struct {
			Name  string
			Input struct {
				AccessKey string `json:"access_key"`
				Params    []v1.Param
			}
			Expected string
			Valid    bool
		} `json:"auth_token"`
	}
	load(t, "../production/v1/testdata/auth_token.json", &v)
	for _, c := range v.AuthToken {
		r, err := V1(Input{Key: c.Input.AccessKey, Query: wire(c.Input.Params) + "&authToken=x", Got: c.Expected})
		check(t, c.Name, c.Valid, r, err)
	}
}

type stamped struct {
	Name  string
	Input struct {
		AccessKey                  string `json:"access_key"`
		Nonce, Timestamp, TS, Body string
		Headers                    [][2]string
	}
	Expected any
	Valid    bool
}

func (s stamped) expected(member string) string {
	if text, ok := s.Expected.(string); ok {
		return text
	}
	text, _ := s.Expected.(map[string]any)[member].(string)
	return text
}

func TestVectorsOverABody(t *testing.T) {
	for _, file := range []struct {
		path, member string
		explain      func(Input) (Result, error)
		count        int
	}{
		{"../production/v2/testdata/signature.json", "signature", V2, 21},
		{"../ordernotify/testdata/signature.json", "signature", V2, 1},
		{"../kit/testdata/x_sign.json", "", Kit, 6},
		{"../kit/testdata/auth_token.json", "auth_token", KitV1, 5},
		{"../usagepush/testdata/signature.json", "", Usage, 3},
	} {
		var vectors []stamped
		load(t, file.path, &vectors)
		if len(vectors) != file.count {
			t.Errorf("%s has %d vectors", file.path, len(vectors))
		}
		for _, c := range vectors {
			i := c.Input
			r, err := file.explain(Input{Key: i.AccessKey, Nonce: i.Nonce, Timestamp: i.Timestamp + i.TS, Body: []byte(i.Body), Got: c.expected(file.member)})
			check(t, c.Name, c.Valid, r, err)
		}
	}
}

func TestVectorsBodySign(t *testing.T) {
	var vectors []stamped
	load(t, "../production/v1/testdata/body_sign.json", &vectors)
	for _, c := range vectors {
		if len(c.Input.Headers) != 1 || !strings.EqualFold(c.Input.Headers[0][0], v1.BodySignHeader) || c.Input.Headers[0][1] == "" {
			continue // about which headers count, not about their values
		}
		r, err := Body(Input{Key: c.Input.AccessKey, Body: []byte(c.Input.Body), Got: c.Input.Headers[0][1]})
		check(t, c.Name, c.Valid, r, err)
		if c.Valid {
			r, err := Body(Input{Key: c.Input.AccessKey, Body: []byte(c.Input.Body), Got: c.expected("")})
			check(t, c.Name+", bare", true, r, err)
		}
	}
}

func TestVectorsAKSK(t *testing.T) {
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey                  string `json:"access_key"`
			SecretKey                  string `json:"secret_key"`
			Method, Target, Host, Body string
			Header                     map[string]string
			Signed                     []string
		}
		Expected struct{ Signature, Hash string }
		Valid    bool
	}
	load(t, "../aksk/testdata/vectors.json", &vectors)
	for _, c := range vectors {
		i := c.Input
		header := map[string][]string{}
		for name, value := range i.Header {
			header[name] = []string{value}
		}
		got := aksk.Algorithm + " Access=" + i.AccessKey + ", SignedHeaders=" + strings.Join(i.Signed, ";") + ", Signature=" + c.Expected.Signature
		r, err := AKSK(Input{Key: i.SecretKey, AccessKey: i.AccessKey, Signed: i.Signed, Got: got,
			Request: aksk.Request{Method: i.Method, Target: i.Target, Host: i.Host, Header: header, Body: []byte(i.Body)}})
		check(t, c.Name, c.Valid, r, err)
	}
}

func TestVectorsSealed(t *testing.T) {
	var v struct {
		Derive []struct {
			Name  string
			Input struct {
				AccessKey string `json:"access_key"`
				Bits      sealed.Bits
			}
			Expected string
			Valid    bool
		}
		Seal []struct {
			Name  string
			Input struct {
				AccessKey     string `json:"access_key"`
				Bits          sealed.Bits
				IV, Plaintext string
			}
			Expected string
			Valid    bool
		}
	}
	load(t, "../sealed/testdata/aes.json", &v)
	for _, c := range v.Derive {
		r, err := Sealed(Input{Key: c.Input.AccessKey, Bits: c.Input.Bits, Got: "x"})
		if err != nil || (r.Steps[1].Value == c.Expected) != c.Valid {
			t.Errorf("%s: %v %v", c.Name, r.Steps, err)
		}
		if !c.Valid && string(unsignedCarryHex(c.Input.AccessKey, c.Input.Bits)) != c.Expected {
			t.Errorf("%s: the wrong way is made wrongly", c.Name)
		}
	}
	for _, c := range v.Seal {
		in := Input{Key: c.Input.AccessKey, Bits: c.Input.Bits, Got: c.Expected, Plain: c.Input.Plaintext}
		r, err := Sealed(in)
		check(t, c.Name, c.Valid, r, err)
		if in.Bits = sealed.AES128 + sealed.AES256 - in.Bits; c.Valid {
			if r, err = Sealed(in); err != nil || r.Equal || codes(r) != "other-key-length" {
				t.Errorf("%s under the other length: %s %v", c.Name, codes(r), err)
			}
		}
	}
}

// What is wanted and the intermediates are there without anything to compare.
func TestASignatureAlone(t *testing.T) {
	r, err := V2(Input{Key: "d2f0a9c4-6b1e-4f37-8a55-0c9e7b31d8aa", Nonce: "00000000000000000000000000000000", Timestamp: "1700000000000", Body: []byte("{}")})
	if err != nil || r.Equal || len(r.Causes) != 0 || r.Want != "D5432675F7561F5874330D0F2DF9713F5E9DAB35C97DA5352AB1B90CF43F35ED" {
		t.Errorf("%+v %v", r, err)
	}
	if r.Steps[1].Name != "inner" || r.Steps[1].Value != "a76db4d6d573925b97ab53767111521bf9ea507097d3d5508905e99ca96f7c72" {
		t.Errorf("%+v", r.Steps)
	}
	if r, err := V2(Input{Key: "d2f0a9c4-6b1e-4f37-8a55-0c9e7b31d8aa", Nonce: "00000000000000000000000000000000", Timestamp: "1700000000000", Body: []byte("{}"), Got: strings.ToLower(r.Want)}); err != nil || !r.Equal {
		t.Errorf("lower case: %+v %v", r, err)
	}
}

func TestUnusableInput(t *testing.T) {
	date := map[string][]string{"X-Sdk-Date": {"20260115T083000Z"}}
	for _, c := range []struct {
		kind  Kind
		in    Input
		field string
	}{
		{KindV1, Input{}, "key"},
		{"v3", Input{Key: "k"}, "kind"},
		{KindV1, Input{Key: "k"}, "query"},
		{KindV1, Input{Key: "k", Query: "a=1"}, "query"},
		{KindV1, Input{Key: "k", Query: "a=%zz&timeStamp=1"}, "query"},
		{KindV1, Input{Key: "k", Query: "a=%ff&timeStamp=1"}, "query"},
		{KindV2, Input{Key: "k", Timestamp: "1"}, "nonce"},
		{KindV2, Input{Key: "k", Nonce: "n"}, "timestamp"},
		{KindKit, Input{Key: "k", Nonce: "n", Timestamp: "1e3"}, "timestamp"},
		{KindUsage, Input{Key: "k", Nonce: "n", Timestamp: "x"}, "ts"},
		{KindKitV1, Input{Key: "k", Body: []byte("[]")}, "body"},
		{KindKitV1, Input{Key: "k", Body: []byte(`{"a":"1"}`)}, "body"},
		{KindAKSK, Input{Key: "k"}, "ak"},
		{KindAKSK, Input{Key: "k", AccessKey: "a"}, "date"},
		{KindAKSK, Input{Key: "k", AccessKey: "a", Signed: []string{"x-sdk-date", "x"}, Request: aksk.Request{Header: date}}, "header"},
		{KindSealed, Input{Key: "k", Got: "x"}, "type"},
		{KindSealed, Input{Key: "k", Bits: 128}, "got"},
		{KindSealed, Input{Key: "k", Bits: 128, Got: "x", IV: "short"}, "iv"},
	} {
		_, err := Explain(c.kind, c.in)
		if wrong, ok := err.(*InputError); !ok || wrong.Field != c.field || wrong.Right == "" || wrong.Problem == "" {
			t.Errorf("%s %+v: %v", c.kind, c.in, err)
		}
	}
}

func TestEveryCodeHasBothTexts(t *testing.T) {
	for _, code := range Codes() {
		chinese, english := Text(code, Chinese), Text(code, English)
		if chinese == "" || english == "" || chinese == english || !strings.HasSuffix(chinese, "。") || !strings.HasSuffix(english, ".") {
			t.Errorf("%s: %q %q", code, chinese, english)
		}
	}
	if Text("unheard-of", English) != "unheard-of" {
		t.Error("an unknown code")
	}
}

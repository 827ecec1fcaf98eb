package v1

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/souk-market/souk/protocol/production"
)

const vectorKey = "0b1e4a52-7c3d-4f60-9a81-2d5c6e7f8091"

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

type tokenVectors struct {
	AuthToken []struct {
		Name  string
		Input struct {
			AccessKey       string `json:"access_key"`
			TimeStamp       string `json:"time_stamp"`
			Params          []Param
			Canonical       string
			CanonicalBytes  int    `json:"canonical_bytes"`
			CanonicalSHA256 string `json:"canonical_sha256"`
			EncodedToken    string `json:"encoded_token"`
		}
		Expected string
		Valid    bool
		Source   string
	} `json:"auth_token"`
	Extension struct {
		Input    []Extension
		Expected string
	}
	Encoding []struct{ Name, Input, Expected string }
}

func TestVectorsAuthToken(t *testing.T) {
	var v tokenVectors
	load(t, "testdata/auth_token.json", &v)
	if len(v.AuthToken) != 6 || len(v.Encoding) != 2 {
		t.Fatal("vectors are missing")
	}
	address, err := ParseAddress("https://www.example.test/saasproduce")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range v.AuthToken {
		if got := AuthToken(c.Input.Params, c.Input.AccessKey, c.Input.TimeStamp); (got == c.Expected) != c.Valid {
			t.Errorf("%s (%s): got %s", c.Name, c.Source, got)
		}
		canonical := Canonical(c.Input.Params)
		sum := sha256.Sum256([]byte(canonical))
		if c.Input.Canonical != "" && canonical != c.Input.Canonical ||
			c.Input.CanonicalSHA256 != "" && (hex.EncodeToString(sum[:]) != c.Input.CanonicalSHA256 || len(canonical) != c.Input.CanonicalBytes) {
			t.Errorf("%s: canonical string is %q", c.Name, canonical)
		}
		// The same vector on the wire, and as a server reads it.
		var unstamped []Param
		for _, p := range c.Input.Params {
			if p.Name != "timeStamp" {
				unstamped = append(unstamped, p)
			}
		}
		request := Sign(unstamped, address, c.Input.AccessKey, c.Input.TimeStamp)
		_, query, _ := strings.Cut(request.URL, "?")
		if c.Input.EncodedToken != "" && !strings.HasSuffix(query, "&authToken="+c.Input.EncodedToken) {
			t.Errorf("%s: token travels as %s", c.Name, query)
		}
		if c.Valid {
			if got, err := Verify(query, "old-key", c.Input.AccessKey); err != nil || got.KeyIndex != 1 || len(got.Params) != len(c.Input.Params) {
				t.Errorf("%s: server read %v %v", c.Name, got, err)
			}
		} else {
			cut := query[:strings.Index(query, "authToken=")]
			if _, err := Verify(cut+"authToken="+Encode(c.Expected), c.Input.AccessKey); err == nil {
				t.Errorf("%s: server accepted the wrong token", c.Name)
			}
		}
	}
	if got := extensions(v.Extension.Input); got != v.Extension.Expected {
		t.Errorf("extension parameters: %s", got)
	}
	for _, c := range v.Encoding {
		if got := Encode(c.Input); got != c.Expected {
			t.Errorf("%s: %s", c.Name, got)
		}
	}
}

type bodySignVector struct {
	Name  string
	Input struct {
		AccessKey string `json:"access_key"`
		Body      string
		Headers   [][2]string
	}
	Expected string
	Valid    bool
	Source   string
}

func TestVectorsBodySign(t *testing.T) {
	var vectors []bodySignVector
	load(t, "testdata/body_sign.json", &vectors)
	if len(vectors) != 18 {
		t.Fatal("vectors are missing")
	}
	for _, c := range vectors {
		answer := production.Answer{Body: []byte(c.Input.Body), Headers: map[string][]string{}}
		for _, h := range c.Input.Headers {
			answer.Headers[h[0]] = append(answer.Headers[h[0]], h[1])
		}
		_, reason, expected := VerifyBodySign(answer.Header(BodySignHeader), answer.Body, c.Input.AccessKey)
		if c.Valid {
			if reason != production.ReasonNone {
				t.Errorf("%s (%s): %s", c.Name, c.Source, reason)
			}
			made, ok := ParseBodySign(MakeBodySign(c.Input.AccessKey, answer.Body))
			if !ok || made != c.Expected {
				t.Errorf("%s: made %s", c.Name, made)
			}
			continue
		}
		if string(reason) != c.Expected {
			t.Errorf("%s (%s): %s", c.Name, c.Source, reason)
		}
		if (reason == production.ReasonBodySignValue) != (expected == BodySignature(c.Input.AccessKey, answer.Body)) {
			t.Errorf("%s: expected signature shown: %q", c.Name, expected)
		}
	}
}

func TestVectorsWholeAnswer(t *testing.T) {
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey       string `json:"access_key"`
			Body, Signature string
		}
		Expected struct {
			InstanceID  string `json:"instance_id"`
			FrontEndURL string `json:"front_end_url"`
			AdminURL    string `json:"admin_url"`
			UserName    string `json:"user_name"`
			Password    string
			Memo        string
		}
	}
	load(t, "testdata/answer.json", &vectors)
	if len(vectors) != 1 {
		t.Fatal("vector is missing")
	}
	for _, c := range vectors {
		v := Judge(ActivityNewInstance, production.Answer{Status: 200, Body: []byte(c.Input.Body), Headers: map[string][]string{
			"Content-Type": {"application/json"}, "Body-Sign": {`sign_type="HMAC-SHA256", signature= "` + c.Input.Signature + `"`},
		}}, Judging{Debugging: true}, c.Input.AccessKey)
		want := production.AppInfo{FrontEndURL: c.Expected.FrontEndURL, AdminURL: c.Expected.AdminURL,
			UserName: c.Expected.UserName, Password: c.Expected.Password, Memo: c.Expected.Memo}
		if !v.OK || v.InstanceID != c.Expected.InstanceID || v.App == nil || *v.App != want {
			t.Errorf("%s: %+v %+v", c.Name, v, v.App)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("a=%zz&authToken=x&timeStamp=1")
	f.Add("activity=x&timeStamp=20260727153200003&authToken=%2B")
	f.Add("a=1&a=2&&=&x")
	f.Fuzz(func(t *testing.T, query string) {
		if got, err := Verify(query, vectorKey); err == nil && got.Params["timeStamp"] == "" {
			t.Fatalf("accepted %q", query)
		}
	})
}

func FuzzParseBodySign(f *testing.F) {
	var vectors []bodySignVector
	load(f, "testdata/body_sign.json", &vectors)
	for _, c := range vectors {
		for _, h := range c.Input.Headers {
			f.Add(h[1])
		}
	}
	f.Fuzz(func(t *testing.T, value string) {
		if signature, ok := ParseBodySign(value); ok && (signature == "" || strings.Contains(signature, `"`)) {
			t.Fatalf("%q gave %q", value, signature)
		}
	})
}

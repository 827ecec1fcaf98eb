package aksk

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

type vector struct {
	Name  string
	Input struct {
		AccessKey       string `json:"access_key"`
		SecretKey       string `json:"secret_key"`
		Method, Target  string
		Host            string
		Header          map[string]string
		Signed          []string
		Body            string
		DoublePath      bool `json:"double_path"`
		UnsignedPayload bool `json:"unsigned_payload"`
	}
	Expected struct{ URI, Query, Payload, Hash, Signature string }
	Source   string
}

func load(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func (v vector) request() Request {
	r := Request{Method: v.Input.Method, Target: v.Input.Target, Host: v.Input.Host, Body: []byte(v.Input.Body), Header: map[string][]string{}}
	for name, value := range v.Input.Header {
		r.Header[name] = []string{value}
	}
	return r
}

func (v vector) authorization() string {
	return Algorithm + " Access=" + v.Input.AccessKey + ", SignedHeaders=" + strings.Join(v.Input.Signed, ";") + ", Signature=" + v.Expected.Signature
}

func (v vector) secret(accessKey string) (string, bool) {
	return v.Input.SecretKey, accessKey == v.Input.AccessKey
}

func (v vector) now(t testing.TB) time.Time {
	at, err := time.Parse(TimeFormat, v.request().value("x-sdk-date"))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestVectors(t *testing.T) {
	vectors := load(t)
	if len(vectors) != 14 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, c := range vectors {
		r := c.request()
		rawPath, rawQuery, _ := strings.Cut(r.Target, "?")
		if got := path(rawPath, c.Input.DoublePath); got != c.Expected.URI {
			t.Errorf("%s: path %s", c.Name, got)
		}
		if got := query(rawQuery, reading{}); got != c.Expected.Query {
			t.Errorf("%s: query %s", c.Name, got)
		}
		if got := hash([]byte(r.canonical(c.Input.Signed, c.Expected.Payload, reading{pathTwice: c.Input.DoublePath}))); c.Expected.Hash != "" && got != c.Expected.Hash {
			t.Errorf("%s: canonical hash %s", c.Name, got)
		}
		if !c.Input.DoublePath {
			if got, err := Sign(r, c.Input.AccessKey, c.Input.SecretKey, c.Input.Signed...); err != nil || got != c.authorization() {
				t.Errorf("%s (%s): signed %s %v", c.Name, c.Source, got, err)
			}
		}
		r.Header["authorization"] = []string{c.authorization()}
		for _, offset := range []time.Duration{0, Skew, -Skew} {
			if ak, err := Verify(r, c.now(t).Add(offset), c.secret, Options{UnsignedPayload: c.Input.UnsignedPayload}); err != nil || ak != c.Input.AccessKey {
				t.Errorf("%s (%s): verified %q %v", c.Name, c.Source, ak, err)
			}
		}
	}
}

func TestRefusals(t *testing.T) {
	base := load(t)[0]
	post := load(t)[2]
	upload := load(t)[5]
	for _, c := range []struct {
		name   string
		vector vector
		change func(r *Request, auth *string)
		offset time.Duration
		want   error
	}{
		{"no authorization", base, func(_ *Request, a *string) { *a = "" }, 0, ErrMalformed},
		{"bearer", base, func(_ *Request, a *string) { *a = "Bearer abc" }, 0, ErrMalformed},
		{"another algorithm", base, func(_ *Request, a *string) { *a = strings.Replace(*a, "SDK-HMAC-SHA256", "SDK-HMAC-SM3", 1) }, 0, ErrAlgorithm},
		{"derived key algorithm", base, func(_ *Request, a *string) { *a = strings.Replace(*a, "SDK-HMAC-SHA256", "V11-HMAC-SHA256", 1) }, 0, ErrAlgorithm},
		{"scoped credential", base, func(_ *Request, a *string) { *a = strings.Replace(*a, "Access=", "Credential=", 1) }, 0, ErrMalformed},
		{"no signature", base, func(_ *Request, a *string) { *a = (*a)[:strings.Index(*a, ", Signature")] }, 0, ErrMalformed},
		{"date not signed", base, func(_ *Request, a *string) { *a = strings.Replace(*a, ";x-sdk-date", "", 1) }, 0, ErrDateUnsigned},
		{"no date", base, func(r *Request, _ *string) { delete(r.Header, "X-Sdk-Date") }, 0, ErrDate},
		{"two dates", base, func(r *Request, _ *string) {
			r.Header["X-Sdk-Date"] = append(r.Header["X-Sdk-Date"], "20260115T083000Z")
		}, 0, ErrDate},
		{"malformed date", base, func(r *Request, _ *string) { r.Header["X-Sdk-Date"] = []string{"2026-01-15T08:30:00Z"} }, 0, ErrDate},
		{"too old", base, nil, Skew + time.Second, ErrClockSkew},
		{"too far ahead", base, nil, -Skew - time.Second, ErrClockSkew},
		{"unknown key", base, func(_ *Request, a *string) { *a = strings.Replace(*a, "VECTORAK", "OTHERKEY", 1) }, 0, ErrUnknownKey},
		{"signed header absent", base, func(_ *Request, a *string) { *a = strings.Replace(*a, "host;", "host;x-absent;", 1) }, 0, ErrHeader},
		{"other method", base, func(r *Request, _ *string) { r.Method = "POST" }, 0, ErrSignature},
		{"other host", base, func(r *Request, _ *string) { r.Host = "evil.example.test" }, 0, ErrSignature},
		{"parameter added", base, func(r *Request, _ *string) { r.Target += "&x=1" }, 0, ErrSignature},
		{"body changed", post, func(r *Request, _ *string) { r.Body = append(r.Body, '\n') }, 0, ErrSignature},
		{"hash of another body", post, func(r *Request, _ *string) { r.Header["X-Sdk-Content-Sha256"] = []string{hash(nil)} }, 0, ErrPayload},
		{"unsigned payload where not allowed", upload, nil, 0, ErrUnsigned},
	} {
		r, auth := c.vector.request(), c.vector.authorization()
		if c.change != nil {
			c.change(&r, &auth)
		}
		if auth != "" {
			r.Header["Authorization"] = []string{auth}
		}
		if _, err := Verify(r, c.vector.now(t).Add(c.offset), c.vector.secret, Options{}); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestSignRefusesWhatCannotBeVerified(t *testing.T) {
	r := Request{Method: "GET", Target: "/", Host: "h", Header: map[string][]string{"X-Sdk-Date": {"20260115T083000Z"}}}
	if _, err := Sign(r, "a", "s", "host"); !errors.Is(err, ErrDateUnsigned) {
		t.Errorf("date not signed: %v", err)
	}
	if _, err := Sign(r, "a", "s", "x-sdk-date", "x-other"); !errors.Is(err, ErrHeader) {
		t.Errorf("absent header: %v", err)
	}
	r.Header["X-Sdk-Date"] = []string{"today"}
	if _, err := Sign(r, "a", "s", "x-sdk-date"); !errors.Is(err, ErrDate) {
		t.Errorf("malformed date: %v", err)
	}
}

func TestAPlusInTheQueryIsReadBothWays(t *testing.T) {
	at, _ := time.Parse(TimeFormat, "20260115T083000Z")
	for _, meant := range []string{"/q?a=x%20y", "/q?a=x%2By"} {
		r := Request{Method: "GET", Target: meant, Host: "h", Header: map[string][]string{"X-Sdk-Date": {"20260115T083000Z"}}}
		auth, err := Sign(r, "ak", "sk", "host", "x-sdk-date")
		if err != nil {
			t.Fatal(err)
		}
		r.Target, r.Header["Authorization"] = "/q?a=x+y", []string{auth}
		if _, err := Verify(r, at, func(string) (string, bool) { return "sk", true }, Options{}); err != nil {
			t.Errorf("%s: %v", meant, err)
		}
	}
}

// Whatever is signed verifies, and every flip of it is refused.
func TestEveryFlipIsRefused(t *testing.T) {
	at, _ := time.Parse(TimeFormat, "20260115T083000Z")
	secret := func(string) (string, bool) { return "sk", true }
	rapid.Check(t, func(t *rapid.T) {
		r := Request{
			Method: "POST", Host: "mkt.example.test", Header: map[string][]string{"X-Sdk-Date": {"20260115T083000Z"}, "Content-Type": {"application/json"}},
			Target: "/" + rapid.StringMatching(`[a-z/.~]{0,20}`).Draw(t, "path") + "?" + rapid.StringMatching(`[a-z=]{0,9}(&[a-z]{1,3}=[a-z]{0,9}){0,3}`).Draw(t, "query"),
			Body:   []byte(rapid.StringN(1, 40, -1).Draw(t, "body")),
		}
		auth, err := Sign(r, "ak", "sk", "Host", "X-Sdk-Date", "Content-Type")
		if err != nil {
			t.Fatal(err)
		}
		r.Header["Authorization"] = []string{auth}
		if _, err := Verify(r, at, secret, Options{}); err != nil {
			t.Fatal(err)
		}
		flipped := r
		flipped.Header = maps.Clone(r.Header)
		flip := func(s string) string {
			b := []byte(s)
			b[rapid.IntRange(0, len(b)-1).Draw(t, "position")] ^= 1 << rapid.IntRange(0, 6).Draw(t, "bit")
			return string(b)
		}
		switch rapid.IntRange(0, 3).Draw(t, "part") {
		case 0:
			flipped.Body = []byte(flip(string(r.Body)))
		case 1:
			flipped.Method = flip(r.Method)
		case 2:
			flipped.Header["Content-Type"] = []string{flip("application/json")}
			if strings.TrimSpace(flipped.Header["Content-Type"][0]) == "application/json" {
				return
			}
		default:
			flipped.Header["X-Sdk-Date"] = []string{flip("20260115T083000Z")}
		}
		if _, err := Verify(flipped, at, secret, Options{}); err == nil {
			t.Fatalf("accepted %+v", flipped)
		}
	})
}

func FuzzVerify(f *testing.F) {
	for _, c := range load(f) {
		f.Add(c.authorization(), c.Input.Method, c.Input.Target, []byte(c.Input.Body))
	}
	at, _ := time.Parse(TimeFormat, "20260115T083000Z")
	f.Fuzz(func(t *testing.T, auth, method, target string, body []byte) {
		r := Request{Method: method, Target: target, Host: "h", Body: body, Header: map[string][]string{"X-Sdk-Date": {"20260115T083000Z"}, "Authorization": {auth}}}
		if _, err := Verify(r, at, func(string) (string, bool) { return "a secret the fuzzer does not know", true }, Options{UnsignedPayload: true}); err == nil {
			t.Fatalf("accepted %q", auth)
		}
	})
}

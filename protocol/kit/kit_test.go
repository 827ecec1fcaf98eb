package kit

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
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

func header(r production.Request, name string) string {
	for _, h := range r.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

func TestVectorsXSign(t *testing.T) {
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey              string `json:"access_key"`
			Nonce, Timestamp, Body string
		}
		Expected string
		Valid    bool
		Source   string
	}
	load(t, "testdata/x_sign.json", &vectors)
	if len(vectors) != 6 {
		t.Fatalf("%d vectors", len(vectors))
	}
	address, _ := v2.ParseAddress("https://seller.example.test/base/?t=1")
	for _, c := range vectors {
		millis, _ := strconv.ParseInt(c.Input.Timestamp, 10, 64)
		now := time.UnixMilli(millis)
		request := Build(TenantSync, []byte(c.Input.Body), address, c.Input.AccessKey, c.Input.Nonce, now)
		if got := header(request, "x-sign"); (got == c.Expected) != c.Valid {
			t.Errorf("%s (%s): %s", c.Name, c.Source, got)
		}
		if request.URL != "https://seller.example.test/base/produceAPI/v2/tenantSync?t=1" || header(request, "x-timestamp") != c.Input.Timestamp {
			t.Errorf("%s: %+v", c.Name, request)
		}
		received := func(name string) string {
			if name == "x-sign" {
				return strings.ToLower(c.Expected)
			}
			return header(request, name)
		}
		if _, err := Verify(received, []byte(c.Input.Body), now, c.Input.AccessKey); c.Valid && err != nil || !c.Valid && !errors.Is(err, v2.ErrSignature) {
			t.Errorf("%s: seller says %v", c.Name, err)
		}
	}
}

func TestVectorsAuthToken(t *testing.T) {
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey string `json:"access_key"`
			Body      string
		}
		Expected struct {
			Canonical string
			AuthToken string `json:"auth_token"`
		}
		Valid  bool
		Source string
	}
	load(t, "testdata/auth_token.json", &vectors)
	if len(vectors) != 5 {
		t.Fatalf("%d vectors", len(vectors))
	}
	address, _ := v2.ParseAddress("https://seller.example.test")
	for _, c := range vectors {
		params, err := ParamsV1([]byte(c.Input.Body))
		if err != nil || v1.Canonical(params) != c.Expected.Canonical {
			t.Errorf("%s (%s): signs %s %v", c.Name, c.Source, v1.Canonical(params), err)
		}
		request, err := BuildV1(AuthSync, []byte(c.Input.Body), address, c.Input.AccessKey)
		if got := header(request, "authToken"); err != nil || (got == c.Expected.AuthToken) != c.Valid || request.URL != "https://seller.example.test/produceAPI/authSync" {
			t.Errorf("%s: %+v %v", c.Name, request, err)
		}
		if _, err := VerifyV1(c.Expected.AuthToken, []byte(c.Input.Body), c.Input.AccessKey); (err == nil) != c.Valid {
			t.Errorf("%s: seller says %v", c.Name, err)
		}
	}
}

func TestBodiesWithoutAV1Signature(t *testing.T) {
	for _, body := range []string{`[]`, `{"a":{},"timeStamp":"1"}`, `{"a":"1"}`, `{"timeStamp":" "}`, `{"timeStamp":"1","timeStamp":"2"}`} {
		if _, err := AuthTokenV1("k", []byte(body)); !errors.Is(err, ErrParams) {
			t.Errorf("%s: %v", body, err)
		}
		if _, err := VerifyV1("x", []byte(body), "k"); !errors.Is(err, v1.ErrAuthToken) {
			t.Errorf("%s: verified %v", body, err)
		}
	}
}

func TestKitTimesAreBeijing(t *testing.T) {
	if got := TimeStampV1(time.Date(2022, 4, 13, 1, 35, 39, 534e6, time.UTC)); got != "20220413093539534" {
		t.Errorf("got %s", got)
	}
}

func TestEveryFlipOfAPayloadIsRefused(t *testing.T) {
	now := time.UnixMilli(1680508066618)
	address, _ := v2.ParseAddress("https://seller.example.test")
	rapid.Check(t, func(t *rapid.T) {
		request := Build(AuthSync, []byte(`{"flag":1,"name":"中&"}`), address, "k", "n", now)
		at := rapid.IntRange(0, len(request.Body)-1).Draw(t, "position")
		request.Body[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if _, err := Verify(func(name string) string { return header(request, name) }, request.Body, now, "k"); err == nil {
			t.Fatalf("accepted %q", request.Body)
		}
	})
}

func FuzzParamsV1(f *testing.F) {
	f.Add([]byte(`{"flag":1,"x":null,"timeStamp":"20220413093539534"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		params, err := ParamsV1(body)
		for _, p := range params {
			if err != nil || strings.TrimSpace(p.Value) == "" {
				t.Fatalf("%q gave %v %v", body, params, err)
			}
		}
	})
}

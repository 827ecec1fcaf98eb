package v2

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type signatureVector struct {
	Name  string
	Input struct {
		AccessKey              string `json:"access_key"`
		Nonce, Timestamp, Body string
	}
	Expected struct {
		Signature, Inner, Canonical string
		Bytes                       int
	}
	Valid  bool
	Source string
}

func loadVectors(t testing.TB) []signatureVector {
	t.Helper()
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []signatureVector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	return vectors
}

func TestVectorsSignature(t *testing.T) {
	vectors := loadVectors(t)
	if len(vectors) != 21 {
		t.Fatalf("%d vectors", len(vectors))
	}
	for _, c := range vectors {
		body := []byte(c.Input.Body)
		if got := Sign(c.Input.AccessKey, c.Input.Nonce, c.Input.Timestamp, body); (got == c.Expected.Signature) != c.Valid {
			t.Errorf("%s (%s): got %s", c.Name, c.Source, got)
		}
		inner := hex.EncodeToString(mac(c.Input.AccessKey, body))
		if c.Expected.Inner != "" && inner != c.Expected.Inner {
			t.Errorf("%s: inner %s", c.Name, inner)
		}
		if canonical := c.Input.AccessKey + c.Input.Nonce + c.Input.Timestamp + inner; c.Expected.Canonical != "" && canonical != c.Expected.Canonical {
			t.Errorf("%s: canonical %s", c.Name, canonical)
		}
		millis, err := strconv.ParseInt(c.Input.Timestamp, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, spelling := range []string{c.Expected.Signature, strings.ToLower(c.Expected.Signature)} {
			query := "timestamp=" + c.Input.Timestamp + "&nonce=" + c.Input.Nonce + "&signature=" + spelling
			got, err := Verify(query, body, time.UnixMilli(millis), "old", c.Input.AccessKey)
			if c.Valid && (err != nil || got.KeyIndex != 1 || got.Nonce != c.Input.Nonce) || !c.Valid && !errors.Is(err, ErrSignature) {
				t.Errorf("%s: server says %v %v", c.Name, got, err)
			}
		}
	}
}

// The structs give the bodies of the vectors, byte for byte.
func TestVectorsBodies(t *testing.T) {
	const instance, order = "10e758d0-31ad-4c4b-8f1b-81d03469a10e", "CS2211181819B4LVS"
	create := NewInstance{OrderID: order, OrderLineID: order + "-000001", BusinessID: "87b94795-0603-4e24-8ae5-69420d60e3c8"}
	calls := map[string]struct {
		call  Call
		debug bool
	}{
		"V1": {create, true}, "V2": {create, false},
		"V3": {QueryInstance{[]string{instance}}, true},
		"V4": {RefreshInstance{Scene: SceneRenewal, OrderID: order, OrderLineID: order + "-000001", InstanceID: instance,
			ProductID: "OFFI461867333479178240", ExpireTime: "20251124023618"}, false},
		"V5": {UpdateInstanceStatus{instance, StatusFreeze}, false},
		"V6": {ReleaseInstance{instance, order, order + "-000001"}, false},
		"V7": {UpgradeInstance{instance, "CS2411181819B4LVT", "CS2411181819B4LVT-000001"}, false},
		"V8": {ChangeInstanceCheck{InstanceID: instance, Product: ProductInfo{"a63ee5c9-4f86-11ed-9f95-fa163e8cb3b2", "OFFI788963615933718528", 20}}, false},
	}
	seen := 0
	for _, c := range loadVectors(t) {
		tag, ok := strings.CutPrefix(c.Source, "11 §10 ")
		made, known := calls[tag]
		if !ok || !known {
			continue
		}
		seen++
		if body, err := Body(made.call, made.debug); err != nil || string(body) != c.Input.Body {
			t.Errorf("%s: %s %v", c.Name, body, err)
		}
		address, _ := ParseAddress("https://seller.example.test/saasproduce?tenant=7")
		millis, _ := strconv.ParseInt(c.Input.Timestamp, 10, 64)
		request, err := Build(made.call, made.debug, address, c.Input.AccessKey, c.Input.Nonce, time.UnixMilli(millis))
		want := "https://seller.example.test/saasproduce?tenant=7&signature=" + c.Expected.Signature + "&timestamp=" + c.Input.Timestamp + "&nonce=" + c.Input.Nonce
		if err != nil || request.URL != want || request.Method != "POST" || cmp.Diff(Headers, request.Headers) != "" {
			t.Errorf("%s: %+v %v", c.Name, request, err)
		}
	}
	if seen != len(calls) {
		t.Errorf("%d of %d bodies compared", seen, len(calls))
	}
}

func TestBodyForms(t *testing.T) {
	for _, c := range []struct {
		call Call
		want string
	}{
		{ReleaseInstance{InstanceID: "i1"}, `{"activity":"releaseInstance","instanceId":"i1"}`},
		{QueryInstance{[]string{"i1", "i+/="}}, `{"activity":"queryInstance","instanceId":"i1,i+/="}`},
		{ChangeInstanceCheck{InstanceID: "i1", Product: ProductInfo{SKUCode: "s<1>"}, AsString: true},
			`{"activity":"changeInstanceCheck","instanceId":"i1","productInfo":"{\"skuCode\":\"s<1>\"}"}`},
		{NewInstance{"o\u2028\x01中&", "l", "b"}, `{"activity":"newInstance","businessId":"b","orderId":"o  中&","orderLineId":"l"}`},
	} {
		if got, err := Body(c.call, false); err != nil || string(got) != c.want {
			t.Errorf("got %s %v, want %s", got, err, c.want)
		}
	}
	long := strings.Repeat("x", 65)
	for field, call := range map[string]Call{
		"orderId":     NewInstance{long, "l", "b"},
		"orderLineId": NewInstance{"o", "", "b"},
		"businessId":  NewInstance{"o", "l", "\xff"},
		"instanceId":  QueryInstance{make([]string, 101)},
		"scene":       RefreshInstance{"RENEW", "o", "l", "i", "", "20260101000000"},
		"expireTime":  RefreshInstance{SceneRenewal, "o", "l", "i", "", "20260101000000000"},
		"productId":   RefreshInstance{SceneRenewal, "o", "l", "i", long, "20260101000000"},
		"status":      UpdateInstanceStatus{"i", "NORMAL"},
	} {
		var wrong *FieldError
		if _, err := Body(call, true); !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := Body(ChangeInstanceCheck{InstanceID: "i", Product: ProductInfo{LinearValue: 1 << 53}}, false); err == nil {
		t.Error("an integer that sellers would round was written")
	}
	if got := ExpireTime(time.Date(2026, 7, 27, 23, 31, 56, 0, time.FixedZone("UTC+8", 8*3600))); got != "20260727153156" {
		t.Errorf("expireTime %s", got)
	}
}

func TestAddresses(t *testing.T) {
	for text, want := range map[string]string{
		"https://s.example.test":           "https://s.example.test/produceAPI/v2/tenantSync",
		"https://s.example.test/a/":        "https://s.example.test/a/produceAPI/v2/tenantSync",
		"https://s.example.test/a?x=1&y=z": "https://s.example.test/a/produceAPI/v2/tenantSync?x=1&y=z",
	} {
		address, err := ParseAddress(text)
		if got := address.SubPath("/produceAPI/v2/tenantSync").URL(); err != nil || got != want {
			t.Errorf("%s: %s %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "s.example.test", "ftp://s.example.test", "https://u@s.example.test", "https://s.example.test/#f", "https://s.example.test?nonce=1",
		"https://s.example.test?Signature=1", "https://s.example.test?a=1&%74imestamp=2", "https://s.example.test?a=%zz", "https://s.example.test?a=中",
	} {
		if _, err := ParseAddress(text); !errors.Is(err, ErrAddress) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVerifyChecksInTheDocumentedOrder(t *testing.T) {
	now := time.UnixMilli(1729566664115)
	body := []byte(`{}`)
	at := func(offset time.Duration) string { return Timestamp(now.Add(offset)) }
	query := func(signature, timestamp, nonce string) string {
		return "signature=" + signature + "&timestamp=" + timestamp + "&nonce=" + nonce
	}
	for _, c := range []struct {
		name, query string
		want        error
	}{
		{"nothing", "", ErrTimestamp},
		{"a minute old", query(Sign("k", "n", at(-Window), body), at(-Window), "n"), nil},
		{"a minute ahead", query(Sign("k", "n", at(Window), body), at(Window), "n"), nil},
		{"too old", query(Sign("k", "n", at(-Window-time.Millisecond), body), at(-Window-time.Millisecond), "n"), ErrTimestamp},
		{"too far ahead", query(Sign("k", "n", at(Window+time.Millisecond), body), at(Window+time.Millisecond), "n"), ErrTimestamp},
		{"seconds", query("x", "1729566664", "n"), ErrTimestamp},
		{"not a number", query("x", "1729566664x15", "n"), ErrTimestamp},
		{"no nonce", query("x", at(0), ""), ErrNonce},
		{"no signature", query("", at(0), "n"), ErrSignature},
		{"other key", query(Sign("other", "n", at(0), body), at(0), "n"), ErrSignature},
		{"digit borrowed from the nonce", query(Sign("k", "n0", at(0), body), "0"+at(0), "n"), ErrTimestamp},
	} {
		if _, err := Verify(c.query, body, now, "k"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if ErrTimestamp.Code != "000002" || ErrNonce.Code != "000002" || ErrSignature.Code != "000001" {
		t.Error("codes differ from the documents")
	}
}

func TestEveryFlipOfARequestIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(rapid.Int64Range(1e12, 9e12).Draw(t, "now"))
		nonce, err := NewNonce(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		body, err := Body(NewInstance{"CS1", "CS1-000001", rapid.StringMatching(`[a-z中<&]{1,64}`).Draw(t, "business")}, false)
		if err != nil {
			t.Fatal(err)
		}
		signature, timestamp := Sign("key", nonce, Timestamp(now), body), Timestamp(now)
		parts := [][]byte{[]byte(signature), []byte(timestamp), []byte(nonce), body}
		part := parts[rapid.IntRange(0, 3).Draw(t, "part")]
		at := rapid.IntRange(0, len(part)-1).Draw(t, "position")
		part[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		_, err = VerifyValues(string(parts[0]), string(parts[1]), string(parts[2]), parts[3], now, []string{"key"}, Sign)
		// The case of a hex digit is the one thing that is tolerated.
		if err == nil && !strings.EqualFold(string(parts[0]), signature) {
			t.Fatal("accepted")
		}
		if err == nil && part[at]|0x20 != signature[min(at, len(signature)-1)]|0x20 {
			t.Fatalf("accepted a flip of %q", part)
		}
	})
}

func TestNonces(t *testing.T) {
	one, err := NewNonce(rand.Reader)
	two, _ := NewNonce(rand.Reader)
	if err != nil || len(one) != 32 || one == two || strings.Trim(one, nonceAlphabet) != "" {
		t.Errorf("%q %q %v", one, two, err)
	}
	if _, err := NewNonce(strings.NewReader("\xff")); err == nil {
		t.Error("an exhausted random source went unnoticed")
	}
}

func FuzzVerify(f *testing.F) {
	for _, c := range loadVectors(f) {
		f.Add("signature="+c.Expected.Signature+"&timestamp="+c.Input.Timestamp+"&nonce="+c.Input.Nonce, []byte(c.Input.Body))
	}
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		if _, err := Verify(query, body, time.UnixMilli(1729566664115), "a key the fuzzer does not know"); err == nil {
			t.Fatalf("accepted %q", query)
		}
	})
}

package explain

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/protocol/aksk"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/usagepush"
)

func unsignedCarryHex(key string, bits sealed.Bits) string {
	return hex.EncodeToString(unsignedCarry(key, bits))
}

// The wrong ways here are written once more, by hand, so that the package is not
// compared with itself.

func mac(key, text string) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(text))
	return m.Sum(nil)
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// named fails unless the cause is among those found.
func named(t *rapid.T, r Result, err error, want ...Code) {
	t.Helper()
	if err != nil || r.Equal {
		t.Fatalf("equal %v, %v", r.Equal, err)
	}
	for _, code := range want {
		if !holds(r.Causes, code) {
			t.Fatalf("%s is not named: %s\n%+v", code, codes(r), r)
		}
	}
}

func joined(params []v1.Param, value func(string) string) string {
	sorted := slices.Clone(params)
	slices.SortFunc(sorted, func(a, b v1.Param) int { return strings.Compare(a.Name, b.Name) })
	texts := make([]string, len(sorted))
	for i, p := range sorted {
		texts[i] = p.Name + "=" + value(p.Value)
	}
	return strings.Join(texts, "&")
}

func same(s string) string { return s }

func TestEveryWrongV1TokenIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const stamp = "20260627073711903"
		key := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}`).Draw(t, "key")
		params := []v1.Param{
			{Name: "orderId", Value: rapid.StringMatching(`CS[0-9]{10}[A-Z2-7]{5}`).Draw(t, "order")},
			{Name: "timeStamp", Value: stamp},
			{Name: "customerName", Value: "甲+乙 " + rapid.StringMatching(`[a-z&=/%]{1,8}`).Draw(t, "name") + "\u4e01"},
			{Name: "activity", Value: "newInstance"},
			{Name: "memo", Value: ""},
		}
		less := slices.DeleteFunc(slices.Clone(params), func(p v1.Param) bool { return p.Name == "orderId" })
		filled := slices.DeleteFunc(slices.Clone(params), func(p v1.Param) bool { return p.Value == "" })
		asSent := make([]string, len(params))
		for i, p := range params {
			asSent[i] = p.Name + "=" + p.Value
		}
		right := joined(params, same)
		query := wire(params)
		for code, got := range map[Code]string{
			URLEncoded:          b64(mac(key+stamp, joined(params, v1.Encode))),
			PlusAsBlank:         b64(mac(key+stamp, joined(params, func(s string) string { return strings.ReplaceAll(s, "+", " ") }))),
			DoubleEncoded:       url.QueryEscape(b64(mac(key+stamp, right))),
			Unsorted:            b64(mac(key+stamp, strings.Join(asSent, "&"))),
			Seconds:             b64(mac(key+stamp[:14], strings.Replace(right, stamp, stamp[:14], 1))),
			EmptyDropped:        b64(mac(key+stamp, joined(filled, same))),
			AuthTokenIncluded:   b64(mac(key+stamp, joined(append(slices.Clone(params), v1.Param{Name: "authToken", Value: "old"}), same))),
			LeftOut:             b64(mac(key+stamp, joined(less, same))),
			NotUTF8:             b64(mac(key+stamp, joined(params, questionMarks))),
			KeyWithoutTimestamp: b64(mac(key, right)),
			SwappedKeyTimestamp: b64(mac(stamp+key, right)),
			WrongKeyClass:       b64(mac("kit-key"+stamp, right)),
			HexForBase64:        hex.EncodeToString(mac(key+stamp, right)),
			OtherBase64:         base64.RawURLEncoding.EncodeToString(mac(key+stamp, right)),
			NotHMAC:             b64(digestPlain.sum("", right)),
		} {
			if code == OtherBase64 && strings.ContainsAny(got, "-_") {
				continue // two mistakes of one code
			}
			r, err := V1(Input{Key: key, Query: query + "&authToken=old", Got: got, Others: []OtherKey{{"kit", "kit-key"}}})
			if code == EmptyDropped && holds(r.Causes, LeftOut) {
				code = LeftOut // with one empty value the two are one mistake
			}
			named(t, r, err, code)
		}
		// A plus of a value that was sent bare.
		r, err := V1(Input{Key: key, Query: strings.ReplaceAll(query, "%2B", "+"), Got: b64(mac(key+stamp, right))})
		named(t, r, err, PlusAsBlank)
		// A plus of the token that became a blank.
		if token := b64(mac(key+stamp, right)); strings.Contains(token, "+") {
			r, err := V1(Input{Key: key, Query: query, Got: strings.ReplaceAll(token, "+", " ")})
			named(t, r, err, PlusAsBlank)
		}
	})
}

func TestSeveralMistakesAtOnceAreNamedTogether(t *testing.T) {
	const key, stamp = "key", "20260627073711903"
	query := "orderId=CS1&timeStamp=" + stamp + "&customerName=%E7%94%B2%20%2B%E4%B9%99&activity=newInstance"
	asSent := "orderId=CS1&timeStamp=" + stamp + "&customerName=甲 +乙&activity=newInstance"
	r, err := V1(Input{Key: key, Query: query, Got: hex.EncodeToString(mac(key, asSent))})
	if err != nil || len(r.Causes) != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	for _, code := range []Code{Unsorted, KeyWithoutTimestamp, HexForBase64} {
		if !holds(r.Causes, code) {
			t.Errorf("%s is not named: %s", code, codes(r))
		}
	}
	for _, c := range r.Causes {
		if len(c.With) != 2 {
			t.Errorf("%+v", c)
		}
	}
	// An order that nobody could foresee.
	r, err = V1(Input{Key: key, Query: query, Got: b64(mac(key+stamp, "timeStamp="+stamp+"&customerName=甲 +乙&orderId=CS1&activity=newInstance"))})
	if err != nil || codes(r) != "unsorted" {
		t.Errorf("another order: %s %v", codes(r), err)
	}
	r, err = V2(Input{Key: key, Nonce: "n", Timestamp: "1729566664115", Body: []byte(`{"a":"1","b":"2","c":"3","d":"4"}`),
		Got: v2.Sign(key, "n", "1729566664115", []byte(`{"c":"3","a":"1","d":"4","b":"2"}`))})
	if err != nil || codes(r) != "unsorted" {
		t.Errorf("another order of members: %s %v", codes(r), err)
	}
	// Milliseconds that are always zero.
	r, err = V2(Input{Key: key, Nonce: "n", Timestamp: "1729566664115", Body: []byte("{}"), Got: v2.Sign(key, "n", "1729566664000", []byte("{}"))})
	if err != nil || codes(r) != "seconds" {
		t.Errorf("seconds: %s %v", codes(r), err)
	}
	if r, err := V1(Input{Key: key, Query: query, Got: "something else"}); err != nil || r.Equal || len(r.Causes) != 0 {
		t.Errorf("what no mistake explains: %+v %v", r, err)
	}
}

func TestEveryWrongKitV1TokenIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, name := "kit-"+rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "key"), rapid.StringMatching(`[a-zA-Z]{3,9}`).Draw(t, "name")
		const stamp = "20220413093539534"
		body := []byte(`{"timeStamp":"` + stamp + `","orderId":"","name":"` + name + `","flag":1,"x":null}`)
		right := "flag=1&name=" + name + "&timeStamp=" + stamp
		for code, got := range map[Code]string{
			Unsorted:            b64(mac(key+stamp, "timeStamp="+stamp+"&name="+name+"&flag=1")),
			KeyWithoutTimestamp: b64(mac(key, right)),
			HexForBase64:        hex.EncodeToString(mac(key+stamp, right)),
			EmptyKept:           b64(mac(key+stamp, "flag=1&name="+name+"&orderId=&timeStamp="+stamp+"&x=")),
			LeftOut:             b64(mac(key+stamp, "name="+name+"&timeStamp="+stamp)),
			WrongKeyClass:       b64(mac("base"+stamp, right)),
		} {
			r, err := KitV1(Input{Key: key, Body: body, Got: got, Others: []OtherKey{{"base", "base"}}})
			named(t, r, err, code)
		}
	})
}

func TestEveryWrongSignatureOverABodyIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, nonce := "key-"+rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "key"), rapid.StringMatching(`[0-9A-Za-z]{16,32}`).Draw(t, "nonce")
		const stamp = "1729566664115"
		members := map[string]any{"activity": "newInstance", "businessId": "b<1>&中文/" + rapid.StringMatching(`[a-z]{0,6}`).Draw(t, "business"), "orderId": "CS/1"}
		sorted, _ := json.Marshal(members)
		body := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(sorted))
		unsorted := `{"orderId":"CS/1",` + strings.TrimSuffix(strings.TrimPrefix(body, "{"), `,"orderId":"CS/1"}`) + `}`
		inner := func(b string) string { return hex.EncodeToString(mac(key, b)) }
		plain := sha256.Sum256([]byte(body))
		sign := func(text string) string { return strings.ToUpper(hex.EncodeToString(mac(key, text))) }
		others := []OtherKey{{"general", "other"}}
		innerOther := hex.EncodeToString(mac("other", body))
		for code, got := range map[Code]string{
			Seconds:               sign(key + nonce + stamp[:10] + inner(body)),
			TrailingNewline:       sign(key + nonce + stamp + inner(body+"\n")),
			BOM:                   sign(key + nonce + stamp + inner("\uFEFF"+body)),
			BodyEmpty:             sign(key + nonce + stamp + inner("")),
			Reserialised:          sign(key + nonce + stamp + inner(string(sorted))),
			InnerPlainSHA256:      sign(key + nonce + stamp + hex.EncodeToString(plain[:])),
			InnerUpper:            sign(key + nonce + stamp + strings.ToUpper(inner(body))),
			InnerBase64:           sign(key + nonce + stamp + b64(mac(key, body))),
			KitRule:               sign(key + nonce + stamp + body),
			SwappedNonceTimestamp: sign(key + stamp + nonce + inner(body)),
			KeyLeftOut:            sign(nonce + stamp + inner(body)),
			NonceLeftOut:          sign(key + stamp + inner(body)),
			BodyFirst:             sign(inner(body) + key + nonce + stamp),
			Base64ForHex:          b64(mac(key, key+nonce+stamp+inner(body))),
			NotHMAC:               hex.EncodeToString(digestPlain.sum("", key+nonce+stamp+inner(body))),
			WrongKeyClass:         strings.ToUpper(hex.EncodeToString(mac("other", "other"+nonce+stamp+innerOther))),
		} {
			r, err := V2(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(body), Got: got, Others: others})
			named(t, r, err, code)
		}
		// The sender did not sort, the receiver did; and with a newline on top.
		r, err := V2(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(unsorted), Got: v2.Sign(key, nonce, stamp, []byte(body))})
		named(t, r, err, Reserialised)
		r, err = V2(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(unsorted), Got: v2.Sign(key, nonce, stamp, []byte(body+"\n"))})
		named(t, r, err, Reserialised, TrailingNewline)
		// A newline that was sent and not signed.
		r, err = V2(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(body + "\n"), Got: v2.Sign(key, nonce, stamp, []byte(body))})
		named(t, r, err, TrailingNewline)
		// A stamp in seconds on the wire, milliseconds signed.
		r, err = V2(Input{Key: key, Nonce: nonce, Timestamp: stamp[:10], Body: []byte(body), Got: v2.Sign(key, nonce, stamp[:10]+"000", []byte(body))})
		named(t, r, err, Seconds)

		r, err = Kit(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(body), Got: v2.Sign(key, nonce, stamp, []byte(body))})
		named(t, r, err, KitPrehashed)
		r, err = Kit(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(body), Got: sign(key + nonce + stamp + string(sorted))})
		named(t, r, err, Reserialised)

		for code, got := range map[Code]string{
			TrailingNewline:  b64(mac(key, body+"\n")),
			KeyWithTimestamp: b64(mac(key+"20260627073711903", body)),
			HexForBase64:     hex.EncodeToString(mac(key, body)),
			Reserialised:     b64(mac(key, string(sorted))),
			WrongKeyClass:    b64(mac("other", body)),
		} {
			r, err := Body(Input{Key: key, Body: []byte(body), Timestamp: "20260627073711903", Got: `sign_type="HMAC-SHA256", signature="` + got + `"`, Others: others})
			named(t, r, err, code)
		}

		for code, got := range map[Code]string{
			SwappedNonceTimestamp: b64(mac(key, "nonce="+nonce+"&ts="+stamp+"&body="+body)),
			Seconds:               b64(mac(key, usagepush.Text(stamp[:10], nonce, []byte(body)))),
			TrailingNewline:       b64(mac(key, usagepush.Text(stamp, nonce, []byte(body+"\n")))),
			HexForBase64:          hex.EncodeToString(mac(key, usagepush.Text(stamp, nonce, []byte(body)))),
			WrongKeyClass:         b64(mac("other", usagepush.Text(stamp, nonce, []byte(body)))),
			NonceLeftOut:          b64(mac(key, "ts="+stamp+"&body="+body)),
		} {
			r, err := Usage(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(body), Got: got, Others: others})
			named(t, r, err, code)
		}
		r, err = Usage(Input{Key: key, Nonce: nonce, Timestamp: stamp, Body: []byte(unsorted), Got: usagepush.Sign(key, stamp, nonce, []byte(body))})
		if err != nil || !r.Equal {
			t.Fatalf("the sorted reading: %+v %v", r, err)
		}
	})
}

func TestEveryWrongAKSKSignatureIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secret := "sk-" + rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "secret")
		order := rapid.StringMatching(`CS[0-9]{6}`).Draw(t, "order")
		at := time.Date(2026, 1, 15, 8, 30, 0, 0, time.UTC)
		r := aksk.Request{Method: "POST", Target: "/v1/a%20b?z=" + order + "&b&a=%E4%BA%91", Host: "mkt.example.test", Body: []byte(`{"b":1,"a":2}`),
			Header: map[string][]string{"X-Sdk-Date": {at.Format(aksk.TimeFormat)}, "X-Domain-Id": {"  d  "}}}
		signed := []string{"host", "x-domain-id", "x-sdk-date"}
		hash := hex.EncodeToString(digestPlain.sum("", string(r.Body)))
		right := "POST\n/v1/a%20b/\na=%E4%BA%91&b=&z=" + order + "\nhost:mkt.example.test\nx-domain-id:d\nx-sdk-date:20260115T083000Z\n\nhost;x-domain-id;x-sdk-date\n" + hash
		value := func(key, date, canonical string) string {
			sum := sha256.Sum256([]byte(canonical))
			return "SDK-HMAC-SHA256 Access=ak, SignedHeaders=host;x-domain-id;x-sdk-date, Signature=" + hex.EncodeToString(mac(key, "SDK-HMAC-SHA256\n"+date+"\n"+hex.EncodeToString(sum[:])))
		}
		const date = "20260115T083000Z"
		in := Input{Key: secret, AccessKey: "ak", Request: r, Signed: signed, Others: []OtherKey{{"old", "old-sk"}}}
		in.Got = value(secret, date, right)
		if result, err := AKSK(in); err != nil || !result.Equal || result.Want != in.Got {
			t.Fatalf("%+v %v", result, err)
		}
		replaced := func(old, new string) string { return value(secret, date, strings.Replace(right, old, new, 1)) }
		newline := sha256.Sum256([]byte(string(r.Body) + "\n"))
		sorted := sha256.Sum256([]byte(`{"a":2,"b":1}`))
		empty := sha256.Sum256(nil)
		for code, got := range map[Code]string{
			NoFinalSlash:      replaced("/v1/a%20b/", "/v1/a%20b"),
			PathRaw:           replaced("/v1/a%20b/", "/v1/a b/"),
			QueryRaw:          replaced("a=%E4%BA%91&b=&z="+order, "z="+order+"&b&a=%E4%BA%91"),
			QueryLeftOut:      replaced("a=%E4%BA%91&b=&z="+order, ""),
			MethodCase:        replaced("POST", "post"),
			HeadersRaw:        replaced("x-domain-id:d", "x-domain-id:  d  "),
			NoEmptyLine:       replaced("\n\nhost", "\nhost"),
			TrailingNewline:   replaced(hash, hex.EncodeToString(newline[:])),
			Reserialised:      replaced(hash, hex.EncodeToString(sorted[:])),
			BodyEmpty:         replaced(hash, hex.EncodeToString(empty[:])),
			OtherDate:         value(secret, "20260115", right),
			WrongKeyClass:     value("old-sk", date, right),
			AccessKeyDiffers:  strings.Replace(value(secret, date, right), "Access=ak", "Access=other", 1),
			DateUnsigned:      "SDK-HMAC-SHA256 Access=ak, SignedHeaders=host, Signature=" + hash,
			HeaderAbsent:      "SDK-HMAC-SHA256 Access=ak, SignedHeaders=x-sdk-date;x-stage, Signature=" + hash,
			AuthorizationForm: strings.Replace(value(secret, date, right), ", ", " ", 1),
			NotHashed:         "SDK-HMAC-SHA256 Access=ak, SignedHeaders=host;x-domain-id;x-sdk-date, Signature=" + hex.EncodeToString(mac(secret, "SDK-HMAC-SHA256\n"+date+"\n"+right)),
		} {
			in.Got = got
			result, err := AKSK(in)
			named(t, result, err, code)
		}
	})
}

// seal encrypts as told, right or wrong.
func seal(key []byte, iv, text string) []byte {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic(err)
	}
	padding := 16 - len(text)%16
	out := []byte(text + strings.Repeat(string(rune(padding)), padding))
	cipher.NewCBCEncrypter(block, []byte(iv)).CryptBlocks(out, out)
	return out
}

func TestEveryWronglySealedValueIsNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}`).Draw(t, "key")
		iv := rapid.StringMatching(`[0-9A-Za-z]{16}`).Draw(t, "iv")
		text := rapid.StringMatching(`[a-z]{3,20}@example[.]com`).Draw(t, "text")
		right := sealed.DeriveKey(key, sealed.AES256)
		secret := seal(right, iv, text)
		raw := sha256.Sum256([]byte(key))
		wrong := map[Code]string{
			NoIVPrefix:    b64(secret),
			IVInBase64:    b64(append([]byte(iv), secret...)),
			HexForBase64:  iv + hex.EncodeToString(secret),
			OtherLength:   iv + b64(seal(sealed.DeriveKey(key, sealed.AES128), iv, text)),
			KeyNotDerived: iv + b64(seal(raw[:], iv, text)),
			WrongKeyClass: iv + b64(seal(sealed.DeriveKey("kit", sealed.AES256), iv, text)),
			PlainText:     text,
			LineBreaks:    iv + b64(secret)[:10] + "\n" + b64(secret)[10:],
			DoubleEncoded: url.QueryEscape(iv + b64(secret)),
			ZeroIV:        iv + b64(seal(right, strings.Repeat("\x00", 16), text)),
		}
		if bad := unsignedCarry(key, sealed.AES256); hex.EncodeToString(bad) != hex.EncodeToString(right) {
			wrong[UnsignedCarry] = iv + b64(seal(bad, iv, text))
		}
		for code, wire := range wrong {
			if code == DoubleEncoded && wire == iv+b64(secret) {
				continue
			}
			in := Input{Key: key, Bits: sealed.AES256, Got: wire, Others: []OtherKey{{"kit", "kit"}}}
			if code == ZeroIV {
				in.Plain = text // without it, a spoilt first block may look like text
			}
			r, err := Sealed(in)
			named(t, r, err, code)
		}
		r, err := Sealed(Input{Key: key, Bits: sealed.AES256, Got: iv + b64(secret), Plain: text + "x"})
		named(t, r, err, OtherText)
	})
}

func FuzzV1(f *testing.F) {
	f.Add("b=2&B=1&a=&Z=z&_x=y&timeStamp=20260727153200003", "+t5Pj41VdrNId4Jm0WKdl0Evuv3SU3zXxJB3jLPmGFs=")
	f.Fuzz(func(t *testing.T, query, got string) {
		r, err := V1(Input{Key: "k", Query: query})
		if err != nil {
			return
		}
		if _, err := v1.Verify(strings.TrimPrefix(query, "?")+"&authToken="+url.QueryEscape(r.Want), "k"); err != nil && !strings.Contains(query, "authToken") && !strings.Contains(query, "%") {
			t.Fatalf("%q: a server refuses %s", query, r.Want)
		}
	})
}

func FuzzSealed(f *testing.F) {
	f.Add("key", "A1b2C3d4E5f6G7h8HqEj1qmEp7PIaqaxqsLWAA==", true)
	f.Fuzz(func(t *testing.T, key, wire string, long bool) {
		if key == "" || wire == "" {
			return
		}
		bits := sealed.AES128
		if long {
			bits = sealed.AES256
		}
		r, err := Sealed(Input{Key: key, Bits: bits, Got: wire})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sealed.Open(key, bits, wire); (err == nil) != r.Equal && (err != nil || len(r.Causes) == 0) {
			t.Fatalf("%q: equal %v, opens %v", wire, r.Equal, err)
		}
	})
}

func FuzzBodyWays(f *testing.F) {
	f.Add([]byte(`{"b":[1,{"d":"<中/\u2028"}],"a":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return
		}
		for _, w := range bodyWays(body, func(b []byte) []byte { return b }, func(b *[]byte, to []byte) { *b = to }) {
			if wrong, _ := w.do(body); string(wrong) == string(body) && w.code != BodyEmpty {
				t.Fatalf("%s changes nothing of %q", w.code, body)
			}
		}
	})
}

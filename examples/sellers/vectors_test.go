package sellers

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
	"github.com/souk-market/souk/protocol/explain"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/usagepush"
)

var update = flag.Bool("update", false, "write vectors.json anew")

// vector is one object of vectors.json.
type vector struct {
	Name       string            `json:"name"`
	Kind       string            `json:"kind"`
	Key        string            `json:"key,omitempty"`
	Query      string            `json:"query,omitempty"`
	Nonce      string            `json:"nonce,omitempty"`
	Timestamp  string            `json:"timestamp,omitempty"`
	Now        string            `json:"now,omitempty"`
	Body       *string           `json:"body,omitempty"`
	Headers    [][2]string       `json:"headers,omitempty"`
	Bits       int               `json:"bits,omitempty"`
	IV         string            `json:"iv,omitempty"`
	Plain      any               `json:"plain,omitempty"`
	Wire       string            `json:"wire,omitempty"`
	PrivateKey string            `json:"private_key,omitempty"`
	Profile    string            `json:"profile,omitempty"`
	AccessKey  string            `json:"access_key,omitempty"`
	Method     string            `json:"method,omitempty"`
	Host       string            `json:"host,omitempty"`
	Target     string            `json:"target,omitempty"`
	Header     map[string]string `json:"header,omitempty"`
	Signed     []string          `json:"signed,omitempty"`
	DoublePath bool              `json:"double_path,omitempty"` // the client encodes the encoded path once more
	Canonical  string            `json:"canonical,omitempty"`
	Inner      string            `json:"inner,omitempty"`
	Expected   string            `json:"expected"`
	Valid      bool              `json:"valid"`
	Source     string            `json:"source"`
}

// golden is one vector of any of the protocol packages.
type golden struct {
	Name     string
	Input    json.RawMessage
	Expected json.RawMessage
	Valid    bool
	Source   string
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile("../../protocol/" + path)
	if err != nil {
		t.Fatal(err)
	}
	take(t, text, into)
}

func take(t *testing.T, text []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, raw json.RawMessage, member string) string {
	t.Helper()
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	members := map[string]any{}
	take(t, raw, &members)
	s, _ = members[member].(string)
	return s
}

func (g golden) vector(t *testing.T, kind, member string) vector {
	t.Helper()
	return vector{Name: g.Name, Kind: kind, Expected: text(t, g.Expected, member), Valid: g.Valid, Source: g.Source}
}

type input struct {
	Key                        string `json:"access_key"`
	SecretKey                  string `json:"secret_key"`
	Params                     []v1.Param
	Canonical                  string
	Nonce, Timestamp, TS, Body string
	Headers                    [][2]string
	Bits                       int
	IV, Plaintext, Wire        string
	Method, Target, Host       string
	Header                     map[string]string
	Signed                     []string
	DoublePath                 bool `json:"double_path"`
	Signature                  string
}

func (g golden) input(t *testing.T) input {
	t.Helper()
	var i input
	take(t, g.Input, &i)
	return i
}

func encoded(params []v1.Param) string {
	texts := make([]string, len(params))
	for i, p := range params {
		texts[i] = v1.Encode(p.Name) + "=" + v1.Encode(p.Value)
	}
	return strings.Join(texts, "&")
}

// collect makes the whole file from the golden data.
func collect(t *testing.T) []vector {
	t.Helper()
	var all []vector
	var tokens struct {
		AuthToken []golden `json:"auth_token"`
		Extension golden
		Encoding  []golden
	}
	read(t, "production/v1/testdata/auth_token.json", &tokens)
	for _, g := range tokens.AuthToken {
		i, v := g.input(t), g.vector(t, "v1-token", "")
		v.Key, v.Query, v.Canonical = i.Key, encoded(i.Params), i.Canonical
		all = append(all, v)
		v.Kind, v.Query, v.Canonical = "v1-verify", v.Query+"&authToken="+v1.Encode(v.Expected), ""
		v.Expected = refusal(v.Valid, "000001")
		all = append(all, v)
		if strings.HasPrefix(v.Name, "A newInstance") || strings.HasPrefix(v.Name, "D ") {
			all = append(all, spelled(v)...)
		}
	}
	for _, g := range tokens.Encoding {
		v := g.vector(t, "percent-encoding", "")
		v.Plain, v.Valid = text(t, g.Input, ""), true
		all = append(all, v)
	}
	extension := tokens.Extension.vector(t, "extension-params", "")
	body := compact(t, tokens.Extension.Input)
	extension.Body, extension.Valid, extension.Source = &body, true, "10 §7.3"
	all = append(all, extension)
	for _, file := range [][3]string{
		{"production/v2/testdata/signature.json", "v2-signature", "signature"},
		{"ordernotify/testdata/signature.json", "v2-signature", "signature"},
		{"kit/testdata/x_sign.json", "kit-sign", ""},
		{"kit/testdata/auth_token.json", "kit-token", "auth_token"},
		{"production/v1/testdata/body_sign.json", "body-sign-header", ""},
		{"usagepush/testdata/signature.json", "usage-signature", ""},
	} {
		var goldens []golden
		read(t, file[0], &goldens)
		for _, g := range goldens {
			i, v := g.input(t), g.vector(t, file[1], file[2])
			v.Key, v.Nonce, v.Timestamp, v.Headers, v.Body = i.Key, i.Nonce, i.Timestamp+i.TS, i.Headers, &i.Body
			if v.Kind == "body-sign-header" && g.Valid {
				plain := v
				plain.Kind, plain.Headers = "body-sign", nil
				all = append(all, plain)
			}
			if v.Kind == "v2-signature" && g.Valid {
				v.Inner = text(t, g.Expected, "inner")
			}
			all = append(all, v)
			if v.Kind == "v2-signature" {
				all = append(all, checks(v)...)
			}
		}
	}
	var answers []golden
	read(t, "production/v1/testdata/answer.json", &answers)
	for _, g := range answers {
		i, v := g.input(t), g.vector(t, "answer", "")
		v.Key, v.Body, v.Expected = i.Key, &i.Body, i.Signature
		take(t, g.Expected, &v.Plain)
		all = append(all, v)
	}
	return append(append(all, secrets(t)...), calls(t)...)
}

// spelled are other texts of one V1 query: what decodes to the same is right, and
// nothing else is.
// spec: 10 §6.1
func spelled(v vector) []vector {
	var all []vector
	token := v.Query[strings.Index(v.Query, "&authToken="):]
	parameters := strings.TrimSuffix(v.Query, token)
	pairs := strings.Split(parameters, "&")
	slices.Reverse(pairs)
	variant := func(name, query string, valid bool) {
		w := v
		w.Name, w.Query, w.Valid, w.Expected = v.Name+", "+name, query, valid, refusal(valid, "000001")
		if w.Query != v.Query {
			all = append(all, w)
		}
	}
	variant("parameters in another order", strings.Join(pairs, "&")+token, true)
	variant("token first", strings.TrimPrefix(token, "&")+"&"+parameters, true)
	variant("a blank as plus", strings.ReplaceAll(v.Query, "%20", "+"), true)
	variant("lower-case percent-encoding", lowerEscapes(v.Query), true)
	variant("one value changed", strings.Replace(v.Query, "orderId=CS", "orderId=CT", 1), false)
	variant("another time", strings.Replace(v.Query, "timeStamp=2026", "timeStamp=2027", 1), false)
	variant("one parameter more", parameters+"&extra=1"+token, false)
	variant("no token", parameters, false)
	variant("empty token", parameters+"&authToken=", false)
	variant("a bare plus in the token", strings.ReplaceAll(v.Query, "%2B", "+"), false)
	variant("no time", strings.Replace(v.Query, "timeStamp=", "timestamp=", 1), false)
	return all
}

func lowerEscapes(query string) string {
	return regexp.MustCompile("%[0-9A-F]{2}").ReplaceAllStringFunc(query, strings.ToLower)
}

func compact(t *testing.T, raw []byte) string {
	t.Helper()
	var pairs []v1.Extension
	take(t, raw, &pairs)
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func refusal(valid bool, code string) string {
	if valid {
		return ""
	}
	return code
}

// checks are what a server says to a signature, in time and out of time.
// spec: 11 §2
func checks(v vector) []vector {
	signature := v.Expected
	v.Kind, v.Inner, v.Now = "v2-verify", "", v.Timestamp
	v.Query = "signature=" + signature + "&timestamp=" + v.Timestamp + "&nonce=" + v.Nonce
	v.Expected = refusal(v.Valid, "000001")
	all := []vector{v}
	if !strings.HasPrefix(v.Source, "11 §10 V1") || len(v.Source) != len("11 §10 V1") {
		return all
	}
	millis, _ := strconv.ParseInt(v.Timestamp, 10, 64)
	variant := func(name string, now int64, query, code string) {
		w := v
		w.Name, w.Now, w.Query, w.Expected, w.Valid = v.Name+", "+name, strconv.FormatInt(now, 10), query, code, code == ""
		w.Nonce, w.Timestamp = "", ""
		all = append(all, w)
	}
	nonce := "&nonce=" + v.Nonce
	variant("lower case", millis, "signature="+strings.ToLower(signature)+"&timestamp="+v.Timestamp+nonce, "")
	variant("60 s old", millis+60_000, v.Query, "")
	variant("more than 60 s old", millis+60_001, v.Query, "000002")
	variant("more than 60 s ahead", millis-60_001, v.Query, "000002")
	variant("no timestamp", millis, "signature="+signature+nonce, "000002")
	variant("no nonce", millis, "signature="+signature+"&timestamp="+v.Timestamp, "000002")
	variant("no signature", millis, "timestamp="+v.Timestamp+nonce, "000001")
	return all
}

// secrets are the sealed values.
func secrets(t *testing.T) []vector {
	t.Helper()
	var all []vector
	var aes struct{ Derive, Seal, Refuse []golden }
	read(t, "sealed/testdata/aes.json", &aes)
	for _, g := range aes.Derive {
		i, v := g.input(t), g.vector(t, "aes-key", "")
		v.Key, v.Bits = i.Key, i.Bits
		all = append(all, v)
	}
	for _, g := range aes.Seal {
		i, v := g.input(t), g.vector(t, "seal", "")
		v.Key, v.Bits, v.IV, v.Plain = i.Key, i.Bits, i.IV, i.Plaintext
		all = append(all, v)
		v.Kind, v.IV, v.Plain, v.Wire, v.Expected = "open", "", nil, v.Expected, i.Plaintext
		all = append(all, v)
	}
	for _, g := range aes.Refuse {
		i, v := g.input(t), g.vector(t, "open", "")
		v.Key, v.Bits, v.Wire = i.Key, i.Bits, i.Wire
		all = append(all, v)
	}
	var oaep struct {
		Keys    map[string]struct{ Public, Private string }
		Vectors []struct {
			golden
			Input struct{ Key, Profile, Wire string }
		}
	}
	read(t, "sealed/testdata/oaep.json", &oaep)
	for _, g := range oaep.Vectors {
		v := g.vector(t, "oaep-open", "")
		v.PrivateKey, v.Profile, v.Wire = oaep.Keys[g.Input.Key].Private, g.Input.Profile, g.Input.Wire
		all = append(all, v)
	}
	return all
}

// calls are those to the open APIs.
func calls(t *testing.T) []vector {
	t.Helper()
	var all []vector
	var goldens []golden
	read(t, "aksk/testdata/vectors.json", &goldens)
	for _, g := range goldens {
		i, v := g.input(t), g.vector(t, "aksk", "signature")
		v.AccessKey, v.Key, v.Method, v.Host, v.Target = i.Key, i.SecretKey, i.Method, i.Host, i.Target
		v.Header, v.Signed, v.Body, v.DoublePath = i.Header, i.Signed, &i.Body, i.DoublePath
		all = append(all, v)
	}
	return all
}

// The file is what the golden data says today; with -update it is written anew.
func TestVectorsAreCurrent(t *testing.T) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", " ")
	if err := out.Encode(collect(t)); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("vectors.json", b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile("vectors.json")
	if err != nil || !bytes.Equal(have, b.Bytes()) {
		t.Errorf("vectors.json is not current (%v): go test ./examples/sellers -update", err)
	}
}

// Every vector is read as a program in another language reads it.
func TestVectorsHold(t *testing.T) {
	file, err := os.ReadFile("vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []vector
	take(t, file, &all)
	kinds, names := map[string][2]int{}, map[string]bool{}
	for _, v := range all {
		name := v.Kind + "/" + v.Name + "/" + v.Source
		if names[name] {
			t.Errorf("%s occurs twice", name)
		}
		names[name] = true
		count := kinds[v.Kind]
		if v.Valid {
			count[0]++
		} else {
			count[1]++
		}
		kinds[v.Kind] = count
		if v.Source == "" {
			t.Errorf("%s: %s has no source", v.Kind, v.Name)
		}
		if got, known := compute(t, v); !known {
			t.Errorf("%s: kind %s is unknown", v.Name, v.Kind)
		} else if strings.HasSuffix(v.Kind, "-verify") && got != v.Expected || !strings.HasSuffix(v.Kind, "-verify") && (got == v.Expected) != v.Valid && v.Kind != "body-sign-header" {
			t.Errorf("%s: %s gives %q, expected %q, valid %v (%s)", v.Kind, v.Name, got, v.Expected, v.Valid, v.Source)
		}
	}
	for kind, count := range kinds {
		t.Logf("%-18s %3d valid %3d not", kind, count[0], count[1])
	}
	if len(kinds) != 17 {
		t.Errorf("%d kinds", len(kinds))
	}
}

func compute(t *testing.T, v vector) (string, bool) {
	t.Helper()
	body := []byte{}
	if v.Body != nil {
		body = []byte(*v.Body)
	}
	plain, _ := v.Plain.(string)
	in := explain.Input{Key: v.Key, Query: v.Query, Nonce: v.Nonce, Timestamp: v.Timestamp, Body: body}
	want := func(kind explain.Kind) (string, bool) {
		r, err := explain.Explain(kind, in)
		if err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
		return r.Want, true
	}
	switch v.Kind {
	case "v1-token":
		return want(explain.KindV1)
	case "v1-verify":
		_, err := v1.Verify(v.Query, v.Key)
		return refusal(err == nil, "000001"), true
	case "v2-signature":
		return want(explain.KindV2)
	case "v2-verify":
		millis, _ := strconv.ParseInt(v.Now, 10, 64)
		_, err := v2.Verify(v.Query, body, time.UnixMilli(millis), v.Key)
		if wrong, ok := err.(*v2.VerifyError); ok {
			return wrong.Code, true
		}
		return "", err == nil
	case "kit-sign":
		return want(explain.KindKit)
	case "kit-token":
		return want(explain.KindKitV1)
	case "body-sign", "answer", "body-sign-header":
		return want(explain.KindBody)
	case "usage-signature":
		if usagepush.Matches(v.Key, v.Timestamp, v.Nonce, body, v.Expected) {
			return v.Expected, true
		}
		return want(explain.KindUsage)
	case "aes-key":
		r, _ := explain.Sealed(explain.Input{Key: v.Key, Bits: sealed.Bits(v.Bits), Got: "x"})
		return r.Steps[1].Value, true
	case "seal":
		wire, err := sealed.SealWithIV(v.Key, sealed.Bits(v.Bits), v.IV, plain)
		return wire, err == nil
	case "open":
		text, err := sealed.Open(v.Key, sealed.Bits(v.Bits), v.Wire)
		return text + errorText(err), true
	case "oaep-open":
		key, err := sealed.ParsePrivateKey(v.PrivateKey)
		if err != nil {
			t.Fatal(err)
		}
		text, err := sealed.OAEPProfile(v.Profile).Decrypt(key, v.Wire)
		return text + errorText(err), true
	case "aksk":
		header := map[string][]string{}
		for name, value := range v.Header {
			header[name] = []string{value}
		}
		r := aksk.Request{Method: v.Method, Target: v.Target, Host: v.Host, Header: header, Body: body}
		if aksk.Matches(r, aksk.Authorization{AccessKey: v.AccessKey, SignedHeaders: v.Signed, Signature: v.Expected}, v.Key) {
			return v.Expected, true
		}
		return "", true
	case "percent-encoding":
		decoded, err := url.PathUnescape(v.Expected)
		return v1.Encode(plain), err == nil && decoded == plain
	case "extension-params":
		return base64.StdEncoding.EncodeToString(body), true
	}
	return "", false
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return "\x00" + err.Error()
}

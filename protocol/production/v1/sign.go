package v1

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/souk-market/souk/protocol/production"
)

// Canonical joins the parameters as they are signed: decoded values, names in the
// order of a Java TreeMap, authToken left out.
// spec: 10 §6.1
func Canonical(params []Param) string {
	sorted := slices.Clone(params)
	slices.SortStableFunc(sorted, byName)
	pairs := make([]string, 0, len(sorted))
	for _, p := range sorted {
		if p.Name != "authToken" {
			pairs = append(pairs, p.Name+"="+p.Value)
		}
	}
	return strings.Join(pairs, "&")
}

// AuthToken signs the parameters: HMAC-SHA256 under access key and timeStamp, base64.
// spec: 10 §6.1
func AuthToken(params []Param, accessKey, timeStamp string) string {
	return mac(accessKey+timeStamp, []byte(Canonical(params)))
}

func mac(key string, message []byte) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write(message)
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// ErrAuthToken is what Verify says of a request that the marketplace did not sign;
// a server answers it with the code 000001.
var ErrAuthToken = errors.New("authToken is missing or wrong")

// Verified is a request whose authToken was right.
type Verified struct {
	Params   map[string]string // decoded, authToken left out
	KeyIndex int               // which key made it
}

// Verify checks the raw query of a received request against each key, as the
// reference verification does: the first value of each name, decoded once. The
// comparison takes constant time.
// spec: 10 §6.1
func Verify(rawQuery string, accessKeys ...string) (Verified, error) {
	all, err := parseQuery(rawQuery)
	if err != nil {
		return Verified{}, ErrAuthToken
	}
	var first []Param
	values := map[string]string{}
	for _, p := range all {
		if _, seen := values[p.Name]; !seen {
			values[p.Name] = p.Value
			first = append(first, p)
		}
	}
	token := values["authToken"]
	delete(values, "authToken")
	if token == "" || values["timeStamp"] == "" {
		return Verified{}, ErrAuthToken
	}
	for i, key := range accessKeys {
		if hmac.Equal([]byte(AuthToken(first, key, values["timeStamp"])), []byte(token)) {
			return Verified{Params: values, KeyIndex: i}, nil
		}
	}
	return Verified{}, ErrAuthToken
}

// BodySignature signs the exact bytes of an answer: the access key alone, no time.
// spec: 10 §6.2
func BodySignature(accessKey string, body []byte) string { return mac(accessKey, body) }

// BodySignHeader is the name of the header that carries an answer's signature.
const BodySignHeader = "Body-Sign"

// MakeBodySign is the value of the Body-Sign header for an answer.
// spec: 10 §6.2
func MakeBodySign(accessKey string, body []byte) string {
	return `sign_type="HMAC-SHA256", signature="` + BodySignature(accessKey, body) + `"`
}

// ParseBodySign returns the signature inside a Body-Sign value. The quotes are part
// of the form; blanks around names, equals signs and values are not.
// spec: 10 §6.2
func ParseBodySign(value string) (signature string, ok bool) {
	signType, seen := "", map[string]bool{}
	for _, part := range splitOutsideQuotes(value) {
		name, quoted, found := strings.Cut(part, "=")
		name, quoted = strings.TrimSpace(name), strings.TrimSpace(quoted)
		if !found || seen[name] || len(quoted) < 2 || quoted[0] != '"' || quoted[len(quoted)-1] != '"' {
			return "", false
		}
		seen[name] = true
		text := strings.TrimSpace(quoted[1 : len(quoted)-1])
		if strings.Contains(text, `"`) {
			return "", false
		}
		switch name {
		case "sign_type":
			signType = text
		case "signature":
			signature = text
		}
	}
	return signature, signType == "HMAC-SHA256" && signature != ""
}

func splitOutsideQuotes(s string) []string {
	var parts []string
	quoted, start := false, 0
	for i := range len(s) {
		switch {
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ',' && !quoted:
			parts, start = append(parts, s[start:i]), i+1
		}
	}
	return append(parts, s[start:])
}

// VerifyBodySign checks the Body-Sign headers of an answer against each key. On a
// wrong value, expected is the signature that the first key would have made: show
// it only to the seller who owns the key.
// spec: 10 §6.2, §8.3, 02 §1.12
func VerifyBodySign(headers []string, body []byte, accessKeys ...string) (keyIndex int, reason production.Reason, expected string) {
	if len(headers) == 0 {
		return 0, production.ReasonBodySignMissing, ""
	}
	signature := ""
	for i, header := range headers {
		s, ok := ParseBodySign(header)
		if !ok {
			return 0, production.ReasonBodySignForm, ""
		}
		if i > 0 && s != signature {
			return 0, production.ReasonBodySignAmbiguous, ""
		}
		signature = s
	}
	for i, key := range accessKeys {
		right := BodySignature(key, body)
		if hmac.Equal([]byte(right), []byte(signature)) {
			return i, production.ReasonNone, ""
		}
		if i == 0 {
			expected = right
		}
	}
	return 0, production.ReasonBodySignValue, expected
}

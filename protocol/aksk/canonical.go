package aksk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
)

// Algorithm is the only one that is accepted.
const Algorithm = "SDK-HMAC-SHA256"

// TimeFormat is the form of x-sdk-date, in UTC.
const TimeFormat = "20060102T150405Z"

// UnsignedPayload stands for the hash of a body that is not signed (uploads).
const UnsignedPayload = "UNSIGNED-PAYLOAD"

// Request is what is signed: the bytes on the wire.
type Request struct {
	Method string
	Target string              // raw path and query of the request line, as sent
	Host   string              // authority of the request
	Header map[string][]string // any spelling of the names
	Body   []byte
}

func (r Request) values(name string) []string {
	if strings.EqualFold(name, "host") {
		return []string{r.Host}
	}
	var all []string
	for n, v := range r.Header {
		if strings.EqualFold(n, name) {
			all = append(all, v...)
		}
	}
	return all
}

func (r Request) value(name string) string {
	if all := r.values(name); len(all) > 0 {
		return strings.TrimSpace(all[0])
	}
	return ""
}

// encode keeps the unreserved characters of RFC 3986 and writes every other byte
// as upper-case hex.
// spec: 14 §6.1
func encode(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// path is the canonical path: every segment encoded, a slash at the end, dot
// segments and double slashes kept. twice encodes the path as it stands on the
// wire, percent signs included, as one client does.
// spec: 14 §6.2 points 4 and 7
func path(raw string, twice bool) string {
	segments := strings.Split(raw, "/")
	for i, segment := range segments {
		if !twice {
			if decoded, err := url.PathUnescape(segment); err == nil {
				segment = decoded
			}
		}
		segments[i] = encode(segment)
	}
	result := strings.Join(segments, "/")
	if !strings.HasSuffix(result, "/") {
		result += "/"
	}
	return result
}

// reading is one way in which real clients spell a request canonically; the zero
// value is the documented one.
type reading struct {
	pathTwice     bool // the path is encoded as it stands on the wire
	plusLiteral   bool // a plus in the query is a plus, not a blank
	valuesEncoded bool // repeated names are sorted by encoded instead of decoded value
}

// readings lists them all.
// spec: 14 §6.2 points 5 and 7
var readings = []reading{
	{}, {plusLiteral: true}, {valuesEncoded: true}, {plusLiteral: true, valuesEncoded: true},
	{pathTwice: true}, {pathTwice: true, plusLiteral: true}, {pathTwice: true, valuesEncoded: true}, {true, true, true},
}

// query is the canonical query: sorted by decoded name, then by value.
// spec: 14 §6.2 point 5
func query(raw string, as reading) string {
	type pair struct{ name, value string }
	decode := func(s string) string {
		if !as.plusLiteral {
			s = strings.ReplaceAll(s, "+", "%20")
		}
		if decoded, err := url.PathUnescape(s); err == nil {
			return decoded
		}
		return s
	}
	var pairs []pair
	for part := range strings.SplitSeq(raw, "&") {
		if part != "" {
			name, value, _ := strings.Cut(part, "=")
			pairs = append(pairs, pair{decode(name), decode(value)})
		}
	}
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := strings.Compare(a.name, b.name); c != 0 {
			return c
		}
		if as.valuesEncoded {
			return strings.Compare(encode(a.value), encode(b.value))
		}
		return strings.Compare(a.value, b.value)
	})
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = encode(p.name) + "=" + encode(p.value)
	}
	return strings.Join(texts, "&")
}

// canonical is the canonical request for the signed headers as listed.
func (r Request) canonical(signed []string, payload string, as reading) string {
	rawPath, rawQuery, _ := strings.Cut(r.Target, "?")
	var b strings.Builder
	b.WriteString(r.Method + "\n" + path(rawPath, as.pathTwice) + "\n" + query(rawQuery, as) + "\n")
	for _, name := range signed {
		for _, line := range r.headerLines(name) {
			b.WriteString(line + "\n")
		}
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + payload)
	return b.String()
}

// headerLines are the canonical lines of one header.
func (r Request) headerLines(name string) []string {
	lines := slices.Clone(r.values(name))
	slices.Sort(lines)
	for i, value := range lines {
		lines[i] = strings.ToLower(name) + ":" + strings.TrimSpace(value)
	}
	return lines
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func signature(secret, date, canonical string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(StringToSign(date, canonical)))
	return hex.EncodeToString(m.Sum(nil))
}

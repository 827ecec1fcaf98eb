package aksk

import "strings"

// Parts are the lines of a canonical request, for those who explain or test a
// signature. Headers are the canonical header lines without their newlines.
// spec: 14 §6.1
type Parts struct {
	Method, URI, Query string
	Headers            []string
	Signed             []string
	Payload            string
}

// PartsOf takes a request apart by the documented reading. signed are the header
// names in lower case, as listed.
// spec: 14 §6.1
func PartsOf(r Request, signed []string) (Parts, error) {
	for _, name := range signed {
		if len(r.values(name)) == 0 {
			return Parts{}, ErrHeader
		}
	}
	payload, err := r.payload(true)
	if err != nil {
		return Parts{}, err
	}
	rawPath, rawQuery, _ := strings.Cut(r.Target, "?")
	parts := Parts{Method: r.Method, URI: path(rawPath, false), Query: query(rawQuery, reading{}), Signed: signed, Payload: payload}
	for _, name := range signed {
		parts.Headers = append(parts.Headers, r.headerLines(name)...)
	}
	return parts, nil
}

// Canonical joins the parts.
func (p Parts) Canonical() string {
	var b strings.Builder
	b.WriteString(p.Method + "\n" + p.URI + "\n" + p.Query + "\n")
	for _, line := range p.Headers {
		b.WriteString(line + "\n")
	}
	b.WriteString("\n" + strings.Join(p.Signed, ";") + "\n" + p.Payload)
	return b.String()
}

// StringToSign is what the secret key signs.
// spec: 14 §6.1
func StringToSign(date, canonical string) string {
	return Algorithm + "\n" + date + "\n" + hash([]byte(canonical))
}

// Matches tells whether an Authorization fits a request in any of the readings that
// Verify accepts. It checks no clock.
// spec: 14 §6.2
func Matches(r Request, auth Authorization, secretKey string) bool {
	parts, err := PartsOf(r, auth.SignedHeaders)
	return err == nil && r.matches(auth, secretKey, r.value("x-sdk-date"), parts.Payload)
}

package aksk

import (
	"crypto/hmac"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Skew is how far x-sdk-date may be from the server's clock, either way.
// spec: 14 §6.1
const Skew = 15 * time.Minute

// MaxBody is the longest body of a signed call, in bytes.
// spec: 14 §6.1
const MaxBody = 12 << 20

// Refusals of Verify. ErrClockSkew alone is APIGW.0303.
// spec: 14 §4, §6.2, 01 §5
var (
	ErrMalformed    = errors.New("authorization is missing or malformed")
	ErrAlgorithm    = errors.New("signature algorithm is not supported")
	ErrDateUnsigned = errors.New("x-sdk-date is not signed")
	ErrDate         = errors.New("x-sdk-date is malformed")
	ErrClockSkew    = errors.New("x-sdk-date is more than 15 minutes off")
	ErrUnknownKey   = errors.New("access key is unknown or disabled")
	ErrHeader       = errors.New("a signed header is absent")
	ErrPayload      = errors.New("x-sdk-content-sha256 does not fit the body")
	ErrUnsigned     = errors.New("this interface does not take an unsigned payload")
	ErrSignature    = errors.New("signature does not match")
)

// Sign returns the Authorization value over the headers named, which must be
// present in r (host stands for r.Host); x-sdk-date must be among them.
// spec: 14 §6.1
func Sign(r Request, accessKey, secretKey string, signedHeaders ...string) (string, error) {
	signed := make([]string, len(signedHeaders))
	for i, name := range signedHeaders {
		signed[i] = strings.ToLower(name)
		if len(r.values(name)) == 0 {
			return "", ErrHeader
		}
	}
	slices.Sort(signed)
	signed = slices.Compact(signed)
	if !slices.Contains(signed, "x-sdk-date") {
		return "", ErrDateUnsigned
	}
	date := r.value("x-sdk-date")
	if _, err := time.Parse(TimeFormat, date); err != nil {
		return "", ErrDate
	}
	payload, err := r.payload(true)
	if err != nil {
		return "", err
	}
	canonical := r.canonical(signed, payload, reading{})
	return Algorithm + " Access=" + accessKey + ", SignedHeaders=" + strings.Join(signed, ";") + ", Signature=" + signature(secretKey, date, canonical), nil
}

// Authorization is a parsed header value.
type Authorization struct {
	AccessKey     string
	SignedHeaders []string // lower case, as listed
	Signature     string
}

var (
	authorizationForm = regexp.MustCompile(`^Access=([^,;=\s]+), *SignedHeaders=([a-z0-9!#$%&'*+.^_|~;-]+), *Signature=([0-9a-fA-F]{64})$`)
	algorithmForm     = regexp.MustCompile(`^[A-Z0-9-]+$`)
)

// Parse reads an Authorization value: ErrAlgorithm for another algorithm, ErrMalformed
// for everything else that is not of the form.
// spec: 14 §6.1, §6.2
func Parse(value string) (Authorization, error) {
	algorithm, rest, found := strings.Cut(value, " ")
	switch {
	case algorithm != Algorithm && found && algorithmForm.MatchString(algorithm):
		return Authorization{}, ErrAlgorithm
	case algorithm != Algorithm:
		return Authorization{}, ErrMalformed
	}
	m := authorizationForm.FindStringSubmatch(rest)
	if m == nil {
		return Authorization{}, ErrMalformed
	}
	return Authorization{AccessKey: m[1], SignedHeaders: strings.Split(m[2], ";"), Signature: strings.ToLower(m[3])}, nil
}

// Options of Verify.
type Options struct {
	// UnsignedPayload allows bodies that are not signed: multipart uploads only.
	UnsignedPayload bool
}

// Verify checks a received request and returns the access key that signed it.
// secret looks an access key up; false means unknown, locked or disabled. An
// unknown key costs the same time as a wrong signature.
// spec: 14 §6.2
func Verify(r Request, now time.Time, secret func(accessKey string) (secretKey string, ok bool), options Options) (accessKey string, err error) {
	headers := r.values("Authorization")
	if len(headers) != 1 {
		return "", ErrMalformed
	}
	auth, err := Parse(headers[0])
	if err != nil {
		return "", err
	}
	if !slices.Contains(auth.SignedHeaders, "x-sdk-date") {
		return "", ErrDateUnsigned
	}
	dates := r.values("x-sdk-date")
	if len(dates) != 1 {
		return "", ErrDate
	}
	date := strings.TrimSpace(dates[0])
	at, err := time.Parse(TimeFormat, date)
	if err != nil {
		return "", ErrDate
	}
	if off := now.Sub(at); off > Skew || off < -Skew {
		return "", ErrClockSkew
	}
	for _, name := range auth.SignedHeaders {
		if len(r.values(name)) == 0 {
			return "", ErrHeader
		}
	}
	payload, err := r.payload(options.UnsignedPayload)
	if err != nil {
		return "", err
	}
	secretKey, known := secret(auth.AccessKey)
	if !r.matches(auth, secretKey, date, payload) {
		if !known {
			return "", ErrUnknownKey
		}
		return "", ErrSignature
	}
	if !known {
		return "", ErrUnknownKey
	}
	return auth.AccessKey, nil
}

// matches tries every reading, all of them always, so that the time tells nothing.
// spec: 14 §6.2 points 5 and 7
func (r Request) matches(auth Authorization, secretKey, date, payload string) bool {
	found := false
	for _, as := range readings {
		right := signature(secretKey, date, r.canonical(auth.SignedHeaders, payload, as))
		if hmac.Equal([]byte(right), []byte(auth.Signature)) {
			found = true
		}
	}
	return found
}

// payload is the last line of the canonical request.
// spec: 14 §6.1, §6.2 points 6 and 8
func (r Request) payload(unsignedAllowed bool) (string, error) {
	values := r.values("x-sdk-content-sha256")
	if len(values) == 0 {
		return hash(r.Body), nil
	}
	switch claimed := strings.TrimSpace(values[0]); {
	case len(values) > 1:
		return "", ErrPayload
	case claimed == UnsignedPayload && unsignedAllowed:
		return claimed, nil
	case claimed == UnsignedPayload:
		return "", ErrUnsigned
	case claimed != hash(r.Body):
		return "", ErrPayload
	default:
		return claimed, nil
	}
}

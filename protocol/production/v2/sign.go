package v2

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/production"
)

// Window is how far the timestamp may be from the server's clock, either way.
// spec: 11 §2, 02 §2.3
const Window = 60 * time.Second

// Sign returns the signature of a body in upper-case hex. timestamp is the exact
// text of the URL parameter.
// spec: 11 §2
func Sign(accessKey, nonce, timestamp string, body []byte) string {
	inner := hex.EncodeToString(mac(accessKey, body))
	return strings.ToUpper(hex.EncodeToString(mac(accessKey, []byte(accessKey+nonce+timestamp+inner))))
}

func mac(key string, message []byte) []byte {
	m := hmac.New(sha256.New, []byte(key))
	m.Write(message)
	return m.Sum(nil)
}

const nonceAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewNonce draws 32 letters and digits from random, a cryptographic source.
// spec: 01 §7
func NewNonce(random io.Reader) (string, error) {
	nonce, one := make([]byte, 0, 32), make([]byte, 1)
	for len(nonce) < 32 {
		if _, err := io.ReadFull(random, one); err != nil {
			return "", err
		}
		// Bytes beyond the last full round are drawn again, so every character is equally likely.
		if int(one[0]) < 256-256%len(nonceAlphabet) {
			nonce = append(nonce, nonceAlphabet[int(one[0])%len(nonceAlphabet)])
		}
	}
	return string(nonce), nil
}

// Timestamp is the wire clock as it travels: milliseconds since 1970.
// spec: 11 §2
func Timestamp(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }

// ErrAddress refuses a production address that V2 calls cannot be added to.
var ErrAddress = errors.New("production address cannot be used")

// Address is a seller's production address, ready to be extended.
type Address struct {
	base  string // up to the path
	query string // the address's own, as registered
}

// ParseAddress checks the form of an address: absolute http or https, no user
// information, no fragment, no signature, timestamp or nonce of its own. Whether
// the host and the scheme are allowed is not decided here.
// spec: 02 §2.4
func ParseAddress(text string) (Address, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || strings.Contains(text, "#") {
		return Address{}, ErrAddress
	}
	own, err := url.ParseQuery(u.RawQuery)
	if err != nil || strings.ContainsFunc(u.RawQuery, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Address{}, ErrAddress
	}
	for name := range own {
		switch strings.ToLower(name) {
		case "signature", "timestamp", "nonce":
			return Address{}, ErrAddress
		}
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	return Address{base: u.Scheme + "://" + u.Host + path, query: u.RawQuery}, nil
}

// SubPath is the address with a fixed sub-path of the joint kit, put before the
// address's own query.
// spec: 02 §2.4, 13 §1
func (a Address) SubPath(path string) Address {
	return Address{base: strings.TrimSuffix(a.base, "/") + path, query: a.query}
}

// URL is the address without our parameters.
func (a Address) URL() string { return a.with("") }

func (a Address) with(ours string) string {
	query := a.query
	if query != "" && ours != "" {
		query += "&"
	}
	if query += ours; query == "" {
		return a.base
	}
	return a.base + "?" + query
}

// Headers are the request headers of every V2 call, in order.
// spec: 11 §1, 01 §7
var Headers = []production.Header{
	{Name: "Accept", Value: "application/json"},
	{Name: "Accept-Encoding", Value: "identity"},
	{Name: "Content-Type", Value: "application/json;charset=utf-8"},
}

// Build makes the complete signed request. now is the wire clock at the moment of
// sending and nonce a fresh NewNonce: every attempt is built anew.
// spec: 11 §2, 02 §2.3
func Build(call Call, debug bool, address Address, accessKey, nonce string, now time.Time) (production.Request, error) {
	body, err := Body(call, debug)
	if err != nil {
		return production.Request{}, err
	}
	return Post(body, address, accessKey, nonce, now), nil
}

// Post is Build for a body that is ready; replays and orderNotify use it.
func Post(body []byte, address Address, accessKey, nonce string, now time.Time) production.Request {
	timestamp := Timestamp(now)
	query := "signature=" + Sign(accessKey, nonce, timestamp, body) + "&timestamp=" + timestamp + "&nonce=" + url.QueryEscape(nonce)
	return production.Request{
		Method: "POST", URL: address.with(query), Headers: append([]production.Header(nil), Headers...), Body: body,
	}
}

// VerifyError is why a server refuses a request; Code is what it answers.
type VerifyError struct{ Code, Problem string }

func (e *VerifyError) Error() string { return e.Problem }

// The refusals of Verify, in the order of checking.
// spec: 11 §2 point 5
var (
	ErrTimestamp = &VerifyError{"000002", "timestamp is missing, malformed or more than 60 s off"}
	ErrNonce     = &VerifyError{"000002", "nonce is missing"}
	ErrSignature = &VerifyError{"000001", "signature is missing or wrong"}
)

// Verified is what Verify found out about a genuine request.
type Verified struct {
	Nonce    string
	KeyIndex int // which key made the signature
}

// Verify checks the raw query and the raw body of a received request against each
// key. The caller keeps the nonce for twice Window to refuse a replay.
// spec: 11 §2, 02 §2.3
func Verify(rawQuery string, body []byte, now time.Time, accessKeys ...string) (Verified, error) {
	query, err := url.ParseQuery(rawQuery)
	if err != nil {
		return Verified{}, ErrTimestamp
	}
	return VerifyValues(query.Get("signature"), query.Get("timestamp"), query.Get("nonce"), body, now, accessKeys, Sign)
}

// VerifyValues is Verify for signatures that travel elsewhere or are made by
// another rule, as in the joint kit.
func VerifyValues(signature, timestamp, nonce string, body []byte, now time.Time, accessKeys []string,
	sign func(accessKey, nonce, timestamp string, body []byte) string,
) (Verified, error) {
	millis, err := strconv.ParseInt(timestamp, 10, 64)
	// Exactly 13 digits: the signed text has no separators, and a leading zero could
	// have been borrowed from the end of the nonce to make a "new" nonce.
	if err != nil || len(timestamp) != 13 || timestamp[0] < '1' || timestamp[0] > '9' {
		return Verified{}, ErrTimestamp
	}
	if off := now.UnixMilli() - millis; off > Window.Milliseconds() || off < -Window.Milliseconds() {
		return Verified{}, ErrTimestamp
	}
	if nonce == "" {
		return Verified{}, ErrNonce
	}
	got := []byte(strings.ToUpper(signature))
	for i, key := range accessKeys {
		if hmac.Equal([]byte(sign(key, nonce, timestamp, body)), got) {
			return Verified{Nonce: nonce, KeyIndex: i}, nil
		}
	}
	return Verified{}, ErrSignature
}

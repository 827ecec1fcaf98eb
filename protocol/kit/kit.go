package kit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Callback names one of the five interfaces.
type Callback string

// The callbacks; which flags and members they carry is chapter 13 §2.
const (
	TenantSync      Callback = "tenantSync"
	ApplicationSync Callback = "applicationSync"
	AuthSync        Callback = "authSync"
	SingleOrgSync   Callback = "singleOrgSync"
	AllOrgSync      Callback = "allOrgSync"
)

// Timeout of one callback, connecting included.
// spec: 13 §1
const Timeout = 20 * time.Second

// PathV1 and PathV2 are the sub-paths behind the production address.
// spec: 13 §1, 11 §2.1
func (c Callback) PathV1() string { return "/produceAPI/" + string(c) }

// PathV2 is the sub-path of the second generation.
func (c Callback) PathV2() string { return "/produceAPI/v2/" + string(c) }

// Sign is the x-sign of a payload: unlike the basic interfaces the payload itself
// is signed, not its hash. Upper-case hex.
// spec: 11 §2.1, 13 §1.2
func Sign(accessKey, nonce, timestamp string, payload []byte) string {
	m := hmac.New(sha256.New, []byte(accessKey))
	m.Write([]byte(accessKey + nonce + timestamp))
	m.Write(payload)
	return strings.ToUpper(hex.EncodeToString(m.Sum(nil)))
}

// Build makes the complete request of the second generation. body must be canonical
// (wirejson.Canonical), as some sellers sign what they re-serialise.
// spec: 13 §1.2
func Build(callback Callback, body []byte, address v2.Address, accessKey, nonce string, now time.Time) production.Request {
	timestamp := v2.Timestamp(now)
	return production.Request{
		Method: "POST", URL: address.SubPath(callback.PathV2()).URL(), Body: body,
		Headers: append(headers(),
			production.Header{Name: "x-sign", Value: Sign(accessKey, nonce, timestamp, body)},
			production.Header{Name: "x-timestamp", Value: timestamp},
			production.Header{Name: "x-nonce", Value: nonce}),
	}
}

func headers() []production.Header { return append([]production.Header(nil), v2.Headers...) }

// Verify checks the headers of a received callback by the V2 rules: the same
// window, order of checks and codes as v2.Verify.
// spec: 13 §1.2, 02 §3.3
func Verify(header func(name string) string, payload []byte, now time.Time, accessKeys ...string) (v2.Verified, error) {
	return v2.VerifyValues(header("x-sign"), header("x-timestamp"), header("x-nonce"), payload, now, accessKeys, Sign)
}

// ErrParams refuses a body that has no V1 signature: not an object, or a member
// that is an object.
var ErrParams = errors.New("body cannot be signed by the V1 rule")

// ParamsV1 reads the signed parameters out of a V1 body: numbers as written, texts
// unescaped, lists as compact text, null and blank values skipped.
// spec: 13 §1.1, 01 §10
func ParamsV1(body []byte) ([]v1.Param, error) {
	object, err := wirejson.ParseObject(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrParams, err)
	}
	var params []v1.Param
	for _, m := range object.Members {
		switch m.Value.Kind {
		case wirejson.Null:
			continue
		case wirejson.Object:
			return nil, fmt.Errorf("%w: %s is nested", ErrParams, m.Name)
		case wirejson.Array:
			// A list is signed as the text that it would be in a string. spec: 02 §3.2
			text, err := wirejson.Text(m.Value)
			if err != nil {
				return nil, fmt.Errorf("%w: %w", ErrParams, err)
			}
			m.Value.Text = text
		}
		if strings.TrimSpace(m.Value.Text) != "" {
			params = append(params, v1.Param{Name: m.Name, Value: m.Value.Text})
		}
	}
	return params, nil
}

// AuthTokenV1 signs a V1 body; its member timeStamp is part of the key.
// spec: 10 §6.1, 13 §1.1
func AuthTokenV1(accessKey string, body []byte) (string, error) {
	params, err := ParamsV1(body)
	if err != nil {
		return "", err
	}
	for _, p := range params {
		if p.Name == "timeStamp" {
			return v1.AuthToken(params, accessKey, p.Value), nil
		}
	}
	return "", fmt.Errorf("%w: timeStamp is missing", ErrParams)
}

// BuildV1 makes the complete request of the first generation: the token travels in
// the header authToken.
// spec: 13 §1.1
func BuildV1(callback Callback, body []byte, address v2.Address, accessKey string) (production.Request, error) {
	token, err := AuthTokenV1(accessKey, body)
	if err != nil {
		return production.Request{}, err
	}
	return production.Request{
		Method: "POST", URL: address.SubPath(callback.PathV1()).URL(), Body: body,
		Headers: append(headers(), production.Header{Name: "authToken", Value: token}),
	}, nil
}

// VerifyV1 checks the authToken header of a received V1 body in constant time and
// tells which key made it. A refusal is v1.ErrAuthToken.
// spec: 13 §1.1
func VerifyV1(authToken string, body []byte, accessKeys ...string) (keyIndex int, err error) {
	for i, key := range accessKeys {
		right, err := AuthTokenV1(key, body)
		if err != nil {
			return 0, v1.ErrAuthToken
		}
		if hmac.Equal([]byte(right), []byte(authToken)) {
			return i, nil
		}
	}
	return 0, v1.ErrAuthToken
}

// TimeStampV1 is the timeStamp member of a V1 or V2 kit body: UTC+8, 17 digits,
// unlike the basic interfaces.
// spec: 13 §1
func TimeStampV1(t time.Time) string { return v1.TimeStamp(t.Add(8 * time.Hour)) }

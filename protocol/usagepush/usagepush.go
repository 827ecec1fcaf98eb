package usagepush

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"

	"github.com/souk-market/souk/protocol/wirejson"
)

// Text is what is signed for a body as given.
// spec: 14 §2.1
func Text(ts, nonce string, body []byte) string {
	return "ts=" + ts + "&nonce=" + nonce + "&body=" + string(body)
}

// Sign signs the bytes as given and returns base64.
// spec: 14 §2.1, 01 §8.4
func Sign(accessKey, ts, nonce string, body []byte) string {
	m := hmac.New(sha256.New, []byte(accessKey))
	m.Write([]byte(Text(ts, nonce, body)))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Sorted is the body's other reading: compact, names ascending by code unit at every
// level, the order of lists kept. ok is false when the body is not a JSON object.
// spec: 14 §2.1
func Sorted(body []byte) (sorted []byte, ok bool) {
	object, err := wirejson.ParseObject(body)
	if err != nil {
		return nil, false
	}
	text, err := wirejson.Text(object)
	return []byte(text), err == nil
}

// Matches tells whether a signature fits either reading of the body. Both are always
// computed and compared in constant time.
// spec: 14 §2.1
func Matches(accessKey, ts, nonce string, body []byte, signature string) bool {
	raw := hmac.Equal([]byte(Sign(accessKey, ts, nonce, body)), []byte(signature))
	other, ok := Sorted(body)
	sorted := hmac.Equal([]byte(Sign(accessKey, ts, nonce, other)), []byte(signature))
	return raw || ok && sorted
}

package cursor

import (
	"encoding/base64"
	"encoding/json"

	"github.com/souk-market/souk/internal/ground/fault"
)

// Page limits. // spec: 01 §8
const (
	DefaultSize = 50
	MaxSize     = 200
)

// Encode makes the mark after a row with the given key parts.
func Encode(parts ...string) string {
	raw, err := json.Marshal(parts)
	if err != nil {
		panic(err) // strings always encode
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Decode reads a mark of n parts; an empty mark gives nil (the first page).
func Decode(mark string, n int) ([]string, error) {
	if mark == "" {
		return nil, nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(mark)
	var parts []string
	if err == nil {
		err = json.Unmarshal(raw, &parts)
	}
	if err != nil || len(parts) != n {
		return nil, fault.Field("page", "is not a page mark of this list; leave it out for the first page")
	}
	return parts, nil
}

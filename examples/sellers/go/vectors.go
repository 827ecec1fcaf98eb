package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// vector is one of the shared vectors; package sellers says what its members mean.
type vector struct {
	Name, Kind, Key, Query, Nonce, Timestamp, Now, Body, IV, Wire, Method, Host, Target, Expected string

	Bits   int
	Plain  any
	Header map[string]string
	Signed []string
	Double bool `json:"double_path"`
	Valid  bool
}

// compute is what the SDK's packages make of a vector; false for kinds that a seller's
// server has no use for.
func (v vector) compute() (string, bool) {
	plain, _ := v.Plain.(string)
	switch v.Kind {
	case "v1-verify": // makes the token too
		_, err := v1.Verify(v.Query, v.Key)
		return map[bool]string{false: "000001"}[err == nil], true
	case "v2-signature":
		return v2.Sign(v.Key, v.Nonce, v.Timestamp, []byte(v.Body)), true
	case "v2-verify":
		millis, err := strconv.ParseInt(v.Now, 10, 64)
		if err != nil {
			return err.Error(), true
		}
		var wrong *v2.VerifyError
		if _, err := v2.Verify(v.Query, []byte(v.Body), time.UnixMilli(millis), v.Key); errors.As(err, &wrong) {
			return wrong.Code, true
		}
		return "", true
	case "body-sign", "answer":
		return v1.BodySignature(v.Key, []byte(v.Body)), true
	case "aes-key":
		return hex.EncodeToString(sealed.DeriveKey(v.Key, sealed.Bits(v.Bits))), true
	case "seal":
		wire, err := sealed.SealWithIV(v.Key, sealed.Bits(v.Bits), v.IV, plain)
		return wire, err == nil
	case "open":
		text, _ := sealed.Open(v.Key, sealed.Bits(v.Bits), v.Wire)
		return text, true
	case "percent-encoding":
		return v1.Encode(plain), true
	case "aksk":
		if v.Double {
			return "", false
		}
		header := map[string][]string{}
		for name, value := range v.Header {
			header[name] = []string{value}
		}
		request := aksk.Request{Method: v.Method, Target: v.Target, Host: v.Host, Header: header, Body: []byte(v.Body)}
		authorization, err := aksk.Sign(request, "access", v.Key, v.Signed...)
		_, signature, _ := strings.Cut(authorization, "Signature=")
		return signature, err == nil
	}
	return "", false
}

// vectors compares every vector of a file.
func vectors(path string) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var all []vector
	if err := json.Unmarshal(raw, &all); err != nil {
		return err
	}
	held, wrong, skipped := 0, 0, map[string]bool{}
	for _, v := range all {
		got, known := v.compute()
		switch {
		case !known:
			skipped[v.Kind+map[bool]string{true: " with double_path"}[v.Double]] = true
		case (got == v.Expected) == (v.Valid || strings.HasSuffix(v.Kind, "-verify")):
			held++
		default:
			wrong++
			fmt.Printf("%s %q: %q, expected %q, valid %v\n", v.Kind, v.Name, got, v.Expected, v.Valid)
		}
	}
	fmt.Printf("%d vectors hold, %d do not; kinds skipped: %s\n", held, wrong, strings.Join(slices.Sorted(maps.Keys(skipped)), ", "))
	if wrong > 0 || held == 0 {
		return errors.New("the vectors do not hold")
	}
	return nil
}

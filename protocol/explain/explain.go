package explain

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"

	"github.com/souk-market/souk/protocol/aksk"
	"github.com/souk-market/souk/protocol/sealed"
)

// Kind says which rule a value was made by.
type Kind string

// The kinds, as `souk sign` and `souk explain` name them.
// spec: 01 §8.4
const (
	KindV1     Kind = "v1"     // authToken in a query
	KindV2     Kind = "v2"     // signature in a query over a body
	KindKit    Kind = "kit"    // x-sign
	KindKitV1  Kind = "kit-v1" // authToken in a header over a body
	KindBody   Kind = "body"   // Body-Sign of an answer
	KindUsage  Kind = "usage"  // usage push
	KindAKSK   Kind = "aksk"   // SDK-HMAC-SHA256
	KindSealed Kind = "sealed" // IV16 and base64 of AES
)

// Step is one intermediate, in the order of computing.
type Step struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Cause is one mistake that was found. With names the others that were made together
// with it; without them, the mistake alone gives the value. Evidence is the
// ingredient that the mistake changed; it needs no translation.
type Cause struct {
	Code     Code   `json:"code"`
	Evidence string `json:"evidence,omitempty"`
	With     []Code `json:"with,omitempty"`
}

// Result is a recomputation. Causes is empty when the values are equal, when nothing
// was found to compare with, and when no known mistake explains the difference.
type Result struct {
	Kind   Kind    `json:"kind"`
	Want   string  `json:"want"`
	Got    string  `json:"got"`
	Equal  bool    `json:"equal"`
	Steps  []Step  `json:"steps"`
	Causes []Cause `json:"causes"`
}

// OtherKey is a key that may have been used by mistake.
type OtherKey struct{ Class, Key string }

// Input is what a signature is made of; each kind reads its own members. Got is the
// value that was found; when it is empty only Want and Steps are made.
type Input struct {
	Key       string
	Query     string // v1: percent-encoded, as on the wire
	Nonce     string
	Timestamp string // as it travels; for body the request's timeStamp, when it is known
	Body      []byte
	Got       string
	Others    []OtherKey

	// aksk: Key is the secret key.
	AccessKey string
	Request   aksk.Request
	Signed    []string // headers to sign, host and x-sdk-date included

	// sealed: Got is the wire value.
	Bits  sealed.Bits
	IV    string // when the wire has none and it is known
	Plain string // the text expected, when it is known
}

// InputError says which input is unusable, what is wrong and what would be right.
type InputError struct{ Field, Problem, Right string }

func (e *InputError) Error() string { return e.Field + " " + e.Problem + ": " + e.Right }

// Explain recomputes by kind.
func Explain(kind Kind, in Input) (Result, error) {
	if in.Key == "" {
		return Result{}, &InputError{"key", "is missing", "give the access key that both sides share"}
	}
	switch kind {
	case KindV1:
		return V1(in)
	case KindV2:
		return V2(in)
	case KindKit:
		return Kit(in)
	case KindKitV1:
		return KitV1(in)
	case KindBody:
		return Body(in)
	case KindUsage:
		return Usage(in)
	case KindAKSK:
		return AKSK(in)
	case KindSealed:
		return Sealed(in)
	}
	return Result{}, &InputError{"kind", "is unknown", "v1, v2, kit, kit-v1, body, usage, aksk or sealed"}
}

// way is one known mistake on a recipe of type T; do returns the recipe with the
// mistake made and what it changed.
type way[T any] struct {
	code Code
	do   func(T) (T, string)
}

// deep and shallow are up to which size of a signed text three mistakes at once are
// tried, and two.
const (
	deep    = 32 << 10
	shallow = 256 << 10
)

// search makes each mistake alone, then every two and, when depth allows, every three
// of different codes together, and stops at the first number that gives a hit.
// Mistakes are applied in the order of ways.
func search[T any](start T, ways []way[T], depth int, hit func(T) bool) []Cause {
	for n := 1; n <= depth; n++ {
		if found := combine(start, ways, n, nil, hit); len(found) > 0 {
			return found
		}
	}
	return nil
}

func combine[T any](from T, ways []way[T], n int, made []Cause, hit func(T) bool) []Cause {
	var all []Cause
	for i, w := range ways {
		if holds(made, w.code) || len(made) == 0 && n == 1 && holds(all, w.code) {
			continue
		}
		wrong, evidence := w.do(from)
		now := append(made[:len(made):len(made)], Cause{Code: w.code, Evidence: evidence})
		if n > 1 {
			if found := combine(wrong, ways[i+1:], n-1, now, hit); len(found) > 0 {
				return found
			}
			continue
		}
		if !hit(wrong) {
			continue
		}
		if len(made) > 0 {
			return together(now)
		}
		all = append(all, now...)
	}
	return all
}

func holds(causes []Cause, code Code) bool {
	for _, c := range causes {
		if c.Code == code {
			return true
		}
	}
	return false
}

func together(causes []Cause) []Cause {
	for i := range causes {
		for j, other := range causes {
			if i != j {
				causes[i].With = append(causes[i].With, other.Code)
			}
		}
	}
	return causes
}

// manyOrders is up to how many names every order of them is tried: 5,040 of them.
const manyOrders = 7

// anyOrder tries every order of n names; the known ones are among the ways already.
func anyOrder(n int, try func(order []int) (evidence string, hit bool)) []Cause {
	if n > manyOrders {
		return nil
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var found []Cause
	var from func(i int) bool
	from = func(i int) bool {
		if i == n {
			evidence, hit := try(order)
			if hit {
				found = []Cause{{Code: Unsorted, Evidence: evidence}}
			}
			return hit
		}
		for j := i; j < n; j++ {
			order[i], order[j] = order[j], order[i]
			if from(i + 1) {
				return true
			}
			order[i], order[j] = order[j], order[i]
		}
		return false
	}
	from(0)
	return found
}

func depthFor(size int) int {
	switch {
	case size > shallow:
		return 1
	case size > deep:
		return 2
	}
	return 3
}

// form is how the bytes of a MAC are written, right or wrong.
type form int

const (
	formBase64 form = iota
	formHex
	formUpperHex
	formBase64URL
	formBase64Bare  // without padding
	formBase64Hex   // base64 of the hex text
	formPlusBlank   // base64 whose pluses became blanks
	formEscaped     // base64, percent-encoded
	formEscapedMore // base64, percent-encoded twice
)

func (f form) write(sum []byte) string {
	standard := base64.StdEncoding.EncodeToString(sum)
	switch f {
	case formHex:
		return hex.EncodeToString(sum)
	case formUpperHex:
		return strings.ToUpper(hex.EncodeToString(sum))
	case formBase64URL:
		return base64.URLEncoding.EncodeToString(sum)
	case formBase64Bare:
		return base64.RawStdEncoding.EncodeToString(sum)
	case formBase64Hex:
		return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum)))
	case formPlusBlank:
		return strings.ReplaceAll(standard, "+", " ")
	case formEscaped:
		return url.QueryEscape(standard)
	case formEscapedMore:
		return url.QueryEscape(url.QueryEscape(standard))
	default:
		return standard
	}
}

// digest is which function made the bytes, right or wrong.
type digest int

const (
	digestHMAC digest = iota
	digestPlain
	digestKeyFirst
	digestSHA1
)

func (d digest) sum(key, text string) []byte {
	switch d {
	case digestPlain:
		sum := sha256.Sum256([]byte(text))
		return sum[:]
	case digestKeyFirst:
		sum := sha256.Sum256([]byte(key + text))
		return sum[:]
	case digestSHA1:
		m := hmac.New(sha1.New, []byte(key))
		m.Write([]byte(text))
		return m.Sum(nil)
	default:
		m := hmac.New(sha256.New, []byte(key))
		m.Write([]byte(text))
		return m.Sum(nil)
	}
}

// visible shows what a terminal would hide at the end of a signed text.
func visible(s string) string {
	const limit = 2000
	if len(s) > limit {
		s = s[:limit/2] + " … " + s[len(s)-limit/2:]
	}
	return strings.NewReplacer("\r", `\r`, "\n", `\n`, "\uFEFF", `\uFEFF`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}

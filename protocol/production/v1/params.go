package v1

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/wirejson"
)

// Activity tells the interfaces apart.
type Activity string

// The activities of chapters 10 §1.2 and §4.
const (
	ActivityNewInstance     Activity = "newInstance"
	ActivityRefreshInstance Activity = "refreshInstance"
	ActivityExpireInstance  Activity = "expireInstance"
	ActivityReleaseInstance Activity = "releaseInstance"
	ActivityUpgrade         Activity = "upgrade"
	ActivityInstanceStatus  Activity = "instanceStatus"
	ActivityQueryInstance   Activity = "queryInstance"
	ActivityGetLicense      Activity = "getLicense"
	ActivityRefreshLicense  Activity = "refreshLicense"
	ActivityExpireLicense   Activity = "expireLicense"
	ActivityReleaseLicense  Activity = "releaseLicense"
)

// Param is one query parameter with its decoded value.
type Param struct{ Name, Value string }

// FieldError says which parameter cannot be sent and why.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return fmt.Sprintf("parameter %s: %s", e.Field, e.Problem) }

// Settings are the choices that belong to the product, not to the order.
type Settings struct {
	// Debug sends testFlag=1. spec: 10 §1.3
	Debug bool
	// AlwaysSendTestFlag sends testFlag=0 with real calls. spec: 02 §1.6
	AlwaysSendTestFlag bool
	// Optional lists the optional parameters to send, instead of the rules of 10 §2.2;
	// nil means those rules. A listed parameter without value is left out, except
	// testFlag and trialFlag (sent as 0) and userId and userName (the account's).
	// spec: 02 §1.7
	Optional []string
}

// Call is one request before signing.
type Call interface {
	Activity() Activity
	// params lists the parameters with their rules; authToken and timeStamp are added by Build.
	params() []rule
}

// rule is one parameter and when it is sent.
type rule struct {
	name, value string
	max         int
	mandatory   bool
	manual      bool // sent only when a profile lists it
	form        func(string) string
}

// Parameters returns the parameters of a call, activity and testFlag included,
// authToken and timeStamp not yet. It refuses values that are missing, too long or
// of the wrong form with a *FieldError.
// spec: 10 §2–4, 01 §2.6, 02 §1.2–1.8
func Parameters(call Call, settings Settings) ([]Param, error) {
	rules := append([]rule{{name: "activity", value: string(call.Activity()), max: 32, mandatory: true}}, call.params()...)
	rules = append(rules, settings.testFlag())
	var params []Param
	for _, r := range rules {
		if !r.sent(settings.Optional) {
			if r.mandatory {
				return nil, &FieldError{r.name, "is missing"}
			}
			continue
		}
		if err := r.check(); err != nil {
			return nil, err
		}
		params = append(params, Param{r.name, r.value})
	}
	return params, nil
}

func (s Settings) testFlag() rule {
	switch {
	case s.Debug:
		// A debugging call says so even where a profile does not list the flag.
		return rule{name: "testFlag", value: "1", max: 2, mandatory: true}
	case s.AlwaysSendTestFlag:
		return rule{name: "testFlag", value: "0", max: 2, mandatory: true}
	default:
		return rule{name: "testFlag", value: "0", max: 2, manual: true}
	}
}

func (r rule) sent(profile []string) bool {
	switch {
	case r.value == "":
		return false
	case r.mandatory:
		return true
	case profile != nil:
		return slices.Contains(profile, r.name)
	default:
		return !r.manual
	}
}

func (r rule) check() error {
	if !utf8.ValidString(r.value) {
		return &FieldError{r.name, "is not valid UTF-8"}
	}
	if r.max > 0 && utf8.RuneCountInString(r.value) > r.max {
		return &FieldError{r.name, fmt.Sprintf("is longer than %d characters", r.max)}
	}
	if r.form != nil {
		if problem := r.form(r.value); problem != "" {
			return &FieldError{r.name, problem}
		}
	}
	return nil
}

// Clean removes control characters, then white space at both ends: some frameworks
// strip values before the seller's code computes the signature.
// spec: 02 §1.2
func Clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7F {
			return -1
		}
		return r
	}, s)
	return strings.TrimFunc(s, unicode.IsSpace)
}

// TimeStamp is the time of sending as it travels: UTC, 17 digits.
// spec: 10 §1.3
func TimeStamp(t time.Time) string {
	return strings.Replace(t.UTC().Format("20060102150405.000"), ".", "", 1)
}

// ExpireTime writes an expiry in the clock that the product's setting names
// (UTC+8 by default, see ExpireZone), 14 digits.
// spec: 02 §1.4, 01 §1.3
func ExpireTime(t time.Time, zone *time.Location) string {
	return t.In(zone).Format("20060102150405")
}

// ExpireZone is the default clock of expireTime.
var ExpireZone = time.FixedZone("UTC+8", 8*60*60)

func formExpire(s string) string {
	if _, err := time.Parse("20060102150405", s); err != nil || len(s) != 14 {
		return "is not a time of the form yyyyMMddHHmmss"
	}
	return ""
}

func formOneOf(values ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return "is none of " + strings.Join(values, ", ")
	}
}

// formInteger allows plain decimal integers above zero.
// spec: 02 §1.3
func formInteger(s string) string {
	if strings.Trim(s, "0123456789") != "" || s[0] == '0' {
		return "is not a whole number above zero"
	}
	return ""
}

// formAmount allows plain decimal text without trailing zeros and with at most
// three decimals, below zero only for the cancellation of a renewal.
// spec: 01 §2.6, 10 §2.2
func formAmount(negative bool) func(string) string {
	return func(s string) string {
		plain, ok := wirejson.PlainDecimal(s)
		_, fraction, _ := strings.Cut(plain, ".")
		switch {
		case !ok || plain != s:
			return "is not a decimal amount"
		case len(fraction) > 3:
			return "has more than 3 decimals"
		case !negative && s[0] == '-':
			return "is negative"
		}
		return ""
	}
}

// plainAmount drops trailing zeros; what is no decimal stays as it is and is
// refused by formAmount.
func plainAmount(s string) string {
	if plain, ok := wirejson.PlainDecimal(s); ok && !strings.ContainsAny(s, "eE") {
		return plain
	}
	return s
}

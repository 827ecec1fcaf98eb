package license

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/production"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// The activities.
// spec: 12 §2.1, §2.2
const (
	ActivityRefresh  v2.Activity = "refreshLicenseCode"
	ActivityStatus   v2.Activity = "updateLicenseCodeStatus"
	ActivityRelease  v2.Activity = "releaseLicenseCode"
	ActivityGetAsync v2.Activity = "getLicenseAsync"
)

// Activities lists those about authorisation codes, for servers that tell them apart.
var Activities = []v2.Activity{ActivityRefresh, ActivityStatus, ActivityRelease}

// Timeout of one call, connecting included.
// spec: 01 §2.1
const Timeout = 5 * time.Second

// Scenes of RefreshCode.
// spec: 12 §2.1
const (
	SceneRenewal            = "RENEWAL"
	SceneUnsubscribeRenewal = "UNSUBSCRIBE_RENEWAL_PERIOD"
)

// Values of UpdateStatus.Status.
const (
	StatusFreeze   = "FREEZE"
	StatusUnfreeze = "UNFREEZE"
)

// Codes that getLicenseAsync knows beside the common ones.
// spec: 12 §2.2
const (
	CodeNeedsEnd         = "000902" // a period licence needs an end
	CodeNeedsFingerprint = "000903"
)

// Call is one request before it becomes a body.
type Call interface {
	Activity() v2.Activity
	members() []member
}

type member struct {
	name, value string
	max         int
	optional    bool
	form        func(string) string
}

// RefreshCode gives a code a new end: after a renewal, or when one was cancelled.
// spec: 12 §2.1
type RefreshCode struct {
	License     string
	Scene       string
	OrderID     string // a new one each time
	OrderLineID string
	ProductID   string // optional
	ExpireTime  string // UTC, v2.ExpireTime
}

// Activity returns ActivityRefresh.
func (RefreshCode) Activity() v2.Activity { return ActivityRefresh }

func (r RefreshCode) members() []member {
	return []member{
		{name: "scene", value: r.Scene, max: 64, form: oneOf(SceneRenewal, SceneUnsubscribeRenewal)},
		{name: "orderId", value: r.OrderID, max: 64}, {name: "orderLineId", value: r.OrderLineID, max: 64},
		{name: "license", value: r.License, max: 64}, {name: "productId", value: r.ProductID, max: 64, optional: true},
		{name: "expireTime", value: r.ExpireTime, max: 20, form: layout("20060102150405", "yyyyMMddHHmmss")},
	}
}

// UpdateStatus freezes or thaws a code.
// spec: 12 §2.1
type UpdateStatus struct{ License, Status string }

// Activity returns ActivityStatus.
func (UpdateStatus) Activity() v2.Activity { return ActivityStatus }

func (u UpdateStatus) members() []member {
	return []member{{name: "license", value: u.License, max: 64}, {name: "status", value: u.Status, max: 32, form: oneOf(StatusFreeze, StatusUnfreeze)}}
}

// ReleaseCode ends a code for good.
// spec: 12 §2.1
type ReleaseCode struct {
	License     string
	OrderID     string // the unsubscription order, only when there is one
	OrderLineID string
}

// Activity returns ActivityRelease.
func (ReleaseCode) Activity() v2.Activity { return ActivityRelease }

func (r ReleaseCode) members() []member {
	return []member{
		{name: "license", value: r.License, max: 64}, {name: "orderId", value: r.OrderID, max: 64, optional: true},
		{name: "orderLineId", value: r.OrderLineID, max: 64, optional: true},
	}
}

// GetAsync applies for the licence of an instance; it comes back by an upload that
// names the event.
// spec: 12 §2.2
type GetAsync struct {
	InstanceID        string
	EffectiveTime     string // AsyncTime
	ExpireTime        string // AsyncTime; empty unless the product is sold by period
	EventID           string // with the fingerprint tells a repetition from a new request
	DeviceFingerprint string // optional
}

// Activity returns ActivityGetAsync.
func (GetAsync) Activity() v2.Activity { return ActivityGetAsync }

const asyncLayout = "2006-01-02 15:04:05 z"

// AsyncTime is the form of the times of GetAsync.
// spec: 12 §2.2
func AsyncTime(t time.Time) string { return t.UTC().Format(asyncLayout) }

func (g GetAsync) members() []member {
	form := layout(asyncLayout, "yyyy-MM-dd HH:mm:ss z")
	return []member{
		{name: "instanceId", value: g.InstanceID, max: 64}, {name: "effectiveTime", value: g.EffectiveTime, max: 32, form: form},
		{name: "expireTime", value: g.ExpireTime, max: 32, optional: true, form: form}, {name: "eventId", value: g.EventID, max: 64},
		{name: "deviceFingerprint", value: g.DeviceFingerprint, max: 1024, optional: true},
	}
}

func oneOf(values ...string) func(string) string {
	return func(s string) string {
		for _, value := range values {
			if s == value {
				return ""
			}
		}
		return "is none of " + strings.Join(values, ", ")
	}
}

func layout(goLayout, shown string) func(string) string {
	return func(s string) string {
		if _, err := time.Parse(goLayout, s); err != nil || len(s) != len(goLayout) {
			return "is not a time of the form " + shown
		}
		return ""
	}
}

// Body writes the canonical body. debug adds testFlag=1; a real call has no testFlag.
// Missing, overlong and malformed values give a *v2.FieldError.
// spec: 12 §2.1, §2.2, 11 §2
func Body(call Call, debug bool) ([]byte, error) {
	o := wirejson.Obj{"activity": string(call.Activity())}
	if debug {
		o["testFlag"] = "1"
	}
	for _, m := range call.members() {
		value := wirejson.Spell(m.value)
		problem := ""
		switch {
		case !utf8.ValidString(m.value):
			problem = "is not valid UTF-8"
		case value == "" && m.optional:
			continue
		case value == "":
			problem = "is missing"
		case utf8.RuneCountInString(value) > m.max:
			problem = fmt.Sprintf("is longer than %d characters", m.max)
		case m.form != nil:
			problem = m.form(value)
		}
		if problem != "" {
			return nil, &v2.FieldError{Field: m.name, Problem: problem}
		}
		o[m.name] = value
	}
	return wirejson.Canonical(o)
}

// Build makes the complete signed request. now is the wire clock at the moment of
// sending and nonce a fresh v2.NewNonce: every attempt is built anew.
// spec: 12 §2.1
func Build(call Call, debug bool, address v2.Address, accessKey, nonce string, now time.Time) (production.Request, error) {
	body, err := Body(call, debug)
	if err != nil {
		return production.Request{}, err
	}
	return v2.Post(body, address, accessKey, nonce, now), nil
}

// Judge says what an answer means, by the rules of V2. For getLicenseAsync "being
// processed" is a success: the licence comes later, and Verdict.Processing tells so.
// spec: 12 §2.1, §2.2
func Judge(activity v2.Activity, answer production.Answer, debug bool) production.Verdict {
	v := v2.Judge(activity, answer, v2.Judging{Debugging: debug})
	if activity == ActivityGetAsync && v.Reason == production.ReasonResultCode && v.Processing() {
		v.OK, v.Reason = true, production.ReasonNone
	}
	return v
}

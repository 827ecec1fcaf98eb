package v2

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/wirejson"
)

// Activity tells the interfaces apart; all go to one address.
type Activity string

// The activities of chapter 11 §3.
const (
	ActivityNewInstance          Activity = "newInstance"
	ActivityQueryInstance        Activity = "queryInstance"
	ActivityRefreshInstance      Activity = "refreshInstance"
	ActivityUpdateInstanceStatus Activity = "updateInstanceStatus"
	ActivityReleaseInstance      Activity = "releaseInstance"
	ActivityUpgradeInstance      Activity = "upgradeInstance"
	ActivityChangeInstanceCheck  Activity = "changeInstanceCheck"
)

// FieldError says which member cannot be sent and why.
type FieldError struct{ Field, Problem string }

func (e *FieldError) Error() string { return fmt.Sprintf("member %s: %s", e.Field, e.Problem) }

// Call is one request before it becomes a body.
type Call interface {
	Activity() Activity
	members() []member
}

type member struct {
	name, value string
	max         int
	mandatory   bool
	form        func(string) string
	nested      wirejson.Obj // instead of value
}

// Body writes the canonical body of a call: compact, names ascending at every
// level, no null and no empty members. debug adds testFlag=1; a real call has no
// testFlag. Missing, overlong and malformed values give a *FieldError.
// spec: 11 §2, §4, 02 §2.1–2.2, §2.5
func Body(call Call, debug bool) ([]byte, error) {
	o := wirejson.Obj{"activity": string(call.Activity())}
	members := call.members()
	if debug {
		members = append(members, member{name: "testFlag", value: "1"})
	}
	for _, m := range members {
		if m.nested != nil {
			o[m.name] = m.nested
			continue
		}
		value := wirejson.Spell(m.value)
		if value == "" {
			if m.mandatory {
				return nil, &FieldError{m.name, "is missing"}
			}
			continue
		}
		if problem := m.problem(value); problem != "" {
			return nil, &FieldError{m.name, problem}
		}
		o[m.name] = value
	}
	return wirejson.Canonical(o)
}

func (m member) problem(value string) string {
	switch {
	case !utf8.ValidString(m.value):
		return "is not valid UTF-8"
	case m.max > 0 && utf8.RuneCountInString(value) > m.max:
		return fmt.Sprintf("is longer than %d characters", m.max)
	case m.form != nil:
		return m.form(value)
	}
	return ""
}

func oneOf(values ...string) func(string) string {
	return func(s string) string {
		if slices.Contains(values, s) {
			return ""
		}
		return "is none of " + strings.Join(values, ", ")
	}
}

func id(name, value string) member { return member{name: name, value: value, max: 64, mandatory: true} }

// NewInstance asks the seller to create the instance of one order line.
// spec: 11 §4.1
type NewInstance struct {
	OrderID     string
	OrderLineID string
	BusinessID  string // new for every call and never used again for another order
}

// Activity returns "newInstance".
func (NewInstance) Activity() Activity { return ActivityNewInstance }

func (n NewInstance) members() []member {
	return []member{id("orderId", n.OrderID), id("orderLineId", n.OrderLineID), id("businessId", n.BusinessID)}
}

// MaxQueryIDs is how many instances one queryInstance may ask for; several only
// where debugging showed that the seller answers them.
// spec: 11 §4.2, 02 §2.8
const MaxQueryIDs = 100

// QueryInstance asks for entry information and usage: polling after creation and
// resource details.
// spec: 11 §4.2
type QueryInstance struct{ InstanceIDs []string }

// Activity returns "queryInstance".
func (QueryInstance) Activity() Activity { return ActivityQueryInstance }

func (q QueryInstance) members() []member {
	check := func(string) string {
		if len(q.InstanceIDs) > MaxQueryIDs {
			return "names more than 100 instances"
		}
		for _, one := range q.InstanceIDs {
			if one == "" || utf8.RuneCountInString(one) > 64 {
				return "holds an id that is empty or longer than 64 characters"
			}
		}
		return ""
	}
	return []member{{name: "instanceId", value: strings.Join(q.InstanceIDs, ","), mandatory: true, form: check}}
}

// Scenes of RefreshInstance.
const (
	SceneTrialToFormal      = "TRIAL_TO_FORMAL"
	SceneRenewal            = "RENEWAL"
	SceneUnsubscribeRenewal = "UNSUBSCRIBE_RENEWAL_PERIOD"
	SceneRenewalChange      = "RENEWAL_CHANGE"
)

// RefreshInstance announces a new expiry.
// spec: 11 §4.3
type RefreshInstance struct {
	Scene       string
	OrderID     string // the order that the order query can resolve: of the cancellation when a renewal is cancelled
	OrderLineID string
	InstanceID  string
	ProductID   string // only when the period type changes
	ExpireTime  string // UTC, 14 digits, see ExpireTime
}

// Activity returns "refreshInstance".
func (RefreshInstance) Activity() Activity { return ActivityRefreshInstance }

func (r RefreshInstance) members() []member {
	return []member{
		{name: "scene", value: r.Scene, max: 64, mandatory: true,
			form: oneOf(SceneTrialToFormal, SceneRenewal, SceneUnsubscribeRenewal, SceneRenewalChange)},
		id("orderId", r.OrderID), id("orderLineId", r.OrderLineID), id("instanceId", r.InstanceID),
		{name: "productId", value: r.ProductID, max: 64},
		{name: "expireTime", value: r.ExpireTime, max: 20, mandatory: true, form: formExpire},
	}
}

// ExpireTime writes an expiry: UTC, 14 digits.
// spec: 11 §11, 01 §1.3
func ExpireTime(t time.Time) string { return t.UTC().Format("20060102150405") }

func formExpire(s string) string {
	if _, err := time.Parse("20060102150405", s); err != nil || len(s) != 14 {
		return "is not a time of the form yyyyMMddHHmmss"
	}
	return ""
}

// Values of UpdateInstanceStatus.Status.
const (
	StatusFreeze   = "FREEZE"
	StatusUnfreeze = "UNFREEZE"
)

// UpdateInstanceStatus freezes or thaws an instance.
// spec: 11 §4.4
type UpdateInstanceStatus struct {
	InstanceID string
	Status     string
}

// Activity returns "updateInstanceStatus".
func (UpdateInstanceStatus) Activity() Activity { return ActivityUpdateInstanceStatus }

func (u UpdateInstanceStatus) members() []member {
	return []member{
		id("instanceId", u.InstanceID),
		{name: "status", value: u.Status, max: 32, mandatory: true, form: oneOf(StatusFreeze, StatusUnfreeze)},
	}
}

// ReleaseInstance asks the seller to delete the resource.
// spec: 11 §4.5, 01 §2.6
type ReleaseInstance struct {
	InstanceID  string
	OrderID     string // the unsubscription order, only when there is one
	OrderLineID string
}

// Activity returns "releaseInstance".
func (ReleaseInstance) Activity() Activity { return ActivityReleaseInstance }

func (r ReleaseInstance) members() []member {
	return []member{
		id("instanceId", r.InstanceID),
		{name: "orderId", value: r.OrderID, max: 64}, {name: "orderLineId", value: r.OrderLineID, max: 64},
	}
}

// UpgradeInstance announces a changed size; the seller reads the order for it.
// spec: 11 §4.6
type UpgradeInstance struct {
	InstanceID  string
	OrderID     string // the new order
	OrderLineID string
}

// Activity returns "upgradeInstance".
func (UpgradeInstance) Activity() Activity { return ActivityUpgradeInstance }

func (u UpgradeInstance) members() []member {
	return []member{id("instanceId", u.InstanceID), id("orderId", u.OrderID), id("orderLineId", u.OrderLineID)}
}

// ProductInfo is the target of a change upon renewal.
// spec: 11 §4.7
type ProductInfo struct {
	SKUCode     string
	ProductID   string
	LinearValue int64 // 0: the specification has no linear attribute
}

// ChangeInstanceCheck asks whether a renewal may change the size.
// spec: 11 §4.7, 02 §2.6
type ChangeInstanceCheck struct {
	InstanceID string
	Product    ProductInfo
	// AsString sends productInfo as one string of JSON, for sellers that bind strings only.
	AsString bool
}

// Activity returns "changeInstanceCheck".
func (ChangeInstanceCheck) Activity() Activity { return ActivityChangeInstanceCheck }

func (c ChangeInstanceCheck) members() []member {
	product := wirejson.Obj{}
	if c.Product.SKUCode != "" {
		product["skuCode"] = wirejson.Spell(c.Product.SKUCode)
	}
	if c.Product.ProductID != "" {
		product["productId"] = wirejson.Spell(c.Product.ProductID)
	}
	if c.Product.LinearValue != 0 {
		product["linearValue"] = c.Product.LinearValue
	}
	info := member{name: "productInfo", nested: product}
	if c.AsString {
		text, err := wirejson.Canonical(product)
		info = member{name: "productInfo", value: string(text), mandatory: true, form: func(string) string {
			if err != nil {
				return err.Error()
			}
			return ""
		}}
	}
	return []member{id("instanceId", c.InstanceID), info}
}

// Package instance holds what a buyer owns (实例, 已购买的服务): its states, its
// terms, and why it is frozen.
//
// Chapters: 01 §3, 22 §3, 10 §9, 11 §9. It must not know SQL, HTTP or the wire.
package instance

import (
	"slices"
	"strings"
	"time"
)

// Status is the state of an instance. // spec: 01 §3
type Status string

// The states. // spec: 01 §3
const (
	Creating     Status = "CREATING"
	Provisioning Status = "PROVISIONING" // V2: created, waiting to be ready
	Active       Status = "ACTIVE"
	Grace        Status = "GRACE"
	Frozen       Status = "FROZEN"
	Released     Status = "RELEASED"
	Failed       Status = "FAILED"
)

// FreezeReason is one of several reasons that can hold at once; an instance
// thaws only when none is left. // spec: 01 §3
type FreezeReason string

// The reasons.
const (
	Expiry    FreezeReason = "expiry"
	Arrears   FreezeReason = "arrears"
	Violation FreezeReason = "violation"
	Cap       FreezeReason = "cap"
	Exhausted FreezeReason = "exhausted"
)

// Instance is one delivered (or to be delivered) service.
type Instance struct {
	ID               string
	BuyerID          string
	SellerID         string
	ProductID        string
	OrderID          string // the subscription
	OrderLineID      string
	OfferID          string
	SKUCode          string
	Quantity         int64
	Status           Status
	Reason           string // of RELEASED or FAILED: refunded, expired, …
	FreezeReasons    []FreezeReason
	SellerInstanceID string // the first one ever answered; opaque // spec: 02 §1.5, §1.11
	IDSubstitute     bool   // a licence's orderId stands in for it // spec: 02 §1.14
	EntrySealed      string // entry page and credentials, sealed at rest
	EffectiveAt      time.Time
	ExpireAt         time.Time // zero: no end
	Trial            bool      // not yet converted // spec: 22 §3.6
	AutoRenew        bool      // renews itself before its end // spec: 22 §3.4
	AutoPeriods      int       // by so many periods
	PlanNo           int64     // which of its plans is followed; jobs of earlier ones do nothing
	stored           Status    // see Loaded
	Version          int64     // counts changes; also what a writer locks the row by
}

// Entry is what lets the buyer in.
type Entry struct {
	FrontEndURL string `json:"front_end_url"`
	AdminURL    string `json:"admin_url"`
	UserName    string `json:"user_name"`
	Password    string `json:"password"`
	Memo        string `json:"memo"`
	Warning     string `json:"warning,omitempty"` // why something is not shown // spec: 10 §2.4
}

// Has tells whether a reason holds.
func (i *Instance) Has(r FreezeReason) bool { return slices.Contains(i.FreezeReasons, r) }

// Freeze adds a reason and tells whether the instance was thawed before.
func (i *Instance) Freeze(r FreezeReason) (entered bool) {
	entered = len(i.FreezeReasons) == 0
	if !slices.Contains(i.FreezeReasons, r) {
		i.FreezeReasons = append(i.FreezeReasons, r)
		slices.Sort(i.FreezeReasons)
	}
	i.Status = Frozen
	return entered
}

// Unfreeze takes a reason away and tells whether the instance thaws by it.
func (i *Instance) Unfreeze(r FreezeReason) (thawed bool) {
	had := len(i.FreezeReasons) > 0
	i.FreezeReasons = slices.DeleteFunc(i.FreezeReasons, func(x FreezeReason) bool { return x == r })
	if had && len(i.FreezeReasons) == 0 && i.Status == Frozen {
		i.Status = Active
		return true
	}
	return false
}

// ReasonsText is the stored form of the reasons.
func (i *Instance) ReasonsText() string {
	s := make([]string, len(i.FreezeReasons))
	for k, r := range i.FreezeReasons {
		s[k] = string(r)
	}
	return strings.Join(s, ",")
}

// ReadReasons reads the stored form.
func ReadReasons(text string) []FreezeReason {
	if text == "" {
		return nil
	}
	var out []FreezeReason
	for _, s := range strings.Split(text, ",") {
		out = append(out, FreezeReason(s))
	}
	return out
}

// Ended tells whether nothing more can happen to the instance.
func (i *Instance) Ended() bool { return i.Status == Released || i.Status == Failed }

// Retention is how long an instance stays usable after its end, and how long its
// data is kept after that. // spec: 01 §3
type Retention struct {
	Grace time.Duration
	Keep  time.Duration
}

const day = 24 * time.Hour

// RetentionOf is the table of 01 §3 for period SaaS: by buyer level. The demo's
// second level has three days of grace so that every state can be seen.
func RetentionOf(buyerLevel string) Retention {
	if buyerLevel == "plus" {
		return Retention{Grace: 3 * day, Keep: 15 * day}
	}
	return Retention{Grace: 0, Keep: 15 * day}
}

// OfTrial is the same without grace. // spec: 01 §3
func (r Retention) OfTrial() Retention { return Retention{Keep: r.Keep} }

// Package setting is what an operator may change while the marketplace runs (设置): limits, schedules and switches, each
// with the form of its value and the section of the specification that leaves it open. What the specification fixes is
// no setting: it stands in the code that obeys it. // spec: 01
//
// It must not know where values are kept, nor who may change them.
package setting

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/ground/money"
)

// Values are the settings that hold. They are given by value: a use case reads one set from its beginning to its end.
type Values struct {
	PayWithin      time.Duration   // from an order's submission to its payment deadline, in business time
	LargeRefund    money.Amount    // five-day refunds above it wait for an operator, in whatever currency; 0: none does
	RetryPolicy    delivery.Policy // of sellers that have none of their own
	SuspendFailed  bool            // the sixth failed order of a month suspends the product instead of proposing it
	OrderQueryRate int             // requests of a seller per second, for each interface of the open API
	UsageByKey     bool            // an access key alone proves a usage push of the new interface // spec: 14 §2.1
	Registration   bool            // companies may register by themselves
	SessionIdle    time.Duration   // ends a session that nobody uses
	MaxFailures    int             // wrong passwords or codes in a row before a lock
	LockFor        time.Duration
	KeepSignIns    time.Duration // how long the sign-in history goes back
	RequireCases   bool          // a product is released, changed and approved only with its saved, passing cases // spec: 01 §2.12
	KeepBytes      int           // days that the bytes of calls are kept; 0: for good
}

// Defaults are the values of a marketplace whose installation and operators chose nothing.
func Defaults() Values {
	return Values{PayWithin: 7 * 24 * time.Hour, LargeRefund: 50_000_00, RetryPolicy: delivery.KooGallery, OrderQueryRate: 200, UsageByKey: true, Registration: true, SessionIdle: 2 * time.Hour, MaxFailures: 5, LockFor: 15 * time.Minute, KeepSignIns: 180 * 24 * time.Hour}
}

// Kind is the form of a setting's value.
type Kind string

// The forms: a duration is written like 7d or 15m, a switch true or false, an amount 12.50.
const (
	Duration Kind = "duration"
	Amount   Kind = "amount"
	Whole    Kind = "whole"
	Choice   Kind = "choice"
	Switch   Kind = "switch"
)

// Setting is one row of Table.
type Setting struct {
	Name    string
	Group   string // orders, delivery, open_api, people
	Kind    Kind
	Spec    string // the section that leaves it open; "" for what is ours alone
	Option  string // the option of the installation that gives its value while nobody has changed it
	Min     int64  // of a whole number, of a duration in seconds, of an amount in minor units
	Max     int64
	Choices []string

	get func(*Values) string
	set func(*Values, string)
}

// Table is every setting, in the order in which they are shown.
var Table = []Setting{
	duration("orders.pay_within", "orders", "22 §2.3", "pay-within", time.Minute, 366*24*time.Hour, func(v *Values) *time.Duration { return &v.PayWithin }),
	{Name: "orders.large_refund_threshold", Group: "orders", Kind: Amount, Spec: "22 §4.1", Max: int64(money.Max), get: func(v *Values) string { return v.LargeRefund.String() }, set: func(v *Values, s string) { v.LargeRefund, _ = money.Parse(s) }},
	{Name: "open_api.usage_access_key", Group: "open_api", Kind: Switch, Spec: "14 §2.1", get: func(v *Values) string { return strconv.FormatBool(v.UsageByKey) }, set: func(v *Values, s string) { v.UsageByKey = s == "true" }},
	whole("open_api.order_query_rate", "open_api", "01 §5", "order-query-rate", 1, 100000, func(v *Values) *int { return &v.OrderQueryRate }),
	choice("delivery.retry_policy", "delivery", "01 §2.1", "retry-policy", []string{string(delivery.KooGallery), string(delivery.Standard), string(delivery.Patient)},
		func(v *Values) string { return string(v.RetryPolicy) }, func(v *Values, s string) { v.RetryPolicy = delivery.Policy(s) }),
	choice("delivery.too_many_failed", "delivery", "01 §2.11", "too-many-failed-orders", []string{"propose", "suspend"},
		func(v *Values) string {
			if v.SuspendFailed {
				return "suspend"
			}
			return "propose"
		}, func(v *Values, s string) { v.SuspendFailed = s == "suspend" }),
	{Name: "delivery.require_cases", Group: "delivery", Kind: Switch, Spec: "01 §2.12", Option: "require-cases", get: func(v *Values) string { return strconv.FormatBool(v.RequireCases) }, set: func(v *Values, s string) { v.RequireCases = s == "true" }},
	whole("delivery.keep_bytes", "delivery", "10 §8.4", "", 0, 3650, func(v *Values) *int { return &v.KeepBytes }),
	{Name: "people.registration", Group: "people", Kind: Switch, Spec: "01 §9", get: func(v *Values) string { return strconv.FormatBool(v.Registration) }, set: func(v *Values, s string) { v.Registration = s == "true" }},
	duration("people.session_idle", "people", "01 §9", "session-idle", time.Minute, 12*time.Hour, func(v *Values) *time.Duration { return &v.SessionIdle }),
	whole("people.max_failures", "people", "01 §9", "", 3, 20, func(v *Values) *int { return &v.MaxFailures }),
	duration("people.lock_for", "people", "01 §9", "", time.Minute, 24*time.Hour, func(v *Values) *time.Duration { return &v.LockFor }),
	duration("people.keep_sign_ins", "people", "01 §9", "", 24*time.Hour, 3650*24*time.Hour, func(v *Values) *time.Duration { return &v.KeepSignIns }),
}

// Named finds a setting.
func Named(name string) (Setting, bool) {
	i := slices.IndexFunc(Table, func(s Setting) bool { return s.Name == name })
	if i < 0 {
		return Setting{}, false
	}
	return Table[i], true
}

// Get is the value as text.
func (s Setting) Get(v Values) string { return s.get(&v) }

// Bounds are the least and the greatest value as text, "" where there are none.
func (s Setting) Bounds() (min, max string) {
	switch s.Kind {
	case Duration:
		return Short(time.Duration(s.Min) * time.Second), Short(time.Duration(s.Max) * time.Second)
	case Whole:
		return strconv.FormatInt(s.Min, 10), strconv.FormatInt(s.Max, 10)
	case Amount:
		return money.Amount(s.Min).String(), money.Amount(s.Max).String()
	}
	return "", ""
}

// Put replaces one value by a text, or tells what a right one looks like.
func (s Setting) Put(v Values, text string) (Values, error) {
	switch s.Kind {
	case Duration:
		d, err := parse(text)
		if err != nil || d < time.Duration(s.Min)*time.Second || d > time.Duration(s.Max)*time.Second || d%time.Second != 0 {
			return v, fmt.Errorf("must be a duration from %s to %s in whole seconds, like 90m, 72h or 7d", Short(time.Duration(s.Min)*time.Second), Short(time.Duration(s.Max)*time.Second))
		}
	case Whole:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < s.Min || n > s.Max {
			return v, fmt.Errorf("must be a whole number from %d to %d", s.Min, s.Max)
		}
	case Amount:
		n, err := money.Parse(text)
		if err != nil || n < money.Amount(s.Min) || n > money.Amount(s.Max) {
			return v, fmt.Errorf("must be an amount from %s to %s with two decimals at most, like 50000.00", money.Amount(s.Min), money.Amount(s.Max))
		}
	case Choice:
		if !slices.Contains(s.Choices, text) {
			return v, fmt.Errorf("must be one of %v", s.Choices)
		}
	case Switch:
		if text != "true" && text != "false" {
			return v, fmt.Errorf("must be true or false")
		}
	}
	s.set(&v, text)
	return v, nil
}

// Apply puts stored texts over a base. A name that this program does not know, or a text that it does not take, written
// by another version of it, leaves the base's value.
func Apply(base Values, stored map[string]string) Values {
	for _, s := range Table {
		if text, ok := stored[s.Name]; ok {
			if v, err := s.Put(base, text); err == nil {
				base = v
			}
		}
	}
	return base
}

// parse reads a duration; beside Go's units it knows whole days.
func parse(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		return time.Duration(n) * 24 * time.Hour, err
	}
	return time.ParseDuration(text)
}

// Short writes a duration without its empty parts: 7d, 36h, 15m, 1h30m.
func Short(d time.Duration) string {
	switch {
	case d == 0:
		return "0s"
	case d%(24*time.Hour) == 0 && d > 24*time.Hour:
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	case d%time.Hour == 0:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d%time.Minute == 0 && d > time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d%time.Minute == 0:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return d.String()
}

func duration(name, group, spec, option string, min, max time.Duration, at func(*Values) *time.Duration) Setting {
	return Setting{Name: name, Group: group, Kind: Duration, Spec: spec, Option: option, Min: int64(min / time.Second), Max: int64(max / time.Second),
		get: func(v *Values) string { return Short(*at(v)) },
		set: func(v *Values, s string) { *at(v), _ = parse(s) }}
}

func whole(name, group, spec, option string, min, max int64, at func(*Values) *int) Setting {
	return Setting{Name: name, Group: group, Kind: Whole, Spec: spec, Option: option, Min: min, Max: max,
		get: func(v *Values) string { return strconv.Itoa(*at(v)) },
		set: func(v *Values, s string) { *at(v), _ = strconv.Atoi(s) }}
}

func choice(name, group, spec, option string, choices []string, get func(*Values) string, set func(*Values, string)) Setting {
	return Setting{Name: name, Group: group, Kind: Choice, Spec: spec, Option: option, Choices: choices, get: func(v *Values) string { return get(v) }, set: set}
}

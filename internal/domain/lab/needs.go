package lab

import (
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Product is what of a product decides which cases it needs.
type Product struct {
	V2          bool
	Period      bool // sold by month or year
	OneTime     bool
	OnDemand    bool     // paid by use, with or without packages // spec: 14 §1.1
	Trial       bool     // a free trial is offered
	Upgradable  bool     // a specification can be upgraded, or grows in number
	Quantity    bool     // sold by number: amount travels to a V1 seller
	SendContact bool     // asks for the buyer's number or mail
	RenewChange bool     // a renewal may change the size
	StopPeriod  bool     // a renewal may change the term (month to year)
	Extensions  []string // names of extension parameters, at most three // spec: 10 §2.3
}

// Need is one passing case that a product must have before it is released.
type Need struct {
	Scenario string
	Field    string // an optional parameter that must have been in a passing case; "" is none
	Param    string // the extension parameter that must have been in it
	Absent   bool   // Field must have been left empty
}

// ID is the need in one word, as forms and messages name it.
func (n Need) ID() string {
	id := n.Scenario
	if n.Absent {
		return id + "-" + n.Field
	}
	for _, more := range []string{n.Field, n.Param} {
		if more != "" {
			id += "+" + more
		}
	}
	return id
}

// Needs lists what a product must have proved. // spec: 10 §8.2, 11 §3, 01 §2.12
func Needs(p Product) (out []Need) {
	add := func(when bool, scenario, field string) {
		if n := (Need{Scenario: scenario, Field: field}); when && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	if !p.V2 {
		create := "v1.new.once"
		if p.OnDemand {
			create = "v1.new.demand"
		}
		if p.Period {
			create = "v1.new.period"
		}
		add(p.Period || p.Trial, "v1.new.period", "")
		add(p.OneTime, "v1.new.once", "")
		add(p.Quantity, create, "amount")
		for _, name := range p.Extensions {
			out = append(out, Need{Scenario: create, Field: "saasExtendParams", Param: name})
		}
		add(p.Trial, "v1.new.period", "trialFlag")
		add(p.Period, "v1.refresh", "")
		add(p.Trial || p.StopPeriod, "v1.refresh", "productId")
		add(p.Trial, "v1.refresh", "trialToFormal")
		for _, field := range []string{"productId", "trialToFormal"} { // both ways // spec: 10 §8.2
			if p.Trial || p.StopPeriod && field == "productId" {
				out = append(out, Need{Scenario: "v1.refresh", Field: field, Absent: true})
			}
		}
		add(p.Period || p.Trial, "v1.expire", "")
		add(p.Upgradable, "v1.upgrade", "")
		add(p.OnDemand, "v1.new.demand", "")
		add(p.OnDemand, "v1.new.package", "")
		add(p.OnDemand, "v1.query", "")
		add(p.OnDemand, "v1.freeze", "")
		add(p.OnDemand, "v1.thaw", "")
		add(true, "v1.release", "")
		add(p.OnDemand, "v1.usage", "")
		return out
	}
	add(p.Period, "v2.new.period", "")
	add(p.OneTime, "v2.new.once", "")
	add(p.Trial, "v2.new.trial", "")
	add(p.OnDemand, "v2.new.demand", "")
	add(true, "v2.query", "")
	add(p.Trial, "v2.refresh.trial", "")
	add(p.Period, "v2.refresh.renewal", "")
	add(p.Period, "v2.refresh.cancel", "")
	add(p.RenewChange, "v2.refresh.change", "")
	add(p.RenewChange, "v2.check", "")
	add(p.Upgradable, "v2.upgrade", "")
	add(p.Period || p.Trial || p.OnDemand, "v2.freeze", "")
	add(p.Period || p.Trial || p.OnDemand, "v2.thaw", "")
	add(true, "v2.release", "")
	add(p.OnDemand, "v2.usage", "")
	return out
}

// Met tells whether a case of a scenario with these parameters answers a need.
func (n Need) Met(scenario string, form map[string]string) bool {
	if n.Absent {
		return n.Scenario == scenario && form[n.Field] == ""
	}
	return n.Scenario == scenario && (n.Field == "" || form[n.Field] != "") && (n.Param == "" || strings.Contains(extensions(form[n.Field]), strconv.Quote(n.Param)))
}

// extensions is the JSON of extension parameters, from the formula or the finished text.
func extensions(value string) string {
	if b, err := base64.StdEncoding.DecodeString(value); err == nil {
		return string(b)
	}
	return value
}

// turn is the place of a scenario in a round: what is made first is used and then
// released, so that each call finds the instance that the round made. // spec: 02 §1.19, §2.19
var turn = map[string]int{
	"v1.new.period": 1, "v1.new.once": 1, "v1.new.demand": 1, "v1.new.package": 1, "v1.license": 1, "v1.query": 2, "v1.upgrade": 3, "v1.refresh": 4, "v1.expire": 5, "v1.freeze": 5, "v1.thaw": 6, "v1.usage": 7, "v1.release": 9,
	"v2.new.trial": 1, "v2.new.period": 1, "v2.new.once": 1, "v2.new.demand": 1, "v2.new.package": 1, "v2.query": 2, "v2.refresh.trial": 3, "v2.refresh.renewal": 4, "v2.refresh.cancel": 5, "v2.check": 5, "v2.refresh.change": 5, "v2.upgrade": 6, "v2.freeze": 7, "v2.thaw": 8, "v2.usage": 8, "v2.release": 9,
	"license.refresh": 1, "license.freeze": 2, "license.thaw": 3, "license.release": 9,
	"kit1.tenantSync": 1, "kit1.applicationSync": 2, "kit1.allOrgSync": 3, "kit1.singleOrgSync": 4, "kit1.authSync": 5,
	"kit2.tenantSync": 1, "kit2.applicationSync": 2, "kit2.allOrgSync": 3, "kit2.singleOrgSync": 4, "kit2.authSync": 5,
}

// Turn is the place of a scenario in a round of saved cases.
func Turn(scenario string) int { return turn[scenario] }

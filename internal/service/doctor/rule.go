package doctor

import "slices"

// Protocol is what is played.
type Protocol string

// The protocols. // spec: 01 §8.3
const (
	V1      Protocol = "v1"
	V2      Protocol = "v2"
	Notify  Protocol = "notify"
	Kit     Protocol = "kit"
	License Protocol = "license"
)

// Protocols in the order of the pages.
var Protocols = []Protocol{V1, V2, Notify, Kit, License}

// Level says what a broken rule means.
type Level string

// The levels. Only a must decides whether a run passes.
const (
	Must   Level = "must"
	Should Level = "should"
	Note   Level = "note"
)

// Lang is a language of texts.
type Lang string

// The languages.
const (
	ZH Lang = "zh"
	EN Lang = "en"
)

// Text is a text in every language.
type Text struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

// In returns the text in a language; Chinese unless it is English.
func (t Text) In(l Lang) string {
	if l == EN {
		return t.EN
	}
	return t.ZH
}

// Mode is a way of billing.
type Mode string

// The billing modes that a seller may offer.
const (
	Period  Mode = "period"
	OneTime Mode = "one-time"
	PerUse  Mode = "pay-per-use"
	Package Mode = "package"
)

// Modes lists them.
var Modes = []Mode{Period, OneTime, PerUse, Package}

// Rule is one row of the table.
type Rule struct {
	ID       string // "v1.new.period": stable, reports and tests key on it
	Protocol Protocol
	Level    Level
	Section  string // of the specification: "10 §2.4"; several with a comma
	Sent     Text   // what the doctor sends
	Expected Text   // what the seller must, should or might do

	needs   []string // rules without which this one cannot be judged
	modes   []Mode   // judged only if one of these is offered; nil is always
	restart bool     // needs Options.Restart
	orders  bool     // needs the order query
	real    bool     // needs Options.Real
	debug   bool     // needs debugging calls
	kitV2   bool     // the second generation of the kit only
	check   func(*player) *problem
	aspect  bool // judged by the answers of all genuine calls
}

// Rules lists the rules of a protocol in the order of play; aspects come first.
func Rules(p Protocol) []Rule {
	var all []Rule
	switch p {
	case V1:
		all = slices.Concat(aspects(V1), rulesV1, rulesV1Calls, rulesV1Life, rulesV1Bad, rulesV1Restart)
	case V2:
		all = slices.Concat(aspects(V2), rulesV2, rulesV2Life, rulesV2Bad, rulesV2Orders, rulesV2Restart)
	case Notify:
		all = slices.Concat(aspects(Notify), rulesNotify)
	case Kit:
		all = slices.Concat(aspects(Kit), rulesKit)
	case License:
		all = slices.Concat(aspects(License), rulesLicense)
	}
	for i := range all {
		all[i].Protocol = p
	}
	return all
}

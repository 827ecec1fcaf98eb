package lab_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/lab"
)

func TestEveryScenarioIsUsable(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range lab.Scenarios {
		if seen[s.ID] || s.Activity == "" || len(s.Fields) == 0 {
			t.Errorf("scenario %q is double or empty", s.ID)
		}
		seen[s.ID] = true
		if got, ok := lab.ScenarioOf(s.ID); !ok || got.Activity != s.Activity {
			t.Errorf("scenario %q is not found", s.ID)
		}
		if s.Protocol != lab.Notify && lab.Turn(s.ID) == 0 {
			t.Errorf("scenario %q has no turn in a round", s.ID)
		}
		for _, f := range s.Fields {
			if f.Required && f.Preset == "" {
				t.Errorf("%s: %s is required and has no preset", s.ID, f.Name)
			}
		}
	}
	for _, v2 := range []bool{false, true} {
		all := lab.Needs(lab.Product{V2: v2, Period: true, OneTime: true, OnDemand: true, Trial: true, Upgradable: true, Quantity: true, RenewChange: true, StopPeriod: true})
		for _, n := range all {
			if !seen[n.Scenario] {
				t.Errorf("need %v names no scenario", n)
			}
		}
	}
}

// spec: 10 §8.2
func TestNeedsOfTheBillingModes(t *testing.T) {
	names := func(p lab.Product) (out []string) {
		for _, n := range lab.Needs(p) {
			out = append(out, n.ID())
		}
		return out
	}
	for _, c := range []struct {
		name string
		p    lab.Product
		want []string
	}{
		{"period", lab.Product{Period: true}, []string{"v1.new.period", "v1.refresh", "v1.expire", "v1.release"}},
		{"one-time", lab.Product{OneTime: true}, []string{"v1.new.once", "v1.release"}},
		{"both, one release is enough", lab.Product{Period: true, OneTime: true}, []string{"v1.new.period", "v1.new.once", "v1.refresh", "v1.expire", "v1.release"}},
		{"sold by number", lab.Product{OneTime: true, Quantity: true}, []string{"v1.new.once", "v1.new.once+amount", "v1.release"}},
		{"extension parameters", lab.Product{OneTime: true, Extensions: []string{"a", "b"}}, []string{"v1.new.once", "v1.new.once+saasExtendParams+a", "v1.new.once+saasExtendParams+b", "v1.release"}},
		{"trial", lab.Product{Period: true, Trial: true}, []string{"v1.new.period", "v1.new.period+trialFlag", "v1.refresh", "v1.refresh+productId", "v1.refresh+trialToFormal", "v1.refresh-productId", "v1.refresh-trialToFormal", "v1.expire", "v1.release"}},
		{"by use", lab.Product{OnDemand: true, Quantity: true}, []string{"v1.new.demand+amount", "v1.new.demand", "v1.new.package", "v1.query", "v1.freeze", "v1.thaw", "v1.release", "v1.usage"}},
		{"V2 by use", lab.Product{V2: true, OnDemand: true}, []string{"v2.new.demand", "v2.query", "v2.freeze", "v2.thaw", "v2.release", "v2.usage"}},
		{"V2 one-time", lab.Product{V2: true, OneTime: true}, []string{"v2.new.once", "v2.query", "v2.release"}},
		{"V2 period, upgradable", lab.Product{V2: true, Period: true, Upgradable: true}, []string{"v2.new.period", "v2.query", "v2.refresh.renewal", "v2.refresh.cancel", "v2.upgrade", "v2.freeze", "v2.thaw", "v2.release"}},
	} {
		if got := names(c.p); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestFormulas(t *testing.T) {
	of := func(f lab.Formula) (string, error) {
		if f.Name == "rsa" {
			return "", errors.New("no key")
		}
		return "<" + f.Name + ":" + f.Arg + ">", nil
	}
	for in, want := range map[string]string{
		"":                             "",
		"plain":                        "plain",
		"{order}-000001":               "<order:>-000001",
		"{order new}{uuid}":            "<order:new><uuid:>",
		"{expiry 1 month}":             "<expiry:1 month>",
		"{expiry 0 month}":             "{expiry 0 month}",
		"{utc 60}{utc -1}{utc}":        "<utc:60>{utc -1}{utc}",
		"{seal 138}":                   "<seal:138>",
		`{base64 [{"a":"{b}"}]}`:       `<base64:[{"a":"{b}"}]>`,
		`{"a":{"b":"{uuid}"}}`:         `{"a":{"b":"<uuid:>"}}`,
		"{unknown} {order old} {order": "{unknown} {order old} {order",
	} {
		if got, err := lab.Expand(in, of); err != nil || got != want {
			t.Errorf("%q gives %q %v, want %q", in, got, err, want)
		}
	}
	if _, err := lab.Expand("{rsa x}", of); err == nil {
		t.Error("a formula that cannot be made goes unnoticed")
	}
}

// spec: 10 §8.5
func TestFailedDaysInARow(t *testing.T) {
	r := func(day, slot string, passed bool) lab.Round { return lab.Round{Day: day, Slot: slot, Passed: passed} }
	var five []lab.Round
	for _, day := range []string{"05", "04", "03", "02", "01"} {
		five = append(five, r(day, lab.Afternoon, false), r(day, lab.Morning, false))
	}
	for _, c := range []struct {
		name   string
		rounds []lab.Round
		want   int
	}{
		{"nothing ran", nil, 0},
		{"one bad morning", []lab.Round{r("01", lab.Morning, false)}, 0},
		{"a bad day", five[8:], 1},
		{"five bad days", five, 5},
		{"repaired in the afternoon", append([]lab.Round{r("06", lab.Afternoon, true)}, five...), 0},
		{"good morning, bad afternoon", append([]lab.Round{r("06", lab.Afternoon, false), r("06", lab.Morning, true)}, five...), 0},
		{"a good round in between", append(slices.Clone(five[:4]), append([]lab.Round{r("03", lab.Afternoon, true)}, five[4:]...)...), 2},
	} {
		if got := lab.FailedDays(c.rounds); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestRoundsAreTwiceADay(t *testing.T) {
	zone := time.FixedZone("UTC+8", 8*3600)
	at := time.Date(2026, 12, 31, 9, 0, 0, 0, zone)
	for _, want := range []string{"2026-12-31 15:00 afternoon", "2027-01-01 09:00 morning"} {
		next, slot := lab.NextRound(at, zone)
		if got := next.Format("2006-01-02 15:04 ") + slot; got != want {
			t.Errorf("after %s: %s, want %s", at, got, want)
		}
		at = next
	}
}

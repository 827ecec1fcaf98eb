package pricing_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/money"
)

// Worked example E5: 100.00 to 200.00 per 30 days, discount 0.9, 21 days left. // spec: 22 §9
func TestAnUpgradeCostsTheDifferenceForTheDaysLeft(t *testing.T) {
	fee, parts, err := pricing.Fee(pricing.Size{Unit: "200.00", Quantity: 1, Days: pricing.DaysOfMonth}, pricing.Size{Unit: "100.00", Quantity: 1, Days: pricing.DaysOfMonth}, 21, "0.9")
	if err != nil || fee != 6300 {
		t.Fatalf("%v %v", fee, err)
	}
	if parts[0].Unit != "6.66666667" || parts[0].Amount != 12600 || parts[1].Unit != "3.33333333" || parts[1].Amount != -6300 {
		t.Errorf("shown as %+v", parts)
	}
}

// Worked example E6: 1–10 at 10.00, 11–50 at 8.00; from 10 to 20 with 15 of 30 days left.
// spec: 22 §9, 01 §4.4
func TestAScaleOutFollowsTheRuleOfItsPrices(t *testing.T) {
	bands := []pricing.Band{{From: 1, To: 10, Unit: "10.00"}, {From: 11, To: 50, Unit: "8.00"}}
	for rule, want := range map[pricing.Rule]money.Amount{pricing.Step: 3000, pricing.Tier: 4000} {
		if fee, err := pricing.Resize(rule, bands, 10, 20, pricing.DaysOfMonth, 15, "1"); err != nil || fee != want {
			t.Errorf("%s: %v %v, want %v", rule, fee, err, want)
		}
	}
	if fee, err := pricing.Resize(pricing.Step, bands, 10, 51, pricing.DaysOfMonth, 15, "1"); err == nil {
		t.Errorf("a size without a price costs %v", fee)
	}
}

func TestDaysLeftCountsADayBegun(t *testing.T) {
	end := time.Date(2026, 12, 24, 2, 0, 0, 0, time.UTC)
	for left, want := range map[time.Duration]int64{0: 0, -time.Hour: 0, time.Microsecond: 1, 24 * time.Hour: 1, 24*time.Hour + time.Microsecond: 2, 21 * 24 * time.Hour: 21} {
		if got := pricing.DaysLeft(end.Add(-left), end); got != want {
			t.Errorf("%s left: %d days, want %d", left, got, want)
		}
	}
}

// A change to the same size costs nothing, there and back adds up to nothing (within the
// one rounding), and a larger size never costs less.
func TestFeesAreFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{2}`).Draw(t, "unit")
		other := rapid.StringMatching(`[1-9][0-9]{0,4}\.[0-9]{2}`).Draw(t, "other")
		a := pricing.Size{Unit: unit, Quantity: rapid.Int64Range(1, 10_000).Draw(t, "a"), Days: pricing.DaysOfMonth}
		b := pricing.Size{Unit: other, Quantity: rapid.Int64Range(1, 10_000).Draw(t, "b"), Days: pricing.DaysOfYear}
		days := rapid.Int64Range(0, 800).Draw(t, "days")
		fee := func(to, from pricing.Size) money.Amount {
			f, _, err := pricing.Fee(to, from, days, "0.85")
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		if f := fee(a, a); f != 0 {
			t.Fatalf("no change costs %v", f)
		}
		if there, back := fee(a, b), fee(b, a); there+back > 1 || there+back < -1 {
			t.Fatalf("there %v, back %v", there, back)
		}
		more := a
		more.Quantity++
		if fee(more, a) < 0 {
			t.Fatal("more costs less")
		}
	})
}

func TestADiscountIsAtMostOne(t *testing.T) {
	s := pricing.Size{Unit: "1", Quantity: 1, Days: 30}
	for _, bad := range []string{"", "1.1", "-0.5", "x"} {
		if f, _, err := pricing.Fee(s, s, 1, bad); err == nil {
			t.Errorf("a discount of %q gave %v", bad, f)
		}
	}
}

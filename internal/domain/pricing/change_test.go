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
	fee, parts, err := pricing.Fee(pricing.Size{Tariff: pricing.Tariff{Unit: "200.00"}, Quantity: 1, Days: pricing.DaysOfMonth}, pricing.Size{Tariff: pricing.Tariff{Unit: "100.00"}, Quantity: 1, Days: pricing.DaysOfMonth}, 21, "0.9")
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
	bands := pricing.Bands{{From: 11, Unit: "8.00"}}
	for mode, want := range map[pricing.Mode]money.Amount{pricing.Graduated: 3000, pricing.Volume: 4000} {
		tariff := pricing.Tariff{Mode: mode, Unit: "10.00", Bands: bands}
		fee, parts, err := pricing.Resize(pricing.Size{Tariff: tariff, Quantity: 20, Days: pricing.DaysOfMonth}, pricing.Size{Tariff: tariff, Quantity: 10, Days: pricing.DaysOfMonth}, 15, "1")
		if err != nil || fee != want {
			t.Errorf("%s: %v %v, want %v", mode, fee, err, want)
		}
		var shown money.Amount
		for _, p := range parts {
			shown += p.Amount
		}
		if shown != want {
			t.Errorf("%s: shown as %+v", mode, parts)
		}
	}
}

// What is paid for growing does not depend on the steps in which it is done.
func TestGrowingInStepsCostsTheSameOnGraduatedPrices(t *testing.T) {
	tariff := pricing.Tariff{Mode: pricing.Graduated, Unit: "10.00", Bands: pricing.Bands{{From: 11, Unit: "8.00"}, {From: 51, Unit: "7.00"}}}
	step := func(from, to int64) money.Amount {
		fee, _, err := pricing.Resize(pricing.Size{Tariff: tariff, Quantity: to, Days: pricing.DaysOfMonth}, pricing.Size{Tariff: tariff, Quantity: from, Days: pricing.DaysOfMonth}, 30, "1")
		if err != nil {
			t.Fatal(err)
		}
		return fee
	}
	if a, b := step(10, 30)+step(30, 60), step(10, 60); a-b > 2 || b-a > 2 {
		t.Errorf("in two steps %v, in one %v", a, b)
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
		a := pricing.Size{Tariff: pricing.Tariff{Unit: unit}, Quantity: rapid.Int64Range(1, 10_000).Draw(t, "a"), Days: pricing.DaysOfMonth}
		b := pricing.Size{Tariff: pricing.Tariff{Unit: other}, Quantity: rapid.Int64Range(1, 10_000).Draw(t, "b"), Days: pricing.DaysOfYear}
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
	s := pricing.Size{Tariff: pricing.Tariff{Unit: "1"}, Quantity: 1, Days: 30}
	for _, bad := range []string{"", "1.1", "-0.5", "x"} {
		if f, _, err := pricing.Fee(s, s, 1, bad); err == nil {
			t.Errorf("a discount of %q gave %v", bad, f)
		}
	}
}

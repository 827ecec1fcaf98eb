package pricing_test

import (
	"testing"

	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/money"
)

func TestTotalRoundsOnce(t *testing.T) {
	for _, c := range []struct {
		unit     string
		quantity int64
		periods  int
		want     money.Amount
	}{
		{"12.00", 1, 1, 1200},
		{"12", 3, 2, 7200},
		{"0.005", 1, 1, 1},                 // half up
		{"0.0049", 1, 1, 0},                // not
		{"0.333", 3, 1, 100},               // 0.999 rounds once, not 3 × 0.33
		{"0.00000001", 9_999_999, 99, 990}, // 9.899999… rounds once
		{"0", 5, 1, 0},
	} {
		got, _, err := pricing.Tariff{Unit: c.unit}.Total(c.quantity, c.periods)
		if err != nil || got != c.want {
			t.Errorf("%s × %d × %d = %v, %v; want %v", c.unit, c.quantity, c.periods, got, err, c.want)
		}
	}
}

func TestBadUnitPricesAreNamed(t *testing.T) {
	for _, bad := range []string{"", "-1", "1e3", "NaN", "1.123456789", "100000000", ".5", "5.", "1 000", "１", "Infinity"} {
		if d, err := pricing.ParseUnit(bad); err == nil {
			t.Errorf("%q was read as %s", bad, d)
		}
	}
	if _, _, err := (pricing.Tariff{Unit: "99999999"}).Total(9_999_999, 99); err == nil {
		t.Error("an amount beyond the largest one was not refused")
	}
}

// Bands of at most 3 at 0.30 and more at 0.20: 8 pieces. // spec: 20 B3.3, 14 §1.2
func TestTotalByMode(t *testing.T) {
	for mode, want := range map[pricing.Mode]money.Amount{pricing.Linear: 240, pricing.Graduated: 190, pricing.Volume: 160} {
		tariff := pricing.Tariff{Mode: mode, Unit: "0.30", Bands: pricing.Bands{{From: 4, Unit: "0.20"}}}
		got, parts, err := tariff.Total(8, 1)
		if err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", mode, got, err, want)
		}
		var pieces int64
		for _, p := range parts {
			pieces += p.Quantity
		}
		if pieces != 8 {
			t.Errorf("%q: shown as %+v", mode, parts)
		}
	}
	for quantity, want := range map[int64]money.Amount{1: 30, 3: 90, 4: 110} {
		if got, _, err := (pricing.Tariff{Mode: pricing.Graduated, Unit: "0.30", Bands: pricing.Bands{{From: 4, Unit: "0.20"}}}).Total(quantity, 1); err != nil || got != want {
			t.Errorf("%d pieces: %v %v, want %v", quantity, got, err, want)
		}
	}
}

func TestBandsAreReadAsWritten(t *testing.T) {
	for text, want := range map[string]string{"": "", "11:8.00": "11:8.00", " 11：8.00，51: 6 ": "11:8.00 51:6", "11+: 8.00; 51+: 6.00": "11:8.00 51:6.00"} {
		if bs, err := pricing.ParseBands(text); err != nil || bs.String() != want {
			t.Errorf("%q: %q %v, want %q", text, bs, err, want)
		}
	}
	for _, bad := range []string{"8.00", "x:1", "11-8"} {
		if bs, err := pricing.ParseBands(bad); err == nil {
			t.Errorf("%q was read as %v", bad, bs)
		}
	}
	for _, bad := range []pricing.Bands{{{From: 1, Unit: "1"}}, {{From: 11, Unit: "x"}}, {{From: 11, Unit: "1"}, {From: 11, Unit: "2"}}, {{From: 101, Unit: "1"}}} {
		if bad.Check(1, 100) == nil {
			t.Errorf("%v was accepted", bad)
		}
	}
}

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
		got, err := pricing.Total(c.unit, c.quantity, c.periods)
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
	if _, err := pricing.Total("99999999", 9_999_999, 99); err == nil {
		t.Error("an amount beyond the largest one was not refused")
	}
}

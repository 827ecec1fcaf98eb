package money_test

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/ground/money"
)

func TestTextForms(t *testing.T) {
	for text, want := range map[string]money.Amount{"0": 0, "12": 1200, "12.5": 1250, "-12.50": -1250, "0.01": 1, "999999999999.99": money.Max} {
		got, err := money.Parse(text)
		if err != nil || got != want {
			t.Errorf("Parse(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "-", ".5", "1.", "1.234", "1e3", "+1", " 1", "1,000", "1000000000000", "１２", "NaN", "--1", "0x10"} {
		if got, err := money.Parse(bad); err == nil {
			t.Errorf("Parse(%q) = %d, want an error", bad, got)
		}
	}
	for amount, plain := range map[money.Amount]string{10050: "100.5", 10000: "100", 1: "0.01", 0: "0", -2000: "-20", 120000: "1200"} {
		if got := amount.Plain(); got != plain {
			t.Errorf("(%d).Plain() = %q, want %q", amount, got, plain)
		}
	}
}

func TestParseReadsWhatStringWrites(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(-int64(money.Max), int64(money.Max)).Draw(t, "amount"))
		if got, err := money.Parse(a.String()); err != nil || got != a {
			t.Fatalf("%d → %q → %d, %v", a, a.String(), got, err)
		}
	})
}

func TestRoundHalfUpGoesAwayFromZero(t *testing.T) {
	for _, c := range []struct{ num, den, want int64 }{{5, 2, 3}, {-5, 2, -3}, {4, 3, 1}, {7, 3, 2}, {-7, 3, -2}, {0, 7, 0}, {1, 2, 1}} {
		got, err := money.RoundHalfUp(big.NewInt(c.num), big.NewInt(c.den))
		if err != nil || int64(got) != c.want {
			t.Errorf("%d/%d = %d, %v; want %d", c.num, c.den, got, err, c.want)
		}
	}
}

func TestSplitLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := money.Amount(rapid.Int64Range(-1e12, 1e12).Draw(t, "total"))
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1e6), 1, 12).Draw(t, "weights")
		weights[0]++ // not all zero
		parts, err := money.Split(total, weights)
		if err != nil {
			t.Fatal(err)
		}
		var sum money.Amount
		for i, p := range parts {
			sum += p
			if weights[i] == 0 && p != 0 {
				t.Fatalf("a part of weight 0 got %s", p)
			}
		}
		if sum != total {
			t.Fatalf("parts of %s sum to %s", total, sum)
		}
	})
}

package catalog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/ground/fault"
)

func TestAPurchaseLimitNamesWhatIsWrong(t *testing.T) {
	for name, c := range map[string]struct {
		limit catalog.PurchaseLimit
		bad   []string
	}{
		"orders within days":          {catalog.PurchaseLimit{Orders: 1, Days: 30}, nil},
		"pieces of two":               {catalog.PurchaseLimit{Pieces: 5, SKUs: []string{"a", "b"}}, nil},
		"one of one":                  {catalog.PurchaseLimit{OneAtATime: true, SKUs: []string{"b"}}, nil},
		"as large as may be":          {catalog.PurchaseLimit{Orders: catalog.MaxLimit, Pieces: catalog.MaxLimit, Days: catalog.MaxLimitDays}, nil},
		"negative numbers":            {catalog.PurchaseLimit{Orders: -1, Pieces: -1, Days: -1}, []string{"orders", "pieces", "days"}},
		"too large":                   {catalog.PurchaseLimit{Orders: catalog.MaxLimit + 1, Pieces: catalog.MaxLimit + 1, Days: catalog.MaxLimitDays + 1}, []string{"orders", "pieces", "days"}},
		"days alone":                  {catalog.PurchaseLimit{Days: 30}, []string{"days"}},
		"days of one at a time":       {catalog.PurchaseLimit{Days: 30, OneAtATime: true}, []string{"days"}},
		"specifications alone":        {catalog.PurchaseLimit{SKUs: []string{"a"}}, []string{"skus"}},
		"an unknown specification":    {catalog.PurchaseLimit{Orders: 1, SKUs: []string{"a", "x"}}, []string{"skus"}},
		"the same one twice":          {catalog.PurchaseLimit{Orders: 1, SKUs: []string{"a", "a"}}, []string{"skus"}},
		"an empty code":               {catalog.PurchaseLimit{Orders: 1, SKUs: []string{""}}, []string{"skus"}},
		"unknown, days alone as well": {catalog.PurchaseLimit{OneAtATime: true, Days: 1, SKUs: []string{"x"}}, []string{"skus", "days"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, want := fault.Fields{}, map[string]bool{}
			c.limit.Check("at.", []string{"a", "b"}, got)
			for _, field := range c.bad {
				want["at."+field] = true
			}
			seen := map[string]bool{}
			for field := range got {
				seen[field] = true
			}
			if d := cmp.Diff(want, seen); d != "" {
				t.Errorf("%s\n%v", d, got)
			}
		})
	}
}

func TestWhatAPurchaseLimitRefuses(t *testing.T) {
	all := catalog.PurchaseLimit{Orders: 2, Pieces: 5, OneAtATime: true}
	for _, c := range []struct {
		limit    catalog.PurchaseLimit
		had      catalog.Taken
		quantity int64
		want     string
	}{
		{all, catalog.Taken{}, 5, ""},
		{all, catalog.Taken{}, 6, catalog.LimitPieces},
		{all, catalog.Taken{Orders: 1, Pieces: 3}, 2, ""},
		{all, catalog.Taken{Orders: 1, Pieces: 3}, 3, catalog.LimitPieces},
		{all, catalog.Taken{Orders: 2, Pieces: 2}, 1, catalog.LimitOrders},
		{all, catalog.Taken{Orders: 1, Pieces: 1, Live: 1}, 1, catalog.LimitOneAtATime},
		{catalog.PurchaseLimit{Orders: 2}, catalog.Taken{Orders: 1, Pieces: 900, Live: 3}, 900, ""},
		{catalog.PurchaseLimit{Pieces: 2}, catalog.Taken{Orders: 9, Pieces: 9}, 1, catalog.LimitPieces}, // lowered after it was used
		{catalog.PurchaseLimit{}, catalog.Taken{Orders: 9, Pieces: 9, Live: 9}, 9, ""},
	} {
		if got := c.limit.Refuses(c.had, c.quantity); got != c.want {
			t.Errorf("%+v after %+v and %d more: %q, want %q", c.limit, c.had, c.quantity, got, c.want)
		}
	}
	if n := (catalog.PurchaseLimit{Pieces: 2}).PiecesLeft(catalog.Taken{Pieces: 9}); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
}

func TestWhatAPurchaseLimitBindsAndSinceWhen(t *testing.T) {
	now := time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	l := catalog.PurchaseLimit{Orders: 1, SKUs: []string{"a"}, Days: 30}
	if !l.Binds("a") || l.Binds("b") || !(catalog.PurchaseLimit{}).Binds("b") {
		t.Error("binds the wrong specifications")
	}
	if got := l.Since(now); !got.Equal(now.Add(-30*24*time.Hour)) || !(catalog.PurchaseLimit{}).Since(now).IsZero() {
		t.Errorf("counts since %s", got)
	}
}

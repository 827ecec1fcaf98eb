package ui

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/pricing"
)

// Tariff is what pieces cost: the first price, and those from a number of pieces on.
func (f *Frame) Tariff(t pricing.Tariff, currency string) string {
	return strings.Join(append([]string{f.Money(t.Unit, currency)}, f.Bands(t, currency)...), " · ")
}

// Bands are the prices after the first one, each with the number of pieces it begins at.
func (f *Frame) Bands(t pricing.Tariff, currency string) (out []string) {
	for _, b := range t.Bands {
		out = append(out, f.T("price.band", "N", fmt.Sprint(b.From), "PRICE", f.Money(b.Unit, currency)))
	}
	return out
}

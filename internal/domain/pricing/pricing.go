// Package pricing turns unit prices (单价) into what a buyer pays, exactly.
//
// Unit prices are exact decimals; the product with quantity and number of periods
// is rounded once, half up, to minor units. // spec: 01 §4.1
// It must not use floating point and must not know who pays.
package pricing

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"
)

// Limits of a unit price: at most 8 decimals, less than a hundred million.
const maxDecimals = 8

var tooLarge = apd.New(1, 8)

// ParseUnit checks the decimal text of a unit price: not negative, at most 8
// decimals, below 100,000,000, no exponent.
func ParseUnit(text string) (*apd.Decimal, error) {
	for i, c := range text {
		if (c < '0' || c > '9') && (c != '.' || i == 0 || i == len(text)-1) {
			return nil, fmt.Errorf("%q is not a price such as 12.00", text)
		}
	}
	d, _, err := apd.NewFromString(text)
	if err != nil || text == "" {
		return nil, fmt.Errorf("%q is not a price such as 12.00", text)
	}
	if d.Exponent < -maxDecimals {
		return nil, fmt.Errorf("%q has more than %d decimals", text, maxDecimals)
	}
	if d.Cmp(tooLarge) >= 0 {
		return nil, fmt.Errorf("%q is not below 100000000", text)
	}
	return d, nil
}

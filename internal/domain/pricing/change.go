package pricing

import (
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/cockroachdb/apd/v3"

	"github.com/souk-market/souk/internal/ground/money"
)

// Days a period counts when its price is taken apart by the day. // spec: 22 §3.5
const (
	DaysOfMonth = 30
	DaysOfYear  = 365
)

// perDayDecimals is how exactly a price per day is kept. // spec: 22 §3.5
const perDayDecimals = 8

// Size is a number of pieces of a tariff whose period has so many days.
type Size struct {
	Tariff
	Quantity int64
	Days     int64 // DaysOfMonth or DaysOfYear
}

// Part is one line of a price as a buyer is shown it. Its amount is rounded for the
// eye; what is paid is rounded once, from the exact parts.
type Part struct {
	Kind     string       `json:"kind"` // "price", "new", "old", "paid"
	Unit     string       `json:"unit"` // per piece and period, or per piece and day
	Quantity int64        `json:"quantity"`
	Periods  int64        `json:"periods,omitempty"`
	Days     int64        `json:"days,omitempty"`
	Amount   money.Amount `json:"amount"`
}

// Fee is what a change to another specification costs: the price of the new size minus that
// of the old one, for the days that are left, rounded half up once. It may be negative: then
// the change is not for sale. // spec: 22 §3.5
func Fee(to, from Size, days int64, discount string) (money.Amount, []Part, error) {
	return fee(to.pieces(to.Quantity), to.Days, from.pieces(from.Quantity), from.Days, days, discount)
}

// Resize is what another number of pieces of the same specification costs. Where the unit
// price depends on the number it is not the difference of two prices: of graduated prices the
// band of the new number holds for all pieces, as that of the old one for the old ones; of
// volume prices only what is added is paid, at the price of the band that the new number
// falls in. // spec: 22 §3.5, 01 §4.4
func Resize(to, from Size, days int64, discount string) (money.Amount, []Part, error) {
	switch to.Mode {
	case Graduated:
		return fee([]piece{{to.At(to.Quantity), to.Quantity}}, to.Days, []piece{{from.At(from.Quantity), from.Quantity}}, from.Days, days, discount)
	case Volume:
		return fee([]piece{{to.At(to.Quantity), to.Quantity - from.Quantity}}, to.Days, nil, from.Days, days, discount)
	}
	return Fee(to, from, days, discount)
}

func fee(to []piece, toDays int64, from []piece, fromDays, days int64, discount string) (money.Amount, []Part, error) {
	d, err := discounted(discount)
	if err != nil {
		return 0, nil, err
	}
	sum := new(big.Int)
	var parts []Part
	for _, one := range []struct {
		kind   string
		pieces []piece
		days   int64
	}{{"new", to, toDays}, {"old", from, fromDays}} {
		for _, p := range one.pieces {
			if p.quantity < 0 || days < 0 {
				return 0, nil, fmt.Errorf("pricing: %d pieces for %d days", p.quantity, days)
			}
			daily, err := perDay(p.unit, one.days)
			if err != nil {
				return 0, nil, err
			}
			n := new(big.Int).Mul(daily, big.NewInt(p.quantity))
			n.Mul(n, big.NewInt(days))
			amount, err := d.round(n)
			if err != nil {
				return 0, nil, err
			}
			if one.kind == "old" {
				amount = -amount
				n.Neg(n)
			}
			sum.Add(sum, n)
			parts = append(parts, Part{Kind: one.kind, Unit: decimal(daily), Quantity: p.quantity, Days: days, Amount: amount})
		}
	}
	amount, err := d.round(sum)
	return amount, parts, err
}

// DaysLeft is the number of days begun until an end. // spec: 22 §3.5
func DaysLeft(now, end time.Time) int64 {
	left := end.Sub(now)
	if left <= 0 {
		return 0
	}
	return int64((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// perDay is a unit price by the day, half up to the eighth decimal.
func perDay(unit string, days int64) (*big.Int, error) {
	d, err := ParseUnit(unit)
	if err != nil {
		return nil, err
	}
	if days < 1 {
		return nil, fmt.Errorf("pricing: a period of %d days", days)
	}
	n := scaled(d, perDayDecimals)
	n.Mul(n, big.NewInt(2)).Add(n, big.NewInt(days))
	return n.Div(n, big.NewInt(2*days)), nil
}

// scaled is a decimal in units of its n-th decimal place; ParseUnit has seen that it has
// no more of them.
func scaled(d *apd.Decimal, n int64) *big.Int {
	return new(big.Int).Mul(d.Coeff.MathBigInt(), new(big.Int).Exp(big.NewInt(10), big.NewInt(n+int64(d.Exponent)), nil))
}

// decimal writes a number of the eighth decimal place, with at least two decimals.
func decimal(n *big.Int) string {
	text := apd.NewWithBigInt(new(apd.BigInt).SetMathBigInt(n), -perDayDecimals).Text('f')
	for strings.HasSuffix(text, "0") && len(text)-strings.IndexByte(text, '.') > money.Digits+1 {
		text = text[:len(text)-1]
	}
	return text
}

// factor is a discount as a fraction.
type factor struct{ num, den *big.Int }

func discounted(text string) (factor, error) {
	d, err := ParseUnit(text)
	if err != nil || d.Cmp(apd.New(1, 0)) > 0 {
		return factor{}, fmt.Errorf("%q is not a discount such as 0.9, at most 1", text)
	}
	return factor{scaled(d, perDayDecimals), new(big.Int).Exp(big.NewInt(10), big.NewInt(2*perDayDecimals-money.Digits), nil)}, nil
}

func (f factor) round(n *big.Int) (money.Amount, error) {
	return money.RoundHalfUp(new(big.Int).Mul(n, f.num), f.den)
}

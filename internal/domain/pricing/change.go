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

// Rule is how a change of size is priced where the unit price depends on the size.
type Rule string

// The rules. // spec: 22 §3.5, 01 §4.4
const (
	Step Rule = "step" // the unit price of the new total holds for the whole size
	Tier Rule = "tier" // the unit price of the new total holds for what is added
)

// Band is the unit price of a range of sizes, both ends included.
type Band struct {
	From, To int64
	Unit     string
}

// UnitAt is the unit price of the band that holds a size.
func UnitAt(bands []Band, size int64) (string, error) {
	for _, b := range bands {
		if size >= b.From && (size <= b.To || b.To == 0) {
			return b.Unit, nil
		}
	}
	return "", fmt.Errorf("pricing: no price for %d", size)
}

// Size is a number of pieces at a unit price for a period of so many days.
type Size struct {
	Unit     string
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

// Fee is what a change costs: the price of the new size minus that of the old one, for
// the days that are left, rounded half up once. It may be negative: then the change is
// not for sale. // spec: 22 §3.5
func Fee(to, from Size, days int64, discount string) (money.Amount, []Part, error) {
	d, err := discounted(discount)
	if err != nil {
		return 0, nil, err
	}
	a, err := to.over(days)
	if err != nil {
		return 0, nil, err
	}
	b, err := from.over(days)
	if err != nil {
		return 0, nil, err
	}
	parts := make([]Part, 0, 2)
	for _, one := range []struct {
		kind string
		size Size
		sum  *big.Int
	}{{"new", to, a}, {"old", from, b}} {
		amount, err := d.round(one.sum)
		if err != nil {
			return 0, nil, err
		}
		perDay, _ := perDay(one.size.Unit, one.size.Days) // read a moment ago
		if one.kind == "old" {
			amount = -amount
		}
		parts = append(parts, Part{Kind: one.kind, Unit: decimal(perDay), Quantity: one.size.Quantity, Days: days, Amount: amount})
	}
	fee, err := d.round(new(big.Int).Sub(a, b))
	return fee, parts, err
}

// Resize is what a change of size costs on prices that depend on the size.
// spec: 22 §3.5, 01 §4.4
func Resize(rule Rule, bands []Band, from, to, periodDays, days int64, discount string) (money.Amount, error) {
	unit, err := UnitAt(bands, to)
	if err != nil {
		return 0, err
	}
	if rule == Tier {
		fee, _, err := Fee(Size{unit, to - from, periodDays}, Size{"0", 1, periodDays}, days, discount)
		return fee, err
	}
	before, err := UnitAt(bands, from)
	if err != nil {
		return 0, err
	}
	fee, _, err := Fee(Size{unit, to, periodDays}, Size{before, from, periodDays}, days, discount)
	return fee, err
}

// DaysLeft is the number of days begun until an end. // spec: 22 §3.5
func DaysLeft(now, end time.Time) int64 {
	left := end.Sub(now)
	if left <= 0 {
		return 0
	}
	return int64((left + 24*time.Hour - 1) / (24 * time.Hour))
}

// over is what a size costs for so many days, in units of the eighth decimal.
func (s Size) over(days int64) (*big.Int, error) {
	if s.Quantity < 0 || days < 0 {
		return nil, fmt.Errorf("pricing: %d pieces for %d days", s.Quantity, days)
	}
	p, err := perDay(s.Unit, s.Days)
	if err != nil {
		return nil, err
	}
	p.Mul(p, big.NewInt(s.Quantity))
	return p.Mul(p, big.NewInt(days)), nil
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

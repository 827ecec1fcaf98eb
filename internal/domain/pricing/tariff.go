package pricing

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/ground/money"
)

// Mode is how a number of pieces is priced. // spec: 20 B3.3
type Mode string

// The modes. The names of their Chinese pages are 线性, Step阶梯 and Tier阶梯.
const (
	Linear    Mode = ""          // every piece at the unit price
	Graduated Mode = "graduated" // each band's part at that band's price
	Volume    Mode = "volume"    // all pieces at the price of the band that the number falls in
)

// Known tells whether it is one of them.
func (m Mode) Known() bool { return m == Linear || m == Graduated || m == Volume }

// MaxBands bounds the bands after the first one.
const MaxBands = 20

// Band is the unit price from a number of pieces on, to the next band.
type Band struct {
	From int64  `json:"from"`
	Unit string `json:"price"`
}

// Bands are those after the first, which begins at one piece.
type Bands []Band

// String is the stored form, such as "11:8.00 51:6.00".
func (bs Bands) String() string {
	parts := make([]string, len(bs))
	for i, b := range bs {
		parts[i] = fmt.Sprintf("%d:%s", b.From, b.Unit)
	}
	return strings.Join(parts, " ")
}

// ParseBands reads the stored form, and what people write: other blanks, commas, semicolons
// and the punctuation of Chinese.
func ParseBands(text string) (bs Bands, err error) {
	text = strings.NewReplacer("：", ":", "，", " ", "；", " ", ",", " ", ";", " ", "+", "").Replace(text)
	for _, one := range strings.Fields(strings.ReplaceAll(strings.ReplaceAll(text, " :", ":"), ": ", ":")) {
		from, unit, ok := strings.Cut(one, ":")
		n, bad := strconv.ParseInt(from, 10, 64)
		if !ok || bad != nil {
			return nil, fmt.Errorf("%q is not a band such as 11:8.00", one)
		}
		bs = append(bs, Band{n, unit})
	}
	return bs, nil
}

// Check names what is wrong with bands of sizes from min to max.
func (bs Bands) Check(min, max int64) error {
	if len(bs) > MaxBands {
		return fmt.Errorf("there are more than %d bands", MaxBands)
	}
	before := min
	for _, b := range bs {
		if b.From <= before || b.From > max {
			return fmt.Errorf("the band from %d must begin after %d and not after %d", b.From, before, max)
		}
		if _, err := ParseUnit(b.Unit); err != nil {
			return err
		}
		before = b.From
	}
	return nil
}

// Tariff is what pieces cost for one period.
type Tariff struct {
	Mode  Mode
	Unit  string // of the first band
	Bands Bands
}

// At is the unit price of the band that a number of pieces falls in.
func (t Tariff) At(quantity int64) string {
	unit := t.Unit
	for _, b := range t.Bands {
		if quantity >= b.From {
			unit = b.Unit
		}
	}
	return unit
}

// piece is a number of pieces at one price.
type piece struct {
	unit     string
	quantity int64
}

// pieces takes a number of pieces apart by what each costs.
func (t Tariff) pieces(quantity int64) []piece {
	if t.Mode == Linear {
		return []piece{{t.Unit, quantity}}
	}
	if t.Mode == Volume {
		return []piece{{t.At(quantity), quantity}}
	}
	var out []piece
	from, unit := int64(1), t.Unit
	for _, b := range t.Bands {
		if b.From > quantity {
			break
		}
		out = append(out, piece{unit, b.From - from})
		from, unit = b.From, b.Unit
	}
	return append(out, piece{unit, quantity - from + 1})
}

// Total is what a number of pieces costs for so many periods, rounded half up once, and how
// it comes about. // spec: 20 B3.3, 01 §4.1
func (t Tariff) Total(quantity int64, periods int) (money.Amount, []Part, error) {
	if quantity < 1 || periods < 1 {
		return 0, nil, fmt.Errorf("pricing: %d pieces for %d periods", quantity, periods)
	}
	sum := new(big.Int)
	var parts []Part
	for _, p := range t.pieces(quantity) {
		d, err := ParseUnit(p.unit)
		if err != nil {
			return 0, nil, err
		}
		n := scaled(d, maxDecimals)
		n.Mul(n, big.NewInt(p.quantity)).Mul(n, big.NewInt(int64(periods)))
		amount, err := minor(n)
		if err != nil {
			return 0, nil, err
		}
		sum.Add(sum, n)
		parts = append(parts, Part{Kind: "price", Unit: p.unit, Quantity: p.quantity, Periods: int64(periods), Amount: amount})
	}
	amount, err := minor(sum)
	return amount, parts, err
}

// minor rounds a number of the eighth decimal place to minor units.
func minor(n *big.Int) (money.Amount, error) {
	return money.RoundHalfUp(n, new(big.Int).Exp(big.NewInt(10), big.NewInt(maxDecimals-money.Digits), nil))
}

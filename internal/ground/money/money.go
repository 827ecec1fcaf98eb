package money

import (
	"fmt"
	"math/big"
	"strings"
)

// Amount is a sum in minor units (分, cent): 12.00 CNY is 1200.
type Amount int64

// Digits is the number of decimals of every currency the marketplace trades in.
const Digits = 2

// Currency is an ISO 4217 code.
type Currency string

// The currencies known. // spec: 22 §2.1
const (
	CNY Currency = "CNY"
	USD Currency = "USD"
	EUR Currency = "EUR"
)

// Known tells whether the marketplace can hold accounts in c.
func (c Currency) Known() bool { return c == CNY || c == USD || c == EUR }

// Max is the largest amount taken as input: 999,999,999,999.99. It leaves room so
// that no sum of inputs overflows.
const Max Amount = 99_999_999_999_999

// String is the decimal text with two decimals, as used in every interface: "-12.50".
func (a Amount) String() string {
	sign := ""
	u := uint64(a)
	if a < 0 {
		sign, u = "-", uint64(-(a+1))+1
	}
	return fmt.Sprintf("%s%d.%02d", sign, u/100, u%100)
}

// Plain is the decimal text without trailing zeros, as V1 orderAmount wants it:
// "100.5", "100". // spec: 01 §2.6
func (a Amount) Plain() string {
	s := strings.TrimRight(a.String(), "0")
	return strings.TrimSuffix(s, ".")
}

// Parse reads decimal text such as "12", "12.5", "-12.50"; more than two decimals,
// signs other than a leading minus, exponents and blanks are refused.
func Parse(text string) (Amount, error) {
	s, neg := strings.CutPrefix(text, "-")
	whole, frac, dot := strings.Cut(s, ".")
	if whole == "" || !digits(whole) || dot && (frac == "" || !digits(frac)) {
		return 0, fmt.Errorf("%q is not a decimal amount such as 12.50", text)
	}
	if len(frac) > Digits {
		return 0, fmt.Errorf("%q has more than %d decimals", text, Digits)
	}
	if len(strings.TrimLeft(whole, "0")) > 12 {
		return 0, fmt.Errorf("%q is larger than %s", text, Max)
	}
	var n int64
	for _, c := range whole + (frac + "00")[:Digits] {
		n = n*10 + int64(c-'0')
	}
	if neg {
		n = -n
	}
	return Amount(n), nil
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// RoundHalfUp is num/den minor units rounded to whole ones, halves away from
// zero. It is the only rounding in the program. den must be positive.
func RoundHalfUp(num, den *big.Int) (Amount, error) {
	if den.Sign() <= 0 {
		return 0, fmt.Errorf("money: denominator %s", den)
	}
	twice := new(big.Int).Lsh(new(big.Int).Abs(num), 1)
	twice.Add(twice, den)
	q := twice.Quo(twice, new(big.Int).Lsh(den, 1))
	if num.Sign() < 0 {
		q.Neg(q)
	}
	if !q.IsInt64() || q.Int64() > int64(Max) || q.Int64() < -int64(Max) {
		return 0, fmt.Errorf("money: %s is beyond %s", q, Max)
	}
	return Amount(q.Int64()), nil
}

// Split shares total by weights so that the parts sum to it exactly: each part is
// rounded down and the units left over go to the largest remainders, ties to the
// earlier part. Weights must not be negative and not all zero.
func Split(total Amount, weights []int64) ([]Amount, error) {
	sum := new(big.Int)
	for _, w := range weights {
		if w < 0 {
			return nil, fmt.Errorf("money: negative weight %d", w)
		}
		sum.Add(sum, big.NewInt(w))
	}
	if sum.Sign() == 0 {
		return nil, fmt.Errorf("money: nothing to split by")
	}
	neg := total < 0
	abs := big.NewInt(int64(total))
	abs.Abs(abs)
	parts := make([]Amount, len(weights))
	rest := make([]*big.Int, len(weights))
	left := new(big.Int).Set(abs)
	for i, w := range weights {
		q, r := new(big.Int).QuoRem(new(big.Int).Mul(abs, big.NewInt(w)), sum, new(big.Int))
		parts[i], rest[i] = Amount(q.Int64()), r
		left.Sub(left, q)
	}
	for n := left.Int64(); n > 0; n-- {
		best := -1
		for i := range rest {
			if rest[i].Sign() > 0 && (best < 0 || rest[i].Cmp(rest[best]) > 0) {
				best = i
			}
		}
		parts[best]++
		rest[best].SetInt64(0)
	}
	if neg {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts, nil
}

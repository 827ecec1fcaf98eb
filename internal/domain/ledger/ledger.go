// Package ledger is double-entry bookkeeping (复式记账): every movement of money is
// one transaction whose entries sum to zero by construction; nothing is ever
// changed, corrections are new postings.
//
// Accounts are named by who holds the money (01 §4.3). What the marketplace owes
// somebody is positive; `bank` is negative by what came in from outside, so the
// balances of a currency always sum to zero. // spec: 01 §4.3
// It must not know orders' rules, SQL or HTTP.
package ledger

import (
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/ground/money"
)

// Account names. // spec: 01 §4.3
const (
	Bank           = "bank"
	PlatformFee    = "platform:fee"
	PlatformCoupon = "platform:coupon"
)

// BuyerAvailable is what a buyer can spend.
func BuyerAvailable(buyer string) string { return "buyer:" + buyer + ":available" }

// BuyerHeld is what a buyer paid and no seller has earned yet.
func BuyerHeld(buyer string) string { return "buyer:" + buyer + ":held" }

// SellerPending is what a seller earned and was not settled yet.
func SellerPending(seller string) string { return "seller:" + seller + ":pending" }

// SellerPayable is what was settled and not paid out yet.
func SellerPayable(seller string) string { return "seller:" + seller + ":payable" }

// MayGoNegative tells whether an account may fall below zero. Money a buyer or
// seller holds may not: that is the check that stops a double spend.
func MayGoNegative(account string) bool {
	return account == Bank || account == PlatformCoupon || strings.HasPrefix(account, "receivable:")
}

// Kind names a posting. // spec: 01 §4.3
type Kind string

// The named postings.
const (
	TopUp               Kind = "top-up"
	Hold                Kind = "hold"
	Capture             Kind = "capture"
	ReleaseHold         Kind = "release-hold"
	RefundBeforeCapture Kind = "refund-before-capture"
	RefundAfterCapture  Kind = "refund-after-capture"
)

// Entry moves an amount into (positive) or out of (negative) an account.
type Entry struct {
	Account string
	Amount  money.Amount
}

// Transaction is a set of entries of one currency that sum to zero. Its Ref is
// unique per kind in the store: the same posting cannot be made twice.
type Transaction struct {
	Kind     Kind
	Ref      string // what caused it: an order id, a top-up id
	Currency money.Currency
	Memo     string
	entries  []Entry
}

// Entries are the movements, in posting order.
func (t Transaction) Entries() []Entry { return t.entries }

func move(kind Kind, ref string, cur money.Currency, from, to string, a money.Amount) (Transaction, error) {
	if a <= 0 {
		return Transaction{}, fmt.Errorf("ledger: %s of %s %s for %s: an amount must be positive", kind, a, cur, ref)
	}
	if !cur.Known() {
		return Transaction{}, fmt.Errorf("ledger: unknown currency %q", cur)
	}
	if ref == "" {
		return Transaction{}, fmt.Errorf("ledger: %s without a reference", kind)
	}
	return Transaction{Kind: kind, Ref: ref, Currency: cur, entries: []Entry{{from, -a}, {to, a}}}, nil
}

// PostTopUp brings money in for a buyer.
func PostTopUp(topUp, buyer string, cur money.Currency, a money.Amount) (Transaction, error) {
	return move(TopUp, topUp, cur, Bank, BuyerAvailable(buyer), a)
}

// PostHold sets aside what a buyer pays, at payment. // spec: 01 §4.2
func PostHold(order, buyer string, cur money.Currency, a money.Amount) (Transaction, error) {
	return move(Hold, order, cur, BuyerAvailable(buyer), BuyerHeld(buyer), a)
}

// PostCapture gives the seller what was held, when the service is there, and what a
// coupon paid with it. // spec: 01 §4.2
func PostCapture(order, buyer, seller string, cur money.Currency, paid, coupon money.Amount) (Transaction, error) {
	return split(Capture, order, cur, SellerPending(seller), 1, BuyerHeld(buyer), paid, coupon)
}

// PostRefundBeforeCapture gives a hold back.
func PostRefundBeforeCapture(order, buyer string, cur money.Currency, a money.Amount) (Transaction, error) {
	return move(RefundBeforeCapture, order, cur, BuyerHeld(buyer), BuyerAvailable(buyer), a)
}

// PostRefundAfterCapture takes money back from a seller who has not been paid out: the
// buyer gets what was paid, a coupon's part goes where it came from. // spec: 22 §4.2
func PostRefundAfterCapture(order, buyer, seller string, cur money.Currency, paid, coupon money.Amount) (Transaction, error) {
	return split(RefundAfterCapture, order, cur, SellerPending(seller), -1, BuyerAvailable(buyer), paid, coupon)
}

// split moves what a buyer and a coupon paid together into (sign 1) or out of (-1) one
// account.
func split(kind Kind, ref string, cur money.Currency, one string, sign money.Amount, buyer string, paid, coupon money.Amount) (Transaction, error) {
	if coupon == 0 && sign > 0 {
		return move(kind, ref, cur, buyer, one, paid)
	}
	if coupon == 0 {
		return move(kind, ref, cur, one, buyer, paid)
	}
	if paid < 0 || coupon < 0 {
		return Transaction{}, fmt.Errorf("ledger: %s of %s and a coupon of %s for %s: neither may be negative", kind, paid, coupon, ref)
	}
	t, err := move(kind, ref, cur, PlatformCoupon, one, coupon)
	if err != nil {
		return t, err
	}
	t.entries = []Entry{{one, sign * (paid + coupon)}, {PlatformCoupon, -sign * coupon}}
	if paid > 0 {
		t.entries = append(t.entries, Entry{buyer, -sign * paid})
	}
	return t, nil
}

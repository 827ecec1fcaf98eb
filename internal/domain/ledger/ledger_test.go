package ledger_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/ground/money"
)

func TestEveryPostingBalances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount(rapid.Int64Range(1, int64(money.Max)).Draw(t, "amount"))
		for _, post := range []func() (ledger.Transaction, error){
			func() (ledger.Transaction, error) { return ledger.PostTopUp("t", "b", money.CNY, a) },
			func() (ledger.Transaction, error) { return ledger.PostHold("o", "b", money.CNY, a) },
			func() (ledger.Transaction, error) { return ledger.PostCapture("o", "b", "s", money.CNY, a, 0) },
			func() (ledger.Transaction, error) { return ledger.PostRefundBeforeCapture("o", "b", money.CNY, a) },
			func() (ledger.Transaction, error) {
				return ledger.PostRefundAfterCapture("o", "b", "s", money.CNY, a, 0)
			},
			func() (ledger.Transaction, error) { return ledger.PostCapture("o", "b", "s", money.CNY, a-1, a) },
			func() (ledger.Transaction, error) {
				return ledger.PostRefundAfterCapture("o", "b", "s", money.CNY, a-1, a)
			},
		} {
			tx, err := post()
			if err != nil {
				t.Fatal(err)
			}
			var sum money.Amount
			for _, e := range tx.Entries() {
				sum += e.Amount
			}
			if sum != 0 || len(tx.Entries()) < 2 {
				t.Fatalf("%s does not balance: %v", tx.Kind, tx.Entries())
			}
		}
	})
}

func TestNothingIsPostedForNothing(t *testing.T) {
	for _, a := range []money.Amount{0, -1} {
		if tx, err := ledger.PostHold("o", "b", money.CNY, a); err == nil {
			t.Errorf("a hold of %s was made: %v", a, tx)
		}
	}
	if _, err := ledger.PostHold("o", "b", "XXX", 1); err == nil {
		t.Error("an unknown currency was taken")
	}
	if _, err := ledger.PostHold("", "b", money.CNY, 1); err == nil {
		t.Error("a posting without a reference was made")
	}
}

// Worked example E7: 100.00 paid with a coupon of 20.00 gives 80.00 back, and the coupon
// what it gave. // spec: 22 §9
func TestACouponsPartGoesBackWhereItCameFrom(t *testing.T) {
	balances := map[string]money.Amount{}
	post := func(tx ledger.Transaction, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range tx.Entries() {
			balances[e.Account] += e.Amount
		}
	}
	post(ledger.PostTopUp("t", "b", money.CNY, 8000))
	post(ledger.PostHold("o", "b", money.CNY, 8000))
	post(ledger.PostCapture("o", "b", "s", money.CNY, 8000, 2000))
	if balances[ledger.SellerPending("s")] != 10000 || balances[ledger.PlatformCoupon] != -2000 {
		t.Errorf("after the capture: %v", balances)
	}
	post(ledger.PostRefundAfterCapture("o", "b", "s", money.CNY, 8000, 2000))
	if balances[ledger.BuyerAvailable("b")] != 8000 || balances[ledger.SellerPending("s")] != 0 || balances[ledger.PlatformCoupon] != 0 {
		t.Errorf("after the refund: %v", balances)
	}
}

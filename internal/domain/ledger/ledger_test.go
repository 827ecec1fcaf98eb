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
			func() (ledger.Transaction, error) { return ledger.PostCapture("o", "b", "s", money.CNY, a) },
			func() (ledger.Transaction, error) { return ledger.PostRefundBeforeCapture("o", "b", money.CNY, a) },
			func() (ledger.Transaction, error) { return ledger.PostRefundAfterCapture("o", "b", "s", money.CNY, a) },
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

package trade

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// States of a top-up.
const (
	TopUpRequested = "REQUESTED"
	TopUpPosted    = "POSTED"
	TopUpRefused   = "REFUSED"
)

// TopUp brings money in for a buyer. In production a second operator has to agree
// before anything is posted; the sandbox posts at once. // spec: 01 §9
func (t *Trade) TopUp(ctx context.Context, tx *kernel.Tx, a access.Actor, company, amount, currency string) (store.TopUp, error) {
	var out store.TopUp
	if err := kernel.May(a, access.CompanyTopUp); err != nil {
		return out, err
	}
	f := fault.Fields{}
	sum, err := money.Parse(amount)
	switch {
	case amount == "":
		f.Add("amount", "must be decimal text such as \"100.00\"")
	case err != nil:
		f.Add("amount", "%s", err)
	case sum <= 0:
		f.Add("amount", "must be more than 0")
	}
	if currency == "" {
		currency = string(money.CNY)
	}
	if !money.Currency(currency).Known() {
		f.Add("currency", "must be CNY, USD or EUR")
	}
	if err := f.Err(); err != nil {
		return out, err
	}
	c, err := store.Company(ctx, tx, company)
	if err != nil {
		return out, kernel.Missing(err, "company")
	}
	if c.Kind != party.Buyer {
		return out, fault.New(fault.Rule, "not_a_buyer", "only a buyer's balance is topped up")
	}
	out = store.TopUp{ID: t.k.Row(), CompanyID: company, Currency: money.Currency(currency), Amount: sum, State: TopUpRequested, RequestedBy: a.PersonID, CreatedAt: t.k.Clock.Now()}
	if err := store.InsertTopUp(ctx, tx, out); err != nil {
		return out, err
	}
	if err := t.k.Audit(ctx, tx, a, access.CompanyTopUp, company, "request "+sum.String()+" "+currency); err != nil {
		return out, err
	}
	if !t.k.Sandbox {
		return out, nil
	}
	return t.post(ctx, tx, a, out)
}

// DecideTopUp agrees to or refuses a requested top-up; the one who asked may not.
func (t *Trade) DecideTopUp(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, agree bool) (store.TopUp, error) {
	if err := kernel.May(a, access.CompanyTopUp); err != nil {
		return store.TopUp{}, err
	}
	u, err := store.LockTopUp(ctx, tx, id)
	if err != nil {
		return u, kernel.Missing(err, "top-up")
	}
	if u.State != TopUpRequested {
		return u, fault.New(fault.Conflict, "top_up_decided", "the top-up is %s already", u.State)
	}
	if u.RequestedBy == a.PersonID {
		return u, fault.New(fault.Forbidden, "second_person_needed", "a money decision needs two people: somebody else has to agree")
	}
	if agree {
		return t.post(ctx, tx, a, u)
	}
	u.State, u.ApprovedBy, u.DecidedAt = TopUpRefused, a.PersonID, t.k.Clock.Now()
	if err := store.DecideTopUp(ctx, tx, u.ID, u.State, u.ApprovedBy, u.DecidedAt); err != nil {
		return u, err
	}
	return u, t.k.Audit(ctx, tx, a, access.CompanyTopUp, u.CompanyID, "refuse "+u.ID)
}

func (t *Trade) post(ctx context.Context, tx *kernel.Tx, a access.Actor, u store.TopUp) (store.TopUp, error) {
	u.State, u.ApprovedBy, u.DecidedAt = TopUpPosted, a.PersonID, t.k.Clock.Now()
	if err := store.DecideTopUp(ctx, tx, u.ID, u.State, u.ApprovedBy, u.DecidedAt); err != nil {
		return u, err
	}
	post, err := ledger.PostTopUp(u.ID, u.CompanyID, u.Currency, u.Amount)
	if err != nil {
		return u, err
	}
	if err := store.Post(ctx, tx, t.k.Row(), post, u.DecidedAt); err != nil {
		return u, err
	}
	return u, t.k.Audit(ctx, tx, a, access.CompanyTopUp, u.CompanyID, "post "+u.ID)
}

// Accounts lists ledger balances: all to operators, its own to a company.
func (t *Trade) Accounts(ctx context.Context, a access.Actor, afterName, afterCurrency string, limit int) (out []store.AccountBalance, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil {
		return nil, err
	}
	var prefixes []string
	if !a.IsOperator() {
		prefixes = []string{string(a.CompanyKind) + ":" + a.CompanyID + ":"}
		if a.CompanyKind == party.Seller {
			prefixes = append(prefixes, "deposit:"+a.CompanyID)
		}
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Accounts(ctx, tx, prefixes, afterName, afterCurrency, limit)
		return err
	})
	return out, err
}

// AccountBalance is one account's balance, under a name that faces may use.
type AccountBalance = store.AccountBalance

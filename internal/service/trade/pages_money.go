package trade

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// TopUpAsked is a buyer's wish for a top-up: no operator has looked at it yet. It becomes a request when one confirms
// that the money is there, and is posted when a second one agrees. // spec: 01 §9
const TopUpAsked = "ASKED"

// Names under which faces may use what the store gives.
type (
	TopUpRecord = store.TopUp
	TopUpFilter = store.TopUpFilter
	Posting     = store.Posting
)

// AskTopUp notes a buyer's wish to top up its balance.
func (t *Trade) AskTopUp(ctx context.Context, tx *kernel.Tx, a access.Actor, amount, currency string) (TopUpRecord, error) {
	var out TopUpRecord
	if err := kernel.May(a, access.OrderPay); err != nil {
		return out, err
	}
	if a.CompanyKind != party.Buyer {
		return out, fault.New(fault.Rule, "not_a_buyer", "only a buyer's balance is topped up")
	}
	f := fault.Fields{}
	sum, err := money.Parse(amount)
	switch {
	case err != nil:
		f.Add("amount", "%s", err)
	case sum <= 0:
		f.Add("amount", "must be more than 0")
	}
	if !money.Currency(currency).Known() {
		f.Add("currency", "must be CNY, USD or EUR")
	}
	if err := f.Err(); err != nil {
		return out, err
	}
	out = TopUpRecord{ID: t.k.Row(), CompanyID: a.CompanyID, Currency: money.Currency(currency), Amount: sum, State: TopUpAsked, RequestedBy: a.PersonID, CreatedAt: t.k.Clock.Now()}
	if err := store.InsertTopUp(ctx, tx, out); err != nil {
		return out, err
	}
	return out, t.k.Audit(ctx, tx, a, access.OrderPay, a.CompanyID, "ask for top-up "+sum.String()+" "+currency)
}

// TakeTopUp is an operator's answer to a buyer's wish: it becomes a request that a second operator decides (a sandbox
// posts at once), or is refused.
func (t *Trade) TakeTopUp(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, agree bool) (TopUpRecord, error) {
	if err := kernel.May(a, access.CompanyTopUp); err != nil {
		return TopUpRecord{}, err
	}
	u, err := store.LockTopUp(ctx, tx, id)
	if err != nil {
		return u, kernel.Missing(err, "top-up")
	}
	if u.State != TopUpAsked {
		return u, fault.New(fault.Conflict, "top_up_decided", "the top-up is %s already", u.State)
	}
	if !agree {
		u.State, u.ApprovedBy, u.DecidedAt = TopUpRefused, a.PersonID, t.k.Clock.Now()
		if err := store.RefuseAsked(ctx, tx, id, a.PersonID, u.DecidedAt); err != nil {
			return u, err
		}
		return u, t.k.Audit(ctx, tx, a, access.CompanyTopUp, u.CompanyID, "refuse "+id)
	}
	if err := store.TakeTopUp(ctx, tx, id, a.PersonID); err != nil {
		return u, err
	}
	u.State, u.RequestedBy = TopUpRequested, a.PersonID
	if err := t.k.Audit(ctx, tx, a, access.CompanyTopUp, u.CompanyID, "take "+id); err != nil || !t.k.Sandbox {
		return u, err
	}
	return t.post(ctx, tx, a, u)
}

// TopUps lists top-ups, newest first, before a mark: a buyer's own, or everybody's to operators.
func (t *Trade) TopUps(ctx context.Context, a access.Actor, f TopUpFilter, before string, limit int) (out []TopUpRecord, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil {
		return nil, err
	}
	if !a.IsOperator() {
		f.CompanyID = a.CompanyID
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.TopUps(ctx, tx, f, before, limit)
		return err
	})
	return out, err
}

// TopUpQueues are how many top-ups wait for the first and for the second operator.
func (t *Trade) TopUpQueues(ctx context.Context, a access.Actor) (asked, requested Queue, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil || !a.IsOperator() {
		return asked, requested, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if asked, err = store.TopUpQueue(ctx, tx, TopUpAsked); err == nil {
			requested, err = store.TopUpQueue(ctx, tx, TopUpRequested)
		}
		return err
	})
	return asked, requested, err
}

// PostingsOn lists what moved on an account, newest first, before a mark. A company sees its own accounts; another's
// answers like one that does not exist.
func (t *Trade) PostingsOn(ctx context.Context, a access.Actor, account, before string, limit int) (out []Posting, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil {
		return nil, err
	}
	if !a.IsOperator() && !strings.HasPrefix(account, string(a.CompanyKind)+":"+a.CompanyID+":") {
		return nil, fault.Unknown("account")
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.PostingsOn(ctx, tx, account, before, limit)
		return err
	})
	return out, err
}

// PostingsOf lists every posting that an order and its lines caused, oldest first, for operators.
func (t *Trade) PostingsOf(ctx context.Context, a access.Actor, orderID string) (out []Posting, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil {
		return nil, err
	}
	if !a.IsOperator() {
		return nil, fault.New(fault.Forbidden, "forbidden", "only operators look through the ledger")
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		refs := []string{orderID}
		if o, err := store.Order(ctx, tx, store.Everything, orderID); err == nil {
			for _, l := range o.Lines {
				refs = append(refs, l.ID)
			}
		} else if err != store.ErrNoRow {
			return err
		}
		out = nil
		for _, ref := range refs {
			ps, err := store.PostingsOf(ctx, tx, ref)
			if err != nil {
				return err
			}
			out = append(out, ps...)
		}
		return nil
	})
	return out, err
}

// FindAccounts lists accounts whose names hold the words, with their balances, for operators.
func (t *Trade) FindAccounts(ctx context.Context, a access.Actor, words, afterName, afterCurrency string, limit int) (out, sums []AccountBalance, err error) {
	if err := kernel.May(a, access.LedgerRead); err != nil {
		return nil, nil, err
	}
	if !a.IsOperator() {
		return nil, nil, fault.New(fault.Forbidden, "forbidden", "only operators look through the ledger")
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if out, err = store.FindAccounts(ctx, tx, words, afterName, afterCurrency, limit); err == nil {
			sums, err = store.LedgerSums(ctx, tx)
		}
		return err
	})
	return out, sums, err
}

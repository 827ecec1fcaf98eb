package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/money"
)

func cursorMark(id string) string { return cursor.Encode(id) }

// Report is what Check counted.
type Report struct {
	Orders, Instances, Accounts int
	Kept                        map[string]money.Amount // by subscription order: paid and not given back
}

// Check compares a settled marketplace with itself and with its sellers, from
// outside: no order under way, balances of a currency sum to zero, held money is
// nil, each seller's pending money is what its delivered orders cost, and each
// service stands exactly once in its seller's own record. The error lists all that
// does not agree.
func Check(ctx context.Context, operator Client, record func(ctx context.Context, protocol string) (Record, error), f *File) (Report, error) {
	r := Report{Kept: map[string]money.Amount{}}
	orders, err := All[Order](ctx, operator, api+"/orders")
	if err != nil {
		return r, err
	}
	instances, err := All[Instance](ctx, operator, api+"/instances")
	if err != nil {
		return r, err
	}
	accounts, err := All[LedgerAccount](ctx, operator, api+"/ledger/accounts")
	if err != nil {
		return r, err
	}
	r.Orders, r.Instances, r.Accounts = len(orders), len(instances), len(accounts)
	var wrong []error
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }

	// What a seller has earned is what was paid to it, less what was given back; what was
	// given back is, service by service, what the refunded lines had cost.
	pending := map[string]money.Amount{} // by seller
	owed := map[string]money.Amount{}    // by instance: refunded lines less unsubscriptions
	for _, o := range orders {
		if o.Status == "PROCESSING" {
			bad("order %s is still PROCESSING", o.ID)
		}
		if o.Status != "COMPLETED" {
			continue
		}
		paid, err := money.Parse(o.AmountPaid)
		if err != nil {
			return r, err
		}
		pending[o.SellerID] += paid
		givesBack := o.Type == "UNSUBSCRIBE" || o.Type == "UNSUBSCRIBE_RENEWAL"
		for _, l := range o.Lines {
			cost, err := money.Parse(l.AmountPaid)
			if err != nil {
				return r, err
			}
			switch {
			case l.Status == "REFUNDED":
				owed[l.InstanceID] += cost
			case l.Status == "DELIVERED" && !givesBack:
				r.Kept[o.ID] += cost
			default:
				bad("order %s (%s) is completed with its line %s", o.ID, o.Type, l.Status)
			}
		}
	}
	for id, left := range owed {
		if left != 0 {
			bad("instance %s: what its refunded lines cost and what was given back differ by %s", id, left)
		}
	}
	sums := map[string]money.Amount{}
	for _, a := range accounts {
		b, err := money.Parse(a.Balance)
		if err != nil {
			return r, err
		}
		sums[a.Currency] += b
		if strings.HasPrefix(a.Account, "buyer:") && strings.HasSuffix(a.Account, ":held") && b != 0 {
			bad("%s still holds %s", a.Account, a.Balance)
		}
		if seller, ok := strings.CutSuffix(strings.TrimPrefix(a.Account, "seller:"), ":pending"); ok && strings.HasPrefix(a.Account, "seller:") {
			if b != pending[seller] {
				bad("%s stands at %s, its delivered orders cost %s", a.Account, a.Balance, pending[seller])
			}
			delete(pending, seller)
		}
	}
	for seller, p := range pending {
		if p != 0 {
			bad("seller %s earned %s and has no account", seller, p)
		}
	}
	for cur, sum := range sums {
		if sum != 0 {
			bad("the balances in %s sum to %s", cur, sum)
		}
	}
	for _, s := range f.Sellers {
		rec, err := record(ctx, s.Protocol)
		if err != nil {
			return r, err
		}
		has := map[string]string{}
		byOrder := map[string]int{}
		for _, i := range rec.Instances {
			has[i.Instance] = i.State
			byOrder[i.Order]++
		}
		for order, n := range byOrder {
			if n != 1 {
				bad("seller %s made %d instances for order %s", s.Company, n, order)
			}
		}
		mine := map[string]bool{}
		for _, i := range instances {
			if i.SellerID != s.ID && !slices.Contains(s.Serves, i.SellerID) {
				continue
			}
			mine[i.SellerInstanceID] = true
			state := has[i.SellerInstanceID]
			switch {
			case i.Status == "ACTIVE" && state != "active":
				bad("service %s is ACTIVE here, %q at its seller", i.SellerInstanceID, state)
			case i.Status == "FROZEN" && state != "frozen" && i.FrozenFor("expiry"):
				bad("service %s is FROZEN here, %q at its seller", i.SellerInstanceID, state)
			case i.Status == "RELEASED" && state != "released":
				bad("service %s is RELEASED here, %q at its seller", i.SellerInstanceID, state)
			case i.Status == "FAILED" && i.SellerInstanceID != "" && state != "released":
				bad("service %s FAILED here, %q at its seller", i.SellerInstanceID, state)
			case i.Status == "CREATING" || i.Status == "PROVISIONING":
				bad("instance %s is still %s", i.ID, i.Status)
			}
		}
		for _, i := range rec.Instances {
			if !mine[i.Instance] && i.State == "active" && r.Kept[i.Order] != 0 {
				bad("seller %s has %s for order %s, which the platform does not know", s.Company, i.Instance, i.Order)
			}
		}
	}
	return r, errors.Join(wrong...)
}

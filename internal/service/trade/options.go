package trade

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Options is what can be done with a service now, for pages: a button that would be
// refused is not shown.
type Options struct {
	Change     bool
	Convert    bool
	Refund     money.Amount // all that was paid, where it can be given back
	RefundTill time.Time    // zero where it cannot
	Currency   money.Currency
	Cancel     *store.Period // the renewal that can be given back
	CancelPaid money.Amount
	AutoRenew  bool // can be switched on or off
	Resize     bool // a renewal may change the size
	Unpaid     string
	Waits      *order.RefundRequest // its refund waits for an answer: nothing else is ordered
	Large      bool                 // its refund would wait
}

// Options looks at a service of the actor's.
func (t *Trade) Options(ctx context.Context, a access.Actor, id string) (o Options, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return o, err
	}
	now := t.k.Clock.Now()
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		o = Options{}
		inst, err := store.Instance(ctx, tx, kernel.Scope(a), id)
		if err != nil {
			return kernel.Missing(err, "instance")
		}
		if o.Unpaid, err = store.UnpaidOrderOfInstance(ctx, tx, id); err != nil {
			return err
		}
		if o.Waits, err = store.WaitingRefund(ctx, tx, id); err != nil {
			return err
		}
		free := o.Unpaid == "" && o.Waits == nil && t.noChangeUnderWay(ctx, tx, inst) == nil
		p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
		if err != nil {
			return err
		}
		o.Resize = t.mayResize(p.Protocol, inst)
		o.Change = free && changeable(inst, now) == nil
		o.Convert = free && convertible(inst) == nil
		o.AutoRenew = (o.Waits == nil || inst.AutoRenew) && !inst.Ended() && !inst.Trial && !inst.ExpireAt.IsZero()
		if !free || inst.Ended() {
			return nil
		}
		lines, err := store.InstanceLines(ctx, tx, id)
		if err != nil {
			return err
		}
		paid := map[string]money.Amount{}
		for _, l := range lines {
			if l.Status == order.LineDelivered {
				paid[l.ID] = l.AmountPaid
				o.Refund += l.AmountPaid
			}
		}
		if refundable(inst, now) == nil {
			o.RefundTill = RefundableUntil(inst)
			o.Large = order.NeedsApproval(o.Refund, t.k.Settings().LargeRefund)
		}
		first, err := store.Order(ctx, tx, store.Everything, inst.OrderID)
		if err != nil {
			return err
		}
		o.Currency = first.Currency
		terms, err := store.Periods(ctx, tx, id)
		for _, one := range terms {
			if one.State == periodFuture && one.StartsAt.After(now) {
				o.Cancel, o.CancelPaid = &one, paid[one.OrderLineID]
			}
		}
		return err
	})
	return o, err
}

// Target is a specification that a service can be, with its offers by the term.
type Target struct {
	SKU    catalog.SKU
	Offers []catalog.Offer
	Now    bool // what it is at present
}

// Targets lists what a service is and what its seller lets it be changed into: upward in
// use, either way together with a renewal. // spec: 20 B3.5, 22 §3.5
func (t *Trade) Targets(ctx context.Context, a access.Actor, id string, withRenewal bool) (out []Target, inst *instance.Instance, err error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = nil
		if inst, err = store.Instance(ctx, tx, kernel.Scope(a), id); err != nil {
			return kernel.Missing(err, "instance")
		}
		last, err := t.lastTerm(ctx, tx, inst)
		if err != nil {
			return err
		}
		p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
		if err != nil || p.State != catalog.OnSale {
			return err
		}
		skus, err := store.SKUs(ctx, tx, inst.ProductID)
		if err != nil {
			return err
		}
		offers, err := store.Offers(ctx, tx, inst.ProductID)
		if err != nil {
			return err
		}
		from := inst.SKUCode
		if withRenewal {
			from = last.SKUCode
		}
		up, err := store.UpgradesOf(ctx, tx, from)
		if err != nil {
			return err
		}
		mayShrink := withRenewal && t.mayResize(p.Protocol, inst)
		for _, s := range skus {
			reachable := s.Code == from || slices.Contains(up, s.Code) && (!withRenewal || mayShrink)
			if !reachable && mayShrink {
				if reachable, err = store.UpgradeAllowed(ctx, tx, s.Code, from); err != nil {
					return err
				}
			}
			if !reachable {
				continue
			}
			one := Target{SKU: s, Now: s.Code == from}
			for _, o := range offers {
				if o.SKUCode == s.Code && !o.Withdrawn && o.PeriodType.Months() > 0 {
					one.Offers = append(one.Offers, o)
				}
			}
			if len(one.Offers) > 0 {
				out = append(out, one)
			}
		}
		return nil
	})
	return out, inst, err
}

// mayResize tells whether a renewal of the service may change its size at this time.
func (t *Trade) mayResize(p catalog.Protocol, inst *instance.Instance) bool {
	return p == catalog.V2 && inst.Status == instance.Active && inst.ExpireAt.Sub(t.k.Clock.Now()) <= changeWindow
}

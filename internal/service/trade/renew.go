package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Renewal is the input of Renew.
type Renewal struct {
	InstanceID   string
	OfferID      string // another term, or another SKU; "" keeps the present one
	Quantity     int64  // 0 keeps the present number
	PeriodNumber int64
	Expected     string // the amount shown; "" when none was
	Checked      bool   // the seller has agreed to the change of specification or number
}

// Renew submits a renewal order; it takes effect at payment and counts from the
// original end, in grace and when frozen by expiry too. With another specification or
// number it also changes the service from the new term on; whether the seller agrees is
// asked before (delivery.CheckChange). // spec: 22 §3.3, §3.5, 01 §3
func (t *Trade) Renew(ctx context.Context, tx *kernel.Tx, a access.Actor, in Renewal) (*order.Order, error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, err
	}
	o, err := t.renewal(ctx, tx, a, in, t.k.Clock.Now())
	if err != nil {
		return nil, err
	}
	if err := expected(in.Expected, o.AmountDeal); err != nil {
		return nil, err
	}
	return o, t.submit(ctx, tx, a, o)
}

// renewal makes a renewal order; nothing is written but the lock of the instance.
func (t *Trade) renewal(ctx context.Context, tx *kernel.Tx, a access.Actor, in Renewal, now time.Time) (*order.Order, error) {
	inst, err := store.LockInstance(ctx, tx, kernel.Scope(a), in.InstanceID)
	if err != nil {
		return nil, kernel.Missing(err, "instance")
	}
	if err := renewable(inst); err != nil {
		return nil, err
	}
	if err := t.nothingUnpaid(ctx, tx, inst); err != nil {
		return nil, err
	}
	last, err := t.lastTerm(ctx, tx, inst)
	if err != nil {
		return nil, err
	}
	if in.OfferID == "" {
		in.OfferID = last.OfferID
	}
	if in.Quantity == 0 {
		in.Quantity = last.Quantity
	}
	o, err := t.renewableOffer(ctx, tx, in.OfferID)
	if err != nil {
		return nil, err
	}
	changes := o.Offer.SKUCode != last.SKUCode || in.Quantity != last.Quantity
	if changes {
		if !in.Checked {
			return nil, fault.New(fault.Rule, "not_checked", "a renewal that changes the service needs the seller's agreement first")
		}
		if err := t.renewTarget(ctx, tx, inst, o, now); err != nil {
			return nil, err
		}
	}
	out, err := t.quoteTerm(o, in.PeriodNumber, in.Quantity, now)
	if err != nil {
		return nil, err
	}
	l := t.onInstance(out, order.Renew, a, inst, now)
	l.AnnouncedExpiry = t.endAfter(inst, inst.ExpireAt, l.Months())
	return out, nil
}

// RenewalChanges tells whether a renewal would change the size of the service, and into
// what: then the seller is asked before it is ordered.
func (t *Trade) RenewalChanges(ctx context.Context, a access.Actor, in Renewal) (changes bool, offer string, quantity int64, err error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return false, "", 0, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		inst, err := store.Instance(ctx, tx, kernel.Scope(a), in.InstanceID)
		if err != nil {
			return kernel.Missing(err, "instance")
		}
		last, err := t.lastTerm(ctx, tx, inst)
		if err != nil {
			return err
		}
		offer, quantity = in.OfferID, in.Quantity
		if offer == "" {
			offer = last.OfferID
		}
		if quantity == 0 {
			quantity = last.Quantity
		}
		o, err := t.renewableOffer(ctx, tx, offer)
		if err != nil {
			return err
		}
		if changes = o.Offer.SKUCode != last.SKUCode || quantity != last.Quantity; !changes {
			return nil
		}
		if err := renewable(inst); err != nil {
			return err
		}
		if err := t.renewTarget(ctx, tx, inst, o, t.k.Clock.Now()); err != nil {
			return err
		}
		_, err = t.quoteTerm(o, in.PeriodNumber, quantity, t.k.Clock.Now())
		return err
	})
	return changes, offer, quantity, err
}

// lastTerm is the size that the last paid term has: what a renewal goes on with.
// spec: 10 §9
func (t *Trade) lastTerm(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) (store.Period, error) {
	last := store.Period{OfferID: inst.OfferID, SKUCode: inst.SKUCode, Quantity: inst.Quantity}
	terms, err := store.Periods(ctx, tx, inst.ID)
	for _, one := range terms {
		if one.State == periodFuture {
			last = one
		}
	}
	return last, err
}

// termOf is the term that a line bought, to the instance's end.
func termOf(l *order.Line, inst *instance.Instance, start time.Time, state string) store.Period {
	return store.Period{InstanceID: inst.ID, OrderLineID: l.ID, StartsAt: start, EndsAt: inst.ExpireAt, State: state, OfferID: l.OfferID, SKUCode: l.SKUCode, Quantity: l.Quantity}
}

// renewable names why an instance cannot be renewed.
func renewable(inst *instance.Instance) error {
	switch {
	case inst.Trial:
		return fault.New(fault.Rule, "trial", "a trial is not renewed; make it a paid service")
	case inst.ExpireAt.IsZero():
		return fault.New(fault.Rule, "no_term", "only services with a term are renewed")
	case inst.Status == instance.Active, inst.Status == instance.Grace:
		return nil
	case inst.Status == instance.Frozen:
		for _, r := range inst.FreezeReasons {
			if r != instance.Expiry {
				return fault.New(fault.Rule, "frozen", "the service is frozen (%s) and cannot be renewed before that is lifted", r)
			}
		}
		return nil
	}
	return fault.New(fault.Conflict, "instance_state", "the service is %s and cannot be renewed", inst.Status)
}

// applyRenewal extends the instance of a paid renewal at once; the seller is told
// by a call of its own, whose failure never takes the term back. // spec: 10 §3.1
func (t *Trade) applyRenewal(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	l := &o.Lines[0]
	inst, err := store.LockInstance(ctx, tx, store.Everything, l.InstanceID)
	if err != nil {
		return err
	}
	if err := renewable(inst); err != nil {
		return err
	}
	start := inst.ExpireAt // grace and retention are not added on top // spec: 22 §3.3
	inst.ExpireAt = t.endAfter(inst, start, l.Months())
	l.AmountPaid, l.Status, l.EffectiveAt, l.ExpireAt, l.AnnouncedExpiry = o.AmountPaid, order.LineDelivered, start, inst.ExpireAt, inst.ExpireAt
	o.Status, o.CompletedAt = order.Completed, now
	if err := t.capture(ctx, tx, o, l, now); err != nil {
		return err
	}
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	call := Call{Scene: SceneRenew, Expiry: clock.Micros(inst.ExpireAt), Amount: o.AmountPaid.Plain()}
	last, err := t.lastTerm(ctx, tx, inst)
	if err != nil {
		return err
	}
	if l.OfferID != last.OfferID {
		call.OfferID = l.OfferID
	}
	if l.SKUCode != last.SKUCode || l.Quantity != last.Quantity {
		call.Scene, call.OfferID = SceneRenewChanged, l.OfferID
	}
	if err := store.InsertPeriod(ctx, tx, termOf(l, inst, start, periodFuture)); err != nil {
		return err
	}
	if !start.After(now) {
		if err := t.beginTerm(ctx, tx, inst, start); err != nil {
			return err
		}
	}
	// A freeze that was never sent is dropped; one that was sent is followed by a
	// thaw, which on V1 the refresh itself is. // spec: 01 §2.8
	thaw := false
	if inst.ExpireAt.After(now) {
		if inst.Status == instance.Grace {
			inst.Status = instance.Active
		}
		if inst.Unfreeze(instance.Expiry) {
			sent, err := t.freezeSent(ctx, tx, inst, now)
			if err != nil {
				return err
			}
			thaw = sent
		}
	}
	if err := t.replan(ctx, tx, inst, now); err != nil {
		return err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if err := t.queueCall(ctx, tx, inst, delivery.Refresh, o.ID, l.ID, call, now); err != nil {
		return err
	}
	p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
	if err != nil {
		return err
	}
	if thaw && p.Protocol == catalog.V2 {
		if err := t.queueCall(ctx, tx, inst, delivery.Thaw, o.ID, l.ID, Call{}, now); err != nil {
			return err
		}
	}
	return nil
}

// endAfter is the end of a renewed term: counted in whole months from the day the
// service first began, so that a clamp at a short month does not stick.
func (t *Trade) endAfter(inst *instance.Instance, start time.Time, months int) time.Time {
	anchor := inst.EffectiveAt
	for n := 1; n <= 12*200; n++ {
		if clock.AddMonths(anchor, n, t.k.Zone).Equal(start) {
			return clock.AddMonths(anchor, n+months, t.k.Zone)
		}
	}
	return clock.AddMonths(start, months, t.k.Zone)
}

// freezeSent drops freezes that never left and tells whether one may have.
func (t *Trade) freezeSent(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, now time.Time) (bool, error) {
	js, err := store.ChainJobs(ctx, tx, inst.ID)
	if err != nil {
		return false, err
	}
	sent := false
	for i := len(js) - 1; i >= 0; i-- {
		if js[i].Kind == string(delivery.Expire) && js[i].State != store.JobDropped {
			sent = js[i].Attempts > 0 || js[i].State == store.JobRunning
			break
		}
	}
	if !sent {
		_, err = store.DropWaiting(ctx, tx, inst.ID, []string{string(delivery.Expire)}, "superseded by renewal", now)
	} else {
		// One that is being repeated would freeze again after the refresh.
		_, err = store.DropWaiting(ctx, tx, inst.ID, []string{string(delivery.Expire)}, "superseded by renewal after it was sent", now)
	}
	return sent, err
}

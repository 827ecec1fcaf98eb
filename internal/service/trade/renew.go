package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Renewal is the input of Renew.
type Renewal struct {
	InstanceID   string
	OfferID      string // another term of the same SKU; "" keeps the present one
	PeriodNumber int64
}

// Renew submits a renewal order; it takes effect at payment and counts from the
// original end, in grace and when frozen by expiry too. // spec: 22 §3.3
func (t *Trade) Renew(ctx context.Context, tx *kernel.Tx, a access.Actor, in Renewal) (*order.Order, error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, err
	}
	if in.PeriodNumber < 1 || in.PeriodNumber > catalog.MaxPeriodNumber {
		return nil, fault.Field("period_number", "must be 1 to %d", catalog.MaxPeriodNumber)
	}
	inst, err := store.LockInstance(ctx, tx, kernel.Scope(a), in.InstanceID)
	if err != nil {
		return nil, kernel.Missing(err, "instance")
	}
	if err := renewable(inst); err != nil {
		return nil, err
	}
	unpaid, err := store.UnpaidOrderOfInstance(ctx, tx, inst.ID)
	if err != nil {
		return nil, err
	}
	if unpaid != "" {
		return nil, fault.New(fault.Conflict, "unpaid_order", "order %s of this instance is not paid yet; pay or cancel it first", unpaid)
	}
	offerID := in.OfferID
	if offerID == "" {
		offerID = inst.OfferID
	}
	o, err := store.OfferByID(ctx, tx, offerID)
	if err != nil {
		return nil, kernel.Missing(err, "product")
	}
	if o.Offer.SKUCode != inst.SKUCode {
		return nil, fault.New(fault.Rule, "other_specification", "a renewal keeps the specification; product_id must be an offer of the same SKU")
	}
	if o.Product.State != catalog.OnSale || o.Offer.Withdrawn || o.Offer.PeriodType.Months() == 0 {
		return nil, fault.New(fault.Rule, "not_on_sale", "this offer cannot be renewed at present")
	}
	now := t.k.Clock.Now()
	out, err := t.quote(o, int(in.PeriodNumber), inst.Quantity, now)
	if err != nil {
		return nil, err
	}
	out.ID = ident.Order(now, t.k.Zone)
	out.Type, out.BuyerID, out.PlacedBy, out.Source = order.Renew, inst.BuyerID, a.PersonID, "DIRECT"
	out.OriginOrderID, out.OriginLineID = inst.OrderID, inst.OrderLineID
	line := &out.Lines[0]
	line.ID, line.OrderID, line.InstanceID = ident.OrderLine(out.ID, 1), out.ID, inst.ID
	line.AnnouncedExpiry = clock.AddMonths(inst.ExpireAt, line.Months(), t.k.Zone)
	return out, t.submit(ctx, tx, a, out)
}

// renewable names why an instance cannot be renewed.
func renewable(inst *instance.Instance) error {
	switch {
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
	if o.AmountPaid > 0 {
		post, err := ledger.PostCapture(l.ID, o.BuyerID, o.SellerID, o.Currency, o.AmountPaid)
		if err != nil {
			return err
		}
		if err := store.Post(ctx, tx, t.k.Row(), post, now); err != nil {
			return err
		}
	}
	start := inst.ExpireAt // grace and retention are not added on top // spec: 22 §3.3
	inst.ExpireAt = t.endAfter(inst, start, l.Months())
	l.AmountPaid, l.Status, l.EffectiveAt, l.ExpireAt, l.AnnouncedExpiry = l.AmountDeal, order.LineDelivered, start, inst.ExpireAt, inst.ExpireAt
	o.Status, o.CompletedAt = order.Completed, now
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	state := "FUTURE"
	if !start.After(now) {
		state = "CURRENT"
	}
	if err := store.InsertPeriod(ctx, tx, store.Period{InstanceID: inst.ID, OrderLineID: l.ID, StartsAt: start, EndsAt: inst.ExpireAt, State: state}); err != nil {
		return err
	}
	call := Call{Scene: "RENEWAL", Expiry: clock.Micros(inst.ExpireAt), Amount: o.AmountPaid.Plain()}
	if l.OfferID != inst.OfferID {
		call.OfferID, inst.OfferID = l.OfferID, l.OfferID
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
	return t.queueExpiry(ctx, tx, inst)
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

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
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// placeTrial orders a specification on trial: it costs nothing, needs no payment, and a
// buyer takes it once. // spec: 22 §3.6, 20 B3
func (t *Trade) placeTrial(ctx context.Context, tx *kernel.Tx, a access.Actor, o store.Offered, in NewOrder, now time.Time) (*order.Order, error) {
	days, err := store.TrialOf(ctx, tx, o.SKU.Code)
	if err != nil {
		return nil, err
	}
	if days == 0 || o.Offer.PeriodType.Months() == 0 {
		return nil, fault.New(fault.Rule, "no_trial", "this specification has no trial")
	}
	// Two orders at once must not both be the first.
	if err := store.LockCompany(ctx, tx, a.CompanyID); err != nil {
		return nil, err
	}
	taken, err := store.TrialsTaken(ctx, tx, a.CompanyID, o.SKU.Code)
	if err != nil {
		return nil, err
	}
	if taken > 0 {
		return nil, fault.New(fault.Rule, "trial_taken", "your company has had its trial of this specification; order it")
	}
	out, err := t.quote(o, 1, in.Quantity, now)
	if err != nil {
		return nil, err
	}
	out.ID = ident.Order(now, t.k.Zone)
	out.Type, out.BuyerID, out.PlacedBy, out.Source = order.Trial, a.CompanyID, a.PersonID, "DIRECT"
	out.AmountList, out.AmountDeal, out.Breakdown = 0, 0, nil
	l := &out.Lines[0]
	l.ID, l.OrderID = ident.OrderLine(out.ID, 1), out.ID
	l.PeriodType, l.PeriodNumber, l.UnitPrice, l.AmountDeal = catalog.Day, days, "0", 0
	l.AnnouncedExpiry = l.End(now, t.k.Zone)
	if err := store.InsertOrder(ctx, tx, out); err != nil {
		return nil, err
	}
	if err := t.settle(ctx, tx, out, now); err != nil {
		return nil, err
	}
	return out, t.k.Audit(ctx, tx, a, access.OrderPlace, out.ID, string(out.Type))
}

// Conversion is the input of Convert.
type Conversion struct {
	InstanceID   string
	OfferID      string // the term that is bought; "" takes the one on trial
	PeriodNumber int64
	Expected     string // the amount shown; "" when none was
}

// Convert submits the order that makes a trial a paid service: the same instance, from
// the payment on. // spec: 22 §3.6
func (t *Trade) Convert(ctx context.Context, tx *kernel.Tx, a access.Actor, in Conversion) (*order.Order, error) {
	inst, err := t.own(ctx, tx, a, in.InstanceID)
	if err != nil {
		return nil, err
	}
	if err := convertible(inst); err != nil {
		return nil, err
	}
	if err := t.nothingUnpaid(ctx, tx, inst); err != nil {
		return nil, err
	}
	if in.OfferID == "" {
		in.OfferID = inst.OfferID
	}
	o, err := t.renewableOffer(ctx, tx, in.OfferID)
	if err != nil {
		return nil, err
	}
	if o.SKU.Code != inst.SKUCode {
		return nil, otherSpecification("a trial becomes a paid service of the same specification")
	}
	now := t.k.Clock.Now()
	out, err := t.quoteTerm(o, in.PeriodNumber, inst.Quantity, now)
	if err != nil {
		return nil, err
	}
	if err := expected(in.Expected, out.AmountDeal); err != nil {
		return nil, err
	}
	l := t.onInstance(out, order.TrialToFormal, a, inst, now)
	l.AnnouncedExpiry = l.End(now, t.k.Zone)
	return out, t.submit(ctx, tx, a, out)
}

func convertible(inst *instance.Instance) error {
	switch {
	case !inst.Trial:
		return fault.New(fault.Conflict, "no_trial", "the service is not on trial")
	case inst.Status != instance.Active:
		return fault.New(fault.Conflict, "instance_state", "the trial is %s; only a trial in use becomes a paid service", inst.Status)
	}
	return nil
}

// applyConversion begins the paid term at the payment; days of the trial not used are
// lost. // spec: 22 §3.6
func (t *Trade) applyConversion(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	l := &o.Lines[0]
	inst, err := store.LockInstance(ctx, tx, store.Everything, l.InstanceID)
	if err != nil {
		return err
	}
	if err := convertible(inst); err != nil {
		return err
	}
	end := l.End(now, t.k.Zone)
	inst.Trial, inst.EffectiveAt, inst.ExpireAt, inst.OfferID = false, now, end, l.OfferID
	l.AmountPaid, l.Status, l.EffectiveAt, l.ExpireAt, l.AnnouncedExpiry = o.AmountPaid, order.LineDelivered, now, end, end
	o.Status, o.CompletedAt = order.Completed, now
	if err := t.capture(ctx, tx, o, l, now); err != nil {
		return err
	}
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	if err := store.EndPeriods(ctx, tx, []string{inst.ID}, periodCurrent, periodPast); err != nil {
		return err
	}
	if err := store.InsertPeriod(ctx, tx, termOf(l, inst, now, periodCurrent)); err != nil {
		return err
	}
	if err := t.replan(ctx, tx, inst, now); err != nil {
		return err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	call := Call{Scene: SceneConvert, Expiry: clock.Micros(end), OfferID: l.OfferID, Amount: o.AmountPaid.Plain()}
	return t.queueCall(ctx, tx, inst, delivery.Refresh, o.ID, l.ID, call, now)
}

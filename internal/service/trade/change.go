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
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// noDiscount is the factor of a price without one.
const noDiscount = "1"

// Change is the input of Change: what the service is to be from the seller's agreement on.
type Change struct {
	InstanceID string
	SKUCode    string // "" keeps the specification
	OfferID    string // instead of SKUCode: an offer of the specification
	Quantity   int64  // 0 keeps the number
	Expected   string // the amount shown; "" when none was
}

// Change submits an upgrade or a scale-out of a service in use: only upward, only for the
// rest of its term, whose end does not move. // spec: 22 §3.5, 10 §3.4
func (t *Trade) Change(ctx context.Context, tx *kernel.Tx, a access.Actor, in Change) (*order.Order, error) {
	inst, err := t.own(ctx, tx, a, in.InstanceID)
	if err != nil {
		return nil, err
	}
	out, err := t.quoteChange(ctx, tx, a, inst, in)
	if err != nil {
		return nil, err
	}
	if err := expected(in.Expected, out.AmountDeal); err != nil {
		return nil, err
	}
	return out, t.submit(ctx, tx, a, out)
}

// QuoteChange prices a change without ordering it.
func (t *Trade) QuoteChange(ctx context.Context, a access.Actor, in Change) (out *order.Order, err error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		inst, err := store.Instance(ctx, tx, kernel.Scope(a), in.InstanceID)
		if err != nil {
			return kernel.Missing(err, "instance")
		}
		out, err = t.quoteChange(ctx, tx, a, inst, in)
		return err
	})
	return out, err
}

func (t *Trade) quoteChange(ctx context.Context, tx *kernel.Tx, a access.Actor, inst *instance.Instance, in Change) (*order.Order, error) {
	now := t.k.Clock.Now()
	if err := changeable(inst, now); err != nil {
		return nil, err
	}
	if err := t.nothingUnpaid(ctx, tx, inst); err != nil {
		return nil, err
	}
	old, err := store.OfferByID(ctx, tx, inst.OfferID)
	if err != nil {
		return nil, err
	}
	if in.SKUCode == "" && in.OfferID != "" {
		o, err := store.OfferByID(ctx, tx, in.OfferID)
		if err != nil || o.Product.ID != inst.ProductID {
			return nil, fault.Field("product_id", "must be an offer of this product")
		}
		in.SKUCode = o.SKU.Code
	}
	if in.SKUCode == "" {
		in.SKUCode = inst.SKUCode
	}
	switch {
	case in.Quantity < 0 || in.Quantity > catalog.MaxQuantity:
		return nil, fault.Field("quantity", "must be 1 to %d; it is the new total", catalog.MaxQuantity)
	case in.Quantity == 0:
		in.Quantity = inst.Quantity
	}
	// Terms bought ahead in the present size grow with it; one that was bought in another size
	// stays what it is, and nothing is paid for it.
	_, until, err := t.sameSize(ctx, tx, inst)
	if err != nil {
		return nil, err
	}
	target, price, err := t.target(ctx, tx, inst, in, old.Offer, pricing.DaysLeft(now, until))
	if err != nil {
		return nil, err
	}
	// The rules of quantities hold for the target; its price by the period does not.
	out, err := t.quote(target, 1, in.Quantity, now)
	if err != nil {
		return nil, err
	}
	if in.Quantity < inst.Quantity {
		return nil, &fault.Fault{Kind: fault.Rule, Code: "smaller", Message: "a service in use only grows; it is made smaller together with a renewal",
			Fields: map[string]string{"quantity": "must be at least the present number"}}
	}
	if in.SKUCode == inst.SKUCode && in.Quantity == inst.Quantity {
		return nil, fault.New(fault.Rule, "no_change", "this is what the service is now; choose another specification or a larger number")
	}
	cost := pricing.Fee
	if in.SKUCode == inst.SKUCode {
		cost = pricing.Resize
	}
	fee, parts, err := cost(pricing.Size{Tariff: price.Tariff(target.SKU), Quantity: in.Quantity, Days: price.PeriodType.Days()},
		pricing.Size{Tariff: old.Offer.Tariff(old.SKU), Quantity: inst.Quantity, Days: old.Offer.PeriodType.Days()}, pricing.DaysLeft(now, until), noDiscount)
	if err != nil {
		return nil, fault.Wrap(err, fault.Rule, "amount_too_large", "the change cannot be priced")
	}
	if fee < 0 {
		return nil, fault.New(fault.Rule, "price_inversion", "at today's prices this would cost less than what is there now: it is no upgrade")
	}
	l := t.onInstance(out, order.Change, a, inst, now)
	out.AmountList, out.AmountDeal, out.Breakdown = fee, fee, parts
	l.AmountDeal, l.AnnouncedExpiry = fee, inst.ExpireAt
	return out, nil
}

// changeable names why a service cannot be changed. // spec: 22 §3.5, 02 §2.7
func changeable(inst *instance.Instance, now time.Time) error {
	switch {
	case inst.Trial:
		return fault.New(fault.Rule, "trial", "a trial is not changed; make it a paid service first")
	case inst.ExpireAt.IsZero():
		return fault.New(fault.Rule, "no_term", "only services with a term are changed")
	case inst.Status != instance.Active, !now.Before(inst.ExpireAt):
		return fault.New(fault.Conflict, "instance_state", "the service is %s; only a service in use is changed", inst.Status)
	}
	return nil
}

// target finds the specification's offer of the service's own kind of term, which it goes
// on with, and the price for the time that is left: the yearly one from a year on.
// spec: 22 §3.5, 20 B3.5
func (t *Trade) target(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, in Change, old catalog.Offer, days int64) (o store.Offered, price catalog.Offer, err error) {
	if in.SKUCode != inst.SKUCode {
		allowed, err := store.UpgradeAllowed(ctx, tx, inst.SKUCode, in.SKUCode)
		if err != nil {
			return o, price, err
		}
		if !allowed {
			return o, price, &fault.Fault{Kind: fault.Rule, Code: "no_upgrade_rule", Message: "the seller does not offer this change", Fields: map[string]string{"sku_code": "is not among those that this service can be changed into"}}
		}
	}
	offers, err := store.Offers(ctx, tx, inst.ProductID)
	if err != nil {
		return o, price, err
	}
	left := catalog.Month
	if days >= pricing.DaysOfYear {
		left = catalog.Year
	}
	var own catalog.Offer
	for _, one := range offers {
		if one.SKUCode != in.SKUCode || one.Withdrawn || one.PeriodType.Months() == 0 || one.Currency != old.Currency {
			continue
		}
		if own.ID == "" || one.PeriodType == old.PeriodType {
			own = one
		}
		if price.ID == "" || one.PeriodType == left {
			price = one
		}
	}
	if own.ID == "" {
		return o, price, fault.New(fault.Rule, "not_on_sale", "this specification is not sold for a term at present")
	}
	o, err = t.renewableOffer(ctx, tx, own.ID)
	return o, price, err
}

// sameSize lists the terms bought ahead in the present size, and when the present size ends.
func (t *Trade) sameSize(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) (ahead []store.Period, until time.Time, err error) {
	terms, err := store.Periods(ctx, tx, inst.ID)
	if err != nil {
		return nil, until, err
	}
	for _, one := range terms {
		if one.State != periodFuture {
			continue
		}
		if one.SKUCode != inst.SKUCode || one.Quantity != inst.Quantity {
			return ahead, one.StartsAt, nil
		}
		ahead = append(ahead, one)
	}
	return ahead, inst.ExpireAt, nil
}

// startChange sends a paid change to the seller; nothing of the service changes before
// the seller has agreed. // spec: 01 §4.2
func (t *Trade) startChange(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	l := &o.Lines[0]
	inst, err := store.LockInstance(ctx, tx, store.Everything, l.InstanceID)
	if err != nil {
		return err
	}
	if err := changeable(inst, now); err != nil {
		return err
	}
	if err := t.noChangeUnderWay(ctx, tx, inst); err != nil {
		return err
	}
	l.Status, l.AmountPaid = order.LineProvisioning, o.AmountPaid
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	return t.queueCall(ctx, tx, inst, delivery.Upgrade, o.ID, l.ID, Call{Amount: l.AmountPaid.Plain()}, now)
}

// Changed makes a service what its change bought, once the seller has agreed. The order
// and the instance are locked. // spec: 01 §4.2
func (t *Trade) Changed(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, inst *instance.Instance, now time.Time) error {
	ahead, until, err := t.sameSize(ctx, tx, inst)
	if err != nil {
		return err
	}
	offers, err := store.Offers(ctx, tx, inst.ProductID)
	if err != nil {
		return err
	}
	for _, one := range ahead {
		one.OfferID = sameKind(offers, one.OfferID, l)
		one.SKUCode, one.Quantity = l.SKUCode, l.Quantity
		if err := store.ResizePeriod(ctx, tx, one); err != nil {
			return err
		}
	}
	inst.OfferID, inst.SKUCode, inst.Quantity = l.OfferID, l.SKUCode, l.Quantity
	l.Status, l.EffectiveAt, l.ExpireAt = order.LineDelivered, now, until
	if err := t.capture(ctx, tx, o, l, now); err != nil {
		return err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	if err := t.k.Tell(ctx, tx, o.BuyerID, "service.changed", o.ID, "", map[string]string{"product": l.ProductName, "instance": inst.ID}); err != nil {
		return err
	}
	return t.completeWhenDone(ctx, tx, o, now)
}

// sameKind finds the offer of a change's specification with the kind of term that another
// offer has; the change's own where there is none.
func sameKind(offers []catalog.Offer, of string, l *order.Line) string {
	var kind catalog.PeriodType
	for _, o := range offers {
		if o.ID == of {
			kind = o.PeriodType
		}
	}
	for _, o := range offers {
		if o.SKUCode == l.SKUCode && o.PeriodType == kind && !o.Withdrawn {
			return o.ID
		}
	}
	return l.OfferID
}

// ChangeFailed gives a change back that the seller never took; the service stays what it
// was. // spec: 01 §2.1, 10 §3.4
func (t *Trade) ChangeFailed(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, p catalog.Product, reason string, unknown bool, now time.Time) error {
	un, err := t.unsubscription(ctx, tx, o, l, "DELIVERY_FAILED", reason, now)
	if err != nil {
		return err
	}
	if l.AmountPaid > 0 {
		post, err := ledger.PostRefundBeforeCapture(l.ID, o.BuyerID, o.Currency, l.AmountPaid)
		if err != nil {
			return err
		}
		if err := store.Post(ctx, tx, t.k.Row(), post, now); err != nil {
			return err
		}
	}
	return t.tellFailed(ctx, tx, o, l, un, p, reason, unknown, now)
}

// changeWindow is how long before its end a service may be changed together with a
// renewal. // spec: 22 §3.5
const changeWindow = 30 * 24 * time.Hour

// renewTarget finds the offer of another size for a renewal that changes it.
func (t *Trade) renewTarget(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, o store.Offered, now time.Time) error {
	if o.Product.ID != inst.ProductID {
		return otherSpecification("a renewal stays with the product")
	}
	if o.Product.Protocol != catalog.V2 {
		return fault.New(fault.Rule, "other_specification", "this product cannot be changed together with a renewal")
	}
	if inst.Status != instance.Active || inst.ExpireAt.Sub(now) > changeWindow {
		return fault.New(fault.Rule, "too_early", "a service is changed together with a renewal in the last %d days before its end", int(changeWindow/(24*time.Hour)))
	}
	if o.SKU.Code == inst.SKUCode {
		return nil
	}
	for _, pair := range [][2]string{{inst.SKUCode, o.SKU.Code}, {o.SKU.Code, inst.SKUCode}} { // upward or downward along a rule
		allowed, err := store.UpgradeAllowed(ctx, tx, pair[0], pair[1])
		if err != nil || allowed {
			return err
		}
	}
	return otherSpecification("the seller does not offer this change")
}

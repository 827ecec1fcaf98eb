package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Why a seller is told of a new end. // spec: 11 §4.3
const (
	SceneRenew        = "RENEWAL"
	SceneConvert      = "TRIAL_TO_FORMAL"
	SceneCancel       = "UNSUBSCRIBE_RENEWAL_PERIOD"
	SceneRenewChanged = "RENEWAL_CHANGE"
)

// own locks an instance of the actor's for an order about it.
func (t *Trade) own(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*instance.Instance, error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, err
	}
	inst, err := store.LockInstance(ctx, tx, kernel.Scope(a), id)
	return inst, kernel.Missing(err, "instance")
}

// nothingUnpaid refuses a second order about an instance while one is not paid, while a
// change of it is on its way to the seller, and while its refund waits for an answer.
// spec: 22 §3.3, 01 §3
func (t *Trade) nothingUnpaid(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) error {
	unpaid, err := store.UnpaidOrderOfInstance(ctx, tx, inst.ID)
	if err != nil {
		return err
	}
	if unpaid != "" {
		return fault.New(fault.Conflict, "unpaid_order", "order %s of this instance is not paid yet; pay or cancel it first", unpaid)
	}
	if err := t.noChangeUnderWay(ctx, tx, inst); err != nil {
		return err
	}
	return t.noRefundWaiting(ctx, tx, inst)
}

func (t *Trade) noChangeUnderWay(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) error {
	lines, err := store.InstanceLines(ctx, tx, inst.ID)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if l.Status == order.LineProvisioning {
			return fault.New(fault.Conflict, "change_under_way", "order %s of this instance is being delivered; wait for it", l.OrderID)
		}
	}
	return nil
}

// renewableOffer finds an offer with a term that is on sale.
func (t *Trade) renewableOffer(ctx context.Context, tx *kernel.Tx, id string) (store.Offered, error) {
	o, err := store.OfferByID(ctx, tx, id)
	if err != nil {
		return o, kernel.Missing(err, "product")
	}
	if o.Product.State != catalog.OnSale || o.Offer.Withdrawn || o.Offer.PeriodType.Months() == 0 {
		return o, fault.New(fault.Rule, "not_on_sale", "this offer is not sold for a term at present")
	}
	return o, nil
}

// quoteTerm prices so many periods of an offer.
func (t *Trade) quoteTerm(o store.Offered, periods, quantity int64, now time.Time) (*order.Order, error) {
	if periods < 1 || periods > catalog.MaxPeriodNumber {
		return nil, fault.Field("period_number", "must be 1 to %d", catalog.MaxPeriodNumber)
	}
	return t.quote(o, int(periods), quantity, now)
}

// onInstance makes a priced order one about an instance, and gives its line.
func (t *Trade) onInstance(o *order.Order, kind order.Type, a access.Actor, inst *instance.Instance, now time.Time) *order.Line {
	o.ID = ident.Order(now, t.k.Zone)
	o.Type, o.BuyerID, o.PlacedBy, o.Source = kind, inst.BuyerID, a.PersonID, "DIRECT"
	o.OriginOrderID, o.OriginLineID = inst.OrderID, inst.OrderLineID
	l := &o.Lines[0]
	l.ID, l.OrderID, l.InstanceID = ident.OrderLine(o.ID, 1), o.ID, inst.ID
	return l
}

// expected refuses a price that is not the one the buyer was shown.
func expected(shown string, amount money.Amount) error {
	if shown == "" {
		return nil
	}
	seen, err := money.Parse(shown)
	if err != nil {
		return fault.Field("expected_amount", "%s", err)
	}
	if seen != amount {
		return &fault.Fault{Kind: fault.Conflict, Code: "price_changed", Message: "the price has changed to " + amount.String() + "; look at it and order again",
			Fields: map[string]string{"expected_amount": "is now " + amount.String()}}
	}
	return nil
}

func otherSpecification(why string) error {
	return &fault.Fault{Kind: fault.Rule, Code: "other_specification", Message: why, Fields: map[string]string{"product_id": "must be an offer of the same specification"}}
}

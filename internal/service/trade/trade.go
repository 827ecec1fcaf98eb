// Package trade is the use cases of buying: place (下单), pay (支付), cancel (取消),
// renew (续费), and what delivery reports back — activate (开通) or give up with a
// full refund (自动退订) — each in one transaction with its postings and its jobs.
//
// Vocabulary: order (订单), order line (订单行), instance (实例), hold (冻结金额),
// capture (结转). Chapters: 22 §2–3, 01 §2–4. It must not know HTTP or the wire.
package trade

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Trade is the use cases.
type Trade struct{ k *kernel.Kernel }

// New makes them.
func New(k *kernel.Kernel) *Trade { return &Trade{k} }

// Kinds of timed jobs; calls to sellers are domain/delivery's kinds.
const (
	JobPayDeadline = "time.deadline"
	JobTerm        = "time.term"   // the next event of an instance's plan
	JobRenew       = "time.renew"  // the same, where it spends the buyer's money
	JobRefund      = "time.refund" // a large refund that nobody answered
)

// NewOrder is the input of Place.
type NewOrder struct {
	OfferID         string // the wire's productId
	PeriodNumber    int64
	Quantity        int64
	AcceptAgreement bool
	ExpectedAmount  string // what the buyer was shown; "" when nothing was
	Trial           bool   // take the specification on trial: free, once per buyer // spec: 22 §3.6
}

// Place submits an order; nothing is paid yet. // spec: 22 §2.3
func (t *Trade) Place(ctx context.Context, tx *kernel.Tx, a access.Actor, in NewOrder) (*order.Order, error) {
	if err := kernel.May(a, access.OrderPlace); err != nil {
		return nil, err
	}
	f := fault.Fields{}
	if in.OfferID == "" {
		f.Add("product_id", "must be the product_id of an offer, see GET /api/souk/v1/products")
	}
	if in.PeriodNumber < 1 || in.PeriodNumber > catalog.MaxPeriodNumber {
		f.Add("period_number", "must be 1 to %d", catalog.MaxPeriodNumber)
	}
	if in.Quantity < 1 || in.Quantity > catalog.MaxQuantity {
		f.Add("quantity", "must be 1 to %d", catalog.MaxQuantity)
	}
	if !in.AcceptAgreement {
		f.Add("accept_agreement", "must be true: the seller's service agreement has to be accepted")
	}
	if in.ExpectedAmount != "" {
		if _, err := money.Parse(in.ExpectedAmount); err != nil {
			f.Add("expected_amount", "%s", err)
		}
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	o, err := store.OfferByID(ctx, tx, in.OfferID)
	if err != nil {
		return nil, kernel.Missing(err, "product")
	}
	if o.Product.State == catalog.Draft || o.Product.State == catalog.InReview || o.Product.State == catalog.Rejected {
		return nil, fault.Unknown("product") // never was on sale: nobody may learn of it
	}
	if o.Product.State != catalog.OnSale || o.Offer.Withdrawn {
		return nil, fault.New(fault.Rule, "not_on_sale", "this offer is not on sale at present")
	}
	now := t.k.Clock.Now()
	if in.Trial {
		return t.placeTrial(ctx, tx, a, o, in, now)
	}
	out, err := t.quote(o, int(in.PeriodNumber), in.Quantity, now)
	if err != nil {
		return nil, err
	}
	if err := t.withinLimit(ctx, tx, a.CompanyID, o, in.Quantity, now); err != nil {
		return nil, err
	}
	if in.ExpectedAmount != "" {
		if shown, _ := money.Parse(in.ExpectedAmount); shown != out.AmountDeal {
			return nil, &fault.Fault{Kind: fault.Conflict, Code: "price_changed", Message: "the price has changed to " + out.AmountDeal.String() + "; look at it and order again",
				Fields: map[string]string{"expected_amount": "is now " + out.AmountDeal.String()}}
		}
	}
	out.ID = ident.Order(now, t.k.Zone)
	out.Type, out.BuyerID, out.PlacedBy, out.Source = order.New, a.CompanyID, a.PersonID, "DIRECT"
	line := &out.Lines[0]
	line.ID, line.OrderID = ident.OrderLine(out.ID, 1), out.ID
	// What V1 announces as expireTime is counted from the order and stays the same
	// in every repetition; the real end counts from activation. // spec: 01 §1.3
	line.AnnouncedExpiry = line.End(now, t.k.Zone)
	return out, t.submit(ctx, tx, a, out)
}

// quote prices one offer.
func (t *Trade) quote(o store.Offered, periods int, quantity int64, now time.Time) (*order.Order, error) {
	if o.Offer.PeriodType == catalog.OneTime && periods != 1 {
		return nil, &fault.Fault{Kind: fault.Rule, Code: "one_time_has_no_periods", Message: "this offer is sold once, without periods",
			Fields: map[string]string{"period_number": "must be 1 for a one-time offer"}}
	}
	q := o.SKU.Attributes.Quantity
	switch {
	case q == nil && quantity != 1:
		return nil, &fault.Fault{Kind: fault.Rule, Code: "sold_singly", Message: "this specification is sold by the piece", Fields: map[string]string{"quantity": "must be 1 for this specification"}}
	case q != nil && !q.Allows(quantity):
		return nil, &fault.Fault{Kind: fault.Rule, Code: "quantity_out_of_range", Message: "this specification is not sold in that quantity",
			Fields: map[string]string{"quantity": fmt.Sprintf("must be %d to %d in steps of %d for this specification", q.Min, q.Max, max(q.Step, 1))}}
	}
	tariff := o.Offer.Tariff(o.SKU)
	amount, parts, err := tariff.Total(quantity, periods)
	if err != nil {
		return nil, fault.Wrap(err, fault.Rule, "amount_too_large", "the amount is larger than %s", money.Max)
	}
	unit := o.Offer.Price
	if tariff.Mode == pricing.Volume { // all pieces cost the same
		unit = tariff.At(quantity)
	}
	return &order.Order{
		Status: order.PendingPayment, SellerID: o.Product.SellerID, ProductID: o.Product.ID, Currency: o.Offer.Currency,
		AmountList: amount, AmountDeal: amount, CreatedAt: now, PayDeadline: now.Add(t.k.Settings().PayWithin),
		Breakdown: parts,
		Lines: []order.Line{{
			Number: 1, OfferID: o.Offer.ID, SKUCode: o.SKU.Code, ProductName: o.Product.Name, SKUName: o.SKU.Name, Attributes: o.SKU.Attributes.JSON(),
			Charging: order.ChargingOf(o.Offer.PeriodType), PeriodType: o.Offer.PeriodType, PeriodNumber: periods, Quantity: quantity, Linear: q != nil,
			UnitPrice: unit, AmountDeal: amount, Status: order.LinePending,
		}},
	}, nil
}

// submit stores an unpaid order with the job that cancels it at its deadline.
func (t *Trade) submit(ctx context.Context, tx *kernel.Tx, a access.Actor, o *order.Order) error {
	if err := store.InsertOrder(ctx, tx, o); err != nil {
		return err
	}
	if _, err := t.k.Queue.Add(ctx, tx, store.Job{Kind: JobPayDeadline, Lane: jobs.Platform, DueAt: o.PayDeadline, OrderID: o.ID, SellerID: o.SellerID}); err != nil {
		return err
	}
	return t.k.Audit(ctx, tx, a, access.OrderPlace, o.ID, string(o.Type)+" "+o.AmountDeal.String())
}

// Pay takes the money and starts the delivery: hold, order, instances and jobs in
// one transaction. // spec: 22 §2.3, 01 §4.2
func (t *Trade) Pay(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.Order, error) {
	if err := kernel.May(a, access.OrderPay); err != nil {
		return nil, err
	}
	o, err := store.LockOrder(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, kernel.Missing(err, "order")
	}
	now := t.k.Clock.Now()
	if err := t.settle(ctx, tx, o, now); err != nil {
		return nil, err
	}
	return o, t.k.Audit(ctx, tx, a, access.OrderPay, o.ID, o.AmountPaid.String())
}

// settle takes the money of an order that is locked and begins what it is for.
func (t *Trade) settle(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	if err := o.CheckPay(now); err != nil {
		return err
	}
	amount := o.ToPay()
	if err := t.hold(ctx, tx, o, amount); err != nil {
		return err
	}
	o.Status, o.AmountPaid, o.PaidAt = order.Processing, amount, now
	var err error
	switch o.Type {
	case order.New, order.Trial:
		err = t.startDelivery(ctx, tx, o, now)
	case order.Renew:
		err = t.applyRenewal(ctx, tx, o, now)
	case order.TrialToFormal:
		err = t.applyConversion(ctx, tx, o, now)
	case order.Change:
		err = t.startChange(ctx, tx, o, now)
	default:
		err = fmt.Errorf("trade: orders of type %s are not paid", o.Type)
	}
	if err != nil {
		return err
	}
	if err := store.SaveOrder(ctx, tx, o); err != nil {
		return err
	}
	if err := t.notifySeller(ctx, tx, o, now); err != nil {
		return err
	}
	afterCommit(tx, paidCommitted)
	return nil
}

func (t *Trade) hold(ctx context.Context, tx *kernel.Tx, o *order.Order, amount money.Amount) error {
	if amount == 0 {
		return nil
	}
	post, err := ledger.PostHold(o.ID, o.BuyerID, o.Currency, amount)
	if err != nil {
		return err
	}
	err = store.Post(ctx, tx, t.k.Row(), post, t.k.Clock.Now())
	if errors.Is(err, store.ErrOverdrawn) {
		return fault.Wrap(err, fault.Rule, "insufficient_balance", "the balance does not cover %s %s; top up first", amount, o.Currency)
	}
	return err
}

// Cancel ends an unpaid order; it cannot be restored. // spec: 22 §2.3
func (t *Trade) Cancel(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.Order, error) {
	if err := kernel.May(a, access.OrderCancel); err != nil {
		return nil, err
	}
	o, err := store.LockOrder(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, kernel.Missing(err, "order")
	}
	if err := o.CheckCancel(); err != nil {
		return nil, err
	}
	if err := t.cancel(ctx, tx, o, "buyer"); err != nil {
		return nil, err
	}
	return o, t.k.Audit(ctx, tx, a, access.OrderCancel, o.ID, "")
}

func (t *Trade) cancel(ctx context.Context, tx *kernel.Tx, o *order.Order, reason string) error {
	o.Status, o.Reason, o.CompletedAt = order.Canceled, reason, t.k.Clock.Now()
	for i := range o.Lines {
		o.Lines[i].Status = order.LineCanceled
		if err := store.SaveLine(ctx, tx, &o.Lines[i]); err != nil {
			return err
		}
	}
	return store.SaveOrder(ctx, tx, o)
}

// Get reads an order.
func (t *Trade) Get(ctx context.Context, a access.Actor, id string) (o *order.Order, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		o, err = store.Order(ctx, tx, kernel.Scope(a), id)
		return kernel.Missing(err, "order")
	})
	return o, err
}

// List lists orders, newest first, after the mark of the last one seen.
func (t *Trade) List(ctx context.Context, a access.Actor, status string, beforeAt time.Time, beforeID string, limit int) (out []order.Order, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Orders(ctx, tx, kernel.Scope(a), status, clock.Micros(beforeAt), beforeID, limit)
		return err
	})
	return out, err
}

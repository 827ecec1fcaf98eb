package trade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Call is the payload of a job that calls a seller.
type Call struct {
	Phase     string `json:"phase,omitempty"`      // create: "" or PhasePoll
	CreatedAt int64  `json:"created_at,omitempty"` // poll: when newInstance was answered well, micros
	Polls     int    `json:"polls,omitempty"`
	ToldAuth  bool   `json:"told_auth,omitempty"` // the seller was told that polls are refused // spec: 02 §2.13
	Unknown   bool   `json:"unknown,omitempty"`   // some attempt of this call had an unknown outcome // spec: 02 §1.15
	Scene     string `json:"scene,omitempty"`     // refresh // spec: 11 §4.3
	Expiry    int64  `json:"expiry,omitempty"`    // refresh: the new end, micros
	OfferID   string `json:"offer_id,omitempty"`  // refresh: only when the term's kind changed; check: the target
	SKUCode   string `json:"sku_code,omitempty"`  // check: the target
	Linear    int64  `json:"linear,omitempty"`    // check: the target's number, where it is sold by number
	Amount    string `json:"amount,omitempty"`    // orderAmount on the wire
	ReplayOf  string `json:"replay_of,omitempty"` // replay: the attempt whose message is sent again
}

// PhasePoll is the second phase of a V2 create: newInstance was answered, now the
// instance is asked for until it is ready. // spec: 01 §2.2
const PhasePoll = "poll"

// Text is the stored form.
func (c Call) Text() string {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return string(b)
}

// ReadCall reads the stored form.
func ReadCall(text string) (c Call, err error) {
	err = json.Unmarshal([]byte(text), &c)
	return c, err
}

// startDelivery makes the instances of a paid order and queues their creation.
func (t *Trade) startDelivery(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	for i := range o.Lines {
		l := &o.Lines[i]
		inst := &instance.Instance{
			ID: t.k.Row(), BuyerID: o.BuyerID, SellerID: o.SellerID, ProductID: o.ProductID, OrderID: o.ID, OrderLineID: l.ID,
			OfferID: l.OfferID, SKUCode: l.SKUCode, Quantity: l.Quantity, Status: instance.Creating,
		}
		l.InstanceID, l.Status, l.AmountPaid = inst.ID, order.LineProvisioning, l.AmountDeal
		if err := store.InsertInstance(ctx, tx, inst); err != nil {
			return err
		}
		if err := store.SaveLine(ctx, tx, l); err != nil {
			return err
		}
		if err := t.queueCall(ctx, tx, inst, delivery.Create, o.ID, l.ID, Call{Amount: l.AmountPaid.Plain()}, now); err != nil {
			return err
		}
	}
	return nil
}

// queueCall queues a call to the seller in the chain of its instance, which is
// locked by the caller (or new).
func (t *Trade) queueCall(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, call delivery.Call, orderID, lineID string, c Call, now time.Time) error {
	_, err := t.k.Queue.Add(ctx, tx, callJob(inst, call, orderID, lineID, c, now))
	return err
}

func callJob(inst *instance.Instance, call delivery.Call, orderID, lineID string, c Call, now time.Time) store.Job {
	return store.Job{
		Kind: string(call), Lane: jobs.CallLane(inst.SellerID), Chain: inst.ID, ChainStart: call == delivery.Create, DueAt: now, BaseAt: now,
		SellerID: inst.SellerID, OrderID: orderID, OrderLineID: lineID, InstanceID: inst.ID, Payload: c.Text(), CreatedAt: now,
	}
}

// notifySeller queues the order notification, where an address for it is
// registered; it never goes to the delivery address. // spec: 12 §1, 02 §2.9
func (t *Trade) notifySeller(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	_, err := store.AddressOf(ctx, tx, o.SellerID, "general", o.ProductID)
	if errors.Is(err, store.ErrNoRow) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, l := range o.Lines {
		if _, err := t.k.Queue.Add(ctx, tx, store.Job{
			Kind: string(delivery.Notify), Lane: jobs.NotifyLane(o.SellerID), DueAt: now, SellerID: o.SellerID, OrderID: o.ID, OrderLineID: l.ID,
			InstanceID: l.InstanceID, Payload: Call{}.Text(), CreatedAt: now,
		}); err != nil {
			return err
		}
	}
	afterCommit(tx, notifyQueued)
	return nil
}

// Activate makes an instance usable and captures what its line cost; the order is
// completed when its last line is. The instance and the order are locked.
// spec: 10 §2.6, 01 §4.2
func (t *Trade) Activate(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, inst *instance.Instance, now time.Time) error {
	inst.Status, inst.EffectiveAt = instance.Active, now
	l.Status, l.EffectiveAt = order.LineDelivered, now
	if end := l.End(now, t.k.Zone); !end.IsZero() {
		inst.ExpireAt, l.ExpireAt, inst.Trial = end, end, o.Type == order.Trial
		if err := store.InsertPeriod(ctx, tx, termOf(l, inst, now, periodCurrent)); err != nil {
			return err
		}
		// The first event is before the end, so neither grace nor terms bought ahead matter yet.
		if err := t.follow(ctx, tx, inst, instance.Plan{End: end, Trial: inst.Trial, Zone: t.k.Zone}, now); err != nil {
			return err
		}
	}
	if err := t.capture(ctx, tx, o, l, now); err != nil {
		return err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if err := store.SaveLine(ctx, tx, l); err != nil {
		return err
	}
	afterCommit(tx, activeCommitted)
	if err := t.k.Tell(ctx, tx, o.BuyerID, "service.ready", o.ID, "", map[string]string{"product": l.ProductName, "product_id": o.ProductID, "instance": inst.ID}); err != nil {
		return err
	}
	return t.completeWhenDone(ctx, tx, o, now)
}

// completeWhenDone completes an order none of whose lines is under way.
func (t *Trade) completeWhenDone(ctx context.Context, tx *kernel.Tx, o *order.Order, now time.Time) error {
	for _, l := range o.Lines {
		if l.Status == order.LineProvisioning {
			return nil
		}
	}
	o.Status, o.CompletedAt = order.Completed, now
	return store.SaveOrder(ctx, tx, o)
}

// capture gives the seller what a line cost. // spec: 01 §4.2
func (t *Trade) capture(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, now time.Time) error {
	if l.AmountPaid == 0 && o.AmountCoupon == 0 {
		return nil
	}
	post, err := ledger.PostCapture(l.ID, o.BuyerID, o.SellerID, o.Currency, l.AmountPaid, o.AmountCoupon)
	if err != nil {
		return err
	}
	return store.Post(ctx, tx, t.k.Row(), post, now)
}

// GiveUp ends a line whose creation failed for good: an UNSUBSCRIBE order, the full
// amount back, both sides told, the failure counted against the product. With
// unknown, the last call had no answer: the seller may have made the instance, and
// is told the order to look for. A V2 instance that was made and never became ready
// is released with the unsubscription order. // spec: 01 §2.1–2.3, §2.6, §2.11, 22 §2.5
func (t *Trade) GiveUp(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, inst *instance.Instance, p catalog.Product, reason string, unknown bool, now time.Time) error {
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
	inst.Status, inst.Reason = instance.Failed, "refunded"
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if inst.SellerInstanceID != "" {
		if err := t.ReleaseOrphan(ctx, tx, inst, p.Protocol, un.ID, un.Lines[0].ID, now); err != nil {
			return err
		}
	}
	return t.tellFailed(ctx, tx, o, l, un, p, reason, unknown, now)
}

// unsubscription books the order that gives a line back: made and completed at once.
func (t *Trade) unsubscription(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, source, reason string, now time.Time) (*order.Order, error) {
	un := &order.Order{
		ID: ident.Order(now, t.k.Zone), Type: order.Unsubscribe, Status: order.Completed, BuyerID: o.BuyerID, PlacedBy: kernel.System.PersonID, SellerID: o.SellerID, ProductID: o.ProductID,
		Currency: o.Currency, AmountDeal: -l.AmountPaid, AmountPaid: -l.AmountPaid, Source: source, OriginOrderID: o.ID, OriginLineID: l.ID, Reason: reason,
		CreatedAt: now, PaidAt: now, CompletedAt: now,
	}
	un.Lines = []order.Line{givenBack(*l, un.ID, 1)}
	if err := store.InsertOrder(ctx, tx, un); err != nil {
		return nil, err
	}
	l.Status = order.LineRefunded
	return un, store.SaveLine(ctx, tx, l)
}

// givenBack is the line of an unsubscription that answers a line.
func givenBack(l order.Line, orderID string, number int) order.Line {
	l.ID, l.OrderID, l.Number = ident.OrderLine(orderID, number), orderID, number
	l.AmountDeal, l.AmountPaid, l.Status, l.FirstBusinessID = -l.AmountPaid, -l.AmountPaid, order.LineRefunded, ""
	return l
}

// tellFailed closes an order the seller never delivered, tells both sides, and counts it
// against the product. With unknown the seller may have acted, and is told which order to
// look for. // spec: 01 §2.3, §2.11
func (t *Trade) tellFailed(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, un *order.Order, p catalog.Product, reason string, unknown bool, now time.Time) error {
	o.Reason = reason
	o.PossiblyOrphaned = o.PossiblyOrphaned || unknown
	if err := t.completeWhenDone(ctx, tx, o, now); err != nil {
		return err
	}
	if o.Status != order.Completed {
		if err := store.SaveOrder(ctx, tx, o); err != nil {
			return err
		}
	}
	params := map[string]string{"product": l.ProductName, "product_id": o.ProductID, "amount": l.AmountPaid.String(), "currency": string(o.Currency), "reason": reason}
	if err := t.k.Tell(ctx, tx, o.BuyerID, "order.refunded", o.ID, "", params); err != nil {
		return err
	}
	kind := "order.failed"
	if unknown {
		kind = "order.possibly_orphaned"
	}
	if err := t.k.Tell(ctx, tx, o.SellerID, kind, o.ID, "", params); err != nil {
		return err
	}
	if err := t.notifySeller(ctx, tx, un, now); err != nil {
		return err
	}
	if reason == refundedByWish || reason == refundedByOperator {
		return nil // not the seller's failure
	}
	return t.countFailure(ctx, tx, o, p, now)
}

// ReleaseOrphan queues the release of an instance whose order was refunded: with
// the subscription order on V1, with the unsubscription order on V2. // spec: 01 §2.6
func (t *Trade) ReleaseOrphan(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, protocol catalog.Protocol, unOrder, unLine string, now time.Time) error {
	orderID, lineID := unOrder, unLine
	if protocol == catalog.V1 {
		orderID, lineID = inst.OrderID, inst.OrderLineID
	}
	amount := money.Amount(0)
	o, err := store.Order(ctx, tx, store.Everything, inst.OrderID)
	if err != nil {
		return err
	}
	for _, l := range o.Lines {
		if l.ID == inst.OrderLineID {
			amount = l.AmountPaid
		}
	}
	return t.queueRelease(ctx, tx, inst, orderID, lineID, amount.Plain(), now)
}

// queueRelease queues the last call of an instance. // spec: 02 §2.7
func (t *Trade) queueRelease(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, orderID, lineID, amount string, now time.Time) error {
	return t.queueLast(ctx, tx, callJob(inst, delivery.Release, orderID, lineID, Call{Amount: amount}, now))
}

// queueLast queues a release; what waits before it and was never sent is dropped, and
// nothing follows. // spec: 02 §2.7
func (t *Trade) queueLast(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	ends, err := store.ChainEnds(ctx, tx, []string{j.Chain}, string(delivery.Release))
	end := ends[j.Chain]
	if err != nil || end.Made {
		return err // release is sent once // spec: 01 §3
	}
	if end.Open {
		if _, err := store.DropWaiting(ctx, tx, j.Chain, []string{string(delivery.Refresh), string(delivery.Thaw), string(delivery.Expire), string(delivery.Status), string(delivery.Upgrade)}, "superseded by release", j.DueAt); err != nil {
			return err
		}
	} else {
		j.ChainNo = end.Next
	}
	_, err = t.k.Queue.Add(ctx, tx, j)
	return err
}

// countFailure counts a failed order; the one after the fifth of a product in a
// month suspends it, or proposes that to the operators. // spec: 01 §2.11
func (t *Trade) countFailure(ctx context.Context, tx *kernel.Tx, o *order.Order, p catalog.Product, now time.Time) error {
	n, err := store.NoteFailedOrder(ctx, tx, o.ID, o.ProductID, clock.Month(now, t.k.Zone), now)
	if err != nil || n != delivery.FailedOrdersAllowed+1 {
		return err
	}
	params := map[string]string{"product": p.Name, "product_id": p.ID, "failed": fmt.Sprint(n)}
	if t.k.Settings().SuspendFailed {
		err := store.SetProductState(ctx, tx, p.ID, catalog.OnSale, catalog.Suspended, "too many failed orders", now)
		if err != nil && !errors.Is(err, store.ErrNoRow) { // it is off sale already
			return err
		}
		if err := t.k.Tell(ctx, tx, o.SellerID, "product.suspended", o.ID, "", params); err != nil {
			return err
		}
		return t.k.Tell(ctx, tx, kernel.OperatorDesk, "product.suspended", o.ID, "", params)
	}
	return t.k.Tell(ctx, tx, kernel.OperatorDesk, "product.suspension_proposed", o.ID, "", params)
}

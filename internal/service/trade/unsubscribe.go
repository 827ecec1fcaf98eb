package trade

import (
	"context"
	"slices"
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
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// The five-day refund. // spec: 22 §4.1, 01 §4.5
const (
	RefundWindow   = 5 * 24 * time.Hour
	RefundsPerYear = 10
	sourceFiveDay  = "FIVE_DAY"
)

// RefundableUntil is when the five days of a service end, the instant itself excluded;
// zero for a service that has none.
func RefundableUntil(inst *instance.Instance) time.Time {
	if inst.Trial || inst.ExpireAt.IsZero() || inst.EffectiveAt.IsZero() {
		return time.Time{}
	}
	return inst.EffectiveAt.Add(RefundWindow)
}

// refundable names why a service cannot be given back. // spec: 22 §4.1
func refundable(inst *instance.Instance, now time.Time) error {
	until := RefundableUntil(inst)
	switch {
	case inst.Trial:
		return fault.New(fault.Rule, "trial", "a trial costs nothing and ends by itself; it cannot be unsubscribed")
	case inst.Status != instance.Active:
		return fault.New(fault.Conflict, "instance_state", "the service is %s; only a service in use can be given back", inst.Status)
	case until.IsZero():
		return fault.New(fault.Rule, "not_refundable", "only services with a term can be given back without a reason")
	case !now.Before(until):
		return fault.New(fault.Rule, "refund_window_over", "the service could be given back until %s", until.Format(time.RFC3339))
	}
	return nil
}

// Unsubscribe gives a service back within five days of its opening: all that was paid for
// it, renewals and changes included, and the service is released at once. A large refund
// waits for an operator instead: then the request is given, and nothing else has changed.
// spec: 22 §4.1, 01 §4.5, §2.6
func (t *Trade) Unsubscribe(ctx context.Context, tx *kernel.Tx, a access.Actor, id, reason string) (un *order.Order, waits *order.RefundRequest, err error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, nil, err
	}
	seen, err := store.Instance(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, nil, kernel.Missing(err, "instance")
	}
	// Two refunds of one buyer at once are counted one after the other.
	if err := store.LockCompany(ctx, tx, seen.BuyerID); err != nil {
		return nil, nil, err
	}
	inst, lines, orders, err := t.paidLines(ctx, tx, id)
	if err != nil {
		return nil, nil, err
	}
	now := t.k.Clock.Now()
	if err := refundable(inst, now); err != nil {
		return nil, nil, err
	}
	if err := t.nothingUnpaid(ctx, tx, inst); err != nil {
		return nil, nil, err
	}
	year := now.In(t.k.Zone).Year()
	used, err := store.RefundsOfYear(ctx, tx, inst.BuyerID, time.Date(year, 1, 1, 0, 0, 0, 0, t.k.Zone))
	if err != nil {
		return nil, nil, err
	}
	if used >= RefundsPerYear {
		return nil, nil, fault.New(fault.Rule, "refund_quota", "a company may give back %d services a year without a reason; yours has done so in %d", RefundsPerYear, year)
	}
	if total := paidFor(lines); order.NeedsApproval(total, t.k.Settings().LargeRefund) {
		waits, err = t.askRefund(ctx, tx, a, inst, total, orders[lines[0].OrderID].Currency, reason, now)
		return nil, waits, err
	}
	un, err = t.giveBack(ctx, tx, a, inst, lines, orders, a.PersonID, reason, now)
	return un, nil, err
}

func paidFor(lines []order.Line) (total money.Amount) {
	for _, l := range lines {
		total += l.AmountPaid
	}
	return total
}

// giveBack makes a five-day refund of a service whose orders and row are locked: asked for by
// one person, decided by the actor.
func (t *Trade) giveBack(ctx context.Context, tx *kernel.Tx, a access.Actor, inst *instance.Instance, lines []order.Line, orders map[string]*order.Order, by, reason string, now time.Time) (*order.Order, error) {
	un := &order.Order{ID: ident.Order(now, t.k.Zone), Type: order.Unsubscribe, Status: order.Completed, BuyerID: inst.BuyerID, PlacedBy: by, SellerID: inst.SellerID, ProductID: inst.ProductID,
		Source: sourceFiveDay, OriginOrderID: inst.OrderID, OriginLineID: inst.OrderLineID, Reason: reason, CreatedAt: now, PaidAt: now, CompletedAt: now}
	total := paidFor(lines)
	for i := range lines {
		l, o := &lines[i], orders[lines[i].OrderID]
		un.Currency = o.Currency
		un.Lines = append(un.Lines, givenBack(*l, un.ID, i+1))
		if err := t.refundLine(ctx, tx, o, l, now); err != nil {
			return nil, err
		}
	}
	un.AmountDeal, un.AmountPaid = -total, -total
	if err := store.InsertOrder(ctx, tx, un); err != nil {
		return nil, err
	}
	for _, from := range []string{periodCurrent, periodFuture} {
		if err := store.EndPeriods(ctx, tx, []string{inst.ID}, from, periodRefunded); err != nil {
			return nil, err
		}
	}
	inst.Status, inst.Reason = instance.Released, "refunded"
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return nil, err
	}
	p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
	if err != nil {
		return nil, err
	}
	// V1 names the subscription, V2 the unsubscription. // spec: 01 §2.6
	orderID, lineID := un.ID, un.Lines[0].ID
	if p.Protocol == catalog.V1 {
		orderID, lineID = inst.OrderID, inst.OrderLineID
	}
	if err := t.queueRelease(ctx, tx, inst, orderID, lineID, total.Plain(), now); err != nil {
		return nil, err
	}
	return un, t.givenBack(ctx, tx, a, un, inst, total, now)
}

// paidLines locks an instance and, before it, the orders of everything bought for it, and
// gives the lines that were paid and delivered, the subscription first. An order that is
// still being delivered is locked too: its delivery ends while we wait, and what it cost
// must not be missed. // spec: 22 §4.1
func (t *Trade) paidLines(ctx context.Context, tx *kernel.Tx, id string) (*instance.Instance, []order.Line, map[string]*order.Order, error) {
	lines, err := store.InstanceLines(ctx, tx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	orders := map[string]*order.Order{}
	for _, l := range lines { // by line id, so by order id
		if l.Status == order.LineRefunded || l.Status == order.LineCanceled || l.AmountPaid < 0 {
			continue
		}
		if orders[l.OrderID], err = store.LockOrder(ctx, tx, store.Everything, l.OrderID); err != nil {
			return nil, nil, nil, err
		}
	}
	inst, err := store.LockInstance(ctx, tx, store.Everything, id)
	if err != nil {
		return nil, nil, nil, err
	}
	if lines, err = store.InstanceLines(ctx, tx, id); err != nil { // as they stand under the locks
		return nil, nil, nil, err
	}
	var out []order.Line
	for _, l := range lines {
		switch o := orders[l.OrderID]; {
		case l.Status != order.LineDelivered || l.AmountPaid < 0:
		case o == nil:
			return nil, nil, nil, fault.New(fault.Conflict, "conflict", "order %s of this service was delivered at this moment; look at it again", l.OrderID)
		case o.Type != order.Trial:
			out = append(out, l)
		}
	}
	slices.SortStableFunc(out, func(a, b order.Line) int { return orders[a.OrderID].CreatedAt.Compare(orders[b.OrderID].CreatedAt) })
	return inst, out, orders, nil
}

// refundLine gives back what a line cost. A posting is unique by its line, so no line is
// ever given back twice.
func (t *Trade) refundLine(ctx context.Context, tx *kernel.Tx, o *order.Order, l *order.Line, now time.Time) error {
	if l.AmountPaid > 0 || o.AmountCoupon > 0 {
		post, err := ledger.PostRefundAfterCapture(l.ID, o.BuyerID, o.SellerID, o.Currency, l.AmountPaid, o.AmountCoupon)
		if err != nil {
			return err
		}
		if err := store.Post(ctx, tx, t.k.Row(), post, now); err != nil {
			return err
		}
	}
	l.Status = order.LineRefunded
	return store.SaveLine(ctx, tx, l)
}

// givenBack tells both sides and leaves the audit row of a refund that was asked for.
func (t *Trade) givenBack(ctx context.Context, tx *kernel.Tx, a access.Actor, un *order.Order, inst *instance.Instance, total money.Amount, now time.Time) error {
	for _, company := range []string{inst.BuyerID, inst.SellerID} {
		if err := t.k.Tell(ctx, tx, company, "order.unsubscribed", un.ID, "", map[string]string{"product": un.Lines[0].ProductName, "instance": inst.ID, "amount": total.String(), "currency": string(un.Currency)}); err != nil {
			return err
		}
	}
	if err := t.notifySeller(ctx, tx, un, now); err != nil {
		return err
	}
	return t.k.Audit(ctx, tx, a, access.OrderRefund, un.ID, string(un.Type)+" "+total.String())
}

// CancelRenewal gives the last renewal back whose term has not begun, in full and beside
// the yearly number; the end moves back to what it was. The refund does not wait for the
// seller. // spec: 22 §3.3, 10 §3.1, 11 §4.3, 02 §2.17
func (t *Trade) CancelRenewal(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.Order, error) {
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return nil, err
	}
	if _, err := store.Instance(ctx, tx, kernel.Scope(a), id); err != nil {
		return nil, kernel.Missing(err, "instance")
	}
	inst, lines, orders, err := t.paidLines(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	if inst.Ended() {
		return nil, fault.New(fault.Conflict, "instance_state", "the service is %s", inst.Status)
	}
	if err := t.nothingUnpaid(ctx, tx, inst); err != nil {
		return nil, err
	}
	now := t.k.Clock.Now()
	terms, err := store.Periods(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	var last *store.Period
	for i := range terms {
		if terms[i].State == periodFuture && terms[i].StartsAt.After(now) {
			last = &terms[i]
		}
	}
	if last == nil {
		return nil, fault.New(fault.Rule, "no_renewal", "there is no renewal whose term has not begun")
	}
	at := slices.IndexFunc(lines, func(l order.Line) bool { return l.ID == last.OrderLineID })
	if at < 0 {
		return nil, fault.New(fault.Conflict, "conflict", "the renewal is changing at this moment; look at it again")
	}
	l, o := &lines[at], orders[lines[at].OrderID]
	un := &order.Order{ID: ident.Order(now, t.k.Zone), Type: order.UnsubscribeRenewal, Status: order.Completed, BuyerID: inst.BuyerID, PlacedBy: a.PersonID, SellerID: inst.SellerID, ProductID: inst.ProductID,
		Currency: o.Currency, AmountDeal: -l.AmountPaid, AmountPaid: -l.AmountPaid, Source: "DIRECT", OriginOrderID: o.ID, OriginLineID: l.ID, CreatedAt: now, PaidAt: now, CompletedAt: now}
	un.Lines = []order.Line{givenBack(*l, un.ID, 1)}
	un.Lines[0].AnnouncedExpiry, un.Lines[0].ExpireAt = last.StartsAt, last.StartsAt
	total := l.AmountPaid
	if err := t.refundLine(ctx, tx, o, l, now); err != nil {
		return nil, err
	}
	if err := store.InsertOrder(ctx, tx, un); err != nil {
		return nil, err
	}
	if err := store.SetPeriodState(ctx, tx, id, last.OrderLineID, periodRefunded); err != nil {
		return nil, err
	}
	inst.ExpireAt = last.StartsAt
	if err := t.replan(ctx, tx, inst, now); err != nil {
		return nil, err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return nil, err
	}
	if err := t.queueCall(ctx, tx, inst, delivery.Refresh, un.ID, un.Lines[0].ID, Call{Scene: SceneCancel, Expiry: clock.Micros(inst.ExpireAt), Amount: (-total).Plain()}, now); err != nil {
		return nil, err
	}
	return un, t.givenBack(ctx, tx, a, un, inst, total, now)
}

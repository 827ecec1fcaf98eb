package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Refunds that are not held against the seller.
const (
	refundedByWish     = "refunded at the buyer's wish"
	refundedByOperator = "refunded by the marketplace"
)

// opened tells whether an order has given a service, which may be given back within five
// days of its opening.
func opened(o *order.Order) bool {
	return (o.Type == order.New || o.Type == order.TrialToFormal) && o.Status == order.Completed && o.Lines[0].Status == order.LineDelivered
}

// Refund gives a buyer's order back: with its service within the five days (see
// Unsubscribe), or all of an order whose service never opened, before the schedule has
// given up by itself: at the buyer's wish, or by the operators, of whom a second one has
// to agree in production. A call that is under way is waited for: its answer may be the
// service. Like Unsubscribe it gives a request instead where the refund is large.
// spec: 22 §2.5, §4.1, §8; 01 §9
func (t *Trade) Refund(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (o *order.Order, waits *order.RefundRequest, err error) {
	if err := kernel.May(a, access.OrderRefund); err != nil {
		return nil, nil, err
	}
	seen, err := store.Order(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, nil, kernel.Missing(err, "order")
	}
	if a.CompanyKind == party.Buyer && opened(seen) {
		if _, waits, err := t.Unsubscribe(ctx, tx, a, seen.Lines[0].InstanceID, ""); err != nil || waits != nil {
			return nil, waits, err
		}
		o, err = store.Order(ctx, tx, kernel.Scope(a), id)
		return o, nil, err
	}
	o, err = t.refundUnopened(ctx, tx, a, id)
	return o, nil, err
}

func (t *Trade) refundUnopened(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.Order, error) {
	o, err := store.LockOrder(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, kernel.Missing(err, "order")
	}
	reason := refundedByWish
	switch a.CompanyKind {
	case party.Operator:
		reason = refundedByOperator
	case party.Seller:
		return nil, fault.New(fault.Forbidden, "forbidden", "the buyer or the operators decide on this refund")
	}
	if o.Type != order.New || o.Status != order.Processing {
		return nil, fault.New(fault.Rule, "not_refundable", "the order is %s; only a paid order whose service has not opened can be refunded here", o.Status)
	}
	now := t.k.Clock.Now()
	if agreed, err := t.agreed(ctx, tx, a, o.ID, now); err != nil || !agreed {
		return o, err
	}
	p, err := store.Product(ctx, tx, store.Everything, o.ProductID)
	if err != nil {
		return nil, err
	}
	for i := range o.Lines {
		l := &o.Lines[i]
		if l.Status != order.LineProvisioning {
			continue
		}
		inst, err := store.LockInstance(ctx, tx, store.Everything, l.InstanceID)
		if err != nil {
			return nil, err
		}
		if inst.Status != instance.Creating && inst.Status != instance.Provisioning {
			continue
		}
		js, err := store.ChainJobs(ctx, tx, inst.ID)
		if err != nil {
			return nil, err
		}
		unknown := false
		for _, j := range js {
			if j.State == store.JobRunning {
				return nil, fault.New(fault.Conflict, "call_running", "the seller is being called right now; try again in a moment")
			}
			call, err := ReadCall(j.Payload)
			if err != nil {
				return nil, err
			}
			unknown = unknown || call.Unknown && inst.SellerInstanceID == ""
		}
		if _, err := store.DropWaiting(ctx, tx, inst.ID, []string{string(delivery.Create)}, reason, now); err != nil {
			return nil, err
		}
		if err := t.GiveUp(ctx, tx, o, l, inst, p, reason, unknown, now); err != nil {
			return nil, err
		}
	}
	return o, t.k.Audit(ctx, tx, a, access.OrderRefund, o.ID, "")
}

// agreed tells whether a refund may be made: a buyer's may; an operator's first is a
// proposal, which another one makes true. // spec: 01 §9
func (t *Trade) agreed(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, now time.Time) (bool, error) {
	if a.CompanyKind != party.Operator || t.k.Sandbox {
		return true, nil
	}
	by, err := store.RefundProposal(ctx, tx, id)
	switch {
	case err != nil:
		return false, err
	case by == a.PersonID:
		return false, fault.New(fault.Forbidden, "second_person_needed", "a money decision needs two people: somebody else has to agree")
	case by != "":
		return true, nil
	}
	if err := store.ProposeRefund(ctx, tx, id, a.PersonID, now); err != nil {
		return false, err
	}
	return false, t.k.Audit(ctx, tx, a, access.OrderRefund, id, "proposed")
}

// RefundProposed finds which operator proposed to refund an order; "" when none did.
func (t *Trade) RefundProposed(ctx context.Context, a access.Actor, id string) (by string, err error) {
	if err := kernel.May(a, access.OrderRefund); err != nil {
		return "", err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		by, err = store.RefundProposal(ctx, tx, id)
		return err
	})
	return by, err
}

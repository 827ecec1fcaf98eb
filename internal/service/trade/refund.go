package trade

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

const refundedByWish = "refunded at the buyer's wish"

// Refund gives a buyer all of an order back whose service never opened, before the
// schedule has given up by itself. A call that is under way is waited for: its
// answer may be the service. // spec: 22 §2.5, §4.1
func (t *Trade) Refund(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.Order, error) {
	if err := kernel.May(a, access.OrderRefund); err != nil {
		return nil, err
	}
	o, err := store.LockOrder(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, kernel.Missing(err, "order")
	}
	if a.CompanyKind != party.Buyer {
		return nil, fault.New(fault.Forbidden, "forbidden", "only the buyer can ask for this refund")
	}
	if o.Type != order.New || o.Status != order.Processing {
		return nil, fault.New(fault.Rule, "not_refundable", "the order is %s; only a paid order whose service has not opened can be refunded here", o.Status)
	}
	p, err := store.Product(ctx, tx, store.Everything, o.ProductID)
	if err != nil {
		return nil, err
	}
	now := t.k.Clock.Now()
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
		if _, err := store.DropWaiting(ctx, tx, inst.ID, []string{string(delivery.Create)}, refundedByWish, now); err != nil {
			return nil, err
		}
		if err := t.GiveUp(ctx, tx, o, l, inst, p, refundedByWish, unknown, now); err != nil {
			return nil, err
		}
	}
	return o, t.k.Audit(ctx, tx, a, access.OrderRefund, o.ID, "")
}

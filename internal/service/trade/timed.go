package trade

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Register gives the runner the timed work of orders and instances.
func (t *Trade) Register(r *jobs.Runner) {
	r.Handle(JobPayDeadline, t.timed(t.passDeadline))
	r.Handle(JobExpire, t.timed(t.expire))
	r.Handle(JobRelease, t.timed(t.release))
}

// timed wraps a step so that it and the end of its job are one transaction. The
// step happens at the job's own instant, however late it is run: the outcome must
// not depend on when the worker came. // spec: 01 §1.2
func (t *Trade) timed(step func(ctx context.Context, tx *kernel.Tx, j store.Job) error) jobs.Handler {
	return func(ctx context.Context, j store.Job, owner string) error {
		err := t.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			if err := step(ctx, tx, j); err != nil {
				return err
			}
			return store.FinishJob(ctx, tx, j.ID, owner, "", store.JobDone, "", 1, t.k.Clock.Now())
		})
		if errors.Is(err, store.ErrLeaseLost) {
			return nil // another process does it
		}
		return err
	}
}

// passDeadline cancels an order that was not paid in time. // spec: 22 §2.3
func (t *Trade) passDeadline(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	o, err := store.LockOrder(ctx, tx, store.Everything, j.OrderID)
	if err != nil || o.Status != order.PendingPayment {
		return err
	}
	if err := t.cancel(ctx, tx, o, "not paid in time"); err != nil {
		return err
	}
	return t.k.Tell(ctx, tx, o.BuyerID, "order.canceled", o.ID, "", map[string]string{"product": o.Lines[0].ProductName})
}

// expire ends the usable time of an instance: grace first, where the buyer's level
// has one, then the freeze the seller is told of. A renewal since then has moved
// the end, and queued its own. // spec: 01 §3, 10 §9
func (t *Trade) expire(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	inst, err := store.LockInstance(ctx, tx, store.Everything, j.InstanceID)
	if err != nil {
		return err
	}
	if inst.Ended() || inst.ExpireAt.IsZero() || inst.ExpireAt.After(j.DueAt) {
		return nil
	}
	buyer, err := store.Company(ctx, tx, inst.BuyerID)
	if err != nil {
		return err
	}
	keep := instance.RetentionOf(buyer.BuyerLevel)
	frozenAt := inst.ExpireAt.Add(keep.Grace)
	if j.DueAt.Before(frozenAt) {
		if inst.Status == instance.Active {
			inst.Status = instance.Grace
			if err := store.SaveInstance(ctx, tx, inst); err != nil {
				return err
			}
		}
		return t.later(ctx, tx, JobExpire, inst, frozenAt)
	}
	entered := inst.Freeze(instance.Expiry)
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if entered {
		if err := t.queueCall(ctx, tx, inst, delivery.Expire, inst.OrderID, inst.OrderLineID, Call{}, frozenAt); err != nil {
			return err
		}
	}
	if err := t.k.Tell(ctx, tx, inst.BuyerID, "service.expired", inst.OrderID, "", map[string]string{"instance": inst.ID, "kept_until": frozenAt.Add(keep.Keep).Format(time.RFC3339)}); err != nil {
		return err
	}
	return t.later(ctx, tx, JobRelease, inst, frozenAt.Add(keep.Keep))
}

func (t *Trade) later(ctx context.Context, tx *kernel.Tx, kind string, inst *instance.Instance, at time.Time) error {
	_, err := t.k.Queue.Add(ctx, tx, store.Job{Kind: kind, Lane: jobs.Platform, DueAt: at, InstanceID: inst.ID, SellerID: inst.SellerID, OrderID: inst.OrderID, OrderLineID: inst.OrderLineID})
	return err
}

// release gives an instance up whose retention is over; it is released here
// whatever the seller answers. // spec: 10 §3.3
func (t *Trade) release(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	inst, err := store.LockInstance(ctx, tx, store.Everything, j.InstanceID)
	if err != nil {
		return err
	}
	if inst.Status != instance.Frozen {
		return nil
	}
	buyer, err := store.Company(ctx, tx, inst.BuyerID)
	if err != nil {
		return err
	}
	keep := instance.RetentionOf(buyer.BuyerLevel)
	if inst.ExpireAt.Add(keep.Grace + keep.Keep).After(j.DueAt) {
		return nil // renewed since, and expired again: that expiry queued its own release
	}
	inst.Status, inst.Reason = instance.Released, "expired"
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return err
	}
	if inst.SellerInstanceID == "" {
		return errors.New("trade: a frozen instance without the seller's id")
	}
	if err := t.k.Tell(ctx, tx, inst.BuyerID, "service.released", inst.OrderID, "", map[string]string{"instance": inst.ID}); err != nil {
		return err
	}
	// Released for want of renewal, not by an unsubscription: V2 sends no order. // spec: 11 §4.5
	return t.queueRelease(ctx, tx, inst, inst.OrderID, inst.OrderLineID, "", j.DueAt)
}

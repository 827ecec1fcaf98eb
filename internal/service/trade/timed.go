package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Register gives the runner the timed work of orders and instances.
func (t *Trade) Register(r *jobs.Runner) {
	r.Handle(JobPayDeadline, t.timed(t.passDeadline))
	r.Handle(JobTerm, t.timed(t.term))
	r.Handle(JobRenew, t.timed(t.term))
	r.Handle(JobRefund, t.timed(t.passRefund))
	r.HandleTogether(JobTerm, t.terms)
	r.HandleTogether(JobPayDeadline, t.passDeadlines)
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

// passDeadlines is passDeadline for several orders, of which nearly all were paid long ago: an
// order that is not waiting for its payment never does so again.
func (t *Trade) passDeadlines(ctx context.Context, tx *kernel.Tx, js []store.Job) error {
	ids := make([]string, len(js))
	for i, j := range js {
		ids[i] = j.OrderID
	}
	unpaid, err := store.StillUnpaid(ctx, tx, ids)
	if err != nil {
		return err
	}
	for _, j := range js {
		if unpaid[j.OrderID] {
			if err := t.passDeadline(ctx, tx, j); err != nil {
				return err
			}
		}
	}
	return nil
}

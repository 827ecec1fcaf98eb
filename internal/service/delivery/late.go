package delivery

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// late takes an answer that came after its time-out.
func (d *Delivery) late(p *plan, a *store.Attempt, m message, answer outbound.Answer) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := d.absorb(ctx, p, a, d.judge(p, m, answer), "answered after the time-out"); err != nil {
		d.k.Log.Error("a late answer could not be kept", "attempt", a.ID, "err", err)
	}
}

// absorb keeps what an answer says that has no say in the schedule any more: it is
// logged with its id. A V1 id is the first one ever answered and stays; on V2 the
// repetition's id is binding. A success for an order that was refunded meanwhile is
// answered by a release. // spec: 02 §1.5, §2.12, 01 §2.3
func (d *Delivery) absorb(ctx context.Context, p *plan, a *store.Attempt, r reply, why string) error {
	return d.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		rec, err := store.AttemptByID(ctx, tx, store.Everything, a.ID)
		if err != nil {
			return err
		}
		c := &outcome{d: d, p: p, a: rec, r: r, now: d.k.Clock.Now()}
		if err := c.lock(ctx, tx); err != nil {
			return err
		}
		state, next := rec.State, rec.NextAt
		c.fill()
		rec.State, rec.NextAt = state, next
		if rec.State == store.AttemptRunning {
			rec.State = store.AttemptUnknown
		}
		rec.Detail = join(rec.Detail, why)
		if r.verdict.OK && r.verdict.InstanceID != "" {
			rec.Detail = join(rec.Detail, "instanceId "+r.verdict.InstanceID)
			if err := c.lateSuccess(ctx, tx); err != nil {
				return err
			}
		}
		rec.Detail = cut(rec.Detail, 2000)
		return store.CloseAttempt(ctx, tx, rec)
	})
}

func (c *outcome) lateSuccess(ctx context.Context, tx *kernel.Tx) error {
	if c.p.what != domain.Create || c.inst == nil || c.inst.SellerInstanceID != "" {
		return nil
	}
	refunded := c.inst.Status == instance.Failed
	if c.p.product.Protocol == catalog.V2 && !refunded {
		return nil
	}
	owner, err := store.InstanceOwner(ctx, tx, c.o.SellerID, c.r.verdict.InstanceID)
	if err != nil || owner != "" {
		return err
	}
	c.inst.SellerInstanceID = c.r.verdict.InstanceID
	if err := store.SaveInstance(ctx, tx, c.inst); err != nil {
		return err
	}
	if !refunded {
		return nil
	}
	un, err := store.UnsubscriptionOf(ctx, tx, c.o.ID)
	if err != nil {
		return err
	}
	if un == "" {
		return errors.New("delivery: a refunded order without its unsubscription")
	}
	uo, err := store.Order(ctx, tx, store.Everything, un)
	if err != nil {
		return err
	}
	return c.d.trade.ReleaseOrphan(ctx, tx, c.inst, c.p.product.Protocol, uo.ID, uo.Lines[0].ID, c.now)
}

package delivery

import (
	"context"
	"errors"
	"fmt"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// Attempts lists calls, newest first. Buyers see that and when a call was made, not
// its bytes and not what the seller said.
func (d *Delivery) Attempts(ctx context.Context, a access.Actor, f store.AttemptFilter, mark string, limit int, oldestFirst bool) (out []store.Attempt, err error) {
	if err := kernel.May(a, access.AttemptRead); err != nil {
		return nil, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Attempts(ctx, tx, kernel.Scope(a), f, mark, limit, oldestFirst)
		return err
	})
	if a.CompanyKind == party.Buyer {
		for i := range out {
			hide(&out[i])
		}
	}
	return out, err
}

// Attempt reads one call with the bytes of both sides.
func (d *Delivery) Attempt(ctx context.Context, a access.Actor, id string) (out *store.Attempt, err error) {
	if err := kernel.May(a, access.AttemptRead); err != nil {
		return nil, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.AttemptByID(ctx, tx, kernel.Scope(a), id)
		return kernel.Missing(err, "attempt")
	})
	if err == nil && a.CompanyKind == party.Buyer {
		hide(out)
	}
	return out, err
}

func hide(a *store.Attempt) { a.Request, a.Response, a.ResultMsg, a.Detail = nil, nil, "", "" }

// held reads an attempt with its job, and locks its instance, for a decision.
func (d *Delivery) held(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*store.Attempt, store.Job, *instance.Instance, *order.Order, error) {
	att, err := store.AttemptByID(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, store.Job{}, nil, nil, kernel.Missing(err, "attempt")
	}
	o, err := store.LockOrder(ctx, tx, store.Everything, att.OrderID)
	if err != nil {
		return nil, store.Job{}, nil, nil, err
	}
	var inst *instance.Instance
	if att.InstanceID != "" {
		if inst, err = store.LockInstance(ctx, tx, store.Everything, att.InstanceID); err != nil {
			return nil, store.Job{}, nil, nil, err
		}
	}
	j, err := store.JobByID(ctx, tx, att.JobID)
	if errors.Is(err, store.ErrNoRow) {
		return nil, j, nil, nil, fault.New(fault.Conflict, "live_details", "this call was a look at live details; look again instead")
	}
	return att, j, inst, o, err
}

// Restart makes one immediate call with fresh stamps; if it fails, the schedule
// goes on unchanged. Not for an order that was refunded, and after a release only
// for the release. // spec: 10 §8.4
func (d *Delivery) Restart(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*store.Attempt, error) {
	if err := kernel.May(a, access.AttemptRestart); err != nil {
		return nil, err
	}
	att, j, inst, _, err := d.held(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	if err := repeatable(domain.Call(j.Kind), inst); err != nil {
		return nil, err
	}
	switch j.State {
	case store.JobRunning:
		return nil, fault.New(fault.Conflict, "call_running", "this call is being made right now")
	case store.JobDone:
		return nil, fault.New(fault.Conflict, "call_done", "this call has succeeded; there is nothing to restart")
	case store.JobDropped:
		return nil, fault.New(fault.Conflict, "call_dropped", "this call was overtaken: %s", j.Outcome)
	case store.JobWaiting:
		return nil, fault.New(fault.Conflict, "call_waiting", "an earlier call of the same service has to be made first")
	}
	if j.State == store.JobFailed && j.Chain != "" {
		js, err := store.ChainJobs(ctx, tx, j.Chain)
		if err != nil {
			return nil, err
		}
		for _, other := range js {
			if other.State == store.JobRunning || other.State == store.JobQueued {
				return nil, fault.New(fault.Conflict, "call_order", "a later call (%s) of the same service is under way; wait for it", other.Kind)
			}
		}
	}
	ok, err := store.ReviveJob(ctx, tx, j.ID, d.k.Clock.Now(), "restart")
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, fault.New(fault.Conflict, "call_running", "this call is being made right now")
	}
	d.k.Queue.WakeAfter(tx, j.Lane)
	return att, d.k.Audit(ctx, tx, a, access.AttemptRestart, att.ID, att.Activity+" of "+att.OrderID)
}

// repeatable names why a message may not be sent again. // spec: proof, Replay; 02 §2.7
func repeatable(c domain.Call, inst *instance.Instance) error {
	if inst == nil || c == domain.Notify {
		return nil
	}
	switch c {
	case domain.Create:
		if inst.Status == instance.Failed {
			return fault.New(fault.Conflict, "order_refunded", "the order was refunded: a create is never sent again for it")
		}
		if inst.Status == instance.Released {
			return fault.New(fault.Conflict, "instance_released", "the service was released: nothing follows a release")
		}
	case domain.Release:
		return nil
	default:
		if inst.Ended() {
			return fault.New(fault.Conflict, "instance_ended", "the service is %s: nothing follows a release", inst.Status)
		}
	}
	return nil
}

// Replay sends a past message again, with fresh stamps and without any effect here.
// A create of an order that was refunded is never sent again; on V2 none after the
// first success is. // spec: 02 §2.12, 01 §8.5
func (d *Delivery) Replay(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*store.Attempt, error) {
	if err := kernel.May(a, access.AttemptReplay); err != nil {
		return nil, err
	}
	att, j, inst, o, err := d.held(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	for j.Kind == string(domain.Replay) { // a replay of a replay is one of the first message
		call, err := trade.ReadCall(j.Payload)
		if err != nil {
			return nil, err
		}
		first, err := store.AttemptByID(ctx, tx, store.Everything, call.ReplayOf)
		if err != nil {
			return nil, err
		}
		if j, err = store.JobByID(ctx, tx, first.JobID); err != nil {
			return nil, err
		}
		att = first
	}
	if err := repeatable(domain.Call(j.Kind), inst); err != nil {
		return nil, err
	}
	p, err := store.Product(ctx, tx, store.Everything, o.ProductID)
	if err != nil {
		return nil, err
	}
	if j.Kind == string(domain.Create) && att.Activity == "newInstance" && p.Protocol == catalog.V2 && inst.SellerInstanceID != "" {
		return nil, fault.New(fault.Conflict, "created_already", "newInstance was answered well; on V2 it is never sent again for this order line")
	}
	if att.Activity == "newInstance" && inst.Status != instance.Active && inst.Status != instance.Grace && inst.Status != instance.Frozen {
		return nil, fault.New(fault.Conflict, "not_delivered_yet", "the instance is %s; restart the delivery instead of replaying it", inst.Status)
	}
	now := d.k.Clock.Now()
	lane, chain := jobs.CallLane(att.SellerID), att.InstanceID
	if j.Kind == string(domain.Notify) {
		lane, chain = jobs.NotifyLane(att.SellerID), ""
	}
	if _, err := d.k.Queue.Add(ctx, tx, store.Job{
		Kind: string(domain.Replay), Lane: lane, Chain: chain, DueAt: now, Occasion: "replay", SellerID: att.SellerID, OrderID: att.OrderID, OrderLineID: att.OrderLineID,
		InstanceID: att.InstanceID, Payload: trade.Call{ReplayOf: att.ID}.Text(), CreatedAt: now,
	}); err != nil {
		return nil, err
	}
	return att, d.k.Audit(ctx, tx, a, access.AttemptReplay, att.ID, att.Activity+" of "+att.OrderID)
}

// finishReplay closes a replay: one call, no repetition, no effect.
func (c *outcome) finishReplay(ctx context.Context, tx *kernel.Tx) error {
	c.a.State = store.AttemptSuccess
	switch {
	case c.r.verdict.Unknown:
		c.a.State = store.AttemptUnknown
	case !c.r.verdict.OK:
		c.a.State = store.AttemptFailed
	}
	if c.r.verdict.OK && c.a.Activity == "newInstance" {
		c.keepID(c.r.verdict.InstanceID, false)
	}
	return store.FinishJob(ctx, tx, c.p.job.ID, c.owner, c.p.job.Chain, store.JobDone, explain(c.r.verdict), 1, c.now)
}

// MarkDelivered closes a call that failed for good although the seller has done it:
// sellers exist that refuse a repetition of what they did. Creates are not marked:
// without the seller's instance id there is nothing to deliver. // spec: 02 §1.15
func (d *Delivery) MarkDelivered(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*store.Attempt, error) {
	if err := kernel.May(a, access.AttemptMark); err != nil {
		return nil, err
	}
	att, j, _, _, err := d.held(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	if j.Kind == string(domain.Create) || j.Kind == string(domain.Replay) {
		return nil, fault.New(fault.Rule, "not_markable", "only calls for an existing instance can be marked as delivered")
	}
	if j.State != store.JobFailed && j.State != store.JobQueued {
		return nil, fault.New(fault.Conflict, "call_state", "the call is %s; only one that failed can be marked as delivered", j.State)
	}
	if err := store.FinishJob(ctx, tx, j.ID, "", j.Chain, store.JobDone, "marked as delivered by "+a.PersonID, j.Tries, d.k.Clock.Now()); err != nil {
		return nil, err
	}
	return att, d.k.Audit(ctx, tx, a, access.AttemptMark, att.ID, fmt.Sprintf("%s of %s", att.Activity, att.OrderID))
}

// Attempt, Filter and their kin under names that faces may use.
type (
	AttemptRecord = store.Attempt
	Filter        = store.AttemptFilter
)

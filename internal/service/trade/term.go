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
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// The states of a paid term. // spec: 22 §3.1
const (
	periodFuture   = "FUTURE"
	periodCurrent  = "CURRENT"
	periodPast     = "PAST"
	periodRefunded = "REFUNDED"
)

// termJob is the payload of a JobTerm: which plan of the instance it belongs to.
type termJob struct {
	Plan int64 `json:"plan"`
}

// planOf is what the rest of an instance's life follows from, as things stand.
func (t *Trade) planOf(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) (instance.Plan, error) {
	p := instance.Plan{End: inst.ExpireAt, Trial: inst.Trial, AutoRenew: inst.AutoRenew, Zone: t.k.Zone}
	buyer, err := store.Company(ctx, tx, inst.BuyerID)
	if err != nil {
		return p, err
	}
	p.Keep = instance.RetentionOf(buyer.BuyerLevel)
	if inst.Trial {
		p.Keep = p.Keep.OfTrial()
	}
	terms, err := store.Periods(ctx, tx, inst.ID)
	for _, one := range terms {
		if one.State == periodFuture {
			p.Starts = append(p.Starts, one.StartsAt)
		}
	}
	return p, err
}

// replan makes an instance, which the caller saves, follow its plan anew from an instant
// on: its end, its terms or its renewal by itself have changed.
func (t *Trade) replan(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, after time.Time) error {
	p, err := t.planOf(ctx, tx, inst)
	if err != nil {
		return err
	}
	return t.follow(ctx, tx, inst, p, after)
}

// follow begins a new plan; jobs of the one before do nothing any more.
func (t *Trade) follow(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, after time.Time) error {
	inst.PlanNo++
	return t.queueTerm(ctx, tx, inst, p, after)
}

func (t *Trade) queueTerm(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, after time.Time) error {
	at, ok := p.Next(after)
	if !ok {
		return nil
	}
	payload, err := json.Marshal(termJob{inst.PlanNo})
	if err != nil {
		return err
	}
	kind := JobTerm
	for _, e := range p.At(at) {
		if e.Kind == instance.EventAutoRenew {
			kind = JobRenew
		}
	}
	_, err = t.k.Queue.Add(ctx, tx, store.Job{Kind: kind, Lane: jobs.Platform, DueAt: at, Payload: string(payload),
		InstanceID: inst.ID, SellerID: inst.SellerID, OrderID: inst.OrderID, OrderLineID: inst.OrderLineID})
	return err
}

// term does what the plan has for the job's instant and queues the next one.
// spec: 22 §3.2, 10 §9
func (t *Trade) term(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	var of termJob
	if err := json.Unmarshal([]byte(j.Payload), &of); err != nil {
		return fmt.Errorf("payload of job %s: %w", j.ID, err)
	}
	inst, err := store.LockInstance(ctx, tx, store.Everything, j.InstanceID)
	if err != nil || of.Plan != inst.PlanNo || inst.Ended() {
		return err
	}
	p, err := t.planOf(ctx, tx, inst)
	if err != nil {
		return err
	}
	for _, e := range p.At(j.DueAt) {
		renewed, err := t.happen(ctx, tx, inst, p, e)
		if err != nil || renewed {
			return err // renewed: it has been saved and follows a new plan
		}
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil || inst.Ended() {
		return err
	}
	return t.queueTerm(ctx, tx, inst, p, j.DueAt)
}

// happen is one event of an instance's life.
func (t *Trade) happen(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, e instance.Event) (renewed bool, err error) {
	days := fmt.Sprint(e.Days)
	switch e.Kind {
	case instance.EventStart:
		return false, t.beginTerm(ctx, tx, inst, e.At)
	case instance.EventAutoRenew:
		return t.autoRenew(ctx, tx, inst, e)
	case instance.EventRemindEnd:
		if inst.Status != instance.Active && inst.Status != instance.Grace {
			return false, nil
		}
		kind := "service.expiring"
		if inst.Trial {
			kind = "trial.ending"
		}
		return false, t.tellOf(ctx, tx, inst, inst.BuyerID, kind, "days", days, "at", p.End.Format(time.RFC3339))
	case instance.EventEnd:
		if inst.Status != instance.Active {
			return false, nil
		}
		inst.Status = instance.Grace
		return false, t.tellOf(ctx, tx, inst, inst.BuyerID, "service.in_grace", "at", p.FrozenAt().Format(time.RFC3339))
	case instance.EventFreeze:
		return false, t.freezeExpired(ctx, tx, inst, p, e.At)
	case instance.EventRemindRelease:
		if !inst.Has(instance.Expiry) {
			return false, nil
		}
		return false, t.tellOf(ctx, tx, inst, inst.BuyerID, "service.releasing", "days", days, "at", p.ReleasedAt().Format(time.RFC3339))
	case instance.EventRelease:
		return false, t.releaseExpired(ctx, tx, inst, e.At)
	}
	return false, fmt.Errorf("trade: unknown event %q", e.Kind)
}

// tellOf leaves a notice about an instance.
func (t *Trade) tellOf(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, company, kind string, pairs ...string) error {
	l, err := store.LineByID(ctx, tx, inst.OrderLineID)
	if err != nil {
		return err
	}
	params := map[string]string{"instance": inst.ID, "product": l.ProductName, "product_id": inst.ProductID}
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return t.k.Tell(ctx, tx, company, kind, inst.OrderID, "", params)
}

// beginTerm lets the term that begins at an instant be the present one; a size bought
// with it counts from here. // spec: 01 §3
func (t *Trade) beginTerm(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, at time.Time) error {
	terms, err := store.Periods(ctx, tx, inst.ID)
	if err != nil {
		return err
	}
	for _, one := range terms {
		if one.State != periodFuture || !one.StartsAt.Equal(at) {
			continue
		}
		if err := store.EndPeriods(ctx, tx, inst.ID, periodCurrent, periodPast); err != nil {
			return err
		}
		if err := store.SetPeriodState(ctx, tx, inst.ID, one.OrderLineID, periodCurrent); err != nil {
			return err
		}
		inst.OfferID, inst.SKUCode, inst.Quantity = one.OfferID, one.SKUCode, one.Quantity
	}
	return nil
}

// freezeExpired ends the usable time of an instance; the seller is told on entry. Where a
// violation froze it before, V2 was told then, and V1 has a call for expiry only.
// spec: 01 §2.7, §3, 10 §3.2, 11 §4.4
func (t *Trade) freezeExpired(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, at time.Time) error {
	if inst.Has(instance.Expiry) {
		return nil
	}
	entered := inst.Freeze(instance.Expiry)
	if err := store.EndPeriods(ctx, tx, inst.ID, periodCurrent, periodPast); err != nil {
		return err
	}
	if !entered {
		product, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
		if err != nil {
			return err
		}
		entered = product.Protocol == catalog.V1
	}
	if entered {
		if err := t.queueCall(ctx, tx, inst, delivery.Expire, inst.OrderID, inst.OrderLineID, Call{}, at); err != nil {
			return err
		}
	}
	return t.tellOf(ctx, tx, inst, inst.BuyerID, "service.expired", "kept_until", p.ReleasedAt().Format(time.RFC3339))
}

// releaseExpired gives an instance up whose retention is over; it is released here
// whatever the seller answers. // spec: 10 §3.3
func (t *Trade) releaseExpired(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, at time.Time) error {
	if !inst.Has(instance.Expiry) {
		return nil
	}
	if inst.SellerInstanceID == "" {
		return errors.New("trade: a frozen instance without the seller's id")
	}
	inst.Status, inst.Reason = instance.Released, "expired"
	if err := t.tellOf(ctx, tx, inst, inst.BuyerID, "service.released"); err != nil {
		return err
	}
	// Released for want of renewal, not by an unsubscription: V2 sends no order. // spec: 11 §4.5
	return t.queueRelease(ctx, tx, inst, inst.OrderID, inst.OrderLineID, "", at)
}

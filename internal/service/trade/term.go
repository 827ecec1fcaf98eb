package trade

import (
	"context"
	"encoding/json"
	"time"

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
	buyer, err := store.Company(ctx, tx, inst.BuyerID)
	if err != nil {
		return instance.Plan{}, err
	}
	starts, err := store.PeriodStarts(ctx, tx, periodFuture, []string{inst.ID})
	return t.planFor(inst, buyer.BuyerLevel, starts[inst.ID]), err
}

// planFor is planOf with what it reads: the buyer's level, and when terms bought ahead begin.
func (t *Trade) planFor(inst *instance.Instance, level string, starts []time.Time) instance.Plan {
	p := instance.Plan{End: inst.ExpireAt, Trial: inst.Trial, AutoRenew: inst.AutoRenew, Zone: t.k.Zone, Keep: instance.RetentionOf(level), Starts: starts}
	if inst.Trial {
		p.Keep = p.Keep.OfTrial()
	}
	return p
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
	j, ok, err := t.nextTerm(inst, p.Events(), after)
	if err != nil || !ok {
		return err
	}
	_, err = t.k.Queue.Add(ctx, tx, j)
	return err
}

// nextTerm is the job of a plan's first event after an instant; false when nothing follows.
func (t *Trade) nextTerm(inst *instance.Instance, plan []instance.Event, after time.Time) (j store.Job, ok bool, err error) {
	es := instance.Following(plan, after)
	if len(es) == 0 {
		return j, false, nil
	}
	payload, err := json.Marshal(termJob{inst.PlanNo})
	if err != nil {
		return j, false, err
	}
	kind := JobTerm
	for _, e := range es {
		if e.Kind == instance.EventAutoRenew {
			kind = JobRenew
		}
	}
	return store.Job{Kind: kind, Lane: jobs.Platform, DueAt: es[0].At, Payload: string(payload),
		InstanceID: inst.ID, SellerID: inst.SellerID, OrderID: inst.OrderID, OrderLineID: inst.OrderLineID}, true, nil
}

// tellOf leaves a notice about an instance.
func (t *Trade) tellOf(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, company, kind string, pairs ...string) error {
	l, err := store.LineByID(ctx, tx, inst.OrderLineID)
	if err != nil {
		return err
	}
	return t.k.Tell(ctx, tx, company, kind, inst.OrderID, "", textsOf(inst, l.ProductName, pairs...))
}

func textsOf(inst *instance.Instance, product string, pairs ...string) map[string]string {
	params := map[string]string{"instance": inst.ID, "product": product, "product_id": inst.ProductID}
	for i := 0; i+1 < len(pairs); i += 2 {
		params[pairs[i]] = pairs[i+1]
	}
	return params
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
		if err := store.EndPeriods(ctx, tx, []string{inst.ID}, periodCurrent, periodPast); err != nil {
			return err
		}
		if err := store.SetPeriodState(ctx, tx, inst.ID, one.OrderLineID, periodCurrent); err != nil {
			return err
		}
		inst.OfferID, inst.SKUCode, inst.Quantity = one.OfferID, one.SKUCode, one.Quantity
	}
	return nil
}

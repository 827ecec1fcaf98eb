package trade

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
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
	j, ok, err := t.nextTerm(inst, p, after)
	if err != nil || !ok {
		return err
	}
	_, err = t.k.Queue.Add(ctx, tx, j)
	return err
}

// nextTerm is the job of the first event after an instant; false when nothing follows.
func (t *Trade) nextTerm(inst *instance.Instance, p instance.Plan, after time.Time) (j store.Job, ok bool, err error) {
	es := p.Following(after)
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

// term does what the plan has for the job's instant and queues the next one.
// spec: 22 §3.2, 10 §9
func (t *Trade) term(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	return t.terms(ctx, tx, []store.Job{j})
}

// terms is term for several jobs, in their order. // spec: 01 §1.2
func (t *Trade) terms(ctx context.Context, tx *kernel.Tx, js []store.Job) error {
	for len(js) > 0 {
		n, seen := 0, map[string]bool{} // an instance's second job sees what the first one did
		for n < len(js) && !seen[js[n].InstanceID] {
			seen[js[n].InstanceID] = true
			n++
		}
		if err := t.happenTo(ctx, tx, js[:n]); err != nil {
			return err
		}
		js = js[n:]
	}
	return nil
}

// lives is what the events of several instances need, read for all at once, and what
// comes of them, written for all at once.
type lives struct {
	t     *Trade
	sold  map[string]string // names of products by order line
	notes []kernel.Note
	jobs  []store.Job
}

// happenTo does the jobs of different instances.
func (t *Trade) happenTo(ctx context.Context, tx *kernel.Tx, js []store.Job) error {
	ids := make([]string, len(js))
	for i, j := range js {
		ids[i] = j.InstanceID
	}
	insts, err := store.LockInstances(ctx, tx, ids)
	if err != nil {
		return err
	}
	ids, buyers, lines := ids[:0], []string{}, []string{}
	due := js[:0:0]
	for _, j := range js {
		var of termJob
		if err := json.Unmarshal([]byte(j.Payload), &of); err != nil {
			return fmt.Errorf("payload of job %s: %w", j.ID, err)
		}
		inst := insts[j.InstanceID]
		if inst == nil {
			return fmt.Errorf("job %s: %w", j.ID, store.ErrNoRow)
		}
		if of.Plan != inst.PlanNo || inst.Ended() {
			continue
		}
		due, ids, lines = append(due, j), append(ids, inst.ID), append(lines, inst.OrderLineID)
		if !slices.Contains(buyers, inst.BuyerID) {
			buyers = append(buyers, inst.BuyerID)
		}
	}
	if len(due) == 0 {
		return nil
	}
	companies, err := store.CompaniesOf(ctx, tx, buyers)
	if err != nil {
		return err
	}
	starts, err := store.PeriodStarts(ctx, tx, periodFuture, ids)
	if err != nil {
		return err
	}
	sold, err := store.SoldNames(ctx, tx, lines)
	if err != nil {
		return err
	}
	l := &lives{t: t, sold: sold}
	for _, j := range due {
		inst := insts[j.InstanceID]
		buyer, ok := companies[inst.BuyerID]
		if !ok {
			return fmt.Errorf("buyer of instance %s: %w", inst.ID, store.ErrNoRow)
		}
		if err := l.happen(ctx, tx, inst, t.planFor(inst, buyer.BuyerLevel, starts[inst.ID]), j.DueAt); err != nil {
			return err
		}
	}
	if err := t.k.Queue.AddAll(ctx, tx, l.jobs); err != nil {
		return err
	}
	return t.k.TellAll(ctx, tx, l.notes)
}

// happen does what an instance's plan has for an instant.
func (l *lives) happen(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, at time.Time) error {
	before := *inst
	before.FreezeReasons = slices.Clone(inst.FreezeReasons)
	for _, e := range p.At(at) {
		renewed, err := l.event(ctx, tx, inst, p, e)
		if err != nil || renewed {
			return err // renewed: it has been saved and follows a new plan
		}
	}
	if !reflect.DeepEqual(before, *inst) {
		if err := store.SaveInstanceOf(ctx, tx, inst); err != nil {
			return err
		}
	}
	if inst.Ended() {
		return nil
	}
	next, ok, err := l.t.nextTerm(inst, p, at)
	if ok {
		l.jobs = append(l.jobs, next)
	}
	return err
}

// event is one event of an instance's life.
func (l *lives) event(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, e instance.Event) (renewed bool, err error) {
	t, days := l.t, strconv.Itoa(e.Days)
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
		l.tell(inst, kind, "days", days, "at", p.End.Format(time.RFC3339))
	case instance.EventEnd:
		if inst.Status != instance.Active {
			return false, nil
		}
		inst.Status = instance.Grace
		l.tell(inst, "service.in_grace", "at", p.FrozenAt().Format(time.RFC3339))
	case instance.EventFreeze:
		if inst.Has(instance.Expiry) {
			return false, nil
		}
		if err := t.freezeExpired(ctx, tx, inst, e.At); err != nil {
			return false, err
		}
		l.tell(inst, "service.expired", "kept_until", p.ReleasedAt().Format(time.RFC3339))
	case instance.EventRemindRelease:
		if !inst.Has(instance.Expiry) {
			return false, nil
		}
		l.tell(inst, "service.releasing", "days", days, "at", p.ReleasedAt().Format(time.RFC3339))
	case instance.EventRelease:
		if !inst.Has(instance.Expiry) {
			return false, nil
		}
		l.tell(inst, "service.released")
		return false, t.releaseExpired(ctx, tx, inst, e.At)
	default:
		return false, fmt.Errorf("trade: unknown event %q", e.Kind)
	}
	return false, nil
}

// tell leaves a notice for the buyer of an instance.
func (l *lives) tell(inst *instance.Instance, kind string, pairs ...string) {
	l.notes = append(l.notes, kernel.Note{
		Notice: store.Notice{CompanyID: inst.BuyerID, Kind: kind, OrderID: inst.OrderID}, Texts: textsOf(inst, l.sold[inst.OrderLineID], pairs...),
	})
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
func (t *Trade) freezeExpired(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, at time.Time) error {
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
	if !entered {
		return nil
	}
	return t.queueCall(ctx, tx, inst, delivery.Expire, inst.OrderID, inst.OrderLineID, Call{}, at)
}

// releaseExpired gives an instance up whose retention is over; it is released here
// whatever the seller answers. // spec: 10 §3.3
func (t *Trade) releaseExpired(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, at time.Time) error {
	if inst.SellerInstanceID == "" {
		return errors.New("trade: a frozen instance without the seller's id")
	}
	inst.Status, inst.Reason = instance.Released, "expired"
	// Released for want of renewal, not by an unsubscription: V2 sends no order. // spec: 11 §4.5
	return t.queueRelease(ctx, tx, inst, inst.OrderID, inst.OrderLineID, "", at)
}

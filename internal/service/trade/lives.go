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
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// term does what the plan has for the job's instant and queues the next one.
// spec: 22 §3.2, 10 §9
func (t *Trade) term(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	return t.happenTo(ctx, tx, []store.Job{j}, false)
}

// terms is term for several jobs that were taken out of the queue, in their order. A job
// goes on as that of the instance's next event. // spec: 01 §1.2
func (t *Trade) terms(ctx context.Context, tx *kernel.Tx, js []store.Job) error {
	for len(js) > 0 {
		n, seen := 0, map[string]bool{} // an instance's second job sees what the first one did
		for n < len(js) && !seen[js[n].InstanceID] {
			seen[js[n].InstanceID] = true
			n++
		}
		if err := t.happenTo(ctx, tx, js[:n], true); err != nil {
			return err
		}
		js = js[n:]
	}
	return nil
}

// lives is what the events of several instances need, read for all at once, and what
// comes of them, written for all at once.
type lives struct {
	t      *Trade
	taken  bool              // the jobs may go on as the next ones
	sold   map[string]string // names of products by instance
	buyers map[string]party.Company
	notes  []kernel.Note
	jobs   []store.Job // that are new
	again  []store.Job // that go on
	calls  []store.Job // to sellers
	over   []string    // instances whose present term is over
	moves  map[move][]*instance.Instance
}

// move is what most events change in an instance.
type move struct {
	status          instance.Status
	reason, reasons string
}

// happenTo does the jobs of different instances.
func (t *Trade) happenTo(ctx context.Context, tx *kernel.Tx, js []store.Job, taken bool) error {
	ids := make([]string, len(js))
	for i, j := range js {
		ids[i] = j.InstanceID
	}
	insts, sold, err := store.LockSold(ctx, tx, ids)
	if err != nil {
		return err
	}
	ids, buyers := ids[:0], []string{}
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
		due, ids = append(due, j), append(ids, inst.ID)
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
	l := &lives{t: t, taken: taken, sold: sold, buyers: companies, moves: map[move][]*instance.Instance{}}
	for _, j := range due {
		inst := insts[j.InstanceID]
		buyer, ok := companies[inst.BuyerID]
		if !ok {
			return fmt.Errorf("buyer of instance %s: %w", inst.ID, store.ErrNoRow)
		}
		if err := l.happen(ctx, tx, inst, t.planFor(inst, buyer.BuyerLevel, starts[inst.ID]), j); err != nil {
			return err
		}
	}
	return l.write(ctx, tx)
}

// happen does what an instance's plan has for the instant of a job.
func (l *lives) happen(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, p instance.Plan, j store.Job) error {
	at := j.DueAt
	before := *inst
	before.FreezeReasons = slices.Clone(inst.FreezeReasons)
	plan := p.Events()
	for _, e := range instance.At(plan, at) {
		renewed, err := l.event(ctx, tx, inst, p, e)
		if err != nil || renewed {
			return err // renewed: it has been saved and follows a new plan
		}
	}
	if !reflect.DeepEqual(before, *inst) {
		before.Status, before.Reason, before.FreezeReasons = inst.Status, inst.Reason, inst.FreezeReasons
		if reflect.DeepEqual(before, *inst) {
			m := move{inst.Status, inst.Reason, inst.ReasonsText()}
			l.moves[m] = append(l.moves[m], inst)
		} else if err := store.SaveInstanceOf(ctx, tx, inst); err != nil {
			return err
		}
	}
	if inst.Ended() {
		return nil
	}
	next, ok, err := l.t.nextTerm(inst, plan, at)
	switch {
	case err != nil || !ok:
		return err
	case l.taken && next.Kind == j.Kind:
		next.ID = j.ID
		l.again = append(l.again, next)
	default:
		l.jobs = append(l.jobs, next)
	}
	return nil
}

// write writes what came of all.
func (l *lives) write(ctx context.Context, tx *kernel.Tx) error {
	if err := store.EndPeriods(ctx, tx, l.over, periodCurrent, periodPast); err != nil {
		return err
	}
	for _, is := range l.moves { // of different instances, which are locked: in any order
		if err := store.MoveInstances(ctx, tx, is); err != nil {
			return err
		}
	}
	if err := l.callAll(ctx, tx); err != nil {
		return err
	}
	if err := l.t.k.Queue.AddAll(ctx, tx, l.jobs); err != nil {
		return err
	}
	if err := l.t.k.Queue.Again(ctx, tx, l.again); err != nil {
		return err
	}
	return l.t.k.TellAll(ctx, tx, l.notes)
}

// callAll queues the calls to sellers: together those before which nothing of their instance
// is under way, which is nearly all.
func (l *lives) callAll(ctx context.Context, tx *kernel.Tx) error {
	if len(l.calls) == 0 {
		return nil
	}
	chains := make([]string, len(l.calls))
	for i, j := range l.calls {
		chains[i] = j.Chain
	}
	ends, err := store.ChainEnds(ctx, tx, chains, string(delivery.Release))
	if err != nil {
		return err
	}
	free, rest, seen := []store.Job{}, []store.Job{}, map[string]bool{}
	for _, j := range l.calls {
		end := ends[j.Chain]
		if end.Open || end.Made || seen[j.Chain] {
			rest = append(rest, j)
			continue
		}
		seen[j.Chain] = true
		j.ChainNo = end.Next
		free = append(free, j)
	}
	if err := l.t.k.Queue.AddAll(ctx, tx, free); err != nil {
		return err
	}
	for _, j := range rest {
		if j.Kind == string(delivery.Release) {
			err = l.t.queueLast(ctx, tx, j)
		} else {
			_, err = l.t.k.Queue.Add(ctx, tx, j)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
		if err := l.freezeExpired(ctx, tx, inst, e.At); err != nil {
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
		return false, l.releaseExpired(inst, e.At)
	default:
		return false, fmt.Errorf("trade: unknown event %q", e.Kind)
	}
	return false, nil
}

// tell leaves a notice for the buyer of an instance.
func (l *lives) tell(inst *instance.Instance, kind string, pairs ...string) {
	buyer := l.buyers[inst.BuyerID]
	l.notes = append(l.notes, kernel.Note{
		Notice: store.Notice{CompanyID: inst.BuyerID, Kind: kind, OrderID: inst.OrderID}, Texts: textsOf(inst, l.sold[inst.ID], pairs...), Company: &buyer,
	})
}

// freezeExpired ends the usable time of an instance; the seller is told on entry. Where a
// violation froze it before, V2 was told then, and V1 has a call for expiry only.
// spec: 01 §2.7, §3, 10 §3.2, 11 §4.4
func (l *lives) freezeExpired(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, at time.Time) error {
	entered := inst.Freeze(instance.Expiry)
	l.over = append(l.over, inst.ID)
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
	l.calls = append(l.calls, callJob(inst, delivery.Expire, inst.OrderID, inst.OrderLineID, Call{}, at))
	return nil
}

// releaseExpired gives an instance up whose retention is over; it is released here
// whatever the seller answers. // spec: 10 §3.3
func (l *lives) releaseExpired(inst *instance.Instance, at time.Time) error {
	if inst.SellerInstanceID == "" {
		return errors.New("trade: a frozen instance without the seller's id")
	}
	inst.Status, inst.Reason = instance.Released, "expired"
	// Released for want of renewal, not by an unsubscription: V2 sends no order. // spec: 11 §4.5
	l.calls = append(l.calls, callJob(inst, delivery.Release, inst.OrderID, inst.OrderLineID, Call{}, at))
	return nil
}

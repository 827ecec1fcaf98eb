package trade

import (
	"context"
	"errors"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// SetAutoRenew decides whether a service renews itself before its end, and by how many
// periods. // spec: 22 §3.4
func (t *Trade) SetAutoRenew(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, on bool, periods int64) (*instance.Instance, error) {
	inst, err := t.own(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	if periods < 1 || periods > catalog.MaxPeriodNumber {
		return nil, fault.Field("period_number", "must be 1 to %d", catalog.MaxPeriodNumber)
	}
	switch {
	case inst.Ended():
		return nil, fault.New(fault.Conflict, "instance_state", "the service is %s", inst.Status)
	case inst.Trial, inst.ExpireAt.IsZero():
		return nil, fault.New(fault.Rule, "no_term", "only services with a paid term renew themselves")
	}
	if on {
		if err := t.noRefundWaiting(ctx, tx, inst); err != nil {
			return nil, err
		}
	}
	inst.AutoRenew, inst.AutoPeriods = on, int(periods)
	if err := t.replan(ctx, tx, inst, t.k.Clock.Now()); err != nil {
		return nil, err
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return nil, err
	}
	what := "off"
	if on {
		what = "on"
	}
	return inst, t.k.Audit(ctx, tx, a, access.InstanceRenew, inst.ID, "auto-renew "+what)
}

// failuresTold are the days before the end on which a try that failed is told: the first
// and those on which there is still time to act. // spec: 22 §3.2
var failuresTold = map[int]bool{7: true, 5: true, 2: true, 0: true}

// autoRenew is one try to renew from the balance; a failed one is told and another comes
// the next night. // spec: 22 §3.4
func (t *Trade) autoRenew(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, e instance.Event) (renewed bool, err error) {
	if !inst.AutoRenew {
		return false, nil
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil { // what happened at this instant before
		return false, err
	}
	o, err := t.renewal(ctx, tx, kernel.System, Renewal{InstanceID: inst.ID, PeriodNumber: int64(max(inst.AutoPeriods, 1))}, e.At)
	why := ""
	var f *fault.Fault
	switch {
	case errors.As(err, &f) && (f.Kind == fault.Rule || f.Kind == fault.Conflict):
		why = f.Message // nothing has been written
	case err != nil:
		return false, err
	default:
		// Looked at before anything is written: a refusal later would undo the job's own end too.
		available, err := store.Balance(ctx, tx, ledger.BuyerAvailable(inst.BuyerID), o.Currency)
		if err != nil {
			return false, err
		}
		if available < o.ToPay() {
			why = "the balance does not cover " + o.ToPay().String() + " " + string(o.Currency)
		}
	}
	if why != "" {
		if !failuresTold[e.Days] {
			return false, nil
		}
		return false, t.tellOf(ctx, tx, inst, inst.BuyerID, "autorenew.failed", "reason", why)
	}
	o.Source = "AUTO_RENEW"
	if err := store.InsertOrder(ctx, tx, o); err != nil {
		return false, err
	}
	if err := t.settle(ctx, tx, o, e.At); err != nil {
		return false, err
	}
	if err := t.k.Audit(ctx, tx, kernel.System, access.OrderPay, o.ID, "auto-renew "+o.AmountPaid.String()); err != nil {
		return false, err
	}
	return true, t.tellOf(ctx, tx, inst, inst.BuyerID, "autorenew.done", "amount", o.AmountPaid.String(), "currency", string(o.Currency))
}

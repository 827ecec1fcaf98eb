package delivery

import (
	"context"
	"encoding/json"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/protocol/production"
)

// Service is an instance with what lets its buyer in.
type Service struct {
	Instance instance.Instance
	Entry    *instance.Entry // nil until there is one, and for anybody but the buyer
}

// Instance reads an instance; its entry is opened for its buyer alone.
func (d *Delivery) Instance(ctx context.Context, a access.Actor, id string) (s Service, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return s, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		inst, err := store.Instance(ctx, tx, kernel.Scope(a), id)
		if err != nil {
			return kernel.Missing(err, "instance")
		}
		s.Instance = *inst
		return nil
	})
	// What is frozen cannot be used: its entry is hidden, also where the seller has no call for it. // spec: 01 §2.7
	if err != nil || s.Instance.EntrySealed == "" || a.CompanyKind != party.Buyer || s.Instance.Ended() || s.Instance.Status == instance.Frozen {
		return s, err
	}
	text, err := d.k.Ring.Open(entryPurpose(id), s.Instance.EntrySealed)
	if err != nil {
		return s, err
	}
	s.Entry = &instance.Entry{}
	return s, json.Unmarshal(text, s.Entry)
}

// Instances lists instances by id after a mark, without their entries.
func (d *Delivery) Instances(ctx context.Context, a access.Actor, after string, limit int) (out []instance.Instance, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return nil, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Instances(ctx, tx, kernel.Scope(a), after, limit)
		return err
	})
	return out, err
}

// Details asks the seller for the details of a service right now: V1 by repeating
// newInstance with a new businessId, V2 by queryInstance. One call, no repetition;
// whatever is answered changes neither the order nor the stored instanceId.
// spec: 10 §2.5, 11 §4.2
func (d *Delivery) Details(ctx context.Context, a access.Actor, id string) (Service, error) {
	s, err := d.Instance(ctx, a, id)
	if err != nil {
		return s, err
	}
	switch s.Instance.Status {
	case instance.Active, instance.Grace:
	default:
		return s, fault.New(fault.Conflict, "instance_state", "the service is %s; live details are shown while it is in use", s.Instance.Status)
	}
	j := store.Job{Kind: string(domain.Create), Occasion: "live", SellerID: s.Instance.SellerID, OrderID: s.Instance.OrderID, OrderLineID: s.Instance.OrderLineID, InstanceID: id}
	var p *plan
	if err := d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		product, err := store.Product(ctx, tx, store.Everything, s.Instance.ProductID)
		if err != nil {
			return err
		}
		call := trade.Call{}
		if product.Protocol == catalog.V2 {
			call.Phase = trade.PhasePoll
		}
		j.Payload = call.Text()
		if p, err = d.load(ctx, tx, j); err != nil {
			return err
		}
		for _, l := range p.order.Lines {
			if l.ID == p.line.ID {
				p.call.Amount = l.AmountPaid.Plain()
			}
		}
		return nil
	}); err != nil {
		return s, err
	}
	r, att, err := d.ask(ctx, p, j.Occasion)
	if err != nil {
		return s, err
	}
	app := r.verdict.App
	if len(r.verdict.Info) == 1 {
		app = r.verdict.Info[0].App
	}
	if r.verdict.OK && r.verdict.InstanceID != "" {
		(&outcome{a: att, inst: &s.Instance}).keepID(r.verdict.InstanceID, false) // only to log an anomaly: nothing is saved
	}
	if err := d.k.Change(context.WithoutCancel(ctx), func(ctx context.Context, tx *kernel.Tx) error {
		att.Detail = cut(att.Detail, 2000)
		if err := store.CloseAttempt(ctx, tx, att); err != nil || !r.verdict.OK || app == nil {
			return err
		}
		// Kept for display only, and only sealed. // spec: 10 §2.5
		inst, err := store.LockInstance(ctx, tx, store.Everything, id)
		if err != nil || inst.Ended() {
			return err
		}
		keep := &outcome{d: d, inst: inst}
		if err := keep.keepEntry(app); err != nil {
			return err
		}
		return store.SaveInstance(ctx, tx, inst)
	}); err != nil {
		return s, err
	}
	d.log(att, string(p.product.Protocol))
	if !r.verdict.OK {
		return s, fault.New(fault.Unavailable, "seller_answer", "the seller's server did not give the details (%s); what is known is shown", explainShort(r.verdict))
	}
	if app != nil {
		e := entryOf(app)
		s.Entry = &e
	}
	return s, nil
}

// ask makes one call beside the jobs, in its turn among the calls of the instance
// (02 §2.7), and fills its attempt, which the caller closes.
func (d *Delivery) ask(ctx context.Context, p *plan, occasion string) (reply, *store.Attempt, error) {
	m, problem := d.render(p)
	m.creates = false // a late answer has nothing to say
	if problem != nil {
		return reply{}, nil, fault.Wrap(problem, fault.Unavailable, "seller_unreachable", "the seller's server cannot be asked: %s", problem)
	}
	att := p.attempt(d.k, m, occasion)
	err := d.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if _, err := store.LockInstance(ctx, tx, store.Everything, p.inst.ID); err != nil {
			return err
		}
		js, err := store.ChainJobs(ctx, tx, p.inst.ID)
		if err != nil {
			return err
		}
		for _, other := range js {
			if other.State == store.JobRunning {
				return fault.New(fault.Conflict, "call_running", "a call for this service is under way; try again in a moment")
			}
		}
		att.Number = 1
		return store.InsertAttempt(ctx, tx, att)
	})
	if err != nil {
		return reply{}, nil, err
	}
	r := d.send(ctx, p, att, m)
	(&outcome{d: d, p: p, a: att, r: r}).fill()
	switch {
	case r.verdict.Unknown:
		att.State = store.AttemptUnknown
	case r.verdict.OK:
		att.State = store.AttemptSuccess
	default:
		att.State = store.AttemptFailed
	}
	return r, att, nil
}

// CheckChange asks a V2 seller whether a renewal may change a service to another size: one
// call, no repetition. Anything but agreement refuses the change with the seller's words.
// spec: 11 §4.7, 22 §3.5
func (d *Delivery) CheckChange(ctx context.Context, a access.Actor, id, offerID string, quantity int64) error {
	s, err := d.Instance(ctx, a, id)
	if err != nil {
		return err
	}
	if err := kernel.May(a, access.InstanceRenew); err != nil {
		return err
	}
	j := store.Job{Kind: string(domain.Check), Occasion: "live", SellerID: s.Instance.SellerID, OrderID: s.Instance.OrderID, OrderLineID: s.Instance.OrderLineID, InstanceID: id}
	var p *plan
	if err := d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		target, err := store.OfferByID(ctx, tx, offerID)
		if err != nil {
			return kernel.Missing(err, "product")
		}
		if target.Product.ID != s.Instance.ProductID || target.Product.Protocol != catalog.V2 {
			return fault.New(fault.Rule, "other_specification", "this product cannot be changed to that together with a renewal")
		}
		call := trade.Call{OfferID: target.Offer.ID, SKUCode: target.SKU.Code}
		if target.SKU.Attributes.Quantity != nil {
			call.Linear = quantity
		}
		j.Payload = call.Text()
		p, err = d.load(ctx, tx, j)
		return err
	}); err != nil {
		return err
	}
	if p.skip != "" {
		return fault.New(fault.Conflict, "instance_state", "%s", p.skip)
	}
	r, att, err := d.ask(ctx, p, j.Occasion)
	if err != nil {
		return err
	}
	if err := d.k.Change(context.WithoutCancel(ctx), func(ctx context.Context, tx *kernel.Tx) error {
		att.Detail = cut(att.Detail, 2000)
		return store.CloseAttempt(ctx, tx, att)
	}); err != nil {
		return err
	}
	d.log(att, string(p.product.Protocol))
	if !r.verdict.OK {
		return fault.New(fault.Rule, "seller_refuses_change", "the seller does not agree to this change: %s", explain(r.verdict))
	}
	return nil
}

// explainShort tells a buyer which check failed, without the seller's words.
func explainShort(v production.Verdict) string {
	if v.ResultCode != "" {
		return string(v.Reason) + " " + cut(v.ResultCode, 32)
	}
	return string(v.Reason)
}

// OpenEntry opens the entry of a service for its buyer and leaves an audit row:
// credentials stand behind a click.
func (d *Delivery) OpenEntry(ctx context.Context, a access.Actor, id string) (instance.Entry, error) {
	s, err := d.Instance(ctx, a, id)
	if err != nil {
		return instance.Entry{}, err
	}
	if s.Entry == nil {
		return instance.Entry{}, fault.New(fault.Conflict, "no_entry", "the service has no entry page at present (%s)", s.Instance.Status)
	}
	return *s.Entry, d.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return d.k.Audit(ctx, tx, a, access.InstanceRead, id, "credentials shown")
	})
}

// NextCall is when the seller is called next for an instance; zero when nothing is
// due.
func (d *Delivery) NextCall(ctx context.Context, id string) (at time.Time, err error) {
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		js, err := store.ChainJobs(ctx, tx, id)
		for _, j := range js {
			if j.State == store.JobQueued {
				at = j.DueAt
			}
		}
		return err
	})
	return at, err
}

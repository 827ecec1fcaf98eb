package delivery

import (
	"context"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// plan is all that one call needs to know.
type plan struct {
	job     store.Job
	call    trade.Call
	what    domain.Call // the kind, of a replay the kind of what is replayed
	skip    string      // why the call is not made at all
	order   *order.Order
	line    *order.Line
	inst    *instance.Instance
	product catalog.Product
	policy  domain.Policy
	buyer   store.Contact
	person  store.Contact // who placed the order; zero for the platform's own orders
	address string        // "" when none is registered
	keys    []string      // the signing key first
}

// load reads what a job's call needs, and decides whether it still makes sense.
func (d *Delivery) load(ctx context.Context, tx *kernel.Tx, j store.Job) (*plan, error) {
	p := &plan{job: j, what: domain.Call(j.Kind)}
	var err error
	if p.call, err = trade.ReadCall(j.Payload); err != nil {
		return nil, fmt.Errorf("payload of job %s: %w", j.ID, err)
	}
	if p.what == domain.Replay {
		past, err := store.AttemptByID(ctx, tx, store.Everything, p.call.ReplayOf)
		if err != nil {
			return nil, err
		}
		origin, err := store.JobByID(ctx, tx, past.JobID)
		if err != nil {
			return nil, err
		}
		p.what = domain.Call(origin.Kind)
		if p.call, err = trade.ReadCall(origin.Payload); err != nil {
			return nil, err
		}
		p.call.Phase = ""
		if past.Activity == "queryInstance" {
			p.call.Phase = trade.PhasePoll
		}
		p.call.ReplayOf = past.ID
	}
	if p.order, err = store.Order(ctx, tx, store.Everything, j.OrderID); err != nil {
		return nil, err
	}
	for i := range p.order.Lines {
		if p.order.Lines[i].ID == j.OrderLineID {
			p.line = &p.order.Lines[i]
		}
	}
	if p.line == nil {
		return nil, fmt.Errorf("job %s: order %s has no line %s", j.ID, j.OrderID, j.OrderLineID)
	}
	if j.InstanceID != "" {
		if p.inst, err = store.Instance(ctx, tx, store.Everything, j.InstanceID); err != nil {
			return nil, err
		}
	}
	class := "base"
	if p.what == domain.Notify {
		class = "general" // and never the delivery address // spec: 02 §2.9
	}
	who, err := store.PartiesOf(ctx, tx, p.order.ProductID, p.order.SellerID, class, p.order.BuyerID, p.order.PlacedBy)
	if err != nil {
		return nil, err
	}
	p.product, p.buyer, p.person, p.address = who.Product, who.Buyer, who.Person, who.Address
	if p.policy = domain.Policy(who.RetryPolicy); !p.policy.Known() {
		p.policy = d.k.Settings().RetryPolicy
	}
	keys, err := store.Keys(ctx, tx, p.order.SellerID, class, d.k.Wire.Now())
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		text, err := d.k.Ring.Open(catalogue.KeyPurpose(p.order.SellerID, class), key.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open key %s %s version %d: %w", p.order.SellerID, class, key.Version, err)
		}
		p.keys = append(p.keys, string(text))
	}
	p.skip = p.meaningless()
	return p, nil
}

// meaningless names why a call is not made any more. A refunded order's create is
// never sent again; nothing follows a release. // spec: 02 §2.7, §2.12
func (p *plan) meaningless() string {
	switch p.what {
	case domain.Notify:
		return ""
	case domain.Create:
		if p.inst.Status == instance.Failed || p.line.Status == order.LineRefunded {
			return "the order was refunded"
		}
		if p.job.Kind != string(domain.Replay) && p.inst.Status != instance.Creating && p.inst.Status != instance.Provisioning {
			return "the instance is " + string(p.inst.Status)
		}
		return ""
	case domain.Release:
		if p.inst.SellerInstanceID == "" {
			return "the seller never named an instance"
		}
		return ""
	}
	if p.inst.Ended() || p.what == domain.Upgrade && p.inst.Status == instance.Frozen { // spec: 02 §2.7
		return "the instance is " + string(p.inst.Status)
	}
	return ""
}

// attempt is the record of the call about to be made.
func (p *plan) attempt(k *kernel.Kernel, m message, occasion string) *store.Attempt {
	a := &store.Attempt{
		ID: k.Row(), JobID: p.job.ID, SellerID: p.order.SellerID, BuyerID: p.order.BuyerID, ProductID: p.product.ID,
		OrderID: p.job.OrderID, OrderLineID: p.job.OrderLineID, InstanceID: p.job.InstanceID, Activity: m.activity, Occasion: occasion,
		State: store.AttemptRunning, BusinessID: m.businessID, StartedAt: k.Wire.Now(), BusinessAt: k.AsOf(p.job.DueAt),
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\r\n", m.request.Method, m.request.URL)
	for _, h := range m.request.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	b.WriteString("\r\n")
	b.Write(m.request.Body)
	a.Request = []byte(b.String())
	return a
}

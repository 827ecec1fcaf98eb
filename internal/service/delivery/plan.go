package delivery

import (
	"context"
	"fmt"
	"slices"
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
	ps, err := d.loadAll(ctx, tx, []store.Job{j})
	if err != nil {
		return nil, err
	}
	return ps[0], nil
}

// loadAll is load for several jobs.
func (d *Delivery) loadAll(ctx context.Context, tx *kernel.Tx, js []store.Job) ([]*plan, error) {
	plans := make([]*plan, len(js))
	var ids []string
	for i, j := range js {
		p := &plan{job: j, what: domain.Call(j.Kind)}
		plans[i] = p
		var err error
		if p.call, err = trade.ReadCall(j.Payload); err != nil {
			return nil, fmt.Errorf("payload of job %s: %w", j.ID, err)
		}
		if p.what == domain.Replay {
			if err := p.original(ctx, tx); err != nil {
				return nil, err
			}
		}
		if j.InstanceID != "" {
			ids = append(ids, j.InstanceID)
		}
	}
	insts, err := store.InstancesOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	known := map[string]*callers{} // by class
	for _, p := range plans {
		if p.job.InstanceID != "" {
			if p.inst = insts[p.job.InstanceID]; p.inst == nil {
				return nil, store.ErrNoRow
			}
		}
		class := p.class()
		if known[class] == nil {
			if known[class], err = d.callersOf(ctx, tx, class, plans); err != nil {
				return nil, err
			}
		}
		if err := p.take(d, known[class]); err != nil {
			return nil, err
		}
		p.skip = p.meaningless()
	}
	return plans, nil
}

// original makes a replay's plan one of the call that is made again.
func (p *plan) original(ctx context.Context, tx *kernel.Tx) error {
	past, err := store.AttemptByID(ctx, tx, store.Everything, p.call.ReplayOf)
	if err != nil {
		return err
	}
	origin, err := store.JobByID(ctx, tx, past.JobID)
	if err != nil {
		return err
	}
	p.what = domain.Call(origin.Kind)
	if p.call, err = trade.ReadCall(origin.Payload); err != nil {
		return err
	}
	p.call.Phase = ""
	if past.Activity == "queryInstance" {
		p.call.Phase = trade.PhasePoll
	}
	p.call.ReplayOf = past.ID
	return nil
}

// class is the interface class that a call goes to.
func (p *plan) class() string {
	if p.what == domain.Notify {
		return "general" // and never the delivery address // spec: 02 §2.9
	}
	return "base"
}

// callers are the orders, with who takes part, and the sellers' keys of the calls of a class.
type callers struct {
	orders map[string]*store.CallOrder
	keys   map[string][]string // the signing key first
}

func (d *Delivery) callersOf(ctx context.Context, tx *kernel.Tx, class string, plans []*plan) (*callers, error) {
	var ids, sellers []string
	for _, p := range plans {
		if p.class() == class && !slices.Contains(ids, p.job.OrderID) {
			ids = append(ids, p.job.OrderID)
		}
	}
	c := &callers{keys: map[string][]string{}}
	var err error
	if c.orders, err = store.CallOrders(ctx, tx, class, ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		o := c.orders[id]
		if o == nil {
			return nil, store.ErrNoRow
		}
		if !slices.Contains(sellers, o.SellerID) {
			sellers = append(sellers, o.SellerID)
		}
	}
	keys, err := store.KeysOf(ctx, tx, class, d.k.Wire.Now(), sellers)
	if err != nil {
		return nil, err
	}
	for seller, ks := range keys {
		for _, key := range ks {
			text, err := d.k.Ring.Open(catalogue.KeyPurpose(seller, class), key.Sealed)
			if err != nil {
				return nil, fmt.Errorf("open key %s %s version %d: %w", seller, class, key.Version, err)
			}
			c.keys[seller] = append(c.keys[seller], string(text))
		}
	}
	return c, nil
}

// take gives a plan what was read for it.
func (p *plan) take(d *Delivery, c *callers) error {
	who := c.orders[p.job.OrderID]
	p.order = &who.Order
	for i := range p.order.Lines {
		if p.order.Lines[i].ID == p.job.OrderLineID {
			p.line = &p.order.Lines[i]
		}
	}
	if p.line == nil {
		return fmt.Errorf("job %s: order %s has no line %s", p.job.ID, p.job.OrderID, p.job.OrderLineID)
	}
	p.product, p.buyer, p.person, p.address = who.Product, who.Buyer, who.Person, who.Address
	if p.policy = domain.Policy(who.RetryPolicy); !p.policy.Known() {
		p.policy = d.k.Settings().RetryPolicy
	}
	p.keys = c.keys[p.order.SellerID]
	return nil
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

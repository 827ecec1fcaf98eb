package delivery

import (
	"context"
	"errors"
	"time"

	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/protocol/production"
)

// lateFor is how long after its start an exchange that timed out is still listened
// to, so that a late answer and its instanceId are not lost. // spec: 02 §2.12
const lateFor = 60 * time.Second

// Delivery is the use cases.
type Delivery struct {
	k      *kernel.Kernel
	trade  *trade.Trade
	client *outbound.Client
	bad    misdeeds
}

// New makes them.
func New(k *kernel.Kernel, t *trade.Trade, c *outbound.Client) *Delivery {
	return &Delivery{k: k, trade: t, client: c, bad: misdeeds{last: map[string]outbound.Request{}, nonce: map[string]string{}}}
}

// calls are the kinds of jobs done here.
var calls = []domain.Call{domain.Create, domain.Upgrade, domain.Refresh, domain.Expire, domain.Thaw, domain.Release, domain.Notify, domain.Replay}

// Register gives the runner the calls to sellers.
func (d *Delivery) Register(r *jobs.Runner) {
	kinds := make([]string, len(calls))
	for i, c := range calls {
		kinds[i] = string(c)
		r.Handle(kinds[i], d.perform)
	}
	r.HandleBegun(d.begin, kinds...)
}

// perform does one call: load, render, record, send, judge, commit. Between record
// and commit the process may die; the attempt then stands as unknown.
func (d *Delivery) perform(ctx context.Context, j store.Job, owner string) error {
	left, err := d.begin(ctx, nil, []store.Job{j}, owner)
	if err != nil || left[0] == nil {
		return err
	}
	return left[0](ctx)
}

// begin loads, renders and records calls, and gives what is left to do of each. Where it is
// given a transaction all of that is in it, else it makes its own.
func (d *Delivery) begin(ctx context.Context, tx *kernel.Tx, js []store.Job, owner string) ([]func(context.Context) error, error) {
	read, write := d.k.DB.Read, d.k.DB.Write
	if tx != nil {
		here := func(ctx context.Context, f func(context.Context, *kernel.Tx) error) error { return f(ctx, tx) }
		read, write = here, here
	}
	var plans []*plan
	err := read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		plans, err = d.loadAll(ctx, tx, js)
		return err
	})
	if err != nil {
		return nil, err
	}
	left := make([]func(context.Context) error, len(js))
	var begun []*begun
	with := newEnding(d, owner)
	for i, p := range plans {
		if p.skip != "" {
			left[i] = func(ctx context.Context) error { return d.drop(ctx, p, owner) }
			continue
		}
		b := d.prepare(p)
		begun = append(begun, b)
		left[i] = func(ctx context.Context) error {
			if !b.held {
				with.leave()
				return nil // another process took the job over: it makes the call
			}
			return d.proceed(ctx, b, with)
		}
	}
	if with.open = len(begun); with.open == 0 {
		return left, nil
	}
	return left, write(ctx, func(ctx context.Context, tx *kernel.Tx) error { return record(ctx, tx, begun, owner) })
}

// begun is a call that is ready to be made.
type begun struct {
	p       *plan
	m       message
	problem error // why it cannot be put into a message
	a       *store.Attempt
	held    bool // it is recorded and ours
}

func (d *Delivery) prepare(p *plan) *begun {
	b := &begun{p: p}
	b.m, b.problem = d.render(p)
	b.a = p.attempt(d.k, b.m, p.job.Occasion)
	if b.problem != nil {
		b.a.Request = []byte(b.problem.Error())
	}
	return b
}

// record writes calls before a byte of them is sent.
func record(ctx context.Context, tx *kernel.Tx, bs []*begun, owner string) error {
	ids := make([]string, len(bs))
	for i, b := range bs {
		ids[i] = b.p.job.ID
	}
	numbers, err := store.CountAttempts(ctx, tx, ids, owner)
	if err != nil {
		return err
	}
	var made []*store.Attempt
	for _, b := range bs {
		j := b.p.job
		if b.a.Number, b.held = numbers[j.ID]; !b.held {
			continue
		}
		if b.m.businessID != "" && j.Kind == string(domain.Create) && b.p.line.FirstBusinessID == "" {
			if err := store.SetFirstBusinessID(ctx, tx, j.OrderLineID, b.m.businessID); err != nil {
				return err
			}
		}
		made = append(made, b.a)
	}
	return store.InsertAttempts(ctx, tx, made)
}

// proceed makes a recorded call and draws its consequences.
func (d *Delivery) proceed(ctx context.Context, b *begun, with *ending) error {
	crash.Point(crash.AttemptRecorded)
	r := reply{verdict: production.Verdict{Reason: reasonOf(b.problem)}}
	if b.problem != nil {
		r.detail = b.problem.Error()
	} else {
		r = d.send(ctx, b.p, b.a, b.m)
	}
	return with.conclude(ctx, b, r)
}

// drop ends a job that has become meaningless before anything of it was sent.
func (d *Delivery) drop(ctx context.Context, p *plan, owner string) error {
	err := d.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c := &outcome{d: d, p: p, now: d.k.Clock.Now()}
		if err := c.lock(ctx, tx); err != nil {
			return err
		}
		// A change that is never sent is given back.
		if p.job.Kind == string(domain.Upgrade) && c.l.Status == order.LineProvisioning {
			if err := d.trade.ChangeFailed(ctx, tx, c.o, c.l, p.product, p.skip, false, c.now); err != nil {
				return err
			}
		}
		return store.FinishJob(ctx, tx, p.job.ID, owner, p.job.Chain, store.JobDropped, p.skip, p.job.Tries, d.k.Clock.Now())
	})
	if errors.Is(err, store.ErrLeaseLost) {
		return nil // another process drops it
	}
	return err
}

// reply is what came of one call.
type reply struct {
	verdict  production.Verdict
	poll     pollState
	status   int
	sent     []byte
	received []byte
	wrote    bool // at least one byte left: the seller may have acted
	detail   string
	took     time.Duration
}

// send makes the call and judges its answer.
func (d *Delivery) send(ctx context.Context, p *plan, a *store.Attempt, m message) reply {
	r := outbound.Request{
		Method: m.request.Method, URL: m.request.URL, Body: m.request.Body, Timeout: d.timeout(p), MaxBody: production.MaxBody,
		AfterWrite:  func() { crash.Point(m.sentLabel) },
		AfterAnswer: func() { crash.Point(crash.AnswerReceived) },
	}
	for _, h := range m.request.Headers {
		r.Header = append(r.Header, outbound.Field{Name: h.Name, Value: h.Value})
	}
	if m.creates {
		r.LateFor = lateFor
		r.Late = func(answer outbound.Answer) { d.late(p, a, m, answer) }
	}
	return d.judge(p, m, d.do(ctx, p, m.activity, r))
}

// timeout is the limit of one call, scaled in a sandbox. // spec: 01 §1.2, §2.1
func (d *Delivery) timeout(p *plan) time.Duration {
	t := domain.Timeout(string(p.product.Protocol), p.what)
	if d.k.Sandbox && d.k.TimeoutScale > 0 {
		t = time.Duration(float64(t) * d.k.TimeoutScale)
	}
	return t
}

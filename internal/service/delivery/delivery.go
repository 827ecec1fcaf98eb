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
	for _, c := range calls {
		r.Handle(string(c), d.perform)
	}
}

// perform does one call: load, render, record, send, judge, commit. Between record
// and commit the process may die; the attempt then stands as unknown.
func (d *Delivery) perform(ctx context.Context, j store.Job, owner string) error {
	var p *plan
	err := d.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		p, err = d.load(ctx, tx, j)
		return err
	})
	if err != nil {
		return err
	}
	if p.skip != "" {
		return d.drop(ctx, p, owner)
	}
	m, problem := d.render(p)
	a := p.attempt(d.k, m, j.Occasion)
	if problem != nil {
		a.Request = []byte(problem.Error())
	}
	held := false
	err = d.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if a.Number, held, err = store.CountAttempt(ctx, tx, j.ID, owner); err != nil || !held {
			return err
		}
		if m.businessID != "" && j.Kind == string(domain.Create) && p.line.FirstBusinessID == "" {
			if err := store.SetFirstBusinessID(ctx, tx, j.OrderLineID, m.businessID); err != nil {
				return err
			}
		}
		return store.InsertAttempt(ctx, tx, a)
	})
	if err != nil || !held {
		return err // another process took the job over: it makes the call
	}
	crash.Point(crash.AttemptRecorded)
	if problem != nil {
		return d.conclude(ctx, p, a, owner, reply{verdict: production.Verdict{Reason: reasonOf(problem)}, detail: problem.Error()})
	}
	return d.conclude(ctx, p, a, owner, d.send(ctx, p, a, m))
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

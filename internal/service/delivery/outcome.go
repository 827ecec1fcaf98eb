package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/protocol/production"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// outcome is the transaction in which a call's consequences are drawn. Rows are
// locked order first, then instance, then job.
type outcome struct {
	d     *Delivery
	p     *plan
	a     *store.Attempt
	r     reply
	owner string // under whose name the call was made
	now   time.Time
	wary  bool
	o     *order.Order
	l     *order.Line
	inst  *instance.Instance
}

// conclude commits what came of a call. When the lease was lost meanwhile another
// process has the job: this answer is then a late one.
func (d *Delivery) conclude(ctx context.Context, p *plan, a *store.Attempt, owner string, r reply) error {
	lost, err := d.commit(ctx, p, a, owner, r, false)
	if database.IsUnique(err) {
		// Most likely the seller answered an instanceId of another order, which is so
		// rare that it is looked for only now.
		lost, err = d.commit(ctx, p, a, owner, r, true)
	}
	if err == nil && lost {
		return d.absorb(ctx, p, a, r, "another process had taken the call over")
	}
	return err
}

// commit is one try of conclude. wary looks beforehand whether the seller's
// instanceId belongs to another order; otherwise that is a unique violation.
func (d *Delivery) commit(ctx context.Context, p *plan, a *store.Attempt, owner string, r reply, wary bool) (lost bool, err error) {
	err = d.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		rec := *a
		c := &outcome{d: d, p: p, a: &rec, r: r, owner: owner, now: d.k.Clock.Now(), wary: wary}
		lock := c.lock
		if plain(domain.Call(p.job.Kind), r.verdict.OK) {
			lock = c.hold
		}
		if err := lock(ctx, tx); err != nil {
			return err
		}
		c.fill()
		if err := c.decide(ctx, tx); err != nil {
			return err
		}
		c.a.Detail = cut(c.a.Detail, 2000)
		tx.OnCommit(func() { d.log(c.a, string(p.product.Protocol)); crash.Point(crash.OutcomeCommitted) })
		return store.CloseAttempt(ctx, tx, c.a)
	})
	if errors.Is(err, store.ErrLeaseLost) {
		return true, nil
	}
	return false, err
}

// hold takes the instance, whose chain goes on.
func (c *outcome) hold(ctx context.Context, tx *kernel.Tx) error {
	if c.p.job.Chain == "" {
		return nil
	}
	return store.HoldInstance(ctx, tx, c.p.job.Chain)
}

// lock takes order and instance and reads them as they are now.
func (c *outcome) lock(ctx context.Context, tx *kernel.Tx) (err error) {
	if c.o, err = store.LockOrder(ctx, tx, store.Everything, c.p.job.OrderID); err != nil {
		return err
	}
	for i := range c.o.Lines {
		if c.o.Lines[i].ID == c.p.job.OrderLineID {
			c.l = &c.o.Lines[i]
		}
	}
	if c.p.job.InstanceID != "" {
		c.inst, err = store.LockInstance(ctx, tx, store.Everything, c.p.job.InstanceID)
	}
	return err
}

// fill writes what was seen into the record of the attempt.
func (c *outcome) fill() {
	v := c.r.verdict
	c.a.HTTPStatus, c.a.ResultCode, c.a.ResultMsg, c.a.Reason = c.r.status, cut(v.ResultCode, 32), cut(v.ResultMsg, 255), string(v.Reason)
	c.a.Detail, c.a.Duration, c.a.Response = c.r.detail, c.r.took, Mask(c.r.received)
	if v.Field != "" {
		c.a.Detail = join(c.a.Detail, "field "+v.Field)
	}
	for _, w := range v.Warnings {
		c.a.Detail = join(c.a.Detail, "warning "+w)
	}
	if len(c.r.sent) > 0 {
		c.a.Request = c.r.sent
	}
}

// decide draws the consequences by the kind of call.
func (c *outcome) decide(ctx context.Context, tx *kernel.Tx) error {
	switch {
	case c.p.job.Kind == string(domain.Replay):
		return c.finishReplay(ctx, tx)
	case c.p.what == domain.Create && c.p.call.Phase == trade.PhasePoll:
		return c.polled(ctx, tx)
	case c.p.what == domain.Create:
		return c.created(ctx, tx)
	}
	v := &c.r.verdict
	// An instance the seller does not know is released. // spec: 02 §1.15
	if c.p.what == domain.Release && c.p.product.Protocol == catalog.V1 && v.ResultCode == "000003" {
		v.OK = true
		c.a.Detail = join(c.a.Detail, "not known to the seller: counts as released")
	}
	if !v.OK {
		return c.failed(ctx, tx)
	}
	if c.p.what == domain.Upgrade && c.l.Status == order.LineProvisioning {
		if err := c.d.trade.Changed(ctx, tx, c.o, c.l, c.inst, c.now); err != nil {
			return err
		}
	}
	return c.done(ctx, tx)
}

// done closes a call that the seller has done.
func (c *outcome) done(ctx context.Context, tx *kernel.Tx) error {
	c.a.State = store.AttemptSuccess
	return store.FinishJob(ctx, tx, c.p.job.ID, c.owner, c.p.job.Chain, store.JobDone, "", c.p.job.Tries+1, c.now)
}

// created draws the consequences of newInstance.
func (c *outcome) created(ctx context.Context, tx *kernel.Tx) error {
	v := &c.r.verdict
	if v.OK && strings.ContainsRune(v.InstanceID, 0) {
		v.OK, v.Reason, v.Field, c.a.Reason = false, production.ReasonFieldType, "instanceId", string(production.ReasonFieldType)
	}
	if v.OK && c.wary {
		// The ids must differ between orders. // spec: 10 §2.4
		owner, err := store.InstanceOwner(ctx, tx, c.o.SellerID, v.InstanceID)
		if err != nil {
			return err
		}
		if owner != "" && owner != c.inst.ID {
			v.OK, v.Reason, c.a.Reason = false, reasonIDUsed, string(reasonIDUsed)
			c.a.Detail = join(c.a.Detail, "instanceId "+v.InstanceID+" is already used for another order")
		}
	}
	if !v.OK {
		return c.failed(ctx, tx)
	}
	c.keepID(v.InstanceID, v.LicenseSubstitute)
	if c.p.product.Protocol == catalog.V1 {
		if err := c.keepEntry(v.App); err != nil {
			return err
		}
		if err := c.d.trade.Activate(ctx, tx, c.o, c.l, c.inst, c.now); err != nil {
			return err
		}
		return c.done(ctx, tx)
	}
	c.inst.Status = instance.Provisioning
	if err := store.SaveInstance(ctx, tx, c.inst); err != nil {
		return err
	}
	c.a.State = store.AttemptSuccess
	call := c.p.call
	call.Phase, call.CreatedAt, call.Polls = trade.PhasePoll, clock.Micros(c.now), 0
	return c.again(ctx, tx, c.now, c.p.job.Tries, call)
}

// keepID stores the first instanceId ever answered; a later one never replaces it.
// spec: 10 §2.5, 02 §1.5, §2.12
func (c *outcome) keepID(id string, substitute bool) {
	switch {
	case c.inst.SellerInstanceID == "":
		c.inst.SellerInstanceID, c.inst.IDSubstitute = id, substitute
	case c.inst.SellerInstanceID != id:
		c.a.Detail = join(c.a.Detail, "anomaly: the seller now answers instanceId "+id+"; the first one, "+c.inst.SellerInstanceID+", stays")
	}
}

// keepEntry seals what lets the buyer in.
func (c *outcome) keepEntry(app *production.AppInfo) error {
	e := entryOf(app)
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	c.inst.EntrySealed, err = c.d.k.Ring.Seal(entryPurpose(c.inst.ID), text)
	return err
}

func entryPurpose(instanceID string) string { return "entry:" + instanceID }

func entryOf(app *production.AppInfo) instance.Entry {
	if app == nil {
		return instance.Entry{Warning: "contact-seller"} // the seller informs the buyer by other means
	}
	e := instance.Entry{FrontEndURL: app.FrontEndURL, AdminURL: app.AdminURL, UserName: app.UserName, Password: app.Password, Memo: app.Memo}
	if app.UserNameUndecryptable || app.PasswordUndecryptable {
		e.Warning = "credentials-unreadable"
	}
	return e
}

// polled draws the consequences of one look at a V2 instance being made.
// spec: 01 §2.2, 02 §2.13–2.14
func (c *outcome) polled(ctx context.Context, tx *kernel.Tx) error {
	call := c.p.call
	switch c.r.poll {
	case v2.PollReady:
		var app *production.AppInfo
		if len(c.r.verdict.Info) == 1 {
			app = c.r.verdict.Info[0].App
		}
		if err := c.keepEntry(app); err != nil {
			return err
		}
		if err := c.d.trade.Activate(ctx, tx, c.o, c.l, c.inst, c.now); err != nil {
			return err
		}
		return c.done(ctx, tx)
	case v2.PollAuth:
		if !call.ToldAuth {
			call.ToldAuth = true
			if err := c.tell(ctx, tx, "call.refused"); err != nil {
				return err
			}
		}
	case v2.PollUnknown:
		c.a.State = store.AttemptUnknown
	}
	if c.a.State != store.AttemptUnknown {
		c.a.State = store.AttemptRetrying
	}
	c.a.Reason = join(c.a.Reason, "poll "+string(c.r.poll))
	call.Polls++
	end := c.p.job.BaseAt.Add(domain.ScheduleOf(c.p.policy, domain.Create).Window())
	at, number, ok := domain.NextPoll(call.Polls, clock.FromMicros(call.CreatedAt), end, c.now)
	if !ok {
		c.a.State = store.AttemptFailed
		return c.giveUp(ctx, tx, "the instance never became ready", false)
	}
	call.Polls = number
	c.a.NextAt = at
	return c.again(ctx, tx, at, c.p.job.Tries, call)
}

// failed plans the next try, or ends the call for good. // spec: 01 §2.1
func (c *outcome) failed(ctx context.Context, tx *kernel.Tx) error {
	v, j, call := c.r.verdict, c.p.job, c.p.call
	if !v.Unknown && call.Unknown && (v.ResultCode == "000003" || v.ResultCode == "000005") {
		c.a.Detail = join(c.a.Detail, "possibly already done") // spec: 02 §1.15
	}
	call.Unknown = call.Unknown || v.Unknown
	tries := j.Tries + 1
	if j.Occasion != "" {
		tries = j.Tries // a restart is beside the schedule // spec: 10 §8.4
	}
	c.a.State = store.AttemptRetrying
	if v.Unknown {
		c.a.State = store.AttemptUnknown
	}
	index, offset, ok := domain.ScheduleOf(c.p.policy, c.p.what).Next(tries, c.d.k.AsOf(j.DueAt).Sub(j.BaseAt))
	if ok {
		c.a.NextAt = j.BaseAt.Add(offset)
		// "Being processed" is no reason for alarm at first. // spec: 10 §5
		if !v.Processing() || tries > 2 {
			if err := c.tell(ctx, tx, "call.failed"); err != nil {
				return err
			}
			if err := c.tellBuyer(ctx, tx, tries); err != nil {
				return err
			}
		}
		return c.again(ctx, tx, c.a.NextAt, index, call)
	}
	if !v.Unknown {
		c.a.State = store.AttemptFailed
	}
	if domain.RefundsWhenExhausted(c.p.what) {
		return c.giveUp(ctx, tx, explain(v), v.Unknown && c.r.wrote)
	}
	if err := c.tell(ctx, tx, "call.failed_for_good"); err != nil {
		return err
	}
	if err := c.d.k.Tell(ctx, tx, kernel.OperatorDesk, "call.failed_for_good", c.o.ID, c.a.ID, c.params()); err != nil {
		return err
	}
	return store.FinishJob(ctx, tx, j.ID, c.owner, j.Chain, store.JobFailed, explain(v), tries, c.now)
}

// giveUp ends a create or a change for good.
func (c *outcome) giveUp(ctx context.Context, tx *kernel.Tx, reason string, unknown bool) error {
	if err := store.FinishJob(ctx, tx, c.p.job.ID, c.owner, c.p.job.Chain, store.JobFailed, reason, c.p.job.Tries+1, c.now); err != nil {
		return err
	}
	if err := c.d.k.Tell(ctx, tx, kernel.OperatorDesk, "call.failed_for_good", c.o.ID, c.a.ID, c.params()); err != nil {
		return err
	}
	if c.p.what == domain.Upgrade {
		return c.d.trade.ChangeFailed(ctx, tx, c.o, c.l, c.p.product, reason, unknown, c.now)
	}
	return c.d.trade.GiveUp(ctx, tx, c.o, c.l, c.inst, c.p.product, reason, unknown, c.now)
}

// again gives the job back for its next run.
func (c *outcome) again(ctx context.Context, tx *kernel.Tx, at time.Time, tries int, call trade.Call) error {
	if err := store.RequeueJob(ctx, tx, c.p.job.ID, c.owner, at, tries, call.Text()); err != nil {
		return err
	}
	if !at.After(c.now) {
		c.d.k.Queue.WakeAfter(tx, c.p.job.Lane)
	}
	return nil
}

func (c *outcome) params() map[string]string {
	return map[string]string{"activity": c.a.Activity, "product": c.l.ProductName, "reason": explain(c.r.verdict), "number": fmt.Sprint(c.a.Number)}
}

func (c *outcome) tell(ctx context.Context, tx *kernel.Tx, kind string) error {
	return c.d.k.Tell(ctx, tx, c.o.SellerID, kind, c.o.ID, c.a.ID, c.params())
}

// tellBuyer says once that what was bought does not open at once. spec: 22 §2.5
func (c *outcome) tellBuyer(ctx context.Context, tx *kernel.Tx, tries int) error {
	if c.p.what != domain.Create || tries == c.p.job.Tries || tries != 1 && !(tries == 3 && c.r.verdict.Processing()) {
		return nil
	}
	return c.d.k.Tell(ctx, tx, c.o.BuyerID, "order.delayed", c.o.ID, "", map[string]string{"product": c.l.ProductName, "product_id": c.o.ProductID})
}

// explain says in one line what was wrong with an answer: the check, the code and
// the seller's own words together, never a translation of the code alone.
// spec: 02 §2.16
func explain(v production.Verdict) string {
	s := string(v.Reason)
	if v.Field != "" {
		s = join(s, "field "+v.Field)
	}
	if v.ResultCode != "" {
		s = join(s, strings.TrimSpace("resultCode "+cut(v.ResultCode, 32)+" "+cut(v.ResultMsg, 255)))
	}
	return s
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// cut bounds a text in characters and takes out what a database cannot hold.
func cut(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	if r := []rune(s); len(r) > n {
		return string(r[:n])
	}
	return s
}

// log writes the one line per outbound attempt.
func (d *Delivery) log(a *store.Attempt, protocol string) {
	if d.k.Called != nil {
		d.k.Called(protocol, a.Activity, a.State, a.Duration)
	}
	d.k.Log.Info("call", "protocol", protocol, "activity", a.Activity, "state", a.State, "order", a.OrderID, "instance", a.InstanceID, "seller", a.SellerID, "buyer", a.BuyerID, "attempt", a.ID, "number", a.Number,
		"status", a.HTTPStatus, "code", a.ResultCode, "reason", a.Reason, "took", a.Duration)
}

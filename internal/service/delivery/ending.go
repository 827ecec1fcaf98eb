package delivery

import (
	"context"
	"slices"
	"sync"
	"time"

	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/service/kernel"
)

// endWithin is how long an outcome waits for those of calls that began with it; as long as
// an answer of the database waits for its neighbours'.
const endWithin = 4 * time.Millisecond

// ending brings those calls of a beginning whose jobs are merely done to their end in one
// transaction. Whatever asks for more is concluded by itself.
type ending struct {
	d     *Delivery
	owner string

	mu   sync.Mutex
	open int           // calls under way
	ends []*end        // that wait
	all  chan struct{} // closed when no call is under way
}

// end is a call that waits to be concluded with others.
type end struct {
	p    *plan
	a    *store.Attempt
	r    reply
	rec  store.Attempt // as it was concluded
	over chan ended
}

// ended is what came of it.
type ended int

const (
	endDone  ended = iota
	endLost        // another process has the job
	endApart       // it could not be done together
)

func newEnding(d *Delivery, owner string) *ending {
	return &ending{d: d, owner: owner, all: make(chan struct{})}
}

// leave says that a call is not under way any more.
func (e *ending) leave() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open--; e.open == 0 {
		close(e.all)
	}
}

// conclude commits what came of a call, which has not left yet.
func (e *ending) conclude(ctx context.Context, b *begun, r reply) error {
	if !plain(domain.Call(b.p.job.Kind), r.verdict.OK) {
		e.leave()
		return e.d.conclude(ctx, b.p, b.a, e.owner, r)
	}
	one := &end{p: b.p, a: b.a, r: r, over: make(chan ended, 1)}
	e.mu.Lock()
	e.ends = append(e.ends, one)
	first := len(e.ends) == 1
	e.mu.Unlock()
	e.leave()
	if first {
		limit := time.NewTimer(endWithin)
		defer limit.Stop()
		select {
		case <-e.all:
		case <-limit.C:
		}
		e.commit(ctx)
	}
	switch <-one.over {
	case endDone: // each says it for itself: what the clock does next does not wait for it
		e.d.log(&one.rec, string(b.p.product.Protocol))
		crash.Point(crash.OutcomeCommitted)
	case endLost:
		return e.d.absorb(ctx, b.p, b.a, r, "another process had taken the call over")
	case endApart:
		return e.d.conclude(ctx, b.p, b.a, e.owner, r)
	}
	return nil
}

// commit concludes those that wait, in one transaction, and tells each.
func (e *ending) commit(ctx context.Context) {
	e.mu.Lock()
	ends, last := e.ends, e.open == 0
	e.ends = nil
	e.mu.Unlock()
	var held map[string]bool
	done := false
	defer func() { // a panic leaves nobody waiting
		for _, one := range ends {
			switch {
			case !done:
				one.over <- endApart
			case held[one.p.job.ID]:
				one.over <- endDone
			default:
				one.over <- endLost
			}
		}
	}()
	ids, chains := make([]string, len(ends)), []string{}
	for i, one := range ends {
		ids[i] = one.p.job.ID
		if c := one.p.job.Chain; c != "" && !slices.Contains(chains, c) {
			chains = append(chains, c)
		}
	}
	k := e.d.k
	err := k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if err := store.HoldInstances(ctx, tx, chains); err != nil {
			return err
		}
		now := k.Clock.Now()
		if held, err = store.FinishJobs(ctx, tx, ids, e.owner, chains, now); err != nil {
			return err
		}
		for _, one := range ends {
			if !held[one.p.job.ID] {
				continue
			}
			one.rec = *one.a
			c := &outcome{d: e.d, p: one.p, a: &one.rec, r: one.r, owner: e.owner, now: now}
			c.fill()
			one.rec.State, one.rec.Detail = store.AttemptSuccess, cut(one.rec.Detail, 2000)
			if err := store.CloseAttempt(ctx, tx, &one.rec); err != nil {
				return err
			}
		}
		if last && k.Advance != nil {
			return k.Advance(ctx, tx)
		}
		return nil
	})
	if done = err == nil; !done {
		k.Log.Warn("some calls could not be concluded together and are concluded one by one", "calls", len(ends), "err", err)
	}
}

// plain tells that all that follows of a call is that its job is done: neither order nor
// instance is looked at.
func plain(c domain.Call, ok bool) bool {
	switch c {
	case domain.Refresh, domain.Expire, domain.Thaw, domain.Release, domain.Notify:
		return ok
	}
	return false
}

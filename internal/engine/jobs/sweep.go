package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/crash"
)

// sweeping stands among the jobs held while some are done together.
const sweeping = "together"

// swept is what a sweep did.
type swept struct {
	n       int  // jobs done
	others  bool // jobs of other kinds are due in the lane; not looked for while there may be more of these
	claimed []store.Job
	left    []func(context.Context) error // of those claimed; nil: they have not begun
}

// sweep does some of what is due of the kinds that are done together, and begins the jobs
// that come of it, in one transaction.
func (r *Runner) sweep(ctx context.Context) {
	r.claiming.Lock()
	defer r.claiming.Unlock()
	reserved := map[string]int{} // places in other lanes
	s, err := r.takeTogether(ctx, reserved)
	if err != nil {
		s = swept{}
		r.o.Logger.Error("jobs: some jobs could not be done together and will be done one by one", "kinds", r.kinds, "err", err)
	}
	r.mu.Lock()
	delete(r.held, sweeping)
	took := map[string]int{}
	for _, j := range s.claimed {
		r.held[j.ID] = true
		took[j.Lane]++
	}
	for lane, n := range reserved {
		if r.inflight[lane] -= n - took[lane]; r.inflight[lane] == 0 {
			delete(r.inflight, lane)
		}
		switch more := took[lane] == n; {
		case more && r.inflight[lane] >= r.width(lane):
			r.backlog[lane] = true // looked at again when one of its jobs ends
		case more, err != nil, r.backlog[lane]:
			delete(r.backlog, lane)
			r.woken[lane] = true
		}
	}
	switch {
	case err != nil:
		r.single, r.doubt = true, true // what was claimed may stand
		r.woken[Platform] = true
	case s.n == atOnce:
		r.woken[Platform] = true
	case s.others:
		r.others = true
		if s.n > 0 {
			r.woken[Platform] = true // more of these kinds may stand behind the others
		}
	}
	if r.backlog[Platform] {
		delete(r.backlog, Platform)
		r.woken[Platform] = true
	}
	r.changed.Broadcast()
	idle := r.idle()
	r.mu.Unlock()
	if len(s.claimed) > 0 {
		crash.Point(crash.JobClaimed)
	}
	r.proceed(ctx, s.claimed, s.left)
	r.poke()
	if idle && r.o.Idle != nil {
		r.o.Idle()
	}
}
func (r *Runner) takeTogether(ctx context.Context, reserved map[string]int) (s swept, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	err = r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		s = swept{}
		now := r.business.Now()
		js, err := store.TakeJobs(ctx, tx, Platform, r.kinds, now, atOnce)
		if s.n = len(js); err == nil && s.n < atOnce {
			s.others, err = store.LaneDue(ctx, tx, Platform, now)
		}
		if err != nil || s.n == 0 {
			return err
		}
		var due []string
		gathering := context.WithValue(ctx, dueKey{}, &due)
		for n := 0; len(js) > 0; js = js[n:] { // in order, also between kinds
			for n = 1; n < len(js) && js[n].Kind == js[0].Kind; n++ {
			}
			if err := r.together[js[0].Kind](gathering, tx, js[:n]); err != nil {
				return err
			}
		}
		until := r.wire.Now().Add(lease)
		for _, lane := range due {
			n := r.reserve(reserved, lane, begunMax-len(s.claimed))
			if n == 0 {
				r.queue.WakeAfter(tx, lane)
				continue
			}
			js, err := store.ClaimJobs(ctx, tx, lane, nil, now, n, r.owner, until)
			if err != nil {
				return err
			}
			s.claimed = append(s.claimed, js...)
		}
		if len(s.claimed) == 0 && len(due) == 0 && s.n < atOnce && r.o.Advance != nil {
			return r.o.Advance(ctx, tx)
		}
		if len(s.claimed) == 0 || slices.ContainsFunc(s.claimed, func(j store.Job) bool { return !r.begins[j.Kind] }) {
			return nil
		}
		if s.left, err = r.begin(ctx, tx, s.claimed, r.owner); err != nil {
			s.left = nil // each is tried by itself; where a statement failed, all is undone
			r.o.Logger.Error("jobs: some jobs could not begin together and are done one by one", "err", err)
		}
		return nil
	})
	return s, err
}

// reserve takes up to limit places in a lane, once however often the transaction runs.
func (r *Runner) reserve(reserved map[string]int, lane string, limit int) int {
	if n, ok := reserved[lane]; ok {
		return n
	}
	if lane == Platform {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	n := min(r.width(lane)-r.inflight[lane], r.o.Workers-len(r.held), limit)
	if n <= 0 {
		return 0
	}
	reserved[lane] = n
	r.inflight[lane] += n
	return n
}

// width is how many jobs of a lane run at once: the platform's own work waits for nobody
// outside, so it may take half of the workers.
func (r *Runner) width(lane string) int {
	if lane == Platform {
		return max(r.o.Width, r.o.Workers/2)
	}
	return r.o.Width
}

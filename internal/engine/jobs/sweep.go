package jobs

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

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

// sweepWork is what the transaction of a sweep gathers.
type sweepWork struct {
	r        *Runner
	now      time.Time
	until    time.Time      // of leases
	reserved map[string]int // places in other lanes
	due      []string       // lanes in which something is due by it
	again    []store.Job    // those of its jobs that go on
	begun    []store.Job    // new ones that begin with it
}

// admit lets new jobs begin with the sweep for which there is a place, and before which
// nothing waits in their lane: they are never queued.
func (w *sweepWork) admit(ctx context.Context, tx *store.Tx, js []store.Job) error {
	var lanes []string
	for _, j := range js {
		if w.r.begins[j.Kind] && !j.DueAt.After(w.now) && !slices.Contains(lanes, j.Lane) {
			lanes = append(lanes, j.Lane)
		}
	}
	if len(lanes) == 0 {
		return nil
	}
	behind, err := store.LanesDue(ctx, tx, lanes, w.now)
	if err != nil {
		return err
	}
	for i := range js {
		j := &js[i]
		if !w.r.begins[j.Kind] || j.DueAt.After(w.now) || slices.Contains(behind, j.Lane) || w.free(j.Lane) <= 0 {
			continue
		}
		j.LeaseOwner, j.LeaseUntil, j.State = w.r.owner, w.until, store.JobRunning
		w.begun = append(w.begun, *j)
	}
	return nil
}

// free is how many places of a lane the sweep has left.
func (w *sweepWork) free(lane string) int {
	n := begunMax - len(w.begun)
	if n > 0 {
		n = min(n, w.r.reserve(w.reserved, lane, n))
	}
	for _, j := range w.begun {
		if j.Lane == lane {
			n--
		}
	}
	return n
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
		js, err := store.FirstDue(ctx, tx, Platform, now, atOnce) // there may be very many
		if err != nil {
			return err
		}
		all := len(js)
		js = slices.DeleteFunc(js, func(j store.Job) bool { return r.together[j.Kind] == nil })
		s.n, s.others = len(js), len(js) < all
		if s.n == 0 {
			return nil
		}
		work := &sweepWork{r: r, now: now, until: r.wire.Now().Add(lease), reserved: reserved}
		if err := r.doTogether(context.WithValue(ctx, sweepKey{}, work), tx, js, work); err != nil {
			return err
		}
		for _, lane := range work.due {
			n := work.free(lane)
			if n <= 0 {
				r.queue.WakeAfter(tx, lane)
				continue
			}
			js, err := store.ClaimJobs(ctx, tx, lane, nil, now, n, r.owner, work.until)
			if err != nil {
				return err
			}
			work.begun = append(work.begun, js...)
		}
		s.claimed = work.begun
		if len(s.claimed) == 0 && len(work.due) == 0 && s.n < atOnce && r.o.Advance != nil {
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

// doTogether does jobs in order, also between kinds, and ends those that do not go on.
func (r *Runner) doTogether(ctx context.Context, tx *store.Tx, js []store.Job, work *sweepWork) error {
	over := make([]string, len(js))
	for i, j := range js {
		over[i] = j.ID
	}
	for n := 0; len(js) > 0; js = js[n:] {
		for n = 1; n < len(js) && js[n].Kind == js[0].Kind; n++ {
		}
		if err := r.together[js[0].Kind](ctx, tx, js[:n]); err != nil {
			return err
		}
	}
	over = slices.DeleteFunc(over, func(id string) bool {
		return slices.ContainsFunc(work.again, func(j store.Job) bool { return j.ID == id })
	})
	if err := store.EndJobs(ctx, tx, over, work.now); err != nil {
		return err
	}
	return store.AgainJobs(ctx, tx, work.again)
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

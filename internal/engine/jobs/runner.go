package jobs

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/ground/ident"
)

// Handler does a job. It finishes, requeues or drops it in a transaction of its
// own, fenced by the owner. An error means that it could not: the job is taken up
// again soon.
type Handler func(ctx context.Context, j store.Job, owner string) error

// Together does jobs of one kind, the earliest first, in the transaction that takes them
// out of the queue. It must have no effect but through tx, so that jobs need no lease and
// all of them stand or fall together; after an error each is done by itself.
type Together func(ctx context.Context, tx *store.Tx, js []store.Job) error

// Begin begins jobs that were claimed together, and gives for each, in their order, what
// is left to be done of it, nil for nothing. It is given the transaction of the claim where
// that may go on (else nil). After an error, and where it gives nothing, each job's Handler
// does it.
type Begin func(ctx context.Context, tx *store.Tx, js []store.Job, owner string) ([]func(context.Context) error, error)

// Limits of the runner.
const (
	atOnce    = 64               // jobs done together
	begunMax  = 16               // jobs that come of it and begin in the same transaction
	lease     = 20 * time.Second // a process that does not renew within it is dead
	renewal   = 4 * time.Second
	pause     = time.Second // before a job whose handler failed is taken up again
	scanEvery = 250 * time.Millisecond
)

// Options tune a Runner.
type Options struct {
	Workers int  // jobs that run at once in this process; 0 means 64
	Width   int  // jobs of one seller's lane that run at once in this process; 0 means 4
	Sole    bool // no other process uses this database: leases found at start are void
	// Refresh is called at every scan, at most four times a second: the sandbox
	// reads the clock's offset there.
	Refresh func(ctx context.Context) error
	// Idle is called whenever the last job under way has ended and no lane waits to be
	// looked at: the sandbox goes on then.
	Idle func()
	// Advance is called in a transaction that did what was due and left nothing of it to be
	// done after it: the sandbox may go on in the same one.
	Advance func(ctx context.Context, tx *store.Tx) error
	Logger  *slog.Logger
}

// Runner claims due jobs and hands them to their kind's handler.
type Runner struct {
	db       *database.DB
	business clock.Clock
	wire     clock.Clock
	o        Options
	owner    string
	handlers map[string]Handler
	begins   map[string]bool // kinds that begin begins
	begin    Begin
	together map[string]Together // by kind, of the platform's lane
	kinds    []string            // those of together
	queue    *Queue

	claiming sync.Mutex // from a claim beside Run's goroutine until the jobs stand in held

	mu       sync.Mutex
	single   bool // what was to be done together failed: it is done one by one
	others   bool // the platform's lane has jobs due of other kinds
	woken    map[string]bool
	backlog  map[string]bool // lanes that may have more due than was claimed
	inflight map[string]int
	held     map[string]bool // jobs that a goroutine of this process works on
	doubt    bool            // the table may show a job as ours that nobody works on
	signal   chan struct{}
	changed  *sync.Cond
}

// New makes a runner. Handlers are registered before Run.
func New(db *database.DB, business, wire clock.Clock, o Options) *Runner {
	if o.Workers <= 0 {
		o.Workers = 64
	}
	if o.Width <= 0 {
		o.Width = 4
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	r := &Runner{db: db, business: business, wire: wire, o: o, owner: ident.UUID(), handlers: map[string]Handler{}, together: map[string]Together{},
		woken: map[string]bool{}, backlog: map[string]bool{}, inflight: map[string]int{}, held: map[string]bool{}, signal: make(chan struct{}, 1)}
	r.changed = sync.NewCond(&r.mu)
	r.queue = &Queue{wake: r.Wake, now: wire.Now, business: business.Now}
	return r
}

// Queue is where use cases put jobs.
func (r *Runner) Queue() *Queue { return r.queue }

// Owner is the name this process holds leases under.
func (r *Runner) Owner() string { return r.owner }

// Running is how many jobs run in this process now.
func (r *Runner) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.held)
}

// Handle registers the handler of a kind.
func (r *Runner) Handle(kind string, h Handler) { r.handlers[kind] = h }

// HandleTogether registers what does the platform's own jobs of a kind many at a time. Its
// Handler does those one by one that could not be done together.
func (r *Runner) HandleTogether(kind string, f Together) {
	r.together[kind] = f
	r.kinds = append(r.kinds, kind)
}

// HandleBegun registers what begins jobs of some kinds, which have a Handler as well.
func (r *Runner) HandleBegun(f Begin, kinds ...string) {
	r.begin, r.begins = f, map[string]bool{}
	for _, k := range kinds {
		r.begins[k] = true
	}
}

// Wake makes the runner look at a lane now.
func (r *Runner) Wake(lane string) {
	r.mu.Lock()
	r.woken[lane] = true
	r.mu.Unlock()
	r.poke()
}

func (r *Runner) poke() {
	select {
	case r.signal <- struct{}{}:
	default:
	}
}

// Run works until ctx ends, then waits for the jobs under way, whose calls are
// short. It returns when nothing of it runs any more.
func (r *Runner) Run(ctx context.Context) error {
	// Jobs go on when ctx ends: half a delivery is worse than a slow stop.
	work := context.WithoutCancel(ctx)
	if r.o.Sole {
		if err := r.reclaim(ctx, r.wire.Now().Add(1000*time.Hour)); err != nil {
			if ctx.Err() != nil {
				return nil // stopped before it began
			}
			return fmt.Errorf("take over jobs: %w", err)
		}
	}
	var renewed time.Time
	ticker := time.NewTicker(scanEvery)
	defer ticker.Stop()
	for scan := true; ; {
		if now := r.wire.Now(); now.Sub(renewed) >= renewal || now.Before(renewed) || r.doubtful() {
			r.keep(ctx)
			renewed = now
		}
		if err := r.round(ctx, work, scan); err != nil && ctx.Err() == nil {
			r.o.Logger.Error("jobs: cannot claim", "err", err)
			scan = true
			select {
			case <-ctx.Done():
			case <-time.After(scanEvery):
				continue
			}
		}
		select {
		case <-ctx.Done():
			r.drain(work)
			return nil
		case <-ticker.C:
			scan = true
		case <-r.signal:
			scan = false
		}
	}
}

// round claims what may run and starts it. A scan looks at every lane; otherwise
// only at those that were woken.
func (r *Runner) round(ctx, work context.Context, scan bool) error {
	if scan && r.o.Refresh != nil {
		if err := r.o.Refresh(ctx); err != nil {
			return err
		}
	}
	now := r.business.Now()
	var due []string
	if scan {
		if err := r.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			due, err = store.DueLanes(ctx, tx, now)
			return err
		}); err != nil {
			return err
		}
	}
	type want struct {
		lane string
		n    int
	}
	r.mu.Lock()
	for _, l := range due {
		r.woken[l] = true
	}
	free := r.o.Workers - len(r.held)
	var wants []want
	var but []string
	if len(r.kinds) > 0 && !r.single {
		but = r.kinds
		if r.woken[Platform] {
			delete(r.woken, Platform)
			if r.held[sweeping] {
				r.backlog[Platform] = true // looked at again when the sweep ends
			} else {
				r.held[sweeping] = true
				free--
				go r.sweep(work)
			}
		}
		if r.others {
			r.others = false
			if n := min(r.width(Platform)-r.inflight[Platform], free); n > 0 {
				wants = append(wants, want{Platform, n})
				free -= n
			} else {
				r.backlog[Platform] = true
			}
		}
	}
	for l := range r.woken {
		if n := min(r.width(l)-r.inflight[l], free); n > 0 {
			wants = append(wants, want{l, n})
			free -= n
			delete(r.woken, l)
		} else if r.inflight[l] >= r.width(l) {
			delete(r.woken, l) // full: looked at again when one of its jobs ends
			r.backlog[l] = true
		}
	}
	for _, w := range wants { // a sweep may look for places meanwhile
		r.inflight[w.lane] += w.n
	}
	r.mu.Unlock()
	if len(wants) == 0 {
		return nil
	}
	var claimed []store.Job
	full := map[string]bool{}
	err := r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		claimed = claimed[:0]
		clear(full)
		until := r.wire.Now().Add(lease)
		for _, w := range wants {
			var except []string
			if w.lane == Platform {
				except = but
			}
			js, err := store.ClaimJobs(ctx, tx, w.lane, except, now, w.n, r.owner, until)
			if err != nil {
				return err
			}
			claimed = append(claimed, js...)
			full[w.lane] = len(js) == w.n
		}
		return nil
	})
	if err != nil {
		r.mu.Lock()
		for _, w := range wants {
			r.inflight[w.lane] -= w.n
			r.woken[w.lane] = true
		}
		r.doubt = true // the claim may stand
		r.mu.Unlock()
		return err
	}
	if len(claimed) > 0 {
		crash.Point(crash.JobClaimed)
	}
	r.mu.Lock()
	for _, w := range wants {
		if r.inflight[w.lane] -= w.n; r.inflight[w.lane] == 0 {
			delete(r.inflight, w.lane)
		}
	}
	for lane, more := range full {
		if more {
			r.backlog[lane] = true
		} else {
			delete(r.backlog, lane)
		}
	}
	for _, j := range claimed {
		r.held[j.ID] = true
		r.inflight[j.Lane]++
	}
	if more, looked := full[Platform]; looked && !more && len(but) == 0 {
		r.single = false // those that could not be done together are under way
	}
	idle := r.idle()
	r.mu.Unlock()
	r.launch(work, claimed)
	if idle && r.o.Idle != nil {
		r.o.Idle()
	}
	return nil
}

// idle tells that nothing is under way and nothing waits to be looked at.
func (r *Runner) idle() bool { return len(r.held) == 0 && len(r.woken) == 0 && !r.others }

// launch starts jobs, those together that can begin together.
func (r *Runner) launch(ctx context.Context, js []store.Job) {
	var begun []store.Job
	for _, j := range js {
		if r.begins[j.Kind] {
			begun = append(begun, j)
		} else {
			go r.perform(ctx, j, nil)
		}
	}
	if len(begun) < 2 {
		for _, j := range begun {
			go r.perform(ctx, j, nil)
		}
		return
	}
	go func() {
		left, err := r.beginAll(ctx, begun)
		if err != nil {
			left = nil
			r.o.Logger.Error("jobs: some jobs could not begin together and are done one by one", "err", err)
		}
		r.proceed(ctx, begun, left)
	}()
}

// proceed does what is left of jobs that have begun, or all of them.
func (r *Runner) proceed(ctx context.Context, js []store.Job, left []func(context.Context) error) {
	for i, j := range js {
		var rest func(context.Context) error
		if left != nil {
			if rest = left[i]; rest == nil {
				rest = func(context.Context) error { return nil }
			}
		}
		go r.perform(ctx, j, rest)
	}
}

func (r *Runner) beginAll(ctx context.Context, js []store.Job) (left []func(context.Context) error, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return r.begin(ctx, nil, js, r.owner)
}

// perform does a job, or what is left of it.
func (r *Runner) perform(ctx context.Context, j store.Job, rest func(context.Context) error) {
	defer func() {
		r.mu.Lock()
		delete(r.held, j.ID)
		if r.inflight[j.Lane]--; r.inflight[j.Lane] == 0 {
			delete(r.inflight, j.Lane)
		}
		if r.backlog[j.Lane] {
			delete(r.backlog, j.Lane)
			r.woken[j.Lane] = true
		}
		r.changed.Broadcast()
		idle := r.idle()
		r.mu.Unlock()
		r.poke()
		if idle && r.o.Idle != nil {
			r.o.Idle()
		}
	}()
	if err := r.call(ctx, j, rest); err != nil {
		r.o.Logger.Error("jobs: a job could not be done and will be taken up again", "job", j.ID, "kind", j.Kind, "order", j.OrderID, "err", err)
		r.putBack(ctx, j)
	}
}

func (r *Runner) call(ctx context.Context, j store.Job, rest func(context.Context) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	if rest != nil {
		return rest(ctx)
	}
	h := r.handlers[j.Kind]
	if h == nil {
		return fmt.Errorf("no handler for jobs of kind %q", j.Kind)
	}
	return h(ctx, j, r.owner)
}

// putBack gives up the lease so that the job runs again after a pause. When the
// database cannot even take that, keep lets go of it.
func (r *Runner) putBack(ctx context.Context, j store.Job) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	err := r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.PutBackJob(ctx, tx, j.ID, r.owner, r.business.Now().Add(pause))
	})
	if err != nil {
		r.o.Logger.Error("jobs: cannot put a job back yet", "job", j.ID, "err", err)
		r.suspect()
	}
}

// drain waits for the jobs under way, renewing their leases meanwhile.
func (r *Runner) drain(ctx context.Context) {
	done := make(chan struct{})
	go func() {
		t := time.NewTicker(renewal)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				r.keep(ctx)
			}
		}
	}()
	r.mu.Lock()
	for len(r.held) > 0 {
		r.changed.Wait()
	}
	r.mu.Unlock()
	close(done)
}

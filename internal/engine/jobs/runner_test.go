package jobs_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
)

// world is a database with a runner whose business clock stands still.
type world struct {
	t     *testing.T
	db    *database.DB
	clock *clock.Manual
	r     *jobs.Runner
}

func newWorld(t *testing.T, db *database.DB, o jobs.Options) *world {
	w := &world{t: t, db: db, clock: clock.NewManual(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC))}
	w.r = jobs.New(db, w.clock, clock.System{}, o)
	return w
}

func (w *world) add(j store.Job) (id string) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		if err = store.EnsureLane(ctx, tx, j.Lane, ""); err != nil {
			return err
		}
		id, err = w.r.Queue().Add(ctx, tx, j)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

func (w *world) finish(ctx context.Context, j store.Job) error {
	return w.finishAs(ctx, j, w.r.Owner())
}

func (w *world) finishAs(ctx context.Context, j store.Job, owner string) error {
	return w.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.FinishJob(ctx, tx, j.ID, owner, j.Chain, store.JobDone, "", 1, w.clock.Now())
	})
}

// start runs the runner until the test ends.
func (w *world) start() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { _ = w.r.Run(ctx); close(done) }()
	w.t.Cleanup(func() { stop(); <-done })
}

func TestAJobRunsOnceItIsDue(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		ran := make(chan string, 10)
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			defer func() { ran <- j.OrderID }()
			return w.finish(ctx, j)
		})
		w.start()
		w.add(store.Job{Kind: "k", Lane: "a", OrderID: "later", DueAt: w.clock.Now().Add(time.Hour)})
		w.add(store.Job{Kind: "k", Lane: "a", OrderID: "now", DueAt: w.clock.Now()})
		if got := <-ran; got != "now" {
			t.Fatalf("%s ran first", got)
		}
		w.clock.Add(time.Hour)
		if got := <-ran; got != "later" {
			t.Fatalf("%s ran", got)
		}
	})
}

func TestADeadLaneHoldsUpNoOther(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{Width: 2, Workers: 4})
		var mu sync.Mutex
		dead := 0
		release := make(chan struct{})
		ran := make(chan string, 100)
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			if j.Lane == "dead" {
				mu.Lock()
				dead++
				mu.Unlock()
				<-release
			}
			err := w.finish(ctx, j)
			ran <- j.Lane
			return err
		})
		for range 20 {
			w.add(store.Job{Kind: "k", Lane: "dead", DueAt: w.clock.Now()})
		}
		w.start()
		for i := range 20 {
			w.add(store.Job{Kind: "k", Lane: fmt.Sprintf("live%d", i%3), DueAt: w.clock.Now()})
		}
		for range 20 {
			if lane := <-ran; lane == "dead" {
				t.Fatal("the dead lane answered")
			}
		}
		mu.Lock()
		if dead > 2 {
			t.Errorf("%d jobs of the dead lane ran at once, its width is 2", dead)
		}
		mu.Unlock()
		close(release)
		for range 20 {
			<-ran
		}
	})
}

func TestJobsOfAChainRunInOrder(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var mu sync.Mutex
		var order []string
		ran := make(chan struct{}, 10)
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			mu.Lock()
			order = append(order, j.OrderID)
			mu.Unlock()
			defer func() { ran <- struct{}{} }()
			return w.finish(ctx, j)
		})
		// The first is due last: the others wait behind it all the same.
		w.add(store.Job{Kind: "k", Lane: "a", Chain: "i", OrderID: "1", DueAt: w.clock.Now().Add(time.Minute)})
		w.add(store.Job{Kind: "k", Lane: "a", Chain: "i", OrderID: "2", DueAt: w.clock.Now()})
		w.add(store.Job{Kind: "k", Lane: "a", Chain: "i", OrderID: "3", DueAt: w.clock.Now()})
		w.start()
		w.clock.Add(time.Minute)
		for range 3 {
			<-ran
		}
		if got := fmt.Sprint(order); got != "[1 2 3]" {
			t.Fatalf("ran in the order %s", got)
		}
	})
}

// A process that dies keeps its jobs leased until the lease ends; then another
// takes them over and marks the attempt it had begun as unknown.
func TestALostLeaseIsTakenOver(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{Sole: true})
		id := w.add(store.Job{Kind: "k", Lane: "a", DueAt: w.clock.Now()})
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			js, err := store.ClaimJobs(ctx, tx, "a", nil, w.clock.Now(), 9, "the dead process", time.Now().Add(time.Hour))
			if err != nil || len(js) != 1 {
				return fmt.Errorf("claimed %d, %w", len(js), err)
			}
			return store.InsertAttempt(ctx, tx, &store.Attempt{ID: "att", JobID: id, State: store.AttemptRunning, Request: []byte("GET /")})
		})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan string, 1)
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			defer func() { ran <- j.ID }()
			return w.finish(ctx, j)
		})
		w.start()
		if got := <-ran; got != id {
			t.Fatalf("ran %s", got)
		}
		w.attemptIs("att", store.AttemptUnknown)
	})
}

func TestAFailingHandlerIsTriedAgain(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		ran := make(chan int, 10)
		n := 0
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			n++
			ran <- n
			if n == 1 {
				panic("a mistake")
			}
			return w.finish(ctx, j)
		})
		w.add(store.Job{Kind: "k", Lane: "a", DueAt: w.clock.Now()})
		w.start()
		<-ran
		// It is due again a second later on the business clock.
		for done := false; !done; {
			select {
			case <-ran:
				done = true
			default:
				w.clock.Add(time.Second)
				w.r.Wake("a")
			}
		}
	})
}

// A database that goes away at the wrong moment can leave jobs in our name that nobody
// works on: a claim that was committed and not heard of, a job that could not be put
// back. The runner notices and does them, though its leases never end.
func TestAForgottenJobIsNoticed(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		id := w.add(store.Job{Kind: "k", Lane: "a", DueAt: w.clock.Now()})
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := store.ClaimJobs(ctx, tx, "a", nil, w.clock.Now(), 1, w.r.Owner(), time.Now().Add(time.Hour)); err != nil {
				return err
			}
			return store.InsertAttempt(ctx, tx, &store.Attempt{ID: "att", JobID: id, State: store.AttemptRunning, Request: []byte("GET /")})
		})
		if err != nil {
			t.Fatal(err)
		}
		ran := make(chan string, 1)
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			defer func() { ran <- j.ID }()
			return w.finish(ctx, j)
		})
		w.start()
		if got := <-ran; got != id {
			t.Fatalf("ran %s", got)
		}
		w.attemptIs("att", store.AttemptUnknown)
	})
}

// A handler that made a call and could not record its outcome leaves an unknown
// attempt behind, and the job is done again.
func TestACallWithoutRecordedOutcomeIsUnknown(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		put := make(chan struct{}, 1)
		var again atomic.Bool
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			if again.Swap(true) {
				defer func() { put <- struct{}{} }()
				return w.finish(ctx, j)
			}
			if err := db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
				return store.InsertAttempt(ctx, tx, &store.Attempt{ID: "att", JobID: j.ID, State: store.AttemptRunning, Request: []byte("GET /")})
			}); err != nil {
				return err
			}
			w.clock.Add(time.Hour) // what was put back will be due
			return database.ErrCommitUnknown
		})
		w.add(store.Job{Kind: "k", Lane: "a", DueAt: w.clock.Now()})
		w.start()
		for done := false; !done; {
			select {
			case <-put:
				done = true
			default:
				w.clock.Add(time.Second)
				w.r.Wake("a")
			}
		}
		w.attemptIs("att", store.AttemptUnknown)
	})
}

func (w *world) attemptIs(id string, want string) {
	w.t.Helper()
	err := w.db.Read(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		a, err := store.AttemptByID(ctx, tx, store.Everything, id)
		if err == nil && a.State != want {
			err = fmt.Errorf("the attempt is %s", a.State)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

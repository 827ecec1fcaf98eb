package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
)

// heard notes what was done in the order in which it was.
type heard struct {
	mu   sync.Mutex
	what []string
}

func (h *heard) add(s ...string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.what = append(h.what, s...)
}

func (h *heard) all() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.what)
}

func (w *world) until(what string, f func() bool) {
	w.t.Helper()
	for limit := time.Now().Add(30 * time.Second); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			w.t.Fatal(what)
		}
	}
}

func (w *world) states() map[store.JobState]int {
	w.t.Helper()
	var out map[store.JobState]int
	if err := w.db.Read(w.t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		out, err = store.CountJobs(ctx, tx)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func TestJobsAreDoneTogetherOnceAndInOrder(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var h, alone, other heard
		w.r.HandleTogether("k", func(ctx context.Context, tx *store.Tx, js []store.Job) error {
			for _, j := range js {
				tx.OnCommit(func() { h.add(j.OrderID) })
			}
			return nil
		})
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			alone.add(j.OrderID)
			return w.finish(ctx, j)
		})
		w.r.Handle("other", func(ctx context.Context, j store.Job, owner string) error {
			other.add(j.OrderID)
			return w.finish(ctx, j)
		})
		var want []string
		for i := range 150 {
			at := w.clock.Now().Add(-time.Duration(i) * time.Second)
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, OrderID: fmt.Sprintf("%03d", i), DueAt: at})
			want = append(want, fmt.Sprintf("%03d", i))
		}
		w.add(store.Job{Kind: "other", Lane: jobs.Platform, OrderID: "other", DueAt: w.clock.Now().Add(-70 * time.Second)})
		w.add(store.Job{Kind: "k", Lane: jobs.Platform, OrderID: "later", DueAt: w.clock.Now().Add(time.Hour)})
		slices.Reverse(want)
		w.start()
		w.until("not all was done", func() bool { return w.states()[store.JobDone] == 151 })
		if got := h.all(); !slices.Equal(got, want) {
			t.Errorf("done together: %v", got)
		}
		if len(alone.all()) > 0 || len(other.all()) != 1 {
			t.Errorf("alone %v, other %v", alone.all(), other.all())
		}
		w.clock.Add(time.Hour)
		w.until("what became due was not done", func() bool { return w.states()[store.JobDone] == 152 })
	})
}

func TestWhatFailsTogetherIsDoneOneByOne(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var together, alone heard
		w.r.HandleTogether("k", func(ctx context.Context, tx *store.Tx, js []store.Job) error {
			for _, j := range js {
				if j.OrderID == "03" {
					return errors.New("this one cannot be done")
				}
				tx.OnCommit(func() { together.add(j.OrderID) })
			}
			return nil
		})
		w.r.Handle("k", func(ctx context.Context, j store.Job, owner string) error {
			if j.OrderID == "03" {
				return errors.New("this one cannot be done")
			}
			alone.add(j.OrderID)
			return w.finish(ctx, j)
		})
		for i := range 40 {
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, OrderID: fmt.Sprintf("%02d", i), DueAt: w.clock.Now()})
		}
		w.start()
		w.until("one that fails held up the others", func() bool { return w.states()[store.JobDone] == 39 })
		if n := len(together.all()) + len(alone.all()); n != 39 {
			t.Errorf("%d were done", n)
		}
		for range 20 {
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, OrderID: "new", DueAt: w.clock.Now()})
		}
		w.until("later ones were not done", func() bool { return w.states()[store.JobDone] == 59 })
	})
}

// What comes of jobs that are done together begins in their transaction, within the
// width of its lane, and is done once, however often leases are compared meanwhile.
func TestWhatComesOfThemBeginsWithThem(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{Width: 2})
		var inside, done heard
		var mu sync.Mutex
		running, most := map[string]int{}, 0
		w.r.HandleTogether("k", func(ctx context.Context, tx *store.Tx, js []store.Job) error {
			for _, j := range js {
				if _, err := w.r.Queue().Add(ctx, tx, store.Job{Kind: "call", Lane: j.SellerID, OrderID: j.OrderID, DueAt: j.DueAt}); err != nil {
					return err
				}
			}
			return nil
		})
		call := func(j store.Job) func(context.Context) error {
			return func(ctx context.Context) error {
				mu.Lock()
				running[j.Lane]++
				most = max(most, running[j.Lane])
				mu.Unlock()
				time.Sleep(5 * time.Millisecond)
				mu.Lock()
				running[j.Lane]--
				mu.Unlock()
				done.add(j.OrderID)
				return w.finish(ctx, j)
			}
		}
		w.r.HandleBegun(func(ctx context.Context, tx *store.Tx, js []store.Job, owner string) (left []func(context.Context) error, err error) {
			for _, j := range js {
				if tx != nil {
					tx.OnCommit(func() { inside.add(j.OrderID) })
				}
				left = append(left, call(j))
			}
			return left, nil
		}, "call")
		w.r.Handle("call", func(ctx context.Context, j store.Job, owner string) error { return call(j)(ctx) })
		for i := range 60 {
			lane := fmt.Sprintf("call:%d", i%7)
			if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return store.EnsureLane(ctx, tx, lane, "") }); err != nil {
				t.Fatal(err)
			}
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, SellerID: lane, OrderID: fmt.Sprintf("%02d", i), DueAt: w.clock.Now()})
		}
		w.start()
		w.until("not all was done", func() bool { return w.states()[store.JobDone] == 120 })
		got := done.all()
		slices.Sort(got)
		if len(slices.Compact(got)) != 60 || len(done.all()) != 60 {
			t.Errorf("%d calls: %v", len(done.all()), done.all())
		}
		if len(inside.all()) == 0 {
			t.Error("none began in the transaction that it came of")
		}
		if most > 2 {
			t.Errorf("%d ran at once in a lane of width 2", most)
		}
	})
}

// New jobs begin with the sweep without ever being queued, unless something waits in their
// lane: then they stand behind it.
func TestNewJobsDoNotOvertakeInTheirLane(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{Width: 1})
		var done, queued heard
		now := w.clock.Now()
		w.r.HandleTogether("k", func(ctx context.Context, tx *store.Tx, js []store.Job) error {
			var calls []store.Job
			for _, j := range js {
				calls = append(calls, store.Job{Kind: "call", Lane: j.SellerID, OrderID: j.OrderID, DueAt: j.DueAt})
			}
			if err := w.r.Queue().AddAll(ctx, tx, calls); err != nil {
				return err
			}
			dues, err := store.NextDues(ctx, tx, time.Hour, 100)
			for _, d := range dues {
				if d.Kind == "call" {
					queued.add(d.Lane)
				}
			}
			return err
		})
		call := func(j store.Job) func(context.Context) error {
			return func(ctx context.Context) error { done.add(j.Lane + " " + j.OrderID); return w.finish(ctx, j) }
		}
		w.r.HandleBegun(func(ctx context.Context, tx *store.Tx, js []store.Job, owner string) (left []func(context.Context) error, err error) {
			for _, j := range js {
				left = append(left, call(j))
			}
			return left, nil
		}, "call")
		w.r.Handle("call", func(ctx context.Context, j store.Job, owner string) error { return call(j)(ctx) })
		for _, lane := range []string{"busy", "quiet"} {
			if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return store.EnsureLane(ctx, tx, lane, "") }); err != nil {
				t.Fatal(err)
			}
		}
		w.add(store.Job{Kind: "call", Lane: "busy", OrderID: "1", DueAt: now.Add(time.Minute)})
		for i, lane := range []string{"busy", "quiet", "busy", "quiet"} {
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, SellerID: lane, OrderID: fmt.Sprint(i/2 + 2), DueAt: now.Add(time.Minute + time.Duration(i+1)*time.Second)})
		}
		w.clock.Add(2 * time.Minute)
		w.start()
		w.until("not all was done", func() bool { return len(done.all()) == 5 && w.states()[store.JobDone] == 9 })
		in := map[string][]string{}
		for _, one := range done.all() {
			lane, order, _ := strings.Cut(one, " ")
			in[lane] = append(in[lane], order)
		}
		if !slices.Equal(in["busy"], []string{"1", "2", "3"}) || !slices.Equal(in["quiet"], []string{"2", "3"}) {
			t.Errorf("done in the order %v", in)
		}
		// Of the quiet lane, whose width is one, the first call was never queued.
		if n := len(slices.DeleteFunc(queued.all(), func(lane string) bool { return lane != "quiet" })); n != 1 {
			t.Errorf("%d calls of the quiet lane were queued, want 1: %v", n, queued.all())
		}
	})
}

package jobs_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
)

func TestKindsThatAreDoneTogetherKeepTheirOrder(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var h heard
		var want []string
		for _, kind := range []string{"a", "b"} {
			w.r.HandleTogether(kind, func(ctx context.Context, tx *store.Tx, js []store.Job) error {
				for _, j := range js {
					tx.OnCommit(func() { h.add(kind + j.OrderID) })
				}
				return nil
			})
		}
		for i := range 50 {
			kind := string("aab"[i%3])
			w.add(store.Job{Kind: kind, Lane: jobs.Platform, OrderID: fmt.Sprint(i), DueAt: w.clock.Now().Add(time.Duration(i-50) * time.Second)})
			want = append(want, kind+fmt.Sprint(i))
		}
		w.start()
		w.until("not all was done", func() bool { return w.states()[store.JobDone] == 50 })
		if got := h.all(); !slices.Equal(got, want) {
			t.Errorf("done in the order %v", got)
		}
	})
}

func TestAJobThatWasTakenGoesOn(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var h heard
		w.r.HandleTogether("k", func(ctx context.Context, tx *store.Tx, js []store.Job) error {
			var again []store.Job
			for _, j := range js {
				tx.OnCommit(func() { h.add(j.OrderID + j.Payload) })
				if j.Payload != "2" { // at once from 0 to 1, in an hour to 2
					next := store.Job{ID: j.ID, Lane: j.Lane, DueAt: j.DueAt, Payload: "1"}
					if j.Payload == "1" {
						next.DueAt, next.Payload = j.DueAt.Add(time.Hour), "2"
					}
					again = append(again, next)
				}
			}
			return w.r.Queue().Again(ctx, tx, again)
		})
		for i := range 23 {
			w.add(store.Job{Kind: "k", Lane: jobs.Platform, OrderID: fmt.Sprintf("%02d/", i), DueAt: w.clock.Now(), Payload: "0"})
		}
		w.start()
		w.until("not all went on at once", func() bool { return len(h.all()) == 46 })
		if got := w.states(); got[store.JobQueued] != 23 || got[store.JobDone] != 0 {
			t.Errorf("then there are %v", got)
		}
		w.clock.Add(time.Hour)
		w.until("not all went on in an hour", func() bool { return w.states()[store.JobDone] == 23 })
		got := h.all()
		slices.Sort(got)
		if len(slices.Compact(slices.Clone(got))) != 69 || got[0] != "00/0" || got[2] != "00/2" {
			t.Errorf("done: %v", got)
		}
	})
}

// Those that another process has taken over are left to it, and of each chain that goes on
// the first job alone.
func TestJobsEndTogetherWhereTheyAreStillOurs(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		w := newWorld(t, db, jobs.Options{})
		var ids []string
		for i, chain := range []string{"", "x", "x", "x", "y", "y", ""} {
			ids = append(ids, w.add(store.Job{Kind: "k", Lane: "a", Chain: chain, DueAt: w.clock.Now().Add(time.Duration(i) * time.Second)}))
		}
		var held map[string]bool
		err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			if _, err := store.ClaimJobs(ctx, tx, "a", nil, w.clock.Now().Add(4*time.Second), 9, "we", time.Now().Add(time.Hour)); err != nil {
				return err
			}
			_, err := store.ClaimJobs(ctx, tx, "a", nil, w.clock.Now().Add(time.Hour), 9, "they", time.Now().Add(time.Hour))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
			if err := store.HoldInstances(ctx, tx, []string{"x", "y"}); err != nil {
				return err
			}
			held, err = store.FinishJobs(ctx, tx, []string{ids[0], ids[1], ids[4], ids[6]}, "we", []string{"x", "y"}, w.clock.Now())
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if len(held) != 3 || held[ids[6]] {
			t.Errorf("still ours were %v of %v", held, ids)
		}
		var states []store.JobState
		if err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			states = nil
			for _, id := range ids {
				j, err := store.JobByID(ctx, tx, id)
				if err != nil {
					return err
				}
				states = append(states, j.State)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want := []store.JobState{store.JobDone, store.JobDone, store.JobQueued, store.JobWaiting, store.JobDone, store.JobQueued, store.JobRunning}
		if !slices.Equal(states, want) {
			t.Errorf("they are %v, not %v", states, want)
		}
	})
}

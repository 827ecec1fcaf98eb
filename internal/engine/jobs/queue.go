package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/ident"
)

// Lane names.
const Platform = "platform" // the platform's own timed work

// CallLane is the lane of deliveries to a seller.
func CallLane(seller string) string { return "call:" + seller }

// NotifyLane is the lane of order notifications, so that they never delay a
// delivery. // spec: 01 §2.1
func NotifyLane(seller string) string { return "notify:" + seller }

// Queue puts jobs into the table and wakes the runner once they are durable.
type Queue struct {
	wake     func(lane string)
	now      func() time.Time // wire clock, for row keys
	business func() time.Time
}

// Add queues a job within tx. BaseAt defaults to DueAt.
func (q *Queue) Add(ctx context.Context, tx *store.Tx, j store.Job) (string, error) {
	q.complete(&j)
	if err := store.InsertJob(ctx, tx, j); err != nil {
		return "", err
	}
	q.added(ctx, tx, j)
	return j.ID, nil
}

// AddAll queues jobs that are in no chain, or whose place in it is known and free.
func (q *Queue) AddAll(ctx context.Context, tx *store.Tx, js []store.Job) error {
	for i := range js {
		q.complete(&js[i])
	}
	if w, ok := ctx.Value(sweepKey{}).(*sweepWork); ok {
		if err := w.admit(ctx, tx, js); err != nil {
			return err
		}
	}
	if err := store.InsertJobs(ctx, tx, js); err != nil {
		return err
	}
	for _, j := range js {
		if j.LeaseOwner == "" {
			q.added(ctx, tx, j)
		}
	}
	return nil
}

// Again lets jobs that are being done together go on, due at another instant and with another
// payload; those that do not go on are done.
func (q *Queue) Again(ctx context.Context, tx *store.Tx, js []store.Job) error {
	if len(js) == 0 {
		return nil
	}
	w, ok := ctx.Value(sweepKey{}).(*sweepWork)
	if !ok {
		return errors.New("jobs: only what is done together goes on")
	}
	w.again = append(w.again, js...)
	for _, j := range js {
		q.added(ctx, tx, j)
	}
	return nil
}

func (q *Queue) complete(j *store.Job) {
	j.ID = ident.Row(q.now())
	if j.BaseAt.IsZero() {
		j.BaseAt = j.DueAt
	}
	if j.CreatedAt.IsZero() {
		j.CreatedAt = q.now()
	}
	if j.Payload == "" {
		j.Payload = "{}"
	}
}

func (q *Queue) added(ctx context.Context, tx *store.Tx, j store.Job) {
	if j.DueAt.After(q.business()) {
		return // found by a scan
	}
	if w, ok := ctx.Value(sweepKey{}).(*sweepWork); ok {
		if !slices.Contains(w.due, j.Lane) {
			w.due = append(w.due, j.Lane)
		}
		return
	}
	q.WakeAfter(tx, j.Lane)
}

// sweepKey is where the context of a sweep has its work.
type sweepKey struct{}

// WakeAfter looks at a lane as soon as tx is durable: something in it became due.
func (q *Queue) WakeAfter(tx *store.Tx, lane string) { tx.OnCommit(func() { q.wake(lane) }) }

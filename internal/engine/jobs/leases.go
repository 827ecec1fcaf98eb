package jobs

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/engine/store"
)

// keep renews the leases of the jobs we work on, lets go of those that the table shows
// as ours although nobody works on them, and takes over those that others let end.
//
// Such forgotten jobs come from a database that went away at the wrong moment: it took a
// claim and could not say so, or it could not take that a job was put back. Renewing them
// would keep them for as long as this process lives.
func (r *Runner) keep(ctx context.Context) {
	r.claiming.Lock()
	defer r.claiming.Unlock()
	now := r.wire.Now()
	r.mu.Lock()
	r.doubt = false
	held := slices.Collect(maps.Keys(r.held)) // claims are made by this goroutine or under claiming, so none is under way
	r.mu.Unlock()
	err := r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		lanes, err := store.ForgetJobs(ctx, tx, r.owner, held)
		if err != nil {
			return err
		}
		for _, l := range lanes {
			r.queue.WakeAfter(tx, l)
		}
		return store.ExtendLeases(ctx, tx, r.owner, now.Add(lease))
	})
	if err == nil {
		err = r.reclaim(ctx, now)
	}
	if err != nil && ctx.Err() == nil {
		r.o.Logger.Error("jobs: cannot renew leases", "err", err)
		r.suspect()
	}
}

// suspect makes the next round compare the table with what we work on.
func (r *Runner) suspect() {
	r.mu.Lock()
	r.doubt = true
	r.mu.Unlock()
}

func (r *Runner) doubtful() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.doubt
}

func (r *Runner) reclaim(ctx context.Context, endedBefore time.Time) error {
	return r.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		lanes, err := store.ReclaimJobs(ctx, tx, endedBefore)
		for _, l := range lanes {
			r.queue.WakeAfter(tx, l)
		}
		if len(lanes) > 0 {
			n := len(lanes)
			tx.OnCommit(func() { r.o.Logger.Warn("jobs: took over jobs of a process that died", "jobs", n) })
		}
		return err
	})
}

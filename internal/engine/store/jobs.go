package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Jobs that are taken, made or looked at many at once.

// FirstDue gives a lane's first due jobs, up to limit, the earliest first, and keeps other
// processes from them for the length of the transaction. What they are for is done in it,
// and EndJobs or AgainJobs: a job that does nothing outside the database needs no lease.
func FirstDue(ctx context.Context, tx *Tx, lane string, now time.Time, limit int) ([]Job, error) {
	return collect(ctx, tx, func(r *sql.Rows, j *Job) error { return scanJob(r, j) },
		`SELECT `+jobColumns+` FROM job WHERE state = 'queued' AND lane = $1 AND due_at <= $2 ORDER BY due_at, id LIMIT $3`+locking(tx, " SKIP LOCKED"), lane, clock.Micros(now), limit)
}

// EndJobs ends jobs that FirstDue gave.
func EndJobs(ctx context.Context, tx *Tx, ids []string, now time.Time) error {
	if len(ids) == 0 {
		return nil
	}
	marks, args := in([]any{clock.Micros(now)}, ids)
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'done', outcome = '', tries = 1, finished_at = $1, occasion = '' WHERE state = 'queued' AND id IN (`+marks+`)`, args...)
	if err == nil && int(n) != len(ids) {
		err = fmt.Errorf("store: %d of %d jobs end", n, len(ids))
	}
	return err
}

// LanesDue gives those of some lanes in which something is due.
func LanesDue(ctx context.Context, tx *Tx, lanes []string, now time.Time) ([]string, error) {
	marks, args := in([]any{clock.Micros(now)}, lanes)
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT name FROM lane WHERE name IN (`+marks+`) AND EXISTS (SELECT 1 FROM job WHERE job.state = 'queued' AND job.lane = lane.name AND job.due_at <= $1)`, args...)
}

// ChainEnd is what stands in a chain: the next free place, whether something waits, is
// queued or runs, and whether one of a kind was made and not dropped.
type ChainEnd struct {
	Next       int
	Open, Made bool
}

// ChainEnds tells it of chains.
func ChainEnds(ctx context.Context, tx *Tx, chains []string, kind string) (map[string]ChainEnd, error) {
	marks, args := in([]any{kind}, chains)
	out := make(map[string]ChainEnd, len(chains))
	for _, c := range chains {
		out[c] = ChainEnd{Next: 1}
	}
	_, err := collect(ctx, tx, func(r *sql.Rows, e *ChainEnd) error {
		var chain string
		err := r.Scan(&chain, &e.Next, &e.Open, &e.Made)
		out[chain] = *e
		return err
	}, `SELECT chain, MAX(chain_no) + 1, SUM(CASE WHEN state IN ('waiting', 'queued', 'running') THEN 1 ELSE 0 END) > 0,
		SUM(CASE WHEN kind = $1 AND state <> 'dropped' THEN 1 ELSE 0 END) > 0 FROM job WHERE chain IN (`+marks+`) AND chain <> '' GROUP BY chain`, args...)
	return out, err
}

// InsertJobs adds jobs that are in no chain, or whose place in it is known and has nothing
// before it that has to be waited for. One that has a lease is not queued at all.
func InsertJobs(ctx context.Context, tx *Tx, js []Job) error {
	const width = 21
	values := make([]any, 0, width*len(js))
	for _, j := range js {
		if j.Chain != "" && j.ChainNo == 0 {
			return fmt.Errorf("store: job %s of a chain among many", j.ID)
		}
		state, until := JobQueued, int64(0)
		if j.LeaseOwner != "" {
			state, until = JobRunning, clock.Micros(j.LeaseUntil)
		}
		values = append(values, j.ID, j.Kind, j.Lane, j.Chain, j.ChainNo, state, clock.Micros(j.DueAt), clock.Micros(j.BaseAt), j.Tries, j.Attempts, j.Occasion, j.LeaseOwner, until,
			j.SellerID, j.OrderID, j.OrderLineID, j.InstanceID, j.Payload, "", clock.Micros(j.CreatedAt), 0)
	}
	return insertRows(ctx, tx, `INSERT INTO job (`+jobInsertColumns+`)`, width, values)
}

// AgainJobs lets jobs that FirstDue gave begin anew, due at another instant and with another
// payload: a row less for each than a new job, and three entries of indexes.
func AgainJobs(ctx context.Context, tx *Tx, js []Job) error {
	for len(js) > 0 {
		n := 1
		for n*2 <= min(len(js), maxRows) {
			n *= 2
		}
		values := make([]any, 0, 3*n)
		for _, j := range js[:n] {
			values = append(values, j.ID, clock.Micros(j.DueAt), j.Payload)
		}
		rows := "($1, CAST($2 AS BIGINT), $3)" // PostgreSQL takes the columns' types from here
		if n > 1 {
			rows = text(rows+", (", 4, 3*n-3, 3)
		}
		m, err := tx.Exec(ctx, `UPDATE job SET due_at = v.column2, base_at = v.column2, payload = v.column3, tries = 0, occasion = '' FROM (VALUES `+rows+`) AS v
			WHERE job.id = v.column1 AND job.state = 'queued'`, values...)
		if err == nil && int(m) != n {
			err = fmt.Errorf("store: %d of %d jobs go on", m, n)
		}
		if err != nil {
			return err
		}
		js = js[n:]
	}
	return nil
}

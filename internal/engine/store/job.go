package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// JobState is where a job stands.
type JobState string

// The states of a job.
const (
	JobWaiting JobState = "waiting" // behind an earlier job of its chain
	JobQueued  JobState = "queued"
	JobRunning JobState = "running"
	JobDone    JobState = "done"
	JobFailed  JobState = "failed"  // used up its schedule; a manual restart revives it
	JobDropped JobState = "dropped" // overtaken by something that makes it meaningless
)

// Job is one piece of work with a due instant: a call to a seller, or timed work.
type Job struct {
	ID                                         string
	Kind                                       string
	Lane                                       string // bounds how many run at once
	ChainStart                                 bool   // only when adding: the chain is new, nothing has to be waited for
	ChainNo                                    int    // only when adding: its place, where it is known that nothing is waited for
	LeaseOwner                                 string // only when adding: who runs it from the start
	LeaseUntil                                 time.Time
	Chain                                      string // the instance whose calls run strictly in order; "" for none // spec: 02 §2.7
	State                                      JobState
	DueAt                                      time.Time // business clock
	BaseAt                                     time.Time // what the schedule counts from
	Tries                                      int       // slots of the schedule used up
	Attempts                                   int       // calls made, polls and restarts included
	Occasion                                   string    // why the next run happens: "" by schedule, "restart", "replay", "live"
	SellerID, OrderID, OrderLineID, InstanceID string
	Payload                                    string // JSON, known to the kind
	Outcome                                    string
	CreatedAt                                  time.Time
	FinishedAt                                 time.Time
}

const jobColumns = `id, kind, lane, chain, state, due_at, base_at, tries, attempts, occasion, seller_id, order_id, order_line_id, instance_id, payload, outcome, created_at, finished_at`

func scanJob(r row, j *Job) error {
	var due, base, created, finished int64
	err := r.Scan(&j.ID, &j.Kind, &j.Lane, &j.Chain, &j.State, &due, &base, &j.Tries, &j.Attempts, &j.Occasion, &j.SellerID, &j.OrderID, &j.OrderLineID, &j.InstanceID,
		&j.Payload, &j.Outcome, &created, &finished)
	j.DueAt, j.BaseAt, j.CreatedAt, j.FinishedAt = clock.FromMicros(due), clock.FromMicros(base), clock.FromMicros(created), clock.FromMicros(finished)
	return err
}

// EnsureLane makes a lane known to the dispatchers.
func EnsureLane(ctx context.Context, tx *Tx, lane, seller string) error {
	_, err := tx.Exec(ctx, `INSERT INTO lane (name, seller_id) VALUES ($1, $2) ON CONFLICT DO NOTHING`, lane, seller)
	return err
}

const jobInsertColumns = `id, kind, lane, chain, chain_no, state, due_at, base_at, tries, attempts, occasion, lease_owner, lease_until, seller_id, order_id, order_line_id, instance_id, payload, outcome, created_at, finished_at`

// InsertJob adds a job. A job of a chain waits while an earlier one of it is not
// finished; the caller holds the chain's instance locked.
func InsertJob(ctx context.Context, tx *Tx, j Job) error {
	state, chainNo := JobQueued, j.ChainNo
	switch {
	case chainNo > 0:
	case j.ChainStart:
		chainNo = 1
	case j.Chain != "":
		var open int
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(chain_no), 0) + 1, COALESCE(SUM(CASE WHEN state IN ('waiting', 'queued', 'running') THEN 1 ELSE 0 END), 0) FROM job WHERE chain = $1 AND chain <> ''`, j.Chain).
			Scan(&chainNo, &open); err != nil {
			return err
		}
		if open > 0 {
			state = JobWaiting
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO job (`+jobInsertColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, '', 0, $12, $13, $14, $15, $16, '', $17, 0)`,
		j.ID, j.Kind, j.Lane, j.Chain, chainNo, state, clock.Micros(j.DueAt), clock.Micros(j.BaseAt), j.Tries, j.Attempts, j.Occasion,
		j.SellerID, j.OrderID, j.OrderLineID, j.InstanceID, j.Payload, clock.Micros(j.CreatedAt))
	return err
}

// DueLanes lists the lanes that have a job due, in name order.
func DueLanes(ctx context.Context, tx *Tx, now time.Time) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT name FROM lane WHERE EXISTS (SELECT 1 FROM job WHERE job.state = 'queued' AND job.lane = lane.name AND job.due_at <= $1) ORDER BY name`, clock.Micros(now))
}

// NextDue is the earliest instant at which a queued job is due; zero when none is.
func NextDue(ctx context.Context, tx *Tx) (time.Time, error) {
	var us int64
	err := tx.QueryRow(ctx, `SELECT COALESCE(MIN(due_at), 0) FROM job WHERE state = 'queued'`).Scan(&us)
	return clock.FromMicros(us), err
}

// Due is when a queued job is due, its kind and its lane.
type Due struct {
	At         time.Time
	Kind, Lane string
}

// NextDues lists what is due next and within a while after it, the earliest first.
func NextDues(ctx context.Context, tx *Tx, within time.Duration, limit int) ([]Due, error) {
	return collect(ctx, tx, func(r *sql.Rows, d *Due) error {
		var us int64
		err := r.Scan(&us, &d.Kind, &d.Lane)
		d.At = clock.FromMicros(us)
		return err
	}, `SELECT due_at, kind, lane FROM job WHERE state = 'queued' AND due_at <= (SELECT MIN(due_at) FROM job WHERE state = 'queued') + $1 ORDER BY due_at, id LIMIT $2`, within.Microseconds(), limit)
}

// CountOpen counts jobs that are running, or queued and due at the instant.
func CountOpen(ctx context.Context, tx *Tx, now time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT COUNT(*) FROM job WHERE state = 'running') + (SELECT COUNT(*) FROM job WHERE state = 'queued' AND due_at <= $1)`, clock.Micros(now)).Scan(&n)
	return n, err
}

// HasOpen tells whether CountOpen would count any.
func HasOpen(ctx context.Context, tx *Tx, now time.Time) (open bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE state = 'running') OR EXISTS (SELECT 1 FROM job WHERE state = 'queued' AND due_at <= $1)`, clock.Micros(now)).Scan(&open)
	return open, err
}

// ClaimJobs leases up to limit due jobs of a lane, earliest first, but of some kinds.
func ClaimJobs(ctx context.Context, tx *Tx, lane string, but []string, now time.Time, limit int, owner string, leaseUntil time.Time) ([]Job, error) {
	args := []any{owner, clock.Micros(leaseUntil), lane, clock.Micros(now), limit}
	except := ""
	if len(but) > 0 {
		except, args = in(args, but)
		except = " AND kind NOT IN (" + except + ")"
	}
	return collect(ctx, tx, func(r *sql.Rows, j *Job) error { return scanJob(r, j) },
		`UPDATE job SET state = 'running', lease_owner = $1, lease_until = $2 WHERE id IN (
			SELECT id FROM job WHERE state = 'queued' AND lane = $3 AND due_at <= $4`+except+` ORDER BY due_at, id LIMIT $5`+locking(tx, " SKIP LOCKED")+`) RETURNING `+jobColumns,
		args...)
}

// ExtendLeases keeps the jobs an owner runs from being taken for lost.
func ExtendLeases(ctx context.Context, tx *Tx, owner string, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE job SET lease_until = $1 WHERE state = 'running' AND lease_owner = $2`, clock.Micros(until), owner)
	return err
}

// ReclaimJobs puts back the running jobs whose lease ended before the instant and
// marks their unanswered attempts as unknown. It gives the lanes to wake.
func ReclaimJobs(ctx context.Context, tx *Tx, endedBefore time.Time) ([]string, error) {
	return letGo(ctx, tx, `lease_until < $1`, clock.Micros(endedBefore))
}

// ForgetJobs puts back the running jobs of an owner that are not among those it says it
// works on, likewise. It gives the lanes to wake.
func ForgetJobs(ctx context.Context, tx *Tx, owner string, held []string) ([]string, error) {
	args := []any{owner}
	var marks []string
	for _, id := range held {
		args = append(args, id)
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	if len(marks) == 0 {
		marks = []string{"''"}
	}
	return letGo(ctx, tx, `lease_owner = $1 AND id NOT IN (`+strings.Join(marks, ", ")+`)`, args...)
}

func letGo(ctx context.Context, tx *Tx, which string, args ...any) ([]string, error) {
	type lost struct{ id, lane string }
	jobs, err := collect(ctx, tx, func(r *sql.Rows, l *lost) error { return r.Scan(&l.id, &l.lane) },
		`UPDATE job SET state = 'queued', lease_owner = '', lease_until = 0 WHERE state = 'running' AND `+which+` RETURNING id, lane`, args...)
	if err != nil {
		return nil, err
	}
	var lanes []string
	for _, j := range jobs {
		lanes = append(lanes, j.lane)
		if err := interrupt(ctx, tx, j.id); err != nil {
			return nil, err
		}
	}
	return lanes, nil
}

// interrupt marks the calls of a job that have no outcome as unknown: the seller may
// have acted. // spec: 01 §2.3
func interrupt(ctx context.Context, tx *Tx, job string) error {
	_, err := tx.Exec(ctx, `UPDATE attempt SET state = 'unknown', reason = 'interrupted' WHERE job_id = $1 AND state = 'running'`, job)
	return err
}

// PutBackJob gives a job back that its owner could not do, as it was, due at the
// instant. It does nothing when the owner has lost it.
func PutBackJob(ctx context.Context, tx *Tx, id, owner string, due time.Time) error {
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'queued', lease_owner = '', lease_until = 0, due_at = $1 WHERE id = $2 AND state = 'running' AND lease_owner = $3`, clock.Micros(due), id, owner)
	if err != nil || n == 0 {
		return err
	}
	return interrupt(ctx, tx, id)
}

// ErrLeaseLost says that a worker no longer has the job that it worked on: another one
// has. What it did in the same transaction must be undone with it.
var ErrLeaseLost = errors.New("the lease of the job is lost")

// RequeueJob gives a job that the owner runs back with a new due instant, or is
// ErrLeaseLost.
func RequeueJob(ctx context.Context, tx *Tx, id, owner string, due time.Time, tries int, payload string) error {
	return fence(tx.Exec(ctx, `UPDATE job SET state = 'queued', lease_owner = '', lease_until = 0, occasion = '', due_at = $1, tries = $2, payload = $3 WHERE id = $4 AND state = 'running' AND lease_owner = $5`,
		clock.Micros(due), tries, payload, id, owner))
}

func fence(n int64, err error) error {
	if err == nil && n == 0 {
		return ErrLeaseLost
	}
	return err
}

// FinishJob ends a job that the owner runs (owner "": that nobody runs) and lets the
// next of its chain run, or is ErrLeaseLost. The chain's instance is locked by the caller.
func FinishJob(ctx context.Context, tx *Tx, id, owner, chain string, state JobState, outcome string, tries int, now time.Time) error {
	if err := fence(tx.Exec(ctx, `UPDATE job SET state = $1, outcome = $2, tries = $3, finished_at = $4, lease_owner = '', lease_until = 0, occasion = '' WHERE id = $5 AND lease_owner = $6`,
		state, outcome, tries, clock.Micros(now), id, owner)); err != nil {
		return err
	}
	if chain == "" {
		return nil
	}
	return promote(ctx, tx, chain, now)
}

// promote queues the first waiting job of a chain when nothing of it is queued or
// running; a job whose instant has passed while it waited is due now.
func promote(ctx context.Context, tx *Tx, chain string, _ time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE job SET state = 'queued' WHERE id = (SELECT id FROM job WHERE chain = $1 AND chain <> '' AND state = 'waiting' ORDER BY chain_no LIMIT 1)
		AND NOT EXISTS (SELECT 1 FROM job o WHERE o.chain = $1 AND o.chain <> '' AND o.state IN ('queued', 'running'))`, chain)
	return err
}

// ReviveJob makes a job run once, now: a queued one earlier, a failed one again.
// Its schedule stays as it is. It is false when the job is running or finished well.
func ReviveJob(ctx context.Context, tx *Tx, id string, now time.Time, occasion string) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'queued', due_at = $1, occasion = $2, finished_at = 0 WHERE id = $3 AND state IN ('queued', 'failed')`, clock.Micros(now), occasion, id)
	return n == 1, err
}

// DropWaiting drops the jobs of a chain that were never sent, of the given kinds,
// and gives their number; then the chain goes on. // spec: 01 §2.8, 02 §2.7
func DropWaiting(ctx context.Context, tx *Tx, chain string, kinds []string, outcome string, now time.Time) (int, error) {
	args := []any{outcome, clock.Micros(now), chain}
	var marks []string
	for _, k := range kinds {
		args = append(args, k)
		marks = append(marks, fmt.Sprintf("$%d", len(args)))
	}
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'dropped', outcome = $1, finished_at = $2 WHERE chain = $3 AND chain <> '' AND state IN ('waiting', 'queued') AND kind IN (`+strings.Join(marks, ", ")+`)`, args...)
	if err != nil {
		return 0, err
	}
	return int(n), promote(ctx, tx, chain, now)
}

// JobByID reads one job.
func JobByID(ctx context.Context, tx *Tx, id string) (Job, error) {
	var j Job
	err := scanJob(tx.QueryRow(ctx, `SELECT `+jobColumns+` FROM job WHERE id = $1`, id), &j)
	return j, noRow(err)
}

// ChainJobs lists the jobs of an instance in order.
func ChainJobs(ctx context.Context, tx *Tx, chain string) ([]Job, error) {
	return collect(ctx, tx, func(r *sql.Rows, j *Job) error { return scanJob(r, j) },
		`SELECT `+jobColumns+` FROM job WHERE chain = $1 AND chain <> '' ORDER BY chain_no`, chain)
}

// CountJobs counts jobs by state.
func CountJobs(ctx context.Context, tx *Tx) (map[JobState]int, error) {
	out := map[JobState]int{}
	rows, err := tx.Query(ctx, `SELECT state, COUNT(*) FROM job GROUP BY state ORDER BY state`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s JobState
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		out[s] = n
	}
	return out, rows.Err()
}

// JobWaits tells whether a job of the platform's own of a kind is queued or runs.
func JobWaits(ctx context.Context, tx *Tx, kind string) (waits bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM job WHERE lane = 'platform' AND kind = $1 AND state IN ('queued', 'running'))`, kind).Scan(&waits)
	return waits, err
}

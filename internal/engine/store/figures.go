package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Counted is how many rows share a label; Oldest is the instant of the first of them, zero where that means nothing.
type Counted struct {
	Label, Kind string
	Count       int64
	Oldest      time.Time
}

func counted(ctx context.Context, tx *Tx, query string, args ...any) ([]Counted, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *Counted) error {
		var us int64
		err := r.Scan(&c.Label, &c.Kind, &c.Count, &us)
		c.Oldest = clock.FromMicros(us)
		return err
	}, query, args...)
}

// OpenJobs counts the jobs that are not done, by state and kind, each state by an index of its own.
func OpenJobs(ctx context.Context, tx *Tx) ([]Counted, error) {
	return counted(ctx, tx, `SELECT 'queued', kind, COUNT(*), 0 FROM job WHERE state = 'queued' GROUP BY kind
		UNION ALL SELECT 'running', kind, COUNT(*), 0 FROM job WHERE state = 'running' GROUP BY kind
		UNION ALL SELECT 'waiting', kind, COUNT(*), 0 FROM job WHERE state = 'waiting' GROUP BY kind
		UNION ALL SELECT 'failed', kind, COUNT(*), MIN(finished_at) FROM job WHERE state = 'failed' GROUP BY kind
		ORDER BY 1, 2`)
}

// DueJobs counts the jobs that are due and wait for a worker, by kind of lane: call, notify or platform.
func DueJobs(ctx context.Context, tx *Tx, now time.Time) ([]Counted, error) {
	return counted(ctx, tx, `SELECT CASE WHEN lane LIKE 'call:%' THEN 'call' WHEN lane LIKE 'notify:%' THEN 'notify' ELSE 'platform' END, '', COUNT(*), MIN(due_at)
		FROM job WHERE state = 'queued' AND due_at <= $1 GROUP BY 1 ORDER BY 1`, clock.Micros(now))
}

// CountOrders counts all orders by status.
func CountOrders(ctx context.Context, tx *Tx) ([]Counted, error) {
	return counted(ctx, tx, `SELECT status, '', COUNT(*), MIN(created_at) FROM orders GROUP BY status ORDER BY status`)
}

// CountMails counts the mails that are not sent, by state.
func CountMails(ctx context.Context, tx *Tx) ([]Counted, error) {
	return counted(ctx, tx, `SELECT 'queued', '', COUNT(*), COALESCE(MIN(created_at), 0) FROM mail WHERE state = 'queued'
		UNION ALL SELECT 'failed', '', COUNT(*), COALESCE(MIN(created_at), 0) FROM mail WHERE state = 'failed' ORDER BY 1`)
}

// AuditState is how far the chain reaches, and what waits for its place: how much and, on the business clock, since when.
func AuditState(ctx context.Context, tx *Tx) (head int64, open Counted, err error) {
	h, _, err := AuditHead(ctx, tx)
	if err != nil {
		return 0, open, err
	}
	var us int64
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(MIN(at), 0) FROM audit WHERE seq = 0`).Scan(&open.Count, &us)
	open.Oldest = clock.FromMicros(us)
	return h.Seq, open, err
}

// CountSessions counts the browser sessions that have not ended.
func CountSessions(ctx context.Context, tx *Tx, now time.Time) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM session WHERE expires_at > $1`, clock.Micros(now)).Scan(&n)
	return n, err
}

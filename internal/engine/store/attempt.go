package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
)

// Attempt states. A running attempt has no outcome yet: whoever asks is told
// "unknown". // spec: 01 §8.5
const (
	AttemptRunning  = "running"
	AttemptSuccess  = "success"
	AttemptRetrying = "retrying"
	AttemptFailed   = "failed"
	AttemptUnknown  = "unknown"
)

// Attempt is one call to a seller's server, with the bytes of both sides (secrets
// masked).
type Attempt struct {
	ID          string
	JobID       string
	SellerID    string
	BuyerID     string
	ProductID   string
	OrderID     string
	OrderLineID string
	InstanceID  string
	Activity    string
	Number      int
	Occasion    string
	State       string
	BusinessID  string
	HTTPStatus  int
	ResultCode  string
	ResultMsg   string
	Reason      string // which check failed // spec: 10 §8.3
	Detail      string
	StartedAt   time.Time // wire clock
	BusinessAt  time.Time // business clock
	Duration    time.Duration
	NextAt      time.Time // business clock; zero when none is planned
	Request     []byte
	Response    []byte
}

const attemptMeta = `id, job_id, seller_id, buyer_id, product_id, order_id, order_line_id, instance_id, activity, number, occasion, state, business_id, http_status, result_code, result_msg, reason, detail, started_at, business_at, duration_us, next_at`

func scanAttempt(r row, a *Attempt, bytes bool) error {
	var started, business, duration, next int64
	to := []any{&a.ID, &a.JobID, &a.SellerID, &a.BuyerID, &a.ProductID, &a.OrderID, &a.OrderLineID, &a.InstanceID, &a.Activity, &a.Number, &a.Occasion, &a.State,
		&a.BusinessID, &a.HTTPStatus, &a.ResultCode, &a.ResultMsg, &a.Reason, &a.Detail, &started, &business, &duration, &next}
	if bytes {
		to = append(to, &a.Request, &a.Response)
	}
	err := r.Scan(to...)
	a.StartedAt, a.BusinessAt, a.NextAt = clock.FromMicros(started), clock.FromMicros(business), clock.FromMicros(next)
	a.Duration = time.Duration(duration) * time.Microsecond
	return err
}

// InsertAttempt writes a call before a byte of it is sent.
func InsertAttempt(ctx context.Context, tx *Tx, a *Attempt) error {
	return InsertAttempts(ctx, tx, []*Attempt{a})
}

func attemptValues(a *Attempt) []any {
	if a.Response == nil {
		a.Response = []byte{}
	}
	return []any{a.ID, a.JobID, a.SellerID, a.BuyerID, a.ProductID, a.OrderID, a.OrderLineID, a.InstanceID, a.Activity, a.Number, a.Occasion, a.State, a.BusinessID, a.HTTPStatus,
		a.ResultCode, a.ResultMsg, a.Reason, a.Detail, clock.Micros(a.StartedAt), clock.Micros(a.BusinessAt), a.Duration.Microseconds(), clock.Micros(a.NextAt), a.Request, a.Response}
}

// ForgetBytes empties what was sent and received of at most limit ended calls after a row key, begun before an instant. It
// gives the key to go on from, "" when there are no more, and how many calls it was.
func ForgetBytes(ctx context.Context, tx *Tx, after string, before time.Time, limit int) (last string, n int, err error) {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT id FROM attempt WHERE id > $1 AND id < $2 AND state <> 'running' ORDER BY id LIMIT $3`, after, ident.RowFloor(before), limit)
	if err != nil || len(ids) == 0 {
		return "", 0, err
	}
	last = ids[len(ids)-1]
	_, err = tx.Exec(ctx, `UPDATE attempt SET request = $1, response = $1 WHERE id > $2 AND id <= $3 AND state <> 'running'`, []byte{}, after, last)
	return last, len(ids), err
}

// CloseAttempt writes the outcome of a call.
func CloseAttempt(ctx context.Context, tx *Tx, a *Attempt) error {
	if a.Response == nil {
		a.Response = []byte{}
	}
	return mustOne(tx.Exec(ctx, `UPDATE attempt SET state = $1, http_status = $2, result_code = $3, result_msg = $4, reason = $5, detail = $6, duration_us = $7, next_at = $8, request = $9, response = $10 WHERE id = $11`,
		a.State, a.HTTPStatus, a.ResultCode, a.ResultMsg, a.Reason, a.Detail, a.Duration.Microseconds(), clock.Micros(a.NextAt), a.Request, a.Response, a.ID))
}

// AttemptByID reads one attempt with its bytes within the scope.
func AttemptByID(ctx context.Context, tx *Tx, s Scope, id string) (*Attempt, error) {
	var a Attempt
	cond, args := s.where("buyer_id", "seller_id", []any{id})
	err := scanAttempt(tx.QueryRow(ctx, `SELECT `+attemptMeta+`, request, response FROM attempt WHERE id = $1`+cond, args...), &a, true)
	return &a, noRow(err)
}

// LastAttemptOfJob reads the latest attempt of a job; ErrNoRow when none was made.
func LastAttemptOfJob(ctx context.Context, tx *Tx, job string) (*Attempt, error) {
	var a Attempt
	err := scanAttempt(tx.QueryRow(ctx, `SELECT `+attemptMeta+` FROM attempt WHERE job_id = $1 ORDER BY id DESC LIMIT 1`, job), &a, false)
	return &a, noRow(err)
}

// AttemptFilter narrows a list of attempts; empty members do not.
type AttemptFilter struct {
	OrderID, InstanceID, Activity, State, SellerID string
}

// Attempts lists attempts without their bytes, newest first, before a mark. With
// oldestFirst the order and the meaning of the mark turn round.
func Attempts(ctx context.Context, tx *Tx, s Scope, f AttemptFilter, mark string, limit int, oldestFirst bool) ([]Attempt, error) {
	var args []any
	cond := "1 = 1"
	add := func(column, value string) {
		if value != "" {
			args = append(args, value)
			cond += fmt.Sprintf(" AND %s = $%d", column, len(args))
		}
	}
	add("order_id", f.OrderID)
	add("instance_id", f.InstanceID)
	add("activity", f.Activity)
	add("seller_id", f.SellerID)
	if f.State == AttemptUnknown {
		cond += " AND state IN ('unknown', 'running')"
	} else {
		add("state", f.State)
	}
	scope, args := s.where("buyer_id", "seller_id", args)
	dir, less := "DESC", "<"
	if oldestFirst {
		dir, less = "ASC", ">"
	}
	if mark != "" {
		args = append(args, mark)
		scope += fmt.Sprintf(" AND id %s $%d", less, len(args))
	}
	args = append(args, limit)
	return collect(ctx, tx, func(r *sql.Rows, a *Attempt) error { return scanAttempt(r, a, false) },
		fmt.Sprintf(`SELECT `+attemptMeta+` FROM attempt WHERE %s%s ORDER BY id %s LIMIT $%d`, cond, scope, dir, len(args)), args...)
}

// BusinessIDs lists every businessId sent for a line, oldest first. // spec: 02 §2.12
func BusinessIDs(ctx context.Context, tx *Tx, line string) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT business_id FROM attempt WHERE order_line_id = $1 AND business_id <> '' ORDER BY id`, line)
}

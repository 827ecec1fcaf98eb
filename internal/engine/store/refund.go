package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

const refundColumns = `id, instance_id, buyer_id, state, amount, currency, reason, asked_by, asked_at, answer_by, answered_by, answered_at, answer, order_id,
	(SELECT l.product_name FROM instance i JOIN order_line l ON l.id = i.order_line_id WHERE i.id = refund_request.instance_id)`

func scanRefund(row row, r *order.RefundRequest) error {
	var asked, by, answered int64
	err := row.Scan(&r.ID, &r.InstanceID, &r.BuyerID, &r.State, &r.Amount, &r.Currency, &r.Reason, &r.AskedBy, &asked, &by, &r.AnsweredBy, &answered, &r.Answer, &r.OrderID, &r.ProductName)
	r.AskedAt, r.AnswerBy, r.AnsweredAt = clock.FromMicros(asked), clock.FromMicros(by), clock.FromMicros(answered)
	return err
}

// InsertRefundRequest notes a refund that waits for an answer.
func InsertRefundRequest(ctx context.Context, tx *Tx, r *order.RefundRequest) error {
	_, err := tx.Exec(ctx, `INSERT INTO refund_request (id, instance_id, buyer_id, state, amount, currency, reason, asked_by, asked_at, answer_by, answered_by, answered_at, answer, order_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, '', 0, '', '')`,
		r.ID, r.InstanceID, r.BuyerID, string(r.State), int64(r.Amount), string(r.Currency), r.Reason, r.AskedBy, clock.Micros(r.AskedAt), clock.Micros(r.AnswerBy))
	return err
}

// RefundRequest reads a request; sellers have none.
func RefundRequest(ctx context.Context, tx *Tx, s Scope, id string) (*order.RefundRequest, error) {
	cond, args := s.refunds([]any{id})
	var r order.RefundRequest
	err := scanRefund(tx.QueryRow(ctx, `SELECT `+refundColumns+` FROM refund_request WHERE id = $1`+cond, args...), &r)
	return &r, noRow(err)
}

// LockRefundRequest is RefundRequest for an answer. It is locked before the orders and the
// service that the answer is about.
func LockRefundRequest(ctx context.Context, tx *Tx, s Scope, id string) (*order.RefundRequest, error) {
	cond, args := s.refunds([]any{id})
	if err := mustOne(tx.Exec(ctx, `UPDATE refund_request SET state = state WHERE id = $1`+cond, args...)); err != nil {
		return nil, err
	}
	return RefundRequest(ctx, tx, s, id)
}

// refunds is where for requests, which are between a buyer and the operators.
func (s Scope) refunds(args []any) (string, []any) {
	if s.Kind == party.Seller {
		s.Kind = ""
	}
	return s.where("buyer_id", "", args)
}

// AnswerRefundRequest ends a request that waits.
func AnswerRefundRequest(ctx context.Context, tx *Tx, r *order.RefundRequest) error {
	return mustOne(tx.Exec(ctx, `UPDATE refund_request SET state = $1, amount = $2, answered_by = $3, answered_at = $4, answer = $5, order_id = $6 WHERE id = $7 AND state = 'WAITING'`,
		string(r.State), int64(r.Amount), r.AnsweredBy, clock.Micros(r.AnsweredAt), r.Answer, r.OrderID, r.ID))
}

// WaitingRefund finds the open request about a service; nil when there is none.
func WaitingRefund(ctx context.Context, tx *Tx, instance string) (*order.RefundRequest, error) {
	var r order.RefundRequest
	err := scanRefund(tx.QueryRow(ctx, `SELECT `+refundColumns+` FROM refund_request WHERE instance_id = $1 AND state = 'WAITING'`, instance), &r)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &r, err
}

// RefundFilter narrows a list of requests; empty members do not.
type RefundFilter struct{ State, InstanceID string }

// RefundRequests lists requests within the scope, newest first, before a mark.
func RefundRequests(ctx context.Context, tx *Tx, s Scope, f RefundFilter, before string, limit int) ([]order.RefundRequest, error) {
	var c conditions
	c.text, c.args = s.refunds(nil)
	c.is("state", f.State)
	c.is("instance_id", f.InstanceID)
	if before != "" {
		c.add("id < ?", before)
	}
	text := `SELECT ` + refundColumns + ` FROM refund_request WHERE 1 = 1` + c.text + ` ORDER BY id DESC` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, one *order.RefundRequest) error { return scanRefund(r, one) }, text, c.args...)
}

// RefundQueue is how many requests wait, since when.
func RefundQueue(ctx context.Context, tx *Tx) (Queue, error) {
	return queue(ctx, tx, `SELECT COUNT(*), COALESCE(MIN(asked_at), 0) FROM refund_request WHERE state = 'WAITING'`)
}

// RefundsOfYear counts a buyer's five-day refunds since an instant. One that waits counts, and
// one that waited counts in the year in which it was asked for. // spec: 22 §4.1
func RefundsOfYear(ctx context.Context, tx *Tx, buyer string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT (SELECT COUNT(*) FROM orders WHERE buyer_id = $1 AND source = 'FIVE_DAY' AND created_at >= $2 AND type = 'UNSUBSCRIBE'
			AND NOT EXISTS (SELECT 1 FROM refund_request r WHERE r.order_id = orders.id AND r.order_id <> ''))
		+ (SELECT COUNT(*) FROM refund_request WHERE buyer_id = $1 AND asked_at >= $2 AND state IN ('WAITING', 'APPROVED'))`, buyer, clock.Micros(since)).Scan(&n)
	return n, err
}

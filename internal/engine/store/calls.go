package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/clock"
)

// What calls to sellers that begin or end together need.

// CallOrder is an order with who takes part in calls about it.
type CallOrder struct {
	order.Order
	CallParties
}

var callOrders = `SELECT ` + prefixed("o", orderColumns) + `, ` + prefixed("l", lineColumns) + `, ` + partyColumns("o.seller_id", "$1", "o.product_id") + `
	FROM orders o JOIN order_line l ON l.order_id = o.id ` + partyTables("o.product_id", "o.seller_id", "o.buyer_id", "o.placed_by") + ` WHERE o.id IN (`

// CallOrders reads orders with their lines and who takes part in calls of a class about them.
func CallOrders(ctx context.Context, tx *Tx, class string, orders []string) (map[string]*CallOrder, error) {
	marks, args := in([]any{class}, orders)
	out := make(map[string]*CallOrder, len(orders))
	_, err := collect(ctx, tx, func(r *sql.Rows, _ *struct{}) error {
		var one CallOrder
		var l order.Line
		to, then := lineTo(&l)
		p := productTo(&one.Product)
		to = append(append(to, p.to...), one.rest()...)
		if err := scanOrder(wider{r, to}, &one.Order); err != nil {
			return err
		}
		then()
		if err := p.then(); err != nil {
			return err
		}
		if out[one.ID] == nil {
			out[one.ID] = &one
		}
		out[one.ID].Lines = append(out[one.ID].Lines, l)
		return nil
	}, callOrders+marks+`) ORDER BY o.id, l.number`, args...)
	return out, err
}

// KeysOf lists the keys in force at an instant of several sellers, each's signing one first.
func KeysOf(ctx context.Context, tx *Tx, class string, now time.Time, sellers []string) (map[string][]Key, error) {
	marks, args := in([]any{class, clock.Micros(now)}, sellers)
	out := map[string][]Key{}
	_, err := collect(ctx, tx, func(r *sql.Rows, _ *struct{}) error {
		var k Key
		var seller string
		var created int64
		err := r.Scan(&seller, &k.Version, &k.Sealed, &created)
		k.CreatedAt = clock.FromMicros(created)
		out[seller] = append(out[seller], k)
		return err
	}, `SELECT seller_id, version, sealed, created_at FROM interconnection_key WHERE class = $1 AND (retired_at = 0 OR retired_at > $2) AND seller_id IN (`+marks+`) ORDER BY seller_id, version DESC`, args...)
	return out, err
}

// CountAttempts fences a worker and gives the calls of those of its jobs a number that it
// still has.
func CountAttempts(ctx context.Context, tx *Tx, ids []string, owner string) (map[string]int, error) {
	marks, args := in([]any{owner}, ids)
	out := make(map[string]int, len(ids))
	_, err := collect(ctx, tx, func(r *sql.Rows, _ *struct{}) error {
		var id string
		var n int
		err := r.Scan(&id, &n)
		out[id] = n
		return err
	}, `UPDATE job SET attempts = attempts + 1 WHERE state = 'running' AND lease_owner = $1 AND id IN (`+marks+`) RETURNING id, attempts`, args...)
	return out, err
}

// HoldInstances takes the rows of instances for this transaction and does not read them.
// SQLite's one writer has them already.
func HoldInstances(ctx context.Context, tx *Tx, ids []string) error {
	if len(ids) == 0 || tx.Engine() == database.SQLite {
		return nil
	}
	marks, args := in(nil, ids)
	_, err := collect(ctx, tx, func(r *sql.Rows, id *string) error { return r.Scan(id) },
		`SELECT id FROM instance WHERE id IN (`+marks+`) ORDER BY id`+locking(tx, ""), args...)
	return err
}

// FinishJobs ends jobs that the owner runs as well done by one more try, lets the next of
// each chain run, and tells which the owner still had. The chains' instances are held.
func FinishJobs(ctx context.Context, tx *Tx, ids []string, owner string, chains []string, now time.Time) (map[string]bool, error) {
	marks, args := in([]any{clock.Micros(now), owner}, ids)
	out := make(map[string]bool, len(ids))
	_, err := collect(ctx, tx, func(r *sql.Rows, _ *struct{}) error {
		var id string
		err := r.Scan(&id)
		out[id] = true
		return err
	}, `UPDATE job SET state = 'done', outcome = '', tries = tries + 1, finished_at = $1, lease_owner = '', lease_until = 0, occasion = '' WHERE lease_owner = $2 AND id IN (`+marks+`) RETURNING id`, args...)
	if err != nil || len(chains) == 0 {
		return out, err
	}
	marks, args = in(nil, chains)
	_, err = tx.Exec(ctx, `UPDATE job SET state = 'queued' WHERE state = 'waiting' AND chain IN (`+marks+`) AND chain <> '' AND NOT EXISTS (SELECT 1 FROM job o
		WHERE o.chain = job.chain AND o.chain <> '' AND (o.state IN ('queued', 'running') OR o.state = 'waiting' AND o.chain_no < job.chain_no))`, args...)
	return out, err
}

// InsertAttempts writes calls before a byte of them is sent.
func InsertAttempts(ctx context.Context, tx *Tx, as []*Attempt) error {
	const width = 24
	values := make([]any, 0, width*len(as))
	for _, a := range as {
		values = append(values, attemptValues(a)...)
	}
	return insertRows(ctx, tx, `INSERT INTO attempt (`+attemptMeta+`, request, response)`, width, values)
}

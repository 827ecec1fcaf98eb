package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/ground/clock"
)

// TrialOf gives the days of a SKU's trial, 0 without one. // spec: 22 §3.6
func TrialOf(ctx context.Context, tx *Tx, sku string) (days int, err error) {
	err = noRow(tx.QueryRow(ctx, `SELECT trial_days FROM sku WHERE code = $1`, sku).Scan(&days))
	return days, err
}

// TrialsTaken counts a buyer's trials of the specification that a SKU belongs to; one that
// never opened does not count. // spec: 20 B3
func TrialsTaken(ctx context.Context, tx *Tx, buyer, sku string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM sku s JOIN sku t ON t.product_id = s.product_id AND t.spec_key = s.spec_key
		JOIN order_line l ON l.sku_code = t.code JOIN orders o ON o.id = l.order_id
		WHERE s.code = $1 AND o.buyer_id = $2 AND o.type = 'TRIAL' AND l.status NOT IN ('REFUNDED', 'CANCELED')`, sku, buyer).Scan(&n)
	return n, err
}

// Bought counts a buyer's orders of a product placed after an instant that were not
// cancelled or given back, and the pieces of them; of some SKUs only where they are named.
// spec: 22 §2.4
func Bought(ctx context.Context, tx *Tx, buyer, product string, skus []string, since time.Time) (orders int, pieces int64, err error) {
	some, args := ofSKUs("l.sku_code", skus, []any{buyer, product, clock.Micros(since)})
	err = tx.QueryRow(ctx, `SELECT COUNT(*), COALESCE(SUM(l.quantity), 0) FROM orders o JOIN order_line l ON l.order_id = o.id
		WHERE o.buyer_id = $1 AND o.product_id = $2 AND o.created_at > $3 AND o.type = 'NEW' AND l.status NOT IN ('REFUNDED', 'CANCELED')`+some, args...).Scan(&orders, &pieces)
	return orders, pieces, err
}

// LiveInstances counts a buyer's instances of a product that are in use or being made; of
// some SKUs only where they are named.
func LiveInstances(ctx context.Context, tx *Tx, buyer, product string, skus []string) (n int, err error) {
	some, args := ofSKUs("sku_code", skus, []any{buyer, product})
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM instance WHERE buyer_id = $1 AND product_id = $2 AND status NOT IN ('RELEASED', 'FAILED')`+some, args...).Scan(&n)
	return n, err
}

// ofSKUs is the condition that a column holds one of the SKUs; none when none is named.
func ofSKUs(column string, skus []string, args []any) (string, []any) {
	if len(skus) == 0 {
		return "", args
	}
	list, args := in(args, skus)
	return " AND " + column + " IN (" + list + ")", args
}

// UpgradeAllowed tells whether a rule lets one SKU be changed into another. // spec: 20 B3.5
func UpgradeAllowed(ctx context.Context, tx *Tx, from, to string) (bool, error) {
	var one int
	err := tx.QueryRow(ctx, `SELECT 1 FROM upgrade_rule WHERE from_sku = $1 AND to_sku = $2`, from, to).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// UpgradesOf lists the SKUs that a SKU may be changed into.
func UpgradesOf(ctx context.Context, tx *Tx, sku string) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) }, `SELECT to_sku FROM upgrade_rule WHERE from_sku = $1 ORDER BY to_sku`, sku)
}

const linesOfInstance = `SELECT ` + lineColumns + ` FROM order_line WHERE instance_id = $1 AND instance_id <> '' ORDER BY id`

// InstanceLines lists the order lines about an instance.
func InstanceLines(ctx context.Context, tx *Tx, instance string) ([]order.Line, error) {
	return collect(ctx, tx, func(r *sql.Rows, l *order.Line) error { return scanLine(r, l) }, linesOfInstance, instance)
}

// LineByID reads one order line.
func LineByID(ctx context.Context, tx *Tx, id string) (order.Line, error) {
	var l order.Line
	err := scanLine(tx.QueryRow(ctx, `SELECT `+lineColumns+` FROM order_line WHERE id = $1`, id), &l)
	return l, noRow(err)
}

// OrderTypeOf reads what an order is for.
func OrderTypeOf(ctx context.Context, tx *Tx, id string) (t order.Type, err error) {
	err = noRow(tx.QueryRow(ctx, `SELECT type FROM orders WHERE id = $1`, id).Scan(&t))
	return t, err
}

// SetPeriodState moves a paid term on.
func SetPeriodState(ctx context.Context, tx *Tx, instance, line, state string) error {
	return mustOne(tx.Exec(ctx, `UPDATE period SET state = $1 WHERE instance_id = $2 AND order_line_id = $3`, state, instance, line))
}

// ResizePeriod gives a term that has not begun another size.
func ResizePeriod(ctx context.Context, tx *Tx, p Period) error {
	return mustOne(tx.Exec(ctx, `UPDATE period SET offer_id = $1, sku_code = $2, quantity = $3 WHERE instance_id = $4 AND order_line_id = $5`, p.OfferID, p.SKUCode, p.Quantity, p.InstanceID, p.OrderLineID))
}

// EndPeriods moves the terms of instances that are in one state into another.
func EndPeriods(ctx context.Context, tx *Tx, instances []string, from, to string) error {
	if len(instances) == 0 {
		return nil
	}
	marks, args := in([]any{to, from}, instances)
	_, err := tx.Exec(ctx, `UPDATE period SET state = $1 WHERE state = $2 AND instance_id IN (`+marks+`)`, args...)
	return err
}

// RefundProposal finds which operator proposed to refund an order; "" when none did.
func RefundProposal(ctx context.Context, tx *Tx, order string) (by string, err error) {
	err = tx.QueryRow(ctx, `SELECT proposed_by FROM refund_proposal WHERE order_id = $1`, order).Scan(&by)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return by, err
}

// ProposeRefund notes who proposed to refund an order.
func ProposeRefund(ctx context.Context, tx *Tx, order, by string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO refund_proposal (order_id, proposed_by, proposed_at) VALUES ($1, $2, $3)`, order, by, clock.Micros(at))
	return err
}

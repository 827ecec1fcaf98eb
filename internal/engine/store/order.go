package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/money"
)

const orderColumns = `id, type, status, buyer_id, placed_by, seller_id, product_id, currency, amount_list, amount_deal, amount_coupon, amount_paid, source, origin_order_id, origin_line_id, reason, possibly_orphaned, breakdown, created_at, pay_deadline, paid_at, completed_at`

func scanOrder(r row, o *order.Order) error {
	var created, deadline, paid, completed int64
	var breakdown string
	err := r.Scan(&o.ID, &o.Type, &o.Status, &o.BuyerID, &o.PlacedBy, &o.SellerID, &o.ProductID, &o.Currency, &o.AmountList, &o.AmountDeal, &o.AmountCoupon, &o.AmountPaid,
		&o.Source, &o.OriginOrderID, &o.OriginLineID, &o.Reason, &o.PossiblyOrphaned, &breakdown, &created, &deadline, &paid, &completed)
	o.CreatedAt, o.PayDeadline, o.PaidAt, o.CompletedAt = clock.FromMicros(created), clock.FromMicros(deadline), clock.FromMicros(paid), clock.FromMicros(completed)
	if err == nil && breakdown != "[]" {
		err = json.Unmarshal([]byte(breakdown), &o.Breakdown)
	}
	return err
}

const lineColumns = `id, order_id, number, offer_id, sku_code, product_name, sku_name, attributes, charging, period_type, period_number, quantity, linear, unit_price, amount_deal, amount_paid, instance_id, status, announced_expiry, first_business_id, effective_at, expire_at`

// lineTo gives where the columns of a line go, and what is to be done once they are
// there.
func lineTo(l *order.Line) (to []any, then func()) {
	var announced, effective, expire int64
	return []any{&l.ID, &l.OrderID, &l.Number, &l.OfferID, &l.SKUCode, &l.ProductName, &l.SKUName, &l.Attributes, &l.Charging, &l.PeriodType, &l.PeriodNumber, &l.Quantity, &l.Linear,
			&l.UnitPrice, &l.AmountDeal, &l.AmountPaid, &l.InstanceID, &l.Status, &announced, &l.FirstBusinessID, &effective, &expire}, func() {
			l.AnnouncedExpiry, l.EffectiveAt, l.ExpireAt = clock.FromMicros(announced), clock.FromMicros(effective), clock.FromMicros(expire)
		}
}

func scanLine(r row, l *order.Line) error {
	to, then := lineTo(l)
	err := r.Scan(to...)
	then()
	return err
}

// InsertOrder adds an order with its lines. A taken id is a unique violation:
// the caller draws another. // spec: 01 §7
func InsertOrder(ctx context.Context, tx *Tx, o *order.Order) error {
	breakdown := "[]"
	if len(o.Breakdown) > 0 {
		text, err := json.Marshal(o.Breakdown)
		if err != nil {
			return err
		}
		breakdown = string(text)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO orders (`+orderColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		o.ID, o.Type, o.Status, o.BuyerID, o.PlacedBy, o.SellerID, o.ProductID, o.Currency, o.AmountList, o.AmountDeal, o.AmountCoupon, o.AmountPaid,
		o.Source, o.OriginOrderID, o.OriginLineID, o.Reason, o.PossiblyOrphaned, breakdown, clock.Micros(o.CreatedAt), clock.Micros(o.PayDeadline), clock.Micros(o.PaidAt), clock.Micros(o.CompletedAt)); err != nil {
		return err
	}
	for _, l := range o.Lines {
		if _, err := tx.Exec(ctx, `INSERT INTO order_line (`+lineColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
			l.ID, l.OrderID, l.Number, l.OfferID, l.SKUCode, l.ProductName, l.SKUName, l.Attributes, l.Charging, l.PeriodType, l.PeriodNumber, l.Quantity, l.Linear, l.UnitPrice,
			l.AmountDeal, l.AmountPaid, l.InstanceID, l.Status, clock.Micros(l.AnnouncedExpiry), l.FirstBusinessID, clock.Micros(l.EffectiveAt), clock.Micros(l.ExpireAt)); err != nil {
			return err
		}
	}
	return nil
}

var orderWithLine = `SELECT ` + prefixed("o", orderColumns) + `, ` + prefixed("l", lineColumns) + ` FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.id = $1`

// Order reads an order with its lines within the scope.
func Order(ctx context.Context, tx *Tx, s Scope, id string) (*order.Order, error) {
	var o order.Order
	cond, args := s.where("o.buyer_id", "o.seller_id", []any{id})
	lines, err := collect(ctx, tx, func(r *sql.Rows, l *order.Line) error {
		to, then := lineTo(l)
		err := scanOrder(wider{r, to}, &o)
		then()
		return err
	}, orderWithLine+cond+` ORDER BY l.number`, args...)
	if err == nil && len(lines) == 0 { // an order has at least one line
		err = ErrNoRow
	}
	o.Lines = lines
	return &o, err
}

func linesOf(ctx context.Context, tx *Tx, id string) ([]order.Line, error) {
	return collect(ctx, tx, func(r *sql.Rows, l *order.Line) error { return scanLine(r, l) },
		`SELECT `+lineColumns+` FROM order_line WHERE order_id = $1 ORDER BY number`, id)
}

// LockOrder writes the order's row so that nobody else can change it in this
// transaction's time, and reads it as it then is.
func LockOrder(ctx context.Context, tx *Tx, s Scope, id string) (*order.Order, error) {
	var o order.Order
	cond, args := s.where("buyer_id", "seller_id", []any{id})
	if err := scanOrder(tx.QueryRow(ctx, `UPDATE orders SET status = status WHERE id = $1`+cond+` RETURNING `+orderColumns, args...), &o); err != nil {
		return nil, noRow(err)
	}
	var err error
	o.Lines, err = linesOf(ctx, tx, id)
	return &o, err
}

// Orders lists orders, newest first, after the mark (created_at micros, id).
func Orders(ctx context.Context, tx *Tx, s Scope, status string, beforeAt int64, beforeID string, limit int) ([]order.Order, error) {
	args := []any{status, beforeAt, beforeID, limit}
	cond, args := s.where("buyer_id", "seller_id", args)
	out, err := collect(ctx, tx, func(r *sql.Rows, o *order.Order) error { return scanOrder(r, o) },
		`SELECT `+orderColumns+` FROM orders WHERE ($1 = '' OR status = $1) AND ($2 = 0 OR created_at < $2 OR (created_at = $2 AND id < $3))`+cond+` ORDER BY created_at DESC, id DESC LIMIT $4`, args...)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if out[i].Lines, err = linesOf(ctx, tx, out[i].ID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// SaveOrder writes what changes in an order's life.
func SaveOrder(ctx context.Context, tx *Tx, o *order.Order) error {
	return mustOne(tx.Exec(ctx, `UPDATE orders SET status = $1, amount_paid = $2, reason = $3, possibly_orphaned = $4, paid_at = $5, completed_at = $6 WHERE id = $7`,
		o.Status, o.AmountPaid, o.Reason, o.PossiblyOrphaned, clock.Micros(o.PaidAt), clock.Micros(o.CompletedAt), o.ID))
}

// SaveLine writes what changes in a line's life.
func SaveLine(ctx context.Context, tx *Tx, l *order.Line) error {
	return mustOne(tx.Exec(ctx, `UPDATE order_line SET amount_paid = $1, instance_id = $2, status = $3, announced_expiry = $4, effective_at = $5, expire_at = $6 WHERE id = $7`,
		l.AmountPaid, l.InstanceID, l.Status, clock.Micros(l.AnnouncedExpiry), clock.Micros(l.EffectiveAt), clock.Micros(l.ExpireAt), l.ID))
}

// SetFirstBusinessID keeps the first businessId sent for a line. // spec: 02 §1.5
func SetFirstBusinessID(ctx context.Context, tx *Tx, line, businessID string) error {
	_, err := tx.Exec(ctx, `UPDATE order_line SET first_business_id = $1 WHERE id = $2 AND first_business_id = ''`, businessID, line)
	return err
}

const unpaidQuery = `SELECT o.id FROM orders o JOIN order_line l ON l.order_id = o.id WHERE l.instance_id = $1 AND l.instance_id <> '' AND o.status = 'PENDING_PAYMENT' ORDER BY o.id LIMIT 1`

// UnpaidOrderOfInstance is the id of the unpaid order that blocks further ones; ""
// when there is none. // spec: 22 §3.3
func UnpaidOrderOfInstance(ctx context.Context, tx *Tx, instance string) (id string, err error) {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		unpaidQuery, instance)
	if len(ids) == 1 {
		id = ids[0]
	}
	return id, err
}

const unsubscriptionQuery = `SELECT id FROM orders WHERE origin_order_id = $1 AND origin_order_id <> '' AND type = 'UNSUBSCRIBE' ORDER BY id LIMIT 1`

// UnsubscriptionOf finds the UNSUBSCRIBE order of an order's line; "" when none.
func UnsubscriptionOf(ctx context.Context, tx *Tx, orderID string) (id string, err error) {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		unsubscriptionQuery, orderID)
	if len(ids) == 1 {
		id = ids[0]
	}
	return id, err
}

// Totals counts orders by status and what was paid: the demo and the crash tests
// compare them with ledger and sellers.
func Totals(ctx context.Context, tx *Tx) (map[string]int, money.Amount, error) {
	out := map[string]int{}
	var paid money.Amount
	rows, err := tx.Query(ctx, `SELECT status, COUNT(*), COALESCE(SUM(amount_paid), 0) FROM orders GROUP BY status`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		var n int
		var sum int64
		if err := rows.Scan(&s, &n, &sum); err != nil {
			return nil, 0, err
		}
		out[s] = n
		paid += money.Amount(sum)
	}
	return out, paid, rows.Err()
}

// Period is one paid term of an instance. // spec: 22 §3.1
type Period struct {
	InstanceID, OrderLineID string
	StartsAt, EndsAt        time.Time
	State                   string // CURRENT, FUTURE, PAST, REFUNDED
	OfferID, SKUCode        string // the size that it has, or will have
	Quantity                int64
}

// InsertPeriod adds a paid term.
func InsertPeriod(ctx context.Context, tx *Tx, p Period) error {
	_, err := tx.Exec(ctx, `INSERT INTO period (instance_id, order_line_id, starts_at, ends_at, state, offer_id, sku_code, quantity) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		p.InstanceID, p.OrderLineID, clock.Micros(p.StartsAt), clock.Micros(p.EndsAt), p.State, p.OfferID, p.SKUCode, p.Quantity)
	return err
}

// Periods lists the paid terms of an instance in time order.
func Periods(ctx context.Context, tx *Tx, instance string) ([]Period, error) {
	return collect(ctx, tx, func(r *sql.Rows, p *Period) error {
		var starts, ends int64
		err := r.Scan(&p.InstanceID, &p.OrderLineID, &starts, &ends, &p.State, &p.OfferID, &p.SKUCode, &p.Quantity)
		p.StartsAt, p.EndsAt = clock.FromMicros(starts), clock.FromMicros(ends)
		return err
	}, `SELECT instance_id, order_line_id, starts_at, ends_at, state, offer_id, sku_code, quantity FROM period WHERE instance_id = $1 ORDER BY starts_at, order_line_id`, instance)
}

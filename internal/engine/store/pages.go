package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/money"
)

// conditions collects the narrowing of a list: text with its arguments, numbered as they come.
type conditions struct {
	text string
	args []any
}

// add appends " AND (text)"; each ? stands for the next argument.
func (c *conditions) add(text string, args ...any) {
	for _, a := range args {
		c.args = append(c.args, a)
		text = strings.Replace(text, "?", fmt.Sprintf("$%d", len(c.args)), 1)
	}
	c.text += " AND (" + text + ")"
}

// is narrows to a value, unless it is empty.
func (c *conditions) is(column, value string) {
	if value != "" {
		c.add(column+" = ?", value)
	}
}

// like narrows to rows one of whose columns holds each word; case is forgiven.
func (c *conditions) like(words string, columns ...string) {
	for _, w := range strings.Fields(words) {
		pattern := "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(strings.ToLower(w)) + "%"
		var or []string
		var args []any
		for _, col := range columns {
			or = append(or, "LOWER("+col+`) LIKE ? ESCAPE '\'`)
			args = append(args, pattern)
		}
		c.add(strings.Join(or, " OR "), args...)
	}
}

// limit ends a list.
func (c *conditions) limit(n int) string {
	c.args = append(c.args, n)
	return fmt.Sprintf(" LIMIT $%d", len(c.args))
}

// ProductFilter narrows a list of products; empty members do not.
type ProductFilter struct {
	Words    string // in name, summary or the seller's name
	SellerID string
	State    string
	Category string // a leaf or the parent of some
	Listed   bool   // leaves hidden ones out
}

// FindProducts lists products within the scope, newest first, before a mark.
func FindProducts(ctx context.Context, tx *Tx, s Scope, f ProductFilter, before string, limit int) ([]catalog.Product, error) {
	var c conditions
	scope, args := productScope(s, nil)
	c.text, c.args = strings.ReplaceAll(scope, "seller_id", "p.seller_id"), args
	c.is("p.seller_id", f.SellerID)
	if s.Kind == party.Seller && f.SellerID == s.CompanyID { // the list of one's own, on sale or not
		var own string
		own, c.args = s.ownProducts(c.args)
		c.text += " AND " + own
	}
	c.is("p.state", f.State)
	if f.Category != "" {
		c.add("p.category_id = ? OR p.category_id IN (SELECT id FROM category WHERE parent_id = ?)", f.Category, f.Category)
	}
	if f.Listed {
		c.add("NOT p.hidden")
	}
	c.like(f.Words, "p.name", "p.summary", "(SELECT name FROM company WHERE company.id = p.seller_id)")
	if before != "" {
		c.add("p.id < ?", before)
	}
	text := `SELECT ` + productColumns + ` FROM product p WHERE 1 = 1` + c.text + ` ORDER BY p.id DESC` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, p *catalog.Product) error { return scanProduct(r, p) }, text, c.args...)
}

// ProductNames are the names of products by id.
func ProductNames(ctx context.Context, tx *Tx, ids []string) (map[string]string, error) {
	out := map[string]string{}
	for _, id := range ids {
		if _, seen := out[id]; seen || id == "" {
			continue
		}
		p, err := Product(ctx, tx, Everything, id)
		if err != nil && err != ErrNoRow {
			return nil, err
		}
		out[id] = p.Name
	}
	return out, nil
}

// OrderFilter narrows a list of orders; empty members do not.
type OrderFilter struct {
	ID, Status, Type, ProductID, BuyerID, InstanceID string
	Words                                            string // in the product's, the buyer's or the seller's name
	From, To                                         time.Time
}

// FindOrders lists orders within the scope by the instant they were placed, newest first or, with oldest, oldest
// first, after the mark (instant, id) of the last one seen.
func FindOrders(ctx context.Context, tx *Tx, s Scope, f OrderFilter, markAt time.Time, markID string, limit int, oldest bool) ([]order.Order, error) {
	var c conditions
	c.text, c.args = s.where("buyer_id", "seller_id", nil)
	c.is("id", f.ID)
	c.is("status", f.Status)
	c.is("type", f.Type)
	c.is("product_id", f.ProductID)
	c.is("buyer_id", f.BuyerID)
	if f.InstanceID != "" {
		c.add("EXISTS (SELECT 1 FROM order_line l WHERE l.order_id = orders.id AND l.instance_id = ?)", f.InstanceID)
	}
	c.like(f.Words, "(SELECT MIN(l.product_name) FROM order_line l WHERE l.order_id = orders.id)",
		"(SELECT name FROM company WHERE company.id = orders.buyer_id)", "(SELECT name FROM company WHERE company.id = orders.seller_id)")
	if !f.From.IsZero() {
		c.add("created_at >= ?", clock.Micros(f.From))
	}
	if !f.To.IsZero() {
		c.add("created_at < ?", clock.Micros(f.To))
	}
	less, dir := "<", "DESC"
	if oldest {
		less, dir = ">", "ASC"
	}
	if !markAt.IsZero() {
		us := clock.Micros(markAt)
		c.add("created_at "+less+" ? OR (created_at = ? AND id "+less+" ?)", us, us, markID)
	}
	text := `SELECT ` + orderColumns + ` FROM orders WHERE 1 = 1` + c.text + ` ORDER BY created_at ` + dir + `, id ` + dir + c.limit(limit)
	out, err := collect(ctx, tx, func(r *sql.Rows, o *order.Order) error { return scanOrder(r, o) }, text, c.args...)
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

// Queue is how many wait somewhere and since when the first does; zero when none does.
type Queue struct {
	Count  int
	Oldest time.Time
}

func queue(ctx context.Context, tx *Tx, text string, args ...any) (q Queue, err error) {
	var us int64
	err = tx.QueryRow(ctx, text, args...).Scan(&q.Count, &us)
	q.Oldest = clock.FromMicros(us)
	return q, err
}

// OrderQueues counts the orders of the scope by status.
func OrderQueues(ctx context.Context, tx *Tx, s Scope) (map[order.Status]Queue, error) {
	cond, args := s.where("buyer_id", "seller_id", nil)
	out := map[order.Status]Queue{}
	rows, err := collect(ctx, tx, func(r *sql.Rows, one *struct {
		status order.Status
		n      int
		us     int64
	}) error {
		return r.Scan(&one.status, &one.n, &one.us)
	}, `SELECT status, COUNT(*), MIN(created_at) FROM orders WHERE 1 = 1`+cond+` GROUP BY status ORDER BY status`, args...)
	for _, r := range rows {
		out[r.status] = Queue{r.n, clock.FromMicros(r.us)}
	}
	return out, err
}

// FailedCalls counts the calls of the scope that failed for good and wait for somebody.
func FailedCalls(ctx context.Context, tx *Tx, s Scope) (Queue, error) {
	cond, args := s.whereProduct("''", "seller_id", "(SELECT o.product_id FROM orders o WHERE o.id = job.order_id)", nil)
	return queue(ctx, tx, `SELECT COUNT(*), COALESCE(MIN(finished_at), 0) FROM job WHERE state = 'failed' AND kind NOT IN ('create', 'replay')`+cond, args...)
}

// ProductQueue counts the products of the scope in a state; a seller's count is of its own products.
func ProductQueue(ctx context.Context, tx *Tx, s Scope, state catalog.State) (Queue, error) {
	c := conditions{}
	c.add("state = ?", string(state))
	if s.Kind != party.Operator {
		var own string
		own, c.args = s.ownProducts(c.args)
		c.text += " AND " + own
	}
	return queue(ctx, tx, `SELECT COUNT(*), COALESCE(MIN(updated_at), 0) FROM product WHERE 1 = 1`+c.text, c.args...)
}

// TopUpQueue counts the top-ups in a state.
func TopUpQueue(ctx context.Context, tx *Tx, state string) (Queue, error) {
	return queue(ctx, tx, `SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM top_up WHERE state = $1`, state)
}

// DaySum is what was paid on one day of a zone.
type DaySum struct {
	Day      int64 // days since 1970 in the zone
	Currency money.Currency
	Paid     money.Amount // by orders
	Refunded money.Amount // by unsubscriptions, positive
	Orders   int
}

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// PaidByDay sums what was paid per day since an instant; offset is the zone's distance from UTC.
func PaidByDay(ctx context.Context, tx *Tx, s Scope, since time.Time, offset time.Duration) ([]DaySum, error) {
	cond, args := s.where("buyer_id", "seller_id", []any{clock.Micros(since), offset.Microseconds(), dayMicros})
	return collect(ctx, tx, func(r *sql.Rows, d *DaySum) error {
		return r.Scan(&d.Day, &d.Currency, &d.Paid, &d.Refunded, &d.Orders)
	},
		`SELECT (paid_at + $2) / $3 AS day, currency, COALESCE(SUM(CASE WHEN amount_paid > 0 THEN amount_paid ELSE 0 END), 0), COALESCE(SUM(CASE WHEN amount_paid < 0 THEN -amount_paid ELSE 0 END), 0), COUNT(*)
		FROM orders WHERE paid_at >= $1`+cond+` GROUP BY day, currency ORDER BY day, currency`, args...)
}

// DayCalls counts the calls of one day by state.
type DayCalls struct {
	Day   int64
	State string
	Count int
}

// CallsByDay counts calls to sellers per business day since an instant.
func CallsByDay(ctx context.Context, tx *Tx, s Scope, since time.Time, offset time.Duration) ([]DayCalls, error) {
	cond, args := s.where("buyer_id", "seller_id", []any{clock.Micros(since), offset.Microseconds(), dayMicros})
	return collect(ctx, tx, func(r *sql.Rows, d *DayCalls) error { return r.Scan(&d.Day, &d.State, &d.Count) },
		`SELECT (business_at + $2) / $3 AS day, state, COUNT(*) FROM attempt WHERE business_at >= $1`+cond+` GROUP BY day, state ORDER BY day, state`, args...)
}

// Named is an instance with the names its order gave it.
type Named struct {
	Instance             instance.Instance
	ProductName, SKUName string
}

// InstanceFilter narrows a list of instances; empty members do not.
type InstanceFilter struct {
	Status        string
	Words         string // in the product's or specification's name
	OrderID       string
	ExpiresBefore time.Time // only those in use that end before it
}

// FindInstances lists instances within the scope, newest first, before a mark; with soonest by their end, for a whole
// list without a mark.
func FindInstances(ctx context.Context, tx *Tx, s Scope, f InstanceFilter, before string, limit int, soonest bool) ([]Named, error) {
	var c conditions
	c.text, c.args = s.where("i.buyer_id", "i.seller_id", nil)
	c.is("i.status", f.Status)
	c.is("i.order_id", f.OrderID)
	c.like(f.Words, "l.product_name", "l.sku_name")
	if !f.ExpiresBefore.IsZero() {
		c.add("i.expire_at > 0 AND i.expire_at < ? AND i.status IN ('ACTIVE', 'GRACE', 'FROZEN')", clock.Micros(f.ExpiresBefore))
	}
	if before != "" {
		c.add("i.id < ?", before)
	}
	by := "i.id DESC"
	if soonest {
		by = "i.expire_at, i.id"
	}
	columns := "i." + strings.ReplaceAll(instanceColumns, ", ", ", i.")
	text := `SELECT ` + columns + `, l.product_name, l.sku_name FROM instance i JOIN order_line l ON l.id = i.order_line_id WHERE 1 = 1` + c.text + ` ORDER BY ` + by + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, n *Named) error {
		return scanInstance(namedRow{r, n}, &n.Instance)
	}, text, c.args...)
}

// namedRow lets the columns behind an instance's own be read with them.
type namedRow struct {
	r *sql.Rows
	n *Named
}

func (n namedRow) Scan(to ...any) error {
	return n.r.Scan(append(to, &n.n.ProductName, &n.n.SKUName)...)
}

// OrderStamp changes whenever something of an order does that a page shows: its state, its lines', its instances', its
// calls. "" for an order that the scope does not hold.
func OrderStamp(ctx context.Context, tx *Tx, s Scope, id string) (stamp string, err error) {
	cond, args := s.where("buyer_id", "seller_id", []any{id})
	rows, err := collect(ctx, tx, func(r *sql.Rows, t *string) error {
		var status, lines, calls string
		var versions, n int64
		err := r.Scan(&status, &lines, &versions, &n, &calls)
		*t = fmt.Sprintf("%s %s %d %d %s", status, lines, versions, n, calls)
		return err
	}, `SELECT status, COALESCE((SELECT MIN(status) || MAX(status) FROM order_line WHERE order_id = orders.id), ''),
		COALESCE((SELECT SUM(version) FROM instance WHERE order_id = orders.id), 0),
		(SELECT COUNT(*) FROM attempt WHERE order_id = orders.id),
		COALESCE((SELECT state FROM attempt WHERE order_id = orders.id ORDER BY id DESC LIMIT 1), '') FROM orders WHERE id = $1`+cond, args...)
	if len(rows) == 1 {
		stamp = rows[0]
	}
	return stamp, err
}

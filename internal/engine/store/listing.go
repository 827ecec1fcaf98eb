package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/ground/clock"
)

// several makes "($n, …)" for a list of ids behind the arguments there are.
func several(ids []string, args ...any) (string, []any) {
	var b strings.Builder
	b.WriteByte('(')
	for i, id := range ids {
		if i > 0 {
			b.WriteString(", ")
		}
		args = append(args, id)
		fmt.Fprintf(&b, "$%d", len(args))
	}
	b.WriteByte(')')
	return b.String(), args
}

// ListedProduct is a product with all that lists and pages show of it.
type ListedProduct struct {
	catalog.Product
	ProductPage
	Seller string // name
	Live   *catalog.Revision
}

// ListedProducts reads products by id, with the sellers' names and, where asked, the
// versions on sale, in one statement. Which may be seen was decided when the ids were
// found.
func ListedProducts(ctx context.Context, tx *Tx, ids []string, live bool) (map[string]*ListedProduct, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := several(ids)
	columns := "p." + strings.ReplaceAll(productColumns, ", ", ", p.")
	from := `product p JOIN company c ON c.id = p.seller_id`
	if live {
		columns += ", r." + strings.ReplaceAll(revisionColumns, ", ", ", r.")
		from += ` LEFT JOIN product_revision r ON r.id = p.live_revision_id`
	}
	all, err := collect(ctx, tx, func(r *sql.Rows, l *ListedProduct) error { return scanListed(r, l, live) },
		`SELECT p.category_id, p.hidden, p.live_revision_id, p.listed_at, p.rating_sum, p.rating_count, p.delist_reason, p.delist_asked_at, c.name, `+columns+` FROM `+from+` WHERE p.id IN `+in+` ORDER BY p.id`, args...)
	out := make(map[string]*ListedProduct, len(all))
	for i := range all {
		out[all[i].ID] = &all[i]
	}
	return out, err
}

// scanListed reads a product, its page's columns, and what stands of its version.
func scanListed(r *sql.Rows, l *ListedProduct, live bool) error {
	var listed, asked, created, updated int64
	var settings string
	into := []any{&l.CategoryID, &l.Hidden, &l.LiveRevisionID, &listed, &l.RatingSum, &l.RatingCount, &l.DelistReason, &asked, &l.Seller,
		&l.ID, &l.SellerID, &l.Name, &l.Summary, &l.Protocol, &l.State, &l.Reason, &settings, &created, &updated}
	var texts [7]sql.NullString // id, product, seller, kind, body, state … of the version
	var version sql.NullInt64
	var times [5]sql.NullInt64 // submitted, due, decided, created, updated
	var reviewer sql.NullString
	if live {
		into = append(into, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5], &version, &times[0], &times[1], &times[2], &reviewer, &texts[6], new(sql.NullString), &times[3], &times[4])
	}
	if err := r.Scan(into...); err != nil {
		return err
	}
	l.ListedAt, l.DelistAskedAt, l.CreatedAt, l.UpdatedAt = clock.FromMicros(listed), clock.FromMicros(asked), clock.FromMicros(created), clock.FromMicros(updated)
	if err := json.Unmarshal([]byte(settings), &l.Settings); err != nil {
		return err
	}
	if !texts[0].Valid {
		return nil
	}
	l.Live = &catalog.Revision{ID: texts[0].String, ProductID: texts[1].String, SellerID: texts[2].String, Kind: texts[3].String, State: catalog.RevisionState(texts[5].String), Version: version.Int64,
		SubmittedAt: clock.FromMicros(times[0].Int64), DueAt: clock.FromMicros(times[1].Int64), DecidedAt: clock.FromMicros(times[2].Int64), ReviewerID: reviewer.String, Reason: texts[6].String,
		CreatedAt: clock.FromMicros(times[3].Int64), UpdatedAt: clock.FromMicros(times[4].Int64)}
	return json.Unmarshal([]byte(texts[4].String), &l.Live.Body)
}

// SKUsOf lists the SKUs on sale of several products, each in its order.
func SKUsOf(ctx context.Context, tx *Tx, products []string) (map[string][]catalog.SKU, error) {
	if len(products) == 0 {
		return nil, nil
	}
	in, args := several(products)
	all, err := collect(ctx, tx, func(r *sql.Rows, s *catalog.SKU) error { return scanSKU(r, s) },
		`SELECT code, product_id, name, attributes, position FROM sku WHERE product_id IN `+in+` AND NOT withdrawn ORDER BY product_id, position, code`, args...)
	out := map[string][]catalog.SKU{}
	for _, s := range all {
		out[s.ProductID] = append(out[s.ProductID], s)
	}
	return out, err
}

// OffersOf lists what is on sale of several products, by SKU.
func OffersOf(ctx context.Context, tx *Tx, products []string) (map[string][]catalog.Offer, error) {
	if len(products) == 0 {
		return nil, nil
	}
	in, args := several(products)
	all, err := collect(ctx, tx, func(r *sql.Rows, o *catalog.Offer) error {
		return scanOffer(r, o)
	}, `SELECT `+offerColumns+` FROM sku_offer o JOIN sku s ON s.code = o.sku_code WHERE s.product_id IN `+in+` AND NOT o.withdrawn ORDER BY s.position, o.period_type, o.id`, args...)
	out := map[string][]catalog.Offer{}
	for _, o := range all {
		out[o.SKUCode] = append(out[o.SKUCode], o)
	}
	return out, err
}

// SoldSince counts the paid new orders per product since an instant.
func SoldSince(ctx context.Context, tx *Tx, since time.Time) (map[string]int, error) {
	type row struct {
		product string
		n       int
	}
	all, err := collect(ctx, tx, func(r *sql.Rows, o *row) error { return r.Scan(&o.product, &o.n) },
		`SELECT product_id, COUNT(*) FROM orders WHERE type = 'NEW' AND paid_at >= $1 AND paid_at > 0 GROUP BY product_id ORDER BY product_id`, clock.Micros(since))
	out := map[string]int{}
	for _, r := range all {
		out[r.product] = r.n
	}
	return out, err
}

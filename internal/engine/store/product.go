package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/clock"
)

const productColumns = `id, seller_id, name, summary, protocol, state, reason, settings, created_at, updated_at`

func scanProduct(r row, p *catalog.Product) error {
	d := productTo(p)
	if err := r.Scan(d.to...); err != nil {
		return err
	}
	return d.then()
}

// destination is where columns go, and what is to be done once they are there.
type destination struct {
	to   []any
	then func() error
}

func productTo(p *catalog.Product) destination {
	var created, updated int64
	var settings string
	return destination{[]any{&p.ID, &p.SellerID, &p.Name, &p.Summary, &p.Protocol, &p.State, &p.Reason, &settings, &created, &updated}, func() error {
		p.CreatedAt, p.UpdatedAt = clock.FromMicros(created), clock.FromMicros(updated)
		return json.Unmarshal([]byte(settings), &p.Settings)
	}}
}

// InsertProduct adds a product.
func InsertProduct(ctx context.Context, tx *Tx, p catalog.Product) error {
	settings, err := json.Marshal(p.Settings)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO product (`+productColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		p.ID, p.SellerID, p.Name, p.Summary, p.Protocol, p.State, p.Reason, string(settings), clock.Micros(p.CreatedAt), clock.Micros(p.UpdatedAt))
	return err
}

// InsertSKU adds a SKU.
func InsertSKU(ctx context.Context, tx *Tx, s catalog.SKU) error {
	_, err := tx.Exec(ctx, `INSERT INTO sku (code, product_id, name, attributes, position) VALUES ($1, $2, $3, $4, $5)`,
		s.Code, s.ProductID, s.Name, s.Attributes.JSON(), s.Position)
	return err
}

// InsertOffer adds an offer of a SKU.
func InsertOffer(ctx context.Context, tx *Tx, o catalog.Offer) error {
	_, err := tx.Exec(ctx, `INSERT INTO sku_offer (id, sku_code, period_type, price, bands, currency, withdrawn) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		o.ID, o.SKUCode, o.PeriodType, o.Price, o.Bands.String(), o.Currency, o.Withdrawn)
	return err
}

// productScope: buyers see what is on sale, sellers also all that is theirs, their limited sub-users what was given to
// them: to these the other products of the company are like those of another one.
func productScope(s Scope, args []any) (string, []any) {
	switch s.Kind {
	case party.Operator:
		return "", args
	case party.Seller:
		own, args := s.ownProducts(args)
		return " AND (state = 'ON_SALE' OR " + own + ")", args
	}
	return " AND state = 'ON_SALE'", args
}

// ownProducts is the condition that a product is the seller's own, and given to the sub-user who is limited.
func (s Scope) ownProducts(args []any) (string, []any) {
	args = append(args, s.CompanyID)
	cond := fmt.Sprintf("seller_id = $%d", len(args))
	if s.PersonID != "" {
		args = append(args, s.PersonID)
		cond += fmt.Sprintf(" AND "+granted, "id", len(args))
	}
	return cond, args
}

// OwnProduct reads a product that is the seller's own; ErrNoRow for any other, and for one that a limited sub-user was
// not given.
func OwnProduct(ctx context.Context, tx *Tx, s Scope, id string) (catalog.Product, error) {
	var p catalog.Product
	if s.Kind != party.Seller {
		return p, ErrNoRow
	}
	cond, args := s.ownProducts([]any{id})
	err := scanProduct(tx.QueryRow(ctx, `SELECT `+productColumns+` FROM product WHERE id = $1 AND `+cond, args...), &p)
	return p, noRow(err)
}

// Product reads one product within the scope.
func Product(ctx context.Context, tx *Tx, s Scope, id string) (catalog.Product, error) {
	var p catalog.Product
	cond, args := productScope(s, []any{id})
	err := scanProduct(tx.QueryRow(ctx, `SELECT `+productColumns+` FROM product WHERE id = $1`+cond, args...), &p)
	return p, noRow(err)
}

// Products lists products by id after a mark.
func Products(ctx context.Context, tx *Tx, s Scope, after string, limit int) ([]catalog.Product, error) {
	cond, args := productScope(s, []any{after, limit})
	if s.Kind == party.Buyer { // a hidden product is reached by its address only
		cond += " AND NOT hidden"
	}
	return collect(ctx, tx, func(r *sql.Rows, p *catalog.Product) error { return scanProduct(r, p) },
		`SELECT `+productColumns+` FROM product WHERE id > $1`+cond+` ORDER BY id LIMIT $2`, args...)
}

// SetProductState moves a product from one of its states to another; ErrNoRow
// when it is not in that state any more.
func SetProductState(ctx context.Context, tx *Tx, id string, from, to catalog.State, reason string, now time.Time) error {
	if err := mustOne(tx.Exec(ctx, `UPDATE product SET state = $1, reason = $2, updated_at = $3 WHERE id = $4 AND state = $5`,
		to, reason, clock.Micros(now), id, from)); err != nil {
		return err
	}
	return NoteChange(ctx, tx, ProductChanged, id)
}

// LockProduct takes a product's row for this transaction.
func LockProduct(ctx context.Context, tx *Tx, id string) error {
	return mustOne(tx.Exec(ctx, `UPDATE product SET state = state WHERE id = $1`, id))
}

// SetProductSettings replaces the switches of a product.
func SetProductSettings(ctx context.Context, tx *Tx, id string, s catalog.Settings, now time.Time) error {
	settings, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := mustOne(tx.Exec(ctx, `UPDATE product SET settings = $1, updated_at = $2 WHERE id = $3`, string(settings), clock.Micros(now), id)); err != nil {
		return err
	}
	return NoteChange(ctx, tx, ProductChanged, id) // its page tells the purchase limit
}

func scanSKU(r row, s *catalog.SKU) error {
	var attributes string
	if err := r.Scan(&s.Code, &s.ProductID, &s.Name, &attributes, &s.Position); err != nil {
		return err
	}
	return json.Unmarshal([]byte(attributes), &s.Attributes)
}

// SKUs lists the SKUs of a product in their order.
func SKUs(ctx context.Context, tx *Tx, product string) ([]catalog.SKU, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *catalog.SKU) error { return scanSKU(r, s) },
		`SELECT code, product_id, name, attributes, position FROM sku WHERE product_id = $1 AND NOT withdrawn ORDER BY position, code`, product)
}

const offerColumns = `o.id, o.sku_code, o.period_type, o.price, o.bands, o.currency`

func scanOffer(r row, o *catalog.Offer, more ...any) error {
	var bands string
	err := r.Scan(append([]any{&o.ID, &o.SKUCode, &o.PeriodType, &o.Price, &bands, &o.Currency}, more...)...)
	if err != nil || bands == "" {
		return err
	}
	o.Bands, err = pricing.ParseBands(bands)
	return err
}

// Offers lists the offers of a product's SKUs.
func Offers(ctx context.Context, tx *Tx, product string) ([]catalog.Offer, error) {
	return collect(ctx, tx, func(r *sql.Rows, o *catalog.Offer) error {
		return scanOffer(r, o, &o.Withdrawn)
	}, `SELECT `+offerColumns+`, o.withdrawn FROM sku_offer o JOIN sku s ON s.code = o.sku_code WHERE s.product_id = $1 ORDER BY s.position, o.period_type, o.id`, product)
}

// Offered is an offer with the SKU and product it belongs to.
type Offered struct {
	Offer   catalog.Offer
	SKU     catalog.SKU
	Product catalog.Product
}

// OfferByID finds what a wire productId sells, whatever the product's state.
func OfferByID(ctx context.Context, tx *Tx, id string) (Offered, error) {
	var o Offered
	var attributes, settings string
	var created, updated int64
	err := scanOffer(tx.QueryRow(ctx, `SELECT `+offerColumns+`, o.withdrawn,
			s.code, s.product_id, s.name, s.attributes, s.position,
			p.id, p.seller_id, p.name, p.summary, p.protocol, p.state, p.reason, p.settings, p.created_at, p.updated_at
		FROM sku_offer o JOIN sku s ON s.code = o.sku_code JOIN product p ON p.id = s.product_id WHERE o.id = $1`, id),
		&o.Offer, &o.Offer.Withdrawn, &o.SKU.Code, &o.SKU.ProductID, &o.SKU.Name, &attributes, &o.SKU.Position,
		&o.Product.ID, &o.Product.SellerID, &o.Product.Name, &o.Product.Summary, &o.Product.Protocol, &o.Product.State, &o.Product.Reason, &settings, &created, &updated)
	if err != nil {
		return o, noRow(err)
	}
	o.Product.CreatedAt, o.Product.UpdatedAt = clock.FromMicros(created), clock.FromMicros(updated)
	if err := json.Unmarshal([]byte(attributes), &o.SKU.Attributes); err != nil {
		return o, err
	}
	return o, json.Unmarshal([]byte(settings), &o.Product.Settings)
}

// NoteFailedOrder counts an order that failed for good in its month and gives the
// number of them; the same order is counted once. // spec: 01 §2.11
func NoteFailedOrder(ctx context.Context, tx *Tx, order, product, month string, at time.Time) (n int, err error) {
	if _, err = tx.Exec(ctx, `INSERT INTO failed_order (order_id, product_id, month, failed_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		order, product, month, clock.Micros(at)); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM failed_order WHERE product_id = $1 AND month = $2`, product, month).Scan(&n)
	return n, err
}

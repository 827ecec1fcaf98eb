package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

const revisionColumns = `id, product_id, seller_id, kind, body, state, version, submitted_at, due_at, decided_at, reviewer_id, reason, remarks, created_at, updated_at`

func scanRevision(r row, v *catalog.Revision) error {
	var body, remarks string
	var submitted, due, decided, created, updated int64
	if err := r.Scan(&v.ID, &v.ProductID, &v.SellerID, &v.Kind, &body, &v.State, &v.Version, &submitted, &due, &decided, &v.ReviewerID, &v.Reason, &remarks, &created, &updated); err != nil {
		return err
	}
	v.SubmittedAt, v.DueAt, v.DecidedAt = clock.FromMicros(submitted), clock.FromMicros(due), clock.FromMicros(decided)
	v.CreatedAt, v.UpdatedAt = clock.FromMicros(created), clock.FromMicros(updated)
	if err := json.Unmarshal([]byte(body), &v.Body); err != nil {
		return err
	}
	return json.Unmarshal([]byte(remarks), &v.Remarks)
}

// InsertRevision adds a revision; a second open one of a product is a unique violation.
func InsertRevision(ctx context.Context, tx *Tx, v catalog.Revision) error {
	_, err := tx.Exec(ctx, `INSERT INTO product_revision (`+revisionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		v.ID, v.ProductID, v.SellerID, v.Kind, v.Body.JSON(), v.State, v.Version, clock.Micros(v.SubmittedAt), clock.Micros(v.DueAt), clock.Micros(v.DecidedAt),
		v.ReviewerID, v.Reason, remarksText(v.Remarks), clock.Micros(v.CreatedAt), clock.Micros(v.UpdatedAt))
	return err
}

func remarksText(m map[string]string) string {
	if m == nil {
		return "{}"
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err) // texts always encode
	}
	return string(b)
}

// SaveRevision writes a revision if nobody else has since it was read; ErrNoRow
// otherwise. It raises the version.
func SaveRevision(ctx context.Context, tx *Tx, v *catalog.Revision) error {
	err := mustOne(tx.Exec(ctx, `UPDATE product_revision SET body = $1, state = $2, version = version + 1, submitted_at = $3, due_at = $4, decided_at = $5, reviewer_id = $6, reason = $7, remarks = $8, updated_at = $9 WHERE id = $10 AND version = $11`,
		v.Body.JSON(), v.State, clock.Micros(v.SubmittedAt), clock.Micros(v.DueAt), clock.Micros(v.DecidedAt), v.ReviewerID, v.Reason, remarksText(v.Remarks), clock.Micros(v.UpdatedAt), v.ID, v.Version))
	if err == nil {
		v.Version++
	}
	return err
}

// Revision reads one revision; a seller its own, operators all, buyers none.
func Revision(ctx context.Context, tx *Tx, s Scope, id string) (catalog.Revision, error) {
	var v catalog.Revision
	if s.Kind != party.Operator && s.Kind != party.Seller {
		return v, ErrNoRow
	}
	cond, args := s.where("seller_id", "seller_id", []any{id})
	err := scanRevision(tx.QueryRow(ctx, `SELECT `+revisionColumns+` FROM product_revision WHERE id = $1`+cond, args...), &v)
	return v, noRow(err)
}

// OpenRevision finds the open revision of a product; ErrNoRow when there is none.
func OpenRevision(ctx context.Context, tx *Tx, product string) (catalog.Revision, error) {
	var v catalog.Revision
	err := scanRevision(tx.QueryRow(ctx, `SELECT `+revisionColumns+` FROM product_revision WHERE product_id = $1 AND state IN ('DRAFT', 'PENDING', 'REVIEWING', 'REJECTED')`, product), &v)
	return v, noRow(err)
}

// Revisions lists a seller's (or with "" everybody's) revisions in states, newest
// first; with queue those that wait for review, by when they are due.
func Revisions(ctx context.Context, tx *Tx, s Scope, queue bool, after string, limit int) ([]catalog.Revision, error) {
	if s.Kind != party.Operator && s.Kind != party.Seller {
		return nil, nil
	}
	cond, args := s.where("seller_id", "seller_id", []any{after, limit})
	query := `SELECT ` + revisionColumns + ` FROM product_revision WHERE ($1 = '' OR id < $1)` + cond + ` ORDER BY id DESC LIMIT $2`
	if queue {
		query = `SELECT ` + revisionColumns + ` FROM product_revision WHERE state IN ('PENDING', 'REVIEWING') AND ($1 = '' OR id > $1)` + cond + ` ORDER BY due_at, id LIMIT $2`
	}
	return collect(ctx, tx, func(r *sql.Rows, v *catalog.Revision) error { return scanRevision(r, v) }, query, args...)
}

// SubmittedSince counts a seller's submissions since an instant.
func SubmittedSince(ctx context.Context, tx *Tx, seller string, since time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM product_revision WHERE seller_id = $1 AND submitted_at >= $2`, seller, clock.Micros(since)).Scan(&n)
	return n, err
}

// NameTaken tells whether another product of the seller bears the name, released
// or under way.
func NameTaken(ctx context.Context, tx *Tx, seller, name, exceptProduct string) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM product WHERE seller_id = $1 AND name = $2 AND id <> $3 AND state <> 'OFF_SHELF'`, seller, name, exceptProduct).Scan(&n)
	return n > 0, err
}

// NamesOf lists the names of a seller's other products that are not off the shelf.
func NamesOf(ctx context.Context, tx *Tx, seller, exceptProduct string) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT name FROM product WHERE seller_id = $1 AND id <> $2 AND name <> '' AND state <> 'OFF_SHELF' ORDER BY id LIMIT 1000`, seller, exceptProduct)
}

// ProductPage is what lists and pages need of a product beside its own row.
type ProductPage struct {
	CategoryID, LiveRevisionID string
	Hidden                     bool
	ListedAt                   time.Time
	RatingSum, RatingCount     int64
	DelistReason               string    // why the seller asks to take it off the shelf
	DelistAskedAt              time.Time // zero when it does not
}

// PageOf reads it.
func PageOf(ctx context.Context, tx *Tx, product string) (p ProductPage, err error) {
	var listed, asked int64
	err = noRow(tx.QueryRow(ctx, `SELECT category_id, hidden, live_revision_id, listed_at, rating_sum, rating_count, delist_reason, delist_asked_at FROM product WHERE id = $1`, product).
		Scan(&p.CategoryID, &p.Hidden, &p.LiveRevisionID, &listed, &p.RatingSum, &p.RatingCount, &p.DelistReason, &asked))
	p.ListedAt, p.DelistAskedAt = clock.FromMicros(listed), clock.FromMicros(asked)
	return p, err
}

// ApplyRevision makes a revision the live one of its product.
func ApplyRevision(ctx context.Context, tx *Tx, v *catalog.Revision, settings catalog.Settings, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE product_revision SET state = 'SUPERSEDED' WHERE product_id = $1 AND state = 'APPROVED' AND id <> $2`, v.ProductID, v.ID); err != nil {
		return err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	if err := NoteChange(ctx, tx, ProductChanged, v.ProductID); err != nil {
		return err
	}
	return mustOne(tx.Exec(ctx, `UPDATE product SET name = $1, summary = $2, protocol = $3, state = CASE WHEN state = 'SUSPENDED' THEN state ELSE 'ON_SALE' END, reason = CASE WHEN state = 'SUSPENDED' THEN reason ELSE '' END, settings = $4, category_id = $5, hidden = $6, live_revision_id = $7,
			listed_at = CASE WHEN listed_at = 0 THEN $8 ELSE listed_at END, updated_at = $8 WHERE id = $9`,
		v.Body.Name, v.Body.Overview, v.Body.Protocol, string(text), v.Body.Category, !v.Body.Public, v.ID, clock.Micros(now), v.ProductID))
}

// SetDelist stores a seller's request to take a product off the shelf, or with the
// zero instant that there is none.
func SetDelist(ctx context.Context, tx *Tx, product, reason string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE product SET delist_reason = $1, delist_asked_at = $2 WHERE id = $3`, reason, clock.Micros(at), product))
}

// DelistsAsked lists the products whose sellers wait for a decision, oldest first.
func DelistsAsked(ctx context.Context, tx *Tx, limit int) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, id *string) error { return r.Scan(id) },
		`SELECT id FROM product WHERE delist_asked_at > 0 ORDER BY delist_asked_at, id LIMIT $1`, limit)
}

// CategoryCounts counts the products of each category in any state but off the shelf.
func CategoryCounts(ctx context.Context, tx *Tx) (map[string]int, error) {
	type row struct {
		id string
		n  int
	}
	rows, err := collect(ctx, tx, func(r *sql.Rows, one *row) error { return r.Scan(&one.id, &one.n) },
		`SELECT category_id, COUNT(*) FROM product WHERE category_id <> '' AND state <> 'OFF_SHELF' GROUP BY category_id ORDER BY category_id`)
	out := map[string]int{}
	for _, one := range rows {
		out[one.id] = one.n
	}
	return out, err
}

// KnownSKU is a SKU as its combination is known.
type KnownSKU struct {
	Code, SpecKey, Combination string
	Withdrawn                  bool
}

// KnownSKUs lists all SKUs a product ever had.
func KnownSKUs(ctx context.Context, tx *Tx, product string) ([]KnownSKU, error) {
	return collect(ctx, tx, func(r *sql.Rows, k *KnownSKU) error { return r.Scan(&k.Code, &k.SpecKey, &k.Combination, &k.Withdrawn) },
		`SELECT code, spec_key, combination, withdrawn FROM sku WHERE product_id = $1 ORDER BY position, code`, product)
}

// PutSKU adds a SKU or renews what is known of it.
func PutSKU(ctx context.Context, tx *Tx, s catalog.SKU, specKey, combination string, trialDays int) error {
	_, err := tx.Exec(ctx, `INSERT INTO sku (code, product_id, name, attributes, position, spec_key, combination, withdrawn, trial_days) VALUES ($1, $2, $3, $4, $5, $6, $7, FALSE, $8)
		ON CONFLICT (code) DO UPDATE SET name = excluded.name, attributes = excluded.attributes, position = excluded.position, withdrawn = FALSE, trial_days = excluded.trial_days`,
		s.Code, s.ProductID, s.Name, s.Attributes.JSON(), s.Position, specKey, combination, trialDays)
	return err
}

// WithdrawSKU takes a SKU and its offers off sale; instances of it live on.
func WithdrawSKU(ctx context.Context, tx *Tx, code string) error {
	if _, err := tx.Exec(ctx, `UPDATE sku SET withdrawn = TRUE WHERE code = $1`, code); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE sku_offer SET withdrawn = TRUE WHERE sku_code = $1`, code)
	return err
}

// PutOffer sets the price of a SKU for a term; its id stays while the term is sold.
func PutOffer(ctx context.Context, tx *Tx, id string, o catalog.Offer) error {
	n, err := tx.Exec(ctx, `UPDATE sku_offer SET price = $1, bands = $2, withdrawn = FALSE WHERE sku_code = $3 AND period_type = $4 AND currency = $5`, o.Price, o.Bands.String(), o.SKUCode, o.PeriodType, o.Currency)
	if err != nil || n > 0 {
		return err
	}
	o.ID = id
	return InsertOffer(ctx, tx, o)
}

// WithdrawOffersExcept takes the terms of a SKU off sale that are not in the list
// of "period currency".
func WithdrawOffersExcept(ctx context.Context, tx *Tx, sku string, keep map[string]bool) error {
	type term struct{ id, key string }
	terms, err := collect(ctx, tx, func(r *sql.Rows, t *term) error {
		var period, currency string
		err := r.Scan(&t.id, &period, &currency)
		t.key = period + " " + currency
		return err
	}, `SELECT id, period_type, currency FROM sku_offer WHERE sku_code = $1 AND NOT withdrawn`, sku)
	if err != nil {
		return err
	}
	for _, t := range terms {
		if !keep[t.key] {
			if _, err := tx.Exec(ctx, `UPDATE sku_offer SET withdrawn = TRUE WHERE id = $1`, t.id); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetUpgradeRules replaces the upgrade rules from a SKU.
func SetUpgradeRules(ctx context.Context, tx *Tx, from string, to []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM upgrade_rule WHERE from_sku = $1`, from); err != nil {
		return err
	}
	for _, t := range to {
		if _, err := tx.Exec(ctx, `INSERT INTO upgrade_rule (from_sku, to_sku) VALUES ($1, $2) ON CONFLICT DO NOTHING`, from, t); err != nil {
			return err
		}
	}
	return nil
}

// File is an uploaded file.
type File struct {
	ID, CompanyID, Name, MediaType, SHA256 string
	Size                                   int64
	Width, Height                          int
	CreatedAt                              time.Time
}

// InsertFile adds a file.
func InsertFile(ctx context.Context, tx *Tx, f File) error {
	_, err := tx.Exec(ctx, `INSERT INTO file (id, company_id, name, media_type, size, sha256, width, height, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		f.ID, f.CompanyID, f.Name, f.MediaType, f.Size, f.SHA256, f.Width, f.Height, clock.Micros(f.CreatedAt))
	return err
}

// FileByID reads a file's row, whosever it is.
func FileByID(ctx context.Context, tx *Tx, id string) (File, error) {
	f := File{ID: id}
	var created int64
	err := tx.QueryRow(ctx, `SELECT company_id, name, media_type, size, sha256, width, height, created_at FROM file WHERE id = $1`, id).
		Scan(&f.CompanyID, &f.Name, &f.MediaType, &f.Size, &f.SHA256, &f.Width, &f.Height, &created)
	f.CreatedAt = clock.FromMicros(created)
	return f, noRow(err)
}

// Categories lists the tree by position.
func Categories(ctx context.Context, tx *Tx) ([]catalog.Category, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *catalog.Category) error {
		return r.Scan(&c.ID, &c.ParentID, &c.NameZH, &c.NameEN, &c.Position, &c.Retired)
	}, `SELECT id, parent_id, name_zh, name_en, position, retired FROM category ORDER BY parent_id, position, id`)
}

// PutCategory adds or renames a category.
func PutCategory(ctx context.Context, tx *Tx, c catalog.Category) error {
	_, err := tx.Exec(ctx, `INSERT INTO category (id, parent_id, name_zh, name_en, position, retired) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (id) DO UPDATE SET name_zh = excluded.name_zh, name_en = excluded.name_en, position = excluded.position, retired = excluded.retired`, c.ID, c.ParentID, c.NameZH, c.NameEN, c.Position, c.Retired)
	if err != nil {
		return err
	}
	return NoteChange(ctx, tx, CategoryChanged, c.ID)
}

// InsertRating adds a buyer's rating of a product and counts it; a second one of
// the same buyer is a unique violation.
func InsertRating(ctx context.Context, tx *Tx, r catalog.Rating) error {
	if _, err := tx.Exec(ctx, `INSERT INTO rating (id, product_id, buyer_id, order_id, stars, text, reply, created_at, replied_at) VALUES ($1, $2, $3, $4, $5, $6, '', $7, 0)`,
		r.ID, r.ProductID, r.BuyerID, r.OrderID, r.Stars, r.Text, clock.Micros(r.CreatedAt)); err != nil {
		return err
	}
	if err := NoteChange(ctx, tx, ProductChanged, r.ProductID); err != nil {
		return err
	}
	return mustOne(tx.Exec(ctx, `UPDATE product SET rating_sum = rating_sum + $1, rating_count = rating_count + 1 WHERE id = $2`, r.Stars, r.ProductID))
}

func scanRating(r row, v *catalog.Rating) error {
	var created, replied int64
	err := r.Scan(&v.ID, &v.ProductID, &v.BuyerID, &v.OrderID, &v.Stars, &v.Text, &v.Reply, &created, &replied)
	v.CreatedAt, v.RepliedAt = clock.FromMicros(created), clock.FromMicros(replied)
	return err
}

// RatingOf reads a buyer's rating of a product; nil when there is none.
func RatingOf(ctx context.Context, tx *Tx, product, buyer string) (*catalog.Rating, error) {
	var v catalog.Rating
	err := noRow(scanRating(tx.QueryRow(ctx, `SELECT id, product_id, buyer_id, order_id, stars, text, reply, created_at, replied_at FROM rating WHERE product_id = $1 AND buyer_id = $2`, product, buyer), &v))
	if errors.Is(err, ErrNoRow) {
		return nil, nil
	}
	return &v, err
}

// Ratings lists a product's ratings, newest first.
func Ratings(ctx context.Context, tx *Tx, product, before string, limit int) ([]catalog.Rating, error) {
	return collect(ctx, tx, func(r *sql.Rows, v *catalog.Rating) error { return scanRating(r, v) },
		`SELECT id, product_id, buyer_id, order_id, stars, text, reply, created_at, replied_at FROM rating WHERE product_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, product, before, limit)
}

// StarsOf counts a product's ratings by their stars.
func StarsOf(ctx context.Context, tx *Tx, product string) (out [6]int64, err error) {
	rows, err := collect(ctx, tx, func(r *sql.Rows, one *[2]int64) error { return r.Scan(&one[0], &one[1]) },
		`SELECT stars, COUNT(*) FROM rating WHERE product_id = $1 GROUP BY stars ORDER BY stars`, product)
	for _, one := range rows {
		if one[0] >= 1 && one[0] <= 5 {
			out[one[0]] = one[1]
		}
	}
	return out, err
}

// ReplyToRating stores the seller's answer.
func ReplyToRating(ctx context.Context, tx *Tx, id, product, text string, now time.Time) error {
	if err := mustOne(tx.Exec(ctx, `UPDATE rating SET reply = $1, replied_at = $2 WHERE id = $3 AND product_id = $4`, text, clock.Micros(now), id, product)); err != nil {
		return err
	}
	return NoteChange(ctx, tx, ProductChanged, product)
}

// BoughtOrder is the latest delivered order of a product by a buyer; "" when none.
func BoughtOrder(ctx context.Context, tx *Tx, product, buyer string) (id string, err error) {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT o.id FROM orders o JOIN order_line l ON l.order_id = o.id WHERE o.product_id = $1 AND o.buyer_id = $2 AND o.type = 'NEW' AND l.status = 'DELIVERED' ORDER BY o.created_at DESC, o.id DESC LIMIT 1`, product, buyer)
	if len(ids) == 1 {
		id = ids[0]
	}
	return id, err
}

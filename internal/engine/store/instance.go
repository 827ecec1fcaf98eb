package store

import (
	"context"
	"database/sql"

	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/ground/clock"
)

const instanceColumns = `id, buyer_id, seller_id, product_id, order_id, order_line_id, offer_id, sku_code, quantity, status, reason, freeze_reasons, seller_instance_id, id_substitute, entry_sealed, effective_at, expire_at, trial, auto_renew, auto_periods, plan_no, version`

func scanInstance(r row, i *instance.Instance) error {
	var effective, expire int64
	var reasons string
	err := r.Scan(&i.ID, &i.BuyerID, &i.SellerID, &i.ProductID, &i.OrderID, &i.OrderLineID, &i.OfferID, &i.SKUCode, &i.Quantity, &i.Status, &i.Reason, &reasons,
		&i.SellerInstanceID, &i.IDSubstitute, &i.EntrySealed, &effective, &expire, &i.Trial, &i.AutoRenew, &i.AutoPeriods, &i.PlanNo, &i.Version)
	i.EffectiveAt, i.ExpireAt, i.FreezeReasons = clock.FromMicros(effective), clock.FromMicros(expire), instance.ReadReasons(reasons)
	i.Loaded()
	return err
}

// InsertInstance adds an instance.
func InsertInstance(ctx context.Context, tx *Tx, i *instance.Instance) error {
	_, err := tx.Exec(ctx, `INSERT INTO instance (`+instanceColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)`,
		i.ID, i.BuyerID, i.SellerID, i.ProductID, i.OrderID, i.OrderLineID, i.OfferID, i.SKUCode, i.Quantity, i.Status, i.Reason, i.ReasonsText(),
		i.SellerInstanceID, i.IDSubstitute, i.EntrySealed, clock.Micros(i.EffectiveAt), clock.Micros(i.ExpireAt), i.Trial, i.AutoRenew, i.AutoPeriods, i.PlanNo, i.Version)
	return err
}

// Instance reads an instance within the scope.
func Instance(ctx context.Context, tx *Tx, s Scope, id string) (*instance.Instance, error) {
	var i instance.Instance
	cond, args := s.where("buyer_id", "seller_id", []any{id})
	err := scanInstance(tx.QueryRow(ctx, `SELECT `+instanceColumns+` FROM instance WHERE id = $1`+cond, args...), &i)
	return &i, noRow(err)
}

// LockInstance takes the instance's row for this transaction and reads it. All
// that queues, promotes or finishes calls of one instance does this first.
func LockInstance(ctx context.Context, tx *Tx, s Scope, id string) (*instance.Instance, error) {
	var i instance.Instance
	cond, args := s.where("buyer_id", "seller_id", []any{id})
	err := scanInstance(tx.QueryRow(ctx, `UPDATE instance SET version = version + 1 WHERE id = $1`+cond+` RETURNING `+instanceColumns, args...), &i)
	return &i, noRow(err)
}

// HoldInstance takes the instance's row for this transaction and does not read it.
func HoldInstance(ctx context.Context, tx *Tx, id string) error {
	var one int
	return noRow(tx.QueryRow(ctx, `SELECT 1 FROM instance WHERE id = $1`+locking(tx, ""), id).Scan(&one))
}

// Instances lists instances by id after a mark.
func Instances(ctx context.Context, tx *Tx, s Scope, after string, limit int) ([]instance.Instance, error) {
	cond, args := s.where("buyer_id", "seller_id", []any{after, limit})
	return collect(ctx, tx, func(r *sql.Rows, i *instance.Instance) error { return scanInstance(r, i) },
		`SELECT `+instanceColumns+` FROM instance WHERE id > $1`+cond+` ORDER BY id LIMIT $2`, args...)
}

// SaveInstance writes what changes in an instance's life; the row must be locked.
func SaveInstance(ctx context.Context, tx *Tx, i *instance.Instance) error {
	return saveInstance(ctx, tx, i, "")
}

// SaveInstanceOf is SaveInstance for a row that LockSold took: only now it counts as
// changed.
func SaveInstanceOf(ctx context.Context, tx *Tx, i *instance.Instance) error {
	return saveInstance(ctx, tx, i, ", version = version + 1")
}

func saveInstance(ctx context.Context, tx *Tx, i *instance.Instance, more string) error {
	if err := i.CheckMove(); err != nil {
		return err
	}
	return mustOne(tx.Exec(ctx, `UPDATE instance SET status = $1, reason = $2, freeze_reasons = $3, seller_instance_id = $4, id_substitute = $5, entry_sealed = $6, effective_at = $7, expire_at = $8, quantity = $9, offer_id = $10, sku_code = $11, trial = $12, auto_renew = $13, auto_periods = $14, plan_no = $15`+more+` WHERE id = $16`,
		i.Status, i.Reason, i.ReasonsText(), i.SellerInstanceID, i.IDSubstitute, i.EntrySealed, clock.Micros(i.EffectiveAt), clock.Micros(i.ExpireAt), i.Quantity, i.OfferID, i.SKUCode, i.Trial, i.AutoRenew, i.AutoPeriods, i.PlanNo, i.ID))
}

const ownerQuery = `SELECT id FROM instance WHERE seller_id = $1 AND seller_instance_id = $2 AND seller_instance_id <> ''`

// InstanceOwner finds which instance already bears a seller's instance id; "" when
// none. That the id is not empty is said in the query, because only then may the
// partial index answer it; the same holds wherever such an index is meant.
func InstanceOwner(ctx context.Context, tx *Tx, seller, sellerInstanceID string) (id string, err error) {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		ownerQuery, seller, sellerInstanceID)
	if len(ids) == 1 {
		id = ids[0]
	}
	return id, err
}

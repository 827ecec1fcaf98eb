package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Key is one version of a seller's secret for an interface class, sealed. // spec: 01 §2.4
type Key struct {
	Version   int
	Sealed    string
	CreatedAt time.Time
}

// AddKey stores a new version, which signs from now on, and retires the others
// at the given instant: until then they are still accepted in answers. // spec: 10 §6.0
func AddKey(ctx context.Context, tx *Tx, seller, class, sealed string, now, retireOthers time.Time) (version int, err error) {
	if err = tx.QueryRow(ctx, `SELECT COALESCE(MAX(version), 0) + 1 FROM interconnection_key WHERE seller_id = $1 AND class = $2`, seller, class).Scan(&version); err != nil {
		return 0, err
	}
	if _, err = tx.Exec(ctx, `UPDATE interconnection_key SET retired_at = $1 WHERE seller_id = $2 AND class = $3 AND retired_at = 0`,
		clock.Micros(retireOthers), seller, class); err != nil {
		return 0, err
	}
	_, err = tx.Exec(ctx, `INSERT INTO interconnection_key (seller_id, class, version, sealed, created_at, retired_at) VALUES ($1, $2, $3, $4, $5, 0)`,
		seller, class, version, sealed, clock.Micros(now))
	return version, err
}

// Keys lists the keys in force at an instant, the signing one first.
func Keys(ctx context.Context, tx *Tx, seller, class string, now time.Time) ([]Key, error) {
	return collect(ctx, tx, func(r *sql.Rows, k *Key) error {
		var created int64
		err := r.Scan(&k.Version, &k.Sealed, &created)
		k.CreatedAt = clock.FromMicros(created)
		return err
	}, `SELECT version, sealed, created_at FROM interconnection_key WHERE seller_id = $1 AND class = $2 AND (retired_at = 0 OR retired_at > $3) ORDER BY version DESC`,
		seller, class, clock.Micros(now))
}

// AccessKey is an AK with its sealed SK. // spec: 14 §5
type AccessKey struct {
	AK, SellerID, PersonID, SealedSK string
	Description                      string
	Disabled                         bool
	Failures                         int
	LockedUntil                      time.Time
	CreatedAt, LastUsedAt            time.Time
}

// InsertAccessKey adds an AK/SK pair; the last-used time starts as its creation. // spec: 14 §5
func InsertAccessKey(ctx context.Context, tx *Tx, k AccessKey) error {
	_, err := tx.Exec(ctx, `INSERT INTO access_key (ak, seller_id, person_id, sealed_sk, description, disabled, failures, locked_until, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $7)`,
		k.AK, k.SellerID, k.PersonID, k.SealedSK, k.Description, k.Disabled, clock.Micros(k.CreatedAt))
	return err
}

// AccessKeyOf reads an AK.
func AccessKeyOf(ctx context.Context, tx *Tx, ak string) (AccessKey, error) {
	k := AccessKey{AK: ak}
	var locked, created, used int64
	err := tx.QueryRow(ctx, `SELECT seller_id, person_id, sealed_sk, disabled, failures, locked_until, created_at, last_used_at FROM access_key WHERE ak = $1`, ak).
		Scan(&k.SellerID, &k.PersonID, &k.SealedSK, &k.Disabled, &k.Failures, &locked, &created, &used)
	k.LockedUntil, k.CreatedAt, k.LastUsedAt = clock.FromMicros(locked), clock.FromMicros(created), clock.FromMicros(used)
	return k, noRow(err)
}

// CountAccessKeyFailure counts a wrong signature; the one after so many in a row locks the key until an instant.
func CountAccessKeyFailure(ctx context.Context, tx *Tx, ak string, after int, until time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE access_key SET failures = CASE WHEN failures >= $1 THEN 0 ELSE failures + 1 END,
		locked_until = CASE WHEN failures >= $1 THEN $2 ELSE locked_until END WHERE ak = $3`, after, clock.Micros(until), ak)
	return err
}

// UseAccessKey notes a right signature, unless one was noted after an instant and none was wrong since.
func UseAccessKey(ctx context.Context, tx *Tx, ak string, at, unless time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE access_key SET failures = 0, last_used_at = $1 WHERE ak = $2 AND (failures > 0 OR last_used_at < $3)`, clock.Micros(at), ak, clock.Micros(unless))
	return err
}

// DescribeAccessKey says what a key of a seller is for.
func DescribeAccessKey(ctx context.Context, tx *Tx, seller, ak, description string) error {
	return mustOne(tx.Exec(ctx, `UPDATE access_key SET description = $1 WHERE ak = $2 AND seller_id = $3`, description, ak, seller))
}

// Address is where a class of calls goes.
type Address struct {
	URL      string
	Verified bool
}

// SetAddress binds the address of a class for a seller or for one product. // spec: 01 §2.4
func SetAddress(ctx context.Context, tx *Tx, seller, class, product, url string, verified bool, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO production_address (seller_id, class, product_id, url, verified, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (seller_id, class, product_id) DO UPDATE SET url = excluded.url, verified = excluded.verified, updated_at = excluded.updated_at`,
		seller, class, product, url, verified, clock.Micros(now))
	return err
}

// AddressOf finds the address of a class: the product's own, else the seller's.
func AddressOf(ctx context.Context, tx *Tx, seller, class, product string) (Address, error) {
	var a Address
	err := tx.QueryRow(ctx, `SELECT url, verified FROM production_address WHERE seller_id = $1 AND class = $2 AND product_id IN ($3, '') ORDER BY product_id DESC LIMIT 1`,
		seller, class, product).Scan(&a.URL, &a.Verified)
	return a, noRow(err)
}

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
	Disabled                         bool
	Failures                         int
	LockedUntil                      time.Time
	CreatedAt, LastUsedAt            time.Time
}

// InsertAccessKey adds an AK/SK pair; the last-used time starts as its creation. // spec: 14 §5
func InsertAccessKey(ctx context.Context, tx *Tx, k AccessKey) error {
	_, err := tx.Exec(ctx, `INSERT INTO access_key (ak, seller_id, person_id, sealed_sk, disabled, failures, locked_until, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6, $6)`,
		k.AK, k.SellerID, k.PersonID, k.SealedSK, k.Disabled, clock.Micros(k.CreatedAt))
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

// NoteAccessKey stores the count of consecutive failures, the lock and the use.
func NoteAccessKey(ctx context.Context, tx *Tx, ak string, failures int, lockedUntil, usedAt time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE access_key SET failures = $1, locked_until = $2, last_used_at = CASE WHEN $3 > 0 THEN $3 ELSE last_used_at END WHERE ak = $4`,
		failures, clock.Micros(lockedUntil), clock.Micros(usedAt), ak)
	return err
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

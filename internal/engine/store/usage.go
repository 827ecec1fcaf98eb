package store

import (
	"context"
	"database/sql"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
)

// UseNonce notes a nonce of a usage push; false when it was used since an instant. Older
// ones are forgotten with it. // spec: 14 §2.1
func UseNonce(ctx context.Context, tx *Tx, seller, nonce string, at, since time.Time) (bool, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM usage_nonce WHERE seen_at < $1`, clock.Micros(since)); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO usage_nonce (seller_id, nonce, seen_at) VALUES ($1, $2, $3) ON CONFLICT (seller_id, nonce) DO NOTHING`, seller, nonce, clock.Micros(at))
	return n == 1, err
}

// SellersOfInstance lists who has an instance of this id: sold, or made by a call of the lab.
func SellersOfInstance(ctx context.Context, tx *Tx, instance string) (sold, tried []string, err error) {
	text := func(r *sql.Rows, s *string) error { return r.Scan(s) }
	if sold, err = collect(ctx, tx, text, `SELECT seller_id FROM instance WHERE seller_instance_id = $1 AND seller_instance_id <> '' ORDER BY seller_id`, instance); err != nil {
		return nil, nil, err
	}
	tried, err = collect(ctx, tx, text, `SELECT DISTINCT seller_id FROM lab_run WHERE instance_id = $1 AND instance_id <> '' ORDER BY seller_id`, instance)
	return sold, tried, err
}

// SellersWithKey lists the sellers that have a key of a class.
func SellersWithKey(ctx context.Context, tx *Tx, class string, now time.Time) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT DISTINCT seller_id FROM interconnection_key WHERE class = $1 AND (retired_at = 0 OR retired_at > $2) ORDER BY seller_id`, class, clock.Micros(now))
}

// MadeInstance is the newest call of the lab that was answered with an instance; ErrNoRow
// when the seller has none of that id.
func MadeInstance(ctx context.Context, tx *Tx, seller, instance, push string) (LabRun, error) {
	var v LabRun
	err := scanLabRun(tx.QueryRow(ctx, `SELECT `+labRunMeta+` FROM lab_run WHERE instance_id = $1 AND instance_id <> '' AND seller_id = $2 AND occasion <> $3 ORDER BY id DESC LIMIT 1`, instance, seller, push), &v, false)
	return v, noRow(err)
}

// Pushes lists what a seller pushed for an instance of the lab since an instant, newest first, with its bytes.
func Pushes(ctx context.Context, tx *Tx, seller, instance, push string, since time.Time, limit int) ([]LabRun, error) {
	return collect(ctx, tx, func(r *sql.Rows, v *LabRun) error { return scanLabRun(r, v, true) },
		`SELECT `+labRunMeta+`, request, response FROM lab_run WHERE instance_id = $1 AND instance_id <> '' AND seller_id = $2 AND occasion = $3 AND id >= $4 ORDER BY id DESC LIMIT $5`,
		instance, seller, push, ident.RowFloor(since), limit)
}

// TrimPushes keeps only the newest of a seller's pushes for an instance of the lab.
func TrimPushes(ctx context.Context, tx *Tx, seller, instance, push string, keep int) error {
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT id FROM lab_run WHERE instance_id = $1 AND instance_id <> '' AND seller_id = $2 AND occasion = $3 ORDER BY id DESC LIMIT $4`, instance, seller, push, keep+1)
	if err != nil || len(ids) <= keep {
		return err
	}
	slices.Sort(ids)
	_, err = tx.Exec(ctx, `DELETE FROM lab_run WHERE instance_id = $1 AND instance_id <> '' AND seller_id = $2 AND occasion = $3 AND id <= $4`, instance, seller, push, ids[0])
	return err
}

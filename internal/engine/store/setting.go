package store

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"time"
)

// Names of settings kept in the database because every process must see them.
const settingClockOffset = "clock.offset_us"

// Setting reads one setting; "" when it was never set.
func Setting(ctx context.Context, tx *Tx, name string) (string, error) {
	var v string
	err := noRow(tx.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, name).Scan(&v))
	if errors.Is(err, ErrNoRow) {
		return "", nil
	}
	return v, err
}

// SetSetting writes one setting.
func SetSetting(ctx context.Context, tx *Tx, name, value string) error {
	_, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`, name, value)
	return err
}

// Settings reads the settings whose names begin with a prefix.
func Settings(ctx context.Context, tx *Tx, prefix string) (map[string]string, error) {
	type pair struct{ name, value string }
	all, err := collect(ctx, tx, func(r *sql.Rows, p *pair) error { return r.Scan(&p.name, &p.value) },
		`SELECT name, value FROM setting WHERE substr(name, 1, $1) = $2 ORDER BY name`, len(prefix), prefix)
	out := map[string]string{}
	for _, p := range all {
		out[p.name] = p.value
	}
	return out, err
}

// LockSettings makes other writers of a group of settings wait for this transaction: the row of the group is written.
func LockSettings(ctx context.Context, tx *Tx, group string) error {
	return SetSetting(ctx, tx, "lock."+group, "")
}

// DropSetting forgets one setting.
func DropSetting(ctx context.Context, tx *Tx, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM setting WHERE name = $1`, name)
	return err
}

// TakeSetting writes a setting that nobody has written yet, and gives the one that then holds.
func TakeSetting(ctx context.Context, tx *Tx, name, value string) (string, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, value); err != nil {
		return "", err
	}
	return Setting(ctx, tx, name)
}

// ClockOffset is the stored distance of the business clock. // spec: 01 §1.1
func ClockOffset(ctx context.Context, tx *Tx) (time.Duration, error) {
	v, err := Setting(ctx, tx, settingClockOffset)
	if err != nil || v == "" {
		return 0, err
	}
	us, err := strconv.ParseInt(v, 10, 64)
	return time.Duration(us) * time.Microsecond, err
}

// RaiseClockOffset stores a larger offset and gives the one that then holds: it
// never shrinks, whoever writes. // spec: 01 §1.1
func RaiseClockOffset(ctx context.Context, tx *Tx, offset time.Duration) (time.Duration, error) {
	if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE CAST(setting.value AS BIGINT) < CAST(excluded.value AS BIGINT)`,
		settingClockOffset, strconv.FormatInt(offset.Microseconds(), 10)); err != nil {
		return 0, err
	}
	return ClockOffset(ctx, tx)
}

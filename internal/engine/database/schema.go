package database

import (
	"context"
	"fmt"
	"io/fs"
	"slices"

	"github.com/pressly/goose/v3"
)

// Kind is the type of a column; both engines know these four and no other.
type Kind string

// The kinds.
const (
	BigInt  Kind = "BIGINT"
	Text    Kind = "TEXT"
	Boolean Kind = "BOOLEAN"
	Bytea   Kind = "BYTEA"
)

// Column is a column of a table.
type Column struct {
	Name string `json:"name"`
	Kind Kind   `json:"kind"`
}

// Table is a table of the product, as the database itself describes it.
type Table struct {
	Name    string
	Columns []Column
	refers  []string
}

// Tables that are no part of the product: the schema's own history, the lock of migrations.
const (
	versionTable = "goose_db_version"
	lockTable    = "souk_migration_lock"
)

// Schema lists the tables of the database, each after those its rows refer to and otherwise by name.
// It asks the database, so that no list in the code can forget a table or a column.
func Schema(ctx context.Context, tx *Tx) ([]Table, error) {
	names, err := strings2(ctx, tx, map[Engine]string{
		SQLite:   `SELECT name, '' FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_' ORDER BY name`,
		Postgres: `SELECT table_name, '' FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' ORDER BY table_name`,
	})
	if err != nil {
		return nil, err
	}
	byName := map[string]*Table{}
	for _, n := range names {
		if n[0] != versionTable && n[0] != lockTable {
			byName[n[0]] = &Table{Name: n[0]}
		}
	}
	for name, t := range byName {
		columns, err := strings2(ctx, tx, map[Engine]string{
			SQLite:   `SELECT name, type FROM pragma_table_info($1) ORDER BY cid`,
			Postgres: `SELECT column_name, upper(data_type) FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
		}, name)
		if err != nil {
			return nil, err
		}
		for _, c := range columns {
			k := Kind(c[1])
			if k != BigInt && k != Text && k != Boolean && k != Bytea {
				return nil, fmt.Errorf("column %s.%s is of type %s, which one of the engines lacks", name, c[0], c[1])
			}
			t.Columns = append(t.Columns, Column{c[0], k})
		}
		refers, err := strings2(ctx, tx, map[Engine]string{
			SQLite: `SELECT "table", '' FROM pragma_foreign_key_list($1)`,
			Postgres: `SELECT f.relname, '' FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid
				JOIN pg_namespace n ON n.oid = c.relnamespace WHERE k.contype = 'f' AND n.nspname = current_schema() AND c.relname = $1`,
		}, name)
		if err != nil {
			return nil, err
		}
		for _, f := range refers {
			if f[0] != name {
				t.refers = append(t.refers, f[0])
			}
		}
	}
	return sorted(byName)
}

// sorted orders tables so that each comes after those it refers to.
func sorted(byName map[string]*Table) ([]Table, error) {
	var out []Table
	done := map[string]bool{}
	for len(out) < len(byName) {
		var next []string
		for name, t := range byName {
			if !done[name] && !slices.ContainsFunc(t.refers, func(r string) bool { return !done[r] }) {
				next = append(next, name)
			}
		}
		if next == nil {
			return nil, fmt.Errorf("tables refer to each other in a circle")
		}
		slices.Sort(next)
		for _, name := range next {
			done[name] = true
			out = append(out, *byName[name])
		}
	}
	return out, nil
}

// strings2 reads two texts a row.
func strings2(ctx context.Context, tx *Tx, query map[Engine]string, args ...any) (out [][2]string, err error) {
	rows, err := tx.Query(ctx, query[tx.engine], args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r [2]string
		if err := rows.Scan(&r[0], &r[1]); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// Version is the newest migration that the database holds; 0 when nobody has migrated it.
func Version(ctx context.Context, tx *Tx) (v int64, err error) {
	there, err := strings2(ctx, tx, map[Engine]string{
		SQLite:   `SELECT name, '' FROM sqlite_master WHERE type = 'table' AND name = $1`,
		Postgres: `SELECT table_name, '' FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = $1`,
	}, versionTable)
	if err != nil || there == nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, `SELECT COALESCE(MAX(version_id), 0) FROM `+versionTable+` WHERE is_applied`).Scan(&v)
	return v, err
}

// Newest is the newest migration among files.
func Newest(files fs.FS) (v int64, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		v = max(v, n)
	}
	return v, nil
}

// Rebuild makes an empty database anew: it drops every table, brings the schema to version, has load fill it in one
// transaction, and then brings it up to the newest of files. unused is asked first, in the transaction of the
// dropping, with the tables there are; an error of it leaves everything as it is. When the process dies on the way the
// database holds no row but those that migrations make. On PostgreSQL no other process migrates, and so none starts,
// meanwhile.
func Rebuild(ctx context.Context, db *DB, files fs.FS, version int64, unused func(ctx context.Context, tx *Tx, tables []Table) error, load func(ctx context.Context, tx *Tx) error) error {
	return db.migrating(ctx, files, func(up func(to int64) error) error {
		if err := db.Write(ctx, func(ctx context.Context, tx *Tx) error {
			tables, err := Schema(ctx, tx)
			if err == nil {
				err = unused(ctx, tx, tables)
			}
			if err != nil {
				return err
			}
			slices.Reverse(tables)
			for _, t := range append(tables, Table{Name: versionTable}) {
				if _, err := tx.Exec(ctx, `DROP TABLE IF EXISTS `+t.Name); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
		if err := up(version); err != nil {
			return err
		}
		if err := db.Write(ctx, load); err != nil {
			return err
		}
		return up(0)
	})
}

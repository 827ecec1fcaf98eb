package database_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"testing"
	"testing/fstest"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

func with(more fstest.MapFS) fstest.MapFS {
	all := fstest.MapFS{}
	for _, m := range []fstest.MapFS{files, more} {
		for name, file := range m {
			all[name] = file
		}
	}
	return all
}

func sqlFile(up string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("-- +goose Up\n" + up + "\n")}
}

func TestMigrateByEngine(t *testing.T) {
	files := with(fstest.MapFS{
		// Replaced on one engine only.
		"0002_names.sql":        sqlFile(`INSERT INTO item (id, name) VALUES (1, 'common');`),
		"0002_names.sqlite.sql": sqlFile(`INSERT INTO item (id, name) VALUES (1, 'sqlite');`),
		// Different on both.
		"0003_more.sqlite.sql":   sqlFile(`INSERT INTO item (id, name) VALUES (2, 'sqlite too');`),
		"0003_more.postgres.sql": sqlFile(`INSERT INTO item (id, name) VALUES (2, 'postgres');`),
	})
	want := map[database.Engine][2]string{
		database.SQLite:   {"sqlite", "sqlite too"},
		database.Postgres: {"common", "postgres"},
	}
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		var got [2]string
		must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for i := range got {
				if err := tx.QueryRow(ctx, `SELECT name FROM item WHERE id = $1`, i+1).Scan(&got[i]); err != nil {
					return err
				}
			}
			return nil
		}))
		if got != want[db.Engine()] {
			t.Errorf("migrations left %v, want %v", got, want[db.Engine()])
		}
		must(t, database.Migrate(t.Context(), db, files)) // nothing left to do
	})
}

func TestMigrateUpgradesAndRefusesNewer(t *testing.T) {
	newer := with(fstest.MapFS{"0002_more.sql": sqlFile(`ALTER TABLE item ADD COLUMN more TEXT;`)})
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), add(1, "one"))) // prepared before the change
		must(t, database.Migrate(t.Context(), db, newer))
		must(t, db.Write(t.Context(), add(2, "two")))
		wantCount(t, db, 2)
		if err := database.Migrate(t.Context(), db, files); !errors.Is(err, database.ErrNewerSchema) {
			t.Errorf("the older program got %v, want ErrNewerSchema", err)
		}
	})
}

func TestMigrateFailsWhole(t *testing.T) {
	broken := with(fstest.MapFS{"0002_broken.sql": sqlFile(`CREATE TABLE half (id BIGINT PRIMARY KEY);` + "\n" + `INSERT INTO nowhere VALUES (1);`)})
	mended := with(fstest.MapFS{"0002_broken.sql": sqlFile(`CREATE TABLE half (id BIGINT PRIMARY KEY);`)})
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		if err := database.Migrate(t.Context(), db, broken); err == nil {
			t.Fatal("a broken migration passed")
		}
		must(t, database.Migrate(t.Context(), db, mended)) // no half-made table in the way
	})
}

// Rebuilding a table is SQLite's only way of many changes. It must not be
// stopped by the keys that point to it, nor leave one that points nowhere.
func TestMigrateChecksForeignKeysAtTheEnd(t *testing.T) {
	url := databasetest.URL(t, database.SQLite, files)
	db := databasetest.Open(t, url)
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := add(1, "one")(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO part (id, item) VALUES (1, 1)`)
		return err
	}))
	rebuild := func(copied string) fs.FS {
		return with(fstest.MapFS{"0002_rebuild.sql": sqlFile(`CREATE TABLE item2 (id BIGINT PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO item2 SELECT id, name FROM item ` + copied + `;
DROP TABLE item;
ALTER TABLE item2 RENAME TO item;`)})
	}
	must(t, database.Migrate(t.Context(), db, rebuild("")))
	wantCount(t, db, 1)

	db = databasetest.Open(t, databasetest.URL(t, database.SQLite, files))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := add(1, "one")(ctx, tx); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO part (id, item) VALUES (1, 1)`)
		return err
	}))
	if err := database.Migrate(t.Context(), db, rebuild("WHERE FALSE")); err == nil {
		t.Error("a row that refers to nothing was not noticed")
	}
}

const migrateVariable = "SOUK_TEST_MIGRATE"

// Several operating-system processes start on one empty database.
func TestProcessesMigrateAtOnce(t *testing.T) {
	if url := os.Getenv(migrateVariable); url != "" { // we are one of them
		db := open(t, url, database.Options{})
		must(t, database.Migrate(t.Context(), db, files))
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO item (id, name) VALUES ($1, $2)`, os.Getpid(), t.TempDir())
			return err
		}))
		return
	}
	const processes = 4
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := databasetest.URL(t, engine, nil)
			var running [processes]*exec.Cmd
			var out [processes]writer
			for i := range running {
				c := exec.Command(os.Args[0], "-test.run=^TestProcessesMigrateAtOnce$")
				c.Env = append(os.Environ(), migrateVariable+"="+url)
				c.Stdout, c.Stderr = &out[i], &out[i]
				must(t, c.Start())
				running[i] = c
			}
			for i, c := range running {
				if err := c.Wait(); err != nil {
					t.Errorf("process %d: %v\n%s", i, err, out[i])
				}
			}
			wantCount(t, databasetest.Open(t, url), processes)
		})
	}
}

type writer []byte

func (w *writer) Write(b []byte) (int, error) { *w = append(*w, b...); return len(b), nil }

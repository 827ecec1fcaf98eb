package backup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
)

// A small schema with everything that a big one can have: all kinds, a row that refers to a table whose name comes
// later, rows made by a migration.
var (
	first = &fstest.MapFile{Data: []byte(`-- +goose Up
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE job (id TEXT PRIMARY KEY, lease_owner TEXT NOT NULL, lease_until BIGINT NOT NULL);
CREATE TABLE owner (id TEXT PRIMARY KEY, note TEXT);
CREATE TABLE item (id TEXT PRIMARY KEY, owner_id TEXT NOT NULL REFERENCES owner(id), n BIGINT, yes BOOLEAN, body BYTEA);
CREATE TABLE lane (name TEXT PRIMARY KEY);
INSERT INTO lane (name) VALUES ('platform');
`)}
	second = &fstest.MapFile{Data: []byte(`-- +goose Up
ALTER TABLE owner ADD COLUMN mark TEXT NOT NULL DEFAULT 'upgraded';
`)}
	now     = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)
	engines = []database.Engine{database.SQLite, database.Postgres}
)

func write(t *testing.T, db *database.DB, statement string, args ...any) {
	t.Helper()
	if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, statement, args...)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func text(t *testing.T, db *database.DB, query string) (v string) {
	t.Helper()
	if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error { return tx.QueryRow(ctx, query).Scan(&v) }); err != nil {
		t.Fatal(err)
	}
	return v
}

func dump(t *testing.T, s backup.Source) ([]byte, backup.End) {
	t.Helper()
	s.Now, s.Program = now, "souk test"
	var b bytes.Buffer
	_, end, err := backup.Write(t.Context(), &b, s)
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), end
}

func restore(t *testing.T, b []byte, to backup.Target) error {
	t.Helper()
	d, err := backup.Read(bytes.NewReader(b))
	if err == nil {
		_, err = d.Restore(t.Context(), to)
	}
	return err
}

func ring(t *testing.T) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(keyring.Generate())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// From each engine into each: the rows are the same to the last byte, in the dump of the copy as well.
func TestADumpIsReadByEitherEngine(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": first}
	for _, from := range engines {
		for _, to := range engines {
			t.Run(string(from+" to "+to), func(t *testing.T) {
				db := databasetest.Open(t, databasetest.URL(t, from, files))
				write(t, db, `INSERT INTO owner (id, note) VALUES ('a', NULL), ('b', $1), ('c', '')`, "集市 \u2028 <&> \"\\\n\t é 𝄞")
				write(t, db, `INSERT INTO item (id, owner_id, n, yes, body) VALUES ('1', 'a', 9223372036854775807, TRUE, $1), ('2', 'a', -9223372036854775808, FALSE, $2), ('3', 'c', NULL, NULL, NULL)`, []byte{0, 255, '\n'}, []byte{})
				if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					for i := range 3000 { // more than a part, more than a statement
						if _, err := tx.Exec(ctx, `INSERT INTO item (id, owner_id, n, yes, body) VALUES ($1, 'b', $2, TRUE, $3)`, fmt.Sprintf("many %d", i), i, bytes.Repeat([]byte{byte(i)}, 500)); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					t.Fatal(err)
				}
				write(t, db, `INSERT INTO job (id, lease_owner, lease_until) VALUES ('j', 'somebody', 77), ('k', '', 0)`)
				write(t, db, `INSERT INTO lane (name) VALUES ('call:x')`)
				b, end := dump(t, backup.Source{DB: db})
				copied := databasetest.Open(t, databasetest.URL(t, to, nil))
				if err := restore(t, b, backup.Target{DB: copied, Migrations: files}); err != nil {
					t.Fatal(err)
				}
				if lease := text(t, copied, `SELECT lease_owner FROM job WHERE id = 'j'`); lease != "" {
					t.Errorf("a lease of another database is held by %q", lease)
				}
				write(t, copied, `UPDATE job SET lease_owner = 'somebody', lease_until = 77 WHERE id = 'j'`)
				_, again := dump(t, backup.Source{DB: copied})
				if !maps.Equal(end.Digest, again.Digest) || end.Rows != again.Rows || end.Rows != 3010 {
					t.Errorf("the rows differ: %v, then %v", end, again)
				}
			})
		}
	}
}

// The tables come from the database: one that a migration adds tomorrow is in the dump without a line of code.
func TestNoTableCanBeForgotten(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		write(t, db, `CREATE TABLE added_tomorrow (id TEXT PRIMARY KEY, company_id TEXT NOT NULL REFERENCES company(id), n BIGINT NOT NULL)`)
		d, err := backup.Read(bytes.NewReader(first1(dump(t, backup.Source{DB: db}))))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, h := range d.Head.Tables {
			for _, c := range h.Columns {
				got = append(got, h.Name+"."+c.Name)
			}
		}
		// What the migrations say, read without the code under test.
		var want []string
		catalogue := `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'`
		if db.Engine() == database.Postgres {
			catalogue = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'`
		}
		if err := db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			rows, err := tx.Query(ctx, catalogue)
			if err != nil {
				return err
			}
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				if !strings.HasPrefix(name, "goose_db_version.") && !strings.HasPrefix(name, "souk_migration_lock.") && !strings.HasPrefix(name, "sqlite_sequence.") {
					want = append(want, name)
				}
			}
			return rows.Err()
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) || !slices.Contains(got, "added_tomorrow.n") || !slices.Contains(got, "audit.previous") || !slices.Contains(got, "audit_head.sealed") {
			t.Errorf("in the dump %v\nin the schema %v", got, want)
		}
	})
}

func first1[A, B any](a A, _ B) A { return a }

// A dump of an older program is loaded into its own schema, which is then brought up.
func TestAnOlderSchemaIsBroughtUp(t *testing.T) {
	old, young := fstest.MapFS{"0001_first.sql": first}, fstest.MapFS{"0001_first.sql": first, "0002_second.sql": second}
	for _, engine := range engines {
		t.Run(string(engine), func(t *testing.T) {
			db := databasetest.Open(t, databasetest.URL(t, database.SQLite, old))
			write(t, db, `INSERT INTO owner (id) VALUES ('a')`)
			b, _ := dump(t, backup.Source{DB: db})
			// Empty, but of the newer schema, as after a first start.
			to := databasetest.Open(t, databasetest.URL(t, engine, young))
			if err := restore(t, b, backup.Target{DB: to, Migrations: young}); err != nil {
				t.Fatal(err)
			}
			if got := text(t, to, `SELECT mark FROM owner WHERE id = 'a'`); got != "upgraded" {
				t.Errorf("mark is %q", got)
			}
			// The other way round is refused, and nothing is touched.
			newer, _ := dump(t, backup.Source{DB: to})
			fresh := databasetest.Open(t, databasetest.URL(t, engine, old))
			if err := restore(t, newer, backup.Target{DB: fresh, Migrations: old}); !errors.Is(err, backup.ErrNewer) {
				t.Errorf("a newer schema: %v", err)
			}
			if got := text(t, fresh, `SELECT name FROM lane`); got != "platform" {
				t.Error("the database was changed")
			}
		})
	}
}

// A dump of every schema that this program ever had is brought up to today's.
func TestEverySchemaIsBroughtUp(t *testing.T) {
	names, err := fs.Glob(store.Migrations, "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	newest, err := database.Newest(store.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	past := fstest.MapFS{}
	for i, name := range names {
		content, err := fs.ReadFile(store.Migrations, name)
		if err != nil {
			t.Fatal(err)
		}
		past[name] = &fstest.MapFile{Data: content}
		then := maps.Clone(past)
		from, to := engines[i%2], engines[(i+1)%2]
		t.Run(fmt.Sprintf("%s from %s to %s", name, from, to), func(t *testing.T) {
			db := databasetest.Open(t, databasetest.URL(t, from, then))
			write(t, db, `INSERT INTO company (id, kind, name, buyer_level, retry_policy, email, mobile, created_at) VALUES ('c', 'buyer', '青山', '', '', '', '', 1)`)
			b, _ := dump(t, backup.Source{DB: db})
			today := databasetest.Open(t, databasetest.URL(t, to, nil))
			if err := restore(t, b, backup.Target{DB: today, Migrations: store.Migrations}); err != nil {
				t.Fatal(err)
			}
			if got := text(t, today, `SELECT name FROM company WHERE id = 'c'`); got != "青山" {
				t.Errorf("the company is %q", got)
			}
			if err := today.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				v, err := database.Version(ctx, tx)
				if err == nil && v != newest {
					err = fmt.Errorf("it is at version %d, not %d", v, newest)
				}
				return err
			}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestADatabaseWithRowsIsRefused(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": first}
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		b, _ := dump(t, backup.Source{DB: db})
		write(t, db, `INSERT INTO owner (id) VALUES ('somebody')`)
		if err := restore(t, b, backup.Target{DB: db, Migrations: files}); !errors.Is(err, backup.ErrNotEmpty) || !strings.Contains(err.Error(), "owner") {
			t.Errorf("got %v", err)
		}
		if text(t, db, `SELECT id FROM owner`) != "somebody" {
			t.Error("its rows are gone")
		}
	})
}

// Files come back under their sums, the keyring only when it was asked for, and a wrong key is told before anything
// is written.
func TestFilesAndKeys(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": first}
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, files))
	kept, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	sum, _, err := kept.Put(strings.NewReader("a picture"), 100)
	if err != nil {
		t.Fatal(err)
	}
	right := ring(t)
	check, err := right.Seal(backup.KeyCheckSetting, []byte("souk"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, db, `INSERT INTO setting (name, value) VALUES ($1, $2), ('clock.offset_us', '5000000')`, backup.KeyCheckSetting, check)
	b, end := dump(t, backup.Source{DB: db, Files: kept, Keyring: []byte("key\n")})
	d, err := backup.Read(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !d.Head.Files || !d.Head.Keyring || string(d.Keyring) != "key\n" || d.Head.ClockOffset != 5000000 || end.Files != 1 {
		t.Errorf("head %+v, end %+v", d.Head, end)
	}
	back, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	to := databasetest.Open(t, databasetest.URL(t, database.SQLite, nil))
	if _, err := d.Restore(t.Context(), backup.Target{DB: to, Migrations: files, Files: back, Ring: ring(t)}); !errors.Is(err, backup.ErrKey) {
		t.Fatalf("another key: %v", err)
	}
	if _, err := back.Get(sum); !errors.Is(err, blob.ErrMissing) {
		t.Error("something was written before the key was proved")
	}
	if err := restore(t, b, backup.Target{DB: to, Migrations: files, Files: back, Ring: right}); err != nil {
		t.Fatal(err)
	}
	f, err := back.Get(sum)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if content, _ := io.ReadAll(f); string(content) != "a picture" {
		t.Errorf("the file holds %q", content)
	}
	without, _ := dump(t, backup.Source{DB: db})
	if d, err = backup.Read(bytes.NewReader(without)); err != nil || d.Head.Files || d.Head.Keyring || d.Keyring != nil {
		t.Errorf("%+v %v", d.Head, err)
	}
	// The key is lost: the next start takes the one it finds.
	lost := databasetest.Open(t, databasetest.URL(t, database.SQLite, nil))
	if err := restore(t, without, backup.Target{DB: lost, Migrations: files}); err != nil {
		t.Fatal(err)
	}
	if got := text(t, lost, `SELECT COUNT(*) || '' FROM setting WHERE name = 'keyring.check'`); got != "0" {
		t.Error("the old key is still asked for")
	}
}

// Wherever a dump is cut or a bit of it flipped, it is refused and the database stays empty; should a flip lie in what
// carries no content, the rows are the right ones.
func TestACutOrChangedDumpIsRefused(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": first}
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		write(t, db, `INSERT INTO owner (id, note) VALUES ('a', 'one'), ('b', 'two')`)
		kept, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := kept.Put(strings.NewReader("a picture"), 100); err != nil {
			t.Fatal(err)
		}
		b, end := dump(t, backup.Source{DB: db, Files: kept})
		refused := func(what string, b []byte) {
			t.Helper()
			d, err := backup.Read(bytes.NewReader(b))
			var got backup.End
			if err == nil {
				got, err = d.Check()
			}
			if err == nil && got.SHA256 != end.SHA256 {
				t.Errorf("%s: taken for another dump", what)
			}
			if err != nil && !errors.Is(err, backup.ErrBroken) && !errors.Is(err, backup.ErrNewer) {
				t.Errorf("%s: %v", what, err)
			}
		}
		for n := range b {
			if d, err := backup.Read(bytes.NewReader(b[:n])); err == nil {
				if _, err = d.Check(); err == nil {
					t.Fatalf("cut after %d of %d bytes: taken for whole", n, len(b))
				}
			}
			for _, bit := range []byte{1, 1 << (n % 8)} {
				changed := bytes.Clone(b)
				changed[n] ^= bit
				refused(fmt.Sprintf("byte %d", n), changed)
			}
		}
		// Into a database, at a few places: nothing of it is there afterwards, and the right dump still fits.
		to := databasetest.Open(t, databasetest.URL(t, db.Engine(), nil))
		for _, n := range []int{len(b) / 2, len(b) * 9 / 10, len(b) - 1} {
			if err := restore(t, b[:n], backup.Target{DB: to, Migrations: files}); !errors.Is(err, backup.ErrBroken) {
				t.Fatalf("cut after %d: %v", n, err)
			}
		}
		changed := bytes.Clone(b)
		changed[len(changed)-6] ^= 4 // the checksum of the compression, read after the last row
		if err := restore(t, changed, backup.Target{DB: to, Migrations: files}); !errors.Is(err, backup.ErrBroken) {
			t.Fatal(err)
		}
		if err := to.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			var n int
			if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM owner`).Scan(&n); err != nil {
				return err
			}
			if n > 0 {
				t.Errorf("%d rows of a broken dump are there", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if err := restore(t, b, backup.Target{DB: to, Migrations: files}); err != nil {
			t.Fatal(err)
		}
	})
}

// A dump is one instant: what is written meanwhile is not in it, and writers do not wait.
func TestADumpIsASnapshotOfARunningMarketplace(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": first}
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		write(t, db, `INSERT INTO owner (id) VALUES ('before')`)
		meanwhile := &hook{f: func() {
			write(t, db, `INSERT INTO owner (id) VALUES ('meanwhile')`)
			write(t, db, `INSERT INTO item (id, owner_id) VALUES ('of it', 'meanwhile')`)
		}}
		_, end, err := backup.Write(t.Context(), meanwhile, backup.Source{DB: db, Now: now, Keyring: bytes.Repeat([]byte("k"), 1<<20)})
		if err != nil {
			t.Fatal(err)
		}
		if end.Rows != 2 || meanwhile.f != nil { // 'before' and the lane
			t.Errorf("%d rows, hook called: %t", end.Rows, meanwhile.f == nil)
		}
	})
}

// hook calls f at the first byte.
type hook struct{ f func() }

func (h *hook) Write(p []byte) (int, error) {
	if h.f != nil {
		f := h.f
		h.f = nil
		f()
	}
	return len(p), nil
}

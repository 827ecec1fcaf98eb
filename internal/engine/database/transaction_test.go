package database_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

// files is a schema with one of everything that these tests need.
var files = fstest.MapFS{
	"0001_first.sql": {Data: []byte(`-- +goose Up
CREATE TABLE item (
	id BIGINT PRIMARY KEY,
	name TEXT NOT NULL,
	n BIGINT NOT NULL DEFAULT 0,
	flag BOOLEAN NOT NULL DEFAULT FALSE,
	body BYTEA
);
CREATE UNIQUE INDEX item_name ON item (name);
CREATE TABLE part (id BIGINT PRIMARY KEY, item BIGINT NOT NULL REFERENCES item (id));
`)},
}

type closure = func(ctx context.Context, tx *database.Tx) error

func add(id int64, name string) closure {
	return func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO item (id, name) VALUES ($1, $2)`, id, name)
		return err
	}
}

func count(t *testing.T, db *database.DB) (n int) {
	t.Helper()
	must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `SELECT count(*) FROM item`).Scan(&n)
	}))
	return n
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCount(t *testing.T, db *database.DB, want int) {
	t.Helper()
	if got := count(t, db); got != want {
		t.Fatalf("%d rows, want %d", got, want)
	}
}

func TestWriteCommitsOrUndoes(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), add(1, "one")))
		wantCount(t, db, 1)

		refused := errors.New("a rule says no")
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if err := add(2, "two")(ctx, tx); err != nil {
				return err
			}
			return refused
		})
		if err != refused {
			t.Errorf("error is %v, want the closure's own", err)
		}
		wantCount(t, db, 1)
	})
}

// The same closure must not pass on one engine and fail on the other.
func TestFailedStatementDoomsTheTransaction(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), add(1, "one")))
		var later, row error
		err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			_ = add(1, "again")(ctx, tx)
			later = add(2, "two")(ctx, tx)
			row = tx.QueryRow(ctx, `SELECT 1`).Scan(new(int))
			return nil // hides what happened
		})
		if later == nil || row == nil {
			t.Errorf("statements after the failed one gave %v and %v, want errors", later, row)
		}
		if !database.IsUnique(err) {
			t.Errorf("the hidden failure came out as %v", err)
		}
		wantCount(t, db, 1)

		// "No row" is an answer, not a failure.
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			err := tx.QueryRow(ctx, `SELECT name FROM item WHERE id = 99`).Scan(new(string))
			if !errors.Is(err, sql.ErrNoRows) {
				return fmt.Errorf("got %v, want no rows", err)
			}
			return add(99, "ninety-nine")(ctx, tx)
		}))
	})
}

func TestPanicUndoesAndReachesTheCaller(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		for _, run := range []func(context.Context, closure) error{
			func(ctx context.Context, f closure) error { return db.Write(ctx, f) },
			func(ctx context.Context, f closure) error { return db.Read(ctx, f) },
		} {
			func() {
				defer func() {
					if got := recover(); got != "boom" {
						t.Errorf("recovered %v, want boom", got)
					}
				}()
				_ = run(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					_ = add(1, "one")(ctx, tx)
					panic("boom")
				})
			}()
			// A goroutine that ends inside its closure (a test's FailNow).
			gone := make(chan struct{})
			go func() {
				defer close(gone)
				_ = run(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					_ = add(1, "one")(ctx, tx)
					runtime.Goexit()
					return nil
				})
			}()
			<-gone
		}
		wantCount(t, db, 0)
		must(t, db.Write(t.Context(), add(1, "one")))
	})
}

func TestOnCommit(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		calls := 0
		hook := func() { calls++ }
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.OnCommit(hook)
			// Not yet durable: the hook has to see what others see.
			tx.OnCommit(func() { wantCount(t, db, 1) })
			if calls != 0 {
				t.Error("called before the commit")
			}
			return add(1, "one")(ctx, tx)
		}))
		if calls != 1 {
			t.Errorf("called %d times, want once", calls)
		}
		_ = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.OnCommit(hook)
			return errors.New("no")
		})
		_ = db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			tx.OnCommit(hook)
			return add(1, "again")(ctx, tx)
		})
		if calls != 1 {
			t.Errorf("called for a transaction that was undone")
		}
	})
}

func TestIsUnique(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), add(1, "one")))
		for name, f := range map[string]closure{"primary key": add(1, "other"), "unique index": add(2, "one")} {
			if err := db.Write(t.Context(), f); !database.IsUnique(err) || database.IsUnavailable(err) {
				t.Errorf("%s: %v is not seen as a unique violation", name, err)
			}
		}
		for name, statement := range map[string]string{
			"foreign key": `INSERT INTO part (id, item) VALUES (1, 404)`,
			"not null":    `INSERT INTO item (id, name) VALUES (3, NULL)`,
			"syntax":      `INSERT INTO`,
		} {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, statement)
				return err
			})
			if err == nil || database.IsUnique(err) || database.IsUnavailable(err) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestReadIsASnapshot(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			see := func() (n int, err error) {
				err = tx.QueryRow(ctx, `SELECT count(*) FROM item`).Scan(&n)
				return n, err
			}
			before, err := see()
			if err != nil {
				return err
			}
			// A writer commits meanwhile: neither waits for the other.
			if err := db.Write(t.Context(), add(1, "one")); err != nil {
				return err
			}
			after, err := see()
			if err != nil {
				return err
			}
			if before != 0 || after != 0 {
				t.Errorf("the snapshot saw %d rows, then %d", before, after)
			}
			return nil
		}))
		wantCount(t, db, 1)

		if err := db.Read(t.Context(), add(2, "two")); err == nil {
			t.Error("a Read could write")
		}
		wantCount(t, db, 1)
	})
}

func TestContext(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		ended, end := context.WithCancel(t.Context())
		end()
		never := func(context.Context, *database.Tx) error {
			t.Error("ran although the context had ended")
			return nil
		}
		if err := db.Write(ended, never); !errors.Is(err, context.Canceled) {
			t.Errorf("Write: %v", err)
		}
		if err := db.Read(ended, never); !errors.Is(err, context.Canceled) {
			t.Errorf("Read: %v", err)
		}

		// Ended while the closure runs: undone, whatever the closure returns.
		ctx, end := context.WithCancel(t.Context())
		err := db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			if err := add(1, "one")(ctx, tx); err != nil {
				return err
			}
			end()
			return nil
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("ended inside: %v", err)
		}
		ctx, end = context.WithCancel(t.Context())
		err = db.Write(ctx, func(ctx context.Context, tx *database.Tx) error {
			end()
			return add(1, "one")(ctx, tx)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("statement after the end: %v", err)
		}
		wantCount(t, db, 0)

		// Ended while waiting for a turn: the closure never starts. (SQLite
		// lets one writer in at a time; PostgreSQL has no line to wait in.)
		if db.Engine() != database.SQLite {
			return
		}
		waiting, end := context.WithCancel(t.Context())
		must(t, db.Write(t.Context(), func(context.Context, *database.Tx) error {
			gave := make(chan error)
			go func() { gave <- db.Write(waiting, never) }()
			end()
			if err := <-gave; !errors.Is(err, context.Canceled) {
				t.Errorf("in line: %v", err)
			}
			return nil
		}))
	})
}

func TestNestedTransactionIsRefused(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			if err := db.Write(ctx, add(1, "one")); !errors.Is(err, database.ErrNested) {
				t.Errorf("Write in Write: %v", err)
			}
			if err := db.Read(ctx, add(1, "one")); !errors.Is(err, database.ErrNested) {
				t.Errorf("Read in Write: %v", err)
			}
			return nil
		}))
	})
}

// One of the group fails, another panics: the neighbours are there, whole.
func TestFailingClosureDoesNotDisturbItsNeighbours(t *testing.T) {
	const n = 40
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		var all sync.WaitGroup
		others := func() {
			for i := range int64(n) {
				all.Go(func() {
					defer func() { _ = recover() }()
					err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
						if err := add(i, fmt.Sprint("item ", i))(ctx, tx); err != nil {
							return err
						}
						switch i % 4 {
						case 1:
							return errors.New("a rule says no")
						case 2:
							panic("boom")
						case 3: // a statement fails
							return add(i, "twice")(ctx, tx)
						}
						return nil
					})
					if (err == nil) != (i%4 == 0) {
						t.Errorf("closure %d: %v", i, err)
					}
				})
			}
		}
		// The first writer holds the line until the others stand in it.
		must(t, db.Write(t.Context(), func(context.Context, *database.Tx) error {
			others()
			for db.Engine() == database.SQLite {
				if waiting, _ := database.Line(db); waiting == n {
					break
				}
				runtime.Gosched()
			}
			return nil
		}))
		all.Wait()
		wantCount(t, db, n/4)
		if db.Engine() == database.SQLite {
			if _, commits := database.Line(db); commits >= n/4 {
				t.Errorf("%d commits for %d writes: nothing was grouped", commits, n/4+1)
			}
		}
	})
}

func TestValues(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		type item struct {
			id   int64
			name string
			n    int64
			flag bool
			body []byte
		}
		for _, want := range []item{
			{1, "集市 \U0001F3EA 'quoted' \"x\" $1 ?1", math.MaxInt64, true, []byte{0, 1, 255}},
			{2, "", math.MinInt64, false, nil},
			{3, "123", -1, true, []byte("123")}, // digits stay text and bytes
		} {
			var got item
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				// Placeholders out of order and used twice.
				return tx.QueryRow(ctx, `INSERT INTO item (n, name, id, flag, body) VALUES ($3, $2, $1, $4, $5)
					ON CONFLICT (id) DO UPDATE SET n = $3 RETURNING id, name, n, flag, body`,
					want.id, want.name, want.n, want.flag, want.body).
					Scan(&got.id, &got.name, &got.n, &got.flag, &got.body)
			}))
			if got.id != want.id || got.name != want.name || got.n != want.n || got.flag != want.flag || !bytes.Equal(got.body, want.body) {
				t.Errorf("wrote %+v, read %+v", want, got)
			}
		}
	})
}

func TestRows(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			for i := range int64(10) {
				if err := add(i, fmt.Sprint(i))(ctx, tx); err != nil {
					return err
				}
			}
			// Rows nobody closes must keep neither this nor the next
			// transaction from committing.
			rows, err := tx.Query(ctx, `UPDATE item SET n = id RETURNING id`)
			if err != nil {
				return err
			}
			rows.Next()
			return nil
		}))
		var sum int64
		must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, `SELECT sum(n) FROM item`).Scan(&sum)
		}))
		if sum != 45 {
			t.Errorf("sum is %d, want 45: RETURNING read half-way must change every row", sum)
		}
	})
}

// Running a text while its own rows are still being read must not pull them
// away. PostgreSQL's protocol allows one result at a time, so this is SQLite's.
func TestStatementInsideItsOwnRows(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, files))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		for i := range int64(3) {
			if err := add(i, fmt.Sprint(i))(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	}))
	pairs := 0
	must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		const all = `SELECT id FROM item ORDER BY id`
		outer, err := tx.Query(ctx, all)
		if err != nil {
			return err
		}
		for outer.Next() {
			inner, err := tx.Query(ctx, all)
			if err != nil {
				return err
			}
			for inner.Next() {
				pairs++
			}
		}
		return outer.Err()
	}))
	if pairs != 9 {
		t.Errorf("%d pairs, want 9", pairs)
	}
}

func TestManyDifferentTexts(t *testing.T) {
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		for i := range 2*database.MaxStatements + 1 {
			var got int
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				return tx.QueryRow(ctx, fmt.Sprintf(`SELECT %d`, i)).Scan(&got)
			}))
			if got != i {
				t.Fatalf("got %d, want %d", got, i)
			}
		}
	})
}

func TestClose(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			db, err := database.Open(t.Context(), databasetest.URL(t, engine, files), database.Options{Synchronous: "OFF"})
			must(t, err)
			// A transaction under way is finished first.
			closed := make(chan error, 1)
			must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if engine == database.SQLite {
					go func() { closed <- db.Close() }()
				}
				return add(1, "one")(ctx, tx)
			}))
			if engine == database.Postgres {
				closed <- db.Close()
			}
			must(t, <-closed)
			for name, run := range map[string]func(context.Context, func(context.Context, *database.Tx) error) error{
				"Write": db.Write, "Read": db.Read,
			} {
				if err := run(t.Context(), add(2, "two")); !errors.Is(err, database.ErrClosed) {
					t.Errorf("%s after Close: %v", name, err)
				}
			}
			must(t, db.Close())
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, url := range []string{"", "mysql://x", "sqlite:", "sqlite::memory:", "sqlite:" + t.TempDir(), "postgres://%zz"} {
		if db, err := database.Open(t.Context(), url, database.Options{}); err == nil {
			t.Errorf("%q was opened", url)
			db.Close()
		}
	}
}

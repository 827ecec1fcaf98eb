package database_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

// open opens url once more, as another process would.
func open(t *testing.T, url string, o database.Options) *database.DB {
	t.Helper()
	o.Synchronous = "OFF"
	db, err := database.Open(t.Context(), url, o)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func postgres(t *testing.T) (*database.DB, string) {
	t.Helper()
	url := databasetest.URL(t, database.Postgres, files)
	return databasetest.Open(t, url), url
}

func increment(ctx context.Context, tx *database.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE item SET n = n + 1 WHERE id = 1`)
	return err
}

func value(t *testing.T, db *database.DB, id int64) (n int64) {
	t.Helper()
	must(t, db.Read(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `SELECT n FROM item WHERE id = $1`, id).Scan(&n)
	}))
	return n
}

func TestTwoOpenersOfOneDatabase(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := databasetest.URL(t, engine, files)
			dbs := []*database.DB{open(t, url, database.Options{}), open(t, url, database.Options{})}
			must(t, dbs[0].Write(t.Context(), add(1, "counter")))
			var all sync.WaitGroup
			for i := range 40 {
				all.Go(func() {
					if err := dbs[i%2].Write(t.Context(), increment); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := value(t, dbs[0], 1); got != 40 {
				t.Errorf("counter is %d, want 40", got)
			}
		})
	}
}

// Two transactions lock two rows in opposite order. The server ends one of
// them, which is repeated: both changes are there.
func TestDeadlockIsRepeated(t *testing.T) {
	db, _ := postgres(t)
	must(t, db.Write(t.Context(), add(1, "one")))
	must(t, db.Write(t.Context(), add(2, "two")))
	var met, all sync.WaitGroup
	met.Add(2)
	var runs, hooks atomic.Int32
	for _, order := range [][2]int64{{1, 2}, {2, 1}} {
		first := true
		all.Go(func() {
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				runs.Add(1)
				tx.OnCommit(func() { hooks.Add(1) })
				for i, id := range order {
					if i == 1 && first {
						first = false
						met.Done()
						met.Wait()
					}
					if _, err := tx.Exec(ctx, `UPDATE item SET n = n + 1 WHERE id = $1`, id); err != nil {
						return fmt.Errorf("wrapped by the closure: %w", err)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if runs.Load() < 3 {
		t.Errorf("%d runs: there was no deadlock, the test shows nothing", runs.Load())
	}
	if hooks.Load() != 2 {
		t.Errorf("%d hooks, want one per transaction", hooks.Load())
	}
	if a, b := value(t, db, 1), value(t, db, 2); a != 2 || b != 2 {
		t.Errorf("rows are %d and %d, want 2 and 2", a, b)
	}
}

// A connection that ends before the COMMIT was sent has changed nothing: the
// transaction is run again on another one.
func TestConnectionLostBeforeCommitIsRepeated(t *testing.T) {
	db, url := postgres(t)
	other := open(t, url, database.Options{})
	must(t, db.Write(t.Context(), add(1, "one")))
	runs := 0
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if err := increment(ctx, tx); err != nil {
			return err
		}
		if runs++; runs == 1 {
			var pid int64
			if err := tx.QueryRow(ctx, `SELECT pg_backend_pid()`).Scan(&pid); err != nil {
				return err
			}
			must(t, other.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, `SELECT pg_terminate_backend($1::int, 5000)`, pid)
				return err
			}))
		}
		return increment(ctx, tx)
	}))
	if got := value(t, db, 1); runs != 2 || got != 2 {
		t.Errorf("%d runs left %d, want 2 and 2", runs, got)
	}
}

// The connection breaks around the COMMIT: whether it took effect cannot be
// known from here, so the error says so and nothing is repeated.
func TestConnectionLostDuringCommitIsUnknown(t *testing.T) {
	for _, c := range []struct {
		name    string
		forward bool // the COMMIT reaches the server, its answer is lost
	}{{"commit lost", false}, {"answer lost", true}} {
		t.Run(c.name, func(t *testing.T) {
			direct, target := postgres(t)
			must(t, direct.Write(t.Context(), add(1, "one")))
			through := open(t, cutAtCommit(t, target, c.forward), database.Options{})
			runs := 0
			err := through.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				runs++
				tx.OnCommit(func() { t.Error("the hook ran") })
				return increment(ctx, tx)
			})
			if !errors.Is(err, database.ErrCommitUnknown) || database.IsUnavailable(err) {
				t.Errorf("error is %v, want ErrCommitUnknown alone", err)
			}
			if runs != 1 {
				t.Errorf("ran %d times, want once", runs)
			}
			// The lost session may still hold the row: a change waits for it.
			must(t, direct.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE item SET n = n * 10 WHERE id = 1`)
				return err
			}))
			want := int64(0)
			if c.forward {
				want = 10
			}
			if got := value(t, direct, 1); got != want {
				t.Errorf("the row is %d, want %d", got, want)
			}
		})
	}
}

// cutAtCommit stands between client and server and breaks the connection at the
// first COMMIT of a transaction that was not read-only.
func cutAtCommit(t *testing.T, target string, forward bool) string {
	t.Helper()
	u, err := url.Parse(target)
	must(t, err)
	socket := filepath.Join(u.Query().Get("host"), ".s.PGSQL.5432")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			server, err := net.Dial("unix", socket)
			if err != nil {
				client.Close()
				continue
			}
			go func() {
				defer client.Close()
				defer server.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := client.Read(buf)
					if err != nil {
						return
					}
					if bytes.Contains(buf[:n], []byte("\x0bcommit\x00")) {
						if forward {
							_, _ = server.Write(buf[:n])
							// Wait until it has answered, so that it has committed.
							_, _ = server.Read(buf)
						}
						return
					}
					if _, err := server.Write(buf[:n]); err != nil {
						return
					}
					// The protocol takes turns closely enough: what the server
					// says is passed on until it waits for the client again.
					if err := untilReady(client, server); err != nil {
						return
					}
				}
			}()
		}
	}()
	return "postgres://postgres@" + l.Addr().String() + u.Path + "?sslmode=disable"
}

// untilReady copies messages from server to client up to ReadyForQuery, or an
// authentication request, which both leave the turn to the client.
func untilReady(client io.Writer, server io.Reader) error {
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(server, head); err != nil {
			return err
		}
		body := make([]byte, int(head[1])<<24|int(head[2])<<16|int(head[3])<<8|int(head[4])-4)
		if _, err := io.ReadFull(server, body); err != nil {
			return err
		}
		if _, err := client.Write(append(append([]byte{}, head...), body...)); err != nil {
			return err
		}
		if head[0] == 'Z' {
			return nil
		}
	}
}

func TestLockedForTooLongIsUnavailable(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			url := databasetest.URL(t, engine, files)
			holder := open(t, url, database.Options{})
			hasty := open(t, url, database.Options{LockWait: 30 * time.Millisecond})
			must(t, holder.Write(t.Context(), add(1, "one")))
			must(t, holder.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				if err := increment(ctx, tx); err != nil {
					return err
				}
				if err := hasty.Write(t.Context(), increment); !database.IsUnavailable(err) {
					t.Errorf("error is %v, want one that says to come again", err)
				}
				return nil
			}))
			must(t, hasty.Write(t.Context(), increment))
			if got := value(t, hasty, 1); got != 2 {
				t.Errorf("counter is %d, want 2", got)
			}
		})
	}
}

func TestFullDiskIsUnavailable(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, files))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `PRAGMA max_page_count = 64`).Scan(new(int64))
	}))
	must(t, db.Write(t.Context(), add(1, "one")))
	err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO item (id, name, body) VALUES (2, 'big', $1)`, make([]byte, 1<<20))
		return err
	})
	if !database.IsUnavailable(err) {
		t.Errorf("error is %v, want one that says to come again", err)
	}
	// Small things still work, and nothing of the big one is there.
	must(t, db.Write(t.Context(), add(3, "three")))
	wantCount(t, db, 2)
}

// The disk is full for some of a group, which makes SQLite undo all of it. The
// neighbours are run again and do not notice.
func TestFullDiskInAGroup(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, files))
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `PRAGMA max_page_count = 64`).Scan(new(int64))
	}))
	const n = 30
	var all sync.WaitGroup
	started := false
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		if started { // this one is run again too
			return nil
		}
		started = true
		for i := range int64(n) {
			all.Go(func() {
				err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
					if i%10 != 9 {
						return add(i, fmt.Sprint(i))(ctx, tx)
					}
					_, err := tx.Exec(ctx, `INSERT INTO item (id, name, body) VALUES ($1, 'big', $2)`, i, make([]byte, 1<<20))
					return err
				})
				if i%10 != 9 && err != nil || i%10 == 9 && !database.IsUnavailable(err) {
					t.Errorf("write %d: %v", i, err)
				}
			})
		}
		for {
			if waiting, _ := database.Line(db); waiting == n {
				return nil
			}
			runtime.Gosched()
		}
	}))
	all.Wait()
	wantCount(t, db, n*9/10)
}

func TestServerGoneIsUnavailable(t *testing.T) {
	s, err := databasetest.StartServer(t.Context(), databasetest.ServerOptions{})
	if errors.Is(err, databasetest.ErrNoPostgres) {
		_ = databasetest.URL(t, database.Postgres, nil) // skips or fails as configured
	}
	must(t, err)
	db := open(t, s.URL, database.Options{})
	must(t, db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
		return tx.QueryRow(ctx, `SELECT 1`).Scan(new(int))
	}))
	must(t, s.Stop())
	if err := db.Write(t.Context(), add(1, "one")); !database.IsUnavailable(err) {
		t.Errorf("Write: %v, want one that says to come again", err)
	}
	if err := db.Read(t.Context(), add(1, "one")); !database.IsUnavailable(err) {
		t.Errorf("Read: %v, want one that says to come again", err)
	}
	if _, err := database.Open(t.Context(), s.URL, database.Options{}); !database.IsUnavailable(err) {
		t.Errorf("Open: %v, want one that says to come again", err)
	}
}

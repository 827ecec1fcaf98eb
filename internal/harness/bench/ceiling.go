package bench

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/store"
)

// postgresWriters is the program's number of connections to PostgreSQL.
const postgresWriters = 16

// maxCopies bounds the memory of a ceiling's prepared keys.
const maxCopies = 120_000

// fastest is more than any ceiling per second: so many copies are prepared. Those
// that have to be written before are fewer; a ceiling that runs out of them ends
// earlier.
const (
	fastest         = 12_000
	fastestPrepared = 3_000
)

// ceiling is how many units per second the bare driver writes: each unit is the
// given transactions, one after the other, of a copy of the specimen. The database
// is fresh, on the same disk or server. On SQLite there is one writing connection,
// as in the program, which runs each transaction in a savepoint and makes a COMMIT
// after perCommit of them, as the program did when it was measured; on PostgreSQL
// each of the program's 16 connections commits each transaction. before is written
// without being timed.
func (w *world) ceiling(ctx context.Context, s *specimen, before []op, txs [][]op, perCommit float64, d time.Duration) (float64, error) {
	raw, err := w.database(ctx)
	if err != nil {
		return 0, err
	}
	mdb, err := database.Open(ctx, raw, database.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	if err := errors.Join(database.Migrate(ctx, mdb, store.Migrations), mdb.Close()); err != nil {
		return 0, err
	}
	conns := 1
	if w.o.DB == "postgres" {
		conns = postgresWriters
	}
	db, err := open(raw, conns)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	n := min(maxCopies, int(d.Seconds()*fastest)+1)
	if before != nil { // they have to be there first: only as many as can be worked off
		n = min(n, int(d.Seconds()*fastestPrepared)+1)
	}
	copies := s.copies(n, nil, nil)
	if before != nil {
		if err := bulk(ctx, db, w.o.DB, before, copies); err != nil {
			return 0, err
		}
	}
	var next, done atomic.Int64
	started := time.Now()
	end := started.Add(d)
	work := func(group bool) error {
		c, err := connect(ctx, db)
		if err != nil {
			return err
		}
		defer c.close()
		open, inGroup, credit := false, 0.0, 0.0
		for time.Now().Before(end) {
			i := int(next.Add(1)) - 1
			if i >= len(copies) {
				break
			}
			for _, tx := range txs {
				if !group {
					if err := c.all(ctx, copies[i], "BEGIN", tx, "COMMIT"); err != nil {
						return err
					}
					continue
				}
				if !open {
					if err := c.exec(ctx, "BEGIN IMMEDIATE"); err != nil {
						return err
					}
					open = true
				}
				if err := c.all(ctx, copies[i], "SAVEPOINT t", tx, "RELEASE t"); err != nil {
					return err
				}
				if inGroup++; inGroup+credit >= perCommit {
					credit += inGroup - perCommit
					inGroup = 0
					if err := c.exec(ctx, "COMMIT"); err != nil {
						return err
					}
					open = false
				}
			}
			done.Add(1)
		}
		if open {
			return c.exec(ctx, "COMMIT")
		}
		return nil
	}
	var wg sync.WaitGroup
	failed := make([]error, conns)
	for i := range conns {
		wg.Go(func() { failed[i] = work(w.o.DB == "sqlite") })
	}
	wg.Wait()
	if err := errors.Join(failed...); err != nil {
		return 0, fmt.Errorf("ceiling: %w", err)
	}
	return float64(done.Load()) / time.Since(started).Seconds(), nil
}

// bulk writes copies in large transactions.
func bulk(ctx context.Context, db *sql.DB, engine string, ops []op, copies []fresh) error {
	c, err := connect(ctx, db)
	if err != nil {
		return err
	}
	defer c.close()
	const size = 500
	for len(copies) > 0 {
		part := copies[:min(size, len(copies))]
		copies = copies[len(part):]
		if err := c.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		for _, f := range part {
			if err := c.all(ctx, f, "", ops, ""); err != nil {
				return err
			}
		}
		if err := c.exec(ctx, "COMMIT"); err != nil {
			return err
		}
	}
	return nil
}

// bare is a connection with its prepared statements.
type bare struct {
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	args  []any
}

func connect(ctx context.Context, db *sql.DB) (*bare, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &bare{conn: c, stmts: map[string]*sql.Stmt{}}, nil
}

func (b *bare) close() {
	for _, s := range b.stmts {
		_ = s.Close()
	}
	_ = b.conn.Close()
}

func (b *bare) exec(ctx context.Context, query string, args ...any) error {
	s := b.stmts[query]
	if s == nil {
		var err error
		if s, err = b.conn.PrepareContext(ctx, query); err != nil {
			return err
		}
		b.stmts[query] = s
	}
	_, err := s.ExecContext(ctx, args...)
	return err
}

// all runs the statements of one transaction between the words that bracket it.
func (b *bare) all(ctx context.Context, f fresh, begin string, ops []op, end string) error {
	if begin != "" {
		if err := b.exec(ctx, begin); err != nil {
			return err
		}
	}
	for i := range ops {
		b.args = ops[i].bind(b.args, f)
		if err := b.exec(ctx, ops[i].query, b.args...); err != nil {
			return fmt.Errorf("%w in %s", err, ops[i].query)
		}
	}
	if end != "" {
		return b.exec(ctx, end)
	}
	return nil
}

// commits is the number of write transactions that SQLite has committed on the
// world's database since the file was opened: the change counter of the WAL index,
// which the documentation of the format calls iChange. It is 0 on PostgreSQL, where
// every transaction is a commit of its own.
func (w *world) commits() (uint32, error) {
	path, ok := strings.CutPrefix(w.url, "sqlite:")
	if !ok {
		return 0, nil
	}
	f, err := os.Open(path + "-shm")
	if err != nil {
		return 0, err
	}
	defer f.Close()
	var b [12]byte
	if _, err := io.ReadFull(f, b[:]); err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint32(b[8:]), nil
}

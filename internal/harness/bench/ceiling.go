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

// raw is what a ceiling writes: some transactions for each of some keys.
type raw struct {
	in        string              // the database; "": a fresh one
	before    []op                // written for all keys, without being timed
	keys      []fresh             // nil: of as many copies of the specimen as can be needed
	of        func(n int) []rawTx // the transactions for the n-th keys
	perCommit float64             // how many the program put into one COMMIT
	plain     bool                // the program does not run each in a savepoint of its own
}

// rawTx is a transaction. What it writes when something outside has answered cannot be
// in the same COMMIT: it is in the next one, with what its neighbours write then.
type rawTx struct{ now, answered []op }

// each makes transactions of which nothing is written later.
func each(txs ...[]op) func(int) []rawTx {
	var out []rawTx
	for _, tx := range txs {
		out = append(out, rawTx{now: tx})
	}
	return func(int) []rawTx { return out }
}

// ceiling is how many transactions per second the bare driver writes, on the same
// disk or server. On SQLite there is one writing connection,
// as in the program, which runs each transaction in a savepoint (where the program
// does) and makes a COMMIT after perCommit of them, as the program did when it was
// measured; on PostgreSQL each of the program's 16 connections commits each.
func (w *world) ceiling(ctx context.Context, s *specimen, r raw, d time.Duration) (float64, error) {
	url := r.in
	if url == "" {
		var err error
		if url, err = w.database(ctx); err != nil {
			return 0, err
		}
		fresh, err := database.Open(ctx, url, database.Options{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return 0, err
		}
		if err := errors.Join(database.Migrate(ctx, fresh, store.Migrations), fresh.Close()); err != nil {
			return 0, err
		}
	}
	conns := 1
	if w.o.DB == "postgres" {
		conns = postgresWriters
	}
	db, err := open(url, conns)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	copies := r.keys
	if copies == nil {
		n := min(maxCopies, int(d.Seconds()*fastest)+1)
		if r.before != nil { // they have to be there first: only as many as can be worked off
			n = min(n, int(d.Seconds()*fastestPrepared)+1)
		}
		copies = s.copies(n, nil, nil)
	}
	if r.before != nil {
		if err := bulk(ctx, db, w.o.DB, r.before, copies); err != nil {
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
		g := &rawGroup{c: c, size: 1, savepoints: group && !r.plain}
		if group {
			g.size = r.perCommit
		}
		for time.Now().Before(end) {
			i := int(next.Add(1)) - 1
			if i >= len(copies) {
				break
			}
			txs := r.of(i)
			for _, tx := range txs {
				if err := g.run(ctx, copies[i], tx); err != nil {
					return err
				}
			}
			done.Add(int64(len(txs)))
		}
		return g.commit(ctx)
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

// rawGroup puts transactions into COMMITs.
type rawGroup struct {
	c          *bare
	size       float64 // transactions to a COMMIT, in the mean
	savepoints bool
	open       bool
	n, credit  float64
	waiting    []func() error // what is written when answers are there
}

func (g *rawGroup) run(ctx context.Context, f fresh, tx rawTx) error {
	if !g.open {
		if err := g.c.exec(ctx, "BEGIN"); err != nil {
			return err
		}
		g.open = true
	}
	begin, end := "", ""
	if g.savepoints {
		begin, end = "SAVEPOINT t", "RELEASE t"
	}
	if err := g.c.all(ctx, f, begin, tx.now, end); err != nil {
		return err
	}
	if len(tx.answered) > 0 {
		g.waiting = append(g.waiting, func() error { return g.c.all(ctx, f, "", tx.answered, "") })
	}
	g.n++
	size := g.size
	if len(g.waiting) > 0 {
		size *= 2 // for two COMMITs follow
	}
	if g.n+g.credit < size {
		return nil
	}
	g.credit += g.n - size
	return g.commit(ctx)
}

// commit ends what is open, and then writes what the answers bring.
func (g *rawGroup) commit(ctx context.Context) error {
	if !g.open {
		return nil
	}
	if err := g.c.exec(ctx, "COMMIT"); err != nil {
		return err
	}
	g.open, g.n = false, 0
	if len(g.waiting) == 0 {
		return nil
	}
	if err := g.c.exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, write := range g.waiting {
		if err := write(); err != nil {
			return err
		}
	}
	g.waiting = nil
	return g.c.exec(ctx, "COMMIT")
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

package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // registers the driver "sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	// groupMax and groupTime bound what one COMMIT gathers: the first answer
	// of a group is held back while the others run, never longer than
	// groupTime plus one transaction. A lone write is not held back at all.
	groupMax  = 64
	groupTime = 4 * time.Millisecond
)

// lite is the SQLite backend: one writing connection in turns, and a few
// read-only ones. WAL lets them work side by side.
type lite struct {
	path   string
	o      Options
	pool   *sql.DB // makes the connections; they are then held for good
	writes *conn
	turns  chan *turn
	slots  chan *conn // one per reader; nil: not opened yet

	stop    chan struct{} // closed by close
	stopped chan struct{} // closed when the writer has ended
	once    sync.Once

	waiting atomic.Int64 // callers in line
	meter   meter
}

// turn is a caller's request to be the writer for the length of its closure.
// The closure runs on the caller's own goroutine, so a panic, a profile and a
// test's FailNow all stay where they belong.
type turn struct {
	ctx   context.Context
	begin chan error // nil: the connection is yours; else: nothing was begun
	ran   chan bool  // the closure is over; true: keep its changes
	end   chan error // nil: undone as asked, or durable
}

func openSQLite(ctx context.Context, path string, o Options) (*lite, error) {
	if path == "" || path == ":memory:" {
		return nil, errors.New("a file is needed")
	}
	if o.Synchronous != "FULL" && o.Synchronous != "OFF" && o.Synchronous != "NORMAL" {
		return nil, fmt.Errorf("synchronous %q is not FULL, NORMAL or OFF", o.Synchronous)
	}
	// Buyers' and sellers' data are for this account only; SQLite gives the
	// files beside it the same mode.
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	l := &lite{
		path: path, o: o,
		turns:   make(chan *turn),
		slots:   make(chan *conn, o.MaxReaders),
		stop:    make(chan struct{}),
		stopped: make(chan struct{}),
	}
	if l.pool, err = sql.Open("sqlite", l.dsn("foreign_keys(1)")); err != nil {
		return nil, err
	}
	l.pool.SetMaxOpenConns(o.MaxReaders + 1)
	if l.writes, err = l.connect(ctx, ""); err != nil {
		_ = l.pool.Close()
		return nil, err
	}
	for range o.MaxReaders {
		l.slots <- nil
	}
	go l.writer()
	return l, nil
}

func (l *lite) dsn(pragmas ...string) string {
	all := append([]string{
		fmt.Sprintf("busy_timeout(%d)", l.o.LockWait.Milliseconds()), // first: the others may have to wait
		"journal_mode(WAL)",
		"synchronous(" + l.o.Synchronous + ")",
		"journal_size_limit(67108864)",
		"temp_store(MEMORY)",
		// The default of 2 MB makes every group read its index pages back from the
		// log, and a checkpoint each 1,000 pages writes the hot ones again and again;
		// measured, these two are a tenth of a delivery's cost.
		"cache_size(-16000)",       // 16 MB at most, taken as needed
		"wal_autocheckpoint(4000)", // 16 MB of log
	}, pragmas...)
	// _dqs=0: "x" is a name and never a text, as in PostgreSQL.
	q := "_dqs=0"
	for _, p := range all {
		q += "&_pragma=" + url.QueryEscape(p)
	}
	path := (&url.URL{Path: l.path}).EscapedPath()
	if strings.HasPrefix(path, "//") { // would read as a host name
		path = "/" + strings.TrimLeft(path, "/")
	}
	return "file:" + path + "?" + q
}

func (l *lite) connect(ctx context.Context, pragma string) (*conn, error) {
	c, err := l.pool.Conn(ctx)
	if err != nil {
		return nil, err
	}
	k := &conn{Conn: c, stmts: map[string]*prepared{}}
	// The driver reads the file only now: a file that is no database, or that
	// nobody may read, is told here.
	var n int
	err = c.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&n)
	if err == nil && pragma != "" {
		_, err = c.ExecContext(ctx, pragma)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return k, nil
}

func (l *lite) write(ctx context.Context, f func(context.Context, *Tx) error) error {
	for n := 1; ; n++ {
		// A neighbour that took the group with it is gone the next time.
		if err := l.writeOnce(ctx, f); n == maxConflicts || !errors.Is(err, errUndone) {
			return err
		}
	}
}

func (l *lite) writeOnce(ctx context.Context, f func(context.Context, *Tx) error) error {
	t := &turn{ctx: ctx, begin: make(chan error, 1), ran: make(chan bool, 1), end: make(chan error, 1)}
	l.waiting.Add(1)
	begun := time.Now()
	select {
	case l.turns <- t:
		l.waiting.Add(-1)
	case <-ctx.Done():
		l.waiting.Add(-1)
		return ctx.Err()
	case <-l.stop:
		l.waiting.Add(-1)
		return ErrClosed
	}
	if err := <-t.begin; err != nil {
		return err
	}
	l.meter.waited(begun)
	tx := &Tx{engine: SQLite, on: l.writes, uninterrupted: true}
	over := false
	defer func() {
		if !over { // a panic is on its way: undo, then let it pass
			t.ran <- false
			<-t.end
		}
	}()
	err := tx.run(ctx, f)
	over = true
	t.ran <- err == nil
	end := <-t.end
	if err != nil {
		return err
	}
	if end != nil {
		return end
	}
	tx.committed()
	return nil
}

// writer hands out the writing connection until the database is closed.
func (l *lite) writer() {
	defer close(l.stopped)
	for {
		select {
		case t := <-l.turns:
			l.group(t)
		case <-l.stop:
			return
		}
	}
}

// group runs the closures that are waiting and commits them together. Each but the
// first has a savepoint of its own; what the first one did is all there is to undo.
func (l *lite) group(t *turn) {
	c := l.writes
	if err := t.ctx.Err(); err != nil {
		t.begin <- err
		return
	}
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		t.begin <- err
		return
	}
	var kept []*turn
	var broken error
	first := t
	for started := time.Now(); t != nil; {
		var keep bool
		if keep, broken = l.one(t, len(kept) > 0); keep {
			kept = append(kept, t)
		}
		t = nil
		if broken == nil && len(kept) > 0 && len(kept) < groupMax && time.Since(started) < groupTime {
			select {
			case t = <-l.turns:
			default:
			}
		}
	}
	var err error
	switch {
	case broken != nil:
		err = fmt.Errorf("%w: %w", errUndone, broken)
	case len(kept) > 0:
		begun := time.Now()
		err = c.exec("COMMIT")
		l.meter.committed(begun)
		if sqliteCode(err)&0xff == sqlite3.SQLITE_IOERR {
			err = fmt.Errorf("%w: %w", ErrCommitUnknown, err)
		}
	default: // the first one wants nothing of it kept
		err = c.exec("ROLLBACK")
		first.end <- err
	}
	if err != nil {
		l.o.Logger.Error("sqlite commit failed", "transactions", len(kept), "error", err)
		// SQLite has undone it already in most of these cases; then this
		// statement fails and that is all right.
		_ = c.exec("ROLLBACK")
	}
	for _, t := range kept {
		t.end <- err
	}
	c.trim()
}

// one runs one closure of a group. Unless it comes after others it is not undone here:
// the whole transaction is. broken means that the whole transaction cannot be relied on
// any more: SQLite undoes all of it when the disk is full or fails.
func (l *lite) one(t *turn, after bool) (keep bool, broken error) {
	if err := t.ctx.Err(); err != nil {
		t.begin <- err
		return false, nil
	}
	c := l.writes
	if !after {
		t.begin <- nil
		return <-t.ran, nil
	}
	if err := c.exec("SAVEPOINT t"); err != nil {
		t.begin <- err
		return false, err
	}
	t.begin <- nil
	if keep = <-t.ran; !keep {
		if broken = c.exec("ROLLBACK TO t"); broken == nil {
			broken = c.exec("RELEASE t")
		}
		t.end <- broken
		return false, broken
	}
	if broken = c.exec("RELEASE t"); broken != nil {
		t.end <- broken
		return false, broken
	}
	return true, nil
}

func (l *lite) read(ctx context.Context, f func(context.Context, *Tx) error) (err error) {
	var c *conn
	select {
	case <-l.stop:
		return ErrClosed
	default:
	}
	select {
	case c = <-l.slots:
	case <-ctx.Done():
		return ctx.Err()
	case <-l.stop:
		return ErrClosed
	}
	defer func() { l.slots <- c }()
	if c == nil {
		if c, err = l.connect(ctx, "PRAGMA query_only = 1"); err != nil {
			return err
		}
	}
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	tx := &Tx{engine: SQLite, on: c}
	done := false
	defer func() {
		if end := c.exec("ROLLBACK"); end != nil {
			_ = c.close()
			c = nil // the next reader gets a fresh one
		} else {
			c.trim()
		}
		if done && err == nil {
			tx.committed()
		}
	}()
	err = tx.run(ctx, f)
	done = true
	return err
}

// migrator works on a connection of its own without foreign-key checks, as
// SQLite's way of rebuilding a table demands; they are checked at the end.
func (l *lite) migrator(ctx context.Context) (*sql.DB, func() error, error) {
	pool, err := sql.Open("sqlite", l.dsn("foreign_keys(0)")+"&_txlock=immediate")
	if err != nil {
		return nil, nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, func() error {
		defer pool.Close()
		var table string
		var rest [3]any
		err := pool.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &rest[0], &rest[1], &rest[2])
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("after migration table %s holds a row that refers to nothing", table)
	}, nil
}

func (l *lite) close() error {
	err := error(nil)
	l.once.Do(func() {
		close(l.stop)
		<-l.stopped
		for range l.o.MaxReaders {
			if c := <-l.slots; c != nil {
				err = errors.Join(err, c.close())
			}
		}
		// Leaves one file behind instead of three.
		_ = l.writes.exec("PRAGMA wal_checkpoint(TRUNCATE)")
		err = errors.Join(err, l.writes.close(), l.pool.Close())
	})
	return err
}

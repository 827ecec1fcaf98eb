package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"time"
)

// Engine names the kind of database behind a DB.
type Engine string

// The two engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Options tune an opened database. The zero value is right for production.
type Options struct {
	// MaxReaders bounds the read-only connections of SQLite, each about 2 MB
	// when used. 0 means the number of processors, at least 4. They are opened
	// when first needed.
	MaxReaders int
	// MaxConns bounds the connections to PostgreSQL. 0 means 16.
	MaxConns int
	// Synchronous is SQLite's durability: "FULL" (the default: a commit has
	// reached the disk when Write returns), or "OFF" in tests that never lose
	// power. PostgreSQL's is the server's setting.
	Synchronous string
	// LockWait is how long a statement waits for a lock that someone else
	// holds before it fails with an error that IsUnavailable accepts. 0 means
	// 10 seconds.
	LockWait time.Duration
	// Logger gets a line for each repeated transaction and each commit whose
	// outcome is unknown. nil means slog.Default().
	Logger *slog.Logger
}

// backend is what differs between the engines.
type backend interface {
	write(ctx context.Context, f func(context.Context, *Tx) error) error
	read(ctx context.Context, f func(context.Context, *Tx) error) error
	// migrator opens a pool of its own for schema changes, and takes a lock
	// that keeps other processes from changing the schema; done releases both.
	migrator(ctx context.Context) (pool *sql.DB, done func() error, err error)
	stats() (*meter, Stats)
	close() error
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	log    *slog.Logger
	back   backend
}

// Open opens the database at url: "sqlite:PATH" (the file is created when it is
// absent, its directory is not) or "postgres://…" with the parameters that
// libpq knows. It tries the database before it returns: an error that
// IsUnavailable accepts means that a later try may succeed.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	if o.MaxReaders <= 0 {
		o.MaxReaders = max(4, runtime.NumCPU())
	}
	if o.MaxConns <= 0 {
		o.MaxConns = 16
	}
	if o.Synchronous == "" {
		o.Synchronous = "FULL"
	}
	if o.LockWait <= 0 {
		o.LockWait = 10 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	switch scheme, rest, _ := strings.Cut(url, ":"); scheme {
	case "sqlite":
		back, err := openSQLite(ctx, rest, o)
		if err != nil {
			return nil, fmt.Errorf("open sqlite database %s: %w", rest, err)
		}
		return &DB{engine: SQLite, log: o.Logger, back: back}, nil
	case "postgres", "postgresql":
		back, err := openPostgres(ctx, url, o)
		if err != nil {
			return nil, fmt.Errorf("open postgres database: %w", err)
		}
		return &DB{engine: Postgres, log: o.Logger, back: back}, nil
	default:
		return nil, errors.New(`database URL must begin with "sqlite:" or "postgres://"`)
	}
}

// Engine tells which engine is behind db.
func (db *DB) Engine() Engine { return db.engine }

// Close waits for the transactions under way and closes every connection. A
// Write or Read begun afterwards fails with ErrClosed.
func (db *DB) Close() error { return db.back.close() }

// Write runs f in one read-write transaction, commits it when f returns nil and
// undoes it otherwise, by a panic as well. When Write returns nil the changes
// are durable.
//
// f may run more than once (serialisation failure, deadlock, busy, connection
// lost before the commit): it must have no effect but through tx, it must not
// keep tx, and it must neither wait for anything slow nor open another
// transaction (ErrNested), since on SQLite every other writer waits for it. On
// PostgreSQL it runs under READ COMMITTED.
//
// The error is the one f returned, unless a statement failed and f hid it, or
// the database failed; see ErrCommitUnknown and IsUnavailable. When ctx ends
// before the commit begins nothing is changed and the error is ctx's; a commit
// that has begun is not given up.
func (db *DB) Write(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	ctx, err := db.enter(ctx)
	if err != nil {
		return err
	}
	return db.back.write(ctx, f)
}

// Read runs f in a read-only snapshot: all its statements see the same state,
// and none waits for a writer. f may run more than once, as in Write.
func (db *DB) Read(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	ctx, err := db.enter(ctx)
	if err != nil {
		return err
	}
	return db.back.read(ctx, f)
}

// insideKey marks the context that a closure gets, so that a transaction begun
// inside a transaction is refused instead of waiting for itself for ever.
type insideKey struct{ db *DB }

func (db *DB) enter(ctx context.Context) (context.Context, error) {
	if ctx.Value(insideKey{db}) != nil {
		return nil, ErrNested
	}
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	return context.WithValue(ctx, insideKey{db}, true), nil
}

// statements is what *sql.Tx and conn have in common.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Tx is one running transaction. It belongs to the closure it was given to and
// to one goroutine at a time. After a statement has failed every further one
// fails too, and the transaction is undone.
type Tx struct {
	engine Engine
	on     statements
	// uninterrupted is set on SQLite's writing connection: interrupting a
	// statement there would undo the whole group of transactions, so a context
	// is looked at before a statement and not during it.
	uninterrupted bool
	failed        error
	rows          []*sql.Rows
	hooks         []func()
}

// Engine tells which engine the transaction runs on, for the few places
// where texts may differ: bulk insert, job claiming, and reads that lock.
func (tx *Tx) Engine() Engine { return tx.engine }

// OnCommit has f called once, on the caller's goroutine and before Write
// returns, after this transaction became durable. It is not called when the
// transaction is undone, repeated (the repetition registers its own) or of
// unknown outcome. In a Read it is called after the snapshot was given up.
func (tx *Tx) OnCommit(f func()) { tx.hooks = append(tx.hooks, f) }

// Exec runs a statement and tells how many rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	ctx = tx.guard(ctx)
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	r, err := tx.on.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, tx.fail(err)
	}
	n, err := r.RowsAffected()
	if err != nil {
		return 0, tx.fail(err)
	}
	return n, nil
}

// Query runs a query. Rows left open are closed when the closure returns.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	ctx = tx.guard(ctx)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := tx.on.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, tx.fail(err)
	}
	tx.rows = append(tx.rows, rows)
	return rows, nil
}

// QueryRow runs a query of at most one row. Scan the result at once: until then
// it occupies the connection. No row is sql.ErrNoRows, which does not doom the
// transaction.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	row := tx.on.QueryRowContext(tx.guard(ctx), query, args...)
	if err := row.Err(); err != nil {
		_ = tx.fail(err)
	}
	return row
}

// guard returns the context for one statement.
func (tx *Tx) guard(ctx context.Context) context.Context {
	if tx.failed != nil {
		return dead{ctx, fmt.Errorf("an earlier statement of this transaction failed: %w", tx.failed)}
	}
	if tx.uninterrupted && ctx.Err() == nil {
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (tx *Tx) fail(err error) error {
	if tx.failed == nil {
		tx.failed = err
	}
	return err
}

// closeRows gives back what the closure left open: an open result would keep
// SQLite from committing.
func (tx *Tx) closeRows() {
	for _, r := range tx.rows {
		_ = r.Close()
	}
	tx.rows = nil
}

// run calls f and settles what its outcome is.
func (tx *Tx) run(ctx context.Context, f func(context.Context, *Tx) error) error {
	defer tx.closeRows()
	if err := f(ctx, tx); err != nil {
		return err
	}
	if tx.failed != nil {
		return fmt.Errorf("a failed statement was not reported: %w", tx.failed)
	}
	return ctx.Err()
}

func (tx *Tx) committed() {
	for _, f := range tx.hooks {
		f()
	}
}

// dead is a context that has ended with err: a driver given it does nothing but
// return err. It is the only way to make a *sql.Row that carries an error.
type dead struct {
	context.Context
	err error
}

var closedChan = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (d dead) Done() <-chan struct{}       { return closedChan }
func (d dead) Err() error                  { return d.err }
func (d dead) Deadline() (time.Time, bool) { return time.Time{}, false }

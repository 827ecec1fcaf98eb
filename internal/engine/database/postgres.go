package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	// A conflict is repeated many times, since each repetition means that
	// someone else made progress; a lost connection only a few.
	maxConflicts = 30
	maxLosses    = 3
	// commitTime bounds a COMMIT whose server does not answer.
	commitTime = 30 * time.Second
)

// post is the PostgreSQL backend.
type post struct {
	pool *sql.DB
	cfg  *pgx.ConnConfig
	o    Options

	meter meter
}

func openPostgres(ctx context.Context, url string, o Options) (*post, error) {
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	for name, value := range map[string]string{
		"application_name": "souk",
		// Locked for too long is an error that the caller can repeat; a
		// process that hangs inside a transaction must not hold the others.
		"lock_timeout":                        fmt.Sprintf("%dms", o.LockWait.Milliseconds()),
		"idle_in_transaction_session_timeout": "60s",
	} {
		if _, set := cfg.RuntimeParams[name]; !set {
			cfg.RuntimeParams[name] = value
		}
	}
	p := &post{cfg: cfg, o: o, pool: stdlib.OpenDB(*cfg)}
	p.pool.SetMaxOpenConns(o.MaxConns)
	p.pool.SetMaxIdleConns(o.MaxConns)
	p.pool.SetConnMaxIdleTime(5 * time.Minute)
	p.pool.SetConnMaxLifetime(time.Hour)
	if err := p.pool.PingContext(ctx); err != nil {
		_ = p.pool.Close()
		return nil, err
	}
	return p, nil
}

func (p *post) write(ctx context.Context, f func(context.Context, *Tx) error) error {
	return p.repeat(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}, f)
}

func (p *post) read(ctx context.Context, f func(context.Context, *Tx) error) error {
	return p.repeat(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, f)
}

func (p *post) repeat(ctx context.Context, o *sql.TxOptions, f func(context.Context, *Tx) error) error {
	var conflicts, losses int
	for {
		again, err := p.once(ctx, o, f)
		if again == nil {
			return err
		}
		if retryable(again) {
			conflicts++
		} else {
			losses++
		}
		if conflicts > maxConflicts || losses > maxLosses {
			return err
		}
		p.o.Logger.Debug("transaction is repeated", "conflicts", conflicts, "losses", losses, "error", again)
		if pause(ctx, conflicts+losses) != nil {
			return err
		}
	}
}

// pause waits a random time that grows with n, at most about 100 ms.
func pause(ctx context.Context, n int) error {
	t := time.NewTimer(time.Duration(rand.Int64N(int64(time.Millisecond) << min(n, 7))))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once runs f in one transaction. again is the reason why it may be run again,
// nil when err (or success) is final.
func (p *post) once(ctx context.Context, o *sql.TxOptions, f func(context.Context, *Tx) error) (again, err error) {
	begun := time.Now()
	c, err := p.pool.Conn(ctx)
	if err != nil {
		if errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
			return nil, ErrClosed
		}
		return why(ctx, err), err
	}
	defer c.Close()
	if !o.ReadOnly {
		p.meter.waited(begun)
	}
	// The transaction itself is not tied to ctx: once the COMMIT is on its way
	// the outcome must be learned, so only the statements look at ctx.
	life, kill := context.WithCancel(context.WithoutCancel(ctx))
	defer kill()
	stx, err := c.BeginTx(life, o)
	if err != nil {
		return why(ctx, err), err
	}
	tx := &Tx{engine: Postgres, on: stx}
	committing := false
	defer func() {
		if !committing {
			_ = stx.Rollback()
		}
	}()
	if err := tx.run(ctx, f); err != nil {
		// What the driver said decides, whatever f made of it.
		if w := why(ctx, tx.failed); w != nil {
			return w, err
		}
		return why(ctx, err), err
	}
	committing = true
	timer := time.AfterFunc(commitTime, kill)
	begun = time.Now()
	err = stx.Commit()
	timer.Stop()
	if !o.ReadOnly {
		p.meter.committed(begun)
	}
	switch {
	case err == nil:
		tx.committed()
		return nil, nil
	case o.ReadOnly || refused(err):
		return why(ctx, err), err
	}
	p.o.Logger.Error("connection lost during commit", "error", err)
	return nil, fmt.Errorf("%w: %w", ErrCommitUnknown, err)
}

// why returns err when it is a reason to run the transaction again.
func why(ctx context.Context, err error) error {
	if ctx.Err() == nil && (retryable(err) || isLost(err)) {
		return err
	}
	return nil
}

// refused reports whether the server said that it did not commit. A server that
// is shutting down, or a connection that broke, says nothing of the kind: it may
// have committed just before. The driver's SafeToRetry is not asked: it says yes
// when the connection breaks while the answer to a COMMIT is awaited.
func refused(err error) bool {
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return true
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Severity == "ERROR" && e.Code != "40003" && !isLost(err)
}

// migrator locks by a row that one process at a time may hold: advisory locks
// are unknown to distributed engines. The lock ends with its connection, so a
// process that dies holds up nobody.
func (p *post) migrator(ctx context.Context) (*sql.DB, func() error, error) {
	cfg := p.cfg.Copy()
	cfg.RuntimeParams["lock_timeout"] = "0" // a long migration elsewhere is waited for
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "0"
	pool := stdlib.OpenDB(*cfg)
	fail := func(err error) (*sql.DB, func() error, error) {
		_ = pool.Close()
		return nil, nil, fmt.Errorf("lock for migration: %w", err)
	}
	// Two processes may both find the table absent; the loser's error is a
	// unique violation in the catalogue or "already exists", and goes away.
	for try := 1; ; try++ {
		_, err := pool.ExecContext(ctx, `CREATE TABLE IF NOT EXISTS souk_migration_lock (id BIGINT PRIMARY KEY)`)
		if err == nil {
			_, err = pool.ExecContext(ctx, `INSERT INTO souk_migration_lock (id) VALUES (1) ON CONFLICT (id) DO NOTHING`)
		}
		if err == nil {
			break
		}
		if try == maxConflicts || pause(ctx, try) != nil {
			return fail(err)
		}
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return fail(err)
	}
	if _, err := tx.ExecContext(ctx, `SELECT id FROM souk_migration_lock WHERE id = 1 FOR UPDATE`); err != nil {
		_ = tx.Rollback()
		return fail(err)
	}
	return pool, func() error {
		return errors.Join(tx.Rollback(), pool.Close())
	}, nil
}

func (p *post) close() error { return p.pool.Close() }

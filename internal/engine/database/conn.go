package database

import (
	"context"
	"database/sql"
)

// maxStatements bounds the prepared statements kept per SQLite connection.
// Nearly every text is a constant; lists with filters add some.
const maxStatements = 512

// conn is one SQLite connection with its prepared statements. The driver would
// otherwise parse and plan each text again each time, which costs more than
// running most of them. It is used by one goroutine at a time.
type conn struct {
	*sql.Conn
	stmts map[string]*prepared
}

type prepared struct {
	*sql.Stmt
	open *sql.Rows // the rows of the last query, if any
}

// busy reports whether rows of the statement are still being read: running it
// again would pull them away. Closed rows refuse to tell their columns.
func (p *prepared) busy() bool {
	if p.open == nil {
		return false
	}
	if _, err := p.open.Columns(); err != nil {
		p.open = nil
		return false
	}
	return true
}

// prepare returns the statement of query, or nil when it is in use and the
// text has to be run on its own.
func (c *conn) prepare(ctx context.Context, query string) (*prepared, error) {
	if p := c.stmts[query]; p != nil {
		if p.busy() {
			return nil, nil
		}
		return p, nil
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	p := &prepared{Stmt: s}
	c.stmts[query] = p
	return p, nil
}

// trim drops the statements when there are too many. It is called between
// transactions, when no rows are open.
func (c *conn) trim() {
	if len(c.stmts) <= maxStatements {
		return
	}
	for _, p := range c.stmts {
		_ = p.Close()
	}
	clear(c.stmts)
}

func (c *conn) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	p, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.Conn.ExecContext(ctx, query, args...)
	}
	return p.ExecContext(ctx, args...)
}

func (c *conn) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	p, err := c.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return c.Conn.QueryContext(ctx, query, args...)
	}
	rows, err := p.QueryContext(ctx, args...)
	p.open = rows
	return rows, err
}

func (c *conn) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	p, err := c.prepare(ctx, query)
	if p == nil || err != nil {
		// A text that cannot be prepared fails again here and carries its error.
		return c.Conn.QueryRowContext(ctx, query, args...)
	}
	return p.QueryRowContext(ctx, args...)
}

// exec runs a statement of this package's own (BEGIN, SAVEPOINT …): it never
// stops half-way because some caller's context ended.
func (c *conn) exec(query string) error {
	_, err := c.ExecContext(context.Background(), query)
	return err
}

func (c *conn) close() error {
	for _, p := range c.stmts {
		_ = p.Close()
	}
	return c.Conn.Close()
}

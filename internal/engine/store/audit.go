package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/audit"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/clock"
)

// InsertAudit writes the row that says who did what. It stands in the same
// transaction as what was done; the sealer puts it into the chain.
func InsertAudit(ctx context.Context, tx *Tx, id string, at time.Time, actor, company, action, noun, detail string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (id, at, actor, company, action, noun_id, detail, seq, previous, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, '', '')`,
		id, clock.Micros(at), actor, company, action, noun, detail)
	return err
}

const auditColumns = `id, at, actor, company, action, noun_id, detail, seq, previous, hash`

func scanAudit(r *sql.Rows, a *audit.Row) error {
	var at int64
	err := r.Scan(&a.ID, &at, &a.Actor, &a.Company, &a.Action, &a.Noun, &a.Detail, &a.Seq, &a.Previous, &a.Hash)
	a.At = time.UnixMicro(at).UTC()
	return err
}

// AuditHead reads the newest link of the chain and the sealed copy of it.
func AuditHead(ctx context.Context, tx *Tx) (h audit.Head, sealed string, err error) {
	err = tx.QueryRow(ctx, `SELECT seq, hash, sealed FROM audit_head WHERE one = 1`).Scan(&h.Seq, &h.Hash, &sealed)
	return h, sealed, noRow(err)
}

// LockAuditHead makes other sealers wait for this transaction.
func LockAuditHead(ctx context.Context, tx *Tx, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE audit_head SET at = $1 WHERE one = 1`, clock.Micros(at)))
}

// OpenAudit lists rows that are not in the chain yet, in the order of their ids. A row that another transaction
// commits later has its turn later, whatever its id.
func OpenAudit(ctx context.Context, tx *Tx, limit int) ([]audit.Row, error) {
	return collect(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audit WHERE seq = 0 ORDER BY id LIMIT $1`, limit)
}

// HasOpenAudit tells whether a row waits for its place in the chain.
func HasOpenAudit(ctx context.Context, tx *Tx) (open bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE seq = 0)`).Scan(&open)
	return open, err
}

// CountOpenAudit counts the rows that are not in the chain yet.
func CountOpenAudit(ctx context.Context, tx *Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE seq = 0`).Scan(&n)
	return n, err
}

// CountStrayAudit counts the rows that no sealer could ever take: nobody but a forger writes them.
func CountStrayAudit(ctx context.Context, tx *Tx) (n int64, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE seq < 0`).Scan(&n)
	return n, err
}

// SealAudit writes the places of rows in the chain. A row that has its place already is ErrNoRow. Like a bulk insert it
// differs by engine: PostgreSQL takes them in one statement, since each costs a round trip; SQLite, where none does,
// is quicker row by row.
func SealAudit(ctx context.Context, tx *Tx, rows []audit.Row) error {
	if tx.Engine() == database.SQLite {
		for _, r := range rows {
			if err := mustOne(tx.Exec(ctx, `UPDATE audit SET seq = $1, previous = $2, hash = $3 WHERE id = $4 AND seq = 0`, r.Seq, r.Previous, r.Hash, r.ID)); err != nil {
				return err
			}
		}
		return nil
	}
	var values strings.Builder
	args := make([]any, 0, 4*len(rows))
	for i, r := range rows {
		if i > 0 {
			values.WriteString(", ")
		}
		n := len(args)
		fmt.Fprintf(&values, "($%d, CAST($%d AS BIGINT), $%d, $%d)", n+1, n+2, n+3, n+4)
		args = append(args, r.ID, r.Seq, r.Previous, r.Hash)
	}
	n, err := tx.Exec(ctx, `UPDATE audit SET seq = sealed.seq, previous = sealed.previous, hash = sealed.hash
		FROM (VALUES `+values.String()+`) AS sealed (id, seq, previous, hash) WHERE audit.id = sealed.id AND audit.seq = 0`, args...)
	if err == nil && n != int64(len(rows)) {
		err = ErrNoRow
	}
	return err
}

// SetAuditHead writes the newest link and its sealed copy.
func SetAuditHead(ctx context.Context, tx *Tx, h audit.Head, sealed string) error {
	return mustOne(tx.Exec(ctx, `UPDATE audit_head SET seq = $1, hash = $2, sealed = $3 WHERE one = 1`, h.Seq, h.Hash, sealed))
}

// AuditChain lists sealed rows in their order, after a place.
func AuditChain(ctx context.Context, tx *Tx, after int64, limit int) ([]audit.Row, error) {
	return collect(ctx, tx, scanAudit, `SELECT `+auditColumns+` FROM audit WHERE seq > $1 ORDER BY seq, id LIMIT $2`, after, limit)
}

// AuditFilter chooses rows of the audit log; what is empty chooses all.
type AuditFilter struct {
	Company  string // of the actor
	Actor    string
	Action   string
	Noun     string
	From, To time.Time // half-open
}

// AuditRows lists rows from the newest on, before a place (zero for the newest).
func AuditRows(ctx context.Context, tx *Tx, f AuditFilter, before time.Time, beforeID string, limit int) ([]audit.Row, error) {
	query, args := `SELECT `+auditColumns+` FROM audit WHERE 1 = 1`, []any{}
	add := func(condition string, values ...any) {
		marks := make([]any, len(values))
		for i, v := range values {
			args = append(args, v)
			marks[i] = fmt.Sprintf("$%d", len(args))
		}
		query += " AND " + fmt.Sprintf(condition, marks...)
	}
	for column, v := range map[string]string{"company": f.Company, "actor": f.Actor, "action": f.Action, "noun_id": f.Noun} {
		if v != "" {
			add(column+" = %s", v)
		}
	}
	if !f.From.IsZero() {
		add("at >= %s", clock.Micros(f.From))
	}
	if !f.To.IsZero() {
		add("at < %s", clock.Micros(f.To))
	}
	if !before.IsZero() {
		us := clock.Micros(before)
		add("(at < %s OR at = %s AND id < %s)", us, us, beforeID)
	}
	args = append(args, limit)
	query += fmt.Sprintf(" ORDER BY at DESC, id DESC LIMIT $%d", len(args))
	return collect(ctx, tx, scanAudit, query, args...)
}

package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Checkup is one run of the doctor. // spec: 01 §8.3
type Checkup struct {
	ID, SellerID, Address, Protocol, Modes string
	State                                  string
	Judged, Rules                          int    // verdicts so far, of how many
	Outcome                                string // healthy, ill, not-reached, interrupted
	Broken, Warnings                       int    // musts that do not hold; shoulds and notes
	Problem                                string
	Report                                 []byte // signed, as JSON
	StartedBy                              string
	StartedAt, EndedAt                     time.Time // wire clock
}

const checkupMeta = `id, seller_id, address, protocol, modes, state, judged, rules, outcome, broken, warnings, problem, started_by, started_at, ended_at`

func scanCheckup(r row, c *Checkup, report bool) error {
	var started, ended int64
	to := []any{&c.ID, &c.SellerID, &c.Address, &c.Protocol, &c.Modes, &c.State, &c.Judged, &c.Rules, &c.Outcome, &c.Broken, &c.Warnings, &c.Problem, &c.StartedBy, &started, &ended}
	if report {
		to = append(to, &c.Report)
	}
	err := r.Scan(to...)
	c.StartedAt, c.EndedAt = clock.FromMicros(started), clock.FromMicros(ended)
	return err
}

// InsertCheckup stores a run that begins.
func InsertCheckup(ctx context.Context, tx *Tx, c Checkup) error {
	_, err := tx.Exec(ctx, `INSERT INTO checkup (`+checkupMeta+`, report) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, '', 0, 0, '', $8, $9, 0, $10)`,
		c.ID, c.SellerID, c.Address, c.Protocol, c.Modes, c.State, c.Rules, c.StartedBy, clock.Micros(c.StartedAt), []byte{})
	return err
}

// NoteCheckup stores how far a run is.
func NoteCheckup(ctx context.Context, tx *Tx, id string, judged, broken int) error {
	_, err := tx.Exec(ctx, `UPDATE checkup SET judged = $1, broken = $2 WHERE id = $3 AND state = 'running'`, judged, broken, id)
	return err
}

// EndCheckup stores what a run gave.
func EndCheckup(ctx context.Context, tx *Tx, c Checkup) error {
	if c.Report == nil {
		c.Report = []byte{}
	}
	return mustOne(tx.Exec(ctx, `UPDATE checkup SET state = $1, judged = $2, outcome = $3, broken = $4, warnings = $5, problem = $6, report = $7, ended_at = $8 WHERE id = $9`,
		c.State, c.Judged, c.Outcome, c.Broken, c.Warnings, c.Problem, c.Report, clock.Micros(c.EndedAt), c.ID))
}

// CheckupByID reads a run with its report, within the scope.
func CheckupByID(ctx context.Context, tx *Tx, seller, id string) (Checkup, error) {
	var c Checkup
	err := scanCheckup(tx.QueryRow(ctx, `SELECT `+checkupMeta+`, report FROM checkup WHERE id = $1 AND ($2 = '' OR seller_id = $2)`, id, seller), &c, true)
	return c, noRow(err)
}

// Checkups lists the runs of a seller, newest first, before a mark.
func Checkups(ctx context.Context, tx *Tx, seller, mark string, limit int) ([]Checkup, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *Checkup) error { return scanCheckup(r, c, false) },
		`SELECT `+checkupMeta+` FROM checkup WHERE seller_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, seller, mark, limit)
}

// RunningCheckups counts the runs of a seller that have not ended.
func RunningCheckups(ctx context.Context, tx *Tx, seller string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM checkup WHERE seller_id = $1 AND state = 'running'`, seller).Scan(&n)
	return n, err
}

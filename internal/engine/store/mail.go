package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Mail is a mail of the outbox. What it says is sealed.
type Mail struct {
	ID         string
	Recipient  string
	Subject    string
	Sealed     string
	State      string // queued, sent, failed
	Tries      int
	NextAt     time.Time
	Problem    string // of the last try
	CreatedAt  time.Time
	FinishedAt time.Time
}

// States of a mail.
const (
	MailQueued = "queued"
	MailSent   = "sent"
	MailFailed = "failed"
)

const mailColumns = `id, recipient, subject, sealed, state, tries, next_at, problem, created_at, finished_at`

func scanMail(r *sql.Rows, m *Mail) error {
	var next, created, finished int64
	err := r.Scan(&m.ID, &m.Recipient, &m.Subject, &m.Sealed, &m.State, &m.Tries, &next, &m.Problem, &created, &finished)
	m.NextAt, m.CreatedAt, m.FinishedAt = clock.FromMicros(next), clock.FromMicros(created), clock.FromMicros(finished)
	return err
}

// InsertMail puts a mail into the outbox.
func InsertMail(ctx context.Context, tx *Tx, m Mail) error {
	_, err := tx.Exec(ctx, `INSERT INTO mail (`+mailColumns+`) VALUES ($1, $2, $3, $4, $5, 0, $6, '', $7, 0)`,
		m.ID, m.Recipient, m.Subject, m.Sealed, MailQueued, clock.Micros(m.NextAt), clock.Micros(m.CreatedAt))
	return err
}

// DueMails lists mails whose time has come.
func DueMails(ctx context.Context, tx *Tx, now time.Time, limit int) ([]Mail, error) {
	return collect(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mail WHERE state = 'queued' AND next_at <= $1 ORDER BY next_at, id LIMIT $2`, clock.Micros(now), limit)
}

// ClaimMail begins a try: until the given instant nobody else takes it. ErrNoRow when somebody has.
func ClaimMail(ctx context.Context, tx *Tx, m Mail, until time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE mail SET tries = tries + 1, next_at = $1 WHERE id = $2 AND state = 'queued' AND next_at = $3`,
		clock.Micros(until), m.ID, clock.Micros(m.NextAt)))
}

// FinishMail writes the outcome of a try. What is sent or given up says no more.
func FinishMail(ctx context.Context, tx *Tx, m Mail) error {
	return mustOne(tx.Exec(ctx, `UPDATE mail SET state = $1, next_at = $2, problem = $3, finished_at = $4, sealed = CASE WHEN $1 = 'queued' THEN sealed ELSE '' END WHERE id = $5`,
		m.State, clock.Micros(m.NextAt), m.Problem, clock.Micros(m.FinishedAt), m.ID))
}

// Mails lists the outbox, the newest first, before a mail ("" for the newest), in one state or in all ("").
func Mails(ctx context.Context, tx *Tx, state, before string, limit int) ([]Mail, error) {
	return collect(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mail WHERE ($1 = '' OR id < $1) AND ($2 = '' OR state = $2) ORDER BY id DESC LIMIT $3`, before, state, limit)
}

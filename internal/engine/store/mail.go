package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Mail is a mail or SMS of the outbox. What it says is sealed.
type Mail struct {
	ID         string
	Channel    string // mail, sms
	NoticeID   string // what it tells of; "" for a mail of its own
	Receiver   string // person, message_receiver or company that a notice goes to
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

const mailColumns = `id, channel, notice_id, receiver, recipient, subject, sealed, state, tries, next_at, problem, created_at, finished_at`

func scanMail(r *sql.Rows, m *Mail) error {
	var next, created, finished int64
	err := r.Scan(&m.ID, &m.Channel, &m.NoticeID, &m.Receiver, &m.Recipient, &m.Subject, &m.Sealed, &m.State, &m.Tries, &next, &m.Problem, &created, &finished)
	m.NextAt, m.CreatedAt, m.FinishedAt = clock.FromMicros(next), clock.FromMicros(created), clock.FromMicros(finished)
	return err
}

// InsertMail puts a mail into the outbox. What comes of a notice is there once for each receiver and channel.
func InsertMail(ctx context.Context, tx *Tx, m Mail) error {
	_, err := tx.Exec(ctx, `INSERT INTO mail (`+mailColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, '', $10, 0) ON CONFLICT DO NOTHING`,
		m.ID, m.Channel, m.NoticeID, m.Receiver, m.Recipient, m.Subject, m.Sealed, MailQueued, clock.Micros(m.NextAt), clock.Micros(m.CreatedAt))
	return err
}

// DueMails lists what is due on a channel.
func DueMails(ctx context.Context, tx *Tx, channel string, now time.Time, limit int) ([]Mail, error) {
	return collect(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mail WHERE state = 'queued' AND channel = $1 AND next_at <= $2 ORDER BY next_at, id LIMIT $3`, channel, clock.Micros(now), limit)
}

// ClaimMail begins a try: until the given instant nobody else takes it. ErrNoRow when somebody has.
func ClaimMail(ctx context.Context, tx *Tx, m Mail, until time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE mail SET tries = tries + 1, next_at = $1 WHERE id = $2 AND state = 'queued' AND next_at = $3`,
		clock.Micros(until), m.ID, clock.Micros(m.NextAt)))
}

// UnclaimMail gives a mail back that was claimed and not tried: it is due as it was before.
func UnclaimMail(ctx context.Context, tx *Tx, m Mail) error {
	return mustOne(tx.Exec(ctx, `UPDATE mail SET tries = tries - 1, next_at = $1 WHERE id = $2 AND state = 'queued' AND tries = $3`, clock.Micros(m.NextAt), m.ID, m.Tries))
}

// FinishMail writes the outcome of a try. What is sent or given up says no more. ErrNoRow when the lease of the try was
// over and another process has begun the next one.
func FinishMail(ctx context.Context, tx *Tx, m Mail) error {
	return mustOne(tx.Exec(ctx, `UPDATE mail SET state = $1, next_at = $2, problem = $3, finished_at = $4, sealed = CASE WHEN $1 = 'queued' THEN sealed ELSE '' END
		WHERE id = $5 AND state = 'queued' AND tries = $6`, m.State, clock.Micros(m.NextAt), m.Problem, clock.Micros(m.FinishedAt), m.ID, m.Tries))
}

// Mails lists the outbox, the newest first, before a mail ("" for the newest), on one channel and in one state or in
// all ("").
func Mails(ctx context.Context, tx *Tx, channel, state, before string, limit int) ([]Mail, error) {
	return collect(ctx, tx, scanMail, `SELECT `+mailColumns+` FROM mail WHERE ($1 = '' OR id < $1) AND ($2 = '' OR state = $2) AND ($3 = '' OR channel = $3) ORDER BY id DESC LIMIT $4`,
		before, state, channel, limit)
}

package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
)

// Message is a mail in plain text.
type Message struct {
	ID      string // set by Put
	To      string // one address
	Subject string // holds no secret
	Text    string
	At      time.Time // set by Put
}

// Sender hands a mail over. An error means that it may be tried again; a Refused one that it may not.
type Sender interface {
	Send(ctx context.Context, m Message) error
}

// Refused is a final refusal: no address, unknown mailbox.
type Refused struct{ Why string }

func (r Refused) Error() string { return r.Why }

// Limits of sending.
const (
	MaxTries = 8                // then a mail is given up
	lease    = 2 * time.Minute  // of one try
	first    = 30 * time.Second // before the second try; doubled each time
	batch    = 50
	poll     = 5 * time.Second // mails that another process put, or whose next try is due
)

// Outbox puts and sends.
type Outbox struct {
	db     *database.DB
	ring   *keyring.Ring
	wire   clock.Clock
	sender Sender
	log    *slog.Logger
	wake   chan struct{}
}

// New makes an outbox over a sender.
func New(db *database.DB, ring *keyring.Ring, wire clock.Clock, sender Sender, log *slog.Logger) *Outbox {
	return &Outbox{db: db, ring: ring, wire: wire, sender: sender, log: log, wake: make(chan struct{}, 1)}
}

func purpose(id string) string { return "mail " + id }

// Put leaves a mail in the transaction; it is sent soon after the commit.
func (o *Outbox) Put(ctx context.Context, tx *store.Tx, m Message) error {
	now := o.wire.Now()
	m.ID = ident.Row(now)
	sealed, err := o.ring.Seal(purpose(m.ID), []byte(m.Text))
	if err != nil {
		return err
	}
	tx.OnCommit(func() {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	})
	return store.InsertMail(ctx, tx, store.Mail{ID: m.ID, Recipient: m.To, Subject: m.Subject, Sealed: sealed, NextAt: now, CreatedAt: now})
}

// Run sends what is put, until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if _, err := o.Flush(ctx); err != nil && ctx.Err() == nil {
			o.log.Error("mail: the outbox cannot be worked on", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-o.wake:
		case <-tick.C:
		}
	}
}

// Flush tries every mail that is due, and tells how many were handed over.
func (o *Outbox) Flush(ctx context.Context) (sent int, err error) {
	for {
		var due []store.Mail
		if err := o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
			due, err = store.DueMails(ctx, tx, o.wire.Now(), batch)
			return err
		}); err != nil || len(due) == 0 {
			return sent, err
		}
		for _, m := range due {
			ok, err := o.try(ctx, m)
			if err != nil {
				return sent, err
			}
			if ok {
				sent++
			}
		}
	}
}

// try is one attempt. The claim and the outcome are transactions of their own: no network inside a transaction.
func (o *Outbox) try(ctx context.Context, m store.Mail) (sent bool, err error) {
	err = o.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return store.ClaimMail(ctx, tx, m, o.wire.Now().Add(lease))
	})
	if errors.Is(err, store.ErrNoRow) {
		return false, nil // another process has it
	}
	if err != nil {
		return false, err
	}
	m.Tries++
	text, err := o.ring.Open(purpose(m.ID), m.Sealed)
	if err == nil {
		within, cancel := context.WithTimeout(ctx, lease/2)
		err = o.sender.Send(within, Message{ID: m.ID, To: m.Recipient, Subject: m.Subject, Text: string(text), At: m.CreatedAt})
		cancel()
	} else {
		err = Refused{"the mail cannot be opened with this master key"}
	}
	if ctx.Err() != nil {
		return false, ctx.Err() // the lease ends, and it is tried again
	}
	now := o.wire.Now()
	var refused Refused
	switch {
	case err == nil:
		m.State, m.Problem, m.FinishedAt, sent = store.MailSent, "", now, true
	case errors.As(err, &refused) || m.Tries >= MaxTries:
		m.State, m.Problem, m.FinishedAt = store.MailFailed, err.Error(), now
		o.log.Warn("mail: given up", "mail", m.ID, "tries", m.Tries, "err", err)
	default:
		m.State, m.Problem, m.NextAt = store.MailQueued, err.Error(), now.Add(first<<(m.Tries-1))
		o.log.Warn("mail: not sent, will be tried again", "mail", m.ID, "tries", m.Tries, "err", err)
	}
	return sent, o.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error { return store.FinishMail(ctx, tx, m) })
}

// Files is the sender when no provider is set: each mail is a file that only its owner may read.
// spec: 01 §10
type Files struct{ Dir string }

// Send writes the mail as <instant>-<id>.txt. It never leaves half a file.
func (f Files) Send(_ context.Context, m Message) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	oneLine := strings.NewReplacer("\r", " ", "\n", " ").Replace
	text := fmt.Sprintf("To: %s\nSubject: %s\nDate: %s\n\n%s\n", oneLine(m.To), oneLine(m.Subject), m.At.Format(time.RFC1123Z), m.Text)
	name := filepath.Join(f.Dir, m.At.UTC().Format("20060102T150405")+"-"+m.ID+".txt")
	draft := filepath.Join(f.Dir, "."+m.ID)
	if err := os.WriteFile(draft, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, name)
}

package mail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
)

// The channels that leave the marketplace.
const (
	Mail = "mail"
	SMS  = "sms"
)

// Channels are all of them: each is sent beside the others, so that a provider that hangs holds up only its own.
var Channels = []string{Mail, SMS}

// Message is a mail or an SMS in plain text.
type Message struct {
	ID      string // set by Put
	Channel string // "" is Mail
	To      string // one address, or one number
	Subject string // holds no secret; of an SMS what the outbox page shows
	Text    string
	At      time.Time // set by Put

	// NoticeID and Receiver make what comes of a notice unique: it goes to one receiver through one channel once.
	NoticeID, Receiver string
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
	batch    = 64               // claimed together
	atOnce   = 8                // handed over at the same time
	poll     = 5 * time.Second  // mails that another process put, or whose next try is due
)

// Outbox puts and sends.
type Outbox struct {
	db      *database.DB
	ring    *keyring.Ring
	wire    clock.Clock
	senders map[string]Sender
	log     *slog.Logger
	wake    map[string]chan struct{}
}

// New makes an outbox over a sender for each channel.
func New(db *database.DB, ring *keyring.Ring, wire clock.Clock, senders map[string]Sender, log *slog.Logger) *Outbox {
	o := &Outbox{db: db, ring: ring, wire: wire, senders: senders, log: log, wake: map[string]chan struct{}{}}
	for _, c := range Channels {
		o.wake[c] = make(chan struct{}, 1)
	}
	return o
}

func purpose(id string) string { return "mail " + id }

// Put leaves a mail in the transaction; it is sent soon after the commit.
func (o *Outbox) Put(ctx context.Context, tx *store.Tx, m Message) error {
	now := o.wire.Now()
	m.ID = ident.Row(now)
	if m.Channel == "" {
		m.Channel = Mail
	}
	sealed, err := o.ring.Seal(purpose(m.ID), []byte(m.Text))
	if err != nil {
		return err
	}
	tx.OnCommit(func() {
		select {
		case o.wake[m.Channel] <- struct{}{}:
		default:
		}
	})
	return store.InsertMail(ctx, tx, store.Mail{ID: m.ID, Channel: m.Channel, NoticeID: m.NoticeID, Receiver: m.Receiver, Recipient: m.To, Subject: m.Subject, Sealed: sealed, NextAt: now, CreatedAt: now})
}

// Run sends what is put, until ctx ends.
func (o *Outbox) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, channel := range Channels {
		wg.Add(1)
		go func() {
			defer wg.Done()
			o.run(ctx, channel)
		}()
	}
	wg.Wait()
	return nil
}

func (o *Outbox) run(ctx context.Context, channel string) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if _, err := o.flush(ctx, channel); err != nil && ctx.Err() == nil {
			o.log.Error("mail: the outbox cannot be worked on", "channel", channel, "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-o.wake[channel]:
		case <-tick.C:
		}
	}
}

// Flush tries everything that is due, and tells how many were handed over.
func (o *Outbox) Flush(ctx context.Context) (sent int, err error) {
	for _, channel := range Channels {
		n, err := o.flush(ctx, channel)
		sent += n
		if err != nil {
			return sent, err
		}
	}
	return sent, nil
}

func (o *Outbox) flush(ctx context.Context, channel string) (sent int, err error) {
	for {
		n, more, err := o.batch(ctx, channel)
		sent += n
		if err != nil || !more {
			return sent, err
		}
	}
}

// batch tries what is due, a part of it at once. Claim and outcomes are transactions of their own, one for the whole batch:
// no network inside a transaction.
func (o *Outbox) batch(ctx context.Context, channel string) (sent int, more bool, err error) {
	var due []store.Mail
	if err := o.db.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		due, err = store.DueMails(ctx, tx, channel, o.wire.Now(), batch)
		return err
	}); err != nil || len(due) == 0 {
		return 0, false, err
	}
	var mine []store.Mail
	if err := o.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		mine = mine[:0]
		for _, m := range due {
			switch err := store.ClaimMail(ctx, tx, m, o.wire.Now().Add(lease)); {
			case errors.Is(err, store.ErrNoRow): // another process has it
			case err != nil:
				return err
			default:
				m.Tries++
				mine = append(mine, m)
			}
		}
		return nil
	}); err != nil {
		return 0, true, err
	}
	begin := time.Now()
	var wg sync.WaitGroup
	left := make([]bool, len(mine)) // not begun
	room := make(chan struct{}, atOnce)
	for i := range mine {
		room <- struct{}{}
		wg.Add(1)
		go func() {
			defer func() { <-room; wg.Done() }()
			if time.Since(begin) > lease/4 { // a provider that hangs: the rest is for the next batch
				left[i] = true
				return
			}
			o.try(ctx, &mine[i])
		}()
	}
	wg.Wait()
	if ctx.Err() != nil {
		return 0, false, ctx.Err() // the leases end, and all is tried again
	}
	err = o.db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		sent = 0
		for i, m := range mine {
			finish := store.FinishMail
			if left[i] {
				finish = store.UnclaimMail
			}
			switch err := finish(ctx, tx, m); {
			case errors.Is(err, store.ErrNoRow): // it took longer than the lease: the outcome is the next try's to write
			case err != nil:
				return err
			case m.State == store.MailSent:
				sent++
			}
		}
		return nil
	})
	return sent, true, err
}

// try is one attempt; it notes its outcome in m.
func (o *Outbox) try(ctx context.Context, m *store.Mail) {
	text, err := o.ring.Open(purpose(m.ID), m.Sealed)
	if err == nil {
		within, cancel := context.WithTimeout(ctx, lease/4)
		err = o.senders[m.Channel].Send(within, Message{ID: m.ID, Channel: m.Channel, To: m.Recipient, Subject: m.Subject, Text: string(text), At: m.CreatedAt})
		cancel()
	} else {
		err = Refused{"the message cannot be opened with this master key"}
	}
	now := o.wire.Now()
	var refused Refused
	switch {
	case err == nil:
		m.State, m.Problem, m.FinishedAt = store.MailSent, "", now
	case errors.As(err, &refused) || m.Tries >= MaxTries:
		m.State, m.Problem, m.FinishedAt = store.MailFailed, problem(err), now
		o.log.Warn("mail: given up", "mail", m.ID, "channel", m.Channel, "tries", m.Tries, "err", err)
	default:
		m.State, m.Problem, m.NextAt = store.MailQueued, problem(err), now.Add(first<<(m.Tries-1))
		o.log.Warn("mail: not sent, will be tried again", "mail", m.ID, "channel", m.Channel, "tries", m.Tries, "err", err)
	}
}

// problem is what the table keeps of an error: text that every database takes.
func problem(err error) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "\uFFFD"), "\x00", "\uFFFD")
	if r := []rune(s); len(r) > 500 {
		s = string(r[:500])
	}
	return s
}

// Files is the sender when no provider is set: each mail or SMS is a file that only its owner may read.
// spec: 01 §10
type Files struct{ Dir string }

// Send writes the mail as <instant>-<id>.txt, an SMS as <instant>-<id>.sms.txt. It never leaves half a file.
func (f Files) Send(_ context.Context, m Message) error {
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return err
	}
	oneLine := strings.NewReplacer("\r", " ", "\n", " ").Replace
	text, ending := fmt.Sprintf("To: %s\nSubject: %s\nDate: %s\n\n%s\n", oneLine(m.To), oneLine(m.Subject), m.At.Format(time.RFC1123Z), m.Text), ".txt"
	if m.Channel == SMS {
		text, ending = fmt.Sprintf("To: %s\nDate: %s\n\n%s\n", oneLine(m.To), m.At.Format(time.RFC1123Z), m.Text), ".sms.txt"
	}
	name := filepath.Join(f.Dir, m.At.UTC().Format("20060102T150405")+"-"+m.ID+ending)
	draft := filepath.Join(f.Dir, "."+m.ID)
	if err := os.WriteFile(draft, []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(draft, name)
}

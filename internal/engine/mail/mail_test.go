package mail_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
)

// desk is a sender in the test's hands.
type desk struct {
	mu   sync.Mutex
	got  []mail.Message
	fail error
}

func (d *desk) Send(_ context.Context, m mail.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fail == nil {
		d.got = append(d.got, m)
	}
	return d.fail
}

func setUp(t *testing.T, db *database.DB, sender mail.Sender) (*mail.Outbox, *clock.Manual) {
	ring, err := keyring.Parse(keyring.Generate())
	if err != nil {
		t.Fatal(err)
	}
	wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
	return mail.New(db, ring, wire, map[string]mail.Sender{mail.Mail: sender, mail.SMS: sender}, slog.New(slog.DiscardHandler)), wire
}

func put(t *testing.T, db *database.DB, o *mail.Outbox, text string, undo error) {
	t.Helper()
	err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		if err := o.Put(ctx, tx, mail.Message{To: "li@example.com", Subject: "Hello", Text: text}); err != nil {
			return err
		}
		return undo
	})
	if !errors.Is(err, undo) {
		t.Fatal(err)
	}
}

func mails(t *testing.T, db *database.DB) (all []store.Mail) {
	t.Helper()
	if err := db.Read(t.Context(), func(ctx context.Context, tx *store.Tx) (err error) {
		all, err = store.Mails(ctx, tx, "", "", "", 100)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func flush(t *testing.T, o *mail.Outbox) int {
	t.Helper()
	n, err := o.Flush(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAMailIsSentOnceForWhatWasCommitted(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		d := &desk{}
		o, _ := setUp(t, db, d)
		put(t, db, o, "planted-link", nil)
		put(t, db, o, "never", errors.New("undone"))
		if m := mails(t, db); len(m) != 1 || m[0].Sealed == "" || strings.Contains(m[0].Sealed, "planted") {
			t.Fatalf("the outbox holds %+v", m)
		}
		if n := flush(t, o) + flush(t, o); n != 1 || len(d.got) != 1 || d.got[0].Text != "planted-link" || d.got[0].To != "li@example.com" {
			t.Errorf("%d sent: %+v", n, d.got)
		}
		if m := mails(t, db); m[0].State != store.MailSent || m[0].Sealed != "" {
			t.Errorf("after sending: %+v", m[0])
		}
	})
}

func TestAFailingProviderIsTriedAgainLaterAndGivenUpInTheEnd(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		d := &desk{fail: errors.New("451 try again")}
		o, wire := setUp(t, db, d)
		put(t, db, o, "one", nil)
		if flush(t, o) != 0 || flush(t, o) != 0 || mails(t, db)[0].Tries != 1 {
			t.Fatalf("the second try came at once: %+v", mails(t, db)[0])
		}
		wire.Add(30 * time.Second)
		d.fail = nil
		if flush(t, o) != 1 {
			t.Errorf("not sent when the provider was back: %+v", mails(t, db)[0])
		}
		d.fail = errors.New("451 try again")
		put(t, db, o, "two", nil)
		for range mail.MaxTries {
			flush(t, o)
			wire.Add(2 * time.Hour)
		}
		if m := mails(t, db)[0]; m.State != store.MailFailed || m.Tries != mail.MaxTries || m.Problem != "451 try again" {
			t.Errorf("in the end: %+v", m)
		}
		d.fail = mail.Refused{Why: "550 no such mailbox"}
		put(t, db, o, "three", nil)
		flush(t, o)
		if m := mails(t, db)[0]; m.State != store.MailFailed || m.Tries != 1 {
			t.Errorf("refused: %+v", m)
		}
	})
}

func TestRunSendsSoonAfterTheCommitAndStops(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, store.Migrations))
	sent := make(chan mail.Message, 1)
	o, _ := setUp(t, db, sendFunc(func(m mail.Message) { sent <- m }))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- o.Run(ctx) }()
	put(t, db, o, "now", nil)
	if m := <-sent; m.Text != "now" {
		t.Errorf("%+v", m)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type sendFunc func(mail.Message)

func (f sendFunc) Send(_ context.Context, m mail.Message) error { f(m); return nil }

func TestFilesAreWholeAndPrivate(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "outbox")
	m := mail.Message{ID: "id-1", To: "a@b\r\nBcc: x@y", Subject: "您好", Text: "line one\nline two", At: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	if err := (mail.Files{Dir: dir}).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "20261124T080000-id-1.txt")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(b); !strings.HasPrefix(got, "To: a@b  Bcc: x@y\nSubject: 您好\n") || !strings.HasSuffix(got, "\n\nline one\nline two\n") {
		t.Errorf("%q", got)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) != 0 {
		t.Errorf("drafts are left: %v", left)
	}
}

// Two processes work on one outbox: each message goes out once, each channel by itself, and what comes of a notice is
// there once for a receiver and a channel, however often it is put.
func TestTwoProcessesSendEachMessageOnce(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		ring, err := keyring.Parse(keyring.Generate())
		if err != nil {
			t.Fatal(err)
		}
		wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
		d := &desk{}
		process := func() *mail.Outbox {
			return mail.New(db, ring, wire, map[string]mail.Sender{mail.Mail: d, mail.SMS: d}, slog.New(slog.DiscardHandler))
		}
		a, b := process(), process()
		const n = 20
		for i := range n {
			for range 2 {
				for _, channel := range mail.Channels {
					if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
						return a.Put(ctx, tx, mail.Message{Channel: channel, To: "li@example.com", Subject: "Hello", Text: "text", NoticeID: "notice", Receiver: fmt.Sprint(i)})
					}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if got := len(mails(t, db)); got != 2*n {
			t.Fatalf("%d rows, want %d", got, 2*n)
		}
		var wg sync.WaitGroup
		for _, o := range []*mail.Outbox{a, b, a, b} {
			wg.Add(1)
			go func() {
				defer wg.Done()
				if _, err := o.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		wg.Wait()
		seen := map[string]int{}
		for _, m := range d.got {
			seen[m.ID]++
		}
		for id, times := range seen {
			if times != 1 {
				t.Errorf("%s was sent %d times", id, times)
			}
		}
		if len(seen) != 2*n {
			t.Errorf("%d messages were sent, want %d", len(seen), 2*n)
		}
	})
}

// A try that outlives its lease does not overwrite what the next one found.
func TestALateTryChangesNothing(t *testing.T) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		var o *mail.Outbox
		var wire *clock.Manual
		tries := 0
		o, wire = setUp(t, db, failFunc(func() error {
			if tries++; tries == 1 { // while this one hangs, the next is made and succeeds
				wire.Add(3 * time.Minute)
				flush(t, o)
				return errors.New("too late")
			}
			return nil
		}))
		put(t, db, o, "text", nil)
		flush(t, o)
		if m := mails(t, db)[0]; m.State != store.MailSent || m.Tries != 2 || m.Problem != "" {
			t.Errorf("%+v", m)
		}
	})
}

type failFunc func() error

func (f failFunc) Send(context.Context, mail.Message) error { return f() }

func TestAnSMSWithoutProviderIsAFile(t *testing.T) {
	dir := t.TempDir()
	at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	if err := (mail.Files{Dir: dir}).Send(t.Context(), mail.Message{ID: "id-1", Channel: mail.SMS, To: "+8613800138000", Subject: "not shown", Text: "【集市】123456", At: at}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "20261124T080000-id-1.sms.txt"))
	if err != nil || string(b) != "To: +8613800138000\nDate: Tue, 24 Nov 2026 08:00:00 +0000\n\n【集市】123456\n" {
		t.Errorf("%v %q", err, b)
	}
}

package people_test

import (
	"context"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

const password = "correct horse battery"

// post is a mailbox in the test's hands: it keeps what was put by transactions that committed.
type post struct {
	mu   sync.Mutex
	sent []mail.Message
}

func (p *post) Put(_ context.Context, tx *kernel.Tx, m mail.Message) error {
	tx.OnCommit(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sent = append(p.sent, m)
	})
	return nil
}

type world struct {
	*testing.T
	k    *kernel.Kernel
	wire *clock.Manual
	post *post
	p    *people.People
}

func each(t *testing.T, o people.Options, f func(w world)) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) { f(newWorld(t, db, o)) })
}

func newWorldSQLite(t *testing.T) world {
	return newWorld(t, databasetest.Open(t, databasetest.URL(t, database.SQLite, store.Migrations)), people.Options{})
}

func newWorld(t *testing.T, db *database.DB, o people.Options) world {
	ring, err := keyring.Parse(keyring.Generate())
	if err != nil {
		t.Fatal(err)
	}
	wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
	k := &kernel.Kernel{DB: db, Wire: wire, Clock: clock.NewBusiness(wire), Ring: ring, Log: slog.New(slog.DiscardHandler), Zone: clock.Shanghai}
	box := &post{}
	o.Mail, o.Address = box, "https://souk.example"
	return world{t, k, wire, box, people.New(k, o)}
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// refuses checks that an error has a code (or, for a form, names the field).
func (w world) refuses(err error, code string) {
	w.Helper()
	f, ok := fault.As(err)
	if !ok || f.Code != code && f.Fields[code] == "" {
		w.Errorf("got %v, want %s", err, code)
	}
}

func (w world) change(f func(ctx context.Context, tx *kernel.Tx) error) error {
	return w.k.Change(w.Context(), f)
}

// mails are the texts sent to an address.
func (w world) mails(to string) (all []mail.Message) {
	w.post.mu.Lock()
	defer w.post.mu.Unlock()
	for _, m := range w.post.sent {
		if m.To == to {
			all = append(all, m)
		}
	}
	return all
}

var token = regexp.MustCompile(`token=(\S+)`)

// link is the secret of the newest link sent to an address.
func (w world) link(to string) string {
	w.Helper()
	all := w.mails(to)
	for i := len(all) - 1; i >= 0; i-- {
		if m := token.FindStringSubmatch(all[i].Text); m != nil {
			return m[1]
		}
	}
	w.Fatalf("no link was sent to %s: %+v", to, all)
	return ""
}

func registration(email string) people.Registration {
	return people.Registration{Kind: party.Buyer, Company: "青山制造", Name: "李青", Email: email, Password: password, Language: "zh-CN", AcceptAgreement: true}
}

// member registers a company and gives its owner.
func (w world) member(kind party.Kind, email string) access.Actor {
	w.Helper()
	in := registration(email)
	in.Kind = kind
	w.must(w.p.Register(w.Context(), in))
	who, c, err := w.p.Verify(w.Context(), w.link(email), password)
	w.must(err)
	return access.Actor{PersonID: who.ID, CompanyID: c.ID, CompanyKind: kind, Roles: access.Roles[kind][:1]}
}

// signIn must succeed.
func (w world) signIn(login string) people.Opened {
	w.Helper()
	o, err := w.p.SignIn(w.Context(), login, password)
	w.must(err)
	return o
}

// open tells whether a session is signed in.
func (w world) open(session string) bool {
	_, _, err := w.p.BySession(w.Context(), session)
	return err == nil
}

func outcomes(in []party.SignIn) string {
	var b strings.Builder
	for _, s := range in {
		b.WriteString(s.Way + ":" + s.Outcome + " ")
	}
	return strings.TrimSpace(b.String())
}

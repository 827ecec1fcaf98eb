package people_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/people"
)

func TestACompanyRegisters(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		w.must(w.p.Register(w.Context(), registration(" Li@Example.com ")))
		if _, err := w.p.SignIn(w.Context(), "li@example.com", password); fault.KindOf(err) != fault.Unauthenticated {
			w.Errorf("signed in before the address was proved: %v", err)
		}
		m := w.mails("li@example.com")
		if len(m) != 1 || !strings.Contains(m[0].Text, "https://souk.example/account/verify?token=souklnk_") || m[0].Subject != "请验证您的邮箱" {
			w.Fatalf("mail: %+v", m)
		}
		link := w.link("li@example.com")
		_, _, err := w.p.Verify(w.Context(), link, "another password")
		w.refuses(err, "password")
		who, c, err := w.p.Verify(w.Context(), link, password)
		w.must(err)
		if c.Kind != party.Buyer || c.Name != "青山制造" || who.Login != "li@example.com" || who.VerifiedAt.IsZero() {
			w.Errorf("%+v %+v", who, c)
		}
		_, _, err = w.p.Verify(w.Context(), link, password)
		w.refuses(err, "link_dead") // once
		a, b, err := w.p.BySession(w.Context(), w.signIn("LI@example.com").Session)
		w.must(err)
		if !access.Can(a, access.PersonWrite) || b.CompanyName != "青山制造" {
			w.Errorf("%+v %+v", a, b)
		}
		seller := w.member(party.Seller, "wang@yunfan.example")
		if !access.Can(seller, access.ProductCreate) {
			w.Error("the owner of a seller cannot create products")
		}
	})
}

func TestALinkEnds(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		w.must(w.p.Register(w.Context(), registration("li@example.com")))
		first := w.link("li@example.com")
		w.wire.Add(10 * time.Minute)
		w.must(w.p.Resend(w.Context(), "li@example.com"))
		second := w.link("li@example.com")
		if first == second {
			w.Fatal("the same link was sent again")
		}
		_, _, err := w.p.Verify(w.Context(), first, password)
		w.refuses(err, "link_dead") // a fresh one was sent
		w.wire.Add(24*time.Hour - 10*time.Minute)
		_, _, err = w.p.Verify(w.Context(), second, password)
		w.refuses(err, "link_dead") // over, half-open
		w.must(w.p.Sweep(w.Context()))
		w.must(w.p.Resend(w.Context(), "li@example.com")) // nothing left to send
		if n := len(w.mails("li@example.com")); n != 2 {
			w.Errorf("%d mails", n)
		}
	})
}

// Whoever asks learns nothing about who has an account; the owner of the address is told.
func TestNoAnswerTellsWhoHasAnAccount(t *testing.T) {
	each(t, people.Options{Limits: people.Limits{Mails: 100, MailsToOne: 100}}, func(w world) {
		w.member(party.Buyer, "li@example.com")
		for name, ask := range map[string]func(email string) error{
			"register": func(email string) error { return w.p.Register(w.Context(), registration(email)) },
			"resend":   func(email string) error { return w.p.Resend(w.Context(), email) },
			"reset":    func(email string) error { return w.p.RequestReset(w.Context(), email) },
		} {
			taken, free := ask("li@example.com"), ask("nobody@example.com")
			if taken != nil || free != nil {
				w.Errorf("%s: taken %v, free %v", name, taken, free)
			}
		}
		all := w.mails("li@example.com")
		var subjects []string
		for _, m := range all[1:] {
			subjects = append(subjects, m.Subject)
		}
		if len(subjects) != 2 { // "you have an account", "set a new password", in any order
			w.Errorf("mails to the owner: %v", subjects)
		}
		_, unknown := w.p.SignIn(w.Context(), "nobody@example.com", "x")
		_, wrong := w.p.SignIn(w.Context(), "li@example.com", "x")
		if unknown == nil || wrong == nil || unknown.Error() != wrong.Error() {
			w.Errorf("unknown %v, wrong %v", unknown, wrong)
		}
	})
}

// A stranger who registers somebody's address gains nothing when that person follows the link.
func TestAStrangersPasswordIsNotTaken(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		w.must(w.p.Register(w.Context(), registration("li@example.com")))
		mine := w.link("li@example.com")
		theirs := registration("li@example.com")
		theirs.Password = "stranger knows this"
		w.must(w.p.Register(w.Context(), theirs))
		_, _, err := w.p.Verify(w.Context(), w.link("li@example.com"), password)
		w.refuses(err, "password")
		_, _, err = w.p.Verify(w.Context(), mine, password)
		w.must(err)
		_, _, err = w.p.Verify(w.Context(), w.link("li@example.com"), "stranger knows this")
		w.refuses(err, "link_dead")
	})
}

func TestTwoWhoFollowOneLinkMakeOneCompany(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		w.must(w.p.Register(w.Context(), registration("li@example.com")))
		link := w.link("li@example.com")
		var wg sync.WaitGroup
		made := make(chan string, 4)
		for range 4 {
			wg.Go(func() {
				if _, c, err := w.p.Verify(w.Context(), link, password); err == nil {
					made <- c.ID
				}
			})
		}
		wg.Wait()
		if len(made) != 1 {
			w.Errorf("%d companies", len(made))
		}
	})
}

func TestWrongRegistrationsAreRefusedByName(t *testing.T) {
	w := newWorldSQLite(t)
	for name, c := range map[string]struct {
		field string
		spoil func(*people.Registration)
	}{
		"no kind":            {"kind", func(r *people.Registration) { r.Kind = "" }},
		"an operator":        {"kind", func(r *people.Registration) { r.Kind = party.Operator }},
		"no company":         {"company", func(r *people.Registration) { r.Company = " " }},
		"a long company":     {"company", func(r *people.Registration) { r.Company = strings.Repeat("青", 65) }},
		"broken UTF-8":       {"company", func(r *people.Registration) { r.Company = "a\xff" }},
		"a line in the name": {"name", func(r *people.Registration) { r.Name = "a\nb" }},
		"no address":         {"email", func(r *people.Registration) { r.Email = "" }},
		"two addresses":      {"email", func(r *people.Registration) { r.Email = "a@b.example,c@d.example" }},
		"a header":           {"email", func(r *people.Registration) { r.Email = "a@b.example\r\nBcc: c@d.example" }},
		"letters as number":  {"mobile", func(r *people.Registration) { r.Mobile = "call me" }},
		"short password":     {"password", func(r *people.Registration) { r.Password = "short" }},
		"guessed password":   {"password", func(r *people.Registration) { r.Password = "password1234" }},
		"address as password": {"password", func(r *people.Registration) {
			r.Email, r.Password = "long.address@example.com", "long.address@example.com"
		}},
		"broken password": {"password", func(r *people.Registration) { r.Password = "correct horse \xff battery" }},
		"no agreement":    {"accept_agreement", func(r *people.Registration) { r.AcceptAgreement = false }},
	} {
		in := registration("li@example.com")
		c.spoil(&in)
		err := w.p.Register(w.Context(), in)
		f, ok := fault.As(err)
		if !ok || f.Kind != fault.Invalid || f.Fields[c.field] == "" || len(f.Fields) != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(w.post.sent) != 0 {
		t.Errorf("mails were sent: %+v", w.post.sent)
	}
}

// A flood is throttled by where it comes from and by whom it hits; others go on.
func TestFloodsOfMailsAreThrottled(t *testing.T) {
	w := newWorldSQLite(t)
	from := func(address string) context.Context {
		return people.WithClient(t.Context(), people.Client{Address: address})
	}
	for i := range 5 {
		if err := w.p.RequestReset(from("203.0.113.1"), "li@example.com"); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
	w.refuses(w.p.RequestReset(from("203.0.113.2"), "li@example.com"), "slow_down")
	w.must(w.p.RequestReset(from("203.0.113.2"), "wang@example.com"))
	for i := range 15 {
		w.must(w.p.RequestReset(from("203.0.113.1"), strings.Repeat("x", i+1)))
	}
	w.refuses(w.p.RequestReset(from("203.0.113.1"), "one-more"), "slow_down")
	w.wire.Add(5 * time.Minute)
	w.must(w.p.RequestReset(from("203.0.113.2"), "li@example.com"))
	// One customer's IPv6 addresses are one.
	limited := people.New(w.k, people.Options{Mail: w.post, Limits: people.Limits{SignIns: 2}})
	for _, address := range []string{"2001:db8::1", "2001:db8::2"} {
		_, err := limited.SignIn(from(address), "li", "x")
		w.refuses(err, "login_refused")
	}
	_, err := limited.SignIn(from("2001:db8::3"), "li", "x")
	w.refuses(err, "slow_down")
	_, err = limited.SignIn(from("2001:db8:0:1::3"), "li", "x")
	w.refuses(err, "login_refused")
}

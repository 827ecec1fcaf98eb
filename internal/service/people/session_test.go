package people_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

func TestSessionsEndByIdlenessLifeAndHand(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		ctx := people.WithClient(w.Context(), people.Client{Address: "203.0.113.7", Agent: "Firefox\x00" + strings.Repeat("x", 300)})
		one, err := w.p.SignIn(ctx, "li@example.com", password)
		w.must(err)
		two := w.signIn("li@example.com")
		if one.Session == two.Session || !w.open(one.Session) || !w.open(two.Session) {
			w.Fatal("two sign-ins are not two sessions")
		}
		list, err := w.p.Sessions(w.Context(), a)
		w.must(err)
		if len(list) != 2 || list[1].Address != "203.0.113.7" || len(list[1].Agent) != 200 || strings.ContainsRune(list[1].Agent, 0) {
			w.Errorf("%+v", list)
		}
		// One is used every hour, the other is not.
		for range 11 {
			w.wire.Add(time.Hour)
			if !w.open(one.Session) {
				w.Fatal("a session in use ended")
			}
		}
		if w.open(two.Session) {
			w.Error("a session that nobody used for hours is open")
		}
		w.wire.Add(time.Hour)
		if w.open(one.Session) {
			w.Error("a session outlived its twelve hours")
		}
		three, four, five := w.signIn("li@example.com"), w.signIn("li@example.com"), w.signIn("li@example.com")
		list, err = w.p.Sessions(w.Context(), a)
		w.must(err)
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.EndSession(ctx, tx, a, list[2].ID) }))
		if w.open(three.Session) || !w.open(four.Session) {
			w.Error("another session ended than was asked for")
		}
		w.refuses(w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.EndSession(ctx, tx, a, list[2].ID) }), "not_found")
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			_, err := w.p.EndSessions(ctx, tx, a, five.Session)
			return err
		}))
		if w.open(four.Session) || !w.open(five.Session) {
			w.Error("all but one were to end")
		}
		w.must(w.p.Logout(w.Context(), five.Session))
		if w.open(five.Session) {
			w.Error("logged out and still open")
		}
	})
}

// Another person cannot end somebody's session, and hears the same as for an unknown one.
func TestSessionsAreOnesOwn(t *testing.T) {
	w := newWorldSQLite(t)
	a, b := w.member(party.Buyer, "li@example.com"), w.member(party.Buyer, "chen@example.com")
	s := w.signIn("li@example.com")
	list, err := w.p.Sessions(t.Context(), a)
	w.must(err)
	foreign := w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.EndSession(ctx, tx, b, list[0].ID) })
	unknown := w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.EndSession(ctx, tx, b, "nothing") })
	if foreign == nil || foreign.Error() != unknown.Error() || !w.open(s.Session) {
		t.Errorf("%v, %v", foreign, unknown)
	}
}

// Five wrong passwords in a row lock a login, known or not, also when they arrive at once.
func TestLoginsAreLocked(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		for _, login := range []string{"li@example.com", "nobody@example.com"} {
			var wg sync.WaitGroup
			var mu sync.Mutex
			said := map[string]int{}
			for range 12 {
				wg.Go(func() {
					_, err := w.p.SignIn(w.Context(), login, "wrong password")
					mu.Lock()
					defer mu.Unlock()
					said[strings.Fields(err.Error())[1]]++
				})
			}
			wg.Wait()
			if said["login_refused:"] != 5 || said["login_locked:"] != 7 {
				w.Errorf("%s: %v", login, said)
			}
		}
		_, err := w.p.SignIn(w.Context(), "li@example.com", password)
		w.refuses(err, "login_locked") // also the right one
		w.wire.Add(setting.Defaults().LockFor)
		w.signIn("li@example.com")
		// Four wrong, one right, four wrong: no lock.
		for range 2 {
			for range 4 {
				_, err := w.p.SignIn(w.Context(), "li@example.com", "wrong password")
				w.refuses(err, "login_refused")
			}
			w.signIn("li@example.com")
		}
		h, err := w.p.SignIns(w.Context(), a, "", 5)
		w.must(err)
		if got := outcomes(h); got != "password:ok password:wrong_password password:wrong_password password:wrong_password password:wrong_password" {
			w.Errorf("history: %s", got)
		}
		next, err := w.p.SignIns(w.Context(), a, h[4].ID, 200)
		w.must(err)
		if got := outcomes(next); !strings.Contains(got, "password:locked") || strings.Count(got, "wrong_password") != 4+5 {
			w.Errorf("history goes on: %s", got)
		}
	})
}

func TestAPasswordIsChanged(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		mine, other := w.signIn("li@example.com"), w.signIn("li@example.com")
		const fresh = "another long sentence"
		_, err := w.p.ChangePassword(w.Context(), a, mine.Session, "wrong password", fresh)
		w.refuses(err, "old_password")
		_, err = w.p.ChangePassword(w.Context(), a, mine.Session, password, "password1234")
		w.refuses(err, "password")
		_, err = w.p.ChangePassword(w.Context(), a, mine.Session, password, password)
		w.refuses(err, "password")
		o, err := w.p.ChangePassword(w.Context(), a, mine.Session, password, fresh)
		w.must(err)
		if w.open(other.Session) || w.open(mine.Session) || !w.open(o.Session) || !o.Until.Equal(mine.Until) {
			w.Error("the other session must end, this one go on under another secret and no longer than before")
		}
		if m := w.mails("li@example.com"); m[len(m)-1].Subject != "密码已修改" {
			w.Errorf("the owner was told: %+v", m[len(m)-1])
		}
		_, err = w.p.SignIn(w.Context(), "li@example.com", password)
		w.refuses(err, "login_refused")
		if _, err = w.p.SignIn(w.Context(), "li@example.com", fresh); err != nil {
			w.Error(err)
		}
	})
}

func TestAPasswordIsResetByMail(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		s := w.signIn("li@example.com")
		for range 5 {
			_, err := w.p.SignIn(w.Context(), "li@example.com", "forgotten it")
			w.refuses(err, "login_refused")
		}
		w.must(w.p.RequestReset(w.Context(), "LI@example.com"))
		link := w.link("li@example.com")
		w.refuses(w.p.ConfirmReset(w.Context(), link, "short"), "password")
		w.refuses(w.p.ConfirmReset(w.Context(), link+"x", "another long sentence"), "link_dead")
		w.must(w.p.ConfirmReset(w.Context(), link, "another long sentence"))
		w.refuses(w.p.ConfirmReset(w.Context(), link, "a third long sentence"), "link_dead")
		if w.open(s.Session) {
			w.Error("a session outlived the reset")
		}
		if _, err := w.p.SignIn(w.Context(), "li@example.com", "another long sentence"); err != nil {
			w.Errorf("the lock did not end with the reset: %v", err)
		}
		w.wire.Add(20 * time.Minute)
		w.must(w.p.RequestReset(w.Context(), "li@example.com"))
		late := w.link("li@example.com")
		w.wire.Add(time.Hour)
		w.refuses(w.p.ConfirmReset(w.Context(), late, "a third long sentence"), "link_dead")
		// A link that lay open when the password was changed is worth nothing.
		w.must(w.p.RequestReset(w.Context(), "li@example.com"))
		open := w.link("li@example.com")
		_, err := w.p.ChangePassword(w.Context(), a, "", "another long sentence", "a fourth long sentence")
		w.must(err)
		w.refuses(w.p.ConfirmReset(w.Context(), open, "a third long sentence"), "link_dead")
	})
}

func TestTokensAreNarrowNamedAndRevoked(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		b := w.member(party.Buyer, "chen@example.com")
		issue := func(by, of access.Actor, scope ...access.Action) (secret string, err error) {
			err = w.change(func(ctx context.Context, tx *kernel.Tx) (err error) {
				secret, err = w.p.IssueToken(ctx, tx, by, of.CompanyID, of.PersonID, "script", time.Hour, scope...)
				return err
			})
			return secret, err
		}
		wide, err := issue(a, a)
		w.must(err)
		narrow, err := issue(a, a, access.OrderRead, access.TokenCreate)
		w.must(err)
		who, err := w.p.ByToken(w.Context(), narrow)
		w.must(err)
		if !access.Can(who, access.OrderRead) || access.Can(who, access.OrderPay) {
			w.Errorf("scope: %+v", who)
		}
		_, err = issue(who, a, access.OrderPay)
		w.refuses(err, "scope")
		child, err := issue(who, a)
		w.must(err)
		if c, err := w.p.ByToken(w.Context(), child); err != nil || access.Can(c, access.OrderPay) {
			w.Errorf("a narrow token made a wide one: %+v %v", c, err)
		}
		_, err = issue(a, a, "moon.land")
		w.refuses(err, "scope")
		_, err = issue(b, a)
		w.refuses(err, "not_found")
		desk := access.Actor{PersonID: "chief", CompanyID: "desk", CompanyKind: access.Operator, Roles: []access.Role{access.Admin}}
		_, err = issue(desk, a)
		w.refuses(err, "not_found") // nobody makes tokens that act as others
		list, err := w.p.Tokens(w.Context(), a)
		w.must(err)
		if len(list) != 3 || list[2].Name != "script" || len(list[1].Scope) != 2 || list[1].Hash != "" {
			w.Errorf("%+v", list)
		}
		w.refuses(w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.RevokeToken(ctx, tx, b, list[2].ID) }), "not_found")
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.RevokeToken(ctx, tx, a, list[2].ID) }))
		_, err = w.p.ByToken(w.Context(), wide)
		w.refuses(err, "unauthenticated")
		w.wire.Add(time.Hour)
		_, err = w.p.ByToken(w.Context(), narrow)
		w.refuses(err, "unauthenticated") // over
	})
}

// The last use is known to the minute and costs at most one write a minute, however many ask at once.
func TestLastUseIsNotedOnceAMinute(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		var secret string
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) (err error) {
			secret, err = w.p.IssueToken(ctx, tx, a, a.CompanyID, a.PersonID, "script", 0)
			return err
		}))
		used := func() time.Time {
			list, err := w.p.Tokens(w.Context(), a)
			w.must(err)
			return list[0].UsedAt
		}
		if !used().IsZero() {
			w.Error("used before it was")
		}
		start := w.wire.Now()
		for _, c := range []struct{ after, noted time.Duration }{{0, 0}, {30 * time.Second, 0}, {61 * time.Second, 61 * time.Second}, {90 * time.Second, 61 * time.Second}} {
			w.wire.Set(start.Add(c.after))
			var wg sync.WaitGroup
			for range 8 {
				wg.Go(func() { _, _ = w.p.ByToken(w.Context(), secret) })
			}
			wg.Wait()
			if got := used().Sub(start); got != c.noted {
				w.Errorf("after %v: noted %v, want %v", c.after, got, c.noted)
			}
		}
	})
}

package people_test

import (
	"bytes"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/service/people"
)

// code is what an authenticator app shows for a seed.
func (w world) code(seed string, ago time.Duration) string {
	w.Helper()
	c, err := totp.GenerateCode(seed, w.wire.Now().Add(-ago))
	w.must(err)
	return c
}

// enrol sets the second factor up and gives its seed and recovery codes.
func (w world) enrol(a access.Actor) (seed string, codes []string) {
	w.Helper()
	e, err := w.p.BeginTOTP(w.Context(), a, password)
	w.must(err)
	codes, err = w.p.ConfirmTOTP(w.Context(), a, w.code(e.Seed, 0))
	w.must(err)
	w.wire.Add(time.Minute) // the code of the enrolment is spent
	return e.Seed, codes
}

func TestTheSecondFactorIsSetUpAndAskedFor(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		_, err := w.p.BeginTOTP(w.Context(), a, "wrong password")
		w.refuses(err, "password")
		e, err := w.p.BeginTOTP(w.Context(), a, password)
		w.must(err)
		if picture, err := png.Decode(bytes.NewReader(e.QR)); err != nil || picture.Bounds().Dx() != 220 {
			w.Errorf("picture: %v", err)
		}
		if !strings.HasPrefix(e.URI, "otpauth://totp/Souk:li@example.com?secret="+e.Seed) || len(e.Seed) != 32 {
			w.Errorf("%s", e.URI)
		}
		if o := w.signIn("li@example.com"); o.Stage != "" {
			w.Error("asked for before it was confirmed")
		}
		_, err = w.p.ConfirmTOTP(w.Context(), a, "000000")
		w.refuses(err, "wrong_code")
		codes, err := w.p.ConfirmTOTP(w.Context(), a, w.code(e.Seed, 0))
		w.must(err)
		if len(codes) != people.RecoveryCodes || len(codes[0]) != 19 {
			w.Errorf("recovery codes: %v", codes)
		}
		_, err = w.p.BeginTOTP(w.Context(), a, password)
		w.refuses(err, "totp_in_force")

		o := w.signIn("li@example.com")
		if o.Stage != party.StageCode || w.open(o.Session) {
			w.Fatal("signed in without the second factor")
		}
		_, err = w.p.GiveCode(w.Context(), o.Session, w.code(e.Seed, 0))
		w.refuses(err, "wrong_code") // the code of the enrolment was used
		w.wire.Add(30 * time.Second)
		in, err := w.p.GiveCode(w.Context(), o.Session, w.code(e.Seed, 0)[:3]+" "+w.code(e.Seed, 0)[3:])
		w.must(err)
		if !w.open(in.Session) || in.Session == o.Session || in.Stage != "" {
			w.Errorf("after the code: %+v", in)
		}
		_, err = w.p.GiveCode(w.Context(), o.Session, codes[0])
		w.refuses(err, "unauthenticated") // the session of the first step is gone
		h, err := w.p.SignIns(w.Context(), a, "", 3)
		w.must(err)
		if got := outcomes(h); got != "totp:ok totp:wrong_code password:code_asked" {
			w.Errorf("history: %s", got)
		}
	})
}

func TestACodeIsGoodOnceAndInItsMinute(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		seed, codes := w.enrol(a)
		one, two := w.signIn("li@example.com"), w.signIn("li@example.com")
		late := w.code(seed, 30*time.Second)
		_, err := w.p.GiveCode(w.Context(), one.Session, w.code(seed, 90*time.Second))
		w.refuses(err, "wrong_code") // too old
		_, err = w.p.GiveCode(w.Context(), one.Session, w.code(seed, 0))
		w.must(err)
		for _, c := range []string{w.code(seed, 0), late} { // replayed; or older than one that was used
			_, err = w.p.GiveCode(w.Context(), two.Session, c)
			w.refuses(err, "wrong_code")
		}
		in, err := w.p.GiveCode(w.Context(), two.Session, strings.ToLower(codes[3]))
		w.must(err)
		if !w.open(in.Session) {
			w.Error("a recovery code does not sign in")
		}
		three := w.signIn("li@example.com")
		_, err = w.p.GiveCode(w.Context(), three.Session, codes[3])
		w.refuses(err, "wrong_code") // once
		if m, err := w.p.Me(w.Context(), a); err != nil || m.RecoveryCodes != people.RecoveryCodes-1 || !m.TOTP || m.TOTPRequired {
			w.Errorf("%+v %v", m, err)
		}
		w.wire.Add(time.Minute)
		fresh, err := w.p.RenewRecoveryCodes(w.Context(), a, w.code(seed, 0))
		w.must(err)
		_, err = w.p.GiveCode(w.Context(), three.Session, codes[4])
		w.refuses(err, "wrong_code") // replaced
		_, err = w.p.GiveCode(w.Context(), three.Session, fresh[4])
		w.must(err)
		if h, err := w.p.SignIns(w.Context(), a, "", 1); err != nil || outcomes(h) != "recovery_code:ok" {
			w.Errorf("%s %v", outcomes(h), err)
		}
	})
}

// Guessing codes locks the second factor, not the login: the password still works, the code does not.
func TestWrongCodesAreCountedAndLocked(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		seed, codes := w.enrol(a)
		o := w.signIn("li@example.com")
		for range setting.Defaults().MaxFailures {
			_, err := w.p.GiveCode(w.Context(), o.Session, "123456")
			w.refuses(err, "wrong_code")
		}
		_, err := w.p.GiveCode(w.Context(), o.Session, w.code(seed, 0))
		w.refuses(err, "code_locked")
		again := w.signIn("li@example.com")
		_, err = w.p.GiveCode(w.Context(), again.Session, codes[0])
		w.refuses(err, "code_locked")
		w.wire.Add(setting.Defaults().LockFor)
		_, err = w.p.GiveCode(w.Context(), again.Session, w.code(seed, 0))
		w.refuses(err, "unauthenticated") // the first step was ten minutes ago
		last := w.signIn("li@example.com")
		_, err = w.p.GiveCode(w.Context(), last.Session, w.code(seed, 0))
		w.must(err)
	})
}

func TestTheSecondFactorIsSwitchedOff(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		a := w.member(party.Buyer, "li@example.com")
		seed, codes := w.enrol(a)
		w.refuses(w.p.DisableTOTP(w.Context(), a, "wrong password", w.code(seed, 0)), "password")
		w.refuses(w.p.DisableTOTP(w.Context(), a, password, "000000"), "wrong_code")
		w.must(w.p.DisableTOTP(w.Context(), a, password, codes[0]))
		if o := w.signIn("li@example.com"); o.Stage != "" {
			w.Error("still asked for")
		}
		if m := w.mails("li@example.com"); m[len(m)-1].Subject != "动态口令已关闭" {
			w.Errorf("the owner was not told: %+v", m)
		}
		w.refuses(w.p.DisableTOTP(w.Context(), a, password, w.code(seed, 0)), "totp_state")
	})
}

// In production an operator can do nothing before the second factor is set up, and cannot switch it off.
func TestOperatorsMustHaveTheSecondFactor(t *testing.T) {
	each(t, people.Options{OperatorTOTP: true}, func(w world) {
		chief, err := w.p.FirstOperator(w.Context(), "运营中心", "Chief@souk.example", "运营", password)
		w.must(err)
		o := w.signIn("chief@souk.example")
		if o.Stage != party.StageEnrol || w.open(o.Session) {
			w.Fatalf("%+v", o)
		}
		_, err = w.p.GiveCode(w.Context(), o.Session, "123456")
		w.refuses(err, "unauthenticated")
		e, err := w.p.BeginTOTPAtSignIn(w.Context(), o.Session)
		w.must(err)
		_, _, err = w.p.ConfirmTOTPAtSignIn(w.Context(), o.Session, "000000")
		w.refuses(err, "wrong_code")
		in, codes, err := w.p.ConfirmTOTPAtSignIn(w.Context(), o.Session, w.code(e.Seed, 0))
		w.must(err)
		if !w.open(in.Session) || w.open(o.Session) || len(codes) != people.RecoveryCodes {
			w.Errorf("%+v", in)
		}
		a, b, err := w.p.BySession(w.Context(), in.Session)
		w.must(err)
		if a.PersonID != chief.ID || b.Stage != "" {
			w.Errorf("%+v %+v", a, b)
		}
		w.wire.Add(time.Minute)
		w.refuses(w.p.DisableTOTP(w.Context(), a, password, w.code(e.Seed, 0)), "totp_required")
		if o := w.signIn("chief@souk.example"); o.Stage != party.StageCode {
			w.Errorf("the next time: %+v", o)
		}
		// Others are asked nothing.
		w.member(party.Buyer, "li@example.com")
		if o := w.signIn("li@example.com"); o.Stage != "" {
			w.Errorf("a buyer: %+v", o)
		}
	})
}

func TestTheFirstOperatorIsMadeOnce(t *testing.T) {
	w := newWorldSQLite(t)
	_, err := w.p.FirstOperator(t.Context(), "desk", "chief", "Chief", password)
	w.must(err)
	_, err = w.p.FirstOperator(t.Context(), "desk", "chief2", "Chief", password)
	w.refuses(err, "operator_exists")
}

// Who lost phone and recovery codes is let in again from the machine, and sets the second factor up anew.
func TestAnOperatorIsRecoveredOnTheMachine(t *testing.T) {
	each(t, people.Options{OperatorTOTP: true}, func(w world) {
		_, err := w.p.FirstOperator(w.Context(), "desk", "chief", "Chief", password)
		w.must(err)
		o := w.signIn("chief")
		e, err := w.p.BeginTOTPAtSignIn(w.Context(), o.Session)
		w.must(err)
		in, codes, err := w.p.ConfirmTOTPAtSignIn(w.Context(), o.Session, w.code(e.Seed, 0))
		w.must(err)
		_, err = w.p.Recover(w.Context(), "nobody", "another long sentence")
		w.refuses(err, "not_found")
		_, err = w.p.Recover(w.Context(), "chief", "short")
		w.refuses(err, "password")
		_, err = w.p.Recover(w.Context(), "chief", "another long sentence")
		w.must(err)
		if w.open(in.Session) {
			w.Error("a session outlived the recovery")
		}
		o, err = w.p.SignIn(w.Context(), "chief", "another long sentence")
		w.must(err)
		if o.Stage != party.StageEnrol {
			w.Errorf("%+v", o)
		}
		_, err = w.p.GiveCode(w.Context(), o.Session, codes[0])
		w.refuses(err, "unauthenticated") // old recovery codes are gone with the factor
	})
}

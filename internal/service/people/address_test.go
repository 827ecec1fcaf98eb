package people_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/proof"
)

var digits = regexp.MustCompile(`\d{6}`)

// sentCode is the code in the newest message to an address.
func (w world) sentCode(to string) string {
	w.Helper()
	all := w.mails(to)
	if len(all) == 0 {
		w.Fatalf("nothing was sent to %s", to)
	}
	return digits.FindString(all[len(all)-1].Text)
}

func (w world) person(a access.Actor) party.Person {
	w.Helper()
	m, err := w.p.Me(w.Context(), a)
	w.must(err)
	return m.Person
}

// The new address is proved, the old one told before and after; who signed in by the old one signs in by the new one.
func TestAnAddressChangesByProofOfTheNewOne(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		li := w.member(party.Buyer, "li@example.com")
		w.refuses(w.p.ChangeEmail(w.Context(), li, "new@example.com", "not my password"), "password")
		w.refuses(w.p.ChangeEmail(w.Context(), li, "nonsense", password), "email")
		w.refuses(w.p.ChangeEmail(w.Context(), li, "li@example.com", password), "email")
		w.must(w.p.ChangeEmail(w.Context(), li, " First@Example.com", password))
		first := w.link("first@example.com")
		w.must(w.p.ChangeEmail(w.Context(), li, "new@example.com", password))
		if who := w.person(li); who.Email != "li@example.com" || who.Login != "li@example.com" {
			t.Errorf("changed before it was proved: %+v", who)
		}
		if told := w.mails("li@example.com"); !strings.Contains(told[len(told)-1].Text, "new@example.com") {
			t.Errorf("the old one was not told: %+v", told)
		}
		_, err := w.p.ConfirmEmail(w.Context(), first)
		w.refuses(err, "link_dead") // a later wish makes an earlier one worthless
		got, err := w.p.ConfirmEmail(w.Context(), w.link("new@example.com"))
		if w.must(err); got != "new@example.com" {
			t.Errorf("proved %q", got)
		}
		_, err = w.p.ConfirmEmail(w.Context(), w.link("new@example.com"))
		w.refuses(err, "link_dead")
		if who := w.person(li); who.Email != "new@example.com" || who.Login != "new@example.com" || !who.VerifiedAt.Equal(w.wire.Now()) {
			t.Errorf("%+v", who)
		}
		if told := w.mails("li@example.com"); !strings.Contains(told[len(told)-1].Subject, "邮箱已更换") {
			t.Errorf("the old one was not told after: %q", told[len(told)-1].Subject)
		}
		w.signIn("new@example.com")
		_, err = w.p.SignIn(w.Context(), "li@example.com", password)
		w.refuses(err, "login_refused")
	})
}

// Whether an address has an account is told there alone; and one that got an account in the meantime is not taken over.
func TestATakenAddressIsToldOnlyThere(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		li := w.member(party.Buyer, "li@example.com")
		w.member(party.Seller, "wang@example.com")
		before := len(w.mails("wang@example.com"))
		w.must(w.p.ChangeEmail(w.Context(), li, "wang@example.com", password))
		told := w.mails("wang@example.com")
		if len(told) != before+1 || strings.Contains(told[before].Text, "token=") {
			t.Errorf("told: %+v", told[before:])
		}
		w.must(w.p.ChangeEmail(w.Context(), li, "zhou@example.com", password))
		secret := w.link("zhou@example.com")
		w.member(party.Seller, "zhou@example.com")
		_, err := w.p.ConfirmEmail(w.Context(), secret)
		w.refuses(err, "address_taken")
		w.wire.Add(party.VerifyLife + time.Second)
		_, err = w.p.ConfirmEmail(w.Context(), secret)
		w.refuses(err, "link_dead")
	})
}

// A number is proved by the code that was sent there; another number has to be proved anew; five wrong codes lock.
func TestANumberIsProvedByACode(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		li := w.member(party.Buyer, "li@example.com")
		send := func() error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.SendMobileCode(ctx, tx, li) })
		}
		edit := func(mobile string) {
			w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
				return w.p.EditMe(ctx, tx, li, people.Details{Name: "李青", Mobile: mobile, Language: "en-US"})
			}))
		}
		edit("")
		w.refuses(send(), "mobile")
		edit("13800138000")
		w.must(send())
		old := w.sentCode("13800138000")
		w.must(send())
		code := w.sentCode("13800138000")
		if m := w.mails("13800138000"); m[0].Channel != mail.SMS || !strings.HasPrefix(m[0].Text, "[Souk] ") {
			t.Errorf("%+v", m[0])
		}
		if old != code {
			w.refuses(w.p.ConfirmMobile(w.Context(), li, old), "code")
		}
		w.must(w.p.ConfirmMobile(w.Context(), li, " "+code))
		w.refuses(w.p.ConfirmMobile(w.Context(), li, code), "code")
		if w.person(li).MobileVerifiedAt.IsZero() {
			t.Error("not proved")
		}
		edit("13800138000")
		if w.person(li).MobileVerifiedAt.IsZero() {
			t.Error("saving the same number forgot its proof")
		}
		edit("13900139000")
		if !w.person(li).MobileVerifiedAt.IsZero() {
			t.Error("another number counts as proved")
		}
		w.must(send())
		code = w.sentCode("13900139000")
		for range proof.MaxWrong {
			w.refuses(w.p.ConfirmMobile(w.Context(), li, "no"), "code")
		}
		w.refuses(w.p.ConfirmMobile(w.Context(), li, code), "slow_down")
		w.wire.Add(proof.LockFor + time.Second)
		w.refuses(w.p.ConfirmMobile(w.Context(), li, code), "code") // it is over by now
	})
}

// Owners change the address of a colleague and of the company; nobody else, and not of another company.
func TestContactOfColleaguesAndCompanies(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		li, wang := w.member(party.Buyer, "li@example.com"), w.member(party.Seller, "wang@example.com")
		email := func(a access.Actor, company, person string) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error {
				return w.p.ChangeMemberEmail(ctx, tx, a, company, person, "moved@example.com")
			})
		}
		w.refuses(email(wang, li.CompanyID, li.PersonID), "not_found")
		w.refuses(email(wang, wang.CompanyID, li.PersonID), "not_found")
		w.must(email(li, li.CompanyID, li.PersonID))
		_, err := w.p.ConfirmEmail(w.Context(), w.link("moved@example.com"))
		w.must(err)

		contact := func(a access.Actor, company, address, mobile string) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error {
				return w.p.SetContact(ctx, tx, a, company, address, mobile)
			})
		}
		w.refuses(contact(wang, li.CompanyID, "x@example.com", ""), "not_found")
		w.refuses(contact(li, li.CompanyID, "x", ""), "email")
		viewer := li
		viewer.Roles = []access.Role{access.Viewer}
		w.refuses(contact(viewer, li.CompanyID, "x@example.com", ""), "forbidden")
		w.must(contact(li, li.CompanyID, "desk@example.com", "13700137000"))
		c, err := w.p.Company(w.Context(), li, li.CompanyID)
		if w.must(err); c.Email != "li@example.com" || c.EmailVerifiedAt.IsZero() || c.Mobile != "13700137000" || !c.MobileVerifiedAt.IsZero() {
			t.Errorf("before: %+v", c)
		}
		_, err = w.p.ConfirmEmail(w.Context(), w.link("desk@example.com"))
		w.must(err)
		w.must(w.p.ConfirmCompanyMobile(w.Context(), li, li.CompanyID, w.sentCode("13700137000")))
		if c, _ = w.p.Company(w.Context(), li, li.CompanyID); c.Email != "desk@example.com" || c.EmailVerifiedAt.IsZero() || c.MobileVerifiedAt.IsZero() {
			t.Errorf("after: %+v", c)
		}
		told := w.mails("li@example.com")
		if last := told[len(told)-1]; !strings.Contains(last.Text, "desk@example.com") {
			t.Errorf("the old address was not told: %+v", last)
		}
	})
}

// A code comes by what was proved; without any, the password stands in. spec: 14 §5
func TestProvingOneselfForAnAccessKey(t *testing.T) {
	each(t, people.Options{}, func(w world) {
		li := w.member(party.Seller, "li@example.com")
		send := func(channel string) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error {
				return w.p.SendCode(ctx, tx, li, proof.AccessKey, channel)
			})
		}
		w.refuses(send(mail.SMS), "channel")
		w.must(send(mail.Mail))
		if _, err := w.p.Prove(w.Context(), li, proof.AccessKey, "", password); err == nil {
			t.Error("the password stood in for a code that could be sent")
		}
		pass, err := w.p.Prove(w.Context(), li, proof.AccessKey, w.sentCode("li@example.com"), "")
		if w.must(err); !pass.For(proof.AccessKey, li.PersonID) || pass.For(proof.Mobile, li.PersonID) || pass.For(proof.AccessKey, "somebody") {
			t.Errorf("%+v", pass)
		}
		var zhou access.Actor
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			who, err := w.p.CreatePerson(ctx, tx, li, people.NewPerson{CompanyID: li.CompanyID, Login: "zhou", Name: "周", Password: password, Roles: []access.Role{access.Administrator}})
			zhou = access.Actor{PersonID: who.ID, CompanyID: li.CompanyID, CompanyKind: party.Seller, Roles: []access.Role{access.Administrator}}
			return err
		}))
		if _, err := w.p.Prove(w.Context(), zhou, proof.AccessKey, "", "wrong wrong wrong"); err == nil {
			t.Error("a wrong password was taken")
		} else if f, _ := fault.As(err); f.Fields["password"] == "" {
			t.Error(err)
		}
		pass, err = w.p.Prove(w.Context(), zhou, proof.AccessKey, "", password)
		if w.must(err); !pass.For(proof.AccessKey, zhou.PersonID) {
			t.Error("the password does not stand in")
		}
	})
}

package people

import (
	"context"
	"errors"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// An address changes by a link to the new one; the old one is told when it is asked for and when it is done. A number is
// written down at once and proved by a code. Until they are proved nothing but link and code is sent there.

// Kinds of links that prove an address; their subject is "<id> <address>".
const (
	linkEmail        = "email"         // of a person
	linkCompanyEmail = "company_email" // bound to a company's account
)

// ChangeEmail asks for another address of one's own, or proves the one there is. The password is asked for first: a
// stolen session must not take the account over. Whether somebody else has the address is told only by mail, there.
func (p *People) ChangeEmail(ctx context.Context, a access.Actor, email, password string) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	email, err := cleanAddress(email)
	if err != nil {
		return err
	}
	who, err := p.prove(ctx, a.PersonID, "password", password)
	if err != nil {
		return err
	}
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error { return p.askEmail(ctx, tx, a, who, email) })
}

// ChangeMemberEmail is ChangeEmail of a colleague, by who manages the company's people. spec: 20 A6
func (p *People) ChangeMemberEmail(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person, email string) error {
	email, err := cleanAddress(email)
	if err != nil {
		return err
	}
	_, who, _, err := p.member(ctx, tx, a, company, person)
	if err != nil {
		return err
	}
	return p.askEmail(ctx, tx, a, who, email)
}

func cleanAddress(email string) (string, error) {
	email = party.CleanEmail(email)
	f := fault.Fields{}
	party.CheckEmail("email", email, f)
	return email, f.Err()
}

func (p *People) askEmail(ctx context.Context, tx *kernel.Tx, a access.Actor, who party.Person, email string) error {
	if email == who.Email && !who.VerifiedAt.IsZero() {
		return fault.Field("email", "is the proved address already")
	}
	if err := p.mayCauseMail(ctx, email); err != nil {
		return err
	}
	now := p.k.Wire.Now()
	other, err := store.PersonByAddress(ctx, tx, email)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return err
	}
	taken := err == nil && other.ID != who.ID
	secret, kind, subject := ident.Token(linkPrefix), mailEmailConfirm, who.ID+" "+email
	if taken {
		kind, subject = mailEmailTaken, ""
	}
	if err := store.DropMailLinksOf(ctx, tx, linkEmail, who.ID); err != nil {
		return err
	}
	if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkEmail, subject, now, now.Add(party.VerifyLife)); err != nil {
		return err
	}
	data := mailData{Name: who.Name, Address: email, Link: p.link("email", secret), Until: now.Add(party.VerifyLife), At: now, Client: clientOf(ctx)}
	if err := p.write(ctx, tx, email, who.Language, kind, data); err != nil {
		return err
	}
	if email != who.Email && !who.VerifiedAt.IsZero() {
		if err := p.write(ctx, tx, who.Email, who.Language, mailEmailAsked, data); err != nil {
			return err
		}
	}
	return p.k.Audit(ctx, tx, a, actDetails, who.ID, "asked to prove "+email)
}

// ConfirmEmail makes an address a person's, or a company's, by the link that was sent there. Whoever signs in by the old
// address signs in by the new one from now on.
func (p *People) ConfirmEmail(ctx context.Context, secret string) (email string, err error) {
	if err := p.mayTry(ctx); err != nil {
		return "", err
	}
	hash, now := ident.Hash(secret), p.k.Wire.Now()
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		subject, err := store.MailLink(ctx, tx, hash, linkEmail, now)
		kind := linkEmail
		if errors.Is(err, store.ErrNoRow) {
			kind = linkCompanyEmail
			subject, err = store.MailLink(ctx, tx, hash, linkCompanyEmail, now)
		}
		if err == nil {
			err = store.UseMailLink(ctx, tx, hash)
		}
		if err != nil {
			return dead(err)
		}
		id := ""
		id, email, _ = strings.Cut(subject, " ")
		if kind == linkCompanyEmail {
			return p.setCompanyEmail(ctx, tx, id, email)
		}
		return p.setEmail(ctx, tx, id, email)
	})
	return email, err
}

func (p *People) setEmail(ctx context.Context, tx *kernel.Tx, id, email string) error {
	who, err := store.Person(ctx, tx, id)
	if err == nil && !who.DisabledAt.IsZero() {
		err = store.ErrNoRow
	}
	if err != nil {
		return dead(err)
	}
	other, err := store.PersonByAddress(ctx, tx, email)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return err
	}
	if err == nil && other.ID != who.ID {
		return fault.New(fault.Conflict, "address_taken", "this address got an account in the meantime; sign in")
	}
	old, login, now := who.Email, who.Login, p.k.Wire.Now()
	if login == old {
		login = email
	}
	if err := store.SetEmail(ctx, tx, who.ID, login, email, now); err != nil {
		return err
	}
	if old != email && !who.VerifiedAt.IsZero() {
		if err := p.write(ctx, tx, old, who.Language, mailEmailChanged, mailData{Name: who.Name, Address: email, At: now, Client: clientOf(ctx)}); err != nil {
			return err
		}
	}
	return p.k.Audit(ctx, tx, access.Actor{PersonID: who.ID, CompanyID: p.home(ctx, tx, who.ID)}, actDetails, who.ID, "address proved: "+email)
}

func mobileSubject(id, mobile string) string { return id + " " + mobile }

// SendMobileCode sends a code to one's own number, to prove it.
func (p *People) SendMobileCode(ctx context.Context, tx *kernel.Tx, a access.Actor) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	who, err := store.Person(ctx, tx, a.PersonID)
	if err != nil {
		return kernel.Missing(err, "person")
	}
	if who.Mobile == "" {
		return fault.Field("mobile", "must be written down first")
	}
	return p.proofs.Send(ctx, tx, proof.Mobile, mobileSubject(who.ID, who.Mobile), proof.Target{Channel: mail.SMS, Address: who.Mobile, Language: who.Language})
}

// ConfirmMobile proves one's own number by the code that was sent there.
func (p *People) ConfirmMobile(ctx context.Context, a access.Actor, code string) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	var who party.Person
	if err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		who, err = store.Person(ctx, tx, a.PersonID)
		return kernel.Missing(err, "person")
	}); err != nil {
		return err
	}
	if err := p.proofs.Spend(ctx, proof.Mobile, mobileSubject(who.ID, who.Mobile), strings.TrimSpace(code)); err != nil {
		return err
	}
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.ProveMobile(ctx, tx, "person", who.ID, who.Mobile, p.k.Wire.Now()); err != nil {
			return kernel.Missing(err, "number")
		}
		return p.k.Audit(ctx, tx, a, actDetails, who.ID, "number proved")
	})
}

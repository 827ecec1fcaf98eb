package people

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// link is the address of a page that a mail leads to.
func (p *People) link(page, secret string) string {
	return strings.TrimRight(p.o.Address, "/") + "/account/" + page + "?token=" + url.QueryEscape(secret)
}

// Registration is the input of Register.
type Registration struct {
	Kind            party.Kind // buyer or seller
	Company         string
	Name            string // of the person, who becomes the owner
	Email           string // and login
	Mobile          string
	Password        string
	Language        string // of the mails: zh-CN or en-US
	AcceptAgreement bool
}

// Check names every wrong field.
func (in Registration) Check() error {
	f := fault.Fields{}
	if in.Kind != party.Buyer && in.Kind != party.Seller {
		f.Add("kind", "must be buyer or seller")
	}
	party.CheckName("company", in.Company, f)
	party.CheckName("name", in.Name, f)
	party.CheckEmail("email", in.Email, f)
	party.CheckMobile("mobile", in.Mobile, f)
	party.CheckPassword("password", in.Password, in.Email, f)
	if !in.AcceptAgreement {
		f.Add("accept_agreement", "must be accepted")
	}
	return f.Err()
}

// Register begins a registration and sends a link that proves the address. Nothing but the registration exists until
// Verify. When the address has an account already, the answer is the same, in the same time, and the mail says so.
// spec: 01 §9
func (p *People) Register(ctx context.Context, in Registration) error {
	in.Email = party.CleanEmail(in.Email)
	if !p.k.Settings().Registration {
		return fault.New(fault.Rule, "registration_closed", "companies cannot register by themselves at the moment; ask the operator")
	}
	if err := in.Check(); err != nil {
		return err
	}
	if err := p.mayCauseMail(ctx, in.Email); err != nil {
		return err
	}
	hash, secret := HashPassword(in.Password), ident.Token(linkPrefix)
	lang := cleanLanguage(in.Language)
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		now := p.k.Wire.Now()
		g := party.Registration{ID: p.k.Row(), Kind: in.Kind, Company: in.Company, Name: in.Name, Email: in.Email, Mobile: in.Mobile, Language: lang, PasswordHash: hash, CreatedAt: now, ExpiresAt: now.Add(party.VerifyLife)}
		taken, err := p.taken(ctx, tx, in.Email)
		if err != nil {
			return err
		}
		if taken {
			if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkRegister, "", now, g.ExpiresAt); err != nil {
				return err
			}
			return p.write(ctx, tx, in.Email, lang, mailExists, mailData{Name: in.Name, Link: strings.TrimRight(p.o.Address, "/") + "/login"})
		}
		if err := store.InsertRegistration(ctx, tx, g); err != nil {
			return err
		}
		return p.sendProof(ctx, tx, g, secret)
	})
}

func (p *People) taken(ctx context.Context, tx *kernel.Tx, email string) (bool, error) {
	_, err := store.PersonByAddress(ctx, tx, email)
	if errors.Is(err, store.ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

func (p *People) sendProof(ctx context.Context, tx *kernel.Tx, g party.Registration, secret string) error {
	if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkRegister, g.ID, p.k.Wire.Now(), g.ExpiresAt); err != nil {
		return err
	}
	return p.write(ctx, tx, g.Email, g.Language, mailRegister, mailData{Name: g.Name, Company: g.Company, Link: p.link("verify", secret), Until: g.ExpiresAt})
}

// Resend sends a fresh link for the newest registration of an address; links sent before are worth nothing then. The
// answer is the same when there is none.
func (p *People) Resend(ctx context.Context, email string) error {
	email = party.CleanEmail(email)
	f := fault.Fields{}
	party.CheckEmail("email", email, f)
	if err := f.Err(); err != nil {
		return err
	}
	if err := p.mayCauseMail(ctx, email); err != nil {
		return err
	}
	secret := ident.Token(linkPrefix)
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		now := p.k.Wire.Now()
		g, err := store.LastRegistration(ctx, tx, email, now)
		if errors.Is(err, store.ErrNoRow) {
			return store.InsertMailLink(ctx, tx, ident.Hash(secret), linkRegister, "", now, now.Add(party.VerifyLife))
		}
		if err != nil {
			return err
		}
		if err := store.DropMailLinks(ctx, tx, linkRegister, g.ID); err != nil {
			return err
		}
		return p.sendProof(ctx, tx, g, secret)
	})
}

// Verify ends a registration: the link proves the address, the password that it was begun by the same person (who
// follows a link that a stranger caused must not get the stranger's password). It makes the company and its owner.
func (p *People) Verify(ctx context.Context, secret, password string) (who party.Person, company party.Company, err error) {
	if err := p.mayTry(ctx); err != nil {
		return who, company, err
	}
	var g party.Registration
	var locked time.Time
	now := p.k.Wire.Now()
	if err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		id, err := store.MailLink(ctx, tx, ident.Hash(secret), linkRegister, now)
		if err != nil {
			return dead(err)
		}
		if g, err = store.Registration(ctx, tx, id); err != nil {
			return dead(err)
		}
		locked, err = store.Guess(ctx, tx, "register "+id, now, p.k.Settings().MaxFailures, p.k.Settings().LockFor)
		return err
	}); err != nil {
		return who, company, err
	}
	if !locked.IsZero() {
		return who, company, lockedUntil(locked)
	}
	if len(password) > 4*party.MaxPassword || !passwordFits(g.PasswordHash, password) {
		return who, company, fault.Field("password", "is not the one that was chosen at the registration")
	}
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.UseMailLink(ctx, tx, ident.Hash(secret)); err != nil {
			return dead(err)
		}
		if taken, err := p.taken(ctx, tx, g.Email); err != nil {
			return err
		} else if taken {
			return fault.New(fault.Conflict, "address_taken", "this address got an account in the meantime; sign in")
		}
		var err error
		if company, err = p.CreateCompany(ctx, tx, kernel.System, NewCompany{Kind: g.Kind, Name: g.Company, Email: g.Email, Mobile: g.Mobile, Verified: true}); err != nil {
			return err
		}
		if who, err = p.CreatePerson(ctx, tx, kernel.System, NewPerson{CompanyID: company.ID, Login: g.Email, Name: g.Name, PasswordHash: g.PasswordHash, Email: g.Email, Mobile: g.Mobile,
			Language: g.Language, Verified: true, Roles: access.Roles[g.Kind][:1]}); err != nil {
			return err
		}
		if err := store.DeleteRegistrations(ctx, tx, g.Email); err != nil {
			return err
		}
		if err := store.Guessed(ctx, tx, "register "+g.ID); err != nil {
			return err
		}
		return p.k.Audit(ctx, tx, access.Actor{PersonID: who.ID, CompanyID: company.ID}, actRegister, company.ID, string(company.Kind)+" "+company.Name)
	})
	return who, company, err
}

// cleanLanguage keeps a language that mails are written in.
func cleanLanguage(s string) string {
	if utf8.ValidString(s) && strings.HasPrefix(strings.ToLower(s), "en") {
		return "en-US"
	}
	return "zh-CN"
}

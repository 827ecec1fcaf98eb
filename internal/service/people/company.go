package people

import (
	"context"
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

// SetContact changes what is bound to a company's account: another address is asked for by a link, which the old one is
// told of; another number is written down and gets a code. Sellers' servers get both where a product asks for them.
// spec: 20 A7, 01 §5
func (p *People) SetContact(ctx context.Context, tx *kernel.Tx, a access.Actor, company, email, mobile string) error {
	if err := kernel.May(a, access.CompanyContact); err != nil {
		return err
	}
	c, err := p.own(ctx, tx, a, company)
	if err != nil {
		return err
	}
	f := fault.Fields{}
	email, mobile = party.CleanEmail(email), strings.TrimSpace(mobile)
	party.CheckEmail("email", email, f)
	party.CheckMobile("mobile", mobile, f)
	if err := f.Err(); err != nil {
		return err
	}
	who, err := store.Person(ctx, tx, a.PersonID)
	if err != nil {
		return kernel.Missing(err, "person")
	}
	if email != c.Email || c.EmailVerifiedAt.IsZero() {
		if err := p.askCompanyEmail(ctx, tx, who, c, email); err != nil {
			return err
		}
	}
	if mobile != c.Mobile {
		if err := store.SetCompanyMobile(ctx, tx, c.ID, mobile); err != nil {
			return err
		}
	}
	if mobile != "" && (mobile != c.Mobile || c.MobileVerifiedAt.IsZero()) {
		if err := p.proofs.Send(ctx, tx, proof.Mobile, mobileSubject(c.ID, mobile), proof.Target{Channel: mail.SMS, Address: mobile, Language: who.Language}); err != nil {
			return err
		}
	}
	return p.k.Audit(ctx, tx, a, access.CompanyContact, c.ID, email+" "+mobile)
}

func (p *People) askCompanyEmail(ctx context.Context, tx *kernel.Tx, who party.Person, c party.Company, email string) error {
	if err := p.mayCauseMail(ctx, email); err != nil {
		return err
	}
	now, secret := p.k.Wire.Now(), ident.Token(linkPrefix)
	if err := store.DropMailLinksOf(ctx, tx, linkCompanyEmail, c.ID); err != nil {
		return err
	}
	if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkCompanyEmail, c.ID+" "+email, now, now.Add(party.VerifyLife)); err != nil {
		return err
	}
	data := mailData{Name: who.Name, Company: c.Name, Address: email, Link: p.link("email", secret), Until: now.Add(party.VerifyLife), At: now, Client: clientOf(ctx)}
	if err := p.write(ctx, tx, email, who.Language, mailEmailConfirm, data); err != nil {
		return err
	}
	if email != c.Email && !c.EmailVerifiedAt.IsZero() {
		return p.write(ctx, tx, c.Email, who.Language, mailEmailAsked, data)
	}
	return nil
}

func (p *People) setCompanyEmail(ctx context.Context, tx *kernel.Tx, id, email string) error {
	c, err := store.Company(ctx, tx, id)
	if err != nil {
		return dead(err)
	}
	now := p.k.Wire.Now()
	if err := store.SetCompanyEmail(ctx, tx, c.ID, email, now); err != nil {
		return err
	}
	if c.Email != email && !c.EmailVerifiedAt.IsZero() {
		if err := p.write(ctx, tx, c.Email, "", mailEmailChanged, mailData{Name: c.Name, Company: c.Name, Address: email, At: now, Client: clientOf(ctx)}); err != nil {
			return err
		}
	}
	return p.k.Audit(ctx, tx, access.Actor{PersonID: "link", CompanyID: c.ID}, access.CompanyContact, c.ID, "address proved: "+email)
}

// ConfirmCompanyMobile proves the number that is bound to a company by the code that was sent there.
func (p *People) ConfirmCompanyMobile(ctx context.Context, a access.Actor, company, code string) error {
	if err := kernel.May(a, access.CompanyContact); err != nil {
		return err
	}
	var c party.Company
	if err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		c, err = p.own(ctx, tx, a, company)
		return err
	}); err != nil {
		return err
	}
	if err := p.proofs.Spend(ctx, proof.Mobile, mobileSubject(c.ID, c.Mobile), strings.TrimSpace(code)); err != nil {
		return err
	}
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.ProveMobile(ctx, tx, "company", c.ID, c.Mobile, p.k.Wire.Now()); err != nil {
			return kernel.Missing(err, "number")
		}
		return p.k.Audit(ctx, tx, a, access.CompanyContact, c.ID, "number proved")
	})
}

// Rename gives a company another name, after an operator has seen the papers. spec: 20 A3
func (p *People) Rename(ctx context.Context, tx *kernel.Tx, a access.Actor, company, name string) error {
	if err := kernel.May(a, access.CompanyCreate); err != nil {
		return err
	}
	f := fault.Fields{}
	name = strings.TrimSpace(name)
	party.CheckName("name", name, f)
	if err := f.Err(); err != nil {
		return err
	}
	c, err := store.Company(ctx, tx, company)
	if err != nil {
		return kernel.Missing(err, "company")
	}
	if err := store.SetCompanyName(ctx, tx, c.ID, name); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, access.CompanyCreate, c.ID, c.Name+" → "+name)
}

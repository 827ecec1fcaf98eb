package people

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// own is a company that the actor manages: its own, or any for operators. Another one is unknown.
func (p *People) own(ctx context.Context, tx *kernel.Tx, a access.Actor, company string) (party.Company, error) {
	c, err := store.Company(ctx, tx, company)
	if err == nil && a.CompanyKind != party.Operator && a.CompanyID != c.ID {
		err = store.ErrNoRow
	}
	return c, kernel.Missing(err, "company")
}

func ownerRole(kind party.Kind) access.Role { return access.Roles[kind][0] }

// room refuses more people than a company may have: sub-users are all but the owners. spec: 20 A6
func (p *People) room(ctx context.Context, tx *kernel.Tx, c party.Company, roles []access.Role, invited int) error {
	if c.Kind == party.Operator || slices.Contains(roles, ownerRole(c.Kind)) {
		return nil
	}
	// Whoever else adds somebody waits here, so that two cannot both take the last place.
	if err := store.LockCompany(ctx, tx, c.ID); err != nil {
		return err
	}
	_, n, err := store.CountPeople(ctx, tx, c.ID, string(ownerRole(c.Kind)))
	if err == nil && n+invited >= party.MaxSubUsers {
		err = fault.New(fault.Rule, "too_many_people", "a company has at most %d people beside its owners, open invitations included", party.MaxSubUsers)
	}
	return err
}

// People lists a company's people by login, after one ("" for the first).
func (p *People) People(ctx context.Context, a access.Actor, company, after string, limit int) (out []party.Colleague, err error) {
	if err := kernel.May(a, access.PersonRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c, err := p.own(ctx, tx, a, company)
		if err != nil {
			return err
		}
		out, err = store.Colleagues(ctx, tx, c.ID, after, limit)
		return err
	})
	return out, err
}

// Member reads one of a company's people.
func (p *People) Member(ctx context.Context, a access.Actor, company, person string) (out party.Colleague, err error) {
	if err := kernel.May(a, access.PersonRead); err != nil {
		return out, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c, err := p.own(ctx, tx, a, company)
		if err != nil {
			return err
		}
		out, err = store.ColleagueByID(ctx, tx, c.ID, person)
		return kernel.Missing(err, "person")
	})
	return out, err
}

// Invite sends a link by which the holder of an address joins a company; an open invitation of the same address is
// replaced. An address that has an account already is told so by mail: a person belongs to one company.
func (p *People) Invite(ctx context.Context, tx *kernel.Tx, a access.Actor, company, email string, roles []access.Role, language string) (party.Invitation, error) {
	var out party.Invitation
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return out, err
	}
	email = party.CleanEmail(email)
	f := fault.Fields{}
	party.CheckEmail("email", email, f)
	checkRoles(roles, f)
	c, err := p.own(ctx, tx, a, company)
	if err != nil {
		return out, err
	}
	for _, r := range roles {
		if access.KindOf(r) != c.Kind {
			f.Add("roles", "%s is not a role of a %s company", printable(string(r), 40), c.Kind)
		}
	}
	if err := f.Err(); err != nil {
		return out, err
	}
	if err := p.mayCauseMail(ctx, email); err != nil {
		return out, err
	}
	if err := store.LockCompany(ctx, tx, c.ID); err != nil {
		return out, err
	}
	now := p.k.Wire.Now()
	open, err := store.Invitations(ctx, tx, c.ID, now)
	if err != nil {
		return out, err
	}
	others := 0
	for _, i := range open {
		if i.Email == email {
			if err := store.DropMailLinks(ctx, tx, linkInvite, i.ID); err != nil {
				return out, err
			}
		} else if !slices.Contains(i.Roles, string(ownerRole(c.Kind))) {
			others++
		}
	}
	if err := p.room(ctx, tx, c, roles, others); err != nil {
		return out, err
	}
	out = party.Invitation{ID: p.k.Row(), CompanyID: c.ID, Email: email, InvitedBy: a.PersonID, Language: cleanLanguage(language), CreatedAt: now, ExpiresAt: now.Add(party.InviteLife)}
	for _, r := range roles {
		out.Roles = append(out.Roles, string(r))
	}
	if err := store.PutInvitation(ctx, tx, out); err != nil {
		return out, err
	}
	secret := ident.Token(linkPrefix)
	kind, subject, link := mailInvite, out.ID, p.link("join", secret)
	if taken, err := p.taken(ctx, tx, email); err != nil {
		return out, err
	} else if taken {
		kind, subject, link = mailInviteTaken, "", ""
	}
	if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkInvite, subject, now, out.ExpiresAt); err != nil {
		return out, err
	}
	if err := p.write(ctx, tx, email, out.Language, kind, mailData{Company: c.Name, Link: link, Until: out.ExpiresAt}); err != nil {
		return out, err
	}
	return out, p.k.Audit(ctx, tx, a, actInvite, c.ID, email+" as "+strings.Join(out.Roles, " "))
}

// Invitations lists a company's open invitations.
func (p *People) Invitations(ctx context.Context, a access.Actor, company string) (out []party.Invitation, err error) {
	if err := kernel.May(a, access.PersonRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c, err := p.own(ctx, tx, a, company)
		if err != nil {
			return err
		}
		out, err = store.Invitations(ctx, tx, c.ID, p.k.Wire.Now())
		return err
	})
	return out, err
}

// Withdraw takes an invitation back.
func (p *People) Withdraw(ctx context.Context, tx *kernel.Tx, a access.Actor, company, id string) error {
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return err
	}
	c, err := p.own(ctx, tx, a, company)
	if err != nil {
		return err
	}
	if err := store.DeleteInvitation(ctx, tx, c.ID, id); err != nil {
		return kernel.Missing(err, "invitation")
	}
	if err := store.DropMailLinks(ctx, tx, linkInvite, id); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actInvite, c.ID, "withdrawn "+id)
}

// Invited reads what a link invites to, for the page that asks for name and password.
func (p *People) Invited(ctx context.Context, secret string) (i party.Invitation, company string, err error) {
	if err := p.mayTry(ctx); err != nil {
		return i, "", err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		id, err := store.MailLink(ctx, tx, ident.Hash(secret), linkInvite, p.k.Wire.Now())
		if err != nil {
			return dead(err)
		}
		if i, err = store.Invitation(ctx, tx, id); err != nil {
			return dead(err)
		}
		c, err := store.Company(ctx, tx, i.CompanyID)
		company = c.Name
		return err
	})
	return i, company, err
}

// Join makes the person that was invited; the link proves the address, which is the login.
func (p *People) Join(ctx context.Context, secret, name, password string) (who party.Person, roles []string, err error) {
	i, _, err := p.Invited(ctx, secret)
	if err != nil {
		return who, nil, err
	}
	in := NewPerson{CompanyID: i.CompanyID, Login: i.Email, Name: name, Password: password, Email: i.Email, Language: i.Language, Verified: true}
	for _, r := range i.Roles {
		in.Roles = append(in.Roles, access.Role(r))
	}
	if err := in.Hash(); err != nil {
		return who, nil, err
	}
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.UseMailLink(ctx, tx, ident.Hash(secret)); err != nil {
			return dead(err)
		}
		if err := store.DeleteInvitation(ctx, tx, i.CompanyID, i.ID); err != nil {
			return dead(err)
		}
		if taken, err := p.taken(ctx, tx, i.Email); err != nil {
			return err
		} else if taken {
			return fault.New(fault.Conflict, "address_taken", "this address got an account in the meantime; sign in")
		}
		var err error
		if who, err = p.CreatePerson(ctx, tx, kernel.System, in); err != nil {
			return err
		}
		return p.k.Audit(ctx, tx, access.Actor{PersonID: who.ID, CompanyID: i.CompanyID}, actJoin, who.ID, i.Email)
	})
	return who, i.Roles, err
}

// member finds a person of a company that the actor manages, with the roles it has there. The company is locked: the
// rule of the last owner holds however many change people at once.
func (p *People) member(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string) (c party.Company, who party.Person, roles []string, err error) {
	if err = kernel.May(a, access.PersonWrite); err != nil {
		return c, who, nil, err
	}
	if c, err = p.own(ctx, tx, a, company); err != nil {
		return c, who, nil, err
	}
	if err = store.LockCompany(ctx, tx, c.ID); err != nil {
		return c, who, nil, err
	}
	if roles, err = store.RolesOf(ctx, tx, c.ID, person); err != nil {
		return c, who, nil, err
	}
	if len(roles) == 0 {
		return c, who, nil, fault.Unknown("person")
	}
	who, err = store.Person(ctx, tx, person)
	return c, who, roles, kernel.Missing(err, "person")
}

// keepsOwner refuses what would leave a company without an owner who can sign in.
func keepsOwner(ctx context.Context, tx *kernel.Tx, c party.Company) error {
	owners, _, err := store.CountPeople(ctx, tx, c.ID, string(ownerRole(c.Kind)))
	if err == nil && owners == 0 {
		err = fault.New(fault.Rule, "last_owner", "somebody must stay who can manage people: give another person the role %s first", ownerRole(c.Kind))
	}
	return err
}

// Details are what may be changed about a person without proof; the address is its login and stays.
type Details struct {
	Name, Mobile string
	Language     string // of mails; "" leaves it
}

func (d Details) check() error {
	f := fault.Fields{}
	party.CheckName("name", d.Name, f)
	party.CheckMobile("mobile", d.Mobile, f)
	return f.Err()
}

func (p *People) setDetails(ctx context.Context, tx *kernel.Tx, a access.Actor, who party.Person, d Details) error {
	if d.Language != "" {
		who.Language = cleanLanguage(d.Language)
	}
	if err := store.SetDetails(ctx, tx, who.ID, d.Name, d.Mobile, who.Language); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actDetails, who.ID, d.Name)
}

// EditMe changes one's own details.
func (p *People) EditMe(ctx context.Context, tx *kernel.Tx, a access.Actor, d Details) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	who, err := store.Person(ctx, tx, a.PersonID)
	if err != nil {
		return kernel.Missing(err, "person")
	}
	return p.setDetails(ctx, tx, a, who, d)
}

// Edit changes the details of one of a company's people. spec: 20 A6
func (p *People) Edit(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string, d Details) error {
	_, who, _, err := p.member(ctx, tx, a, company, person)
	if err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	return p.setDetails(ctx, tx, a, who, d)
}

// SetRoles gives a person other roles. Its sessions end: it signs in again with what it may do now.
func (p *People) SetRoles(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string, roles []access.Role) (party.Person, error) {
	c, who, before, err := p.member(ctx, tx, a, company, person)
	if err != nil {
		return who, err
	}
	f := fault.Fields{}
	checkRoles(roles, f)
	var after []string
	for _, r := range roles {
		if access.KindOf(r) != c.Kind {
			f.Add("roles", "%s is not a role of a %s company", printable(string(r), 40), c.Kind)
		}
		after = append(after, string(r))
	}
	if err := f.Err(); err != nil {
		return who, err
	}
	slices.Sort(after)
	if after = slices.Compact(after); slices.Equal(before, after) {
		return who, nil
	}
	owner := string(ownerRole(c.Kind))
	if slices.Contains(before, owner) && !slices.Contains(after, owner) {
		if err := p.room(ctx, tx, c, roles, 0); err != nil {
			return who, err
		}
	}
	if err := store.RemoveMember(ctx, tx, c.ID, person); err != nil {
		return who, err
	}
	for _, r := range after {
		if err := store.AddMember(ctx, tx, c.ID, person, r); err != nil {
			return who, err
		}
	}
	if err := keepsOwner(ctx, tx, c); err != nil {
		return who, err
	}
	if was, is := access.ByProduct(asRoles(before)), access.ByProduct(asRoles(after)); was != is {
		if err := p.setLimited(ctx, tx, c, person, is); err != nil {
			return who, err
		}
	}
	if _, err := store.DeleteSessions(ctx, tx, person, ""); err != nil {
		return who, err
	}
	return who, p.k.Audit(ctx, tx, a, actRoles, person, strings.Join(before, " ")+" → "+strings.Join(after, " "))
}

// Disable keeps a person out: sessions end, tokens rest until Enable.
func (p *People) Disable(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string) error {
	c, who, _, err := p.member(ctx, tx, a, company, person)
	if err != nil || !who.DisabledAt.IsZero() {
		return err
	}
	if err := store.SetDisabled(ctx, tx, person, p.k.Wire.Now()); err != nil {
		return err
	}
	if err := keepsOwner(ctx, tx, c); err != nil {
		return err
	}
	if _, err := store.DeleteSessions(ctx, tx, person, ""); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actDisable, person, who.Login)
}

// Enable lets a person in again.
func (p *People) Enable(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string) error {
	_, who, _, err := p.member(ctx, tx, a, company, person)
	if err != nil || who.DisabledAt.IsZero() {
		return err
	}
	if err := store.SetDisabled(ctx, tx, person, time.Time{}); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actEnable, person, who.Login)
}

// Remove takes a person out of a company for good: no roles, no sessions, no tokens. What it did stays in the log
// under its name.
func (p *People) Remove(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string) error {
	c, who, _, err := p.member(ctx, tx, a, company, person)
	if err != nil {
		return err
	}
	if err := store.RemoveMember(ctx, tx, c.ID, person); err != nil {
		return err
	}
	if err := keepsOwner(ctx, tx, c); err != nil {
		return err
	}
	if _, err := store.DeleteSessions(ctx, tx, person, ""); err != nil {
		return err
	}
	if err := store.RevokeTokens(ctx, tx, person, p.k.Wire.Now()); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actRemove, person, who.Login)
}

var errNoMail = errors.New("people: no mailer is set up")

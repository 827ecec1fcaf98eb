package people

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// Limits of signing in.
const (
	TokenPrefix   = "soukpat_"
	sessionPrefix = "soukses_"
	stagedPrefix  = "soukstg_" // of a session whose second factor is open
	linkPrefix    = "souklnk_"
	sweepEvery    = 10 * time.Minute
	touchEvery    = time.Minute // how exactly "last used" is known
)

// Actions of the audit log that no role is asked for.
const (
	actRegister access.Action = "account.register"
	actPassword access.Action = "account.password"
	actDetails  access.Action = "account.details"
	actTOTP     access.Action = "account.totp"
	actSession  access.Action = "account.session"
	actRevoke   access.Action = "token.revoke"
	actInvite   access.Action = "person.invite"
	actJoin     access.Action = "person.join"
	actRoles    access.Action = "person.roles"
	actDisable  access.Action = "person.disable"
	actEnable   access.Action = "person.enable"
	actRemove   access.Action = "person.remove"
)

// Kinds of links in mails.
const (
	linkRegister = "register"
	linkReset    = "reset"
	linkInvite   = "invite"
)

// Mailer takes mails over in the transaction that they belong to.
type Mailer interface {
	Put(ctx context.Context, tx *kernel.Tx, m mail.Message) error
}

// Options are what an installation chooses.
type Options struct {
	Mail Mailer
	// Address is where people reach the marketplace, for links in mails.
	Address string
	// OperatorTOTP makes operators set up the second factor before anything else.
	OperatorTOTP bool
	Limits       Limits
}

// People is the use cases.
type People struct {
	k *kernel.Kernel
	o Options

	proofs                   *proof.Proofs
	tries, mails, mailsToOne *throttle
	touched                  sync.Map // id of a token or session → minute of the last note, in microseconds
}

// New makes them.
func New(k *kernel.Kernel, o Options) *People {
	p := &People{k: k, o: o, tries: newThrottle(o.Limits.SignIns, 30, 2*time.Second), mails: newThrottle(o.Limits.Mails, 20, 3*time.Minute), mailsToOne: newThrottle(o.Limits.MailsToOne, 5, 5*time.Minute)}
	p.proofs = proof.New(k, o.Mail, p.mayCauseMail)
	go dummy()
	return p
}

// Run removes what is over from time to time, until ctx ends.
func (p *People) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := p.Sweep(ctx); err != nil && ctx.Err() == nil {
			p.k.Log.Error("people: what is over cannot be removed", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Sweep removes sessions, links, registrations and invitations that are over, and old sign-ins.
func (p *People) Sweep(ctx context.Context) error {
	now := p.k.Wire.Now()
	p.touched.Range(func(id, at any) bool {
		if at.(int64) < now.Add(-touchEvery).UnixMicro() {
			p.touched.Delete(id)
		}
		return true
	})
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.Sweep(ctx, tx, now, p.k.Settings().KeepSignIns)
	})
}

// mayTry bounds the passwords, codes and links that one client tries.
func (p *People) mayTry(ctx context.Context) error {
	return p.tries.allow(clientOf(ctx).network(), p.k.Wire.Now())
}

// MayCauseMail is mayCauseMail for the other rooms that write to people.
func (p *People) MayCauseMail(ctx context.Context, address string) error {
	return p.mayCauseMail(ctx, address)
}

// mayCauseMail bounds mails by client and by address, whether or not anybody has the address.
func (p *People) mayCauseMail(ctx context.Context, address string) error {
	now := p.k.Wire.Now()
	if err := p.mails.allow(clientOf(ctx).network(), now); err != nil {
		return err
	}
	return p.mailsToOne.allow(address, now)
}

// cleanLogin is the form in which logins are kept: an address in lower case.
func cleanLogin(login string) string {
	if login = strings.TrimSpace(login); strings.Contains(login, "@") {
		login = strings.ToLower(login)
	}
	return login
}

func checkLogin(field, login string) error {
	if login == "" || len(login) > party.MaxLogin || strings.ContainsFunc(login, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fault.Field(field, "must be 1 to %d printable ASCII characters without blanks", party.MaxLogin)
	}
	return nil
}

// dead is the answer to a link that is used, over, or was never sent.
func dead(err error) error {
	if errors.Is(err, store.ErrNoRow) {
		return fault.New(fault.Rule, "link_dead", "the link was used, is over, or is not complete; ask for a new one")
	}
	return err
}

// home is the company that a person belongs to; "" when none.
func (p *People) home(ctx context.Context, tx *kernel.Tx, person string) string {
	in, err := store.Memberships(ctx, tx, person)
	if err != nil || len(in) == 0 {
		return ""
	}
	return in[0].CompanyID
}

// NewCompany is the input of CreateCompany.
type NewCompany struct {
	Kind       party.Kind
	Name       string
	BuyerLevel string
	Email      string
	Mobile     string
	Verified   bool // the address is proved
}

// CreateCompany adds a company; a seller gets its lanes.
func (p *People) CreateCompany(ctx context.Context, tx *kernel.Tx, a access.Actor, in NewCompany) (party.Company, error) {
	var c party.Company
	if err := kernel.May(a, access.CompanyCreate); err != nil {
		return c, err
	}
	f := fault.Fields{}
	party.CheckName("name", in.Name, f)
	if in.Kind != party.Buyer && in.Kind != party.Seller && in.Kind != party.Operator {
		f.Add("kind", "must be buyer, seller or operator")
	}
	if err := f.Err(); err != nil {
		return c, err
	}
	c = party.Company{ID: ident.Company(), Kind: in.Kind, Name: in.Name, BuyerLevel: in.BuyerLevel, Email: in.Email, Mobile: in.Mobile, CreatedAt: p.k.Clock.Now()}
	if in.Verified {
		c.EmailVerifiedAt = p.k.Wire.Now()
	}
	if err := store.InsertCompany(ctx, tx, c); err != nil {
		return c, err
	}
	if c.Kind == party.Seller {
		for _, lane := range []string{jobs.CallLane(c.ID), jobs.NotifyLane(c.ID)} {
			if err := store.EnsureLane(ctx, tx, lane, c.ID); err != nil {
				return c, err
			}
		}
	}
	return c, p.k.Audit(ctx, tx, a, access.CompanyCreate, c.ID, string(c.Kind)+" "+c.Name)
}

// NewPerson is the input of CreatePerson.
type NewPerson struct {
	CompanyID    string
	Login        string
	Name         string
	Password     string
	PasswordHash string // instead of Password, when it was hashed outside the transaction
	Email        string
	Mobile       string
	Language     string
	Verified     bool // the address is proved
	Roles        []access.Role
}

// Hash checks the input and hashes the password, which is slow on purpose: before the transaction.
func (in *NewPerson) Hash() error {
	if err := in.Check(); err != nil {
		return err
	}
	if in.PasswordHash == "" {
		in.PasswordHash, in.Password = HashPassword(in.Password), ""
	}
	return nil
}

// Check names every wrong field.
func (in NewPerson) Check() error {
	f := fault.Fields{}
	party.CheckName("name", in.Name, f)
	if err := checkLogin("login", in.Login); err != nil {
		f.Add("login", "must be 1 to %d printable ASCII characters without blanks", party.MaxLogin)
	}
	if in.PasswordHash == "" {
		party.CheckPassword("password", in.Password, in.Login, f)
	}
	if len(in.Email) > 255 || !utf8.ValidString(in.Email) || strings.ContainsAny(in.Email, "\r\n\x00") {
		f.Add("email", "must be an address such as li@example.com")
	}
	party.CheckMobile("mobile", in.Mobile, f)
	checkRoles(in.Roles, f)
	return f.Err()
}

func checkRoles(roles []access.Role, f fault.Fields) {
	if len(roles) == 0 {
		f.Add("roles", "must name at least one role")
	}
	for _, r := range roles {
		if access.KindOf(r) == "" {
			f.Add("roles", "%q is no role", printable(string(r), 40))
		}
	}
}

// CreatePerson adds a person with roles in a company.
func (p *People) CreatePerson(ctx context.Context, tx *kernel.Tx, a access.Actor, in NewPerson) (party.Person, error) {
	var out party.Person
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return out, err
	}
	in.Login = cleanLogin(in.Login)
	if err := in.Check(); err != nil {
		return out, err
	}
	c, err := p.own(ctx, tx, a, in.CompanyID)
	if err != nil {
		return out, err
	}
	for _, r := range in.Roles {
		if access.KindOf(r) != c.Kind {
			return out, fault.Field("roles", "%s is not a role of a %s company", r, c.Kind)
		}
	}
	if _, err := store.PersonByLogin(ctx, tx, in.Login); err == nil {
		return out, fault.Field("login", "is taken")
	} else if !errors.Is(err, store.ErrNoRow) {
		return out, err
	}
	if err := p.room(ctx, tx, c, in.Roles, 0); err != nil {
		return out, err
	}
	if err := in.Hash(); err != nil {
		return out, err
	}
	out = party.Person{ID: ident.Company(), Login: in.Login, Name: in.Name, Email: in.Email, Mobile: in.Mobile, PasswordHash: in.PasswordHash, Language: in.Language, Limited: access.ByProduct(in.Roles), CreatedAt: p.k.Clock.Now()}
	if in.Verified {
		out.VerifiedAt = p.k.Wire.Now()
	}
	if err := store.InsertPerson(ctx, tx, out); err != nil {
		return out, err
	}
	for _, r := range in.Roles {
		if err := store.AddMember(ctx, tx, in.CompanyID, out.ID, string(r)); err != nil {
			return out, err
		}
	}
	return out, p.k.Audit(ctx, tx, a, access.PersonWrite, out.ID, in.Login)
}

// FirstOperator creates the operators' company and its first administrator in an
// empty marketplace; a second call is refused. The administrator has every
// operator role, since nobody else can give them. // spec: 01 §8.1
func (p *People) FirstOperator(ctx context.Context, company, login, name, password string) (party.Person, error) {
	var out party.Person
	in := NewPerson{Login: cleanLogin(login), Name: name, Password: password, Roles: access.Roles[access.Operator]}
	if strings.Contains(in.Login, "@") {
		in.Email = in.Login
	}
	if err := in.Hash(); err != nil {
		return out, err
	}
	err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		n, err := store.CountMembers(ctx, tx, party.Operator)
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.New(fault.Conflict, "operator_exists", "this marketplace has an operator already; let an administrator add people")
		}
		c, err := p.CreateCompany(ctx, tx, kernel.System, NewCompany{Kind: party.Operator, Name: company})
		if err != nil {
			return err
		}
		in.CompanyID = c.ID
		out, err = p.CreatePerson(ctx, tx, kernel.System, in)
		return err
	})
	return out, err
}

// CompanyName is a company's name for a page; "" when it cannot be read.
func (p *People) CompanyName(ctx context.Context, id string) (name string) {
	_ = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c, err := store.Company(ctx, tx, id)
		name = c.Name
		return err
	})
	return name
}

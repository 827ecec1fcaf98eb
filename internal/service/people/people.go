// Package people is the use cases of companies (企业), persons (人员), sign-in
// sessions (会话) and personal access tokens (访问令牌).
//
// Passwords are kept as argon2id; bearer secrets only as their SHA-256. Chapters:
// 01 §8.5, §9. It must not know HTTP.
package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Limits of signing in.
const (
	TokenPrefix   = "soukpat_"
	sessionPrefix = "soukses_"
	SessionLife   = 12 * time.Hour
	MaxFailures   = 5                // consecutive wrong passwords before a lock
	LockFor       = 15 * time.Minute // of the login
)

// argon2id's cost: 19 MiB, two passes, one lane.
const (
	argonMemory  = 19 * 1024
	argonPasses  = 2
	argonThreads = 1
	argonSalt    = 16
	argonKey     = 32
)

// People is the use cases.
type People struct{ k *kernel.Kernel }

// New makes them.
func New(k *kernel.Kernel) *People { return &People{k} }

// HashPassword makes the stored form of a password.
func HashPassword(password string) string {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		panic("people: no randomness: " + err.Error())
	}
	sum := argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonThreads, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonThreads, b64(salt), b64(sum))
}

func passwordFits(stored, password string) bool {
	parts := strings.Split(stored, "$")
	var m, t uint32
	var p uint8
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &m, &t, &p); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, t, m, p, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// NewCompany is the input of CreateCompany.
type NewCompany struct {
	Kind       party.Kind
	Name       string
	BuyerLevel string
	Email      string
	Mobile     string
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
	Roles        []access.Role
}

// Check names every wrong field.
func (in NewPerson) Check() error {
	f := fault.Fields{}
	party.CheckName("name", in.Name, f)
	if in.Login == "" || len(in.Login) > party.MaxLogin || strings.ContainsFunc(in.Login, func(r rune) bool { return r <= ' ' || r > '~' }) {
		f.Add("login", "must be 1 to %d printable ASCII characters without blanks", party.MaxLogin)
	}
	if n := utf8.RuneCountInString(in.Password); in.PasswordHash == "" && (n < party.MinPassword || n > party.MaxPassword) {
		f.Add("password", "must have %d to %d characters", party.MinPassword, party.MaxPassword)
	}
	if len(in.Roles) == 0 {
		f.Add("roles", "must name at least one role")
	}
	for _, r := range in.Roles {
		if access.KindOf(r) == "" {
			f.Add("roles", "%q is no role", r)
		}
	}
	return f.Err()
}

// CreatePerson adds a person with roles in a company.
func (p *People) CreatePerson(ctx context.Context, tx *kernel.Tx, a access.Actor, in NewPerson) (party.Person, error) {
	var out party.Person
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return out, err
	}
	if err := in.Check(); err != nil {
		return out, err
	}
	c, err := store.Company(ctx, tx, in.CompanyID)
	if err != nil || a.CompanyKind != party.Operator && a.CompanyID != c.ID {
		if err == nil {
			err = store.ErrNoRow
		}
		return out, kernel.Missing(err, "company")
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
	hash := in.PasswordHash
	if hash == "" {
		hash = HashPassword(in.Password)
	}
	out = party.Person{ID: ident.Company(), Login: in.Login, Name: in.Name, Email: in.Email, Mobile: in.Mobile, PasswordHash: hash, CreatedAt: p.k.Clock.Now()}
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

// IssueToken makes a personal access token for a member; the secret is shown once.
func (p *People) IssueToken(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person, name string, life time.Duration) (secret string, err error) {
	if err := kernel.May(a, access.TokenCreate); err != nil {
		return "", err
	}
	if !a.IsOperator() && (a.CompanyID != company || a.PersonID != person) {
		return "", fault.Unknown("person")
	}
	secret = ident.Token(TokenPrefix)
	now := p.k.Wire.Now()
	t := party.Token{ID: p.k.Row(), PersonID: person, CompanyID: company, Name: name, Hash: ident.Hash(secret), CreatedAt: now}
	if life > 0 {
		t.ExpiresAt = now.Add(life)
	}
	if err := store.InsertToken(ctx, tx, t); err != nil {
		return "", err
	}
	return secret, p.k.Audit(ctx, tx, a, access.TokenCreate, t.ID, name)
}

func refused() error {
	return fault.New(fault.Unauthenticated, "unauthenticated", "the token or session is unknown, ended or withdrawn")
}

// ByToken finds who sends a personal access token.
func (p *People) ByToken(ctx context.Context, secret string) (access.Actor, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return access.Actor{}, refused()
	}
	a, _, err := p.bearer(ctx, secret, false)
	return a, err
}

// BySession finds who holds a browser session, with names for the page.
func (p *People) BySession(ctx context.Context, secret string) (access.Actor, store.Bearer, error) {
	if !strings.HasPrefix(secret, sessionPrefix) {
		return access.Actor{}, store.Bearer{}, refused()
	}
	return p.bearer(ctx, secret, true)
}

func (p *People) bearer(ctx context.Context, secret string, session bool) (access.Actor, store.Bearer, error) {
	var b store.Bearer
	err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		b, err = store.BearerOf(ctx, tx, ident.Hash(secret), session)
		return err
	})
	if errors.Is(err, store.ErrNoRow) {
		err = refused()
	}
	if err != nil {
		return access.Actor{}, b, err
	}
	if t := (party.Token{ExpiresAt: b.ExpiresAt, RevokedAt: b.RevokedAt}); !t.Usable(p.k.Wire.Now()) {
		return access.Actor{}, b, refused()
	}
	a := access.Actor{PersonID: b.PersonID, CompanyID: b.CompanyID, CompanyKind: b.Kind}
	for _, r := range b.Roles {
		a.Roles = append(a.Roles, access.Role(r))
	}
	return a, b, nil
}

// dummy is compared with when the login is unknown, so that both cases take the same time.
var dummy = HashPassword("no such person")

// Login opens a session. Unknown login and wrong password answer alike.
func (p *People) Login(ctx context.Context, login, password string) (session string, until time.Time, err error) {
	wrong := fault.New(fault.Unauthenticated, "login_refused", "login or password is wrong")
	var who party.Person
	var in []party.Member
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if who, err = store.PersonByLogin(ctx, tx, login); err == nil {
			in, err = store.Memberships(ctx, tx, who.ID)
		}
		return err
	})
	if errors.Is(err, store.ErrNoRow) {
		passwordFits(dummy, password)
		return "", until, wrong
	}
	if err != nil {
		return "", until, err
	}
	now := p.k.Wire.Now()
	if now.Before(who.LockedUntil) {
		return "", until, fault.New(fault.TooMany, "login_locked", "too many wrong passwords; try again after %s", who.LockedUntil.Format(time.RFC3339))
	}
	fits := passwordFits(who.PasswordHash, password)
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if !fits || len(in) == 0 {
			failures, locked := who.Failures+1, time.Time{}
			if failures >= MaxFailures {
				failures, locked = 0, now.Add(LockFor)
			}
			return store.SetLoginFailures(ctx, tx, who.ID, failures, locked)
		}
		session, until = ident.Token(sessionPrefix), now.Add(SessionLife)
		if who.Failures > 0 {
			if err := store.SetLoginFailures(ctx, tx, who.ID, 0, time.Time{}); err != nil {
				return err
			}
		}
		return store.InsertSession(ctx, tx, ident.Hash(session), who.ID, in[0].CompanyID, now, until)
	})
	if err == nil && session == "" {
		err = wrong
	}
	return session, until, err
}

// Logout ends a session.
func (p *People) Logout(ctx context.Context, session string) error {
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.DeleteSession(ctx, tx, ident.Hash(session))
	})
}

// FirstOperator creates the operators' company and its first administrator in an
// empty marketplace; a second call is refused. The administrator has every
// operator role, since nobody else can give them. // spec: 01 §8.1
func (p *People) FirstOperator(ctx context.Context, company, login, name, password string) (party.Person, error) {
	var out party.Person
	in := NewPerson{Login: login, Name: name, Password: password, Roles: access.Roles[access.Operator]}
	if err := in.Check(); err != nil {
		return out, err
	}
	in.PasswordHash = HashPassword(password)
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

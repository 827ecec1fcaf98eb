package people

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

func refused() error {
	return fault.New(fault.Unauthenticated, "unauthenticated", "the token or session is unknown, ended or withdrawn")
}

func lockedUntil(t time.Time) error {
	return fault.New(fault.TooMany, "login_locked", "too many wrong passwords; try again after %s", t.Format(time.RFC3339))
}

// loginGuess is the name under which wrong passwords of a login are counted, whether or not anybody has it.
func loginGuess(login string) string { return "login " + ident.Hash(login)[:32] }

func codeGuess(person string) string { return "code " + person }

// ByToken finds who sends a personal access token.
func (p *People) ByToken(ctx context.Context, secret string) (access.Actor, error) {
	if !strings.HasPrefix(secret, TokenPrefix) {
		return access.Actor{}, refused()
	}
	a, b, err := p.bearer(ctx, secret, false)
	if err != nil {
		return access.Actor{}, err
	}
	if t := (party.Token{ExpiresAt: b.ExpiresAt, RevokedAt: b.RevokedAt}); !t.Usable(p.k.Wire.Now()) {
		return access.Actor{}, refused()
	}
	p.touch(ctx, b, store.TouchToken)
	return a, nil
}

// BySession finds who holds a browser session, with names for the page. A session whose second factor is open is
// nobody's yet.
func (p *People) BySession(ctx context.Context, secret string) (access.Actor, store.Bearer, error) {
	if !strings.HasPrefix(secret, sessionPrefix) {
		return access.Actor{}, store.Bearer{}, refused()
	}
	a, b, err := p.ByStage(ctx, secret)
	if err == nil && b.Stage != "" {
		return access.Actor{}, store.Bearer{}, refused()
	}
	return a, b, err
}

// Staged tells by its form alone that a session waits for the second factor.
func Staged(secret string) bool { return strings.HasPrefix(secret, stagedPrefix) }

// ByStage is BySession for the pages that ask for the second factor, or set it up.
func (p *People) ByStage(ctx context.Context, secret string) (access.Actor, store.Bearer, error) {
	if !strings.HasPrefix(secret, sessionPrefix) && !Staged(secret) {
		return access.Actor{}, store.Bearer{}, refused()
	}
	a, b, err := p.bearer(ctx, secret, true)
	if err != nil {
		return access.Actor{}, store.Bearer{}, err
	}
	if s := (party.Session{SeenAt: b.SeenAt, ExpiresAt: b.ExpiresAt}); !s.Open(p.k.Wire.Now(), p.k.Settings().SessionIdle) {
		return access.Actor{}, store.Bearer{}, refused()
	}
	p.touch(ctx, b, store.SeeSession)
	return a, b, nil
}

func (p *People) bearer(ctx context.Context, secret string, session bool) (access.Actor, store.Bearer, error) {
	var b store.Bearer
	err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		b, err = store.BearerOf(ctx, tx, ident.Hash(secret), session)
		return err
	})
	if errors.Is(err, store.ErrNoRow) || err == nil && !b.DisabledAt.IsZero() {
		err = refused()
	}
	if err != nil {
		return access.Actor{}, store.Bearer{}, err
	}
	a := access.Actor{PersonID: b.PersonID, CompanyID: b.CompanyID, CompanyKind: b.Kind, Limited: b.Limited && b.Kind == party.Seller}
	for _, r := range b.Roles {
		a.Roles = append(a.Roles, access.Role(r))
	}
	for _, s := range b.Scope {
		a.TokenScope = append(a.TokenScope, access.Action(s))
	}
	return a, b, nil
}

// touch notes the use of a token or session, at most once a minute and never at the cost of the request.
func (p *People) touch(ctx context.Context, b store.Bearer, note func(context.Context, *kernel.Tx, string, time.Time) error) {
	now := p.k.Wire.Now()
	if now.Sub(b.SeenAt) < touchEvery {
		return
	}
	us := now.UnixMicro()
	if last, there := p.touched.LoadOrStore(b.ID, us); there {
		if us-last.(int64) < touchEvery.Microseconds() || !p.touched.CompareAndSwap(b.ID, last, us) {
			return // this process notes it at this moment
		}
	}
	if err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error { return note(ctx, tx, b.ID, now) }); err != nil && ctx.Err() == nil {
		p.k.Log.Warn("people: last use not noted", "err", err)
	}
}

// Opened is a session that was begun or goes on.
type Opened struct {
	Session string // secret of the cookie
	Until   time.Time
	Stage   string // party.StageCode, StageEnrol, or "" when signed in
}

// SignIn begins a session by login and password. Unknown login and wrong password answer alike and take the same
// time; five wrong in a row lock the login, known or not, for a quarter of an hour. With a second factor the session
// waits for GiveCode; operators who must have one set it up first.
func (p *People) SignIn(ctx context.Context, login, password string) (out Opened, err error) {
	if err := p.mayTry(ctx); err != nil {
		return out, err
	}
	wrong := fault.New(fault.Unauthenticated, "login_refused", "login or password is wrong")
	login = cleanLogin(login)
	if checkLogin("login", login) != nil || len(password) > 4*party.MaxPassword {
		return out, wrong
	}
	now := p.k.Wire.Now()
	var who party.Person
	var company party.Company
	var factor bool
	var locked time.Time
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		who, company, factor = party.Person{}, party.Company{}, false
		if locked, err = store.Guess(ctx, tx, loginGuess(login), now, p.k.Settings().MaxFailures, p.k.Settings().LockFor); err != nil {
			return err
		}
		if who, err = store.PersonByLogin(ctx, tx, login); err != nil {
			if errors.Is(err, store.ErrNoRow) {
				return nil
			}
			return err
		}
		if !locked.IsZero() {
			return p.history(ctx, tx, who.ID, "password", party.Locked)
		}
		in, err := store.Memberships(ctx, tx, who.ID)
		if err != nil {
			return err
		}
		if len(in) > 0 {
			if company, err = store.Company(ctx, tx, in[0].CompanyID); err != nil {
				return err
			}
		}
		t, err := store.TOTPOf(ctx, tx, who.ID)
		if factor = err == nil && !t.Confirmed.IsZero(); err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	if !locked.IsZero() {
		return out, lockedUntil(locked)
	}
	if who.ID == "" {
		passwordFits(dummy(), password)
		if err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			return store.TouchGuess(ctx, tx, loginGuess(login), now)
		}); err != nil {
			return out, err
		}
		return out, wrong
	}
	fits := passwordFits(who.PasswordHash, password)
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = Opened{}
		if !fits {
			return p.history(ctx, tx, who.ID, "password", party.WrongPassword)
		}
		if err := store.Guessed(ctx, tx, loginGuess(login)); err != nil {
			return err
		}
		if !who.DisabledAt.IsZero() || company.ID == "" {
			return p.history(ctx, tx, who.ID, "password", party.Disabled)
		}
		outcome := party.SignedIn
		out = Opened{Session: ident.Token(sessionPrefix), Until: now.Add(party.SessionLife)}
		switch {
		case factor:
			out.Session, out.Stage, out.Until, outcome = ident.Token(stagedPrefix), party.StageCode, now.Add(party.StageLife), party.CodeAsked
		case company.Kind == party.Operator && p.o.OperatorTOTP:
			out.Session, out.Stage, out.Until, outcome = ident.Token(stagedPrefix), party.StageEnrol, now.Add(party.StageLife), party.CodeAsked
		}
		c := clientOf(ctx)
		if err := store.InsertSession(ctx, tx, party.Session{ID: p.k.Row(), Hash: ident.Hash(out.Session), PersonID: who.ID, CompanyID: company.ID, Stage: out.Stage,
			CreatedAt: now, SeenAt: now, ExpiresAt: out.Until, Address: c.Address, Agent: c.Agent}); err != nil {
			return err
		}
		return p.history(ctx, tx, who.ID, "password", outcome)
	})
	switch {
	case err != nil:
		return Opened{}, err
	case !fits:
		return Opened{}, wrong
	case out.Session == "":
		return Opened{}, fault.New(fault.Forbidden, "account_disabled", "this account is switched off; ask the owner of your company")
	}
	return out, nil
}

// Login is SignIn for the page that asks for login and password; a session that waits for the second factor tells so
// by its form (Staged).
func (p *People) Login(ctx context.Context, login, password string) (session string, until time.Time, err error) {
	o, err := p.SignIn(ctx, login, password)
	return o.Session, o.Until, err
}

// history adds a line to the sign-in history.
func (p *People) history(ctx context.Context, tx *kernel.Tx, person, way, outcome string) error {
	c := clientOf(ctx)
	return store.InsertSignIn(ctx, tx, party.SignIn{ID: p.k.Row(), PersonID: person, At: p.k.Wire.Now(), Address: c.Address, Agent: c.Agent, Way: way, Outcome: outcome})
}

// rotate gives a session another secret: whoever knew the old one has nothing. full ends its stage and begins its
// life anew.
func (p *People) rotate(ctx context.Context, tx *kernel.Tx, session string, full bool) (Opened, error) {
	now := p.k.Wire.Now()
	s, err := store.SessionByHash(ctx, tx, ident.Hash(session))
	if err != nil {
		if errors.Is(err, store.ErrNoRow) {
			err = refused()
		}
		return Opened{}, err
	}
	old, fresh := s.Hash, ident.Token(sessionPrefix)
	s.Hash, s.SeenAt = ident.Hash(fresh), now
	if full {
		s.Stage, s.ExpiresAt = "", now.Add(party.SessionLife)
	}
	return Opened{Session: fresh, Until: s.ExpiresAt, Stage: s.Stage}, store.RotateSession(ctx, tx, old, s)
}

// Logout ends a session.
func (p *People) Logout(ctx context.Context, session string) error {
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.DeleteSession(ctx, tx, ident.Hash(session))
	})
}

// Sessions lists one's own sessions, the newest first.
func (p *People) Sessions(ctx context.Context, a access.Actor) (out []party.Session, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := store.Sessions(ctx, tx, a.PersonID, p.k.Wire.Now())
		out = nil
		for _, s := range all {
			if s.Open(p.k.Wire.Now(), p.k.Settings().SessionIdle) {
				out = append(out, s)
			}
		}
		return err
	})
	return out, err
}

// EndSession ends one of one's own sessions.
func (p *People) EndSession(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	if err := store.DeleteSessionByID(ctx, tx, a.PersonID, id); err != nil {
		return kernel.Missing(err, "session")
	}
	return p.k.Audit(ctx, tx, a, actSession, id, "ended")
}

// EndSessions ends all of one's own sessions but the one whose secret is given ("" for none), and tells how many.
func (p *People) EndSessions(ctx context.Context, tx *kernel.Tx, a access.Actor, except string) (int64, error) {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return 0, err
	}
	n, err := store.DeleteSessions(ctx, tx, a.PersonID, ident.Hash(except))
	if err != nil || n == 0 {
		return n, err
	}
	return n, p.k.Audit(ctx, tx, a, actSession, a.PersonID, "all ended")
}

// SignIns is one's own sign-in history, the newest first, before a line ("" for the newest).
func (p *People) SignIns(ctx context.Context, a access.Actor, before string, limit int) (out []party.SignIn, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = store.SignIns(ctx, tx, a.PersonID, before, limit)
		return err
	})
	return out, err
}

// Me is what a signed-in person is shown about itself.
type Me struct {
	Person        party.Person
	Company       party.Company
	Roles         []string
	TOTP          bool
	TOTPRequired  bool
	RecoveryCodes int // not spent
}

// Me reads one's own account.
func (p *People) Me(ctx context.Context, a access.Actor) (m Me, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return m, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if m.Person, err = store.Person(ctx, tx, a.PersonID); err != nil {
			return kernel.Missing(err, "person")
		}
		if m.Company, err = store.Company(ctx, tx, a.CompanyID); err != nil {
			return kernel.Missing(err, "company")
		}
		if m.Roles, err = store.RolesOf(ctx, tx, a.CompanyID, a.PersonID); err != nil {
			return err
		}
		t, err := store.TOTPOf(ctx, tx, a.PersonID)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		m.TOTP = err == nil && !t.Confirmed.IsZero()
		m.TOTPRequired = m.Company.Kind == party.Operator && p.o.OperatorTOTP
		m.RecoveryCodes, err = store.CountRecoveryCodes(ctx, tx, a.PersonID)
		return err
	})
	return m, err
}

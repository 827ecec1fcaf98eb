package manage

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// people registers what is about persons: registration, one's own account, the people of a company. // spec: 01 §9
func (h *Handler) people() {
	h.registrations()
	h.contact()
	h.account()
	h.members()
	h.auditLog()
}

// act registers a POST, PUT or DELETE whose use case has transactions of its own: it proves a password or a code,
// which is slow on purpose or must not be undone. public lets everybody in.
func (h *Handler) act(method, pattern string, status int, public bool, f func(c *call) (any, error)) {
	h.mux.HandleFunc(method+" "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			if !public && c.actor.Anonymous() {
				return 0, nil, fault.New(fault.Unauthenticated, "unauthenticated", "send a personal access token: Authorization: Bearer …")
			}
			v, err := f(c)
			if err != nil {
				return 0, nil, err
			}
			return status, encode(v), nil
		})
	})
}

// done is the answer where nothing is to be told.
type done struct {
	Status string `json:"status"`
}

// checkMail is the one answer to everybody who asks for a mail: it tells nothing about who has an account.
var checkMail = done{"check_mail"}

type personView struct {
	ID    string        `json:"id"`
	Login string        `json:"login"`
	Name  string        `json:"name"`
	Roles []access.Role `json:"roles"`
}

func roles(names []string) []access.Role {
	out := []access.Role{}
	for _, n := range names {
		out = append(out, access.Role(n))
	}
	return out
}

func (h *Handler) registrations() {
	h.act("POST", "/registrations", http.StatusAccepted, true, func(c *call) (any, error) {
		b := c.body
		in := people.Registration{Kind: party.Kind(b.text("kind")), Company: b.text("company"), Name: b.text("name"), Email: b.text("email"), Mobile: b.text("mobile"),
			Password: b.text("password"), Language: b.text("language"), AcceptAgreement: b.flag("accept_agreement")}
		if err := b.bad.Err(); err != nil {
			return nil, err
		}
		return checkMail, h.People.Register(c.Context(), in)
	})
	h.act("POST", "/registrations/resend", http.StatusAccepted, true, func(c *call) (any, error) {
		email := c.body.text("email")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return checkMail, h.People.Resend(c.Context(), email)
	})
	h.act("POST", "/registrations/verify", http.StatusCreated, true, func(c *call) (any, error) {
		token, password := c.body.text("token"), c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		who, company, err := h.People.Verify(c.Context(), token, password)
		return map[string]any{"company": companyView{company.ID, company.Kind, company.Name}, "person": personView{who.ID, who.Login, who.Name, access.Roles[company.Kind][:min(1, len(access.Roles[company.Kind]))]}}, err
	})
	h.act("POST", "/password-resets", http.StatusAccepted, true, func(c *call) (any, error) {
		login := c.body.text("login")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return checkMail, h.People.RequestReset(c.Context(), login)
	})
	h.act("POST", "/password-resets/confirm", http.StatusOK, true, func(c *call) (any, error) {
		token, password := c.body.text("token"), c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.People.ConfirmReset(c.Context(), token, password)
	})
	h.act("POST", "/invitations/accept", http.StatusCreated, true, func(c *call) (any, error) {
		token, name, password := c.body.text("token"), c.body.text("name"), c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		who, has, err := h.People.Join(c.Context(), token, name, password)
		return personView{who.ID, who.Login, who.Name, roles(has)}, err
	})
}

type companyView struct {
	ID   string     `json:"id"`
	Kind party.Kind `json:"kind"`
	Name string     `json:"name"`
}

type meView struct {
	personView
	Email             string      `json:"email"`
	Mobile            string      `json:"mobile"`
	Language          string      `json:"language"`
	EmailVerified     bool        `json:"email_verified"`
	MobileVerified    bool        `json:"mobile_verified"`
	Limited           bool        `json:"limited"`
	Company           companyView `json:"company"`
	TOTP              bool        `json:"totp"`
	TOTPRequired      bool        `json:"totp_required"`
	RecoveryCodesLeft int         `json:"recovery_codes_left"`
}

type sessionView struct {
	ID        string  `json:"id"`
	CreatedAt *string `json:"created_at"`
	SeenAt    *string `json:"seen_at"`
	ExpiresAt *string `json:"expires_at"`
	Address   string  `json:"address"`
	Agent     string  `json:"agent"`
}

type signInView struct {
	ID      string  `json:"id"`
	At      *string `json:"at"`
	Address string  `json:"address"`
	Agent   string  `json:"agent"`
	Way     string  `json:"way"`
	Outcome string  `json:"outcome"`
}

type tokenView struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Scope     []string `json:"scope"`
	CreatedAt *string  `json:"created_at"`
	ExpiresAt *string  `json:"expires_at"`
	UsedAt    *string  `json:"used_at"`
}

func (h *Handler) account() {
	h.read("/me", func(c *call) (any, error) {
		m, err := h.People.Me(c.Context(), c.actor)
		return meView{personView{m.Person.ID, m.Person.Login, m.Person.Name, roles(m.Roles)}, m.Person.Email, m.Person.Mobile, m.Person.Language, !m.Person.VerifiedAt.IsZero(), !m.Person.MobileVerifiedAt.IsZero(), m.Person.Limited, companyView{m.Company.ID, m.Company.Kind, m.Company.Name}, m.TOTP, m.TOTPRequired, m.RecoveryCodes}, err
	})
	h.change("PUT", "/me", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		d := people.Details{Name: c.body.text("name"), Mobile: c.body.text("mobile"), Language: c.body.text("language")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.People.EditMe(ctx, tx, c.actor, d)
	})
	h.act("PUT", "/me/password", http.StatusOK, false, func(c *call) (any, error) {
		old, password := c.body.text("old_password"), c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		_, err := h.People.ChangePassword(c.Context(), c.actor, "", old, password)
		return done{"changed"}, err
	})
	h.read("/me/sessions", func(c *call) (any, error) {
		ss, err := h.People.Sessions(c.Context(), c.actor)
		if err != nil {
			return nil, err
		}
		return listOf(ss, len(ss), func(s party.Session) sessionView {
			return sessionView{s.ID, stamp(s.CreatedAt), stamp(s.SeenAt), stamp(s.ExpiresAt), s.Address, s.Agent}
		}, nil), nil
	})
	h.change("DELETE", "/me/sessions", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		n, err := h.People.EndSessions(ctx, tx, c.actor, "")
		return map[string]int64{"ended": n}, err
	})
	h.change("DELETE", "/me/sessions/{session}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return map[string]int64{"ended": 1}, h.People.EndSession(ctx, tx, c.actor, c.PathValue("session"))
	})
	h.read("/me/sign-ins", func(c *call) (any, error) {
		before, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		ss, err := h.People.SignIns(c.Context(), c.actor, before, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(ss, limit, func(s party.SignIn) signInView {
			return signInView{s.ID, stamp(s.At), s.Address, s.Agent, s.Way, s.Outcome}
		}, func(s party.SignIn) string { return cursor.Encode(s.ID) }), nil
	})
	h.act("POST", "/me/totp", http.StatusOK, false, func(c *call) (any, error) {
		password := c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		e, err := h.People.BeginTOTP(c.Context(), c.actor, password)
		return map[string]string{"seed": e.Seed, "uri": e.URI, "qr": "data:image/png;base64," + base64.StdEncoding.EncodeToString(e.QR)}, err
	})
	codes := func(codes []string, err error) (any, error) { return map[string]any{"recovery_codes": codes}, err }
	h.act("POST", "/me/totp/confirm", http.StatusOK, false, func(c *call) (any, error) {
		code := c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return codes(h.People.ConfirmTOTP(c.Context(), c.actor, code))
	})
	h.act("POST", "/me/totp/recovery-codes", http.StatusOK, false, func(c *call) (any, error) {
		code := c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return codes(h.People.RenewRecoveryCodes(c.Context(), c.actor, code))
	})
	h.act("POST", "/me/totp/disable", http.StatusOK, false, func(c *call) (any, error) {
		password, code := c.body.text("password"), c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"disabled"}, h.People.DisableTOTP(c.Context(), c.actor, password, code)
	})
	h.read("/me/tokens", func(c *call) (any, error) {
		ts, err := h.People.Tokens(c.Context(), c.actor)
		if err != nil {
			return nil, err
		}
		return listOf(ts, len(ts), func(t party.Token) tokenView {
			return tokenView{t.ID, t.Name, append([]string{}, t.Scope...), stamp(t.CreatedAt), stamp(t.ExpiresAt), stamp(t.UsedAt)}
		}, nil), nil
	})
	h.changeSecret("POST", "/me/tokens", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return h.issueToken(ctx, tx, c, c.actor.CompanyID, c.actor.PersonID)
	})
	h.change("DELETE", "/me/tokens/{token}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return done{"revoked"}, h.People.RevokeToken(ctx, tx, c.actor, c.PathValue("token"))
	})
}

func (h *Handler) issueToken(ctx context.Context, tx *kernel.Tx, c *call, company, person string) (any, error) {
	days, name, scope := c.body.whole("days", 90), c.body.text("name"), c.body.texts("scope")
	if days < 1 || days > 366 {
		c.body.bad.Add("days", "must be 1 to 366")
	}
	if err := c.body.bad.Err(); err != nil {
		return nil, err
	}
	var actions []access.Action
	for _, s := range scope {
		actions = append(actions, access.Action(s))
	}
	secret, err := h.People.IssueToken(ctx, tx, c.actor, company, person, name, time.Duration(days)*24*time.Hour, actions...)
	return map[string]string{"token": secret, "name": name}, err
}

type colleagueView struct {
	personView
	Email        string  `json:"email"`
	Mobile       string  `json:"mobile"`
	Disabled     bool    `json:"disabled"`
	TOTP         bool    `json:"totp"`
	Limited      bool    `json:"limited"`
	CreatedAt    *string `json:"created_at"`
	LastSignInAt *string `json:"last_sign_in_at"`
}

type invitationView struct {
	ID        string        `json:"id"`
	Email     string        `json:"email"`
	Roles     []access.Role `json:"roles"`
	CreatedAt *string       `json:"created_at"`
	ExpiresAt *string       `json:"expires_at"`
}

func viewInvitation(i party.Invitation) invitationView {
	return invitationView{i.ID, i.Email, roles(i.Roles), stamp(i.CreatedAt), stamp(i.ExpiresAt)}
}

func (h *Handler) members() {
	h.read("/companies/{id}/people", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		cs, err := h.People.People(c.Context(), c.actor, c.PathValue("id"), after, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(cs, limit, func(p party.Colleague) colleagueView {
			return colleagueView{personView{p.ID, p.Login, p.Name, roles(p.Roles)}, p.Email, p.Mobile, !p.DisabledAt.IsZero(), p.HasTOTP, p.Limited, stamp(p.CreatedAt), stamp(p.LastSignIn)}
		}, func(p party.Colleague) string { return cursor.Encode(p.Login) }), nil
	})
	// The password is hashed before the transaction: no writer waits for that.
	h.prepared("POST", "/companies/{id}/people", http.StatusCreated, func(c *call) (func(context.Context, *kernel.Tx) (any, error), error) {
		in := people.NewPerson{CompanyID: c.PathValue("id"), Login: c.body.text("login"), Name: c.body.text("name"), Password: c.body.text("password"), Email: c.body.text("email"), Mobile: c.body.text("mobile")}
		for _, r := range c.body.texts("roles") {
			in.Roles = append(in.Roles, access.Role(r))
		}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		if err := kernel.May(c.actor, access.PersonWrite); err != nil {
			return nil, err
		}
		if err := in.Hash(); err != nil {
			return nil, err
		}
		// The password leaves no trace in what the key stands for: a hash that is quick to make is quick to guess.
		c.raw = []byte(strings.Join([]string{in.CompanyID, in.Login, in.Name, in.Email, in.Mobile, fmt.Sprint(in.Roles)}, "\n"))
		return func(ctx context.Context, tx *kernel.Tx) (any, error) {
			p, err := h.People.CreatePerson(ctx, tx, c.actor, in)
			return personView{p.ID, p.Login, p.Name, in.Roles}, err
		}, nil
	})
	h.changeSecret("POST", "/companies/{id}/people/{person}/tokens", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return h.issueToken(ctx, tx, c, c.PathValue("id"), c.PathValue("person"))
	})
	h.change("PUT", "/companies/{id}/people/{person}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		d := people.Details{Name: c.body.text("name"), Mobile: c.body.text("mobile"), Language: c.body.text("language")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.People.Edit(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"), d)
	})
	h.change("PUT", "/companies/{id}/people/{person}/roles", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		has := roles(c.body.texts("roles"))
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		p, err := h.People.SetRoles(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"), has)
		return personView{p.ID, p.Login, p.Name, has}, err
	})
	type move func(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string) error
	for path, m := range map[string]struct {
		method, said string
		do           move
	}{"/disable": {"POST", "disabled", h.People.Disable}, "/enable": {"POST", "enabled", h.People.Enable}, "": {"DELETE", "removed", h.People.Remove}} {
		h.change(m.method, "/companies/{id}/people/{person}"+path, http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			return done{m.said}, m.do(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"))
		})
	}
	h.read("/companies/{id}/invitations", func(c *call) (any, error) {
		is, err := h.People.Invitations(c.Context(), c.actor, c.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return listOf(is, len(is), viewInvitation, nil), nil
	})
	h.change("POST", "/companies/{id}/invitations", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		email, language, has := c.body.text("email"), c.body.text("language"), roles(c.body.texts("roles"))
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		i, err := h.People.Invite(ctx, tx, c.actor, c.PathValue("id"), email, has, language)
		return viewInvitation(i), err
	})
	h.change("DELETE", "/companies/{id}/invitations/{invitation}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return done{"withdrawn"}, h.People.Withdraw(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("invitation"))
	})
	h.change("PUT", "/companies/{id}/people/{person}/limit", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		limited := c.body.flag("limited")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.People.Limit(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"), limited)
	})
	h.read("/companies/{id}/people/{person}/grants", func(c *call) (any, error) {
		ids, err := h.People.Granted(c.Context(), c.actor, c.PathValue("id"), c.PathValue("person"))
		if err != nil {
			return nil, err
		}
		type grant struct {
			ProductID string `json:"product_id"`
		}
		return listOf(ids, len(ids), func(id string) grant { return grant{id} }, nil), nil
	})
	for method, do := range map[string]func(context.Context, *kernel.Tx, access.Actor, string, string) error{"PUT": h.People.Grant, "DELETE": h.People.Revoke} {
		said := map[string]string{"PUT": "granted", "DELETE": "revoked"}[method]
		h.change(method, "/products/{id}/grants/{person}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			return done{said}, do(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"))
		})
	}
}

// prepared is change with a part before the transaction, for what is slow on purpose.
func (h *Handler) prepared(method, pattern string, status int, prepare func(c *call) (func(context.Context, *kernel.Tx) (any, error), error)) {
	h.mux.HandleFunc(method+" "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			if c.actor.Anonymous() {
				return 0, nil, fault.New(fault.Unauthenticated, "unauthenticated", "send a personal access token: Authorization: Bearer …")
			}
			f, err := prepare(c)
			if err != nil {
				return 0, nil, err
			}
			return h.mutate(w, c, status, false, f)
		})
	})
}

// micros is the mark of a list by instant and id.
func micros(at time.Time, id string) string {
	return cursor.Encode(strconv.FormatInt(clock.Micros(at), 10), id)
}

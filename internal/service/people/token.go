package people

import (
	"context"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// MaxTokens bounds the tokens of one person.
const MaxTokens = 50

// IssueToken makes a personal access token for a member; the secret is shown once. life 0 is without end. scope
// narrows it to actions; none means all that the person may. A narrowed token makes none that is wider than itself.
func (p *People) IssueToken(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person, name string, life time.Duration, scope ...access.Action) (secret string, err error) {
	if err := kernel.May(a, access.TokenCreate); err != nil {
		return "", err
	}
	// Nobody, operators included, makes a token that acts as somebody else: a money decision needs two people. // spec: 01 §9
	if a.PersonID != kernel.System.PersonID && (a.CompanyID != company || a.PersonID != person) {
		return "", fault.Unknown("person")
	}
	f := fault.Fields{}
	party.CheckName("name", name, f)
	if len(scope) == 0 {
		scope = a.TokenScope
	}
	for _, s := range scope {
		if !slices.Contains(access.Actions(), s) {
			f.Add("scope", "%q is no action", printable(string(s), 40))
		} else if len(a.TokenScope) > 0 && !slices.Contains(a.TokenScope, s) {
			f.Add("scope", "%s is not in the scope of the token that asks", s)
		}
	}
	if err := f.Err(); err != nil {
		return "", err
	}
	roles, err := store.RolesOf(ctx, tx, company, person)
	if err != nil {
		return "", err
	}
	if len(roles) == 0 {
		return "", fault.Unknown("person")
	}
	there, err := store.Tokens(ctx, tx, person)
	if err != nil {
		return "", err
	}
	if len(there) >= MaxTokens {
		return "", fault.New(fault.Rule, "too_many_tokens", "a person has at most %d tokens; revoke one first", MaxTokens)
	}
	secret = ident.Token(TokenPrefix)
	now := p.k.Wire.Now()
	t := party.Token{ID: p.k.Row(), PersonID: person, CompanyID: company, Name: name, Hash: ident.Hash(secret), CreatedAt: now}
	for _, s := range scope {
		t.Scope = append(t.Scope, string(s))
	}
	if life > 0 {
		t.ExpiresAt = now.Add(life)
	}
	if err := store.InsertToken(ctx, tx, t); err != nil {
		return "", err
	}
	return secret, p.k.Audit(ctx, tx, a, access.TokenCreate, t.ID, name)
}

// Tokens lists one's own tokens, the newest first; their secrets are not kept.
func (p *People) Tokens(ctx context.Context, a access.Actor) (out []party.Token, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = store.Tokens(ctx, tx, a.PersonID)
		return err
	})
	return out, err
}

// RevokeToken ends one of one's own tokens, at once and for ever.
func (p *People) RevokeToken(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := kernel.May(a, access.TokenCreate); err != nil {
		return err
	}
	if err := store.RevokeToken(ctx, tx, a.PersonID, id, p.k.Wire.Now()); err != nil {
		return kernel.Missing(err, "token")
	}
	return p.k.Audit(ctx, tx, a, actRevoke, id, "")
}

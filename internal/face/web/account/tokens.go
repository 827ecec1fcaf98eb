package account

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
)

// tokens mounts one's own personal access tokens. // spec: 01 §8.5
func (r *Room) tokens() {
	r.Get(r.path("/tokens"), "tokens", access.TokenCreate, r.tokenList)
	r.Post(r.path("/tokens"), "tokens", access.TokenCreate, r.tokenNew)
	r.Post(r.path("/tokens/{id}/revoke"), "tokens", access.TokenCreate, r.tokenRevoke)
}

func (r *Room) tokenList(c *ui.Call) error { return r.showTokens(c, "") }

func (r *Room) showTokens(c *ui.Call, secret string) error {
	list, err := r.People.Tokens(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("tokens.title")
	p.Lead = c.T("tokens.lead")
	if secret != "" {
		p.Notice = &ui.Notice{Tone: ui.Attention, Text: c.T("tokens.shown"), Code: secret}
	}
	f := c.NewForm("token", r.path("/tokens"), "do.token").Keep("key", ui.Key())
	f.Behind = c.T("do.token")
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Autocomplete: "off"}, "token_name")
	c.Add(f, ui.Field{Name: "days", Kind: "select", Value: "90", Options: c.Choices("period.days.", days, false)}, "token_days")
	c.Add(f, ui.Field{Name: "scope", Kind: "radio", Value: "read", Options: c.Choices("kind.scope.", []string{"read", "all"}, false)}, "token_scope")
	now := r.Kernel.Wire.Now()
	p.Put(ui.Block{Form: f}, ui.Block{Table: ui.NewTable(c.Frame, list, []ui.Column[party.Token]{
		{Head: "col.name", Cell: func(t party.Token) ui.Cell { return ui.Own(t.Name) }},
		{Head: "col.scope", Cell: func(t party.Token) ui.Cell {
			if len(t.Scope) == 0 {
				return c.Word("kind.scope.all")
			}
			return ui.Own(ui.Shorten(strings.Join(t.Scope, ", "), 120))
		}},
		{Head: "col.created", Cell: func(t party.Token) ui.Cell { return c.When(t.CreatedAt) }},
		{Head: "col.used", Cell: func(t party.Token) ui.Cell { return c.When(t.UsedAt) }},
		{Head: "col.until", Cell: func(t party.Token) ui.Cell {
			if t.ExpiresAt.IsZero() {
				return c.Word("tokens.endless")
			}
			if !now.Before(t.ExpiresAt) {
				return c.Chip(ui.Use("end")).Then(c.When(t.ExpiresAt))
			}
			return c.When(t.ExpiresAt)
		}},
		{Head: "col.do", Cell: func(t party.Token) ui.Cell {
			return c.Button(r.path("/tokens/"+t.ID+"/revoke"), "do.revoke", "btn-outline-danger")
		}},
	}, "").Or(ui.Empty{Text: c.T("tokens.empty"), Help: c.T("tokens.empty.help")})})
	return c.Draw(p)
}

// tokenNew shows the secret in the answer itself: it stands in no address and is not kept.
func (r *Room) tokenNew(c *ui.Call) error {
	var scope []access.Action
	if c.Form("scope") != "all" {
		for _, a := range access.Actions() {
			if strings.HasSuffix(string(a), ".read") {
				scope = append(scope, a)
			}
		}
	}
	key := c.Form("key")
	if key != "" {
		key = "form:" + key // sent twice, it is one token
	}
	reply, err := r.Kernel.Mutate(c.R.Context(), kernel.Request{Caller: c.Actor.PersonID, Key: key, Input: []byte(strings.Join([]string{c.R.URL.Path, c.Form("name"), c.Form("days"), c.Form("scope")}, "\n")), Secret: true},
		func(ctx context.Context, tx *kernel.Tx) (kernel.Reply, error) {
			secret, err := r.People.IssueToken(ctx, tx, c.Actor, c.Actor.CompanyID, c.Actor.PersonID, strings.TrimSpace(c.Form("name")), life(c.Form("days")), scope...)
			return kernel.Reply{Status: 200, Body: []byte(secret)}, err
		})
	if err != nil {
		return c.Again(err, r.tokenList)
	}
	return r.showTokens(c, string(reply.Body))
}

func (r *Room) tokenRevoke(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.RevokeToken(ctx, tx, c.Actor, c.R.PathValue("id"))
	})
	if err != nil {
		return err
	}
	return c.Done(r.path("/tokens"), "token.revoked")
}

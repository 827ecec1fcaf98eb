package account

import (
	"strings"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/people"
)

// doors mounts what is open to everybody.
func (r *Room) doors() {
	r.Get("/account/register", "register", "", r.register)
	r.Post("/account/register", "register", "", r.registerDo)
	r.Get("/account/sent", "register", "", r.sent)
	r.Post("/account/resend", "register", "", r.resend)
	r.Get("/account/verify", "register", "", r.verify)
	r.Post("/account/verify", "register", "", r.verifyDo)
	r.Get("/account/forgot", "login", "", r.forgot)
	r.Post("/account/forgot", "login", "", r.forgotDo)
	r.Get("/account/reset", "login", "", r.reset)
	r.Post("/account/reset", "login", "", r.resetDo)
	r.Get("/account/join", "register", "", r.join)
	r.Post("/account/join", "register", "", r.joinDo)
}

const (
	typePassword = "password"
	newPassword  = "new-password"
)

// fresh adds the field of a password that is chosen.
func fresh(c *ui.Call, f *ui.Form) {
	c.Add(f, ui.Field{Name: "fresh_password", Kind: typePassword, Required: true, MaxLength: party.MaxPassword, Autocomplete: newPassword}, "")
}

// current adds the field of the password that one has.
func current(c *ui.Call, f *ui.Form, label string) {
	c.Add(f, ui.Field{Name: "current_password", Kind: typePassword, Required: true, MaxLength: party.MaxPassword, Autocomplete: "current-password"}, label)
}

func (r *Room) register(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("register.title")
	if !r.Kernel.Settings().Registration {
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("register.closed"), Who: ui.Operator, Links: []ui.Link{{Text: c.T("go.login"), Href: "/login"}}}
		return c.Draw(p)
	}
	p.Lead = c.T("register.lead")
	f := c.NewForm("register", "/account/register", "do.register")
	kind := c.Query("kind")
	if kind != string(party.Seller) {
		kind = string(party.Buyer)
	}
	c.Add(f, ui.Field{Name: "kind", Kind: "radio", Required: true, Value: kind, Options: c.Choices("company.", []string{string(party.Buyer), string(party.Seller)}, false)}, "register_kind")
	c.Add(f, ui.Field{Name: "company", Required: true, MaxLength: party.MaxName, Autocomplete: "organization"}, "company_name")
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Autocomplete: "name"}, "person_name")
	c.Add(f, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Autocomplete: "username"}, "register_email")
	c.Add(f, ui.Field{Name: "mobile", MaxLength: party.MaxMobile, Autocomplete: "tel"}, "")
	fresh(c, f)
	c.Add(f, ui.Field{Name: "accept_agreement", Kind: "checkbox", Required: true}, "")
	return c.Draw(p.Put(ui.Block{Form: f, Note: c.T("register.note")}))
}

func (r *Room) registerDo(c *ui.Call) error {
	email := party.CleanEmail(c.Form("email"))
	err := r.People.Register(c.R.Context(), people.Registration{Kind: party.Kind(c.Form("kind")), Company: strings.TrimSpace(c.Form("company")), Name: strings.TrimSpace(c.Form("name")), Email: email,
		Mobile: strings.TrimSpace(c.Form("mobile")), Password: c.Form("fresh_password"), Language: language(c), AcceptAgreement: c.Form("accept_agreement") != ""})
	if err != nil {
		return c.Again(renamed(err, "password", "fresh_password"), r.register)
	}
	return c.To("/account/sent?email=" + ui.Query(email))
}

// sent says what happens next, to everybody alike.
func (r *Room) sent(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("sent.title")
	p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("sent.step"), Who: ui.Who("you")}
	f := c.NewForm("resend", "/account/resend", "do.resend")
	f.Behind = c.T("sent.nothing")
	c.Add(f, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Value: c.Query("email")}, "")
	return c.Draw(p.Put(ui.Block{Text: c.T("sent.text")}, ui.Block{Form: f}))
}

func (r *Room) resend(c *ui.Call) error {
	email := party.CleanEmail(c.Form("email"))
	if err := r.People.Resend(c.R.Context(), email); err != nil {
		return c.Again(err, r.sent)
	}
	return c.Done("/account/sent?email="+ui.Query(email), "resent")
}

// token is the secret of the link that led here: from the address, or from the form that is shown again.
func token(c *ui.Call) string {
	if t := c.Form("token"); t != "" {
		return t
	}
	return c.Query("token")
}

func (r *Room) verify(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("verify.title")
	p.Lead = c.T("verify.lead")
	f := c.NewForm("verify", "/account/verify", "do.verify").Keep("token", token(c))
	current(c, f, "chosen_password")
	return c.Draw(p.Put(ui.Block{Form: f}))
}

func (r *Room) verifyDo(c *ui.Call) error {
	who, _, err := r.People.Verify(c.R.Context(), token(c), c.Form("current_password"))
	if err != nil {
		return c.Again(renamed(err, "password", "current_password"), r.verify)
	}
	return r.welcome(c, who.Login, c.Form("current_password"))
}

// welcome signs in who has just proved an address and a password.
func (r *Room) welcome(c *ui.Call, login, password string) error {
	o, err := r.People.SignIn(c.R.Context(), login, password)
	if err != nil {
		return c.To("/login")
	}
	c.Begin(cookie(o))
	return c.To("/account")
}

func (r *Room) forgot(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("forgot.title")
	p.Lead = c.T("forgot.lead")
	f := c.NewForm("forgot", "/account/forgot", "do.forgot")
	c.Add(f, ui.Field{Name: "login", Required: true, MaxLength: party.MaxLogin, Autocomplete: "username"}, "forgot_login")
	return c.Draw(p.Put(ui.Block{Form: f}))
}

func (r *Room) forgotDo(c *ui.Call) error {
	if err := r.People.RequestReset(c.R.Context(), c.Form("login")); err != nil {
		return c.Again(err, r.forgot)
	}
	p := c.NewPage("forgot.sent.title")
	p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("forgot.sent.step"), Who: ui.Who("you"), Links: []ui.Link{{Text: c.T("login"), Href: "/login"}}}
	return c.Draw(p)
}

func (r *Room) reset(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("reset.title")
	p.Lead = c.T("reset.lead")
	f := c.NewForm("reset", "/account/reset", "do.reset").Keep("token", token(c))
	fresh(c, f)
	return c.Draw(p.Put(ui.Block{Form: f}))
}

func (r *Room) resetDo(c *ui.Call) error {
	if err := r.People.ConfirmReset(c.R.Context(), token(c), c.Form("fresh_password")); err != nil {
		return c.Again(renamed(err, "password", "fresh_password"), r.reset)
	}
	p := c.NewPage("reset.done.title")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("reset.done.step"), Who: ui.Who("you"), Links: []ui.Link{{Text: c.T("login"), Href: "/login"}}}
	return c.Draw(p)
}

func (r *Room) join(c *ui.Call) error {
	c.NeedForm()
	i, company, err := r.People.Invited(c.R.Context(), token(c))
	if err != nil {
		return err
	}
	p := c.NewPage("join.title")
	p.Lead = c.T("join.lead")
	facts := []ui.Fact{c.Fact("col.company", ui.Own(company)), c.Fact("col.email", ui.Own(i.Email)), c.Fact("field.roles", roleCell(c, i.Roles))}
	f := c.NewForm("join", "/account/join", "do.join").Keep("token", token(c))
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Autocomplete: "name"}, "person_name")
	fresh(c, f)
	return c.Draw(p.Put(ui.Block{Facts: facts}, ui.Block{Form: f}))
}

func (r *Room) joinDo(c *ui.Call) error {
	who, _, err := r.People.Join(c.R.Context(), token(c), strings.TrimSpace(c.Form("name")), c.Form("fresh_password"))
	if err != nil {
		return c.Again(renamed(err, "password", "fresh_password"), r.join)
	}
	return r.welcome(c, who.Login, c.Form("fresh_password"))
}

// roleCell draws roles, one a line.
func roleCell(c *ui.Call, roles []string) ui.Cell {
	out := ui.None
	for i, role := range roles {
		if word := c.Word("role." + role); i == 0 {
			out = word
		} else {
			out = out.Then(word)
		}
	}
	return out
}

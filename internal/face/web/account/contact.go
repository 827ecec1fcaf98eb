package account

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// contact mounts one's own address and number, and those bound to the company's account. // spec: 20 A7
func (r *Room) contact() {
	r.Post(r.path("/security/email"), "security", access.AccountWrite, r.emailDo)
	r.Post(r.path("/security/mobile"), "security", access.AccountWrite, r.mobileSend)
	r.Post(r.path("/security/mobile/code"), "security", access.AccountWrite, r.mobileConfirm)
	r.Get(r.path("/company"), "company", access.AccountRead, r.companyShow)
	r.Post(r.path("/company"), "company", access.CompanyContact, r.companyDo)
	r.Post(r.path("/company/code"), "company", access.CompanyContact, r.companyCode)
}

// emailDoors mounts the page that the link to a new address leads to.
func (r *Room) emailDoors() {
	r.Get("/account/email", "", "", r.emailConfirm)
	r.Post("/account/email", "", "", r.emailConfirmDo)
}

// contactBlocks are the part of the security page about address and number.
func (r *Room) contactBlocks(c *ui.Call, m people.Me) []ui.Block {
	email := c.NewForm("email", r.path("/security/email"), "do.email")
	email.Behind = c.T("do.email")
	value := ""
	if m.Person.VerifiedAt.IsZero() {
		value = m.Person.Email // to be proved
	}
	c.Add(email, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Value: value, Autocomplete: "email"}, "new_email")
	current(c, email, "")
	blocks := []ui.Block{c.In("security.contact", ui.Block{Form: email, Note: c.T("security.contact.note")})}
	if m.Person.Mobile != "" && m.Person.MobileVerifiedAt.IsZero() {
		if c.Form("form") == "mobile-send" && !c.Failed() || c.Form("form") == "mobile" {
			f := c.NewForm("mobile", r.path("/security/mobile/code"), "do.prove")
			c.Add(f, ui.Field{Name: "code", Required: true, MaxLength: 6, Autocomplete: "one-time-code"}, "sms_code")
			return append(blocks, c.In("security.mobile", ui.Block{Form: f, Note: c.T("security.mobile.sent")}))
		}
		blocks = append(blocks, c.In("security.mobile", ui.Block{Form: c.NewForm("mobile-send", r.path("/security/mobile"), "do.code"), Note: c.T("security.mobile.note")}))
	}
	return blocks
}

func (r *Room) emailDo(c *ui.Call) error {
	if err := r.People.ChangeEmail(c.R.Context(), c.Actor, c.Form("email"), c.Form("current_password")); err != nil {
		return c.Again(renamed(err, "password", "current_password"), r.securityShow)
	}
	return c.Done(r.path("/security"), "email")
}

// mobileSend sends the code and shows the page that asks for it.
func (r *Room) mobileSend(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error { return r.People.SendMobileCode(ctx, tx, c.Actor) })
	if err != nil {
		return c.Again(err, r.securityShow)
	}
	return r.securityShow(c)
}

func (r *Room) mobileConfirm(c *ui.Call) error {
	if err := r.People.ConfirmMobile(c.R.Context(), c.Actor, c.Form("code")); err != nil {
		return c.Again(err, r.securityShow)
	}
	return c.Done(r.path("/security"), "proved")
}

// emailConfirm asks for a click: a scanner that follows the links of mails changes nothing.
func (r *Room) emailConfirm(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("email.confirm.title")
	p.Lead = c.T("email.confirm.lead")
	return c.Draw(p.Put(ui.Block{Form: c.NewForm("email", "/account/email", "do.email.confirm").Keep("token", token(c))}))
}

func (r *Room) emailConfirmDo(c *ui.Call) error {
	email, err := r.People.ConfirmEmail(c.R.Context(), token(c))
	if err != nil {
		return c.Again(err, r.emailConfirm)
	}
	p := c.NewPage("email.confirmed.title")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("email.confirmed.step"), Who: ui.Nobody, Links: []ui.Link{{Text: c.T("go.account"), Href: "/account"}}}
	return c.Draw(p.Put(ui.Block{Facts: []ui.Fact{c.Fact("col.email", ui.Own(email))}}))
}

// companyShow is what the marketplace knows of the company.
func (r *Room) companyShow(c *ui.Call) error {
	co, err := r.People.Company(c.R.Context(), c.Actor, c.Actor.CompanyID)
	if err != nil {
		return err
	}
	p := c.NewPage("company.title")
	p.Lead, p.ID = c.T("company.lead"), co.ID
	email, mobile := !co.EmailVerifiedAt.IsZero(), !co.MobileVerifiedAt.IsZero()
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("company.step.good"), Who: ui.Nobody}
	if !email || co.Mobile != "" && !mobile {
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("company.step.open"), Who: ui.Who("you")}
	}
	p.Put(c.In("block.facts", ui.Block{Facts: []ui.Fact{c.Fact("col.company", ui.Own(co.Name)), c.Fact("col.kind", c.Word("company."+string(co.Kind))), c.Fact("col.email", provedCell(c, co.Email, email)), c.Fact("col.mobile", provedCell(c, co.Mobile, mobile)),
		c.Fact("col.created", c.When(co.CreatedAt))}, Note: c.T("company.name.note")}))
	if c.May(string(access.CompanyContact)) {
		if co.Mobile != "" && !mobile {
			f := c.NewForm("code", r.path("/company/code"), "do.prove")
			c.Add(f, ui.Field{Name: "code", Required: true, MaxLength: 6, Autocomplete: "one-time-code"}, "sms_code")
			p.Put(c.In("security.mobile", ui.Block{Form: f, Note: c.T("company.mobile.note")}))
		}
		f := c.NewForm("contact", r.path("/company"), "do.save")
		c.Add(f, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Value: co.Email}, "company_email")
		c.Add(f, ui.Field{Name: "mobile", MaxLength: party.MaxMobile, Value: co.Mobile}, "company_mobile")
		p.Put(c.In("company.contact", ui.Block{Form: f, Note: c.T("company.contact.note")}))
	}
	return c.Draw(p)
}

func (r *Room) companyDo(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.SetContact(ctx, tx, c.Actor, c.Actor.CompanyID, c.Form("email"), c.Form("mobile"))
	})
	if err != nil {
		return c.Again(err, r.companyShow)
	}
	return c.Done(r.path("/company"), "contact")
}

func (r *Room) companyCode(c *ui.Call) error {
	if err := r.People.ConfirmCompanyMobile(c.R.Context(), c.Actor, c.Actor.CompanyID, c.Form("code")); err != nil {
		return c.Again(err, r.companyShow)
	}
	return c.Done(r.path("/company"), "proved")
}

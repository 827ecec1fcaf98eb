package backoffice

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/trade"
)

func (r *Room) companies() {
	r.Get("/operator/companies", "companies", "", r.companyList)
	r.Post("/operator/companies", "companies", access.CompanyCreate, r.newCompany)
	r.Get("/operator/companies/{id}", "companies", "", r.companyShow)
	r.Post("/operator/companies/{id}/name", "companies", access.CompanyCreate, r.rename)
	r.Post("/operator/companies/{id}/people", "companies", access.PersonWrite, r.newPerson)
	r.Post("/operator/companies/{id}/top-ups", "companies", access.CompanyTopUp, r.topUp)
}

var kinds = []string{string(party.Buyer), string(party.Seller), string(party.Operator)}

func (r *Room) companyList(c *ui.Call) error {
	at, id, err := desk.InstantMark(c)
	if err != nil {
		return err
	}
	cs, err := r.People.Companies(c.R.Context(), c.Actor, c.Choice("kind", kinds), c.Query("words"), at, id, desk.Limit(c))
	if err != nil {
		return err
	}
	cs, next := desk.Cut(c, cs, func(one party.Company) string { return desk.MarkAt(one.CreatedAt, one.ID) })
	t := ui.NewTable(c.Frame, cs, []ui.Column[party.Company]{
		{Head: "col.company", Cell: func(one party.Company) ui.Cell {
			return ui.To("/operator/companies/"+one.ID, one.Name).Then(ui.SmallOwn(one.ID))
		}},
		{Head: "col.kind", Cell: func(one party.Company) ui.Cell { return c.Word("company." + string(one.Kind)) }},
		{Head: "col.email", Cell: func(one party.Company) ui.Cell { return ui.Own(one.Email) }},
		{Head: "col.created", Cell: func(one party.Company) ui.Cell { return c.When(one.CreatedAt) }},
	}, next)
	if c.Exporting() {
		return c.CSV("companies", t)
	}
	p := c.NewPage("companies.title")
	p.Lead = c.T("companies.lead")
	p.Filter = c.Filtering(ui.Field{Name: "words"}, ui.Field{Name: "kind", Kind: "select", Options: c.Choices("company.", kinds, true)})
	empty := ui.Empty{Text: c.T("companies.empty"), Help: c.T("companies.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)})
	if c.May("company.create") {
		f := c.NewForm("company", "/operator/companies", "do.company")
		f.Behind = c.T("do.company.ask")
		c.Add(f, ui.Field{Name: "kind", Kind: "select", Value: "seller", Options: c.Choices("company.", kinds, false)}, "")
		c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Autocomplete: "off"}, "company_name")
		c.Add(f, ui.Field{Name: "email", Kind: "email", MaxLength: 128, Autocomplete: "off"}, "")
		c.Add(f, ui.Field{Name: "mobile", MaxLength: 32, Autocomplete: "off"}, "")
		p.Put(c.In("block.company.new", ui.Block{Form: f}))
	}
	return c.Draw(p)
}

func (r *Room) newCompany(c *ui.Call) error {
	var co party.Company
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
		co, err = r.People.CreateCompany(ctx, tx, c.Actor, people.NewCompany{Kind: party.Kind(c.Form("kind")), Name: strings.TrimSpace(c.Form("name")), Email: strings.TrimSpace(c.Form("email")), Mobile: strings.TrimSpace(c.Form("mobile"))})
		return err
	})
	if err != nil {
		return c.Again(err, r.companyList)
	}
	return c.Done("/operator/companies/"+co.ID, "company")
}

func (r *Room) companyShow(c *ui.Call) error {
	ctx := c.R.Context()
	co, err := r.People.Company(ctx, c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	p := c.NewThing(co.Name, c.Crumb("/operator/companies", "companies.title"))
	p.ID = co.ID
	at := "/operator/companies/" + co.ID
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("company.step." + string(co.Kind)), Who: ui.Nobody}
	facts := []ui.Fact{c.Fact("col.kind", c.Word("company."+string(co.Kind))), c.Fact("col.email", ui.Own(co.Email)), c.Fact("col.mobile", ui.Own(co.Mobile)), c.Fact("col.created", c.When(co.CreatedAt))}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: facts}))
	switch co.Kind {
	case party.Seller:
		if err := r.sellerBlocks(c, co, p); err != nil {
			return err
		}
	case party.Buyer:
		if err := r.buyerBlocks(c, co, p); err != nil {
			return err
		}
	}
	if c.May("company.create") {
		f := c.NewForm("rename", at+"/name", "do.save")
		f.Behind = c.T("do.rename")
		c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Value: co.Name, Autocomplete: "off"}, "company_name")
		p.Put(ui.Block{Form: f})
	}
	if c.May("person.write") {
		f := c.NewForm("person", at+"/people", "do.person")
		f.Behind = c.T("do.person.ask")
		var roles []string
		for _, role := range access.Roles[co.Kind] {
			roles = append(roles, string(role))
		}
		c.Add(f, ui.Field{Name: "login", Required: true, MaxLength: party.MaxLogin, Autocomplete: "off"}, "")
		c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Autocomplete: "off"}, "person_name")
		c.Add(f, ui.Field{Name: "email", Kind: "email", MaxLength: 128, Autocomplete: "off"}, "")
		c.Add(f, ui.Field{Name: "password", Kind: "password", Required: true, MaxLength: party.MaxPassword, Autocomplete: "new-password"}, "new_password")
		c.Add(f, ui.Field{Name: "roles", Kind: "select", Options: c.Choices("role.", roles, false), Value: roles[0]}, "")
		p.Put(c.In("block.person.new", ui.Block{Form: f}))
	}
	return c.Draw(p)
}

func (r *Room) sellerBlocks(c *ui.Call, co party.Company, p *ui.Page) error {
	a, err := r.Catalogue.Access(c.R.Context(), c.Actor, co.ID)
	if err != nil {
		return err
	}
	policy := co.RetryPolicy
	if policy == "" {
		policy = string(r.Kernel.Settings().RetryPolicy)
	}
	facts := []ui.Fact{c.Fact("field.retry_policy", c.Word("policy."+policy))}
	for _, one := range a.Addresses {
		facts = append(facts, ui.Fact{Label: c.T("class." + one.Class), Cell: ui.Code(one.URL)})
	}
	p.Put(c.In("block.addresses", ui.Block{Half: true, Facts: facts}))
	ls, err := r.Catalogue.Find(c.R.Context(), c.Actor, catalogue.ProductFilter{SellerID: co.ID}, "", desk.PageSize)
	if err != nil {
		return err
	}
	p.Put(c.In("nav.operator.products", ui.Block{Table: desk.ProductTable(c, ls, "", "/operator/products/", false).Or(ui.Empty{Text: c.T("products.empty"), Help: c.T("products.empty.operator")})}))
	return nil
}

func (r *Room) buyerBlocks(c *ui.Call, co party.Company, p *ui.Page) error {
	ctx := c.R.Context()
	if c.May("ledger.read") {
		accounts, _, err := r.Trade.FindAccounts(ctx, c.Actor, co.ID, "", "", desk.PageSize)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			p.Figures = append(p.Figures, ui.Figure{Label: c.T("account." + last(a.Name)), Value: c.Money(a.Balance.String(), string(a.Currency)), Href: "/operator/ledger/accounts/" + a.Name})
		}
	}
	if c.May("company.topup") {
		f := c.NewForm("top-up", "/operator/companies/"+co.ID+"/top-ups", "do.topup").Keep("key", ui.Key())
		f.Lead = c.T("topup.two")
		c.Add(f, ui.Field{Name: "amount", Required: true, MaxLength: 16, Placeholder: "1000.00", Autocomplete: "off"}, "")
		c.Add(f, ui.Field{Name: "currency", Kind: "select", Value: "CNY", Options: c.OwnChoices([]string{"CNY", "USD", "EUR"}, false)}, "")
		p.Put(c.In("block.topup", ui.Block{Half: true, Form: f}))
	}
	os, err := r.Trade.Find(ctx, c.Actor, trade.OrderFilter{BuyerID: co.ID}, c.NoTime(), "", 10, false)
	if err != nil {
		return err
	}
	t, err := r.OrderTable(c, os, "")
	if err != nil {
		return err
	}
	p.Put(c.In("block.orders", ui.Block{Table: t.Or(ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty.operator")})}))
	return nil
}

// rename gives a company another name, after its papers were seen. // spec: 20 A3
func (r *Room) rename(c *ui.Call) error {
	id := c.R.PathValue("id")
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.Rename(ctx, tx, c.Actor, id, c.Form("name"))
	})
	if err != nil {
		return c.Again(err, r.companyShow)
	}
	return c.Done("/operator/companies/"+id, "saved")
}

func last(account string) string { return account[strings.LastIndex(account, ":")+1:] }

func (r *Room) newPerson(c *ui.Call) error {
	id := c.R.PathValue("id")
	in := people.NewPerson{CompanyID: id, Login: strings.TrimSpace(c.Form("login")), Name: strings.TrimSpace(c.Form("name")), Email: strings.TrimSpace(c.Form("email")), Password: c.Form("password"), Roles: []access.Role{access.Role(c.Form("roles"))}}
	err := in.Check()
	if err == nil {
		in.PasswordHash = people.HashPassword(in.Password) // slow on purpose: not inside the transaction
		err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
			_, err := r.People.CreatePerson(ctx, tx, c.Actor, in)
			return err
		})
	}
	if err != nil {
		return c.Again(err, r.companyShow)
	}
	return c.Done("/operator/companies/"+id, "person")
}

func (r *Room) topUp(c *ui.Call) error {
	id := c.R.PathValue("id")
	_, err := r.Once(c, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		u, err := r.Trade.TopUp(ctx, tx, c.Actor, id, strings.TrimSpace(c.Form("amount")), c.Form("currency"))
		return u.ID, err
	})
	if err != nil {
		return c.Again(err, r.companyShow)
	}
	return c.Done("/operator/top-ups", "topup")
}

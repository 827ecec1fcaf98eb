package account

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// members mounts the people of one's company. // spec: 20 A6
func (r *Room) members() {
	r.Get(r.path("/members"), "members", access.PersonRead, r.memberList)
	r.Post(r.path("/members/invite"), "members", access.PersonWrite, r.invite)
	r.Post(r.path("/members/invitations/{id}/withdraw"), "members", access.PersonWrite, r.withdraw)
	r.Get(r.path("/members/roles"), "members", access.PersonRead, r.roleTable)
	r.Get(r.path("/members/{id}"), "members", access.PersonRead, r.memberShow)
	r.Post(r.path("/members/{id}/{do}"), "members", access.PersonWrite, r.memberDo)
}

func (r *Room) roleOptions(c *ui.Call) []ui.Option {
	var names []string
	for _, role := range access.Roles[r.Kind] {
		names = append(names, string(role))
	}
	return c.Choices("role.", names, false)
}

func memberState(p party.Colleague) ui.State {
	if !p.DisabledAt.IsZero() {
		return ui.Use("off")
	}
	return ui.Use("on")
}

func (r *Room) memberList(c *ui.Call) error {
	ctx := c.R.Context()
	after := ""
	if page := c.Query("page"); page != "" {
		m, err := cursor.Decode(page, 1)
		if err != nil {
			return err
		}
		after = m[0]
	}
	list, err := r.People.People(ctx, c.Actor, c.Actor.CompanyID, after, cursor.DefaultSize+1)
	if err != nil {
		return err
	}
	next := ""
	if len(list) > cursor.DefaultSize {
		list = list[:cursor.DefaultSize]
		next = cursor.Encode(list[len(list)-1].Login)
	}
	open, err := r.People.Invitations(ctx, c.Actor, c.Actor.CompanyID)
	if err != nil {
		return err
	}
	p := c.NewPage("members.title")
	p.Lead = c.T("members.lead", "N", party.MaxSubUsers)
	p.Actions = []ui.Link{{Text: c.T("go.roles"), Href: r.path("/members/roles")}}
	if c.May(string(access.PersonWrite)) {
		f := c.NewForm("invite", r.path("/members/invite"), "do.invite")
		f.Behind = c.T("do.invite")
		c.Add(f, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Autocomplete: "off"}, "")
		roles := r.roleOptions(c)
		c.Add(f, ui.Field{Name: "roles", Kind: "select", Options: roles, Value: roles[len(roles)-1].Value}, "")
		p.Put(ui.Block{Form: f})
	}
	p.Put(ui.Block{Table: ui.NewTable(c.Frame, list, []ui.Column[party.Colleague]{
		{Head: "col.person", Cell: func(m party.Colleague) ui.Cell {
			return ui.To(r.path("/members/"+m.ID), m.Name).Then(ui.SmallOwn(m.Login))
		}},
		{Head: "field.roles", Cell: func(m party.Colleague) ui.Cell { return roleCell(c, m.Roles) }},
		{Head: "col.state", Cell: func(m party.Colleague) ui.Cell { return c.Chip(memberState(m)) }},
		{Head: "col.goods", Cell: func(m party.Colleague) ui.Cell {
			if m.Limited {
				return c.Word("kind.goods.given")
			}
			return c.Word("kind.goods.all")
		}},
		{Head: "security.totp", Cell: func(m party.Colleague) ui.Cell {
			if m.HasTOTP {
				return c.Chip(ui.State{ID: "state.totp.on", Tone: ui.Good})
			}
			return ui.None
		}},
		{Head: "col.signin", Cell: func(m party.Colleague) ui.Cell { return c.When(m.LastSignIn) }},
	}, next)})
	if len(open) > 0 {
		p.Put(c.In("members.open", ui.Block{Table: ui.NewTable(c.Frame, open, []ui.Column[party.Invitation]{
			{Head: "col.email", Cell: func(i party.Invitation) ui.Cell { return ui.Own(i.Email) }},
			{Head: "field.roles", Cell: func(i party.Invitation) ui.Cell { return roleCell(c, i.Roles) }},
			{Head: "col.created", Cell: func(i party.Invitation) ui.Cell { return c.When(i.CreatedAt) }},
			{Head: "col.until", Cell: func(i party.Invitation) ui.Cell { return c.When(i.ExpiresAt) }},
			{Head: "col.do", Cell: func(i party.Invitation) ui.Cell {
				if !c.May(string(access.PersonWrite)) {
					return ui.None
				}
				return c.Button(r.path("/members/invitations/"+i.ID+"/withdraw"), "do.withdraw", "btn-sm")
			}},
		}, "")}))
	}
	return c.Draw(p)
}

func (r *Room) invite(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.People.Invite(ctx, tx, c.Actor, c.Actor.CompanyID, c.Form("email"), []access.Role{access.Role(c.Form("roles"))}, language(c))
		return err
	})
	if err != nil {
		return c.Again(err, r.memberList)
	}
	return c.Done(r.path("/members"), "invited")
}

func (r *Room) withdraw(c *ui.Call) error {
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.Withdraw(ctx, tx, c.Actor, c.Actor.CompanyID, c.R.PathValue("id"))
	})
	if err != nil {
		return err
	}
	return c.Done(r.path("/members"), "withdrawn")
}

// member reads one colleague.
func (r *Room) member(c *ui.Call) (party.Colleague, error) {
	m, err := r.People.Member(c.R.Context(), c.Actor, c.Actor.CompanyID, c.R.PathValue("id"))
	return m, err
}

func (r *Room) memberShow(c *ui.Call) error {
	m, err := r.member(c)
	if err != nil {
		return err
	}
	p := c.NewThing(m.Name, c.Crumb(r.path("/members"), "members.title"))
	p.ID, p.Lead = m.ID, c.T("member.lead")
	state := memberState(m)
	p.Chip = &state
	p.Put(c.In("block.facts", ui.Block{Facts: []ui.Fact{c.Fact("field.login", ui.Own(m.Login)), c.Fact("col.email", provedCell(c, m.Email, !m.VerifiedAt.IsZero())), c.Fact("col.mobile", provedCell(c, m.Mobile, !m.MobileVerifiedAt.IsZero())), c.Fact("field.roles", roleCell(c, m.Roles)),
		c.Fact("col.created", c.When(m.CreatedAt)), c.Fact("col.signin", c.When(m.LastSignIn))}}))
	if c.May(string(access.PersonWrite)) {
		at := r.path("/members/" + m.ID)
		details := c.NewForm("details", at+"/details", "do.save")
		details.Behind = c.T("do.profile")
		addDetails(c, details, m.Person)
		email := c.NewForm("email", at+"/email", "do.email")
		email.Behind = c.T("do.email")
		c.Add(email, ui.Field{Name: "email", Kind: "email", Required: true, MaxLength: party.MaxEmail, Value: m.Email}, "new_email")
		p.Put(ui.Block{Form: details}, ui.Block{Form: email})
		if !m.VerifiedAt.IsZero() {
			p.Put(ui.Block{Form: c.NewForm("reset", at+"/reset", "do.member.reset")})
		}
		f := c.NewForm("roles", at+"/roles", "do.roles")
		f.Behind = c.T("do.roles")
		c.Add(f, ui.Field{Name: "roles", Kind: "checks", Options: r.roleOptions(c), Values: m.Roles}, "")
		p.Put(c.In("members.roles", ui.Block{Form: f, Note: c.T("members.roles.note"), More: ui.Link{Text: c.T("go.roles"), Href: r.path("/members/roles")}}))
		if access.ByProduct(asRoles(m.Roles)) {
			given, err := r.productForm(c, m, at)
			if err != nil {
				return err
			}
			p.Put(c.In("members.products", ui.Block{Form: given, Note: c.T("members.products.note")}))
		}
		if m.DisabledAt.IsZero() {
			off := c.NewForm("disable", at+"/disable", "do.disable")
			off.Behind, off.Consequence, off.Tone = c.T("do.disable"), c.T("members.disable.consequence"), "btn-danger"
			p.Put(ui.Block{Form: off})
		} else {
			p.Put(ui.Block{Form: c.NewForm("enable", at+"/enable", "do.enable")})
		}
		away := c.NewForm("remove", at+"/remove", "do.remove")
		away.Behind = c.T("do.remove")
		c.Dangerous(away, "members.remove.consequence", m.Login)
		p.Put(ui.Block{Form: away})
	}
	return c.Draw(p)
}

func (r *Room) memberDo(c *ui.Call) error {
	id := c.R.PathValue("id")
	m, err := r.member(c)
	if err != nil {
		return err
	}
	to, done := r.path("/members/"+id), "saved"
	if c.R.PathValue("do") == "reset" {
		if err := r.People.RequestReset(c.R.Context(), m.Login); err != nil {
			return c.Again(err, r.memberShow)
		}
		return c.Done(to, "member.reset")
	}
	err = r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		switch c.R.PathValue("do") {
		case "roles":
			_, err := r.People.SetRoles(ctx, tx, c.Actor, c.Actor.CompanyID, id, asRoles(c.FormAll("roles")))
			return err
		case "email":
			done = "email"
			return r.People.ChangeMemberEmail(ctx, tx, c.Actor, c.Actor.CompanyID, id, c.Form("email"))
		case "products":
			return r.People.GrantAll(ctx, tx, c.Actor, c.Actor.CompanyID, id, c.Form("scope") != "all", c.FormAll("products"))
		case "details":
			return r.People.Edit(ctx, tx, c.Actor, c.Actor.CompanyID, id, typedDetails(c))
		case "disable":
			return r.People.Disable(ctx, tx, c.Actor, c.Actor.CompanyID, id)
		case "enable":
			return r.People.Enable(ctx, tx, c.Actor, c.Actor.CompanyID, id)
		case "remove":
			if err := c.Confirmed(m.Login); err != nil {
				return err
			}
			to, done = r.path("/members"), "removed"
			return r.People.Remove(ctx, tx, c.Actor, c.Actor.CompanyID, id)
		}
		return fault.Unknown("page")
	})
	if err != nil {
		return c.Again(err, r.memberShow)
	}
	return c.Done(to, done)
}

func asRoles(names []string) (out []access.Role) {
	for _, n := range names {
		out = append(out, access.Role(n))
	}
	return out
}

// maxGoods is how many products a form offers.
const maxGoods = 200

// productForm sets which products a sub-user of a seller sees. // spec: 20 A6
func (r *Room) productForm(c *ui.Call, m party.Colleague, at string) (*ui.Form, error) {
	goods, err := r.Goods.Find(c.R.Context(), c.Actor, catalogue.ProductFilter{SellerID: c.Actor.CompanyID}, "", maxGoods)
	if err != nil {
		return nil, err
	}
	given, err := r.People.Granted(c.R.Context(), c.Actor, c.Actor.CompanyID, m.ID)
	if err != nil {
		return nil, err
	}
	f := c.NewForm("products", at+"/products", "do.save")
	c.Add(f, ui.Field{Name: "scope", Kind: "radio", Value: map[bool]string{true: "given", false: "all"}[m.Limited], Options: c.Choices("kind.goods.", []string{"given", "all"}, false)}, "goods_scope")
	field := ui.Field{Name: "products", Kind: "checks", Values: given}
	for _, l := range goods {
		field.Options = append(field.Options, ui.Option{Value: l.Product.ID, Text: l.Product.Name, Own: true})
	}
	if len(goods) == 0 {
		field.Help = c.T("products.empty")
	}
	c.Add(f, field, "goods")
	return f, nil
}

// roleTable tells who may what: the one table that decides, as far as it is about this kind of company.
func (r *Room) roleTable(c *ui.Call) error {
	var rows []access.Action
	may := func(role access.Role, action access.Action) bool {
		return access.Can(access.Actor{PersonID: "x", CompanyKind: r.Kind, Roles: []access.Role{role}}, action)
	}
	for _, action := range access.Actions() {
		for _, role := range access.Roles[r.Kind] {
			if may(role, action) {
				rows = append(rows, action)
				break
			}
		}
	}
	columns := []ui.Column[access.Action]{{Head: "col.action", Cell: func(a access.Action) ui.Cell { return c.Word("action." + string(a)) }}}
	for _, role := range access.Roles[r.Kind] {
		head := "role." + string(role)
		columns = append(columns, ui.Column[access.Action]{Head: head, Cell: func(a access.Action) ui.Cell {
			if may(role, a) {
				return c.Chip(ui.State{ID: "state.may", Tone: ui.Good})
			}
			return ui.None
		}})
	}
	p := c.NewPage("roles.title")
	p.Lead = c.T("roles.lead")
	p.Crumbs = []ui.Link{c.Crumb(r.path("/members"), "members.title")}
	return c.Draw(p.Put(ui.Block{Table: ui.NewTable(c.Frame, rows, columns, ""), Note: c.T("roles.note." + string(r.Kind))}))
}

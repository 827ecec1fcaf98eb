package sellercentre

import (
	"context"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

func (r *Room) access() {
	r.Get("/seller/access", "access", access.SellerKeys, r.accessShow)
	r.Post("/seller/access/addresses", "access", access.SellerAddress, r.setAddress)
	r.Post("/seller/access/retry-policy", "access", access.SellerAddress, r.setPolicy)
	r.Post("/seller/access/keys/{class}", "access", access.SellerKeys, r.rotate)
	r.Post("/seller/access/keys/{class}/reveal", "access", access.SellerKeys, r.reveal)
}

var policies = []string{"koogallery", "standard", "patient"}

func (r *Room) accessShow(c *ui.Call) error { return r.accessPage(c, nil) }

// accessPage shows addresses and keys; a secret only as the notice of the click that asked for it.
func (r *Room) accessPage(c *ui.Call, secret *ui.Notice) error {
	a, err := r.Catalogue.Access(c.R.Context(), c.Actor, c.Actor.CompanyID)
	if err != nil {
		return err
	}
	p := c.NewPage("access.title")
	p.Lead, p.Notice, p.Tabs = c.T("access.lead"), secret, accessTabs(c, "/seller/access")
	switch {
	case len(a.Addresses) == 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("access.step.address"), Who: ui.Seller}
	case len(a.Keys) == 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("access.step.key"), Who: ui.Seller}
	default:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("access.step.ready"), Who: ui.Nobody}
	}
	var products []string
	for _, one := range a.Addresses {
		products = append(products, one.ProductID)
	}
	names, err := r.Catalogue.Names(c.R.Context(), products...)
	if err != nil {
		return err
	}
	p.Put(c.In("block.addresses", ui.Block{Table: ui.NewTable(c.Frame, a.Addresses, []ui.Column[catalogue.AddressRow]{
		{Head: "col.class", Cell: func(one catalogue.AddressRow) ui.Cell { return c.Word("class." + one.Class) }},
		{Head: "col.product", Cell: func(one catalogue.AddressRow) ui.Cell {
			if one.ProductID == "" {
				return c.Word("address.all")
			}
			return ui.To("/seller/products/"+one.ProductID, names[one.ProductID])
		}},
		{Head: "col.address", Cell: func(one catalogue.AddressRow) ui.Cell { return ui.Code(one.URL) }},
		{Head: "col.state", Cell: func(one catalogue.AddressRow) ui.Cell {
			if one.Verified {
				return c.Chip(ui.Use("on"))
			}
			return c.Chip(ui.Use("end")).Then(c.ToWord("/seller/domains", "address.unproved"))
		}},
		{Head: "col.updated", Cell: func(one catalogue.AddressRow) ui.Cell { return c.When(one.UpdatedAt) }},
	}, "").Or(ui.Empty{Text: c.T("addresses.empty"), Help: c.T("addresses.empty.help")})}))
	if c.Actor.Limited { // addresses, keys and schedules of all products are not its business
		p.Step = &ui.Step{Tone: ui.Plain, Text: c.T("access.limited"), Who: ui.Nobody}
		return c.Draw(p)
	}
	form := c.NewForm("address", "/seller/access/addresses", "do.save")
	c.Add(form, ui.Field{Name: "class", Kind: "select", Value: "base", Options: c.Choices("class.", catalogue.Classes, false)}, "")
	c.Add(form, ui.Field{Name: "address", Placeholder: "https://www.example.com/produce", Required: true, MaxLength: 512, Autocomplete: "off"}, "")
	p.Put(c.In("block.address.new", ui.Block{Half: true, Form: form}))
	policy := a.RetryPolicy
	if policy == "" {
		policy = string(r.Kernel.Settings().RetryPolicy)
	}
	pf := c.NewForm("policy", "/seller/access/retry-policy", "do.save")
	c.Add(pf, ui.Field{Name: "retry_policy", Kind: "radio", Value: policy, Options: c.Choices("policy.", policies, false), Help: c.T("policy.help")}, "")
	p.Put(c.In("block.policy", ui.Block{Half: true, Form: pf}))
	newest := map[string]int{}
	for _, k := range a.Keys {
		newest[k.Class] = max(newest[k.Class], k.Version)
	}
	t := ui.NewTable(c.Frame, a.Keys, []ui.Column[catalogue.KeyVersion]{
		{Head: "col.class", Cell: func(k catalogue.KeyVersion) ui.Cell { return c.Word("class." + k.Class) }},
		{Head: "col.version", Num: true, Cell: func(k catalogue.KeyVersion) ui.Cell { return ui.Own(fmt.Sprint(k.Version)) }},
		{Head: "col.key", Cell: func(k catalogue.KeyVersion) ui.Cell { return ui.Code("••••••••••••") }},
		{Head: "col.state", Cell: func(k catalogue.KeyVersion) ui.Cell {
			if k.Version == newest[k.Class] {
				return c.Chip(ui.Use("on"))
			}
			return c.Chip(ui.Use("end")).Then(c.Small("key.until").And(c.When(k.RetiredAt)))
		}},
		{Head: "col.created", Cell: func(k catalogue.KeyVersion) ui.Cell { return c.When(k.CreatedAt) }},
		{Head: "col.do", Cell: func(k catalogue.KeyVersion) ui.Cell {
			if k.Version != newest[k.Class] {
				return ui.None
			}
			return c.Button("/seller/access/keys/"+k.Class+"/reveal", "do.reveal", "btn-sm")
		}},
	}, "").Or(ui.Empty{Text: c.T("keys.empty"), Help: c.T("keys.empty.help")})
	p.Put(c.In("block.keys", ui.Block{Table: t, Note: c.T("keys.note")}))
	for _, class := range catalogue.Classes {
		f := c.NewForm("rotate-"+class, "/seller/access/keys/"+class, "do.rotate")
		f.Behind = c.T("do.rotate.ask", "CLASS", c.T("class."+class))
		f.Consequence, f.Tone = c.T("key.rotate.means"), "btn-danger"
		c.Add(f, ui.Field{Name: "key", MaxLength: 128, Autocomplete: "off"}, "")
		p.Put(ui.Block{Half: true, Form: f})
	}
	return c.Draw(p)
}

func (r *Room) setAddress(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Catalogue.SetAddress(ctx, tx, c.Actor, c.Actor.CompanyID, c.Form("class"), "", strings.TrimSpace(c.Form("address")))
	})
	if err != nil {
		return c.Again(err, r.accessShow)
	}
	return c.Done("/seller/access", "saved")
}

func (r *Room) setPolicy(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Catalogue.SetRetryPolicy(ctx, tx, c.Actor, c.Actor.CompanyID, c.Form("retry_policy"))
	})
	if err != nil {
		return c.Again(err, r.accessShow)
	}
	return c.Done("/seller/access", "saved")
}

// rotate sets a new version of a key. One that we drew is shown this once.
func (r *Room) rotate(c *ui.Call) error {
	typed, shown := strings.TrimSpace(c.Form("key")), ""
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
		_, shown, err = r.Catalogue.SetKey(ctx, tx, c.Actor, c.Actor.CompanyID, c.R.PathValue("class"), typed)
		return err
	})
	if err != nil {
		return c.Again(err, r.accessShow)
	}
	if typed != "" {
		return c.Done("/seller/access", "rotated")
	}
	return r.accessPage(c, &ui.Notice{Tone: ui.Good, Text: c.T("key.rotated"), Code: shown})
}

func (r *Room) reveal(c *ui.Call) error {
	key, err := r.Catalogue.RevealKey(c.R.Context(), c.Actor, c.R.PathValue("class"))
	if err != nil {
		return c.Again(err, r.accessShow)
	}
	return r.accessPage(c, &ui.Notice{Tone: ui.Attention, Text: c.T("key.shown", "CLASS", c.T("class."+c.R.PathValue("class"))), Code: key})
}

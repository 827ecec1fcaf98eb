package backoffice

import (
	"context"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

func (r *Room) products() {
	r.Get("/operator/reviews", "reviews", access.ProductApprove, r.reviews)
	r.Get("/operator/products", "products", access.ProductRead, r.productList)
	r.Get("/operator/products/{id}", "products", access.ProductRead, r.productShow)
	for _, d := range []catalogue.Decide{catalogue.Approve, catalogue.Reject, catalogue.Suspend, catalogue.Resume, catalogue.Delist, catalogue.RefuseDelist} {
		r.Post("/operator/products/{id}/"+string(d), "products", access.ProductApprove, func(c *ui.Call) error {
			id := c.R.PathValue("id")
			err := r.Lab.ProveMove(c.R.Context(), c.Actor, id, d)
			if err == nil {
				err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
					_, err := r.Catalogue.Move(ctx, tx, c.Actor, id, d, strings.TrimSpace(c.Form("reason")))
					return err
				})
			}
			if err != nil {
				return c.Again(err, r.productShow)
			}
			return c.Done("/operator/products/"+id, "product."+string(d))
		})
	}
}

func (r *Room) list(c *ui.Call, f catalogue.ProductFilter, title string, empty ui.Empty) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	ls, err := r.Catalogue.Find(c.R.Context(), c.Actor, f, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	ls, next := desk.Cut(c, ls, func(l catalogue.Listing) string { return cursor.Encode(l.Product.ID) })
	t := desk.ProductTable(c, ls, next, "/operator/products/", true)
	if c.Exporting() {
		return c.CSV("products", t)
	}
	p := c.NewPage(title)
	p.Lead = c.T(title + ".lead")
	if title == "reviews.title" {
		p.Actions = []ui.Link{{Text: c.T("queue.title"), Href: "/operator/revisions"}}
	}
	if title != "reviews.title" {
		p.Filter = c.Filtering(ui.Field{Name: "words"}, ui.Field{Name: "status", Kind: "select", Options: desk.ProductStates(c)})
		if p.Filter.Clear != "" {
			empty = c.NoMatch(p.Filter.Clear)
		}
	}
	if title != "reviews.title" && c.May("product.approve") {
		proposed, err := r.proposals(c)
		if err != nil {
			return err
		}
		asked, err := r.delistsAsked(c)
		if err != nil {
			return err
		}
		if len(asked.Rows) > 0 {
			p.Put(c.In("block.delists", ui.Block{Table: asked, Note: c.T("delists.note")}))
		}
		if len(proposed.Rows) > 0 {
			p.Put(c.In("block.proposals", ui.Block{Table: proposed, Note: c.T("proposals.note")}))
		}
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

// proposal is a product whose suspension the platform proposes after too many failed orders.
type proposal struct {
	product catalogue.Listing
	failed  string
	at      time.Time
}

// proposals lists those that are still on sale, the newest first. // spec: 01 §2.11
func (r *Room) proposals(c *ui.Call) (*ui.Table, error) {
	ns, err := r.Inbox.Notices(c.R.Context(), c.Actor, "", cursor.MaxSize)
	if err != nil {
		return nil, err
	}
	var all []proposal
	seen := map[string]bool{}
	for _, n := range ns {
		id := n.Texts["product_id"]
		if n.Kind != "product.suspension_proposed" || seen[id] {
			continue
		}
		seen[id] = true
		l, err := r.Catalogue.Get(c.R.Context(), c.Actor, id)
		if err != nil {
			return nil, err
		}
		if l.Product.State == catalog.OnSale {
			all = append(all, proposal{l, n.Texts["failed"], n.CreatedAt})
		}
	}
	return ui.NewTable(c.Frame, all, []ui.Column[proposal]{
		{Head: "col.product", Cell: func(p proposal) ui.Cell {
			return ui.To("/operator/products/"+p.product.Product.ID, p.product.Product.Name)
		}},
		{Head: "col.seller", Cell: func(p proposal) ui.Cell { return ui.Own(p.product.Seller) }},
		{Head: "col.failed", Num: true, Cell: func(p proposal) ui.Cell { return ui.Own(p.failed) }},
		{Head: "col.time", Cell: func(p proposal) ui.Cell { return c.When(p.at) }},
	}, ""), nil
}

// delistsAsked lists the products whose sellers ask to take them off the shelf.
func (r *Room) delistsAsked(c *ui.Call) (*ui.Table, error) {
	ps, err := r.Catalogue.DelistsAsked(c.R.Context(), c.Actor, cursor.MaxSize)
	return ui.NewTable(c.Frame, ps, []ui.Column[catalogue.Page]{
		{Head: "col.product", Cell: func(p catalogue.Page) ui.Cell {
			return ui.To("/operator/products/"+p.Product.ID, p.Product.Name)
		}},
		{Head: "col.seller", Cell: func(p catalogue.Page) ui.Cell { return ui.Own(p.Seller) }},
		{Head: "col.reason", Cell: func(p catalogue.Page) ui.Cell { return ui.Own(p.DelistReason) }},
		{Head: "col.time", Cell: func(p catalogue.Page) ui.Cell { return c.When(p.DelistAskedAt) }},
	}, ""), err
}

func (r *Room) reviews(c *ui.Call) error {
	return r.list(c, catalogue.ProductFilter{State: string(catalog.InReview)}, "reviews.title", ui.Empty{Text: c.T("reviews.empty"), Help: c.T("reviews.empty.help")})
}

func (r *Room) productList(c *ui.Call) error {
	return r.list(c, catalogue.ProductFilter{State: c.Choice("status", ui.ProductStatuses), Words: c.Query("words")}, "allproducts.title", ui.Empty{Text: c.T("home.empty"), Help: c.T("reviews.empty.help")})
}

func (r *Room) productShow(c *ui.Call) error {
	ctx := c.R.Context()
	page, err := r.Catalogue.Page(ctx, c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	l := page.Listing
	s := ui.ProductState(string(l.Product.State))
	p := c.NewThing(l.Product.Name, c.Crumb("/operator/products", "allproducts.title"))
	p.ID, p.Chip, p.Step = l.Product.ID, &s, c.StepOf(s)
	if l.Product.Reason != "" {
		p.Step.Say(c.Word("product.reason").And(ui.Own(l.Product.Reason)))
	}
	if c.May("product.approve") {
		r.decisions(c, page, p)
	}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("col.seller", ui.To("/operator/companies/"+l.Product.SellerID, l.Seller)), c.Fact("col.summary", ui.Own(l.Product.Summary)),
		c.Fact("col.protocol", c.Word("protocol."+string(l.Product.Protocol))), c.Fact("col.created", c.When(l.Product.CreatedAt)), c.Fact("col.updated", c.When(l.Product.UpdatedAt)),
	}}))
	a, err := r.Catalogue.Access(ctx, c.Actor, l.Product.SellerID)
	if err != nil {
		return err
	}
	p.Put(c.In("block.addresses", ui.Block{Half: true, Table: ui.NewTable(c.Frame, a.Addresses, []ui.Column[catalogue.AddressRow]{
		{Head: "col.class", Cell: func(one catalogue.AddressRow) ui.Cell { return c.Word("class." + one.Class) }},
		{Head: "col.address", Cell: func(one catalogue.AddressRow) ui.Cell { return ui.Code(one.URL) }},
	}, "").Or(ui.Empty{Text: c.T("addresses.empty"), Help: c.T("addresses.empty.operator")})}))
	p.Put(c.In("block.skus", ui.Block{Table: desk.SKUTable(c, l)}))
	if err := r.Proved(c, p, l.Product.ID); err != nil {
		return err
	}
	os, err := r.Trade.Find(ctx, c.Actor, trade.OrderFilter{ProductID: l.Product.ID}, c.NoTime(), "", 10, false)
	if err != nil {
		return err
	}
	t, err := r.OrderTable(c, os, "")
	if err != nil {
		return err
	}
	p.Put(c.In("block.orders", ui.Block{Table: t.Or(ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty.operator")})}))
	return c.Draw(p)
}

// decisions are what a reviewer can do next with a product.
func (r *Room) decisions(c *ui.Call, page catalogue.Page, p *ui.Page) {
	one := page.Product
	at := "/operator/products/" + one.ID
	with := func(id, action, submit, ask, means string) *ui.Form {
		f := c.Dangerous(c.NewForm(id, at+"/"+action, submit), means, "")
		f.Behind = c.T(ask)
		c.Add(f, ui.Field{Name: "reason", Kind: "textarea", Required: true, MaxLength: 500}, "")
		return f
	}
	switch one.State {
	case catalog.InReview:
		p.Step.Forms = append(p.Step.Forms, c.NewForm("approve", at+"/approve", "do.approve"), with("reject", "reject", "do.reject", "do.reject.ask", "product.reject.means"))
	case catalog.OnSale:
		p.Step.Forms = append(p.Step.Forms, with("suspend", "suspend", "do.suspend", "do.suspend.ask", "product.suspend.means"))
	case catalog.Suspended:
		p.Step.Forms = append(p.Step.Forms, c.NewForm("resume", at+"/resume", "do.resume"))
	}
	if one.State == catalog.OnSale || one.State == catalog.Suspended {
		if !page.DelistAskedAt.IsZero() {
			p.Step.Tone, p.Step.Who, p.Step.Text = ui.Attention, ui.Operator, c.T("delist.asked.next")
			p.Step.Say(c.Word("delist.asked").And(ui.Own(page.DelistReason)))
			p.Step.Forms = append(p.Step.Forms, with("refuse-delist", "refuse-delist", "do.delist.refuse", "do.delist.refuse.ask", "delist.refuse.means"))
		}
		p.Step.Forms = append(p.Step.Forms, with("delist", "delist", "do.delist", "do.delist.ask", "product.delist.means"))
	}
}

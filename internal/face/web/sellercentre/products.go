package sellercentre

import (
	"context"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

func (r *Room) products() {
	r.Get("/seller/products", "products", access.ProductRead, r.productList)
	r.Get("/seller/products/{id}", "products", access.ProductRead, r.productShow)
	r.Post("/seller/products/{id}/submit", "products", access.ProductSubmit, r.move(catalogue.Submit, "submitted"))
	r.Post("/seller/products/{id}/request-delist", "products", access.ProductSubmit, r.move(catalogue.RequestDelist, "delist.requested"))
	r.Post("/seller/products/{id}/settings", "products", access.ProductCreate, r.configure)
	r.Post("/seller/products/{id}/purchase-limit", "products", access.ProductCreate, r.limit)
}

func (r *Room) productList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	f := catalogue.ProductFilter{SellerID: c.Actor.CompanyID, State: c.Choice("status", ui.ProductStatuses), Words: c.Query("words")}
	ls, err := r.Catalogue.Find(c.R.Context(), c.Actor, f, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	ls, next := desk.Cut(c, ls, func(l catalogue.Listing) string { return cursor.Encode(l.Product.ID) })
	t := desk.ProductTable(c, ls, next, "/seller/products/", false)
	if c.Exporting() {
		return c.CSV("products", t)
	}
	p := c.NewPage("products.title")
	p.Lead = c.T("products.lead")
	p.Actions = []ui.Link{{Text: c.T("revisions.title"), Href: "/seller/revisions"}}
	if c.May("product.create") {
		p.Put(ui.Block{Form: c.NewForm("new", "/seller/revisions", "do.product.new")})
	}
	p.Filter = c.Filtering(ui.Field{Name: "words"}, ui.Field{Name: "status", Kind: "select", Options: desk.ProductStates(c)})
	empty := ui.Empty{Text: c.T("products.empty"), Help: c.T("products.empty.help"), Actions: []ui.Link{{Text: c.T("go.access"), Href: "/seller/access"}}}
	if c.Actor.Limited {
		empty = ui.Empty{Text: c.T("products.limited"), Help: c.T("products.limited.help")}
	}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

// own reads one of the seller's own products; another's, or one that was not given to a limited sub-user, is unknown.
func (r *Room) own(c *ui.Call) (catalogue.Listing, error) {
	return r.Catalogue.Own(c.R.Context(), c.Actor, c.R.PathValue("id"))
}

func (r *Room) productShow(c *ui.Call) error {
	l, err := r.own(c)
	if err != nil {
		return err
	}
	s := ui.ProductState(string(l.Product.State))
	p := c.NewThing(l.Product.Name, c.Crumb("/seller/products", "products.title"))
	p.ID, p.Chip, p.Step, p.Lead = l.Product.ID, &s, c.StepOf(s), ""
	at := "/seller/products/" + l.Product.ID
	if l.Product.Reason != "" && (l.Product.State == catalog.Rejected || l.Product.State == catalog.Suspended || l.Product.State == catalog.OffShelf) {
		p.Step.Say(c.Word("product.reason").And(ui.Own(l.Product.Reason)))
	}
	if (l.Product.State == catalog.Draft || l.Product.State == catalog.Rejected) && c.May("product.submit") {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("submit", at+"/submit", "do.submit"))
	}
	if l.Product.State != catalog.OffShelf && c.May("product.create") {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("modify", at+"/revisions", "do.modify"))
	}
	if (l.Product.State == catalog.OnSale || l.Product.State == catalog.Suspended) && c.May("product.submit") {
		page, err := r.Catalogue.Page(c.R.Context(), c.Actor, l.Product.ID)
		if err != nil {
			return err
		}
		if page.DelistAskedAt.IsZero() {
			f := c.Dangerous(c.NewForm("delist", at+"/request-delist", "do.delist.request"), "product.delist.means", "")
			f.Behind = c.T("do.delist.request.ask")
			c.Add(f, ui.Field{Name: "reason", Kind: "textarea", Required: true, MaxLength: 500}, "")
			p.Step.Forms = append(p.Step.Forms, f)
		} else {
			p.Step.Say(c.Word("delist.waiting").And(c.When(page.DelistAskedAt)).And(ui.Own(page.DelistReason)))
		}
	}
	if l.Product.State == catalog.OnSale {
		p.Actions = []ui.Link{{Text: c.T("go.storefront"), Href: "/products/" + l.Product.ID}}
	}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("col.summary", ui.Own(l.Product.Summary)), c.Fact("col.protocol", c.Word("protocol."+string(l.Product.Protocol))),
		c.Fact("col.created", c.When(l.Product.CreatedAt)), c.Fact("col.updated", c.When(l.Product.UpdatedAt)),
	}}))
	p.Put(c.In("block.orders.of", ui.Block{Half: true, Text: c.T("product.orders.text"), More: ui.Link{Text: c.T("go.orders"), Href: "/seller/orders?words=" + ui.Query(l.Product.Name)}}))
	p.Put(c.In("block.skus", ui.Block{Table: desk.SKUTable(c, l)}))
	if err := r.Proved(c, p, l.Product.ID); err != nil {
		return err
	}
	if b, any, err := r.sharingBlock(c, l.Product.ID); err != nil {
		return err
	} else if any {
		p.Put(b)
	}
	if c.May("product.create") {
		p.Put(c.In("block.limit", ui.Block{Form: limitForm(c, l, at), Note: c.T("limit.note")}))
		p.Put(c.In("block.settings", ui.Block{Form: settingsForm(c, l.Product, at), Note: c.T("settings.note")}))
	}
	return c.Draw(p)
}

// switches are the settings that are on or off. // spec: 02 §1.5–1.10, §2.6, §2.14
var switches = []struct {
	name string
	get  func(*catalog.Settings) *bool
}{
	{"send_user", func(s *catalog.Settings) *bool { return &s.SendUser }},
	{"send_mobile", func(s *catalog.Settings) *bool { return &s.SendMobile }},
	{"send_email", func(s *catalog.Settings) *bool { return &s.SendEmail }},
	{"stable_business_id", func(s *catalog.Settings) *bool { return &s.StableBusinessID }},
	{"always_send_test_flag", func(s *catalog.Settings) *bool { return &s.AlwaysSendTestFlag }},
	{"lenient_content_type", func(s *catalog.Settings) *bool { return &s.LenientContentType }},
	{"ready_without_info", func(s *catalog.Settings) *bool { return &s.ReadyWithoutInfo }},
	{"product_info_text", func(s *catalog.Settings) *bool { return &s.ProductInfoText }},
}

func settingsForm(c *ui.Call, p catalog.Product, at string) *ui.Form {
	f := c.NewForm("settings", at+"/settings", "do.save")
	s := p.Settings
	for _, one := range switches {
		c.Add(f, ui.Field{Name: one.name, Kind: "checkbox", Checked: *one.get(&s)}, "")
	}
	bits := "256"
	if s.SealBits == 128 {
		bits = "128"
	}
	c.Add(f, ui.Field{Name: "seal_bits", Kind: "select", Value: bits, Options: c.OwnChoices([]string{"256", "128"}, false)}, "")
	return f
}

func (r *Room) configure(c *ui.Call) error {
	l, err := r.own(c)
	if err != nil {
		return err
	}
	bits, err := strconv.Atoi(c.Form("seal_bits"))
	if err != nil {
		bits = -1 // which the service refuses
	}
	err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.Adjust(ctx, tx, c.Actor, l.Product.ID, func(s *catalog.Settings) { // what has no field of its own stays
			for _, one := range switches {
				*one.get(s) = c.Form(one.name) != ""
			}
			s.SealBits = bits
		})
		return err
	})
	if err != nil {
		return c.Again(err, r.productShow)
	}
	return c.Done("/seller/products/"+l.Product.ID, "saved")
}

// move asks for a decision about one of the seller's products.
func (r *Room) move(d catalogue.Decide, done string) ui.Handler {
	return func(c *ui.Call) error {
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
		return c.Done("/seller/products/"+id, done)
	}
}

package sellercentre

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// shop mounts what the seller says of itself in its shop. // spec: 20 A4
func (r *Room) shop() {
	r.Get("/seller/shop", "shop", access.ShopEdit, r.shopShow)
	r.PostFiles("/seller/shop", "shop", access.ShopEdit, r.shopDo)
}

func (r *Room) shopShow(c *ui.Call) error {
	s, err := r.Catalogue.Shop(c.R.Context(), c.Actor.CompanyID)
	if err != nil {
		return err
	}
	p := c.NewPage("shop.settings.title")
	p.Lead = c.T("shop.settings.lead")
	p.Actions = []ui.Link{{Text: c.T("go.shop.page"), Href: "/shops/" + s.ID}}
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("shop.step.good"), Who: ui.Nobody}
	if s.Introduction == "" || s.Logo == "" || s.Phone == "" && s.Email == "" {
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("shop.step.open"), Who: ui.Seller}
	}
	logo := s.Logo
	if kept := c.Form("logo_id"); kept != "" {
		logo = kept // uploaded a moment ago, with a form that was refused for something else
	}
	version := strconv.FormatInt(s.Version, 10)
	if typed := c.Form("version"); typed != "" && c.Code() != "shop_changed" {
		version = typed
	}
	f := c.NewForm("shop", "/seller/shop", "do.save").Keep("version", version, "logo_id", logo)
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Value: s.Name}, "shop_name")
	c.Add(f, ui.Field{Name: "introduction", Kind: "textarea", Rows: 8, MaxLength: catalogue.MaxIntroduction, Value: s.Introduction, Wide: true}, "shop_introduction")
	c.Add(f, ui.Field{Name: "logo", Kind: "file", Accept: "image/png,image/jpeg"}, "shop_logo")
	c.Add(f, ui.Field{Name: "contact_name", MaxLength: catalogue.MaxShopLine, Value: s.ContactName}, "shop_contact")
	c.Add(f, ui.Field{Name: "phone", MaxLength: catalogue.MaxShopLine, Value: s.Phone}, "shop_phone")
	c.Add(f, ui.Field{Name: "email", Kind: "email", MaxLength: party.MaxEmail, Value: s.Email}, "shop_email")
	c.Add(f, ui.Field{Name: "hours", MaxLength: catalogue.MaxShopLine, Value: s.Hours}, "shop_hours")
	c.Add(f, ui.Field{Name: "website", MaxLength: 255, Value: s.Website}, "shop_website")
	facts := []ui.Fact{c.Fact("col.company", ui.Own(s.Company))}
	if logo != "" {
		facts = append(facts, c.Fact("shop.logo", ui.Cell{HTML: `<img class="logo big" src="/files/` + ui.Attr(logo) + `" alt="" width="76" height="76">`}))
	}
	p.Put(c.In("block.facts", ui.Block{Facts: facts}), c.In("shop.settings", ui.Block{Form: f, Note: c.T("shop.settings.note")}))
	return c.Draw(p)
}

func (r *Room) shopDo(c *ui.Call) error {
	version, err := strconv.ParseInt(c.Form("version"), 10, 64)
	if err != nil {
		version = -1 // no shop has it: the service says that it is stale
	}
	in := catalogue.Shop{Name: c.Form("name"), Introduction: c.Form("introduction"), Logo: c.Form("logo_id"), ContactName: c.Form("contact_name"), Phone: c.Form("phone"), Email: c.Form("email"), Hours: c.Form("hours"),
		Website: c.Form("website"), Version: version}
	file, header, err := c.R.FormFile("logo")
	if err == nil {
		f, err := r.Catalogue.UploadLogo(c.R.Context(), c.Actor, header.Filename, file)
		_ = file.Close()
		if err != nil {
			return c.Again(ui.Renamed(err, "file", "logo"), r.shopShow)
		}
		in.Logo = f.ID
		c.R.PostForm.Set("logo_id", f.ID)
	} else if !errors.Is(err, http.ErrMissingFile) && !errors.Is(err, http.ErrNotMultipart) {
		return err
	}
	err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.SaveShop(ctx, tx, c.Actor, c.Actor.CompanyID, in)
		return err
	})
	if err != nil {
		return c.Again(err, r.shopShow)
	}
	return c.Done("/seller/shop", "saved")
}

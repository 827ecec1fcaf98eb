package storefront

import (
	"html/template"

	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

type shopPage struct {
	*ui.Frame
	Shop     catalogue.Shop
	About    template.HTML // the introduction, made safe
	Website  string        // "" when it is none that a browser may open
	Face     face
	Products []template.HTML
	Total    string
	Sorts    []ui.Link
	Next     string
	Empty    *ui.Empty
}

// shop is a seller's shop: who it is and all that it sells.
func (r *Room) shop(c *ui.Call) error {
	shop, err := r.Catalogue.Shop(c.R.Context(), c.R.PathValue("id"))
	if err != nil {
		return err
	}
	q := catalogue.SearchQuery{SellerID: shop.ID, Size: searchSize, Sort: c.Choice("sort", []string{catalogue.SortPopular, catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating})}
	if q.Sort == "" {
		q.Sort = catalogue.SortPopular
	}
	found, err := r.Search.Find(c.R.Context(), q, c.Query("page"))
	if err != nil {
		return err
	}
	c.Title = shop.Name
	p := shopPage{Frame: c.Frame, Shop: shop, About: template.HTML(catalogue.RenderMarkdown(shop.Introduction)), Website: ui.Safe(shop.Website), Face: faceOf(shop.Name, shop.Logo), Products: drawAll(c.Frame, found.Cards), Total: c.T("search.total", "N", found.Total)}
	for _, s := range []string{catalogue.SortPopular, catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating} {
		p.Sorts = append(p.Sorts, ui.Link{Text: c.T("search.sort." + s), Href: c.With("sort", s), Current: q.Sort == s})
	}
	if found.Next != "" {
		p.Next = c.With("page", found.Next)
	}
	if len(p.Products) == 0 {
		p.Empty = &ui.Empty{Text: c.T("shop.empty"), Help: c.T("shop.empty.help")}
	}
	return c.Show("shop.html", &p)
}

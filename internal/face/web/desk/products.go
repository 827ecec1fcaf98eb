package desk

import (
	"fmt"
	"sort"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

// ProductTable draws products as the consoles show them; at begins the address of each.
func ProductTable(c *ui.Call, ls []catalogue.Listing, next, at string, seller bool) *ui.Table {
	type col = ui.Column[catalogue.Listing]
	columns := []col{{Head: "col.product", Sort: "name", Less: func(a, b catalogue.Listing) int { return strings.Compare(a.Product.Name, b.Product.Name) },
		Cell: func(l catalogue.Listing) ui.Cell {
			return ui.To(at+l.Product.ID, l.Product.Name).Then(ui.SmallOwn(ui.Shorten(l.Product.Summary, 60)))
		}}}
	if seller {
		columns = append(columns, col{Head: "col.seller", Sort: "seller", Less: func(a, b catalogue.Listing) int { return strings.Compare(a.Seller, b.Seller) },
			Cell: func(l catalogue.Listing) ui.Cell { return ui.To("/operator/companies/"+l.Product.SellerID, l.Seller) }})
	}
	return ui.NewTable(c.Frame, ls, append(columns,
		col{Head: "col.protocol", Cell: func(l catalogue.Listing) ui.Cell { return c.Word("protocol." + string(l.Product.Protocol)) }},
		col{Head: "col.skus", Num: true, Cell: func(l catalogue.Listing) ui.Cell { return ui.Own(fmt.Sprint(len(l.SKUs))) }},
		col{Head: "col.state", Sort: "state", Less: func(a, b catalogue.Listing) int {
			return strings.Compare(string(a.Product.State), string(b.Product.State))
		}, Cell: func(l catalogue.Listing) ui.Cell {
			return c.Chip(ui.ProductState(string(l.Product.State))).Then(ui.SmallOwn(l.Product.Reason))
		}},
		col{Head: "col.updated", Sort: "updated", Less: func(a, b catalogue.Listing) int { return a.Product.UpdatedAt.Compare(b.Product.UpdatedAt) },
			Cell: func(l catalogue.Listing) ui.Cell { return c.When(l.Product.UpdatedAt) }},
	), next)
}

// ProductStates are the options of a filter by sale state.
func ProductStates(c *ui.Call) []ui.Option {
	out := []ui.Option{{Text: c.T("any")}}
	for _, s := range ui.ProductStatuses {
		out = append(out, ui.Option{Value: s, Text: c.T(ui.ProductState(s).ID)})
	}
	return out
}

// SKUTable draws what is sold of a product.
func SKUTable(c *ui.Call, l catalogue.Listing) *ui.Table {
	return ui.NewTable(c.Frame, l.SKUs, []ui.Column[catalog.SKU]{
		{Head: "col.sku", Cell: func(s catalog.SKU) ui.Cell { return ui.Own(s.Name).Then(ui.SmallOwn(s.Code)) }},
		{Head: "col.attributes", Cell: func(s catalog.SKU) ui.Cell {
			var parts []string
			for name, value := range s.Attributes.Fixed {
				parts = append(parts, name+": "+value)
			}
			sort.Strings(parts)
			if q := s.Attributes.Quantity; q != nil {
				parts = append(parts, fmt.Sprintf("%s: %d–%d %s", q.Name, q.Min, q.Max, q.Unit))
			}
			cell := ui.None
			for i, one := range parts {
				if i == 0 {
					cell = ui.Own(one)
				} else {
					cell = cell.Then(ui.Own(one))
				}
			}
			return cell
		}},
		{Head: "col.price", Cell: func(s catalog.SKU) ui.Cell {
			cell := ui.None
			for i, o := range l.Offers[s.Code] {
				one := c.Amount(o.Price, string(o.Currency))
				for _, b := range c.Bands(o.Tariff(s), string(o.Currency)) {
					one = one.Then(ui.SmallOwn(b))
				}
				one = one.And(c.Small("period." + string(o.PeriodType))).And(ui.Code(o.ID))
				if i == 0 {
					cell = one
				} else {
					cell = cell.Then(one)
				}
			}
			return cell
		}},
	}, "")
}

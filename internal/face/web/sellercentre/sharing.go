package sellercentre

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
)

// sharing mounts which sub-users a product is given to (商品授权). // spec: 20 A6, B9
func (r *Room) sharing() {
	r.Post("/seller/products/{id}/sharing", "products", access.PersonWrite, r.share)
}

// sharingBlock is the form on the product's page; nothing where no sub-user is limited.
func (r *Room) sharingBlock(c *ui.Call, product string) (ui.Block, bool, error) {
	if !c.May("person.write") {
		return ui.Block{}, false, nil
	}
	all, given, err := r.People.Sharing(c.R.Context(), c.Actor, product)
	if err != nil || len(all) == 0 {
		return ui.Block{}, false, err
	}
	f := c.NewForm("sharing", "/seller/products/"+product+"/sharing", "do.save")
	field := ui.Field{Name: "persons", Kind: "checks"}
	for _, one := range all {
		field.Options = append(field.Options, ui.Option{Value: one.ID, Text: one.Name, Own: true})
		if given[one.ID] {
			field.Values = append(field.Values, one.ID)
		}
	}
	c.Add(f, field, "")
	return c.In("product.sharing", ui.Block{Form: f, Note: c.T("product.sharing.note")}), true, nil
}

func (r *Room) share(c *ui.Call) error {
	id := c.R.PathValue("id")
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.Share(ctx, tx, c.Actor, id, c.FormAll("persons"))
	})
	if err != nil {
		return c.Again(err, r.productShow)
	}
	return c.Done("/seller/products/"+id, "saved")
}

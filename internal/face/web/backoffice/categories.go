package backoffice

import (
	"context"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// categories is the tree that products stand in: two levels, named in both languages,
// ordered, and retired rather than deleted. // spec: 20 B9, B9a
func (r *Room) categories() {
	r.Get("/operator/categories", "categories", access.ProductApprove, r.categoryList)
	r.Post("/operator/categories", "categories", access.ProductApprove, func(c *ui.Call) error { return r.categorySave(c, "", r.categoryList) })
	r.Get("/operator/categories/{id}", "categories", access.ProductApprove, r.categoryShow)
	r.Post("/operator/categories/{id}", "categories", access.ProductApprove, func(c *ui.Call) error { return r.categorySave(c, c.R.PathValue("id"), r.categoryShow) })
}

func (r *Room) categoryList(c *ui.Call) error {
	tree, err := r.Catalogue.Categories(c.R.Context())
	if err != nil {
		return err
	}
	counts, err := r.Catalogue.CategoryCounts(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	var rows []catalog.Category
	parents := []ui.Option{{Text: c.T("category.top")}}
	for _, k := range tree {
		if k.ParentID != "" {
			continue
		}
		parents = append(parents, ui.Option{Value: k.ID, Text: k.NameZH + " / " + k.NameEN, Own: true})
		rows = append(rows, k)
		for _, child := range tree {
			if child.ParentID == k.ID {
				rows = append(rows, child)
				counts[k.ID] += counts[child.ID]
			}
		}
	}
	p := c.NewPage("categories.title")
	p.Lead = c.T("categories.lead")
	p.Put(ui.Block{Table: ui.NewTable(c.Frame, rows, []ui.Column[catalog.Category]{
		{Head: "col.category", Cell: func(k catalog.Category) ui.Cell {
			cell := ui.To("/operator/categories/"+k.ID, k.NameZH).Then(ui.SmallOwn(k.NameEN))
			if k.ParentID != "" {
				cell = ui.Own("└").And(cell)
			}
			return cell
		}},
		{Head: "col.category.code", Cell: func(k catalog.Category) ui.Cell { return ui.Code(k.ID) }},
		{Head: "col.position", Num: true, Cell: func(k catalog.Category) ui.Cell { return ui.Own(strconv.Itoa(k.Position)) }},
		{Head: "col.products", Num: true, Cell: func(k catalog.Category) ui.Cell { return ui.Own(strconv.Itoa(counts[k.ID])) }},
		{Head: "col.state", Cell: func(k catalog.Category) ui.Cell {
			if k.Retired {
				return c.Chip(ui.State{ID: "category.retired", Tone: ui.Plain})
			}
			return c.Chip(ui.State{ID: "category.open", Tone: ui.Good})
		}},
	}, "").Or(ui.Empty{Text: c.T("categories.empty"), Help: c.T("categories.empty.help")})})
	form := c.NewForm("new", "/operator/categories", "do.category.new")
	c.Add(form, ui.Field{Name: "parent_id", Kind: "select", Options: parents}, "category.parent")
	r.categoryFields(c, form, catalog.Category{Position: len(rows)})
	return c.Draw(p.Put(c.In("categories.new", ui.Block{Form: form})))
}

func (r *Room) categoryFields(c *ui.Call, f *ui.Form, k catalog.Category) {
	c.Add(f, ui.Field{Name: "name_zh", Value: k.NameZH, Required: true, MaxLength: 60}, "category.name_zh")
	c.Add(f, ui.Field{Name: "name_en", Value: k.NameEN, Required: true, MaxLength: 60}, "category.name_en")
	c.Add(f, ui.Field{Name: "position", Kind: "number", Value: strconv.Itoa(k.Position), Min: "0", Max: "9999"}, "category.position")
}

func (r *Room) categoryOf(c *ui.Call) (catalog.Category, error) {
	tree, err := r.Catalogue.Categories(c.R.Context())
	for _, k := range tree {
		if k.ID == c.R.PathValue("id") {
			return k, err
		}
	}
	if err == nil {
		err = fault.Unknown("category")
	}
	return catalog.Category{}, err
}

func (r *Room) categoryShow(c *ui.Call) error {
	k, err := r.categoryOf(c)
	if err != nil {
		return err
	}
	s := ui.State{ID: "category.open", Tone: ui.Good}
	if k.Retired {
		s = ui.State{ID: "category.retired", Tone: ui.Plain}
	}
	p := c.NewThing(k.NameZH+" / "+k.NameEN, c.Crumb("/operator/categories", "categories.title"))
	p.ID, p.Chip, p.Lead = k.ID, &s, c.T("category.next")
	p.Actions = []ui.Link{{Text: c.T("go.storefront"), Href: "/categories/" + k.ID}}
	form := c.NewForm("category", "/operator/categories/"+k.ID, "do.save")
	r.categoryFields(c, form, k)
	c.Add(form, ui.Field{Name: "retired", Kind: "checkbox", Checked: k.Retired}, "category.retired")
	return c.Draw(p.Put(c.In("block.category", ui.Block{Form: form})))
}

func (r *Room) categorySave(c *ui.Call, id string, page ui.Handler) error {
	k := catalog.Category{ID: id, ParentID: c.Form("parent_id"), NameZH: strings.TrimSpace(c.Form("name_zh")), NameEN: strings.TrimSpace(c.Form("name_en")), Retired: c.Form("retired") != ""}
	if id != "" {
		if _, err := r.categoryOf(c); err != nil {
			return err
		}
	}
	var err error
	if k.Position, err = strconv.Atoi(c.Form("position")); err != nil {
		k.Position = -1 // which the service refuses
	}
	err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
		k, err = r.Catalogue.PutCategory(ctx, tx, c.Actor, k)
		return err
	})
	if err != nil {
		return c.Again(err, page)
	}
	return c.Done("/operator/categories/"+k.ID, "saved")
}

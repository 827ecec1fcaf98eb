package storefront

import (
	"html/template"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

// How much the home page shows.
const (
	homePopular = 4
	homeNew     = 8
	homeShops   = 8
)

type homePage struct {
	*ui.Frame
	Groups       []group
	Popular, New []template.HTML
	Shops        []shopLink
	Total        string
	Empty        *ui.Empty
}

// group is a category with its children, as far as something is sold there.
type group struct {
	ui.Link
	Icon     string
	Count    int
	Children []ui.Link
}

type shopLink struct {
	ui.Link
	face
	Count int
}

var groupIcons = map[string]string{"enterprise": "people", "developer": "plug", "security": "shield", "industry": "box"}

// home is what a stranger sees first: what there is, what others buy, what is new,
// and what the marketplace promises.
func (r *Room) home(c *ui.Call) error {
	ctx := c.R.Context()
	p := homePage{Frame: c.Frame}
	c.Title = c.T("home.title")
	newest, err := r.Search.Find(ctx, catalogue.SearchQuery{Sort: catalogue.SortNewest, Size: homeNew}, "")
	if err != nil {
		return err
	}
	popular, err := r.Search.Find(ctx, catalogue.SearchQuery{Sort: catalogue.SortPopular, Size: homePopular, Bare: true}, "")
	if err != nil {
		return err
	}
	p.New, p.Popular, p.Total = drawAll(c.Frame, newest.Cards), drawAll(c.Frame, popular.Cards), c.T("search.total", "N", newest.Total)
	if len(p.New) == 0 {
		p.Empty = &ui.Empty{Text: c.T("home.empty"), Help: c.T("home.empty.help")}
		return c.Show("home.html", &p)
	}
	tree, err := r.Search.Tree(ctx)
	if err != nil {
		return err
	}
	counts := map[string]int{}
	for _, one := range newest.Facets[catalogue.FacetCategory] {
		counts[one.Value] = one.Count
	}
	for _, k := range tree {
		if k.ParentID != "" || counts[k.ID] == 0 {
			continue
		}
		g := group{Link: ui.Link{Text: categoryName(c, k), Href: "/categories/" + k.ID, Own: true}, Icon: groupIcons[k.ID], Count: counts[k.ID]}
		if g.Icon == "" {
			g.Icon = "list"
		}
		for _, child := range tree {
			if child.ParentID == k.ID && counts[child.ID] > 0 {
				g.Children = append(g.Children, ui.Link{Text: categoryName(c, child), Href: "/categories/" + child.ID, Own: true})
			}
		}
		p.Groups = append(p.Groups, g)
	}
	for _, one := range newest.Facets[catalogue.FacetSeller] {
		if name := r.Search.Seller(one.Value); name != "" && len(p.Shops) < homeShops {
			p.Shops = append(p.Shops, shopLink{ui.Link{Text: name, Href: "/shops/" + one.Value, Own: true}, faceOf(name, ""), one.Count})
		}
	}
	return c.Show("home.html", &p)
}

func categoryName(c *ui.Call, k catalog.Category) string {
	if c.Lang() == "zh-CN" {
		return k.NameZH
	}
	return k.NameEN
}

package storefront

import (
	"html/template"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
)

type facet struct {
	Name    string
	Choices []facetChoice
}

// HTML draws the facet's links.
func (f facet) HTML() template.HTML {
	var h html
	h.Grow(200 * len(f.Choices))
	h.raw(`<h2>`).text(f.Name).raw(`</h2><ul>`)
	own := map[bool]string{true: ` data-own`}
	for _, one := range f.Choices {
		h.raw(`<li`, map[bool]string{true: ` class="child"`}[one.Child], `><a href="`).text(one.Href).raw(`"`, map[bool]string{true: ` aria-current="true"`}[one.Current], `><span`, own[one.Own], `>`).text(one.Text).raw(`</span>`)
		if one.Count > 0 {
			h.raw(` <small data-own>`, strconv.Itoa(one.Count), `</small>`)
		}
		h.raw(`</a></li>`)
	}
	return h.raw(`</ul>`).done()
}

type facetChoice struct {
	ui.Link
	Count int
	Child bool
}

type listPage struct {
	*ui.Frame
	Heading, Words string
	Own            bool // the heading is a name
	Crumbs         []ui.Link
	Products       []template.HTML
	Next           string
	Empty          *ui.Empty
	Facets         []facet
	Chosen         []ui.Link // facets in force; each leads to the list without it
	Sorts          []ui.Link
	Total          string
	First          bool // the first page of the list
}

const searchSize = 24

var terms = []string{string(catalog.Month), string(catalog.Year), string(catalog.OneTime)}

// search finds products by words and narrows by facets that stay in the address.
func (r *Room) search(c *ui.Call) error {
	c.Title = c.T("search.title")
	p := listPage{Frame: c.Frame, Heading: c.Title, Words: ui.Shorten(c.Query("q"), 64)}
	c.Search = p.Words
	if p.Words == "" {
		p.Heading = c.T("search.all")
	}
	return r.list(c, &p, c.Query("category"))
}

// category is the list of one category, with the same facets.
func (r *Room) category(c *ui.Call) error {
	tree, err := r.Search.Tree(c.R.Context())
	if err != nil {
		return err
	}
	at := slices.IndexFunc(tree, func(k catalog.Category) bool { return k.ID == c.R.PathValue("id") })
	if at < 0 {
		return fault.Unknown("category")
	}
	p := listPage{Frame: c.Frame, Heading: categoryName(c, tree[at]), Own: true, Crumbs: []ui.Link{c.Crumb("/", "face.storefront")}}
	for _, k := range tree {
		if k.ID == tree[at].ParentID {
			p.Crumbs = append(p.Crumbs, ui.Link{Text: categoryName(c, k), Href: "/categories/" + k.ID, Own: true})
		}
	}
	c.Title = p.Heading
	return r.list(c, &p, tree[at].ID)
}

func (r *Room) list(c *ui.Call, p *listPage, category string) error {
	q := catalogue.SearchQuery{Text: p.Words, Category: category, SellerID: c.Query("seller"), Type: c.Choice("type", []string{catalog.SaaS}), Term: c.Choice("term", terms),
		Delivery: c.Choice("delivery", catalogue.Deliveries), Size: searchSize,
		Sort: c.Choice("sort", []string{catalogue.SortPopular, catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating})}
	switch c.Choice("rating", []string{"3", "4"}) {
	case "3":
		q.MinRating = 3
	case "4":
		q.MinRating = 4
	}
	found, err := r.Search.Find(c.R.Context(), q, c.Query("page"))
	if err != nil {
		return err
	}
	p.First = c.Query("page") == ""
	p.Total, p.Products = c.T("search.total", "N", found.Total), drawAll(c.Frame, found.Cards)
	if found.Next != "" {
		p.Next = c.With("page", found.Next)
	}
	if err := r.facets(c, p, q, found); err != nil {
		return err
	}
	for _, s := range []string{catalogue.SortRelevance, catalogue.SortPopular, catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating} {
		name := s
		if s == "" {
			if name = "relevance"; p.Words == "" {
				continue // nothing to be relevant to: newest first
			}
		}
		p.Sorts = append(p.Sorts, ui.Link{Text: c.T("search.sort." + name), Href: c.With("sort", s), Current: q.Sort == s || p.Words == "" && q.Sort == "" && s == catalogue.SortNewest})
	}
	if len(p.Products) == 0 {
		p.Empty = &ui.Empty{Text: c.T("search.empty"), Help: c.T("search.empty.help"), Actions: []ui.Link{{Text: c.T("search.all"), Href: "/search"}}}
	}
	return c.Show("list.html", p)
}

// facets draws what the list can be narrowed by, with how many each choice finds.
func (r *Room) facets(c *ui.Call, p *listPage, q catalogue.SearchQuery, found catalogue.SearchResult) error {
	tree, err := r.Search.Tree(c.R.Context())
	if err != nil {
		return err
	}
	add := func(name, current string, counts []catalogue.SearchCount, text func(string) string, own bool) {
		f := facet{Name: c.T("facet." + name), Choices: []facetChoice{{Link: ui.Link{Text: c.T("search.any"), Href: c.With(name, ""), Current: current == ""}}}}
		for _, one := range counts {
			word := text(one.Value)
			if word == "" {
				continue
			}
			if current == one.Value {
				p.Chosen = append(p.Chosen, ui.Link{Text: word, Href: c.With(name, ""), Own: own})
			}
			if len(f.Choices) < 12 || current == one.Value {
				f.Choices = append(f.Choices, facetChoice{Link: ui.Link{Text: word, Href: c.With(name, one.Value), Current: current == one.Value, Own: own}, Count: one.Count})
			}
		}
		if len(f.Choices) > 1 {
			p.Facets = append(p.Facets, f)
		}
	}
	p.Facets = append(p.Facets, categoryFacet(c, p, tree, q.Category, found.Facets[catalogue.FacetCategory]))
	word := func(prefix string) func(string) string { return func(v string) string { return c.T(prefix + v) } }
	add("type", q.Type, found.Facets[catalogue.FacetType], word("facet.type."), false)
	add("term", q.Term, inOrder(found.Facets[catalogue.FacetTerm], terms), word("facet.term."), false)
	add("delivery", q.Delivery, inOrder(found.Facets[catalogue.FacetDelivery], catalogue.Deliveries), word("facet.delivery."), false)
	min := ""
	if q.MinRating > 0 {
		min = string(rune('0' + q.MinRating))
	}
	add("rating", min, found.Facets[catalogue.FacetRating], word("facet.rating."), false)
	add("seller", q.SellerID, found.Facets[catalogue.FacetSeller], r.Search.Seller, true)
	return nil
}

// inOrder sorts the values of a facet as they follow each other, not by number.
func inOrder(counts []catalogue.SearchCount, order []string) []catalogue.SearchCount {
	out := slices.Clone(counts)
	slices.SortFunc(out, func(a, b catalogue.SearchCount) int {
		return slices.Index(order, a.Value) - slices.Index(order, b.Value)
	})
	return out
}

// categoryFacet is the tree as far as something is found in it. Within a category's
// own page its choices are pages too.
func categoryFacet(c *ui.Call, p *listPage, tree []catalog.Category, current string, counts []catalogue.SearchCount) facet {
	n := map[string]int{}
	for _, one := range counts {
		n[one.Value] = one.Count
	}
	to := func(id string) string {
		if p.Own {
			if id == "" {
				return "/search"
			}
			return "/categories/" + id
		}
		return c.With("category", id)
	}
	f := facet{Name: c.T("facet.category"), Choices: []facetChoice{{Link: ui.Link{Text: c.T("search.any"), Href: to(""), Current: current == ""}}}}
	for _, k := range tree {
		if k.ParentID != "" || n[k.ID] == 0 {
			continue
		}
		add := func(k catalog.Category) {
			link := ui.Link{Text: categoryName(c, k), Href: to(k.ID), Current: current == k.ID, Own: true}
			if link.Current && !p.Own {
				p.Chosen = append(p.Chosen, ui.Link{Text: link.Text, Href: to(""), Own: true})
			}
			f.Choices = append(f.Choices, facetChoice{link, n[k.ID], k.ParentID != ""})
		}
		add(k)
		for _, child := range tree {
			if child.ParentID == k.ID && n[child.ID] > 0 {
				add(child)
			}
		}
	}
	return f
}

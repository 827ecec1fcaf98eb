package storefront

import (
	"fmt"
	"strconv"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

// facet narrows a search; each choice is a link that keeps the rest of the address.
type facet struct {
	Name    string
	Choices []facetChoice
}

type facetChoice struct {
	ui.Link
	Count int
}

const searchSize = 24

// search finds products by words and facets; filters and sorting live in the address.
func (r *Room) search(c *ui.Call) error {
	words := ui.Shorten(c.Query("q"), 64)
	c.Search = words
	from, err := strconv.Atoi(c.Query("page"))
	if err != nil || from < 0 || from > 10_000 {
		from = 0
	}
	q := catalogue.SearchQuery{Text: words, SellerID: c.Query("seller"), Category: c.Query("category"), Term: c.Choice("term", []string{"month", "year", "one_time"}),
		Sort: c.Choice("sort", []string{catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating}), From: from, Size: searchSize}
	if c.Query("rating") == "4" {
		q.MinRating = 4
	}
	found, err := r.Search.Find(c.R.Context(), q)
	if err != nil {
		return err
	}
	c.Title = c.T("search.title")
	p := listPage{Frame: c.Frame, Heading: c.Title, Words: words, Total: c.T("search.total", "N", found.Total)}
	for _, l := range found.Listings {
		p.Products = append(p.Products, tileOf(l))
	}
	if from+searchSize < found.Total {
		p.Next = c.With("page", strconv.Itoa(from+searchSize))
	}
	if p.Facets, err = r.facets(c, q, found); err != nil {
		return err
	}
	for _, s := range []string{catalogue.SortRelevance, catalogue.SortNewest, catalogue.SortPrice, catalogue.SortRating} {
		name := s
		if s == "" {
			name = "relevance"
		}
		p.Sorts = append(p.Sorts, ui.Link{Text: c.T("search.sort." + name), Href: c.With("sort", s), Current: q.Sort == s})
	}
	if len(p.Products) == 0 {
		p.Empty = &ui.Empty{Text: c.T("search.empty"), Help: c.T("search.empty.help"), Actions: []ui.Link{{Text: c.T("go.shop"), Href: "/"}}}
	}
	return c.Show("list.html", &p)
}

func (r *Room) facets(c *ui.Call, q catalogue.SearchQuery, found catalogue.SearchResult) ([]facet, error) {
	tree, err := r.Catalogue.Categories(c.R.Context())
	if err != nil {
		return nil, err
	}
	byID := map[string]catalog.Category{}
	for _, k := range tree {
		byID[k.ID] = k
	}
	add := func(name, param, current string, counts []catalogue.SearchCount, word func(string) (string, bool)) facet {
		f := facet{Name: c.T("facet." + name), Choices: []facetChoice{{Link: ui.Link{Text: c.T("search.all"), Href: c.With(param, ""), Current: current == ""}}}}
		for _, one := range counts {
			if text, own := word(one.Value); text != "" {
				f.Choices = append(f.Choices, facetChoice{ui.Link{Text: text, Href: c.With(param, one.Value), Current: current == one.Value, Own: own}, one.Count})
			}
		}
		return f
	}
	out := []facet{
		add("category", "category", q.Category, found.Facets["category"], func(id string) (string, bool) {
			k, known := byID[id]
			if !known {
				return "", false
			}
			if c.Lang() == "zh-CN" {
				return k.NameZH, true
			}
			return k.NameEN, true
		}),
		add("term", "term", q.Term, found.Facets["term"], func(t string) (string, bool) {
			id := "facet.term." + t
			return c.T(id), false
		}),
		add("seller", "seller", q.SellerID, found.Facets["seller_id"], func(id string) (string, bool) { return r.People.CompanyName(c.R.Context(), id), true }),
	}
	min := ""
	if q.MinRating > 0 {
		min = fmt.Sprint(q.MinRating)
	}
	return append(out, add("rating", "rating", min, []catalogue.SearchCount{{Value: "4"}}, func(string) (string, bool) { return c.T("facet.rating.4"), false })), nil
}

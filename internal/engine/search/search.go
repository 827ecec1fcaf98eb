// Package search is the full-text index of products on sale (商品搜索): Chinese words
// of two characters, English stems, any case and width, with facets and sorting.
//
// The index is in memory and rebuilt from the database when a process starts; after
// that it follows the change feed. It is never the truth: a page reads its rows from
// the database by the ids found here. It must not know SQL or HTTP.
package search

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/keyword"
	"github.com/blevesearch/bleve/v2/analysis/lang/cjk"
	"github.com/blevesearch/bleve/v2/analysis/lang/en"
	"github.com/blevesearch/bleve/v2/analysis/token/lowercase"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/unicode"
	"github.com/blevesearch/bleve/v2/mapping"
	bsearch "github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
)

// Doc is what is known of a product on sale.
type Doc struct {
	ID       string
	Name     string
	Summary  string
	Seller   string // name
	SellerID string
	Category string // leaf and parent, both found
	Parent   string
	Terms    []string // month, year, one_time
	Tags     []string
	Text     string  // description, highlights
	Price    float64 // lowest, for sorting only
	Rating   float64 // mean of the stars
	Listed   time.Time
}

// Sorts of a result.
const (
	ByRelevance = ""
	ByNewest    = "newest"
	ByPrice     = "price"
	ByRating    = "rating"
)

// Query asks for products. Empty members do not narrow.
type Query struct {
	Text       string
	SellerID   string
	Category   string
	Term       string
	MinRating  float64
	Sort       string
	From, Size int
}

// MaxText bounds the text of a query in characters; a longer one is cut.
const MaxText = 64

// Result is one page of ids with counts for the facets of the whole result.
type Result struct {
	IDs    []string
	Total  int
	Facets map[string][]Count // seller, category, term
}

// Count is one value of a facet.
type Count struct {
	Value string
	Count int
}

// Index is the index. It is safe for concurrent use.
type Index struct{ b bleve.Index }

// New makes an empty index.
func New() (*Index, error) {
	m, err := mappings()
	if err != nil {
		return nil, err
	}
	b, err := bleve.NewMemOnly(m)
	return &Index{b}, err
}

const analyzer = "souk"

func mappings() (*mapping.IndexMappingImpl, error) {
	m := bleve.NewIndexMapping()
	if err := m.AddCustomAnalyzer(analyzer, map[string]any{
		"type": custom.Name, "tokenizer": unicode.Name,
		"token_filters": []string{cjk.WidthName, lowercase.Name, cjk.BigramName, en.SnowballStemmerName},
	}); err != nil {
		return nil, fmt.Errorf("analyzer: %w", err)
	}
	m.DefaultAnalyzer = analyzer
	d := bleve.NewDocumentStaticMapping()
	words := bleve.NewTextFieldMapping()
	words.Analyzer, words.Store, words.IncludeTermVectors, words.DocValues = analyzer, false, false, false
	for _, f := range []string{"name", "summary", "seller", "tags", "text"} {
		d.AddFieldMappingsAt(f, words)
	}
	exact := bleve.NewTextFieldMapping()
	exact.Analyzer, exact.Store, exact.IncludeTermVectors, exact.IncludeInAll = keyword.Name, false, false, false
	for _, f := range []string{"seller_id", "category", "term"} {
		d.AddFieldMappingsAt(f, exact)
	}
	number := bleve.NewNumericFieldMapping()
	number.Store, number.IncludeInAll = false, false
	for _, f := range []string{"price", "rating", "listed"} {
		d.AddFieldMappingsAt(f, number)
	}
	m.DefaultMapping = d
	m.StoreDynamic, m.IndexDynamic, m.DocValuesDynamic = false, false, false
	return m, nil
}

func fields(d Doc) map[string]any {
	category := []string{}
	for _, c := range []string{d.Category, d.Parent} {
		if c != "" {
			category = append(category, c)
		}
	}
	return map[string]any{
		"name": d.Name, "summary": d.Summary, "seller": d.Seller, "seller_id": d.SellerID, "category": category, "term": d.Terms, "tags": strings.Join(d.Tags, " "),
		"text": d.Text, "price": d.Price, "rating": d.Rating, "listed": float64(d.Listed.UnixMilli()),
	}
}

// Put adds or replaces products, and takes those in gone away, in one step.
func (x *Index) Put(docs []Doc, gone []string) error {
	b := x.b.NewBatch()
	for _, d := range docs {
		if err := b.Index(d.ID, fields(d)); err != nil {
			return err
		}
	}
	for _, id := range gone {
		b.Delete(id)
	}
	return x.b.Batch(b)
}

// Size is the number of products in the index.
func (x *Index) Size() int {
	n, err := x.b.DocCount()
	if err != nil {
		return 0
	}
	return int(n)
}

// Find answers a query. Every word must be found, in whichever field; a hit in the
// name counts most.
func (x *Index) Find(ctx context.Context, q Query) (Result, error) {
	var all []query.Query
	text := q.Text
	if r := []rune(text); len(r) > MaxText {
		text = string(r[:MaxText])
	}
	for _, word := range strings.Fields(text) {
		any := query.NewDisjunctionQuery(nil)
		for field, boost := range map[string]float64{"name": 6, "summary": 2, "seller": 2, "tags": 3, "text": 1} {
			m := bleve.NewMatchQuery(word)
			m.SetField(field)
			m.SetBoost(boost)
			m.SetOperator(query.MatchQueryOperatorAnd)
			any.AddQuery(m)
			if field == "name" && len([]rune(word)) > 0 {
				p := bleve.NewPrefixQuery(strings.ToLower(word)) // a word being typed
				p.SetField(field)
				p.SetBoost(1)
				any.AddQuery(p)
			}
		}
		all = append(all, any)
	}
	for field, value := range map[string]string{"seller_id": q.SellerID, "category": q.Category, "term": q.Term} {
		if value != "" {
			t := bleve.NewTermQuery(value)
			t.SetField(field)
			t.SetBoost(0)
			all = append(all, t)
		}
	}
	if q.MinRating > 0 {
		min, yes := q.MinRating, true
		r := bleve.NewNumericRangeInclusiveQuery(&min, nil, &yes, nil)
		r.SetField("rating")
		r.SetBoost(0)
		all = append(all, r)
	}
	var root query.Query = bleve.NewMatchAllQuery()
	if len(all) > 0 {
		root = bleve.NewConjunctionQuery(all...)
	}
	r := bleve.NewSearchRequestOptions(root, q.Size, q.From, false)
	switch q.Sort {
	case ByPrice:
		r.SortBy([]string{"price", "_id"})
	case ByRating:
		r.SortBy([]string{"-rating", "-listed", "_id"})
	case ByNewest:
		r.SortBy([]string{"-listed", "_id"})
	default:
		if strings.TrimSpace(text) == "" {
			r.SortBy([]string{"-listed", "_id"})
		} else {
			r.SortBy([]string{"-_score", "-listed", "_id"})
		}
	}
	for _, f := range []string{"seller_id", "category", "term"} {
		r.AddFacet(f, bleve.NewFacetRequest(f, 30))
	}
	found, err := x.b.SearchInContext(ctx, r)
	if err != nil {
		return Result{}, err
	}
	out := Result{Total: int(found.Total), Facets: map[string][]Count{}}
	for _, h := range found.Hits {
		out.IDs = append(out.IDs, h.ID)
	}
	for name, f := range found.Facets {
		out.Facets[name] = counts(f)
	}
	return out, nil
}

func counts(f *bsearch.FacetResult) (out []Count) {
	for _, t := range f.Terms.Terms() {
		out = append(out, Count{t.Term, t.Count})
	}
	return out
}

// Close frees the index.
func (x *Index) Close() error { return x.b.Close() }

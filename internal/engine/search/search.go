package search

import (
	"cmp"
	"context"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"
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
	Type     string   // access type
	Terms    []string // month, year, one_time
	Tags     []string
	Text     string  // description, highlights
	Price    float64 // lowest, for sorting only
	Rating   float64 // mean of the stars; 0 without any
	Days     int     // until it is delivered; 0: at once
	Sold     int     // for sorting by what others buy
	Listed   time.Time
}

// Sorts of a result.
const (
	ByRelevance = ""
	ByNewest    = "newest"
	ByPopular   = "popular"
	ByPrice     = "price"
	ByRating    = "rating"
)

// Query asks for products. Empty members do not narrow.
type Query struct {
	Text      string
	SellerID  string
	Category  string
	Type      string
	Term      string
	Delivery  string // one of Deliveries
	MinRating int    // stars
	Sort      string
	After     Mark // zero: from the beginning
	Size      int
	Bare      bool // ids alone, neither counted nor with facets: what is first is found at once
}

// Mark is where a page ended. It stays right when products come and go.
type Mark struct {
	Score int
	Value float64
	ID    string
}

// MaxText bounds the text of a query in characters; a longer one is cut.
const MaxText = 64

// Deliveries are how fast a product is there: at once, within days, or later.
var Deliveries = []string{"now", "days3", "days7", "days30", "later"}

// Result is one page of ids with counts for the facets.
type Result struct {
	IDs    []string
	Total  int
	Next   Mark // zero when this is the end
	Facets map[string][]Count
}

// The facets. Each counts what the query would find with that value in place of the
// one chosen, so that the others stay visible.
const (
	FacetCategory = "category"
	FacetType     = "type"
	FacetTerm     = "term"
	FacetSeller   = "seller"
	FacetDelivery = "delivery"
	FacetRating   = "rating" // at least so many stars
)

var facetNames = [...]string{FacetCategory, FacetType, FacetTerm, FacetSeller, FacetDelivery, FacetRating}

// Count is one value of a facet.
type Count struct {
	Value string
	Count int
}

// Fields of a text hit, and what a hit in each is worth.
const (
	inName = 1 << iota
	inTags
	inSummary
	inSeller
	inText
	fieldBits = 5
)

var worth [1 << fieldBits]int

func init() {
	for mask := range worth {
		for bit, w := range [fieldBits]int{12, 6, 4, 4, 2} {
			if mask&(1<<bit) != 0 {
				worth[mask] += w
			}
		}
	}
}

// entry is a document as queries need it. Values of facets are numbers of words.
type entry struct {
	id               string
	seller, category uint32
	parent, kind     uint32
	terms            [3]uint32
	delivery         uint32
	stars            int
	value            [5]float64 // by order
	gone             bool
}

// orders of a result; smaller values come first, later ids before earlier ones.
const (
	newest = iota
	popular
	price
	rating
	nOrders
)

// Index is the index. It is safe for concurrent use.
type Index struct {
	mu       sync.RWMutex
	docs     []entry
	slot     map[string]uint32
	dead     int
	postings map[string][]uint32 // slot<<fieldBits | fields, ascending
	names    []string            // words of names, sorted, for a word being typed
	named    map[string]bool
	words    map[string]uint32 // values of facets, numbered
	values   []string
	order    [nOrders][]uint32 // live slots in their order
	stale    bool              // order and names are to be made anew
}

// New makes an empty index.
func New() *Index {
	return &Index{slot: map[string]uint32{}, postings: map[string][]uint32{}, named: map[string]bool{}, words: map[string]uint32{"": 0}, values: []string{""}}
}

func (x *Index) word(s string) uint32 {
	n, known := x.words[s]
	if !known {
		n = uint32(len(x.values))
		x.words[s] = n
		x.values = append(x.values, s)
	}
	return n
}

func deliveryOf(days int) string {
	switch {
	case days <= 0:
		return "now"
	case days <= 3:
		return "days3"
	case days <= 7:
		return "days7"
	case days <= 30:
		return "days30"
	}
	return "later"
}

// prepared is a document with its words, made without holding the index.
type prepared struct {
	doc   Doc
	words map[string]uint32 // fields
}

func prepare(d Doc) prepared {
	p := prepared{d, map[string]uint32{}}
	add := func(text string, field uint32) { tokens(text, func(t string) { p.words[t] |= field }) }
	add(d.Name, inName)
	add(strings.Join(d.Tags, " "), inTags)
	add(d.Summary, inSummary)
	add(d.Seller, inSeller)
	add(d.Text, inText)
	return p
}

// Put adds or replaces products, and takes those in gone away, in one step.
func (x *Index) Put(docs []Doc, gone []string) {
	ready := make([]prepared, len(docs))
	for i, d := range docs {
		ready[i] = prepare(d)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, id := range gone {
		x.drop(id)
	}
	for _, p := range ready {
		x.drop(p.doc.ID)
		x.add(p)
	}
	if x.dead > 1000 && x.dead > len(x.docs)/4 {
		x.compact()
	}
	x.stale = true
}

func (x *Index) drop(id string) {
	if at, known := x.slot[id]; known {
		x.docs[at].gone = true
		x.dead++
		delete(x.slot, id)
	}
}

func (x *Index) add(p prepared) {
	d := p.doc
	at := uint32(len(x.docs))
	e := entry{id: d.ID, seller: x.word(d.SellerID), category: x.word(d.Category), parent: x.word(d.Parent), kind: x.word(d.Type), delivery: x.word(deliveryOf(d.Days)), stars: int(d.Rating)}
	for i, t := range d.Terms[:min(len(d.Terms), len(e.terms))] {
		e.terms[i] = x.word(t)
	}
	e.value = [5]float64{newest: -float64(d.Listed.UnixMilli()), popular: -float64(d.Sold) - d.Rating/10, price: d.Price, rating: -d.Rating}
	x.docs = append(x.docs, e)
	x.slot[d.ID] = at
	for t, fields := range p.words {
		x.postings[t] = append(x.postings[t], at<<fieldBits|fields)
		if fields&inName != 0 {
			x.named[t] = true
		}
	}
}

// compact forgets the documents that are gone.
func (x *Index) compact() {
	moved := make([]uint32, len(x.docs))
	live := x.docs[:0:0]
	for i, e := range x.docs {
		if !e.gone {
			moved[i] = uint32(len(live))
			x.slot[e.id] = moved[i]
			live = append(live, e)
		}
	}
	for t, ps := range x.postings {
		kept := ps[:0]
		for _, p := range ps {
			if !x.docs[p>>fieldBits].gone {
				kept = append(kept, moved[p>>fieldBits]<<fieldBits|p&(1<<fieldBits-1))
			}
		}
		if x.postings[t] = kept; len(kept) == 0 {
			delete(x.postings, t)
			delete(x.named, t)
		}
	}
	x.docs, x.dead = live, 0
}

// before tells whether a product comes before another place in an order.
func before(av float64, aid string, bv float64, bid string) bool {
	if av != bv {
		return av < bv
	}
	return aid > bid
}

// settle makes what depends on all documents.
func (x *Index) settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.stale {
		return
	}
	x.stale = false
	for o := range nOrders {
		all := make([]uint32, 0, len(x.docs)-x.dead)
		for i := range x.docs {
			if !x.docs[i].gone {
				all = append(all, uint32(i))
			}
		}
		slices.SortFunc(all, func(a, b uint32) int {
			if before(x.docs[a].value[o], x.docs[a].id, x.docs[b].value[o], x.docs[b].id) {
				return -1
			}
			return 1
		})
		x.order[o] = all
	}
	if len(x.names) != len(x.named) {
		x.names = x.names[:0]
		for t := range x.named {
			x.names = append(x.names, t)
		}
		sort.Strings(x.names)
	}
}

// Size is the number of products in the index.
func (x *Index) Size() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.docs) - x.dead
}

// narrow is a query's filters as numbers; 0 does not narrow.
type narrow struct {
	category, kind, term, seller, delivery uint32
	stars                                  int
}

// fails tells which filters a document does not pass, a bit for each facet.
func (n *narrow) fails(e *entry) (bits int) {
	if n.category != 0 && e.category != n.category && e.parent != n.category {
		bits |= 1
	}
	if n.kind != 0 && e.kind != n.kind {
		bits |= 2
	}
	if n.term != 0 && e.terms[0] != n.term && e.terms[1] != n.term && e.terms[2] != n.term {
		bits |= 4
	}
	if n.seller != 0 && e.seller != n.seller {
		bits |= 8
	}
	if n.delivery != 0 && e.delivery != n.delivery {
		bits |= 16
	}
	if e.stars < n.stars {
		bits |= 32
	}
	return bits
}

// counter counts the values of the facets by their numbers.
type counter struct {
	by    [len(facetNames)][]int
	stars [6]int
}

func (c *counter) add(e *entry, fails int) {
	if fails&^1 == 0 {
		c.by[0][e.category]++
		if e.parent != e.category {
			c.by[0][e.parent]++
		}
	}
	if fails&^2 == 0 {
		c.by[1][e.kind]++
	}
	if fails&^4 == 0 {
		for _, t := range e.terms {
			c.by[2][t]++
		}
	}
	if fails&^8 == 0 {
		c.by[3][e.seller]++
	}
	if fails&^16 == 0 {
		c.by[4][e.delivery]++
	}
	if fails&^32 == 0 {
		c.stars[min(e.stars, 5)]++
	}
}

func (x *Index) counts(c *counter) map[string][]Count {
	out := map[string][]Count{}
	for f, name := range facetNames[:5] {
		var cs []Count
		for v, n := range c.by[f] {
			if n > 0 && v != 0 {
				cs = append(cs, Count{x.values[v], n})
			}
		}
		slices.SortFunc(cs, func(a, b Count) int { return cmp.Or(b.Count-a.Count, strings.Compare(a.Value, b.Value)) })
		out[name] = cs
	}
	least := 0
	for s := 5; s >= 3; s-- {
		if least += c.stars[s]; least > 0 && s < 5 {
			out[FacetRating] = append(out[FacetRating], Count{string(rune('0' + s)), least})
		}
	}
	return out
}

// Find answers a query. Every word must be found, in whichever field; a hit in the
// name counts most.
func (x *Index) Find(_ context.Context, q Query) Result {
	x.mu.RLock()
	for x.stale {
		x.mu.RUnlock()
		x.settle()
		x.mu.RLock()
	}
	defer x.mu.RUnlock()
	text := q.Text
	if r := []rune(text); len(r) > MaxText {
		text = string(r[:MaxText])
	}
	n, known := x.narrow(q)
	if !known {
		return Result{Facets: map[string][]Count{}}
	}
	order := map[string]int{ByNewest: newest, ByPopular: popular, ByPrice: price, ByRating: rating}[q.Sort] // relevance: newest among equals
	var c counter
	if !q.Bare {
		for f := range c.by[:5] {
			c.by[f] = make([]int, len(x.values))
		}
	}
	var out Result
	take := func(at uint32, score int) bool {
		e := &x.docs[at]
		fails := n.fails(e)
		if !q.Bare {
			c.add(e, fails)
		}
		if fails != 0 {
			return false
		}
		out.Total++
		m := q.After
		return m.ID == "" || score < m.Score || score == m.Score && before(m.Value, m.ID, e.value[order], e.id)
	}
	var page []hit
	if hits, words := x.matches(text); !words {
		for _, at := range x.order[order] {
			if take(at, 0) && len(page) <= q.Size {
				page = append(page, hit{at, 0})
			}
			if q.Bare && len(page) > q.Size {
				break
			}
		}
	} else {
		for _, h := range hits {
			if x.docs[h.slot].gone {
				continue
			}
			if q.Sort != ByRelevance {
				h.score = 0
			}
			if take(h.slot, h.score) {
				page = append(page, h)
			}
		}
		slices.SortFunc(page, func(a, b hit) int {
			if a.score != b.score {
				return b.score - a.score
			}
			if before(x.docs[a.slot].value[order], x.docs[a.slot].id, x.docs[b.slot].value[order], x.docs[b.slot].id) {
				return -1
			}
			return 1
		})
	}
	if len(page) > q.Size {
		page = page[:q.Size]
		if q.Size > 0 {
			last := page[q.Size-1]
			out.Next = Mark{last.score, x.docs[last.slot].value[order], x.docs[last.slot].id}
		}
	}
	for _, h := range page {
		out.IDs = append(out.IDs, x.docs[h.slot].id)
	}
	if !q.Bare {
		out.Facets = x.counts(&c)
	}
	return out
}

// narrow reads the filters; a value that no product ever had finds nothing.
func (x *Index) narrow(q Query) (n narrow, known bool) {
	known = true
	number := func(s string) uint32 {
		v, ok := x.words[s]
		known = known && ok
		return v
	}
	n = narrow{category: number(q.Category), kind: number(q.Type), term: number(q.Term), seller: number(q.SellerID), delivery: number(q.Delivery), stars: q.MinRating}
	return n, known
}

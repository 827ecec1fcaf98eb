package catalogue

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/search"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Search finds products on sale by words and facets, and holds what lists show of
// them. It is filled when the process starts and follows the change feed afterwards,
// so that lists ask no table; until it is filled, and only then, they are read from
// the database.
type Search struct {
	c     *Catalogue
	index *search.Index

	mu      sync.RWMutex
	cards   map[string]Card
	sellers map[string]string // names
	tree    []catalog.Category

	built      atomic.Bool
	generation atomic.Uint64
	followed   atomic.Int64 // when it was last known to hold everything, in micros of the machine's clock

	// Of the follower alone.
	seen                map[string]time.Time // changes taken over, within the feed's overlap
	from, pruned, sales time.Time            // sales: when they are counted again
	sold                map[string]int
}

// SearchQuery and its kin under names that faces may use.
type (
	SearchQuery = search.Query
	SearchCount = search.Count
)

// Sorts of a search, and its facets.
const (
	SortRelevance = search.ByRelevance
	SortNewest    = search.ByNewest
	SortPopular   = search.ByPopular
	SortPrice     = search.ByPrice
	SortRating    = search.ByRating

	FacetCategory = search.FacetCategory
	FacetType     = search.FacetType
	FacetTerm     = search.FacetTerm
	FacetSeller   = search.FacetSeller
	FacetDelivery = search.FacetDelivery
	FacetRating   = search.FacetRating
)

// Deliveries are the values of the facet of delivery times.
var Deliveries = search.Deliveries

// SearchResult is one page of a search.
type SearchResult struct {
	Cards  []Card
	Total  int
	Next   string // mark of the next page; "" at the end
	Facets map[string][]SearchCount
}

// Card is what a list shows of a product on sale.
type Card struct {
	ID, Name, Summary, Seller, SellerID string
	Logo, Picture                       string // file ids; "" without
	Category                            string
	Protocol                            catalog.Protocol
	Price, Currency, Period             string // the lowest price; "" without an offer
	Rating                              float64
	Ratings                             int64
	Days                                int // until delivered; 0: at once
	TrialDays                           int // longest free trial; 0 without
	Sold                                int // paid orders of the last SoldDays days
	Listed                              time.Time
}

// SoldDays is how far "popular" looks back. The count is taken anew every salesEvery,
// or less often where counting takes long.
const (
	SoldDays   = 90
	salesEvery = 15 * time.Second
)

// followEvery is how often the feed is looked at: a change is found within it.
const followEvery = 250 * time.Millisecond

// NewSearch makes an empty search; Run fills and follows.
func NewSearch(c *Catalogue) *Search {
	return &Search{c: c, index: search.New(), cards: map[string]Card{}, sellers: map[string]string{}, seen: map[string]time.Time{}}
}

// Run fills the index and follows the feed until ctx ends.
func (s *Search) Run(ctx context.Context) error {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		var err error
		if !s.built.Load() {
			err = s.build(ctx)
		} else {
			err = s.follow(ctx)
		}
		if err == nil {
			s.followed.Store(time.Now().UnixMicro())
		}
		if err != nil && ctx.Err() == nil {
			s.c.k.Log.Error("search: the index is behind", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Lag is how long ago the index was last known to hold everything.
func (s *Search) Lag() time.Duration { return time.Since(time.UnixMicro(s.followed.Load())) }

// Ready tells whether the index is filled.
func (s *Search) Ready() bool { return s.built.Load() }

// Generation changes whenever something that the storefront shows to everybody did,
// in whichever process: what was drawn at another generation is out of date. It is 0
// while the index is not filled.
func (s *Search) Generation() uint64 {
	if !s.built.Load() {
		return 0
	}
	return s.generation.Load()
}

const buildBatch = 200

func (s *Search) build(ctx context.Context) error {
	s.from = time.Now() // what changes from now on is in the feed
	if err := s.categories(ctx); err != nil {
		return err
	}
	if err := s.sell(ctx); err != nil {
		return err
	}
	after := ""
	for {
		var ids []string
		if err := s.c.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			ps, err := store.Products(ctx, tx, shopScope(access.Actor{}), after, buildBatch)
			ids = ids[:0]
			for _, p := range ps {
				ids = append(ids, p.ID)
			}
			return err
		}); err != nil {
			return err
		}
		if err := s.take(ctx, ids); err != nil {
			return err
		}
		if len(ids) < buildBatch {
			s.generation.Add(1)
			s.built.Store(true)
			return nil
		}
		after = ids[len(ids)-1]
	}
}

func (s *Search) categories(ctx context.Context) error {
	tree, err := s.c.Categories(ctx)
	if err == nil {
		s.mu.Lock()
		s.tree = tree
		s.mu.Unlock()
	}
	return err
}

// Tree is the categories as they are now.
func (s *Search) Tree(ctx context.Context) ([]catalog.Category, error) {
	if !s.built.Load() {
		return s.c.Categories(ctx)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.tree, nil
}

// Seller is the name of a seller who has or had something on sale; "" for others.
func (s *Search) Seller(id string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.sellers[id]
}

// sell counts what was bought lately.
func (s *Search) sell(ctx context.Context) error {
	began := time.Now()
	err := s.c.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		s.sold, err = store.SoldSince(ctx, tx, s.c.k.Clock.Now().AddDate(0, 0, -SoldDays))
		return err
	})
	s.sales = time.Now().Add(max(salesEvery, 200*time.Since(began)))
	return err
}

// take reads products anew and puts them into the index, or out of it when they are
// on sale no more, or hidden.
func (s *Search) take(ctx context.Context, ids []string) error {
	for part := range slices.Chunk(ids, buildBatch) {
		var all []Page
		if err := s.c.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
			all, err = pages(ctx, tx, part, true)
			return err
		}); err != nil {
			return err
		}
		s.mu.RLock()
		parents := map[string]string{}
		for _, k := range s.tree {
			parents[k.ID] = k.ParentID
		}
		s.mu.RUnlock()
		gone := map[string]bool{}
		for _, id := range part {
			gone[id] = true
		}
		var docs []search.Doc
		var cards []Card
		for _, p := range all {
			if p.Product.State == catalog.OnSale && !p.Hidden {
				delete(gone, p.Product.ID)
				card := cardOf(p, s.sold[p.Product.ID])
				cards = append(cards, card)
				docs = append(docs, docOf(p, card, parents))
			}
		}
		var out []string
		for id := range gone {
			out = append(out, id)
		}
		s.mu.Lock()
		for _, c := range cards {
			s.cards[c.ID], s.sellers[c.SellerID] = c, c.Seller
		}
		for _, id := range out {
			delete(s.cards, id)
		}
		s.mu.Unlock()
		s.index.Put(docs, out)
	}
	return nil
}

// follow takes over what changed. It looks back over the time a transaction may take
// to commit, and knows what it has taken over already: a lower key that is committed
// after a higher one is not missed.
func (s *Search) follow(ctx context.Context) error {
	now := time.Now()
	if now.Sub(s.from) > store.FeedKept-2*store.FeedOverlap {
		s.built.Store(false) // away for too long: start anew
		return nil
	}
	var changes []store.Change
	err := s.c.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		changes, err = store.Changes(ctx, tx, s.from.Add(-store.FeedOverlap))
		return err
	})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	changed, tree := false, false
	for _, c := range changes {
		if _, known := s.seen[c.ID]; known {
			continue
		}
		changed = true
		switch c.Noun {
		case store.ProductChanged:
			ids[c.NounID] = true
		case store.CategoryChanged:
			tree = true
		case store.CompanyChanged:
			for _, card := range s.every() {
				if card.SellerID == c.NounID {
					ids[card.ID] = true
				}
			}
		}
	}
	if tree {
		if err := s.categories(ctx); err != nil {
			return err
		}
	}
	if now.After(s.sales) {
		before := s.sold
		if err := s.sell(ctx); err != nil {
			return err
		}
		for id, n := range s.sold {
			if before[id] != n {
				ids[id], changed = true, true
			}
		}
	}
	if len(ids) > 0 {
		var list []string
		for id := range ids {
			list = append(list, id)
		}
		if err := s.take(ctx, list); err != nil {
			return err
		}
	}
	if changed {
		s.generation.Add(1) // last: what is drawn from now on knows all of it
	}
	for _, c := range changes {
		s.seen[c.ID] = now
	}
	for id, at := range s.seen {
		if now.Sub(at) > 2*store.FeedOverlap {
			delete(s.seen, id)
		}
	}
	s.from = now
	if now.Sub(s.pruned) < store.FeedKept/3 {
		return nil
	}
	s.pruned = now
	return s.c.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.PruneChanges(ctx, tx, now.Add(-store.FeedKept))
	})
}

func (s *Search) every() (out []Card) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, c := range s.cards {
		out = append(out, c)
	}
	return out
}

// cardOf is what a list shows of a page.
func cardOf(p Page, sold int) Card {
	c := Card{ID: p.Product.ID, Name: p.Product.Name, Summary: p.Product.Summary, Seller: p.Seller, SellerID: p.Product.SellerID, Category: p.Category, Protocol: p.Product.Protocol,
		Rating: p.Rating, Ratings: p.Ratings, Sold: sold, Listed: p.ListedAt}
	if c.Listed.IsZero() {
		c.Listed = p.Product.CreatedAt
	}
	best := -1.0
	for _, k := range p.SKUs {
		for _, o := range p.Offers[k.Code] {
			// Only the order of prices matters here; what is paid is computed exactly elsewhere.
			sorted, err := strconv.ParseFloat(o.Price, 64)
			if err != nil {
				continue
			}
			if n := o.PeriodType.Months(); n > 1 {
				sorted = sorted/float64(n) + 1e9 // a price by the month says more than one by the year
			}
			if best < 0 || sorted < best {
				best, c.Price, c.Currency, c.Period = sorted, o.Price, string(o.Currency), string(o.PeriodType)
			}
		}
	}
	if p.Live != nil {
		b := &p.Live.Body
		c.Logo = b.Logo
		if len(b.Media) > 0 {
			c.Picture = b.Media[0]
		}
		if b.Supervised {
			c.Days = b.DeliveryDays
		}
		for _, spec := range b.Specs {
			c.TrialDays = max(c.TrialDays, spec.TrialDays)
		}
	}
	return c
}

func docOf(p Page, c Card, parents map[string]string) search.Doc {
	d := search.Doc{ID: c.ID, Name: c.Name, Summary: c.Summary, Seller: c.Seller, SellerID: c.SellerID, Category: c.Category, Parent: parents[c.Category], Type: catalog.SaaS,
		Rating: c.Rating, Days: c.Days, Sold: c.Sold + int(c.Ratings), Listed: c.Listed}
	terms := map[catalog.PeriodType]bool{}
	for _, k := range p.SKUs {
		for _, o := range p.Offers[k.Code] {
			if !terms[o.PeriodType] {
				terms[o.PeriodType] = true
				d.Terms = append(d.Terms, string(o.PeriodType))
			}
		}
	}
	d.Price, _ = strconv.ParseFloat(c.Price, 64) // 0 without a price
	if p.Live != nil {
		d.Tags = p.Live.Body.Tags
		var text strings.Builder
		text.WriteString(readMarkdown(p.Live.Body.Description).words)
		for _, h := range p.Live.Body.Highlights {
			text.WriteString(" " + h.Title + " " + h.Text)
		}
		d.Text = text.String()
	}
	return d
}

var errMark = fault.Field("page", "is not a page mark of this list; leave it out for the first page")

// readMark reads the mark of a page.
func readMark(text string) (m search.Mark, err error) {
	parts, err := cursor.Decode(text, 3)
	if err != nil || parts == nil {
		return m, err
	}
	var e1, e2 error
	m.Score, e1 = strconv.Atoi(parts[0])
	m.Value, e2 = strconv.ParseFloat(parts[1], 64)
	if m.ID = parts[2]; errors.Join(e1, e2) != nil || m.ID == "" {
		return m, errMark
	}
	return m, nil
}

// Find answers a search; page is the mark of a page before, "" for the first.
func (s *Search) Find(ctx context.Context, q SearchQuery, page string) (out SearchResult, err error) {
	if q.After, err = readMark(page); err != nil {
		return out, err
	}
	if !s.built.Load() {
		return s.unbuilt(ctx, q)
	}
	r := s.index.Find(ctx, q)
	out.Total, out.Facets = r.Total, r.Facets
	if m := r.Next; m.ID != "" {
		out.Next = cursor.Encode(strconv.Itoa(m.Score), strconv.FormatFloat(m.Value, 'g', -1, 64), m.ID)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, id := range r.IDs {
		if card, ok := s.cards[id]; ok { // taken off sale this moment otherwise
			out.Cards = append(out.Cards, card)
		}
	}
	return out, nil
}

// unbuilt reads the newest products that fit from the database, without facets.
func (s *Search) unbuilt(ctx context.Context, q SearchQuery) (out SearchResult, err error) {
	err = s.c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = SearchResult{}
		ps, err := store.FindProducts(ctx, tx, shopScope(access.Actor{}), store.ProductFilter{Words: q.Text, SellerID: q.SellerID, Category: q.Category, Listed: true}, q.After.ID, q.Size+1)
		if err != nil {
			return err
		}
		var ids []string
		for _, p := range ps[:min(len(ps), q.Size)] {
			ids = append(ids, p.ID)
		}
		all, err := pages(ctx, tx, ids, true)
		for _, p := range all {
			out.Cards = append(out.Cards, cardOf(p, 0))
		}
		if len(ps) > q.Size && len(ids) > 0 {
			out.Next = cursor.Encode("0", "0", ids[len(ids)-1])
		}
		out.Total = len(ps)
		return err
	})
	return out, err
}

package catalogue

import (
	"context"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/search"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Search finds products on sale by words and facets. Its index is rebuilt when the
// process starts and follows the change feed afterwards; until it is built, and only
// then, words are looked for in names.
type Search struct {
	c      *Catalogue
	index  *search.Index
	built  atomic.Bool
	seen   map[string]time.Time // changes taken over, within the feed's overlap
	from   time.Time
	pruned time.Time
}

// SearchQuery and its kin under names that faces may use.
type (
	SearchQuery = search.Query
	SearchCount = search.Count
)

// Sorts of a search.
const (
	SortRelevance = search.ByRelevance
	SortNewest    = search.ByNewest
	SortPrice     = search.ByPrice
	SortRating    = search.ByRating
)

// SearchResult is one page of a search.
type SearchResult struct {
	Listings []Listing
	Total    int
	Facets   map[string][]SearchCount // seller_id, category, term
}

// followEvery is how often the feed is looked at: a change is found within it.
const followEvery = time.Second

// NewSearch makes an empty search; Run fills and follows.
func NewSearch(c *Catalogue) (*Search, error) {
	x, err := search.New()
	return &Search{c: c, index: x, seen: map[string]time.Time{}}, err
}

// Run builds the index and follows the feed until ctx ends.
func (s *Search) Run(ctx context.Context) error {
	defer s.index.Close()
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		var err error
		if !s.built.Load() {
			err = s.build(ctx)
		} else {
			err = s.follow(ctx)
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

// Ready tells whether the index is built.
func (s *Search) Ready() bool { return s.built.Load() }

const buildBatch = 200

func (s *Search) build(ctx context.Context) error {
	s.from = time.Now() // what changes from now on is in the feed
	parents, err := s.parents(ctx)
	if err != nil {
		return err
	}
	after := ""
	for {
		ls, err := s.c.List(ctx, access.Actor{}, after, buildBatch)
		if err != nil {
			return err
		}
		var docs []search.Doc
		for _, l := range ls {
			d, err := s.doc(ctx, l, parents)
			if err != nil {
				return err
			}
			docs = append(docs, d)
		}
		if err := s.index.Put(docs, nil); err != nil {
			return err
		}
		if len(ls) < buildBatch {
			s.built.Store(true)
			return nil
		}
		after = ls[len(ls)-1].Product.ID
	}
}

func (s *Search) parents(ctx context.Context) (map[string]string, error) {
	tree, err := s.c.Categories(ctx)
	out := map[string]string{}
	for _, k := range tree {
		out[k.ID] = k.ParentID
	}
	return out, err
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
		changes, err = store.Changes(ctx, tx, "product", s.from.Add(-store.FeedOverlap))
		return err
	})
	if err != nil {
		return err
	}
	ids := map[string]bool{}
	for _, c := range changes {
		if _, known := s.seen[c.ID]; !known {
			ids[c.NounID] = true
		}
	}
	if len(ids) > 0 {
		parents, err := s.parents(ctx)
		if err != nil {
			return err
		}
		var docs []search.Doc
		var gone []string
		for id := range ids {
			p, err := s.c.Page(ctx, access.Actor{}, id)
			if fault.KindOf(err) == fault.NotFound || err == nil && p.Hidden {
				gone = append(gone, id)
				continue
			}
			if err != nil {
				return err
			}
			docs = append(docs, s.docOf(p, parents))
		}
		if err := s.index.Put(docs, gone); err != nil {
			return err
		}
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

func (s *Search) doc(ctx context.Context, l Listing, parents map[string]string) (search.Doc, error) {
	p, err := s.c.Page(ctx, access.Actor{}, l.Product.ID)
	if err != nil {
		return search.Doc{}, err
	}
	return s.docOf(p, parents), nil
}

func (s *Search) docOf(p Page, parents map[string]string) search.Doc {
	d := search.Doc{ID: p.Product.ID, Name: p.Product.Name, Summary: p.Product.Summary, Seller: p.Seller, SellerID: p.Product.SellerID, Category: p.Category, Parent: parents[p.Category],
		Rating: p.Rating, Listed: p.ListedAt}
	if d.Listed.IsZero() {
		d.Listed = p.Product.CreatedAt
	}
	terms := map[catalog.PeriodType]bool{}
	d.Price = -1
	for _, k := range p.SKUs {
		for _, o := range p.Offers[k.Code] {
			if !terms[o.PeriodType] {
				terms[o.PeriodType] = true
				d.Terms = append(d.Terms, string(o.PeriodType))
			}
			// Prices are exact elsewhere; here they only sort.
			if f, err := strconv.ParseFloat(o.Price, 64); err == nil && (d.Price < 0 || f < d.Price) {
				d.Price = f
			}
		}
	}
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

// Find answers a search with products as they are now; one that was taken off sale
// a moment ago is left out.
func (s *Search) Find(ctx context.Context, q SearchQuery) (out SearchResult, err error) {
	if !s.built.Load() {
		return s.unbuilt(ctx, q)
	}
	r, err := s.index.Find(ctx, q)
	if err != nil {
		return out, err
	}
	out.Total, out.Facets = r.Total, r.Facets
	err = s.c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out.Listings = out.Listings[:0]
		for _, id := range r.IDs {
			p, err := store.Product(ctx, tx, store.Scope{Kind: "buyer"}, id)
			if err == store.ErrNoRow {
				continue
			}
			if err != nil {
				return err
			}
			l, err := load(ctx, tx, p)
			if err != nil {
				return err
			}
			out.Listings = append(out.Listings, l)
		}
		return nil
	})
	return out, err
}

func (s *Search) unbuilt(ctx context.Context, q SearchQuery) (out SearchResult, err error) {
	ls, err := s.c.List(ctx, access.Actor{}, "", buildBatch)
	words := strings.ToLower(strings.TrimSpace(q.Text))
	for _, l := range ls {
		if (words == "" || strings.Contains(strings.ToLower(l.Product.Name+l.Product.Summary), words)) && (q.SellerID == "" || l.Product.SellerID == q.SellerID) {
			out.Listings = append(out.Listings, l)
		}
	}
	out.Total = len(out.Listings)
	if len(out.Listings) > q.Size {
		out.Listings = out.Listings[:q.Size]
	}
	return out, err
}

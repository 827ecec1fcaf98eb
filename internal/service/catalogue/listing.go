package catalogue

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Listing is a product with all that is sold of it.
type Listing struct {
	Product catalog.Product
	Seller  string
	SKUs    []catalog.SKU
	Offers  map[string][]catalog.Offer // by SKU code
}

// Page is all that a product's page shows.
type Page struct {
	Listing
	Live     *catalog.Revision // nil for products made by the API alone
	Category string
	Hidden   bool
	ListedAt time.Time
	Rating   float64 // mean of the stars; 0 without any
	Ratings  int64

	DelistReason  string    // why the seller asks to take it off the shelf
	DelistAskedAt time.Time // zero when it does not
}

// pages reads products that were found already, in three statements however many
// there are; live asks for the versions on sale too.
func pages(ctx context.Context, tx *kernel.Tx, ids []string, live bool) ([]Page, error) {
	rows, err := store.ListedProducts(ctx, tx, ids, live)
	if err != nil {
		return nil, err
	}
	skus, err := store.SKUsOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	offers, err := store.OffersOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	var out []Page
	for _, id := range ids {
		row := rows[id]
		if row == nil {
			continue
		}
		p := Page{Listing: Listing{Product: row.Product, Seller: row.Seller, SKUs: skus[id], Offers: map[string][]catalog.Offer{}},
			Live: row.Live, Category: row.CategoryID, Hidden: row.Hidden, ListedAt: row.ListedAt, Ratings: row.RatingCount,
			DelistReason: row.DelistReason, DelistAskedAt: row.DelistAskedAt}
		for _, s := range p.SKUs {
			if on := offers[s.Code]; on != nil {
				p.Offers[s.Code] = on
			}
		}
		if row.RatingCount > 0 {
			p.Rating = float64(row.RatingSum) / float64(row.RatingCount)
		}
		out = append(out, p)
	}
	return out, nil
}

// listings is pages for products that were read already.
func listings(ctx context.Context, tx *kernel.Tx, ps []catalog.Product) ([]Listing, error) {
	ids := make([]string, len(ps))
	for i, p := range ps {
		ids[i] = p.ID
	}
	all, err := pages(ctx, tx, ids, false)
	var out []Listing
	for _, p := range all {
		out = append(out, p.Listing)
	}
	return out, err
}

// load reads what is sold of one product.
func load(ctx context.Context, tx *kernel.Tx, p catalog.Product) (Listing, error) {
	ls, err := listings(ctx, tx, []catalog.Product{p})
	if err != nil || len(ls) == 0 {
		return Listing{Product: p}, err
	}
	return ls[0], nil
}

// shopScope is the actor's scope; whoever is nobody sees what buyers see.
func shopScope(a access.Actor) store.Scope {
	s := kernel.Scope(a)
	if a.Anonymous() {
		s.Kind = party.Buyer
	}
	return s
}

// List lists products after a mark: what is on sale, to a seller also its own, to
// operators all. Nobody need sign in to see what is on sale.
func (c *Catalogue) List(ctx context.Context, a access.Actor, after string, limit int) (out []Listing, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		ps, err := store.Products(ctx, tx, shopScope(a), after, limit)
		if err != nil {
			return err
		}
		out, err = listings(ctx, tx, ps)
		return err
	})
	return out, err
}

// Get reads one product.
func (c *Catalogue) Get(ctx context.Context, a access.Actor, id string) (Listing, error) {
	p, err := c.page(ctx, a, id, false)
	return p.Listing, err
}

// Page reads a product's page; hidden products are reached by their address only.
func (c *Catalogue) Page(ctx context.Context, a access.Actor, id string) (Page, error) {
	return c.page(ctx, a, id, true)
}

func (c *Catalogue) page(ctx context.Context, a access.Actor, id string, live bool) (p Page, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := pages(ctx, tx, []string{id}, live)
		if err != nil {
			return err
		}
		s := shopScope(a)
		if len(all) == 0 || s.Kind != party.Operator && all[0].Product.State != catalog.OnSale && (s.Kind != party.Seller || all[0].Product.SellerID != s.CompanyID) {
			return fault.Unknown("product")
		}
		p = all[0]
		return nil
	})
	return p, err
}

package catalogue

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Rate takes a buyer's rating of a product it bought; one per buyer and product.
func (c *Catalogue) Rate(ctx context.Context, tx *kernel.Tx, a access.Actor, product string, stars int, text string) (catalog.Rating, error) {
	var r catalog.Rating
	if err := kernel.May(a, access.OrderPlace); err != nil {
		return r, err
	}
	f := fault.Fields{}
	if stars < 1 || stars > 5 {
		f.Add("stars", "must be 1 to 5")
	}
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); !utf8.ValidString(text) || strings.ContainsRune(text, 0) || n > catalog.MaxRatingText {
		f.Add("text", "must be text of at most %d characters", catalog.MaxRatingText)
	}
	if err := f.Err(); err != nil {
		return r, err
	}
	p, err := store.Product(ctx, tx, kernel.Scope(a), product)
	if err != nil {
		return r, kernel.Missing(err, "product")
	}
	bought, err := store.BoughtOrder(ctx, tx, p.ID, a.CompanyID)
	if err != nil {
		return r, err
	}
	if bought == "" {
		return r, fault.New(fault.Rule, "not_bought", "only who bought a product and got it can rate it")
	}
	old, err := store.RatingOf(ctx, tx, p.ID, a.CompanyID)
	if err != nil {
		return r, err
	}
	if old != nil {
		return r, fault.New(fault.Conflict, "rated_already", "you have rated this product already")
	}
	r = catalog.Rating{ID: c.k.Row(), ProductID: p.ID, BuyerID: a.CompanyID, OrderID: bought, Stars: stars, Text: text, CreatedAt: c.k.Clock.Now()}
	if err := store.InsertRating(ctx, tx, r); err != nil {
		return r, err
	}
	if err := c.k.Tell(ctx, tx, p.SellerID, "product.rated", bought, "", map[string]string{"product": p.Name, "product_id": p.ID, "stars": string(rune('0' + stars))}); err != nil {
		return r, err
	}
	return r, c.k.Audit(ctx, tx, a, access.OrderPlace, p.ID, "rate")
}

// MayRate tells whether a buyer bought the product, got it, and has not rated it.
func (c *Catalogue) MayRate(ctx context.Context, a access.Actor, product string) (may bool, err error) {
	if a.CompanyKind != access.Buyer || kernel.May(a, access.OrderPlace) != nil {
		return false, nil
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		bought, err := store.BoughtOrder(ctx, tx, product, a.CompanyID)
		if err != nil || bought == "" {
			return err
		}
		old, err := store.RatingOf(ctx, tx, product, a.CompanyID)
		may = err == nil && old == nil
		return err
	})
	return may, err
}

// Reply stores the seller's answer to a rating.
func (c *Catalogue) Reply(ctx context.Context, tx *kernel.Tx, a access.Actor, product, rating, text string) error {
	if err := kernel.May(a, access.ProductCreate); err != nil {
		return err
	}
	text = strings.TrimSpace(text)
	if n := utf8.RuneCountInString(text); n < 1 || n > catalog.MaxRatingText || !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return fault.Field("text", "must be 1 to %d characters", catalog.MaxRatingText)
	}
	if _, err := c.own(ctx, tx, a, product); err != nil {
		return err
	}
	if err := store.ReplyToRating(ctx, tx, rating, product, text, c.k.Clock.Now()); err != nil {
		return kernel.Missing(err, "rating")
	}
	return c.k.Audit(ctx, tx, a, access.ProductCreate, product, "reply to a rating")
}

// Ratings lists a product's ratings, newest first.
func (c *Catalogue) Ratings(ctx context.Context, product, before string, limit int) (out []catalog.Rating, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Ratings(ctx, tx, product, before, limit)
		return err
	})
	return out, err
}

// Stars counts a product's ratings by their stars, from 1 to 5.
func (c *Catalogue) Stars(ctx context.Context, product string) (out [6]int64, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.StarsOf(ctx, tx, product)
		return err
	})
	return out, err
}

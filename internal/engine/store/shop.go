package store

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

// Shop is what a seller says of itself. spec: 20 A4
type Shop struct {
	SellerID, Name, Introduction, Logo, ContactName, Phone, Email, Hours, Website string

	Version   int64
	UpdatedAt time.Time
}

// ShopOf reads a seller's shop; ErrNoRow before the first save.
func ShopOf(ctx context.Context, tx *Tx, seller string) (Shop, error) {
	s := Shop{SellerID: seller}
	var at int64
	err := tx.QueryRow(ctx, `SELECT name, introduction, logo_file, contact_name, phone, email, hours, website, version, updated_at FROM shop WHERE seller_id = $1`, seller).
		Scan(&s.Name, &s.Introduction, &s.Logo, &s.ContactName, &s.Phone, &s.Email, &s.Hours, &s.Website, &s.Version, &at)
	s.UpdatedAt = clock.FromMicros(at)
	return s, noRow(err)
}

// SaveShop writes a shop over the version that it was made from, 0 for the first; ErrNoRow when another was saved since.
func SaveShop(ctx context.Context, tx *Tx, s Shop) error {
	return mustOne(tx.Exec(ctx, `INSERT INTO shop (seller_id, name, introduction, logo_file, contact_name, phone, email, hours, website, version, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10)
		ON CONFLICT (seller_id) DO UPDATE SET name = excluded.name, introduction = excluded.introduction, logo_file = excluded.logo_file, contact_name = excluded.contact_name, phone = excluded.phone,
		email = excluded.email, hours = excluded.hours, website = excluded.website, version = shop.version + 1, updated_at = excluded.updated_at WHERE shop.version = $11`,
		s.SellerID, s.Name, s.Introduction, s.Logo, s.ContactName, s.Phone, s.Email, s.Hours, s.Website, clock.Micros(s.UpdatedAt), s.Version))
}

package catalogue

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// PurchaseLimitFields stands before the names of a purchase limit's fields in a fault.
const PurchaseLimitFields = "settings.purchase_limit."

// Configure replaces the switches of a product. // spec: 02 §1.5–1.10, §2.6, §2.14
func (c *Catalogue) Configure(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, s catalog.Settings) (Listing, error) {
	return c.Adjust(ctx, tx, a, id, func(now *catalog.Settings) { *now = s })
}

// Adjust changes some switches of a product and leaves the others as they are by then, so
// that two forms saved at once do not undo each other. change may run more than once.
func (c *Catalogue) Adjust(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, change func(*catalog.Settings)) (Listing, error) {
	if err := kernel.May(a, access.ProductCreate); err != nil {
		return Listing{}, err
	}
	if err := store.LockProduct(ctx, tx, id); err != nil {
		return Listing{}, kernel.Missing(err, "product")
	}
	p, err := c.own(ctx, tx, a, id)
	if err != nil {
		return Listing{}, err
	}
	known, err := store.KnownSKUs(ctx, tx, id)
	if err != nil {
		return Listing{}, err
	}
	codes := make([]string, len(known)) // what is withdrawn may stay in a limit: its orders count
	for i, k := range known {
		codes[i] = k.Code
	}
	change(&p.Settings)
	f := fault.Fields{}
	checkSettings(&p.Settings, codes, f)
	if err := f.Err(); err != nil {
		return Listing{}, err
	}
	if err := store.SetProductSettings(ctx, tx, id, p.Settings, c.k.Clock.Now()); err != nil {
		return Listing{}, err
	}
	if err := c.k.Audit(ctx, tx, a, access.ProductCreate, id, "settings"); err != nil {
		return Listing{}, err
	}
	return load(ctx, tx, p)
}

// checkSettings notes what is wrong with the switches of a product that has these SKUs. A
// purchase limit that bounds nothing is none.
func checkSettings(s *catalog.Settings, skus []string, f fault.Fields) {
	if s.SealBits != 0 && s.SealBits != 128 && s.SealBits != 256 {
		f.Add("settings.seal_bits", "must be 128 or 256")
	}
	switch l := s.PurchaseLimit; {
	case l == nil:
	case l.None():
		s.PurchaseLimit = nil
	default:
		l.Check(PurchaseLimitFields, skus, f)
	}
}

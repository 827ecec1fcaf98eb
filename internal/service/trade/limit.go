package trade

import (
	"context"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// withinLimit refuses what a product's purchase limit does not allow. Trials are not asked:
// they have a limit of their own. // spec: 22 §2.4
func (t *Trade) withinLimit(ctx context.Context, tx *kernel.Tx, buyer string, o store.Offered, quantity int64, now time.Time) error {
	l := o.Product.Settings.PurchaseLimit
	if l == nil || !l.Binds(o.SKU.Code) {
		return nil
	}
	if err := store.LockCompany(ctx, tx, buyer); err != nil { // two orders at once count one after the other
		return err
	}
	had, err := taken(ctx, tx, buyer, o.Product.ID, l, now)
	if err != nil {
		return err
	}
	switch l.Refuses(had, quantity) {
	case catalog.LimitOrders:
		return fault.New(fault.Rule, "purchase_limit", "a company may order %s %d times; yours has done so", l.What(), l.Orders)
	case catalog.LimitPieces:
		f := fault.New(fault.Rule, "purchase_limit", "a company may order %d pieces of %s", l.Pieces, l.What())
		f.Fields = map[string]string{"quantity": "must be at most " + strconv.FormatInt(l.PiecesLeft(had), 10)}
		return f
	case catalog.LimitOneAtATime:
		return fault.New(fault.Rule, "purchase_limit", "a company may have %s once; it can be ordered again when the service has ended", l.Whole())
	}
	return nil
}

// taken counts what a buyer has had of what a limit counts.
func taken(ctx context.Context, tx *kernel.Tx, buyer, product string, l *catalog.PurchaseLimit, now time.Time) (had catalog.Taken, err error) {
	if had.Orders, had.Pieces, err = store.Bought(ctx, tx, buyer, product, l.SKUs, l.Since(now)); err != nil || !l.OneAtATime {
		return had, err
	}
	had.Live, err = store.LiveInstances(ctx, tx, buyer, product, l.SKUs)
	return had, err
}

// Allowance is the purchase limit that binds a specification, for pages.
type Allowance struct {
	Limit *catalog.PurchaseLimit // nil without one
	Taken *catalog.Taken         // what the actor's company has had of it; nil for who does not buy
}

// Allowance reads it for what was quoted.
func (t *Trade) Allowance(ctx context.Context, a access.Actor, q Quote) (out Allowance, err error) {
	l := q.Product.Settings.PurchaseLimit
	if l == nil || !l.Binds(q.SKU.Code) {
		return out, nil
	}
	out.Limit = l
	if a.CompanyKind != party.Buyer || kernel.May(a, access.OrderRead) != nil {
		return out, nil
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		had, err := taken(ctx, tx, a.CompanyID, q.Product.ID, l, t.k.Clock.Now())
		out.Taken = &had
		return err
	})
	return out, err
}

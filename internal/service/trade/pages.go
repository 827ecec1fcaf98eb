package trade

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Names under which faces may use what the store gives.
type (
	OrderFilter = store.OrderFilter
	Queue       = store.Queue
	DaySum      = store.DaySum
)

// Quote is what an order would cost, and of what.
type Quote struct {
	Product  catalog.Product
	SKU      catalog.SKU
	Offer    catalog.Offer
	Periods  int
	Quantity int64
	Amount   money.Amount
	Parts    []pricing.Part // how the amount comes about
	// TrialDays is for how long the specification may be taken on trial; 0 without one.
	TrialDays int
}

// Quote prices an order without placing it, for anybody: what is asked is checked as Place checks it.
func (t *Trade) Quote(ctx context.Context, offerID string, periods, quantity int64) (q Quote, err error) {
	f := fault.Fields{}
	if periods < 1 || periods > catalog.MaxPeriodNumber {
		f.Add("period_number", "must be 1 to %d", catalog.MaxPeriodNumber)
	}
	if quantity < 1 || quantity > catalog.MaxQuantity {
		f.Add("quantity", "must be 1 to %d", catalog.MaxQuantity)
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		o, err := store.OfferByID(ctx, tx, offerID)
		if err == nil && (o.Product.State != catalog.OnSale || o.Offer.Withdrawn) {
			err = store.ErrNoRow
		}
		if err != nil {
			return kernel.Missing(err, "product")
		}
		q = Quote{Product: o.Product, SKU: o.SKU, Offer: o.Offer, Periods: int(periods), Quantity: quantity}
		if o.Offer.PeriodType.Months() > 0 {
			if q.TrialDays, err = store.TrialOf(ctx, tx, o.SKU.Code); err != nil {
				return err
			}
		}
		if err := f.Err(); err != nil {
			return err
		}
		priced, err := t.quote(o, int(periods), quantity, t.k.Clock.Now())
		if err == nil {
			q.Amount, q.Parts = priced.AmountDeal, priced.Breakdown
		}
		return err
	})
	return q, err
}

// RenewalOffers lists the offers that a service can be renewed by: the terms of its own specification.
func (t *Trade) RenewalOffers(ctx context.Context, a access.Actor, instanceID string) (out []catalog.Offer, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		inst, err := store.Instance(ctx, tx, kernel.Scope(a), instanceID)
		if err != nil {
			return kernel.Missing(err, "instance")
		}
		out = nil
		if renewable(inst) != nil {
			return nil
		}
		p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
		if err != nil || p.State != catalog.OnSale {
			return err
		}
		offers, err := store.Offers(ctx, tx, inst.ProductID)
		for _, o := range offers {
			if o.SKUCode == inst.SKUCode && !o.Withdrawn && o.PeriodType.Months() > 0 {
				out = append(out, o)
			}
		}
		return err
	})
	return out, err
}

// Find lists orders that fit a filter, newest first or, with oldest, oldest first, after the mark of the last one seen.
func (t *Trade) Find(ctx context.Context, a access.Actor, f OrderFilter, markAt time.Time, markID string, limit int, oldest bool) (out []order.Order, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.FindOrders(ctx, tx, kernel.Scope(a), f, markAt, markID, limit, oldest)
		return err
	})
	return out, err
}

// Queues counts the actor's orders by status, with the age of the oldest.
func (t *Trade) Queues(ctx context.Context, a access.Actor) (out map[order.Status]Queue, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.OrderQueues(ctx, tx, kernel.Scope(a))
		return err
	})
	return out, err
}

// PaidByDay sums what the actor's company paid or was paid on each of the last days, today included.
func (t *Trade) PaidByDay(ctx context.Context, a access.Actor, days int) (out []DaySum, first int64, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return nil, 0, err
	}
	since, offset, first := Days(t.k.Clock.Now(), t.k.Zone, days)
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.PaidByDay(ctx, tx, kernel.Scope(a), since, offset)
		return err
	})
	return out, first, err
}

// Days is when the last n days of a zone began, today included, the zone's present distance from UTC, and the number
// of the first of those days, counted from 1970 in the zone.
func Days(now time.Time, zone *time.Location, n int) (since time.Time, offset time.Duration, first int64) {
	_, seconds := now.In(zone).Zone()
	offset = time.Duration(seconds) * time.Second
	first = (now.Unix()+int64(seconds))/86400 - int64(n-1)
	return time.Unix(first*86400-int64(seconds), 0).UTC(), offset, first
}

// Stamp changes whenever something of an order does that its page shows.
func (t *Trade) Stamp(ctx context.Context, a access.Actor, id string) (stamp string, err error) {
	if err := kernel.May(a, access.OrderRead); err != nil {
		return "", err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		stamp, err = store.OrderStamp(ctx, tx, kernel.Scope(a), id)
		return err
	})
	if err == nil && stamp == "" {
		err = fault.Unknown("order")
	}
	return stamp, err
}

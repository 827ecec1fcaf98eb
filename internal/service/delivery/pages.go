package delivery

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// Names under which faces may use what the store gives.
type (
	ServiceRow    = store.Named
	ServiceFilter = store.InstanceFilter
	Term          = store.Period
	DayCalls      = store.DayCalls
)

// Services lists instances that fit a filter, newest first, before a mark; with soonest by their end. Entries stay
// sealed.
func (d *Delivery) Services(ctx context.Context, a access.Actor, f ServiceFilter, before string, limit int, soonest bool) (out []ServiceRow, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return nil, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.FindInstances(ctx, tx, kernel.Scope(a), f, before, limit, soonest)
		return err
	})
	return out, err
}

// Terms lists the paid terms of a service in time order. // spec: 22 §3.1
func (d *Delivery) Terms(ctx context.Context, a access.Actor, id string) (out []Term, err error) {
	if err := kernel.May(a, access.InstanceRead); err != nil {
		return nil, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if _, err := store.Instance(ctx, tx, kernel.Scope(a), id); err != nil {
			return kernel.Missing(err, "instance")
		}
		var err error
		out, err = store.Periods(ctx, tx, id)
		return err
	})
	return out, err
}

// Failed counts the actor's calls that failed for good and wait for somebody. Buyers have none.
func (d *Delivery) Failed(ctx context.Context, a access.Actor) (q store.Queue, err error) {
	if err := kernel.May(a, access.AttemptRead); err != nil || a.CompanyKind == party.Buyer {
		return q, err
	}
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		q, err = store.FailedCalls(ctx, tx, kernel.Scope(a))
		return err
	})
	return q, err
}

// CallsByDay counts the actor's calls of the last days by state; first is the number of the first of those days.
func (d *Delivery) CallsByDay(ctx context.Context, a access.Actor, days int) (out []DayCalls, first int64, err error) {
	if err := kernel.May(a, access.AttemptRead); err != nil {
		return nil, 0, err
	}
	var since time.Time
	var offset time.Duration
	since, offset, first = trade.Days(d.k.Clock.Now(), d.k.Zone, days)
	err = d.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.CallsByDay(ctx, tx, kernel.Scope(a), since, offset)
		return err
	})
	return out, first, err
}

package upkeep

import (
	"context"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Counted is a count under a label, with the instant of the oldest.
type Counted = store.Counted

// Figures are what the database holds at one instant, for whoever watches the marketplace.
type Figures struct {
	At       time.Time // business clock
	Wire     time.Time
	Jobs     []Counted // label: state
	Due      []Counted // label: kind of lane
	Orders   []Counted // label: status
	Mails    []Counted // label: state
	Sums     []Counted // label: currency; each must be 0
	Queues   []Counted // label: what waits for an operator
	Chain    int64     // rows in the chain of the audit log
	Unsealed Counted
	Sessions int64
	Backup   *Backup
	Nodes    []Node
}

// figuresFor is how long figures are given again: however many ask, the tables are counted four times a minute.
const figuresFor = 15 * time.Second

type figuresCache struct {
	mu   sync.Mutex
	last Figures
}

// Figures counts, in one snapshot; figures of the last 15 s are given again.
func (u *Upkeep) Figures(ctx context.Context) (Figures, error) {
	u.cache.mu.Lock()
	defer u.cache.mu.Unlock()
	now := u.k.Wire.Now()
	if age := now.Sub(u.cache.last.Wire); !u.cache.last.Wire.IsZero() && age >= 0 && age < figuresFor {
		return u.cache.last, nil
	}
	var f Figures
	err := u.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		f = Figures{At: u.k.Clock.Now(), Wire: now}
		for _, part := range []struct {
			to   *[]Counted
			read func(context.Context, *kernel.Tx) ([]Counted, error)
		}{
			{&f.Jobs, store.OpenJobs}, {&f.Orders, store.CountOrders}, {&f.Mails, store.CountMails}, {&f.Sums, sums},
			{&f.Due, func(ctx context.Context, tx *kernel.Tx) ([]Counted, error) { return store.DueJobs(ctx, tx, f.At) }},
			{&f.Queues, queues},
		} {
			if *part.to, err = part.read(ctx, tx); err != nil {
				return err
			}
		}
		if f.Chain, f.Unsealed, err = store.AuditState(ctx, tx); err != nil {
			return err
		}
		if f.Sessions, err = store.CountSessions(ctx, tx, now); err != nil {
			return err
		}
		if f.Nodes, err = u.nodes(ctx, tx); err != nil {
			return err
		}
		f.Backup, err = lastBackup(ctx, tx)
		return err
	})
	if err == nil {
		u.cache.last = f
	}
	return f, err
}

// System is Figures for operators.
func (u *Upkeep) System(ctx context.Context, a access.Actor) (Figures, error) {
	if err := kernel.May(a, access.SystemRead); err != nil {
		return Figures{}, err
	}
	return u.Figures(ctx)
}

// sums are the balances of each currency; double entry makes them zero. // spec: 01 §4.3
func sums(ctx context.Context, tx *kernel.Tx) (out []Counted, err error) {
	all, err := store.LedgerSums(ctx, tx)
	for _, s := range all {
		out = append(out, Counted{Label: string(s.Currency), Count: int64(s.Balance)})
	}
	return out, err
}

// queues is what waits for people of the operator.
func queues(ctx context.Context, tx *kernel.Tx) (out []Counted, err error) {
	for _, q := range []struct {
		name string
		read func() (store.Queue, error)
	}{
		{"review", func() (store.Queue, error) { return store.ProductQueue(ctx, tx, store.Everything, catalog.InReview) }},
		{"failed_calls", func() (store.Queue, error) { return store.FailedCalls(ctx, tx, store.Everything) }},
		{"top_up_asked", func() (store.Queue, error) { return store.TopUpQueue(ctx, tx, "ASKED") }},
		{"top_up_requested", func() (store.Queue, error) { return store.TopUpQueue(ctx, tx, "REQUESTED") }},
	} {
		one, err := q.read()
		if err != nil {
			return nil, err
		}
		out = append(out, Counted{Label: q.name, Count: int64(one.Count), Oldest: one.Oldest})
	}
	return out, nil
}

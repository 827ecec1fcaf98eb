package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
)

// bought is what a load of orders came to.
type bought struct {
	n       int
	took    time.Duration
	times   []time.Duration // of each order: placed and paid
	order   string          // one that was paid, and its key
	key     string
	commits float64 // COMMITs of the database meanwhile; 0 on PostgreSQL
}

func (b bought) rate() float64 { return float64(b.n) / b.took.Seconds() }

// buyFor has every client place and pay one order after the other for a while.
func (w *world) buyFor(ctx context.Context, s *serve, d time.Duration) (bought, error) {
	var b bought
	before, err := w.commits()
	if err != nil {
		return b, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	var turn atomic.Int64
	failed := make([]error, w.o.Clients)
	started := time.Now()
	end := started.Add(d)
	for i := range w.o.Clients {
		wg.Go(func() {
			c, err := dial(s.addr)
			if err != nil {
				failed[i] = err
				return
			}
			defer c.close()
			var times []time.Duration
			var order, key string
			for ctx.Err() == nil {
				began := time.Now()
				if !began.Before(end) {
					break
				}
				n := int(turn.Add(1))
				k := ident.UUID()
				o, err := c.buy(w.buyers[n%len(w.buyers)], w.sellers[n%len(w.sellers)].offer, k, nil)
				if err != nil {
					failed[i] = err
					return
				}
				times = append(times, time.Since(began))
				order, key = o, k
			}
			mu.Lock()
			defer mu.Unlock()
			b.times = append(b.times, times...)
			if order != "" {
				b.order, b.key = order, key
			}
		})
	}
	wg.Wait()
	b.took, b.n = time.Since(started), len(b.times)
	if err := errors.Join(append(failed, ctx.Err())...); err != nil {
		return b, fmt.Errorf("%w; the server's log: %s", err, w.tail())
	}
	after, err := w.commits()
	b.commits = float64(after - before)
	return b, err
}

// perCommit is how many transactions the program put into one COMMIT, each unit of
// work being so many.
func perCommit(units int, transactions int, commits float64) float64 {
	if commits == 0 {
		return 1
	}
	return max(1, float64(units*transactions)/commits)
}

func (w *world) orderCeiling(ctx context.Context, s *specimen, perCommit float64) (float64, error) {
	txs := [][]op{s.place, s.pay}
	rate, err := w.ceiling(ctx, s, raw{of: each(txs...), perCommit: perCommit}, w.o.Run/2)
	return rate / float64(len(txs)), err
}

// runOrders: the sellers accept calls and never answer, so that deliveries cost
// nearly nothing and only ordering is measured.
func runOrders(ctx context.Context, o Options) (*Figure, error) {
	w, err := build(ctx, o, "v1")
	if err != nil {
		return nil, err
	}
	defer w.close()
	for _, s := range w.sellers {
		s.set(dead)
	}
	srv, err := w.start(ctx)
	if err != nil {
		return nil, err
	}
	defer srv.stop()
	defer w.stopAll() // so that calls under way end at once
	var rs []Repeat
	total := 0
	for n := range o.Repeat {
		o.say("orders, repeat %d: warming up", n+1)
		warm, err := w.buyFor(ctx, srv, o.Warm)
		if err != nil {
			return nil, err
		}
		spec, err := w.specimen(ctx, warm.order, warm.key)
		if err != nil {
			return nil, err
		}
		before, err := w.orderCeiling(ctx, spec, perCommit(warm.n, 2, warm.commits))
		if err != nil {
			return nil, err
		}
		used, err := srv.cpu()
		if err != nil {
			return nil, err
		}
		b, err := w.buyFor(ctx, srv, o.Run)
		if err != nil {
			return nil, err
		}
		cpu, err := srv.perUnit(used, b.n)
		if err != nil {
			return nil, err
		}
		group := perCommit(b.n, 2, b.commits)
		after, err := w.orderCeiling(ctx, spec, group)
		if err != nil {
			return nil, err
		}
		_, peak, err := srv.memory()
		if err != nil {
			return nil, err
		}
		total += warm.n + b.n
		rs = append(rs, Repeat{Rate: round(b.rate()), CeilingBefore: round(before), CeilingAfter: round(after), Ratio: round(2 * b.rate() / (before + after)),
			P50: round(quantile(b.times, 0.5)), P99: round(quantile(b.times, 0.99)), RSS: round(peak), More: map[string]float64{"orders": float64(b.n), "transactions_per_commit": round(group), "server_cpu_ms_per_order": cpu}})
		o.say("orders, repeat %d: %.0f/s, ceiling %.0f before and %.0f after", n+1, b.rate(), before, after)
	}
	paid, err := w.count(ctx, `SELECT COUNT(*) FROM orders WHERE paid_at > 0 AND type = 'NEW'`)
	if err != nil {
		return nil, err
	}
	if paid != int64(total) {
		return nil, fmt.Errorf("%d orders were answered as paid, the database holds %d", total, paid)
	}
	f := &Figure{Target: "ratio >= 0.5", Detail: map[string]any{"clients": o.Clients, "buyers": buyersTotal, "paid_orders": total},
		Mix: fmt.Sprintf("%d kept connections in a closed loop, each with its own token and Idempotency-Key: POST /orders, then POST /orders/{id}/pay; %d buyers, %d products in turn; p50 and p99 are of the pair. "+
			"The sellers accept calls and never answer: deliveries take no part.", o.Clients, buyersTotal, sellersTotal)}
	least := 0.5
	if o.DB == "postgres" {
		f.Target, least = "ratio >= 0.3", 0.3
	}
	f.put(o, rs)
	f.Met = f.Ratio != nil && *f.Ratio >= least
	return f, nil
}

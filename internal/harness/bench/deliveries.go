package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// prepay places and pays orders through the use cases, spread over buyers and
// sellers, while no worker runs: they wait for their delivery.
func (w *world) prepay(ctx context.Context, n int) error {
	return w.within(ctx, func(p *program.Program) error {
		var wg sync.WaitGroup
		var turn atomic.Int64
		failed := make([]error, 16)
		for i := range failed {
			wg.Go(func() {
				for {
					k := int(turn.Add(1)) - 1
					if k >= n || failed[i] != nil {
						return
					}
					b, s := w.buyers[k%len(w.buyers)], w.sellers[k%len(w.sellers)]
					// Mutate draws an order id again that was drawn before.
					_, failed[i] = p.Kernel.Mutate(ctx, kernel.Request{}, func(ctx context.Context, tx *kernel.Tx) (kernel.Reply, error) {
						o, err := p.Trade.Place(ctx, tx, b.actor, trade.NewOrder{OfferID: s.offer, PeriodNumber: 1, Quantity: 1, AcceptAgreement: true})
						if err == nil {
							_, err = p.Trade.Pay(ctx, tx, b.actor, o.ID)
						}
						return kernel.Reply{}, err
					})
				}
			})
		}
		wg.Wait()
		return errors.Join(failed...)
	})
}

// drained is how a heap of paid orders was worked off.
type drained struct {
	n       int
	rate    float64
	commits float64
	peak    float64
	cpu     float64 // ms of the server per delivery, its start included
}

// drain starts the program on what was prepaid and waits until all of it is ACTIVE.
// The rate is taken from the instants of activation, without the program's start.
func (w *world) drain(ctx context.Context, n int) (d drained, err error) {
	since, err := w.count(ctx, `SELECT COALESCE(MAX(effective_at), 0) FROM instance`)
	if err != nil {
		return d, err
	}
	s, err := w.start(ctx)
	if err != nil {
		return d, err
	}
	defer s.stop()
	before, err := w.commits()
	if err != nil {
		return d, err
	}
	if err := w.settle(ctx); err != nil {
		return d, err
	}
	after, err := w.commits()
	if err != nil {
		return d, err
	}
	if _, d.peak, err = s.memory(); err != nil {
		return d, err
	}
	if d.cpu, err = s.perUnit(0, n); err != nil {
		return d, err
	}
	db, err := open(w.url, 1)
	if err != nil {
		return d, err
	}
	defer db.Close()
	var first, last int64
	if err := db.QueryRowContext(ctx, `SELECT COUNT(*), MIN(effective_at), MAX(effective_at) FROM instance WHERE effective_at > $1`, since).Scan(&d.n, &first, &last); err != nil {
		return d, err
	}
	if d.n != n || last == first {
		return d, fmt.Errorf("%d of %d deliveries became active; the server's log: %s", d.n, n, w.tail())
	}
	d.rate, d.commits = float64(d.n-1)/(float64(last-first)/1e6), float64(after-before)
	return d, nil
}

// settle waits until no delivery is open any more. It asks rarely: asking costs.
func (w *world) settle(ctx context.Context) error {
	db, err := open(w.url, 1)
	if err != nil {
		return err
	}
	defer db.Close()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	last, moved := int64(-1), time.Now()
	for {
		var n int64
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM job WHERE kind = 'create' AND state IN ('queued', 'running')`).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		if n != last {
			last, moved = n, time.Now()
		} else if time.Since(moved) > 40*time.Second {
			return fmt.Errorf("%d deliveries do not move; the server's log: %s", n, w.tail())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// flow is what a load of orders with their deliveries came to.
type flow struct {
	rate  float64
	times []time.Duration // payment sent to first byte at the seller, of the watched sellers
}

// wanted says which sellers' latencies count; nil means all.
type wanted func(seller int) bool

// closed has every client buy, wait until the seller has answered the delivery, and
// go on: as much as the whole chain can bear with that many orders under way.
func (w *world) closed(ctx context.Context, s *serve, clients int, d time.Duration) (flow, error) {
	end := time.Now().Add(d)
	return w.load(ctx, s, clients, nil, true, func(int) (time.Time, bool) { now := time.Now(); return now, now.Before(end) })
}

// open has orders arrive at a rate, at random instants, whatever becomes of them.
func (w *world) arriving(ctx context.Context, s *serve, rate float64, d time.Duration, which wanted) (flow, error) {
	r := rand.New(rand.NewPCG(1, 2)) // the same arrivals in every repeat
	var at []time.Duration
	for t := time.Duration(0); t < d; {
		t += time.Duration(r.ExpFloat64() / rate * float64(time.Second))
		at = append(at, t)
	}
	started := time.Now()
	return w.load(ctx, s, 64, which, false, func(n int) (time.Time, bool) {
		if n >= len(at) {
			return time.Time{}, false
		}
		return started.Add(at[n]), true
	})
}

// load has clients take the orders in turn; when gives the instant of the n-th.
func (w *world) load(ctx context.Context, s *serve, clients int, which wanted, wait bool, when func(n int) (time.Time, bool)) (flow, error) {
	type sent struct {
		order  string
		at     time.Time
		seller int
	}
	var mu sync.Mutex
	var all []sent
	var turn atomic.Int64
	var wg sync.WaitGroup
	failed := make([]error, clients)
	started := time.Now()
	for i := range clients {
		wg.Go(func() {
			c, err := dial(s.addr)
			if err != nil {
				failed[i] = err
				return
			}
			defer c.close()
			var mine []sent
			for ctx.Err() == nil {
				n := int(turn.Add(1)) - 1
				at, ok := when(n)
				if !ok {
					break
				}
				time.Sleep(time.Until(at))
				one := sent{seller: n % len(w.sellers)}
				var heard chan struct{}
				one.order, err = c.buy(w.buyers[n%len(w.buyers)], w.sellers[one.seller].offer, ident.UUID(), func(order string) {
					if wait {
						heard = w.heard.expect(order)
					}
					one.at = time.Now()
				})
				if err != nil {
					failed[i] = err
					return
				}
				mine = append(mine, one)
				if wait {
					select {
					case <-heard:
					case <-time.After(30 * time.Second):
						failed[i] = fmt.Errorf("order %s was not delivered within 30 s", one.order)
						return
					}
				}
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	wg.Wait()
	took := time.Since(started)
	if err := errors.Join(append(failed, ctx.Err())...); err != nil {
		return flow{}, fmt.Errorf("%w; the server's log: %s", err, w.tail())
	}
	f := flow{rate: float64(len(all)) / took.Seconds()}
	// What was paid last may still be on its way.
	limit := time.Now().Add(30 * time.Second)
	for _, one := range all {
		if which != nil && !which(one.seller) {
			continue
		}
		at, ok := w.heard.first(one.order)
		for !ok && time.Now().Before(limit) {
			time.Sleep(5 * time.Millisecond)
			at, ok = w.heard.first(one.order)
		}
		if !ok {
			return f, fmt.Errorf("order %s never reached its seller; the server's log: %s", one.order, w.tail())
		}
		f.times = append(f.times, at.Sub(one.at))
	}
	return f, nil
}

// underWay is how many orders the full load keeps between payment and delivery.
const underWay = 32

// runDeliveries measures the deliveries alone (paid orders wait in the database, the
// program starts and works them off; that is the rate and what the ceiling is for),
// then latencies under the whole load of ordering and delivering.
func runDeliveries(ctx context.Context, o Options) (*Figure, error) {
	protocols, ok := map[string][]string{"v1": {"v1"}, "v2": {"v2"}, "mix": {"v1", "v2"}, "": {"v1"}}[o.Protocol]
	if !ok {
		return nil, fmt.Errorf("protocol %q is not v1, v2 or mix", o.Protocol)
	}
	w, err := build(ctx, o, protocols...)
	if err != nil {
		return nil, err
	}
	defer w.close()
	var rs []Repeat
	total := 0
	off := func(n int) (drained, error) {
		total += n
		if err := w.prepay(ctx, n); err != nil {
			return drained{}, err
		}
		return w.drain(ctx, n)
	}
	for n := range o.Repeat {
		o.say("deliveries, repeat %d: warming up", n+1)
		warm, err := off(max(20, o.Orders/4))
		if err != nil {
			return nil, err
		}
		r := Repeat{More: map[string]float64{}}
		var spec *specimen
		if protocols[0] == "v1" && len(protocols) == 1 { // there is no ceiling where polls depend on the clock
			if spec, err = w.delivered(ctx); err != nil {
				return nil, err
			}
			if r.CeilingBefore, err = w.deliveryCeiling(ctx, spec, perCommit(warm.n, 2, warm.commits)); err != nil {
				return nil, err
			}
		}
		d, err := off(o.Orders)
		if err != nil {
			return nil, err
		}
		r.Rate, r.RSS = round(d.rate), round(d.peak)
		group := perCommit(d.n, 2, d.commits)
		r.More["server_cpu_ms_per_delivery"] = d.cpu
		r.More["recorded_and_concluded_per_commit"] = round(group)
		if spec != nil {
			if r.CeilingAfter, err = w.deliveryCeiling(ctx, spec, group); err != nil {
				return nil, err
			}
			r.Ratio = round(2 * d.rate / (r.CeilingBefore + r.CeilingAfter))
			r.CeilingBefore, r.CeilingAfter = round(r.CeilingBefore), round(r.CeilingAfter)
		}
		o.say("deliveries, repeat %d: %.0f/s, ceiling %.0f before and %.0f after", n+1, d.rate, r.CeilingBefore, r.CeilingAfter)
		if err := w.latencies(ctx, &r); err != nil {
			return nil, err
		}
		o.say("deliveries, repeat %d: full load %.0f/s p99 %.1f ms, half load p99 %.1f ms", n+1, r.More["full_rate"], r.More["full_p99_ms"], r.P99)
		rs = append(rs, r)
	}
	if err := w.agree(ctx); err != nil {
		return nil, err
	}
	f := &Figure{Detail: map[string]any{"sellers": sellersTotal, "protocol": protocols, "orders_per_repeat": o.Orders, "orders_under_way_at_full_load": underWay},
		Mix: fmt.Sprintf("rate: %d paid orders wait, the program works them off at %d sellers on loopback (%v) that answer at once; each call with sealed mobile number and mail address. "+
			"p50, p99: from sending the payment to the first byte at the seller, while orders arrive at random (Poisson) over HTTP at half of the full rate, warm; "+
			"full rate: %d clients that place, pay, wait for the delivery and go on.", o.Orders, sellersTotal, protocols, underWay)}
	least := 0.5
	if o.DB == "postgres" {
		least = 0.3
	}
	f.Target = fmt.Sprintf("ratio >= %v, p99 < 1000 ms at half load", least)
	f.put(o, rs)
	f.Met = f.P99 != nil && *f.P99 < 1000 && (f.Ratio == nil || *f.Ratio >= least)
	return f, nil
}

// delivered takes a delivered order as the specimen.
func (w *world) delivered(ctx context.Context) (*specimen, error) {
	db, err := open(w.url, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var order string
	if err := db.QueryRowContext(ctx, `SELECT order_id FROM instance WHERE status = 'ACTIVE' ORDER BY id DESC LIMIT 1`).Scan(&order); err != nil {
		return nil, err
	}
	return w.specimen(ctx, order, "")
}

func (w *world) deliveryCeiling(ctx context.Context, s *specimen, perCommit float64) (float64, error) {
	txs := [][]op{s.record, s.conclude}
	rate, err := w.ceiling(ctx, s, raw{before: slices.Concat(s.place, s.pay), of: each(txs...), perCommit: perCommit}, min(w.o.Run/2, 5*time.Second))
	return rate / float64(len(txs)), err
}

// latencies loads the whole chain: warm, full, half.
func (w *world) latencies(ctx context.Context, r *Repeat) error {
	s, err := w.start(ctx)
	if err != nil {
		return err
	}
	defer s.stop()
	if _, err := w.closed(ctx, s, underWay, w.o.Warm); err != nil {
		return err
	}
	full, err := w.closed(ctx, s, underWay, w.o.Run)
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	half, err := w.arriving(ctx, s, full.rate/2, w.o.Run, nil)
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	_, peak, err := s.memory()
	r.P50, r.P99, r.RSS = round(quantile(half.times, 0.5)), round(quantile(half.times, 0.99)), round(max(r.RSS, peak))
	r.More["full_rate"], r.More["full_p50_ms"], r.More["full_p99_ms"] = round(full.rate), round(quantile(full.times, 0.5)), round(quantile(full.times, 0.99))
	r.More["half_rate"] = round(half.rate)
	return err
}

// agree holds the database against the sellers' own count: every paid order active,
// every one called once.
func (w *world) agree(ctx context.Context) error {
	paid, err := w.count(ctx, `SELECT COUNT(*) FROM orders WHERE paid_at > 0 AND type = 'NEW'`)
	if err != nil {
		return err
	}
	active, err := w.count(ctx, `SELECT COUNT(*) FROM instance WHERE status = 'ACTIVE'`)
	if err != nil {
		return err
	}
	w.heard.mu.Lock()
	orders, calls := int64(len(w.heard.at)), int64(w.heard.calls)
	w.heard.mu.Unlock()
	if paid != active || orders != paid || calls != paid {
		return fmt.Errorf("%d orders paid, %d active, %d known to the sellers by %d calls: they must agree", paid, active, orders, calls)
	}
	return nil
}

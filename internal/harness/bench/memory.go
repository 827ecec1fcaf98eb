package bench

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
)

// runPending fills the database with paid orders whose deliveries are due (copies of
// one that was placed through the use cases), and looks at the program's memory
// while it works on them.
func runPending(ctx context.Context, o Options) (*Figure, error) {
	var rs []Repeat
	for n := range o.Repeat {
		r, err := pending(ctx, o)
		if err != nil {
			return nil, err
		}
		o.say("pending, repeat %d: %.0f MB, %.0f/s", n+1, r.RSS, r.Rate)
		rs = append(rs, r)
	}
	f := &Figure{Target: "rss < 300 MB", Detail: map[string]any{"pending": o.Orders}, Mix: fmt.Sprintf("%d deliveries due at %d V1 sellers that answer at once; the program starts and works on them for %s; memory is the largest resident size in that time", o.Orders, sellersTotal, o.Run)}
	f.put(o, rs)
	f.Met = f.RSS != nil && *f.RSS < 300
	return f, nil
}

func pending(ctx context.Context, o Options) (r Repeat, err error) {
	w, err := build(ctx, o, "v1")
	if err != nil {
		return r, err
	}
	defer w.close()
	if err := w.prepay(ctx, 1); err != nil {
		return r, err
	}
	db, err := open(w.url, 1)
	if err != nil {
		return r, err
	}
	defer db.Close()
	if _, _, err := w.multiply(ctx, db, func(s *specimen) []op { return slices.Concat(s.place, s.pay) }); err != nil {
		return r, err
	}
	s, err := w.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	started := time.Now()
	limit := time.NewTimer(o.Run)
	defer limit.Stop()
	select {
	case <-limit.C:
	case <-ctx.Done():
		return r, ctx.Err()
	}
	if _, r.RSS, err = s.memory(); err != nil {
		return r, err
	}
	took := time.Since(started).Seconds()
	done, err := w.count(ctx, `SELECT COUNT(*) FROM instance WHERE status = 'ACTIVE'`)
	if err != nil {
		return r, err
	}
	left, err := w.count(ctx, `SELECT COUNT(*) FROM job WHERE kind = 'create' AND state IN ('queued', 'running')`)
	if err != nil {
		return r, err
	}
	if done == 0 {
		return r, fmt.Errorf("nothing was delivered; the server's log: %s", w.tail())
	}
	r.Rate, r.RSS, r.More = round(float64(done)/took), round(r.RSS), map[string]float64{"delivered": float64(done), "still_pending": float64(left)}
	return r, nil
}

// multiply copies the one order that was paid until there are as many as asked for, as
// far as the statements write it, for all buyers and sellers in turn. Every seller has a
// product and an address of its own: only the lane and the company differ. It gives the
// keys of all, the order's own first.
func (w *world) multiply(ctx context.Context, db *sql.DB, written func(s *specimen) []op) (*specimen, []fresh, error) {
	var order string
	if err := db.QueryRowContext(ctx, `SELECT id FROM orders WHERE paid_at > 0`).Scan(&order); err != nil {
		return nil, nil, err
	}
	spec, err := w.specimen(ctx, order, "")
	if err != nil {
		return nil, nil, err
	}
	var buyers, sellers []string
	for _, b := range w.buyers {
		buyers = append(buyers, b.actor.CompanyID)
	}
	for _, s := range w.sellers {
		sellers = append(sellers, s.id)
	}
	copies := spec.copies(w.o.Orders-1, buyers, sellers)
	return spec, append([]fresh{spec.own()}, copies...), bulk(ctx, db, w.o.DB, written(spec), copies)
}

// withDemo makes a world of the demo's data.
func withDemo(ctx context.Context, o Options) (*world, error) {
	w := &world{o: o, heard: newLedger(), dir: filepath.Join(o.Dir, "demo")}
	var err error
	if w.url, err = w.database(ctx); err == nil {
		err = w.within(ctx, func(p *program.Program) error { _, err := demo.Seed(ctx, p); return err })
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// runIdle looks at a server that has answered a few pages and then does nothing.
func runIdle(ctx context.Context, o Options) (*Figure, error) {
	w, err := withDemo(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	var rs []Repeat
	for range o.Repeat {
		r, err := w.idle(ctx)
		if err != nil {
			return nil, err
		}
		rs = append(rs, r)
	}
	f := &Figure{Target: "rss < 80 MB", Mix: fmt.Sprintf("the demo's data; the front page, the product list and /readyz asked for once, then %s without requests; memory is the resident size at the end", o.Run)}
	f.put(o, rs)
	f.Met = f.RSS != nil && *f.RSS < 80
	return f, nil
}

func (w *world) idle(ctx context.Context) (r Repeat, err error) {
	s, err := w.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	c, err := dial(s.addr)
	if err != nil {
		return r, err
	}
	defer c.close()
	for _, path := range []string{"/readyz", "/api/souk/v1/products"} {
		if status, answer, err := c.do("GET", path, "", "", ""); err != nil || status != 200 && status != 401 {
			return r, problem(path, status, answer, err)
		}
	}
	select {
	case <-time.After(w.o.Run):
	case <-ctx.Done():
		return r, ctx.Err()
	}
	now, peak, err := s.memory()
	r.RSS, r.More = round(now), map[string]float64{"peak_mb": round(peak)}
	return r, err
}

// runColdStart takes the time from starting the process to the first answer of a
// request that reads the database.
func runColdStart(ctx context.Context, o Options) (*Figure, error) {
	w, err := withDemo(ctx, o)
	if err != nil {
		return nil, err
	}
	defer w.close()
	var times []time.Duration
	for range max(10, o.Repeat) {
		began := time.Now()
		s, err := w.start(ctx)
		if err != nil {
			return nil, err
		}
		c, err := dial(s.addr)
		if err == nil {
			var status int
			var answer []byte
			if status, answer, err = c.do("GET", "/readyz", "", "", ""); err != nil || status != 200 {
				err = problem("/readyz", status, answer, err)
			}
			times = append(times, time.Since(began))
			c.close()
		}
		s.stop()
		if err != nil {
			return nil, err
		}
	}
	f := &Figure{Target: "first answer < 1000 ms", Detail: map[string]any{"starts": len(times)}, Mix: "souk serve on the demo's data, started again and again (the first start reads the binary from disk); from fork to the answer of GET /readyz, which reads the database; p99 is the slowest"}
	f.put(o, []Repeat{{P50: round(quantile(times, 0.5)), P99: round(quantile(times, 1))}})
	f.Met = f.P99 != nil && *f.P99 < 1000
	return f, nil
}

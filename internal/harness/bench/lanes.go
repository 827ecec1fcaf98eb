package bench

import (
	"context"
	"fmt"
)

// lanesLoad is the share of the full rate at which lanes are compared.
const lanesLoad = 0.4

// runLanes compares the latencies of 48 sellers with and without two bad ones beside
// them: one accepts calls and never answers, one answers after 19 s, just inside the
// time-out. The same orders arrive at the same instants in both runs; each run has a
// fresh database.
func runLanes(ctx context.Context, o Options) (*Figure, error) {
	const deadOne, lateOne = 0, 1
	others := func(seller int) bool { return seller != deadOne && seller != lateOne }
	var rate float64
	run := func(bad bool) (p50, p99, peak float64, err error) {
		w, err := build(ctx, o, "v1")
		if err != nil {
			return 0, 0, 0, err
		}
		defer w.close()
		s, err := w.start(ctx)
		if err != nil {
			return 0, 0, 0, err
		}
		defer s.stop()
		defer w.stopAll() // so that calls under way end at once
		if rate == 0 {
			if _, err := w.closed(ctx, s, underWay, o.Warm/2+o.Run/4); err != nil {
				return 0, 0, 0, err
			}
			f, err := w.closed(ctx, s, underWay, o.Run/2)
			if err != nil {
				return 0, 0, 0, err
			}
			rate = f.rate * lanesLoad
		}
		if bad {
			w.sellers[deadOne].set(dead)
			w.sellers[lateOne].set(late)
		}
		if _, err := w.arriving(ctx, s, rate, o.Warm, others); err != nil {
			return 0, 0, 0, err
		}
		f, err := w.arriving(ctx, s, rate, o.Run, others)
		if err != nil {
			return 0, 0, 0, err
		}
		_, peak, err = s.memory()
		return quantile(f.times, 0.5), quantile(f.times, 0.99), peak, err
	}
	var rs []Repeat
	for n := range o.Repeat {
		p50, p99, _, err := run(false)
		if err != nil {
			return nil, err
		}
		b50, b99, peak, err := run(true)
		if err != nil {
			return nil, err
		}
		o.say("lanes, repeat %d: p99 %.1f ms without, %.1f ms with the two", n+1, p99, b99)
		rs = append(rs, Repeat{P50: round(b50), P99: round(b99), RSS: round(peak), More: map[string]float64{"without_p50_ms": round(p50), "without_p99_ms": round(p99), "with_over_without": round(b99 / p99), "arrivals_per_s": round(rate)}})
	}
	f := &Figure{Target: "p99 of the others within 10 % of the run without", Detail: map[string]any{"sellers": sellersTotal, "arrivals_per_s": round(rate)},
		Mix: fmt.Sprintf("orders arrive at random over HTTP at %.0f %% of the full rate, spread over %d V1 sellers, one of them dead, one answering after 19 s; p50 and p99 from payment to first byte of the %d others", 100*lanesLoad, sellersTotal, sellersTotal-2)}
	f.put(o, rs)
	// The median run with them against the median run without.
	var with, without []Repeat
	for _, r := range rs {
		with, without = append(with, Repeat{P99: r.P99}), append(without, Repeat{P99: r.More["without_p99_ms"]})
	}
	p99 := middle(with).P99
	f.P99 = &p99
	f.Detail["without_p99_ms"] = middle(without).P99
	f.Detail["with_over_without"] = round(p99 / middle(without).P99)
	f.Met = p99 <= 1.1*middle(without).P99
	return f, nil
}

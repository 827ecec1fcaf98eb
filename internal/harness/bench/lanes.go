package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

const (
	// lanesLoad is the share of the full rate at which lanes are compared: half load.
	lanesLoad = 0.5
	// lanesSlices is how many times a repeat changes between the two markets.
	lanesSlices = 10
	deadOne     = 0
	lateOne     = 1
)

// lane is one of the two markets that are compared.
type lane struct {
	w      *world
	s      *serve
	times  []time.Duration
	slices []float64 // p99 of each slice, ms
}

func (l *lane) take(ctx context.Context, rate float64, d time.Duration) error {
	f, err := l.w.arriving(ctx, l.s, rate, d, func(seller int) bool { return seller != deadOne && seller != lateOne })
	l.times = append(l.times, f.times...)
	l.slices = append(l.slices, quantile(f.times, 0.99))
	return err
}

// p99 is the median of the slices': what else happens on the machine in one of them
// does not decide.
func (l *lane) p99() float64 {
	s := slices.Clone(l.slices)
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// runLanes compares the latencies of 48 sellers with and without two bad ones beside
// them: one accepts calls and never answers, one answers after 19 s, just inside the
// time-out. Two markets of their own database and process run all the time, and the
// same orders arrive in turn at one and at the other, so that whatever else the
// machine does falls on both.
func runLanes(ctx context.Context, o Options) (*Figure, error) {
	var rs []Repeat
	var rate float64
	for n := range o.Repeat {
		r, full, err := lanes(ctx, o, rate)
		if err != nil {
			return nil, err
		}
		rate = full
		o.say("lanes, repeat %d: p99 %.1f ms without, %.1f ms with the two", n+1, r.More["without_p99_ms"], r.P99)
		rs = append(rs, r)
	}
	f := &Figure{Target: "p99 of the others within 10 % of that without", Detail: map[string]any{"sellers": sellersTotal, "slices": lanesSlices},
		Mix: fmt.Sprintf("orders arrive at random over HTTP at %.0f %% of the full rate, spread over %d V1 sellers; in one market seller 1 is dead and seller 2 answers after 19 s, the other has neither; "+
			"%d slices in turn at each; p50 and p99 from payment to first byte of the other %d, p99 as the median of the slices'", 100*lanesLoad, sellersTotal, lanesSlices, sellersTotal-2)}
	// The repeat with the median quotient.
	slices.SortFunc(rs, func(a, b Repeat) int {
		return int(1000 * (a.More["with_over_without"] - b.More["with_over_without"]))
	})
	m := rs[len(rs)/2]
	f.put(o, rs)
	f.Rate, f.P50, f.P99 = nil, &m.P50, &m.P99
	for k, v := range m.More {
		f.Detail[k] = v
	}
	f.Met = m.More["with_over_without"] <= 1.1
	return f, nil
}

// lanes makes one repeat. full is the rate of the whole chain when it is known.
func lanes(ctx context.Context, o Options, full float64) (r Repeat, _ float64, err error) {
	var two [2]*lane // without, with
	for i := range two {
		l := &lane{}
		if l.w, err = build(ctx, o, "v1"); err != nil {
			return r, full, err
		}
		defer l.w.close()
		if l.s, err = l.w.start(ctx); err != nil {
			return r, full, err
		}
		defer l.s.stop()
		defer l.w.stopAll() // so that calls under way end at once
		two[i] = l
	}
	for i, l := range two { // both get as many orders, warm and equally filled
		f, err := l.w.closed(ctx, l.s, underWay, o.Run/4)
		if err != nil {
			return r, full, err
		}
		if full == 0 && i == 1 {
			full = f.rate
		}
	}
	rate := full * lanesLoad
	two[1].w.sellers[deadOne].set(dead)
	two[1].w.sellers[lateOne].set(late)
	for _, l := range two {
		if err := l.take(ctx, rate, o.Warm); err != nil {
			return r, full, err
		}
		l.times, l.slices = nil, nil
	}
	for n := range lanesSlices {
		for k := range two {
			if err := two[(n+k)%2].take(ctx, rate, o.Run/lanesSlices); err != nil { // A B, B A, A B …
				return r, full, err
			}
		}
	}
	_, peak, err := two[1].s.memory()
	without, with := two[0], two[1]
	return Repeat{P50: round(quantile(with.times, 0.5)), P99: round(with.p99()), RSS: round(peak), More: map[string]float64{
		"without_p50_ms": round(quantile(without.times, 0.5)), "without_p99_ms": round(without.p99()), "with_over_without": round(with.p99() / without.p99()),
		"whole_p99_ms": round(quantile(with.times, 0.99)), "without_whole_p99_ms": round(quantile(without.times, 0.99)), "arrivals_per_s": round(rate)}}, full, err
}

package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// Options say what is measured and for how long.
type Options struct {
	Name    string // one of Names
	DB      string // "sqlite" or "postgres"
	URL     string // an existing PostgreSQL server, whose account may create databases; "": a temporary one
	Program string // the souk binary that is started
	Dir     string // folder for databases and logs, on the disk that counts; "": the system's temporary one

	Warm     time.Duration // load before anything is counted, per repeat
	Run      time.Duration // load that is counted, per repeat and phase
	Repeat   int           // the median repeat is the figure
	Clients  int           // connections of the load generator that work at once
	Orders   int           // deliveries: paid orders to work off; pending: how many there are
	Protocol string        // deliveries: v1, v2 or mix
	Products int           // browse: how many are on sale
	Log      io.Writer     // progress for people; nil for none
}

// Figure is one measurement. A member that the measurement does not have is null.
type Figure struct {
	Name    string   `json:"name"`
	DB      string   `json:"db"`
	Rate    *float64 `json:"rate"`    // per second: paid orders, activations
	Ceiling *float64 `json:"ceiling"` // mean of before and after, in the same unit
	Ratio   *float64 `json:"ratio"`   // rate / ceiling
	P50     *float64 `json:"p50_ms"`
	P99     *float64 `json:"p99_ms"`
	RSS     *float64 `json:"rss_mb"` // largest resident size of `souk serve`, 10^6 bytes

	Target  string         `json:"target"`  // what issue and proof ask for
	Met     bool           `json:"met"`     // whether this run meets it
	Mix     string         `json:"mix"`     // what a request is, who takes part
	Detail  map[string]any `json:"detail"`  // further figures of the measurement
	Repeats []Repeat       `json:"repeats"` // every repeat as it was measured
}

// Repeat is one round of a measurement: ceiling, work, ceiling.
type Repeat struct {
	Rate          float64            `json:"rate,omitempty"`
	CeilingBefore float64            `json:"ceiling_before,omitempty"`
	CeilingAfter  float64            `json:"ceiling_after,omitempty"`
	Ratio         float64            `json:"ratio,omitempty"`
	P50           float64            `json:"p50_ms,omitempty"`
	P99           float64            `json:"p99_ms,omitempty"`
	RSS           float64            `json:"rss_mb,omitempty"`
	More          map[string]float64 `json:"more,omitempty"`
}

type measurement struct {
	name, about string
	run         func(ctx context.Context, o Options) (*Figure, error)
}

var measurements = []measurement{
	{"orders", "orders placed, priced and paid over HTTP, per second", runOrders},
	{"deliveries", "paid orders brought to ACTIVE at 50 sellers, per second; payment to first byte at the seller", runDeliveries},
	{"lanes", "payment to first byte at 48 sellers while one is dead and one takes 19 s", runLanes},
	{"pending", "memory while a heap of pending deliveries is worked off", runPending},
	{"browse", "lists, searches and product pages over 20,000 products, and their rate beside a static file's", runBrowse},
	{"life", "60 days in one step over services in use: reminders, freezes, releases and calls per second", runLife},
	{"idle", "memory of an idle server with the demo's data", runIdle},
	{"coldstart", "start of the process to its first answer", runColdStart},
}

// Names are the measurements, with what each is.
func Names() (names []string, help string) {
	var b strings.Builder
	for _, m := range measurements {
		names = append(names, m.name)
		fmt.Fprintf(&b, "  %-11s %s\n", m.name, m.about)
	}
	return names, b.String()
}

// Run makes one measurement. An error means that there is no figure: something did
// not work, or what was counted does not agree with the database.
func Run(ctx context.Context, o Options) (*Figure, error) {
	if o.DB != "sqlite" && o.DB != "postgres" {
		return nil, fmt.Errorf("database %q is not sqlite or postgres", o.DB)
	}
	if o.Repeat < 1 || o.Clients < 1 || o.Run <= 0 || o.Orders < 1 {
		return nil, errors.New("repeat, clients, run and orders must be positive")
	}
	if o.Products < 1 {
		o.Products = 20_000
	}
	if o.Log == nil {
		o.Log = io.Discard
	}
	for _, m := range measurements {
		if m.name == o.Name {
			dir, err := os.MkdirTemp(o.Dir, "souk-bench-")
			if err != nil {
				return nil, err
			}
			defer os.RemoveAll(dir)
			o.Dir = dir
			return m.run(ctx, o)
		}
	}
	names, _ := Names()
	return nil, fmt.Errorf("there is no measurement %q; there are %s", o.Name, strings.Join(names, ", "))
}

func (o Options) say(format string, args ...any) { fmt.Fprintf(o.Log, format+"\n", args...) }

// middle is the repeat with the median ratio, or rate where there is no ceiling; what
// has neither has one repeat.
func middle(rs []Repeat) Repeat {
	by := func(r Repeat) float64 {
		switch {
		case r.Ratio > 0:
			return r.Ratio
		case r.Rate > 0:
			return r.Rate
		case r.P99 > 0:
			return r.P99
		}
		return r.RSS
	}
	s := slices.Clone(rs)
	slices.SortFunc(s, func(a, b Repeat) int {
		if d := by(a) - by(b); d != 0 {
			return int(math.Copysign(1, d))
		}
		return 0
	})
	return s[(len(s)-1)/2] // of two the worse
}

// put fills the figure's own members from the repeats: the median repeat, the
// largest memory.
func (f *Figure) put(o Options, rs []Repeat) {
	f.Name, f.DB, f.Repeats = o.Name, o.DB, rs
	m := middle(rs)
	some := func(v float64) *float64 {
		if v == 0 {
			return nil
		}
		v = round(v)
		return &v
	}
	f.Rate, f.Ratio, f.P50, f.P99 = some(m.Rate), some(m.Ratio), some(m.P50), some(m.P99)
	f.Ceiling = some((m.CeilingBefore + m.CeilingAfter) / 2)
	for _, r := range rs {
		m.RSS = max(m.RSS, r.RSS)
	}
	f.RSS = some(m.RSS)
}

// round keeps four significant digits: more would be noise.
func round(v float64) float64 {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	p := math.Pow(10, 3-math.Floor(math.Log10(math.Abs(v))))
	return math.Round(v*p) / p
}

// Line is the figure for people.
func (f *Figure) Line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s:", f.Name, f.DB)
	for _, v := range []struct {
		name string
		v    *float64
		unit string
	}{{"rate", f.Rate, "/s"}, {"ceiling", f.Ceiling, "/s"}, {"ratio", f.Ratio, ""}, {"p50", f.P50, " ms"}, {"p99", f.P99, " ms"}, {"rss", f.RSS, " MB"}} {
		if v.v != nil {
			fmt.Fprintf(&b, " %s %.4g%s", v.name, *v.v, v.unit)
		}
	}
	word := "missed"
	if f.Met {
		word = "met"
	}
	fmt.Fprintf(&b, "; target %s: %s\n%s\n", f.Target, word, f.Mix)
	for _, r := range f.Repeats {
		fmt.Fprintf(&b, "  repeat: rate %.4g, ceiling before %.4g, after %.4g, ratio %.3g, p50 %.4g ms, p99 %.4g ms, rss %.4g MB", r.Rate, r.CeilingBefore, r.CeilingAfter, r.Ratio, r.P50, r.P99, r.RSS)
		for _, k := range sorted(r.More) {
			fmt.Fprintf(&b, ", %s %.4g", k, r.More[k])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func sorted[V any](m map[string]V) []string {
	var ks []string
	for k := range m {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// quantile is the value below which the share q of the times lies.
func quantile(times []time.Duration, q float64) float64 {
	if len(times) == 0 {
		return 0
	}
	s := slices.Clone(times)
	slices.Sort(s)
	i := min(len(s)-1, int(math.Ceil(q*float64(len(s))))-1)
	return float64(s[max(i, 0)].Microseconds()) / 1000
}

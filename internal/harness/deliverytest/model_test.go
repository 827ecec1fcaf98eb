package deliverytest

import (
	"errors"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/harness/demo"
)

var (
	modelSteps = flag.Int("model-steps", 150, "steps of the model test, per engine")
	modelSeed  = flag.Uint64("model-seed", 0, "seed of the model test; 0 draws one")
)

// model is a small second opinion of what a marketplace with two buyers should do: states,
// ends and money, by the chapters and nothing of the program's own rules. The clock, the
// buyers, an operator and a seller who at times refuses changes act at random; after each
// step program and model must agree. // spec: 22 §3–4, 01 §3–4
type model struct {
	w         *world
	rand      *rand.Rand
	things    []*thing
	available map[string]*big.Rat // by login
	earned    map[string]*big.Rat // by protocol
	refunds   map[string]int      // by login and year
	trials    map[string]bool     // by login and protocol
	log       []string
}

type thing struct {
	login, protocol, id string
	pro                 bool // the upper specification
	quantity            int64
	trial               bool
	status              string
	expiry, violation   bool
	from                time.Time // opened, or made paid
	months              int       // paid in all
	trialEnd            time.Time
	ahead               []stretch // renewals that have not begun
	paid                *big.Rat  // kept of what was paid
	auto                int       // periods; 0 is off
}

type stretch struct {
	start  time.Time
	months int
	paid   *big.Rat
}

var shanghai = time.FixedZone("UTC+8", 8*3600)

// prices by the month, as the demo has them.
func (x *thing) price() *big.Rat {
	p := map[string][2]string{"v1": {"12.00", "29.90"}, "v2": {"39.00", "89.00"}}[x.protocol]
	text := p[0]
	if x.pro {
		text = p[1]
	}
	r, _ := new(big.Rat).SetString(text)
	return r
}

func times(a *big.Rat, n ...int64) *big.Rat {
	out := new(big.Rat).Set(a)
	for _, one := range n {
		out.Mul(out, new(big.Rat).SetInt64(one))
	}
	return out
}

// half rounds half up to so many decimals.
func half(a *big.Rat, decimals int64) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals), nil)
	n := new(big.Rat).Mul(a, new(big.Rat).SetInt(scale))
	n.Add(n, big.NewRat(1, 2))
	whole := new(big.Int).Div(n.Num(), n.Denom())
	return new(big.Rat).SetFrac(whole, scale)
}

// addMonths clamps to the last day of a short month, by the days of Shanghai.
func addMonths(at time.Time, n int) time.Time {
	l := at.In(shanghai)
	first := time.Date(l.Year(), l.Month()+time.Month(n), 1, l.Hour(), l.Minute(), l.Second(), l.Nanosecond(), shanghai)
	d := min(l.Day(), first.AddDate(0, 1, -1).Day())
	return first.AddDate(0, 0, d-1).UTC()
}

func (x *thing) end() time.Time {
	if x.trial {
		return x.trialEnd
	}
	return addMonths(x.from, x.months)
}

func (x *thing) grace() time.Duration {
	if x.login == "buyer2" && !x.trial {
		return 3 * day
	}
	return 0
}

func (x *thing) over() bool { return x.status == "RELEASED" }

// state follows from the reasons.
func (x *thing) settle(now time.Time) {
	switch {
	case x.over():
	case x.expiry || x.violation:
		x.status = "FROZEN"
	case !now.Before(x.end()):
		x.status = "GRACE"
	default:
		x.status = "ACTIVE"
	}
}

func (m *model) pay(x *thing, amount *big.Rat) {
	m.available[x.login].Sub(m.available[x.login], amount)
	m.earned[x.protocol].Add(m.earned[x.protocol], amount)
	x.paid.Add(x.paid, amount)
}

func (m *model) giveBack(x *thing, amount *big.Rat) { m.pay(x, new(big.Rat).Neg(amount)) }

// renew books a renewal at an instant.
func (m *model) renew(x *thing, n int, now time.Time) {
	amount := times(x.price(), x.quantity, int64(n))
	m.pay(x, amount)
	start := x.end()
	x.months += n
	if start.After(now) {
		x.ahead = append(x.ahead, stretch{start, n, amount})
	}
	x.expiry = false
	x.settle(now)
}

// next is the next instant after one at which something happens to a thing by itself.
func (x *thing) next(after, until time.Time) (best time.Time) {
	if x.over() {
		return best
	}
	see := func(at time.Time) {
		if at.After(after) && !at.After(until) && (best.IsZero() || at.Before(best)) {
			best = at
		}
	}
	end := x.end()
	see(end)
	see(end.Add(x.grace()))
	see(end.Add(x.grace() + 15*day))
	for _, a := range x.ahead {
		see(a.start)
	}
	if x.auto > 0 && !x.trial {
		l := end.In(shanghai)
		for d := range 8 {
			if at := time.Date(l.Year(), l.Month(), l.Day()-d, 3, 0, 0, 0, shanghai).UTC(); at.Before(end) {
				see(at)
			}
		}
	}
	return best
}

// happen is what happens to a thing at an instant.
func (m *model) happen(x *thing, at time.Time) {
	x.ahead = slices.DeleteFunc(x.ahead, func(s stretch) bool { return !s.start.After(at) })
	end := x.end()
	if x.auto > 0 && !x.trial && at.Before(end) {
		l := end.In(shanghai)
		for d := range 8 {
			if at.Equal(time.Date(l.Year(), l.Month(), l.Day()-d, 3, 0, 0, 0, shanghai)) && !x.violation {
				m.renew(x, x.auto, at)
				return
			}
		}
	}
	if !at.Before(end.Add(x.grace() + 15*day)) {
		x.status = "RELEASED"
		return
	}
	if !at.Before(end.Add(x.grace())) {
		x.expiry = true
	}
	x.settle(at)
}

// advance moves both clocks.
func (m *model) advance(d time.Duration) {
	m.w.t.Helper()
	now := m.w.p.Kernel.Clock.Now()
	until := now.Add(d)
	for {
		var first *thing
		var at time.Time
		for _, x := range m.things {
			if n := x.next(now, until); !n.IsZero() && (first == nil || n.Before(at)) {
				first, at = x, n
			}
		}
		if first == nil {
			break
		}
		for _, x := range m.things { // all that happens at this instant
			if !x.over() && x.next(now, at).Equal(at) {
				m.happen(x, at)
			}
		}
		now = at
	}
	m.w.move(d)
}

// try does something through the API; whether it is taken must be what the model says.
func (m *model) try(what string, expected bool, f func() error) bool {
	m.w.t.Helper()
	err := f()
	var p *demo.Problem
	if err != nil && (!errors.As(err, &p) || p.Status >= 500 || p.Status == 401 || p.Status == 403 || p.Status == 404) {
		m.fail("%s: %v", what, err)
	}
	m.log = append(m.log, fmt.Sprintf("%s: %v", what, err))
	if (err == nil) != expected {
		m.fail("%s: the model says %v, the answer is %v", what, expected, err)
	}
	m.w.settle()
	return err == nil
}

func (m *model) fail(format string, args ...any) {
	m.w.t.Helper()
	m.w.t.Fatalf(format+"\nafter\n%s", append(args, strings.Join(m.log[max(0, len(m.log)-40):], "\n"))...)
}

func (m *model) do(login, method, path string, in, out any) error {
	return m.w.as(login).Do(m.w.t.Context(), method, api+path, "", in, out)
}

// order places an order about a thing and pays it.
func (m *model) order(x *thing, what string, in any) error {
	var o demo.Order
	if err := m.do(x.login, "POST", "/instances/"+x.id+"/"+what, in, &o); err != nil {
		return err
	}
	return m.do(x.login, "POST", "/orders/"+o.ID+"/pay", map[string]any{}, nil)
}

// step is one thing that somebody does.
func (m *model) step() {
	m.w.t.Helper()
	now := m.w.p.Kernel.Clock.Now()
	if len(m.things) < 4 || m.rand.IntN(6) == 0 {
		m.buy(now)
		return
	}
	x := m.things[m.rand.IntN(len(m.things))]
	who := fmt.Sprintf("%s %s of %s (%s)", x.protocol, x.id[len(x.id)-6:], x.login, x.status)
	onlyExpiry := !x.violation
	switch m.rand.IntN(9) {
	case 0:
		n := 1 + m.rand.IntN(3)
		ok := !x.over() && !x.trial && onlyExpiry && x.months+n <= 11
		if x.months+n > 11 {
			return // the price by the year would hold
		}
		if m.try(fmt.Sprintf("renew %s by %d", who, n), ok, func() error { return m.order(x, "renew", map[string]any{"period_number": n}) }) {
			m.renew(x, n, now)
		}
	case 1:
		more := int64(m.rand.IntN(4)) // nothing is no change
		ok := x.status == "ACTIVE" && !x.trial && more > 0
		refused := ok && m.rand.IntN(3) == 0
		if refused {
			m.w.seller.behave(func(c call) reply {
				if strings.HasPrefix(c.activity(), "upgrade") {
					return code("000005")(c)
				}
				return well(c)
			})
		}
		if m.try(fmt.Sprintf("add %d to %s, refused %v", more, who, refused), ok, func() error { return m.order(x, "change", map[string]any{"quantity": x.quantity + more}) }) && !refused {
			days := int64((x.end().Sub(now) + day - 1) / day)
			perDay := half(new(big.Rat).Quo(x.price(), big.NewRat(30, 1)), 8)
			m.pay(x, half(times(perDay, more, days), 2))
			x.quantity += more
		}
		if refused {
			m.advance(3*time.Hour + time.Minute)
			m.w.seller.behave(nil)
		}
	case 2:
		ok := x.status == "ACTIVE" && !x.trial && !x.pro
		code, _ := m.w.sku(x.protocol, map[string]string{"v1": "专业版", "v2": "旗舰版"}[x.protocol])
		if m.try("upgrade "+who, ok, func() error { return m.order(x, "change", map[string]any{"sku_code": code}) }) {
			days := int64((x.end().Sub(now) + day - 1) / day)
			before := half(new(big.Rat).Quo(x.price(), big.NewRat(30, 1)), 8)
			x.pro = true
			after := half(new(big.Rat).Quo(x.price(), big.NewRat(30, 1)), 8)
			m.pay(x, half(times(after.Sub(after, before), x.quantity, days), 2))
		}
	case 3:
		year := fmt.Sprintf("%s %d", x.login, now.In(shanghai).Year())
		ok := x.status == "ACTIVE" && !x.trial && now.Before(x.from.Add(5*day)) && m.refunds[year] < 10
		if m.try("unsubscribe "+who, ok, func() error { return m.do(x.login, "POST", "/instances/"+x.id+"/unsubscribe", map[string]any{}, nil) }) {
			m.refunds[year]++
			m.giveBack(x, new(big.Rat).Set(x.paid))
			x.status, x.ahead = "RELEASED", nil
		}
	case 4:
		ok := !x.over() && len(x.ahead) > 0
		if m.try("cancel the renewal of "+who, ok, func() error { return m.do(x.login, "POST", "/instances/"+x.id+"/cancel-renewal", nil, nil) }) {
			last := x.ahead[len(x.ahead)-1]
			x.ahead = x.ahead[:len(x.ahead)-1]
			m.giveBack(x, last.paid)
			x.months -= last.months
			x.settle(now)
		}
	case 5:
		ok := !x.over() && !x.violation
		if m.try("freeze "+who, ok, func() error {
			return m.do("operator", "POST", "/instances/"+x.id+"/freeze", map[string]string{"reason": "x"}, nil)
		}) {
			x.violation = true
			x.settle(now)
		}
	case 6:
		ok := !x.over() && x.violation
		if m.try("lift "+who, ok, func() error { return m.do("operator", "POST", "/instances/"+x.id+"/unfreeze", nil, nil) }) {
			x.violation = false
			x.settle(now)
		}
	case 7:
		n := m.rand.IntN(3)
		ok := !x.over() && !x.trial
		if x.months+max(n, 1) > 6 && n > 0 {
			return
		}
		if m.try(fmt.Sprintf("renew %s by itself by %d", who, n), ok, func() error {
			return m.do(x.login, "PUT", "/instances/"+x.id+"/auto-renew", map[string]any{"enabled": n > 0, "period_number": max(n, 1)}, nil)
		}) {
			x.auto = n
		}
	case 8:
		n := 1 + m.rand.IntN(2)
		ok := x.trial && x.status == "ACTIVE"
		if m.try(fmt.Sprintf("convert %s by %d", who, n), ok, func() error { return m.order(x, "convert", map[string]any{"period_number": n}) }) {
			x.trial, x.from, x.months = false, now, n
			m.pay(x, times(x.price(), x.quantity, int64(n)))
		}
	}
}

func (m *model) buy(now time.Time) {
	m.w.t.Helper()
	x := &thing{login: []string{"buyer", "buyer2"}[m.rand.IntN(2)], protocol: []string{"v1", "v2"}[m.rand.IntN(2)], quantity: 1 + m.rand.Int64N(4), months: 1 + m.rand.IntN(2), from: now, status: "ACTIVE", paid: new(big.Rat)}
	in := map[string]any{"product_id": m.w.offers[x.protocol+" month"], "quantity": x.quantity, "accept_agreement": true}
	ok := true
	if x.trial = m.rand.IntN(4) == 0; x.trial {
		in["trial"] = true
		key := x.login + x.protocol
		ok = !m.trials[key]
		m.trials[key] = true
		x.months, x.trialEnd = 0, now.Add(time.Duration(map[string]int{"v1": 15, "v2": 30}[x.protocol])*day)
	} else {
		in["period_number"] = x.months
	}
	var o demo.Order
	if !m.try(fmt.Sprintf("%s buys %d of %s for %d, on trial %v", x.login, x.quantity, x.protocol, x.months, x.trial), ok, func() error {
		if err := m.do(x.login, "POST", "/orders", in, &o); err != nil || x.trial {
			return err
		}
		return m.do(x.login, "POST", "/orders/"+o.ID+"/pay", map[string]any{}, nil)
	}) {
		return
	}
	if err := m.do(x.login, "GET", "/orders/"+o.ID, nil, &o); err != nil {
		m.fail("%v", err)
	}
	x.id = o.Lines[0].InstanceID
	m.pay(x, times(x.price(), x.quantity, int64(x.months)))
	m.things = append(m.things, x)
}

// agree compares all states, ends, sizes and balances.
func (m *model) agree() {
	m.w.t.Helper()
	all, err := demo.All[demo.Instance](m.w.t.Context(), m.w.as("operator"), api+"/instances")
	m.w.must(err)
	have := map[string]demo.Instance{}
	for _, i := range all {
		have[i.ID] = i
	}
	if len(have) != len(m.things) {
		m.fail("%d instances, the model has %d", len(have), len(m.things))
	}
	for _, x := range m.things {
		i := have[x.id]
		var reasons []string
		for reason, holds := range map[string]bool{"expiry": x.expiry, "violation": x.violation} {
			if holds && !x.over() {
				reasons = append(reasons, reason)
			}
		}
		sort.Strings(reasons)
		end := i.ExpireAt == x.end().Format(time.RFC3339)
		if i.Status != x.status || i.Quantity != x.quantity || i.Trial != x.trial || !x.over() && (!end || !slices.Equal(i.FreezeReasons, reasons)) {
			m.fail("%s of %s is %+v\nthe model says %s %v until %s, %d, trial %v", x.id, x.login, i, x.status, reasons, x.end().Format(time.RFC3339), x.quantity, x.trial)
		}
	}
	same := func(account string, want *big.Rat) {
		m.w.t.Helper()
		if got := m.w.balance(account); got != want.FloatString(2) {
			m.fail("%s stands at %s, the model says %s", account, got, want.FloatString(2))
		}
	}
	for login, a := range m.available {
		same("buyer:"+m.w.company(login)+":available", a)
		same("buyer:"+m.w.company(login)+":held", new(big.Rat))
	}
	for protocol, e := range m.earned {
		same("seller:"+m.w.f.Seller(protocol).ID+":pending", e)
	}
}

// company is that of a login.
func (w *world) company(login string) string {
	for _, a := range w.f.Accounts {
		if a.Login == login {
			return a.CompanyID
		}
	}
	w.t.Fatalf("nobody is called %s", login)
	return ""
}

func TestTheModelAgrees(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			seed := *modelSeed
			if seed == 0 {
				seed = rand.Uint64()
			}
			t.Logf("to repeat: -run 'TestTheModelAgrees/%s' -model-seed %d -model-steps %d", engine, seed, *modelSteps)
			w := newWorld(t, engine, nil)
			m := &model{w: w, rand: rand.New(rand.NewPCG(seed, 7)), available: map[string]*big.Rat{}, earned: map[string]*big.Rat{"v1": new(big.Rat), "v2": new(big.Rat)}, refunds: map[string]int{}, trials: map[string]bool{}}
			for _, login := range []string{"buyer", "buyer2"} {
				w.must(w.as("finance").Do(t.Context(), "POST", api+"/companies/"+w.company(login)+"/top-up", "", map[string]any{"amount": "5000000.00", "currency": "CNY"}, nil))
				a, err := money.Parse(w.balance("buyer:" + w.company(login) + ":available"))
				w.must(err)
				m.available[login] = big.NewRat(int64(a), 100)
			}
			for n := range *modelSteps {
				m.step()
				if m.rand.IntN(3) == 0 {
					d := []time.Duration{time.Minute, 7 * time.Hour, day, 2*day + 5*time.Hour, 6 * day, 16 * day}[m.rand.IntN(6)]
					m.log = append(m.log, fmt.Sprintf("%s pass", d))
					m.advance(d)
				}
				if n%5 == 4 {
					m.agree()
				}
			}
			m.advance(120 * day)
			m.agree()
			w.sound()
			states := map[string]int{}
			for _, x := range m.things {
				states[x.status]++
			}
			t.Logf("%d services: %v", len(m.things), states)
		})
	}
}

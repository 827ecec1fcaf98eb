package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Options of a run.
type Options struct {
	Protocol Protocol
	URL      string // the production (or notification) address; http and loopback are fine
	Key      string // access key of the interface class

	// The order query that the doctor serves: with AK and SK, on OrderListen ("" and
	// "off": not served). MockOrder gives the bytes of the mock orders (openapi.MockAnswer).
	// OrdersReady is told the base address before the first call.
	AK, SK      string
	OrderListen string
	MockOrder   func(orderID, lineID string) ([]byte, bool)
	OrdersReady func(base string)
	// OrderID draws the id of an order that is like a mock order, for who answers the order query by itself: the
	// marketplace. nil draws ids that no order query but the doctor's own knows.
	OrderID func(like string) string

	// Real leaves testFlag=1 away: the seller then provides what is ordered.
	Real bool
	// Modes are the billing modes that the seller offers; nil is all.
	Modes []Mode
	// StableBusinessID and OtherWay are the product's switches of these names.
	// spec: 02 §1.5, §2.14
	StableBusinessID, OtherWay bool
	Kit                        KitOptions
	// License is the authorisation code to play; by default one that does not exist.
	License string
	// Restart restarts the seller's server and returns when that is done; nil skips the rule.
	Restart func(context.Context) error

	Lang     Lang          // of the report's texts; ZH by default
	Progress func(Verdict) // gets every verdict when it is known, aspects last
	// Begin is told before each rule is played: the n-th of all.
	Begin func(rule string, n, all int)
	Send  Sender // how calls are made; by default to any address
	// RootCAs are trusted beside nothing else when Send is nil; nil is the system's.
	RootCAs *x509.CertPool
	// Scale multiplies every time limit; 1 by default. Tests use less.
	Scale float64
	// Limit is the longest a run takes; 5 minutes by default.
	Limit time.Duration
}

// ErrOptions is the error of a run that cannot begin.
var ErrOptions = errors.New("the doctor cannot begin")

// Run plays the marketplace and returns the report. An error means that nothing was
// called; Report.Outcome tells the rest.
func Run(ctx context.Context, o Options) (*Report, error) {
	p := &player{
		o: &o, rules: Rules(o.Protocol), run: newRun(), aspects: map[string]*aspect{}, state: map[string]State{}, verdicts: map[string]Verdict{}, dead: map[string]bool{}, instances: map[Mode]instance{},
	}
	if err := p.prepare(); err != nil {
		return nil, err
	}
	if o.Send == nil {
		client := anywhere(o.RootCAs)
		defer client.Close()
		o.Send = client.Do
	}
	var stop context.CancelFunc
	p.ctx, stop = context.WithTimeout(ctx, o.Limit)
	defer stop()
	if p.orders != nil {
		defer p.orders.close()
		if o.OrdersReady != nil {
			o.OrdersReady(p.orders.base)
		}
	}
	report := &Report{Version: reportVersion, Protocol: o.Protocol, Address: p.shownAddress(), Started: time.Now().UTC().Truncate(time.Second), Lang: o.Lang, Real: o.Real}
	played := slices.DeleteFunc(slices.Clone(p.rules), func(r Rule) bool { return r.aspect })
	for n, r := range played {
		if o.Begin != nil {
			o.Begin(r.ID, n+1, len(played))
		}
		p.tell(report, p.judge(r))
	}
	for _, r := range p.rules {
		if r.aspect {
			p.tell(report, p.judgeAspect(r))
		}
	}
	report.order(p.rules)
	report.Calls, report.Millis = p.calls, time.Since(report.Started).Milliseconds()
	report.conclude(p.reached())
	return report, nil
}

// prepare checks the options and fills in what they leave open.
func (p *player) prepare() error {
	o := p.o
	if o.Lang != EN {
		o.Lang = ZH
	}
	if o.Scale <= 0 {
		o.Scale = 1
	}
	if o.Limit <= 0 {
		o.Limit = 5 * time.Minute
	}
	if o.Key == "" {
		return fmt.Errorf("%w: no access key", ErrOptions)
	}
	for _, m := range o.Modes {
		if !slices.Contains(Modes, m) {
			return fmt.Errorf("%w: billing mode %q is unknown", ErrOptions, m)
		}
	}
	if len(p.rules) == 0 {
		return fmt.Errorf("%w: protocol %q is unknown", ErrOptions, o.Protocol)
	}
	// The address is never repeated in an error: it may hold a password.
	u, err := url.Parse(o.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%w: the address is not of the form http(s)://host/path", ErrOptions)
	case u.User != nil:
		return fmt.Errorf("%w: the address holds a user name or password; the marketplace sends none", ErrOptions)
	}
	if o.Protocol == V1 {
		p.a1, err = v1.ParseAddress(o.URL)
	} else {
		p.a2, err = v2.ParseAddress(o.URL)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOptions, err)
	}
	p.mask.add(o.Key, o.AK, o.SK, o.License, u.RawQuery) // an address's own query may hold a secret
	if o.OrderListen != "" && o.OrderListen != "off" && o.Protocol != V1 {
		if o.AK == "" || o.SK == "" || o.MockOrder == nil {
			return fmt.Errorf("%w: the order query needs AK and SK", ErrOptions)
		}
		p.orders, err = serveOrders(o)
		if err != nil {
			return fmt.Errorf("%w: order query: %w", ErrOptions, err)
		}
	}
	return nil
}

// shownAddress is the address without its query, which may hold a secret.
func (p *player) shownAddress() string {
	address, _, _ := strings.Cut(p.o.URL, "?")
	return p.mask.text(address)
}

func (p *player) tell(report *Report, v Verdict) {
	report.Verdicts = append(report.Verdicts, v)
	if p.o.Progress != nil {
		p.o.Progress(v)
	}
}

// judge plays one rule.
func (p *player) judge(r Rule) (v Verdict) {
	v = newVerdict(r)
	p.mu.Lock()
	p.recent = nil
	p.mu.Unlock()
	if why := p.unwanted(r); why != nil {
		v.skip(Optional, *why)
	} else if by, why := p.blocker(r); why != nil {
		v.skip(Optional, *why)
	} else if by != "" {
		v.block(by)
	} else {
		p.check(r, &v)
	}
	p.state[r.ID], p.verdicts[r.ID] = v.State, v
	return v
}

// unwanted tells why a rule is not asked for in this run.
func (p *player) unwanted(r Rule) *Text {
	switch {
	case r.modes != nil && p.o.Modes != nil && !slices.ContainsFunc(r.modes, func(m Mode) bool { return slices.Contains(p.o.Modes, m) }):
		return &Text{"没有选择这种计费方式（--modes）", "this billing mode is not offered (--modes)"}
	case r.restart && p.o.Restart == nil:
		return &Text{"没有给出重启命令（--restart）", "no command to restart was given (--restart)"}
	case r.orders && p.orders == nil:
		return &Text{"体检没有提供查询订单接口（--order-listen）", "the doctor serves no order query (--order-listen)"}
	case r.debug && p.o.Real:
		return &Text{"只在调试调用中判断", "judged with debugging calls only"}
	case r.kitV2 && p.o.Kit.V1:
		return &Text{"只有第二代有此项", "only the second generation has it"}
	case r.real && !p.o.Real:
		return &Text{"只在真实调用中判断（--real）", "judged with real calls only (--real)"}
	}
	return nil
}

// blocker names the failed rule without which this one cannot be judged, or tells why
// it is not asked for.
func (p *player) blocker(r Rule) (by string, why *Text) {
	for _, need := range r.needs {
		if need == "v1.new.mode" { // the creation that is played where any will do
			need = "v1.new." + string(p.mode())
		}
		switch v := p.verdicts[need]; {
		case v.State == Fail:
			return need, nil
		case v.State == Skip && v.By != "":
			return v.By, nil
		case v.State == Skip:
			return "", &v.Came
		}
	}
	return "", nil
}

// check runs the check and turns what it throws into a verdict.
func (p *player) check(r Rule, v *Verdict) {
	defer func() {
		switch thrown := recover().(type) {
		case nil:
		case blocked:
			p.mu.Lock()
			known := p.state[thrown.by] == Fail || p.refusedQuery || p.aspects[thrown.by] != nil && p.aspects[thrown.by].wrong > 0
			p.mu.Unlock()
			if !known { // what holds elsewhere fails here: this is where it shows
				v.fail(Text{"准备步骤失败", "a step before it failed"}, p.last(2))
				return
			}
			v.block(thrown.by)
			v.Exchanges = p.last(1)
		case unjudged:
			kind := Optional
			if thrown.ended {
				kind = Ended
			}
			v.skip(kind, thrown.Text)
		default:
			panic(thrown)
		}
	}()
	bad := r.check(p)
	if bad == nil {
		v.pass(p.last(1))
		return
	}
	shown := p.last(2)
	if len(bad.replies) > 0 {
		shown = nil
		for _, x := range bad.replies {
			shown = append(shown, x.Exchange)
		}
	}
	v.fail(Text{p.mask.text(bad.ZH), p.mask.text(bad.EN)}, shown)
}

// last returns the last n exchanges of the check.
func (p *player) last(n int) []Exchange {
	p.mu.Lock()
	defer p.mu.Unlock()
	var xs []Exchange
	for _, x := range p.recent[max(0, len(p.recent)-n):] {
		xs = append(xs, x.Exchange)
	}
	return xs
}

// judgeAspect sums up the answers of the run.
func (p *player) judgeAspect(r Rule) Verdict {
	v := newVerdict(r)
	a := p.aspects[r.ID]
	switch {
	case a == nil || a.seen == 0:
		v.skip(Ended, Text{"没有得到任何应答", "nothing was called"})
	case a.wrong > 0:
		v.Count = a.wrong
		v.fail(sayf("%[3]s（%[1]d 个应答中的 %[2]d 个）", "%[4]s (%[2]d of %[1]d answers)", a.seen, a.wrong, p.mask.text(a.ZH), p.mask.text(a.EN)), []Exchange{a.first.Exchange})
	default:
		v.Count = a.seen
		v.pass(nil)
		v.Came = sayf("全部 %d 个应答都符合", "all %d answers", a.seen)
	}
	p.state[r.ID] = v.State
	return v
}

// reached tells whether anybody was there at all.
func (p *player) reached() bool {
	a := p.aspects[p.aspectID("connect")]
	return a != nil && !(a.wrong == a.seen && a.first != nil && a.first.unreached)
}

// unreached tells that no connection was made.
func unreached(a outbound.Answer) bool {
	return a.Status == 0 && !a.WroteRequest && slices.Contains([]string{
		outbound.ReasonBlocked, outbound.ReasonDNS, outbound.ReasonRefused, outbound.ReasonUnreachable, outbound.ReasonTimeout, outbound.ReasonInvalid, outbound.ReasonNetwork,
	}, a.Reason)
}

package doctor

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/license"
	"github.com/souk-market/souk/protocol/ordernotify"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// problem is why a rule does not hold.
type problem struct {
	Text
	replies []*reply // the exchanges that show it
}

func broken(zh, en string, replies ...*reply) *problem { return &problem{Text{zh, en}, replies} }

// blocked is thrown by a check that cannot go on because another rule fails.
type blocked struct {
	by    string
	reply *reply
}

// unjudged is thrown by a check that has nothing to judge, or, when ended, cannot.
type unjudged struct {
	Text
	ended bool
}

// reply is what came of one call.
type reply struct {
	Exchange
	answer    production.Answer
	verdict   production.Verdict // read as far as it can be, whatever is wrong with the form
	reasons   []finding          // what is wrong with the form, in order of examination
	genuine   bool               // a call as the marketplace makes it
	lost      bool               // we broke off
	unreached bool               // no connection
}

// finding is one thing that is wrong with an answer.
type finding struct {
	reason production.Reason
	field  string
}

// player is one run.
type player struct {
	ctx   context.Context
	o     *Options
	mask  mask
	run   string // part of every id of this run
	rules []Rule

	a1 v1.Address
	a2 v2.Address

	mu       sync.Mutex
	serial   int
	recent   []*reply           // of the check under way
	calls    int                // all, ever
	aspects  map[string]*aspect // by rule id
	state    map[string]State   // of the rules judged so far
	verdicts map[string]Verdict // the same, whole
	dead     map[string]bool    // activities that once did not answer in time: not called again

	instances    map[Mode]instance // one per billing mode, in the life of which the rules play
	orders       *orderServer
	trial        instance
	created      []*reply // answers to the first creations
	refused      []*reply // answers to bad calls that were refused
	polled       *reply   // the last look at the main instance
	renewal      v1.RefreshInstance
	growth       v1.Upgrade
	renewal2     v2.RefreshInstance
	growth2      v2.UpgradeInstance
	ending2      v2.ReleaseInstance
	notice       ordernotify.Notice
	world        kitWorld
	grant        kit.Authorisation
	code         license.RefreshCode
	ended        license.ReleaseCode
	refusedQuery bool // an order query of the seller's was refused
}

// instance is what a creation led to.
type instance struct{ order, line, id, product string }

// newRun draws the run's part of the ids. // spec: 02 §1.19
func newRun() string { return strings.ToUpper(rand.Text())[:10] }

// order is a fresh order id, of a form that no real order has: real ones begin with CS
// and the minute. // spec: 01 §7, 02 §1.19
func (p *player) order() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.serial++
	return fmt.Sprintf("DOCTOR%s%04d", p.run, p.serial)
}

// business is a fresh business id.
func (p *player) business() string {
	r := strings.ToLower(rand.Text() + rand.Text())
	return "doctor-" + r[:8] + "-" + r[8:12] + "-" + r[12:28]
}

// limit is how long an answer may take.
func (p *player) limit() time.Duration {
	limit := production.TimeoutV2
	if p.o.Protocol == V1 || p.o.Protocol == Kit { // spec: 01 §2.1, 13 §1
		limit = production.TimeoutV1
	}
	return p.scaled(limit)
}

func (p *player) scaled(d time.Duration) time.Duration { return time.Duration(float64(d) * p.o.Scale) }

// wait lets time pass, or ends the check when the run is over.
func (p *player) wait(d time.Duration) { p.waitExactly(p.scaled(d)) }

func (p *player) waitExactly(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.ctx.Done():
		panic(unjudged{outOfTime, true})
	}
}

var outOfTime = Text{"体检在此之前结束", "the run ended before it"}

// what a call is like.
type manner struct {
	bad      bool // not as the marketplace calls: its answer says nothing about aspects
	breakOff bool // close the connection once it is sent
}

// send makes one call and reads the answer. It throws when nobody would answer anyway.
func (p *player) send(activity string, r production.Request, m manner, judge func(production.Answer) ([]finding, production.Verdict)) *reply {
	if p.ctx.Err() != nil {
		panic(unjudged{outOfTime, true})
	}
	p.mu.Lock()
	dead := p.dead[activity]
	p.calls++
	p.mu.Unlock()
	if dead {
		panic(blocked{by: p.aspectID("in-time")})
	}
	a := p.transmit(r, p.limit(), m.breakOff)
	p.mask.credentials(a.Body)
	x := &reply{answer: answerOf(a), genuine: !m.bad, unreached: unreached(a), lost: m.breakOff && a.Reason == outbound.ReasonCanceled}
	if !x.lost {
		x.reasons, x.verdict = judge(x.answer)
	}
	x.Exchange = p.exchange(activity, r, a, x.verdict.ResultCode)
	if x.lost {
		x.Error = ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent = append(p.recent, x)
	if x.answer.TimedOut {
		p.dead[activity] = true
	}
	if x.genuine && !x.lost {
		p.examine(x, a)
	}
	return x
}

// alive throws if the answer cannot be read at all: that is the matter of an aspect.
func (p *player) alive(x *reply) *reply {
	if x.lost {
		return x
	}
	if id := p.unreadable(x); id != "" {
		panic(blocked{by: id, reply: x})
	}
	return x
}

// unreadable names the aspect because of which an answer says nothing.
func (p *player) unreadable(x *reply) string {
	for _, f := range x.reasons {
		if slices.Contains(fatal, f.reason) {
			return p.aspectID(aspectOf(x.reasons[0]))
		}
	}
	return ""
}

// fatal reasons leave nothing to read.
var fatal = []production.Reason{
	production.ReasonUnreachable, production.ReasonTimeout, production.ReasonTooLarge, production.ReasonUTF8, production.ReasonJSON,
	production.ReasonDuplicate, production.ReasonNoResultCode,
}

// succeeded tells whether the answer says success, whatever its form.
func (x *reply) succeeded() bool { return x.verdict.ResultCode == production.CodeSuccess }

// done expects success.
func (x *reply) done() *problem {
	if x.succeeded() {
		return nil
	}
	return broken("应答不是 000000，而是 "+x.code(), "the answer is not 000000 but "+x.code(), x)
}

// code is the result code with its message, as shown to people. // spec: 02 §2.16
func (x *reply) code() string {
	switch {
	case x.Error != "":
		return x.Error
	case x.verdict.ResultCode == "":
		return fmt.Sprintf("HTTP %d", x.Status)
	}
	message := []rune(x.verdict.ResultMsg)
	if len(message) > 255 {
		message = message[:255]
	}
	return fmt.Sprintf("HTTP %d %s %s", x.Status, x.verdict.ResultCode, string(message))
}

// judgeV1 reads an answer of V1: everything that is wrong with its form, and what it
// says if that is forgiven.
func (p *player) judgeV1(activity v1.Activity) func(production.Answer) ([]finding, production.Verdict) {
	return func(a production.Answer) ([]finding, production.Verdict) {
		return forgive(a, func(a production.Answer, strict bool) production.Verdict {
			return v1.Judge(activity, a, v1.Judging{Debugging: strict}, p.o.Key)
		}, func(a *production.Answer) {
			a.Headers = map[string][]string{"Content-Type": jsonType, v1.BodySignHeader: {v1.MakeBodySign(p.o.Key, a.Body)}}
		})
	}
}

// judgeV2 does the same for V2 and its relatives.
func (p *player) judgeV2(activity v2.Activity, asked ...string) func(production.Answer) ([]finding, production.Verdict) {
	return func(a production.Answer) ([]finding, production.Verdict) {
		return forgive(a, func(a production.Answer, strict bool) production.Verdict {
			return v2.Judge(activity, a, v2.Judging{Debugging: strict, Asked: asked, OtherWay: p.o.OtherWay}, p.o.Key)
		}, func(*production.Answer) {})
	}
}

var jsonType = []string{"application/json"}

// forgive judges an answer again and again, mending what is wrong with its form, until
// it says what it says. Behind an answer that cannot be read nothing else is wrong.
func forgive(a production.Answer, judge func(production.Answer, bool) production.Verdict, seal func(*production.Answer)) ([]finding, production.Verdict) {
	var found []finding
	for range 6 { // there are fewer things to mend
		v := judge(a, true)
		f := finding{v.Reason, v.Field}
		switch v.Reason {
		case production.ReasonStatus, production.ReasonRedirect:
			a.Status = 200
		case production.ReasonContentType:
			a.Headers = cloneWithType(a)
		case production.ReasonBodySignMissing, production.ReasonBodySignForm, production.ReasonBodySignValue, production.ReasonBodySignAmbiguous:
			seal(&a)
		case production.ReasonBOM:
			a.Body = a.Body[3:]
			seal(&a)
		case production.ReasonFieldLength, production.ReasonFieldType:
			return append(found, f), judge(a, false)
		case production.ReasonNone, production.ReasonResultCode, production.ReasonMissingField:
			return found, judge(a, false)
		default:
			if len(found) == 0 {
				found = []finding{f}
			} else { // keep the first, and that it cannot be read
				found = []finding{found[0], f}
			}
			return found, v
		}
		found = append(found, f)
	}
	return found, judge(a, false)
}

// cloneWithType keeps the signature, whatever its header was called.
func cloneWithType(a production.Answer) map[string][]string {
	return map[string][]string{"Content-Type": jsonType, v1.BodySignHeader: a.Header(v1.BodySignHeader)}
}

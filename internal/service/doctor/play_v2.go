package doctor

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// tweak2 changes a call of V2 on its way out.
type tweak2 struct {
	manner
	extra   wirejson.Obj // members added, signed along
	drop    []string     // members left away
	age     time.Duration
	rewrite func([]byte) []byte // of the body, after signing
	query   func(string) string // of the signed URL
	nonce   string
	asked   []string
}

// callV2 makes one call, signed as the marketplace does.
func (p *player) callV2(call v2.Call, t tweak2) *reply {
	body, err := v2.Body(call, !p.o.Real)
	if err != nil {
		panic(fmt.Sprintf("doctor: %v", err)) // the doctor's own values
	}
	return p.postV2(call.Activity(), body, t)
}

func (p *player) postV2(activity v2.Activity, body []byte, t tweak2) *reply {
	if t.extra != nil || t.drop != nil {
		body = remake(body, t.extra, t.drop)
	}
	nonce := t.nonce
	if nonce == "" {
		nonce = newNonce()
	}
	r := v2.Post(body, p.a2, p.o.Key, nonce, time.Now().Add(-t.age))
	if t.rewrite != nil {
		r.Body = t.rewrite(r.Body)
	}
	if t.query != nil {
		r.URL = t.query(r.URL)
	}
	return p.send(string(activity), r, t.manner, p.judgeV2(activity, t.asked...))
}

func newNonce() string {
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		panic(err) // no randomness
	}
	return nonce
}

// remake writes a canonical body anew with members added or left away.
func remake(body []byte, extra wirejson.Obj, drop []string) []byte {
	object, err := wirejson.ParseObject(body)
	o := wirejson.Obj{}
	for _, m := range object.Members {
		o[m.Name] = m.Value
	}
	for _, name := range drop {
		delete(o, name)
	}
	for name, value := range extra {
		o[name] = value
	}
	text, again := wirejson.Canonical(o)
	if err != nil || again != nil {
		panic(fmt.Sprintf("doctor: %v %v", err, again)) // the doctor's own body
	}
	return text
}

// orderV2 is a fresh order with one line; what it is about is what the order query
// answers, so it is played like one of the mock orders.
func (p *player) orderV2(like string) v2.NewInstance {
	id := p.orderLike(like)
	if p.orders != nil {
		p.orders.play(id, like)
	}
	return v2.NewInstance{OrderID: id, OrderLineID: id + "-000001", BusinessID: p.business()}
}

// orderLike draws an order id; whoever runs the doctor may answer the order query itself and draws it then.
func (p *player) orderLike(like string) string {
	if p.o.OrderID != nil {
		return p.o.OrderID(like)
	}
	return p.order()
}

// The mock orders that played ones are like. // spec: 14 §3.1
const (
	likePeriod  = "MOCKPERIODYEARNEW"
	likeOneTime = "MOCKONETIMENEW"
	likePerUse  = "MOCKONDEMAND"
	likePackage = "MOCKONDEMANDPKG"
	likeTrial   = "MOCKPERIODDAYTRIAL"
	likeFormal  = "MOCKMONTYTRIALTOFORMAL"
	likeCancel  = "MOCKMONTYUNSUBSCRIBE"
	likeRenew   = "MOCKMONTYRENEW"
	likeChange  = "MOCKMONTYCHANGE"
)

func like(m Mode) string {
	return map[Mode]string{Period: likePeriod, OneTime: likeOneTime, PerUse: likePerUse, Package: likePackage}[m]
}

func (p *player) repeat2(n v2.NewInstance) v2.NewInstance {
	if !p.o.StableBusinessID {
		n.BusinessID = p.business()
	}
	return n
}

// made tells whether a creation was accepted: success, or "being processed" with an id.
// spec: 11 §6
func made(x *reply) *problem {
	if x.verdict.OK || x.succeeded() {
		return nil
	}
	return x.done()
}

// createV2 makes a creation; "being processed" without an id is asked again. // spec: 11 §6
func (p *player) createV2(n v2.NewInstance, t tweak2) *reply {
	x := p.alive(p.callV2(n, t))
	for _, pause := range slowCreation {
		if !x.verdict.Processing() || x.verdict.InstanceID != "" {
			break
		}
		p.wait(pause)
		x = p.alive(p.callV2(p.repeat2(n), t))
	}
	return x
}

// ordered2 makes a creation and returns its instance, or throws what is broken elsewhere.
func (p *player) ordered2(n v2.NewInstance, t tweak2) instance {
	x := p.createV2(n, t)
	if made(x) != nil {
		panic(blocked{by: "v2.new", reply: x})
	}
	if x.verdict.InstanceID == "" {
		panic(blocked{by: p.noID(x), reply: x})
	}
	return instance{order: n.OrderID, line: n.OrderLineID, id: x.verdict.InstanceID}
}

// same2 expects an accepted creation with the id of an instance.
func (p *player) same2(first instance, x *reply) *problem {
	if bad := made(x); bad != nil {
		return bad
	}
	if x.verdict.InstanceID != first.id {
		return broken("重复的订单行得到了另一个 instanceId", "the repeated order line got another instanceId", p.recentReplies(2)...)
	}
	return nil
}

// ready polls until the instance is there. // spec: 01 §2.2, 02 §2.13
func (p *player) ready(id string) (v2.PollState, *reply) {
	var state v2.PollState
	var x *reply
	for _, pause := range []time.Duration{0, 100, 200, 500, 1000, 2000, 4000, 7000} { // 15 s in all
		p.wait(pause * time.Millisecond)
		x = p.alive(p.callV2(v2.QueryInstance{InstanceIDs: []string{id}}, tweak2{asked: []string{id}}))
		if state = p.pollState(id, x); state == v2.PollReady {
			break
		}
	}
	return state, x
}

// readied waits for another instance. What it takes was judged with the first one: an
// answer without entry is success enough here.
func (p *player) readied(id string) {
	if state, x := p.ready(id); state != v2.PollReady && !x.succeeded() {
		panic(blocked{by: "v2.query.ready", reply: x})
	}
}

// pollState judges a poll by what it says, whatever its form.
func (p *player) pollState(id string, x *reply) v2.PollState {
	switch {
	case x.succeeded() && p.entry(x, id) != nil, x.succeeded() && p.o.OtherWay && len(x.verdict.Info) == 0:
		return v2.PollReady
	case x.verdict.ResultCode == "000001":
		return v2.PollAuth
	}
	return v2.PollNotReady
}

// spoil changes the signature in a URL without changing its form.
func spoil(url string) string {
	head, rest, _ := strings.Cut(url, "signature=")
	digit := "0"
	if rest[0] == '0' {
		digit = "1"
	}
	return head + "signature=" + digit + rest[1:]
}

// without removes a query parameter of ours.
func without(name string) func(string) string {
	return func(url string) string {
		base, query, _ := strings.Cut(url, "?")
		var kept []string
		for pair := range strings.SplitSeq(query, "&") {
			if !strings.HasPrefix(pair, name+"=") {
				kept = append(kept, pair)
			}
		}
		return base + "?" + strings.Join(kept, "&")
	}
}

package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// tweak1 changes a call of V1 on its way out.
type tweak1 struct {
	manner
	extra []v1.Param
	drop  []string
	set   map[string]string         // replaces values
	age   time.Duration             // of the time stamp
	token func(right string) string // replaces the token
	plus  bool                      // a token that holds "+"; none does otherwise
	after []v1.Param                // added behind the signature: not signed
	at    time.Time                 // the time stamp, so that two calls are the same bytes
}

// callV1 makes one call, signed as the marketplace does. Tokens are drawn without "+",
// so that only the rule about it sees sellers that cannot read one. // spec: 10 §6.1
func (p *player) callV1(call v1.Call, t tweak1) *reply {
	params, err := v1.Parameters(call, v1.Settings{Debug: !p.o.Real})
	if err != nil {
		panic(fmt.Sprintf("doctor: %v", err)) // the doctor's own values
	}
	return p.sendV1(call.Activity(), params, t)
}

func (p *player) sendV1(activity v1.Activity, params []v1.Param, t tweak1) *reply {
	var kept []v1.Param
	for _, q := range params {
		if value, changed := t.set[q.Name]; changed {
			q.Value = value
		}
		dropped := false
		for _, name := range t.drop {
			dropped = dropped || q.Name == name
		}
		if !dropped {
			kept = append(kept, q)
		}
	}
	kept = append(kept, t.extra...)
	now := time.Now().Add(-t.age)
	if !t.at.IsZero() {
		now = t.at
	}
	var r production.Request
	for range 300 { // each try has an even chance
		r = v1.Sign(kept, p.a1, p.o.Key, v1.TimeStamp(now))
		_, token, _ := strings.Cut(r.URL, "authToken=")
		if strings.Contains(token, "%2B") == t.plus {
			break
		}
		now = now.Add(time.Millisecond)
	}
	if t.token != nil {
		head, token, _ := strings.Cut(r.URL, "authToken=")
		right, _ := unescape(token)
		if wrong := t.token(right); wrong == "" {
			r.URL = strings.TrimSuffix(head, "&")
		} else {
			r.URL = head + "authToken=" + v1.Encode(wrong)
		}
	}
	for _, q := range t.after {
		r.URL += "&" + v1.Encode(q.Name) + "=" + v1.Encode(q.Value)
	}
	return p.send(string(activity), r, t.manner, p.judgeV1(activity))
}

// orderV1 is a complete order of V1 in a billing mode.
func (p *player) orderV1(m Mode) v1.NewInstance {
	n := v1.NewInstance{
		CustomerID: "doctor-customer-" + strings.ToLower(p.run), CustomerName: "doctor", BusinessID: p.business(), OrderID: p.order(),
		SKUCode: "doctor-sku-1", ProductID: "DOCTOR-PRODUCT-1", OrderAmount: "0.01",
	}
	switch m {
	case Period:
		n.ChargingMode, n.PeriodType, n.PeriodNumber, n.ExpireTime = v1.Period, "month", 1, p.ends(1)
	case OneTime:
		n.ChargingMode = v1.OneTime
	case PerUse:
		n.ChargingMode = v1.PayPerUse
	case Package:
		n.ChargingMode, n.ExpireTime = v1.Package, p.ends(1)
	}
	return n
}

// ends is an expiry some months ahead. // spec: 02 §1.4
func (p *player) ends(months int) string {
	return v1.ExpireTime(time.Now().AddDate(0, months, 0), v1.ExpireZone)
}

// createV1 makes a creation; a seller that answers "being processed" is asked again, since
// a repetition doubles as a poll. // spec: 10 §5
func (p *player) createV1(n v1.NewInstance, t tweak1) *reply {
	x := p.alive(p.callV1(n, t))
	for _, pause := range slowCreation {
		if !x.verdict.Processing() {
			break
		}
		p.wait(pause)
		x = p.alive(p.callV1(p.repeat(n), t))
	}
	return x
}

// slowCreation are the pauses between repetitions while a creation is being processed:
// 15 s in all.
var slowCreation = []time.Duration{200 * time.Millisecond, 800 * time.Millisecond, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// ordered makes a creation and returns its instance, or throws what is broken elsewhere.
func (p *player) ordered(n v1.NewInstance, t tweak1) instance {
	x := p.createV1(n, t)
	if !x.succeeded() {
		panic(blocked{by: "v1.new." + string(modeV1(n)), reply: x})
	}
	if x.verdict.InstanceID == "" {
		panic(blocked{by: p.noID(x), reply: x})
	}
	return instance{order: n.OrderID, id: x.verdict.InstanceID, product: n.ProductID}
}

// noID names the rule that a success without usable instanceId breaks.
func (p *player) noID(x *reply) string {
	for _, f := range x.reasons {
		if f.field == "instanceId" {
			return p.aspectID(aspectOf(f))
		}
	}
	return string(p.o.Protocol) + ".new.instance-id"
}

func modeV1(n v1.NewInstance) Mode {
	switch n.ChargingMode {
	case v1.OneTime:
		return OneTime
	case v1.PayPerUse:
		return PerUse
	case v1.Package:
		return Package
	}
	return Period
}

// repeat gives a creation the business id of a repetition: the same where the product
// keeps it, else a new one. // spec: 02 §1.5
func (p *player) repeat(n v1.NewInstance) v1.NewInstance {
	if !p.o.StableBusinessID {
		n.BusinessID = p.business()
	}
	return n
}

// main is the instance of a billing mode whose life is played.
func (p *player) main(m Mode) instance {
	i, ok := p.instances[m]
	if !ok {
		panic(blocked{by: string(p.o.Protocol) + ".new." + string(m)})
	}
	return i
}

// knock makes a call that counts for nothing, to see whether somebody is there.
func (p *player) knock() production.Answer {
	r := production.Request{Method: "GET", URL: p.o.URL, Headers: v1.Headers}
	if p.o.Protocol != V1 {
		r = production.Request{Method: "POST", URL: p.o.URL, Headers: v2.Headers, Body: []byte("{}")}
	}
	return answerOf(p.transmit(r, p.scaled(2*time.Second), false))
}

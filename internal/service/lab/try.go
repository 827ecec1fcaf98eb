package lab

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/explain"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Try is the input of Debug and Preview.
type Try struct {
	Scenario   string
	Address    string
	Credential string            // id of the public key for {rsa …}; "" is the first
	Form       map[string]string // nil is the preset
	Save       bool              // keep the case when it passes
}

// Preview is a request as the platform would send it: the generated link or command.
// spec: 10 §8.1, 11 §7
type Preview struct {
	Method, URL string
	Request     []byte // request line, headers and body
}

// Preview composes a request without sending it.
func (l *Lab) Preview(ctx context.Context, a access.Actor, t Try) (out Preview, err error) {
	s, p, r, err := l.prepare(ctx, a, &t)
	if err != nil {
		return out, err
	}
	m, err := l.compose(s, t.Form, t.Address, p, r)
	if err != nil {
		return out, err
	}
	return Preview{m.request.Method, m.request.URL, rendered(m.request)}, nil
}

func (l *Lab) prepare(ctx context.Context, a access.Actor, t *Try) (s lab.Scenario, p parties, r *round, err error) {
	if err = may(a, access.LabRun); err != nil {
		return s, p, r, err
	}
	if s, err = scenario(t.Scenario); err != nil {
		return s, p, r, err
	}
	if t.Form == nil {
		t.Form = s.Preset()
	}
	r = &round{}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if err = l.allowed(ctx, tx, a, s.Protocol.Class(), t.Address); err != nil {
			return err
		}
		if p, err = l.load(ctx, tx, a.CompanyID, s.Protocol.Class(), t.Credential); err != nil {
			return err
		}
		r.instance, r.order, err = store.LastInstance(ctx, tx, a.CompanyID, t.Address)
		return err
	})
	return s, p, r, err
}

// Debug sends one call and judges the answer strictly; with Save a call that passes is kept
// as a case. What failed is an answer too: err is about the input alone.
// spec: 10 §8.1, §8.3, 11 §7
func (l *Lab) Debug(ctx context.Context, a access.Actor, t Try) (Run, error) {
	s, p, r, err := l.prepare(ctx, a, &t)
	if err != nil {
		return Run{}, err
	}
	v := Run{SellerID: a.CompanyID, Address: t.Address, Scenario: s.ID, Occasion: ByHand}
	if t.Save {
		v.Occasion = BySaving
	}
	play := l.play
	if s.Inbound {
		play = l.received
	}
	if err := play(ctx, s, t.Form, p, r, &v, true); err != nil {
		return Run{}, err
	}
	err = l.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if t.Save && v.Passed {
			c := Case{ID: l.k.Row(), SellerID: a.CompanyID, Address: t.Address, Scenario: s.ID, Variant: s.Variant(t.Form), Form: t.Form, Passed: true, RunID: v.ID, RunAt: v.StartedAt,
				CreatedBy: a.PersonID, CreatedAt: v.StartedAt}
			if err := store.PutLabCase(ctx, tx, &c); err != nil {
				return err
			}
			v.CaseID = c.ID
			if err := l.startProbing(ctx, tx); err != nil {
				return err
			}
		}
		if err := store.InsertLabRun(ctx, tx, &v); err != nil {
			return err
		}
		return l.k.Audit(ctx, tx, a, access.LabRun, a.CompanyID, v.Occasion+" "+s.ID+" "+passed(v.Passed))
	})
	return v, err
}

func passed(ok bool) string {
	if ok {
		return "passed"
	}
	return "failed"
}

// play makes one call of a round and writes into v what came of it; extra adds the checks
// that warn. // spec: 02 §1.20, §2.18
func (l *Lab) play(ctx context.Context, s lab.Scenario, form map[string]string, p parties, r *round, v *Run, extra bool) error {
	m, err := l.compose(s, form, v.Address, p, r)
	if err != nil {
		return err
	}
	v.ID, v.StartedAt, v.OrderID, v.Request = l.k.Row(), l.k.Wire.Now(), m.order, rendered(m.request)
	answer := l.send(ctx, s, m.request)
	verdict := judge(s, m, answer, p)
	if s.ID == "v2.check" && !verdict.OK && !verdict.Unknown { // then once as a text // spec: 02 §2.6
		text := s
		text.Fields = append([]lab.Field{}, s.Fields...)
		for i := range text.Fields {
			text.Fields[i].Kind = lab.Text
		}
		if second, err := l.compose(text, form, v.Address, p, r); err == nil {
			again := l.send(ctx, s, second.request)
			if said := judge(s, second, again, p); said.OK {
				answer, verdict = again, said
				verdict.Warn("product-info-text", "")
			}
		}
	}
	v.Passed, v.Reason, v.Field, v.Warnings = verdict.OK, string(verdict.Reason), verdict.Field, verdict.Warnings
	v.HTTPStatus, v.ResultCode, v.ResultMsg, v.Duration = answer.Status, verdict.ResultCode, cut(verdict.ResultMsg), answer.Duration
	v.Response = delivery.Mask(answer.ReceivedBytes)
	if len(answer.SentBytes) > 0 {
		v.Request = answer.SentBytes
	}
	if answer.Err != nil {
		v.Detail = answer.Reason + ": " + answer.Err.Error()
	}
	if verdict.Expected != "" { // towards the seller, who owns the key // spec: 10 §8.3
		v.Detail = verdict.Expected
		v.Warnings = append(v.Warnings, causes(answer, m, p)...)
	}
	if s.Creates && v.Passed {
		v.InstanceID, r.instance = verdict.InstanceID, verdict.InstanceID
		if extra {
			l.seek(ctx, s, form, m, p, *r, v)
		}
	} else if extra && v.Passed {
		l.seekSignature(ctx, s, m, p, v)
	}
	return nil
}

// causes names the mistakes that give exactly the Body-Sign that came.
func causes(a outbound.Answer, m message, p parties) (out []string) {
	stamp := ""
	if u, err := url.Parse(m.request.URL); err == nil {
		stamp = u.Query().Get("timeStamp")
	}
	r, err := explain.Body(explain.Input{Key: p.keys[0], Timestamp: stamp, Body: a.Body, Got: a.Header.Get(v1.BodySignHeader), Others: p.others})
	if err != nil {
		return nil // its form was told already
	}
	for _, c := range r.Causes {
		out = append(out, lab.WarnCause+":"+string(c.Code))
	}
	return out
}

// cut bounds what sellers write. // spec: 02 §2.16
func cut(s string) string {
	if r := []rune(s); len(r) > 255 {
		return string(r[:255])
	}
	return s
}

// send makes a call with the protocol's own time-out. // spec: 01 §2.1, 13 §1
func (l *Lab) send(ctx context.Context, s lab.Scenario, q production.Request) outbound.Answer {
	timeout := production.TimeoutV2
	switch s.Protocol {
	case lab.V1:
		timeout = production.TimeoutV1
	case lab.Kit1, lab.Kit2:
		timeout = kit.Timeout
	case lab.Notify:
		timeout = production.TimeoutNotify
	}
	if l.k.Sandbox && l.k.TimeoutScale > 0 {
		timeout = time.Duration(float64(timeout) * l.k.TimeoutScale)
	}
	r := outbound.Request{Method: q.Method, URL: q.URL, Header: outbound.Fields(q.Headers), Body: q.Body, Timeout: timeout, MaxBody: production.MaxBody}
	return l.client.Do(ctx, r)
}

func judge(s lab.Scenario, m message, a outbound.Answer, p parties) production.Verdict {
	answer := delivery.Came(a)
	if s.Protocol == lab.V1 {
		return v1.Judge(v1.Activity(s.Activity), answer, v1.Judging{Debugging: true}, p.keys...)
	}
	v := v2.Judge(v2.Activity(s.Activity), answer, v2.Judging{Debugging: true, Asked: m.instances}, p.keys...)
	if signs := answer.Header(v1.BodySignHeader); s.Protocol == lab.Kit1 && v.OK && len(signs) > 0 { // verified if present // spec: 13 §1.3
		if _, reason, expected := v1.VerifyBodySign(signs, answer.Body, p.keys...); reason != production.ReasonNone {
			v.OK, v.Reason, v.Expected = false, reason, expected
		}
	}
	return v
}

// rendered is a request as it goes over the connection.
func rendered(q production.Request) []byte {
	rest := q.URL
	if _, after, ok := strings.Cut(rest, "://"); ok {
		rest = after
	}
	host, target := rest, "/"
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		host, target = rest[:i], rest[i:]
	}
	if strings.HasPrefix(target, "?") {
		target = "/" + target
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.Method, target, host)
	for _, h := range q.Headers {
		fmt.Fprintf(&b, "%s: %s\r\n", h.Name, h.Value)
	}
	if len(q.Body) > 0 {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(q.Body))
	}
	b.WriteString("\r\n")
	b.Write(q.Body)
	return []byte(b.String())
}

// The warnings of the extra checks, and the failure of 02 §1.18.
const (
	WarnWrongToken   = "accepts-wrong-token"
	WarnOldStamp     = "accepts-old-timestamp"
	WarnTwoInstances = "two-instances-for-one-order"
	WarnNames        = "name-with-reserved-characters"
	WarnInfoText     = "product-info-text"
	ReasonOneForAll  = "one-instance-for-all-items"
)

// seek makes the calls that tell more than the case itself. They warn; only billing items
// that share an instance fail the case. // spec: 02 §1.18, §1.20
func (l *Lab) seek(ctx context.Context, s lab.Scenario, form map[string]string, m message, p parties, r round, v *Run) {
	l.seekSignature(ctx, s, m, p, v)
	if s.Protocol != lab.V1 {
		return
	}
	same := copied(form)
	same["orderId"] = m.order
	if one, ok := l.answered(ctx, s, same, p, r, v.Address); ok && one.InstanceID != v.InstanceID {
		v.Warnings = append(v.Warnings, WarnTwoInstances)
	}
	if _, named := fieldOf(s, "customerName"); named {
		odd := copied(form)
		odd["customerName"] = "上海 A&B=C+公司/100%'"
		if one, ok := l.answered(ctx, s, odd, p, r, v.Address); ok && !one.OK {
			v.Warnings = append(v.Warnings, WarnNames)
		}
	}
	if s.ID == "v1.new.demand" {
		item := copied(same)
		item["productId"] = m.filled["productId"] + "-2"
		if one, ok := l.answered(ctx, s, item, p, r, v.Address); ok && one.OK && one.InstanceID == v.InstanceID {
			v.Passed, v.Reason, v.Field = false, ReasonOneForAll, "instanceId"
		}
	}
}

func copied(form map[string]string) map[string]string {
	out := make(map[string]string, len(form))
	for k, v := range form {
		out[k] = v
	}
	return out
}

// answered makes a call beside the case; false when no answer came.
func (l *Lab) answered(ctx context.Context, s lab.Scenario, form map[string]string, p parties, r round, address string) (production.Verdict, bool) {
	m, err := l.compose(s, form, address, p, &r)
	if err != nil {
		return production.Verdict{}, false
	}
	v := judge(s, m, l.send(ctx, s, m.request), p)
	return v, !v.Unknown
}

// seekSignature sends the call with a signature of another key, and on V2 with a stamp ten
// minutes old: a server that says success to these verifies nothing. // spec: 02 §1.20, §2.18
func (l *Lab) seekSignature(ctx context.Context, s lab.Scenario, m message, p parties, v *Run) {
	wrong := p
	wrong.keys = []string{"not-" + p.keys[0]}
	now := l.k.Wire.Now()
	if q, err := l.write(s, m.filled, v.Address, wrong, now); err == nil && l.success(ctx, s, q) {
		v.Warnings = append(v.Warnings, WarnWrongToken)
	}
	if s.Protocol == lab.V1 || s.Protocol == lab.Kit1 {
		return
	}
	if q, err := l.write(s, m.filled, v.Address, p, now.Add(-10*time.Minute)); err == nil && l.success(ctx, s, q) {
		v.Warnings = append(v.Warnings, WarnOldStamp)
	}
}

// success tells whether a call is answered with 000000, whatever else is wrong with the answer.
func (l *Lab) success(ctx context.Context, s lab.Scenario, q production.Request) bool {
	a := delivery.Came(l.send(ctx, s, q))
	if a.TimedOut || a.TransportErr != nil || a.TooLarge || a.Status != 200 {
		return false
	}
	var v production.Verdict
	_, ok := production.ReadResult(a.Body, &v)
	return ok && v.ResultCode == production.CodeSuccess
}

// Run reads one run of the seller's.
func (l *Lab) Run(ctx context.Context, a access.Actor, id string) (v Run, err error) {
	if err := may(a, access.LabRead); err != nil {
		return v, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if v, err = store.LabRunByID(ctx, tx, a.CompanyID, id); err != nil {
			return kernel.Missing(err, "run")
		}
		return visible(ctx, tx, a, v.Address)
	})
	return v, err
}

// Runs lists them, newest first, before a mark.
func (l *Lab) Runs(ctx context.Context, a access.Actor, f RunFilter, mark string, limit int) (out []Run, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if out, err = store.LabRuns(ctx, tx, a.CompanyID, f, mark, limit); err != nil || !a.Limited {
			return err
		}
		mine, err := addresses(ctx, tx, a)
		out = slices.DeleteFunc(out, func(v Run) bool { return !among(mine, v.Address) })
		return err
	})
	return out, err
}

// among tells whether an address is one of these.
func among(all []Address, address string) bool {
	return slices.ContainsFunc(all, func(r Address) bool { return r.URL == address })
}

// visible keeps what is about the addresses of other products from a limited sub-user.
func visible(ctx context.Context, tx *kernel.Tx, a access.Actor, address string) error {
	if !a.Limited {
		return nil
	}
	all, err := addresses(ctx, tx, a)
	if err == nil && !among(all, address) {
		err = fault.Unknown("run")
	}
	return err
}

// Package metering receives the usage that sellers push (使用量推送, 推送话单): who pushes,
// whether the signature, the moment and the nonce are right, and what is wrong with each
// record.
//
// Nothing in the catalogue is sold by use yet, so records are taken for instances that a
// call of the lab made: they prove the seller's server, are kept as calls of the lab and
// are never charged. A record for an instance that was sold is answered with the code
// that is true of it. // spec: 10 §8.1, 14 §2.3
//
// Chapters: 14 §2, 01 §6. It must not know HTTP; the wire forms are protocol/usagepush's.
package metering

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/explain"
	"github.com/souk-market/souk/protocol/usagepush"
)

// class is the interface class whose key signs pushes. // spec: 14 §2.1
const class = "base"

const (
	keepPushes = 50 // of an instance of the lab; serials and spans are compared with these
	maxNamed   = 20 // instances of a push that tell who its seller may be
	strangers  = 5  // pushes a second that name nobody's instance and are tried with every seller's key
)

// Metering is the use cases.
type Metering struct {
	k *kernel.Kernel

	mu      sync.Mutex
	unknown *rate.Limiter            // of the search through all keys
	refused map[string]*rate.Limiter // by seller: what a stranger may write into the lab
}

// New makes them.
func New(k *kernel.Kernel) *Metering {
	return &Metering{k: k, unknown: rate.NewLimiter(strangers, 2*strangers), refused: map[string]*rate.Limiter{}}
}

// Push is one push as it came.
type Push struct {
	Generation usagepush.Generation
	Headers    usagepush.Headers
	Body       []byte
	Seller     string // of the access key that signed the request; "" when none did
	Request    []byte // as it came, for the lab
}

// Caller finds the seller of a push and checks what proves it: the signature with the
// interconnection key, the access key alone where that is allowed. A refusal is the
// whole answer. // spec: 14 §2.1, 01 §6
func (m *Metering) Caller(ctx context.Context, p *Push) (seller string, refused *usagepush.Answer, err error) {
	if p.Generation == usagepush.Old || p.Headers.None() && p.Seller != "" && m.k.Settings().UsageByKey {
		return p.Seller, nil, nil // the face has checked the access key
	}
	now := m.k.Wire.Now()
	header, msg := p.Headers.Check(now)
	if header != "" {
		return m.refuse(ctx, p, "push-header", header, "Invalid body signature: "+msg+".")
	}
	err = m.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		sellers, err := m.named(ctx, tx, p)
		if err != nil {
			return err
		}
		if seller, err = m.signer(ctx, tx, p, sellers, now); err != nil || seller != "" || p.Seller != "" || !m.unknown.Allow() {
			return err
		} // or somebody pushes for an instance that is another's, or nobody's
		if sellers, err = store.SellersWithKey(ctx, tx, class, now); err != nil {
			return err
		}
		seller, err = m.signer(ctx, tx, p, sellers, now)
		return err
	})
	if err != nil || seller != "" {
		return seller, nil, err
	}
	return m.refuse(ctx, p, "push-signature", "signature", "Invalid body signature.")
}

// named lists the sellers whose push this can be: the access key's, or who has an
// instance that it names.
func (m *Metering) named(ctx context.Context, tx *kernel.Tx, p *Push) (all []string, err error) {
	if p.Seller != "" {
		return []string{p.Seller}, nil
	}
	records, _ := usagepush.Read(p.Body) // what is wrong with them is told to who signed
	var seen []string
	for _, r := range records {
		if r.InstanceID == "" || slices.Contains(seen, r.InstanceID) || len(seen) == maxNamed {
			continue
		}
		seen = append(seen, r.InstanceID)
		sold, tried, err := store.SellersOfInstance(ctx, tx, r.InstanceID)
		if err != nil {
			return nil, err
		}
		for _, s := range append(sold, tried...) {
			if !slices.Contains(all, s) {
				all = append(all, s)
			}
		}
	}
	return all, nil
}

// signer is the one of these sellers whose key made the signature; "" is none.
func (m *Metering) signer(ctx context.Context, tx *kernel.Tx, p *Push, sellers []string, now time.Time) (string, error) {
	for _, seller := range sellers {
		keys, err := m.keys(ctx, tx, seller, class, now)
		if err != nil {
			return "", err
		}
		for _, key := range keys {
			if usagepush.Matches(key, p.Headers.TS, p.Headers.Nonce, p.Body, p.Headers.Signature) {
				return seller, nil
			}
		}
	}
	return "", nil
}

func (m *Metering) keys(ctx context.Context, tx *kernel.Tx, seller, class string, now time.Time) (out []string, err error) {
	sealed, err := store.Keys(ctx, tx, seller, class, now)
	for _, key := range sealed {
		text, err := m.k.Ring.Open(catalogue.KeyPurpose(seller, class), key.Sealed)
		if err != nil {
			return nil, fmt.Errorf("open key %s %s version %d: %w", seller, class, key.Version, err)
		}
		out = append(out, string(text))
	}
	return out, err
}

// Take judges the records of a push whose caller is known, and answers it.
// spec: 14 §2.3, §2.4, 01 §6
func (m *Metering) Take(ctx context.Context, seller string, p *Push) (answer usagepush.Answer, err error) {
	now := m.k.Wire.Now()
	records, refused := usagepush.Read(p.Body)
	err = m.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		var bad []usagepush.Bad
		run := store.LabRun{}
		switch {
		case refused != nil:
			answer = *refused
		default:
			if answer, bad, run, err = m.judge(ctx, tx, seller, p.Generation, records, now); err != nil {
				return err
			}
		}
		if !p.Headers.None() { // a nonce is used up by whatever its seller signed
			fresh, err := store.UseNonce(ctx, tx, seller, p.Headers.Nonce, now, now.Add(-2*usagepush.MaxSkew))
			if err != nil {
				return err
			}
			if !fresh {
				answer, bad = usagepush.Refuse(usagepush.BadSignature, "Invalid body signature: the nonce was used before."), nil
				run.Reason, run.Field = "push-nonce", "nonce"
			}
		}
		if run.InstanceID == "" { // no instance of the lab: nothing to keep
			return nil
		}
		if len(bad) > 0 {
			run.Reason, run.Field = "push-record", fmt.Sprintf("usage_records[%d].%s", bad[0].Index, bad[0].Finding.Field)
			run.Detail = string(bad[0].Finding.Code) + " " + bad[0].Finding.Msg
		}
		if p.Headers.None() && p.Generation == usagepush.New {
			run.Warnings = append(run.Warnings, WarnAccessKey)
		}
		run.Passed = run.Reason == ""
		return m.keep(ctx, tx, run, p, answer)
	})
	return answer, err
}

// WarnAccessKey stands on a push of the new interface that an access key alone proved.
const WarnAccessKey = "push-access-key"

// judge finds what is wrong with each record; run is the call of the lab that this push
// becomes when it names an instance of the lab.
func (m *Metering) judge(ctx context.Context, tx *kernel.Tx, seller string, g usagepush.Generation, records []usagepush.Record, now time.Time) (a usagepush.Answer, bad []usagepush.Bad, run store.LabRun, err error) {
	earlier := map[string][]usagepush.Record{} // by instance of the lab
	var taken []usagepush.Record
	for i := range records {
		r := &records[i]
		f := r.Check(g, now)
		if r.InstanceID != "" && f.Code != usagepush.NoInstance {
			made, err := m.whose(ctx, tx, seller, r.InstanceID)
			if err != nil {
				return a, nil, run, err
			}
			if made.lab && run.InstanceID == "" {
				run = made.run
			}
			switch {
			case f.Code != usagepush.None:
			case made.finding.Code != usagepush.None:
				f = made.finding
			default:
				if _, known := earlier[r.InstanceID]; !known {
					if earlier[r.InstanceID], err = m.earlier(ctx, tx, seller, r.InstanceID, now); err != nil {
						return a, nil, run, err
					}
				}
				if f = repeated(*r, g, slices.Concat(earlier[r.InstanceID], taken)); f.Code == usagepush.None && r.RelatePkgInstance != "" {
					pkg, err := m.whose(ctx, tx, seller, r.RelatePkgInstance)
					if err != nil {
						return a, nil, run, err
					}
					if !pkg.lab {
						f = usagepush.Finding{Code: usagepush.ForeignPackage, Field: "relate_pkg_instance", Msg: "relate_pkg_instance does not exist or does not belong to the instance"}
					}
				}
			}
		}
		if f.Code != usagepush.None {
			bad = append(bad, usagepush.Bad{Index: i, Record: *r, Finding: f})
			continue
		}
		taken = append(taken, *r)
	}
	return usagepush.Taken(g, bad), bad, run, nil
}

// repeated compares a record with those that were taken before. // spec: 14 §2.4, 01 §6
func repeated(r usagepush.Record, g usagepush.Generation, before []usagepush.Record) usagepush.Finding {
	for _, o := range before {
		switch {
		case g == usagepush.New && r.MeteringSN == o.MeteringSN && r.Same(o):
			return usagepush.Finding{Code: usagepush.SerialRepeated, Field: "metering_sn", Msg: "this record was received before; it is charged once"}
		case g == usagepush.New && r.MeteringSN == o.MeteringSN:
			return usagepush.Finding{Code: usagepush.SerialRepeated, Field: "metering_sn", Msg: "metering_sn was used for a record with other content"}
		}
	}
	for _, o := range before {
		if r.Span() == o.Span() {
			return usagepush.Finding{Code: usagepush.Duplicate, Field: "begin_time", Msg: "a record of this instance with the same begin_time and end_time was received before"}
		}
	}
	return usagepush.Finding{}
}

// belonging is what an instance id is to a seller.
type belonging struct {
	lab     bool
	run     store.LabRun // the call that made it
	finding usagepush.Finding
}

func (m *Metering) whose(ctx context.Context, tx *kernel.Tx, seller, instance string) (b belonging, err error) {
	sold, tried, err := store.SellersOfInstance(ctx, tx, instance)
	if err != nil {
		return b, err
	}
	say := func(code usagepush.Code, msg string) {
		b.finding = usagepush.Finding{Code: code, Field: "instance_id", Msg: msg}
	}
	switch {
	case slices.Contains(sold, seller): // nothing is sold by use // spec: 14 §2.3
		say(usagepush.NotOnDemand, "the instance is not an on-demand resource")
	case slices.Contains(tried, seller):
		b.lab = true
		made, err := store.MadeInstance(ctx, tx, seller, instance, lab.ByPush)
		b.run = store.LabRun{SellerID: seller, Address: made.Address, InstanceID: instance, OrderID: made.OrderID}
		return b, err
	case len(sold) > 0:
		say(usagepush.Foreign, "the instance is not one of the caller's")
	default:
		say(usagepush.NoInstance, "the instance does not exist")
	}
	return b, nil
}

// earlier reads the records of an instance of the lab that were taken before.
func (m *Metering) earlier(ctx context.Context, tx *kernel.Tx, seller, instance string, now time.Time) (out []usagepush.Record, err error) {
	all, err := store.Pushes(ctx, tx, seller, instance, lab.ByPush, now.Add(-usagepush.MaxAge), keepPushes)
	for _, v := range all {
		if !v.Passed && v.Reason != "push-record" {
			continue
		}
		_, body, _ := bytes.Cut(v.Request, []byte("\r\n\r\n"))
		records, _ := usagepush.Read(body) // they were read before they were kept
		failed := usagepush.AbnormalSerials(v.Response)
		for i := range records {
			if slices.Contains(failed, records[i].MeteringSN) {
				continue // of a push that failed in part, the good ones were taken // spec: 01 §6
			}
			if f := records[i].Check(usagepush.Old, now); records[i].InstanceID == instance && (f.Code == usagepush.None || f.Field == "product_id" || f.Code == usagepush.TooOld) {
				out = append(out, records[i])
			}
		}
	}
	return out, err
}

// refuse answers a push that nobody is proved to have made. When it names an instance of
// the lab, its seller sees on the debugging page what came and why it does not fit.
func (m *Metering) refuse(ctx context.Context, p *Push, reason, field, msg string) (string, *usagepush.Answer, error) {
	answer := usagepush.Refuse(usagepush.BadSignature, msg)
	now := m.k.Wire.Now()
	records, _ := usagepush.Read(p.Body)
	if len(records) == 0 || records[0].InstanceID == "" {
		return "", &answer, nil
	}
	err := m.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		_, tried, err := store.SellersOfInstance(ctx, tx, records[0].InstanceID)
		if err != nil {
			return err
		}
		if p.Seller != "" && slices.Contains(tried, p.Seller) {
			tried = []string{p.Seller}
		}
		if len(tried) != 1 || !m.mayWrite(tried[0], now) { // whose it is cannot be told
			return nil
		}
		seller := tried[0]
		made, err := store.MadeInstance(ctx, tx, seller, records[0].InstanceID, lab.ByPush)
		if err != nil {
			return err
		}
		run := store.LabRun{SellerID: seller, Address: made.Address, InstanceID: made.InstanceID, OrderID: made.OrderID, Reason: reason, Field: field}
		if reason == "push-signature" {
			if err := m.explain(ctx, tx, seller, p, &run, now); err != nil {
				return err
			}
		}
		return m.keep(ctx, tx, run, p, answer)
	})
	return "", &answer, err
}

// explain writes the right signature and the mistakes that give the one that came.
func (m *Metering) explain(ctx context.Context, tx *kernel.Tx, seller string, p *Push, run *store.LabRun, now time.Time) error {
	keys, err := m.keys(ctx, tx, seller, class, now)
	if err != nil || len(keys) == 0 {
		return err
	}
	in := explain.Input{Key: keys[0], Timestamp: p.Headers.TS, Nonce: p.Headers.Nonce, Body: p.Body, Got: p.Headers.Signature}
	for _, other := range catalogue.Classes {
		if other == class {
			continue
		}
		texts, err := m.keys(ctx, tx, seller, other, now)
		if err != nil {
			return err
		}
		for _, text := range texts {
			in.Others = append(in.Others, explain.OtherKey{Class: other, Key: text})
		}
	}
	run.Detail = usagepush.Sign(keys[0], p.Headers.TS, p.Headers.Nonce, p.Body)
	r, err := explain.Usage(in)
	if err != nil {
		return nil // its form says enough
	}
	for _, c := range r.Causes {
		run.Warnings = append(run.Warnings, lab.WarnCause+":"+string(c.Code))
	}
	return nil
}

// mayWrite bounds what somebody who holds no key can write into a seller's lab.
func (m *Metering) mayWrite(seller string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := m.refused[seller]
	if l == nil {
		l = rate.NewLimiter(1, 30)
		m.refused[seller] = l
	}
	return l.AllowN(now, 1)
}

// keep stores a push as a call of the lab.
func (m *Metering) keep(ctx context.Context, tx *kernel.Tx, run store.LabRun, p *Push, answer usagepush.Answer) error {
	run.ID, run.StartedAt, run.Occasion = m.k.Row(), m.k.Wire.Now(), lab.ByPush
	made, err := store.MadeInstance(ctx, tx, run.SellerID, run.InstanceID, lab.ByPush)
	if err != nil {
		return err
	}
	run.Scenario = string(lab.V1) + ".usage"
	if s, ok := lab.ScenarioOf(made.Scenario); ok && s.Protocol != lab.V1 {
		run.Scenario = string(lab.V2) + ".usage"
	}
	run.HTTPStatus, run.ResultCode, run.ResultMsg = answer.Status(), answer.Code, answer.Msg
	run.Request, run.Response = p.Request, answer.JSON()
	if err := store.InsertLabRun(ctx, tx, &run); err != nil {
		return err
	}
	return store.TrimPushes(ctx, tx, run.SellerID, run.InstanceID, lab.ByPush, keepPushes)
}

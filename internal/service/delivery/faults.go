package delivery

import (
	"context"
	"errors"
	"sync"
	"time"

	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/engine/outbound"
)

// misdeeds is what a sandbox remembers of its calls to be able to repeat them: per seller
// the last call and the last nonce. It is lost with the process, which only spares a fault.
type misdeeds struct {
	mu    sync.Mutex
	last  map[string]outbound.Request
	nonce map[string]string
}

// faults are those towards the seller of a plan; none outside a sandbox.
func (d *Delivery) faults(p *plan) domain.Faults {
	if !d.k.Sandbox {
		return nil
	}
	return d.k.Faults.Towards(p.order.SellerID)
}

// signing is the key, the instant and, on V2, the nonce that a call is signed with.
func (d *Delivery) signing(p *plan, activity, nonce string) (key string, now time.Time, used string) {
	key, now = p.keys[0], d.k.Wire.Now()
	f := d.faults(p)
	if _, on := f.On(domain.FaultWrongSignature, activity); on {
		key = "not-" + key
	}
	if back, on := f.On(domain.FaultStaleTimestamp, activity); on {
		now = now.Add(-back)
	}
	if nonce == "" {
		return key, now, nonce
	}
	d.bad.mu.Lock()
	defer d.bad.mu.Unlock()
	before := d.bad.nonce[p.order.SellerID]
	d.bad.nonce[p.order.SellerID] = nonce
	if _, on := f.On(domain.FaultReplayedNonce, activity); on && before != "" {
		d.bad.nonce[p.order.SellerID] = before
		nonce = before
	}
	return key, now, nonce
}

var errDropped = errors.New("the sandbox drops the answer (fault drop-answer)")

// do makes a call as the faults towards its seller want it made.
func (d *Delivery) do(ctx context.Context, p *plan, activity string, r outbound.Request) outbound.Answer {
	f := d.faults(p)
	if len(f) == 0 {
		return d.client.Do(ctx, r)
	}
	if wait, on := f.On(domain.FaultDelay, activity); on {
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	if pause, on := f.On(domain.FaultSlowReader, activity); on {
		r.ReadPause = pause
	}
	copied := r // a copy has no hooks and nobody waits for its answer
	copied.Late, copied.BeforeWrite, copied.AfterWrite, copied.AfterAnswer = nil, nil, nil, nil
	_, drops := f.On(domain.FaultDropAnswer, activity)
	if drops {
		r.Late = nil // what is lost does not come late either
	}
	answer := d.client.Do(ctx, r)
	if _, on := f.On(domain.FaultDuplicate, activity); on {
		d.client.Do(ctx, copied)
	}
	d.bad.mu.Lock()
	before, has := d.bad.last[p.order.SellerID]
	d.bad.last[p.order.SellerID] = copied
	d.bad.mu.Unlock()
	if _, on := f.On(domain.FaultReorder, activity); on && has {
		d.client.Do(ctx, before)
	}
	if drops && answer.Reason == "" {
		return outbound.Answer{Reason: outbound.ReasonClosed, Err: errDropped, WroteRequest: true, SentBytes: answer.SentBytes, Started: answer.Started, Duration: answer.Duration}
	}
	return answer
}

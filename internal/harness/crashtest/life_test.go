//go:build linux

package crashtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/crash"
	"github.com/souk-market/souk/internal/harness/demo"
)

// The marketplace dies at a label while services are changed, renewed, their renewals
// given back, and given back themselves; the same requests under the same keys then go on.
// Everything has happened once: here, in the ledger and on the sellers' disks.
func TestALifeAtEachLabel(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		for _, label := range []string{crash.PaidCommitted, crash.JobClaimed, crash.AttemptRecorded, crash.RequestSent, crash.AnswerReceived, crash.OutcomeCommitted, crash.NotifyQueued} {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, engine)
				p := w.start(w.address, "")
				orders := w.bought(w.buy(3, w.address), nil)
				w.settle(orders, 10*time.Second, w.address)
				p.kill()
				p = w.start(w.address, label+":3")
				acts := w.act(orders)
				p.awaitCrash(t)
				w.start(w.address, "")
				got := <-acts
				if got.err != nil {
					t.Fatal(got.err)
				}
				all := maps.Clone(orders)
				maps.Copy(all, got.orders)
				took := w.settle(all, 25*time.Minute, w.address)
				w.checkLife(got)
				note(t, "lives, killed at "+label, engine, 2, took, facts{orders: len(all), delivered: len(all)})
			})
		}
	})
}

// acted is what was done to the services.
type acted struct {
	purchase
	grown, kept, gone []string // instances
}

// act does one of three things to each service that was bought, all at once.
func (w *world) act(orders map[string]string) <-chan acted {
	out := make(chan acted, 1)
	instances := map[string][]string{}
	for id, g := range orders {
		var o order
		if err := w.call([]string{w.address}, http.MethodGet, "/orders/"+id, w.buyer, nil, &o); err != nil {
			w.t.Fatal(err)
		}
		instances[g] = append(instances[g], o.Lines[0].InstanceID)
	}
	go func() {
		var mu sync.Mutex
		a := acted{purchase: purchase{orders: map[string]string{}}}
		var wg sync.WaitGroup
		// about places an order about a service, and pays one that has to be paid.
		about := func(g, id, what string, in any) error {
			var o order
			if err := w.call([]string{w.address}, http.MethodPost, "/instances/"+id+"/"+what, w.buyer, in, &o); err != nil {
				return err
			}
			mu.Lock()
			a.orders[o.ID] = g
			mu.Unlock()
			if o.Status != "PENDING_PAYMENT" {
				return nil
			}
			return w.call([]string{w.address}, http.MethodPost, "/orders/"+o.ID+"/pay", w.buyer, nil, nil)
		}
		for g, ids := range instances {
			a.grown, a.kept, a.gone = append(a.grown, ids[0]), append(a.kept, ids[1]), append(a.gone, ids[2])
			for n, f := range []func() error{
				func() error { return about(g, ids[0], "change", map[string]any{"quantity": 3}) },
				func() error {
					if err := about(g, ids[1], "renew", map[string]any{"period_number": 2}); err != nil {
						return err
					}
					return about(g, ids[1], "cancel-renewal", map[string]any{})
				},
				func() error { return about(g, ids[2], "unsubscribe", map[string]any{"reason": "crash"}) },
			} {
				wg.Go(func() {
					if err := f(); err != nil {
						mu.Lock()
						a.err = errors.Join(a.err, fmt.Errorf("%s, act %d: %w", g, n, err))
						mu.Unlock()
					}
				})
			}
		}
		wg.Wait()
		out <- a
	}()
	return out
}

// checkLife looks at everything from outside: no order under way, balances, and each
// seller's own record; and that each act took effect once.
func (w *world) checkLife(a acted) {
	w.t.Helper()
	f := &demo.File{}
	for g, s := range w.sellers {
		f.Sellers = append(f.Sellers, demo.Seller{ID: s.company, Company: g, Protocol: g})
	}
	operator := demo.Client{Base: "http://" + w.address, Token: w.operator}
	record := func(ctx context.Context, protocol string) (r demo.Record, err error) {
		return r, demo.Client{Base: "http://" + w.sellers[protocol].address}.Do(ctx, "GET", "/record", "", nil, &r)
	}
	if _, err := demo.Check(w.t.Context(), operator, record, f); err != nil {
		w.complain("%v", err)
	}
	is := func(ids []string, status string, quantity int64) {
		w.t.Helper()
		for _, id := range ids {
			var i demo.Instance
			if err := operator.Do(w.t.Context(), "GET", "/api/souk/v1/instances/"+id, "", nil, &i); err != nil {
				w.t.Fatal(err)
			}
			if i.Status != status || i.Quantity != quantity {
				w.complain("instance %s is %s with %d, want %s with %d", id, i.Status, i.Quantity, status, quantity)
			}
		}
	}
	is(a.grown, "ACTIVE", 3)
	is(a.kept, "ACTIVE", 1)
	is(a.gone, "RELEASED", 1)
	types := map[string]int{}
	all, err := demo.All[demo.Order](w.t.Context(), operator, "/api/souk/v1/orders")
	if err != nil {
		w.t.Fatal(err)
	}
	for _, o := range all {
		types[o.Type]++
	}
	want := map[string]int{"NEW": 6, "CHANGE": 2, "RENEW": 2, "UNSUBSCRIBE_RENEWAL": 2, "UNSUBSCRIBE": 2}
	if !maps.Equal(types, want) {
		w.complain("orders by type: %v, want %v", types, want)
	}
}

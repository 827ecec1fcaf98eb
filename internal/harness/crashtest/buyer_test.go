//go:build linux

package crashtest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
)

// order is what these tests read of an order. // spec: 01 §8.5
type order struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Status     string `json:"status"`
	AmountPaid string `json:"amount_paid"`
	Lines      []struct {
		ID         string `json:"id"`
		InstanceID string `json:"instance_id"`
		Status     string `json:"status"`
	} `json:"lines"`
}

// call makes one request of the management API. No answer, and an answer that says
// "later", are repeated under the same key, at the addresses in turn, until there
// is an answer: what a buyer's script has to do.
func (w *world) call(addresses []string, method, path, token string, body, into any) error {
	var payload []byte
	if body != nil {
		var err error
		if payload, err = json.Marshal(body); err != nil {
			return err
		}
	}
	key := ident.UUID()
	ctx, stop := context.WithTimeout(w.t.Context(), patience)
	defer stop()
	last := error(nil)
	for n := 0; ; n++ {
		r, err := http.NewRequestWithContext(ctx, method, "http://"+addresses[n%len(addresses)]+"/api/souk/v1"+path, bytes.NewReader(payload))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if method != http.MethodGet {
			r.Header.Set("Idempotency-Key", key)
			r.Header.Set("Content-Type", "application/json")
		}
		status, answer, err := exchange(r)
		switch {
		case err != nil:
			last = err
		case status >= 500:
			last = fmt.Errorf("%d %s", status, answer)
		case status >= 400:
			return fmt.Errorf("%s %s: %d %s", method, path, status, answer)
		default:
			if into == nil {
				return nil
			}
			return json.Unmarshal(answer, into)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%s %s: no answer: %w", method, path, last)
		}
		breathe()
	}
}

func exchange(r *http.Request) (int, []byte, error) {
	resp, err := plain.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// purchase is what a buyer's script got.
type purchase struct {
	orders map[string]string // id → generation of the seller
	err    error
}

// buy starts to place and pay n orders of each seller, several at once, at the
// marketplace's addresses.
func (w *world) buy(n int, addresses ...string) <-chan purchase {
	out := make(chan purchase, 1)
	go func() {
		var mu sync.Mutex
		p := purchase{orders: map[string]string{}}
		var all sync.WaitGroup
		atOnce := make(chan struct{}, 4)
		for g, s := range w.sellers {
			for range n {
				all.Go(func() {
					atOnce <- struct{}{}
					defer func() { <-atOnce }()
					var o order
					err := w.call(addresses, http.MethodPost, "/orders", w.buyer,
						map[string]any{"product_id": s.offer, "period_number": 1, "quantity": 1, "accept_agreement": true}, &o)
					if err == nil {
						err = w.call(addresses, http.MethodPost, "/orders/"+o.ID+"/pay", w.buyer, nil, nil)
					}
					mu.Lock()
					defer mu.Unlock()
					p.orders[o.ID] = g
					p.err = errors.Join(p.err, err)
				})
			}
		}
		all.Wait()
		out <- p
	}()
	return out
}

// bought waits for a purchase and adds its orders to those before.
func (w *world) bought(in <-chan purchase, before map[string]string) map[string]string {
	w.t.Helper()
	p := <-in
	if p.err != nil {
		w.t.Fatal(p.err)
	}
	for id, g := range before {
		p.orders[id] = g
	}
	return p.orders
}

// settle waits until every order is completed and no call is left to make. Whenever a while passes without
// one, the sandbox's clock is moved by step, so that repetitions and polls come
// due. It returns how long that took.
func (w *world) settle(orders map[string]string, step time.Duration, addresses ...string) time.Duration {
	w.t.Helper()
	final := map[string]bool{}
	began := time.Now()
	for idle := time.Now(); ; {
		before := len(final)
		for id := range orders {
			if final[id] {
				continue
			}
			var o order
			if err := w.call(addresses, http.MethodGet, "/orders/"+id, w.buyer, nil, &o); err != nil {
				w.t.Fatal(err)
			}
			if o.Status == "COMPLETED" {
				final[id] = true
			}
		}
		switch {
		case len(final) == len(orders) && w.hanging() == 0:
			return time.Since(began)
		case time.Since(began) > patience:
			w.t.Fatalf("%d of %d orders are not completed and %d calls hang after %s", len(orders)-len(final), len(orders), w.hanging(), patience)
		case len(final) > before:
			idle = time.Now()
		case time.Since(idle) > 300*time.Millisecond:
			idle = time.Now()
			if err := w.call(addresses, http.MethodPost, "/sandbox/clock", w.operator, map[string]any{"advance": step.String()}, nil); err != nil {
				w.t.Fatal(err)
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

package deliverytest

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
)

// atOnce does things at the same time and gives their errors.
func atOnce(fs ...func() error) []error {
	out := make([]error, len(fs))
	var wg sync.WaitGroup
	gate := make(chan struct{})
	for i, f := range fs {
		wg.Go(func() { <-gate; out[i] = f() })
	}
	close(gate)
	wg.Wait()
	return out
}

func (w *world) tries(id, what string, in any) func() error {
	return func() error {
		return w.as("buyer").Do(w.t.Context(), "POST", api+"/instances/"+id+"/"+what, "", in, nil)
	}
}

func succeeded(errs []error) (n int) {
	for _, err := range errs {
		if err == nil {
			n++
		}
	}
	return n
}

// Of two orders about one service placed at once, one is taken; of two refunds, one.
func TestOneOrderAboutAServiceAtATime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for round := range 5 {
			_, i := w.owned("v1 month", 2)
			change, renew := w.tries(i.ID, "change", map[string]any{"quantity": 5}), w.tries(i.ID, "renew", map[string]any{})
			if errs := atOnce(change, renew, change, renew); succeeded(errs) != 1 {
				t.Errorf("round %d: %v", round, errs)
			}
			_, j := w.owned("v2 month", 2)
			back := w.tries(j.ID, "unsubscribe", map[string]any{})
			before := w.available()
			if errs := atOnce(back, back, back); succeeded(errs) != 1 {
				t.Errorf("round %d: given back: %v", round, errs)
			}
			w.settle()
			if w.available() == before || w.instance(j.ID).Status != "RELEASED" {
				t.Errorf("round %d: nothing came back", round)
			}
		}
		w.sound()
	})
}

// A service is given back while its change is paid: one of the two happens.
func TestARefundAgainstAChange(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 4 {
			before := w.available()
			_, i := w.owned("v1 month", 2)
			o := w.on(i.ID, "change", map[string]any{"quantity": 5})
			errs := atOnce(func() error {
				return w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", map[string]any{}, nil)
			}, w.tries(i.ID, "unsubscribe", map[string]any{}))
			w.settle()
			switch got := w.instance(i.ID); {
			case errs[0] != nil:
				t.Errorf("the payment: %v", errs[0]) // an unpaid order stops the refund, not the other way
			case got.Status == "ACTIVE" && got.Quantity != 5, got.Status == "RELEASED" && w.available() != before:
				t.Errorf("%s with %d, available %s of %s, %v", got.Status, got.Quantity, w.available(), before, errs)
			}
		}
		w.sound()
	})
}

// A renewal is paid in the moment in which the service expires: it goes on, whichever was
// first, and a freeze that was sent is followed by a thaw. // spec: 01 §2.8
func TestARenewalAgainstTheEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, protocol := range []string{"v1", "v2"} {
			for round := range 3 {
				_, i := w.owned(protocol+" month", 1)
				w.move(at(i.ExpireAt).Sub(w.p.Kernel.Clock.Now()) - time.Second)
				r := w.on(i.ID, "renew", map[string]any{})
				errs := atOnce(func() error {
					return w.as("operator").Do(t.Context(), "POST", api+"/sandbox/clock", "", map[string]string{"advance": "2s", "wait": "1m"}, nil)
				}, func() error {
					return w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+r.ID+"/pay", "", map[string]any{}, nil)
				})
				w.settle()
				if got := w.instance(i.ID); succeeded(errs) != 2 || got.Status != "ACTIVE" || !at(got.ExpireAt).After(at(i.ExpireAt)) {
					t.Errorf("%s, round %d: %s until %s, %v", protocol, round, got.Status, got.ExpireAt, errs)
				}
				var said []string
				for _, c := range w.seller.calls {
					if c.get("instanceId") == i.SellerInstanceID && c.activity() != "queryInstance" {
						said = append(said, strings.TrimSpace(c.activity()+" "+c.get("status")))
					}
				}
				text := fmt.Sprint(said)
				fine := map[string]bool{"[refreshInstance]": true, "[expireInstance refreshInstance]": true, "[updateInstanceStatus FREEZE refreshInstance updateInstanceStatus UNFREEZE]": true}
				if !fine[text] {
					t.Errorf("%s, round %d: the seller was told %s", protocol, round, text)
				}
			}
		}
		w.sound()
	})
}

// No upgrade is sent while the service is frozen: one that was paid is given back.
// spec: 02 §2.7
func TestAnUpgradeOfAFrozenServiceIsGivenBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, protocol := range []string{"v1", "v2"} {
			_, i := w.owned(protocol+" month", 2)
			before := w.available()
			w.seller.behave(func(c call) reply {
				if strings.HasPrefix(c.activity(), "upgrade") {
					return code("000005")(c)
				}
				return well(c)
			})
			o := w.pay(w.on(i.ID, "change", map[string]any{"quantity": 5}))
			w.settle()
			w.must(w.as("operator").Do(t.Context(), "POST", api+"/instances/"+i.ID+"/freeze", "", map[string]any{"reason": "x"}, nil))
			w.seller.behave(nil)
			w.move(time.Hour)
			o = w.order(o.ID)
			if o.Status != "COMPLETED" || o.Lines[0].Status != "REFUNDED" || w.available() != before || w.held() != "0.00" {
				t.Errorf("%s: order %s %s, available %s of %s", protocol, o.Status, o.Lines[0].Status, w.available(), before)
			}
			if n := len(w.attempts(o.ID, map[string]string{"v1": "upgrade", "v2": "upgradeInstance"}[protocol])); n != 1 {
				t.Errorf("%s: %d upgrades were sent", protocol, n)
			}
			if got := w.instance(i.ID); got.Status != "FROZEN" || got.Quantity != 2 {
				t.Errorf("%s: %s with %d", protocol, got.Status, got.Quantity)
			}
		}
		w.sound()
	})
}

// The sixth order that fails in a month proposes the suspension, changes counted too; the
// next month counts anew. // spec: 01 §2.11
func TestFailedChangesCount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, i := w.owned("v1 month", 1)
		w.seller.behave(only("upgrade", code("000005")))
		for n := range 6 {
			w.pay(w.on(i.ID, "change", map[string]any{"quantity": 2}))
			w.move(4 * time.Hour)
			proposed := 0
			for _, k := range w.told("operator") {
				if k == "product.suspension_proposed" {
					proposed++
				}
			}
			if want := map[bool]int{true: 1, false: 0}[n == 5]; proposed != want {
				t.Errorf("after %d failures: proposed %d times", n+1, proposed)
			}
		}
		orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders")
		w.must(err)
		refunded := 0
		for _, o := range orders {
			if o.Type == "CHANGE" && o.Lines[0].Status == "REFUNDED" {
				refunded++
			}
		}
		if refunded != 6 {
			t.Errorf("%d changes were given back", refunded)
		}
		w.sound()
	})
}

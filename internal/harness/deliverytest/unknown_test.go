package deliverytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/harness/demo"
)

// The window ends while the last call has no answer: refund, the order is marked,
// the seller is told where to look. spec: 01 §2.3
func TestAWindowThatEndsUnknownMarksTheOrder(t *testing.T) {
	for _, offer := range []string{"v1 month", "v2 month"} {
		t.Run(offer, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				before := w.available()
				w.seller.behave(only("newInstance", func(call) reply { return reply{hangup: true} }))
				o := w.buy(offer, 1)
				w.move(4 * time.Hour)
				o = w.order(o.ID)
				seller := map[string]string{"v1 month": "yunfan", "v2 month": "beichen"}[offer]
				if o.Lines[0].Status != "REFUNDED" || !o.PossiblyOrphaned || !slices.Contains(w.notices(seller, o.ID), "order.possibly_orphaned") || w.available() != before {
					t.Errorf("line %s, orphaned %v, told %v", o.Lines[0].Status, o.PossiblyOrphaned, w.notices(seller, o.ID))
				}
				if as := w.attempts(o.ID, "newInstance"); len(as) != 4 || as[3].State != "unknown" {
					t.Errorf("%d tries, the last %s", len(as), as[len(as)-1].State)
				}
				w.sound()
			})
		})
	}
}

// Answers that come after the time-out. On V1 the first id ever answered stays; on
// V2 the repetition's id is binding and the late one is only logged.
// spec: 02 §1.5, §2.12
func TestLateAnswers(t *testing.T) {
	for offer, want := range map[string]string{"v1 month": "late-id", "v2 month": "second-id"} {
		t.Run(offer, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				n := 0
				w.seller.behave(only("newInstance", func(c call) reply {
					if n++; n == 1 {
						return reply{wait: 3 * time.Second, body: `{"resultCode":"000000","instanceId":"late-id"}`}
					}
					return reply{body: `{"resultCode":"000000","instanceId":"second-id"}`}
				}))
				o := w.buy(offer, 1)
				w.until("the late answer is logged", func() bool {
					var a struct{ State, Detail string }
					as := w.attempts(o.ID, "newInstance")
					if len(as) == 0 {
						return false
					}
					w.must(w.as("operator").Do(t.Context(), "GET", api+"/attempts/"+as[0].ID, "", nil, &a))
					return a.State == "unknown" && strings.Contains(a.Detail, "instanceId late-id")
				})
				w.move(time.Hour + time.Minute)
				i := w.instance(w.order(o.ID).Lines[0].InstanceID)
				if i.Status != "ACTIVE" || i.SellerInstanceID != want {
					t.Errorf("instance %s is %q, want %q", i.Status, i.SellerInstanceID, want)
				}
			})
		})
	}
}

// A success that comes after the refund is answered by a release. spec: 01 §2.3
func TestALateSuccessAfterTheRefundIsReleased(t *testing.T) {
	for _, offer := range []string{"v1 month", "v2 month"} {
		t.Run(offer, func(t *testing.T) {
			each(t, func(t *testing.T, w *world) {
				n := 0
				w.seller.behave(only("newInstance", func(c call) reply {
					if n++; n < 4 {
						return reply{body: `{"resultCode":"000005"}`}
					}
					return reply{wait: 4 * time.Second, body: `{"resultCode":"000000","instanceId":"orphan"}`}
				}))
				o := w.buy(offer, 1)
				w.move(3*time.Hour + time.Minute)
				if o = w.order(o.ID); o.Lines[0].Status != "REFUNDED" || !o.PossiblyOrphaned {
					t.Fatalf("line %s, orphaned %v", o.Lines[0].Status, o.PossiblyOrphaned)
				}
				w.until("the orphan is released", func() bool { return len(w.seller.seen("releaseInstance")) == 1 })
				c := w.seller.seen("releaseInstance")[0]
				orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders")
				w.must(err)
				un := orders[slices.IndexFunc(orders, func(x demo.Order) bool { return x.OriginOrderID == o.ID })]
				wantOrder := un.ID
				if offer == "v1 month" {
					wantOrder = o.ID
					if c.get("orderAmount") != "12" {
						t.Errorf("orderAmount %q", c.get("orderAmount"))
					}
				}
				if c.get("instanceId") != "orphan" || c.get("orderId") != wantOrder {
					t.Errorf("release of %s with order %s, want %s", c.get("instanceId"), c.get("orderId"), wantOrder)
				}
				w.settle()
				w.sound()
			})
		})
	}
}

// After an unknown outcome 000003 answers a V1 release well; a refused repetition of
// an expiry stays failed, is shown as possibly done, and can be marked by hand.
// spec: 02 §1.15
func TestRepetitionsThatAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		n := map[string]int{}
		w.seller.behave(func(c call) reply {
			if a := c.activity(); a == "expireInstance" || a == "releaseInstance" {
				if n[a]++; n[a] == 1 {
					return reply{hangup: true}
				}
				return code(map[string]string{"expireInstance": "000005", "releaseInstance": "000003"}[a])(c)
			}
			return well(c)
		})
		o := w.buy("v1 month", 1)
		w.settle()
		w.moveTo(34 * 24 * time.Hour)
		as := w.attempts(o.ID, "expireInstance")
		var detail struct{ Detail string }
		w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/attempts/"+as[3].ID, "", nil, &detail))
		if len(as) != 4 || as[3].State != "failed" || !strings.Contains(detail.Detail, "possibly already done") {
			t.Fatalf("%+v, %s", as, detail.Detail)
		}
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+as[3].ID+"/mark-delivered", "", nil, nil))
		w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+as[3].ID+"/restart", "", nil, nil), 409, "call_done")
		w.moveTo(60 * 24 * time.Hour)
		as = w.attempts(o.ID, "releaseInstance")
		if len(as) != 2 || as[1].State != "success" {
			t.Errorf("%+v", as)
		}
	})
}

// A dead seller's calls hold up nobody's else.
func TestADeadSellerHoldsUpNobodyElse(t *testing.T) {
	eachWith(t, func(c *config.Config) { c.TimeoutScale = 1 }, func(t *testing.T, w *world) {
		w.seller.behave(func(c call) reply {
			if c.proto == "v1" {
				return reply{wait: 30 * time.Second}
			}
			return well(c)
		})
		for range 12 {
			w.buy("v1 month", 1)
		}
		o := w.buy("v2 month", 1)
		w.until("the other seller delivers", func() bool { return w.order(o.ID).Status == "COMPLETED" })
		if n := len(w.seller.seen("newInstance")); n > 4+1 {
			t.Errorf("%d calls at once to one seller", n-1)
		}
	})
}

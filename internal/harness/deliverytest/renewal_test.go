package deliverytest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
)

// A renewal the seller does not hear of is never refunded; the entry stays until it
// is restarted. spec: 10 §12.7
func TestARenewalThatCannotBeToldIsNotRefunded(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v1 month", 1)
		w.settle()
		id := w.order(o.ID).Lines[0].InstanceID
		end := w.instance(id).ExpireAt
		w.seller.behave(only("refreshInstance", code("000005")))
		var r demo.Order
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+id+"/renew", "", map[string]any{"period_number": 1}, &r))
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+r.ID+"/pay", "", nil, &r))
		w.move(2 * time.Hour)
		if r = w.order(r.ID); r.Status != "COMPLETED" || r.Lines[0].Status != "DELIVERED" || w.instance(id).ExpireAt == end {
			t.Fatalf("renewal %s %s, end %s", r.Status, r.Lines[0].Status, w.instance(id).ExpireAt)
		}
		as := w.attempts(r.ID, "refreshInstance")
		if len(as) != 4 || as[3].State != "failed" || !slices.Contains(w.notices("yunfan", r.ID), "call.failed_for_good") {
			t.Fatalf("%d tries, %+v", len(as), as)
		}
		w.seller.behave(nil)
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+as[3].ID+"/restart", "", nil, nil))
		w.settle()
		if a := w.last(r.ID, "refreshInstance"); a.State != "success" || a.Number != 5 {
			t.Errorf("%+v", a)
		}
		c := w.seller.seen("refreshInstance")[4]
		if c.get("orderId") != r.ID || c.get("instanceId") != "inst-"+o.ID || c.get("expireTime") != "20270124100000" || c.get("orderAmount") != "12" || c.query.Has("productId") {
			t.Errorf("%v", c.query)
		}
		if len(w.seller.invalid) > 0 {
			t.Error(w.seller.invalid)
		}
	})
}

// Renewed on the tenth day of the freeze: the new end counts from the original one,
// the seller hears it, and is not told of an expiry afterwards. spec: 10 §12.12
func TestRenewalOnTheTenthDayOfTheFreeze(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v1 month", 1)
		w.settle()
		id := w.order(o.ID).Lines[0].InstanceID
		w.moveTo(40 * 24 * time.Hour)
		if i := w.instance(id); i.Status != "FROZEN" || len(w.seller.seen("expireInstance")) != 1 {
			t.Fatalf("instance %s, %d expireInstance", i.Status, len(w.seller.seen("expireInstance")))
		}
		if c := w.seller.seen("expireInstance")[0]; c.get("orderId") != o.ID || c.get("instanceId") != "inst-"+o.ID || c.query.Has("orderAmount") {
			t.Errorf("%v", c.query)
		}
		var r demo.Order
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+id+"/renew", "", map[string]any{"period_number": 1}, &r))
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+r.ID+"/pay", "", nil, &r))
		w.settle()
		if i := w.instance(id); i.Status != "ACTIVE" || !strings.HasPrefix(i.ExpireAt, "2027-01-24T02:00:00") {
			t.Fatalf("%s until %s", i.Status, i.ExpireAt)
		}
		if c := w.seller.seen("refreshInstance"); len(c) != 1 || c[0].get("expireTime") != "20270124100000" {
			t.Fatalf("%v", c)
		}
		w.move(15 * 24 * time.Hour) // past the end of the first retention
		if i := w.instance(id); i.Status != "ACTIVE" || len(w.seller.seen("expireInstance")) != 1 || len(w.seller.seen("releaseInstance")) != 0 {
			t.Errorf("instance %s, the seller heard of an expiry or release after the renewal", i.Status)
		}
		// Not renewed again: frozen, and released after fifteen days.
		w.move(40 * 24 * time.Hour)
		if i := w.instance(id); i.Status != "RELEASED" || len(w.seller.seen("releaseInstance")) != 1 || len(w.seller.seen("expireInstance")) != 2 {
			t.Errorf("instance %s, %d releases, %d expiries", i.Status, len(w.seller.seen("releaseInstance")), len(w.seller.seen("expireInstance")))
		}
		if c := w.seller.seen("releaseInstance")[0]; c.get("orderId") != o.ID || c.query.Has("orderAmount") {
			t.Errorf("%v", c.query)
		}
		w.sound()
	})
}

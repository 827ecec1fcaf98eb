package deliverytest

import (
	"strings"
	"testing"
	"time"
)

// Five days, the instant itself excluded: all that was paid comes back, the change made
// meanwhile too; V1 is told with the subscription, V2 with the unsubscription.
// spec: 22 §4.1, 01 §2.6, §4.5; worked example E7
func TestTheFiveDayRefund(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		for _, protocol := range []string{"v1", "v2"} {
			o, i := w.owned(protocol+" month", 2)
			w.pay(w.on(i.ID, "change", map[string]any{"quantity": 4}))
			w.settle()
			w.pay(w.on(i.ID, "renew", map[string]any{}))
			w.settle()
			if want := at(i.EffectiveAt).Add(5 * day).Format(time.RFC3339); i.RefundableUntil != want {
				t.Errorf("refundable until %s, want %s", i.RefundableUntil, want)
			}
			w.move(5*day - time.Second)
			un := w.on(i.ID, "unsubscribe", map[string]any{"reason": "不需要了"})
			paid := map[string]string{"v1": "96.00", "v2": "306.80"}[protocol] // 24 + 24 + 48 over 30 days; 78 + 72.80 + 156 over the 28 of a February
			if un.Type != "UNSUBSCRIBE" || un.Status != "COMPLETED" || un.Source != "FIVE_DAY" || un.AmountPaid != "-"+paid || len(un.Lines) != 3 {
				t.Fatalf("%s: %+v", protocol, un)
			}
			w.settle()
			if got := w.instance(i.ID); got.Status != "RELEASED" || w.available() != before || w.pending(protocol) != "0.00" {
				t.Errorf("%s: %s, available %s of %s, seller %s", protocol, got.Status, w.available(), before, w.pending(protocol))
			}
			r := w.seller.seen("releaseInstance")
			last := r[len(r)-1]
			if protocol == "v1" && (last.get("orderId") != o.ID || last.get("orderAmount") != "96") || protocol == "v2" && (last.get("orderId") != un.ID || last.get("orderLineId") != un.Lines[0].ID) {
				t.Errorf("%s: %s %s", protocol, last.raw.URL.RawQuery, last.body)
			}
			for _, l := range w.order(o.ID).Lines {
				if l.Status != "REFUNDED" {
					t.Errorf("%s: the line is %s", protocol, l.Status)
				}
			}
			w.refuses(i.ID, "unsubscribe", map[string]any{}, 409, "instance_state")
			w.refuses(i.ID, "renew", map[string]any{}, 409, "instance_state")
			// Nothing of its plan happens any more.
			n := len(w.seller.calls)
			w.move(90 * day)
			if len(w.seller.calls) != n {
				t.Errorf("%s: %d calls after the release", protocol, len(w.seller.calls)-n)
			}
		}
		// The order's own address does the same.
		o, i := w.owned("v1 month", 1)
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/refund", "", map[string]any{}, &o))
		w.settle()
		if got := w.instance(i.ID); o.Lines[0].Status != "REFUNDED" || got.Status != "RELEASED" || w.available() != before {
			t.Errorf("the order's line is %s, the service %s, available %s of %s", o.Lines[0].Status, got.Status, w.available(), before)
		}
		_, i = w.owned("v1 month", 1)
		w.move(5 * day)
		w.refuses(i.ID, "unsubscribe", map[string]any{}, 422, "refund_window_over")
		w.refuses("no-such-instance", "unsubscribe", map[string]any{}, 404, "not_found")
		w.sound()
	})
}

// The eleventh in a calendar year of Shanghai is refused; the next year counts anew.
// spec: 22 §4.1
func TestTenRefundsAYear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for range 10 {
			_, i := w.owned("v1 month", 1)
			w.on(i.ID, "unsubscribe", map[string]any{})
			w.settle()
		}
		_, i := w.owned("v1 month", 1)
		w.refuses(i.ID, "unsubscribe", map[string]any{}, 422, "refund_quota")
		w.moveTo(time.Date(2026, 12, 31, 15, 59, 59, 0, time.UTC).Sub(start)) // 23:59:59 in Shanghai
		_, i = w.owned("v1 month", 1)
		w.refuses(i.ID, "unsubscribe", map[string]any{}, 422, "refund_quota")
		w.move(time.Second)
		w.on(i.ID, "unsubscribe", map[string]any{})
		w.sound()
	})
}

// A renewal whose term has not begun is given back alone; the end moves back and the
// seller is told the earlier one. // spec: 22 §3.3, 10 §3.1, 11 §4.3
func TestARenewalIsCancelled(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, protocol := range []string{"v1", "v2"} {
			_, i := w.owned(protocol+" month", 1)
			w.refuses(i.ID, "cancel-renewal", nil, 422, "no_renewal")
			earned, before := w.pending(protocol), w.available()
			r := w.on(i.ID, "renew", map[string]any{"period_number": 3})
			w.pay(r)
			w.settle()
			un := w.on(i.ID, "cancel-renewal", nil)
			w.settle()
			got := w.instance(i.ID)
			if un.Type != "UNSUBSCRIBE_RENEWAL" || un.OriginOrderID != r.ID || got.ExpireAt != i.ExpireAt || w.available() != before || w.pending(protocol) != earned {
				t.Errorf("%s: %+v until %s, available %s of %s", protocol, un, got.ExpireAt, w.available(), before)
			}
			calls := w.seller.seen("refreshInstance")
			last := calls[len(calls)-1]
			if last.get("orderId") != un.ID || protocol == "v1" && (!strings.HasPrefix(last.get("orderAmount"), "-") || last.get("expireTime") != "20261224100000") || protocol == "v2" && last.get("scene") != "UNSUBSCRIBE_RENEWAL_PERIOD" {
				t.Errorf("%s: %s %s", protocol, last.raw.URL.RawQuery, last.body)
			}
			w.refuses(i.ID, "cancel-renewal", nil, 422, "no_renewal")
		}
		// One whose term has begun stays.
		_, i := w.owned("v1 month", 1)
		w.pay(w.on(i.ID, "renew", map[string]any{}))
		w.moveTo(at(i.ExpireAt).Sub(start))
		w.refuses(i.ID, "cancel-renewal", nil, 422, "no_renewal")
		w.sound()
	})
}

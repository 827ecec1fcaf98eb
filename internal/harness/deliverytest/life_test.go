package deliverytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
)

const day = 24 * time.Hour

// sku finds a specification of a product by a part of its name, and its offer by the month.
func (w *world) sku(protocol, part string) (code, month string) {
	w.t.Helper()
	products, err := demo.All[demo.Product](w.t.Context(), w.as("buyer"), api+"/products")
	w.must(err)
	for _, p := range products {
		for _, s := range p.SKUs {
			if p.Protocol != protocol || !strings.Contains(s.Name, part) {
				continue
			}
			for _, o := range s.Offers {
				if o.PeriodType == "month" {
					return s.Code, o.ProductID
				}
			}
		}
	}
	w.t.Fatalf("no %s specification called %s", protocol, part)
	return "", ""
}

// on orders something about an instance.
func (w *world) on(id, what string, in any) (o demo.Order) {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "POST", api+"/instances/"+id+"/"+what, "", in, &o))
	return o
}

func (w *world) refuses(id, what string, in any, status int, code string) {
	w.t.Helper()
	w.refused(w.as("buyer").Do(w.t.Context(), "POST", api+"/instances/"+id+"/"+what, "", in, nil), status, code)
}

func (w *world) pay(o demo.Order) demo.Order {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", map[string]any{}, &o))
	return o
}

// owned buys and waits until the service is open.
func (w *world) owned(offer string, quantity int) (demo.Order, demo.Instance) {
	w.t.Helper()
	o := w.buy(offer, quantity)
	w.settle()
	o = w.order(o.ID)
	i := w.instance(o.Lines[0].InstanceID)
	if i.Status != "ACTIVE" {
		w.t.Fatalf("the service is %s: %+v", i.Status, w.attempts(o.ID, ""))
	}
	return o, i
}

func (w *world) pending(protocol string) string {
	return w.balance("seller:" + w.f.Seller(protocol).ID + ":pending")
}

// told lists the kinds of a login's notices, the newest first.
func (w *world) told(login string) (kinds []string) {
	w.t.Helper()
	type notice struct{ Kind string }
	ns, err := demo.All[notice](w.t.Context(), w.as(login), api+"/notices")
	w.must(err)
	for _, n := range ns {
		kinds = append(kinds, n.Kind)
	}
	return kinds
}

func at(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return t
}

// A scale-out: priced for the days left, held at payment, told to the seller with the new
// total, captured and in effect when it agrees. The end does not move. // spec: 22 §3.5,
// 10 §3.4, 01 §4.2
func TestAScaleOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for protocol, c := range map[string]struct {
			fee, unit string
			activity  string
		}{"v1": {"28.80", "0.40", "upgrade"}, "v2": {"93.60", "1.30", "upgradeInstance"}} {
			_, i := w.owned(protocol+" month", 2)
			w.move(6 * day) // 24 days are left
			o := w.on(i.ID, "change", map[string]any{"quantity": 5, "expected_amount": c.fee})
			if o.Type != "CHANGE" || o.AmountDeal != c.fee || len(o.Breakdown) != 2 || o.Breakdown[0].Unit != c.unit {
				t.Fatalf("%s: %+v", protocol, o)
			}
			w.refuses(i.ID, "change", map[string]any{"quantity": 9}, 409, "unpaid_order")
			w.refuses(i.ID, "renew", map[string]any{}, 409, "unpaid_order")
			earned := w.pending(protocol)
			w.seller.behave(code("000005"))
			w.pay(o)
			w.settle()
			if got := w.instance(i.ID); got.Quantity != 2 || w.held() != c.fee || w.pending(protocol) != earned {
				t.Errorf("%s: before the seller agreed: %d, held %s", protocol, got.Quantity, w.held())
			}
			w.refuses(i.ID, "change", map[string]any{"quantity": 9}, 409, "change_under_way")
			w.seller.behave(nil)
			w.move(time.Hour)
			if got := w.instance(i.ID); got.Quantity != 5 || got.ExpireAt != i.ExpireAt || w.held() != "0.00" || w.order(o.ID).Status != "COMPLETED" {
				t.Errorf("%s: after: %d until %s, held %s, order %s", protocol, got.Quantity, got.ExpireAt, w.held(), w.order(o.ID).Status)
			}
			calls := w.seller.seen(c.activity)
			if len(calls) != 2 {
				t.Fatalf("%s: %d calls", protocol, len(calls))
			}
			last := calls[1]
			if last.get("instanceId") != i.SellerInstanceID || last.get("orderId") != o.ID {
				t.Errorf("%s: %v", protocol, last)
			}
			if protocol == "v1" && (last.get("amount") != "5" || last.get("skuCode") != i.SKUCode || last.get("productId") == "") {
				t.Errorf("v1: %s", last.raw.URL.RawQuery)
			}
			if protocol == "v2" && string(last.body) != fmt.Sprintf(`{"activity":"upgradeInstance","instanceId":%q,"orderId":%q,"orderLineId":%q}`, i.SellerInstanceID, o.ID, o.Lines[0].ID) {
				t.Errorf("v2: %s", last.body)
			}
			// A renewal goes on with the new size.
			if r := w.on(i.ID, "renew", map[string]any{"period_number": 1}); r.AmountDeal != map[string]string{"v1": "60.00", "v2": "195.00"}[protocol] {
				t.Errorf("%s: renewed for %s", protocol, r.AmountDeal)
			}
		}
		w.sound()
	})
}

// An upgrade follows the seller's rules; one that the seller never takes is given back,
// and the service stays what it was. // spec: 20 B3.5, 10 §3.4, 01 §2.1
func TestAnUpgradeThatFailsForGood(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		better, _ := w.sku("v1", "专业版")
		other, _ := w.sku("v1", "企业签章")
		_, i := w.owned("v1 month", 1)
		w.refuses(i.ID, "change", map[string]any{"sku_code": other}, 422, "no_upgrade_rule")
		w.refuses(i.ID, "change", map[string]any{}, 422, "no_change")
		w.refuses(i.ID, "change", map[string]any{"quantity": 5001}, 422, "quantity_out_of_range")
		w.refuses(i.ID, "change", map[string]any{"quantity": -1}, 400, "invalid")
		w.refuses(i.ID, "change", map[string]any{"sku_code": better, "expected_amount": "1.00"}, 409, "price_changed")
		before, earned := w.available(), w.pending("v1")
		o := w.on(i.ID, "change", map[string]any{"sku_code": better})
		if o.AmountDeal != "17.90" { // 29.90 − 12.00 for 30 days
			t.Errorf("the upgrade costs %s", o.AmountDeal)
		}
		w.seller.behave(only("upgrade", code("000005")))
		w.pay(o)
		w.move(3 * time.Hour)
		o = w.order(o.ID)
		if o.Status != "COMPLETED" || o.Lines[0].Status != "REFUNDED" || w.available() != before || w.held() != "0.00" || w.pending("v1") != earned {
			t.Errorf("order %s %s, available %s of %s, held %s", o.Status, o.Lines[0].Status, w.available(), before, w.held())
		}
		if got := w.instance(i.ID); got.Status != "ACTIVE" || got.SKUCode != i.SKUCode {
			t.Errorf("the service is %s with %s", got.Status, got.SKUCode)
		}
		if n := len(w.seller.seen("upgrade")); n != 4 || len(w.seller.seen("releaseInstance")) != 0 {
			t.Errorf("%d upgrades, %d releases", n, len(w.seller.seen("releaseInstance")))
		}
		// The service can be changed again, and cannot be made smaller.
		w.seller.behave(nil)
		w.pay(w.on(i.ID, "change", map[string]any{"sku_code": better}))
		w.settle()
		if got := w.instance(i.ID); got.SKUCode != better {
			t.Errorf("upgraded to %s", got.SKUCode)
		}
		w.refuses(i.ID, "change", map[string]any{"sku_code": i.SKUCode}, 422, "no_upgrade_rule")
		w.sound()
	})
}

// A trial costs nothing, is taken once, and becomes a paid service of the same instance
// from the payment on. // spec: 22 §3.6, 10 §3.1, 11 §4.3
func TestATrialBecomesAPaidService(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for protocol, days := range map[string]int{"v1": 15, "v2": 30} {
			before := w.available()
			var o demo.Order
			trial := map[string]any{"product_id": w.offers[protocol+" month"], "quantity": 3, "accept_agreement": true, "trial": true}
			w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders", "", trial, &o))
			w.settle()
			i := w.instance(w.order(o.ID).Lines[0].InstanceID)
			if o.Type != "TRIAL" || o.AmountDeal != "0.00" || i.Status != "ACTIVE" || !i.Trial || !at(i.ExpireAt).Equal(w.p.Kernel.Clock.Now().Add(time.Duration(days)*day)) || w.available() != before {
				t.Fatalf("%s: %+v %+v", protocol, o, i)
			}
			n := w.seller.seen("newInstance")
			if q := n[len(n)-1]; protocol == "v1" && (q.get("trialFlag") != "1" || q.query.Has("periodType") || q.query.Has("periodNumber") || q.get("expireTime") == "") {
				t.Errorf("v1: %s", q.raw.URL.RawQuery)
			}
			w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders", "", trial, nil), 422, "trial_taken")
			w.refuses(i.ID, "renew", map[string]any{}, 422, "trial")
			w.refuses(i.ID, "change", map[string]any{"quantity": 9}, 422, "trial")
			w.refuses(i.ID, "unsubscribe", map[string]any{}, 422, "trial")

			w.move(5 * day)
			c := w.on(i.ID, "convert", map[string]any{"period_number": 2})
			price := map[string]string{"v1": "72.00", "v2": "234.00"}[protocol]
			if c.Type != "TRIAL_TO_FORMAL" || c.AmountDeal != price {
				t.Fatalf("%s: %+v", protocol, c)
			}
			w.pay(c)
			now := w.p.Kernel.Clock.Now()
			w.settle()
			i = w.instance(i.ID)
			if i.Trial || i.EffectiveAt != now.Format(time.RFC3339) || !at(i.ExpireAt).Equal(now.AddDate(0, 2, 0)) || w.pending(protocol) != price {
				t.Errorf("%s: %+v, earned %s", protocol, i, w.pending(protocol))
			}
			r := w.seller.seen("refreshInstance")
			last := r[len(r)-1]
			if last.get("orderId") != c.ID || last.get("productId") == "" || protocol == "v1" && last.get("trialToFormal") != "1" || protocol == "v2" && last.get("scene") != "TRIAL_TO_FORMAL" {
				t.Errorf("%s: %s %s", protocol, last.raw.URL.RawQuery, last.body)
			}
			w.refuses(i.ID, "convert", map[string]any{}, 409, "no_trial")
			if len(w.seller.seen("newInstance")) != len(n) {
				t.Errorf("%s: a second instance was made", protocol)
			}
		}
		w.sound()
	})
}

// A trial that nobody converts: reminded, frozen at its end without grace, released after
// retention, nothing posted. // spec: 22 §3.6, 01 §3
func TestATrialThatEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var o demo.Order
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders", "", map[string]any{"product_id": w.offers["v2 month"], "accept_agreement": true, "trial": true}, &o))
		w.settle()
		id := w.order(o.ID).Lines[0].InstanceID
		w.move(30*day - time.Second)
		if got := w.instance(id); got.Status != "ACTIVE" {
			t.Errorf("a second before the end: %s", got.Status)
		}
		w.move(time.Second)
		if got := w.instance(id); got.Status != "FROZEN" || got.Entry != nil {
			t.Errorf("at the end: %s, entry %v", got.Status, got.Entry)
		}
		w.refuses(id, "convert", map[string]any{}, 409, "instance_state")
		w.move(15 * day)
		if got := w.instance(id); got.Status != "RELEASED" {
			t.Errorf("after retention: %s", got.Status)
		}
		told := w.told("buyer")
		count := map[string]int{}
		for _, k := range told {
			count[k]++
		}
		if count["trial.ending"] != 4 || count["service.expired"] != 1 || count["service.releasing"] != 2 || count["service.released"] != 1 {
			t.Errorf("told %v", count)
		}
		r := w.seller.seen("releaseInstance")
		if len(r) != 1 || string(r[0].body) != fmt.Sprintf(`{"activity":"releaseInstance","instanceId":"inst-%s"}`, o.ID) {
			t.Errorf("release %s", r[0].body)
		}
		w.sound()
	})
}

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
		_, i := w.owned("v1 month", 1)
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

// Tried at 03:00 each night from seven days before; a success stops it, want of money is
// told and tried again. // spec: 22 §3.4; worked example E13
func TestAServiceRenewsItself(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, i := w.owned("v1 month", 1)
		w.must(w.as("buyer").Do(t.Context(), "PUT", api+"/instances/"+i.ID+"/auto-renew", "", map[string]any{"enabled": true, "period_number": 2}, nil))
		end := at(i.ExpireAt) // 10:00 in Shanghai
		first := end.Add(-7*day - 7*time.Hour)
		w.moveTo(first.Sub(start) - time.Second)
		if got := w.instance(i.ID); got.ExpireAt != i.ExpireAt || !got.AutoRenew {
			t.Fatalf("before the first night: %+v", got)
		}
		before := w.available()
		w.move(time.Second)
		got := w.instance(i.ID)
		if !at(got.ExpireAt).Equal(end.AddDate(0, 2, 0)) || !slices.Contains(w.told("buyer"), "autorenew.done") {
			t.Errorf("after it: until %s, told %v", got.ExpireAt, w.told("buyer"))
		}
		orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders")
		w.must(err)
		if orders[0].Type != "RENEW" || orders[0].Source != "AUTO_RENEW" || orders[0].AmountPaid != "24.00" || w.available() == before {
			t.Errorf("%+v", orders[0])
		}
		n := len(orders)
		w.move(20 * day)
		if orders, err = demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders"); err != nil || len(orders) != n {
			t.Errorf("%d orders twenty days later, %v", len(orders), err)
		}
		// It can be switched off again.
		w.must(w.as("buyer").Do(t.Context(), "PUT", api+"/instances/"+i.ID+"/auto-renew", "", map[string]any{"enabled": false}, nil))
		w.moveTo(at(got.ExpireAt).Sub(start))
		if got := w.instance(i.ID); got.Status != "FROZEN" {
			t.Errorf("switched off, at the end: %s", got.Status)
		}
		w.sound()
	})
}

func TestAutoRenewalWithoutMoney(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, i := w.owned("v2 month", 1)
		w.must(w.as("buyer").Do(t.Context(), "PUT", api+"/instances/"+i.ID+"/auto-renew", "", map[string]any{"enabled": true}, nil))
		// All the money is spent elsewhere.
		left := w.available()
		w.buy("v2 year", 500) // 195,000
		w.settle()
		w.buy("v1 month", 412)
		w.settle()
		end := at(i.ExpireAt)
		w.moveTo(end.Add(-day).Sub(start))
		failed := 0
		for _, k := range w.told("buyer") {
			if k == "autorenew.failed" {
				failed++
			}
		}
		if failed != 3 { // the first, five and two days before
			t.Errorf("told %d times of %s left", failed, left)
		}
		w.must(topUp(w, "1000.00"))
		w.moveTo(end.Sub(start))
		if got := w.instance(i.ID); got.Status != "ACTIVE" || !at(got.ExpireAt).After(end) {
			t.Errorf("after the top-up: %s until %s", got.Status, got.ExpireAt)
		}
		w.sound()
	})
}

// topUp gives the buyer money; in a sandbox one operator suffices.
func topUp(w *world, amount string) error {
	return w.as("finance").Do(w.t.Context(), "POST", api+"/companies/"+w.f.Account("buyer").CompanyID+"/top-up", "", map[string]any{"amount": amount, "currency": "CNY"}, nil)
}

// A violation freezes until it is lifted; V2 is told, V1 has no such call; expiry beside it
// is a reason of its own. // spec: 01 §2.7, §3
func TestAViolation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		police := func(id, what string, in any) error {
			return w.as("operator").Do(t.Context(), "POST", api+"/instances/"+id+"/"+what, "", in, nil)
		}
		statuses := func(protocol string) (out []string) {
			activity := map[string]string{"v1": "expireInstance", "v2": "updateInstanceStatus"}[protocol]
			for _, c := range w.seller.seen(activity) {
				out = append(out, c.activity()+c.get("status"))
			}
			return out
		}
		for _, protocol := range []string{"v1", "v2"} {
			_, i := w.owned(protocol+" month", 1)
			w.refused(police(i.ID, "freeze", map[string]any{"reason": " "}), 400, "invalid")
			w.must(police(i.ID, "freeze", map[string]any{"reason": "挖矿"}))
			w.settle()
			if got := w.instance(i.ID); got.Status != "FROZEN" || fmt.Sprint(got.FreezeReasons) != "[violation]" || got.Entry != nil {
				t.Errorf("%s: %+v", protocol, got)
			}
			w.refused(police(i.ID, "freeze", map[string]any{"reason": "again"}), 409, "already_frozen")
			w.refuses(i.ID, "renew", map[string]any{}, 422, "frozen")
			w.refuses(i.ID, "change", map[string]any{"quantity": 3}, 409, "instance_state")
			w.refuses(i.ID, "unsubscribe", map[string]any{}, 409, "instance_state")
			w.must(police(i.ID, "unfreeze", nil))
			w.settle()
			if got := w.instance(i.ID); got.Status != "ACTIVE" || got.Entry == nil {
				t.Errorf("%s: lifted: %+v", protocol, got)
			}
			w.refused(police(i.ID, "unfreeze", nil), 409, "not_frozen")
			// Frozen over its end: both reasons; lifting one leaves the other.
			w.must(police(i.ID, "freeze", map[string]any{"reason": "再犯"}))
			w.moveTo(at(i.ExpireAt).Sub(start))
			if got := w.instance(i.ID); fmt.Sprint(got.FreezeReasons) != "[expiry violation]" {
				t.Errorf("%s: at the end: %v", protocol, got.FreezeReasons)
			}
			w.must(police(i.ID, "unfreeze", nil))
			w.settle()
			if got := w.instance(i.ID); got.Status != "FROZEN" || fmt.Sprint(got.FreezeReasons) != "[expiry]" {
				t.Errorf("%s: lifted after the end: %+v", protocol, got)
			}
			w.pay(w.on(i.ID, "renew", map[string]any{"period_number": 2}))
			w.settle()
			if got := w.instance(i.ID); got.Status != "ACTIVE" {
				t.Errorf("%s: renewed: %s", protocol, got.Status)
			}
			want := map[string]string{"v1": "[expireInstance]", "v2": "[updateInstanceStatusFREEZE updateInstanceStatusUNFREEZE updateInstanceStatusFREEZE updateInstanceStatusUNFREEZE]"}[protocol]
			if got := fmt.Sprint(statuses(protocol)); got != want {
				t.Errorf("%s: the seller was told %s", protocol, got)
			}
			w.wire.Set(start) // the next protocol begins at the same hour
		}
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/instances/x/freeze", "", map[string]any{"reason": "x"}, nil), 403, "forbidden")
		w.sound()
	})
}

// In the last thirty days a renewal may make the service another size, if the seller
// agrees; the new size counts from the new term on. // spec: 22 §3.5, 11 §4.7, 01 §3
func TestARenewalThatChangesTheSize(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, big := w.sku("v2", "旗舰版")
		_, i := w.owned("v2 month", 4)
		w.pay(w.on(i.ID, "renew", map[string]any{"period_number": 2}))
		w.settle()
		w.refuses(i.ID, "renew", map[string]any{"product_id": big}, 422, "too_early")
		i = w.instance(i.ID)
		w.moveTo(at(i.ExpireAt).Add(-20 * day).Sub(start))
		w.seller.behave(only("changeInstanceCheck", func(call) reply { return reply{body: `{"resultCode":"000005","resultMsg":"已有 9 人在用"}`} }))
		w.refuses(i.ID, "renew", map[string]any{"quantity": 2}, 422, "seller_refuses_change")
		w.seller.behave(nil)
		o := w.on(i.ID, "renew", map[string]any{"product_id": big, "quantity": 2})
		asked := w.seller.seen("changeInstanceCheck")
		if last := asked[len(asked)-1]; !strings.Contains(string(last.body), `"productInfo":{"linearValue":2,"productId":"`+big+`","skuCode":"`) {
			t.Errorf("asked %s", last.body)
		}
		if o.AmountDeal != "178.00" {
			t.Errorf("the new term costs %s", o.AmountDeal)
		}
		w.pay(o)
		w.settle()
		calls := w.seller.seen("refreshInstance")
		if last := calls[len(calls)-1]; last.get("scene") != "RENEWAL_CHANGE" || last.get("productId") != big {
			t.Errorf("told %s", last.body)
		}
		if got := w.instance(i.ID); got.Quantity != 4 || got.SKUCode != i.SKUCode {
			t.Errorf("before the new term: %d %s", got.Quantity, got.SKUCode)
		}
		w.moveTo(at(i.ExpireAt).Sub(start))
		if got := w.instance(i.ID); got.Quantity != 2 || got.SKUCode == i.SKUCode || got.Status != "ACTIVE" {
			t.Errorf("from the new term on: %d %s %s", got.Quantity, got.SKUCode, got.Status)
		}
		// V1 has no such call.
		_, one := w.owned("v1 month", 4)
		w.refuses(one.ID, "renew", map[string]any{"quantity": 2}, 422, "other_specification")
		w.sound()
	})
}

// Expired with days of grace: usable, then frozen, then released; a renewal in between
// counts from the original end. // spec: 22 §3.2, §3.3; worked example E4, 10 §12.12
func TestTheEndOfALife(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var o demo.Order
		plus := func(method, path string, in, out any) {
			t.Helper()
			w.must(w.as("buyer2").Do(t.Context(), method, api+path, "", in, out))
		}
		plus("POST", "/orders", map[string]any{"product_id": w.offers["v2 month"], "accept_agreement": true}, &o)
		plus("POST", "/orders/"+o.ID+"/pay", nil, nil)
		w.settle()
		plus("GET", "/orders/"+o.ID, nil, &o)
		id := o.Lines[0].InstanceID
		is := func(when, status string) demo.Instance {
			t.Helper()
			var i demo.Instance
			plus("GET", "/instances/"+id, nil, &i)
			if i.Status != status {
				t.Errorf("%s: %s, want %s", when, i.Status, status)
			}
			return i
		}
		end := at(is("opened", "ACTIVE").ExpireAt)
		w.moveTo(end.Sub(start))
		is("at the end", "GRACE")
		w.moveTo(end.Add(3*day - time.Second).Sub(start))
		is("in grace", "GRACE")
		w.move(time.Second)
		is("after grace", "FROZEN")
		w.moveTo(end.Add(10 * day).Sub(start))
		var r demo.Order
		plus("POST", "/instances/"+id+"/renew", map[string]any{"period_number": 1}, &r)
		plus("POST", "/orders/"+r.ID+"/pay", nil, nil)
		w.settle()
		if got := at(is("renewed on the tenth day", "ACTIVE").ExpireAt); !got.Equal(time.Date(2027, 1, 24, 2, 0, 0, 0, time.UTC)) {
			t.Errorf("the new end is %s", got)
		}
		w.move(2 * day) // the old plan does nothing
		is("afterwards", "ACTIVE")
		w.moveTo(time.Date(2027, 1, 24, 2, 0, 0, 0, time.UTC).Add(18 * day).Sub(start))
		is("never renewed again", "RELEASED")
		var said []string
		for _, c := range w.seller.calls {
			if c.proto == "v2" && c.get("instanceId") == "inst-"+o.ID && c.activity() != "queryInstance" {
				said = append(said, strings.TrimSpace(c.activity()+" "+c.get("status")+c.get("scene")))
			}
		}
		if got := strings.Join(said, ", "); got != "updateInstanceStatus FREEZE, refreshInstance RENEWAL, updateInstanceStatus UNFREEZE, updateInstanceStatus FREEZE, releaseInstance" {
			t.Errorf("the seller was told: %s", got)
		}
		w.sound()
	})
}

// A purchase limit counts what was not cancelled or given back. // spec: 22 §2.4
func TestPurchaseLimits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.configure("yunfan", "v1 month", map[string]any{"purchase_limit": map[string]any{"orders": 2, "pieces": 5}})
		order := func(quantity int) error {
			return w.as("buyer").Do(t.Context(), "POST", api+"/orders", "", map[string]any{"product_id": w.offers["v1 month"], "quantity": quantity, "accept_agreement": true}, nil)
		}
		w.refused(order(6), 422, "purchase_limit")
		o := w.place("v1 month", 3)
		w.refused(order(3), 422, "purchase_limit")
		w.must(order(2))
		w.refused(order(1), 422, "purchase_limit")
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/cancel", "", nil, nil))
		w.must(order(3))
	})
}

// Months end: a service opened on the 31st ends on the last day of a short month, and its
// renewals come back to the 31st. // spec: 01 §1.3
func TestMonthsEnd(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.moveTo(time.Date(2027, 1, 31, 2, 0, 0, 0, time.UTC).Sub(start))
		_, i := w.owned("v1 month", 1)
		for n, want := range []string{"2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"} {
			if n > 0 {
				w.pay(w.on(i.ID, "renew", map[string]any{"period_number": 1}))
				w.settle()
			}
			if got := w.instance(i.ID); !strings.HasPrefix(got.ExpireAt, want) {
				t.Errorf("after %d renewals: %s, want %s", n, got.ExpireAt, want)
			}
		}
		w.moveTo(time.Date(2028, 2, 29, 2, 0, 0, 0, time.UTC).Sub(start))
		_, leap := w.owned("v1 year", 1)
		if !strings.HasPrefix(leap.ExpireAt, "2029-02-28") {
			t.Errorf("a year from a leap day: %s", leap.ExpireAt)
		}
	})
}

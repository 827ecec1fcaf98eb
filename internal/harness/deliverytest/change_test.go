package deliverytest

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

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
		// Nothing is sold about a service whose product is not on sale, and it goes on being used.
		product := w.byOffer[w.offers["v1 month"]]
		w.must(w.as("operator").Do(t.Context(), "POST", api+"/products/"+product+"/suspend", "", map[string]any{"reason": "x"}, nil))
		w.refuses(i.ID, "change", map[string]any{"quantity": 9}, 422, "not_on_sale")
		w.refuses(i.ID, "renew", map[string]any{}, 422, "not_on_sale")
		w.must(w.as("operator").Do(t.Context(), "POST", api+"/products/"+product+"/resume", "", map[string]any{}, nil))
		w.on(i.ID, "renew", map[string]any{})
		// Another company's service is like one that does not exist.
		for _, what := range []string{"change", "renew", "convert", "cancel-renewal", "unsubscribe"} {
			w.refused(w.as("buyer2").Do(t.Context(), "POST", api+"/instances/"+i.ID+"/"+what, "", map[string]any{"quantity": 9}, nil), 404, "not_found")
		}
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

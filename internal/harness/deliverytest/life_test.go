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

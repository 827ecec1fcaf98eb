package deliverytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
)

// pollsNotReady answers the first n polls of each instance "being processed".
func pollsNotReady(n int) func(call) reply {
	seen := map[string]int{}
	return only("queryInstance", func(c call) reply {
		if seen[c.get("instanceId")]++; seen[c.get("instanceId")] <= n {
			return reply{body: `{"resultCode":"000004"}`}
		}
		return well(c)
	})
}

// A V2 order: created once, asked for at its times, then active with plain
// credentials that are sealed at rest. spec: 01 §2.2, 11 §4.1–4.2
func TestV2IsCreatedPolledAndReady(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(pollsNotReady(3))
		o := w.buy("v2 year", 3)
		w.move(12 * time.Second)
		o = w.order(o.ID)
		if o.Status != "COMPLETED" || o.Lines[0].Status != "DELIVERED" {
			t.Fatalf("order %s, line %s: %+v", o.Status, o.Lines[0].Status, w.attempts(o.ID, ""))
		}
		if len(w.seller.invalid) > 0 {
			t.Fatal(w.seller.invalid)
		}
		c := w.seller.seen("newInstance")
		if len(c) != 1 || string(c[0].body) != fmt.Sprintf(`{"activity":"newInstance","businessId":%q,"orderId":%q,"orderLineId":%q}`, c[0].get("businessId"), o.ID, o.Lines[0].ID) {
			t.Fatalf("%d newInstance, body %s", len(c), c[0].body)
		}
		if h := c[0].raw.Header; h.Get("Content-Type") != "application/json;charset=utf-8" || h.Get("Accept") != "application/json" {
			t.Errorf("headers %v", h)
		}
		var at []string
		for _, a := range w.attempts(o.ID, "queryInstance") {
			when, _ := time.Parse(time.RFC3339Nano, a.BusinessAt)
			at = append(at, when.Sub(start).String()+" "+a.State)
		}
		if fmt.Sprint(at) != "[0s retrying 2s retrying 5s retrying 10s success]" {
			t.Errorf("polls at %v", at)
		}
		i := w.instance(o.Lines[0].InstanceID)
		if i.Status != "ACTIVE" || i.Entry.UserName != "admin" || i.Entry.Password != "pass-word-1" || i.SellerInstanceID != "inst-"+o.ID {
			t.Errorf("%+v %+v", i, i.Entry)
		}
		// An hour later nothing more was sent.
		w.move(time.Hour)
		if n := len(w.seller.seen("newInstance")) + len(w.seller.seen("queryInstance")); n != 5 {
			t.Errorf("%d calls in all", n)
		}
		w.sound()
	})
}

// Created, never ready: failed at the end of the window, all paid back, and the
// release carries the unsubscription order. spec: 01 §2.2, §2.6
func TestV2NeverReadyIsRefundedAndReleased(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		w.seller.behave(pollsNotReady(1 << 30))
		o := w.buy("v2 month", 2)
		w.move(2*time.Hour + 59*time.Minute)
		if o = w.order(o.ID); o.Status != "PROCESSING" {
			t.Fatalf("order %s before the window's end", o.Status)
		}
		w.move(2 * time.Minute)
		o = w.order(o.ID)
		if o.Status != "COMPLETED" || o.Lines[0].Status != "REFUNDED" || w.available() != before || w.held() != "0.00" || o.PossiblyOrphaned {
			t.Fatalf("order %s, line %s, available %s (before %s), held %s", o.Status, o.Lines[0].Status, w.available(), before, w.held())
		}
		orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders")
		w.must(err)
		un := orders[slices.IndexFunc(orders, func(x demo.Order) bool { return x.OriginOrderID == o.ID })]
		r := w.seller.seen("releaseInstance")
		if len(r) != 1 || r[0].get("instanceId") != "inst-"+o.ID || r[0].get("orderId") != un.ID || r[0].get("orderLineId") != un.Lines[0].ID || un.Type != "UNSUBSCRIBE" || un.AmountPaid != "-78.00" {
			t.Errorf("release %v, unsubscription %+v", r, un)
		}
		if n := len(w.seller.seen("newInstance")); n != 1 {
			t.Errorf("newInstance was sent %d times", n)
		}
		// 0, 2, 5, 10, 30, 60 s, then every two minutes to the end.
		if n := len(w.attempts(o.ID, "queryInstance")); n != 6+90 {
			t.Errorf("%d polls", n)
		}
		w.sound()
	})
}

// What a poll may answer. spec: 02 §2.13–2.15
func TestV2PollAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			answer reply
			ready  bool
			notice bool
		}{
			"000003":                      {reply{body: `{"resultCode":"000003"}`}, false, false},
			"000004":                      {reply{body: `{"resultCode":"000004"}`}, false, false},
			"empty info":                  {reply{body: `{"resultCode":"000000","info":[]}`}, false, false},
			"no info":                     {reply{body: `{"resultCode":"000000"}`}, false, false},
			"another's entry":             {reply{body: `{"resultCode":"000000","info":[{"instanceId":"other","appInfo":{"frontEndUrl":"http://x/"}}]}`}, false, false},
			"server error":                {reply{status: 500, body: `{"resultCode":"000000"}`}, false, false},
			"html":                        {reply{body: `<html>`, kind: "text/html"}, false, false},
			"hangs up":                    {reply{hangup: true}, false, false},
			"401":                         {reply{status: 401, body: `{}`}, false, true},
			"403":                         {reply{status: 403, body: `{}`}, false, true},
			"000001":                      {reply{body: `{"resultCode":"000001"}`}, false, true},
			"entry without page":          {reply{body: `{"resultCode":"000000","info":[{"instanceId":"ID"}]}`}, true, false},
			"http page, null encryptType": {reply{body: `{"resultCode":"000000","encryptType":null,"info":[{"instanceId":"ID","appInfo":{"frontEndUrl":"http://x/","memo":"原文"}}]}`}, true, false},
		} {
			w.seller.behave(only("queryInstance", func(q call) reply {
				r := c.answer
				r.body = strings.ReplaceAll(r.body, "ID", q.get("instanceId"))
				return r
			}))
			o := w.buy("v2 month", 1)
			w.move(3 * time.Second)
			status := w.instance(w.order(o.ID).Lines[0].InstanceID).Status
			if want := map[bool]string{true: "ACTIVE", false: "PROVISIONING"}[c.ready]; status != want {
				t.Errorf("%s: %s, want %s (%+v)", name, status, want, w.last(o.ID, "queryInstance"))
			}
			told := slices.Contains(w.notices("beichen", o.ID), "call.refused")
			if told != c.notice {
				t.Errorf("%s: the seller was told: %v", name, told)
			}
			// A poll that was refused is told once, and polling goes on to success.
			w.seller.behave(nil)
			w.move(3 * time.Minute)
			if got := w.order(o.ID).Status; got != "COMPLETED" {
				t.Errorf("%s: the order is %s", name, got)
			}
		}
		w.sound()
	})
}

// A seller that never sends info, where the product says that usage data goes
// another way. spec: 02 §2.14
func TestV2ReadyWithoutInfo(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.configure("beichen", "v2 month", map[string]any{"ready_without_info": true})
		w.seller.behave(only("queryInstance", func(call) reply { return reply{body: `{"resultCode":"000000"}`} }))
		o := w.buy("v2 month", 1)
		w.settle()
		i := w.instance(w.order(o.ID).Lines[0].InstanceID)
		if i.Status != "ACTIVE" || i.Entry == nil || i.Entry.FrontEndURL != "" {
			t.Errorf("%s %+v", i.Status, i.Entry)
		}
	})
}

// The status decides before the code; 000004 with an id is accepted; an id beside
// another code is not read. spec: 02 §2.10–2.11, 11 §6
func TestV2CreateAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			answer        reply
			reason, state string
		}{
			"500 with success":    {reply{status: 500, body: `{"resultCode":"000000","instanceId":"x"}`}, "status", "retrying"},
			"redirect":            {reply{status: 307, body: `{"resultCode":"000000","instanceId":"x"}`}, "redirect", "retrying"},
			"html":                {reply{body: `<html>`, kind: "text/html"}, "json", "retrying"},
			"no code":             {reply{body: `{"instanceId":"x"}`}, "no-result-code", "retrying"},
			"000003 and text":     {reply{body: `{"resultCode":"000003","instanceId":"bad signature"}`}, "result-code", "retrying"},
			"000004 without id":   {reply{body: `{"resultCode":"000004"}`}, "result-code", "retrying"},
			"success without id":  {reply{body: `{"resultCode":"000000","instanceId":""}`}, "missing-field", "retrying"},
			"hangs up":            {reply{hangup: true}, "unreachable", "unknown"},
			"too late":            {reply{wait: 2 * time.Second, body: `{"resultCode":"000005"}`}, "timeout", "unknown"},
			"000004 with id":      {reply{body: `{"resultCode":"000004","instanceId":"ID"}`}, "", "success"},
			"text/plain, no sign": {reply{body: `{"resultCode":"000000","instanceId":"ID"}`, kind: "text/plain", sign: "none"}, "", "success"},
			"number as code":      {reply{body: `{"resultCode":0,"instanceId":"ID"}`}, "", "success"},
			"wrong V1 signature":  {reply{body: `{"resultCode":"000000","instanceId":"ID"}`, sign: "wrong"}, "", "success"},
		} {
			w.seller.behave(only("newInstance", func(q call) reply {
				r := c.answer
				r.body = strings.ReplaceAll(r.body, "ID", "v2-"+q.get("orderId"))
				return r
			}))
			o := w.buy("v2 month", 1)
			w.settle()
			if a := w.last(o.ID, "newInstance"); a.Reason != c.reason || a.State != c.state {
				t.Errorf("%s: %q %s, want %q %s", name, a.Reason, a.State, c.reason, c.state)
			}
		}
		w.seller.behave(nil)
		w.move(4 * time.Hour)
		if w.held() != "0.00" {
			t.Errorf("held %s", w.held())
		}
		w.sound()
	})
}

// The first success is binding: no restart and no replay sends newInstance again.
// spec: 02 §2.12
func TestV2NeverCreatesAgainAfterTheFirstSuccess(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(pollsNotReady(2))
		o := w.buy("v2 month", 1)
		w.settle()
		id := w.last(o.ID, "newInstance").ID
		w.refused(w.as("beichen").Do(t.Context(), "POST", api+"/attempts/"+id+"/replay", "", nil, nil), 409, "created_already")
		// A restart while it is being made is one more look, not one more create.
		w.must(w.as("beichen").Do(t.Context(), "POST", api+"/attempts/"+w.last(o.ID, "queryInstance").ID+"/restart", "", nil, nil))
		w.settle()
		w.move(10 * time.Second)
		if w.order(o.ID).Status != "COMPLETED" || len(w.seller.seen("newInstance")) != 1 {
			t.Errorf("order %s, %d newInstance", w.order(o.ID).Status, len(w.seller.seen("newInstance")))
		}
	})
}

// Renewal on V2: refreshInstance with its scene and the end in UTC; a renewal out
// of the freeze is followed by UNFREEZE. spec: 11 §4.3–4.4, §9, 01 §2.8
func TestV2RenewalOutOfTheFreeze(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v2 month", 1)
		w.settle()
		id := w.order(o.ID).Lines[0].InstanceID
		w.moveTo(32 * 24 * time.Hour)
		var r demo.Order
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+id+"/renew", "", map[string]any{"period_number": 2}, &r))
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+r.ID+"/pay", "", nil, &r))
		w.settle()
		var calls []string
		for _, a := range append(w.seller.seen("updateInstanceStatus"), w.seller.seen("refreshInstance")...) {
			calls = append(calls, string(a.body))
		}
		want := []string{
			`{"activity":"updateInstanceStatus","instanceId":"inst-` + o.ID + `","status":"FREEZE"}`,
			`{"activity":"updateInstanceStatus","instanceId":"inst-` + o.ID + `","status":"UNFREEZE"}`,
			`{"activity":"refreshInstance","expireTime":"20270224020000","instanceId":"inst-` + o.ID + `","orderId":"` + r.ID + `","orderLineId":"` + r.ID + `-000001","scene":"RENEWAL"}`,
		}
		if fmt.Sprint(calls) != fmt.Sprint(want) || len(w.seller.invalid) > 0 {
			t.Errorf("calls:\n%s\nwant:\n%s\n%v", strings.Join(calls, "\n"), strings.Join(want, "\n"), w.seller.invalid)
		}
		// Order of sending: refresh before unfreeze.
		as := w.attempts("", "")
		refresh := slices.IndexFunc(as, func(a demo.Attempt) bool { return a.Activity == "refreshInstance" })
		thaw := len(as) - 1
		for ; as[thaw].Activity != "updateInstanceStatus"; thaw-- {
		}
		if refresh > thaw {
			t.Error("UNFREEZE was sent before refreshInstance")
		}
		if i := w.instance(id); i.Status != "ACTIVE" {
			t.Errorf("instance %s", i.Status)
		}
	})
}

// The notification goes to its own address with the general key, in its own lane,
// and says nothing but the ids. spec: 12 §1, 02 §2.9
func TestOrderNotification(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(only("orderNotify", func(call) reply { return reply{status: 500, body: "broken"} }))
		o := w.buy("v1 month", 1)
		w.settle()
		if w.order(o.ID).Status != "COMPLETED" {
			t.Error("a failing notification held up the delivery")
		}
		c := w.seller.seen("orderNotify")
		if len(c) != 2 || c[0].proto != "notify-v1" || string(c[0].body) != `{"activity":"orderNotify","orderId":"`+o.ID+`","orderLineId":"`+o.ID+`-000001","testFlag":"0"}` {
			t.Fatalf("%d notifications, %s", len(c), c[0].body)
		}
		w.move(4 * time.Hour)
		as := w.attempts(o.ID, "orderNotify")
		if len(as) != 5 || as[4].State != "failed" || !slices.Contains(w.notices("operator", o.ID), "call.failed_for_good") {
			t.Fatalf("%d notifications, the last %s", len(as), as[len(as)-1].State)
		}
		// Restarted by hand, also after the window; several at once.
		w.seller.behave(nil)
		var many struct {
			Items []struct {
				Restarted bool
				Code      string
			}
		}
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/restart", "", map[string]any{"ids": []string{as[4].ID, w.last(o.ID, "newInstance").ID, "unknown"}}, &many))
		if !many.Items[0].Restarted || many.Items[1].Code != "call_done" || many.Items[2].Code != "not_found" {
			t.Errorf("%+v", many)
		}
		w.settle()
		if a := w.last(o.ID, "orderNotify"); a.State != "success" || w.order(o.ID).Status != "COMPLETED" {
			t.Errorf("%+v", a)
		}
		if len(w.seller.invalid) > 0 {
			t.Error(w.seller.invalid)
		}
		// A replay sends it once more, with a stamp of its own.
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+as[0].ID+"/replay", "", nil, nil))
		w.settle()
		last := w.seller.seen("orderNotify")
		if n := len(last); n != 7 || last[n-1].query.Get("nonce") == last[0].query.Get("nonce") || string(last[n-1].body) != string(last[0].body) {
			t.Errorf("%d notifications after the replay", n)
		}
	})
}

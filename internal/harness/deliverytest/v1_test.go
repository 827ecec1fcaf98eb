package deliverytest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/protocol/sealed"
)

// A name with every reserved character is verified by a seller that follows the
// documents and knows nothing of us. spec: 10 §12.2, 02 §1.20
func TestReservedCharactersVerifyAtAnUnmodifiedSeller(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		var o demo.Order
		buyer := w.as("buyer2") // 海风 A&B=C+贸易/100%, placed by dev~user*(1)
		w.configure("yunfan", "v1 month", map[string]any{"send_user": true, "send_mobile": true, "send_email": true})
		w.must(buyer.Do(t.Context(), "POST", api+"/orders", "", map[string]any{"product_id": w.offers["v1 month"], "accept_agreement": true, "quantity": 7}, &o))
		w.must(buyer.Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, &o))
		w.settle()
		if len(w.seller.invalid) > 0 {
			t.Fatal(w.seller.invalid)
		}
		c := w.seller.seen("newInstance")[0]
		if got := c.get("customerName"); got != "海风 A&B=C+贸易/100%" {
			t.Errorf("customerName arrived as %q", got)
		}
		if got := c.get("userName"); got != "dev~user*(1)" {
			t.Errorf("userName arrived as %q", got)
		}
		raw := c.raw.URL.RawQuery
		if strings.Contains(raw, "+") || !strings.Contains(raw, "%20A%26B%3DC%2B") {
			t.Errorf("on the wire: %s", raw)
		}
		for name, want := range map[string]string{"mobilePhone": "13900139000", "email": "office@haifeng.example"} {
			if got, err := sealed.Open(w.f.Seller("v1").Keys["base"], sealed.AES256, c.get(name)); err != nil || got != want {
				t.Errorf("%s opens to %q, %v", name, got, err)
			}
		}
		for name, want := range map[string]string{"amount": "7", "chargingMode": "1", "periodType": "month", "periodNumber": "1", "orderAmount": "84", "provisionType": "1"} {
			if got := c.get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if c.query.Has("testFlag") || c.query.Has("trialFlag") {
			t.Error("a real call carries a test or trial flag")
		}
	})
}

// The headers the field demands, in their order, and nothing else. spec: 02 §1.1, §1.13
func TestHeadersAndTimesOfAV1Call(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v1 month", 1)
		w.settle()
		c := w.seller.seen("newInstance")[0]
		want := map[string]string{"Accept": "application/json;charset=UTF-8, application/json;q=0.9, */*;q=0.1", "Accept-Encoding": "identity", "Connection": "close"}
		for name, values := range c.raw.Header {
			if want[name] != values[0] || len(values) != 1 {
				t.Errorf("header %s: %q", name, values)
			}
		}
		// expireTime is UTC+8, timeStamp UTC. spec: 02 §1.18
		if got := c.get("timeStamp"); got != "20261124020000000" {
			t.Errorf("timeStamp %s", got)
		}
		if got := c.get("expireTime"); got != "20261224100000" {
			t.Errorf("expireTime %s", got)
		}
		// The bytes kept are those the socket saw.
		var a struct{ Request, Response string }
		w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/attempts/"+w.last(o.ID, "newInstance").ID, "", nil, &a))
		if !strings.HasPrefix(a.Request, "GET "+c.raw.RequestURI+" HTTP/1.1\r\nHost: ") || !strings.Contains(a.Response, `"instanceId":"inst-`+o.ID) {
			t.Errorf("kept bytes:\n%s\n%s", a.Request, a.Response)
		}
	})
}

// Two sends of one order differ in businessId, timeStamp and authToken only.
// spec: 10 §12.3
func TestARepetitionDiffersInThreeParameters(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(code("000005"))
		w.buy("v1 month", 1)
		w.settle()
		w.wire.Add(time.Second)
		w.move(time.Hour)
		calls := w.seller.seen("newInstance")
		if len(calls) != 2 {
			t.Fatalf("%d calls", len(calls))
		}
		var differ []string
		for name := range calls[0].query {
			if calls[0].get(name) != calls[1].get(name) {
				differ = append(differ, name)
			}
		}
		slices.Sort(differ)
		if fmt.Sprint(differ) != "[authToken businessId timeStamp]" || len(calls[0].query) != len(calls[1].query) {
			t.Errorf("they differ in %v", differ)
		}
	})
}

// With the product's switch, repetitions keep the first businessId. spec: 02 §1.5
func TestStableBusinessID(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.configure("yunfan", "v1 month", map[string]any{"stable_business_id": true, "always_send_test_flag": true})
		w.seller.behave(code("000005"))
		w.buy("v1 month", 1)
		w.settle()
		w.move(time.Hour)
		calls := w.seller.seen("newInstance")
		if len(calls) != 2 || calls[0].get("businessId") != calls[1].get("businessId") || calls[1].get("testFlag") != "0" {
			t.Errorf("%d calls, businessId %q then %q", len(calls), calls[0].get("businessId"), calls[1].get("businessId"))
		}
	})
}

// Every kind of bad answer fails for a reason of its own and costs nobody anything.
// spec: 10 §12.4, §12.5, 02 §1.11, §1.12, §1.20
func TestBadAnswersFailForDistinctReasons(t *testing.T) {
	big := `{"resultCode":"000000","instanceId":"x","resultMsg":"` + strings.Repeat("x", 1<<20) + `"}`
	good := func(c call) reply { return well(c) }
	change := func(f func(r *reply)) func(call) reply {
		return func(c call) reply { r := good(c); f(&r); return r }
	}
	body := func(b string) func(call) reply { return func(call) reply { return reply{body: b} } }
	cases := []struct {
		name, reason, state string
		answer              func(call) reply
	}{
		{"created", "status", "retrying", change(func(r *reply) { r.status = 201 })},
		{"redirect", "redirect", "retrying", change(func(r *reply) {
			r.status = 302
			r.header = map[string][]string{"Location": {"https://elsewhere.example/"}}
		})},
		{"server error", "status", "retrying", change(func(r *reply) { r.status = 500 })},
		{"html", "content-type", "retrying", change(func(r *reply) { r.kind = "text/html"; r.body = "<html><body>login</body></html>" })},
		{"too late", "timeout", "unknown", change(func(r *reply) { r.wait = 3 * time.Second })},
		{"no answer", "unreachable", "unknown", change(func(r *reply) { r.hangup = true })},
		{"huge", "too-large", "retrying", body(big)},
		{"unsigned", "body-sign-missing", "retrying", change(func(r *reply) { r.sign = "none" })},
		{"wrongly signed", "body-sign-value", "retrying", change(func(r *reply) { r.sign = "wrong" })},
		{"two signatures", "body-sign-ambiguous", "retrying", change(func(r *reply) {
			r.header = map[string][]string{"Body-Sign": {bodySign("a", "b"), bodySign("c", "d")}}
		})},
		{"unquoted signature", "body-sign-form", "retrying", change(func(r *reply) { r.header = map[string][]string{"Body-Sign": {"sign_type=HMAC-SHA256, signature=abc"}} })},
		{"byte order mark", "byte-order-mark", "retrying", change(func(r *reply) { r.body = "\uFEFF" + r.body })},
		{"invalid UTF-8", "invalid-utf8", "retrying", body("{\"resultCode\":\"000000\",\"instanceId\":\"\xff\"}")},
		{"cut off", "json", "retrying", body(`{"resultCode":"000000","instanceId":"x"`)},
		{"trailing comma", "json", "retrying", body(`{"resultCode":"000000","instanceId":"x",}`)},
		{"twice", "duplicate-name", "retrying", body(`{"resultCode":"000000","resultCode":"000000","instanceId":"x"}`)},
		{"empty object", "no-result-code", "retrying", body(`{}`)},
		{"null code", "no-result-code", "retrying", body(`{"resultCode":null,"instanceId":"x"}`)},
		{"being processed", "result-code", "retrying", body(`{"resultCode":"000004","instanceId":"x"}`)},
		{"unknown code", "result-code", "retrying", body(`{"resultCode":"999999","resultMsg":"?"}`)},
		{"no instanceId", "missing-field", "retrying", body(`{"resultCode":"000000"}`)},
		{"null instanceId", "missing-field", "retrying", body(`{"resultCode":"000000","instanceId":null}`)},
		{"long instanceId", "field-length", "retrying", body(`{"resultCode":"000000","instanceId":"` + strings.Repeat("x", 65) + `"}`)},
		{"NUL in instanceId", "field-type", "retrying", body(`{"resultCode":"000000","instanceId":"a\u0000b"}`)},
	}
	for _, c := range []string{"000001", "000002", "000003", "000005", "000100", "000101", "000102", "000103", "000104", "000105", "000106", "000107", "000999"} {
		cases = append(cases, struct {
			name, reason, state string
			answer              func(call) reply
		}{"code " + c, "result-code", "retrying", body(`{"resultCode":"` + c + `","instanceId":"ignored"}`)})
	}
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		for _, c := range cases {
			w.seller.behave(only("newInstance", c.answer))
			o := w.buy("v1 month", 1)
			w.settle()
			a := w.last(o.ID, "newInstance")
			if a.Reason != c.reason || a.State != c.state {
				t.Errorf("%s: reason %q, state %s; want %q, %s", c.name, a.Reason, a.State, c.reason, c.state)
			}
			if now := w.order(o.ID); now.Status != "PROCESSING" {
				t.Errorf("%s: the order is %s", c.name, now.Status)
			}
		}
		w.sound()
		if held := w.held(); held != fmt.Sprintf("%d.00", 12*len(cases)) {
			t.Errorf("held %s for %d orders", held, len(cases))
		}
		// After the window all of it is back.
		w.seller.behave(code("000005"))
		w.move(4 * time.Hour)
		if w.held() != "0.00" || w.available() != before {
			t.Errorf("held %s, available %s, before %s", w.held(), w.available(), before)
		}
		w.sound()
	})
}

// A trailing newline that is signed along is fine. spec: 10 §12.4
func TestOddButRightAnswersPass(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for name, f := range map[string]func(call) reply{
			"newline": func(c call) reply { r := well(c); r.newline = true; return r },
			"equal signatures": func(c call) reply {
				r := well(c)
				s := bodySign(w.f.Seller("v1").Keys["base"], r.body)
				r.header = map[string][]string{"Body-Sign": {s, s}}
				return r
			},
			"number as code": func(c call) reply { r := well(c); r.body = strings.Replace(r.body, `"000000"`, `0`, 1); return r },
			"null members": func(c call) reply {
				r := well(c)
				r.body = strings.Replace(r.body, `"appInfo":{`, `"encryptType":null,"extra":[1,{"a":null}],"appInfo":{"memo":null,"userName":null,`, 1)
				return r
			},
			"no appInfo": func(c call) reply {
				return reply{body: `{"resultCode":"000000","instanceId":"id-` + c.get("orderId") + `+/="}`}
			},
			"charset and spacing": func(c call) reply { r := well(c); r.kind = "Application/JSON; Charset=UTF-8"; return r },
		} {
			w.seller.behave(only("newInstance", f))
			o := w.buy("v1 month", 1)
			w.settle()
			if now := w.order(o.ID); now.Status != "COMPLETED" || now.Lines[0].Status != "DELIVERED" {
				t.Errorf("%s: order %s, line %s, %+v", name, now.Status, now.Lines[0].Status, w.last(o.ID, "newInstance"))
			}
		}
	})
}

// Credentials: encrypted either way, too long, unreadable. The order always
// succeeds. spec: 10 §12.9, §2.4
func TestCredentials(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		key := w.f.Seller("v1").Keys["base"]
		seal := func(bits sealed.Bits, text string) string {
			out, err := sealed.SealWithIV(key, bits, "A1b2C3d4E5f6G7h8", text)
			w.must(err)
			return out
		}
		for name, c := range map[string]struct{ extra, user, password, wantUser, wantPassword string }{
			"type 1":        {`"encryptType":"1",`, seal(sealed.AES256, "admin"), seal(sealed.AES256, "P@ss 字/=+&中"), "admin", "P@ss 字/=+&中"},
			"type 2":        {`"encryptType":2,`, seal(sealed.AES128, "admin"), seal(sealed.AES128, "secret"), "admin", "secret"},
			"absent":        {``, seal(sealed.AES256, "admin"), seal(sealed.AES256, "secret"), "admin", "secret"},
			"too long":      {``, seal(sealed.AES256, strings.Repeat("a", 80)), seal(sealed.AES256, "secret"), "", "secret"},
			"undecryptable": {``, "not sealed at all", "A1b2C3d4E5f6G7h8", "", ""},
		} {
			w.seller.behave(only("newInstance", func(r call) reply {
				return reply{body: `{"resultCode":"000000",` + c.extra + `"instanceId":"id-` + r.get("orderId") + `","appInfo":{"frontEndUrl":"https://a.example/","userName":"` + c.user + `","password":"` + c.password + `"}}`}
			}))
			o := w.buy("v1 month", 1)
			w.settle()
			i := w.instance(w.order(o.ID).Lines[0].InstanceID)
			if i.Status != "ACTIVE" || i.Entry == nil || i.Entry.UserName != c.wantUser || i.Entry.Password != c.wantPassword {
				t.Errorf("%s: %s %+v", name, i.Status, i.Entry)
			}
			var a struct{ Response string }
			w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/attempts/"+w.last(o.ID, "newInstance").ID, "", nil, &a))
			if strings.Contains(a.Response, c.user) || !strings.Contains(a.Response, `"password":"***"`) {
				t.Errorf("%s: credentials are kept in the log: %s", name, a.Response)
			}
		}
	})
}

// E12: tries at 10, 11, 12 and 13 o'clock; then the refund, without a release. The
// sixth failed order of a product in a month is too many. spec: 22 §9, 10 §12.6
func TestFailingForThreeHoursRefundsAndTheSixthProposesSuspension(t *testing.T) {
	for _, rule := range []string{"propose", "suspend"} {
		t.Run(rule, func(t *testing.T) {
			eachWith(t, func(c *config.Config) { c.TooManyFailed = rule }, func(t *testing.T, w *world) {
				before := w.available()
				w.seller.behave(code("000104"))
				for n := 1; n <= 6; n++ {
					o := w.buy("v1 month", 2)
					paid := w.p.Kernel.Clock.Now()
					w.move(2*time.Hour + 59*time.Minute)
					if got := len(w.attempts(o.ID, "newInstance")); got != 3 || w.order(o.ID).Status != "PROCESSING" {
						t.Fatalf("before the third hour: %d tries, order %s", got, w.order(o.ID).Status)
					}
					w.move(2 * time.Minute)
					o = w.order(o.ID)
					if o.Status != "COMPLETED" || o.Lines[0].Status != "REFUNDED" || o.PossiblyOrphaned {
						t.Fatalf("order %s, line %s, orphaned %v", o.Status, o.Lines[0].Status, o.PossiblyOrphaned)
					}
					for i, a := range w.attempts(o.ID, "newInstance") {
						at, err := time.Parse(time.RFC3339Nano, a.BusinessAt)
						if err != nil || !at.Equal(paid.Add(time.Duration(i)*time.Hour)) {
							t.Errorf("try %d at %s, paid at %s", i+1, a.BusinessAt, paid)
						}
					}
					if w.held() != "0.00" || w.available() != before {
						t.Fatalf("held %s, available %s, before %s", w.held(), w.available(), before)
					}
					if !slices.Contains(w.notices("buyer", o.ID), "order.refunded") || !slices.Contains(w.notices("yunfan", o.ID), "order.failed") {
						t.Error("one of the sides was not told")
					}
					var p struct{ Status string }
					w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/products/"+w.byOffer[w.offers["v1 month"]], "", nil, &p))
					proposed := slices.Contains(w.notices("operator", o.ID), "product.suspension_proposed")
					wantStatus := "ON_SALE"
					if n == 6 && rule == "suspend" {
						wantStatus = "SUSPENDED"
					}
					if proposed != (n == 6 && rule == "propose") || p.Status != wantStatus {
						t.Errorf("after %d failures: product %s, proposed %v", n, p.Status, proposed)
					}
				}
				if len(w.seller.seen("releaseInstance")) != 0 {
					t.Error("a release was sent although no instance is known")
				}
				w.sound()
			})
		})
	}
}

// E12, second half: a restart at 12:30 that is answered well completes the order.
func TestARestartDuringTheWindowCompletesTheOrder(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(code("000104"))
		o := w.buy("v1 month", 1)
		w.move(2*time.Hour + 30*time.Minute)
		if got := len(w.attempts(o.ID, "newInstance")); got != 3 {
			t.Fatalf("%d tries by 12:30", got)
		}
		// A restart that fails leaves the schedule as it was.
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+w.last(o.ID, "newInstance").ID+"/restart", "", nil, nil))
		w.settle()
		if a := w.last(o.ID, "newInstance"); a.Number != 4 || a.Occasion != "restart" || a.State != "retrying" {
			t.Fatalf("%+v", a)
		}
		w.seller.behave(nil)
		w.must(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+w.last(o.ID, "newInstance").ID+"/restart", "", nil, nil))
		w.settle()
		if o = w.order(o.ID); o.Status != "COMPLETED" || o.Lines[0].Status != "DELIVERED" {
			t.Fatalf("order %s, line %s", o.Status, o.Lines[0].Status)
		}
		w.move(5 * time.Hour)
		if got := len(w.attempts(o.ID, "newInstance")); got != 5 {
			t.Errorf("%d calls: some came after the success", got)
		}
		w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+w.last(o.ID, "newInstance").ID+"/restart", "", nil, nil), 409, "call_done")
	})
}

// Nothing may be sent for an order that was refunded. spec: 10 §8.4, proof
func TestARefundedOrderIsNeverCreatedAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(code("000104"))
		o := w.buy("v1 month", 1)
		w.move(4 * time.Hour)
		w.seller.behave(nil)
		id := w.last(o.ID, "newInstance").ID
		w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+id+"/restart", "", nil, nil), 409, "order_refunded")
		w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/attempts/"+id+"/replay", "", nil, nil), 409, "order_refunded")
		w.settle()
		if got := len(w.seller.seen("newInstance")); got != 4 {
			t.Errorf("%d calls", got)
		}
	})
}

// An instanceId of another order is refused. spec: 10 §2.4
func TestAnInstanceIDOfAnotherOrderIsRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(only("newInstance", func(call) reply { return reply{body: `{"resultCode":"000000","instanceId":"the-same"}`} }))
		first, second := w.buy("v1 month", 1), demo.Order{}
		w.settle()
		second = w.buy("v1 month", 1)
		w.settle()
		if w.order(first.ID).Status != "COMPLETED" {
			t.Fatal("the first order was not delivered")
		}
		if a := w.last(second.ID, "newInstance"); a.Reason != "instance-id-used" || w.order(second.ID).Status != "PROCESSING" {
			t.Errorf("%+v", a)
		}
	})
}

// Live details repeat newInstance with a new businessId; another instanceId never
// replaces the first. spec: 10 §12.8, §2.5
func TestLiveDetailsKeepTheFirstInstanceID(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v1 month", 1)
		w.settle()
		id := w.order(o.ID).Lines[0].InstanceID
		w.seller.behave(only("newInstance", func(call) reply {
			return reply{body: `{"resultCode":"000000","instanceId":"another","appInfo":{"frontEndUrl":"https://moved.example/"}}`}
		}))
		var i demo.Instance
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+id+"/details", "", nil, &i))
		if i.Entry == nil || i.Entry.FrontEndURL != "https://moved.example/" || i.SellerInstanceID != "inst-"+o.ID {
			t.Errorf("%+v %+v", i, i.Entry)
		}
		if now := w.instance(id); now.SellerInstanceID != "inst-"+o.ID || now.Entry.FrontEndURL != "https://moved.example/" {
			t.Errorf("stored: %+v", now)
		}
		calls := w.seller.seen("newInstance")
		if len(calls) != 2 || calls[0].get("businessId") == calls[1].get("businessId") || calls[0].get("orderId") != calls[1].get("orderId") {
			t.Errorf("the calls: %v", calls)
		}
		// A failure shows a message and changes nothing.
		w.seller.behave(code("000005"))
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+id+"/details", "", nil, nil), 503, "seller_answer")
		w.settle()
		if w.order(o.ID).Status != "COMPLETED" || w.instance(id).Status != "ACTIVE" || len(w.seller.seen("newInstance")) != 3 {
			t.Error("a failed look changed something or was repeated")
		}
	})
}

// Leading U+3000 and control characters are gone before signing, the name itself
// stays as it is. spec: 02 §1.19
func TestNamesAreCleanedBeforeSigning(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.must(w.p.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE company SET name = $1 WHERE id = $2`, "\u3000 青\x07山 制造\t", w.f.Account("buyer").CompanyID)
			return err
		}))
		w.buy("v1 month", 1)
		w.settle()
		if got := w.seller.seen("newInstance")[0].get("customerName"); got != "青山 制造" || len(w.seller.invalid) > 0 {
			t.Errorf("customerName %q, %v", got, w.seller.invalid)
		}
	})
}

// An address with a query of its own: ours is appended, all of it is signed.
// spec: 10 §1.1
func TestAnAddressWithItsOwnQuery(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.f.Seller("v1").ID
		w.must(w.as("yunfan").Do(t.Context(), "PUT", api+"/sellers/"+id+"/production-address", "", map[string]string{"address": w.seller.url + "/v1?tenant=" + url.QueryEscape("a b&c")}, nil))
		w.buy("v1 month", 1)
		w.settle()
		c := w.seller.seen("newInstance")[0]
		if c.get("tenant") != "a b&c" || len(w.seller.invalid) > 0 {
			t.Errorf("%v %v", c.query, w.seller.invalid)
		}
	})
}

package deliverytest

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
)

// Wrong orders are refused by name of the field, and nothing is written.
func TestWrongOrdersNameTheField(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		offer, once := w.offers["v1 month"], w.offers["v1 one_time"]
		for name, c := range map[string]struct {
			body   string
			status int
			code   string
			field  string
		}{
			"empty body":        {``, 400, "invalid", "product_id"},
			"not JSON":          {`{"product_id":`, 400, "invalid_json", ""},
			"a list":            {`[]`, 400, "invalid_json", ""},
			"invalid UTF-8":     {"{\"product_id\":\"\xff\"}", 400, "invalid_json", ""},
			"twice":             {`{"product_id":"a","product_id":"b"}`, 400, "invalid", "product_id"},
			"no agreement":      {`{"product_id":"` + offer + `"}`, 400, "invalid", "accept_agreement"},
			"agreement refused": {`{"product_id":"` + offer + `","accept_agreement":false}`, 400, "invalid", "accept_agreement"},
			"agreement as text": {`{"product_id":"` + offer + `","accept_agreement":"true"}`, 400, "invalid", "accept_agreement"},
			"zero":              {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":0}`, 400, "invalid", "quantity"},
			"negative":          {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":-3}`, 400, "invalid", "quantity"},
			"huge":              {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":99999999999999999999}`, 400, "invalid", "quantity"},
			"eight digits":      {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":10000000}`, 400, "invalid", "quantity"},
			"fraction":          {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":1.5}`, 400, "invalid", "quantity"},
			"fraction of zero":  {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":1.0}`, 400, "invalid", "quantity"},
			"exponent":          {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":1e1}`, 400, "invalid", "quantity"},
			"text":              {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":"3"}`, 400, "invalid", "quantity"},
			"beyond the SKU":    {`{"product_id":"` + offer + `","accept_agreement":true,"quantity":5001}`, 422, "quantity_out_of_range", "quantity"},
			"sold singly":       {`{"product_id":"` + once + `","accept_agreement":true,"quantity":2}`, 422, "sold_singly", "quantity"},
			"one-time, 2 terms": {`{"product_id":"` + once + `","accept_agreement":true,"period_number":2}`, 422, "one_time_has_no_periods", "period_number"},
			"no term":           {`{"product_id":"` + offer + `","accept_agreement":true,"period_number":0}`, 400, "invalid", "period_number"},
			"hundred terms":     {`{"product_id":"` + offer + `","accept_agreement":true,"period_number":100}`, 400, "invalid", "period_number"},
			"unknown product":   {`{"product_id":"OFFI000000000000000000","accept_agreement":true}`, 404, "not_found", ""},
			"stale price":       {`{"product_id":"` + offer + `","accept_agreement":true,"expected_amount":"11.00"}`, 409, "price_changed", "expected_amount"},
			"price as number":   {`{"product_id":"` + offer + `","accept_agreement":true,"expected_amount":12}`, 400, "invalid", "expected_amount"},
			"nonsense as price": {`{"product_id":"` + offer + `","accept_agreement":true,"expected_amount":"12,00"}`, 400, "invalid", "expected_amount"},
			"NUL in a text":     {`{"product_id":"a\u0000b","accept_agreement":true}`, 400, "invalid", "product_id"},
		} {
			err := w.raw("buyer", "POST", api+"/orders", "", c.body)
			var p *demo.Problem
			if !errors.As(err, &p) || p.Status != c.status || p.Code != c.code || c.field != "" && p.Fields[c.field] == "" {
				t.Errorf("%s: %v, want %d %s in %q", name, err, c.status, c.code, c.field)
			}
		}
		if orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders"); err != nil || len(orders) != 0 {
			t.Errorf("%d orders were written, %v", len(orders), err)
		}
	})
}

// raw sends a body as it is.
func (w *world) raw(who, method, path, key, body string) error {
	return w.as(who).Raw(w.t.Context(), method, path, key, []byte(body), nil)
}

// Paying: not twice, not another's, not what the balance does not hold, not after
// the deadline, not what was canceled.
func TestPaying(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.place("v1 month", 1)
		w.refused(w.as("buyer2").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 404, "not_found")
		w.refused(w.as("viewer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 403, "forbidden")
		w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 403, "forbidden")
		w.refused(demo.Client{Base: w.f.BaseURL}.Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 401, "unauthenticated")
		w.refused(demo.Client{Base: w.f.BaseURL, Token: "soukpat_nobody"}.Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 401, "unauthenticated")

		dear := w.place("v1 year", 5000) // 600,000.00 of a balance of 200,000.00
		before := w.available()
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+dear.ID+"/pay", "", nil, nil), 422, "insufficient_balance")
		if w.available() != before || w.held() != "0.00" || w.order(dear.ID).Status != "PENDING_PAYMENT" || len(w.seller.seen("newInstance")) != 0 {
			t.Error("a refused payment left something behind")
		}

		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil))
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil), 409, "order_already_paid")
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/cancel", "", nil, nil), 409, "order_not_pending")

		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+dear.ID+"/cancel", "", nil, nil))
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+dear.ID+"/pay", "", nil, nil), 409, "order_canceled")

		late := w.place("v1 month", 1)
		w.move(7*24*time.Hour - time.Second)
		if w.order(late.ID).Status != "PENDING_PAYMENT" {
			t.Error("canceled before its deadline")
		}
		w.move(time.Second) // half-open: refused from the instant itself
		if o := w.order(late.ID); o.Status != "CANCELED" {
			t.Errorf("after its deadline the order is %s", o.Status)
		}
		w.sound()
	})
}

// Many at once: one order is paid once, and a balance is never overdrawn.
func TestPayingAtTheSameTime(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.close() // deliveries wait: all money stays held
		o := w.place("v1 month", 1)
		if n := w.together(8, func(int) error {
			return w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil)
		}); n != 1 {
			t.Errorf("one order was paid %d times", n)
		}
		// 200,000.00 − 12.00 holds six orders of 30,000.00 (250 a year), not seven.
		var ids []string
		for range 8 {
			ids = append(ids, w.place("v1 year", 250).ID)
		}
		if n := w.together(8, func(i int) error {
			return w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+ids[i]+"/pay", "", nil, nil)
		}); n != 6 {
			t.Errorf("%d orders were paid", n)
		}
		if w.available() != "19988.00" || w.held() != "180012.00" {
			t.Errorf("available %s, held %s", w.available(), w.held())
		}
		w.seller.open()
		w.settle()
		w.sound()
	})
}

// together runs f n times at once and counts the successes.
func (w *world) together(n int, f func(i int) error) int {
	var wg sync.WaitGroup
	var mu sync.Mutex
	good := 0
	for i := range n {
		wg.Add(1)
		go func() {
			defer wg.Done()
			err := f(i)
			mu.Lock()
			defer mu.Unlock()
			var p *demo.Problem
			switch {
			case err == nil:
				good++
			case errors.As(err, &p) && p.Status < 500:
			default:
				w.t.Error(err)
			}
		}()
	}
	wg.Wait()
	return good
}

// The same key: the same answer, byte for byte, also for a second that comes while
// the first is under way; with another body or path a conflict; another caller's key
// is another key. spec: 01 §8.5
func TestIdempotencyKeys(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		body := `{"product_id":"` + w.offers["v1 month"] + `","accept_agreement":true}`
		var mu sync.Mutex
		answers := map[string]int{}
		w.together(8, func(int) error {
			var raw []byte
			err := w.as("buyer").Raw(t.Context(), "POST", api+"/orders", "key-1", []byte(body), &raw)
			mu.Lock()
			answers[string(raw)]++
			mu.Unlock()
			return err
		})
		if len(answers) != 1 {
			t.Errorf("%d different answers", len(answers))
		}
		w.refused(w.raw("buyer", "POST", api+"/orders", "key-1", strings.Replace(body, "true", "true ", 1)), 409, "idempotency_conflict")
		w.must(w.raw("buyer2", "POST", api+"/orders", "key-1", body))
		w.refused(w.raw("buyer", "POST", api+"/orders", strings.Repeat("k", 256), body), 400, "invalid")
		// A refusal is not stored: once there is money, the same key succeeds.
		dear := w.place("v1 year", 2000)
		w.refused(w.raw("buyer", "POST", api+"/orders/"+dear.ID+"/pay", "pay-1", ""), 422, "insufficient_balance")
		w.must(w.raw("finance", "POST", api+"/companies/"+w.f.Account("buyer").CompanyID+"/top-up", "t-1", `{"amount":"100000.00"}`))
		w.must(w.raw("finance", "POST", api+"/companies/"+w.f.Account("buyer").CompanyID+"/top-up", "t-1", `{"amount":"100000.00"}`))
		if w.available() != "300000.00" {
			t.Errorf("available %s after one top-up sent twice", w.available())
		}
		w.must(w.raw("buyer", "POST", api+"/orders/"+dear.ID+"/pay", "pay-1", ""))
		orders, err := demo.All[demo.Order](t.Context(), w.as("buyer"), api+"/orders")
		w.must(err)
		if len(orders) != 2 {
			t.Errorf("%d orders", len(orders))
		}
	})
}

// Foreign and unknown ids answer byte for byte alike, but for the request id.
func TestForeignIDsLookUnknown(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		o := w.buy("v1 month", 1)
		w.settle()
		instance, attempt := w.order(o.ID).Lines[0].InstanceID, w.last(o.ID, "newInstance").ID
		same := func(who, method, path, id, unknown string) {
			t.Helper()
			foreign, none := w.answer(who, method, strings.Replace(path, "ID", id, 1)), w.answer(who, method, strings.Replace(path, "ID", unknown, 1))
			if foreign != none || !strings.HasPrefix(none, "404 ") {
				t.Errorf("%s %s as %s:\n%s\n%s", method, path, who, foreign, none)
			}
		}
		same("buyer2", "GET", api+"/orders/ID", o.ID, "CS2611241000AAAAA")
		same("buyer2", "POST", api+"/orders/ID/pay", o.ID, "CS2611241000AAAAA")
		same("buyer2", "POST", api+"/orders/ID/cancel", o.ID, "CS2611241000AAAAA")
		same("buyer2", "POST", api+"/orders/ID/refund", o.ID, "CS2611241000AAAAA")
		same("beichen", "GET", api+"/orders/ID", o.ID, "CS2611241000AAAAA")
		same("buyer2", "GET", api+"/instances/ID", instance, "0190a000-0000-7000-8000-000000000000")
		same("buyer2", "POST", api+"/instances/ID/renew", instance, "0190a000-0000-7000-8000-000000000000")
		same("buyer2", "POST", api+"/instances/ID/details", instance, "0190a000-0000-7000-8000-000000000000")
		same("beichen", "GET", api+"/attempts/ID", attempt, "0190a000-0000-7000-8000-000000000000")
		same("beichen", "POST", api+"/attempts/ID/restart", attempt, "0190a000-0000-7000-8000-000000000000")
		same("beichen", "PUT", api+"/sellers/ID/keys/base", w.f.Seller("v1").ID, "00000000000000000000000000000000")
	})
}

// answer is status and body of a call, without its request id.
func (w *world) answer(who, method, path string) string {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.f.BaseURL+path, strings.NewReader("{}"))
	w.must(err)
	r.Header.Set("Authorization", "Bearer "+w.as(who).Token)
	a, err := http.DefaultClient.Do(r)
	w.must(err)
	defer a.Body.Close()
	var b strings.Builder
	fmt.Fprintf(&b, "%d ", a.StatusCode)
	buf := make([]byte, 1<<16)
	n, _ := a.Body.Read(buf)
	b.WriteString(strings.Replace(string(buf[:n]), a.Header.Get("X-Request-Id"), "", 1))
	return b.String()
}

// Addresses that must not be taken, or must not be reached. spec: 02 §2.4, 01 §2.10
func TestAddresses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		path := api + "/sellers/" + w.f.Seller("v1").ID + "/production-address"
		for _, bad := range []string{"", "www.example.com", "ftp://a.example/", "https://", "https://user:pass@a.example/", "https://a.example/#x", "https://a.example/?signature=1", "https://a.example/?x=1&authToken=2", "https://a.example/" + strings.Repeat("x", 600)} {
			w.refused(w.as("yunfan").Do(t.Context(), "PUT", path, "", map[string]string{"address": bad}, nil), 400, "invalid")
		}
		w.refused(w.as("yunfan").Do(t.Context(), "PUT", path, "", map[string]string{"address": "https://a.example/", "class": "other"}, nil), 400, "invalid")
		// The sandbox reaches this machine, but nobody's private network.
		w.must(w.as("yunfan").Do(t.Context(), "PUT", path, "", map[string]string{"address": "http://169.254.169.254/latest/meta-data"}, nil))
		o := w.buy("v1 month", 1)
		w.settle()
		var a struct{ Reason, Detail, State string }
		w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/attempts/"+w.last(o.ID, "newInstance").ID, "", nil, &a))
		if !strings.Contains(a.Detail, "blocked") || a.State != "retrying" {
			t.Errorf("%+v", a)
		}
		w.move(4 * time.Hour)
		if o = w.order(o.ID); o.Lines[0].Status != "REFUNDED" || o.PossiblyOrphaned {
			t.Errorf("line %s, orphaned %v", o.Lines[0].Status, o.PossiblyOrphaned)
		}
	})
}

// Refund before the service opened: the buyer's right; then nothing is sent.
func TestTheBuyerTakesTheMoneyBackBeforeTheServiceOpens(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		w.seller.behave(code("000005"))
		o := w.buy("v1 month", 3)
		w.settle()
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/refund", "", nil, &o))
		if o.Status != "COMPLETED" || o.Lines[0].Status != "REFUNDED" || w.available() != before {
			t.Fatalf("order %s, line %s, available %s", o.Status, o.Lines[0].Status, w.available())
		}
		w.refused(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/refund", "", nil, nil), 422, "not_refundable")
		w.move(4 * time.Hour)
		if n := len(w.seller.seen("newInstance")); n != 1 {
			t.Errorf("%d calls", n)
		}
		w.sound()
	})
}

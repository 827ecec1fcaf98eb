package markettest

import (
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	v1Product, v1SKU = "云帆协同办公", "协同办公 标准版" // by month 12.00, by year 120.00, 1 to 5000 users
	onceProduct      = "云帆电子签章"
)

func each(t *testing.T, f func(t *testing.T, m *Market)) {
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) { f(t, Start(t, engine)) })
	}
}

// Every wrong order is refused with a reason that names the member, and leaves nothing behind.
func TestWrongOrdersAreRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		month, once, single := m.Offer(v1Product, v1SKU, "month"), m.Offer(onceProduct, "一次性部署包", "one_time"), m.Offer(onceProduct, "企业签章", "month")
		full := func(members string) string {
			return fmt.Sprintf(`{"product_id":%q,"accept_agreement":true%s}`, month, members)
		}
		cases := []struct {
			name, body string
			status     int
			code       string // "" for any
			field      string // "" for none
		}{
			{"negative", full(`,"quantity":-1`), 400, "", "quantity"},
			{"zero", full(`,"quantity":0`), 400, "", "quantity"},
			{"huge", full(`,"quantity":10000000`), 400, "", "quantity"},
			{"beyond int64", full(`,"quantity":99999999999999999999`), 400, "", "quantity"},
			{"fraction", full(`,"quantity":1.5`), 400, "", "quantity"},
			{"exponent", full(`,"quantity":1e2`), 400, "", "quantity"},
			{"text", full(`,"quantity":"3"`), 400, "", "quantity"},
			{"minus zero", full(`,"quantity":-0`), 400, "", "quantity"},
			{"no period", full(`,"period_number":0`), 400, "", "period_number"},
			{"a hundred periods", full(`,"period_number":100`), 400, "", "period_number"},
			{"more than is sold", full(`,"quantity":5001`), 422, "quantity_out_of_range", "quantity"},
			{"two of what is sold singly", fmt.Sprintf(`{"product_id":%q,"accept_agreement":true,"quantity":2}`, single), 422, "sold_singly", "quantity"},
			{"periods of what has none", fmt.Sprintf(`{"product_id":%q,"accept_agreement":true,"period_number":2}`, once), 422, "one_time_has_no_periods", "period_number"},
			{"a stale price", full(`,"quantity":2,"expected_amount":"20.00"`), 409, "price_changed", "expected_amount"},
			{"a price that is none", full(`,"expected_amount":"1,00"`), 400, "", "expected_amount"},
			{"no agreement", fmt.Sprintf(`{"product_id":%q}`, month), 400, "", "accept_agreement"},
			{"agreement as text", fmt.Sprintf(`{"product_id":%q,"accept_agreement":"true"}`, month), 400, "", "accept_agreement"},
			{"no product", `{"accept_agreement":true}`, 400, "", "product_id"},
			{"an unknown product", `{"product_id":"OFFI000000000000000000","accept_agreement":true}`, 404, "not_found", ""},
			{"a member twice", full(`,"quantity":1,"quantity":2`), 400, "", "quantity"},
			{"a list", `[]`, 400, "invalid_json", ""},
			{"half a body", `{"product_id":`, 400, "invalid_json", ""},
			{"two bodies", full("") + "{}", 400, "invalid_json", ""},
			{"not UTF-8", full(",\"x\":\"\xff\""), 400, "invalid_json", ""},
			{"a zero byte", "{\"product_id\":\"a\\u0000\",\"accept_agreement\":true}", 400, "", "product_id"},
			{"a megabyte", full(`,"x":"` + strings.Repeat("a", 1<<20) + `"`), 400, "too_large", ""},
		}
		before := m.Accounts()
		for _, c := range cases {
			r := m.Call("buyer", "POST", "/api/souk/v1/orders", c.body)
			if r.Status != c.status || c.code != "" && r.String("error.code") != c.code || c.field != "" && r.String("error.fields."+c.field) == "" || r.String("error.message") == "" {
				t.Errorf("%s: %d %s", c.name, r.Status, r.Text)
			}
		}
		if after := m.Accounts(); !maps.Equal(before, after) {
			t.Errorf("the ledger moved: %v, %v", before, after)
		}
		if r := m.Do("buyer", "GET", "/api/souk/v1/orders", ""); len(r.Body["items"].([]any)) != 0 {
			t.Errorf("orders were left: %s", r.Text)
		}
	})
}

// The same key with the same body is the same order, also when eight requests arrive at once; with another body
// it is refused.
// What is sold in steps is ordered in steps, counted from the smallest quantity. // spec: 20 B3.2
func TestASteppedQuantityIsOrderedInSteps(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		offer := m.Offer("星河漏洞扫描", "漏洞扫描 标准版", "month") // 5 to 500 in steps of 5
		for quantity, want := range map[int]int{4: 422, 5: 201, 7: 422, 10: 201, 500: 201, 505: 422} {
			r := m.Call("buyer", "POST", "/api/souk/v1/orders", fmt.Sprintf(`{"product_id":%q,"quantity":%d,"accept_agreement":true}`, offer, quantity))
			if r.Status != want {
				t.Errorf("%d pieces: %d %v, want %d", quantity, r.Status, r.Body, want)
			}
			if want == 422 && r.String("error.code") != "quantity_out_of_range" {
				t.Errorf("%d pieces: %v", quantity, r.Body)
			}
			if want == 201 && r.String("amount_deal") != fmt.Sprintf("%d.00", 18*quantity) {
				t.Errorf("%d pieces cost %s", quantity, r.String("amount_deal"))
			}
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		body := fmt.Sprintf(`{"product_id":%q,"accept_agreement":true}`, m.Offer(v1Product, v1SKU, "month"))
		replies := atOnce(8, func(int) Reply { return m.CallKey("buyer", "POST", "/api/souk/v1/orders", body, "key-1") })
		for _, r := range replies {
			if r.Status != 201 || r.Text != replies[0].Text {
				t.Errorf("%d %s\nfirst: %s", r.Status, r.Text, replies[0].Text)
			}
		}
		if r := m.CallKey("buyer", "POST", "/api/souk/v1/orders", strings.Replace(body, "true", "true ", 1), "key-1"); r.Status != 409 || r.String("error.code") != "idempotency_conflict" {
			t.Errorf("another body: %d %s", r.Status, r.Text)
		}
		if r := m.CallKey("buyer2", "POST", "/api/souk/v1/orders", body, "key-1"); r.Status != 201 || r.String("id") == replies[0].String("id") {
			t.Errorf("another caller's key: %d %s", r.Status, r.Text)
		}
		if r := m.CallKey("buyer", "POST", "/api/souk/v1/orders", body, strings.Repeat("k", 256)); r.Status != 400 {
			t.Errorf("a key that is too long: %d", r.Status)
		}
		if n := len(m.Do("buyer", "GET", "/api/souk/v1/orders", "").Body["items"].([]any)); n != 1 {
			t.Errorf("%d orders", n)
		}
	})
}

func atOnce(n int, f func(i int) Reply) []Reply {
	replies := make([]Reply, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { replies[i] = f(i) })
	}
	wg.Wait()
	return replies
}

// One of many payments at once takes the money; a payment and a cancellation never both succeed.
func TestAnOrderIsPaidOnce(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		before := m.Accounts()
		id := m.Place(m.Offer(v1Product, v1SKU, "year"), 10)
		paid := 0
		for _, r := range atOnce(8, func(int) Reply { return m.Call("buyer", "POST", "/api/souk/v1/orders/"+id+"/pay", "") }) {
			switch {
			case r.Status == 200:
				paid++
			case r.Status != 409 || r.String("error.code") != "order_already_paid":
				t.Errorf("%d %s", r.Status, r.Text)
			}
		}
		buyer := m.Account("buyer").CompanyID
		after := m.Accounts()
		if moved := before["buyer:"+buyer+":available CNY"] - after["buyer:"+buyer+":available CNY"]; paid != 1 || moved != 120000 {
			t.Errorf("paid %d times, %s taken", paid, moved)
		}
		if held := after["buyer:"+buyer+":held CNY"]; held != 120000 {
			t.Errorf("held %s, want 1200.00 until the service is active", held)
		}

		id = m.Place(m.Offer(v1Product, v1SKU, "month"), 1)
		done := 0
		for _, r := range atOnce(2, func(i int) Reply {
			return m.Call("buyer", "POST", "/api/souk/v1/orders/"+id+"/"+[]string{"pay", "cancel"}[i], "")
		}) {
			if r.Status == 200 {
				done++
			} else if r.Status != 409 {
				t.Errorf("%d %s", r.Status, r.Text)
			}
		}
		if done != 1 {
			t.Errorf("payment and cancellation: %d succeeded", done)
		}
		m.Accounts()
	})
}

func TestABalanceIsNeverOverdrawn(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		dear := m.Place(m.Offer(v1Product, "协同办公 专业版", "year"), 5000)
		before := m.Accounts()
		r := m.Call("buyer", "POST", "/api/souk/v1/orders/"+dear+"/pay", "")
		if r.Status != 422 || r.String("error.code") != "insufficient_balance" {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		if after := m.Accounts(); !maps.Equal(before, after) {
			t.Errorf("the ledger moved")
		}
		if o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+dear, ""); o.String("status") != "PENDING_PAYMENT" {
			t.Errorf("the order is %s", o.String("status"))
		}
		// Three orders of 800 users for a year cost 96,000.00 each; the balance of 200,000.00 covers two.
		var ids []string
		for range 3 {
			ids = append(ids, m.Place(m.Offer(v1Product, v1SKU, "year"), 800))
		}
		paid := 0
		for _, r := range atOnce(3, func(i int) Reply { return m.Call("buyer", "POST", "/api/souk/v1/orders/"+ids[i]+"/pay", "") }) {
			if r.Status == 200 {
				paid++
			}
		}
		if paid != 2 {
			t.Errorf("%d of three orders were paid, the money covers two", paid)
		}
		for name, amount := range m.Accounts() {
			if strings.HasPrefix(name, "buyer:") && amount < 0 {
				t.Errorf("%s is %s", name, amount)
			}
		}
	})
}

// An unpaid order is canceled at its deadline, and the deadline itself is too late.
func TestThePaymentDeadline(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		id := m.Place(m.Offer(v1Product, v1SKU, "month"), 1)
		m.Advance(7*24*time.Hour - time.Minute)
		if o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+id, ""); o.String("status") != "PENDING_PAYMENT" {
			t.Errorf("a minute before: %s", o.Text)
		}
		m.Advance(time.Minute)
		o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+id, "")
		if o.String("status") != "CANCELED" || o.String("lines.0.status") != "CANCELED" {
			t.Errorf("after the deadline: %s", o.Text)
		}
		if r := m.Call("buyer", "POST", "/api/souk/v1/orders/"+id+"/pay", ""); r.Status != 409 {
			t.Errorf("paying a canceled order: %d %s", r.Status, r.Text)
		}
	})
}

// A seller that never answers: four calls at 0, 1, 2 and 3 hours, then the money goes back in full.
func TestAnUnreachableSellerIsGivenUpAfterThreeHours(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		before := m.Accounts()
		id := m.Place(m.Offer(v1Product, v1SKU, "month"), 2)
		m.Do("buyer", "POST", "/api/souk/v1/orders/"+id+"/pay", "")
		m.Advance(2*time.Hour + 59*time.Minute)
		if o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+id, ""); o.String("status") != "PROCESSING" {
			t.Errorf("inside the window: %s", o.Text)
		}
		m.Advance(2 * time.Minute)
		o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+id, "")
		if o.String("status") != "COMPLETED" || o.String("lines.0.status") != "REFUNDED" || o.String("reason") == "" {
			t.Errorf("after the window: %s", o.Text)
		}
		if i := m.Do("buyer", "GET", "/api/souk/v1/instances/"+o.String("lines.0.instance_id"), ""); i.String("status") != "FAILED" {
			t.Errorf("instance: %s", i.Text)
		}
		after := m.Accounts()
		for name, amount := range after {
			if before[name] != amount {
				t.Errorf("%s was %s and is %s", name, before[name], amount)
			}
		}
		var at []string
		r := m.Do("yunfan", "GET", "/api/souk/v1/attempts?activity=newInstance&sort=started_at&order="+id, "")
		paid, _ := time.Parse(time.RFC3339Nano, o.String("paid_at"))
		for _, item := range r.Body["items"].([]any) {
			business, _ := time.Parse(time.RFC3339Nano, item.(map[string]any)["business_at"].(string))
			at = append(at, business.Sub(paid).Round(time.Minute).String())
		}
		if got := strings.Join(at, " "); got != "0s 1h0m0s 2h0m0s 3h0m0s" {
			t.Errorf("calls at %s", got)
		}
		// The seller and the buyer were told, and a refunded order is never created again.
		if n := m.Do("yunfan", "GET", "/api/souk/v1/notices", ""); !strings.Contains(n.Text, id) {
			t.Errorf("the seller was not told: %s", n.Text)
		}
		last := r.String("items.0.id")
		for _, action := range []string{"restart", "replay"} {
			if r := m.Call("yunfan", "POST", "/api/souk/v1/attempts/"+last+"/"+action, ""); r.Status < 400 || r.String("error.message") == "" {
				t.Errorf("%s of a refunded create: %d %s", action, r.Status, r.Text)
			}
		}
	})
}

// One long step of the clock and many short ones leave the same states, calls and ledger. spec: 01 §1.2
func TestOneLongStepEqualsManyShortOnes(t *testing.T) {
	story := func(t *testing.T, steps int) string {
		m := Start(t, "sqlite")
		refunded := m.Place(m.Offer(v1Product, v1SKU, "month"), 2)
		m.Do("buyer", "POST", "/api/souk/v1/orders/"+refunded+"/pay", "")
		unpaid := m.Place(m.Offer(v1Product, v1SKU, "year"), 1)
		v2 := m.Place(m.Offer("北辰经营看板", "经营看板 团队版", "month"), 1)
		m.Do("buyer", "POST", "/api/souk/v1/orders/"+v2+"/pay", "")
		const total = 8 * 24 * time.Hour
		for range steps {
			m.Advance(total / time.Duration(steps))
		}
		var b strings.Builder
		for _, id := range []string{refunded, unpaid, v2} {
			o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+id, "")
			fmt.Fprintln(&b, o.String("status"), o.String("lines.0.status"), o.String("amount_paid"))
			start, _ := time.Parse(time.RFC3339Nano, o.String("created_at"))
			for _, item := range m.Do("operator", "GET", "/api/souk/v1/attempts?limit=200&sort=started_at&order="+id, "").Body["items"].([]any) {
				a := item.(map[string]any)
				at, _ := time.Parse(time.RFC3339Nano, a["business_at"].(string))
				fmt.Fprintln(&b, " ", a["activity"], a["number"], a["state"], at.Sub(start).Round(time.Minute))
			}
		}
		buyer := m.Account("buyer").CompanyID
		for _, account := range []string{"available", "held"} {
			fmt.Fprintln(&b, account, m.Accounts()["buyer:"+buyer+":"+account+" CNY"])
		}
		return b.String()
	}
	long := story(t, 1)
	short := story(t, 64)
	if long != short {
		t.Errorf("one step:\n%s\n64 steps:\n%s", long, short)
	}
	if !strings.Contains(long, "REFUNDED") || !strings.Contains(long, "CANCELED") {
		t.Errorf("the story did not reach its ends:\n%s", long)
	}
}

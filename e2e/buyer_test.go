package e2e

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestCheckoutTellsPriceAndRefusesWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	r := w.open("buyer")
	at := "/checkout?offer=" + w.offer + "&quantity=5&period_number=2"
	_, page := r.get(at)
	wants(t, "checkout", page, "¥12.00", "× 5 人", "2 个月", "¥120.00", "¥200,000.00", "¥199,880.00")
	form := func(change ...string) url.Values {
		v := url.Values{"form": {"checkout"}, "offer": {w.offer}, "quantity": {"5"}, "period_number": {"2"}, "expected_amount": {"120.00"}, "accept_agreement": {"yes"}}
		for i := 0; i+1 < len(change); i += 2 {
			v.Set(change[i], change[i+1])
		}
		return v
	}
	for what, c := range map[string]struct {
		form   url.Values
		status int
		says   []string
	}{
		"no agreement":  {form("accept_agreement", ""), 400, []string{"请先阅读并同意服务协议", `value="5"`}},
		"quantity 0":    {form("quantity", "0"), 400, []string{"须为 1 到 5000 的整数", `value="0"`}},
		"quantity text": {form("quantity", "<many>"), 400, []string{"须为 1 到 5000 的整数", `value="&lt;many&gt;"`}},
		"quantity huge": {form("quantity", "99999999999999999999"), 400, []string{"须为 1 到 5000 的整数"}},
		"above range":   {form("quantity", "5001"), 422, []string{"须为 1 到 5000 的整数", "quantity-error"}},
		"stale price":   {form("expected_amount", "99.00"), 409, []string{"价格已变化", `name="expected_amount" value="120.00"`}},
		"unknown offer": {form("offer", "OFFI000"), 404, []string{"页面不存在"}},
	} {
		res, body := r.post("/checkout", page, c.form)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", what, res.StatusCode, c.status)
		}
		wants(t, what, body, c.says...)
	}
	if n := len(w.Do("buyer", "GET", api+"/orders", "").Body["items"].([]any)); n != 0 {
		t.Fatalf("%d orders were placed by refused forms", n)
	}
	// Sent twice, it is one order, paid once.
	var last string
	for range 2 {
		res, _ := r.post("/checkout", page, form("pay", "now"))
		to := res.Header.Get("Location")
		if res.StatusCode != 303 || !strings.HasPrefix(to, "/buyer/orders/CS") || last != "" && to != last {
			t.Fatalf("order: %d %q, before %q", res.StatusCode, to, last)
		}
		last = to
	}
	if n := len(w.Do("buyer", "GET", api+"/orders", "").Body["items"].([]any)); n != 1 {
		t.Errorf("a double submit made %d orders", n)
	}
	// The same form with other content is refused, not taken for the first.
	if res, body := r.post("/checkout", page, form("quantity", "6", "expected_amount", "144.00")); res.StatusCode != 409 || !strings.Contains(body, "该表单已提交过其他内容") {
		t.Errorf("the same key with another input: %d", res.StatusCode)
	}
	// What the balance does not cover is ordered and kept, and the page says what to do.
	_, page = r.get("/checkout?offer=" + w.offer + "&quantity=5000&period_number=12")
	res, _ := r.post("/checkout", page, url.Values{"offer": {w.offer}, "quantity": {"5000"}, "period_number": {"12"}, "expected_amount": {"720000.00"}, "accept_agreement": {"yes"}, "pay": {"now"}})
	_, body := r.get(res.Header.Get("Location"))
	wants(t, "an order too dear", body, "余额不足", "/buyer/balance", "付款截止")
}

func TestThePriceFollowsTheChoice(t *testing.T) {
	w := newWorld(t)
	r := w.open("")
	for query, want := range map[string]string{
		"":                            "¥12.00",
		"?quantity=7":                 "¥84.00",
		"?quantity=7&period_number=3": "¥252.00",
		"?quantity=0":                 "须为 1 到 5000 的整数",
		"?quantity=5001":              "须为 1 到 5000 的整数",
		"?period_number=100":          "须为 1 到 99 的整数",
		"?offer=unknown&quantity=2":   "¥24.00",
		"?quantity=%3Cscript%3E":      "须为 1 到 5000 的整数",
	} {
		_, page := r.get("/products/" + w.product + query)
		at := strings.Index(page, `id="total"`)
		wants(t, query, page[at:], want)
	}
}

func TestCredentialsAndKeysAreBehindAClick(t *testing.T) {
	w := newWorld(t).fill()
	r := w.open("buyer")
	at := "/buyer/services/" + w.ids["instance"]
	_, page := r.get(at)
	if strings.Contains(page, "entry-title") || strings.Contains(page, "用户名") {
		t.Error("the service page already holds the credentials")
	}
	res, page := r.press(at, at+"/entry", url.Values{})
	wants(t, "entry", page, "使用入口", "用户名", "密码", "本次查看已记录")
	if res.Header.Get("Cache-Control") != "no-store" {
		t.Error("the entry may be cached")
	}
	_, page = r.press(at, at+"/details", url.Values{})
	wants(t, "live details", page, "已向商家实时查询", "使用入口")
	// The seller sees the service, and never the buyer's credentials.
	if _, page = w.open("yunfan").get("/seller/services/" + w.ids["instance"]); strings.Contains(page, "/entry") {
		t.Error("the seller is offered the buyer's entry")
	}
	key := w.People.Seller("v1").Keys["base"]
	s := w.open("yunfan")
	if _, page = s.get("/seller/access"); strings.Contains(page, key) {
		t.Error("the page of keys holds a key")
	}
	if _, page = s.press("/seller/access", "/seller/access/keys/base/reveal", url.Values{}); !strings.Contains(page, key) {
		t.Error("the key is not shown when asked for")
	}
	_, page = s.press("/seller/access", "/seller/access/keys/kit", url.Values{"form": {"rotate-kit"}})
	wants(t, "rotated", page, "新密钥只显示这一次", "应答中接受至")
	if _, page = s.press("/seller/access", "/seller/access/keys/kit", url.Values{"form": {"rotate-kit"}, "key": {"with blank"}}); !strings.Contains(page, "不含空格") || !strings.Contains(page, `value="with blank"`) {
		t.Error("a bad key is not refused beside its field")
	}
}

// Money from outside: the buyer asks, one operator confirms the receipt; in a sandbox it is posted at once.
func TestTopUpIsAskedForAndPosted(t *testing.T) {
	w := newWorld(t)
	b, f := w.open("buyer"), w.open("finance")
	for amount, says := range map[string]string{"": "须为大于 0 的金额", "-5": "须为大于 0 的金额", "1.234": "须为大于 0 的金额", "<b>": `value="&lt;b&gt;"`} {
		res, page := b.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {amount}, "currency": {"CNY"}})
		if res.StatusCode != 400 || !strings.Contains(page, says) {
			t.Errorf("amount %q: %d", amount, res.StatusCode)
		}
	}
	_, page := b.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {"500.50"}, "currency": {"CNY"}})
	wants(t, "asked", page, "申请已提交", "待确认到账", "¥200,000.00")
	_, page = f.get("/operator/top-ups?status=ASKED")
	m := regexp.MustCompile(`action="(/operator/top-ups/[^"/]+)/take"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("finance is not offered the buyer's wish")
	}
	_, page = f.press("/operator/top-ups", m[1]+"/take", url.Values{})
	wants(t, "taken", page, "已确认到账", "已入账")
	if res, _ := f.post(m[1]+"/take", page, url.Values{}); res.StatusCode != 409 {
		t.Errorf("taken twice: %d", res.StatusCode)
	}
	_, page = b.get("/buyer/balance")
	wants(t, "posted", page, "¥200,500.50")
	if res, _ := b.get("/operator/top-ups"); res.StatusCode != 403 {
		t.Errorf("a buyer in the back office: %d", res.StatusCode)
	}
	_, page = f.get("/operator/ledger")
	wants(t, "ledger", page, "账本平衡", "bank")
}

// The page of an order is told when something changes: paid, called, ready.
func TestAnOrderTellsItsProgress(t *testing.T) {
	w := newWorld(t)
	b := w.open("buyer")
	w.faults(w.v1, "status=500@newInstance")
	order, call := w.buy(w.offer, 1, "retrying")
	_, page := b.get("/buyer/orders/" + order)
	live := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
	if live == nil {
		t.Fatal("an order under way is not live")
	}
	wants(t, "order under way", page, "商家系统开通", "下次调用商家系统", "由谁处理")
	w.faults(w.v1)
	w.Do("yunfan", "POST", api+"/attempts/"+call+"/restart", "")
	// What happened since the page was drawn is in it, whenever it began.
	res, body := b.get(html.UnescapeString(live[1]))
	if res.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(body, "event: changed") {
		t.Errorf("stream: %v %q", res.Header, body)
	}
	w.until("the order to be done", func() bool {
		_, page = b.get("/buyer/orders/" + order)
		return strings.Contains(page, "使用服务")
	})
	if strings.Contains(page, "data-live") {
		t.Error("a completed order still waits for changes")
	}
	if res, _ := w.open("buyer2").get(html.UnescapeString(live[1])); res.StatusCode != 404 {
		t.Errorf("another's stream: %d", res.StatusCode)
	}
}

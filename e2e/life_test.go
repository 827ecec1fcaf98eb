package e2e

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// service buys and gives the address of the service's page.
func (w *world) service(offer string, quantity int) string {
	w.t.Helper()
	order, _ := w.buy(offer, quantity, "success")
	w.until("the service to be open", func() bool { return w.Do("buyer", "GET", api+"/orders/"+order, "").String("status") == "COMPLETED" })
	return "/buyer/services/" + w.Do("buyer", "GET", api+"/orders/"+order, "").String("lines.0.instance_id")
}

func (r *reader) payHere(page string) string {
	r.w.t.Helper()
	m := regexp.MustCompile(`action="(/buyer/orders/[^"]+/pay)"`).FindStringSubmatch(page)
	if m == nil {
		r.w.t.Fatalf("the page offers no payment")
	}
	res, body := r.post(m[1], page, url.Values{})
	if res.StatusCode != 303 {
		r.w.t.Fatalf("paid: %d %s", res.StatusCode, body)
	}
	_, page = r.get(res.Header.Get("Location"))
	return page
}

// A buyer looks at what a change costs, line by line, orders and pays it; the service has the new size when the seller
// has agreed.
func TestAServiceIsChangedOnThePages(t *testing.T) {
	w := newWorld(t)
	at := w.service(w.offer, 2)
	b := w.open("buyer")
	_, page := b.get(at)
	wants(t, "service", page, `href="`+at+`/change"`, "生命周期", "到期策略", "退订")
	_, page = b.get(at + "/change")
	wants(t, "change", page, "专业版", "（当前）", "选择后点")

	res, _ := b.post(at+"/change", page, url.Values{"form": {"change"}, "quantity": {"5"}, "sku_code": {""}, "look": {"yes"}})
	_, page = b.get(res.Header.Get("Location"))
	wants(t, "looked", page, "¥60.00", "−¥24.00", "¥36.00", "¥0.40/天 × 5 × 30 天")
	sku := regexp.MustCompile(`name="sku_code" value="([^"]+)"[^>]*checked`).FindStringSubmatch(page)
	if sku == nil {
		t.Fatal("no specification is chosen")
	}
	for quantity, want := range map[string]string{"1": "使用中的服务只能变大", "2": "这就是当前的规格和数量", "x": "数量", "9999": "数量"} {
		res, again := b.post(at+"/change", page, url.Values{"form": {"change"}, "quantity": {quantity}, "sku_code": {sku[1]}})
		if res.StatusCode != 400 && res.StatusCode != 422 {
			t.Errorf("%s: %d", quantity, res.StatusCode)
		}
		wants(t, quantity, again, want)
	}
	res, _ = b.post(at+"/change", page, url.Values{"form": {"change"}, "quantity": {"5"}, "sku_code": {sku[1]}})
	if res.StatusCode != 303 {
		t.Fatalf("ordered: %d", res.StatusCode)
	}
	_, page = b.get(res.Header.Get("Location"))
	wants(t, "order", page, "费用明细", "¥36.00", "变更")
	b.payHere(page)
	w.until("the change to be in effect", func() bool {
		return w.Do("buyer", "GET", api+strings.Replace(at, "/buyer/services", "/instances", 1), "").Body["quantity"] == 5.0
	})
	_, page = b.get("/buyer/messages")
	wants(t, "messages", page, "变更已生效")
}

// A trial on the pages: taken, made paid by an order, the renewal after it given back, then the service itself.
func TestATrialAndARefundOnThePages(t *testing.T) {
	w := newWorld(t)
	b := w.open("buyer")
	_, page := b.get("/checkout?offer=" + w.offer + "&quantity=2&period_number=1")
	wants(t, "checkout", page, "免费试用 15 天")
	taken, _ := b.post("/checkout", page, url.Values{"offer": {w.offer}, "quantity": {"2"}, "period_number": {"1"}, "accept_agreement": {"on"}, "trial": {"yes"}})
	trial := strings.TrimPrefix(strings.Split(taken.Header.Get("Location"), "?")[0], "/buyer/orders/")
	w.until("the trial to be open", func() bool { return w.Do("buyer", "GET", api+"/orders/"+trial, "").String("status") == "COMPLETED" })
	at := "/buyer/services/" + w.Do("buyer", "GET", api+"/orders/"+trial, "").String("lines.0.instance_id")
	_, page = b.get(at)
	wants(t, "trial", page, `href="`+at+`/convert"`, "转为正式")
	if strings.Contains(page, "/unsubscribe") || strings.Contains(page, at+"/renew") {
		t.Error("a trial offers what it cannot")
	}
	_, page = b.get(at + "/convert")
	offer := regexp.MustCompile(`name="offer_id" value="([^"]+)"`).FindStringSubmatch(page)[1]
	res, _ := b.post(at+"/convert", page, url.Values{"form": {"convert"}, "offer_id": {offer}, "period_number": {"1"}})
	_, page = b.get(res.Header.Get("Location"))
	b.payHere(page)
	_, page = b.get(at)
	if strings.Contains(page, "/convert") {
		t.Error("it can be converted twice")
	}

	// Renewed, and the renewal given back.
	_, page = b.get(at + "/renew")
	res, _ = b.post(at+"/renew", page, url.Values{"form": {"renew"}, "offer_id": {offer}, "period_number": {"1"}})
	_, page = b.get(res.Header.Get("Location"))
	b.payHere(page)
	w.until("no call to be under way", func() bool {
		return w.Do("operator", "GET", api+"/attempts?activity=refreshInstance&state=success", "").String("items.1.id") != ""
	})
	_, page = b.press(at, at+"/cancel-renewal", url.Values{"form": {"cancel-renewal"}})
	wants(t, "cancelled", page, "款项已退回余额")

	// The service is given back: its name has to be typed.
	res, page = b.press(at, at+"/unsubscribe", url.Values{"form": {"unsubscribe"}, "confirm": {"不对"}, "reason": {"换用其他产品"}})
	if res.StatusCode != 400 || !strings.Contains(html.UnescapeString(page), "换用其他产品") {
		t.Errorf("without the name: %d", res.StatusCode)
	}
	_, page = b.press(at, at+"/unsubscribe", url.Values{"form": {"unsubscribe"}, "confirm": {"云帆协同办公"}, "reason": {"换用其他产品"}})
	wants(t, "given back", page, "款项已退回余额", "退订")
	_, page = b.get(at)
	wants(t, "released", page, "已释放")
}

// An operator freezes a service with a reason that both sides read, and lifts it; nobody else can.
func TestAViolationOnThePages(t *testing.T) {
	w := newWorld(t)
	at := strings.Replace(w.service(w.offer, 1), "/buyer", "/operator", 1)
	o := w.open("operator")
	res, page := o.press(at, at+"/freeze", url.Values{"form": {"freeze"}, "reason": {""}})
	if res.StatusCode != 400 {
		t.Errorf("without a reason: %d", res.StatusCode)
	}
	_, page = o.press(at, at+"/freeze", url.Values{"form": {"freeze"}, "reason": {"对外发送垃圾邮件"}})
	wants(t, "frozen", page, "已冻结", "解除冻结")
	for login, centre := range map[string]string{"buyer": "/buyer", "yunfan": "/seller"} {
		_, page := w.open(login).get(centre + "/messages")
		wants(t, login, page, "对外发送垃圾邮件")
	}
	_, page = w.open("buyer").get(strings.Replace(at, "/operator", "/buyer", 1))
	if strings.Contains(page, "/entry\"") || strings.Contains(page, "/renew\"") {
		t.Error("a frozen service can be entered or renewed")
	}
	_, page = o.press(at, at+"/unfreeze", url.Values{"form": {"unfreeze"}})
	wants(t, "lifted", page, "已解除")
}

// Expiry policy: on, with a number of periods, and refused beside its field when that is none.
func TestTheExpiryPolicyOnThePages(t *testing.T) {
	w := newWorld(t)
	at := w.service(w.offer, 1)
	b := w.open("buyer")
	res, _ := b.press(at, at+"/auto-renew", url.Values{"form": {"auto"}, "enabled": {"on"}, "period_number": {"100"}})
	if res.StatusCode != 400 {
		t.Errorf("a hundred periods: %d", res.StatusCode)
	}
	_, page := b.press(at, at+"/auto-renew", url.Values{"form": {"auto"}, "enabled": {"on"}, "period_number": {"3"}})
	wants(t, "on", page, "已保存")
	if i := w.Do("buyer", "GET", api+strings.Replace(at, "/buyer/services", "/instances", 1), ""); i.Body["auto_renew"] != true || i.Body["auto_renew_period_number"] != 3.0 {
		t.Errorf("%v", i.Body)
	}
}

package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A seller prices a specification in bands, with a mistake first; a buyer reads the bands, sees how the sum comes about
// before paying, and grows the service by the rule of such prices. // spec: 20 B3.3, 22 §3.5
func TestBrowserPricesInBands(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	h := w.open("yunfan")
	_, page := h.get("/seller/revisions")
	res, _ := h.post("/seller/products/"+w.product+"/revisions", page, url.Values{})
	draft := strings.TrimSuffix(res.Header.Get("Location"), "/access")

	s := w.as(ctx, sessions, bad, "yunfan")
	s.goTo(draft + "/business?lang=zh-CN")
	s.must("mode", s.set(`[name="specs[0].quantity.pricing"]`, "graduated"))
	s.click(`button[name="stay"]`)
	s.on(draft+"/business", "bands-missing", "再写“起始数量:单价”")
	monthly := `[name="specs[0].price[0].month"]`
	s.must("month", s.set(monthly, "12.00 11：10.00，9：9.00")) // the second band begins below the first
	s.click(`button[name="stay"]`)
	s.on(draft+"/business", "bands-mistake", "区间的起始数量应递增，在 1 至 5000 之间")
	for name, price := range map[string]string{"price[0].month": "12.00 11：10.00，51：9.00", "price[0].year": "120.00 11:100.00", "price[1].month": "29.90 11:25.00", "price[1].year": "299.00 11:250.00"} {
		s.must(name, s.set(`[name="specs[0].`+name+`"]`, price))
	}
	s.click(`button[name="stay"]`)
	saved := s.on(draft+"/business", "bands-saved", "12.00 11:10.00 51:9.00")
	if strings.Contains(saved, "应递增") {
		t.Error("bands that are right are refused")
	}
	s.small(draft+"/business?lang=en-US", "bands-wizard-phone", false)

	_, page = h.get(draft)
	version := regexp.MustCompile(`name="draft_version" value="(\d+)"`).FindStringSubmatch(page)
	if version == nil {
		t.Fatal("the checklist offers no submission")
	}
	h.press(draft, draft+"/submit", url.Values{"form": {"submit"}, "draft_version": {version[1]}})
	o, review := w.open("operator"), "/operator"+strings.TrimPrefix(draft, "/seller")
	_, page = o.press(review, review+"/take", url.Values{"form": {"take"}})
	wants(t, "the review", page, "graduated")
	if plain := regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, ""); !strings.Contains(plain, "标准版 month 12.00 11:10.00 51:9.00 CNY") {
		t.Error("the review shows no bands")
	}
	o.press(review, review+"/approve", url.Values{"form": {"approve"}})

	product := "/products/" + w.product
	b := w.as(ctx, sessions, bad, "buyer")
	w.until("the new prices to be on sale", func() bool {
		_, page := w.open("buyer").get(product)
		return strings.Contains(page, "11 起 ¥10.00")
	})
	b.goTo(product + "?offer=" + w.offer + "&quantity=12&period_number=1&lang=zh-CN")
	b.on(product, "bands-product", "阶梯价：各区间内的数量按该区间单价计。", "11 起 ¥10.00", "51 起 ¥9.00", "¥12.00 × 10", "¥10.00 × 2", "¥140.00")
	b.small(product+"?offer="+w.offer+"&quantity=12&period_number=1&lang=en-US", "bands-product-phone", true)
	w.foreign(ctx, t, at{"buyer", product + "?offer=" + w.offer + "&quantity=12&period_number=1"})
	b.goTo("/checkout?offer=" + w.offer + "&quantity=12&period_number=1&lang=zh-CN")
	b.on("/checkout", "bands-checkout", "¥12.00 × 10", "¥10.00 × 2", "¥140.00")

	order, _ := w.buy(w.offer, 12, "success")
	instance := w.Do("buyer", "GET", api+"/orders/"+order, "").String("lines.0.instance_id")
	b.goTo("/buyer/orders/" + order + "?lang=zh-CN")
	b.on("/buyer/orders/"+order, "bands-order", "¥12.00 × 10 × 1 期", "¥10.00 × 2 × 1 期")
	b.goTo("/buyer/services/" + instance + "/change?quantity=60&lang=zh-CN")
	// Sixty pieces at the price of their band, less the twelve at that of theirs.
	b.on("/buyer/services/"+instance+"/change", "bands-change", "¥420.00")
	b.goTo("/buyer/services/" + instance + "/renew?lang=zh-CN")
	b.on("/buyer/services/"+instance+"/renew", "bands-renew", "¥12.00 · 11 起 ¥10.00 · 51 起 ¥9.00", "¥140.00")
}

package e2e

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// A seller limits one specification, with a mistake first; a buyer reads the limit and what is left of it, buys up to it,
// and is told why no more and what to do instead. The switches beside it stay as they were. // spec: 22 §2.4, 20 B4
func TestBrowserPurchaseLimit(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	thing := "/seller/products/" + w.product
	sku := w.Do("", "GET", api+"/products/"+w.product, "").String("skus.0.sku_code")

	s := w.as(ctx, sessions, bad, "yunfan")
	s.goTo(thing + "?lang=zh-CN")
	s.on(thing, "limit-none", "目前不限购", "限购的规格", "协同办公 专业版")
	s.press(`#settings-send_user`)
	s.click("#settings .btn-primary")
	s.must("days", s.set("#limit-days", "30"))
	s.press(`#limit [name="skus"][value="` + sku + `"]`)
	s.click("#limit .btn-primary")
	s.on(thing+"/purchase-limit", "limit-mistake", `id="limit-days-error"`, "须同时填写最多订单数或最多件数", `href="#limit-days"`, `id="limit-skus-error"`)
	s.must("pieces", s.set("#limit-pieces", "5")) // days and specification were kept
	s.click("#limit .btn-primary")
	saved := s.on(thing, "limit-saved", "已保存", "目前的限购：每家企业 30 天内最多购买 5 件。 仅限规格：协同办公 标准版。")
	if !strings.Contains(saved, `id="settings-send_user" name="send_user" value="yes" checked`) {
		t.Error("the limit wiped a switch")
	}
	s.press(`#settings-send_mobile`)
	s.click("#settings .btn-primary")
	s.on(thing, "limit-after-switches", "目前的限购：每家企业 30 天内最多购买 5 件。")
	s.small(thing+"?lang=en-US", "limit-seller-phone", true)

	product := "/products/" + w.product
	page := product + "?offer=" + w.offer + "&quantity=3"
	n := w.as(ctx, sessions, bad, "")
	n.goTo(page + "&lang=zh-CN")
	if html := n.on(product, "limit-stranger", "每家企业 30 天内最多购买 5 件", "仅限规格：协同办公 标准版"); strings.Contains(html, "剩余") {
		t.Error("a stranger is told what is left")
	}
	b := w.as(ctx, sessions, bad, "buyer")
	b.goTo(page + "&lang=zh-CN")
	b.on(product, "limit-product", "每家企业 30 天内最多购买 5 件", "您的企业剩余：5")
	b.goTo("/checkout?offer=" + w.offer + "&quantity=3&period_number=1&lang=zh-CN")
	b.on("/checkout", "limit-checkout", "您的企业剩余：5")
	b.press("#accept_agreement")
	b.click(`button[name="pay"]`)
	b.goTo("/checkout?offer=" + w.offer + "&quantity=3&period_number=1&lang=zh-CN")
	b.on("/checkout", "limit-short", "您的企业剩余：2", "您的企业最多还可购买 2 件，请减少数量")
	b.press("#accept_agreement")
	b.click(`button[name="pay"]`)
	b.on("/checkout", "limit-refused", `id="quantity-error"`, `href="#quantity"`, "数量: 超出限购：您的企业最多还可购买 2 件，请减少数量")
	b.must("quantity", b.set("#quantity", "2"))
	b.click(`button[name="look"]`)
	b.press("#accept_agreement")
	b.click(`button[name="pay"]`)
	b.goTo("/checkout?offer=" + w.offer + "&quantity=1&period_number=1&lang=en-US")
	b.on("/checkout", "limit-none-left", "Left for your company: 0")
	b.press("#accept_agreement")
	b.click(`button[name="pay"]`)
	b.on("/checkout", "limit-none-left-refused", "Order again when an earlier order is 30 days old, or renew or change the service you have", `href="/buyer/services"`)
	b.small(page+"&lang=en-US", "limit-product-phone", false)

	// The other specification is free, and says nothing of the limit.
	other := w.sells("云帆协同办公", 1, "month")
	b.goTo(product + "?offer=" + other + "&lang=zh-CN")
	if html := b.on(product, "limit-other"); strings.Contains(html, `class="limit"`) {
		t.Error("a specification that is not limited tells a limit")
	}
	for _, path := range []string{page, "/checkout?offer=" + w.offer} {
		w.foreign(ctx, t, at{"buyer", path})
	}

	// Both specifications, once at a time, then none.
	s = w.as(ctx, sessions, bad, "yunfan")
	w.foreign(ctx, t, at{"yunfan", thing})
	s.goTo(thing + "?lang=zh-CN")
	for _, name := range []string{"pieces", "days"} {
		s.must(name, s.set("#limit-"+name, ""))
	}
	s.press("#limit-one_at_a_time", `#limit [name="skus"][value="`+sku+`"]`)
	s.click("#limit .btn-primary")
	s.on(thing, "limit-once", "目前的限购：每家企业同一时间只能持有一个，服务结束后可再次购买。 全部规格合并计算。")
	b = w.as(ctx, sessions, bad, "buyer")
	b.goTo("/checkout?offer=" + other + "&quantity=1&period_number=1&lang=zh-CN")
	b.on("/checkout", "limit-has", "您的企业已持有", "请续费或变更已有的服务")
	b.press("#accept_agreement")
	b.click(`button[name="pay"]`)
	b.on("/checkout", "limit-has-refused", "您的企业已持有该服务。请续费或变更已有的服务；服务结束后可再次购买")
	s = w.as(ctx, sessions, bad, "yunfan")
	s.goTo(thing + "?lang=en-US")
	s.press("#limit-one_at_a_time")
	s.click("#limit .btn-primary")
	s.on(thing, "limit-taken-away", "There is no limit now")

	// A specification that is sold no longer stays in the limit until it is taken out.
	set := func(limit string) int {
		return w.Do("yunfan", "PUT", api+"/products/"+w.product+"/settings", `{"purchase_limit":`+limit+`}`).Status
	}
	if got := set(`{"orders":2,"skus":["` + sku + `"]}`); got != 200 {
		t.Fatalf("a limit by the API: %d", got)
	}
	if err := w.Program.Kernel.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error { return store.WithdrawSKU(ctx, tx, sku) }); err != nil {
		t.Fatal(err)
	}
	s.goTo(thing + "?lang=zh-CN")
	s.on(thing, "limit-gone", "仅限规格：已停售的规格 "+sku)
	s.click("#settings .btn-primary")
	s.on(thing, "limit-gone-kept", "已保存", "仅限规格：已停售的规格 "+sku)

	// Who may not change products is not offered the form.
	password := "correct horse battery"
	if err := w.Program.Kernel.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		_, err := w.Program.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: w.Account("yunfan").CompanyID, Login: "qian", Name: "钱财务", Password: password, Roles: []access.Role{access.SellerFinance}})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.Market.People.Accounts = append(w.Market.People.Accounts, demo.Account{Login: "qian", Password: password})
	q := w.open("qian")
	res, html := q.get(thing)
	if res.StatusCode != 200 || strings.Contains(html, "/purchase-limit") {
		t.Errorf("a person of finance on the product's page: %d, or the form is there", res.StatusCode)
	}
	if res, _ := q.post(thing+"/purchase-limit", html, url.Values{"form": {"limit"}, "orders": {"1"}}); res.StatusCode != 403 {
		t.Errorf("the form of a person of finance: %d", res.StatusCode)
	}
	if res, _ := w.open("beichen").get(thing); res.StatusCode != 404 {
		t.Errorf("another seller on the product's page: %d", res.StatusCode)
	}
}

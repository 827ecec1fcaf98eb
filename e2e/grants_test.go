package e2e

import (
	"context"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// The main account gives a product to a sub-user, on the member's page and on the product's, and takes it back; the
// sub-user sees what hangs on it and nothing else.
func TestBrowserProductAuthorisation(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	order, call := w.buy(w.offer, 1, "success")
	company, password := w.Account("yunfan").CompanyID, "correct horse battery"
	var zhou string
	if err := w.Program.Kernel.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		p, err := w.Program.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: company, Login: "zhou", Name: "周交付", Password: password, Roles: []access.Role{access.Delivery}})
		zhou = p.ID
		return err
	}); err != nil {
		t.Fatal(err)
	}
	w.Market.People.Accounts = append(w.Market.People.Accounts, demo.Account{Login: "zhou", Password: password, CompanyID: company})

	z := w.as(ctx, sessions, bad, "zhou")
	z.goTo("/seller/products?lang=zh-CN")
	if html := z.on("/seller/products", "grants-none", "还没有授权给您的商品"); strings.Contains(html, w.product) {
		t.Error("a product that was not given is listed")
	}
	for _, path := range []string{"/seller/products/" + w.product, "/seller/orders/" + order, "/seller/calls/" + call, "/seller/access-keys"} {
		if res, _ := w.open("zhou").get(path); res.StatusCode != 404 && res.StatusCode != 403 {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}

	p := w.as(ctx, sessions, bad, "yunfan")
	p.goTo("/seller/members?lang=zh-CN")
	p.on("/seller/members", "grants-members", "周交付", "仅授权的商品")
	p.click(`a[href="/seller/members/roles"]`)
	p.on("/seller/members/roles", "grants-roles", "重新启动调用", "主账号", "交付")
	p.small("/seller/members/roles?lang=en-US", "grants-roles-phone", false)
	member := "/seller/members/" + zhou
	p.goTo(member + "?lang=zh-CN")
	p.press(`[name="products"][value="` + w.product + `"]`)
	p.click("#products .btn-primary")
	p.on(member, "grants-member", "仅授权的商品", "已保存")
	p.small(member+"?lang=en-US", "grants-member-phone", true)

	z = w.as(ctx, sessions, bad, "zhou")
	z.goTo("/seller/products?lang=zh-CN")
	z.on("/seller/products", "grants-given", w.product)
	z.goTo("/seller/orders/" + order + "?lang=zh-CN")
	z.on("/seller/orders/"+order, "grants-order", order)
	z.goTo("/seller/calls/" + call + "?lang=zh-CN")
	z.on("/seller/calls/"+call, "grants-call", "newInstance")
	z.goTo("/seller/access?lang=zh-CN")
	z.on("/seller/access", "grants-access", "您只能查看授权给您的商品")

	p = w.as(ctx, sessions, bad, "yunfan")
	p.goTo("/seller/products/" + w.product + "?lang=zh-CN")
	p.on("/seller/products/"+w.product, "grants-product", "商品授权", "周交付")
	p.press(`[name="persons"][value="` + zhou + `"]`)
	p.click("#sharing .btn-primary")
	p.on("/seller/products/"+w.product, "grants-product-taken", "已保存")
	if res, _ := w.open("zhou").get("/seller/products/" + w.product); res.StatusCode != 404 {
		t.Errorf("after taking it back: %d", res.StatusCode)
	}
}

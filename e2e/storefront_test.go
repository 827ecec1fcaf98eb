package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The storefront as a stranger finds it in the demo: every page of it in both languages, as a phone and a desktop show
// it, light and dark; from a category over facets and sorting to a product, its seller's shop and similar products.
func TestTheStorefrontAsAStrangerFindsIt(t *testing.T) {
	d := startDemo(t)
	d.ctx = startBrowser(t)
	d.found = listen(t, d.ctx)
	sizes := []struct {
		name  string
		width int64
		dark  bool
	}{{"desktop", 1280, false}, {"phone", 360, false}, {"dark", 1280, true}}
	look := func(name, path, lang string, want ...string) {
		t.Helper()
		for _, size := range sizes {
			where := fmt.Sprintf("%s in %s on %s", name, lang, size.name)
			l, err := visit(d.ctx, inLanguage(d.BaseURL+path, lang), size.width, size.dark)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			l.complain(t, where)
			for _, c := range d.found.take() {
				t.Errorf("%s: %s", where, c)
			}
			text, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](`document.querySelector("main").innerText`))
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			for _, w := range want {
				if !strings.Contains(text, w) {
					t.Errorf("%s: %q is not on the page", where, w)
				}
			}
			picture(d.ctx, t, "shop-"+name+"-"+lang+"-"+size.name)
		}
	}
	link := func(path, selector string) string {
		t.Helper()
		if _, err := visit(d.ctx, d.BaseURL+path, 1280, false); err != nil {
			t.Fatal(err)
		}
		to, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](fmt.Sprintf(`new URL(document.querySelector(%q).href).pathname`, selector)))
		if err != nil {
			t.Fatal(err)
		}
		return to
	}
	chinese := link("/search?q=协同办公", ".tile a")
	english := link("/search?q=log+explorer", ".tile a")
	shop := link(english, ".by a")
	for lang, words := range map[string]map[string]string{
		"zh-CN": {"popular": "大家在买", "new": "最新上架", "category": "企业应用", "all": "全部商品", "total": "共 15 件商品", "fast": "即时开通", "rated": "条评价", "none": "没有找到", "reply": "商家回复", "similar": "同类商品"},
		"en-US": {"popular": "What others buy", "new": "New products", "category": "Enterprise applications", "all": "All products", "total": "15 products", "fast": "Ready at once", "rated": "ratings", "none": "No product found", "reply": "Seller's reply", "similar": "Similar products"},
	} {
		look("home", "/", lang, words["popular"], words["new"], words["category"], "云帆协同办公", "Northwind Log Explorer")
		look("all", "/search?sort=price", lang, words["all"], words["total"], "★ 5.0", words["fast"])
		look("category", "/categories/enterprise", lang, words["category"], "Harbor Expense Claims", "北辰客户管理")
		look("facets", "/search?term=month&rating=4&sort=rating", lang, "云帆协同办公")
		look("words", "/search?q=巡检", lang, "远山设备巡检")
		look("nothing", "/search?q=zzzz", lang, words["none"])
		look("product", chinese, lang, words["rated"], words["reply"], words["similar"], "400-123-4567", "¥12.00")
		look("product-en", english, lang, "Northwind", "400-765-4321", "Seconds to search")
		look("shop", shop, lang, "Northwind Tools", "Northwind Code Review", "Northwind Ticket Desk")
	}
}

package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A seller asks to take a product off the shelf, the operator decides; whoever bought it keeps the service, and a
// stranger does not find it any more. spec: 20 B7
func TestAProductIsTakenOffTheShelf(t *testing.T) {
	w := newWorld(t)
	order, _ := w.buy(w.offer, 2, "success")
	s, o, stranger := w.open("yunfan"), w.open("operator"), w.open("")
	mine, theirs := "/seller/products/"+w.product, "/operator/products/"+w.product
	found := func() bool {
		_, page := stranger.get("/search?q=" + url.QueryEscape("协同办公"))
		return strings.Contains(page, w.product)
	}
	w.until("the index", found)
	if res, page := s.press(mine, mine+"/request-delist", url.Values{"form": {"delist"}, "reason": {" "}}); res.StatusCode != 400 {
		t.Errorf("asked without a reason: %d %s", res.StatusCode, page)
	}
	_, page := s.press(mine, mine+"/request-delist", url.Values{"form": {"delist"}, "reason": {"产品线调整"}})
	wants(t, "asked", page, "下架申请已提交", "产品线调整")
	_, page = o.get("/operator/products")
	wants(t, "the operator's list", page, "下架申请", "产品线调整")
	_, page = o.press(theirs, theirs+"/refuse-delist", url.Values{"form": {"refuse-delist"}, "reason": {"还有服务在用"}})
	wants(t, "refused", page, "已驳回下架申请", "在售")
	_, page = s.get("/seller/messages")
	wants(t, "the seller is told", page, "还有服务在用")
	s.press(mine, mine+"/request-delist", url.Values{"form": {"delist"}, "reason": {"产品线调整"}})
	_, page = o.press(theirs, theirs+"/delist", url.Values{"form": {"delist"}, "reason": {"同意下架"}})
	wants(t, "delisted", page, "已下架")
	if strings.Contains(page, theirs+`/resume"`) || strings.Contains(page, theirs+`/delist"`) {
		t.Error("what is off the shelf offers a way back")
	}
	w.until("strangers not to find it", func() bool {
		res, _ := stranger.get("/products/" + w.product)
		return !found() && res.StatusCode == 404
	})
	// What was bought goes on.
	_, page = w.open("buyer").get("/buyer/orders/" + order)
	wants(t, "the order", page, "云帆协同办公", "已完成")
}

// The operators' tree of categories: a new one is offered in the wizard, a retired one is not.
func TestCategoriesAreKeptOnThePages(t *testing.T) {
	w := newWorld(t)
	o, s := w.open("operator"), w.open("yunfan")
	const list = "/operator/categories"
	res, page := o.press(list, list, url.Values{"form": {"new"}, "parent_id": {"enterprise"}, "name_zh": {""}, "name_en": {"Legal"}, "position": {"x"}})
	if res.StatusCode != 400 {
		t.Errorf("a category without a name: %d", res.StatusCode)
	}
	wants(t, "beside the fields", page, "须填写，同级内不能重名", "须为 0 到 9999", "Legal")
	_, page = o.press(list, list, url.Values{"form": {"new"}, "parent_id": {"enterprise"}, "name_zh": {"法务"}, "name_en": {"Legal"}, "position": {"30"}})
	wants(t, "made", page, "法务 / Legal", "使用中")
	id := regexp.MustCompile(`action="` + list + `/([^"]+)"`).FindStringSubmatch(page)
	if id == nil {
		t.Fatal("the category has no page of its own")
	}
	_, lists := s.get("/seller/revisions")
	res, _ = s.post("/seller/products/"+w.product+"/revisions", lists, url.Values{})
	wizard := strings.TrimSuffix(res.Header.Get("Location"), "/access") + "/business"
	_, page = s.get(wizard)
	wants(t, "offered in the wizard", page, "法务")
	at := list + "/" + id[1]
	_, page = o.press(at, at, url.Values{"form": {"category"}, "name_zh": {"法务合规"}, "name_en": {"Legal and compliance"}, "position": {"31"}, "retired": {"yes"}})
	wants(t, "renamed and retired", page, "法务合规", "已停用")
	if _, page = s.get(wizard); strings.Contains(page, "法务") {
		t.Error("a retired category is offered")
	}
	_, page = o.get("/operator/audit?noun=" + url.QueryEscape(id[1]))
	wants(t, "the audit log", page, "法务合规")
}

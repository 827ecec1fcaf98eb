package e2e

import (
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

func TestProductsAreReviewed(t *testing.T) {
	w := newWorld(t).fill()
	o := w.open("operator")
	_, page := o.get("/operator/reviews")
	if !strings.Contains(page, w.ids["review"]) || strings.Contains(page, w.ids["draft"]) || strings.Contains(page, "<script>alert") {
		t.Error("the queue lacks the product in review, holds a draft, or runs what a seller wrote")
	}
	at := "/operator/products/" + w.ids["review"]
	res, page := o.press(at, at+"/reject", url.Values{"form": {"reject"}, "reason": {" "}})
	if res.StatusCode != 400 || !strings.Contains(page, "请写明原因") {
		t.Errorf("a rejection without reason: %d", res.StatusCode)
	}
	_, page = o.press(at, at+"/approve", url.Values{})
	wants(t, "approved", page, "已通过，商品开始销售", "在售")
	if res, page := o.post(at+"/approve", page, url.Values{}); res.StatusCode != 409 || !strings.Contains(page, "商品状态已变化") {
		t.Errorf("approved twice: %d", res.StatusCode)
	}
	_, page = o.press(at, at+"/suspend", url.Values{"form": {"suspend"}, "reason": {"投诉核实中"}})
	wants(t, "suspended", page, "已暂停销售", "投诉核实中")
	_, page = o.press(at, at+"/resume", url.Values{})
	wants(t, "resumed", page, "已恢复销售")
	s := w.open("yunfan")
	at = "/seller/products/" + w.ids["rejected"]
	_, page = s.get(at)
	wants(t, "rejected", page, "简介不完整，请补充交付时间")
	_, page = s.press(at, at+"/submit", url.Values{})
	wants(t, "submitted again", page, "已提交审核", "审核中")
	_, page = s.press(at, at+"/settings", url.Values{"form": {"settings"}, "send_mobile": {"yes"}, "seal_bits": {"128"}})
	wants(t, "settings", page, "已保存", `name="send_mobile" value="yes" checked`, `<option value="128" selected`)
	if strings.Contains(page, `name="send_user" value="yes" checked`) {
		t.Error("a switch that was not ticked is on")
	}
}

// After too many failed orders the platform proposes to suspend a product; an operator decides. // spec: 01 §2.11
func TestASuspensionIsProposed(t *testing.T) {
	w := newWorld(t)
	w.faults(w.v1, "status=500@newInstance")
	var last string
	for range 6 {
		last, _ = w.buy(w.offer, 1, "retrying")
	}
	o := w.open("operator")
	if _, page := o.get("/operator/products"); strings.Contains(page, "建议暂停销售") {
		t.Error("a suspension is proposed too early")
	}
	w.Advance(4 * time.Hour)
	w.until("the last refund", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+last, "").String("lines.0.status") == "REFUNDED"
	})
	_, page := o.get("/operator/products")
	wants(t, "proposal", page, "建议暂停销售", "云帆协同办公")
	at := "/operator/products/" + w.product
	_, page = o.press(at, at+"/suspend", url.Values{"form": {"suspend"}, "reason": {"失败订单过多"}})
	wants(t, "suspended", page, "已暂停销售")
	if _, page = o.get("/operator/products"); strings.Contains(page, "建议暂停销售") {
		t.Error("what was suspended is still proposed")
	}
	if res, _ := w.open("").get("/products/" + w.product); res.StatusCode != 404 {
		t.Errorf("a suspended product is in the storefront: %d", res.StatusCode)
	}
}

// Outside a sandbox two operators are needed: who confirmed the receipt cannot also agree. // spec: 01 §9
func TestATopUpNeedsTwoOperators(t *testing.T) {
	w := newWorld(t)
	w.Program.Kernel.Sandbox = false
	b, first, second := w.open("buyer"), w.open("finance"), w.open("operator")
	b.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {"88.00"}, "currency": {"CNY"}})
	_, page := first.get("/operator/top-ups")
	at := regexp.MustCompile(`action="(/operator/top-ups/[^"/]+)/take"`).FindStringSubmatch(page)[1]
	_, page = first.press("/operator/top-ups", at+"/take", url.Values{})
	wants(t, "taken", page, "待第二人同意", "须由他人同意")
	if res, page := first.post(at+"/approve", page, url.Values{}); res.StatusCode != 403 || !strings.Contains(page, "资金操作须两人完成") {
		t.Errorf("one person did both: %d", res.StatusCode)
	}
	if _, page = b.get("/buyer/balance"); strings.Contains(page, "¥200,088.00") {
		t.Error("the money is there before the second person agreed")
	}
	_, page = second.press("/operator/top-ups", at+"/approve", url.Values{})
	wants(t, "agreed", page, "款项已入账")
	_, page = b.get("/buyer/balance")
	wants(t, "posted", page, "¥200,088.00")
}

func TestOperatorsMakeCompaniesAndPeople(t *testing.T) {
	w := newWorld(t)
	o := w.open("operator")
	res, page := o.press("/operator/companies", "/operator/companies", url.Values{"form": {"company"}, "kind": {"seller"}, "name": {""}, "email": {"<x>"}})
	if res.StatusCode != 400 || !strings.Contains(page, "须为 1 到 64 个字符") || !strings.Contains(page, "&lt;x&gt;") {
		t.Errorf("a company without name: %d", res.StatusCode)
	}
	res, page = o.press("/operator/companies", "/operator/companies", url.Values{"form": {"company"}, "kind": {"seller"}, "name": {"新商家 <Ltd>"}})
	at := res.Request.URL.Path
	wants(t, "company", page, "企业已创建", "新商家 <Ltd>")
	res, page = o.press(at, at+"/people", url.Values{"form": {"person"}, "login": {"yunfan"}, "name": {"张三"}, "password": {"short"}, "roles": {"seller.owner"}})
	if res.StatusCode != 400 || !strings.Contains(page, "须为 10 到 128 个字符") || strings.Contains(page, `value="short"`) {
		t.Errorf("a short password: %d; it must be named and not kept", res.StatusCode)
	}
	_, page = o.press(at, at+"/people", url.Values{"form": {"person"}, "login": {"zhang"}, "name": {"张三"}, "password": {"long enough 1"}, "roles": {"seller.owner"}})
	wants(t, "person", page, "人员已添加")
	r := w.open("")
	_, page = r.get("/login")
	if res, _ := r.post("/login", page, url.Values{"login": {"zhang"}, "password": {"long enough 1"}}); res.StatusCode != 303 {
		t.Errorf("the new person's login: %d", res.StatusCode)
	}
	if _, page = r.get("/seller"); !strings.Contains(page, "还没有登记生产地址") {
		t.Error("a new seller is not told the first step")
	}
	_, page = r.press("/seller/access", "/seller/access/addresses", url.Values{"form": {"address"}, "class": {"base"}, "address": {"ftp://x"}})
	wants(t, "a bad address", page, "须为 https 开头的完整地址", `value="ftp://x"`)
	_, page = r.press("/seller/access", "/seller/access/addresses", url.Values{"form": {"address"}, "class": {"base"}, "address": {"https://shop.example/produce"}})
	wants(t, "address", page, "已保存", "https://shop.example/produce")
}

func TestTheSandboxClockIsMovedByAForm(t *testing.T) {
	w := newWorld(t)
	o := w.open("operator")
	order := w.Place(w.offer, 1)
	_, page := o.press("/operator/sandbox", "/operator/sandbox/clock", url.Values{"form": {"clock"}, "to": {"1999-01-01T00:00"}})
	wants(t, "a move back", page, "须晚于当前业务时间")
	_, page = o.press("/operator/sandbox", "/operator/sandbox/clock", url.Values{"form": {"clock"}, "advance": {"720h"}})
	wants(t, "a move", page, "业务时间")
	w.until("the order to be canceled on the way", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+order, "").String("status") == "CANCELED"
	})
	_, page = w.open("buyer").get("/buyer/messages")
	wants(t, "messages", page, "《云帆协同办公》的订单到期未付，已取消。")
}

// An order that a seller's server does not open is given back by the operators: one proposes, another agrees.
func TestARefundNeedsTwoOperators(t *testing.T) {
	w := newWorld(t)
	w.faults(w.v1, "status=500@newInstance")
	id, _ := w.buy(w.offer, 2, "retrying")
	w.Program.Kernel.Sandbox = false
	at := "/operator/orders/" + id
	first, second := w.open("finance"), w.open("operator")
	_, page := first.press(at, at+"/refund", url.Values{"form": {"refund"}})
	wants(t, "proposed", page, "已提出退款", "需要另一位运营人员同意", "同意退款")
	if res, page := first.post(at+"/refund", page, url.Values{"form": {"refund"}}); res.StatusCode != 403 || !strings.Contains(page, "资金操作须两人完成") {
		t.Errorf("one person did both: %d", res.StatusCode)
	}
	if o := w.Do("buyer", "GET", api+"/orders/"+id, ""); o.String("status") != "PROCESSING" {
		t.Errorf("the order is %s before the second person agreed", o.String("status"))
	}
	_, page = second.press(at, at+"/refund", url.Values{"form": {"refund"}})
	wants(t, "agreed", page, "已退款")
	if o := w.Do("buyer", "GET", api+"/orders/"+id, ""); o.String("status") != "COMPLETED" || o.String("lines.0.status") != "REFUNDED" {
		t.Errorf("the order is %s, its line %s", o.String("status"), o.String("lines.0.status"))
	}
	if _, page := w.open("yunfan").get("/seller/orders/" + id); strings.Contains(page, "/refund\"") {
		t.Error("the seller is offered the refund")
	}
}

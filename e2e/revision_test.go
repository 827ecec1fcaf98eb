package e2e

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A buyer rates what it bought, once; the seller replies on the same page; a stranger is asked for neither.
func TestABuyerRatesAndTheSellerReplies(t *testing.T) {
	w := newWorld(t)
	at := "/products/" + w.product
	b := w.open("buyer")
	if _, page := b.get(at); strings.Contains(page, at+"/ratings") {
		t.Error("who bought nothing is asked for a rating")
	}
	w.buy(w.offer, 3, "success")

	res, page := b.press(at, at+"/ratings", url.Values{"form": {"rate"}, "stars": {"6"}, "text": {"顺手"}})
	if res.StatusCode != 400 {
		t.Errorf("six stars: %d", res.StatusCode)
	}
	wants(t, "six stars", page, "须为 1 到 5 星", "顺手")
	_, page = b.press(at, at+"/ratings", url.Values{"form": {"rate"}, "stars": {"4"}, "text": {"开通很快，<b>上手</b>容易"}})
	wants(t, "rated", page, "评价已提交。", "4 星（满分 5 星）", "&lt;b&gt;上手&lt;/b&gt;")
	if strings.Contains(page, at+"/ratings") {
		t.Error("a second rating is asked for")
	}
	if res, page := b.post(at+"/ratings", page, url.Values{"form": {"rate"}, "stars": {"1"}}); res.StatusCode != 409 || !strings.Contains(page, "已评价过") {
		t.Errorf("rated twice: %d", res.StatusCode)
	}

	s := w.open("yunfan")
	_, page = s.get("/seller/messages")
	wants(t, "the seller's messages", page, "收到 4 星评价")
	_, page = s.get(at)
	reply := regexp.MustCompile(`action="(` + at + `/ratings/[^"]+/reply)"`).FindStringSubmatch(page)
	if reply == nil {
		t.Fatal("the seller is not offered to reply")
	}
	if res, _ := s.press(at, reply[1], url.Values{"text": {" "}}); res.StatusCode != 400 {
		t.Errorf("an empty reply: %d", res.StatusCode)
	}
	_, page = s.press(at, reply[1], url.Values{"text": {"感谢，培训资料已更新"}})
	wants(t, "replied", page, "回复已发布。", "商家回复", "感谢，培训资料已更新")
	if other, page := w.open("beichen").get(at); other.StatusCode != 200 || strings.Contains(page, "/reply") {
		t.Error("another seller may reply")
	}
}

// A new version of a product on sale: spoiled, mended, reviewed, rejected with a reason, submitted again, approved.
// What is on sale goes on being shown until then.
func TestANewVersionIsReviewed(t *testing.T) {
	w := newWorld(t)
	s, o := w.open("yunfan"), w.open("operator")
	_, page := s.get("/seller/revisions")
	res, _ := s.post("/seller/products/"+w.product+"/revisions", page, url.Values{})
	at := strings.TrimSuffix(res.Header.Get("Location"), "/access")
	if res.StatusCode != 303 || !strings.HasPrefix(at, "/seller/revisions/") {
		t.Fatalf("a new version: %d %q", res.StatusCode, at)
	}
	save := func(overview string) string {
		t.Helper()
		_, form := s.get(at + "/basic")
		typed := fieldsOf(form)
		typed.Set("overview", overview)
		typed.Set("stay", "yes")
		res, body := s.post(at+"/basic", form, typed)
		if to := res.Header.Get("Location"); to != "" {
			_, body = s.get(to)
		}
		return body
	}
	wants(t, "a phone number in the overview", save("咨询请拨 13800138000"), "13800138000")
	_, page = s.get(at)
	if strings.Contains(page, at+`/submit"`) {
		t.Error("what breaks a rule can be submitted")
	}
	const fresh = "全新版本：审批、考勤与会议合在一处"
	save(fresh)
	draft := regexp.MustCompile(`name="draft_version" value="(\d+)"`)
	submit := func() string {
		t.Helper()
		_, page := s.get(at)
		m := draft.FindStringSubmatch(page)
		if m == nil {
			t.Fatal("the checklist offers no submission")
		}
		_, page = s.press(at, at+"/submit", url.Values{"form": {"submit"}, "draft_version": {m[1]}})
		return page
	}
	wants(t, "submitted", submit(), "待审核")
	review := "/operator" + strings.TrimPrefix(at, "/seller")
	_, page = o.get("/operator/messages")
	wants(t, "the operators' messages", page, "提交了审核")
	_, page = o.press(review, review+"/take", url.Values{"form": {"take"}})
	wants(t, "in review", page, "审核中", "全新版本")
	if !strings.Contains(page, "<mark>") {
		t.Error("what differs from the version on sale is not marked")
	}
	if res, _ := o.press(review, review+"/reject", url.Values{"form": {"reject"}, "reason": {" "}}); res.StatusCode != 400 {
		t.Errorf("a rejection without a reason: %d", res.StatusCode)
	}
	o.press(review, review+"/reject", url.Values{"form": {"reject"}, "reason": {"概述与商品不符"}, "field_0": {"overview"}, "remark_0": {"请说明适用的企业规模"}})
	_, page = s.get(at)
	wants(t, "rejected", page, "已驳回", "概述与商品不符")
	_, page = s.get(at + "/basic")
	wants(t, "the remark beside its field", page, "请说明适用的企业规模")
	_, page = s.get("/seller/messages")
	wants(t, "the seller's messages", page, "未通过审核：概述与商品不符")

	submit()
	o.press(review, review+"/take", url.Values{"form": {"take"}})
	if _, page := w.open("").get("/products/" + w.product); strings.Contains(page, fresh) {
		t.Error("content in review is on sale")
	}
	o.press(review, review+"/approve", url.Values{"form": {"approve"}})
	stranger := w.open("")
	w.until("the new version to be on sale for strangers", func() bool {
		_, page := stranger.get("/products/" + w.product)
		return strings.Contains(page, fresh)
	})
}

var (
	inputTag  = regexp.MustCompile(`<input[^>]*>`)
	areaTag   = regexp.MustCompile(`(?s)<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>`)
	attribute = regexp.MustCompile(`(name|value|type)="([^"]*)"`)
)

// fieldsOf reads a form as a browser would send it back untouched: inputs and texts.
func fieldsOf(page string) url.Values {
	v := url.Values{}
	for _, tag := range inputTag.FindAllString(page, -1) {
		a := map[string]string{}
		for _, m := range attribute.FindAllStringSubmatch(tag, -1) {
			a[m[1]] = html.UnescapeString(m[2])
		}
		if a["name"] == "" || a["type"] == "file" || (a["type"] == "checkbox" || a["type"] == "radio") && !strings.Contains(tag, " checked") {
			continue
		}
		v.Set(a["name"], a["value"])
	}
	for _, m := range areaTag.FindAllStringSubmatch(page, -1) {
		v.Set(m[1], strings.TrimPrefix(html.UnescapeString(m[2]), "\n"))
	}
	return v
}

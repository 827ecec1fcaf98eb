package e2e

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestAccessKeysComeOnceAndTwoAtMost(t *testing.T) {
	w := newWorld(t)
	s := w.open("yunfan")
	password := w.Account("yunfan").Password
	new := func(password string) (*http.Response, string) {
		return s.press("/seller/access-keys", "/seller/access-keys", url.Values{"form": {"new"}, "description": {"夜间对账"}, "current_password": {password}})
	}
	// Without a proved address or number the password stands in for the code. // spec: 14 §5
	if res, page := new("not my password"); res.StatusCode < 400 || !strings.Contains(page, `value="夜间对账"`) {
		t.Errorf("a wrong password: %d", res.StatusCode)
	}
	res, body := new(password)
	rows, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[0][1] != "Access Key Id" || len(rows[1][1]) != 20 || len(rows[1][2]) != 40 || !strings.Contains(res.Header.Get("Content-Disposition"), "credentials.csv") {
		t.Fatalf("credentials: %v %v", rows, err)
	}
	_, page := s.get("/seller/access-keys")
	if !strings.Contains(page, rows[1][1]) || !strings.Contains(page, "夜间对账") || strings.Contains(page, rows[1][2]) {
		t.Error("the list lacks the new key or shows its secret")
	}
	// Both are held now: a third is refused, also by a stale page.
	if res, page = s.post("/seller/access-keys", page, url.Values{"form": {"new"}, "current_password": {password}}); res.StatusCode != 422 {
		t.Errorf("a third key: %d", res.StatusCode)
	}
	at := "/seller/access-keys/" + rows[1][1]
	if _, page = s.press("/seller/access-keys", at+"/disable", url.Values{}); !strings.Contains(page, at+"/delete") {
		t.Error("a disabled key cannot be deleted")
	}
	if _, page = s.press("/seller/access-keys", at+"/delete", url.Values{}); strings.Contains(page, rows[1][1]) {
		t.Error("a deleted key is still there")
	}
	if res, _ := w.open("beichen").post("/seller/access-keys/"+w.People.Seller("v1").AK+"/disable", page, url.Values{}); res.StatusCode != 403 {
		t.Errorf("another's form was taken: %d", res.StatusCode)
	}
}

// The message log of 10 §8.4: filter, bytes, comparison, restart, replay, mark as delivered, export.
func TestTheMessageLog(t *testing.T) {
	w := newWorld(t).fill()
	s := w.open("yunfan")
	_, page := s.get("/seller/calls?state=failed")
	if !strings.Contains(page, w.ids["failed"]) || strings.Contains(page, w.ids["success"]) || !strings.Contains(page, `<option value="failed" selected>`) {
		t.Error("the filter does not narrow, or is not kept")
	}
	_, page = s.get("/seller/calls/" + w.ids["html"])
	wants(t, "bytes", page, "GET /produce?activity=newInstance", "HTTP/1.1 200", "&lt;html", "密钥和口令已遮盖", "curl -i -X GET", "customerName = 青山制造有限公司",
		"activity=newInstance&amount=1&", "base64(HMAC-SHA256(key, text))")
	_, page = s.get("/seller/calls/" + w.ids["success"] + "?view=hex&with=" + w.ids["html"])
	wants(t, "comparison", page, "<mark>", "第一个不同的字节已标出", "000000  47 45 54 20")
	if _, page = s.get("/seller/calls/" + w.ids["success"]); strings.Contains(page, `"password":"`) && !strings.Contains(page, "***") {
		t.Error("a secret is not masked")
	}
	res, body := s.get("/seller/calls?format=csv")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
	if err != nil || len(rows) < 6 || len(rows[0]) != 14 || res.Header.Get("Content-Disposition") != `attachment; filename="calls.csv"` {
		t.Errorf("export: %d rows, %v, %v", len(rows), err, res.Header)
	}
	// A restart makes the call at once; now the seller answers well.
	at := "/seller/calls/" + w.ids["failed"]
	_, page = s.press(at, at+"/restart", url.Values{})
	wants(t, "restart", page, "已重新启动")
	w.until("the restarted call", func() bool {
		return w.Do("yunfan", "GET", api+"/attempts?activity=refreshInstance", "").String("items.0.state") == "success"
	})
	if res, page = s.post(at+"/restart", page, url.Values{}); res.StatusCode != 409 || !strings.Contains(page, "已经成功，无需重启") {
		t.Errorf("restart of what has succeeded: %d", res.StatusCode)
	}
	// A range of past messages once more.
	notify := w.Do("yunfan", "GET", api+"/attempts?activity=orderNotify", "").String("items.0.id")
	_, page = s.get("/seller/calls")
	wants(t, "pick", page, "重放所选", "发送样例调用")
	if res, _ = s.post("/seller/calls/replay", page, url.Values{"id": {w.ids["success"], notify}}); res.Header.Get("Location") != "/seller/calls?replayed=2&refused=0" {
		t.Errorf("two messages replayed: %d %q", res.StatusCode, res.Header.Get("Location"))
	}
	// Many at once, each with its own outcome.
	_, page = s.get("/seller/calls")
	form := url.Values{"id": {w.ids["html"], w.ids["success"]}}
	form.Set("csrf", tokenField.FindStringSubmatch(page)[1])
	res, _ = s.do("POST", "/seller/calls/restart", form.Encode())
	_, page = s.get(res.Header.Get("Location"))
	wants(t, "many restarts", page, "已重新启动 1 条，1 条不能重启")
	w.until("the first order to be delivered", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+w.ids["processing"], "").String("status") == "COMPLETED"
	})
	// An order that was refunded is never created again: no button, and a refusal.
	gone := "/seller/calls/" + w.ids["retried"]
	_, page = s.get(gone)
	if strings.Contains(page, `action="`+gone+`/restart"`) || strings.Contains(page, `action="`+gone+`/replay"`) {
		t.Error("a refunded order offers its create again")
	}
	for _, what := range []string{"/restart", "/replay"} {
		if res, page := s.post(gone+what, page, url.Values{}); res.StatusCode != 409 || !strings.Contains(page, "不会再次发送创建") {
			t.Errorf("%s of a refunded order: %d", what, res.StatusCode)
		}
	}
	// Buyers see that a call was made, not its bytes; another seller sees nothing.
	if res, _ := w.open("buyer").get("/seller/calls"); res.StatusCode != 403 {
		t.Errorf("a buyer in the seller centre: %d", res.StatusCode)
	}
	if res, _ := w.open("beichen").get(at); res.StatusCode != 404 {
		t.Errorf("another seller's call: %d", res.StatusCode)
	}
}

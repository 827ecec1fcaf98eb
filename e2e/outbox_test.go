package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// Operators see whom the marketplace wrote to and about what, never the link inside; nobody else sees it.
func TestTheOutboxTellsWhoWasWrittenTo(t *testing.T) {
	w := newWorld(t)
	o := w.open("operator")
	_, page := o.get("/operator/outbox")
	wants(t, "nothing was mailed", page, "还没有内容", "有人注册、受邀加入或收到消息时")
	w.Do("yunfan", "POST", api+"/companies/"+w.Account("yunfan").CompanyID+"/invitations", `{"email":"new@yunfan.example","roles":["seller.support"]}`)
	w.until("the mail", func() bool {
		_, page = o.get("/operator/outbox")
		return strings.Contains(page, "已发送")
	})
	wants(t, "an invitation", page, "new@yunfan.example", "邀请您加入")
	if strings.Contains(page, "/join") || strings.Contains(page, "token=") {
		t.Error("the page shows the link of the mail")
	}
	_, page = o.get("/operator/outbox?" + url.Values{"state": {"failed"}}.Encode())
	if strings.Contains(page, "new@yunfan.example") {
		t.Error("a sent mail is listed among the failed")
	}
	res, file := o.get("/operator/outbox?format=csv")
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") || !strings.Contains(file, "new@yunfan.example") {
		t.Errorf("the export: %s", res.Header.Get("Content-Type"))
	}
	if res, _ := w.open("yunfan").get("/operator/outbox"); res.StatusCode != 403 {
		t.Errorf("a seller opens the outbox: %d", res.StatusCode)
	}
}

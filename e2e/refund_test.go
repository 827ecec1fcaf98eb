package e2e

import (
	"net/url"
	"strings"
	"testing"
)

// A large refund on its pages: the buyer asks and withdraws, an operator has to say why it is
// rejected, and approves. // spec: 22 §4.1
func TestRefundPages(t *testing.T) {
	w := newWorld(t)
	order, _ := w.buy(w.offer, 2, "success")
	w.until("the service to be open", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+order, "").String("status") == "COMPLETED"
	})
	service := "/buyer/services/" + w.Do("buyer", "GET", api+"/orders/"+order, "").String("lines.0.instance_id")
	w.Do("operator", "PUT", api+"/settings", `{"values":{"orders.large_refund_threshold":"0.01"}}`)
	buyer, finance := w.open("buyer"), w.open("finance")
	ask := func() string {
		t.Helper()
		_, page := buyer.get(service)
		res, body := buyer.post(service+"/unsubscribe", page, url.Values{"confirm": {"云帆协同办公"}, "reason": {"不需要了"}, "form": {"unsubscribe"}})
		if to := res.Header.Get("Location"); to != service+"?done=refund.asked" {
			t.Fatalf("asked: %d to %q\n%s", res.StatusCode, to, body)
		}
		return w.Do("finance", "GET", api+"/refund-requests?state=WAITING", "").String("items.0.id")
	}
	id := ask()
	_, page := buyer.get(service)
	for _, text := range []string{"待审批", "withdraw-refund", "大额退款等待平台审批", "24.00"} {
		if !strings.Contains(page, text) {
			t.Errorf("the service's page does not say %q", text)
		}
	}
	for _, gone := range []string{service + "/renew", service + "/change", service + "/unsubscribe"} {
		if strings.Contains(page, gone) {
			t.Errorf("the service's page still offers %s", gone)
		}
	}
	if res, _ := buyer.post(service+"/withdraw-refund", page, url.Values{"request": {id}}); res.Header.Get("Location") != service+"?done=refund.withdrawn" {
		t.Errorf("withdrawn: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	id = ask()
	if _, page := finance.get("/operator"); !strings.Contains(page, "/operator/refunds?status=WAITING") {
		t.Error("the overview does not lead to the queue")
	}
	if _, page := finance.get("/operator/refunds?status=WAITING"); !strings.Contains(page, "/operator/refunds/"+id+"/approve") {
		t.Error("the queue cannot approve")
	}
	at := "/operator/refunds/" + id
	_, page = finance.get(at)
	if res, body := finance.post(at+"/reject", page, url.Values{"reason": {" "}, "form": {"reject"}}); res.StatusCode != 400 || !strings.Contains(body, "请写明原因") {
		t.Errorf("rejected without a reason: %d", res.StatusCode)
	}
	if res, _ := finance.post(at+"/reject", page, url.Values{"reason": {"材料不全"}}); res.Header.Get("Location") != at+"?done=refund.rejected" {
		t.Errorf("rejected: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	id = ask()
	at = "/operator/refunds/" + id
	_, page = finance.get("/operator/refunds")
	if res, _ := finance.post(at+"/approve", page, url.Values{}); res.Header.Get("Location") != at+"?done=refund.approved" {
		t.Errorf("approved: %d to %q", res.StatusCode, res.Header.Get("Location"))
	}
	if _, page := buyer.get("/buyer/messages"); !strings.Contains(page, "材料不全") {
		t.Error("the buyer does not read why")
	}
	if res, _ := w.open("operator").get(at); res.StatusCode != 200 {
		t.Errorf("afterwards: %d", res.StatusCode)
	}
}

package apitest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/souk-market/souk/api"
)

func TestTheDocumentIsServedAndValid(t *testing.T) {
	h := Handler(t, api.Handler())
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", api.Path, nil))
	if w.Code != 200 || w.Body.String() != string(api.Document()) || w.Header().Get("Content-Type") != "application/yaml" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// The check can fail: each line below is a program that breaks the document.
func TestBrokenProgramsAreFoundOut(t *testing.T) {
	order := `{"id":"CS2611241600ABC2D","type":"NEW","status":"PROCESSING","buyer_id":"b","seller_id":"s","currency":"CNY","amount_list":"1.00","amount_deal":"1.00","amount_coupon":"0.00","amount_paid":"1.00",` +
		`"possibly_orphaned":false,"source":"DIRECT","breakdown":[],"created_at":"2026-11-24T08:00:00Z","pay_deadline":"2026-12-01T08:00:00Z","paid_at":"2026-11-24T08:01:00.5Z","completed_at":null,` +
		`"lines":[{"id":"CS2611241600ABC2D-000001","product_id":"OFFI1","sku_code":"k","product_name":"n","period_type":"month","period_number":1,"quantity":1,"unit_price":"1","amount_deal":"1.00","amount_paid":"1.00",` +
		`"instance_id":"","status":"PROVISIONING","effective_at":null,"expire_at":null}]}`
	refusal := `{"error":{"code":"bad_form","message":"no","fields":{"product_id":"missing"},"request_id":"r"}}`
	cases := []struct {
		name, method, path, body string
		status                   int
		reply, want              string // want is part of the complaint, "" for none
	}{
		{"a good reply", "GET", "/api/souk/v1/orders/CS2611241600ABC2D", "", 200, order, ""},
		{"a good refusal", "POST", "/api/souk/v1/orders", `{}`, 400, refusal, ""},
		{"a bad request accepted", "POST", "/api/souk/v1/orders", `{}`, 201, order, "the document forbids the request"},
		{"a number for an amount", "GET", "/api/souk/v1/orders/x", "", 200, strings.Replace(order, `"1.00"`, `1.00`, 1), "not what the document promises"},
		{"an unknown state", "GET", "/api/souk/v1/orders/x", "", 200, strings.Replace(order, "PROCESSING", "PROCESSED", 1), "not what the document promises"},
		{"an error of another form", "GET", "/api/souk/v1/orders/x", "", 404, `{"message":"no"}`, "not what the document promises"},
		{"an operation nobody wrote down", "DELETE", "/api/souk/v1/orders/x", "", 200, `{}`, "no such operation"},
		{"an unknown path refused", "GET", "/api/souk/v1/none", "", 404, refusal, ""},
		{"a mock order with one member more", "GET", "/api/mkp-openapi-public/global/v1/order/query?orderId=A", "", 400, `{"resultCode":"MKT.0101","resultMsg":"x","more":1}`, "not what the document promises"},
		{"a path outside", "GET", "/orders", "", 200, `<html>`, ""},
	}
	for _, c := range cases {
		var complaints []string
		h := handler(func(f string, a ...any) { complaints = append(complaints, fmt.Sprintf(f, a...)) }, t.Fatal,
			http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.reply))
			}))
		r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
		if c.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		all := strings.Join(complaints, "\n")
		if (c.want == "") != (all == "") || !strings.Contains(all, c.want) {
			t.Errorf("%s: complaints %q, want %q", c.name, all, c.want)
		}
		if w.Code != c.status || w.Body.String() != c.reply {
			t.Errorf("%s: the reply did not pass unchanged", c.name)
		}
	}
}

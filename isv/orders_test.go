package isv_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
)

func TestOrderClient(t *testing.T) {
	answers := map[string]struct {
		status int
		body   string
	}{
		"CS1": {200, `{"resultCode":"MKT.0000","resultMsg":"success","later":1,"orderInfo":{"orderId":"CS1","orderType":"NEW","createTime":"20260101000000","orderLine":[{"orderLineId":"CS1-000001","chargingMode":"PERIOD","periodNumber":1,"currency":12.00,"currencyAfterDiscount":"9.50","productInfo":[{"productId":"p","skuCode":"s","linearValue":20}]}],"buyerInfo":null,"extendParams":[{"name":"n","value":"v"}]}}`},
		"CS2": {400, `{"resultCode":"MKT.0101","resultMsg":"unknown"}`},
		"CS3": {401, `{"error_code":"APIGW.0301","error_msg":"no","request_id":"r"}`},
		"CS4": {502, `<html>`},
		"CS5": {302, ``},
	}
	var seen []http.Header
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header)
		a := answers[r.URL.Query().Get("orderId")]
		if a.status == 302 {
			w.Header().Set("Location", "/elsewhere?orderId=CS1")
		}
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
	}))
	defer server.Close()
	client := &isv.OrderClient{BaseURL: server.URL + "/", AccessKey: "AK", SecretKey: "SK"}
	got, err := client.Order(t.Context(), "CS1", "CS1-000001")
	want := isv.Order{OrderID: "CS1", Type: "NEW", CreateTime: "20260101000000", ExtendParams: []isv.ExtendParam{{Name: "n", Value: "v"}},
		Lines: []isv.OrderLine{{OrderLineID: "CS1-000001", ChargingMode: "PERIOD", PeriodNumber: "1", Amount: "12.00", AmountCharged: "9.50", Products: []isv.Product{{ProductID: "p", SKUCode: "s", LinearValue: "20"}}}}}
	if err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("%v %s", err, cmp.Diff(want, got))
	}
	for id, code := range map[string]string{"CS2": "MKT.0101", "CS3": "APIGW.0301", "CS4": "", "CS5": ""} {
		var refused *isv.APIError
		if _, err := client.Order(t.Context(), id, ""); !errors.As(err, &refused) || refused.Code != code || refused.Status != answers[id].status {
			t.Errorf("%s: %v", id, err)
		}
	}
	if len(seen) != 5 || !strings.HasPrefix(seen[0].Get("Authorization"), "SDK-HMAC-SHA256 Access=AK, SignedHeaders=content-type;host;x-sdk-date, Signature=") {
		t.Errorf("%d requests, %v", len(seen), seen[0])
	}
	if text, _ := json.Marshal(want.Lines[0].Amount); string(text) != `"12.00"` {
		t.Errorf("amounts are written as %s", text)
	}
}

package sellers

import (
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

func send(r production.Request) production.Answer {
	request, err := http.NewRequest(r.Method, r.URL, strings.NewReader(string(r.Body)))
	if err != nil {
		return production.Answer{TransportErr: err}
	}
	for _, h := range r.Headers {
		request.Header.Set(h.Name, h.Value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return production.Answer{TransportErr: err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return production.Answer{Status: response.StatusCode, Headers: response.Header, Body: body, TransportErr: err}
}

func (s *server) requestV1(t *testing.T, call v1.Call, settings v1.Settings, now time.Time) production.Request {
	t.Helper()
	address, err := v1.ParseAddress(s.url + "?own=x%20y")
	if err != nil {
		t.Fatal(err)
	}
	request, err := v1.Build(call, settings, address, key, now)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

// v1 makes a real call and returns the code, or why the answer is no answer.
func (s *server) v1(t *testing.T, call v1.Call, settings ...v1.Settings) production.Verdict {
	t.Helper()
	return v1.Judge(call.Activity(), send(s.requestV1(t, call, append(settings, v1.Settings{})[0], time.Now())), v1.Judging{Debugging: true}, key)
}

func (s *server) requestV2(t *testing.T, call v2.Call, debug bool, now time.Time) production.Request {
	t.Helper()
	address, err := v2.ParseAddress(s.url + "?own=x%20y")
	if err != nil {
		t.Fatal(err)
	}
	request, err := v2.Build(call, debug, address, key, rand.Text(), now)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func (s *server) v2(t *testing.T, call v2.Call, debug ...bool) production.Verdict {
	t.Helper()
	return v2.Judge(call.Activity(), send(s.requestV2(t, call, len(debug) > 0, time.Now())), v2.Judging{Debugging: true, Asked: asked(call)}, key)
}

func asked(call v2.Call) []string {
	if query, ok := call.(v2.QueryInstance); ok {
		return slices.DeleteFunc(slices.Clone(query.InstanceIDs), func(id string) bool { return id == "nobody" })
	}
	return nil
}

func expect(t *testing.T, what string, v production.Verdict, code string) {
	t.Helper()
	ok := code == "000000"
	if v.ResultCode != code || v.OK != ok || len(v.Warnings) > 0 {
		t.Errorf("%s: code %q %q, reason %q %s, warnings %q; want %s", what, v.ResultCode, v.ResultMsg, v.Reason, v.Field, v.Warnings, code)
	}
}

func orderV1(order, business string) v1.NewInstance {
	phone, _ := sealed.Seal(key, sealed.AES256, "13800138000", rand.Reader)
	return v1.NewInstance{
		CustomerID: "c1", CustomerName: "上海 A&B=C+公司/100%'~*", BusinessID: business, OrderID: order, ProductID: "p1", SKUCode: "sku-1", MobilePhone: phone,
		ChargingMode: v1.Period, PeriodType: "month", PeriodNumber: 1, ExpireTime: "20270101000000", Quantity: v1.Quantity{Amount: 10}, OrderAmount: "12.5",
		Extensions: []v1.Extension{{Name: "companyName", Value: "上海测试>?~"}},
	}
}

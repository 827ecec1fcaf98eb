package openapi_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/api/apitest"
	"github.com/souk-market/souk/internal/face/openapi"
	"github.com/souk-market/souk/protocol/aksk"
)

var now = time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)

// market has one key per seller and one order of seller-1.
type market struct {
	mu     sync.Mutex
	now    time.Time
	keys   map[string]openapi.AccessKey
	orders map[string]openapi.OrderView
	err    error
}

func (m *market) AccessKey(_ context.Context, ak string) (openapi.AccessKey, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.keys[ak]
	return k, ok, m.err
}

func (m *market) Failed(_ context.Context, ak string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k := m.keys[ak]
	if k.Failures++; k.Failures > 5 {
		k.Failures, k.LockedUntil = 0, m.now.Add(5*time.Minute)
	}
	m.keys[ak] = k
	return nil
}

func (m *market) Used(_ context.Context, ak string, k openapi.AccessKey) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	k.Failures, k.UsedAt = 0, m.now
	m.keys[ak] = k
	return nil
}

func (m *market) OrderBySeller(_ context.Context, id string) (openapi.OrderView, string, bool, error) {
	o, ok := m.orders[id]
	if id == "CSBROKEN" {
		return o, "", false, errors.New("disk full")
	}
	return o, "seller-1", ok, nil
}

func (m *market) clock() time.Time        { m.mu.Lock(); defer m.mu.Unlock(); return m.now }
func (m *market) advance(d time.Duration) { m.mu.Lock(); defer m.mu.Unlock(); m.now = m.now.Add(d) }

func newMarket() *market {
	return &market{
		now: now,
		keys: map[string]openapi.AccessKey{
			"AKSELLER1": {SK: "sk-one", SellerID: "seller-1"}, "AKSELLER2": {SK: "sk-two", SellerID: "seller-2"},
			"AKBUYER": {SK: "sk-buyer"}, "AKOFF": {SK: "sk-off", SellerID: "seller-1", Disabled: true},
		},
		orders: map[string]openapi.OrderView{
			"CS2611241600ABC2D": {
				OrderID: "CS2611241600ABC2D", Type: "NEW", CreatedAt: now,
				Buyer: &openapi.BuyerView{CustomerID: "c1", CustomerName: "花&<云>/开", Email: "a@b.example"},
				Lines: []openapi.LineView{
					{LineID: "CS2611241600ABC2D-000001", ChargingMode: "PERIOD", ExpireTime: now.AddDate(1, 0, 0), PeriodType: "year", PeriodNumber: 1, Amount: "2200.00", AmountAfterDiscount: "2000.00",
						Products: []openapi.ProductView{{ProductID: "OFFI1", SKUCode: "sku-1", Name: "协同", LinearValue: 20}}},
					{LineID: "CS2611241600ABC2D-000002", ChargingMode: "ON_DEMAND", Amount: "0.00", AmountAfterDiscount: "0.00", Products: []openapi.ProductView{{ProductID: "OFFI2", SKUCode: "sku-2"}}},
				},
			},
			"CS2611241600XYZ3E": {OrderID: "CS2611241600XYZ3E", Type: "UNSUBSCRIBE_RENEWAL", CreatedAt: now,
				Lines: []openapi.LineView{{LineID: "CS2611241600XYZ3E-000001", ChargingMode: "PERIOD", AmountAfterDiscount: "-2200.00"}}},
		},
	}
}

// seller is a program of a seller: it signs and calls.
type seller struct {
	t      *testing.T
	m      *market
	base   string
	ak, sk string
	change func(*http.Request) // after signing
}

func start(t *testing.T, m *market, rate int) *seller {
	srv := httptest.NewServer(apitest.Handler(t, openapi.New(openapi.Options{Keys: m, Orders: m, Now: m.clock, Rate: func() int { return cmp.Or(rate, 200) }})))
	t.Cleanup(srv.Close)
	return &seller{t: t, m: m, base: srv.URL, ak: "AKSELLER1", sk: "sk-one"}
}

type reply struct {
	status int
	header http.Header
	body   string
}

func (s *seller) get(query string) reply {
	s.t.Helper()
	return s.call("GET", openapi.OrderQueryPath+query, "")
}

func (s *seller) call(method, target, body string) reply {
	s.t.Helper()
	req, err := http.NewRequest(method, s.base+target, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("X-Sdk-Date", s.m.clock().Format("20060102T150405Z"))
	auth, err := aksk.Sign(aksk.Request{Method: method, Target: target, Host: req.Host, Header: req.Header, Body: []byte(body)}, s.ak, s.sk, "host", "x-sdk-date")
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", auth)
	if s.change != nil {
		s.change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(b)}
}

// The bytes of an order: order of members, no HTML escaping, text amounts, UTC.
func TestOrderOnTheWire(t *testing.T) {
	s := start(t, newMarket(), 0)
	r := s.get("?orderId=CS2611241600ABC2D")
	want := `{"resultCode":"MKT.0000","resultMsg":"success","orderInfo":{"orderId":"CS2611241600ABC2D","orderType":"NEW","createTime":"20261124080000","orderLine":[` +
		`{"orderLineId":"CS2611241600ABC2D-000001","chargingMode":"PERIOD","expireTime":"20271124080000","periodType":"year","periodNumber":1,"currency":"2200.00","currencyAfterDiscount":"2000.00","productInfo":[{"productId":"OFFI1","skuCode":"sku-1","productName":"协同","linearValue":20}]},` +
		`{"orderLineId":"CS2611241600ABC2D-000002","chargingMode":"ON_DEMAND","currency":"0.00","currencyAfterDiscount":"0.00","productInfo":[{"productId":"OFFI2","skuCode":"sku-2"}]}],` +
		`"buyerInfo":{"customerId":"c1","customerName":"花&<云>/开","email":"a@b.example"}}}`
	if r.status != 200 || r.body != want {
		t.Errorf("%d\n got %s\nwant %s", r.status, r.body, want)
	}
	if _, err := time.Parse(http.TimeFormat, r.header.Get("Date")); err != nil || r.header.Get("Server") != "Souk" || len(r.header.Get("X-Request-Id")) != 32 || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") || r.header.Get("Content-Length") == "" {
		t.Errorf("headers: %v", r.header)
	}
	if r := s.get("?orderId=CS2611241600ABC2D&orderLineId=CS2611241600ABC2D-000002&later=1"); strings.Contains(r.body, "-000001") || !strings.Contains(r.body, "-000002") {
		t.Errorf("one line asked: %s", r.body)
	}
	if r := s.get("?orderId=CS2611241600XYZ3E"); !strings.Contains(r.body, `"orderType":"UNSUBSCRIBE"`) || strings.Contains(r.body, `"currency"`) || !strings.Contains(r.body, `"currencyAfterDiscount":"-2200.00","productInfo":[]`) {
		t.Errorf("unsubscription: %s", r.body)
	}
}

func TestRefusalsOfTheInterface(t *testing.T) {
	s := start(t, newMarket(), 0)
	foreign := *s
	foreign.ak, foreign.sk = "AKSELLER2", "sk-two"
	notSeller := *s
	notSeller.ak, notSeller.sk = "AKBUYER", "sk-buyer"
	cases := []struct {
		name   string
		who    *seller
		query  string
		status int
		code   string
	}{
		{"no orderId", s, "", 400, "MKT.0101"},
		{"empty orderId", s, "?orderId=", 400, "MKT.0101"},
		{"twice", s, "?orderId=A&orderId=B", 400, "MKT.0101"},
		{"too long", s, "?orderId=" + strings.Repeat("A", 65), 400, "MKT.0101"},
		{"control character", s, "?orderId=A%00B", 400, "MKT.0101"},
		{"unknown order", s, "?orderId=CS0000000000AAAAA", 400, "MKT.0101"},
		{"unknown line", s, "?orderId=CS2611241600ABC2D&orderLineId=x", 400, "MKT.0101"},
		{"unknown line of a mock order", s, "?orderId=MOCKONDEMAND&orderLineId=x", 400, "MKT.0101"},
		{"another seller's order", &foreign, "?orderId=CS2611241600ABC2D", 401, "MKT.0150"},
		{"no seller", &notSeller, "?orderId=CS2611241600ABC2D", 401, "MKT.0151"},
		{"store broken", s, "?orderId=CSBROKEN", 500, "MKT.0999"},
	}
	for _, c := range cases {
		r := c.who.get(c.query)
		var got struct{ ResultCode, ResultMsg string }
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != c.status || got.ResultCode != c.code || got.ResultMsg == "" || strings.Contains(r.body, "orderInfo") || strings.Contains(r.body, "disk") {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
	}
}

// Failures of the proof have the gateway's body, whatever the interface. spec: 14 §4, 01 §5
func TestRefusalsOfTheGateway(t *testing.T) {
	s := start(t, newMarket(), 0)
	cases := []struct {
		name   string
		method string
		target string
		change func(*http.Request)
		status int
		code   string
	}{
		{"no signature", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) { r.Header.Del("Authorization") }, 401, "APIGW.0301"},
		{"wrong signature", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) { r.URL.RawQuery = "orderId=B" }, 401, "APIGW.0301"},
		{"other algorithm", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) {
			r.Header.Set("Authorization", "V11-HMAC-SHA256"+strings.TrimPrefix(r.Header.Get("Authorization"), "SDK-HMAC-SHA256"))
		}, 401, "APIGW.0301"},
		{"unknown key", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "AKSELLER1", "AKNOBODY", 1))
		}, 401, "APIGW.0301"},
		{"clock", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) { r.Header.Set("X-Sdk-Date", "20261124T074459Z") }, 401, "APIGW.0303"},
		{"token", "GET", openapi.OrderQueryPath + "?orderId=A", func(r *http.Request) { r.Header.Set("X-Auth-Token", "t") }, 401, "APIGW.0301"},
		{"unknown path", "GET", openapi.Prefix + "global/v1/order/none", nil, 404, "APIGW.0101"},
		{"wrong method", "POST", openapi.OrderQueryPath + "?orderId=A", nil, 404, "APIGW.0101"},
		{"long address", "GET", openapi.OrderQueryPath + "?orderId=" + strings.Repeat("A", 9<<10), nil, 414, "APIGW.0201"},
	}
	for _, c := range cases {
		s.change = c.change
		r := s.call(c.method, c.target, "")
		var got struct{ Error_code, Error_msg, Request_id string }
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || r.status != c.status || got.Error_code != c.code || got.Error_msg == "" || got.Request_id != r.header.Get("X-Request-Id") || got.Request_id == "" {
			t.Errorf("%s: %d %s", c.name, r.status, r.body)
		}
	}
	s.change = nil
	s.ak, s.sk = "AKOFF", "sk-off"
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 401 || !strings.Contains(r.body, "APIGW.0301") {
		t.Errorf("disabled key: %d %s", r.status, r.body)
	}
	s.m.err = errors.New("store is gone")
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 502 || strings.Contains(r.body, "gone") {
		t.Errorf("store broken: %d %s", r.status, r.body)
	}
}

func TestAKeyIsLockedAfterMoreThanFiveFailuresInARow(t *testing.T) {
	s := start(t, newMarket(), 0)
	fail := func(n int) {
		t.Helper()
		s.sk = "wrong"
		for range n {
			if r := s.get("?orderId=MOCKONDEMAND"); r.status != 401 {
				t.Fatalf("wrong secret: %d", r.status)
			}
		}
		s.sk = "sk-one"
	}
	fail(5)
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 200 {
		t.Fatalf("five failures: %d %s", r.status, r.body)
	}
	fail(6) // the good call above began a new row
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 401 || !strings.Contains(r.body, "locked") {
		t.Fatalf("six failures: %d %s", r.status, r.body)
	}
	s.m.advance(5*time.Minute - time.Second)
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 401 {
		t.Errorf("a second before the end: %d", r.status)
	}
	s.m.advance(time.Second)
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 200 {
		t.Errorf("after five minutes: %d %s", r.status, r.body)
	}
}

func TestThrottleIsPerSeller(t *testing.T) {
	s := start(t, newMarket(), 3)
	for i := range 3 {
		if r := s.get("?orderId=MOCKONDEMAND"); r.status != 200 {
			t.Fatalf("request %d: %d", i, r.status)
		}
	}
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 406 || !strings.Contains(r.body, `"resultCode":"MKT.0250"`) {
		t.Errorf("fourth: %d %s", r.status, r.body)
	}
	other := *s
	other.ak, other.sk = "AKSELLER2", "sk-two"
	if r := other.get("?orderId=MOCKONDEMAND"); r.status != 200 {
		t.Errorf("another seller: %d", r.status)
	}
	s.m.advance(time.Second)
	if r := s.get("?orderId=MOCKONDEMAND"); r.status != 200 {
		t.Errorf("a second later: %d", r.status)
	}
}

// testdata/mock.sha256 holds the hashes of the nine answers. Sellers test against them: they do not change.
func TestMockOrdersAreFrozen(t *testing.T) {
	frozen := map[string]string{}
	b, err := os.ReadFile("testdata/mock.sha256")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		sum, id, _ := strings.Cut(line, "  ")
		frozen[id] = sum
	}
	s := start(t, newMarket(), 0)
	if len(openapi.MockOrders()) != 9 || len(frozen) != 9 {
		t.Fatalf("%d mock orders, %d frozen, want 9", len(openapi.MockOrders()), len(frozen))
	}
	for _, id := range openapi.MockOrders() {
		for _, query := range []string{"?orderId=" + id, "?orderId=" + id + "&orderLineId=" + id + "-000001"} {
			r := s.get(query)
			sum := sha256.Sum256([]byte(r.body))
			if got := hex.EncodeToString(sum[:]); r.status != 200 || got != frozen[id] {
				t.Errorf("%s  %s", got, id)
			}
			// What is served is the file, member for member.
			file, err := os.ReadFile("testdata/mock/" + id + ".json")
			if err != nil {
				t.Fatal(err)
			}
			if compact(t, file) != r.body {
				t.Errorf("%s: the answer is not the file", id)
			}
		}
	}
}

// compact drops the white space of a file and nothing else.
func compact(t *testing.T, b []byte) string {
	t.Helper()
	var out strings.Builder
	inText, escaped := false, false
	for _, c := range string(b) {
		switch {
		case inText:
			inText, escaped = escaped || c != '"', !escaped && c == '\\'
		case c == '"':
			inText = true
		case c == ' ' || c == '\n':
			continue
		}
		out.WriteRune(c)
	}
	return out.String()
}

// The nine show every type and charging mode that the documents name. spec: 22 §2.2
func TestMockOrdersCoverTheirScenes(t *testing.T) {
	want := map[string][3]string{
		"MOCKPERIODYEARNEW": {"NEW", "PERIOD", "year"}, "MOCKONETIMENEW": {"NEW", "ONE_TIME", ""}, "MOCKONDEMAND": {"NEW", "ON_DEMAND", ""},
		"MOCKONDEMANDPKG": {"NEW", "ON_DEMAND_PKG", ""}, "MOCKPERIODDAYTRIAL": {"TRIAL", "PERIOD", "day"}, "MOCKMONTYTRIALTOFORMAL": {"TRIAL_TO_FORMAL", "PERIOD", "month"},
		"MOCKMONTYUNSUBSCRIBE": {"UNSUBSCRIBE", "PERIOD", "month"}, "MOCKMONTYRENEW": {"RENEW", "PERIOD", "month"}, "MOCKMONTYCHANGE": {"CHANGE", "PERIOD", "month"},
	}
	for id, w := range want {
		body, found := openapi.MockAnswer(id, "")
		var a struct {
			OrderInfo struct {
				OrderType string
				OrderLine []struct {
					OrderLineID, ChargingMode, PeriodType, Currency, CurrencyAfterDiscount, ExpireTime string
				}
			}
		}
		if err := json.Unmarshal(body, &a); err != nil || !found {
			t.Fatalf("%s: %v", id, err)
		}
		l := a.OrderInfo.OrderLine[0]
		if got := [3]string{a.OrderInfo.OrderType, l.ChargingMode, l.PeriodType}; got != w || l.OrderLineID != id+"-000001" {
			t.Errorf("%s: %v %s", id, got, l.OrderLineID)
		}
		unsubscribed := a.OrderInfo.OrderType == "UNSUBSCRIBE"
		if strings.HasPrefix(l.CurrencyAfterDiscount, "-") != unsubscribed || (l.Currency == "") != unsubscribed {
			t.Errorf("%s: amounts %q %q", id, l.Currency, l.CurrencyAfterDiscount)
		}
		if ends := l.ChargingMode == "PERIOD" || l.ChargingMode == "ON_DEMAND_PKG"; ends != (l.ExpireTime != "") {
			t.Errorf("%s: expireTime %q", id, l.ExpireTime)
		}
	}
}

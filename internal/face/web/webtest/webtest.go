// Package webtest is a small marketplace in memory behind the pages of package web: what its tests and the browser
// tests open. Each state that a page can show occurs in it. It must not be imported by the program.
package webtest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web"
	"github.com/souk-market/souk/internal/ground/fault"
)

// Now is the instant of the marketplace.
var Now = time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC)

// Market is all four services. Its zero value is not usable: New.
type Market struct {
	mu        sync.Mutex
	sessions  map[string]string // secret → login
	Restarted []string          // ids of restarted attempts
	Opened    []string          // instances whose entry was opened
	Broken    error             // every call fails with it when set
}

// New makes a marketplace with three people: buyer, seller and operator, password "let-me-in-please".
func New() *Market { return &Market{sessions: map[string]string{}} }

// Password is everybody's.
const Password = "let-me-in-please"

var people = map[string]web.Viewer{
	"buyer":    {Name: "李青", Company: "云上花开科技", Actor: access.Actor{PersonID: "p-buyer", CompanyID: "c-buyer", CompanyKind: access.Buyer, Roles: []access.Role{access.BuyerOwner}}},
	"seller":   {Name: "王敏", Company: "青木软件", Actor: access.Actor{PersonID: "p-seller", CompanyID: "c-seller", CompanyKind: access.Seller, Roles: []access.Role{access.SellerOwner}}},
	"operator": {Name: "赵远", Company: "集市运营", Actor: access.Actor{PersonID: "p-operator", CompanyID: "c-operator", CompanyKind: access.Operator, Roles: []access.Role{access.Admin}}},
}

// Options are those of a sandbox served by this marketplace.
func (m *Market) Options() web.Options {
	return web.Options{
		Login: m, Catalog: m, Orders: m, Attempts: m, Sandbox: true,
		Now: func() time.Time { return Now }, Zone: time.FixedZone("Asia/Shanghai", 8*3600),
	}
}

// LogIn implements web.Login.
func (m *Market) LogIn(_ context.Context, login, password string) (string, time.Time, error) {
	if m.Broken != nil {
		return "", time.Time{}, m.Broken
	}
	if _, ok := people[login]; !ok || password != Password {
		return "", time.Time{}, fault.New(fault.Unauthenticated, "wrong_login", "login or password is wrong")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	s := fmt.Sprintf("session-%s-%d", login, len(m.sessions))
	m.sessions[s] = login
	return s, Now.Add(12 * time.Hour), nil
}

// Session implements web.Login.
func (m *Market) Session(_ context.Context, session string) (web.Viewer, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := people[m.sessions[session]]
	return v, ok, nil
}

// LogOut implements web.Login.
func (m *Market) LogOut(_ context.Context, session string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.sessions, session)
	return nil
}

// Products implements web.Catalog.
func (m *Market) Products(_ context.Context, page string) ([]web.Product, string, error) {
	if m.Broken != nil || page == "end" {
		return nil, "", m.Broken
	}
	return []web.Product{
		{ID: "prod-1", Name: "协同办公云", Seller: "青木软件", Summary: "文档、审批、日程和视频会议在一处，十分钟开通，支持企业域名邮箱。", SKUs: []web.SKU{
			{Code: "sku-1", Name: "标准版", Attributes: []web.Attribute{{Name: "空间", Value: "100 GB"}, {Name: "用户数", Value: "1–5000"}}, Offers: []web.Offer{
				{ProductID: "OFFI600100000000000001", PeriodType: "month", Price: "220.00", Currency: "CNY"},
				{ProductID: "OFFI600100000000000002", PeriodType: "year", Price: "2200.00", Currency: "CNY"}}},
			{Code: "sku-2", Name: "专业版", Offers: []web.Offer{{ProductID: "OFFI600100000000000003", PeriodType: "year", Price: "1234567.50", Currency: "CNY"}}},
		}},
		{ID: "prod-2", Name: "龘鬱网站防火墙 & <Web Shield>", Seller: "磐石安全", Summary: "为网站和接口抵御攻击；含「等保」报表、𠮷字支持与 emoji 无关。", SKUs: []web.SKU{
			{Code: "sku-3", Name: "基础版", Offers: []web.Offer{{ProductID: "OFFI600100000000000009", PeriodType: "one_time", Price: "3800.00", Currency: "USD"}}},
		}},
		{ID: "prod-3", Name: "数据迁移服务包", Seller: "青木软件", SKUs: []web.SKU{
			{Code: "sku-4", Name: "10 TB 以内", Offers: []web.Offer{{ProductID: "OFFI600100000000000010", PeriodType: "one_time", Price: "0.99", Currency: "CNY"}}},
		}},
	}, "end", nil
}

func at(d time.Duration) time.Time { return Now.Add(d) }

// orders are one per state that a page knows.
func orders() []web.Order {
	row := func(id, typ, status, sub, amount string) web.OrderRow {
		return web.OrderRow{ID: id, Type: typ, Status: status, SubState: sub, Product: "协同办公云", Buyer: "云上花开科技", Seller: "青木软件", Amount: amount, Currency: "CNY", CreatedAt: at(-26 * time.Hour)}
	}
	line := func(id, instance, status string) web.Line {
		return web.Line{ID: id + "-000001", Product: "协同办公云", SKU: "标准版", Amount: "2200.00", PeriodType: "year", PeriodNumber: 1, Quantity: 20, InstanceID: instance, InstanceStatus: status}
	}
	active := line("CS2611231230ABC2D", "inst-1", "ACTIVE")
	active.SellerInstanceID, active.HasEntry = "7f141bf1-aec8-4859-8323-fb3a8ad50721", true
	active.EffectiveAt, active.ExpireAt = at(-25*time.Hour), at(364*24*time.Hour)
	frozen := line("CS2510231230QRS7T", "inst-3", "FROZEN")
	frozen.FreezeReasons = []string{"expiry", "violation"}
	return []web.Order{
		{OrderRow: row("CS2611241410XYZ5A", "NEW", "PENDING_PAYMENT", "", "2200.00"), PayDeadline: at(6*24*time.Hour + 5*time.Hour), Lines: []web.Line{line("CS2611241410XYZ5A", "", "")}},
		{OrderRow: row("CS2611241400KLM3N", "NEW", "PROCESSING", "provisioning", "2200.00"), PaidAt: at(-time.Hour), NextCallAt: at(43 * time.Minute), Lines: []web.Line{line("CS2611241400KLM3N", "inst-2", "CREATING")}},
		{OrderRow: row("CS2611241330MNO4P", "NEW", "PROCESSING", "supervision", "88000.00"), PaidAt: at(-time.Hour), Lines: []web.Line{line("CS2611241330MNO4P", "inst-4", "PROVISIONING")}},
		{OrderRow: row("CS2611241320PQR5S", "RENEW", "PROCESSING", "manual_retry", "2200.00"), PaidAt: at(-time.Hour), Lines: []web.Line{line("CS2611241320PQR5S", "inst-5", "GRACE")}},
		{OrderRow: row("CS2611241310STU6V", "UNSUBSCRIBE", "PROCESSING", "refunding", "-2200.00"), OriginOrderID: "CS2611231230ABC2D", Lines: []web.Line{line("CS2611241310STU6V", "inst-6", "RELEASED")}},
		{OrderRow: row("CS2611231230ABC2D", "NEW", "COMPLETED", "", "2200.00"), PaidAt: at(-25*time.Hour - 10*time.Minute), CompletedAt: at(-25 * time.Hour), Lines: []web.Line{active}},
		{OrderRow: row("CS2611221200DEF4E", "NEW", "COMPLETED", "refunded", "2200.00"), PaidAt: at(-25 * time.Hour), CompletedAt: at(-22 * time.Hour), Reason: "newInstance: 3 h, 4 calls, HTTP 500", PossiblyOrphaned: true, Lines: []web.Line{line("CS2611221200DEF4E", "inst-7", "FAILED")}},
		{OrderRow: row("CS2611201100GHI5F", "TRIAL", "CANCELED", "", "0.00"), Lines: []web.Line{line("CS2611201100GHI5F", "", "")}},
		{OrderRow: row("CS2510231230QRS7T", "NEW", "COMPLETED", "", "2200.00"), PaidAt: at(-397 * 24 * time.Hour), CompletedAt: at(-397 * 24 * time.Hour), Lines: []web.Line{frozen}},
		{OrderRow: row("CS2509231230TUV8W", "CHANGE", "LEVITATING", "", "1.00"), Lines: []web.Line{line("CS2509231230TUV8W", "inst-8", "LEVITATING")}},
	}
}

// Orders implements web.Orders. The seller sees all of them, the buyer too.
func (m *Market) Orders(_ context.Context, _ access.Actor, page string) ([]web.OrderRow, string, error) {
	if m.Broken != nil {
		return nil, "", m.Broken
	}
	if page == "end" {
		return nil, "", nil
	}
	var rows []web.OrderRow
	for _, o := range orders() {
		rows = append(rows, o.OrderRow)
	}
	return rows, "end", nil
}

// Order implements web.Orders.
func (m *Market) Order(_ context.Context, _ access.Actor, id string) (web.Order, error) {
	for _, o := range orders() {
		if o.ID == id {
			return o, m.Broken
		}
	}
	return web.Order{}, fault.Unknown("order")
}

// Entry implements web.Orders.
func (m *Market) Entry(_ context.Context, _ access.Actor, orderID, instanceID string) (web.Entry, error) {
	if instanceID != "inst-1" || orderID != "CS2611231230ABC2D" {
		return web.Entry{}, fault.Unknown("instance")
	}
	m.mu.Lock()
	m.Opened = append(m.Opened, instanceID)
	m.mu.Unlock()
	return web.Entry{
		FrontEndURL: "https://office.qingmu.example/t/7f141bf1", AdminURL: "javascript:alert(1)", UserName: "admin@customer.example",
		Password: "S3cret<&>\"'", Memo: "首次登录后\n请修改密码。", Warning: "the password could not be opened",
	}, nil
}

// Actor returns what a login may do.
func Actor(login string) access.Actor { return people[login].Actor }

func attempts() []web.Attempt {
	row := func(id, order, activity string, n int, state string, status int, code string, ago time.Duration) web.AttemptRow {
		return web.AttemptRow{ID: id, OrderID: order, InstanceID: "inst-1", Seller: "青木软件", Activity: activity, Number: n, State: state, HTTPStatus: status, ResultCode: code, StartedAt: at(-ago), Duration: 143 * time.Millisecond}
	}
	request := "GET /produce?activity=newInstance&businessId=7c1f&customerName=%E4%BA%91%E4%B8%8A%E8%8A%B1%E5%BC%80&orderId=CS2611241400KLM3N&timeStamp=20261124053000000&authToken=*** HTTP/1.1\r\nHost: office.qingmu.example\r\nAccept: application/json;charset=UTF-8, application/json;q=0.9, */*;q=0.1\r\nAccept-Encoding: identity\r\n\r\n"
	answer := "HTTP/1.1 200 OK\r\nContent-Type: application/json;charset=utf-8\r\nBody-Sign: sign_type=\"HMAC-SHA256\", signature= \"***\"\r\nContent-Length: 97\r\n\r\n{\"resultCode\":\"000000\",\"resultMsg\":\"成功\",\"instanceId\":\"7f141bf1-aec8-4859-8323-fb3a8ad50721\"}"
	page := "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/html\r\n\r\n<html><script>alert('x')</script>\xff\x00\x1b[31m</html>"
	return []web.Attempt{
		{AttemptRow: row("att-4", "CS2611241400KLM3N", "newInstance", 2, "retrying", 500, "", 20*time.Minute), Reason: "httpCode is not 200", NextCallAt: at(43 * time.Minute), Request: []byte(request), Response: []byte(page)},
		{AttemptRow: row("att-3", "CS2611241320PQR5S", "refreshInstance", 4, "failed", 200, "000005", 40*time.Minute), Reason: "result_code", Detail: "frontEndUrl is missing", ResultMsg: strings.Repeat("服务内部错误 ", 60), CanRestart: true, Request: []byte(request), Response: []byte(answer)},
		{AttemptRow: row("att-2", "CS2611241400KLM3N", "newInstance", 1, "unknown", 0, "", 80*time.Minute), Reason: "time-out after 20 s", NextCallAt: at(43 * time.Minute), Request: []byte(request)},
		{AttemptRow: row("att-1", "CS2611231230ABC2D", "newInstance", 1, "success", 200, "000000", 25*time.Hour), ResultMsg: "成功", Request: []byte(request), Response: []byte(answer)},
		{AttemptRow: row("att-0", "CS2611231230ABC2D", "orderNotify", 1, "running", 200, "000000", 26*time.Hour), Request: []byte(request), Response: []byte(answer)},
	}
}

// Attempts implements web.Attempts; page counts rows.
func (m *Market) Attempts(_ context.Context, _ access.Actor, f web.AttemptFilter, page string) ([]web.AttemptRow, string, error) {
	if m.Broken != nil {
		return nil, "", m.Broken
	}
	var rows []web.AttemptRow
	for _, a := range attempts() {
		if (f.Order == "" || f.Order == a.OrderID) && (f.State == "" || f.State == a.State) && (f.Activity == "" || f.Activity == a.Activity) {
			rows = append(rows, a.AttemptRow)
		}
	}
	if page == "" && len(rows) > 4 {
		return rows[:4], "4", nil
	}
	if page == "4" && len(rows) > 4 {
		return rows[4:], "", nil
	}
	return rows, "", nil
}

// Attempt implements web.Attempts.
func (m *Market) Attempt(_ context.Context, actor access.Actor, id string) (web.Attempt, error) {
	for _, a := range attempts() {
		if a.ID == id {
			if actor.CompanyKind == access.Buyer {
				a.Request, a.Response, a.ResultMsg, a.Detail = nil, nil, "", ""
			}
			return a, m.Broken
		}
	}
	return web.Attempt{}, fault.Unknown("attempt")
}

// Restart implements web.Attempts.
func (m *Market) Restart(_ context.Context, _ access.Actor, id string) error {
	if id != "att-3" {
		return fault.New(fault.Conflict, "not_failed", "only a call that failed for good is restarted")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Restarted = append(m.Restarted, id)
	return nil
}

// Paths are all pages, with the login that may open each; "" for nobody.
func Paths() []struct{ Login, Path string } {
	paths := []struct{ Login, Path string }{
		{"", "/"}, {"", "/?page=end"}, {"", "/login"}, {"", "/nowhere"}, {"buyer", "/"}, {"buyer", "/orders"}, {"buyer", "/orders?page=end"},
		{"buyer", "/orders/CS2611231230ABC2D/instances/inst-1/entry"}, {"seller", "/attempts"}, {"seller", "/attempts?state=failed"},
		{"seller", "/attempts?order=none"}, {"operator", "/attempts?page=4"}, {"buyer", "/attempts"}, {"buyer", "/attempts/att-1"}, {"seller", "/orders/none"},
		{"seller", "/attempts/att-4?view=hex"},
	}
	for _, o := range orders() {
		paths = append(paths, struct{ Login, Path string }{"seller", "/orders/" + o.ID})
	}
	for _, a := range attempts() {
		paths = append(paths, struct{ Login, Path string }{"seller", "/attempts/" + a.ID})
	}
	return paths
}

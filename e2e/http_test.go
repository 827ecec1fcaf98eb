package e2e

import (
	"encoding/csv"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/markettest"
)

// reader is a person with a browser that has no scripts: cookies, forms, no redirects followed by itself.
type reader struct {
	w      *world
	client *http.Client
	header http.Header
}

func (w *world) open(login string) *reader {
	w.t.Helper()
	jar, _ := cookiejar.New(nil)
	r := &reader{w: w, header: http.Header{}, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	if login != "" {
		_, page := r.get("/login")
		res, body := r.post("/login", page, url.Values{"login": {login}, "password": {w.Account(login).Password}, "next": {"/account"}})
		if res.StatusCode != http.StatusSeeOther {
			w.t.Fatalf("login as %s: %d %s", login, res.StatusCode, body)
		}
	}
	return r
}

func (r *reader) do(method, path, body string) (*http.Response, string) {
	r.w.t.Helper()
	req, err := http.NewRequest(method, r.w.URL+path, strings.NewReader(body))
	if err != nil {
		r.w.t.Fatal(err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := r.client.Do(req)
	if err != nil {
		r.w.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.w.t.Fatal(err)
	}
	return res, string(b)
}

func (r *reader) get(path string) (*http.Response, string) {
	r.w.t.Helper()
	return r.do("GET", path, "")
}

var (
	tokenField = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)
	keyField   = regexp.MustCompile(`name="key" value="([0-9a-f]+)"`)
)

// post sends a form that stood on a page.
func (r *reader) post(path, page string, form url.Values) (*http.Response, string) {
	r.w.t.Helper()
	m := tokenField.FindStringSubmatch(page)
	if m == nil {
		r.w.t.Fatalf("the page before %s has no form", path)
	}
	form.Set("csrf", m[1])
	if k := keyField.FindStringSubmatch(page); k != nil && form.Get("key") == "" {
		form.Set("key", k[1])
	}
	return r.do("POST", path, form.Encode())
}

// press opens a page, sends one of its forms and follows to the page after it.
func (r *reader) press(at, path string, form url.Values) (*http.Response, string) {
	r.w.t.Helper()
	_, page := r.get(at)
	if !strings.Contains(page, `action="`+path+`"`) {
		r.w.t.Fatalf("%s offers no form for %s", at, path)
	}
	res, body := r.post(path, page, form)
	if to := res.Header.Get("Location"); to != "" {
		return r.get(to)
	}
	return res, body
}

func wants(t *testing.T, what, page string, texts ...string) {
	t.Helper()
	plain := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))
	for _, s := range texts {
		if !strings.Contains(page, s) && !strings.Contains(plain, s) {
			t.Errorf("%s: no %q", what, s)
		}
	}
}

// Every page answers, says its next step, holds no inline script or style, no text that the catalogue lacks.
func TestEveryPageAnswers(t *testing.T) {
	for i, engine := range markettest.Engines {
		t.Run(string(engine), func(t *testing.T) { everyPageAnswers(t, newWorldOn(t, i).fill()) })
	}
}

func everyPageAnswers(t *testing.T, w *world) {
	t.Helper()
	readers := map[string]*reader{}
	pages := w.pages()
	// And what only an address leads to: every filter, sorting and export.
	for _, more := range []at{
		{"buyer", "/buyer/orders?words=%E4%BA%91&status=COMPLETED&from=2026-01-01&to=2036-01-01&sort=placed"}, {"buyer", "/buyer/services?words=a&status=ACTIVE"},
		{"yunfan", "/seller/calls?activity=newInstance&state=unknown&sort=time"}, {"yunfan", "/seller/products?words=%E4%BA%91%E5%B8%86&status=DRAFT&sort=-state"},
		{"operator", "/operator/companies?words=souk&kind=operator"}, {"operator", "/operator/top-ups?status=POSTED"}, {"operator", "/operator/ledger?words=held&sort=-balance"},
		{"operator", "/operator/system?state=queued"}, {"operator", "/operator/orders?order=" + w.ids["refunded"]},
	} {
		pages = append(pages, more)
	}
	for _, p := range pages {
		if readers[p.login] == nil {
			readers[p.login] = w.open(p.login)
		}
		for _, lang := range []string{"zh-CN", "en-US"} {
			res, page := readers[p.login].get(inLanguage(p.path, lang))
			want := http.StatusOK
			switch p.path {
			case "/nowhere":
				want = http.StatusNotFound
			case "/buyer":
				if p.login == "operator" {
					want = http.StatusForbidden
				}
			}
			where := p.path + " as " + p.login
			if res.StatusCode != want {
				t.Errorf("%s: %d", where, res.StatusCode)
			}
			if strings.Contains(page, "‹") || strings.Contains(page, "ZgotmplZ") {
				t.Errorf("%s: a text is missing: %v", where, regexp.MustCompile(`‹[^›]*›`).FindAllString(page, -1))
			}
			if !strings.Contains(page, `class="next"`) && !strings.Contains(page, `class="step `) {
				t.Errorf("%s has no next step", where)
			}
			if regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>|javascript:`).MatchString(page) {
				t.Errorf("%s has inline style or script", where)
			}
			csp := res.Header.Get("Content-Security-Policy")
			if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: headers %v", where, res.Header)
			}
		}
	}
	for _, one := range []at{
		{"buyer", "/buyer/orders"}, {"buyer", "/buyer/services"}, {"buyer", "/buyer/balance"}, {"yunfan", "/seller/orders"}, {"yunfan", "/seller/calls"}, {"yunfan", "/seller/balance"},
		{"operator", "/operator/orders"}, {"operator", "/operator/calls"}, {"operator", "/operator/companies"}, {"operator", "/operator/top-ups"}, {"operator", "/operator/ledger"}, {"operator", "/operator/ledger?order=" + w.ids["refunded"]},
	} {
		res, body := readers[one.login].get(strings.ReplaceAll(inLanguage(one.path, "en-US"), "lang=", "format=csv&lang="))
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(body, "\ufeff"))).ReadAll()
		if err != nil || len(rows) < 2 || res.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("export of %s: %d rows, %v, %v", one.path, len(rows), err, res.Header)
		}
	}
}

// What the pages before led to still leads there: the viewer's own centre.
func TestOldAddressesLeadToTheOwnCentre(t *testing.T) {
	w := newWorld(t)
	for login, want := range map[string]string{"": "/login?next=%2Forders%3Fx%3D1", "buyer": "/buyer/orders?x=1", "yunfan": "/seller/orders?x=1", "operator": "/operator/orders?x=1"} {
		if res, _ := w.open(login).get("/orders?x=1"); res.Header.Get("Location") != want {
			t.Errorf("/orders as %q leads to %q, want %q", login, res.Header.Get("Location"), want)
		}
	}
	if res, _ := w.open("yunfan").get("/attempts/a-1"); res.Header.Get("Location") != "/seller/calls/a-1" {
		t.Errorf("/attempts leads to %q", res.Header.Get("Location"))
	}
}

func TestLoginSessionAndLogout(t *testing.T) {
	w := newWorld(t)
	r := w.open("")
	_, page := r.get("/login")
	res, body := r.post("/login", page, url.Values{"login": {" buyer "}, "password": {"wrong<b>"}, "next": {"/buyer/orders"}})
	if res.StatusCode != 401 || !strings.Contains(body, `value="buyer"`) || strings.Contains(body, "wrong") {
		t.Errorf("wrong password: %d; the login must be kept and the password not", res.StatusCode)
	}
	for next, want := range map[string]string{"//evil.example": "/account", "https://evil.example/": "/account", `/\evil.example`: "/account", "": "/account", "/buyer?x=1": "/buyer?x=1"} {
		if _, page := r.get("/login?next=" + url.QueryEscape(next)); !strings.Contains(page, `name="next" value="`+want+`"`) {
			t.Errorf("next=%q was kept", next)
		}
	}
	r = w.open("buyer")
	if res, page = r.get("/buyer"); res.StatusCode != 200 || !strings.Contains(page, "李采购") {
		t.Errorf("after login: %d", res.StatusCode)
	}
	if res, _ := r.post("/logout", page, url.Values{}); res.StatusCode != 303 {
		t.Errorf("logout: %d", res.StatusCode)
	}
	if res, _ := r.get("/buyer"); res.StatusCode != 303 {
		t.Errorf("after logout the centre was still served: %d", res.StatusCode)
	}
}

func TestFormsNeedTheirToken(t *testing.T) {
	w := newWorld(t)
	r := w.open("buyer")
	order := w.Place(w.offer, 1)
	for name, form := range map[string]string{"none": "x=1", "wrong": "csrf=" + strings.Repeat("0", 64), "huge": "x=" + strings.Repeat("x", 70<<10)} {
		for _, path := range []string{"/buyer/orders/" + order + "/pay", "/logout", "/checkout", "/buyer/balance/top-ups"} {
			if res, _ := r.do("POST", path, form); res.StatusCode != 403 && res.StatusCode != 400 {
				t.Errorf("%s token on %s: %d", name, path, res.StatusCode)
			}
		}
	}
	if w.Do("buyer", "GET", api+"/orders/"+order, "").String("status") != "PENDING_PAYMENT" {
		t.Error("an order was paid without a token")
	}
}

func TestCheckoutTellsPriceAndRefusesWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	r := w.open("buyer")
	at := "/checkout?offer=" + w.offer + "&quantity=5&period_number=2"
	_, page := r.get(at)
	wants(t, "checkout", page, "¥12.00", "× 5 人", "2 个月", "¥120.00", "¥200,000.00", "¥199,880.00")
	form := func(change ...string) url.Values {
		v := url.Values{"form": {"checkout"}, "offer": {w.offer}, "quantity": {"5"}, "period_number": {"2"}, "expected_amount": {"120.00"}, "accept_agreement": {"yes"}}
		for i := 0; i+1 < len(change); i += 2 {
			v.Set(change[i], change[i+1])
		}
		return v
	}
	for what, c := range map[string]struct {
		form   url.Values
		status int
		says   []string
	}{
		"no agreement":  {form("accept_agreement", ""), 400, []string{"请先阅读并同意服务协议", `value="5"`}},
		"quantity 0":    {form("quantity", "0"), 400, []string{"须为 1 到 5000 的整数", `value="0"`}},
		"quantity text": {form("quantity", "<many>"), 400, []string{"须为 1 到 5000 的整数", `value="&lt;many&gt;"`}},
		"quantity huge": {form("quantity", "99999999999999999999"), 400, []string{"须为 1 到 5000 的整数"}},
		"above range":   {form("quantity", "5001"), 422, []string{"须为 1 到 5000 的整数", "quantity-error"}},
		"stale price":   {form("expected_amount", "99.00"), 409, []string{"价格已变化", `name="expected_amount" value="120.00"`}},
		"unknown offer": {form("offer", "OFFI000"), 404, []string{"页面不存在"}},
	} {
		res, body := r.post("/checkout", page, c.form)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d, want %d", what, res.StatusCode, c.status)
		}
		wants(t, what, body, c.says...)
	}
	if n := len(w.Do("buyer", "GET", api+"/orders", "").Body["items"].([]any)); n != 0 {
		t.Fatalf("%d orders were placed by refused forms", n)
	}
	// Sent twice, it is one order, paid once.
	var last string
	for range 2 {
		res, _ := r.post("/checkout", page, form("pay", "now"))
		to := res.Header.Get("Location")
		if res.StatusCode != 303 || !strings.HasPrefix(to, "/buyer/orders/CS") || last != "" && to != last {
			t.Fatalf("order: %d %q, before %q", res.StatusCode, to, last)
		}
		last = to
	}
	if n := len(w.Do("buyer", "GET", api+"/orders", "").Body["items"].([]any)); n != 1 {
		t.Errorf("a double submit made %d orders", n)
	}
	// The same form with other content is refused, not taken for the first.
	if res, body := r.post("/checkout", page, form("quantity", "6", "expected_amount", "144.00")); res.StatusCode != 409 || !strings.Contains(body, "该表单已提交过其他内容") {
		t.Errorf("the same key with another input: %d", res.StatusCode)
	}
	// What the balance does not cover is ordered and kept, and the page says what to do.
	_, page = r.get("/checkout?offer=" + w.offer + "&quantity=5000&period_number=12")
	res, _ := r.post("/checkout", page, url.Values{"offer": {w.offer}, "quantity": {"5000"}, "period_number": {"12"}, "expected_amount": {"720000.00"}, "accept_agreement": {"yes"}, "pay": {"now"}})
	_, body := r.get(res.Header.Get("Location"))
	wants(t, "an order too dear", body, "余额不足", "/buyer/balance", "付款截止")
}

func TestThePriceFollowsTheChoice(t *testing.T) {
	w := newWorld(t)
	r := w.open("")
	for query, want := range map[string]string{
		"":                            "¥12.00",
		"?quantity=7":                 "¥84.00",
		"?quantity=7&period_number=3": "¥252.00",
		"?quantity=0":                 "须为 1 到 5000 的整数",
		"?quantity=5001":              "须为 1 到 5000 的整数",
		"?period_number=100":          "须为 1 到 99 的整数",
		"?offer=unknown&quantity=2":   "¥24.00",
		"?quantity=%3Cscript%3E":      "须为 1 到 5000 的整数",
	} {
		_, page := r.get("/products/" + w.product + query)
		at := strings.Index(page, `id="total"`)
		wants(t, query, page[at:], want)
	}
}

func TestCredentialsAndKeysAreBehindAClick(t *testing.T) {
	w := newWorld(t).fill()
	r := w.open("buyer")
	at := "/buyer/services/" + w.ids["instance"]
	_, page := r.get(at)
	if strings.Contains(page, "entry-title") || strings.Contains(page, "用户名") {
		t.Error("the service page already holds the credentials")
	}
	res, page := r.press(at, at+"/entry", url.Values{})
	wants(t, "entry", page, "使用入口", "用户名", "密码", "本次查看已记录")
	if res.Header.Get("Cache-Control") != "no-store" {
		t.Error("the entry may be cached")
	}
	_, page = r.press(at, at+"/details", url.Values{})
	wants(t, "live details", page, "已向商家实时查询", "使用入口")
	// The seller sees the service, and never the buyer's credentials.
	if _, page = w.open("yunfan").get("/seller/services/" + w.ids["instance"]); strings.Contains(page, "/entry") {
		t.Error("the seller is offered the buyer's entry")
	}
	key := w.People.Seller("v1").Keys["base"]
	s := w.open("yunfan")
	if _, page = s.get("/seller/access"); strings.Contains(page, key) {
		t.Error("the page of keys holds a key")
	}
	if _, page = s.press("/seller/access", "/seller/access/keys/base/reveal", url.Values{}); !strings.Contains(page, key) {
		t.Error("the key is not shown when asked for")
	}
	_, page = s.press("/seller/access", "/seller/access/keys/kit", url.Values{"form": {"rotate-kit"}})
	wants(t, "rotated", page, "新密钥只显示这一次", "应答中接受至")
	if _, page = s.press("/seller/access", "/seller/access/keys/kit", url.Values{"form": {"rotate-kit"}, "key": {"with blank"}}); !strings.Contains(page, "不含空格") || !strings.Contains(page, `value="with blank"`) {
		t.Error("a bad key is not refused beside its field")
	}
}

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

// A foreign id answers exactly like an unknown one.
func TestForeignIsLikeUnknown(t *testing.T) {
	w := newWorld(t).fill()
	r := w.open("buyer2")
	for _, path := range []string{"/buyer/orders/", "/buyer/services/"} {
		foreign := map[string]string{"/buyer/orders/": w.ids["completed"], "/buyer/services/": w.ids["instance"]}[path]
		a, pageA := r.get(path + foreign)
		b, pageB := r.get(path + "CS0000000000OTHER")
		clock := regexp.MustCompile(`<time[^<]*</time>`) // the sandbox shows its time on every page
		pageA, pageB = clock.ReplaceAllString(strings.ReplaceAll(pageA, foreign, ""), ""), clock.ReplaceAllString(strings.ReplaceAll(pageB, "CS0000000000OTHER", ""), "")
		// The request's own id, for support, is on every error page.
		pageA, pageB = strings.ReplaceAll(pageA, a.Header.Get("X-Request-Id"), ""), strings.ReplaceAll(pageB, b.Header.Get("X-Request-Id"), "")
		if a.StatusCode != 404 || b.StatusCode != 404 || pageA != pageB {
			t.Errorf("%s: %d %d, and the pages differ: %v", path, a.StatusCode, b.StatusCode, pageA != pageB)
		}
	}
	s := w.open("beichen")
	for _, path := range []string{"/seller/orders/" + w.ids["completed"], "/seller/products/" + w.product, "/seller/products/" + w.ids["draft"]} {
		if res, _ := s.get(path); res.StatusCode != 404 {
			t.Errorf("%s as another seller: %d", path, res.StatusCode)
		}
	}
	if res, _ := w.open("").get("/products/" + w.ids["draft"]); res.StatusCode != 404 {
		t.Errorf("a draft is public: %d", res.StatusCode)
	}
}

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

// Money from outside: the buyer asks, one operator confirms the receipt; in a sandbox it is posted at once.
func TestTopUpIsAskedForAndPosted(t *testing.T) {
	w := newWorld(t)
	b, f := w.open("buyer"), w.open("finance")
	for amount, says := range map[string]string{"": "须为大于 0 的金额", "-5": "须为大于 0 的金额", "1.234": "须为大于 0 的金额", "<b>": `value="&lt;b&gt;"`} {
		res, page := b.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {amount}, "currency": {"CNY"}})
		if res.StatusCode != 400 || !strings.Contains(page, says) {
			t.Errorf("amount %q: %d", amount, res.StatusCode)
		}
	}
	_, page := b.press("/buyer/balance", "/buyer/balance/top-ups", url.Values{"form": {"top-up"}, "amount": {"500.50"}, "currency": {"CNY"}})
	wants(t, "asked", page, "申请已提交", "待确认到账", "¥200,000.00")
	_, page = f.get("/operator/top-ups?status=ASKED")
	m := regexp.MustCompile(`action="(/operator/top-ups/[^"/]+)/take"`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("finance is not offered the buyer's wish")
	}
	_, page = f.press("/operator/top-ups", m[1]+"/take", url.Values{})
	wants(t, "taken", page, "已确认到账", "已入账")
	if res, _ := f.post(m[1]+"/take", page, url.Values{}); res.StatusCode != 409 {
		t.Errorf("taken twice: %d", res.StatusCode)
	}
	_, page = b.get("/buyer/balance")
	wants(t, "posted", page, "¥200,500.50")
	if res, _ := b.get("/operator/top-ups"); res.StatusCode != 403 {
		t.Errorf("a buyer in the back office: %d", res.StatusCode)
	}
	_, page = f.get("/operator/ledger")
	wants(t, "ledger", page, "账本平衡", "bank")
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

// The page of an order is told when something changes: paid, called, ready.
func TestAnOrderTellsItsProgress(t *testing.T) {
	w := newWorld(t)
	b := w.open("buyer")
	w.faults(w.v1, "status=500@newInstance")
	order, call := w.buy(w.offer, 1, "retrying")
	_, page := b.get("/buyer/orders/" + order)
	live := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(page)
	if live == nil {
		t.Fatal("an order under way is not live")
	}
	wants(t, "order under way", page, "商家系统开通", "下次调用商家系统", "由谁处理")
	w.faults(w.v1)
	w.Do("yunfan", "POST", api+"/attempts/"+call+"/restart", "")
	// What happened since the page was drawn is in it, whenever it began.
	res, body := b.get(html.UnescapeString(live[1]))
	if res.Header.Get("Content-Type") != "text/event-stream" || !strings.Contains(body, "event: changed") {
		t.Errorf("stream: %v %q", res.Header, body)
	}
	w.until("the order to be done", func() bool {
		_, page = b.get("/buyer/orders/" + order)
		return strings.Contains(page, "使用服务")
	})
	if strings.Contains(page, "data-live") {
		t.Error("a completed order still waits for changes")
	}
	if res, _ := w.open("buyer2").get(html.UnescapeString(live[1])); res.StatusCode != 404 {
		t.Errorf("another's stream: %d", res.StatusCode)
	}
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

func TestAssetsAreServedByTheBinaryAndNamedByTheirContent(t *testing.T) {
	w := newWorld(t)
	r := w.open("")
	_, page := r.get("/")
	links := regexp.MustCompile(`/assets/[a-z.]+\?v=[0-9a-f]{12}`).FindAllString(page, -1)
	if len(links) < 5 {
		t.Fatalf("assets on the page: %v", links)
	}
	for _, l := range links {
		res, body := r.get(l)
		if res.StatusCode != 200 || body == "" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", l, res.StatusCode, res.Header)
		}
	}
	if res, _ := r.get("/assets/none.css"); res.StatusCode != 404 {
		t.Errorf("unknown asset: %d", res.StatusCode)
	}
	if strings.Contains(page, "http://") || strings.Contains(regexp.MustCompile(`xmlns="[^"]*"`).ReplaceAllString(page, ""), "https://") {
		t.Error("the home page names another address")
	}
}

// Lists are paged by marks; a page after the end or a forged mark does no harm.
func TestListsArePaged(t *testing.T) {
	w := newWorld(t)
	for range 53 {
		w.Place(w.offer, 1)
	}
	b := w.open("buyer")
	_, first := b.get("/buyer/orders")
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(first)
	if next == nil {
		t.Fatal("no second page")
	}
	_, second := b.get(html.UnescapeString(next[1]))
	ids := regexp.MustCompile(`>(CS\w{15})<`)
	seen := map[string]bool{}
	for _, page := range []string{first, second} {
		for _, m := range ids.FindAllStringSubmatch(page, -1) {
			seen[m[1]] = true
		}
	}
	if len(seen) != 53 {
		t.Errorf("%d orders on two pages, want 53", len(seen))
	}
	_, oldest := b.get("/buyer/orders?sort=placed")
	if a, z := ids.FindStringSubmatch(oldest)[1], ids.FindStringSubmatch(first)[1]; a == z {
		t.Error("sorting by time does not turn the list round")
	}
	if res, _ := b.get("/buyer/orders?page=forged"); res.StatusCode != 400 {
		t.Errorf("a forged mark: %d", res.StatusCode)
	}
	res, body := b.get("/buyer/orders?format=csv")
	if n := strings.Count(body, "\n"); n != 54 || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") {
		t.Errorf("export: %d lines, %s", n, res.Header.Get("Content-Type"))
	}
	if _, page := b.get(fmt.Sprintf("/buyer/orders?words=%s", url.QueryEscape("协同"))); !strings.Contains(page, "云帆协同办公") {
		t.Error("two Chinese characters do not find an order")
	}
}

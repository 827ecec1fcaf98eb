package web_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/face/web"
	"github.com/souk-market/souk/internal/face/web/webtest"
	"github.com/souk-market/souk/internal/ground/fault"
)

// browser is a client with cookies that does not follow redirects.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
	header http.Header
}

func open(t *testing.T, m *webtest.Market) *browser {
	t.Helper()
	srv := httptest.NewServer(web.New(m.Options()))
	t.Cleanup(srv.Close)
	jar, _ := cookiejar.New(nil)
	return &browser{t: t, base: srv.URL, header: http.Header{}, client: &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (b *browser) do(req *http.Request) (*http.Response, string) {
	b.t.Helper()
	for k, v := range b.header {
		req.Header[k] = v
	}
	res, err := b.client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return res, string(body)
}

func (b *browser) get(path string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequest("GET", b.base+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) post(path string, form url.Values) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequest("POST", b.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(req)
}

var tokenField = regexp.MustCompile(`name="csrf" value="([0-9a-f]+)"`)

func token(t *testing.T, page string) string {
	t.Helper()
	m := tokenField.FindStringSubmatch(page)
	if m == nil {
		t.Fatal("the page has no form token")
	}
	return m[1]
}

func (b *browser) logIn(login string) {
	b.t.Helper()
	_, page := b.get("/login")
	res, body := b.post("/login", url.Values{"csrf": {token(b.t, page)}, "login": {login}, "password": {webtest.Password}, "next": {"/orders"}})
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/orders" {
		b.t.Fatalf("login: %d %s", res.StatusCode, body)
	}
}

func TestHomeShowsProductsWithPricesToEverybody(t *testing.T) {
	b := open(t, webtest.New())
	res, page := b.get("/")
	for _, want := range []string{`lang="zh-CN"`, "协同办公云", "¥2,200.00", "¥1,234,567.50", "US$3,800.00", "每年", "OFFI600100000000000001", "沙箱环境", "&lt;Web Shield&gt;", `href="/?page=end"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the page", want)
		}
	}
	if res.StatusCode != 200 || len(res.Cookies()) != 0 {
		t.Errorf("status %d, cookies %v", res.StatusCode, res.Cookies())
	}
}

func TestHeadersOfEveryPage(t *testing.T) {
	b := open(t, webtest.New())
	for _, path := range []string{"/", "/login", "/nowhere", "/orders"} {
		res, page := b.get(path)
		csp := res.Header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") || res.Header.Get("X-Content-Type-Options") != "nosniff" || res.Header.Get("Server") != "Souk" {
			t.Errorf("%s: %v", path, res.Header)
		}
		if regexp.MustCompile(`(?i)<style|\sstyle=|\son[a-z]+=|<script>`).MatchString(page) {
			t.Errorf("%s has inline style or script", path)
		}
	}
}

func TestAssetsAreServedByTheBinaryAndNamedByTheirContent(t *testing.T) {
	b := open(t, webtest.New())
	_, page := b.get("/")
	links := regexp.MustCompile(`/assets/[a-z.]+\?v=[0-9a-f]{12}`).FindAllString(page, -1)
	if len(links) < 3 {
		t.Fatalf("assets on the page: %v", links)
	}
	for _, l := range links {
		res, body := b.get(l)
		if res.StatusCode != 200 || body == "" || !strings.Contains(res.Header.Get("Cache-Control"), "immutable") || res.Header.Get("Content-Type") == "" {
			t.Errorf("%s: %d %v", l, res.StatusCode, res.Header)
		}
	}
	if res, _ := b.get("/assets/none.css"); res.StatusCode != 404 {
		t.Errorf("unknown asset: %d", res.StatusCode)
	}
}

func TestLoginSessionAndLogout(t *testing.T) {
	b := open(t, webtest.New())
	res, _ := b.get("/orders/CS2611231230ABC2D?x=1")
	if loc := res.Header.Get("Location"); res.StatusCode != 303 || loc != "/login?next=%2Forders%2FCS2611231230ABC2D%3Fx%3D1" {
		t.Fatalf("without login: %d %s", res.StatusCode, loc)
	}
	_, page := b.get("/login")
	form := url.Values{"csrf": {token(t, page)}, "login": {" buyer "}, "password": {"wrong<b>"}, "next": {"/orders?page=end"}}
	res, page = b.post("/login", form)
	if res.StatusCode != 401 || !strings.Contains(page, `value="buyer"`) || !strings.Contains(page, "登录名或密码不正确") || strings.Contains(page, "wrong") {
		t.Errorf("wrong password: %d; the login must be kept and the password not", res.StatusCode)
	}
	form.Set("password", webtest.Password)
	res, _ = b.post("/login", form)
	var session *http.Cookie
	for _, c := range res.Cookies() {
		if c.Name == "souk_session" {
			session = c
		}
	}
	if session == nil || !session.HttpOnly || session.SameSite != http.SameSiteLaxMode || res.Header.Get("Location") != "/orders?page=end" {
		t.Fatalf("login: %+v %s", session, res.Header.Get("Location"))
	}
	_, page = b.get("/orders")
	if !strings.Contains(page, "李青") {
		t.Error("the page does not say who is logged in")
	}
	if res, _ := b.post("/logout", url.Values{"csrf": {token(t, page)}}); res.StatusCode != 303 {
		t.Errorf("logout: %d", res.StatusCode)
	}
	if res, _ := b.get("/orders"); res.StatusCode != 303 {
		t.Errorf("after logout the orders were still served: %d", res.StatusCode)
	}
}

func TestLoginNeverLeadsToAnotherSite(t *testing.T) {
	b := open(t, webtest.New())
	for next, want := range map[string]string{"//evil.example": "/orders", "https://evil.example/": "/orders", `/\evil.example`: "/orders", "": "/orders", "/attempts?state=failed": "/attempts?state=failed"} {
		_, page := b.get("/login?next=" + url.QueryEscape(next))
		if !strings.Contains(page, `name="next" value="`+want+`"`) {
			t.Errorf("next=%q was kept", next)
		}
	}
}

func TestFormsNeedTheirToken(t *testing.T) {
	m := webtest.New()
	b := open(t, m)
	b.logIn("seller")
	for name, form := range map[string]url.Values{"none": {}, "wrong": {"csrf": {strings.Repeat("0", 64)}}} {
		for _, path := range []string{"/attempts/att-3/restart", "/logout", "/login"} {
			if res, _ := b.post(path, form); res.StatusCode != 403 {
				t.Errorf("%s token on %s: %d", name, path, res.StatusCode)
			}
		}
	}
	if len(m.Restarted) != 0 {
		t.Error("a restart without token was done")
	}
	if res, _ := b.get("/orders"); res.StatusCode != 200 {
		t.Error("a logout without token was done")
	}
}

func TestRestartOfAFailedCall(t *testing.T) {
	m := webtest.New()
	b := open(t, m)
	b.logIn("seller")
	_, page := b.get("/attempts/att-3")
	res, _ := b.post("/attempts/att-3/restart", url.Values{"csrf": {token(t, page)}})
	if res.StatusCode != 303 || len(m.Restarted) != 1 {
		t.Errorf("%d, restarted %v", res.StatusCode, m.Restarted)
	}
	if res, _ := b.post("/attempts/att-1/restart", url.Values{"csrf": {token(t, page)}}); res.StatusCode != 409 {
		t.Errorf("restart of a good call: %d", res.StatusCode)
	}
	if _, page := b.get("/attempts/att-1"); strings.Contains(page, "/restart") {
		t.Error("a good call offers a restart")
	}
}

// A buyer sees that a call was made, not its bytes, and cannot restart it.
func TestRolesDecideWhatIsOffered(t *testing.T) {
	m := webtest.New()
	b := open(t, m)
	b.logIn("buyer")
	res, page := b.get("/attempts/att-3")
	if res.StatusCode != 200 || strings.Contains(page, "<pre") || strings.Contains(page, "/restart") || !strings.Contains(page, "报文只对商家和运营可见") {
		t.Errorf("buyer's page of a call: %d", res.StatusCode)
	}
	_, page = b.get("/orders")
	if res, _ := b.post("/attempts/att-3/restart", url.Values{"csrf": {token(t, page)}}); res.StatusCode != 403 || len(m.Restarted) != 0 {
		t.Errorf("buyer restarts: %d %v", res.StatusCode, m.Restarted)
	}
}

func TestCredentialsAreBehindAClick(t *testing.T) {
	m := webtest.New()
	b := open(t, m)
	b.logIn("buyer")
	_, page := b.get("/orders/CS2611231230ABC2D")
	if strings.Contains(page, "S3cret") || len(m.Opened) != 0 {
		t.Error("the order page already holds the credentials")
	}
	link := regexp.MustCompile(`href="(/orders/[^"]+/entry)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal("the order page offers no entry")
	}
	res, page := b.get(link[1])
	for _, want := range []string{`href="https://office.qingmu.example/t/7f141bf1"`, "S3cret&lt;&amp;&gt;", "请修改密码"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q on the entry page", want)
		}
	}
	if strings.Contains(page, `href="javascript`) || res.Header.Get("Cache-Control") != "no-store" || len(m.Opened) != 1 {
		t.Error("a foreign scheme became a link, the page may be cached, or opening was not told")
	}
	if res, _ := b.get("/orders/CS2611231230ABC2D/instances/none/entry"); res.StatusCode != 404 {
		t.Errorf("unknown instance: %d", res.StatusCode)
	}
}

func TestAttemptsAreFilteredAndPagedInTheURL(t *testing.T) {
	b := open(t, webtest.New())
	b.logIn("seller")
	_, page := b.get("/attempts?order=CS2611241400KLM3N&state=unknown&activity=newInstance")
	if !strings.Contains(page, "/attempts/att-2") || strings.Contains(page, "/attempts/att-4") || !strings.Contains(page, `<option value="unknown" selected>`) {
		t.Error("the filter does not narrow, or is not kept in the form")
	}
	_, page = b.get("/attempts")
	next := regexp.MustCompile(`rel="next" href="([^"]+)"`).FindStringSubmatch(page)
	if next == nil || !strings.Contains(page, "/attempts/att-1") || strings.Contains(page, "/attempts/att-0") {
		t.Fatal("first page")
	}
	if _, page = b.get(strings.ReplaceAll(next[1], "&amp;", "&")); !strings.Contains(page, "/attempts/att-0") || strings.Contains(page, "/attempts/att-1\"") {
		t.Error("second page")
	}
	if _, page = b.get("/attempts?order=none"); !strings.Contains(page, "没有符合条件的调用") {
		t.Error("an empty result does not say what to do")
	}
}

func TestBytesOfBothSidesAreShownAndHarmless(t *testing.T) {
	b := open(t, webtest.New())
	b.logIn("seller")
	_, page := b.get("/attempts/att-4")
	for _, want := range []string{"GET /produce?activity=newInstance", "HTTP/1.1 500 Internal Server Error", "&lt;script&gt;alert(&#39;x&#39;)", `\xff\u0000\u001b[31m`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(page, "<script>alert") || strings.Contains(page, "\x1b") {
		t.Error("a seller's bytes reach the page unescaped")
	}
	if _, page = b.get("/attempts/att-4?view=hex"); !strings.Contains(page, "000000  47 45 54 20") || !strings.Contains(page, "GET /produce?act") {
		t.Error("hexadecimal view")
	}
	if _, page = b.get("/attempts/att-2"); !strings.Contains(page, "没有收到任何字节") {
		t.Error("an absent answer is not named")
	}
	if _, page = b.get("/attempts/att-3"); strings.Contains(page, strings.Repeat("服务内部错误 ", 40)) || !strings.Contains(page, "…") {
		t.Error("a seller's message is not cut to 255 characters") // spec: 02 §2.16
	}
}

// Every page has a next step: a state always says what happens, and who must act.
func TestEveryPageTellsTheNextStep(t *testing.T) {
	for _, p := range webtest.Paths() {
		b := open(t, webtest.New())
		if p.Login != "" {
			b.logIn(p.Login)
		}
		res, page := b.get(p.Path)
		if !strings.Contains(page, `class="next"`) && !strings.Contains(page, `class="step `) {
			t.Errorf("%s (%d) has no next step", p.Path, res.StatusCode)
		}
		if strings.Contains(p.Path, "/orders/CS") && !strings.Contains(p.Path, "/entry") && !regexp.MustCompile(`由谁处理：\s*<strong>[^<]+<`).MatchString(page) {
			t.Errorf("%s does not say who must act", p.Path)
		}
	}
}

func TestErrorsAreNamedAndUnknownIsLikeForeign(t *testing.T) {
	m := webtest.New()
	b := open(t, m)
	b.logIn("buyer")
	res1, page1 := b.get("/orders/none")
	res2, page2 := b.get("/orders/CS0000000000OTHER")
	if res1.StatusCode != 404 || res2.StatusCode != 404 || strings.ReplaceAll(page1, "/orders/none", "") != strings.ReplaceAll(page2, "/orders/CS0000000000OTHER", "") {
		t.Error("two unknown orders answer differently")
	}
	m.Broken = fault.New(fault.Unavailable, "database_locked", "secret detail")
	res, page := b.get("/orders")
	if res.StatusCode != 503 || !strings.Contains(page, "服务暂时不可用") || strings.Contains(page, "secret detail") {
		t.Errorf("unavailable: %d", res.StatusCode)
	}
	m.Broken = fmt.Errorf("boom: /secret/path")
	if res, page = b.get("/"); res.StatusCode != 500 || strings.Contains(page, "secret") {
		t.Errorf("internal: %d", res.StatusCode)
	}
	if res, _ := b.post("/login", url.Values{"csrf": {strings.Repeat("x", 70<<10)}}); res.StatusCode != 400 {
		t.Errorf("a huge form: %d", res.StatusCode)
	}
}

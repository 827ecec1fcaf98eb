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
	return r.send(method, path, strings.NewReader(body))
}

// send makes a request; its body is a plain form unless a header says otherwise.
func (r *reader) send(method, path string, body io.Reader) (*http.Response, string) {
	r.w.t.Helper()
	req, err := http.NewRequest(method, r.w.URL+path, body)
	if err != nil {
		r.w.t.Fatal(err)
	}
	for k, v := range r.header {
		req.Header[k] = v
	}
	if method != http.MethodGet && req.Header.Get("Content-Type") == "" {
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

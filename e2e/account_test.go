package e2e

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/souk-market/souk/internal/harness/markettest"
)

const sentence = "a sentence of my own"

// seedOn finds the seed of the second factor on a page, and gives the code of this moment.
func codeOn(t *testing.T, page string) (seed, code string) {
	t.Helper()
	m := regexp.MustCompile(`<code data-own(?:="")?>([A-Z2-7 ]{32,})</code>`).FindStringSubmatch(page)
	if m == nil {
		t.Fatalf("no seed on the page")
	}
	seed = strings.ReplaceAll(m[1], " ", "")
	code, err := totp.GenerateCode(seed, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return seed, code
}

var recoveryCode = regexp.MustCompile(`[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}`)

// signIn sends the login page's form and follows.
func (r *reader) signIn(login, password string) (*http.Response, string) {
	r.w.t.Helper()
	_, page := r.get("/login")
	res, body := r.post("/login", page, url.Values{"login": {login}, "password": {password}, "next": {"/account"}})
	for range 4 {
		to := res.Header.Get("Location")
		if to == "" {
			break
		}
		res, body = r.get(to)
	}
	return res, body
}

// register takes a company through the pages, to its own centre.
func (r *reader) register(kind, company, email string) string {
	w := r.w
	w.t.Helper()
	_, page := r.press("/account/register?kind="+kind, "/account/register", url.Values{"form": {"register"}, "kind": {kind}, "company": {company}, "name": {"新人"}, "email": {email}, "fresh_password": {sentence}, "accept_agreement": {"yes"}})
	wants(w.t, "after registering", page, "请查收邮件", "24 小时")
	link := markettest.Link(w.t, w.Program, email)
	if _, page = r.press(link, "/account/verify", url.Values{"form": {"verify"}, "token": {w.Link(email)}, "current_password": {"not my sentence"}}); !strings.Contains(page, "不正确") {
		w.t.Errorf("a wrong password is not told beside its field")
	}
	_, page = r.get(link)
	res, _ := r.post("/account/verify", page, url.Values{"token": {w.Link(email)}, "current_password": {sentence}})
	_, page = r.get(res.Header.Get("Location"))
	res, page = r.get("/" + map[string]string{"buyer": "buyer", "seller": "seller"}[kind])
	if res.StatusCode != 200 || !strings.Contains(page, company) {
		w.t.Fatalf("%s is not in its centre: %d", email, res.StatusCode)
	}
	return page
}

func TestCompaniesRegisterOnThePages(t *testing.T) {
	w := newWorld(t)
	s := w.open("")
	s.register("seller", "新云软件", "wang@new.example")
	b := w.open("")
	b.register("buyer", "新青制造", "li@new.example")
	// Nothing typed is lost, and the password is not sent back.
	r := w.open("")
	_, page := r.press("/account/register", "/account/register", url.Values{"form": {"register"}, "kind": {"seller"}, "company": {"<b>甲</b>"}, "name": {""}, "email": {"nonsense"}, "fresh_password": {"password1234"}})
	wants(t, "a bad registration", page, "须为 1 到 64 个字符", "不是有效的邮箱", "不能是常见密码", "请先阅读并同意服务协议", `value="&lt;b&gt;甲&lt;/b&gt;"`, `value="nonsense"`, `value="seller" checked`)
	if strings.Contains(page, "password1234") {
		t.Error("the password is sent back")
	}
	// An address that has an account is answered like any other; its mail says so.
	_, page = r.press("/account/register", "/account/register", url.Values{"form": {"register"}, "kind": {"buyer"}, "company": {"甲"}, "name": {"乙"}, "email": {"li@new.example"}, "fresh_password": {sentence}, "accept_agreement": {"yes"}})
	wants(t, "a taken address", page, "请查收邮件")
	wants(t, "its mail", w.Mail("li@new.example"), "已经有账号")
	// The forgotten password.
	_, known := r.press("/account/forgot", "/account/forgot", url.Values{"login": {"li@new.example"}})
	_, unknown := r.press("/account/forgot", "/account/forgot", url.Values{"login": {"nobody@new.example"}})
	clean := func(s string) string {
		return regexp.MustCompile(`(datetime|title)="[^"]*"|>[0-9: -]{19}<`).ReplaceAllString(tokenField.ReplaceAllString(s, ""), "")
	}
	if clean(known) != clean(unknown) {
		t.Error("the page tells who has an account")
	}
	link, secret := markettest.Link(t, w.Program, "li@new.example"), w.Link("li@new.example")
	_, page = r.get(link)
	_, page = r.post("/account/reset", page, url.Values{"form": {"reset"}, "token": {secret}, "fresh_password": {"another sentence of mine"}})
	wants(t, "a new password", page, "密码已设置")
	if res, _ := b.get("/buyer"); res.StatusCode != 303 {
		t.Error("a session outlived the reset")
	}
	_, page = r.get(link)
	_, page = r.post("/account/reset", page, url.Values{"form": {"reset"}, "token": {secret}, "fresh_password": {"another sentence of mine"}})
	wants(t, "a link used twice", page, "链接已使用")
	if res, page := r.signIn("li@new.example", "another sentence of mine"); res.StatusCode != 200 || !strings.Contains(page, "新青制造") {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestSecurityOnThePages(t *testing.T) {
	w := newWorld(t)
	r := w.open("buyer")
	password := w.Account("buyer").Password
	_, page := r.press("/buyer/security", "/buyer/security/totp", url.Values{"form": {"totp"}, "current_password": {"wrong wrong wrong"}})
	wants(t, "a wrong password", page, "不正确")
	_, page = r.press("/buyer/security", "/buyer/security/totp", url.Values{"form": {"totp"}, "current_password": {password}})
	wants(t, "enrolment", page, "data:image/png;base64,", "验证器应用")
	_, code := codeOn(t, page)
	_, wrong := r.post("/buyer/security/totp/confirm", page, url.Values{"form": {"confirm"}, "code": {"000000"}})
	wants(t, "a wrong first code", wrong, "不正确或已使用")
	_, page = r.post("/buyer/security/totp/confirm", wrong, url.Values{"form": {"confirm"}, "code": {code}})
	codes := recoveryCode.FindAllString(page, -1)
	if len(codes) != 10 {
		t.Fatalf("recovery codes: %v", codes)
	}
	// The next sign-in asks for it; nothing else opens before.
	o := w.open("")
	_, page = o.signIn("buyer", password)
	wants(t, "the second step", page, "输入动态口令", `autocomplete="one-time-code"`)
	if res, _ := o.get("/buyer/orders"); res.StatusCode != 303 || res.Header.Get("Location") != "/login/code?next=%2Fbuyer%2Forders" {
		t.Errorf("half signed in: %d %s", res.StatusCode, res.Header.Get("Location"))
	}
	_, page = o.press("/login/code?next=/buyer/orders", "/login/code", url.Values{"form": {"code"}, "code": {"123456"}, "next": {"/buyer/orders"}})
	wants(t, "a wrong code", page, "不正确或已使用")
	res, _ := o.post("/login/code", page, url.Values{"code": {codes[0]}, "next": {"/buyer/orders"}})
	if to := res.Header.Get("Location"); to != "/buyer/orders" {
		t.Errorf("after the code: %d %q", res.StatusCode, to)
	}
	if res, _ := o.get("/buyer/orders"); res.StatusCode != 200 {
		t.Errorf("not signed in: %d", res.StatusCode)
	}
	_, page = o.get("/buyer/sign-ins")
	wants(t, "history", page, "恢复码", "口令错误", "127.0.0.1", "Go-http-client")
	_, page = o.get("/buyer/security")
	wants(t, "security", page, "剩余恢复码", "当前浏览器", "退出其他所有会话")
	if _, page = o.press("/buyer/security", "/buyer/security/sessions", url.Values{"form": {"others"}}); !strings.Contains(page, "会话已退出") {
		t.Error("nothing was said")
	}
	if res, _ := r.get("/buyer"); res.StatusCode != 303 {
		t.Error("the other session is open")
	}
	_, page = o.press("/buyer/security", "/buyer/security/totp/off", url.Values{"form": {"off"}, "current_password": {password}, "code": {codes[1]}})
	wants(t, "switched off", page, "动态口令已关闭")
	_, page = o.press("/buyer/security", "/buyer/security/password", url.Values{"form": {"password"}, "current_password": {password}, "fresh_password": {"short"}})
	wants(t, "a short password", page, "须为 10 到 128 个字符")
	_, page = o.press("/buyer/security", "/buyer/security/password", url.Values{"form": {"password"}, "current_password": {password}, "fresh_password": {sentence}})
	wants(t, "a new password", page, "密码已修改")
	if res, _ := o.get("/buyer"); res.StatusCode != 200 {
		t.Error("this session ended with the others")
	}
}

func TestMembersAndTokensOnThePages(t *testing.T) {
	w := newWorld(t)
	r := w.open("yunfan")
	_, page := r.press("/seller/members", "/seller/members/invite", url.Values{"form": {"invite"}, "email": {"nonsense"}, "roles": {"seller.sales"}})
	wants(t, "a bad invitation", page, "不是有效的邮箱", `value="nonsense"`)
	_, page = r.press("/seller/members", "/seller/members/invite", url.Values{"form": {"invite"}, "email": {"zhou@new.example"}, "roles": {"seller.sales"}})
	wants(t, "invited", page, "邀请邮件已发送", "zhou@new.example", "未接受的邀请")
	z := w.open("")
	_, page = z.get(markettest.Link(t, w.Program, "zhou@new.example"))
	wants(t, "the invitation", page, "云帆软件", "zhou@new.example")
	res, _ := z.post("/account/join", page, url.Values{"form": {"join"}, "token": {w.Link("zhou@new.example")}, "name": {"周“销售”<b>"}, "fresh_password": {sentence}})
	if res.StatusCode != 303 {
		t.Fatalf("joining: %d", res.StatusCode)
	}
	if res, page = z.get("/seller"); res.StatusCode != 200 || !strings.Contains(page, html.EscapeString("周“销售”<b>")) {
		t.Errorf("joined: %d", res.StatusCode)
	}
	if res, _ := z.get("/seller/members"); res.StatusCode != 403 {
		t.Errorf("sales sees the people: %d", res.StatusCode)
	}
	_, page = r.get("/seller/members")
	at := regexp.MustCompile(`/seller/members/[0-9a-f]{32}`)
	var zhou string
	for _, a := range at.FindAllString(page, -1) {
		if _, one := r.get(a); strings.Contains(one, "zhou@new.example") {
			zhou = a
		}
	}
	if zhou == "" {
		t.Fatal("the new person is not in the list")
	}
	_, page = r.press(zhou, zhou+"/details", url.Values{"form": {"details"}, "name": {"周小销"}, "mobile": {"abc"}})
	wants(t, "bad details", page, "须为数字", `value="abc"`)
	_, page = r.press(zhou, zhou+"/details", url.Values{"form": {"details"}, "name": {"周小销"}, "mobile": {"13800138000"}})
	wants(t, "details", page, "周小销", "13800138000")
	_, page = r.press(zhou, zhou+"/roles", url.Values{"form": {"roles"}, "roles": {"seller.owner"}})
	wants(t, "another role", page, "主账号")
	if res, _ := z.get("/seller"); res.StatusCode != 303 {
		t.Error("the session outlived the change of roles")
	}
	_, page = r.press(zhou, zhou+"/disable", url.Values{"form": {"disable"}})
	wants(t, "switched off", page, "停用")
	_, page = r.press(zhou, zhou+"/remove", url.Values{"form": {"remove"}, "confirm": {"someone else"}})
	wants(t, "removal without its name", page, "与要求")
	_, page = r.press(zhou, zhou+"/remove", url.Values{"form": {"remove"}, "confirm": {"zhou@new.example"}})
	wants(t, "removed", page, "成员已移出企业")

	_, page = r.press("/seller/tokens", "/seller/tokens", url.Values{"form": {"token"}, "name": {"夜间脚本"}, "days": {"7"}, "scope": {"read"}})
	secret := regexp.MustCompile(`soukpat_[A-Za-z0-9]{40}`).FindString(page)
	if secret == "" || !strings.Contains(page, "仅此一次") {
		t.Fatal("no token is shown")
	}
	// Sent twice, it is one token.
	_, form := r.get("/seller/tokens")
	_, one := r.post("/seller/tokens", form, url.Values{"form": {"token"}, "name": {"两次"}, "days": {"7"}, "scope": {"read"}})
	_, two := r.post("/seller/tokens", form, url.Values{"form": {"token"}, "name": {"两次"}, "days": {"7"}, "scope": {"read"}})
	soukpat := regexp.MustCompile(`soukpat_[A-Za-z0-9]{40}`)
	if a, b := soukpat.FindString(one), soukpat.FindString(two); a == "" || a != b || strings.Count(two, "两次") != 1 {
		t.Errorf("a double submit made two tokens")
	}
	if _, page = r.get("/seller/tokens"); strings.Contains(page, secret) || !strings.Contains(page, "夜间脚本") {
		t.Error("the list shows the secret, or lacks the token")
	}
	revoke := regexp.MustCompile(`/seller/tokens/[0-9a-f-]{36}/revoke`).FindString(page)
	_, page = r.press("/seller/tokens", revoke, url.Values{})
	wants(t, "revoked", page, "访问令牌已吊销")
}

func TestTheAuditLogOnThePages(t *testing.T) {
	w := newWorld(t)
	order := w.Place(w.offer, 1)
	if _, err := w.Program.Audit.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, page := w.open("buyer").get("/buyer/audit?noun=" + order)
	wants(t, "a company's log", page, "order.place", order, "李采购")
	if strings.Contains(page, "do.audit") || strings.Contains(page, "/audit/verify") || strings.Contains(page, "/audit/export") {
		t.Error("a company is offered what only operators may")
	}
	if _, page = w.open("buyer2").get("/buyer/audit?noun=" + order); strings.Contains(page, "order.place") {
		t.Error("another company sees it")
	}
	o := w.open("operator")
	_, page = o.press("/operator/audit", "/operator/audit/verify", url.Values{"form": {"verify"}})
	wants(t, "the check", page, "审计链完整", "链头")
	res, body := o.get("/operator/audit/export?action=order.place")
	if res.Header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.Contains(body, order) {
		t.Errorf("export: %v %s", res.Header, body)
	}
}

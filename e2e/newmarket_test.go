package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/harness/markettest"
	"github.com/souk-market/souk/internal/program"
)

// person is somebody with a real browser.
type person struct {
	t   *testing.T
	ctx context.Context
	url string
	bad *complaints
}

func (p *person) must(what string, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", what, err)
	}
}

func (p *person) goTo(path string) {
	p.t.Helper()
	_, err := visit(p.ctx, p.url+path, 1200, false)
	p.must(path, err)
}

// fill types into fields by name, in order: name, value, name, value.
func (p *person) fill(pairs ...string) {
	p.t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		field := chromedp.CSS(`[name="` + pairs[i] + `"]:not([type=hidden])`)
		p.must(pairs[i], chromedp.Do(p.ctx, chromedp.WaitVisible(field), chromedp.SendKeys(field, pairs[i+1])))
	}
}

// click presses what the selector finds and waits for the page that follows.
func (p *person) click(selector string) {
	p.t.Helper()
	_, err := chromedp.RunResponse(p.ctx, chromedp.Click(chromedp.CSS(selector)))
	p.must("click "+selector, err)
}

// on checks where the browser is, what the page says, and that it fits a small screen; it keeps a picture.
func (p *person) on(path, picture_ string, texts ...string) string {
	p.t.Helper()
	at, err := chromedp.Run(p.ctx, chromedp.Location())
	p.must("where", err)
	if got := strings.TrimPrefix(at, p.url); strings.Split(got, "?")[0] != path {
		p.t.Fatalf("the browser is on %s, want %s", got, path)
	}
	html, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.documentElement.outerHTML`))
	p.must("page", err)
	wants(p.t, path, html, texts...)
	picture(p.ctx, p.t, picture_)
	for _, c := range p.bad.take() {
		p.t.Errorf("%s: the browser complains: %s", path, c)
	}
	return html
}

// A marketplace from nothing, in production: the first operator sets up the second factor and comes in, the first
// seller registers in Chinese, the first buyer in English. Nobody reads anything but the pages and their mail.
func TestBrowserANewMarketplaceFromNothing(t *testing.T) {
	env := map[string]string{"SOUK_MODE": "production", "SOUK_DATA": t.TempDir()}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	m, err := program.Open(t.Context(), c, program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF", NoWorkers: true})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(m.Handler)
	t.Cleanup(func() { srv.Close(); _ = m.Close() })
	if _, err := m.People.FirstOperator(t.Context(), "集市运营中心", "chief", "赵远", sentence); err != nil {
		t.Fatal(err)
	}
	ctx := startBrowser(t)
	p := &person{t: t, ctx: ctx, url: srv.URL, bad: listen(t, ctx)}

	p.goTo("/login?lang=zh-CN")
	p.on("/login", "new-01-login", "忘记密码", "注册新企业")
	p.fill("login", "chief", "password", sentence)
	p.click(`form[action="/login"] button`)
	p.on("/login/enrol", "new-02-enrol", "运营人员", "启用动态口令")
	p.click(`form#enrol button`)
	seed, code := codeOn(t, p.on("/login/enrol", "new-03-qr", "验证器应用", "data:image/png;base64,"))
	if len(seed) != 32 {
		t.Errorf("seed %q", seed)
	}
	p.fill("code", code)
	p.click(`form#confirm button`)
	if codes := recoveryCode.FindAllString(p.on("/login/enrol/confirm", "new-04-recovery", "恢复码", "已妥善保存"), -1); len(codes) != 10 {
		t.Errorf("recovery codes: %v", codes)
	}
	p.click(`.step-do a`)
	p.on("/operator", "new-05-operator", "赵远")
	p.goTo("/operator/audit")
	p.on("/operator/audit", "new-06-audit", "account.totp", "company.create", "校验审计链")
	p.click(`form[action="/logout"] button`)

	for _, one := range []struct{ lang, kind, centre, company, name, email, sent, title string }{
		{"zh-CN", "seller", "/seller", "新云软件", "王敏", "wang@new.example", "请查收邮件", "完成注册"},
		{"en-US", "buyer", "/buyer", "Green Hills Ltd", "Li Qing", "li@new.example", "Look into your mail", "Finish registering"},
	} {
		name := "new-" + one.kind
		p.goTo("/login?lang=" + one.lang)
		p.click(`a[href="/account/register"]`)
		p.must("kind", chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(`.choice:has([value="`+one.kind+`"])`))))
		p.fill("company", one.company, "name", one.name, "email", one.email, "fresh_password", sentence)
		p.must("agreement", chromedp.Do(p.ctx, chromedp.Click(chromedp.CSS(`[name="accept_agreement"]`))))
		p.on("/account/register", name+"-1-register")
		p.click(`form#register button`)
		p.on("/account/sent", name+"-2-sent", one.sent)
		p.goTo(markettest.Link(t, m, one.email))
		p.on("/account/verify", name+"-3-verify", one.title)
		p.fill("current_password", sentence)
		p.click(`form#verify button`)
		p.on(one.centre, name+"-4-centre", one.company, one.name)
		for _, page := range []string{"/members", "/tokens", "/security", "/sign-ins", "/audit"} {
			p.goTo(one.centre + page)
			p.on(one.centre+page, name+"-5"+strings.ReplaceAll(page, "/", "-"))
		}
		p.click(`form[action="/logout"] button`)
	}

	// Everything fits a telephone, in both languages.
	for _, path := range []string{"/login", "/account/register", "/account/sent?email=li@new.example", "/account/verify?token=x", "/account/forgot", "/account/reset?token=x"} {
		for _, lang := range []string{"zh-CN", "en-US"} {
			l, err := visit(p.ctx, p.url+inLanguage(path, lang), 360, lang == "en-US")
			p.must(path, err)
			if l.Scroll > l.Inner || len(l.Wide) > 0 || len(l.Missing) > 0 {
				t.Errorf("%s in %s at 360 px: %s", path, lang, fmt.Sprintf("%+v", l))
			}
		}
	}
	for _, c := range p.bad.take() {
		t.Errorf("the browser complains: %s", c)
	}
}

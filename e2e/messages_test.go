package e2e

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// as is a browser that is signed in as somebody of the world.
func (w *world) as(ctx context.Context, sessions map[string]string, bad *complaints, login string) *person {
	w.signIn(ctx, sessions, login)
	return &person{w.t, ctx, w.URL, bad}
}

// press clicks without waiting for a page: what opens, closes or ticks something on this one.
func (p *person) press(selectors ...string) {
	p.t.Helper()
	for _, s := range selectors {
		p.must("press "+s, chromedp.Do(p.ctx, chromedp.WaitReady(chromedp.CSS(s)), chromedp.Evaluate[chromedp.Void](`document.querySelector(`+"`"+s+"`"+`).click()`)))
	}
}

// small shows the page as a phone does and fails for what a person would mind.
func (p *person) small(path, picture_ string, dark bool) {
	p.t.Helper()
	l, err := visit(p.ctx, p.url+path, 360, dark)
	p.must(path, err)
	l.complain(p.t, path+" on a phone")
	picture(p.ctx, p.t, picture_)
}

// code is the code in the newest message to an address.
func (w *world) code(to string) string {
	w.t.Helper()
	m := regexp.MustCompile(`(?:验证码 |\] )(\d{6})`).FindStringSubmatch(w.Mail(to))
	if m == nil {
		w.t.Fatalf("no code was sent to %s", to)
	}
	return m[1]
}

// A seller names a duty mailbox and phone; both are proved, and the next failure is told there. A member chooses what
// comes to itself.
func TestBrowserReceiversAndChoice(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	p := w.as(ctx, sessions, bad, "yunfan")
	p.goTo("/seller/receivers?lang=zh-CN")
	p.on("/seller/receivers", "messages-receivers-empty", "还没有接收人", "消息发到企业账号绑定的邮箱和手机")
	p.press("details.confirm summary")
	p.fill("name", "夜间值班", "mobile", "+8613800138000")
	p.press(`[name="kind-call.failed"][value="sms"]`)
	p.click("#receiver .btn-primary")
	p.on("/seller/receivers", "messages-receivers-bad", "邮箱") // mails were ticked and no address was given
	p.fill("email", "duty@yunfan.example")
	p.click("#receiver .btn-primary")
	at, err := chromedp.Run(ctx, chromedp.Location())
	p.must("where", err)
	receiver := strings.Split(strings.TrimPrefix(at, w.URL), "?")[0]
	p.on(receiver, "messages-receiver-open", "夜间值班", "已发送确认邮件", "验证手机号码")
	p.fill("code", "000000")
	p.click("#code .btn-primary")
	p.on(receiver+"/code", "messages-receiver-wrong", "code-error")
	p.goTo(receiver)
	p.fill("code", w.code("+8613800138000"))
	p.click("#code .btn-primary")
	p.on(receiver, "messages-receiver-number", "验证成功")

	link := regexp.MustCompile(`/account/receiver\?address=\S+`).FindString(w.Mail("duty@yunfan.example"))
	nobody := w.as(ctx, sessions, bad, "")
	nobody.goTo(link + "&lang=zh-CN")
	nobody.on("/account/receiver", "messages-receiver-confirm", "duty@yunfan.example", "确认后")
	nobody.click("#receiver .btn-primary")
	nobody.on("/account/receiver", "messages-receiver-confirmed", "云帆软件", "可以关闭本页")

	p = w.as(ctx, sessions, bad, "yunfan")
	p.goTo(receiver + "?lang=zh-CN")
	p.on(receiver, "messages-receiver-proved", "已验证，消息会发送到这里")
	p.small(receiver+"?lang=en-US", "messages-receiver-phone", false)
	p.small("/seller/receivers?lang=zh-CN", "messages-receivers-phone", true)
	w.faults(w.v1, "status=500@newInstance")
	order, _ := w.buy(w.offer, 1, "retrying")
	wants(t, "the mail", w.Mail("duty@yunfan.example"), "Subject: [集市] 《云帆协同办公》", "newInstance", w.URLOf("/seller/orders/"+order), "“云帆软件”的消息接收地址")
	wants(t, "the SMS", w.Mail("+8613800138000"), "【集市】《云帆协同办公》")

	b := w.as(ctx, sessions, bad, "buyer")
	b.goTo("/buyer/messages?lang=en-US")
	b.on("/buyer/messages", "messages-buyer", "could not be opened at once")
	b.click(`a[href="/buyer/messages/choice"]`)
	b.on("/buyer/messages/choice", "messages-choice", "My messages", "cannot be switched off", `name="kind-order.refunded" value="mail" checked="" disabled=""`)
	b.press(`[name="kind-order.delayed"][value="site"]`)
	b.click("#choice .btn-primary")
	b.on("/buyer/messages/choice", "messages-choice-saved")
	b.small("/buyer/messages/choice?lang=zh-CN", "messages-choice-phone", false)
	b.goTo("/buyer/messages?lang=en-US")
	if html := b.on("/buyer/messages", "messages-buyer-chosen"); strings.Contains(html, "could not be opened at once") {
		t.Error("what was switched off is listed")
	}
	o := w.as(ctx, sessions, bad, "operator")
	o.goTo("/operator/outbox?channel=sms&lang=zh-CN")
	o.on("/operator/outbox", "messages-outbox", "+8613800138000", "短信")
}

// URLOf is an address as mails write it.
func (w *world) URLOf(path string) string { return w.Program.Config.Address() + path }

// set writes a value into a field, instead of what stands there.
func (p *person) set(selector, value string) error {
	p.t.Helper()
	return chromedp.Do(p.ctx, chromedp.WaitReady(chromedp.CSS(selector)), chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.querySelector(%q).value = %q`, selector, value)))
}

// form makes the values of a form: name, value, name, value.
func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

package e2e

import (
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/harness/markettest"
)

// A person proves an address and a number, makes an access key with a code, and changes the address; the company's
// contact is proved in the same way.
func TestBrowserContactAndAccessKey(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	password := w.Account("yunfan").Password
	p := w.as(ctx, sessions, bad, "yunfan")
	p.goTo("/seller/security?lang=zh-CN")
	p.on("/seller/security", "contact-security", "未验证", "更换或验证邮箱")
	p.press("details:has(#email) summary")
	p.must("clear", p.set(`#email-email`, "ops@yunfan.example"))
	p.must("password", p.set(`#email-current_password`, "not my password"))
	p.click("#email .btn-primary")
	p.on("/seller/security/email", "contact-email-wrong", "ops@yunfan.example", "不正确")
	p.must("password", p.set(`#email-current_password`, password))
	p.click("#email .btn-primary")
	p.on("/seller/security", "contact-email-sent", "确认邮件已发送")
	link := markettest.Link(t, w.Program, "ops@yunfan.example")
	p.goTo(link + "&lang=zh-CN")
	p.on("/account/email", "contact-email-link", "确认后，消息将发送到此邮箱")
	p.click("#email .btn-primary")
	p.on("/account/email", "contact-email-done", "ops@yunfan.example", "邮箱已生效")

	// The number: written down, then proved by the code.
	p.goTo("/seller/security?lang=zh-CN")
	p.press("details:has(#details) summary")
	p.must("mobile", p.set("#details-mobile", "13600136000"))
	p.click("#details .btn-primary")
	p.on("/seller/security", "contact-mobile", "13600136000", "验证手机号码")
	p.click("#mobile-send .btn-primary")
	p.on("/seller/security/mobile", "contact-mobile-sent", "验证码已发送")
	p.must("code", p.set("#mobile-code", w.code("13600136000")))
	p.click("#mobile .btn-primary")
	p.on("/seller/security", "contact-mobile-done", "验证成功")
	p.small("/seller/security?lang=en-US", "contact-security-phone", false)

	// An access key wants a code now.
	p.goTo("/seller/access-keys?lang=zh-CN")
	p.on("/seller/access-keys", "contact-keys", "新增前需要验证码")
	p.fill("description", "生产环境订单查询")
	p.press(`[name="channel"][value="mail"]`)
	p.click("#code .btn-primary")
	p.on("/seller/access-keys/code", "contact-keys-code", "验证码已发送", `value="生产环境订单查询"`)
	p.must("code", p.set("#new-code", "000000"))
	p.click("#new .btn-primary")
	p.on("/seller/access-keys", "contact-keys-wrong", "不正确", `value="生产环境订单查询"`)
	r := w.open("yunfan")
	_, page := r.get("/seller/access-keys")
	_, file := r.post("/seller/access-keys", page, form("form", "new", "description", "生产环境订单查询", "code", w.code("ops@yunfan.example")))
	if !strings.HasPrefix(file, "User Name,Access Key Id,Secret Access Key\n") {
		t.Errorf("no key: %.200s", file)
	}
	p.goTo("/seller/access-keys?lang=zh-CN")
	p.on("/seller/access-keys", "contact-keys-list", "生产环境订单查询", "云帆管理员")
	p.small("/seller/access-keys?lang=en-US", "contact-keys-phone", true)

	b := w.as(ctx, sessions, bad, "buyer")
	b.goTo("/buyer/company?lang=zh-CN")
	b.on("/buyer/company", "contact-company", "企业资料", "请验证企业邮箱和手机")
	b.must("email", b.set("#contact-email", "desk@qingshan.example"))
	b.must("mobile", b.set("#contact-mobile", "13500135000"))
	b.click("#contact .btn-primary")
	b.on("/buyer/company", "contact-company-saved", "新的邮箱和手机需要验证", "13500135000")
	b.must("code", b.set("#code-code", w.code("13500135000")))
	b.click("#code .btn-primary")
	b.on("/buyer/company", "contact-company-number", "验证成功")
	b.goTo(markettest.Link(t, w.Program, "desk@qingshan.example"))
	b.click("#email .btn-primary")
	b.goTo("/buyer/company?lang=zh-CN")
	b.on("/buyer/company", "contact-company-done", "desk@qingshan.example", "企业联系方式已验证")
	b.small("/buyer/company?lang=en-US", "contact-company-phone", false)
}

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/souk-market/souk/internal/domain/lab"
)

// debugForm is the form of a scenario as the page presets it.
func debugForm(scenario, address, do string, change ...string) url.Values {
	s, _ := lab.ScenarioOf(scenario)
	form := url.Values{"form": {"debug"}, "scenario": {scenario}, "address": {address}, "do": {do}}
	for name, value := range s.Preset() {
		form.Set("form."+name, value)
	}
	for i := 0; i < len(change); i += 2 {
		form.Set("form."+change[i], change[i+1])
	}
	return form
}

// A seller's developer generates the link, debugs, reads what is wrong with the right signature beside it, mends the
// server, saves the case, replays it and sees what each product still lacks.
func TestDebuggingOnThePages(t *testing.T) {
	w := newWorld(t)
	s := w.open("yunfan")
	_, page := s.get("/seller/debug?scenario=v1.release")
	wants(t, "form", page, "交付接口调试", "调测并保存用例", `name="form.instanceId"`, `value="{instance}"`, "生成链接/命令", "releaseInstance")
	address := w.at["v1"]

	_, page = s.post("/seller/debug", page, debugForm("v1.release", address, "preview"))
	wants(t, "generated", page, "GET "+address+"?activity=releaseInstance&amp;instanceId=souk-debug-instance-0001", "curl -i -X GET", "authToken=", "testFlag=1")
	if n := len(w.Do("yunfan", "GET", api+"/lab/runs", "").Body["items"].([]any)); n != 0 {
		t.Errorf("generating a link called the seller %d times", n)
	}
	w.faults(w.v1, "wrong-signature")
	res, page := s.post("/seller/debug", page, debugForm("v1.release", address, ""))
	wants(t, "failed", page, "调测失败：响应体签名校验失败", "期望的签名值", "HTTP/1.1 200 OK", `value="{instance}"`)
	if res.StatusCode != 200 || strings.Contains(page, w.People.Seller("v1").Keys["base"]) {
		t.Errorf("failed call: %d, or the key is shown", res.StatusCode)
	}
	w.faults(w.v1)
	res, page = s.post("/seller/debug", page, debugForm("v1.release", address, "", "instanceId", ""))
	wants(t, "refused", page, "必填 · 最多 64 个字符", `id="debug-form.instanceId-error"`)
	if res.StatusCode != 400 {
		t.Errorf("an empty instanceId: %d", res.StatusCode)
	}
	_, page = s.post("/seller/debug", page, debugForm("v1.release", address, ""))
	wants(t, "saved", page, "调测成功，用例已保存")
	_, page = s.get("/seller/debug/cases")
	wants(t, "cases", page, "释放", "通过", "云帆协同办公", "还缺", "开通（包周期）", "重放全部用例")
	_, page = s.press("/seller/debug/cases", "/seller/debug/cases/run", url.Values{"address": {address}})
	wants(t, "replayed", page, "用例已重放")
	_, page = s.get("/seller/debug/runs?occasion=replay")
	wants(t, "history", page, "重放", "释放")

	_, page = s.get("/seller/debug?protocol=kit2")
	wants(t, "no address of the class", page, "请先登记生产地址", "需要的类别：联营工具")
}

// The one call that the seller's server makes: the page says what it waits for, shows what came, and saves what passed.
func TestUsagePushOnThePages(t *testing.T) {
	w := newWorld(t)
	s := w.open("yunfan")
	_, page := s.get("/seller/debug?scenario=v1.usage")
	wants(t, "form", page, "使用量推送", "这一场景由您的服务器发起", `name="form.usage_value"`, `value="{utc 60}"`)
	_, page = s.post("/seller/debug", page, debugForm("v1.new.demand", w.at["v1"], ""))
	wants(t, "an instance", page, "调测成功，用例已保存")
	_, page = s.post("/seller/debug", page, debugForm("v1.usage", w.at["v1"], ""))
	wants(t, "nothing came", page, "调测失败：最近 15 分钟没有收到该实例的话单", "usage_records")
	push := func(value string) {
		_, page = s.post("/seller/debug", page, debugForm("v1.usage", w.at["v1"], "preview"))
		wants(t, "generated", page, "POST http", "/api/mkp-openapi-public/global/v1/isv/usage-data", "curl -i -X POST", "signature: ")
		made := w.Do("yunfan", "POST", api+"/lab/preview", `{"scenario":"v1.usage","address":"`+w.at["v1"]+`"}`)
		head, body, _ := strings.Cut(made.String("request"), "\r\n\r\n")
		req, err := http.NewRequest("POST", w.URL+"/api/mkp-openapi-public/global/v1/isv/usage-data", strings.NewReader(strings.Replace(body, `"1.5"`, value, 1)))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(head, "\r\n")[1:] {
			if name, value, _ := strings.Cut(line, ": "); name != "Host" && name != "Content-Length" {
				req.Header.Set(name, value)
			}
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	push(`"9.5"`)
	_, page = s.post("/seller/debug", page, debugForm("v1.usage", w.at["v1"], ""))
	wants(t, "other bytes than were signed", page, "调测失败：推送的签名与请求体不符", "期望的签名值", "9.5")
	push(`"1.5"`)
	_, page = s.post("/seller/debug", page, debugForm("v1.usage", w.at["v1"], ""))
	wants(t, "saved", page, "调测成功，用例已保存", "MKT.0000")
	_, page = s.get("/seller/debug/runs?occasion=push")
	wants(t, "history", page, "商家推送", "推送的签名与请求体不符")
}

// Domains and public keys, and what is wrong with them, on their page; an Englishwoman reads English.
func TestDomainsOnThePages(t *testing.T) {
	w := newWorld(t)
	s := w.open("yunfan")
	token := ""
	server := httptest.NewServer(http.HandlerFunc(func(o http.ResponseWriter, _ *http.Request) { fmt.Fprint(o, token) }))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	_, page := s.press("/seller/domains", "/seller/domains", url.Values{"form": {"domain"}, "host": {"https://x.example/"}})
	wants(t, "refused", page, "填写域名，如 console.example.com", `value="https://x.example/"`)
	_, page = s.press("/seller/domains", "/seller/domains", url.Values{"form": {"domain"}, "host": {host}})
	wants(t, "added", page, host, "souk-verification=", "1 个域名待验证")
	_, page = s.press("/seller/domains", "/seller/domains/check", url.Values{"host": {host}})
	wants(t, "not proved", page, "does not hold the token")
	token = w.Do("yunfan", "GET", api+"/lab/domains", "").String("items.0.token")
	_, page = s.press("/seller/domains", "/seller/domains/check", url.Values{"host": {host}})
	wants(t, "proved", page, "域名验证通过", "域名均已验证")
	for key, want := range map[string]string{"-----BEGIN PRIVATE KEY-----": "这是私钥", "x": "不是 RSA 公钥", "": "请粘贴公钥"} {
		_, page = s.press("/seller/domains", "/seller/domains/keys", url.Values{"form": {"credential"}, "name": {"k"}, "profile": {"sha1"}, "lists": {"array"}, "public_key": {key}})
		wants(t, "key "+key, page, want)
	}
}

// The strip of probing days, in a browser, after a week with a bad day; a picture of the debugging page for the guide.
func TestProbesInABrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	found := listen(t, ctx)
	s := w.open("yunfan")
	_, text := s.get("/seller/debug")
	for _, one := range []string{"v1.new.period", "v1.refresh", "v1.expire", "v1.release"} {
		_, text = s.post("/seller/debug", text, debugForm(one, w.at["v1"], ""))
		wants(t, one, text, "用例已保存")
	}
	for day := range 7 {
		w.faults(w.v1)
		if day == 3 {
			w.faults(w.v1, "status=500@refreshInstance")
		}
		w.Advance(24 * time.Hour)
	}
	w.until("the rounds", func() bool {
		return len(w.Do("yunfan", "GET", api+"/products/"+w.product+"/probes", "").Body["items"].([]any)) >= 14
	})
	sessions := map[string]string{}
	w.signIn(ctx, sessions, "yunfan")
	for name, path := range map[string]string{"lab-probes": "/seller/probes", "lab-cases": "/seller/debug/cases", "lab-debug": "/seller/debug?scenario=v1.new.period", "lab-domains": "/seller/domains", "lab-runs": "/seller/debug/runs"} {
		for _, size := range []struct {
			name  string
			width int64
			lang  string
		}{{"desktop", 1280, "zh-CN"}, {"phone", 360, "en-US"}} {
			l, err := visit(ctx, inLanguage(w.URL+path, size.lang), size.width, false)
			if err != nil {
				t.Fatal(err)
			}
			l.complain(t, path)
			picture(ctx, t, name+"-"+size.name)
		}
	}
	// The whole way by clicks: the form as it stands, sent and judged.
	if _, err := visit(ctx, w.URL+"/seller/debug?scenario=v1.expire&lang=en-US", 1280, false); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Click(css(`form#debug button.btn-primary`))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, until(`document.body.innerText.includes("The call passed and the case is saved.")`)); err != nil {
		t.Fatal(err)
	}
	picture(ctx, t, "lab-passed-desktop")
	// The doctor, from the click to its verdicts: the page follows by itself.
	if _, err := visit(ctx, w.URL+"/seller/checkups?lang=zh-CN", 1280, false); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Click(css(`form#checkup button.btn-primary`))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, until(`document.body.innerText.includes("所有必须项都通过") && document.body.innerText.includes("v1.new.instance-id")`)); err != nil {
		t.Fatal(err)
	}
	picture(ctx, t, "lab-checkup-desktop")
	// The guide's pictures: a wrong Body-Sign explained, and the page that a seller attaches.
	id := w.Do("yunfan", "GET", api+"/lab/checkups", "").String("items.0.id")
	res, report := s.get("/seller/checkups/" + id + "/report?form=html")
	file := filepath.Join(t.TempDir(), "checkup.html")
	if err := os.WriteFile(file, []byte(report), 0o600); err != nil || res.Header.Get("Content-Disposition") != `attachment; filename="checkup.html"` {
		t.Fatal(err, res.Header)
	}
	if _, err := visit(ctx, "file://"+file, 1280, false); err != nil {
		t.Fatal(err)
	}
	w.guide(ctx, "doctor-report")
	w.faults(w.v1, "newline-unsigned")
	if _, err := visit(ctx, w.URL+"/seller/debug?scenario=v1.release&lang=en-US", 1280, false); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, chromedp.Click(css(`form#debug button.btn-primary`))); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Run(ctx, until(`document.body.innerText.includes("The call failed")`)); err != nil {
		t.Fatal(err)
	}
	w.guide(ctx, "seller-debug")
	for _, c := range found.take() {
		t.Error(c)
	}
}

// guide keeps what the window shows as a picture of the seller guide, when pictures are asked for.
func (w *world) guide(ctx context.Context, name string) {
	w.t.Helper()
	if !*updatePictures {
		return
	}
	shot, err := chromedp.Call(ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{})
	if err == nil {
		err = os.WriteFile("../docs/pictures/"+name+".png", shot.Data, 0o644)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

// With the setting on, the checklist of a release names each case that is missing in words, leads nowhere else, and a
// submission without them is refused on the page. // spec: 01 §2.12
func TestTheChecklistNamesMissingCases(t *testing.T) {
	w := newWorld(t)
	w.Do("operator", "PUT", api+"/settings", `{"values":{"delivery.require_cases":"true"}}`)
	s := w.open("yunfan")
	_, page := s.get("/seller/revisions")
	res, _ := s.post("/seller/products/"+w.product+"/revisions", page, url.Values{})
	draft := strings.TrimSuffix(strings.Split(res.Header.Get("Location"), "?")[0], "/access")
	_, page = s.get(draft)
	wants(t, "checklist", page, "调试用例", "开通（包周期）", "缺少通过的调试用例", "trialToFormal")
	if strings.Contains(page, "debugging.") {
		t.Error("the checklist shows a path instead of words")
	}
	for _, one := range []string{"v1.new.period", "v1.refresh", "v1.expire", "v1.release", "v1.upgrade", "v1.new.once"} {
		_, form := s.get("/seller/debug")
		s.post("/seller/debug", form, debugForm(one, w.at["v1"], ""))
	}
	_, form := s.get("/seller/debug")
	s.post("/seller/debug", form, debugForm("v1.new.period", w.at["v1"], "", "amount", "5", "trialFlag", "1"))
	s.post("/seller/debug", form, debugForm("v1.refresh", w.at["v1"], "", "trialToFormal", "1"))
	s.post("/seller/debug", form, debugForm("v1.refresh", w.at["v1"], "", "productId", ""))
	if _, page = s.get(draft); strings.Contains(page, "缺少通过的调试用例") {
		t.Error("with all cases saved the checklist still misses some")
	}
	_, page = s.get("/seller/products/" + w.product)
	wants(t, "product", page, "调试用例", "缺少或失败的用例会阻止提交、变更与审核")
}

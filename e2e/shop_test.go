package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// A seller says who it is; a stranger sees it on the page of the shop.
func TestBrowserTheShop(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t)
	bad, sessions := listen(t, ctx), map[string]string{}
	img := image.NewRGBA(image.Rect(0, 0, 152, 152))
	for i := range img.Pix {
		img.Pix[i] = 0xff
	}
	for i := range 80 {
		for j := range 80 {
			img.Set(36+i, 36+j, color.RGBA{0x0b, 0x6b, 0x5e, 0xff})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	logo := filepath.Join(t.TempDir(), "logo.png")
	if err := os.WriteFile(logo, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	p := w.as(ctx, sessions, bad, "yunfan")
	p.goTo("/seller/shop?lang=zh-CN")
	p.on("/seller/shop", "shop-settings-empty", "请补充介绍、标志和联系方式")
	p.must("name", p.set("#shop-name", "云帆旗舰店"))
	p.must("introduction", p.set("#shop-introduction", "十年协作软件经验。\n\n- 千家企业在用\n- <script>alert(1)</script>"))
	p.must("website", p.set("#shop-website", "javascript:alert(1)"))
	p.must("logo", chromedp.Do(ctx, chromedp.SetUploadFiles(chromedp.CSS("#shop-logo"), []string{logo})))
	p.click("#shop .btn-primary")
	p.on("/seller/shop", "shop-settings-bad", "须为网址", "云帆旗舰店")
	p.must("website", p.set("#shop-website", "https://www.yunfan.example"))
	p.must("phone", p.set("#shop-phone", "400-123-4567"))
	p.must("hours", p.set("#shop-hours", "周一至周五 9:00–18:00"))
	p.click("#shop .btn-primary") // the logo was kept
	p.on("/seller/shop", "shop-settings", "已保存", "店铺信息完整", "/files/")
	p.small("/seller/shop?lang=en-US", "shop-settings-phone", true)

	n := w.as(ctx, sessions, bad, "")
	seller := w.Account("yunfan").CompanyID
	n.goTo("/shops/" + seller + "?lang=zh-CN")
	html := n.on("/shops/"+seller, "shop", "云帆旗舰店", "云帆软件", "千家企业在用", "400-123-4567", "周一至周五", `href="https://www.yunfan.example"`)
	if strings.Contains(html, "<script>alert") || !strings.Contains(html, `class="logo big" src="/files/`) {
		t.Error("the introduction runs, or the logo is missing")
	}
	n.small("/shops/"+seller+"?lang=en-US", "shop-phone", false)
}

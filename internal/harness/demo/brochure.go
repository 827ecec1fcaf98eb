package demo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
)

// brochure is what people read of a demo product beside its specifications.
type brochure struct {
	category  string
	tags      []string
	intro     string
	features  []catalog.Highlight
	story     catalog.Case
	guide     string
	hue       color.RGBA
	sendPhone bool
}

const aboutService = `## 部署与数据安全

服务运行在云上，不需要购买服务器，也不需要安装客户端，打开浏览器即可使用，手机和平板同样适配。每家企业的数据相互隔离，传输全程加密，每天自动备份，保留三十天；管理员可以随时导出本企业的全部数据。账号支持按部门和角色授权，离职人员的权限可以一键收回，重要操作留有日志，便于事后查证。

## 开通与支持

付款后系统自动开通，入口地址、管理员账号和初始密码会显示在“已购买的服务”中，首次登录请修改密码。续费后到期时间自动顺延；到期未续费时数据保留十五天，期间续费即可恢复使用。使用中遇到问题，可以拨打服务热线或发送邮件，工作时间内两小时响应；上线初期提供一次远程培训，帮助管理员完成组织架构导入和基础设置。
`

const agreement = `本协议由购买方与服务方在线订立，购买方勾选同意并完成下单后生效。服务方按商品页所列规格提供在线软件服务，并在服务期内持续维护；购买方按约定用途使用，不得转售或用于违法活动。购买方对其上传的数据享有全部权利，服务方仅在提供服务所必需的范围内处理，服务终止后按约定期限删除。因服务方原因无法开通的，已付款项全额退还。服务期内双方均应保守对方的商业秘密。争议由双方协商解决。`

// release brings a demo product on sale through the wizard, as a seller would.
func release(ctx context.Context, p *program.Program, seller, reviewer access.Actor, in demoProduct) error {
	logo, err := p.Catalogue.Upload(ctx, seller, "logo.png", drawLogo(in.about.hue))
	if err != nil {
		return err
	}
	var media []string
	for n := range 2 {
		f, err := p.Catalogue.Upload(ctx, seller, "screen.png", drawScreen(in.about.hue, n))
		if err != nil {
			return err
		}
		media = append(media, f.ID)
	}
	certificate, err := p.Catalogue.Upload(ctx, seller, "certificate.pdf", bytes.NewBufferString("%PDF-1.4\n% demo certificate\n"))
	if err != nil {
		return err
	}
	body := catalog.Body{
		Name: in.name, Version: "V1.0", Protocol: in.protocol, Logo: logo.ID, SendMobile: in.about.sendPhone, SendEmail: in.about.sendPhone, Media: media, Overview: in.overview,
		Description: "## 产品介绍\n\n" + in.about.intro + "\n\n" + aboutService, Highlights: in.about.features, Cases: []catalog.Case{in.about.story}, Agreement: agreement,
		Support:   catalog.Support{Days: 5, Hours: 9, Time: "周一至周五 9:00–18:00", Content: "安装、使用与故障咨询", Hotline: "400-123-4567", Email: in.mail},
		UserGuide: in.about.guide, Copyright: certificate.ID, Public: true, Category: in.about.category, Tags: in.about.tags, Specs: in.specs,
	}
	return p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		v, err := p.Catalogue.Begin(ctx, tx, seller, "")
		if err != nil {
			return err
		}
		if v, err = p.Catalogue.SaveDraft(ctx, tx, seller, v.ID, v.Version, body); err != nil {
			return err
		}
		if v, err = p.Catalogue.SubmitDraft(ctx, tx, seller, v.ID, v.Version); err != nil {
			return err
		}
		if v, err = p.Catalogue.TakeReview(ctx, tx, reviewer, v.ID); err != nil {
			return err
		}
		_, err = p.Catalogue.ApproveReview(ctx, tx, reviewer, v.ID)
		return err
	})
}

// demoProduct is one product of the demo.
type demoProduct struct {
	name, overview, mail string
	protocol             catalog.Protocol
	specs                []catalog.Spec
	about                brochure
}

func fill(m draw.Image, x0, y0, x1, y1 int, c color.Color) {
	draw.Draw(m, image.Rect(x0, y0, x1, y1), image.NewUniform(c), image.Point{}, draw.Src)
}

func mix(c color.RGBA, white int) color.RGBA {
	f := func(v uint8) uint8 { return uint8((int(v)*(100-white) + 255*white) / 100) }
	return color.RGBA{f(c.R), f(c.G), f(c.B), 255}
}

// drawLogo draws a mark of two blocks and a bar.
func drawLogo(c color.RGBA) *bytes.Buffer {
	m := image.NewRGBA(image.Rect(0, 0, catalog.LogoSide, catalog.LogoSide))
	fill(m, 0, 0, 120, 120, mix(c, 85))
	fill(m, 28, 28, 58, 92, c)
	fill(m, 66, 28, 92, 56, mix(c, 35))
	fill(m, 66, 64, 92, 92, mix(c, 60))
	return encodePNG(m)
}

// drawScreen draws what a screen of the product looks like from afar: a side bar,
// cards, and bars or a table.
func drawScreen(c color.RGBA, n int) *bytes.Buffer {
	m := image.NewRGBA(image.Rect(0, 0, catalog.PictureWidth, catalog.PictureHeight))
	fill(m, 0, 0, 800, 600, color.RGBA{244, 247, 247, 255})
	fill(m, 0, 0, 800, 56, color.White)
	fill(m, 24, 18, 44, 38, c)
	fill(m, 56, 22, 160, 34, mix(c, 50))
	fill(m, 0, 56, 170, 600, mix(c, 92))
	for i := range 6 {
		shade := 70
		if i == n {
			shade = 20
		}
		fill(m, 24, 90+i*44, 140, 104+i*44, mix(c, shade))
	}
	for i := range 3 {
		x := 200 + i*196
		fill(m, x, 84, x+176, 174, color.White)
		fill(m, x+16, 102, x+86, 112, mix(c, 75))
		fill(m, x+16, 128, x+116, 150, mix(c, 15+20*i))
	}
	fill(m, 200, 198, 768, 568, color.White)
	if n == 0 {
		for i, h := range []int{120, 180, 150, 220, 190, 260, 230, 280} {
			x := 228 + i*66
			fill(m, x, 544-h, x+40, 544, mix(c, 10+i*6))
		}
	} else {
		for i := range 7 {
			y := 226 + i*46
			fill(m, 224, y, 744, y+1, color.RGBA{225, 232, 232, 255})
			fill(m, 232, y+14, 232+80+i*9, y+26, mix(c, 65))
			fill(m, 420, y+14, 420+60, y+26, mix(c, 80))
			fill(m, 640, y+12, 640+70, y+30, mix(c, 20+i*8))
		}
	}
	return encodePNG(m)
}

func encodePNG(m image.Image) *bytes.Buffer {
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // a picture in memory always encodes
	}
	return &b
}

func spec(zh, en, attribute string, values []string, quantity *catalog.SpecQuantity, trial int, prices ...catalog.Price) catalog.Spec {
	s := catalog.Spec{NameZH: zh, NameEN: en, Quantity: quantity, TrialDays: trial, Prices: prices}
	if attribute != "" {
		s.Enums = []catalog.Enum{{Name: attribute, Values: values}}
		for i := range len(values) - 1 {
			s.Upgrades = append(s.Upgrades, catalog.UpgradePair{From: values[i], To: values[i+1]})
		}
	}
	return s
}

func seats(max int64) *catalog.SpecQuantity {
	return &catalog.SpecQuantity{Name: "用户数", Unit: "人", Min: 1, Max: max, Step: 1}
}

func price(sku string, period catalog.PeriodType, amount string) catalog.Price {
	return catalog.Price{SKU: sku, PeriodType: period, Amount: amount, Currency: "CNY"}
}

// paragraph makes one paragraph of sentences.
func paragraph(sentences ...string) string { return strings.Join(sentences, "") }

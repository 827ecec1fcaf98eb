package demo

import (
	"bytes"
	"context"
	"image/color"
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
	mark      int    // of the logo
	screens   [3]int // kinds of pictures
	sendPhone bool
	english   bool // what stands around the texts above
}

const aboutService = `## 部署与数据安全

服务运行在云上，不需要购买服务器，也不需要安装客户端，打开浏览器即可使用，手机和平板同样适配。每家企业的数据相互隔离，传输全程加密，每天自动备份，保留三十天；管理员可以随时导出本企业的全部数据。账号支持按部门和角色授权，离职人员的权限可以一键收回，重要操作留有日志，便于事后查证。

## 开通与支持

付款后系统自动开通，入口地址、管理员账号和初始密码会显示在“已购买的服务”中，首次登录请修改密码。续费后到期时间自动顺延；到期未续费时数据保留十五天，期间续费即可恢复使用。使用中遇到问题，可以拨打服务热线或发送邮件，工作时间内两小时响应；上线初期提供一次远程培训，帮助管理员完成组织架构导入和基础设置。
`

const agreement = `本协议由购买方与服务方在线订立，购买方勾选同意并完成下单后生效。服务方按商品页所列规格提供在线软件服务，并在服务期内持续维护；购买方按约定用途使用，不得转售或用于违法活动。购买方对其上传的数据享有全部权利，服务方仅在提供服务所必需的范围内处理，服务终止后按约定期限删除。因服务方原因无法开通的，已付款项全额退还。服务期内双方均应保守对方的商业秘密。争议由双方协商解决。`

const aboutServiceEN = `## How it runs

The service runs in the cloud: no server to buy and no client to install. People open it in a browser on a computer, a tablet or a phone. Each company's data is kept apart from every other's, encrypted on the way, backed up every day and kept for thirty days; administrators export all of it whenever they like. Accounts are granted by department and role, and taken back with one click when somebody leaves; what matters is logged.

## Opening and help

Right after payment the service opens by itself. Its entry page, the administrator's account and the first password stand under "Services"; change the password at the first login. Renewing moves the end of the term on; without renewal the data is kept for fifteen days, and renewing within them brings everything back. Call the hotline or write a mail with any question: within working hours somebody answers in two hours.
`

const agreementEN = `This agreement is made online between the buyer and the provider and takes effect when the buyer accepts it and places the order. The provider offers the online service as specified on the product page and maintains it for the whole term; the buyer uses it for the agreed purpose, does not resell it and does not use it against the law. The buyer keeps all rights in the data it uploads; the provider processes it only as far as the service needs, and deletes it within the agreed time after the end. If the service cannot be opened for reasons on the provider's side, everything paid is given back. Both sides keep each other's secrets. Disputes are settled by talking first.`

// release brings a demo product on sale through the wizard, as a seller would.
func release(ctx context.Context, p *program.Program, seller, reviewer access.Actor, in demoProduct) error {
	logo, err := p.Catalogue.Upload(ctx, seller, "logo.png", logo(in.about.hue, in.about.mark))
	if err != nil {
		return err
	}
	var media []string
	for _, kind := range in.about.screens {
		f, err := p.Catalogue.Upload(ctx, seller, "screen.png", screen(in.about.hue, kind))
		if err != nil {
			return err
		}
		media = append(media, f.ID)
	}
	certificate, err := p.Catalogue.Upload(ctx, seller, "certificate.pdf", bytes.NewBufferString("%PDF-1.4\n% demo certificate\n"))
	if err != nil {
		return err
	}
	about, terms, support, heading := aboutService, agreement, catalog.Support{Days: 5, Hours: 9, Time: "周一至周五 9:00–18:00", Content: "安装、使用与故障咨询", Hotline: "400-123-4567", Email: in.mail}, "产品介绍"
	if in.about.english {
		about, terms, support, heading = aboutServiceEN, agreementEN, catalog.Support{Days: 6, Hours: 12, Time: "Monday to Saturday 8:00–20:00 (UTC+8)", Content: "Setting up, questions of use, faults", Hotline: "400-765-4321", Email: in.mail}, "What it does"
	}
	stories := []catalog.Case{}
	if in.about.story.Customer != "" {
		stories = append(stories, in.about.story)
	}
	body := catalog.Body{
		Name: in.name, Version: "V1.0", Protocol: in.protocol, Logo: logo.ID, SendMobile: in.about.sendPhone, SendEmail: in.about.sendPhone, Media: media, Overview: in.overview,
		Description: "## " + heading + "\n\n" + in.about.intro + "\n\n" + about, Highlights: in.about.features, Cases: stories, Agreement: terms, Support: support,
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

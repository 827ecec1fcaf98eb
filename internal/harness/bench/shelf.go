package bench

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// shelf is what is on sale.
type shelf struct{ products, sellers []string }

const shelfSellers = 40

// Words that names and texts are made of; searches look for some of them.
var (
	shelfCategories = []string{"office", "crm", "bi", "contract", "finance", "monitoring", "devops", "appsec", "netsec", "manufacturing", "education", "retail"}
	shelfBrands     = []string{"云帆", "北辰", "海风", "青山", "星河", "明德", "远景", "智联", "长风", "瑞讯", "天合", "百川", "启明", "方舟", "锦程", "思源", "和光", "泰岳", "凌云", "新禾"}
	shelfThings     = []string{"协同办公", "客户管理", "经营看板", "电子签章", "仓储管理", "考勤排班", "项目管理", "安全审计", "日志分析", "费用报销", "在线培训", "会员营销", "设备巡检", "漏洞扫描", "代码托管", "合同管理", "人事薪酬", "采购管理", "质量追溯", "智能客服"}
	shelfEditions   = []string{"", "云", "轻量版", "企业版", "旗舰版", "行业版", "助手", "平台", "工作台", "中心"}
	shelfMakers     = []string{"Harbor", "Northwind", "Cedar", "Bluefin", "Juniper", "Redwood", "Lantern", "Granite", "Willow", "Falcon"}
	shelfTools      = []string{"Invoice Manager", "Ticket Desk", "Metrics Dashboard", "Contract Signing", "Inventory Tracker", "Shift Planner", "Project Board", "Audit Trail", "Log Explorer", "Expense Claims", "Learning Portal", "Loyalty Campaigns", "Payroll Suite", "Code Review", "Asset Monitoring"}
	shelfChinese    = []string{"协同", "办公", "客户", "看板", "签章", "仓储", "考勤", "项目", "审计", "日志", "报销", "培训", "会员", "巡检", "漏洞", "代码", "合同", "薪酬", "采购", "客服"}
	shelfEnglish    = []string{"invoice", "ticket", "dashboard", "contract", "inventory", "shift", "project", "audit", "log", "expense", "learning", "payroll", "code", "asset"}
	shelfSentences  = []string{
		"员工打开浏览器就能完成一天的日常事务，不需要安装客户端。", "管理员用拖拽的方式设计流程，支持条件分支、会签和转交，超时会自动提醒。", "数据按企业相互隔离，传输全程加密，每天自动备份并保留三十天。",
		"支持从表格导入历史数据，也可以通过接口与已有系统对接。", "报表可以按部门、区域和时间下钻，异常波动会推送给负责人。", "权限细到单条记录，离职人员的账号可以一键收回，重要操作留有日志。",
		"上线初期提供一次远程培训，帮助管理员完成基础设置。", "移动端与电脑端同步，外出时也能处理待办。", "系统内置常用模板，开通后即可使用，也可以按企业习惯调整字段。", "服务端按月发布更新，使用者无需停机。",
	}
	shelfEnglishText = "Teams open it in a browser and start at once. Import what you have from spreadsheets, connect other systems through the interface, and set who may see what down to a single record. Reports drill down by department, region and time, and unusual changes are sent to whoever is responsible. "
)

// newDir makes a folder of the measurement.
func newDir(parent string) (string, error) { return os.MkdirTemp(parent, "data-") }

// stock puts n products on sale through the wizard and the review, each with names,
// texts, pictures, specifications and prices of its own, drawn from a fixed seed.
func (w *world) stock(ctx context.Context, n int) (*shelf, error) {
	out := &shelf{}
	r := rand.New(rand.NewPCG(20_000, 20))
	return out, w.within(ctx, func(p *program.Program) error {
		type seller struct {
			actor                      access.Actor
			logo, picture, certificate string
		}
		var sellers []seller
		hash := people.HashPassword("nobody signs in here")
		for i := range shelfSellers {
			var a access.Actor
			name := shelfBrands[i%len(shelfBrands)] + []string{"软件", "科技"}[i/len(shelfBrands)%2]
			if err := p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
				co, err := p.People.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: party.Seller, Name: name, Email: "desk@example.com"})
				if err != nil {
					return err
				}
				one, err := p.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: co.ID, Login: fmt.Sprintf("seller-%02d", i), Name: name, PasswordHash: hash, Email: fmt.Sprintf("seller-%02d@example.com", i), Roles: []access.Role{access.SellerOwner}})
				if err != nil {
					return err
				}
				a = access.Actor{PersonID: one.ID, CompanyID: co.ID, CompanyKind: party.Seller, Roles: []access.Role{access.SellerOwner}}
				return p.Catalogue.SetAddress(ctx, tx, a, co.ID, "base", "", "http://127.0.0.1:9/produce")
			}); err != nil {
				return err
			}
			s := seller{actor: a}
			hue := color.RGBA{uint8(40 + r.IntN(160)), uint8(40 + r.IntN(160)), uint8(40 + r.IntN(160)), 255}
			for _, up := range []struct {
				to   *string
				name string
				body *bytes.Buffer
			}{{&s.logo, "logo.png", plain(catalog.LogoSide, catalog.LogoSide, hue)}, {&s.picture, "screen.png", plain(catalog.PictureWidth, catalog.PictureHeight, hue)}, {&s.certificate, "certificate.pdf", bytes.NewBufferString("%PDF-1.4\n")}} {
				f, err := p.Catalogue.Upload(ctx, a, up.name, up.body)
				if err != nil {
					return err
				}
				*up.to = f.ID
			}
			sellers = append(sellers, s)
			out.sellers = append(out.sellers, a.CompanyID)
		}
		const batch = 200
		for from := 0; from < n; from += batch {
			var ids []string
			if err := p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
				ids = ids[:0]
				for i := from; i < min(from+batch, n); i++ {
					s := sellers[i%len(sellers)]
					body := product(r, i)
					body.Logo, body.Media, body.Copyright = s.logo, []string{s.picture}, s.certificate
					if body.Supervised {
						body.DeliveryForm = s.certificate
					}
					v, err := p.Catalogue.Begin(ctx, tx, s.actor, "")
					if err == nil {
						v, err = p.Catalogue.SaveDraft(ctx, tx, s.actor, v.ID, v.Version, body)
					}
					if err == nil {
						v, err = p.Catalogue.SubmitDraft(ctx, tx, s.actor, v.ID, v.Version)
					}
					if err == nil {
						v, err = p.Catalogue.ApproveReview(ctx, tx, kernel.System, v.ID)
					}
					if err != nil {
						return fmt.Errorf("product %d, %s: %w", i, body.Name, err)
					}
					ids = append(ids, v.ProductID)
				}
				return nil
			}); err != nil {
				return err
			}
			out.products = append(out.products, ids...)
			if from/batch%20 == 19 {
				w.o.say("browse: %d of %d products", len(out.products), n)
			}
		}
		return nil
	})
}

func plain(w, h int, c color.RGBA) *bytes.Buffer {
	m := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{c, color.White})
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 40 % 2)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		panic(err) // a picture in memory always encodes
	}
	return &b
}

// product is the i-th product's wizard.
func product(r *rand.Rand, i int) catalog.Body {
	serial := i / shelfSellers // unique within a seller
	thing := shelfThings[serial%len(shelfThings)]
	b := catalog.Body{
		Name:    shelfBrands[i%shelfSellers%len(shelfBrands)] + thing + shelfEditions[serial/len(shelfThings)%len(shelfEditions)] + letters(serial/len(shelfThings)/len(shelfEditions)),
		Version: "V1.0", Protocol: catalog.V1, Overview: thing + "，开通即用，" + shelfSentences[i%len(shelfSentences)], Public: true, Category: shelfCategories[r.IntN(len(shelfCategories))], Tags: []string{thing},
		Highlights: []catalog.Highlight{{Title: "开通即用", Text: shelfSentences[r.IntN(len(shelfSentences))]}, {Title: "安全可靠", Text: shelfSentences[r.IntN(len(shelfSentences))]}},
		Cases:      []catalog.Case{{Customer: "某制造企业", Background: shelfSentences[r.IntN(len(shelfSentences))], Result: shelfSentences[r.IntN(len(shelfSentences))]}},
		Support:    catalog.Support{Days: 5, Hours: 9, Time: "周一至周五 9:00–18:00", Content: "安装与使用咨询", Hotline: "400-123-4567", Email: "desk@example.com"},
		Agreement:  strings.Repeat("双方在线订立本协议，购买方勾选同意后生效，服务方按所列规格提供服务。", 5), UserGuide: strings.Repeat("打开入口页面，用返回的账号登录并修改初始密码。", 4),
	}
	var text strings.Builder
	fmt.Fprintf(&text, "## %s\n\n", b.Name)
	if i%3 == 0 { // a third of the market writes English
		b.Name = shelfMakers[i%shelfSellers%len(shelfMakers)] + " " + shelfTools[serial%len(shelfTools)] + " " + letters(serial/len(shelfTools))
		b.Overview = b.Name + " for teams who want to start today"
		text.WriteString(strings.Repeat(shelfEnglishText, 3))
	}
	for range 20 + r.IntN(10) {
		text.WriteString(shelfSentences[r.IntN(len(shelfSentences))])
	}
	b.Description = text.String()
	if r.IntN(8) == 0 {
		b.Supervised, b.DeliveryDays = true, 1+r.IntN(20)
	}
	cents := func(n int) string { return fmt.Sprintf("%d.%02d", n/100, n%100) }
	month := 500 + r.IntN(30000)
	s := catalog.Spec{NameZH: thing + "服务", NameEN: "Service plan", Quantity: &catalog.SpecQuantity{Name: "用户数", Unit: "人", Min: 1, Max: 1000, Step: 1}, Enums: []catalog.Enum{{Name: "版本", Values: []string{"标准版", "专业版"}}}}
	if r.IntN(6) == 0 {
		s = catalog.Spec{NameZH: thing + "部署", NameEN: "Deployment", Prices: []catalog.Price{{PeriodType: catalog.OneTime, Amount: cents(100 * month), Currency: money.CNY}}}
	} else {
		for k, sku := range s.Enums[0].Values {
			s.Prices = append(s.Prices, catalog.Price{SKU: sku, PeriodType: catalog.Month, Amount: cents(month * (k + 1)), Currency: money.CNY}, catalog.Price{SKU: sku, PeriodType: catalog.Year, Amount: cents(10 * month * (k + 1)), Currency: money.CNY})
		}
	}
	b.Specs = []catalog.Spec{s}
	return b
}

// letters writes a number as letters, nothing for 0: names must hold no version.
func letters(n int) string {
	out := ""
	for ; n > 0; n = (n - 1) / 26 {
		out = string(rune('A'+(n-1)%26)) + out
	}
	return out
}

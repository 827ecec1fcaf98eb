package demo

import (
	"image/color"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/pricing"
)

// guest is a further seller of the demo: its products can be bought like all others,
// its server is the first seller's.
func guest(name, login, mail string, products ...demoProduct) company {
	for i := range products {
		products[i].mail, products[i].protocol = mail, catalog.V1
	}
	return company{kind: party.Seller, name: name, email: mail, mobile: "13500135000", protocol: catalog.V1, guest: true, products: products,
		people: []person{{role: "seller", login: login, name: name, email: mail, roles: []access.Role{access.SellerOwner}}}}
}

// plans is a specification in two editions, by month and by year.
func plans(zh, en string, quantity *catalog.SpecQuantity, trial int, low, lowYear, high, highYear string) catalog.Spec {
	return spec(zh, en, "版本", []string{"标准版", "专业版"}, quantity, trial, price("标准版", catalog.Month, low), price("标准版", catalog.Year, lowYear), price("专业版", catalog.Month, high), price("专业版", catalog.Year, highYear))
}

func plansEN(zh, en string, quantity *catalog.SpecQuantity, trial int, low, lowYear, high, highYear string) catalog.Spec {
	return spec(zh, en, "Edition", []string{"Team", "Business"}, quantity, trial, price("Team", catalog.Month, low), price("Team", catalog.Year, lowYear), price("Business", catalog.Month, high), price("Business", catalog.Year, highYear))
}

// inBands prices a specification by the number of pieces: a text for each of its prices.
func inBands(s catalog.Spec, mode pricing.Mode, prices ...string) catalog.Spec {
	s.Quantity.Pricing = mode
	for i, text := range prices {
		s.Prices[i] = s.Prices[i].ReadPrice(text)
	}
	return s
}

func users(max int64) *catalog.SpecQuantity {
	return &catalog.SpecQuantity{Name: "Users", Unit: "users", Min: 5, Max: max, Step: 5}
}

var guests = []company{
	guest("星河安全", "xinghe", "service@xinghe.example",
		demoProduct{name: "星河漏洞扫描", overview: "定期扫描网站与主机，发现漏洞、给出修复建议并跟踪到关闭。",
			specs: []catalog.Spec{plans("漏洞扫描", "Vulnerability scanning", &catalog.SpecQuantity{Name: "资产数", Unit: "个", Min: 5, Max: 500, Step: 5}, 15, "18.00", "180.00", "36.00", "360.00")},
			about: brochure{category: "appsec", tags: []string{"漏洞", "扫描", "等保"}, hue: color.RGBA{32, 82, 149, 255}, mark: markShield, screens: [3]int{screenShares, screenTable, screenCurve},
				intro:    paragraph("星河漏洞扫描按计划检查企业的网站、主机和常用组件，发现弱口令、过期组件、注入与跨站等问题，并按风险等级排序。", "每一个问题都附带复现步骤和修复建议，可以直接指派给负责人，修复后自动复测，直到关闭。", "报告符合等级保护的整改要求，可导出为文档提交。"),
				features: []catalog.Highlight{{Title: "计划扫描", Text: "按天、周、月执行，避开业务高峰。"}, {Title: "跟踪到关闭", Text: "指派、修复、复测，一条线走完。"}, {Title: "合规报告", Text: "按等级保护要求输出整改报告。"}},
				story:    catalog.Case{Customer: "某城市商业银行", Background: "三百多个对外系统靠人工抽查，问题发现不及时。", Result: "高风险问题的平均修复时间从二十天缩短到四天。"},
				guide:    "购买后打开入口页面登录；在“资产”中添加需要扫描的网站和主机并完成归属验证；在“任务”中选择扫描计划，扫描结束后在“问题”中查看并指派。"}},
		demoProduct{name: "星河运维审计", overview: "统一登录入口，谁在什么时间动了哪台主机，一查便知。",
			specs: []catalog.Spec{plans("运维审计", "Operations audit", &catalog.SpecQuantity{Name: "主机数", Unit: "台", Min: 10, Max: 2000, Step: 10}, 0, "9.00", "90.00", "15.00", "150.00")},
			about: brochure{category: "netsec", tags: []string{"审计", "运维", "堡垒"}, hue: color.RGBA{74, 66, 128, 255}, mark: markWave, screens: [3]int{screenText, screenTable, screenCalendar},
				intro:    paragraph("星河运维审计把所有主机的登录收到一个入口，按人、按时间、按资产授权，临时权限到期自动收回。", "每一次会话都有录像和命令记录，高风险命令可以拦截或要求复核；审计员按关键字就能找到相关片段。", "支持与企业目录对接，人员变动当天生效。"),
				features: []catalog.Highlight{{Title: "会话录像", Text: "图形与字符会话全程可回放。"}, {Title: "命令复核", Text: "高风险命令先审批再执行。"}},
				guide:    "购买后打开入口页面登录；在“主机”中导入资产；在“授权”中按人员和时间分配权限，成员即可从统一入口登录主机。"}}),
	guest("明德教育科技", "mingde", "service@mingde.example",
		demoProduct{name: "明德在线培训", overview: "课程、考试、证书一体，员工随时学，进度看得见。",
			specs: []catalog.Spec{plans("在线培训", "Online training", seats(10000), 30, "6.00", "60.00", "11.00", "110.00")},
			about: brochure{category: "education", tags: []string{"培训", "课程", "考试"}, hue: color.RGBA{184, 92, 18, 255}, mark: markCap, screens: [3]int{screenCards, screenCurve, screenTable},
				intro:    paragraph("明德在线培训帮助企业把课程、直播、考试和证书放在一个平台，新员工入职当天就能开始学习。", "学习路径按岗位编排，完成前一门才解锁下一门；考试支持题库抽题、防切屏和自动阅卷；证书到期前自动提醒复训。", "管理者按部门查看进度和成绩，薄弱点一目了然。"),
				features: []catalog.Highlight{{Title: "岗位学习路径", Text: "按岗位编排课程，逐级解锁。"}, {Title: "在线考试", Text: "题库抽题、自动阅卷、防作弊。"}, {Title: "复训提醒", Text: "证书到期前自动通知。"}},
				story:    catalog.Case{Customer: "某连锁餐饮企业", Background: "两千家门店的新员工培训依赖店长口头传授。", Result: "标准课程全覆盖，首月上岗考核通过率提高三成。"},
				guide:    "购买后打开入口页面登录；在“课程”中上传视频或选用模板课程；在“学员”中导入名单并分配学习路径，员工会收到学习通知。"}}),
	guest("海纳零售云", "haina", "service@haina.example",
		demoProduct{name: "海纳会员营销", overview: "会员分群、自动触达、效果归因，让每一次活动都有数。",
			specs: []catalog.Spec{spec("会员营销", "Member marketing", "规模", []string{"五万会员", "二十万会员", "一百万会员"}, nil, 15, price("五万会员", catalog.Month, "299.00"), price("五万会员", catalog.Year, "2990.00"),
				price("二十万会员", catalog.Month, "699.00"), price("二十万会员", catalog.Year, "6990.00"), price("一百万会员", catalog.Month, "1999.00"), price("一百万会员", catalog.Year, "19990.00"))},
			about: brochure{category: "retail", tags: []string{"会员", "营销", "零售"}, hue: color.RGBA{176, 42, 92, 255}, mark: markBag, screens: [3]int{screenShares, screenCards, screenCurve},
				intro:    paragraph("海纳会员营销汇集门店、小程序和电商的会员数据，自动去重合并，形成统一画像。", "运营人员按消费频次、偏好和生命周期圈选人群，设置自动触达流程：生日关怀、沉睡唤醒、复购提醒。", "每个活动的触达、到店和成交都能归因，投入产出清清楚楚。"),
				features: []catalog.Highlight{{Title: "统一会员画像", Text: "多渠道数据自动合并去重。"}, {Title: "自动触达流程", Text: "拖拽搭建，条件触发。"}, {Title: "效果归因", Text: "活动带来的成交逐笔可查。"}},
				story:    catalog.Case{Customer: "某母婴连锁", Background: "促销短信群发，打扰多、回报低。", Result: "分群触达后短信量减少一半，复购率提高一成八。"},
				guide:    "购买后打开入口页面登录；在“数据接入”中连接门店和电商账号；在“人群”中圈选会员，在“流程”中启用模板即可开始自动触达。"}}),
	guest("远山智造", "yuanshan", "service@yuanshan.example",
		demoProduct{name: "远山设备巡检", overview: "扫码巡检、异常上报、维修闭环，设备状态实时掌握。",
			specs: []catalog.Spec{plans("设备巡检", "Equipment inspection", seats(3000), 15, "15.00", "150.00", "25.00", "250.00")},
			about: brochure{category: "manufacturing", tags: []string{"巡检", "设备", "维修"}, hue: color.RGBA{58, 106, 44, 255}, mark: markGear, screens: [3]int{screenCalendar, screenBoard, screenBars},
				intro:    paragraph("远山设备巡检让班组用手机扫码完成点检、润滑和保养，漏检、补检一目了然，纸质表格从此退场。", "发现异常当场拍照上报，系统按设备和班次派单，维修过程和备件消耗都有记录。", "停机时间、故障原因和平均修复时间自动统计，为保养计划提供依据。"),
				features: []catalog.Highlight{{Title: "扫码巡检", Text: "到点提醒，位置校验，杜绝补签。"}, {Title: "维修闭环", Text: "上报、派单、验收全程留痕。"}},
				story:    catalog.Case{Customer: "某汽车零部件厂", Background: "关键设备突发停机每月超过十次。", Result: "半年后突发停机下降六成，保养按时完成率超过九成五。"},
				guide:    "购买后打开入口页面登录；在“设备”中导入台账并打印二维码；在“计划”中设置巡检路线，班组成员用手机扫码即可开始。"}},
		demoProduct{name: "远山质量追溯", overview: "从原料到成品一物一码，问题批次分钟级定位。",
			specs: []catalog.Spec{plans("质量追溯", "Quality tracing", nil, 0, "799.00", "7990.00", "1599.00", "15990.00"), spec("产线部署包", "Line deployment", "", nil, nil, 0, price("", catalog.OneTime, "9800.00"))},
			about: brochure{category: "manufacturing", tags: []string{"追溯", "质量", "一物一码"}, hue: color.RGBA{20, 98, 118, 255}, mark: markTicket, screens: [3]int{screenTable, screenCurve, screenShares},
				intro:    paragraph("远山质量追溯为每个批次和单件赋码，采集原料、工序、检验和发货数据，形成完整的追溯链。", "出现投诉时输入一个编码，就能看到用了哪批原料、经过哪些设备、由谁检验、发往哪些客户。", "检验标准在线维护，不合格自动拦截，统计过程控制图实时更新。"),
				features: []catalog.Highlight{{Title: "双向追溯", Text: "正查去向，反查来源。"}, {Title: "不合格拦截", Text: "检验未通过不能流转。"}},
				guide:    "购买后打开入口页面登录；在“工艺”中配置工序和检验项；在“赋码”中生成编码并打印，产线扫码即可采集数据。"}}),
	guest("Northwind Tools", "northwind", "help@northwind.example",
		demoProduct{name: "Northwind Log Explorer", overview: "Collect logs from every service, search them in seconds, and be told when something is off.",
			specs: []catalog.Spec{inBands(plansEN("日志检索", "Log Explorer", &catalog.SpecQuantity{Name: "Volume", Unit: "GB per day", Min: 5, Max: 500, Step: 5}, 15, "8.00", "80.00", "14.00", "140.00"),
				pricing.Volume, "8.00 105:7.00 255:6.00", "80.00 105:70.00 255:60.00", "14.00 105:12.50 255:11.00", "140.00 105:125.00 255:110.00")},
			about: brochure{category: "monitoring", tags: []string{"logs", "search", "alerts", "日志"}, hue: color.RGBA{16, 92, 92, 255}, mark: markWave, screens: [3]int{screenText, screenCurve, screenTable}, english: true,
				intro:    paragraph("Northwind Log Explorer takes in logs from servers, containers and applications and makes them searchable within seconds. ", "Save the searches you need every day, put them on a dashboard, and have the team told when a pattern shows up more often than it should. ", "Fields are found by themselves; nobody writes parsers."),
				features: []catalog.Highlight{{Title: "Seconds to search", Text: "Billions of lines, one search box."}, {Title: "Alerts that matter", Text: "Tell the team once, not a hundred times."}, {Title: "No parsers", Text: "Fields are recognised by themselves."}},
				story:    catalog.Case{Customer: "A payment provider", Background: "Engineers logged in to forty machines to follow one request.", Result: "A request is followed in one page; finding a cause takes minutes instead of hours."},
				guide:    "Open the entry page and sign in with the account of the order. Under Sources copy the one-line installer to your machines; logs appear within a minute. Save a search and press Alert to be told."}},
		demoProduct{name: "Northwind Code Review", overview: "Reviews that people finish: small changes, clear owners, checks before the merge.",
			specs: []catalog.Spec{plansEN("代码评审", "Code Review", users(2000), 30, "19.00", "190.00", "35.00", "350.00")},
			about: brochure{category: "devops", tags: []string{"code", "review", "git", "代码"}, hue: color.RGBA{62, 62, 142, 255}, mark: markBraces, screens: [3]int{screenText, screenBoard, screenBars}, english: true,
				intro:    paragraph("Northwind Code Review sits beside your repositories and turns every change into a conversation with an end. ", "Owners of the touched files are asked by themselves, checks run before anybody reads, and what waits longest is on top of everybody's list. ", "Statistics show where reviews get stuck, never who is slow."),
				features: []catalog.Highlight{{Title: "Owners by path", Text: "The right people are asked at once."}, {Title: "Checks first", Text: "Machines read before people do."}},
				story:    catalog.Case{Customer: "A logistics software house", Background: "Changes waited three days for a reader.", Result: "Half of all changes are merged on the day they are made."},
				guide:    "Open the entry page and sign in. Connect a repository under Settings, name the owners of each folder, and open the first change: reviewers are asked by mail."}},
		demoProduct{name: "Northwind Ticket Desk", overview: "One inbox for mail, forms and chat, with promises you can keep.",
			specs: []catalog.Spec{plansEN("工单服务台", "Ticket Desk", users(1000), 15, "29.00", "290.00", "49.00", "490.00")},
			about: brochure{category: "crm", tags: []string{"tickets", "support", "客服"}, hue: color.RGBA{150, 62, 26, 255}, mark: markTicket, screens: [3]int{screenBoard, screenTable, screenShares}, english: true,
				intro:    paragraph("Northwind Ticket Desk collects what customers write, wherever they write it, and gives each matter one owner and one deadline. ", "Answers that come up again become articles; articles answer the next customer before a ticket is made. ", "Working hours and promised times are counted for you."),
				features: []catalog.Highlight{{Title: "One inbox", Text: "Mail, forms and chat in one list."}, {Title: "Promised times", Text: "Deadlines by working hours."}},
				guide:    "Open the entry page and sign in. Forward your support mailbox to the address shown under Channels, invite your team, and set working hours and promised times."}}),
	guest("Harbor Finance", "harbor", "help@harbor.example",
		demoProduct{name: "Harbor Expense Claims", overview: "Take a picture of the receipt; approval, booking and payment follow.",
			specs: []catalog.Spec{plansEN("费用报销", "Expense Claims", users(5000), 15, "12.00", "120.00", "22.00", "220.00")},
			about: brochure{category: "finance", tags: []string{"expenses", "receipts", "报销"}, hue: color.RGBA{110, 72, 8, 255}, mark: markCoin, screens: [3]int{screenTable, screenShares, screenCards}, english: true,
				intro:    paragraph("Harbor Expense Claims reads receipts from a photograph, fills in the claim and checks it against the company's rules before it is sent. ", "Approvers see what is unusual, not what is usual; approved claims are booked and paid in one run. ", "Travel advances, daily allowances and mileage are part of it."),
				features: []catalog.Highlight{{Title: "Reads receipts", Text: "Date, amount and tax from a photograph."}, {Title: "Rules first", Text: "Claims outside the rules are marked before approval."}, {Title: "Booked and paid", Text: "One run a week, exported to your books."}},
				story:    catalog.Case{Customer: "A consulting firm of 300", Background: "Claims took five weeks and three spreadsheets.", Result: "Paid within six days, without spreadsheets."},
				guide:    "Open the entry page and sign in. Import your people and cost centres, set the rules per grade, and ask everybody to install the app with the code shown."}},
		demoProduct{name: "Harbor Contract Register", overview: "Every contract, its dates and its duties in one searchable place.",
			specs: []catalog.Spec{plansEN("合同台账", "Contract Register", nil, 30, "159.00", "1590.00", "329.00", "3290.00")},
			about: brochure{category: "contract", tags: []string{"contracts", "deadlines", "合同"}, hue: color.RGBA{44, 92, 62, 255}, mark: markPen, screens: [3]int{screenCards, screenCalendar, screenTable}, english: true,
				intro:    paragraph("Harbor Contract Register keeps signed contracts with their parties, dates, amounts and duties, and tells the owner before a notice period ends. ", "Full text is searchable, renewals are forecast, and access follows the departments. "),
				features: []catalog.Highlight{{Title: "Dates that remind", Text: "Notice periods and renewals in time."}, {Title: "Full-text search", Text: "Scans included."}},
				guide:    "Open the entry page and sign in. Upload contracts or forward them by mail; dates and parties are proposed for you to confirm. Set who is told how long before an end."}}),
}

package demo

import (
	"image/color"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
)

// companies is who takes part in the demo. The people and firms are invented.
var companies = append(mainCompanies, guests...)

var mainCompanies = []company{
	{kind: party.Operator, name: "集市运营中心", email: "desk@souk.example", people: []person{
		{role: "operator", login: "operator", name: "运营管理员", email: "admin@souk.example", roles: access.Roles[access.Operator]},
		{role: "operator", login: "finance", name: "财务专员", email: "finance@souk.example", roles: []access.Role{access.OperatorFinance}},
	}},
	{kind: party.Buyer, name: "青山制造有限公司", email: "it@qingshan.example", mobile: "13800138000", balance: "200000.00", people: []person{
		{role: "buyer", login: "buyer", name: "李采购", email: "li@qingshan.example", mobile: "13800138001", roles: []access.Role{access.BuyerOwner}},
		{role: "buyer", login: "viewer", name: "王查看", email: "wang@qingshan.example", roles: []access.Role{access.Viewer}},
	}},
	{kind: party.Buyer, name: "海风 A&B=C+贸易/100%", level: "plus", email: "office@haifeng.example", mobile: "13900139000", balance: "50000.00", people: []person{
		{role: "buyer", login: "buyer2", name: "dev~user*(1)", email: "chen@haifeng.example", mobile: "13900139001", roles: []access.Role{access.BuyerOwner}},
	}},
	{kind: party.Seller, name: "云帆软件", email: "service@yunfan.example", mobile: "13700137000", protocol: catalog.V1, people: []person{
		{role: "seller", login: "yunfan", name: "云帆管理员", email: "admin@yunfan.example", roles: []access.Role{access.SellerOwner}},
	}, products: []demoProduct{
		{name: "云帆协同办公", overview: "审批、考勤、会议与文档，一个入口完成日常协作。", mail: "service@yunfan.example", protocol: catalog.V1,
			specs: []catalog.Spec{spec("协同办公", "Office suite", "版本", []string{"标准版", "专业版"}, seats(5000), 15,
				price("标准版", catalog.Month, "12.00"), price("标准版", catalog.Year, "120.00"), price("专业版", catalog.Month, "29.90"), price("专业版", catalog.Year, "299.00"))},
			about: brochure{category: "office", tags: []string{"审批", "考勤", "会议", "OA"}, hue: color.RGBA{11, 104, 98, 255}, mark: markBlocks, screens: [3]int{screenBars, screenTable, screenCalendar}, sendPhone: true,
				intro:    paragraph("云帆协同办公把审批、考勤、会议、公告和文档放在同一个入口，员工打开手机就能完成一天的日常事务。", "管理员用拖拽的方式设计审批流程，支持条件分支、会签和转交；考勤支持定位和排班，月底自动汇总；会议室可以在线预订，会议纪要自动归档到项目空间。", "文档支持多人同时编辑和历史版本，权限细到单个文件。"),
				features: []catalog.Highlight{{Title: "审批流程拖拽设计", Text: "条件分支、会签、转交和超时提醒，不写代码也能搭建。"}, {Title: "考勤排班自动汇总", Text: "定位打卡、多班次排班，月底一键生成报表。"}, {Title: "文档多人协作", Text: "同时编辑，保留历史版本，权限细到文件。"}},
				story:    catalog.Case{Customer: "某装备制造企业（800 人）", Background: "纸质审批平均三天，异地工厂靠电话确认。", Result: "上线两个月后，常用审批缩短到半天以内，异地考勤当天可查。"},
				guide:    "购买后打开入口页面，用返回的管理员账号登录并修改初始密码；在“组织架构”中导入员工名单，员工会收到激活短信；在“审批管理”中启用需要的流程模板即可开始使用。"}},
		{name: "云帆电子签章", overview: "合同在线签署，签署记录全程可查。", mail: "service@yunfan.example", protocol: catalog.V1,
			specs: []catalog.Spec{
				spec("一次性部署包", "Deployment package", "", nil, nil, 0, price("", catalog.OneTime, "4999.00")),
				spec("企业签章", "Enterprise signing", "", nil, nil, 0, price("", catalog.Month, "199.00"), price("", catalog.Year, "1999.00"))},
			about: brochure{category: "contract", tags: []string{"合同", "签署", "印章"}, hue: color.RGBA{154, 48, 82, 255}, mark: markPen, screens: [3]int{screenTable, screenCards, screenBoard},
				intro:    paragraph("云帆电子签章让合同从起草、审批、签署到归档全部在线完成，签署双方不必见面，也不必邮寄。", "系统提供常用合同模板，支持批量发起和顺序签署；每一次查看、签署和拒签都有时间戳和证据链，归档后可以按关键字检索。", "印章按部门授权使用，用印前自动触发审批。"),
				features: []catalog.Highlight{{Title: "批量发起", Text: "一次导入名单，数百份合同同时发出。"}, {Title: "证据链留存", Text: "每一步都有时间戳，随时出具签署报告。"}},
				story:    catalog.Case{Customer: "某连锁服务企业", Background: "每年签署两万份劳动合同，邮寄周期长。", Result: "签署周期从一周缩短到一天，邮寄费用基本归零。"},
				guide:    "购买后打开入口页面登录；在“印章管理”中上传印模并授权使用人；在“发起签署”中选择模板、填写签署方，系统会通知对方在线签署。"}},
	}},
	{kind: party.Seller, name: "北辰数据", email: "service@beichen.example", mobile: "13600136000", protocol: catalog.V2, people: []person{
		{role: "seller", login: "beichen", name: "北辰管理员", email: "admin@beichen.example", roles: []access.Role{access.SellerOwner}},
	}, products: []demoProduct{
		{name: "北辰经营看板", overview: "连接业务数据，十分钟搭出经营分析看板。", mail: "service@beichen.example", protocol: catalog.V2,
			specs: []catalog.Spec{spec("经营看板", "Dashboards", "版本", []string{"团队版", "旗舰版"}, seats(1000), 30,
				price("团队版", catalog.Month, "39.00"), price("团队版", catalog.Year, "390.00"), price("旗舰版", catalog.Month, "89.00"), price("旗舰版", catalog.Year, "890.00"))},
			about: brochure{category: "bi", tags: []string{"报表", "看板", "数据分析"}, hue: color.RGBA{40, 78, 160, 255}, mark: markBars, screens: [3]int{screenCurve, screenShares, screenBars},
				intro:    paragraph("北辰经营看板连接企业已有的数据库、表格和业务系统，拖拽字段就能生成图表，十分钟搭出第一张经营看板。", "指标口径统一管理，同一个指标在不同部门看到的数字一致；数据定时刷新，异常波动会推送到负责人手机；看板可以投屏，也可以嵌入企业门户。", "支持按部门和区域设置数据权限。"),
				features: []catalog.Highlight{{Title: "拖拽搭建", Text: "三十种图表，不写代码。"}, {Title: "指标口径统一", Text: "一处定义，处处一致。"}, {Title: "异常主动提醒", Text: "超出阈值自动通知负责人。"}},
				story:    catalog.Case{Customer: "某食品集团", Background: "各区域销售日报靠表格汇总，第二天中午才能看到。", Result: "早上八点自动更新，区域经理在手机上查看并下钻到门店。"},
				guide:    "购买后打开入口页面登录；在“数据源”中连接数据库或上传表格；在“看板”中新建看板，拖拽字段生成图表，保存后分享给同事。"}},
		{name: "北辰客户管理", overview: "线索、商机、回款，销售过程一目了然。", mail: "service@beichen.example", protocol: catalog.V2,
			specs: []catalog.Spec{
				spec("客户管理", "CRM", "", nil, nil, 15, price("", catalog.Month, "99.00"), price("", catalog.Year, "999.00")),
				spec("买断部署", "Perpetual", "", nil, nil, 0, price("", catalog.OneTime, "29800.00"))},
			about: brochure{category: "crm", tags: []string{"CRM", "销售", "线索"}, hue: color.RGBA{66, 118, 38, 255}, mark: markRing, screens: [3]int{screenBoard, screenShares, screenTable},
				intro:    paragraph("北辰客户管理覆盖从线索、商机、报价、合同到回款的销售全过程，让每一位客户的跟进情况清楚可查。", "线索自动去重和分配，超时未跟进自动回收；商机按阶段推进，预测本月可以完成的业绩；合同和回款关联，逾期自动提醒。", "销售漏斗、业绩排名和回款进度一页看全，管理者不必再等周报。"),
				features: []catalog.Highlight{{Title: "线索自动分配", Text: "去重、分配、回收，不漏掉一条线索。"}, {Title: "业绩预测", Text: "按商机阶段预测本月业绩。"}},
				story:    catalog.Case{Customer: "某软件服务商", Background: "客户资料分散在个人表格里，人员变动造成流失。", Result: "客户资料沉淀到企业，交接当天完成，回款周期缩短两成。"},
				guide:    "购买后打开入口页面登录；在“客户”中导入现有客户表格；在“设置”中配置销售阶段和线索分配规则，邀请同事加入即可开始使用。"}},
	}},
}

package demo

import (
	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/catalogue"
)

func offer(p catalog.PeriodType, price string) catalogue.NewOffer {
	return catalogue.NewOffer{PeriodType: p, Price: price, Currency: money.CNY}
}

func users(max int64) *catalog.QuantityRule {
	return &catalog.QuantityRule{Name: "用户数", Unit: "人", Min: 1, Max: max}
}

// companies is who takes part in the demo. The people and firms are invented.
var companies = []company{
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
	}, products: []catalogue.NewProduct{
		{
			Name: "云帆协同办公", Summary: "审批、考勤、会议与文档，一个入口完成日常协作。", Protocol: catalog.V1, Settings: catalog.Settings{SendMobile: true, SendEmail: true},
			SKUs: []catalogue.NewSKU{
				{Name: "标准版", Attributes: map[string]string{"版本": "标准版"}, Quantity: users(5000), Offers: []catalogue.NewOffer{offer(catalog.Month, "12.00"), offer(catalog.Year, "120.00")}},
				{Name: "专业版", Attributes: map[string]string{"版本": "专业版"}, Quantity: users(50000), Offers: []catalogue.NewOffer{offer(catalog.Month, "29.90"), offer(catalog.Year, "299.00")}},
			},
		},
		{
			Name: "云帆电子签章", Summary: "合同在线签署，签署记录全程可查。", Protocol: catalog.V1,
			SKUs: []catalogue.NewSKU{
				{Name: "一次性部署包", Attributes: map[string]string{"部署": "一次性"}, Offers: []catalogue.NewOffer{offer(catalog.OneTime, "4999.00")}},
				{Name: "企业版", Attributes: map[string]string{"版本": "企业版"}, Offers: []catalogue.NewOffer{offer(catalog.Month, "199.00"), offer(catalog.Year, "1999.00")}},
			},
		},
	}},
	{kind: party.Seller, name: "北辰数据", email: "service@beichen.example", mobile: "13600136000", protocol: catalog.V2, people: []person{
		{role: "seller", login: "beichen", name: "北辰管理员", email: "admin@beichen.example", roles: []access.Role{access.SellerOwner}},
	}, products: []catalogue.NewProduct{
		{
			Name: "北辰经营看板", Summary: "连接业务数据，十分钟搭出经营分析看板。", Protocol: catalog.V2,
			SKUs: []catalogue.NewSKU{
				{Name: "团队版", Attributes: map[string]string{"版本": "团队版"}, Quantity: users(1000), Offers: []catalogue.NewOffer{offer(catalog.Month, "39.00"), offer(catalog.Year, "390.00")}},
				{Name: "旗舰版", Attributes: map[string]string{"版本": "旗舰版"}, Quantity: users(20000), Offers: []catalogue.NewOffer{offer(catalog.Month, "89.00"), offer(catalog.Year, "890.00")}},
			},
		},
		{
			Name: "北辰客户管理", Summary: "线索、商机、回款，销售过程一目了然。", Protocol: catalog.V2,
			SKUs: []catalogue.NewSKU{
				{Name: "基础版", Attributes: map[string]string{"版本": "基础版"}, Offers: []catalogue.NewOffer{offer(catalog.Month, "99.00"), offer(catalog.Year, "999.00")}},
				{Name: "买断版", Attributes: map[string]string{"版本": "买断版"}, Offers: []catalogue.NewOffer{offer(catalog.OneTime, "29800.00")}},
			},
		},
	}},
}

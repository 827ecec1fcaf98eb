package catalog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/money"
)

// good is a body that passes, with the facts it needs.
func good() (catalog.Body, catalog.Facts) {
	b := catalog.Body{
		Name: "云帆协同办公", Version: "V1.0", Protocol: catalog.V2, Logo: "logo", Media: []string{"picture"}, Overview: "一个入口完成日常协作",
		Description: "说明", Highlights: []catalog.Highlight{{Title: "审批", Text: "随时审批"}},
		Agreement: strings.Repeat("双方同意本协议的条款。", 12),
		Support:   catalog.Support{Days: 5, Hours: 8, Time: "周一至周五 9:00–18:00", Content: "安装与使用咨询", Hotline: "400-123-4567", Email: "service@yunfan.example"},
		UserGuide: strings.Repeat("购买后打开入口页面登录。", 6), Copyright: "certificate", Public: true, Category: "office",
		Specs: []catalog.Spec{{NameZH: "标准版", NameEN: "Standard", Enums: []catalog.Enum{{Name: "版本", Values: []string{"基础", "高级"}}},
			Quantity: &catalog.SpecQuantity{Name: "用户数", Unit: "人", Min: 1, Max: 1000, Step: 1}, TrialDays: 15,
			Prices:   []catalog.Price{{SKU: "基础", PeriodType: catalog.Month, Amount: "12.00", Currency: money.CNY}, {SKU: "高级", PeriodType: catalog.Month, Amount: "20.00", Currency: money.CNY}},
			Upgrades: []catalog.UpgradePair{{From: "基础", To: "高级"}}}},
	}
	return b, catalog.Facts{
		Files:           map[string]catalog.FileFacts{"logo": {"image/png", 1000, 120, 120}, "picture": {"image/jpeg", 1000, 800, 600}, "certificate": {"application/pdf", 1000, 0, 0}},
		DescriptionText: strings.Repeat("说", 400), HasAddress: true, CategoryLeaf: true, OperatorNames: []string{"集市"},
	}
}

// live is a body as it is on sale.
func live(b *catalog.Body) *catalog.Body {
	b.Specs[0].Key = "k"
	old := *b
	old.Specs = slices.Clone(b.Specs)
	old.Specs[0].Prices = slices.Clone(b.Specs[0].Prices)
	return &old
}

// What may change of a specification on sale: prices, a further term, more values. spec: 20 B3.4
func TestWhatMayChange(t *testing.T) {
	b, f := good()
	f.Live = live(&b)
	s := &b.Specs[0]
	s.Prices[0].Amount = "13.00"
	s.Enums = []catalog.Enum{{Name: "版本", Values: []string{"基础", "高级", "旗舰"}}}
	s.Prices = append(s.Prices, catalog.Price{SKU: "旗舰", PeriodType: catalog.Month, Amount: "30.00", Currency: money.CNY}, catalog.Price{SKU: "基础", PeriodType: catalog.Year, Amount: "120.00", Currency: money.CNY})
	s.Quantity = &catalog.SpecQuantity{Name: "用户数", Unit: "人", Min: 2, Max: 5000, Step: 1}
	if p := b.Check(f); len(p) > 0 {
		t.Errorf("%+v", p)
	}
}

func TestAGoodBodyPasses(t *testing.T) {
	b, f := good()
	if p := b.Check(f); len(p) > 0 {
		t.Fatalf("%+v", p)
	}
}

// Each rule of the wizard beside its field. spec: 20 B2, B3, B10
func TestEachRuleNamesItsField(t *testing.T) {
	tried := map[string]bool{}
	for name, c := range map[string]struct {
		change func(b *catalog.Body, f *catalog.Facts)
		field  string
		code   string
	}{
		"empty name":       {func(b *catalog.Body, f *catalog.Facts) { b.Name = " " }, "name", "missing"},
		"long name":        {func(b *catalog.Body, f *catalog.Facts) { b.Name = strings.Repeat("云", 61) }, "name", "too_long"},
		"broken name":      {func(b *catalog.Body, f *catalog.Facts) { b.Name = "\xff" }, "name", "not_utf8"},
		"operator in name": {func(b *catalog.Body, f *catalog.Facts) { b.Name = "集市协同" }, "name", "operator_name"},
		"marketing":        {func(b *catalog.Body, f *catalog.Facts) { b.Name = "免费办公" }, "name", "marketing_words"},
		"version in name":  {func(b *catalog.Body, f *catalog.Facts) { b.Name = "办公 V2.1" }, "name", "contains_version"},
		"price in name":    {func(b *catalog.Body, f *catalog.Facts) { b.Name = "办公99元" }, "name", "contains_price"},
		"phone in name":    {func(b *catalog.Body, f *catalog.Facts) { b.Name = "办公 13800138000" }, "name", "contains_phone"},
		"taken":            {func(b *catalog.Body, f *catalog.Facts) { f.NameTaken = true }, "name", "taken"},
		"version form":     {func(b *catalog.Body, f *catalog.Facts) { b.Version = "v0.1" }, "version", "form"},
		"logo size": {func(b *catalog.Body, f *catalog.Facts) {
			f.Files["logo"] = catalog.FileFacts{MediaType: "image/png", Width: 121, Height: 120}
		}, "logo", "picture_size"},
		"logo form": {func(b *catalog.Body, f *catalog.Facts) {
			f.Files["logo"] = catalog.FileFacts{MediaType: "image/jpeg", Width: 120, Height: 120}
		}, "logo", "picture_form"},
		"no address":          {func(b *catalog.Body, f *catalog.Facts) { f.HasAddress = false }, "production_address", "no_address"},
		"supervised, no days": {func(b *catalog.Body, f *catalog.Facts) { b.Supervised = true }, "delivery_days", "range"},
		"four parameters":     {func(b *catalog.Body, f *catalog.Facts) { b.ExtendParams = make([]catalog.ExtendParam, 4) }, "extend_params", "too_many"},
		"no picture":          {func(b *catalog.Body, f *catalog.Facts) { b.Media = nil }, "media", "missing"},
		"picture too small": {func(b *catalog.Body, f *catalog.Facts) {
			f.Files["picture"] = catalog.FileFacts{MediaType: "image/png", Width: 400, Height: 300}
		}, "media[0]", "picture_size"},
		"long overview":               {func(b *catalog.Body, f *catalog.Facts) { b.Overview = strings.Repeat("好", 121) }, "overview", "too_long"},
		"399 characters":              {func(b *catalog.Body, f *catalog.Facts) { f.DescriptionText = strings.Repeat("说", 399) }, "description", "too_short"},
		"superlative":                 {func(b *catalog.Body, f *catalog.Facts) { f.DescriptionText += "世界第一" }, "description", "superlative"},
		"identity number":             {func(b *catalog.Body, f *catalog.Facts) { f.DescriptionText += " 110101199003077758 " }, "description", "personal_data"},
		"foreign link":                {func(b *catalog.Body, f *catalog.Facts) { f.ForeignLinks = []string{"https://elsewhere.example"} }, "description", "contains_link"},
		"no highlight":                {func(b *catalog.Body, f *catalog.Facts) { b.Highlights = nil }, "highlights", "missing"},
		"blank in agreement":          {func(b *catalog.Body, f *catalog.Facts) { b.Agreement += "甲方：______" }, "agreement", "blanks"},
		"support hours":               {func(b *catalog.Body, f *catalog.Facts) { b.Support.Hours = 7 }, "support.time", "support_time"},
		"no hotline":                  {func(b *catalog.Body, f *catalog.Facts) { b.Support.Hotline = "" }, "support.hotline", "missing"},
		"bad mail":                    {func(b *catalog.Body, f *catalog.Facts) { b.Support.Email = "service" }, "support.email", "form"},
		"no guide":                    {func(b *catalog.Body, f *catalog.Facts) { b.UserGuide = "" }, "user_guide", "missing"},
		"no certificate":              {func(b *catalog.Body, f *catalog.Facts) { b.Copyright = "" }, "copyright", "missing"},
		"certificate a picture":       {func(b *catalog.Body, f *catalog.Facts) { b.Copyright = "picture" }, "copyright", "file_form"},
		"no category":                 {func(b *catalog.Body, f *catalog.Facts) { b.Category = "" }, "category", "missing"},
		"no spec":                     {func(b *catalog.Body, f *catalog.Facts) { b.Specs = nil }, "specs", "missing"},
		"counter as spec":             {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].NameZH = "规格1" }, "specs[0].name_zh", "meaningless"},
		"no English name":             {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].NameEN = "" }, "specs[0].name_en", "missing"},
		"a SKU without price":         {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices = b.Specs[0].Prices[:1] }, "specs[0].prices", "missing"},
		"price of nothing":            {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[0].SKU = "?" }, "specs[0].prices[0].sku", "unknown"},
		"negative price":              {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[0].Amount = "-1" }, "specs[0].prices[0].amount", "form"},
		"two-day trial":               {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].TrialDays = 2 }, "specs[0].trial_days", "range"},
		"price inversion":             {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[1].Amount = "11.00" }, "specs[0].upgrades[0]", "price_inversion"},
		"supervised without template": {func(b *catalog.Body, f *catalog.Facts) { b.Supervised, b.DeliveryDays = true, 5 }, "delivery_template", "missing"},
		"template a picture": {func(b *catalog.Body, f *catalog.Facts) {
			b.Supervised, b.DeliveryDays, b.DeliveryForm = true, 5, "picture"
		}, "delivery_template", "file_form"},
		"unknown protocol": {func(b *catalog.Body, f *catalog.Facts) { b.Protocol = "v3" }, "protocol", "missing"},
		"parameter twice": {func(b *catalog.Body, f *catalog.Facts) {
			b.ExtendParams = []catalog.ExtendParam{{Name: "ip", Label: "IP"}, {Name: "ip", Label: "IP"}}
		}, "extend_params[1].name", "duplicate"},
		"parameter of no name": {func(b *catalog.Body, f *catalog.Facts) {
			b.ExtendParams = []catalog.ExtendParam{{Name: "x", Label: "X"}}
		}, "extend_params[0].name", "form"},
		"odd key length": {func(b *catalog.Body, f *catalog.Facts) { b.SealBits = 64 }, "seal_bits", "form"},
		"six pictures":   {func(b *catalog.Body, f *catalog.Facts) { b.Media = slices.Repeat([]string{"picture"}, 6) }, "media", "too_many"},
		"picture too heavy": {func(b *catalog.Body, f *catalog.Facts) {
			f.Files["picture"] = catalog.FileFacts{MediaType: "image/png", Size: catalog.MaxPicture + 1, Width: 800, Height: 600}
		}, "media[0]", "file_size"},
		"another's picture": {func(b *catalog.Body, f *catalog.Facts) { b.Media = []string{"nowhere"} }, "media[0]", "unknown"},
		"six pictures in the text": {func(b *catalog.Body, f *catalog.Facts) {
			f.DescriptionImages = slices.Repeat([]string{"wide"}, 6)
			f.Files["wide"] = catalog.FileFacts{MediaType: "image/png", Width: 1000, Height: 900}
		}, "description", "too_many"},
		"narrow picture in the text": {func(b *catalog.Body, f *catalog.Facts) {
			f.DescriptionImages = []string{"narrow"}
			f.Files["narrow"] = catalog.FileFacts{MediaType: "image/png", Width: 899, Height: 900}
		}, "description", "picture_size"},
		"long description": {func(b *catalog.Body, f *catalog.Facts) { b.Description = strings.Repeat("说", 20001) }, "description", "too_long"},
		"seven highlights": {func(b *catalog.Body, f *catalog.Facts) { b.Highlights = slices.Repeat(b.Highlights, 7) }, "highlights", "too_many"},
		"long highlight":   {func(b *catalog.Body, f *catalog.Facts) { b.Highlights[0].Title = strings.Repeat("亮", 31) }, "highlights[0].title", "too_long"},
		"eleven cases": {func(b *catalog.Body, f *catalog.Facts) {
			b.Cases = slices.Repeat([]catalog.Case{{Customer: "甲", Background: "乙", Result: "丙"}}, 11)
		}, "cases", "too_many"},
		"case without result": {func(b *catalog.Body, f *catalog.Facts) {
			b.Cases = []catalog.Case{{Customer: "甲", Background: "乙"}}
		}, "cases[0].result", "missing"},
		"short agreement":   {func(b *catalog.Body, f *catalog.Facts) { b.Agreement = "同意" }, "agreement", "too_short"},
		"support words":     {func(b *catalog.Body, f *catalog.Facts) { b.Support.Content = "" }, "support.content", "missing"},
		"hotline form":      {func(b *catalog.Body, f *catalog.Facts) { b.Support.Hotline = "call me" }, "support.hotline", "form"},
		"short guide":       {func(b *catalog.Body, f *catalog.Facts) { b.UserGuide = "登录" }, "user_guide", "too_short"},
		"address in guide":  {func(b *catalog.Body, f *catalog.Facts) { f.GuideText = "打开 https://elsewhere.example" }, "user_guide", "foreign_address"},
		"link in name":      {func(b *catalog.Body, f *catalog.Facts) { b.Name = "办公 www.example.com" }, "name", "contains_link"},
		"mail in name":      {func(b *catalog.Body, f *catalog.Facts) { b.Name = "办公 a@b.example" }, "name", "contains_email"},
		"much like another": {func(b *catalog.Body, f *catalog.Facts) { f.Similar = "云帆协同办公旗舰版" }, "name", "similar"},
		"eleven tags":       {func(b *catalog.Body, f *catalog.Facts) { b.Tags = slices.Repeat([]string{"a"}, 11) }, "tags", "too_many"},
		"not a leaf":        {func(b *catalog.Body, f *catalog.Facts) { f.CategoryLeaf = false }, "category", "not_leaf"},
		"21 specifications": {func(b *catalog.Body, f *catalog.Facts) { b.Specs = slices.Repeat(b.Specs, 21) }, "specs", "too_many"},
		"two of one name":   {func(b *catalog.Body, f *catalog.Facts) { b.Specs = slices.Repeat(b.Specs, 2) }, "specs[1].name_zh", "duplicate"},
		"six attributes":    {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Enums = slices.Repeat(b.Specs[0].Enums, 6) }, "specs[0].enums", "too_many"},
		"21 values": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Enums[0].Values = strings.Split(strings.Repeat("a,", 20)+"b", ",")
		}, "specs[0].enums[0].values", "too_many"},
		"slash in a value": {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Enums[0].Values[0] = "a/b" }, "specs[0].enums[0].values", "form"},
		"price of nought":  {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[0].Amount = "0.00" }, "specs[0].prices[0].amount", "zero_price"},
		"price twice": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Prices = append(b.Specs[0].Prices, b.Specs[0].Prices[0])
		}, "specs[0].prices[2].amount", "duplicate"},
		"unknown currency": {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[0].Currency = "XYZ" }, "specs[0].prices[0].currency", "form"},
		"unknown term":     {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Prices[0].PeriodType = "day" }, "specs[0].prices[0].period_type", "form"},
		"trial of a single sale": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Prices[0].PeriodType, b.Specs[0].Prices[1].PeriodType = catalog.OneTime, catalog.OneTime
		}, "specs[0].trial_days", "needs_period"},
		"upgrade to nowhere": {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Upgrades[0].To = "?" }, "specs[0].upgrades[0]", "unknown"},
		"another way to charge": {func(b *catalog.Body, f *catalog.Facts) {
			f.Live = live(b)
			b.Specs[0].Prices[0].PeriodType = catalog.OneTime
		}, "specs[0].prices", "fixed"},
		"another step": {func(b *catalog.Body, f *catalog.Facts) {
			f.Live = live(b)
			b.Specs[0].Quantity = &catalog.SpecQuantity{Name: "用户数", Unit: "人", Min: 1, Max: 1000, Step: 5}
		}, "specs[0].quantity.step", "fixed"},
		"no quantity any more": {func(b *catalog.Body, f *catalog.Facts) { f.Live = live(b); b.Specs[0].Quantity = nil }, "specs[0].quantity.name", "fixed"},
		"bands on linear prices": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Prices[0].Bands = pricing.Bands{{From: 11, Unit: "8.00"}}
		}, "specs[0].prices[0].amount", "bands_need_mode"},
		"graduated without bands": {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Quantity.Pricing = pricing.Graduated }, "specs[0].prices[0].amount", "bands_missing"},
		"bands beyond the quantity": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Quantity.Pricing = pricing.Volume
			for i := range b.Specs[0].Prices {
				b.Specs[0].Prices[i] = b.Specs[0].Prices[i].ReadPrice("12.00 1001:8.00")
			}
		}, "specs[0].prices[0].amount", "bands"},
		"a band for nothing": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Quantity.Pricing = pricing.Volume
			for i := range b.Specs[0].Prices {
				b.Specs[0].Prices[i] = b.Specs[0].Prices[i].ReadPrice("12.00 11:0")
			}
		}, "specs[0].prices[0].amount", "zero_price"},
		"bands that cannot be read": {func(b *catalog.Body, f *catalog.Facts) {
			b.Specs[0].Prices[0] = b.Specs[0].Prices[0].ReadPrice("12.00 eleven")
		}, "specs[0].prices[0].amount", "form"},
		"unknown mode":   {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Quantity.Pricing = "steps" }, "specs[0].quantity.pricing", "form"},
		"quantity range": {func(b *catalog.Body, f *catalog.Facts) { b.Specs[0].Quantity.Max = 10_000_000 }, "specs[0].quantity.max", "range"},
	} {
		b, f := good()
		c.change(&b, &f)
		p := b.Check(f)
		tried[c.code] = true
		if !slices.ContainsFunc(p, func(p catalog.Problem) bool { return p.Field == c.field && p.Code == c.code }) {
			t.Errorf("%s: %+v, want %s of %s", name, p, c.code, c.field)
		}
		for _, one := range p {
			if !slices.Contains(catalog.ProblemCodes, one.Code) {
				t.Errorf("code %s is not listed", one.Code)
			}
		}
	}
	for _, code := range catalog.ProblemCodes {
		if !tried[code] {
			t.Errorf("no case shows %s", code)
		}
	}
}

// Three values and one quantity make three SKUs. spec: 20 B10
func TestCombinations(t *testing.T) {
	s := catalog.Spec{Enums: []catalog.Enum{{Name: "版本", Values: []string{"a", "b"}}, {Name: "区域", Values: []string{"x", "y", "z"}}}}
	if got := fmt.Sprint(s.Combinations()); got != "[a / x a / y a / z b / x b / y b / z]" {
		t.Error(got)
	}
	if got := (catalog.Spec{}).Combinations(); len(got) != 1 || got[0] != "" {
		t.Errorf("%q", got)
	}
}

func TestQuantityIsSoldInSteps(t *testing.T) {
	rule := catalog.QuantityRule{Min: 5, Max: 20, Step: 5}
	for n, want := range map[int64]bool{4: false, 5: true, 7: false, 10: true, 20: true, 25: false} {
		if rule.Allows(n) != want {
			t.Errorf("Allows(%d) of 5 to 20 in steps of 5 is %v", n, !want)
		}
	}
	if !(catalog.QuantityRule{Min: 1, Max: 9}).Allows(2) {
		t.Error("a rule without a step must sell every quantity")
	}
}

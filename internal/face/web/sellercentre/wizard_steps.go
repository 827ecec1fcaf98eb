package sellercentre

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

const (
	pictures  = "image/png,image/jpeg,image/gif"
	documents = ".pdf,.doc,.docx,.ppt,.pptx,.zip,.rar"
)

func (w *wizardForm) access() {
	b := w.body
	w.add(ui.Field{Name: "name", Value: b.Name, Required: true, MaxLength: catalog.MaxProductName, Autocomplete: "off", Wide: true}, "w.name")
	w.add(ui.Field{Name: "version", Value: b.Version, Required: true, MaxLength: 20, Placeholder: "V1.0"}, "w.version")
	w.add(ui.Field{Name: "protocol", Kind: "select", Value: string(b.Protocol), Options: w.c.Choices("protocol.", []string{"v2", "v1"}, false)}, "w.protocol")
	w.picture("logo", "w.logo", b.Logo)
	w.add(ui.Field{Name: "supervised", Kind: "checkbox", Checked: b.Supervised, Wide: true}, "w.supervised")
	w.add(ui.Field{Name: "delivery_days", Kind: "number", Value: positive(b.DeliveryDays), Min: "1", Max: "365"}, "w.delivery_days")
	w.document("delivery_template", "w.delivery_template", b.DeliveryForm)
	w.group("consent", "w.consent")
	w.add(ui.Field{Name: "send_mobile", Kind: "checkbox", Checked: b.SendMobile}, "w.send_mobile")
	w.add(ui.Field{Name: "send_email", Kind: "checkbox", Checked: b.SendEmail}, "w.send_email")
	w.add(ui.Field{Name: "send_user", Kind: "checkbox", Checked: b.SendUser}, "w.send_user")
	bits := strconv.Itoa(b.SealBits)
	w.add(ui.Field{Name: "seal_bits", Kind: "select", Value: bits, Options: []ui.Option{{Value: "0", Text: w.c.T("seal.default")}, {Value: "128", Text: "AES-128", Own: true}, {Value: "256", Text: "AES-256", Own: true}}}, "w.seal_bits")
	w.group("extend", "w.extend")
	for i := range catalog.MaxExtendParams {
		var p catalog.ExtendParam
		if i < len(b.ExtendParams) {
			p = b.ExtendParams[i]
		}
		at := fmt.Sprintf("extend_params[%d].", i)
		w.add(ui.Field{Name: at + "name", Kind: "select", Value: p.Name, Options: append([]ui.Option{{Text: w.c.T("w.none")}}, w.c.OwnChoices([]string{"emailDomainName", "ip", "identificationCode", "platformParams"}, false)...)}, "w.extend.name")
		w.add(ui.Field{Name: at + "label", Value: p.Label, MaxLength: 30}, "w.extend.label")
		w.add(ui.Field{Name: at + "required", Kind: "checkbox", Checked: p.Required}, "w.extend.required")
	}
}

func positive(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// picture is a file field that says whether a file is there already.
func (w *wizardForm) picture(name, text, id string) {
	f := ui.Field{Name: name, Kind: "file", Accept: pictures}
	if id != "" {
		f.Help = w.c.T("w.file.there")
	}
	w.add(f, text)
}

func (w *wizardForm) readAccess() error {
	b := w.body
	b.Name, b.Version, b.Protocol = w.text("name"), w.text("version"), catalog.Protocol(w.text("protocol"))
	b.Supervised, b.DeliveryDays = w.flag("supervised"), w.number("delivery_days")
	b.SendMobile, b.SendEmail, b.SendUser, b.SealBits = w.flag("send_mobile"), w.flag("send_email"), w.flag("send_user"), w.number("seal_bits")
	b.ExtendParams = nil
	for i := range catalog.MaxExtendParams {
		at := fmt.Sprintf("extend_params[%d].", i)
		if name := w.text(at + "name"); name != "" {
			b.ExtendParams = append(b.ExtendParams, catalog.ExtendParam{Name: name, Label: w.text(at + "label"), Required: w.flag(at + "required")})
		}
	}
	for name, to := range map[string]*string{"logo": &b.Logo, "delivery_template": &b.DeliveryForm} {
		id, err := w.upload(name)
		if err != nil {
			return err
		}
		if id != "" {
			*to = id
		}
	}
	return nil
}

func (w *wizardForm) basic() {
	b := w.body
	w.group("pictures", "w.media")
	for i := range catalog.MaxPictures {
		id := ""
		if i < len(b.Media) {
			id = b.Media[i]
		}
		if i > len(b.Media) {
			break
		}
		w.picture(fmt.Sprintf("media[%d]", i), "w.picture", id)
		if id != "" {
			w.add(ui.Field{Name: fmt.Sprintf("media[%d].drop", i), Kind: "checkbox"}, "w.drop")
		}
	}
	w.add(ui.Field{Name: "overview", Kind: "textarea", Value: b.Overview, Required: true, MaxLength: catalog.MaxOverview, Wide: true, Rows: 2}, "w.overview")
	w.add(ui.Field{Name: "description", Kind: "textarea", Value: b.Description, Required: true, Wide: true, Rows: 14}, "w.description")
	w.add(ui.Field{Name: "description.picture", Kind: "file", Accept: pictures}, "w.description.picture")
	w.group("highlights", "w.highlights")
	for i := range min(len(b.Highlights)+1, catalog.MaxHighlights) {
		var h catalog.Highlight
		if i < len(b.Highlights) {
			h = b.Highlights[i]
		}
		at := fmt.Sprintf("highlights[%d].", i)
		w.add(ui.Field{Name: at + "title", Value: h.Title, MaxLength: 30}, "w.highlight.title")
		w.add(ui.Field{Name: at + "text", Value: h.Text, MaxLength: 200}, "w.highlight.text")
	}
	w.group("cases", "w.cases")
	for i := range min(len(b.Cases)+1, catalog.MaxCases) {
		var k catalog.Case
		if i < len(b.Cases) {
			k = b.Cases[i]
		}
		at := fmt.Sprintf("cases[%d].", i)
		w.add(ui.Field{Name: at + "customer", Value: k.Customer, MaxLength: 60, Wide: true}, "w.case.customer")
		w.add(ui.Field{Name: at + "background", Kind: "textarea", Value: k.Background, MaxLength: 1000}, "w.case.background")
		w.add(ui.Field{Name: at + "result", Kind: "textarea", Value: k.Result, MaxLength: 1000}, "w.case.result")
	}
}

func (w *wizardForm) readBasic() error {
	b := w.body
	var refused error
	var media []string
	for i := range catalog.MaxPictures {
		name := fmt.Sprintf("media[%d]", i)
		id, err := w.upload(name)
		if err != nil {
			refused = err
		}
		if id == "" && i < len(b.Media) && !w.flag(name+".drop") {
			id = b.Media[i]
		}
		if id != "" {
			media = append(media, id)
		}
	}
	b.Media = media
	b.Overview, b.Description = w.text("overview"), w.text("description")
	if id, err := w.upload("description.picture"); err != nil {
		refused = err
	} else if id != "" {
		b.Description += "\n\n![](" + catalogue.FilePrefix + id + ")\n"
	}
	b.Highlights, b.Cases = nil, nil
	for i := range catalog.MaxHighlights {
		at := fmt.Sprintf("highlights[%d].", i)
		if h := (catalog.Highlight{Title: w.text(at + "title"), Text: w.text(at + "text")}); h != (catalog.Highlight{}) {
			b.Highlights = append(b.Highlights, h)
		}
	}
	for i := range catalog.MaxCases {
		at := fmt.Sprintf("cases[%d].", i)
		if k := (catalog.Case{Customer: w.text(at + "customer"), Background: w.text(at + "background"), Result: w.text(at + "result")}); k != (catalog.Case{}) {
			b.Cases = append(b.Cases, k)
		}
	}
	return refused
}

func (w *wizardForm) service() {
	b := w.body
	w.add(ui.Field{Name: "agreement", Kind: "textarea", Value: b.Agreement, Required: true, Wide: true, Rows: 10}, "w.agreement")
	w.group("support", "w.support")
	w.add(ui.Field{Name: "support.days", Kind: "number", Value: positive(b.Support.Days), Min: "5", Max: "7", Required: true}, "w.support.days")
	w.add(ui.Field{Name: "support.hours", Kind: "number", Value: positive(b.Support.Hours), Min: "8", Max: "24", Required: true}, "w.support.hours")
	w.add(ui.Field{Name: "support.time", Value: b.Support.Time, MaxLength: 100, Required: true, Wide: true}, "w.support.time")
	w.add(ui.Field{Name: "support.content", Kind: "textarea", Value: b.Support.Content, MaxLength: 1000, Required: true, Wide: true}, "w.support.content")
	w.add(ui.Field{Name: "support.hotline", Value: b.Support.Hotline, MaxLength: 26, Required: true, Placeholder: "400-123-4567"}, "w.support.hotline")
	w.add(ui.Field{Name: "support.email", Kind: "email", Value: b.Support.Email, MaxLength: 100, Required: true}, "w.support.email")
	w.group("guide", "w.guide")
	w.add(ui.Field{Name: "user_guide", Kind: "textarea", Value: b.UserGuide, Wide: true, Rows: 8}, "w.user_guide")
	w.document("user_guide_file", "w.user_guide_file", b.UserGuideFile)
	w.document("copyright", "w.copyright", b.Copyright)
}

func (w *wizardForm) document(name, text, id string) {
	f := ui.Field{Name: name, Kind: "file", Accept: documents}
	if id != "" {
		f.Help = w.c.T("w.file.there")
	}
	w.add(f, text)
}

func (w *wizardForm) readService() error {
	b := w.body
	b.Agreement, b.UserGuide = w.text("agreement"), w.text("user_guide")
	b.Support = catalog.Support{Days: w.number("support.days"), Hours: w.number("support.hours"), Time: w.text("support.time"), Content: w.text("support.content"), Hotline: w.text("support.hotline"), Email: w.text("support.email")}
	var refused error
	for name, to := range map[string]*string{"user_guide_file": &b.UserGuideFile, "copyright": &b.Copyright} {
		id, err := w.upload(name)
		if err != nil {
			refused = err
		}
		if id != "" {
			*to = id
		}
	}
	return refused
}

func (w *wizardForm) business() {
	b := w.body
	w.add(ui.Field{Name: "public", Kind: "checkbox", Checked: b.Public}, "w.public")
	options := []ui.Option{{Text: w.c.T("w.none")}}
	for _, parent := range w.categories {
		if parent.ParentID != "" {
			continue
		}
		for _, leaf := range w.categories {
			if leaf.ParentID == parent.ID && (!leaf.Retired && !parent.Retired || leaf.ID == b.Category) {
				name := parent.NameZH + " / " + leaf.NameZH
				if w.c.Lang() != "zh-CN" {
					name = parent.NameEN + " / " + leaf.NameEN
				}
				options = append(options, ui.Option{Value: leaf.ID, Text: name, Own: true})
			}
		}
	}
	w.add(ui.Field{Name: "category", Kind: "select", Value: b.Category, Options: options}, "w.category")
	w.add(ui.Field{Name: "tags", Value: strings.Join(b.Tags, ", "), MaxLength: 200, Wide: true}, "w.tags")
	for i := range len(b.Specs) + 1 {
		var s catalog.Spec
		if i < len(b.Specs) {
			s = b.Specs[i]
		}
		w.spec(i, s, i == len(b.Specs))
	}
}

func (w *wizardForm) spec(i int, s catalog.Spec, fresh bool) {
	at := fmt.Sprintf("specs[%d].", i)
	title := "w.spec"
	if fresh {
		title = "w.spec.new"
	}
	w.group(strings.TrimSuffix(at, "."), title)
	w.form.Keep(at+"key", s.Key)
	w.add(ui.Field{Name: at + "name_zh", Value: s.NameZH, MaxLength: catalog.MaxSpecName}, "w.spec.name_zh")
	w.add(ui.Field{Name: at + "name_en", Value: s.NameEN, MaxLength: catalog.MaxSpecName}, "w.spec.name_en")
	var lines []string
	for _, e := range s.Enums {
		lines = append(lines, e.Name+": "+strings.Join(e.Values, ", "))
	}
	w.add(ui.Field{Name: at + "enums", Kind: "textarea", Value: strings.Join(lines, "\n"), Wide: true}, "w.spec.enums")
	q := s.Quantity
	if q == nil {
		q = &catalog.SpecQuantity{}
	}
	w.add(ui.Field{Name: at + "quantity.name", Value: q.Name, MaxLength: 30}, "w.quantity.name")
	w.add(ui.Field{Name: at + "quantity.unit", Value: q.Unit, MaxLength: 10}, "w.quantity.unit")
	w.add(ui.Field{Name: at + "quantity.min", Kind: "number", Value: positive(int(q.Min)), Min: "1"}, "w.quantity.min")
	w.add(ui.Field{Name: at + "quantity.max", Kind: "number", Value: positive(int(q.Max)), Min: "1"}, "w.quantity.max")
	w.add(ui.Field{Name: at + "quantity.step", Kind: "number", Value: positive(int(q.Step)), Min: "1"}, "w.quantity.step")
	w.add(ui.Field{Name: at + "quantity.pricing", Kind: "select", Value: string(q.Pricing), Options: []ui.Option{
		{Text: w.c.T("pricing.linear")}, {Value: string(pricing.Graduated), Text: w.c.T("pricing.graduated")}, {Value: string(pricing.Volume), Text: w.c.T("pricing.volume")}}}, "w.quantity.pricing")
	w.add(ui.Field{Name: at + "trial_days", Kind: "number", Value: positive(s.TrialDays), Min: "3", Max: "180"}, "w.trial_days")
	if fresh {
		return // prices are asked once the combinations are known
	}
	prices := map[string]string{}
	for _, p := range s.Prices {
		prices[p.SKU+"\x00"+string(p.PeriodType)] = p.Text()
	}
	for n, combination := range s.Combinations() {
		for _, period := range periods {
			name := fmt.Sprintf("%sprice[%d].%s", at, n, period)
			term := "facet.term." + string(period)
			label := w.c.T("w.price", "SKU", combination, "PERIOD", w.c.T(term))
			field := ui.Field{Name: name, Value: prices[combination+"\x00"+string(period)], MaxLength: 20, Placeholder: "12.00"}
			if q.Pricing != pricing.Linear {
				field.MaxLength, field.Placeholder = 500, "12.00 11:10.00 51:9.00"
			}
			w.add(field, "w.price.any")
			f := w.form.Fields[len(w.form.Fields)-1]
			f.Label = label
			w.priceProblem(f, at, s, combination, period)
		}
	}
	var up []string
	for _, u := range s.Upgrades {
		up = append(up, u.From+" > "+u.To)
	}
	w.add(ui.Field{Name: at + "upgrades", Kind: "textarea", Value: strings.Join(up, "\n"), Wide: true}, "w.upgrades")
	w.add(ui.Field{Name: at + "drop", Kind: "checkbox"}, "w.spec.drop")
}

// priceProblem puts what is wrong with a price beside the field it was typed into.
func (w *wizardForm) priceProblem(f *ui.Field, at string, s catalog.Spec, combination string, period catalog.PeriodType) {
	for i, p := range s.Prices {
		if p.SKU == combination && p.PeriodType == period {
			for _, one := range w.problems {
				if strings.HasPrefix(one.Field, fmt.Sprintf("%sprices[%d].", at, i)) {
					f.Error = Problem(w.c, one)
				}
			}
		}
	}
	for _, one := range w.problems {
		if period == catalog.Month && one.Field == at+"prices" && len(one.Args) == 1 && one.Args[0] == combination {
			f.Error = w.c.T("problem.price")
		}
	}
}

var periods = []catalog.PeriodType{catalog.Month, catalog.Year, catalog.OneTime}

func (w *wizardForm) readBusiness() error {
	b := w.body
	b.Public, b.Category, b.Tags = w.flag("public"), w.text("category"), words(w.text("tags"))
	var specs []catalog.Spec
	for i := range min(len(b.Specs)+1, catalog.MaxSpecs) {
		at := fmt.Sprintf("specs[%d].", i)
		s := catalog.Spec{Key: w.text(at + "key"), NameZH: w.text(at + "name_zh"), NameEN: w.text(at + "name_en"), TrialDays: w.number(at + "trial_days")}
		for _, line := range strings.Split(w.text(at+"enums"), "\n") {
			name, values, found := strings.Cut(strings.ReplaceAll(line, "：", ":"), ":")
			if strings.TrimSpace(line) == "" {
				continue
			}
			e := catalog.Enum{Name: strings.TrimSpace(name)}
			if found {
				e.Values = words(values)
			}
			s.Enums = append(s.Enums, e)
		}
		if q := (catalog.SpecQuantity{Name: w.text(at + "quantity.name"), Unit: w.text(at + "quantity.unit"), Min: int64(w.number(at + "quantity.min")), Max: int64(w.number(at + "quantity.max")), Step: int64(max(w.number(at+"quantity.step"), 1)), Pricing: pricing.Mode(w.text(at + "quantity.pricing"))}); q.Name+q.Unit != "" || q.Min+q.Max > 0 {
			s.Quantity = &q
		}
		if w.flag(at+"drop") || s.NameZH == "" && s.NameEN == "" && len(s.Enums) == 0 && s.Quantity == nil {
			continue
		}
		// Prices were asked for the combinations as they were when the page was drawn.
		asked := s.Combinations()
		if i < len(b.Specs) {
			asked = b.Specs[i].Combinations()
		}
		for n, combination := range asked {
			for _, period := range periods {
				if text := w.text(fmt.Sprintf("%sprice[%d].%s", at, n, period)); text != "" {
					s.Prices = append(s.Prices, catalog.Price{SKU: combination, PeriodType: period, Currency: currency}.ReadPrice(text))
				}
			}
		}
		for _, line := range strings.Split(w.text(at+"upgrades"), "\n") {
			if from, to, ok := strings.Cut(line, ">"); ok {
				s.Upgrades = append(s.Upgrades, catalog.UpgradePair{From: strings.TrimSpace(from), To: strings.TrimSpace(to)})
			}
		}
		specs = append(specs, s)
	}
	b.Specs = specs
	return nil
}

// words splits a list at commas of either script.
func words(s string) (out []string) {
	for _, one := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '，' || r == '、' || r == '\n' }) {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}

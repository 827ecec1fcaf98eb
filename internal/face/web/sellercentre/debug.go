package sellercentre

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
	"github.com/souk-market/souk/protocol/explain"
)

// debugging mounts the pages of interface debugging (交付接口调试) and of saved cases. // spec: 10 §8.1, 11 §7
func (r *Room) debugging() {
	r.Get("/seller/debug", "debug", access.LabRead, r.debugForm)
	r.Post("/seller/debug", "debug", access.LabRun, r.debugSend)
	r.Get("/seller/debug/cases", "debug", access.LabRead, r.caseList)
	r.Post("/seller/debug/cases/run", "debug", access.LabRun, r.caseRun)
	r.Post("/seller/debug/cases/{id}/delete", "debug", access.LabRun, r.caseDelete)
	r.Get("/seller/debug/runs", "debug", access.LabRead, r.runList)
	r.Get("/seller/debug/runs/{id}", "debug", access.LabRead, r.runShow)
}

// formName is the prefix of a scenario's own parameters in the form.
const formName = "form."

// named is the text of a scenario.
func named(scenario string) string { return "scenario." + scenario }

// chosen is the scenario of the address or of the form that was sent.
func chosen(c *ui.Call) domain.Scenario {
	id := c.Query("scenario")
	if c.R.PostForm.Has("scenario") {
		id = c.Form("scenario")
	}
	if s, ok := domain.ScenarioOf(id); ok {
		return s
	}
	for _, p := range domain.Protocols {
		if string(p) == c.Query("protocol") {
			return domain.Of(p)[0]
		}
	}
	return domain.Scenarios[0]
}

func (r *Room) debugForm(c *ui.Call) error { return r.debugPage(c, nil, nil) }

// debugPage is the form of a scenario with what came of it: the generated command, or a call.
func (r *Room) debugPage(c *ui.Call, made *lab.Preview, run *lab.Run) error {
	ctx := c.R.Context()
	s := chosen(c)
	all, err := r.Lab.Addresses(ctx, c.Actor)
	if err != nil {
		return err
	}
	keys, err := r.Lab.Credentials(ctx, c.Actor)
	if err != nil {
		return err
	}
	cases, err := r.Lab.Cases(ctx, c.Actor, "")
	if err != nil {
		return err
	}
	p := c.NewPage("debug.title")
	p.Lead = c.T("debug.lead")
	for _, one := range domain.Protocols {
		p.Tabs = append(p.Tabs, ui.Link{Text: c.T("protocol." + string(one)), Href: "/seller/debug?protocol=" + string(one), Current: one == s.Protocol})
	}
	p.Tabs = append(p.Tabs, ui.Link{Text: c.T("debug.cases"), Href: "/seller/debug/cases"}, ui.Link{Text: c.T("debug.runs"), Href: "/seller/debug/runs"}, ui.Link{Text: c.T("checkups.title"), Href: "/seller/checkups"})
	if r.Kernel.Sandbox && c.May("fault.set") {
		p.Tabs = append(p.Tabs, ui.Link{Text: c.T("faults.title"), Href: "/seller/debug/faults"})
	}
	var addresses []string
	for _, one := range all {
		if one.Class == s.Protocol.Class() {
			addresses = append(addresses, one.URL)
		}
	}
	saved := map[string]bool{}
	for _, one := range cases {
		saved[one.Scenario] = saved[one.Scenario] || one.Passed
	}
	switch {
	case run != nil:
		p.Step = r.verdict(c, run)
	case len(addresses) == 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("debug.step.address", "CLASS", c.T("class."+s.Protocol.Class())), Who: ui.Seller, Links: []ui.Link{{Text: c.T("go.access"), Href: "/seller/access"}}}
	case s.Inbound && !saved[s.ID]:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("debug.step.push"), Who: ui.Seller}
	case saved[s.ID]:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("debug.step.saved"), Who: ui.Nobody}
	default:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("debug.step.try"), Who: ui.Seller}
	}
	t := ui.NewTable(c.Frame, domain.Of(s.Protocol), []ui.Column[domain.Scenario]{
		{Head: "col.scenario", Cell: func(one domain.Scenario) ui.Cell {
			if one.ID == s.ID {
				return c.Word("scenario." + one.ID).Then(c.Small("debug.now"))
			}
			return c.ToWord("/seller/debug?scenario="+one.ID, named(one.ID))
		}},
		{Head: "col.activity", Cell: func(one domain.Scenario) ui.Cell { return ui.Code(one.Activity) }},
		{Head: "col.case", Cell: func(one domain.Scenario) ui.Cell {
			if saved[one.ID] {
				return c.Chip(ui.CaseState(true))
			}
			return ui.None
		}},
	}, "")
	if c.May("lab.run") && len(addresses) > 0 {
		note := c.T("debug.formulas")
		if s.Inbound {
			note = c.T("debug.push.note")
		}
		p.Put(ui.Block{Title: c.T("scenario." + s.ID), Form: r.scenarioForm(c, s, addresses, keys), Note: note})
	}
	if made != nil {
		p.Put(c.In("block.generated", ui.Block{Pre: made.Method + " " + made.URL}), c.In("block.curl", ui.Block{Pre: ui.Curl(made.Request)}))
	}
	if run != nil {
		p.Put(r.runBlocks(c, run)...)
	}
	return c.Draw(p.Put(c.In("block.scenarios", ui.Block{Table: t})))
}

// scenarioForm is the preset form; what was typed stays.
func (r *Room) scenarioForm(c *ui.Call, s domain.Scenario, addresses []string, keys []lab.Credential) *ui.Form {
	f := c.NewForm("debug", "/seller/debug", "do.debug.save").Keep("scenario", s.ID)
	f.Dense = true
	f.Also = &ui.Submit{Name: "do", Value: "debug", Text: c.T("do.debug")}
	f.More = []ui.Submit{{Name: "do", Value: "preview", Text: c.T("do.generate")}}
	preset := s.Preset()
	typed := c.R.PostForm.Has("scenario")
	if id := c.Query("case"); id != "" && !typed {
		if one, err := r.Lab.Case(c.R.Context(), c.Actor, id); err == nil && one.Scenario == s.ID {
			preset = one.Form
		}
	}
	value := func(name, otherwise string) string {
		if typed && c.R.PostForm.Has(name) {
			return c.Form(name)
		}
		return otherwise
	}
	c.Add(f, ui.Field{Name: "address", Kind: "select", Value: value("address", addresses[0]), Options: c.OwnChoices(addresses, false), Wide: true}, "")
	for _, one := range s.Fields {
		if strings.HasPrefix(one.Preset, "{rsa ") && len(keys) > 0 {
			field := ui.Field{Name: "credential", Kind: "select", Value: value("credential", keys[0].ID)}
			for _, k := range keys {
				field.Options = append(field.Options, ui.Option{Value: k.ID, Text: k.Name, Own: true})
			}
			c.Add(f, field, "")
		}
	}
	for _, one := range s.Fields {
		field := ui.Field{Name: formName + one.Name, Label: one.Name, Named: true, Value: value(formName+one.Name, preset[one.Name]), Required: one.Required, Autocomplete: "off", Bad: rule(c, one)}
		if one.Kind == domain.JSON || len(one.Preset) > 80 {
			field.Kind, field.Wide = "textarea", true
		}
		c.Add(f, field, "")
	}
	return f
}

// rule says in words what a right value of a parameter is.
func rule(c *ui.Call, f domain.Field) string {
	var parts []string
	if f.Required {
		parts = append(parts, c.T("rule.required"))
	}
	if f.Max > 0 {
		parts = append(parts, c.T("rule.max", "N", f.Max))
	}
	switch f.Kind {
	case domain.Integer:
		parts = append(parts, c.T("rule.int"))
	case domain.JSON:
		parts = append(parts, c.T("rule.json"))
	}
	if strings.HasPrefix(f.Preset, "{rsa ") {
		parts = append(parts, c.T("rule.rsa"))
	}
	return strings.Join(append(parts, c.T("rule.utf8")), " · ")
}

func (r *Room) debugSend(c *ui.Call) error {
	t := lab.Try{Scenario: c.Form("scenario"), Address: c.Form("address"), Credential: c.Form("credential"), Form: map[string]string{}, Save: c.Form("do") == ""}
	s := chosen(c)
	for _, f := range s.Fields {
		t.Form[f.Name] = c.Form(formName + f.Name)
	}
	if c.Form("do") == "preview" {
		made, err := r.Lab.Preview(c.R.Context(), c.Actor, t)
		if err != nil {
			return c.Again(err, r.debugForm)
		}
		return r.debugPage(c, &made, nil)
	}
	v, err := r.Lab.Debug(c.R.Context(), c.Actor, t)
	if err != nil {
		return c.Again(err, r.debugForm)
	}
	return r.debugPage(c, nil, &v)
}

// verdict is the banner over a call: passed and saved, or the first check that failed. // spec: 10 §8.3
func (r *Room) verdict(c *ui.Call, v *lab.Run) *ui.Step {
	switch {
	case v.Passed && v.CaseID != "":
		return &ui.Step{Tone: ui.Good, Text: c.T("debug.passed.saved"), Who: ui.Nobody, Links: []ui.Link{{Text: c.T("debug.cases"), Href: "/seller/debug/cases"}}}
	case v.Passed:
		return &ui.Step{Tone: ui.Good, Text: c.T("debug.passed"), Who: ui.Nobody}
	}
	step := &ui.Step{Tone: ui.Bad, Text: c.T("debug.failed") + c.T("verdict."+v.Reason), Who: ui.Seller}
	if v.Field != "" {
		step.Say(c.Word("debug.field").And(ui.Code(v.Field)))
	}
	if v.ResultCode != "" { // code, status and words together, never a translation of the code // spec: 02 §2.16
		step.Say(ui.Code(v.ResultCode).And(ui.Own(c.Cut(v.ResultMsg))))
	}
	if v.Detail != "" && (strings.HasPrefix(v.Reason, "body-sign") || v.Reason == "push-signature") {
		step.Say(c.Word("debug.expected").And(ui.Code(v.Detail)))
		for _, w := range v.Warnings {
			if name, code, _ := strings.Cut(w, ":"); name == domain.WarnCause {
				step.Say(c.Word("warning.cause").And(ui.Own(explain.Text(explain.Code(code), c.Lang()))))
			}
		}
	} else if v.Detail != "" {
		step.Say(ui.Own(c.Cut(v.Detail)))
	}
	return step
}

// runBlocks is what a call says of itself: warnings, facts, the bytes of both sides, how it was signed.
func (r *Room) runBlocks(c *ui.Call, v *lab.Run) (out []ui.Block) {
	if len(v.Warnings) > 0 {
		t := ui.NewTable(c.Frame, v.Warnings, []ui.Column[string]{{Head: "col.warning", Cell: func(w string) ui.Cell {
			name, field, _ := strings.Cut(w, ":")
			if name == domain.WarnCause {
				return c.Word("warning.cause").And(ui.Own(explain.Text(explain.Code(field), c.Lang())))
			}
			cell := ui.Cell{HTML: `<span class="tone attention">` + ui.Icon("attention") + `</span>`}.And(c.Word("warning." + name))
			if field != "" {
				cell = cell.And(ui.Code(field))
			}
			return cell
		}}}, "")
		out = append(out, c.In("block.warnings", ui.Block{Table: t, Note: c.T("debug.warnings.note")}))
	}
	facts := []ui.Fact{c.Fact("col.time", c.When(v.StartedAt)), c.Fact("col.scenario", c.Word("scenario."+v.Scenario)), c.Fact("col.occasion", c.Word("lab.occasion."+v.Occasion)), c.Fact("col.address", ui.Code(v.Address)),
		c.Fact("col.duration", ui.Own(c.Milliseconds(v.Duration)))}
	if v.InstanceID != "" {
		facts = append(facts, c.Fact("col.instance", c.ID(v.InstanceID)))
	}
	out = append(out, c.In("block.facts", ui.Block{Facts: facts}))
	if len(v.Request) > 0 {
		views := []string{"pretty", "raw", "hex"}
		b := c.NewBytes(c.Choice("view", views), v.Request, v.Response, nil)
		for i := range b.Views { // the page of a form that was sent cannot be fetched again, the call's own page can
			b.Views[i].Href = "/seller/debug/runs/" + v.ID + "?view=" + views[i]
		}
		out = append(out, c.In("block.bytes", ui.Block{Bytes: b}))
	}
	if b, ok := desk.Signature(c, v.Request); ok {
		out = append(out, b)
	}
	return out
}

func (r *Room) runShow(c *ui.Call) error {
	v, err := r.Lab.Run(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	p := c.NewPage(named(v.Scenario))
	p.Crumbs = []ui.Link{c.Crumb("/seller/debug", "debug.title"), c.Crumb("/seller/debug/runs", "debug.runs")}
	p.Step = r.verdict(c, &v)
	again := "/seller/debug?scenario=" + v.Scenario
	if v.CaseID != "" {
		again += "&case=" + v.CaseID
	}
	if c.May("lab.run") {
		p.Step.Links = append(p.Step.Links, ui.Link{Text: c.T("do.debug.again"), Href: again})
	}
	return c.Draw(p.Put(r.runBlocks(c, &v)...))
}

var labOccasions = []string{lab.ByHand, lab.BySaving, lab.ByReplay, lab.ByProbe, domain.ByPush}

func (r *Room) runList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	all, err := r.Lab.Runs(c.R.Context(), c.Actor, lab.RunFilter{Occasion: c.Choice("occasion", labOccasions)}, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	all, next := desk.Cut(c, all, func(v lab.Run) string { return cursor.Encode(v.ID) })
	t := r.runTable(c, all, next)
	if c.Exporting() {
		return c.CSV("debug", t)
	}
	p := c.NewPage("debug.runs")
	p.Lead, p.Crumbs = c.T("debug.runs.lead"), []ui.Link{c.Crumb("/seller/debug", "debug.title")}
	p.Filter = c.Filtering(ui.Field{Name: "occasion", Kind: "select", Options: c.Choices("lab.occasion.", labOccasions, true)})
	empty := ui.Empty{Text: c.T("debug.runs.empty"), Help: c.T("debug.runs.empty.help"), Actions: []ui.Link{{Text: c.T("debug.title"), Href: "/seller/debug"}}}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

func (r *Room) runTable(c *ui.Call, all []lab.Run, next string) *ui.Table {
	return ui.NewTable(c.Frame, all, []ui.Column[lab.Run]{
		{Head: "col.time", Cell: func(v lab.Run) ui.Cell {
			return ui.Cell{HTML: `<a href="/seller/debug/runs/` + ui.Attr(v.ID) + `">` + c.Time(v.StartedAt) + `</a>`, Text: c.When(v.StartedAt).Text}.Then(ui.SmallOwn(c.Milliseconds(v.Duration)))
		}},
		{Head: "col.scenario", Cell: func(v lab.Run) ui.Cell { return c.Word("scenario." + v.Scenario) }},
		{Head: "col.occasion", Cell: func(v lab.Run) ui.Cell { return c.Word("lab.occasion." + v.Occasion) }},
		{Head: "col.state", Cell: func(v lab.Run) ui.Cell { return c.Chip(ui.CaseState(v.Passed)) }},
		{Head: "col.exception", Cell: func(v lab.Run) ui.Cell {
			if v.Passed {
				return ui.None
			}
			return c.Word("verdict." + v.Reason)
		}},
		{Head: "col.address", Cell: func(v lab.Run) ui.Cell { return ui.Code(v.Address) }},
	}, next)
}

// caseList shows the saved cases, and what each product still lacks. // spec: 01 §2.12
func (r *Room) caseList(c *ui.Call) error {
	ctx := c.R.Context()
	all, err := r.Lab.Cases(ctx, c.Actor, "")
	if err != nil {
		return err
	}
	p := c.NewPage("debug.cases")
	p.Lead, p.Crumbs = c.T("debug.cases.lead"), []ui.Link{c.Crumb("/seller/debug", "debug.title")}
	failing := 0
	var addresses []string
	for _, one := range all {
		if !one.Passed {
			failing++
		}
		if len(addresses) == 0 || addresses[len(addresses)-1] != one.Address {
			addresses = append(addresses, one.Address)
		}
	}
	switch {
	case len(all) == 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("cases.step.none"), Who: ui.Seller, Links: []ui.Link{{Text: c.T("debug.title"), Href: "/seller/debug"}}}
	case failing > 0:
		p.Step = &ui.Step{Tone: ui.Bad, Text: c.T("cases.step.failing", "N", failing), Who: ui.Seller}
	default:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("cases.step.good"), Who: ui.Nobody}
	}
	if c.May("lab.run") {
		for _, one := range addresses {
			f := c.NewForm("run", "/seller/debug/cases/run", "do.cases.run").Keep("address", one)
			p.Put(ui.Block{Half: true, Form: f, Note: one})
		}
	}
	t := ui.NewTable(c.Frame, all, []ui.Column[lab.Case]{
		{Head: "col.scenario", Cell: func(one lab.Case) ui.Cell {
			return c.ToWord("/seller/debug?scenario="+one.Scenario+"&case="+one.ID, named(one.Scenario)).Then(ui.SmallOwn(strings.ReplaceAll(one.Variant, ",", ", ")))
		}},
		{Head: "col.address", Cell: func(one lab.Case) ui.Cell { return ui.Code(one.Address) }},
		{Head: "col.state", Cell: func(one lab.Case) ui.Cell { return c.Chip(ui.CaseState(one.Passed)) }},
		{Head: "col.lastrun", Cell: func(one lab.Case) ui.Cell {
			return ui.Cell{HTML: `<a href="/seller/debug/runs/` + ui.Attr(one.RunID) + `">` + c.Time(one.RunAt) + `</a>`, Text: c.When(one.RunAt).Text}
		}},
		{Head: "col.do", Cell: func(one lab.Case) ui.Cell {
			if !c.May("lab.run") {
				return ui.None
			}
			forget := c.Button("/seller/debug/cases/"+one.ID+"/delete", "do.delete", "btn-sm btn-outline-danger")
			if s, _ := domain.ScenarioOf(one.Scenario); s.Inbound { // the seller's call: nothing to replay
				return forget
			}
			return c.Button("/seller/debug/cases/run", "do.case.run", "btn-sm", "address", one.Address, "case", one.ID).And(forget)
		}},
	}, "")
	p.Put(c.In("block.cases", ui.Block{Table: t.Or(ui.Empty{Text: c.T("cases.empty"), Help: c.T("cases.empty.help"), Actions: []ui.Link{{Text: c.T("debug.title"), Href: "/seller/debug"}}})}))
	b, err := r.readyBlock(c)
	if err != nil {
		return err
	}
	return c.Draw(p.Put(b))
}

// readyBlock is a line per product: how many of the cases it needs pass, and what is missing.
func (r *Room) readyBlock(c *ui.Call) (ui.Block, error) {
	goods, err := r.Catalogue.Find(c.R.Context(), c.Actor, catalogue.ProductFilter{SellerID: c.Actor.CompanyID}, "", cursor.MaxSize)
	if err != nil {
		return ui.Block{}, err
	}
	type line struct {
		id, name string
		r        lab.Readiness
	}
	var lines []line
	for _, g := range goods {
		one, err := r.Lab.Ready(c.R.Context(), c.Actor, g.Product.ID)
		if err != nil {
			return ui.Block{}, err
		}
		lines = append(lines, line{g.Product.ID, g.Product.Name, one})
	}
	t := ui.NewTable(c.Frame, lines, []ui.Column[line]{
		{Head: "col.product", Cell: func(l line) ui.Cell { return ui.To("/seller/products/"+l.id, l.name) }},
		{Head: "col.proved", Num: true, Cell: func(l line) ui.Cell {
			return c.Word("cases.of", "N", len(l.r.Needs)-len(l.r.Missing), "M", len(l.r.Needs))
		}},
		{Head: "col.missing", Cell: func(l line) ui.Cell { return missing(c, r.Desk, l.r) }},
	}, "")
	note := c.T("cases.optional")
	if r.Kernel.Settings().RequireCases {
		note = c.T("cases.required")
	}
	return c.In("block.ready", ui.Block{Table: t.Or(ui.Empty{Text: c.T("products.empty"), Help: c.T("cases.products.empty")}), Note: note}), nil
}

func missing(c *ui.Call, d *desk.Desk, r lab.Readiness) ui.Cell {
	if len(r.Missing) == 0 {
		return c.Chip(ui.CaseState(true))
	}
	var cell ui.Cell
	for i, m := range r.Missing {
		one := d.NeedCell(c, m.Need)
		if m.Failing {
			one = one.And(c.Chip(ui.CaseState(false)))
		}
		if i == 0 {
			cell = one
		} else {
			cell = cell.Then(one)
		}
	}
	return cell
}

func (r *Room) caseRun(c *ui.Call) error {
	_, err := r.Lab.RunCases(c.R.Context(), c.Actor, c.Form("address"), c.Form("case"))
	if err != nil {
		return c.Again(err, r.caseList)
	}
	return c.Done("/seller/debug/cases", "cases.ran")
}

func (r *Room) caseDelete(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Lab.DeleteCase(ctx, tx, c.Actor, c.R.PathValue("id"))
	})
	if err != nil {
		return c.Again(err, r.caseList)
	}
	return c.Done("/seller/debug/cases", "deleted")
}

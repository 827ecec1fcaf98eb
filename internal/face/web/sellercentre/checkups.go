package sellercentre

import (
	"context"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
)

// checkups mounts the doctor of the seller centre (接口体检). // spec: 01 §8.3
func (r *Room) checkups() {
	r.Get("/seller/checkups", "debug", access.LabRead, r.checkupList)
	r.Post("/seller/checkups", "debug", access.LabRun, r.checkupStart)
	r.Get("/seller/checkups/{id}", "debug", access.LabRead, r.checkupShow)
	r.Get("/seller/checkups/{id}/changes", "debug", access.LabRead, r.checkupChanges)
	r.Get("/seller/checkups/{id}/report", "debug", access.LabRead, r.checkupReport)
}

func (r *Room) checkupList(c *ui.Call) error {
	ctx := c.R.Context()
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	all, err := r.Lab.Checkups(ctx, c.Actor, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	all, next := desk.Cut(c, all, func(v lab.Checkup) string { return cursor.Encode(v.ID) })
	addresses, err := r.Lab.Addresses(ctx, c.Actor)
	if err != nil {
		return err
	}
	key, err := r.Lab.DoctorKey(ctx)
	if err != nil {
		return err
	}
	p := c.NewPage("checkups.title")
	p.Lead, p.Crumbs = c.T("checkups.lead"), []ui.Link{c.Crumb("/seller/debug", "debug.title")}
	switch {
	case len(addresses) == 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("access.step.address"), Who: ui.Seller, Links: []ui.Link{{Text: c.T("go.access"), Href: "/seller/access"}}}
	case len(all) == 0:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("checkups.step.none"), Who: ui.Seller}
	default:
		s := ui.CheckupState(all[0].State, all[0].Outcome)
		p.Step = c.StepOf(s)
	}
	if c.May("lab.run") && len(addresses) > 0 {
		var protocols, urls []string
		for _, one := range doctor.Protocols {
			protocols = append(protocols, string(one))
		}
		for _, one := range addresses {
			urls = append(urls, one.URL)
		}
		f := c.NewForm("checkup", "/seller/checkups", "do.checkup")
		c.Add(f, ui.Field{Name: "protocol", Kind: "select", Value: protocols[0], Options: c.Choices("checkup.protocol.", protocols, false)}, "")
		c.Add(f, ui.Field{Name: "address", Kind: "select", Value: urls[0], Options: c.OwnChoices(urls, false), Bad: c.T("bad.checkup_address")}, "")
		modes := ui.Field{Name: "modes", Kind: "checks", Values: []string{string(doctor.Period), string(doctor.OneTime)}, Wide: true}
		for _, one := range doctor.Modes {
			modes.Options = append(modes.Options, ui.Option{Value: string(one), Text: c.T("checkup.mode." + string(one))})
		}
		c.Add(f, modes, "")
		p.Put(c.In("block.checkup.new", ui.Block{Form: f}))
	}
	t := ui.NewTable(c.Frame, all, []ui.Column[lab.Checkup]{
		{Head: "col.time", Cell: func(v lab.Checkup) ui.Cell {
			return ui.Cell{HTML: `<a href="/seller/checkups/` + ui.Attr(v.ID) + `">` + c.Time(v.StartedAt) + `</a>`, Text: c.When(v.StartedAt).Text}
		}},
		{Head: "col.protocol", Cell: func(v lab.Checkup) ui.Cell { return c.Word("checkup.protocol." + v.Protocol) }},
		{Head: "col.address", Cell: func(v lab.Checkup) ui.Cell { return ui.Code(v.Address) }},
		{Head: "col.state", Cell: func(v lab.Checkup) ui.Cell { return c.Chip(ui.CheckupState(v.State, v.Outcome)) }},
		{Head: "col.broken", Num: true, Cell: func(v lab.Checkup) ui.Cell { return ui.Own(ui.Count(v.Broken)) }},
		{Head: "col.warnings", Num: true, Cell: func(v lab.Checkup) ui.Cell { return ui.Own(ui.Count(v.Warnings)) }},
	}, next)
	return c.Draw(p.Put(c.In("block.checkups", ui.Block{Table: t.Or(ui.Empty{Text: c.T("checkups.empty"), Help: c.T("checkups.empty.help")})}),
		c.In("block.doctorkey", ui.Block{Pre: key, Note: c.T("checkups.key")})))
}

func (r *Room) checkupStart(c *ui.Call) error {
	var v lab.Checkup
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
		v, err = r.Lab.StartCheckup(ctx, tx, c.Actor, c.Form("protocol"), c.Form("address"), c.FormAll("modes"))
		return err
	})
	if err != nil {
		return c.Again(err, r.checkupList)
	}
	return c.To("/seller/checkups/" + v.ID)
}

func checkupStamp(v lab.Checkup) string { return v.State + ui.Count(v.Judged) }

func (r *Room) checkupShow(c *ui.Call) error {
	v, err := r.Lab.Checkup(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	p := c.NewPage("checkup.title")
	p.Crumbs = []ui.Link{c.Crumb("/seller/debug", "debug.title"), c.Crumb("/seller/checkups", "checkups.title")}
	s := ui.CheckupState(v.State, v.Outcome)
	p.Chip, p.Step = &s, c.StepOf(s)
	if v.State == domain.CheckupRunning {
		p.Step.Say(c.Word("checkup.progress", "N", v.Judged, "M", v.Rules))
		p.Live = "/seller/checkups/" + v.ID + "/changes?seen=" + ui.EventID(checkupStamp(v))
	}
	if v.Problem != "" {
		p.Step.Say(ui.Own(c.Cut(v.Problem)))
	}
	if v.State == domain.CheckupDone {
		p.Step.Links = []ui.Link{{Text: c.T("do.report.page"), Href: "/seller/checkups/" + v.ID + "/report?form=html"}, {Text: c.T("do.report.json"), Href: "/seller/checkups/" + v.ID + "/report?form=json"}}
	}
	p.Put(c.In("block.facts", ui.Block{Facts: []ui.Fact{c.Fact("col.time", c.When(v.StartedAt)), c.Fact("col.protocol", c.Word("checkup.protocol."+v.Protocol)), c.Fact("col.address", ui.Code(v.Address)),
		c.Fact("col.broken", ui.Own(ui.Count(v.Broken))), c.Fact("col.warnings", ui.Own(ui.Count(v.Warnings)))}}))
	if v.State != domain.CheckupDone {
		return c.Draw(p)
	}
	report, err := lab.ReportOf(v)
	if err != nil {
		return err
	}
	lang := doctor.ZH
	if c.Lang() != "zh-CN" {
		lang = doctor.EN
	}
	state := c.Choice("state", []string{string(doctor.Fail), string(doctor.Pass), string(doctor.Skip)})
	var shown []doctor.Verdict
	for _, one := range report.Verdicts {
		if state == "" || string(one.State) == state {
			shown = append(shown, one)
		}
	}
	rank := map[doctor.State]int{doctor.Fail: 0, doctor.Pass: 1, doctor.Skip: 2}
	sorted := make([]doctor.Verdict, 0, len(shown))
	for want := range 3 {
		for _, one := range shown {
			if rank[one.State] == want {
				sorted = append(sorted, one)
			}
		}
	}
	p.Filter = c.Filtering(ui.Field{Name: "state", Kind: "select", Options: c.Choices("verdict.state.", []string{"fail", "pass", "skip"}, true)})
	t := ui.NewTable(c.Frame, sorted, []ui.Column[doctor.Verdict]{
		{Head: "col.rule", Cell: func(one doctor.Verdict) ui.Cell { return ui.Code(one.Rule).Then(ui.SmallOwn(one.Section)) }},
		{Head: "col.level", Cell: func(one doctor.Verdict) ui.Cell { return c.Word("rule.level." + string(one.Level)) }},
		{Head: "col.state", Cell: func(one doctor.Verdict) ui.Cell {
			return c.Chip(ui.VerdictState(string(one.State), one.Level == doctor.Must))
		}},
		{Head: "col.sent", Cell: func(one doctor.Verdict) ui.Cell { return ui.Own(one.Sent.In(lang)) }},
		{Head: "col.expected", Cell: func(one doctor.Verdict) ui.Cell { return ui.Own(one.Expected.In(lang)) }},
		{Head: "col.came", Cell: func(one doctor.Verdict) ui.Cell { return ui.Own(one.Came.In(lang)) }},
	}, "")
	empty := ui.Empty{Text: c.T("checkup.norules"), Help: c.T("checkups.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(c.In("block.verdicts", ui.Block{Table: t.Or(empty)})))
}

// checkupChanges tells the page that the run has gone on.
func (r *Room) checkupChanges(c *ui.Call) error {
	ctx, cancel := context.WithTimeout(c.R.Context(), 20*time.Second)
	defer cancel()
	seen := c.R.Header.Get("Last-Event-ID")
	if seen == "" {
		seen = c.Query("seen")
	}
	stream := c.Stream()
	look := time.NewTicker(500 * time.Millisecond)
	defer look.Stop()
	for {
		v, err := r.Lab.Checkup(ctx, c.Actor, c.R.PathValue("id"))
		if err != nil {
			return nil // the connection is over, or the run is not ours: the browser draws the page anew
		}
		if stamp := checkupStamp(v); ui.EventID(stamp) != seen {
			stream.Send("changed", stamp)
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

// checkupReport is the signed report as a file: the page to attach, or what a program reads.
func (r *Room) checkupReport(c *ui.Call) error {
	v, err := r.Lab.Checkup(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	body, kind, name := v.Report, "application/json; charset=utf-8", "checkup.json"
	if c.Query("form") == "html" {
		if body, err = lab.Page(v); err != nil {
			return err
		}
		kind, name = "text/html; charset=utf-8", "checkup.html"
	} else if len(body) == 0 {
		_, err = lab.ReportOf(v)
		return err
	}
	h := c.W.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	h.Set("Cache-Control", "private, no-store")
	c.W.WriteHeader(http.StatusOK)
	_, _ = c.W.Write(body)
	return nil
}

package desk

import (
	"time"

	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/face/web/ui"
	service "github.com/souk-market/souk/internal/service/lab"
)

// ProbeStrip draws rounds of probing, the newest first, as a strip of half days. // spec: 10 §8.5
func ProbeStrip(c *ui.Call, rounds []service.Probe) *ui.Strip {
	var spans []ui.Span
	for i := len(rounds) - 1; i >= 0; i-- {
		v := rounds[i]
		day, err := time.ParseInLocation("2006-01-02", v.Day, c.Zone())
		if err != nil {
			continue
		}
		from := day
		if v.Slot == lab.Afternoon {
			from = day.Add(12 * time.Hour)
		}
		tone, word := ui.Good, "case.passed"
		if !v.Passed {
			tone, word = ui.Bad, "case.failed"
		}
		spans = append(spans, ui.Span{From: from, To: from.Add(12 * time.Hour), Tone: tone, Text: v.Day + " " + c.T("slot."+v.Slot) + " " + c.T(word)})
	}
	if len(spans) == 0 {
		return nil
	}
	return c.NewStrip([]ui.Series{{Name: c.T("case.passed"), Tone: ui.Good}, {Name: c.T("case.failed"), Tone: ui.Bad}}, spans, nil)
}

// Proved puts on a product's page how far its server is proved: the cases that it needs, and its rounds of probing.
// spec: 01 §2.12, 10 §8.5
func (d *Desk) Proved(c *ui.Call, p *ui.Page, product string) error {
	if !c.May("lab.read") {
		return nil
	}
	ready, err := d.Lab.Ready(c.R.Context(), c.Actor, product)
	if err != nil {
		return err
	}
	rounds, err := d.Lab.Probes(c.R.Context(), c.Actor, product, probeDays)
	if err != nil {
		return err
	}
	note := c.T("cases.optional")
	if d.Kernel.Settings().RequireCases {
		note = c.T("cases.required")
	}
	t := ui.NewTable(c.Frame, ready.Needs, []ui.Column[lab.Need]{
		{Head: "col.scenario", Cell: func(n lab.Need) ui.Cell { return d.NeedCell(c, n) }},
		{Head: "col.state", Cell: func(n lab.Need) ui.Cell {
			for _, m := range ready.Missing {
				if m.Need == n && !m.Failing {
					return c.Chip(ui.Use("off")).Then(c.Small("case.none"))
				}
				if m.Need == n {
					return c.Chip(ui.CaseState(false))
				}
			}
			return c.Chip(ui.CaseState(true))
		}},
	}, "")
	p.Put(c.In("block.proved", ui.Block{Half: true, Table: t, Note: note}))
	if strip := ProbeStrip(c, rounds); strip != nil {
		p.Put(c.In("block.probes", ui.Block{Half: true, Strip: strip, Note: c.T("probes.note", "N", lab.FailedDaysAllowed+1)}))
	}
	return nil
}

// probeDays is how far back a strip goes.
const probeDays = 31

// NeedCell is a need in words: the scenario, and what must or must not have been in it. To a seller it leads to the page
// on which it is met.
func (d *Desk) NeedCell(c *ui.Call, n lab.Need) ui.Cell {
	name := "scenario." + n.Scenario
	cell := c.Word(name)
	if d.isSeller() {
		cell = c.ToWord("/seller/debug?scenario="+n.Scenario, name)
	}
	switch {
	case n.Absent:
		cell = cell.And(c.Word("need.without")).And(ui.Code(n.Field))
	case n.Field != "":
		cell = cell.And(c.Word("need.with")).And(ui.Code(n.Field))
	}
	if n.Param != "" {
		cell = cell.And(ui.Code(n.Param))
	}
	return cell
}

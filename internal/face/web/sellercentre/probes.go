package sellercentre

import (
	"github.com/souk-market/souk/internal/domain/access"
	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/lab"
)

// probing mounts the history of probing (拨测). // spec: 10 §8.5
func (r *Room) probing() { r.Get("/seller/probes", "probes", access.LabRead, r.probeList) }

// probeDays is how far back the strips go.
const probeDays = 31

func (r *Room) probeList(c *ui.Call) error {
	ctx := c.R.Context()
	all, err := r.Lab.Probes(ctx, c.Actor, "", probeDays)
	if err != nil {
		return err
	}
	byProduct, order := map[string][]lab.Probe{}, []string{}
	for _, one := range all {
		if byProduct[one.ProductID] == nil {
			order = append(order, one.ProductID)
		}
		byProduct[one.ProductID] = append(byProduct[one.ProductID], one)
	}
	names, err := r.Catalogue.Names(ctx, order...)
	if err != nil {
		return err
	}
	p := c.NewPage("probes.title")
	p.Lead = c.T("probes.lead")
	failing := 0
	for _, id := range order {
		if !byProduct[id][0].Passed {
			failing++
		}
	}
	switch {
	case len(all) == 0:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("probes.step.none"), Who: ui.Seller, Links: []ui.Link{{Text: c.T("debug.title"), Href: "/seller/debug"}}}
	case failing > 0:
		p.Step = &ui.Step{Tone: ui.Bad, Text: c.T("probes.step.failing", "N", failing), Who: ui.Seller}
	default:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("probes.step.good"), Who: ui.Nobody}
	}
	for _, id := range order {
		title := names[id]
		p.Put(ui.Block{Title: title, Strip: desk.ProbeStrip(c, byProduct[id])})
	}
	t := ui.NewTable(c.Frame, all, []ui.Column[lab.Probe]{
		{Head: "col.day", Sort: "day", Cell: func(v lab.Probe) ui.Cell { return ui.Own(v.Day).And(c.Word("slot." + v.Slot)) }},
		{Head: "col.product", Cell: func(v lab.Probe) ui.Cell { return ui.To("/seller/products/"+v.ProductID, names[v.ProductID]) }},
		{Head: "col.state", Cell: func(v lab.Probe) ui.Cell { return c.Chip(ui.CaseState(v.Passed)) }},
		{Head: "col.proved", Num: true, Cell: func(v lab.Probe) ui.Cell { return c.Word("cases.of", "N", v.Cases-v.Failed, "M", v.Cases) }},
		{Head: "col.exception", Cell: func(v lab.Probe) ui.Cell {
			if v.RunID == "" {
				return ui.None
			}
			return ui.To("/seller/debug/runs/"+v.RunID, v.Problem)
		}},
	}, "")
	if c.Exporting() {
		return c.CSV("probes", t)
	}
	return c.Draw(p.Put(c.In("block.probes", ui.Block{Table: t.Exported(c.Frame).Or(ui.Empty{Text: c.T("probes.empty"), Help: c.T("probes.empty.help"), Actions: []ui.Link{{Text: c.T("debug.title"), Href: "/seller/debug"}}}), Note: c.T("probes.note", "N", domain.FailedDaysAllowed+1)})))
}

// failingProbes counts the products whose last probe failed.
func (r *Room) failingProbes(c *ui.Call) (n int, err error) {
	all, err := r.Lab.Probes(c.R.Context(), c.Actor, "", 2)
	seen := map[string]bool{}
	for _, one := range all {
		if !seen[one.ProductID] && !one.Passed {
			n++
		}
		seen[one.ProductID] = true
	}
	return n, err
}

package backoffice

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/sandbox"
)

func (r *Room) system() {
	r.Get("/operator/system", "system", access.SystemRead, r.systemShow)
	r.Post("/operator/system/backup", "system", access.SystemBackup, r.backup)
	if r.Kit.Sandbox {
		r.Get("/operator/sandbox", "sandbox", access.ClockRead, r.clock)
		r.Get("/operator/sandbox/changes", "sandbox", access.ClockRead, r.clockChanges)
		r.Post("/operator/sandbox/clock", "sandbox", access.ClockMove, r.moveClock)
		r.Faults("/operator/sandbox/faults/{id}", "sandbox")
	}
}

// steps are the moves that a click offers. // spec: 01 §1.2
var steps = []string{"1h", "24h", "168h", "720h"}

func (r *Room) clock(c *ui.Call) error {
	st, err := r.Sandbox.State(c.R.Context())
	if err != nil {
		return err
	}
	p := c.NewPage("sandbox.title")
	p.Lead = c.T("sandbox.lead")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("sandbox.stands"), Who: ui.Operator}
	if st.Moving {
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("sandbox.moving", "N", st.Open), Who: ui.Souk}
		p.Live = "/operator/sandbox/changes?seen=" + ui.EventID(clockStamp(st))
	}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("sandbox.business", c.When(st.Now)), c.Fact("sandbox.wire", c.When(st.Wire)), c.Fact("sandbox.ahead", ui.Own(st.Offset.Round(time.Second).String())), c.Fact("sandbox.target", c.When(st.Target)),
	}}))
	if c.May("clock.move") {
		var options []ui.Option
		for _, s := range steps {
			options = append(options, ui.Option{Value: s, Text: c.T("step." + s)})
		}
		f := c.NewForm("clock", "/operator/sandbox/clock", "do.move")
		c.Dangerous(f, "sandbox.means", "")
		c.Add(f, ui.Field{Name: "advance", Kind: "radio", Value: steps[1], Options: options}, "")
		c.Add(f, ui.Field{Name: "to", Kind: "datetime-local"}, "")
		p.Put(c.In("block.move", ui.Block{Half: true, Form: f}))
	}
	if c.May("fault.set") {
		if err := r.misbehaving(c, p); err != nil {
			return err
		}
	}
	return c.Draw(p)
}

// misbehaving lists the faults towards each seller.
func (r *Room) misbehaving(c *ui.Call, p *ui.Page) error {
	type line struct{ id, name, faults string }
	sellers, err := r.People.Companies(c.R.Context(), c.Actor, string(access.Seller), "", c.NoTime(), "", cursor.MaxSize)
	if err != nil {
		return err
	}
	var lines []line
	for _, one := range sellers {
		on, err := r.Sandbox.Faults(c.R.Context(), c.Actor, one.ID)
		if err != nil {
			return err
		}
		lines = append(lines, line{one.ID, one.Name, strings.Join(on, " ")})
	}
	p.Put(c.In("faults.title", ui.Block{Table: ui.NewTable(c.Frame, lines, []ui.Column[line]{
		{Head: "col.seller", Cell: func(l line) ui.Cell { return ui.To("/operator/companies/"+l.id, l.name) }},
		{Head: "col.faults", Cell: func(l line) ui.Cell {
			if l.faults == "" {
				return ui.None
			}
			return ui.Code(l.faults)
		}},
		{Head: "col.do", Cell: func(l line) ui.Cell { return c.ToWord("/operator/sandbox/faults/"+l.id, "go.faults") }},
	}, "").Or(ui.Empty{Text: c.T("faults.sellers.empty"), Help: c.T("faults.lead")})}))
	return nil
}

func clockStamp(st sandbox.State) string {
	return fmt.Sprint(st.Moving, st.Open, st.Offset.Truncate(time.Minute), st.Target.Unix())
}

// clockChanges tells a page that the clock has gone on.
func (r *Room) clockChanges(c *ui.Call) error {
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
		st, err := r.Sandbox.State(ctx)
		if err != nil {
			return nil // the connection is over, or the database is: the browser comes again
		}
		if stamp := clockStamp(st); ui.EventID(stamp) != seen {
			stream.Send("changed", stamp) // the browser draws the page anew, and comes again for the next change
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
	}
}

func (r *Room) moveClock(c *ui.Call) error {
	var to time.Time
	var err error
	if at := strings.TrimSpace(c.Form("to")); at != "" {
		if to, err = time.ParseInLocation("2006-01-02T15:04", at, c.Zone()); err != nil {
			return c.Again(fault.Field("to", "is no date and time"), r.clock)
		}
	} else {
		d, err := time.ParseDuration(c.Form("advance"))
		if err != nil || d < 0 {
			return c.Again(fault.Field("advance", "is no duration"), r.clock)
		}
		to = r.Kernel.Clock.Now().Add(d)
	}
	err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Sandbox.Move(ctx, tx, c.Actor, to.UTC().Truncate(time.Microsecond))
	})
	if err != nil {
		return c.Again(err, r.clock)
	}
	return c.To("/operator/sandbox")
}

var jobStates = []string{"queued", "running", "waiting", "failed", "done", "dropped"}

func (r *Room) systemShow(c *ui.Call) error {
	ctx := c.R.Context()
	sys, err := r.Sandbox.System(ctx, c.Actor)
	if err != nil {
		return err
	}
	f, err := r.Upkeep.System(ctx, c.Actor)
	if err != nil {
		return err
	}
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	state := c.Choice("state", jobStates)
	if state == "" {
		state = "failed"
	}
	jobs, err := r.Sandbox.Jobs(ctx, c.Actor, state, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	jobs, next := desk.Cut(c, jobs, func(j sandbox.Job) string { return cursor.Encode(j.ID) })
	var ids []string
	for _, l := range sys.Lanes {
		ids = append(ids, l.SellerID)
	}
	names, err := r.People.Names(ctx, ids...)
	if err != nil {
		return err
	}
	jt := ui.NewTable(c.Frame, jobs, []ui.Column[sandbox.Job]{
		{Head: "col.due", Cell: func(j sandbox.Job) ui.Cell { return c.When(j.DueAt) }},
		{Head: "col.kind", Cell: func(j sandbox.Job) ui.Cell { return ui.Code(j.Kind) }},
		{Head: "col.state", Cell: func(sandbox.Job) ui.Cell { return c.Chip(ui.JobState(state)) }},
		{Head: "col.lane", Cell: func(j sandbox.Job) ui.Cell { return ui.Own(j.Lane) }},
		{Head: "col.order", Cell: func(j sandbox.Job) ui.Cell { return ui.ToID("/operator/orders/"+j.OrderID, j.OrderID) }},
		{Head: "col.tries", Num: true, Cell: func(j sandbox.Job) ui.Cell { return ui.Own(fmt.Sprint(j.Attempts)) }},
		{Head: "col.outcome", Cell: func(j sandbox.Job) ui.Cell { return ui.Own(c.Cut(j.Outcome)) }},
	}, next)
	if c.Exporting() {
		return c.CSV("jobs", jt)
	}
	p := c.NewPage("system.title")
	p.Lead = c.T("system.lead", "ENGINE", sys.Engine)
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("system.well"), Who: ui.Nobody}
	if n := sys.Jobs["failed"]; n > 0 {
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("system.failed", "N", n), Who: ui.Operator, Links: []ui.Link{{Text: c.T("go.calls"), Href: "/operator/calls?state=failed"}}}
	}
	for _, s := range jobStates {
		st := ui.JobState(s)
		tone := st.Tone
		if sys.Jobs[s] == 0 || s == "done" {
			tone = ui.Plain
		}
		p.Figures = append(p.Figures, ui.Figure{Label: c.T(st.ID), Value: ui.Count(sys.Jobs[s]), Tone: tone, Href: c.With("state", s)})
	}
	if err := r.health(c, p, f); err != nil {
		return err
	}
	p.Put(c.In("block.lanes", ui.Block{Table: ui.NewTable(c.Frame, sys.Lanes, []ui.Column[sandbox.Lane]{
		{Head: "col.lane", Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(l.Lane).Then(ui.SmallOwn(names[l.SellerID])) }},
		{Head: "job.queued", Num: true, Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(fmt.Sprint(l.Queued)) }},
		{Head: "col.due.now", Num: true, Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(fmt.Sprint(l.Due)) }},
		{Head: "job.running", Num: true, Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(fmt.Sprint(l.Running)) }},
		{Head: "job.waiting", Num: true, Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(fmt.Sprint(l.Waiting)) }},
		{Head: "job.failed", Num: true, Cell: func(l sandbox.Lane) ui.Cell { return ui.Own(fmt.Sprint(l.Failed)) }},
		{Head: "col.oldest", Cell: func(l sandbox.Lane) ui.Cell { return c.When(l.OldestDue) }},
	}, "").Or(ui.Empty{Text: c.T("lanes.empty"), Help: c.T("lanes.empty.help")})}))
	p.Put(c.In("block.jobs", ui.Block{Note: c.T("jobs.note"), Table: jt.Exported(c.Frame).Or(ui.Empty{Text: c.T("jobs.empty"), Help: c.T("jobs.empty.help")})}))
	return c.Draw(p)
}

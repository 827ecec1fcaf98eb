package account

import (
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/audit"
)

// auditLog mounts who did what: to operators all of it, to companies what their people did.
func (r *Room) auditLog() {
	r.Get(r.path("/audit"), "audit", access.AuditRead, r.auditList)
	if r.Kind == access.Operator {
		r.Get(r.path("/audit/export"), "audit", access.AuditExport, r.auditExport)
		r.Post(r.path("/audit/verify"), "audit", access.AuditExport, r.auditVerify)
	}
}

// filter reads what the address chooses; a day that cannot be read chooses nothing.
func (r *Room) filter(c *ui.Call) audit.Filter {
	day := func(name string, after int) time.Time {
		t, err := time.ParseInLocation("2006-01-02", c.Query(name), c.Zone())
		if err != nil {
			return time.Time{}
		}
		return t.AddDate(0, 0, after)
	}
	return audit.Filter{Actor: c.Query("actor"), Action: c.Query("action"), Noun: c.Query("noun"), Company: c.Query("company"), From: day("since", 0), To: day("until", 1)}
}

func (r *Room) auditList(c *ui.Call) error {
	var place audit.Place
	if page := c.Query("page"); page != "" {
		m, err := cursor.Decode(page, 2)
		if err != nil {
			return err
		}
		if place.At, err = time.Parse(time.RFC3339Nano, m[0]); err != nil {
			return err
		}
		place.ID = m[1]
	}
	rows, err := r.Audit.List(c.R.Context(), c.Actor, r.filter(c), place, cursor.DefaultSize+1)
	if err != nil {
		return err
	}
	next := ""
	if len(rows) > cursor.DefaultSize {
		rows = rows[:cursor.DefaultSize]
		last := rows[len(rows)-1]
		next = cursor.Encode(last.At.Format(time.RFC3339Nano), last.ID)
	}
	names, err := r.names(c, rows)
	if err != nil {
		return err
	}
	p := c.NewPage("audit.title")
	p.Lead = c.T("audit.lead")
	operator := r.Kind == access.Operator
	fields := []ui.Field{{Name: "action"}, {Name: "noun"}, {Name: "actor"}, {Name: "since", Kind: "date"}, {Name: "until", Kind: "date"}}
	if operator {
		fields = append(fields, ui.Field{Name: "company"})
		p.Put(ui.Block{Form: c.NewForm("verify", r.path("/audit/verify"), "do.audit.verify")})
	}
	p.Filter = c.Filtering(fields...)
	columns := []ui.Column[audit.Row]{
		{Head: "col.time", Cell: func(a audit.Row) ui.Cell { return c.When(a.At) }},
		{Head: "col.person", Cell: func(a audit.Row) ui.Cell { return ui.Own(names[a.Actor]).Then(ui.SmallOwn(names[a.Company])) }},
		{Head: "field.action", Cell: func(a audit.Row) ui.Cell { return ui.Code(a.Action) }},
		{Head: "field.noun", Cell: func(a audit.Row) ui.Cell { return c.ID(a.Noun).Then(ui.SmallOwn(a.Detail)) }},
		{Head: "col.seq", Num: true, Cell: func(a audit.Row) ui.Cell {
			if a.Seq == 0 {
				return c.Word("audit.open")
			}
			return ui.Own(fmt.Sprint(a.Seq)).Then(ui.SmallOwn(a.Hash[:12]))
		}},
	}
	t := ui.NewTable(c.Frame, rows, columns, next)
	if operator {
		t.Export = r.path("/audit/export") + "?" + c.R.URL.RawQuery
	}
	return c.Draw(p.Put(ui.Block{Table: t.Or(c.NoMatch(r.path("/audit")))}))
}

// names are what persons and companies of rows are called.
func (r *Room) names(c *ui.Call, rows []audit.Row) (map[string]string, error) {
	var persons, companies []string
	for _, row := range rows {
		persons, companies = append(persons, row.Actor), append(companies, row.Company)
	}
	names, err := r.People.PersonNames(c.R.Context(), persons...)
	if err != nil {
		return nil, err
	}
	more, err := r.People.Names(c.R.Context(), companies...)
	if err != nil {
		return nil, err
	}
	for id, name := range more {
		names[id] = name
	}
	return names, nil
}

// auditExport sends the whole of what is chosen, in parts.
func (r *Room) auditExport(c *ui.Call) error {
	h := c.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="audit.csv"`)
	h.Set("Cache-Control", "no-store")
	return r.Audit.Export(c.R.Context(), c.Actor, r.filter(c), c.W)
}

// auditVerify walks the chain and says how it stands.
func (r *Room) auditVerify(c *ui.Call) error {
	rep, err := r.Audit.Verify(c.R.Context(), c.Actor, audit.Head{})
	if err != nil {
		return err
	}
	p := c.NewPage("audit.verified")
	p.Crumbs = []ui.Link{c.Crumb(r.path("/audit"), "audit.title")}
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("audit.whole", "N", rep.Rows), Who: ui.Nobody}
	if len(rep.Faults) > 0 {
		p.Step = &ui.Step{Tone: ui.Bad, Text: c.T("audit.broken", "N", len(rep.Faults)), Who: ui.Operator}
	}
	p.Put(ui.Block{Note: c.T("audit.head.note"), Facts: []ui.Fact{c.Fact("audit.rows", ui.Own(fmt.Sprint(rep.Rows))), c.Fact("audit.waiting", ui.Own(fmt.Sprint(rep.Open))), c.Fact("audit.head", c.ID(fmt.Sprintf("%d:%s", rep.Head.Seq, rep.Head.Hash)))}})
	if len(rep.Faults) > 0 {
		text := ""
		for _, f := range rep.Faults {
			text += f.String() + "\n"
		}
		p.Put(ui.Block{Pre: text})
	}
	return c.Draw(p)
}

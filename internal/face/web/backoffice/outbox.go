package backoffice

import (
	"strconv"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/people"
)

// outbox is what was mailed and what waits: to whom, about what, and why a try failed. // spec: 01 §10
func (r *Room) outbox() {
	r.Get("/operator/outbox", "outbox", access.AuditRead, r.outboxList)
}

func (r *Room) outboxList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	ms, err := r.People.Outbox(c.R.Context(), c.Actor, c.Choice("channel", people.Channels), c.Choice("state", people.MailStates), m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	ms, next := desk.Cut(c, ms, func(m people.Mail) string { return cursor.Encode(m.ID) })
	t := ui.NewTable(c.Frame, ms, []ui.Column[people.Mail]{
		{Head: "col.time", Cell: func(m people.Mail) ui.Cell { return c.When(m.CreatedAt) }},
		{Head: "col.channel", Cell: func(m people.Mail) ui.Cell { return c.Word("channel." + m.Channel) }},
		{Head: "col.recipient", Cell: func(m people.Mail) ui.Cell { return ui.Own(m.Recipient) }},
		{Head: "col.subject", Cell: func(m people.Mail) ui.Cell { return ui.Own(m.Subject) }},
		{Head: "col.state", Cell: func(m people.Mail) ui.Cell {
			s := ui.MailState(m.State)
			return c.Chip(s).Then(c.Small(s.ID + ".next"))
		}},
		{Head: "col.tries", Cell: func(m people.Mail) ui.Cell { return ui.Own(strconv.Itoa(m.Tries)) }},
		{Head: "col.detail", Cell: func(m people.Mail) ui.Cell { return ui.Own(ui.Shorten(m.Problem, 200)) }},
	}, next)
	if c.Exporting() {
		return c.CSV("outbox", t)
	}
	p := c.NewPage("outbox.title")
	p.Lead = c.T("outbox.lead")
	p.Filter = c.Filtering(ui.Field{Name: "channel", Kind: "select", Options: c.Choices("channel.", people.Channels, true)}, ui.Field{Name: "state", Kind: "select", Options: c.Choices("mail.", people.MailStates, true)})
	empty := ui.Empty{Text: c.T("outbox.empty"), Help: c.T("outbox.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

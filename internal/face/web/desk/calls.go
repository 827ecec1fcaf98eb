package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Calls mounts the production interface messages of a console. // spec: 10 §8.4
func (d *Desk) Calls() {
	d.Get(d.Path("/calls"), "calls", access.AttemptRead, d.callList)
	d.Get(d.Path("/calls/{id}"), "calls", access.AttemptRead, d.callShow)
	type use func(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*delivery.AttemptRecord, error)
	for name, one := range map[string]struct {
		action access.Action
		do     use
	}{
		"restart":   {access.AttemptRestart, d.Delivery.Restart},
		"replay":    {access.AttemptReplay, d.Delivery.Replay},
		"delivered": {access.AttemptMark, d.Delivery.MarkDelivered},
	} {
		d.Post(d.Path("/calls/{id}/"+name), "calls", one.action, func(c *ui.Call) error {
			id := c.R.PathValue("id")
			err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
				_, err := one.do(ctx, tx, c.Actor, id)
				return err
			})
			if err != nil {
				return c.Again(err, d.callShow)
			}
			return c.Done(d.Path("/calls/"+id), "call."+name)
		})
	}
	d.Post(d.Path("/calls/restart"), "calls", access.AttemptRestart, d.callsAgain("restarted", d.Delivery.Restart))
	d.Post(d.Path("/calls/replay"), "calls", access.AttemptReplay, d.callsAgain("replayed", d.Delivery.Replay))
}

// callTable draws calls with all columns of the message log; short leaves out what the page around it says already.
func (d *Desk) callTable(c *ui.Call, as []delivery.AttemptRecord, next string, short bool) (*ui.Table, error) {
	var sellers, products []string
	for _, a := range as {
		sellers, products = append(sellers, a.SellerID), append(products, a.ProductID)
	}
	names, err := d.People.Names(c.R.Context(), sellers...)
	if err != nil {
		return nil, err
	}
	goods, err := d.Catalogue.Names(c.R.Context(), products...)
	if err != nil {
		return nil, err
	}
	type col = ui.Column[delivery.AttemptRecord]
	at := func(a delivery.AttemptRecord) ui.Cell {
		if d.isBuyer() {
			return c.When(a.BusinessAt)
		}
		return ui.Cell{HTML: `<a href="` + ui.Attr(d.Path("/calls/"+a.ID)) + `">` + c.Time(a.BusinessAt) + `</a>`, Text: c.When(a.BusinessAt).Text}
	}
	took := func(a delivery.AttemptRecord) ui.Cell { return ui.SmallOwn(c.Milliseconds(a.Duration)) }
	order := func(a delivery.AttemptRecord) ui.Cell { return ui.ToID(d.Path("/orders/"+a.OrderID), a.OrderID) }
	state := col{Head: "col.state", Cell: func(a delivery.AttemptRecord) ui.Cell { return c.Chip(ui.AttemptState(a.State)) }}
	if c.Exporting() { // a file has room for a column each
		return ui.NewTable(c.Frame, as, []col{
			{Head: "col.time", Cell: at}, {Head: "col.product", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(goods[a.ProductID]) }}, {Head: "col.order", Cell: order},
			{Head: "col.service", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(a.InstanceID) }}, {Head: "col.seller", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(names[a.SellerID]) }},
			{Head: "col.activity", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(a.Activity) }}, {Head: "col.number", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(fmt.Sprint(a.Number)) }},
			{Head: "col.next", Cell: func(a delivery.AttemptRecord) ui.Cell { return c.When(a.NextAt) }}, state,
			{Head: "col.status", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(fmt.Sprint(a.HTTPStatus)) }}, {Head: "col.code", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(a.ResultCode) }},
			{Head: "col.message", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(c.Cut(a.ResultMsg)) }}, {Head: "col.exception", Cell: func(a delivery.AttemptRecord) ui.Cell {
				return ui.Own(c.Cut(strings.TrimSpace(a.Reason + " " + a.Detail)))
			}},
			{Head: "col.duration", Cell: took},
		}, next), nil
	}
	columns := []col{
		{Head: "col.time", Sort: "time", Cell: func(a delivery.AttemptRecord) ui.Cell { return at(a).Then(took(a)) }},
		{Head: "col.activity", Cell: func(a delivery.AttemptRecord) ui.Cell {
			return ui.Code(a.Activity).Then(c.Small("call.nth", "N", a.Number))
		}},
	}
	if !short {
		columns = append(columns, col{Head: "col.product", Cell: func(a delivery.AttemptRecord) ui.Cell {
			return ui.Own(goods[a.ProductID]).Then(order(a)).Then(ui.SmallOwn(a.InstanceID))
		}})
		if !d.isSeller() {
			columns = append(columns, col{Head: "col.seller", Cell: func(a delivery.AttemptRecord) ui.Cell { return ui.Own(names[a.SellerID]) }})
		}
	}
	columns = append(columns, state, col{Head: "col.answer", Cell: func(a delivery.AttemptRecord) ui.Cell { return answer(a) }})
	if !d.isBuyer() {
		columns = append(columns, col{Head: "col.exception", Cell: func(a delivery.AttemptRecord) ui.Cell {
			if a.State == "success" {
				return ui.None
			}
			return ui.Own(ui.Shorten(strings.TrimSpace(a.Reason+" "+a.ResultMsg), 80))
		}})
	}
	columns = append(columns, col{Head: "col.next", Cell: func(a delivery.AttemptRecord) ui.Cell { return c.When(a.NextAt) }})
	return ui.NewTable(c.Frame, as, columns, next), nil
}

// answer is status and code together, never a translation of the code. // spec: 02 §2.16
func answer(a delivery.AttemptRecord) ui.Cell {
	if a.HTTPStatus == 0 {
		return ui.None
	}
	cell := ui.Code(fmt.Sprint(a.HTTPStatus))
	if a.ResultCode != "" {
		cell = cell.And(ui.Code(a.ResultCode))
	}
	return cell
}

func (d *Desk) callList(c *ui.Call) error {
	m, err := Mark(c, 1)
	if err != nil {
		return err
	}
	f := delivery.Filter{OrderID: strings.TrimSpace(c.Query("order")), InstanceID: strings.TrimSpace(c.Query("instance")),
		State: c.Choice("state", ui.AttemptStates), Activity: c.Choice("activity", ui.Activities)}
	by, desc := c.Sorted()
	as, err := d.Delivery.Attempts(c.R.Context(), c.Actor, f, m[0], Limit(c), by == "time" && !desc)
	if err != nil {
		return err
	}
	as, next := Cut(c, as, func(a delivery.AttemptRecord) string { return cursor.Encode(a.ID) })
	t, err := d.callTable(c, as, next, false)
	if err != nil {
		return err
	}
	if c.Exporting() {
		return c.CSV("calls", t)
	}
	p := c.NewPage("calls.title")
	p.Lead = c.T("calls.lead")
	p.Filter = c.Filtering(ui.Field{Name: "order"}, ui.Field{Name: "instance"}, ui.Field{Name: "activity", Kind: "select", Options: c.OwnChoices(ui.Activities, true)},
		ui.Field{Name: "state", Kind: "select", Options: c.Choices("attempt.", ui.AttemptStates, true)})
	empty := ui.Empty{Text: c.T("calls.none"), Help: c.T("calls.none.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	if c.May("attempt.restart") {
		pick := ui.Pick{Action: d.Path("/calls/restart"), Submit: c.T("do.restart.many"), Help: c.T("do.restart.many.help")}
		if c.May("attempt.replay") {
			pick.OtherAction, pick.Other = d.Path("/calls/replay"), c.T("do.replay.many")
		}
		t.Picking(pick, func(i int) string {
			if as[i].State == "running" || as[i].Occasion == "live" {
				return ""
			}
			return as[i].ID
		})
	}
	failed := digits(c.Query("refused"))
	if n := c.Query("restarted"); n != "" {
		p.Notice = &ui.Notice{Tone: ui.Good, Text: c.T("done.calls", "N", digits(n), "M", failed)}
	}
	if n := c.Query("replayed"); n != "" {
		p.Notice = &ui.Notice{Tone: ui.Good, Text: c.T("done.calls.replayed", "N", digits(n), "M", failed)}
	}
	if d.isSeller() && c.May("lab.run") {
		p.Actions = []ui.Link{{Text: c.T("go.sample"), Href: "/seller/debug"}}
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

// digits keeps a number of the address a number.
func digits(s string) string {
	if s == "" || strings.Trim(s, "0123456789") != "" || len(s) > 4 {
		return "0"
	}
	return s
}

// callsAgain restarts or replays the ticked calls, the oldest first: each is its own transaction and has its own outcome.
func (d *Desk) callsAgain(word string, do func(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*delivery.AttemptRecord, error)) ui.Handler {
	return func(c *ui.Call) error {
		ids := slices.Clone(c.R.PostForm["id"])
		if len(ids) > cursor.MaxSize {
			return fault.Field("id", "must name at most %d calls", cursor.MaxSize)
		}
		slices.Sort(ids) // ids of calls go by time
		done, refused := 0, 0
		for _, id := range ids {
			err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
				_, err := do(ctx, tx, c.Actor, id)
				return err
			})
			f, known := fault.As(err)
			switch {
			case err == nil:
				done++
			case known && (f.Kind == fault.Conflict || f.Kind == fault.Rule || f.Kind == fault.NotFound):
				refused++
			default:
				return err
			}
		}
		return c.To(d.Path(fmt.Sprintf("/calls?%s=%d&refused=%d", word, done, refused)))
	}
}

func (d *Desk) callShow(c *ui.Call) error {
	ctx := c.R.Context()
	a, err := d.Delivery.Attempt(ctx, c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := d.People.Names(ctx, a.SellerID)
	if err != nil {
		return err
	}
	goods, err := d.Catalogue.Names(ctx, a.ProductID)
	if err != nil {
		return err
	}
	s := ui.AttemptState(a.State)
	p := c.NewThing(a.Activity, c.Crumb(d.Path("/calls"), "calls.title"), ui.Link{Text: a.OrderID, Href: d.Path("/orders/" + a.OrderID), Own: true})
	p.Chip, p.Step = &s, c.StepOf(s)
	if !a.NextAt.IsZero() {
		p.Step.Say(c.Word("order.nextcall").And(c.When(a.NextAt)).And(ui.Said("(" + c.Until(a.NextAt) + ")")))
	}
	if err := d.callForms(c, a, p); err != nil {
		return err
	}
	p.Put(
		c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
			c.Fact("col.time", c.When(a.BusinessAt)), c.Fact("col.product", ui.Own(goods[a.ProductID])), c.Fact("col.seller", ui.Own(names[a.SellerID])),
			c.Fact("col.order", ui.ToID(d.Path("/orders/"+a.OrderID), a.OrderID)), c.Fact("col.service", serviceLink(d, a.InstanceID)),
			c.Fact("col.number", ui.Own(fmt.Sprint(a.Number))), c.Fact("col.call.id", c.ID(a.ID)),
		}}),
		c.In("block.outcome", ui.Block{Half: true, Facts: []ui.Fact{
			c.Fact("col.answer", answer(*a)), c.Fact("col.message", ui.Own(c.Cut(a.ResultMsg))), c.Fact("col.exception", ui.Code(a.Reason)),
			c.Fact("col.detail", ui.Own(c.Cut(a.Detail))), c.Fact("col.duration", ui.Own(c.Milliseconds(a.Duration))), c.Fact("col.occasion", occasion(c, a.Occasion)), c.Fact("col.wire", c.When(a.StartedAt)),
		}}),
	)
	var other *[2][]byte
	if with := c.Query("with"); with != "" {
		b, err := d.Delivery.Attempt(ctx, c.Actor, with)
		if err != nil {
			return err
		}
		other = &[2][]byte{b.Request, b.Response}
	}
	view := c.Choice("view", []string{"pretty", "raw", "hex"})
	if len(a.Request) == 0 {
		p.Put(c.In("block.bytes", ui.Block{Text: c.T("bytes.forgotten")}))
	} else {
		p.Put(c.In("block.bytes", ui.Block{Bytes: c.NewBytes(view, a.Request, a.Response, other)}))
	}
	if b, ok := Signature(c, a.Request); ok {
		p.Put(b)
	}
	all, err := d.Delivery.Attempts(ctx, c.Actor, delivery.Filter{OrderID: a.OrderID}, "", cursor.DefaultSize, false)
	if err != nil {
		return err
	}
	var same []delivery.AttemptRecord
	for _, one := range all {
		if one.ID != a.ID {
			same = append(same, one)
		}
	}
	if len(same) > 0 {
		p.Put(c.In("block.compare", ui.Block{Table: ui.NewTable(c.Frame, same, []ui.Column[delivery.AttemptRecord]{
			{Head: "col.time", Cell: func(o delivery.AttemptRecord) ui.Cell { return c.When(o.BusinessAt) }},
			{Head: "col.activity", Cell: func(o delivery.AttemptRecord) ui.Cell { return ui.Code(o.Activity) }},
			{Head: "col.number", Num: true, Cell: func(o delivery.AttemptRecord) ui.Cell { return ui.Own(fmt.Sprint(o.Number)) }},
			{Head: "col.state", Cell: func(o delivery.AttemptRecord) ui.Cell { return c.Chip(ui.AttemptState(o.State)) }},
			{Head: "col.answer", Cell: func(o delivery.AttemptRecord) ui.Cell { return answer(o) }},
			{Head: "col.compare", Cell: func(o delivery.AttemptRecord) ui.Cell {
				return c.ToWord(d.Path("/calls/"+o.ID), "go.open").And(c.ToWord(d.Path("/calls/"+a.ID+"?with="+o.ID), "go.compare"))
			}},
		}, "")}))
	}
	return c.Draw(p)
}

// callForms offers what makes sense for a call; the service decides again.
func (d *Desk) callForms(c *ui.Call, a *delivery.AttemptRecord, p *ui.Page) error {
	at := d.Path("/calls/" + a.ID)
	refunded := false
	if a.OrderID != "" {
		o, err := d.Trade.Get(c.R.Context(), c.Actor, a.OrderID)
		if err != nil {
			return err
		}
		for _, l := range o.Lines {
			refunded = refunded || l.ID == a.OrderLineID && (l.Status == order.LineRefunded || l.Status == order.LineCanceled)
		}
	}
	live := a.Occasion == "live"
	if !refunded && !live && a.State != "success" && a.State != "running" && c.May("attempt.restart") {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("restart", at+"/restart", "do.restart"))
	}
	if !refunded && !live && a.State != "running" && c.May("attempt.replay") {
		f := c.Dangerous(c.NewForm("replay", at+"/replay", "do.replay"), "call.replay.means", "")
		f.Behind, f.Tone = c.T("do.replay.ask"), "btn-primary"
		p.Step.Forms = append(p.Step.Forms, f)
	}
	if !live && a.State != "success" && a.State != "running" && a.Activity != "newInstance" && c.May("attempt.mark") {
		f := c.Dangerous(c.NewForm("delivered", at+"/delivered", "do.delivered"), "call.delivered.means", "")
		f.Behind = c.T("do.delivered.ask")
		p.Step.Forms = append(p.Step.Forms, f)
	}
	if refunded {
		p.Step.Say(c.Word("call.refunded"))
	}
	return nil
}

func occasion(c *ui.Call, o string) ui.Cell {
	switch o {
	case "restart", "replay", "live":
		return c.Word("occasion." + o)
	}
	return c.Word("occasion.schedule")
}

func serviceLink(d *Desk, id string) ui.Cell {
	if id == "" {
		return ui.None
	}
	return ui.ToID(d.Path("/services/"+id), id)
}

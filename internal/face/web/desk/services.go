package desk

import (
	"context"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// Bought mounts the services of a console. // spec: 22 §8
func (d *Desk) Bought() {
	d.Get(d.Path("/services"), "services", access.InstanceRead, d.serviceList)
	d.Get(d.Path("/services/{id}"), "services", access.InstanceRead, d.serviceShow)
	if d.isBuyer() {
		d.Post(d.Path("/services/{id}/entry"), "services", access.InstanceRead, d.entryShow)
		d.Post(d.Path("/services/{id}/details"), "services", access.InstanceRead, d.detailsShow)
		d.life()
	}
	if d.isOperator() {
		d.police()
	}
}

// ServiceTable draws services as this console shows them.
func (d *Desk) ServiceTable(c *ui.Call, rows []delivery.ServiceRow, next string) (*ui.Table, error) {
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.Instance.BuyerID, r.Instance.SellerID)
	}
	names, err := d.People.Names(c.R.Context(), ids...)
	if err != nil {
		return nil, err
	}
	type col = ui.Column[delivery.ServiceRow]
	columns := []col{{Head: "col.product", Cell: func(r delivery.ServiceRow) ui.Cell {
		return ui.To(d.Path("/services/"+r.Instance.ID), r.ProductName).Then(ui.SmallOwn(r.SKUName))
	}}}
	if !d.isBuyer() {
		columns = append(columns, col{Head: "col.buyer", Cell: func(r delivery.ServiceRow) ui.Cell { return ui.Own(names[r.Instance.BuyerID]) }})
	}
	if !d.isSeller() {
		columns = append(columns, col{Head: "col.seller", Cell: func(r delivery.ServiceRow) ui.Cell { return ui.Own(names[r.Instance.SellerID]) }})
	}
	columns = append(columns,
		col{Head: "col.quantity", Num: true, Cell: func(r delivery.ServiceRow) ui.Cell { return ui.Own(fmt.Sprint(r.Instance.Quantity)) }},
		col{Head: "col.state", Cell: func(r delivery.ServiceRow) ui.Cell {
			return c.Chip(ui.InstanceState(string(r.Instance.Status)))
		}},
		col{Head: "col.since", Cell: func(r delivery.ServiceRow) ui.Cell { return c.When(r.Instance.EffectiveAt) }},
		col{Head: "col.until", Cell: func(r delivery.ServiceRow) ui.Cell {
			cell := c.When(r.Instance.ExpireAt)
			if !r.Instance.ExpireAt.IsZero() && !r.Instance.Ended() {
				cell = cell.Then(ui.Cell{HTML: `<small>` + ui.Attr(c.Until(r.Instance.ExpireAt)) + `</small>`})
			}
			return cell
		}},
		col{Head: "col.order", Cell: func(r delivery.ServiceRow) ui.Cell {
			return ui.ToID(d.Path("/orders/"+r.Instance.OrderID), r.Instance.OrderID)
		}},
	)
	return ui.NewTable(c.Frame, rows, columns, next), nil
}

func (d *Desk) serviceList(c *ui.Call) error {
	m, err := Mark(c, 1)
	if err != nil {
		return err
	}
	f := delivery.ServiceFilter{Status: c.Choice("status", ui.InstanceStatuses), Words: c.Query("words")}
	rows, err := d.Delivery.Services(c.R.Context(), c.Actor, f, m[0], Limit(c), false)
	if err != nil {
		return err
	}
	rows, next := Cut(c, rows, func(r delivery.ServiceRow) string { return cursor.Encode(r.Instance.ID) })
	t, err := d.ServiceTable(c, rows, next)
	if err != nil {
		return err
	}
	if c.Exporting() {
		return c.CSV("services", t)
	}
	p := c.NewPage("services.title." + string(d.Face))
	p.Lead = c.T("services.lead")
	status := []ui.Option{{Text: c.T("any")}}
	for _, s := range ui.InstanceStatuses {
		status = append(status, ui.Option{Value: s, Text: c.T(ui.InstanceState(s).ID)})
	}
	p.Filter = c.Filtering(ui.Field{Name: "words"}, ui.Field{Name: "status", Kind: "select", Options: status})
	empty := ui.Empty{Text: c.T("services.empty"), Help: c.T("services.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	} else if d.isBuyer() {
		empty.Actions = []ui.Link{{Text: c.T("go.shop"), Href: "/"}}
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

// service reads what the page of a service is about.
func (d *Desk) service(c *ui.Call) (delivery.ServiceRow, error) {
	var row delivery.ServiceRow
	s, err := d.Delivery.Instance(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return row, err
	}
	row.Instance = s.Instance
	o, err := d.Trade.Get(c.R.Context(), c.Actor, s.Instance.OrderID)
	if err != nil {
		return row, err
	}
	for _, l := range o.Lines {
		if l.ID == s.Instance.OrderLineID {
			row.ProductName, row.SKUName = l.ProductName, l.SKUName
		}
	}
	return row, nil
}

func (d *Desk) serviceShow(c *ui.Call) error { return d.servicePage(c, nil, false) }

// servicePage shows a service; with an entry, also what lets its buyer in.
func (d *Desk) servicePage(c *ui.Call, entry *instance.Entry, asked bool) error {
	ctx := c.R.Context()
	row, err := d.service(c)
	if err != nil {
		return err
	}
	i := row.Instance
	names, err := d.People.Names(ctx, i.BuyerID, i.SellerID)
	if err != nil {
		return err
	}
	s := ui.InstanceState(string(i.Status))
	at := d.Path("/services/" + i.ID)
	p := c.NewThing(row.ProductName, c.Crumb(d.Path("/services"), "services.title."+string(d.Face)))
	p.ID, p.Chip, p.Step = i.ID, &s, c.StepOf(s)
	for _, r := range i.FreezeReasons {
		p.Step.Say(c.Word("freeze." + string(r)))
	}
	if !i.ExpireAt.IsZero() && !i.Ended() {
		p.Step.Say(c.Word("service.until").And(c.When(i.ExpireAt)).And(ui.Said("(" + c.Until(i.ExpireAt) + ")")))
	}
	usable := i.Status == instance.Active || i.Status == instance.Grace
	if d.isBuyer() && i.EntrySealed != "" && usable {
		p.Step.Forms = append(p.Step.Forms, c.NewForm("entry", at+"/entry", "do.entry"))
		look := c.NewForm("details", at+"/details", "do.details")
		look.Tone = ""
		p.Step.Forms = append(p.Step.Forms, look)
	}
	if err := d.waitingRefund(c, p, i.ID); err != nil {
		return err
	}
	var decisions []ui.Block
	switch {
	case d.isBuyer() && c.May("instance.renew"):
		if decisions, err = d.decisions(c, p, row); err != nil {
			return err
		}
	case d.isOperator() && c.May("instance.freeze"):
		decisions = d.verdicts(c, row)
	}
	if entry != nil {
		p.Put(d.entryBlock(c, *entry, asked))
	}
	buyer, seller := ui.Own(names[i.BuyerID]), ui.Own(names[i.SellerID])
	if d.isBuyer() {
		seller = ui.To("/shops/"+i.SellerID, names[i.SellerID])
	}
	product := ui.Own(row.ProductName)
	if d.isBuyer() {
		product = ui.To("/products/"+i.ProductID, row.ProductName)
	}
	terms, err := d.Delivery.Terms(ctx, c.Actor, i.ID)
	if err != nil {
		return err
	}
	calls, err := d.Delivery.Attempts(ctx, c.Actor, delivery.Filter{InstanceID: i.ID}, "", 200, true)
	if err != nil {
		return err
	}
	if strip := lifeStrip(c, i, terms, calls); strip != nil {
		p.Put(c.In("block.life", ui.Block{Strip: strip, Note: c.T("life.note")}))
	}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("col.product", product), c.Fact("col.sku", ui.Own(row.SKUName)), c.Fact("col.quantity", ui.Own(fmt.Sprint(i.Quantity))),
		c.Fact("col.buyer", buyer), c.Fact("col.seller", seller), c.Fact("col.order", ui.ToID(d.Path("/orders/"+i.OrderID), i.OrderID)),
		c.Fact("col.seller.instance", c.ID(i.SellerInstanceID)),
	}}))
	var events []ui.Event
	for _, t := range terms {
		tone := ui.Tone("")
		switch {
		case t.State == "REFUNDED":
			tone = ui.Bad
		case !t.EndsAt.After(c.Now):
			tone = ui.Waiting
		case !t.StartsAt.After(c.Now):
			tone = ui.Good
		}
		orderID, _, _ := strings.Cut(t.OrderLineID, "-")
		events = append(events, ui.Event{When: c.Time(t.StartsAt) + " – " + c.Time(t.EndsAt), Text: c.T("event.term." + strings.ToLower(t.State)), Tone: tone, More: ui.ToID(d.Path("/orders/"+orderID), orderID)})
	}
	if len(events) > 0 {
		p.Put(c.In("block.terms", ui.Block{Half: true, Timeline: events}))
	} else {
		p.Put(c.In("block.terms", ui.Block{Half: true, Empty: &ui.Empty{Text: c.T("terms.none"), Help: c.T("terms.none.help")}}))
	}
	p.Put(decisions...)
	os, err := d.Trade.Find(ctx, c.Actor, trade.OrderFilter{InstanceID: i.ID}, c.NoTime(), "", PageSize, false)
	if err != nil {
		return err
	}
	t, err := d.OrderTable(c, os, "")
	if err != nil {
		return err
	}
	p.Put(c.In("block.orders", ui.Block{Table: t}))
	if c.May("attempt.read") {
		as, err := d.Delivery.Attempts(ctx, c.Actor, delivery.Filter{InstanceID: i.ID}, "", 10, false)
		if err != nil {
			return err
		}
		t, err := d.callTable(c, as, "", true)
		if err != nil {
			return err
		}
		p.Put(c.In("block.calls", ui.Block{Table: t.Or(ui.Empty{Text: c.T("calls.none"), Help: c.T("calls.none.help")})}))
	}
	return c.Draw(p)
}

// entryBlock is what the seller answered for the service: shown only after a click, which leaves an audit row.
func (d *Desk) entryBlock(c *ui.Call, e instance.Entry, asked bool) ui.Block {
	link := func(s string) ui.Cell {
		if safe := ui.Safe(s); safe != "" {
			return ui.Cell{HTML: `<a href="` + ui.Attr(safe) + `" rel="noopener noreferrer" target="_blank" data-own>` + ui.Attr(s) + `</a>`}
		}
		return ui.Code(s)
	}
	b := c.In("entry.title", ui.Block{Anchor: "entry", Note: c.T("entry.careful")})
	if asked {
		b.Note = c.T("entry.asked") + " " + b.Note
	}
	add := func(id, v string, cell ui.Cell) {
		if v != "" {
			b.Facts = append(b.Facts, c.Fact(id, cell))
		}
	}
	add("entry.front", e.FrontEndURL, link(e.FrontEndURL))
	add("entry.admin", e.AdminURL, link(e.AdminURL))
	add("entry.user", e.UserName, c.ID(e.UserName))
	add("entry.password", e.Password, c.ID(e.Password))
	add("entry.memo", e.Memo, ui.Cell{HTML: `<span class="memo" data-own>` + ui.Attr(e.Memo) + `</span>`})
	add("entry.unreadable", e.Warning, ui.Own(e.Warning))
	if len(b.Facts) == 0 {
		b.Text = c.T("entry.nothing")
	}
	return b
}

func (d *Desk) entryShow(c *ui.Call) error {
	e, err := d.Delivery.OpenEntry(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return c.Again(err, d.serviceShow)
	}
	return d.servicePage(c, &e, false)
}

// detailsShow asks the seller right now; what is known already is shown when it does not answer.
func (d *Desk) detailsShow(c *ui.Call) error {
	s, err := d.Delivery.Details(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return c.Again(err, d.serviceShow)
	}
	entry := instance.Entry{}
	if s.Entry != nil {
		entry = *s.Entry
	}
	if err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return d.Kernel.Audit(ctx, tx, c.Actor, access.InstanceRead, s.Instance.ID, "credentials shown")
	}); err != nil {
		return err
	}
	return d.servicePage(c, &entry, true)
}

package desk

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// Orders mounts the orders of a console.
func (d *Desk) Orders() {
	d.Get(d.Path("/orders"), "orders", access.OrderRead, d.orderList)
	d.Get(d.Path("/orders/{id}"), "orders", access.OrderRead, d.orderShow)
	d.Get(d.Path("/orders/{id}/changes"), "orders", access.OrderRead, d.orderChanges)
	d.Post(d.Path("/orders/{id}/cancel"), "orders", access.OrderCancel, d.orderDo("canceled", func(ctx context.Context, tx *kernel.Tx, c *ui.Call, id string) error {
		_, err := d.Trade.Cancel(ctx, tx, c.Actor, id)
		return err
	}))
	if d.isBuyer() {
		d.Post(d.Path("/orders/{id}/pay"), "orders", access.OrderPay, d.orderDo("paid", func(ctx context.Context, tx *kernel.Tx, c *ui.Call, id string) error {
			_, err := d.Trade.Pay(ctx, tx, c.Actor, id)
			return err
		}))
	}
	if !d.isSeller() {
		d.Post(d.Path("/orders/{id}/refund"), "orders", access.OrderRefund, d.refund)
	}
}

// refund gives an order back that never opened; an operator's may be a proposal.
func (d *Desk) refund(c *ui.Call) error {
	id, done := c.R.PathValue("id"), "order.refunded"
	err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		o, waits, err := d.Trade.Refund(ctx, tx, c.Actor, id)
		switch {
		case err != nil:
			return err
		case waits != nil:
			done = "refund.asked"
		case o.Status == order.Processing:
			done = "order.refund_proposed"
		}
		return nil
	})
	if err != nil {
		return c.Again(err, d.orderShow)
	}
	return c.Done(d.Path("/orders/"+id), done)
}

// OrderState is how an order is shown.
func OrderState(o *order.Order) ui.State { return ui.OrderState(string(o.Status), Refunded(o)) }

// Refunded tells whether every line of an order was.
func Refunded(o *order.Order) bool {
	for _, l := range o.Lines {
		if l.Status != order.LineRefunded {
			return false
		}
	}
	return len(o.Lines) > 0 && o.Type != order.Unsubscribe
}

func productName(o *order.Order) string {
	if len(o.Lines) == 0 {
		return ""
	}
	return o.Lines[0].ProductName
}

// OrderTable draws orders as this console shows them.
func (d *Desk) OrderTable(c *ui.Call, os []order.Order, next string) (*ui.Table, error) {
	var ids []string
	for _, o := range os {
		ids = append(ids, o.BuyerID, o.SellerID)
	}
	names, err := d.People.Names(c.R.Context(), ids...)
	if err != nil {
		return nil, err
	}
	columns := []ui.Column[order.Order]{
		{Head: "col.order", Cell: func(o order.Order) ui.Cell {
			return ui.ToID(d.Path("/orders/"+o.ID), o.ID).Then(c.Small("type." + string(o.Type)))
		}},
		{Head: "col.product", Cell: func(o order.Order) ui.Cell {
			sku := ""
			if len(o.Lines) > 0 {
				sku = o.Lines[0].SKUName
			}
			return ui.Own(productName(&o)).Then(ui.SmallOwn(sku))
		}},
	}
	if !d.isBuyer() {
		columns = append(columns, ui.Column[order.Order]{Head: "col.buyer", Cell: func(o order.Order) ui.Cell { return ui.Own(names[o.BuyerID]) }})
	}
	if !d.isSeller() {
		columns = append(columns, ui.Column[order.Order]{Head: "col.seller", Cell: func(o order.Order) ui.Cell { return ui.Own(names[o.SellerID]) }})
	}
	columns = append(columns,
		ui.Column[order.Order]{Head: "col.state", Cell: func(o order.Order) ui.Cell { return c.Chip(OrderState(&o)) }},
		ui.Column[order.Order]{Head: "col.amount", Num: true, Cell: func(o order.Order) ui.Cell { return c.Amount(o.AmountDeal.String(), string(o.Currency)) }},
		ui.Column[order.Order]{Head: "col.placed", Sort: "placed", Cell: func(o order.Order) ui.Cell { return c.When(o.CreatedAt) }},
	)
	return ui.NewTable(c.Frame, os, columns, next), nil
}

func (d *Desk) orderList(c *ui.Call) error {
	f := trade.OrderFilter{Status: c.Choice("status", ui.OrderStatuses), ID: strings.TrimSpace(c.Query("order")), Words: c.Query("words")}
	var err error
	if f.From, err = day(c, "from"); err != nil {
		f.From = time.Time{}
	}
	if f.To, err = day(c, "to"); err == nil && !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1)
	}
	at, id, err := InstantMark(c)
	if err != nil {
		return err
	}
	by, desc := c.Sorted()
	os, err := d.Trade.Find(c.R.Context(), c.Actor, f, at, id, Limit(c), by == "placed" && !desc)
	if err != nil {
		return err
	}
	os, next := Cut(c, os, func(o order.Order) string { return MarkAt(o.CreatedAt, o.ID) })
	t, err := d.OrderTable(c, os, next)
	if err != nil {
		return err
	}
	if c.Exporting() {
		return c.CSV("orders", t)
	}
	p := c.NewPage("orders.title")
	p.Lead = c.T("orders.lead")
	p.Filter = c.Filtering(ui.Field{Name: "order"}, ui.Field{Name: "words"}, ui.Field{Name: "status", Kind: "select", Options: statusOptions(c)}, ui.Field{Name: "from", Kind: "date"}, ui.Field{Name: "to", Kind: "date"})
	empty := ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty." + string(d.Face))}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	} else if d.isBuyer() {
		empty.Actions = []ui.Link{{Text: c.T("go.shop"), Href: "/"}}
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

func statusOptions(c *ui.Call) []ui.Option {
	out := []ui.Option{{Text: c.T("any")}}
	for _, s := range ui.OrderStatuses {
		out = append(out, ui.Option{Value: s, Text: c.T(ui.OrderState(s, false).ID)})
	}
	return out
}

// day reads a date of the filter as the instant it begins in the marketplace's zone.
func day(c *ui.Call, name string) (time.Time, error) {
	v := c.Query(name)
	if v == "" {
		return time.Time{}, nil
	}
	return time.ParseInLocation("2006-01-02", v, c.Zone())
}

func (d *Desk) orderShow(c *ui.Call) error {
	ctx := c.R.Context()
	stamp, err := d.Trade.Stamp(ctx, c.Actor, c.R.PathValue("id")) // before the order itself: what changes in between is told
	if err != nil {
		return err
	}
	o, err := d.Trade.Get(ctx, c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := d.People.Names(ctx, o.BuyerID, o.SellerID)
	if err != nil {
		return err
	}
	s := OrderState(o)
	p := c.NewThing(productName(o), c.Crumb(d.Path("/orders"), "orders.title"))
	p.ID, p.Chip, p.Step = o.ID, &s, c.StepOf(s)
	p.Stages = d.stages(c, o, s)
	if o.Status == order.Processing || o.Status == order.PendingPayment {
		p.Live = d.Path("/orders/" + o.ID + "/changes?seen=" + ui.EventID(stamp))
	}
	if o.Status == order.Completed && c.Query("done") == "order.paid" {
		p.Notice = &ui.Notice{Tone: ui.Good, Text: c.T("done.order.ready")} // what the form said has come true
	}
	if err := d.orderStep(c, o, p); err != nil {
		return err
	}
	seller := ui.Own(names[o.SellerID])
	if d.isBuyer() {
		seller = ui.To("/shops/"+o.SellerID, names[o.SellerID])
	}
	facts := []ui.Fact{
		c.Fact("col.type", c.Word("type."+string(o.Type))), c.Fact("col.buyer", ui.Own(names[o.BuyerID])), c.Fact("col.seller", seller),
		c.Fact("col.amount", c.Amount(o.AmountDeal.String(), string(o.Currency))), c.Fact("col.paid", c.Amount(o.AmountPaid.String(), string(o.Currency))),
	}
	if o.OriginOrderID != "" {
		facts = append(facts, c.Fact("col.origin", ui.ToID(d.Path("/orders/"+o.OriginOrderID), o.OriginOrderID)))
	}
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: facts}), c.In("block.timeline", ui.Block{Half: true, Timeline: orderEvents(c, o)}))
	lines := ui.NewTable(c.Frame, o.Lines, []ui.Column[order.Line]{
		{Head: "col.sku", Cell: func(l order.Line) ui.Cell { return ui.Own(l.SKUName).Then(ui.SmallOwn(l.ID)) }},
		{Head: "col.term", Cell: func(l order.Line) ui.Cell { return c.Word("term."+string(l.PeriodType), "N", l.PeriodNumber) }},
		{Head: "col.quantity", Num: true, Cell: func(l order.Line) ui.Cell { return ui.Own(fmt.Sprint(l.Quantity)) }},
		{Head: "col.price", Num: true, Cell: func(l order.Line) ui.Cell { return c.Amount(l.UnitPrice, string(o.Currency)) }},
		{Head: "col.amount", Num: true, Cell: func(l order.Line) ui.Cell { return c.Amount(l.AmountDeal.String(), string(o.Currency)) }},
		{Head: "col.until", Cell: func(l order.Line) ui.Cell { return c.When(l.ExpireAt) }},
		{Head: "col.service", Cell: func(l order.Line) ui.Cell {
			if l.InstanceID == "" {
				return ui.None
			}
			return c.ToWord(d.Path("/services/"+l.InstanceID), "go.service")
		}},
	}, "")
	p.Put(c.In("block.lines", ui.Block{Table: lines}))
	if len(o.Breakdown) > 0 {
		p.Put(c.In("block.price", ui.Block{Half: true, Facts: d.partFacts(c, o)}))
	}
	if c.May("attempt.read") {
		as, err := d.Delivery.Attempts(ctx, c.Actor, delivery.Filter{OrderID: o.ID}, "", 10, false)
		if err != nil {
			return err
		}
		t, err := d.callTable(c, as, "", true)
		if err != nil {
			return err
		}
		b := c.In("block.calls", ui.Block{Table: t.Or(ui.Empty{Text: c.T("calls.none"), Help: c.T("calls.none.help")})})
		if !d.isBuyer() {
			b.More = ui.Link{Text: c.T("go.calls"), Href: d.Path("/calls?order=" + o.ID)}
		}
		p.Put(b)
	}
	if d.Face == ui.BackOffice && c.May("ledger.read") {
		p.Put(c.In("block.ledger", ui.Block{More: ui.Link{Text: c.T("go.ledger"), Href: "/operator/ledger?order=" + o.ID}, Text: c.T("ledger.of.order")}))
	}
	return c.Draw(p)
}

// stages are how far a purchase has come.
func (d *Desk) stages(c *ui.Call, o *order.Order, s ui.State) []ui.Stage {
	if o.Type != order.New || o.Status == order.Canceled || s.ID == "order.refunded" {
		return nil
	}
	paid, done := !o.PaidAt.IsZero(), o.Status == order.Completed
	return []ui.Stage{
		{Text: c.T("stage.placed"), Done: true}, {Text: c.T("stage.paid"), Done: paid, Now: !paid},
		{Text: c.T("stage.calling"), Done: done, Now: paid && !done}, {Text: c.T("stage.ready"), Done: done},
	}
}

// orderStep is what can be done next with an order.
func (d *Desk) orderStep(c *ui.Call, o *order.Order, p *ui.Page) error {
	at := d.Path("/orders/" + o.ID)
	switch o.Status {
	case order.PendingPayment:
		p.Step.Say(c.Word("order.deadline").And(c.When(o.PayDeadline)).And(ui.Said("(" + c.Until(o.PayDeadline) + ")")))
		if d.isBuyer() && c.May("order.pay") {
			pay := c.NewForm("pay", at+"/pay", "do.pay")
			p.Step.Forms = append(p.Step.Forms, pay)
			if c.Code() == "insufficient_balance" || c.Query("pay") == "insufficient_balance" {
				p.Step.Links = append(p.Step.Links, ui.Link{Text: c.T("go.topup"), Href: "/buyer/balance"})
			}
			if c.Query("pay") == "insufficient_balance" && !c.Failed() {
				p.Notice = &ui.Notice{Tone: ui.Attention, Text: c.T("code.insufficient_balance")}
			}
		}
		if c.May("order.cancel") && !d.isSeller() {
			cancel := c.Dangerous(c.NewForm("cancel", at+"/cancel", "do.cancel"), "order.cancel.means", "")
			cancel.Behind = c.T("do.cancel.ask")
			p.Step.Forms = append(p.Step.Forms, cancel)
		}
	case order.Processing:
		for _, l := range o.Lines {
			if l.InstanceID == "" {
				continue
			}
			next, err := d.Delivery.NextCall(c.R.Context(), l.InstanceID)
			if err != nil {
				return err
			}
			if !next.IsZero() {
				p.Step.Say(c.Word("order.nextcall").And(c.When(next)).And(ui.Said("(" + c.Until(next) + ")")))
			}
		}
		if d.isBuyer() && o.Type == order.New && c.May("order.refund") {
			refund := c.Dangerous(c.NewForm("refund", at+"/refund", "do.refund"), "order.refund.means", "")
			refund.Behind = c.T("do.refund.ask")
			p.Step.Forms = append(p.Step.Forms, refund)
		}
		if d.isOperator() && o.Type == order.New && c.May("order.refund") {
			by, err := d.Trade.RefundProposed(c.R.Context(), c.Actor, o.ID)
			if err != nil {
				return err
			}
			refund := c.Dangerous(c.NewForm("refund", at+"/refund", "do.refund"), "order.refund.means", "")
			refund.Behind = c.T("do.refund.operator")
			if by != "" {
				names, err := d.People.PersonNames(c.R.Context(), by)
				if err != nil {
					return err
				}
				p.Step.Say(c.Word("order.refund.proposed", "NAME", names[by]))
				refund.Behind = c.T("do.refund.agree")
			}
			p.Step.Forms = append(p.Step.Forms, refund)
		}
	case order.Completed:
		for _, l := range o.Lines {
			if l.InstanceID != "" && l.Status == order.LineDelivered {
				p.Step.Links = append(p.Step.Links, ui.Link{Text: c.T("go.service.use"), Href: d.Path("/services/" + l.InstanceID)})
				break
			}
		}
	}
	if o.Reason != "" && o.Reason != "buyer" {
		p.Step.Say(c.Word("order.reason").And(ui.Own(o.Reason)))
	}
	if o.PossiblyOrphaned {
		p.Step.Say(c.Word("order.orphaned"))
	}
	return nil
}

func orderEvents(c *ui.Call, o *order.Order) []ui.Event {
	ev := []ui.Event{{At: o.CreatedAt, When: c.Time(o.CreatedAt), Text: c.T("event.placed")}}
	add := func(at time.Time, id string, tone ui.Tone) {
		if !at.IsZero() {
			ev = append(ev, ui.Event{At: at, When: c.Time(at), Text: c.T(id), Tone: tone})
		}
	}
	add(o.PaidAt, "event.paid", "")
	for _, l := range o.Lines {
		add(l.EffectiveAt, "event.active", ui.Good)
	}
	switch {
	case o.Status == order.Canceled:
		add(o.CompletedAt, "event.canceled", ui.Bad)
	case Refunded(o):
		add(o.CompletedAt, "event.refunded", ui.Bad)
	default:
		add(o.CompletedAt, "event.completed", ui.Good)
	}
	slices.SortStableFunc(ev, func(a, b ui.Event) int { return a.At.Compare(b.At) })
	return ev
}

// orderDo is a form on an order's page: done, it comes back to the page; refused, the page says why.
func (d *Desk) orderDo(done string, f func(ctx context.Context, tx *kernel.Tx, c *ui.Call, id string) error) ui.Handler {
	return func(c *ui.Call) error {
		id := c.R.PathValue("id")
		err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error { return f(ctx, tx, c, id) })
		if fault.Is(err, "order_already_paid") && done == "paid" {
			err = nil // the button was pressed twice: once was enough
		}
		if err != nil {
			return c.Again(err, d.orderShow)
		}
		return c.Done(d.Path("/orders/"+id), "order."+done)
	}
}

// How a page is told of changes: its order's stamp is read again and again, so nothing can be missed; the stream ends
// after a while and the browser opens it anew.
const (
	lookEvery  = 700 * time.Millisecond
	streamLife = 20 * time.Second
)

func (d *Desk) orderChanges(c *ui.Call) error {
	ctx, cancel := context.WithTimeout(c.R.Context(), streamLife)
	defer cancel()
	id := c.R.PathValue("id")
	stamp, err := d.Trade.Stamp(ctx, c.Actor, id)
	if err != nil {
		return err
	}
	stream := c.Stream()
	// A page that was drawn before the stream began may be old already: the browser says what it last saw.
	seen := c.R.Header.Get("Last-Event-ID")
	if seen == "" {
		seen = c.Query("seen")
	}
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		if ui.EventID(stamp) != seen {
			stream.Send("changed", stamp) // the browser draws the page anew, and comes again for the next change
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
		}
		if stamp, err = d.Trade.Stamp(ctx, c.Actor, id); err != nil {
			return nil // the connection is over, or the database is: the browser comes again
		}
	}
}

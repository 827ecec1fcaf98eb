package desk

import (
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/locale"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/trade"
)

// Messages mounts the notices of a console, in words of the reader's language.
func (d *Desk) Messages() {
	d.Get(d.Path("/messages"), "messages", access.NoticeRead, d.messageList)
}

// Words puts a notice into words; one of a kind that the catalogue does not know is named by its kind.
func Words(c *ui.Call, n trade.Notice) string {
	id := "notice." + n.Kind
	if !locale.Has(id) {
		return c.T("notice.other", "KIND", n.Kind)
	}
	get := func(name string) string { return ui.Shorten(n.Texts[name], 120) }
	amount := get("amount")
	if _, err := money.Parse(amount); err == nil {
		amount = c.Money(amount, n.Texts["currency"])
	}
	until := ""
	for _, name := range []string{"kept_until", "at"} {
		if at, err := time.Parse(time.RFC3339, n.Texts[name]); err == nil {
			until = at.In(c.Zone()).Format("2006-01-02 15:04")
		}
	}
	return c.T(id, "PRODUCT", get("product"), "AMOUNT", amount, "REASON", get("reason"), "ACTIVITY", get("activity"), "NUMBER", get("number"), "FAILED", get("failed"), "UNTIL", until, "DAYS", get("days"), "STARS", get("stars"))
}

var noticeTones = map[string]ui.Tone{
	"service.ready": ui.Good, "order.refunded": ui.Attention, "order.canceled": ui.Plain, "service.expired": ui.Attention, "service.released": ui.Plain,
	"call.failed": ui.Waiting, "call.failed_for_good": ui.Bad, "order.failed": ui.Bad, "order.possibly_orphaned": ui.Attention,
	"service.expiring": ui.Attention, "trial.ending": ui.Attention, "service.in_grace": ui.Attention, "service.releasing": ui.Bad, "service.changed": ui.Good,
	"service.violation": ui.Bad, "service.violation_lifted": ui.Good, "order.unsubscribed": ui.Plain, "autorenew.failed": ui.Attention, "autorenew.done": ui.Good,
	"product.suspended": ui.Bad, "product.suspension_proposed": ui.Attention,
	"product.submitted": ui.Waiting, "product.rejected": ui.Bad, "product.approved": ui.Good, "product.rated": ui.Plain,
}

func (d *Desk) messageList(c *ui.Call) error {
	m, err := Mark(c, 1)
	if err != nil {
		return err
	}
	ns, err := d.Trade.Notices(c.R.Context(), c.Actor, m[0], PageSize+1)
	if err != nil {
		return err
	}
	ns, next := Cut(c, ns, func(n trade.Notice) string { return cursor.Encode(n.ID) })
	p := c.NewPage("messages.title")
	p.Lead = c.T("messages.lead")
	t := d.MessageTable(c, ns, next)
	return c.Draw(p.Put(ui.Block{Table: t.Or(ui.Empty{Text: c.T("messages.empty"), Help: c.T("messages.empty.help")})}))
}

// MessageTable draws notices.
func (d *Desk) MessageTable(c *ui.Call, ns []trade.Notice, next string) *ui.Table {
	columns := []ui.Column[trade.Notice]{
		{Head: "col.time", Cell: func(n trade.Notice) ui.Cell { return c.When(n.CreatedAt) }},
		{Head: "col.message", Cell: func(n trade.Notice) ui.Cell {
			tone, ok := noticeTones[n.Kind]
			if !ok {
				tone = ui.Plain
			}
			return ui.Cell{HTML: `<span class="tone ` + ui.Attr(string(tone)) + `">` + ui.Icon(string(tone)) + `</span><span data-own>` + ui.Attr(Words(c, n)) + `</span>`}
		}},
		{Head: "col.order", Cell: func(n trade.Notice) ui.Cell { return ui.ToID(d.Path("/orders/"+n.OrderID), n.OrderID) }},
	}
	if !d.isBuyer() {
		columns = append(columns, ui.Column[trade.Notice]{Head: "col.call", Cell: func(n trade.Notice) ui.Cell {
			if n.AttemptID == "" {
				return ui.None
			}
			return c.ToWord(d.Path("/calls/"+n.AttemptID), "go.call")
		}})
	}
	return ui.NewTable(c.Frame, ns, columns, next)
}

package desk

import (
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/locale"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/messages"
)

// Messages mounts the notices of a console, in words of the reader's language.
func (d *Desk) Messages() {
	d.Get(d.Path("/messages"), "messages", access.NoticeRead, d.messageList)
}

// Words puts a notice into words.
func Words(c *ui.Call, n messages.Notice) string { return said(c.T, c.Zone(), n.Kind, n.Texts) }

// said puts a notice into words; one of a kind that the catalogue does not know is named by its kind.
func said(t func(string, ...any) string, zone *time.Location, kind string, texts map[string]string) string {
	id := "notice." + kind
	if !locale.Has(id) {
		return t("notice.other", "KIND", kind)
	}
	get := func(name string) string { return ui.Shorten(texts[name], 120) }
	amount := get("amount")
	if _, err := money.Parse(amount); err == nil {
		amount = ui.Money(amount, texts["currency"])
	}
	until := ""
	for _, name := range []string{"kept_until", "at"} {
		if at, err := time.Parse(time.RFC3339, texts[name]); err == nil {
			until = at.In(zone).Format("2006-01-02 15:04")
		}
	}
	return t(id, "PRODUCT", get("product"), "AMOUNT", amount, "REASON", get("reason"), "ACTIVITY", get("activity"), "NUMBER", get("number"), "FAILED", get("failed"), "UNTIL", until, "DAYS", get("days"), "STARS", get("stars"))
}

// Letters puts notices into the words of mails and SMS, by the same texts as the page. address is where the marketplace
// is reached.
func Letters(address string, zone *time.Location) func(language string, l messages.Letter) messages.Words {
	return func(lang string, l messages.Letter) messages.Words {
		t := locale.In(locale.Known(lang))
		text := said(t.Of, zone, l.Notice.Kind, l.Params)
		centre := address + "/" + string(ui.CentreOf(l.Audience))
		link := centre + "/messages"
		if l.Notice.OrderID != "" {
			link = centre + "/orders/" + l.Notice.OrderID
		}
		why := t.Of("letter.receiver", "COMPANY", l.Company)
		if l.Member {
			why = t.Of("letter.member", "LINK", centre+"/messages/choice")
		}
		return messages.Words{
			Subject: t.Of("letter.subject", "TEXT", ui.Shorten(text, 100)),
			Mail:    t.Of("letter.text", "TEXT", text, "LINK", link, "WHY", why),
			SMS:     t.Of("letter.sms", "TEXT", text),
		}
	}
}

var noticeTones = map[string]ui.Tone{
	"service.ready": ui.Good, "order.refunded": ui.Attention, "order.canceled": ui.Plain, "service.expired": ui.Attention, "service.released": ui.Plain,
	"call.failed": ui.Waiting, "call.failed_for_good": ui.Bad, "order.failed": ui.Bad, "order.possibly_orphaned": ui.Attention,
	"service.expiring": ui.Attention, "trial.ending": ui.Attention, "service.in_grace": ui.Attention, "service.releasing": ui.Bad, "service.changed": ui.Good,
	"service.violation": ui.Bad, "service.violation_lifted": ui.Good, "order.unsubscribed": ui.Plain, "autorenew.failed": ui.Attention, "autorenew.done": ui.Good,
	"refund.waiting": ui.Waiting, "refund.approved": ui.Good, "refund.rejected": ui.Bad, "refund.impossible": ui.Bad,
	"product.suspended": ui.Bad, "product.suspension_proposed": ui.Attention, "probe.failed": ui.Bad, "probe.suspension_proposed": ui.Attention,
	"order.delayed": ui.Waiting, "product.stopped": ui.Bad, "product.resumed": ui.Good, "product.delisted": ui.Bad, "product.kept": ui.Good, "product.delist_asked": ui.Attention, "product.submitted": ui.Waiting, "product.rejected": ui.Bad, "product.approved": ui.Good, "product.rated": ui.Plain,
}

func (d *Desk) messageList(c *ui.Call) error {
	m, err := Mark(c, 1)
	if err != nil {
		return err
	}
	ns, err := d.Inbox.Notices(c.R.Context(), c.Actor, m[0], PageSize+1)
	if err != nil {
		return err
	}
	ns, next := Cut(c, ns, func(n messages.Notice) string { return cursor.Encode(n.ID) })
	p := c.NewPage("messages.title")
	p.Lead = c.T("messages.lead")
	p.Actions = []ui.Link{{Text: c.T("go.choice"), Href: d.Path("/messages/choice")}}
	t := d.MessageTable(c, ns, next)
	return c.Draw(p.Put(ui.Block{Table: t.Or(ui.Empty{Text: c.T("messages.empty"), Help: c.T("messages.empty.help")})}))
}

// MessageTable draws notices.
func (d *Desk) MessageTable(c *ui.Call, ns []messages.Notice, next string) *ui.Table {
	columns := []ui.Column[messages.Notice]{
		{Head: "col.time", Cell: func(n messages.Notice) ui.Cell { return c.When(n.CreatedAt) }},
		{Head: "col.message", Cell: func(n messages.Notice) ui.Cell {
			tone, ok := noticeTones[n.Kind]
			if !ok {
				tone = ui.Plain
			}
			return ui.Cell{HTML: `<span class="tone ` + ui.Attr(string(tone)) + `">` + ui.Icon(string(tone)) + `</span><span data-own>` + ui.Attr(Words(c, n)) + `</span>`}
		}},
		{Head: "col.order", Cell: func(n messages.Notice) ui.Cell { return ui.ToID(d.Path("/orders/"+n.OrderID), n.OrderID) }},
	}
	if !d.isBuyer() {
		columns = append(columns, ui.Column[messages.Notice]{Head: "col.call", Cell: func(n messages.Notice) ui.Cell {
			if n.AttemptID == "" {
				return ui.None
			}
			return c.ToWord(d.Path("/calls/"+n.AttemptID), "go.call")
		}})
	}
	return ui.NewTable(c.Frame, ns, columns, next)
}

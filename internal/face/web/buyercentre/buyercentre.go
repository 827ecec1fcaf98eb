// Package buyercentre is the buyer's console (买家中心): what waits for the buyer, orders, purchased services
// (已购买的服务) with their entry pages, balance and top-up requests (充值), messages.
//
// Chapters: 22 §8, 01 §3. Pages that other consoles have too stand in package desk. It must not decide anything.
package buyercentre

import (
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/trade"
)

// Room is the buyer centre.
type Room struct{ *desk.Desk }

// New mounts the buyer centre.
func New(kit *ui.Kit, mux *http.ServeMux, s desk.Services) *Room {
	r := &Room{&desk.Desk{Room: ui.Room{Kit: kit, Mux: mux, Face: ui.BuyerCentre, Kind: access.Buyer}, Services: s}}
	r.Get("/buyer", "overview", "", r.overview)
	r.Orders()
	r.Bought()
	r.Balance()
	r.Messages()
	return r
}

// Limits of the overview.
const (
	soon      = 30 * 24 * time.Hour // a service that ends sooner is named
	spendDays = 30
	few       = 5
)

func (r *Room) overview(c *ui.Call) error {
	ctx := c.R.Context()
	queues, err := r.Trade.Queues(ctx, c.Actor)
	if err != nil {
		return err
	}
	ending, err := r.Delivery.Services(ctx, c.Actor, delivery.ServiceFilter{ExpiresBefore: c.Now.Add(soon)}, "", 50, true)
	if err != nil {
		return err
	}
	inUse, err := r.Delivery.Services(ctx, c.Actor, delivery.ServiceFilter{Status: string(instance.Active)}, "", cursor.MaxSize, false)
	if err != nil {
		return err
	}
	p := c.NewPage("overview.buyer.title")
	pending, processing := queues[order.PendingPayment], queues[order.Processing]
	p.Lead = c.T("overview.buyer.lead")
	figure := func(id string, n int, href string, tone ui.Tone) ui.Figure {
		if n == 0 {
			tone = ui.Plain
		}
		return ui.Figure{Label: c.T(id), Value: ui.Count(n), Href: href, Tone: tone}
	}
	p.Figures = []ui.Figure{
		figure("figure.unpaid", pending.Count, "/buyer/orders?status=PENDING_PAYMENT", ui.Attention),
		figure("figure.processing", processing.Count, "/buyer/orders?status=PROCESSING", ui.Waiting),
		figure("figure.ending", len(ending), "/buyer/services", ui.Attention),
		figure("figure.inuse", len(inUse), "/buyer/services?status=ACTIVE", ui.Good),
	}
	if c.May("ledger.read") {
		accounts, err := r.Trade.Accounts(ctx, c.Actor, "", "", cursor.MaxSize)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			if a.Name == ledger.BuyerAvailable(c.Actor.CompanyID) {
				p.Figures = append(p.Figures, ui.Figure{Label: c.T("account.available"), Value: c.Money(a.Balance.String(), string(a.Currency)), Href: "/buyer/balance"})
			}
		}
	}
	p.Step = r.step(c, pending.Count, ending, len(inUse))
	unpaid, err := r.Trade.Find(ctx, c.Actor, trade.OrderFilter{}, c.NoTime(), "", few, false)
	if err != nil {
		return err
	}
	t, err := r.OrderTable(c, unpaid, "")
	if err != nil {
		return err
	}
	chart, total, err := r.PaidChart(c, spendDays)
	if err != nil {
		return err
	}
	spend := c.In("block.spend", ui.Block{Half: true, Chart: chart, Note: c.T("spend.total", "N", spendDays, "SUM", total)})
	if len(ending) > few {
		ending = ending[:few]
	}
	et := ui.NewTable(c.Frame, ending, []ui.Column[delivery.ServiceRow]{
		{Head: "col.product", Cell: func(s delivery.ServiceRow) ui.Cell {
			return ui.To("/buyer/services/"+s.Instance.ID, s.ProductName).Then(ui.SmallOwn(s.SKUName))
		}},
		{Head: "col.until", Cell: func(s delivery.ServiceRow) ui.Cell {
			return c.When(s.Instance.ExpireAt).Then(ui.Said(c.Until(s.Instance.ExpireAt)))
		}},
		{Head: "col.do", Cell: func(s delivery.ServiceRow) ui.Cell {
			return c.ToWord("/buyer/services/"+s.Instance.ID+"/renew", "do.renew")
		}},
	}, "")
	ends := c.In("block.ending", ui.Block{Half: true, Table: et.Or(ui.Empty{Text: c.T("ending.none"), Help: c.T("ending.none.help")})})
	p.Put(ends, spend,
		c.In("block.recent", ui.Block{More: ui.Link{Text: c.T("go.all"), Href: "/buyer/orders"}, Table: t.Or(ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty.buyer"), Actions: []ui.Link{{Text: c.T("go.shop"), Href: "/"}}})}))
	ns, err := r.Inbox.Notices(ctx, c.Actor, "", few)
	if err != nil {
		return err
	}
	if len(ns) > 0 {
		p.Put(c.In("messages.title", ui.Block{More: ui.Link{Text: c.T("go.all"), Href: "/buyer/messages"}, Table: r.MessageTable(c, ns, "")}))
	}
	return c.Draw(p)
}

// step is the one thing to do first.
func (r *Room) step(c *ui.Call, unpaid int, ending []delivery.ServiceRow, inUse int) *ui.Step {
	switch {
	case unpaid > 0:
		return &ui.Step{Tone: ui.Attention, Text: c.T("step.unpaid", "N", unpaid), Who: ui.Buyer, Links: []ui.Link{{Text: c.T("go.unpaid"), Href: "/buyer/orders?status=PENDING_PAYMENT"}}}
	case len(ending) > 0:
		return &ui.Step{Tone: ui.Attention, Text: c.T("step.ending", "N", len(ending)), Who: ui.Buyer, Links: []ui.Link{{Text: c.T("do.renew"), Href: "/buyer/services/" + ending[0].Instance.ID}}}
	case inUse == 0:
		return &ui.Step{Tone: ui.Waiting, Text: c.T("step.first"), Who: ui.Buyer, Links: []ui.Link{{Text: c.T("go.shop"), Href: "/"}}}
	}
	return &ui.Step{Tone: ui.Good, Text: c.T("step.nothing"), Who: ui.Nobody}
}

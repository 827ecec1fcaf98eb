package backoffice

import (
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
)

// Room is the back office.
type Room struct{ *desk.Desk }

// New mounts the back office.
func New(kit *ui.Kit, mux *http.ServeMux, s desk.Services) *Room {
	r := &Room{&desk.Desk{Room: ui.Room{Kit: kit, Mux: mux, Face: ui.BackOffice, Kind: access.Operator}, Services: s}}
	r.Get("/operator", "overview", "", r.overview)
	r.products()
	r.revisions()
	r.categories()
	r.companies()
	r.topUps()
	r.refunds()
	r.ledger()
	r.settings()
	r.system()
	r.outbox()
	r.Orders()
	r.Bought()
	r.Calls()
	r.Messages()
	return r
}

const chartDays = 30

// queue is something that waits for an operator.
type queue struct {
	label, href string
	count       int
	oldest      time.Time
	tone        ui.Tone
}

func (r *Room) overview(c *ui.Call) error {
	ctx := c.R.Context()
	orders, err := r.Trade.Queues(ctx, c.Actor)
	if err != nil {
		return err
	}
	failed, err := r.Delivery.Failed(ctx, c.Actor)
	if err != nil {
		return err
	}
	review, err := r.Catalogue.Waiting(ctx, c.Actor, catalog.InReview)
	if err != nil {
		return err
	}
	suspended, err := r.Catalogue.Waiting(ctx, c.Actor, catalog.Suspended)
	if err != nil {
		return err
	}
	refunds, err := r.Trade.RefundQueue(ctx, c.Actor)
	if err != nil {
		return err
	}
	queues := []queue{
		{c.T("queue.review"), "/operator/reviews", review.Count, review.Oldest, ui.Attention},
		{c.T("queue.failed"), "/operator/calls?state=failed", failed.Count, failed.Oldest, ui.Bad},
		{c.T("queue.refunds"), "/operator/refunds?status=WAITING", refunds.Count, refunds.Oldest, ui.Attention},
	}
	if c.May("ledger.read") {
		asked, requested, err := r.Trade.TopUpQueues(ctx, c.Actor)
		if err != nil {
			return err
		}
		queues = append(queues, queue{c.T("queue.asked"), "/operator/top-ups?status=ASKED", asked.Count, asked.Oldest, ui.Attention},
			queue{c.T("queue.requested"), "/operator/top-ups?status=REQUESTED", requested.Count, requested.Oldest, ui.Attention})
	}
	queues = append(queues,
		queue{c.T("queue.delivering"), "/operator/orders?status=PROCESSING", orders[order.Processing].Count, orders[order.Processing].Oldest, ui.Waiting},
		queue{c.T("queue.suspended"), "/operator/products?status=SUSPENDED", suspended.Count, suspended.Oldest, ui.Waiting},
		queue{c.T("queue.unpaid"), "/operator/orders?status=PENDING_PAYMENT", orders[order.PendingPayment].Count, orders[order.PendingPayment].Oldest, ui.Plain},
	)
	p := c.NewPage("overview.operator.title")
	p.Lead = c.T("overview.operator.lead")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("step.nothing"), Who: ui.Nobody}
	first := true
	for i, q := range queues {
		tone, note := q.tone, ""
		if q.count == 0 {
			tone = ui.Plain
		} else {
			note = c.T("queue.oldest", "AGO", c.Ago(q.oldest))
			if first && i < 5 {
				first = false
				p.Step = &ui.Step{Tone: q.tone, Text: c.T("step.queue", "QUEUE", q.label, "N", q.count), Who: ui.Operator, Links: []ui.Link{{Text: c.T("go.open"), Href: q.href}}}
			}
		}
		p.Figures = append(p.Figures, ui.Figure{Label: q.label, Value: ui.Count(q.count), Href: q.href, Tone: tone, Note: note})
	}
	money, total, err := r.PaidChart(c, chartDays)
	if err != nil {
		return err
	}
	calls, err := r.CallsChart(c, chartDays)
	if err != nil {
		return err
	}
	p.Put(c.In("block.turnover", ui.Block{Half: true, Chart: money, Note: c.T("turnover.total", "N", chartDays, "SUM", total)}),
		c.In("block.calls.drawn", ui.Block{Half: true, Chart: calls, Note: c.T("calls.drawn.all", "N", chartDays)}))
	ns, err := r.Inbox.Notices(ctx, c.Actor, "", 8)
	if err != nil {
		return err
	}
	p.Put(c.In("messages.title", ui.Block{More: ui.Link{Text: c.T("go.all"), Href: "/operator/messages"}, Table: r.MessageTable(c, ns, "").Or(ui.Empty{Text: c.T("messages.empty"), Help: c.T("messages.empty.help")})}))
	return c.Draw(p)
}

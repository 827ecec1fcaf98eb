package sellercentre

import (
	"net/http"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/trade"
)

// Room is the seller centre.
type Room struct{ *desk.Desk }

// New mounts the seller centre.
func New(kit *ui.Kit, mux *http.ServeMux, s desk.Services) *Room {
	r := &Room{&desk.Desk{Room: ui.Room{Kit: kit, Mux: mux, Face: ui.SellerCentre, Kind: access.Seller}, Services: s}}
	r.Get("/seller", "overview", "", r.overview)
	r.products()
	r.sharing()
	r.shop()
	r.wizard()
	r.access()
	r.domains()
	r.debugging()
	r.probing()
	r.checkups()
	r.Faults("/seller/debug/faults", "debug")
	r.accessKeys()
	r.Orders()
	r.Bought()
	r.Calls()
	r.Balance()
	r.Messages()
	return r
}

const (
	chartDays = 30
	few       = 8
)

// todo is a thing that waits for the seller, the most urgent first.
type todo struct {
	tone  ui.Tone
	text  string
	href  string
	label string
}

func (r *Room) overview(c *ui.Call) error {
	ctx := c.R.Context()
	queues, err := r.Trade.Queues(ctx, c.Actor)
	if err != nil {
		return err
	}
	failed, err := r.Delivery.Failed(ctx, c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("overview.seller.title")
	p.Lead = c.T("overview.seller.lead")
	waiting := map[catalog.State]catalogue.Queue{}
	for _, s := range []catalog.State{catalog.Draft, catalog.Rejected, catalog.Suspended, catalog.InReview, catalog.OnSale} {
		if waiting[s], err = r.Catalogue.Waiting(ctx, c.Actor, s); err != nil {
			return err
		}
	}
	open, err := r.Delivery.Attempts(ctx, c.Actor, delivery.Filter{State: "retrying"}, "", 50, false)
	if err != nil {
		return err
	}
	retrying := 0
	for _, a := range open {
		if a.NextAt.After(c.Now) { // the others were repeated already
			retrying++
		}
	}
	addresses := true
	if c.May("seller.keys") {
		a, err := r.Catalogue.Access(ctx, c.Actor, c.Actor.CompanyID)
		if err != nil {
			return err
		}
		addresses = len(a.Addresses) > 0
	}
	figure := func(id string, n int, href string, tone ui.Tone) ui.Figure {
		if n == 0 {
			tone = ui.Plain
		}
		return ui.Figure{Label: c.T(id), Value: ui.Count(n), Href: href, Tone: tone}
	}
	p.Figures = []ui.Figure{
		figure("figure.failed", failed.Count, "/seller/calls?state=failed", ui.Bad),
		figure("figure.delivering", queues[order.Processing].Count, "/seller/orders?status=PROCESSING", ui.Waiting),
		figure("figure.onsale", waiting[catalog.OnSale].Count, "/seller/products?status=ON_SALE", ui.Good),
		figure("figure.done", queues[order.Completed].Count, "/seller/orders?status=COMPLETED", ui.Plain),
	}
	var todos []todo
	add := func(n int, tone ui.Tone, id, href, label string) {
		if n > 0 {
			todos = append(todos, todo{tone, c.T(id, "N", n), href, c.T(label)})
		}
	}
	add(failed.Count, ui.Bad, "todo.failed", "/seller/calls?state=failed", "go.calls")
	if !addresses {
		todos = append(todos, todo{ui.Attention, c.T("todo.address"), "/seller/access", c.T("go.access")})
	}
	if c.May("lab.read") {
		failing, err := r.failingProbes(c)
		if err != nil {
			return err
		}
		add(failing, ui.Bad, "todo.probes", "/seller/probes", "probes.title")
	}
	add(retrying, ui.Attention, "todo.retrying", "/seller/calls?state=retrying", "go.calls")
	add(waiting[catalog.Suspended].Count, ui.Attention, "todo.suspended", "/seller/products?status=SUSPENDED", "go.products")
	add(waiting[catalog.Rejected].Count, ui.Attention, "todo.rejected", "/seller/products?status=REJECTED", "go.products")
	add(waiting[catalog.Draft].Count, ui.Waiting, "todo.draft", "/seller/products?status=DRAFT", "go.products")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("step.nothing"), Who: ui.Nobody}
	if len(todos) > 0 {
		p.Step = &ui.Step{Tone: todos[0].tone, Text: todos[0].text, Who: ui.Seller, Links: []ui.Link{{Text: todos[0].label, Href: todos[0].href}}}
	}
	t := ui.NewTable(c.Frame, todos, []ui.Column[todo]{
		{Head: "col.todo", Cell: func(t todo) ui.Cell {
			return ui.Cell{HTML: `<span class="tone ` + ui.Attr(string(t.tone)) + `">` + ui.Icon(string(t.tone)) + `</span><span>` + ui.Attr(t.text) + `</span>`}
		}},
		{Head: "col.do", Cell: func(t todo) ui.Cell {
			return ui.Cell{HTML: `<a href="` + ui.Attr(t.href) + `">` + ui.Attr(t.label) + `</a>`}
		}},
	}, "")
	sales, total, err := r.PaidChart(c, chartDays)
	if err != nil {
		return err
	}
	calls, err := r.CallsChart(c, chartDays)
	if err != nil {
		return err
	}
	recent, err := r.Trade.Find(ctx, c.Actor, trade.OrderFilter{}, c.NoTime(), "", few, false)
	if err != nil {
		return err
	}
	rt, err := r.OrderTable(c, recent, "")
	if err != nil {
		return err
	}
	p.Put(c.In("block.todo", ui.Block{Table: t.Or(ui.Empty{Text: c.T("todo.none"), Help: c.T("todo.none.help")})}),
		c.In("block.sales", ui.Block{Half: true, Chart: sales, Note: c.T("sales.total", "N", chartDays, "SUM", total)}),
		c.In("block.calls.drawn", ui.Block{Half: true, Chart: calls, Note: c.T("calls.drawn", "N", chartDays)}),
		c.In("block.recent", ui.Block{More: ui.Link{Text: c.T("go.all"), Href: "/seller/orders"}, Table: rt.Or(ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty.seller")})}))
	return c.Draw(p)
}

// errUnknown answers an action that no button sends.
var errUnknown = fault.Unknown("action")

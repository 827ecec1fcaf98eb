package web

import (
	"net/http"
	"net/url"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/ground/fault"
)

// errForbidden is shown when the roles of the viewer do not include a page.
var errForbidden = fault.New(fault.Forbidden, "forbidden", "your roles do not include this")

type orderListPage struct {
	frame
	Orders []OrderRow
	Next   string
}

func (h *Handler) orderList(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	if !access.Can(v.Actor, access.OrderRead) {
		h.fail(w, r, errForbidden)
		return
	}
	orders, next, err := h.o.Orders.Orders(r.Context(), v.Actor, r.URL.Query().Get("page"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := orderListPage{frame: h.frame(w, r, v, "orders"), Orders: orders, Next: nextPage(r, next)}
	p.Title, _ = p.T("orders.title")
	h.render(w, r, http.StatusOK, "orders.html", &p)
}

type orderPage struct {
	frame
	Order
	AttemptsHref string
}

// State is how the order stands.
func (p *orderPage) State() state { return orderState(p.OrderRow) }

func (h *Handler) orderShow(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	if !access.Can(v.Actor, access.OrderRead) {
		h.fail(w, r, errForbidden)
		return
	}
	o, err := h.o.Orders.Order(r.Context(), v.Actor, r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := orderPage{frame: h.frame(w, r, v, "orders"), Order: o, AttemptsHref: "/attempts?order=" + url.QueryEscape(o.ID)}
	p.Title = o.ID
	h.render(w, r, http.StatusOK, "order.html", &p)
}

type entryPage struct {
	frame
	Entry
	OrderID, InstanceID string
}

// entryShow is the page behind the click: only here are credentials opened. Its address is kept by no cache.
func (h *Handler) entryShow(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	if !access.Can(v.Actor, access.InstanceRead) {
		h.fail(w, r, errForbidden)
		return
	}
	e, err := h.o.Orders.Entry(r.Context(), v.Actor, r.PathValue("id"), r.PathValue("instance"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := entryPage{frame: h.frame(w, r, v, "orders"), Entry: e, OrderID: r.PathValue("id"), InstanceID: r.PathValue("instance")}
	p.Title, _ = p.T("entry.title")
	h.render(w, r, http.StatusOK, "entry.html", &p)
}

// Link is the address if it is one a browser may open: a seller's text is never trusted to be http.
func (p *entryPage) Link(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

package web

import (
	"net/http"
)

type homePage struct {
	frame
	Products []Product
	Next     string // address of the next page, "" at the end
}

// home shows what is on sale, to everybody.
func (h *Handler) home(w http.ResponseWriter, r *http.Request) {
	v, err := h.viewer(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	products, next, err := h.o.Catalog.Products(r.Context(), r.URL.Query().Get("page"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := homePage{frame: h.frame(w, r, v, "products"), Products: products, Next: nextPage(r, next)}
	p.Title, _ = p.T("home.title")
	h.render(w, r, http.StatusOK, "home.html", &p)
}

// nextPage is the address of this list at another mark.
func nextPage(r *http.Request, mark string) string {
	if mark == "" {
		return ""
	}
	q := r.URL.Query()
	q.Set("page", mark)
	return r.URL.Path + "?" + q.Encode()
}

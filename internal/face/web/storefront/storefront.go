package storefront

import (
	"embed"
	"net/http"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
)

//go:embed templates/*.html
var files embed.FS

// Room is the storefront.
type Room struct {
	ui.Room
	desk.Services
}

// New mounts the storefront.
func New(kit *ui.Kit, mux *http.ServeMux, s desk.Services) *Room {
	kit.Add(files)
	r := &Room{ui.Room{Kit: kit, Mux: mux, Face: ui.Storefront}, s}
	r.Public("/{$}", "home", r.home)
	r.Public("/search", "search", r.search)
	r.Public("/categories/{id}", "search", r.category)
	r.Public("/products/{id}", "product", r.product)
	r.Public("/shops/{id}", "shop", r.shop)
	mux.HandleFunc("GET /products/{id}/guide", r.guide)
	mux.HandleFunc("GET /files/{id}", r.file)
	r.Get("/login", "login", "", r.loginForm)
	r.Post("/login", "login", "", r.logIn)
	r.Post("/logout", "login", "", r.logOut)
	buyer := r.Room
	buyer.Kind = access.Buyer
	buyer.Get("/checkout", "checkout", access.OrderPlace, r.checkout)
	buyer.Post("/checkout", "checkout", access.OrderPlace, r.placeOrder)
	buyer.Post("/products/{id}/ratings", "product", access.OrderPlace, r.rate)
	seller := r.Room
	seller.Kind = access.Seller
	seller.Post("/products/{id}/ratings/{rating}/reply", "product", access.ProductCreate, r.reply)
	// Addresses of the first pages lead to the viewer's own centre.
	for path, to := range map[string]string{"/orders": "/orders", "/attempts": "/calls"} {
		r.Get(path, "", "", func(c *ui.Call) error { return r.own(c, to) })
		r.Get(path+"/{id}", "", "", func(c *ui.Call) error { return r.own(c, to+"/"+c.R.PathValue("id")) })
	}
	r.Get("/account", "", "", func(c *ui.Call) error { return r.own(c, "") })
	if kit.Sandbox {
		r.Get("/ui", "ui", "", styleguide)
	}
	return r
}

// own leads to a page of the viewer's centre; whoever is nobody signs in first. Buyers see calls on their orders.
func (r *Room) own(c *ui.Call, to string) error {
	if c.Viewer == nil {
		return c.To("/login?next=" + ui.Query(c.R.URL.RequestURI()))
	}
	if len(to) >= 6 && to[:6] == "/calls" && c.Actor.CompanyKind == access.Buyer {
		to = "/orders"
	}
	if q := c.R.URL.RawQuery; q != "" {
		to += "?" + q
	}
	return c.To("/" + string(ui.CentreOf(c.Actor.CompanyKind)) + to)
}

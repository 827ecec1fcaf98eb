package storefront

import (
	"embed"
	"hash/fnv"
	"net/http"
	"slices"
	"strconv"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/catalogue"
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
	r.Get("/{$}", "home", "", r.home)
	r.Get("/search", "search", "", r.search)
	r.Get("/products/{id}", "product", "", r.product)
	r.Get("/shops/{id}", "shop", "", r.shop)
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

// tile is a product in a list.
type tile struct {
	ID, Name, Summary, Seller, SellerID string
	Letter                              string
	Hue                                 int
	Price, Currency, Period             string // the lowest price; Price "" without an offer
	Protocol                            string
}

func tileOf(l catalogue.Listing) tile {
	t := tile{ID: l.Product.ID, Name: l.Product.Name, Summary: l.Product.Summary, Seller: l.Seller, SellerID: l.Product.SellerID, Protocol: string(l.Product.Protocol)}
	t.Letter, t.Hue = mark(l.Product.Name)
	best := -1.0
	for _, s := range l.SKUs {
		for _, o := range l.Offers[s.Code] {
			// Only the order of prices matters here; what is paid is computed exactly elsewhere.
			monthly, err := strconv.ParseFloat(o.Price, 64)
			if err != nil {
				continue
			}
			if n := o.PeriodType.Months(); n > 1 {
				monthly /= float64(n)
				monthly += 1e9 // a price by the month says more than one by the year
			}
			if best < 0 || monthly < best {
				best, t.Price, t.Currency, t.Period = monthly, o.Price, string(o.Currency), string(o.PeriodType)
			}
		}
	}
	return t
}

// mark is a product's letter and colour, as long as it has no logo of its own.
func mark(name string) (letter string, hue int) {
	for _, r := range name {
		letter = string(r)
		break
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return letter, int(h.Sum32() % 6)
}

type listPage struct {
	*ui.Frame
	Heading, Lead string
	Own           bool
	Words         string
	Shop          *catalogue.Shop
	Products      []tile
	Next          string
	Empty         *ui.Empty
	Letter        string
	Hue           int
	Facets        []facet
	Sorts         []ui.Link
	Total         string
}

func (r *Room) tiles(c *ui.Call, f catalogue.ProductFilter) ([]tile, string, error) {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return nil, "", err
	}
	f.State = string(catalog.OnSale)
	ls, err := r.Catalogue.Find(c.R.Context(), c.Actor, f, m[0], desk.PageSize+1)
	if err != nil {
		return nil, "", err
	}
	ls, next := desk.Cut(c, ls, func(l catalogue.Listing) string { return cursor.Encode(l.Product.ID) })
	var out []tile
	for _, l := range ls {
		out = append(out, tileOf(l))
	}
	if next != "" {
		next = c.With("page", next)
	}
	return out, next, nil
}

func (r *Room) home(c *ui.Call) error {
	tiles, next, err := r.tiles(c, catalogue.ProductFilter{})
	if err != nil {
		return err
	}
	c.Title = c.T("home.title")
	p := listPage{Frame: c.Frame, Products: tiles, Next: next}
	if len(tiles) == 0 {
		p.Empty = &ui.Empty{Text: c.T("home.empty"), Help: c.T("home.empty.help")}
	}
	return c.Show("home.html", &p)
}

func (r *Room) shop(c *ui.Call) error {
	shop, err := r.Catalogue.Shop(c.R.Context(), c.R.PathValue("id"))
	if err != nil {
		return err
	}
	tiles, next, err := r.tiles(c, catalogue.ProductFilter{SellerID: shop.ID})
	if err != nil {
		return err
	}
	c.Title = shop.Name
	p := listPage{Frame: c.Frame, Heading: shop.Name, Own: true, Shop: &shop, Products: tiles, Next: next}
	p.Letter, p.Hue = mark(shop.Name)
	if len(tiles) == 0 {
		p.Empty = &ui.Empty{Text: c.T("shop.empty"), Help: c.T("shop.empty.help")}
	}
	return c.Show("list.html", &p)
}

// attribute is a name and a value as the seller wrote them.
type attribute struct{ Name, Value string }

func attributes(s catalog.SKU) []attribute {
	var out []attribute
	for name, value := range s.Attributes.Fixed {
		out = append(out, attribute{name, value})
	}
	slices.SortFunc(out, func(a, b attribute) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// drawn is a tile with its price in words.
type drawn struct {
	tile
	Drawn, Term string
}

func draw(f *ui.Frame, t tile) drawn {
	d := drawn{tile: t}
	if t.Price != "" {
		d.Drawn = f.Money(t.Price, t.Currency)
		d.Term = f.T("from." + t.Period)
	}
	return d
}

// Tile draws a product of a list.
func (p *listPage) Tile(t tile) drawn { return draw(p.Frame, t) }

// Tile draws a product of the same seller.
func (p *productPage) Tile(t tile) drawn { return draw(p.Frame, t) }

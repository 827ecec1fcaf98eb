package account

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/people"
)

// Services are the use cases behind the pages.
type Services struct {
	Kernel *kernel.Kernel
	People *people.People
	Audit  *audit.Audit
	Inbox  *messages.Messages
	Goods  *catalogue.Catalogue
}

// Room is the pages of one face: the open ones in the storefront, the others in each console.
type Room struct {
	ui.Room
	Services
}

// New mounts the pages in the storefront and in every console.
func New(kit *ui.Kit, mux *http.ServeMux, s Services) {
	open := &Room{ui.Room{Kit: kit, Mux: mux, Face: ui.Storefront}, s}
	open.doors()
	open.factor()
	open.receiverDoors()
	open.emailDoors()
	for _, kind := range []struct {
		face ui.Face
		room ui.Room
	}{
		{ui.BuyerCentre, ui.Room{Kind: access.Buyer}}, {ui.SellerCentre, ui.Room{Kind: access.Seller}}, {ui.BackOffice, ui.Room{Kind: access.Operator}},
	} {
		r := &Room{ui.Room{Kit: kit, Mux: mux, Face: kind.face, Kind: kind.room.Kind}, s}
		r.security()
		r.contact()
		r.tokens()
		r.members()
		r.auditLog()
		r.choices()
		r.receivers()
	}
}

// path is an address within the console.
func (r *Room) path(rest string) string { return "/" + string(r.Face) + rest }

// Gate leads a browser whose second factor is open to where it is given, whatever it asks for: until then it is nobody.
func Gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := r.Cookie(ui.SessionCookie)
		free := strings.HasPrefix(r.URL.Path, "/assets/") || strings.HasPrefix(r.URL.Path, "/login/") || r.URL.Path == "/logout"
		if err == nil && people.Staged(c.Value) && !free {
			to := "/login/code"
			if r.Method == http.MethodGet && r.URL.Path != "/login" {
				to += "?next=" + url.QueryEscape(r.URL.RequestURI())
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// local keeps only targets on this address: a path, not //host or /\host.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.HasPrefix(next, "/login") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/account"
	}
	return next
}

// renamed gives a field of a fault the name that it has in the form.
func renamed(err error, from, to string) error { return ui.Renamed(err, from, to) }

// language is that of the page, for the mails that it causes.
func language(c *ui.Call) string { return c.Lang() }

package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/face/web/account"
	"github.com/souk-market/souk/internal/face/web/backoffice"
	"github.com/souk-market/souk/internal/face/web/buyercentre"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/sellercentre"
	"github.com/souk-market/souk/internal/face/web/storefront"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/people"
)

// Options are what the pages need.
type Options struct {
	desk.Services
	Audit *audit.Audit
	// Zone is that of the marketplace; times are shown in it where scripts are off.
	Zone *time.Location
	// Secure is set when people reach the marketplace by https: cookies then travel by https only.
	Secure bool
	Logger *slog.Logger
}

// New makes the pages.
func New(o Options) http.Handler {
	kit := ui.New(ui.Options{Sessions: sessions{o.People}, Now: o.Kernel.Clock.Now, Zone: o.Zone, Sandbox: o.Kernel.Sandbox, Secure: o.Secure, Logger: o.Logger, Generation: o.Search.Generation})
	mux := http.NewServeMux()
	storefront.New(kit, mux, o.Services)
	buyercentre.New(kit, mux, o.Services)
	sellercentre.New(kit, mux, o.Services)
	backoffice.New(kit, mux, o.Services)
	account.New(kit, mux, account.Services{Kernel: o.Kernel, People: o.People, Audit: o.Audit, Inbox: o.Inbox, Goods: o.Catalogue})
	mux.HandleFunc("GET /assets/{name}", kit.Asset)
	mux.HandleFunc("/", kit.NotFound)
	return kit.Guard(account.Gate(mux))
}

// sessions finds who holds a browser session.
type sessions struct{ people *people.People }

// Session implements ui.Sessions.
func (s sessions) Session(ctx context.Context, session string) (ui.Viewer, bool, error) {
	a, b, err := s.people.BySession(ctx, session)
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind == fault.Unauthenticated {
		return ui.Viewer{}, false, nil
	}
	return ui.Viewer{Actor: a, Name: b.PersonName, Company: b.CompanyName}, err == nil, err
}

//go:build linux

package crashtest

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/trade"
)

// The two generations, as `souk seller` names them.
const (
	v1 = "v1"
	v2 = "v2"
)

// price of every offer, and what the buyer starts with, in minor units.
const (
	price   = 1200
	balance = 100_000_00
)

// world is one marketplace with its database, its sellers and its buyer.
type world struct {
	t       *testing.T
	engine  database.Engine
	url     string             // of the database
	db      *database.DB       // the test's own look into it
	data    string             // of the marketplace: the master key
	address string             // of the first marketplace process
	sellers map[string]*seller // by generation

	// complain takes what the checks find wrong: the test's Errorf, except where
	// the checks themselves are tested.
	complain func(format string, args ...any)

	operator, buyer string // access tokens
	buyerID         string
}

// seller is one seller: a process that comes and goes, an address and a directory
// that stay.
type seller struct {
	generation, address, data, key string
	url                            string // where it takes calls
	company, ak, sk                string
	offer                          string // the productId on sale
	process                        *process
}

// newWorld makes the database, starts the sellers and puts their products on
// sale. The marketplace is started by start.
func newWorld(t *testing.T, engine database.Engine) *world {
	t.Helper()
	w := &world{t: t, complain: t.Errorf, engine: engine, url: databasetest.URL(t, engine, store.Migrations), data: t.TempDir(), address: newAddress(), sellers: map[string]*seller{}}
	for _, g := range []string{v1, v2} {
		s := &seller{generation: g, address: newAddress(), data: t.TempDir(), key: "key-of-" + g}
		w.sellers[g] = s
		w.startSeller(s)
	}
	w.seed()
	return w
}

// startSeller starts a seller on what it left on disk.
func (w *world) startSeller(s *seller, faults ...string) {
	w.t.Helper()
	args := []string{"seller", "--protocol", s.generation, "--listen", s.address, "--key", s.key, "--data", s.data}
	if s.ak != "" {
		args = append(args, "--marketplace", "http://"+w.address, "--ak", s.ak, "--sk", s.sk)
	}
	for _, f := range faults {
		args = append(args, "--fault", f)
	}
	s.process = launch(w.t, "seller "+s.generation, nil, args...)
	s.url = s.process.listeningURL(w.t)
}

// start starts a marketplace process at the address, which crashes at the label
// ("label:n", or "" for never), and waits until it answers.
func (w *world) start(address, crashAt string, more ...string) *process {
	w.t.Helper()
	p := launch(w.t, "souk serve at "+address, []string{"SOUK_CRASH_AT=" + crashAt},
		append([]string{"serve", "--mode", "sandbox", "--data", w.data, "--database", w.url, "--listen", address}, more...)...)
	answers(w.t, p, "http://"+address+"/api/souk/v1/products")
	return p
}

// seed fills the empty database through the use cases, as the operator would by
// hand: the marketplace itself has not been started yet.
func (w *world) seed() {
	w.t.Helper()
	ctx := w.t.Context()
	must := func(err error) {
		if err != nil {
			w.t.Helper()
			w.t.Fatalf("seed: %v", err)
		}
	}
	w.db = databasetest.Open(w.t, w.url)
	db := w.db
	ring, err := keyring.Load(filepath.Join(w.data, "master.key"), true)
	must(err)
	business := clock.NewBusiness(clock.System{})
	k := &kernel.Kernel{
		DB: db, Wire: clock.System{}, Clock: business, Ring: ring, Log: slog.New(slog.DiscardHandler),
		Queue:   jobs.New(db, business, clock.System{}, jobs.Options{}).Queue(),
		Sandbox: true, Zone: clock.Shanghai, ExpireZone: clock.Shanghai,
	}
	files, err := blob.Open(filepath.Join(w.data, "files"))
	must(err)
	who, goods, trades := people.New(k, people.Options{}), catalogue.New(k, files), trade.New(k)
	admin, err := who.FirstOperator(ctx, "Operators", "operator", "Operator", "operator-password")
	must(err)
	must(k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		in, err := store.Memberships(ctx, tx, admin.ID)
		if err != nil {
			return err
		}
		operator := access.Actor{PersonID: admin.ID, CompanyID: in[0].CompanyID, CompanyKind: access.Operator, Roles: access.Roles[access.Operator]}
		if w.operator, err = who.IssueToken(ctx, tx, operator, operator.CompanyID, admin.ID, "crash test", 0); err != nil {
			return err
		}
		member := func(kind party.Kind, name string) (access.Actor, string, error) {
			c, err := who.CreateCompany(ctx, tx, operator, people.NewCompany{Kind: kind, Name: name, Mobile: "13800000000", Email: "a@example.com"})
			if err != nil {
				return access.Actor{}, "", err
			}
			p, err := who.CreatePerson(ctx, tx, operator, people.NewPerson{CompanyID: c.ID, Login: name, Name: name, Password: "password-of-" + name, Roles: access.Roles[kind]})
			if err != nil {
				return access.Actor{}, "", err
			}
			token, err := who.IssueToken(ctx, tx, kernel.System, c.ID, p.ID, "crash test", 0)
			return access.Actor{PersonID: p.ID, CompanyID: c.ID, CompanyKind: kind, Roles: access.Roles[kind]}, token, err
		}
		buyer, token, err := member(party.Buyer, "buyer")
		if err != nil {
			return err
		}
		w.buyer, w.buyerID = token, buyer.CompanyID
		if _, err := trades.TopUp(ctx, tx, operator, buyer.CompanyID, fmt.Sprintf("%d.00", balance/100), "CNY"); err != nil {
			return err
		}
		for _, g := range []string{v1, v2} {
			s := w.sellers[g]
			actor, _, err := member(party.Seller, "seller-"+g)
			if err != nil {
				return err
			}
			s.company = actor.CompanyID
			for class, address := range map[string]string{"base": s.url, "general": "http://" + s.address + "/notify"} {
				if _, _, err := goods.SetKey(ctx, tx, actor, s.company, class, s.key); err != nil {
					return err
				}
				if err := goods.SetAddress(ctx, tx, actor, s.company, class, "", address); err != nil {
					return err
				}
			}
			if s.ak, s.sk, err = goods.IssueAccessKey(ctx, tx, actor, s.company, ""); err != nil {
				return err
			}
			l, err := goods.Create(ctx, tx, actor, catalogue.NewProduct{
				Name: "Product of " + g, Protocol: catalog.Protocol(g),
				SKUs: []catalogue.NewSKU{{Name: "Standard", Quantity: &catalog.QuantityRule{Name: "seats", Min: 1, Max: 100}, Offers: []catalogue.NewOffer{{PeriodType: catalog.Month, Price: "12.00", Currency: money.CNY}}}},
			})
			if err != nil {
				return err
			}
			for _, d := range []catalogue.Decide{catalogue.Submit, catalogue.Approve} {
				by := actor
				if d == catalogue.Approve {
					by = operator
				}
				if _, err := goods.Move(ctx, tx, by, l.Product.ID, d, ""); err != nil {
					return err
				}
			}
			s.offer = l.Offers[l.SKUs[0].Code][0].ID
		}
		return nil
	}))
	// From now on sellers may ask for orders.
	for _, s := range w.sellers {
		s.process.kill()
		w.startSeller(s)
	}
}

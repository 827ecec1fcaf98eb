package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // registers the driver "pgx"
	_ "modernc.org/sqlite"             // registers the driver "sqlite"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/databasetest/pgserver"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// Who takes part. Many buyers, because a buyer's own payments wait for each other at
// its balance; an account that everybody posts to would be a different measurement.
const (
	buyersTotal  = 200
	sellersTotal = 50
	balanceEach  = "100000000.00"
	priceEach    = "12.00"
)

// buyer is one buying company's purchaser.
type buyer struct {
	actor access.Actor
	token string
}

// world is one database with people, products and sellers.
type world struct {
	o       Options
	dir     string // data folder of the program
	url     string // SOUK_DATABASE
	server  *pgserver.Server
	base    string // URL of the PostgreSQL server
	made    []string
	buyers  []buyer
	sellers []*seller
	heard   *ledger
	stopAll context.CancelFunc
}

// build makes a world; sellers listen at once. protocols gives each seller's
// protocol in turn.
func build(ctx context.Context, o Options, protocols ...string) (w *world, err error) {
	w = &world{o: o, heard: newLedger()}
	defer func() {
		if err != nil {
			w.close()
			w = nil
		}
	}()
	if w.dir, err = os.MkdirTemp(o.Dir, "data-"); err != nil {
		return w, err
	}
	if w.url, err = w.database(ctx); err != nil {
		return w, err
	}
	var life context.Context
	life, w.stopAll = context.WithCancel(context.Background())
	for i := range sellersTotal {
		s := &seller{protocol: protocols[i%len(protocols)], heard: w.heard, key: ident.UUID()}
		if err = s.listen(life); err != nil {
			return w, err
		}
		w.sellers = append(w.sellers, s)
	}
	return w, w.within(ctx, func(p *program.Program) error { return w.fill(ctx, p) })
}

// database makes an empty database of the engine and gives its URL.
func (w *world) database(ctx context.Context) (string, error) { return w.databaseLike(ctx, "") }

// databaseLike makes one that holds what another one does, which nobody uses meanwhile.
func (w *world) databaseLike(ctx context.Context, other string) (string, error) {
	if w.o.DB == "sqlite" {
		dir, err := os.MkdirTemp(w.o.Dir, "db-")
		path := filepath.Join(dir, "souk.db")
		if err == nil && other != "" {
			err = copyFile(path, strings.TrimPrefix(other, "sqlite:"))
		}
		return "sqlite:" + path, err
	}
	if w.base == "" {
		w.base = w.o.URL
		if w.base == "" {
			var err error
			if w.server, err = pgserver.Start(ctx, pgserver.Options{Durable: true}); err != nil {
				return "", err
			}
			w.base = w.server.URL
		}
	}
	name := "souk_bench_" + strings.ToLower(ident.Nonce()[:16])
	db, err := sql.Open("pgx", w.base)
	if err != nil {
		return "", err
	}
	defer db.Close()
	// A figure without durability is worth nothing.
	for _, setting := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var v string
		if err := db.QueryRowContext(ctx, "SHOW "+setting).Scan(&v); err != nil {
			return "", err
		}
		if v != "on" {
			return "", fmt.Errorf("this PostgreSQL has %s = %s: a figure without durability is worth nothing", setting, v)
		}
	}
	create := "CREATE DATABASE " + name
	if other != "" {
		u, err := url.Parse(other)
		if err != nil {
			return "", err
		}
		create += " TEMPLATE " + strings.TrimPrefix(u.Path, "/")
	}
	if _, err := db.ExecContext(ctx, create); err != nil {
		return "", err
	}
	w.made = append(w.made, name)
	return pgserver.Database(w.base, name)
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}

// drop removes the databases made so far.
func (w *world) drop() {
	if w.base == "" || w.server != nil {
		return // the server goes with all it holds
	}
	if db, err := sql.Open("pgx", w.base); err == nil {
		for _, name := range w.made {
			_, _ = db.Exec("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)")
		}
		_ = db.Close()
	}
}

func (w *world) close() {
	if w.stopAll != nil {
		w.stopAll()
	}
	w.drop()
	if w.server != nil {
		_ = w.server.Stop()
	}
	_ = os.RemoveAll(w.dir)
}

// within opens the program on the world's database in this process, without
// workers, to fill the database through the use cases.
func (w *world) within(ctx context.Context, f func(p *program.Program) error) error {
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": w.dir, "SOUK_DATABASE": w.url}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		return err
	}
	p, err := program.Open(ctx, c, program.Options{Logger: slog.New(slog.DiscardHandler), NoWorkers: true})
	if err != nil {
		return err
	}
	return errors.Join(f(p), p.Close())
}

// fill makes buyers with money and a token, and sellers with a product on sale.
func (w *world) fill(ctx context.Context, p *program.Program) error {
	hash := people.HashPassword("nobody signs in here")
	member := func(ctx context.Context, tx *kernel.Tx, kind party.Kind, role access.Role, name string) (access.Actor, string, error) {
		co, err := p.People.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: kind, Name: name, Email: "desk@example.com", Mobile: "13800138000"})
		if err != nil {
			return access.Actor{}, "", err
		}
		login := strings.ReplaceAll(name, " ", "-")
		one, err := p.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: co.ID, Login: login, Name: name, PasswordHash: hash, Email: login + "@example.com", Roles: []access.Role{role}})
		if err != nil {
			return access.Actor{}, "", err
		}
		a := access.Actor{PersonID: one.ID, CompanyID: co.ID, CompanyKind: kind, Roles: []access.Role{role}}
		token, err := p.People.IssueToken(ctx, tx, a, co.ID, one.ID, "bench", 0)
		return a, token, err
	}
	return p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		w.buyers = nil
		for i := range buyersTotal {
			a, token, err := member(ctx, tx, party.Buyer, access.BuyerOwner, fmt.Sprintf("buyer %03d", i))
			if err != nil {
				return err
			}
			if _, err := p.Trade.TopUp(ctx, tx, kernel.System, a.CompanyID, balanceEach, string(money.CNY)); err != nil {
				return err
			}
			w.buyers = append(w.buyers, buyer{actor: a, token: token})
		}
		for i, s := range w.sellers {
			a, _, err := member(ctx, tx, party.Seller, access.SellerOwner, fmt.Sprintf("seller %02d", i))
			if err != nil {
				return err
			}
			s.id = a.CompanyID
			if _, _, err := p.Catalogue.SetKey(ctx, tx, a, s.id, "base", s.key); err != nil {
				return err
			}
			if err := p.Catalogue.SetAddress(ctx, tx, a, s.id, "base", "", s.address()); err != nil {
				return err
			}
			l, err := p.Catalogue.Create(ctx, tx, a, catalogue.NewProduct{
				Name: fmt.Sprintf("product %02d", i), Protocol: catalog.Protocol(s.protocol), Settings: catalog.Settings{SendMobile: true, SendEmail: true},
				SKUs: []catalogue.NewSKU{{Name: "standard", Attributes: map[string]string{"edition": "standard"}, Offers: []catalogue.NewOffer{{PeriodType: catalog.Month, Price: priceEach, Currency: money.CNY}}}},
			})
			if err != nil {
				return err
			}
			s.offer = l.Offers[l.SKUs[0].Code][0].ID
			if _, err := p.Catalogue.Move(ctx, tx, a, l.Product.ID, catalogue.Submit, ""); err != nil {
				return err
			}
			if _, err := p.Catalogue.Move(ctx, tx, kernel.System, l.Product.ID, catalogue.Approve, ""); err != nil {
				return err
			}
		}
		return nil
	})
}

// open opens a database of the world with the bare driver, as durable as the
// program's own connection. At most n connections.
func open(raw string, n int) (*sql.DB, error) {
	if path, ok := strings.CutPrefix(raw, "sqlite:"); ok {
		q := ""
		for _, pragma := range []string{"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "journal_size_limit(67108864)", "temp_store(MEMORY)", "cache_size(-16000)", "wal_autocheckpoint(4000)", "foreign_keys(1)"} {
			q += "&_pragma=" + url.QueryEscape(pragma)
		}
		db, err := sql.Open("sqlite", "file:"+path+"?_dqs=0"+q)
		if err == nil {
			db.SetMaxOpenConns(n)
			db.SetMaxIdleConns(n)
		}
		return db, err
	}
	db, err := sql.Open("pgx", raw)
	if err == nil {
		db.SetMaxOpenConns(n)
		db.SetMaxIdleConns(n)
	}
	return db, err
}

// count reads one number from the world's database.
func (w *world) count(ctx context.Context, query string) (n int64, err error) {
	db, err := open(w.url, 1)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

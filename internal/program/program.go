// Package program wires the rooms of the house into one running marketplace. The
// commands and the tests that drive a whole program start it here. It holds no rule.
package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/souk-market/souk/api"
	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/face/manage"
	"github.com/souk-market/souk/internal/face/openapi"
	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/face/web"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/orderquery"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/sandbox"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// Options are what tests and benches change; the zero value is a real program.
type Options struct {
	Wire        clock.Clock // nil: the operating system's clock
	Logger      *slog.Logger
	Synchronous string // SQLite durability; "" is FULL
	NoWorkers   bool   // serve requests, do no jobs
	Version     string // name and version of the program
}

func (o *Options) fill() {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Wire == nil {
		o.Wire = clock.System{}
	}
}

// Program is one marketplace process.
type Program struct {
	Config    config.Config
	DB        *database.DB
	Kernel    *kernel.Kernel
	People    *people.People
	Audit     *audit.Audit
	Mail      *mail.Outbox
	Inbox     *messages.Messages
	Catalogue *catalogue.Catalogue
	Search    *catalogue.Search
	Trade     *trade.Trade
	Delivery  *delivery.Delivery
	Sandbox   *sandbox.Sandbox
	Query     *orderquery.Query
	Runner    *jobs.Runner
	Client    *outbound.Client
	Lab       *lab.Lab
	Upkeep    *upkeep.Upkeep
	Metrics   *ops.Metrics
	Health    *ops.Health
	Handler   http.Handler

	log       *slog.Logger
	noWorkers bool
}

// OpenDatabase opens and migrates the database of a configuration.
func OpenDatabase(ctx context.Context, c config.Config, o Options) (*database.DB, error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}
	db, err := database.Open(ctx, databaseURL(c), database.Options{Synchronous: o.Synchronous, Logger: o.Logger})
	if err != nil {
		return nil, err
	}
	if err := database.Migrate(ctx, db, store.Migrations); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Open makes a program: database, keyring, rooms. Nothing runs yet.
func Open(ctx context.Context, c config.Config, o Options) (*Program, error) {
	o.fill()
	db, err := OpenDatabase(ctx, c, o)
	if err != nil {
		return nil, err
	}
	ring, err := openRing(c, true)
	if err == nil {
		err = proveRing(ctx, db, ring)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("master key: %w", err), db.Close())
	}
	isSandbox := c.Mode == config.Sandbox
	p := &Program{Config: c, DB: db, log: o.Logger, noWorkers: o.NoWorkers}
	business := clock.NewBusiness(o.Wire)
	var box *sandbox.Sandbox
	p.Runner = jobs.New(db, business, o.Wire, jobs.Options{
		Workers: c.Workers, Width: c.LaneWidth, Sole: db.Engine() == database.SQLite, Logger: o.Logger,
		Refresh: func(ctx context.Context) error { return box.Refresh(ctx) }, Idle: func() { box.Idle() },
		Advance: func(ctx context.Context, tx *kernel.Tx) error { return box.Advance(ctx, tx) },
	})
	p.Kernel = &kernel.Kernel{
		DB: db, Wire: o.Wire, Clock: business, Queue: p.Runner.Queue(), Ring: ring, Log: o.Logger, Sandbox: isSandbox, Zone: c.BusinessZone, ExpireZone: c.ExpireZone,
		TimeoutScale: c.TimeoutScale, AllowHTTP: c.AllowHTTP, Live: kernel.NewLive(installed(c)),
	}
	box = sandbox.New(p.Kernel, trade.JobTerm)
	if err := box.Refresh(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p.Sandbox = box
	p.Client = outbound.New(outbound.Policy{AllowLoopback: isSandbox, AllowCIDR: c.AllowCIDR, AllowHTTP: isSandbox || c.AllowHTTP, AllowIPHost: isSandbox}, outbound.Options{})
	blobs, err := blob.Open(filesFolder(c))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("files folder: %w", err), db.Close())
	}
	p.peopleRooms()
	p.Catalogue, p.Trade, p.Query = catalogue.New(p.Kernel, blobs, "集市", "souk"), trade.New(p.Kernel), orderquery.New(p.Kernel)
	p.Search = catalogue.NewSearch(p.Catalogue)
	if err := p.Catalogue.Plant(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p.Delivery = delivery.New(p.Kernel, p.Trade, p.Client)
	p.Trade.Register(p.Runner)
	p.Delivery.Register(p.Runner)
	p.Lab = lab.New(p.Kernel, p.Client)
	p.Lab.Register(p.Runner)
	p.Catalogue.GateBy(p.Lab.Gate)
	p.Upkeep = upkeep.New(p.Kernel, blobs, c.Data, o.Version)
	if err := p.Upkeep.Refresh(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	p.watch(o)
	p.Handler = p.client(p.Metrics.Observe(p.log, p.faces()))
	return p, nil
}

// faces puts every face under its path.
func (p *Program) faces() http.Handler {
	market := openapi.Market{Query: p.Query}
	pages := web.Options{Services: desk.Services{Kernel: p.Kernel, People: p.People, Catalogue: p.Catalogue, Search: p.Search, Trade: p.Trade, Inbox: p.Inbox, Delivery: p.Delivery, Lab: p.Lab, Sandbox: p.Sandbox, Upkeep: p.Upkeep}, Audit: p.Audit, Zone: p.Config.BusinessZone,
		Secure: p.Config.TLS() || len(p.Config.BaseURL) > 8 && p.Config.BaseURL[:8] == "https://", Logger: p.log}
	mux := http.NewServeMux()
	mux.Handle("GET "+api.Path, api.Handler())
	mux.Handle(manage.Prefix+"/", manage.New(manage.Services{Kernel: p.Kernel, People: p.People, Catalogue: p.Catalogue, Trade: p.Trade, Inbox: p.Inbox, Delivery: p.Delivery, Lab: p.Lab, Sandbox: p.Sandbox, Audit: p.Audit, Upkeep: p.Upkeep, Log: p.log}))
	mux.Handle(openapi.Prefix, openapi.New(openapi.Options{Keys: market, Orders: market, Now: p.Kernel.Wire.Now, Rate: func() int { return p.Kernel.Settings().OrderQueryRate }, Logger: p.log}))
	mux.HandleFunc("GET /healthz", p.Health.Live)
	mux.HandleFunc("GET /readyz", p.Health.Readiness)
	if p.Config.MetricsListen == "" {
		mux.Handle("GET /metrics", p.Metrics.Guarded(p.Config.MetricsToken.Reveal()))
	}
	mux.Handle("/", web.New(pages))
	return mux
}

// Limits of the listener.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 60 * time.Second
	idleTimeout   = 120 * time.Second
)

// Serve answers on the listener and does the jobs until ctx ends; then it stops in
// order: no new requests, calls under way finished, late answers given up.
func (p *Program) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: p.Handler, ReadHeaderTimeout: headerTimeout, ReadTimeout: bodyTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn)}
	run, stop := context.WithCancel(context.Background())
	defer stop()
	beside, err := p.watchers()
	if err != nil {
		return err
	}
	defer beside.Close()
	var wg sync.WaitGroup
	failed := make(chan error, 8)
	part := func(name string, f func(context.Context) error) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			if err := f(run); err != nil {
				failed <- fmt.Errorf("%s: %w", name, err)
			}
		}()
	}
	part("search", p.Search.Run)
	part("settings", p.Upkeep.Run)
	if !p.noWorkers {
		part("jobs", p.Runner.Run)
		part("sandbox", p.Sandbox.Run)
		part("mail", p.Mail.Run)
		part("people", p.People.Run)
		part("audit", p.Audit.Run)
	}
	go func() {
		var err error
		if p.Config.TLS() {
			err = server.ServeTLS(l, p.Config.TLSCert, p.Config.TLSKey)
		} else {
			err = server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	}()
	select {
	case <-ctx.Done():
		// Whoever spreads requests learns that no more should come, while they are still answered.
		p.Health.Stop()
		select {
		case <-time.After(p.Config.StopDelay):
		case err = <-failed:
		}
	case err = <-failed:
	}
	grace, cancel := context.WithTimeout(context.Background(), p.Config.StopWithin)
	defer cancel()
	if e := server.Shutdown(grace); e != nil {
		_ = server.Close()
	}
	stop()
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
	case <-grace.Done():
		p.log.Warn("stopped with calls under way; they stand as unknown and are taken up again")
	}
	return err
}

// Close ends late exchanges and closes the database.
func (p *Program) Close() error {
	p.Client.Close()
	return p.DB.Close()
}

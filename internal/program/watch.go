package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/face/ops"
)

// watch wires what watches the process.
func (p *Program) watch(o Options) {
	workers := p.Config.Workers
	p.Metrics = ops.New(ops.Options{Program: o.Version, Engine: string(p.DB.Engine()), Figures: p.Upkeep.Figures, Logger: p.log, Busy: func() ops.Busy {
		s := p.DB.Stats()
		return ops.Busy{Writes: s.Writes, Commits: s.Commits, Waiting: s.Waiting, WriteWait: s.WriteWait.Seconds(), CommitTime: s.CommitTime.Seconds(), Connections: s.Open, InUse: s.InUse,
			SearchReady: p.Search.Ready(), SearchLag: p.Search.Lag(), JobsRunning: int64(p.Runner.Running()), Workers: int64(workers)}
	}})
	p.Kernel.Called = p.Metrics.Called
	p.Health = &ops.Health{Ready: p.ready}
}

// ready tells whether the database answers with the schema that this program knows. What it says is shown to anybody.
func (p *Program) ready(ctx context.Context) error {
	var has int64
	err := p.DB.Read(ctx, func(ctx context.Context, tx *store.Tx) (err error) {
		has, err = database.Version(ctx, tx)
		return err
	})
	if err != nil {
		p.log.Warn("not ready", "err", err)
		return errors.New("the database does not answer")
	}
	knows, err := database.Newest(store.Migrations)
	if err == nil && has != knows {
		err = fmt.Errorf("the schema is at version %d, this program needs %d", has, knows)
	}
	return err
}

// watchers opens the listener of its own for metrics, if there is one.
func (p *Program) watchers() (io.Closer, error) {
	if p.Config.MetricsListen == "" {
		return io.NopCloser(nil), nil
	}
	l, err := net.Listen("tcp", p.Config.MetricsListen)
	if err != nil {
		return nil, fmt.Errorf("metrics-listen: %w", err)
	}
	server := &http.Server{Handler: p.Metrics.Mux(p.Health), ReadHeaderTimeout: headerTimeout, ReadTimeout: headerTimeout, WriteTimeout: time.Minute, IdleTimeout: idleTimeout,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelWarn)}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			p.log.Error("metrics are no longer served", "err", err)
		}
	}()
	return server, nil
}

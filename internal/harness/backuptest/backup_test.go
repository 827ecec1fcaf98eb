//go:build linux

package backuptest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// binary is the plain program, built once.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "soukbackup")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "souk")
	out, err := exec.Command("go", "build", "-o", path, "github.com/souk-market/souk/cmd/souk").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

var options = program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF"}

func configuration(t *testing.T, engine database.Engine) config.Config {
	t.Helper()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, nil)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// market is a marketplace that runs, with its sellers as processes.
type market struct {
	t       *testing.T
	p       *program.Program
	f       *demo.File
	sellers map[string]*demo.Process
	stop    func()
}

// run opens the marketplace, fills it when it is empty, and starts sellers, whose own records lie in dir.
func run(t *testing.T, c config.Config, f *demo.File, dir string) *market {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	m := &market{t: t, f: f, sellers: map[string]*demo.Process{}}
	if m.p, err = program.Open(t.Context(), c, options); err != nil {
		t.Fatal(err)
	}
	if m.f == nil {
		if m.f, err = demo.Seed(t.Context(), m.p); err != nil {
			t.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.f.BaseURL = "http://" + l.Addr().String()
	for i := range m.f.Sellers {
		s := &m.f.Sellers[i]
		one, err := demo.StartSeller(t.Context(), path, dir, m.f.BaseURL, s, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if err := demo.Register(t.Context(), m.p, s, one.Base, one.Notify); err != nil {
			t.Fatal(err)
		}
		m.sellers[s.Protocol] = one
	}
	serving, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- m.p.Serve(serving, l) }()
	m.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
		for _, s := range m.sellers {
			s.Stop()
		}
		if err := m.p.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(m.stop)
	return m
}

func (m *market) story() {
	m.t.Helper()
	var out bytes.Buffer
	if err := (&demo.Story{File: m.f, Sellers: m.sellers, Out: &out}).Run(m.t.Context()); err != nil {
		m.t.Fatalf("%v\n%s", err, out.String())
	}
}

func (m *market) client(role string) demo.Client {
	return demo.Client{Base: m.f.BaseURL, Token: m.f.Account(role).Token}
}

const api = "/api/souk/v1"

// buy places and pays an order of the first V1 product.
func (m *market) buy() (o demo.Order) {
	m.t.Helper()
	products, err := demo.All[demo.Product](m.t.Context(), m.client("buyer"), api+"/products")
	if err != nil {
		m.t.Fatal(err)
	}
	for _, p := range products {
		if p.Protocol == "v1" {
			in := map[string]any{"product_id": p.SKUs[0].Offers[0].ProductID, "period_number": 1, "quantity": 1, "accept_agreement": true}
			if err := m.client("buyer").Do(m.t.Context(), "POST", api+"/orders", ident.UUID(), in, &o); err != nil {
				m.t.Fatal(err)
			}
			if err := m.client("buyer").Do(m.t.Context(), "POST", api+"/orders/"+o.ID+"/pay", ident.UUID(), map[string]any{}, &o); err != nil {
				m.t.Fatal(err)
			}
			return o
		}
	}
	m.t.Fatal("no V1 product")
	return o
}

// until asks for an order until it is as wanted.
func (m *market) until(id string, as func(demo.Order, []demo.Attempt) bool) {
	m.t.Helper()
	var o demo.Order
	var calls demo.Page[demo.Attempt]
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		o, calls = demo.Order{}, demo.Page[demo.Attempt]{}
		if err := m.client("operator").Do(m.t.Context(), "GET", api+"/orders/"+id, "", nil, &o); err != nil {
			m.t.Fatal(err)
		}
		if err := m.client("operator").Do(m.t.Context(), "GET", api+"/attempts?order="+id, "", nil, &calls); err != nil {
			m.t.Fatal(err)
		}
		if as(o, calls.Items) {
			return
		}
	}
	m.t.Fatalf("never came so far: %+v\n%+v", o, calls.Items)
}

func dump(t *testing.T, c config.Config, b program.BackupOptions) ([]byte, backup.End) {
	t.Helper()
	var out bytes.Buffer
	_, end, err := program.Backup(t.Context(), c, options, b, &out)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), end
}

func restore(t *testing.T, c config.Config, b []byte) error {
	t.Helper()
	d, err := backup.Read(bytes.NewReader(b))
	if err == nil {
		_, err = program.Restore(t.Context(), c, options, d, false)
	}
	return err
}

// A marketplace with orders, money, calls, files and a delivery under way goes from SQLite to PostgreSQL and back. Its
// tables are the same to the last byte; its audit log is whole; the delivery goes on, and everything else does too.
func TestALivedInMarketplaceMovesAndGoesOn(t *testing.T) {
	sellers := t.TempDir()
	here := configuration(t, database.SQLite)
	m := run(t, here, nil, sellers)
	m.story()
	m.sellers["v1"].Stop()
	pending := m.buy()
	m.until(pending.ID, func(o demo.Order, calls []demo.Attempt) bool {
		for _, a := range calls {
			if a.Activity == "newInstance" && a.Reason == "unreachable" {
				return true
			}
		}
		return false
	})
	// A dump of the running marketplace is a dump like any other.
	if b, _ := dump(t, here, program.BackupOptions{Files: true}); len(b) == 0 {
		t.Fatal("nothing was written")
	}
	m.stop()
	f := m.f

	away, back := configuration(t, database.Postgres), configuration(t, database.SQLite)
	b, first := dump(t, here, program.BackupOptions{Files: true, Keyring: true})
	if first.Files == 0 || first.Rows < 300 {
		t.Fatalf("the world is small: %d rows, %d files", first.Rows, first.Files)
	}
	if err := restore(t, away, b); err != nil {
		t.Fatal(err)
	}
	b, second := dump(t, away, program.BackupOptions{Files: true, Keyring: true})
	if err := restore(t, back, b); err != nil {
		t.Fatal(err)
	}
	_, third := dump(t, back, program.BackupOptions{Files: true})
	for _, other := range []backup.End{second, third} {
		if !maps.Equal(first.Digest, other.Digest) || first.Rows != other.Rows || first.Files != other.Files {
			t.Errorf("tables differ:\n%v\n%v", first, other)
		}
	}

	m = run(t, back, f, sellers)
	r, err := m.p.Audit.Verify(t.Context(), kernel.System, audit.Head{})
	if err != nil || len(r.Faults) > 0 || r.Rows == 0 {
		t.Errorf("audit log: %v %+v", err, r)
	}
	found, err := m.p.Search.Find(t.Context(), catalogue.SearchQuery{Text: "协同", Size: 5}, "")
	if err != nil || len(found.Cards) == 0 {
		t.Errorf("search finds %d products, %v", len(found.Cards), err)
	}
	// The second try is an hour after the first.
	if err := m.client("operator").Do(t.Context(), "POST", api+"/sandbox/clock", ident.UUID(), map[string]any{"advance": "2h"}, nil); err != nil {
		t.Fatal(err)
	}
	delivered := func(o demo.Order, calls []demo.Attempt) bool {
		return o.Status == "COMPLETED" && o.Lines[0].Status == "DELIVERED"
	}
	m.until(pending.ID, delivered)
	m.until(m.buy().ID, delivered)
	// Platform, ledger and both sellers' own records agree about everything, from before and since.
	report, err := demo.Check(t.Context(), m.client("operator"), func(ctx context.Context, protocol string) (r demo.Record, err error) {
		return r, demo.Client{Base: m.sellers[protocol].Root}.Do(ctx, "GET", "/record", "", nil, &r)
	}, m.f)
	if err != nil || report.Orders < 10 {
		t.Errorf("%d orders: %v", report.Orders, err)
	}
}

// A restore that is killed leaves an empty database: the program starts on it, and the next restore fits.
func TestAKilledRestoreLeavesNothing(t *testing.T) {
	here := configuration(t, database.SQLite)
	p, err := program.Open(t.Context(), here, options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := demo.Seed(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	// Without files, so that whatever part of it has gone in, its tables are being loaded.
	b, end := dump(t, here, program.BackupOptions{Keyring: true})
	schema, err := database.Newest(store.Migrations)
	if err != nil {
		t.Fatal(err)
	}
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			c := configuration(t, engine)
			for _, part := range []int{60, 75, 90, 99} {
				cmd := exec.Command(path, "restore", "-", "--data", c.Data, "--mode", "sandbox")
				cmd.Env = append(os.Environ(), "SOUK_DATABASE="+c.Database)
				in, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				said, err := cmd.StderrPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if _, err := in.Write(b[:len(b)*part/100]); err != nil {
					t.Fatal(err)
				}
				// Once the newest migration is there the rows go in, and the process waits for more of them.
				late := time.AfterFunc(30*time.Second, func() { _ = cmd.Process.Kill() })
				line := bufio.NewScanner(said)
				for line.Scan() && !strings.Contains(line.Text(), fmt.Sprintf("version=%d ", schema)) {
				}
				if line.Err() != nil || !strings.Contains(line.Text(), "migrated") {
					t.Fatalf("the restore never came to the rows of %d %% of %d bytes", part, len(b))
				}
				late.Stop()
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				if part == 75 { // somebody starts the marketplace in between
					p, err := program.Open(t.Context(), c, options)
					if err != nil {
						t.Fatal(err)
					}
					if err := p.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := restore(t, c, b[:len(b)-100]); !errors.Is(err, backup.ErrBroken) {
				t.Fatalf("cut: %v", err)
			}
			if err := restore(t, c, b); err != nil {
				t.Fatal(err)
			}
			if _, got := dump(t, c, program.BackupOptions{Files: true}); !maps.Equal(got.Digest, end.Digest) {
				t.Errorf("after the kills the restore gives\n%v, not\n%v", got, end)
			}
			if err := restore(t, c, b); !errors.Is(err, backup.ErrNotEmpty) {
				t.Errorf("over a full database: %v", err)
			}
		})
	}
}

// What only the keyring opens is not in a dump in clear, and a dump without keyring does not hold the key.
func TestADumpHoldsNoSecretInClear(t *testing.T) {
	here := configuration(t, database.SQLite)
	p, err := program.Open(t.Context(), here, options)
	if err != nil {
		t.Fatal(err)
	}
	f, err := demo.Seed(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(here.Data, "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := dump(t, here, program.BackupOptions{Files: true})
	plain := unpacked(t, b)
	secrets := []string{strings.TrimSpace(string(key))}
	for _, s := range f.Sellers {
		secrets = append(secrets, s.SK, s.Keys["base"], s.Keys["general"])
	}
	for _, a := range f.Accounts {
		secrets = append(secrets, a.Password, a.Token)
	}
	for _, s := range secrets {
		if s == "" || bytes.Contains(plain, []byte(s)) {
			t.Errorf("secret %.6s… stands in the dump", s)
		}
	}
	if !bytes.Contains(plain, []byte("云帆协同办公")) {
		t.Error("the test does not see what is in the dump")
	}
}

package markettest

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/souk-market/souk/api/apitest"
	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
)

// Market is a running sandbox with the demo's people and products. Its sellers' servers do not run: calls to them
// are refused at once and stand as retrying.
type Market struct {
	t       testing.TB
	Program *program.Program
	People  *demo.File
	URL     string
}

// Engines are what every test here runs on.
var Engines = []database.Engine{"sqlite", "postgres"}

// Start runs the program on a fresh database of the engine until the test ends.
func Start(t *testing.T, engine database.Engine) *Market {
	t.Helper()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, store.Migrations)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	p, err := program.Open(t.Context(), c, program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	people, err := demo.Seed(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	// The jobs run beside the test's own listener, which checks every reply.
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Runner.Run(ctx) }()
	srv := httptest.NewServer(apitest.Handler(t, p.Handler))
	t.Cleanup(func() {
		srv.Close()
		stop()
		if err := <-ended; err != nil {
			t.Errorf("jobs: %v", err)
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &Market{t: t, Program: p, People: people, URL: srv.URL}
}

// Account finds a person of the demo by login.
func (m *Market) Account(login string) demo.Account {
	m.t.Helper()
	for _, a := range m.People.Accounts {
		if a.Login == login {
			return a
		}
	}
	m.t.Fatalf("the demo has no login %q", login)
	return demo.Account{}
}

// Reply is an answer of the management API.
type Reply struct {
	Status int
	Text   string // the body as it came
	Body   map[string]any
}

// String reads a member by its path: "lines.0.instance_id".
func (r Reply) String(path string) string {
	var v any = r.Body
	for _, name := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if n := int(name[0] - '0'); n < len(x) {
				v = x[n]
			} else {
				return ""
			}
		}
	}
	s, _ := v.(string)
	return s
}

// Call sends a request as a person; login "" sends no token. body "" sends none.
func (m *Market) Call(login, method, path, body string) Reply {
	m.t.Helper()
	req, err := http.NewRequest(method, m.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		m.t.Fatal(err)
	}
	if login != "" {
		req.Header.Set("Authorization", "Bearer "+m.Account(login).Token)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	r := Reply{Status: res.StatusCode, Text: string(b)}
	if err := json.Unmarshal(b, &r.Body); err != nil && !strings.HasSuffix(path, ".yaml") {
		m.t.Fatalf("%s %s: %v\n%s", method, path, err, b)
	}
	return r
}

// Do is Call for what must succeed.
func (m *Market) Do(login, method, path, body string) Reply {
	m.t.Helper()
	r := m.Call(login, method, path, body)
	if r.Status >= 300 {
		m.t.Fatalf("%s %s as %s: %d %s", method, path, login, r.Status, r.Text)
	}
	return r
}

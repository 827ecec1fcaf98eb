package program

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/databasetest/pgserver"
	"github.com/souk-market/souk/internal/engine/store"
)

func open(t *testing.T, engine database.Engine, change func(*config.Config)) *Program {
	t.Helper()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, store.Migrations)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&c)
	}
	p, err := Open(t.Context(), c, Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func ask(h http.Handler, path string) string {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return fmt.Sprintf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
}

// A process whose schema is not the database's is not ready, whichever of both is older.
func TestReadyKnowsTheSchema(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			p := open(t, engine, nil)
			newest, err := database.Newest(store.Migrations)
			if err != nil {
				t.Fatal(err)
			}
			if got := ask(p.Handler, "/readyz"); got != "200 ready" {
				t.Errorf("%s", got)
			}
			for has, statement := range map[int64]string{
				newest + 1: fmt.Sprintf(`UPDATE goose_db_version SET version_id = %d WHERE version_id = %d`, newest+1, newest),
				newest - 1: fmt.Sprintf(`UPDATE goose_db_version SET version_id = %d WHERE version_id = %d`, newest-1, newest),
			} {
				exec(t, p.DB, statement)
				if got, want := ask(p.Handler, "/readyz"), fmt.Sprintf("503 the schema is at version %d, this program needs %d", has, newest); got != want {
					t.Errorf("%q, want %q", got, want)
				}
				exec(t, p.DB, fmt.Sprintf(`UPDATE goose_db_version SET version_id = %d WHERE id = (SELECT MAX(id) FROM goose_db_version)`, newest))
			}
			if got := ask(p.Handler, "/readyz") + ", " + ask(p.Handler, "/healthz"); got != "200 ready, 200 ok" {
				t.Errorf("%s", got)
			}
		})
	}
}

func exec(t *testing.T, db *database.DB, statement string) {
	t.Helper()
	if err := db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, statement)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// PostgreSQL refuses its connections and takes them again: the process lives all the while, and is ready again by itself.
func TestReadyWhenPostgresGoesAndComesBack(t *testing.T) {
	p := open(t, database.Postgres, nil)
	u, err := url.Parse(p.Config.Database)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	admin, err := pgserver.Database(p.Config.Database, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	server, err := sql.Open("pgx", admin)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	allow := func(yes bool) {
		t.Helper()
		if _, err := server.ExecContext(t.Context(), fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", name, yes)); err != nil {
			t.Fatal(err)
		}
	}
	allow(false)
	if _, err := server.ExecContext(t.Context(), `SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1`, name); err != nil {
		t.Fatal(err)
	}
	if got := ask(p.Handler, "/readyz") + ", " + ask(p.Handler, "/healthz"); got != "503 the database does not answer, 200 ok" {
		t.Errorf("gone: %s", got)
	}
	if got := ask(p.Metrics.Mux(p.Health), "/metrics"); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, "souk_figures_up 0") {
		t.Errorf("metrics while it is gone: %.200s", got)
	}
	allow(true)
	if got := ask(p.Handler, "/readyz"); got != "200 ready" {
		t.Errorf("back: %s", got)
	}
}

// A process that is told to stop says so while it still answers; then the listener closes. Beside it the listener for
// metrics shows them to anybody, and the main one to nobody.
func TestStopIsAnnounced(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	beside, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watching := beside.Addr().String()
	beside.Close()
	p := open(t, database.SQLite, func(c *config.Config) { c.StopDelay, c.MetricsListen = 2*time.Second, watching })
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx, l) }()
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	fetch := func(url string) string {
		a, err := client.Get(url)
		if err != nil {
			return "closed"
		}
		defer a.Body.Close()
		b, _ := io.ReadAll(a.Body)
		return fmt.Sprintf("%d %s", a.StatusCode, strings.TrimSpace(string(b)))
	}
	main := "http://" + l.Addr().String()
	if got := fetch(main + "/readyz"); got != "200 ready" {
		t.Fatal(got)
	}
	if got := fetch("http://" + watching + "/readyz"); got != "200 ready" {
		t.Error(got)
	}
	if got := fetch("http://" + watching + "/metrics"); !strings.Contains(got, "souk_figures_up 1") {
		t.Errorf("%.200s", got)
	}
	if got := fetch(main + "/metrics"); !strings.HasPrefix(got, "404 ") {
		t.Errorf("the main listener shows metrics as well: %.80s", got)
	}
	stop()
	var said string
	for said = fetch(main + "/readyz"); said == "200 ready"; said = fetch(main + "/readyz") {
	}
	if said != "503 stopping" {
		t.Errorf("after the signal: %s", said)
	}
	if got := fetch(main + "/healthz"); got != "200 ok" {
		t.Errorf("it does not answer any more: %s", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if got := fetch(main + "/healthz"); got != "closed" {
		t.Errorf("after the stop: %s", got)
	}
}

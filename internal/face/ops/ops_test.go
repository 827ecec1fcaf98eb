package ops_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/service/upkeep"
)

func metrics(f func(context.Context) (upkeep.Figures, error)) *ops.Metrics {
	if f == nil {
		f = func(context.Context) (upkeep.Figures, error) { return upkeep.Figures{}, nil }
	}
	return ops.New(ops.Options{Figures: f, Busy: func() ops.Busy { return ops.Busy{} }, Logger: slog.New(slog.DiscardHandler)})
}

func get(h http.Handler, change func(*http.Request)) (int, string) {
	r := httptest.NewRequest("GET", "http://127.0.0.1:8080/metrics", nil)
	r.RemoteAddr = "127.0.0.1:5000"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// To all but this machine and who has the token there is no such page.
func TestGuarded(t *testing.T) {
	const token = "sixteen characters"
	bearer := func(v string) func(*http.Request) {
		return func(r *http.Request) {
			r.RemoteAddr = "198.51.100.7:5000"
			r.Header.Set("Authorization", v)
		}
	}
	for name, c := range map[string]struct {
		token  string
		change func(*http.Request)
		want   int
	}{
		"this machine":             {"", nil, 200},
		"by IPv6":                  {"", func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:5000", "[::1]:8080" }, 200},
		"by name":                  {"", func(r *http.Request) { r.Host = "localhost" }, 200},
		"another machine":          {"", func(r *http.Request) { r.RemoteAddr = "198.51.100.7:5000" }, 404},
		"a proxy that says so":     {"", func(r *http.Request) { r.Header.Set("Via", "1.1 proxy") }, 404},
		"a proxy that says not":    {"", func(r *http.Request) { r.Host = "market.example" }, 404},
		"a name that looks local":  {"", func(r *http.Request) { r.Host = "localhost.market.example" }, 404},
		"the token":                {token, bearer("Bearer " + token), 200},
		"another token":            {token, bearer("Bearer " + token + "x"), 404},
		"no token where none is":   {"", bearer("Bearer "), 404},
		"the token of another way": {token, bearer("Basic " + token), 404},
	} {
		if got, text := get(metrics(nil).Guarded(c.token), c.change); got != c.want || (got == 200) != strings.Contains(text, "souk_figures_up 1") {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// A database that is gone takes its own figures away and nothing else.
func TestMetricsWithoutDatabase(t *testing.T) {
	m := metrics(func(context.Context) (upkeep.Figures, error) { return upkeep.Figures{}, errors.New("gone") })
	status, text := get(m.Handler(), nil)
	if status != 200 || !strings.Contains(text, "souk_figures_up 0") || !strings.Contains(text, "go_goroutines") || strings.Contains(text, "souk_orders") {
		t.Errorf("%d %s", status, text)
	}
}

// What a handler does to the writer reaches the server; what it answered is in the line, a panic too.
func TestObserve(t *testing.T) {
	var log strings.Builder
	m := metrics(nil)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		ops.From(r.Context()).Company = "acme"
		_, _ = io.WriteString(w, "hello")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /broken", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("GET /assets/{name}", func(http.ResponseWriter, *http.Request) {})
	srv := httptest.NewServer(m.Observe(slog.New(slog.NewTextHandler(&log, nil)), mux))
	a, err := http.Get(srv.URL + "/orders/7?token=secret")
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	if len(a.Header.Get("X-Request-Id")) != 32 {
		t.Errorf("request id %q", a.Header.Get("X-Request-Id"))
	}
	if a, err := http.Get(srv.URL + "/broken"); err == nil {
		t.Errorf("a panic was answered with %d", a.StatusCode)
	}
	if a, err := http.Get(srv.URL + "/assets/x.css"); err == nil {
		a.Body.Close()
	}
	srv.Close()
	for _, want := range []string{
		"request_id=" + a.Header.Get("X-Request-Id") + " face=web method=GET path=/orders/7 status=200 bytes=5 company=acme order=7 took=",
		"path=/broken status=500",
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in\n%s", want, log.String())
		}
	}
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "assets") {
		t.Errorf("too much is told:\n%s", log.String())
	}
	_, text := get(m.Handler(), nil)
	for _, want := range []string{`{face="web",route="GET /orders/{id}",status="2xx"} 1`, `{face="web",route="GET /broken",status="5xx"} 1`, "souk_http_requests_in_flight 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in the metrics", want)
		}
	}
}

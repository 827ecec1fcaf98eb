package ops

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
)

// Observe gives every request its id, its log line and its place in the metrics. It stands directly before the faces:
// the pattern of the route is read off the request that they are handed.
func (m *Metrics) Observe(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := &Note{RequestID: ident.Nonce()}
		w.Header().Set("X-Request-Id", n.RequestID)
		seen := &watched{ResponseWriter: w}
		r = r.WithContext(context.WithValue(r.Context(), noteKey{}, n))
		started := time.Now()
		m.inFlight.Inc()
		whole := false
		defer func() {
			took := time.Since(started)
			m.inFlight.Dec()
			if !whole && seen.status == 0 {
				seen.status = http.StatusInternalServerError // a panic on its way to the server, which ends the connection
			}
			face, pattern := route(r)
			m.requests.WithLabelValues(face, pattern, class(seen.code())).Observe(took.Seconds())
			level := slog.LevelInfo
			if quiet(r.URL.Path) {
				level = slog.LevelDebug
			}
			if !log.Enabled(r.Context(), level) {
				return
			}
			// The query is left out: links in mails carry what opens doors in it.
			attrs := append(make([]slog.Attr, 0, 12), slog.String("request_id", n.RequestID), slog.String("face", face), slog.String("method", r.Method),
				slog.String("path", r.URL.Path), slog.Int("status", seen.code()), slog.Int64("bytes", seen.bytes), slog.String("company", n.Company))
			if order := subject(r, n, pattern, "/orders/{"); order != "" {
				attrs = append(attrs, slog.String("order", order))
			}
			if instance := subject(r, &Note{}, pattern, "/instances/{", "/services/{"); instance != "" {
				attrs = append(attrs, slog.String("instance", instance))
			}
			log.LogAttrs(r.Context(), level, "request", append(attrs, slog.Duration("took", took))...)
		}()
		next.ServeHTTP(seen, r)
		whole = true
	})
}

// subject is the id that a route's path names.
func subject(r *http.Request, n *Note, pattern string, nouns ...string) string {
	if n.Order != "" {
		return n.Order
	}
	for _, noun := range nouns {
		if strings.Contains(pattern, noun) {
			return r.PathValue("id")
		}
	}
	return ""
}

// route is the face that answered and the pattern of its route, both few.
func route(r *http.Request) (face, pattern string) {
	pattern = r.Pattern
	path := pattern
	if _, rest, ok := strings.Cut(pattern, " "); ok {
		path = rest
	}
	switch {
	case strings.HasPrefix(path, "/api/souk/"):
		face = "manage"
	case strings.HasPrefix(path, "/api/mkp-openapi-public/"), strings.HasPrefix(path, "/rest/marketplace/"):
		face = "openapi"
	case path == "/metrics" || path == "/healthz" || path == "/readyz":
		face = "ops"
	default:
		face = "web"
	}
	if pattern == "" {
		pattern = "none"
	}
	return face, pattern
}

// quiet paths are asked for so often, and tell so little, that their lines are for debugging.
func quiet(path string) bool {
	return path == "/metrics" || path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/assets/")
}

func class(status int) string { return strconv.Itoa(status/100) + "xx" }

// watched notes what was answered.
type watched struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *watched) code() int {
	if w.status == 0 {
		return http.StatusOK
	}
	return w.status
}

func (w *watched) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *watched) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what the server can do.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

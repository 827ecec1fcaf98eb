package ops

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// Health tells whether the process lives, and whether it should be given work.
type Health struct {
	// Ready is nil when the database answers and its schema is this program's; the error's text is shown to anybody.
	Ready    func(context.Context) error
	stopping atomic.Bool
}

// readyTime bounds the look at the database.
const readyTime = 2 * time.Second

// Stop makes the process unready for good: it is about to end.
func (h *Health) Stop() { h.stopping.Store(true) }

// Live answers as long as the process does anything at all.
func (h *Health) Live(w http.ResponseWriter, r *http.Request) { say(w, http.StatusOK, "ok") }

// Readiness answers 200 when the process can be given work, else 503 with the reason.
func (h *Health) Readiness(w http.ResponseWriter, r *http.Request) {
	if h.stopping.Load() {
		say(w, http.StatusServiceUnavailable, "stopping")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := h.Ready(ctx); err != nil {
		say(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	say(w, http.StatusOK, "ready")
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}

// Mux serves what watches the process, to anybody: for a listener of its own.
func (m *Metrics) Mux(h *Health) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", m.Handler())
	mux.HandleFunc("GET /healthz", h.Live)
	mux.HandleFunc("GET /readyz", h.Readiness)
	return mux
}

package manage

import (
	"net/http"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/audit"
)

type auditView struct {
	ID      string  `json:"id"`
	At      *string `json:"at"`
	Actor   string  `json:"actor"`
	Company string  `json:"company"`
	Action  string  `json:"action"`
	Noun    string  `json:"noun"`
	Detail  string  `json:"detail"`
	Seq     int64   `json:"seq"`
	Hash    string  `json:"hash"`
}

func viewAudit(r audit.Row) auditView {
	return auditView{r.ID, stamp(r.At), r.Actor, r.Company, r.Action, r.Noun, r.Detail, r.Seq, r.Hash}
}

// auditFilter reads what the query chooses.
func auditFilter(r *http.Request) (audit.Filter, error) {
	q := r.URL.Query()
	f := audit.Filter{Company: q.Get("company"), Actor: q.Get("actor"), Action: q.Get("action"), Noun: q.Get("noun")}
	bad := fault.Fields{}
	for name, at := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if v := q.Get(name); v != "" {
			t, err := time.Parse(time.RFC3339, v)
			if err != nil {
				bad.Add(name, "must be an RFC 3339 instant such as 2026-12-03T00:00:00Z")
			}
			*at = t
		}
	}
	return f, bad.Err()
}

func (h *Handler) auditLog() {
	h.read("/audit", func(c *call) (any, error) {
		f, err := auditFilter(c.Request)
		if err != nil {
			return nil, err
		}
		mark, limit, err := page(c.Request, 2)
		if err != nil {
			return nil, err
		}
		var place audit.Place
		if mark != nil {
			us, err := strconv.ParseInt(mark[0], 10, 64)
			if err != nil {
				return nil, fault.Field("page", "is not a page mark of this list")
			}
			place = audit.Place{At: clock.FromMicros(us), ID: mark[1]}
		}
		rows, err := h.Audit.List(c.Context(), c.actor, f, place, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(rows, limit, viewAudit, func(r audit.Row) string { return micros(r.At, r.ID) }), nil
	})
	h.read("/audit/verify", func(c *call) (any, error) {
		var known audit.Head
		if text := c.URL.Query().Get("head"); text != "" {
			var err error
			if known, err = audit.ParseHead(text); err != nil {
				return nil, err
			}
		}
		r, err := h.Audit.Verify(c.Context(), c.actor, known)
		type breach struct {
			Seq  int64  `json:"seq"`
			ID   string `json:"id"`
			What string `json:"what"`
		}
		faults := []breach{}
		for _, f := range r.Faults {
			faults = append(faults, breach{f.Seq, f.ID, f.What})
		}
		return map[string]any{"whole": len(faults) == 0, "rows": r.Rows, "open": r.Open, "head": map[string]any{"seq": r.Head.Seq, "hash": r.Head.Hash}, "faults": faults}, err
	})
	// The export is streamed: it may be larger than the memory.
	h.mux.HandleFunc("GET "+Prefix+"/audit/export", func(w http.ResponseWriter, r *http.Request) {
		out := &firstWrite{w: w}
		f, err := auditFilter(r)
		if err == nil {
			actor, e := h.who(r)
			if err = e; err == nil {
				err = h.Audit.Export(r.Context(), actor, f, out)
			}
		}
		switch {
		case err != nil && !out.begun:
			h.answer(w, r, func(c *call) (int, []byte, error) { return 0, nil, err })
		case err != nil: // the status is gone: the connection tells that the file is not whole
			h.Log.Error("export broke off", "err", err)
			panic(http.ErrAbortHandler)
		}
	})
}

// firstWrite sets the headers of a file when its first bytes come.
type firstWrite struct {
	w     http.ResponseWriter
	begun bool
}

func (f *firstWrite) Write(b []byte) (int, error) {
	if !f.begun {
		f.begun = true
		f.w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		f.w.Header().Set("Content-Disposition", `attachment; filename="audit.csv"`)
		f.w.Header().Set("Cache-Control", "no-store")
	}
	return f.w.Write(b)
}

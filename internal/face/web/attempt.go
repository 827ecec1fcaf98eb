package web

import (
	"net/http"
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
)

type attemptListPage struct {
	frame
	Filter     AttemptFilter
	States     []string
	Activities []string
	Attempts   []AttemptRow
	Next       string
}

// Filtered tells whether the list is narrowed, for the words of an empty one.
func (p *attemptListPage) Filtered() bool { return p.Filter != AttemptFilter{} }

func (h *Handler) attemptList(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	if !access.Can(v.Actor, access.AttemptRead) {
		h.fail(w, r, errForbidden)
		return
	}
	q := r.URL.Query()
	f := AttemptFilter{Order: q.Get("order"), State: q.Get("state"), Activity: q.Get("activity")}
	if !slices.Contains(attemptStateNames, f.State) {
		f.State = ""
	}
	attempts, next, err := h.o.Attempts.Attempts(r.Context(), v.Actor, f, q.Get("page"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := attemptListPage{frame: h.frame(w, r, v, "attempts"), Filter: f, States: attemptStateNames, Activities: activities, Attempts: attempts, Next: nextPage(r, next)}
	p.Title, _ = p.T("attempts.title")
	h.render(w, r, http.StatusOK, "attempts.html", &p)
}

type attemptPage struct {
	frame
	Attempt
	HexView bool
	Restart bool // offered
	Bare    bool // the reader is a buyer, who sees no bytes
}

func (h *Handler) attemptShow(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	if !access.Can(v.Actor, access.AttemptRead) {
		h.fail(w, r, errForbidden)
		return
	}
	a, err := h.o.Attempts.Attempt(r.Context(), v.Actor, r.PathValue("id"))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	p := attemptPage{frame: h.frame(w, r, v, "attempts"), Attempt: a, HexView: r.URL.Query().Get("view") == "hex", Bare: v.Actor.CompanyKind == access.Buyer,
		Restart: a.CanRestart && access.Can(v.Actor, access.AttemptRestart)}
	p.Title = a.Activity + " " + a.OrderID
	h.render(w, r, http.StatusOK, "attempt.html", &p)
}

func (h *Handler) attemptRestart(w http.ResponseWriter, r *http.Request) {
	v := h.needViewer(w, r)
	if v == nil {
		return
	}
	err := h.checkForm(w, r)
	if err == nil && !access.Can(v.Actor, access.AttemptRestart) {
		err = errForbidden
	}
	if err == nil {
		err = h.o.Attempts.Restart(r.Context(), v.Actor, r.PathValue("id"))
	}
	if err != nil {
		h.fail(w, r, err)
		return
	}
	http.Redirect(w, r, "/attempts/"+r.PathValue("id"), http.StatusSeeOther)
}

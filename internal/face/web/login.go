package web

import (
	"errors"
	"net/http"
	"strings"

	"github.com/souk-market/souk/internal/ground/fault"
)

type loginPage struct {
	frame
	Login, Next string
	Error       string // id of a text, "" for none
}

// local keeps only targets on this address: a path, not //host or /\host.
func local(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/orders"
	}
	return next
}

func (h *Handler) loginForm(w http.ResponseWriter, r *http.Request) {
	v, err := h.viewer(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	next := local(r.URL.Query().Get("next"))
	if v != nil {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return
	}
	h.showLogin(w, r, http.StatusOK, loginPage{Next: next})
}

func (h *Handler) showLogin(w http.ResponseWriter, r *http.Request, status int, p loginPage) {
	token := formToken(h.secret(w, r))
	p.frame = h.frame(w, r, nil, "login")
	p.CSRF = token
	p.Title, _ = p.T("login.title")
	h.render(w, r, status, "login.html", &p)
}

func (h *Handler) logIn(w http.ResponseWriter, r *http.Request) {
	if err := h.checkForm(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	p := loginPage{Login: strings.TrimSpace(r.PostForm.Get("login")), Next: local(r.PostForm.Get("next"))}
	session, until, err := h.o.Login.LogIn(r.Context(), p.Login, r.PostForm.Get("password"))
	var f *fault.Fault
	switch {
	case err == nil:
	case errors.As(err, &f) && (f.Kind == fault.Unauthenticated || f.Kind == fault.Invalid):
		p.Error = "login.wrong"
		h.showLogin(w, r, http.StatusUnauthorized, p)
		return
	case errors.As(err, &f) && f.Kind == fault.TooMany:
		p.Error = "login.locked"
		h.showLogin(w, r, http.StatusTooManyRequests, p)
		return
	default:
		h.fail(w, r, err)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: session, Path: "/", Expires: until, HttpOnly: true, Secure: h.o.Secure, SameSite: http.SameSiteLaxMode})
	http.SetCookie(w, &http.Cookie{Name: formCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: h.o.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, p.Next, http.StatusSeeOther)
}

func (h *Handler) logOut(w http.ResponseWriter, r *http.Request) {
	if err := h.checkForm(w, r); err != nil {
		h.fail(w, r, err)
		return
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		if err := h.o.Login.LogOut(r.Context(), c.Value); err != nil {
			h.fail(w, r, err)
			return
		}
	}
	http.SetCookie(w, &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: h.o.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

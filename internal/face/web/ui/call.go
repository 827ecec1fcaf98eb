package ui

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/face/web/locale"
	"github.com/souk-market/souk/internal/ground/fault"
)

// Cookies.
const (
	SessionCookie = "souk_session"
	formCookie    = "souk_form" // carries the secret of forms before there is a session
)

// Bounds of a form's body in bytes: plain ones, and those that carry files.
const (
	maxForm  = 64 << 10
	maxFiles = 32 << 20
)

// Call is one request for a page or by a form.
type Call struct {
	*Frame
	W     http.ResponseWriter
	R     *http.Request
	Actor access.Actor // nobody when nobody is logged in

	kit     *Kit
	status  int
	problem *fault.Fault // what was wrong with the form that is shown again
	input   url.Values   // what was typed into it
}

// Handler answers a call; its error becomes the page that says what is wrong.
type Handler func(c *Call) error

// Room is what a face's handlers share: who may come in, and how its frame looks.
type Room struct {
	Kit  *Kit
	Mux  *http.ServeMux
	Face Face
	Kind party.Kind // only people of this kind of company; "" lets everybody in
}

// Get registers a page. action is what the viewer must be allowed to do, "" for nothing in particular; section names
// the entry of the navigation.
func (m Room) Get(path, section string, action access.Action, f Handler) {
	m.Mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, section, action, 0, f) })
}

// Post registers what a form does.
func (m Room) Post(path, section string, action access.Action, f Handler) {
	m.Mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, section, action, maxForm, f) })
}

// PostFiles registers what a form with files, or with long texts, does.
func (m Room) PostFiles(path, section string, action access.Action, f Handler) {
	m.Mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { m.serve(w, r, section, action, maxFiles, f) })
}

// serve answers a page, or with max > 0 a form of at most so many bytes.
func (m Room) serve(w http.ResponseWriter, r *http.Request, section string, action access.Action, max int64, f Handler) {
	k := m.Kit
	v, err := k.viewer(r)
	if err != nil {
		k.Fail(w, r, err)
		return
	}
	c := &Call{W: w, R: r, kit: k, status: http.StatusOK, Frame: k.frame(w, r, v, m.Face, section)}
	if v != nil {
		c.Actor = v.Actor
		ops.From(r.Context()).Company = v.Actor.CompanyID
	}
	if v == nil && m.Kind != "" {
		if max > 0 {
			c.Face = Storefront // nobody is in a console
			if err := readForm(w, r, max); err != nil {
				k.Fail(w, r, err)
				return
			}
			if k.hold(c) {
				return
			}
		}
		http.Redirect(w, r, "/login?next="+url.QueryEscape(r.URL.RequestURI()), http.StatusSeeOther)
		return
	}
	switch {
	case m.Kind != "" && c.Actor.CompanyKind != m.Kind, action != "" && !access.Can(c.Actor, action):
		err = fault.New(fault.Forbidden, "forbidden", "your roles do not include this")
	case max > 0:
		if err = k.checkForm(w, r, max); fault.KindOf(err) == fault.Forbidden && k.hold(c) {
			return
		}
	}
	if err == nil {
		err = f(c)
	}
	if err != nil {
		k.Fail(w, r, err)
	}
}

// Again answers a form that was refused: the same page, what was typed kept, what is wrong beside its field and on
// top. Errors that the form cannot mend become a page of their own.
func (c *Call) Again(err error, page Handler) error {
	f, ok := fault.As(err)
	if !ok {
		return err
	}
	switch f.Kind {
	case fault.Invalid, fault.Rule, fault.Conflict, fault.TooMany, fault.Unavailable:
		c.problem, c.input, c.status = f, c.R.PostForm, statusOf[f.Kind]
		return page(c)
	}
	return err
}

// Failed tells whether the page is shown again because of an error.
func (c *Call) Failed() bool { return c.problem != nil }

// Code is the code of what was refused, or "".
func (c *Call) Code() string {
	if c.problem == nil {
		return ""
	}
	return c.problem.Code
}

// Form reads one value of the form that was sent.
func (c *Call) Form(name string) string { return c.R.PostForm.Get(name) }

// FormAll reads all values of a name: what was ticked of several.
func (c *Call) FormAll(name string) []string { return c.R.PostForm[name] }

// Query reads one value of the address.
func (c *Call) Query(name string) string { return c.R.URL.Query().Get(name) }

// Confirmed tells whether the name of the thing was typed, for what cannot be undone.
func (c *Call) Confirmed(name string) error {
	if c.Form("confirm") != name {
		return fault.Field("confirm", "type %s to confirm", name)
	}
	return nil
}

// To sends the browser on after a form was done.
func (c *Call) To(path string) error {
	http.Redirect(c.W, c.R, path, http.StatusSeeOther)
	return nil
}

// Show draws a page that a template of the room describes.
func (c *Call) Show(name string, page any) error {
	c.kit.Render(c.W, c.R, c.status, name, page)
	return nil
}

// Actor is who asks, by the session cookie; nobody without one.
func (k *Kit) Actor(r *http.Request) (access.Actor, error) {
	v, err := k.viewer(r)
	if err != nil || v == nil {
		return access.Actor{}, err
	}
	return v.Actor, nil
}

// viewer is the person of the session cookie, or nil.
func (k *Kit) viewer(r *http.Request) (*Viewer, error) {
	ck, err := r.Cookie(SessionCookie)
	if err != nil || ck.Value == "" {
		return nil, nil
	}
	v, ok, err := k.Sessions.Session(r.Context(), ck.Value)
	if err != nil || !ok {
		return nil, err
	}
	return &v, nil
}

// secret is what the tokens of this browser's forms are made from: the session, or a cookie of its own, which is
// set when there is neither and w is given.
func (k *Kit) secret(w http.ResponseWriter, r *http.Request) string {
	for _, name := range []string{SessionCookie, formCookie} {
		if c, err := r.Cookie(name); err == nil && c.Value != "" {
			return c.Value
		}
	}
	if w == nil {
		return ""
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	s := hex.EncodeToString(b[:])
	http.SetCookie(w, &http.Cookie{Name: formCookie, Value: s, Path: "/", HttpOnly: true, Secure: k.Secure, SameSite: http.SameSiteLaxMode})
	return s
}

// NeedForm gives a browser without a session what its forms are proved by.
func (c *Call) NeedForm() { c.CSRF = formToken(c.kit.secret(c.W, c.R)) }

// Begin makes the browser hold a session, End makes it forget.
func (c *Call) Begin(session *http.Cookie) {
	session.Name, session.Path, session.HttpOnly, session.Secure, session.SameSite = SessionCookie, "/", true, c.kit.Secure, http.SameSiteLaxMode
	http.SetCookie(c.W, session)
	http.SetCookie(c.W, &http.Cookie{Name: formCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.kit.Secure, SameSite: http.SameSiteLaxMode})
}

// End forgets the session.
func (c *Call) End() {
	http.SetCookie(c.W, &http.Cookie{Name: SessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, Secure: c.kit.Secure, SameSite: http.SameSiteLaxMode})
}

// Session is the secret of the browser's session, or "".
func (c *Call) Session() string {
	if ck, err := c.R.Cookie(SessionCookie); err == nil {
		return ck.Value
	}
	return ""
}

// Key is a fresh name for a form's effect: sent twice, it is done once.
func Key() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// formToken proves that a form came from a page of ours: only a page that can read the cookie's effect knows it.
func formToken(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("souk form"))
	return hex.EncodeToString(m.Sum(nil))
}

// readForm takes in what was sent.
func readForm(w http.ResponseWriter, r *http.Request, max int64) error {
	r.Body = http.MaxBytesReader(w, r.Body, max)
	parse := r.ParseForm
	if max == maxFiles && strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		parse = func() error { return r.ParseMultipartForm(1 << 20) }
	}
	if err := parse(); err != nil {
		return fault.Wrap(err, fault.Invalid, "bad_form", "the form could not be read")
	}
	return nil
}

// checkForm refuses a POST whose token does not fit.
func (k *Kit) checkForm(w http.ResponseWriter, r *http.Request, max int64) error {
	if err := readForm(w, r, max); err != nil {
		return err
	}
	s := k.secret(nil, r)
	if s == "" || !hmac.Equal([]byte(r.PostForm.Get("csrf")), []byte(formToken(s))) {
		return fault.New(fault.Forbidden, "form_expired", "the form is too old or came from another page; open the page again")
	}
	return nil
}

var statusOf = map[fault.Kind]int{
	fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.Rule: 422, fault.TooMany: 429, fault.Unavailable: 503,
}

type errorPage struct {
	*Frame
	ID        string // of the text: error.<kind>
	Code      string // id of a text that says more, "" for none
	RequestID string
}

// Fail shows an error page: what happened in the reader's language, what to do, and the request id for support.
func (k *Kit) Fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault.Fault
	kind, code := fault.Internal, ""
	if errors.As(err, &f) {
		kind = f.Kind
		if id := "code." + f.Code; locale.Has(id) {
			code = id
		}
	}
	status, known := statusOf[kind]
	if !known {
		kind, status = fault.Internal, http.StatusInternalServerError
	}
	if status >= 500 {
		k.Logger.Error("page", "path", r.URL.Path, "request_id", w.Header().Get("X-Request-Id"), "err", err)
	}
	v, _ := k.viewer(r)
	p := errorPage{Frame: k.frame(w, r, v, Storefront, ""), ID: "error." + string(kind), Code: code, RequestID: w.Header().Get("X-Request-Id")}
	p.Title = p.T(p.ID)
	k.Render(w, r, status, "error.html", &p)
}

// NotFound is the answer to an address that no page has.
func (k *Kit) NotFound(w http.ResponseWriter, r *http.Request) {
	k.Fail(w, r, fault.Unknown("page"))
}

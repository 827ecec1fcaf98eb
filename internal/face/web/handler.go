package web

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/ground/fault"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

const (
	sessionCookie = "souk_session"
	formCookie    = "souk_form" // carries the secret of forms before there is a session
)

// Options are what the pages need.
type Options struct {
	Login    Login
	Catalog  Catalog
	Orders   Orders
	Attempts Attempts
	// Now is the business clock: pages tell how much is left of business times.
	Now func() time.Time
	// Zone is that of the marketplace; times are shown in it where scripts are off.
	Zone *time.Location
	// Sandbox marks every page. spec: 01 §2.10
	Sandbox bool
	// Secure is set when people reach the marketplace by https: cookies then travel by https only.
	Secure bool
	Logger *slog.Logger
}

// Handler serves the pages.
type Handler struct {
	o      Options
	mux    *http.ServeMux
	pages  map[string]*template.Template
	assets map[string]asset
	links  map[string]string // asset name → address with its hash
}

type asset struct {
	body []byte
	kind string
}

// New makes the pages.
func New(o Options) *Handler {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	h := &Handler{o: o, mux: http.NewServeMux(), pages: map[string]*template.Template{}, assets: map[string]asset{}, links: map[string]string{}}
	h.load()
	h.mux.HandleFunc("GET /{$}", h.home)
	h.mux.HandleFunc("GET /login", h.loginForm)
	h.mux.HandleFunc("POST /login", h.logIn)
	h.mux.HandleFunc("POST /logout", h.logOut)
	h.mux.HandleFunc("GET /orders", h.orderList)
	h.mux.HandleFunc("GET /orders/{id}", h.orderShow)
	h.mux.HandleFunc("GET /orders/{id}/instances/{instance}/entry", h.entryShow)
	h.mux.HandleFunc("GET /attempts", h.attemptList)
	h.mux.HandleFunc("GET /attempts/{id}", h.attemptShow)
	h.mux.HandleFunc("POST /attempts/{id}/restart", h.attemptRestart)
	h.mux.HandleFunc("GET /assets/{name}", h.asset)
	h.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { h.fail(w, r, fault.Unknown("page")) })
	return h
}

func (h *Handler) load() {
	layout := template.Must(template.New("layout.html").ParseFS(templateFiles, "templates/layout.html", "templates/parts.html"))
	names, _ := fs.Glob(templateFiles, "templates/*.html")
	for _, n := range names {
		if base := path.Base(n); base != "layout.html" && base != "parts.html" {
			h.pages[base] = template.Must(template.Must(layout.Clone()).ParseFS(templateFiles, n))
		}
	}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // embedded at build time
	}
	for _, e := range entries {
		b, err := assetFiles.ReadFile("assets/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(b)
		h.assets[e.Name()] = asset{body: b, kind: mime.TypeByExtension(path.Ext(e.Name()))}
		h.links[e.Name()] = "/assets/" + e.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
}

// policy lets a page use what this address serves and nothing else.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// ServeHTTP answers one request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Content-Security-Policy", policy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Referrer-Policy", "same-origin")
	head.Set("Server", "Souk")
	h.mux.ServeHTTP(w, r)
}

func (h *Handler) asset(w http.ResponseWriter, r *http.Request) {
	a, ok := h.assets[r.PathValue("name")]
	if !ok {
		h.fail(w, r, fault.Unknown("page"))
		return
	}
	w.Header().Set("Content-Type", a.kind)
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(a.body)
}

// viewer is the person of the session cookie, or nil. Pages that need one send the others to the login.
func (h *Handler) viewer(r *http.Request) (*Viewer, error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil || c.Value == "" {
		return nil, nil
	}
	v, ok, err := h.o.Login.Session(r.Context(), c.Value)
	if err != nil || !ok {
		return nil, err
	}
	return &v, nil
}

// frame begins a page. It may set the language cookie, so it comes before anything is written.
func (h *Handler) frame(w http.ResponseWriter, r *http.Request, v *Viewer, section string) frame {
	lang := chooseLanguage(w, r, h.o.Secure)
	return frame{
		Section: section, Viewer: v, Sandbox: h.o.Sandbox, Now: h.o.Now(), Assets: h.links,
		CSRF: formToken(h.secret(nil, r)),
		path: r.URL.Path, query: r.URL.Query(), lang: lang, texts: i18n.NewLocalizer(bundle, lang.String()), zone: h.o.Zone,
		may: func(action string) bool { return v != nil && access.Can(v.Actor, access.Action(action)) },
	}
}

// secret is what the tokens of this browser's forms are made from: the session, or a cookie of its own, which is
// set when there is neither and w is given.
func (h *Handler) secret(w http.ResponseWriter, r *http.Request) string {
	for _, name := range []string{sessionCookie, formCookie} {
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
	http.SetCookie(w, &http.Cookie{Name: formCookie, Value: s, Path: "/", HttpOnly: true, Secure: h.o.Secure, SameSite: http.SameSiteLaxMode})
	return s
}

// formToken proves that a form came from a page of ours: only a page that can read the cookie's effect knows it.
func formToken(secret string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte("souk form"))
	return hex.EncodeToString(m.Sum(nil))
}

// checkForm refuses a POST whose token does not fit.
func (h *Handler) checkForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		return fault.Wrap(err, fault.Invalid, "bad_form", "the form could not be read")
	}
	s := h.secret(nil, r)
	if s == "" || !hmac.Equal([]byte(r.PostForm.Get("csrf")), []byte(formToken(s))) {
		return fault.New(fault.Forbidden, "form_expired", "the form is too old or came from another page; open the page again")
	}
	return nil
}

// render writes a page. Nothing is sent before the template has run to its end.
func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	var b bytes.Buffer
	if err := h.pages[name].ExecuteTemplate(&b, "layout.html", page); err != nil {
		h.o.Logger.Error("page", "name", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

type errorPage struct {
	frame
	ID        string // of the text: error.<kind>
	RequestID string
}

var statusOf = map[fault.Kind]int{
	fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.Rule: 422, fault.TooMany: 429, fault.Unavailable: 503,
}

// fail shows an error page: what happened in the reader's language, what to do, and the request id for support.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	var f *fault.Fault
	kind := fault.Internal
	if errors.As(err, &f) {
		kind = f.Kind
	}
	status, known := statusOf[kind]
	if !known {
		kind, status = fault.Internal, http.StatusInternalServerError
	}
	if status >= 500 {
		h.o.Logger.Error("page", "path", r.URL.Path, "request_id", w.Header().Get("X-Request-Id"), "err", err)
	}
	v, _ := h.viewer(r)
	p := errorPage{frame: h.frame(w, r, v, ""), ID: "error." + string(kind), RequestID: w.Header().Get("X-Request-Id")}
	p.Title, _ = p.T(p.ID)
	h.render(w, r, status, "error.html", &p)
}

// needViewer is the logged-in person; without one it redirects to the login and returns nil.
func (h *Handler) needViewer(w http.ResponseWriter, r *http.Request) *Viewer {
	v, err := h.viewer(r)
	if err != nil {
		h.fail(w, r, err)
		return nil
	}
	if v == nil {
		http.Redirect(w, r, "/login?next="+template.URLQueryEscaper(r.URL.RequestURI()), http.StatusSeeOther)
	}
	return v
}

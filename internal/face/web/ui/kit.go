package ui

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets/*
var assetFiles embed.FS

// Viewer is the person who is logged in.
type Viewer struct {
	Actor   access.Actor
	Name    string // of the person
	Company string // name of the company
}

// Sessions finds who holds a session. It gives false for one that is unknown, over, or logged out.
type Sessions interface {
	Session(ctx context.Context, session string) (Viewer, bool, error)
}

// Options are what the kit needs.
type Options struct {
	Sessions Sessions
	// Now is the business clock: pages tell how much is left of business times.
	Now func() time.Time
	// Zone is that of the marketplace; times are shown in it where scripts are off.
	Zone *time.Location
	// Sandbox marks every page. spec: 01 §2.10
	Sandbox bool
	// Secure is set when people reach the marketplace by https: cookies then travel by https only.
	Secure bool
	Logger *slog.Logger
	// Generation changes when something did that public pages show; 0 or nil: nothing is kept.
	Generation func() uint64
}

// Kit makes frames and draws pages.
type Kit struct {
	Options
	layout *template.Template
	pages  map[string]*template.Template
	assets map[string]asset
	links  map[string]string // asset name → address with its hash
	kept   *pageCache
}

type asset struct {
	body, packed []byte
	kind         string
}

// New makes a kit with the pages that every face has.
func New(o Options) *Kit {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	k := &Kit{Options: o, pages: map[string]*template.Template{}, assets: map[string]asset{}, links: map[string]string{}, kept: newPageCache()}
	k.layout = template.Must(template.New("layout.html").ParseFS(templateFiles, "templates/layout.html", "templates/parts.html", "templates/blocks.html"))
	k.Add(templateFiles)
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
		k.assets[e.Name()] = asset{body: b, packed: pack(b), kind: mime.TypeByExtension(path.Ext(e.Name()))}
		k.links[e.Name()] = "/assets/" + e.Name() + "?v=" + hex.EncodeToString(sum[:6])
	}
	return k
}

// pack is the gzip form, made once: style sheets are large and never change.
func pack(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(b) // memory does not fail
	_ = w.Close()
	return out.Bytes()
}

// Add makes the templates of a room known: templates/*.html, each of which defines "main"; what pages of the room share
// stands in files whose names begin with "shared".
func (k *Kit) Add(files fs.FS) {
	names, _ := fs.Glob(files, "templates/*.html")
	shared, _ := fs.Glob(files, "templates/shared*.html")
	for _, n := range names {
		if slices.Contains(shared, n) {
			continue
		}
		switch base := path.Base(n); base {
		case "layout.html", "parts.html", "blocks.html":
		default:
			k.pages[base] = template.Must(template.Must(k.layout.Clone()).ParseFS(files, append([]string{n}, shared...)...))
		}
	}
}

// policy lets a page use what this address serves and nothing else; the vendored style sheet draws its marks from
// data: pictures that it holds itself.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// Guard puts the headers of safety on every answer.
func (k *Kit) Guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Security-Policy", policy)
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Referrer-Policy", "same-origin")
		head.Set("Server", "Souk")
		next.ServeHTTP(w, r)
	})
}

// Asset serves a style sheet, a script or a picture by the name in the path.
func (k *Kit) Asset(w http.ResponseWriter, r *http.Request) {
	a, ok := k.assets[r.PathValue("name")]
	if !ok {
		k.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := a.body
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = a.packed
	}
	send(w, http.StatusOK, body)
}

// Render writes a page. Nothing is sent before the template has run to its end.
func (k *Kit) Render(w http.ResponseWriter, r *http.Request, status int, name string, page any) {
	var b bytes.Buffer
	if err := k.pages[name].ExecuteTemplate(&b, "layout.html", page); err != nil {
		k.Logger.Error("page", "name", name, "path", r.URL.Path, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	send(w, status, b.Bytes())
}

package ui

import (
	"compress/gzip"
	"container/list"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/face/web/locale"
)

// pageCache keeps pages that everybody who is nobody sees alike. A page is right as
// long as the generation of what it shows is that of when it was begun, and at most
// for keptFor.
type pageCache struct {
	mu    sync.Mutex
	pages map[string]*list.Element
	used  *list.List // latest first
	bytes int
}

type keptPage struct {
	key        string
	generation uint64
	until      time.Time
	head       http.Header
	body       []byte
}

// Bounds of the cache.
const (
	keptBytes   = 48 << 20
	keptAddress = 512 // bytes of an address that is worth keeping
	keptFor     = 10 * time.Minute
)

func newPageCache() *pageCache {
	return &pageCache{pages: map[string]*list.Element{}, used: list.New()}
}

func (p *pageCache) get(key string, generation uint64, now time.Time) *keptPage {
	p.mu.Lock()
	defer p.mu.Unlock()
	e := p.pages[key]
	if e == nil {
		return nil
	}
	k := e.Value.(*keptPage)
	if k.generation != generation || now.After(k.until) {
		p.drop(e)
		return nil
	}
	p.used.MoveToFront(e)
	return k
}

func (p *pageCache) put(k *keptPage) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.pages[k.key]; e != nil {
		p.drop(e)
	}
	p.pages[k.key] = p.used.PushFront(k)
	p.bytes += len(k.body)
	for p.bytes > keptBytes {
		p.drop(p.used.Back())
	}
}

func (p *pageCache) drop(e *list.Element) {
	k := p.used.Remove(e).(*keptPage)
	delete(p.pages, k.key)
	p.bytes -= len(k.body)
}

// held is an answer in memory.
type held struct {
	http.ResponseWriter
	status int
	body   []byte
}

func (h *held) WriteHeader(status int) { h.status = status }

func (h *held) Write(b []byte) (int, error) {
	if h.status == 0 {
		h.status = http.StatusOK
	}
	h.body = append(h.body, b...)
	return len(b), nil
}

var packers = sync.Pool{New: func() any {
	w, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a known one
	}
	return w
}}

// Public registers a page that shows everybody who is nobody the same: it is drawn
// once per language and generation, and packed, because it holds no secret. Whoever
// is somebody gets it drawn anew.
func (m Room) Public(path, section string, f Handler) {
	k := m.Kit
	m.Mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
		generation := uint64(0)
		if k.Generation != nil {
			generation = k.Generation()
		}
		if _, err := r.Cookie(SessionCookie); err == nil || generation == 0 || len(r.URL.RequestURI()) > keptAddress || r.URL.Query().Has("lang") {
			m.serve(w, r, section, "", 0, f)
			return
		}
		pack := strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
		key := locale.Choose(w, r, k.Secure).String() + " " + r.URL.RequestURI()
		if pack {
			key = "gzip " + key
		}
		now := time.Now()
		if kept := k.kept.get(key, generation, now); kept != nil {
			for name, values := range kept.head {
				w.Header()[name] = values
			}
			send(w, http.StatusOK, kept.body)
			return
		}
		h := &held{ResponseWriter: w}
		plain := r.Clone(r.Context())
		plain.Header.Del("Cookie") // nothing of this browser may stand in a page for all
		plain.AddCookie(&http.Cookie{Name: locale.Cookie, Value: locale.Choose(w, r, k.Secure).String()})
		m.serve(h, plain, section, "", 0, f)
		head := w.Header()
		if pack && h.status == http.StatusOK {
			var packed held
			z := packers.Get().(*gzip.Writer)
			z.Reset(&packed)
			_, _ = z.Write(h.body) // memory does not fail
			_ = z.Close()
			packers.Put(z)
			h.body = packed.body
			head.Set("Content-Encoding", "gzip")
		}
		head.Add("Vary", "Accept-Encoding, Accept-Language, Cookie")
		if h.status == http.StatusOK && head.Get("Set-Cookie") == "" {
			kept := &keptPage{key: key, generation: generation, until: now.Add(keptFor), head: http.Header{}, body: h.body}
			for _, name := range []string{"Content-Type", "Content-Encoding", "Cache-Control", "Vary"} {
				if v := head.Values(name); len(v) > 0 {
					kept.head[name] = v
				}
			}
			k.kept.put(kept)
		}
		send(w, h.status, h.body)
	})
}

// send writes a whole answer with its length, which spares cutting it into chunks.
func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

package manage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/sandbox"
	"github.com/souk-market/souk/internal/service/trade"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// Prefix is where the API lives. // spec: 01 §8.5
const Prefix = "/api/souk/v1"

// maxBody bounds a request's body in bytes.
const maxBody = 1 << 20

// Services are the use cases behind the API.
type Services struct {
	Kernel    *kernel.Kernel
	People    *people.People
	Catalogue *catalogue.Catalogue
	Trade     *trade.Trade
	Inbox     *messages.Messages
	Delivery  *delivery.Delivery
	Lab       *lab.Lab
	Sandbox   *sandbox.Sandbox
	Audit     *audit.Audit
	Upkeep    *upkeep.Upkeep
	Log       *slog.Logger
}

// Handler serves the API.
type Handler struct {
	Services
	mux *http.ServeMux
}

// call is one request being answered.
type call struct {
	*http.Request
	actor access.Actor
	raw   []byte
	body  *body
	id    string
}

// New makes the API.
func New(s Services) *Handler {
	h := &Handler{Services: s, mux: http.NewServeMux()}
	h.routes()
	return h
}

func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// read registers a GET.
func (h *Handler) read(pattern string, f func(c *call) (any, error)) {
	h.mux.HandleFunc("GET "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			v, err := f(c)
			if err != nil {
				return 0, nil, err
			}
			return http.StatusOK, encode(v), nil
		})
	})
}

// change registers a POST, PUT or DELETE whose effect and reply are one transaction.
func (h *Handler) change(method, pattern string, status int, f func(ctx context.Context, tx *kernel.Tx, c *call) (any, error)) {
	h.changing(method, pattern, status, false, f)
}

// changeSecret is change whose reply shows a secret this once: it is stored sealed for its repetition.
func (h *Handler) changeSecret(method, pattern string, status int, f func(ctx context.Context, tx *kernel.Tx, c *call) (any, error)) {
	h.changing(method, pattern, status, true, f)
}

// changeAfter is change with something that has to be asked outside the transaction first, unless the change is a
// repetition whose answer is known.
func (h *Handler) changeAfter(method, pattern string, status int, before func(ctx context.Context, c *call) error, f func(ctx context.Context, tx *kernel.Tx, c *call) (any, error)) {
	h.mux.HandleFunc(method+" "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			if c.actor.Anonymous() {
				return 0, nil, fault.New(fault.Unauthenticated, "unauthenticated", "send a personal access token: Authorization: Bearer …")
			}
			known, err := h.Kernel.Known(r.Context(), c.actor.PersonID, r.Header.Get("Idempotency-Key"))
			if err == nil && !known {
				err = before(r.Context(), c)
			}
			if err != nil {
				return 0, nil, err
			}
			return h.mutate(w, c, status, false, func(ctx context.Context, tx *kernel.Tx) (any, error) { return f(ctx, tx, c) })
		})
	})
}

func (h *Handler) changing(method, pattern string, status int, secret bool, f func(ctx context.Context, tx *kernel.Tx, c *call) (any, error)) {
	h.mux.HandleFunc(method+" "+Prefix+pattern, func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			if c.actor.Anonymous() {
				return 0, nil, fault.New(fault.Unauthenticated, "unauthenticated", "send a personal access token: Authorization: Bearer …")
			}
			return h.mutate(w, c, status, secret, func(ctx context.Context, tx *kernel.Tx) (any, error) { return f(ctx, tx, c) })
		})
	})
}

// mutate runs a change with its idempotency key.
func (h *Handler) mutate(w http.ResponseWriter, c *call, status int, secret bool, f func(ctx context.Context, tx *kernel.Tx) (any, error)) (int, []byte, error) {
	r := c.Request
	reply, err := h.Kernel.Mutate(r.Context(), kernel.Request{Caller: c.actor.PersonID, Key: r.Header.Get("Idempotency-Key"), Input: input(r, c.raw), Secret: secret},
		func(ctx context.Context, tx *kernel.Tx) (kernel.Reply, error) {
			v, err := f(ctx, tx)
			if err != nil {
				return kernel.Reply{}, err
			}
			if _, waits := v.(accepted); waits {
				return kernel.Reply{Status: http.StatusAccepted, Body: encode(v)}, nil
			}
			return kernel.Reply{Status: status, Body: encode(v)}, nil
		})
	if reply.Repeated {
		w.Header().Set("Idempotency-Replayed", "true")
	}
	return reply.Status, reply.Body, err
}

// input is what an idempotency key stands for.
func input(r *http.Request, raw []byte) []byte {
	return append([]byte(r.Method+" "+r.URL.RequestURI()+"\n"), raw...)
}

// answer is the frame of every route: request id, who asks, the body, the outcome.
func (h *Handler) answer(w http.ResponseWriter, r *http.Request, f func(c *call) (int, []byte, error)) {
	c := &call{Request: r, id: w.Header().Get("X-Request-Id")}
	if c.id == "" {
		c.id = ident.Nonce()
		w.Header().Set("X-Request-Id", c.id)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	status, out, err := h.guard(w, r, c, f)
	if err != nil {
		status, out = h.failure(c, err)
		if status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="souk"`)
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	w.WriteHeader(status)
	_, _ = w.Write(out)
}

func (h *Handler) guard(w http.ResponseWriter, r *http.Request, c *call, f func(c *call) (int, []byte, error)) (status int, out []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("panic", "request_id", c.id, "panic", p, "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "internal", "a mistake of ours; it was logged under the request id")
		}
	}()
	if c.actor, err = h.who(r); err != nil {
		return 0, nil, err
	}
	ops.From(r.Context()).Company = c.actor.CompanyID
	if err := plainText(r); err != nil {
		return 0, nil, err
	}
	if r.Method != http.MethodGet {
		c.raw, err = io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return 0, nil, fault.New(fault.Invalid, "too_large", "the body is larger than %d bytes", maxBody)
		}
		if err != nil {
			return 0, nil, fault.Wrap(err, fault.Invalid, "invalid", "the body ended early")
		}
		if c.body, err = readBody(c.raw); err != nil {
			return 0, nil, err
		}
	}
	return f(c)
}

// plainText refuses what no database can look up: an address or key that is not UTF-8, or holds U+0000.
func plainText(r *http.Request) error {
	broken := func(s string) bool { return !utf8.ValidString(s) || strings.ContainsRune(s, 0) }
	bad := fault.Fields{}
	if broken(r.URL.Path) {
		bad.Add("path", "must be UTF-8 without the character U+0000")
	}
	for name, values := range r.URL.Query() {
		for _, v := range append(values, name) {
			if broken(v) {
				bad.Add(strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), ""), "must be UTF-8 without the character U+0000")
			}
		}
	}
	if broken(r.Header.Get("Idempotency-Key")) {
		bad.Add("Idempotency-Key", "must be UTF-8")
	}
	return bad.Err()
}

// who finds the actor of a request; nobody when it carries no token at all.
func (h *Handler) who(r *http.Request) (access.Actor, error) {
	v := r.Header.Get("Authorization")
	if v == "" {
		return access.Actor{}, nil
	}
	scheme, secret, _ := strings.Cut(v, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return access.Actor{}, fault.New(fault.Unauthenticated, "unauthenticated", "use Authorization: Bearer with a personal access token")
	}
	return h.People.ByToken(r.Context(), strings.TrimSpace(secret))
}

var statuses = map[fault.Kind]int{
	fault.Invalid: 400, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404, fault.Conflict: 409,
	fault.Rule: 422, fault.TooMany: 429, fault.Internal: 500, fault.Unavailable: 503,
}

// failure writes an error in the API's one form. // spec: 01 §8.5
func (h *Handler) failure(c *call, err error) (int, []byte) {
	f, ok := fault.As(err)
	if !ok {
		h.Log.Error("request failed", "request_id", c.id, "path", c.URL.Path, "err", err)
		f = fault.New(fault.Internal, "internal", "a mistake of ours; it was logged under the request id")
	} else if f.Cause != nil {
		h.Log.Warn("request refused", "request_id", c.id, "code", f.Code, "err", f.Cause)
	}
	fields := f.Fields
	if fields == nil {
		fields = map[string]string{}
	}
	return statuses[f.Kind], encode(map[string]any{"error": map[string]any{"code": f.Code, "message": f.Message, "fields": fields, "request_id": c.id}})
}

func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // views always encode
	}
	return b.Bytes()
}

// page reads ?page= and ?limit=.
func page(r *http.Request, parts int) (mark []string, limit int, err error) {
	limit = cursor.DefaultSize
	if l := r.URL.Query().Get("limit"); l != "" {
		if limit, err = strconv.Atoi(l); err != nil || limit < 1 || limit > cursor.MaxSize {
			return nil, 0, fault.Field("limit", "must be 1 to %d", cursor.MaxSize)
		}
	}
	mark, err = cursor.Decode(r.URL.Query().Get("page"), parts)
	return mark, limit, err
}

// pageOne reads the mark of a list that is keyed by one id.
func pageOne(r *http.Request) (after string, limit int, err error) {
	mark, limit, err := page(r, 1)
	if err == nil && mark != nil {
		after = mark[0]
	}
	return after, limit, err
}

// list is the form of every list.
type list[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

// listOf makes a list of at most limit items from one more than that.
func listOf[S, T any](in []S, limit int, view func(S) T, mark func(S) string) list[T] {
	out := list[T]{Items: []T{}}
	for i, s := range in {
		if i == limit {
			out.Next = mark(in[i-1])
			break
		}
		out.Items = append(out.Items, view(s))
	}
	return out
}

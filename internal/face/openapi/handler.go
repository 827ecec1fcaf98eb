package openapi

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/protocol/usagepush"
)

const (
	// Prefix is the path under which this face answers; everything below it is the gateway's.
	Prefix = "/api/mkp-openapi-public/"
	// OldPrefix is the path of the interfaces of the first generation.
	OldPrefix = "/rest/marketplace/"
	// OrderQueryPath is the order query. spec: 14 §3
	OrderQueryPath = Prefix + "global/v1/order/query"

	requestID = "X-Request-Id"
	maxBody   = 12 << 20 // spec: 14 §6.1
	maxURI    = 8 << 10
	maxID     = 64 // characters of orderId and orderLineId. spec: 14 §3.1
)

// Options are what the face needs.
type Options struct {
	Keys   Keys
	Orders Orders
	Usage  Usage
	// Now is the wire clock: signatures are judged by it, never by the business clock. spec: 01 §1.1
	Now func() time.Time
	// Rate gives requests per second, seller and interface, as they are now; nil is 200. spec: 01 §5
	Rate   func() int
	Logger *slog.Logger
}

// Handler serves everything under Prefix.
type Handler struct {
	o Options

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by interface and seller; both are few and known
}

// New makes the face.
func New(o Options) *Handler {
	if o.Rate == nil {
		o.Rate = func() int { return 200 }
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Handler{o: o, limiters: map[string]*rate.Limiter{}}
}

// ServeHTTP answers one request. X-Request-Id is kept when an outer handler has set it on the answer.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if w.Header().Get(requestID) == "" {
		var b [16]byte
		_, _ = rand.Read(b[:]) // never fails
		w.Header().Set(requestID, hex.EncodeToString(b[:]))
	}
	w.Header().Set("Server", "Souk")
	switch {
	case len(r.RequestURI) > maxURI:
		errURITooLong.send(w)
	case r.URL.Path == OrderQueryPath && r.Method == http.MethodGet:
		h.orderQuery(w, r)
	case r.URL.Path == usagepush.NewPath && r.Method == http.MethodPost:
		h.usage(w, r, usagepush.New)
	case r.URL.Path == usagepush.OldPath && r.Method == http.MethodPost:
		h.usage(w, r, usagepush.Old)
	default:
		errNoAPI.send(w)
	}
}

// body reads a request whole; a refusal is sent.
func (h *Handler) body(w http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		errTooLarge.send(w)
	case err != nil:
		errBadRequest.send(w)
	}
	return body, err == nil
}

func (h *Handler) orderQuery(w http.ResponseWriter, r *http.Request) {
	log := h.o.Logger.With("request_id", w.Header().Get(requestID), "api", "order/query")
	body, ok := h.body(w, r)
	if !ok {
		return
	}
	key, refused := h.authenticate(r, body, log)
	if refused != nil {
		refused.send(w)
		return
	}
	log = log.With("seller", key.SellerID)
	ops.From(r.Context()).Company = key.SellerID
	if key.SellerID == "" {
		errNoSeller.send(w)
		return
	}
	if !h.limiter("order/query "+key.SellerID).AllowN(h.o.Now(), 1) {
		errThrottled.send(w)
		return
	}
	orderID, lineID, bad := parameters(r.URL.RawQuery)
	if bad != nil {
		bad.send(w)
		return
	}
	ops.From(r.Context()).Order = orderID
	h.order(w, r, log.With("order", orderID), key.SellerID, orderID, lineID)
}

// order answers an authenticated, well-formed query. spec: 14 §3.1, 01 §5
func (h *Handler) order(w http.ResponseWriter, r *http.Request, log *slog.Logger, sellerID, orderID, lineID string) {
	unknown := invalid("Invalid parameter: the order does not exist.")
	if mock, ok := MockAnswer(orderID, lineID); ok {
		send(w, http.StatusOK, mock)
		return
	}
	if _, ok := mockOf(orderID); ok {
		invalid("Invalid parameter: the order has no such orderLineId.").send(w)
		return
	}
	view, owner, found, err := h.o.Orders.OrderBySeller(r.Context(), orderID)
	switch {
	case err != nil:
		log.Error("order query", "err", err)
		errInternal.send(w)
	case !found:
		unknown.send(w)
	case owner != sellerID:
		errForeign.send(w)
	default:
		info, ok := view.wire(lineID)
		if !ok {
			invalid("Invalid parameter: the order has no such orderLineId.").send(w)
			return
		}
		send(w, http.StatusOK, encode(answer{ResultCode: "MKT.0000", ResultMsg: "success", OrderInfo: info}))
	}
}

// parameters reads orderId and orderLineId; other parameters are ignored, as fields may be added later.
func parameters(rawQuery string) (orderID, lineID string, bad *failure) {
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return "", "", invalid("Invalid parameter: the query string is not well-formed.")
	}
	one := func(name string) (string, *failure) {
		switch v := q[name]; {
		case len(v) == 0:
			return "", nil
		case len(v) > 1:
			return "", invalid("Invalid parameter: " + name + " is given more than once.")
		case !utf8.ValidString(v[0]) || utf8.RuneCountInString(v[0]) > maxID || strings.ContainsFunc(v[0], func(r rune) bool { return r < ' ' }):
			return "", invalid("Invalid parameter: " + name + " is at most 64 characters of text.")
		default:
			return v[0], nil
		}
	}
	if orderID, bad = one("orderId"); bad != nil {
		return "", "", bad
	}
	if orderID == "" {
		return "", "", invalid("Invalid parameter: orderId is required.")
	}
	lineID, bad = one("orderLineId")
	return orderID, lineID, bad
}

func (h *Handler) limiter(who string) *rate.Limiter {
	h.mu.Lock()
	defer h.mu.Unlock()
	l, n := h.limiters[who], h.o.Rate()
	if l == nil || l.Burst() != n { // a changed setting begins with a full second
		l = rate.NewLimiter(rate.Limit(n), n)
		h.limiters[who] = l
	}
	return l
}

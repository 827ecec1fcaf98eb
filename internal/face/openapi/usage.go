package openapi

import (
	"bytes"
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/service/metering"
	"github.com/souk-market/souk/protocol/usagepush"
)

// Usage takes what sellers push (metering.Metering).
type Usage interface {
	Caller(ctx context.Context, p *metering.Push) (seller string, refused *usagepush.Answer, err error)
	Take(ctx context.Context, seller string, p *metering.Push) (usagepush.Answer, error)
}

// usage answers a push of usage (推送话单) of either interface. The new one is proved by its three headers, and an access
// key beside them must be right too; the old one by an access key. // spec: 14 §2.1–2.3, 01 §6
func (h *Handler) usage(w http.ResponseWriter, r *http.Request, g usagepush.Generation) {
	log := h.o.Logger.With("request_id", w.Header().Get(requestID), "api", "isv/usage-data")
	body, ok := h.body(w, r)
	if !ok {
		return
	}
	p := &metering.Push{Generation: g, Body: body, Headers: usagepush.Headers{TS: r.Header.Get("ts"), Nonce: r.Header.Get("nonce"), Signature: r.Header.Get("signature")}, Request: written(r, body)}
	if g == usagepush.Old {
		p.Headers = usagepush.Headers{}
	}
	if g == usagepush.Old || r.Header.Get("Authorization") != "" {
		key, refused := h.authenticate(r, body, log)
		if refused != nil {
			refused.send(w)
			return
		}
		if p.Seller = key.SellerID; p.Seller == "" {
			answerUsage(w, usagepush.Refuse(usagepush.NoSeller, "No authority: the caller is not a seller."))
			return
		}
	}
	seller, refused, err := h.o.Usage.Caller(r.Context(), p)
	if err == nil && refused != nil {
		answerUsage(w, *refused)
		return
	}
	if err == nil {
		ops.From(r.Context()).Company = seller
		if !h.limiter("isv/usage-data "+seller).AllowN(h.o.Now(), 1) {
			errOverRate.send(w)
			return
		}
		var a usagepush.Answer
		if a, err = h.o.Usage.Take(r.Context(), seller, p); err == nil {
			answerUsage(w, a)
			return
		}
	}
	log.Error("usage push", "err", err)
	answerUsage(w, usagepush.Refuse(usagepush.Internal, "Internal error."))
}

func answerUsage(w http.ResponseWriter, a usagepush.Answer) { send(w, a.Status(), a.JSON()) }

// written is a request as it came, for the seller's eyes: the headers that matter, and the body untouched.
func written(r *http.Request, body []byte) []byte {
	var b bytes.Buffer
	b.WriteString(r.Method + " " + r.RequestURI + " HTTP/1.1\r\nHost: " + r.Host + "\r\n")
	for _, name := range []string{"Content-Type", "Content-Length", "ts", "nonce", "signature", "X-Sdk-Date", "Authorization", "User-Agent"} {
		for _, v := range r.Header.Values(name) {
			b.WriteString(name + ": " + v + "\r\n")
		}
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

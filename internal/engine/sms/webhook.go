package sms

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/ground/clock"
)

const (
	timeout = 10 * time.Second
	maxBody = 16 << 10
)

// Webhook is a provider behind an address.
type Webhook struct {
	URL    string
	Key    string // of the signature
	Client *outbound.Client
	Wire   clock.Clock
}

// Sign is the signature of a body: hex HMAC-SHA256 under the key of "<timestamp>.<body>", the timestamp being seconds
// since 1970. It stands in X-Souk-Signature, the timestamp in X-Souk-Timestamp.
func Sign(key, timestamp string, body []byte) string {
	h := hmac.New(sha256.New, []byte(key))
	h.Write([]byte(timestamp + "."))
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// Send posts {"id","to","text"}. Any 2xx takes it; 4xx but 408, 425 and 429 refuses it for good; all else is tried again
// with the same id, by which the provider knows what it has already.
func (w Webhook) Send(ctx context.Context, m mail.Message) error {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(map[string]string{"id": m.ID, "to": m.To, "text": m.Text}); err != nil {
		return err
	}
	text := bytes.TrimSuffix(body.Bytes(), []byte("\n"))
	stamp := strconv.FormatInt(w.Wire.Now().Unix(), 10)
	a := w.Client.Do(ctx, outbound.Request{Method: http.MethodPost, URL: w.URL, Body: text, Timeout: timeout, MaxBody: maxBody, Header: []outbound.Field{
		{Name: "Content-Type", Value: "application/json;charset=utf-8"}, {Name: "User-Agent", Value: "Souk"}, {Name: "Idempotency-Key", Value: m.ID},
		{Name: "X-Souk-Timestamp", Value: stamp}, {Name: "X-Souk-Signature", Value: Sign(w.Key, stamp, text)},
	}})
	switch {
	case a.Reason != "":
		return fmt.Errorf("sms provider: %s: %w", a.Reason, a.Err)
	case a.Status >= 200 && a.Status < 300:
		return nil
	}
	why := fmt.Sprintf("sms provider: %d %s", a.Status, said(a.Body))
	if a.Status >= 400 && a.Status < 500 && a.Status != http.StatusRequestTimeout && a.Status != http.StatusTooEarly && a.Status != http.StatusTooManyRequests {
		return mail.Refused{Why: why}
	}
	return fmt.Errorf("%s", why)
}

// said is the beginning of an answer, fit to be shown.
func said(body []byte) string {
	s := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xfffd {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(body), " "))
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200])
	}
	return strings.TrimSpace(s)
}

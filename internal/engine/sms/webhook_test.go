package sms_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/sms"
	"github.com/souk-market/souk/internal/ground/clock"
)

func TestWhatTheProviderGets(t *testing.T) {
	var got *http.Request
	var body []byte
	status, answer := 202, `{"ok":true}`
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	defer srv.Close()
	client := outbound.New(outbound.Policy{AllowLoopback: true, AllowHTTP: true, AllowIPHost: true}, outbound.Options{})
	defer client.Close()
	w := sms.Webhook{URL: srv.URL + "/send?from=souk", Key: "secret-of-the-webhook", Client: client, Wire: clock.NewManual(time.Unix(1_790_000_000, 0))}
	m := mail.Message{ID: "id-1", Channel: mail.SMS, To: "+8613800138000", Text: "【集市】<云帆> & 已开通"}
	if err := w.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if string(body) != `{"id":"id-1","text":"【集市】<云帆> & 已开通","to":"+8613800138000"}` || got.Method != "POST" || got.URL.RequestURI() != "/send?from=souk" {
		t.Errorf("%s %s: %s", got.Method, got.URL, body)
	}
	if got.Header.Get("X-Souk-Timestamp") != "1790000000" || got.Header.Get("X-Souk-Signature") != sms.Sign("secret-of-the-webhook", "1790000000", body) || got.Header.Get("Idempotency-Key") != "id-1" {
		t.Errorf("headers: %v", got.Header)
	}
	// A frozen vector, made with openssl, for whoever writes the other side.
	if s := sms.Sign("key", "1790000000", []byte(`{"id":"1"}`)); s != "90f035544cdaebc73c616996eae683d7d1d3fa883df749be2fee5da23bb9619d" {
		t.Errorf("signature %s", s)
	}
	for _, c := range []struct {
		status int
		final  bool
	}{{400, true}, {404, true}, {408, false}, {429, false}, {500, false}, {302, false}} {
		status, answer = c.status, "no\x00 credit"
		err := w.Send(t.Context(), m)
		var refused mail.Refused
		if err == nil || errors.As(err, &refused) != c.final || !strings.Contains(err.Error(), "no  credit") {
			t.Errorf("%d: %v", c.status, err)
		}
	}
	srv.Close()
	var refused mail.Refused
	if err := w.Send(t.Context(), m); err == nil || errors.As(err, &refused) {
		t.Errorf("nobody there: %v", err)
	}
}

// In production the address is judged like a seller's: nothing private, no plain http.
func TestTheProviderIsReachedThroughTheGuard(t *testing.T) {
	client := outbound.New(outbound.Policy{}, outbound.Options{})
	defer client.Close()
	for _, url := range []string{"http://sms.example.com/", "https://127.0.0.1/", "https://169.254.169.254/"} {
		err := sms.Webhook{URL: url, Client: client, Wire: clock.System{}}.Send(t.Context(), mail.Message{})
		if err == nil || !strings.Contains(err.Error(), "blocked") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

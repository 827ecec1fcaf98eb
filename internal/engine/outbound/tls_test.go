package outbound_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
)

func TestTLS(t *testing.T) {
	body := bytes.Repeat([]byte("集市"), 10_000)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/1.1" {
			t.Errorf("spoken: %s", r.Proto)
		}
		_, _ = w.Write(body)
	}))
	s.Config.ErrorLog = discard
	s.EnableHTTP2 = true // offered, not taken
	s.StartTLS()
	t.Cleanup(s.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	local := func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	port := s.Listener.Addr().(*net.TCPAddr).Port
	do := func(o outbound.Options, host string) outbound.Answer {
		o.Resolve = local
		return client(t, outbound.Policy{AllowLoopback: true}, o).
			Do(t.Context(), outbound.Request{Method: "GET", URL: fmt.Sprintf("https://%s:%d/p", host, port), Timeout: 20 * time.Second})
	}
	a := do(outbound.Options{RootCAs: trusted}, "example.com")
	if a.Reason != "" || !bytes.Equal(a.Body, body) {
		t.Fatalf("%q (%v)", a.Reason, a.Err)
	}
	// The bytes are those inside the encryption.
	if !bytes.HasPrefix(a.SentBytes, []byte("GET /p HTTP/1.1\r\n")) || !bytes.Contains(a.ReceivedBytes, body[:100]) {
		t.Errorf("captured %q and %q", a.SentBytes, a.ReceivedBytes[:100])
	}
	for name, a := range map[string]outbound.Answer{
		"unknown authority": do(outbound.Options{}, "example.com"),
		"another's name":    do(outbound.Options{RootCAs: trusted}, "seller.example"),
	} {
		if a.Reason != outbound.ReasonTLS || a.WroteRequest {
			t.Errorf("%s: %q (%v), wrote %v", name, a.Reason, a.Err, a.WroteRequest)
		}
	}

	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.Config.ErrorLog = discard
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	t.Cleanup(old.Close)
	port = old.Listener.Addr().(*net.TCPAddr).Port
	if a := do(outbound.Options{RootCAs: trusted}, "example.com"); a.Reason != outbound.ReasonTLS || a.WroteRequest {
		t.Errorf("TLS 1.1: %q (%v)", a.Reason, a.Err)
	}
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	port = plain.Listener.Addr().(*net.TCPAddr).Port
	if a := do(outbound.Options{RootCAs: trusted}, "example.com"); a.Reason != outbound.ReasonTLS || a.WroteRequest {
		t.Errorf("no TLS at all: %q (%v)", a.Reason, a.Err)
	}
}

package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
)

const testKey = "secret-key-5e4d3c2b"

// serve answers every connection with a function of one's own and returns the address.
func serve(t *testing.T, talk func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				talk(c)
			}()
		}
	}()
	return "http://" + l.Addr().String() + "/produce"
}

// swallow reads the head of a request.
func swallow(c net.Conn) {
	r := bufio.NewReader(c)
	for {
		line, err := r.ReadString('\n')
		if err != nil || line == "\r\n" {
			return
		}
	}
}

// Every kind of server that is none gets a clear verdict, soon, and nothing hangs.
func TestServersThatAreNone(t *testing.T) {
	closed := serve(t, func(net.Conn) {})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := "http://" + l.Addr().String() + "/produce"
	l.Close()
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(secure.Close)
	two := httptest.NewUnstartedServer(http.NotFoundHandler())
	two.TLS = &tls.Config{NextProtos: []string{"h2"}}
	two.EnableHTTP2 = true
	two.StartTLS()
	t.Cleanup(two.Close)
	endless := func(c net.Conn) {
		swallow(c)
		_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"resultMsg\":\"")
		for err == nil {
			_, err = c.Write([]byte(strings.Repeat("x", 32<<10)))
		}
	}
	for name, c := range map[string]struct {
		url     string
		rule    string // of V1, the one must that is broken
		says    string
		outcome Outcome
	}{
		"nobody listens":          {nobody, "v1.answer.connect", "refused", NotReached},
		"no such name":            {"http://nobody.invalid/produce", "v1.answer.connect", "dns", NotReached},
		"closes at once":          {closed, "v1.answer.connect", "no answer", Ill},
		"unknown certificate":     {secure.URL, "v1.answer.connect", "tls", Ill},
		"TLS where there is none": {strings.Replace(serve(t, func(c net.Conn) { _, _ = io.WriteString(c, "hello\n") }), "http:", "https:", 1), "v1.answer.connect", "tls", Ill},
		"HTTP/2 alone":            {serve(t, func(c net.Conn) { swallow(c); _, _ = c.Write([]byte{0, 0, 0, 4, 0, 0, 0, 0, 0}) }), "v1.answer.connect", "HTTP/2", Ill},
		"HTTP/2 alone, secure":    {two.URL, "v1.answer.connect", "", Ill},
		"not HTTP":                {serve(t, func(c net.Conn) { swallow(c); _, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n") }), "v1.answer.connect", "malformed", Ill},
		"endless answer":          {serve(t, endless), "v1.answer.size", "longer than", Ill},
		"endless header": {serve(t, func(c net.Conn) {
			swallow(c)
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; err == nil; i++ {
				_, err = fmt.Fprintf(c, "X-%d: %s\r\n", i, strings.Repeat("y", 1000))
			}
		}), "v1.answer.size", "", Ill},
		"drips for ever": {serve(t, func(c net.Conn) {
			swallow(c)
			_, err := io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
			for err == nil {
				time.Sleep(5 * time.Millisecond)
				_, err = io.WriteString(c, " ")
			}
		}), "v1.answer.in-time", "no complete answer", Ill},
		"interim answers for ever": {serve(t, func(c net.Conn) {
			swallow(c)
			var err error
			for err == nil {
				_, err = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n")
			}
		}), "v1.answer.connect", "interim", Ill},
		"redirects to itself": {serve(t, func(c net.Conn) {
			swallow(c)
			_, _ = io.WriteString(c, "HTTP/1.1 302 Found\r\nLocation: /produce\r\nContent-Length: 0\r\n\r\n")
		}), "v1.answer.redirect", "302", Ill},
		"another site": {httptestServer(t, http.NotFoundHandler()), "v1.answer.status", "404", Ill},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			r, err := Run(t.Context(), Options{Protocol: V1, Key: testKey, URL: c.url, Lang: EN, Scale: 0.2})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(r.Red(), []string{c.rule}) || r.Outcome != c.outcome {
				t.Errorf("%v, %s", r.Red(), r.Outcome)
			}
			for _, v := range r.Verdicts {
				if v.State == Fail && v.Rule == c.rule && !strings.Contains(v.Came.EN, c.says) {
					t.Errorf("says %q", v.Came.EN)
				}
			}
			if took := time.Since(began); took > 15*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func httptestServer(t *testing.T, h http.Handler) string {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// The marketplace's own client decides where the doctor may go; a trusted authority makes
// a test server's certificate good.
func TestClientsOfOnesOwn(t *testing.T) {
	guarded := outbound.New(outbound.Policy{AllowHTTP: true}, outbound.Options{})
	defer guarded.Close()
	r, err := Run(t.Context(), Options{Protocol: V1, Key: testKey, URL: "http://localhost:1/", Send: guarded.Do, Lang: EN})
	if err != nil || r.Outcome != NotReached || !slices.Equal(r.Red(), []string{"v1.answer.connect"}) {
		t.Errorf("%v %v", err, r)
	}
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	defer secure.Close()
	pool := x509.NewCertPool()
	pool.AddCert(secure.Certificate())
	r, err = Run(t.Context(), Options{Protocol: V1, Key: testKey, URL: secure.URL, RootCAs: pool, Lang: EN})
	if err != nil || !slices.Equal(r.Red(), []string{"v1.answer.status"}) {
		t.Errorf("%v %v", err, r)
	}
}

// Options that no run can be made with say so, and say nothing secret.
func TestOptionsThatAreRefused(t *testing.T) {
	for name, o := range map[string]Options{
		"no key":          {Protocol: V1, URL: "http://127.0.0.1/"},
		"no protocol":     {Key: testKey, URL: "http://127.0.0.1/"},
		"no address":      {Protocol: V1, Key: testKey},
		"not an address":  {Protocol: V1, Key: testKey, URL: "ftp://127.0.0.1/hunter2"},
		"credentials":     {Protocol: V1, Key: testKey, URL: "http://admin:hunter2@127.0.0.1/"},
		"broken, secret":  {Protocol: V2, Key: testKey, URL: "http://admin:hunter2%zz@127.0.0.1/"},
		"fragment":        {Protocol: V1, Key: testKey, URL: "http://127.0.0.1/#hunter2"},
		"own parameter":   {Protocol: V2, Key: testKey, URL: "http://127.0.0.1/?nonce=hunter2"},
		"unknown mode":    {Protocol: V1, Key: testKey, URL: "http://127.0.0.1/", Modes: []Mode{"weekly"}},
		"orders, no pair": {Protocol: V2, Key: testKey, URL: "http://127.0.0.1/", OrderListen: "127.0.0.1:0"},
	} {
		_, err := Run(t.Context(), o)
		if !errors.Is(err, ErrOptions) || strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), testKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A run ends when its time is over, and says that it was not complete.
func TestARunEndsWithItsTime(t *testing.T) {
	url := serve(t, func(c net.Conn) { swallow(c); time.Sleep(time.Second) })
	ctx, stop := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer stop()
	began := time.Now()
	r, err := Run(ctx, Options{Protocol: V1, Key: testKey, URL: url})
	if err != nil || time.Since(began) > 5*time.Second || r.Outcome == Healthy {
		t.Errorf("%v %v", err, r)
	}
}

// A server that says its secrets everywhere finds none of them in any form of the report.
func TestNoSecretIsEverPrinted(t *testing.T) {
	const password, ak, sk = `Pw"<secret>\é1`, "AKSECRET001", "sk-secret-0001"
	mux := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo", testKey)
		fmt.Fprintf(w, `{"resultCode":"000005","resultMsg":"key %s, ak %s, sk %s","password":"Pw\"\u003csecret\u003e\\\u00e91","echo":"Pw\"<secret>\\é1","info":[{"appInfo":{"password":"Pw\"<secret>\\é1"}}]}`, testKey, ak, sk)
	})
	url := httptestServer(t, mux) + "/produce?token=hunter2hunter2"
	for _, p := range []Protocol{V1, V2, Notify} {
		var said strings.Builder
		printer := Printer{Out: &said, Lang: EN, Verbose: true}
		o := Options{Protocol: p, Key: testKey, URL: url, Lang: EN, AK: ak, SK: sk, Scale: 0.05, Progress: func(v Verdict) { _ = printer.Verdict(v) }}
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		_ = printer.Summary(r)
		all := []byte(said.String())
		for _, write := range []func() ([]byte, error){r.JSON, r.JUnit, r.HTML} {
			text, err := write()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, text...)
		}
		if !strings.Contains(string(all), masked) {
			t.Errorf("%s: nothing is masked", p)
		}
		for _, secret := range []string{testKey, ak, sk, password, "<secret", "u003csecret", "lt;secret", "hunter2"} {
			if at := strings.Index(string(all), secret); at >= 0 {
				t.Errorf("%s: %q is printed: %s", p, secret, all[max(0, at-200):at+40])
			}
		}
	}
}

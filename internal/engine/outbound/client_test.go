package outbound_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/internal/engine/outbound"
)

func TestBytesOfARequest(t *testing.T) {
	s := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 2\n\nok"))
	host := s.addr.String()
	for _, c := range []struct {
		name string
		r    outbound.Request
		want string
	}{
		{"order and case of the header, target as written",
			outbound.Request{Method: "GET", URL: "http://" + host + "/p?b=%20%2B%2f&a=!*'()~&empty=&b=2", Header: []outbound.Field{
				{"accept", "application/json"}, {"X-SDK-date", "1"}, {"Body-Sign", "a"}, {"Body-Sign", "b"}}},
			"GET /p?b=%20%2B%2f&a=!*'()~&empty=&b=2 HTTP/1.1\nHost: HOST\naccept: application/json\nX-SDK-date: 1\nBody-Sign: a\nBody-Sign: b\nConnection: close\n\n"},
		{"no path", outbound.Request{Method: "GET", URL: "http://" + host}, "GET / HTTP/1.1\nHost: HOST\nConnection: close\n\n"},
		{"query without path", outbound.Request{Method: "GET", URL: "http://" + host + "?x=//y"}, "GET /?x=//y HTTP/1.1\nHost: HOST\nConnection: close\n\n"},
		{"empty body of a POST", outbound.Request{Method: "POST", URL: "http://" + host + "/"}, "POST / HTTP/1.1\nHost: HOST\nContent-Length: 0\nConnection: close\n\n"},
		{"body and fields that place themselves",
			outbound.Request{Method: "POST", URL: "http://" + host + "/", Body: []byte("{}"), Header: []outbound.Field{
				{"Content-Length", "2"}, {"Host", "other"}, {"connection", "keep-alive"}}},
			"POST / HTTP/1.1\nContent-Length: 2\nHost: other\nconnection: keep-alive\n\n{}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.Timeout = 20 * time.Second
			a := client(t, sandbox, outbound.Options{}).Do(t.Context(), c.r)
			if a.Reason != "" || a.Status != 200 || string(a.Body) != "ok" || !a.WroteRequest {
				t.Fatalf("answer %+v", a)
			}
			want := strings.NewReplacer("\n", "\r\n", "HOST", host).Replace(c.want)
			if d := cmp.Diff(want, string(a.SentBytes)); d != "" {
				t.Errorf("recorded bytes (-want +got):\n%s", d)
			}
			if seen := s.seen(); !strings.HasPrefix(want, string(seen[len(seen)-1])) {
				t.Errorf("the server saw %q", seen[len(seen)-1])
			}
			if got := string(a.ReceivedBytes); got != "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" {
				t.Errorf("received %q", got)
			}
		})
	}
}

// What a server may answer, and what is made of it. // spec: 02 §2.10
func TestAnswers(t *testing.T) {
	big := strings.Repeat("x", 1<<20)
	for _, c := range []struct {
		name   string
		script func(context.Context, net.Conn)
		reason string
		status int
		body   string
	}{
		{"JSON", say("HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: 2\n\n{}"), "", 200, "{}"},
		{"HTML", say("HTTP/1.1 502 Bad Gateway\nContent-Type: text/html\nContent-Length: 13\n\n<html></html>"), "", 502, "<html></html>"},
		{"created", say("HTTP/1.1 201 Created\nContent-Length: 0\n\n"), "", 201, ""},
		{"no content", say("HTTP/1.1 204 No Content\n\n"), "", 204, ""},
		{"redirect, not followed", say("HTTP/1.1 302 Found\nLocation: http://127.0.0.1:1/\nContent-Length: 0\n\n"), "", 302, ""},
		{"chunked", say("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n3\nabc\n2;x=y\nde\n0\nTrailer: t\n\n"), "", 200, "abcde"},
		{"until closed", say("HTTP/1.1 200 OK\n\nall of it"), "", 200, "all of it"},
		{"HTTP/1.0", say("HTTP/1.0 200 OK\n\nold"), "", 200, "old"},
		{"gzip, not unpacked", say("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 4\n\n\x1f\x8b\x08\x00"), "", 200, "\x1f\x8b\x08\x00"},
		{"byte-order mark", say("HTTP/1.1 200 OK\nContent-Length: 5\n\n\ufeff{}"), "", 200, "\ufeff{}"},
		{"1 MiB", say("HTTP/1.1 200 OK\nContent-Length: 1048576\n\n" + big), "", 200, big},
		{"100 and 103 first", say("HTTP/1.1 100 Continue\n\nHTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nok"), "", 200, "ok"},
		{"101", say("HTTP/1.1 101 Switching Protocols\nUpgrade: x\n\n"), "", 101, ""},
		{"100 for ever", func(_ context.Context, c net.Conn) {
			for {
				if _, err := c.Write([]byte("HTTP/1.1 100 Continue\r\n\r\n")); err != nil {
					return
				}
			}
		}, outbound.ReasonMalformed, 0, ""},
		{"over 1 MiB", say("HTTP/1.1 200 OK\nContent-Length: 1048577\n\n" + big + "x"), outbound.ReasonTooLarge, 200, big},
		{"body for ever", endless("HTTP/1.1 200 OK\r\n\r\n", big), outbound.ReasonTooLarge, 200, big},
		{"header for ever", endless("HTTP/1.1 200 OK\r\n", "X-Padding: "+strings.Repeat("x", 100)+"\r\n"), outbound.ReasonTooLarge, 0, ""},
		{"one header line for ever", endless("HTTP/1.1 200 OK\r\nX: ", "xxxxxxxx"), outbound.ReasonTooLarge, 0, ""},
		{"status line for ever", endless("", "HTTP/1.1 "), outbound.ReasonTooLarge, 0, ""},
		{"closed without an answer", say(""), outbound.ReasonClosed, 0, ""},
		{"closed in the header", say("HTTP/1.1 200 OK\nConte"), outbound.ReasonClosed, 0, ""},
		{"closed in the body", say("HTTP/1.1 200 OK\nContent-Length: 10\n\nhalf"), outbound.ReasonClosed, 200, "half"},
		{"closed in a chunk", say("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nab"), outbound.ReasonClosed, 200, "ab"},
		{"reset", func(_ context.Context, c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }, outbound.ReasonReset, 0, ""},
		{"HTTP/2", say("\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x80\n\n"), outbound.ReasonMalformed, 0, ""},
		{"not HTTP", say("220 mail.example ESMTP\n"), outbound.ReasonMalformed, 0, ""},
		{"status 000", say("HTTP/1.1 000 OK\nContent-Length: 0\n\n"), outbound.ReasonMalformed, 0, ""},
		{"two lengths", say("HTTP/1.1 200 OK\nContent-Length: 2\nContent-Length: 3\n\nabc"), outbound.ReasonMalformed, 0, ""},
		{"bad chunk", say("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\nabc\n0\n\n"), outbound.ReasonMalformed, 200, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.script)
			a := get(t, s.URL)
			if a.Reason != c.reason || a.Status != c.status || string(a.Body) != c.body {
				t.Errorf("%q (%v), status %d, %d bytes; want %q, %d, %d bytes",
					a.Reason, a.Err, a.Status, len(a.Body), c.reason, c.status, len(c.body))
			}
			if (a.Err == nil) != (a.Reason == "") || !a.WroteRequest || len(a.SentBytes) == 0 {
				t.Errorf("incomplete: %v, %q, wrote %v", a.Err, a.Reason, a.WroteRequest)
			}
			// Whatever came back, it was asked once.
			if n := len(s.seen()); n != 1 {
				t.Errorf("%d connections, want one", n)
			}
		})
	}
}

func endless(start, more string) func(context.Context, net.Conn) {
	return func(_ context.Context, c net.Conn) {
		_, err := c.Write([]byte(start))
		for err == nil {
			_, err = c.Write([]byte(more))
		}
	}
}

// Two fields of one name stay two. // spec: 02 §1.12
func TestRepeatedHeaderStaysApart(t *testing.T) {
	a := get(t, serve(t, say("HTTP/1.1 200 OK\nbody-sign: a, b\nX: y\nBODY-SIGN: c\nContent-Length: 0\n\n")).URL)
	if got := a.Header["Body-Sign"]; !slices.Equal(got, []string{"a, b", "c"}) {
		t.Errorf("got %q", got)
	}
}

func TestCaptureAndBodyLimits(t *testing.T) {
	s := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 1000\n\n"+strings.Repeat("x", 1000)))
	c := client(t, sandbox, outbound.Options{MaxCapture: 100})
	a := c.Do(t.Context(), outbound.Request{Method: "GET", URL: s.URL, Timeout: 20 * time.Second})
	if a.Reason != "" || len(a.ReceivedBytes) != 100 || len(a.Body) != 1000 {
		t.Errorf("%q: captured %d, body %d; want 100 and 1000", a.Reason, len(a.ReceivedBytes), len(a.Body))
	}
	a = c.Do(t.Context(), outbound.Request{Method: "GET", URL: s.URL, Timeout: 20 * time.Second, MaxBody: 999})
	if a.Reason != outbound.ReasonTooLarge || len(a.Body) != 999 {
		t.Errorf("%q with %d bytes, want too_large with 999", a.Reason, len(a.Body))
	}
}

func TestNothingIsSent(t *testing.T) {
	s := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 0\n\n"))
	port := s.addr.(*net.TCPAddr).Port
	ok := outbound.Request{Method: "GET", URL: s.URL, Timeout: 20 * time.Second}
	with := func(change func(*outbound.Request)) outbound.Request { r := ok; change(&r); return r }
	url := func(u string) outbound.Request { return with(func(r *outbound.Request) { r.URL = u }) }
	header := func(name, value string) outbound.Request {
		return with(func(r *outbound.Request) { r.Header = []outbound.Field{{name, value}} })
	}
	// A resolver that knows this machine by name.
	named := outbound.Options{Resolve: func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}}
	nowhere := outbound.Options{Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}}
	empty := outbound.Options{Resolve: func(context.Context, string) ([]netip.Addr, error) { return nil, nil }}

	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	dead.Close()

	for _, c := range []struct {
		name   string
		policy outbound.Policy
		o      outbound.Options
		r      outbound.Request
		reason string
	}{
		{"loopback by address", outbound.Policy{AllowHTTP: true, AllowIPHost: true}, outbound.Options{}, ok, outbound.ReasonBlocked},
		{"loopback by name", outbound.Policy{AllowHTTP: true}, named, url(fmt.Sprintf("http://seller.example:%d/", port)), outbound.ReasonBlocked},
		{"loopback as IPv6", outbound.Policy{AllowHTTP: true, AllowIPHost: true}, outbound.Options{}, url(fmt.Sprintf("http://[::ffff:127.0.0.1]:%d/", port)), outbound.ReasonBlocked},
		{"address for a name", outbound.Policy{AllowHTTP: true, AllowLoopback: true}, outbound.Options{}, ok, outbound.ReasonBlocked},
		{"http", outbound.Policy{AllowLoopback: true, AllowIPHost: true}, outbound.Options{}, ok, outbound.ReasonBlocked},
		{"unknown name", sandbox, nowhere, url("http://seller.example/"), outbound.ReasonDNS},
		{"name without address", sandbox, empty, url("http://seller.example/"), outbound.ReasonDNS},
		{"nobody listens", sandbox, outbound.Options{}, url("http://" + dead.Addr().String()), outbound.ReasonRefused},
		{"other scheme", sandbox, outbound.Options{}, url("ftp://seller.example/"), outbound.ReasonInvalid},
		{"user", sandbox, outbound.Options{}, url("http://u:p@seller.example/"), outbound.ReasonInvalid},
		{"fragment", sandbox, outbound.Options{}, url("http://seller.example/#x"), outbound.ReasonInvalid},
		{"no host", sandbox, outbound.Options{}, url("http:///x"), outbound.ReasonInvalid},
		{"blank in the URL", sandbox, outbound.Options{}, url("http://seller.example/a b"), outbound.ReasonInvalid},
		{"line break in the URL", sandbox, outbound.Options{}, url("http://seller.example/a\r\nX: y"), outbound.ReasonInvalid},
		{"Chinese in the URL", sandbox, outbound.Options{}, url("http://seller.example/集市"), outbound.ReasonInvalid},
		{"port 0", sandbox, outbound.Options{}, url("http://seller.example:0/"), outbound.ReasonInvalid},
		{"port 65536", sandbox, outbound.Options{}, url("http://seller.example:65536/"), outbound.ReasonInvalid},
		{"line break in a header", sandbox, outbound.Options{}, header("X", "a\r\nY: b"), outbound.ReasonInvalid},
		{"blank in a header name", sandbox, outbound.Options{}, header("X Y", "a"), outbound.ReasonInvalid},
		{"wrong length", sandbox, outbound.Options{}, header("Content-Length", "5"), outbound.ReasonInvalid},
		{"transfer coding", sandbox, outbound.Options{}, header("Transfer-Encoding", "chunked"), outbound.ReasonInvalid},
		{"method", sandbox, outbound.Options{}, with(func(r *outbound.Request) { r.Method = "GET /" }), outbound.ReasonInvalid},
		{"no time limit", sandbox, outbound.Options{}, with(func(r *outbound.Request) { r.Timeout = 0 }), outbound.ReasonInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.r.BeforeWrite = func() { t.Error("was about to write") }
			a := client(t, c.policy, c.o).Do(t.Context(), c.r)
			if a.Reason != c.reason || a.Err == nil || a.WroteRequest || len(a.SentBytes) != 0 || a.Status != 0 {
				t.Errorf("%q (%v), wrote %v; want %q and nothing sent", a.Reason, a.Err, a.WroteRequest, c.reason)
			}
		})
	}
	if n := len(s.seen()); n != 0 {
		t.Errorf("the server saw %d connections, want none", n)
	}
}

// The resolver tells a public address while it is checked and this machine's
// when the call is made, and the other way round within one look-up.
func TestRebinding(t *testing.T) {
	s := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 0\n\n"))
	url := fmt.Sprintf("http://seller.example:%d/", s.addr.(*net.TCPAddr).Port)
	var asked atomic.Int32
	c := client(t, outbound.Policy{AllowHTTP: true}, outbound.Options{Resolve: func(context.Context, string) ([]netip.Addr, error) {
		if asked.Add(1) == 1 {
			return []netip.Addr{netip.MustParseAddr("1.1.1.1")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	if word, err := c.Check(t.Context(), url); word != "" {
		t.Fatalf("the check refused: %v", err)
	}
	a := c.Do(t.Context(), outbound.Request{Method: "GET", URL: url, Timeout: 20 * time.Second})
	if a.Reason != outbound.ReasonBlocked {
		t.Errorf("%q (%v), want blocked", a.Reason, a.Err)
	}
	if word, _ := c.Check(t.Context(), url); word != outbound.ReasonBlocked {
		t.Errorf("a second check said %q", word)
	}
	if len(s.seen()) != 0 {
		t.Error("the server was reached")
	}
}

// A name with several addresses is called at the first that may be and answers.
func TestSeveralAddresses(t *testing.T) {
	s := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 0\n\n"))
	url := fmt.Sprintf("http://seller.example:%d/", s.addr.(*net.TCPAddr).Port)
	for name, c := range map[string]struct {
		addrs  []string
		reason string
	}{
		"the second answers":   {[]string{"127.0.0.2", "127.0.0.1"}, ""},
		"the first is closed":  {[]string{"10.0.0.1", "127.0.0.1"}, ""},
		"all closed or absent": {[]string{"10.0.0.1", "127.0.0.2"}, outbound.ReasonBlocked},
	} {
		o := outbound.Options{Resolve: func(context.Context, string) (all []netip.Addr, _ error) {
			for _, a := range c.addrs {
				all = append(all, netip.MustParseAddr(a))
			}
			return all, nil
		}}
		a := client(t, sandbox, o).Do(t.Context(), outbound.Request{Method: "GET", URL: url, Timeout: 20 * time.Second})
		if a.Reason != c.reason {
			t.Errorf("%s: %q (%v), want %q", name, a.Reason, a.Err, c.reason)
		}
	}
}

func TestTimeout(t *testing.T) {
	drip := func(ctx context.Context, c net.Conn) {
		for _, b := range []byte("HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 1000)) {
			if _, err := c.Write([]byte{b}); err != nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	for name, script := range map[string]func(context.Context, net.Conn){"silence": hang, "a byte at a time": drip} {
		t.Run(name, func(t *testing.T) {
			const limit = 60 * time.Millisecond
			a := client(t, sandbox, outbound.Options{}).Do(t.Context(), outbound.Request{Method: "GET", URL: serve(t, script).URL, Timeout: limit})
			if a.Reason != outbound.ReasonTimeout || !a.WroteRequest || a.Duration < limit {
				t.Errorf("%q after %s, wrote %v", a.Reason, a.Duration, a.WroteRequest)
			}
		})
	}
	t.Run("the resolver", func(t *testing.T) {
		o := outbound.Options{Resolve: func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		a := client(t, sandbox, o).Do(t.Context(), outbound.Request{Method: "GET", URL: "http://seller.example/", Timeout: 20 * time.Millisecond})
		if a.Reason != outbound.ReasonTimeout || a.WroteRequest {
			t.Errorf("%q, wrote %v", a.Reason, a.WroteRequest)
		}
	})
	t.Run("a body nobody takes", func(t *testing.T) {
		body := make([]byte, 16<<20) // more than all buffers hold
		a := client(t, sandbox, outbound.Options{}).Do(t.Context(), outbound.Request{Method: "POST", URL: serve(t, func(ctx context.Context, c net.Conn) { <-ctx.Done() }).URL, Body: body, Timeout: 3 * time.Second})
		if a.Reason != outbound.ReasonTimeout || !a.WroteRequest || len(a.SentBytes) >= len(body) {
			t.Errorf("%q, wrote %v, %d bytes", a.Reason, a.WroteRequest, len(a.SentBytes))
		}
	})
}

func TestCallerGivesUp(t *testing.T) {
	ctx, give := context.WithCancel(t.Context())
	r := outbound.Request{Method: "GET", URL: serve(t, hang).URL, Timeout: 20 * time.Second, AfterWrite: give,
		Late: func(outbound.Answer) { t.Error("an answer nobody waits for") }, LateFor: time.Minute}
	a := client(t, sandbox, outbound.Options{}).Do(ctx, r)
	if a.Reason != outbound.ReasonCanceled || !a.WroteRequest {
		t.Errorf("%q, wrote %v", a.Reason, a.WroteRequest)
	}
}

// After the time-out the answer still arrives, once, and holds nobody up.
func TestLateAnswer(t *testing.T) {
	timedOut := make(chan struct{})
	s := serve(t, func(ctx context.Context, c net.Conn) {
		select {
		case <-timedOut:
			say("HTTP/1.1 200 OK\nContent-Length: 2\n\n{}")(ctx, c)
		case <-ctx.Done():
		}
	})
	late := make(chan outbound.Answer, 2)
	ctx, end := context.WithCancel(t.Context())
	c := outbound.New(sandbox, outbound.Options{})
	a := c.Do(ctx, outbound.Request{Method: "GET", URL: s.URL, Timeout: 30 * time.Millisecond,
		Late: func(a outbound.Answer) { late <- a }, LateFor: time.Minute})
	end() // the caller is gone; that does not end the waiting
	if a.Reason != outbound.ReasonTimeout || !a.WroteRequest {
		t.Fatalf("%q (%v)", a.Reason, a.Err)
	}
	close(timedOut)
	got := <-late
	if got.Reason != "" || got.Status != 200 || string(got.Body) != "{}" || got.Duration < a.Duration || !got.Started.Equal(a.Started) {
		t.Errorf("late answer %+v", got)
	}
	c.Close() // no exchange is under way any more
	if len(late) != 0 || len(s.seen()) != 1 {
		t.Errorf("%d more late answers, %d connections", len(late), len(s.seen()))
	}
}

// What ends badly after the time-out is told to nobody; an answer in time is not
// told twice.
func TestNoLateAnswer(t *testing.T) {
	never := func(outbound.Answer) { t.Error("Late was called") }
	timedOut := make(chan struct{})
	broken := serve(t, func(ctx context.Context, c net.Conn) {
		<-timedOut
		say("HTTP/1.1 200 OK\nContent-Length: 10\n\nhalf")(ctx, c)
	})
	c := outbound.New(sandbox, outbound.Options{})
	a := c.Do(t.Context(), outbound.Request{Method: "GET", URL: broken.URL, Timeout: 20 * time.Millisecond, Late: never, LateFor: time.Minute})
	if a.Reason != outbound.ReasonTimeout {
		t.Errorf("%q", a.Reason)
	}
	// Silence until LateFor is over, and until the client is closed.
	silent := serve(t, hang)
	c.Do(t.Context(), outbound.Request{Method: "GET", URL: silent.URL, Timeout: 10 * time.Millisecond, Late: never, LateFor: 20 * time.Millisecond})
	c.Do(t.Context(), outbound.Request{Method: "GET", URL: silent.URL, Timeout: 10 * time.Millisecond, Late: never, LateFor: time.Hour})
	prompt := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 0\n\n"))
	c.Do(t.Context(), outbound.Request{Method: "GET", URL: prompt.URL, Timeout: 20 * time.Second, Late: never, LateFor: time.Hour})
	close(timedOut)
	c.Close()
	if a := c.Do(t.Context(), outbound.Request{Method: "GET", URL: prompt.URL, Timeout: time.Second}); a.Reason != outbound.ReasonCanceled {
		t.Errorf("after Close: %q", a.Reason)
	}
}

func TestHooks(t *testing.T) {
	var order []string
	note := func(s string) func() { return func() { order = append(order, s) } }
	r := outbound.Request{Method: "GET", URL: serve(t, say("HTTP/1.1 200 OK\nContent-Length: 0\n\n")).URL, Timeout: 20 * time.Second,
		BeforeWrite: note("before"), AfterWrite: note("after"), AfterAnswer: note("answer")}
	client(t, sandbox, outbound.Options{}).Do(t.Context(), r)
	if !slices.Equal(order, []string{"before", "after", "answer"}) {
		t.Errorf("hooks ran as %v", order)
	}
	order = nil
	r.URL = serve(t, say("")).URL
	client(t, sandbox, outbound.Options{}).Do(t.Context(), r)
	if !slices.Equal(order, []string{"before", "after"}) {
		t.Errorf("without an answer hooks ran as %v", order)
	}
}

// No proxy, whatever the environment says.
func TestNoProxy(t *testing.T) {
	proxy := serve(t, say("HTTP/1.1 200 OK\nContent-Length: 5\n\nproxy"))
	for _, name := range []string{"HTTP_PROXY", "http_proxy", "ALL_PROXY"} {
		t.Setenv(name, "http://"+proxy.addr.String())
	}
	a := get(t, serve(t, say("HTTP/1.1 200 OK\nContent-Length: 6\n\nseller")).URL)
	if string(a.Body) != "seller" || len(proxy.seen()) != 0 {
		t.Errorf("answered by %q", a.Body)
	}
}

func TestCheckWords(t *testing.T) {
	c := client(t, outbound.Policy{}, outbound.Options{Resolve: func(_ context.Context, host string) ([]netip.Addr, error) {
		switch host {
		case "good.example":
			return []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("2400:cb00::1")}, nil
		case "mixed.example":
			return []netip.Addr{netip.MustParseAddr("1.1.1.1"), netip.MustParseAddr("10.0.0.1")}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}})
	for url, want := range map[string]string{
		"https://good.example/p?x=y": "",
		"https://mixed.example/":     outbound.ReasonBlocked,
		"https://absent.example/":    outbound.ReasonDNS,
		"http://good.example/":       outbound.ReasonBlocked,
		"https://1.1.1.1/":           outbound.ReasonBlocked,
		"good.example":               outbound.ReasonInvalid,
	} {
		word, err := c.Check(t.Context(), url)
		if word != want || (err == nil) != (want == "") {
			t.Errorf("%s: %q, %v; want %q", url, word, err, want)
		}
	}
	ended, end := context.WithCancelCause(t.Context())
	end(errors.New("stopped"))
	if a := c.Do(ended, outbound.Request{Method: "GET", URL: "https://good.example/", Timeout: time.Second}); a.WroteRequest || a.Reason == "" {
		t.Errorf("with an ended context: %+v", a)
	}
}

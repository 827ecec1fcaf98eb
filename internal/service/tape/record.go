package tape

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
)

// Limits of the proxy.
const (
	maxRequest = 1 << 20
	maxAnswer  = 4 << 20
	idle       = 30 * time.Second
)

// Anywhere is the client of tools that a developer points at any server, the own machine
// included: no guard, but the same exact bytes and no redirects.
func Anywhere() *outbound.Client {
	return outbound.New(outbound.Policy{AllowLoopback: true, AllowHTTP: true, AllowIPHost: true, AllowCIDR: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}}, outbound.Options{MaxCapture: maxAnswer})
}

// CheckUpstream tells whether a proxy or player can be pointed at an address.
func CheckUpstream(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("%q is no http or https address", redact(address))
	case u.User != nil:
		return errors.New("the address must not hold a user name or password")
	case u.RawQuery != "" || u.Fragment != "":
		return errors.New("the address must not hold a query or fragment")
	}
	return nil
}

// redact keeps a password in an address out of messages.
func redact(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return "the address"
}

// Recorder is a reverse proxy that keeps what passes through.
type Recorder struct {
	Upstream string // scheme and host; a path is put before each target
	Timeout  time.Duration
	Client   *outbound.Client
	Keep     func(Exchange) error // called once an exchange is over, one at a time

	mu sync.Mutex
}

// Serve passes requests on until ctx ends. One connection carries one request: as the
// marketplace makes its calls.
func (r *Recorder) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		wg.Go(func() { r.pass(ctx, conn) })
	}
}

// pass takes one request off a connection, makes it upstream and writes the answer back as
// it came.
func (r *Recorder) pass(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(idle))
	head, body, err := readRequest(conn)
	if err != nil {
		if !errors.Is(err, io.EOF) {
			refuse(conn, http.StatusBadRequest, err.Error())
		}
		return
	}
	e := Exchange{At: time.Now().UTC(), Method: head.method, Target: maskTarget(head.target), Header: maskHeader(head.header)}
	out := outbound.Request{Method: head.method, URL: strings.TrimSuffix(r.Upstream, "/") + head.target, Body: body, Timeout: r.Timeout, MaxBody: maxAnswer}
	for _, h := range head.header {
		if !strings.EqualFold(h[0], "Content-Length") && !strings.EqualFold(h[0], "Connection") && !strings.EqualFold(h[0], "Transfer-Encoding") {
			out.Header = append(out.Header, outbound.Field{Name: h[0], Value: h[1]})
		}
	}
	a := r.Client.Do(ctx, out)
	e.Status, e.Duration = a.Status, a.Duration.Milliseconds()
	var plain bool
	if e.Body, plain = text(body); !plain {
		e.Binary = true
	}
	if a.Reason != "" {
		e.Problem = a.Reason
		if a.Err != nil {
			e.Problem += ": " + a.Err.Error()
		}
		refuse(conn, http.StatusBadGateway, e.Problem)
	} else {
		if e.Said, plain = text(a.Body); !plain {
			e.Binary = true
		}
		e.Answer = answerHeader(a.ReceivedBytes)
		_, _ = conn.Write(a.ReceivedBytes)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.Keep(e); err != nil {
		refuse(conn, http.StatusInternalServerError, err.Error())
	}
}

func refuse(w io.Writer, status int, why string) {
	_, _ = fmt.Fprintf(w, "HTTP/1.1 %d %s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: %d\r\nConnection: close\r\n\r\nsouk record: %s\n", status, http.StatusText(status), len(why)+len("souk record: \n"), why)
}

type head struct {
	method, target string
	header         [][2]string // without Host
}

// readRequest reads a request and keeps what net/http would change: the order and case of
// header names, the target as it was written.
func readRequest(conn io.Reader) (h head, body []byte, err error) {
	var raw bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(io.LimitReader(conn, maxRequest+64<<10), &raw))
	q, err := http.ReadRequest(reader)
	if err != nil {
		return h, nil, err
	}
	if body, err = io.ReadAll(io.LimitReader(q.Body, maxRequest+1)); err != nil {
		return h, nil, err
	}
	if len(body) > maxRequest {
		return h, nil, fmt.Errorf("the request's body has more than %d bytes", maxRequest)
	}
	text, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
	lines := strings.Split(text, "\r\n")
	parts := strings.Split(lines[0], " ")
	if len(parts) != 3 || !strings.HasPrefix(parts[1], "/") {
		return h, nil, errors.New("the request names no path")
	}
	h.method, h.target = parts[0], parts[1]
	h.header = headerLines(lines[1:])
	return h, body, nil
}

func headerLines(lines []string) (out [][2]string) {
	for _, line := range lines {
		if name, value, ok := strings.Cut(line, ":"); ok && !strings.EqualFold(name, "Host") {
			out = append(out, [2]string{name, strings.TrimSpace(value)})
		}
	}
	return out
}

func answerHeader(raw []byte) [][2]string {
	text, _, _ := strings.Cut(string(raw), "\r\n\r\n")
	_, rest, _ := strings.Cut(text, "\r\n")
	return headerLines(strings.Split(rest, "\r\n"))
}

package outbound

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"time"
)

var errTooLarge = errors.New("too large")

// maxInterim bounds the 1xx answers before the real one.
const maxInterim = 8

// exchange is one call under way. run fills it while answer, at a time-out, may
// look at how far it came.
type exchange struct {
	c       *Client
	r       *Request
	t       target
	wire    []byte
	started time.Time
	maxBody int64

	mu       sync.Mutex
	ended    time.Time // zero while it runs
	wrote    bool
	sent     int
	received []byte
	a        Answer // status, header, body, reason
}

// answer is a copy of what is known by now.
func (x *exchange) answer() Answer {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.a
	a.Started = x.started
	a.SentBytes = x.wire[:x.sent:x.sent]
	a.WroteRequest = x.wrote
	a.ReceivedBytes = bytes.Clone(x.received)
	if x.ended.IsZero() {
		a.Duration = time.Since(x.started)
	} else {
		a.Duration = x.ended.Sub(x.started)
	}
	return a
}

// run makes the exchange until it is complete, fails, or ctx ends.
func (x *exchange) run(ctx context.Context) {
	at, err := x.talk(ctx)
	if err != nil && ctx.Err() != nil {
		// The connection was closed because of ctx: that is the cause.
		err = context.Cause(ctx)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended = time.Now()
	if err != nil {
		x.a.Reason, x.a.Err = reason(err, at), err
		if x.a.Reason == ReasonTimeout {
			x.a.Err = fmt.Errorf("no complete answer within %s", x.r.Timeout)
		}
	}
}

func (x *exchange) talk(ctx context.Context) (stage, error) {
	conn, err := x.dial(ctx)
	if err != nil {
		return connecting, err
	}
	// Closing is what ends every wait below, whatever it waits for.
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if x.t.tls {
		secure := tls.Client(conn, &tls.Config{
			ServerName: strings.TrimSuffix(x.t.host, "."),
			RootCAs:    x.c.o.RootCAs,
			MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"},
		})
		if err := secure.HandshakeContext(ctx); err != nil {
			return securing, err
		}
		conn = secure
	}
	if f := x.r.BeforeWrite; f != nil {
		f()
	}
	werr := x.write(conn)
	if f := x.r.AfterWrite; f != nil && werr == nil {
		f()
	}
	// A server may refuse without reading everything: its answer counts even
	// when our last bytes found the connection closed.
	err = x.read(conn)
	if err == nil {
		if f := x.r.AfterAnswer; f != nil {
			f()
		}
		return reading, nil
	}
	if werr != nil {
		return writing, werr
	}
	return reading, err
}

// write sends the request in pieces, so that a time-out in the middle of a long
// body finds out how far it came.
func (x *exchange) write(conn net.Conn) error {
	for rest := x.wire; len(rest) > 0; {
		piece := rest[:min(len(rest), 16<<10)]
		x.mu.Lock()
		x.wrote = true // from here on nobody can tell what has left
		x.mu.Unlock()
		n, err := conn.Write(piece)
		x.mu.Lock()
		x.sent += n
		x.mu.Unlock()
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// dial connects to the first address of the host that the policy allows and
// that answers. Only the control function decides: it sees the address that the
// system is about to connect to.
func (x *exchange) dial(ctx context.Context) (net.Conn, error) {
	addrs, err := x.c.resolve(ctx, x.t.host)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{
		Control: func(network, address string, _ syscall.RawConn) error {
			a, err := netip.ParseAddrPort(address)
			if err != nil || (network != "tcp4" && network != "tcp6") {
				return blocked{fmt.Sprintf("%s %s is not an address to call", network, address)}
			}
			return x.c.policy.Address(a.Addr())
		},
		FallbackDelay: -1,
	}
	var failed error
	for i, a := range addrs {
		// A silent address must not eat the time of those after it.
		deadline, _ := ctx.Deadline()
		share := time.Until(deadline) / time.Duration(len(addrs)-i)
		one, done := context.WithTimeout(ctx, share)
		conn, err := d.DialContext(one, "tcp", x.t.address(a.String()))
		done()
		if err == nil {
			return conn, nil
		}
		// A refusal by policy is what the seller has to hear of.
		if _, ok := errors.AsType[blocked](failed); !ok {
			failed = err
		}
	}
	return nil, failed
}

// read takes in one answer.
func (x *exchange) read(conn net.Conn) error {
	m := &meter{x: x, from: conn, left: maxHeader}
	in := bufio.NewReader(m)
	var resp *http.Response
	for interim := 0; ; interim++ {
		var err error
		if resp, err = http.ReadResponse(in, &http.Request{Method: x.r.Method}); err != nil {
			switch { // the parser may hide why it had nothing more to read
			case m.failed == nil:
				return err
			case !errors.Is(m.failed, io.EOF):
				return m.failed
			case m.read == 0:
				return explain(io.EOF, "header")
			}
			return explain(io.ErrUnexpectedEOF, "header")
		}
		if resp.StatusCode < 100 {
			return fmt.Errorf("%q is not a status", resp.Status)
		}
		if resp.StatusCode/100 != 1 || resp.StatusCode == http.StatusSwitchingProtocols {
			break
		}
		if interim == maxInterim {
			return fmt.Errorf("more than %d interim answers", maxInterim)
		}
	}
	m.left = -1 // the body has a limit of its own
	x.mu.Lock()
	x.a.Status, x.a.Proto, x.a.Header = resp.StatusCode, resp.Proto, resp.Header
	x.mu.Unlock()

	body, err := io.ReadAll(io.LimitReader(resp.Body, x.maxBody+1))
	if int64(len(body)) > x.maxBody {
		body, err = body[:x.maxBody], fmt.Errorf("%w: body of more than %d bytes", errTooLarge, x.maxBody)
	}
	x.mu.Lock()
	x.a.Body = body
	x.mu.Unlock()
	if err != nil && m.failed != nil && !errors.Is(m.failed, io.EOF) && !errors.Is(err, errTooLarge) {
		return m.failed
	}
	return explain(err, "body")
}

// explain says in which part of an answer the connection ended.
func explain(err error, part string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("connection closed in the %s of the answer: %w", part, err)
	case errors.Is(err, io.EOF):
		return fmt.Errorf("connection closed without an answer: %w", err)
	}
	return err
}

// slowPiece is how much a slow reader takes at once, in bytes.
const slowPiece = 32

// meter passes on what comes in, keeps the beginning of it, and stops after
// left bytes (a negative left never stops).
type meter struct {
	x      *exchange
	from   io.Reader
	left   int
	read   int
	failed error
}

func (m *meter) Read(b []byte) (int, error) {
	if m.left == 0 {
		m.failed = fmt.Errorf("%w: header of more than %d bytes", errTooLarge, maxHeader)
		return 0, m.failed
	}
	if m.left > 0 && len(b) > m.left {
		b = b[:m.left]
	}
	if pause := m.x.r.ReadPause; pause > 0 {
		time.Sleep(pause)
		b = b[:min(len(b), slowPiece)]
	}
	n, err := m.from.Read(b)
	m.read += n
	if m.left > 0 {
		m.left -= n
	}
	if err != nil {
		m.failed = err
	}
	x := m.x
	x.mu.Lock()
	if room := x.c.o.MaxCapture - len(x.received); room > 0 {
		x.received = append(x.received, b[:min(n, room)]...)
	}
	x.mu.Unlock()
	return n, err
}

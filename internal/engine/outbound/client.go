package outbound

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of an answer.
const (
	maxHeader         = 64 << 10
	defaultMaxBody    = 1 << 20
	defaultMaxCapture = 256 << 10
)

// Options of a Client. The zero value is right for production.
type Options struct {
	// Resolve finds the addresses of a name. nil means the system's resolver.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// RootCAs are the certificate authorities to trust. nil means the system's.
	RootCAs *x509.CertPool
	// MaxCapture bounds Answer.ReceivedBytes. 0 means 256 KiB.
	MaxCapture int
}

// Client makes calls under one policy. It is safe for concurrent use.
type Client struct {
	policy Policy
	o      Options

	life context.Context // ended by Close
	end  context.CancelFunc
	mu   sync.Mutex     // keeps Close from overtaking a call that starts
	busy sync.WaitGroup // exchanges under way
}

// New makes a client. Close it to end the exchanges that wait for late answers.
func New(p Policy, o Options) *Client {
	if o.Resolve == nil {
		o.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	if o.MaxCapture <= 0 {
		o.MaxCapture = defaultMaxCapture
	}
	c := &Client{policy: p, o: o}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

// Close ends every exchange under way and waits until they are gone.
func (c *Client) Close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.busy.Wait()
}

// Check tells whether a call to the URL would be refused now: its form, its
// scheme, its host, and every address the name has at this moment. It is for
// telling a seller early; a call does not rely on it. The reason is one of
// ReasonInvalid, ReasonBlocked, ReasonDNS, ReasonTimeout, ReasonCanceled.
func (c *Client) Check(ctx context.Context, url string) (reasonWord string, err error) {
	t, err := parse(url)
	if err != nil {
		return ReasonInvalid, err
	}
	if err := c.admit(t); err != nil {
		return ReasonBlocked, err
	}
	addrs, err := c.resolve(ctx, t.host)
	if err != nil {
		return reason(err, connecting), err
	}
	for _, a := range addrs {
		if err := c.policy.Address(a); err != nil {
			return ReasonBlocked, err
		}
	}
	return "", nil
}

// admit judges what a URL says, before any look-up.
func (c *Client) admit(t target) error {
	if !t.tls && !c.policy.AllowHTTP {
		return blocked{"https is needed"}
	}
	return c.policy.host(t.host)
}

func (c *Client) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := c.o.Resolve(ctx, host)
	if err == nil && len(addrs) == 0 {
		err = &net.DNSError{Err: "no address", Name: host, IsNotFound: true}
	}
	return addrs, err
}

// Do makes one call: at most one connection gets at most one request. It always
// returns an Answer, at the latest when r.Timeout is over or ctx ends.
//
// With r.Late set a time-out leaves the exchange running; otherwise, and when
// ctx ends, the connection is closed.
func (c *Client) Do(ctx context.Context, r Request) Answer {
	started := time.Now()
	fail := func(word string, err error) Answer {
		return Answer{Reason: word, Err: err, Started: started, Duration: time.Since(started)}
	}
	t, err := parse(r.URL)
	if err != nil {
		return fail(ReasonInvalid, err)
	}
	wire, err := r.wire(t)
	if err != nil {
		return fail(ReasonInvalid, err)
	}
	if r.Timeout <= 0 {
		return fail(ReasonInvalid, errors.New("a call needs a time limit"))
	}
	if err := c.admit(t); err != nil {
		return fail(ReasonBlocked, err)
	}
	limit := r.Timeout
	if r.Late != nil {
		limit = max(limit, r.LateFor)
	}
	x := &exchange{c: c, r: &r, t: t, wire: wire, started: started, maxBody: r.MaxBody}
	if x.maxBody <= 0 {
		x.maxBody = defaultMaxBody
	}

	c.mu.Lock()
	if c.life.Err() != nil {
		c.mu.Unlock()
		return fail(ReasonCanceled, errors.New("the client is closed"))
	}
	c.busy.Add(1)
	c.mu.Unlock()
	// The exchange outlives ctx only when it is waiting for a late answer.
	life, kill := context.WithDeadline(context.WithoutCancel(ctx), started.Add(limit))
	stop := context.AfterFunc(c.life, kill)

	var decided atomic.Bool // whoever sets it tells the outcome
	done := make(chan struct{})
	go func() {
		defer c.busy.Done()
		defer kill()
		defer stop()
		x.run(life)
		if !decided.CompareAndSwap(false, true) {
			if a := x.answer(); r.Late != nil && a.Reason == "" {
				r.Late(a)
			}
			return
		}
		close(done)
	}()

	timer := time.NewTimer(r.Timeout)
	defer timer.Stop()
	var word string
	select {
	case <-done:
		return x.answer()
	case <-timer.C:
		word, err = ReasonTimeout, fmt.Errorf("no complete answer within %s", r.Timeout)
	case <-ctx.Done():
		word, err = ReasonCanceled, context.Cause(ctx)
	}
	if !decided.CompareAndSwap(false, true) { // it came at this very moment
		<-done
		return x.answer()
	}
	if r.Late == nil || word == ReasonCanceled {
		kill()
	}
	a := x.answer()
	a.Reason, a.Err = word, err
	return a
}

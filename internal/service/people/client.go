package people

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/souk-market/souk/internal/ground/fault"
)

// Client is where a request comes from, for the sign-in history and the throttles.
type Client struct {
	Address string // IP address; "" when there is none, as on the command line: nothing is throttled then
	Agent   string // what the program calls itself, cut to maxAgent
}

const maxAgent = 200

type clientKey struct{}

// WithClient notes where a request comes from.
func WithClient(ctx context.Context, c Client) context.Context {
	c.Agent = printable(c.Agent, maxAgent)
	return context.WithValue(ctx, clientKey{}, c)
}

func clientOf(ctx context.Context) Client {
	c, _ := ctx.Value(clientKey{}).(Client)
	return c
}

// printable keeps at most n characters that can be shown and stored.
func printable(s string, n int) string {
	out := make([]rune, 0, min(len(s), n))
	for _, r := range s {
		if len(out) == n {
			break
		}
		if r >= ' ' && r != 0x7f && r != 0xfffd {
			out = append(out, r)
		}
	}
	return string(out)
}

// Limits bound what one address of the network, or one mailbox, can cause in one process. Zero means the default.
type Limits struct {
	SignIns    int // passwords, codes and links tried at once by one client; then one every two seconds. 30
	Mails      int // mails caused at once by one client; then one every three minutes. 20
	MailsToOne int // mails to one address at once; then one every five minutes. 5
}

type throttle struct {
	mu    sync.Mutex
	by    map[string]*rate.Limiter
	every time.Duration
	burst int
}

func newThrottle(burst, otherwise int, every time.Duration) *throttle {
	if burst <= 0 {
		burst = otherwise
	}
	return &throttle{by: map[string]*rate.Limiter{}, every: every, burst: burst}
}

// maxLimiters bounds the memory of a throttle: those that have recovered are forgotten first, and if a flood keeps
// more than this busy, all are: then the guesses counted in the database still hold.
const maxLimiters = 20_000

func (t *throttle) allow(key string, now time.Time) error {
	if key == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	l := t.by[key]
	if l == nil {
		if len(t.by) >= maxLimiters {
			for k, l := range t.by {
				if l.TokensAt(now) >= float64(t.burst) {
					delete(t.by, k)
				}
			}
			if len(t.by) >= maxLimiters {
				clear(t.by)
			}
		}
		l = rate.NewLimiter(rate.Every(t.every), t.burst)
		t.by[key] = l
	}
	if !l.AllowN(now, 1) {
		return fault.New(fault.TooMany, "slow_down", "too many attempts; wait a few minutes and try again")
	}
	return nil
}

// network is what a client is throttled by: its IPv4 address, or the /64 that one customer has of IPv6.
func (c Client) network() string {
	a, err := netip.ParseAddr(c.Address)
	if err != nil {
		return c.Address
	}
	if a = a.Unmap(); a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

package doctor

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/protocol/production"
)

// Sender makes one call; (*outbound.Client).Do is one. The marketplace gives that of its
// own guarded client, so that the doctor reaches no address that a delivery may not.
type Sender func(context.Context, outbound.Request) outbound.Answer

// anywhere is the client of a seller's own doctor: every address is his own choice.
// It follows no redirect, uses no proxy and unpacks nothing.
func anywhere(trusted *x509.CertPool) *outbound.Client {
	return outbound.New(outbound.Policy{
		AllowLoopback: true, AllowHTTP: true, AllowIPHost: true,
		AllowCIDR: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")},
	}, outbound.Options{RootCAs: trusted, MaxCapture: maxCapture})
}

const (
	maxCapture = 16 << 10 // bytes of an answer that are kept
	maxShown   = 4 << 10  // bytes of one side of an exchange in a report
)

// Exchange is one call as a report shows it, with every secret masked.
type Exchange struct {
	Call     string `json:"call"`               // the activity
	Sent     string `json:"sent"`               // the request's bytes
	Received string `json:"received,omitempty"` // the answer's bytes, cut
	Status   int    `json:"status,omitempty"`   // HTTP
	Code     string `json:"code,omitempty"`     // resultCode
	Error    string `json:"error,omitempty"`    // why there is no answer
	Millis   int64  `json:"ms"`
}

// transmit sends a request and waits at most limit. With breakOff the connection is
// closed as soon as the last byte is written: the answer is lost.
func (p *player) transmit(r production.Request, limit time.Duration, breakOff bool) outbound.Answer {
	ctx, cancel := context.WithCancel(p.ctx)
	defer cancel()
	out := outbound.Request{Method: r.Method, URL: r.URL, Header: outbound.Fields(r.Headers), Body: r.Body, Timeout: limit, MaxBody: production.MaxBody}
	if breakOff {
		out.AfterWrite = cancel
	}
	return p.o.Send(ctx, out)
}

// answerOf turns what the network gave into what the protocol rooms judge.
func answerOf(a outbound.Answer) production.Answer {
	answer := production.Answer{Status: a.Status, Headers: a.Header, Body: a.Body}
	switch a.Reason {
	case "":
	case outbound.ReasonTimeout:
		answer.TimedOut = true
	case outbound.ReasonTooLarge:
		if answer.TooLarge = true; answer.Status == 0 {
			answer.Status = http.StatusOK
		}
	default:
		answer.TransportErr = a.Err
	}
	return answer
}

// exchange makes an exchange fit for a report.
func (p *player) exchange(call string, r production.Request, a outbound.Answer, code string) Exchange {
	sent := string(a.SentBytes)
	if sent == "" { // nothing left this machine: show what would have
		sent = r.Method + " " + r.URL + "\n"
	}
	x := Exchange{Call: call, Sent: shown(p.mask.text(sent)), Received: shown(p.mask.text(string(a.ReceivedBytes))), Status: a.Status, Code: p.mask.text(code), Millis: a.Duration.Milliseconds()}
	if a.Err != nil {
		x.Error = p.mask.text(a.Reason + ": " + a.Err.Error())
	}
	return x
}

// shown makes bytes printable and cuts them. Secrets are masked before: half a secret
// would not be found.
func shown(b string) string {
	rest := ""
	if len(b) > maxShown {
		b, rest = b[:maxShown], fmt.Sprintf("… (+%d)", len(b)-maxShown)
	}
	b = strings.ReplaceAll(b, "\r\n", "\n")
	text := strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return '\uFFFD'
		}
		return r
	}, strings.ToValidUTF8(b, "\uFFFD"))
	return strings.TrimRight(text, "\n") + rest
}

// speaksHTTP2 tells whether the bytes begin with the settings frame that a server of
// HTTP/2 sends first.
func speaksHTTP2(b []byte) bool {
	return len(b) >= 9 && b[3] == 0x04 && b[4]&^1 == 0 && b[5]|b[6]|b[7]|b[8] == 0
}

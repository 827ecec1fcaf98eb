package program

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/sms"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/people"
)

// installed are the settings as the configuration gives them.
func installed(c config.Config) setting.Values {
	v := setting.Defaults()
	v.PayWithin, v.RetryPolicy, v.SuspendFailed, v.RequireCases = c.PayWithin, delivery.Policy(c.RetryPolicy), c.TooManyFailed == "suspend", c.CasesRequired()
	v.OrderQueryRate, v.SessionIdle = c.OrderQueryRate, c.SessionIdle
	return v
}

// peopleRooms wires people, what is written to them, and the audit log. Without a provider mails and SMS are files in the
// data folder.
func (p *Program) peopleRooms() {
	c := p.Config
	p.Mail = mail.New(p.DB, p.Kernel.Ring, p.Kernel.Wire, map[string]mail.Sender{mail.Mail: mailSender(c), mail.SMS: p.smsSender()}, p.log)
	p.People = people.New(p.Kernel, people.Options{Mail: p.Mail, Address: c.Address(), OperatorTOTP: c.RequireOperatorTOTP()})
	p.Audit = audit.New(p.Kernel)
	p.Inbox = messages.New(p.Kernel, messages.Options{Outbox: p.Mail, Words: desk.Letters(c.Address(), c.BusinessZone), Address: c.Address(), MayCause: p.People.MayCauseMail, Proofs: p.People.Proofs()})
}

func outboxFolder(c config.Config) string { return filepath.Join(c.Data, "outbox") }

func mailSender(c config.Config) mail.Sender {
	if c.SMTPHost == "" {
		return mail.Files{Dir: outboxFolder(c)}
	}
	return mail.SMTP{Host: c.SMTPHost, Port: c.SMTPPort, TLS: c.SMTPTLS, User: c.SMTPUser, Password: c.SMTPPassword.Reveal(), From: c.MailFrom}
}

func (p *Program) smsSender() mail.Sender {
	if p.Config.SMSURL == "" {
		return mail.Files{Dir: outboxFolder(p.Config)}
	}
	return sms.Webhook{URL: p.Config.SMSURL, Key: p.Config.SMSKey.Reveal(), Client: p.Client, Wire: p.Kernel.Wire}
}

// TestMail sends one mail at once, beside the outbox, and tells where it went; the error is the provider's own.
func TestMail(ctx context.Context, c config.Config, to string) (where string, err error) {
	now := time.Now()
	m := mail.Message{ID: ident.Row(now), Channel: mail.Mail, To: to, Subject: "Souk: test / 测试邮件", Text: "Mails of " + c.Address() + " arrive here.\n" + c.Address() + " 的邮件可以送达。\n", At: now}
	where = outboxFolder(c)
	if c.SMTPHost != "" {
		where = net.JoinHostPort(c.SMTPHost, strconv.Itoa(c.SMTPPort))
	}
	return where, mailSender(c).Send(ctx, m)
}

// client notes where a request comes from, for the sign-in history and the throttles.
func (p *Program) client(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := people.Client{Address: clientAddress(r, p.Config.TrustedProxies), Agent: strings.ToValidUTF8(r.UserAgent(), "")}
		next.ServeHTTP(w, r.WithContext(people.WithClient(r.Context(), c)))
	})
}

// clientAddress is the address of the connection; when that is a trusted proxy, the last address of X-Forwarded-For
// that is not one. What stands before that was written by somebody we do not trust.
func clientAddress(r *http.Request, proxies []netip.Prefix) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	address := from.Addr().Unmap()
	trusted := func(a netip.Addr) bool {
		for _, p := range proxies {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(address); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = next.Unmap()
	}
	return address.String()
}

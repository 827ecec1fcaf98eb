package program

import (
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/people"
)

// peopleRooms wires people, their mails and the audit log. Without a provider mails are files in the data folder.
func (p *Program) peopleRooms() {
	c := p.Config
	p.Mail = mail.New(p.DB, p.Kernel.Ring, p.Kernel.Wire, mail.Files{Dir: filepath.Join(c.Data, "outbox")}, p.log)
	p.People = people.New(p.Kernel, people.Options{Mail: p.Mail, Address: c.Address(), SessionIdle: c.SessionIdle, OperatorTOTP: c.RequireOperatorTOTP()})
	p.Audit = audit.New(p.Kernel)
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

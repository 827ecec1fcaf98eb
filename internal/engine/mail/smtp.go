package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
)

// How the connection to an SMTP server is secured.
const (
	StartTLS    = "starttls" // begins in clear and must become TLS before anything is said
	ImplicitTLS = "tls"
	NoTLS       = "none" // a relay on the same machine
)

// SMTP sends through a mail server. A connection per mail: a marketplace writes few, and a broken one harms one.
type SMTP struct {
	Host           string
	Port           int
	TLS            string // StartTLS, ImplicitTLS or NoTLS
	User, Password string // none: the server asks for nothing
	From           string // address, or "Name <address>"
	RootCAs        *x509.CertPool
	Timeout        time.Duration // of each step; 0 is 20 s
}

func (s SMTP) client() (*gomail.Client, error) {
	timeout := s.Timeout
	if timeout <= 0 {
		timeout = 20 * time.Second
	}
	o := []gomail.Option{gomail.WithPort(s.Port), gomail.WithTimeout(timeout),
		gomail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.RootCAs, MinVersion: tls.VersionTLS12})}
	switch s.TLS {
	case ImplicitTLS:
		o = append(o, gomail.WithSSL())
	case NoTLS:
		o = append(o, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		o = append(o, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if s.User != "" {
		o = append(o, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(s.User), gomail.WithPassword(s.Password))
	}
	return gomail.NewClient(s.Host, o...)
}

// Send hands a mail over. It is handed over once the server has taken the text, whatever happens after that; a mail
// whose answer was lost is sent again under the same Message-ID.
func (s SMTP) Send(ctx context.Context, m Message) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From(s.From); err != nil {
		return fmt.Errorf("the sender's address: %w", err) // a setting: it may be mended while the mail waits
	}
	if err := msg.To(m.To); err != nil {
		return Refused{"the address is not one: " + err.Error()}
	}
	oneLine := strings.NewReplacer("\r", " ", "\n", " ").Replace
	msg.Subject(oneLine(m.Subject))
	msg.SetDateWithValue(m.At)
	domain := s.From[strings.LastIndexByte(s.From, '@')+1:]
	msg.SetMessageIDWithValue(m.ID + "@" + strings.TrimRight(domain, "> "))
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	c, err := s.client()
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return err
	}
	err = c.Send(msg)
	_ = c.Close() // what the server says to a goodbye changes nothing
	if msg.IsDelivered() {
		return nil
	}
	var refused *gomail.SendError
	if errors.As(err, &refused) && refused.ErrorCode() >= 500 && (refused.Reason == gomail.ErrSMTPRcptTo || refused.Reason == gomail.ErrSMTPData || refused.Reason == gomail.ErrSMTPDataClose) {
		return Refused{err.Error()}
	}
	return err
}

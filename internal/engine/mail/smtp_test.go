package mail_test

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"mime"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
)

// server is a small SMTP server with STARTTLS and AUTH. What it takes stands in got; what it answers can be scripted.
type server struct {
	t        *testing.T
	l        net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	implicit bool // TLS from the first byte
	plain    bool // offers no STARTTLS

	mu     sync.Mutex
	got    []string          // messages taken, as their text
	clear  []string          // verbs heard before TLS
	reply  map[string]string // by verb, instead of the usual answer; "cut" ends the connection
	cutEnd bool              // takes the message and ends the connection before saying so
	auth   string            // user and password that were given
}

func newServer(t *testing.T, change func(*server)) *server {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, _ := x509.ParseCertificate(der)
	s := &server{t: t, roots: x509.NewCertPool(), reply: map[string]string{}, tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	s.roots.AddCert(leaf)
	if change != nil {
		change(s)
	}
	if s.l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.l.Close() })
	go func() {
		for {
			c, err := s.l.Accept()
			if err != nil {
				return
			}
			go s.serve(c)
		}
	}()
	return s
}

func (s *server) sender(security string) mail.SMTP {
	return mail.SMTP{Host: "127.0.0.1", Port: s.l.Addr().(*net.TCPAddr).Port, TLS: security, User: "souk", Password: "planted-smtp-password", From: "集市 <no-reply@souk.example>", RootCAs: s.roots, Timeout: 5 * time.Second}
}

func (s *server) set(verb, reply string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply[verb] = reply
}

func (s *server) taken() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string{}, s.got...)
}

func (s *server) serve(c net.Conn) {
	defer c.Close()
	secure := s.implicit
	if secure {
		c = tls.Server(c, s.tls)
	}
	r := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	say("220 mail.test ready")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSpace(line)
		verb, rest, _ := strings.Cut(line, " ")
		verb = strings.ToUpper(verb)
		s.mu.Lock()
		if !secure {
			s.clear = append(s.clear, verb)
		}
		scripted, cutEnd := s.reply[verb], s.cutEnd
		s.mu.Unlock()
		if scripted == "cut" {
			return
		}
		if scripted != "" {
			say(scripted)
			continue
		}
		switch verb {
		case "EHLO":
			say("250-mail.test")
			if !secure && !s.plain {
				say("250-STARTTLS")
			}
			if secure || s.plain {
				say("250-AUTH PLAIN LOGIN")
			}
			say("250 8BITMIME")
		case "STARTTLS":
			say("220 go ahead")
			c = tls.Server(c, s.tls)
			r, secure = bufio.NewReader(c), true
		case "AUTH":
			_, given, _ := strings.Cut(rest, " ")
			b, _ := base64.StdEncoding.DecodeString(given)
			s.mu.Lock()
			s.auth = strings.Trim(strings.ReplaceAll(string(b), "\x00", " "), " ")
			s.mu.Unlock()
			say("235 welcome")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				text.WriteString(strings.TrimPrefix(line, "."))
			}
			s.mu.Lock()
			s.got = append(s.got, text.String())
			end := s.reply["."]
			s.mu.Unlock()
			if cutEnd {
				return
			}
			if end == "" {
				end = "250 taken"
			}
			say(end)
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func TestAMailOverSMTP(t *testing.T) {
	for name, security := range map[string]string{"STARTTLS": mail.StartTLS, "TLS": mail.ImplicitTLS, "none": mail.NoTLS} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, func(s *server) { s.implicit, s.plain = security == mail.ImplicitTLS, security == mail.NoTLS })
			sender := s.sender(security)
			if security == mail.NoTLS {
				sender.User = "" // no password is told to whoever listens
			}
			m := mail.Message{ID: "0190-1", To: "li@example.com", Subject: "云帆 已开通\r\nBcc: x@example.com", Text: "您好：\n\n.一行\nlast", At: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
			if err := sender.Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			if len(s.taken()) != 1 {
				t.Fatalf("taken: %q", s.taken())
			}
			got, err := netmail.ReadMessage(strings.NewReader(s.taken()[0]))
			if err != nil {
				t.Fatal(err)
			}
			subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			from, _ := got.Header.AddressList("From")
			if subject != "云帆 已开通  Bcc: x@example.com" || got.Header.Get("Bcc") != "" || got.Header.Get("Message-Id") != "<0190-1@souk.example>" || got.Header.Get("To") != "<li@example.com>" ||
				len(from) != 1 || from[0].Name != "集市" || from[0].Address != "no-reply@souk.example" {
				t.Errorf("headers: %v (%q)", got.Header, subject)
			}
			if security == mail.StartTLS && strings.Join(s.clear, " ") != "EHLO STARTTLS" {
				t.Errorf("in clear was said: %v", s.clear)
			}
			if want := map[bool]string{true: "", false: "souk planted-smtp-password"}[security == mail.NoTLS]; s.auth != want {
				t.Errorf("signed in as %q", s.auth)
			}
		})
	}
}

// A server that cannot be trusted is told nothing.
func TestNothingIsSaidWithoutTLS(t *testing.T) {
	s := newServer(t, func(s *server) { s.plain = true })
	if err := s.sender(mail.StartTLS).Send(t.Context(), mail.Message{ID: "1", To: "li@example.com"}); err == nil || len(s.taken()) > 0 || s.auth != "" {
		t.Errorf("without STARTTLS: %v", err)
	}
	s = newServer(t, nil)
	stranger := s.sender(mail.StartTLS)
	stranger.RootCAs = x509.NewCertPool()
	if err := stranger.Send(t.Context(), mail.Message{ID: "1", To: "li@example.com"}); err == nil || len(s.taken()) > 0 || s.auth != "" {
		t.Errorf("an unknown certificate: %v", err)
	}
}

// 5xx about the address or the text is final; 4xx, a refused sign-in, a wrong sender and a cut connection are tried
// again: with the outbox nothing is lost, and nothing is tried for ever.
func TestWhatTheServerSaysDecides(t *testing.T) {
	for _, c := range []struct {
		verb, reply string
		final       bool
	}{
		{"RCPT", "550 5.1.1 no such mailbox", true}, {".", "554 5.7.1 refused", true},
		{"RCPT", "450 4.2.1 busy", false}, {".", "451 4.3.0 try later", false}, {"MAIL", "553 not you", false}, {"AUTH", "535 wrong password", false}, {"RCPT", "cut", false},
	} {
		databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
			s := newServer(t, nil)
			s.set(c.verb, c.reply)
			o, wire := setUp(t, db, s.sender(mail.StartTLS))
			put(t, db, o, "text", nil)
			if flush(t, o) != 0 {
				t.Fatalf("%s %s: it counts as sent", c.verb, c.reply)
			}
			m := mails(t, db)[0]
			if strings.Contains(m.Problem, "planted-smtp-password") {
				t.Errorf("the password stands in %q", m.Problem)
			}
			if c.final {
				if m.State != store.MailFailed || m.Tries != 1 || !strings.Contains(m.Problem, c.reply[:3]) {
					t.Errorf("%s %s: %+v", c.verb, c.reply, m)
				}
				return
			}
			if m.State != store.MailQueued || m.Tries != 1 {
				t.Errorf("%s %s: %+v", c.verb, c.reply, m)
			}
			s.set(c.verb, "")
			wire.Add(time.Minute)
			if flush(t, o) != 1 || mails(t, db)[0].State != store.MailSent {
				t.Errorf("%s %s, then well: %+v", c.verb, c.reply, mails(t, db)[0])
			}
		})
	}
}

// The connection ends after the text was taken and before the server says so: it is sent again under the same
// Message-ID, by which the mailbox knows it.
func TestAMailWhoseAnswerWasLostIsSentAgain(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, store.Migrations))
	s := newServer(t, func(s *server) { s.cutEnd = true })
	o, wire := setUp(t, db, s.sender(mail.StartTLS))
	put(t, db, o, "text", nil)
	if flush(t, o) != 0 || mails(t, db)[0].State != store.MailQueued {
		t.Fatalf("%+v", mails(t, db)[0])
	}
	s.mu.Lock()
	s.cutEnd = false
	s.mu.Unlock()
	wire.Add(time.Minute)
	if flush(t, o) != 1 {
		t.Fatalf("%+v", mails(t, db)[0])
	}
	var ids []string
	for _, text := range s.taken() {
		m, err := netmail.ReadMessage(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.Header.Get("Message-Id"))
	}
	if len(ids) != 2 || ids[0] != ids[1] {
		t.Errorf("message ids %v", ids)
	}
}

// An address that is none never reaches the server.
func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	s := newServer(t, nil)
	var refused mail.Refused
	if err := s.sender(mail.StartTLS).Send(t.Context(), mail.Message{ID: "1", To: "a@b\r\nRCPT TO:<x@y>"}); !errors.As(err, &refused) {
		t.Errorf("%v", err)
	}
}

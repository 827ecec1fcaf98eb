package config

import (
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/ground/secret"
)

// Mode is what a marketplace is for.
type Mode string

// The two modes. spec: 01 §1.1, §2.10
const (
	// Production demands verified domain names and https, and its business clock is the real one.
	Production Mode = "production"
	// Sandbox allows plain http, addresses and any port, and its business clock can be moved forward.
	// Every page says that it is one.
	Sandbox Mode = "sandbox"
)

// Config is the whole configuration of one process, checked. The zero value is not usable: Load fills it.
type Config struct {
	// Data is the folder for the embedded database, the master key and files.
	Data string
	// Listen is the address of the one listener, host:port or :port.
	Listen string
	// Database is "sqlite:PATH" or a postgres:// URL.
	Database string
	Mode     Mode
	// TLSCert and TLSKey are PEM files; both are set or neither.
	TLSCert, TLSKey string
	// BaseURL is the address under which people and sellers reach the marketplace, without a final
	// slash; empty means that it follows from Listen.
	BaseURL string
	// MasterKey is 32 bytes as base64, or empty for the file master.key in Data.
	MasterKey secret.Secret

	// ExpireZone is the zone of V1 expireTime; BusinessZone that of days, months and order ids.
	ExpireZone, BusinessZone *time.Location

	// RetryPolicy is the schedule that new sellers get: koogallery, standard or patient.
	RetryPolicy string
	// RequireCases is auto, true or false: see CasesRequired.
	RequireCases string
	// AllowHTTP lets V1 sellers register plain http addresses in production mode.
	AllowHTTP bool
	// AllowCIDR are networks that outbound calls may reach although they are private.
	AllowCIDR []netip.Prefix
	// SessionIdle ends a browser session that nobody uses.
	SessionIdle time.Duration
	// OperatorTOTP is auto, true or false: see RequireOperatorTOTP.
	OperatorTOTP string
	// TrustedProxies are proxies whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// SMTPHost is the mail server, or empty for files in Data; SMTPTLS is starttls, tls or none.
	SMTPHost, SMTPTLS, SMTPUser, MailFrom string
	SMTPPort                              int
	SMTPPassword                          secret.Secret
	// SMSURL is the webhook of the SMS provider, or empty for files in Data.
	SMSURL string
	SMSKey secret.Secret
	// OrderQueryRate is in requests per second, per seller.
	OrderQueryRate int
	// Workers is the number of calls that this process makes at once; LaneWidth of those to one seller.
	Workers, LaneWidth int
	// TimeoutScale multiplies the time-outs of calls; anything but 1 is for sandboxes.
	TimeoutScale float64
	// TooManyFailed is what happens to a product after more than five failed orders in a month:
	// propose or suspend.
	TooManyFailed string
	// PayWithin is the time from submission to the payment deadline of an order.
	PayWithin time.Duration
	// StopWithin is how long a graceful stop waits for work under way.
	StopWithin time.Duration
	// StopDelay is how long it goes on answering before, while it says that it is not ready.
	StopDelay time.Duration
	// MetricsListen is a listener of its own for metrics; empty means the main one, where MetricsToken opens them.
	MetricsListen string
	MetricsToken  secret.Secret

	LogLevel slog.Level
	// LogFormat is text or json.
	LogFormat string
}

// TLS tells whether the process serves https by itself.
func (c Config) TLS() bool { return c.TLSCert != "" }

// CasesRequired tells whether a product is released, changed and approved only with its saved, passing debugging cases: by
// default in production only.
func (c Config) CasesRequired() bool {
	return c.RequireCases == "true" || c.RequireCases != "false" && c.Mode == Production
}

// RequireOperatorTOTP tells whether operators must have the second factor: by default in production only.
func (c Config) RequireOperatorTOTP() bool {
	return c.OperatorTOTP == "true" || c.OperatorTOTP != "false" && c.Mode == Production
}

// Address is BaseURL, or the address that follows from Listen when BaseURL is empty.
func (c Config) Address() string {
	if c.BaseURL != "" {
		return c.BaseURL
	}
	scheme, host := "http", c.Listen
	if c.TLS() {
		scheme = "https"
	}
	if strings.HasPrefix(host, ":") {
		host = "localhost" + host
	}
	return scheme + "://" + host
}

// LogValue shows the configuration without its secrets.
func (c Config) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("mode", string(c.Mode)), slog.String("data", c.Data), slog.String("listen", c.Listen),
		slog.String("database", withoutPassword(c.Database)), slog.Bool("tls", c.TLS()),
		slog.Int("workers", c.Workers), slog.Int("lane_width", c.LaneWidth), slog.String("retry_policy", c.RetryPolicy))
}

func withoutPassword(url string) string {
	at := strings.LastIndexByte(url, '@')
	start := strings.Index(url, "://")
	if at < 0 || start < 0 || at < start {
		return url
	}
	user, _, _ := strings.Cut(url[start+3:at], ":")
	return url[:start+3] + user + ":***" + url[at:]
}

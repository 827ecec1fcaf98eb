package config

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // zones are known on machines without a zone database

	"github.com/souk-market/souk/internal/ground/secret"
)

// Option is one row of Table.
type Option struct {
	// Name is the flag without dashes and the key in the file.
	Name string
	// Type names the form of the value, as the reference page prints it.
	Type string
	// Default is the value when no source names the option, in the form that a flag would take.
	Default string
	// Meaning is one or two sentences, with units.
	Meaning string
	// Spec is the section that the option settles, if any.
	Spec string
	// Secret values are never printed, not even in an error.
	Secret bool

	bool bool
	set  func(*Config, string) error
}

// Env is the name of the option's environment variable.
func (o Option) Env() string { return "SOUK_" + strings.ToUpper(strings.ReplaceAll(o.Name, "-", "_")) }

// wants is the error of a setter: what a right value looks like.
type wants string

func (w wants) Error() string { return "want " + string(w) }

// Table is every option, in the order in which the reference page shows them.
var Table = []Option{
	{Name: "data", Type: "folder", Default: "./souk-data", Meaning: "Folder of the embedded database, the master key and stored files. It is created when absent.",
		set: text(func(c *Config) *string { return &c.Data }, "the name of a folder")},
	{Name: "listen", Type: "host:port", Default: "127.0.0.1:8080", Meaning: "Address of the one listener; `:8443` listens on all interfaces, port 0 takes a free port.",
		set: func(c *Config, s string) error {
			if !isAddress(s) {
				return wants("host:port or :port, like 127.0.0.1:8080")
			}
			c.Listen = s
			return nil
		}},
	{Name: "database", Type: "URL", Meaning: "`sqlite:PATH`, or `postgres://user:password@host/name` to share one marketplace between processes. Empty: `souk.db` in the data folder.", Secret: true,
		set: func(c *Config, s string) error {
			if s != "" && !strings.HasPrefix(s, "sqlite:") && !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") || s == "sqlite:" {
				return wants("sqlite:PATH or postgres://…")
			}
			c.Database = s
			return nil
		}},
	{Name: "mode", Type: "production, sandbox", Default: "production", Spec: "01 §1.1, §2.10", Meaning: "A sandbox allows plain http, any address and port of sellers, and its business clock can be moved forward.",
		set: oneOf(func(c *Config, s string) { c.Mode = Mode(s) }, "production", "sandbox")},
	{Name: "tls-cert", Type: "file", Meaning: "Certificate chain (PEM). With `tls-key` the process serves https itself.",
		set: text(func(c *Config) *string { return &c.TLSCert }, "")},
	{Name: "tls-key", Type: "file", Meaning: "Private key (PEM) of `tls-cert`.",
		set: text(func(c *Config) *string { return &c.TLSKey }, "")},
	{Name: "base-url", Type: "URL", Meaning: "Address under which people and sellers reach the marketplace, when it differs from `listen` (behind a proxy).",
		set: func(c *Config, s string) error {
			if s != "" {
				u, err := url.Parse(s)
				if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
					return wants("http(s)://host[:port][/path]")
				}
			}
			c.BaseURL = strings.TrimRight(s, "/")
			return nil
		}},
	{Name: "master-key", Type: "base64", Meaning: "Key (32 bytes) that seals all stored secrets. Empty: the file `master.key` in the data folder, created on the first start. Processes on one database need the same key. Better given as a variable than as a flag, which others can see.", Secret: true,
		set: func(c *Config, s string) error {
			if b, err := base64.StdEncoding.Strict().DecodeString(s); s != "" && (err != nil || len(b) != 32) {
				return wants("32 bytes as base64 (44 characters)")
			}
			c.MasterKey = secret.Secret(s)
			return nil
		}},
	{Name: "expire-time-zone", Type: "zone", Default: "+8", Spec: "01 §1.3", Meaning: "Zone of `expireTime` in V1 calls. V2 and the order query always use UTC.",
		set: zone(func(c *Config, z *time.Location) { c.ExpireZone = z })},
	{Name: "business-zone", Type: "zone", Default: "Asia/Shanghai", Spec: "01 §1.4", Meaning: "Zone of business days and months and of the time in order ids.",
		set: zone(func(c *Config, z *time.Location) { c.BusinessZone = z })},
	{Name: "retry-policy", Type: "koogallery, standard, patient", Default: "koogallery", Spec: "01 §2.1", Meaning: "Schedule of repeated calls for sellers that have none of their own.",
		set: oneOf(func(c *Config, s string) { c.RetryPolicy = s }, "koogallery", "standard", "patient")},
	{Name: "require-cases", Type: "auto, true, false", Default: "auto", Spec: "01 §2.12", Meaning: "A product is released, changed and approved only with its saved, passing debugging cases. `auto`: in production, not in a sandbox.",
		set: oneOf(func(c *Config, s string) { c.RequireCases = s }, "auto", "true", "false")},
	{Name: "allow-http", Type: "true, false", Default: "false", Spec: "01 §2.10", Meaning: "V1 sellers may register plain http addresses in production mode.", bool: true,
		set: boolean(func(c *Config) *bool { return &c.AllowHTTP })},
	{Name: "allow-cidr", Type: "networks", Spec: "10 §11", Meaning: "Private networks that calls to sellers may reach, separated by commas, like `10.1.0.0/16`. All other private, loopback and link-local addresses are refused.",
		set: networks(func(c *Config) *[]netip.Prefix { return &c.AllowCIDR })},
	{Name: "session-idle", Type: "duration", Default: "2h", Spec: "01 §9", Meaning: "A browser session that nobody uses for this long ends. Twelve hours after the sign-in it ends in any case.",
		set: duration(func(c *Config) *time.Duration { return &c.SessionIdle }, time.Minute, 12*time.Hour)},
	{Name: "require-operator-totp", Type: "auto, true, false", Default: "auto", Spec: "01 §9", Meaning: "Operators set up the second factor before they can do anything. `auto`: in production, not in a sandbox.",
		set: oneOf(func(c *Config, s string) { c.OperatorTOTP = s }, "auto", "true", "false")},
	{Name: "trusted-proxies", Type: "networks", Meaning: "Networks of proxies whose `X-Forwarded-For` tells where people come from, separated by commas. Sign-in attempts are bounded by that address.",
		set: networks(func(c *Config) *[]netip.Prefix { return &c.TrustedProxies })},
	{Name: "smtp-host", Type: "host", Spec: "01 §10", Meaning: "Mail server that mails go through. Empty: mails are files under `<data>/outbox`, and the page of the outbox lists them.",
		set: func(c *Config, s string) error {
			if strings.ContainsAny(s, " /:") {
				return wants("the name of a host, without port")
			}
			c.SMTPHost = s
			return nil
		}},
	{Name: "smtp-port", Type: "1 to 65535", Default: "587", Meaning: "Its port: 587 for submission, 465 with `smtp-tls` `tls`, 25 for a relay.",
		set: whole(func(c *Config) *int { return &c.SMTPPort }, 1, 65535)},
	{Name: "smtp-tls", Type: "starttls, tls, none", Default: "starttls", Meaning: "`starttls` must become TLS before anything is said, `tls` begins with it, `none` is for a relay on the same machine.",
		set: oneOf(func(c *Config, s string) { c.SMTPTLS = s }, "starttls", "tls", "none")},
	{Name: "smtp-user", Type: "text", Meaning: "Name to sign in to the mail server with. Empty: it asks for none.",
		set: text(func(c *Config) *string { return &c.SMTPUser }, "")},
	{Name: "smtp-password", Type: "text", Meaning: "Its password. Better given as a variable than as a flag, which others can see.", Secret: true,
		set: func(c *Config, s string) error { c.SMTPPassword = secret.Secret(s); return nil }},
	{Name: "mail-from", Type: "address", Meaning: "Sender of mails, like `Souk <no-reply@example.com>`. Needed with `smtp-host`.",
		set: func(c *Config, s string) error {
			if _, err := mail.ParseAddress(s); s != "" && err != nil {
				return wants("an address like no-reply@example.com or Souk <no-reply@example.com>")
			}
			c.MailFrom = s
			return nil
		}},
	{Name: "sms-url", Type: "URL", Spec: "01 §10", Meaning: "Webhook that SMS are posted to as JSON, signed with `sms-key` (`docs/operate.md`). It is called like a seller's server: https, no private network but those of `allow-cidr`. Empty: SMS are files under `<data>/outbox`.",
		set: func(c *Config, s string) error {
			if u, err := url.Parse(s); s != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "") {
				return wants("http(s)://host[:port]/path")
			}
			c.SMSURL = s
			return nil
		}},
	{Name: "sms-key", Type: "text", Meaning: "Key of the signature of `sms-url`. At least 16 characters.", Secret: true,
		set: func(c *Config, s string) error {
			if s != "" && len(s) < 16 {
				return wants("at least 16 characters")
			}
			c.SMSKey = secret.Secret(s)
			return nil
		}},
	{Name: "order-query-rate", Type: "1 to 100000", Default: "200", Spec: "01 §5", Meaning: "Order queries that one seller may send, per second.",
		set: whole(func(c *Config) *int { return &c.OrderQueryRate }, 1, 100000)},
	{Name: "workers", Type: "1 to 10000", Default: "64", Meaning: "Calls to sellers that this process makes at once.",
		set: whole(func(c *Config) *int { return &c.Workers }, 1, 10000)},
	{Name: "lane-width", Type: "1 to 1000", Default: "4", Meaning: "Calls at once to one seller, per process. A slow seller holds up no more than this.",
		set: whole(func(c *Config) *int { return &c.LaneWidth }, 1, 1000)},
	{Name: "timeout-scale", Type: "0.001 to 1000", Default: "1", Spec: "01 §1.2", Meaning: "Factor on the time-outs of calls to sellers. Sandbox only.",
		set: func(c *Config, s string) error {
			f, err := strconv.ParseFloat(s, 64)
			if err != nil || !(f >= 0.001 && f <= 1000) {
				return wants("a number from 0.001 to 1000")
			}
			c.TimeoutScale = f
			return nil
		}},
	{Name: "too-many-failed-orders", Type: "propose, suspend", Default: "propose", Spec: "01 §2.11", Meaning: "What happens to a product after more than five failed new or upgrade orders in a month: suspension is proposed to an operator, or done.",
		set: oneOf(func(c *Config, s string) { c.TooManyFailed = s }, "propose", "suspend")},
	{Name: "pay-within", Type: "duration", Default: "168h", Spec: "22 §2.3", Meaning: "Time from submission to the payment deadline of an order, in business time.",
		set: duration(func(c *Config) *time.Duration { return &c.PayWithin }, time.Minute, 366*24*time.Hour)},
	{Name: "stop-within", Type: "duration", Default: "30s", Meaning: "How long a graceful stop waits for requests and calls under way.",
		set: duration(func(c *Config) *time.Duration { return &c.StopWithin }, 0, time.Hour)},
	{Name: "stop-delay", Type: "duration", Default: "0s", Meaning: "How long a process that was told to stop still answers requests while `/readyz` says 503, so that a balancer sends no more. A little longer than the balancer's interval of checks; 0 without one.",
		set: duration(func(c *Config) *time.Duration { return &c.StopDelay }, 0, time.Hour)},
	{Name: "metrics-listen", Type: "host:port", Meaning: "Address of a listener of its own for `/metrics`, `/healthz` and `/readyz`, which asks nobody who they are. Empty: `/metrics` stands on the main listener, for requests from this machine and with `metrics-token`.",
		set: func(c *Config, s string) error {
			if s != "" && !isAddress(s) {
				return wants("host:port or :port, like 127.0.0.1:9090")
			}
			c.MetricsListen = s
			return nil
		}},
	{Name: "metrics-token", Type: "text", Meaning: "Whoever sends it as `Authorization: Bearer …` may read `/metrics` on the main listener from elsewhere.", Secret: true,
		set: func(c *Config, s string) error {
			if s != "" && len(s) < 16 {
				return wants("at least 16 characters")
			}
			c.MetricsToken = secret.Secret(s)
			return nil
		}},
	{Name: "log-level", Type: "debug, info, warn, error", Default: "info", Meaning: "Least level of log lines, on standard error.",
		set: oneOf(func(c *Config, s string) { _ = c.LogLevel.UnmarshalText([]byte(s)) }, "debug", "info", "warn", "error")},
	{Name: "log-format", Type: "text, json", Default: "text", Meaning: "Form of log lines.",
		set: oneOf(func(c *Config, s string) { c.LogFormat = s }, "text", "json")},
}

// isAddress tells whether a text is host:port or :port.
func isAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	_, bad := strconv.ParseUint(port, 10, 16)
	return err == nil && bad == nil && !strings.ContainsAny(host, " /")
}

func text(at func(*Config) *string, nonEmpty string) func(*Config, string) error {
	return func(c *Config, s string) error {
		if s == "" && nonEmpty != "" {
			return wants(nonEmpty)
		}
		*at(c) = s
		return nil
	}
}

func networks(at func(*Config) *[]netip.Prefix) func(*Config, string) error {
	return func(c *Config, s string) error {
		var all []netip.Prefix
		for _, part := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' }) {
			p, err := netip.ParsePrefix(part)
			if err != nil || p != p.Masked() {
				return wants("networks like 10.1.0.0/16 without host bits, separated by commas")
			}
			all = append(all, p)
		}
		*at(c) = all
		return nil
	}
}

func oneOf(put func(*Config, string), values ...string) func(*Config, string) error {
	return func(c *Config, s string) error {
		for _, v := range values {
			if s == v {
				put(c, s)
				return nil
			}
		}
		return wants("one of " + strings.Join(values, ", "))
	}
}

func boolean(at func(*Config) *bool) func(*Config, string) error {
	return func(c *Config, s string) error {
		switch s {
		case "true", "1", "yes", "on":
			*at(c) = true
		case "false", "0", "no", "off":
			*at(c) = false
		default:
			return wants("true or false")
		}
		return nil
	}
}

func whole(at func(*Config) *int, min, max int) func(*Config, string) error {
	return func(c *Config, s string) error {
		n, err := strconv.Atoi(s)
		if err != nil || n < min || n > max {
			return wants(fmt.Sprintf("a whole number from %d to %d", min, max))
		}
		*at(c) = n
		return nil
	}
}

func duration(at func(*Config) *time.Duration, min, max time.Duration) func(*Config, string) error {
	return func(c *Config, s string) error {
		d, err := time.ParseDuration(s)
		if err != nil || d < min || d > max {
			return wants(fmt.Sprintf("a duration from %v to %v, like 30s or 168h", min, max))
		}
		*at(c) = d
		return nil
	}
}

var offset = regexp.MustCompile(`^([+-])(\d{1,2})(?::?([0-5]\d))?$`)

// zone reads a fixed offset (+8, +08:00) or a name of the zone database (Asia/Shanghai, UTC).
func zone(put func(*Config, *time.Location)) func(*Config, string) error {
	return func(c *Config, s string) error {
		bad := wants("an offset like +8 or +05:30, or a zone like Asia/Shanghai")
		if m := offset.FindStringSubmatch(s); m != nil {
			hours, _ := strconv.Atoi(m[2])
			minutes, _ := strconv.Atoi("0" + m[3])
			if hours > 14 {
				return bad
			}
			seconds := hours*3600 + minutes*60
			if m[1] == "-" {
				seconds = -seconds
			}
			put(c, time.FixedZone(fmt.Sprintf("UTC%s%02d:%02d", m[1], hours, minutes), seconds))
			return nil
		}
		z, err := time.LoadLocation(s)
		if err != nil || s == "" || s == "Local" {
			return bad
		}
		put(c, z)
		return nil
	}
}

var _ slog.LogValuer = Config{}

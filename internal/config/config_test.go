package config_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/spf13/pflag"
)

var update = flag.Bool("update", false, "rewrite docs/configuration.md")

type vars map[string]string

func (v vars) get(name string) (string, bool) { s, ok := v[name]; return s, ok }

// load is what the program does: flags from a command line, a map as environment.
func load(t *testing.T, env vars, args ...string) (config.Config, error) {
	t.Helper()
	flags := pflag.NewFlagSet("souk", pflag.ContinueOnError)
	config.AddFlags(flags)
	if err := flags.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(flags, env.get)
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "souk.conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestDefaults(t *testing.T) {
	c, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != config.Production || c.Listen != "127.0.0.1:8080" || c.Database != "sqlite:souk-data/souk.db" ||
		c.OrderQueryRate != 200 || c.Workers != 64 || c.LaneWidth != 4 || c.RetryPolicy != "koogallery" || c.PayWithin != 7*24*time.Hour {
		t.Errorf("defaults: %+v", c)
	}
	if _, seconds := time.Date(2026, 1, 1, 0, 0, 0, 0, c.ExpireZone).Zone(); seconds != 8*3600 {
		t.Errorf("V1 expireTime has offset %d s, want +8 h", seconds)
	}
	if c.Address() != "http://127.0.0.1:8080" {
		t.Errorf("address %s", c.Address())
	}
}

func TestFlagBeatsVariableBeatsFileBeatsDefault(t *testing.T) {
	conf := file(t, "# of this machine\n\nworkers = 10\nlane-width = 3\nlog-level=debug\n")
	env := vars{"SOUK_WORKERS": "20", "SOUK_LANE_WIDTH": "5"}
	c, err := load(t, env, "--config", conf, "--workers=30")
	if err != nil {
		t.Fatal(err)
	}
	if c.Workers != 30 || c.LaneWidth != 5 || c.LogLevel != slog.LevelDebug || c.OrderQueryRate != 200 {
		t.Errorf("workers %d (flag 30), lane width %d (variable 5), level %v (file debug), rate %d (default 200)", c.Workers, c.LaneWidth, c.LogLevel, c.OrderQueryRate)
	}
	env["SOUK_CONFIG"] = conf
	if c, err = load(t, env); err != nil || c.LogLevel != slog.LevelDebug {
		t.Errorf("file named by SOUK_CONFIG: %v %v", c.LogLevel, err)
	}
}

func TestForms(t *testing.T) {
	c, err := load(t, nil, "--allow-http", "--allow-cidr", "10.1.0.0/16,fd00:1::/32", "--allow-cidr=192.168.7.0/24",
		"--listen", ":8443", "--tls-cert", "c.pem", "--tls-key", "k.pem", "--expire-time-zone", "-05:30", "--data", "d")
	if err != nil {
		t.Fatal(err)
	}
	if !c.AllowHTTP || len(c.AllowCIDR) != 3 || c.AllowCIDR[2].String() != "192.168.7.0/24" || c.Address() != "https://localhost:8443" || c.Database != "sqlite:d/souk.db" {
		t.Errorf("%+v %s", c, c.Address())
	}
	if _, seconds := time.Date(2026, 1, 1, 0, 0, 0, 0, c.ExpireZone).Zone(); seconds != -(5*3600 + 1800) {
		t.Errorf("offset %d", seconds)
	}
}

// Each wrong value is refused with its option, its source and what is right.
func TestWrongValuesNameOptionSourceAndWhatIsRight(t *testing.T) {
	cases := []struct{ option, value, want string }{
		{"workers", "0", "whole number from 1 to 10000"},
		{"workers", "many", "whole number"},
		{"workers", "1e3", "whole number"},
		{"lane-width", "-1", "whole number"},
		{"listen", "8080", "host:port"},
		{"listen", "localhost:99999", "host:port"},
		{"database", "mysql://x", "sqlite:PATH or postgres"},
		{"mode", "test", "one of production, sandbox"},
		{"base-url", "souk.example", "http(s)://host"},
		{"master-key", "c2hvcnQ=", "32 bytes as base64"},
		{"expire-time-zone", "Shanghai", "an offset like +8"},
		{"expire-time-zone", "+25", "an offset like +8"},
		{"business-zone", "", "an offset like +8"},
		{"retry-policy", "never", "one of koogallery"},
		{"require-cases", "maybe", "auto, true"},
		{"allow-cidr", "10.0.0.1/8", "without host bits"},
		{"allow-cidr", "10.0.0.0", "networks like"},
		{"order-query-rate", "0", "whole number"},
		{"timeout-scale", "NaN", "a number from"},
		{"pay-within", "7d", "a duration from"},
		{"too-many-failed-orders", "delete", "one of propose, suspend"},
		{"log-level", "loud", "one of debug"},
		{"log-format", "xml", "one of text, json"},
		{"data", "", "name of a folder"},
	}
	for _, c := range cases {
		variable := "SOUK_" + strings.ToUpper(strings.ReplaceAll(c.option, "-", "_"))
		sources := map[string]func() (config.Config, error){
			variable:        func() (config.Config, error) { return load(t, vars{variable: c.value}) },
			"--" + c.option: func() (config.Config, error) { return load(t, nil, "--"+c.option+"="+c.value) },
			"souk.conf:1": func() (config.Config, error) {
				return load(t, nil, "--config", file(t, c.option+" = "+c.value+"\n"))
			},
		}
		for source, read := range sources {
			_, err := read()
			var e *config.Error
			if !errors.As(err, &e) || e.Option != c.option || e.Source != source || !strings.Contains(e.Want, c.want) {
				t.Errorf("%s=%q from %s: %v", c.option, c.value, source, err)
			}
		}
	}
}

func TestSecretsAreNotEchoed(t *testing.T) {
	for variable, value := range (vars{"SOUK_MASTER_KEY": "planted-secret", "SOUK_DATABASE": "pg://u:planted-secret@h/d"}) {
		if _, err := load(t, vars{variable: value}); err == nil || strings.Contains(err.Error(), "planted-secret") {
			t.Errorf("%s: %v", variable, err)
		}
	}
	c, err := load(t, vars{"SOUK_DATABASE": "postgres://souk:planted-secret@db/souk", "SOUK_MASTER_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("start", "config", c, "key", c.MasterKey)
	fmt.Fprintf(&out, "%v %+v", c.MasterKey, c.MasterKey)
	if strings.Contains(out.String(), "planted") || strings.Contains(out.String(), "AAECAw") || !strings.Contains(out.String(), "souk:***@db") {
		t.Errorf("log line: %s", out.String())
	}
}

func TestOptionsThatContradict(t *testing.T) {
	cases := []struct {
		args []string
		want string
	}{
		{[]string{"--tls-cert=c.pem"}, "both or neither"},
		{[]string{"--timeout-scale=0.1"}, "want 1 in mode production"},
		{[]string{"--workers=2"}, "lane-width"},
	}
	for _, c := range cases {
		if _, err := load(t, nil, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
	if _, err := load(t, nil, "--timeout-scale=0.1", "--mode=sandbox"); err != nil {
		t.Errorf("a sandbox may scale time-outs: %v", err)
	}
}

func TestFileMistakesAreAllReported(t *testing.T) {
	_, err := load(t, nil, "--config", file(t, "worker = 3\nworkers = 4\nworkers = 5\nlisten\nmode = x\n"))
	for _, want := range []string{`souk.conf:1: no option is called "worker"`, "souk.conf:3: workers was set before, at souk.conf:2", "souk.conf:4: want `key = value`", "option mode (from souk.conf:5)"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("missing %q in: %v", want, err)
		}
	}
	if _, err := load(t, nil, "--config", "/nowhere/souk.conf"); err == nil || !strings.Contains(err.Error(), "--config") {
		t.Errorf("absent file: %v", err)
	}
}

func TestReferencePageIsCurrent(t *testing.T) {
	const page = "../../docs/configuration.md"
	want := config.Reference()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/configuration.md is not what the table says: run `make docs`")
	}
}

func TestMailAndSMSOptionsGoTogether(t *testing.T) {
	for want, args := range map[string][]string{
		"mail-from":     {"--smtp-host=mail.example.com"},
		"smtp-password": {"--smtp-host=mail.example.com", "--mail-from=a@example.com", "--smtp-user=souk"},
		"sms-key":       {"--sms-url=https://sms.example.com/send"},
		"smtp-host":     {"--smtp-host=mail.example.com:25"},
		"at least 16":   {"--sms-url=https://sms.example.com/send", "--sms-key=planted-short"},
	} {
		if _, err := load(t, nil, args...); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "planted") {
			t.Errorf("%v: %v", args, err)
		}
	}
	c, err := load(t, vars{"SOUK_SMTP_PASSWORD": "planted", "SOUK_SMS_KEY": "planted planted planted"}, "--smtp-host=mail.example.com", "--mail-from=Souk <a@example.com>", "--smtp-user=souk", "--sms-url=https://sms.example.com/send")
	if err != nil || c.SMTPPort != 587 || c.SMTPTLS != "starttls" || c.SMTPPassword.Reveal() != "planted" {
		t.Errorf("%v %+v", err, c)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", c, c, c), "planted") {
		t.Error("a secret is printed with the configuration")
	}
}

package config

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"
)

// Error is a value that does not fit its option.
type Error struct {
	Option string // the option's name
	Source string // where the value came from: "--workers", "SOUK_WORKERS", "souk.conf:3"
	Value  string // the value as given; empty for secrets
	Want   string // what would be right
}

func (e *Error) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("option %s (from %s): %s", e.Option, e.Source, e.Want)
	}
	return fmt.Sprintf("option %s (from %s): %q: %s", e.Option, e.Source, e.Value, e.Want)
}

// raw keeps the text of a flag; Load judges it, so that all sources give the same errors.
type raw struct {
	text string
	set  bool
	list bool
	kind string
}

func (r *raw) String() string { return r.text }
func (r *raw) Type() string   { return r.kind }
func (r *raw) Set(s string) error {
	if r.list && r.set {
		s = r.text + "," + s
	}
	r.text, r.set = s, true
	return nil
}

// AddFlags gives the flag set one flag per option, and --config.
func AddFlags(flags *pflag.FlagSet) {
	flags.String("config", "", "file with lines `key = value`")
	for _, o := range Table {
		usage := strings.ReplaceAll(o.Meaning, "`", "")
		f := flags.VarPF(&raw{text: o.Default, list: o.Name == "allow-cidr", kind: o.Type}, o.Name, "", usage)
		if o.bool {
			f.NoOptDefVal = "true"
		}
	}
}

// Load reads every option from the flags (those registered by AddFlags that were given on the command
// line), from env, from the file named by --config or SOUK_CONFIG, and from the defaults, and checks
// the options against each other. All that is wrong is reported at once; each part is an *Error or names
// the file and line. flags may be nil; env is os.LookupEnv in the program.
func Load(flags *pflag.FlagSet, env func(string) (string, bool)) (Config, error) {
	var bad []error
	file := map[string]setting{}
	name, source := "", ""
	if flags != nil {
		if f := flags.Lookup("config"); f != nil && f.Changed {
			name, source = f.Value.String(), "--config"
		}
	}
	if v, ok := env("SOUK_CONFIG"); ok && name == "" && v != "" {
		name, source = v, "SOUK_CONFIG"
	}
	if name != "" {
		var err error
		if file, err = readFile(name); err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", source, err))
		}
	}
	var c Config
	for _, o := range Table {
		value := setting{text: o.Default, source: "the default"}
		if s, ok := file[o.Name]; ok {
			value = s
		}
		if v, ok := env(o.Env()); ok {
			value = setting{text: v, source: o.Env()}
		}
		if flags != nil {
			if f := flags.Lookup(o.Name); f != nil && f.Changed {
				value = setting{text: f.Value.String(), source: "--" + o.Name}
			}
		}
		if err := o.set(&c, value.text); err != nil {
			e := &Error{Option: o.Name, Source: value.source, Value: value.text, Want: err.Error()}
			if o.Secret {
				e.Value = ""
			}
			bad = append(bad, e)
		}
	}
	if len(bad) == 0 {
		bad = append(bad, c.check()...)
	}
	if c.Database == "" {
		c.Database = "sqlite:" + filepath.Join(c.Data, "souk.db")
	}
	return c, errors.Join(bad...)
}

// check compares options with each other.
func (c Config) check() []error {
	var bad []error
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad = append(bad, errors.New("options tls-cert and tls-key: want both or neither"))
	}
	if c.SMTPHost != "" && c.MailFrom == "" {
		bad = append(bad, errors.New("option mail-from: want the sender's address, since smtp-host is set"))
	}
	if (c.SMTPUser == "") != (c.SMTPPassword == "") {
		bad = append(bad, errors.New("options smtp-user and smtp-password: want both or neither"))
	}
	if (c.SMSURL == "") != (c.SMSKey == "") {
		bad = append(bad, errors.New("options sms-url and sms-key: want both or neither"))
	}
	if c.Mode == Production && c.TimeoutScale != 1 {
		bad = append(bad, errors.New("option timeout-scale: want 1 in mode production; other values are for sandboxes"))
	}
	if c.LaneWidth > c.Workers {
		bad = append(bad, fmt.Errorf("option lane-width: %d is more than workers (%d); one seller could take every worker", c.LaneWidth, c.Workers))
	}
	return bad
}

type setting struct{ text, source string }

// readFile reads lines of the form `key = value`. Blank lines and lines that start with # are skipped; the
// value is what stands between the blanks, without quotes or escapes.
func readFile(name string) (map[string]setting, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	known := map[string]bool{}
	for _, o := range Table {
		known[o.Name] = true
	}
	found := map[string]setting{}
	var bad []error
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff"))
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := fmt.Sprintf("%s:%d", filepath.Base(name), n)
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		switch {
		case !ok:
			bad = append(bad, fmt.Errorf("%s: want `key = value`", at))
		case !known[key]:
			bad = append(bad, fmt.Errorf("%s: no option is called %q; docs/configuration.md lists them", at, key))
		case found[key].source != "":
			bad = append(bad, fmt.Errorf("%s: %s was set before, at %s", at, key, found[key].source))
		default:
			found[key] = setting{text: strings.TrimSpace(value), source: at}
		}
	}
	if err := lines.Err(); err != nil {
		bad = append(bad, fmt.Errorf("%s: %w", filepath.Base(name), err))
	}
	return found, errors.Join(bad...)
}

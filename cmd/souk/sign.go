package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/protocol/aksk"
	"github.com/souk-market/souk/protocol/explain"
	"github.com/souk-market/souk/protocol/sealed"
)

// wireFlags are what a signature is made of, as flags.
type wireFlags struct {
	in                      explain.Input
	body, method, url, date string
	encryptType             string
	headers, others         []string
}

// kinds says what each kind is, and which flags it has besides --key.
var kinds = []struct {
	kind  explain.Kind
	short string
	flags []string
}{
	{explain.KindV1, "authToken of a V1 call (base64)", []string{"query"}},
	{explain.KindV2, "signature of a V2 call, of a licence call and of orderNotify (upper-case hex)", []string{"nonce", "timestamp", "body"}},
	{explain.KindKit, "x-sign of a V2 kit callback (upper-case hex)", []string{"nonce", "timestamp", "body"}},
	{explain.KindKitV1, "authToken header of a V1 kit callback (base64)", []string{"body"}},
	{explain.KindBody, "Body-Sign of an answer, the value alone (base64)", []string{"body"}},
	{explain.KindUsage, "signature of a usage push over the bytes as given (base64)", []string{"ts", "nonce", "body"}},
	{explain.KindAKSK, "Authorization of an open API call, signing host, x-sdk-date and every --header", []string{"ak", "sk", "method", "url", "header", "date", "body"}},
}

func (f *wireFlags) add(cmd *cobra.Command, names ...string) {
	flags := cmd.Flags()
	for _, name := range names {
		switch name {
		case "key":
			flags.StringVar(&f.in.Key, name, "", "access key that both sides share")
		case "query":
			flags.StringVar(&f.in.Query, name, "", "query, percent-encoded as on the wire; an authToken inside is left out")
		case "nonce":
			flags.StringVar(&f.in.Nonce, name, "", "nonce exactly as it travels")
		case "timestamp", "ts":
			flags.StringVar(&f.in.Timestamp, name, "", "milliseconds since 1970 exactly as they travel")
		case "body":
			flags.StringVar(&f.body, name, "", "file with the exact bytes of the body, - for standard input")
		case "ak":
			flags.StringVar(&f.in.AccessKey, name, "", "access key id")
		case "sk":
			flags.StringVar(&f.in.Key, name, "", "secret access key")
		case "method":
			flags.StringVar(&f.method, name, "", "method of the request")
		case "url":
			flags.StringVar(&f.url, name, "", "absolute URL, percent-encoded as on the wire")
		case "header":
			flags.StringArrayVar(&f.headers, name, nil, "header to sign, 'name: value'; may be repeated")
		case "date":
			flags.StringVar(&f.date, name, "", "x-sdk-date as YYYYMMDDTHHMMSSZ in UTC; now when absent")
		case "type":
			flags.StringVar(&f.encryptType, name, "1", "encryptType: 1 is a 256-bit key, 2 a 128-bit key")
		case "iv":
			flags.StringVar(&f.in.IV, name, "", "initial vector, 16 letters and digits")
		}
	}
}

// input turns the flags into what protocol/explain reads.
func (f *wireFlags) input(cmd *cobra.Command, kind explain.Kind) (explain.Input, error) {
	in := f.in
	if cmd.Flags().Lookup("body") != nil {
		switch body, err := f.readBody(cmd.InOrStdin()); {
		case f.body == "" && kind == explain.KindAKSK:
		case f.body == "":
			return in, unusable{errors.New("--body is missing: give a file with the exact bytes, or - for standard input")}
		case err != nil:
			return in, unusable{fmt.Errorf("--body cannot be read (%w): give a file with the exact bytes, or - for standard input", err)}
		default:
			in.Body = body
		}
	}
	if cmd.Flags().Lookup("type") != nil {
		bits, ok := sealed.ForEncryptType(f.encryptType)
		if !ok || f.encryptType == "" {
			return in, unusable{fmt.Errorf("--type is %q: 1 is a 256-bit key, 2 a 128-bit key", f.encryptType)}
		}
		in.Bits = bits
	}
	for _, other := range f.others {
		class, key, found := strings.Cut(other, "=")
		if !found || class == "" || key == "" {
			return in, unusable{fmt.Errorf("--other-key is %q: write CLASS=KEY, for example kit=0b1e4a52", other)}
		}
		in.Others = append(in.Others, explain.OtherKey{Class: class, Key: key})
	}
	if kind == explain.KindAKSK {
		return f.request(in)
	}
	return in, nil
}

func (f *wireFlags) readBody(stdin io.Reader) ([]byte, error) {
	switch f.body {
	case "":
		return nil, nil
	case "-":
		return io.ReadAll(stdin)
	}
	return os.ReadFile(f.body)
}

var (
	methodForm = regexp.MustCompile(`^[A-Za-z]+$`)
	headerForm = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
	ivForm     = regexp.MustCompile(`^[A-Za-z0-9]{16}$`)
)

// request makes the request of an aksk signature.
// spec: 14 §6.1, 01 §8.4
func (f *wireFlags) request(in explain.Input) (explain.Input, error) {
	if !methodForm.MatchString(f.method) {
		return in, unusable{fmt.Errorf("--method is %q: give GET, POST, PUT or another method", f.method)}
	}
	address, err := url.Parse(f.url)
	if err != nil || address.Scheme != "https" && address.Scheme != "http" || address.Host == "" || strings.ContainsFunc(f.url, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) {
		return in, unusable{fmt.Errorf("--url is %q: give https://host/path?query, percent-encoded, without fragment", f.url)}
	}
	// The raw text counts: parsing and writing anew could spell it differently.
	_, rest, _ := strings.Cut(f.url, "://")
	target := ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		target = rest[i:]
	}
	in.Request = aksk.Request{Method: strings.ToUpper(f.method), Target: target, Host: address.Host, Header: map[string][]string{}, Body: in.Body}
	in.Signed = []string{"host", "x-sdk-date"}
	date := f.date
	for _, header := range f.headers {
		name, value, found := strings.Cut(header, ":")
		if name = strings.ToLower(name); !found || !headerForm.MatchString(name) {
			return in, unusable{fmt.Errorf("--header is %q: write 'name: value'", header)}
		}
		value = strings.TrimPrefix(value, " ")
		switch {
		case name == "host":
			in.Request.Host = strings.TrimSpace(value)
		case name == "x-sdk-date" && date != "" && date != strings.TrimSpace(value):
			return in, unusable{errors.New("--date and the header x-sdk-date differ: give one of them")}
		case name == "x-sdk-date":
			date = strings.TrimSpace(value)
		default:
			in.Request.Header[name] = append(in.Request.Header[name], value)
			in.Signed = append(in.Signed, name)
		}
	}
	if date == "" {
		date = time.Now().UTC().Format(aksk.TimeFormat)
	}
	in.Request.Header["x-sdk-date"] = []string{date}
	return in, nil
}

// named turns what protocol/explain says into the name of a flag.
func named(kind explain.Kind, err error) error {
	var wrong *explain.InputError
	if !errors.As(err, &wrong) {
		return err
	}
	field := wrong.Field
	if kind == explain.KindAKSK && field == "key" {
		return unusable{errors.New("--sk is missing: give the secret access key")}
	}
	return unusable{fmt.Errorf("--%s %s: %s", field, wrong.Problem, wrong.Right)}
}

// strict makes every mistake in the command line an unusable input.
func strict(cmd *cobra.Command) *cobra.Command {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return unusable{fmt.Errorf("%w: see souk help %s", err, strings.TrimPrefix(cmd.CommandPath(), "souk "))}
	})
	if args := cmd.Args; args != nil {
		cmd.Args = func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return unusable{fmt.Errorf("%w: see souk help %s", err, strings.TrimPrefix(cmd.CommandPath(), "souk "))}
			}
			return nil
		}
	}
	return cmd
}

// group is a command that only holds others.
func group(use, short, long string) *cobra.Command {
	return strict(&cobra.Command{Use: use, Short: short, Long: long, Args: cobra.ArbitraryArgs, RunE: func(cmd *cobra.Command, args []string) error {
		var names []string
		for _, c := range cmd.Commands() {
			names = append(names, c.Name())
		}
		what := "is missing"
		if len(args) > 0 {
			what = fmt.Sprintf("is %q", args[0])
		}
		return unusable{fmt.Errorf("the kind after %s %s: give one of %s", cmd.Name(), what, strings.Join(names, ", "))}
	}})
}

// signCommand prints the value alone, for scripts.
// spec: 01 §8.4
func signCommand() *cobra.Command {
	root := group("sign", "Make a signature of the sellers' protocols", "Make a signature of the sellers' protocols, offline. The value alone goes to standard output.")
	for _, k := range kinds {
		var f wireFlags
		cmd := strict(&cobra.Command{Use: string(k.kind), Short: "Make the " + k.short, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			in, err := f.input(cmd, k.kind)
			if err != nil {
				return err
			}
			r, err := explain.Explain(k.kind, in)
			if err != nil {
				return named(k.kind, err)
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), r.Want)
			return err
		}})
		if k.kind != explain.KindAKSK {
			f.add(cmd, "key")
		}
		f.add(cmd, k.flags...)
		root.AddCommand(cmd)
	}
	return root
}

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/face/openapi"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/sealed"
)

// doctorCommand plays the marketplace against a seller's server.
// spec: 01 §8.3
func doctorCommand() *cobra.Command {
	var (
		o                                          doctor.Options
		protocol, lang, listen, restart, signKey   string
		jsonTo, junitTo, htmlTo                    string
		caFile, generation, lists, publicKey, oaep string
		modes                                      []string
		verbose, quiet                             bool
	)
	cmd := &cobra.Command{
		Use:   "doctor URL",
		Short: "Play the marketplace against a seller's server and judge it",
		Long: "Plays the marketplace against a running seller's server: whole lives in order and out of\n" +
			"order, good and bad calls, repetitions, lost answers. Every rule gets one verdict.\n\n" +
			"Calls carry testFlag=1 unless --real is given. Order ids begin with DOCTOR and are new in\n" +
			"every run. The exit code is 0 when every must holds, 1 when one does not, 2 when the doctor\n" +
			"could not run. A run never takes longer than --limit.\n\n" +
			"With --order-listen the doctor serves the order query (V2, notify) for the mock orders and\n" +
			"the ones it plays, and prints its address: give that to the seller's server as marketplace.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o.URL, o.Protocol, o.Lang = args[0], doctor.Protocol(protocol), doctor.Lang(lang)
			if o.Lang != doctor.ZH && o.Lang != doctor.EN {
				return cannot(cmd, errors.New("--lang is zh or en"))
			}
			for _, m := range modes {
				o.Modes = append(o.Modes, doctor.Mode(m))
			}
			var err error
			if o.Kit, err = kitOptions(generation, lists, publicKey, oaep); err != nil {
				return cannot(cmd, err)
			}
			if caFile != "" {
				text, err := os.ReadFile(caFile)
				if err != nil {
					return cannot(cmd, fmt.Errorf("--ca-file: %w", err))
				}
				if o.RootCAs = x509.NewCertPool(); !o.RootCAs.AppendCertsFromPEM(text) {
					return cannot(cmd, errors.New("--ca-file: no certificate in it"))
				}
			}
			if o.OrderListen = listen; listen == "" && o.AK != "" {
				o.OrderListen = "127.0.0.1:0"
			}
			o.MockOrder = openapi.MockAnswer
			if restart != "" {
				o.Restart = shell(restart, cmd.ErrOrStderr())
			}
			var key ed25519.PrivateKey
			if signKey != "" {
				text, err := os.ReadFile(signKey)
				if err == nil {
					key, err = doctor.ParsePrivateKey(text)
				}
				if err != nil {
					return cannot(cmd, fmt.Errorf("--sign-key: %w", err))
				}
			}
			if jsonTo == "-" && junitTo == "-" {
				return cannot(cmd, errors.New("--json and --junit cannot both go to standard output"))
			}
			// What a machine reads goes to standard output alone; people then read standard error.
			people := cmd.OutOrStdout()
			if slices.Contains([]string{jsonTo, junitTo, htmlTo}, "-") {
				people = cmd.ErrOrStderr()
			}
			if quiet {
				people = io.Discard
			}
			printer := doctor.Printer{Out: people, Lang: o.Lang, Colour: colourful(people), Terminal: terminal(people), Verbose: verbose}
			o.OrdersReady = func(base string) {
				_, _ = fmt.Fprintf(people, "%s: %s\n", doctor.Text{ZH: "查询订单接口", EN: "order query"}.In(o.Lang), base)
			}
			o.Begin = printer.Begin
			o.Progress = func(v doctor.Verdict) { _ = printer.Verdict(v) }
			report, err := doctor.Run(cmd.Context(), o)
			if err != nil {
				return cannot(cmd, err)
			}
			if err := printer.Summary(report); err != nil {
				return cannot(cmd, err)
			}
			if key != nil {
				if err := report.Sign(key); err != nil {
					return cannot(cmd, err)
				}
			}
			for _, form := range []struct {
				to    string
				write func() ([]byte, error)
			}{{jsonTo, report.JSON}, {junitTo, report.JUnit}, {htmlTo, report.HTML}} {
				if err := keep(cmd, form.to, form.write); err != nil {
					return cannot(cmd, err)
				}
			}
			if code := report.Outcome.ExitCode(); code != 0 {
				return exitCode(code)
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&protocol, "protocol", "v2", "what to play: v1, v2, kit, license or notify")
	f.StringVar(&o.Key, "key", "", "access key of the interface class")
	f.StringVar(&o.AK, "ak", "", "access key id that the seller's server signs order queries with")
	f.StringVar(&o.SK, "sk", "", "secret access key of --ak")
	f.StringVar(&listen, "order-listen", "", "address to serve the order query on, or off; a free local port when --ak is given")
	f.StringVar(&restart, "restart", "", "command that restarts the seller's server; run by the shell")
	f.StringSliceVar(&modes, "modes", nil, "billing modes that the seller offers: period, one-time, pay-per-use, package; all by default")
	f.BoolVar(&o.Real, "real", false, "leave testFlag=1 away: the seller provides what is ordered")
	f.BoolVar(&o.StableBusinessID, "stable-business-id", false, "repeat the first businessId, as the product's switch does")
	f.BoolVar(&o.OtherWay, "usage-data-another-way", false, "v2: an answer without info is complete, as the product's switch says")
	f.StringVar(&caFile, "ca-file", "", "PEM file with the certificate authorities to trust instead of the system's, e.g. for a test server")
	f.StringVar(&generation, "kit-generation", "v2", "kit: v1 (authToken) or v2 (x-sign)")
	f.StringVar(&lists, "kit-lists", "", "kit: how lists travel, array or text; by default as the generation has it")
	f.StringVar(&publicKey, "rsa-public-key", "", "kit: PEM file with the seller's public key for clientSecret; without it applications are not played")
	f.StringVar(&oaep, "oaep", "", fmt.Sprintf("kit: hashes of the encryption, one of %v", sealed.OAEPProfiles))
	f.StringVar(&o.License, "license", "", "license: authorisation code to play; by default one that does not exist")
	f.StringVar(&lang, "lang", "zh", "language of the texts: zh or en")
	f.DurationVar(&o.Limit, "limit", 5*time.Minute, "longest duration of a run")
	f.StringVar(&jsonTo, "json", "", "write the report as JSON to a file, or to standard output: --json or --json=FILE")
	f.StringVar(&junitTo, "junit", "", "write the report as JUnit XML, likewise")
	f.Lookup("json").NoOptDefVal, f.Lookup("junit").NoOptDefVal = "-", "-"
	f.StringVar(&htmlTo, "html", "", "write the report as one page that needs nothing else")
	f.StringVar(&signKey, "sign-key", "", "sign the report with the Ed25519 private key in this PEM file")
	f.BoolVar(&verbose, "verbose", false, "show the calls of broken rules")
	f.BoolVar(&quiet, "quiet", false, "write no text")
	cmd.AddCommand(doctorVerifyCommand())
	return cmd
}

// doctorVerifyCommand checks the signature of a report.
func doctorVerifyCommand() *cobra.Command {
	var publicKey string
	cmd := &cobra.Command{
		Use:   "verify FILE",
		Short: "Check the signature of a doctor's report, JSON or HTML",
		Long: "Checks that a report (the JSON file or the page) is what was signed. Without --public-key\n" +
			"that says only that nobody changed it since somebody signed it: compare the fingerprint.\n\n" +
			"The exit code is 0 when the signature fits, 1 when it does not or is missing, 2 when the\n" +
			"file cannot be read.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var trusted ed25519.PublicKey
			if publicKey != "" {
				text := publicKey
				if file, err := os.ReadFile(publicKey); err == nil {
					text = string(file)
				}
				var err error
				if trusted, err = doctor.ParsePublicKey(text); err != nil {
					return cannot(cmd, fmt.Errorf("--public-key: %w", err))
				}
			}
			file, err := os.Open(args[0])
			if err != nil {
				return cannot(cmd, err)
			}
			defer file.Close()
			text, err := io.ReadAll(io.LimitReader(file, doctor.MaxReport+1))
			if err != nil || len(text) > doctor.MaxReport {
				return cannot(cmd, errors.Join(err, errors.New("the file is too long or cannot be read")))
			}
			report, err := doctor.Verify(text, trusted)
			if err != nil {
				_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "souk:", err)
				return exitCode(1)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "signature fits: key %s\n%s %s, %s: %s\n", report.Signature().Fingerprint(),
				report.Protocol, report.Address, report.Started.Format(time.RFC3339), report.Outcome)
			return err
		},
	}
	cmd.Flags().StringVar(&publicKey, "public-key", "", "the key that must have signed: a PEM file, base64 or hex")
	return cmd
}

// kitOptions reads the flags of a kit run.
func kitOptions(generation, lists, publicKey, oaep string) (k doctor.KitOptions, err error) {
	switch generation {
	case "v1":
		k.V1 = true
	case "v2":
	default:
		return k, errors.New("--kit-generation is v1 or v2")
	}
	switch lists {
	case "":
	case "array":
		k.Lists = kit.ListArray
	case "text":
		k.Lists = kit.ListText
	default:
		return k, errors.New("--kit-lists is array or text")
	}
	if k.OAEP = sealed.OAEPProfile(oaep); oaep != "" && !slices.Contains(sealed.OAEPProfiles, k.OAEP) {
		return k, fmt.Errorf("--oaep is one of %v", sealed.OAEPProfiles)
	}
	if publicKey == "" {
		return k, nil
	}
	text, err := os.ReadFile(publicKey)
	if err == nil {
		k.PublicKey, err = sealed.ParsePublicKey(string(text))
	}
	if err != nil {
		return k, fmt.Errorf("--rsa-public-key: %w", err)
	}
	return k, nil
}

// keep writes one form of the report to a file, or to standard output for "-".
func keep(cmd *cobra.Command, to string, write func() ([]byte, error)) error {
	if to == "" {
		return nil
	}
	text, err := write()
	if err != nil {
		return err
	}
	if to == "-" {
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return os.WriteFile(to, text, 0o644)
}

// cannot ends the command with the code of a doctor that could not run.
func cannot(cmd *cobra.Command, err error) error {
	_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "souk:", err)
	return exitCode(2)
}

// shell runs a command line; what it prints is not for a report.
func shell(line string, out io.Writer) func(context.Context) error {
	return func(ctx context.Context) error {
		c := exec.CommandContext(ctx, "sh", "-c", line)
		c.Stdout, c.Stderr = out, out
		c.WaitDelay = time.Second // a server left behind may keep our pipes
		if err := c.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
			return err
		}
		return nil
	}
}

// terminal tells whether a writer is a terminal that can move its cursor.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || strings.EqualFold(os.Getenv("TERM"), "dumb") {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// colourful tells whether it is one that wants colours, too.
func colourful(w io.Writer) bool { return os.Getenv("NO_COLOR") == "" && terminal(w) }

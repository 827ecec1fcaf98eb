package main

import (
	"context"
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
)

// doctorCommand plays the marketplace against a seller's server.
// spec: 01 §8.3
func doctorCommand() *cobra.Command {
	var (
		o                                     doctor.Options
		protocol, lang, listen, restart, sign string
		jsonTo, junitTo, htmlTo               string
		modes                                 []string
		verbose, quiet                        bool
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
				return usage(cmd, errors.New("--lang is zh or en"))
			}
			for _, m := range modes {
				o.Modes = append(o.Modes, doctor.Mode(m))
			}
			if o.OrderListen = listen; listen == "" && o.AK != "" {
				o.OrderListen = "127.0.0.1:0"
			}
			o.MockOrder = openapi.MockAnswer
			if restart != "" {
				o.Restart = shell(restart, cmd.ErrOrStderr())
			}
			// What a machine reads goes to standard output alone; people then read standard error.
			people := cmd.OutOrStdout()
			if slices.Contains([]string{jsonTo, junitTo, htmlTo}, "-") {
				people = cmd.ErrOrStderr()
			}
			if quiet {
				people = io.Discard
			}
			printer := doctor.Printer{Out: people, Lang: o.Lang, Colour: colourful(people), Verbose: verbose}
			o.OrdersReady = func(base string) {
				_, _ = fmt.Fprintf(people, "%s: %s\n", doctor.Text{ZH: "查询订单接口", EN: "order query"}.In(o.Lang), base)
			}
			o.Progress = func(v doctor.Verdict) { _ = printer.Verdict(v) }
			report, err := doctor.Run(cmd.Context(), o)
			if err != nil {
				return usage(cmd, err)
			}
			if err := printer.Summary(report); err != nil {
				return usage(cmd, err)
			}
			_ = sign
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
	f.StringVar(&lang, "lang", "zh", "language of the texts: zh or en")
	f.DurationVar(&o.Limit, "limit", 5*time.Minute, "longest duration of a run")
	f.BoolVar(&verbose, "verbose", false, "show the calls of broken rules")
	f.BoolVar(&quiet, "quiet", false, "write no text")
	return cmd
}

// usage ends the command with the code of a doctor that could not run.
func usage(cmd *cobra.Command, err error) error {
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

// colourful tells whether a writer is a terminal that wants colours.
func colourful(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || strings.EqualFold(os.Getenv("TERM"), "dumb") {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
)

func demoCommand() *cobra.Command {
	var data, listen string
	var once, verbose bool
	var faults []string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Start a sandbox marketplace with believable data and two sandbox sellers",
		Long: "Start a sandbox marketplace on SQLite with operators, buyers with money, sellers and products,\n" +
			"and two sandbox sellers as processes of their own. Addresses and logins are printed and written\n" +
			"to demo.json in the data folder. With --once a story is played without a browser on a free port;\n" +
			"the exit code is 0 only if orders, ledger and the sellers' own records agree.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, text := range faults {
				if _, err := delivery.ParseFault(text); err != nil {
					return fmt.Errorf("--fault: %w", err)
				}
			}
			if once {
				if !cmd.Flags().Changed("listen") {
					listen = "127.0.0.1:0"
				}
				if !cmd.Flags().Changed("data") {
					dir, err := os.MkdirTemp("", "souk-demo-")
					if err != nil {
						return err
					}
					defer os.RemoveAll(dir)
					data = dir
				}
			}
			return runDemo(cmd.Context(), cmd.OutOrStdout(), data, listen, once, verbose, faults)
		},
	}
	cmd.Flags().StringVar(&data, "data", "./souk-demo", "folder of the demo's database, keys and demo.json")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address to listen on; port 0 takes a free port")
	cmd.Flags().BoolVar(&once, "once", false, "play the story without a browser and stop")
	cmd.Flags().StringArrayVar(&faults, "fault", nil, "misbehave towards the sellers: NAME[=DURATION][@ACTIVITY]; may be repeated ("+strings.Join(delivery.FaultNames(), ", ")+")")
	cmd.Flags().BoolVar(&verbose, "verbose", false, "log every request and call to standard error")
	return cmd
}

func runDemo(ctx context.Context, out io.Writer, data, listen string, once, verbose bool, faults []string) error {
	c, err := config.Load(nil, func(string) (string, bool) { return "", false })
	if err != nil {
		return err
	}
	c.Data, c.Listen, c.Mode, c.Database = data, listen, config.Sandbox, ""
	c.LogLevel = slog.LevelWarn
	if verbose {
		c.LogLevel = slog.LevelInfo
	}
	log := logger(c)
	p, err := program.Open(ctx, c, program.Options{Logger: log, Version: version()})
	if err != nil {
		return err
	}
	defer p.Close()
	f, err := demo.Load(data)
	if err != nil {
		return err
	}
	fresh := f == nil
	if fresh {
		if f, err = demo.Seed(ctx, p); err != nil {
			return fmt.Errorf("fill the sandbox: %w", err)
		}
		if err := f.Save(data); err != nil { // the tokens stand nowhere else
			return err
		}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	f.BaseURL = addressOf(c, l)
	self, err := exec.LookPath(os.Args[0]) // the program as it was started
	if err != nil {
		if self, err = os.Executable(); err != nil {
			return err
		}
	}
	sellers := map[string]*demo.Process{}
	for i := range f.Sellers {
		s := &f.Sellers[i]
		log, err := os.OpenFile(filepath.Join(data, "seller-"+s.Protocol+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		defer log.Close()
		one, err := demo.StartSeller(ctx, self, data, f.BaseURL, s, log)
		if err != nil {
			return err
		}
		defer one.Stop()
		if err := demo.Register(ctx, p, s, one.Base, one.Notify); err != nil {
			return err
		}
		err = p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			_, err := p.Sandbox.SetFaults(ctx, tx, kernel.System, s.ID, faults)
			return err
		})
		if err != nil {
			return err
		}
		sellers[s.Protocol] = one
	}
	if err := f.Save(data); err != nil {
		return err
	}
	serve, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() { served <- p.Serve(serve, l) }()
	if once {
		story := &demo.Story{File: f, Sellers: sellers, Out: out}
		err := story.Run(ctx)
		stop()
		if e := <-served; err == nil {
			err = e
		}
		return err
	}
	if fresh {
		if err := demo.Liven(ctx, f); err != nil {
			log.Warn("the demo's first purchases did not all come through", "err", err)
		}
	}
	describe(out, f, data)
	return <-served
}

// describe tells where the demo is and who can sign in.
func describe(out io.Writer, f *demo.File, data string) {
	fmt.Fprintf(out, "The sandbox marketplace is at %s\n\n", f.BaseURL)
	fmt.Fprintf(out, "%-10s %-10s %-18s %s\n", "role", "login", "password", "company")
	for _, a := range f.Accounts {
		fmt.Fprintf(out, "%-10s %-10s %-18s %s\n", a.Role, a.Login, a.Password, a.Company)
	}
	fmt.Fprintln(out)
	for _, s := range f.Sellers {
		fmt.Fprintf(out, "seller %s speaks %s at %s\n", s.Company, s.Protocol, s.Address)
	}
	fmt.Fprintf(out, "\nTokens, keys and addresses for scripts: %s\nStop with Ctrl+C; start again to go on.\n", filepath.Join(data, "demo.json"))
}

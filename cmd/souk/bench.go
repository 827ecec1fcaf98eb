package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/harness/bench"
)

// benchCommand measures the program; docs/performance.md says how to read it.
func benchCommand() *cobra.Command {
	var o bench.Options
	var asJSON, quiet bool
	names, help := bench.Names()
	cmd := &cobra.Command{
		Use:   "bench NAME",
		Short: "Measure the marketplace on this machine",
		Long: "Measure the marketplace on this machine: a fresh database, `souk serve` as a process of its\n" +
			"own, load and sellers from this process. The names are\n\n" + help + "\n" +
			"With --db postgres and no --url a temporary durable server is started from the\n" +
			"distribution's binaries. The exit code is 0 when there is a figure, whether or not it meets\n" +
			"its target.",
		Args:      cobra.ExactArgs(1),
		ValidArgs: names,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Name = args[0]
			var err error
			if o.Program == "" {
				if o.Program, err = os.Executable(); err != nil {
					return err
				}
			}
			o.Log = cmd.ErrOrStderr()
			if quiet {
				o.Log = io.Discard
			}
			defaults(cmd, &o)
			f, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if !asJSON {
				_, err = fmt.Fprint(cmd.OutOrStdout(), f.Line())
				return err
			}
			out, err := json.Marshal(f)
			if err == nil {
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s\n", out)
			}
			return err
		},
	}
	fl := cmd.Flags()
	fl.StringVar(&o.DB, "db", "sqlite", "engine: sqlite or postgres")
	fl.StringVar(&o.URL, "url", "", "PostgreSQL server to use; its account must be allowed to create databases")
	fl.StringVar(&o.Program, "program", "", "souk binary to measure; empty: this one")
	fl.StringVar(&o.Dir, "dir", "", "folder for databases, on the disk that counts; empty: the system's temporary one")
	fl.DurationVar(&o.Warm, "warm", 5*time.Second, "load before anything is counted, per repeat")
	fl.DurationVar(&o.Run, "run", 10*time.Second, "load that is counted, per repeat and phase; idle and pending: time until memory is read")
	fl.IntVar(&o.Repeat, "repeat", 1, "repeats; the median one is the figure")
	fl.IntVar(&o.Clients, "clients", 32, "orders: connections that work at once")
	fl.IntVar(&o.Orders, "orders", 4000, "deliveries: paid orders to work off; pending: deliveries that wait, life: services in use (default 100000)")
	fl.StringVar(&o.Protocol, "protocol", "v1", "deliveries: v1, v2 or mix")
	fl.IntVar(&o.Products, "products", 20_000, "browse: products on sale")
	fl.BoolVar(&asJSON, "json", false, "print one JSON object")
	fl.BoolVar(&quiet, "quiet", false, "no progress on standard error")
	return cmd
}

// defaults sets what differs by name.
func defaults(cmd *cobra.Command, o *bench.Options) {
	if (o.Name == "pending" || o.Name == "life") && !cmd.Flags().Changed("orders") {
		o.Orders = 100_000
	}
}

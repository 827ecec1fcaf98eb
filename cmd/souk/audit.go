package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/kernel"
)

func auditCommand() *cobra.Command {
	root := &cobra.Command{Use: "audit", Short: "Prove and export the audit log"}
	var head string
	verify := &cobra.Command{
		Use:   "verify",
		Short: "Walk the chain of the audit log and tell where it is broken",
		Long: "Walk the chain of the audit log and tell each row that was changed, removed, put in or moved.\n" +
			"It ends with 0 only if the chain is whole. The last line is the head: written down somewhere\n" +
			"else and given back with --head, it also shows that nobody who has the master key made the\n" +
			"chain anew.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			var known audit.Head
			if head != "" {
				if known, err = audit.ParseHead(head); err != nil {
					return err
				}
			}
			p, err := program.Open(cmd.Context(), c, program.Options{Logger: log, NoWorkers: true})
			if err != nil {
				return err
			}
			defer p.Close()
			r, err := p.Audit.Verify(cmd.Context(), kernel.System, known)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			for _, f := range r.Faults {
				fmt.Fprintln(out, f)
			}
			fmt.Fprintf(out, "%d rows in the chain, %d not sealed yet\n", r.Rows, r.Open)
			if len(r.Faults) > 0 {
				fmt.Fprintln(out, "the chain is broken")
				return exitCode(1)
			}
			fmt.Fprintln(out, "the chain is whole")
			if r.Head.Seq > 0 {
				fmt.Fprintf(out, "head %d:%s\n", r.Head.Seq, r.Head.Hash)
			}
			return nil
		},
	}
	verify.Flags().StringVar(&head, "head", "", "a head written down before, as NUMBER:HASH")
	config.AddFlags(verify.Flags())
	export := &cobra.Command{
		Use:   "export",
		Short: "Write the audit log to standard output as CSV, the newest row first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			p, err := program.Open(cmd.Context(), c, program.Options{Logger: log, NoWorkers: true})
			if err != nil {
				return err
			}
			defer p.Close()
			return p.Audit.Export(cmd.Context(), kernel.System, audit.Filter{}, cmd.OutOrStdout())
		},
	}
	config.AddFlags(export.Flags())
	root.AddCommand(verify, export)
	return root
}

package main

import (
	"context"
	"fmt"
	"net"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/program"
)

func serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the marketplace",
		Long: "Run the marketplace on SQLite in the data folder, or on a PostgreSQL that any number of\n" +
			"processes may share. An empty database is set up at the first start; create the first\n" +
			"operator with 'souk admin create'.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			p, err := program.Open(cmd.Context(), c, program.Options{Logger: log, Version: version()})
			if err != nil {
				return err
			}
			defer p.Close()
			l, err := net.Listen("tcp", c.Listen)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "listening on %s\n", addressOf(c, l))
			log.Info("started", "config", c, "version", version())
			defer log.Info("stopped")
			notify("READY=1")
			context.AfterFunc(cmd.Context(), func() { notify("STOPPING=1") })
			return p.Serve(cmd.Context(), l)
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// addressOf is how people reach the listener, also when the port was chosen by the system.
func addressOf(c config.Config, l net.Listener) string {
	c.Listen = l.Addr().String()
	return c.Address()
}

func migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Bring the database's schema up to date and stop",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			db, err := program.OpenDatabase(cmd.Context(), c, program.Options{Logger: log})
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "the schema is up to date")
			return db.Close()
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

func adminCommand() *cobra.Command {
	admin := &cobra.Command{Use: "admin", Short: "Manage a marketplace from its own machine"}
	var login, name, company string
	create := &cobra.Command{
		Use:   "create",
		Short: "Create the first operator of an empty marketplace",
		Long:  "Create the first operator of an empty marketplace. The password is read from the first line\nof standard input, so that it stands in no command line and no history.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			if login == "" {
				return fmt.Errorf("--login is missing")
			}
			password, err := readPassword(cmd)
			if err != nil {
				return err
			}
			p, err := program.Open(cmd.Context(), c, program.Options{Logger: log, NoWorkers: true})
			if err != nil {
				return err
			}
			defer p.Close()
			person, err := p.People.FirstOperator(cmd.Context(), company, login, name, password)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "created operator %s; sign in at %s/login\n", person.Login, c.Address())
			return nil
		},
	}
	create.Flags().StringVar(&login, "login", "", "login of the operator")
	create.Flags().StringVar(&name, "name", "Administrator", "name of the operator")
	create.Flags().StringVar(&company, "company", "Operator", "name of the operators' company")
	config.AddFlags(create.Flags())
	admin.AddCommand(create, recoverCommand(), mailCommand())
	return admin
}

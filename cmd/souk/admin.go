package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/program"
)

// recoverCommand lets somebody in again who lost password or second factor and whom no mail reaches.
func recoverCommand() *cobra.Command {
	var login string
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Set a new password for a person and take the second factor away",
		Long: "Set a new password for a person and take the second factor away; all sessions end, and the audit\n" +
			"log says so. Operators who must have a second factor set it up anew when they sign in. The\n" +
			"password is read from the first line of standard input.",
		Args: cobra.NoArgs,
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
			who, err := p.People.Recover(cmd.Context(), login, password)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in with the new password at %s/login\n", who.Login, c.Address())
			return nil
		},
	}
	cmd.Flags().StringVar(&login, "login", "", "login of the person")
	config.AddFlags(cmd.Flags())
	return cmd
}

// mailCommand shows that the settings of mail are right before anybody waits for one.
func mailCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mail", Short: "Look after the mails of a marketplace"}
	test := &cobra.Command{
		Use:   "test ADDRESS",
		Short: "Send one mail at once, with the settings that serve would use",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := load(cmd)
			if err != nil {
				return err
			}
			where, err := program.TestMail(cmd.Context(), c, args[0])
			if err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "handed over to %s\n", where)
			return nil
		},
	}
	config.AddFlags(test.Flags())
	cmd.AddCommand(test)
	return cmd
}

// readPassword reads the first line of standard input, so that a password stands in no command line and no history.
func readPassword(cmd *cobra.Command) (string, error) {
	if info, err := os.Stdin.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		fmt.Fprint(cmd.ErrOrStderr(), "password (10 to 128 characters): ")
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("read the password from standard input: %w", err)
	}
	return strings.TrimRight(line, "\r\n"), nil
}

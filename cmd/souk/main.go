package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
)

// exitCode is an error that ends the process with a code of its own and says nothing more.
type exitCode int

func (e exitCode) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// unusable is an error in what a command was given, as opposed to what came of it.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := execute(ctx, rootCommand())
	stop()
	os.Exit(code)
}

// execute runs a command, says on its standard error what went wrong, and returns the
// exit code: 0, the command's own, 2 for an input that cannot be used, else 1.
func execute(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	var code exitCode
	var given unusable
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintln(root.ErrOrStderr(), "souk:", err)
	if errors.As(err, &given) {
		return 2
	}
	return 1
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "souk",
		Short:         "A cloud marketplace that anyone can host",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(serveCommand(), demoCommand(), sellerCommand(), doctorCommand(), adminCommand(), auditCommand(), migrateCommand(), backupCommand(), restoreCommand(), healthCommand(), benchCommand(), signCommand(), sealCommand(), openCommand(), explainCommand(), recordCommand(), replayCommand(), versionCommand())
	return root
}

func versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Print the version", Args: cobra.NoArgs, Run: func(cmd *cobra.Command, _ []string) {
		fmt.Fprintln(cmd.OutOrStdout(), version())
	}}
}

func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "souk (unknown build)"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			v += " " + s.Value[:12]
		}
	}
	return "souk " + v + " " + info.GoVersion
}

// load reads the configuration of a command that has its flags.
func load(cmd *cobra.Command) (config.Config, *slog.Logger, error) {
	c, err := config.Load(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return c, nil, err
	}
	return c, logger(c), nil
}

func logger(c config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(os.Stderr, o))
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}

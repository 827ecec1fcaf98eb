// Pgtemp runs a command with a temporary PostgreSQL server and stops the server
// afterwards:
//
//	go run ./internal/engine/databasetest/pgtemp [-durable] -- go test ./...
//
// The command finds the server's URL in SOUK_TEST_POSTGRES; its exit status is
// pgtemp's. Where no PostgreSQL is installed the command runs without, and its
// tests decide whether that is a failure. -durable keeps fsync on, for
// benchmarks.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"github.com/souk-market/souk/internal/engine/databasetest"
)

func main() {
	durable := flag.Bool("durable", false, "keep fsync on")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "usage: pgtemp [-durable] -- command [argument…]")
		os.Exit(2)
	}
	status, err := run(*durable, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "pgtemp:", err)
	}
	os.Exit(status)
}

func run(durable bool, command []string) (int, error) {
	// Interrupts are the command's business; pgtemp stays to clean up.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)

	cmd := exec.Command(command[0], command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	if os.Getenv(databasetest.ServerVariable) == "" {
		s, err := databasetest.StartServer(context.Background(), databasetest.ServerOptions{Durable: durable})
		switch {
		case errors.Is(err, databasetest.ErrNoPostgres):
			fmt.Fprintln(os.Stderr, "pgtemp:", err)
		case err != nil:
			return 1, err
		default:
			defer s.Stop()
			cmd.Env = append(cmd.Env, databasetest.ServerVariable+"="+s.URL)
		}
	}
	if err := cmd.Start(); err != nil {
		return 127, err
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		if code := exit.ExitCode(); code > 0 {
			return code, nil
		}
	}
	if err != nil {
		return 1, err
	}
	return 0, nil
}

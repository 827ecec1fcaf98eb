package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
)

// healthCommand is for container runtimes and scripts, where there may be no other program that speaks http.
func healthCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "health [URL]",
		Short: "Ask a running marketplace whether it is ready",
		Long: "Ask a running marketplace whether it is ready, and end with 0 if it is. Without URL it is the one\n" +
			"that 'souk serve' runs with the same configuration on this machine.",
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := load(cmd)
			if err != nil {
				return err
			}
			address := ownAddress(c)
			if len(args) == 1 {
				address = strings.TrimRight(args[0], "/")
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), 4*time.Second)
			defer cancel()
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/readyz", nil)
			if err != nil {
				return err
			}
			// Its own certificate is for its public name, not for the address asked here; nothing is told or believed.
			client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			a, err := client.Do(r)
			if err != nil {
				return err
			}
			defer a.Body.Close()
			said, _ := io.ReadAll(io.LimitReader(a.Body, 1000))
			if a.StatusCode != http.StatusOK {
				return errors.New(strings.TrimSpace(string(said)))
			}
			fmt.Fprint(cmd.OutOrStdout(), string(said))
			return nil
		},
	}
	config.AddFlags(cmd.Flags())
	return cmd
}

// ownAddress is where this machine reaches a process with the configuration.
func ownAddress(c config.Config) string {
	listen, scheme := c.Listen, "http"
	if c.MetricsListen != "" {
		listen = c.MetricsListen
	} else if c.TLS() {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return scheme + "://" + listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

// notify tells the service manager how far the process is, if there is one that wants to know (sd_notify).
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' { // the abstract namespace
		path = "\x00" + path[1:]
	}
	if c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}); err == nil {
		_, _ = c.Write([]byte(state))
		_ = c.Close()
	}
}

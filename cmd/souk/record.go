package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/service/tape"
)

// recordCommand is a reverse proxy before a seller's server that keeps what passes through.
func recordCommand() *cobra.Command {
	var listen, out string
	var timeout time.Duration
	cmd := strict(&cobra.Command{
		Use: "record URL", Short: "Stand before a seller's server and record what the marketplace and it say", Args: cobra.ExactArgs(1),
		Long: "A reverse proxy: register its address instead of your server's, and every call is passed on byte for byte and kept\n" +
			"as a line of the tape (--out). Signatures, credentials and licence codes are masked. Stop with Ctrl+C; play the\n" +
			"tape again with `souk replay`.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := tape.CheckUpstream(args[0]); err != nil {
				return unusable{fmt.Errorf("URL: %w; give the scheme and host of your server, such as http://127.0.0.1:9000", err)}
			}
			if timeout <= 0 || timeout > 10*time.Minute {
				return unusable{errors.New("--timeout must be more than 0 and at most 10m")}
			}
			file, err := os.OpenFile(out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
			if err != nil {
				return unusable{fmt.Errorf("--out: %w", err)}
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return errors.Join(unusable{fmt.Errorf("--listen: %w", err)}, file.Close())
			}
			client := tape.Anywhere()
			defer client.Close()
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "listening on http://%s, passing on to %s, recording to %s\n", l.Addr(), args[0], out)
			r := &tape.Recorder{Upstream: args[0], Timeout: timeout, Client: client, Keep: func(e tape.Exchange) error {
				fmt.Fprintf(w, "%s %-22s %s\n", e.At.Format("15:04:05.000"), e.Activity(), answered(e))
				return tape.Write(file, e)
			}}
			return errors.Join(r.Serve(cmd.Context(), l), file.Close())
		},
	})
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	cmd.Flags().StringVar(&out, "out", "souk-tape.jsonl", "file that the tape is added to")
	cmd.Flags().DurationVar(&timeout, "timeout", 30*time.Second, "how long the server may take")
	return cmd
}

// answered is an answer in one line.
func answered(e tape.Exchange) string {
	if e.Problem != "" {
		return "no answer: " + e.Problem
	}
	code := e.Code()
	if code == "" {
		code = "no resultCode"
	}
	return fmt.Sprintf("HTTP %d, %s, %d ms", e.Status, code, e.Duration)
}

// replayCommand plays a tape against a server.
func replayCommand() *cobra.Command {
	var p tape.Player
	var only string
	cmd := strict(&cobra.Command{
		Use: "replay TAPE URL", Short: "Send the requests of a tape to a server again, signed anew", Args: cobra.ExactArgs(2),
		Long: "Sends what `souk record` has recorded again, in order, signed with --key and a stamp of now, and compares status and\n" +
			"resultCode with those of the tape. The exit code is 0 when all are the same, 1 when one differs or could not be sent,\n" +
			"2 when the tape or a flag is unusable.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := tape.CheckUpstream(args[1]); err != nil {
				return unusable{fmt.Errorf("URL: %w", err)}
			}
			if p.Timeout <= 0 || p.Timeout > 10*time.Minute {
				return unusable{errors.New("--timeout must be more than 0 and at most 10m")}
			}
			file, err := os.Open(args[0])
			if err != nil {
				return unusable{fmt.Errorf("TAPE: %w", err)}
			}
			defer file.Close()
			all, err := tape.Read(file)
			if err != nil {
				return unusable{fmt.Errorf("TAPE: %w", err)}
			}
			p.Upstream, p.Client, p.Now = args[1], tape.Anywhere(), time.Now
			defer p.Client.Close()
			return play(cmd.Context(), cmd.OutOrStdout(), &p, all, only)
		},
	})
	cmd.Flags().StringVar(&p.Key, "key", "", "access key that signs each request anew; without it requests go as they are on the tape, whose signatures are masked")
	cmd.Flags().StringVar(&p.KitKey, "kit-key", "", "access key of the kit's callbacks; --key when empty")
	cmd.Flags().StringVar(&only, "only", "", "only calls of this activity")
	cmd.Flags().BoolVar(&p.Fresh, "fresh-business-id", false, "a new businessId for every V1 newInstance, as the marketplace's own repetitions have")
	cmd.Flags().DurationVar(&p.Timeout, "timeout", 30*time.Second, "how long the server may take")
	return cmd
}

var errTapeDiffers = errors.New("not everything was answered as on the tape")

func play(ctx context.Context, w io.Writer, p *tape.Player, all []tape.Exchange, only string) error {
	sent, differ := 0, 0
	for _, e := range all {
		if only != "" && e.Activity() != only {
			continue
		}
		o := p.Play(ctx, e)
		sent++
		switch {
		case o.Problem != "":
			differ++
			fmt.Fprintf(w, "skipped  %-22s %s\n", e.Activity(), o.Problem)
		case o.Same:
			fmt.Fprintf(w, "same     %-22s %s\n", e.Activity(), answered(o.After))
		default:
			differ++
			fmt.Fprintf(w, "differs  %-22s %s; on the tape: %s\n", e.Activity(), answered(o.After), answered(e))
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	fmt.Fprintf(w, "%d requests, %d the same\n", sent, sent-differ)
	if differ > 0 {
		return errTapeDiffers
	}
	return nil
}

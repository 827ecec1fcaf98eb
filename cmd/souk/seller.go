package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/sealed"
)

// sellerCommand runs a sandbox seller until it is interrupted. It prints one line to
// standard output when it is ready.
// spec: 01 §8.2
func sellerCommand() *cobra.Command {
	var (
		options  sellersim.Options
		protocol string
		listen   string
		bits     int
		list     bool
		verbose  bool
		rsaFile  string
		profile  string
	)
	cmd := &cobra.Command{
		Use:   "seller",
		Short: "Run a sandbox seller, well-behaved or not",
		Long: "Runs a seller's server that speaks the production interface.\n\n" +
			"  " + sellersim.PathProduce + "         production address; kit callbacks go to /produceAPI/… behind it\n" +
			"  " + sellersim.PathLicense + "  address for authorisation codes; kit callbacks go behind it too\n" +
			"  " + sellersim.PathNotify + "          address of the order notification\n" +
			"  " + sellersim.PathRecord + "          what the seller has done, as JSON (on disk: record.jsonl)\n" +
			"  " + sellersim.PathFault + "           POST {\"faults\": [\"name\", …]} replaces the faults that are on\n" +
			"  " + sellersim.PathPublicKey + "      public key to encrypt clientSecret with\n",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if list {
				_, err := fmt.Fprint(cmd.OutOrStdout(), sellersim.Help())
				return err
			}
			if options.Key == "" {
				return errors.New("--key is required")
			}
			if bits != int(sealed.AES128) && bits != int(sealed.AES256) {
				return errors.New("--bits is 128 or 256")
			}
			options.Protocol, options.Bits, options.OAEP = isv.Generation(protocol), sealed.Bits(bits), sealed.OAEPProfile(profile)
			if rsaFile != "" {
				text, err := os.ReadFile(rsaFile)
				if err != nil {
					return err
				}
				if options.RSAKey, err = sealed.ParsePrivateKey(string(text)); err != nil {
					return fmt.Errorf("--rsa-key: %w", err)
				}
			}
			if verbose {
				options.Log = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			}
			sim, err := sellersim.New(options)
			if err != nil {
				return err
			}
			listener, err := net.Listen("tcp", listen)
			if err != nil {
				return errors.Join(err, sim.Close())
			}
			if _, err := fmt.Fprintf(cmd.OutOrStdout(), "listening on http://%s%s\n", listener.Addr(), sellersim.PathProduce); err != nil {
				return errors.Join(err, listener.Close(), sim.Close())
			}
			return errors.Join(sim.Serve(cmd.Context(), listener), sim.Close())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&protocol, "protocol", "v2", "generation of the production interface: v1 or v2")
	flags.StringVar(&listen, "listen", "127.0.0.1:0", "address to listen on; port 0 picks a free one")
	flags.StringVar(&options.Key, "key", "", "access key of the base interfaces")
	flags.StringVar(&options.GeneralKey, "general-key", "", "access key of the general interface (order notification); --key when empty")
	flags.StringVar(&options.KitKey, "kit-key", "", "access key of the joint sync interface (kit callbacks); --key when empty")
	flags.StringVar(&options.LicenseKey, "license-key", "", "access key of the authorisation codes; --key when empty")
	flags.StringVar(&rsaFile, "rsa-key", "", "PEM file with the private key for clientSecret; made in --data when it is first needed")
	flags.StringVar(&profile, "oaep", string(sealed.DefaultOAEP), "OAEP profile of clientSecret: sha1, sha256-mgf1sha1 or sha256")
	flags.IntVar(&bits, "bits", int(sealed.AES256), "key length of encrypted values: 128 or 256")
	flags.StringVar(&options.Marketplace, "marketplace", "", "base URL of the marketplace; v2 then reads each order before it acts")
	flags.StringVar(&options.AccessKey, "ak", "", "access key id for the order query")
	flags.StringVar(&options.SecretKey, "sk", "", "secret access key for the order query")
	flags.StringVar(&options.Dir, "data", "souk-seller", "directory of the seller's journal and record")
	flags.IntVar(&options.ReadyAfter, "ready-after", 2, "v2: at which poll an instance is ready; 0 is at once")
	flags.BoolVar(&options.Volatile, "volatile", false, "sync nothing to disk: for measurements only")
	flags.StringArrayVar(&options.Faults, "fault", nil, "fault to switch on, NAME[=VALUE][@ACTIVITY]; may be repeated")
	flags.BoolVar(&list, "faults", false, "list the faults and stop")
	flags.BoolVar(&verbose, "verbose", false, "log every call to standard error")
	return cmd
}

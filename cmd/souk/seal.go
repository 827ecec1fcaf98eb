package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/protocol/explain"
	"github.com/souk-market/souk/protocol/sealed"
)

// errNoKey refuses to seal or open under nothing.
var errNoKey = unusable{errors.New("--key is missing: give the access key that both sides share")}

// sealCommand encrypts one value as the wire has it.
// spec: 10 §6.3
func sealCommand() *cobra.Command {
	var f wireFlags
	cmd := strict(&cobra.Command{
		Use: "seal TEXT", Short: "Encrypt a value of the sellers' protocols", Args: cobra.ExactArgs(1),
		Long: "Encrypt a value as it travels: 16 characters of initial vector, then base64 of AES-CBC under the\nkey derived from the access key. Without --iv the vector is random.",
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := f.input(cmd, explain.KindSealed)
			if err != nil {
				return err
			}
			if in.Key == "" {
				return errNoKey
			}
			if in.IV == "" && !cmd.Flags().Changed("iv") {
				if in.IV, err = sealed.NewIV(rand.Reader); err != nil {
					return err
				}
			}
			if !ivForm.MatchString(in.IV) {
				return unusable{fmt.Errorf("--iv is %q: give exactly 16 letters and digits", in.IV)}
			}
			wire, err := sealed.SealWithIV(in.Key, in.Bits, in.IV, args[0])
			if err != nil {
				return unusable{fmt.Errorf("TEXT cannot be sealed (%w): give UTF-8 text", err)}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), wire)
			return err
		},
	})
	f.add(cmd, "key", "type", "iv")
	return cmd
}

// openCommand decrypts one value; when it cannot, it says why.
// spec: 10 §6.3
func openCommand() *cobra.Command {
	var f wireFlags
	cmd := strict(&cobra.Command{
		Use: "open WIRE", Short: "Decrypt a value of the sellers' protocols", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := f.input(cmd, explain.KindSealed)
			if err != nil {
				return err
			}
			if in.Key == "" {
				return errNoKey
			}
			text, err := sealed.Open(in.Key, in.Bits, args[0])
			if err == nil {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), text)
				return err
			}
			var why []string
			if in.Got = args[0]; in.Got != "" {
				r, err := explain.Sealed(in)
				if err != nil {
					return named(explain.KindSealed, err)
				}
				for _, c := range r.Causes {
					why = append(why, string(c.Code)+": "+explain.Text(c.Code, explain.English))
				}
			}
			if len(why) == 0 {
				why = []string{"give 16 characters of initial vector and base64, sealed under this --key and --type"}
			}
			return unusable{fmt.Errorf("WIRE cannot be opened (%w): %s", err, strings.Join(why, " "))}
		},
	})
	f.add(cmd, "key", "type")
	return cmd
}

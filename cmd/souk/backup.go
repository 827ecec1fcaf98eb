package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/upkeep"
)

func backupCommand() *cobra.Command {
	var b program.BackupOptions
	cmd := &cobra.Command{
		Use:   "backup FILE|-",
		Short: "Write the whole marketplace into one file",
		Long: "Write the whole marketplace, running or not, into one file that 'souk restore' reads on either\n" +
			"database engine. The file is a gzip'd tar; it holds every table in one snapshot and, unless\n" +
			"--with-files=false, the uploaded files. A file that exists is never replaced; - writes to standard\n" +
			"output.\n\n" +
			"Without --with-keyring the file cannot be used to read sellers' keys, access keys and second\n" +
			"factors: they stay sealed, and a restore needs the same master.key (or master-key) that this\n" +
			"marketplace has. Keep that key apart from the dumps. With --with-keyring whoever has the file has\n" +
			"everything.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			o := program.Options{Logger: log}
			b.Program = version()
			say, counted := cmd.OutOrStdout(), &counter{Writer: cmd.OutOrStdout()}
			var head backup.Head
			var end backup.End
			if args[0] == "-" {
				say = cmd.ErrOrStderr()
				head, end, err = program.Backup(cmd.Context(), c, o, b, counted)
			} else {
				err = create(args[0], func(f io.Writer) (err error) {
					counted.Writer = f
					head, end, err = program.Backup(cmd.Context(), c, o, b, counted)
					return err
				})
			}
			if err != nil {
				return err
			}
			describeDump(say, head, end)
			if err := program.NoteBackup(cmd.Context(), c, o, head, upkeep.Summary(head, end, counted.n)); err != nil {
				fmt.Fprintln(cmd.ErrOrStderr(), "the backup is complete, but could not be noted in the marketplace:", err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&b.Keyring, "with-keyring", false, "put the master keys into the file")
	cmd.Flags().BoolVar(&b.Files, "with-files", true, "put the uploaded files into the file")
	config.AddFlags(cmd.Flags())
	return cmd
}

func restoreCommand() *cobra.Command {
	var check, keyLost bool
	cmd := &cobra.Command{
		Use:   "restore FILE|-",
		Short: "Fill an empty database with a backup",
		Long: "Fill an empty database, SQLite or PostgreSQL, with a file that 'souk backup' wrote on either; - reads\n" +
			"standard input. Stop all processes of the marketplace before. It is all or nothing: a file that\n" +
			"was cut or changed, or that a newer program wrote, is refused and changes nothing. A file of an\n" +
			"older program is brought up to date.\n\n" +
			"The master key has to be the one of the marketplace that was backed up: in the data folder, in\n" +
			"master-key, or inside the file. With --key-lost everything but the secrets is restored: sellers'\n" +
			"keys and access keys and all second factors have to be set anew, and the end of the audit log's\n" +
			"chain cannot be proved.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			in := cmd.InOrStdin()
			if args[0] != "-" {
				f, err := os.Open(args[0])
				if err != nil {
					return err
				}
				defer f.Close()
				in = f
			}
			d, err := backup.Read(in)
			if err != nil {
				return err
			}
			var end backup.End
			if check {
				end, err = d.Check()
			} else {
				end, err = program.Restore(cmd.Context(), c, program.Options{Logger: log}, d, keyLost)
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			describeDump(out, d.Head, end)
			if check {
				for _, t := range d.Head.Tables {
					fmt.Fprintf(out, "%s %10d %s\n", end.Digest[t.Name], t.Rows, t.Name)
				}
				fmt.Fprintln(out, "the dump is whole; nothing was restored")
				return nil
			}
			fmt.Fprintln(out, "restored; start the marketplace with 'souk serve'")
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "only read the file to its end, prove it and tell what is inside")
	cmd.Flags().BoolVar(&keyLost, "key-lost", false, "restore without the key of the secrets, which are lost then")
	config.AddFlags(cmd.Flags())
	return cmd
}

// create writes a file that is there only when it is complete on the disk. One that exists is not replaced.
func create(path string, write func(io.Writer) error) (err error) {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists; a backup never replaces a file", path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if err = write(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func describeDump(out io.Writer, h backup.Head, e backup.End) {
	fmt.Fprintf(out, "taken at %s from %s, schema %d, by %s\n", h.TakenAt.Format(time.RFC3339), h.Engine, h.Schema, h.Program)
	fmt.Fprintf(out, "%d rows in %d tables, %d files, keyring inside: %t\n", e.Rows, len(h.Tables), e.Files, h.Keyring)
	fmt.Fprintf(out, "sha256 %s\n", e.SHA256)
}

// counter counts what goes through it.
type counter struct {
	io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.n += int64(n)
	return n, err
}

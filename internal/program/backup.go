package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/blob"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/upkeep"
)

// BackupOptions say what goes into a dump beside the tables.
type BackupOptions struct {
	Keyring, Files bool
	Program        string // name and version
}

// Backup dumps the marketplace of a configuration, running or not, without changing its schema.
func Backup(ctx context.Context, c config.Config, o Options, b BackupOptions, to io.Writer) (backup.Head, backup.End, error) {
	o.fill()
	if path, ok := strings.CutPrefix(databaseURL(c), "sqlite:"); ok {
		if _, err := os.Stat(path); err != nil { // opening would make it
			return backup.Head{}, backup.End{}, fmt.Errorf("no marketplace here: %w", err)
		}
	}
	db, err := database.Open(ctx, databaseURL(c), database.Options{Synchronous: o.Synchronous, Logger: o.Logger})
	if err != nil {
		return backup.Head{}, backup.End{}, err
	}
	defer db.Close()
	s := backup.Source{DB: db, Program: b.Program, Now: o.Wire.Now()}
	if b.Files {
		if _, err := os.Stat(filesFolder(c)); err != nil { // opening would make it, and the dump would lack every file
			return backup.Head{}, backup.End{}, fmt.Errorf("no uploaded files here (data names their folder; --with-files=false leaves them out): %w", err)
		}
		if s.Files, err = blob.Open(filesFolder(c)); err != nil {
			return backup.Head{}, backup.End{}, err
		}
	}
	if b.Keyring {
		if s.Keyring, err = ringText(c); err != nil {
			return backup.Head{}, backup.End{}, err
		}
	}
	return backup.Write(ctx, to, s)
}

// NoteBackup remembers a finished backup in the marketplace, for its system page and the audit log.
func NoteBackup(ctx context.Context, c config.Config, o Options, head backup.Head, b upkeep.Backup) error {
	o.fill()
	if newest, err := database.Newest(store.Migrations); err != nil || newest != head.Schema {
		return errors.Join(err, errors.New("the schema is older than this program; migrate to have backups noted"))
	}
	db, err := database.Open(ctx, databaseURL(c), database.Options{Synchronous: o.Synchronous, Logger: o.Logger})
	if err != nil {
		return err
	}
	now := o.Wire.Now()
	err = db.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return upkeep.Note(ctx, tx, kernel.System, ident.Row(now), now.Add(time.Duration(head.ClockOffset)*time.Microsecond), b)
	})
	return errors.Join(err, db.Close())
}

func filesFolder(c config.Config) string { return filepath.Join(c.Data, "files") }

// ringText is the master keys as they are written down.
func ringText(c config.Config) ([]byte, error) {
	text := []byte(c.MasterKey.Reveal() + "\n")
	if c.MasterKey == "" {
		var err error
		if text, err = os.ReadFile(ringFile(c)); err != nil {
			return nil, err
		}
	}
	if _, err := keyring.Parse(string(text)); err != nil {
		return nil, err
	}
	return text, nil
}

// Restore fills the empty database, the folder of files and, when it is inside, the keyring of a configuration. keyLost
// goes on without the key under which the dump's secrets are sealed: they stay unreadable.
func Restore(ctx context.Context, c config.Config, o Options, d *backup.Dump, keyLost bool) (end backup.End, err error) {
	o.fill()
	if d.Head.ClockOffset > 0 && c.Mode != config.Sandbox {
		return end, errors.New("this dump is of a sandbox whose clock was moved; restore it with --mode sandbox")
	}
	if err := d.Fits(store.Migrations, nil); err != nil {
		return end, err
	}
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return end, fmt.Errorf("data folder: %w", err)
	}
	t := backup.Target{Migrations: store.Migrations}
	if !keyLost {
		if t.Ring, err = restoreRing(c, d); err != nil {
			return end, err
		}
	}
	if t.Files, err = blob.Open(filesFolder(c)); err != nil {
		return end, fmt.Errorf("files folder: %w", err)
	}
	if t.DB, err = database.Open(ctx, databaseURL(c), database.Options{Synchronous: o.Synchronous, Logger: o.Logger}); err != nil {
		return end, err
	}
	defer func() { err = errors.Join(err, t.DB.Close()) }()
	return d.Restore(ctx, t)
}

// restoreRing finds the key of the restored marketplace, and proves it before anything is written. A key that the dump
// brings is written down when there is none here: left behind by a restore that fails, it is the right one for the next.
func restoreRing(c config.Config, d *backup.Dump) (*keyring.Ring, error) {
	_, err := os.Stat(ringFile(c))
	here := c.MasterKey != "" || err == nil
	switch {
	case here:
		ring, err := openRing(c, false)
		if err == nil {
			err = d.Fits(store.Migrations, ring)
		}
		if errors.Is(err, backup.ErrKey) && d.Keyring != nil && c.MasterKey == "" {
			return nil, fmt.Errorf("%w, but the dump brings its own: if no other marketplace needs %s, move it away", err, ringFile(c))
		}
		if errors.Is(err, backup.ErrKey) {
			return nil, fmt.Errorf("%w: give the key that the marketplace was started with (master-key, or master.key in the data folder)", err)
		}
		return ring, err
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case d.Keyring == nil:
		return nil, errors.New("this dump has no keyring, and there is none here: put the marketplace's master.key into the data folder, or give it as master-key; if it is lost for good, --key-lost restores everything but the secrets")
	}
	ring, err := keyring.Parse(string(d.Keyring))
	if err == nil {
		err = d.Fits(store.Migrations, ring)
	}
	if err != nil {
		return nil, fmt.Errorf("keyring of the dump: %w", err)
	}
	f, err := os.OpenFile(ringFile(c), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	_, err = f.Write(d.Keyring)
	return ring, errors.Join(err, f.Sync(), f.Close())
}

package program

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
)

func databaseURL(c config.Config) string {
	if c.Database == "" {
		return "sqlite:" + filepath.Join(c.Data, "souk.db")
	}
	return c.Database
}

func ringFile(c config.Config) string { return filepath.Join(c.Data, "master.key") }

// openRing is the keyring of a configuration; create makes a new key when there is none.
func openRing(c config.Config, create bool) (*keyring.Ring, error) {
	if c.MasterKey != "" {
		return keyring.Parse(c.MasterKey.Reveal())
	}
	return keyring.Load(ringFile(c), create)
}

// proveRing refuses a keyring that is not the one under which the database's secrets are sealed, before anything more is
// sealed under the wrong one. The first start leaves what later ones are measured by.
func proveRing(ctx context.Context, db *database.DB, ring *keyring.Ring) error {
	mine, err := ring.Seal(backup.KeyCheckSetting, []byte("souk"))
	if err != nil {
		return err
	}
	held := ""
	read := func(ctx context.Context, tx *store.Tx) (err error) {
		held, err = store.Setting(ctx, tx, backup.KeyCheckSetting)
		return err
	}
	take := func(ctx context.Context, tx *store.Tx) (err error) {
		held, err = store.TakeSetting(ctx, tx, backup.KeyCheckSetting, mine)
		return err
	}
	if err := db.Read(ctx, read); err != nil {
		return err
	}
	if held == "" {
		if err := db.Write(ctx, take); err != nil {
			return err
		}
	}
	if _, err := ring.Open(backup.KeyCheckSetting, held); err != nil {
		return errors.New("it does not open the secrets of this database; give the key that the marketplace was started with (master-key, or master.key in the data folder)")
	}
	return nil
}

package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema of db up to the newest migration in files, which
// are goose SQL files at the top of the file system: NNNN_NAME.sql serves both
// engines, NNNN_NAME.sqlite.sql or NNNN_NAME.postgres.sql replaces it on one.
//
// Several processes may call it at once; one does the work and the others find
// it done. It refuses with ErrNewerSchema, and changes nothing, when the
// database holds a migration newer than any in files.
func Migrate(ctx context.Context, db *DB, files fs.FS) error {
	return db.migrating(ctx, files, func(up func(to int64) error) error { return up(0) })
}

// migrating has f change the schema while no other process does. up brings it to
// a version, 0 being the newest.
func (db *DB) migrating(ctx context.Context, files fs.FS, f func(up func(to int64) error) error) (err error) {
	skip, err := foreign(files, db.engine)
	if err != nil {
		return fmt.Errorf("list migrations: %w", err)
	}
	pool, done, err := db.back.migrator(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	dialect := goose.DialectPostgres
	if db.engine == SQLite {
		dialect = goose.DialectSQLite3
	}
	p, err := goose.NewProvider(dialect, pool, files,
		goose.WithExcludeNames(skip), goose.WithDisableGlobalRegistry(true),
		goose.WithSlog(slog.New(slog.DiscardHandler)))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	return f(func(to int64) error { return db.up(ctx, p, to) })
}

func (db *DB) up(ctx context.Context, p *goose.Provider, to int64) error {
	for try := 0; ; try++ {
		has, knows, err := p.GetVersions(ctx)
		if err == nil && has > knows {
			return fmt.Errorf("%w: it is at version %d, this program knows %d", ErrNewerSchema, has, knows)
		}
		if err == nil {
			var results []*goose.MigrationResult
			if to == 0 {
				results, err = p.Up(ctx)
			} else {
				results, err = p.UpTo(ctx, to)
			}
			for _, r := range results {
				db.log.Info("migrated", "version", r.Source.Version, "file", r.Source.Path, "took", r.Duration)
			}
		}
		if err == nil {
			return nil
		}
		// SQLite has no lock to take beforehand. Whoever comes second fails at
		// the work of the first, all or nothing, and then finds it done.
		now, _, look := p.GetVersions(ctx)
		if look != nil || now == has || try == maxConflicts || pause(ctx, try) != nil {
			return fmt.Errorf("migrate: %w", err)
		}
	}
}

// foreign lists the files that are not for the engine: those of the other one,
// and the common ones that have a replacement.
func foreign(files fs.FS, engine Engine) ([]string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	own, other := ".sqlite.sql", ".postgres.sql"
	if engine == Postgres {
		own, other = other, own
	}
	var skip []string
	for _, name := range names {
		if base, ok := strings.CutSuffix(name, own); ok {
			if _, err := fs.Stat(files, base+".sql"); err == nil {
				skip = append(skip, base+".sql")
			}
		} else if strings.HasSuffix(name, other) {
			skip = append(skip, name)
		}
	}
	return skip, nil
}

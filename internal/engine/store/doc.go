// Package store is the SQL: a file per noun, one text for both engines.
//
// Functions take the transaction they run in, so that a use case composes state
// change, job and audit row into one. Reads that answer a caller take the caller's
// Scope: another tenant's row is not found, exactly like an unknown one.
//
// A row is locked by writing its version (UPDATE … SET version = version + 1), which
// both engines understand; SELECT … FOR UPDATE is not used. It must not hold rules.
package store

import (
	"embed"
	"io/fs"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the schema's goose files.
var Migrations = sub(files, "migrations")

func sub(f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the directory is embedded
	}
	return s
}

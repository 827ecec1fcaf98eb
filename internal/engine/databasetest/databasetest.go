package databasetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/souk-market/souk/internal/engine/database"
)

// ServerVariable names the environment variable that holds the URL of a server
// to use instead of starting one. Its account must be allowed to create
// databases.
const ServerVariable = "SOUK_TEST_POSTGRES"

var quiet = slog.New(slog.DiscardHandler)

// Each runs f as the subtests "sqlite" and "postgres", each on a fresh database
// migrated with files, closed at the end of the subtest. The databases are not
// durable (no fsync). files may be nil: then the databases are empty.
func Each(t *testing.T, files fs.FS, f func(t *testing.T, db *database.DB)) {
	t.Helper()
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			f(t, Open(t, URL(t, engine, files)))
		})
	}
}

// Open opens the database at url without durability and closes it when the test
// ends.
func Open(t *testing.T, url string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), url, database.Options{Synchronous: "OFF", Logger: quiet})
	if err != nil {
		t.Fatalf("open database: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close database: %v", err)
		}
	})
	return db
}

// URL makes a fresh database migrated with files and returns its URL, for tests
// that start processes on it. It is removed when the test ends.
func URL(t *testing.T, engine database.Engine, files fs.FS) string {
	t.Helper()
	if engine == database.SQLite {
		return sqliteURL(t, files)
	}
	server := serverURL(t)
	template, err := postgresTemplate(t.Context(), server, files)
	if err != nil {
		t.Fatalf("template database: %v", err)
	}
	name := "souk_test_" + strings.ToLower(rand.Text()[:16])
	if err := execute(t.Context(), server, "CREATE DATABASE "+name+" TEMPLATE "+template+copying(t, server)); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		// The test's context has ended by now.
		if err := execute(context.Background(), server, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop database: %v", err)
		}
	})
	url, err := withDatabase(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return url
}

// server is the one server of this test binary. Nothing stops it: it ends with
// this process, or when the garbage collector closes the pipe that keeps it
// alive, which this variable prevents.
var server = sync.OnceValues(func() (*Server, error) {
	if url := os.Getenv(ServerVariable); url != "" {
		return &Server{URL: url}, nil
	}
	return StartServer(context.Background(), ServerOptions{})
})

func serverURL(t *testing.T) string {
	t.Helper()
	s, err := server()
	switch {
	case errors.Is(err, ErrNoPostgres) && os.Getenv("CI") != "true" && os.Getenv("SOUK_REQUIRE_ALL") != "1":
		t.Skip(err)
	case err != nil:
		t.Fatal(err)
	}
	return s.URL
}

// sqliteFiles remembers the migrated file per set of migrations.
var sqliteFiles sync.Map // digest → func() ([]byte, error)

func sqliteURL(t *testing.T, files fs.FS) string {
	t.Helper()
	key, err := digest(files)
	if err != nil {
		t.Fatalf("read migrations: %v", err)
	}
	once, _ := sqliteFiles.LoadOrStore(key, sync.OnceValues(func() ([]byte, error) { return sqliteTemplate(files) }))
	content, err := once.(func() ([]byte, error))()
	if err != nil {
		t.Fatalf("migrate: %v", err)
	}
	path := filepath.Join(t.TempDir(), "souk.db")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

func sqliteTemplate(files fs.FS) ([]byte, error) {
	dir, err := os.MkdirTemp("", "souktpl")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "souk.db")
	if err := migrate(context.Background(), "sqlite:"+path, files); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// postgresTemplate makes the template database of files once per server, even
// when several test binaries ask at the same time.
func postgresTemplate(ctx context.Context, server string, files fs.FS) (name string, err error) {
	key, err := digest(files)
	if err != nil {
		return "", err
	}
	name = "souk_template_" + key
	pool, err := maintenance(server)
	if err != nil {
		return "", err
	}
	c, err := pool.Conn(ctx)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	defer func() {
		_, failed := c.ExecContext(context.Background(), `SELECT pg_advisory_unlock(hashtext($1))`, name)
		err = errors.Join(err, failed)
	}()
	var there bool
	if err := c.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)`, name).Scan(&there); err != nil || there {
		return name, err
	}
	// Made under another name: a template is either complete or absent.
	draft := "souk_draft_" + strings.ToLower(rand.Text()[:16])
	if _, err := c.ExecContext(ctx, "CREATE DATABASE "+draft+" TEMPLATE template0"); err != nil {
		return "", err
	}
	url, err := withDatabase(server, draft)
	if err != nil {
		return "", err
	}
	if err := migrate(ctx, url, files); err != nil {
		_, drop := c.ExecContext(ctx, "DROP DATABASE "+draft+" WITH (FORCE)")
		return "", errors.Join(err, drop)
	}
	return name, execute(ctx, server, "ALTER DATABASE "+draft+" RENAME TO "+name)
}

// copying makes the server copy a template's files instead of writing every page of it
// to its log, which costs four times as much. Before 15 there was no other way.
func copying(t *testing.T, server string) string {
	t.Helper()
	version, err := serverVersion(server)
	if err != nil {
		t.Fatalf("version of the server: %v", err)
	}
	if version < 15_00_00 {
		return ""
	}
	return " STRATEGY FILE_COPY"
}

var versions sync.Map // server → func() (int, error)

func serverVersion(server string) (int, error) {
	once, _ := versions.LoadOrStore(server, sync.OnceValues(func() (n int, err error) {
		pool, err := maintenance(server)
		if err != nil {
			return 0, err
		}
		return n, pool.QueryRow("SELECT current_setting('server_version_num')::int").Scan(&n)
	}))
	return once.(func() (int, error))()
}

func migrate(ctx context.Context, url string, files fs.FS) error {
	db, err := database.Open(ctx, url, database.Options{Synchronous: "OFF", MaxReaders: 1, MaxConns: 2, Logger: quiet})
	if err != nil {
		return err
	}
	if files != nil {
		err = database.Migrate(ctx, db, files)
	}
	return errors.Join(err, db.Close())
}

// execute runs a statement about whole databases on the server. A database that
// somebody's closing connection still uses is waited for.
func execute(ctx context.Context, server, statement string) error {
	pool, err := maintenance(server)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		_, err := pool.ExecContext(ctx, statement)
		e, ok := errors.AsType[*pgconn.PgError](err)
		if !ok || e.Code != "55006" || try == 50 { // object in use
			return err
		}
		if _, err := pool.ExecContext(ctx, "SELECT pg_sleep(0.02)"); err != nil {
			return err
		}
	}
}

var pools sync.Map // server → func() (*sql.DB, error)

// maintenance is this process's pool for statements about whole databases: a connection
// costs the server more than what most of them do.
func maintenance(server string) (*sql.DB, error) {
	once, _ := pools.LoadOrStore(server, sync.OnceValues(func() (*sql.DB, error) {
		pool, err := sql.Open("pgx", server)
		if err == nil {
			pool.SetMaxIdleConns(1)
			pool.SetConnMaxIdleTime(time.Minute)
		}
		return pool, err
	}))
	return once.(func() (*sql.DB, error))()
}

// digest names a set of migrations by its content.
func digest(files fs.FS) (string, error) {
	h := sha256.New()
	if files != nil {
		names, err := fs.Glob(files, "*.sql")
		if err != nil {
			return "", err
		}
		for _, name := range names {
			b, err := fs.ReadFile(files, name)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:12]), nil
}

package databasetest_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

const ownerVariable = "SOUK_TEST_SERVER_OWNER"

// A test binary that is killed leaves neither server nor files behind.
func TestServerEndsWithItsOwner(t *testing.T) {
	if os.Getenv(ownerVariable) != "" { // we are the owner
		s, err := databasetest.StartServer(t.Context(), databasetest.ServerOptions{})
		if err != nil {
			fmt.Println("error", err)
			return
		}
		fmt.Println("url", s.URL)
		select {}
	}
	owner := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithItsOwner$")
	owner.Env = append(os.Environ(), ownerVariable+"=1")
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan()
	var address string
	if _, err := fmt.Sscanf(lines.Text(), "url %s", &address); err != nil {
		_ = databasetest.URL(t, database.Postgres, nil) // skips where there is no PostgreSQL
		t.Fatalf("the owner said %q", lines.Text())
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dir := u.Query().Get("host")
	if _, err := os.Stat(dir); err != nil {
		t.Fatal(err)
	}
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	deadline, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	for {
		if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
			return
		}
		if deadline.Err() != nil {
			t.Fatalf("%s is still there", dir)
		}
	}
}

func TestEachGivesFreshMigratedDatabases(t *testing.T) {
	files := fstest.MapFS{"0001_t.sql": {Data: []byte("-- +goose Up\nCREATE TABLE t (id BIGINT PRIMARY KEY);\n")}}
	var engines []database.Engine
	for range 2 {
		databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
			engines = append(engines, db.Engine())
			err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO t (id) VALUES (1)`) // fails in a used one
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if len(engines) < 2 || engines[0] != database.SQLite { // 2 where PostgreSQL is missing
		t.Errorf("ran on %v", engines)
	}
}

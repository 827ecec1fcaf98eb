package backuptest

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"testing"
	"testing/fstest"
	"time"

	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

// Memory does not grow with the dump. It stands here and not beside the code, since the heap under the race detector
// is another one.
func TestMemoryStaysFlat(t *testing.T) {
	files := fstest.MapFS{"0001_first.sql": {Data: []byte(`-- +goose Up
CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE job (id TEXT PRIMARY KEY, lease_owner TEXT NOT NULL, lease_until BIGINT NOT NULL);
CREATE TABLE item (id TEXT PRIMARY KEY, body BYTEA);
`)}}
	databasetest.Each(t, files, func(t *testing.T, db *database.DB) {
		body := make([]byte, 256<<10)
		for i := range body {
			body[i] = byte(i * i >> 7)
		}
		const rows = 160 // 40 MB
		for i := range rows {
			if err := db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO item (id, body) VALUES ($1, $2)`, fmt.Sprint(i), body)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		// What else the process does can only add to a heap, so of three looks the best one counts.
		var grown int64
		for range 3 {
			if grown = moved(t, db, files); grown <= 16<<20 {
				return
			}
		}
		t.Errorf("40 MB of rows took %d MB of memory", grown>>20)
	})
}

// moved copies a database into a fresh one, and gives how much the heap grew meanwhile.
func moved(t *testing.T, db *database.DB, files fs.FS) int64 {
	t.Helper()
	runtime.GC()
	var start runtime.MemStats
	runtime.ReadMemStats(&start)
	var peak uint64
	look := func() {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapAlloc)
	}
	to := databasetest.Open(t, databasetest.URL(t, db.Engine(), nil))
	r, w := io.Pipe()
	go func() {
		_, _, err := backup.Write(context.Background(), &every{Writer: w, f: look}, backup.Source{DB: db, Now: time.Now()})
		_ = w.CloseWithError(err)
	}()
	d, err := backup.Read(r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Restore(t.Context(), backup.Target{DB: to, Migrations: files}); err != nil {
		t.Fatal(err)
	}
	if peak == 0 {
		t.Fatal("nobody looked at the heap")
	}
	return int64(peak) - int64(start.HeapAlloc)
}

// every calls f about each 2 MB.
type every struct {
	io.Writer
	f func()
	n int
}

func (e *every) Write(p []byte) (int, error) {
	if e.n += len(p); e.n > 2<<20 {
		e.n = 0
		e.f()
	}
	return e.Writer.Write(p)
}

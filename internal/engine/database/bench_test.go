package database_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/souk-market/souk/internal/engine/database"
)

// BenchmarkWrite measures durable transactions of one insert and one update on
// SQLite: alone, where each pays for its own sync, and from 64 callers, where
// a group shares it.
func BenchmarkWrite(b *testing.B) {
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			db := benchDB(b)
			var id atomic.Int64
			b.SetParallelism(callers)
			work := func() {
				i := id.Add(1)
				err := db.Write(b.Context(), func(ctx context.Context, tx *database.Tx) error {
					if _, err := tx.Exec(ctx, `INSERT INTO item (id, name) VALUES ($1, $2)`, i, fmt.Sprint("item ", i)); err != nil {
						return err
					}
					_, err := tx.Exec(ctx, `UPDATE item SET n = n + 1 WHERE id = $1`, i)
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}
			if callers == 1 {
				for b.Loop() {
					work()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					work()
				}
			})
		})
	}
}

// BenchmarkRead measures a snapshot of one row by key.
func BenchmarkRead(b *testing.B) {
	db := benchDB(b)
	if err := db.Write(b.Context(), add(1, "one")); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		err := db.Read(b.Context(), func(ctx context.Context, tx *database.Tx) error {
			return tx.QueryRow(ctx, `SELECT n FROM item WHERE id = $1`, 1).Scan(new(int64))
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchDB(b *testing.B) *database.DB {
	db, err := database.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "souk.db"), database.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	if err := database.Migrate(b.Context(), db, files); err != nil {
		b.Fatal(err)
	}
	return db
}

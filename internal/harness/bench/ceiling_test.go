package bench

import (
	"context"
	"path/filepath"
	"testing"
)

// As many transactions stand in a COMMIT as the program put, and what an answer brings is
// in one of its own.
func TestRawGroups(t *testing.T) {
	for _, one := range []struct {
		name     string
		size     float64
		answered bool
		n        int
		commits  uint32
	}{
		{"one by one", 1, false, 12, 12},
		{"three to a COMMIT", 3, false, 12, 4},
		{"one and a half", 1.5, false, 12, 8},
		{"six to each pair of COMMITs", 3, true, 12, 4},
		{"less than a group is left", 5, false, 12, 3},
	} {
		t.Run(one.name, func(t *testing.T) {
			w := &world{url: "sqlite:" + filepath.Join(t.TempDir(), "x.db")}
			db, err := open(w.url, 1)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			c, err := connect(t.Context(), db)
			if err != nil {
				t.Fatal(err)
			}
			defer c.close()
			if err := c.exec(t.Context(), "CREATE TABLE x (n INTEGER)"); err != nil {
				t.Fatal(err)
			}
			before := commitsOf(t, w)
			g := &rawGroup{c: c, size: one.size, savepoints: true}
			tx := rawTx{now: []op{{query: "INSERT INTO x VALUES (1)"}}}
			want := one.n
			if one.answered {
				tx.answered, want = tx.now, 2*want
			}
			for range one.n {
				if err := g.run(t.Context(), nil, tx); err != nil {
					t.Fatal(err)
				}
			}
			if err := g.commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := commitsOf(t, w) - before; got != one.commits {
				t.Errorf("%d COMMITs, want %d", got, one.commits)
			}
			var rows int
			if err := c.conn.QueryRowContext(context.Background(), "SELECT COUNT(*) FROM x").Scan(&rows); err != nil || rows != want {
				t.Errorf("%d rows (%v), want %d", rows, err, want)
			}
		})
	}
}

func commitsOf(t *testing.T, w *world) uint32 {
	t.Helper()
	n, err := w.commits()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

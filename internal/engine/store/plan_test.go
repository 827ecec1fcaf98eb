package store

import (
	"context"
	"database/sql"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
)

// A query that is meant to be answered by a partial index has to repeat the index's
// condition; without it SQLite reads the whole table, for every delivery.
func TestPartialIndexesAreUsed(t *testing.T) {
	db := databasetest.Open(t, databasetest.URL(t, database.SQLite, Migrations))
	for name, q := range map[string]struct {
		query string
		args  []any
	}{
		"owner of a seller's instance id": {ownerQuery, []any{"seller", "id"}},
		"unpaid order of an instance":     {unpaidQuery, []any{"instance"}},
		"unsubscription of an order":      {unsubscriptionQuery, []any{"order"}},
	} {
		var plan []string
		err := db.Read(t.Context(), func(ctx context.Context, tx *Tx) (err error) {
			plan, err = collect(ctx, tx, func(r *sql.Rows, step *string) error { var skip any; return r.Scan(&skip, &skip, &skip, step) }, "EXPLAIN QUERY PLAN "+q.query, q.args...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN") {
				t.Errorf("%s reads a whole table: %s", name, strings.Join(plan, "; "))
			}
		}
		if len(plan) == 0 {
			t.Errorf("%s has no plan", name)
		}
	}
}

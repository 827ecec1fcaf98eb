package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
)

// Change says that something is not as it was.
type Change struct{ ID, Noun, NounID string }

// FeedOverlap is how far a follower looks back: a transaction that takes longer to
// commit than this could be missed, and none may.
const FeedOverlap = time.Minute

// FeedKept is how long changes are kept; a follower that was away longer starts anew.
const FeedKept = 15 * time.Minute

// NoteChange tells followers of a change, in the transaction of the change itself.
// The feed keeps the machine's own time: it orders keys and decides nothing.
func NoteChange(ctx context.Context, tx *Tx, noun, nounID string) error {
	_, err := tx.Exec(ctx, `INSERT INTO change (id, noun, noun_id) VALUES ($1, $2, $3)`, ident.Row(time.Now()), noun, nounID)
	return err
}

// Nouns whose changes the storefront follows.
const (
	ProductChanged  = "product"
	CategoryChanged = "category"
	CompanyChanged  = "company" // name or shop of a seller
)

// Changes lists the changes since an instant of the machine's clock, in the order of
// their keys.
func Changes(ctx context.Context, tx *Tx, since time.Time) ([]Change, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *Change) error { return r.Scan(&c.ID, &c.Noun, &c.NounID) },
		`SELECT id, noun, noun_id FROM change WHERE id > $1 ORDER BY id`, ident.RowFloor(since))
}

// PruneChanges drops the changes before an instant.
func PruneChanges(ctx context.Context, tx *Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM change WHERE id < $1`, ident.RowFloor(before))
	return err
}

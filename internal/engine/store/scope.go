package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/database"
)

// Tx is the transaction every function of the store runs in.
type Tx = database.Tx

// Scope says whose rows may be seen.
type Scope struct {
	Kind      party.Kind
	CompanyID string
	// PersonID is set for a seller's sub-user who is limited to the products given to it. spec: 20 A6
	PersonID string
}

// Everything is the platform's own scope: its workers and its operators.
var Everything = Scope{Kind: party.Operator}

// where adds the scope's condition on the buyer and seller columns; n is the
// number of placeholders used so far. The column of the product stands beside that of the seller.
func (s Scope) where(buyerColumn, sellerColumn string, args []any) (string, []any) {
	return s.whereProduct(buyerColumn, sellerColumn, strings.TrimSuffix(sellerColumn, "seller_id")+"product_id", args)
}

// whereProduct is where for rows whose product is an expression of its own.
func (s Scope) whereProduct(buyerColumn, sellerColumn, product string, args []any) (string, []any) {
	switch s.Kind {
	case party.Operator:
		return "", args
	case party.Buyer:
		args = append(args, s.CompanyID)
		return fmt.Sprintf(" AND %s = $%d", buyerColumn, len(args)), args
	case party.Seller:
		args = append(args, s.CompanyID)
		cond := fmt.Sprintf(" AND %s = $%d", sellerColumn, len(args))
		if s.PersonID != "" {
			args = append(args, s.PersonID)
			cond += fmt.Sprintf(" AND "+granted, product, len(args))
		}
		return cond, args
	}
	return " AND 1 = 0", args
}

// granted is the condition that a product was given to a person.
const granted = `%s IN (SELECT g.product_id FROM product_grant g WHERE g.person_id = $%d)`

// ErrNoRow means that there is no such row in the scope.
var ErrNoRow = errors.New("store: no such row")

func noRow(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNoRow
	}
	return err
}

// collect reads all rows of a query.
func collect[T any](ctx context.Context, tx *Tx, scan func(*sql.Rows, *T) error, query string, args ...any) ([]T, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// mustOne turns "no row changed" into ErrNoRow.
func mustOne(n int64, err error) error {
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrNoRow
	}
	return nil
}

type row interface{ Scan(...any) error }

// wider is a row that holds further columns behind those a scan function reads.
type wider struct {
	row
	more []any
}

func (w wider) Scan(to ...any) error { return w.row.Scan(append(to, w.more...)...) }

// prefixed names a table in front of each of its columns.
func prefixed(table, columns string) string {
	return table + "." + strings.ReplaceAll(columns, ", ", ", "+table+".")
}

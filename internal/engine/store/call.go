package store

import (
	"context"

	"github.com/souk-market/souk/internal/domain/catalog"
)

// Contact is a company or a person as a call to a seller may name it.
type Contact struct{ ID, Name, Email, Mobile string }

// CallParties is who takes part in a call to a seller, and where the call goes.
type CallParties struct {
	Product     catalog.Product
	RetryPolicy string // the seller's own; "" when it has none
	Buyer       Contact
	Person      Contact // zero when the order was placed by nobody that is known
	Address     string  // the product's own for the class, else the seller's; "" when none is registered, or its domain is not proved // spec: 01 §2.10
}

var callParties = `SELECT ` + prefixed("p", productColumns) + `, s.retry_policy, b.id, b.name, b.email, b.mobile,
		COALESCE(w.id, ''), COALESCE(w.name, ''), COALESCE(w.email, ''), COALESCE(w.mobile, ''),
		COALESCE((SELECT a.url FROM production_address a WHERE a.seller_id = $1 AND a.class = $2 AND a.product_id IN ($3, '') AND a.verified ORDER BY a.product_id DESC LIMIT 1), '')
	FROM product p JOIN company s ON s.id = $1 JOIN company b ON b.id = $4 LEFT JOIN person w ON w.id = $5 WHERE p.id = $3`

// PartiesOf reads them in one statement, since every call needs all of them.
func PartiesOf(ctx context.Context, tx *Tx, product, seller, class, buyer, person string) (c CallParties, err error) {
	err = scanProduct(wider{tx.QueryRow(ctx, callParties, seller, class, product, buyer, person), []any{&c.RetryPolicy,
		&c.Buyer.ID, &c.Buyer.Name, &c.Buyer.Email, &c.Buyer.Mobile, &c.Person.ID, &c.Person.Name, &c.Person.Email, &c.Person.Mobile, &c.Address}}, &c.Product)
	return c, noRow(err)
}

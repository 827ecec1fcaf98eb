package store

import (
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

// partyColumns are the columns of CallParties, given where seller, class and product stand.
func partyColumns(seller, class, product string) string {
	return prefixed("p", productColumns) + `, s.retry_policy, b.id, b.name, b.email, b.mobile,
		COALESCE(w.id, ''), COALESCE(w.name, ''), COALESCE(w.email, ''), COALESCE(w.mobile, ''),
		COALESCE((SELECT a.url FROM production_address a WHERE a.seller_id = ` + seller + ` AND a.class = ` + class + ` AND a.product_id IN (` + product + `, '') AND a.verified ORDER BY a.product_id DESC LIMIT 1), '')`
}

func partyTables(product, seller, buyer, person string) string {
	return `JOIN product p ON p.id = ` + product + ` JOIN company s ON s.id = ` + seller + ` JOIN company b ON b.id = ` + buyer + ` LEFT JOIN person w ON w.id = ` + person
}

// rest is where what follows the product goes.
func (c *CallParties) rest() []any {
	return []any{&c.RetryPolicy, &c.Buyer.ID, &c.Buyer.Name, &c.Buyer.Email, &c.Buyer.Mobile, &c.Person.ID, &c.Person.Name, &c.Person.Email, &c.Person.Mobile, &c.Address}
}

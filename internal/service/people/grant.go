package people

import (
	"context"
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Product authorisation (商品授权): a sub-user of a seller sees and acts on the products that were given to it, beside
// what its roles allow. spec: 20 A6

func asRoles(names []string) (out []access.Role) {
	for _, n := range names {
		out = append(out, access.Role(n))
	}
	return out
}

func (p *People) setLimited(ctx context.Context, tx *kernel.Tx, c party.Company, person string, limited bool) error {
	if err := store.SetLimited(ctx, tx, person, limited); err != nil || !limited {
		return err
	}
	// An access key asks for the orders of all products.
	return store.DisableAccessKeysOf(ctx, tx, c.ID, person)
}

// Limit sets which products a sub-user sees: with limited those given to it, else all. The main account, administrators
// and finance see all.
func (p *People) Limit(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string, limited bool) error {
	c, who, roles, err := p.member(ctx, tx, a, company, person)
	if err != nil {
		return err
	}
	if limited && !access.ByProduct(asRoles(roles)) {
		return fault.New(fault.Rule, "not_by_product", "people with these roles see all products")
	}
	if who.Limited == limited {
		return nil
	}
	if err := p.setLimited(ctx, tx, c, person, limited); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actRoles, person, map[bool]string{true: "limited to the products given", false: "sees all products"}[limited])
}

// GrantAll limits a sub-user to exactly these products, or with limited false to none in particular: what a form sets at
// once.
func (p *People) GrantAll(ctx context.Context, tx *kernel.Tx, a access.Actor, company, person string, limited bool, products []string) error {
	if err := p.Limit(ctx, tx, a, company, person, limited); err != nil || !limited {
		return err
	}
	has, err := store.GrantedProducts(ctx, tx, person)
	if err != nil {
		return err
	}
	for _, id := range products {
		if !slices.Contains(has, id) {
			if err := p.Grant(ctx, tx, a, id, person); err != nil {
				return err
			}
		}
	}
	for _, id := range has {
		if !slices.Contains(products, id) {
			if err := p.Revoke(ctx, tx, a, id, person); err != nil {
				return err
			}
		}
	}
	return nil
}

// Grant lets a sub-user of a seller at one of its products; Revoke takes it back.
func (p *People) Grant(ctx context.Context, tx *kernel.Tx, a access.Actor, product, person string) error {
	if err := p.grantable(ctx, tx, a, product, person); err != nil {
		return err
	}
	if err := store.GrantProduct(ctx, tx, product, person, a.PersonID, p.k.Wire.Now()); err != nil {
		return err
	}
	return p.k.Audit(ctx, tx, a, actRoles, person, "given product "+product)
}

// Revoke takes a product back from a sub-user.
func (p *People) Revoke(ctx context.Context, tx *kernel.Tx, a access.Actor, product, person string) error {
	if err := p.grantable(ctx, tx, a, product, person); err != nil {
		return err
	}
	if err := store.RevokeProduct(ctx, tx, product, person); err != nil {
		return kernel.Missing(err, "grant")
	}
	return p.k.Audit(ctx, tx, a, actRoles, person, "taken product "+product)
}

func (p *People) grantable(ctx context.Context, tx *kernel.Tx, a access.Actor, product, person string) error {
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return err
	}
	if _, err := store.OwnProduct(ctx, tx, kernel.Scope(a), product); err != nil {
		return kernel.Missing(err, "product")
	}
	roles, err := store.RolesOf(ctx, tx, a.CompanyID, person)
	if err == nil && len(roles) == 0 {
		err = fault.Unknown("person")
	}
	return err
}

// Granted lists the products given to a sub-user of a company.
func (p *People) Granted(ctx context.Context, a access.Actor, company, person string) (products []string, err error) {
	if err := kernel.May(a, access.PersonRead); err != nil {
		return nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		c, err := p.own(ctx, tx, a, company)
		if err != nil {
			return err
		}
		roles, err := store.RolesOf(ctx, tx, c.ID, person)
		if err == nil && len(roles) == 0 {
			err = fault.Unknown("person")
		}
		if err != nil {
			return err
		}
		products, err = store.GrantedProducts(ctx, tx, person)
		return err
	})
	return products, err
}

// Sharing tells which of the seller's limited sub-users have a product.
func (p *People) Sharing(ctx context.Context, a access.Actor, product string) (all []party.Colleague, given map[string]bool, err error) {
	if err := kernel.May(a, access.PersonRead); err != nil {
		return nil, nil, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if _, err := store.OwnProduct(ctx, tx, kernel.Scope(a), product); err != nil {
			return kernel.Missing(err, "product")
		}
		all, given, err = store.LimitedPeople(ctx, tx, a.CompanyID, product)
		return err
	})
	return all, given, err
}

// Share gives a product to exactly these of the limited sub-users.
func (p *People) Share(ctx context.Context, tx *kernel.Tx, a access.Actor, product string, persons []string) error {
	if err := kernel.May(a, access.PersonWrite); err != nil {
		return err
	}
	if _, err := store.OwnProduct(ctx, tx, kernel.Scope(a), product); err != nil {
		return kernel.Missing(err, "product")
	}
	all, given, err := store.LimitedPeople(ctx, tx, a.CompanyID, product)
	if err != nil {
		return err
	}
	for _, one := range all {
		switch want := slices.Contains(persons, one.ID); {
		case want && !given[one.ID]:
			err = p.Grant(ctx, tx, a, product, one.ID)
		case !want && given[one.ID]:
			err = p.Revoke(ctx, tx, a, product, one.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

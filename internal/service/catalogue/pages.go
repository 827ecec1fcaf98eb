package catalogue

import (
	"context"
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// Names under which faces may use what the store gives.
type (
	ProductFilter = store.ProductFilter
	AddressRow    = store.AddressRow
	KeyVersion    = store.KeyVersion
	AccessKey     = store.AccessKey
	Queue         = store.Queue
)

// MaxAccessKeys is how many AK/SK pairs one person may hold. // spec: 14 §5
const MaxAccessKeys = 2

// Find lists products that fit a filter, newest first, before a mark. Whoever is nobody, and buyers, find what is on
// sale; sellers their own too; operators all.
func (c *Catalogue) Find(ctx context.Context, a access.Actor, f ProductFilter, before string, limit int) (out []Listing, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		ps, err := store.FindProducts(ctx, tx, shopScope(a), f, before, limit)
		if err != nil {
			return err
		}
		out, err = listings(ctx, tx, ps)
		return err
	})
	return out, err
}

// Names are the names of products by id, for lists of what was found in the actor's scope already.
func (c *Catalogue) Names(ctx context.Context, ids ...string) (out map[string]string, err error) {
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.ProductNames(ctx, tx, ids)
		return err
	})
	return out, err
}

// Waiting counts the products in a state: a seller's own, or all to operators.
func (c *Catalogue) Waiting(ctx context.Context, a access.Actor, state catalog.State) (q Queue, err error) {
	if a.Anonymous() || a.CompanyKind == party.Buyer {
		return q, nil
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		q, err = store.ProductQueue(ctx, tx, kernel.Scope(a), state)
		return err
	})
	return q, err
}

// Access is how a seller's server is reached, and by what keys both sides know each other.
type Access struct {
	RetryPolicy string // "" is the installation's
	Addresses   []AddressRow
	Keys        []KeyVersion // sealed; those that are accepted no longer are left out
	AccessKeys  []AccessKey  // without their secrets
}

// Access reads it, for the seller and for operators. Secrets stay sealed.
func (c *Catalogue) Access(ctx context.Context, a access.Actor, seller string) (out Access, err error) {
	if !a.IsOperator() {
		if err := kernel.May(a, access.SellerKeys); err != nil {
			return out, err
		}
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = Access{}
		if err := ownSeller(ctx, tx, a, seller); err != nil {
			return err
		}
		co, err := store.Company(ctx, tx, seller)
		if err != nil {
			return err
		}
		out.RetryPolicy = co.RetryPolicy
		if out.Addresses, err = store.Addresses(ctx, tx, seller); err != nil {
			return err
		}
		if a.Limited {
			return c.limitedAccess(ctx, tx, a, &out)
		}
		keys, err := store.KeyVersions(ctx, tx, seller)
		if err != nil {
			return err
		}
		now := c.k.Wire.Now()
		for _, k := range keys {
			k.Sealed = ""
			if k.RetiredAt.IsZero() || k.RetiredAt.After(now) {
				out.Keys = append(out.Keys, k)
			}
		}
		out.AccessKeys, err = store.AccessKeys(ctx, tx, seller)
		return err
	})
	return out, err
}

// limitedAccess leaves what a limited sub-user may see: where its products' calls go, the seller's own address included,
// and no key.
func (c *Catalogue) limitedAccess(ctx context.Context, tx *kernel.Tx, a access.Actor, out *Access) error {
	given, err := store.GrantedProducts(ctx, tx, a.PersonID)
	out.Addresses = slices.DeleteFunc(out.Addresses, func(r AddressRow) bool { return r.ProductID != "" && !slices.Contains(given, r.ProductID) })
	return err
}

// RevealKey opens the key of a class that signs now, for its seller alone, and leaves an audit row.
func (c *Catalogue) RevealKey(ctx context.Context, a access.Actor, class string) (key string, err error) {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return "", err
	}
	if err := kernel.Unlimited(a); err != nil {
		return "", err
	}
	if a.CompanyKind != party.Seller || !knownClass(class) {
		return "", fault.Unknown("key")
	}
	err = c.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		keys, err := store.Keys(ctx, tx, a.CompanyID, class, c.k.Wire.Now())
		if err != nil {
			return err
		}
		if len(keys) == 0 {
			return fault.Unknown("key")
		}
		text, err := c.k.Ring.Open(KeyPurpose(a.CompanyID, class), keys[0].Sealed)
		if err != nil {
			return err
		}
		key = string(text)
		return c.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, class+" key shown")
	})
	return key, err
}

// NewAccessKey makes an AK/SK pair for a person who has just proved itself. The secret is shown once. // spec: 14 §5
func (c *Catalogue) NewAccessKey(ctx context.Context, tx *kernel.Tx, a access.Actor, pass proof.Pass, description string) (ak, sk string, err error) {
	if !pass.For(proof.AccessKey, a.PersonID) {
		return "", "", proof.Wrong("code")
	}
	return c.IssueAccessKey(ctx, tx, a, a.CompanyID, description)
}

// DescribeAccessKey says what one of the seller's access keys is for.
func (c *Catalogue) DescribeAccessKey(ctx context.Context, tx *kernel.Tx, a access.Actor, ak, description string) error {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return err
	}
	if err := kernel.Unlimited(a); err != nil {
		return err
	}
	if err := checkDescription(description); err != nil {
		return err
	}
	if err := store.DescribeAccessKey(ctx, tx, a.CompanyID, ak, description); err != nil {
		return kernel.Missing(err, "access key")
	}
	return c.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, "describe access key "+ak)
}

// UseAccessKey makes one of the seller's access keys usable or not. // spec: 14 §5
func (c *Catalogue) UseAccessKey(ctx context.Context, tx *kernel.Tx, a access.Actor, ak string, use bool) error {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return err
	}
	if err := kernel.Unlimited(a); err != nil {
		return err
	}
	if err := store.SetAccessKeyDisabled(ctx, tx, a.CompanyID, ak, !use); err != nil {
		return kernel.Missing(err, "access key")
	}
	word := "disable"
	if use {
		word = "enable"
	}
	return c.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, word+" access key "+ak)
}

// DeleteAccessKey takes one of the seller's access keys away for good. // spec: 14 §5
func (c *Catalogue) DeleteAccessKey(ctx context.Context, tx *kernel.Tx, a access.Actor, ak string) error {
	if err := kernel.May(a, access.SellerKeys); err != nil {
		return err
	}
	if err := kernel.Unlimited(a); err != nil {
		return err
	}
	if err := store.DeleteAccessKey(ctx, tx, a.CompanyID, ak); err != nil {
		return kernel.Missing(err, "access key")
	}
	return c.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, "delete access key "+ak)
}

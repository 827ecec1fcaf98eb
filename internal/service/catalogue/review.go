package catalogue

import (
	"context"
	"slices"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// review reads a request for a reviewer in one of the given states.
func (c *Catalogue) review(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, states ...catalog.RevisionState) (catalog.Revision, error) {
	if err := kernel.May(a, access.ProductApprove); err != nil {
		return catalog.Revision{}, err
	}
	v, err := store.Revision(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return v, kernel.Missing(err, "revision")
	}
	if !slices.Contains(states, v.State) {
		return v, fault.New(fault.Conflict, "revision_state", "the request is %s", v.State)
	}
	return v, nil
}

// TakeReview gives a request to the reviewer; from then on the seller cannot take
// it back.
func (c *Catalogue) TakeReview(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (catalog.Revision, error) {
	v, err := c.review(ctx, tx, a, id, catalog.RevisionPending)
	if err != nil {
		return v, err
	}
	v.State, v.ReviewerID, v.UpdatedAt = catalog.RevisionReviewing, a.PersonID, c.k.Clock.Now()
	if err := c.saveOrStale(ctx, tx, &v); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductApprove, v.ProductID, "take "+v.ID)
}

// RejectReview sends a request back with a reason, and remarks per field.
func (c *Catalogue) RejectReview(ctx context.Context, tx *kernel.Tx, a access.Actor, id, reason string, remarks map[string]string) (catalog.Revision, error) {
	v, err := c.review(ctx, tx, a, id, catalog.RevisionPending, catalog.RevisionReviewing)
	if err != nil {
		return v, err
	}
	if strings.TrimSpace(reason) == "" {
		return v, fault.Field("reason", "must tell the seller what to change")
	}
	now := c.k.Clock.Now()
	v.State, v.ReviewerID, v.Reason, v.Remarks, v.DecidedAt, v.UpdatedAt = catalog.RevisionRejected, a.PersonID, reason, remarks, now, now
	if err := c.saveOrStale(ctx, tx, &v); err != nil {
		return v, err
	}
	if err := c.k.Tell(ctx, tx, v.SellerID, "product.rejected", "", "", map[string]string{"product": v.Body.Name, "product_id": v.ProductID, "reason": reason, "revision": v.ID}); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductApprove, v.ProductID, "reject "+v.ID+" "+reason)
}

// ApproveReview puts a request's version on sale: codes of combinations and ids of
// terms that were sold before stay, new ones are drawn, those that are gone are
// withdrawn; instances sold keep what they have. // spec: 20 B3.1, B3.4
func (c *Catalogue) ApproveReview(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (catalog.Revision, error) {
	v, err := c.review(ctx, tx, a, id, catalog.RevisionPending, catalog.RevisionReviewing)
	if err != nil {
		return v, err
	}
	problems, err := c.problems(ctx, tx, &v) // what was right when submitted may not be now
	if err != nil {
		return v, err
	}
	if err := refuse(problems); err != nil {
		return v, err
	}
	p, err := store.Product(ctx, tx, store.Everything, v.ProductID)
	if err != nil {
		return v, err
	}
	if p.State == catalog.OffShelf {
		return v, fault.New(fault.Conflict, "off_shelf", "the product was taken off the shelf")
	}
	now := c.k.Clock.Now()
	v.State, v.ReviewerID, v.DecidedAt, v.UpdatedAt = catalog.RevisionApproved, a.PersonID, now, now
	if err := c.saveOrStale(ctx, tx, &v); err != nil {
		return v, err
	}
	s := p.Settings
	s.SendMobile, s.SendEmail, s.SendUser, s.SealBits = v.Body.SendMobile, v.Body.SendEmail, v.Body.SendUser, v.Body.SealBits
	if err := store.ApplyRevision(ctx, tx, &v, s, now); err != nil {
		return v, err
	}
	if err := c.applySpecs(ctx, tx, &v); err != nil {
		return v, err
	}
	if err := c.k.Tell(ctx, tx, v.SellerID, "product.approved", "", "", map[string]string{"product": v.Body.Name, "product_id": v.ProductID, "revision": v.ID}); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductApprove, v.ProductID, "approve "+v.ID)
}

func (c *Catalogue) applySpecs(ctx context.Context, tx *kernel.Tx, v *catalog.Revision) error {
	known, err := store.KnownSKUs(ctx, tx, v.ProductID)
	if err != nil {
		return err
	}
	codes := map[[2]string]string{}
	for _, k := range known {
		codes[[2]string{k.SpecKey, k.Combination}] = k.Code
	}
	kept := map[string]bool{}
	position := 0
	for _, spec := range v.Body.Specs {
		here := map[string]string{} // combination → code
		for _, combination := range spec.Combinations() {
			code := codes[[2]string{spec.Key, combination}]
			if code == "" {
				code = ident.UUID()
			}
			here[combination], kept[code] = code, true
			sku := catalog.SKU{Code: code, ProductID: v.ProductID, Name: spec.NameZH, Attributes: catalog.Attributes{NameEN: spec.NameEN}, Position: position}
			if combination != "" {
				sku.Name += " " + combination
				sku.Attributes.NameEN += " " + combination
			}
			values := strings.Split(combination, " / ")
			for i, e := range spec.Enums {
				if sku.Attributes.Fixed == nil {
					sku.Attributes.Fixed = map[string]string{}
				}
				sku.Attributes.Fixed[e.Name] = values[i]
			}
			if q := spec.Quantity; q != nil {
				sku.Attributes.Quantity = &catalog.QuantityRule{Name: q.Name, Unit: q.Unit, Min: q.Min, Max: q.Max, Step: q.Step, Pricing: q.Pricing}
			}
			position++
			if err := store.PutSKU(ctx, tx, sku, spec.Key, combination, spec.TrialDays); err != nil {
				return err
			}
			sold := map[string]bool{}
			for _, price := range spec.Prices {
				if price.SKU != combination {
					continue
				}
				sold[string(price.PeriodType)+" "+string(price.Currency)] = true
				if err := store.PutOffer(ctx, tx, ident.Product(), catalog.Offer{SKUCode: code, PeriodType: price.PeriodType, Price: price.Amount, Bands: price.Bands, Currency: price.Currency}); err != nil {
					return err
				}
			}
			if err := store.WithdrawOffersExcept(ctx, tx, code, sold); err != nil {
				return err
			}
		}
		up := map[string][]string{}
		for _, u := range spec.Upgrades {
			up[here[u.From]] = append(up[here[u.From]], here[u.To])
		}
		for _, code := range here {
			if err := store.SetUpgradeRules(ctx, tx, code, up[code]); err != nil {
				return err
			}
		}
	}
	for _, k := range known {
		if !kept[k.Code] && !k.Withdrawn {
			if err := store.WithdrawSKU(ctx, tx, k.Code); err != nil {
				return err
			}
		}
	}
	return nil
}

package catalogue

import (
	"context"
	"errors"
	"slices"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Gate tells which of a product's needs have no passing debugging case. // spec: 01 §2.12
type Gate func(ctx context.Context, tx *kernel.Tx, seller, product string, needs []lab.Need) ([]lab.Need, error)

// GateBy makes releases, changes and approvals ask for saved cases, when the setting
// delivery.require_cases says so.
func (c *Catalogue) GateBy(g Gate) { c.gate = g }

// NeedsOf reads a product and what it must have proved: by its open request, else by what is
// on sale. // spec: 10 §8.2, 11 §3
func NeedsOf(ctx context.Context, tx *kernel.Tx, s store.Scope, product string) (catalog.Product, []lab.Need, error) {
	read := store.Product
	if s.Kind == party.Seller {
		read = store.OwnProduct
	}
	p, err := read(ctx, tx, s, product)
	if err != nil {
		return p, nil, err
	}
	v, err := store.OpenRevision(ctx, tx, product)
	if err == nil {
		return p, lab.Needs(factsOf(&v.Body)), nil
	}
	if !errors.Is(err, store.ErrNoRow) {
		return p, nil, err
	}
	row, err := store.PageOf(ctx, tx, product)
	if err != nil {
		return p, nil, err
	}
	if row.LiveRevisionID != "" {
		live, err := store.Revision(ctx, tx, store.Everything, row.LiveRevisionID)
		return p, lab.Needs(factsOf(&live.Body)), err
	}
	l, err := load(ctx, tx, p)
	if err != nil {
		return p, nil, err
	}
	facts := lab.Product{V2: p.Protocol == catalog.V2}
	for _, sku := range l.SKUs {
		facts.Quantity = facts.Quantity || sku.Attributes.Quantity != nil
		terms := 0
		for _, o := range l.Offers[sku.Code] {
			facts.OneTime = facts.OneTime || o.PeriodType == catalog.OneTime
			if o.PeriodType == catalog.Month || o.PeriodType == catalog.Year {
				facts.Period = true
				terms++
			}
		}
		facts.StopPeriod = facts.StopPeriod || terms > 1
	}
	facts.Upgradable = facts.Period && facts.Quantity
	return p, lab.Needs(facts), nil
}

// factsOf reads off a request what decides the cases it needs.
func factsOf(b *catalog.Body) lab.Product {
	f := lab.Product{V2: b.Protocol == catalog.V2}
	for _, e := range b.ExtendParams {
		f.Extensions = append(f.Extensions, e.Name)
	}
	for _, s := range b.Specs {
		f.Trial = f.Trial || s.TrialDays > 0
		f.Quantity = f.Quantity || s.Quantity != nil
		terms := map[catalog.PeriodType]bool{}
		for _, p := range s.Prices {
			f.OneTime = f.OneTime || p.PeriodType == catalog.OneTime
			if p.PeriodType == catalog.Month || p.PeriodType == catalog.Year {
				f.Period, terms[p.PeriodType] = true, true
			}
		}
		f.StopPeriod = f.StopPeriod || len(terms) > 1
		f.Upgradable = f.Upgradable || len(s.Upgrades) > 0 || s.Quantity != nil && len(terms) > 0
	}
	return f
}

// unproved lists the cases that a request lacks, as problems of its checklist: warnings
// while the setting does not demand them. // spec: 01 §2.12, 20 B5
func (c *Catalogue) unproved(ctx context.Context, tx *kernel.Tx, v *catalog.Revision) (out []catalog.Problem, err error) {
	if c.gate == nil || v.Body.Supervised {
		return nil, nil
	}
	required := c.k.Settings().RequireCases
	needs := lab.Needs(factsOf(&v.Body))
	missing, err := c.gate(ctx, tx, v.SellerID, v.ProductID, needs)
	if err != nil || !required && len(missing) == len(needs) { // nobody has begun to prove anything
		return nil, err
	}
	for _, n := range missing {
		out = append(out, catalog.Problem{Field: "debugging." + n.ID(), Code: catalog.CaseMissing, Args: []string{n.ID()}, Warning: !required})
	}
	return out, nil
}

// proved refuses a product that lacks a case, for the short form without a wizard.
func (c *Catalogue) proved(ctx context.Context, tx *kernel.Tx, p catalog.Product) error {
	if c.gate == nil || !c.k.Settings().RequireCases {
		return nil
	}
	_, needs, err := NeedsOf(ctx, tx, store.Everything, p.ID)
	if err != nil {
		return err
	}
	missing, err := c.gate(ctx, tx, p.SellerID, p.ID, needs)
	if err != nil || len(missing) == 0 {
		return err
	}
	f := fault.Fields{}
	for _, n := range missing {
		f.Add("debugging."+n.ID(), "case_missing %s", n.ID())
	}
	return &fault.Fault{Kind: fault.Rule, Code: "cases_missing", Message: "debug and save these cases first", Fields: f}
}

// gated are the moves that ask for saved cases.
var gated = []Decide{Submit, Approve, Resume}

// AsksForCases tells whether a move does.
func AsksForCases(d Decide) bool { return slices.Contains(gated, d) }

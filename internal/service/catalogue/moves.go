package catalogue

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Decide is what happens to a product next.
type Decide string

// The decisions.
const (
	Submit  Decide = "submit"
	Approve Decide = "approve"
	Reject  Decide = "reject"
	Suspend Decide = "suspend"
	Resume  Decide = "resume"

	// Off the shelf is final: buyers keep what they have, nobody buys or renews.
	Delist        Decide = "delist"
	RequestDelist Decide = "request-delist" // a seller asks for it
	RefuseDelist  Decide = "refuse-delist"  // an operator does not agree
)

var moves = map[Decide]struct {
	from   []catalog.State
	to     catalog.State
	action access.Action
}{
	Submit:  {[]catalog.State{catalog.Draft, catalog.Rejected}, catalog.InReview, access.ProductSubmit},
	Approve: {[]catalog.State{catalog.InReview}, catalog.OnSale, access.ProductApprove},
	Reject:  {[]catalog.State{catalog.InReview}, catalog.Rejected, access.ProductApprove},
	Suspend: {[]catalog.State{catalog.OnSale}, catalog.Suspended, access.ProductApprove},
	Resume:  {[]catalog.State{catalog.Suspended}, catalog.OnSale, access.ProductApprove},
	Delist:  {[]catalog.State{catalog.OnSale, catalog.Suspended}, catalog.OffShelf, access.ProductApprove},

	RequestDelist: {[]catalog.State{catalog.OnSale, catalog.Suspended}, "", access.ProductSubmit}, // "": stays
	RefuseDelist:  {[]catalog.State{catalog.OnSale, catalog.Suspended}, "", access.ProductApprove},
}

// told is the notice that a decision of an operator is to the seller. spec: 20 A7, B7
var told = map[Decide]string{Approve: "product.approved", Reject: "product.rejected", Suspend: "product.stopped", Resume: "product.resumed", Delist: "product.delisted", RefuseDelist: "product.kept"}

// Move submits, approves, rejects, suspends, resumes or delists a product. // spec: 20 B7
func (c *Catalogue) Move(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, d Decide, reason string) (Listing, error) {
	m, ok := moves[d]
	if !ok {
		return Listing{}, fault.Unknown("action")
	}
	if err := kernel.May(a, m.action); err != nil {
		return Listing{}, err
	}
	p, err := store.Product(ctx, tx, kernel.Scope(a), id)
	if a.CompanyKind == party.Seller {
		p, err = store.OwnProduct(ctx, tx, kernel.Scope(a), id)
	}
	if err != nil {
		return Listing{}, kernel.Missing(err, "product")
	}
	switch d {
	case Reject, Suspend, Delist, RefuseDelist:
		if strings.TrimSpace(reason) == "" {
			return Listing{}, fault.Field("reason", "must tell the seller why")
		}
	case RequestDelist:
		if strings.TrimSpace(reason) == "" {
			return Listing{}, fault.Field("reason", "must tell the operator why")
		}
	}
	if utf8.RuneCountInString(reason) > maxReason || !utf8.ValidString(reason) {
		return Listing{}, fault.Field("reason", "must be text of at most %d characters", maxReason)
	}
	if d == Submit {
		// The short form is for scripts in a sandbox; a real shop wants the whole wizard.
		if !c.k.Sandbox {
			return Listing{}, fault.New(fault.Rule, "wizard_needed", "release the product through the wizard: POST /products/{id}/revisions")
		}
		if _, err := store.AddressOf(ctx, tx, p.SellerID, "base", p.ID); err != nil {
			if err == store.ErrNoRow {
				return Listing{}, fault.New(fault.Rule, "no_production_address", "register a production address before submitting a product")
			}
			return Listing{}, err
		}
	}
	for _, from := range m.from {
		if p.State == from {
			if m.to == "" || m.to == catalog.OffShelf {
				return c.delist(ctx, tx, a, p, d, reason)
			}
			if AsksForCases(d) {
				if err := c.proved(ctx, tx, p); err != nil {
					return Listing{}, err
				}
			}
			if err := store.SetProductState(ctx, tx, id, from, m.to, reason, c.k.Clock.Now()); err != nil {
				return Listing{}, err
			}
			if err := c.k.Audit(ctx, tx, a, m.action, id, string(d)+" "+reason); err != nil {
				return Listing{}, err
			}
			p.State, p.Reason = m.to, reason
			if kind := told[d]; kind != "" {
				if err := c.k.Tell(ctx, tx, p.SellerID, kind, "", "", map[string]string{"product": p.Name, "product_id": p.ID, "reason": reason}); err != nil {
					return Listing{}, err
				}
			}
			return load(ctx, tx, p)
		}
	}
	return Listing{}, fault.New(fault.Conflict, "product_state", "the product is %s; %s is possible only from %v", p.State, d, m.from)
}

// delist takes a product off the shelf, asks for it, or keeps it. What was bought goes on:
// instances and their keys know nothing of the shelf. // spec: 20 B7
func (c *Catalogue) delist(ctx context.Context, tx *kernel.Tx, a access.Actor, p catalog.Product, d Decide, reason string) (Listing, error) {
	row, err := store.PageOf(ctx, tx, p.ID)
	if err != nil {
		return Listing{}, err
	}
	now := c.k.Clock.Now()
	asked := !row.DelistAskedAt.IsZero()
	to, kind, text, at := p.SellerID, told[d], "", time.Time{}
	switch {
	case d == RequestDelist && asked:
		return Listing{}, fault.New(fault.Conflict, "delist_asked", "the operator has this request already")
	case d == RequestDelist:
		to, kind, text, at = kernel.OperatorDesk, "product.delist_asked", reason, now
	case d == RefuseDelist && !asked:
		return Listing{}, fault.New(fault.Conflict, "delist_not_asked", "the seller does not ask to take the product off the shelf")
	case d == Delist:
		if err := store.SetProductState(ctx, tx, p.ID, p.State, catalog.OffShelf, reason, now); err != nil {
			return Listing{}, err
		}
		p.State, p.Reason = catalog.OffShelf, reason
	}
	if err := store.SetDelist(ctx, tx, p.ID, text, at); err != nil {
		return Listing{}, err
	}
	if err := c.k.Audit(ctx, tx, a, moves[d].action, p.ID, string(d)+" "+reason); err != nil {
		return Listing{}, err
	}
	if err := c.k.Tell(ctx, tx, to, kind, "", "", map[string]string{"product": p.Name, "product_id": p.ID, "reason": reason}); err != nil {
		return Listing{}, err
	}
	return load(ctx, tx, p)
}

// DelistsAsked lists the products whose sellers ask to take them off the shelf, the
// one that waits longest first.
func (c *Catalogue) DelistsAsked(ctx context.Context, a access.Actor, limit int) (out []Page, err error) {
	if err := kernel.May(a, access.ProductApprove); err != nil {
		return nil, err
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		ids, err := store.DelistsAsked(ctx, tx, limit)
		if err != nil {
			return err
		}
		out, err = pages(ctx, tx, ids, false)
		return err
	})
	return out, err
}

package catalogue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/workday"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Draft is a revision with what its wizard page shows.
type Draft struct {
	Revision catalog.Revision
	Problems []catalog.Problem
	Live     *catalog.Revision // the version on sale, beside which it is reviewed; nil before the first
}

// Begin starts a release of a new product, or with a product of the seller's a
// modification of it from the version on sale. The open revision of a product is
// given again instead of a second one. // spec: 20 B7
func (c *Catalogue) Begin(ctx context.Context, tx *kernel.Tx, a access.Actor, product string) (catalog.Revision, error) {
	if err := kernel.May(a, access.ProductCreate); err != nil {
		return catalog.Revision{}, err
	}
	now := c.k.Clock.Now()
	v := catalog.Revision{ID: c.k.Row(), ProductID: product, SellerID: a.CompanyID, Kind: catalog.Modify, State: catalog.RevisionDraft, Version: 1, CreatedAt: now, UpdatedAt: now}
	if product == "" {
		v.Kind, v.ProductID = catalog.Release, c.k.Row()
		v.Body = catalog.Body{Version: "V1.0", Protocol: catalog.V2, Public: true, Support: catalog.Support{Days: 5, Hours: 8}}
		p := catalog.Product{ID: v.ProductID, SellerID: a.CompanyID, Protocol: catalog.V2, State: catalog.Draft, CreatedAt: now, UpdatedAt: now}
		if err := store.InsertProduct(ctx, tx, p); err != nil {
			return v, err
		}
		if err := c.keep(ctx, tx, a, p.ID); err != nil {
			return v, err
		}
	} else {
		p, err := c.own(ctx, tx, a, product)
		if err != nil {
			return v, err
		}
		if p.State == catalog.OffShelf {
			return v, fault.New(fault.Conflict, "off_shelf", "a product that was taken off the shelf stays there; release a new one")
		}
		open, err := store.OpenRevision(ctx, tx, product)
		if err == nil {
			return open, nil
		}
		if !errors.Is(err, store.ErrNoRow) {
			return v, err
		}
		live, err := c.live(ctx, tx, product)
		if err != nil {
			return v, err
		}
		if live != nil {
			v.Body = live.Body
		} else {
			v.Body = catalog.Body{Name: p.Name, Overview: p.Summary, Version: "V1.0", Protocol: p.Protocol, Public: true, Support: catalog.Support{Days: 5, Hours: 8}}
		}
	}
	if err := store.InsertRevision(ctx, tx, v); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductCreate, v.ProductID, "begin "+v.Kind+" "+v.ID)
}

// own reads a product of the actor's own company; to a limited sub-user those that were not given are unknown.
func (c *Catalogue) own(ctx context.Context, tx *kernel.Tx, a access.Actor, product string) (catalog.Product, error) {
	p, err := store.OwnProduct(ctx, tx, kernel.Scope(a), product)
	return p, kernel.Missing(err, "product")
}

// keep gives a limited sub-user the product that it made itself. spec: 20 A6
func (c *Catalogue) keep(ctx context.Context, tx *kernel.Tx, a access.Actor, product string) error {
	if !a.Limited {
		return nil
	}
	return store.GrantProduct(ctx, tx, product, a.PersonID, a.PersonID, c.k.Wire.Now())
}

// live is the version on sale; nil before the first.
func (c *Catalogue) live(ctx context.Context, tx *kernel.Tx, product string) (*catalog.Revision, error) {
	p, err := store.PageOf(ctx, tx, product)
	if err != nil || p.LiveRevisionID == "" {
		return nil, err
	}
	v, err := store.Revision(ctx, tx, store.Everything, p.LiveRevisionID)
	return &v, err
}

// Draft reads a revision with everything that is missing.
func (c *Catalogue) Draft(ctx context.Context, a access.Actor, id string) (d Draft, err error) {
	if err := kernel.May(a, access.ProductRead); err != nil {
		return d, err
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if d.Revision, err = store.Revision(ctx, tx, kernel.Scope(a), id); err != nil {
			return kernel.Missing(err, "revision")
		}
		if d.Live, err = c.live(ctx, tx, d.Revision.ProductID); err != nil {
			return err
		}
		d.Problems, err = c.problems(ctx, tx, &d.Revision)
		return err
	})
	return d, err
}

// Revisions lists requests, newest first; for operators with queue those that wait,
// by when they are due.
func (c *Catalogue) Revisions(ctx context.Context, a access.Actor, queue bool, after string, limit int) (out []catalog.Revision, err error) {
	if err := kernel.May(a, access.ProductRead); err != nil {
		return nil, err
	}
	err = c.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Revisions(ctx, tx, kernel.Scope(a), queue, after, limit)
		return err
	})
	return out, err
}

// problems holds a revision against the rules with all they need to know.
func (c *Catalogue) problems(ctx context.Context, tx *kernel.Tx, v *catalog.Revision) ([]catalog.Problem, error) {
	f := catalog.Facts{Files: map[string]catalog.FileFacts{}, OperatorNames: c.operatorNames}
	text := readMarkdown(v.Body.Description)
	guide := readMarkdown(v.Body.UserGuide)
	f.DescriptionText, f.DescriptionImages = text.words, text.images
	f.ForeignLinks = append(text.links, guide.links...)
	f.GuideText = guide.words
	ids := append([]string{v.Body.Logo, v.Body.Copyright, v.Body.UserGuideFile, v.Body.DeliveryForm}, v.Body.Media...)
	for _, id := range append(ids, f.DescriptionImages...) {
		if id == "" {
			continue
		}
		one, err := store.FileByID(ctx, tx, id)
		if errors.Is(err, store.ErrNoRow) || err == nil && one.CompanyID != v.SellerID {
			continue // another's file is an unknown one
		}
		if err != nil {
			return nil, err
		}
		f.Files[id] = catalog.FileFacts{MediaType: one.MediaType, Size: one.Size, Width: one.Width, Height: one.Height}
	}
	var err error
	if f.NameTaken, err = store.NameTaken(ctx, tx, v.SellerID, v.Body.Name, v.ProductID); err != nil {
		return nil, err
	}
	_, err = store.AddressOf(ctx, tx, v.SellerID, "base", v.ProductID)
	if f.HasAddress = err == nil; err != nil && !errors.Is(err, store.ErrNoRow) {
		return nil, err
	}
	tree, err := store.Categories(ctx, tx)
	if err != nil {
		return nil, err
	}
	live, err := c.live(ctx, tx, v.ProductID)
	if err != nil {
		return nil, err
	}
	retired := map[string]bool{}
	for _, k := range tree {
		retired[k.ID] = k.Retired
	}
	for _, k := range tree {
		// Who sells in a retired category already may go on changing the product.
		stays := live != nil && live.Body.Category == k.ID
		f.CategoryLeaf = f.CategoryLeaf || k.ID == v.Body.Category && k.ParentID != "" && (stays || !k.Retired && !retired[k.ParentID])
	}
	if live != nil {
		f.Live = &live.Body
	}
	if f.Similar, err = c.similar(ctx, tx, v); err != nil {
		return nil, err
	}
	missing, err := c.unproved(ctx, tx, v)
	return append(v.Body.Check(f), missing...), err
}

// similar finds another product of the seller whose name is this one's with something
// before, behind or in another case: editions belong into one product. // spec: 20 B1
func (c *Catalogue) similar(ctx context.Context, tx *kernel.Tx, v *catalog.Revision) (string, error) {
	plain := func(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), "")) }
	mine := plain(v.Body.Name)
	if len([]rune(mine)) < 3 {
		return "", nil
	}
	names, err := store.NamesOf(ctx, tx, v.SellerID, v.ProductID)
	for _, name := range names {
		other := plain(name)
		if len([]rune(other)) >= 3 && (strings.Contains(other, mine) || strings.Contains(mine, other)) {
			return name, err
		}
	}
	return "", err
}

// editable reads a revision that its seller may change: a draft, or one that was
// rejected (which turns it into a draft again).
func (c *Catalogue) editable(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, version int64) (catalog.Revision, error) {
	v, err := store.Revision(ctx, tx, kernel.Scope(a), id)
	if err == nil && v.SellerID != a.CompanyID {
		err = store.ErrNoRow
	}
	if err != nil {
		return v, kernel.Missing(err, "revision")
	}
	if v.State != catalog.RevisionDraft && v.State != catalog.RevisionRejected {
		return v, fault.New(fault.Conflict, "revision_state", "the request is %s and cannot be changed", v.State)
	}
	if version != 0 && version != v.Version {
		return v, stale()
	}
	return v, nil
}

func stale() error {
	return fault.New(fault.Conflict, "stale_page", "somebody saved this draft since the page was opened; look at the newer one and save again")
}

// SaveDraft stores the wizard's fields as they are, right or not: nothing typed is
// lost. A page older than the stored draft is refused.
func (c *Catalogue) SaveDraft(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, version int64, body catalog.Body) (catalog.Revision, error) {
	if err := kernel.May(a, access.ProductCreate); err != nil {
		return catalog.Revision{}, err
	}
	v, err := c.editable(ctx, tx, a, id, version)
	if err != nil {
		return v, err
	}
	if n := len(body.JSON()); n > maxBody {
		return v, fault.New(fault.Invalid, "too_large", "the draft is larger than %d bytes", maxBody)
	}
	for i := range body.Specs {
		if body.Specs[i].Key == "" {
			body.Specs[i].Key = ident.UUID()
		}
	}
	v.Body, v.State, v.UpdatedAt = body, catalog.RevisionDraft, c.k.Clock.Now()
	err = store.SaveRevision(ctx, tx, &v)
	if errors.Is(err, store.ErrNoRow) {
		return v, stale()
	}
	return v, err
}

// maxBody bounds a stored draft in bytes.
const maxBody = 512 << 10

// SubmitDraft sends a complete draft to review: due in three working days, later
// when the seller submits many on one day. // spec: 20 B7
func (c *Catalogue) SubmitDraft(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, version int64) (catalog.Revision, error) {
	if err := kernel.May(a, access.ProductSubmit); err != nil {
		return catalog.Revision{}, err
	}
	v, err := c.editable(ctx, tx, a, id, version)
	if err != nil {
		return v, err
	}
	problems, err := c.problems(ctx, tx, &v)
	if err != nil {
		return v, err
	}
	if err := refuse(problems); err != nil {
		return v, err
	}
	now := c.k.Clock.Now()
	local := now.In(c.k.Zone)
	n, err := store.SubmittedSince(ctx, tx, v.SellerID, time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, c.k.Zone))
	if err != nil {
		return v, err
	}
	v.State, v.SubmittedAt, v.UpdatedAt, v.Reason, v.Remarks = catalog.RevisionPending, now, now, "", nil
	v.DueAt, _ = workday.China().Deadline(now, catalog.ReviewAllowance(n+1), c.k.Zone)
	if err := store.SaveRevision(ctx, tx, &v); err != nil {
		return v, err
	}
	if err := c.k.Tell(ctx, tx, kernel.OperatorDesk, "product.submitted", "", "", map[string]string{"product": v.Body.Name, "product_id": v.ProductID, "revision": v.ID}); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductSubmit, v.ProductID, v.ID)
}

// refuse makes one fault of all problems that are no warnings.
func refuse(problems []catalog.Problem) error {
	f := fault.Fields{}
	for _, p := range problems {
		if !p.Warning {
			f.Add(p.Field, "%s", strings.TrimSpace(p.Code+" "+strings.Join(p.Args, " ")))
		}
	}
	if len(f) == 0 {
		return nil
	}
	return &fault.Fault{Kind: fault.Rule, Code: "incomplete", Message: "the product is not complete yet: " + fmt.Sprint(len(f)) + " fields need attention", Fields: f}
}

// WithdrawDraft takes a request back while nobody has begun to review it.
func (c *Catalogue) WithdrawDraft(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (catalog.Revision, error) {
	if err := kernel.May(a, access.ProductSubmit); err != nil {
		return catalog.Revision{}, err
	}
	v, err := store.Revision(ctx, tx, kernel.Scope(a), id)
	if err == nil && v.SellerID != a.CompanyID {
		err = store.ErrNoRow
	}
	if err != nil {
		return v, kernel.Missing(err, "revision")
	}
	if v.State != catalog.RevisionPending {
		return v, fault.New(fault.Conflict, "revision_state", "the request is %s; it can be taken back only until a reviewer takes it", v.State)
	}
	v.State, v.UpdatedAt = catalog.RevisionDraft, c.k.Clock.Now()
	if err := c.saveOrStale(ctx, tx, &v); err != nil {
		return v, err
	}
	return v, c.k.Audit(ctx, tx, a, access.ProductSubmit, v.ProductID, "withdraw "+v.ID)
}

func (c *Catalogue) saveOrStale(ctx context.Context, tx *kernel.Tx, v *catalog.Revision) error {
	err := store.SaveRevision(ctx, tx, v)
	if errors.Is(err, store.ErrNoRow) {
		return stale()
	}
	return err
}

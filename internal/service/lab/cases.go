package lab

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Cases lists the seller's saved cases; address "" is all. // spec: 10 §8.1
func (l *Lab) Cases(ctx context.Context, a access.Actor, address string) (out []Case, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if out, err = store.LabCases(ctx, tx, a.CompanyID, address); err != nil || !a.Limited {
			return err
		}
		mine, err := addresses(ctx, tx, a)
		out = slices.DeleteFunc(out, func(c Case) bool { return !among(mine, c.Address) })
		return err
	})
	return out, err
}

// Case reads one.
func (l *Lab) Case(ctx context.Context, a access.Actor, id string) (c Case, err error) {
	if err := may(a, access.LabRead); err != nil {
		return c, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if c, err = store.LabCaseByID(ctx, tx, a.CompanyID, id); err != nil {
			return kernel.Missing(err, "case")
		}
		return visible(ctx, tx, a, c.Address)
	})
	return c, err
}

// DeleteCase forgets a saved case.
func (l *Lab) DeleteCase(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := may(a, access.LabRun); err != nil {
		return err
	}
	c, err := store.LabCaseByID(ctx, tx, a.CompanyID, id)
	if err != nil {
		return kernel.Missing(err, "case")
	}
	if err := visible(ctx, tx, a, c.Address); err != nil {
		return err
	}
	if err := store.DeleteLabCase(ctx, tx, a.CompanyID, id); err != nil {
		return kernel.Missing(err, "case")
	}
	return l.k.Audit(ctx, tx, a, access.LabRun, a.CompanyID, "delete case "+c.Scenario)
}

// Missing is what a product still lacks. // spec: 01 §2.12
type Missing struct {
	lab.Need
	Failing bool   // there is a case, but its last run failed
	CaseID  string // that case
}

// Readiness is how far a product is proved.
type Readiness struct {
	Product, Address string // the address whose cases count; "" when none is registered
	Needs            []lab.Need
	Missing          []Missing
}

// Ready tells how far one of the seller's products is proved.
func (l *Lab) Ready(ctx context.Context, a access.Actor, product string) (out Readiness, err error) {
	if err := kernel.May(a, access.LabRead); err != nil {
		return out, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		p, needs, err := catalogue.NeedsOf(ctx, tx, kernel.Scope(a), product)
		if err != nil {
			return kernel.Missing(err, "product")
		}
		out, err = readiness(ctx, tx, p.SellerID, product, needs)
		return err
	})
	return out, err
}

func readiness(ctx context.Context, tx *kernel.Tx, seller, product string, needs []lab.Need) (Readiness, error) {
	out := Readiness{Product: product, Needs: needs}
	at, err := store.AddressOf(ctx, tx, seller, "base", product)
	if err != nil && !errors.Is(err, store.ErrNoRow) {
		return out, err
	}
	out.Address = at.URL
	cases, err := store.LabCases(ctx, tx, seller, at.URL)
	if err != nil || at.URL == "" {
		cases = nil
	}
	for _, n := range needs {
		gap := &Missing{Need: n}
		for _, c := range cases {
			if !n.Met(c.Scenario, c.Form) {
				continue
			}
			if gap.Failing, gap.CaseID = !c.Passed, c.ID; c.Passed {
				gap = nil
				break
			}
		}
		if gap != nil {
			out.Missing = append(out.Missing, *gap)
		}
	}
	return out, err
}

// fresh is how old the replay may be on which a release, change or approval relies.
const fresh = 15 * time.Minute

// Gate is what the catalogue asks before a product is released, changed or approved: which
// needs have no passing case. // spec: 01 §2.12, 20 B5
func (l *Lab) Gate(ctx context.Context, tx *kernel.Tx, seller, product string, needs []lab.Need) ([]lab.Need, error) {
	r, err := readiness(ctx, tx, seller, product, needs)
	var out []lab.Need
	for _, m := range r.Missing {
		out = append(out, m.Need)
	}
	return out, err
}

// ProveMove replays the cases of a product before a move that asks for them; ProveRevision
// before its request is submitted or approved. Both leave the decision to the catalogue:
// here is only what must not be done inside a transaction. // spec: 10 §8.2, 20 B5
func (l *Lab) ProveMove(ctx context.Context, a access.Actor, product string, d catalogue.Decide) error {
	if !catalogue.AsksForCases(d) {
		return nil
	}
	action := access.ProductApprove
	if d == catalogue.Submit {
		action = access.ProductSubmit
	}
	return l.prove(ctx, a, action, func(ctx context.Context, tx *kernel.Tx) (string, error) { return product, nil })
}

// ProveRevision is ProveMove for a request.
func (l *Lab) ProveRevision(ctx context.Context, a access.Actor, revision string, action access.Action) error {
	return l.prove(ctx, a, action, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		v, err := store.Revision(ctx, tx, kernel.Scope(a), revision)
		return v.ProductID, kernel.Missing(err, "revision")
	})
}

// prove replays, in the order of a life, the saved cases that a product needs. Cases that
// were run within a quarter of an hour, and passed, stand as they are.
func (l *Lab) prove(ctx context.Context, a access.Actor, action access.Action, of func(ctx context.Context, tx *kernel.Tx) (product string, err error)) error {
	if !l.k.Settings().RequireCases {
		return nil
	}
	if err := kernel.May(a, action); err != nil {
		return err
	}
	var seller, product, address string
	var needs []lab.Need
	err := l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if product, err = of(ctx, tx); err != nil {
			return err
		}
		p, n, err := catalogue.NeedsOf(ctx, tx, kernel.Scope(a), product)
		if err != nil {
			return kernel.Missing(err, "product")
		}
		at, err := store.AddressOf(ctx, tx, p.SellerID, "base", product)
		if errors.Is(err, store.ErrNoRow) {
			return nil
		}
		seller, address, needs = p.SellerID, at.URL, n
		return err
	})
	if err != nil || address == "" {
		return err
	}
	old := l.k.Wire.Now().Add(-fresh)
	_, err = l.rounds(ctx, seller, product, address, ByReplay, func(all []Case) []Case {
		needed := slices.DeleteFunc(all, func(c Case) bool {
			return !slices.ContainsFunc(needs, func(n lab.Need) bool { return n.Met(c.Scenario, c.Form) })
		})
		if !slices.ContainsFunc(needed, func(c Case) bool { return c.RunAt.Before(old) || !c.Passed }) {
			return nil
		}
		return needed
	})
	return err
}

// RunCases replays saved cases at an address now, all or one.
func (l *Lab) RunCases(ctx context.Context, a access.Actor, address, id string) ([]Run, error) {
	if err := may(a, access.LabRun); err != nil {
		return nil, err
	}
	mine, err := l.Addresses(ctx, a)
	if err != nil {
		return nil, err
	}
	if !among(mine, address) {
		return nil, fault.Field("address", "is not one of your addresses")
	}
	return l.rounds(ctx, a.CompanyID, "", address, ByReplay, func(all []Case) []Case {
		if id != "" {
			all = slices.DeleteFunc(all, func(c Case) bool { return c.ID != id })
		}
		return all
	})
}

// rounds replays cases of an address in the order of a life, one round for each way of
// creating, so that every call finds what its round made. // spec: 02 §1.19, §2.19
func (l *Lab) rounds(ctx context.Context, seller, product, address, occasion string, pick func([]Case) []Case) (out []Run, err error) {
	var cases []Case
	loaded := map[string]parties{}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := store.LabCases(ctx, tx, seller, address)
		if err != nil {
			return err
		}
		cases = pick(slices.DeleteFunc(all, func(c Case) bool { // a push is the seller's to make: there is nothing to replay
			s, _ := lab.ScenarioOf(c.Scenario)
			return s.Inbound
		}))
		for _, c := range cases {
			if s, ok := lab.ScenarioOf(c.Scenario); ok {
				class := s.Protocol.Class()
				if _, have := loaded[class]; !have {
					if loaded[class], err = l.load(ctx, tx, seller, class, ""); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(cases, func(a, b Case) int { return lab.Turn(a.Scenario) - lab.Turn(b.Scenario) })
	r := &round{}
	for _, c := range cases {
		s, ok := lab.ScenarioOf(c.Scenario)
		if !ok {
			continue // of a version that knew more
		}
		v, err := l.again(ctx, Run{SellerID: seller, ProductID: product, CaseID: c.ID, Address: address, Scenario: c.Scenario, Occasion: occasion}, s, c.Form, loaded[s.Protocol.Class()], r)
		if err != nil { // the case itself cannot be sent any more: a key is gone, a rule changed
			v.ID, v.StartedAt, v.Reason, v.Detail, v.Request = l.k.Row(), l.k.Wire.Now(), "cannot-send", cut(err.Error()), []byte{}
		}
		if err := l.keep(ctx, &v); err != nil {
			return out, err
		}
		out = append(out, v)
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
	}
	return out, nil
}

// patience is how long a round waits for an instance that is still being made.
var patience = []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}

// again plays a case; once more after a connection error, and a query for as long as the
// instance of the round is not ready. // spec: 10 §8.5, 11 §4.1
func (l *Lab) again(ctx context.Context, blank Run, s lab.Scenario, form map[string]string, p parties, r *round) (v Run, err error) {
	lost := false
	for i := 0; ; {
		v = blank
		if err = l.play(ctx, s, form, p, r, &v, false); err != nil || v.Passed {
			return v, err
		}
		switch {
		case v.Reason == "unreachable" && !lost:
			lost = true
		case s.Activity == "queryInstance" && i < len(patience) && (v.ResultCode == "000003" || v.ResultCode == "000004" || v.Reason == "missing-field"):
			select {
			case <-ctx.Done():
				return v, err
			case <-time.After(patience[i]):
			}
			i++
		default:
			return v, err
		}
	}
}

func (l *Lab) keep(ctx context.Context, v *Run) error {
	return l.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.InsertLabRun(ctx, tx, v); err != nil {
			return err
		}
		return store.NoteLabCase(ctx, tx, v.CaseID, v.Passed, v.ID, v.StartedAt)
	})
}

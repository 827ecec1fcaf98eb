package lab

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Kinds of jobs of probing. // spec: 10 §8.5
const (
	JobRound = "lab.round" // gives each product on sale its probe, and names the next round
	JobProbe = "lab.probe" // one product's saved cases
)

// keepRuns is how long calls of the lab are kept that no saved case shows.
const keepRuns = 30 * 24 * time.Hour

const dayForm = "2006-01-02"

// Register gives the runner the timed work of the lab.
func (l *Lab) Register(r *jobs.Runner) {
	r.Handle(JobRound, l.round)
	r.Handle(JobProbe, l.probe)
	r.Handle(JobCheckup, l.checkup)
}

// startProbing queues the first round with the first saved case; from then on each round
// queues the next one.
func (l *Lab) startProbing(ctx context.Context, tx *kernel.Tx) error {
	waits, err := store.JobWaits(ctx, tx, JobRound)
	if err != nil || waits {
		return err
	}
	return l.nextRound(ctx, tx, l.k.Clock.Now())
}

func (l *Lab) nextRound(ctx context.Context, tx *kernel.Tx, after time.Time) error {
	at, slot := lab.NextRound(after, l.k.Zone)
	_, err := l.k.Queue.Add(ctx, tx, store.Job{Kind: JobRound, Lane: jobs.Platform, DueAt: at, Payload: slot})
	return err
}

// round happens at its own instant, however late it is run.
func (l *Lab) round(ctx context.Context, j store.Job, owner string) error {
	return l.once(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		all, err := store.Probed(ctx, tx)
		if err != nil {
			return err
		}
		day := j.DueAt.In(l.k.Zone).Format(dayForm)
		for _, one := range all {
			if _, err := l.k.Queue.Add(ctx, tx, store.Job{Kind: JobProbe, Lane: jobs.NotifyLane(one[1]), DueAt: j.DueAt, SellerID: one[1], Payload: one[0] + " " + day + " " + j.Payload}); err != nil {
				return err
			}
		}
		any, err := store.AnyLabCase(ctx, tx)
		if err != nil {
			return err
		}
		if any { // without a case left the next saved one begins anew
			if err := l.nextRound(ctx, tx, j.DueAt); err != nil {
				return err
			}
		}
		if err := store.PruneLabRuns(ctx, tx, l.k.Wire.Now().Add(-keepRuns)); err != nil {
			return err
		}
		return store.FinishJob(ctx, tx, j.ID, owner, "", store.JobDone, "", 1, l.k.Clock.Now())
	})
}

// once runs the end of a job; a lost lease means that another process does it.
func (l *Lab) once(ctx context.Context, f func(ctx context.Context, tx *kernel.Tx) error) error {
	err := l.k.Change(ctx, f)
	if errors.Is(err, store.ErrLeaseLost) {
		return nil
	}
	return err
}

// probe runs the saved cases of one product on sale and stores the round. Probes are not
// seen by buyers and are not repeated. // spec: 10 §8.5, 01 §2.11
func (l *Lab) probe(ctx context.Context, j store.Job, owner string) error {
	part := strings.Split(j.Payload, " ")
	if len(part) != 3 {
		return fmt.Errorf("payload of job %s", j.ID)
	}
	product, day, slot := part[0], part[1], part[2]
	var p catalog.Product
	var needs []lab.Need
	var address string
	err := l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if p, needs, err = catalogue.NeedsOf(ctx, tx, store.Everything, product); err != nil {
			return err
		}
		at, err := store.AddressOf(ctx, tx, p.SellerID, "base", product)
		if errors.Is(err, store.ErrNoRow) {
			return nil
		}
		address = at.URL
		return err
	})
	if err != nil {
		return err
	}
	var runs []Run
	if address != "" && p.State == catalog.OnSale {
		runs, err = l.rounds(ctx, p.SellerID, product, address, ByProbe, func(all []Case) (mine []Case) {
			for _, c := range all {
				for _, n := range needs {
					if n.Met(c.Scenario, c.Form) {
						mine = append(mine, c)
						break
					}
				}
			}
			return mine
		})
		if err != nil {
			return err
		}
	}
	return l.once(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if len(runs) > 0 {
			if err := l.probed(ctx, tx, p, day, slot, runs, j.DueAt); err != nil {
				return err
			}
		}
		return store.FinishJob(ctx, tx, j.ID, owner, "", store.JobDone, "", 1, l.k.Clock.Now())
	})
}

// probed stores a round, tells of its failures and of the fifth bad day.
func (l *Lab) probed(ctx context.Context, tx *kernel.Tx, p catalog.Product, day, slot string, runs []Run, at time.Time) error {
	row := Probe{ProductID: p.ID, Day: day, Slot: slot, SellerID: p.SellerID, Passed: true, Cases: len(runs), RanAt: at}
	var failed []string
	for _, v := range runs {
		if v.Passed {
			continue
		}
		if row.Passed {
			row.Passed, row.RunID, row.Problem = false, v.ID, v.Scenario+": "+v.Reason
		}
		row.Failed++
		failed = append(failed, v.Scenario)
	}
	first, err := store.InsertProbe(ctx, tx, row)
	if err != nil || !first || row.Passed {
		return err
	}
	params := map[string]string{"product": p.Name, "product_id": p.ID, "scenarios": strings.Join(failed, ", "), "problem": row.Problem, "run": row.RunID}
	if err := l.k.Tell(ctx, tx, p.SellerID, "probe.failed", "", "", params); err != nil {
		return err
	}
	past, err := store.Probes(ctx, tx, p.ID, at.In(l.k.Zone).AddDate(0, 0, -14).Format(dayForm))
	if err != nil {
		return err
	}
	var rounds []lab.Round
	for _, r := range past {
		rounds = append(rounds, lab.Round{Day: r.Day, Slot: r.Slot, Passed: r.Passed})
	}
	if lab.FailedDays(rounds) != lab.FailedDaysAllowed+1 || slot != lab.Afternoon {
		return nil
	}
	if l.k.Settings().SuspendFailed {
		err := store.SetProductState(ctx, tx, p.ID, catalog.OnSale, catalog.Suspended, "five days of failed probes", at)
		if errors.Is(err, store.ErrNoRow) {
			return nil // somebody was faster
		}
		if err != nil {
			return err
		}
		if err := l.k.Tell(ctx, tx, p.SellerID, "product.suspended", "", "", map[string]string{"product": p.Name, "product_id": p.ID, "reason": "five days of failed probes"}); err != nil {
			return err
		}
		return l.k.Tell(ctx, tx, kernel.OperatorDesk, "product.suspended", "", "", map[string]string{"product": p.Name, "product_id": p.ID, "reason": "five days of failed probes"})
	}
	return l.k.Tell(ctx, tx, kernel.OperatorDesk, "probe.suspension_proposed", "", "", params)
}

// Probes lists the rounds of the actor's products since a number of days ago; operators see all.
func (l *Lab) Probes(ctx context.Context, a access.Actor, product string, days int) (out []Probe, err error) {
	if err := kernel.May(a, access.LabRead); err != nil {
		return nil, err
	}
	since := l.k.Clock.Now().In(l.k.Zone).AddDate(0, 0, 1-days).Format(dayForm)
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if product != "" {
			if a.CompanyKind == party.Seller {
				if _, err := store.OwnProduct(ctx, tx, kernel.Scope(a), product); err != nil {
					return kernel.Missing(err, "product")
				}
			}
			out, err = store.Probes(ctx, tx, product, since)
			return err
		}
		seller := a.CompanyID
		if a.IsOperator() {
			seller = ""
		}
		if out, err = store.ProbesOfSeller(ctx, tx, seller, since); err != nil || !a.Limited {
			return err
		}
		given, err := store.GrantedProducts(ctx, tx, a.PersonID)
		var mine []Probe
		for _, p := range out {
			for _, g := range given {
				if p.ProductID == g {
					mine = append(mine, p)
				}
			}
		}
		out = mine
		return err
	})
	return out, err
}

// Today is the business date, for pages that draw days.
func (l *Lab) Today() time.Time { return l.k.Clock.Now().In(l.k.Zone) }

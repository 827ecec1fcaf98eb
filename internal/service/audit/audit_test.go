package audit_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/audit"
	"github.com/souk-market/souk/internal/service/kernel"
)

var (
	admin = access.Actor{PersonID: "chief", CompanyID: "desk", CompanyKind: access.Operator, Roles: []access.Role{access.Admin}}
	owner = access.Actor{PersonID: "li", CompanyID: "c1", CompanyKind: access.Buyer, Roles: []access.Role{access.BuyerOwner}}
	other = access.Actor{PersonID: "chen", CompanyID: "c2", CompanyKind: access.Buyer, Roles: []access.Role{access.BuyerOwner}}
)

type world struct {
	*testing.T
	k    *kernel.Kernel
	wire *clock.Manual
	u    *audit.Audit
}

func each(t *testing.T, f func(w world)) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		ring, err := keyring.Parse(keyring.Generate())
		if err != nil {
			t.Fatal(err)
		}
		wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
		k := &kernel.Kernel{DB: db, Wire: wire, Clock: clock.NewBusiness(wire), Ring: ring, Log: slog.New(slog.DiscardHandler)}
		f(world{t, k, wire, audit.New(k)})
	})
}

func (w world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// write leaves n rows of an actor, a second apart.
func (w world) write(a access.Actor, n int) {
	w.Helper()
	for i := range n {
		w.wire.Add(time.Second)
		w.must(w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			return w.k.Audit(ctx, tx, a, access.OrderPay, fmt.Sprintf("CS%d", i), "12.00")
		}))
	}
}

func (w world) seal() int {
	w.Helper()
	n, err := w.u.Seal(w.Context())
	w.must(err)
	return n
}

func (w world) verify(known audit.Head) audit.Report {
	w.Helper()
	r, err := w.u.Verify(w.Context(), admin, known)
	w.must(err)
	return r
}

// sql is the hand of somebody who can write the database.
func (w world) sql(query string, args ...any) {
	w.Helper()
	w.must(w.k.DB.Write(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

func TestTheChainGrowsAndHolds(t *testing.T) {
	each(t, func(w world) {
		if r := w.verify(audit.Head{}); len(r.Faults) != 0 || r.Rows != 0 {
			w.Fatalf("an empty log: %+v", r)
		}
		w.write(owner, 3)
		if r := w.verify(audit.Head{}); r.Open != 3 || r.Rows != 0 || len(r.Faults) != 0 {
			w.Errorf("before sealing: %+v", r)
		}
		if n := w.seal() + w.seal(); n != 3 {
			w.Errorf("%d rows were sealed", n)
		}
		first := w.verify(audit.Head{})
		w.write(other, 2)
		w.seal()
		r := w.verify(first.Head)
		if len(r.Faults) != 0 || r.Rows != 5 || r.Head.Seq != 5 || r.Open != 0 {
			w.Errorf("after two rounds: %+v", r)
		}
		if h, err := audit.ParseHead(fmt.Sprintf("%d:%s", r.Head.Seq, r.Head.Hash)); err != nil || h != r.Head {
			w.Errorf("%v %v", h, err)
		}
	})
}

// Whatever somebody does to the table afterwards is found.
func TestEveryHandOnTheTableIsFound(t *testing.T) {
	acts := map[string]string{
		"a changed detail":          `UPDATE audit SET detail = '0.01' WHERE seq = 3`,
		"a changed actor":           `UPDATE audit SET actor = 'somebody' WHERE seq = 1`,
		"a changed time":            `UPDATE audit SET at = at + 1 WHERE seq = 5`,
		"a changed hash":            `UPDATE audit SET hash = previous WHERE seq = 4`,
		"a removed row":             `DELETE FROM audit WHERE seq = 3`,
		"the last row removed":      `DELETE FROM audit WHERE seq = 5`,
		"everything removed":        `DELETE FROM audit`,
		"rows changed places":       `UPDATE audit SET seq = CASE seq WHEN 2 THEN 103 ELSE 102 END WHERE seq IN (2, 3)`,
		"a row set back to sealing": `UPDATE audit SET seq = 0 WHERE seq = 2`,
		"a row hidden":              `UPDATE audit SET seq = -2 WHERE seq = 2`,
		"the head set back":         `UPDATE audit_head SET seq = 4`,
		"the sealed head lost":      `UPDATE audit_head SET sealed = ''`,
		"a row behind the head":     `INSERT INTO audit (id, at, actor, company, action, noun_id, detail, seq, previous, hash) VALUES ('x', 1, 'a', 'b', 'c', 'd', 'e', 6, 'f', 'g')`,
	}
	each(t, func(w world) {
		for name, act := range acts {
			w.Run(name, func(t *testing.T) {
				w := w
				w.T = t
				w.sql(`DELETE FROM audit`)
				w.sql(`UPDATE audit_head SET seq = 0, hash = '', sealed = ''`)
				w.write(owner, 5)
				w.seal()
				if r := w.verify(audit.Head{}); len(r.Faults) != 0 {
					t.Fatalf("before: %v", r.Faults)
				}
				w.sql(act)
				if strings.Contains(act, "ELSE 102") {
					w.sql(`UPDATE audit SET seq = seq - 100 WHERE seq > 100`)
				}
				if r := w.verify(audit.Head{}); len(r.Faults) == 0 {
					t.Error("it was not found")
				}
				w.write(owner, 1)
				// The log goes on, or its sealer refuses; what was done stays visible.
				if _, err := w.u.Seal(w.Context()); err == nil && strings.Contains(act, "audit_head") {
					t.Error("the sealer built on a head that is not ours")
				}
				if r := w.verify(audit.Head{}); len(r.Faults) == 0 {
					t.Error("it was healed by the next row")
				}
			})
		}
	})
}

// Who makes the whole chain anew has no master key; and who had it is found by a head that was written down.
func TestAChainMadeAnewIsFound(t *testing.T) {
	each(t, func(w world) {
		w.write(owner, 4)
		w.seal()
		noted := w.verify(audit.Head{}).Head
		w.sql(`UPDATE audit SET seq = 0, previous = '', hash = ''`)
		w.sql(`UPDATE audit SET detail = '0.01' WHERE noun_id = 'CS0'`)
		w.sql(`UPDATE audit_head SET seq = 0, hash = '', sealed = ''`)
		stolen, err := keyring.Parse(keyring.Generate())
		w.must(err)
		forger := *w.k
		forger.Ring = stolen
		if _, err := audit.New(&forger).Seal(w.Context()); err != nil {
			w.Fatal(err)
		}
		if r := w.verify(audit.Head{}); len(r.Faults) == 0 {
			w.Error("a chain under another key was believed")
		}
		w.sql(`UPDATE audit SET seq = 0, previous = '', hash = ''`)
		w.sql(`UPDATE audit_head SET seq = 0, hash = '', sealed = ''`)
		w.seal() // by the program itself, which the forger made do it
		if r := w.verify(audit.Head{}); len(r.Faults) != 0 {
			w.Fatalf("%v", r.Faults)
		}
		if r := w.verify(noted); len(r.Faults) == 0 {
			w.Error("the head that was written down is not in the chain, and nobody says so")
		}
	})
}

// Writers do not wait for the chain, a row committed late has its turn, and sealers of several processes take turns.
func TestSealersAndWritersAtOnce(t *testing.T) {
	each(t, func(w world) {
		const writers, rows = 4, 25
		var wg, sealers sync.WaitGroup
		done := make(chan struct{})
		errs := make(chan error, writers+2)
		for range 2 {
			sealers.Add(1)
			go func() {
				defer sealers.Done()
				for {
					if _, err := w.u.Seal(w.Context()); err != nil {
						errs <- err
						return
					}
					select {
					case <-done:
						return
					default:
					}
				}
			}()
		}
		for i := range writers {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for j := range rows {
					if err := w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
						return w.k.Audit(ctx, tx, owner, access.OrderPay, fmt.Sprintf("CS%d-%d", i, j), "")
					}); err != nil {
						errs <- err
						return
					}
				}
			}()
		}
		wg.Wait()
		close(done)
		sealers.Wait()
		w.seal()
		close(errs)
		for err := range errs {
			w.Error(err)
		}
		if r := w.verify(audit.Head{}); len(r.Faults) != 0 || r.Rows != writers*rows || r.Open != 0 {
			w.Errorf("%+v", r)
		}
	})
}

func TestListsAreFilteredPagedAndKeptApart(t *testing.T) {
	each(t, func(w world) {
		w.write(owner, 5)
		w.write(other, 3)
		w.must(w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			return w.k.Audit(ctx, tx, admin, access.ClockMove, "", "=1+1")
		}))
		list := func(a access.Actor, f audit.Filter, limit int) (nouns []string) {
			w.Helper()
			var place audit.Place
			for {
				rows, err := w.u.List(w.Context(), a, f, place, limit)
				w.must(err)
				for _, r := range rows {
					nouns = append(nouns, r.Company+"/"+r.Noun)
					place = audit.Place{At: r.At, ID: r.ID}
				}
				if len(rows) < limit {
					return nouns
				}
			}
		}
		for _, limit := range []int{1, 2, 100} {
			if got := fmt.Sprint(list(owner, audit.Filter{}, limit)); got != "[c1/CS4 c1/CS3 c1/CS2 c1/CS1 c1/CS0]" {
				w.Errorf("by %d: %s", limit, got)
			}
		}
		if got := list(owner, audit.Filter{Company: "c2"}, 10); len(got) != 5 {
			w.Errorf("a company asked for another: %v", got)
		}
		if got := fmt.Sprint(list(admin, audit.Filter{Actor: "chen", Noun: "CS1"}, 10)); got != "[c2/CS1]" {
			w.Error(got)
		}
		start := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		if got := fmt.Sprint(list(admin, audit.Filter{Action: "order.pay", From: start.Add(2 * time.Second), To: start.Add(4 * time.Second)}, 10)); got != "[c1/CS2 c1/CS1]" {
			w.Error(got)
		}
		var b bytes.Buffer
		w.must(w.u.Export(w.Context(), admin, audit.Filter{}, &b))
		lines, err := csv.NewReader(&b).ReadAll()
		w.must(err)
		if len(lines) != 10 || lines[0][0] != "at" || lines[1][5] != "'=1+1" || lines[9][4] != "CS0" {
			w.Errorf("%v", lines)
		}
		viewer := access.Actor{PersonID: "v", CompanyID: "c1", CompanyKind: access.Buyer, Roles: []access.Role{access.Viewer}}
		if _, err := w.u.List(w.Context(), viewer, audit.Filter{}, audit.Place{}, 1); fault.KindOf(err) != fault.Forbidden {
			w.Errorf("a viewer: %v", err)
		}
		if err := w.u.Export(w.Context(), owner, audit.Filter{}, &b); fault.KindOf(err) != fault.Forbidden {
			w.Errorf("export by a company: %v", err)
		}
		if _, err := w.u.Verify(w.Context(), owner, audit.Head{}); fault.KindOf(err) != fault.Forbidden {
			w.Errorf("verify by a company: %v", err)
		}
	})
}

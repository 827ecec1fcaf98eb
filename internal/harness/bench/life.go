package bench

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/trade"
)

// lifeDays is how far the business clock is moved in one step.
const lifeDays = 60

// runLife fills the database with services in use whose terms end at all times (copies of
// one that was bought and opened through the program), moves the business clock by sixty
// days in one step, and counts what was due: each reminder, freeze and release, and each
// call to a seller, exactly once. // spec: 01 §1.2, 22 §3.2
func runLife(ctx context.Context, o Options) (*Figure, error) {
	var rs []Repeat
	for n := range o.Repeat {
		r, err := life(ctx, o)
		if err != nil {
			return nil, err
		}
		o.say("life, repeat %d: %.0f actions/s, ratio %.3f, %.0f MB", n+1, r.Rate, r.Ratio, r.RSS)
		rs = append(rs, r)
	}
	f := &Figure{Target: "ratio ≥ 0.4, rss < 400 MB", Detail: map[string]any{"instances": o.Orders, "days": lifeDays},
		Mix: fmt.Sprintf("%d services in use at %d V1 sellers that answer at once, their terms ending evenly over %d days; POST /sandbox/clock by %d days; an action is a reminder, a freeze, a release or a call; the ceiling writes the rows of the first of these actions, for the same services in the same order, as many to a COMMIT as the program put", o.Orders, sellersTotal, lifeDays+15, lifeDays)}
	f.put(o, rs)
	f.Met = f.Ratio != nil && *f.Ratio >= 0.4 && f.RSS != nil && *f.RSS < 400
	return f, nil
}

func life(ctx context.Context, o Options) (r Repeat, err error) {
	w, err := build(ctx, o, "v1")
	if err != nil {
		return r, err
	}
	defer w.close()
	if err := w.prepay(ctx, 1); err != nil {
		return r, err
	}
	first, err := w.start(ctx)
	if err == nil {
		err = w.settle(ctx)
		first.stop()
	}
	if err != nil {
		return r, err
	}
	token, err := w.operator(ctx)
	if err != nil {
		return r, err
	}
	db, err := open(w.url, 1)
	if err != nil {
		return r, err
	}
	defer db.Close()
	o.say("life: copying %d services", o.Orders)
	spec, keys, err := w.multiply(ctx, db, func(s *specimen) []op { return slices.Concat(s.place, s.pay, s.record, s.conclude) })
	if err != nil {
		return r, err
	}
	o.say("life: giving each an end of its own")
	now := time.Now().UTC().Truncate(time.Microsecond)
	want, err := spread(ctx, db, keys, now)
	if err != nil {
		return r, err
	}
	if err := db.Close(); err != nil {
		return r, err
	}
	var start [2]string
	for i := range start {
		if start[i], err = w.databaseLike(ctx, w.url); err != nil {
			return r, err
		}
	}
	had, err := w.told(ctx)
	if err != nil {
		return r, err
	}
	s, err := w.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	c, err := dial(s.addr)
	if err != nil {
		return r, err
	}
	defer c.close()
	if err := w.sealed(ctx); err != nil {
		return r, err
	}
	commits, err := w.commits()
	if err != nil {
		return r, err
	}
	cpu, err := s.cpu()
	if err != nil {
		return r, err
	}
	to := now.AddDate(0, 0, lifeDays)
	o.say("life: moving the clock by %d days; %d reminders, %d freezes, %d releases are due", lifeDays, want.reminders, want.frozen, want.released)
	began := time.Now()
	status, answer, err := c.do("POST", "/api/souk/v1/sandbox/clock", token, "", fmt.Sprintf(`{"to":%q}`, to.Format(time.RFC3339Nano)))
	if err != nil || status != 200 && status != 202 {
		return r, problem("/sandbox/clock", status, answer, err)
	}
	for moving := true; moving; {
		select {
		case <-ctx.Done():
			return r, ctx.Err()
		case <-time.After(250 * time.Millisecond):
		}
		status, answer, err := c.do("GET", "/api/souk/v1/sandbox/clock", token, "", "")
		if err != nil || status != 200 {
			return r, problem("/sandbox/clock", status, answer, err)
		}
		var st struct{ Moving bool }
		if err := json.Unmarshal(answer, &st); err != nil {
			return r, err
		}
		moving = st.Moving
	}
	took := time.Since(began).Seconds()
	after, err := w.commits()
	if err != nil {
		return r, err
	}
	if _, r.RSS, err = s.memory(); err != nil {
		return r, err
	}
	r.RSS = round(r.RSS)
	actions := want.reminders + 2*want.frozen + 2*want.released
	each, err := s.perUnit(cpu, actions)
	if err != nil {
		return r, err
	}
	s.stop()
	if err := w.exactly(ctx, want, had); err != nil {
		return r, err
	}
	r.Rate = round(float64(actions) / took)
	per := perCommit(actions, 1, float64(after-commits))
	if r.CeilingBefore, r.CeilingAfter, err = w.lifeCeiling(ctx, start, spec, keys, want.whole, now, per); err != nil {
		return r, err
	}
	r.CeilingBefore, r.CeilingAfter = round(r.CeilingBefore), round(r.CeilingAfter)
	r.Ratio = round(2 * r.Rate / (r.CeilingBefore + r.CeilingAfter))
	r.More = map[string]float64{"actions": float64(actions), "seconds": round(took), "transactions_per_commit": round(per), "server_cpu_ms_per_action": each}
	return r, nil
}

// due is what has to have happened.
type due struct {
	reminders, frozen, released int
	whole                       int // the place of a service that goes through all of it
}

// planOf is the life of one of some services, whose terms end evenly.
func planOf(now time.Time, place, of int) instance.Plan {
	span := time.Duration(lifeDays+15) * 24 * time.Hour
	end := now.Add(time.Hour + span/time.Duration(of)*time.Duration(place)).Truncate(time.Microsecond)
	return instance.Plan{End: end, Keep: instance.RetentionOf(""), Zone: clock.Shanghai}
}

// within lists a plan's events that are due in the step, by their places among all of them.
func within(p instance.Plan, now time.Time) (all []instance.Event, from, to int) {
	all = p.Events()
	for from < len(all) && !all[from].At.After(now) {
		from++
	}
	for to = from; to < len(all) && !all[to].At.After(now.AddDate(0, 0, lifeDays)); to++ {
	}
	return all, from, to
}

// spread gives every service an end of its own, in the order of its keys, and the job of its
// next event.
func spread(ctx context.Context, db *sql.DB, keys []fresh, now time.Time) (d due, err error) {
	d.whole = -1
	for at := 0; at < len(keys); {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return d, err
		}
		for range min(500, len(keys)-at) {
			id := keys[at][0] // the instance
			p := planOf(now, at, len(keys))
			all, from, to := within(p, now)
			if d.whole < 0 && to-from == len(all) {
				d.whole = at
			}
			at++
			next, _ := p.Next(now)
			for _, e := range all[from:to] {
				switch e.Kind {
				case instance.EventFreeze:
					d.frozen++
				case instance.EventRelease:
					d.released++
				default:
					d.reminders++
				}
			}
			for _, one := range []struct {
				query string
				args  []any
			}{
				{`UPDATE instance SET expire_at = $1 WHERE id = $2`, []any{clock.Micros(p.End), id}},
				{`UPDATE period SET ends_at = $1 WHERE instance_id = $2`, []any{clock.Micros(p.End), id}},
				{`UPDATE job SET due_at = $1 WHERE order_id = (SELECT order_id FROM instance WHERE id = $2) AND kind = $3`, []any{clock.Micros(next), id, trade.JobTerm}},
			} {
				if _, err := tx.ExecContext(ctx, one.query, one.args...); err != nil {
					return d, err
				}
			}
		}
		if err := tx.Commit(); err != nil {
			return d, err
		}
	}
	if d.whole < 0 {
		return d, errors.New("no service lives through everything: there are too few")
	}
	return d, nil
}

// told counts the buyers' notices.
func (w *world) told(ctx context.Context) (int64, error) {
	return w.count(ctx, `SELECT COUNT(*) FROM notice`)
}

// sealed waits until the server has put the copies' audit rows into its chain: that is
// no part of what is measured.
func (w *world) sealed(ctx context.Context) error {
	for {
		open, err := w.count(ctx, `SELECT COUNT(*) FROM audit WHERE seq = 0`)
		if err != nil || open == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// exactly compares what happened with what was due.
func (w *world) exactly(ctx context.Context, want due, had int64) error {
	for _, one := range []struct {
		what, query string
		want        int64
	}{
		{"frozen services", `SELECT COUNT(*) FROM instance WHERE status = 'FROZEN'`, int64(want.frozen - want.released)},
		{"released services", `SELECT COUNT(*) FROM instance WHERE status = 'RELEASED'`, int64(want.released)},
		{"expireInstance calls", `SELECT COUNT(*) FROM attempt WHERE activity = 'expireInstance'`, int64(want.frozen)},
		{"expireInstance calls that succeeded, by service", `SELECT COUNT(DISTINCT instance_id) FROM attempt WHERE activity = 'expireInstance' AND state = 'success'`, int64(want.frozen)},
		{"releaseInstance calls", `SELECT COUNT(*) FROM attempt WHERE activity = 'releaseInstance'`, int64(want.released)},
		{"releaseInstance calls that succeeded, by service", `SELECT COUNT(DISTINCT instance_id) FROM attempt WHERE activity = 'releaseInstance' AND state = 'success'`, int64(want.released)},
		{"releases before the freeze", `SELECT COUNT(*) FROM attempt e JOIN attempt r ON r.instance_id = e.instance_id WHERE e.activity = 'expireInstance' AND r.activity = 'releaseInstance' AND r.business_at <= e.business_at`, 0},
		{"notices", `SELECT COUNT(*) FROM notice`, had + int64(want.reminders+want.frozen+want.released)},
	} {
		got, err := w.count(ctx, one.query)
		if err != nil {
			return err
		}
		if got != one.want {
			return fmt.Errorf("%d %s, %d were due", got, one.what, one.want)
		}
	}
	return nil
}

// operator makes somebody who may move the clock, and gives a token.
func (w *world) operator(ctx context.Context) (token string, err error) {
	return token, w.within(ctx, func(p *program.Program) error {
		return p.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			co, err := p.People.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: party.Operator, Name: "Operators", Email: "operators@bench.example"})
			if err != nil {
				return err
			}
			one, err := p.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: co.ID, Login: "operator", Name: "Operator", Password: ident.UUID(), Roles: []access.Role{access.Admin}})
			if err != nil {
				return err
			}
			token, err = p.People.IssueToken(ctx, tx, kernel.System, co.ID, one.ID, "bench", 0)
			return err
		})
	})
}

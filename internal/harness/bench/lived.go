package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/trade"
)

// lived reads what became of the specimen after an instant, as the transactions of its
// actions: by event the event itself and, where the seller is told, the call, which is
// recorded before a byte of it is sent and ends when the answer is there.
func (s *specimen) lived(ctx context.Context, db *sql.DB, now time.Time, events []instance.Event) ([][]rawTx, error) {
	var failed error
	some := func(want int, table, where string, args ...any) []row {
		rs, err := readRows(ctx, db, table, where, args...)
		if err == nil && len(rs) != want {
			err = fmt.Errorf("the specimen has %d rows in %s where %s, not %d", len(rs), table, where, want)
		}
		if err != nil && failed == nil {
			failed = err
		}
		return append(rs, make([]row, max(0, want-len(rs)))...)
	}
	order := s.order
	inst := some(1, "instance", "order_id = $1", order)[0]
	term := some(1, "job", "order_id = $1 AND kind = $2", order, trade.JobTerm)[0]
	period := some(1, "period", "instance_id = (SELECT id FROM instance WHERE order_id = $1)", order)[0]
	notices := some(len(events), "notice", "order_id = $1 AND created_at > $2 ORDER BY id", order, clock.Micros(now))
	calls := map[instance.EventKind][2]row{} // job and attempt
	for event, kind := range map[instance.EventKind]delivery.Call{instance.EventFreeze: delivery.Expire, instance.EventRelease: delivery.Release} {
		job := some(1, "job", "order_id = $1 AND kind = $2", order, string(kind))[0]
		if failed == nil {
			calls[event] = [2]row{job, some(1, "attempt", "job_id = $1", job.vals[job.at("id")])[0]}
		}
	}
	if failed != nil {
		return nil, failed
	}
	for _, n := range notices {
		s.key(rowKey, n.vals[n.at("id")])
	}
	for _, c := range calls {
		for _, r := range c {
			s.key(rowKey, r.vals[r.at("id")])
		}
	}
	out := make([][]rawTx, len(events))
	for i, e := range events {
		notice := notices[i]
		next := term.with("state", "queued", "due_at", notice.vals[notice.at("created_at")], "base_at", notice.vals[notice.at("created_at")], "tries", int64(0), "finished_at", int64(0))
		if e.Kind == instance.EventRelease {
			next = term
		}
		event := []op{s.update(next, "id", "state", "due_at", "base_at", "payload", "tries", "finished_at"), s.insert(notice)}
		switch e.Kind {
		case instance.EventFreeze:
			event = append(event, s.update(inst.with("status", "FROZEN", "reason", ""), "id", "status", "reason", "freeze_reasons", "version"), s.update(period, "instance_id", "state"))
		case instance.EventRelease:
			event = append(event, s.update(inst, "id", "status", "reason", "freeze_reasons", "version"))
		}
		out[i] = []rawTx{{now: event}}
		if c, ok := calls[e.Kind]; ok {
			job, attempt := c[0], c[1]
			out[i] = append(out[i], rawTx{
				now: []op{
					s.insert(job.with("state", "running", "outcome", "", "tries", int64(0), "finished_at", int64(0), "lease_owner", attempt.vals[attempt.at("id")], "lease_until", notice.vals[notice.at("created_at")])),
					s.insert(attempt.with("state", "running", "http_status", int64(0), "result_code", "", "result_msg", "", "duration_us", int64(0), "response", []byte{})),
				},
				answered: []op{
					s.update(job, "id", "state", "outcome", "tries", "finished_at", "lease_owner", "lease_until", "occasion"),
					s.update(attempt, "id", "state", "http_status", "result_code", "result_msg", "reason", "detail", "duration_us", "next_at", "request", "response"),
				},
			})
		}
	}
	return out, nil
}

// lifeCeiling does what the work did: the first actions of the step, for the same services
// in the same order, in databases as the work's was at its beginning. It can do so only
// when the work is done, which tells what is written for an action, and how many actions
// stand in a COMMIT; it does it twice.
func (w *world) lifeCeiling(ctx context.Context, start [2]string, spec *specimen, keys []fresh, whole int, now time.Time, perCommit float64) (first, second float64, err error) {
	db, err := open(w.url, 1)
	if err != nil {
		return 0, 0, err
	}
	defer db.Close()
	one := spec.as(keys[whole])
	events, err := one.lived(ctx, db, now, planOf(now, 0, 1).Events())
	if err != nil {
		return 0, 0, err
	}
	type action struct {
		at           time.Time
		place, event int
	}
	var all []action
	for place := range keys {
		es, from, to := within(planOf(now, place, len(keys)), now)
		for n := from; n < to; n++ {
			all = append(all, action{es[n].At, place, n})
		}
	}
	slices.SortFunc(all, func(a, b action) int { return a.at.Compare(b.at) })
	all = all[:min(len(all), int((w.o.Run/2).Seconds()*fastest))]
	more := map[int]fresh{} // what is written anew for a service
	r := raw{perCommit: perCommit, plain: true, of: func(n int) []rawTx { return events[all[n].event] }}
	for _, a := range all {
		f := more[a.place]
		if f == nil {
			f = slices.Clone(keys[a.place])
			for range one.ids[len(spec.ids):] {
				f = append(f, ident.Row(now))
			}
			more[a.place] = f
		}
		r.keys = append(r.keys, f)
	}
	for n, rate := range []*float64{&first, &second} {
		r.in = start[n]
		if err := warm(start[n]); err != nil {
			return first, second, err
		}
		if *rate, err = w.ceiling(ctx, one, r, w.o.Run/2); err != nil {
			return first, second, err
		}
	}
	return first, second, nil
}

// warm reads a copied database, which has lain there while the work was done: the work's
// own was in the system's memory as well.
func warm(url string) error {
	path, ok := strings.CutPrefix(url, "sqlite:")
	if !ok {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(io.Discard, f)
	return err
}

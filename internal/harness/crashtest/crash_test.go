//go:build linux

package crashtest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/crash"
)

var (
	rounds   = flag.Int("rounds", 4, "random kills per engine")
	seedFlag = flag.Uint64("seed", 0, "seed of the random kills; 0 draws one")
	page     = flag.String("report", "", "file for a page about the run")
)

func TestMain(m *testing.M) {
	flag.Parse()
	// Most of a scenario on PostgreSQL is waiting for the dead process's leases.
	if f := flag.Lookup("test.parallel"); f.Value.String() == f.DefValue {
		_ = f.Value.Set("8")
	}
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	if *page != "" {
		if err := writeReport(*page); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func eachEngine(t *testing.T, f func(t *testing.T, engine database.Engine)) {
	t.Parallel()
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, engine)
		})
	}
}

// The marketplace dies at each label, once, with orders of both generations on
// their way, and is started again.
func TestEachLabel(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		for _, label := range crash.Labels {
			t.Run(label, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, engine)
				p := w.start(w.address, label+":2")
				buying := w.buy(2, w.address)
				p.awaitCrash(t)
				w.start(w.address, "")
				orders := w.bought(buying, nil)
				took := w.settle(orders, 10*time.Second, w.address)
				w.checkAccountsOverAPI()
				note(t, "killed at "+label, engine, 1, took, w.check(orders, delivered))
			})
		}
	})
}

// The marketplace and the sellers are killed at random instants while orders keep
// coming; some sellers come back and act without answering.
func TestRandomKills(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		seed := *seedFlag
		if seed == 0 {
			seed = rand.Uint64()
		}
		t.Logf("to repeat: -run '%s' -seed %d", t.Name(), seed)
		random := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t, engine)
		orders := map[string]string{}
		var buying []<-chan purchase
		kills := 0
		for range *rounds {
			p := w.start(w.address, "")
			buying = append(buying, w.buy(3, w.address))
			time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
			if random.IntN(2) == 0 {
				s := w.sellers[[]string{v1, v2}[random.IntN(2)]]
				s.process.kill()
				kills++
				if random.IntN(2) == 0 {
					w.startSeller(s, "drop-after-act@newInstance")
				} else {
					w.startSeller(s)
				}
				time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
			}
			p.kill()
			kills++
		}
		for _, s := range w.sellers { // well-behaved from here on
			s.process.kill()
			w.startSeller(s)
		}
		w.start(w.address, "")
		for _, b := range buying {
			orders = w.bought(b, orders)
		}
		// A call to a seller that was just dead is repeated an hour later.
		took := w.settle(orders, 15*time.Minute, w.address)
		w.checkAccountsOverAPI()
		note(t, fmt.Sprintf("%d random kills", kills), engine, kills, took, w.check(orders, delivered))
	})
}

// The sellers make the instance and give no answer: they hang up and are killed
// later, or kill themselves on the spot. The repetition an hour later has to find
// the same instance.
func TestSellerActsAndDies(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		for _, fault := range []string{"drop-after-act", "kill-after-act"} {
			t.Run(fault, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, engine)
				for _, s := range w.sellers {
					s.process.kill()
					w.startSeller(s, fault)
				}
				w.start(w.address, "")
				orders := w.bought(w.buy(2, w.address), nil)
				w.awaitUnknown(len(orders))
				for _, s := range w.sellers {
					if fault == "kill-after-act" {
						s.process.awaitCrash(t)
					}
					s.process.kill()
					w.startSeller(s)
				}
				took := w.settle(orders, 30*time.Minute, w.address)
				w.checkAccountsOverAPI()
				note(t, "sellers with "+fault, engine, 2, took, w.check(orders, delivered))
			})
		}
	})
}

// The seller refuses for good and the marketplace dies around the refund: it is
// made once.
func TestRefundIsMadeOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		// Two notifications and four tries of two orders: the last outcomes are refunds.
		for _, at := range []string{crash.AnswerReceived + ":9", crash.OutcomeCommitted + ":9", crash.OutcomeCommitted + ":10"} {
			t.Run(at, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, engine)
				for _, s := range w.sellers {
					s.process.kill()
					w.startSeller(s, "code=000005@newInstance")
				}
				p := w.start(w.address, at)
				orders := w.bought(w.buy(1, w.address), nil)
				restarted := make(chan struct{})
				go func() {
					defer close(restarted)
					<-p.gone
				}()
				w.advanceUntil(restarted, time.Hour)
				p.awaitCrash(t)
				w.start(w.address, "")
				took := w.settle(orders, time.Hour, w.address)
				w.checkAccountsOverAPI()
				note(t, "refund, killed at "+at, engine, 1, took, w.check(orders, refunded))
			})
		}
	})
}

// The sellers act every time and never answer. In the end the money goes back and
// the order is marked, since nobody can know. // spec: 01 §2.3
func TestUnknownToTheEnd(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		w := newWorld(t, engine)
		for _, s := range w.sellers {
			s.process.kill()
			w.startSeller(s, "drop-after-act@newInstance")
		}
		p := w.start(w.address, "")
		orders := w.bought(w.buy(2, w.address), nil)
		w.awaitUnknown(len(orders))
		p.kill()
		w.start(w.address, "")
		took := w.settle(orders, time.Hour, w.address)
		w.checkAccountsOverAPI()
		note(t, "no answer to the end", engine, 1, took, w.check(orders, orphaned))
	})
}

// Every answer comes after the time-out, the marketplace dies meanwhile, and the
// repetitions come in time. The first id stays. // spec: 02 §1.5, §2.12
func TestLateAnswers(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine database.Engine) {
		w := newWorld(t, engine)
		for _, s := range w.sellers {
			s.process.kill()
			w.startSeller(s, "slow=1s@newInstance")
		}
		// V1 waits 400 ms and V2 100 ms.
		p := w.start(w.address, "", "--timeout-scale", "0.02")
		orders := w.bought(w.buy(2, w.address), nil)
		w.awaitUnknown(len(orders))
		p.kill()
		for _, s := range w.sellers {
			s.process.kill()
			w.startSeller(s)
		}
		w.start(w.address, "")
		took := w.settle(orders, time.Hour, w.address)
		w.checkAccountsOverAPI()
		note(t, "answers after the time-out", engine, 3, took, w.check(orders, delivered))
	})
}

// Two marketplace processes on one PostgreSQL; one dies midway and stays dead. The
// other takes its work over when the leases end.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	for _, label := range []string{crash.JobClaimed, crash.RequestSent, crash.AnswerReceived, crash.OutcomeCommitted} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, database.Postgres)
			doomed := newAddress()
			w.start(w.address, "")
			p := w.start(doomed, label+":3")
			buying := w.buy(4, doomed, w.address)
			p.awaitCrash(t)
			orders := w.bought(buying, nil)
			took := w.settle(orders, 10*time.Second, w.address)
			w.checkAccountsOverAPI()
			note(t, "two processes, one killed at "+label, database.Postgres, 1, took, w.check(orders, delivered))
		})
	}
}

// The checks notice what they are there for: a seller that makes a second instance
// for a repeated call, an order that nobody asked for, money that moved by itself.
func TestChecksNotice(t *testing.T) {
	t.Parallel()
	w := newWorld(t, database.SQLite)
	for _, s := range w.sellers {
		s.process.kill()
		w.startSeller(s, "new-instance-id-each-time", "drop-after-act@newInstance")
	}
	w.start(w.address, "")
	orders := w.bought(w.buy(1, w.address), nil)
	w.awaitUnknown(len(orders))
	for _, s := range w.sellers {
		s.process.kill()
		w.startSeller(s, "new-instance-id-each-time")
	}
	w.settle(orders, 30*time.Minute, w.address)
	noticed := func() string {
		var all strings.Builder
		w.complain = func(format string, args ...any) { fmt.Fprintf(&all, format+"\n", args...) }
		w.check(orders, delivered)
		return all.String()
	}
	if got := noticed(); strings.Count(got, ": the seller ") != len(orders) {
		t.Errorf("two instances per order gave:\n%s", got)
	}
	tamper := func(statement string) {
		if err := w.db.Write(t.Context(), func(ctx context.Context, tx *database.Tx) error {
			n, err := tx.Exec(ctx, statement)
			if err == nil && n == 0 {
				err = errors.New("nothing was changed")
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	tamper(`UPDATE ledger_account SET balance = balance + 1 WHERE name LIKE 'buyer:%:available'`)
	if got := noticed(); !strings.Contains(got, "the accounts sum to 1, 1 accounts differ") || !strings.Contains(got, ":available holds") {
		t.Errorf("a cent from nowhere gave:\n%s", got)
	}
	tamper(`UPDATE ledger_entry SET amount = amount - 5 WHERE number = (SELECT MIN(number) FROM ledger_entry)`)
	if got := noticed(); !strings.Contains(got, "transactions do not balance") {
		t.Errorf("changed entries gave:\n%s", got)
	}
	var lost string
	for lost = range orders {
	}
	delete(orders, lost)
	if got := noticed(); !strings.Contains(got, "order "+lost+" (COMPLETED) exists although nobody was told of it") {
		t.Errorf("an order too many gave:\n%s", got)
	}
	orders["CS2611240000AAAAA"] = v1
	if got := noticed(); !strings.Contains(got, "order CS2611240000AAAAA is lost") {
		t.Errorf("an order too few gave:\n%s", got)
	}
}

// awaitUnknown waits until n calls have ended without an answer.
func (w *world) awaitUnknown(n int) {
	w.t.Helper()
	for end := time.Now().Add(patience); ; breathe() {
		unknown := 0
		for _, l := range w.lines() {
			unknown += int(l.unknown)
		}
		if unknown >= n {
			return
		}
		if time.Now().After(end) {
			w.t.Fatalf("%d calls of unknown outcome, want %d", unknown, n)
		}
	}
}

// advanceUntil moves the sandbox's clock on, step by step, each time the calls that
// were due have been made.
func (w *world) advanceUntil(done <-chan struct{}, step time.Duration) {
	w.t.Helper()
	for end := time.After(patience); ; {
		select {
		case <-done:
			return
		case <-end:
			w.t.Fatal("the marketplace did not come by its crash label")
		case <-time.After(300 * time.Millisecond):
		}
		// It may die before it answers.
		r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, "http://"+w.address+"/api/souk/v1/sandbox/clock", strings.NewReader(fmt.Sprintf(`{"advance":%q}`, step)))
		if err != nil {
			w.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+w.operator)
		r.Header.Set("Content-Type", "application/json")
		_, _, _ = exchange(r)
	}
}

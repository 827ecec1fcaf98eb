package deliverytest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/demo"
)

// unavailable tells that the API said "not now" and nothing else.
func unavailable(err error) bool {
	var p *demo.Problem
	return errors.As(err, &p) && p.Status == 503 && (p.Code == "unavailable" || p.Code == "outcome_unknown")
}

// A full database refuses changes with 503 and keeps answering reads; once there is
// room again everything goes on where it stood.
func TestAFullDatabase(t *testing.T) {
	w := newWorld(t, database.SQLite, nil)
	o := w.place("v1 month", 1)
	w.settle()
	pages := 0
	w.must(w.p.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		return tx.QueryRow(ctx, `PRAGMA page_count`).Scan(&pages)
	}))
	limit := func(n int) {
		w.must(w.p.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			var got int
			return tx.QueryRow(ctx, fmt.Sprintf(`PRAGMA max_page_count = %d`, n)).Scan(&got)
		}))
	}
	limit(pages)
	refused := 0
	for range 200 { // free pages inside the file may take some
		var x demo.Order
		err := w.as("buyer").Do(t.Context(), "POST", api+"/orders", "", map[string]any{"product_id": w.offers["v1 month"], "accept_agreement": true}, &x)
		if err == nil {
			continue
		}
		if !unavailable(err) {
			t.Fatalf("a full database answers %v", err)
		}
		if refused++; refused > 3 {
			break
		}
	}
	if refused == 0 {
		t.Fatal("the database never was full")
	}
	if w.order(o.ID).Status != "PENDING_PAYMENT" {
		t.Error("reading does not work any more")
	}
	limit(1 << 30)
	w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", nil, nil))
	w.settle()
	if w.order(o.ID).Status != "COMPLETED" {
		t.Error("the order was not delivered after there was room again")
	}
	w.sound()
}

// Somebody else locks the database file: changes wait, then are refused with 503;
// afterwards everything goes on.
func TestALockedDatabase(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, database.SQLite, func(c *config.Config) { dir = strings.TrimPrefix(c.Database, "sqlite:") })
	o := w.place("v1 month", 1)
	other, err := sql.Open("sqlite", dir)
	w.must(err)
	defer other.Close()
	conn, err := other.Conn(t.Context())
	w.must(err)
	_, err = conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 10000")
	w.must(err)
	_, err = conn.ExecContext(t.Context(), "BEGIN IMMEDIATE")
	w.must(err)
	if err := w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "pay", nil, nil); !unavailable(err) {
		t.Errorf("a locked database answers %v", err)
	}
	if w.order(o.ID).Status != "PENDING_PAYMENT" {
		t.Error("reading does not work any more")
	}
	_, err = conn.ExecContext(t.Context(), "ROLLBACK")
	w.must(err)
	w.until("the same payment is taken", func() bool {
		return w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "pay", nil, nil) == nil
	})
	w.settle()
	if w.order(o.ID).Status != "COMPLETED" {
		t.Error("the order was not delivered")
	}
	w.sound()
}

// The server of the database goes away in the middle of the work, again and again.
// Requests are refused or unknown, never wrong; their repetition under the same key
// gives one order and one payment; every order is delivered once.
func TestADatabaseThatGoesAway(t *testing.T) {
	w := newWorld(t, database.Postgres, nil)
	url := w.p.Config.Database
	admin, err := sql.Open("pgx", url)
	w.must(err)
	defer admin.Close()
	admin.SetMaxIdleConns(0)
	stop := make(chan struct{})
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(25 * time.Millisecond):
				_, _ = admin.Exec(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}
		}
	}()
	persist := func(path, key string, in any, out any) {
		for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
			err := w.as("buyer").Do(t.Context(), "POST", path, key, in, out)
			if err == nil {
				return
			}
			var p *demo.Problem
			if errors.As(err, &p) && p.Status < 500 && p.Status != 409 {
				t.Errorf("%s: %v", path, err)
				return
			}
		}
		t.Errorf("%s: never answered", path)
	}
	const n = 20
	for i := range n {
		var o demo.Order
		persist(api+"/orders", fmt.Sprintf("order-%d", i), map[string]any{"product_id": w.offers["v1 month"], "accept_agreement": true}, &o)
		persist(api+"/orders/"+o.ID+"/pay", fmt.Sprintf("pay-%d", i), nil, &o)
	}
	close(stop)
	<-stopped
	w.until("everything is delivered", func() bool {
		orders, err := demo.All[demo.Order](t.Context(), w.as("operator"), api+"/orders")
		if err != nil {
			return false
		}
		for _, o := range orders {
			if o.Status != "COMPLETED" {
				w.move(time.Second) // a job that was put back is due a second later
				return false
			}
		}
		return len(orders) == n
	})
	seen := map[string]bool{}
	for _, c := range w.seller.seen("newInstance") {
		seen[c.get("orderId")] = true
	}
	if len(seen) != n || w.available() != fmt.Sprintf("%d.00", 200000-12*n) || w.held() != "0.00" {
		t.Errorf("%d orders reached the seller, available %s, held %s", len(seen), w.available(), w.held())
	}
	w.sound()
}

// The operating system's clock steps back in the middle of a delivery: nothing is
// early, nothing is lost, lists stay in order.
func TestAClockThatStepsBack(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.seller.behave(code("000005"))
		o := w.buy("v1 month", 1)
		w.settle()
		w.wire.Add(-2 * time.Hour)
		w.settle()
		if n := len(w.seller.seen("newInstance")); n != 1 {
			t.Fatalf("%d calls after the clock stepped back", n)
		}
		// Business time stands until the wire clock has caught up; it never goes back.
		var st struct{ Now string }
		w.must(w.as("operator").Do(t.Context(), "GET", api+"/sandbox/clock", "", nil, &st))
		if st.Now != start.Format(time.RFC3339) {
			t.Errorf("business time is %s", st.Now)
		}
		w.wire.Add(2 * time.Hour)
		w.seller.behave(nil)
		w.move(time.Hour)
		if w.order(o.ID).Status != "COMPLETED" {
			t.Errorf("order %s", w.order(o.ID).Status)
		}
		as := w.attempts(o.ID, "newInstance")
		if len(as) != 2 || as[0].Number != 1 || as[1].Number != 2 {
			t.Errorf("%+v", as)
		}
		w.sound()
	})
}

// A secret planted everywhere stands nowhere in clear: not in the database, not in
// the log.
func TestPlantedSecretsAreNowhereInClear(t *testing.T) {
	path := t.TempDir() + "/log"
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	w := newWorldLogging(t, database.SQLite, nil, log)
	w.seller.behave(only("queryInstance", func(c call) reply {
		return reply{body: `{"resultCode":"000000","info":[{"instanceId":"` + c.get("instanceId") + `","appInfo":{"frontEndUrl":"http://x/","userName":"planted-user","password":"planted-password"}}]}`}
	}))
	o := w.buy("v2 month", 1)
	w.buy("v1 month", 1)
	w.settle()
	if i := w.instance(w.order(o.ID).Lines[0].InstanceID); i.Entry == nil || i.Entry.Password != "planted-password" {
		t.Fatalf("the buyer does not see the password: %+v", i.Entry)
	}
	secrets := []string{"planted-user", "planted-password"}
	for _, a := range w.f.Accounts {
		secrets = append(secrets, a.Token, a.Password)
	}
	for _, s := range w.f.Sellers {
		secrets = append(secrets, s.SK)
		for _, k := range s.Keys {
			secrets = append(secrets, k)
		}
	}
	w.must(w.p.DB.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error { return nil }))
	file := strings.TrimPrefix(w.p.Config.Database, "sqlite:")
	for _, name := range []string{file, file + "-wal", path} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) == 0 {
			t.Errorf("%s is empty: nothing was looked at", name)
		}
		for _, s := range secrets {
			if strings.Contains(string(b), s) {
				t.Errorf("%s holds %q in clear", name, s)
			}
		}
	}
}

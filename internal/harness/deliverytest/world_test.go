package deliverytest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"sort"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
)

const api = "/api/souk/v1"

// start is 10:00 in Shanghai: the hour of E12.
var start = time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC)

// world is a sandbox with the demo's people and products and one seller in the
// test's hands. The wire clock stands still; the business clock moves by the sandbox.
type world struct {
	t       *testing.T
	p       *program.Program
	f       *demo.File
	wire    *clock.Manual
	seller  *seller
	offers  map[string]string // "v1 month" → product_id
	byOffer map[string]string // product_id → product
}

// each runs a test on both engines.
func each(t *testing.T, f func(t *testing.T, w *world)) { eachWith(t, nil, f) }

func eachWith(t *testing.T, change func(*config.Config), f func(t *testing.T, w *world)) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			f(t, newWorld(t, engine, change))
		})
	}
}

func newWorld(t *testing.T, engine database.Engine, change func(*config.Config)) *world {
	out := io.Discard
	if os.Getenv("SOUK_TEST_LOG") != "" {
		out = os.Stderr
	}
	return newWorldLogging(t, engine, change, out)
}

func newWorldLogging(t *testing.T, engine database.Engine, change func(*config.Config), out io.Writer) *world {
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, store.Migrations)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	c.TimeoutScale = 0.1 // V1 waits 2 s, V2 and notifications 500 ms
	if change != nil {
		change(&c)
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	w := &world{t: t, wire: clock.NewManual(start), offers: map[string]string{}, byOffer: map[string]string{}}
	if w.p, err = program.Open(t.Context(), c, program.Options{Wire: w.wire, Logger: log, Synchronous: "OFF"}); err != nil {
		t.Fatal(err)
	}
	if w.f, err = demo.Seed(t.Context(), w.p); err != nil {
		t.Fatal(err)
	}
	w.seller = newSeller(t)
	for _, protocol := range []string{"v1", "v2"} {
		s := w.f.Seller(protocol)
		if err := demo.Register(t.Context(), w.p, s, w.seller.url+"/"+protocol, w.seller.url+"/notify-"+protocol); err != nil {
			t.Fatal(err)
		}
		w.seller.keys[protocol], w.seller.keys["notify-"+protocol] = s.Keys["base"], s.Keys["general"]
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.f.BaseURL = "http://" + l.Addr().String()
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- w.p.Serve(ctx, l) }()
	t.Cleanup(func() {
		w.seller.open()
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := w.p.Close(); err != nil {
			t.Error(err)
		}
	})
	products, err := demo.All[demo.Product](t.Context(), w.as("buyer"), api+"/products")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range products {
		for _, sku := range p.SKUs {
			for _, o := range sku.Offers {
				w.byOffer[o.ProductID] = p.ID
				if k := p.Protocol + " " + o.PeriodType; w.offers[k] == "" && (sku.Quantity != nil || o.PeriodType == "one_time") {
					w.offers[k] = o.ProductID
				}
			}
		}
	}
	return w
}

// as gives the API in the name of a login or a role.
func (w *world) as(who string) demo.Client {
	for _, a := range w.f.Accounts {
		if a.Login == who {
			return demo.Client{Base: w.f.BaseURL, Token: a.Token}
		}
	}
	w.t.Fatalf("nobody is called %s", who)
	return demo.Client{}
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// refused checks that a call was refused with a status and code.
func (w *world) refused(err error, status int, code string) {
	w.t.Helper()
	var p *demo.Problem
	if !errors.As(err, &p) || p.Status != status || p.Code != code {
		w.t.Fatalf("got %v, want %d %s", err, status, code)
	}
}

// place submits an order of the buyer.
func (w *world) place(offer string, quantity int) (o demo.Order) {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "POST", api+"/orders", "", map[string]any{"product_id": w.offers[offer], "period_number": 1, "quantity": quantity, "accept_agreement": true}, &o))
	return o
}

// buy places and pays.
func (w *world) buy(offer string, quantity int) (o demo.Order) {
	w.t.Helper()
	o = w.place(offer, quantity)
	w.must(w.as("buyer").Do(w.t.Context(), "POST", api+"/orders/"+o.ID+"/pay", "", map[string]any{}, &o))
	return o
}

func (w *world) order(id string) (o demo.Order) {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "GET", api+"/orders/"+id, "", nil, &o))
	return o
}

func (w *world) instance(id string) (i demo.Instance) {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "GET", api+"/instances/"+id, "", nil, &i))
	return i
}

// attempts lists the calls of an order (or all, for ""), oldest first.
func (w *world) attempts(order, activity string) []demo.Attempt {
	w.t.Helper()
	as, err := demo.All[demo.Attempt](w.t.Context(), w.as("operator"), api+"/attempts?sort=started_at&order="+order+"&activity="+activity)
	w.must(err)
	return as
}

// last is the latest call of an activity of an order.
func (w *world) last(order, activity string) demo.Attempt {
	w.t.Helper()
	as := w.attempts(order, activity)
	if len(as) == 0 {
		w.t.Fatalf("order %s has no %s", order, activity)
	}
	return as[len(as)-1]
}

// settle waits until no job is due or running: the clock moves by nothing.
func (w *world) settle() { w.t.Helper(); w.move(0) }

// move moves the business clock and waits until all that became due is done.
func (w *world) move(d time.Duration) {
	w.t.Helper()
	var st struct{ Moving bool }
	w.must(w.as("operator").Do(w.t.Context(), "POST", api+"/sandbox/clock", "", map[string]string{"advance": d.String(), "wait": "2m"}, &st))
	if st.Moving {
		w.t.Fatal("the clock did not arrive")
	}
}

// moveTo moves the business clock to a distance from the start.
func (w *world) moveTo(d time.Duration) {
	w.t.Helper()
	w.move(start.Add(d).Sub(w.p.Kernel.Clock.Now()))
}

func (w *world) balance(account string) string {
	w.t.Helper()
	as, err := demo.All[demo.LedgerAccount](w.t.Context(), w.as("operator"), api+"/ledger/accounts")
	w.must(err)
	for _, a := range as {
		if a.Account == account {
			return a.Balance
		}
	}
	return "0.00"
}

func (w *world) available() string {
	return w.balance("buyer:" + w.f.Account("buyer").CompanyID + ":available")
}

func (w *world) held() string { return w.balance("buyer:" + w.f.Account("buyer").CompanyID + ":held") }

// notices lists the kinds of notices of a login's company about an order.
func (w *world) notices(login, order string) []string {
	w.t.Helper()
	type notice struct {
		Kind      string
		OrderID   string `json:"order_id"`
		CompanyID string `json:"company_id"`
	}
	ns, err := demo.All[notice](w.t.Context(), w.as(login), api+"/notices")
	w.must(err)
	var out []string
	for _, n := range ns {
		if n.OrderID == order || order == "" {
			out = append(out, n.Kind)
		}
	}
	sort.Strings(out)
	return out
}

// sound checks ledger and books from outside and inside.
func (w *world) sound() {
	w.t.Helper()
	err := w.p.DB.Read(w.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		bad, err := store.CheckLedger(ctx, tx)
		if err == nil && len(bad) > 0 {
			err = fmt.Errorf("the ledger is not sound: %v", bad)
		}
		return err
	})
	w.must(err)
}

// configure sets the switches of the product behind an offer.
func (w *world) configure(login, offer string, settings map[string]any) {
	w.t.Helper()
	w.must(w.as(login).Do(w.t.Context(), "PUT", api+"/products/"+w.byOffer[w.offers[offer]]+"/settings", "", settings, nil))
}

// until waits for something the program does by itself in real time.
func (w *world) until(what string, done func() bool) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if done() {
			return
		}
	}
	w.t.Fatalf("never: %s", what)
}

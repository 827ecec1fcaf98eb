package markettest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/api/apitest"
	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/backup"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Market is a running sandbox with the demo's people and products. Its sellers' servers do not run: calls to them
// are refused at once and stand as retrying.
type Market struct {
	t       testing.TB
	Program *program.Program
	People  *demo.File
	URL     string
	Log     *Log // everything that the program logged
}

// WholeDump proves a backup from its first byte to its last.
func WholeDump(r io.Reader) error {
	d, err := backup.Read(r)
	if err == nil {
		_, err = d.Check()
	}
	return err
}

// Log keeps what is written to it. It is safe for concurrent use.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// String is what was written.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Engines are what every test here runs on.
var Engines = []database.Engine{"sqlite", "postgres"}

// Start runs the program on a fresh database of the engine until the test ends.
func Start(t *testing.T, engine database.Engine) *Market {
	t.Helper()
	env := map[string]string{"SOUK_MODE": "sandbox", "SOUK_DATA": t.TempDir(), "SOUK_DATABASE": databasetest.URL(t, engine, store.Migrations)}
	c, err := config.Load(nil, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
	if err != nil {
		t.Fatal(err)
	}
	log := &Log{}
	p, err := program.Open(t.Context(), c, program.Options{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), Synchronous: "OFF"})
	if err != nil {
		t.Fatal(err)
	}
	people, err := demo.Seed(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	// The jobs run beside the test's own listener, which checks every reply.
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- p.Runner.Run(ctx) }()
	go func() { ended <- p.Sandbox.Run(ctx) }()
	srv := httptest.NewServer(apitest.Handler(t, p.Handler))
	t.Cleanup(func() {
		srv.Close()
		stop()
		for range 2 {
			if err := <-ended; err != nil {
				t.Errorf("jobs: %v", err)
			}
		}
		if err := p.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return &Market{t: t, Program: p, People: people, URL: srv.URL, Log: log}
}

// Account finds a person of the demo by login.
func (m *Market) Account(login string) demo.Account {
	m.t.Helper()
	for _, a := range m.People.Accounts {
		if a.Login == login {
			return a
		}
	}
	m.t.Fatalf("the demo has no login %q", login)
	return demo.Account{}
}

// Reply is an answer of the management API.
type Reply struct {
	Status int
	Text   string // the body as it came
	Body   map[string]any
}

// String reads a member by its path: "lines.0.instance_id".
func (r Reply) String(path string) string {
	var v any = r.Body
	for _, name := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if n := int(name[0] - '0'); n < len(x) {
				v = x[n]
			} else {
				return ""
			}
		}
	}
	s, _ := v.(string)
	return s
}

// Call sends a request as a person; login "" sends no token. body "" sends none.
func (m *Market) Call(login, method, path, body string) Reply {
	m.t.Helper()
	return m.CallKey(login, method, path, body, "")
}

// CallKey is Call with an Idempotency-Key, if it is not empty. It may be used by several goroutines.
func (m *Market) CallKey(login, method, path, body, key string) Reply {
	m.t.Helper()
	req, err := http.NewRequest(method, m.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		m.t.Fatal(err)
	}
	if login != "" {
		req.Header.Set("Authorization", "Bearer "+m.Account(login).Token)
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	r := Reply{Status: res.StatusCode, Text: string(b)}
	if err := json.Unmarshal(b, &r.Body); err != nil && strings.HasPrefix(res.Header.Get("Content-Type"), "application/json") {
		m.t.Fatalf("%s %s: %v\n%s", method, path, err, b)
	}
	return r
}

// Do is Call for what must succeed.
func (m *Market) Do(login, method, path, body string) Reply {
	m.t.Helper()
	r := m.Call(login, method, path, body)
	if r.Status >= 300 {
		m.t.Fatalf("%s %s as %s: %d %s", method, path, login, r.Status, r.Text)
	}
	return r
}

// Offer finds an offer on sale by the names of its product and SKU and its period type.
func (m *Market) Offer(product, sku, period string) string {
	m.t.Helper()
	for _, p := range m.Do("", "GET", "/api/souk/v1/products", "").Body["items"].([]any) {
		p := p.(map[string]any)
		for _, k := range p["skus"].([]any) {
			k := k.(map[string]any)
			for _, o := range k["offers"].([]any) {
				if o := o.(map[string]any); p["name"] == product && k["name"] == sku && o["period_type"] == period {
					return o["product_id"].(string)
				}
			}
		}
	}
	m.t.Fatalf("%s %s by %s is not on sale", product, sku, period)
	return ""
}

// Place orders an offer as the buyer and gives the order's id.
func (m *Market) Place(offer string, quantity int) string {
	m.t.Helper()
	return m.Do("buyer", "POST", "/api/souk/v1/orders", fmt.Sprintf(`{"product_id":%q,"quantity":%d,"accept_agreement":true}`, offer, quantity)).String("id")
}

// Accounts are all balances of the ledger, "account currency" → amount. It fails when they do not add up to zero.
func (m *Market) Accounts() map[string]money.Amount {
	m.t.Helper()
	all, sums := map[string]money.Amount{}, map[string]money.Amount{}
	for page := ""; ; {
		r := m.Do("operator", "GET", "/api/souk/v1/ledger/accounts?limit=200&page="+url.QueryEscape(page), "")
		for _, item := range r.Body["items"].([]any) {
			a := item.(map[string]any)
			amount, err := money.Parse(strings.TrimPrefix(a["balance"].(string), "-"))
			if err != nil {
				m.t.Fatal(err)
			}
			if strings.HasPrefix(a["balance"].(string), "-") {
				amount = -amount
			}
			all[a["account"].(string)+" "+a["currency"].(string)] = amount
			sums[a["currency"].(string)] += amount
		}
		if page = r.String("next"); page == "" {
			break
		}
	}
	for currency, sum := range sums {
		if sum != 0 {
			m.t.Errorf("the ledger is out of balance by %s %s", sum, currency)
		}
	}
	return all
}

// Advance moves the business clock and waits until all work due on the way is done.
func (m *Market) Advance(d time.Duration) {
	m.t.Helper()
	r := m.Do("operator", "POST", "/api/souk/v1/sandbox/clock", fmt.Sprintf(`{"advance":%q,"wait":"2m"}`, d))
	if r.Body["moving"] != false {
		m.t.Fatalf("the clock did not arrive: %s", r.Text)
	}
}

// issue makes a token of a person, as its own page would.
func (m *Market) issue(company, person string) (secret string, err error) {
	err = m.Program.Kernel.Change(m.t.Context(), func(ctx context.Context, tx *kernel.Tx) (err error) {
		secret, err = m.Program.People.IssueToken(ctx, tx, kernel.System, company, person, "test", time.Hour)
		return err
	})
	return secret, err
}

// sql is the hand of somebody who can write the database.
func (m *Market) sql(query string, args ...any) {
	m.t.Helper()
	if err := m.Program.DB.Write(m.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
}

// Mail is the newest mail to an address, as the file that the outbox writes.
func (m *Market) Mail(to string) string {
	m.t.Helper()
	return Mail(m.t, m.Program, to)
}

// Link is the secret of the link in the newest mail to an address.
func (m *Market) Link(to string) string {
	m.t.Helper()
	_, secret, _ := strings.Cut(Link(m.t, m.Program, to), "?token=")
	return secret
}

// Mail is the newest mail that a program sent to an address.
func Mail(t testing.TB, p *program.Program, to string) string {
	t.Helper()
	if _, err := p.Mail.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(p.Config.Data, "outbox", "*.txt"))
	if err != nil {
		t.Fatal(err)
	}
	sort.Strings(names)
	for i := len(names) - 1; i >= 0; i-- {
		b, err := os.ReadFile(names[i])
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(string(b), "To: "+to+"\n") {
			return string(b)
		}
	}
	t.Fatalf("no mail to %s in %v", to, names)
	return ""
}

var mailLink = regexp.MustCompile(`/account/[a-z]+\?token=\S+`)

// Link is the path of the link in the newest mail that a program sent to an address.
func Link(t testing.TB, p *program.Program, to string) string {
	t.Helper()
	text := Mail(t, p, to)
	found := mailLink.FindString(text)
	if found == "" {
		t.Fatalf("no link in %s", text)
	}
	return found
}

// Of is a marketplace that the test has started itself, without any data of the demo.
func Of(t testing.TB, p *program.Program, url string) *Market {
	return &Market{t: t, Program: p, URL: url, Log: &Log{}}
}

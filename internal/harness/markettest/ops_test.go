package markettest

import (
	"bufio"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// scrape reads /metrics: samples by name with labels.
func (m *Market) scrape(change func(*http.Request)) (status int, samples map[string]float64, text string) {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), "GET", m.URL+"/metrics", nil)
	if err != nil {
		m.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer a.Body.Close()
	b, err := io.ReadAll(a.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	samples = map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(string(b))); lines.Scan(); {
		if i := strings.LastIndexByte(lines.Text(), ' '); i > 0 && lines.Text()[0] != '#' && a.StatusCode == http.StatusOK {
			if samples[lines.Text()[:i]], err = strconv.ParseFloat(lines.Text()[i+1:], 64); err != nil {
				m.t.Fatal(err)
			}
		}
	}
	return a.StatusCode, samples, string(b)
}

// until asks until the answer is yes.
func (m *Market) until(yes func() bool) {
	m.t.Helper()
	for end := time.Now().Add(30 * time.Second); !yes(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatal("it never happened")
		}
	}
}

// paid places and pays an order; its seller is called at once and does not answer.
func (m *Market) paid() string {
	m.t.Helper()
	o := m.Place(m.Offer(v1Product, v1SKU, "month"), 1)
	m.Do("buyer", "POST", "/api/souk/v1/orders/"+o+"/pay", "{}")
	return o
}

// secrets are what opens doors in the demo.
func (m *Market) secrets() (all []string) {
	for _, a := range m.People.Accounts {
		all = append(all, a.Token, a.Password)
	}
	for _, s := range m.People.Sellers {
		all = append(all, s.SK, s.Keys["base"], s.Keys["general"])
	}
	return all
}

var metricName = regexp.MustCompile(`\b(souk|go|process)_[a-z_]+`)

// The metrics say what is there; their labels are few and name nobody; the dashboard and the alert rules ask for
// nothing that is not shown.
func TestMetrics(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		go func() { _ = m.Program.Search.Run(t.Context()) }()
		o := m.paid()
		m.until(func() bool { // the call to the seller, who is not there
			_, s, _ := m.scrape(nil)
			return s[`souk_call_duration_seconds_count{activity="newInstance",outcome="unknown",protocol="v1"}`] > 0 && s["souk_search_ready"] == 1
		})
		status, s, text := m.scrape(nil)
		if status != 200 {
			t.Fatalf("status %d", status)
		}
		for name, want := range map[string]float64{
			`souk_http_request_duration_seconds_count{face="manage",route="POST /api/souk/v1/orders",status="2xx"}`:          1,
			`souk_http_request_duration_seconds_count{face="manage",route="POST /api/souk/v1/orders/{id}/pay",status="2xx"}`: 1,
			`souk_ledger_imbalance{currency="CNY"}`:                                      0,
			`souk_figures_up`:                                                            1,
			`souk_orders{status="CANCELED"}`:                                             0,
			`souk_queue_items{queue="failed_calls"}`:                                     0,
			`souk_backup_last_timestamp_seconds`:                                         0,
			`souk_build_info{engine="` + string(m.Program.DB.Engine()) + `",version=""}`: 1,
		} {
			if got, ok := s[name]; !ok || got != want {
				t.Errorf("%s is %v (%t), want %v", name, got, ok, want)
			}
		}
		for _, name := range []string{"souk_database_commits_total", "souk_database_writes_total", "souk_database_connections", "souk_audit_unsealed_rows", "go_goroutines", "process_resident_memory_bytes"} {
			if s[name] <= 0 {
				t.Errorf("%s is %v", name, s[name])
			}
		}
		for _, secret := range append([]string{o, m.Account("buyer").CompanyID, m.Account("yunfan").CompanyID}, m.secrets()...) {
			if strings.Contains(text, secret) {
				t.Errorf("the metrics name %q", secret)
			}
		}
		if len(s) > 3000 {
			t.Errorf("%d series", len(s))
		}
		// Whatever is asked for, the series stay the same.
		before := len(s)
		for _, path := range []string{"/products/1", "/products/2", "/nothing/3", "/api/souk/v1/nothing", "/api/souk/v1/orders/x", "/api/souk/v1/orders/y"} {
			m.Call("", "GET", path, "")
		}
		_, s, _ = m.scrape(nil)
		once := len(s)
		for _, path := range []string{"/products/4", "/products/5", "/nothing/6", "/api/souk/v1/else", "/api/souk/v1/orders/z"} {
			m.Call("", "GET", path, "")
		}
		if _, s, _ = m.scrape(nil); len(s) != once || once == before {
			t.Errorf("%d series, then %d, then %d", before, once, len(s))
		}
		shown := map[string]bool{"souk_build_info": true}
		for name := range s {
			name, _, _ = strings.Cut(name, "{")
			shown[name] = true
		}
		// Shown once there is something to show.
		shown["souk_jobs"], shown["souk_mails"] = true, true
		for _, file := range []string{"../../../deploy/grafana/souk.json", "../../../deploy/prometheus/alerts.yml"} {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			names := metricName.FindAllString(string(b), -1)
			if len(names) < 10 {
				t.Errorf("%s names %d metrics", file, len(names))
			}
			for _, name := range names {
				if !shown[name] {
					t.Errorf("%s asks for %s, which is not shown", file, name)
				}
			}
		}
	})
}

// The dashboard is one that Grafana takes: panels with ids of their own, each with a query, none over another.
func TestDashboard(t *testing.T) {
	b, err := os.ReadFile("../../../deploy/grafana/souk.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Title  string
		Panels []struct {
			ID      int
			Type    string
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.Title == "" || (p.Type != "row" && len(p.Targets) == 0) || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d %q", p.ID, p.Title)
		}
		ids[p.ID] = true
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other := cells[[2]int{x, y}]; other != "" {
					t.Fatalf("%q lies over %q", p.Title, other)
				}
				cells[[2]int{x, y}] = p.Title
			}
		}
		for _, q := range p.Targets {
			if strings.Count(q.Expr, "(") != strings.Count(q.Expr, ")") || !metricName.MatchString(q.Expr) && !strings.HasPrefix(q.Expr, "sum(up") {
				t.Errorf("panel %q asks %q", p.Title, q.Expr)
			}
		}
	}
	if d.Title != "Souk" || len(d.Panels) < 20 {
		t.Errorf("%q with %d panels", d.Title, len(d.Panels))
	}
}

// Every alert is one that docs/operate.md tells what to do about, and the other way round.
func TestAlertsAreExplained(t *testing.T) {
	rules, err := os.ReadFile("../../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts, told := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`- alert: (\w+)\n\s+expr: \S`).FindAllStringSubmatch(string(rules), -1) {
		alerts[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`\bSouk[A-Z]\w+`).FindAllString(string(guide), -1) {
		told[m] = true
	}
	if len(alerts) < 10 || !maps.Equal(alerts, told) {
		t.Errorf("alerts %v\ntold %v", alerts, told)
	}
}

// Nobody but this machine reads the metrics of the main listener, unless the token is sent.
func TestWhoReadsTheMetrics(t *testing.T) {
	m := Start(t, "sqlite")
	for name, change := range map[string]func(*http.Request){
		"through a proxy":           func(r *http.Request) { r.Header.Set("X-Forwarded-For", "198.51.100.1") },
		"under the public name":     func(r *http.Request) { r.Host = "market.example" },
		"with a token, none is set": func(r *http.Request) { r.Host = "market.example"; r.Header.Set("Authorization", "Bearer ") },
		"with a person's token": func(r *http.Request) {
			r.Host = "market.example"
			r.Header.Set("Authorization", "Bearer "+m.Account("operator").Token)
		},
	} {
		if status, _, text := m.scrape(change); status != 404 || strings.Contains(text, "souk_") {
			t.Errorf("%s: %d %.80s", name, status, text)
		}
	}
}

// One line per request, whichever face answers, and per call: with the ids that lead from one to the other, and
// without anything that opens a door.
func TestLogLines(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		o := m.paid()
		m.until(func() bool { return strings.Contains(m.Log.String(), "msg=call protocol=v1 activity=newInstance") })
		m.Call("", "GET", "/login?token=planted-in-the-query", "")
		m.Call("", "GET", "/api/souk/v1/orders/"+o, "")
		buyer := m.Account("buyer")
		for what, want := range map[string]*regexp.Regexp{
			"the order placed":    regexp.MustCompile(`msg=request request_id=\w{32} face=manage method=POST path=/api/souk/v1/orders status=201 bytes=\d+ company=` + buyer.CompanyID + ` order=` + o + ` took=`),
			"the order paid":      regexp.MustCompile(`msg=request .*path=/api/souk/v1/orders/` + o + `/pay status=200 .*company=` + buyer.CompanyID + ` order=` + o + ` took=`),
			"a stranger's look":   regexp.MustCompile(`msg=request .*path=/api/souk/v1/orders/` + o + ` status=401 .*company="" order=` + o),
			"a page":              regexp.MustCompile(`msg=request .*face=web method=GET path=/login status=200`),
			"the call of sellers": regexp.MustCompile(`msg=call protocol=v1 activity=newInstance state=\w+ order=` + o + ` instance=[\w-]+ seller=` + m.Account("yunfan").CompanyID + ` buyer=` + buyer.CompanyID + ` attempt=`),
		} {
			if n := len(want.FindAllString(m.Log.String(), -1)); n != 1 {
				t.Errorf("%s: %d lines", what, n)
			}
		}
		for _, secret := range append(m.secrets(), "planted-in-the-query") {
			if strings.Contains(m.Log.String(), secret) {
				t.Errorf("secret %.6s… stands in the log", secret)
			}
		}
	})
}

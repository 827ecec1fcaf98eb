package ops

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/souk-market/souk/internal/service/upkeep"
)

// Busy is how busy the database of this process is; the times are totals in seconds.
type Busy struct {
	Writes, Commits, Waiting int64
	WriteWait, CommitTime    float64
	Connections, InUse       int
	SearchReady              bool
	SearchLag                time.Duration // since the index followed the feed last
	JobsRunning, Workers     int64
}

// Options are where the metrics come from.
type Options struct {
	Program string // name and version
	Engine  string
	// Figures are what the database holds; Busy what this process does.
	Figures func(context.Context) (upkeep.Figures, error)
	Busy    func() Busy
	Logger  *slog.Logger
}

// Metrics is a registry of its own, so that nothing but what is named here is shown.
type Metrics struct {
	Options
	registry *prometheus.Registry
	inFlight prometheus.Gauge
	requests *prometheus.HistogramVec
	calls    *prometheus.HistogramVec
}

// scrapeTime bounds the snapshot of a scrape.
const scrapeTime = 5 * time.Second

// New makes the metrics.
func New(o Options) *Metrics {
	m := &Metrics{Options: o, registry: prometheus.NewRegistry(),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "souk_http_requests_in_flight", Help: "Requests being answered by this process."}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "souk_http_request_duration_seconds", Help: "Requests answered, by face, pattern of the route and class of the status.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}, []string{"face", "route", "status"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "souk_call_duration_seconds", Help: "Calls to sellers' servers, by protocol, activity and outcome (success, retrying, failed, unknown).",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30}}, []string{"protocol", "activity", "outcome"}),
	}
	m.registry.MustRegister(m.inFlight, m.requests, m.calls, &snapshot{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Called counts a call to a seller's server.
func (m *Metrics) Called(protocol, activity, outcome string, took time.Duration) {
	if protocol == "" {
		protocol = "none"
	}
	m.calls.WithLabelValues(protocol, activity, outcome).Observe(took.Seconds())
}

// Handler serves the metrics to anybody who reaches it.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(m.Logger.Handler(), slog.LevelWarn), ErrorHandling: promhttp.ContinueOnError})
}

// Guarded serves the metrics on a listener that the world reaches: to who gives the token, and to this machine itself.
// A proxy on the machine is not the machine: it passes the public host name on, or says for whom it asks. To all others
// there is no such page.
func (m *Metrics) Guarded(token string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r) && !bears(r, token) {
			http.NotFound(w, r)
			return
		}
		m.Handler().ServeHTTP(w, r)
	})
}

func bears(r *http.Request, token string) bool {
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	want, have := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(strings.TrimSpace(got)))
	return token != "" && strings.EqualFold(scheme, "Bearer") && subtle.ConstantTimeCompare(want[:], have[:]) == 1
}

func local(r *http.Request) bool {
	for _, name := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(name) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	host := r.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	to, hostErr := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && from.Addr().Unmap().IsLoopback() && (host == "localhost" || hostErr == nil && to.IsLoopback())
}

// snapshot is what is counted at the scrape.
type snapshot struct{ m *Metrics }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("souk_"+name, help, labels, nil)
}

var (
	buildInfo    = desc("build_info", "1; the version of the program and the engine of its database.", "version", "engine")
	figuresOK    = desc("figures_up", "1 when the database gave its figures for this scrape, 0 when it did not: all that is counted in it is missing then.")
	jobs         = desc("jobs", "Jobs that are not done, by state and kind.", "state", "kind")
	jobsDue      = desc("jobs_due", "Jobs that are due and wait for a worker, by kind of lane.", "lane")
	jobsDueAge   = desc("jobs_due_oldest_age_seconds", "How long the oldest of them has been due, in business time.", "lane")
	jobsRunning  = desc("jobs_running", "Jobs that this process does now.")
	jobsWorkers  = desc("jobs_workers", "Jobs that this process may do at once.")
	orders       = desc("orders", "Orders by status.", "status")
	ordersAge    = desc("orders_oldest_age_seconds", "Age of the oldest order of a status that something follows.", "status")
	queueItems   = desc("queue_items", "What waits for people of the operator.", "queue")
	queueAge     = desc("queue_oldest_age_seconds", "How long the oldest of it waits.", "queue")
	ledgerSum    = desc("ledger_imbalance", "Sum of all balances of a currency in minor units. Anything but 0 is an error of the program or a change by hand.", "currency")
	auditRows    = desc("audit_chain_rows", "Rows in the chain of the audit log.")
	auditOpen    = desc("audit_unsealed_rows", "Rows of the audit log that have no place in the chain yet.")
	auditAge     = desc("audit_unsealed_oldest_age_seconds", "Age of the oldest of them.")
	mails        = desc("mails", "Mails that are not sent, by state.", "state")
	mailsAge     = desc("mails_oldest_age_seconds", "Age of the oldest of them.", "state")
	sessions     = desc("sessions", "Browser sessions that have not ended.")
	processes    = desc("processes", "Processes of the marketplace that said within the last minute that they live.")
	backupAt     = desc("backup_last_timestamp_seconds", "When the last backup was taken; 0 when there was none.")
	backupSize   = desc("backup_last_size_bytes", "Size of the last backup.")
	dbOpen       = desc("database_connections", "Connections to the database that this process has.")
	dbInUse      = desc("database_connections_in_use", "Those of them that do something.")
	dbWaiting    = desc("database_writers_waiting", "Transactions in the queue of the embedded database's one writer.")
	dbWrites     = desc("database_writes_total", "Write transactions begun.")
	dbWriteWait  = desc("database_write_wait_seconds_total", "Time that they waited for their turn.")
	dbCommits    = desc("database_commits_total", "Commits; on SQLite one may hold several transactions.")
	dbCommitTime = desc("database_commit_seconds_total", "Time that they took.")
	searchReady  = desc("search_ready", "1 when this process has built its index of products.")
	searchLag    = desc("search_lag_seconds", "Time since the index took over the newest changes.")
)

// Describe implements prometheus.Collector; labels vary, so nothing is promised.
func (s *snapshot) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (s *snapshot) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	total := func(d *prometheus.Desc, v float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	gauge(buildInfo, 1, s.m.Program, s.m.Engine)
	b := s.m.Busy()
	gauge(jobsRunning, float64(b.JobsRunning))
	gauge(jobsWorkers, float64(b.Workers))
	gauge(dbOpen, float64(b.Connections))
	gauge(dbInUse, float64(b.InUse))
	gauge(dbWaiting, float64(b.Waiting))
	total(dbWrites, float64(b.Writes))
	total(dbWriteWait, b.WriteWait)
	total(dbCommits, float64(b.Commits))
	total(dbCommitTime, b.CommitTime)
	gauge(searchReady, one(b.SearchReady))
	if b.SearchReady {
		gauge(searchLag, b.SearchLag.Seconds())
	}
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	f, err := s.m.Figures(ctx)
	gauge(figuresOK, one(err == nil))
	if err != nil {
		s.m.Logger.Warn("metrics: the database gives no figures", "err", err)
		return
	}
	age := func(now, oldest time.Time) float64 {
		if oldest.IsZero() || oldest.After(now) {
			return 0
		}
		return now.Sub(oldest).Seconds()
	}
	for _, c := range f.Jobs {
		gauge(jobs, float64(c.Count), c.Label, c.Kind)
	}
	// A lane or queue that is empty shows as 0, not as a series that is gone.
	for _, c := range withEmpty(f.Due, "call", "notify", "platform") {
		gauge(jobsDue, float64(c.Count), c.Label)
		gauge(jobsDueAge, age(f.At, c.Oldest), c.Label)
	}
	for _, c := range withEmpty(f.Orders, "PENDING_PAYMENT", "PROCESSING", "COMPLETED", "CANCELED") {
		gauge(orders, float64(c.Count), c.Label)
		if c.Label == "PENDING_PAYMENT" || c.Label == "PROCESSING" {
			gauge(ordersAge, age(f.At, c.Oldest), c.Label)
		}
	}
	for _, c := range f.Queues {
		gauge(queueItems, float64(c.Count), c.Label)
		gauge(queueAge, age(f.At, c.Oldest), c.Label)
	}
	for _, c := range withEmpty(f.Sums, "CNY") {
		gauge(ledgerSum, float64(c.Count), c.Label)
	}
	gauge(auditRows, float64(f.Chain))
	gauge(auditOpen, float64(f.Unsealed.Count))
	gauge(auditAge, age(f.At, f.Unsealed.Oldest))
	for _, c := range f.Mails {
		gauge(mails, float64(c.Count), c.Label)
		gauge(mailsAge, age(f.Wire, c.Oldest), c.Label)
	}
	gauge(sessions, float64(f.Sessions))
	gauge(processes, float64(len(f.Nodes)))
	if f.Backup == nil {
		gauge(backupAt, 0)
		gauge(backupSize, 0)
	} else {
		gauge(backupAt, float64(f.Backup.At.Unix()))
		gauge(backupSize, float64(f.Backup.Size))
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// withEmpty adds what was not counted because there is none of it.
func withEmpty(cs []upkeep.Counted, labels ...string) []upkeep.Counted {
	have := map[string]bool{}
	for _, c := range cs {
		have[c.Label] = true
	}
	for _, l := range labels {
		if !have[l] {
			cs = append(cs[:len(cs):len(cs)], upkeep.Counted{Label: l})
		}
	}
	return cs
}

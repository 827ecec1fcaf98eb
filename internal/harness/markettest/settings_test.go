package markettest

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/program"
	"github.com/souk-market/souk/internal/service/people"
)

const settings = "/api/souk/v1/settings"

// set changes one setting as the operator.
func (m *Market) set(name, value string) {
	m.t.Helper()
	m.Do("operator", "PUT", settings, `{"values":{"`+name+`":"`+value+`"}}`)
}

// value reads one setting.
func (m *Market) value(name string) map[string]any {
	m.t.Helper()
	for _, item := range m.Do("operator", "GET", settings, "").Body["items"].([]any) {
		if s := item.(map[string]any); s["name"] == name {
			return s
		}
	}
	m.t.Fatalf("no setting %s", name)
	return nil
}

// A setting holds at once, here and in every other process, and the audit log says who changed it from what to what.
func TestSettingsHoldInEveryProcess(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		other, err := program.Open(t.Context(), m.Program.Config, program.Options{Logger: slog.New(slog.DiscardHandler), Synchronous: "OFF", NoWorkers: true})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- other.Upkeep.Run(ctx) }()
		defer func() {
			stop()
			<-done
			if err := other.Close(); err != nil {
				t.Error(err)
			}
		}()

		m.set("orders.pay_within", "36h")
		if got := m.Program.Kernel.Settings().PayWithin; got != 36*time.Hour {
			t.Errorf("this process holds %s", got)
		}
		m.until(func() bool { return other.Kernel.Settings().PayWithin == 36*time.Hour })
		o := m.Do("buyer", "GET", "/api/souk/v1/orders/"+m.Place(m.Offer(v1Product, v1SKU, "month"), 1), "")
		created, err1 := time.Parse(time.RFC3339, o.String("created_at"))
		deadline, err2 := time.Parse(time.RFC3339, o.String("pay_deadline"))
		if err1 != nil || err2 != nil || deadline.Sub(created) != 36*time.Hour {
			t.Errorf("the order of %s is to be paid by %s", o.String("created_at"), o.String("pay_deadline"))
		}
		s := m.value("orders.pay_within")
		if s["value"] != "36h" || s["installed"] != "7d" || s["changed"] != true || s["changed_by"] == "" || s["changed_at"] == nil || s["min"] != "1m" || s["spec"] != "22 §2.3" {
			t.Errorf("it is shown as %v", s)
		}
		m.set("orders.pay_within", "36h") // no change, no row
		m.set("orders.pay_within", "")    // back to the installation
		if s := m.value("orders.pay_within"); s["value"] != "7d" || s["changed"] != false {
			t.Errorf("given back, it is shown as %v", s)
		}
		m.until(func() bool { return other.Kernel.Settings() == m.Program.Kernel.Installed() })
		var rows []string
		for _, item := range m.Do("operator", "GET", "/api/souk/v1/audit?action=setting.write", "").Body["items"].([]any) {
			r := item.(map[string]any)
			rows = append(rows, r["noun"].(string)+" "+r["detail"].(string))
		}
		if got := strings.Join(rows, "; "); got != "orders.pay_within 36h → 7d; orders.pay_within 7d → 36h" {
			t.Errorf("the audit log says %q", got)
		}
	})
}

// A wrong value is refused by the name of its setting, and the right ones beside it are not put into force.
func TestWrongSettingsAreRefusedByName(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		for name, value := range map[string]string{
			"orders.pay_within": "soon", "orders.large_refund_threshold": "1.005", "delivery.retry_policy": "never", "delivery.too_many_failed": "", "open_api.order_query_rate": "0", "people.registration": "no",
			"people.max_failures": "2", "people.lock_for": "1000h", "people.nothing": "1", "clock.offset_us": "0",
		} {
			if value == "" {
				continue
			}
			r := m.Call("operator", "PUT", settings, `{"values":{"people.session_idle":"30m","`+name+`":"`+value+`"}}`)
			fields, _ := r.Body["error"].(map[string]any)["fields"].(map[string]any)
			if r.Status != 400 || fields[name] == nil || len(fields) != 1 {
				t.Errorf("%s %q: %d %s", name, value, r.Status, r.Text)
			}
		}
		if got := m.Program.Kernel.Settings(); got != setting.Defaults() {
			t.Errorf("something is in force: %+v", got)
		}
		if r := m.Call("finance", "PUT", settings, `{"values":{"people.registration":"false"}}`); r.Status != 403 {
			t.Errorf("finance: %d %s", r.Status, r.Text)
		}
	})
}

// Each setting is obeyed by what it rules.
func TestSettingsAreObeyed(t *testing.T) {
	m := Start(t, "sqlite")
	// Registration closed: refused by page and use case, invitations stay.
	register := func() error {
		return m.Program.People.Register(t.Context(), people.Registration{Kind: party.Buyer, Company: "新公司", Name: "某人", Email: "new@example.com", Password: "long enough words", AcceptAgreement: true})
	}
	m.set("people.registration", "false")
	if err := register(); !fault.Is(err, "registration_closed") {
		t.Errorf("closed: %v", err)
	}
	if page := m.Call("", "GET", "/account/register", ""); page.Status != 200 || strings.Contains(page.Text, `name="company"`) {
		t.Errorf("the page still asks: %d", page.Status)
	}
	m.set("people.registration", "true")
	if err := register(); err != nil {
		t.Errorf("open: %v", err)
	}
	// Three wrong passwords lock.
	m.set("people.max_failures", "3")
	for range 3 {
		_, _ = m.Program.People.SignIn(t.Context(), "buyer", "wrong password")
	}
	if _, err := m.Program.People.SignIn(t.Context(), "buyer", m.Account("buyer").Password); fault.KindOf(err) != fault.TooMany {
		t.Errorf("after three wrong passwords: %v", err)
	}
	// A schedule for sellers that have none.
	m.set("delivery.retry_policy", "standard")
	o := m.paid()
	m.until(func() bool {
		for _, item := range m.Do("operator", "GET", "/api/souk/v1/attempts?order="+o, "").Body["items"].([]any) {
			a := item.(map[string]any)
			if a["activity"] == "newInstance" && a["next_at"] != nil {
				started, _ := time.Parse(time.RFC3339, a["business_at"].(string))
				next, _ := time.Parse(time.RFC3339, a["next_at"].(string))
				if d := next.Sub(started); d < 5*time.Second || d > time.Minute {
					t.Errorf("the next try is after %s, not 10 s", d)
				}
				return true
			}
		}
		return false
	})
}

// A refresh that read before a change was stored does not put the old value back after it.
func TestAChangedSettingIsNotLostToARefresh(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		ctx, stop := context.WithCancel(t.Context())
		var refreshes sync.WaitGroup
		for range 4 {
			refreshes.Go(func() {
				for ctx.Err() == nil {
					m.Program.Upkeep.Refresh(ctx)
				}
			})
		}
		for i := range 60 {
			want := 20 + i%2
			m.set("delivery.keep_bytes", strconv.Itoa(want))
			if got := m.Program.Kernel.Settings().KeepBytes; got != want {
				t.Fatalf("change %d: %d days hold, not %d", i, got, want)
			}
		}
		stop()
		refreshes.Wait()
	})
}

// Bytes of calls that are older than the setting allows are emptied; the calls stay, younger ones keep their bytes, and
// by itself nothing is forgotten.
func TestBytesOfOldCallsAreForgotten(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		o := m.paid()
		attempt := func() (id string) {
			for _, item := range m.Do("operator", "GET", "/api/souk/v1/attempts?order="+o, "").Body["items"].([]any) {
				if a := item.(map[string]any); a["activity"] == "newInstance" && a["reason"] != "" { // a call under way has none yet, and is told as unknown
					id = a["id"].(string)
				}
			}
			return id
		}
		m.until(func() bool { return attempt() != "" })
		young := attempt()
		// The same call as one of 31 days ago.
		old := ident.RowFloor(time.Now().Add(-31 * 24 * time.Hour))
		m.sql(`INSERT INTO attempt SELECT '`+old+`', job_id, seller_id, buyer_id, product_id, order_id, order_line_id, instance_id, activity, number, occasion, state, business_id, http_status, result_code,
			result_msg, reason, detail, started_at, business_at, duration_us, next_at, request, response FROM attempt WHERE id = $1`, young)
		bytes := func(id string) int {
			return len(m.Do("yunfan", "GET", "/api/souk/v1/attempts/"+id, "").String("request"))
		}
		for _, step := range []struct {
			days      string
			forgotten int
			kept      bool
		}{{"0", 0, true}, {"32", 0, true}, {"30", 1, false}, {"30", 0, false}} {
			m.set("delivery.keep_bytes", step.days)
			if n, err := m.Program.Upkeep.Forget(t.Context()); err != nil || n != step.forgotten {
				t.Errorf("kept for %s days: %d forgotten, %v", step.days, n, err)
			}
			if got := bytes(old) > 0; got != step.kept || bytes(young) == 0 {
				t.Errorf("kept for %s days: the old call has its bytes: %t, the young one %d", step.days, got, bytes(young))
			}
		}
		if a := m.Do("yunfan", "GET", "/api/souk/v1/attempts/"+old, ""); a.String("activity") != "newInstance" || a.String("order_id") != o {
			t.Errorf("the call itself is gone: %s", a.Text)
		}
		if r := m.Do("operator", "GET", "/api/souk/v1/audit?action=attempt.forget", ""); !strings.Contains(r.Text, "bytes of 1 calls, begun before") {
			t.Errorf("the audit log says nothing: %s", r.Text)
		}
	})
}

package labtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/protocol/aksk"
	"github.com/souk-market/souk/protocol/usagepush"
)

// outgoing lists the scenarios in which the marketplace is the caller.
func outgoing(protocols ...domain.Protocol) (out []domain.Scenario) {
	for _, p := range protocols {
		for _, s := range domain.Of(p) {
			if !s.Inbound {
				out = append(out, s)
			}
		}
	}
	return out
}

// pusher is a seller's server that pushes usage.
type pusher struct {
	b      *bench
	key    string
	ak, sk string // "" signs nothing with an access key
	nonce  string // "" is a fresh one
	skew   time.Duration
}

func (b *bench) pusher(protocol string) pusher {
	return pusher{b: b, key: b.People.Seller(protocol).Keys["base"]}
}

// record is a good one, with members replaced.
func record(instance string, change ...string) map[string]any {
	now := time.Now().UTC()
	r := map[string]any{"instance_id": instance, "metering_sn": ident.UUID(), "usage_value": "1.5",
		"begin_time": now.Add(-time.Hour).Format(usagepush.TimeForm), "end_time": now.Format(usagepush.TimeForm), "record_time": now.Format(usagepush.TimeForm)}
	for i := 0; i < len(change); i += 2 {
		r[change[i]] = change[i+1]
	}
	return r
}

// push sends records and gives the status and the answer.
func (p pusher) push(path string, records ...map[string]any) (int, string) {
	p.b.t.Helper()
	body, err := json.Marshal(map[string]any{"usage_records": records})
	if err != nil {
		p.b.t.Fatal(err)
	}
	return p.send(path, body)
}

func (p pusher) send(path string, body []byte) (int, string) {
	p.b.t.Helper()
	req, err := http.NewRequest("POST", p.b.URL+path, bytes.NewReader(body))
	if err != nil {
		p.b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if p.key != "" {
		ts, nonce := strconv.FormatInt(time.Now().Add(p.skew).UnixMilli(), 10), p.nonce
		if nonce == "" {
			nonce = ident.Nonce()
		}
		req.Header.Set("ts", ts)
		req.Header.Set("nonce", nonce)
		req.Header.Set("signature", usagepush.Sign(p.key, ts, nonce, body))
	}
	if p.ak != "" {
		req.Header.Set("X-Sdk-Date", time.Now().UTC().Format("20060102T150405Z"))
		auth, err := aksk.Sign(aksk.Request{Method: "POST", Target: path, Host: req.Host, Header: req.Header, Body: body}, p.ak, p.sk, "host", "x-sdk-date")
		if err != nil {
			p.b.t.Fatal(err)
		}
		req.Header.Set("Authorization", auth)
	}
	r, err := http.DefaultClient.Do(req)
	if err != nil {
		p.b.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		p.b.t.Fatal(err)
	}
	return r.StatusCode, string(text)
}

// code is the code of the whole answer and of its first failed record.
func code(answer string) string {
	var a struct {
		Code     string `json:"error_code"`
		Abnormal []struct {
			Code string `json:"error_code"`
		} `json:"abnormal_usage_data"`
	}
	if err := json.Unmarshal([]byte(answer), &a); err != nil {
		return answer
	}
	for _, one := range a.Abnormal {
		return a.Code + " " + one.Code
	}
	return a.Code
}

const accepted = "MKT.0000"

// The scenario *usage push*: the developer makes an instance, has the server push for it and saves what passed.
// Before a push came the run says which one is waited for. // spec: 10 §8.1, 14 §2.1
func TestAUsagePushIsDebugged(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, protocol := range []string{"v1", "v2"} {
			scenario := protocol + ".usage"
			instance := b.debug(protocol+".new.demand", true).String("instance_id")
			if instance == "" {
				t.Fatalf("%s: no instance", protocol)
			}
			r := b.debug(scenario, true)
			if r.Body["passed"] != false || r.String("reason") != "push-none" || !strings.Contains(r.String("request"), instance) || !strings.Contains(r.String("request"), usagepush.NewPath) {
				t.Errorf("%s, nothing pushed: %s", protocol, r.Text)
			}
			// The push that the page shows is a right one.
			head, body, _ := strings.Cut(r.String("request"), "\r\n\r\n")
			h := func(name string) string {
				_, rest, _ := strings.Cut(head, "\r\n"+name+": ")
				value, _, _ := strings.Cut(rest, "\r\n")
				return value
			}
			if !usagepush.Matches(b.People.Seller(protocol).Keys["base"], h("ts"), h("nonce"), []byte(body), h("signature")) {
				t.Errorf("%s: the sample is signed wrongly: %s", protocol, r.String("request"))
			}
			// A push with another key is refused, and the page says why.
			wrong := b.pusher(protocol)
			wrong.key = b.People.Seller(protocol).Keys["general"]
			if status, answer := wrong.push(usagepush.NewPath, record(instance)); status != 400 || code(answer) != usagepush.BadSignature {
				t.Errorf("%s, wrong key: %d %s", protocol, status, answer)
			}
			if r := b.debug(scenario, true); r.String("reason") != "push-signature" || len(r.String("detail")) != 44 || !strings.Contains(r.Text, "cause:") || r.String("case_id") != "" {
				t.Errorf("%s, wrong key: %s", protocol, r.Text)
			}
			// One with a bad record is taken in part and does not pass.
			if status, answer := b.pusher(protocol).push(usagepush.NewPath, record(instance), record(instance, "usage_value", "0")); status != 200 || code(answer) != usagepush.Failed+" 003" {
				t.Errorf("%s, no usage: %d %s", protocol, status, answer)
			}
			if r := b.debug(scenario, true); r.String("reason") != "push-record" || r.String("field") != "usage_records[1].usage_value" || !strings.HasPrefix(r.String("detail"), "003 ") {
				t.Errorf("%s, no usage: %s", protocol, r.Text)
			}
			// A right one passes and is saved; a replay of the cases leaves it alone.
			if status, answer := b.pusher(protocol).push(usagepush.NewPath, record(instance, "end_time", time.Now().UTC().Add(-time.Minute).Format(usagepush.TimeForm))); status != 200 || answer != `{"error_code":"MKT.0000","error_msg":"success"}` {
				t.Errorf("%s: %d %s", protocol, status, answer)
			}
			if r := b.debug(scenario, true); r.Body["passed"] != true || r.String("case_id") == "" || !strings.Contains(r.String("response"), accepted) {
				t.Errorf("%s: %s", protocol, r.Text)
			}
			ran := b.Do(b.login[protocol], "POST", "/api/souk/v1/lab/cases/run", fmt.Sprintf(`{"address":%q}`, b.address(protocol)))
			if strings.Contains(ran.Text, scenario) || len(ran.Body["items"].([]any)) != 1 {
				t.Errorf("%s replayed: %s", protocol, ran.Text)
			}
			pushed := b.Do(b.login[protocol], "GET", "/api/souk/v1/lab/runs?occasion=push", "").Body["items"].([]any)
			if len(pushed) != 3 {
				t.Errorf("%s: %d pushes are listed", protocol, len(pushed))
			}
		}
	})
}

// Each verdict of the interface, for instances of the lab and for sold ones. // spec: 14 §2.1–2.4, 01 §6, §2.13
func TestUsagePushesAreJudged(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		instance, other := b.debug("v1.new.demand", false).String("instance_id"), b.debug("v2.new.demand", false).String("instance_id")
		pkg := b.debug("v1.new.package", false).String("instance_id")
		v1 := b.pusher("v1")
		good := record(instance)
		if _, answer := v1.push(usagepush.NewPath, good); code(answer) != accepted {
			t.Fatal(answer)
		}
		changed := record(instance, "metering_sn", good["metering_sn"].(string), "usage_value", "2")
		twin := record(instance, "begin_time", good["begin_time"].(string), "end_time", good["end_time"].(string))
		ago := func(d time.Duration) string { return time.Now().UTC().Add(-d).Format(usagepush.TimeForm) }
		for _, c := range []struct {
			name   string
			record map[string]any
			want   string
		}{
			{"the same once more", good, "94060999 005"},
			{"its serial, other content", changed, "94060999 005"},
			{"its span, another serial", twin, "94060999 010"},
			{"for a package of the instance", record(instance, "begin_time", good["begin_time"].(string), "end_time", good["end_time"].(string), "relate_pkg_instance", pkg), accepted},
			{"for another's package", record(instance, "relate_pkg_instance", other), "94060999 018"},
			{"overlapping", record(instance, "begin_time", ago(90*time.Minute)), accepted},
			{"three weeks old", record(instance, "begin_time", ago(21*24*time.Hour+time.Minute)), "94060999 007"},
			{"unknown", record("nobody-has-this"), "94060999 001"},
		} {
			if status, answer := v1.push(usagepush.NewPath, c.record); status != 200 || code(answer) != c.want {
				t.Errorf("%s: %d %s, want %s", c.name, status, answer, c.want)
			}
		}
		// Of a push that fails in part the good records are taken: once.
		second, bad := record(instance, "begin_time", ago(65*time.Minute)), record(instance, "end_time", "soon")
		for _, want := range []string{"94060999 002", "94060999 005"} {
			if _, answer := v1.push(usagepush.NewPath, second, bad); code(answer) != want {
				t.Errorf("in part: %s, want %s", answer, want)
			}
		}
		// A sold instance: one by period is no on-demand resource; another seller's is not the caller's.
		o := b.Place(b.Offer("云帆协同办公", "协同办公 标准版", "month"), 1)
		b.Do("buyer", "POST", "/api/souk/v1/orders/"+o+"/pay", "{}")
		sold := ""
		for end := time.Now().Add(20 * time.Second); sold == "" && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			for _, one := range b.Do("yunfan", "GET", "/api/souk/v1/instances", "").Body["items"].([]any) {
				if i := one.(map[string]any); i["status"] == "ACTIVE" {
					sold, _ = i["seller_instance_id"].(string)
				}
			}
		}
		if sold == "" {
			t.Fatal("no service")
		}
		if _, answer := v1.push(usagepush.NewPath, record(sold)); code(answer) != "94060999 012" {
			t.Errorf("by period: %s", answer)
		}
		if _, answer := b.pusher("v2").push(usagepush.NewPath, record(sold)); code(answer) != "94060999 009" {
			t.Errorf("another's: %s", answer)
		}

		// The request as a whole.
		fixed := v1
		fixed.nonce = ident.Nonce()
		if _, answer := fixed.push(usagepush.NewPath, record(instance, "begin_time", ago(61*time.Minute))); code(answer) != accepted {
			t.Error(answer)
		}
		if status, answer := fixed.push(usagepush.NewPath, record(instance, "begin_time", ago(62*time.Minute))); status != 400 || code(answer) != usagepush.BadSignature || !strings.Contains(answer, "nonce") {
			t.Errorf("a nonce twice: %d %s", status, answer)
		}
		late := v1
		late.skew = -16 * time.Minute
		if status, answer := late.push(usagepush.NewPath, record(instance)); status != 400 || code(answer) != usagepush.BadSignature || !strings.Contains(answer, "header ts") {
			t.Errorf("an old ts: %d %s", status, answer)
		}
		for body, want := range map[string]string{`{`: usagepush.Invalid, `{"usage_records":[]}`: usagepush.Entities} {
			if status, answer := v1.send(usagepush.NewPath, []byte(body)); status < 400 || code(answer) != want {
				t.Errorf("%s: %d %s", body, status, answer)
			}
		}

		// With an access key: beside the headers it must be right; alone it is enough while the operator lets it; the old interface asks for it.
		s := b.People.Seller("v1")
		alone := pusher{b: b, ak: s.AK, sk: s.SK}
		if _, answer := alone.push(usagepush.NewPath, record(instance, "begin_time", ago(63*time.Minute))); code(answer) != accepted {
			t.Errorf("access key alone: %s", answer)
		}
		if r := b.debug("v1.usage", false, "instance_id", instance); r.Body["passed"] != true || !strings.Contains(r.Text, "push-access-key") {
			t.Errorf("access key alone: %s", r.Text)
		}
		b.Do("operator", "PUT", "/api/souk/v1/settings", `{"values":{"open_api.usage_access_key":"false"}}`)
		if status, answer := alone.push(usagepush.NewPath, record(instance)); status != 400 || code(answer) != usagepush.BadSignature {
			t.Errorf("access key alone, not allowed: %d %s", status, answer)
		}
		both := v1
		both.ak, both.sk = s.AK, "another secret"
		if status, answer := both.push(usagepush.NewPath, record(instance)); status != 401 || code(answer) != "APIGW.0301" {
			t.Errorf("wrong access key beside a right signature: %d %s", status, answer)
		}
		old := record(instance, "product_id", "OFFI000000000000000001", "begin_time", ago(64*time.Minute))
		delete(old, "metering_sn")
		if status, answer := alone.push(usagepush.OldPath, old); status != 200 || answer != `{"error_code":"MKT.0000","error_msg":"success"}` {
			t.Errorf("old: %d %s", status, answer)
		}
		if r := b.debug("v1.usage", false, "instance_id", instance); r.Body["passed"] != true {
			t.Errorf("old: %s", r.Text)
		}
		old["usage_value"] = "-1"
		if _, answer := alone.push(usagepush.OldPath, old); code(answer) != accepted {
			t.Errorf("old, a bad record: %s", answer)
		}
		if r := b.debug("v1.usage", false, "instance_id", instance); r.String("reason") != "push-record" {
			t.Errorf("old, a bad record: %s", r.Text)
		}
		if status, answer := v1.push(usagepush.OldPath, old); status != 401 || code(answer) != "APIGW.0301" {
			t.Errorf("old without an access key: %d %s", status, answer)
		}
	})
}

package labtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	domain "github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/harness/markettest"
	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/internal/service/doctor"
	"github.com/souk-market/souk/isv"
)

// bench is a marketplace with one sandbox seller of each generation.
type bench struct {
	*markettest.Market
	t     *testing.T
	login map[string]string // protocol → seller's login
	url   map[string]string // protocol → base address
}

func each(t *testing.T, f func(t *testing.T, b *bench)) {
	for _, engine := range markettest.Engines {
		t.Run(string(engine), func(t *testing.T) { f(t, start(t, markettest.Start(t, engine))) })
	}
}

func start(t *testing.T, m *markettest.Market) *bench {
	b := &bench{Market: m, t: t, login: map[string]string{"v1": "yunfan", "v2": "beichen"}, url: map[string]string{}}
	for protocol := range b.login {
		s := m.People.Seller(protocol)
		sim, err := sellersim.New(sellersim.Options{Protocol: isv.Generation(protocol), Key: s.Keys["base"], GeneralKey: s.Keys["general"], KitKey: s.Keys["kit"], LicenseKey: s.Keys["license"], Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		server := httptest.NewServer(sim)
		sim.SetBaseURL(server.URL)
		t.Cleanup(func() {
			server.CloseClientConnections()
			server.Close()
			if err := sim.Close(); err != nil {
				t.Error(err)
			}
		})
		b.url[protocol] = server.URL
		if err := demo.Register(t.Context(), m.Program, s, server.URL+sellersim.PathProduce, server.URL+sellersim.PathNotify); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

func (b *bench) address(protocol string) string { return b.url[protocol] + sellersim.PathProduce }

func (b *bench) faults(protocol string, texts ...string) {
	b.t.Helper()
	body, _ := json.Marshal(map[string]any{"faults": texts})
	r, err := http.Post(b.url[protocol]+sellersim.PathFault, "application/json", bytes.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	if r.StatusCode != 200 {
		b.t.Fatal(texts, r.Status)
	}
}

// debug sends a scenario; form changes the preset.
func (b *bench) debug(scenario string, save bool, form ...string) markettest.Reply {
	b.t.Helper()
	login, in := b.input(scenario, save, form...)
	return b.Do(login, "POST", "/api/souk/v1/lab/runs", in)
}

// tries is debug whose refusal is an answer too.
func (b *bench) tries(scenario string) markettest.Reply {
	b.t.Helper()
	login, in := b.input(scenario, false)
	return b.Call(login, "POST", "/api/souk/v1/lab/runs", in)
}

func (b *bench) input(scenario string, save bool, form ...string) (login, body string) {
	b.t.Helper()
	s, ok := domain.ScenarioOf(scenario)
	if !ok {
		b.t.Fatal(scenario)
	}
	protocol := string(s.Protocol)
	address := b.url["v1"] + sellersim.PathProduce
	if s.Protocol != domain.V1 {
		protocol, address = "v2", b.url["v2"]+sellersim.PathProduce
	}
	switch s.Protocol {
	case domain.Notify:
		address = b.url["v2"] + sellersim.PathNotify
	case domain.License:
		address = b.url["v2"] + sellersim.PathLicense
	case domain.Kit1:
		protocol, address = "v1", b.url["v1"]+sellersim.PathProduce
	}
	if s.Protocol != domain.V1 && s.Protocol != domain.Kit1 {
		protocol = "v2"
	}
	full := s.Preset()
	for i := 0; i < len(form); i += 2 {
		full[form[i]] = form[i+1]
	}
	in, _ := json.Marshal(map[string]any{"scenario": scenario, "address": address, "form": full, "save": save})
	return b.login[protocol], string(in)
}

// Every scenario of both generations passes at a good seller, with no warning; the cases
// are there and replay, in any order of saving, with the instance of their own round.
func TestAGoodSellerPassesEveryScenario(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, s := range outgoing(domain.V1, domain.V2, domain.Notify) {
			r := b.debug(s.ID, true)
			if s.ID == "v2.query" { // the sandbox seller is ready at the second look
				r = b.debug(s.ID, true)
			}
			if r.Body["passed"] != true || r.String("case_id") == "" || len(r.Body["warnings"].([]any)) > 0 {
				t.Errorf("%s: %s", s.ID, r.Text)
			}
			if s.Creates != (r.String("instance_id") != "") {
				t.Errorf("%s: instance %q", s.ID, r.String("instance_id"))
			}
			if !strings.Contains(r.String("request"), "testFlag") {
				t.Errorf("%s carries no testFlag: %s", s.ID, r.String("request"))
			}
		}
		for protocol, want := range map[string]int{"v1": len(outgoing(domain.V1)), "v2": len(outgoing(domain.V2))} {
			for range 2 {
				r := b.Do(b.login[protocol], "POST", "/api/souk/v1/lab/cases/run", fmt.Sprintf(`{"address":%q}`, b.address(protocol)))
				items := r.Body["items"].([]any)
				if len(items) != want {
					t.Errorf("%s: %d cases ran, want %d", protocol, len(items), want)
				}
				for _, one := range items {
					if v := one.(map[string]any); v["passed"] != true {
						t.Errorf("replayed: %v", v)
					}
				}
			}
		}
	})
}

// What is wrong is named as the page of the original names it, in that order, with the right
// signature for the seller's own eyes. // spec: 10 §8.3
func TestReasonsInTheirOrder(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, c := range []struct{ fault, scenario, reason string }{
			{"status=500", "v1.release", "status"},
			{"redirect", "v1.release", "redirect"},
			{"text-plain", "v1.release", "content-type"},
			{"no-signature", "v1.release", "body-sign-missing"},
			{"sha1-signature", "v1.release", "body-sign-form"},
			{"wrong-signature", "v1.release", "body-sign-value"},
			{"newline-unsigned", "v1.release", "body-sign-value"},
			{"not-json", "v1.release", "json"},
			{"no-result-code", "v1.release", "no-result-code"},
			{"no-instance-id", "v1.new.period", "missing-field"},
			{"long-instance-id", "v1.new.period", "field-length"},
			{"html", "v2.release", "json"},
			{"no-info", "v2.query", "missing-field"},
		} {
			protocol := c.scenario[:2]
			if c.scenario == "v2.query" {
				b.debug("v2.new.period", false)
				b.debug("v2.query", false)
			}
			b.faults(protocol, c.fault)
			r := b.debug(c.scenario, true)
			if r.Body["passed"] != false || r.String("reason") != c.reason || r.String("case_id") != "" {
				t.Errorf("%s: %s", c.fault, r.Text)
			}
			if c.fault == "newline-unsigned" && !strings.Contains(r.Text, `"cause:trailing-newline"`) {
				t.Errorf("the newline is not named as the cause: %s", r.Text)
			}
			if c.reason == "body-sign-value" && len(r.String("detail")) != 44 {
				t.Errorf("%s: the right signature is not shown: %q", c.fault, r.String("detail"))
			}
			b.faults(protocol)
		}
		if n := len(b.Do("yunfan", "GET", "/api/souk/v1/lab/cases", "").Body["items"].([]any)); n != 0 {
			t.Errorf("%d failing cases were saved", n)
		}
	})
}

// The checks that warn. // spec: 02 §1.18, §1.20, §2.18
func TestTheExtraChecksWarn(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		warns := func(r markettest.Reply, want string) {
			t.Helper()
			var got []string
			for _, w := range r.Body["warnings"].([]any) {
				got = append(got, w.(string))
			}
			if !slices.Contains(got, want) {
				t.Errorf("no warning %q: %s", want, r.Text)
			}
		}
		b.faults("v1", "key-on-business-id")
		warns(b.debug("v1.new.period", false), "two-instances-for-one-order")
		b.faults("v1", "same-instance-per-order")
		if r := b.debug("v1.new.demand", false); r.Body["passed"] != false || r.String("reason") != "one-instance-for-all-items" {
			t.Errorf("one instance for two billing items: %s", r.Text)
		}
		b.faults("v1")
	})
}

// What was typed wrong is told per field, and nothing is sent.
func TestBadInput(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, c := range []struct {
			body, field string
			status      int
		}{
			{`{"scenario":"v9","address":"x"}`, "", 404},
			{`{"scenario":"v1.release","address":"http://127.0.0.1:1/other"}`, "address", 400},
			{`{"scenario":"v1.release","address":"A","form":{"instanceId":""}}`, "form.instanceId", 400},
			{`{"scenario":"v1.release","address":"A","form":{"instanceId":"x","orderId":"y","nonsense":"z"}}`, "form.nonsense", 400},
			{`{"scenario":"v1.release","address":"A","form":{"instanceId":"` + strings.Repeat("x", 65) + `","orderId":"y"}}`, "form.instanceId", 400},
			{`{"scenario":"v1.release","address":"A","form":{"instanceId":1}}`, "form.instanceId", 400},
		} {
			r := b.Call("yunfan", "POST", "/api/souk/v1/lab/runs", strings.ReplaceAll(c.body, `"A"`, fmt.Sprintf("%q", b.address("v1"))))
			if r.Status != c.status || c.field != "" && !strings.Contains(r.Text, `"`+c.field+`"`) {
				t.Errorf("%s: %d %s", c.body, r.Status, r.Text)
			}
		}
		if n := len(b.Do("yunfan", "GET", "/api/souk/v1/lab/runs", "").Body["items"].([]any)); n != 0 {
			t.Errorf("%d calls were made", n)
		}
		for key, want := range map[string]string{
			"":          "paste the public key",
			"nonsense":  "is no RSA public key",
			privatePEM:  "this is a private key",
			shortPublic: "shorter than 3072 bits",
		} {
			in, _ := json.Marshal(map[string]string{"name": "k", "public_key": key})
			if r := b.Call("beichen", "POST", "/api/souk/v1/lab/credentials", string(in)); r.Status != 400 || !strings.Contains(r.Text, want) {
				t.Errorf("%.20q: %d %s", key, r.Status, r.Text)
			}
		}
	})
}

const privatePEM = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"

// With the setting on, a product is submitted, changed and approved only with its cases, and
// they are replayed then: a server that has broken since is found. // spec: 01 §2.12, 20 B5
func TestSavedCasesGateARelease(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		b.Do("operator", "PUT", "/api/souk/v1/settings", `{"values":{"delivery.require_cases":"true"}}`)
		id := b.Do("yunfan", "POST", "/api/souk/v1/products", `{"name":"拨测样品","protocol":"v1","skus":[{"name":"标准版","offers":[{"period_type":"month","price":"10.00"}]}]}`).String("id")
		needs := func() (missing []string) {
			for _, n := range b.Do("yunfan", "GET", "/api/souk/v1/products/"+id+"/readiness", "").Body["needs"].([]any) {
				if n := n.(map[string]any); n["missing"] == true {
					missing = append(missing, n["scenario"].(string))
				}
			}
			return missing
		}
		if got, want := needs(), []string{"v1.new.period", "v1.refresh", "v1.expire", "v1.release"}; !slices.Equal(got, want) {
			t.Errorf("missing %v, want %v", got, want)
		}
		r := b.Call("yunfan", "POST", "/api/souk/v1/products/"+id+"/submit", "")
		if r.Status != 422 || r.String("error.code") != "cases_missing" || !strings.Contains(r.Text, `"debugging.v1.refresh"`) {
			t.Errorf("submitted without cases: %d %s", r.Status, r.Text)
		}
		for _, s := range needs() {
			b.debug(s, true)
		}
		if got := needs(); len(got) > 0 {
			t.Fatalf("still missing %v", got)
		}
		b.Do("yunfan", "POST", "/api/souk/v1/products/"+id+"/submit", "")
		// The server breaks; the replay at approval finds it, once the last runs are old.
		b.faults("v1", "wrong-signature@releaseInstance")
		b.Do("yunfan", "POST", "/api/souk/v1/lab/cases/run", fmt.Sprintf(`{"address":%q}`, b.address("v1")))
		if r := b.Call("operator", "POST", "/api/souk/v1/products/"+id+"/approve", ""); r.Status != 422 || !strings.Contains(r.Text, `"debugging.v1.release"`) {
			t.Errorf("approved with a failing case: %d %s", r.Status, r.Text)
		}
		b.faults("v1")
		b.Do("operator", "POST", "/api/souk/v1/products/"+id+"/approve", "")
	})
}

// Twice a day the saved cases of what is on sale run; a failure is told at once, five failed
// days are proposed to the operators; what is not on sale is left alone. // spec: 10 §8.5, §12.11
func TestProbing(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for _, s := range []string{"v1.new.period", "v1.refresh", "v1.expire", "v1.release"} {
			b.debug(s, true)
		}
		day := func(n int) {
			t.Helper()
			b.Do("operator", "POST", "/api/souk/v1/sandbox/clock", fmt.Sprintf(`{"advance":"%dh","wait":"1m"}`, 24*n))
		}
		products := b.onSale("yunfan")
		day(1)
		probes := func(product string) []any {
			return b.Do("yunfan", "GET", "/api/souk/v1/products/"+product+"/probes", "").Body["items"].([]any)
		}
		if got := probes(products[0]); len(got) != 2 || got[0].(map[string]any)["passed"] != true {
			t.Fatalf("after a day: %v", got)
		}
		b.faults("v1", "html")
		day(4)
		told := func(login, kind string) (n int) {
			for _, one := range b.Do(login, "GET", "/api/souk/v1/notices", "").Body["items"].([]any) {
				if one.(map[string]any)["kind"] == kind {
					n++
				}
			}
			return n
		}
		if told("yunfan", "probe.failed") == 0 {
			t.Error("the seller was not told of a failed probe")
		}
		if n := told("operator", "probe.suspension_proposed"); n != 0 {
			t.Errorf("%d proposals after four failed days", n)
		}
		day(2)
		if n := told("operator", "probe.suspension_proposed"); n != len(products) {
			t.Errorf("%d proposals for %d products", n, len(products))
		}
		b.Do("operator", "POST", "/api/souk/v1/products/"+products[0]+"/suspend", `{"reason":"x"}`)
		before := len(probes(products[0]))
		day(2)
		if after := len(probes(products[0])); after != before {
			t.Errorf("a suspended product was probed: %d, then %d", before, after)
		}
		b.faults("v1")
		day(1)
		if got := probes(products[1])[0].(map[string]any); got["passed"] != true {
			t.Errorf("repaired and still failing: %v", got)
		}
	})
}

func (b *bench) onSale(login string) (ids []string) {
	for _, p := range b.Do("operator", "GET", "/api/souk/v1/products?limit=100", "").Body["items"].([]any) {
		if p := p.(map[string]any); p["seller_id"] == b.Account(login).CompanyID && p["status"] == "ON_SALE" {
			ids = append(ids, p["id"].(string))
		}
	}
	return ids
}

// A domain is proved by a file or a record; the answer says what was found instead.
func TestDomains(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		token := ""
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/.well-known/souk-domain-verification.txt" && token != "" {
				fmt.Fprintln(w, token)
				return
			}
			http.NotFound(w, r)
		}))
		defer server.Close()
		host := strings.TrimPrefix(server.URL, "http://")
		d := b.Do("yunfan", "POST", "/api/souk/v1/lab/domains", fmt.Sprintf(`{"host":%q}`, host))
		check := func() markettest.Reply {
			return b.Do("yunfan", "POST", "/api/souk/v1/lab/domains/check", fmt.Sprintf(`{"host":%q}`, host))
		}
		if r := check(); r.Body["verified_at"] != nil || !strings.Contains(r.String("problem"), "404") {
			t.Errorf("without the file: %s", r.Text)
		}
		token = "something else"
		if r := check(); !strings.Contains(r.String("problem"), "does not hold the token") {
			t.Errorf("with a wrong token: %s", r.Text)
		}
		token = d.String("token")
		if r := check(); r.Body["verified_at"] == nil || r.String("method") != "file" {
			t.Errorf("with the file: %s", r.Text)
		}
		for host, want := range map[string]string{"": "must be the domain", "https://x.example/": "without https", host: "already"} {
			if r := b.Call("yunfan", "POST", "/api/souk/v1/lab/domains", fmt.Sprintf(`{"host":%q}`, host)); r.Status != 400 || !strings.Contains(r.Text, want) {
				t.Errorf("%q: %d %s", host, r.Status, r.Text)
			}
		}
	})
}

const shortPublic = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyMLApaaWjjjOFP1YZvPl
Hy2ID7nfVBYTf/zRAENJdp6Dk+ReJmbHbZEJk2DqP6tBvFjEfzBKXdE4VJK0RNJY
DAgp1bCHza8edmGxbXNz5VEVIKf2fSt1bDaqU+zbc/7jk+ZxwFOipUuKIvTGJq74
QWl0olXPwrVnPlqp8MOjHBHouXyujbxuDN8VYsWDBQ850KajR+CpDnPmCfTDC2Oz
W7BpyW79+PlxUqOBAsMbg1B0U4Zt9M/tY+cUCs9o59FoOQBJkh5z/bGHky1i+qe3
AoTaMtFuYfslr3ArXbhvRgp74Buu3coqJoUDQPCaIuy3iGIpPNS3KZExgmvxRDwB
PwIDAQAB
-----END PUBLIC KEY-----`

func (b *bench) get(address string) string {
	b.t.Helper()
	r, err := http.Get(address)
	if err != nil {
		b.t.Fatal(err)
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(body)
}

// The doctor runs from the seller centre: a good server is healthy, a bad one is told what is wrong; the report is
// signed with the installation's key and a changed one is found out. // spec: 01 §8.3
func TestCheckups(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		run := func(protocol string) markettest.Reply {
			t.Helper()
			id := b.Do(b.login[protocol], "POST", "/api/souk/v1/lab/checkups", fmt.Sprintf(`{"protocol":%q,"address":%q,"modes":["period","one-time"]}`, protocol, b.address(protocol))).String("id")
			if r := b.Call(b.login[protocol], "POST", "/api/souk/v1/lab/checkups", fmt.Sprintf(`{"protocol":%q,"address":%q}`, protocol, b.address(protocol))); r.Status != 409 {
				t.Errorf("a second run beside the first: %d %s", r.Status, r.Text)
			}
			look := time.NewTicker(50 * time.Millisecond)
			defer look.Stop()
			for {
				r := b.Do(b.login[protocol], "GET", "/api/souk/v1/lab/checkups/"+id, "")
				if r.String("state") != "running" {
					return r
				}
				select {
				case <-t.Context().Done():
					t.Fatal("the run does not end")
				case <-look.C:
				}
			}
		}
		key, err := doctor.ParsePublicKey(b.Do("", "GET", "/api/souk/v1/lab/doctor-key", "").String("public_key"))
		if err != nil {
			t.Fatal(err)
		}
		for _, protocol := range []string{"v1", "v2"} {
			r := run(protocol)
			if r.String("outcome") != "healthy" || r.Body["broken"] != 0.0 {
				t.Errorf("%s: %s", protocol, r.Text)
			}
			report := b.Do(b.login[protocol], "GET", "/api/souk/v1/lab/checkups/"+r.String("id")+"/report", "").Text
			got, err := doctor.Verify([]byte(report), key)
			if err != nil || got.Outcome != doctor.Healthy {
				t.Errorf("%s: %v", protocol, err)
			}
			if _, err := doctor.Verify([]byte(strings.Replace(report, `"healthy"`, `"ill"`, 1)), key); err == nil {
				t.Errorf("%s: a changed report is taken", protocol)
			}
		}
		b.faults("v1", "wrong-signature@releaseInstance")
		if r := run("v1"); r.String("outcome") != "ill" || r.Body["broken"] == 0.0 {
			t.Errorf("a server that signs wrongly: %s", r.Text)
		}
	})
}

// The joint kit of both generations and the authorisation codes: each passes at a good seller, whose public key opens the
// secret; a seller that opens it under other hashes says so.
func TestKitAndLicenseAreDebugged(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		for class, path := range map[string]string{"kit": sellersim.PathProduce, "license": sellersim.PathLicense} {
			b.Do("beichen", "PUT", "/api/souk/v1/sellers/"+b.Account("beichen").CompanyID+"/production-address", fmt.Sprintf(`{"class":%q,"address":%q}`, class, b.url["v2"]+path))
		}
		if r := b.tries("kit2.applicationSync"); r.Status != 400 || !strings.Contains(r.Text, "register your public key first") {
			t.Errorf("without a public key: %d %s", r.Status, r.Text)
		}
		for protocol, login := range b.login {
			in, _ := json.Marshal(map[string]string{"name": "k", "public_key": b.get(b.url[protocol] + sellersim.PathPublicKey), "profile": "sha256-mgf1sha1"})
			b.Do(login, "POST", "/api/souk/v1/lab/credentials", string(in))
		}
		for _, p := range []domain.Protocol{domain.Kit1, domain.Kit2, domain.License} {
			for _, s := range domain.Of(p) {
				if r := b.tries(s.ID); r.Body["passed"] != true || len(r.Body["warnings"].([]any)) > 0 {
					t.Errorf("%s: %s", s.ID, r.Text)
				}
			}
		}
		b.faults("v2", "other-oaep")
		if r := b.tries("kit2.applicationSync"); r.Body["passed"] != false || r.String("result_code") != "000101" {
			t.Errorf("another OAEP profile: %s", r.Text)
		}
		b.faults("v2")
	})
}

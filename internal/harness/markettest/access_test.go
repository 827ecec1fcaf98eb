package markettest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/souk-market/souk/api"
	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// scene is a marketplace with one of everything: buyer (青山) bought from yunfan; buyer2 and beichen are outsiders.
type scene struct {
	*Market
	ids map[string]string // noun of the path → id of buyer's and yunfan's thing
}

func setScene(t *testing.T, m *Market) scene {
	t.Helper()
	s := scene{Market: m, ids: map[string]string{}}
	var product string
	list := m.Do("buyer", "GET", "/api/souk/v1/products", "")
	for _, item := range list.Body["items"].([]any) {
		p := item.(map[string]any)
		if p["seller_id"] != m.Account("yunfan").CompanyID {
			continue
		}
		for _, k := range p["skus"].([]any) {
			for _, o := range k.(map[string]any)["offers"].([]any) {
				if o := o.(map[string]any); o["period_type"] == "month" {
					product, s.ids["products"], s.ids["sellers"] = o["product_id"].(string), p["id"].(string), p["seller_id"].(string)
				}
			}
		}
	}
	if product == "" {
		t.Fatal("the demo sells no V1 product by month")
	}
	order := m.Do("buyer", "POST", "/api/souk/v1/orders", fmt.Sprintf(`{"product_id":%q,"accept_agreement":true}`, product))
	s.ids["orders"] = order.String("id")
	paid := m.Do("buyer", "POST", "/api/souk/v1/orders/"+s.ids["orders"]+"/pay", "")
	s.ids["instances"] = paid.String("lines.0.instance_id")
	// The first call is made at once and refused: wait until its attempt is there.
	for s.ids["attempts"] == "" {
		if t.Context().Err() != nil {
			t.Fatal("no attempt was made")
		}
		s.ids["attempts"] = m.Do("yunfan", "GET", "/api/souk/v1/attempts?order="+s.ids["orders"], "").String("items.0.id")
	}
	s.ids["companies"] = m.Account("buyer").CompanyID
	topUp := m.Do("finance", "POST", "/api/souk/v1/companies/"+s.ids["companies"]+"/top-up", `{"amount":"1.00"}`)
	s.ids["top-ups"] = topUp.String("id")
	s.ids["refund-requests"] = m.asked(s.ids["instances"])
	s.ids["revisions"] = m.Do("yunfan", "POST", "/api/souk/v1/revisions", "").String("id")
	s.ids["categories"] = "apps"
	s.ids["receivers"] = m.Do("yunfan", "POST", "/api/souk/v1/receivers", `{"name":"值班","email":"duty@example.com","kinds":{"call.failed":["mail"]}}`).String("id")
	s.ids["lab"] = m.Do("yunfan", "POST", "/api/souk/v1/lab/credentials", `{"name":"x","public_key":`+strconv.Quote(publicKey())+`}`).String("id")
	for noun, id := range s.ids {
		if id == "" {
			t.Fatalf("the scene has no id for %s", noun)
		}
	}
	return s
}

// asked notes a large refund of a service of the buyer's, as if the service had opened.
func (m *Market) asked(instance string) string {
	m.t.Helper()
	k := m.Program.Kernel
	now := k.Clock.Now()
	r := &order.RefundRequest{ID: k.Row(), InstanceID: instance, BuyerID: m.Account("buyer").CompanyID, State: order.RefundWaiting, Amount: 1, Currency: money.CNY, AskedAt: now, AnswerBy: now.Add(order.AnswerWithin)}
	if err := k.Change(m.t.Context(), func(ctx context.Context, tx *kernel.Tx) error { return store.InsertRefundRequest(ctx, tx, r) }); err != nil {
		m.t.Fatal(err)
	}
	return r.ID
}

// bodies are what a right request of a route carries, where it needs one.
var bodies = map[string]string{
	"PUT /api/souk/v1/products/{id}/settings":                 `{}`,
	"POST /api/souk/v1/instances/{id}/renew":                  `{"period_number":1}`,
	"PUT /api/souk/v1/sellers/{id}/production-address":        `{"address":"http://127.0.0.1:9/x"}`,
	"PUT /api/souk/v1/sellers/{id}/faults":                    `{"faults":[]}`,
	"PUT /api/souk/v1/sellers/{id}/retry-policy":              `{"retry_policy":"patient"}`,
	"POST /api/souk/v1/companies/{id}/people":                 `{"login":"someone","name":"某人","password":"long enough 1","roles":["buyer.viewer"]}`,
	"POST /api/souk/v1/companies/{id}/people/{person}/tokens": `{"name":"x","days":1}`,
	"POST /api/souk/v1/companies/{id}/top-up":                 `{"amount":"1.00"}`,
	"PUT /api/souk/v1/companies/{id}/people/{person}/roles":   `{"roles":["buyer.viewer"]}`,
	"PUT /api/souk/v1/companies/{id}/people/{person}":         `{"name":"某人"}`,
	"POST /api/souk/v1/companies/{id}/invitations":            `{"email":"someone@example.com","roles":["buyer.viewer"]}`,
	"PUT /api/souk/v1/settings":                               `{"values":{}}`,
	"POST /api/souk/v1/sandbox/clock":                         `{"advance":"0s"}`,
	"PUT /api/souk/v1/revisions/{id}":                         `{"body":{}}`,
	"POST /api/souk/v1/revisions/{id}/reject":                 `{"reason":"x"}`,
	"PUT /api/souk/v1/categories/{id}":                        `{"name_zh":"应用","name_en":"Apps"}`,
	"POST /api/souk/v1/refund-requests/{id}/reject":           `{"reason":"x"}`,
	"POST /api/souk/v1/products/{id}/ratings":                 `{"stars":5}`,
	"PUT /api/souk/v1/products/{id}/ratings/{rating}/reply":   `{"text":"x"}`,
	"POST /api/souk/v1/attempts/replay":                       `{"ids":["x"]}`,
	"POST /api/souk/v1/attempts/restart":                      `{"ids":["x"]}`,
	"PUT /api/souk/v1/companies/{id}/people/{person}/limit":   `{"limited":true}`,
	"PUT /api/souk/v1/sellers/{id}/access-keys/{ak}":          `{"description":"x"}`,
	"POST /api/souk/v1/me/email":                              `{"email":"x@example.com","password":"x"}`,
	"POST /api/souk/v1/me/mobile/confirm":                     `{"code":"000000"}`,
	"PUT /api/souk/v1/companies/{id}/people/{person}/email":   `{"email":"x@example.com"}`,
	"PUT /api/souk/v1/companies/{id}/contact":                 `{"email":"x@example.com"}`,
	"POST /api/souk/v1/companies/{id}/confirm-mobile":         `{"code":"000000"}`,
	"PUT /api/souk/v1/companies/{id}/name":                    `{"name":"x"}`,
	"PUT /api/souk/v1/sellers/{id}/shop":                      `{"name":"x"}`,
	"POST /api/souk/v1/lab/preview":                           `{"scenario":"v1.release","address":"http://127.0.0.1:9/x"}`,
	"POST /api/souk/v1/lab/runs":                              `{"scenario":"v1.release","address":"http://127.0.0.1:9/x"}`,
	"POST /api/souk/v1/lab/checkups":                          `{"protocol":"v1","address":"http://127.0.0.1:9/x"}`,
	"POST /api/souk/v1/lab/cases/run":                         `{"address":"http://127.0.0.1:9/x"}`,
	"POST /api/souk/v1/lab/domains":                           `{"host":"example.com"}`,
	"POST /api/souk/v1/lab/domains/check":                     `{"host":"example.com"}`,
	"POST /api/souk/v1/lab/domains/remove":                    `{"host":"example.com"}`,
	"POST /api/souk/v1/lab/credentials":                       `{"name":"x","public_key":"x"}`,
	"PUT /api/souk/v1/lab/credentials/{id}":                   `{"name":"x","public_key":"x"}`,
	"PUT /api/souk/v1/me/notices":                             `{"kinds":{}}`,
	"POST /api/souk/v1/receivers":                             `{"name":"x","email":"x@example.com"}`,
	"PUT /api/souk/v1/receivers/{id}":                         `{"name":"x","email":"x@example.com"}`,
	"POST /api/souk/v1/receivers/{id}/confirm-mobile":         `{"code":"000000"}`,
}

type route struct {
	method, path, noun string
	public             bool
	action             access.Action // x-action of the document: what the caller must be allowed to do; "" for none
}

// routes are all operations of the document under the management API.
func routes(t *testing.T) []route {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(api.Document())
	if err != nil {
		t.Fatal(err)
	}
	var all []route
	for path, item := range doc.Paths.Map() {
		if !strings.HasPrefix(path, "/api/souk/v1/") {
			continue
		}
		for method, op := range item.Operations() {
			r := route{method: method, path: path}
			if a, ok := op.Extensions["x-action"].(string); ok {
				r.action = access.Action(a)
			}
			if strings.Contains(path, "{id}") {
				r.noun = strings.Split(strings.TrimPrefix(path, "/api/souk/v1/"), "/")[0]
			}
			if op.Security != nil {
				for _, requirement := range *op.Security {
					r.public = r.public || len(requirement) == 0
				}
				r.public = r.public || len(*op.Security) == 0
			}
			all = append(all, r)
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].path+all[i].method < all[j].path+all[j].method })
	if len(all) < 40 {
		t.Fatalf("the document has only %d operations", len(all))
	}
	return all
}

var requestID = regexp.MustCompile(`"request_id":"[^"]*"`)

// with fills the path with an id; class and person are fixed.
func (r route) with(id, person string) string {
	return strings.NewReplacer("{id}", id, "{class}", "base", "{person}", person).Replace(r.path)
}

// strange is an id of the same form that nothing has.
func strange(id string) string {
	if strings.HasPrefix(id, "CS") {
		return id[:12] + "ZZZZZ"
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '8' || r >= 'a' && r <= 'e':
			return r + 1
		}
		return r
	}, id)
}

// On every route, an outsider's call with a real id of somebody else answers byte for byte like one with an unknown
// id, and changes nothing; nobody without a token gets further than 401.
func TestForeignIdsAnswerLikeUnknownOnes(t *testing.T) {
	for _, engine := range Engines {
		t.Run(string(engine), func(t *testing.T) {
			s := setScene(t, Start(t, engine))
			outsiders := map[string][]string{
				"products":        {"buyer2", "beichen"}, // on sale, hence readable: see below
				"sellers":         {"buyer", "buyer2", "beichen"},
				"orders":          {"buyer2", "beichen"},
				"instances":       {"buyer2", "beichen"},
				"attempts":        {"buyer2", "beichen"},
				"companies":       {"buyer2", "beichen", "yunfan"},
				"top-ups":         {"buyer2", "beichen", "buyer"},
				"revisions":       {"buyer2", "beichen"},
				"refund-requests": {"buyer2", "beichen", "yunfan"},
				"receivers":       {"buyer", "buyer2", "beichen"},
				"lab":             {"buyer", "buyer2", "beichen"},
			}
			before := s.state()
			checked := 0
			for _, r := range routes(t) {
				body := bodies[r.method+" "+r.path]
				if !r.public {
					if reply := s.Call("", r.method, r.with(s.ids[r.noun], "p"), body); reply.Status != http.StatusUnauthorized {
						t.Errorf("%s %s without a token: %d %s", r.method, r.path, reply.Status, reply.Text)
					}
				}
				if r.noun == "" || r.noun == "products" && (r.method == "GET" || strings.HasSuffix(r.path, "/ratings")) {
					continue // what is on sale is everybody's to see
				}
				id := s.ids[r.noun]
				for _, who := range outsiders[r.noun] {
					real := s.Call(who, r.method, r.with(id, "p"), body)
					unknown := s.Call(who, r.method, r.with(strange(id), "p"), body)
					a, b := requestID.ReplaceAllString(real.Text, ""), requestID.ReplaceAllString(unknown.Text, "")
					if real.Status < 400 || real.Status != unknown.Status || a != b {
						t.Errorf("%s %s as %s:\nforeign %d %s\nunknown %d %s", r.method, r.path, who, real.Status, real.Text, unknown.Status, unknown.Text)
					}
					checked++
				}
			}
			if after := s.state(); before != after {
				t.Errorf("outsiders changed something:\n%s\n%s", before, after)
			}
			if checked < 50 {
				t.Errorf("only %d calls were compared", checked)
			}
		})
	}
}

// state is what the owner sees of the scene.
func (s scene) state() string {
	var b strings.Builder
	for _, path := range []string{"/products/" + s.ids["products"], "/orders/" + s.ids["orders"], "/instances/" + s.ids["instances"]} {
		b.WriteString(s.Do("buyer", "GET", "/api/souk/v1"+path, "").Text)
	}
	b.WriteString(s.Do("operator", "GET", "/api/souk/v1/ledger/accounts", "").Text)
	return b.String()
}

// Every documented operation is served: whoever may use it never hears that the route does not exist.
func TestEveryDocumentedRouteIsServed(t *testing.T) {
	s := setScene(t, Start(t, "sqlite"))
	for _, r := range routes(t) {
		served := false
		var last Reply
		for _, who := range []string{"operator", "yunfan", "buyer"} {
			// An unknown id: nothing is changed, and the answer names the noun, not the route.
			last = s.Call(who, r.method, r.with(strange("00000000-0000-7000-8000-000000000000"), "p"), bodies[r.method+" "+r.path])
			if last.Status != http.StatusMethodNotAllowed && !strings.Contains(last.Text, "no such route") && !strings.Contains(last.Text, "no such page") {
				served = true
				break
			}
		}
		if !served {
			t.Errorf("%s %s is documented and not served: %d %s", r.method, r.path, last.Status, last.Text)
		}
	}
}

// What each role may do, as far as it shows on the routes: 403 for a role that may not, whatever the id.
func TestRolesOnTheRoutes(t *testing.T) {
	s := setScene(t, Start(t, "sqlite"))
	cases := []struct {
		login, method, path string
		status              int
	}{
		{"viewer", "POST", "/orders/" + s.ids["orders"] + "/pay", 403},
		{"viewer", "GET", "/orders/" + s.ids["orders"], 200},
		{"buyer", "POST", "/products/" + s.ids["products"] + "/approve", 403},
		{"yunfan", "POST", "/products/" + s.ids["products"] + "/approve", 403},
		{"buyer", "POST", "/attempts/" + s.ids["attempts"] + "/restart", 403},
		{"buyer", "GET", "/attempts/" + s.ids["attempts"], 200},
		{"yunfan", "GET", "/instances/" + s.ids["instances"], 200},
		{"finance", "GET", "/ledger/accounts", 200},
		{"yunfan", "GET", "/ledger/accounts", 200},
		{"buyer", "GET", "/notices", 200},
	}
	for _, c := range cases {
		if r := s.Call(c.login, c.method, "/api/souk/v1"+c.path, ""); r.Status != c.status {
			t.Errorf("%s %s as %s: %d, want %d: %s", c.method, c.path, c.login, r.Status, c.status, r.Text)
		}
	}
	for _, path := range []string{"/companies/" + s.ids["companies"] + "/top-up"} {
		if r := s.Call("buyer", "POST", "/api/souk/v1"+path, `{"amount":"5.00"}`); r.Status != 403 {
			t.Errorf("a buyer tops itself up: %d %s", r.Status, r.Text)
		}
	}
	seen := s.Do("buyer", "GET", "/api/souk/v1/attempts/"+s.ids["attempts"], "")
	if seen.String("request") != "" || seen.String("response") != "" {
		t.Error("a buyer sees the bytes of a call")
	}
	if r := s.Do("yunfan", "GET", "/api/souk/v1/attempts/"+s.ids["attempts"], ""); !strings.Contains(r.String("request"), "/not-started-yet?activity=newInstance&") {
		t.Errorf("the seller does not see what was sent: %q", r.String("request"))
	}
}

// Every role of every kind of company on every route that names its action: refused with 403 exactly when the one
// table says so. The ids are unknown, so that nothing is changed by those who may.
func TestEveryRoleOnEveryRoute(t *testing.T) {
	m := Start(t, "sqlite")
	checked, refused := 0, 0
	var all []route
	for _, r := range routes(t) {
		if r.action != "" {
			if !slices.Contains(access.Actions(), r.action) {
				t.Errorf("%s %s names the action %q, which is none", r.method, r.path, r.action)
			}
			all = append(all, r)
		} else if !r.public {
			t.Logf("%s %s names no x-action in the document: not checked here", r.method, r.path)
		}
	}
	for kind, roles := range access.Roles {
		for _, role := range roles {
			login := m.personWith(kind, role)
			a := access.Actor{PersonID: "x", CompanyID: "x", CompanyKind: kind, Roles: []access.Role{role}}
			for _, r := range all {
				body := bodies[r.method+" "+r.path]
				if strings.HasPrefix(r.path, "/api/souk/v1/sandbox/") {
					body = `{"advance":"0s"}`
				}
				reply := m.Call(login, r.method, r.with("00000000-0000-7000-8000-000000000000", "p"), body)
				// A fine that is not about the role: two people for money, a foreign noun.
				if got, want := reply.Status == http.StatusForbidden && reply.String("error.code") == "forbidden", !access.Can(a, r.action); got != want {
					t.Errorf("%s %s as %s: %d %s; may: %v", r.method, r.path, role, reply.Status, reply.Text, !want)
				}
				checked++
				if reply.Status == http.StatusForbidden {
					refused++
				}
			}
		}
	}
	if checked < 14*50 || refused < 100 || checked == refused {
		t.Errorf("%d calls, %d refused", checked, refused)
	}
}

// personWith makes a company with one person of a role, and gives its login.
func (m *Market) personWith(kind party.Kind, role access.Role) string {
	m.t.Helper()
	login := "only-" + string(role)
	err := m.Program.Kernel.Change(m.t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		c, err := m.Program.People.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: kind, Name: login})
		if err != nil {
			return err
		}
		p, err := m.Program.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: c.ID, Login: login, Name: login, PasswordHash: "none", Roles: []access.Role{role}})
		if err != nil {
			return err
		}
		secret, err := m.Program.People.IssueToken(ctx, tx, kernel.System, c.ID, p.ID, "test", time.Hour)
		m.People.Accounts = append(m.People.Accounts, demo.Account{Login: login, CompanyID: c.ID, Token: secret})
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	return login
}

var publicKey = sync.OnceValue(func() string {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		panic(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
})

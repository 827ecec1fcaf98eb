package markettest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

// subUser makes a person of yunfan with these roles and gives it products.
func (m *Market) subUser(login string, roles []access.Role, products ...string) (id string) {
	m.t.Helper()
	company := m.Account("yunfan").CompanyID
	err := m.Program.Kernel.Change(m.t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		p, err := m.Program.People.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: company, Login: login, Name: login, PasswordHash: "none", Roles: roles})
		id = p.ID
		return err
	})
	if err != nil {
		m.t.Fatal(err)
	}
	secret, err := m.issue(company, id)
	if err != nil {
		m.t.Fatal(err)
	}
	m.People.Accounts = append(m.People.Accounts, demo.Account{Login: login, CompanyID: company, Token: secret})
	for _, product := range products {
		m.Do("yunfan", "PUT", "/api/souk/v1/products/"+product+"/grants/"+id, "")
	}
	return id
}

// things are what hangs on a product: the product itself, an order, its instance, a call and a revision.
func (s scene) things(product, offer string) map[string]string {
	s.t.Helper()
	ids := map[string]string{"products": product}
	ids["orders"] = s.Place(offer, 1)
	ids["instances"] = s.Do("buyer", "POST", "/api/souk/v1/orders/"+ids["orders"]+"/pay", "").String("lines.0.instance_id")
	for ids["attempts"] == "" {
		if s.t.Context().Err() != nil {
			s.t.Fatal("no attempt was made")
		}
		ids["attempts"] = s.Do("yunfan", "GET", "/api/souk/v1/attempts?order="+ids["orders"], "").String("items.0.id")
	}
	ids["revisions"] = s.Do("yunfan", "POST", "/api/souk/v1/products/"+product+"/revisions", "").String("id")
	return ids
}

// A sub-user who is limited to some products: on every route of the document, whatever hangs on another product of the
// company answers byte for byte like an unknown id, lists leave it out, and what was given is there. // spec: 20 A6
func TestALimitedSubUserKnowsItsProductsAlone(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		s := setScene(t, m)
		named := map[string]string{}
		for _, p := range m.Do("yunfan", "GET", "/api/souk/v1/products", "").Body["items"].([]any) {
			named[p.(map[string]any)["name"].(string)] = p.(map[string]any)["id"].(string)
		}
		mineID := named[onceProduct]
		other := s.things(named[v1Product], m.Offer(v1Product, v1SKU, "month"))
		mine := s.things(mineID, m.Offer(onceProduct, "企业签章", "month"))
		all := []access.Role{access.ProductManager, access.Sales, access.Delivery, access.SellerSupport}
		person := m.subUser("limited", all, mineID)

		compared := 0
		for _, r := range routes(t) {
			id := other[r.noun]
			if id == "" || r.noun == "products" && (r.method == http.MethodGet || strings.HasSuffix(r.path, "/ratings")) {
				continue // what is on sale is everybody's to see
			}
			body := bodies[r.method+" "+r.path]
			real, unknown := m.Call("limited", r.method, r.with(id, "p"), body), m.Call("limited", r.method, r.with(strange(id), "p"), body)
			a, b := requestID.ReplaceAllString(real.Text, ""), requestID.ReplaceAllString(unknown.Text, "")
			if real.Status < 400 || real.Status != unknown.Status || a != b {
				t.Errorf("%s %s:\nnot given %d %s\nunknown   %d %s", r.method, r.path, real.Status, real.Text, unknown.Status, unknown.Text)
			}
			if r.method == http.MethodGet {
				if reply := m.Call("limited", r.method, r.with(mine[r.noun], "p"), ""); reply.Status != http.StatusOK {
					t.Errorf("%s %s of what was given: %d %s", r.method, r.path, reply.Status, reply.Text)
				}
			}
			compared++
		}
		if compared < 20 {
			t.Errorf("only %d routes were compared", compared)
		}
		for _, noun := range []string{"orders", "instances", "attempts", "revisions", "notices"} {
			text := m.Do("limited", "GET", "/api/souk/v1/"+noun, "").Text
			given, hidden := mine[noun], other[noun]
			if noun == "notices" {
				given, hidden = mine["orders"], other["orders"]
			}
			if strings.Contains(text, hidden) || !strings.Contains(text, given) {
				t.Errorf("the list of %s: %s", noun, text)
			}
		}
		// What is about all products is refused, and what was given can be acted on.
		seller := s.ids["sellers"]
		for method, path := range map[string]string{"POST": "/access-keys", "PUT": "/keys/base"} {
			if r := m.Call("limited", method, "/api/souk/v1/sellers/"+seller+path, ""); r.Status != http.StatusForbidden || r.String("error.code") != "limited" {
				t.Errorf("%s %s: %d %s", method, path, r.Status, r.Text)
			}
		}
		address := func(product string) Reply {
			return m.Call("limited", "PUT", "/api/souk/v1/sellers/"+seller+"/production-address", fmt.Sprintf(`{"address":"http://127.0.0.1:9/mine","product_id":%q}`, product))
		}
		if a, b, c := address(mineID), address(other["products"]), address(""); a.Status != 200 || b.Status != 404 || c.Status != 403 {
			t.Errorf("addresses: %d %d %d", a.Status, b.Status, c.Status)
		}
		// A product of its own making is its own.
		made := m.Do("limited", "POST", "/api/souk/v1/revisions", "").String("id")
		m.Do("limited", "GET", "/api/souk/v1/revisions/"+made, "")

		// Taken back it is unknown at once; seeing all, everything is there.
		m.Do("yunfan", "DELETE", "/api/souk/v1/products/"+mineID+"/grants/"+person, "")
		if r := m.Call("limited", "GET", "/api/souk/v1/orders/"+mine["orders"], ""); r.Status != 404 {
			t.Errorf("after taking it back: %d", r.Status)
		}
		m.Do("yunfan", "PUT", "/api/souk/v1/companies/"+seller+"/people/"+person+"/limit", `{"limited":false}`)
		for _, ids := range []map[string]string{mine, other} {
			m.Do("limited", "GET", "/api/souk/v1/orders/"+ids["orders"], "")
		}
		// Finance and administrators are never limited; whoever becomes one no longer is.
		if r := m.Call("yunfan", "PUT", "/api/souk/v1/companies/"+seller+"/people/"+m.subUser("money", []access.Role{access.SellerFinance})+"/limit", `{"limited":true}`); r.Status != 422 {
			t.Errorf("finance limited: %d %s", r.Status, r.Text)
		}
		m.Do("yunfan", "PUT", "/api/souk/v1/companies/"+seller+"/people/"+person+"/limit", `{"limited":true}`)
		m.Do("yunfan", "PUT", "/api/souk/v1/companies/"+seller+"/people/"+person+"/roles", `{"roles":["seller.administrator"]}`)
		m.Do("limited", "GET", "/api/souk/v1/orders/"+other["orders"], "")
	})
}

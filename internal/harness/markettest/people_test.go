package markettest

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/harness/demo"
)

const longPassword = "planted correct horse"

// register takes a company through registration and gives its owner a token of the API, under the address.
func (m *Market) register(kind, email string) (company, person string) {
	m.t.Helper()
	m.Do("", "POST", "/api/souk/v1/registrations", fmt.Sprintf(`{"kind":%q,"company":"新公司","name":"新人","email":%q,"password":%q,"accept_agreement":true}`, kind, email, longPassword))
	r := m.Do("", "POST", "/api/souk/v1/registrations/verify", fmt.Sprintf(`{"token":%q,"password":%q}`, m.Link(email), longPassword))
	company, person = r.String("company.id"), r.String("person.id")
	m.token(email, company, person)
	return company, person
}

// token makes a token as the person itself would on a page.
func (m *Market) token(login, company, person string) {
	m.t.Helper()
	secret, err := m.issue(company, person)
	if err != nil {
		m.t.Fatal(err)
	}
	m.People.Accounts = append(m.People.Accounts, demo.Account{Login: login, CompanyID: company, Token: secret})
}

// From an empty address to a company with people: registration, invitation, roles, tokens, the end of a person.
func TestPeopleOverTheAPI(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		company, owner := m.register("buyer", "owner@new.example")
		me := m.Do("owner@new.example", "GET", "/api/souk/v1/me", "")
		if me.String("id") != owner || me.String("company.name") != "新公司" || me.String("roles.0") != "buyer.owner" {
			t.Errorf("%s", me.Text)
		}
		people := "/api/souk/v1/companies/" + company
		m.Do("owner@new.example", "POST", people+"/invitations", `{"email":"sub@new.example","roles":["buyer.viewer"],"language":"en"}`)
		if r := m.Do("owner@new.example", "GET", people+"/invitations", ""); r.String("items.0.email") != "sub@new.example" {
			t.Errorf("%s", r.Text)
		}
		sub := m.Do("", "POST", "/api/souk/v1/invitations/accept", fmt.Sprintf(`{"token":%q,"name":"Sub","password":%q}`, m.Link("sub@new.example"), longPassword)).String("id")
		m.token("sub@new.example", company, sub)
		if r := m.Call("sub@new.example", "POST", people+"/invitations", `{"email":"x@new.example","roles":["buyer.owner"]}`); r.Status != 403 {
			t.Errorf("a viewer invites: %d %s", r.Status, r.Text)
		}
		if r := m.Call("owner@new.example", "PUT", people+"/people/"+owner+"/roles", `{"roles":["buyer.viewer"]}`); r.Status != 422 || r.String("error.code") != "last_owner" {
			t.Errorf("the last owner steps down: %d %s", r.Status, r.Text)
		}
		m.Do("owner@new.example", "PUT", people+"/people/"+sub+"/roles", `{"roles":["buyer.purchaser"]}`)
		m.Do("owner@new.example", "PUT", people+"/people/"+sub, `{"name":"Sub the second","mobile":"13800138000"}`)
		m.Do("owner@new.example", "PUT", "/api/souk/v1/me", `{"name":"Owner","language":"en-US"}`)
		if r := m.Call("sub@new.example", "PUT", people+"/people/"+owner, `{"name":"x"}`); r.Status != 403 {
			t.Errorf("a purchaser renames the owner: %d %s", r.Status, r.Text)
		}
		list := m.Do("owner@new.example", "GET", people+"/people?limit=1", "")
		next := m.Do("owner@new.example", "GET", people+"/people?limit=1&page="+list.String("next"), "")
		if list.String("items.0.login") != "owner@new.example" || list.String("items.0.name") != "Owner" || next.String("items.0.name") != "Sub the second" || next.String("items.0.roles.0") != "buyer.purchaser" || next.String("next") != "" {
			t.Errorf("%s\n%s", list.Text, next.Text)
		}
		m.Do("owner@new.example", "POST", people+"/people/"+sub+"/disable", "")
		if r := m.Call("sub@new.example", "GET", "/api/souk/v1/me", ""); r.Status != 401 {
			t.Errorf("switched off and let in: %d", r.Status)
		}
		m.Do("owner@new.example", "POST", people+"/people/"+sub+"/enable", "")
		m.Do("sub@new.example", "GET", "/api/souk/v1/me", "")
		m.Do("owner@new.example", "DELETE", people+"/people/"+sub, "")
		if r := m.Call("sub@new.example", "GET", "/api/souk/v1/me", ""); r.Status != 401 {
			t.Errorf("removed and let in: %d", r.Status)
		}

		// A token: narrowed, used, shown once also to a repeated request, revoked.
		made := m.CallKey("owner@new.example", "POST", "/api/souk/v1/me/tokens", `{"name":"nightly","days":7,"scope":["order.read","account.read"]}`, "key-1")
		again := m.CallKey("owner@new.example", "POST", "/api/souk/v1/me/tokens", `{"name":"nightly","days":7,"scope":["order.read","account.read"]}`, "key-1")
		if made.Status != 201 || made.Text != again.Text || made.String("token") == "" {
			t.Errorf("%s\n%s", made.Text, again.Text)
		}
		m.People.Accounts = append(m.People.Accounts, demo.Account{Login: "nightly", Token: made.String("token")})
		m.Do("nightly", "GET", "/api/souk/v1/orders", "")
		if r := m.Call("nightly", "GET", "/api/souk/v1/instances", ""); r.Status != 403 {
			t.Errorf("out of scope: %d %s", r.Status, r.Text)
		}
		tokens := m.Do("nightly", "GET", "/api/souk/v1/me/tokens", "")
		if tokens.String("items.0.name") != "nightly" || tokens.String("items.0.used_at") == "" || tokens.String("items.0.scope.0") != "order.read" || strings.Contains(tokens.Text, made.String("token")) {
			t.Errorf("%s", tokens.Text)
		}
		m.Do("owner@new.example", "DELETE", "/api/souk/v1/me/tokens/"+tokens.String("items.0.id"), "")
		if r := m.Call("nightly", "GET", "/api/souk/v1/orders", ""); r.Status != 401 {
			t.Errorf("revoked and let in: %d", r.Status)
		}
		if r := m.Call("operator", "POST", people+"/people/"+owner+"/tokens", `{"name":"mine"}`); r.Status != 404 {
			t.Errorf("an operator makes a token that acts as a buyer: %d %s", r.Status, r.Text)
		}
	})
}

// Passwords, the second factor, sessions and their history over the API.
func TestAnAccountOverTheAPI(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		who := "owner@new.example"
		m.register("seller", who)
		if r := m.Call(who, "POST", "/api/souk/v1/me/totp", `{"password":"not it at all"}`); r.Status != 400 || r.String("error.fields.password") == "" {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		e := m.Do(who, "POST", "/api/souk/v1/me/totp", fmt.Sprintf(`{"password":%q}`, longPassword))
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(e.String("qr"), "data:image/png;base64,"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := png.Decode(bytes.NewReader(raw)); err != nil {
			t.Errorf("the picture: %v", err)
		}
		code, err := totp.GenerateCode(e.String("seed"), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		codes := m.Do(who, "POST", "/api/souk/v1/me/totp/confirm", fmt.Sprintf(`{"code":%q}`, code))
		if r := m.Call(who, "POST", "/api/souk/v1/me/totp/confirm", fmt.Sprintf(`{"code":%q}`, code)); r.Status != 409 {
			t.Errorf("confirmed twice: %d %s", r.Status, r.Text)
		}
		o, err := m.Program.People.SignIn(t.Context(), who, longPassword)
		if err != nil || o.Stage != "code" {
			t.Fatalf("%+v %v", o, err)
		}
		o, err = m.Program.People.GiveCode(t.Context(), o.Session, codes.String("recovery_codes.0"))
		if err != nil {
			t.Fatal(err)
		}
		if r := m.Do(who, "GET", "/api/souk/v1/me", ""); r.Body["totp"] != true || r.Body["recovery_codes_left"] != 9.0 {
			t.Errorf("%s", r.Text)
		}
		sessions := m.Do(who, "GET", "/api/souk/v1/me/sessions", "")
		m.Do(who, "DELETE", "/api/souk/v1/me/sessions/"+sessions.String("items.0.id"), "")
		if _, _, err := m.Program.People.BySession(t.Context(), o.Session); err == nil {
			t.Error("a session that was ended is open")
		}
		if r := m.Do(who, "DELETE", "/api/souk/v1/me/sessions", ""); r.Body["ended"] != 0.0 {
			t.Errorf("%s", r.Text)
		}
		if r := m.Do(who, "GET", "/api/souk/v1/me/sign-ins?limit=1", ""); r.String("items.0.way") != "recovery_code" || r.String("next") == "" {
			t.Errorf("%s", r.Text)
		}
		m.Do(who, "POST", "/api/souk/v1/me/totp/disable", fmt.Sprintf(`{"password":%q,"code":%q}`, longPassword, codes.String("recovery_codes.1")))
		m.Do(who, "PUT", "/api/souk/v1/me/password", fmt.Sprintf(`{"old_password":%q,"password":"a wholly new sentence"}`, longPassword))
		m.Do("", "POST", "/api/souk/v1/password-resets", fmt.Sprintf(`{"login":%q}`, who))
		link := m.Link(who)
		m.Do("", "POST", "/api/souk/v1/password-resets/confirm", fmt.Sprintf(`{"token":%q,"password":"yet another sentence"}`, link))
		if r := m.Call("", "POST", "/api/souk/v1/password-resets/confirm", fmt.Sprintf(`{"token":%q,"password":"yet another sentence"}`, link)); r.Status != 422 || r.String("error.code") != "link_dead" {
			t.Errorf("a link is good once: %d %s", r.Status, r.Text)
		}
	})
}

// What anybody may send: every wrong member is named, and known and unknown addresses answer byte for byte alike.
func TestOpenDoorsTellNothing(t *testing.T) {
	m := Start(t, "sqlite")
	m.register("buyer", "li@new.example")
	for path, body := range map[string]string{
		"registrations":        `{"kind":"buyer","company":"c","name":"n","email":%q,"password":"a long sentence","accept_agreement":true}`,
		"registrations/resend": `{"email":%q}`,
		"password-resets":      `{"login":%q}`,
	} {
		known := m.Call("", "POST", "/api/souk/v1/"+path, fmt.Sprintf(body, "li@new.example"))
		unknown := m.Call("", "POST", "/api/souk/v1/"+path, fmt.Sprintf(body, "nobody-"+strings.ReplaceAll(path, "/", "")+"@new.example"))
		if known.Status != 202 || known.Status != unknown.Status || known.Text != unknown.Text {
			t.Errorf("%s: %d %s, %d %s", path, known.Status, known.Text, unknown.Status, unknown.Text)
		}
	}
	for _, c := range []struct {
		body   string
		status int
		field  string
	}{
		{`{"kind":1,"company":"c","name":"n","email":"a@b.example","password":"a long sentence","accept_agreement":true}`, 400, "kind"},
		{`{"kind":"operator","company":"c","name":"n","email":"a@b.example","password":"a long sentence","accept_agreement":true}`, 400, "kind"},
		{`{"kind":"buyer","company":["c"],"name":"n","email":"a@b.example","password":"a long sentence","accept_agreement":true}`, 400, "company"},
		{`{"kind":"buyer","company":"c","name":"` + strings.Repeat("名", 65) + `","email":"a@b.example","password":"a long sentence","accept_agreement":true}`, 400, "name"},
		{`{"kind":"buyer","company":"c","name":"n","email":"<script>","password":"a long sentence","accept_agreement":true}`, 400, "email"},
		{`{"kind":"buyer","company":"c","name":"n","email":"a@b.example","password":"password","accept_agreement":true}`, 400, "password"},
		{`{"kind":"buyer","company":"c","name":"n","email":"a@b.example","password":"a long sentence","accept_agreement":"yes"}`, 400, "accept_agreement"},
		{`{"kind":"buyer","company":"c","name":"n` + "\xff" + `","email":"a@b.example","password":"a long sentence","accept_agreement":true}`, 400, ""},
		{`{"kind":"buyer","kind":"seller"}`, 400, "kind"},
	} {
		if r := m.Call("", "POST", "/api/souk/v1/registrations", c.body); r.Status != c.status || c.field != "" && r.String("error.fields."+c.field) == "" {
			t.Errorf("%s: %d %s", c.body, r.Status, r.Text)
		}
	}
	refused := 0
	for range 40 {
		if r := m.Call("", "POST", "/api/souk/v1/registrations/verify", `{"token":"souklnk_guess","password":"x"}`); r.Status == 429 {
			refused++
		} else if r.Status != 422 {
			t.Errorf("%d %s", r.Status, r.Text)
		}
	}
	if refused == 0 {
		t.Error("forty guesses at links went through")
	}
}

// The log over the API: found, kept apart, exported, proved; and a hand on the table is told.
func TestTheAuditLogOverTheAPI(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		order := m.Place(m.Offer(v1Product, v1SKU, "month"), 1)
		m.Do("buyer", "POST", "/api/souk/v1/orders/"+order+"/pay", "")
		r := m.Do("operator", "GET", "/api/souk/v1/audit?noun="+order, "")
		if r.String("items.0.action") != "order.pay" || r.String("items.1.action") != "order.place" || r.String("items.0.company") != m.Account("buyer").CompanyID {
			t.Errorf("%s", r.Text)
		}
		if own := m.Do("buyer", "GET", "/api/souk/v1/audit?limit=1", ""); own.String("items.0.noun") != order || own.String("next") == "" {
			t.Errorf("%s", own.Text)
		}
		if other := m.Do("buyer2", "GET", "/api/souk/v1/audit?noun="+order, ""); len(other.Body["items"].([]any)) != 0 {
			t.Errorf("another company sees it: %s", other.Text)
		}
		for _, path := range []string{"/audit/export", "/audit/verify"} {
			if r := m.Call("buyer", "GET", "/api/souk/v1"+path, ""); r.Status != 403 {
				t.Errorf("%s as a buyer: %d %s", path, r.Status, r.Text)
			}
		}
		if r := m.Call("operator", "GET", "/api/souk/v1/audit?from=yesterday", ""); r.Status != 400 || r.String("error.fields.from") == "" {
			t.Errorf("%s", r.Text)
		}
		if csv := m.Do("operator", "GET", "/api/souk/v1/audit/export?action=order.pay", ""); !strings.HasPrefix(csv.Text, "at,actor,company,action,noun,detail,id,seq,hash\n") || !strings.Contains(csv.Text, order) {
			t.Errorf("%s", csv.Text)
		}
		if _, err := m.Program.Audit.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		whole := m.Do("operator", "GET", "/api/souk/v1/audit/verify", "")
		if whole.Body["whole"] != true || whole.Body["rows"].(float64) < 10 {
			t.Errorf("%s", whole.Text)
		}
		head := whole.Body["head"].(map[string]any)
		m.sql(`UPDATE audit SET detail = '0.01' WHERE noun_id = $1`, order)
		broken := m.Do("operator", "GET", fmt.Sprintf("/api/souk/v1/audit/verify?head=%.0f:%s", head["seq"], head["hash"]), "")
		if broken.Body["whole"] != false || broken.String("faults.0.what") != "changed" {
			t.Errorf("%s", broken.Text)
		}
	})
}

// What people are proved by stands nowhere in clear: not in the database, not in the log, not in the audit log.
// (It stands in the outbox's files, which are the mails.)
func TestPlantedSecretsOfPeopleAreNowhereInClear(t *testing.T) {
	m := Start(t, "sqlite")
	who := "owner@new.example"
	company, person := m.register("buyer", who)
	secrets := []string{longPassword, m.Account(who).Token, m.Link(who)}
	plant := func(s string) { secrets = append(secrets, s) }
	key := m.CallKey(who, "POST", "/api/souk/v1/me/tokens", `{"name":"with a key"}`, "key")
	plant(key.String("token"))
	e := m.Do(who, "POST", "/api/souk/v1/me/totp", fmt.Sprintf(`{"password":%q}`, longPassword))
	plant(e.String("seed"))
	code, err := totp.GenerateCode(e.String("seed"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range m.Do(who, "POST", "/api/souk/v1/me/totp/confirm", fmt.Sprintf(`{"code":%q}`, code)).Body["recovery_codes"].([]any) {
		plant(c.(string))
		plant(strings.ReplaceAll(c.(string), "-", ""))
	}
	m.Do("", "POST", "/api/souk/v1/password-resets", fmt.Sprintf(`{"login":%q}`, who))
	// The mail lies in the outbox and is not sent yet.
	database := func() map[string]string {
		file := strings.TrimPrefix(m.Program.Config.Database, "sqlite:")
		out := map[string]string{"the log": m.Log.String(), "the audit log": m.Do("operator", "GET", "/api/souk/v1/audit/export", "").Text}
		for _, name := range []string{file, file + "-wal"} {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.Base(name)] = string(b)
		}
		return out
	}
	before := database()
	plant(m.Link(who))
	m.Do(who, "POST", "/api/souk/v1/companies/"+company+"/invitations", `{"email":"sub@new.example","roles":["buyer.viewer"]}`)
	plant(m.Link("sub@new.example"))
	m.Do("", "POST", "/api/souk/v1/password-resets/confirm", fmt.Sprintf(`{"token":%q,"password":"planted second sentence"}`, secrets[len(secrets)-2]))
	plant("planted second sentence")
	o, err := m.Program.People.SignIn(t.Context(), who, "planted second sentence")
	if err != nil {
		t.Fatal(err)
	}
	plant(o.Session)
	ak := m.CallKey("yunfan", "POST", "/api/souk/v1/sellers/"+m.Account("yunfan").CompanyID+"/access-keys", "", "key")
	plant(ak.String("secret_access_key"))
	if len(secrets) < 25 {
		t.Fatalf("only %d secrets are looked for: %s", len(secrets), person)
	}
	for name, text := range before {
		if len(text) == 0 {
			t.Errorf("%s is empty: nothing was looked at", name)
		}
	}
	for _, places := range []map[string]string{before, database()} {
		for name, text := range places {
			for _, s := range secrets {
				if s == "" || strings.Contains(text, s) {
					t.Errorf("%s holds %q in clear", name, s)
				}
			}
		}
	}
}

// An address or key that is not UTF-8, or holds U+0000, is refused by name, on both engines.
func TestBrokenTextInAddresses(t *testing.T) {
	each(t, func(t *testing.T, m *Market) {
		for path, field := range map[string]string{
			"/orders/%ff": "path", "/orders/%00": "path", "/companies/%00/people": "path", "/orders?status=%ff": "status", "/audit?actor=%ff": "actor", "/audit?noun=a%00b": "noun", "/me/tokens?%ff=1": "",
		} {
			if r := m.Call("operator", "GET", "/api/souk/v1"+path, ""); r.Status != 400 || r.Body["error"].(map[string]any)["fields"].(map[string]any)[field] == nil {
				t.Errorf("%s: %d %s", path, r.Status, r.Text)
			}
		}
		if r := m.CallKey("buyer", "POST", "/api/souk/v1/me/tokens", `{"name":"x"}`, "k\xffy"); r.Status != 400 || r.String("error.fields.Idempotency-Key") == "" {
			t.Errorf("%d %s", r.Status, r.Text)
		}
		if _, err := m.Program.People.SignIns(t.Context(), access.Actor{PersonID: "\xff", CompanyID: "x", CompanyKind: access.Buyer, Roles: []access.Role{access.Viewer}}, "", 1); err != nil && fault.KindOf(err) != fault.Invalid {
			t.Errorf("what comes through to the database: %v", err)
		}
	})
}

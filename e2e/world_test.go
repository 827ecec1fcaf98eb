package e2e

import (
	"fmt"
	"html"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/harness/demo"
	"github.com/souk-market/souk/internal/harness/markettest"
	"github.com/souk-market/souk/internal/harness/sellersim"
	"github.com/souk-market/souk/isv"
)

const api = "/api/souk/v1"

// world is a running marketplace with its sellers' servers, in which everything that a page can show has happened.
type world struct {
	*markettest.Market
	t       *testing.T
	v1, v2  *sellersim.Sim
	ids     map[string]string // what was made → its id
	at      map[string]string // protocol → the address of its seller's server
	product string            // a product of yunfan's on sale
	offer   string            // one of its offers, by the month and by number
}

// newWorld starts the marketplace and both sellers; nothing has been bought yet.
func newWorld(t *testing.T) *world { t.Helper(); return newWorldOn(t, 0) }

// newWorldOn starts it on one of the engines.
func newWorldOn(t *testing.T, engine int) *world {
	t.Helper()
	w := &world{Market: markettest.Start(t, markettest.Engines[engine]), t: t, ids: map[string]string{}, at: map[string]string{}}
	start := func(protocol isv.Generation) *sellersim.Sim {
		s := w.People.Seller(string(protocol))
		sim, err := sellersim.New(sellersim.Options{Protocol: protocol, Key: s.Keys["base"], GeneralKey: s.Keys["general"], Dir: t.TempDir(), Volatile: true})
		if err != nil {
			t.Fatal(err)
		}
		srv := httptest.NewServer(sim)
		t.Cleanup(func() { srv.Close(); _ = sim.Close() })
		sim.SetBaseURL(srv.URL)
		w.at[string(protocol)] = srv.URL + sellersim.PathProduce
		if err := demo.Register(t.Context(), w.Program, s, srv.URL+sellersim.PathProduce, srv.URL+sellersim.PathNotify); err != nil {
			t.Fatal(err)
		}
		return sim
	}
	w.v1, w.v2 = start(isv.V1), start(isv.V2)
	w.offer = w.sells("云帆协同办公", 0, "month")
	for _, item := range w.Do("", "GET", api+"/products", "").Body["items"].([]any) {
		if p := item.(map[string]any); p["name"] == "云帆协同办公" {
			w.product = p["id"].(string)
		}
	}
	return w
}

// sells finds an offer of a product's n-th specification by the length of its term.
func (w *world) sells(product string, sku int, period string) string {
	w.t.Helper()
	for _, item := range w.Do("", "GET", api+"/products", "").Body["items"].([]any) {
		p := item.(map[string]any)
		if p["name"] != product {
			continue
		}
		for _, o := range p["skus"].([]any)[sku].(map[string]any)["offers"].([]any) {
			if o := o.(map[string]any); o["period_type"] == period {
				return o["product_id"].(string)
			}
		}
	}
	w.t.Fatalf("%s by %s is not on sale", product, period)
	return ""
}

// until asks again and again until something is so: the jobs run beside the test.
func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	late := time.After(time.Minute)
	for !so() {
		select {
		case <-look.C:
		case <-late:
			w.t.Fatalf("%s did not happen in a minute", what)
		}
	}
}

func (w *world) faults(sim *sellersim.Sim, faults ...string) {
	w.t.Helper()
	if err := sim.SetFaults(faults...); err != nil {
		w.t.Fatal(err)
	}
}

// buy places and pays an order and waits until a call stands in a state; it gives the order's id and the call's.
func (w *world) buy(offer string, quantity int, state string) (order, call string) {
	w.t.Helper()
	order = w.Place(offer, quantity)
	w.Do("buyer", "POST", api+"/orders/"+order+"/pay", "")
	w.until("a call of "+order+" that is "+state, func() bool {
		a := w.Do("operator", "GET", api+"/attempts?activity=newInstance&order="+order, "")
		call = a.String("items.0.id")
		return a.String("items.0.state") == state
	})
	return order, call
}

// fill makes everything happen that a page can show.
func (w *world) fill() *world {
	w.t.Helper()
	w.ids["completed"], w.ids["success"] = w.buy(w.offer, 3, "success")
	w.until("the order to be completed", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+w.ids["completed"], "").String("status") == "COMPLETED"
	})
	w.ids["instance"] = w.Do("buyer", "GET", api+"/orders/"+w.ids["completed"], "").String("lines.0.instance_id")
	w.ids["v2"], _ = w.buy(w.sells("北辰经营看板", 0, "year"), 12, "success")

	// A seller that fails for good: the order comes back.
	w.faults(w.v1, "status=500@newInstance")
	w.ids["refunded"], w.ids["retried"] = w.buy(w.sells("云帆电子签章", 1, "month"), 1, "retrying")
	w.Advance(4 * time.Hour)
	w.until("the refund", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+w.ids["refunded"], "").String("lines.0.status") == "REFUNDED"
	})
	// A renewal that the seller never takes: its call waits for somebody.
	w.faults(w.v1, "status=500@refreshInstance")
	w.ids["renewal"] = w.Do("buyer", "POST", api+"/instances/"+w.ids["instance"]+"/renew", `{"period_number":2}`).String("id")
	w.Do("buyer", "POST", api+"/orders/"+w.ids["renewal"]+"/pay", "")
	w.Advance(2 * time.Hour)
	w.until("the refresh to fail for good", func() bool {
		a := w.Do("operator", "GET", api+"/attempts?state=failed&activity=refreshInstance", "")
		w.ids["failed"] = a.String("items.0.id")
		return w.ids["failed"] != ""
	})
	w.faults(w.v1)
	trial := w.Do("buyer", "POST", api+"/orders", fmt.Sprintf(`{"product_id":%q,"quantity":2,"accept_agreement":true,"trial":true}`, w.offer)).String("id")
	w.until("the trial to be open", func() bool {
		return w.Do("buyer", "GET", api+"/orders/"+trial, "").String("status") == "COMPLETED"
	})
	w.ids["trial"] = w.Do("buyer", "GET", api+"/orders/"+trial, "").String("lines.0.instance_id")
	// One that answers with a page and one that does not answer.
	w.faults(w.v1, "html@newInstance")
	w.ids["processing"], w.ids["html"] = w.buy(w.offer, 1, "retrying")
	w.faults(w.v1, "drop-after-act@newInstance")
	w.ids["unknown-order"], w.ids["unknown"] = w.buy(w.offer, 2, "unknown")
	w.faults(w.v1)
	w.ids["pending"] = w.Place(w.offer, 20)
	w.ids["canceled"] = w.Place(w.offer, 1)
	w.Do("buyer", "POST", api+"/orders/"+w.ids["canceled"]+"/cancel", "")

	// A refund that waits for an operator, and one that was rejected.
	w.Do("operator", "PUT", api+"/settings", `{"values":{"orders.large_refund_threshold":"0.01"}}`)
	w.ids["waiting"] = w.Do("buyer", "GET", api+"/orders/"+w.ids["v2"], "").String("lines.0.instance_id")
	for _, name := range []string{"refund-rejected", "refund-waiting"} {
		w.ids[name] = w.Do("buyer", "POST", api+"/instances/"+w.ids["waiting"]+"/unsubscribe", `{"reason":"<b>不需要了"}`).String("refund_request.id")
		if name == "refund-rejected" {
			w.Do("finance", "POST", api+"/refund-requests/"+w.ids[name]+"/reject", `{"reason":"<i>材料不全"}`)
		}
	}
	w.Do("operator", "PUT", api+"/settings", `{"values":{"orders.large_refund_threshold":""}}`)

	// Products in every state.
	for _, name := range []string{"云帆<b>&“网盘”", "云帆考勤 龘鬱𠮷", "云帆会议室"} {
		body := fmt.Sprintf(`{"name":%q,"summary":"<script>alert(1)</script> 一个说明","protocol":"v1","skus":[{"name":"标准版","attributes":{"版本":"标准"},"offers":[{"period_type":"month","price":"9.90"}]}]}`, name)
		w.ids[name] = w.Do("yunfan", "POST", api+"/products", body).String("id")
	}
	w.ids["draft"], w.ids["review"], w.ids["rejected"] = w.ids["云帆会议室"], w.ids["云帆<b>&“网盘”"], w.ids["云帆考勤 龘鬱𠮷"]
	w.Do("yunfan", "POST", api+"/products/"+w.ids["review"]+"/submit", "")
	w.Do("yunfan", "POST", api+"/products/"+w.ids["rejected"]+"/submit", "")
	w.Do("operator", "POST", api+"/products/"+w.ids["rejected"]+"/reject", `{"reason":"简介不完整，请补充交付时间"}`)
	// A new version of a product on sale, begun and not sent yet.
	seller := w.open("yunfan")
	_, page := seller.get("/seller/revisions")
	res, _ := seller.post("/seller/products/"+w.product+"/revisions", page, url.Values{})
	w.ids["revision"] = strings.TrimPrefix(strings.Split(res.Header.Get("Location"), "?")[0], "/seller/revisions/")
	return w
}

// at is a page with the login that may open it, "" for nobody.
type at struct{ login, path string }

// pages are all pages of a filled world.
func (w *world) pages() []at {
	buyer, seller := w.Account("buyer").CompanyID, w.Account("yunfan").CompanyID
	p := []at{
		{"", "/"}, {"", "/search?q=%E4%BA%91%E5%B8%86"}, {"", "/search?q=nothing-at-all"}, {"", "/products/" + w.product}, {"", "/products/" + w.product + "?quantity=0"},
		{"", "/shops/" + seller}, {"", "/login"}, {"", "/categories/enterprise"}, {"operator", "/operator/categories"}, {"operator", "/operator/categories/office"}, {"", "/nowhere"}, {"", "/ui"}, {"", "/ui?view=hex"},
		{"buyer", "/checkout?offer=" + w.offer + "&quantity=5&period_number=2"}, {"buyer", "/checkout?offer=" + w.offer + "&quantity=999999"},
		{"buyer", "/buyer"}, {"buyer", "/buyer/orders"}, {"buyer", "/buyer/orders?words=none"}, {"buyer", "/buyer/services"}, {"buyer", "/buyer/services/" + w.ids["instance"]},
		{"buyer", "/buyer/services/" + w.ids["instance"] + "/renew"}, {"buyer", "/buyer/balance"}, {"buyer", "/buyer/messages"}, {"buyer2", "/buyer"}, {"buyer2", "/buyer/services"},
		{"yunfan", "/seller"}, {"yunfan", "/seller/products"}, {"yunfan", "/seller/products/" + w.product}, {"yunfan", "/seller/products/" + w.ids["rejected"]}, {"yunfan", "/seller/products/" + w.ids["draft"]},
		{"yunfan", "/seller/access"}, {"yunfan", "/seller/domains"}, {"yunfan", "/seller/debug"}, {"yunfan", "/seller/debug?scenario=v1.new.period"}, {"yunfan", "/seller/debug?protocol=kit2"}, {"yunfan", "/seller/debug/cases"},
		{"yunfan", "/seller/debug/runs"}, {"yunfan", "/seller/debug/faults"}, {"yunfan", "/seller/checkups"}, {"operator", "/operator/sandbox/faults/" + seller}, {"yunfan", "/seller/probes"}, {"yunfan", "/seller/shop"}, {"yunfan", "/seller/access-keys"}, {"yunfan", "/seller/orders"}, {"yunfan", "/seller/orders/" + w.ids["completed"]}, {"yunfan", "/seller/services"},
		{"yunfan", "/seller/services/" + w.ids["instance"]}, {"yunfan", "/seller/balance"}, {"yunfan", "/seller/messages"},
		{"yunfan", "/seller/calls"}, {"yunfan", "/seller/calls?state=failed"}, {"yunfan", "/seller/calls?order=none"}, {"yunfan", "/seller/calls/" + w.ids["success"]},
		{"yunfan", "/seller/calls/" + w.ids["html"]}, {"yunfan", "/seller/calls/" + w.ids["failed"] + "?view=raw"}, {"yunfan", "/seller/calls/" + w.ids["unknown"] + "?view=hex"},
		{"yunfan", "/seller/calls/" + w.ids["retried"]},
		{"operator", "/operator"}, {"operator", "/operator/reviews"}, {"operator", "/operator/products"}, {"operator", "/operator/products/" + w.ids["review"]}, {"operator", "/operator/products/" + w.product},
		{"operator", "/operator/companies"}, {"operator", "/operator/companies/" + buyer}, {"operator", "/operator/companies/" + seller}, {"operator", "/operator/orders"},
		{"operator", "/operator/orders/" + w.ids["refunded"]}, {"operator", "/operator/calls"}, {"operator", "/operator/top-ups"}, {"operator", "/operator/ledger"}, {"operator", "/operator/ledger?order=" + w.ids["refunded"]},
		{"operator", "/operator/ledger/accounts/buyer:" + buyer + ":available"}, {"operator", "/operator/messages"}, {"operator", "/operator/sandbox"}, {"operator", "/operator/system"}, {"operator", "/operator/outbox"}, {"operator", "/operator/system?state=done"},
		{"operator", "/operator/refunds"}, {"operator", "/operator/refunds?status=APPROVED"}, {"finance", "/operator/refunds/" + w.ids["refund-waiting"]}, {"operator", "/operator/refunds/" + w.ids["refund-rejected"]},
		{"buyer", "/buyer/services/" + w.ids["waiting"]}, {"operator", "/operator/services/" + w.ids["waiting"]},
		{"operator", "/operator/settings"}, {"finance", "/operator/settings"}, {"finance", "/operator/system"}, {"operator", "/operator/services"}, {"operator", "/buyer"}, {"operator", "/operator/services/" + w.ids["instance"]},
		{"buyer", "/buyer/services/" + w.ids["trial"]}, {"buyer", "/buyer/services/" + w.ids["trial"] + "/convert"}, {"buyer", "/buyer/services/" + w.ids["instance"] + "/change"},
		{"buyer", "/buyer/services/" + w.ids["instance"] + "/change?quantity=9"}, {"buyer", "/buyer/services/" + w.ids["trial"] + "/renew"},
	}
	p = append(p, at{"", "/account/register"}, at{"", "/account/register?kind=seller"}, at{"", "/account/sent?email=li%40new.example"}, at{"", "/account/verify?token=x"}, at{"", "/account/forgot"}, at{"", "/account/reset?token=x"})
	for _, login := range []string{"buyer", "yunfan", "operator"} {
		centre := map[string]string{"buyer": "/buyer", "yunfan": "/seller", "operator": "/operator"}[login]
		person := w.Do(login, "GET", api+"/me", "").String("id")
		for _, path := range []string{"/members", "/members/roles", "/members/" + person, "/tokens", "/security", "/receivers", "/messages/choice", "/company", "/sign-ins", "/audit", "/audit?action=order.pay", "/audit?noun=nothing"} {
			p = append(p, at{login, centre + path})
		}
	}
	for _, path := range []string{"/account/register", "/account/register?kind=seller", "/account/sent", "/account/forgot", "/account/verify?token=unknown", "/account/reset?token=unknown"} {
		p = append(p, at{"", path})
	}
	for login, face := range map[string]string{"buyer": "/buyer", "yunfan": "/seller", "operator": "/operator"} {
		for _, one := range []string{"/members", "/tokens", "/security", "/audit"} {
			p = append(p, at{login, face + one})
		}
	}
	// The release wizard and the review queue, with what hangs on them.
	p = append(p, at{"yunfan", "/seller/revisions"}, at{"operator", "/operator/revisions"}, at{"operator", "/operator/revisions?status=PENDING"})
	for login, list := range map[string]string{"yunfan": "/seller/revisions", "operator": "/operator/revisions"} {
		for _, one := range w.linked(login, list, list+"/[^/?]+$", 2) {
			p = append(p, at{login, one})
		}
	}
	draft := "/seller/revisions/" + w.ids["revision"]
	p = append(p, at{"yunfan", draft})
	for _, step := range w.linked("yunfan", draft, regexp.QuoteMeta(draft)+"/[^/?]+$", 12) {
		p = append(p, at{"yunfan", step})
	}
	for _, name := range []string{"pending", "processing", "completed", "refunded", "renewal", "canceled", "unknown-order", "v2"} {
		p = append(p, at{"buyer", "/buyer/orders/" + w.ids[name]})
	}
	seen := map[at]bool{} // several lists above name the same page
	return slices.DeleteFunc(p, func(one at) bool {
		twice := seen[one]
		seen[one] = true
		return twice
	})
}

// linked are the first addresses of a form that a page links to.
func (w *world) linked(login, path, form string, n int) []string {
	w.t.Helper()
	_, body := w.open(login).get(path)
	var out []string
	for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		if to := html.UnescapeString(m[1]); regexp.MustCompile("^"+form).MatchString(to) && !slices.Contains(out, to) && len(out) < n {
			out = append(out, to)
		}
	}
	return out
}

// short names a page in a picture's file, with ids taken out.
func (w *world) short(p at) string {
	s := p.path
	for name, id := range w.ids {
		if !strings.ContainsAny(name, "云") {
			s = strings.ReplaceAll(s, id, name)
		}
	}
	s = regexp.MustCompile(`revisions/[0-9a-f-]{20,}`).ReplaceAllString(s, "revisions/one")
	for name, id := range map[string]string{"product": w.product, "offer": w.offer, "buyer": w.Account("buyer").CompanyID, "seller": w.Account("yunfan").CompanyID} {
		s = strings.ReplaceAll(s, id, name)
	}
	return p.login + " " + s
}

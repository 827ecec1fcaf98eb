package e2e

import (
	"html"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// fields reads the fields of the form whose action is given, as a browser would send them.
func fields(page, action string) url.Values {
	from := strings.Index(page, `action="`+html.EscapeString(action)+`"`)
	if from < 0 {
		return nil
	}
	form := page[from:]
	form = form[:strings.Index(form, "</form>")]
	out := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`).FindAllStringSubmatch(form, -1) {
		out.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return out
}

// A session that ends while a form is being filled in loses nothing: the page holds what was typed, and after the login
// it is sent once.
func TestAnExpiredSessionLosesNothingTyped(t *testing.T) {
	w := newWorld(t)
	r := w.open("buyer")
	r.header.Set("Origin", w.URL)
	_, balance := r.get("/buyer/balance")
	typed := url.Values{"amount": {"812.50"}, "currency": {"CNY"}, "note": {`汇款单 "1024" <第二联>`}}

	r.client.Jar, _ = cookiejar.New(nil) // the session is over
	res, held := r.post("/buyer/balance/top-ups", balance, typed)
	if res.StatusCode != 401 {
		t.Fatalf("a form after the end of the session: %d", res.StatusCode)
	}
	wants(t, "held", held, "登录已过期，填写的内容还在", `href="/login" target="_blank"`, "812.50")
	if strings.Contains(held, "<第二联>") {
		t.Error("what was typed stands on the page as it is")
	}

	// Signed in beside it and sent again: the page says who would send it now.
	_, login := r.get("/login")
	r.post("/login", login, url.Values{"login": {"buyer"}, "password": {w.Account("buyer").Password}, "next": {"/account"}})
	again := fields(held, "/buyer/balance/top-ups")
	res, stale := r.do("POST", "/buyer/balance/top-ups", again.Encode())
	if res.StatusCode != 403 {
		t.Fatalf("the old form in a new session: %d", res.StatusCode)
	}
	wants(t, "stale", stale, "李采购", "812.50")
	final := fields(stale, "/buyer/balance/top-ups")
	if final.Get("amount") != "812.50" || final.Get("note") != typed.Get("note") {
		t.Errorf("kept: %v", final)
	}
	res, sent := r.do("POST", "/buyer/balance/top-ups", final.Encode())
	if res.StatusCode != 303 {
		t.Fatalf("sent: %d %s", res.StatusCode, sent)
	}
	_, page := r.get("/buyer/balance")
	if n := strings.Count(page, "812.50"); n != 1 {
		t.Errorf("the top-up stands %d times on the page", n)
	}
}

// A form that another site made the browser send is not held, and a password is never put on a page.
func TestOnlyOurOwnFormsAreHeld(t *testing.T) {
	w := newWorld(t)
	typed := "amount=812.50&note=x&csrf=" + strings.Repeat("0", 64)
	for name, header := range map[string][2]string{"another site": {"Origin", "https://elsewhere.example"}, "no origin": {"X", ""}, "said by the browser": {"Sec-Fetch-Site", "cross-site"}, "another port": {"Sec-Fetch-Site", "same-site"}} {
		for _, login := range []string{"", "buyer"} {
			r := w.open(login)
			r.header.Set(header[0], header[1])
			res, page := r.do("POST", "/buyer/balance/top-ups", typed)
			if strings.Contains(page, "812.50") || res.StatusCode != 303 && res.StatusCode != 403 {
				t.Errorf("%s as %q: %d", name, login, res.StatusCode)
			}
		}
	}
	r := w.open("")
	r.header.Set("Sec-Fetch-Site", "same-origin")
	res, page := r.do("POST", "/account/register", "company=星河&fresh_password=planted-password&csrf=0")
	if res.StatusCode != 401 || !strings.Contains(page, "星河") || strings.Contains(page, "planted-password") {
		t.Errorf("a registration from an old page: %d", res.StatusCode)
	}
}

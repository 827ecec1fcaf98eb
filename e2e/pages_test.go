package e2e

import (
	"context"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/souk-market/souk/internal/face/web"
	"github.com/souk-market/souk/internal/face/web/webtest"
)

// signIn gives the browser a session of the login, or none for "".
func signIn(t *testing.T, ctx context.Context, m *webtest.Market, base, login string) {
	t.Helper()
	if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	if login == "" {
		return
	}
	session, _, err := m.LogIn(t.Context(), login, webtest.Password)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "souk_session", Value: session, URL: base}); err != nil {
		t.Fatal(err)
	}
}

func inLanguage(address, lang string) string {
	if strings.Contains(address, "?") {
		return address + "&lang=" + lang
	}
	return address + "?lang=" + lang
}

// Every page of the face, as a small phone and as a desktop shows it, light and dark, in both languages.
func TestPagesInABrowser(t *testing.T) {
	ctx := startBrowser(t)
	m := webtest.New()
	srv := httptest.NewServer(web.New(m.Options()))
	t.Cleanup(srv.Close)
	found := listen(t, ctx)

	sizes := []struct {
		name  string
		width int64
		dark  bool
		lang  string
	}{{"phone", 360, false, "en-US"}, {"desktop", 1280, false, "zh-CN"}, {"dark", 360, true, "zh-CN"}}
	pictures := 0
	for _, p := range webtest.Paths() {
		signIn(t, ctx, m, srv.URL, p.Login)
		for _, size := range sizes {
			where := fmt.Sprintf("%s as %q on %s", p.Path, p.Login, size.name)
			l, err := visit(ctx, inLanguage(srv.URL+p.Path, size.lang), size.width, size.dark)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			if l.Scroll > l.Inner || len(l.Wide) > 0 {
				t.Errorf("%s: %d px of content in %d: %v", where, l.Scroll, l.Inner, l.Wide)
			}
			if len(l.Missing) > 0 {
				t.Errorf("%s: no glyph for %q", where, l.Missing)
			}
			if !l.Chinese {
				t.Errorf("%s: no Chinese character on it", where)
			}
			if len(l.Small) > 0 {
				t.Errorf("%s: too small to touch: %v", where, l.Small)
			}
			for _, c := range found.take() {
				t.Errorf("%s: %s", where, c)
			}
			name := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString("page "+p.Login+" "+p.Path, "-"), "-")
			if len(picture(ctx, t, name+"-"+size.name)) > 5000 {
				pictures++
			}
		}
	}
	if want := len(webtest.Paths()) * len(sizes); pictures != want {
		t.Errorf("%d pictures show something, want %d", pictures, want)
	}
}

// The looks above can fail: a page made to break each rule is found out.
func TestABadPageIsFoundOut(t *testing.T) {
	ctx := startBrowser(t)
	srv := httptest.NewServer(badPage{})
	t.Cleanup(srv.Close)
	found := listen(t, ctx)
	l, err := visit(ctx, srv.URL, 360, false)
	if err != nil {
		t.Fatal(err)
	}
	if l.Scroll <= l.Inner || len(l.Wide) == 0 {
		t.Errorf("a page of 900 px was not found wide: %+v", l)
	}
	if !slices.Contains(l.Missing, "\u0378") {
		t.Errorf("a character without glyph was not found: %q", l.Missing)
	}
	// The violation's log entry may come a moment after the load: ask until it is there.
	var all []string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		all = append(all, found.take()...)
		text := strings.Join(all, "\n")
		if strings.Contains(text, "Content Security Policy") && strings.Contains(text, "own mistake") {
			return
		}
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[int](`new Promise(requestAnimationFrame).then(() => 1)`, chromedp.EvalAwaitPromise)); err != nil {
			break
		}
	}
	t.Errorf("console error and CSP violation were not both seen: %q", all)
}

// A person logs in with the keyboard alone, opens an order, and finds the entry page behind a click.
func TestAPersonReachesTheEntryByKeyboard(t *testing.T) {
	ctx := startBrowser(t)
	m := webtest.New()
	srv := httptest.NewServer(web.New(m.Options()))
	t.Cleanup(srv.Close)
	found := listen(t, ctx)
	css := func(s string) chromedp.CSS { return chromedp.CSS(s) }
	err := chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/orders/CS2611231230ABC2D?lang=zh-CN"),
		chromedp.WaitVisible(css("#login")), chromedp.KeyEvent("buyer\t"))
	if err != nil {
		t.Fatal(err)
	}
	outline, err := chromedp.Run(ctx, chromedp.Evaluate[string](`getComputedStyle(document.activeElement).outlineStyle + " " + document.activeElement.id`))
	if err != nil {
		t.Fatal(err)
	}
	err = chromedp.Do(ctx, chromedp.KeyEvent(webtest.Password+"\r"), chromedp.WaitVisible(css(".step.good")),
		chromedp.Focus(css(`a[href$="/entry"]`)), chromedp.KeyEvent("\r"), chromedp.WaitVisible(css(".facts.wide")))
	if err != nil {
		t.Fatal(err)
	}
	user, err := chromedp.Run(ctx, chromedp.Text(css(".facts.wide")))
	if err != nil {
		t.Fatal(err)
	}
	if outline != "solid password" {
		t.Errorf("focus after Tab: %q, want a visible outline on the password", outline)
	}
	if !strings.Contains(user, "admin@customer.example") || len(m.Opened) != 1 {
		t.Errorf("entry page: %q, opened %v", user, m.Opened)
	}
	for _, c := range found.take() {
		t.Error(c)
	}
}

// foreign finds text that does not come from the catalogue: in the pseudo language everything from it stands in ⟦ ⟧,
// and what people and sellers wrote is marked data-own.
const foreign = `(() => {
  const left = [];
  const check = (text, where) => {
    const rest = text.replace(/⟦[^⟧]*⟧/g, "");
    if (/\p{L}/u.test(rest)) left.push(where + ": " + rest.trim().slice(0, 60));
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!el.closest("[data-own], time, script, style")) check(walker.currentNode.data, el.tagName);
  }
  for (const el of document.querySelectorAll("[title], [aria-label], [alt], [placeholder], [data-label], [data-copy]")) {
    for (const name of ["title", "aria-label", "alt", "placeholder", "data-label", "data-copy"]) {
      const own = el.matches("time, .person") && name === "title";
      if (el.hasAttribute(name) && !own) check(el.getAttribute(name), el.tagName + " " + name);
    }
  }
  return left.join("\n");
})()`

func TestAllTextOfEveryPageIsFromTheCatalogue(t *testing.T) {
	ctx := startBrowser(t)
	m := webtest.New()
	srv := httptest.NewServer(web.New(m.Options()))
	t.Cleanup(srv.Close)
	seen := 0
	for _, p := range webtest.Paths() {
		signIn(t, ctx, m, srv.URL, p.Login)
		if err := chromedp.Do(ctx, chromedp.Navigate(inLanguage(srv.URL+p.Path, "en-XA")), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
			t.Fatal(err)
		}
		left, err := chromedp.Run(ctx, chromedp.Evaluate[string](foreign))
		if err != nil {
			t.Fatal(err)
		}
		if left != "" {
			t.Errorf("%s as %q:\n%s", p.Path, p.Login, left)
		}
		marked, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.body.textContent.includes("⟦")`))
		if err == nil && marked {
			seen++
		}
	}
	if seen != len(webtest.Paths()) {
		t.Errorf("only %d pages were in the pseudo language", seen)
	}
}

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
)

// signIn gives the browser a session of the login, or none for "".
func (w *world) signIn(ctx context.Context, sessions map[string]string, login string) {
	w.t.Helper()
	if _, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		w.t.Fatal(err)
	}
	if login == "" {
		return
	}
	if sessions[login] == "" {
		r := w.open(login)
		res, _ := r.get("/login")
		for _, c := range r.client.Jar.Cookies(res.Request.URL) {
			if c.Name == "souk_session" {
				sessions[login] = c.Value
			}
		}
	}
	if _, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "souk_session", Value: sessions[login], URL: w.URL}); err != nil {
		w.t.Fatal(err)
	}
}

func inLanguage(address, lang string) string {
	if strings.Contains(address, "?") {
		return address + "&lang=" + lang
	}
	return address + "?lang=" + lang
}

// Every page, as a small phone and as a desktop shows it, light and dark, in both languages.
func TestPagesInABrowser(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t).fill()
	found := listen(t, ctx)
	sessions := map[string]string{}
	sizes := []struct {
		name  string
		width int64
		dark  bool
		lang  string
	}{{"phone", 360, false, "en-US"}, {"desktop", 1280, false, "zh-CN"}, {"dark", 360, true, "zh-CN"}}
	pictures, want := 0, 0
	drawn := map[at]bool{}
	for _, p := range w.pages() {
		w.signIn(ctx, sessions, p.login)
		// Colours do not depend on what stands behind the question mark: in the dark one of these is enough.
		kind := at{p.login, strings.Split(p.path, "?")[0]}
		known := drawn[kind]
		drawn[kind] = true
		for _, size := range sizes {
			if size.dark && known {
				continue
			}
			want++
			where := fmt.Sprintf("%s on %s", w.short(p), size.name)
			see := func() (look, error) { return visit(ctx, inLanguage(w.URL+p.path, size.lang), size.width, size.dark) }
			if size.dark { // the page before, in the same language
				see = func() (look, error) { return again(ctx, size.width, size.dark) }
			}
			l, err := see()
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			l.complain(t, where)
			for _, c := range found.take() {
				t.Errorf("%s: %s", where, c)
			}
			name := strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString("page "+w.short(p), "-"), "-")
			if len(picture(ctx, t, name+"-"+size.name)) > 5000 {
				pictures++
			}
		}
	}
	if pictures != want || want < 2*len(w.pages()) {
		t.Errorf("%d pictures show something, want %d", pictures, want)
	}
}

// complain fails the test for all that a person would mind about a page.
func (l look) complain(t *testing.T, where string) {
	t.Helper()
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
	if len(l.Pale) > 0 {
		t.Errorf("%s: too pale to read: %v", where, l.Pale)
	}
	if len(l.Unnamed) > 0 {
		t.Errorf("%s: fields without a label: %v", where, l.Unnamed)
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
      const own = el.matches("time, .person, svg *") && name === "title";
      const example = name === "placeholder" && el.hasAttribute("data-example");
      if (el.hasAttribute(name) && !own && !example) check(el.getAttribute(name), el.tagName + " " + name);
    }
  }
  return left.join("\n");
})()`

// foreign opens a page in the pseudo language and fails for text that is not from the catalogue.
func (w *world) foreign(ctx context.Context, t *testing.T, p at) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.Navigate(inLanguage(w.URL+p.path, "en-XA")), chromedp.WaitReady(chromedp.CSS("main"))); err != nil {
		t.Fatal(err)
	}
	left, err := chromedp.Run(ctx, chromedp.Evaluate[string](foreign))
	if err != nil {
		t.Fatal(err)
	}
	if left != "" {
		t.Errorf("%s:\n%s", w.short(p), left)
	}
}

func TestAllTextOfEveryPageIsFromTheCatalogue(t *testing.T) {
	ctx := startBrowser(t)
	w := newWorld(t).fill()
	sessions := map[string]string{}
	seen := 0
	for _, p := range w.pages() {
		w.signIn(ctx, sessions, p.login)
		w.foreign(ctx, t, p)
		marked, err := chromedp.Run(ctx, chromedp.Evaluate[bool](`document.body.textContent.includes("⟦")`))
		if err == nil && marked {
			seen++
		}
	}
	if seen != len(w.pages()) {
		t.Errorf("only %d pages were in the pseudo language", seen)
	}
}

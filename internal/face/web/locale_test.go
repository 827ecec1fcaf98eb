package web

import (
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

var placeholder = regexp.MustCompile(`\{\{\.[A-Z]+\}\}`)

func TestCataloguesAreComplete(t *testing.T) {
	zh, en := textsOf(languages[0]), textsOf(languages[1])
	for id, text := range zh {
		if en[id] == "" || text == "" {
			t.Errorf("%s is missing in a language", id)
		}
		a, b := placeholder.FindAllString(text, -1), placeholder.FindAllString(en[id], -1)
		slices.Sort(a)
		slices.Sort(b)
		if !slices.Equal(a, b) {
			t.Errorf("%s has placeholders %v and %v", id, a, b)
		}
		if !regexp.MustCompile(`\p{Han}`).MatchString(text) {
			t.Errorf("zh-CN %s is not Chinese: %q", id, text)
		}
		if regexp.MustCompile(`\p{Han}`).MatchString(en[id]) {
			t.Errorf("en-US %s is not English: %q", id, en[id])
		}
	}
	for id := range en {
		if zh[id] == "" {
			t.Errorf("%s is missing in zh-CN", id)
		}
	}
}

// Every id that templates and code name is in the catalogue, and nothing in the catalogue is unused.
func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	texts := textsOf(languages[0])
	used := map[string]bool{}
	files, _ := fs.Glob(templateFiles, "templates/*.html")
	for _, f := range files {
		b, _ := fs.ReadFile(templateFiles, f)
		for _, m := range regexp.MustCompile(`\.T "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
	}
	entries, _ := os.ReadDir(".")
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\.T\("([^"]+)"|Error = "([^"]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]+m[2]] = true
		}
	}
	for _, table := range []map[string]state{orderStates, instanceStates, attemptStates, {"": stateless}} {
		for _, s := range table {
			used[s.ID], used[s.ID+".next"], used["who."+string(s.Who)] = true, true, true
		}
	}
	for kind := range statusOf {
		used["error."+string(kind)], used["error."+string(kind)+".next"] = true, true
	}
	for _, id := range []string{"error.internal", "error.internal.next"} {
		used[id] = true
	}
	for id := range used {
		if texts[id] == "" {
			t.Errorf("%q is used and not in the catalogue", id)
		}
	}
	byValue := regexp.MustCompile(`^(period|term|type|freeze)\.`) // named by data
	for id := range texts {
		if !used[id] && !byValue.MatchString(id) {
			t.Errorf("%q is in the catalogue and not used", id)
		}
	}
}

func TestLanguageIsChosen(t *testing.T) {
	cases := []struct{ query, cookie, accept, want string }{
		{"", "", "", "zh-CN"},
		{"", "", "en-GB,en;q=0.9", "en-US"},
		{"", "", "fr-FR,de", "zh-CN"},
		{"", "", "zh-TW", "zh-CN"},
		{"", "en-US", "zh-CN", "en-US"},
		{"zh-CN", "en-US", "en", "zh-CN"},
		{"xx", "nonsense", "*;;", "zh-CN"},
	}
	for _, c := range cases {
		r := httptest.NewRequest("GET", "/?lang="+c.query, nil)
		if c.cookie != "" {
			r.AddCookie(&http.Cookie{Name: languageCookie, Value: c.cookie})
		}
		r.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		if got := chooseLanguage(w, r, false); got != language.MustParse(c.want) {
			t.Errorf("%+v: got %s", c, got)
		}
		if (len(w.Result().Cookies()) > 0) != (c.query == "zh-CN") {
			t.Errorf("%+v: cookies %v", c, w.Result().Cookies())
		}
	}
}

// nothing is a marketplace without anything in it.
type nothing struct{ Login }

func (nothing) Products(context.Context, string) ([]Product, string, error) { return nil, "", nil }

func TestEmptyMarketplaceTellsWhatToDo(t *testing.T) {
	h := New(Options{Catalog: nothing{}, Login: nothing{}, Now: fixed, Zone: shanghai})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("GET", "/?lang=en-US", nil))
	if body := w.Body.String(); !strings.Contains(body, "Nothing is on sale yet") || strings.Contains(body, "Sandbox:") {
		t.Error(body)
	}
}

package locale

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/language"
)

var placeholder = regexp.MustCompile(`\{\{\.[A-Z]+\}\}`)

func TestCataloguesAreComplete(t *testing.T) {
	zh, en := catalogues[Languages[0]], catalogues[Languages[1]]
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
		if !regexp.MustCompile(`\p{Han}`).MatchString(text) && placeholder.ReplaceAllString(text, "") != "：" {
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

// sources are the text of all rooms' code and templates.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".html") {
			return err
		}
		b, err := os.ReadFile(path)
		out[path] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// What names a text by itself: a call that takes an id, or a column's head.
var named = regexp.MustCompile(`\.(?:T|Word|Small|In|NewPage|Fact)\("([a-z][\w.-]*)"\s*[,)]|\.T "([^"]+)"|Head: "([^"]+)"|(?:Crumb|ToWord)\([^()]*, "([a-z][\w.-]*)"|NewForm\([^()]*, "([a-z][\w.-]*)"\)`)

// Every text that templates and code name is in the catalogue.
func TestEveryTextThatIsNamedExists(t *testing.T) {
	seen := 0
	for path, text := range sources(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			id := strings.Join(m[1:], "")
			seen++
			if !Has(id) {
				t.Errorf("%s names %q, which is not in the catalogue", path, id)
			}
		}
		for _, m := range regexp.MustCompile(`c\.Add\(\w+, ui\.Field\{Name: "([a-z_]+)"[^}]*\}, "([a-z_]*)"\)`).FindAllStringSubmatch(text, -1) {
			name := m[2]
			if name == "" {
				name = m[1]
			}
			if !Has("field." + name) {
				t.Errorf("%s has a field %q without a label", path, name)
			}
		}
	}
	if seen < 300 {
		t.Errorf("only %d texts were found named", seen)
	}
}

// Every text in the catalogue is named somewhere, as a whole or by what its name begins with.
func TestEveryTextIsUsed(t *testing.T) {
	var all strings.Builder
	for _, text := range sources(t) {
		all.WriteString(text)
	}
	code := all.String()
	// Families are named by data: a state, a code, a kind.
	family := regexp.MustCompile(`^(setting|block\.settings|wizard|problem|wfield|revision|channel|action|roles\.note|facet|search\.sort|product\.rating|period|part|event\.term|from|term|type|freeze|who|error|code|bad|done|notice|posting|account|class|policy|protocol|role|company|kind|occasion|nav|field|face|view|attempt|order|instance|goods|topup|refund|job|mail|use|state|step|checkup|fault|scenario|verdict|warning|lab\.occasion|slot|case|profile|lists|proof|rule|orders\.empty|services\.title|balance\.lead|allproducts\.title|reviews\.title)\.`)
	for id := range catalogues[Languages[0]] {
		if !family.MatchString(id) && !strings.Contains(code, `"`+id+`"`) {
			t.Errorf("%q is in the catalogue and not used", id)
		}
	}
}

func TestAnUnknownTextIsSeen(t *testing.T) {
	if got := In(Languages[1]).Of("no.such.text"); got != "‹no.such.text›" {
		t.Errorf("got %q", got)
	}
	if got := In(Pseudo).Of("until.days", "D", 2, "H", 4); got != "⟦in 2 d 4 h⟧" {
		t.Errorf("got %q", got)
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
			r.AddCookie(&http.Cookie{Name: Cookie, Value: c.cookie})
		}
		r.Header.Set("Accept-Language", c.accept)
		w := httptest.NewRecorder()
		if got := Choose(w, r, false); got != language.MustParse(c.want) {
			t.Errorf("%+v: got %s", c, got)
		}
		if (len(w.Result().Cookies()) > 0) != (c.query == "zh-CN") {
			t.Errorf("%+v: cookies %v", c, w.Result().Cookies())
		}
	}
}

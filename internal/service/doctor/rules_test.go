package doctor

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

var update = flag.Bool("update", false, "rewrite docs/doctor-rules.md")

// The table is whole: every rule has its texts in both languages, a section that exists,
// and needs that come before it.
func TestTheTableIsWhole(t *testing.T) {
	sections, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "spec-sections.txt"))
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Split(strings.TrimSpace(string(sections)), "\n")
	form := regexp.MustCompile(`^[0-9]{2} §[0-9.]+$`)
	for _, p := range Protocols {
		seen := map[string]bool{}
		for _, r := range Rules(p) {
			if seen[r.ID] || !strings.HasPrefix(r.ID, string(p)+".") || len(strings.Split(r.ID, ".")) > 3 || r.Protocol != p {
				t.Errorf("%s: bad or repeated id", r.ID)
			}
			for _, need := range r.needs {
				if need == "v1.new.mode" {
					need = "v1.new.period"
				}
				if !seen[need] {
					t.Errorf("%s needs %s, which does not come before it", r.ID, need)
				}
			}
			seen[r.ID] = true
			for _, text := range []Text{r.Sent, r.Expected} {
				if text.ZH == "" || text.EN == "" || strings.ContainsFunc(text.EN, func(c rune) bool { return unicode.Is(unicode.Han, c) }) && r.ID != "v1.values.reserved" {
					t.Errorf("%s: a text is missing or mixed: %q", r.ID, text)
				}
			}
			for _, section := range strings.Split(r.Section, ", ") {
				if !form.MatchString(section) || !slices.Contains(known, section) {
					t.Errorf("%s: section %q does not exist", r.ID, section)
				}
			}
			if r.Level.rank() < 0 || r.aspect == (r.check != nil) {
				t.Errorf("%s: no level or no check", r.ID)
			}
			if groupTitles[groupOf(r.ID)] == (Text{}) {
				t.Errorf("%s: its group has no title", r.ID)
			}
		}
		if len(seen) == 0 {
			t.Errorf("%s has no rules", p)
		}
	}
	if Rules("v3") != nil {
		t.Error("an unknown protocol has rules")
	}
}

// docs/doctor-rules.md is made from the table: `make docs`.
func TestRulesPage(t *testing.T) {
	path := filepath.Join("..", "..", "..", "docs", "doctor-rules.md")
	want := RulesPage()
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s is not current: run make docs (%v)", path, err)
	}
}

package house

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite docs/spec-sections.txt from the specification beside the tree")

const sectionsFile = "docs/spec-sections.txt"

var (
	headingID   = regexp.MustCompile(`^#{2,4} (?:§ ?)?([A-Z]?[0-9]+[a-z]?(?:\.[0-9]+)*)\.? `)
	paragraphID = regexp.MustCompile(`^([0-9]+\.[0-9]+) `)
	checkID     = regexp.MustCompile(`(?:^|\. )([1-9]|1[0-9]|20)(?:\.)? [\p{L}0-9]`)
	chapterFile = regexp.MustCompile(`^([0-9]{2})-.*\.md$`)
)

// sectionsOf reads the numbered headings of one chapter, in the chapters of rulings (01, 02) the numbered
// paragraphs too, and the numbered checks that chapter 10 §12 lists and 02 adds to.
func sectionsOf(chapter, text string) []string {
	var ids []string
	checks := false
	for _, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(line, "#") {
			checks = strings.Contains(line, "More checks for 10 §12") || chapter == "10" && strings.HasPrefix(line, "## 12. ")
		} else if checks {
			for _, m := range checkID.FindAllStringSubmatch(line, -1) {
				ids = append(ids, "10 §12."+m[1])
			}
			continue
		}
		m := headingID.FindStringSubmatch(line)
		if m == nil && (chapter == "01" || chapter == "02") {
			m = paragraphID.FindStringSubmatch(line)
		}
		if m != nil {
			ids = append(ids, chapter+" §"+m[1])
		}
	}
	return ids
}

// specification lists all sections of the chapters that lie beside the tree, or nil if there are none.
func specification(t *testing.T) []string {
	t.Helper()
	dir := filepath.Join(root(t), "..", "shared", "spec")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var ids []string
	for _, e := range entries {
		m := chapterFile.FindStringSubmatch(e.Name())
		if m == nil || m[1] == "00" {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, sectionsOf(m[1], string(b))...)
	}
	return ids
}

func TestSpecSectionsFileIsCurrent(t *testing.T) {
	ids := specification(t)
	if ids == nil {
		t.Skip("the specification is not beside this tree")
	}
	want := strings.Join(ids, "\n") + "\n"
	if *update {
		if err := os.WriteFile(filepath.Join(root(t), sectionsFile), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(read(t, sectionsFile)); got != want {
		t.Errorf("%s is not what the chapters say: run `make docs`", sectionsFile)
	}
}

var (
	citationStart = regexp.MustCompile(`spec: `)
	chapterRef    = regexp.MustCompile(`\b([0-9]{2}) (?:§ ?)?([A-Z]?[0-9]+[a-z]?(?:\.[0-9]+)*)((?:(?:[–-]|, ?| and |/) ?§? ?[A-Z]?[0-9]+[a-z]?(?:\.[0-9]+)*)*)`)
	furtherRef    = regexp.MustCompile(`([–-]|, ?| and |/) ?(§?) ?([A-Z]?[0-9]+[a-z]?(?:\.[0-9]+)*)`)
)

// citations returns the sections that one line cites: `spec: 10 §3.1, §6.2; 02 §1.4` names three.
// A number without § after a comma is a continuation only if it has the form of a section (1.2);
// `V15`, `check 8` and `point 5` after the section are free text.
func citations(line string) []string {
	at := citationStart.FindStringIndex(line)
	if at == nil {
		return nil
	}
	var ids []string
	rest := line[at[1]:]
	for _, m := range chapterRef.FindAllStringSubmatchIndex(rest, -1) {
		chapter, tail := rest[m[2]:m[3]], rest[m[6]:m[7]]
		ids = append(ids, chapter+" §"+rest[m[4]:m[5]])
		for _, f := range furtherRef.FindAllStringSubmatchIndex(tail, -1) {
			sign, id := tail[f[4]:f[5]], tail[f[6]:f[7]]
			// "…, 02 §1.4" starts another chapter, which the outer expression sees by itself only
			// when it is not swallowed here.
			after := tail[f[7]:] + rest[m[7]:]
			if len(id) == 2 && strings.HasPrefix(after, " §") {
				return append(ids, citations("spec: "+id+after)...)
			}
			if sign != "" || strings.Contains(id, ".") {
				ids = append(ids, chapter+" §"+id)
			}
		}
	}
	return ids
}

// Every citation names a section that exists; the sections that no code cites are logged with -v.
func TestCitationsNameSections(t *testing.T) {
	known := map[string]bool{}
	for _, id := range strings.Fields(strings.ReplaceAll(string(read(t, sectionsFile)), " §", "§")) {
		known[strings.Replace(id, "§", " §", 1)] = true
	}
	if len(known) < 100 {
		t.Fatalf("%s lists only %d sections", sectionsFile, len(known))
	}
	cited := map[string]int{}
	for _, f := range files(t) {
		if ext := filepath.Ext(f); ext != ".go" && ext != ".sql" && ext != ".html" && ext != ".yaml" {
			continue
		}
		if strings.HasPrefix(f, "internal/house/") {
			continue
		}
		for n, line := range strings.Split(string(read(t, f)), "\n") {
			for _, id := range citations(line) {
				cited[id]++
				if !known[id] {
					t.Errorf("%s:%d cites %q, which no chapter has", f, n+1, id)
				}
			}
		}
	}
	var uncited []string
	for id := range known {
		if cited[id] == 0 {
			uncited = append(uncited, id)
		}
	}
	sort.Strings(uncited)
	t.Logf("%d of %d sections are cited; not cited: %s", len(known)-len(uncited), len(known), strings.Join(uncited, ", "))
}

func TestCitationsAreRead(t *testing.T) {
	cases := []struct{ line, want string }{
		{"// spec: 10 §3.1", "10 §3.1"},
		{"// spec: 10 §3.1, §6.2; 02 §1.4 and more", "10 §3.1|10 §6.2|02 §1.4"},
		{"// spec: 10 §2.2, 02 §1.2", "10 §2.2|02 §1.2"},
		{"// spec: 02 §2.10–2.15", "02 §2.10|02 §2.15"},
		{"// spec: 11 §10 V15, 20 A6", "11 §10|20 §A6"},
		{"// spec: 01 §2.1 (20 s)", "01 §2.1"},
		{"// specification of 10 things", ""},
	}
	for _, c := range cases {
		if got := strings.Join(citations(c.line), "|"); got != c.want {
			t.Errorf("%s: got %q, want %q", c.line, got, c.want)
		}
	}
	if got := fmt.Sprint(sectionsOf("20", "# Part A\n## A2. Flow\n### A2.1 Form\n## B9a. Seeds\n1.1 no\n")); got != "[20 §A2 20 §A2.1 20 §B9a]" {
		t.Errorf("headings: %s", got)
	}
	if got := fmt.Sprint(sectionsOf("10", "## 12. Checks\n1. All vectors, 2 times\n2. A newInstance\n")); got != "[10 §12 10 §12.1 10 §12.2]" {
		t.Errorf("checks: %s", got)
	}
	if got := fmt.Sprint(sectionsOf("02", "### More checks for 10 §12\n13 Spring without Boot. 14 two equal headers pass, two different fail.\n## 2 V2\n")); got != "[10 §12.13 10 §12.14 02 §2]" {
		t.Errorf("more checks: %s", got)
	}
	if got := fmt.Sprint(sectionsOf("01", "## 1 Time\n1.1 **Two**\n")); got != "[01 §1 01 §1.1]" {
		t.Errorf("paragraphs: %s", got)
	}
}

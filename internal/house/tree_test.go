package house

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the folder that holds go.mod.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = filepath.Dir(dir)
	}
}

// files are the paths that git tracks and the new ones that it does not ignore, relative to root.
func files(t *testing.T) []string {
	t.Helper()
	cmd := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	cmd.Dir = root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var list []string
	for _, f := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		if _, err := os.Stat(filepath.Join(root(t), f)); err == nil {
			list = append(list, f)
		}
	}
	return list
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), path))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Every package that has code says in doc.go what it is for; a package that fits in few files may say it in its
// only file or in the one that bears its name.
func TestEveryPackageHasDoc(t *testing.T) {
	for _, p := range list(t, "") {
		if len(p.GoFiles) == 0 {
			continue
		}
		documented := false
		for _, f := range p.GoFiles {
			b, err := os.ReadFile(filepath.Join(p.Dir, f))
			if err != nil {
				t.Fatal(err)
			}
			if regexp.MustCompile(`(?m)^(//.*|\*/)\npackage `).Match(b) && (f == "doc.go" || f == "main.go" || f == path.Base(p.ImportPath)+".go" || len(p.GoFiles) == 1) {
				documented = true
			}
		}
		if !documented {
			t.Errorf("%s: no doc.go with purpose, vocabulary, chapter and what it must not do", p.ImportPath)
		}
	}
}

// A word that must not stand in the tree, spelled in pieces so that this file does not hold it.
type forbidden struct {
	name    string
	pattern *regexp.Regexp
	except  func(path string, line []byte) bool
}

// vendorMay tells where the vendor's name is data of the wire and not a name of ours: vectors
// signed over a host name, and tests that use them.
func vendorMay(path string, line []byte) bool {
	return strings.Contains(path, "testdata/") || strings.HasPrefix(path, "protocol/") && strings.HasSuffix(path, "_test.go") ||
		strings.HasPrefix(path, "test/clients/") || path == "examples/sellers/vectors.json" || path == "go.sum" || path == "go.mod"
}

var words = []forbidden{
	{name: "work left open", pattern: regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b`),
		except: func(path string, line []byte) bool { return !strings.HasSuffix(path, ".go") }},
	{name: "path of a machine", pattern: regexp.MustCompile(`(^|[\s"'=(:` + "`" + `])/(wo` + `rk|ro` + `ot|ho` + `me)/[a-zA-Z0-9_.]`)},
	{name: "host of a registry", pattern: regexp.MustCompile(`(?i)(proxy\.go` + `lang\.org|registry\.npm` + `js\.org|deb\.deb` + `ian\.org|goproxy\.` + `[a-z])`)},
	{name: "the vendor's name as ours", pattern: regexp.MustCompile(`(?i)hua` + `wei|华` + `为`), except: vendorMay},
}

func offences(file string, text []byte) []string {
	var bad []string
	if bytes.IndexByte(text, 0) >= 0 {
		return nil
	}
	for n, line := range bytes.Split(text, []byte("\n")) {
		for _, w := range words {
			if m := w.pattern.Find(line); m != nil && (w.except == nil || !w.except(file, line)) {
				bad = append(bad, fmt.Sprintf("%s:%d: %s: %q", file, n+1, w.name, m))
			}
		}
	}
	return bad
}

func TestNoForbiddenWords(t *testing.T) {
	for _, f := range files(t) {
		for _, line := range offences(f, read(t, f)) {
			t.Error(line)
		}
	}
}

func TestForbiddenWordsAreFound(t *testing.T) {
	cases := []struct {
		path, text string
		want       int
	}{
		{"internal/a/a.go", "// TO" + "DO: later", 1},
		{"docs/a.md", "nothing to" + "do here", 0},
		{"internal/a/a.go", `const p = "/ho` + `me/someone/x"`, 1},
		{"internal/a/a.go", `mux.Handle("/orders/", h)`, 0},
		{"internal/a/a.go", "type Hua" + "weiOrder struct{}", 1},
		{"protocol/aksk/testdata/v.json", "mkt.hua" + "wei.example", 0},
		{"Makefile", "GOPROXY=https://proxy.go" + "lang.org", 1},
	}
	for _, c := range cases {
		if got := offences(c.path, []byte(c.text)); len(got) != c.want {
			t.Errorf("%s %q: got %v, want %d", c.path, c.text, got, c.want)
		}
	}
}

// A file over 500 lines asks to be split: listed for the reader, no failure.
func TestLongFilesAreListed(t *testing.T) {
	seen := 0
	for _, f := range files(t) {
		if !strings.HasSuffix(f, ".go") && !strings.HasSuffix(f, ".html") && !strings.HasSuffix(f, ".css") {
			continue
		}
		seen++
		if n := bytes.Count(read(t, f), []byte("\n")); n > 500 {
			t.Logf("%s has %d lines: has it one purpose?", f, n)
		}
	}
	if seen == 0 {
		t.Fatal("no source file seen")
	}
}

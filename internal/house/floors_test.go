package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/souk-market/souk"

// floor is one row of the import rules: what packages under prefix may import.
// Packages of the same prefix may always import each other unless alone is set.
type floor struct {
	name   string
	prefix string   // below the module root, "" matches nothing
	inside []string // prefixes of the module that it may import
	out    []string // prefixes of foreign modules that it may import; the standard library is always allowed
	any    bool     // any foreign module
	rank   int      // tests may import floors of their own rank and below
}

// floors are matched by the longest prefix. The rules are those of docs/architecture.md.
var floors = []floor{
	{name: "ground", prefix: "internal/ground", rank: 0},
	{name: "domain", prefix: "internal/domain", inside: []string{"internal/ground"}, out: []string{"github.com/cockroachdb/apd/"}, rank: 1},
	{name: "protocol", prefix: "protocol", out: []string{"golang.org/x/"}, rank: 1},
	{name: "isv", prefix: "isv", inside: []string{"protocol"}, out: []string{"golang.org/x/"}, rank: 1},
	{name: "engine", prefix: "internal/engine", inside: []string{"internal/ground", "internal/domain"}, any: true, rank: 2},
	{name: "service", prefix: "internal/service", inside: []string{"internal/ground", "internal/domain", "protocol", "internal/engine"}, any: true, rank: 3},
	{name: "api", prefix: "api", any: true, rank: 3},
	{name: "face", prefix: "internal/face", inside: []string{"internal/ground", "internal/domain", "protocol", "internal/service", "api"}, any: true, rank: 4},
	{name: "config", prefix: "internal/config", inside: []string{"internal/ground"}, out: []string{"github.com/spf13/"}, rank: 4},
	{name: "program", prefix: "internal/program", inside: []string{"internal/ground", "internal/domain", "protocol", "internal/engine", "internal/service", "internal/face", "internal/config", "api"}, any: true, rank: 5},
	{name: "harness", prefix: "internal/harness", inside: []string{"internal/ground", "internal/domain", "protocol", "isv", "internal/engine", "internal/service", "internal/config", "internal/program", "api"}, any: true, rank: 5},
	{name: "house", prefix: "internal/house", rank: 6},
	{name: "e2e", prefix: "e2e", inside: []string{"internal/face", "internal/ground", "internal/domain", "internal/harness"}, any: true, rank: 6},
	{name: "examples", prefix: "examples", inside: []string{"isv", "protocol"}, rank: 6},
	{name: "cmd", prefix: "cmd", inside: []string{"internal", "protocol", "isv", "api"}, any: true, rank: 6},
}

// listed is what `go list -json` says of one package.
type listed struct {
	ImportPath   string
	Dir          string
	GoFiles      []string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func under(path, prefix string) bool {
	return prefix != "" && (path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/"))
}

func floorOf(path string) *floor {
	var best *floor
	for i := range floors {
		if f := &floors[i]; under(path, f.prefix) && (best == nil || len(f.prefix) > len(best.prefix)) {
			best = f
		}
	}
	return best
}

// broken returns one line per import that a floor forbids, naming both ends and the rule.
func broken(pkgs []listed) []string {
	var bad []string
	for _, p := range pkgs {
		from := strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
		f := floorOf(from)
		if f == nil {
			bad = append(bad, fmt.Sprintf("%s is on no floor: give it a row in internal/house/floors_test.go", p.ImportPath))
			continue
		}
		for _, to := range p.Imports {
			if why := f.forbids(to); why != "" {
				bad = append(bad, fmt.Sprintf("%s -> %s: %s", from, to, why))
			}
		}
		for _, to := range append(append([]string{}, p.TestImports...), p.XTestImports...) {
			if in, ok := strings.CutPrefix(to, module+"/"); ok {
				if g := floorOf(in); g != nil && g.rank > f.rank {
					bad = append(bad, fmt.Sprintf("%s (test) -> %s: a test of %s must not reach up to %s", from, to, f.name, g.name))
				}
			}
		}
	}
	sort.Strings(bad)
	return bad
}

// forbids says why this floor must not import the path, or "" if it may.
func (f *floor) forbids(path string) string {
	in, own := strings.CutPrefix(path, module+"/")
	if own {
		if under(in, f.prefix) {
			return ""
		}
		for _, ok := range f.inside {
			if under(in, ok) {
				return ""
			}
		}
		return fmt.Sprintf("%s may import only %s", f.name, allowed(f.inside))
	}
	first, _, _ := strings.Cut(path, "/")
	if f.any || !strings.Contains(first, ".") {
		return ""
	}
	for _, ok := range f.out {
		if strings.HasPrefix(path+"/", ok) {
			return ""
		}
	}
	return fmt.Sprintf("%s may import from outside only %s", f.name, allowed(f.out))
}

func allowed(list []string) string {
	if len(list) == 0 {
		return "the standard library"
	}
	return "the standard library and " + strings.Join(list, ", ")
}

// list runs go list over the module with the given build tags.
func list(t *testing.T, tags string) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-tags", tags,
		"-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = root(t)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		pkgs = append(pkgs, p)
	}
	if len(pkgs) == 0 {
		t.Fatal("go list named no package")
	}
	return pkgs
}

func TestFloorsImportOnlyWhatIsBelow(t *testing.T) {
	for _, tags := range []string{"", "soukcrash"} {
		for _, line := range broken(list(t, tags)) {
			t.Errorf("tags=%q: %s", tags, line)
		}
	}
}

// The rules can fail: each made-up edge below must be named, and the allowed ones must not.
func TestFloorRulesNameTheOffendingEdge(t *testing.T) {
	m := module + "/"
	cases := []struct {
		pkg  listed
		want string // part of the one line expected; "" for none
	}{
		{listed{ImportPath: m + "internal/domain/order", Imports: []string{m + "internal/engine/store"}}, "internal/domain/order -> " + m + "internal/engine/store: domain may import only"},
		{listed{ImportPath: m + "internal/domain/order", Imports: []string{"time", m + "internal/ground/money", "github.com/cockroachdb/apd/v3"}}, ""},
		{listed{ImportPath: m + "internal/ground/money", Imports: []string{"github.com/cockroachdb/apd/v3"}}, "ground may import from outside only the standard library"},
		{listed{ImportPath: m + "protocol/aksk", Imports: []string{m + "internal/ground/clock"}}, "protocol may import only"},
		{listed{ImportPath: m + "internal/face/web", Imports: []string{m + "internal/engine/store"}}, "face may import only"},
		{listed{ImportPath: m + "internal/face/web", Imports: []string{m + "internal/service/trade", m + "internal/domain/access"}}, ""},
		{listed{ImportPath: m + "internal/service/trade", Imports: []string{m + "internal/face/web"}}, "service may import only"},
		{listed{ImportPath: m + "internal/engine/jobs", TestImports: []string{m + "internal/service/trade"}}, "a test of engine must not reach up to service"},
		{listed{ImportPath: m + "isv", Imports: []string{m + "internal/domain/order"}}, "isv may import only"},
		{listed{ImportPath: m + "internal/harness/bench", Imports: []string{m + "internal/face/manage"}}, "harness may import only"},
		{listed{ImportPath: m + "attic"}, "is on no floor"},
	}
	for _, c := range cases {
		got := broken([]listed{c.pkg})
		switch {
		case c.want == "" && len(got) > 0:
			t.Errorf("%s: allowed edge was refused: %v", c.pkg.ImportPath, got)
		case c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)):
			t.Errorf("%s: got %v, want one line with %q", c.pkg.ImportPath, got, c.want)
		}
	}
}

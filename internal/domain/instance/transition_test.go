package instance_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/instance"
)

var update = flag.Bool("update", false, "write the table into docs/states-and-limits.md")

const (
	begin = "<!-- written from internal/domain/instance/transition.go -->\n"
	end   = "<!-- end -->\n"
)

// The table of the docs is that of the code.
func TestTransitionsAreDocumented(t *testing.T) {
	const path = "../../../docs/states-and-limits.md"
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString(begin + "| from | to | when | who | condition | the seller is told |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, m := range instance.Transitions {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", m.From, m.To, m.On, m.Actor, m.Guard, m.Call)
	}
	b.WriteString(end)
	from, to := bytes.Index(have, []byte(begin)), bytes.Index(have, []byte(end))
	if from < 0 || to < from {
		t.Fatalf("%s has no place for the table", path)
	}
	want := slices.Concat(have[:from], []byte(b.String()), have[to+len(end):])
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	} else if !bytes.Equal(have, want) {
		t.Errorf("%s is not what the code says; run go test ./internal/domain/instance -update", path)
	}
}

// Every state is reached and, unless it is final, left; what has ended stays ended.
func TestEveryStateIsReachedAndLeft(t *testing.T) {
	reached, left := map[instance.Status]bool{instance.Creating: true}, map[instance.Status]bool{}
	for _, m := range instance.Transitions {
		reached[m.To], left[m.From] = true, true
	}
	for _, s := range []instance.Status{instance.Creating, instance.Provisioning, instance.Active, instance.Grace, instance.Frozen, instance.Released, instance.Failed} {
		ended := (&instance.Instance{Status: s}).Ended()
		if !reached[s] || left[s] == ended {
			t.Errorf("%s: reached %v, left %v, final %v", s, reached[s], left[s], ended)
		}
	}
}

func TestAMoveThatIsInNoRowIsRefused(t *testing.T) {
	i := instance.Instance{ID: "x", Status: instance.Released}
	i.Loaded()
	i.Status = instance.Active
	if err := i.CheckMove(); err == nil {
		t.Error("a released instance became active")
	}
	fresh := instance.Instance{Status: instance.Creating}
	fresh.Loaded()
	if fresh.Status = instance.Active; fresh.CheckMove() != nil {
		t.Error("an instance cannot be opened")
	}
}

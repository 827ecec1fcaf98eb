//go:build linux

package crashtest

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
)

var (
	notesMu sync.Mutex
	notes   []string
)

// note keeps one line of the report. It is called when every check of a scenario
// has been made.
func note(t *testing.T, scenario string, engine database.Engine, kills int, took time.Duration, f facts) {
	verdict := "all agree"
	if t.Failed() {
		verdict = "**failed**"
	}
	line := fmt.Sprintf("| %s | %s | %d | %d | %d | %d | %d | %d | %d | %.1f | %s |",
		engine, scenario, kills, f.orders, f.delivered, f.refunded, f.creates, f.repeated, f.unknown, took.Seconds(), verdict)
	t.Log(line)
	notesMu.Lock()
	defer notesMu.Unlock()
	notes = append(notes, line)
}

// writeReport writes the page about this run.
func writeReport(path string) error {
	notesMu.Lock()
	defer notesMu.Unlock()
	slices.Sort(notes)
	return os.WriteFile(path, fmt.Appendf(nil, `# Crash report

Written by `+"`go test ./internal/harness/crashtest -report FILE`"+`: %s, %s/%s, %d processors.

The marketplace is the real program, built so that it sends itself SIGKILL at a
label, or killed from outside; sellers are `+"`souk seller`"+` processes. Each
scenario starts on an empty database. "All agree" means that orders and instances,
the ledger (each transaction balances, each account is the sum of its entries, the
money is where the deliveries say) and the records on the sellers' own disks tell
the same: no order lost, no instance made twice, no money lost.

*Repeated* are orders whose newInstance was sent more than once; *unknown* are calls
that ended without an answer. *Settled* is the time from the last kill until every
order was completed; on PostgreSQL it holds the leases of the dead process, 20 s.

| engine | scenario | kills | orders | delivered | refunded | newInstance calls | repeated | unknown | settled (s) | verdict |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |
%s
`, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.Join(notes, "\n")), 0o644)
}

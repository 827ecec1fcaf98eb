//go:build soukcrash

package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	label, number = parse(os.Getenv("SOUK_CRASH_AT"))
	passes        atomic.Int64
)

func parse(s string) (string, int64) {
	name, n, found := strings.Cut(s, ":")
	if !found {
		return name, 1
	}
	k, err := strconv.ParseInt(n, 10, 64)
	if err != nil || k < 1 {
		panic("SOUK_CRASH_AT: " + s + " is not label or label:n")
	}
	return name, k
}

// Point kills the process with SIGKILL at the chosen pass of the chosen label: no
// deferred call, no flush, nothing runs after it.
func Point(name string) {
	if name == label && passes.Add(1) == number {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

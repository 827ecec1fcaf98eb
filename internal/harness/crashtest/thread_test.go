//go:build linux

package crashtest

import (
	"os/exec"
	"runtime"
	"sync"
)

var starter struct {
	once sync.Once
	work chan func()
}

// startOnOwnThread starts a child on a thread that never ends: the parent-death
// signal is tied to the thread, not to the process.
func startOnOwnThread(c *exec.Cmd) error {
	starter.once.Do(func() {
		starter.work = make(chan func())
		go func() {
			runtime.LockOSThread()
			for f := range starter.work {
				f()
			}
		}()
	})
	done := make(chan error)
	starter.work <- func() { done <- c.Start() }
	return <-done
}

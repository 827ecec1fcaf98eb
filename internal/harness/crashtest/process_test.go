//go:build linux

package crashtest

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait: what has not happened by then will not.
const patience = 2 * time.Minute

// program builds the binary that can crash, once.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "soukcrash")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "souk")
	out, err := exec.Command("go", "build", "-tags", "soukcrash", "-o", path, "github.com/souk-market/souk/cmd/souk").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build: %w\n%s", err, out)
	}
	return path, nil
})

// process is a running souk command.
type process struct {
	name string
	cmd  *exec.Cmd
	log  *tail
	line chan string   // the lines of standard output
	gone chan struct{} // closed when it has ended
}

// launch starts `souk args…`. It is killed at the end of the test at the latest,
// and dies with the test binary.
func launch(t *testing.T, name string, env []string, args ...string) *process {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: name, cmd: exec.Command(path, args...), log: &tail{}, line: make(chan string, 1000), gone: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := startOnOwnThread(p.cmd); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			_, _ = p.log.Write(append(lines.Bytes(), '\n'))
			select {
			case p.line <- lines.Text():
			default:
			}
		}
		_ = p.cmd.Wait()
		close(p.gone)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("last words of %s:\n%s", name, p.log)
		}
	})
	return p
}

// kill ends the process as a power cut would, and waits until it is gone.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.gone
}

func (p *process) alive() bool {
	select {
	case <-p.gone:
		return false
	default:
		return true
	}
}

// awaitCrash waits for the process to kill itself and checks that it was SIGKILL.
func (p *process) awaitCrash(t *testing.T) {
	t.Helper()
	select {
	case <-p.gone:
	case <-time.After(patience):
		t.Fatalf("%s did not come by its crash label", p.name)
	}
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("%s ended with %v instead of SIGKILL", p.name, p.cmd.ProcessState)
	}
}

// tail keeps the last words of a process.
type tail struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *tail) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.b.Len() > 1<<20 {
		l.b.Next(l.b.Len() / 2)
	}
	return l.b.Write(b)
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kept strings.Builder
	for line := range strings.Lines(l.b.String()) {
		if !strings.Contains(line, "msg=request ") {
			kept.WriteString(line)
		}
	}
	s := kept.String()
	if n := len(s) - 6000; n > 0 {
		s = "…" + s[n:]
	}
	return s
}

var addresses atomic.Int32

// newAddress gives an address that no other process takes while its own is
// stopped: one of this machine's sixteen million loopback addresses.
func newAddress() string {
	pid, n := os.Getpid(), int(addresses.Add(1))
	return fmt.Sprintf("127.%d.%d.%d:%d", 1+pid%250, 1+pid/250%250, 1+n%250, 20000+n)
}

// answers waits until something answers HTTP at the address.
func answers(t *testing.T, p *process, url string) {
	t.Helper()
	for ctx, stop := context.WithTimeout(t.Context(), patience); ; {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := plain.Do(r)
		if err == nil {
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			stop()
			return
		}
		if !p.alive() || ctx.Err() != nil {
			stop()
			t.Fatalf("%s does not answer at %s: %v\n%s", p.name, url, err, p.log)
		}
		breathe()
	}
}

// plain keeps no connection: a killed server must not answer for its successor.
var plain = &http.Client{
	Timeout:   30 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true, Proxy: nil},
}

// breathe is the pause between two looks at another process, which has no other
// way to say that something changed.
func breathe() { time.Sleep(10 * time.Millisecond) }

// listeningURL reads the address that `souk seller` prints when it is ready.
func (p *process) listeningURL(t *testing.T) string {
	t.Helper()
	for end := time.After(patience); ; {
		select {
		case line := <-p.line:
			if _, url, ok := strings.Cut(line, "listening on "); ok {
				return strings.TrimSpace(url)
			}
		case <-p.gone:
			t.Fatalf("%s ended: %v\n%s", p.name, p.cmd.ProcessState, p.log)
		case <-end:
			t.Fatalf("%s prints no address\n%s", p.name, p.log)
		}
	}
}

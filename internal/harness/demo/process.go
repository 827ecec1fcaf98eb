package demo

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Process is a running `souk seller`.
type Process struct {
	Base   string // production address
	Notify string // order notification address
	Root   string // scheme and authority
	cmd    *exec.Cmd
	once   sync.Once
	done   chan struct{}
}

// sameAgain is where a seller listened before, so that what was proved of its address stays so; any free port when that
// one is taken, or at the first time.
func sameAgain(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		if l, err := net.Listen("tcp", u.Host); err == nil {
			_ = l.Close()
			return u.Host
		}
	}
	return "127.0.0.1:0"
}

// StartSeller starts a sandbox seller as a process of its own, on a free port, and
// waits until it listens. It ends with this process at the latest.
func StartSeller(ctx context.Context, program, dir, marketplace string, s *Seller, log io.Writer, faults ...string) (*Process, error) {
	args := []string{"seller", "--protocol", s.Protocol, "--listen", sameAgain(s.Address), "--key", s.Keys["base"], "--general-key", s.Keys["general"], "--kit-key", s.Keys["kit"], "--license-key", s.Keys["license"],
		"--data", filepath.Join(dir, "seller-"+s.Protocol), "--marketplace", marketplace, "--ak", s.AK, "--sk", s.SK}
	if s.Protocol == "v2" {
		args = append(args, "--ready-after", "2") // the instance is ready at the second look
	}
	for _, f := range faults {
		args = append(args, "--fault", f)
	}
	cmd := exec.Command(program, args...)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd: cmd, done: make(chan struct{})}
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		first, _ := r.ReadString('\n')
		line <- first
		_, _ = io.Copy(io.Discard, r)
		_ = cmd.Wait()
		close(p.done)
	}()
	select {
	case first := <-line:
		_, address, ok := strings.Cut(strings.TrimSpace(first), "listening on ")
		u, err := url.Parse(address)
		if !ok || err != nil || u.Host == "" {
			p.Stop()
			return nil, fmt.Errorf("seller %s did not start: it said %q", s.Company, strings.TrimSpace(first))
		}
		p.Root = u.Scheme + "://" + u.Host
		p.Base, p.Notify = p.Root+"/produce", p.Root+"/notify"
		return p, nil
	case <-ctx.Done():
		p.Stop()
		return nil, ctx.Err()
	case <-time.After(20 * time.Second):
		p.Stop()
		return nil, fmt.Errorf("seller %s did not start within 20 s", s.Company)
	}
}

// Stop ends the process and waits for it.
func (p *Process) Stop() {
	p.once.Do(func() {
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(3 * time.Second):
			_ = p.cmd.Process.Signal(os.Kill)
			<-p.done
		}
	})
}

// Kill ends the process with SIGKILL, as a crash does.
func (p *Process) Kill() {
	p.once.Do(func() { _ = p.cmd.Process.Kill(); <-p.done })
}

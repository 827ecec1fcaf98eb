package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serve is a running `souk serve`.
type serve struct {
	addr string // host:port
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{}
}

const startWithin = 60 * time.Second

// start runs `souk serve` on the world's database with default settings. Its log
// goes to a file, as it does where it is operated.
func (w *world) start(ctx context.Context) (*serve, error) {
	log, err := os.OpenFile(filepath.Join(w.dir, "serve.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(w.o.Program, "serve")
	cmd.Env = append(os.Environ(), "SOUK_MODE=sandbox", "SOUK_LISTEN=127.0.0.1:0", "SOUK_DATA="+w.dir, "SOUK_DATABASE="+w.url)
	cmd.Stderr = log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	s := &serve{cmd: cmd, log: log, done: make(chan struct{})}
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		first, _ := r.ReadString('\n')
		line <- first
		_, _ = io.Copy(io.Discard, r)
		_ = cmd.Wait()
		close(s.done)
	}()
	limit := time.NewTimer(startWithin)
	defer limit.Stop()
	select {
	case first := <-line:
		_, address, _ := strings.Cut(strings.TrimSpace(first), "listening on ")
		u, err := url.Parse(address)
		if err != nil || u.Host == "" {
			s.stop()
			return nil, fmt.Errorf("souk serve did not start: it said %q; its log: %s", strings.TrimSpace(first), w.tail())
		}
		s.addr = u.Host
		return s, nil
	case <-ctx.Done():
		s.stop()
		return nil, ctx.Err()
	case <-limit.C:
		s.stop()
		return nil, fmt.Errorf("souk serve did not listen within %s", startWithin)
	}
}

// tail is the end of the server's log.
func (w *world) tail() string {
	b, err := os.ReadFile(filepath.Join(w.dir, "serve.log"))
	if err != nil {
		return err.Error()
	}
	return string(b[max(0, len(b)-2000):])
}

// stop ends the process gracefully, or by force after ten seconds: with dead
// sellers a call under way may take twenty.
func (s *serve) stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	limit := time.NewTimer(10 * time.Second)
	defer limit.Stop()
	select {
	case <-s.done:
	case <-limit.C:
		_ = s.cmd.Process.Kill()
		<-s.done
	}
	_ = s.log.Close()
}

// memory is the process's resident size now and its largest ever, in 10^6 bytes.
func (s *serve) memory() (now, peak float64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, rest, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 64)
		switch name {
		case "VmRSS":
			now = kb * 1024 / 1e6
		case "VmHWM":
			peak = kb * 1024 / 1e6
		}
	}
	if now == 0 {
		return 0, 0, errors.New("the process's memory cannot be read: it is gone, or this is not Linux")
	}
	return now, peak, nil
}

// cpu is the processor time the process has used, of all threads, user and system.
func (s *serve) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// After the name in parentheses the third field is the state; utime and stime are
	// the 14th and 15th of all, in hundredths of a second on Linux.
	_, rest, _ := strings.Cut(string(b), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0, fmt.Errorf("/proc/%d/stat reads %q", s.cmd.Process.Pid, b)
	}
	user, err := strconv.ParseInt(f[11], 10, 64)
	if err != nil {
		return 0, err
	}
	system, err := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond, err
}

// perUnit is the processor time since before per unit of work, in ms.
func (s *serve) perUnit(before time.Duration, units int) (float64, error) {
	after, err := s.cpu()
	return round((after - before).Seconds() * 1000 / float64(max(units, 1))), err
}

package sellers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// language is one of the example servers.
type language struct {
	name    string
	install string                                        // what to install when command finds something missing
	command func(build string) (argv []string, err error) // builds into that directory what must be built
}

// languages are all of them; each is one directory.
var languages = []language{
	{"go", "Go", func(build string) ([]string, error) {
		bin := filepath.Join(build, "seller-go")
		return []string{bin}, run(exec.Command("go", "build", "-o", bin, "./go"))
	}},
	{"python", "python3 and python3-cryptography", func(string) ([]string, error) {
		// Debian's own Python comes first: python3-cryptography installs for that one.
		for _, python := range []string{"/usr/bin/python3", "python3"} {
			if exec.Command(python, "-c", "import cryptography").Run() == nil {
				return []string{python, "python/seller.py"}, nil
			}
		}
		return nil, errors.New("no python3 can import cryptography")
	}},
	{"node", "nodejs", func(string) ([]string, error) {
		return []string{"node", "node/seller.mjs"}, run(exec.Command("node", "-e", "process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)"))
	}},
	{"php", "php-cli", func(string) ([]string, error) {
		return []string{"php", "php/seller.php"}, run(exec.Command("php", "-r", "exit(PHP_VERSION_ID < 80100 || !function_exists('pcntl_exec') ? 1 : 0);"))
	}},
	{"java", "default-jdk-headless and libjackson2-databind-java", func(build string) ([]string, error) {
		jars := "/usr/share/java/jackson-core.jar:/usr/share/java/jackson-databind.jar:/usr/share/java/jackson-annotations.jar"
		for _, jar := range strings.Split(jars, ":") {
			if _, err := os.Stat(jar); err != nil {
				return nil, err
			}
		}
		return []string{"java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", jars + ":" + build, "Seller"},
			run(exec.Command("javac", "-d", build, "-cp", jars, "java/Seller.java", "java/Wire.java"))
	}},
}

func run(cmd *exec.Cmd) error {
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return nil
}

// built remembers what each language's command is; built once per run of the tests.
var built sync.Map // name → func() ([]string, error)

var buildDirectory string

func TestMain(m *testing.M) {
	var err error
	if buildDirectory, err = os.MkdirTemp("", "sellers"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(buildDirectory)
	os.Exit(code)
}

// argv is the command of a language, or the end of the test where it is not installed:
// a skip, or a failure where all must be there.
func (l language) argv(t *testing.T) []string {
	t.Helper()
	// Looked at so that `go test` knows what its remembered result depends on.
	if _, err := os.ReadDir(l.name); err != nil {
		t.Fatal(err)
	}
	sources, _ := filepath.Glob(filepath.Join(l.name, "*"))
	for _, source := range sources {
		if _, err := os.ReadFile(source); err != nil && filepath.Ext(source) != "" {
			t.Fatal(err)
		}
	}
	once, _ := built.LoadOrStore(l.name, sync.OnceValues(func() ([]string, error) {
		directory := filepath.Join(buildDirectory, l.name)
		if err := os.MkdirAll(directory, 0o700); err != nil {
			return nil, err
		}
		return l.command(directory)
	}))
	argv, err := once.(func() ([]string, error))()
	if err != nil && (os.Getenv("CI") == "true" || os.Getenv("SOUK_REQUIRE_ALL") == "1") {
		t.Fatalf("install %s: %v", l.install, err)
	} else if err != nil {
		t.Skipf("install %s: %v", l.install, err)
	}
	return argv
}

// each runs a test for every language, side by side.
func each(t *testing.T, test func(t *testing.T, l language)) {
	for _, l := range languages {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

// server is a running seller.
type server struct {
	url   string // of /produce
	argv  []string
	env   []string
	cmd   *exec.Cmd
	ended chan struct{}
}

const key = "0b1e4a52-7c3d-4f60-9a81-2d5c6e7f8091"

func start(t *testing.T, l language, env ...string) *server {
	t.Helper()
	s := &server{argv: l.argv(t), env: append([]string{"KEY=" + key, "LISTEN=" + freeAddress(t), "DATA=" + t.TempDir()}, env...)}
	s.start(t)
	t.Cleanup(s.kill)
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// start starts the process, again after kill, and waits for the line that says it is ready.
func (s *server) start(t *testing.T) {
	t.Helper()
	s.cmd = exec.Command(s.argv[0], s.argv[1:]...)
	s.cmd.Env = append(os.Environ(), s.env...)
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	log, err := os.CreateTemp(buildDirectory, "log")
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = write, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.ended = make(chan struct{})
	go func(cmd *exec.Cmd, ended chan struct{}) { _ = cmd.Wait(); close(ended) }(s.cmd, s.ended)
	ready := make(chan string, 1)
	go func() {
		defer read.Close()
		lines := bufio.NewScanner(read)
		for lines.Scan() {
			if url, found := strings.CutPrefix(lines.Text(), "listening on "); found {
				ready <- url
				break
			}
		}
		for lines.Scan() { // nobody else reads what comes after
		}
	}()
	select {
	case s.url = <-ready:
	case <-s.ended:
		said, _ := os.ReadFile(log.Name())
		t.Fatalf("%s ended:\n%s", strings.Join(s.argv, " "), said)
	case <-time.After(time.Minute):
		t.Fatalf("%s is not ready after a minute", strings.Join(s.argv, " "))
	}
}

// kill ends the process and its children at once, as a power cut would.
func (s *server) kill() {
	_ = syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
	<-s.ended
	for range 100 { // children of a killed parent may hold the port for a moment
		if c, err := net.Dial("tcp", s.host()); err != nil {
			break
		} else {
			c.Close()
		}
		time.Sleep(10 * time.Millisecond)
	}
	http.DefaultClient.CloseIdleConnections()
}

func (s *server) host() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.url, "http://"), "/produce")
}

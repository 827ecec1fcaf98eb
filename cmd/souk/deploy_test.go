package main

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/config"
)

const deploy = "../../deploy"

func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(deploy, path))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(strings.ReplaceAll(string(b), "\\\n", " ")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

// understood checks that a command line is one that the program takes.
func understood(t *testing.T, where string, args []string) {
	t.Helper()
	root := rootCommand()
	root.SetOut(io.Discard)
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		t.Errorf("%s: there is no command %q: %v", where, args, err)
		return
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Errorf("%s: %q: %v", where, args, err)
	} else if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		t.Errorf("%s: %q: %v", where, args, err)
	}
}

// option checks that an environment variable is one that the program reads.
func option(t *testing.T, where, name string) {
	t.Helper()
	for _, o := range config.Table {
		if o.Env() == name {
			return
		}
	}
	t.Errorf("%s: no option is read from %s", where, name)
}

// What the units start are commands that exist, with flags that exist; they run as nobody in particular; and where the
// service manager's own checker is at hand, it finds nothing wrong and a small surface.
func TestUnits(t *testing.T) {
	calls := regexp.MustCompile(`/usr/local/bin/souk ([^;']+)`)
	dir := t.TempDir()
	for _, unit := range []string{"souk.service", "souk-backup.service", "souk-backup.timer"} {
		started, set := 0, map[string]string{}
		for _, line := range lines(t, "systemd/"+unit) {
			key, value, ok := strings.Cut(line, "=")
			if !ok && !strings.HasPrefix(line, "[") {
				t.Errorf("%s: %q is no line of a unit", unit, line)
			}
			if _, there := set[key]; !there {
				set[key] = value
			}
			if key != "ExecStart" {
				continue
			}
			for _, m := range calls.FindAllStringSubmatch(value, -1) {
				started++
				understood(t, unit, strings.Fields(strings.NewReplacer(`"`, "", "$$", "$").Replace(m[1])))
			}
		}
		if strings.HasSuffix(unit, ".service") {
			if started == 0 || set["User"] != "souk" || set["NoNewPrivileges"] != "yes" || set["ProtectSystem"] != "strict" || set["CapabilityBoundingSet"] != "" || set["StateDirectory"] != "souk" {
				t.Errorf("%s starts %d commands as %q with %v", unit, started, set["User"], set)
			}
		}
		b, err := os.ReadFile(filepath.Join(deploy, "systemd", unit))
		if err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, unit), []byte(strings.ReplaceAll(string(b), "/usr/local/bin/souk", self)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the units were read, not verified")
	}
	if out, err := exec.Command(analyze, "verify", filepath.Join(dir, "souk.service"), filepath.Join(dir, "souk-backup.service"), filepath.Join(dir, "souk-backup.timer")).CombinedOutput(); err != nil || strings.Contains(string(out), dir) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", filepath.Join(dir, "souk.service")).CombinedOutput(); err != nil {
		t.Errorf("the service is more exposed than 2.0: %v\n%s", err, out)
	}
}

// The container recipe builds what it copies, runs it as nobody, and calls commands and options that exist.
func TestContainerfile(t *testing.T) {
	built, user, stages := map[string]bool{}, "", 0
	var entry, command, health []string
	array := func(s string) []string {
		return strings.FieldsFunc(strings.Trim(strings.TrimSpace(s), "[]"), func(r rune) bool { return r == '"' || r == ',' || r == ' ' })
	}
	for _, line := range lines(t, "container/Containerfile") {
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "FROM":
			stages++
			user = ""
			b, err := os.ReadFile("../../go.mod")
			if err != nil {
				t.Fatal(err)
			}
			if v := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(b)); stages == 1 && rest != "golang:"+v[1]+" AS build" {
				t.Errorf("it is built with %s, go.mod says %s", rest, v[1])
			}
		case "RUN":
			if strings.Contains(rest, "go build") && !strings.Contains(rest, "CGO_ENABLED=0") {
				t.Errorf("not static: %s", rest)
			}
			for _, m := range regexp.MustCompile(`/out/\w+`).FindAllString(rest, -1) {
				built[m] = true
			}
		case "COPY":
			for _, f := range strings.Fields(rest) {
				if strings.HasPrefix(f, "/out/") && !built[f] {
					t.Errorf("%s is copied and was not built", f)
				}
			}
		case "USER":
			user = rest
		case "ENV":
			for _, pair := range strings.Fields(rest) {
				name, _, _ := strings.Cut(pair, "=")
				option(t, "Containerfile", name)
			}
		case "ENTRYPOINT":
			entry = array(rest)
		case "CMD":
			command = array(rest)
		case "HEALTHCHECK":
			_, after, _ := strings.Cut(rest, "CMD ")
			health = array(after)
		}
	}
	if stages != 2 || user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("%d stages, the last runs as %q", stages, user)
	}
	if len(entry) != 1 || entry[0] != "/souk" || len(health) < 2 || health[0] != "/souk" {
		t.Fatalf("entry %q, health %q", entry, health)
	}
	understood(t, "CMD", command)
	understood(t, "HEALTHCHECK", health[1:])
}

// The service manager is told how far the process is; without one nothing happens.
func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	notify("READY=1")
	b := make([]byte, 100)
	n, err := manager.Read(b)
	if err != nil || string(b[:n]) != "READY=1" {
		t.Errorf("%q %v", b[:n], err)
	}
	t.Setenv("NOTIFY_SOCKET", path+"-gone")
	notify("READY=1")
	t.Setenv("NOTIFY_SOCKET", "")
	notify("READY=1")
}

package sellers

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The commands of the seller guide work as they stand there: those that need no server are
// run and must print what the guide shows; of the others the flags must exist.
func TestGuide(t *testing.T) {
	program, err := souk()
	if err != nil {
		t.Fatal(err)
	}
	commands := map[string][]string{}
	for _, guide := range []string{"seller-guide.md", "seller-guide.zh-CN.md"} {
		text, err := os.ReadFile("../../docs/" + guide)
		if err != nil {
			t.Fatal(err)
		}
		directory := t.TempDir()
		if err := os.Symlink(program, filepath.Join(directory, "souk")); err != nil {
			t.Fatal(err)
		}
		shell := func(line string) (string, error) {
			cmd := exec.Command("sh", "-c", line)
			cmd.Dir, cmd.Env = directory, append(os.Environ(), "KEY=key")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		for _, block := range regexp.MustCompile("(?s)```\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			lines := strings.Split(block[1], "\n")
			for i, line := range lines {
				switch word, _, _ := strings.Cut(strings.TrimPrefix(line, "./souk "), " "); {
				case strings.HasPrefix(line, "printf "), word == "sign", word == "open", word == "explain" && strings.HasPrefix(line, "./souk"):
					out, err := shell(line)
					if wrong := strings.Contains(line, "--got 'uP7b"); (err != nil) != wrong || wrong && !strings.Contains(out, "plus-as-blank") {
						t.Errorf("%s: %s: %v\n%s", guide, line, err, out)
					}
					if shown := lines[i+1]; word == "sign" && strings.HasSuffix(shown, "=") && strings.TrimSpace(out) != shown {
						t.Errorf("%s: %s prints %s, not %s", guide, line, out, shown)
					}
				case strings.HasPrefix(line, "./souk "):
					if out, err := shell(line + " --help"); err != nil {
						t.Errorf("%s: %s: %v\n%s", guide, line, err, out)
					}
				}
				if strings.HasPrefix(line, "./souk ") || strings.HasPrefix(line, "printf ") {
					commands[guide] = append(commands[guide], regexp.MustCompile(` --lang \w+`).ReplaceAllString(line, ""))
				}
			}
		}
		help, err := shell("./souk doctor --help")
		if err != nil {
			t.Fatal(err)
		}
		_, table, _ := strings.Cut(string(text), "doctor-report.png")
		for _, row := range regexp.MustCompile("(?m)^\\| `--.*? \\|").FindAllString(table, -1) {
			for _, flag := range regexp.MustCompile("--[a-z-]+").FindAllString(row, -1) {
				if !regexp.MustCompile(flag + `[ [][^-]`).MatchString(help) {
					t.Errorf("%s: souk doctor has no %s", guide, flag)
				}
			}
		}
	}
	en, zh := commands["seller-guide.md"], commands["seller-guide.zh-CN.md"]
	if strings.Join(en, "\n") != strings.Join(zh, "\n") || len(en) < 10 {
		t.Errorf("the guides differ:\n%s\n\n%s", strings.Join(en, "\n"), strings.Join(zh, "\n"))
	}
}

package sellers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// souk is the program, built once.
var souk = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(buildDirectory, "souk")
	return bin, run(exec.Command("go", "build", "-o", bin, "../../cmd/souk"))
})

// Every example passes `souk doctor`: every must, every should, every note, with restarts
// and, where the protocol has it, the order query.
func TestDoctor(t *testing.T) {
	program, err := souk()
	if err != nil {
		t.Fatal(err)
	}
	each(t, func(t *testing.T, l language) {
		for _, play := range []struct {
			name, path string
			flags      []string
			orders     bool // the doctor serves the order query
			whole      bool // every rule is judged
		}{
			{"v1", "/produce", []string{"--protocol", "v1"}, false, true},
			{"v2", "/produce", []string{"--protocol", "v2", "--real"}, true, true}, // debugging orders are not asked for
			{"notify", "/notify", []string{"--protocol", "notify"}, true, false},
		} {
			t.Run(play.name, func(t *testing.T) {
				asking := filepath.Join(t.TempDir(), "restart")
				flags := append([]string{"doctor", "--lang", "en", "--key", key, "--restart", "touch " + asking + "; while test -e " + asking + "; do sleep 0.02; done"}, play.flags...)
				var env []string
				if play.orders {
					address := freeAddress(t)
					env = []string{"MARKETPLACE=http://" + address, "AK=DOCTORAK000000000001", "SK=doctor-secret"}
					flags = append(flags, "--order-listen", address, "--ak", "DOCTORAK000000000001", "--sk", "doctor-secret")
				}
				s := start(t, l, env...)
				cmd := exec.Command(program, append(flags, strings.Replace(s.url, "/produce", play.path, 1))...)
				var out strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &out
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				ended := make(chan error, 1)
				go func() { ended <- cmd.Wait() }()
				tick := time.NewTicker(10 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case err := <-ended:
						// One line for each of must, should and note.
						if err != nil || strings.Count(out.String(), " ok, 0 broken, ") != 3 || play.whole && strings.Count(out.String(), " broken, 0 skipped") != 3 {
							t.Errorf("%v\n%s", err, out.String())
						}
						t.Log(out.String()[strings.LastIndex(out.String(), "\nmust:"):])
						return
					case <-tick.C: // the doctor asks for a restart by making a file, and waits until it is gone
						if _, err := os.Stat(asking); err != nil {
							continue
						}
						s.kill()
						s.start(t)
						if err := os.Remove(asking); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	})
}

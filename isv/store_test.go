package isv_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/isv"
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

func TestStoreSurvivesACutLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	store, err := isv.OpenFileStore(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []isv.Record{{Key: "a", InstanceID: "i1"}, {Key: "a", InstanceID: "i1", Done: true}, {Key: "b", InstanceID: "i2"}} {
		if err := store.Put(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(path)
	for cut := range text {
		if err := os.WriteFile(path, text[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		store, err := isv.OpenFileStore(path)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		if err := store.Put(isv.Record{Key: "c", InstanceID: "i3", Done: true}); err != nil {
			t.Fatal(err)
		}
		_ = store.Close()
		again, err := isv.OpenFileStore(path)
		if err != nil {
			t.Fatalf("cut at %d, written and reopened: %v", cut, err)
		}
		if r, found, _ := again.Get("c"); !found || !r.Done {
			t.Fatalf("cut at %d: the new record is lost", cut)
		}
		if _, found, _ := again.Get("a"); found != (strings.Count(string(text[:cut]), "\n") > 0) {
			t.Fatalf("cut at %d: a complete line is lost or half a line is kept", cut)
		}
		_ = again.Close()
	}
	if err := os.WriteFile(path, []byte("{}\n"+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := isv.OpenFileStore(path); err == nil {
		t.Error("damage in the middle went unnoticed")
	}
}

func TestStoreKeepsConcurrentRecords(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	store, err := isv.OpenFileStore(path)
	if err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for i := range 50 {
		wait.Go(func() {
			if err := store.Put(isv.Record{Key: fmt.Sprint("k", i), InstanceID: "x", Done: true}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	_ = store.Close()
	again, err := isv.OpenFileStore(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for i := range 50 {
		if _, found, _ := again.Get(fmt.Sprint("k", i)); !found {
			t.Errorf("k%d is lost", i)
		}
	}
	if store.Put(isv.Record{Key: "late"}) == nil {
		t.Error("a closed store took a record")
	}
}

// mortal is a Seller whose process dies after it acted and before it answers.
type mortal struct {
	shop
	made string // file with a line per instance really made
	die  bool
}

func (m *mortal) Create(_ context.Context, c isv.Creation) error {
	text, _ := os.ReadFile(m.made)
	if !strings.Contains(string(text), c.InstanceID+"\n") { // made already: change nothing
		if err := os.WriteFile(m.made, append(text, c.InstanceID+"\n"...), 0o600); err != nil {
			return err
		}
	}
	if m.die {
		self, err := os.FindProcess(os.Getpid())
		if err != nil {
			return err
		}
		_ = self.Kill()
		select {} // the kill is on its way
	}
	return nil
}

const childVariable = "SOUK_ISV_TEST_CHILD"

func TestMain(m *testing.M) {
	if directory := os.Getenv(childVariable); directory != "" {
		child(directory)
		return
	}
	os.Exit(m.Run())
}

// child serves until it is killed, printing its address.
func child(directory string) {
	store, err := isv.OpenFileStore(filepath.Join(directory, "journal.jsonl"))
	if err != nil {
		panic(err)
	}
	_, dieErr := os.Stat(filepath.Join(directory, "die"))
	handler, err := isv.New(isv.Config{Keys: []string{"key"}, Store: store},
		&mortal{shop: shop{instances: map[string]string{}}, made: filepath.Join(directory, "made"), die: dieErr == nil})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	panic(http.Serve(listener, handler))
}

func spawn(t *testing.T, directory string) (url string, process *exec.Cmd) {
	t.Helper()
	process = exec.Command(os.Args[0])
	process.Env = append(os.Environ(), childVariable+"="+directory)
	out, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Process.Kill(); _ = process.Wait() })
	if _, err := fmt.Fscanln(out, &url); err != nil {
		t.Fatal(err)
	}
	return url, process
}

// The process is killed between acting and answering; the repetition names the same
// instance and makes no second one.
func TestKilledBetweenActingAndAnswering(t *testing.T) {
	directory := t.TempDir()
	die := filepath.Join(directory, "die")
	if err := os.WriteFile(die, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	url, process := spawn(t, directory)
	m := &market{t: t, url: url}
	if v := m.v1(order(nil), v1.Settings{}); !v.Unknown {
		t.Fatalf("the dying process answered %+v", v)
	}
	_ = process.Wait()
	if err := os.Remove(die); err != nil {
		t.Fatal(err)
	}
	url, _ = spawn(t, directory)
	m = &market{t: t, url: url}
	v := m.v1(order(func(n *v1.NewInstance) { n.BusinessID = "b2" }), v1.Settings{})
	made, _ := os.ReadFile(filepath.Join(directory, "made"))
	if !v.OK || v.InstanceID != "b1" || string(made) != "b1\n" {
		t.Errorf("%+v, made %q", v, made)
	}
}

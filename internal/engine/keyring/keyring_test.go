package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/souk-market/souk/internal/engine/keyring"
)

func ring(t *testing.T, keys ...string) *keyring.Ring {
	t.Helper()
	r, err := keyring.Parse(strings.Join(keys, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func seal(t *testing.T, r *keyring.Ring, purpose, plain string) string {
	t.Helper()
	s, err := r.Seal(purpose, []byte(plain))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantOpen(t *testing.T, r *keyring.Ring, purpose, sealed, want string) {
	t.Helper()
	got, err := r.Open(purpose, sealed)
	if err != nil || string(got) != want {
		t.Errorf("opened %q, %v; want %q", got, err, want)
	}
}

func TestSealAndOpen(t *testing.T) {
	r := ring(t, keyring.Generate())
	rapid.Check(t, func(rt *rapid.T) {
		purpose := rapid.String().Draw(rt, "purpose")
		plain := rapid.SliceOf(rapid.Byte()).Draw(rt, "plain")
		sealed, err := r.Seal(purpose, plain)
		if err != nil {
			rt.Fatal(err)
		}
		if len(plain) > 4 && strings.Contains(sealed, string(plain)) {
			rt.Fatalf("%q shows the value", sealed)
		}
		got, err := r.Open(purpose, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			rt.Fatalf("opened %q, %v; want %q", got, err, plain)
		}
		if _, err := r.Open(purpose+"x", sealed); !errors.Is(err, keyring.ErrSealed) {
			rt.Fatalf("another purpose: %v, want ErrSealed", err)
		}
		if again, _ := r.Seal(purpose, plain); again == sealed {
			rt.Fatal("the same text twice")
		}
	})
}

// Every changed character, and every cut, is refused.
func TestChangedTextIsRefused(t *testing.T) {
	r := ring(t, keyring.Generate())
	sealed := seal(t, r, "p", "value")
	for i := range sealed {
		for _, c := range []byte("A.b-") {
			if sealed[i] == c {
				continue
			}
			changed := sealed[:i] + string(c) + sealed[i+1:]
			if got, err := r.Open("p", changed); err == nil {
				t.Fatalf("%q opened to %q", changed, got)
			}
		}
		if _, err := r.Open("p", sealed[:i]); err == nil {
			t.Fatalf("cut to %d characters it opened", i)
		}
	}
	other := seal(t, r, "p", "other")
	r.Rotate()
	third := seal(t, r, "p", "third")
	value := func(s string) string { return s[strings.LastIndex(s, ".")+1:] }
	// The value of one data key under another.
	if _, err := r.Open("p", strings.TrimSuffix(other, value(other))+value(third)); !errors.Is(err, keyring.ErrSealed) {
		t.Errorf("swapped data key: %v", err)
	}
}

func TestProcessesNeedOnlyTheMasterKey(t *testing.T) {
	key := keyring.Generate()
	one, two := ring(t, key), ring(t, key)
	wantOpen(t, two, "p", seal(t, one, "p", "from one"), "from one")
	first := seal(t, one, "p", "before")
	one.Rotate()
	second := seal(t, one, "p", "after")
	if strings.Split(first, ".")[2] == strings.Split(second, ".")[2] {
		t.Error("Rotate kept the data key")
	}
	wantOpen(t, two, "p", first, "before")
	wantOpen(t, two, "p", second, "after")
	if _, err := ring(t, keyring.Generate()).Open("p", first); !errors.Is(err, keyring.ErrUnknownMaster) {
		t.Errorf("a stranger's ring: %v, want ErrUnknownMaster", err)
	}
}

func TestMasterRotation(t *testing.T) {
	oldKey, newKey := keyring.Generate(), keyring.Generate()
	sealed := seal(t, ring(t, oldKey), "p", "value")

	both := ring(t, "# new since December", newKey, oldKey)
	wantOpen(t, both, "p", sealed, "value")
	if both.Current(sealed) {
		t.Error("the old text counts as current")
	}
	moved, err := both.Rewrap(sealed)
	if err != nil || !both.Current(moved) {
		t.Fatalf("Rewrap: %v, current %v", err, both.Current(moved))
	}
	if again, err := both.Rewrap(moved); err != nil || again != moved {
		t.Errorf("Rewrap changed a current text: %v", err)
	}
	wantOpen(t, ring(t, newKey), "p", moved, "value") // the old key is gone
	if _, err := ring(t, newKey).Rewrap(sealed); !errors.Is(err, keyring.ErrUnknownMaster) {
		t.Errorf("Rewrap without the old key: %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"empty":         "",
		"comment only":  "# key\n",
		"not base64":    strings.Repeat("!", 44),
		"31 bytes":      base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("abc"), 11)[:31]),
		"33 bytes":      base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("abc"), 11)),
		"placeholder":   base64.StdEncoding.EncodeToString(make([]byte, 32)),
		"second broken": keyring.Generate() + "\nx",
	} {
		if _, err := keyring.Parse(text); !errors.Is(err, keyring.ErrKey) {
			t.Errorf("%s: %v, want ErrKey", name, err)
		}
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "master.key")
	if _, err := keyring.Load(path, false); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("absent and not to be made: %v", err)
	}
	// Several processes start at once: all hold the same key.
	var rings [8]*keyring.Ring
	var all sync.WaitGroup
	for i := range rings {
		all.Go(func() {
			var err error
			if rings[i], err = keyring.Load(path, true); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, r := range rings {
		wantOpen(t, rings[0], "p", seal(t, r, "p", "value"), "value")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".master-*")); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Load(path, false); err == nil {
		t.Error("a file that everybody reads was taken")
	}
}

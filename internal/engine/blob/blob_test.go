package blob_test

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/engine/blob"
)

func TestTheSameBytesAreKeptOnce(t *testing.T) {
	dir := t.TempDir()
	d, err := blob.Open(dir + "/files")
	if err != nil {
		t.Fatal(err)
	}
	first, n, err := d.Put(strings.NewReader("内容"), 10)
	if err != nil || n != 6 {
		t.Fatal(n, err)
	}
	again, _, err := d.Put(strings.NewReader("内容"), 10)
	if err != nil || again != first {
		t.Fatal(again, err)
	}
	f, err := d.Get(first)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "内容" {
		t.Errorf("%q %v", b, err)
	}
	entries, err := os.ReadDir(dir + "/files")
	if err != nil || len(entries) != 1 {
		t.Errorf("%v %v: an upload was left behind", entries, err)
	}
}

func TestTooLargeAndForeignNames(t *testing.T) {
	d, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := d.Put(strings.NewReader("elevenbytes"), 10); !errors.Is(err, blob.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if _, err := d.Get("../../etc/passwd"); err == nil {
		t.Error("a path was opened")
	}
	if _, err := d.Get(strings.Repeat("0", 64)); !errors.Is(err, blob.ErrMissing) {
		t.Errorf("%v", err)
	}
}

func TestEachNamesWhatIsKeptAndNothingElse(t *testing.T) {
	root := t.TempDir()
	d, err := blob.Open(root)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, text := range []string{"a", "b", "c", "a"} {
		sum, _, err := d.Put(strings.NewReader(text), 10)
		if err != nil {
			t.Fatal(err)
		}
		want[sum] = true
	}
	// What an upload that died left behind, and a file of somebody else.
	for _, stray := range []string{"upload-123", "README"} {
		if err := os.WriteFile(filepath.Join(root, stray), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	got := map[string]bool{}
	if err := d.Each(func(sum string) error { got[sum] = true; return nil }); err != nil {
		t.Fatal(err)
	}
	if !maps.Equal(got, want) {
		t.Errorf("named %v, kept %v", got, want)
	}
}

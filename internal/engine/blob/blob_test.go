package blob_test

import (
	"errors"
	"io"
	"os"
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

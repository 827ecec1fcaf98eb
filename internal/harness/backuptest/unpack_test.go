//go:build linux

package backuptest

import (
	"bytes"
	"compress/gzip"
	"io"
	"testing"
)

// unpacked is a dump without its compression.
func unpacked(t *testing.T, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

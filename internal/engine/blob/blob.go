// Package blob keeps the bytes of uploaded files (文件) in a folder, under the
// SHA-256 of their content: the same bytes are kept once, and what is read can be
// checked. Names, owners and kinds are rows of the store.
//
// It must not know what a file is for.
package blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// Dir is a folder of blobs.
type Dir struct {
	root     string
	volatile bool
}

// Errors of Put and Open.
var (
	ErrTooLarge = errors.New("blob: larger than allowed")
	ErrMissing  = errors.New("blob: no such bytes")
)

// Open uses a folder, which is made when absent.
func Open(root string) (*Dir, error) {
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	return &Dir{root: root}, nil
}

// Volatile makes Put leave to the operating system when bytes reach the disk: for
// tests and benches, as with a database without durability.
func (d *Dir) Volatile() { d.volatile = true }

// Put keeps what r gives, at most max bytes, and tells its hash and size. The bytes
// are on the disk when it returns; half a file is never seen under its name.
func (d *Dir) Put(r io.Reader, max int64) (sum string, size int64, err error) {
	tmp, err := os.CreateTemp(d.root, "upload-")
	if err != nil {
		return "", 0, err
	}
	defer os.Remove(tmp.Name())
	defer tmp.Close()
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(tmp, h), io.LimitReader(r, max+1))
	if err != nil {
		return "", 0, err
	}
	if size > max {
		return "", 0, ErrTooLarge
	}
	if !d.volatile {
		if err := tmp.Sync(); err != nil {
			return "", 0, err
		}
	}
	sum = hex.EncodeToString(h.Sum(nil))
	path := d.path(sum)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", 0, err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return "", 0, err
	}
	if d.volatile {
		return sum, size, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", 0, err
	}
	defer dir.Close()
	return sum, size, dir.Sync()
}

var sumForm = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Get opens the bytes of a hash.
func (d *Dir) Get(sum string) (*os.File, error) {
	if !sumForm.MatchString(sum) {
		return nil, fmt.Errorf("blob: %q is no hash", sum)
	}
	f, err := os.Open(d.path(sum))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	return f, err
}

// Each calls f with the hash of everything kept, in the order of the hashes.
func (d *Dir) Each(f func(sum string) error) error {
	return filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !sumForm.MatchString(e.Name()) || path != d.path(e.Name()) {
			return err
		}
		return f(e.Name())
	})
}

func (d *Dir) path(sum string) string { return filepath.Join(d.root, sum[:2], sum) }

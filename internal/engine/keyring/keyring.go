package keyring

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	keySize = 32
	// A random 96-bit nonce may be drawn 2^32 times per key before a repetition
	// becomes likely enough to matter; a data key is replaced long before.
	maxSeals = 1 << 20
	maxAge   = 24 * time.Hour
	// maxOpened bounds the opened data keys that are remembered.
	maxOpened = 1024

	version = "souk1"
)

var (
	// ErrKey means that a master key is not 32 bytes in base64, or weak.
	ErrKey = errors.New("not a master key: 32 random bytes in base64 are needed")
	// ErrSealed means that a text cannot be opened: cut, changed, or sealed
	// for another purpose. Which of them is not told.
	ErrSealed = errors.New("sealed text cannot be opened")
	// ErrUnknownMaster means that a text was sealed under a master key that
	// this ring does not hold.
	ErrUnknownMaster = errors.New("sealed under a master key that is not in the keyring")
)

// Ring seals and opens. It is safe for concurrent use.
type Ring struct {
	masters map[string]cipher.AEAD
	current string // id of the master key that seals

	mu     sync.Mutex
	seal   *dataKey
	opened map[string]cipher.AEAD // wrapped data key → opened
}

type dataKey struct {
	wrapped string
	aead    cipher.AEAD
	seals   int
	until   time.Time
}

// Generate returns a new master key in its text form.
func Generate() string {
	b := make([]byte, keySize)
	rand.Read(b) // never fails
	return base64.StdEncoding.EncodeToString(b)
}

// Parse makes a ring from master keys in base64, one a line or separated by
// blanks or commas. The first seals; all open. A line that begins with # is a
// comment.
func Parse(text string) (*Ring, error) {
	r := &Ring{masters: map[string]cipher.AEAD{}, opened: map[string]cipher.AEAD{}}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t\r\n,", c) }) {
			key, err := base64.StdEncoding.Strict().DecodeString(word)
			if err != nil || len(key) != keySize || weak(key) {
				return nil, ErrKey
			}
			// The id tells which key without telling anything about it.
			sum := sha256.Sum256(append([]byte("souk master key id\x00"), key...))
			id := hex.EncodeToString(sum[:4])
			if r.current == "" {
				r.current = id
			}
			if r.masters[id], err = gcm(key); err != nil {
				return nil, err
			}
		}
	}
	if r.current == "" {
		return nil, ErrKey
	}
	return r, nil
}

// weak reports a key that is one byte repeated: somebody's placeholder.
func weak(key []byte) bool {
	for _, b := range key {
		if b != key[0] {
			return false
		}
	}
	return true
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Seal encrypts plain for purpose. The text is printable ASCII without blanks,
// about 150 characters longer than plain, and different at each call.
func (r *Ring) Seal(purpose string, plain []byte) (string, error) {
	k, err := r.sealing()
	if err != nil {
		return "", err
	}
	return strings.Join([]string{version, r.current, k.wrapped, lock(k.aead, plain, "value", purpose)}, "."), nil
}

// Open decrypts a text that Seal made for the same purpose under any of the
// ring's master keys. Errors are ErrSealed and ErrUnknownMaster.
func (r *Ring) Open(purpose, sealed string) ([]byte, error) {
	master, wrapped, value, err := split(sealed)
	if err != nil {
		return nil, err
	}
	k, err := r.opening(master, wrapped)
	if err != nil {
		return nil, err
	}
	return unlock(k, value, "value", purpose)
}

// Current reports whether the text is sealed under the master key that seals
// now; otherwise Rewrap would change it.
func (r *Ring) Current(sealed string) bool {
	master, _, _, err := split(sealed)
	return err == nil && master == r.current
}

// Rewrap returns the text with its data key sealed under the current master
// key. The value is neither decrypted nor changed.
func (r *Ring) Rewrap(sealed string) (string, error) {
	master, wrapped, value, err := split(sealed)
	if err != nil || master == r.current {
		return sealed, err
	}
	old, ok := r.masters[master]
	if !ok {
		return "", ErrUnknownMaster
	}
	key, err := unlock(old, wrapped, "data key", master)
	if err != nil {
		return "", err
	}
	return strings.Join([]string{version, r.current, lock(r.masters[r.current], key, "data key", r.current), value}, "."), nil
}

// Rotate makes the next Seal draw a new data key.
func (r *Ring) Rotate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seal = nil
}

// sealing returns the data key to seal with.
func (r *Ring) sealing() (*dataKey, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if k := r.seal; k != nil && k.seals < maxSeals && time.Now().Before(k.until) {
		k.seals++
		return k, nil
	}
	key := make([]byte, keySize)
	rand.Read(key)
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	r.seal = &dataKey{
		wrapped: lock(r.masters[r.current], key, "data key", r.current),
		aead:    aead, seals: 1, until: time.Now().Add(maxAge),
	}
	return r.seal, nil
}

// opening returns the opened data key.
func (r *Ring) opening(master, wrapped string) (cipher.AEAD, error) {
	m, ok := r.masters[master]
	if !ok {
		return nil, ErrUnknownMaster
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	name := master + "." + wrapped
	if k := r.opened[name]; k != nil {
		return k, nil
	}
	key, err := unlock(m, wrapped, "data key", master)
	if err != nil {
		return nil, err
	}
	k, err := gcm(key)
	if err != nil {
		return nil, ErrSealed
	}
	if len(r.opened) >= maxOpened {
		clear(r.opened)
	}
	r.opened[name] = k
	return k, nil
}

// lock and unlock encrypt with what the bytes are as additional data, in a form
// that no other pair of role and name gives.
func lock(k cipher.AEAD, plain []byte, role, name string) string {
	nonce := make([]byte, k.NonceSize())
	rand.Read(nonce)
	return base64.RawURLEncoding.EncodeToString(k.Seal(nonce, nonce, plain, additional(role, name)))
}

func unlock(k cipher.AEAD, text, role, name string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < k.NonceSize() {
		return nil, ErrSealed
	}
	n := k.NonceSize()
	plain, err := k.Open(nil, b[:n], b[n:], additional(role, name))
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

func additional(role, name string) []byte {
	return fmt.Appendf(nil, "%s\x00%s\x00%s", version, role, name)
}

func split(sealed string) (master, wrapped, value string, err error) {
	p := strings.Split(sealed, ".")
	if len(p) != 4 || p[0] != version {
		return "", "", "", ErrSealed
	}
	return p[1], p[2], p[3], nil
}

package sealed

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

type aesInput struct {
	AccessKey string `json:"access_key"`
	Bits      Bits
	IV        string
	Plaintext string
	Wire      string
	Repeat    string
	Times     int
}

type vector[E any] struct {
	Name     string
	Input    aesInput
	Expected E
	Valid    bool
	Source   string
}

type lengthResult struct {
	Characters int
	SHA256     string
}

type aesVectors struct {
	Derive []vector[string]
	Seal   []vector[string]
	Refuse []vector[string]
	Length []vector[lengthResult]
}

func load(t testing.TB, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestVectorsAES(t *testing.T) {
	var v aesVectors
	load(t, "testdata/aes.json", &v)
	if len(v.Derive) != 8 || len(v.Seal) != 14 || len(v.Refuse) < 10 || len(v.Length) != 2 {
		t.Fatal("vectors are missing")
	}
	for _, c := range v.Derive {
		if got := hex.EncodeToString(DeriveKey(c.Input.AccessKey, c.Input.Bits)); (got == c.Expected) != c.Valid {
			t.Errorf("%s (%s): got %s", c.Name, c.Source, got)
		}
	}
	for _, c := range v.Seal {
		got, err := SealWithIV(c.Input.AccessKey, c.Input.Bits, c.Input.IV, c.Input.Plaintext)
		if err != nil || got != c.Expected {
			t.Errorf("%s (%s): got %s %v", c.Name, c.Source, got, err)
		}
		back, err := Open(c.Input.AccessKey, c.Input.Bits, c.Expected)
		if err != nil || back != c.Input.Plaintext {
			t.Errorf("%s (%s): opened as %q %v", c.Name, c.Source, back, err)
		}
	}
	for _, c := range v.Refuse {
		if got, err := Open(c.Input.AccessKey, c.Input.Bits, c.Input.Wire); err == nil {
			t.Errorf("%s (%s): opened as %q", c.Name, c.Source, got)
		}
	}
	for _, c := range v.Length {
		plain := strings.Repeat(c.Input.Repeat, c.Input.Times)
		wire, err := SealWithIV(c.Input.AccessKey, c.Input.Bits, c.Input.IV, plain)
		sum := sha256.Sum256([]byte(wire))
		if err != nil || len(wire) != c.Expected.Characters || hex.EncodeToString(sum[:]) != c.Expected.SHA256 {
			t.Errorf("%s: %d characters, %v", c.Name, len(wire), err)
		}
		got, err := OpenCredential(c.Input.AccessKey, c.Input.Bits, wire)
		if c.Valid && got != plain || !c.Valid && !errors.Is(err, ErrTooLong) {
			t.Errorf("%s: opened as %q %v", c.Name, got, err)
		}
	}
}

func TestEncryptTypeDecidesTheKeyLength(t *testing.T) {
	for text, want := range map[string]Bits{"": AES256, "1": AES256, "2": AES128, "3": 0} {
		if got, ok := ForEncryptType(text); got != want || ok != (want != 0) {
			t.Errorf("%q: got %d %v", text, got, ok)
		}
	}
}

func TestBytesThatAreNotTextAreNotShown(t *testing.T) {
	if _, err := SealWithIV("k", AES256, "0123456789abcdef", "\xff"); !errors.Is(err, ErrNotText) {
		t.Errorf("sealed invalid UTF-8: %v", err)
	}
	// The block of 16 bytes decrypts cleanly but the first byte is flipped through the IV.
	wire, _ := SealWithIV("k", AES256, "0123456789abcdef", "abc")
	if _, err := Open("k", AES256, "\x00"+wire[1:]); err != nil {
		t.Errorf("an ASCII flip stays text: %v", err)
	}
	wire, _ = SealWithIV("k", AES256, "0123456789abcdef", "é")
	if got, err := Open("k", AES256, "\x70"+wire[1:]); !errors.Is(err, ErrNotText) {
		t.Errorf("got %q %v", got, err)
	}
}

func TestSealIsFreshAndOpens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key, text := rapid.String().Draw(t, "key"), rapid.String().Draw(t, "text")
		bits := rapid.SampledFrom([]Bits{AES128, AES256}).Draw(t, "bits")
		one, err := Seal(key, bits, text, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		two, _ := Seal(key, bits, text, rand.Reader)
		if one == two {
			t.Fatal("the same initial vector twice")
		}
		if back, err := Open(key, bits, one); err != nil || back != text {
			t.Fatalf("opened as %q %v", back, err)
		}
	})
	if _, err := Seal("k", AES256, "x", bytes.NewReader([]byte{255, 255})); err == nil {
		t.Error("an exhausted random source went unnoticed")
	}
}

type oaepVectors struct {
	Keys map[string]struct {
		Public, Private string
		PublicSHA256    string `json:"public_sha256"`
	}
	Vectors []struct {
		Name     string
		Input    struct{ Profile, Key, Wire string }
		Expected string
		Valid    bool
		Source   string
	}
}

func TestVectorsOAEP(t *testing.T) {
	var v oaepVectors
	load(t, "testdata/oaep.json", &v)
	if len(v.Vectors) != 18 || len(v.Keys) != 2 {
		t.Fatal("vectors are missing")
	}
	private := map[string]*rsa.PrivateKey{}
	for name, pair := range v.Keys {
		public, err := ParsePublicKey(pair.Public)
		if err != nil {
			t.Fatal(name, err)
		}
		if private[name], err = ParsePrivateKey(pair.Private); err != nil {
			t.Fatal(name, err)
		}
		der, _ := x509.MarshalPKIXPublicKey(public)
		if sum := sha256.Sum256(der); pair.PublicSHA256 != "" && hex.EncodeToString(sum[:]) != pair.PublicSHA256 {
			t.Errorf("%s: hash of the public key differs", name)
		}
		for _, profile := range OAEPProfiles {
			wire, err := profile.Encrypt(rand.Reader, public, "秘密")
			if err != nil {
				t.Fatal(name, profile, err)
			}
			if back, err := profile.Decrypt(private[name], wire); err != nil || back != "秘密" {
				t.Errorf("%s %s: got %q %v", name, profile, back, err)
			}
		}
	}
	for _, c := range v.Vectors {
		got, err := OAEPProfile(c.Input.Profile).Decrypt(private[c.Input.Key], c.Input.Wire)
		if c.Valid && got != c.Expected || !c.Valid && !errors.Is(err, ErrUndecryptable) {
			t.Errorf("%s: got %q %v", c.Name, got, err)
		}
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	short, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, _ := x509.MarshalPKIXPublicKey(&short.PublicKey)
	if _, err := ParsePublicKey(base64.StdEncoding.EncodeToString(der)); !errors.Is(err, ErrShortKey) {
		t.Errorf("2048 bits: %v", err)
	}
	for _, text := range []string{"", "no key", "AAAA", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := ParsePublicKey(text); err == nil {
			t.Errorf("%q was accepted as public key", text)
		}
		if _, err := ParsePrivateKey(text); err == nil {
			t.Errorf("%q was accepted as private key", text)
		}
	}
	if _, err := OAEPProfile("md5").Encrypt(rand.Reader, &short.PublicKey, "x"); err == nil {
		t.Error("unknown profile was accepted")
	}
}

func FuzzOpen(f *testing.F) {
	var v aesVectors
	load(f, "testdata/aes.json", &v)
	for _, c := range append(v.Seal, v.Refuse...) {
		f.Add(c.Input.AccessKey, c.Expected+c.Input.Wire, c.Input.Bits == AES256)
	}
	f.Fuzz(func(t *testing.T, key, wire string, long bool) {
		bits := AES128
		if long {
			bits = AES256
		}
		text, err := Open(key, bits, wire)
		if err != nil {
			return
		}
		if !utf8.ValidString(text) {
			t.Fatalf("opened as %q", text)
		}
		if again, err := SealWithIV(key, bits, wire[:16], text); err != nil || again != wire {
			t.Fatalf("%q seals as %q %v", text, again, err)
		}
	})
}

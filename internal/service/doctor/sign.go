package doctor

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/protocol/wirejson"
)

// Signature says who vouches for a report.
type Signature struct {
	Algorithm string `json:"algorithm"`  // "Ed25519"
	PublicKey []byte `json:"public_key"` // 32 bytes, base64
	Value     []byte `json:"value"`      // 64 bytes, base64
}

// Fingerprint is the SHA-256 of the public key, the first 16 bytes in hex.
func (s Signature) Fingerprint() string {
	sum := sha256.Sum256(s.PublicKey)
	return hex.EncodeToString(sum[:16])
}

// document is how a report is kept: the signature covers the compact bytes of "report".
type document struct {
	Report    json.RawMessage `json:"report"`
	Signature *Signature      `json:"signature,omitempty"`
}

const algorithm = "Ed25519"

// signed is what is signed: a prefix keeps the signature from meaning anything else.
func signed(report []byte) []byte { return append([]byte("souk doctor report\n"), report...) }

// Sign vouches for the report as it is now; changing it afterwards breaks the signature.
func (r *Report) Sign(key ed25519.PrivateKey) error {
	if len(key) != ed25519.PrivateKeySize {
		return errors.New("doctor: not an Ed25519 key")
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	r.signature = &Signature{Algorithm: algorithm, PublicKey: key.Public().(ed25519.PublicKey), Value: ed25519.Sign(key, signed(text))}
	return nil
}

// Signature returns who vouches for the report; nil is nobody.
func (r *Report) Signature() *Signature { return r.signature }

func (r *Report) document() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return json.Marshal(document{text, r.signature})
}

// JSON writes the report, with its signature if it has one, for people's eyes too.
func (r *Report) JSON() ([]byte, error) {
	text, err := r.document()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return nil, err
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}

// Errors of Verify.
var (
	ErrNotAReport = errors.New("this is not a report of the doctor")
	ErrUnsigned   = errors.New("the report is not signed")
	ErrSignature  = errors.New("the signature does not fit: the report was changed")
	ErrOtherKey   = errors.New("the report is signed with another key")
	ErrPage       = errors.New("the signature fits, but the page does not show what the signed report says")
)

// MaxReport is the longest report that Verify reads, in bytes.
const MaxReport = 32 << 20

// Verify reads a report in the JSON or HTML form and checks its signature; with a
// trusted key also that it is that key's. Of a page every byte is checked: it must be
// what this program makes of the signed report. The report is returned with
// ErrUnsigned, ErrOtherKey and ErrPage as well.
func Verify(file []byte, trusted ed25519.PublicKey) (*Report, error) {
	text, page := file, false
	if strings.HasPrefix(strings.TrimSpace(string(file[:min(len(file), 64)])), "<") {
		var found bool
		if text, found = embedded(file); !found {
			return nil, ErrNotAReport
		}
		page = true
	}
	// Names that occur twice would let two readers see two reports.
	if _, err := wirejson.ParseObject(text); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotAReport, err)
	}
	var d document
	var r Report
	if err := strict(text, &d); err != nil || len(d.Report) == 0 {
		return nil, ErrNotAReport
	}
	if err := strict(d.Report, &r); err != nil || r.Version != reportVersion {
		return nil, ErrNotAReport
	}
	if d.Signature == nil {
		return &r, ErrUnsigned
	}
	r.signature = d.Signature
	var compact bytes.Buffer
	if err := json.Compact(&compact, d.Report); err != nil {
		return nil, ErrNotAReport
	}
	s := d.Signature
	if s.Algorithm != algorithm || len(s.PublicKey) != ed25519.PublicKeySize || !ed25519.Verify(s.PublicKey, signed(compact.Bytes()), s.Value) {
		return nil, ErrSignature
	}
	if trusted != nil && !bytes.Equal(trusted, s.PublicKey) {
		return &r, ErrOtherKey
	}
	if page {
		if again, err := r.HTML(); err != nil || !bytes.Equal(again, file) {
			return &r, ErrPage
		}
	}
	return &r, nil
}

func strict(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// ParsePublicKey reads an Ed25519 public key: PEM, or base64 or hex of its 32 bytes.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	text = strings.TrimSpace(text)
	if block, _ := pem.Decode([]byte(text)); block != nil {
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		if key, ok := parsed.(ed25519.PublicKey); err == nil && ok {
			return key, nil
		}
		return nil, errors.New("the PEM block holds no Ed25519 public key")
	}
	for _, decode := range []func(string) ([]byte, error){base64.StdEncoding.DecodeString, hex.DecodeString} {
		if raw, err := decode(text); err == nil && len(raw) == ed25519.PublicKeySize {
			return raw, nil
		}
	}
	return nil, errors.New("not an Ed25519 public key: PEM, base64 or hex is expected")
}

// ParsePrivateKey reads an Ed25519 private key from PEM (PKCS#8).
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, ok := parsed.(ed25519.PrivateKey); err == nil && ok {
		return key, nil
	}
	return nil, errors.New("the PEM block holds no Ed25519 private key")
}

package sealed

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
)

// OAEPProfile names the pair of hashes of RSA-OAEP. Which one a seller's program
// uses is a setting of the credential.
// spec: 13 §3.2, 11 §10 V15
type OAEPProfile string

// The three profiles. DefaultOAEP is what a Java program gets that names SHA-256
// and no parameters.
const (
	OAEPSHA1           OAEPProfile = "sha1"
	OAEPSHA256MGF1SHA1 OAEPProfile = "sha256-mgf1sha1"
	OAEPSHA256         OAEPProfile = "sha256"
	DefaultOAEP                    = OAEPSHA256MGF1SHA1
)

// OAEPProfiles lists the profiles in the order in which a page offers them.
var OAEPProfiles = []OAEPProfile{OAEPSHA256MGF1SHA1, OAEPSHA1, OAEPSHA256}

// MinRSABits is the shortest RSA key that a seller may register.
// spec: 13 §3.1
const MinRSABits = 3072

// ErrShortKey refuses a key below MinRSABits.
var ErrShortKey = fmt.Errorf("RSA key is shorter than %d bits", MinRSABits)

func (p OAEPProfile) options() (*rsa.OAEPOptions, error) {
	switch p {
	case OAEPSHA1:
		return &rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}, nil
	case OAEPSHA256MGF1SHA1:
		return &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA1}, nil
	case OAEPSHA256:
		return &rsa.OAEPOptions{Hash: crypto.SHA256, MGFHash: crypto.SHA256}, nil
	default:
		return nil, fmt.Errorf("unknown OAEP profile %q", string(p))
	}
}

// Both hashes must be linked into the program for crypto.Hash to find them.
var _ = []func() hash.Hash{sha1.New, sha256.New}

// Encrypt seals plaintext for the seller and returns padded standard base64.
func (p OAEPProfile) Encrypt(random io.Reader, key *rsa.PublicKey, plaintext string) (string, error) {
	options, err := p.options()
	if err != nil {
		return "", err
	}
	secret, err := rsa.EncryptOAEPWithOptions(random, key, []byte(plaintext), options)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(secret), nil
}

// Decrypt reverses Encrypt; a wrong key, a wrong profile and a damaged value all
// give ErrUndecryptable.
func (p OAEPProfile) Decrypt(key *rsa.PrivateKey, wire string) (string, error) {
	options, err := p.options()
	if err != nil {
		return "", err
	}
	secret, err := decodeBase64(wire)
	if err != nil {
		return "", ErrUndecryptable
	}
	text, err := key.Decrypt(nil, secret, options)
	if err != nil {
		return "", ErrUndecryptable
	}
	return string(text), nil
}

// ParsePublicKey reads what a seller uploads: PEM or bare base64 of a
// SubjectPublicKeyInfo, a PKCS#1 key, or a certificate. Shorter keys than
// MinRSABits give ErrShortKey.
// spec: 13 §3.2
func ParsePublicKey(text string) (*rsa.PublicKey, error) {
	der, err := keyBytes(text)
	if err != nil {
		return nil, err
	}
	key, err := publicKey(der)
	if err != nil {
		return nil, err
	}
	if key.N.BitLen() < MinRSABits {
		return nil, ErrShortKey
	}
	return key, nil
}

func publicKey(der []byte) (*rsa.PublicKey, error) {
	var parsed any
	if key, err := x509.ParsePKIXPublicKey(der); err == nil {
		parsed = key
	} else if key, err := x509.ParsePKCS1PublicKey(der); err == nil {
		parsed = key
	} else if certificate, err := x509.ParseCertificate(der); err == nil {
		parsed = certificate.PublicKey
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("text holds no RSA public key")
	}
	return key, nil
}

// ParsePrivateKey reads PEM or bare base64 of a PKCS#8 or PKCS#1 RSA key. Sellers
// and tests need it; the marketplace never sees a seller's private key.
func ParsePrivateKey(text string) (*rsa.PrivateKey, error) {
	der, err := keyBytes(text)
	if err != nil {
		return nil, err
	}
	if key, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("text holds no RSA private key")
	}
	return key, nil
}

func keyBytes(text string) ([]byte, error) {
	if block, _ := pem.Decode([]byte(text)); block != nil {
		return block.Bytes, nil
	}
	der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, errors.New("text is neither PEM nor base64")
	}
	return der, nil
}

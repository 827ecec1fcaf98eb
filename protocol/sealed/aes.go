package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"io"
	"strings"
	"unicode/utf8"
)

// Bits is the length of an AES key.
type Bits int

// The two key lengths of the protocol.
const (
	AES128 Bits = 128
	AES256 Bits = 256
)

// MaxCredential is the longest userName or password on the wire, initial vector
// included, in characters: at most 79 bytes of plain text.
// spec: 10 §2.4
const MaxCredential = 128

const ivLength = 16

// Errors of Open. ErrNotText means that the key probably does not fit although
// the padding happened to look right: the bytes must not be shown.
var (
	ErrUndecryptable = errors.New("value cannot be decrypted")
	ErrNotText       = errors.New("decrypted value is not UTF-8 text")
	ErrTooLong       = errors.New("encrypted value is longer than 128 characters")
)

// ForEncryptType returns the key length that a seller's encryptType names: "1",
// "" and absent mean 256 bits, "2" means 128.
// spec: 10 §2.4, 02 §2.15
func ForEncryptType(encryptType string) (Bits, bool) {
	switch encryptType {
	case "", "1":
		return AES256, true
	case "2":
		return AES128, true
	default:
		return 0, false
	}
}

// DeriveKey returns the AES key that Java's SHA1PRNG, seeded with the access key,
// would give.
// spec: 10 §6.3
func DeriveKey(accessKey string, bits Bits) []byte {
	state := sha1.Sum([]byte(accessKey))
	var stream []byte
	for len(stream) < int(bits)/8 {
		out := sha1.Sum(state[:])
		stream = append(stream, out[:]...)
		advance(&state, out)
	}
	return stream[:int(bits)/8]
}

// advance adds out and one to the state. Java adds SIGNED bytes, so that the
// carry may be -1: unsigned arithmetic gives another second block.
func advance(state *[20]byte, out [20]byte) {
	carry, changed := 1, false
	for i := range state {
		sum := int(int8(state[i])) + int(int8(out[i])) + carry
		changed = changed || byte(sum) != state[i]
		state[i] = byte(sum)
		carry = sum >> 8
	}
	if !changed {
		state[0]++
	}
}

const ivAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// NewIV draws 16 letters and digits from random, which must be a cryptographic source.
// spec: 10 §6.4
func NewIV(random io.Reader) (string, error) {
	iv := make([]byte, 0, ivLength)
	one := make([]byte, 1)
	for len(iv) < ivLength {
		if _, err := io.ReadFull(random, one); err != nil {
			return "", err
		}
		// Bytes beyond the last full round are drawn again, so every character is equally likely.
		if int(one[0]) < 256-256%len(ivAlphabet) {
			iv = append(iv, ivAlphabet[int(one[0])%len(ivAlphabet)])
		}
	}
	return string(iv), nil
}

// Seal encrypts plaintext under the derived key with a fresh initial vector.
// spec: 10 §6.3
func Seal(accessKey string, bits Bits, plaintext string, random io.Reader) (string, error) {
	iv, err := NewIV(random)
	if err != nil {
		return "", err
	}
	return SealWithIV(accessKey, bits, iv, plaintext)
}

// SealWithIV is Seal with a given initial vector of 16 ASCII characters; vectors
// and tests need it, other callers use Seal.
func SealWithIV(accessKey string, bits Bits, iv, plaintext string) (string, error) {
	if len(iv) != ivLength || !isASCII(iv) {
		return "", errors.New("initial vector must be 16 ASCII characters")
	}
	if !utf8.ValidString(plaintext) {
		return "", ErrNotText
	}
	block, err := aes.NewCipher(DeriveKey(accessKey, bits))
	if err != nil {
		return "", err
	}
	padding := aes.BlockSize - len(plaintext)%aes.BlockSize
	text := []byte(plaintext + strings.Repeat(string(rune(padding)), padding))
	cipher.NewCBCEncrypter(block, []byte(iv)).CryptBlocks(text, text)
	return iv + base64.StdEncoding.EncodeToString(text), nil
}

// Open decrypts a wire value. It fails with ErrUndecryptable or ErrNotText; both
// mean "show nothing", never "the order failed".
// spec: 10 §6.3, 02 §1.17
func Open(accessKey string, bits Bits, wire string) (string, error) {
	if len(wire) <= ivLength || !isASCII(wire[:ivLength]) {
		return "", ErrUndecryptable
	}
	text, err := decodeBase64(wire[ivLength:])
	if err != nil || len(text) == 0 || len(text)%aes.BlockSize != 0 {
		return "", ErrUndecryptable
	}
	block, err := aes.NewCipher(DeriveKey(accessKey, bits))
	if err != nil {
		return "", err
	}
	cipher.NewCBCDecrypter(block, []byte(wire[:ivLength])).CryptBlocks(text, text)
	padding := int(text[len(text)-1])
	if padding < 1 || padding > aes.BlockSize {
		return "", ErrUndecryptable
	}
	for _, b := range text[len(text)-padding:] {
		if int(b) != padding {
			return "", ErrUndecryptable
		}
	}
	text = text[:len(text)-padding]
	if !utf8.Valid(text) {
		return "", ErrNotText
	}
	return string(text), nil
}

// OpenCredential is Open for a userName or password of a seller's answer, whose
// length is limited on the wire.
// spec: 10 §2.4
func OpenCredential(accessKey string, bits Bits, wire string) (string, error) {
	if utf8.RuneCountInString(wire) > MaxCredential {
		return "", ErrTooLong
	}
	return Open(accessKey, bits, wire)
}

// decodeBase64 accepts the standard padded alphabet only: no line breaks, no
// blanks, no stray bits in the last character.
func decodeBase64(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrUndecryptable
	}
	return base64.StdEncoding.Strict().DecodeString(text)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

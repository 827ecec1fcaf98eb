package explain

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/sealed"
)

// lock is one way of opening cipher bytes.
type lock struct {
	key        []byte
	iv, cipher []byte
	ecb, zeros bool
}

// open returns the text when padding and encoding are right.
func (l lock) open() (string, bool) {
	if len(l.cipher) == 0 || len(l.cipher)%aes.BlockSize != 0 || !l.ecb && len(l.iv) != aes.BlockSize {
		return "", false
	}
	block, err := aes.NewCipher(l.key)
	if err != nil {
		return "", false
	}
	text := make([]byte, len(l.cipher))
	if l.ecb {
		for i := 0; i < len(text); i += aes.BlockSize {
			block.Decrypt(text[i:], l.cipher[i:i+aes.BlockSize])
		}
	} else {
		cipher.NewCBCDecrypter(block, l.iv).CryptBlocks(text, l.cipher)
	}
	if l.zeros {
		cut := bytes.TrimRight(text, "\x00")
		if len(cut) == len(text) || len(text)-len(cut) > aes.BlockSize || len(cut) == 0 {
			return "", false
		}
		text = cut
	} else {
		padding := int(text[len(text)-1])
		if padding < 1 || padding > aes.BlockSize || !bytes.HasSuffix(text, bytes.Repeat([]byte{byte(padding)}, padding)) {
			return "", false
		}
		text = text[:len(text)-padding]
	}
	// What a mistake gives by chance is hardly ever text that people write.
	if !utf8.Valid(text) || strings.ContainsFunc(string(text), unicode.IsControl) {
		return "", false
	}
	return string(text), true
}

// wireRecipe is a reading of a sealed value.
type wireRecipe struct {
	accessKey string
	bits      sealed.Bits
	wire      string
	derive    func(accessKey string, bits sealed.Bits) []byte
	lock      lock
	split     func(wire string) (iv, cipher []byte)
}

func (r wireRecipe) open() (string, bool) {
	l := r.lock
	iv, secret := r.split(r.wire)
	if l.iv == nil {
		l.iv = iv
	}
	l.key, l.cipher = r.derive(r.accessKey, r.bits), secret
	return l.open()
}

// Sealed opens a sealed value step by step. Equal means that it opens under the key,
// and, when in.Plain is given, holds that text.
// spec: 10 §6.3, §6.4
func Sealed(in Input) (Result, error) {
	if in.Bits != sealed.AES128 && in.Bits != sealed.AES256 {
		return Result{}, &InputError{"type", "is unknown", "1 is 256 bits, 2 is 128 bits"}
	}
	if in.IV != "" && len(in.IV) != aes.BlockSize {
		return Result{}, &InputError{"iv", "has " + strconv.Itoa(len(in.IV)) + " bytes", "give exactly 16 ASCII characters"}
	}
	if in.Got == "" {
		return Result{}, &InputError{"got", "is missing", "give the sealed value: 16 characters of initial vector, then base64"}
	}
	state := sha1.Sum([]byte(in.Key))
	result := Result{Kind: KindSealed, Want: in.Plain, Got: in.Got, Steps: []Step{
		{"state0", hex.EncodeToString(state[:])}, {"aes key", hex.EncodeToString(sealed.DeriveKey(in.Key, in.Bits))},
	}}
	if iv, secret := prefixed(in.Got); secret != nil {
		result.Steps = append(result.Steps, Step{"iv", string(iv)}, Step{"cipher text", hex.EncodeToString(secret)})
	}
	base := wireRecipe{accessKey: in.Key, bits: in.Bits, wire: in.Got, derive: sealed.DeriveKey, split: prefixed}
	mistakes := func() []Cause {
		return search(base, sealedWays(in), 2, func(r wireRecipe) bool {
			text, ok := r.open()
			return ok && (in.Plain == "" || text == in.Plain)
		})
	}
	text, err := sealed.Open(in.Key, in.Bits, in.Got)
	if err != nil {
		if result.Causes = mistakes(); len(result.Causes) == 0 {
			result.Causes = byShape(in)
		}
		return result, nil
	}
	result.Steps = append(result.Steps, Step{"plain text", text})
	switch {
	case in.Plain == "" && !strings.ContainsFunc(text, unicode.IsControl) || text == in.Plain:
		result.Equal = true
	case in.Plain == "":
		// A wrong vector spoils the first block only: it opens, but as no text that people write.
		result.Causes = mistakes()
		result.Equal = len(result.Causes) == 0
	default:
		if result.Causes = mistakes(); len(result.Causes) == 0 {
			result.Causes = []Cause{{Code: OtherText, Evidence: visible(text)}}
		}
	}
	return result, nil
}

// byShape names what a value that nothing opens looks like.
func byShape(in Input) []Cause {
	if raw, err := base64.StdEncoding.DecodeString(in.Got); err == nil && len(raw) > 0 && len(raw)%aes.BlockSize == 0 {
		// With a prefix the decoded length could not be whole blocks.
		return []Cause{{Code: NoIVPrefix, Evidence: strconv.Itoa(len(raw)) + " bytes"}}
	}
	if in.Got == in.Plain {
		return []Cause{{Code: PlainText, Evidence: visible(in.Got)}}
	}
	if _, secret := prefixed(in.Got); secret == nil || len(secret)%aes.BlockSize != 0 {
		if iv, hexed := prefixedHex(in.Got); iv == nil || hexed == nil {
			return []Cause{{Code: PlainText, Evidence: visible(in.Got)}}
		}
		return []Cause{{Code: HexForBase64, Evidence: "hex"}}
	}
	return nil
}

func prefixed(wire string) (iv, secret []byte) {
	if len(wire) <= aes.BlockSize {
		return nil, nil
	}
	secret, err := base64.StdEncoding.DecodeString(wire[aes.BlockSize:])
	if err != nil || len(secret) == 0 {
		return nil, nil
	}
	return []byte(wire[:aes.BlockSize]), secret
}

func prefixedHex(wire string) (iv, secret []byte) {
	if len(wire) <= aes.BlockSize {
		return nil, nil
	}
	secret, err := hex.DecodeString(wire[aes.BlockSize:])
	if err != nil || len(secret) == 0 {
		return nil, nil
	}
	return []byte(wire[:aes.BlockSize]), secret
}

// sealedWays are the mistakes known of sealed values; those of the wire's text come
// first because the others read it.
func sealedWays(in Input) []way[wireRecipe] {
	edit := func(code Code, change func(r *wireRecipe) string) way[wireRecipe] {
		return way[wireRecipe]{code, func(r wireRecipe) (wireRecipe, string) { e := change(&r); return r, e }}
	}
	split := func(code Code, evidence string, f func(string) (iv, cipher []byte)) way[wireRecipe] {
		return edit(code, func(r *wireRecipe) string { r.split = f; return evidence })
	}
	whole := func(decode func(string) ([]byte, error), inside bool) func(string) (iv, cipher []byte) {
		return func(wire string) (iv, cipher []byte) {
			raw, err := decode(wire)
			switch {
			case err != nil || inside && len(raw) <= aes.BlockSize:
				return nil, nil
			case inside:
				return raw[:aes.BlockSize], raw[aes.BlockSize:]
			}
			return nil, raw
		}
	}
	ways := []way[wireRecipe]{
		edit(LineBreaks, func(r *wireRecipe) string { r.wire = strings.Join(strings.Fields(r.wire), ""); return `\n` }),
		edit(PlusAsBlank, func(r *wireRecipe) string { r.wire = strings.ReplaceAll(r.wire, " ", "+"); return "+" }),
		edit(DoubleEncoded, func(r *wireRecipe) string {
			if once, err := url.QueryUnescape(r.wire); err == nil {
				r.wire = once
			}
			return visible(r.wire)
		}),
		split(HexForBase64, "iv + hex", prefixedHex),
		split(OtherBase64, "- _", func(wire string) (iv, cipher []byte) {
			return prefixed(strings.NewReplacer("-", "+", "_", "/").Replace(wire))
		}),
		split(OtherBase64, "=", func(wire string) (iv, cipher []byte) {
			return prefixed(wire + strings.Repeat("=", (4-len(wire)%4)%4))
		}),
		split(IVInBase64, "base64(iv + cipher text)", whole(base64.StdEncoding.DecodeString, true)),
		split(HexForBase64, "hex(iv + cipher text)", whole(hex.DecodeString, true)),
	}
	ivs := map[string]string{"0…0": string(make([]byte, aes.BlockSize))}
	if in.IV != "" {
		ivs[in.IV] = in.IV
	}
	if len(in.Key) >= aes.BlockSize {
		ivs[in.Key[:aes.BlockSize]] = in.Key[:aes.BlockSize]
	}
	for shown, iv := range ivs {
		ways = append(ways, edit(NoIVPrefix, func(r *wireRecipe) string {
			r.split = func(wire string) ([]byte, []byte) {
				raw, err := base64.StdEncoding.DecodeString(wire)
				if err != nil {
					return nil, nil
				}
				return []byte(iv), raw
			}
			return "iv " + shown
		}))
	}
	ways = append(ways, edit(NoIVPrefix, func(r *wireRecipe) string {
		// Without its vector only the first block is lost: the others still open.
		r.split = func(wire string) ([]byte, []byte) {
			raw, err := base64.StdEncoding.DecodeString(wire)
			if err != nil || len(raw) < 2*aes.BlockSize || len(raw)%aes.BlockSize != 0 {
				return nil, nil
			}
			return raw[len(raw)-2*aes.BlockSize : len(raw)-aes.BlockSize], raw[len(raw)-aes.BlockSize:]
		}
		return "base64(cipher text)"
	}))
	for _, other := range in.Others {
		ways = append(ways, edit(WrongKeyClass, func(r *wireRecipe) string { r.accessKey = other.Key; return other.Class }))
	}
	other := sealed.AES128
	if in.Bits == sealed.AES128 {
		other = sealed.AES256
	}
	ways = append(ways,
		edit(OtherLength, func(r *wireRecipe) string { r.bits = other; return strconv.Itoa(int(other)) + " bits" }),
		edit(UnsignedCarry, func(r *wireRecipe) string {
			r.derive = unsignedCarry
			return hex.EncodeToString(unsignedCarry(r.accessKey, r.bits))
		}),
		edit(ECB, func(r *wireRecipe) string { r.lock.ecb = true; return "AES/ECB" }),
		edit(ZeroIV, func(r *wireRecipe) string { r.lock.iv = make([]byte, aes.BlockSize); return "0…0" }),
		edit(ZeroPadding, func(r *wireRecipe) string { r.lock.zeros = true; return `\0` }),
	)
	for name, derive := range map[string]func(string, sealed.Bits) []byte{
		"access key": func(k string, b sealed.Bits) []byte {
			return append([]byte(k), make([]byte, 32)...)[:b/8]
		},
		"SHA-256": func(k string, b sealed.Bits) []byte { s := sha256.Sum256([]byte(k)); return s[:b/8] },
		"MD5":     func(k string, b sealed.Bits) []byte { s := md5.Sum([]byte(k)); return s[:] },
		"MD5 hex": func(k string, b sealed.Bits) []byte {
			s := md5.Sum([]byte(k))
			return []byte(hex.EncodeToString(s[:]))[:b/8]
		},
		"SHA-1": func(k string, b sealed.Bits) []byte {
			s := sha1.Sum([]byte(k))
			return append(s[:], make([]byte, 12)...)[:b/8]
		},
	} {
		ways = append(ways, edit(KeyNotDerived, func(r *wireRecipe) string { r.derive = derive; return name }))
	}
	return ways
}

// unsignedCarry derives as a port does that forgot that Java's bytes are signed.
// spec: 10 §7.1
func unsignedCarry(accessKey string, bits sealed.Bits) []byte {
	state := sha1.Sum([]byte(accessKey))
	var stream []byte
	for len(stream) < int(bits)/8 {
		out := sha1.Sum(state[:])
		stream = append(stream, out[:]...)
		carry := 1
		for i := range state {
			sum := int(state[i]) + int(out[i]) + carry
			state[i], carry = byte(sum), sum>>8
		}
	}
	return stream[:int(bits)/8]
}

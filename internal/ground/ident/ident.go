package ident

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"sync/atomic"
	"time"
)

const (
	base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	alphanumeric   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	upperDigits    = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// Row is a new row key: a version 7 UUID of the given instant, 36 characters. Keys
// of one process always grow, also within one instant and when the clock is stepped
// back, so that lists by key are in the order of writing.
func Row(now time.Time) string {
	us := uint64(max(now.UnixMicro(), 0))
	ticks := next(us/1000<<12 | us%1000*4096/1000) // 1/4096 ms
	var b [16]byte
	fill(b[8:])
	ms := ticks >> 12
	for i := 0; i < 6; i++ {
		b[i] = byte(ms >> (8 * (5 - i)))
	}
	b[6] = 0x70 | byte(ticks>>8)&0x0f
	b[7] = byte(ticks)
	b[8] = b[8]&0x3f | 0x80
	return format(b)
}

// RowFloor is below every row key of the instant and above those of earlier ones.
func RowFloor(at time.Time) string {
	ms := uint64(max(at.UnixMilli(), 0))
	return fmt.Sprintf("%08x-%04x-0000-0000-000000000000", ms>>16, ms&0xffff)
}

var lastTick atomic.Uint64

// next gives the wanted tick, or the one after the last given when that is later.
func next(want uint64) uint64 {
	for {
		last := lastTick.Load()
		t := max(want, last+1)
		if lastTick.CompareAndSwap(last, t) {
			return t
		}
	}
}

// UUID is a random version 4 UUID: specification codes, business ids, interconnection keys.
func UUID() string {
	var b [16]byte
	fill(b[:])
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return format(b)
}

func format(b [16]byte) string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// Order is a new order id: CS, the minute in zone, five letters or digits of A–Z2–7.
// The caller draws again when it is taken. // spec: 01 §7
func Order(now time.Time, zone *time.Location) string {
	return "CS" + now.In(zone).Format("0601021504") + draw(base32Alphabet, 5)
}

// OrderLine is the id of the n-th line of an order, counted from 1. // spec: 22 §2.1
func OrderLine(order string, n int) string { return fmt.Sprintf("%s-%06d", order, n) }

// Product is a new wire product id: OFFI and 18 digits, one per SKU and term. // spec: 01 §7
func Product() string { return "OFFI" + draw("123456789", 1) + draw("0123456789", 17) }

// Company is a new company id: 32 hexadecimal digits, as account ids look on the wire.
func Company() string {
	var b [16]byte
	fill(b[:])
	return hex.EncodeToString(b[:])
}

// Nonce is 32 letters and digits. // spec: 01 §7
func Nonce() string { return draw(alphanumeric, 32) }

// IV is the 16 characters that stand before a sealed value. // spec: 10 §6.3
func IV() string { return draw(alphanumeric, 16) }

// AccessKey is a new AK of 20 and SK of 40 characters. // spec: 14 §5
func AccessKey() (ak, sk string) { return draw(upperDigits, 20), draw(alphanumeric, 40) }

// Token is a new bearer secret with a prefix that says what it is.
func Token(prefix string) string { return prefix + draw(alphanumeric, 40) }

// Hash is the form in which bearer secrets are stored and looked up.
func Hash(secret string) string {
	h := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(h[:])
}

func draw(alphabet string, n int) string {
	var sb strings.Builder
	max := big.NewInt(int64(len(alphabet)))
	for i := 0; i < n; i++ {
		k, err := rand.Int(rand.Reader, max)
		if err != nil {
			panic("ident: no randomness: " + err.Error())
		}
		sb.WriteByte(alphabet[k.Int64()])
	}
	return sb.String()
}

func fill(b []byte) {
	if _, err := rand.Read(b); err != nil {
		panic("ident: no randomness: " + err.Error())
	}
}

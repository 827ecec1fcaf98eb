package web

import (
	"testing"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
)

var shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

func fixed() time.Time { return time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC) }

func TestMoney(t *testing.T) {
	f := &frame{}
	for _, c := range []struct{ amount, currency, want string }{
		{"0.00", "CNY", "¥0.00"}, {"999.00", "CNY", "¥999.00"}, {"1000.50", "USD", "US$1,000.50"}, {"-1234567.89", "CNY", "−¥1,234,567.89"},
		{"12", "XTS", "12 XTS"}, {"", "CNY", "¥"},
	} {
		if got := f.Money(c.amount, c.currency); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.amount, c.currency, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	f := &frame{Now: fixed(), zone: shanghai, texts: i18n.NewLocalizer(bundle, "en-US")}
	want := `<time datetime="2026-11-24T06:30:00.000Z" title="2026-11-24T06:30:00.000Z">2026-11-24 14:30:00</time>`
	if got := string(f.Time(fixed())); got != want {
		t.Errorf("got %s", got)
	}
	for d, want := range map[time.Duration]string{-time.Second: "now", 5 * time.Second: "in 5 s", 61 * time.Minute: "in 1 h 1 min", 59 * time.Minute: "in 59 min", 52 * time.Hour: "in 2 d 4 h"} {
		if got, err := f.Until(fixed().Add(d)); got != want || err != nil {
			t.Errorf("%v: %q %v", d, got, err)
		}
	}
}

func TestBytesKeepEveryByteVisible(t *testing.T) {
	f := &frame{}
	if got := f.Bytes([]byte("a\r\nb\tc\x00\xfe\ufeff\u202e云")); got != "a\nb\tc\\u0000\\xfe\\ufeff\\u202e云" {
		t.Errorf("%q", got)
	}
	if got := f.Hex([]byte("0123456789abcdef云")); got != "000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n000010  e4 ba 91                                         ...\n" {
		t.Errorf("%q", got)
	}
}

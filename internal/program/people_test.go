package program

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Nobody gets another address by writing a header; a trusted proxy is believed about the hop before it.
func TestWhereARequestComesFrom(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ from, header, want string }{
		{"203.0.113.9:4000", "", "203.0.113.9"},
		{"203.0.113.9:4000", "198.51.100.1", "203.0.113.9"},
		{"10.0.0.1:4000", "198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:4000", "192.0.2.7, 198.51.100.1", "198.51.100.1"},
		{"10.0.0.1:4000", "192.0.2.7, 10.0.0.2", "192.0.2.7"},
		{"10.0.0.1:4000", "nonsense", "10.0.0.1"},
		{"10.0.0.1:4000", "", "10.0.0.1"},
		{"[::ffff:10.0.0.1]:4000", "2001:db8::1", "2001:db8::1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.from
		if c.header != "" {
			r.Header.Set("X-Forwarded-For", c.header)
		}
		if got := clientAddress(r, proxies); got != c.want {
			t.Errorf("%s with %q: %s, want %s", c.from, c.header, got, c.want)
		}
	}
}

package outbound

import (
	"net/netip"
	"testing"
)

func TestPublicAddressesOnly(t *testing.T) {
	for _, c := range []struct {
		what string
		all  []string
		open bool
	}{
		{"public", []string{"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0", "223.255.255.255", "168.63.129.15"}, true},
		{"public IPv6", []string{"2400:cb00::1", "2606:4700:4700::1111", "2a00::1", "2001:4860:4860::8888", "2001:200::1"}, true},
		{"loopback", []string{"127.0.0.1", "127.255.255.255", "::1", "::ffff:127.0.0.1"}, false},
		{"unspecified", []string{"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"}, false},
		{"private", []string{"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "fc00::1", "fd12:3456::1", "fec0::1", "::ffff:10.0.0.1", "::ffff:192.168.1.1"}, false},
		{"link-local", []string{"169.254.0.1", "fe80::1", "fe80::1%eth0", "febf::1"}, false},
		{"metadata", []string{"169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "::ffff:169.254.169.254"}, false},
		{"carrier-grade NAT", []string{"100.64.0.1", "100.127.255.255"}, false},
		{"multicast and broadcast", []string{"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "ff02::1", "ff0e::1"}, false},
		{"reserved", []string{"192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "3fff::1", "100::1", "4000::1", "5f00::1", "e000::1", "2001:2::1", "2001:10::1"}, false},
		{"IPv4-compatible", []string{"::10.0.0.1", "::127.0.0.1", "::1.1.1.1"}, false},
		{"IPv4-translated", []string{"::ffff:0:10.0.0.1", "::ffff:0:1.1.1.1"}, false},
		{"NAT64 to a closed one", []string{"64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::1.1.1.1"}, false},
		{"NAT64 to a public one", []string{"64:ff9b::1.1.1.1"}, true},
		{"6to4", []string{"2002:0a00:0001::1", "2002:7f00:0001::1", "2002:0101:0101::1"}, false},
		{"Teredo", []string{"2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2"}, false},
		{"ISATAP", []string{"2a00::5efe:10.0.0.1", "2a00::200:5efe:192.168.0.1"}, false},
	} {
		for _, text := range c.all {
			if err := (Policy{}).Address(netip.MustParseAddr(text)); (err == nil) != c.open {
				t.Errorf("%s %s: %v", c.what, text, err)
			}
		}
	}
}

func TestSandboxOpensLoopbackOnly(t *testing.T) {
	p := Policy{AllowLoopback: true}
	for _, text := range []string{"127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"} {
		if err := p.Address(netip.MustParseAddr(text)); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"0.0.0.0", "::", "10.0.0.1", "169.254.169.254", "::127.0.0.1"} {
		if err := p.Address(netip.MustParseAddr(text)); err == nil {
			t.Errorf("%s is open", text)
		}
	}
}

func TestOperatorOpensNetworks(t *testing.T) {
	p := Policy{AllowCIDR: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd12::/16")}}
	for text, open := range map[string]bool{
		"10.1.2.3": true, "10.2.0.1": false, "::ffff:10.1.2.3": true, "64:ff9b::10.1.2.3": true,
		"fd12::1": true, "fd13::1": false, "127.0.0.1": false, "1.1.1.1": true,
	} {
		if err := p.Address(netip.MustParseAddr(text)); (err == nil) != open {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAddressInPlaceOfAName(t *testing.T) {
	for host, number := range map[string]bool{
		"seller.example": false, "a1.b2": false, "1.example": false, "0xface.example": false, "localhost": false, "xn--fiqs8s": false,
		"127.0.0.1": true, "127.1": true, "2130706433": true, "0x7f.1": true, "0x7f000001": true, "0177.0.0.1": true, "1.2.3.4.": true, "::1": true, "a.0x": true,
	} {
		if got := (Policy{}).host(host) != nil; got != number {
			t.Errorf("%s refused: %v, want %v", host, got, number)
		}
		if err := (Policy{AllowIPHost: true}).host(host); err != nil {
			t.Error(err)
		}
	}
}

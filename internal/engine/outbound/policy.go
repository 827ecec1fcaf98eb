package outbound

import (
	"fmt"
	"net/netip"
	"strings"
)

// Policy says where calls may go. The zero value allows https to public
// addresses of named hosts and nothing else. // spec: 01 §2.10, 10 §11
type Policy struct {
	// AllowLoopback lets calls reach this machine: sandbox mode.
	AllowLoopback bool
	// AllowCIDR lists networks, private ones included, that an operator of a
	// private installation opens.
	AllowCIDR []netip.Prefix
	// AllowHTTP admits calls without TLS.
	AllowHTTP bool
	// AllowIPHost admits a literal address in place of a name.
	AllowIPHost bool
}

// closed are the networks that a stranger's address must not lead to: whatever
// is not a public unicast address, from the registries of special-purpose
// addresses, and the metadata services of clouds.
var closed = func() []network {
	var all []network
	for _, l := range [][2]string{
		{"0.0.0.0/8", "this network"},
		{"10.0.0.0/8", "private"},
		{"100.64.0.0/10", "carrier-grade NAT"},
		{"127.0.0.0/8", "loopback"},
		{"168.63.129.16/32", "a cloud's metadata service"},
		{"169.254.0.0/16", "link-local, with metadata services"},
		{"172.16.0.0/12", "private"},
		{"192.0.0.0/24", "protocol assignments"},
		{"192.0.2.0/24", "documentation"},
		{"192.88.99.0/24", "6to4 relays"},
		{"192.168.0.0/16", "private"},
		{"198.18.0.0/15", "benchmarking"},
		{"198.51.100.0/24", "documentation"},
		{"203.0.113.0/24", "documentation"},
		{"224.0.0.0/4", "multicast"},
		{"240.0.0.0/4", "reserved, with broadcast"},
		{"::/128", "unspecified"},
		{"::1/128", "loopback"},
		{"::/96", "IPv4-compatible"},
		{"64:ff9b:1::/48", "local NAT64"},
		{"100::/64", "discard"},
		{"2001::/23", "protocol assignments, with Teredo"},
		{"2001:db8::/32", "documentation"},
		{"2002::/16", "6to4"},
		{"3fff::/20", "documentation"},
		{"5f00::/16", "segment routing"},
		{"fc00::/7", "private (unique local)"},
		{"fe80::/10", "link-local"},
		{"fec0::/10", "private (site-local)"},
		{"ff00::/8", "multicast"},
	} {
		all = append(all, network{netip.MustParsePrefix(l[0]), l[1]})
	}
	return all
}()

type network struct {
	netip.Prefix
	what string
}

var (
	global6 = netip.MustParsePrefix("2000::/3")
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
)

// blocked is the error of a call that the policy refuses.
type blocked struct{ why string }

func (b blocked) Error() string { return b.why }

// Address returns an error when the policy refuses to connect to a.
func (p Policy) Address(a netip.Addr) error {
	if a.Zone() != "" {
		return blocked{fmt.Sprintf("%s is not allowed: an address of one link", a)}
	}
	a = a.Unmap() // ::ffff:10.0.0.1 is 10.0.0.1
	for _, n := range p.AllowCIDR {
		if n.Contains(a) {
			return nil
		}
	}
	if p.AllowLoopback && a.IsLoopback() {
		return nil
	}
	for _, n := range closed {
		if n.Contains(a) {
			return blocked{fmt.Sprintf("%s is not allowed: %s", a, n.what)}
		}
	}
	if a.Is4() {
		return nil
	}
	b := a.As16()
	inside := netip.AddrFrom4([4]byte(b[12:]))
	switch {
	case nat64.Contains(a):
		// A translator would connect to the IPv4 address inside.
		if err := p.Address(inside); err != nil {
			return blocked{fmt.Sprintf("%s is not allowed: %v", a, err)}
		}
		return nil
	case !global6.Contains(a):
		return blocked{fmt.Sprintf("%s is not allowed: not a public address", a)}
	case b[8]&^0x02 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe:
		return blocked{fmt.Sprintf("%s is not allowed: a tunnel to %s", a, inside)}
	}
	return nil
}

// host returns an error when the policy refuses the host of a URL as written.
func (p Policy) host(host string) error {
	if !p.AllowIPHost && numeric(host) {
		return blocked{"a name is needed instead of an address"}
	}
	return nil
}

// numeric reports whether a host is an address, also in the old notations that
// some resolvers understand: 127.1, 0x7f.1, 2130706433. No top-level domain is a
// number.
func numeric(host string) bool {
	if strings.Contains(host, ":") {
		return true
	}
	host = strings.TrimSuffix(host, ".")
	last := strings.ToLower(host[strings.LastIndex(host, ".")+1:])
	if hex, ok := strings.CutPrefix(last, "0x"); ok {
		return strings.Trim(hex, "0123456789abcdef") == ""
	}
	return last != "" && strings.Trim(last, "0123456789") == ""
}

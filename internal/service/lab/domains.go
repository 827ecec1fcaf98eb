package lab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// How a domain is proved: a file that holds the token at this path, or a TXT record of this
// name before the domain. // spec: 10 §8.1, §11
const (
	ProofPath   = "/.well-known/souk-domain-verification.txt"
	ProofRecord = "_souk-verification."
	ByFile      = "file"
	ByDNS       = "dns"
	maxDomains  = 20
	proofWithin = 10 * time.Second
)

// Domains lists the seller's domains. // spec: 10 §8.1
func (l *Lab) Domains(ctx context.Context, a access.Actor) (out []Domain, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = store.Domains(ctx, tx, a.CompanyID)
		return err
	})
	return out, err
}

// AddDomain registers a main domain and draws the token that proves it.
func (l *Lab) AddDomain(ctx context.Context, tx *kernel.Tx, a access.Actor, host string) (d Domain, err error) {
	if err := l.mayAddress(a); err != nil {
		return d, err
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(host), "."))
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	switch {
	case host == "":
		return d, fault.Field("host", "must be the domain of your server, such as console.example.com")
	case strings.Contains(host, "/") || strings.ContainsAny(host, " \t@?#"):
		return d, fault.Field("host", "must be the domain alone, without https:// and path")
	case len(host) > 253:
		return d, fault.Field("host", "is longer than 253 characters")
	case !l.k.Sandbox && (name != host || !strings.Contains(name, ".") || net.ParseIP(name) != nil):
		return d, fault.Field("host", "must be a domain name, no address and no port")
	}
	all, err := store.Domains(ctx, tx, a.CompanyID)
	if err != nil {
		return d, err
	}
	if len(all) >= maxDomains {
		return d, fault.New(fault.Rule, "domain_quota", "at most %d domains can be registered; remove one first", maxDomains)
	}
	if slices.ContainsFunc(all, func(d Domain) bool { return d.Host == host }) {
		return d, fault.Field("host", "is registered already")
	}
	d = Domain{SellerID: a.CompanyID, Host: host, Token: "souk-verification=" + ident.Nonce(), CreatedAt: l.k.Wire.Now()}
	if err := store.InsertDomain(ctx, tx, d); err != nil {
		return d, err
	}
	return d, l.k.Audit(ctx, tx, a, access.SellerAddress, a.CompanyID, "domain "+host)
}

func (l *Lab) mayAddress(a access.Actor) error {
	if err := may(a, access.SellerAddress); err != nil {
		return err
	}
	return kernel.Unlimited(a)
}

// RemoveDomain forgets a domain; addresses on it are no longer proved.
func (l *Lab) RemoveDomain(ctx context.Context, tx *kernel.Tx, a access.Actor, host string) error {
	if err := l.mayAddress(a); err != nil {
		return err
	}
	if err := store.DeleteDomain(ctx, tx, a.CompanyID, host); err != nil {
		return kernel.Missing(err, "domain")
	}
	if err := l.reprove(ctx, tx, a.CompanyID); err != nil {
		return err
	}
	return l.k.Audit(ctx, tx, a, access.SellerAddress, a.CompanyID, "remove domain "+host)
}

// CheckDomain looks for the file, then for the record. The answer is stored: proved, or what
// was found instead.
func (l *Lab) CheckDomain(ctx context.Context, a access.Actor, host string) (d Domain, err error) {
	if err := l.mayAddress(a); err != nil {
		return d, err
	}
	all, err := l.Domains(ctx, a)
	if err != nil {
		return d, err
	}
	i := slices.IndexFunc(all, func(d Domain) bool { return d.Host == host })
	if i < 0 {
		return d, fault.Unknown("domain")
	}
	d = all[i]
	method, problem := l.look(ctx, d)
	err = l.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.CheckDomain(ctx, tx, a.CompanyID, host, method, problem, l.k.Wire.Now()); err != nil {
			return kernel.Missing(err, "domain")
		}
		if method != "" {
			if err := l.reprove(ctx, tx, a.CompanyID); err != nil {
				return err
			}
		}
		return l.k.Audit(ctx, tx, a, access.SellerAddress, a.CompanyID, "check domain "+host+" "+method)
	})
	if err != nil {
		return d, err
	}
	if all, err = l.Domains(ctx, a); err != nil {
		return d, err
	}
	if i = slices.IndexFunc(all, func(d Domain) bool { return d.Host == host }); i < 0 {
		return d, fault.Unknown("domain")
	}
	return all[i], nil
}

// look tells how a domain is proved, or why it is not.
func (l *Lab) look(ctx context.Context, d Domain) (method, problem string) {
	schemes := []string{"https"}
	if l.k.Sandbox || l.k.AllowHTTP {
		schemes = append(schemes, "http")
	}
	for _, scheme := range schemes {
		a := l.client.Do(ctx, outbound.Request{Method: "GET", URL: scheme + "://" + d.Host + ProofPath, Timeout: proofWithin, MaxBody: 4 << 10,
			Header: []outbound.Field{{Name: "Accept", Value: "text/plain"}, {Name: "Accept-Encoding", Value: "identity"}}})
		switch {
		case a.Reason != "":
			problem = fmt.Sprintf("%s: %s", a.Reason, a.Err)
		case a.Status != 200:
			problem = fmt.Sprintf("the file is answered with HTTP %d", a.Status)
		case strings.TrimSpace(string(a.Body)) != d.Token:
			problem = "the file does not hold the token"
		default:
			return ByFile, ""
		}
	}
	ctx, cancel := context.WithTimeout(ctx, proofWithin)
	defer cancel()
	name, _, err := net.SplitHostPort(d.Host)
	if err != nil {
		name = d.Host
	}
	records, err := l.lookup(ctx, ProofRecord+name)
	for _, r := range records {
		if strings.TrimSpace(r) == d.Token {
			return ByDNS, ""
		}
	}
	dns, ok := errors.AsType[*net.DNSError](err)
	switch {
	case err == nil && len(records) > 0:
		problem += "; the TXT record does not hold the token"
	case ok && dns.IsNotFound || err == nil:
		problem += "; there is no TXT record"
	default:
		problem += "; the TXT record could not be looked up"
	}
	return "", cut(problem)
}

// reprove marks which of a seller's addresses are on a proved domain or below one. In a
// sandbox all are. // spec: 01 §2.10
func (l *Lab) reprove(ctx context.Context, tx *kernel.Tx, seller string) error {
	return store.VerifyAddresses(ctx, tx, seller, func(address string) (bool, error) {
		if l.k.Sandbox {
			return true, nil
		}
		u, err := url.Parse(address)
		if err != nil {
			return false, nil
		}
		return store.OnProvedDomain(ctx, tx, seller, u.Hostname())
	})
}

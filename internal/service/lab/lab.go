// Package lab is the use cases of a seller's developer who proves a server: domains and
// public keys, debugging (交付接口调试), saved cases (调试用例), probing (拨测).
//
// A call of the lab is made like a real one, by the same formats, through the same guarded
// client, and judged strictly; it carries testFlag=1 and touches no order and no money.
//
// Chapters: 10 §8, 11 §7, 13 §3, 01 §2.10–2.12, 02 §1.16–1.21, §2.18–2.19. It must not know
// HTTP pages, and it never shows the key.
package lab

import (
	"context"
	"fmt"
	"net"
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/lab"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/explain"
)

// Rows that pages and the management API show.
type (
	Case       = store.LabCase
	Run        = store.LabRun
	RunFilter  = store.LabRunFilter
	Probe      = store.Probe
	Domain     = store.SellerDomain
	Credential = store.Credential
	Address    = store.AddressRow
)

// Why a call of the lab was made.
const (
	ByHand    = "debug"
	BySaving  = "save"
	ByReplay  = "replay" // at release, change or approval
	ByProbe   = "probe"
	BySeeking = "check" // one of the extra checks
)

// Lab is the use cases.
type Lab struct {
	k      *kernel.Kernel
	client *outbound.Client
	home   string
	lookup func(ctx context.Context, name string) ([]string, error)
}

// New makes them; home is the address under which sellers reach the marketplace.
func New(k *kernel.Kernel, client *outbound.Client, home string) *Lab {
	return &Lab{k: k, client: client, home: home, lookup: net.DefaultResolver.LookupTXT}
}

// Resolve replaces the look-up of DNS records; tests need it.
func (l *Lab) Resolve(lookup func(ctx context.Context, name string) ([]string, error)) {
	l.lookup = lookup
}

// may refuses who is no developer of a seller.
func may(a access.Actor, action access.Action) error {
	if err := kernel.May(a, action); err != nil {
		return err
	}
	if a.CompanyKind != party.Seller {
		return fault.New(fault.Forbidden, "sellers_only", "only a seller debugs its own server")
	}
	return nil
}

// Addresses lists the addresses that the actor may debug. A limited sub-user sees those of
// the products given to it and the seller's own.
func (l *Lab) Addresses(ctx context.Context, a access.Actor) (out []Address, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = addresses(ctx, tx, a)
		return err
	})
	return out, err
}

func addresses(ctx context.Context, tx *kernel.Tx, a access.Actor) ([]Address, error) {
	all, err := store.Addresses(ctx, tx, a.CompanyID)
	if err != nil || !a.Limited {
		return all, err
	}
	given, err := store.GrantedProducts(ctx, tx, a.PersonID)
	return slices.DeleteFunc(all, func(r Address) bool { return r.ProductID != "" && !slices.Contains(given, r.ProductID) }), err
}

// parties is what a call of the lab needs beside its form.
type parties struct {
	keys       []string           // of the class, the signing one first
	others     []explain.OtherKey // of the other classes, which may have been used by mistake
	credential *Credential
}

// load finds the keys of a class and the public key.
func (l *Lab) load(ctx context.Context, tx *kernel.Tx, seller, class, credential string) (p parties, err error) {
	keys, err := store.Keys(ctx, tx, seller, class, l.k.Wire.Now())
	if err != nil {
		return p, err
	}
	open := func(class string, keys []store.Key) (out []string, err error) {
		for _, key := range keys {
			text, err := l.k.Ring.Open(catalogue.KeyPurpose(seller, class), key.Sealed)
			if err != nil {
				return nil, fmt.Errorf("open key %s %s version %d: %w", seller, class, key.Version, err)
			}
			out = append(out, string(text))
		}
		return out, nil
	}
	if p.keys, err = open(class, keys); err != nil {
		return p, err
	}
	for _, other := range catalogue.Classes {
		if other == class {
			continue
		}
		if keys, err = store.Keys(ctx, tx, seller, other, l.k.Wire.Now()); err != nil {
			return p, err
		}
		texts, err := open(other, keys)
		if err != nil {
			return p, err
		}
		for _, text := range texts {
			p.others = append(p.others, explain.OtherKey{Class: other, Key: text})
		}
	}
	all, err := store.Credentials(ctx, tx, seller)
	for i := range all {
		if p.credential == nil && credential == "" || all[i].ID == credential {
			p.credential = &all[i]
		}
	}
	return p, err
}

// allowed checks that an address is one that the actor may call: a registered one of the
// class, and in production one on a proved domain. // spec: 01 §2.10, 11 §7
func (l *Lab) allowed(ctx context.Context, tx *kernel.Tx, a access.Actor, class, address string) error {
	all, err := addresses(ctx, tx, a)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(r Address) bool { return r.Class == class && r.URL == address })
	switch {
	case address == "":
		return fault.Field("address", "choose an address; register one of the class %s first when there is none", class)
	case i < 0:
		return fault.Field("address", "is not one of your addresses of the class %s", class)
	case !l.k.Sandbox && !all[i].Verified:
		return fault.Field("address", "is on a domain that you have not proved yet")
	}
	return nil
}

// scenario finds a scenario or answers that it is unknown.
func scenario(id string) (lab.Scenario, error) {
	s, ok := lab.ScenarioOf(id)
	if !ok {
		return s, fault.Unknown("scenario")
	}
	return s, nil
}

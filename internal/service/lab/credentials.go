package lab

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/protocol/sealed"
)

// How list members of kit callbacks are written. // spec: 02 §3.2
const (
	ListsAsArray = "array"
	ListsAsText  = "text"
)

const (
	maxCredentials = 20
	maxPublicKey   = 16 << 10
)

// Profiles lists the OAEP profiles as a page offers them. // spec: 13 §3.2
func Profiles() (out []string) {
	for _, p := range sealed.OAEPProfiles {
		out = append(out, string(p))
	}
	return out
}

// Credentials lists the seller's public keys. // spec: 13 §3.1
func (l *Lab) Credentials(ctx context.Context, a access.Actor) (out []Credential, err error) {
	if err := may(a, access.LabRead); err != nil {
		return nil, err
	}
	err = l.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out, err = store.Credentials(ctx, tx, a.CompanyID)
		return err
	})
	return out, err
}

// PutCredential registers a public key or, with an id, replaces one. A bad key is told what
// is wrong with it. // spec: 13 §3.1–3.2
func (l *Lab) PutCredential(ctx context.Context, tx *kernel.Tx, a access.Actor, c Credential) (Credential, error) {
	if err := may(a, access.SellerKeys); err != nil {
		return c, err
	}
	if err := kernel.Unlimited(a); err != nil {
		return c, err
	}
	f := fault.Fields{}
	c.Name, c.PublicKey = strings.TrimSpace(c.Name), strings.TrimSpace(c.PublicKey)
	if n := utf8.RuneCountInString(c.Name); n == 0 || n > 64 || strings.ContainsFunc(c.Name, func(r rune) bool { return r < ' ' }) {
		f.Add("name", "must have 1 to 64 characters on one line")
	}
	if c.Profile == "" {
		c.Profile = string(sealed.DefaultOAEP)
	}
	if !slices.Contains(Profiles(), c.Profile) {
		f.Add("profile", "must be one of %v", Profiles())
	}
	if c.Lists == "" {
		c.Lists = ListsAsArray
	}
	if c.Lists != ListsAsArray && c.Lists != ListsAsText {
		f.Add("lists", "must be array or text")
	}
	problem, bits := readKey(c.PublicKey)
	if c.Bits = bits; problem != "" {
		f.Add("public_key", "%s", keyProblems[problem])
	}
	if err := f.Err(); err != nil {
		return c, err
	}
	all, err := store.Credentials(ctx, tx, a.CompanyID)
	if err != nil {
		return c, err
	}
	now := l.k.Wire.Now()
	c.SellerID, c.CreatedAt, c.UpdatedAt = a.CompanyID, now, now
	if c.ID != "" && !slices.ContainsFunc(all, func(one Credential) bool { return one.ID == c.ID }) {
		return c, fault.Unknown("credential")
	}
	if c.ID == "" {
		if len(all) >= maxCredentials {
			return c, fault.New(fault.Rule, "credential_quota", "at most %d public keys can be registered; remove one first", maxCredentials)
		}
		c.ID = l.k.Row()
	}
	if err := store.PutCredential(ctx, tx, c); err != nil {
		return c, kernel.Missing(err, "credential")
	}
	return c, l.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, "public key "+c.Name)
}

// Problems of a public key, for pages that say them in the reader's language.
const (
	KeyMissing = "missing"
	KeyLong    = "long"
	KeyPrivate = "private"
	KeyShort   = "short"
	KeyForm    = "form"
)

var keyProblems = map[string]string{
	KeyMissing: "paste the public key: PEM (BEGIN PUBLIC KEY) or its base64",
	KeyLong:    "is too long for a public key",
	KeyPrivate: "this is a private key: it never leaves your server; paste the public one, and make a new pair",
	KeyShort:   "the key is shorter than 3072 bits; make one with: openssl genrsa 3072",
	KeyForm:    "is no RSA public key; make it with: openssl rsa -in private.pem -pubout",
}

// KeyProblem says in one word what is wrong with a public key; "" is nothing. // spec: 13 §3.2
func KeyProblem(text string) string {
	problem, _ := readKey(text)
	return problem
}

func readKey(text string) (problem string, bits int) {
	text = strings.TrimSpace(text)
	switch {
	case text == "":
		return KeyMissing, 0
	case len(text) > maxPublicKey:
		return KeyLong, 0
	case strings.Contains(text, "PRIVATE KEY"):
		return KeyPrivate, 0
	}
	key, err := sealed.ParsePublicKey(text)
	switch {
	case errors.Is(err, sealed.ErrShortKey):
		return KeyShort, 0
	case err != nil:
		return KeyForm, 0
	}
	return "", key.N.BitLen()
}

// DeleteCredential forgets a public key.
func (l *Lab) DeleteCredential(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := may(a, access.SellerKeys); err != nil {
		return err
	}
	if err := kernel.Unlimited(a); err != nil {
		return err
	}
	if err := store.DeleteCredential(ctx, tx, a.CompanyID, id); err != nil {
		return kernel.Missing(err, "credential")
	}
	return l.k.Audit(ctx, tx, a, access.SellerKeys, a.CompanyID, "remove public key "+id)
}

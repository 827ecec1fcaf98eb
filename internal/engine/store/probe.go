package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/ground/clock"
)

// Probe is one round over the saved cases of a product. // spec: 10 §8.5
type Probe struct {
	ProductID, Day, Slot, SellerID string
	Passed                         bool
	Cases, Failed                  int
	Problem                        string // scenario and reason of the first that failed
	RunID                          string // its call
	RanAt                          time.Time
}

const probeColumns = `product_id, day, slot, seller_id, passed, cases, failed, problem, run_id, ran_at`

// InsertProbe stores a round; false when it was stored before: a round happens once.
func InsertProbe(ctx context.Context, tx *Tx, p Probe) (first bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO probe (`+probeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (product_id, day, slot) DO NOTHING`,
		p.ProductID, p.Day, p.Slot, p.SellerID, p.Passed, p.Cases, p.Failed, p.Problem, p.RunID, clock.Micros(p.RanAt))
	return n > 0, err
}

// Probes lists the rounds of a product since a day, the newest first; the afternoon is after the morning.
func Probes(ctx context.Context, tx *Tx, product, since string) ([]Probe, error) {
	return probes(ctx, tx, `product_id = $1`, product, since)
}

// ProbesOfSeller lists the rounds of all products of a seller; "" is every seller.
func ProbesOfSeller(ctx context.Context, tx *Tx, seller, since string) ([]Probe, error) {
	return probes(ctx, tx, `($1 = '' OR seller_id = $1)`, seller, since)
}

func probes(ctx context.Context, tx *Tx, cond, id, since string) ([]Probe, error) {
	return collect(ctx, tx, func(r *sql.Rows, p *Probe) error {
		var at int64
		err := r.Scan(&p.ProductID, &p.Day, &p.Slot, &p.SellerID, &p.Passed, &p.Cases, &p.Failed, &p.Problem, &p.RunID, &at)
		p.RanAt = clock.FromMicros(at)
		return err
	}, `SELECT `+probeColumns+` FROM probe WHERE `+cond+` AND day >= $2 ORDER BY day DESC, CASE slot WHEN 'afternoon' THEN 0 ELSE 1 END, product_id`, id, since)
}

// Probed lists the products on sale whose sellers have saved cases, with their sellers. // spec: 10 §8.5
func Probed(ctx context.Context, tx *Tx) ([][2]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, p *[2]string) error { return r.Scan(&p[0], &p[1]) },
		`SELECT p.id, p.seller_id FROM product p WHERE p.state = $1 AND EXISTS (SELECT 1 FROM lab_case c WHERE c.seller_id = p.seller_id) ORDER BY p.id`, string(catalog.OnSale))
}

// SellerDomain is a domain whose ownership is or will be proved. // spec: 10 §8.1
type SellerDomain struct {
	SellerID, Host, Token string
	Method                string // how it was proved: file or dns; "" while it was not
	VerifiedAt, CheckedAt time.Time
	Problem               string // why the last check failed
	CreatedAt             time.Time
}

// InsertDomain adds a domain; a known one keeps its token.
func InsertDomain(ctx context.Context, tx *Tx, d SellerDomain) error {
	_, err := tx.Exec(ctx, `INSERT INTO seller_domain (seller_id, host, token, method, verified_at, checked_at, problem, created_at) VALUES ($1, $2, $3, '', 0, 0, '', $4) ON CONFLICT (seller_id, host) DO NOTHING`,
		d.SellerID, d.Host, d.Token, clock.Micros(d.CreatedAt))
	return err
}

// Domains lists the domains of a seller.
func Domains(ctx context.Context, tx *Tx, seller string) ([]SellerDomain, error) {
	return collect(ctx, tx, func(r *sql.Rows, d *SellerDomain) error {
		var verified, checked, created int64
		err := r.Scan(&d.SellerID, &d.Host, &d.Token, &d.Method, &verified, &checked, &d.Problem, &created)
		d.VerifiedAt, d.CheckedAt, d.CreatedAt = clock.FromMicros(verified), clock.FromMicros(checked), clock.FromMicros(created)
		return err
	}, `SELECT seller_id, host, token, method, verified_at, checked_at, problem, created_at FROM seller_domain WHERE seller_id = $1 ORDER BY host`, seller)
}

// OnProvedDomain tells whether a host is on a domain that a seller has proved, or below one. // spec: 01 §2.10
func OnProvedDomain(ctx context.Context, tx *Tx, seller, host string) (bool, error) {
	all, err := Domains(ctx, tx, seller)
	host = strings.ToLower(host)
	for _, d := range all {
		if !d.VerifiedAt.IsZero() && (host == d.Host || strings.HasSuffix(host, "."+d.Host)) {
			return true, err
		}
	}
	return false, err
}

// CheckDomain stores what a check gave. A domain once proved stays so.
func CheckDomain(ctx context.Context, tx *Tx, seller, host, method, problem string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE seller_domain SET checked_at = $1, problem = $2, method = CASE WHEN $3 <> '' THEN $3 ELSE method END,
		verified_at = CASE WHEN $3 <> '' AND verified_at = 0 THEN $1 ELSE verified_at END WHERE seller_id = $4 AND host = $5`, clock.Micros(at), problem, method, seller, host))
}

// DeleteDomain forgets a domain.
func DeleteDomain(ctx context.Context, tx *Tx, seller, host string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM seller_domain WHERE seller_id = $1 AND host = $2`, seller, host))
}

// VerifyAddresses marks addresses of a seller as being on a proved domain, or not.
func VerifyAddresses(ctx context.Context, tx *Tx, seller string, proved func(url string) (bool, error)) error {
	type one struct{ class, product, url string }
	all, err := collect(ctx, tx, func(r *sql.Rows, a *one) error { return r.Scan(&a.class, &a.product, &a.url) },
		`SELECT class, product_id, url FROM production_address WHERE seller_id = $1 ORDER BY class, product_id`, seller)
	if err != nil {
		return err
	}
	for _, a := range all {
		yes, err := proved(a.url)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE production_address SET verified = $1 WHERE seller_id = $2 AND class = $3 AND product_id = $4`, yes, seller, a.class, a.product); err != nil {
			return err
		}
	}
	return nil
}

// Credential is a seller's public key. // spec: 13 §3.1
type Credential struct {
	ID, SellerID, Name, PublicKey string
	Bits                          int
	Profile                       string // OAEP: sha1, sha256-mgf1sha1, sha256 // spec: 13 §3.2
	Lists                         string // list members as array or text // spec: 02 §3.2
	CreatedAt, UpdatedAt          time.Time
}

// PutCredential adds a credential, or replaces the one of its id.
func PutCredential(ctx context.Context, tx *Tx, c Credential) error {
	return mustOne(tx.Exec(ctx, `INSERT INTO seller_credential (id, seller_id, name, public_key, bits, profile, lists, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, public_key = excluded.public_key, bits = excluded.bits, profile = excluded.profile, lists = excluded.lists, updated_at = excluded.updated_at
		WHERE seller_credential.seller_id = excluded.seller_id`,
		c.ID, c.SellerID, c.Name, c.PublicKey, c.Bits, c.Profile, c.Lists, clock.Micros(c.CreatedAt), clock.Micros(c.UpdatedAt)))
}

// Credentials lists the public keys of a seller, the oldest first.
func Credentials(ctx context.Context, tx *Tx, seller string) ([]Credential, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *Credential) error {
		var created, updated int64
		err := r.Scan(&c.ID, &c.SellerID, &c.Name, &c.PublicKey, &c.Bits, &c.Profile, &c.Lists, &created, &updated)
		c.CreatedAt, c.UpdatedAt = clock.FromMicros(created), clock.FromMicros(updated)
		return err
	}, `SELECT id, seller_id, name, public_key, bits, profile, lists, created_at, updated_at FROM seller_credential WHERE seller_id = $1 ORDER BY id`, seller)
}

// DeleteCredential forgets a public key.
func DeleteCredential(ctx context.Context, tx *Tx, seller, id string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM seller_credential WHERE id = $1 AND seller_id = $2`, id, seller))
}

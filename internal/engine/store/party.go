package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

const companyColumns = `id, kind, name, buyer_level, retry_policy, email, mobile, email_verified_at, mobile_verified_at, created_at`

func scanCompany(r row, c *party.Company) error {
	var email, mobile, created int64
	err := r.Scan(&c.ID, &c.Kind, &c.Name, &c.BuyerLevel, &c.RetryPolicy, &c.Email, &c.Mobile, &email, &mobile, &created)
	c.EmailVerifiedAt, c.MobileVerifiedAt, c.CreatedAt = clock.FromMicros(email), clock.FromMicros(mobile), clock.FromMicros(created)
	return err
}

// InsertCompany adds a company.
func InsertCompany(ctx context.Context, tx *Tx, c party.Company) error {
	_, err := tx.Exec(ctx, `INSERT INTO company (`+companyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.ID, c.Kind, c.Name, c.BuyerLevel, c.RetryPolicy, c.Email, c.Mobile, clock.Micros(c.EmailVerifiedAt), clock.Micros(c.MobileVerifiedAt), clock.Micros(c.CreatedAt))
	return err
}

// Company reads one company.
func Company(ctx context.Context, tx *Tx, id string) (party.Company, error) {
	var c party.Company
	err := scanCompany(tx.QueryRow(ctx, `SELECT `+companyColumns+` FROM company WHERE id = $1`, id), &c)
	return c, noRow(err)
}

// Companies lists companies of a kind, or all, by id.
func Companies(ctx context.Context, tx *Tx, kind party.Kind) ([]party.Company, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *party.Company) error { return scanCompany(r, c) },
		`SELECT `+companyColumns+` FROM company WHERE $1 = '' OR kind = $1 ORDER BY created_at, id`, string(kind))
}

// SetRetryPolicy chooses a seller's row of schedules. // spec: 01 §2.1
func SetRetryPolicy(ctx context.Context, tx *Tx, seller, policy string) error {
	return mustOne(tx.Exec(ctx, `UPDATE company SET retry_policy = $1 WHERE id = $2 AND kind = 'seller'`, policy, seller))
}

const personColumns = `id, login, name, email, mobile, password_hash, language, email_verified_at, mobile_verified_at, limited, disabled_at, created_at`

func scanPerson(r row, p *party.Person) error {
	var verified, mobile, disabled, created int64
	err := r.Scan(&p.ID, &p.Login, &p.Name, &p.Email, &p.Mobile, &p.PasswordHash, &p.Language, &verified, &mobile, &p.Limited, &disabled, &created)
	p.MobileVerifiedAt = clock.FromMicros(mobile)
	p.VerifiedAt, p.DisabledAt, p.CreatedAt = clock.FromMicros(verified), clock.FromMicros(disabled), clock.FromMicros(created)
	return err
}

// InsertPerson adds a person; a taken login is a unique violation.
func InsertPerson(ctx context.Context, tx *Tx, p party.Person) error {
	_, err := tx.Exec(ctx, `INSERT INTO person (`+personColumns+`, failures, locked_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, 0)`,
		p.ID, p.Login, p.Name, p.Email, p.Mobile, p.PasswordHash, p.Language, clock.Micros(p.VerifiedAt), clock.Micros(p.MobileVerifiedAt), p.Limited, clock.Micros(p.DisabledAt), clock.Micros(p.CreatedAt))
	return err
}

// PersonByLogin finds who signs in.
func PersonByLogin(ctx context.Context, tx *Tx, login string) (party.Person, error) {
	var p party.Person
	err := scanPerson(tx.QueryRow(ctx, `SELECT `+personColumns+` FROM person WHERE login = $1`, login), &p)
	return p, noRow(err)
}

// Person reads one person.
func Person(ctx context.Context, tx *Tx, id string) (party.Person, error) {
	var p party.Person
	err := scanPerson(tx.QueryRow(ctx, `SELECT `+personColumns+` FROM person WHERE id = $1`, id), &p)
	return p, noRow(err)
}

// AddMember gives a person a role in a company.
func AddMember(ctx context.Context, tx *Tx, company, person, role string) error {
	_, err := tx.Exec(ctx, `INSERT INTO member (company_id, person_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, company, person, role)
	return err
}

// RemoveMember takes all roles of a person in a company away.
func RemoveMember(ctx context.Context, tx *Tx, company, person string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM member WHERE company_id = $1 AND person_id = $2`, company, person))
}

// Memberships lists the companies and roles of a person.
func Memberships(ctx context.Context, tx *Tx, person string) ([]party.Member, error) {
	type pair struct{ company, role string }
	pairs, err := collect(ctx, tx, func(r *sql.Rows, p *pair) error { return r.Scan(&p.company, &p.role) },
		`SELECT company_id, role FROM member WHERE person_id = $1 ORDER BY company_id, role`, person)
	var out []party.Member
	for _, p := range pairs {
		if n := len(out); n > 0 && out[n-1].CompanyID == p.company {
			out[n-1].Roles = append(out[n-1].Roles, p.role)
			continue
		}
		out = append(out, party.Member{CompanyID: p.company, PersonID: person, Roles: []string{p.role}})
	}
	return out, err
}

// CountMembers counts persons with any of a kind of company's roles.
func CountMembers(ctx context.Context, tx *Tx, kind party.Kind) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(DISTINCT m.person_id) FROM member m JOIN company c ON c.id = m.company_id WHERE c.kind = $1`, string(kind)).Scan(&n)
	return n, err
}

// Reply is a stored answer to an idempotent request.
type Reply struct {
	InputHash string
	Status    int
	Body      []byte
}

// StoredReply finds the answer given to (caller, key) before; nil when none was.
func StoredReply(ctx context.Context, tx *Tx, caller, key string) (*Reply, error) {
	var r Reply
	err := noRow(tx.QueryRow(ctx, `SELECT input_hash, status, reply FROM idempotency WHERE caller = $1 AND key = $2`, caller, key).Scan(&r.InputHash, &r.Status, &r.Body))
	if errors.Is(err, ErrNoRow) {
		return nil, nil
	}
	return &r, err
}

// InsertReply stores an answer with the effect it answers for; a second writer
// of the same key gets a unique violation and its effect is undone with it.
func InsertReply(ctx context.Context, tx *Tx, caller, key string, r Reply, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO idempotency (caller, key, input_hash, status, reply, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		caller, key, r.InputHash, r.Status, r.Body, clock.Micros(at))
	return err
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

const companyColumns = `id, kind, name, buyer_level, retry_policy, email, mobile, created_at`

func scanCompany(r row, c *party.Company) error {
	var created int64
	err := r.Scan(&c.ID, &c.Kind, &c.Name, &c.BuyerLevel, &c.RetryPolicy, &c.Email, &c.Mobile, &created)
	c.CreatedAt = clock.FromMicros(created)
	return err
}

// InsertCompany adds a company.
func InsertCompany(ctx context.Context, tx *Tx, c party.Company) error {
	_, err := tx.Exec(ctx, `INSERT INTO company (`+companyColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.Kind, c.Name, c.BuyerLevel, c.RetryPolicy, c.Email, c.Mobile, clock.Micros(c.CreatedAt))
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

const personColumns = `id, login, name, email, mobile, password_hash, failures, locked_until, created_at`

func scanPerson(r row, p *party.Person) error {
	var locked, created int64
	err := r.Scan(&p.ID, &p.Login, &p.Name, &p.Email, &p.Mobile, &p.PasswordHash, &p.Failures, &locked, &created)
	p.LockedUntil, p.CreatedAt = clock.FromMicros(locked), clock.FromMicros(created)
	return err
}

// InsertPerson adds a person; a taken login is a unique violation.
func InsertPerson(ctx context.Context, tx *Tx, p party.Person) error {
	_, err := tx.Exec(ctx, `INSERT INTO person (`+personColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		p.ID, p.Login, p.Name, p.Email, p.Mobile, p.PasswordHash, p.Failures, clock.Micros(p.LockedUntil), clock.Micros(p.CreatedAt))
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

// SetLoginFailures notes a wrong password (or, with 0, a right one).
func SetLoginFailures(ctx context.Context, tx *Tx, person string, failures int, lockedUntil time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET failures = $1, locked_until = $2 WHERE id = $3`, failures, clock.Micros(lockedUntil), person))
}

// AddMember gives a person a role in a company.
func AddMember(ctx context.Context, tx *Tx, company, person, role string) error {
	_, err := tx.Exec(ctx, `INSERT INTO member (company_id, person_id, role) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, company, person, role)
	return err
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

// InsertToken adds a personal access token.
func InsertToken(ctx context.Context, tx *Tx, t party.Token) error {
	_, err := tx.Exec(ctx, `INSERT INTO access_token (id, person_id, company_id, name, hash, created_at, expires_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		t.ID, t.PersonID, t.CompanyID, t.Name, t.Hash, clock.Micros(t.CreatedAt), clock.Micros(t.ExpiresAt), clock.Micros(t.RevokedAt))
	return err
}

// Bearer is who stands behind a token or a session.
type Bearer struct {
	PersonID, PersonName, CompanyID, CompanyName string
	Kind                                         party.Kind
	Roles                                        []string
	ExpiresAt, RevokedAt                         time.Time
}

// BearerOf finds who a secret's hash belongs to: a personal access token, or
// with session set, a browser session.
func BearerOf(ctx context.Context, tx *Tx, hash string, session bool) (Bearer, error) {
	table, revoked := "access_token", "b.revoked_at"
	if session {
		table, revoked = "session", "0"
	}
	var b Bearer
	var expires, revokedAt int64
	err := tx.QueryRow(ctx, `SELECT b.person_id, p.name, b.company_id, c.name, c.kind, b.expires_at, `+revoked+`
		FROM `+table+` b JOIN person p ON p.id = b.person_id JOIN company c ON c.id = b.company_id WHERE b.hash = $1`, hash).
		Scan(&b.PersonID, &b.PersonName, &b.CompanyID, &b.CompanyName, &b.Kind, &expires, &revokedAt)
	if err != nil {
		return b, noRow(err)
	}
	b.ExpiresAt, b.RevokedAt = clock.FromMicros(expires), clock.FromMicros(revokedAt)
	b.Roles, err = collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT role FROM member WHERE company_id = $1 AND person_id = $2 ORDER BY role`, b.CompanyID, b.PersonID)
	return b, err
}

// InsertSession opens a browser session.
func InsertSession(ctx context.Context, tx *Tx, hash, person, company string, created, expires time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO session (hash, person_id, company_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash, person, company, clock.Micros(created), clock.Micros(expires))
	return err
}

// DeleteSession ends a session; one that is gone already is fine.
func DeleteSession(ctx context.Context, tx *Tx, hash string) error {
	_, err := tx.Exec(ctx, `DELETE FROM session WHERE hash = $1`, hash)
	return err
}

// InsertAudit writes the row that says who did what. It stands in the same
// transaction as what was done.
func InsertAudit(ctx context.Context, tx *Tx, id string, at time.Time, actor, company, action, noun, detail string) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (id, at, actor, company, action, noun_id, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id, clock.Micros(at), actor, company, action, noun, detail)
	return err
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

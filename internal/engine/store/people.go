package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

// PersonByAddress finds the person whose login or proved e-mail address it is; of several that gave the same
// address, the one it is the login of, then the oldest.
func PersonByAddress(ctx context.Context, tx *Tx, address string) (party.Person, error) {
	var p party.Person
	err := scanPerson(tx.QueryRow(ctx, `SELECT `+personColumns+` FROM person WHERE login = $1 OR email = $1
		ORDER BY CASE WHEN login = $1 THEN 0 ELSE 1 END, created_at, id LIMIT 1`, address), &p)
	return p, noRow(err)
}

// SetPassword replaces a password's hash.
func SetPassword(ctx context.Context, tx *Tx, person, hash string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET password_hash = $1, password_changed_at = $2 WHERE id = $3`, hash, clock.Micros(at), person))
}

// SetDisabled keeps a person out from an instant on, or with the zero time lets them in again.
func SetDisabled(ctx context.Context, tx *Tx, person string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET disabled_at = $1 WHERE id = $2`, clock.Micros(at), person))
}

// SetDetails writes what a person is called, reached at and written to in; another number is not proved.
func SetDetails(ctx context.Context, tx *Tx, person, name, mobile, language string) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET name = $1, mobile_verified_at = CASE WHEN mobile = $2 THEN mobile_verified_at ELSE 0 END, mobile = $2, language = $3 WHERE id = $4`,
		name, mobile, language, person))
}

// LockCompany makes whoever else would change the company's people wait for this transaction.
func LockCompany(ctx context.Context, tx *Tx, company string) error {
	return mustOne(tx.Exec(ctx, `UPDATE company SET name = name WHERE id = $1`, company))
}

const colleagues = `SELECT p.id, p.login, p.name, p.email, p.mobile, p.language, p.email_verified_at, p.mobile_verified_at, p.limited, p.disabled_at, p.created_at,
		COALESCE((SELECT t.confirmed_at FROM totp t WHERE t.person_id = p.id), 0),
		COALESCE((SELECT MAX(s.at) FROM sign_in s WHERE s.person_id = p.id AND s.outcome = 'ok'), 0)
	FROM person p WHERE p.id IN (SELECT person_id FROM member WHERE company_id = $1) `

func scanColleague(r *sql.Rows, c *party.Colleague) error {
	var verified, mobile, disabled, created, confirmed, last int64
	err := r.Scan(&c.ID, &c.Login, &c.Name, &c.Email, &c.Mobile, &c.Language, &verified, &mobile, &c.Limited, &disabled, &created, &confirmed, &last)
	c.MobileVerifiedAt = clock.FromMicros(mobile)
	c.VerifiedAt, c.DisabledAt, c.CreatedAt, c.HasTOTP, c.LastSignIn = clock.FromMicros(verified), clock.FromMicros(disabled), clock.FromMicros(created), confirmed > 0, clock.FromMicros(last)
	return err
}

// Colleagues lists a company's people by login, after one ("" for the first).
func Colleagues(ctx context.Context, tx *Tx, company, after string, limit int) ([]party.Colleague, error) {
	cs, err := collect(ctx, tx, scanColleague, colleagues+`AND ($2 = '' OR p.login > $2) ORDER BY p.login LIMIT $3`, company, after, limit)
	for i := 0; err == nil && i < len(cs); i++ {
		cs[i].Roles, err = RolesOf(ctx, tx, company, cs[i].ID)
	}
	return cs, err
}

// ColleagueByID reads one of a company's people.
func ColleagueByID(ctx context.Context, tx *Tx, company, person string) (party.Colleague, error) {
	cs, err := collect(ctx, tx, scanColleague, colleagues+`AND p.id = $2`, company, person)
	if err == nil && len(cs) == 0 {
		err = ErrNoRow
	}
	if err != nil {
		return party.Colleague{}, err
	}
	cs[0].Roles, err = RolesOf(ctx, tx, company, person)
	return cs[0], err
}

// CountPeople counts a company's people: those with the role and enabled, and those without the role.
func CountPeople(ctx context.Context, tx *Tx, company, role string) (with, without int, err error) {
	err = tx.QueryRow(ctx, `SELECT
		(SELECT COUNT(*) FROM member m JOIN person p ON p.id = m.person_id WHERE m.company_id = $1 AND m.role = $2 AND p.disabled_at = 0),
		(SELECT COUNT(DISTINCT m.person_id) FROM member m WHERE m.company_id = $1
			AND NOT EXISTS (SELECT 1 FROM member o WHERE o.company_id = $1 AND o.person_id = m.person_id AND o.role = $2))`, company, role).Scan(&with, &without)
	return with, without, err
}

// InsertMailLink makes the secret of a link in a mail known by its hash.
func InsertMailLink(ctx context.Context, tx *Tx, hash, kind, subject string, created, expires time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO mail_link (hash, kind, subject, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hash, kind, subject, clock.Micros(created), clock.Micros(expires))
	return err
}

// MailLink finds what a link in force is about.
func MailLink(ctx context.Context, tx *Tx, hash, kind string, now time.Time) (subject string, err error) {
	err = tx.QueryRow(ctx, `SELECT subject FROM mail_link WHERE hash = $1 AND kind = $2 AND expires_at > $3 AND subject <> ''`, hash, kind, clock.Micros(now)).Scan(&subject)
	return subject, noRow(err)
}

// UseMailLink spends a link: whoever comes second gets ErrNoRow.
func UseMailLink(ctx context.Context, tx *Tx, hash string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM mail_link WHERE hash = $1`, hash))
}

// DropMailLinks makes all links about a subject worthless.
func DropMailLinks(ctx context.Context, tx *Tx, kind, subject string) error {
	_, err := tx.Exec(ctx, `DELETE FROM mail_link WHERE kind = $1 AND subject = $2`, kind, subject)
	return err
}

const registrationColumns = `id, kind, company, name, email, mobile, language, password_hash, created_at, expires_at`

func scanRegistration(r row, g *party.Registration) error {
	var created, expires int64
	err := r.Scan(&g.ID, &g.Kind, &g.Company, &g.Name, &g.Email, &g.Mobile, &g.Language, &g.PasswordHash, &created, &expires)
	g.CreatedAt, g.ExpiresAt = clock.FromMicros(created), clock.FromMicros(expires)
	return err
}

// InsertRegistration adds a registration.
func InsertRegistration(ctx context.Context, tx *Tx, g party.Registration) error {
	_, err := tx.Exec(ctx, `INSERT INTO registration (`+registrationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		g.ID, g.Kind, g.Company, g.Name, g.Email, g.Mobile, g.Language, g.PasswordHash, clock.Micros(g.CreatedAt), clock.Micros(g.ExpiresAt))
	return err
}

// Registration reads one registration.
func Registration(ctx context.Context, tx *Tx, id string) (party.Registration, error) {
	var g party.Registration
	err := scanRegistration(tx.QueryRow(ctx, `SELECT `+registrationColumns+` FROM registration WHERE id = $1`, id), &g)
	return g, noRow(err)
}

// LastRegistration reads the newest open registration of an address.
func LastRegistration(ctx context.Context, tx *Tx, email string, now time.Time) (party.Registration, error) {
	var g party.Registration
	err := scanRegistration(tx.QueryRow(ctx, `SELECT `+registrationColumns+` FROM registration WHERE email = $1 AND expires_at > $2 ORDER BY id DESC LIMIT 1`, email, clock.Micros(now)), &g)
	return g, noRow(err)
}

// DeleteRegistrations removes all registrations of an address: one of them was proved.
func DeleteRegistrations(ctx context.Context, tx *Tx, email string) error {
	_, err := tx.Exec(ctx, `DELETE FROM registration WHERE email = $1`, email)
	return err
}

const invitationColumns = `id, company_id, email, roles, invited_by, language, created_at, expires_at`

func scanInvitation(r row, i *party.Invitation) error {
	var roles string
	var created, expires int64
	err := r.Scan(&i.ID, &i.CompanyID, &i.Email, &roles, &i.InvitedBy, &i.Language, &created, &expires)
	i.Roles, i.CreatedAt, i.ExpiresAt = strings.Fields(roles), clock.FromMicros(created), clock.FromMicros(expires)
	return err
}

// PutInvitation adds an invitation; an open one of the same address is replaced.
func PutInvitation(ctx context.Context, tx *Tx, i party.Invitation) error {
	if _, err := tx.Exec(ctx, `DELETE FROM invitation WHERE company_id = $1 AND email = $2`, i.CompanyID, i.Email); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO invitation (`+invitationColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		i.ID, i.CompanyID, i.Email, strings.Join(i.Roles, " "), i.InvitedBy, i.Language, clock.Micros(i.CreatedAt), clock.Micros(i.ExpiresAt))
	return err
}

// Invitation reads one invitation.
func Invitation(ctx context.Context, tx *Tx, id string) (party.Invitation, error) {
	var i party.Invitation
	err := scanInvitation(tx.QueryRow(ctx, `SELECT `+invitationColumns+` FROM invitation WHERE id = $1`, id), &i)
	return i, noRow(err)
}

// Invitations lists a company's open invitations by address.
func Invitations(ctx context.Context, tx *Tx, company string, now time.Time) ([]party.Invitation, error) {
	return collect(ctx, tx, func(r *sql.Rows, i *party.Invitation) error { return scanInvitation(r, i) },
		`SELECT `+invitationColumns+` FROM invitation WHERE company_id = $1 AND expires_at > $2 ORDER BY email`, company, clock.Micros(now))
}

// DeleteInvitation withdraws a company's invitation.
func DeleteInvitation(ctx context.Context, tx *Tx, company, id string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM invitation WHERE id = $1 AND company_id = $2`, id, company))
}

// Sweep removes what is over: links, registrations, invitations, sessions, counted guesses of yesterday and
// sign-ins older than the given age.
func Sweep(ctx context.Context, tx *Tx, now time.Time, keepSignIns time.Duration) error {
	us := clock.Micros(now)
	for _, q := range []string{
		`DELETE FROM mail_link WHERE expires_at <= $1`, `DELETE FROM registration WHERE expires_at <= $1`,
		`DELETE FROM invitation WHERE expires_at <= $1`, `DELETE FROM session WHERE expires_at <= $1`,
	} {
		if _, err := tx.Exec(ctx, q, us); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM guess WHERE touched_at <= $1 AND locked_until <= $2`, clock.Micros(now.Add(-24*time.Hour)), us); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM sign_in WHERE at <= $1`, clock.Micros(now.Add(-keepSignIns)))
	return err
}

// GrantProduct lets a seller's sub-user at a product; twice is once. spec: 20 A6
func GrantProduct(ctx context.Context, tx *Tx, product, person, by string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO product_grant (product_id, person_id, granted_by, granted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		product, person, by, clock.Micros(at))
	return err
}

// RevokeProduct takes a product from a sub-user again.
func RevokeProduct(ctx context.Context, tx *Tx, product, person string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM product_grant WHERE product_id = $1 AND person_id = $2`, product, person))
}

// GrantedProducts lists the products given to a person.
func GrantedProducts(ctx context.Context, tx *Tx, person string) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT product_id FROM product_grant WHERE person_id = $1 ORDER BY product_id`, person)
}

// SetLimited says whether a person sees the products given to it alone.
func SetLimited(ctx context.Context, tx *Tx, person string, limited bool) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET limited = $1 WHERE id = $2`, limited, person))
}

// DisableAccessKeysOf makes a person's access keys for a seller unusable.
func DisableAccessKeysOf(ctx context.Context, tx *Tx, seller, person string) error {
	_, err := tx.Exec(ctx, `UPDATE access_key SET disabled = TRUE WHERE seller_id = $1 AND person_id = $2`, seller, person)
	return err
}

// LimitedPeople are a company's people who see the products given to them alone, by login; given tells which of them have
// the product.
func LimitedPeople(ctx context.Context, tx *Tx, company, product string) (all []party.Colleague, given map[string]bool, err error) {
	if all, err = collect(ctx, tx, scanColleague, colleagues+`AND p.limited ORDER BY p.login`, company); err != nil {
		return nil, nil, err
	}
	ids, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) }, `SELECT person_id FROM product_grant WHERE product_id = $1 ORDER BY person_id`, product)
	given = map[string]bool{}
	for _, id := range ids {
		given[id] = true
	}
	return all, given, err
}

// DropMailLinksOf makes all links of a kind worthless whose subject begins with an id and a blank.
func DropMailLinksOf(ctx context.Context, tx *Tx, kind, id string) error {
	_, err := tx.Exec(ctx, `DELETE FROM mail_link WHERE kind = $1 AND subject > $2 AND subject < $3`, kind, id+" ", id+"!")
	return err
}

// SetEmail makes a proved address a person's, and its login when that was the old one.
func SetEmail(ctx context.Context, tx *Tx, person, login, email string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE person SET login = $1, email = $2, email_verified_at = $3 WHERE id = $4`, login, email, clock.Micros(at), person))
}

// ProveMobile notes that the number of a person or of a company is proved; ErrNoRow when it is another by now.
func ProveMobile(ctx context.Context, tx *Tx, table, id, mobile string, at time.Time) error {
	query := `UPDATE person SET mobile_verified_at = $1 WHERE id = $2 AND mobile = $3`
	if table == "company" {
		query = `UPDATE company SET mobile_verified_at = $1 WHERE id = $2 AND mobile = $3`
	}
	return mustOne(tx.Exec(ctx, query, clock.Micros(at), id, mobile))
}

// SetCompanyEmail makes a proved address the company's.
func SetCompanyEmail(ctx context.Context, tx *Tx, company, email string, at time.Time) error {
	if err := mustOne(tx.Exec(ctx, `UPDATE company SET email = $1, email_verified_at = $2 WHERE id = $3`, email, clock.Micros(at), company)); err != nil {
		return err
	}
	return NoteChange(ctx, tx, CompanyChanged, company) // a shop shows it
}

// SetCompanyMobile writes a number down that is not proved yet.
func SetCompanyMobile(ctx context.Context, tx *Tx, company, mobile string) error {
	return mustOne(tx.Exec(ctx, `UPDATE company SET mobile = $1, mobile_verified_at = 0 WHERE id = $2`, mobile, company))
}

// SetCompanyName gives a company another name.
func SetCompanyName(ctx context.Context, tx *Tx, company, name string) error {
	if err := mustOne(tx.Exec(ctx, `UPDATE company SET name = $1 WHERE id = $2`, name, company)); err != nil {
		return err
	}
	return NoteChange(ctx, tx, CompanyChanged, company)
}

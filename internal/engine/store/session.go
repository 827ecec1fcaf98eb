package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

// InsertToken adds a personal access token.
func InsertToken(ctx context.Context, tx *Tx, t party.Token) error {
	_, err := tx.Exec(ctx, `INSERT INTO access_token (id, person_id, company_id, name, hash, scope, created_at, expires_at, revoked_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		t.ID, t.PersonID, t.CompanyID, t.Name, t.Hash, strings.Join(t.Scope, " "), clock.Micros(t.CreatedAt), clock.Micros(t.ExpiresAt), clock.Micros(t.RevokedAt), clock.Micros(t.UsedAt))
	return err
}

// Tokens lists a person's tokens that were not revoked, the newest first; without their hashes.
func Tokens(ctx context.Context, tx *Tx, person string) ([]party.Token, error) {
	return collect(ctx, tx, func(r *sql.Rows, t *party.Token) error {
		var scope string
		var created, expires, used int64
		err := r.Scan(&t.ID, &t.PersonID, &t.CompanyID, &t.Name, &scope, &created, &expires, &used)
		t.Scope, t.CreatedAt, t.ExpiresAt, t.UsedAt = strings.Fields(scope), clock.FromMicros(created), clock.FromMicros(expires), clock.FromMicros(used)
		return err
	}, `SELECT id, person_id, company_id, name, scope, created_at, expires_at, last_used_at FROM access_token WHERE person_id = $1 AND revoked_at = 0 ORDER BY id DESC`, person)
}

// RevokeToken ends one of a person's tokens; one that is not theirs, or ended already, is ErrNoRow.
func RevokeToken(ctx context.Context, tx *Tx, person, id string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE access_token SET revoked_at = $1 WHERE id = $2 AND person_id = $3 AND revoked_at = 0`, clock.Micros(at), id, person))
}

// RevokeTokens ends all tokens of a person.
func RevokeTokens(ctx context.Context, tx *Tx, person string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE access_token SET revoked_at = $1 WHERE person_id = $2 AND revoked_at = 0`, clock.Micros(at), person)
	return err
}

// TouchToken notes when a token was used last; an older use than the one noted changes nothing.
func TouchToken(ctx context.Context, tx *Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE access_token SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, clock.Micros(at), id)
	return err
}

// Bearer is who stands behind a token or a session.
type Bearer struct {
	ID                                                  string // of the token or session
	PersonID, PersonName, Login, CompanyID, CompanyName string
	Kind                                                party.Kind
	Roles, Scope                                        []string
	Stage                                               string
	CreatedAt, SeenAt, ExpiresAt, RevokedAt, DisabledAt time.Time

	Limited bool // to the products given to the person
}

// BearerOf finds who a secret's hash belongs to: a personal access token, or with session set, a browser session.
func BearerOf(ctx context.Context, tx *Tx, hash string, session bool) (Bearer, error) {
	columns, table := "b.scope, '', b.last_used_at, b.revoked_at", "access_token"
	if session {
		columns, table = "'', b.stage, b.seen_at, 0", "session"
	}
	var b Bearer
	var scope string
	var created, seen, expires, revoked, disabled int64
	// A row per role, and one without when there is none: this is asked for by every request.
	roles, err := collect(ctx, tx, func(r *sql.Rows, role *string) error {
		return r.Scan(&b.ID, &b.PersonID, &b.PersonName, &b.Login, &b.CompanyID, &b.CompanyName, &b.Kind, &disabled, &b.Limited, &created, &expires, &scope, &b.Stage, &seen, &revoked, role)
	}, `SELECT b.id, b.person_id, p.name, p.login, b.company_id, c.name, c.kind, p.disabled_at, p.limited, b.created_at, b.expires_at, `+columns+`, COALESCE(m.role, '')
		FROM `+table+` b JOIN person p ON p.id = b.person_id JOIN company c ON c.id = b.company_id LEFT JOIN member m ON m.company_id = b.company_id AND m.person_id = b.person_id
		WHERE b.hash = $1 ORDER BY m.role`, hash)
	if err != nil {
		return b, err
	}
	if len(roles) == 0 {
		return b, ErrNoRow
	}
	b.Scope, b.CreatedAt, b.SeenAt, b.ExpiresAt, b.RevokedAt, b.DisabledAt = strings.Fields(scope), clock.FromMicros(created), clock.FromMicros(seen), clock.FromMicros(expires), clock.FromMicros(revoked), clock.FromMicros(disabled)
	if roles[0] != "" {
		b.Roles = roles
	}
	return b, nil
}

// RolesOf lists the roles of a person in a company.
func RolesOf(ctx context.Context, tx *Tx, company, person string) ([]string, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT role FROM member WHERE company_id = $1 AND person_id = $2 ORDER BY role`, company, person)
}

const sessionColumns = `id, hash, person_id, company_id, stage, created_at, seen_at, expires_at, address, agent`

// InsertSession opens a browser session.
func InsertSession(ctx context.Context, tx *Tx, s party.Session) error {
	_, err := tx.Exec(ctx, `INSERT INTO session (`+sessionColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		s.ID, s.Hash, s.PersonID, s.CompanyID, s.Stage, clock.Micros(s.CreatedAt), clock.Micros(s.SeenAt), clock.Micros(s.ExpiresAt), s.Address, s.Agent)
	return err
}

func scanSession(r row, s *party.Session) error {
	var created, seen, expires int64
	err := r.Scan(&s.ID, &s.Hash, &s.PersonID, &s.CompanyID, &s.Stage, &created, &seen, &expires, &s.Address, &s.Agent)
	s.CreatedAt, s.SeenAt, s.ExpiresAt = clock.FromMicros(created), clock.FromMicros(seen), clock.FromMicros(expires)
	return err
}

// SessionByHash reads a session.
func SessionByHash(ctx context.Context, tx *Tx, hash string) (party.Session, error) {
	var s party.Session
	err := scanSession(tx.QueryRow(ctx, `SELECT `+sessionColumns+` FROM session WHERE hash = $1`, hash), &s)
	return s, noRow(err)
}

// Sessions lists a person's sessions that are signed in and not over, the newest first.
func Sessions(ctx context.Context, tx *Tx, person string, now time.Time) ([]party.Session, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *party.Session) error { return scanSession(r, s) },
		`SELECT `+sessionColumns+` FROM session WHERE person_id = $1 AND stage = '' AND expires_at > $2 ORDER BY id DESC`, person, clock.Micros(now))
}

// SeeSession notes that a session was used.
func SeeSession(ctx context.Context, tx *Tx, id string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE session SET seen_at = $1 WHERE id = $2 AND seen_at < $1`, clock.Micros(at), id)
	return err
}

// RotateSession gives a session another secret and stage; the old secret is worth nothing from then on.
func RotateSession(ctx context.Context, tx *Tx, oldHash string, s party.Session) error {
	return mustOne(tx.Exec(ctx, `UPDATE session SET hash = $1, stage = $2, seen_at = $3, expires_at = $4 WHERE hash = $5`,
		s.Hash, s.Stage, clock.Micros(s.SeenAt), clock.Micros(s.ExpiresAt), oldHash))
}

// DeleteSession ends a session; one that is gone already is fine.
func DeleteSession(ctx context.Context, tx *Tx, hash string) error {
	_, err := tx.Exec(ctx, `DELETE FROM session WHERE hash = $1`, hash)
	return err
}

// DeleteSessionByID ends one of a person's sessions.
func DeleteSessionByID(ctx context.Context, tx *Tx, person, id string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM session WHERE id = $1 AND person_id = $2`, id, person))
}

// DeleteSessions ends a person's sessions except one ("" for none).
func DeleteSessions(ctx context.Context, tx *Tx, person, exceptHash string) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM session WHERE person_id = $1 AND hash <> $2`, person, exceptHash)
}

// InsertSignIn adds a line to the sign-in history.
func InsertSignIn(ctx context.Context, tx *Tx, s party.SignIn) error {
	_, err := tx.Exec(ctx, `INSERT INTO sign_in (id, person_id, at, address, agent, way, outcome) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ID, s.PersonID, clock.Micros(s.At), s.Address, s.Agent, s.Way, s.Outcome)
	return err
}

// SignIns lists a person's sign-ins before a row ("" for the newest), the newest first.
func SignIns(ctx context.Context, tx *Tx, person, before string, limit int) ([]party.SignIn, error) {
	return collect(ctx, tx, func(r *sql.Rows, s *party.SignIn) error {
		var at int64
		err := r.Scan(&s.ID, &s.PersonID, &at, &s.Address, &s.Agent, &s.Way, &s.Outcome)
		s.At = clock.FromMicros(at)
		return err
	}, `SELECT id, person_id, at, address, agent, way, outcome FROM sign_in WHERE person_id = $1 AND ($2 = '' OR id < $2) ORDER BY id DESC LIMIT $3`, person, before, limit)
}

// Guess counts an attempt at what must not be guessed. When max of them failed in a row the name is locked until
// the given instant: locked then is when the lock ends, and this attempt is not counted. Writing the row makes
// attempts that arrive together count one after another.
func Guess(ctx context.Context, tx *Tx, name string, now time.Time, max int, lock time.Duration) (locked time.Time, err error) {
	us := clock.Micros(now)
	if _, err = tx.Exec(ctx, `INSERT INTO guess (name, failures, locked_until, touched_at) VALUES ($1, 0, 0, $2)
		ON CONFLICT (name) DO UPDATE SET touched_at = excluded.touched_at`, name, us); err != nil {
		return locked, err
	}
	var failures, until int64
	if err = tx.QueryRow(ctx, `SELECT failures, locked_until FROM guess WHERE name = $1`, name).Scan(&failures, &until); err != nil {
		return locked, err
	}
	if until > us {
		return clock.FromMicros(until), nil
	}
	failures, until = failures+1, 0
	if failures >= int64(max) {
		failures, until = 0, clock.Micros(now.Add(lock))
	}
	_, err = tx.Exec(ctx, `UPDATE guess SET failures = $1, locked_until = $2 WHERE name = $3`, failures, until, name)
	return time.Time{}, err
}

// TouchGuess notes that a name was tried: the work that a known name's history makes, for one that is unknown.
func TouchGuess(ctx context.Context, tx *Tx, name string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE guess SET touched_at = $1 WHERE name = $2`, clock.Micros(at), name)
	return err
}

// Guessed forgets the failures of a name: the right answer was given.
func Guessed(ctx context.Context, tx *Tx, name string) error {
	_, err := tx.Exec(ctx, `DELETE FROM guess WHERE name = $1`, name)
	return err
}

// TOTP is a person's second factor.
type TOTP struct {
	PersonID  string
	Sealed    string // its seed
	LastStep  int64
	Confirmed time.Time // zero: enrolment was begun only
}

// TOTPOf reads a person's second factor.
func TOTPOf(ctx context.Context, tx *Tx, person string) (TOTP, error) {
	t := TOTP{PersonID: person}
	var confirmed int64
	err := tx.QueryRow(ctx, `SELECT sealed, last_step, confirmed_at FROM totp WHERE person_id = $1`, person).Scan(&t.Sealed, &t.LastStep, &confirmed)
	t.Confirmed = clock.FromMicros(confirmed)
	return t, noRow(err)
}

// PutTOTP begins an enrolment; one begun before is replaced.
func PutTOTP(ctx context.Context, tx *Tx, person, sealed string, at time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO totp (person_id, sealed, last_step, created_at, confirmed_at) VALUES ($1, $2, 0, $3, 0)
		ON CONFLICT (person_id) DO UPDATE SET sealed = excluded.sealed, last_step = 0, created_at = excluded.created_at, confirmed_at = 0`, person, sealed, clock.Micros(at))
	return err
}

// UseTOTP spends the code of a step, and confirms the enrolment if it was open. A step spent before, or an older
// one, is ErrNoRow.
func UseTOTP(ctx context.Context, tx *Tx, person string, step int64, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE totp SET last_step = $1, confirmed_at = CASE WHEN confirmed_at = 0 THEN $2 ELSE confirmed_at END
		WHERE person_id = $3 AND last_step < $1`, step, clock.Micros(at), person))
}

// DeleteTOTP takes the second factor and its recovery codes away.
func DeleteTOTP(ctx context.Context, tx *Tx, person string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE person_id = $1`, person); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM totp WHERE person_id = $1`, person)
	return err
}

// PutRecoveryCodes replaces a person's recovery codes by new ones, given as hashes.
func PutRecoveryCodes(ctx context.Context, tx *Tx, person string, hashes []string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE person_id = $1`, person); err != nil {
		return err
	}
	for _, h := range hashes {
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_code (hash, person_id, used_at) VALUES ($1, $2, 0)`, h, person); err != nil {
			return err
		}
	}
	return nil
}

// UseRecoveryCode spends a recovery code; an unknown or spent one is ErrNoRow.
func UseRecoveryCode(ctx context.Context, tx *Tx, person, hash string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE recovery_code SET used_at = $1 WHERE hash = $2 AND person_id = $3 AND used_at = 0`, clock.Micros(at), hash, person))
}

// CountRecoveryCodes counts the codes that were not spent.
func CountRecoveryCodes(ctx context.Context, tx *Tx, person string) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM recovery_code WHERE person_id = $1 AND used_at = 0`, person).Scan(&n)
	return n, err
}

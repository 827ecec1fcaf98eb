package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

// TopUpFilter narrows a list of top-ups; empty members do not.
type TopUpFilter struct{ CompanyID, State string }

// TopUps lists top-ups, newest first, before a mark.
func TopUps(ctx context.Context, tx *Tx, f TopUpFilter, before string, limit int) ([]TopUp, error) {
	var c conditions
	c.is("company_id", f.CompanyID)
	c.is("state", f.State)
	if before != "" {
		c.add("id < ?", before)
	}
	text := `SELECT id, company_id, currency, amount, state, requested_by, approved_by, created_at, decided_at FROM top_up WHERE 1 = 1` + c.text + ` ORDER BY id DESC` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, t *TopUp) error {
		var created, decided int64
		err := r.Scan(&t.ID, &t.CompanyID, &t.Currency, &t.Amount, &t.State, &t.RequestedBy, &t.ApprovedBy, &created, &decided)
		t.CreatedAt, t.DecidedAt = clock.FromMicros(created), clock.FromMicros(decided)
		return err
	}, text, c.args...)
}

// TakeTopUp makes what a buyer asked for the request of an operator, which a second one then decides.
func TakeTopUp(ctx context.Context, tx *Tx, id, by string) error {
	return mustOne(tx.Exec(ctx, `UPDATE top_up SET state = 'REQUESTED', requested_by = $1 WHERE id = $2 AND state = 'ASKED'`, by, id))
}

// RefuseAsked ends what a buyer asked for.
func RefuseAsked(ctx context.Context, tx *Tx, id, by string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE top_up SET state = 'REFUSED', approved_by = $1, decided_at = $2 WHERE id = $3 AND state = 'ASKED'`, by, clock.Micros(at), id))
}

func scanPosting(r *sql.Rows, p *Posting) error {
	var at int64
	err := r.Scan(&p.ID, &p.Kind, &p.Ref, &p.Currency, &at, &p.Account, &p.Amount)
	p.At = clock.FromMicros(at)
	return err
}

// PostingsOn lists what moved on an account, newest first, before a mark.
func PostingsOn(ctx context.Context, tx *Tx, account, before string, limit int) ([]Posting, error) {
	c := conditions{}
	c.add("e.account = ?", account)
	if before != "" {
		c.add("e.transaction_id < ?", before)
	}
	text := `SELECT t.id, t.kind, t.ref, t.currency, t.posted_at, e.account, e.amount FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id WHERE 1 = 1` + c.text + ` ORDER BY e.transaction_id DESC, e.number` + c.limit(limit)
	return collect(ctx, tx, scanPosting, text, c.args...)
}

// FindAccounts lists balances whose account names hold the words, by name and currency.
func FindAccounts(ctx context.Context, tx *Tx, words, afterName, afterCurrency string, limit int) ([]AccountBalance, error) {
	var c conditions
	c.like(words, "name")
	c.add("name > ? OR (name = ? AND currency > ?)", afterName, afterName, afterCurrency)
	text := `SELECT name, currency, balance FROM ledger_account WHERE 1 = 1` + c.text + ` ORDER BY name, currency` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, a *AccountBalance) error { return r.Scan(&a.Name, &a.Currency, &a.Balance) }, text, c.args...)
}

// LedgerSums are the balances of all accounts added up per currency: each must be zero.
func LedgerSums(ctx context.Context, tx *Tx) ([]AccountBalance, error) {
	return collect(ctx, tx, func(r *sql.Rows, a *AccountBalance) error { return r.Scan(&a.Currency, &a.Balance) },
		`SELECT currency, COALESCE(SUM(balance), 0) FROM ledger_account GROUP BY currency ORDER BY currency`)
}

// FindCompanies lists companies, newest first, after the mark (instant, id) of the last one seen.
func FindCompanies(ctx context.Context, tx *Tx, kind, words string, beforeAt time.Time, beforeID string, limit int) ([]party.Company, error) {
	var c conditions
	c.is("kind", kind)
	c.like(words, "name", "email", "id")
	if !beforeAt.IsZero() {
		us := clock.Micros(beforeAt)
		c.add("created_at < ? OR (created_at = ? AND id < ?)", us, us, beforeID)
	}
	text := `SELECT ` + companyColumns + ` FROM company WHERE 1 = 1` + c.text + ` ORDER BY created_at DESC, id DESC` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, one *party.Company) error { return scanCompany(r, one) }, text, c.args...)
}

// AddressRow is one registered address.
type AddressRow struct {
	Class, ProductID, URL string
	Verified              bool
	UpdatedAt             time.Time
}

// Addresses lists a seller's addresses.
func Addresses(ctx context.Context, tx *Tx, seller string) ([]AddressRow, error) {
	return collect(ctx, tx, func(r *sql.Rows, a *AddressRow) error {
		var at int64
		err := r.Scan(&a.Class, &a.ProductID, &a.URL, &a.Verified, &at)
		a.UpdatedAt = clock.FromMicros(at)
		return err
	}, `SELECT class, product_id, url, verified, updated_at FROM production_address WHERE seller_id = $1 ORDER BY class, product_id`, seller)
}

// KeyVersion is one version of an interconnection key; RetiredAt is zero for the one that signs.
type KeyVersion struct {
	Class                string
	Version              int
	Sealed               string
	CreatedAt, RetiredAt time.Time
}

// KeyVersions lists all versions of a seller's keys, the newest of each class first.
func KeyVersions(ctx context.Context, tx *Tx, seller string) ([]KeyVersion, error) {
	return collect(ctx, tx, func(r *sql.Rows, k *KeyVersion) error {
		var created, retired int64
		err := r.Scan(&k.Class, &k.Version, &k.Sealed, &created, &retired)
		k.CreatedAt, k.RetiredAt = clock.FromMicros(created), clock.FromMicros(retired)
		return err
	}, `SELECT class, version, sealed, created_at, retired_at FROM interconnection_key WHERE seller_id = $1 ORDER BY class, version DESC`, seller)
}

// AccessKeys lists a seller's AKs, oldest first. // spec: 14 §5
func AccessKeys(ctx context.Context, tx *Tx, seller string) ([]AccessKey, error) {
	return collect(ctx, tx, func(r *sql.Rows, k *AccessKey) error {
		var locked, created, used int64
		err := r.Scan(&k.AK, &k.SellerID, &k.PersonID, &k.Description, &k.Disabled, &k.Failures, &locked, &created, &used)
		k.LockedUntil, k.CreatedAt, k.LastUsedAt = clock.FromMicros(locked), clock.FromMicros(created), clock.FromMicros(used)
		return err
	}, `SELECT ak, seller_id, person_id, description, disabled, failures, locked_until, created_at, last_used_at FROM access_key WHERE seller_id = $1 ORDER BY created_at, ak`, seller)
}

// SetAccessKeyDisabled makes an AK of a seller unusable or usable again.
func SetAccessKeyDisabled(ctx context.Context, tx *Tx, seller, ak string, disabled bool) error {
	return mustOne(tx.Exec(ctx, `UPDATE access_key SET disabled = $1 WHERE ak = $2 AND seller_id = $3`, disabled, ak, seller))
}

// DeleteAccessKey takes an AK of a seller away for good.
func DeleteAccessKey(ctx context.Context, tx *Tx, seller, ak string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM access_key WHERE ak = $1 AND seller_id = $2`, ak, seller))
}

// LaneLoad is how much stands in a lane.
type LaneLoad struct {
	Lane, SellerID       string
	Waiting, Queued, Due int
	Running, Failed      int
	OldestDue            time.Time // of those that are due; zero when none is
}

// Lanes lists the load of the lanes that hold anything, or have failed jobs, the fullest first.
func Lanes(ctx context.Context, tx *Tx, now time.Time, limit int) ([]LaneLoad, error) {
	return collect(ctx, tx, func(r *sql.Rows, l *LaneLoad) error {
		var oldest int64
		err := r.Scan(&l.Lane, &l.SellerID, &l.Waiting, &l.Queued, &l.Due, &l.Running, &l.Failed, &oldest)
		l.OldestDue = clock.FromMicros(oldest)
		return err
	}, `SELECT l.name, l.seller_id, COALESCE(SUM(CASE WHEN j.state = 'waiting' THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN j.state = 'queued' THEN 1 ELSE 0 END), 0) AS queued,
		COALESCE(SUM(CASE WHEN j.state = 'queued' AND j.due_at <= $1 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN j.state = 'running' THEN 1 ELSE 0 END), 0),
		COALESCE(SUM(CASE WHEN j.state = 'failed' THEN 1 ELSE 0 END), 0), COALESCE(MIN(CASE WHEN j.state = 'queued' AND j.due_at <= $1 THEN j.due_at END), 0)
		FROM lane l JOIN job j ON j.lane = l.name AND j.state IN ('waiting', 'queued', 'running', 'failed') GROUP BY l.name, l.seller_id ORDER BY queued DESC, l.name LIMIT $2`, clock.Micros(now), limit)
}

// FindJobs lists jobs in a state, newest first, before a mark.
func FindJobs(ctx context.Context, tx *Tx, state, before string, limit int) ([]Job, error) {
	var c conditions
	c.is("state", state)
	if before != "" {
		c.add("id < ?", before)
	}
	text := `SELECT ` + jobColumns + ` FROM job WHERE 1 = 1` + c.text + ` ORDER BY id DESC` + c.limit(limit)
	return collect(ctx, tx, func(r *sql.Rows, j *Job) error { return scanJob(r, j) }, text, c.args...)
}

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/money"
)

// ErrOverdrawn means that a posting would take an account below zero.
var ErrOverdrawn = errors.New("store: the account does not hold that much")

// Post writes a ledger transaction and moves the balances. The same (kind, ref) a
// second time is a unique violation; money that is not there is ErrOverdrawn; both
// undo the caller's whole transaction. Balances are taken in the order of their
// names, so that two postings never wait for each other crosswise.
func Post(ctx context.Context, tx *Tx, id string, t ledger.Transaction, at time.Time) error {
	if _, err := tx.Exec(ctx, `INSERT INTO ledger_transaction (id, kind, ref, currency, memo, posted_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, t.Kind, t.Ref, t.Currency, t.Memo, clock.Micros(at)); err != nil {
		return fmt.Errorf("post %s for %s: %w", t.Kind, t.Ref, err)
	}
	moved := map[string]money.Amount{}
	var names []string
	var entries, balances values
	for n, e := range t.Entries() {
		entries.add(id, n+1, e.Account, e.Amount)
		if _, known := moved[e.Account]; !known {
			names = append(names, e.Account)
		}
		moved[e.Account] += e.Amount
	}
	if _, err := tx.Exec(ctx, `INSERT INTO ledger_entry (transaction_id, number, account, amount) VALUES `+entries.text(), entries.args...); err != nil {
		return err
	}
	slices.Sort(names)
	for _, name := range names {
		balances.add(name, t.Currency, moved[name])
	}
	after, err := collect(ctx, tx, func(r *sql.Rows, b *AccountBalance) error { return r.Scan(&b.Name, &b.Balance) },
		`INSERT INTO ledger_account (name, currency, balance) VALUES `+balances.text()+`
			ON CONFLICT (name, currency) DO UPDATE SET balance = ledger_account.balance + excluded.balance RETURNING name, balance`, balances.args...)
	if err != nil {
		return err
	}
	for _, b := range after {
		if b.Balance < 0 && !ledger.MayGoNegative(b.Name) {
			return fmt.Errorf("%w: %s would stand at %s", ErrOverdrawn, b.Name, b.Balance)
		}
	}
	return nil
}

// values are the rows of one INSERT.
type values struct {
	rows []string
	args []any
}

func (v *values) add(row ...any) {
	marks := make([]string, len(row))
	for i := range row {
		marks[i] = "$" + strconv.Itoa(len(v.args)+i+1)
	}
	v.args = append(v.args, row...)
	v.rows = append(v.rows, "("+strings.Join(marks, ", ")+")")
}

func (v *values) text() string { return strings.Join(v.rows, ", ") }

// AccountBalance is one account's balance.
type AccountBalance struct {
	Name     string
	Currency money.Currency
	Balance  money.Amount
}

// Accounts lists balances by name and currency. A company sees only the
// accounts whose names begin with one of the prefixes; nil means all.
func Accounts(ctx context.Context, tx *Tx, prefixes []string, afterName, afterCurrency string, limit int) ([]AccountBalance, error) {
	args := []any{afterName, afterCurrency, limit}
	cond := ""
	if prefixes != nil {
		var or []string
		for _, p := range prefixes {
			args = append(args, p+"%")
			or = append(or, fmt.Sprintf("name LIKE $%d", len(args)))
		}
		cond = " AND (" + strings.Join(append(or, "1 = 0"), " OR ") + ")"
	}
	return collect(ctx, tx, func(r *sql.Rows, a *AccountBalance) error { return r.Scan(&a.Name, &a.Currency, &a.Balance) },
		`SELECT name, currency, balance FROM ledger_account WHERE (name > $1 OR (name = $1 AND currency > $2))`+cond+` ORDER BY name, currency LIMIT $3`, args...)
}

// Balance is what an account holds; 0 when nothing was ever posted to it.
func Balance(ctx context.Context, tx *Tx, account string, currency money.Currency) (money.Amount, error) {
	var b money.Amount
	err := noRow(tx.QueryRow(ctx, `SELECT balance FROM ledger_account WHERE name = $1 AND currency = $2`, account, currency).Scan(&b))
	if errors.Is(err, ErrNoRow) {
		return 0, nil
	}
	return b, err
}

// CheckLedger recomputes every balance from the entries and every transaction's
// sum; it gives one line per thing that does not agree.
func CheckLedger(ctx context.Context, tx *Tx) ([]string, error) {
	line := func(r *sql.Rows, s *string) error { return r.Scan(s) }
	bad, err := collect(ctx, tx, line, `SELECT 'transaction ' || transaction_id || ' does not balance' FROM ledger_entry GROUP BY transaction_id HAVING SUM(amount) <> 0`)
	if err != nil {
		return nil, err
	}
	off, err := collect(ctx, tx, line, `SELECT 'account ' || a.name || ' ' || a.currency || ' differs from its entries' FROM ledger_account a
		WHERE a.balance <> COALESCE((SELECT SUM(e.amount) FROM ledger_entry e JOIN ledger_transaction t ON t.id = e.transaction_id WHERE e.account = a.name AND t.currency = a.currency), 0)`)
	return append(bad, off...), err
}

// Posting is one ledger transaction with its entries, for explorers and checks.
type Posting struct {
	ID, Kind, Ref, Currency string
	At                      time.Time
	Account                 string
	Amount                  money.Amount
}

// PostingsOf lists the entries of all transactions with a reference, oldest first.
func PostingsOf(ctx context.Context, tx *Tx, ref string) ([]Posting, error) {
	return collect(ctx, tx, func(r *sql.Rows, p *Posting) error {
		var at int64
		err := r.Scan(&p.ID, &p.Kind, &p.Ref, &p.Currency, &at, &p.Account, &p.Amount)
		p.At = clock.FromMicros(at)
		return err
	}, `SELECT t.id, t.kind, t.ref, t.currency, t.posted_at, e.account, e.amount FROM ledger_transaction t JOIN ledger_entry e ON e.transaction_id = t.id WHERE t.ref = $1 ORDER BY t.posted_at, t.id, e.number`, ref)
}

// TopUp is a request to bring money in, decided by a second person. // spec: 01 §9
type TopUp struct {
	ID, CompanyID           string
	Currency                money.Currency
	Amount                  money.Amount
	State                   string // REQUESTED, POSTED, REFUSED
	RequestedBy, ApprovedBy string
	CreatedAt, DecidedAt    time.Time
}

// InsertTopUp adds a top-up.
func InsertTopUp(ctx context.Context, tx *Tx, t TopUp) error {
	_, err := tx.Exec(ctx, `INSERT INTO top_up (id, company_id, currency, amount, state, requested_by, approved_by, created_at, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		t.ID, t.CompanyID, t.Currency, t.Amount, t.State, t.RequestedBy, t.ApprovedBy, clock.Micros(t.CreatedAt), clock.Micros(t.DecidedAt))
	return err
}

// LockTopUp reads a top-up for a decision.
func LockTopUp(ctx context.Context, tx *Tx, id string) (TopUp, error) {
	var t TopUp
	if err := mustOne(tx.Exec(ctx, `UPDATE top_up SET state = state WHERE id = $1`, id)); err != nil {
		return t, err
	}
	var created, decided int64
	err := tx.QueryRow(ctx, `SELECT id, company_id, currency, amount, state, requested_by, approved_by, created_at, decided_at FROM top_up WHERE id = $1`, id).
		Scan(&t.ID, &t.CompanyID, &t.Currency, &t.Amount, &t.State, &t.RequestedBy, &t.ApprovedBy, &created, &decided)
	t.CreatedAt, t.DecidedAt = clock.FromMicros(created), clock.FromMicros(decided)
	return t, noRow(err)
}

// DecideTopUp writes the decision.
func DecideTopUp(ctx context.Context, tx *Tx, id, state, by string, at time.Time) error {
	return mustOne(tx.Exec(ctx, `UPDATE top_up SET state = $1, approved_by = $2, decided_at = $3 WHERE id = $4 AND state = 'REQUESTED'`, state, by, clock.Micros(at), id))
}

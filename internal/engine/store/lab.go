package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/ident"
)

// LabCase is a saved debugging case. // spec: 10 §8.1, 11 §7
type LabCase struct {
	ID, SellerID, Address, Scenario, Variant string
	Form                                     map[string]string
	Passed                                   bool // at its last run
	RunID                                    string
	RunAt                                    time.Time // wire clock
	CreatedBy                                string
	CreatedAt                                time.Time
}

const labCaseColumns = `id, seller_id, address, scenario, variant, form, passed, run_id, run_at, created_by, created_at`

func scanLabCase(r row, c *LabCase) error {
	var form string
	var run, created int64
	if err := r.Scan(&c.ID, &c.SellerID, &c.Address, &c.Scenario, &c.Variant, &form, &c.Passed, &c.RunID, &run, &c.CreatedBy, &created); err != nil {
		return err
	}
	c.RunAt, c.CreatedAt = clock.FromMicros(run), clock.FromMicros(created)
	return json.Unmarshal([]byte(form), &c.Form)
}

// PutLabCase saves a case; one of the same scenario and variant at the address is replaced and keeps its id.
func PutLabCase(ctx context.Context, tx *Tx, c *LabCase) error {
	form, err := json.Marshal(c.Form)
	if err != nil {
		return err
	}
	return tx.QueryRow(ctx, `INSERT INTO lab_case (`+labCaseColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (seller_id, address, scenario, variant) DO UPDATE SET form = excluded.form, passed = excluded.passed, run_id = excluded.run_id, run_at = excluded.run_at,
			created_by = excluded.created_by, created_at = excluded.created_at RETURNING id`,
		c.ID, c.SellerID, c.Address, c.Scenario, c.Variant, string(form), c.Passed, c.RunID, clock.Micros(c.RunAt), c.CreatedBy, clock.Micros(c.CreatedAt)).Scan(&c.ID)
}

// LabCases lists a seller's cases by address and scenario; address "" is all.
func LabCases(ctx context.Context, tx *Tx, seller, address string) ([]LabCase, error) {
	return collect(ctx, tx, func(r *sql.Rows, c *LabCase) error { return scanLabCase(r, c) },
		`SELECT `+labCaseColumns+` FROM lab_case WHERE seller_id = $1 AND ($2 = '' OR address = $2) ORDER BY address, scenario, variant, id`, seller, address)
}

// LabCaseByID reads one of a seller's cases.
func LabCaseByID(ctx context.Context, tx *Tx, seller, id string) (LabCase, error) {
	var c LabCase
	err := scanLabCase(tx.QueryRow(ctx, `SELECT `+labCaseColumns+` FROM lab_case WHERE id = $1 AND seller_id = $2`, id, seller), &c)
	return c, noRow(err)
}

// DeleteLabCase forgets a case.
func DeleteLabCase(ctx context.Context, tx *Tx, seller, id string) error {
	return mustOne(tx.Exec(ctx, `DELETE FROM lab_case WHERE id = $1 AND seller_id = $2`, id, seller))
}

// NoteLabCase stores what the last run of a case gave.
func NoteLabCase(ctx context.Context, tx *Tx, id string, passed bool, run string, at time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE lab_case SET passed = $1, run_id = $2, run_at = $3 WHERE id = $4`, passed, run, clock.Micros(at), id)
	return err
}

// AnyLabCase tells whether there is anything to probe.
func AnyLabCase(ctx context.Context, tx *Tx) (any bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM lab_case)`).Scan(&any)
	return any, err
}

// LabRun is one call of the lab with the bytes of both sides, secrets masked.
type LabRun struct {
	ID, SellerID, ProductID, CaseID, Address, Scenario string
	Occasion                                           string
	Passed                                             bool
	Reason, Field, Detail                              string // spec: 10 §8.3
	Warnings                                           []string
	HTTPStatus                                         int
	ResultCode, ResultMsg                              string
	InstanceID, OrderID                                string
	StartedAt                                          time.Time // wire clock
	Duration                                           time.Duration
	Request, Response                                  []byte
}

const labRunMeta = `id, seller_id, product_id, case_id, address, scenario, occasion, passed, reason, field, detail, warnings, http_status, result_code, result_msg, instance_id, order_id, started_at, duration_us`

func scanLabRun(r row, v *LabRun, bytes bool) error {
	var started, took int64
	var warnings string
	to := []any{&v.ID, &v.SellerID, &v.ProductID, &v.CaseID, &v.Address, &v.Scenario, &v.Occasion, &v.Passed, &v.Reason, &v.Field, &v.Detail, &warnings, &v.HTTPStatus, &v.ResultCode, &v.ResultMsg,
		&v.InstanceID, &v.OrderID, &started, &took}
	if bytes {
		to = append(to, &v.Request, &v.Response)
	}
	if err := r.Scan(to...); err != nil {
		return err
	}
	v.StartedAt, v.Duration = clock.FromMicros(started), time.Duration(took)*time.Microsecond
	return json.Unmarshal([]byte(warnings), &v.Warnings)
}

// InsertLabRun stores a call of the lab.
func InsertLabRun(ctx context.Context, tx *Tx, v *LabRun) error {
	warnings, err := json.Marshal(v.Warnings)
	if err != nil {
		return err
	}
	if v.Response == nil {
		v.Response = []byte{}
	}
	_, err = tx.Exec(ctx, `INSERT INTO lab_run (`+labRunMeta+`, request, response) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
		v.ID, v.SellerID, v.ProductID, v.CaseID, v.Address, v.Scenario, v.Occasion, v.Passed, v.Reason, v.Field, v.Detail, string(warnings), v.HTTPStatus, v.ResultCode, v.ResultMsg,
		v.InstanceID, v.OrderID, clock.Micros(v.StartedAt), v.Duration.Microseconds(), v.Request, v.Response)
	return err
}

// LabRunByID reads one of a seller's runs with its bytes.
func LabRunByID(ctx context.Context, tx *Tx, seller, id string) (LabRun, error) {
	var v LabRun
	err := scanLabRun(tx.QueryRow(ctx, `SELECT `+labRunMeta+`, request, response FROM lab_run WHERE id = $1 AND seller_id = $2`, id, seller), &v, true)
	return v, noRow(err)
}

// LabRunFilter narrows a list of runs; empty members do not.
type LabRunFilter struct{ CaseID, Scenario, Occasion, ProductID string }

// LabRuns lists a seller's runs without their bytes, newest first, before a mark.
func LabRuns(ctx context.Context, tx *Tx, seller string, f LabRunFilter, mark string, limit int) ([]LabRun, error) {
	args, cond := []any{seller}, ""
	add := func(column, op, value string) {
		if value != "" {
			args = append(args, value)
			cond += fmt.Sprintf(" AND %s %s $%d", column, op, len(args))
		}
	}
	add("case_id", "=", f.CaseID)
	add("scenario", "=", f.Scenario)
	add("occasion", "=", f.Occasion)
	add("product_id", "=", f.ProductID)
	add("id", "<", mark)
	args = append(args, limit)
	return collect(ctx, tx, func(r *sql.Rows, v *LabRun) error { return scanLabRun(r, v, false) },
		fmt.Sprintf(`SELECT `+labRunMeta+` FROM lab_run WHERE seller_id = $1%s ORDER BY id DESC LIMIT $%d`, cond, len(args)), args...)
}

// LastInstance is the newest instance that a call of the lab made at an address, and the
// order it was made for; "" when none was.
func LastInstance(ctx context.Context, tx *Tx, seller, address string) (instance, order string, err error) {
	err = noRow(tx.QueryRow(ctx, `SELECT instance_id, order_id FROM lab_run WHERE seller_id = $1 AND address = $2 AND instance_id <> '' ORDER BY id DESC LIMIT 1`, seller, address).Scan(&instance, &order))
	if err == ErrNoRow {
		return "", "", nil
	}
	return instance, order, err
}

// PruneLabRuns drops the runs before an instant that no saved case shows.
func PruneLabRuns(ctx context.Context, tx *Tx, before time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM lab_run WHERE id < $1 AND NOT EXISTS (SELECT 1 FROM lab_case c WHERE c.run_id = lab_run.id)`, ident.RowFloor(before))
	return err
}

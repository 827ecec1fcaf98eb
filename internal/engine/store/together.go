package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/ground/clock"
)

// What is read or written for many things at once. The number of placeholders is a power
// of two, so that a handful of texts serves every number.

// in appends values to args and gives their placeholders; the last one fills the rest up.
func in(args []any, values []string) (string, []any) {
	n := 1
	for n < len(values) {
		n *= 2
	}
	first := len(args) + 1
	for i := range n {
		v := ""
		if len(values) > 0 {
			v = values[min(i, len(values)-1)]
		}
		args = append(args, v)
	}
	return text("", first, n, n), args
}

// texts keeps the placeholders made so far: a few dozen.
var texts sync.Map

// text is what stands before placeholders, and n of them in rows of a width.
func text(before string, first, n, width int) string {
	type key struct {
		before          string
		first, n, width int
	}
	k := key{before, first, n, width}
	if t, ok := texts.Load(k); ok {
		return t.(string)
	}
	var b strings.Builder
	b.WriteString(before)
	for i := range n {
		switch {
		case i == 0:
		case i%width == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	if before != "" {
		b.WriteString(")")
	}
	texts.Store(k, b.String())
	return b.String()
}

// maxRows bounds the rows of one insert.
const maxRows = 16

// insertRows inserts rows of equal width, as many in a statement as a power of two allows.
func insertRows(ctx context.Context, tx *Tx, into string, width int, values []any) error {
	for rows := len(values) / width; rows > 0; {
		n := 1
		for n*2 <= min(rows, maxRows) {
			n *= 2
		}
		if _, err := tx.Exec(ctx, text(into+" VALUES (", 1, n*width, width), values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
		rows -= n
	}
	return nil
}

// locking is what makes a query lock the rows that it reads. SQLite has one writer, who
// needs no more. Beside a bulk insert and the claim of jobs it is what differs by engine.
func locking(tx *Tx, how string) string {
	if tx.Engine() == database.Postgres {
		return " FOR UPDATE" + how
	}
	return ""
}

var soldColumns = prefixed("i", instanceColumns)

// LockSold takes the rows of instances for this transaction and reads them, by id, with the
// names under which they were sold. Unlike LockInstance it does not count as a change.
func LockSold(ctx context.Context, tx *Tx, ids []string) (insts map[string]*instance.Instance, names map[string]string, err error) {
	marks, args := in(nil, ids)
	insts, names = make(map[string]*instance.Instance, len(ids)), make(map[string]string, len(ids))
	_, err = collect(ctx, tx, func(r *sql.Rows, _ *struct{}) error {
		var i instance.Instance
		var name string
		err := scanInstance(wider{r, []any{&name}}, &i)
		insts[i.ID], names[i.ID] = &i, name
		return err
	}, `SELECT `+soldColumns+`, l.product_name FROM instance i JOIN order_line l ON l.id = i.order_line_id WHERE i.id IN (`+marks+`) ORDER BY i.id`+locking(tx, " OF i"), args...)
	return insts, names, err
}

// InstancesOf reads instances by id.
func InstancesOf(ctx context.Context, tx *Tx, ids []string) (map[string]*instance.Instance, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	marks, args := in(nil, ids)
	all, err := collect(ctx, tx, func(r *sql.Rows, i *instance.Instance) error { return scanInstance(r, i) },
		`SELECT `+instanceColumns+` FROM instance WHERE id IN (`+marks+`)`, args...)
	out := make(map[string]*instance.Instance, len(all))
	for n := range all {
		out[all[n].ID] = &all[n]
	}
	return out, err
}

// MoveInstances is SaveInstanceOf for instances of which status, reason and reasons to be
// frozen have changed, alike for all, and nothing else.
func MoveInstances(ctx context.Context, tx *Tx, is []*instance.Instance) error {
	ids := make([]string, len(is))
	for n, i := range is {
		if err := i.CheckMove(); err != nil {
			return err
		}
		ids[n] = i.ID
	}
	marks, args := in([]any{is[0].Status, is[0].Reason, is[0].ReasonsText()}, ids)
	n, err := tx.Exec(ctx, `UPDATE instance SET status = $1, reason = $2, freeze_reasons = $3, version = version + 1 WHERE id IN (`+marks+`)`, args...)
	if err == nil && int(n) != len(is) {
		err = ErrNoRow
	}
	return err
}

// CompaniesOf reads companies by id.
func CompaniesOf(ctx context.Context, tx *Tx, ids []string) (map[string]party.Company, error) {
	marks, args := in(nil, ids)
	all, err := collect(ctx, tx, func(r *sql.Rows, c *party.Company) error { return scanCompany(r, c) },
		`SELECT `+companyColumns+` FROM company WHERE id IN (`+marks+`)`, args...)
	out := make(map[string]party.Company, len(all))
	for _, c := range all {
		out[c.ID] = c
	}
	return out, err
}

// PeriodStarts gives when the terms of instances begin that are in a state, in order.
func PeriodStarts(ctx context.Context, tx *Tx, state string, instances []string) (map[string][]time.Time, error) {
	marks, args := in([]any{state}, instances)
	type one struct {
		id string
		at int64
	}
	all, err := collect(ctx, tx, func(r *sql.Rows, o *one) error { return r.Scan(&o.id, &o.at) },
		`SELECT instance_id, starts_at FROM period WHERE state = $1 AND instance_id IN (`+marks+`) ORDER BY starts_at, order_line_id`, args...)
	out := map[string][]time.Time{}
	for _, o := range all {
		out[o.id] = append(out[o.id], clock.FromMicros(o.at))
	}
	return out, err
}

// ProductsOfOrders gives the products that orders are of.
func ProductsOfOrders(ctx context.Context, tx *Tx, orders []string) (map[string]string, error) {
	marks, args := in(nil, orders)
	return pairs(ctx, tx, `SELECT id, product_id FROM orders WHERE id IN (`+marks+`)`, args...)
}

// StillUnpaid gives those of some orders that wait for their payment.
func StillUnpaid(ctx context.Context, tx *Tx, orders []string) (map[string]bool, error) {
	marks, args := in(nil, orders)
	all, err := collect(ctx, tx, func(r *sql.Rows, s *string) error { return r.Scan(s) },
		`SELECT id FROM orders WHERE id IN (`+marks+`) AND status = 'PENDING_PAYMENT'`, args...)
	out := make(map[string]bool, len(all))
	for _, id := range all {
		out[id] = true
	}
	return out, err
}

func pairs(ctx context.Context, tx *Tx, query string, args ...any) (map[string]string, error) {
	type pair struct{ k, v string }
	all, err := collect(ctx, tx, func(r *sql.Rows, p *pair) error { return r.Scan(&p.k, &p.v) }, query, args...)
	out := make(map[string]string, len(all))
	for _, p := range all {
		out[p.k] = p.v
	}
	return out, err
}

// InsertNotices adds notices in the transaction of what they tell.
func InsertNotices(ctx context.Context, tx *Tx, ns []Notice) error {
	const width = 8
	values := make([]any, 0, width*len(ns))
	for _, n := range ns {
		values = append(values, n.ID, n.CompanyID, n.Kind, n.OrderID, n.AttemptID, n.ProductID, n.Params, clock.Micros(n.CreatedAt))
	}
	return insertRows(ctx, tx, `INSERT INTO notice (`+noticeColumns+`)`, width, values)
}

// Told is whom the notices of a company may go to.
type Told struct {
	Members   []ToldMember
	Receivers map[string][]Addressee // by kind
}

// ToldMember is a member with what it chose.
type ToldMember struct {
	Addressee
	Limited bool                     // to some products
	Choices map[string]notice.Choice // by kind
}

// ToldOf finds the people with a proved address of companies that are not the operators',
// and the receivers, for some kinds of notice.
func ToldOf(ctx context.Context, tx *Tx, companies, kinds []string) (map[string]*Told, error) {
	out := map[string]*Told{}
	of := func(company string) *Told {
		if out[company] == nil {
			out[company] = &Told{Receivers: map[string][]Addressee{}}
		}
		return out[company]
	}
	km, args := in(nil, kinds)
	cm, args := in(args, companies)
	rows, err := tx.Query(ctx, `SELECT m.company_id, p.id, `+proved+`, p.limited, m.role, COALESCE(c.kind, ''), COALESCE(c.channel, ''), COALESCE(c.wanted, FALSE)
		FROM member m JOIN person p ON p.id = m.person_id LEFT JOIN message_choice c ON c.person_id = p.id AND c.kind IN (`+km+`)
		WHERE m.company_id IN (`+cm+`) AND p.disabled_at = 0 AND (p.email_verified_at > 0 OR p.mobile_verified_at > 0)
		ORDER BY m.company_id, p.id, m.role`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var a ToldMember
		var company, role, kind, channel string
		var wanted bool
		if err := rows.Scan(&company, &a.ID, &a.Email, &a.Mobile, &a.Language, &a.Limited, &role, &kind, &channel, &wanted); err != nil {
			return nil, err
		}
		t := of(company)
		if len(t.Members) == 0 || t.Members[len(t.Members)-1].ID != a.ID {
			a.Choices = map[string]notice.Choice{}
			t.Members = append(t.Members, a)
		}
		last := &t.Members[len(t.Members)-1]
		if !slices.Contains(last.Roles, role) {
			last.Roles = append(last.Roles, role)
		}
		if channel != "" {
			if last.Choices[kind] == nil {
				last.Choices[kind] = notice.Choice{}
			}
			last.Choices[kind][notice.Channel(channel)] = wanted
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	receivers, err := tx.Query(ctx, `SELECT p.company_id, p.id, `+proved+`, s.kind, s.channel FROM message_receiver p JOIN message_subscription s ON s.receiver_id = p.id
		WHERE s.kind IN (`+km+`) AND p.company_id IN (`+cm+`) ORDER BY p.company_id, p.id, s.kind, s.channel`, args...)
	if err != nil {
		return nil, err
	}
	defer receivers.Close()
	for receivers.Next() {
		var a Addressee
		var company, kind, channel string
		if err := receivers.Scan(&company, &a.ID, &a.Email, &a.Mobile, &a.Language, &kind, &channel); err != nil {
			return nil, err
		}
		all := of(company).Receivers[kind]
		if len(all) == 0 || all[len(all)-1].ID != a.ID {
			a.Choice = notice.Choice{}
			all = append(all, a)
		}
		all[len(all)-1].Choice[notice.Channel(channel)] = true
		of(company).Receivers[kind] = all
	}
	return out, receivers.Err()
}

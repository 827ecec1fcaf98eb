package bench

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/trade"
)

// specimen is what the program wrote for one order, as statements that write the
// same rows again under new ids. So a ceiling writes the very tables, columns and
// sizes that the work wrote, whatever the schema becomes.
type specimen struct {
	order            string // its id
	place, pay       []op   // the two transactions of an order
	record, conclude []op   // the two of its delivery; nil when it was not delivered
	ids              []id
}

// id is a key of the specimen that every copy has anew.
type id struct {
	old  string
	kind idKind
}

type idKind int

const (
	rowKey    idKind = iota // UUID v7
	orderKey                // CS…
	buyerKey                // one of the pool
	sellerKey               // one of the pool
)

// op is a statement whose arguments are the specimen's, except where slots say.
type op struct {
	query string
	args  []any
	slots []slot
}

// slot is where a key of the specimen stands in an argument.
type slot struct {
	arg, id       int
	before, after string
	lower         bool
}

// fresh are the keys of one copy, by the index of id.
type fresh []string

// row is a row of a table as the driver gives it.
type row struct {
	table string
	cols  []string
	vals  []any
}

func (r row) at(col string) int { return slices.Index(r.cols, col) }

// with gives a copy with other values: how the row was when it was inserted.
func (r row) with(pairs ...any) row {
	r.vals = slices.Clone(r.vals)
	for i := 0; i < len(pairs); i += 2 {
		r.vals[r.at(pairs[i].(string))] = pairs[i+1]
	}
	return r
}

// readRows reads whole rows.
func readRows(ctx context.Context, db *sql.DB, table, where string, args ...any) ([]row, error) {
	rs, err := db.QueryContext(ctx, "SELECT * FROM "+table+" WHERE "+where, args...)
	if err != nil {
		return nil, err
	}
	defer rs.Close()
	cols, err := rs.Columns()
	if err != nil {
		return nil, err
	}
	var out []row
	for rs.Next() {
		r := row{table: table, cols: cols, vals: make([]any, len(cols))}
		to := make([]any, len(cols))
		for i := range to {
			to[i] = &r.vals[i]
		}
		if err := rs.Scan(to...); err != nil {
			return nil, err
		}
		for i, v := range r.vals {
			if b, ok := v.([]byte); ok {
				r.vals[i] = slices.Clone(b)
			}
		}
		out = append(out, r)
	}
	return out, rs.Err()
}

// read takes one order of the world as the specimen. key is the Idempotency-Key it
// was placed with, "" for none.
func (w *world) specimen(ctx context.Context, order, key string) (*specimen, error) {
	db, err := open(w.url, 1)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var failed error
	some := func(table, where string, args ...any) []row {
		rs, err := readRows(ctx, db, table, where, args...)
		if err != nil && failed == nil {
			failed = err
		}
		return rs
	}
	one := func(table, where string, args ...any) row {
		rs := some(table, where, args...)
		if len(rs) != 1 && failed == nil {
			failed = fmt.Errorf("order %s has %d rows in %s where %s", order, len(rs), table, where)
		}
		if failed != nil {
			return row{}
		}
		return rs[0]
	}
	o := one("orders", "id = $1", order)
	line := one("order_line", "order_id = $1", order)
	inst := one("instance", "order_id = $1", order)
	deadline := one("job", "order_id = $1 AND kind = $2", order, trade.JobPayDeadline)
	create := one("job", "order_id = $1 AND kind = $2", order, string(delivery.Create))
	// Audit rows get their place in the chain later, in bulk: that is left out.
	unsealed := func(r row) row { return r.with("seq", int64(0), "previous", "", "hash", "") }
	hold := one("ledger_transaction", "kind = 'hold' AND ref = $1", order)
	placed := one("audit", "noun_id = $1 AND action = 'order.place'", order)
	paid := one("audit", "noun_id = $1 AND action = 'order.pay'", order)
	if failed != nil {
		return nil, failed
	}
	holds := some("ledger_entry", "transaction_id = $1 ORDER BY number", hold.vals[hold.at("id")])
	s := &specimen{order: order}
	s.key(rowKey, inst.vals[inst.at("id")])
	if len(holds) == 0 {
		return nil, fmt.Errorf("order %s was paid without a posting", order)
	}
	for _, r := range []row{deadline, create, hold, placed, paid} {
		s.key(rowKey, r.vals[r.at("id")])
	}
	s.key(orderKey, order)
	s.key(buyerKey, o.vals[o.at("buyer_id")])
	s.key(sellerKey, o.vals[o.at("seller_id")])
	s.place = []op{
		s.insert(o.with("status", "PENDING_PAYMENT", "amount_paid", int64(0), "paid_at", int64(0), "completed_at", int64(0))),
		s.insert(line.with("status", "PENDING", "instance_id", "", "amount_paid", int64(0), "first_business_id", "", "effective_at", int64(0), "expire_at", int64(0))),
		s.insert(deadline), s.insert(unsealed(placed)),
	}
	s.pay = append(s.post(hold, holds),
		s.insert(inst.with("status", "CREATING", "seller_instance_id", "", "entry_sealed", "", "effective_at", int64(0), "expire_at", int64(0))),
		s.update(line, "id", "amount_paid", "instance_id", "status", "announced_expiry", "effective_at", "expire_at"),
		s.insert(create.with("state", "queued", "attempts", int64(0), "tries", int64(0), "lease_owner", "", "lease_until", int64(0), "finished_at", int64(0))),
		s.update(o, "id", "status", "amount_paid", "reason", "possibly_orphaned", "paid_at", "completed_at"),
		s.insert(unsealed(paid)))
	if key != "" {
		first, second := one("idempotency", "key = $1", key), one("idempotency", "key = $1", key+"p")
		if failed != nil {
			return nil, failed
		}
		s.key(rowKey, key) // a UUID; the second key is the same with a p
		s.place = append(s.place, s.insert(first))
		s.pay = append(s.pay, s.insert(second))
	}
	if inst.vals[inst.at("status")] == "ACTIVE" {
		if err := s.delivered(some, one, o, line, inst, create); err != nil {
			return nil, err
		}
	}
	return s, failed
}

// delivered adds what a V1 delivery wrote. The claim stands in the transaction that
// records the attempt, though the program commits it on its own: the ceiling has
// fewer commits, never more.
func (s *specimen) delivered(some func(string, string, ...any) []row, one func(string, string, ...any) row, o, line, inst, create row) error {
	lineID := line.vals[line.at("id")]
	attempts := some("attempt", "order_line_id = $1 ORDER BY id", lineID)
	period := one("period", "order_line_id = $1", lineID)
	expire := one("job", "order_line_id = $1 AND kind = $2", lineID, trade.JobTerm)
	capture := one("ledger_transaction", "kind = 'capture' AND ref = $1", lineID)
	notice := one("notice", "order_id = $1", o.vals[o.at("id")])
	if len(attempts) != 1 || capture.table == "" || notice.table == "" || period.table == "" || expire.table == "" {
		return fmt.Errorf("order %v was not delivered by one call", o.vals[o.at("id")])
	}
	attempt := attempts[0]
	captures := some("ledger_entry", "transaction_id = $1 ORDER BY number", capture.vals[capture.at("id")])
	if len(captures) == 0 {
		return fmt.Errorf("order %v was delivered without a posting", o.vals[o.at("id")])
	}
	for _, r := range []row{attempt, expire, capture, notice} {
		s.key(rowKey, r.vals[r.at("id")])
	}
	business := row{table: "order_line", cols: line.cols, vals: line.vals}
	s.record = []op{
		s.update(create.with("state", "running", "lease_owner", ident.UUID(), "lease_until", time.Now().UnixMicro()), "id", "state", "lease_owner", "lease_until"),
		s.update(create, "id", "attempts"),
		s.update(business, "id", "first_business_id"),
		s.insert(attempt.with("state", "running", "http_status", int64(0), "result_code", "", "result_msg", "", "duration_us", int64(0), "response", []byte{})),
	}
	s.conclude = []op{s.insert(period), s.insert(expire)}
	s.conclude = append(s.conclude, s.post(capture, captures)...)
	s.conclude = append(s.conclude,
		s.update(inst, "id", "status", "reason", "freeze_reasons", "seller_instance_id", "id_substitute", "entry_sealed", "effective_at", "expire_at", "quantity", "offer_id", "sku_code"),
		s.update(line, "id", "amount_paid", "instance_id", "status", "announced_expiry", "effective_at", "expire_at"),
		s.insert(notice),
		s.update(o, "id", "status", "amount_paid", "reason", "possibly_orphaned", "paid_at", "completed_at"),
		s.update(create, "id", "state", "outcome", "tries", "finished_at", "lease_owner", "lease_until", "occasion"),
		s.update(attempt, "id", "state", "http_status", "result_code", "result_msg", "reason", "detail", "duration_us", "next_at", "request", "response"))
	return nil
}

func (s *specimen) key(kind idKind, old any) {
	if text, ok := old.(string); ok && text != "" {
		s.ids = append(s.ids, id{text, kind})
	}
}

// own are the specimen's own keys.
func (s *specimen) own() fresh {
	f := make(fresh, len(s.ids))
	for i, k := range s.ids {
		f[i] = k.old
	}
	return f
}

// as is the specimen in one of its copies, whose rows are read by it from then on.
func (s *specimen) as(f fresh) *specimen {
	out := &specimen{}
	for i, k := range s.ids {
		out.ids = append(out.ids, id{f[i], k.kind})
		if k.kind == orderKey {
			out.order = f[i]
		}
	}
	return out
}

// find notes where a key of the specimen stands in the last argument of p.
func (s *specimen) find(p *op) {
	n := len(p.args) - 1
	text, ok := p.args[n].(string)
	if !ok {
		return
	}
	for i, k := range s.ids {
		if before, after, ok := strings.Cut(text, k.old); ok {
			p.slots = append(p.slots, slot{arg: n, id: i, before: before, after: after})
			return
		}
		if before, after, ok := strings.Cut(text, strings.ToLower(k.old)); ok && k.kind == orderKey {
			p.slots = append(p.slots, slot{arg: n, id: i, before: before, after: after, lower: true})
			return
		}
	}
}

func (s *specimen) insert(r row) op {
	var p op
	var marks []string
	for i, v := range r.vals {
		p.args = append(p.args, v)
		s.find(&p)
		marks = append(marks, fmt.Sprintf("$%d", i+1))
	}
	p.query = "INSERT INTO " + r.table + " (" + strings.Join(r.cols, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	return p
}

func (s *specimen) update(r row, key string, cols ...string) op {
	var p op
	var sets []string
	for i, c := range append(slices.Clone(cols), key) {
		p.args = append(p.args, r.vals[r.at(c)])
		s.find(&p)
		if c != key {
			sets = append(sets, fmt.Sprintf("%s = $%d", c, i+1))
		}
	}
	p.query = fmt.Sprintf("UPDATE %s SET %s WHERE %s = $%d", r.table, strings.Join(sets, ", "), key, len(p.args))
	return p
}

// post writes a ledger transaction and moves its balances, the rows of a table in
// one statement, as the program does.
func (s *specimen) post(t row, entries []row) []op {
	var lines, balances op
	var lineMarks, balanceMarks []string
	add := func(p *op, vals ...any) string {
		var marks []string
		for _, v := range vals {
			p.args = append(p.args, v)
			s.find(p)
			marks = append(marks, fmt.Sprintf("$%d", len(p.args)))
		}
		return "(" + strings.Join(marks, ", ") + ")"
	}
	for _, e := range entries {
		lineMarks = append(lineMarks, add(&lines, e.vals...))
	}
	byAccount := slices.Clone(entries)
	slices.SortStableFunc(byAccount, func(a, b row) int {
		return strings.Compare(a.vals[a.at("account")].(string), b.vals[b.at("account")].(string))
	})
	for _, e := range byAccount {
		balanceMarks = append(balanceMarks, add(&balances, e.vals[e.at("account")], t.vals[t.at("currency")], e.vals[e.at("amount")]))
	}
	lines.query = "INSERT INTO ledger_entry (" + strings.Join(entries[0].cols, ", ") + ") VALUES " + strings.Join(lineMarks, ", ")
	balances.query = "INSERT INTO ledger_account (name, currency, balance) VALUES " + strings.Join(balanceMarks, ", ") +
		" ON CONFLICT (name, currency) DO UPDATE SET balance = ledger_account.balance + excluded.balance"
	return []op{s.insert(t), lines, balances}
}

// copies makes the keys of n copies, spread over the buyers and sellers given, or
// over as many made-up ones.
func (s *specimen) copies(n int, buyers, sellers []string) []fresh {
	pool := func(given []string, size int) []string {
		for len(given) < size {
			given = append(given, ident.Company())
		}
		return given
	}
	buyers, sellers = pool(buyers, buyersTotal), pool(sellers, sellersTotal)
	out := make([]fresh, n)
	now := time.Now()
	for i := range out {
		f := make(fresh, len(s.ids))
		for j, k := range s.ids {
			switch k.kind {
			case orderKey:
				f[j] = copyOrder(now, int(copied.Add(1)))
			case buyerKey:
				f[j] = buyers[i%len(buyers)]
			case sellerKey:
				f[j] = sellers[i%len(sellers)]
			default:
				f[j] = ident.Row(now)
			}
		}
		out[i] = f
	}
	return out
}

// copied numbers the copies of all specimens: several may go into one database.
var copied atomic.Int64

// copyOrder is the id of the n-th copy: as scattered as drawn ones, never twice.
func copyOrder(now time.Time, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	k := uint32(n) * 2654435761 & (1<<25 - 1)
	b := []byte("CS" + now.UTC().Format("0601021504"))
	for range 5 {
		b = append(b, alphabet[k&31])
		k >>= 5
	}
	return string(b)
}

// bind fills a copy's keys into the arguments of a statement. The slice is reused.
func (p *op) bind(to []any, f fresh) []any {
	to = append(to[:0], p.args...)
	for _, s := range p.slots {
		key := f[s.id]
		if s.lower {
			key = strings.ToLower(key)
		}
		to[s.arg] = s.before + key + s.after
	}
	return to
}

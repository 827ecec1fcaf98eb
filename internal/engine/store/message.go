package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/clock"
)

// Notice is something one side must know, in every language: a kind and its
// parameters; pages and mails put it into words.
type Notice struct {
	ID, CompanyID, Kind, OrderID, AttemptID string
	ProductID                               string // the product it speaks of, "" for none
	Params                                  string // JSON object of texts
	CreatedAt                               time.Time
}

const noticeColumns = `id, company_id, kind, order_id, attempt_id, product_id, params, created_at`

// InsertNotice adds a notice in the transaction of what it tells.
func InsertNotice(ctx context.Context, tx *Tx, n Notice) error {
	_, err := tx.Exec(ctx, `INSERT INTO notice (`+noticeColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		n.ID, n.CompanyID, n.Kind, n.OrderID, n.AttemptID, n.ProductID, n.Params, clock.Micros(n.CreatedAt))
	return err
}

// Notices lists notices, the newest first, before one ("" for the newest): a company's own, everybody's in the scope of
// operators, and of those about a product only what a limited sub-user was given. What is addressed to the desk in hidden
// kinds is left out.
func Notices(ctx context.Context, tx *Tx, s Scope, desk string, hidden []string, before string, limit int) ([]Notice, error) {
	var c conditions
	if s.Kind != party.Operator {
		c.add("company_id = ?", s.CompanyID)
	}
	if s.Kind == party.Seller && s.PersonID != "" {
		c.add("product_id = '' OR product_id IN (SELECT g.product_id FROM product_grant g WHERE g.person_id = ?)", s.PersonID)
	}
	for _, kind := range hidden {
		c.add("NOT (company_id = ? AND kind = ?)", desk, kind)
	}
	if before != "" {
		c.add("id < ?", before)
	}
	return collect(ctx, tx, func(r *sql.Rows, n *Notice) error {
		var at int64
		err := r.Scan(&n.ID, &n.CompanyID, &n.Kind, &n.OrderID, &n.AttemptID, &n.ProductID, &n.Params, &at)
		n.CreatedAt = clock.FromMicros(at)
		return err
	}, `SELECT `+noticeColumns+` FROM notice WHERE 1 = 1`+c.text+` ORDER BY id DESC`+c.limit(limit), c.args...)
}

// ProductOfOrder is the product that an order is of, "" when there is no such order.
func ProductOfOrder(ctx context.Context, tx *Tx, order string) (product string, err error) {
	err = tx.QueryRow(ctx, `SELECT COALESCE(MIN(product_id), '') FROM orders WHERE id = $1`, order).Scan(&product)
	return product, err
}

// Addressee is who a notice may go to, with the addresses that were proved.
type Addressee struct {
	ID            string // person or message_receiver
	Email, Mobile string // "" when there is none, or nobody proved it
	Language      string
	Roles         []string // of a member
	// Choice of a member, or the channels that a receiver has for the kind.
	Choice notice.Choice
}

// proved are the columns of addresses, empty where nobody proved them.
const proved = `CASE WHEN p.email_verified_at > 0 THEN p.email ELSE '' END, CASE WHEN p.mobile_verified_at > 0 THEN p.mobile ELSE '' END, p.language`

// NoticeMembers finds the people of a company, or of all operators, with a proved address, and what each chose for a kind
// of notice. One about a product leaves out who is limited to others.
func NoticeMembers(ctx context.Context, tx *Tx, audience party.Kind, company, kind, product string) ([]Addressee, error) {
	in, args := `m.company_id = $3`, []any{kind, product, company}
	if audience == party.Operator {
		in, args = `m.company_id IN (SELECT id FROM company WHERE kind = 'operator')`, args[:2]
	}
	rows, err := tx.Query(ctx, `SELECT p.id, `+proved+`, m.role, COALESCE(c.channel, ''), COALESCE(c.wanted, FALSE)
		FROM member m JOIN person p ON p.id = m.person_id LEFT JOIN message_choice c ON c.person_id = p.id AND c.kind = $1
		WHERE `+in+` AND p.disabled_at = 0 AND (p.email_verified_at > 0 OR p.mobile_verified_at > 0)
		AND (NOT p.limited OR $2 = '' OR $2 IN (SELECT g.product_id FROM product_grant g WHERE g.person_id = p.id))
		ORDER BY p.id, m.role`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Addressee
	for rows.Next() {
		var a Addressee
		var role, channel string
		var wanted bool
		if err := rows.Scan(&a.ID, &a.Email, &a.Mobile, &a.Language, &role, &channel, &wanted); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].ID != a.ID {
			a.Choice = notice.Choice{}
			out = append(out, a)
		}
		last := &out[len(out)-1]
		last.Roles = append(last.Roles, role)
		if channel != "" {
			last.Choice[notice.Channel(channel)] = wanted
		}
	}
	return out, rows.Err()
}

// NoticeReceivers finds the receivers of a company, or of all operators, who are told of a kind.
func NoticeReceivers(ctx context.Context, tx *Tx, audience party.Kind, company, kind string) ([]Addressee, error) {
	in, args := `p.company_id = $2`, []any{kind, company}
	if audience == party.Operator {
		in, args = `p.company_id IN (SELECT id FROM company WHERE kind = 'operator')`, args[:1]
	}
	rows, err := tx.Query(ctx, `SELECT p.id, `+proved+`, s.channel FROM message_receiver p JOIN message_subscription s ON s.receiver_id = p.id
		WHERE `+in+` AND s.kind = $1 ORDER BY p.id, s.channel`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Addressee
	for rows.Next() {
		var a Addressee
		var channel string
		if err := rows.Scan(&a.ID, &a.Email, &a.Mobile, &a.Language, &channel); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].ID != a.ID {
			a.Choice = notice.Choice{}
			out = append(out, a)
		}
		out[len(out)-1].Choice[notice.Channel(channel)] = true
	}
	return out, rows.Err()
}

// Receiver is somebody a company's notices go to, member or not (消息接收人). spec: 20 A7
type Receiver struct {
	ID, CompanyID, Name, Email, Mobile, Language string
	EmailVerifiedAt, MobileVerifiedAt, CreatedAt time.Time
	// Kinds are the channels by kind of notice.
	Kinds map[string][]notice.Channel
}

const receiverColumns = `id, company_id, name, email, mobile, language, email_verified_at, mobile_verified_at, created_at`

func scanReceiver(r row, v *Receiver) error {
	var email, mobile, created int64
	err := r.Scan(&v.ID, &v.CompanyID, &v.Name, &v.Email, &v.Mobile, &v.Language, &email, &mobile, &created)
	v.EmailVerifiedAt, v.MobileVerifiedAt, v.CreatedAt = clock.FromMicros(email), clock.FromMicros(mobile), clock.FromMicros(created)
	return err
}

// SaveReceiver adds a receiver or changes one, with what it is told.
func SaveReceiver(ctx context.Context, tx *Tx, v Receiver) error {
	if _, err := tx.Exec(ctx, `INSERT INTO message_receiver (`+receiverColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email, mobile = excluded.mobile, language = excluded.language,
		email_verified_at = excluded.email_verified_at, mobile_verified_at = excluded.mobile_verified_at`,
		v.ID, v.CompanyID, v.Name, v.Email, v.Mobile, v.Language, clock.Micros(v.EmailVerifiedAt), clock.Micros(v.MobileVerifiedAt), clock.Micros(v.CreatedAt)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM message_subscription WHERE receiver_id = $1`, v.ID); err != nil {
		return err
	}
	for kind, channels := range v.Kinds {
		for _, c := range channels {
			if _, err := tx.Exec(ctx, `INSERT INTO message_subscription (receiver_id, kind, channel) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, v.ID, kind, string(c)); err != nil {
				return err
			}
		}
	}
	return nil
}

// DeleteReceiver takes a company's receiver away.
func DeleteReceiver(ctx context.Context, tx *Tx, company, id string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM message_subscription WHERE receiver_id IN (SELECT id FROM message_receiver WHERE id = $1 AND company_id = $2)`, id, company); err != nil {
		return err
	}
	return mustOne(tx.Exec(ctx, `DELETE FROM message_receiver WHERE id = $1 AND company_id = $2`, id, company))
}

// ReceiverByID reads a receiver of a company; "" of any.
func ReceiverByID(ctx context.Context, tx *Tx, company, id string) (Receiver, error) {
	var v Receiver
	if err := noRow(scanReceiver(tx.QueryRow(ctx, `SELECT `+receiverColumns+` FROM message_receiver WHERE id = $1 AND ($2 = '' OR company_id = $2)`, id, company), &v)); err != nil {
		return v, err
	}
	return v, subscriptions(ctx, tx, &v)
}

// Receivers lists a company's receivers, the oldest first.
func Receivers(ctx context.Context, tx *Tx, company string) ([]Receiver, error) {
	vs, err := collect(ctx, tx, func(r *sql.Rows, v *Receiver) error { return scanReceiver(r, v) }, `SELECT `+receiverColumns+` FROM message_receiver WHERE company_id = $1 ORDER BY id`, company)
	for i := 0; err == nil && i < len(vs); i++ {
		err = subscriptions(ctx, tx, &vs[i])
	}
	return vs, err
}

func subscriptions(ctx context.Context, tx *Tx, v *Receiver) error {
	type one struct{ kind, channel string }
	all, err := collect(ctx, tx, func(r *sql.Rows, s *one) error { return r.Scan(&s.kind, &s.channel) }, `SELECT kind, channel FROM message_subscription WHERE receiver_id = $1 ORDER BY kind, channel`, v.ID)
	v.Kinds = map[string][]notice.Channel{}
	for _, s := range all {
		v.Kinds[s.kind] = append(v.Kinds[s.kind], notice.Channel(s.channel))
	}
	return err
}

// Choices are what a member chose, by kind.
func Choices(ctx context.Context, tx *Tx, person string) (map[string]notice.Choice, error) {
	type one struct {
		kind, channel string
		wanted        bool
	}
	all, err := collect(ctx, tx, func(r *sql.Rows, o *one) error { return r.Scan(&o.kind, &o.channel, &o.wanted) },
		`SELECT kind, channel, wanted FROM message_choice WHERE person_id = $1 ORDER BY kind, channel`, person)
	out := map[string]notice.Choice{}
	for _, o := range all {
		if out[o.kind] == nil {
			out[o.kind] = notice.Choice{}
		}
		out[o.kind][notice.Channel(o.channel)] = o.wanted
	}
	return out, err
}

// SetChoices replaces what a member chose.
func SetChoices(ctx context.Context, tx *Tx, person string, all map[string]notice.Choice) error {
	if _, err := tx.Exec(ctx, `DELETE FROM message_choice WHERE person_id = $1`, person); err != nil {
		return err
	}
	for kind, choice := range all {
		for channel, wanted := range choice {
			if _, err := tx.Exec(ctx, `INSERT INTO message_choice (person_id, kind, channel, wanted) VALUES ($1, $2, $3, $4)`, person, kind, string(channel), wanted); err != nil {
				return err
			}
		}
	}
	return nil
}

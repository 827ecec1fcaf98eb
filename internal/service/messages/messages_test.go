package messages_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/messages"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/proof"
)

// world is a seller, a buyer and the operators with a person for each role, over a real outbox.
type world struct {
	*testing.T
	k       *kernel.Kernel
	m       *messages.Messages
	outbox  *mail.Outbox
	mu      sync.Mutex
	sent    []mail.Message
	last    string // what tell gave
	company map[party.Kind]string
	actor   map[string]access.Actor // by role
}

func (w *world) Send(_ context.Context, m mail.Message) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, m)
	return nil
}

func each(t *testing.T, f func(w *world)) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		ring, err := keyring.Parse(keyring.Generate())
		if err != nil {
			t.Fatal(err)
		}
		wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
		w := &world{T: t, company: map[party.Kind]string{}, actor: map[string]access.Actor{}}
		w.k = &kernel.Kernel{DB: db, Wire: wire, Clock: clock.NewBusiness(wire), Ring: ring, Log: slog.New(slog.DiscardHandler), Zone: clock.Shanghai}
		w.outbox = mail.New(db, ring, wire, map[string]mail.Sender{mail.Mail: w, mail.SMS: w}, w.k.Log)
		p := people.New(w.k, people.Options{Mail: w.outbox, Address: "https://souk.example", Limits: people.Limits{Mails: 1000, MailsToOne: 1000}})
		words := func(lang string, l messages.Letter) messages.Words {
			text := lang + " " + l.Notice.Kind + " " + l.Params["product"]
			return messages.Words{Subject: text, Mail: "mail: " + text, SMS: "sms: " + text}
		}
		w.m = messages.New(w.k, messages.Options{Outbox: w.outbox, Words: words, Address: "https://souk.example", MayCause: p.MayCauseMail, Proofs: proof.New(w.k, w.outbox, p.MayCauseMail)})
		w.must(w.k.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			for _, kind := range []party.Kind{party.Buyer, party.Seller, party.Operator} {
				c, err := p.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: kind, Name: string(kind), Email: "account@" + string(kind) + ".example", Mobile: "13800000000", Verified: true})
				if err != nil {
					return err
				}
				w.company[kind] = c.ID
				for i, role := range access.Roles[kind] {
					who, err := p.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: c.ID, Login: string(role), Name: string(role), PasswordHash: "none", Email: string(role) + "@example.com", Language: "en-US", Roles: []access.Role{role}, Verified: true})
					if err != nil {
						return err
					}
					w.actor[string(role)] = access.Actor{PersonID: who.ID, CompanyID: c.ID, CompanyKind: kind, Roles: []access.Role{role}, Limited: who.Limited}
					if i == 0 {
						if _, err := tx.Exec(ctx, `UPDATE person SET mobile = $1, mobile_verified_at = 1, limited = FALSE WHERE id = $2`, "139"+fmt.Sprintf("%08d", len(w.actor)), who.ID); err != nil {
							return err
						}
					}
				}
			}
			return nil
		}))
		f(w)
	})
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

var errUndo = errors.New("undo")

// together leaves a notice among others, gives what would go out of it, and undoes it.
func (w *world) together(company, kind string, params map[string]string) string {
	w.Helper()
	var out []string
	err := w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		note := func(company, kind string) kernel.Note {
			return kernel.Note{Notice: store.Notice{CompanyID: company, Kind: kind}, Texts: params}
		}
		ns := []kernel.Note{note(w.company[party.Buyer], "service.expired"), note(w.company[party.Seller], "product.stopped"), note(company, kind), note(kernel.OperatorDesk, "product.submitted")}
		if err := w.k.TellAll(ctx, tx, ns); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, `SELECT channel, recipient FROM mail WHERE notice_id = $1`, ns[2].ID)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var channel, to string
			if err := rows.Scan(&channel, &to); err != nil {
				return err
			}
			out = append(out, channel+" "+to)
		}
		return errors.Join(rows.Err(), errUndo)
	})
	if !errors.Is(err, errUndo) {
		w.Fatal(err)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

// tell leaves a notice and gives what went out, as "channel address", sorted. Left among
// others it has to go to the same addresses.
func (w *world) tell(company, kind string, params map[string]string) string {
	w.Helper()
	together := w.together(company, kind, params)
	defer func() { w.wants(kind+" among others", together, w.last) }()
	w.must(w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		return w.k.Tell(ctx, tx, company, kind, "", "", params)
	}))
	w.last = w.flush()
	return w.last
}

func (w *world) flush() string {
	w.Helper()
	w.sent = nil
	_, err := w.outbox.Flush(w.Context())
	w.must(err)
	var out []string
	for _, m := range w.sent {
		out = append(out, m.Channel+" "+m.To)
	}
	sort.Strings(out)
	return strings.Join(out, ", ")
}

func (w *world) save(a access.Actor, id string, in messages.NewReceiver) (v messages.Receiver, err error) {
	err = w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) (err error) {
		v, err = w.m.Save(ctx, tx, a, id, in)
		return err
	})
	return v, err
}

func (w *world) wants(what, got, want string) {
	w.Helper()
	if got != want {
		w.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

// Without receivers: the people whom the kind concerns, and what is bound to the account.
func TestANoticeGoesToWhomItConcerns(t *testing.T) {
	each(t, func(w *world) {
		w.wants("service.ready", w.tell(w.company[party.Buyer], "service.ready", nil), "mail account@buyer.example, mail buyer.owner@example.com, mail buyer.purchaser@example.com")
		w.wants("service.expired", w.tell(w.company[party.Buyer], "service.expired", nil), "mail account@buyer.example, mail buyer.owner@example.com, mail buyer.purchaser@example.com, sms 13900000001")
		w.wants("call.failed", w.tell(w.company[party.Seller], "call.failed", map[string]string{"product": "云帆"}),
			"mail account@seller.example, mail seller.administrator@example.com, mail seller.delivery@example.com, mail seller.owner@example.com, sms 13900000004")
		for _, m := range w.sent {
			lang := "en-US"
			if strings.HasPrefix(m.To, "account@") {
				lang = "" // nobody said one: the words choose
			}
			text := lang + " call.failed 云帆"
			if m.Channel == mail.Mail && (m.Text != "mail: "+text || m.Subject != text) || m.Channel == mail.SMS && m.Text != "sms: "+text {
				w.Errorf("%+v", m)
			}
		}
		w.wants("to the operators", w.tell(kernel.OperatorDesk, "product.suspended", nil), "mail operator.admin@example.com, mail operator.reviewer@example.com")
		w.wants("in-site alone", w.tell(kernel.OperatorDesk, "product.submitted", nil), "")
		w.wants("an unknown kind", w.tell(w.company[party.Buyer], "never.heard.of", nil), "")
	})
}

// What a notice puts into the outbox comes and goes with it.
func TestMailsAreInTheTransactionOfTheirNotice(t *testing.T) {
	each(t, func(w *world) {
		undone := fault.New(fault.Rule, "undone", "undone")
		err := w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			if err := w.k.Tell(ctx, tx, w.company[party.Buyer], "service.ready", "", "", nil); err != nil {
				return err
			}
			return undone
		})
		if f, ok := fault.As(err); !ok || f.Code != "undone" {
			w.Fatal(err)
		}
		w.wants("after undoing", w.flush(), "")
	})
}

// A member's choice is about that member alone; what cannot be switched off stays.
func TestWhatAMemberChose(t *testing.T) {
	each(t, func(w *world) {
		choose := func(role string, wanted map[string][]notice.Channel) error {
			return w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error { return w.m.Choose(ctx, tx, w.actor[role], wanted) })
		}
		w.must(choose("buyer.owner", map[string][]notice.Channel{"service.ready": {notice.SMS}}))
		w.must(choose("buyer.viewer", map[string][]notice.Channel{"service.ready": {notice.Site, notice.Mail, notice.SMS}}))
		w.wants("by choice", w.tell(w.company[party.Buyer], "service.ready", nil), "mail account@buyer.example, mail buyer.purchaser@example.com, mail buyer.viewer@example.com, sms 13900000001")
		list := func(role string) (kinds []string) {
			ns, err := w.m.Notices(w.Context(), w.actor[role], "", 10)
			w.must(err)
			for _, n := range ns {
				kinds = append(kinds, n.Kind)
			}
			return kinds
		}
		w.tell(w.company[party.Buyer], "order.canceled", nil)
		w.wants("in-site of the owner", fmt.Sprint(list("buyer.owner")), "[order.canceled]")
		w.wants("in-site of the purchaser", fmt.Sprint(list("buyer.purchaser")), "[order.canceled service.ready]")

		for _, bad := range []map[string][]notice.Channel{{"order.refunded": {notice.SMS}}, {"order.refunded": {notice.Site}}, {"never.heard.of": {}}, {"service.ready": {"pigeon"}}, {"call.failed": {notice.Site}}} {
			if f, ok := fault.As(choose("buyer.owner", bad)); !ok || f.Fields["kinds"] == "" {
				w.Errorf("%v was taken", bad)
			}
		}
		w.must(choose("buyer.owner", map[string][]notice.Channel{"order.refunded": {notice.Site, notice.Mail}}))
		w.wants("without SMS", w.tell(w.company[party.Buyer], "order.refunded", nil), "mail account@buyer.example, mail buyer.owner@example.com, mail buyer.purchaser@example.com")
		all, reach, err := w.m.Choices(w.Context(), w.actor["buyer.owner"])
		w.must(err)
		for _, one := range all {
			if one.Name == "service.ready" && (one.On[notice.Site] || one.On[notice.Mail] || !one.On[notice.SMS]) || one.Name == "order.refunded" && (!one.Fixed[notice.Mail] || one.On[notice.SMS]) {
				w.Errorf("%+v", one)
			}
		}
		if len(all) != len(notice.For(party.Buyer)) || !reach.Email || !reach.Mobile {
			w.Errorf("%d kinds, reach %+v", len(all), reach)
		}
	})
}

var (
	link = regexp.MustCompile(`address=(\S+?)&token=(\S+)`)
	code = regexp.MustCompile(`\d{6}`)
)

// A receiver gets nothing before its address and number are proved; then it stands in for what is bound to the account.
func TestReceiversAreToldOnceTheyProvedThemselves(t *testing.T) {
	each(t, func(w *world) {
		a := w.actor["seller.owner"]
		seller := w.company[party.Seller]
		in := messages.NewReceiver{Name: "值班", Email: " Duty@Example.com ", Mobile: "+8613811112222", Language: "zh-CN", Kinds: map[string][]notice.Channel{"call.failed": {notice.Mail, notice.SMS}, "product.rated": {notice.SMS}}}
		v, err := w.save(a, "", in)
		w.must(err)
		w.wants("link and code", w.flush(), "mail duty@example.com, sms +8613811112222")
		m := link.FindStringSubmatch(w.sent[slices.IndexFunc(w.sent, func(m mail.Message) bool { return m.Channel == mail.Mail })].Text)
		address, err := url.QueryUnescape(m[1])
		w.must(err)
		digits := code.FindString(w.sent[slices.IndexFunc(w.sent, func(m mail.Message) bool { return m.Channel == mail.SMS })].Text)
		people := "mail seller.administrator@example.com, mail seller.delivery@example.com, mail seller.owner@example.com, sms 13900000004"
		w.wants("not proved", w.tell(seller, "call.failed", nil), people)

		if _, err := w.m.Confirm(w.Context(), "other@example.com", m[2]); err == nil {
			w.Error("another address was proved by the link")
		}
		company, err := w.m.Confirm(w.Context(), address, m[2])
		if w.must(err); company != "seller" {
			w.Errorf("confirmed for %q", company)
		}
		if _, err := w.m.Confirm(w.Context(), address, m[2]); err == nil {
			w.Error("the link is good twice")
		}
		if err := w.m.ConfirmMobile(w.Context(), a, v.ID, "000000x"); err == nil {
			w.Error("a wrong code is taken")
		}
		w.must(w.m.ConfirmMobile(w.Context(), a, v.ID, digits))
		w.wants("proved", w.tell(seller, "call.failed", nil), "mail duty@example.com, "+people[:strings.LastIndex(people, ", ")]+", sms +8613811112222, sms 13900000004")
		for _, one := range w.sent {
			if one.To == "duty@example.com" && !strings.Contains(one.Text, "zh-CN call.failed") {
				w.Errorf("in another language: %q", one.Text)
			}
		}
		w.wants("a kind that it has not", w.tell(seller, "product.resumed", nil), "mail account@seller.example, mail seller.administrator@example.com, mail seller.owner@example.com, mail seller.product@example.com")

		// Another address has to be proved anew; the number stays.
		in.Email = "night@example.com"
		if v, err = w.save(a, v.ID, in); err != nil || !v.EmailVerifiedAt.IsZero() || v.MobileVerifiedAt.IsZero() {
			w.Errorf("%v %+v", err, v)
		}
		w.flush()
		w.wants("changed", w.tell(seller, "call.failed", nil), people[:strings.LastIndex(people, ", ")]+", sms +8613811112222, sms 13900000004")
		w.must(w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error { return w.m.Remove(ctx, tx, a, v.ID) }))
		w.wants("removed", w.tell(seller, "product.rated", nil), "mail account@seller.example, mail seller.administrator@example.com, mail seller.owner@example.com, mail seller.sales@example.com, mail seller.support@example.com")
	})
}

// One address that is a member's, a receiver's and the account's gets a notice once.
func TestAnAddressIsToldOnce(t *testing.T) {
	each(t, func(w *world) {
		a := w.actor["buyer.owner"]
		_, err := w.save(a, "", messages.NewReceiver{Name: "me again", Email: "buyer.owner@example.com", Kinds: map[string][]notice.Channel{"service.ready": {notice.Mail}}})
		w.must(err)
		w.flush()
		m := link.FindStringSubmatch(w.sent[0].Text)
		_, err = w.m.Confirm(w.Context(), "buyer.owner@example.com", m[2])
		w.must(err)
		w.wants("once", w.tell(w.company[party.Buyer], "service.ready", nil), "mail buyer.owner@example.com, mail buyer.purchaser@example.com")
	})
}

func TestBadReceiversAreRefusedByField(t *testing.T) {
	each(t, func(w *world) {
		a := w.actor["seller.owner"]
		for field, in := range map[string]messages.NewReceiver{
			"name":     {Email: "a@example.com"},
			"email":    {Name: "x"},
			"mobile":   {Name: "x", Mobile: "call me"},
			"language": {Name: "x", Email: "a@example.com", Language: "fr-FR"},
			"kinds":    {Name: "x", Email: "a@example.com", Kinds: map[string][]notice.Channel{"service.ready": {notice.Mail}}},
		} {
			if _, err := w.save(a, "", in); err == nil {
				w.Errorf("%s was taken", field)
			} else if f, ok := fault.As(err); !ok || f.Fields[field] == "" {
				w.Errorf("%s: %v", field, err)
			}
		}
		for _, kinds := range []map[string][]notice.Channel{{"call.failed": {notice.SMS}}, {"call.failed": {notice.Site}}} {
			if _, err := w.save(a, "", messages.NewReceiver{Name: "x", Email: "a@example.com", Kinds: kinds}); err == nil {
				w.Errorf("%v was taken", kinds)
			}
		}
		for i := range messages.MaxReceivers {
			_, err := w.save(a, "", messages.NewReceiver{Name: "x", Email: fmt.Sprintf("r%d@example.com", i)})
			w.must(err)
		}
		if _, err := w.save(a, "", messages.NewReceiver{Name: "x", Email: "one-more@example.com"}); err == nil {
			w.Error("one too many was taken")
		}
		// Nobody else's, and not by everybody.
		list, err := w.m.Receivers(w.Context(), a)
		w.must(err)
		for role, want := range map[string]string{"buyer.owner": "not_found", "seller.sales": "forbidden"} {
			if _, err := w.m.Receiver(w.Context(), w.actor[role], list[0].ID); err == nil {
				w.Errorf("%s reads it", role)
			} else if f, ok := fault.As(err); !ok || f.Code != want {
				w.Errorf("%s: %v, want %s", role, err, want)
			}
		}
	})
}

// Who is limited to some products is told of these alone, in-site and by mail.
func TestALimitedMemberIsToldOfItsProducts(t *testing.T) {
	each(t, func(w *world) {
		seller, who := w.company[party.Seller], w.actor["seller.delivery"]
		who.Limited = true
		w.must(w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			now := w.k.Wire.Now()
			for _, id := range []string{"mine", "other"} {
				if err := store.InsertProduct(ctx, tx, catalog.Product{ID: id, SellerID: seller, Name: id, Protocol: catalog.V1, State: catalog.OnSale, CreatedAt: now, UpdatedAt: now}); err != nil {
					return err
				}
			}
			if _, err := tx.Exec(ctx, `UPDATE person SET limited = TRUE WHERE id = $1`, who.PersonID); err != nil {
				return err
			}
			return store.GrantProduct(ctx, tx, "mine", who.PersonID, "x", now)
		}))
		told := func(product string) bool {
			return strings.Contains(w.tell(seller, "call.failed", map[string]string{"product": product, "product_id": product}), "seller.delivery@")
		}
		if !told("mine") || told("other") {
			w.Error("mails about the wrong product")
		}
		ns, err := w.m.Notices(w.Context(), who, "", 10)
		if w.must(err); len(ns) != 1 || ns[0].ProductID != "mine" {
			w.Errorf("in-site: %+v", ns)
		}
	})
}

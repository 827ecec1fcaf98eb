package messages

import (
	"context"
	"maps"
	"slices"

	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// Outbox takes messages over in the transaction that they belong to.
type Outbox interface {
	Put(ctx context.Context, tx *kernel.Tx, m mail.Message) error
}

// Letter is what is put into words.
type Letter struct {
	Audience party.Kind
	Company  string // its name, "" for the operators'
	Member   bool   // the receiver can sign in and change what comes
	Notice   store.Notice
	Params   map[string]string
}

// Words are a letter in a language: the subject and text of a mail, and the text of an SMS.
type Words struct{ Subject, Mail, SMS string }

// Options are what the use cases need of the house around them.
type Options struct {
	Outbox  Outbox
	Words   func(language string, l Letter) Words
	Address string // where people reach the marketplace
	// MayCause bounds the messages that one client causes to one address.
	MayCause func(ctx context.Context, address string) error
	Proofs   *proof.Proofs
}

// Messages is the use cases.
type Messages struct {
	k *kernel.Kernel
	o Options
}

// New makes them; from now on notices go out.
func New(k *kernel.Kernel, o Options) *Messages {
	m := &Messages{k, o}
	k.Spread, k.SpreadAll = m.Spread, m.SpreadAll
	return m
}

// Spread puts the mails and SMS that come of a notice into the outbox, each in the language of its receiver. No address
// gets the same notice twice. spec: 20 A7
func (m *Messages) Spread(ctx context.Context, tx *kernel.Tx, n store.Notice, params map[string]string) error {
	audience, company := party.Operator, party.Company{}
	if n.CompanyID != kernel.OperatorDesk {
		var err error
		if company, err = store.Company(ctx, tx, n.CompanyID); err != nil {
			return err
		}
		audience = company.Kind
	}
	kind := notice.Of(audience, n.Kind)
	if !kind.Known() {
		return nil
	}
	members, err := store.NoticeMembers(ctx, tx, audience, n.CompanyID, n.Kind, n.ProductID)
	if err != nil {
		return err
	}
	receivers, err := store.NoticeReceivers(ctx, tx, audience, n.CompanyID, n.Kind)
	if err != nil {
		return err
	}
	return m.write(ctx, tx, kind, company, n, params, members, receivers)
}

// SpreadAll is Spread for many notices at once: whom they reach is read for all companies together.
func (m *Messages) SpreadAll(ctx context.Context, tx *kernel.Tx, ns []kernel.Note) error {
	var ids, unread, kinds []string
	companies := map[string]party.Company{}
	for _, n := range ns {
		if n.CompanyID != kernel.OperatorDesk && !slices.Contains(ids, n.CompanyID) {
			ids = append(ids, n.CompanyID)
			if n.Company == nil {
				unread = append(unread, n.CompanyID)
			}
		}
		if n.Company != nil {
			companies[n.CompanyID] = *n.Company
		}
		if !slices.Contains(kinds, n.Kind) {
			kinds = append(kinds, n.Kind)
		}
	}
	if len(unread) > 0 {
		read, err := store.CompaniesOf(ctx, tx, unread)
		if err != nil {
			return err
		}
		maps.Copy(companies, read)
	}
	told, err := store.ToldOf(ctx, tx, ids, kinds)
	if err != nil {
		return err
	}
	for _, n := range ns {
		company, ok := companies[n.CompanyID]
		t := told[n.CompanyID]
		if t == nil {
			t = &store.Told{}
		}
		// Who is limited to some products is told by what was given to it, and operators are one audience.
		if !ok || company.Kind == party.Operator || slices.ContainsFunc(t.Members, func(o store.ToldMember) bool { return o.Limited }) {
			if err := m.Spread(ctx, tx, n.Notice, n.Texts); err != nil {
				return err
			}
			continue
		}
		kind := notice.Of(company.Kind, n.Kind)
		if !kind.Known() {
			continue
		}
		members := make([]store.Addressee, len(t.Members))
		for i, o := range t.Members {
			members[i] = o.Addressee
			members[i].Choice = o.Choices[n.Kind]
		}
		if err := m.write(ctx, tx, kind, company, n.Notice, n.Texts, members, t.Receivers[n.Kind]); err != nil {
			return err
		}
	}
	return nil
}

// write puts what a notice says into the outbox for each of those whom it reaches.
func (m *Messages) write(ctx context.Context, tx *kernel.Tx, kind notice.Kind, company party.Company, n store.Notice, params map[string]string, members, receivers []store.Addressee) error {
	letter := Letter{Audience: kind.Audience, Company: company.Name, Notice: n, Params: params}
	written := map[string]bool{}
	put := func(to store.Addressee, channel notice.Channel, member bool) error {
		address := to.Email
		if channel == notice.SMS {
			address = to.Mobile
		}
		if address == "" || written[string(channel)+address] {
			return nil
		}
		written[string(channel)+address] = true
		l := letter
		l.Member = member
		w := m.o.Words(to.Language, l)
		message := mail.Message{Channel: string(channel), To: address, Subject: w.Subject, Text: w.Mail, NoticeID: n.ID, Receiver: to.ID}
		if channel == notice.SMS {
			message.Text = w.SMS
		}
		return m.o.Outbox.Put(ctx, tx, message)
	}
	for _, channel := range notice.Outer {
		set := false
		for _, r := range receivers {
			if r.Choice[channel] {
				set = true
				if err := put(r, channel, false); err != nil {
					return err
				}
			}
		}
		for _, p := range members {
			if kind.Wants(p.Roles, p.Choice, channel) {
				if err := put(p, channel, true); err != nil {
					return err
				}
			}
		}
		if !set && kind.ByDefault(channel) {
			if err := put(account(company), channel, false); err != nil {
				return err
			}
		}
	}
	if !kind.Service || n.ProductID == "" {
		return nil
	}
	page, err := store.PageOf(ctx, tx, n.ProductID)
	if err != nil || page.LiveRevisionID == "" {
		return err
	}
	live, err := store.Revision(ctx, tx, store.Everything, page.LiveRevisionID)
	if err != nil {
		return err
	}
	// The service mailbox was proved by the reviewer: it has to work. spec: 20 B2
	return put(store.Addressee{ID: "service", Email: live.Body.Support.Email}, notice.Mail, false)
}

// account is what is bound to a company's account, as far as it was proved.
func account(c party.Company) store.Addressee {
	a := store.Addressee{ID: c.ID}
	if !c.EmailVerifiedAt.IsZero() {
		a.Email = c.Email
	}
	if !c.MobileVerifiedAt.IsZero() {
		a.Mobile = c.Mobile
	}
	return a
}

// languages are those that messages are written in, the default first.
var languages = []string{"zh-CN", "en-US"}

func cleanLanguage(s string, f fault.Fields) string {
	if s == "" {
		return languages[0]
	}
	if !slices.Contains(languages, s) {
		f.Add("language", "must be zh-CN or en-US")
	}
	return s
}

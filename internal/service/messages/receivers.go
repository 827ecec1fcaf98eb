package messages

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// Limits of receivers.
const (
	MaxReceivers = 20
	LinkLife     = 7 * 24 * time.Hour
	linkPrefix   = "souklnk_"
	linkKind     = "receiver"
)

// Receiver is somebody a company's notices go to.
type Receiver = store.Receiver

// NewReceiver is what may be set about a receiver.
type NewReceiver struct {
	Name, Email, Mobile, Language string
	Kinds                         map[string][]notice.Channel
}

func (m *Messages) check(in *NewReceiver, audience party.Kind) error {
	f := fault.Fields{}
	in.Name, in.Email, in.Mobile = strings.TrimSpace(in.Name), party.CleanEmail(in.Email), strings.TrimSpace(in.Mobile)
	party.CheckName("name", in.Name, f)
	if in.Email != "" {
		party.CheckEmail("email", in.Email, f)
	}
	party.CheckMobile("mobile", in.Mobile, f)
	if in.Email == "" && in.Mobile == "" {
		f.Add("email", "give an address, a number, or both")
	}
	in.Language = cleanLanguage(in.Language, f)
	for kind, channels := range in.Kinds {
		if !notice.Of(audience, kind).Known() {
			f.Add("kinds", "%q is no kind of notice", kind)
		}
		for _, c := range channels {
			switch {
			case !slices.Contains(notice.Outer, c):
				f.Add("kinds", "%q is no channel of a receiver: mail or sms", string(c))
			case c == notice.Mail && in.Email == "":
				f.Add("email", "is needed for mails")
			case c == notice.SMS && in.Mobile == "":
				f.Add("mobile", "is needed for SMS")
			}
		}
	}
	return f.Err()
}

// own is the company whose receivers the actor manages.
func own(a access.Actor) error {
	if err := kernel.May(a, access.MessageManage); err != nil {
		return err
	}
	return nil
}

// Receivers lists the receivers of the actor's company, the oldest first.
func (m *Messages) Receivers(ctx context.Context, a access.Actor) (out []Receiver, err error) {
	if err := own(a); err != nil {
		return nil, err
	}
	err = m.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Receivers(ctx, tx, a.CompanyID)
		return err
	})
	return out, err
}

// Receiver reads one.
func (m *Messages) Receiver(ctx context.Context, a access.Actor, id string) (out Receiver, err error) {
	if err := own(a); err != nil {
		return out, err
	}
	err = m.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.ReceiverByID(ctx, tx, a.CompanyID, id)
		return kernel.Missing(err, "receiver")
	})
	return out, err
}

// Save adds a receiver (id "") or changes one. A new address gets a link, a new number a code: until they are proved
// nothing else is sent there. spec: 20 A7
func (m *Messages) Save(ctx context.Context, tx *kernel.Tx, a access.Actor, id string, in NewReceiver) (Receiver, error) {
	var v Receiver
	if err := own(a); err != nil {
		return v, err
	}
	now := m.k.Wire.Now()
	if id == "" {
		if err := store.LockCompany(ctx, tx, a.CompanyID); err != nil { // two cannot both take the last place
			return v, err
		}
		there, err := store.Receivers(ctx, tx, a.CompanyID)
		if err != nil {
			return v, err
		}
		if len(there) >= MaxReceivers {
			return v, fault.New(fault.Rule, "too_many_receivers", "a company has at most %d receivers; take one away first", MaxReceivers)
		}
		v = Receiver{ID: m.k.Row(), CompanyID: a.CompanyID, CreatedAt: now}
	} else {
		var err error
		if v, err = store.ReceiverByID(ctx, tx, a.CompanyID, id); err != nil {
			return v, kernel.Missing(err, "receiver")
		}
	}
	if err := m.check(&in, a.CompanyKind); err != nil {
		return v, err
	}
	newEmail, newMobile := in.Email != v.Email, in.Mobile != v.Mobile
	if newEmail {
		v.EmailVerifiedAt = time.Time{}
	}
	if newMobile {
		v.MobileVerifiedAt = time.Time{}
	}
	v.Name, v.Email, v.Mobile, v.Language, v.Kinds = in.Name, in.Email, in.Mobile, in.Language, in.Kinds
	if err := store.SaveReceiver(ctx, tx, v); err != nil {
		return v, err
	}
	if newEmail && v.Email != "" {
		if err := m.invite(ctx, tx, a, v); err != nil {
			return v, err
		}
	}
	if newMobile && v.Mobile != "" {
		if err := m.code(ctx, tx, v); err != nil {
			return v, err
		}
	}
	return v, m.k.Audit(ctx, tx, a, access.MessageManage, v.ID, v.Name)
}

// Remove takes a receiver away.
func (m *Messages) Remove(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := own(a); err != nil {
		return err
	}
	if err := store.DeleteReceiver(ctx, tx, a.CompanyID, id); err != nil {
		return kernel.Missing(err, "receiver")
	}
	if err := store.DropMailLinks(ctx, tx, linkKind, id); err != nil {
		return err
	}
	return m.k.Audit(ctx, tx, a, access.MessageManage, id, "removed")
}

// Prove sends link and code again to what is not proved yet.
func (m *Messages) Prove(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) error {
	if err := own(a); err != nil {
		return err
	}
	v, err := store.ReceiverByID(ctx, tx, a.CompanyID, id)
	if err != nil {
		return kernel.Missing(err, "receiver")
	}
	if v.Email != "" && v.EmailVerifiedAt.IsZero() {
		if err := m.invite(ctx, tx, a, v); err != nil {
			return err
		}
	}
	if v.Mobile != "" && v.MobileVerifiedAt.IsZero() {
		if err := m.code(ctx, tx, v); err != nil {
			return err
		}
	}
	return m.k.Audit(ctx, tx, a, access.MessageManage, id, "asked to prove")
}

func codeSubject(v Receiver) string { return v.ID + " " + v.Mobile }

func (m *Messages) code(ctx context.Context, tx *kernel.Tx, v Receiver) error {
	return m.o.Proofs.Send(ctx, tx, proof.Mobile, codeSubject(v), proof.Target{Channel: mail.SMS, Address: v.Mobile, Language: v.Language})
}

// ConfirmMobile proves a receiver's number by the code that was sent there.
func (m *Messages) ConfirmMobile(ctx context.Context, a access.Actor, id, code string) error {
	v, err := m.Receiver(ctx, a, id)
	if err != nil {
		return err
	}
	if err := m.o.Proofs.Spend(ctx, proof.Mobile, codeSubject(v), strings.TrimSpace(code)); err != nil {
		return err
	}
	return m.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		now, err := store.ReceiverByID(ctx, tx, a.CompanyID, id)
		if err == nil && now.Mobile != v.Mobile {
			err = store.ErrNoRow
		}
		if err != nil {
			return kernel.Missing(err, "receiver")
		}
		now.MobileVerifiedAt = m.k.Wire.Now()
		if err := store.SaveReceiver(ctx, tx, now); err != nil {
			return err
		}
		return m.k.Audit(ctx, tx, a, access.MessageManage, id, "number proved")
	})
}

var invitations = map[string]struct{ subject, text *template.Template }{
	"zh-CN": parse("请确认接收 {{.Company}} 的消息", `{{.Name}}，您好：

“{{.Company}}”把此邮箱设为集市消息的接收邮箱。请打开下面的链接确认，之后才会发送消息：

{{.Link}}

链接在 7 天内有效。如果您不认识该企业，请忽略此邮件，不会再收到任何消息。`),
	"en-US": parse("Confirm messages of {{.Company}}", `Hello {{.Name}},

"{{.Company}}" named this address to receive its messages of the marketplace. Open this link to confirm; nothing is sent before:

{{.Link}}

The link is good for 7 days. If you do not know this company, ignore this mail: nothing else is sent.`),
}

func parse(subject, text string) struct{ subject, text *template.Template } {
	return struct{ subject, text *template.Template }{template.Must(template.New("").Parse(subject)), template.Must(template.New("").Parse(text))}
}

func (m *Messages) invite(ctx context.Context, tx *kernel.Tx, a access.Actor, v Receiver) error {
	if err := m.o.MayCause(ctx, v.Email); err != nil {
		return err
	}
	c, err := store.Company(ctx, tx, a.CompanyID)
	if err != nil {
		return err
	}
	if err := store.DropMailLinks(ctx, tx, linkKind, v.ID); err != nil {
		return err
	}
	secret, now := ident.Token(linkPrefix), m.k.Wire.Now()
	if err := store.InsertMailLink(ctx, tx, linkHash(secret, v.Email), linkKind, v.ID, now, now.Add(LinkLife)); err != nil {
		return err
	}
	data := map[string]string{"Company": c.Name, "Name": v.Name, "Link": fmt.Sprintf("%s/account/receiver?address=%s&token=%s", m.o.Address, url.QueryEscape(v.Email), secret)}
	var subject, text strings.Builder
	w := invitations[v.Language]
	if err := errors.Join(w.subject.Execute(&subject, data), w.text.Execute(&text, data)); err != nil {
		return err
	}
	return m.o.Outbox.Put(ctx, tx, mail.Message{Channel: mail.Mail, To: v.Email, Subject: subject.String(), Text: text.String()})
}

// linkHash binds a link to the address it was sent to: changed in the meantime, it proves nothing.
func linkHash(secret, email string) string { return ident.Hash(secret + "\n" + email) }

// Confirm proves a receiver's address by the link that was sent there, and tells for which company.
func (m *Messages) Confirm(ctx context.Context, address, secret string) (company string, err error) {
	dead := fault.New(fault.Rule, "link_dead", "the link was used, is over, or is not complete; ask for a new one")
	h := linkHash(secret, party.CleanEmail(address))
	err = m.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		id, err := store.MailLink(ctx, tx, h, linkKind, m.k.Wire.Now())
		if err == nil {
			err = store.UseMailLink(ctx, tx, h)
		}
		var v Receiver
		if err == nil {
			v, err = store.ReceiverByID(ctx, tx, "", id)
		}
		if err == nil && v.Email != party.CleanEmail(address) {
			err = store.ErrNoRow
		}
		if errors.Is(err, store.ErrNoRow) {
			return dead
		}
		if err != nil {
			return err
		}
		v.EmailVerifiedAt = m.k.Wire.Now()
		if err := store.SaveReceiver(ctx, tx, v); err != nil {
			return err
		}
		c, err := store.Company(ctx, tx, v.CompanyID)
		if err != nil {
			return err
		}
		company = c.Name
		return m.k.Audit(ctx, tx, access.Actor{PersonID: v.ID, CompanyID: v.CompanyID}, access.MessageManage, v.ID, "address proved")
	})
	return company, err
}

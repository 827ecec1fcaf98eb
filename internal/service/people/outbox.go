package people

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Mail is a mail of the outbox without what it says, which may open a door.
type Mail struct{ store.Mail }

// MailStates are the states of a mail, in the order of its life.
var MailStates = []string{store.MailQueued, store.MailSent, store.MailFailed}

// Channels are what the outbox sends through.
var Channels = mail.Channels

// Outbox lists mails and SMS for operators, the newest first, before one ("" for the newest), on one channel and in one
// state or in all (""). // spec: 01 §10
func (p *People) Outbox(ctx context.Context, a access.Actor, channel, state, before string, limit int) (out []Mail, err error) {
	if err := kernel.May(a, access.AuditRead); err != nil {
		return nil, err
	}
	if a.CompanyKind != access.Operator {
		return nil, fault.New(fault.Forbidden, "forbidden", "only operators see the outbox")
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		ms, err := store.Mails(ctx, tx, channel, state, before, limit)
		for _, m := range ms {
			m.Sealed = ""
			out = append(out, Mail{m})
		}
		return err
	})
	return out, err
}

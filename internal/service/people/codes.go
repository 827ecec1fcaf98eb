package people

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/proof"
)

// Proofs are the codes that this room sends, for the other rooms that need one.
func (p *People) Proofs() *proof.Proofs { return p.proofs }

// Reach is how a person can be sent a code: the proved address and number, "" where there is none.
type Reach struct{ Email, Mobile string }

// Reach tells it.
func (p *People) Reach(ctx context.Context, a access.Actor) (r Reach, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return r, err
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		who, err := store.Person(ctx, tx, a.PersonID)
		r = reachOf(who)
		return kernel.Missing(err, "person")
	})
	return r, err
}

func reachOf(who party.Person) (r Reach) {
	if !who.VerifiedAt.IsZero() {
		r.Email = who.Email
	}
	if !who.MobileVerifiedAt.IsZero() {
		r.Mobile = who.Mobile
	}
	return r
}

// SendCode sends a code for a purpose to the proved address or number of the person who asks.
func (p *People) SendCode(ctx context.Context, tx *kernel.Tx, a access.Actor, purpose, channel string) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	who, err := store.Person(ctx, tx, a.PersonID)
	if err != nil {
		return kernel.Missing(err, "person")
	}
	r := reachOf(who)
	to := proof.Target{Channel: channel, Language: who.Language, Address: map[string]string{mail.Mail: r.Email, mail.SMS: r.Mobile}[channel]}
	if to.Address == "" {
		return fault.Field("channel", "is not one that reaches you: prove your address or number first")
	}
	return p.proofs.Send(ctx, tx, purpose, who.ID, to)
}

// Prove checks that the person who asks is there: by the code that was sent, or, when it has no proved address and no
// number, by its password. spec: 14 §5
func (p *People) Prove(ctx context.Context, a access.Actor, purpose, code, password string) (proof.Pass, error) {
	r, err := p.Reach(ctx, a)
	if err != nil {
		return proof.Pass{}, err
	}
	if r == (Reach{}) {
		if _, err := p.prove(ctx, a.PersonID, "password", password); err != nil {
			return proof.Pass{}, err
		}
	} else if err := p.proofs.Spend(ctx, purpose, a.PersonID, strings.TrimSpace(code)); err != nil {
		return proof.Pass{}, err
	}
	return proof.Vouch(purpose, a.PersonID), nil
}

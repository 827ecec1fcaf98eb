package messages

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Notice is a notice with its parameters read.
type Notice struct {
	store.Notice
	Texts map[string]string
}

// deskOf is what notices to the actor's company are addressed to.
func deskOf(a access.Actor) string {
	if a.IsOperator() {
		return kernel.OperatorDesk
	}
	return a.CompanyID
}

// Notices lists what an actor's company was told, the newest first: without the kinds that the person switched off, and
// for a limited sub-user without what is about other products. Operators see everybody's.
func (m *Messages) Notices(ctx context.Context, a access.Actor, before string, limit int) (out []Notice, err error) {
	if err := kernel.May(a, access.NoticeRead); err != nil {
		return nil, err
	}
	err = m.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = out[:0]
		chosen, err := store.Choices(ctx, tx, a.PersonID)
		if err != nil {
			return err
		}
		var hidden []string
		for kind, choice := range chosen {
			if !notice.Of(a.CompanyKind, kind).Wants(roles(a), choice, notice.Site) {
				hidden = append(hidden, kind)
			}
		}
		slices.Sort(hidden)
		ns, err := store.Notices(ctx, tx, kernel.Scope(a), deskOf(a), hidden, before, limit)
		for _, n := range ns {
			one := Notice{Notice: n}
			if err := json.Unmarshal([]byte(n.Params), &one.Texts); err != nil {
				return err
			}
			out = append(out, one)
		}
		return err
	})
	return out, err
}

func roles(a access.Actor) (out []string) {
	for _, r := range a.Roles {
		out = append(out, string(r))
	}
	return out
}

// Wanted is a kind of notice as it comes to a person.
type Wanted struct {
	notice.Kind
	On    map[notice.Channel]bool
	Fixed map[notice.Channel]bool // on, and cannot be switched off
}

// Channels tells how far a person can be reached.
type Reach struct {
	Email, Mobile bool // there is one and it is proved
}

// Choices are all kinds of notices as they come to the person who asks, and how far it can be reached.
func (m *Messages) Choices(ctx context.Context, a access.Actor) (out []Wanted, reach Reach, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return nil, reach, err
	}
	err = m.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		out = nil
		chosen, err := store.Choices(ctx, tx, a.PersonID)
		if err != nil {
			return err
		}
		who, err := store.Person(ctx, tx, a.PersonID)
		if err != nil {
			return kernel.Missing(err, "person")
		}
		reach = reachOf(who)
		for _, k := range notice.For(a.CompanyKind) {
			w := Wanted{k, map[notice.Channel]bool{}, map[notice.Channel]bool{}}
			for _, c := range notice.Channels {
				w.On[c], w.Fixed[c] = k.Wants(roles(a), chosen[k.Name], c), k.Concerns(roles(a)) && k.Fixed(c)
			}
			out = append(out, w)
		}
		return nil
	})
	return out, reach, err
}

func reachOf(who party.Person) Reach {
	return Reach{who.Email != "" && !who.VerifiedAt.IsZero(), who.Mobile != "" && !who.MobileVerifiedAt.IsZero()}
}

// Choose sets through which channels each kind comes to the person who asks; a kind that is not named keeps coming as it
// did. What cannot be switched off is refused by name.
func (m *Messages) Choose(ctx context.Context, tx *kernel.Tx, a access.Actor, wanted map[string][]notice.Channel) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	chosen, err := store.Choices(ctx, tx, a.PersonID)
	if err != nil {
		return err
	}
	f := fault.Fields{}
	for name, channels := range wanted {
		k := notice.Of(a.CompanyKind, name)
		if !k.Known() {
			f.Add("kinds", "%q is no kind of notice", name)
			continue
		}
		choice := notice.Choice{}
		for _, c := range channels {
			if !slices.Contains(notice.Channels, c) {
				f.Add("kinds", "%q is no channel: site, mail or sms", string(c))
			}
		}
		for _, c := range notice.Channels {
			on := slices.Contains(channels, c)
			if !on && k.Concerns(roles(a)) && k.Fixed(c) {
				f.Add("kinds", "%s cannot be switched off by %s", name, c)
			}
			if on != k.Wants(roles(a), nil, c) {
				choice[c] = on
			}
		}
		chosen[name] = choice
	}
	if err := f.Err(); err != nil {
		return err
	}
	if err := store.SetChoices(ctx, tx, a.PersonID, chosen); err != nil {
		return err
	}
	return m.k.Audit(ctx, tx, a, access.AccountWrite, a.PersonID, "messages")
}

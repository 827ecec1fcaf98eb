package sandbox

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// settingFaults stands before the id of the seller that a row of faults is about.
const settingFaults = "sandbox.faults."

const maxFaults = 20

// Faults lists the faults that are on towards a seller, as they were written.
func (s *Sandbox) Faults(ctx context.Context, a access.Actor, seller string) (texts []string, err error) {
	if err := kernel.May(a, access.FaultSet); err != nil {
		return nil, err
	}
	err = s.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := mine(ctx, tx, a, seller); err != nil {
			return err
		}
		v, err := store.Setting(ctx, tx, settingFaults+seller)
		texts = split(v)
		return err
	})
	return texts, err
}

func split(v string) []string {
	if v == "" {
		return []string{}
	}
	return strings.Split(v, " ")
}

// mine checks that the seller is the actor's own, or any for operators.
func mine(ctx context.Context, tx *kernel.Tx, a access.Actor, seller string) error {
	if !a.IsOperator() && a.CompanyID != seller {
		return fault.Unknown("seller")
	}
	c, err := store.Company(ctx, tx, seller)
	if err == nil && c.Kind != party.Seller {
		err = store.ErrNoRow
	}
	return kernel.Missing(err, "seller")
}

// SetFaults replaces the faults towards a seller; none switches them off. They hold in this
// process as soon as the transaction has, in others within a second.
func (s *Sandbox) SetFaults(ctx context.Context, tx *kernel.Tx, a access.Actor, seller string, texts []string) ([]string, error) {
	if err := kernel.May(a, access.FaultSet); err != nil {
		return nil, err
	}
	if err := mine(ctx, tx, a, seller); err != nil {
		return nil, err
	}
	if !s.k.Sandbox {
		return nil, fault.New(fault.Rule, "not_a_sandbox", "a production marketplace calls sellers as it should")
	}
	if err := kernel.Unlimited(a); err != nil {
		return nil, err
	}
	if len(texts) > maxFaults {
		return nil, fault.Field("faults", "must be at most %d", maxFaults)
	}
	var these delivery.Faults
	for _, text := range texts {
		f, err := delivery.ParseFault(text)
		if err != nil {
			return nil, fault.Field("faults", "%s", err)
		}
		these = append(these, f)
	}
	if err := store.SetSetting(ctx, tx, settingFaults+seller, strings.Join(texts, " ")); err != nil {
		return nil, err
	}
	tx.OnCommit(func() { // at once in this process, in others with their next look
		s.faultsMu.Lock()
		defer s.faultsMu.Unlock()
		s.k.Faults.Put(seller, these)
	})
	return texts, s.k.Audit(ctx, tx, a, access.FaultSet, seller, strings.Join(texts, " "))
}

// readFaults makes this process see the faults; the caller holds faultsMu, so that what was
// read before a change is not put over it.
func (s *Sandbox) readFaults(ctx context.Context, tx *kernel.Tx) error {
	rows, err := store.Settings(ctx, tx, settingFaults)
	if err != nil {
		return err
	}
	all := map[string]delivery.Faults{}
	for name, v := range rows {
		var these delivery.Faults
		for _, text := range split(v) {
			if f, err := delivery.ParseFault(text); err == nil { // of a version that knew others: left out
				these = append(these, f)
			}
		}
		if len(these) > 0 {
			all[strings.TrimPrefix(name, settingFaults)] = these
		}
	}
	s.k.Faults.Hold(all)
	return nil
}

package people

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Companies lists companies for operators, newest first, after the mark of the last one seen; kind and words narrow.
func (p *People) Companies(ctx context.Context, a access.Actor, kind, words string, beforeAt time.Time, beforeID string, limit int) (out []party.Company, err error) {
	if a.Anonymous() || !a.IsOperator() {
		return nil, fault.New(fault.Forbidden, "forbidden", "only operators see the list of companies")
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.FindCompanies(ctx, tx, kind, words, beforeAt, beforeID, limit)
		return err
	})
	return out, err
}

// Company reads one company: the actor's own, or any to operators.
func (p *People) Company(ctx context.Context, a access.Actor, id string) (out party.Company, err error) {
	if err := kernel.May(a, access.AccountRead); err != nil {
		return out, err
	}
	if !a.IsOperator() && a.CompanyID != id {
		return out, fault.Unknown("company")
	}
	err = p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.Company(ctx, tx, id)
		return kernel.Missing(err, "company")
	})
	return out, err
}

package trade

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// MaxReason is the length of a reason in characters.
const MaxReason = 500

// FreezeForViolation takes a service out of use for breaking the rules. V2 is told; V1 has
// no such call for services with a term: there the entry page is hidden and the seller is
// told by a notice. // spec: 01 §2.7, 22 §3.2
func (t *Trade) FreezeForViolation(ctx context.Context, tx *kernel.Tx, a access.Actor, id, reason string) (*instance.Instance, error) {
	inst, p, err := t.police(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	if reason = strings.TrimSpace(reason); reason == "" || len([]rune(reason)) > MaxReason {
		return nil, fault.Field("reason", "must say in 1 to %d characters what was broken; buyer and seller read it", MaxReason)
	}
	switch {
	case inst.Has(instance.Violation):
		return nil, fault.New(fault.Conflict, "already_frozen", "the service is frozen for a violation already")
	case inst.Status != instance.Active && inst.Status != instance.Grace && inst.Status != instance.Frozen:
		return nil, fault.New(fault.Conflict, "instance_state", "the service is %s and cannot be frozen", inst.Status)
	}
	if inst.Freeze(instance.Violation) && p.Protocol == catalog.V2 {
		if err := t.queueCall(ctx, tx, inst, delivery.Expire, inst.OrderID, inst.OrderLineID, Call{}, t.k.Clock.Now()); err != nil {
			return nil, err
		}
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return nil, err
	}
	for _, company := range []string{inst.BuyerID, inst.SellerID} {
		if err := t.tellOf(ctx, tx, inst, company, "service.violation", "reason", reason); err != nil {
			return nil, err
		}
	}
	return inst, t.k.Audit(ctx, tx, a, access.InstanceFreeze, inst.ID, "frozen: "+reason)
}

// LiftViolation ends that; the service thaws unless another reason holds. Its term has
// gone on meanwhile. // spec: 22 §3.2
func (t *Trade) LiftViolation(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*instance.Instance, error) {
	inst, p, err := t.police(ctx, tx, a, id)
	if err != nil {
		return nil, err
	}
	if inst.Ended() || !inst.Has(instance.Violation) {
		return nil, fault.New(fault.Conflict, "not_frozen", "the service is not frozen for a violation")
	}
	now := t.k.Clock.Now()
	if inst.Unfreeze(instance.Violation) {
		if !inst.ExpireAt.IsZero() && !now.Before(inst.ExpireAt) {
			inst.Status = instance.Grace // its days of grace are not over, or expiry would hold it
		}
		if p.Protocol == catalog.V2 {
			sent, err := t.freezeSent(ctx, tx, inst, now)
			if err != nil {
				return nil, err
			}
			if sent {
				if err := t.queueCall(ctx, tx, inst, delivery.Thaw, inst.OrderID, inst.OrderLineID, Call{}, now); err != nil {
					return nil, err
				}
			}
		}
	}
	if err := store.SaveInstance(ctx, tx, inst); err != nil {
		return nil, err
	}
	for _, company := range []string{inst.BuyerID, inst.SellerID} {
		if err := t.tellOf(ctx, tx, inst, company, "service.violation_lifted"); err != nil {
			return nil, err
		}
	}
	return inst, t.k.Audit(ctx, tx, a, access.InstanceFreeze, inst.ID, "lifted")
}

func (t *Trade) police(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*instance.Instance, catalog.Product, error) {
	if err := kernel.May(a, access.InstanceFreeze); err != nil {
		return nil, catalog.Product{}, err
	}
	inst, err := store.LockInstance(ctx, tx, kernel.Scope(a), id)
	if err != nil {
		return nil, catalog.Product{}, kernel.Missing(err, "instance")
	}
	p, err := store.Product(ctx, tx, store.Everything, inst.ProductID)
	return inst, p, err
}

package trade

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
)

// RefundFilter narrows a list of requests.
type RefundFilter = store.RefundFilter

// refundJob is the payload of a JobRefund.
type refundJob struct {
	Request string `json:"request"`
}

// askRefund notes a refund that is too large to be made unasked. All rules have been judged;
// nothing else changes before the answer. // spec: 22 §4.1
func (t *Trade) askRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, inst *instance.Instance, amount money.Amount, currency money.Currency, reason string, now time.Time) (*order.RefundRequest, error) {
	r := &order.RefundRequest{ID: t.k.Row(), InstanceID: inst.ID, BuyerID: inst.BuyerID, State: order.RefundWaiting, Amount: amount, Currency: currency, Reason: reason,
		AskedBy: a.PersonID, AskedAt: now, AnswerBy: now.Add(order.AnswerWithin)}
	if err := store.InsertRefundRequest(ctx, tx, r); err != nil {
		return nil, err
	}
	payload, err := json.Marshal(refundJob{r.ID})
	if err != nil {
		return nil, err
	}
	if _, err := t.k.Queue.Add(ctx, tx, store.Job{Kind: JobRefund, Lane: jobs.Platform, DueAt: r.AnswerBy, Payload: string(payload),
		InstanceID: inst.ID, SellerID: inst.SellerID, OrderID: inst.OrderID, OrderLineID: inst.OrderLineID}); err != nil {
		return nil, err
	}
	for _, company := range []string{inst.BuyerID, kernel.OperatorDesk} {
		if err := t.tellRefund(ctx, tx, inst, company, "refund.waiting", r); err != nil {
			return nil, err
		}
	}
	if err := t.k.Audit(ctx, tx, a, access.OrderRefund, r.ID, "asked "+amount.String()); err != nil {
		return nil, err
	}
	return store.RefundRequest(ctx, tx, store.Everything, r.ID) // with the product's name
}

func (t *Trade) tellRefund(ctx context.Context, tx *kernel.Tx, inst *instance.Instance, company, kind string, r *order.RefundRequest) error {
	return t.tellOf(ctx, tx, inst, company, kind, "amount", r.Amount.String(), "currency", string(r.Currency), "at", r.AnswerBy.Format(time.RFC3339), "reason", r.Answer)
}

// noRefundWaiting refuses orders about a service while a request to give it back is open.
// spec: 01 §3
func (t *Trade) noRefundWaiting(ctx context.Context, tx *kernel.Tx, inst *instance.Instance) error {
	r, err := store.WaitingRefund(ctx, tx, inst.ID)
	if err == nil && r != nil {
		return fault.New(fault.Conflict, "refund_waiting", "a refund of this service waits for the marketplace's answer until %s; withdraw it first", r.AnswerBy.Format(time.RFC3339))
	}
	return err
}

// lockRefund locks a request of the actor's for an answer.
func (t *Trade) lockRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, action access.Action, id string) (*order.RefundRequest, error) {
	if err := kernel.May(a, action); err != nil {
		return nil, err
	}
	r, err := store.LockRefundRequest(ctx, tx, kernel.Scope(a), id)
	return r, kernel.Missing(err, "refund request")
}

// ApproveRefund carries a request out. It asks neither for the five days nor for the yearly
// number again: they were judged when the buyer asked. // spec: 22 §4.1
func (t *Trade) ApproveRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.RefundRequest, error) {
	r, err := t.lockRefund(ctx, tx, a, access.RefundApprove, id)
	if err != nil {
		return nil, err
	}
	if err := r.CheckOpen(); err != nil {
		return nil, err
	}
	return r, t.carryOut(ctx, tx, a, r, t.k.Clock.Now())
}

// passRefund carries out a request that nobody answered in time. // spec: 22 §4.1
func (t *Trade) passRefund(ctx context.Context, tx *kernel.Tx, j store.Job) error {
	var of refundJob
	if err := json.Unmarshal([]byte(j.Payload), &of); err != nil {
		return fmt.Errorf("payload of job %s: %w", j.ID, err)
	}
	r, err := store.LockRefundRequest(ctx, tx, store.Everything, of.Request)
	if err != nil || r.State != order.RefundWaiting {
		return err
	}
	return t.carryOut(ctx, tx, kernel.System, r, t.k.AsOf(j.DueAt))
}

// carryOut does what the immediate refund does, with what was paid as it stands now. A service
// that cannot be given back any more ends the request.
func (t *Trade) carryOut(ctx context.Context, tx *kernel.Tx, a access.Actor, r *order.RefundRequest, now time.Time) error {
	inst, lines, orders, err := t.paidLines(ctx, tx, r.InstanceID)
	if err != nil {
		return err
	}
	r.AnsweredAt = now
	if inst.Status != instance.Active {
		r.State, r.AnsweredBy = order.RefundRejected, kernel.System.PersonID
		if err := store.AnswerRefundRequest(ctx, tx, r); err != nil {
			return err
		}
		for _, company := range []string{inst.BuyerID, kernel.OperatorDesk} {
			if err := t.tellRefund(ctx, tx, inst, company, "refund.impossible", r); err != nil {
				return err
			}
		}
		return t.k.Audit(ctx, tx, a, access.RefundApprove, r.ID, "impossible: the service is "+string(inst.Status))
	}
	un, err := t.giveBack(ctx, tx, a, inst, lines, orders, r.AskedBy, r.Reason, now)
	if err != nil {
		return err
	}
	r.State, r.AnsweredBy, r.Amount, r.OrderID = order.RefundApproved, a.PersonID, -un.AmountPaid, un.ID
	if err := store.AnswerRefundRequest(ctx, tx, r); err != nil {
		return err
	}
	if err := t.tellRefund(ctx, tx, inst, inst.BuyerID, "refund.approved", r); err != nil {
		return err
	}
	return t.k.Audit(ctx, tx, a, access.RefundApprove, r.ID, "approved "+r.Amount.String())
}

// RejectRefund ends a request; the buyer is told why and keeps the service.
func (t *Trade) RejectRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, id, reason string) (*order.RefundRequest, error) {
	r, err := t.lockRefund(ctx, tx, a, access.RefundApprove, id)
	if err != nil {
		return nil, err
	}
	if reason = strings.TrimSpace(reason); reason == "" || len([]rune(reason)) > MaxReason {
		return nil, fault.Field("reason", "must say why in 1 to %d characters; the buyer reads it", MaxReason)
	}
	r.Answer = reason
	if err := t.stopRefund(ctx, tx, a, r, order.RefundRejected); err != nil {
		return nil, err
	}
	inst, err := store.Instance(ctx, tx, store.Everything, r.InstanceID)
	if err != nil {
		return nil, err
	}
	if err := t.tellRefund(ctx, tx, inst, r.BuyerID, "refund.rejected", r); err != nil {
		return nil, err
	}
	return r, t.k.Audit(ctx, tx, a, access.RefundApprove, r.ID, "rejected: "+reason)
}

// WithdrawRefund takes the buyer's request back; the service goes on.
func (t *Trade) WithdrawRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.RefundRequest, error) {
	r, err := t.lockRefund(ctx, tx, a, access.InstanceRenew, id)
	if err != nil {
		return nil, err
	}
	if err := t.stopRefund(ctx, tx, a, r, order.RefundWithdrawn); err != nil {
		return nil, err
	}
	return r, t.k.Audit(ctx, tx, a, access.OrderRefund, r.ID, "withdrawn")
}

func (t *Trade) stopRefund(ctx context.Context, tx *kernel.Tx, a access.Actor, r *order.RefundRequest, state order.RefundState) error {
	now := t.k.Clock.Now()
	if err := r.CheckStop(now); err != nil {
		return err
	}
	r.State, r.AnsweredBy, r.AnsweredAt = state, a.PersonID, now
	return store.AnswerRefundRequest(ctx, tx, r)
}

// RefundRequest reads a request of the actor's.
func (t *Trade) RefundRequest(ctx context.Context, a access.Actor, id string) (r *order.RefundRequest, err error) {
	if err := kernel.May(a, access.RefundRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		r, err = store.RefundRequest(ctx, tx, kernel.Scope(a), id)
		return kernel.Missing(err, "refund request")
	})
	return r, err
}

// RefundRequests lists requests, newest first, before a mark: a buyer's own, or everybody's to operators.
func (t *Trade) RefundRequests(ctx context.Context, a access.Actor, f RefundFilter, before string, limit int) (out []order.RefundRequest, err error) {
	if err := kernel.May(a, access.RefundRead); err != nil {
		return nil, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.RefundRequests(ctx, tx, kernel.Scope(a), f, before, limit)
		return err
	})
	return out, err
}

// RefundQueue is how many requests wait for an operator.
func (t *Trade) RefundQueue(ctx context.Context, a access.Actor) (q Queue, err error) {
	if err := kernel.May(a, access.RefundRead); err != nil || !a.IsOperator() {
		return q, err
	}
	err = t.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		q, err = store.RefundQueue(ctx, tx)
		return err
	})
	return q, err
}

package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// refunds are large refunds that wait for an operator, or waited. // spec: 22 §4.1
func (h *Handler) refunds() {
	h.read("/refund-requests", func(c *call) (any, error) {
		before, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		q := c.URL.Query()
		rs, err := h.Trade.RefundRequests(c.Context(), c.actor, trade.RefundFilter{State: q.Get("state"), InstanceID: q.Get("instance")}, before, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(rs, limit, func(r order.RefundRequest) refundView { return viewRefund(&r) }, func(r order.RefundRequest) string { return cursor.Encode(r.ID) }), nil
	})
	h.read("/refund-requests/{id}", func(c *call) (any, error) {
		return refundOrNil(h.Trade.RefundRequest(c.Context(), c.actor, c.PathValue("id")))
	})
	type act func(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*order.RefundRequest, error)
	for path, f := range map[string]act{"approve": h.Trade.ApproveRefund, "withdraw": h.Trade.WithdrawRefund} {
		h.change("POST", "/refund-requests/{id}/"+path, http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			return refundOrNil(f(ctx, tx, c.actor, c.PathValue("id")))
		})
	}
	h.change("POST", "/refund-requests/{id}/reject", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		reason := c.body.text("reason")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return refundOrNil(h.Trade.RejectRefund(ctx, tx, c.actor, c.PathValue("id"), reason))
	})
}

type refundView struct {
	ID         string  `json:"id"`
	InstanceID string  `json:"instance_id"`
	BuyerID    string  `json:"buyer_id"`
	Product    string  `json:"product_name"`
	State      string  `json:"state"`
	Amount     string  `json:"amount"`
	Currency   string  `json:"currency"`
	Reason     string  `json:"reason"`
	AskedAt    *string `json:"asked_at"`
	AnswerBy   *string `json:"answer_by"`
	AnsweredBy string  `json:"answered_by"`
	AnsweredAt *string `json:"answered_at"`
	Answer     string  `json:"answer"`
	OrderID    string  `json:"order_id"`
}

func viewRefund(r *order.RefundRequest) refundView {
	return refundView{r.ID, r.InstanceID, r.BuyerID, r.ProductName, string(r.State), r.Amount.String(), string(r.Currency), r.Reason,
		stamp(r.AskedAt), stamp(r.AnswerBy), r.AnsweredBy, stamp(r.AnsweredAt), r.Answer, r.OrderID}
}

func refundOrNil(r *order.RefundRequest, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return viewRefund(r), nil
}

// accepted is a reply to what is not done yet: 202 and not the route's own status.
type accepted struct {
	RefundRequest refundView `json:"refund_request"`
}

// orderOrWaits answers a refund: with the order, or with the request that waits in its place.
func orderOrWaits(o *order.Order, waits *order.RefundRequest, err error) (any, error) {
	if err == nil && waits != nil {
		return accepted{viewRefund(waits)}, nil
	}
	return orderOrNil(o, err)
}

package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// instances is what a buyer has and all that is done with it. // spec: 01 §8.5
func (h *Handler) instances() {
	h.read("/instances", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		is, err := h.Delivery.Instances(c.Context(), c.actor, after, limit+1)
		if err != nil {
			return nil, err
		}
		var ss []delivery.Service
		for _, i := range is {
			ss = append(ss, delivery.Service{Instance: i})
		}
		return listOf(ss, limit, viewInstance, func(s delivery.Service) string { return cursor.Encode(s.Instance.ID) }), nil
	})
	h.read("/instances/{id}", func(c *call) (any, error) {
		s, err := h.Delivery.Instance(c.Context(), c.actor, c.PathValue("id"))
		return viewInstance(s), err
	})
	// A look at live details calls the seller: it is no change and no transaction.
	h.mux.HandleFunc("POST "+Prefix+"/instances/{id}/details", func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			s, err := h.Delivery.Details(r.Context(), c.actor, r.PathValue("id"))
			return http.StatusOK, encode(viewInstance(s)), err
		})
	})
	// A renewal that changes the size is asked of the seller first, outside any transaction; the
	// order itself is one change with its key.
	h.changeAfter("POST", "/instances/{id}/renew", http.StatusCreated, func(ctx context.Context, c *call) error {
		in := renewal(c)
		if err := c.body.bad.Err(); err != nil {
			return err
		}
		return h.askRenewal(ctx, c, in)
	}, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := renewal(c)
		in.Checked = true
		return orderOrNil(h.Trade.Renew(ctx, tx, c.actor, in))
	})
	h.change("POST", "/instances/{id}/change", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := trade.Change{InstanceID: c.PathValue("id"), SKUCode: c.body.text("sku_code"), OfferID: c.body.text("product_id"), Quantity: c.body.whole("quantity", 0), Expected: c.body.text("expected_amount")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return orderOrNil(h.Trade.Change(ctx, tx, c.actor, in))
	})
	h.change("POST", "/instances/{id}/convert", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := trade.Conversion{InstanceID: c.PathValue("id"), OfferID: c.body.text("product_id"), PeriodNumber: c.body.whole("period_number", 1), Expected: c.body.text("expected_amount")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return orderOrNil(h.Trade.Convert(ctx, tx, c.actor, in))
	})
	h.change("POST", "/instances/{id}/cancel-renewal", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return orderOrNil(h.Trade.CancelRenewal(ctx, tx, c.actor, c.PathValue("id")))
	})
	h.change("POST", "/instances/{id}/unsubscribe", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		reason := c.body.text("reason")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		if len([]rune(reason)) > trade.MaxReason {
			return nil, fault.Field("reason", "must be at most %d characters", trade.MaxReason)
		}
		return orderOrWaits(h.Trade.Unsubscribe(ctx, tx, c.actor, c.PathValue("id"), reason))
	})
	h.change("PUT", "/instances/{id}/auto-renew", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		on, periods := c.body.flag("enabled"), c.body.whole("period_number", 1)
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return instanceOrNil(h.Trade.SetAutoRenew(ctx, tx, c.actor, c.PathValue("id"), on, periods))
	})
	h.change("POST", "/instances/{id}/freeze", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		reason := c.body.text("reason")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return instanceOrNil(h.Trade.FreezeForViolation(ctx, tx, c.actor, c.PathValue("id"), reason))
	})
	h.change("POST", "/instances/{id}/unfreeze", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return instanceOrNil(h.Trade.LiftViolation(ctx, tx, c.actor, c.PathValue("id")))
	})
}

func renewal(c *call) trade.Renewal {
	return trade.Renewal{InstanceID: c.PathValue("id"), OfferID: c.body.text("product_id"), Quantity: c.body.whole("quantity", 0), PeriodNumber: c.body.whole("period_number", 1), Expected: c.body.text("expected_amount")}
}

// askRenewal asks the seller where a renewal changes the size, and nobody otherwise.
func (h *Handler) askRenewal(ctx context.Context, c *call, in trade.Renewal) error {
	changes, offer, quantity, err := h.Trade.RenewalChanges(ctx, c.actor, in)
	if err != nil || !changes {
		return err
	}
	return h.Delivery.CheckChange(ctx, c.actor, in.InstanceID, offer, quantity)
}

func instanceOrNil(i *instance.Instance, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return viewInstance(delivery.Service{Instance: *i}), nil
}

// partView is one line of how an amount came about.
type partView struct {
	Kind     string `json:"kind"`
	Unit     string `json:"unit"`
	Quantity int64  `json:"quantity"`
	Periods  int64  `json:"periods,omitempty"`
	Days     int64  `json:"days,omitempty"`
	Amount   string `json:"amount"`
}

func viewParts(o *order.Order) []partView {
	out := []partView{}
	for _, p := range o.Breakdown {
		out = append(out, partView{p.Kind, p.Unit, p.Quantity, p.Periods, p.Days, p.Amount.String()})
	}
	return out
}

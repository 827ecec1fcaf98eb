package manage

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/trade"
)

// routes is the whole API. // spec: 01 §8.5
func (h *Handler) routes() {
	h.products()
	h.catalogue()
	h.orders()
	h.instances()
	h.refunds()
	h.attempts()
	h.sellers()
	h.shops()
	h.labs()
	h.companies()
	h.people()
	h.messages()
	h.clock()
	h.settings()
	h.mux.HandleFunc(Prefix+"/", func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) { return 0, nil, fault.Unknown("route") })
	})
}

func (h *Handler) products() {
	h.read("/products", func(c *call) (any, error) {
		after, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		ls, err := h.Catalogue.List(c.Context(), c.actor, after, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(ls, limit, viewProduct, func(l catalogue.Listing) string { return cursor.Encode(l.Product.ID) }), nil
	})
	h.read("/products/{id}", func(c *call) (any, error) {
		l, err := h.Catalogue.Get(c.Context(), c.actor, c.PathValue("id"))
		return viewProduct(l), err
	})
	h.change("POST", "/products", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := catalogue.NewProduct{Name: c.body.text("name"), Summary: c.body.text("summary"), Protocol: catalog.Protocol(c.body.text("protocol"))}
		if s := c.body.sub("settings"); s != nil {
			in.Settings = readSettings(s)
		}
		for _, s := range c.body.list("skus") {
			sku := catalogue.NewSKU{Name: s.text("name"), Attributes: s.pairs("attributes")}
			if q := s.sub("quantity"); q != nil {
				sku.Quantity = &catalog.QuantityRule{Name: q.text("name"), Unit: q.text("unit"), Min: q.whole("min", 1), Max: q.whole("max", catalog.MaxQuantity), Step: q.whole("step", 1), Pricing: mode(q.text("pricing"))}
			}
			for _, o := range s.list("offers") {
				cur := o.text("currency")
				if cur == "" {
					cur = string(money.CNY)
				}
				offer := catalogue.NewOffer{PeriodType: catalog.PeriodType(o.text("period_type")), Price: o.text("price"), Currency: money.Currency(cur)}
				for _, b := range o.list("bands") {
					offer.Bands = append(offer.Bands, pricing.Band{From: b.whole("from", 0), Unit: b.text("price")})
				}
				sku.Offers = append(sku.Offers, offer)
			}
			in.SKUs = append(in.SKUs, sku)
		}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		l, err := h.Catalogue.Create(ctx, tx, c.actor, in)
		return viewProduct(l), err
	})
	h.change("PUT", "/products/{id}/settings", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		s := readSettings(c.body)
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		l, err := h.Catalogue.Configure(ctx, tx, c.actor, c.PathValue("id"), s)
		return viewProduct(l), err
	})
	for _, d := range []catalogue.Decide{catalogue.Submit, catalogue.Approve, catalogue.Reject, catalogue.Suspend, catalogue.Resume,
		catalogue.Delist, catalogue.RequestDelist, catalogue.RefuseDelist} {
		proof := func(ctx context.Context, c *call) error {
			return h.Lab.ProveMove(ctx, c.actor, c.PathValue("id"), d)
		}
		h.changeAfter("POST", "/products/{id}/"+string(d), http.StatusOK, proof, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			reason := c.body.text("reason")
			if err := c.body.bad.Err(); err != nil {
				return nil, err
			}
			l, err := h.Catalogue.Move(ctx, tx, c.actor, c.PathValue("id"), d, reason)
			return viewProduct(l), err
		})
	}
}

// mode reads how a number of pieces is priced; "linear" may be said.
func mode(text string) pricing.Mode {
	if text == "linear" {
		return pricing.Linear
	}
	return pricing.Mode(text)
}

func readSettings(b *body) catalog.Settings {
	s := catalog.Settings{
		StableBusinessID: b.flag("stable_business_id"), AlwaysSendTestFlag: b.flag("always_send_test_flag"), LenientContentType: b.flag("lenient_content_type"),
		ReadyWithoutInfo: b.flag("ready_without_info"), SendUser: b.flag("send_user"), SendMobile: b.flag("send_mobile"), SendEmail: b.flag("send_email"),
		SealBits: int(b.whole("seal_bits", 0)), ProductInfoText: b.flag("product_info_text"),
	}
	if l := b.sub("purchase_limit"); l != nil {
		s.PurchaseLimit = &catalog.PurchaseLimit{Orders: int(l.whole("orders", 0)), Pieces: l.whole("pieces", 0), OneAtATime: l.flag("one_at_a_time"),
			SKUs: l.texts("skus"), Days: int(l.whole("days", 0))}
	}
	if p := b.sub("profile"); p != nil {
		s.Profile = map[string][]string{}
		for _, m := range p.object.Members {
			s.Profile[m.Name] = append([]string{}, p.texts(m.Name)...)
		}
	}
	return s
}

func (h *Handler) orders() {
	h.change("POST", "/orders", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := trade.NewOrder{OfferID: c.body.text("product_id"), PeriodNumber: c.body.whole("period_number", 1), Quantity: c.body.whole("quantity", 1),
			AcceptAgreement: c.body.flag("accept_agreement"), ExpectedAmount: c.body.text("expected_amount"), Trial: c.body.flag("trial")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		o, err := h.Trade.Place(ctx, tx, c.actor, in)
		if err == nil {
			ops.From(c.Context()).Order = o.ID
		}
		return orderOrNil(o, err)
	})
	h.read("/orders", func(c *call) (any, error) {
		mark, limit, err := page(c.Request, 2)
		if err != nil {
			return nil, err
		}
		var at time.Time
		id := ""
		if mark != nil {
			us, err := strconv.ParseInt(mark[0], 10, 64)
			if err != nil {
				return nil, fault.Field("page", "is not a page mark of this list")
			}
			at, id = clock.FromMicros(us), mark[1]
		}
		os, err := h.Trade.List(c.Context(), c.actor, c.URL.Query().Get("status"), at, id, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(os, limit, func(o order.Order) orderView { return viewOrder(&o) },
			func(o order.Order) string {
				return cursor.Encode(strconv.FormatInt(clock.Micros(o.CreatedAt), 10), o.ID)
			}), nil
	})
	h.read("/orders/{id}", func(c *call) (any, error) {
		return orderOrNil(h.Trade.Get(c.Context(), c.actor, c.PathValue("id")))
	})
	h.change("POST", "/orders/{id}/pay", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return orderOrNil(h.Trade.Pay(ctx, tx, c.actor, c.PathValue("id")))
	})
	h.change("POST", "/orders/{id}/cancel", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return orderOrNil(h.Trade.Cancel(ctx, tx, c.actor, c.PathValue("id")))
	})
	h.change("POST", "/orders/{id}/refund", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return orderOrWaits(h.Trade.Refund(ctx, tx, c.actor, c.PathValue("id")))
	})
}

func orderOrNil(o *order.Order, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return viewOrder(o), nil
}

func (h *Handler) attempts() {
	h.read("/attempts", func(c *call) (any, error) {
		before, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		q := c.URL.Query()
		oldest := q.Get("sort") == "started_at"
		as, err := h.Delivery.Attempts(c.Context(), c.actor, delivery.Filter{OrderID: q.Get("order"), InstanceID: q.Get("instance"), Activity: q.Get("activity"), State: q.Get("state"), SellerID: q.Get("seller")},
			before, limit+1, oldest)
		if err != nil {
			return nil, err
		}
		return listOf(as, limit, viewAttempt, func(a delivery.AttemptRecord) string { return cursor.Encode(a.ID) }), nil
	})
	h.read("/attempts/{id}", func(c *call) (any, error) {
		a, err := h.Delivery.Attempt(c.Context(), c.actor, c.PathValue("id"))
		if err != nil {
			return nil, err
		}
		return viewAttempt(*a), nil
	})
	type act func(ctx context.Context, tx *kernel.Tx, a access.Actor, id string) (*delivery.AttemptRecord, error)
	for path, f := range map[string]act{"restart": h.Delivery.Restart, "replay": h.Delivery.Replay, "mark-delivered": h.Delivery.MarkDelivered} {
		h.change("POST", "/attempts/{id}/"+path, http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			a, err := f(ctx, tx, c.actor, c.PathValue("id"))
			if err != nil {
				return nil, err
			}
			return viewAttempt(*a), nil
		})
	}
	// Many at once: each is its own transaction, each has its own outcome.
	for path, do := range map[string]act{"restart": h.Delivery.Restart, "replay": h.Delivery.Replay} {
		h.mux.HandleFunc("POST "+Prefix+"/attempts/"+path, func(w http.ResponseWriter, r *http.Request) {
			h.answer(w, r, func(c *call) (int, []byte, error) {
				ids := c.body.texts("ids")
				if len(ids) == 0 || len(ids) > cursor.MaxSize {
					c.body.bad.Add("ids", "must name 1 to %d attempts", cursor.MaxSize)
				}
				if err := c.body.bad.Err(); err != nil {
					return 0, nil, err
				}
				type one struct {
					ID        string `json:"id"`
					Restarted bool   `json:"restarted"` // or replayed
					Code      string `json:"code,omitempty"`
					Message   string `json:"message,omitempty"`
				}
				out := list[one]{Items: []one{}}
				for _, id := range ids {
					err := h.Kernel.Change(r.Context(), func(ctx context.Context, tx *kernel.Tx) error {
						_, err := do(ctx, tx, c.actor, id)
						return err
					})
					v := one{ID: id, Restarted: err == nil}
					if f, ok := fault.As(err); ok {
						if f.Kind == fault.Unauthenticated || f.Kind == fault.Forbidden || f.Kind == fault.Unavailable {
							return 0, nil, err
						}
						v.Code, v.Message = f.Code, f.Message
					} else if err != nil {
						return 0, nil, err
					}
					out.Items = append(out.Items, v)
				}
				return http.StatusOK, encode(out), nil
			})
		})
	}
}

func (h *Handler) sellers() {
	h.change("PUT", "/sellers/{id}/production-address", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		class, product, address := c.body.text("class"), c.body.text("product_id"), c.body.text("address")
		if class == "" {
			class = "base"
		}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		err := h.Catalogue.SetAddress(ctx, tx, c.actor, c.PathValue("id"), class, product, address)
		return map[string]string{"class": class, "product_id": product, "address": address}, err
	})
	h.changeSecret("PUT", "/sellers/{id}/keys/{class}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		key := c.body.text("key")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		version, shown, err := h.Catalogue.SetKey(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("class"), key)
		out := map[string]any{"class": c.PathValue("class"), "version": version}
		if key == "" {
			out["key"] = shown // drawn by us: shown this once
		}
		return out, err
	})
	h.read("/sellers/{id}/faults", func(c *call) (any, error) {
		texts, err := h.Sandbox.Faults(c.Context(), c.actor, c.PathValue("id"))
		return map[string][]string{"faults": texts}, err
	})
	h.change("PUT", "/sellers/{id}/faults", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		texts := c.body.texts("faults")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		if texts == nil {
			texts = []string{}
		}
		texts, err := h.Sandbox.SetFaults(ctx, tx, c.actor, c.PathValue("id"), texts)
		return map[string][]string{"faults": texts}, err
	})
	h.change("PUT", "/sellers/{id}/retry-policy", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		policy := c.body.text("retry_policy")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return map[string]string{"retry_policy": policy}, h.Catalogue.SetRetryPolicy(ctx, tx, c.actor, c.PathValue("id"), policy)
	})
	h.accessKeys()
}

func (h *Handler) companies() {
	h.change("POST", "/companies", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in := people.NewCompany{Kind: party.Kind(c.body.text("kind")), Name: c.body.text("name"), Email: c.body.text("email"), Mobile: c.body.text("mobile"), BuyerLevel: c.body.text("buyer_level")}
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		co, err := h.People.CreateCompany(ctx, tx, c.actor, in)
		return map[string]any{"id": co.ID, "kind": co.Kind, "name": co.Name}, err
	})
	h.change("POST", "/companies/{id}/top-up", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		amount, currency := c.body.text("amount"), c.body.text("currency")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		u, err := h.Trade.TopUp(ctx, tx, c.actor, c.PathValue("id"), amount, currency)
		return map[string]string{"id": u.ID, "company_id": u.CompanyID, "amount": u.Amount.String(), "currency": string(u.Currency), "status": u.State}, err
	})
	for path, agree := range map[string]bool{"approve": true, "refuse": false} {
		h.change("POST", "/top-ups/{id}/"+path, http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			u, err := h.Trade.DecideTopUp(ctx, tx, c.actor, c.PathValue("id"), agree)
			return map[string]string{"id": u.ID, "company_id": u.CompanyID, "amount": u.Amount.String(), "currency": string(u.Currency), "status": u.State}, err
		})
	}
	h.read("/ledger/accounts", func(c *call) (any, error) {
		mark, limit, err := page(c.Request, 2)
		if err != nil {
			return nil, err
		}
		name, cur := "", ""
		if mark != nil {
			name, cur = mark[0], mark[1]
		}
		type account struct {
			Account  string `json:"account"`
			Currency string `json:"currency"`
			Balance  string `json:"balance"`
		}
		as, err := h.Trade.Accounts(c.Context(), c.actor, name, cur, limit+1)
		if err != nil {
			return nil, err
		}
		return listOf(as, limit, func(a trade.AccountBalance) account { return account{a.Name, string(a.Currency), a.Balance.String()} },
			func(a trade.AccountBalance) string { return cursor.Encode(a.Name, string(a.Currency)) }), nil
	})
}

func (h *Handler) clock() {
	type state struct {
		Now           *string `json:"now"`
		WireNow       *string `json:"wire_now"`
		OffsetSeconds int64   `json:"offset_seconds"`
		Sandbox       bool    `json:"sandbox"`
		Moving        bool    `json:"moving"`
		Target        *string `json:"target"`
		OpenJobs      int     `json:"open_jobs"`
	}
	show := func(ctx context.Context) (state, error) {
		st, err := h.Sandbox.State(ctx)
		return state{stamp(st.Now), stamp(st.Wire), int64(st.Offset / time.Second), h.Kernel.Sandbox, st.Moving, stamp(st.Target), st.Open}, err
	}
	// Sellers' servers read the clock without a token. // spec: 01 §1.1
	h.read("/sandbox/clock", func(c *call) (any, error) { return show(c.Context()) })
	// The move is a job of its own; the answer waits for its end as long as a client
	// comfortably can, and then tells how far it is. // spec: 01 §1.2
	h.mux.HandleFunc("POST "+Prefix+"/sandbox/clock", func(w http.ResponseWriter, r *http.Request) {
		h.answer(w, r, func(c *call) (int, []byte, error) {
			advance, to := c.body.text("advance"), c.body.text("to")
			wait := 10 * time.Second
			if s := c.body.text("wait"); s != "" {
				d, err := time.ParseDuration(s)
				if err != nil || d < 0 || d > 5*time.Minute {
					c.body.bad.Add("wait", "must be a duration up to 5m")
				}
				wait = d
			}
			var goal time.Time
			switch {
			case (advance == "") == (to == ""):
				c.body.bad.Add("advance", `give either "advance" (such as "24h") or "to" (such as "2026-12-03T00:00:00Z")`)
			case advance != "":
				d, err := time.ParseDuration(advance)
				if err != nil || d < 0 {
					c.body.bad.Add("advance", `must be a duration such as "24h" or "90m", not negative`)
				}
				goal = h.Kernel.Clock.Now().Add(d)
			default:
				var err error
				if goal, err = time.Parse(time.RFC3339, to); err != nil {
					c.body.bad.Add("to", "must be an RFC 3339 instant such as 2026-12-03T00:00:00Z")
				}
			}
			if err := c.body.bad.Err(); err != nil {
				return 0, nil, err
			}
			if err := h.Kernel.Change(r.Context(), func(ctx context.Context, tx *kernel.Tx) error {
				return h.Sandbox.Move(ctx, tx, c.actor, goal.UTC().Truncate(time.Microsecond))
			}); err != nil {
				return 0, nil, err
			}
			ctx, cancel := context.WithTimeout(r.Context(), wait)
			defer cancel()
			_ = h.Sandbox.Wait(ctx) // a longer move goes on; the state says so
			st, err := show(r.Context())
			status := http.StatusOK
			if st.Moving {
				status = http.StatusAccepted
			}
			return status, encode(st), err
		})
	})
}

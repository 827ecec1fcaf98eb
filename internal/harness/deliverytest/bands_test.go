package deliverytest

import "testing"

// sells puts a product on sale whose number of pieces is priced in bands, and gives its offer
// by month.
func (w *world) sells(mode string) (offer string) {
	w.t.Helper()
	var p struct {
		ID   string
		SKUs []struct {
			SKUCode  string `json:"sku_code"`
			Quantity struct{ Pricing string }
			Offers   []struct {
				ProductID string `json:"product_id"`
				Price     string
				Bands     []struct {
					From  int64
					Price string
				}
			}
		}
	}
	w.must(w.as("yunfan").Do(w.t.Context(), "POST", api+"/products", "", map[string]any{"name": "按席位 " + mode, "summary": "席位越多越便宜", "protocol": "v1", "skus": []any{map[string]any{
		"name": "席位", "quantity": map[string]any{"name": "席位数", "unit": "个", "min": 1, "max": 50, "pricing": mode},
		"offers": []any{map[string]any{"period_type": "month", "price": "10.00", "bands": []any{map[string]any{"from": 11, "price": "8.00"}}}},
	}}}, &p))
	if got := p.SKUs[0]; got.Quantity.Pricing != mode || len(got.Offers[0].Bands) != 1 || got.Offers[0].Bands[0].From != 11 || got.Offers[0].Bands[0].Price != "8.00" {
		w.t.Fatalf("stored as %+v", got)
	}
	w.must(w.as("yunfan").Do(w.t.Context(), "POST", api+"/products/"+p.ID+"/submit", "", map[string]any{}, nil))
	w.must(w.as("operator").Do(w.t.Context(), "POST", api+"/products/"+p.ID+"/approve", "", map[string]any{}, nil))
	return p.SKUs[0].Offers[0].ProductID
}

// Worked example E6 on a service that was bought: what is placed costs the list price of its
// mode, growing costs what the rule of the mode says, and a renewal the list price of the new
// size. 10 pieces grow to 20 with 15 of 30 days left. // spec: 22 §9 E6, §3.5, 20 B3.3, 01 §4.4
func TestPricesInBands(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for mode, want := range map[string]struct {
			first, twelve, grown, renewed string
			unit                          string // of the first of twelve pieces
			parts                         int
		}{
			"graduated": {"100.00", "116.00", "30.00", "180.00", "10.00", 2},
			"volume":    {"100.00", "96.00", "40.00", "160.00", "8.00", 1},
		} {
			w.offers[mode] = w.sells(mode)
			o := w.place(mode, 12)
			if o.AmountDeal != want.twelve || o.Breakdown[0].Unit != want.unit || len(o.Breakdown) != want.parts {
				t.Errorf("%s: twelve pieces cost %s at %s, %+v", mode, o.AmountDeal, o.Breakdown[0].Unit, o.Breakdown)
			}
			o, i := w.owned(mode, 10)
			if o.AmountDeal != want.first {
				t.Errorf("%s: ten pieces cost %s", mode, o.AmountDeal)
			}
			w.moveTo(at(i.ExpireAt).Add(-15 * day).Sub(start))
			w.refuses(i.ID, "change", map[string]any{"quantity": 51}, 422, "quantity_out_of_range")
			if mode == "graduated" {
				// Eleven at 8.00 would cost less than ten at 10.00 do: that is no growth.
				w.refuses(i.ID, "change", map[string]any{"quantity": 11}, 422, "price_inversion")
			}
			c := w.on(i.ID, "change", map[string]any{"quantity": 20})
			if c.AmountDeal != want.grown {
				t.Errorf("%s: growing costs %s, %+v", mode, c.AmountDeal, c.Breakdown)
			}
			w.pay(c)
			w.settle()
			if got := w.instance(i.ID); got.Quantity != 20 || got.ExpireAt != i.ExpireAt {
				t.Errorf("%s: %d until %s", mode, got.Quantity, got.ExpireAt)
			}
			if r := w.on(i.ID, "renew", map[string]any{"period_number": 1}); r.AmountDeal != want.renewed {
				t.Errorf("%s: renewed for %s", mode, r.AmountDeal)
			}
		}
		for _, bad := range []map[string]any{
			{"pricing": "graduated", "bands": []any{}},
			{"pricing": "", "bands": []any{map[string]any{"from": 11, "price": "8.00"}}},
			{"pricing": "steps", "bands": []any{map[string]any{"from": 11, "price": "8.00"}}},
			{"pricing": "volume", "bands": []any{map[string]any{"from": 1, "price": "8.00"}}},
			{"pricing": "volume", "bands": []any{map[string]any{"from": 11, "price": "8"}, map[string]any{"from": 11, "price": "7"}}},
			{"pricing": "volume", "bands": []any{map[string]any{"from": 11, "price": "-8"}}},
			{"pricing": "volume", "bands": []any{map[string]any{"from": 51, "price": "8"}}},
		} {
			w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/products", "", map[string]any{"name": "按席位", "protocol": "v1", "skus": []any{map[string]any{
				"name": "席位", "quantity": map[string]any{"name": "席位数", "unit": "个", "min": 1, "max": 50, "pricing": bad["pricing"]},
				"offers": []any{map[string]any{"period_type": "month", "price": "10.00", "bands": bad["bands"]}},
			}}}, nil), 400, "invalid")
		}
		w.sound()
	})
}

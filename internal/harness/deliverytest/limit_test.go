package deliverytest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/harness/demo"
)

// limited is a product with two specifications by the month, which a limit can tell apart.
type limited struct {
	*world
	product              string
	one, other           string // codes
	oneMonth, otherMonth string // offers
}

func twoSpecifications(w *world) *limited {
	w.t.Helper()
	l := &limited{world: w}
	l.one, l.oneMonth = w.sku("v1", "标准版")
	l.other, l.otherMonth = w.sku("v1", "专业版")
	if l.product = w.byOffer[l.oneMonth]; l.product != w.byOffer[l.otherMonth] {
		w.t.Fatal("the specifications are of two products")
	}
	return l
}

// limit sets the purchase limit; nil takes it away.
func (l *limited) limit(limit map[string]any) error {
	return l.as("yunfan").Do(l.t.Context(), "PUT", api+"/products/"+l.product+"/settings", "", map[string]any{"purchase_limit": limit}, nil)
}

// order submits an order of an offer.
func (l *limited) order(offer string, quantity int, more ...string) (o demo.Order, err error) {
	in := map[string]any{"product_id": offer, "quantity": quantity, "accept_agreement": true}
	for _, m := range more {
		in[m] = true
	}
	return o, l.as("buyer").Do(l.t.Context(), "POST", api+"/orders", "", in, &o)
}

// owns orders, pays, and waits for the service.
func (l *limited) owns(offer string, quantity int) demo.Order {
	l.t.Helper()
	o, err := l.order(offer, quantity)
	l.must(err)
	l.pay(o)
	l.settle()
	return l.world.order(o.ID)
}

func (l *limited) beyond(offer string, quantity int) {
	l.t.Helper()
	_, err := l.order(offer, quantity)
	l.refused(err, 422, "purchase_limit")
}

// A limit of chosen specifications binds and counts these alone, all of them together; one of
// a window counts the orders placed within it. // spec: 22 §2.4, 20 B4
func TestPurchaseLimitsOfChosenSpecificationsAndOfAWindow(t *testing.T) {
	each(t, func(t *testing.T, world *world) {
		w := twoSpecifications(world)
		w.owns(w.otherMonth, 4)
		w.must(w.limit(map[string]any{"pieces": 5, "skus": []string{w.one}, "days": 30}))
		_, err := w.order(w.oneMonth, 6)
		var p *demo.Problem
		if !errors.As(err, &p) || p.Fields["quantity"] != "must be at most 5" || !strings.Contains(p.Message, "5 pieces of the limited specifications of this product within 30 days") {
			t.Errorf("refused with %v", err)
		}
		w.owns(w.oneMonth, 3)
		w.beyond(w.oneMonth, 3)
		w.owns(w.otherMonth, 9) // which no limit binds
		// Both together: four, nine and three pieces.
		w.must(w.limit(map[string]any{"pieces": 17, "skus": []string{w.one, w.other}, "days": 30}))
		w.beyond(w.otherMonth, 2)
		w.must(w.limit(map[string]any{"orders": 3, "skus": []string{w.one, w.other}, "days": 30}))
		w.beyond(w.oneMonth, 1)
		// A trial has its own limit: it neither asks nor counts.
		_, err = w.order(w.oneMonth, 2, "trial")
		w.must(err)
		w.settle()
		w.must(w.limit(map[string]any{"pieces": 4, "skus": []string{w.one}, "days": 30}))
		// The window ends at the instant itself.
		w.moveTo(30*day - time.Second)
		w.beyond(w.oneMonth, 2)
		w.owns(w.oneMonth, 1)
		w.beyond(w.oneMonth, 1)
		w.moveTo(30 * day)
		w.beyond(w.oneMonth, 4)
		w.owns(w.oneMonth, 3)
		w.beyond(w.oneMonth, 1)
		w.must(w.limit(map[string]any{"orders": 9, "pieces": 8})) // the whole product, ever
		w.beyond(w.otherMonth, 1)
		w.must(w.limit(nil))
		w.owns(w.oneMonth, 50)
		w.sound()
	})
}

// One at a time of one specification: the other one is free, and it is free again when the
// service has ended. // spec: 22 §2.4
func TestOneAtATimeOfASpecification(t *testing.T) {
	each(t, func(t *testing.T, world *world) {
		w := twoSpecifications(world)
		w.must(w.limit(map[string]any{"one_at_a_time": true, "skus": []string{w.one}}))
		o := w.owns(w.oneMonth, 1)
		w.beyond(w.oneMonth, 1)
		w.owns(w.otherMonth, 1)
		w.owns(w.otherMonth, 1)
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+o.Lines[0].InstanceID+"/unsubscribe", "", nil, nil))
		w.settle()
		w.owns(w.oneMonth, 1)
		w.beyond(w.oneMonth, 1)
		w.sound()
	})
}

// Orders at once count one after the other.
func TestAPurchaseLimitHoldsForOrdersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, world *world) {
		w := twoSpecifications(world)
		w.must(w.limit(map[string]any{"orders": 2, "skus": []string{w.one, w.other}, "days": 1}))
		n := w.together(6, func(i int) error {
			_, err := w.order([]string{w.oneMonth, w.otherMonth}[i%2], 1)
			return err
		})
		if n != 2 {
			t.Errorf("%d orders of 6 at once were taken, want 2", n)
		}
	})
}

// What is no limit is refused by its field, and what held before holds on.
func TestBadPurchaseLimits(t *testing.T) {
	w := twoSpecifications(newWorld(t, database.SQLite, nil))
	elsewhere, _ := w.sku("v2", "旗舰版")
	w.must(w.limit(map[string]any{"orders": 1, "skus": []string{w.one}}))
	for field, limits := range map[string][]map[string]any{
		"orders": {{"orders": -1}, {"orders": 1_000_000_000}},
		"pieces": {{"pieces": -1}, {"pieces": 1_000_000_000}},
		"days":   {{"orders": 1, "days": -1}, {"pieces": 1, "days": 3661}, {"days": 30}, {"one_at_a_time": true, "days": 30}},
		"skus":   {{"skus": []string{w.one}}, {"orders": 1, "skus": []string{elsewhere}}, {"orders": 1, "skus": []string{"none"}}, {"pieces": 1, "skus": []string{w.one, w.one}}},
	} {
		for _, limit := range limits {
			err := w.limit(limit)
			w.refused(err, 400, "invalid")
			var p *demo.Problem
			if errors.As(err, &p); len(p.Fields) != 1 || p.Fields["settings.purchase_limit."+field] == "" {
				t.Errorf("%v: %v", limit, p.Fields)
			}
		}
	}
	w.refused(w.limit(map[string]any{"orders": 1, "skus": w.one}), 400, "invalid") // no list
	w.refused(w.limit(map[string]any{"orders": "1"}), 400, "invalid")
	// A new product has no codes yet.
	w.refused(w.as("yunfan").Do(t.Context(), "POST", api+"/products", "", map[string]any{"name": "限购的商品", "protocol": "v1",
		"settings": map[string]any{"purchase_limit": map[string]any{"orders": 1, "skus": []string{w.one}}},
		"skus":     []any{map[string]any{"name": "标准", "offers": []any{map[string]any{"period_type": "month", "price": "1.00", "currency": "CNY"}}}}}, nil), 400, "invalid")
	var got struct {
		Settings struct {
			Limit *struct {
				Orders int
				SKUs   []string
			} `json:"purchase_limit"`
		}
	}
	read := func() {
		t.Helper()
		got.Settings.Limit = nil
		w.must(w.as("yunfan").Do(t.Context(), "GET", api+"/products/"+w.product, "", nil, &got))
	}
	if read(); got.Settings.Limit == nil || got.Settings.Limit.Orders != 1 || len(got.Settings.Limit.SKUs) != 1 {
		t.Errorf("what held before is now %+v", got.Settings.Limit)
	}
	w.must(w.limit(map[string]any{"orders": 0, "skus": []string{}}))
	if read(); got.Settings.Limit != nil {
		t.Errorf("a limit that bounds nothing is %+v", got.Settings.Limit)
	}
}

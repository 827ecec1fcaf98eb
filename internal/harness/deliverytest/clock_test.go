package deliverytest

import (
	"fmt"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/config"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/harness/demo"
)

// One step of 60 days and 60 steps of a day leave the same states, the same calls
// at the same business instants in the same order per instance, and the same ledger.
// spec: 01 §1.2
func TestOneLongStepEqualsManyShortOnes(t *testing.T) {
	for _, engine := range []database.Engine{database.SQLite, database.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			var pictures []string
			for _, steps := range []int{1, 60} {
				w := newWorld(t, engine, func(c *config.Config) { c.TimeoutScale = 4 }) // nothing times out by chance
				// A seller that fails in a pattern: every third call of an instance is refused.
				n := map[string]int{}
				w.seller.behave(func(c call) reply {
					if strings.HasPrefix(c.proto, "notify") {
						return well(c)
					}
					k := c.get("orderId") + c.get("instanceId")
					if n[k]++; n[k]%3 == 1 {
						return code("000005")(c)
					}
					return well(c)
				})
				var ids []string
				for _, offer := range []string{"v1 month", "v2 month", "v1 year", "v2 one_time", "v1 one_time"} {
					ids = append(ids, w.buy(offer, 1).ID)
					w.settle()
				}
				// Services whose events lie so close together that a move takes them in one step.
				for n := range 8 {
					ids = append(ids, w.buy([]string{"v1 month", "v2 month"}[n%2], 1).ID)
					w.move(37 * time.Second)
				}
				w.place("v1 month", 3) // never paid
				w.move(3 * time.Hour)  // everything opened
				var r demo.Order
				w.must(w.as("buyer").Do(t.Context(), "POST", api+"/instances/"+w.order(ids[0]).Lines[0].InstanceID+"/renew", "", map[string]any{"period_number": 1}, &r))
				w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+r.ID+"/pay", "", nil, nil))
				w.settle()
				ids = append(ids, r.ID)
				for range steps {
					w.move(60 * 24 * time.Hour / time.Duration(steps))
				}
				pictures = append(pictures, w.picture(ids))
			}
			if pictures[0] != pictures[1] {
				t.Errorf("one step:\n%s\nmany steps:\n%s", pictures[0], pictures[1])
			}
			if strings.Count(pictures[0], "\n") < 25 || !strings.Contains(pictures[0], "RELEASED") {
				t.Errorf("too little happened to compare:\n%s", pictures[0])
			}
		})
	}
}

// picture is all that happened, with ids replaced by their place in the list.
func (w *world) picture(ids []string) string {
	w.t.Helper()
	var b strings.Builder
	orders, err := demo.All[demo.Order](w.t.Context(), w.as("operator"), api+"/orders")
	w.must(err)
	known := map[string]int{}
	for i, id := range ids {
		known[id] = i + 1
	}
	var lines []string
	for _, o := range orders {
		l := fmt.Sprintf("order %d %s %s %s line %s", known[o.ID], o.Type, o.Status, o.AmountPaid, o.Lines[0].Status)
		if o.Lines[0].InstanceID != "" {
			i := w.instance(o.Lines[0].InstanceID)
			l += fmt.Sprintf(" instance %s until %s", i.Status, i.ExpireAt)
		}
		lines = append(lines, l)
	}
	for _, a := range w.attempts("", "") {
		if a.Activity != "orderNotify" {
			lines = append(lines, fmt.Sprintf("call of %d %s #%d %s at %s", known[a.OrderID], a.Activity, a.Number, a.State, a.BusinessAt))
		}
	}
	as, err := demo.All[demo.LedgerAccount](w.t.Context(), w.as("operator"), api+"/ledger/accounts")
	w.must(err)
	for _, a := range as {
		kind := a.Account[strings.LastIndexByte(a.Account, ':')+1:]
		lines = append(lines, "account "+kind+" "+a.Balance)
	}
	sort.Strings(lines)
	b.WriteString(strings.Join(lines, "\n") + "\n")
	return b.String()
}

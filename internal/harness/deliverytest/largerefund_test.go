package deliverytest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/harness/demo"
)

// request is a large refund as the management API shows it.
type request struct {
	ID         string `json:"id"`
	InstanceID string `json:"instance_id"`
	State      string `json:"state"`
	Amount     string `json:"amount"`
	AnswerBy   string `json:"answer_by"`
	AnsweredBy string `json:"answered_by"`
	Answer     string `json:"answer"`
	OrderID    string `json:"order_id"`
}

func (w *world) threshold(amount string) {
	w.t.Helper()
	w.must(w.as("operator").Do(w.t.Context(), "PUT", api+"/settings", "", map[string]any{"values": map[string]string{"orders.large_refund_threshold": amount}}, nil))
}

// asks gives a service back that is above the threshold: nothing moves.
func (w *world) asks(instance string) request {
	w.t.Helper()
	before, n := w.available(), len(w.seller.seen("releaseInstance"))
	var out struct {
		R request `json:"refund_request"`
	}
	w.must(w.as("buyer").Do(w.t.Context(), "POST", api+"/instances/"+instance+"/unsubscribe", "", map[string]any{"reason": "不需要了"}, &out))
	w.settle()
	if out.R.State != "WAITING" || out.R.InstanceID != instance || w.available() != before || len(w.seller.seen("releaseInstance")) != n || w.instance(instance).Status != "ACTIVE" {
		w.t.Fatalf("asked: %+v, available %s of %s", out.R, w.available(), before)
	}
	return out.R
}

func (w *world) answers(who, id, what string, in any) (request, error) {
	var r request
	err := w.as(who).Do(w.t.Context(), "POST", api+"/refund-requests/"+id+"/"+what, "", in, &r)
	return r, err
}

func (w *world) request(id string) (r request) {
	w.t.Helper()
	w.must(w.as("buyer").Do(w.t.Context(), "GET", api+"/refund-requests/"+id, "", nil, &r))
	return r
}

// Above the threshold a refund waits for an operator, at it none does; what is waited for keeps
// the service as it is. // spec: 22 §4.1, 01 §3
func TestALargeRefundWaits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		for _, protocol := range []string{"v1", "v2"} {
			o, i := w.owned(protocol+" month", 2)
			w.threshold(o.AmountPaid) // at it: as ever
			if un := w.on(i.ID, "unsubscribe", map[string]any{}); un.Type != "UNSUBSCRIBE" || un.AmountPaid != "-"+o.AmountPaid {
				t.Fatalf("%s at the threshold: %+v", protocol, un)
			}
			w.settle()
			o, i = w.owned(protocol+" month", 2)
			w.pay(w.on(i.ID, "renew", map[string]any{}))
			w.settle()
			w.move(5*day - time.Second) // the last moment to ask
			r := w.asks(i.ID)
			if at(r.AnswerBy).Sub(w.p.Kernel.Clock.Now()) > day || at(r.AnswerBy).Sub(w.p.Kernel.Clock.Now()) < day-time.Minute {
				t.Errorf("%s: an answer by %s", protocol, r.AnswerBy)
			}
			for what, in := range map[string]any{"change": map[string]any{"quantity": 5}, "renew": map[string]any{}, "cancel-renewal": nil, "unsubscribe": map[string]any{}} {
				w.refuses(i.ID, what, in, 409, "refund_waiting")
			}
			w.refused(w.as("buyer").Do(t.Context(), "PUT", api+"/instances/"+i.ID+"/auto-renew", "", map[string]any{"enabled": true}, nil), 409, "refund_waiting")
			w.must(w.as("buyer").Do(t.Context(), "PUT", api+"/instances/"+i.ID+"/auto-renew", "", map[string]any{"enabled": false}, nil))
			_, err := w.answers("buyer2", r.ID, "withdraw", nil)
			w.refused(err, 404, "not_found")
			_, err = w.answers("buyer", r.ID, "approve", nil)
			w.refused(err, 403, "forbidden")
			w.move(10 * time.Hour) // approving later than the window is no matter
			r, err = w.answers("finance", r.ID, "approve", nil)
			w.must(err)
			w.settle()
			un := w.order(r.OrderID)
			if r.State != "APPROVED" || un.Type != "UNSUBSCRIBE" || un.Source != "FIVE_DAY" || un.AmountPaid != "-"+r.Amount || len(un.Lines) != 2 {
				t.Errorf("%s: %+v %+v", protocol, r, un)
			}
			if got := w.instance(i.ID); got.Status != "RELEASED" || w.available() != before || w.pending(protocol) != "0.00" {
				t.Errorf("%s: %s, available %s of %s, seller %s", protocol, got.Status, w.available(), before, w.pending(protocol))
			}
			calls := w.seller.seen("releaseInstance")
			last := calls[len(calls)-1]
			if want := map[string]string{"v1": o.ID, "v2": un.ID}[protocol]; last.get("orderId") != want {
				t.Errorf("%s: released with order %s, want %s", protocol, last.get("orderId"), want)
			}
			if told := w.told("buyer"); !slices.Contains(told, "refund.waiting") || !slices.Contains(told, "refund.approved") || !slices.Contains(told, "order.unsubscribed") {
				t.Errorf("%s: the buyer was told %v", protocol, told)
			}
			if !slices.Contains(w.told("operator"), "refund.waiting") {
				t.Errorf("%s: the operators were not told", protocol)
			}
			_, err = w.answers("operator", r.ID, "approve", nil)
			w.refused(err, 409, "refund_answered")
			_, err = w.answers("operator", r.ID, "reject", map[string]any{"reason": "x"})
			w.refused(err, 409, "refund_answered")
			w.move(2 * day) // its job does nothing
			if w.available() != before {
				t.Errorf("%s: given back twice: %s of %s", protocol, w.available(), before)
			}
		}
		// 0 never asks, and the order's own address asks too.
		o, i := w.owned("v1 month", 2)
		w.threshold("0.01")
		var out struct {
			R request `json:"refund_request"`
		}
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+o.ID+"/refund", "", map[string]any{}, &out))
		if out.R.InstanceID != i.ID || w.order(o.ID).Lines[0].Status != "DELIVERED" {
			t.Errorf("by the order: %+v", out.R)
		}
		if r, err := w.answers("buyer", out.R.ID, "withdraw", nil); err != nil || r.State != "WITHDRAWN" {
			t.Errorf("withdrawn: %+v %v", r, err)
		}
		w.threshold("0")
		w.on(i.ID, "unsubscribe", map[string]any{})
		w.settle()
		w.sound()
	})
}

// Rejected or withdrawn, the service goes on as before; without an answer the request is carried
// out at its own instant, by the platform. // spec: 22 §4.1
func TestAnswersToALargeRefund(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		before := w.available()
		w.threshold("0.01")
		_, i := w.owned("v1 month", 2)
		r := w.asks(i.ID)
		_, err := w.answers("operator", r.ID, "reject", map[string]any{"reason": "  "})
		w.refused(err, 400, "invalid")
		r, err = w.answers("operator", r.ID, "reject", map[string]any{"reason": "材料不全"})
		w.must(err)
		if r.State != "REJECTED" || r.Answer != "材料不全" || !slices.Contains(w.told("buyer"), "refund.rejected") || w.instance(i.ID).Status != "ACTIVE" {
			t.Errorf("rejected: %+v", r)
		}
		w.must(w.as("buyer").Do(t.Context(), "POST", api+"/orders/"+w.on(i.ID, "renew", map[string]any{}).ID+"/cancel", "", map[string]any{}, nil))
		r = w.asks(i.ID)
		n := len(w.told("buyer"))
		if r, err = w.answers("buyer", r.ID, "withdraw", nil); err != nil || r.State != "WITHDRAWN" || len(w.told("buyer")) != n {
			t.Errorf("withdrawn: %+v %v", r, err)
		}
		_, err = w.answers("finance", r.ID, "approve", nil)
		w.refused(err, 409, "refund_answered")
		w.move(day) // nothing lapses that was answered
		if w.instance(i.ID).Status != "ACTIVE" {
			t.Error("a withdrawn request was carried out")
		}
		r = w.asks(i.ID)
		w.move(at(r.AnswerBy).Sub(w.p.Kernel.Clock.Now()) - time.Second)
		if got := w.request(r.ID); got.State != "WAITING" {
			t.Errorf("before the 24 hours are over: %+v", got)
		}
		w.move(time.Second)
		if got := w.request(r.ID); got.State != "APPROVED" || got.AnsweredBy != "system" || w.instance(i.ID).Status != "RELEASED" || w.available() != before {
			t.Errorf("after the 24 hours: %+v, available %s of %s", got, w.available(), before)
		}
		w.sound()
	})
}

// A service that was frozen meanwhile is not given back: both sides are told.
func TestALargeRefundThatBecameImpossible(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.threshold("0.01")
		for _, lapse := range []bool{false, true} {
			_, i := w.owned("v2 month", 2)
			r := w.asks(i.ID)
			before := w.available()
			w.must(w.as("operator").Do(t.Context(), "POST", api+"/instances/"+i.ID+"/freeze", "", map[string]any{"reason": "x"}, nil))
			if lapse {
				w.move(day)
			} else {
				_, err := w.answers("finance", r.ID, "approve", nil)
				w.must(err)
			}
			if got := w.request(r.ID); got.State != "REJECTED" || got.AnsweredBy != "system" || w.instance(i.ID).Status != "FROZEN" || w.available() != before {
				t.Errorf("lapse %v: %+v, the service is %s", lapse, got, w.instance(i.ID).Status)
			}
			for _, who := range []string{"buyer", "operator"} {
				if !slices.Contains(w.told(who), "refund.impossible") {
					t.Errorf("lapse %v: %s was not told", lapse, who)
				}
			}
		}
		w.sound()
	})
}

// Two answers at once, and an answer at the instant at which none counts as one: what happens
// happens once.
func TestAnswersAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.threshold("0.01")
		answer := func(who, id, what string, in any) func() error {
			return func() error { _, err := w.answers(who, id, what, in); return err }
		}
		for round := range 3 {
			before := w.available()
			_, i := w.owned("v1 month", 2)
			r := w.asks(i.ID)
			if errs := atOnce(answer("finance", r.ID, "approve", nil), answer("operator", r.ID, "approve", nil), answer("finance", r.ID, "approve", nil)); succeeded(errs) != 1 {
				t.Errorf("round %d: approved by %v", round, errs)
			}
			w.settle()
			if w.available() != before {
				t.Errorf("round %d: available %s of %s", round, w.available(), before)
			}
			// Against the lapse.
			_, i = w.owned("v2 month", 2)
			r = w.asks(i.ID)
			w.move(at(r.AnswerBy).Sub(w.p.Kernel.Clock.Now()) - time.Second)
			errs := atOnce(answer("finance", r.ID, "approve", nil), func() error {
				return w.as("operator").Do(t.Context(), "POST", api+"/sandbox/clock", "", map[string]string{"advance": "2s", "wait": "1m"}, nil)
			})
			w.settle()
			if got := w.request(r.ID); got.State != "APPROVED" || w.available() != before || w.instance(i.ID).Status != "RELEASED" {
				t.Errorf("round %d: %+v, available %s of %s, %v", round, got, w.available(), before, errs)
			}
			// A change against the answer: never on a service that was given back.
			_, i = w.owned("v1 month", 2)
			r = w.asks(i.ID)
			errs = atOnce(answer("finance", r.ID, "approve", nil), w.tries(i.ID, "renew", map[string]any{}), answer("buyer", r.ID, "withdraw", nil))
			w.settle()
			got, status := w.request(r.ID).State, w.instance(i.ID).Status
			if got == "APPROVED" && (status != "RELEASED" || w.available() != before || errs[1] == nil) || got == "WITHDRAWN" && status != "ACTIVE" || got != "APPROVED" && got != "WITHDRAWN" {
				t.Errorf("round %d: %s, the service is %s, %v", round, got, status, errs)
			}
		}
		w.sound()
	})
}

// A request counts in the yearly number from the question on, unless nothing comes of it, and
// in the year of the question. // spec: 22 §4.1
func TestLargeRefundsCountInTheYear(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.threshold("0")
		for range 9 {
			_, i := w.owned("v1 month", 1)
			w.on(i.ID, "unsubscribe", map[string]any{})
		}
		_, a := w.owned("v1 month", 1)
		_, b := w.owned("v1 month", 1)
		w.threshold("0.01")
		r := w.asks(a.ID)
		w.refuses(b.ID, "unsubscribe", map[string]any{}, 422, "refund_quota")
		_, err := w.answers("buyer", r.ID, "withdraw", nil)
		w.must(err)
		r = w.asks(b.ID)
		w.refuses(a.ID, "unsubscribe", map[string]any{}, 422, "refund_quota")
		_, err = w.answers("finance", r.ID, "reject", map[string]any{"reason": "x"})
		w.must(err)
		year := time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC) // begins in Shanghai
		w.moveTo(year.Add(-time.Second).Sub(start))
		var c demo.Instance
		_, c = w.owned("v1 month", 1)
		r = w.asks(c.ID)
		w.move(day)
		if got := w.request(r.ID); got.State != "APPROVED" {
			t.Fatalf("%+v", got)
		}
		w.must(w.p.Kernel.Read(t.Context(), func(ctx context.Context, tx *store.Tx) error {
			buyer := w.f.Account("buyer").CompanyID
			old, err := store.RefundsOfYear(ctx, tx, buyer, start)
			if err != nil {
				return err
			}
			now, err := store.RefundsOfYear(ctx, tx, buyer, year)
			if old != 10 || now != 0 {
				t.Errorf("%d since November, %d this year", old, now)
			}
			return err
		}))
		w.sound()
	})
}

package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
)

const api = "/api/souk/v1"

// Story plays the demo from outside, as scripts and people do, and prints one line
// per step and per call to a seller.
type Story struct {
	File    *File
	Sellers map[string]*Process // by protocol
	Out     io.Writer

	buyer, operator Client
	printed         string // mark of the last attempt printed
	paid            map[string]money.Amount
	offers          map[string]string // "v1 month" → product_id
}

// Run plays the whole story. The error names the first thing that does not agree.
func (s *Story) Run(ctx context.Context) error {
	s.buyer = Client{s.File.BaseURL, s.File.Account("buyer").Token}
	s.operator = Client{s.File.BaseURL, s.File.Account("operator").Token}
	s.paid = map[string]money.Amount{}
	steps := []struct {
		name string
		do   func(context.Context) error
	}{
		{"the buyer's balance is topped up", s.topUp},
		{"a V1 product is bought: one call, and the entry page is there", s.buyV1},
		{"a V2 product is bought: created, then asked for until it is ready", s.buyV2},
		{"a seller fails for good: after three hours of tries everything is paid back", s.failForGood},
		{"an answer is lost after the seller acted: the repetition creates nothing twice", s.lostAnswer},
		{"the same order sent twice is one order, paid twice is paid once", s.sentTwice},
		{"a trial is taken and becomes a paid service, on both protocols", s.trials},
		{"a service grows and is upgraded; what the seller refuses is paid back", s.changes},
		{"a renewal is given back, a service is given back within five days", s.givenBack},
		{"a renewal makes a V2 service another size, after the seller has agreed", s.resized},
		{"a violation freezes a V2 service and is lifted", s.violation},
		{"services renew themselves, expire, are renewed while frozen, and are released", s.lives},
		{"every paid order was notified", s.notified},
		{"platform, ledger and sellers agree", s.agree},
	}
	for i, step := range steps {
		s.say("step %d  %s", i+1, step.name)
		if err := step.do(ctx); err != nil {
			_ = s.calls(ctx)
			return fmt.Errorf("step %d (%s): %w", i+1, step.name, err)
		}
		if err := s.calls(ctx); err != nil {
			return err
		}
	}
	s.say("done    all states, all balances and the records of both sellers agree")
	return nil
}

func (s *Story) say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// calls prints the calls to sellers made since the last time.
func (s *Story) calls(ctx context.Context) error {
	var p Page[Attempt]
	for {
		if err := s.operator.Do(ctx, "GET", api+"/attempts?sort=started_at&limit=200&page="+s.printed, "", nil, &p); err != nil {
			return err
		}
		for _, a := range p.Items {
			outcome := a.State
			if a.Reason != "" {
				outcome += " (" + a.Reason + ")"
			}
			if a.ResultCode != "" {
				outcome += " " + a.ResultCode
			}
			s.say("        call  %-20s order %s  attempt %d  %-40s %s  %.0f ms", a.Activity, a.OrderID, a.Number, outcome, a.BusinessAt, a.DurationMS)
			s.printed = markOf(a.ID)
		}
		if p.Next == "" {
			return nil
		}
	}
}

func (s *Story) topUp(ctx context.Context) error {
	account := s.File.Account("buyer")
	before, err := s.balance(ctx, "buyer:"+account.CompanyID+":available")
	if err != nil {
		return err
	}
	if err := s.operator.Do(ctx, "POST", api+"/companies/"+account.CompanyID+"/top-up", ident.UUID(), map[string]string{"amount": "1000.50", "currency": "CNY"}, nil); err != nil {
		return err
	}
	after, err := s.balance(ctx, "buyer:"+account.CompanyID+":available")
	if err != nil {
		return err
	}
	if after-before != 100050 {
		return fmt.Errorf("the balance went from %s to %s", before, after)
	}
	s.say("        balance %s CNY", after)
	return nil
}

// offer finds what to buy of a protocol and term.
func (s *Story) offer(ctx context.Context, protocol, period string) (string, error) {
	if s.offers == nil {
		products, err := All[Product](ctx, s.buyer, api+"/products")
		if err != nil {
			return "", err
		}
		s.offers = map[string]string{}
		for _, p := range products {
			for _, sku := range p.SKUs {
				for _, o := range sku.Offers {
					if k := p.Protocol + " " + o.PeriodType; s.offers[k] == "" && (sku.Quantity != nil || o.PeriodType == "one_time") {
						s.offers[k] = o.ProductID
					}
				}
			}
		}
	}
	if id := s.offers[protocol+" "+period]; id != "" {
		return id, nil
	}
	return "", fmt.Errorf("no %s product is sold by the %s", protocol, period)
}

// buy places and pays an order.
func (s *Story) buy(ctx context.Context, protocol, period string, quantity int) (Order, error) {
	var o Order
	id, err := s.offer(ctx, protocol, period)
	if err != nil {
		return o, err
	}
	in := map[string]any{"product_id": id, "period_number": 1, "quantity": quantity, "accept_agreement": true}
	if err := s.buyer.Do(ctx, "POST", api+"/orders", ident.UUID(), in, &o); err != nil {
		return o, err
	}
	if err := s.buyer.Do(ctx, "POST", api+"/orders/"+o.ID+"/pay", ident.UUID(), map[string]any{}, &o); err != nil {
		return o, err
	}
	s.say("        order %s paid %s %s", o.ID, o.AmountPaid, o.Currency)
	return o, s.note(o)
}

func (s *Story) note(o Order) error {
	a, err := money.Parse(o.AmountPaid)
	s.paid[o.ID] = a
	return err
}

// settled waits until an order is completed.
func (s *Story) settled(ctx context.Context, id string) (o Order, err error) {
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		if err := s.buyer.Do(ctx, "GET", api+"/orders/"+id, "", nil, &o); err != nil {
			return o, err
		}
		if o.Status == "COMPLETED" {
			return o, nil
		}
		select {
		case <-ctx.Done():
			return o, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return o, fmt.Errorf("order %s is still %s", id, o.Status)
}

// delivered waits for an order's service and shows its entry.
func (s *Story) delivered(ctx context.Context, id string) (Instance, error) {
	var i Instance
	o, err := s.settled(ctx, id)
	if err != nil {
		return i, err
	}
	if o.Lines[0].Status != "DELIVERED" {
		return i, fmt.Errorf("order %s is completed, but its line is %s", id, o.Lines[0].Status)
	}
	if err := s.buyer.Do(ctx, "GET", api+"/instances/"+o.Lines[0].InstanceID, "", nil, &i); err != nil {
		return i, err
	}
	if i.Status != "ACTIVE" || i.Entry == nil || i.Entry.FrontEndURL == "" || i.Entry.UserName == "" || i.Entry.Password == "" {
		return i, fmt.Errorf("instance %s is %s, its entry %+v", i.ID, i.Status, i.Entry)
	}
	if protocol := s.protocolOf(i.SellerID); protocol != "" {
		if err := s.buyer.Do(ctx, "POST", api+"/instances/"+i.ID+"/details", "", map[string]any{}, nil); err != nil {
			return i, fmt.Errorf("live details of a %s service: %w", protocol, err)
		}
	}
	s.say("        service %s is %s: %s as %s until %s", i.SellerInstanceID, i.Status, i.Entry.FrontEndURL, i.Entry.UserName, i.ExpireAt)
	return i, nil
}

func (s *Story) buyV1(ctx context.Context) error {
	o, err := s.buy(ctx, "v1", "month", 5)
	if err != nil {
		return err
	}
	_, err = s.delivered(ctx, o.ID)
	return err
}

func (s *Story) buyV2(ctx context.Context) error {
	o, err := s.buy(ctx, "v2", "year", 3)
	if err != nil {
		return err
	}
	_, err = s.delivered(ctx, o.ID)
	return err
}

// move moves the sandbox clock and waits until it has arrived.
func (s *Story) move(ctx context.Context, by string) error {
	var state struct {
		Now    string
		Moving bool
	}
	if err := s.operator.Do(ctx, "POST", api+"/sandbox/clock", "", map[string]string{"advance": by, "wait": "5m"}, &state); err != nil {
		return err
	}
	if state.Moving {
		return fmt.Errorf("the clock is still on its way to %s", state.Now)
	}
	s.say("        the clock moved by %s to %s", by, state.Now)
	return nil
}

// fault switches the faults of a seller.
func (s *Story) fault(ctx context.Context, protocol string, names ...string) error {
	c := Client{Base: s.Sellers[protocol].Root}
	if names == nil {
		names = []string{}
	}
	return c.Do(ctx, "POST", "/fault", "", map[string]any{"faults": names}, nil)
}

func (s *Story) failForGood(ctx context.Context) error {
	if err := s.fault(ctx, "v1", "code=000104@newInstance"); err != nil {
		return err
	}
	o, err := s.buy(ctx, "v1", "month", 2)
	if err != nil {
		return err
	}
	if err := s.move(ctx, "3h30m"); err != nil {
		return err
	}
	if o, err = s.settled(ctx, o.ID); err != nil {
		return err
	}
	if o.Lines[0].Status != "REFUNDED" {
		return fmt.Errorf("order %s ended with its line %s", o.ID, o.Lines[0].Status)
	}
	s.paid[o.ID] = 0
	s.say("        order %s paid back in full: %s", o.ID, o.Reason)
	return s.fault(ctx, "v1")
}

func (s *Story) lostAnswer(ctx context.Context) error {
	for _, protocol := range []string{"v1", "v2"} {
		if err := s.fault(ctx, protocol, "drop-after-act@newInstance"); err != nil {
			return err
		}
		o, err := s.buy(ctx, protocol, "month", 1)
		if err != nil {
			return err
		}
		if err := s.attempted(ctx, o.ID, "newInstance", "unknown"); err != nil {
			return err
		}
		if err := s.fault(ctx, protocol); err != nil {
			return err
		}
		if err := s.move(ctx, "1h10m"); err != nil {
			return err
		}
		i, err := s.delivered(ctx, o.ID)
		if err != nil {
			return err
		}
		record, err := s.record(ctx, protocol)
		if err != nil {
			return err
		}
		mine := 0
		for _, r := range record.Instances {
			if r.Order == o.ID {
				mine++
				if r.Instance != i.SellerInstanceID {
					return fmt.Errorf("order %s: the seller has %s, the platform %s", o.ID, r.Instance, i.SellerInstanceID)
				}
			}
		}
		if mine != 1 {
			return fmt.Errorf("order %s: the seller made %d instances", o.ID, mine)
		}
	}
	return nil
}

// attempted waits until an order has an attempt of an activity in a state.
func (s *Story) attempted(ctx context.Context, order, activity, state string) error {
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		as, err := All[Attempt](ctx, s.operator, api+"/attempts?order="+order+"&activity="+activity)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(as, func(a Attempt) bool { return a.State == state && (a.Reason != "" || state != "unknown") }) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return fmt.Errorf("order %s never had a %s that is %s", order, activity, state)
}

func (s *Story) sentTwice(ctx context.Context) error {
	id, err := s.offer(ctx, "v1", "one_time")
	if err != nil {
		return err
	}
	key, in := ident.UUID(), map[string]any{"product_id": id, "period_number": 1, "quantity": 1, "accept_agreement": true}
	var first, again Order
	if err := s.buyer.Do(ctx, "POST", api+"/orders", key, in, &first); err != nil {
		return err
	}
	if err := s.buyer.Do(ctx, "POST", api+"/orders", key, in, &again); err != nil {
		return err
	}
	if first.ID != again.ID {
		return fmt.Errorf("one key made the orders %s and %s", first.ID, again.ID)
	}
	in["quantity"] = 2
	var p *Problem
	if err := s.buyer.Do(ctx, "POST", api+"/orders", key, in, &again); !errors.As(err, &p) || p.Status != http.StatusConflict {
		return fmt.Errorf("the same key with another body: %v", err)
	}
	pay := ident.UUID()
	for range 2 {
		if err := s.buyer.Do(ctx, "POST", api+"/orders/"+first.ID+"/pay", pay, map[string]any{}, &first); err != nil {
			return err
		}
	}
	if err := s.buyer.Do(ctx, "POST", api+"/orders/"+first.ID+"/pay", ident.UUID(), map[string]any{}, nil); !errors.As(err, &p) || p.Status != http.StatusConflict {
		return fmt.Errorf("a second payment: %v", err)
	}
	s.say("        order %s paid %s %s once", first.ID, first.AmountPaid, first.Currency)
	if err := s.note(first); err != nil {
		return err
	}
	_, err = s.delivered(ctx, first.ID)
	return err
}

// Record is what a seller says of itself.
type Record struct {
	Instances []struct {
		Instance, Order, Line, State string
	}
	Calls []struct {
		Activity, Order, Instance string
	}
}

func (s *Story) record(ctx context.Context, protocol string) (r Record, err error) {
	return r, Client{Base: s.Sellers[protocol].Root}.Do(ctx, "GET", "/record", "", nil, &r)
}

func (s *Story) notified(ctx context.Context) error {
	orders, err := All[Order](ctx, s.operator, api+"/orders")
	if err != nil {
		return err
	}
	for _, o := range orders {
		if err := s.attempted(ctx, o.ID, "orderNotify", "success"); err != nil {
			return err
		}
	}
	told := map[string]bool{}
	for protocol := range s.Sellers {
		r, err := s.record(ctx, protocol)
		if err != nil {
			return err
		}
		for _, c := range r.Calls {
			if c.Activity == "orderNotify" {
				told[c.Order] = true
			}
		}
	}
	for _, o := range orders {
		if !told[o.ID] {
			return fmt.Errorf("no seller was told of order %s", o.ID)
		}
	}
	s.say("        %d orders notified", len(orders))
	return nil
}

func (s *Story) balance(ctx context.Context, account string) (money.Amount, error) {
	as, err := All[LedgerAccount](ctx, s.operator, api+"/ledger/accounts")
	if err != nil {
		return 0, err
	}
	for _, a := range as {
		if a.Account == account {
			return money.Parse(a.Balance)
		}
	}
	return 0, nil
}

// agree compares orders, instances, every balance and both sellers' own records.
func (s *Story) agree(ctx context.Context) error {
	report, err := Check(ctx, s.operator, func(ctx context.Context, protocol string) (Record, error) { return s.record(ctx, protocol) }, s.File)
	if err != nil {
		return err
	}
	for id, want := range s.paid {
		if got := report.Kept[id]; got != want {
			return fmt.Errorf("order %s: the platform kept %s of it, the story expects %s", id, got, want)
		}
	}
	s.say("        %d orders, %d services, %d accounts, sum 0.00", report.Orders, report.Instances, report.Accounts)
	return nil
}

func markOf(id string) string { return strings.TrimSpace(cursorMark(id)) }

package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/ground/money"
)

func (s *Story) protocolOf(seller string) string {
	for _, one := range s.File.Sellers {
		if one.ID == seller {
			return one.Protocol
		}
	}
	return ""
}

// about places an order about a service and pays it.
func (s *Story) about(ctx context.Context, instance, what string, in map[string]any) (Order, error) {
	var o Order
	if in == nil {
		in = map[string]any{}
	}
	if err := s.buyer.Do(ctx, "POST", api+"/instances/"+instance+"/"+what, ident.UUID(), in, &o); err != nil {
		return o, err
	}
	if o.Status == "PENDING_PAYMENT" {
		if err := s.buyer.Do(ctx, "POST", api+"/orders/"+o.ID+"/pay", ident.UUID(), map[string]any{}, &o); err != nil {
			return o, err
		}
	}
	s.say("        order %s %s of %s: %s %s", o.ID, o.Type, instance, o.AmountPaid, o.Currency)
	if strings.HasPrefix(o.AmountPaid, "-") {
		return o, nil
	}
	return o, s.note(o)
}

// still waits until no job is due: the clock moves by nothing.
func (s *Story) still(ctx context.Context) error { return s.move(ctx, "1s") }

func (s *Story) instance(ctx context.Context, id string) (i Instance, err error) {
	return i, s.buyer.Do(ctx, "GET", api+"/instances/"+id, "", nil, &i)
}

// stands refuses a service that is not what the story expects.
func (s *Story) stands(ctx context.Context, id, status string, quantity int64) (Instance, error) {
	i, err := s.instance(ctx, id)
	if err == nil && (i.Status != status || quantity > 0 && i.Quantity != quantity) {
		err = fmt.Errorf("instance %s is %s with %d, the story expects %s with %d", id, i.Status, i.Quantity, status, quantity)
	}
	return i, err
}

func (s *Story) trials(ctx context.Context) error {
	for _, protocol := range []string{"v1", "v2"} {
		id, err := s.offer(ctx, protocol, "month")
		if err != nil {
			return err
		}
		var o Order
		in := map[string]any{"product_id": id, "quantity": 2, "accept_agreement": true, "trial": true}
		if err := s.buyer.Do(ctx, "POST", api+"/orders", ident.UUID(), in, &o); err != nil {
			return err
		}
		i, err := s.delivered(ctx, o.ID)
		if err != nil {
			return err
		}
		var p *Problem
		if err := s.buyer.Do(ctx, "POST", api+"/orders", ident.UUID(), in, nil); !errors.As(err, &p) || p.Code != "trial_taken" {
			return fmt.Errorf("a second trial: %v", err)
		}
		if _, err := s.about(ctx, i.ID, "convert", map[string]any{"period_number": 1}); err != nil {
			return err
		}
		if err := s.still(ctx); err != nil {
			return err
		}
		if i, err = s.stands(ctx, i.ID, "ACTIVE", 2); err != nil || i.Trial {
			return errors.Join(err, fmt.Errorf("on trial: %v", i.Trial))
		}
	}
	return nil
}

func (s *Story) changes(ctx context.Context) error {
	for _, protocol := range []string{"v1", "v2"} {
		o, err := s.buy(ctx, protocol, "month", 2)
		if err != nil {
			return err
		}
		i, err := s.delivered(ctx, o.ID)
		if err != nil {
			return err
		}
		if o, err = s.about(ctx, i.ID, "change", map[string]any{"quantity": 7}); err != nil {
			return err
		}
		if _, err = s.settled(ctx, o.ID); err != nil {
			return err
		}
		if _, err = s.stands(ctx, i.ID, "ACTIVE", 7); err != nil {
			return err
		}
		better, err := s.upgrade(ctx, i.SKUCode)
		if err != nil {
			return err
		}
		if o, err = s.about(ctx, i.ID, "change", map[string]any{"sku_code": better}); err != nil {
			return err
		}
		if _, err = s.settled(ctx, o.ID); err != nil {
			return err
		}
		if i, err = s.stands(ctx, i.ID, "ACTIVE", 7); err != nil || i.SKUCode != better {
			return errors.Join(err, fmt.Errorf("the specification is %s", i.SKUCode))
		}
		// One that the seller refuses to the end is paid back, and the service stays.
		if err := s.fault(ctx, protocol, "code=000005@"+map[string]string{"v1": "upgrade", "v2": "upgradeInstance"}[protocol]); err != nil {
			return err
		}
		if o, err = s.about(ctx, i.ID, "change", map[string]any{"quantity": 9}); err != nil {
			return err
		}
		if err := s.move(ctx, "3h30m"); err != nil {
			return err
		}
		if o, err = s.settled(ctx, o.ID); err != nil || o.Lines[0].Status != "REFUNDED" {
			return errors.Join(err, fmt.Errorf("the refused change ended with its line %s", o.Lines[0].Status))
		}
		s.paid[o.ID] = 0
		if _, err = s.stands(ctx, i.ID, "ACTIVE", 7); err != nil {
			return err
		}
		if err := s.fault(ctx, protocol); err != nil {
			return err
		}
	}
	return nil
}

// upgrade finds the other specification of the product that a SKU belongs to.
func (s *Story) upgrade(ctx context.Context, sku string) (string, error) {
	products, err := All[Product](ctx, s.buyer, api+"/products")
	if err != nil {
		return "", err
	}
	for _, p := range products {
		for n, one := range p.SKUs {
			if one.Code == sku && n+1 < len(p.SKUs) {
				return p.SKUs[n+1].Code, nil
			}
		}
	}
	return "", fmt.Errorf("no specification above %s", sku)
}

func (s *Story) givenBack(ctx context.Context) error {
	for _, protocol := range []string{"v1", "v2"} {
		o, err := s.buy(ctx, protocol, "month", 3)
		if err != nil {
			return err
		}
		i, err := s.delivered(ctx, o.ID)
		if err != nil {
			return err
		}
		before := i.ExpireAt
		r, err := s.about(ctx, i.ID, "renew", map[string]any{"period_number": 2})
		if err != nil {
			return err
		}
		if err := s.still(ctx); err != nil {
			return err
		}
		if _, err := s.about(ctx, i.ID, "cancel-renewal", nil); err != nil {
			return err
		}
		s.paid[r.ID] = 0
		if err := s.still(ctx); err != nil {
			return err
		}
		if i, err = s.stands(ctx, i.ID, "ACTIVE", 3); err != nil || i.ExpireAt != before {
			return errors.Join(err, fmt.Errorf("the end is %s, before the renewal it was %s", i.ExpireAt, before))
		}
		if _, err := s.about(ctx, i.ID, "unsubscribe", map[string]any{"reason": "试用后不合适"}); err != nil {
			return err
		}
		s.paid[o.ID] = 0
		if err := s.still(ctx); err != nil {
			return err
		}
		if _, err = s.stands(ctx, i.ID, "RELEASED", 0); err != nil {
			return err
		}
	}
	return nil
}

func (s *Story) resized(ctx context.Context) error {
	o, err := s.buy(ctx, "v2", "month", 4)
	if err != nil {
		return err
	}
	i, err := s.delivered(ctx, o.ID)
	if err != nil {
		return err
	}
	if err := s.move(ctx, "24h"); err != nil { // thirty days before the end, whatever the month
		return err
	}
	if _, err := s.about(ctx, i.ID, "renew", map[string]any{"quantity": 2, "period_number": 1}); err != nil {
		return err
	}
	if _, err := s.stands(ctx, i.ID, "ACTIVE", 4); err != nil { // until the new term begins
		return err
	}
	if err := s.move(ctx, "744h"); err != nil {
		return err
	}
	_, err = s.stands(ctx, i.ID, "ACTIVE", 2)
	return err
}

func (s *Story) violation(ctx context.Context) error {
	o, err := s.buy(ctx, "v2", "month", 1)
	if err != nil {
		return err
	}
	i, err := s.delivered(ctx, o.ID)
	if err != nil {
		return err
	}
	police := func(what string, in any) error {
		if err := s.operator.Do(ctx, "POST", api+"/instances/"+i.ID+"/"+what, ident.UUID(), in, nil); err != nil {
			return err
		}
		return s.still(ctx)
	}
	if err := police("freeze", map[string]string{"reason": "对外发送垃圾邮件"}); err != nil {
		return err
	}
	if i, err = s.stands(ctx, i.ID, "FROZEN", 0); err != nil || i.Entry != nil {
		return errors.Join(err, fmt.Errorf("a frozen service shows its entry: %v", i.Entry != nil))
	}
	if err := police("unfreeze", map[string]string{}); err != nil {
		return err
	}
	_, err = s.stands(ctx, i.ID, "ACTIVE", 0)
	return err
}

func (s *Story) lives(ctx context.Context) error {
	kept, left := map[string]string{}, map[string]string{}
	for _, protocol := range []string{"v1", "v2"} {
		for _, into := range []map[string]string{kept, left} {
			o, err := s.buy(ctx, protocol, "month", 1)
			if err != nil {
				return err
			}
			i, err := s.delivered(ctx, o.ID)
			if err != nil {
				return err
			}
			into[protocol] = i.ID
		}
	}
	o, err := s.buy(ctx, "v1", "month", 1)
	if err != nil {
		return err
	}
	own, err := s.delivered(ctx, o.ID)
	if err != nil {
		return err
	}
	if err := s.buyer.Do(ctx, "PUT", api+"/instances/"+own.ID+"/auto-renew", ident.UUID(), map[string]any{"enabled": true, "period_number": 3}, nil); err != nil {
		return err
	}
	if err := s.move(ctx, "840h"); err != nil { // 35 days: past the end of every month, within retention
		return err
	}
	if _, err := s.stands(ctx, own.ID, "ACTIVE", 0); err != nil {
		return fmt.Errorf("the one that renews itself: %w", err)
	}
	for _, protocol := range []string{"v1", "v2"} {
		if _, err := s.stands(ctx, kept[protocol], "FROZEN", 0); err != nil {
			return err
		}
		if _, err := s.about(ctx, kept[protocol], "renew", map[string]any{"period_number": 6}); err != nil {
			return err
		}
	}
	if err := s.still(ctx); err != nil {
		return err
	}
	if err := s.move(ctx, "480h"); err != nil { // 20 days: past retention
		return err
	}
	for _, protocol := range []string{"v1", "v2"} {
		if _, err := s.stands(ctx, kept[protocol], "ACTIVE", 0); err != nil {
			return err
		}
		if _, err := s.stands(ctx, left[protocol], "RELEASED", 0); err != nil {
			return err
		}
	}
	// What renewed itself was paid without the story: it is counted with the rest.
	orders, err := All[Order](ctx, s.buyer, api+"/orders")
	if err != nil {
		return err
	}
	n := 0
	for _, o := range orders {
		if o.Source == "AUTO_RENEW" {
			n++
			a, err := money.Parse(o.AmountPaid)
			if err != nil {
				return err
			}
			s.paid[o.ID] = a
		}
	}
	if n != 1 {
		return fmt.Errorf("%d orders by auto-renewal, the story expects one", n)
	}
	return nil
}

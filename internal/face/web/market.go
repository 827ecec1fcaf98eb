package web

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	goods "github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/trade"
)

// Market fills the pages from the marketplace itself: it is the Login, Catalog, Orders and Attempts of the program.
type Market struct {
	Kernel    *kernel.Kernel
	People    *people.People
	Catalogue *goods.Catalogue
	Trade     *trade.Trade
	Delivery  *delivery.Delivery
}

// pageSize is how many rows a list shows.
const pageSize = cursor.DefaultSize

// LogIn implements Login.
func (m Market) LogIn(ctx context.Context, login, password string) (string, time.Time, error) {
	return m.People.Login(ctx, login, password)
}

// Session implements Login.
func (m Market) Session(ctx context.Context, session string) (Viewer, bool, error) {
	a, b, err := m.People.BySession(ctx, session)
	var f *fault.Fault
	if errors.As(err, &f) && f.Kind == fault.Unauthenticated {
		return Viewer{}, false, nil
	}
	return Viewer{Actor: a, Name: b.PersonName, Company: b.CompanyName}, err == nil, err
}

// LogOut implements Login.
func (m Market) LogOut(ctx context.Context, session string) error {
	return m.People.Logout(ctx, session)
}

// mark reads the mark of a page of n parts; the first page has none.
func mark(page string, n int) ([]string, error) {
	if page == "" {
		return make([]string, n), nil
	}
	return cursor.Decode(page, n)
}

// Products implements Catalog.
func (m Market) Products(ctx context.Context, page string) ([]Product, string, error) {
	at, err := mark(page, 1)
	if err != nil {
		return nil, "", err
	}
	all, err := m.Catalogue.List(ctx, access.Actor{}, at[0], pageSize+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > pageSize {
		all = all[:pageSize]
		next = cursor.Encode(all[pageSize-1].Product.ID)
	}
	var out []Product
	for _, l := range all {
		p := Product{ID: l.Product.ID, Name: l.Product.Name, Summary: l.Product.Summary, Seller: l.Seller}
		for _, s := range l.SKUs {
			sku := SKU{Code: s.Code, Name: s.Name}
			for name, value := range s.Attributes.Fixed {
				sku.Attributes = append(sku.Attributes, Attribute{name, value})
			}
			slices.SortFunc(sku.Attributes, func(a, b Attribute) int { return compare(a.Name, b.Name) })
			if q := s.Attributes.Quantity; q != nil {
				sku.Attributes = append(sku.Attributes, Attribute{q.Name, fmt.Sprintf("%d–%d %s", q.Min, q.Max, q.Unit)})
			}
			for _, o := range l.Offers[s.Code] {
				sku.Offers = append(sku.Offers, Offer{ProductID: o.ID, PeriodType: string(o.PeriodType), Price: o.Price, Currency: string(o.Currency)})
			}
			p.SKUs = append(p.SKUs, sku)
		}
		out = append(out, p)
	}
	return out, next, nil
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// row shows an order in a list.
func row(o *order.Order, names map[string]string) OrderRow {
	r := OrderRow{
		ID: o.ID, Type: string(o.Type), Status: string(o.Status), Buyer: names[o.BuyerID], Seller: names[o.SellerID],
		Amount: o.AmountDeal.String(), Currency: string(o.Currency), CreatedAt: o.CreatedAt,
	}
	refunded := len(o.Lines) > 0
	for _, l := range o.Lines {
		refunded = refunded && l.Status == order.LineRefunded
		if r.Product == "" {
			r.Product = l.ProductName
		}
	}
	if o.Status == order.Completed && refunded {
		r.SubState = "refunded"
	}
	return r
}

// Orders implements Orders.
func (m Market) Orders(ctx context.Context, a access.Actor, page string) ([]OrderRow, string, error) {
	at, err := mark(page, 2)
	if err != nil {
		return nil, "", err
	}
	var before time.Time
	if at[0] != "" {
		if before, err = time.Parse(time.RFC3339Nano, at[0]); err != nil {
			return nil, "", fault.Field("page", "is not a mark of this list")
		}
	}
	all, err := m.Trade.List(ctx, a, "", before, at[1], pageSize+1)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > pageSize {
		all = all[:pageSize]
		last := all[pageSize-1]
		next = cursor.Encode(last.CreatedAt.UTC().Format(time.RFC3339Nano), last.ID)
	}
	var ids []string
	for _, o := range all {
		ids = append(ids, o.BuyerID, o.SellerID)
	}
	names, err := m.People.Names(ctx, ids...)
	if err != nil {
		return nil, "", err
	}
	var out []OrderRow
	for i := range all {
		out = append(out, row(&all[i], names))
	}
	return out, next, nil
}

// Order implements Orders.
func (m Market) Order(ctx context.Context, a access.Actor, id string) (Order, error) {
	o, err := m.Trade.Get(ctx, a, id)
	if err != nil {
		return Order{}, err
	}
	names, err := m.People.Names(ctx, o.BuyerID, o.SellerID)
	if err != nil {
		return Order{}, err
	}
	v := Order{
		OrderRow: row(o, names), PaidAt: o.PaidAt, CompletedAt: o.CompletedAt, PayDeadline: o.PayDeadline, Reason: o.Reason,
		PossiblyOrphaned: o.PossiblyOrphaned, OriginOrderID: o.OriginOrderID,
	}
	if o.Status == order.Processing {
		if v.NextCallAt, err = m.nextCall(ctx, a, id); err != nil {
			return Order{}, err
		}
	}
	for _, l := range o.Lines {
		line := Line{
			ID: l.ID, Product: l.ProductName, SKU: l.SKUName, Status: string(l.Status), Amount: l.AmountDeal.String(), PeriodType: string(l.PeriodType),
			PeriodNumber: l.PeriodNumber, Quantity: l.Quantity, InstanceID: l.InstanceID, EffectiveAt: l.EffectiveAt, ExpireAt: l.ExpireAt,
		}
		if l.InstanceID != "" {
			s, err := m.Delivery.Instance(ctx, a, l.InstanceID)
			if err != nil {
				return Order{}, err
			}
			i := s.Instance
			line.SellerInstanceID, line.InstanceStatus = i.SellerInstanceID, string(i.Status)
			for _, r := range i.FreezeReasons {
				line.FreezeReasons = append(line.FreezeReasons, string(r))
			}
			line.HasEntry = a.CompanyKind == party.Buyer && i.EntrySealed != "" && i.Status != instance.Frozen && !i.Ended()
		}
		v.Lines = append(v.Lines, line)
	}
	return v, nil
}

// nextCall is when the seller is called next for the order: what its newest attempt planned.
func (m Market) nextCall(ctx context.Context, a access.Actor, orderID string) (time.Time, error) {
	if !access.Can(a, access.AttemptRead) {
		return time.Time{}, nil
	}
	last, err := m.Delivery.Attempts(ctx, a, delivery.Filter{OrderID: orderID}, "", 1, false)
	if err != nil || len(last) == 0 {
		return time.Time{}, err
	}
	return last[0].NextAt, nil
}

// Entry implements Orders: the entry of an instance that the order made, for its buyer.
func (m Market) Entry(ctx context.Context, a access.Actor, orderID, instanceID string) (Entry, error) {
	o, err := m.Trade.Get(ctx, a, orderID)
	if err != nil {
		return Entry{}, err
	}
	if !slices.ContainsFunc(o.Lines, func(l order.Line) bool { return l.InstanceID == instanceID }) {
		return Entry{}, fault.Unknown("instance")
	}
	s, err := m.Delivery.Instance(ctx, a, instanceID)
	if err != nil {
		return Entry{}, err
	}
	if s.Entry == nil {
		return Entry{}, fault.Unknown("instance")
	}
	err = m.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return m.Kernel.Audit(ctx, tx, a, access.InstanceRead, instanceID, "entry shown")
	})
	e := s.Entry
	return Entry{FrontEndURL: e.FrontEndURL, AdminURL: e.AdminURL, UserName: e.UserName, Password: e.Password, Memo: e.Memo, Warning: e.Warning}, err
}

func attemptRow(a delivery.AttemptRecord, names map[string]string) AttemptRow {
	return AttemptRow{
		ID: a.ID, OrderID: a.OrderID, InstanceID: a.InstanceID, Seller: names[a.SellerID], Activity: a.Activity, Number: a.Number,
		State: a.State, HTTPStatus: a.HTTPStatus, ResultCode: a.ResultCode, StartedAt: a.StartedAt, Duration: a.Duration,
	}
}

// Attempts implements Attempts.
func (m Market) Attempts(ctx context.Context, a access.Actor, f AttemptFilter, page string) ([]AttemptRow, string, error) {
	at, err := mark(page, 1)
	if err != nil {
		return nil, "", err
	}
	all, err := m.Delivery.Attempts(ctx, a, delivery.Filter{OrderID: f.Order, State: f.State, Activity: f.Activity}, at[0], pageSize+1, false)
	if err != nil {
		return nil, "", err
	}
	next := ""
	if len(all) > pageSize {
		all = all[:pageSize]
		next = cursor.Encode(all[pageSize-1].ID)
	}
	var ids []string
	for _, one := range all {
		ids = append(ids, one.SellerID)
	}
	names, err := m.People.Names(ctx, ids...)
	if err != nil {
		return nil, "", err
	}
	var out []AttemptRow
	for _, one := range all {
		out = append(out, attemptRow(one, names))
	}
	return out, next, nil
}

// Attempt implements Attempts. A restart is offered where it makes sense; the service decides again.
func (m Market) Attempt(ctx context.Context, a access.Actor, id string) (Attempt, error) {
	one, err := m.Delivery.Attempt(ctx, a, id)
	if err != nil {
		return Attempt{}, err
	}
	names, err := m.People.Names(ctx, one.SellerID)
	if err != nil {
		return Attempt{}, err
	}
	v := Attempt{
		AttemptRow: attemptRow(*one, names), ResultMsg: one.ResultMsg, Reason: one.Reason, Detail: one.Detail, NextCallAt: one.NextAt,
		Request: one.Request, Response: one.Response,
	}
	v.StartedAt = one.StartedAt
	if one.State != "success" && one.State != "running" && one.OrderID != "" {
		o, err := m.Trade.Get(ctx, a, one.OrderID)
		if err != nil {
			return Attempt{}, err
		}
		// An order that was refunded or canceled is never delivered again.
		v.CanRestart = !slices.ContainsFunc(o.Lines, func(l order.Line) bool {
			return l.ID == one.OrderLineID && (l.Status == order.LineRefunded || l.Status == order.LineCanceled)
		})
	}
	return v, nil
}

// Restart implements Attempts.
func (m Market) Restart(ctx context.Context, a access.Actor, id string) error {
	return m.Kernel.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := m.Delivery.Restart(ctx, tx, a, id)
		return err
	})
}

package openapi

import (
	"context"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/service/metering"
	"github.com/souk-market/souk/internal/service/orderquery"
	"github.com/souk-market/souk/protocol/usagepush"
)

// Market answers the face's questions from the marketplace itself.
type Market struct {
	Query    *orderquery.Query
	Metering *metering.Metering
}

// Caller implements Usage.
func (m Market) Caller(ctx context.Context, p *metering.Push) (string, *usagepush.Answer, error) {
	return m.Metering.Caller(ctx, p)
}

// Take implements Usage.
func (m Market) Take(ctx context.Context, seller string, p *metering.Push) (usagepush.Answer, error) {
	return m.Metering.Take(ctx, seller, p)
}

// AccessKey implements Keys.
func (m Market) AccessKey(ctx context.Context, ak string) (AccessKey, bool, error) {
	k, found, err := m.Query.AccessKey(ctx, ak)
	return AccessKey{SK: k.SK, SellerID: k.SellerID, Disabled: k.Disabled, LockedUntil: k.LockedUntil, Failures: k.Failures, UsedAt: k.UsedAt}, found, err
}

// Failed implements Keys.
func (m Market) Failed(ctx context.Context, ak string) error { return m.Query.Failed(ctx, ak) }

// Used implements Keys.
func (m Market) Used(ctx context.Context, ak string, k AccessKey) error {
	return m.Query.Used(ctx, ak, orderquery.Key{Failures: k.Failures, UsedAt: k.UsedAt})
}

// OrderBySeller implements Orders.
func (m Market) OrderBySeller(ctx context.Context, id string) (OrderView, string, bool, error) {
	f, found, err := m.Query.Order(ctx, id)
	if err != nil || !found {
		return OrderView{}, "", false, err
	}
	o := f.Order
	v := OrderView{
		OrderID: o.ID, Type: string(o.Type), CreatedAt: o.CreatedAt,
		Buyer: &BuyerView{CustomerID: f.CustomerID, CustomerName: f.CustomerName, UserID: f.UserID, UserName: f.UserName, MobilePhone: f.MobilePhone, Email: f.Email},
	}
	for _, l := range o.Lines {
		line := LineView{
			LineID: l.ID, ChargingMode: string(l.Charging), ExpireTime: f.ExpireAt[l.ID], AmountAfterDiscount: l.AmountPaid.String(),
			Products: []ProductView{{ProductID: l.OfferID, SKUCode: l.SKUCode, Name: l.ProductName}},
		}
		if o.Type != order.Unsubscribe && o.Type != order.UnsubscribeRenewal {
			line.Amount = l.AmountDeal.String()
		}
		if l.PeriodType == catalog.Month || l.PeriodType == catalog.Year {
			line.PeriodType, line.PeriodNumber = string(l.PeriodType), l.PeriodNumber
		}
		if l.Linear {
			line.Products[0].LinearValue = l.Quantity
		}
		v.Lines = append(v.Lines, line)
	}
	return v, o.SellerID, true, nil
}

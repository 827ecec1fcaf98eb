package manage

import (
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/trade"
)

// stamp is RFC 3339 in UTC; the zero time is null.
func stamp(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	s := t.UTC().Format(time.RFC3339Nano)
	return &s
}

type offerView struct {
	ProductID  string        `json:"product_id"`
	PeriodType string        `json:"period_type"`
	Price      string        `json:"price"`
	Bands      pricing.Bands `json:"bands,omitempty"`
	Currency   string        `json:"currency"`
}

type skuView struct {
	SKUCode    string                `json:"sku_code"`
	Name       string                `json:"name"`
	Attributes map[string]string     `json:"attributes"`
	Quantity   *catalog.QuantityRule `json:"quantity"`
	Offers     []offerView           `json:"offers"`
}

type productView struct {
	ID         string           `json:"id"`
	Name       string           `json:"name"`
	Summary    string           `json:"summary"`
	SellerID   string           `json:"seller_id"`
	SellerName string           `json:"seller_name"`
	Protocol   catalog.Protocol `json:"protocol"`
	Status     catalog.State    `json:"status"`
	Reason     string           `json:"reason,omitempty"`
	Settings   catalog.Settings `json:"settings"`
	SKUs       []skuView        `json:"skus"`
}

func viewProduct(l catalogue.Listing) productView {
	p := l.Product
	v := productView{ID: p.ID, Name: p.Name, Summary: p.Summary, SellerID: p.SellerID, SellerName: l.Seller, Protocol: p.Protocol, Status: p.State, Reason: p.Reason, Settings: p.Settings, SKUs: []skuView{}}
	for _, s := range l.SKUs {
		sku := skuView{SKUCode: s.Code, Name: s.Name, Attributes: s.Attributes.Fixed, Quantity: s.Attributes.Quantity, Offers: []offerView{}}
		if sku.Attributes == nil {
			sku.Attributes = map[string]string{}
		}
		for _, o := range l.Offers[s.Code] {
			sku.Offers = append(sku.Offers, offerView{ProductID: o.ID, PeriodType: string(o.PeriodType), Price: o.Price, Bands: o.Bands, Currency: string(o.Currency)})
		}
		v.SKUs = append(v.SKUs, sku)
	}
	return v
}

type lineView struct {
	ID           string  `json:"id"`
	ProductID    string  `json:"product_id"`
	SKUCode      string  `json:"sku_code"`
	ProductName  string  `json:"product_name"`
	PeriodType   string  `json:"period_type"`
	PeriodNumber int     `json:"period_number"`
	Quantity     int64   `json:"quantity"`
	UnitPrice    string  `json:"unit_price"`
	AmountDeal   string  `json:"amount_deal"`
	AmountPaid   string  `json:"amount_paid"`
	InstanceID   string  `json:"instance_id"`
	Status       string  `json:"status"`
	EffectiveAt  *string `json:"effective_at"`
	ExpireAt     *string `json:"expire_at"`
}

type orderView struct {
	ID               string     `json:"id"`
	Type             string     `json:"type"`
	Status           string     `json:"status"`
	BuyerID          string     `json:"buyer_id"`
	SellerID         string     `json:"seller_id"`
	Currency         string     `json:"currency"`
	AmountList       string     `json:"amount_list"`
	AmountDeal       string     `json:"amount_deal"`
	AmountCoupon     string     `json:"amount_coupon"`
	AmountPaid       string     `json:"amount_paid"`
	OriginOrderID    string     `json:"origin_order_id,omitempty"`
	Reason           string     `json:"reason,omitempty"`
	PossiblyOrphaned bool       `json:"possibly_orphaned"`
	Source           string     `json:"source"`
	Breakdown        []partView `json:"breakdown"`
	CreatedAt        *string    `json:"created_at"`
	PayDeadline      *string    `json:"pay_deadline"`
	PaidAt           *string    `json:"paid_at"`
	CompletedAt      *string    `json:"completed_at"`
	Lines            []lineView `json:"lines"`
}

func viewOrder(o *order.Order) orderView {
	v := orderView{
		ID: o.ID, Type: string(o.Type), Status: string(o.Status), BuyerID: o.BuyerID, SellerID: o.SellerID, Currency: string(o.Currency),
		AmountList: o.AmountList.String(), AmountDeal: o.AmountDeal.String(), AmountCoupon: o.AmountCoupon.String(), AmountPaid: o.AmountPaid.String(),
		OriginOrderID: o.OriginOrderID, Reason: o.Reason, PossiblyOrphaned: o.PossiblyOrphaned, Source: o.Source, Breakdown: viewParts(o),
		CreatedAt: stamp(o.CreatedAt), PayDeadline: stamp(o.PayDeadline), PaidAt: stamp(o.PaidAt), CompletedAt: stamp(o.CompletedAt), Lines: []lineView{},
	}
	for _, l := range o.Lines {
		v.Lines = append(v.Lines, lineView{
			ID: l.ID, ProductID: l.OfferID, SKUCode: l.SKUCode, ProductName: l.ProductName, PeriodType: string(l.PeriodType), PeriodNumber: l.PeriodNumber, Quantity: l.Quantity,
			UnitPrice: l.UnitPrice, AmountDeal: l.AmountDeal.String(), AmountPaid: l.AmountPaid.String(), InstanceID: l.InstanceID, Status: string(l.Status),
			EffectiveAt: stamp(l.EffectiveAt), ExpireAt: stamp(l.ExpireAt),
		})
	}
	return v
}

type instanceView struct {
	ID               string          `json:"id"`
	SellerInstanceID string          `json:"seller_instance_id"`
	Status           string          `json:"status"`
	Reason           string          `json:"reason,omitempty"`
	FreezeReasons    []string        `json:"freeze_reasons"`
	BuyerID          string          `json:"buyer_id"`
	SellerID         string          `json:"seller_id"`
	ProductID        string          `json:"product_id"`
	SKUCode          string          `json:"sku_code"`
	Quantity         int64           `json:"quantity"`
	OrderID          string          `json:"order_id"`
	EffectiveAt      *string         `json:"effective_at"`
	ExpireAt         *string         `json:"expire_at"`
	Trial            bool            `json:"trial"`
	AutoRenew        bool            `json:"auto_renew"`
	AutoPeriods      int             `json:"auto_renew_period_number"`
	RefundableUntil  *string         `json:"refundable_until"`
	Entry            *instance.Entry `json:"entry"`
}

func viewInstance(s delivery.Service) instanceView {
	i := s.Instance
	v := instanceView{
		ID: i.ID, SellerInstanceID: i.SellerInstanceID, Status: string(i.Status), Reason: i.Reason, FreezeReasons: []string{}, BuyerID: i.BuyerID, SellerID: i.SellerID,
		ProductID: i.OfferID, SKUCode: i.SKUCode, Quantity: i.Quantity, OrderID: i.OrderID, EffectiveAt: stamp(i.EffectiveAt), ExpireAt: stamp(i.ExpireAt), Entry: s.Entry,
		Trial: i.Trial, AutoRenew: i.AutoRenew, AutoPeriods: max(i.AutoPeriods, 1), RefundableUntil: stamp(trade.RefundableUntil(&i)),
	}
	for _, r := range i.FreezeReasons {
		v.FreezeReasons = append(v.FreezeReasons, string(r))
	}
	return v
}

type attemptView struct {
	ID          string  `json:"id"`
	OrderID     string  `json:"order_id"`
	OrderLineID string  `json:"order_line_id"`
	InstanceID  string  `json:"instance_id"`
	SellerID    string  `json:"seller_id"`
	Activity    string  `json:"activity"`
	Number      int     `json:"number"`
	Occasion    string  `json:"occasion"`
	State       string  `json:"state"`
	HTTPStatus  int     `json:"http_status"`
	ResultCode  string  `json:"result_code"`
	ResultMsg   string  `json:"result_msg"`
	Reason      string  `json:"reason"`
	Detail      string  `json:"detail"`
	BusinessID  string  `json:"business_id"`
	StartedAt   *string `json:"started_at"`
	BusinessAt  *string `json:"business_at"`
	DurationMS  float64 `json:"duration_ms"`
	NextAt      *string `json:"next_at"`
	Request     string  `json:"request"`
	Response    string  `json:"response"`
}

func viewAttempt(a delivery.AttemptRecord) attemptView {
	state := a.State
	if state == "running" {
		state = "unknown" // no outcome yet // spec: 01 §8.5
	}
	occasion := a.Occasion
	if occasion == "" {
		occasion = "schedule"
	}
	return attemptView{
		ID: a.ID, OrderID: a.OrderID, OrderLineID: a.OrderLineID, InstanceID: a.InstanceID, SellerID: a.SellerID, Activity: a.Activity, Number: a.Number, Occasion: occasion, State: state,
		HTTPStatus: a.HTTPStatus, ResultCode: a.ResultCode, ResultMsg: a.ResultMsg, Reason: a.Reason, Detail: a.Detail, BusinessID: a.BusinessID,
		StartedAt: stamp(a.StartedAt), BusinessAt: stamp(a.BusinessAt), DurationMS: float64(a.Duration.Microseconds()) / 1000, NextAt: stamp(a.NextAt),
		Request: strings.ToValidUTF8(string(a.Request), "\uFFFD"), Response: strings.ToValidUTF8(string(a.Response), "\uFFFD"),
	}
}

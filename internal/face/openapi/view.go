package openapi

import (
	"context"
	"time"
)

// AccessKey is what the store knows of an access key (AK). spec: 14 §5
type AccessKey struct {
	// SK is the secret, opened. It never leaves this package.
	SK string
	// SellerID is the seller company the key acts for, empty when the company is no seller.
	SellerID string
	// Disabled keys are refused like locked ones.
	Disabled bool
	// LockedUntil is the end of the lock after too many wrong signatures; Failures are those since the last right one.
	LockedUntil time.Time
	Failures    int
	UsedAt      time.Time
}

// Keys finds access keys and keeps count of how they are used.
type Keys interface {
	// AccessKey returns false for an unknown AK.
	AccessKey(ctx context.Context, ak string) (AccessKey, bool, error)
	// Failed counts a wrong signature of a known key that is not locked. spec: 14 §4
	Failed(ctx context.Context, ak string) error
	// Used notes a right one.
	Used(ctx context.Context, ak string, k AccessKey) error
}

// Orders finds orders as their seller sees them.
type Orders interface {
	// OrderBySeller returns the order with the id of the seller it belongs to, or false if there is no such
	// order. Whether the caller may see it is judged here, because the protocol tells the two apart.
	// spec: 01 §2.13
	OrderBySeller(ctx context.Context, orderID string) (order OrderView, sellerID string, found bool, err error)
}

// OrderView is an order on the wire of the order query. spec: 14 §3.1, 01 §5
type OrderView struct {
	OrderID string
	// Type is one of NEW, TRIAL, TRIAL_TO_FORMAL, RENEW, CHANGE, UNSUBSCRIBE, UNSUBSCRIBE_RENEWAL; the last is
	// sent as UNSUBSCRIBE.
	Type      string
	CreatedAt time.Time
	Lines     []LineView
	// Buyer is nil when nothing of the buyer is known.
	Buyer *BuyerView
	// ExtendParams are the custom parameters of the order page.
	ExtendParams []Param
}

// LineView is one order line.
type LineView struct {
	LineID string
	// ChargingMode is ON_DEMAND, ONE_TIME, PERIOD or ON_DEMAND_PKG.
	ChargingMode string
	// ExpireTime is the end of the term, an estimate before activation; zero for goods without end.
	ExpireTime time.Time
	// PeriodType is year, month or day, with PeriodNumber of them; empty for goods without period.
	PeriodType   string
	PeriodNumber int
	// Amount is the deal amount as text with two decimals, empty on unsubscriptions; AmountAfterDiscount is what
	// was paid, negative on unsubscriptions.
	Amount, AmountAfterDiscount string
	Products                    []ProductView
}

// ProductView is a product of a line. LinearValue is 0 when the SKU is not sold by number.
type ProductView struct {
	ProductID   string
	SKUCode     string
	Name        string
	LinearValue int64
}

// BuyerView is the buyer. Members that the product has no authorisation for are left empty and then not sent.
type BuyerView struct {
	CustomerID, CustomerName, UserID, UserName, MobilePhone, Email string
}

// Param is a custom parameter.
type Param struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// The structs below are the wire: their order of members is the order sent.

type answer struct {
	ResultCode string     `json:"resultCode"`
	ResultMsg  string     `json:"resultMsg"`
	OrderInfo  *orderInfo `json:"orderInfo,omitempty"`
}

type orderInfo struct {
	OrderID      string      `json:"orderId"`
	OrderType    string      `json:"orderType"`
	CreateTime   string      `json:"createTime"`
	OrderLine    []orderLine `json:"orderLine"`
	BuyerInfo    *buyerInfo  `json:"buyerInfo,omitempty"`
	ExtendParams []Param     `json:"extendParams,omitempty"`
}

type orderLine struct {
	OrderLineID           string        `json:"orderLineId"`
	ChargingMode          string        `json:"chargingMode"`
	ExpireTime            string        `json:"expireTime,omitempty"`
	PeriodType            string        `json:"periodType,omitempty"`
	PeriodNumber          int           `json:"periodNumber,omitempty"`
	Currency              string        `json:"currency,omitempty"`
	CurrencyAfterDiscount string        `json:"currencyAfterDiscount,omitempty"`
	ProductInfo           []productInfo `json:"productInfo"`
}

type productInfo struct {
	ProductID   string `json:"productId"`
	SKUCode     string `json:"skuCode"`
	ProductName string `json:"productName,omitempty"`
	LinearValue int64  `json:"linearValue,omitempty"`
}

type buyerInfo struct {
	CustomerID   string `json:"customerId,omitempty"`
	CustomerName string `json:"customerName,omitempty"`
	UserID       string `json:"userId,omitempty"`
	UserName     string `json:"userName,omitempty"`
	MobilePhone  string `json:"mobilePhone,omitempty"`
	Email        string `json:"email,omitempty"`
}

// wireTime is yyyyMMddHHmmss in UTC, empty for the zero time. spec: 01 §1.3
func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("20060102150405")
}

// wire puts the view on the wire, keeping only the line asked for; false if the order has no such line.
func (o OrderView) wire(lineID string) (*orderInfo, bool) {
	info := &orderInfo{OrderID: o.OrderID, OrderType: o.Type, CreateTime: wireTime(o.CreatedAt), ExtendParams: o.ExtendParams}
	if o.Type == "UNSUBSCRIBE_RENEWAL" {
		info.OrderType = "UNSUBSCRIBE" // spec: 01 §5
	}
	for _, l := range o.Lines {
		if lineID != "" && lineID != l.LineID {
			continue
		}
		line := orderLine{
			OrderLineID: l.LineID, ChargingMode: l.ChargingMode, ExpireTime: wireTime(l.ExpireTime),
			PeriodType: l.PeriodType, PeriodNumber: l.PeriodNumber,
			Currency: l.Amount, CurrencyAfterDiscount: l.AmountAfterDiscount, ProductInfo: []productInfo{},
		}
		for _, p := range l.Products {
			line.ProductInfo = append(line.ProductInfo, productInfo{ProductID: p.ProductID, SKUCode: p.SKUCode, ProductName: p.Name, LinearValue: p.LinearValue})
		}
		info.OrderLine = append(info.OrderLine, line)
	}
	if b := o.Buyer; b != nil && *b != (BuyerView{}) {
		info.BuyerInfo = &buyerInfo{b.CustomerID, b.CustomerName, b.UserID, b.UserName, b.MobilePhone, b.Email}
	}
	return info, len(info.OrderLine) > 0
}

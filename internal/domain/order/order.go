// Package order holds orders (订单) and their lines (订单行): types, states, and
// what may follow what.
//
// Chapters: 22 §2, 01 §3, §4.2. It must not know SQL, HTTP, prices' arithmetic
// (pricing) or money's accounts (ledger).
package order

import (
	"time"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
)

// Type says what an order is for. // spec: 22 §2.2
type Type string

// The types. // spec: 22 §2.2
const (
	New                Type = "NEW"
	Trial              Type = "TRIAL"
	TrialToFormal      Type = "TRIAL_TO_FORMAL"
	Renew              Type = "RENEW"
	Change             Type = "CHANGE"
	Unsubscribe        Type = "UNSUBSCRIBE"
	UnsubscribeRenewal Type = "UNSUBSCRIBE_RENEWAL"
)

// Status is what buyer and seller see. // spec: 22 §2.3
type Status string

// The statuses. // spec: 22 §2.3
const (
	PendingPayment Status = "PENDING_PAYMENT"
	Canceled       Status = "CANCELED"
	Processing     Status = "PROCESSING"
	Completed      Status = "COMPLETED"
)

// LineStatus is how far one line has come.
type LineStatus string

// The line statuses. A platform refund leaves the order COMPLETED and the line
// REFUNDED. // spec: 01 §3
const (
	LinePending      LineStatus = "PENDING_PAYMENT"
	LineProvisioning LineStatus = "PROVISIONING"
	LineDelivered    LineStatus = "DELIVERED"
	LineRefunded     LineStatus = "REFUNDED"
	LineCanceled     LineStatus = "CANCELED"
)

// Charging is how a line is charged. // spec: 14 §3.1, 10 §2.2
type Charging string

// The charging modes.
const (
	Period          Charging = "PERIOD"
	OneTime         Charging = "ONE_TIME"
	OnDemand        Charging = "ON_DEMAND"
	OnDemandPackage Charging = "ON_DEMAND_PKG"
)

// ChargingOf is the charging mode of a prepaid term.
func ChargingOf(p catalog.PeriodType) Charging {
	if p == catalog.OneTime {
		return OneTime
	}
	return Period
}

// Order is one purchase, renewal, change or unsubscription.
type Order struct {
	ID               string
	Type             Type
	Status           Status
	BuyerID          string
	PlacedBy         string // person
	SellerID         string
	ProductID        string
	Currency         money.Currency
	AmountList       money.Amount // before discount
	AmountDeal       money.Amount // after discounts, before coupons; negative on unsubscriptions // spec: 22 §2.1
	AmountCoupon     money.Amount
	AmountPaid       money.Amount // deal − coupon once paid
	Source           string       // DIRECT, AUTO_RENEW, …
	OriginOrderID    string
	OriginLineID     string
	Reason           string         // why the platform ended it
	PossiblyOrphaned bool           // refunded while the seller's last outcome was unknown // spec: 01 §2.3
	Breakdown        []pricing.Part // how the amount came about, as the buyer was shown it
	CreatedAt        time.Time
	PayDeadline      time.Time
	PaidAt           time.Time
	CompletedAt      time.Time
	Lines            []Line
}

// Line is one thing bought.
type Line struct {
	ID              string
	OrderID         string
	Number          int
	OfferID         string // the wire's productId
	SKUCode         string
	ProductName     string
	SKUName         string
	Attributes      string // JSON, as it was when ordered
	Charging        Charging
	PeriodType      catalog.PeriodType
	PeriodNumber    int
	Quantity        int64
	Linear          bool // the SKU is sold by number: quantity travels to the seller
	UnitPrice       string
	AmountDeal      money.Amount
	AmountPaid      money.Amount
	InstanceID      string
	Status          LineStatus
	AnnouncedExpiry time.Time // computed once, the same in every repetition // spec: 01 §1.3
	FirstBusinessID string    // spec: 02 §1.5
	EffectiveAt     time.Time
	ExpireAt        time.Time
}

// The time an order may stay unpaid. // spec: 22 §2.3
const DefaultPayWindow = 7 * 24 * time.Hour

// ToPay is what has to be paid.
func (o *Order) ToPay() money.Amount { return o.AmountDeal - o.AmountCoupon }

// CheckPay tells whether the order can be paid now. The deadline is half-open.
func (o *Order) CheckPay(now time.Time) error {
	switch {
	case o.Status == Canceled:
		return fault.New(fault.Conflict, "order_canceled", "the order was canceled; a canceled order cannot be restored, place a new one")
	case o.Status != PendingPayment:
		return fault.New(fault.Conflict, "order_already_paid", "the order is %s and has already been paid", o.Status)
	case !now.Before(o.PayDeadline):
		return fault.New(fault.Conflict, "payment_deadline_passed", "the order had to be paid before %s; place a new one", o.PayDeadline.Format(time.RFC3339))
	}
	return nil
}

// CheckCancel tells whether the buyer can cancel the order.
func (o *Order) CheckCancel() error {
	if o.Status != PendingPayment {
		return fault.New(fault.Conflict, "order_not_pending", "the order is %s; only an unpaid order can be canceled", o.Status)
	}
	return nil
}

// Months is the term of the line in months; 0 without end.
func (l *Line) Months() int { return l.PeriodType.Months() * l.PeriodNumber }

// End is the end of the line's term begun at start; the zero time without end.
func (l *Line) End(start time.Time, zone *time.Location) time.Time {
	switch {
	case l.PeriodType == catalog.Day:
		return start.Add(time.Duration(l.PeriodNumber) * 24 * time.Hour)
	case l.Months() > 0:
		return clock.AddMonths(start, l.Months(), zone)
	}
	return time.Time{}
}

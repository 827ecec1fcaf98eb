// Package catalog holds what is sold: products (商品), their specifications' SKUs
// (规格, skuCode) and the offers of a SKU (one per term; the wire's productId).
//
// Chapters: 20 B, 10 §1.2, 01 §2.14, §7. It must not know SQL, HTTP or the wire.
package catalog

import (
	"encoding/json"
	"time"

	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/money"
)

// Protocol is the generation of the production interface a product speaks.
type Protocol string

// The generations. // spec: 10 §1.2
const (
	V1 Protocol = "v1"
	V2 Protocol = "v2"
)

// SaaS is the access type (接入类型) of everything sold so far. // spec: 20 B1
const SaaS = "saas"

// State is the sale state of a product. // spec: 20 B7
type State string

// The sale states.
const (
	Draft     State = "DRAFT"
	InReview  State = "IN_REVIEW"
	Rejected  State = "REJECTED"
	OnSale    State = "ON_SALE"
	Suspended State = "SUSPENDED" // reversible: by the operator, or after too many failed orders // spec: 01 §2.11
	OffShelf  State = "OFF_SHELF"
)

// PeriodType is the term of an offer.
type PeriodType string

// The terms in the management API; the wire's words for them are in service/delivery.
const (
	Month   PeriodType = "month"
	Year    PeriodType = "year"
	OneTime PeriodType = "one_time"
	Day     PeriodType = "day" // of trials only; never an offer's // spec: 22 §3.6
)

// Months is the length of one period in months; 0 for goods without end.
func (p PeriodType) Months() int {
	switch p {
	case Month:
		return 1
	case Year:
		return 12
	}
	return 0
}

// Days is how many days one period counts when its price is taken apart by the day; 0
// without a price by time. // spec: 22 §3.5
func (p PeriodType) Days() int64 {
	switch p {
	case Month:
		return pricing.DaysOfMonth
	case Year:
		return pricing.DaysOfYear
	}
	return 0
}

// Settings are the switches of a product that shape its calls. The zero value is
// what the chapters prescribe for a new product.
type Settings struct {
	StableBusinessID   bool                `json:"stable_business_id,omitempty"`    // spec: 02 §1.5
	AlwaysSendTestFlag bool                `json:"always_send_test_flag,omitempty"` // spec: 02 §1.6
	LenientContentType bool                `json:"lenient_content_type,omitempty"`  // spec: 02 §1.10
	ReadyWithoutInfo   bool                `json:"ready_without_info,omitempty"`    // spec: 02 §2.14
	SendUser           bool                `json:"send_user,omitempty"`             // authorisation "sub-user" // spec: 10 §2.2
	SendMobile         bool                `json:"send_mobile,omitempty"`           // authorisation "mobile number"
	SendEmail          bool                `json:"send_email,omitempty"`            // authorisation "e-mail"
	SealBits           int                 `json:"seal_bits,omitempty"`             // 128 or 256 (0) for mobilePhone and email // spec: 10 §6.4
	Profile            map[string][]string `json:"profile,omitempty"`               // optional parameters per activity // spec: 02 §1.7
	ProductInfoText    bool                `json:"product_info_text,omitempty"`     // spec: 02 §2.6
	PurchaseLimit      *PurchaseLimit      `json:"purchase_limit,omitempty"`        // spec: 22 §2.4
}

// Product is what a seller publishes.
type Product struct {
	ID        string
	SellerID  string
	Name      string
	Summary   string
	Protocol  Protocol
	State     State
	Reason    string // why it was rejected or suspended
	Settings  Settings
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SKU is what a buyer picks; its code survives a change of term. // spec: 10, words
type SKU struct {
	Code       string
	ProductID  string
	Name       string
	Attributes Attributes
	Position   int
}

// Attributes describe a SKU. A quantity attribute makes it sellable by number.
type Attributes struct {
	NameEN   string            `json:"name_en,omitempty"` // of the SKU
	Fixed    map[string]string `json:"fixed,omitempty"`
	Quantity *QuantityRule     `json:"quantity,omitempty"` // sent as V1 amount, V2 linearValue // spec: 01 §2.14
}

// NameIn is the SKU's name in a language; sellers give specifications two. // spec: 20 B3.1
func (s SKU) NameIn(language string) string {
	if language != "zh-CN" && s.Attributes.NameEN != "" {
		return s.Attributes.NameEN
	}
	return s.Name
}

// QuantityRule bounds the number of pieces of a linear SKU.
type QuantityRule struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Min  int64  `json:"min"`
	Max  int64  `json:"max"`            // at most 9,999,999: seven digits on the wire // spec: 10 §2.2
	Step int64  `json:"step,omitempty"` // counted from Min; 0 means 1
	// Pricing is how the number is priced; "" is linear. // spec: 20 B3.3
	Pricing pricing.Mode `json:"pricing,omitempty"`
}

// Allows tells whether n may be ordered.
func (q QuantityRule) Allows(n int64) bool {
	return n >= q.Min && n <= q.Max && (q.Step <= 1 || (n-q.Min)%q.Step == 0)
}

// MaxQuantity is what seven digits hold. // spec: 10 §2.2
const MaxQuantity = 9_999_999

// MaxPeriodNumber is what two digits hold. // spec: 10 §2.2
const MaxPeriodNumber = 99

// JSON is the stored form.
func (a Attributes) JSON() string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err) // strings and numbers always encode
	}
	return string(b)
}

// Offer is a SKU for one term at a price; its id is the wire's productId.
type Offer struct {
	ID         string
	SKUCode    string
	PeriodType PeriodType
	Price      string        // exact decimal, per piece and period // spec: 01 §4.1
	Bands      pricing.Bands // unit prices from a number of pieces on // spec: 20 B3.3
	Currency   money.Currency
	Withdrawn  bool
}

// Tariff is what pieces of a SKU cost in the offer.
func (o Offer) Tariff(s SKU) pricing.Tariff {
	t := pricing.Tariff{Unit: o.Price}
	if q := s.Attributes.Quantity; q != nil && q.Pricing != pricing.Linear {
		t.Mode, t.Bands = q.Pricing, o.Bands
	}
	return t
}

package catalog

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/ground/money"
)

// RevisionState is where a release or modification request (我的申请) stands.
// spec: 20 B7
type RevisionState string

// The states of a revision. One open revision per product. // spec: 20 B7
const (
	RevisionDraft      RevisionState = "DRAFT"
	RevisionPending    RevisionState = "PENDING"   // 待审核
	RevisionReviewing  RevisionState = "REVIEWING" // 审核中
	RevisionRejected   RevisionState = "REJECTED"  // 已驳回
	RevisionApproved   RevisionState = "APPROVED"
	RevisionSuperseded RevisionState = "SUPERSEDED"
)

// Open tells whether the revision keeps another from being begun.
func (s RevisionState) Open() bool {
	return s == RevisionDraft || s == RevisionPending || s == RevisionReviewing || s == RevisionRejected
}

// Revision is one snapshot of everything the wizard asks, with its way through
// review. While one is open the version on sale goes on selling.
type Revision struct {
	ID          string
	ProductID   string
	SellerID    string
	Kind        string // RELEASE or MODIFY
	Body        Body
	State       RevisionState
	Version     int64 // counts saves: a stale page is refused
	SubmittedAt time.Time
	DueAt       time.Time
	DecidedAt   time.Time
	ReviewerID  string
	Reason      string
	Remarks     map[string]string // reviewer's reason per field
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Kinds of revisions.
const (
	Release = "RELEASE"
	Modify  = "MODIFY"
)

// Body is every field of the wizard for SaaS, in its steps. // spec: 20 B2
type Body struct {
	// Step 1, access.
	Name         string        `json:"name"`
	Version      string        `json:"version"`
	Protocol     Protocol      `json:"protocol"`
	Logo         string        `json:"logo"` // file id
	Supervised   bool          `json:"supervised"`
	DeliveryDays int           `json:"delivery_days"`
	DeliveryForm string        `json:"delivery_template"` // file id: what people deliver by, when supervised
	ExtendParams []ExtendParam `json:"extend_params"`
	SendMobile   bool          `json:"send_mobile"`
	SendEmail    bool          `json:"send_email"`
	SendUser     bool          `json:"send_user"`
	SealBits     int           `json:"seal_bits"`

	// Step 2, what people read.
	Media       []string    `json:"media"` // file ids
	Overview    string      `json:"overview"`
	Description string      `json:"description"` // Markdown
	Highlights  []Highlight `json:"highlights"`
	Cases       []Case      `json:"cases"`

	// Step 3, qualifications and service.
	Agreement     string  `json:"agreement"`
	Support       Support `json:"support"`
	UserGuide     string  `json:"user_guide"`      // Markdown
	UserGuideFile string  `json:"user_guide_file"` // file id; either is enough
	Copyright     string  `json:"copyright"`       // file id, never shown to buyers

	// Step 4, business.
	Public   bool     `json:"public"`
	Category string   `json:"category"`
	Tags     []string `json:"tags"`
	Specs    []Spec   `json:"specs"`
}

// ExtendParam is a value the buyer must give, passed to the seller. // spec: 10 §2.3
type ExtendParam struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Required bool   `json:"required"`
}

// Highlight is a feature worth a line.
type Highlight struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Case is a customer's story.
type Case struct {
	Customer   string `json:"customer"`
	Background string `json:"background"`
	Result     string `json:"result"`
}

// Support is the four mandatory items. // spec: 20 B2
type Support struct {
	Days    int    `json:"days"`  // per week
	Hours   int    `json:"hours"` // per day
	Time    string `json:"time"`  // in words
	Content string `json:"content"`
	Hotline string `json:"hotline"`
	Email   string `json:"email"`
}

// Spec is a specification; its enumerations span the SKUs. // spec: 20 B3
type Spec struct {
	Key       string        `json:"key"` // stable within the product, made by us
	NameZH    string        `json:"name_zh"`
	NameEN    string        `json:"name_en"`
	Enums     []Enum        `json:"enums"`
	Quantity  *SpecQuantity `json:"quantity"`
	Prices    []Price       `json:"prices"`
	TrialDays int           `json:"trial_days"` // 0 or 3 to 180
	Upgrades  []UpgradePair `json:"upgrades"`
}

// Enum is an enumeration attribute.
type Enum struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
}

// SpecQuantity is the quantity attribute. // spec: 01 §2.14
type SpecQuantity struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	Min  int64  `json:"min"`
	Max  int64  `json:"max"`
	Step int64  `json:"step"`
	// Pricing is how the number is priced; "" is linear. // spec: 20 B3.3
	Pricing pricing.Mode `json:"pricing,omitempty"`
}

// Price is the unit price of one SKU for one term. SKU is the combination's text
// (see Combination).
type Price struct {
	SKU        string         `json:"sku"`
	PeriodType PeriodType     `json:"period_type"`
	Amount     string         `json:"amount"`
	Bands      pricing.Bands  `json:"bands,omitempty"` // unit prices from a number of pieces on
	Currency   money.Currency `json:"currency"`
}

// Text is a price as it is written in one field: "12.00", or with bands "12.00 11:10.00".
func (p Price) Text() string { return strings.TrimSpace(p.Amount + " " + p.Bands.String()) }

// ReadPrice takes such a text apart. What cannot be read stays in the amount, which Check
// then refuses.
func (p Price) ReadPrice(text string) Price {
	text = strings.TrimSpace(text)
	first := strings.IndexAny(text, " ,;，；")
	p.Amount, p.Bands = text, nil
	if first < 0 {
		return p
	}
	if bands, err := pricing.ParseBands(text[first:]); err == nil {
		p.Amount, p.Bands = text[:first], bands
	}
	return p
}

// UpgradePair allows a change between two SKUs of a spec. // spec: 20 B3.5
type UpgradePair struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Combinations are the SKUs of a spec: every choice of one value per enumeration,
// as "value / value", in order; one empty combination without enumerations.
func (s Spec) Combinations() []string {
	out := []string{""}
	for _, e := range s.Enums {
		var next []string
		for _, have := range out {
			for _, v := range e.Values {
				if have == "" {
					next = append(next, v)
				} else {
					next = append(next, have+" / "+v)
				}
			}
		}
		out = next
	}
	return out
}

// JSON is the stored form.
func (b Body) JSON() string {
	t, err := json.Marshal(b)
	if err != nil {
		panic(err) // texts and numbers always encode
	}
	return string(t)
}

// ReviewDays is the reviewers' time in working days; each further ten submissions
// of one seller on one day add a day. // spec: 20 B7
const ReviewDays = 3

// ReviewAllowance is the working days for the n-th submission of a seller on a day.
func ReviewAllowance(n int) int { return ReviewDays + n/10 }

// Category is a node of the two-level tree. // spec: 20 B9a
type Category struct {
	ID       string
	ParentID string
	NameZH   string
	NameEN   string
	Position int
	Retired  bool // takes no new products; those in it stay
}

// Rating is a buyer's judgement of a product bought, with the seller's reply.
type Rating struct {
	ID        string
	ProductID string
	BuyerID   string
	OrderID   string
	Stars     int
	Text      string
	Reply     string
	CreatedAt time.Time
	RepliedAt time.Time
}

// MaxRatingText is in characters.
const MaxRatingText = 500

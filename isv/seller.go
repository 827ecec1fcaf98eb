package isv

import (
	"context"
	"errors"
	"time"
)

// Seller is what a seller implements. Methods may be called concurrently, but never
// for one order or one instance at the same time. They see a call at most once per
// order unless an earlier attempt failed or the process died; then they see the same
// InstanceID again and must go on where they stopped.
//
// Errors: a *Refusal answers its own code, ErrNoInstance answers 000003, ErrNotReady
// answers 000004, anything else answers 000005 without showing its text.
type Seller interface {
	// Create makes the instance called c.InstanceID. Making it again under the same id
	// must change nothing.
	Create(ctx context.Context, c Creation) error
	// Renew stores the new end of the term. Calls of V1 also end a freeze.
	Renew(ctx context.Context, r Renewal) error
	// Freeze makes the instance unusable and keeps its data.
	Freeze(ctx context.Context, c Change) error
	// Unfreeze ends a freeze.
	Unfreeze(ctx context.Context, c Change) error
	// Release deletes the instance.
	Release(ctx context.Context, c Change) error
	// Upgrade gives the instance the size of the new order.
	Upgrade(ctx context.Context, u Upgrade) error
	// Describe returns how the buyer enters the instance; ErrNotReady while it is being made.
	Describe(ctx context.Context, instanceID string) (Entry, error)
}

// Licenser is a Seller of licences (getLicense of V1).
type Licenser interface {
	// License returns the code for c.InstanceID, the same one every time.
	License(ctx context.Context, c Creation) (license string, err error)
}

// ChangeChecker is a Seller that can refuse a change upon renewal
// (changeInstanceCheck of V2); without it every change is allowed.
type ChangeChecker interface {
	CheckChange(ctx context.Context, c SizeChange) error
}

// OrderListener is a Seller that wants the order notification; without it a notice
// is answered with success and dropped.
type OrderListener interface {
	OrderNotified(ctx context.Context, n Notice) error
}

// Errors with a result code of their own.
var (
	ErrNoInstance = errors.New("instance does not exist")
	ErrNotReady   = errors.New("instance is being created")
)

// Refusal answers a call with a result code.
type Refusal struct {
	Code    string // six digits, e.g. "000106" for sold out
	Message string // shown to the marketplace
}

func (r *Refusal) Error() string { return r.Code + " " + r.Message }

// Generation tells which protocol a call came by.
type Generation string

// The two generations.
const (
	V1 Generation = "v1"
	V2 Generation = "v2"
)

// Creation is a newInstance (or getLicense) call. V2 sends only the order's ids: read
// the rest with OrderClient.
type Creation struct {
	Generation  Generation
	InstanceID  string // chosen by the SDK before the first attempt
	OrderID     string
	OrderLineID string // V2
	BusinessID  string // of this call; changes from call to call
	Test        bool   // a debugging call: answer it, provide nothing
	Repeated    bool   // an earlier attempt began and did not finish

	// V1 only:
	ProductID, SKUCode       string
	CustomerID, CustomerName string
	UserID, UserName         string
	MobilePhone, Email       string // decrypted; empty when absent or undecryptable
	ChargingMode             string // "0" pay-per-use, "1" period, "3" one-time, "5" package
	Trial                    bool
	ExpireTime               string // yyyyMMddHHmmss, UTC+8 unless agreed otherwise; informative
	PeriodType, PeriodNumber string
	Amount                   string
	DiskSize, BandWidth      string
	ProvisionType            string
	OrderAmount              string
	Extensions               []Extension
}

// Extension is an extension parameter of the order.
type Extension struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Renewal is a refreshInstance (or refreshLicense) call.
type Renewal struct {
	Generation    Generation
	InstanceID    string
	OrderID       string
	OrderLineID   string // V2
	ProductID     string // only when the period type changes
	ExpireTime    string // the new end: UTC in V2, UTC+8 in V1 unless agreed otherwise
	Scene         string // V2
	TrialToFormal bool
	OrderAmount   string // V1; negative when a renewal is cancelled
	Test          bool
}

// Change is a freeze, unfreeze or release.
type Change struct {
	Generation  Generation
	InstanceID  string
	OrderID     string // may be empty
	OrderLineID string // V2
	OrderAmount string // V1 release after a refund
	Test        bool
}

// Upgrade is an upgrade (V1) or upgradeInstance (V2) call; V2 sends no sizes.
type Upgrade struct {
	Generation         Generation
	InstanceID         string
	OrderID            string
	OrderLineID        string // V2
	ProductID, SKUCode string
	Amount             string
	DiskSize           string
	BandWidth          string
	Test               bool
}

// SizeChange is what a buyer would like to change upon renewal.
type SizeChange struct {
	InstanceID, ProductID, SKUCode string
	LinearValue                    string // decimal integer, may be empty
	Test                           bool
}

// Notice is an order notification.
type Notice struct {
	OrderID, OrderLineID string
	Test                 bool
}

// Entry is how the buyer enters an instance. UserName and Password are at most 79
// bytes on V1 (they travel encrypted in 128 characters), 128 characters on V2.
type Entry struct {
	FrontEndURL string
	AdminURL    string
	UserName    string
	Password    string
	Memo        string
	Usage       []Usage
}

// Usage is the seller's count for one billing item.
type Usage struct {
	RelatedInstanceID string // packages: the pay-per-use instance meant
	Value             string // plain decimal with at most 4 decimals
	At                time.Time
	DashboardURL      string
}

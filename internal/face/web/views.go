package web

import (
	"context"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
)

// Viewer is the person who is logged in.
type Viewer struct {
	Actor   access.Actor
	Name    string // of the person
	Company string // name of the company
}

// Login turns a login and password into a session and back. Errors are faults: Unauthenticated for a wrong pair
// or a locked account, TooMany when it is tried too often.
type Login interface {
	// LogIn returns the secret of a new session, which the cookie carries, and its end.
	LogIn(ctx context.Context, login, password string) (session string, until time.Time, err error)
	// Session returns false for a session that is unknown, over, or logged out.
	Session(ctx context.Context, session string) (Viewer, bool, error)
	LogOut(ctx context.Context, session string) error
}

// Catalog is what is on sale, for everybody.
type Catalog interface {
	// Products returns one page and the mark of the next, "" at the end.
	Products(ctx context.Context, page string) (products []Product, next string, err error)
}

// Orders are the orders of the actor's company; an operator sees all. A foreign id is the fault NotFound.
type Orders interface {
	Orders(ctx context.Context, actor access.Actor, page string) (orders []OrderRow, next string, err error)
	Order(ctx context.Context, actor access.Actor, id string) (Order, error)
	// Entry opens the seller's answer for an instance of the order. Being asked is worth an audit row.
	Entry(ctx context.Context, actor access.Actor, orderID, instanceID string) (Entry, error)
}

// Attempts are the calls to sellers' servers that the actor may see.
type Attempts interface {
	Attempts(ctx context.Context, actor access.Actor, f AttemptFilter, page string) (attempts []AttemptRow, next string, err error)
	Attempt(ctx context.Context, actor access.Actor, id string) (Attempt, error)
	// Restart makes a call that failed for good start again.
	Restart(ctx context.Context, actor access.Actor, id string) error
}

// Product is a product with its SKUs and prices.
type Product struct {
	ID, Name, Summary, Seller string
	SKUs                      []SKU
}

// SKU is one choice of a product.
type SKU struct {
	Code, Name string
	Attributes []Attribute
	Offers     []Offer
}

// Attribute is a name and a value as the seller wrote them.
type Attribute struct{ Name, Value string }

// Offer is the price of a SKU for a term: PeriodType is month, year or one_time; Price is decimal text.
type Offer struct{ ProductID, PeriodType, Price, Currency string }

// OrderRow is an order in a list. Status is that of order.Status; SubState, if not empty, one of provisioning,
// supervision, manual_retry, refunding, refunded.
type OrderRow struct {
	ID, Type, Status, SubState       string
	Product, Buyer, Seller, Quantity string
	Amount, Currency                 string // decimal text
	CreatedAt                        time.Time
}

// Order is an order on its own page.
type Order struct {
	OrderRow
	PaidAt, CompletedAt, PayDeadline time.Time
	// NextCallAt is when the seller is called next; zero when nothing is due.
	NextCallAt time.Time
	// Reason is why the platform ended the order, "" otherwise.
	Reason string
	// PossiblyOrphaned: refunded while it is not known whether the seller acted. spec: 01 §2.3
	PossiblyOrphaned bool
	OriginOrderID    string
	Lines            []Line
}

// Line is an order line with the instance it made, if any. InstanceStatus is "" without one.
type Line struct {
	ID, Product, SKU, Status, Amount             string
	PeriodType                                   string
	PeriodNumber                                 int
	Quantity                                     int64
	InstanceID, SellerInstanceID, InstanceStatus string
	FreezeReasons                                []string
	EffectiveAt, ExpireAt                        time.Time
	HasEntry                                     bool // the seller answered with an entry page or credentials
}

// Entry is what the seller answered for an instance. Warning tells why something of it is not shown. spec: 10 §2.4
type Entry struct{ FrontEndURL, AdminURL, UserName, Password, Memo, Warning string }

// AttemptFilter narrows the list; empty members do not.
type AttemptFilter struct{ Order, State, Activity string }

// AttemptRow is a call in a list. State is running, success, retrying, failed or unknown; HTTPStatus is 0 without an answer.
type AttemptRow struct {
	ID, OrderID, InstanceID, Seller, Activity string
	Number                                    int
	State                                     string
	HTTPStatus                                int
	ResultCode                                string
	StartedAt                                 time.Time
	Duration                                  time.Duration
}

// Attempt is a call on its own page. Request and Response are the bytes on the connection with secrets masked.
type Attempt struct {
	AttemptRow
	ResultMsg string
	// Reason is what the judgement found first, "" on success; Detail what it saw.
	Reason, Detail    string
	NextCallAt        time.Time
	CanRestart        bool
	Request, Response []byte
}

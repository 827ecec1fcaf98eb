package catalog

import (
	"slices"
	"strconv"
	"time"

	"github.com/souk-market/souk/internal/ground/fault"
)

// PurchaseLimit (限购配置) bounds what one buyer may order of a product; a member that is
// zero does not. Orders cancelled or given back do not count. // spec: 22 §2.4, 20 B4
type PurchaseLimit struct {
	Orders     int      `json:"orders,omitempty"`
	Pieces     int64    `json:"pieces,omitempty"`
	OneAtATime bool     `json:"one_at_a_time,omitempty"` // again only when the service has ended
	SKUs       []string `json:"skus,omitempty"`          // the codes it binds and counts, all of them together; none: the whole product
	Days       int      `json:"days,omitempty"`          // orders placed longer ago do not count, in days of 24 hours; 0: they do
}

// Bounds of a limit's members.
const (
	MaxLimit     = 999_999_999
	MaxLimitDays = 3660
)

// The members that refuse an order, by their names in the API.
const (
	LimitOrders     = "orders"
	LimitPieces     = "pieces"
	LimitOneAtATime = "one_at_a_time"
)

// Taken is what a buyer has had of what a limit counts.
type Taken struct {
	Orders int
	Pieces int64
	Live   int // services in use or being made
}

// None tells whether the limit bounds nothing.
func (l PurchaseLimit) None() bool {
	return l.Orders == 0 && l.Pieces == 0 && !l.OneAtATime && l.Days == 0 && len(l.SKUs) == 0
}

// Check notes what is wrong with a limit of a product that has, or had, these SKUs; at
// stands before the names of the fields.
func (l PurchaseLimit) Check(at string, known []string, into fault.Fields) {
	if l.Orders < 0 || l.Orders > MaxLimit {
		into.Add(at+LimitOrders, "must be 0 to %d; 0 does not bind", MaxLimit)
	}
	if l.Pieces < 0 || l.Pieces > MaxLimit {
		into.Add(at+LimitPieces, "must be 0 to %d; 0 does not bind", MaxLimit)
	}
	switch {
	case l.Days < 0 || l.Days > MaxLimitDays:
		into.Add(at+"days", "must be 0 to %d; 0 counts all orders", MaxLimitDays)
	case l.Days > 0 && l.Orders == 0 && l.Pieces == 0:
		into.Add(at+"days", "needs orders or pieces beside it")
	}
	if len(l.SKUs) > 0 && l.Orders == 0 && l.Pieces == 0 && !l.OneAtATime {
		into.Add(at+"skus", "needs orders, pieces or one_at_a_time beside it")
		return
	}
	for i, code := range l.SKUs {
		switch {
		case !slices.Contains(known, code):
			into.Add(at+"skus", "must be sku codes of this product; %q is none", code)
			return
		case slices.Contains(l.SKUs[:i], code):
			into.Add(at+"skus", "must not hold %q twice", code)
			return
		}
	}
}

// Binds tells whether orders of a SKU are limited.
func (l PurchaseLimit) Binds(sku string) bool {
	return len(l.SKUs) == 0 || slices.Contains(l.SKUs, sku)
}

// Since is the instant after which orders count: one of exactly so many days ago does not
// any more. Zero when all count.
func (l PurchaseLimit) Since(now time.Time) time.Time {
	if l.Days == 0 {
		return time.Time{}
	}
	return now.Add(-time.Duration(l.Days) * 24 * time.Hour)
}

// Refuses names the member that does not allow so many pieces more; "" when they are allowed.
func (l PurchaseLimit) Refuses(had Taken, quantity int64) string {
	switch {
	case l.Orders > 0 && had.Orders >= l.Orders:
		return LimitOrders
	case l.Pieces > 0 && had.Pieces+quantity > l.Pieces:
		return LimitPieces
	case l.OneAtATime && had.Live > 0:
		return LimitOneAtATime
	}
	return ""
}

// OrdersLeft is how many orders may still be placed, where their number is limited.
func (l PurchaseLimit) OrdersLeft(had Taken) int { return max(l.Orders-had.Orders, 0) }

// PiecesLeft is how many pieces may still be ordered, where their number is limited.
func (l PurchaseLimit) PiecesLeft(had Taken) int64 { return max(l.Pieces-had.Pieces, 0) }

// Whole says in the API's words what is limited.
func (l PurchaseLimit) Whole() string {
	if len(l.SKUs) > 0 {
		return "the limited specifications of this product"
	}
	return "this product"
}

// What says in the API's words what is counted: Whole, and within which time.
func (l PurchaseLimit) What() string {
	if l.Days > 0 {
		return l.Whole() + " within " + strconv.Itoa(l.Days) + " days"
	}
	return l.Whole()
}

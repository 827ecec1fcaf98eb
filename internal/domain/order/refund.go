package order

import (
	"time"

	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
)

// RefundState is how a request for a large refund stands. // spec: 22 §4.1
type RefundState string

// The states of a request; all but the first are final.
const (
	RefundWaiting   RefundState = "WAITING"
	RefundApproved  RefundState = "APPROVED"  // carried out, by an operator's word or for want of one
	RefundRejected  RefundState = "REJECTED"  // by an operator, or because the service could not be given back any more
	RefundWithdrawn RefundState = "WITHDRAWN" // by the buyer
)

// RefundStates is all of them.
var RefundStates = []RefundState{RefundWaiting, RefundApproved, RefundRejected, RefundWithdrawn}

// AnswerWithin is how long an operator has for an answer; none counts as approval.
const AnswerWithin = 24 * time.Hour

// RefundRequest is a five-day refund that is too large to be made unasked.
type RefundRequest struct {
	ID          string
	InstanceID  string
	BuyerID     string
	ProductName string
	State       RefundState
	Amount      money.Amount // what it is about: as asked, then as it was given back
	Currency    money.Currency
	Reason      string // of the buyer
	AskedBy     string // person
	AskedAt     time.Time
	AnswerBy    time.Time
	AnsweredBy  string // person; the platform where nobody answered
	AnsweredAt  time.Time
	Answer      string // the reason of a rejection
	OrderID     string // the unsubscription, once approved
}

// NeedsApproval tells whether a refund waits for an operator; a threshold of 0 lets all pass.
func NeedsApproval(amount, threshold money.Amount) bool { return threshold > 0 && amount > threshold }

// CheckOpen tells whether a request still waits.
func (r *RefundRequest) CheckOpen() error {
	if r.State != RefundWaiting {
		return fault.New(fault.Conflict, "refund_answered", "the request is %s already", r.State)
	}
	return nil
}

// CheckStop tells whether a request can still be rejected or withdrawn: from its instant on
// it counts as approved, however late that is carried out.
func (r *RefundRequest) CheckStop(now time.Time) error {
	if err := r.CheckOpen(); err != nil {
		return err
	}
	if !now.Before(r.AnswerBy) {
		return fault.New(fault.Conflict, "refund_lapsed", "nobody answered until %s, so the refund counts as approved", r.AnswerBy.Format(time.RFC3339))
	}
	return nil
}

// Package crash marks the instants at which a test build kills itself.
//
// In a normal build Point is empty and costs nothing. Built with -tags soukcrash,
// the process sends itself SIGKILL at the n-th pass of the label named in
// SOUK_CRASH_AT ("label" or "label:n"). // spec: 01 §8.7
package crash

// The labels. // spec: 01 §8.7
const (
	PaidCommitted    = "paid.committed"
	JobClaimed       = "job.claimed"
	AttemptRecorded  = "attempt.recorded"
	RequestSent      = "request.sent"
	AnswerReceived   = "answer.received"
	OutcomeCommitted = "outcome.committed"
	PollSent         = "poll.sent"
	ActiveCommitted  = "active.committed"
	NotifyQueued     = "notify.queued"
)

// Labels lists every label in the order an order passes them.
var Labels = []string{PaidCommitted, NotifyQueued, JobClaimed, AttemptRecorded, RequestSent, AnswerReceived, OutcomeCommitted, PollSent, ActiveCommitted}

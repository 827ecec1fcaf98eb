package ui

// Tone is one of the four meanings, always shown as colour, icon and word; Plain is none of them.
type Tone string

// The meanings.
const (
	Good      Tone = "good"
	Waiting   Tone = "waiting"
	Attention Tone = "attention"
	Bad       Tone = "bad"
	Plain     Tone = "plain"
)

// Who must act next, as in the catalogue: who.<actor>.
type Who string

// The actors.
const (
	Nobody   Who = "nobody"
	Buyer    Who = "buyer"
	Seller   Who = "seller"
	Operator Who = "operator"
	Souk     Who = "souk"
)

// State is how a state is shown: its word is <ID>, what happens next <ID>.next in the catalogues.
type State struct {
	ID   string
	Tone Tone
	Who  Who
}

// orderStates is keyed by status and, after a slash, sub-state. spec: 22 §2.3, 01 §3
var orderStates = map[string]State{
	"PENDING_PAYMENT":         {"order.pending", Attention, Buyer},
	"CANCELED":                {"order.canceled", Plain, Nobody},
	"PROCESSING":              {"order.provisioning", Waiting, Souk},
	"PROCESSING/provisioning": {"order.provisioning", Waiting, Souk},
	"PROCESSING/supervision":  {"order.supervision", Waiting, Seller},
	"PROCESSING/manual_retry": {"order.manual", Attention, Seller},
	"PROCESSING/refunding":    {"order.refunding", Waiting, Souk},
	"COMPLETED":               {"order.completed", Good, Nobody},
	"COMPLETED/refunded":      {"order.refunded", Bad, Nobody},
}

// instanceStates is keyed by status. spec: 01 §3
var instanceStates = map[string]State{
	"CREATING":     {"instance.creating", Waiting, Souk},
	"PROVISIONING": {"instance.provisioning", Waiting, Seller},
	"ACTIVE":       {"instance.active", Good, Nobody},
	"GRACE":        {"instance.grace", Attention, Buyer},
	"FROZEN":       {"instance.frozen", Bad, Buyer},
	"RELEASED":     {"instance.released", Plain, Nobody},
	"FAILED":       {"instance.failed", Bad, Nobody},
}

// attemptStates is keyed by state. spec: 01 §8.5
var attemptStates = map[string]State{
	"running":  {"attempt.running", Waiting, Souk},
	"success":  {"attempt.success", Good, Nobody},
	"retrying": {"attempt.retrying", Waiting, Souk},
	"failed":   {"attempt.failed", Bad, Seller},
	"unknown":  {"attempt.unknown", Attention, Souk},
}

// productStates is keyed by sale state. spec: 20 B7
var productStates = map[string]State{
	"DRAFT":     {"goods.draft", Plain, Seller},
	"IN_REVIEW": {"goods.review", Waiting, Operator},
	"REJECTED":  {"goods.rejected", Bad, Seller},
	"ON_SALE":   {"goods.onsale", Good, Nobody},
	"SUSPENDED": {"goods.suspended", Attention, Operator},
	"OFF_SHELF": {"goods.off", Plain, Nobody},
}

// revisionStates is keyed by the state of a release or modification request. spec: 20 B7
var revisionStates = map[string]State{
	"DRAFT":      {"revision.draft", Plain, Seller},
	"PENDING":    {"revision.pending", Waiting, Operator},
	"REVIEWING":  {"revision.reviewing", Waiting, Operator},
	"REJECTED":   {"revision.rejected", Bad, Seller},
	"APPROVED":   {"revision.approved", Good, Nobody},
	"SUPERSEDED": {"revision.superseded", Plain, Nobody},
}

// topUpStates is keyed by state. spec: 01 §9
var topUpStates = map[string]State{
	"ASKED":     {"topup.asked", Waiting, Operator},
	"REQUESTED": {"topup.requested", Waiting, Operator},
	"POSTED":    {"topup.posted", Good, Nobody},
	"REFUSED":   {"topup.refused", Bad, Nobody},
}

// refundStates is keyed by the state of a large refund. spec: 22 §4.1
var refundStates = map[string]State{
	"WAITING":   {"refund.waiting", Waiting, Operator},
	"APPROVED":  {"refund.approved", Good, Nobody},
	"REJECTED":  {"refund.rejected", Bad, Nobody},
	"WITHDRAWN": {"refund.withdrawn", Plain, Nobody},
}

// jobStates is keyed by state.
var jobStates = map[string]State{
	"waiting": {"job.waiting", Waiting, Souk},
	"queued":  {"job.queued", Waiting, Souk},
	"running": {"job.running", Waiting, Souk},
	"done":    {"job.done", Good, Nobody},
	"failed":  {"job.failed", Bad, Operator},
	"dropped": {"job.dropped", Plain, Nobody},
}

// mailStates is keyed by the state of a mail of the outbox.
var mailStates = map[string]State{
	"queued": {"mail.queued", Waiting, Souk},
	"sent":   {"mail.sent", Good, Nobody},
	"failed": {"mail.failed", Bad, Operator},
}

// usable is the state of something that is either in use or not.
var usable = map[string]State{
	"on":  {"use.on", Good, Nobody},
	"off": {"use.off", Plain, Nobody},
	"end": {"use.end", Attention, Nobody},
}

// unknownState is shown for a state that this program does not know: that, and that support must look.
var unknownState = State{"state.unknown", Attention, Souk}

// OrderState is how an order is shown; refunded tells that all of its lines were.
func OrderState(status string, refunded bool) State {
	if s, ok := orderStates[status+"/refunded"]; ok && refunded {
		return s
	}
	return stateIn(orderStates, status)
}

// InstanceState, AttemptState and so on are how a state is shown.
func InstanceState(s string) State { return stateIn(instanceStates, s) }

// AttemptState is how a call stands.
func AttemptState(s string) State { return stateIn(attemptStates, s) }

// ProductState is how a product stands.
func ProductState(s string) State { return stateIn(productStates, s) }

// RevisionState is how a release or modification request stands.
func RevisionState(s string) State { return stateIn(revisionStates, s) }

// TopUpState is how a top-up stands.
func TopUpState(s string) State { return stateIn(topUpStates, s) }

// RefundState is how a request for a large refund stands.
func RefundState(s string) State { return stateIn(refundStates, s) }

// MailState is how a mail stands.
func MailState(s string) State { return stateIn(mailStates, s) }

// JobState is how a job stands.
func JobState(s string) State { return stateIn(jobStates, s) }

// Use is "on", "off" or "end" (ends soon).
func Use(s string) State { return stateIn(usable, s) }

func stateIn(table map[string]State, key string) State {
	if s, ok := table[key]; ok {
		return s
	}
	return unknownState
}

// Activities are the calls that filters offer, both generations. spec: 10 §1.2, 11 §3, 12 §1
var Activities = []string{
	"newInstance", "refreshInstance", "expireInstance", "releaseInstance", "upgrade", "upgradeInstance",
	"instanceStatus", "updateInstanceStatus", "queryInstance", "changeInstanceCheck", "orderNotify",
}

// AttemptStates are the states that filters offer.
var AttemptStates = []string{"success", "retrying", "failed", "unknown"}

// OrderStatuses, InstanceStatuses and ProductStatuses are what filters offer.
var (
	OrderStatuses    = []string{"PENDING_PAYMENT", "PROCESSING", "COMPLETED", "CANCELED"}
	InstanceStatuses = []string{"CREATING", "PROVISIONING", "ACTIVE", "GRACE", "FROZEN", "RELEASED", "FAILED"}
	ProductStatuses  = []string{"DRAFT", "IN_REVIEW", "REJECTED", "ON_SALE", "SUSPENDED", "OFF_SHELF"}
)

// caseStates is keyed by whether a saved case, a debugging call or a round of probing passed.
var caseStates = map[bool]State{
	true:  {"case.passed", Good, Nobody},
	false: {"case.failed", Bad, Seller},
}

// CaseState is how a case stands.
func CaseState(passed bool) State { return caseStates[passed] }

// checkupStates is keyed by state and, of what is done, outcome.
var checkupStates = map[string]State{
	"running":          {"checkup.running", Waiting, Souk},
	"failed":           {"checkup.failed", Attention, Seller},
	"done/healthy":     {"checkup.healthy", Good, Nobody},
	"done/ill":         {"checkup.ill", Bad, Seller},
	"done/not-reached": {"checkup.unreached", Bad, Seller},
	"done/interrupted": {"checkup.interrupted", Attention, Seller},
}

// CheckupState is how a run of the doctor stands.
func CheckupState(state, outcome string) State {
	if state == "done" {
		state += "/" + outcome
	}
	return stateIn(checkupStates, state)
}

// verdictStates is keyed by the verdict and whether the rule is a must.
var verdictStates = map[string]State{
	"pass": {"verdict.state.pass", Good, Nobody}, "pass/must": {"verdict.state.pass", Good, Nobody},
	"fail": {"verdict.state.warn", Attention, Seller}, "fail/must": {"verdict.state.fail", Bad, Seller},
	"skip": {"verdict.state.skip", Plain, Nobody}, "skip/must": {"verdict.state.skip", Plain, Nobody},
}

// VerdictState is how one rule of the doctor was judged.
func VerdictState(state string, must bool) State {
	if must {
		state += "/must"
	}
	return stateIn(verdictStates, state)
}

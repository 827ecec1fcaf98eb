package web

// tone is one of the four meanings, always shown as colour, icon and word.
type tone string

const (
	good      tone = "good"
	waiting   tone = "waiting"
	attention tone = "attention"
	bad       tone = "bad"
)

// actor names who must act next, as in the catalogue: who.<actor>.
type who string

const (
	nobody who = "nobody"
	buyer  who = "buyer"
	seller who = "seller"
	souk   who = "souk"
)

// state is how a state is shown: its word is <ID>, what happens next <ID>.next in the catalogues.
type state struct {
	ID   string
	Tone tone
	Who  who
}

// orderStates is keyed by status and, after a slash, sub-state. spec: 22 §2.3, 01 §3
var orderStates = map[string]state{
	"PENDING_PAYMENT":         {"order.pending", attention, buyer},
	"CANCELED":                {"order.canceled", bad, nobody},
	"PROCESSING":              {"order.provisioning", waiting, souk},
	"PROCESSING/provisioning": {"order.provisioning", waiting, souk},
	"PROCESSING/supervision":  {"order.supervision", waiting, seller},
	"PROCESSING/manual_retry": {"order.manual", attention, seller},
	"PROCESSING/refunding":    {"order.refunding", waiting, souk},
	"COMPLETED":               {"order.completed", good, nobody},
	"COMPLETED/refunded":      {"order.refunded", bad, nobody},
}

// instanceStates is keyed by status. spec: 01 §3
var instanceStates = map[string]state{
	"CREATING":     {"instance.creating", waiting, souk},
	"PROVISIONING": {"instance.provisioning", waiting, seller},
	"ACTIVE":       {"instance.active", good, nobody},
	"GRACE":        {"instance.grace", attention, buyer},
	"FROZEN":       {"instance.frozen", bad, buyer},
	"RELEASED":     {"instance.released", bad, nobody},
	"FAILED":       {"instance.failed", bad, nobody},
}

// attemptStates is keyed by state. spec: 01 §8.5
var attemptStates = map[string]state{
	"running":  {"attempt.running", waiting, souk},
	"success":  {"attempt.success", good, nobody},
	"retrying": {"attempt.retrying", waiting, souk},
	"failed":   {"attempt.failed", bad, seller},
	"unknown":  {"attempt.unknown", attention, souk},
}

// stateless is shown for a state that this program does not know: the word itself, and that support must look.
var stateless = state{"state.unknown", attention, souk}

func orderState(o OrderRow) state {
	if s, ok := orderStates[o.Status+"/"+o.SubState]; ok {
		return s
	}
	if s, ok := orderStates[o.Status]; ok {
		return s
	}
	return stateless
}

func stateIn(table map[string]state, key string) state {
	if s, ok := table[key]; ok {
		return s
	}
	return stateless
}

// activities are the calls that the filter offers, both generations. spec: 10 §1.2, 11 §3, 12 §1
var activities = []string{
	"newInstance", "refreshInstance", "expireInstance", "releaseInstance", "upgrade", "upgradeInstance",
	"instanceStatus", "updateInstanceStatus", "queryInstance", "changeInstanceCheck", "orderNotify",
}

var attemptStateNames = []string{"success", "retrying", "failed", "unknown"}

package instance

import "fmt"

// Transition is a move from one state to another: what makes it happen, who acts, under
// which condition, and what the seller is told. docs/states-and-limits.md is written from
// this table, and nothing else is ever stored. // spec: 01 §3, 22 §3.2, 11 §9
type Transition struct {
	From, To Status
	On       string
	Actor    string
	Guard    string
	Call     string // to the seller; "" for none
}

// Transitions is all of them.
var Transitions = []Transition{
	{Creating, Active, "newInstance succeeded (V1)", "seller", "the instanceId is not another order's", ""},
	{Creating, Provisioning, "newInstance succeeded (V2)", "seller", "the instanceId is not another order's", "queryInstance until ready"},
	{Creating, Failed, "newInstance failed for good, or the buyer asked for the money back", "Souk, buyer", "no call is under way", "releaseInstance, if an instanceId is known"},
	{Provisioning, Active, "queryInstance says ready", "seller", "within the window of newInstance", ""},
	{Provisioning, Failed, "never ready, or the buyer asked for the money back", "Souk, buyer", "no call is under way", "releaseInstance"},
	{Active, Grace, "the term is over", "Souk", "the buyer's level has days of grace; not a trial", ""},
	{Active, Frozen, "the term is over, or a violation", "Souk, operator", "no days of grace; for a violation: with a reason", "expireInstance / FREEZE; V1 has none for a violation"},
	{Active, Released, "the five-day refund", "buyer", "before 5 × 24 h from the opening, not a trial, the tenth of the year at most, nothing unpaid or under way", "releaseInstance"},
	{Grace, Active, "renewed", "buyer", "", "refreshInstance"},
	{Grace, Frozen, "grace is over, or a violation", "Souk, operator", "", "expireInstance / FREEZE"},
	{Frozen, Active, "renewed, or the violation is lifted", "buyer, operator", "no other reason holds", "refreshInstance, UNFREEZE if a freeze was sent"},
	{Frozen, Grace, "the violation is lifted in days of grace", "operator", "no other reason holds", "UNFREEZE if a freeze was sent"},
	{Frozen, Released, "retention is over", "Souk", "frozen by expiry", "releaseInstance, the last call"},
}

// Loaded notes the state that is stored, which moves are judged from.
func (i *Instance) Loaded() { i.stored = i.Status }

// CheckMove tells a move from the stored state that is in no row of the table: a mistake
// in the program.
func (i *Instance) CheckMove() error {
	if i.stored == "" || i.stored == i.Status {
		return nil
	}
	for _, t := range Transitions {
		if t.From == i.stored && t.To == i.Status {
			return nil
		}
	}
	return fmt.Errorf("instance %s: no row of the table leads from %s to %s", i.ID, i.stored, i.Status)
}

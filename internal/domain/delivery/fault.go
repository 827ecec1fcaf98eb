package delivery

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Fault is a way in which a sandbox misbehaves towards one seller, so that its developer
// sees what the server makes of it. Sandbox only. It is written NAME, NAME=DURATION, and
// with @ACTIVITY behind it holds for that call alone.
type Fault struct {
	Name     string
	Value    time.Duration
	Activity string // as the wire names it; "" is every one
}

// The faults.
const (
	FaultDuplicate      = "duplicate"       // the same bytes twice, one right after the other
	FaultDelay          = "delay"           // written late, after it was signed
	FaultReorder        = "reorder"         // the copy of a call comes once more after the next call to this seller
	FaultDropAnswer     = "drop-answer"     // the seller acts, the answer is lost: the outcome is unknown
	FaultWrongSignature = "wrong-signature" // signed with another key
	FaultStaleTimestamp = "stale-timestamp" // a time stamp of the past
	FaultReplayedNonce  = "replayed-nonce"  // V2: the nonce of the call before
	FaultSlowReader     = "slow-reader"     // the answer is read in little pieces with this pause between them
)

// FaultRow is one kind of fault with what its value means.
type FaultRow struct {
	Name     string
	Default  time.Duration // 0: it takes no value
	Min, Max time.Duration
}

// FaultTable lists all faults.
var FaultTable = []FaultRow{
	{Name: FaultDuplicate}, {Name: FaultDelay, Default: 2 * time.Second, Min: time.Millisecond, Max: time.Minute}, {Name: FaultReorder}, {Name: FaultDropAnswer}, {Name: FaultWrongSignature},
	{Name: FaultStaleTimestamp, Default: 10 * time.Minute, Min: time.Second, Max: 24 * time.Hour}, {Name: FaultReplayedNonce}, {Name: FaultSlowReader, Default: 50 * time.Millisecond, Min: time.Millisecond, Max: time.Second},
}

// ParseFault reads the text of one fault, or says what a right one looks like.
func ParseFault(text string) (Fault, error) {
	spec, activity, named := strings.Cut(text, "@")
	name, value, given := strings.Cut(spec, "=")
	i := slices.IndexFunc(FaultTable, func(r FaultRow) bool { return r.Name == name })
	switch {
	case i < 0:
		return Fault{}, fmt.Errorf("%q is no fault; the faults are %s", name, strings.Join(FaultNames(), ", "))
	case named && (activity == "" || strings.ContainsAny(activity, " @=")):
		return Fault{}, fmt.Errorf("%q: behind @ stands the name of a call, such as newInstance", text)
	case given && FaultTable[i].Default == 0:
		return Fault{}, fmt.Errorf("%s takes no value", name)
	}
	row := FaultTable[i]
	f := Fault{Name: name, Value: row.Default, Activity: activity}
	if given {
		d, err := time.ParseDuration(value)
		if err != nil || d < row.Min || d > row.Max {
			return Fault{}, fmt.Errorf("%s takes a duration from %s to %s, such as %s=%s", name, row.Min, row.Max, name, row.Default)
		}
		f.Value = d
	}
	return f, nil
}

// FaultNames lists the names.
func FaultNames() (out []string) {
	for _, r := range FaultTable {
		out = append(out, r.Name)
	}
	return out
}

// Faults are those that are on towards one seller.
type Faults []Fault

// On gives the value of a fault for a call.
func (f Faults) On(name, activity string) (time.Duration, bool) {
	for _, one := range f {
		if one.Name == name && (one.Activity == "" || one.Activity == activity) {
			return one.Value, true
		}
	}
	return 0, false
}

package delivery

import (
	"fmt"
	"time"
)

// Call is a kind of call to a seller. Its text is also the job's kind.
type Call string

// The calls. // spec: 01 §2.1
const (
	Create  Call = "create"  // newInstance, then V2 polling
	Upgrade Call = "upgrade" // upgrade, upgradeInstance
	Refresh Call = "refresh" // refreshInstance
	Expire  Call = "expire"  // V1 expireInstance, V2 updateInstanceStatus FREEZE
	Thaw    Call = "thaw"    // V2 updateInstanceStatus UNFREEZE
	Status  Call = "status"  // V1 instanceStatus
	Release Call = "release" // releaseInstance
	Notify  Call = "notify"  // orderNotify
	Check   Call = "check"   // V2 changeInstanceCheck: asked once, beside the jobs
	Replay  Call = "replay"  // any past message again, without effect here
)

// Policy names a row of schedules; every seller has one. // spec: 01 §2.1
type Policy string

// The policies.
const (
	KooGallery Policy = "koogallery"
	Standard   Policy = "standard"
	Patient    Policy = "patient"
)

// Known tells whether the policy exists.
func (p Policy) Known() bool { return p == KooGallery || p == Standard || p == Patient }

// Schedule is the offsets of the tries from the instant the call became due,
// ascending; the last one ends the window.
type Schedule []time.Duration

var schedules = build()

func build() map[Policy]map[bool]Schedule {
	return map[Policy]map[bool]Schedule{
		KooGallery: {true: {0, 1 * time.Hour, 2 * time.Hour, 3 * time.Hour}, false: {0, 20 * time.Minute, 40 * time.Minute, 60 * time.Minute}},
		Standard:   {true: standard(3 * time.Hour), false: standard(time.Hour)},
		Patient:    {true: patient(), false: patient()},
	}
}

// standard: at once, after 10 s, after 1 min, then every 3 min to the end.
func standard(end time.Duration) Schedule {
	s := Schedule{0, 10 * time.Second, time.Minute}
	for t := 4 * time.Minute; t <= end; t += 3 * time.Minute {
		s = append(s, t)
	}
	return s
}

// patient: pauses doubling from 10 s to 1 h, to 24 h.
func patient() Schedule {
	s := Schedule{0}
	t := time.Duration(0)
	for pause := 10 * time.Second; ; pause = min(2*pause, time.Hour) {
		t += pause
		if t > 24*time.Hour {
			return s
		}
		s = append(s, t)
	}
}

// ScheduleOf is the row of 01 §2.1 for a call. // spec: 01 §2.1, 22 §2.5
func ScheduleOf(p Policy, c Call) Schedule {
	switch c {
	case Create, Upgrade:
		return schedules[p][true]
	case Notify:
		return Schedule{0, 0, 1 * time.Hour, 2 * time.Hour, 3 * time.Hour}
	case Replay:
		return Schedule{0}
	}
	return schedules[p][false]
}

// Window is the time from the first try to the last.
func (s Schedule) Window() time.Duration { return s[len(s)-1] }

// Next gives the index and offset of the try after tries tries were made and
// elapsed has passed, or ok = false when the schedule is used up. Slots missed
// altogether collapse into the latest of them.
func (s Schedule) Next(tries int, elapsed time.Duration) (index int, offset time.Duration, ok bool) {
	if tries >= len(s) {
		return 0, 0, false
	}
	i := tries
	for i+1 < len(s) && s[i+1] <= elapsed && s[i] < s[i+1] {
		i++
	}
	return i, s[i], true
}

// pollOffsets are the polls of a V2 instance counted from the good newInstance;
// after the last one every pollEvery. // spec: 01 §2.2
var pollOffsets = Schedule{0, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, 60 * time.Second}

const pollEvery = 2 * time.Minute

// PollOffset is the offset of the n-th poll, counted from 0.
func PollOffset(n int) time.Duration {
	if n < len(pollOffsets) {
		return pollOffsets[n]
	}
	return pollOffsets.Window() + time.Duration(n-len(pollOffsets)+1)*pollEvery
}

// NextPoll gives the next poll after polls polls were made, for an instance made
// at created whose window ends at end: its instant (never after the end, where one
// last look is taken) and the number it has. ok = false at the end.
func NextPoll(polls int, created, end, now time.Time) (at time.Time, number int, ok bool) {
	if !now.Before(end) && polls > 0 {
		return time.Time{}, 0, false
	}
	n := polls
	for created.Add(PollOffset(n + 1)).Before(now) {
		n++
	}
	at = created.Add(PollOffset(n))
	if at.After(end) {
		at = end
	}
	return at, n, true
}

// Timeout is how long one call may take, connecting included. // spec: 01 §2.1, 10 §1.1, 11 §1
func Timeout(protocol string, c Call) time.Duration {
	if protocol == "v1" && c != Notify {
		return 20 * time.Second
	}
	return 5 * time.Second
}

// RefundsWhenExhausted tells whether a call that fails for good ends its order
// with a full refund; all others raise an alarm and wait for a manual restart,
// since a notice the seller cannot hear must not take a service from a buyer.
// spec: 01 §2.1
func RefundsWhenExhausted(c Call) bool { return c == Create || c == Upgrade }

// FailedOrdersAllowed is how many orders of a product may fail in a calendar
// month before the product is suspended or proposed for it. // spec: 01 §2.11
const FailedOrdersAllowed = 5

// Describe writes a schedule as people read it: "0 s, 1 h, 2 h, 3 h".
func (s Schedule) Describe() string {
	out := ""
	for i, d := range s {
		if i > 0 {
			out += ", "
		}
		switch {
		case d%time.Hour == 0 && d > 0:
			out += fmt.Sprintf("%d h", d/time.Hour)
		case d%time.Minute == 0 && d > 0:
			out += fmt.Sprintf("%d min", d/time.Minute)
		default:
			out += fmt.Sprintf("%d s", d/time.Second)
		}
	}
	return out
}

package lab

import "time"

// The two rounds of probing a day, on the business clock. // spec: 10 §8.5
const (
	Morning   = "morning"
	Afternoon = "afternoon"
	// FailedDaysAllowed in a row are forgiven; one more proposes or does the suspension.
	// spec: 01 §2.11, 10 §8.5
	FailedDaysAllowed = 4
)

var hours = map[string]int{Morning: 9, Afternoon: 15}

// NextRound is the first round after an instant.
func NextRound(after time.Time, zone *time.Location) (at time.Time, slot string) {
	local := after.In(zone)
	for day := 0; ; day++ {
		for _, slot := range []string{Morning, Afternoon} {
			at := time.Date(local.Year(), local.Month(), local.Day()+day, hours[slot], 0, 0, 0, zone)
			if at.After(after) {
				return at, slot
			}
		}
	}
}

// Round is what one round over a product's cases gave.
type Round struct {
	Day    string // Shanghai date, 2026-11-30
	Slot   string
	Passed bool
}

// FailedDays counts the days in a row, the newest first, on which every round failed.
// Rounds come newest first; a passing one ends the count. A day on which only one round
// has run counts once it is over. // spec: 10 §8.5
func FailedDays(rounds []Round) int {
	n := 0
	for i := 0; i < len(rounds); {
		day, ran := rounds[i].Day, 0
		for ; i < len(rounds) && rounds[i].Day == day; i++ {
			if rounds[i].Passed {
				return n
			}
			ran++
		}
		if ran > 1 || n > 0 || i < len(rounds) && ran == 1 && rounds[i-1].Slot == Afternoon {
			n++
		}
	}
	return n
}

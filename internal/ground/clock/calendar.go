package clock

import "time"

// Shanghai is the default zone of business dates: UTC+8 without daylight saving,
// fixed here so that no zone database is needed. // spec: 01 §1.4
var Shanghai = time.FixedZone("Asia/Shanghai", 8*3600)

// AddMonths adds months to the anchor and clamps to the end of a shorter month:
// 31 January + 1 month is 28 (29) February, and + 2 months is 31 March again,
// because it is always counted from the anchor. The wall clock of zone decides
// what a date is.
func AddMonths(anchor time.Time, months int, zone *time.Location) time.Time {
	t := anchor.In(zone)
	y, m, d := t.Date()
	first := time.Date(y, m+time.Month(months), 1, 0, 0, 0, 0, zone)
	last := first.AddDate(0, 1, -1).Day()
	if d > last {
		d = last
	}
	h, mi, s := t.Clock()
	return time.Date(first.Year(), first.Month(), d, h, mi, s, t.Nanosecond(), zone).UTC()
}

// Month is the calendar month of an instant in zone, as 202611.
func Month(t time.Time, zone *time.Location) string { return t.In(zone).Format("200601") }

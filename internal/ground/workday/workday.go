package workday

import (
	"encoding/json"
	"fmt"
	"time"
)

// Date is a calendar day without a zone, as "2026-01-03".
type Date string

// On is the calendar day of an instant in a zone.
func On(t time.Time, zone *time.Location) Date { return Date(t.In(zone).Format(time.DateOnly)) }

// Start is 00:00 of the day in a zone. The zero time is returned for a text that is no date.
func (d Date) Start(zone *time.Location) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, string(d), zone)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Add is the day n days later.
func (d Date) Add(n int) Date { return On(d.Start(time.UTC).AddDate(0, 0, n), time.UTC) }

func (d Date) weekend() bool {
	w := d.Start(time.UTC).Weekday()
	return w == time.Saturday || w == time.Sunday
}

func (d Date) year() string { return string(d)[:4] }

// Calendar tells working days from others. The zero value is the Monday-to-Friday calendar.
// A Calendar is not changed while it is used: build a new one to add a year.
type Calendar struct {
	everyDay bool
	strict   bool            // years matter: an unloaded one is doubtful
	years    map[string]bool // loaded years
	off      map[Date]bool   // weekdays that are free
	work     map[Date]bool   // weekend days that are worked
}

// MonFri is the calendar of Monday to Friday; EveryDay has no free day at all.
func MonFri() *Calendar   { return &Calendar{} }
func EveryDay() *Calendar { return &Calendar{everyDay: true} }

// China is the calendar of mainland China with the years that are built in. spec: 23 §7.3
func China() *Calendar {
	c := &Calendar{strict: true, years: map[string]bool{}, off: map[Date]bool{}, work: map[Date]bool{}}
	for _, y := range builtIn {
		c.years[y.year] = true
		for _, r := range y.off {
			for d := Date(y.year + "-" + r.first); d <= Date(y.year+"-"+r.last); d = d.Add(1) {
				c.off[d] = true
			}
		}
		for _, d := range y.work {
			c.work[Date(y.year+"-"+d)] = true
		}
	}
	return c
}

// With returns a calendar that also knows one more year, given as the text of a file
// {"year":2027,"days":[{"date":"2027-01-01","isOffDay":true}]}. Dates of the neighbouring years are taken
// too, since a notice may speak of late December or early January. What the calendar knew of the same days is
// replaced. spec: 23 §7.2
func (c *Calendar) With(file []byte) (*Calendar, error) {
	var in struct {
		Year int `json:"year"`
		Days []struct {
			Date     Date `json:"date"`
			IsOffDay bool `json:"isOffDay"`
		} `json:"days"`
	}
	if err := json.Unmarshal(file, &in); err != nil {
		return nil, fmt.Errorf("calendar file: %w", err)
	}
	if in.Year < 2000 || in.Year > 2999 {
		return nil, fmt.Errorf("calendar file: year %d, want 2000 to 2999", in.Year)
	}
	if len(in.Days) == 0 {
		return nil, fmt.Errorf("calendar file of %d: no days; the notice of that year is not out yet", in.Year)
	}
	n := &Calendar{everyDay: c.everyDay, strict: true, years: map[string]bool{}, off: map[Date]bool{}, work: map[Date]bool{}}
	for y := range c.years {
		n.years[y] = true
	}
	for d := range c.off {
		n.off[d] = true
	}
	for d := range c.work {
		n.work[d] = true
	}
	n.years[fmt.Sprint(in.Year)] = true
	for _, d := range in.Days {
		t := d.Date.Start(time.UTC)
		if t.IsZero() || t.Year() < in.Year-1 || t.Year() > in.Year+1 {
			return nil, fmt.Errorf("calendar file of %d: %q is no date of it", in.Year, d.Date)
		}
		delete(n.off, d.Date)
		delete(n.work, d.Date)
		if d.IsOffDay {
			n.off[d.Date] = true
		} else {
			n.work[d.Date] = true
		}
	}
	return n, nil
}

// Knows tells whether the days of a year are more than a guess. spec: 23 §7.2
func (c *Calendar) Knows(year int) bool { return !c.strict || c.years[fmt.Sprint(year)] }

// Is tells whether the day is a working day.
func (c *Calendar) Is(d Date) bool {
	switch {
	case c.everyDay || c.work[d]:
		return true
	case c.off[d]:
		return false
	default:
		return !d.weekend()
	}
}

// Result is a day found by counting, and whether a day of a year without data was looked at on the way.
type Result struct {
	Date  Date
	Guess bool
}

// OnOrAfter is the day itself if it is a working day, else the next one. spec: 23 §2
func (c *Calendar) OnOrAfter(d Date) Result {
	r := Result{Date: d}
	for {
		r.Guess = r.Guess || c.strict && !c.years[r.Date.year()]
		if c.Is(r.Date) {
			return r
		}
		r.Date = r.Date.Add(1)
	}
}

// Add is the n-th working day after the day; n below 1 gives the day itself. spec: 23 §7.4
func (c *Calendar) Add(d Date, n int) Result {
	r := Result{Date: d}
	for n > 0 {
		next := c.OnOrAfter(r.Date.Add(1))
		r.Date, r.Guess = next.Date, r.Guess || next.Guess
		n--
	}
	return r
}

// Deadline is the instant at which "n working days" from an instant are over: 24:00 in zone of the n-th
// working day after its day. The limit is half-open: the deadline itself is too late. spec: 01 §1.4
func (c *Calendar) Deadline(from time.Time, n int, zone *time.Location) (deadline time.Time, guess bool) {
	r := c.Add(On(from, zone), n)
	return r.Date.Add(1).Start(zone), r.Guess
}

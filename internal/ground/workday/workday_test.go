package workday_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/ground/workday"
)

var shanghai = time.FixedZone("UTC+8", 8*3600)

// The dates of a bill run, each computed from its nominal day. spec: 23 §7.4
func TestRunDates(t *testing.T) {
	rows := []struct{ nominal, run, sent, countersigned, paid, run7 workday.Date }{
		{"2025-02-03", "2025-02-05", "2025-02-07", "2025-02-18", "2025-02-26", "2025-02-07"},
		{"2025-05-03", "2025-05-06", "2025-05-08", "2025-05-20", "2025-05-28", "2025-05-07"},
		{"2025-08-03", "2025-08-04", "2025-08-06", "2025-08-18", "2025-08-26", "2025-08-07"},
		{"2025-10-03", "2025-10-09", "2025-10-11", "2025-10-22", "2025-10-30", "2025-10-09"},
		{"2026-01-03", "2026-01-04", "2026-01-06", "2026-01-16", "2026-01-26", "2026-01-07"},
		{"2026-02-03", "2026-02-03", "2026-02-05", "2026-02-24", "2026-03-03", "2026-02-09"},
		{"2026-04-03", "2026-04-03", "2026-04-08", "2026-04-20", "2026-04-28", "2026-04-07"},
		{"2026-05-03", "2026-05-06", "2026-05-08", "2026-05-19", "2026-05-27", "2026-05-07"},
		{"2026-06-03", "2026-06-03", "2026-06-05", "2026-06-17", "2026-06-26", "2026-06-08"},
		{"2026-10-03", "2026-10-08", "2026-10-10", "2026-10-21", "2026-10-29", "2026-10-08"},
		{"2026-11-03", "2026-11-03", "2026-11-05", "2026-11-17", "2026-11-25", "2026-11-09"},
	}
	c := workday.China()
	for _, r := range rows {
		run := c.OnOrAfter(r.nominal)
		sent := c.Add(run.Date, 2)
		countersigned := c.Add(sent.Date, 8)
		paid := c.Add(countersigned.Date, 6)
		run7 := c.OnOrAfter(r.nominal[:8] + "07")
		got := fmt.Sprint(run.Date, sent.Date, countersigned.Date, paid.Date, run7.Date)
		want := fmt.Sprint(r.run, r.sent, r.countersigned, r.paid, r.run7)
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", r.nominal, got, want)
		}
		if run.Guess || paid.Guess {
			t.Errorf("%s: counted with a year that is not loaded", r.nominal)
		}
	}
}

func TestMakeUpDaysAndHolidays(t *testing.T) {
	c := workday.China()
	for day, want := range map[workday.Date]bool{
		"2026-01-04": true,  // Sunday, worked in place of 2 January
		"2026-01-02": false, // Friday, New Year
		"2026-02-14": true,  // Saturday, worked
		"2026-02-23": false, // Monday, end of Spring Festival
		"2026-02-24": true,
		"2026-10-07": false, // Wednesday, National Day
		"2025-10-08": false, // Mid-Autumn joined to it
		"2026-11-21": false, // an ordinary Saturday
		"2026-11-23": true,
	} {
		if c.Is(day) != want {
			t.Errorf("%s: %v, want %v", day, !want, want)
		}
	}
	if !workday.EveryDay().Is("2026-01-03") || workday.MonFri().Is("2026-01-03") || !workday.MonFri().Is("2026-01-02") {
		t.Error("the calendars without holidays")
	}
}

// A year without data counts Monday to Friday and says that it guessed; the run never stops.
func TestUnknownYearIsAGuess(t *testing.T) {
	c := workday.China()
	if r := c.Add("2026-12-31", 1); r.Date != "2027-01-01" || !r.Guess {
		t.Errorf("%+v", r)
	}
	if r := workday.MonFri().Add("2026-12-31", 1); r.Date != "2027-01-01" || r.Guess {
		t.Errorf("Monday to Friday has no years to miss: %+v", r)
	}
	if c.Knows(2027) || !c.Knows(2026) {
		t.Error("which years are known")
	}
}

func TestAYearIsAddedFromItsFile(t *testing.T) {
	file := `{"year":2027,"papers":["x"],"days":[{"name":"元旦","date":"2027-01-01","isOffDay":true},{"name":"元旦","date":"2027-01-02","isOffDay":true},{"name":"元旦","date":"2026-12-27","isOffDay":false}]}`
	old := workday.China()
	c, err := old.With([]byte(file))
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Add("2026-12-31", 1); r.Date != "2027-01-04" || r.Guess {
		t.Errorf("%+v", r)
	}
	if !c.Is("2026-12-27") || old.Is("2026-12-27") || old.Knows(2027) {
		t.Error("the new year must not change the old calendar, and a neighbouring year's day counts")
	}
	for _, bad := range []string{`{`, `{"year":2027,"days":[]}`, `{"year":1,"days":[{"date":"2027-01-01"}]}`, `{"year":2027,"days":[{"date":"2027-02-30","isOffDay":true}]}`, `{"year":2027,"days":[{"date":"2031-01-01","isOffDay":true}]}`} {
		if _, err := old.With([]byte(bad)); err == nil || !strings.Contains(err.Error(), "calendar file") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// "3 working days" from a Thursday evening end on Tuesday at midnight, and midnight is too late. spec: 01 §1.4
func TestDeadline(t *testing.T) {
	from := time.Date(2026, 11, 19, 23, 30, 0, 0, shanghai)
	got, guess := workday.China().Deadline(from, 3, shanghai)
	if want := time.Date(2026, 11, 25, 0, 0, 0, 0, shanghai); !got.Equal(want) || guess {
		t.Errorf("got %v, want %v", got, want)
	}
	// The same instant is still the 19th in Shanghai although UTC says so too; an hour later it is not.
	later, _ := workday.China().Deadline(from.Add(time.Hour), 3, shanghai)
	if want := time.Date(2026, 11, 26, 0, 0, 0, 0, shanghai); !later.Equal(want) {
		t.Errorf("got %v, want %v", later, want)
	}
}

package clock_test

import (
	"testing"
	"time"

	"github.com/souk-market/souk/internal/ground/clock"
)

func TestAddMonthsClampsToTheAnchorDay(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.ParseInLocation("2006-01-02 15:04", s, clock.Shanghai)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct {
		from   string
		months int
		want   string
	}{
		{"2026-01-31 09:00", 1, "2026-02-28 09:00"},
		{"2028-01-31 09:00", 1, "2028-02-29 09:00"},
		{"2026-01-31 09:00", 2, "2026-03-31 09:00"},
		{"2028-02-29 00:30", 12, "2029-02-28 00:30"},
		{"2026-11-30 23:59", 3, "2027-02-28 23:59"},
		{"2026-12-15 07:00", 1, "2027-01-15 07:00"},
		// 1 March 00:30 in Shanghai is still February in UTC: the zone decides.
		{"2026-03-01 00:30", 1, "2026-04-01 00:30"},
	} {
		if got := clock.AddMonths(at(c.from), c.months, clock.Shanghai); !got.Equal(at(c.want)) {
			t.Errorf("%s + %d months = %s, want %s", c.from, c.months, got.In(clock.Shanghai), c.want)
		}
	}
}

func TestBusinessClockNeverStepsBack(t *testing.T) {
	wire := clock.NewManual(time.Date(2026, 11, 24, 2, 0, 0, 0, time.UTC))
	b := clock.NewBusiness(wire)
	if !b.Raise(48*time.Hour) || b.Raise(24*time.Hour) {
		t.Fatal("the offset must grow and never shrink")
	}
	before := b.Now()
	wire.Add(-time.Hour) // the operating system's clock is stepped back
	if got := b.Now(); got.Before(before) {
		t.Fatalf("business time went back from %s to %s", before, got)
	}
	wire.Add(2 * time.Hour)
	if got := b.Now(); !got.Equal(before.Add(time.Hour)) {
		t.Fatalf("after the wire clock caught up: %s", got)
	}
}

package delivery_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/delivery"
)

const h, m, s = time.Hour, time.Minute, time.Second

func TestSchedulesOfTheTable(t *testing.T) {
	for _, c := range []struct {
		policy delivery.Policy
		call   delivery.Call
		first  []time.Duration
		window time.Duration
		tries  int
	}{
		{delivery.KooGallery, delivery.Create, []time.Duration{0, 1 * h, 2 * h, 3 * h}, 3 * h, 4},
		{delivery.KooGallery, delivery.Release, []time.Duration{0, 20 * m, 40 * m, 60 * m}, 1 * h, 4},
		{delivery.Standard, delivery.Create, []time.Duration{0, 10 * s, 1 * m, 4 * m, 7 * m}, 178 * m, 62},
		{delivery.Standard, delivery.Refresh, []time.Duration{0, 10 * s, 1 * m, 4 * m}, 58 * m, 22},
		{delivery.Patient, delivery.Create, []time.Duration{0, 10 * s, 30 * s, 70 * s, 150 * s}, 0, 0},
		{delivery.Patient, delivery.Notify, []time.Duration{0, 0, 1 * h, 2 * h, 3 * h}, 3 * h, 5},
	} {
		got := delivery.ScheduleOf(c.policy, c.call)
		for i, want := range c.first {
			if got[i] != want {
				t.Errorf("%s %s: try %d at %s, want %s", c.policy, c.call, i, got[i], want)
			}
		}
		if c.window > 0 && (got.Window() != c.window || len(got) != c.tries) {
			t.Errorf("%s %s: %d tries in %s, want %d in %s", c.policy, c.call, len(got), got.Window(), c.tries, c.window)
		}
	}
	if w := delivery.ScheduleOf(delivery.Patient, delivery.Create).Window(); w > 24*h || w < 23*h {
		t.Errorf("patient ends after %s", w)
	}
}

func TestMissedSlotsCollapseIntoOneTry(t *testing.T) {
	sch := delivery.ScheduleOf(delivery.KooGallery, delivery.Create)
	for _, c := range []struct {
		tries   int
		elapsed time.Duration
		index   int
		offset  time.Duration
		ok      bool
	}{
		{0, 0, 0, 0, true},
		{1, 20 * s, 1, 1 * h, true},
		{1, 65 * m, 1, 1 * h, true}, // late by five minutes: still this try, at once
		{1, 4 * h, 3, 3 * h, true},  // all passed while the platform was down: one last try
		{4, 3 * h, 0, 0, false},
	} {
		i, off, ok := sch.Next(c.tries, c.elapsed)
		if i != c.index || off != c.offset || ok != c.ok {
			t.Errorf("after %d tries and %s: %d %s %v, want %d %s %v", c.tries, c.elapsed, i, off, ok, c.index, c.offset, c.ok)
		}
	}
	// The order notification is repeated once at once. // spec: 01 §2.1
	if i, off, ok := delivery.ScheduleOf(delivery.KooGallery, delivery.Notify).Next(1, 5*s); i != 1 || off != 0 || !ok {
		t.Errorf("second notification: %d %s %v", i, off, ok)
	}
}

func TestPollsEndAtTheWindowWithOneLastLook(t *testing.T) {
	created := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	end := created.Add(3 * m)
	now, polls := created, 0
	var seen []time.Duration
	for {
		at, number, ok := delivery.NextPoll(polls, created, end, now)
		if !ok {
			break
		}
		seen = append(seen, at.Sub(created))
		now, polls = at, number+1
	}
	want := []time.Duration{0, 2 * s, 5 * s, 10 * s, 30 * s, 60 * s, 3 * m}
	if len(seen) != len(want) {
		t.Fatalf("polls at %v, want %v", seen, want)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("polls at %v, want %v", seen, want)
		}
	}
	// Created by the very last try: the instance is still looked at once.
	if at, _, ok := delivery.NextPoll(0, end, end, end); !ok || !at.Equal(end) {
		t.Errorf("an instance made at the end of the window is never looked at")
	}
}

// The table of schedules in the docs is that of the code.
func TestSchedulesAreDocumented(t *testing.T) {
	const path = "../../../docs/states-and-limits.md"
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for policy, want := range map[delivery.Policy]map[delivery.Call]string{
		delivery.KooGallery: {delivery.Create: "0, 1, 2, 3 h", delivery.Upgrade: "0, 1, 2, 3 h", delivery.Refresh: "0, 20, 40, 60 min", delivery.Expire: "0, 20, 40, 60 min", delivery.Thaw: "0, 20, 40, 60 min", delivery.Release: "0, 20, 40, 60 min", delivery.Notify: "0, at once, 1, 2, 3 h"},
		delivery.Standard:   {delivery.Create: "10 s, 1 min, then every 3 min to 3 h", delivery.Refresh: "10 s, 1 min, every 3 min to 1 h"},
		delivery.Patient:    {delivery.Create: "doubling from 10 s to 1 h, to 24 h"},
	} {
		for call, text := range want {
			if !bytes.Contains(have, []byte(text)) {
				t.Errorf("%s does not say %q", path, text)
			}
			if got := inWords(delivery.ScheduleOf(policy, call)); got != text {
				t.Errorf("%s, %s: the code says %q, the page %q", policy, call, got, text)
			}
		}
	}
}

// inWords writes a schedule as the page does.
func inWords(sch delivery.Schedule) string {
	unit, name := h, "h"
	if sch.Window() <= h && len(sch) < 10 {
		unit, name = m, "min"
	}
	switch {
	case len(sch) < 10:
		var parts []string
		for i, at := range sch {
			if i > 0 && at == 0 {
				parts = append(parts, "at once")
				continue
			}
			parts = append(parts, fmt.Sprint(int(at/unit)))
		}
		return strings.Join(parts, ", ") + " " + name
	case sch[2]-sch[1] == 20*s:
		return fmt.Sprintf("doubling from %d s to 1 h, to %d h", sch[1]/s, (sch.Window()+h)/h)
	}
	then := "then "
	if sch.Window() < h {
		then = ""
	}
	return fmt.Sprintf("%d s, %d min, %severy %d min to %d h", sch[1]/s, sch[2]/m, then, (sch[4]-sch[3])/m, (sch.Window()+3*m)/h)
}

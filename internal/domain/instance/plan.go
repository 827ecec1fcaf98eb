package instance

import (
	"slices"
	"time"
)

// EventKind is something that happens to an instance at an instant of its own.
type EventKind string

// The events, in the order in which they happen when they fall together.
const (
	EventStart         EventKind = "start"          // a paid term that was bought ahead begins
	EventAutoRenew     EventKind = "auto-renew"     // a try to renew by itself // spec: 22 §3.4
	EventRemindEnd     EventKind = "remind-end"     // the end is near // spec: 22 §3.2
	EventEnd           EventKind = "end"            // the term is over; with days of grace it stays usable
	EventFreeze        EventKind = "freeze"         // grace is over: frozen, data kept
	EventRemindRelease EventKind = "remind-release" // the release is near // spec: 22 §3.2
	EventRelease       EventKind = "release"        // retention is over
)

var eventOrder = []EventKind{EventStart, EventAutoRenew, EventRemindEnd, EventEnd, EventFreeze, EventRemindRelease, EventRelease}

// Event is one of them.
type Event struct {
	At   time.Time
	Kind EventKind
	Days int // of a reminder and of a try to renew: how many days before
}

// Days before the end, and before the release, on which people are reminded.
// spec: 22 §3.2, 20 B3
var (
	RemindEnd      = []int{7, 3, 1}
	RemindTrialEnd = []int{15, 7, 3, 1}
	RemindRelease  = []int{6, 2}
)

// When reminders of trials and tries to renew happen, by the marketplace's clock.
// spec: 20 B3, 22 §3.4
const (
	TrialReminderHour = 10
	AutoRenewHour     = 3
	AutoRenewDays     = 7 // the first try
)

// Plan is what the rest of an instance's life follows from.
type Plan struct {
	End       time.Time // of the last paid term; zero: no end, no events
	Trial     bool
	AutoRenew bool
	Starts    []time.Time // of paid terms bought ahead
	Keep      Retention
	Zone      *time.Location
}

// FrozenAt is when the instance freezes unless it is renewed.
func (p Plan) FrozenAt() time.Time { return p.End.Add(p.Keep.Grace) }

// ReleasedAt is when it is given up unless it is renewed.
func (p Plan) ReleasedAt() time.Time { return p.FrozenAt().Add(p.Keep.Keep) }

// Events lists all of it in order. Two plans with the same end have the same events,
// whenever they are asked: what happens does not depend on when the worker came.
// spec: 01 §1.2
func (p Plan) Events() []Event {
	if p.End.IsZero() {
		return nil
	}
	var es []Event
	add := func(at time.Time, kind EventKind, days int) { es = append(es, Event{at, kind, days}) }
	for _, s := range p.Starts {
		add(s, EventStart, 0)
	}
	if p.Trial {
		for _, d := range RemindTrialEnd {
			add(p.at(d, TrialReminderHour), EventRemindEnd, d)
		}
	} else {
		for _, d := range RemindEnd {
			add(p.End.Add(-time.Duration(d)*day), EventRemindEnd, d)
		}
		for d := AutoRenewDays; p.AutoRenew && d >= 0; d-- {
			if at := p.at(d, AutoRenewHour); at.Before(p.End) {
				add(at, EventAutoRenew, d)
			}
		}
	}
	if p.Keep.Grace > 0 {
		add(p.End, EventEnd, 0)
	}
	add(p.FrozenAt(), EventFreeze, 0)
	for _, d := range RemindRelease {
		if at := p.ReleasedAt().Add(-time.Duration(d) * day); at.After(p.FrozenAt()) {
			add(at, EventRemindRelease, d)
		}
	}
	add(p.ReleasedAt(), EventRelease, 0)
	slices.SortStableFunc(es, func(a, b Event) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return slices.Index(eventOrder, a.Kind) - slices.Index(eventOrder, b.Kind)
	})
	return es
}

// at is an hour of the marketplace's day so many days before the end.
func (p Plan) at(days, hour int) time.Time {
	y, m, d := p.End.In(p.Zone).Date()
	return time.Date(y, m, d-days, hour, 0, 0, 0, p.Zone).UTC()
}

// Following lists the events of the first instant after an instant that has any, of
// events in order.
func Following(es []Event, after time.Time) []Event {
	i := slices.IndexFunc(es, func(e Event) bool { return e.At.After(after) })
	if i < 0 {
		return nil
	}
	return At(es[i:], es[i].At)
}

// Next is the instant of the first event after an instant; false when nothing follows.
func (p Plan) Next(after time.Time) (time.Time, bool) {
	for _, e := range p.Events() {
		if e.At.After(after) {
			return e.At, true
		}
	}
	return time.Time{}, false
}

// At lists those of some events that fall on an instant.
func At(es []Event, at time.Time) (out []Event) {
	for _, e := range es {
		if e.At.Equal(at) {
			out = append(out, e)
		}
	}
	return out
}

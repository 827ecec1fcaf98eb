package clock

import (
	"sync"
	"sync/atomic"
	"time"
)

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// System is the operating system's clock.
type System struct{}

// Now is the present instant in UTC, cut to microseconds, the grain of the store.
func (System) Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// Business is the wire clock plus an offset. The zero offset is production.
// It never steps back by itself: while the wire clock stands behind a reading
// already given, that reading is repeated (a clock stepped back by the operating
// system must not reorder terms).
type Business struct {
	wire   Clock
	offset atomic.Int64 // microseconds
	mu     sync.Mutex
	last   time.Time
}

// NewBusiness makes a business clock over a wire clock.
func NewBusiness(wire Clock) *Business { return &Business{wire: wire} }

// Now is the business instant.
func (b *Business) Now() time.Time {
	now := b.wire.Now().Add(time.Duration(b.offset.Load()) * time.Microsecond)
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.last) {
		return b.last
	}
	b.last = now
	return now
}

// Wire is the clock below.
func (b *Business) Wire() Clock { return b.wire }

// Offset is the present distance to the wire clock.
func (b *Business) Offset() time.Duration {
	return time.Duration(b.offset.Load()) * time.Microsecond
}

// Raise sets the offset if it is larger than the present one: offsets never
// shrink. It tells whether it changed. // spec: 01 §1
func (b *Business) Raise(offset time.Duration) bool {
	us := offset.Microseconds()
	for {
		old := b.offset.Load()
		if us <= old {
			return false
		}
		if b.offset.CompareAndSwap(old, us) {
			return true
		}
	}
}

// Manual is a clock for tests that moves only when told to.
type Manual struct {
	mu  sync.Mutex
	now time.Time
}

// NewManual makes a clock that stands at t.
func NewManual(t time.Time) *Manual {
	return &Manual{now: t.UTC().Truncate(time.Microsecond)}
}

// Now is where the clock stands.
func (m *Manual) Now() time.Time { m.mu.Lock(); defer m.mu.Unlock(); return m.now }

// Add moves the clock; a negative d steps it back.
func (m *Manual) Add(d time.Duration) { m.mu.Lock(); defer m.mu.Unlock(); m.now = m.now.Add(d) }

// Set puts the clock at t.
func (m *Manual) Set(t time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = t.UTC().Truncate(time.Microsecond)
}

// Micros is the form in which instants are stored: microseconds since 1970 UTC;
// the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros reads a stored instant; 0 is the zero time.
func FromMicros(us int64) time.Time {
	if us == 0 {
		return time.Time{}
	}
	return time.UnixMicro(us).UTC()
}

// Package sandbox moves the business clock (业务时钟) of a sandbox marketplace.
//
// A move goes from one due job to the next: the clock is set to the instant at which
// something is due, the ordinary workers do it, and only when nothing due is left the
// clock goes on. One long step and many short ones therefore do the same things in
// the same order. Moves are kept in the database, so that any process can finish one
// that another began. // spec: 01 §1.1, §1.2
//
// It must not do any of the timed work itself.
package sandbox

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// settingTarget holds where the clock is on its way to, in micros; "0" or "" when it
// stands.
const settingTarget = "clock.target_us"

// MaxStep bounds one move.
const MaxStep = 3660 * 24 * time.Hour

// A move takes what is due within a short while in one step, where that is work whose
// outcome depends on its own instant alone. // spec: 01 §1.2
const (
	maxBatch = 64
	maxAhead = kernel.CloseEnough
)

// Sandbox is the use cases.
type Sandbox struct {
	k    *kernel.Kernel
	free map[string]bool // kinds of jobs that may be taken together
	wake chan struct{}
	idle chan struct{} // the workers of this process have nothing to do

	faultsMu sync.Mutex // from reading the faults to putting them into force

	moving atomic.Bool  // a move is under way, as far as Run knows
	went   atomic.Int64 // how often the clock went on by Advance

	mu      sync.Mutex
	waiting []chan struct{} // closed when a move ends in this process
}

// New makes them. free are the kinds of jobs whose outcome depends on their own instant
// alone, not on the clock and not on each other.
func New(k *kernel.Kernel, free ...string) *Sandbox {
	k.Faults = &kernel.Faults{}
	s := &Sandbox{k: k, free: map[string]bool{}, wake: make(chan struct{}, 1), idle: make(chan struct{}, 1)}
	for _, kind := range free {
		s.free[kind] = true
	}
	k.Advance = s.Advance
	return s
}

// State is where the clock stands.
type State struct {
	Now    time.Time
	Wire   time.Time
	Offset time.Duration
	Moving bool
	Target time.Time // zero when it stands
	Open   int       // jobs that have to be done before the clock goes on
}

// Refresh makes this process see the stored offset and the faults.
func (s *Sandbox) Refresh(ctx context.Context) error {
	if !s.k.Sandbox {
		return nil
	}
	s.faultsMu.Lock()
	defer s.faultsMu.Unlock()
	return s.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		offset, err := store.ClockOffset(ctx, tx)
		if err != nil {
			return err
		}
		s.k.Clock.Raise(offset)
		return s.readFaults(ctx, tx)
	})
}

// State reads the clock.
func (s *Sandbox) State(ctx context.Context) (st State, err error) {
	err = s.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if s.k.Sandbox {
			offset, err := store.ClockOffset(ctx, tx)
			if err != nil {
				return err
			}
			s.k.Clock.Raise(offset)
		}
		st = State{Now: s.k.Clock.Now(), Wire: s.k.Wire.Now(), Offset: s.k.Clock.Offset()}
		target, err := target(ctx, tx)
		if err != nil || target.IsZero() {
			return err
		}
		st.Moving, st.Target = true, target
		st.Open, err = store.CountOpen(ctx, tx, st.Now)
		return err
	})
	return st, err
}

func target(ctx context.Context, tx *kernel.Tx) (time.Time, error) {
	v, err := store.Setting(ctx, tx, settingTarget)
	if err != nil || v == "" {
		return time.Time{}, err
	}
	us, err := strconv.ParseInt(v, 10, 64)
	return clock.FromMicros(us), err
}

// Move starts moving the clock to an instant; it never goes back. The move goes on
// in the background; Wait waits for it.
func (s *Sandbox) Move(ctx context.Context, tx *kernel.Tx, a access.Actor, to time.Time) error {
	if err := kernel.May(a, access.ClockMove); err != nil {
		return err
	}
	if !s.k.Sandbox {
		return fault.New(fault.Rule, "not_a_sandbox", "the clock of a production marketplace is the real one and cannot be moved")
	}
	now := s.k.Clock.Now()
	switch {
	case to.Before(now):
		return fault.Field("to", "must not lie before the present business time %s; the clock never goes back", now.Format(time.RFC3339))
	case to.Sub(now) > MaxStep:
		return fault.Field("to", "must lie within %d days", int(MaxStep.Hours()/24))
	}
	old, err := target(ctx, tx)
	if err != nil {
		return err
	}
	if to.After(old) {
		if err := store.SetSetting(ctx, tx, settingTarget, strconv.FormatInt(clock.Micros(to), 10)); err != nil {
			return err
		}
	}
	tx.OnCommit(func() {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	})
	return s.k.Audit(ctx, tx, a, access.ClockMove, "", to.Format(time.RFC3339))
}

// Wait waits until no move is under way, or ctx ends.
func (s *Sandbox) Wait(ctx context.Context) error {
	for {
		st, err := s.State(ctx)
		if err != nil || !st.Moving {
			return err
		}
		done := make(chan struct{})
		s.mu.Lock()
		s.waiting = append(s.waiting, done)
		s.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-done:
		case <-time.After(200 * time.Millisecond): // another process may be the one that moves
		}
	}
}

// Idle says that the workers of this process have ended what was due.
func (s *Sandbox) Idle() {
	select {
	case s.idle <- struct{}{}:
	default:
	}
}

// Run moves the clock whenever a move is wanted, until ctx ends.
func (s *Sandbox) Run(ctx context.Context) error {
	if !s.k.Sandbox {
		return nil
	}
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	moving := false
	for {
		var err error
		moving, err = s.step(ctx, moving)
		s.moving.Store(moving)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			s.k.Log.Error("sandbox: cannot move the clock", "err", err)
		case moving:
			// The workers have something to do first; look again at once when they may be done.
			s.await(ctx)
			continue
		default:
			s.mu.Lock()
			for _, w := range s.waiting {
				close(w)
			}
			s.waiting = nil
			s.mu.Unlock()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// await waits until the workers of this process may be done. The workers of another one are
// looked after as well, unless this process makes the clock go on by itself.
func (s *Sandbox) await(ctx context.Context) {
	for went := s.went.Load(); ; {
		select {
		case <-ctx.Done():
			return
		case <-s.idle:
			return
		case <-time.After(10 * time.Millisecond):
		}
		now := s.went.Load()
		if now == went {
			return
		}
		went = now
	}
}

// step goes to the next instant at which something is due, if all that is due now
// is done. It tells whether the move goes on. Unless one was under way it first looks
// whether there is any, without writing.
func (s *Sandbox) step(ctx context.Context, was bool) (moving bool, err error) {
	if !was {
		var to time.Time
		err = s.k.DB.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
			to, err = target(ctx, tx)
			return err
		})
		if err != nil || to.IsZero() {
			return false, err
		}
	}
	err = s.k.DB.Write(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		moving, err = s.advance(ctx, tx)
		return err
	})
	return moving, err
}

// Advance is step in a transaction that may have done the last of what was due: what the
// clock does next is committed with it. Run sees what came of it.
func (s *Sandbox) Advance(ctx context.Context, tx *kernel.Tx) error {
	if !s.moving.Load() {
		return nil
	}
	moving, err := s.advance(ctx, tx)
	tx.OnCommit(func() {
		if s.went.Add(1); !moving {
			s.Idle() // Run ends the move
		}
	})
	return err
}

func (s *Sandbox) advance(ctx context.Context, tx *kernel.Tx) (moving bool, err error) {
	to, err := target(ctx, tx)
	if err != nil || to.IsZero() {
		return false, err
	}
	offset, err := store.ClockOffset(ctx, tx)
	if err != nil {
		return false, err
	}
	wire := s.k.Wire.Now()
	now := wire.Add(offset)
	open, err := store.HasOpen(ctx, tx, now)
	if err != nil || open {
		return true, err
	}
	dues, err := store.NextDues(ctx, tx, maxAhead, maxBatch)
	if err != nil {
		return false, err
	}
	next := s.together(dues, to)
	goal := to
	if !next.IsZero() && next.Before(to) {
		goal, moving = next, true
	}
	if goal.After(now) {
		if offset, err = store.RaiseClockOffset(ctx, tx, goal.Sub(wire)); err != nil {
			return false, err
		}
	}
	if !moving { // arrived; what is due exactly there is done before the move ends
		if !next.IsZero() && !next.After(to) {
			moving = true
		} else if err := store.SetSetting(ctx, tx, settingTarget, "0"); err != nil {
			return false, err
		}
	}
	lanes, err := dueLanes(ctx, tx, dues, wire.Add(offset))
	if err != nil {
		return false, err
	}
	tx.OnCommit(func() { s.k.Clock.Raise(offset) })
	for _, l := range lanes {
		s.k.Queue.WakeAfter(tx, l)
	}
	return moving, nil
}

// dueLanes lists the lanes that have something due. What is due next and soon after it, the
// earliest first, tells, unless all of it is due and there may be more.
func dueLanes(ctx context.Context, tx *kernel.Tx, dues []store.Due, now time.Time) (lanes []string, err error) {
	for _, d := range dues {
		if d.At.After(now) {
			return lanes, nil
		}
		if !slices.Contains(lanes, d.Lane) {
			lanes = append(lanes, d.Lane)
		}
	}
	if len(dues) == 0 || len(dues) < maxBatch && !now.After(dues[0].At.Add(maxAhead)) {
		return lanes, nil
	}
	return store.DueLanes(ctx, tx, now)
}

// together is the instant to go to for what is due next: the first one's, or the last of
// those free ones that follow it closely.
func (s *Sandbox) together(dues []store.Due, to time.Time) time.Time {
	if len(dues) == 0 {
		return time.Time{}
	}
	goal := dues[0].At
	for _, d := range dues {
		if !s.free[d.Kind] || d.At.After(to) || d.At.Sub(dues[0].At) > maxAhead {
			break
		}
		goal = d.At
	}
	return goal
}

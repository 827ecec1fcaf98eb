package sandbox

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Names under which faces may use what the store gives.
type (
	Lane = store.LaneLoad
	Job  = store.Job
)

// System is what the workers have before them.
type System struct {
	Engine string         // the database's
	Jobs   map[string]int // by state
	Lanes  []Lane         // the fullest first
}

// maxLanes bounds the lanes that are shown.
const maxLanes = 50

// System reads it, for operators.
func (s *Sandbox) System(ctx context.Context, a access.Actor) (out System, err error) {
	if !a.IsOperator() {
		return out, fault.New(fault.Forbidden, "forbidden", "only operators see the system's work")
	}
	out.Engine = string(s.k.DB.Engine())
	err = s.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		counts, err := store.CountJobs(ctx, tx)
		if err != nil {
			return err
		}
		out.Jobs = map[string]int{}
		for state, n := range counts {
			out.Jobs[string(state)] = n
		}
		out.Lanes, err = store.Lanes(ctx, tx, s.k.Clock.Now(), maxLanes)
		return err
	})
	return out, err
}

// Jobs lists jobs in a state, newest first, before a mark, for operators.
func (s *Sandbox) Jobs(ctx context.Context, a access.Actor, state, before string, limit int) (out []Job, err error) {
	if !a.IsOperator() {
		return nil, fault.New(fault.Forbidden, "forbidden", "only operators see the system's work")
	}
	err = s.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		out, err = store.FindJobs(ctx, tx, state, before, limit)
		return err
	})
	return out, err
}

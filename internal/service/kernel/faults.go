package kernel

import (
	"maps"
	"sync/atomic"

	"github.com/souk-market/souk/internal/domain/delivery"
)

// Faults holds the ways in which a sandbox misbehaves towards sellers, as this process knows them.
type Faults struct {
	bySeller atomic.Pointer[map[string]delivery.Faults]
}

// Towards are those towards a seller; a nil Faults has none.
func (f *Faults) Towards(seller string) delivery.Faults {
	if f == nil {
		return nil
	}
	if all := f.bySeller.Load(); all != nil {
		return (*all)[seller]
	}
	return nil
}

// Hold replaces them all.
func (f *Faults) Hold(all map[string]delivery.Faults) { f.bySeller.Store(&all) }

// Put replaces those towards one seller. Its caller keeps two from putting at once.
func (f *Faults) Put(seller string, these delivery.Faults) {
	all := map[string]delivery.Faults{}
	if now := f.bySeller.Load(); now != nil {
		maps.Copy(all, *now)
	}
	all[seller] = these
	f.Hold(all)
}

package people

import (
	"context"
	"errors"

	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Names are the names of companies by id, for pages that show both sides of a trade; an unknown id
// stands for itself. Whether the reader may know of the company is decided where the id came from.
func (p *People) Names(ctx context.Context, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		for _, id := range ids {
			if _, seen := names[id]; seen || id == "" {
				continue
			}
			c, err := store.Company(ctx, tx, id)
			if errors.Is(err, store.ErrNoRow) {
				c.Name = id
			} else if err != nil {
				return err
			}
			names[id] = c.Name
		}
		return nil
	})
	return names, err
}

// PersonNames are the names of persons by id, for pages that show who did something; an unknown id stands for itself.
func (p *People) PersonNames(ctx context.Context, ids ...string) (map[string]string, error) {
	names := map[string]string{}
	err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		for _, id := range ids {
			if _, seen := names[id]; seen || id == "" {
				continue
			}
			who, err := store.Person(ctx, tx, id)
			if errors.Is(err, store.ErrNoRow) {
				who.Name = id
			} else if err != nil {
				return err
			}
			names[id] = who.Name
		}
		return nil
	})
	return names, err
}

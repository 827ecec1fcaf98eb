package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// accessKeys are the AK/SK pairs of a seller's servers. // spec: 14 §5
func (h *Handler) accessKeys() {
	h.changeSecret("POST", "/sellers/{id}/access-keys", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		description := c.body.text("description")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		ak, sk, err := h.Catalogue.IssueAccessKey(ctx, tx, c.actor, c.PathValue("id"), description)
		return map[string]string{"access_key_id": ak, "secret_access_key": sk}, err
	})
	h.read("/sellers/{id}/access-keys", func(c *call) (any, error) {
		if err := kernel.May(c.actor, access.SellerKeys); err != nil {
			return nil, err
		}
		a, err := h.Catalogue.Access(c.Context(), c.actor, c.PathValue("id"))
		if err != nil {
			return nil, err
		}
		type view struct {
			ID          string  `json:"access_key_id"`
			PersonID    string  `json:"person_id"`
			Description string  `json:"description"`
			Disabled    bool    `json:"disabled"`
			LockedUntil *string `json:"locked_until"`
			CreatedAt   *string `json:"created_at"`
			UsedAt      *string `json:"used_at"`
		}
		return listOf(a.AccessKeys, len(a.AccessKeys), func(k catalogue.AccessKey) view {
			return view{k.AK, k.PersonID, k.Description, k.Disabled, stamp(k.LockedUntil), stamp(k.CreatedAt), stamp(k.LastUsedAt)}
		}, nil), nil
	})
	// ours is the seller of the path: a key is found among the actor's own.
	ours := func(c *call) error {
		if err := kernel.May(c.actor, access.SellerKeys); err != nil {
			return err
		}
		if c.actor.CompanyID != c.PathValue("id") {
			return fault.Unknown("seller")
		}
		return nil
	}
	h.change("PUT", "/sellers/{id}/access-keys/{ak}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		description := c.body.text("description")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		if err := ours(c); err != nil {
			return nil, err
		}
		return done{"changed"}, h.Catalogue.DescribeAccessKey(ctx, tx, c.actor, c.PathValue("ak"), description)
	})
	for word, use := range map[string]bool{"enable": true, "disable": false} {
		h.change("POST", "/sellers/{id}/access-keys/{ak}/"+word, http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
			if err := ours(c); err != nil {
				return nil, err
			}
			return done{word + "d"}, h.Catalogue.UseAccessKey(ctx, tx, c.actor, c.PathValue("ak"), use)
		})
	}
	h.change("DELETE", "/sellers/{id}/access-keys/{ak}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		if err := ours(c); err != nil {
			return nil, err
		}
		return done{"deleted"}, h.Catalogue.DeleteAccessKey(ctx, tx, c.actor, c.PathValue("ak"))
	})
}

package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

type shopView struct {
	SellerID     string  `json:"seller_id"`
	Company      string  `json:"company"`
	Name         string  `json:"name"`
	Introduction string  `json:"introduction"`
	Logo         string  `json:"logo"`
	ContactName  string  `json:"contact_name"`
	Phone        string  `json:"phone"`
	Email        string  `json:"email"`
	Hours        string  `json:"hours"`
	Website      string  `json:"website"`
	Version      int64   `json:"version"`
	Since        *string `json:"since"`
}

func viewShop(s catalogue.Shop) shopView {
	return shopView{s.ID, s.Company, s.Name, s.Introduction, s.Logo, s.ContactName, s.Phone, s.Email, s.Hours, s.Website, s.Version, stamp(s.Since)}
}

// shops are what sellers say of themselves. // spec: 20 A4
func (h *Handler) shops() {
	h.read("/shops/{id}", func(c *call) (any, error) {
		s, err := h.Catalogue.Shop(c.Context(), c.PathValue("id"))
		return viewShop(s), err
	})
	h.change("PUT", "/sellers/{id}/shop", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		b := c.body
		in := catalogue.Shop{Name: b.text("name"), Introduction: b.text("introduction"), Logo: b.text("logo"), ContactName: b.text("contact_name"), Phone: b.text("phone"), Email: b.text("email"), Hours: b.text("hours"),
			Website: b.text("website"), Version: b.whole("version", 0)}
		if err := b.bad.Err(); err != nil {
			return nil, err
		}
		s, err := h.Catalogue.SaveShop(ctx, tx, c.actor, c.PathValue("id"), in)
		return viewShop(s), err
	})
}

package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/service/kernel"
)

type companyData struct {
	companyView
	Email          string  `json:"email"`
	Mobile         string  `json:"mobile"`
	EmailVerified  bool    `json:"email_verified"`
	MobileVerified bool    `json:"mobile_verified"`
	CreatedAt      *string `json:"created_at"`
}

func viewCompany(c party.Company) companyData {
	return companyData{companyView{c.ID, c.Kind, c.Name}, c.Email, c.Mobile, !c.EmailVerifiedAt.IsZero(), !c.MobileVerifiedAt.IsZero(), stamp(c.CreatedAt)}
}

// contact is how people and companies are reached, and the proof that they are. // spec: 20 A6, A7
func (h *Handler) contact() {
	h.act("POST", "/me/email", http.StatusAccepted, false, func(c *call) (any, error) {
		email, password := c.body.text("email"), c.body.text("password")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return checkMail, h.People.ChangeEmail(c.Context(), c.actor, email, password)
	})
	h.act("POST", "/emails/confirm", http.StatusOK, true, func(c *call) (any, error) {
		token := c.body.text("token")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		_, err := h.People.ConfirmEmail(c.Context(), token)
		return done{"confirmed"}, err
	})
	h.change("POST", "/me/mobile/code", http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return done{"sent"}, h.People.SendMobileCode(ctx, tx, c.actor)
	})
	h.act("POST", "/me/mobile/confirm", http.StatusOK, false, func(c *call) (any, error) {
		code := c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"confirmed"}, h.People.ConfirmMobile(c.Context(), c.actor, code)
	})
	h.change("PUT", "/companies/{id}/people/{person}/email", http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		email := c.body.text("email")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return checkMail, h.People.ChangeMemberEmail(ctx, tx, c.actor, c.PathValue("id"), c.PathValue("person"), email)
	})
	h.read("/companies/{id}", func(c *call) (any, error) {
		co, err := h.People.Company(c.Context(), c.actor, c.PathValue("id"))
		return viewCompany(co), err
	})
	h.change("PUT", "/companies/{id}/contact", http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		email, mobile := c.body.text("email"), c.body.text("mobile")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"sent"}, h.People.SetContact(ctx, tx, c.actor, c.PathValue("id"), email, mobile)
	})
	h.act("POST", "/companies/{id}/confirm-mobile", http.StatusOK, false, func(c *call) (any, error) {
		code := c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"confirmed"}, h.People.ConfirmCompanyMobile(c.Context(), c.actor, c.PathValue("id"), code)
	})
	h.change("PUT", "/companies/{id}/name", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		name := c.body.text("name")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.People.Rename(ctx, tx, c.actor, c.PathValue("id"), name)
	})
}

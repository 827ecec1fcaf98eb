package manage

import (
	"context"
	"net/http"

	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/messages"
)

type receiverView struct {
	ID             string                      `json:"id"`
	Name           string                      `json:"name"`
	Email          string                      `json:"email"`
	Mobile         string                      `json:"mobile"`
	Language       string                      `json:"language"`
	EmailVerified  bool                        `json:"email_verified"`
	MobileVerified bool                        `json:"mobile_verified"`
	Kinds          map[string][]notice.Channel `json:"kinds"`
	CreatedAt      *string                     `json:"created_at"`
}

func viewReceiver(v messages.Receiver) receiverView {
	kinds := v.Kinds
	if kinds == nil {
		kinds = map[string][]notice.Channel{}
	}
	return receiverView{v.ID, v.Name, v.Email, v.Mobile, v.Language, !v.EmailVerifiedAt.IsZero(), !v.MobileVerifiedAt.IsZero(), kinds, stamp(v.CreatedAt)}
}

// channels reads an object of lists of channels by kind of notice.
func channels(b *body, name string) map[string][]notice.Channel {
	out := map[string][]notice.Channel{}
	kinds := b.sub(name)
	if kinds == nil {
		return out
	}
	for _, m := range kinds.object.Members {
		out[m.Name] = []notice.Channel{}
		for _, c := range kinds.texts(m.Name) {
			out[m.Name] = append(out[m.Name], notice.Channel(c))
		}
	}
	return out
}

func readReceiver(c *call) (messages.NewReceiver, error) {
	in := messages.NewReceiver{Name: c.body.text("name"), Email: c.body.text("email"), Mobile: c.body.text("mobile"), Language: c.body.text("language"), Kinds: channels(c.body, "kinds")}
	return in, c.body.bad.Err()
}

// messages are what people are told, through what, and who else is. // spec: 20 A7
func (h *Handler) messages() {
	h.read("/notices", func(c *call) (any, error) {
		before, limit, err := pageOne(c.Request)
		if err != nil {
			return nil, err
		}
		ns, err := h.Inbox.Notices(c.Context(), c.actor, before, limit+1)
		if err != nil {
			return nil, err
		}
		type view struct {
			ID        string            `json:"id"`
			CompanyID string            `json:"company_id"`
			Kind      string            `json:"kind"`
			OrderID   string            `json:"order_id"`
			AttemptID string            `json:"attempt_id"`
			Params    map[string]string `json:"params"`
			CreatedAt *string           `json:"created_at"`
		}
		return listOf(ns, limit, func(n messages.Notice) view {
			return view{n.ID, n.CompanyID, n.Kind, n.OrderID, n.AttemptID, n.Texts, stamp(n.CreatedAt)}
		}, func(n messages.Notice) string { return cursor.Encode(n.ID) }), nil
	})
	h.read("/me/notices", func(c *call) (any, error) {
		ws, _, err := h.Inbox.Choices(c.Context(), c.actor)
		if err != nil {
			return nil, err
		}
		type view struct {
			Kind     string           `json:"kind"`
			Category int              `json:"category"`
			Urgent   bool             `json:"urgent"`
			Channels []notice.Channel `json:"channels"`
			Fixed    []notice.Channel `json:"fixed"`
		}
		return listOf(ws, len(ws), func(w messages.Wanted) view {
			v := view{w.Name, w.Category, w.Urgent, []notice.Channel{}, []notice.Channel{}}
			for _, c := range notice.Channels {
				if w.On[c] {
					v.Channels = append(v.Channels, c)
				}
				if w.Fixed[c] {
					v.Fixed = append(v.Fixed, c)
				}
			}
			return v
		}, nil), nil
	})
	h.change("PUT", "/me/notices", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		wanted := channels(c.body, "kinds")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"changed"}, h.Inbox.Choose(ctx, tx, c.actor, wanted)
	})
	h.read("/receivers", func(c *call) (any, error) {
		vs, err := h.Inbox.Receivers(c.Context(), c.actor)
		if err != nil {
			return nil, err
		}
		return listOf(vs, len(vs), viewReceiver, nil), nil
	})
	h.change("POST", "/receivers", http.StatusCreated, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in, err := readReceiver(c)
		if err != nil {
			return nil, err
		}
		v, err := h.Inbox.Save(ctx, tx, c.actor, "", in)
		return viewReceiver(v), err
	})
	h.act("POST", "/receivers/confirm", http.StatusOK, true, func(c *call) (any, error) {
		address, token := c.body.text("address"), c.body.text("token")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		_, err := h.Inbox.Confirm(c.Context(), address, token)
		return done{"confirmed"}, err
	})
	h.read("/receivers/{id}", func(c *call) (any, error) {
		v, err := h.Inbox.Receiver(c.Context(), c.actor, c.PathValue("id"))
		return viewReceiver(v), err
	})
	h.change("PUT", "/receivers/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		in, err := readReceiver(c)
		if err != nil {
			return nil, err
		}
		v, err := h.Inbox.Save(ctx, tx, c.actor, c.PathValue("id"), in)
		return viewReceiver(v), err
	})
	h.change("DELETE", "/receivers/{id}", http.StatusOK, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return done{"removed"}, h.Inbox.Remove(ctx, tx, c.actor, c.PathValue("id"))
	})
	h.change("POST", "/receivers/{id}/prove", http.StatusAccepted, func(ctx context.Context, tx *kernel.Tx, c *call) (any, error) {
		return done{"sent"}, h.Inbox.Prove(ctx, tx, c.actor, c.PathValue("id"))
	})
	h.act("POST", "/receivers/{id}/confirm-mobile", http.StatusOK, false, func(c *call) (any, error) {
		code := c.body.text("code")
		if err := c.body.bad.Err(); err != nil {
			return nil, err
		}
		return done{"confirmed"}, h.Inbox.ConfirmMobile(c.Context(), c.actor, c.PathValue("id"), code)
	})
}

package desk

import (
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/delivery"
)

// lifeStrip draws a service's life: its paid terms, what of it is frozen, and the calls to the seller.
func lifeStrip(c *ui.Call, i instance.Instance, terms []delivery.Term, calls []delivery.AttemptRecord) *ui.Strip {
	legend := []ui.Series{{Name: c.T("life.term"), Tone: ui.Good}, {Name: c.T("life.ahead"), Tone: ui.Plain}, {Name: c.T("life.frozen"), Tone: ui.Bad}, {Name: c.T("life.call"), Tone: ui.Waiting}}
	var spans []ui.Span
	for _, t := range terms {
		tone := ui.Good
		switch {
		case t.State == "REFUNDED":
			continue
		case t.StartsAt.After(c.Now):
			tone = ui.Plain
		}
		spans = append(spans, ui.Span{From: t.StartsAt, To: t.EndsAt, Tone: tone, Text: c.Minute(t.StartsAt) + " – " + c.Minute(t.EndsAt)})
	}
	if i.Has(instance.Expiry) && c.Now.After(i.ExpireAt) {
		spans = append(spans, ui.Span{From: i.ExpireAt, To: c.Now, Tone: ui.Bad, Text: c.T("freeze.expiry")})
	}
	if len(spans) == 0 {
		return nil
	}
	var marks []ui.Mark
	for _, a := range calls {
		tone := ui.Waiting
		switch a.State {
		case "failed":
			tone = ui.Bad
		case "retrying", "unknown":
			tone = ui.Attention
		}
		marks = append(marks, ui.Mark{At: a.BusinessAt, Tone: tone, Text: c.Minute(a.BusinessAt) + " " + a.Activity + " " + c.T("attempt."+a.State)})
	}
	return c.NewStrip(legend, spans, marks)
}

package account

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
)

// choices mounts what one is told, and through what. // spec: 20 A7
func (r *Room) choices() {
	r.Get(r.path("/messages/choice"), "messages", access.AccountRead, r.choiceShow)
	r.Post(r.path("/messages/choice"), "messages", access.AccountWrite, r.choiceDo)
}

func (r *Room) choiceShow(c *ui.Call) error {
	all, reach, err := r.Inbox.Choices(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("choice.title")
	p.Lead = c.T("choice.lead")
	p.Crumbs = []ui.Link{c.Crumb(r.path("/messages"), "messages.title")}
	if !reach.Email || !reach.Mobile {
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("choice.step.email"), Who: ui.Who("you"), Links: []ui.Link{{Text: c.T("go.security"), Href: r.path("/security")}}}
		if reach.Email {
			p.Step.Text, p.Step.Tone = c.T("choice.step.mobile"), ui.Plain
		}
	}
	f := c.NewForm("choice", r.path("/messages/choice"), "do.save")
	for _, urgent := range []bool{true, false} {
		c.Add(f, ui.Field{Name: map[bool]string{true: "urgent", false: "others"}[urgent], Kind: "group"}, map[bool]string{true: "choice_urgent", false: "choice_others"}[urgent])
		for _, w := range all {
			if w.Urgent != urgent {
				continue
			}
			field := ui.Field{Name: "kind-" + w.Name, Kind: "checks"}
			for _, channel := range notice.Channels {
				field.Options = append(field.Options, ui.Option{Value: string(channel), Text: c.T("channel." + string(channel)), Fixed: w.Fixed[channel]})
				if w.On[channel] {
					field.Values = append(field.Values, string(channel))
				}
			}
			c.Add(f, field, "notice."+w.Name)
		}
	}
	return c.Draw(p.Put(ui.Block{Form: f, Note: c.T("choice.note")}))
}

func (r *Room) choiceDo(c *ui.Call) error {
	all, _, err := r.Inbox.Choices(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	ticked := tickedKinds(c, r.Kind)
	for _, w := range all {
		if _, any := ticked[w.Name]; !any {
			ticked[w.Name] = []notice.Channel{}
		}
		for _, channel := range notice.Channels {
			if w.Fixed[channel] { // a box that cannot be changed is not sent
				ticked[w.Name] = append(ticked[w.Name], channel)
			}
		}
	}
	err = r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error { return r.Inbox.Choose(ctx, tx, c.Actor, ticked) })
	if err != nil {
		return c.Again(err, r.choiceShow)
	}
	return c.Done(r.path("/messages/choice"), "saved")
}

package account

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/messages"
)

// receivers mounts who is told without being a member. // spec: 20 A7
func (r *Room) receivers() {
	r.Get(r.path("/receivers"), "receivers", access.MessageManage, r.receiverList)
	r.Post(r.path("/receivers"), "receivers", access.MessageManage, r.receiverNew)
	r.Get(r.path("/receivers/{id}"), "receivers", access.MessageManage, r.receiverShow)
	r.Post(r.path("/receivers/{id}/{do}"), "receivers", access.MessageManage, r.receiverDo)
}

// receiverDoors mounts the page that a receiver's link leads to.
func (r *Room) receiverDoors() {
	r.Get("/account/receiver", "", "", r.receiverConfirm)
	r.Post("/account/receiver", "", "", r.receiverConfirmDo)
}

func (r *Room) receiverList(c *ui.Call) error {
	list, err := r.Inbox.Receivers(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("receivers.title")
	p.Lead = c.T("receivers.lead", "N", messages.MaxReceivers)
	switch open := unproved(list); {
	case len(list) == 0:
		p.Step = &ui.Step{Tone: ui.Plain, Text: c.T("receivers.step.none"), Who: ui.Nobody}
	case open > 0:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("receivers.step.open", "N", open), Who: ui.Who("you")}
	default:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("receivers.step.good"), Who: ui.Nobody}
	}
	if len(list) < messages.MaxReceivers {
		f := c.NewForm("receiver", r.path("/receivers"), "do.receiver")
		f.Behind = c.T("do.receiver")
		r.receiverFields(c, f, messages.Receiver{Language: language(c), Kinds: defaults(r.Kind)})
		p.Put(ui.Block{Form: f})
	}
	p.Put(ui.Block{Table: ui.NewTable(c.Frame, list, []ui.Column[messages.Receiver]{
		{Head: "col.name", Cell: func(v messages.Receiver) ui.Cell { return ui.To(r.path("/receivers/"+v.ID), v.Name) }},
		{Head: "col.email", Cell: func(v messages.Receiver) ui.Cell { return provedCell(c, v.Email, !v.EmailVerifiedAt.IsZero()) }},
		{Head: "col.mobile", Cell: func(v messages.Receiver) ui.Cell {
			return provedCell(c, v.Mobile, !v.MobileVerifiedAt.IsZero())
		}},
		{Head: "receivers.kinds", Num: true, Cell: func(v messages.Receiver) ui.Cell { return ui.Own(ui.Count(len(v.Kinds))) }},
		{Head: "col.do", Cell: func(v messages.Receiver) ui.Cell { return c.ToWord(r.path("/receivers/"+v.ID), "go.receiver") }},
	}, "").Or(ui.Empty{Text: c.T("receivers.empty"), Help: c.T("receivers.empty.help")})})
	return c.Draw(p)
}

func unproved(list []messages.Receiver) (n int) {
	for _, v := range list {
		if v.Email != "" && v.EmailVerifiedAt.IsZero() || v.Mobile != "" && v.MobileVerifiedAt.IsZero() {
			n++
		}
	}
	return n
}

// provedCell shows an address or number, and whether it was proved.
func provedCell(c *ui.Call, address string, proved bool) ui.Cell {
	if address == "" {
		return ui.None
	}
	state := ui.State{ID: "state.proved.no", Tone: ui.Attention}
	if proved {
		state = ui.State{ID: "state.proved.yes", Tone: ui.Good}
	}
	return ui.Own(address).Then(c.Chip(state))
}

// defaults are what a new receiver is offered: all that goes out by mail unless somebody chose otherwise.
func defaults(audience party.Kind) map[string][]notice.Channel {
	out := map[string][]notice.Channel{}
	for _, k := range notice.For(audience) {
		if k.ByDefault(notice.Mail) {
			out[k.Name] = []notice.Channel{notice.Mail}
		}
	}
	return out
}

func (r *Room) receiverFields(c *ui.Call, f *ui.Form, v messages.Receiver) {
	c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: party.MaxName, Value: v.Name, Autocomplete: "off"}, "receiver_name")
	c.Add(f, ui.Field{Name: "email", Kind: "email", MaxLength: party.MaxEmail, Value: v.Email, Autocomplete: "off"}, "receiver_email")
	c.Add(f, ui.Field{Name: "mobile", MaxLength: party.MaxMobile, Value: v.Mobile, Autocomplete: "off"}, "receiver_mobile")
	c.Add(f, ui.Field{Name: "language", Kind: "select", Value: v.Language, Options: c.OwnLanguages()}, "")
	c.Add(f, ui.Field{Name: "kinds", Kind: "group"}, "receiver_kinds")
	for _, k := range notice.For(r.Kind) {
		field := ui.Field{Name: "kind-" + k.Name, Kind: "checks"}
		for _, channel := range notice.Outer {
			field.Options = append(field.Options, ui.Option{Value: string(channel), Text: c.T("channel." + string(channel))})
		}
		for _, channel := range v.Kinds[k.Name] {
			field.Values = append(field.Values, string(channel))
		}
		c.Add(f, field, "notice."+k.Name)
	}
}

func (r *Room) typedReceiver(c *ui.Call) messages.NewReceiver {
	return messages.NewReceiver{Name: c.Form("name"), Email: c.Form("email"), Mobile: c.Form("mobile"), Language: c.Form("language"), Kinds: tickedKinds(c, r.Kind)}
}

// tickedKinds reads the ticked channels of each kind.
func tickedKinds(c *ui.Call, audience party.Kind) map[string][]notice.Channel {
	out := map[string][]notice.Channel{}
	for _, k := range notice.For(audience) {
		for _, v := range c.FormAll("kind-" + k.Name) {
			out[k.Name] = append(out[k.Name], notice.Channel(v))
		}
	}
	return out
}

func (r *Room) receiverNew(c *ui.Call) error {
	var v messages.Receiver
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) (err error) {
		v, err = r.Inbox.Save(ctx, tx, c.Actor, "", r.typedReceiver(c))
		return err
	})
	if err != nil {
		return c.Again(err, r.receiverList)
	}
	return c.Done(r.path("/receivers/"+v.ID), "receiver")
}

func (r *Room) receiverShow(c *ui.Call) error {
	v, err := r.Inbox.Receiver(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	at := r.path("/receivers/" + v.ID)
	p := c.NewThing(v.Name, c.Crumb(r.path("/receivers"), "receivers.title"))
	p.Lead = c.T("receiver.lead")
	email, mobile := v.Email != "" && v.EmailVerifiedAt.IsZero(), v.Mobile != "" && v.MobileVerifiedAt.IsZero()
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("receiver.step.good"), Who: ui.Nobody}
	if email || mobile {
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("receiver.step.mobile"), Who: ui.Who("you"), Forms: []*ui.Form{c.NewForm("again", at+"/prove", "do.prove.again")}}
		if email {
			p.Step.Text = c.T("receiver.step.email")
		}
	}
	if mobile {
		f := c.NewForm("code", at+"/code", "do.prove")
		c.Add(f, ui.Field{Name: "code", Required: true, MaxLength: 6, Autocomplete: "one-time-code"}, "sms_code")
		p.Put(c.In("receiver.code", ui.Block{Form: f, Note: c.T("receiver.code.note")}))
	}
	f := c.NewForm("receiver", at+"/save", "do.save")
	r.receiverFields(c, f, v)
	away := c.NewForm("remove", at+"/remove", "do.receiver.remove")
	away.Behind, away.Consequence, away.Tone = c.T("do.receiver.remove"), c.T("receiver.remove.consequence"), "btn-danger"
	p.Put(c.In("block.facts", ui.Block{Facts: []ui.Fact{c.Fact("col.email", provedCell(c, v.Email, !v.EmailVerifiedAt.IsZero())), c.Fact("col.mobile", provedCell(c, v.Mobile, !v.MobileVerifiedAt.IsZero())), c.Fact("col.created", c.When(v.CreatedAt))}}),
		c.In("receiver.change", ui.Block{Form: f}), ui.Block{Form: away})
	return c.Draw(p)
}

func (r *Room) receiverDo(c *ui.Call) error {
	id := c.R.PathValue("id")
	to, done := r.path("/receivers/"+id), "saved"
	if c.R.PathValue("do") == "code" {
		if err := r.Inbox.ConfirmMobile(c.R.Context(), c.Actor, id, c.Form("code")); err != nil {
			return c.Again(err, r.receiverShow)
		}
		return c.Done(to, "proved")
	}
	err := r.Kernel.Change(c.R.Context(), func(ctx context.Context, tx *kernel.Tx) error {
		switch c.R.PathValue("do") {
		case "save":
			_, err := r.Inbox.Save(ctx, tx, c.Actor, id, r.typedReceiver(c))
			return err
		case "prove":
			done = "prove.again"
			return r.Inbox.Prove(ctx, tx, c.Actor, id)
		case "remove":
			to, done = r.path("/receivers"), "removed"
			return r.Inbox.Remove(ctx, tx, c.Actor, id)
		}
		return fault.Unknown("page")
	})
	if err != nil {
		return c.Again(err, r.receiverShow)
	}
	return c.Done(to, done)
}

// receiverConfirm asks for a click, so that a mail scanner that follows links confirms nothing.
func (r *Room) receiverConfirm(c *ui.Call) error {
	c.NeedForm()
	p := c.NewPage("receiver.confirm.title")
	p.Lead = c.T("receiver.confirm.lead")
	address := c.Query("address")
	if typed := c.Form("address"); typed != "" {
		address = typed
	}
	f := c.NewForm("receiver", "/account/receiver", "do.receiver.confirm").Keep("token", token(c), "address", address)
	return c.Draw(p.Put(ui.Block{Facts: []ui.Fact{c.Fact("col.email", ui.Own(address))}}, ui.Block{Form: f}))
}

func (r *Room) receiverConfirmDo(c *ui.Call) error {
	company, err := r.Inbox.Confirm(c.R.Context(), strings.TrimSpace(c.Form("address")), token(c))
	if err != nil {
		return c.Again(err, r.receiverConfirm)
	}
	p := c.NewPage("receiver.confirmed.title")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("receiver.confirmed.step", "COMPANY", company), Who: ui.Nobody}
	return c.Draw(p)
}

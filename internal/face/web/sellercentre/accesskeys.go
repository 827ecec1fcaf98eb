package sellercentre

import (
	"context"
	"encoding/csv"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/notice"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/proof"
)

// accessKeys mounts the page of AK/SK pairs, by which the seller's server asks the marketplace. // spec: 14 §5
func (r *Room) accessKeys() {
	r.Get("/seller/access-keys", "access-keys", access.SellerKeys, r.accessKeyList)
	r.Post("/seller/access-keys/code", "access-keys", access.SellerKeys, r.accessKeyCode)
	r.Post("/seller/access-keys", "access-keys", access.SellerKeys, r.newAccessKey)
	r.Post("/seller/access-keys/{ak}/{use}", "access-keys", access.SellerKeys, r.useAccessKey)
}

func (r *Room) accessKeyList(c *ui.Call) error {
	if err := kernel.Unlimited(c.Actor); err != nil {
		return err
	}
	a, err := r.Catalogue.Access(c.R.Context(), c.Actor, c.Actor.CompanyID)
	if err != nil {
		return err
	}
	reach, err := r.People.Reach(c.R.Context(), c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("accesskeys.title")
	p.Lead = c.T("accesskeys.lead")
	mine := 0
	for _, k := range a.AccessKeys {
		if k.PersonID == c.Actor.PersonID {
			mine++
		}
	}
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("accesskeys.step.full"), Who: ui.Nobody}
	if mine < catalogue.MaxAccessKeys {
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("accesskeys.step.new", "N", catalogue.MaxAccessKeys-mine), Who: ui.Seller}
		p.Put(r.newKeyBlock(c, reach))
	}
	now := r.Kernel.Wire.Now()
	names, err := r.People.PersonNames(c.R.Context(), holders(a.AccessKeys)...)
	if err != nil {
		return err
	}
	p.Put(ui.Block{Table: ui.NewTable(c.Frame, a.AccessKeys, []ui.Column[catalogue.AccessKey]{
		{Head: "col.ak", Cell: func(k catalogue.AccessKey) ui.Cell { return c.ID(k.AK).Then(ui.SmallOwn(k.Description)) }},
		{Head: "col.person", Cell: func(k catalogue.AccessKey) ui.Cell { return ui.Own(names[k.PersonID]) }},
		{Head: "col.state", Cell: func(k catalogue.AccessKey) ui.Cell {
			switch {
			case k.Disabled:
				return c.Chip(ui.Use("off"))
			case k.LockedUntil.After(now):
				return c.Chip(ui.Use("end")).Then(c.Small("accesskey.locked").And(c.When(k.LockedUntil)))
			}
			return c.Chip(ui.Use("on"))
		}},
		{Head: "col.created", Cell: func(k catalogue.AccessKey) ui.Cell { return c.When(k.CreatedAt) }},
		{Head: "col.used", Cell: func(k catalogue.AccessKey) ui.Cell { return c.When(k.LastUsedAt) }},
		{Head: "col.do", Cell: func(k catalogue.AccessKey) ui.Cell {
			if k.Disabled {
				return c.Button("/seller/access-keys/"+k.AK+"/enable", "do.enable", "btn-sm").And(c.Button("/seller/access-keys/"+k.AK+"/delete", "do.delete", "btn-outline-danger"))
			}
			return c.Button("/seller/access-keys/"+k.AK+"/disable", "do.disable", "btn-sm")
		}},
	}, "").Or(ui.Empty{Text: c.T("accesskeys.empty"), Help: c.T("accesskeys.empty.help")}), Note: c.T("accesskeys.note")})
	return c.Draw(p)
}

func holders(keys []catalogue.AccessKey) (ids []string) {
	for _, k := range keys {
		ids = append(ids, k.PersonID)
	}
	return ids
}

// newKeyBlock asks for the description, then for the code that was sent; or for the password where no code can be sent.
func (r *Room) newKeyBlock(c *ui.Call, reach people.Reach) ui.Block {
	description := ui.Field{Name: "description", MaxLength: 100, Autocomplete: "off", Value: c.Form("description")}
	sent := c.Form("form") == "code" && !c.Failed() || c.Form("form") == "new"
	switch {
	case reach == people.Reach{}:
		f := c.NewForm("new", "/seller/access-keys", "do.accesskey")
		c.Add(f, description, "key_description")
		c.Add(f, ui.Field{Name: "current_password", Kind: "password", Required: true, MaxLength: party.MaxPassword, Autocomplete: "current-password"}, "")
		return c.In("accesskeys.new", ui.Block{Form: f, Note: c.T("accesskeys.password")})
	case sent:
		f := c.NewForm("new", "/seller/access-keys", "do.accesskey")
		c.Add(f, description, "key_description")
		c.Add(f, ui.Field{Name: "code", Required: true, MaxLength: 6, Autocomplete: "one-time-code"}, "sent_code")
		return c.In("accesskeys.new", ui.Block{Form: f, Note: c.T("accesskeys.sent")})
	}
	f := c.NewForm("code", "/seller/access-keys/code", "do.code")
	c.Add(f, description, "key_description")
	field := ui.Field{Name: "channel", Kind: "radio"}
	for channel, address := range map[notice.Channel]string{notice.Mail: reach.Email, notice.SMS: reach.Mobile} {
		if address != "" {
			field.Options = append(field.Options, ui.Option{Value: string(channel), Text: c.T("channel." + string(channel))})
		}
	}
	field.Value = field.Options[0].Value
	c.Add(f, field, "code_channel")
	return c.In("accesskeys.new", ui.Block{Form: f, Note: c.T("accesskeys.verify")})
}

// accessKeyCode sends the code and shows the page that asks for it.
func (r *Room) accessKeyCode(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.People.SendCode(ctx, tx, c.Actor, proof.AccessKey, c.Form("channel"))
	})
	if err != nil {
		return c.Again(err, r.accessKeyList)
	}
	return r.accessKeyList(c)
}

// newAccessKey makes a pair and sends it as the file that is downloaded once.
func (r *Room) newAccessKey(c *ui.Call) error {
	pass, err := r.People.Prove(c.R.Context(), c.Actor, proof.AccessKey, c.Form("code"), c.Form("current_password"))
	var ak, sk string
	if err == nil {
		err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
			ak, sk, err = r.Catalogue.NewAccessKey(ctx, tx, c.Actor, pass, strings.TrimSpace(c.Form("description")))
			return err
		})
	}
	if err != nil {
		return c.Again(ui.Renamed(err, "password", "current_password"), r.accessKeyList)
	}
	h := c.W.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="credentials.csv"`)
	h.Set("Cache-Control", "no-store")
	w := csv.NewWriter(c.W)
	_ = w.Write([]string{"User Name", "Access Key Id", "Secret Access Key"})
	_ = w.Write([]string{c.Viewer.Name, ak, sk})
	w.Flush()
	return nil
}

func (r *Room) useAccessKey(c *ui.Call) error {
	ak := c.R.PathValue("ak")
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		switch c.R.PathValue("use") {
		case "enable":
			return r.Catalogue.UseAccessKey(ctx, tx, c.Actor, ak, true)
		case "disable":
			return r.Catalogue.UseAccessKey(ctx, tx, c.Actor, ak, false)
		case "delete":
			return r.Catalogue.DeleteAccessKey(ctx, tx, c.Actor, ak)
		}
		return errUnknown
	})
	if err != nil {
		return c.Again(err, r.accessKeyList)
	}
	return c.Done("/seller/access-keys", "saved")
}

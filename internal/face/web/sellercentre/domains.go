package sellercentre

import (
	"context"
	"strconv"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/lab"
)

// domains mounts what proves an address and what secrets are encrypted with. // spec: 10 §8.1, 13 §3.1
func (r *Room) domains() {
	r.Get("/seller/domains", "access", access.LabRead, r.domainList)
	r.Post("/seller/domains", "access", access.SellerAddress, r.domainAdd)
	r.Post("/seller/domains/check", "access", access.SellerAddress, r.domainCheck)
	r.Post("/seller/domains/remove", "access", access.SellerAddress, r.domainRemove)
	r.Post("/seller/domains/keys", "access", access.SellerKeys, r.credentialPut)
	r.Post("/seller/domains/keys/{id}/delete", "access", access.SellerKeys, r.credentialDelete)
}

// accessTabs leads between the pages about how a server is reached.
func accessTabs(c *ui.Call, now string) (out []ui.Link) {
	for _, one := range []struct{ path, id, action string }{{"/seller/access", "access.title", "seller.keys"}, {"/seller/domains", "domains.title", "lab.read"}} {
		if c.May(one.action) {
			out = append(out, ui.Link{Text: c.T(one.id), Href: one.path, Current: one.path == now})
		}
	}
	return out
}

func (r *Room) domainList(c *ui.Call) error {
	ctx := c.R.Context()
	all, err := r.Lab.Domains(ctx, c.Actor)
	if err != nil {
		return err
	}
	keys, err := r.Lab.Credentials(ctx, c.Actor)
	if err != nil {
		return err
	}
	p := c.NewPage("domains.title")
	p.Lead, p.Tabs = c.T("domains.lead"), accessTabs(c, "/seller/domains")
	open := 0
	for _, d := range all {
		if d.VerifiedAt.IsZero() {
			open++
		}
	}
	switch {
	case len(all) == 0:
		p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("domains.step.none"), Who: ui.Seller}
	case open > 0:
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("domains.step.open", "N", open), Who: ui.Seller}
	default:
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("domains.step.good"), Who: ui.Nobody}
	}
	if r.Kernel.Sandbox {
		p.Step.Say(c.Word("domains.sandbox"))
	}
	edit := c.May("seller.address") && !c.Actor.Limited
	p.Put(c.In("block.domains", ui.Block{Table: ui.NewTable(c.Frame, all, []ui.Column[lab.Domain]{
		{Head: "col.domain", Cell: func(d lab.Domain) ui.Cell { return ui.Code(d.Host) }},
		{Head: "col.state", Cell: func(d lab.Domain) ui.Cell {
			if d.VerifiedAt.IsZero() {
				cell := c.Chip(ui.Use("end"))
				if d.Problem != "" {
					cell = cell.Then(ui.SmallOwn(d.Problem))
				}
				return cell
			}
			return c.Chip(ui.CaseState(true)).Then(c.Small("proof." + d.Method).And(c.When(d.VerifiedAt)))
		}},
		{Head: "col.proof", Cell: func(d lab.Domain) ui.Cell {
			return c.Small("proof.file").And(ui.Code(lab.ProofPath)).Then(c.Small("proof.dns").And(ui.Code(lab.ProofRecord + d.Host))).Then(c.ID(d.Token))
		}},
		{Head: "col.do", Cell: func(d lab.Domain) ui.Cell {
			if !edit {
				return ui.None
			}
			return c.Button("/seller/domains/check", "do.check", "btn-sm btn-primary", "host", d.Host).And(c.Button("/seller/domains/remove", "do.delete", "btn-sm btn-outline-danger", "host", d.Host))
		}},
	}, "").Or(ui.Empty{Text: c.T("domains.empty"), Help: c.T("domains.empty.help")}), Note: c.T("domains.note")}))
	if edit {
		f := c.NewForm("domain", "/seller/domains", "do.domain.add")
		c.Add(f, ui.Field{Name: "host", Placeholder: "console.example.com", Required: true, MaxLength: 253, Autocomplete: "off", Bad: c.T("bad.host")}, "domain_host")
		p.Put(c.In("block.domain.new", ui.Block{Form: f}))
	}
	p.Put(c.In("block.credentials", ui.Block{Table: ui.NewTable(c.Frame, keys, []ui.Column[lab.Credential]{
		{Head: "col.name", Cell: func(k lab.Credential) ui.Cell { return ui.Own(k.Name) }},
		{Head: "col.bits", Num: true, Cell: func(k lab.Credential) ui.Cell { return ui.Own(strconv.Itoa(k.Bits)) }},
		{Head: "col.profile", Cell: func(k lab.Credential) ui.Cell { return c.Word("profile." + k.Profile) }},
		{Head: "col.lists", Cell: func(k lab.Credential) ui.Cell { return c.Word("lists." + k.Lists) }},
		{Head: "col.updated", Cell: func(k lab.Credential) ui.Cell { return c.When(k.UpdatedAt) }},
		{Head: "col.do", Cell: func(k lab.Credential) ui.Cell {
			if !edit {
				return ui.None
			}
			return c.Button("/seller/domains/keys/"+k.ID+"/delete", "do.delete", "btn-sm btn-outline-danger")
		}},
	}, "").Or(ui.Empty{Text: c.T("credentials.empty"), Help: c.T("credentials.empty.help")})}))
	if edit {
		wrong := lab.KeyProblem(c.Form("public_key"))
		if wrong == "" {
			wrong = lab.KeyForm
		}
		f := c.NewForm("credential", "/seller/domains/keys", "do.save")
		c.Add(f, ui.Field{Name: "name", Required: true, MaxLength: 64, Autocomplete: "off", Bad: c.T("bad.credential_name")}, "credential_name")
		c.Add(f, ui.Field{Name: "profile", Kind: "select", Value: lab.Profiles()[0], Options: c.Choices("profile.", lab.Profiles(), false)}, "")
		c.Add(f, ui.Field{Name: "lists", Kind: "select", Value: lab.ListsAsArray, Options: c.Choices("lists.", []string{lab.ListsAsArray, lab.ListsAsText}, false)}, "")
		c.Add(f, ui.Field{Name: "public_key", Kind: "textarea", Rows: 6, Required: true, Wide: true, MaxLength: 16384, Bad: c.T("bad.public_key." + wrong)}, "")
		p.Put(c.In("block.credential.new", ui.Block{Form: f}))
	}
	return c.Draw(p)
}

func (r *Room) domainAdd(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Lab.AddDomain(ctx, tx, c.Actor, c.Form("host"))
		return err
	})
	if err != nil {
		return c.Again(err, r.domainList)
	}
	return c.Done("/seller/domains", "saved")
}

func (r *Room) domainCheck(c *ui.Call) error {
	d, err := r.Lab.CheckDomain(c.R.Context(), c.Actor, c.Form("host"))
	if err != nil {
		return c.Again(err, r.domainList)
	}
	if d.VerifiedAt.IsZero() {
		return c.To("/seller/domains")
	}
	return c.Done("/seller/domains", "domain.proved")
}

func (r *Room) domainRemove(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Lab.RemoveDomain(ctx, tx, c.Actor, c.Form("host"))
	})
	if err != nil {
		return c.Again(err, r.domainList)
	}
	return c.Done("/seller/domains", "deleted")
}

func (r *Room) credentialPut(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Lab.PutCredential(ctx, tx, c.Actor, lab.Credential{Name: c.Form("name"), PublicKey: c.Form("public_key"), Profile: c.Form("profile"), Lists: c.Form("lists")})
		return err
	})
	if err != nil {
		return c.Again(err, r.domainList)
	}
	return c.Done("/seller/domains", "saved")
}

func (r *Room) credentialDelete(c *ui.Call) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Lab.DeleteCredential(ctx, tx, c.Actor, c.R.PathValue("id"))
	})
	if err != nil {
		return c.Again(err, r.domainList)
	}
	return c.Done("/seller/domains", "deleted")
}

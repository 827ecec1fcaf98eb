package desk

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	domain "github.com/souk-market/souk/internal/domain/delivery"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Faults mounts the page on which a sandbox is told how to misbehave towards a seller: the seller's own, or any for
// operators. // spec: 02, 10 §12.5
func (d *Desk) Faults(path, section string) {
	d.Get(path, section, access.FaultSet, d.faultsShow(path))
	d.Post(path, section, access.FaultSet, d.faultsSet(path))
}

func (d *Desk) faultSeller(c *ui.Call) string {
	if d.isSeller() {
		return c.Actor.CompanyID
	}
	return c.R.PathValue("id")
}

func (d *Desk) faultsShow(path string) ui.Handler {
	return func(c *ui.Call) error {
		if !d.Kernel.Sandbox {
			return fault.Unknown("page")
		}
		seller := d.faultSeller(c)
		on, err := d.Sandbox.Faults(c.R.Context(), c.Actor, seller)
		if err != nil {
			return err
		}
		p := c.NewPage("faults.title")
		p.Lead = c.T("faults.lead")
		if !d.isSeller() {
			p.Crumbs = []ui.Link{c.Crumb("/operator/sandbox", "sandbox.title"), {Text: d.People.CompanyName(c.R.Context(), seller), Href: "/operator/companies/" + seller, Own: true}}
		}
		p.Step = &ui.Step{Tone: ui.Good, Text: c.T("faults.step.none"), Who: ui.Nobody}
		if len(on) > 0 {
			p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("faults.step.on", "N", len(on)), Who: ui.Seller}
		}
		f := c.NewForm("faults", strings.ReplaceAll(path, "{id}", seller), "do.save")
		field := ui.Field{Name: "fault", Kind: "checks", Wide: true}
		var more []string
		for _, text := range on {
			if strings.ContainsAny(text, "=@") {
				more = append(more, text)
			} else {
				field.Values = append(field.Values, text)
			}
		}
		for _, row := range domain.FaultTable {
			field.Options = append(field.Options, ui.Option{Value: row.Name, Text: c.T("fault." + row.Name)})
		}
		c.Add(f, field, "")
		c.Add(f, ui.Field{Name: "faults", Value: strings.Join(more, " "), Placeholder: "delay=5s@newInstance", Autocomplete: "off", Wide: true, Bad: c.T("bad.faults", "NAMES", strings.Join(domain.FaultNames(), ", "))}, "faults_more")
		return c.Draw(p.Put(ui.Block{Form: f, Note: c.T("faults.note")}))
	}
}

func (d *Desk) faultsSet(path string) ui.Handler {
	return func(c *ui.Call) error {
		seller := d.faultSeller(c)
		texts := append(append([]string{}, c.FormAll("fault")...), strings.Fields(c.Form("faults"))...)
		err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
			_, err := d.Sandbox.SetFaults(ctx, tx, c.Actor, seller, texts)
			return err
		})
		if err != nil {
			return c.Again(err, d.faultsShow(path))
		}
		return c.Done(strings.ReplaceAll(path, "{id}", seller), "saved")
	}
}

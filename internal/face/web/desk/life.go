package desk

import (
	"context"
	"fmt"
	"strconv"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/instance"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/delivery"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// life mounts what a buyer decides about a service. // spec: 22 §3.3–3.6, §4.1
func (d *Desk) life() {
	at := d.Path("/services/{id}/")
	d.Get(at+"renew", "services", access.InstanceRenew, d.renewForm)
	d.Post(at+"renew", "services", access.InstanceRenew, d.renew)
	d.Get(at+"convert", "services", access.InstanceRenew, d.convertForm)
	d.Post(at+"convert", "services", access.InstanceRenew, d.convert)
	d.Get(at+"change", "services", access.InstanceRenew, d.changeForm)
	d.Post(at+"change", "services", access.InstanceRenew, d.change)
	d.Post(at+"auto-renew", "services", access.InstanceRenew, d.autoRenew)
	d.Post(at+"cancel-renewal", "services", access.InstanceRenew, d.cancelRenewal)
	d.Post(at+"unsubscribe", "services", access.InstanceRenew, d.unsubscribe)
	d.Post(at+"withdraw-refund", "services", access.InstanceRenew, d.withdrawRefund)
}

// decisions are the forms of a service's page, each only where it would be taken.
func (d *Desk) decisions(c *ui.Call, p *ui.Page, row delivery.ServiceRow) ([]ui.Block, error) {
	i := row.Instance
	at := d.Path("/services/" + i.ID)
	offers, err := d.Trade.RenewalOffers(c.R.Context(), c.Actor, i.ID)
	if err != nil {
		return nil, err
	}
	o, err := d.Trade.Options(c.R.Context(), c.Actor, i.ID)
	if err != nil {
		return nil, err
	}
	if o.Unpaid != "" {
		p.Step.Say(c.Word("life.unpaid").And(ui.ToID(d.Path("/orders/"+o.Unpaid), o.Unpaid)))
	}
	switch {
	case o.Convert:
		p.Actions = append(p.Actions, ui.Link{Text: c.T("do.convert"), Href: at + "/convert"})
	case len(offers) > 0 && o.Unpaid == "" && o.Waits == nil:
		p.Actions = append(p.Actions, ui.Link{Text: c.T("do.renew"), Href: at + "/renew"})
	}
	if o.Change {
		p.Actions = append(p.Actions, ui.Link{Text: c.T("do.change"), Href: at + "/change"})
	}
	var out []ui.Block
	if o.AutoRenew {
		f := c.NewForm("auto", at+"/auto-renew", "do.save")
		c.Add(f, ui.Field{Name: "enabled", Kind: "checkbox", Checked: i.AutoRenew}, "auto_renew")
		c.Add(f, ui.Field{Name: "period_number", Kind: "number", Value: fmt.Sprint(max(i.AutoPeriods, 1)), Min: "1", Max: fmt.Sprint(catalog.MaxPeriodNumber), Required: true}, "auto_periods")
		out = append(out, c.In("block.auto", ui.Block{Half: true, Form: f, Note: c.T("auto.note")}))
	}
	if o.Cancel != nil {
		f := c.NewForm("cancel-renewal", at+"/cancel-renewal", "do.cancel_renewal").Keep("key", ui.Key())
		c.Dangerous(f, "cancel_renewal.consequence", "")
		f.Behind = c.T("do.cancel_renewal.ask")
		out = append(out, c.In("block.cancel_renewal", ui.Block{Half: true, Form: f, Note: c.T("cancel_renewal.note", "FROM", c.Day(o.Cancel.StartsAt), "TO", c.Day(o.Cancel.EndsAt), "AMOUNT", c.Money(o.CancelPaid.String(), string(o.Currency)))}))
	}
	if !o.RefundTill.IsZero() {
		f := c.NewForm("unsubscribe", at+"/unsubscribe", "do.unsubscribe").Keep("key", ui.Key())
		c.Add(f, ui.Field{Name: "reason", MaxLength: trade.MaxReason, Wide: true}, "unsubscribe_reason")
		c.Dangerous(f, "unsubscribe.consequence", row.ProductName)
		f.Behind = c.T("do.unsubscribe.ask")
		note := c.T("unsubscribe.note", "UNTIL", c.Minute(o.RefundTill), "AMOUNT", c.Money(o.Refund.String(), string(o.Currency)), "N", trade.RefundsPerYear)
		if o.Large {
			note += " " + c.T("unsubscribe.large", "HOURS", int(order.AnswerWithin.Hours()))
		}
		out = append(out, c.In("block.unsubscribe", ui.Block{Half: true, Form: f, Note: note}))
	}
	return out, nil
}

// termForm is the choice of an offer and a number of periods, with the price of what is chosen.
type termForm struct {
	id, title, lead, step, submit, path string
	targets                             []trade.Target
	resize                              bool // the number may be another one
}

func (d *Desk) renewForm(c *ui.Call) error {
	targets, inst, err := d.Trade.Targets(c.R.Context(), c.Actor, c.R.PathValue("id"), true)
	if err != nil {
		return err
	}
	offers, err := d.Trade.RenewalOffers(c.R.Context(), c.Actor, inst.ID)
	if err != nil {
		return err
	}
	if len(offers) == 0 {
		targets = nil
	}
	f := termForm{id: "renew", title: "renew.title", lead: "renew.lead", step: "renew.step", submit: "do.renew.order", path: "/renew", targets: targets}
	p, err := d.Trade.Options(c.R.Context(), c.Actor, inst.ID)
	if err != nil {
		return err
	}
	f.resize = p.Resize
	return d.drawTerm(c, f, inst)
}

func (d *Desk) convertForm(c *ui.Call) error {
	targets, inst, err := d.Trade.Targets(c.R.Context(), c.Actor, c.R.PathValue("id"), false)
	if err != nil {
		return err
	}
	var own []trade.Target
	for _, t := range targets {
		if t.Now && inst.Trial {
			own = append(own, t)
		}
	}
	return d.drawTerm(c, termForm{id: "convert", title: "convert.title", lead: "convert.lead", step: "convert.step", submit: "do.convert.order", path: "/convert", targets: own}, inst)
}

func (d *Desk) drawTerm(c *ui.Call, t termForm, inst *instance.Instance) error {
	row, err := d.service(c)
	if err != nil {
		return err
	}
	p := c.NewPage(t.title)
	p.Crumbs = []ui.Link{c.Crumb(d.Path("/services"), "services.title.buyer"), {Text: row.ProductName, Href: d.Path("/services/" + inst.ID), Own: true}}
	p.Lead = c.T(t.lead)
	var options []ui.Option
	sized := false
	for _, one := range t.targets {
		for _, o := range one.Offers {
			text := c.T("period."+string(o.PeriodType)) + " " + c.Tariff(o.Tariff(one.SKU), string(o.Currency))
			if len(t.targets) > 1 {
				text = one.SKU.Name + " " + text
			}
			options = append(options, ui.Option{Value: o.ID, Text: text, Own: len(t.targets) > 1})
		}
		sized = sized || one.SKU.Attributes.Quantity != nil
	}
	if len(options) == 0 {
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("renew.none"), Who: ui.Seller}
		return c.Draw(p)
	}
	form := c.NewForm(t.id, d.Path("/services/"+inst.ID+t.path), t.submit).Keep("key", ui.Key())
	offer := c.Query("offer_id")
	if offer == "" {
		offer = inst.OfferID
	}
	if !has(options, offer) {
		offer = options[0].Value
	}
	c.Add(form, ui.Field{Name: "offer_id", Kind: "radio", Value: offer, Options: options}, "")
	periods := c.Add(form, ui.Field{Name: "period_number", Kind: "number", Value: or(c.Query("period_number"), "1"), Min: "1", Max: fmt.Sprint(catalog.MaxPeriodNumber), Required: true}, "")
	quantity := inst.Quantity
	if t.resize && sized {
		q := c.Add(form, ui.Field{Name: "quantity", Kind: "number", Value: or(c.Query("quantity"), fmt.Sprint(inst.Quantity)), Min: "1", Max: fmt.Sprint(catalog.MaxQuantity), Required: true}, "renew_quantity")
		if n, err := strconv.ParseInt(q.Value, 10, 64); err == nil {
			quantity = n
		}
	}
	form.Also = &ui.Submit{Name: "look", Value: "yes", Text: c.T("do.price")}
	// The price of what is chosen, computed by the server.
	n, _ := strconv.ParseInt(periods.Value, 10, 64)
	q, err := d.Trade.Quote(c.R.Context(), form.Fields[0].Value, n, quantity)
	if _, ok := fault.As(err); err != nil && !ok {
		return err
	}
	facts := []ui.Fact{c.Fact("col.until", c.When(inst.ExpireAt)), c.Fact("col.quantity", ui.Own(fmt.Sprint(quantity)))}
	if err == nil {
		facts = append(facts, d.parts(c, q.Parts, string(q.Offer.Currency))...)
		facts = append(facts, c.Fact("col.periods", ui.Own(fmt.Sprint(n))), c.Fact("col.amount", c.Amount(q.Amount.String(), string(q.Offer.Currency))))
	}
	p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T(t.step), Who: ui.Buyer}
	return c.Draw(p.Put(ui.Block{Half: true, Form: form}, ui.Block{Half: true, Facts: facts}))
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func has(options []ui.Option, value string) bool {
	for _, o := range options {
		if o.Value == value {
			return true
		}
	}
	return false
}

// number reads a whole number of a form; what is none is refused by the use case as 0 or −1 is.
func number(c *ui.Call, name string, none int64) int64 {
	text := c.Form(name)
	if text == "" {
		return none
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// looked answers the button that only asks for the price.
func (d *Desk) looked(c *ui.Call, what string, names ...string) (bool, error) {
	if c.Form("look") == "" {
		return false, nil
	}
	to := d.Path("/services/" + c.R.PathValue("id") + what + "?")
	for _, n := range names {
		to += n + "=" + ui.Query(c.Form(n)) + "&"
	}
	return true, c.To(to[:len(to)-1])
}

// placed does what makes an order, once, and leads to it.
func (d *Desk) placed(c *ui.Call, again ui.Handler, done string, f func(ctx context.Context, tx *kernel.Tx) (*order.Order, error)) error {
	id, err := d.Once(c, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		o, err := f(ctx, tx)
		if err != nil {
			return "", err
		}
		return o.ID, nil
	})
	if err != nil {
		return c.Again(err, again)
	}
	return c.Done(d.Path("/orders/"+id), done)
}

func (d *Desk) renew(c *ui.Call) error {
	if ok, err := d.looked(c, "/renew", "offer_id", "period_number", "quantity"); ok {
		return err
	}
	in := trade.Renewal{InstanceID: c.R.PathValue("id"), OfferID: c.Form("offer_id"), Quantity: number(c, "quantity", 0), PeriodNumber: number(c, "period_number", 1)}
	known, err := d.Kernel.Known(c.R.Context(), c.Actor.PersonID, "form:"+c.Form("key"))
	if err != nil {
		return err
	}
	if !known {
		// Another size is asked of the seller first.
		changes, offer, quantity, err := d.Trade.RenewalChanges(c.R.Context(), c.Actor, in)
		if err == nil && changes {
			err = d.Delivery.CheckChange(c.R.Context(), c.Actor, in.InstanceID, offer, quantity)
		}
		if err != nil {
			return c.Again(err, d.renewForm)
		}
	}
	in.Checked = true
	return d.placed(c, d.renewForm, "order.placed", func(ctx context.Context, tx *kernel.Tx) (*order.Order, error) {
		return d.Trade.Renew(ctx, tx, c.Actor, in)
	})
}

func (d *Desk) convert(c *ui.Call) error {
	if ok, err := d.looked(c, "/convert", "offer_id", "period_number"); ok {
		return err
	}
	return d.placed(c, d.convertForm, "order.placed", func(ctx context.Context, tx *kernel.Tx) (*order.Order, error) {
		return d.Trade.Convert(ctx, tx, c.Actor, trade.Conversion{InstanceID: c.R.PathValue("id"), OfferID: c.Form("offer_id"), PeriodNumber: number(c, "period_number", 1)})
	})
}

// changeForm lets a specification and a number be chosen, and says line by line what that costs.
func (d *Desk) changeForm(c *ui.Call) error {
	ctx := c.R.Context()
	targets, inst, err := d.Trade.Targets(ctx, c.Actor, c.R.PathValue("id"), false)
	if err != nil {
		return err
	}
	row, err := d.service(c)
	if err != nil {
		return err
	}
	p := c.NewPage("change.title")
	p.Crumbs = []ui.Link{c.Crumb(d.Path("/services"), "services.title.buyer"), {Text: row.ProductName, Href: d.Path("/services/" + inst.ID), Own: true}}
	p.Lead = c.T("change.lead")
	var options []ui.Option
	sized := false
	for _, t := range targets {
		text := t.SKU.Name
		if t.Now {
			text = c.T("change.now", "NAME", t.SKU.Name)
		}
		options = append(options, ui.Option{Value: t.SKU.Code, Text: text, Own: !t.Now})
		sized = sized || t.SKU.Attributes.Quantity != nil
	}
	if len(options) < 2 && !sized {
		p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("change.none"), Who: ui.Seller}
		return c.Draw(p)
	}
	form := c.NewForm("change", d.Path("/services/"+inst.ID+"/change"), "do.change.order").Keep("key", ui.Key())
	c.Add(form, ui.Field{Name: "sku_code", Kind: "radio", Value: or(c.Query("sku_code"), inst.SKUCode), Options: options}, "")
	in := trade.Change{InstanceID: inst.ID}
	if sized {
		q := c.Add(form, ui.Field{Name: "quantity", Kind: "number", Value: or(c.Query("quantity"), fmt.Sprint(inst.Quantity)), Min: fmt.Sprint(inst.Quantity), Max: fmt.Sprint(catalog.MaxQuantity), Required: true}, "change_quantity")
		in.Quantity, _ = strconv.ParseInt(q.Value, 10, 64)
	}
	in.SKUCode = form.Fields[0].Value
	form.Also = &ui.Submit{Name: "look", Value: "yes", Text: c.T("do.price")}
	p.Step = &ui.Step{Tone: ui.Waiting, Text: c.T("change.step"), Who: ui.Buyer}
	p.Put(ui.Block{Half: true, Form: form})
	if in.SKUCode != inst.SKUCode || in.Quantity != inst.Quantity && in.Quantity != 0 {
		o, err := d.Trade.QuoteChange(ctx, c.Actor, in)
		f, ok := fault.As(err)
		switch {
		case err == nil:
			p.Put(c.In("block.price", ui.Block{Half: true, Facts: d.partFacts(c, o)}))
		case !ok:
			return err
		case !c.Failed() && ui.Known("code."+f.Code):
			p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("code." + f.Code), Who: ui.Buyer}
		}
	} else {
		p.Put(c.In("block.price", ui.Block{Half: true, Text: c.T("change.choose")}))
	}
	return c.Draw(p)
}

// partFacts says how an order's amount came about.
func (d *Desk) partFacts(c *ui.Call, o *order.Order) []ui.Fact {
	cur := string(o.Currency)
	return append(d.parts(c, o.Breakdown, cur), c.Fact("part.pay", c.Amount(o.AmountDeal.String(), cur)))
}

func (d *Desk) parts(c *ui.Call, parts []pricing.Part, cur string) (facts []ui.Fact) {
	for _, part := range parts {
		id := "part." + part.Kind
		facts = append(facts, c.Fact(id, c.Amount(part.Amount.String(), cur).Then(c.Small(id+".how", "UNIT", c.Money(part.Unit, cur), "QUANTITY", part.Quantity, "PERIODS", part.Periods, "DAYS", part.Days))))
	}
	return facts
}

func (d *Desk) change(c *ui.Call) error {
	if ok, err := d.looked(c, "/change", "sku_code", "quantity"); ok {
		return err
	}
	return d.placed(c, d.changeForm, "order.placed", func(ctx context.Context, tx *kernel.Tx) (*order.Order, error) {
		return d.Trade.Change(ctx, tx, c.Actor, trade.Change{InstanceID: c.R.PathValue("id"), SKUCode: c.Form("sku_code"), Quantity: number(c, "quantity", 0)})
	})
}

func (d *Desk) autoRenew(c *ui.Call) error {
	id := c.R.PathValue("id")
	err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := d.Trade.SetAutoRenew(ctx, tx, c.Actor, id, c.Form("enabled") != "", number(c, "period_number", 1))
		return err
	})
	if err != nil {
		return c.Again(err, d.serviceShow)
	}
	return c.Done(d.Path("/services/"+id), "saved")
}

func (d *Desk) cancelRenewal(c *ui.Call) error {
	return d.placed(c, d.serviceShow, "given_back", func(ctx context.Context, tx *kernel.Tx) (*order.Order, error) {
		return d.Trade.CancelRenewal(ctx, tx, c.Actor, c.R.PathValue("id"))
	})
}

func (d *Desk) unsubscribe(c *ui.Call) error {
	row, err := d.service(c)
	if err != nil {
		return err
	}
	if err := c.Confirmed(row.ProductName); err != nil {
		return c.Again(err, d.serviceShow)
	}
	at := d.Path("/services/" + c.R.PathValue("id"))
	id, err := d.Once(c, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		un, _, err := d.Trade.Unsubscribe(ctx, tx, c.Actor, c.R.PathValue("id"), c.Form("reason"))
		if err != nil || un == nil {
			return "", err
		}
		return un.ID, nil
	})
	switch {
	case err != nil:
		return c.Again(err, d.serviceShow)
	case id == "":
		return c.Done(at, "refund.asked")
	}
	return c.Done(d.Path("/orders/"+id), "given_back")
}

// police mounts what an operator decides about a service. // spec: 22 §3.2
func (d *Desk) police() {
	at := d.Path("/services/{id}/")
	d.Post(at+"freeze", "services", access.InstanceFreeze, func(c *ui.Call) error {
		return d.verdict(c, "frozen", func(ctx context.Context, tx *kernel.Tx, id string) error {
			_, err := d.Trade.FreezeForViolation(ctx, tx, c.Actor, id, c.Form("reason"))
			return err
		})
	})
	d.Post(at+"unfreeze", "services", access.InstanceFreeze, func(c *ui.Call) error {
		return d.verdict(c, "thawed", func(ctx context.Context, tx *kernel.Tx, id string) error {
			_, err := d.Trade.LiftViolation(ctx, tx, c.Actor, id)
			return err
		})
	})
}

func (d *Desk) verdict(c *ui.Call, done string, f func(ctx context.Context, tx *kernel.Tx, id string) error) error {
	id := c.R.PathValue("id")
	if err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error { return f(ctx, tx, id) }); err != nil {
		return c.Again(err, d.serviceShow)
	}
	return c.Done(d.Path("/services/"+id), done)
}

// verdicts are the operator's forms on a service's page.
func (d *Desk) verdicts(c *ui.Call, row delivery.ServiceRow) []ui.Block {
	i := row.Instance
	at := d.Path("/services/" + i.ID)
	switch {
	case i.Has(instance.Violation):
		return []ui.Block{c.In("block.violation", ui.Block{Half: true, Form: c.NewForm("unfreeze", at+"/unfreeze", "do.unfreeze"), Note: c.T("violation.lift.note")})}
	case i.Status == instance.Active || i.Status == instance.Grace || i.Status == instance.Frozen:
		f := c.NewForm("freeze", at+"/freeze", "do.freeze")
		c.Add(f, ui.Field{Name: "reason", Kind: "textarea", MaxLength: trade.MaxReason, Required: true, Wide: true}, "freeze_reason")
		c.Dangerous(f, "freeze.consequence", "")
		f.Behind = c.T("do.freeze.ask")
		return []ui.Block{c.In("block.violation", ui.Block{Half: true, Form: f, Note: c.T("violation.note")})}
	}
	return nil
}

package desk

import (
	"context"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// waitingRefund tells on a service's page that its refund waits, for whom and until when; its
// buyer can withdraw it there. // spec: 22 §4.1
func (d *Desk) waitingRefund(c *ui.Call, p *ui.Page, instanceID string) error {
	if !c.May("refund.read") {
		return nil
	}
	rs, err := d.Trade.RefundRequests(c.R.Context(), c.Actor, trade.RefundFilter{State: string(order.RefundWaiting), InstanceID: instanceID}, "", 1)
	if err != nil || len(rs) == 0 {
		return err
	}
	r := rs[0]
	s := ui.RefundState(string(r.State))
	p.Step.Tone, p.Step.Text, p.Step.Who = s.Tone, c.T(s.ID+".next"), s.Who
	p.Step.Say(c.Word("refund.until").And(c.When(r.AnswerBy)).And(ui.Said("(" + c.Until(r.AnswerBy) + ")")))
	if d.isOperator() {
		p.Step.Links = append(p.Step.Links, ui.Link{Text: c.T("go.open"), Href: "/operator/refunds/" + r.ID})
	}
	if d.isBuyer() && c.May("instance.renew") {
		f := c.NewForm("withdraw", d.Path("/services/"+instanceID+"/withdraw-refund"), "do.withdraw").Keep("request", r.ID)
		f.Tone = ""
		p.Step.Forms = append(p.Step.Forms, f)
	}
	p.Put(c.In("block.refund", ui.Block{Half: true, Facts: RefundFacts(c, r)}))
	return nil
}

// RefundFacts is what was asked for, and what became of it.
func RefundFacts(c *ui.Call, r order.RefundRequest) []ui.Fact {
	facts := []ui.Fact{
		c.Fact("col.state", c.Chip(ui.RefundState(string(r.State)))),
		c.Fact("col.amount", c.Amount(r.Amount.String(), string(r.Currency))),
		c.Fact("col.refund.asked", c.When(r.AskedAt)),
		c.Fact("col.answer.by", c.When(r.AnswerBy)),
	}
	if r.Reason != "" {
		facts = append(facts, c.Fact("col.refund.reason", ui.Own(r.Reason)))
	}
	if r.Answer != "" {
		facts = append(facts, c.Fact("col.refund.answer", ui.Own(r.Answer)))
	}
	return facts
}

func (d *Desk) withdrawRefund(c *ui.Call) error {
	err := d.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := d.Trade.WithdrawRefund(ctx, tx, c.Actor, c.Form("request"))
		return err
	})
	if err != nil {
		return c.Again(err, d.serviceShow)
	}
	return c.Done(d.Path("/services/"+c.R.PathValue("id")), "refund.withdrawn")
}

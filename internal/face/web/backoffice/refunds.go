package backoffice

import (
	"context"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// refunds is the queue of refunds that are too large to be made unasked. // spec: 22 §4.1
func (r *Room) refunds() {
	r.Get("/operator/refunds", "refunds", access.RefundRead, r.refundList)
	r.Get("/operator/refunds/{id}", "refunds", access.RefundRead, r.refundShow)
	r.Post("/operator/refunds/{id}/approve", "refunds", access.RefundApprove, r.onRefund(func(ctx context.Context, tx *kernel.Tx, c *ui.Call) (*order.RefundRequest, error) {
		return r.Trade.ApproveRefund(ctx, tx, c.Actor, c.R.PathValue("id"))
	}))
	r.Post("/operator/refunds/{id}/reject", "refunds", access.RefundApprove, r.onRefund(func(ctx context.Context, tx *kernel.Tx, c *ui.Call) (*order.RefundRequest, error) {
		return r.Trade.RejectRefund(ctx, tx, c.Actor, c.R.PathValue("id"), c.Form("reason"))
	}))
}

func (r *Room) onRefund(f func(ctx context.Context, tx *kernel.Tx, c *ui.Call) (*order.RefundRequest, error)) ui.Handler {
	return func(c *ui.Call) error {
		var out *order.RefundRequest
		err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) (err error) {
			out, err = f(ctx, tx, c)
			return err
		})
		if err != nil {
			return c.Again(err, r.refundShow)
		}
		done := map[order.RefundState]string{order.RefundApproved: "refund.approved", order.RefundRejected: "refund.rejected"}[out.State]
		if out.AnsweredBy == kernel.System.PersonID {
			done = "refund.impossible"
		}
		return c.Done("/operator/refunds/"+out.ID, done)
	}
}

func (r *Room) refundList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	states := make([]string, len(order.RefundStates))
	options := []ui.Option{{Text: c.T("any")}}
	for i, s := range order.RefundStates {
		states[i] = string(s)
		options = append(options, ui.Option{Value: string(s), Text: c.T(ui.RefundState(string(s)).ID)})
	}
	rs, err := r.Trade.RefundRequests(c.R.Context(), c.Actor, trade.RefundFilter{State: c.Choice("status", states)}, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	rs, next := desk.Cut(c, rs, func(q order.RefundRequest) string { return cursor.Encode(q.ID) })
	var ids []string
	for _, q := range rs {
		ids = append(ids, q.BuyerID)
	}
	names, err := r.People.Names(c.R.Context(), ids...)
	if err != nil {
		return err
	}
	type col = ui.Column[order.RefundRequest]
	t := ui.NewTable(c.Frame, rs, []col{
		{Head: "col.product", Cell: func(q order.RefundRequest) ui.Cell {
			return ui.To("/operator/refunds/"+q.ID, q.ProductName)
		}},
		{Head: "col.buyer", Cell: func(q order.RefundRequest) ui.Cell {
			return ui.To("/operator/companies/"+q.BuyerID, names[q.BuyerID])
		}},
		{Head: "col.amount", Num: true, Cell: func(q order.RefundRequest) ui.Cell { return c.Amount(q.Amount.String(), string(q.Currency)) }},
		{Head: "col.state", Cell: func(q order.RefundRequest) ui.Cell { return c.Chip(ui.RefundState(string(q.State))) }},
		{Head: "col.refund.asked", Cell: func(q order.RefundRequest) ui.Cell { return c.When(q.AskedAt).Then(ui.Said(c.Ago(q.AskedAt))) }},
		{Head: "col.answer.by", Cell: func(q order.RefundRequest) ui.Cell {
			if q.State != order.RefundWaiting {
				return c.When(q.AnswerBy)
			}
			return c.When(q.AnswerBy).Then(ui.Said(c.Until(q.AnswerBy)))
		}},
		{Head: "col.decided.by", Cell: func(q order.RefundRequest) ui.Cell { return who(c, q.AnsweredBy).Then(c.When(q.AnsweredAt)) }},
		{Head: "col.do", Cell: func(q order.RefundRequest) ui.Cell {
			if q.State != order.RefundWaiting || !c.May("refund.approve") {
				return ui.None
			}
			return c.Button("/operator/refunds/"+q.ID+"/approve", "do.refund.approve", "btn-primary").And(c.ToWord("/operator/refunds/"+q.ID, "go.open"))
		}},
	}, next)
	if c.Exporting() {
		return c.CSV("refunds", t)
	}
	p := c.NewPage("refunds.title")
	p.Lead = c.T("refunds.lead")
	p.Filter = c.Filtering(ui.Field{Name: "status", Kind: "select", Options: options})
	empty := ui.Empty{Text: c.T("refunds.empty"), Help: c.T("refunds.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

func (r *Room) refundShow(c *ui.Call) error {
	q, err := r.Trade.RefundRequest(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	names, err := r.People.Names(c.R.Context(), q.BuyerID)
	if err != nil {
		return err
	}
	at := "/operator/refunds/" + q.ID
	s := ui.RefundState(string(q.State))
	p := c.NewThing(q.ProductName, c.Crumb("/operator/refunds", "refunds.title"))
	p.ID, p.Chip, p.Step = q.ID, &s, c.StepOf(s)
	if q.State == order.RefundWaiting {
		p.Step.Say(c.Word("refund.until").And(c.When(q.AnswerBy)).And(ui.Said("(" + c.Until(q.AnswerBy) + ")")))
		if c.May("refund.approve") {
			p.Step.Forms = append(p.Step.Forms, c.NewForm("approve", at+"/approve", "do.refund.approve"))
			reject := c.Dangerous(c.NewForm("reject", at+"/reject", "do.refund.reject"), "refund.reject.means", "")
			reject.Behind = c.T("do.refund.reject.ask")
			c.Add(reject, ui.Field{Name: "reason", Kind: "textarea", Required: true, MaxLength: trade.MaxReason}, "refund_answer")
			p.Step.Forms = append(p.Step.Forms, reject)
		}
	}
	facts := append([]ui.Fact{
		c.Fact("col.buyer", ui.To("/operator/companies/"+q.BuyerID, names[q.BuyerID])),
		c.Fact("col.service", ui.ToID("/operator/services/"+q.InstanceID, q.InstanceID)),
	}, desk.RefundFacts(c, *q)...)
	if q.AnsweredBy != "" {
		facts = append(facts, c.Fact("col.decided.by", who(c, q.AnsweredBy).Then(c.When(q.AnsweredAt))))
	}
	if q.OrderID != "" {
		facts = append(facts, c.Fact("col.order", ui.ToID("/operator/orders/"+q.OrderID, q.OrderID)))
	}
	return c.Draw(p.Put(c.In("block.refund", ui.Block{Facts: facts})))
}

package storefront

import (
	"time"

	"github.com/souk-market/souk/internal/face/web/ui"
)

// styleguide shows every part of the kit, with made-up data; only a sandbox serves it.
func styleguide(c *ui.Call) error {
	p := c.NewPage("ui.title")
	p.Lead = c.T("ui.lead")
	p.Crumbs = []ui.Link{c.Crumb("/", "face.storefront")}
	p.ID = "CS2611241400KLM3N"
	active := ui.InstanceState("ACTIVE")
	p.Chip = &active
	p.Actions = []ui.Link{{Text: c.T("go.shop"), Href: "/"}, {Text: c.T("go.open"), Href: "/ui"}}
	p.Notice = &ui.Notice{Tone: ui.Good, Text: c.T("done.saved"), Code: "5f0c2b1e-5f0c"}
	p.Step = c.StepOf(ui.OrderState("PENDING_PAYMENT", false))
	p.Step.Say(c.Word("order.deadline").And(c.When(c.Now.Add(52 * time.Hour))).And(ui.Said("(" + c.Until(c.Now.Add(52*time.Hour)) + ")")))
	p.Step.Forms = []*ui.Form{c.NewForm("pay", "/ui", "do.pay")}
	p.Stages = []ui.Stage{{Text: c.T("stage.placed"), Done: true}, {Text: c.T("stage.paid"), Now: true}, {Text: c.T("stage.calling")}, {Text: c.T("stage.ready")}}
	for _, tone := range []ui.Tone{ui.Good, ui.Waiting, ui.Attention, ui.Bad} {
		p.Figures = append(p.Figures, ui.Figure{Label: c.T("figure.processing"), Value: "1,234", Tone: tone, Href: "/ui", Spark: ui.Spark([]int64{3, 5, 4, 8, 6, 9, 12})})
	}
	p.Tabs = []ui.Link{{Text: c.T("block.facts"), Href: "/ui", Current: true}, {Text: c.T("block.timeline"), Href: "/ui"}}
	p.Filter = c.Filtering(ui.Field{Name: "words"}, ui.Field{Name: "order"}, ui.Field{Name: "state", Kind: "select", Options: c.Choices("attempt.", ui.AttemptStates, true)})
	p.Put(c.In("block.facts", ui.Block{Half: true, Facts: []ui.Fact{
		c.Fact("col.amount", c.Amount("1234567.50", "CNY")), c.Fact("col.time", c.When(c.Now)), c.Fact("col.order", c.ID("CS2611241400KLM3N")), c.Fact("col.message", ui.None),
	}}), c.In("block.timeline", ui.Block{Half: true, Timeline: []ui.Event{
		{When: c.Time(c.Now.Add(-time.Hour)), Text: c.T("event.placed")}, {When: c.Time(c.Now), Text: c.T("event.active"), Tone: ui.Good}, {When: c.Time(c.Now), Text: c.T("event.refunded"), Tone: ui.Bad},
	}}))
	p.Put(c.In("ui.states", ui.Block{Table: states(c)}))
	form := c.NewForm("ui", "/ui", "do.save")
	c.Add(form, ui.Field{Name: "address", Required: true, Placeholder: "https://www.example.com/produce"}, "")
	c.Add(form, ui.Field{Name: "amount", Value: "12,5"}, "").Error = c.T("bad.amount")
	c.Add(form, ui.Field{Name: "retry_policy", Kind: "radio", Value: "standard", Options: c.Choices("policy.", []string{"koogallery", "standard", "patient"}, false)}, "")
	c.Add(form, ui.Field{Name: "send_mobile", Kind: "checkbox", Checked: true}, "")
	danger := c.Dangerous(c.NewForm("danger", "/ui", "do.cancel"), "order.cancel.means", "CS2611241400KLM3N")
	danger.Behind, danger.Open = c.T("do.cancel.ask"), true
	p.Put(c.In("ui.form", ui.Block{Half: true, Form: form}), c.In("ui.danger", ui.Block{Half: true, Form: danger}))
	var bars []ui.Bar
	for i := range int64(30) {
		bars = append(bars, ui.Bar{Label: c.Now.AddDate(0, 0, int(i)-29).Format("01-02"), Values: []int64{(i * 7) % 13, i % 3}})
	}
	p.Put(c.In("ui.chart", ui.Block{Half: true, Chart: c.NewChart("col.day", []ui.Series{{Name: c.T("attempt.success"), Tone: ui.Good}, {Name: c.T("attempt.failed"), Tone: ui.Bad}}, bars)}),
		c.In("ui.empty", ui.Block{Half: true, Empty: &ui.Empty{Text: c.T("orders.empty"), Help: c.T("orders.empty.buyer"), Actions: []ui.Link{{Text: c.T("go.shop"), Href: "/"}}}}))
	first := []byte("POST /produce HTTP/1.1\r\nHost: office.example\r\nContent-Type: application/json\r\n\r\n{\"activity\":\"newInstance\",\"businessId\":\"7c1f\"}")
	second := []byte("POST /produce HTTP/1.1\r\nHost: office.example\r\nContent-Type: application/json\r\n\r\n{\"activity\":\"newInstance\",\"businessId\":\"9d2e\"}")
	answer := []byte("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"resultCode\":\"000000\",\"resultMsg\":\"成功\"}")
	p.Put(c.In("block.bytes", ui.Block{Bytes: c.NewBytes(c.Choice("view", []string{"pretty", "raw", "hex"}), first, answer, &[2][]byte{second, answer})}))
	return c.Draw(p)
}

type shown struct{ kind, key string }

func states(c *ui.Call) *ui.Table {
	var all []shown
	for _, s := range ui.OrderStatuses {
		all = append(all, shown{"order", s})
	}
	for _, s := range ui.InstanceStatuses {
		all = append(all, shown{"instance", s})
	}
	for _, s := range append([]string{"running"}, ui.AttemptStates...) {
		all = append(all, shown{"attempt", s})
	}
	for _, s := range ui.ProductStatuses {
		all = append(all, shown{"product", s})
	}
	of := func(s shown) ui.State {
		switch s.kind {
		case "order":
			return ui.OrderState(s.key, false)
		case "instance":
			return ui.InstanceState(s.key)
		case "attempt":
			return ui.AttemptState(s.key)
		}
		return ui.ProductState(s.key)
	}
	return ui.NewTable(c.Frame, all, []ui.Column[shown]{
		{Head: "col.kind", Cell: func(s shown) ui.Cell { return c.Word("kind." + s.kind) }},
		{Head: "col.state", Cell: func(s shown) ui.Cell { return c.Chip(of(s)) }},
		{Head: "col.next.step", Cell: func(s shown) ui.Cell { return c.Word(of(s).ID + ".next") }},
		{Head: "col.who", Cell: func(s shown) ui.Cell { return c.Word("who." + string(of(s).Who)) }},
	}, "")
}

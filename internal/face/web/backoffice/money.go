package backoffice

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

func (r *Room) topUps() {
	r.Get("/operator/top-ups", "top-ups", access.LedgerRead, r.topUpList)
	for _, agree := range []bool{true, false} {
		name := map[bool]string{true: "approve", false: "refuse"}[agree]
		r.Post("/operator/top-ups/{id}/"+name, "top-ups", access.CompanyTopUp, func(c *ui.Call) error {
			return r.decide(c, name, func(ctx context.Context, tx *kernel.Tx, id string) error {
				_, err := r.Trade.DecideTopUp(ctx, tx, c.Actor, id, agree)
				return err
			})
		})
		taken := map[bool]string{true: "take", false: "turn-down"}[agree]
		r.Post("/operator/top-ups/{id}/"+taken, "top-ups", access.CompanyTopUp, func(c *ui.Call) error {
			return r.decide(c, taken, func(ctx context.Context, tx *kernel.Tx, id string) error {
				_, err := r.Trade.TakeTopUp(ctx, tx, c.Actor, id, agree)
				return err
			})
		})
	}
}

func (r *Room) decide(c *ui.Call, done string, f func(ctx context.Context, tx *kernel.Tx, id string) error) error {
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error { return f(ctx, tx, c.R.PathValue("id")) })
	if err != nil {
		return c.Again(err, r.topUpList)
	}
	return c.Done("/operator/top-ups", "topup."+done)
}

var topUpStates = []string{trade.TopUpAsked, trade.TopUpRequested, trade.TopUpPosted, trade.TopUpRefused}

func (r *Room) topUpList(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	us, err := r.Trade.TopUps(c.R.Context(), c.Actor, trade.TopUpFilter{State: c.Choice("status", topUpStates)}, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	us, next := desk.Cut(c, us, func(u trade.TopUpRecord) string { return cursor.Encode(u.ID) })
	var ids []string
	for _, u := range us {
		ids = append(ids, u.CompanyID)
	}
	names, err := r.People.Names(c.R.Context(), ids...)
	if err != nil {
		return err
	}
	t := ui.NewTable(c.Frame, us, []ui.Column[trade.TopUpRecord]{
		{Head: "col.time", Cell: func(u trade.TopUpRecord) ui.Cell { return c.When(u.CreatedAt) }},
		{Head: "col.buyer", Cell: func(u trade.TopUpRecord) ui.Cell {
			return ui.To("/operator/companies/"+u.CompanyID, names[u.CompanyID])
		}},
		{Head: "col.amount", Num: true, Cell: func(u trade.TopUpRecord) ui.Cell { return c.Amount(u.Amount.String(), string(u.Currency)) }},
		{Head: "col.state", Cell: func(u trade.TopUpRecord) ui.Cell { return c.Chip(ui.TopUpState(u.State)) }},
		{Head: "col.asked.by", Cell: func(u trade.TopUpRecord) ui.Cell { return who(c, u.RequestedBy) }},
		{Head: "col.decided.by", Cell: func(u trade.TopUpRecord) ui.Cell { return who(c, u.ApprovedBy).Then(c.When(u.DecidedAt)) }},
		{Head: "col.do", Cell: func(u trade.TopUpRecord) ui.Cell {
			at := "/operator/top-ups/" + u.ID
			switch {
			case !c.May("company.topup"):
				return ui.None
			case u.State == trade.TopUpAsked:
				return c.Button(at+"/take", "do.take", "btn-primary").And(c.Button(at+"/turn-down", "do.refuse", ""))
			case u.State == trade.TopUpRequested && u.RequestedBy == c.Actor.PersonID:
				return c.Word("topup.own")
			case u.State == trade.TopUpRequested:
				return c.Button(at+"/approve", "do.agree", "btn-primary").And(c.Button(at+"/refuse", "do.refuse", ""))
			}
			return ui.None
		}},
	}, next)
	if c.Exporting() {
		return c.CSV("top-ups", t)
	}
	p := c.NewPage("topups.title")
	p.Lead = c.T("topups.lead")
	states := []ui.Option{{Text: c.T("any")}}
	for _, s := range topUpStates {
		states = append(states, ui.Option{Value: s, Text: c.T(ui.TopUpState(s).ID)})
	}
	p.Filter = c.Filtering(ui.Field{Name: "status", Kind: "select", Options: states})
	empty := ui.Empty{Text: c.T("topups.empty"), Help: c.T("topups.empty.help"), Actions: []ui.Link{{Text: c.T("nav.operator.companies"), Href: "/operator/companies?kind=buyer"}}}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(ui.Block{Table: t.Exported(c.Frame).Or(empty)}))
}

// who is the viewer, the platform itself, or somebody by id.
func who(c *ui.Call, id string) ui.Cell {
	switch id {
	case "":
		return ui.None
	case c.Actor.PersonID:
		return c.Word("who.you")
	case kernel.System.PersonID:
		return c.Word("who.souk")
	}
	return ui.Code(id)
}

func (r *Room) ledger() {
	r.Get("/operator/ledger", "ledger", access.LedgerRead, r.explore)
	r.Get("/operator/ledger/accounts/{account}", "ledger", access.LedgerRead, r.account)
}

func (r *Room) explore(c *ui.Call) error {
	if id := strings.TrimSpace(c.Query("order")); id != "" {
		return r.ofOrder(c, id)
	}
	m, err := desk.Mark(c, 2)
	if err != nil {
		return err
	}
	as, sums, err := r.Trade.FindAccounts(c.R.Context(), c.Actor, c.Query("words"), m[0], m[1], desk.Limit(c))
	if err != nil {
		return err
	}
	as, next := desk.Cut(c, as, func(a trade.AccountBalance) string { return cursor.Encode(a.Name, string(a.Currency)) })
	names, err := r.holders(c, as)
	if err != nil {
		return err
	}
	t := ui.NewTable(c.Frame, as, []ui.Column[trade.AccountBalance]{
		{Head: "col.account", Cell: func(a trade.AccountBalance) ui.Cell { return ui.ToID("/operator/ledger/accounts/"+a.Name, a.Name) }},
		{Head: "col.holder", Cell: func(a trade.AccountBalance) ui.Cell { return ui.Own(names[holder(a.Name)]) }},
		{Head: "col.kind", Cell: func(a trade.AccountBalance) ui.Cell { return c.Word("account." + last(a.Name)) }},
		{Head: "col.balance", Num: true, Sort: "balance", Less: func(a, b trade.AccountBalance) int { return int(min(1, max(-1, a.Balance-b.Balance))) },
			Cell: func(a trade.AccountBalance) ui.Cell { return c.Amount(a.Balance.String(), string(a.Currency)) }},
	}, next)
	if c.Exporting() {
		return c.CSV("accounts", t)
	}
	p := c.NewPage("ledger.title")
	p.Lead = c.T("ledger.lead")
	p.Step = &ui.Step{Tone: ui.Good, Text: c.T("ledger.balanced"), Who: ui.Nobody}
	for _, s := range sums {
		tone := ui.Good
		if s.Balance != 0 {
			tone = ui.Bad
			p.Step = &ui.Step{Tone: ui.Bad, Text: c.T("ledger.unbalanced"), Who: ui.Operator}
		}
		p.Figures = append(p.Figures, ui.Figure{Label: c.T("ledger.sum", "CURRENCY", string(s.Currency)), Value: c.Money(s.Balance.String(), string(s.Currency)), Tone: tone})
	}
	p.Filter = c.Filtering(ui.Field{Name: "order"}, ui.Field{Name: "words"})
	empty := ui.Empty{Text: c.T("postings.empty"), Help: c.T("postings.empty.help")}
	if p.Filter.Clear != "" {
		empty = c.NoMatch(p.Filter.Clear)
	}
	return c.Draw(p.Put(c.In("block.accounts", ui.Block{Table: t.Exported(c.Frame).Or(empty)})))
}

// holder is the company in an account's name, or "".
func holder(account string) string {
	if parts := strings.Split(account, ":"); len(parts) == 3 {
		return parts[1]
	}
	return ""
}

func (r *Room) holders(c *ui.Call, as []trade.AccountBalance) (map[string]string, error) {
	var ids []string
	for _, a := range as {
		ids = append(ids, holder(a.Name))
	}
	return r.People.Names(c.R.Context(), ids...)
}

func (r *Room) ofOrder(c *ui.Call, id string) error {
	ps, err := r.Trade.PostingsOf(c.R.Context(), c.Actor, id)
	if err != nil {
		return err
	}
	t := desk.PostingTable(c, ps, "", r.Desk)
	if c.Exporting() {
		return c.CSV("postings", t)
	}
	p := c.NewPage("ledger.title")
	p.Crumbs = []ui.Link{c.Crumb("/operator/ledger", "ledger.title")}
	p.ID, p.Lead = id, c.T("ledger.of.order")
	p.Filter = c.Filtering(ui.Field{Name: "order"}, ui.Field{Name: "words"})
	return c.Draw(p.Put(c.In("block.postings", ui.Block{Table: t.Exported(c.Frame).Or(c.NoMatch("/operator/ledger"))})))
}

func (r *Room) account(c *ui.Call) error {
	m, err := desk.Mark(c, 1)
	if err != nil {
		return err
	}
	name := c.R.PathValue("account")
	ps, err := r.Trade.PostingsOn(c.R.Context(), c.Actor, name, m[0], desk.Limit(c))
	if err != nil {
		return err
	}
	ps, next := desk.Cut(c, ps, func(p trade.Posting) string { return cursor.Encode(p.ID) })
	t := desk.PostingTable(c, ps, next, r.Desk)
	if c.Exporting() {
		return c.CSV("postings", t)
	}
	p := c.NewThing(name, c.Crumb("/operator/ledger", "ledger.title"))
	p.Lead = c.T("ledger.account.lead")
	as, _, err := r.Trade.FindAccounts(c.R.Context(), c.Actor, name, "", "", desk.PageSize)
	if err != nil {
		return err
	}
	for _, a := range as {
		if a.Name == name {
			p.Figures = append(p.Figures, ui.Figure{Label: c.T("col.balance"), Value: c.Money(a.Balance.String(), string(a.Currency))})
		}
	}
	return c.Draw(p.Put(c.In("block.postings", ui.Block{Table: t.Exported(c.Frame).Or(ui.Empty{Text: c.T("postings.empty"), Help: c.T("postings.empty.help")})})))
}

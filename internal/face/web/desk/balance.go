package desk

import (
	"context"
	"strings"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// Balance mounts the balance of a buyer's or seller's company.
func (d *Desk) Balance() {
	d.Get(d.Path("/balance"), "balance", access.LedgerRead, d.balance)
	if d.isBuyer() {
		d.Post(d.Path("/balance/top-ups"), "balance", access.OrderPay, d.askTopUp)
	}
}

// accounts are the kinds of accounts of a company, as the last part of their names.
func accountKind(name string) string {
	parts := strings.Split(name, ":")
	return parts[len(parts)-1]
}

func (d *Desk) balance(c *ui.Call) error {
	ctx := c.R.Context()
	m, err := Mark(c, 1)
	if err != nil {
		return err
	}
	all, err := d.Trade.Accounts(ctx, c.Actor, "", "", cursor.MaxSize)
	if err != nil {
		return err
	}
	p := c.NewPage("balance.title")
	p.Lead = c.T("balance.lead." + string(d.Face))
	main := string(d.Kind) + ":" + c.Actor.CompanyID + ":available"
	if d.isSeller() {
		main = string(d.Kind) + ":" + c.Actor.CompanyID + ":pending"
	}
	shown := c.Query("account")
	if shown == "" {
		shown = main
	}
	for _, a := range all {
		tone := ui.Plain
		if a.Name == main {
			tone = ui.Good
		}
		p.Figures = append(p.Figures, ui.Figure{Label: c.T("account." + accountKind(a.Name)), Value: c.Money(a.Balance.String(), string(a.Currency)), Tone: tone, Href: c.With("account", a.Name)})
	}
	ps, err := d.Trade.PostingsOn(ctx, c.Actor, shown, m[0], Limit(c))
	if err != nil {
		return err
	}
	ps, next := Cut(c, ps, func(p trade.Posting) string { return cursor.Encode(p.ID) })
	t := PostingTable(c, ps, next, d)
	if c.Exporting() {
		return c.CSV("postings", t)
	}
	if d.isBuyer() {
		if len(all) == 0 {
			p.Step = &ui.Step{Tone: ui.Attention, Text: c.T("balance.none"), Who: ui.Buyer}
		}
		asked, err := d.Trade.TopUps(ctx, c.Actor, trade.TopUpFilter{}, "", 10)
		if err != nil {
			return err
		}
		if c.May("order.pay") {
			form := c.NewForm("top-up", "/buyer/balance/top-ups", "do.ask").Keep("key", ui.Key())
			c.Add(form, ui.Field{Name: "amount", Placeholder: "1000.00", Required: true, MaxLength: 16, Autocomplete: "off"}, "")
			c.Add(form, ui.Field{Name: "currency", Kind: "select", Value: "CNY", Options: c.OwnChoices([]string{"CNY", "USD", "EUR"}, false)}, "")
			p.Put(c.In("block.ask", ui.Block{Half: true, Form: form, Note: c.T("balance.ask")}))
		}
		p.Put(c.In("block.topups", ui.Block{Half: c.May("order.pay"), Table: ui.NewTable(c.Frame, asked, []ui.Column[trade.TopUpRecord]{
			{Head: "col.time", Cell: func(u trade.TopUpRecord) ui.Cell { return c.When(u.CreatedAt) }},
			{Head: "col.amount", Num: true, Cell: func(u trade.TopUpRecord) ui.Cell { return c.Amount(u.Amount.String(), string(u.Currency)) }},
			{Head: "col.state", Cell: func(u trade.TopUpRecord) ui.Cell { return c.Chip(ui.TopUpState(u.State)) }},
		}, "").Or(ui.Empty{Text: c.T("topups.empty"), Help: c.T("balance.ask")})}))
	}
	b := c.In("block.postings", ui.Block{Table: t.Exported(c.Frame).Or(ui.Empty{Text: c.T("postings.empty"), Help: c.T("postings.empty.help")})})
	b.Title = c.T("account."+accountKind(shown)) + " · " + b.Title
	return c.Draw(p.Put(b))
}

// PostingTable draws movements of the ledger.
func PostingTable(c *ui.Call, ps []trade.Posting, next string, d *Desk) *ui.Table {
	return ui.NewTable(c.Frame, ps, []ui.Column[trade.Posting]{
		{Head: "col.time", Cell: func(p trade.Posting) ui.Cell { return c.When(p.At) }},
		{Head: "col.kind", Cell: func(p trade.Posting) ui.Cell { return c.Word("posting." + p.Kind) }},
		{Head: "col.cause", Cell: func(p trade.Posting) ui.Cell {
			if id, _, _ := strings.Cut(p.Ref, "-"); strings.HasPrefix(id, "CS") {
				return ui.ToID(d.Path("/orders/"+id), id)
			}
			return ui.Code(p.Ref)
		}},
		{Head: "col.account", Cell: func(p trade.Posting) ui.Cell {
			if d.Face == ui.BackOffice {
				return ui.ToID("/operator/ledger/accounts/"+p.Account, p.Account)
			}
			return c.Word("account." + accountKind(p.Account))
		}},
		{Head: "col.amount", Num: true, Cell: func(p trade.Posting) ui.Cell { return c.Amount(p.Amount.String(), p.Currency) }},
	}, next)
}

func (d *Desk) askTopUp(c *ui.Call) error {
	_, err := d.Once(c, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		u, err := d.Trade.AskTopUp(ctx, tx, c.Actor, strings.TrimSpace(c.Form("amount")), c.Form("currency"))
		return u.ID, err
	})
	if err != nil {
		return c.Again(err, d.balance)
	}
	return c.Done("/buyer/balance", "topup.asked")
}

package storefront

import (
	"context"

	"github.com/souk-market/souk/internal/domain/ledger"
	"github.com/souk-market/souk/internal/face/ops"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/cursor"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/money"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

type checkoutPage struct {
	*ui.Frame
	Product, ProductID, Seller, SellerID string
	Face                                 face
	Choice                               choice
	Linear, OneTime                      bool
	Trial                                string // the word on the button that takes it on trial; "" without
	Attributes                           []attribute
	Total                                total
	Limit                                limit
	Balance, After                       string
	Short                                bool // the balance does not cover it
	Key                                  string
	Accepted                             bool
	AcceptBad                            string
	Errors                               []ui.FormError
	Stages                               []ui.Stage
	Gets                                 []get
	Agreement                            string // of the seller; "" without a brochure
}

// checkout shows what is bought, its price broken down, and the agreement.
func (r *Room) checkout(c *ui.Call) error {
	ctx := c.R.Context()
	get := c.Query
	if c.Failed() {
		get = c.Form
	}
	offer := get("offer")
	q, err := r.Trade.Quote(ctx, offer, 1, 1)
	if err != nil && q.Product.ID == "" {
		return err
	}
	page, err := r.Catalogue.Page(ctx, c.Actor, q.Product.ID)
	if err != nil {
		return err
	}
	l := page.Listing
	p := checkoutPage{Frame: c.Frame, Product: l.Product.Name, ProductID: l.Product.ID, Seller: l.Seller, SellerID: l.Product.SellerID, Choice: picked(get, l), Key: ui.Key()}
	p.Face = faceOf(p.Product, "")
	if page.Live != nil {
		p.Face.Image, p.Agreement = page.Live.Body.Logo, page.Live.Body.Agreement
	}
	p.Gets = gets(c, page)
	c.Title = c.T("checkout.title")
	if p.Total, q, err = r.price(c, p.Choice); err != nil {
		return err
	}
	if p.Limit, err = r.limit(c, q, l.SKUs); err != nil {
		return err
	}
	if q.TrialDays > 0 {
		p.Trial = c.T("do.trial", "N", q.TrialDays)
	}
	p.Linear, p.OneTime, p.Attributes = q.SKU.Attributes.Quantity != nil, q.Offer.PeriodType.Months() == 0, attributes(q.SKU)
	p.Stages = []ui.Stage{{Text: c.T("stage.choose"), Done: true}, {Text: c.T("stage.check"), Now: true}, {Text: c.T("stage.paid")}, {Text: c.T("stage.ready")}}
	if c.Failed() {
		p.Accepted = c.Form("accept_agreement") != ""
		p.Errors = r.problems(c, &p)
	}
	if c.May("ledger.read") && p.Total.OK {
		accounts, err := r.Trade.Accounts(ctx, c.Actor, "", "", cursor.MaxSize)
		if err != nil {
			return err
		}
		var have money.Amount
		for _, a := range accounts {
			if a.Name == ledger.BuyerAvailable(c.Actor.CompanyID) && a.Currency == q.Offer.Currency {
				have = a.Balance
			}
		}
		p.Balance, p.After, p.Short = c.Money(have.String(), string(q.Offer.Currency)), c.Money((have-q.Amount).String(), string(q.Offer.Currency)), have < q.Amount
	}
	return c.Show("checkout.html", &p)
}

// problems are what the service refused, beside their fields and on top.
func (r *Room) problems(c *ui.Call, p *checkoutPage) []ui.FormError {
	var out []ui.FormError
	add := func(text, href string) { out = append(out, ui.FormError{Text: text, Href: href}) }
	if c.Code() == "price_changed" {
		add(c.T("code.price_changed"), "#total")
	}
	if c.Code() == "purchase_limit" && p.Limit.Refused != "" {
		if p.Limit.Pieces && p.Linear && p.Total.QuantityBad == "" {
			p.Total.QuantityBad = p.Limit.Refused // beside its field, and below on top with a link to it
		} else {
			add(p.Limit.Refused, "")
		}
		if p.Limit.Fewer {
			p.Limit.Refused = "" // said where it is mended
		}
	}
	if p.Total.QuantityBad != "" {
		add(c.T("field.quantity")+": "+p.Total.QuantityBad, "#quantity")
	}
	if p.Total.TermBad != "" {
		add(c.T("field.period_number")+": "+p.Total.TermBad, "#period_number")
	}
	if !p.Accepted {
		p.AcceptBad = c.T("bad.accept_agreement")
		add(p.AcceptBad, "#accept_agreement")
	}
	if len(out) == 0 {
		id := "code." + c.Code()
		if c.Code() == "" || !ui.Known(id) {
			id = "error.rule.next"
		}
		add(c.T(id), "")
	}
	return out
}

// placeOrder places the order once, however often the button is pressed, and pays it when that was the button.
func (r *Room) placeOrder(c *ui.Call) error {
	if c.Form("look") != "" {
		return c.To("/checkout?offer=" + ui.Query(c.Form("offer")) + "&quantity=" + ui.Query(c.Form("quantity")) + "&period_number=" + ui.Query(c.Form("period_number")))
	}
	q, err := r.Trade.Quote(c.R.Context(), c.Form("offer"), 1, 1)
	if err != nil && q.Product.ID == "" {
		return err
	}
	l, err := r.Catalogue.Get(c.R.Context(), c.Actor, q.Product.ID)
	if err != nil {
		return err
	}
	ch := picked(c.Form, l)
	id, err := r.Once(c, func(ctx context.Context, tx *kernel.Tx) (string, error) {
		o, err := r.Trade.Place(ctx, tx, c.Actor, trade.NewOrder{
			OfferID: ch.Offer, PeriodNumber: ch.periods, Quantity: ch.quantum, AcceptAgreement: c.Form("accept_agreement") != "", ExpectedAmount: c.Form("expected_amount"), Trial: c.Form("trial") != "",
		})
		if err != nil {
			return "", err
		}
		return o.ID, nil
	})
	if err != nil {
		return c.Again(err, r.checkout)
	}
	ops.From(c.R.Context()).Order = id
	if c.Form("pay") == "" {
		return c.Done("/buyer/orders/"+id, "order.placed")
	}
	err = r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Trade.Pay(ctx, tx, c.Actor, id)
		return err
	})
	f, refused := fault.As(err)
	switch {
	case err == nil, fault.Is(err, "order_already_paid"):
		return c.Done("/buyer/orders/"+id, "order.paid")
	case refused && f.Kind != fault.Internal:
		return c.To("/buyer/orders/" + id + "?pay=" + ui.Query(f.Code))
	}
	return err
}

package sellercentre

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/desk"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// limitForm sets what one company may buy of a product (限购); above it stands what holds now. // spec: 20 B4, 22 §2.4
func limitForm(c *ui.Call, l catalogue.Listing, at string) *ui.Form {
	f := c.NewForm("limit", at+"/purchase-limit", "do.save")
	now := catalog.PurchaseLimit{}
	f.Lead = c.T("limit.none")
	if held := l.Product.Settings.PurchaseLimit; held != nil && !held.None() {
		now = *held
		var said []string
		for _, line := range desk.LimitWords(c.Frame, held, l.SKUs, nil) {
			said = append(said, line.Text)
		}
		f.Lead = c.T("limit.now", "WHAT", strings.Join(said, " "))
	}
	number := func(name string, n int64, bad string) {
		field := ui.Field{Name: name, Kind: "number", Min: "0", Step: "1", Bad: bad}
		if n != 0 {
			field.Value = strconv.FormatInt(n, 10)
		}
		c.Add(f, field, "limit."+name)
	}
	count := c.T("bad.limit.number", "MAX", catalog.MaxLimit)
	number("orders", int64(now.Orders), count)
	number("pieces", now.Pieces, count)
	number("days", int64(now.Days), daysBad(c))
	c.Add(f, ui.Field{Name: "one_at_a_time", Kind: "checkbox", Checked: now.OneAtATime}, "limit.one_at_a_time")
	if options := limited(c, l, now); len(options) > 0 {
		c.Add(f, ui.Field{Name: "skus", Kind: "checks", Options: options, Values: now.SKUs, Bad: skusBad(c)}, "limit.skus")
	}
	return f
}

// limited are the specifications to choose from: those on sale, and those that the limit names still.
func limited(c *ui.Call, l catalogue.Listing, now catalog.PurchaseLimit) []ui.Option {
	var out []ui.Option
	for _, s := range l.SKUs {
		out = append(out, ui.Option{Value: s.Code, Text: s.NameIn(c.Lang()), Own: true})
	}
	for i, name := range desk.LimitNames(c.Frame, &now, l.SKUs) {
		code := now.SKUs[i]
		if !slices.ContainsFunc(l.SKUs, func(s catalog.SKU) bool { return s.Code == code }) {
			out = append(out, ui.Option{Value: code, Text: name})
		}
	}
	return out
}

// daysBad says what is wrong with the days that were typed.
func daysBad(c *ui.Call) string {
	if n := whole(c.Form("days")); n > 0 && n <= catalog.MaxLimitDays {
		return c.T("bad.limit.days.alone")
	}
	return c.T("bad.limit.number", "MAX", catalog.MaxLimitDays)
}

// skusBad says what is wrong with the specifications that were chosen.
func skusBad(c *ui.Call) string {
	if whole(c.Form("orders")) == 0 && whole(c.Form("pieces")) == 0 && c.Form("one_at_a_time") == "" {
		return c.T("bad.limit.skus.alone")
	}
	return c.T("bad.limit.skus.gone")
}

// whole reads a number that may be left out; what is none is -1, which the service refuses.
func whole(s string) int64 {
	if s = strings.TrimSpace(s); s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// limit saves the form; one that is empty takes the limit away.
func (r *Room) limit(c *ui.Call) error {
	id := c.R.PathValue("id")
	next := catalog.PurchaseLimit{Orders: int(whole(c.Form("orders"))), Pieces: whole(c.Form("pieces")), Days: int(whole(c.Form("days"))),
		OneAtATime: c.Form("one_at_a_time") != "", SKUs: c.FormAll("skus")}
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.Adjust(ctx, tx, c.Actor, id, func(s *catalog.Settings) { s.PurchaseLimit = &next })
		return err
	})
	if err == nil {
		return c.Done("/seller/products/"+id, "saved")
	}
	for _, name := range []string{catalog.LimitOrders, catalog.LimitPieces, "days", "skus"} {
		err = ui.Renamed(err, catalogue.PurchaseLimitFields+name, name)
	}
	return c.Again(err, r.productShow)
}

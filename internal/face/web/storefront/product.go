package storefront

import (
	"context"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/pricing"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/trade"
)

// choice is what a buyer picks: an offer, a number of terms, a number of pieces.
type choice struct {
	Offer            string
	Periods          string
	Quantity         string
	periods, quantum int64
}

// total is the price of a choice, or what is wrong with it.
type total struct {
	OK                   bool
	SKU, Term            string
	Price, Amount        string   // drawn
	Sum                  string   // decimal text
	Parts                []string // how the price comes about where pieces cost differently
	Quantity             int64
	Unit                 string
	QuantityBad, TermBad string // texts
	Problem              string
}

// specification is what a product page says of one SKU.
type specification struct {
	Name       string
	Attributes []attribute
	Quantity   *catalog.QuantityRule
	Pricing    string // how the number is priced; "" where every piece costs the same
	Offers     []offer
	Current    bool
}

// pricingNotes say how a number of pieces is priced. // spec: 20 B3.3
var pricingNotes = map[pricing.Mode]string{pricing.Graduated: "pricing.graduated.note", pricing.Volume: "pricing.volume.note"}

type offer struct {
	ID, Period, Price, Currency string
	Bands                       []string // prices from a number of pieces on
	Current                     bool
}

type productPage struct {
	*ui.Frame
	ID, Name, Summary, Seller, SellerID string
	Crumbs                              []ui.Link
	Face                                face
	Badges                              []string
	Mean                                string // of the stars; "" without any
	Rated                               string
	Gets                                []get
	Specs                               []specification
	Linear                              bool // some specification is sold by number
	Choice                              choice
	Rule                                *catalog.QuantityRule // of the chosen one
	Total                               total
	Limit                               limit  // of the chosen specification
	Trial                               string // of the chosen specification; "" without
	Similar, More                       []template.HTML
	About                               *about // nil for products without a brochure
	Ratings                             []rating
	Share                               []share
	Rate                                *ui.Form // for who bought it and has not rated it
	Errors                              []ui.FormError
	Notice                              *ui.Notice
}

// get is a line of what is delivered, how fast, and what is asked for.
type get struct{ Icon, Text string }

// share is how many of the ratings gave so many stars.
type share struct {
	Stars string
	Count int64
	Of    int64
}

type about struct {
	Pictures    []string
	Description template.HTML
	Highlights  []catalog.Highlight
	Cases       []catalog.Case
	Support     catalog.Support
	Coverage    string
	Guide       template.HTML
	GuideFile   bool
	Agreement   string
	Version     string
}

type rating struct {
	Stars       int
	Filled      []bool
	Text, Reply string
	At          time.Time
	Answer      *ui.Form // for the seller, until it replied
}

// gets lists what a buyer receives, how fast, what the seller is told, and whether the
// money comes back. // spec: 20 B2 after_sales_policy, 01 §4.5
func gets(c *ui.Call, page catalogue.Page) []get {
	days, supervised := 0, false
	var b catalog.Body
	if page.Live != nil {
		if b = page.Live.Body; b.Supervised {
			days, supervised = b.DeliveryDays, true
		}
	}
	out := []get{{"cloud", c.T("get.entry")}}
	if supervised {
		out = append(out, get{"clock", c.T("get.days", "N", days)}, get{"check", c.T("get.accept")}, get{"undo", c.T("get.refund.negotiated")})
	} else {
		out = append(out, get{"bolt", c.T("get.now")}, get{"undo", c.T("get.refund")})
	}
	out = append(out, get{"shield", c.T("get.fail")})
	var told []string
	for _, one := range []struct {
		yes  bool
		word string
	}{{b.SendUser, "told.user"}, {b.SendMobile, "told.mobile"}, {b.SendEmail, "told.email"}} {
		if one.yes {
			told = append(told, c.T(one.word))
		}
	}
	if len(told) > 0 {
		out = append(out, get{"person", c.T("get.told", "WHAT", strings.Join(told, c.T("list.and")))})
	}
	if len(b.ExtendParams) > 0 {
		out = append(out, get{"list", c.T("get.asked")})
	}
	return out
}

// tell fills what the seller and the buyers say of a product.
func (r *Room) tell(c *ui.Call, p *productPage, page catalogue.Page) error {
	p.Gets = gets(c, page)
	if page.Live != nil {
		b := page.Live.Body
		p.Face = faceOf(p.Name, b.Logo)
		p.About = &about{Pictures: b.Media, Description: template.HTML(catalogue.RenderMarkdown(b.Description)), Highlights: b.Highlights, Cases: b.Cases, Support: b.Support,
			Coverage: c.T("support.coverage", "DAYS", b.Support.Days, "HOURS", b.Support.Hours), Guide: template.HTML(catalogue.RenderMarkdown(b.UserGuide)), GuideFile: b.UserGuideFile != "",
			Agreement: b.Agreement, Version: b.Version}
		days, trial := 0, 0
		if b.Supervised {
			days = b.DeliveryDays
		}
		for _, s := range b.Specs {
			trial = max(trial, s.TrialDays)
		}
		p.Badges = append(p.Badges, delivery(c.Frame, days))
		if trial > 0 {
			p.Badges = append(p.Badges, c.T("tile.trial", "N", trial))
		}
	}
	ctx := c.R.Context()
	if page.Ratings > 0 {
		p.Mean, p.Rated = strconv.FormatFloat(page.Rating, 'f', 1, 64), c.T("product.rated", "N", page.Ratings)
		counts, err := r.Catalogue.Stars(ctx, p.ID)
		if err != nil {
			return err
		}
		for n := 5; n >= 1; n-- {
			p.Share = append(p.Share, share{c.T("product.stars.short", "N", n), counts[n], page.Ratings})
		}
	}
	rs, err := r.Catalogue.Ratings(ctx, p.ID, "", 10)
	if err != nil {
		return err
	}
	owner := c.Actor.CompanyID == p.SellerID && access.Can(c.Actor, access.ProductCreate)
	for _, one := range rs {
		shown := rating{Stars: one.Stars, Text: one.Text, Reply: one.Reply, At: one.CreatedAt}
		for n := range 5 {
			shown.Filled = append(shown.Filled, n < one.Stars)
		}
		if owner && one.Reply == "" {
			shown.Answer = c.NewForm("reply-"+one.ID, "/products/"+p.ID+"/ratings/"+one.ID+"/reply", "do.rating.reply")
			shown.Answer.Tone = ""
			c.Add(shown.Answer, ui.Field{Name: "text", Kind: "textarea", Required: true, MaxLength: catalog.MaxRatingText, Own: true}, "rating.reply")
		}
		p.Ratings = append(p.Ratings, shown)
	}
	if c.Failed() {
		id := "code." + c.Code()
		if !ui.Known(id) {
			id = "error.invalid.next"
		}
		p.Errors = []ui.FormError{{Text: c.T(id), Href: "#ratings"}}
	}
	may, err := r.Catalogue.MayRate(ctx, c.Actor, p.ID)
	if may {
		p.Rate = c.NewForm("rate", "/products/"+p.ID+"/ratings", "do.rate")
		var stars []ui.Option
		for n := 5; n >= 1; n-- {
			stars = append(stars, ui.Option{Value: strconv.Itoa(n), Text: c.T("product.stars", "N", n)})
		}
		c.Add(p.Rate, ui.Field{Name: "stars", Kind: "select", Options: stars, Value: "5", Required: true}, "rating.stars")
		c.Add(p.Rate, ui.Field{Name: "text", Kind: "textarea", MaxLength: catalog.MaxRatingText, Own: true}, "rating.text")
	}
	return err
}

// alike fills the products beside this one: others' of its category, then of the
// category above, and its seller's.
func (r *Room) alike(c *ui.Call, p *productPage, categories ...string) error {
	shown := map[string]bool{p.ID: true}
	add := func(to *[]template.HTML, q catalogue.SearchQuery, seller string) error {
		q.Size, q.Sort, q.Bare = 12, catalogue.SortPopular, true
		found, err := r.Search.Find(c.R.Context(), q, "")
		for _, one := range found.Cards {
			if !shown[one.ID] && one.SellerID != seller && len(*to) < 4 {
				shown[one.ID] = true
				*to = append(*to, draw(c.Frame, one))
			}
		}
		return err
	}
	for _, category := range categories {
		if category != "" && len(p.Similar) < 4 {
			if err := add(&p.Similar, catalogue.SearchQuery{Category: category}, p.SellerID); err != nil {
				return err
			}
		}
	}
	return add(&p.More, catalogue.SearchQuery{SellerID: p.SellerID}, "")
}

// rate takes a buyer's rating; a second one of the same buyer is refused by name.
func (r *Room) rate(c *ui.Call) error {
	stars, _ := strconv.Atoi(c.Form("stars")) // no number is no number of stars: refused beside the field
	id := c.R.PathValue("id")
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		_, err := r.Catalogue.Rate(ctx, tx, c.Actor, id, stars, c.Form("text"))
		return err
	})
	if err != nil {
		return c.Again(err, r.product)
	}
	return c.Done("/products/"+id, "rated")
}

// reply takes the seller's answer to a rating.
func (r *Room) reply(c *ui.Call) error {
	id := c.R.PathValue("id")
	err := r.Change(c, func(ctx context.Context, tx *kernel.Tx) error {
		return r.Catalogue.Reply(ctx, tx, c.Actor, id, c.R.PathValue("rating"), c.Form("text"))
	})
	if err != nil {
		return c.Again(err, r.product)
	}
	return c.Done("/products/"+id, "rating.replied")
}

// picked reads a choice from the address or a form; what it leaves out is chosen for it.
func picked(get func(string) string, l catalogue.Listing) choice {
	ch := choice{Offer: get("offer"), Periods: get("period_number"), Quantity: get("quantity")}
	known := false
	first := ""
	for _, s := range l.SKUs {
		for _, o := range l.Offers[s.Code] {
			if first == "" {
				first = o.ID
			}
			if o.ID == ch.Offer {
				known = true
				if s.Attributes.Quantity == nil {
					ch.Quantity = "1" // sold by the piece: the number belongs to another specification
				} else if ch.Quantity == "" {
					ch.Quantity = fmt.Sprint(s.Attributes.Quantity.Min)
				}
				if o.PeriodType == catalog.OneTime {
					ch.Periods = "1"
				}
			}
		}
	}
	if !known && first != "" && ch.Offer != first {
		return picked(func(name string) string {
			if name == "offer" {
				return first
			}
			return get(name)
		}, l)
	}
	if ch.Quantity == "" {
		ch.Quantity = "1"
	}
	if ch.Periods == "" {
		ch.Periods = "1"
	}
	ch.periods, _ = strconv.ParseInt(ch.Periods, 10, 64) // what is no number is 0, which the service refuses
	ch.quantum, _ = strconv.ParseInt(ch.Quantity, 10, 64)
	return ch
}

// price asks the service what a choice costs and puts the answer into words.
func (r *Room) price(c *ui.Call, ch choice) (total, trade.Quote, error) {
	var t total
	q, err := r.Trade.Quote(c.R.Context(), ch.Offer, ch.periods, ch.quantum)
	f, refused := fault.As(err)
	if err != nil && (!refused || f.Kind == fault.NotFound) {
		return t, q, err
	}
	t.SKU, t.Price = q.SKU.NameIn(c.Lang()), c.Money(q.Offer.Price, string(q.Offer.Currency))
	t.Term = c.T("period." + string(q.Offer.PeriodType))
	if q.SKU.Attributes.Quantity != nil {
		t.Unit = q.SKU.Attributes.Quantity.Unit
	}
	if err == nil {
		tariff := q.Offer.Tariff(q.SKU)
		if tariff.Mode == pricing.Volume {
			t.Price = c.Money(tariff.At(q.Quantity), string(q.Offer.Currency))
		}
		for _, part := range q.Parts {
			if tariff.Mode == pricing.Graduated {
				t.Parts = append(t.Parts, c.Money(part.Unit, string(q.Offer.Currency))+" × "+fmt.Sprint(part.Quantity))
			}
		}
		t.OK, t.Quantity, t.Sum = true, q.Quantity, q.Amount.String()
		t.Amount = c.Money(t.Sum, string(q.Offer.Currency))
		t.Term = c.T("term."+string(q.Offer.PeriodType), "N", q.Periods)
		return t, q, nil
	}
	if _, bad := f.Fields["quantity"]; bad {
		t.QuantityBad = c.T("bad.quantity")
		if rule := q.SKU.Attributes.Quantity; rule != nil {
			t.QuantityBad = c.T("bad.quantity.range", "MIN", rule.Min, "MAX", rule.Max)
			if rule.Step > 1 {
				t.QuantityBad = c.T("bad.quantity.step", "MIN", rule.Min, "MAX", rule.Max, "STEP", rule.Step)
			}
		}
	}
	if _, bad := f.Fields["period_number"]; bad {
		t.TermBad = c.T("bad.period_number")
	}
	if t.QuantityBad == "" && t.TermBad == "" {
		t.Problem = c.T("error.rule.next")
	}
	return t, q, nil
}

// product shows a product, with a price calculator.
func (r *Room) product(c *ui.Call) error {
	page, err := r.Catalogue.Page(c.R.Context(), c.Actor, c.R.PathValue("id"))
	if err != nil {
		return err
	}
	l := page.Listing
	p := productPage{Frame: c.Frame, ID: l.Product.ID, Name: l.Product.Name, Summary: l.Product.Summary, Seller: l.Seller, SellerID: l.Product.SellerID, Crumbs: []ui.Link{c.Crumb("/", "face.storefront")}}
	p.Face = faceOf(p.Name, "")
	c.Title, p.Notice = p.Name, c.Said()
	tree, err := r.Search.Tree(c.R.Context())
	if err != nil {
		return err
	}
	crumb := func(id string) (parent string) {
		for _, k := range tree {
			if k.ID == id && id != "" {
				p.Crumbs = slices.Insert(p.Crumbs, 1, ui.Link{Text: categoryName(c, k), Href: "/categories/" + k.ID, Own: true})
				return k.ParentID
			}
		}
		return ""
	}
	above := crumb(page.Category)
	crumb(above)
	p.Choice = picked(c.Query, l)
	for _, s := range l.SKUs {
		spec := specification{Name: s.NameIn(c.Lang()), Attributes: attributes(s), Quantity: s.Attributes.Quantity}
		p.Linear = p.Linear || s.Attributes.Quantity != nil
		if q := s.Attributes.Quantity; q != nil && q.Pricing != pricing.Linear {
			spec.Pricing = c.T(pricingNotes[q.Pricing])
		}
		for _, o := range l.Offers[s.Code] {
			current := o.ID == p.Choice.Offer
			if spec.Current = spec.Current || current; current {
				p.Rule = s.Attributes.Quantity
			}
			spec.Offers = append(spec.Offers, offer{o.ID, string(o.PeriodType), o.Price, string(o.Currency), c.Bands(o.Tariff(s), string(o.Currency)), current})
		}
		p.Specs = append(p.Specs, spec)
	}
	if l.Product.State == catalog.OnSale {
		var q trade.Quote
		if p.Total, q, err = r.price(c, p.Choice); err != nil && fault.KindOf(err) != fault.NotFound {
			return err
		}
		if p.Limit, err = r.limit(c, q, l.SKUs); err != nil {
			return err
		}
	} else {
		p.Total.Problem = c.T(ui.ProductState(string(l.Product.State)).ID + ".next")
	}
	if err := r.alike(c, &p, page.Category, above); err != nil {
		return err
	}
	if err := r.tell(c, &p, page); err != nil {
		return err
	}
	return c.Show("product.html", &p)
}

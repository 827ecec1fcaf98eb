package storefront

import (
	"hash/fnv"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

// face is a product's or a shop's mark: its logo, or a letter on a colour.
type face struct {
	Image  string // file id
	Letter string
	Hue    int
}

func faceOf(name, image string) face {
	f := face{Image: image}
	for _, r := range name {
		f.Letter = strings.ToUpper(string(r))
		break
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	f.Hue = int(h.Sum32() % 6)
	return f
}

// html writes markup of ours around text of anybody. Lists hold dozens of products and
// links, and templates spend most of a page's time on them.
type html struct{ strings.Builder }

func (h *html) raw(parts ...string) *html {
	for _, p := range parts {
		h.WriteString(p)
	}
	return h
}

func (h *html) text(s string) *html {
	template.HTMLEscape(&h.Builder, []byte(s))
	return h
}

// done gives what was written: every text in it went through text.
func (h *html) done() template.HTML { return template.HTML(h.String()) }

func (h *html) face(f face) *html {
	if f.Image != "" {
		return h.raw(`<img class="logo" src="/files/`).text(f.Image).raw(`" alt="" width="44" height="44" loading="lazy">`)
	}
	return h.raw(`<span class="logo h`, strconv.Itoa(f.Hue), `" aria-hidden="true" data-own>`).text(f.Letter).raw(`</span>`)
}

// draw draws a product of a list.
func draw(f *ui.Frame, c catalogue.Card) template.HTML {
	var h html
	h.Grow(1200)
	h.raw(`<li class="card tile"><a class="plain-link" href="/products/`).text(c.ID).raw(`">`)
	if c.Picture != "" {
		h.raw(`<img class="cover" src="/files/`).text(c.Picture).raw(`" alt="" width="400" height="225" loading="lazy">`)
	}
	h.raw(`<span class="face">`).face(faceOf(c.Name, c.Logo)).raw(`<span><strong data-own>`).text(c.Name).raw(`</strong><small data-own>`).text(c.Seller)
	h.raw(`</small></span></span><span class="summary" data-own>`).text(c.Summary).raw(`</span><span class="tags">`)
	if c.Ratings > 0 {
		h.raw(`<span class="tag star" data-own>★ `, strconv.FormatFloat(c.Rating, 'f', 1, 64), ` <small>(`, strconv.FormatInt(c.Ratings, 10), `)</small></span>`)
	}
	h.raw(`<span class="tag">`).text(delivery(f, c.Days)).raw(`</span>`)
	if c.TrialDays > 0 {
		h.raw(`<span class="tag soft">`).text(f.T("tile.trial", "N", c.TrialDays)).raw(`</span>`)
	}
	h.raw(`</span><span class="price">`)
	if c.Price != "" {
		h.raw(`<span data-own>`).text(f.Money(c.Price, c.Currency)).raw(`</span> <small>`).text(f.T("from." + c.Period)).raw(`</small>`)
	}
	return h.raw(`</span></a></li>`).done()
}

func drawAll(f *ui.Frame, cards []catalogue.Card) (out []template.HTML) {
	for _, c := range cards {
		out = append(out, draw(f, c))
	}
	return out
}

// delivery is how fast a product is there, in words.
func delivery(f *ui.Frame, days int) string {
	if days == 0 {
		return f.T("delivery.now")
	}
	return f.T("delivery.days", "N", days)
}

// attribute is a name and a value as the seller wrote them.
type attribute struct{ Name, Value string }

func attributes(s catalog.SKU) []attribute {
	var out []attribute
	for name, value := range s.Attributes.Fixed {
		out = append(out, attribute{name, value})
	}
	slices.SortFunc(out, func(a, b attribute) int { return strings.Compare(a.Name, b.Name) })
	return out
}

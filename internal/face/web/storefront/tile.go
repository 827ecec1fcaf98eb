package storefront

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/face/web/ui"
	"github.com/souk-market/souk/internal/service/catalogue"
)

// tile is a product in a list.
type tile struct {
	catalogue.Card
	face
	Drawn, Term string // the lowest price; Drawn is "" without an offer
	Stars       string // mean of the ratings, "" without any
	Delivery    string
	Trial       string // "" without
}

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

func draw(f *ui.Frame, c catalogue.Card) tile {
	t := tile{Card: c, face: faceOf(c.Name, c.Logo), Delivery: delivery(f, c.Days)}
	if c.Price != "" {
		t.Drawn, t.Term = f.Money(c.Price, c.Currency), f.T("from."+c.Period)
	}
	if c.Ratings > 0 {
		t.Stars = strconv.FormatFloat(c.Rating, 'f', 1, 64)
	}
	if c.TrialDays > 0 {
		t.Trial = f.T("tile.trial", "N", c.TrialDays)
	}
	return t
}

func drawAll(f *ui.Frame, cards []catalogue.Card) (out []tile) {
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

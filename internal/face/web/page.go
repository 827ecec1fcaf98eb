package web

import (
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// frame is what every page has. Templates call its methods as .T, .Money and so on.
type frame struct {
	Title   string // text, not an id
	Section string // of the navigation: products, orders, attempts
	Viewer  *Viewer
	Sandbox bool
	Now     time.Time // business time, shown in sandboxes
	CSRF    string
	Assets  map[string]string
	path    string
	query   url.Values
	lang    language.Tag
	texts   *i18n.Localizer
	zone    *time.Location
	may     func(action string) bool
}

// T is the text of the catalogue. pairs are names and values of its placeholders.
func (f *frame) T(id string, pairs ...any) (string, error) {
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return f.texts.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data})
}

// Lang is the language of the page as html lang wants it.
func (f *frame) Lang() string { return f.lang.String() }

// Languages are the links of the language switch.
func (f *frame) Languages() []link {
	var links []link
	for _, tag := range languages {
		q := url.Values{}
		for k, v := range f.query {
			q[k] = v
		}
		q.Set("lang", tag.String())
		name := map[string]string{"zh-CN": "中文", "en-US": "English"}[tag.String()]
		links = append(links, link{Text: name, Href: f.path + "?" + q.Encode(), Lang: tag.String(), Current: tag == f.lang})
	}
	return links
}

type link struct {
	Text, Href, Lang string
	Current          bool
}

// May tells whether the viewer may do the action, for showing a button; the service decides again.
func (f *frame) May(action string) bool { return f.may(action) }

// Time shows an instant in the zone of the marketplace with the exact instant on hover; a script turns it into
// the viewer's zone.
func (f *frame) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="none">–</span>`
	}
	exact := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, exact, exact, t.In(f.zone).Format("2006-01-02 15:04:05")))
}

// Until is the time left, in the two largest units.
func (f *frame) Until(t time.Time) (string, error) {
	d := t.Sub(f.Now)
	switch {
	case d <= 0:
		return f.T("until.now")
	case d < time.Minute:
		return f.T("until.seconds", "S", int(d.Seconds()))
	case d < time.Hour:
		return f.T("until.minutes", "M", int(d.Minutes()))
	case d < 24*time.Hour:
		return f.T("until.hours", "H", int(d.Hours()), "M", int(d.Minutes())%60)
	}
	return f.T("until.days", "D", int(d.Hours())/24, "H", int(d.Hours())%24)
}

// Money shows decimal text with its currency and thousands.
func (f *frame) Money(amount, currency string) string {
	sign := ""
	if strings.HasPrefix(amount, "-") {
		sign, amount = "−", amount[1:]
	}
	whole, rest, dot := strings.Cut(amount, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if dot {
		whole += "." + rest
	}
	mark, known := map[string]string{"CNY": "¥", "USD": "US$", "EUR": "€"}[currency]
	if !known {
		return sign + whole + " " + currency
	}
	return sign + mark + whole
}

// OrderState, InstanceState and AttemptState are how a state is shown.
func (f *frame) OrderState(o OrderRow) state       { return orderState(o) }
func (f *frame) InstanceState(status string) state { return stateIn(instanceStates, status) }
func (f *frame) AttemptState(s string) state       { return stateIn(attemptStates, s) }

// Bytes shows bytes of a connection as text: what is not UTF-8 or not printable is escaped, line ends are kept.
func (f *frame) Bytes(b []byte) string {
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&s, `\x%02x`, b[0])
		case r == '\r':
		case r == '\n' || r == '\t':
			s.WriteRune(r)
		case r < ' ' || r == 0x7f || r == 0xfeff || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			fmt.Fprintf(&s, `\u%04x`, r)
		default:
			s.WriteRune(r)
		}
		b = b[n:]
	}
	return s.String()
}

// Hex shows bytes as offset, hexadecimal and text.
func (f *frame) Hex(b []byte) string {
	var s strings.Builder
	for at := 0; at < len(b); at += 16 {
		row := b[at:min(at+16, len(b))]
		fmt.Fprintf(&s, "%06x  %-47s  ", at, fmt.Sprintf("% x", row))
		for _, c := range row {
			if c < ' ' || c > '~' {
				c = '.'
			}
			s.WriteByte(c)
		}
		s.WriteByte('\n')
	}
	return s.String()
}

// Milliseconds shows a duration.
func (f *frame) Milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// Cut shortens a seller's text to 255 characters. spec: 02 §2.16
func (f *frame) Cut(s string) string {
	r := []rune(s)
	if len(r) <= 255 {
		return s
	}
	return string(r[:255]) + "…"
}

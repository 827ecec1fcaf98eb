package ui

import (
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/text/language"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/face/web/locale"
)

// Frame is what every page has. Templates call its methods as .T, .Money and so on.
type Frame struct {
	Title   string // text, not an id
	Face    Face
	Section string // the entry of the navigation that is current
	Viewer  *Viewer
	Sandbox bool
	Now     time.Time // business time
	CSRF    string
	Assets  map[string]string
	Search  string // what stands in the search field of the storefront
	Path    string

	query url.Values
	texts locale.Texts
	zone  *time.Location
}

// frame begins a page. It may set the language cookie, so it comes before anything is written.
func (k *Kit) frame(w http.ResponseWriter, r *http.Request, v *Viewer, face Face, section string) *Frame {
	return &Frame{
		Face: face, Section: section, Viewer: v, Sandbox: k.Sandbox, Now: k.Now(), Assets: k.links,
		CSRF: formToken(k.secret(nil, r)), Path: r.URL.Path, query: r.URL.Query(),
		texts: locale.In(locale.Choose(w, r, k.Secure)), zone: k.Zone,
	}
}

// T is the text of the catalogue. pairs are names and values of its placeholders.
func (f *Frame) T(id string, pairs ...any) string { return f.texts.Of(id, pairs...) }

// Lang is the language of the page as html lang wants it.
func (f *Frame) Lang() string { return f.texts.Tag.String() }

// Zone is where the marketplace's days begin.
func (f *Frame) Zone() *time.Location { return f.zone }

// Link is an entry of a menu or of the breadcrumb. Text is data when Own is set, and of the catalogue otherwise.
type Link struct {
	Text, Href, Lang string
	Current, Own     bool
	Key              string // the letter after g
	Icon             string
	Group            bool // begins a new group
	Aside            bool // opens beside this page, which is kept
}

// Languages are the links of the language switch.
func (f *Frame) Languages() []Link {
	var links []Link
	for _, tag := range locale.Languages {
		q := url.Values{}
		for k, v := range f.query {
			q[k] = v
		}
		q.Set("lang", tag.String())
		links = append(links, Link{Text: locale.Name(tag), Href: f.Path + "?" + q.Encode(), Lang: tag.String(), Current: f.is(tag), Own: true})
	}
	return links
}

func (f *Frame) is(tag language.Tag) bool { return tag == f.texts.Tag }

// May tells whether the viewer may do the action, for showing a button; the service decides again.
func (f *Frame) May(action string) bool {
	return f.Viewer != nil && access.Can(f.Viewer.Actor, access.Action(action))
}

// Is tells whether the viewer belongs to a kind of company.
func (f *Frame) Is(kind string) bool {
	return f.Viewer != nil && f.Viewer.Actor.CompanyKind == party.Kind(kind)
}

// Time shows an instant in the zone of the marketplace with the exact instant on hover; a script turns it into
// the viewer's zone.
func (f *Frame) Time(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="none">–</span>`
	}
	exact := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, exact, exact, t.In(f.zone).Format("2006-01-02 15:04:05")))
}

// Until is the time left, in the two largest units.
func (f *Frame) Until(t time.Time) string {
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

// Ago is how old something is, in its largest unit.
func (f *Frame) Ago(t time.Time) string {
	d := f.Now.Sub(t)
	switch {
	case d < time.Minute:
		return f.T("ago.now")
	case d < time.Hour:
		return f.T("ago.minutes", "M", int(d.Minutes()))
	case d < 24*time.Hour:
		return f.T("ago.hours", "H", int(d.Hours()))
	}
	return f.T("ago.days", "D", int(d.Hours())/24)
}

// Money shows decimal text with its currency and thousands.
func (f *Frame) Money(amount, currency string) string { return Money(amount, currency) }

// Money is decimal text with its currency and thousands.
func Money(amount, currency string) string {
	sign := ""
	if strings.HasPrefix(amount, "-") {
		sign, amount = "−", amount[1:]
	}
	whole, rest, dot := strings.Cut(amount, ".")
	whole = Thousands(whole)
	if dot {
		whole += "." + rest
	}
	mark, known := map[string]string{"CNY": "¥", "USD": "US$", "EUR": "€"}[currency]
	if !known {
		return sign + whole + " " + currency
	}
	return sign + mark + whole
}

// Thousands puts commas into a whole number.
func Thousands(whole string) string {
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return whole
}

// Milliseconds shows a duration.
func (f *Frame) Milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// Cut shortens a seller's text to 255 characters. spec: 02 §2.16
func (f *Frame) Cut(s string) string { return Shorten(s, 255) }

// Shorten keeps at most n characters.
func Shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n]) + "…"
}

// Safe is the address if it is one a browser may open: a seller's text is never trusted to be http.
func Safe(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return ""
	}
	return s
}

// With is the page's own address with one value of its query changed; "" takes it away. Where a list begins is
// forgotten, unless that is what changes.
func (f *Frame) With(name, value string) string {
	q := url.Values{}
	for k, v := range f.query {
		if k != "lang" && (k != "page" || name == "page") {
			q[k] = v
		}
	}
	if value == "" {
		q.Del(name)
	} else {
		q.Set(name, value)
	}
	if len(q) == 0 {
		return f.Path
	}
	return f.Path + "?" + q.Encode()
}

// NoTime is the zero instant.
func (f *Frame) NoTime() time.Time { return time.Time{} }

// Query escapes a value for an address.
func Query(s string) string { return url.QueryEscape(s) }

// Count writes a number with thousands.
func Count(n int) string { return Thousands(fmt.Sprint(n)) }

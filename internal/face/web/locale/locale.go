// Package locale holds every text that the pages show, Chinese first, English complete, and chooses the language
// of a request.
//
// A text (文案) is named by an id; a file per face and language holds them, `<face>.<language>.json`. Pages name ids
// and never hold text of their own, so that a pseudo language can prove it. It implements the language rules of 22 §8
// and of the page design. It must not know what a page is about.
package locale

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed *.json
var files embed.FS

// Languages are the catalogues, the default first.
var Languages = []language.Tag{language.MustParse("zh-CN"), language.MustParse("en-US")}

// Pseudo is a language for tests: every text of the catalogue stands in ⟦ ⟧, so that text from elsewhere shows.
var Pseudo = language.MustParse("en-XA")

var (
	catalogues = load()
	bundle     = newBundle()
	matcher    = language.NewMatcher(Languages)
)

// load reads the files of all faces; an id in two files is a mistake of ours.
func load() map[language.Tag]map[string]string {
	all := map[language.Tag]map[string]string{}
	for _, tag := range Languages {
		all[tag] = map[string]string{}
		names, _ := fs.Glob(files, "*."+tag.String()+".json")
		for _, name := range names {
			b, err := files.ReadFile(name)
			if err != nil {
				panic(err) // embedded at build time
			}
			var texts map[string]string
			if err := json.Unmarshal(b, &texts); err != nil {
				panic(name + ": " + err.Error())
			}
			for id, text := range texts {
				if _, twice := all[tag][id]; twice {
					panic(name + ": " + id + " stands in two files")
				}
				all[tag][id] = text
			}
		}
	}
	return all
}

// text is that of an id in a language, Chinese where the language has none.
func text(tag language.Tag, id string) string {
	from := tag
	if tag == Pseudo {
		from = Languages[1]
	}
	s, has := catalogues[from][id]
	switch {
	case !has:
		return catalogues[Languages[0]][id]
	case tag == Pseudo:
		return "⟦" + s + "⟧"
	}
	return s
}

func hasPlaceholder(text string) bool { return strings.Contains(text, "{{") }

// newBundle knows the texts with placeholders alone: every command of the program waits for this.
func newBundle() *i18n.Bundle {
	b := i18n.NewBundle(Languages[0])
	for _, tag := range append([]language.Tag{Pseudo}, Languages...) {
		for id := range catalogues[Languages[0]] {
			if s := text(tag, id); hasPlaceholder(s) {
				b.MustAddMessages(tag, &i18n.Message{ID: id, Other: s})
			}
		}
	}
	return b
}

// Has tells whether the catalogues hold a text of the id.
func Has(id string) bool { _, ok := catalogues[Languages[0]][id]; return ok }

// Known is the language that a person writes down as its own; the default when it is none of ours.
func Known(name string) language.Tag {
	for _, tag := range Languages {
		if tag.String() == name {
			return tag
		}
	}
	return Languages[0]
}

// Texts puts ids into words of one language.
type Texts struct {
	Tag   language.Tag
	l     *i18n.Localizer
	plain map[string]string // texts without placeholders: most of them, and a page has a hundred
}

var ready = prepare()

func prepare() map[language.Tag]Texts {
	out := map[language.Tag]Texts{}
	for _, tag := range append([]language.Tag{Pseudo}, Languages...) {
		t := Texts{tag, i18n.NewLocalizer(bundle, tag.String()), map[string]string{}}
		for id := range catalogues[Languages[0]] {
			if s := text(tag, id); !hasPlaceholder(s) {
				t.plain[id] = s
			}
		}
		out[tag] = t
	}
	return out
}

// In gives the texts of a language.
func In(tag language.Tag) Texts {
	if t, known := ready[tag]; known {
		return t
	}
	return ready[Languages[0]]
}

// Of is the text of the id. pairs are names and values of its placeholders, which are capital letters. An unknown id
// gives itself in ‹ ›: a page is better with a hole than not at all, and the tests find it.
func (t Texts) Of(id string, pairs ...any) string {
	if text, ok := t.plain[id]; ok {
		return text
	}
	data := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		data[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	s, err := t.l.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data})
	if err != nil {
		return "‹" + strings.TrimSpace(id) + "›"
	}
	return s
}

// Name is what a language calls itself.
func Name(tag language.Tag) string {
	return map[string]string{"zh-CN": "中文", "en-US": "English"}[tag.String()]
}

// Cookie remembers the language of a browser.
const Cookie = "souk_lang"

// Choose takes ?lang=, then the cookie, then Accept-Language, then Chinese. A known ?lang= is remembered.
func Choose(w http.ResponseWriter, r *http.Request, secure bool) language.Tag {
	known := func(s string) (language.Tag, bool) {
		for _, tag := range append([]language.Tag{Pseudo}, Languages...) {
			if s == tag.String() {
				return tag, true
			}
		}
		return language.Tag{}, false
	}
	if tag, ok := known(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{Name: Cookie, Value: tag.String(), Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()), SameSite: http.SameSiteLaxMode, Secure: secure, HttpOnly: true})
		return tag
	}
	if c, err := r.Cookie(Cookie); err == nil {
		if tag, ok := known(c.Value); ok {
			return tag
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return Languages[0]
	}
	_, i, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return Languages[0]
	}
	return Languages[i]
}

package web

import (
	"embed"
	"encoding/json"
	"net/http"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locale/*.json
var localeFiles embed.FS

// languages are the catalogues, the default first.
var languages = []language.Tag{language.MustParse("zh-CN"), language.MustParse("en-US")}

// pseudo is a language for tests: every text of the catalogue stands in ⟦ ⟧, so that text from elsewhere shows.
var pseudo = language.MustParse("en-XA")

var (
	bundle  = newBundle()
	matcher = language.NewMatcher(languages)
)

func textsOf(tag language.Tag) map[string]string {
	b, err := localeFiles.ReadFile("locale/" + tag.String() + ".json")
	if err != nil {
		panic(err) // embedded at build time
	}
	var texts map[string]string
	if err := json.Unmarshal(b, &texts); err != nil {
		panic(tag.String() + ": " + err.Error())
	}
	return texts
}

func newBundle() *i18n.Bundle {
	b := i18n.NewBundle(languages[0])
	add := func(tag language.Tag, texts map[string]string, wrap func(string) string) {
		for id, text := range texts {
			b.MustAddMessages(tag, &i18n.Message{ID: id, Other: wrap(text)})
		}
	}
	for _, tag := range languages {
		add(tag, textsOf(tag), func(s string) string { return s })
	}
	add(pseudo, textsOf(languages[1]), func(s string) string { return "⟦" + s + "⟧" })
	return b
}

const languageCookie = "souk_lang"

// chooseLanguage takes ?lang=, then the cookie, then Accept-Language, then Chinese. A known ?lang= is remembered.
func chooseLanguage(w http.ResponseWriter, r *http.Request, secure bool) language.Tag {
	known := func(s string) (language.Tag, bool) {
		for _, tag := range append([]language.Tag{pseudo}, languages...) {
			if s == tag.String() {
				return tag, true
			}
		}
		return language.Tag{}, false
	}
	if tag, ok := known(r.URL.Query().Get("lang")); ok {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: tag.String(), Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()), SameSite: http.SameSiteLaxMode, Secure: secure, HttpOnly: true})
		return tag
	}
	if c, err := r.Cookie(languageCookie); err == nil {
		if tag, ok := known(c.Value); ok {
			return tag
		}
	}
	wanted, _, err := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if err != nil || len(wanted) == 0 {
		return languages[0]
	}
	_, i, confidence := matcher.Match(wanted...)
	if confidence == language.No {
		return languages[0]
	}
	return languages[i]
}

package search

import (
	"strings"
	"unicode"

	"github.com/blevesearch/snowballstem"
	"github.com/blevesearch/snowballstem/english"
)

// tokens cuts a text into what is looked for: pairs of neighbouring characters where
// words are not set apart (Chinese, Japanese, Korean), stems of words elsewhere, in
// lower case and half width.
func tokens(text string, each func(token string)) {
	var run []rune // of one script
	wide := false
	flush := func() {
		switch {
		case len(run) == 0:
		case !wide:
			each(stem(string(run)))
		case len(run) == 1:
			each(string(run))
		default:
			for i := 1; i < len(run); i++ {
				each(string(run[i-1 : i+1]))
			}
		}
		run = run[:0]
	}
	for _, r := range text {
		if r >= 0xff01 && r <= 0xff5e { // full width of ASCII
			r -= 0xfee0
		}
		isWide := r >= 0x2e80 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul)
		if !isWide && !(r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9')) && (r < 0x80 || !unicode.IsLetter(r) && !unicode.IsDigit(r)) {
			flush()
			continue
		}
		if isWide != wide {
			flush()
			wide = isWide
		}
		run = append(run, unicode.ToLower(r))
	}
	flush()
}

// stem is the root of an English word; other words stay.
func stem(word string) string {
	if len(word) < 3 || strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return word
	}
	env := snowballstem.NewEnv(word)
	english.Stem(env)
	return env.Current()
}

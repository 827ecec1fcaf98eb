package party

import (
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/internal/ground/fault"
)

// guessed are words that passwords are made of when people do not think about it: a password that is nothing
// but one of these with digits and signs around it is refused.
var guessed = []string{
	"password", "passw0rd", "p@ssw0rd", "p@ssword", "admin", "administrator", "welcome", "letmein", "iloveyou", "qwerty", "qwertyui",
	"qwertyuiop", "asdfghjkl", "zxcvbnm", "1qaz2wsx", "1q2w3e4r5t", "abcdefgh", "abcdefghij", "abc", "abcd", "abcd1234", "changeme", "secret", "monkey",
	"dragon", "football", "baseball", "sunshine", "princess", "superman", "trustno", "master", "shadow", "michael", "woaini", "wodemima",
	"mima", "zhongguo", "beijing", "shanghai", "nihao", "test", "testtest", "guest", "root", "user", "login", "souk", "default", "company", "internet", "computer",
}

// CheckPassword refuses a password that is too short or long, that people guess first, or that holds the login.
// There is no rule about kinds of characters: they make passwords worse. spec: 01 §9
func CheckPassword(field, password, login string, into fault.Fields) {
	n := utf8.RuneCountInString(password)
	plain := strings.ToLower(password)
	name, _, _ := strings.Cut(strings.ToLower(login), "@")
	switch {
	case !utf8.ValidString(password):
		into.Add(field, "is not valid UTF-8")
	case n < MinPassword || n > MaxPassword:
		into.Add(field, "must have %d to %d characters", MinPassword, MaxPassword)
	case strings.ContainsRune(password, 0):
		into.Add(field, "must not hold the character U+0000")
	case login != "" && (plain == strings.ToLower(login) || len(name) >= 4 && strings.Contains(plain, name) && n < utf8.RuneCountInString(name)+8):
		into.Add(field, "must not be the login with a little added")
	case common(plain):
		into.Add(field, "is one of the first that people guess; take several words, or let your browser make one")
	}
}

// common tells whether a lower-case password is a guess: few different characters, a row of neighbours, or a word
// of the list inside digits and signs.
func common(plain string) bool {
	different := map[rune]bool{}
	step, runs := rune(0), 0
	var last rune
	for i, r := range []rune(plain) {
		different[r] = true
		if i > 0 {
			if d := r - last; d == step && (d == 1 || d == -1) {
				runs++
			}
			step = r - last
		}
		last = r
	}
	if len(different) < 4 || runs >= utf8.RuneCountInString(plain)-3 {
		return true
	}
	word := strings.Trim(plain, "0123456789!@#$%^&*()-_=+.,;:?/\\|~`'\"<>[]{} ")
	for _, g := range guessed {
		if word == g || plain == g || strings.Trim(plain, "!.#*@ ") == g || g+g == word {
			return true
		}
	}
	return word == "" && utf8.RuneCountInString(plain) < 14
}

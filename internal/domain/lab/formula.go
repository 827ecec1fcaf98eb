package lab

import (
	"fmt"
	"strconv"
	"strings"
)

// Formulas: a saved case keeps how a value is made, not only what it was, because a
// literal repetition fails honest sellers. They stand in braces. // spec: 02 §1.19
//
//	{uuid}              a fresh one with every call
//	{order}             the order of this round, with an id that no real order can have
//	{order new}         another one
//	{instance}          the instanceId that this round's newInstance was answered with
//	{expiry 1 month}    now plus a term (day, month, year), written as the protocol writes an end
//	{stamp}             now, as the kit writes it
//	{utc 60}            so many minutes ago, as usage records write it
//	{seal TEXT}         sealed with the key, as mobilePhone and email travel; {seal128 TEXT} with 128 bits
//	{base64 TEXT}       as saasExtendParams travel
//	{rsa TEXT}          encrypted with the seller's public key, as clientSecret travels

// Formula is one of them, read.
type Formula struct {
	Name string
	Arg  string
}

var bare = []string{"uuid", "order", "instance", "stamp"}

// parse reads what stands between braces; false is text that only looks like one.
func parse(inner string) (Formula, bool) {
	name, arg, has := strings.Cut(inner, " ")
	f := Formula{name, arg}
	switch name {
	case "order":
		return f, !has || arg == "new"
	case "utc":
		minutes, err := strconv.Atoi(arg)
		return f, has && err == nil && minutes >= 0 && minutes <= 30*24*60
	case "expiry":
		n, unit, ok := strings.Cut(arg, " ")
		count, err := strconv.Atoi(n)
		return f, ok && err == nil && count > 0 && count <= 120 && (unit == "day" || unit == "month" || unit == "year")
	case "seal", "seal128", "base64", "rsa":
		return f, has && arg != ""
	}
	for _, b := range bare {
		if name == b {
			return f, !has
		}
	}
	return f, false
}

// Expand replaces the formulas of a value. One that makes something of a text, such as
// seal or base64, is the whole value: its text may hold braces.
func Expand(value string, of func(Formula) (string, error)) (string, error) {
	if strings.HasPrefix(value, "{") && strings.HasSuffix(value, "}") {
		if f, ok := parse(value[1 : len(value)-1]); ok {
			return of(f)
		}
	}
	var out strings.Builder
	for rest := value; ; {
		open := strings.IndexByte(rest, '{')
		if open < 0 {
			out.WriteString(rest)
			return out.String(), nil
		}
		end := strings.IndexByte(rest[open:], '}')
		if end < 0 {
			out.WriteString(rest)
			return out.String(), nil
		}
		f, ok := parse(rest[open+1 : open+end])
		if !ok { // a brace of the text itself
			out.WriteString(rest[:open+1])
			rest = rest[open+1:]
			continue
		}
		text, err := of(f)
		if err != nil {
			return "", fmt.Errorf("{%s}: %w", rest[open+1:open+end], err)
		}
		out.WriteString(rest[:open])
		out.WriteString(text)
		rest = rest[open+end+1:]
	}
}

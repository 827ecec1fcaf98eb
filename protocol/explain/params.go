package explain

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/kit"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/wirejson"
)

// pair is one parameter: as it is signed, and as it stands on the wire.
type pair struct{ name, value, wire string }

// tokenRecipe is how an authToken is made.
type tokenRecipe struct {
	key, stamp string
	pairs      []pair
	less       func(a, b pair) int // nil: as they stand
	keyOf      func(key, stamp string) string
	digest     digest
	form       form
}

func (r tokenRecipe) text() string {
	pairs := slices.Clone(r.pairs)
	if r.less != nil {
		slices.SortStableFunc(pairs, r.less)
	}
	texts := make([]string, len(pairs))
	for i, p := range pairs {
		texts[i] = p.name + "=" + p.value
	}
	return strings.Join(texts, "&")
}

func (r tokenRecipe) sum() []byte { return r.digest.sum(r.keyOf(r.key, r.stamp), r.text()) }

func (r tokenRecipe) token() string { return r.form.write(r.sum()) }

func byName(a, b pair) int { return wirejson.CompareUTF16(a.name, b.name) }

func keyThenStamp(key, stamp string) string { return key + stamp }

// V1 recomputes the authToken of a query as it stands on the wire; an authToken inside
// is left out. As at every server, the first value of a name counts.
// spec: 10 §6.1
func V1(in Input) (Result, error) {
	query := strings.TrimPrefix(in.Query, "?")
	if strings.TrimSpace(query) == "" {
		return Result{}, &InputError{"query", "is empty", "give the part after the question mark, percent-encoded as on the wire"}
	}
	recipe := tokenRecipe{key: in.Key, less: byName, keyOf: keyThenStamp}
	seen := map[string]bool{}
	var inside []pair
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		n, errName := url.QueryUnescape(name)
		v, errValue := url.QueryUnescape(value)
		switch {
		case part == "" || errName == nil && seen[n]:
			continue
		case errName != nil || errValue != nil:
			return Result{}, &InputError{"query", "is not percent-encoded at " + strconv.Quote(part), "write a literal percent sign as %25"}
		case !utf8.ValidString(n + v):
			return Result{}, &InputError{"query", "is not UTF-8 at " + strconv.Quote(part), "percent-encode the UTF-8 bytes"}
		}
		seen[n] = true
		p := pair{n, v, value}
		if n == "authToken" {
			inside = append(inside, p)
			continue
		}
		if n == "timeStamp" {
			recipe.stamp = v
		}
		recipe.pairs = append(recipe.pairs, p)
	}
	if recipe.stamp == "" {
		return Result{}, &InputError{"query", "has no timeStamp", "timeStamp=yyyyMMddHHmmssSSS is part of the key and must be in the query"}
	}
	return recipe.explain(KindV1, in, inside), nil
}

// KitV1 recomputes the authToken header of a first-generation kit callback; the time
// stamp is the body's.
// spec: 13 §1.1, 10 §6.1
func KitV1(in Input) (Result, error) {
	params, err := kit.ParamsV1(in.Body)
	if err != nil {
		return Result{}, &InputError{"body", "has no V1 signature (" + err.Error() + ")", "one JSON object of texts, numbers and lists, each name once"}
	}
	recipe := tokenRecipe{key: in.Key, less: byName, keyOf: keyThenStamp}
	for _, p := range params {
		if p.Name == "timeStamp" {
			recipe.stamp = p.Value
		}
		recipe.pairs = append(recipe.pairs, pair{p.Name, p.Value, v1.Encode(p.Value)})
	}
	if recipe.stamp == "" {
		return Result{}, &InputError{"body", "has no timeStamp", "the member timeStamp, yyyyMMddHHmmssSSS, is part of the key"}
	}
	object, _ := wirejson.ParseObject(in.Body)
	var skipped []pair
	for _, m := range object.Members {
		if text := m.Value.Text; m.Value.Kind == wirejson.Null || m.Value.Kind == wirejson.String && strings.TrimSpace(text) == "" {
			skipped = append(skipped, pair{name: m.Name, value: text})
		}
	}
	return recipe.explain(KindKitV1, in, skipped), nil
}

func (r tokenRecipe) explain(kind Kind, in Input, besides []pair) Result {
	want := r.token()
	result := Result{Kind: kind, Want: want, Got: in.Got, Equal: in.Got == want, Steps: []Step{
		{"canonical", r.text()}, {"hmac key", r.keyOf(r.key, r.stamp)}, {"hmac hex", formHex.write(r.sum())}, {"authToken", want},
	}}
	if kind == KindV1 {
		result.Steps = append(result.Steps, Step{"authToken on the wire", v1.Encode(want)})
	}
	if in.Got != "" && !result.Equal {
		ways := append(tokenWays(in, r, besides), writing(func(r *tokenRecipe) (*form, *digest) { return &r.form, &r.digest })...)
		hit := func(r tokenRecipe) bool { return r.token() == in.Got }
		if result.Causes = search(r, ways, depthFor(len(r.text())), hit); len(result.Causes) == 0 {
			result.Causes = anyOrder(len(r.pairs), func(order []int) (string, bool) {
				wrong := r
				wrong.less, wrong.pairs = nil, make([]pair, len(order))
				for i, from := range order {
					wrong.pairs[i] = r.pairs[from]
				}
				return wrong.text(), hit(wrong)
			})
		}
	}
	return result
}

// values makes a mistake in every value.
func values(code Code, change func(p pair) string) way[tokenRecipe] {
	return way[tokenRecipe]{code, func(r tokenRecipe) (tokenRecipe, string) {
		r.pairs = slices.Clone(r.pairs)
		evidence := ""
		for i, p := range r.pairs {
			value := change(p)
			if value != p.value && evidence == "" {
				evidence = p.name + "=" + value
			}
			r.pairs[i].value = value
		}
		return r, evidence
	}}
}

func decoded(text string) string {
	if once, err := url.QueryUnescape(text); err == nil {
		return once
	}
	return text
}

// javaEncode is what java.net.URLEncoder makes of a text.
func javaEncode(s string) string {
	return strings.NewReplacer("~", "%7E", "%2A", "*").Replace(url.QueryEscape(s))
}

func questionMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxLatin1 {
			return '?'
		}
		return r
	}, s)
}

// tokenWays are the mistakes known of authToken. besides are parameters that the rule
// leaves out: authToken, or blank members of a body.
func tokenWays(in Input, base tokenRecipe, besides []pair) []way[tokenRecipe] {
	type recipe = tokenRecipe
	edit := func(code Code, change func(r *recipe) string) way[recipe] {
		return way[recipe]{code, func(r recipe) (recipe, string) { e := change(&r); return r, e }}
	}
	ways := []way[recipe]{
		values(URLEncoded, func(p pair) string { return p.wire }),
		values(URLEncoded, func(p pair) string { return javaEncode(p.value) }),
		values(URLEncoded, func(p pair) string { return url.QueryEscape(p.value) }),
		values(URLEncoded, func(p pair) string { return v1.Encode(p.value) }),
		values(PlusAsBlank, func(p pair) string { return strings.ReplaceAll(p.value, "+", " ") }),
		// The sender signed a plus and sent it bare, so that it arrived as a blank.
		values(PlusAsBlank, func(p pair) string {
			if literal, err := url.PathUnescape(p.wire); err == nil {
				return literal
			}
			return p.value
		}),
		values(DoubleEncoded, func(p pair) string { return decoded(p.value) }),
		values(DoubleEncoded, func(p pair) string { return v1.Encode(v1.Encode(p.value)) }),
		values(DoubleEncoded, func(p pair) string { return javaEncode(javaEncode(p.value)) }),
		values(Trimmed, func(p pair) string { return strings.TrimSpace(p.value) }),
		values(NotUTF8, func(p pair) string { return questionMarks(p.value) }),
		edit(EmptyDropped, func(r *recipe) string {
			gone := ""
			r.pairs = slices.DeleteFunc(slices.Clone(r.pairs), func(p pair) bool {
				if strings.TrimSpace(p.value) == "" {
					gone += p.name + "= "
					return true
				}
				return false
			})
			return strings.TrimSpace(gone)
		}),
		edit(Unsorted, func(r *recipe) string { r.less = nil; return "as received" }),
		edit(Unsorted, func(r *recipe) string {
			r.less = func(a, b pair) int { return strings.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) }
			return "a = A"
		}),
		edit(Unsorted, func(r *recipe) string { r.less = func(a, b pair) int { return byName(b, a) }; return "Z–A" }),
		edit(KeyWithoutTimestamp, func(r *recipe) string { r.keyOf = func(key, _ string) string { return key }; return r.key }),
		edit(SwappedKeyTimestamp, func(r *recipe) string {
			r.keyOf = func(key, stamp string) string { return stamp + key }
			return r.stamp + r.key
		}),
	}
	if len(base.stamp) == 17 {
		for _, c := range []struct {
			stamp      string
			everywhere bool // in the parameter too, not in the key alone
		}{{base.stamp[:14], true}, {base.stamp[:14], false}, {base.stamp[:14] + "000", true}, {base.stamp[:14] + "000", false}} {
			ways = append(ways, edit(Seconds, func(r *recipe) string {
				short := c.stamp
				if c.everywhere {
					r.pairs = slices.Clone(r.pairs)
					for i, p := range r.pairs {
						if p.name == "timeStamp" {
							r.pairs[i].value = short
						}
					}
				}
				r.stamp = short
				return "timeStamp=" + short
			}))
		}
	}
	if len(besides) > 0 {
		code := AuthTokenIncluded
		if besides[0].name != "authToken" {
			code = EmptyKept
		}
		ways = append(ways, edit(code, func(r *recipe) string {
			r.pairs = append(slices.Clone(r.pairs), besides...)
			return besides[0].name + "=" + besides[0].value
		}))
		if code == EmptyKept {
			ways = append(ways, edit(code, func(r *recipe) string {
				r.pairs = slices.Clone(r.pairs)
				for _, p := range besides {
					if p.value == "" {
						p.value = "null"
					}
					r.pairs = append(r.pairs, p)
				}
				return besides[0].name + "=null"
			}))
		}
	}
	for _, p := range base.pairs {
		ways = append(ways, edit(LeftOut, func(r *recipe) string {
			r.pairs = slices.DeleteFunc(slices.Clone(r.pairs), func(q pair) bool { return q.name == p.name })
			return p.name
		}))
	}
	for _, other := range in.Others {
		ways = append(ways, edit(WrongKeyClass, func(r *recipe) string { r.key = other.Key; return other.Class }))
	}
	return ways
}

// writing are the mistakes in making and writing the bytes of a base64 signature; at
// points to the recipe's form and digest.
func writing[T any](at func(*T) (*form, *digest)) []way[T] {
	var ways []way[T]
	write := func(code Code, f form, evidence string) {
		ways = append(ways, way[T]{code, func(r T) (T, string) { w, _ := at(&r); *w = f; return r, evidence }})
	}
	write(HexForBase64, formHex, "hex")
	write(HexForBase64, formUpperHex, "HEX")
	write(HexForBase64, formBase64Hex, "base64(hex)")
	write(OtherBase64, formBase64URL, "- _")
	write(OtherBase64, formBase64Bare, "=")
	write(PlusAsBlank, formPlusBlank, "+")
	write(DoubleEncoded, formEscaped, "%2B %2F %3D")
	write(DoubleEncoded, formEscapedMore, "%252B %252F %253D")
	return append(ways, digests(at)...)
}

// digests are the mistakes in choosing the function.
func digests[T any](at func(*T) (*form, *digest)) []way[T] {
	var ways []way[T]
	for d, evidence := range map[digest]string{digestPlain: "SHA-256(text)", digestKeyFirst: "SHA-256(key + text)", digestSHA1: "HMAC-SHA-1"} {
		ways = append(ways, way[T]{NotHMAC, func(r T) (T, string) { _, f := at(&r); *f = d; return r, evidence }})
	}
	return ways
}

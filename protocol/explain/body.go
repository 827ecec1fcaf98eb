package explain

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/usagepush"
	"github.com/souk-market/souk/protocol/wirejson"
)

func byMember(members []wirejson.Member, compare func(a, b string) int) []wirejson.Member {
	sorted := slices.Clone(members)
	slices.SortStableFunc(sorted, func(a, b wirejson.Member) int { return compare(a.Name, b.Name) })
	return sorted
}

// inner is what stands for the body in the signed text of V2 and kit.
type inner int

const (
	innerHMAC inner = iota // lower-case hex of the HMAC of the body: the basic rule
	innerBody              // the body itself: the kit rule
	innerSHA256
	innerBase64
)

// bodyRecipe is how a signature over a body is made, of whatever kind.
type bodyRecipe struct {
	kind              Kind
	key, nonce, stamp string
	body              []byte
	inner             inner
	upperInner        bool
	parts             string // order of k(ey), n(once), t(imestamp), b(ody)
	digest            digest
	form              form
	macKey            string // instead of key
}

func (r bodyRecipe) innerText() string {
	text := ""
	switch r.inner {
	case innerBody:
		return string(r.body)
	case innerSHA256:
		text = hex.EncodeToString(digestPlain.sum("", string(r.body)))
	case innerBase64:
		return base64.StdEncoding.EncodeToString(digestHMAC.sum(r.key, string(r.body)))
	default:
		text = hex.EncodeToString(digestHMAC.sum(r.key, string(r.body)))
	}
	if r.upperInner {
		return strings.ToUpper(text)
	}
	return text
}

func (r bodyRecipe) text() string {
	if r.kind == KindBody {
		return string(r.body)
	}
	var b strings.Builder
	for i, part := range r.parts {
		if r.kind == KindUsage && i > 0 {
			b.WriteByte('&')
		}
		switch part {
		case 'k':
			b.WriteString(r.key)
		case 'n':
			b.WriteString(r.label("nonce=") + r.nonce)
		case 't':
			b.WriteString(r.label("ts=") + r.stamp)
		case 'b':
			b.WriteString(r.label("body=") + r.innerText())
		}
	}
	return b.String()
}

func (r bodyRecipe) label(s string) string {
	if r.kind == KindUsage {
		return s
	}
	return ""
}

func (r bodyRecipe) sum() []byte {
	key := r.key
	if r.macKey != "" {
		key = r.macKey
	}
	return r.digest.sum(key, r.text())
}

func (r bodyRecipe) value() string { return r.form.write(r.sum()) }

// V2 recomputes the signature of a basic V2 call, of a licence call and of orderNotify.
// Upper and lower case are equal.
// spec: 11 §2
func V2(in Input) (Result, error) { return onStamped(KindV2, innerHMAC, in) }

// Kit recomputes the x-sign of a kit callback. Upper and lower case are equal.
// spec: 11 §2.1, 13 §1.2
func Kit(in Input) (Result, error) { return onStamped(KindKit, innerBody, in) }

func onStamped(kind Kind, body inner, in Input) (Result, error) {
	if err := in.stamped("timestamp"); err != nil {
		return Result{}, err
	}
	recipe := bodyRecipe{kind: kind, key: in.Key, nonce: in.Nonce, stamp: in.Timestamp, body: in.Body, inner: body, parts: "kntb", form: formUpperHex}
	return recipe.explain(in, strings.EqualFold), nil
}

// stamped checks what travels beside a body.
func (in Input) stamped(field string) error {
	switch {
	case in.Nonce == "":
		return &InputError{"nonce", "is missing", "give the nonce exactly as it travels"}
	case in.Timestamp == "":
		return &InputError{field, "is missing", "give the milliseconds since 1970 exactly as they travel, 13 digits"}
	}
	// Another number of digits is signed as it travels: the recomputation is of what was sent.
	if _, err := strconv.ParseUint(in.Timestamp, 10, 63); err != nil {
		return &InputError{field, "is " + strconv.Quote(in.Timestamp), "give digits only: milliseconds since 1970"}
	}
	return nil
}

// Body recomputes the Body-Sign of an answer. Got is the header's text or the bare
// value. Timestamp, if given, is the request's timeStamp, which does not belong in.
// spec: 10 §6.2
func Body(in Input) (Result, error) {
	recipe := bodyRecipe{kind: KindBody, key: in.Key, stamp: in.Timestamp, body: in.Body}
	shown := in.Got
	if bare, ok := v1.ParseBodySign(in.Got); ok {
		in.Got = bare
	}
	result := recipe.explain(in, equal)
	result.Got = shown
	if !result.Equal && in.Got != "" && strings.Contains(in.Got, "sign_type") {
		result.Causes = append([]Cause{{Code: BodySignForm, Evidence: visible(in.Got)}}, result.Causes...)
	}
	return result, nil
}

// Usage recomputes the signature of a usage push over the bytes as given. As at the
// receiver, the value over the sorted compact body is equal too.
// spec: 14 §2.1, 01 §8.4
func Usage(in Input) (Result, error) {
	if err := in.stamped("ts"); err != nil {
		return Result{}, err
	}
	recipe := bodyRecipe{kind: KindUsage, key: in.Key, nonce: in.Nonce, stamp: in.Timestamp, body: in.Body, inner: innerBody, parts: "tnb"}
	return recipe.explain(in, func(got, want string) bool {
		return usagepush.Matches(in.Key, in.Timestamp, in.Nonce, in.Body, got)
	}), nil
}

func equal(got, want string) bool { return got == want }

func (r bodyRecipe) explain(in Input, equals func(got, want string) bool) Result {
	want := r.value()
	result := Result{Kind: r.kind, Want: want, Got: in.Got, Equal: in.Got != "" && equals(in.Got, want)}
	result.Steps = append(result.Steps, Step{"body bytes", strconv.Itoa(len(r.body))})
	if r.kind == KindV2 {
		result.Steps = append(result.Steps, Step{"inner", r.innerText()})
	}
	if r.kind != KindBody {
		result.Steps = append(result.Steps, Step{"canonical", r.text()})
	}
	if r.form == formBase64 {
		result.Steps = append(result.Steps, Step{"hmac hex", formHex.write(r.sum())})
	}
	result.Steps = append(result.Steps, Step{"signature", want})
	if in.Got == "" || result.Equal {
		return result
	}
	hit := func(r bodyRecipe) bool { return r.value() == in.Got }
	if r.form == formUpperHex {
		hit = func(r bodyRecipe) bool {
			value := r.value()
			return value == in.Got || (r.form == formUpperHex) && strings.EqualFold(value, in.Got)
		}
	}
	if result.Causes = search(r, r.ways(in), depthFor(len(r.body)), hit); len(result.Causes) > 0 {
		return result
	}
	if object, err := wirejson.ParseObject(r.body); err == nil && len(r.body) <= deep {
		result.Causes = anyOrder(len(object.Members), func(order []int) (string, bool) {
			members := make([]wirejson.Member, len(order))
			for i, from := range order {
				members[i] = object.Members[from]
			}
			var b strings.Builder
			spelling{}.write(&b, wirejson.Value{Kind: wirejson.Object, Members: members})
			wrong := r
			wrong.body = []byte(b.String())
			return visible(b.String()), hit(wrong)
		})
	}
	return result
}

// ways are the mistakes known of signatures over a body.
func (r bodyRecipe) ways(in Input) []way[bodyRecipe] {
	edit := func(code Code, change func(r *bodyRecipe) string) way[bodyRecipe] {
		return way[bodyRecipe]{code, func(r bodyRecipe) (bodyRecipe, string) { e := change(&r); return r, e }}
	}
	ways := bodyWays(r.body, func(r bodyRecipe) []byte { return r.body }, func(r *bodyRecipe, b []byte) { r.body = b })
	for _, other := range in.Others {
		ways = append(ways, edit(WrongKeyClass, func(r *bodyRecipe) string { r.key = other.Key; return other.Class }))
	}
	at := func(r *bodyRecipe) (*form, *digest) { return &r.form, &r.digest }
	order := func(code Code, parts string) {
		ways = append(ways, edit(code, func(r *bodyRecipe) string { r.parts = parts; return visible(r.text()) }))
	}
	if r.stamp != "" && r.kind != KindBody {
		other := r.stamp[:max(0, len(r.stamp)-3)]
		if len(r.stamp) < 13 {
			other = r.stamp + "000"
		}
		for _, stamp := range []string{other, r.stamp[:max(0, len(r.stamp)-3)] + "000"} {
			ways = append(ways, edit(Seconds, func(r *bodyRecipe) string { r.stamp = stamp; return stamp }))
		}
	}
	switch r.kind {
	case KindBody:
		if r.stamp != "" {
			ways = append(ways, edit(KeyWithTimestamp, func(r *bodyRecipe) string { r.macKey = r.key + r.stamp; return r.macKey }))
		}
		return append(ways, writing(at)...)
	case KindUsage:
		order(SwappedNonceTimestamp, "ntb")
		order(NonceLeftOut, "tb")
		order(BodyFirst, "btn")
		ways = append(ways, edit(KeyWithTimestamp, func(r *bodyRecipe) string { r.macKey = r.key + r.stamp; return r.macKey }))
		return append(ways, writing(at)...)
	}
	order(SwappedNonceTimestamp, "ktnb")
	order(KeyLeftOut, "ntb")
	order(BodyFirst, "bknt")
	order(BodyFirst, "kbnt")
	order(NonceLeftOut, "ktb")
	set := func(code Code, to inner) {
		ways = append(ways, edit(code, func(r *bodyRecipe) string { r.inner = to; return visible(r.innerText()) }))
	}
	if r.kind == KindV2 {
		set(KitRule, innerBody)
		set(InnerPlainSHA256, innerSHA256)
	} else {
		set(KitPrehashed, innerHMAC)
		set(KitPrehashed, innerSHA256)
	}
	set(InnerBase64, innerBase64)
	ways = append(ways,
		edit(InnerUpper, func(r *bodyRecipe) string { r.upperInner = true; return visible(r.innerText()) }),
		edit(Base64ForHex, func(r *bodyRecipe) string { r.form = formBase64; return "base64" }),
		edit(Base64ForHex, func(r *bodyRecipe) string { r.form = formEscaped; return "base64, %2B" }),
	)
	return append(ways, digests(at)...)
}

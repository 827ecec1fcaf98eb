package explain

import (
	"bytes"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/aksk"
)

// callRecipe is how an SDK-HMAC-SHA256 signature is made.
type callRecipe struct {
	secret, date string
	parts        aksk.Parts
	body         []byte // when the payload line is its hash
	hashed       bool   // the payload line is the hash of body
	whole        bool   // the canonical request itself is signed, not its hash
	tight        bool   // no empty line behind the headers
	upper        bool   // hashes inside are upper case
	form         form
	digest       digest
}

func (r callRecipe) canonical() string {
	parts := r.parts
	if r.hashed {
		parts.Payload = hex.EncodeToString(digestPlain.sum("", string(r.body)))
	}
	if r.upper {
		parts.Payload = strings.ToUpper(parts.Payload)
	}
	text := parts.Canonical()
	if r.tight {
		text = strings.Replace(text, "\n\n"+strings.Join(parts.Signed, ";")+"\n", "\n"+strings.Join(parts.Signed, ";")+"\n", 1)
	}
	return text
}

func (r callRecipe) text() string {
	canonical := r.canonical()
	if r.whole {
		return aksk.Algorithm + "\n" + r.date + "\n" + canonical
	}
	text := aksk.StringToSign(r.date, canonical)
	if i := strings.LastIndexByte(text, '\n'); r.upper {
		text = text[:i] + strings.ToUpper(text[i:])
	}
	return text
}

func (r callRecipe) value() string { return r.form.write(r.digest.sum(r.secret, r.text())) }

// AKSK recomputes the Authorization of a call to the open APIs over the headers that
// the value found names, or over in.Signed when there is none to read.
// spec: 14 §6.1, §6.2
func AKSK(in Input) (Result, error) {
	if in.AccessKey == "" {
		return Result{}, &InputError{"ak", "is missing", "give the access key id"}
	}
	signed := make([]string, 0, len(in.Signed))
	for _, name := range in.Signed {
		signed = append(signed, strings.ToLower(name))
	}
	slices.Sort(signed)
	signed = slices.Compact(signed)
	auth, formError := aksk.Parse(in.Got)
	var early []Cause
	if formError == nil {
		if !slices.Contains(auth.SignedHeaders, "x-sdk-date") {
			early = append(early, Cause{Code: DateUnsigned, Evidence: strings.Join(auth.SignedHeaders, ";")})
		}
		if _, err := aksk.PartsOf(in.Request, auth.SignedHeaders); err != nil {
			early = append(early, Cause{Code: HeaderAbsent, Evidence: strings.Join(auth.SignedHeaders, ";")})
		} else {
			signed = auth.SignedHeaders
		}
		if auth.AccessKey != in.AccessKey {
			early = append(early, Cause{Code: AccessKeyDiffers, Evidence: auth.AccessKey})
		}
	} else if in.Got != "" {
		early = append(early, Cause{Code: AuthorizationForm, Evidence: visible(in.Got)})
	}
	date := ""
	for name, values := range in.Request.Header {
		if strings.EqualFold(name, "x-sdk-date") && len(values) == 1 {
			date = strings.TrimSpace(values[0])
		}
	}
	at, err := time.Parse(aksk.TimeFormat, date)
	if err != nil {
		return Result{}, &InputError{"date", "is " + `"` + date + `"`, "give the UTC time of x-sdk-date as YYYYMMDDTHHMMSSZ"}
	}
	parts, err := aksk.PartsOf(in.Request, signed)
	if err != nil {
		return Result{}, &InputError{"header", err.Error(), "x-sdk-content-sha256 is the body's hash or " + aksk.UnsignedPayload}
	}
	recipe := callRecipe{secret: in.Key, date: date, parts: parts, body: in.Request.Body, form: formHex}
	recipe.hashed = parts.Payload == hex.EncodeToString(digestPlain.sum("", string(in.Request.Body)))
	want := aksk.Algorithm + " Access=" + in.AccessKey + ", SignedHeaders=" + strings.Join(signed, ";") + ", Signature=" + recipe.value()
	result := Result{Kind: KindAKSK, Want: want, Got: in.Got, Steps: []Step{
		{"canonical", parts.Canonical()}, {"string to sign", recipe.text()}, {"signature", recipe.value()}, {"authorization", want},
	}}
	if in.Got == "" {
		return result, nil
	}
	result.Equal = formError == nil && len(early) == 0 && aksk.Matches(in.Request, auth, in.Key)
	if result.Equal {
		return result, nil
	}
	got := auth.Signature
	if formError != nil {
		got = signatureIn(in.Got)
	}
	result.Causes = early
	if recipe.value() != got {
		depth := depthFor(len(in.Request.Body))
		if len(early) > 0 {
			depth = 1 // what is named already is most often the whole story
		}
		found := search(recipe, recipe.ways(in, at), depth, func(r callRecipe) bool { return r.value() == got })
		result.Causes = append(result.Causes, found...)
	}
	return result, nil
}

// signatureIn takes the signature out of a malformed value.
func signatureIn(value string) string {
	if _, rest, found := strings.Cut(value, "Signature="); found {
		value = rest
	}
	return strings.Trim(value, " \t\r\n,")
}

// ways are the mistakes known of SDK-HMAC-SHA256.
// spec: 14 §6.2
func (r callRecipe) ways(in Input, at time.Time) []way[callRecipe] {
	edit := func(code Code, change func(r *callRecipe) string) way[callRecipe] {
		return way[callRecipe]{code, func(r callRecipe) (callRecipe, string) { e := change(&r); return r, e }}
	}
	rawPath, rawQuery, _ := strings.Cut(in.Request.Target, "?")
	line := func(code Code, change func(p *aksk.Parts) string) way[callRecipe] {
		return edit(code, func(r *callRecipe) string {
			r.parts.Headers, r.parts.Signed = slices.Clone(r.parts.Headers), slices.Clone(r.parts.Signed)
			return change(&r.parts)
		})
	}
	var ways []way[callRecipe]
	if r.hashed {
		ways = bodyWays(r.body, func(r callRecipe) []byte { return r.body }, func(r *callRecipe, b []byte) { r.body = bytes.Clone(b) })
	}
	for _, other := range in.Others {
		ways = append(ways, edit(WrongKeyClass, func(r *callRecipe) string { r.secret = other.Key; return other.Class }))
	}
	decodedPath, _ := url.PathUnescape(rawPath)
	for _, path := range []string{rawPath, decodedPath} {
		ways = append(ways, line(PathRaw, func(p *aksk.Parts) string { p.URI = strings.TrimSuffix(path, "/") + "/"; return p.URI }))
	}
	ways = append(ways,
		line(NoFinalSlash, func(p *aksk.Parts) string { p.URI = strings.TrimSuffix(p.URI, "/"); return p.URI }),
		line(QueryRaw, func(p *aksk.Parts) string { p.Query = rawQuery; return rawQuery }),
		line(QueryLeftOut, func(p *aksk.Parts) string { p.Query = ""; return "" }),
		line(MethodCase, func(p *aksk.Parts) string { p.Method = strings.ToLower(p.Method); return p.Method }),
		line(HeadersRaw, func(p *aksk.Parts) string {
			for i, name := range p.Signed {
				if values := headerValues(in.Request, name); len(values) == 1 && i < len(p.Headers) {
					p.Headers[i] = name + ":" + values[0]
				}
			}
			return strings.Join(p.Headers, `\n`)
		}),
		line(Unsorted, func(p *aksk.Parts) string {
			slices.Sort(p.Signed)
			slices.Sort(p.Headers)
			return strings.Join(p.Signed, ";")
		}),
		edit(NoEmptyLine, func(r *callRecipe) string { r.tight = true; return "" }),
		edit(NotHashed, func(r *callRecipe) string { r.whole = true; return "" }),
		edit(HexUpper, func(r *callRecipe) string { r.upper = true; return "" }),
		edit(Base64ForHex, func(r *callRecipe) string { r.form = formBase64; return "base64" }),
	)
	for _, layout := range []string{"2006-01-02T15:04:05Z", "20060102150405", "20060102", time.RFC1123} {
		date := at.Format(layout)
		ways = append(ways, edit(OtherDate, func(r *callRecipe) string { r.date = date; return date }))
	}
	local := at.Add(8 * time.Hour).Format(aksk.TimeFormat)
	ways = append(ways, edit(OtherDate, func(r *callRecipe) string { r.date = local; return local + " (+8 h)" }))
	return append(ways, digests(func(r *callRecipe) (*form, *digest) { return &r.form, &r.digest })...)
}

func headerValues(r aksk.Request, name string) []string {
	if name == "host" {
		return []string{r.Host}
	}
	for n, values := range r.Header {
		if strings.EqualFold(n, name) {
			return values
		}
	}
	return nil
}

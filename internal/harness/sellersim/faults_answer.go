package sellersim

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/wirejson"
)

func number(text string) wirejson.Value { return wirejson.Value{Kind: wirejson.Number, Text: text} }

var null = wirejson.Value{Kind: wirejson.Null}

func contentType(out *reply, value string) { out.header.Set("Content-Type", value) }

var answerFaults = group("Answers (the call is acted on)", []Fault{
	{Name: "html", Spec: "10 §12.5", Help: "a web page",
		signed: func(_ *exchange, out *reply, _ string) {
			contentType(out, "text/html;charset=utf-8")
			out.header.Del(v1.BodySignHeader)
			out.body = []byte("<!DOCTYPE html><html><body><h1>登录</h1></body></html>")
		}},
	{Name: "not-json", Spec: "10 §8.3", Help: "text that is not JSON, signed and called JSON",
		bytes: func(_ *exchange, out *reply, _ string) { out.body = []byte("success") }},
	{Name: "status201", Spec: "10 §12.5", Help: "HTTP 201 with a good body",
		signed: func(_ *exchange, out *reply, _ string) { out.status = http.StatusCreated }},
	{Name: "status", Value: "STATUS", Spec: "02 §2.10", Help: "this HTTP status with a good body",
		signed: func(_ *exchange, out *reply, value string) { out.status, _ = strconv.Atoi(value) }},
	{Name: "redirect", Spec: "10 §12.5", Help: "HTTP 302 to a place that would answer",
		signed: func(x *exchange, out *reply, _ string) {
			out.status = http.StatusFound
			out.header.Set("Location", *x.sim.seller.base.Load()+"/instances/redirected")
		}},
	{Name: "not-modified", Spec: "02 §1.1", Help: "HTTP 304 to a conditional request",
		signed: func(x *exchange, out *reply, _ string) {
			if x.r.Header.Get("If-None-Match") != "" || x.r.Header.Get("If-Modified-Since") != "" {
				out.status, out.body = http.StatusNotModified, nil
			}
		}},
	{Name: "huge", Spec: "10 §12.5", Help: "a resultMsg of 1 MB, signed along",
		shape: func(_ *exchange, out *reply, _ string) { out.object["resultMsg"] = strings.Repeat("x", 1<<20) }},
	{Name: "text-plain", Spec: "02 §1.10", Help: "the right body as text/plain",
		signed: func(_ *exchange, out *reply, _ string) { contentType(out, "text/plain;charset=UTF-8") }},
	{Name: "text-plain-without-accept", Spec: "02 §1.1", Help: "text/plain unless the request has an Accept header",
		signed: func(x *exchange, out *reply, _ string) {
			if x.r.Header.Get("Accept") == "" {
				contentType(out, "text/plain")
			}
		}},
	{Name: "latin1-without-accept", Spec: "02 §1.1", Help: "a Chinese resultMsg, ruined after signing unless Accept names UTF-8",
		shape: func(_ *exchange, out *reply, _ string) { out.object["resultMsg"] = "成功" },
		signed: func(x *exchange, out *reply, _ string) {
			if !strings.Contains(strings.ToLower(x.r.Header.Get("Accept")), "charset=utf-8") {
				contentType(out, "application/json;charset=ISO-8859-1")
				out.body = bytes.ReplaceAll(out.body, []byte("成功"), []byte("??"))
			}
		}},
	{Name: "json-in-charset", Spec: "02 §1.11", Help: "a body in GBK that says so, signed",
		bytes: func(_ *exchange, out *reply, _ string) {
			contentType(out, "application/json;charset=GBK")
			// "中" in GBK, at the end of resultMsg.
			out.body = bytes.Replace(out.body, []byte(`"resultMsg":"`), []byte("\"resultMsg\":\"\xd6\xd0"), 1)
		}},
	{Name: "bom", Spec: "02 §1.11", Help: "a byte order mark before the body, signed along",
		bytes: func(_ *exchange, out *reply, _ string) { out.body = append([]byte("\xEF\xBB\xBF"), out.body...) }},
	{Name: "newline", Spec: "10 §12.4", Help: "a newline behind the body, signed along: right",
		bytes: func(_ *exchange, out *reply, _ string) { out.body = append(out.body, '\n') }},
	{Name: "newline-unsigned", Spec: "10 §7.5", Help: "a newline behind the body, not signed: wrong",
		signed: func(_ *exchange, out *reply, _ string) { out.body = append(out.body, '\n') }},
	{Name: "trailing-comma", Spec: "10 §10", Help: "a comma before the last brace, signed along",
		bytes: func(_ *exchange, out *reply, _ string) {
			out.body = append(bytes.TrimSuffix(out.body, []byte("}")), ",}"...)
		}},
	{Name: "duplicate-name", Spec: "proof", Help: "resultCode twice, signed along",
		bytes: func(_ *exchange, out *reply, _ string) {
			out.body = append([]byte(`{"resultCode":"000005",`), bytes.TrimPrefix(out.body, []byte("{"))...)
		}},
	{Name: "no-result-code", Spec: "02 §1.11", Help: "no resultCode",
		shape: func(_ *exchange, out *reply, _ string) { delete(out.object, "resultCode") }},
	{Name: "empty-object", Spec: "02 §1.11", Help: "{}, signed",
		shape: func(_ *exchange, out *reply, _ string) { clear(out.object) }},
	{Name: "numbers", Spec: "02 §1.11", Help: "resultCode and encryptType as numbers: right",
		shape: func(_ *exchange, out *reply, _ string) {
			if code, ok := out.object["resultCode"].(string); ok {
				if n, err := strconv.Atoi(code); err == nil {
					out.object["resultCode"] = number(strconv.Itoa(n))
				}
			}
			if kind, ok := out.object["encryptType"].(string); ok {
				out.object["encryptType"] = number(kind)
			}
		}},
	{Name: "null-members", Spec: "02 §1.11", Help: "null for what is optional: right",
		shape: func(_ *exchange, out *reply, _ string) { out.object["resultMsg"], out.object["license"] = null, null }},
	{Name: "unknown-members", Spec: "02 §1.11", Help: "members that no document knows: right",
		shape: func(_ *exchange, out *reply, _ string) {
			out.object["data"], out.object["success"] = wirejson.Obj{"a": []any{1, "b"}}, true
		}},
	{Name: "surrogates", Spec: "02 §2.10", Help: "escaped surrogates, a lone one too: right",
		bytes: func(_ *exchange, out *reply, _ string) {
			out.body = bytes.Replace(out.body, []byte(`"resultMsg":"`), []byte(`"resultMsg":"\ud83d\ude00 \ud83d `), 1)
		}},
	{Name: "no-info", Spec: "02 §2.14", Help: "queryInstance answers 000000 without info",
		shape: func(_ *exchange, out *reply, _ string) { delete(out.object, "info") }},
	{Name: "extra-entries", Spec: "02 §2.15", Help: "queryInstance answers entries twice, and one that was not asked for",
		shape: func(_ *exchange, out *reply, _ string) {
			if info, ok := out.object["info"].([]any); ok {
				extra := wirejson.Obj{"instanceId": "not-asked-for", "appInfo": wirejson.Obj{"frontEndUrl": "https://example.com"}}
				out.object["info"] = append(append([]any{extra}, info...), info...)
			}
		}},
	{Name: "first-id-only", Spec: "02 §2.8", Help: "queryInstance answers the first id only",
		shape: func(_ *exchange, out *reply, _ string) {
			if info, ok := out.object["info"].([]any); ok && len(info) > 1 {
				out.object["info"] = info[:1]
			}
		}},
})

var signatureFaults = group("Body-Sign (V1)", []Fault{
	{Name: "wrong-signature", Spec: "10 §12.4", Help: "the signature of another key",
		signed: func(x *exchange, out *reply, _ string) {
			x.signatures(out, v1.MakeBodySign(x.sim.keyFor(x)+"x", out.body))
		}},
	{Name: "no-signature", Spec: "10 §8.3", Help: "no Body-Sign; a header bodySign instead",
		signed: func(x *exchange, out *reply, _ string) {
			if x.signs() {
				out.header["bodySign"] = out.header[v1.BodySignHeader]
				out.header.Del(v1.BodySignHeader)
			}
		}},
	{Name: "two-signatures-equal", Spec: "02 §1.12", Help: "two Body-Sign headers that say the same: right",
		signed: func(x *exchange, out *reply, _ string) {
			right := v1.MakeBodySign(x.sim.keyFor(x), out.body)
			x.signatures(out, right, strings.ReplaceAll(right, ", ", " ,"))
		}},
	{Name: "two-signatures-different", Spec: "02 §1.12", Help: "two Body-Sign headers that differ",
		signed: func(x *exchange, out *reply, _ string) {
			x.signatures(out, v1.MakeBodySign(x.sim.keyFor(x), out.body), v1.MakeBodySign(x.sim.keyFor(x), []byte("other")))
		}},
	{Name: "unquoted-signature", Spec: "10 §7.5", Help: "a Body-Sign without quotes",
		signed: func(x *exchange, out *reply, _ string) {
			x.signatures(out, strings.ReplaceAll(v1.MakeBodySign(x.sim.keyFor(x), out.body), `"`, ""))
		}},
	{Name: "sha1-signature", Spec: "10 §7.5", Help: "a Body-Sign whose sign_type is HMAC-SHA1",
		signed: func(x *exchange, out *reply, _ string) {
			x.signatures(out, strings.Replace(v1.MakeBodySign(x.sim.keyFor(x), out.body), "SHA256", "SHA1", 1))
		}},
	{Name: "lower-case-header", Spec: "10 §6.2", Help: "the header named body-sign: right",
		signed: func(x *exchange, out *reply, _ string) {
			if x.signs() {
				out.header["body-sign"] = out.header[v1.BodySignHeader]
				out.header.Del(v1.BodySignHeader)
			}
		}},
})

func (x *exchange) signatures(out *reply, values ...string) {
	if x.signs() {
		out.header[v1.BodySignHeader] = values
	}
}

var instanceFaults = group("Instance ids", []Fault{
	{Name: "no-instance-id", Spec: "10 §12.5", Help: "success without instanceId", shape: setID(func(*exchange) any { return nil })},
	{Name: "null-instance-id", Spec: "02 §1.11", Help: "success with instanceId null", shape: setID(func(*exchange) any { return null })},
	{Name: "long-instance-id", Spec: "10 §8.3", Help: "an instanceId of 65 characters",
		shape: setID(func(*exchange) any { return strings.Repeat("i", 65) })},
	{Name: "other-instance-id", Spec: "10 §2.4", Help: "the instanceId of another order, if there is one",
		shape: func(x *exchange, out *reply, _ string) {
			if id, found := x.sim.record.ofAnotherOrder(x.order); found && out.object["instanceId"] != nil {
				out.object["instanceId"] = id
			}
		}},
	{Name: "error-text-as-id", Spec: "02 §2.11", Help: "puts an error text into instanceId of failures",
		shape: func(_ *exchange, out *reply, _ string) {
			if out.object["resultCode"] != "000000" {
				out.object["instanceId"] = "failed: see the log"
			}
		}},
	{Name: "new-instance-id-each-time", Spec: "02 §2.12", Help: "makes a new instance for every newInstance"},
	{Name: "key-on-business-id", Spec: "02 §1.5", Help: "makes a new instance for every new businessId"},
	{Name: "same-instance-per-order", Spec: "02 §1.18", Help: "answers one instance for all billing items of an order"},
	{Name: "base64-ids", Spec: "02 §1.11", Help: "instance ids with +, / and =: right"},
	{Name: "license-only", Spec: "02 §1.14", Help: "getLicense answers license without instanceId",
		shape: func(_ *exchange, out *reply, _ string) {
			if out.object["license"] != nil {
				delete(out.object, "instanceId")
			}
		}},
})

func setID(value func(*exchange) any) func(*exchange, *reply, string) {
	return func(x *exchange, out *reply, _ string) {
		if out.object["instanceId"] == nil {
			return
		}
		if v := value(x); v != nil {
			out.object["instanceId"] = v
			return
		}
		delete(out.object, "instanceId")
	}
}

var credentialFaults = group("Entry information", []Fault{
	{Name: "plain-credentials", Spec: "10 §6.3", Help: "userName and password not encrypted", shape: eachSecret(func(_ *exchange, text string) string { return text })},
	{Name: "encrypt-type-2", Spec: "10 §12.9", Help: "encrypts with 128 bits and says so: right",
		shape: func(x *exchange, out *reply, _ string) {
			eachSecret(func(x *exchange, text string) string { return x.seal(sealed.AES128, text) })(x, out, "")
			out.setEncryptType("2")
		}},
	{Name: "encrypt-type-wrong", Spec: "02 §1.17", Help: "encrypts with 256 bits and says 128",
		shape: func(_ *exchange, out *reply, _ string) { out.setEncryptType("2") }},
	{Name: "encrypt-type-absent", Spec: "10 §12.9", Help: "encrypts with 256 bits and says nothing: right",
		shape: func(_ *exchange, out *reply, _ string) { delete(out.object, "encryptType") }},
	{Name: "null-encrypt-type", Spec: "02 §2.15", Help: "encryptType null: right",
		shape: func(_ *exchange, out *reply, _ string) { out.object["encryptType"] = null }},
	{Name: "long-credentials", Spec: "10 §2.4", Help: "a password of 80 bytes",
		shape: eachSecret(func(x *exchange, _ string) string {
			if !x.v1() {
				return strings.Repeat("a", 129)
			}
			return x.seal(x.sim.options.Bits, strings.Repeat("a", 80))
		})},
	{Name: "undecryptable", Spec: "10 §12.9", Help: "credentials that no key opens",
		shape: eachSecret(func(*exchange, string) string {
			return "A1b2C3d4E5f6G7h8" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 15))
		})},
	{Name: "not-text", Spec: "02 §1.17", Help: "credentials that decrypt to bytes that are no text",
		shape: eachSecret(func(x *exchange, _ string) string {
			// Flipping a bit of the initial vector flips it in the first byte of the text.
			wire := []byte(x.seal(x.sim.options.Bits, "é"))
			wire[0] ^= 0x40
			return string(wire)
		})},
	{Name: "null-app-info", Spec: "02 §1.11", Help: "appInfo null: right",
		shape: func(_ *exchange, out *reply, _ string) { out.setApps(null) }},
	{Name: "no-app-info", Spec: "10 §2.4", Help: "no appInfo: right",
		shape: func(_ *exchange, out *reply, _ string) { out.setApps(nil) }},
	{Name: "null-entry", Spec: "02 §1.11", Help: "an appInfo whose members are null",
		shape: func(_ *exchange, out *reply, _ string) {
			out.setApps(wirejson.Obj{"frontEndUrl": null, "adminUrl": null, "userName": null, "password": null, "memo": null})
		}},
	{Name: "no-front-end-url", Spec: "02 §1.13", Help: "an appInfo without frontEndUrl",
		shape: func(_ *exchange, out *reply, _ string) {
			for _, app := range out.apps() {
				delete(app, "frontEndUrl")
			}
		}},
})

// seal encrypts, or panics: the texts here are constants that fit.
func (x *exchange) seal(bits sealed.Bits, text string) string {
	wire, err := sealed.Seal(x.sim.options.Key, bits, text, rand.Reader)
	if err != nil {
		panic(fmt.Sprintf("sealing failed: %v", err))
	}
	return wire
}

// holders are the objects that may have an appInfo.
func (r *reply) holders() []wirejson.Obj {
	all := []wirejson.Obj{r.object}
	if info, ok := r.object["info"].([]any); ok {
		for _, item := range info {
			if o, ok := item.(wirejson.Obj); ok {
				all = append(all, o)
			}
		}
	}
	return all
}

func (r *reply) apps() []wirejson.Obj {
	var all []wirejson.Obj
	for _, o := range r.holders() {
		if app, ok := o["appInfo"].(wirejson.Obj); ok {
			all = append(all, app)
		}
	}
	return all
}

func (r *reply) setApps(value any) {
	for _, o := range r.holders() {
		if o["appInfo"] == nil {
			continue
		}
		if value == nil {
			delete(o, "appInfo")
		} else {
			o["appInfo"] = value
		}
	}
}

func (r *reply) setEncryptType(value string) {
	if r.object["encryptType"] != nil {
		r.object["encryptType"] = value
	}
}

// eachSecret replaces user names and passwords, given in clear.
func eachSecret(replace func(x *exchange, text string) string) func(*exchange, *reply, string) {
	return func(x *exchange, out *reply, _ string) {
		for _, app := range out.apps() {
			for _, name := range []string{"userName", "password"} {
				text, ok := app[name].(string)
				if !ok {
					continue
				}
				if x.v1() {
					if clear, err := sealed.Open(x.sim.options.Key, x.sim.options.Bits, text); err == nil {
						text = clear
					}
				}
				app[name] = replace(x, text)
			}
		}
	}
}

package doctor

import (
	"crypto/tls"
	"errors"
	"fmt"
	"slices"

	"github.com/souk-market/souk/internal/engine/outbound"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// aspect collects what the answers of a run say about one aspect.
type aspect struct {
	seen, wrong int
	first       *reply
	Text
}

func (p *player) aspectID(name string) string { return string(p.o.Protocol) + ".answer." + name }

// aspectOf names the aspect that a finding belongs to.
func aspectOf(f finding) string {
	switch f.reason {
	case production.ReasonUnreachable:
		return "connect"
	case production.ReasonTimeout:
		return "in-time"
	case production.ReasonStatus:
		return "status"
	case production.ReasonRedirect:
		return "redirect"
	case production.ReasonTooLarge:
		return "size"
	case production.ReasonContentType:
		return "content-type"
	case production.ReasonBodySignMissing:
		return "sign-present"
	case production.ReasonBodySignForm:
		return "sign-form"
	case production.ReasonBodySignValue:
		return "sign-value"
	case production.ReasonBodySignAmbiguous:
		return "sign-one"
	case production.ReasonBOM, production.ReasonUTF8:
		return "utf8"
	case production.ReasonJSON:
		return "json"
	case production.ReasonDuplicate:
		return "names"
	case production.ReasonNoResultCode:
		return "result-code"
	case production.ReasonFieldType:
		return "types"
	case production.ReasonFieldLength:
		if f.field == "userName" || f.field == "password" {
			return "credential-length"
		}
		return "lengths"
	}
	return "result-code"
}

// examine counts an answer under every aspect; p.mu is held.
func (p *player) examine(x *reply, a outbound.Answer) {
	var wrong []string
	note := func(name string, t Text) {
		s := p.aspects[p.aspectID(name)]
		if s == nil {
			s = &aspect{}
			p.aspects[p.aspectID(name)] = s
		}
		if s.wrong++; s.first == nil {
			s.first, s.Text = x, t
		}
		wrong = append(wrong, name)
	}
	for i, f := range x.reasons {
		if i > 0 && slices.Contains(fatal, f.reason) {
			break // an unreadable answer has one defect: the first that was found
		}
		note(aspectOf(f), p.describe(f, a))
	}
	if limit := p.limit(); !x.answer.TimedOut && x.answer.TransportErr == nil && a.Duration > limit/2 {
		note("half-time", sayf("用时 %d 毫秒", "it took %d ms", a.Duration.Milliseconds()))
	}
	if p.o.Protocol != V1 && p.o.Protocol != Kit && a.Reason == "" && !x.answer.IsJSONContentType() {
		note("content-type", sayf("Content-Type 是 %q", "the content type is %q", x.answer.Header("Content-Type")))
	}
	if signs := x.answer.Header(v1.BodySignHeader); p.o.Protocol != V1 && p.o.Protocol != Kit && len(signs) > 0 && a.Reason == "" {
		if _, reason, _ := v1.VerifyBodySign(signs, a.Body, p.o.Key); reason != production.ReasonNone {
			note("body-sign", sayf("Body-Sign 不正确（%s）", "the Body-Sign is wrong (%s)", reason))
		}
	}
	for _, r := range p.rules {
		if r.aspect {
			s := p.aspects[r.ID]
			if s == nil {
				s = &aspect{}
				p.aspects[r.ID] = s
			}
			s.seen++
		}
	}
}

func sayf(zh, en string, args ...any) Text {
	return Text{fmt.Sprintf(zh, args...), fmt.Sprintf(en, args...)}
}

// describe says what is wrong with an answer.
func (p *player) describe(f finding, a outbound.Answer) Text {
	why := a.Reason
	if a.Err != nil {
		why += ": " + a.Err.Error()
	}
	switch f.reason {
	case production.ReasonUnreachable:
		if speaksHTTP2(a.ReceivedBytes) || a.Reason == outbound.ReasonTLS && a.Err != nil && isProtocolAlert(a.Err) {
			return Text{"服务器只讲 HTTP/2；平台使用 HTTP/1.1", "the server speaks HTTP/2 only; the marketplace speaks HTTP/1.1"}
		}
		return sayf("没有得到应答（%s）", "no answer (%s)", why)
	case production.ReasonTimeout:
		return sayf("%s 内没有完整的应答", "no complete answer within %s", p.limit())
	case production.ReasonStatus:
		return sayf("HTTP 状态是 %d", "the HTTP status is %d", a.Status)
	case production.ReasonRedirect:
		return sayf("HTTP 状态是 %d，指向 %q；平台不跟随重定向", "the HTTP status is %d, to %q; redirects are not followed", a.Status, a.Header.Get("Location"))
	case production.ReasonTooLarge:
		return sayf("应答超过 %d 字节（%s）", "the answer is longer than %d bytes (%s)", production.MaxBody, why)
	case production.ReasonContentType:
		return sayf("Content-Type 是 %q", "the content type is %q", a.Header.Values("Content-Type"))
	case production.ReasonBodySignMissing:
		return Text{"应答没有 Body-Sign 头", "the answer has no Body-Sign header"}
	case production.ReasonBodySignForm:
		return sayf("Body-Sign 的写法不对：%q", "the Body-Sign is malformed: %q", a.Header.Values(v1.BodySignHeader))
	case production.ReasonBodySignValue:
		return Text{"Body-Sign 与应答的原始字节及密钥不符", "the Body-Sign does not fit the answer's exact bytes and the key"}
	case production.ReasonBodySignAmbiguous:
		return Text{"有多个互不相同的 Body-Sign 头", "there are several Body-Sign headers that differ"}
	case production.ReasonBOM:
		return Text{"应答以字节顺序标记（BOM）开头", "the answer begins with a byte order mark"}
	case production.ReasonUTF8:
		return Text{"应答不是 UTF-8", "the answer is not UTF-8"}
	case production.ReasonJSON:
		return Text{"应答不是一个 JSON 对象", "the answer is not one JSON object"}
	case production.ReasonDuplicate:
		return sayf("成员 %q 出现两次", "member %q occurs twice", f.field)
	case production.ReasonNoResultCode:
		return Text{"应答没有 resultCode", "the answer has no resultCode"}
	case production.ReasonFieldType:
		return sayf("%s 的类型不对", "%s is of the wrong type", f.field)
	case production.ReasonFieldLength:
		return sayf("%s 太长", "%s is too long", f.field)
	}
	return sayf("%s %s", "%s %s", f.reason, f.field)
}

// isProtocolAlert tells whether the server knows none of the protocols offered in the
// handshake.
func isProtocolAlert(err error) bool {
	const noApplicationProtocol = tls.AlertError(120)
	alert, ok := errors.AsType[tls.AlertError](err)
	return ok && alert == noApplicationProtocol
}

package doctor

import (
	"strings"
	"time"

	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// Bad calls of V1. The chapters make a seller that verifies nothing a matter of
// warnings, so none of these is a must. // spec: 02 §1.20, 02 §1.16
var rulesV1Bad = []Rule{
	{ID: "v1.bad.token", Level: Should, Section: "02 §1.20, 10 §5", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"newInstance，authToken 用另一密钥计算", "newInstance with an authToken made with another key"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.bad1(tweak1{token: func(right string) string { return strings.Map(rot, right) }}))
		}},
	{ID: "v1.bad.no-token", Level: Should, Section: "02 §1.20, 10 §5", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"newInstance，没有 authToken", "newInstance without authToken"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.bad1(tweak1{token: func(string) string { return "" }}))
		}},
	{ID: "v1.bad.tampered", Level: Should, Section: "02 §1.20, 10 §6.1", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"newInstance，签名之后又加入一个参数", "newInstance with a parameter added after signing"},
		Expected: Text{"不应答 000000：全部参数参加验签", "anything but 000000: every parameter is verified"},
		check: func(p *player) *problem {
			return p.refuses(p.bad1(tweak1{after: []v1.Param{{Name: "trialFlag", Value: "1"}}}))
		}},
	{ID: "v1.bad.activity", Level: Should, Section: "10 §5", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"未知的 activity（签名正确）", "an unknown activity, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.sendV1("doctorUnknown", []v1.Param{{Name: "activity", Value: "doctorUnknown"}, {Name: "instanceId", Value: "doctor"}, {Name: "testFlag", Value: "1"}}, tweak1{manner: manner{bad: true}}))
		}},
	{ID: "v1.bad.missing", Level: Should, Section: "10 §5, 10 §2.2", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"newInstance，缺少 orderId（签名正确）", "newInstance without orderId, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.bad1(tweak1{drop: []string{"orderId"}})) }},
	{ID: "v1.bad.instance", Level: Should, Section: "10 §5, 02 §1.16, 10 §8.1", needs: []string{"v1.release"},
		Sent:     Text{"从未存在的 instanceId 的 releaseInstance", "releaseInstance for an instanceId that never was"},
		Expected: Text{"应答 000003；调试调用（testFlag=1）也可以是 000000", "000003; debugging calls (testFlag=1) may also get 000000"},
		check: func(p *player) *problem {
			return p.unknownInstance(p.callV1(v1.ReleaseInstance{InstanceID: p.business(), OrderID: p.order()}, tweak1{manner: manner{bad: true}}))
		}},
	{ID: "v1.bad.form", Level: Should, Section: "10 §6.2, 10 §1.1", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"（以上被拒绝的调用）", "(the refused calls above)"},
		Expected: Text{"拒绝也是 HTTP 200、JSON、带签名的应答", "refusals are HTTP 200, JSON and signed too"},
		check: func(p *player) *problem {
			for _, x := range p.refused {
				if len(x.reasons) > 0 {
					why := aspectOf(x.reasons[0])
					return broken("拒绝的应答不符合 answer."+why, "a refusal breaks answer."+why, x)
				}
			}
			return nil
		}},
	{ID: "v1.bad.replay", Level: Should, Section: "10 §2.5", needs: []string{"v1.new.mode", "v1.repeat.new-business-id"},
		Sent:     Text{"完全相同的 newInstance 请求再发一次（重放）", "the very same bytes of a newInstance call again (a replay)"},
		Expected: Text{"不产生新的实例：原来的 instanceId，或失败", "no new instance: the same instanceId, or a failure"},
		check: func(p *player) *problem {
			n, t := p.orderV1(p.mode()), tweak1{at: time.Now()}
			first := p.ordered(n, t)
			if x := p.callV1(n, t); x.succeeded() {
				return p.same(first, x)
			}
			return nil
		}},
	{ID: "v1.bad.stale", Level: Note, Section: "10 §1.3", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"newInstance，timeStamp 是 10 分钟前（签名正确）", "newInstance with a timeStamp 10 minutes old, rightly signed"},
		Expected: Text{"V1 没有规定时间窗；拒绝旧的调用可防重放", "V1 has no time window; refusing old calls keeps replays out"},
		check: func(p *player) *problem {
			if x := p.bad1(tweak1{age: 10 * time.Minute}); x.succeeded() {
				return broken("旧的调用被接受", "the old call was accepted", x)
			}
			return nil
		}},
}

// rulesV1Restart comes last: a seller that forgets would fail what follows, too.
var rulesV1Restart = []Rule{
	{ID: "v1.repeat.restart", Level: Must, Section: "10 §2.5", needs: []string{"v1.repeat.new-business-id"}, restart: true,
		Sent:     Text{"newInstance，重启商家服务器，再重复", "newInstance, a restart of the seller's server, the repetition"},
		Expected: Text{"重启后仍是原来的 instanceId", "the same instanceId after the restart"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			first := p.ordered(n, tweak1{})
			if bad := p.restart(); bad != nil {
				return bad
			}
			return p.same(first, p.createV1(p.repeat(n), tweak1{}))
		}},
}

// bad1 is a creation that is wrong in one way.
func (p *player) bad1(t tweak1) *reply {
	t.bad = true
	x := p.callV1(p.orderV1(p.mode()), t)
	if !x.succeeded() && t.age == 0 {
		p.refused = append(p.refused, x)
	}
	return x
}

// refuses expects anything but success: no answer and other statuses refuse as well.
func (p *player) refuses(x *reply) *problem {
	if !x.succeeded() {
		return nil
	}
	return broken("应答 000000：调用没有被检验", "000000: the call was not examined", x)
}

// rot spoils a token without changing its form.
func rot(r rune) rune {
	switch {
	case r >= 'a' && r < 'z', r >= 'A' && r < 'Z', r >= '0' && r < '9':
		return r + 1
	}
	return r
}

package doctor

import (
	"bytes"
	"time"

	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Bad calls of V2. Sellers that do not verify get warnings, not failures.
// spec: 02 §2.18
var rulesV2Bad = []Rule{
	{ID: "v2.bad.signature", Level: Should, Section: "02 §2.18, 11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，signature 错误", "newInstance with a wrong signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.bad2(tweak2{query: spoil})) }},
	{ID: "v2.bad.no-signature", Level: Should, Section: "02 §2.18, 11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，没有 signature", "newInstance without signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.bad2(tweak2{query: without("signature")})) }},
	{ID: "v2.bad.tampered", Level: Should, Section: "02 §2.18, 11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，签名之后改动正文", "newInstance whose body was changed after signing"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.bad2(tweak2{rewrite: func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"businessId":"d`), []byte(`"businessId":"e`), 1)
			}}))
		}},
	{ID: "v2.bad.stale", Level: Should, Section: "02 §2.18, 11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，timestamp 是 10 分钟前（签名正确）", "newInstance with a timestamp 10 minutes old, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.bad2(tweak2{age: 10 * time.Minute})) }},
	{ID: "v2.bad.early", Level: Note, Section: "02 §2.3, 11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，timestamp 在 10 分钟之后（签名正确）", "newInstance with a timestamp 10 minutes ahead, rightly signed"},
		Expected: Text{"拒绝更安全；厂商样例不拒绝", "refusing is safer; the vendor's sample does not"},
		check: func(p *player) *problem {
			if x := p.bad2(tweak2{age: -10 * time.Minute}); x.succeeded() {
				return broken("提前的调用被接受", "the early call was accepted", x)
			}
			return nil
		}},
	{ID: "v2.bad.no-nonce", Level: Should, Section: "11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，没有 nonce 与 timestamp", "newInstance without nonce and timestamp"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.bad2(tweak2{query: func(url string) string { return without("nonce")(without("timestamp")(url)) }}))
		}},
	{ID: "v2.bad.replay", Level: Note, Section: "11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"同一 nonce 的调用再发一次", "a second call with the nonce of the first"},
		Expected: Text{"拒绝更安全；规范允许商家缓存 nonce 以防重放", "refusing is safer; a seller may keep nonces to refuse replays"},
		check: func(p *player) *problem {
			nonce := newNonce()
			p.createV2(p.orderV2(like(p.mode())), tweak2{nonce: nonce})
			if x := p.bad2(tweak2{nonce: nonce}); x.succeeded() {
				return broken("重放被接受", "the replay was accepted", x)
			}
			return nil
		}},
	{ID: "v2.bad.activity", Level: Should, Section: "11 §5", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"未知的 activity（签名正确）", "an unknown activity, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.postV2("doctorUnknown", []byte(`{"activity":"doctorUnknown","instanceId":"doctor","testFlag":"1"}`), tweak2{manner: manner{bad: true}}))
		}},
	{ID: "v2.bad.missing", Level: Should, Section: "11 §5, 11 §4.1", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，缺少 orderId（签名正确）", "newInstance without orderId, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.bad2(tweak2{drop: []string{"orderId"}})) }},
	{ID: "v2.bad.json", Level: Should, Section: "11 §5", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"正文不是 JSON（签名正确）", "a body that is not JSON, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.postV2(v2.ActivityNewInstance, []byte(`activity=newInstance`), tweak2{manner: manner{bad: true}}))
		}},
	{ID: "v2.bad.instance", Level: Should, Section: "11 §5, 02 §2.16, 11 §7", needs: []string{"v2.release"},
		Sent:     Text{"从未存在的 instanceId 的 releaseInstance", "releaseInstance for an instanceId that never was"},
		Expected: Text{"应答 000003；调试调用（testFlag=1）也可以是 000000", "000003; debugging calls (testFlag=1) may also get 000000"},
		check: func(p *player) *problem {
			return p.unknownInstance(p.callV2(v2.ReleaseInstance{InstanceID: p.business()}, tweak2{manner: manner{bad: true}}))
		}},
	{ID: "v2.bad.form", Level: Should, Section: "11 §1", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"（以上被拒绝的调用）", "(the refused calls above)"},
		Expected: Text{"拒绝也是 HTTP 200 与 JSON", "refusals are HTTP 200 and JSON too"},
		check: func(p *player) *problem {
			for _, x := range p.refused {
				if len(x.reasons) > 0 {
					why := aspectOf(x.reasons[0])
					return broken("拒绝的应答不符合 answer."+why, "a refusal breaks answer."+why, x)
				}
			}
			return nil
		}},
}

// rulesV2Restart comes last: a seller that forgets would fail what follows, too.
var rulesV2Restart = []Rule{
	{ID: "v2.repeat.restart", Level: Must, Section: "11 §4.1", needs: []string{"v2.repeat.new-business-id"}, restart: true,
		Sent:     Text{"newInstance，重启商家服务器，再重复", "newInstance, a restart of the seller's server, the repetition"},
		Expected: Text{"重启后仍是原来的 instanceId", "the same instanceId after the restart"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			first := p.ordered2(n, tweak2{})
			if bad := p.restart(); bad != nil {
				return bad
			}
			return p.same2(first, p.createV2(p.repeat2(n), tweak2{}))
		}},
}

// bad2 is a creation that is wrong in one way.
func (p *player) bad2(t tweak2) *reply {
	t.bad = true
	x := p.callV2(p.orderV2(like(p.mode())), t)
	if !x.succeeded() {
		p.refused = append(p.refused, x)
	}
	return x
}

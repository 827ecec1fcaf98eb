package doctor

import (
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Creations of V2 and what becomes of them. // spec: 11 §4.1–4.2
var rulesV2 = []Rule{
	{ID: "v2.new", Level: Must, Section: "11 §4.1, 11 §3",
		Sent:     Text{"newInstance（activity、orderId、orderLineId、businessId、testFlag）", "newInstance (activity, orderId, orderLineId, businessId, testFlag)"},
		Expected: Text{"应答 000000；开通较慢时可为 000004 并带 instanceId", "000000; slow creations may answer 000004 with an instanceId"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			x := p.createV2(n, tweak2{})
			p.created = append(p.created, x)
			if bad := made(x); bad != nil {
				p.ordersBlame()
				return bad
			}
			if x.verdict.InstanceID != "" {
				p.instances[p.mode()] = instance{order: n.OrderID, line: n.OrderLineID, id: x.verdict.InstanceID}
			}
			return nil
		}},
	{ID: "v2.new.instance-id", Level: Must, Section: "11 §4.1, 02 §2.11", needs: []string{"v2.new"},
		Sent:     Text{"（以上 newInstance）", "(the newInstance call above)"},
		Expected: Text{"成功的应答含 instanceId", "a success carries an instanceId"},
		check:    (*player).haveIDs},
	{ID: "v2.new.distinct", Level: Must, Section: "11 §4.1", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"不同订单的 newInstance", "newInstance for different orders"},
		Expected: Text{"不同订单的 instanceId 不同", "different orders get different instanceIds"},
		check: func(p *player) *problem {
			first := p.ordered2(p.orderV2(like(p.mode())), tweak2{})
			return p.differ(first, p.ordered2(p.orderV2(like(p.mode())), tweak2{}))
		}},
	{ID: "v2.new.lines", Level: Must, Section: "11 §4.1, 01 §2.5", needs: []string{"v2.new.distinct"},
		Sent:     Text{"同一 orderId、两个 orderLineId 的 newInstance", "newInstance for two orderLineIds of one orderId"},
		Expected: Text{"每个订单行得到自己的 instanceId", "each order line gets an instanceId of its own"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			first := p.ordered2(n, tweak2{})
			n.OrderLineID, n.BusinessID = n.OrderID+"-000002", p.business()
			return p.differ(first, p.ordered2(n, tweak2{}))
		}},
	{ID: "v2.repeat.new-business-id", Level: Must, Section: "11 §4.1", needs: []string{"v2.new.distinct"},
		Sent:     Text{"同一订单行的 newInstance 共 10 次，businessId 每次不同（打开 stableBusinessId 时相同）", "newInstance ten times for one order line, with a new businessId each time (the same one with stableBusinessId)"},
		Expected: Text{"每次都是 000000 和第一次的 instanceId", "000000 and the first instanceId each time"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			first := p.ordered2(n, tweak2{})
			for range 9 {
				n = p.repeat2(n)
				if bad := p.same2(first, p.createV2(n, tweak2{})); bad != nil {
					return bad
				}
			}
			return nil
		}},
	{ID: "v2.repeat.lost", Level: Must, Section: "11 §4.1, 02 §2.12", needs: []string{"v2.repeat.new-business-id"},
		Sent:     Text{"newInstance，发出后立即断开，再重复两次", "newInstance, broken off once it is sent, then repeated twice"},
		Expected: Text{"重复时被接受，且两次 instanceId 相同", "the repetitions are accepted with one instanceId"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			p.callV2(n, tweak2{manner: manner{breakOff: true}})
			p.afterBreak()
			x := p.createV2(p.repeat2(n), tweak2{})
			if bad := made(x); bad != nil {
				return bad
			}
			return p.same2(instance{id: x.verdict.InstanceID}, p.createV2(p.repeat2(n), tweak2{}))
		}},
	{ID: "v2.repeat.concurrent", Level: Must, Section: "11 §4.1", needs: []string{"v2.repeat.new-business-id"},
		Sent:     Text{"同一订单行的 newInstance 同时发出 10 个，然后再重复一次", "newInstance for one order line ten times at once, then once more"},
		Expected: Text{"所有成功的应答 instanceId 相同；之后的重复也得到它", "all successes carry one instanceId, and the repetition gets it too"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			all := p.atOnce(10, func() *reply { return p.callV2(p.repeat2(n), tweak2{}) })
			return p.oneInstance(append(all, p.createV2(p.repeat2(n), tweak2{})))
		}},
	{ID: "v2.query.ready", Level: Must, Section: "11 §4.2, 02 §2.13, 01 §2.2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"queryInstance，每隔一会儿查询，最多 15 秒", "queryInstance, asked again and again for at most 15 s"},
		Expected: Text{"最终应答 000000：实例开通完成", "in the end 000000: the instance is ready"},
		check: func(p *player) *problem {
			var state v2.PollState
			state, p.polled = p.ready(p.main(p.mode()).id)
			if state == v2.PollReady || p.polled.succeeded() {
				return nil
			}
			return broken("15 秒后仍是 "+p.polled.code(), "after 15 s it is still "+p.polled.code(), p.polled)
		}},
	{ID: "v2.query.entry", Level: Must, Section: "11 §4.2, 02 §2.14", needs: []string{"v2.query.ready"},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance calls above)"},
		Expected: Text{"info 中有所问 instanceId 的一项（打开“以其他方式交付使用信息”时可以没有）", "info has an entry with the instanceId asked for (not needed where usage data is delivered another way)"},
		check: func(p *player) *problem {
			if p.o.OtherWay || p.entry(p.polled, p.main(p.mode()).id) != nil {
				return nil
			}
			return broken("info 中没有所问的 instanceId", "info has no entry for the instanceId", p.polled)
		}},
	{ID: "v2.query.front-end-url", Level: Must, Section: "11 §4.2, 02 §2.14", needs: []string{"v2.query.entry"},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance calls above)"},
		Expected: Text{"appInfo 含 frontEndUrl（打开“以其他方式交付使用信息”时可以没有）", "appInfo holds a frontEndUrl (not needed where usage data is delivered another way)"},
		check: func(p *player) *problem {
			e := p.entry(p.polled, p.main(p.mode()).id)
			if p.o.OtherWay || e != nil && e.App != nil && e.App.FrontEndURL != "" {
				return nil
			}
			return broken("没有 appInfo.frontEndUrl", "there is no appInfo.frontEndUrl", p.polled)
		}},
	{ID: "v2.query.credentials", Level: Should, Section: "11 §4.2, 02 §2.15", needs: []string{"v2.query.entry"},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance calls above)"},
		Expected: Text{"userName、password 为明文；带 encryptType 时可以解密", "userName and password are plain text; with an encryptType they can be decrypted"},
		check: func(p *player) *problem {
			p.created = append(p.created, p.polled)
			return p.credentials()
		}},
	{ID: "v2.query.usage", Level: Must, Section: "11 §4.2", needs: []string{"v2.query.entry"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance calls above)"},
		Expected: Text{"若有 usageInfo，每项含 usageValue 与 statisticalTime", "a usageInfo, if there is one, has usageValue and statisticalTime in each entry"},
		check:    func(p *player) *problem { return usageWhole(p.polled) }},
	{ID: "v2.query.two", Level: Should, Section: "02 §2.8", needs: []string{"v2.query.entry", "v2.new.distinct"},
		Sent:     Text{"queryInstance（两个 instanceId，逗号分隔）", "queryInstance for two instanceIds, joined by a comma"},
		Expected: Text{"两项都有；否则平台每次只查一个", "both entries come; otherwise the marketplace asks for one at a time"},
		check: func(p *player) *problem {
			a, b := p.main(p.mode()), p.ordered2(p.orderV2(like(p.mode())), tweak2{})
			p.readied(b.id)
			ids := []string{a.id, b.id}
			return p.both(p.alive(p.callV2(v2.QueryInstance{InstanceIDs: ids}, tweak2{asked: ids})), a, b)
		}},
	{ID: "v2.values.long", Level: Must, Section: "11 §4.1, 02 §2.5", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"orderId、orderLineId、businessId 都为 64 个字符的 newInstance", "newInstance whose orderId, orderLineId and businessId have 64 characters"},
		Expected: Text{"被接受：规定的最大长度都能接受", "accepted: values of the greatest length are taken"},
		check: func(p *player) *problem {
			n := p.orderV2(like(p.mode()))
			id := fill(n.OrderID)
			if p.orders != nil {
				p.orders.play(id, like(p.mode()))
			}
			n.OrderID, n.OrderLineID, n.BusinessID = id, id[:57]+"-000001", fill(n.BusinessID)
			return made(p.createV2(n, tweak2{}))
		}},
	{ID: "v2.values.extra", Level: Should, Section: "11 §2", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"newInstance，多一个未知成员，值含中文与 <>&/'+ 等字符（已参加签名）", "newInstance with an unknown member that holds Chinese and <>&/'+ , signed along"},
		Expected: Text{"按原始正文（或等价重写）验签通过，未知成员被忽略", "verified over the raw body (or an equal rewriting), the unknown member is ignored"},
		check: func(p *player) *problem {
			return made(p.createV2(p.orderV2(like(p.mode())), tweak2{extra: wirejson.Obj{"doctorExtra": "中文 <b>&\"/'+%20 é 😀"}}))
		}},
}

package doctor

import (
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// The lives of V1 instances, in order. // spec: 10 §3, §9
var rulesV1Life = []Rule{
	{ID: "v1.refresh", Level: Must, Section: "10 §3.1", needs: []string{"v1.new.period", "v1.new.instance-id"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance：续费一个月（新 orderId，不带 productId 与 trialToFormal）", "refreshInstance: renewed for a month (new orderId, without productId and trialToFormal)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.renewal = p.renew1()
			return p.alive(p.callV1(p.renewal, tweak1{})).done()
		}},
	{ID: "v1.refresh.repeat", Level: Must, Section: "10 §3.1", needs: []string{"v1.refresh"}, modes: []Mode{Period},
		Sent:     Text{"同一续费订单再发一次", "the same renewal order again"},
		Expected: Text{"应答 000000，不重复延期", "000000, and no second extension"},
		check:    func(p *player) *problem { return p.alive(p.callV1(p.renewal, tweak1{})).done() }},
	{ID: "v1.refresh.product-id", Level: Must, Section: "10 §3.1", needs: []string{"v1.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance：改为包年，带新的 productId", "refreshInstance: changed to a year, with the new productId"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			r := p.renew1()
			r.ProductID, r.PeriodType = "DOCTOR-PRODUCT-YEAR", "year"
			return p.alive(p.callV1(r, tweak1{})).done()
		}},
	{ID: "v1.refresh.trial-to-formal", Level: Must, Section: "10 §3.1", needs: []string{"v1.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance：试用转正（trialToFormal=1，带 productId）", "refreshInstance: a trial becomes paid (trialToFormal=1, with productId)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			r := p.renew1()
			r.TrialToFormal, r.ProductID = true, "DOCTOR-PRODUCT-FORMAL"
			if p.trial.id != "" {
				r.InstanceID = p.trial.id
			}
			return p.alive(p.callV1(r, tweak1{})).done()
		}},
	{ID: "v1.refresh.cancel", Level: Must, Section: "10 §3.1", needs: []string{"v1.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance：取消续费（orderAmount 为负，expireTime 提前）", "refreshInstance: a renewal is cancelled (negative orderAmount, earlier expireTime)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			r := p.renew1()
			r.OrderAmount, r.ExpireTime = "-0.01", p.ends(1)
			return p.alive(p.callV1(r, tweak1{})).done()
		}},
	{ID: "v1.upgrade", Level: Should, Section: "10 §3.4", needs: []string{"v1.new.period", "v1.new.instance-id"}, modes: []Mode{Period},
		Sent:     Text{"upgrade：新规格与新总量（新 orderId）", "upgrade: a new specification and new totals (new orderId)"},
		Expected: Text{"应答 000000；规格可升级的商品必须支持", "000000; a must for products that can be upgraded"},
		check: func(p *player) *problem {
			p.growth = v1.Upgrade{InstanceID: p.main(Period).id, OrderID: p.order(), SKUCode: "doctor-sku-2", ProductID: "DOCTOR-PRODUCT-2", Quantity: v1.Quantity{Amount: 30}}
			return p.alive(p.callV1(p.growth, tweak1{})).done()
		}},
	{ID: "v1.upgrade.repeat", Level: Must, Section: "10 §3.4", needs: []string{"v1.upgrade"}, modes: []Mode{Period},
		Sent:     Text{"同一升级订单再发一次", "the same upgrade order again"},
		Expected: Text{"应答 000000，不重复升级", "000000, and no second upgrade"},
		check:    func(p *player) *problem { return p.alive(p.callV1(p.growth, tweak1{})).done() }},
	{ID: "v1.order.live-details", Level: Must, Section: "10 §2.5", needs: []string{"v1.refresh", "v1.repeat.new-business-id"}, modes: []Mode{Period},
		Sent:     Text{"续费之后，订购订单的 newInstance（买家查看资源详情）", "newInstance for the subscription's order after the renewal (the buyer opens the resource details)"},
		Expected: Text{"应答 000000 和原来的 instanceId", "000000 and the same instanceId"},
		check: func(p *player) *problem {
			n, i := p.orderV1(Period), p.main(Period)
			n.OrderID = i.order
			return p.same(i, p.createV1(n, tweak1{}))
		}},
	{ID: "v1.expire", Level: Must, Section: "10 §3.2", needs: []string{"v1.new.period", "v1.new.instance-id"}, modes: []Mode{Period},
		Sent:     Text{"expireInstance（订购订单的 orderId）", "expireInstance (with the orderId of the subscription)"},
		Expected: Text{"应答 000000，实例冻结、数据保留", "000000; the instance is frozen and keeps its data"},
		check: func(p *player) *problem {
			i := p.main(Period)
			return p.alive(p.callV1(v1.ExpireInstance{InstanceID: i.id, OrderID: i.order}, tweak1{})).done()
		}},
	{ID: "v1.expire.repeat", Level: Must, Section: "10 §3.2", needs: []string{"v1.expire"}, modes: []Mode{Period},
		Sent:     Text{"expireInstance 再发一次", "expireInstance again"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			i := p.main(Period)
			return p.alive(p.callV1(v1.ExpireInstance{InstanceID: i.id, OrderID: i.order}, tweak1{})).done()
		}},
	{ID: "v1.refresh.thaw", Level: Must, Section: "10 §3.2, 10 §9", needs: []string{"v1.refresh", "v1.expire"}, modes: []Mode{Period},
		Sent:     Text{"过期冻结后的 refreshInstance", "refreshInstance after expireInstance"},
		Expected: Text{"应答 000000，实例解冻", "000000; the instance is usable again"},
		check:    func(p *player) *problem { return p.alive(p.callV1(p.renew1(), tweak1{})).done() }},
	{ID: "v1.query", Level: Must, Section: "10 §3.6", needs: []string{"v1.new.instance-id"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"queryInstance（一个 instanceId）", "queryInstance for one instanceId"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.polled = p.alive(p.callV1(v1.QueryInstance{InstanceIDs: []string{p.main(p.metered()).id}}, tweak1{}))
			return p.polled.done()
		}},
	{ID: "v1.query.entry", Level: Must, Section: "10 §3.6", needs: []string{"v1.query"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance above)"},
		Expected: Text{"info 中有所问 instanceId 的一项", "info has an entry with the instanceId that was asked for"},
		check: func(p *player) *problem {
			if p.entry(p.polled, p.main(p.metered()).id) == nil {
				return broken("info 中没有所问的 instanceId", "info has no entry for the instanceId", p.polled)
			}
			return nil
		}},
	{ID: "v1.query.usage", Level: Must, Section: "10 §3.6, 10 §8.3", needs: []string{"v1.query.entry"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"（以上 queryInstance）", "(the queryInstance above)"},
		Expected: Text{"若有 usageInfo，每项含 usageValue 与 statisticalTime", "a usageInfo, if there is one, has usageValue and statisticalTime in each entry"},
		check:    func(p *player) *problem { return usageWhole(p.polled) }},
	{ID: "v1.query.two", Level: Should, Section: "10 §3.6", needs: []string{"v1.query.entry"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"queryInstance（两个 instanceId，逗号分隔）", "queryInstance for two instanceIds, joined by a comma"},
		Expected: Text{"两项都有", "both entries come"},
		check: func(p *player) *problem {
			a, b := p.main(p.metered()), p.ordered(p.orderV1(p.metered()), tweak1{})
			return p.both(p.alive(p.callV1(v1.QueryInstance{InstanceIDs: []string{a.id, b.id}}, tweak1{})), a, b)
		}},
	{ID: "v1.order.normal-first", Level: Should, Section: "10 §3.5", needs: []string{"v1.new.instance-id"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"instanceStatus=NORMAL，实例从未冻结", "instanceStatus=NORMAL for an instance that was never frozen"},
		Expected: Text{"应答 000000：状态调用可以重复", "000000: status calls may be repeated"},
		check: func(p *player) *problem {
			i := p.ordered(p.orderV1(p.metered()), tweak1{})
			return p.alive(p.callV1(v1.InstanceStatus{InstanceID: i.id, Status: v1.StatusNormal}, tweak1{})).done()
		}},
	{ID: "v1.status.freeze", Level: Must, Section: "10 §3.5", needs: []string{"v1.new.instance-id"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"instanceStatus=FREEZE", "instanceStatus=FREEZE"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.status1(v1.StatusFreeze) }},
	{ID: "v1.status.repeat", Level: Must, Section: "10 §3.5", needs: []string{"v1.status.freeze"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"instanceStatus=FREEZE 再发一次", "instanceStatus=FREEZE again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.status1(v1.StatusFreeze) }},
	{ID: "v1.status.normal", Level: Must, Section: "10 §3.5", needs: []string{"v1.status.freeze"}, modes: []Mode{PerUse, Package},
		Sent:     Text{"instanceStatus=NORMAL", "instanceStatus=NORMAL"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.status1(v1.StatusNormal) }},
	{ID: "v1.release", Level: Must, Section: "10 §3.3", needs: []string{"v1.new.instance-id"},
		Sent:     Text{"releaseInstance（订购订单的 orderId）", "releaseInstance (with the orderId of the subscription)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.release1() }},
	{ID: "v1.release.repeat", Level: Must, Section: "10 §3.3", needs: []string{"v1.release"},
		Sent:     Text{"releaseInstance 再发一次", "releaseInstance again"},
		Expected: Text{"应答 000000，不重复释放", "000000, and nothing is released twice"},
		check:    func(p *player) *problem { return p.release1() }},
	{ID: "v1.release.frozen", Level: Must, Section: "10 §9, 10 §3.3", needs: []string{"v1.release", "v1.expire", "v1.new.distinct"}, modes: []Mode{Period},
		Sent:     Text{"另一实例：expireInstance，然后 releaseInstance（保留期满）", "another instance: expireInstance, then releaseInstance (retention is over)"},
		Expected: Text{"应答 000000：冻结的实例可以释放", "000000: a frozen instance can be released"},
		check: func(p *player) *problem {
			i := p.ordered(p.orderV1(Period), tweak1{})
			if bad := p.alive(p.callV1(v1.ExpireInstance{InstanceID: i.id, OrderID: i.order}, tweak1{})).done(); bad != nil {
				return bad
			}
			return p.alive(p.callV1(v1.ReleaseInstance{InstanceID: i.id, OrderID: i.order}, tweak1{})).done()
		}},
	{ID: "v1.order.refresh-released", Level: Should, Section: "10 §5, 02 §1.16, 10 §8.1", needs: []string{"v1.release", "v1.refresh"}, modes: []Mode{Period},
		Sent:     Text{"释放之后的 refreshInstance", "refreshInstance after the release"},
		Expected: Text{"应答 000003；调试调用（testFlag=1）也可以是 000000", "000003; debugging calls (testFlag=1) may also get 000000"},
		check: func(p *player) *problem {
			x := p.callV1(p.renew1(), tweak1{manner: manner{bad: true}})
			return p.unknownInstance(x)
		}},
	{ID: "v1.order.after-release", Level: Should, Section: "10 §2.5", needs: []string{"v1.release"},
		Sent:     Text{"释放之后，同一订单的 newInstance", "newInstance for the same order after its release"},
		Expected: Text{"不产生新的实例：原来的 instanceId，或失败", "no new instance: the same instanceId, or a failure"},
		check: func(p *player) *problem {
			n, i := p.orderV1(p.mode()), p.main(p.mode())
			n.OrderID = i.order
			if x := p.createV1(n, tweak1{}); x.succeeded() && x.verdict.InstanceID != i.id {
				return broken("返回了另一个 instanceId", "another instanceId was answered", x)
			}
			return nil
		}},
}

func (p *player) renew1() v1.RefreshInstance {
	return v1.RefreshInstance{OrderID: p.order(), InstanceID: p.main(Period).id, ExpireTime: p.ends(2), PeriodType: "month", PeriodNumber: 1, OrderAmount: "0.01"}
}

func (p *player) status1(status string) *problem {
	return p.alive(p.callV1(v1.InstanceStatus{InstanceID: p.main(p.metered()).id, Status: status}, tweak1{})).done()
}

func (p *player) release1() *problem {
	i := p.main(p.mode())
	return p.alive(p.callV1(v1.ReleaseInstance{InstanceID: i.id, OrderID: i.order, OrderAmount: "0.01"}, tweak1{})).done()
}

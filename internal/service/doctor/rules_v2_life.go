package doctor

import (
	"time"

	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// The life of a V2 instance, in order. // spec: 11 §4.3–4.7, §9
var rulesV2Life = []Rule{
	{ID: "v2.refresh", Level: Must, Section: "11 §4.3", needs: []string{"v2.query.ready"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance，scene=RENEWAL（新订单）", "refreshInstance with scene=RENEWAL (a new order)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.renewal2 = p.renew2(v2.SceneRenewal, likeRenew)
			return p.alive(p.callV2(p.renewal2, tweak2{})).done()
		}},
	{ID: "v2.refresh.repeat", Level: Must, Section: "11 §4.3, 11 §7", needs: []string{"v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"同一续费订单再发一次", "the same renewal order again"},
		Expected: Text{"应答 000000，不重复延期", "000000, and no second extension"},
		check:    func(p *player) *problem { return p.alive(p.callV2(p.renewal2, tweak2{})).done() }},
	{ID: "v2.refresh.product-id", Level: Must, Section: "11 §4.3", needs: []string{"v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance，scene=RENEWAL，周期类型改变，带新的 productId", "refreshInstance with scene=RENEWAL and the productId of another period type"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			r := p.renew2(v2.SceneRenewal, likeRenew)
			r.ProductID = "DOCTOR-PRODUCT-YEAR"
			return p.alive(p.callV2(r, tweak2{})).done()
		}},
	{ID: "v2.refresh.trial-to-formal", Level: Must, Section: "11 §4.3", needs: []string{"v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"试用订单的 newInstance，然后 refreshInstance，scene=TRIAL_TO_FORMAL", "newInstance for a trial order, then refreshInstance with scene=TRIAL_TO_FORMAL"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			x := p.createV2(p.orderV2(likeTrial), tweak2{})
			if made(x) != nil || x.verdict.InstanceID == "" {
				panic(unjudged{Text: Text{"试用订单被拒绝", "the trial order was refused"}})
			}
			id := x.verdict.InstanceID
			p.readied(id)
			r := p.renew2(v2.SceneTrialToFormal, likeFormal)
			r.InstanceID, r.ProductID = id, "DOCTOR-PRODUCT-FORMAL"
			return p.alive(p.callV2(r, tweak2{})).done()
		}},
	{ID: "v2.refresh.cancel", Level: Must, Section: "11 §4.3, 02 §2.17", needs: []string{"v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance，scene=UNSUBSCRIBE_RENEWAL_PERIOD（退续费）", "refreshInstance with scene=UNSUBSCRIBE_RENEWAL_PERIOD (a renewal is cancelled)"},
		Expected: Text{"应答 000000，使用期回到 expireTime", "000000; the term goes back to expireTime"},
		check: func(p *player) *problem {
			return p.alive(p.callV2(p.renew2(v2.SceneUnsubscribeRenewal, likeCancel), tweak2{})).done()
		}},
	{ID: "v2.refresh.cancel-keeps", Level: Must, Section: "02 §2.17, 11 §9", needs: []string{"v2.refresh.cancel"}, modes: []Mode{Period},
		Sent:     Text{"退续费之后的 queryInstance", "queryInstance after a renewal was cancelled"},
		Expected: Text{"实例仍然存在：退续费不结束使用", "the instance is still there: cancelling a renewal does not end it"},
		check: func(p *player) *problem {
			id := p.main(Period).id
			x := p.alive(p.callV2(v2.QueryInstance{InstanceIDs: []string{id}}, tweak2{asked: []string{id}}))
			if p.pollState(id, x) != v2.PollReady && !x.succeeded() {
				return broken("实例不再存在："+x.code(), "the instance is gone: "+x.code(), x)
			}
			return nil
		}},
	{ID: "v2.refresh.change", Level: Should, Section: "11 §4.3, 02 §2.17", needs: []string{"v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"refreshInstance，scene=RENEWAL_CHANGE（续费变更）", "refreshInstance with scene=RENEWAL_CHANGE (a change upon renewal)"},
		Expected: Text{"应答 000000；否则平台不提供续费变更", "000000; otherwise changes upon renewal are not offered"},
		check: func(p *player) *problem {
			return p.alive(p.callV2(p.renew2(v2.SceneRenewalChange, likeRenew), tweak2{})).done()
		}},
	{ID: "v2.check", Level: Note, Section: "11 §4.7, 02 §2.6", needs: []string{"v2.query.ready"}, modes: []Mode{Period},
		Sent:     Text{"changeInstanceCheck，productInfo 先用对象，再用字符串", "changeInstanceCheck with productInfo as object, then as text"},
		Expected: Text{"其中一种应答 000000；否则平台不提供续费变更", "one of them answers 000000; otherwise changes upon renewal are not offered"},
		check: func(p *player) *problem {
			c := v2.ChangeInstanceCheck{InstanceID: p.main(Period).id, Product: v2.ProductInfo{SKUCode: "doctor-sku-2", ProductID: "DOCTOR-PRODUCT-2", LinearValue: 20}}
			x := p.callV2(c, tweak2{manner: manner{bad: true}})
			if x.succeeded() {
				return nil
			}
			c.AsString = true
			return p.callV2(c, tweak2{manner: manner{bad: true}}).done()
		}},
	{ID: "v2.upgrade", Level: Should, Section: "11 §4.6", needs: []string{"v2.query.ready"}, modes: []Mode{Period},
		Sent:     Text{"upgradeInstance（新订单）", "upgradeInstance (a new order)"},
		Expected: Text{"应答 000000；规格可升级的商品必须支持", "000000; a must for products that can be upgraded"},
		check: func(p *player) *problem {
			n := p.orderV2(likeChange)
			p.growth2 = v2.UpgradeInstance{InstanceID: p.main(Period).id, OrderID: n.OrderID, OrderLineID: n.OrderLineID}
			return p.alive(p.callV2(p.growth2, tweak2{})).done()
		}},
	{ID: "v2.upgrade.repeat", Level: Must, Section: "11 §4.6", needs: []string{"v2.upgrade"}, modes: []Mode{Period},
		Sent:     Text{"同一升级订单再发一次", "the same upgrade order again"},
		Expected: Text{"应答 000000，不重复升级", "000000, and no second upgrade"},
		check:    func(p *player) *problem { return p.alive(p.callV2(p.growth2, tweak2{})).done() }},
	{ID: "v2.order.unfreeze-first", Level: Should, Section: "11 §4.4, 11 §7", needs: []string{"v2.query.ready", "v2.new.distinct"}, modes: []Mode{Period, PerUse},
		Sent:     Text{"status=UNFREEZE，实例从未冻结", "status=UNFREEZE for an instance that was never frozen"},
		Expected: Text{"应答 000000：状态调用可以重复", "000000: status calls may be repeated"},
		check: func(p *player) *problem {
			i := p.ordered2(p.orderV2(like(p.mode())), tweak2{})
			return p.alive(p.callV2(v2.UpdateInstanceStatus{InstanceID: i.id, Status: v2.StatusUnfreeze}, tweak2{})).done()
		}},
	{ID: "v2.status.freeze", Level: Must, Section: "11 §4.4, 11 §3", needs: []string{"v2.query.ready"}, modes: []Mode{Period, PerUse},
		Sent:     Text{"updateInstanceStatus，status=FREEZE", "updateInstanceStatus with status=FREEZE"},
		Expected: Text{"应答 000000，实例冻结、数据保留", "000000; the instance is frozen and keeps its data"},
		check:    func(p *player) *problem { return p.status2(v2.StatusFreeze) }},
	{ID: "v2.status.repeat", Level: Must, Section: "11 §4.4, 11 §7", needs: []string{"v2.status.freeze"}, modes: []Mode{Period, PerUse},
		Sent:     Text{"FREEZE 再发一次", "FREEZE again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.status2(v2.StatusFreeze) }},
	{ID: "v2.refresh.frozen", Level: Must, Section: "11 §9", needs: []string{"v2.refresh", "v2.status.freeze"}, modes: []Mode{Period},
		Sent:     Text{"冻结期间的 refreshInstance，scene=RENEWAL", "refreshInstance with scene=RENEWAL while frozen"},
		Expected: Text{"应答 000000：宽限期内可以续费", "000000: a frozen instance can be renewed"},
		check: func(p *player) *problem {
			return p.alive(p.callV2(p.renew2(v2.SceneRenewal, likeRenew), tweak2{})).done()
		}},
	{ID: "v2.status.unfreeze", Level: Must, Section: "11 §4.4", needs: []string{"v2.status.freeze"}, modes: []Mode{Period, PerUse},
		Sent:     Text{"updateInstanceStatus，status=UNFREEZE", "updateInstanceStatus with status=UNFREEZE"},
		Expected: Text{"应答 000000，实例恢复使用", "000000; the instance is usable again"},
		check:    func(p *player) *problem { return p.status2(v2.StatusUnfreeze) }},
	{ID: "v2.release", Level: Must, Section: "11 §4.5", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"releaseInstance（退订订单的 orderId、orderLineId）", "releaseInstance (with the ids of the unsubscription order)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			n := p.orderV2(likeCancel)
			p.ending2 = v2.ReleaseInstance{InstanceID: p.main(p.mode()).id, OrderID: n.OrderID, OrderLineID: n.OrderLineID}
			return p.alive(p.callV2(p.ending2, tweak2{})).done()
		}},
	{ID: "v2.release.repeat", Level: Must, Section: "11 §4.5", needs: []string{"v2.release"},
		Sent:     Text{"releaseInstance 再发一次", "releaseInstance again"},
		Expected: Text{"应答 000000，不重复释放", "000000, and nothing is released twice"},
		check:    func(p *player) *problem { return p.alive(p.callV2(p.ending2, tweak2{})).done() }},
	{ID: "v2.release.bare", Level: Must, Section: "11 §4.5", needs: []string{"v2.release", "v2.new.distinct"},
		Sent:     Text{"另一实例的 releaseInstance，不带 orderId（到期释放）", "releaseInstance for another instance without orderId (its term is over)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			i := p.ordered2(p.orderV2(like(p.mode())), tweak2{})
			return p.alive(p.callV2(v2.ReleaseInstance{InstanceID: i.id}, tweak2{})).done()
		}},
	{ID: "v2.release.frozen", Level: Must, Section: "11 §9, 11 §4.5", needs: []string{"v2.release", "v2.status.freeze", "v2.new.distinct"}, modes: []Mode{Period, PerUse},
		Sent:     Text{"另一实例：FREEZE，然后 releaseInstance（保留期满）", "another instance: FREEZE, then releaseInstance (retention is over)"},
		Expected: Text{"应答 000000：冻结的实例可以释放", "000000: a frozen instance can be released"},
		check: func(p *player) *problem {
			i := p.ordered2(p.orderV2(like(p.mode())), tweak2{})
			p.readied(i.id)
			if bad := p.alive(p.callV2(v2.UpdateInstanceStatus{InstanceID: i.id, Status: v2.StatusFreeze}, tweak2{})).done(); bad != nil {
				return bad
			}
			n := p.orderV2(likeCancel)
			return p.alive(p.callV2(v2.ReleaseInstance{InstanceID: i.id, OrderID: n.OrderID, OrderLineID: n.OrderLineID}, tweak2{})).done()
		}},
	{ID: "v2.order.refresh-released", Level: Should, Section: "11 §5, 02 §2.16, 11 §7", needs: []string{"v2.release", "v2.refresh"}, modes: []Mode{Period},
		Sent:     Text{"释放之后的 refreshInstance", "refreshInstance after the release"},
		Expected: Text{"应答 000003；调试调用（testFlag=1）也可以是 000000", "000003; debugging calls (testFlag=1) may also get 000000"},
		check: func(p *player) *problem {
			return p.unknownInstance(p.callV2(p.renew2(v2.SceneRenewal, likeRenew), tweak2{manner: manner{bad: true}}))
		}},
	{ID: "v2.order.after-release", Level: Should, Section: "11 §4.1, 02 §2.12", needs: []string{"v2.release"},
		Sent:     Text{"释放之后，同一订单行的 newInstance", "newInstance for the same order line after its release"},
		Expected: Text{"不产生新的实例：原来的 instanceId，或失败", "no new instance: the same instanceId, or a failure"},
		check: func(p *player) *problem {
			i := p.main(p.mode())
			n := v2.NewInstance{OrderID: i.order, OrderLineID: i.line, BusinessID: p.business()}
			if x := p.createV2(n, tweak2{}); x.succeeded() && x.verdict.InstanceID != i.id {
				return broken("返回了另一个 instanceId", "another instanceId was answered", x)
			}
			return nil
		}},
}

func (p *player) renew2(scene, like string) v2.RefreshInstance {
	n := p.orderV2(like)
	return v2.RefreshInstance{Scene: scene, OrderID: n.OrderID, OrderLineID: n.OrderLineID, InstanceID: p.main(Period).id, ExpireTime: v2.ExpireTime(time.Now().AddDate(0, 2, 0))}
}

func (p *player) status2(status string) *problem {
	return p.alive(p.callV2(v2.UpdateInstanceStatus{InstanceID: p.main(p.mode()).id, Status: status}, tweak2{})).done()
}

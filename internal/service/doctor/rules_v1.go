package doctor

import (
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// Creations of V1. // spec: 10 §2
var rulesV1 = []Rule{
	{ID: "v1.new.period", Level: Must, Section: "10 §2.2, 10 §1.2", modes: []Mode{Period},
		Sent:     Text{"newInstance，包周期（chargingMode=1，按月，1 期）", "newInstance for a period (chargingMode=1, one month)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.create1(Period) }},
	{ID: "v1.new.one-time", Level: Must, Section: "10 §2.2, 10 §1.2", modes: []Mode{OneTime},
		Sent:     Text{"newInstance，按次（chargingMode=3，无 expireTime）", "newInstance for a one-time product (chargingMode=3, no expireTime)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.create1(OneTime) }},
	{ID: "v1.new.pay-per-use", Level: Must, Section: "10 §2.2, 10 §1.2", modes: []Mode{PerUse},
		Sent:     Text{"newInstance，按需（chargingMode=0，无 expireTime）", "newInstance for pay-per-use (chargingMode=0, no expireTime)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.create1(PerUse) }},
	{ID: "v1.new.package", Level: Must, Section: "10 §2.2, 10 §1.2", modes: []Mode{Package},
		Sent:     Text{"newInstance，按需套餐包（chargingMode=5，有 expireTime）", "newInstance for a package (chargingMode=5, with expireTime)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.create1(Package) }},
	{ID: "v1.new.instance-id", Level: Must, Section: "10 §2.4",
		Sent:     Text{"（以上 newInstance）", "(the newInstance calls above)"},
		Expected: Text{"成功的应答都含 instanceId", "every success carries an instanceId"},
		check:    (*player).haveIDs},
	{ID: "v1.new.front-end-url", Level: Must, Section: "02 §1.13, 10 §2.4", needs: []string{"v1.new.instance-id"},
		Sent:     Text{"（以上 newInstance）", "(the newInstance calls above)"},
		Expected: Text{"若有 appInfo，则含 frontEndUrl", "an appInfo, if there is one, holds a frontEndUrl"},
		check: func(p *player) *problem {
			for _, x := range p.created {
				if x.verdict.App != nil && x.verdict.App.FrontEndURL == "" {
					return broken("appInfo 中没有 frontEndUrl", "appInfo has no frontEndUrl", x)
				}
			}
			return nil
		}},
	{ID: "v1.new.app-info", Level: Note, Section: "02 §1.13", needs: []string{"v1.new.instance-id"},
		Sent:     Text{"（以上 newInstance）", "(the newInstance calls above)"},
		Expected: Text{"应答含 appInfo，买家可在资源详情中看到入口", "the answer has an appInfo, so that the buyer sees the entry page"},
		check: func(p *player) *problem {
			for _, x := range p.created {
				if x.succeeded() && x.verdict.App == nil {
					return broken("没有 appInfo：买家只能从别处得到入口", "no appInfo: the buyer has to learn of the entry page otherwise", x)
				}
			}
			return nil
		}},
	{ID: "v1.new.credentials", Level: Should, Section: "10 §6.3, 10 §2.4", needs: []string{"v1.new.instance-id"},
		Sent:     Text{"（以上 newInstance）", "(the newInstance calls above)"},
		Expected: Text{"userName、password 可用 accessKey 派生的密钥解开（encryptType 1、2 或缺省），否则买家看不到", "userName and password open with the key derived from the accessKey (encryptType 1, 2 or absent), or the buyer sees nothing"},
		check:    (*player).credentials},
	{ID: "v1.new.distinct", Level: Must, Section: "10 §2.4", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"不同订单的 newInstance", "newInstance for different orders"},
		Expected: Text{"不同订单的 instanceId 不同", "different orders get different instanceIds"},
		check: func(p *player) *problem {
			first, second := p.orderV1(p.mode()), p.orderV1(p.mode())
			return p.differ(p.ordered(first, tweak1{}), p.ordered(second, tweak1{}))
		}},
	{ID: "v1.new.billing-items", Level: Must, Section: "02 §1.18, 10 §2.5", needs: []string{"v1.new.pay-per-use", "v1.new.distinct"}, modes: []Mode{PerUse},
		Sent:     Text{"同一 orderId、两个 productId 的按需 newInstance", "pay-per-use newInstance for two productIds under one orderId"},
		Expected: Text{"两个计费项各得一个 instanceId", "each billing item gets an instanceId of its own"},
		check: func(p *player) *problem {
			n := p.orderV1(PerUse)
			first := p.ordered(n, tweak1{})
			n.ProductID, n.BusinessID = "DOCTOR-PRODUCT-2", p.business()
			return p.differ(first, p.ordered(n, tweak1{}))
		}},
	// Debugging only warns of sellers that key on businessId, because a product switch puts
	// up with them (02 §1.5, §1.20). Without the switch they make a second instance of every
	// order that is repeated, so here it is a must, judged as the switch stands.
	{ID: "v1.repeat.new-business-id", Level: Must, Section: "10 §2.5, 02 §1.5", needs: []string{"v1.new.distinct"},
		Sent:     Text{"同一订单的 newInstance 共 10 次，businessId 每次不同（打开 stableBusinessId 时相同）", "newInstance ten times for one order, with a new businessId each time (the same one with stableBusinessId)"},
		Expected: Text{"每次都是 000000 和第一次的 instanceId", "000000 and the first instanceId each time"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			first := p.ordered(n, tweak1{})
			for range 9 {
				n = p.repeat(n)
				if bad := p.same(first, p.createV1(n, tweak1{})); bad != nil {
					return bad
				}
			}
			return nil
		}},
	{ID: "v1.repeat.lost", Level: Must, Section: "10 §2.5, 01 §2.3", needs: []string{"v1.repeat.new-business-id"},
		Sent:     Text{"newInstance，发出后立即断开，再重复两次", "newInstance, broken off once it is sent, then repeated twice"},
		Expected: Text{"重复时为 000000，且两次 instanceId 相同", "the repetitions answer 000000 and the same instanceId"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			p.callV1(n, tweak1{manner: manner{breakOff: true}})
			p.afterBreak()
			x := p.createV1(p.repeat(n), tweak1{})
			if bad := x.done(); bad != nil {
				return bad
			}
			return p.same(instance{id: x.verdict.InstanceID}, p.createV1(p.repeat(n), tweak1{}))
		}},
	{ID: "v1.repeat.concurrent", Level: Must, Section: "10 §2.5", needs: []string{"v1.repeat.new-business-id"},
		Sent:     Text{"同一订单的 newInstance 同时发出 10 个，然后再重复一次", "newInstance for one order ten times at once, then once more"},
		Expected: Text{"所有成功的应答 instanceId 相同；之后的重复也得到它", "all successes carry one instanceId, and the repetition gets it too"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			all := p.atOnce(10, func() *reply { return p.callV1(p.repeat(n), tweak1{}) })
			return p.oneInstance(append(all, p.createV1(p.repeat(n), tweak1{})))
		}},
}

// create1 plays the creation of a billing mode and keeps its instance.
func (p *player) create1(m Mode) *problem {
	n := p.orderV1(m)
	x := p.createV1(n, tweak1{})
	p.created = append(p.created, x)
	if bad := x.done(); bad != nil {
		return bad
	}
	if x.verdict.InstanceID != "" {
		p.instances[m] = instance{order: n.OrderID, id: x.verdict.InstanceID, product: n.ProductID}
	}
	return nil
}

// Values and forms of V1 calls. // spec: 10 §2.2, §6.1
var rulesV1Calls = []Rule{
	{ID: "v1.values.plus", Level: Must, Section: "10 §6.1", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"authToken 与 email 密文含“+”的 newInstance（编码为 %2B）", `newInstance whose authToken and sealed email hold "+" (sent as %2B)`},
		Expected: Text{"只解码一次，“+”保持为“+”，应答 000000", `decoded once, "+" stays "+": 000000`},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			n.Email = p.seal("doctor+test@example.com", true)
			return p.createV1(n, tweak1{plus: true}).done()
		}},
	{ID: "v1.values.reserved", Level: Should, Section: "02 §1.20, 10 §12.2", needs: []string{"v1.values.plus"},
		Sent:     Text{"customerName 为 上海 A&B=C+公司/100%'~*（中文、空格与保留字符）", "customerName 上海 A&B=C+公司/100%'~* (Chinese, a blank, reserved characters)"},
		Expected: Text{"按解码后的值验签通过，应答 000000", "the signature is checked over the decoded values: 000000"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			n.CustomerName = "上海 A&B=C+公司/100%'~*"
			return p.createV1(n, tweak1{}).done()
		}},
	{ID: "v1.values.extensions", Level: Must, Section: "10 §2.3", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"带 saasExtendParams 的 newInstance", "newInstance with saasExtendParams"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			n.Extensions = []v1.Extension{{Name: "emailDomainName", Value: "doctor.example.com"}, {Name: "ip", Value: "192.0.2.1"}}
			return p.createV1(n, tweak1{}).done()
		}},
	{ID: "v1.values.quantity", Level: Must, Section: "10 §2.2", needs: []string{"v1.new.period"}, modes: []Mode{Period},
		Sent:     Text{"带 amount、diskSize、bandWidth 的 newInstance", "newInstance with amount, diskSize and bandWidth"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			n := p.orderV1(Period)
			n.Quantity = v1.Quantity{Amount: 20, DiskSize: 100, BandWidth: 5}
			return p.createV1(n, tweak1{}).done()
		}},
	{ID: "v1.values.contact", Level: Should, Section: "10 §6.4, 10 §2.2", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"带加密的 mobilePhone、email，以及 userId、userName 的 newInstance", "newInstance with sealed mobilePhone and email, userId and userName"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			n.MobilePhone, n.Email, n.UserID, n.UserName = p.seal("13800138000", false), p.seal("doctor@example.com", false), "doctor-user-1", "doctor-user"
			return p.createV1(n, tweak1{}).done()
		}},
	{ID: "v1.values.long", Level: Must, Section: "10 §2.2", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"orderId、businessId、productId、skuCode、customerName 都为 64 个字符的 newInstance", "newInstance whose orderId, businessId, productId, skuCode and customerName have 64 characters"},
		Expected: Text{"应答 000000：规定的最大长度都能接受", "000000: values of the greatest length are taken"},
		check: func(p *player) *problem {
			n := p.orderV1(p.mode())
			n.OrderID, n.BusinessID, n.ProductID, n.SKUCode, n.CustomerName = fill(n.OrderID), fill(n.BusinessID), fill(n.ProductID), fill(n.SKUCode), fill("某公司")
			return p.createV1(n, tweak1{}).done()
		}},
	{ID: "v1.values.minimal", Level: Should, Section: "10 §2.2", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"只有必填参数的 newInstance", "newInstance with the mandatory parameters alone"},
		Expected: Text{"应答 000000：选填参数可以缺少", "000000: optional parameters may be absent"},
		check: func(p *player) *problem {
			return p.createV1(p.orderV1(p.mode()), tweak1{drop: []string{"skuCode", "chargingMode", "periodType", "periodNumber", "expireTime", "provisionType", "orderAmount"}}).done()
		}},
	{ID: "v1.values.extra", Level: Should, Section: "10 §6.1", needs: []string{"v1.new.mode", "v1.new.instance-id"},
		Sent:     Text{"多一个未知参数（已参加签名）的 newInstance", "newInstance with one unknown parameter, signed along"},
		Expected: Text{"除 authToken 外的全部参数参加验签，未知参数被忽略：000000", "every parameter but authToken is verified and unknown ones are ignored: 000000"},
		check: func(p *player) *problem {
			return p.createV1(p.orderV1(p.mode()), tweak1{extra: []v1.Param{{Name: "doctorExtra", Value: "1"}}}).done()
		}},
	{ID: "v1.new.trial", Level: Should, Section: "10 §2.2, 01 §2.6", needs: []string{"v1.new.period"}, modes: []Mode{Period},
		Sent:     Text{"试用（trialFlag=1，有 expireTime，无周期参数）的 newInstance", "newInstance for a trial (trialFlag=1, expireTime, no period members)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			n := p.orderV1(Period)
			n.Trial = true
			x := p.createV1(n, tweak1{})
			if bad := x.done(); bad != nil {
				return bad
			}
			p.trial = instance{order: n.OrderID, id: x.verdict.InstanceID}
			return nil
		}},
}

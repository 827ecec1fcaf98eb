package doctor

// Order queries. // spec: 14 §3.1, §6, 11 §4.1
var rulesV2Orders = []Rule{
	{ID: "v2.orders.mock", Level: Should, Section: "14 §3.1, 11 §7", needs: []string{"v2.new.instance-id"},
		Sent:     Text{"以模拟订单 MOCKPERIODYEARNEW 等为 orderId 的 newInstance（testFlag=1）", "newInstance for mock orders such as MOCKPERIODYEARNEW (testFlag=1)"},
		Expected: Text{"被接受", "accepted"},
		check: func(p *player) *problem {
			if p.o.Real && p.orders == nil {
				panic(unjudged{Text: Text{"真实调用中，商家可能向别处查询模拟订单", "with real calls the seller may ask elsewhere for mock orders"}})
			}
			for _, id := range []string{likePeriod, likeOneTime, likePerUse, likePackage, likeTrial} {
				n := p.orderV2(likePeriod)
				n.OrderID, n.OrderLineID = id, id+"-000001"
				x := p.createV2(n, tweak2{})
				if bad := made(x); bad != nil {
					return bad
				}
			}
			return nil
		}},
	{ID: "v2.orders.signed", Level: Must, Section: "14 §6.1", orders: true,
		Sent:     Text{"商家在以上调用中的查询订单", "the order queries that the seller made during the calls above"},
		Expected: Text{"AK/SK 签名正确", "the AK/SK signatures are right"},
		check:    (*player).ordersSigned},
	billed(Must, "one-time", OneTime, likeOneTime, "按次", "a one-time product"),
	billed(Must, "pay-per-use", PerUse, likePerUse, "按需", "pay-per-use"),
	billed(Must, "package", Package, likePackage, "按需套餐包", "a package"),
	billed(Should, "trial", Period, likeTrial, "试用", "a trial"),
	{ID: "v2.orders.known", Level: Should, Section: "14 §3.1", orders: true, needs: []string{"v2.orders.signed"},
		Sent:     Text{"商家在以上调用中的查询订单", "the order queries that the seller made during the calls above"},
		Expected: Text{"只查询收到的订单", "only orders that were sent are asked for"},
		check: func(p *player) *problem {
			for _, q := range p.orders.all() {
				if !q.found {
					return broken("查询了未知的订单："+q.order, "an unknown order was asked for: "+q.order)
				}
			}
			return nil
		}},
	{ID: "v2.orders.asked", Level: Should, Section: "11 §4.1", orders: true, real: true, needs: []string{"v2.new"},
		Sent:     Text{"以上真实的 newInstance", "the real newInstance calls above"},
		Expected: Text{"商家查询订单以得知买了什么", "the seller reads the order to learn what was bought"},
		check: func(p *player) *problem {
			if len(p.orders.all()) == 0 {
				return broken("没有收到任何查询", "no query came")
			}
			return nil
		}},
}

// billed is the rule about creations in one billing mode. V2 tells the mode by the order
// query alone, so it can be judged only where the seller asks.
func billed(l Level, name string, m Mode, like, zh, en string) Rule {
	return Rule{
		ID: "v2.orders." + name, Level: l, Section: "11 §3, 14 §3.1", orders: true, real: true, needs: []string{"v2.new.instance-id", "v2.orders.signed"}, modes: []Mode{m},
		Sent:     Text{"newInstance，查询订单得到“" + zh + "”", "newInstance for an order that the order query describes as " + en},
		Expected: Text{"被接受", "accepted"},
		check:    func(p *player) *problem { return made(p.createV2(p.orderV2(like), tweak2{})) },
	}
}

func (p *player) ordersSigned() *problem {
	all := p.orders.all()
	if len(all) == 0 {
		panic(unjudged{Text: Text{"商家没有查询订单", "the seller asked for no order"}})
	}
	for _, q := range all {
		if q.wrong != "" {
			return broken("签名被拒绝："+q.wrong, "the signature was refused: "+q.wrong)
		}
	}
	return nil
}

// ordersBlame throws when a call failed because the seller's order query was refused:
// that is the matter of the rule about signatures.
func (p *player) ordersBlame() {
	if p.orders == nil {
		return
	}
	for _, q := range p.orders.all() {
		if q.wrong != "" {
			p.refusedQuery = true
			panic(blocked{by: string(p.o.Protocol) + ".orders.signed"})
		}
	}
}

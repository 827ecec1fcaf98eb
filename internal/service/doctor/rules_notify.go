package doctor

import (
	"time"

	"github.com/souk-market/souk/protocol/ordernotify"
)

// The order notification. // spec: 12 §1, 10 §10
var rulesNotify = []Rule{
	{ID: "notify.order", Level: Must, Section: "12 §1",
		Sent:     Text{"orderNotify（orderId、orderLineId、testFlag）", "orderNotify (orderId, orderLineId, testFlag)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.notice = p.newNotice()
			x := p.alive(p.notify(p.notice, tweak2{}))
			if bad := x.done(); bad != nil {
				p.ordersBlame()
				return bad
			}
			return nil
		}},
	{ID: "notify.repeat", Level: Must, Section: "12 §1", needs: []string{"notify.order"},
		Sent:     Text{"同一通知再发一次（平台会重试）", "the same notice again (the marketplace repeats)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.alive(p.notify(p.notice, tweak2{})).done() }},
	{ID: "notify.lost", Level: Must, Section: "12 §1", needs: []string{"notify.repeat"},
		Sent:     Text{"通知发出后立即断开，再重复", "a notice broken off once it is sent, then repeated"},
		Expected: Text{"重复时应答 000000", "the repetition answers 000000"},
		check: func(p *player) *problem {
			n := p.newNotice()
			p.notify(n, tweak2{manner: manner{breakOff: true}})
			p.afterBreak()
			return p.alive(p.notify(n, tweak2{})).done()
		}},
	{ID: "notify.bad.signature", Level: Should, Section: "12 §1, 02 §2.18", needs: []string{"notify.order"},
		Sent:     Text{"signature 错误的通知", "a notice with a wrong signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.notify(p.newNotice(), tweak2{manner: manner{bad: true}, query: spoil}))
		}},
	{ID: "notify.bad.stale", Level: Should, Section: "12 §1, 02 §2.18", needs: []string{"notify.order"},
		Sent:     Text{"timestamp 是 10 分钟前的通知（签名正确）", "a notice with a timestamp 10 minutes old, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.notify(p.newNotice(), tweak2{manner: manner{bad: true}, age: 10 * time.Minute}))
		}},
	{ID: "notify.bad.missing", Level: Should, Section: "12 §1", needs: []string{"notify.order"},
		Sent:     Text{"没有 orderId 的通知（签名正确）", "a notice without orderId, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check: func(p *player) *problem {
			return p.refuses(p.notify(p.newNotice(), tweak2{manner: manner{bad: true}, drop: []string{"orderId"}}))
		}},
	{ID: "notify.orders.signed", Level: Must, Section: "14 §6.1, 12 §1", orders: true, real: true,
		Sent:     Text{"商家收到通知后的查询订单", "the order queries that the seller makes after notices"},
		Expected: Text{"AK/SK 签名正确", "the AK/SK signatures are right"},
		check:    (*player).ordersSigned},
}

func (p *player) newNotice() ordernotify.Notice {
	n := p.orderV2(likePeriod)
	return ordernotify.Notice{OrderID: n.OrderID, OrderLineID: n.OrderLineID}
}

func (p *player) notify(n ordernotify.Notice, t tweak2) *reply {
	body, err := n.Body(!p.o.Real)
	if err != nil {
		panic("doctor: " + err.Error()) // the doctor's own values
	}
	return p.postV2(ordernotify.Activity, body, t)
}

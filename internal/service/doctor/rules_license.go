package doctor

import (
	"time"

	"github.com/souk-market/souk/protocol/license"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// Authorisation codes. // spec: 12 §2.1
var rulesLicense = []Rule{
	{ID: "license.refresh", Level: Must, Section: "12 §2.1",
		Sent:     Text{"refreshLicenseCode，scene=RENEWAL（新订单）", "refreshLicenseCode with scene=RENEWAL (a new order)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.code = p.renewCode(license.SceneRenewal)
			return p.about(p.code)
		}},
	{ID: "license.refresh.repeat", Level: Must, Section: "12 §2.1, 11 §7", needs: []string{"license.refresh"},
		Sent:     Text{"同一续费订单再发一次", "the same renewal order again"},
		Expected: Text{"应答 000000，不重复延期", "000000, and no second extension"},
		check:    func(p *player) *problem { return p.about(p.code) }},
	{ID: "license.refresh.lost", Level: Must, Section: "12 §2.1", needs: []string{"license.refresh.repeat"},
		Sent:     Text{"refreshLicenseCode，发出后立即断开，再重复", "refreshLicenseCode, broken off once it is sent, then repeated"},
		Expected: Text{"重复时应答 000000", "the repetition answers 000000"},
		check: func(p *player) *problem {
			r := p.renewCode(license.SceneRenewal)
			p.callCode(r, tweak2{manner: manner{breakOff: true}})
			p.afterBreak()
			return p.about(r)
		}},
	{ID: "license.refresh.product-id", Level: Must, Section: "12 §2.1", needs: []string{"license.refresh"},
		Sent:     Text{"refreshLicenseCode，带新的 productId", "refreshLicenseCode with a new productId"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			r := p.renewCode(license.SceneRenewal)
			r.ProductID = "DOCTOR-PRODUCT-YEAR"
			return p.about(r)
		}},
	{ID: "license.refresh.cancel", Level: Must, Section: "12 §2.1", needs: []string{"license.refresh"},
		Sent:     Text{"refreshLicenseCode，scene=UNSUBSCRIBE_RENEWAL_PERIOD（退续费）", "refreshLicenseCode with scene=UNSUBSCRIBE_RENEWAL_PERIOD (a renewal is cancelled)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.about(p.renewCode(license.SceneUnsubscribeRenewal)) }},
	{ID: "license.status.freeze", Level: Must, Section: "12 §2.1",
		needs:    []string{"license.refresh"},
		Sent:     Text{"updateLicenseCodeStatus，status=FREEZE", "updateLicenseCodeStatus with status=FREEZE"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.codeStatus(license.StatusFreeze) }},
	{ID: "license.status.repeat", Level: Must, Section: "12 §2.1, 11 §7", needs: []string{"license.status.freeze"},
		Sent:     Text{"FREEZE 再发一次", "FREEZE again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.codeStatus(license.StatusFreeze) }},
	{ID: "license.refresh.frozen", Level: Must, Section: "12 §2.1", needs: []string{"license.refresh", "license.status.freeze"},
		Sent:     Text{"冻结期间的 refreshLicenseCode", "refreshLicenseCode while frozen"},
		Expected: Text{"应答 000000：冻结期间可以续费", "000000: a frozen code can be renewed"},
		check:    func(p *player) *problem { return p.about(p.renewCode(license.SceneRenewal)) }},
	{ID: "license.status.unfreeze", Level: Must, Section: "12 §2.1", needs: []string{"license.status.freeze"},
		Sent:     Text{"updateLicenseCodeStatus，status=UNFREEZE", "updateLicenseCodeStatus with status=UNFREEZE"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.codeStatus(license.StatusUnfreeze) }},
	{ID: "license.release", Level: Must, Section: "12 §2.1", needs: []string{"license.refresh"},
		Sent:     Text{"releaseLicenseCode（退订订单的 orderId、orderLineId）", "releaseLicenseCode (with the ids of the unsubscription order)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			id := p.order()
			p.ended = license.ReleaseCode{License: p.licenseCode(), OrderID: id, OrderLineID: id + "-000001"}
			return p.about(p.ended)
		}},
	{ID: "license.release.repeat", Level: Must, Section: "12 §2.1, 11 §7", needs: []string{"license.release"},
		Sent:     Text{"releaseLicenseCode 再发一次", "releaseLicenseCode again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.about(p.ended) }},
	{ID: "license.release.bare", Level: Must, Section: "12 §2.1", needs: []string{"license.release"}, debug: true,
		Sent:     Text{"另一授权码的 releaseLicenseCode，不带 orderId（到期释放）", "releaseLicenseCode for another code without orderId (its term is over)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			return p.about(license.ReleaseCode{License: "PLDOCTOR2" + p.run})
		}},
	{ID: "license.bad.signature", Level: Should, Section: "12 §2.1, 02 §2.18", needs: []string{"license.refresh"},
		Sent:     Text{"signature 错误的 refreshLicenseCode", "refreshLicenseCode with a wrong signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badCode(tweak2{query: spoil})) }},
	{ID: "license.bad.stale", Level: Should, Section: "12 §2.1, 02 §2.18", needs: []string{"license.refresh"},
		Sent:     Text{"timestamp 是 10 分钟前的 refreshLicenseCode（签名正确）", "refreshLicenseCode with a timestamp 10 minutes old, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badCode(tweak2{age: 10 * time.Minute})) }},
	{ID: "license.bad.missing", Level: Should, Section: "12 §2.1", needs: []string{"license.refresh"},
		Sent:     Text{"没有 license 的 refreshLicenseCode（签名正确）", "refreshLicenseCode without license, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badCode(tweak2{drop: []string{"license"}})) }},
	{ID: "license.bad.scene", Level: Should, Section: "12 §2.1", needs: []string{"license.refresh"},
		Sent:     Text{"没有 scene 的 refreshLicenseCode（签名正确）", "refreshLicenseCode without scene, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badCode(tweak2{drop: []string{"scene"}})) }},
}

func (p *player) renewCode(scene string) license.RefreshCode {
	id := p.order()
	return license.RefreshCode{License: p.licenseCode(), Scene: scene, OrderID: id, OrderLineID: id + "-000001", ExpireTime: v2.ExpireTime(time.Now().AddDate(1, 0, 0))}
}

func (p *player) codeStatus(status string) *problem {
	return p.about(license.UpdateStatus{License: p.licenseCode(), Status: status})
}

// about makes a genuine call about a code and expects success.
func (p *player) about(c license.Call) *problem { return p.alive(p.callCode(c, tweak2{})).done() }

func (p *player) callCode(c license.Call, t tweak2) *reply {
	body, err := license.Body(c, !p.o.Real)
	if err != nil {
		panic("doctor: " + err.Error()) // the doctor's own values
	}
	return p.postV2(c.Activity(), body, t)
}

func (p *player) badCode(t tweak2) *reply {
	t.bad = true
	return p.callCode(p.renewCode(license.SceneRenewal), t)
}

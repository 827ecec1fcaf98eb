package doctor

import (
	"time"

	"github.com/souk-market/souk/protocol/kit"
)

// The joint-operation kit. // spec: 13 §1–2, 02 §3
var rulesKit = []Rule{
	{ID: "kit.tenant.add", Level: Must, Section: "13 §2.1",
		Sent:     Text{"tenantSync，flag=1（新增企业）", "tenantSync with flag=1 (an enterprise is added)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.world = p.newKitWorld()
			return p.sync(p.world.tenantSync(kit.Add))
		}},
	{ID: "kit.tenant.repeat", Level: Must, Section: "13 §2.1", needs: []string{"kit.tenant.add"},
		Sent:     Text{"同一企业再新增一次", "the same enterprise added again"},
		Expected: Text{"应答 000000，不产生第二个", "000000, and no second one"},
		check:    func(p *player) *problem { return p.sync(p.world.tenantSync(kit.Add)) }},
	{ID: "kit.tenant.lost", Level: Must, Section: "13 §2.1, 13 §2.6", needs: []string{"kit.tenant.repeat"},
		Sent:     Text{"新增企业，发出后立即断开，再重复", "an enterprise added, broken off once it is sent, then repeated"},
		Expected: Text{"重复时应答 000000", "the repetition answers 000000"},
		check: func(p *player) *problem {
			w := p.newKitWorld()
			p.callKit(w.tenantSync(kit.Add), tweakKit{manner: manner{breakOff: true}})
			p.afterBreak()
			return p.sync(w.tenantSync(kit.Add))
		}},
	{ID: "kit.tenant.modify", Level: Must, Section: "13 §2.1", needs: []string{"kit.tenant.add"}, kitV2: true,
		Sent:     Text{"tenantSync，flag=2（修改名称与域名）", "tenantSync with flag=2 (name and domain change)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			t := p.world.tenantSync(kit.Modify)
			t.Name = "体检企业（改名）"
			return p.sync(t)
		}},
	{ID: "kit.tenant.credential", Level: Must, Section: "13 §2.1, 13 §3.1", needs: []string{"kit.tenant.add"}, debug: true,
		Sent:     Text{"tenantSync，instanceId 与 orderId 为空（申请凭证，testFlag=1）", "tenantSync with empty instanceId and orderId (the credential is applied for, testFlag=1)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			t := p.newKitWorld().tenantSync(kit.Add)
			t.InstanceID, t.OrderID = "", ""
			return p.sync(t)
		}},
	{ID: "kit.application.add", Level: Must, Section: "13 §2.2, 02 §3.1", needs: []string{"kit.tenant.add"},
		Sent:     Text{"applicationSync，flag=1，clientSecret 用公钥加密", "applicationSync with flag=1 and the clientSecret encrypted with the public key"},
		Expected: Text{"应答 000000；000101 表示 OAEP 方式或密钥不对", "000000; 000101 means the wrong OAEP profile or key"},
		check:    func(p *player) *problem { return p.sync(p.application(p.world, kit.Add)) }},
	{ID: "kit.application.repeat", Level: Must, Section: "13 §2.2", needs: []string{"kit.application.add"},
		Sent:     Text{"同一应用再新增一次（clientSecret 重新加密）", "the same application added again, its secret encrypted anew"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.application(p.world, kit.Add)) }},
	{ID: "kit.application.modify", Level: Must, Section: "13 §2.2", needs: []string{"kit.application.add"}, kitV2: true,
		Sent:     Text{"applicationSync，flag=2", "applicationSync with flag=2"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.application(p.world, kit.Modify)) }},
	{ID: "kit.application.secret", Level: Should, Section: "02 §3.1, 13 §3.2", needs: []string{"kit.application.add"},
		Sent:     Text{"applicationSync，clientSecret 不是密文", "applicationSync with a clientSecret that is not encrypted"},
		Expected: Text{"不应答 000000（通常为 000101）", "anything but 000000 (usually 000101)"},
		check: func(p *player) *problem {
			a := p.application(p.world, kit.Add)
			a.ClientSecret = "bm90LWVuY3J5cHRlZA=="
			return p.refuses(p.callKit(a, tweakKit{manner: manner{bad: true}}))
		}},
	{ID: "kit.org.all", Level: Must, Section: "13 §2.4", needs: []string{"kit.tenant.add"},
		Sent:     Text{"allOrgSync，两个部门", "allOrgSync with two departments"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.world.departments()) }},
	{ID: "kit.org.all-repeat", Level: Must, Section: "13 §2.4", needs: []string{"kit.org.all"},
		Sent:     Text{"allOrgSync 再发一次", "allOrgSync again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.world.departments()) }},
	{ID: "kit.org.add", Level: Must, Section: "13 §2.4", needs: []string{"kit.tenant.add"},
		Sent:     Text{"singleOrgSync，flag=1（新增部门）", "singleOrgSync with flag=1 (a department is added)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.world.department(kit.Add)) }},
	{ID: "kit.org.repeat", Level: Must, Section: "13 §2.4", needs: []string{"kit.org.add"},
		Sent:     Text{"同一部门再新增一次", "the same department added again"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.world.department(kit.Add)) }},
	{ID: "kit.org.modify", Level: Must, Section: "13 §2.4", needs: []string{"kit.org.add"},
		Sent:     Text{"singleOrgSync，flag=2（改名）", "singleOrgSync with flag=2 (renamed)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			d := p.world.department(kit.Modify)
			d.OrgName = "研发中心"
			return p.sync(d)
		}},
	{ID: "kit.auth.add", Level: Must, Section: "13 §2.3", needs: []string{"kit.tenant.add"},
		Sent:     Text{"authSync，flag=1，一名管理员与一名普通用户", "authSync with flag=1, an administrator and a user"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.users(kit.Add, 2)) }},
	{ID: "kit.auth.repeat", Level: Must, Section: "13 §2.3", needs: []string{"kit.auth.add"},
		Sent:     Text{"同一授权再发一次", "the same grant again"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			p.grant = p.users(kit.Add, 2)
			if bad := p.sync(p.grant); bad != nil {
				return bad
			}
			return p.sync(p.grant)
		}},
	{ID: "kit.auth.modify", Level: Must, Section: "13 §2.3", needs: []string{"kit.auth.add"},
		Sent:     Text{"authSync，flag=2（停用用户）", "authSync with flag=2 (a user is disabled)"},
		Expected: Text{"应答 000000", "000000"},
		check: func(p *player) *problem {
			a := p.users(kit.Modify, 1)
			a.Users[0].Enabled = false
			return p.sync(a)
		}},
	{ID: "kit.auth.many", Level: Must, Section: "13 §2.3", needs: []string{"kit.auth.add"},
		Sent:     Text{"authSync，500 名用户", "authSync with 500 users"},
		Expected: Text{"应答 000000：一次最多 500 名", "000000: a call may have 500 users"},
		check:    func(p *player) *problem { return p.sync(p.users(kit.Add, kit.MaxUsers)) }},
	{ID: "kit.auth.cancel", Level: Must, Section: "13 §2.3", needs: []string{"kit.auth.add"}, kitV2: true,
		Sent:     Text{"authSync，flag=3（取消授权）", "authSync with flag=3 (the grant is withdrawn)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.users(kit.Cancel, 2)) }},
	{ID: "kit.auth.delete", Level: Must, Section: "13 §2.3", needs: []string{"kit.auth.add"},
		Sent:     Text{"authSync，flag=0（删除用户），连发两次", "authSync with flag=0 (users are deleted), twice"},
		Expected: Text{"两次都应答 000000", "000000 both times"},
		check: func(p *player) *problem {
			gone := p.users(kit.Delete, 2)
			if bad := p.sync(gone); bad != nil {
				return bad
			}
			return p.sync(gone)
		}},
	{ID: "kit.org.delete", Level: Must, Section: "13 §2.4", needs: []string{"kit.org.add"},
		Sent:     Text{"singleOrgSync，flag=0（删除部门），连发两次", "singleOrgSync with flag=0 (a department is deleted), twice"},
		Expected: Text{"两次都应答 000000", "000000 both times"},
		check: func(p *player) *problem {
			if bad := p.sync(p.world.department(kit.Delete)); bad != nil {
				return bad
			}
			return p.sync(p.world.department(kit.Delete))
		}},
	{ID: "kit.application.delete", Level: Must, Section: "13 §2.2, 02 §3.1", needs: []string{"kit.application.add"},
		Sent:     Text{"applicationSync，flag=0（clientSecret 照常加密），连发两次", "applicationSync with flag=0 (clientSecret encrypted as ever), twice"},
		Expected: Text{"两次都应答 000000", "000000 both times"},
		check: func(p *player) *problem {
			if bad := p.sync(p.application(p.world, kit.Delete)); bad != nil {
				return bad
			}
			return p.sync(p.application(p.world, kit.Delete))
		}},
	{ID: "kit.tenant.delete", Level: Must, Section: "13 §2.1", needs: []string{"kit.tenant.add"},
		Sent:     Text{"tenantSync，flag=0（删除企业）", "tenantSync with flag=0 (the enterprise is deleted)"},
		Expected: Text{"应答 000000", "000000"},
		check:    func(p *player) *problem { return p.sync(p.world.tenantSync(kit.Delete)) }},
	{ID: "kit.tenant.delete-gone", Level: Must, Section: "13 §2.1", needs: []string{"kit.tenant.delete"},
		Sent:     Text{"删除已不存在的企业，以及实例已释放的企业", "an enterprise deleted that is gone already, and one whose instance is unknown"},
		Expected: Text{"都应答 000000：删除时不要求实例仍存在", "000000 each time: a delete does not ask whether the instance still exists"},
		check: func(p *player) *problem {
			if bad := p.sync(p.world.tenantSync(kit.Delete)); bad != nil {
				return bad
			}
			return p.sync(p.newKitWorld().tenantSync(kit.Delete))
		}},
	{ID: "kit.bad.signature", Level: Should, Section: "02 §3.3, 13 §1.1, 13 §1.2", needs: []string{"kit.tenant.add"},
		Sent:     Text{"签名错误的 tenantSync", "tenantSync with a wrong signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badKit(tweakKit{header: wrongSign})) }},
	{ID: "kit.bad.no-signature", Level: Should, Section: "02 §3.3, 13 §1.1, 13 §1.2", needs: []string{"kit.tenant.add"},
		Sent:     Text{"没有签名的 tenantSync", "tenantSync without signature"},
		Expected: Text{"不应答 000000（应为 000001）", "anything but 000000 (000001 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badKit(tweakKit{header: noSign})) }},
	{ID: "kit.bad.stale", Level: Should, Section: "13 §1.2, 02 §3.3", needs: []string{"kit.tenant.add"}, kitV2: true,
		Sent:     Text{"x-timestamp 是 10 分钟前的 tenantSync（签名正确）", "tenantSync with an x-timestamp 10 minutes old, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badKit(tweakKit{age: 10 * time.Minute})) }},
	{ID: "kit.bad.missing", Level: Should, Section: "13 §2.1, 13 §2.7", needs: []string{"kit.tenant.add"},
		Sent:     Text{"没有 tenantId 的 tenantSync（签名正确）", "tenantSync without tenantId, rightly signed"},
		Expected: Text{"不应答 000000（应为 000002）", "anything but 000000 (000002 by the table)"},
		check:    func(p *player) *problem { return p.refuses(p.badKit(tweakKit{drop: []string{"tenantId"}})) }},
}

// sync makes a genuine callback and expects success.
func (p *player) sync(m kit.Message) *problem { return p.alive(p.callKit(m, tweakKit{})).done() }

func (p *player) badKit(t tweakKit) *reply {
	t.bad = true
	return p.callKit(p.newKitWorld().tenantSync(kit.Add), t)
}

package access_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
)

func actor(kind party.Kind, roles ...access.Role) access.Actor {
	return access.Actor{PersonID: "p1", CompanyID: "c1", CompanyKind: kind, Roles: roles}
}

// The whole table, as a person would check it: one line per action, the roles that may.
func TestWhoMayDoWhat(t *testing.T) {
	const all = "buyer.owner buyer.purchaser buyer.viewer seller.owner seller.administrator seller.product seller.sales seller.delivery seller.finance seller.support operator.admin operator.reviewer operator.finance operator.support"
	want := map[access.Action]string{
		"product.read":    all,
		"product.create":  "seller.owner seller.administrator seller.product",
		"product.submit":  "seller.owner seller.administrator seller.product",
		"product.approve": "operator.admin operator.reviewer",
		"order.read":      all,
		"order.place":     "buyer.owner buyer.purchaser",
		"order.pay":       "buyer.owner buyer.purchaser",
		"order.cancel":    "buyer.owner buyer.purchaser operator.admin operator.support",
		"order.refund":    "buyer.owner buyer.purchaser seller.owner seller.administrator seller.sales operator.admin operator.finance",
		"refund.read":     "buyer.owner buyer.purchaser buyer.viewer operator.admin operator.reviewer operator.finance operator.support",
		"refund.approve":  "operator.admin operator.finance",
		"instance.read":   all,
		"instance.renew":  "buyer.owner buyer.purchaser",
		"instance.freeze": "operator.admin operator.reviewer",
		"attempt.read":    all,
		"attempt.restart": "seller.owner seller.administrator seller.delivery operator.admin operator.support",
		"attempt.replay":  "seller.owner seller.administrator seller.delivery operator.admin operator.support",
		"attempt.mark":    "seller.owner seller.administrator seller.delivery operator.admin",
		"company.create":  "operator.admin",
		"company.topup":   "operator.finance",
		"ledger.read":     "buyer.owner buyer.purchaser buyer.viewer seller.owner seller.administrator seller.finance operator.admin operator.finance",
		"seller.address":  "seller.owner seller.administrator seller.delivery",
		"seller.keys":     "seller.owner seller.administrator seller.delivery",
		"lab.read":        "seller.owner seller.administrator seller.product seller.delivery seller.support operator.admin operator.reviewer operator.finance operator.support",
		"lab.run":         "seller.owner seller.administrator seller.product seller.delivery",
		"clock.read":      all,
		"clock.move":      "operator.admin",
		"fault.set":       "seller.owner seller.administrator seller.delivery operator.admin",
		"notice.read":     all,
		"message.manage":  "buyer.owner seller.owner seller.administrator operator.admin",
		"company.contact": "buyer.owner seller.owner operator.admin",
		"shop.edit":       "seller.owner seller.administrator seller.sales",
		"person.read":     "buyer.owner seller.owner seller.administrator operator.admin",
		"person.write":    "buyer.owner seller.owner operator.admin",
		"account.read":    all,
		"account.write":   all,
		"audit.read":      "buyer.owner seller.owner operator.admin",
		"audit.export":    "operator.admin",
		"setting.read":    "operator.admin operator.reviewer operator.finance operator.support",
		"setting.write":   "operator.admin",
		"system.read":     "operator.admin operator.reviewer operator.finance operator.support",
		"system.backup":   "operator.admin",
		"token.create":    all,
	}
	for _, action := range access.Actions() {
		if want[action] == "" {
			t.Errorf("%s has no line in this test", action)
		}
	}
	for action, line := range want {
		for kind, roles := range access.Roles {
			for _, r := range roles {
				may := slices.Contains(strings.Fields(line), string(r))
				if got := access.Can(actor(kind, r), action); got != may {
					t.Errorf("%s %s: %v, want %v", r, action, got, may)
				}
			}
		}
	}
}

func TestARoleCountsOnlyInACompanyOfItsKind(t *testing.T) {
	if access.Can(actor(access.Buyer, access.Admin), access.ClockMove) {
		t.Error("an operator's role was honoured in a buyer's company")
	}
	if !access.Can(actor(access.Operator, access.OperatorSupport, access.OperatorFinance), access.CompanyTopUp) {
		t.Error("the second of two roles was not looked at")
	}
}

func TestATokenNarrowsAndNeverWidens(t *testing.T) {
	a := actor(access.Buyer, access.Viewer)
	a.TokenScope = []access.Action{access.OrderRead, access.OrderPlace}
	for action, want := range map[access.Action]bool{access.OrderRead: true, access.OrderPlace: false, access.InstanceRead: false} {
		if got := access.Can(a, action); got != want {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
}

func TestNobodyAndNothingAreRefused(t *testing.T) {
	nobody := access.Actor{CompanyKind: access.Operator, Roles: []access.Role{access.Admin}}
	if access.Can(nobody, access.ClockRead) || nobody.IsOperator() {
		t.Error("an actor without a person was let in")
	}
	if access.Can(actor(access.Operator, access.Admin), "moon.land") {
		t.Error("an unknown action was allowed")
	}
	if access.Can(actor(access.Operator, "operator.king"), access.ClockRead) {
		t.Error("an unknown role was honoured")
	}
}

func ExampleCan() {
	purchaser := access.Actor{PersonID: "p1", CompanyID: "c1", CompanyKind: access.Buyer, Roles: []access.Role{access.Purchaser}}
	fmt.Println(access.Can(purchaser, access.OrderPay), access.Can(purchaser, access.ClockMove))
	// Output: true false
}

package ui

import "github.com/souk-market/souk/internal/domain/party"

// Face is one of the four faces.
type Face string

// The faces.
const (
	Storefront   Face = "storefront"
	BuyerCentre  Face = "buyer"
	SellerCentre Face = "seller"
	BackOffice   Face = "operator"
)

type entry struct {
	section, path, key, icon string
	action                   string // what the viewer must be allowed to do
	group                    bool
}

// navigation is the side navigation of each console; its words are nav.<face>.<section>.
var navigation = map[Face][]entry{
	BuyerCentre: {
		{"overview", "/buyer", "h", "home", "", false},
		{"orders", "/buyer/orders", "o", "list", "order.read", false},
		{"services", "/buyer/services", "s", "box", "instance.read", false},
		{"balance", "/buyer/balance", "b", "coin", "ledger.read", true},
		{"messages", "/buyer/messages", "m", "bell", "notice.read", true},
		{"receivers", "/buyer/receivers", "v", "mail", "message.manage", false},
		{"members", "/buyer/members", "p", "people", "person.read", true},
		{"company", "/buyer/company", "i", "building", "account.read", false},
		{"tokens", "/buyer/tokens", "t", "key", "token.create", false},
		{"security", "/buyer/security", "y", "shield", "account.read", false},
		{"audit", "/buyer/audit", "u", "book", "audit.read", false},
	},
	SellerCentre: {
		{"overview", "/seller", "h", "home", "", false},
		{"products", "/seller/products", "d", "box", "product.read", false},
		{"shop", "/seller/shop", "w", "shop", "shop.edit", false},
		{"orders", "/seller/orders", "o", "list", "order.read", false},
		{"services", "/seller/services", "s", "cloud", "instance.read", false},
		{"calls", "/seller/calls", "c", "swap", "attempt.read", true},
		{"access", "/seller/access", "a", "plug", "seller.keys", false},
		{"debug", "/seller/debug", "x", "check", "lab.read", false},
		{"probes", "/seller/probes", "r", "clock", "lab.read", false},
		{"access-keys", "/seller/access-keys", "k", "key", "seller.keys", false},
		{"balance", "/seller/balance", "b", "coin", "ledger.read", true},
		{"messages", "/seller/messages", "m", "bell", "notice.read", false},
		{"receivers", "/seller/receivers", "v", "mail", "message.manage", false},
		{"members", "/seller/members", "p", "people", "person.read", true},
		{"company", "/seller/company", "i", "building", "account.read", false},
		{"tokens", "/seller/tokens", "t", "key", "token.create", false},
		{"security", "/seller/security", "y", "shield", "account.read", false},
		{"audit", "/seller/audit", "u", "book", "audit.read", false},
	},
	BackOffice: {
		{"overview", "/operator", "h", "home", "", false},
		{"reviews", "/operator/reviews", "r", "check", "product.approve", false},
		{"products", "/operator/products", "d", "box", "product.read", false},
		{"categories", "/operator/categories", "g", "list", "product.approve", false},
		{"companies", "/operator/companies", "p", "people", "", false},
		{"orders", "/operator/orders", "o", "list", "order.read", true},
		{"calls", "/operator/calls", "c", "swap", "attempt.read", false},
		{"top-ups", "/operator/top-ups", "u", "coin", "ledger.read", true},
		{"refunds", "/operator/refunds", "f", "swap", "refund.read", false},
		{"ledger", "/operator/ledger", "l", "book", "ledger.read", false},
		{"messages", "/operator/messages", "m", "bell", "notice.read", true},
		{"receivers", "/operator/receivers", "v", "mail", "message.manage", false},
		{"audit", "/operator/audit", "a", "book", "audit.read", false},
		{"outbox", "/operator/outbox", "x", "mail", "audit.read", false},
		{"members", "/operator/members", "n", "people", "person.read", true},
		{"company", "/operator/company", "i", "building", "account.read", false},
		{"tokens", "/operator/tokens", "t", "key", "token.create", false},
		{"security", "/operator/security", "e", "shield", "account.read", false},
		{"sandbox", "/operator/sandbox", "b", "clock", "clock.read", false},
		{"settings", "/operator/settings", "s", "sliders", "setting.read", false},
		{"system", "/operator/system", "y", "gear", "system.read", false},
	},
}

// Nav is the side navigation of a console, as far as the viewer's roles reach; the storefront has none.
func (f *Frame) Nav() []Link {
	var links []Link
	for _, e := range navigation[f.Face] {
		if e.action != "" && !f.May(e.action) || e.section == "sandbox" && !f.Sandbox || e.section == "access-keys" && f.Viewer != nil && f.Viewer.Actor.Limited {
			continue
		}
		links = append(links, Link{Text: f.T("nav." + string(f.Face) + "." + e.section), Href: e.path, Current: e.section == f.Section, Key: e.key, Icon: e.icon, Group: e.group && len(links) > 0})
	}
	return links
}

// Centre is the console of the viewer's company.
func (f *Frame) Centre() Link {
	if f.Viewer == nil {
		return Link{}
	}
	face := CentreOf(f.Viewer.Actor.CompanyKind)
	return Link{Text: f.T("face." + string(face)), Href: "/" + string(face), Current: f.Face == face}
}

// CentreOf is the console of a kind of company.
func CentreOf(kind party.Kind) Face {
	switch kind {
	case party.Seller:
		return SellerCentre
	case party.Operator:
		return BackOffice
	}
	return BuyerCentre
}

// Console tells whether the page has a side navigation.
func (f *Frame) Console() bool { return f.Face != Storefront }

package access

import (
	"slices"

	"github.com/souk-market/souk/internal/domain/party"
)

// The kinds of companies, as party names them.
const (
	Buyer    = party.Buyer
	Seller   = party.Seller
	Operator = party.Operator
)

// Role is what a person may do for the company. Roles of one kind mean nothing in another.
type Role string

// Buyers' roles. spec: 01 §9
const (
	BuyerOwner Role = "buyer.owner"     // everything, people and tokens included
	Purchaser  Role = "buyer.purchaser" // orders, pays, renews
	Viewer     Role = "buyer.viewer"    // reads
)

// Sellers' roles: the main account and the default groups. spec: 20 A6
const (
	SellerOwner    Role = "seller.owner"         // the main account (主账号)
	Administrator  Role = "seller.administrator" // everything but people
	ProductManager Role = "seller.product"       // products and their prices
	Sales          Role = "seller.sales"         // offers, vouchers, orders
	Delivery       Role = "seller.delivery"      // addresses, debugging, attempts, supervision
	SellerFinance  Role = "seller.finance"       // settlement, bills, ledger
	SellerSupport  Role = "seller.support"       // reads, tickets
)

// Operators' roles. A decision about money needs two people. spec: 01 §9
const (
	Admin           Role = "operator.admin"
	Reviewer        Role = "operator.reviewer"
	OperatorFinance Role = "operator.finance"
	OperatorSupport Role = "operator.support"
)

// Roles lists the roles of each kind, the most powerful first.
var Roles = map[party.Kind][]Role{
	Buyer:    {BuyerOwner, Purchaser, Viewer},
	Seller:   {SellerOwner, Administrator, ProductManager, Sales, Delivery, SellerFinance, SellerSupport},
	Operator: {Admin, Reviewer, OperatorFinance, OperatorSupport},
}

// KindOf is the kind that a role belongs to, or "" for an unknown role.
func KindOf(r Role) party.Kind {
	for kind, roles := range Roles {
		if slices.Contains(roles, r) {
			return kind
		}
	}
	return ""
}

// ByProduct tells that sub-users of a seller with these roles need each product given to them; the main account,
// administrators and who looks after the money see all. spec: 20 A6
func ByProduct(roles []Role) bool {
	for _, r := range roles {
		if r == SellerOwner || r == Administrator || r == SellerFinance {
			return false
		}
	}
	return len(roles) > 0 && KindOf(roles[0]) == Seller
}

// Action is a noun and a verb.
type Action string

// The actions.
const (
	ProductRead    Action = "product.read"    // goods with prices; what is on sale is public
	ProductCreate  Action = "product.create"  // and change
	ProductSubmit  Action = "product.submit"  // send to review
	ProductApprove Action = "product.approve" // or reject

	OrderRead   Action = "order.read"
	OrderPlace  Action = "order.place"
	OrderPay    Action = "order.pay"
	OrderCancel Action = "order.cancel"
	OrderRefund Action = "order.refund" // ask for (buyer) or decide on (seller, operator) a refund

	RefundRead    Action = "refund.read"    // large refunds that wait or waited
	RefundApprove Action = "refund.approve" // or reject // spec: 22 §4.1

	InstanceRead  Action = "instance.read"
	InstanceRenew Action = "instance.renew" // renew, change, convert, unsubscribe
	// Take a service out of use for breaking the rules, and lift that.
	InstanceFreeze Action = "instance.freeze"

	AttemptRead    Action = "attempt.read"    // calls to the seller; their bytes for sellers and operators
	AttemptRestart Action = "attempt.restart" // start a failed call again
	AttemptReplay  Action = "attempt.replay"  // send a past message again
	AttemptMark    Action = "attempt.mark"    // mark as delivered

	CompanyCreate Action = "company.create"
	CompanyTopUp  Action = "company.topup"
	LedgerRead    Action = "ledger.read"

	SellerAddress Action = "seller.address"
	SellerKeys    Action = "seller.keys"

	LabRead Action = "lab.read" // saved cases, debugging calls and probes
	LabRun  Action = "lab.run"  // debug, save and replay // spec: 20 A6

	ClockRead Action = "clock.read"
	ClockMove Action = "clock.move" // sandbox only
	FaultSet  Action = "fault.set"  // sandbox only: how it misbehaves towards a seller

	NoticeRead     Action = "notice.read"
	MessageManage  Action = "message.manage"  // the company's receivers of messages
	CompanyContact Action = "company.contact" // the address and number bound to one's company
	ShopEdit       Action = "shop.edit"       // the seller's shop

	PersonRead  Action = "person.read"  // the people of one's company
	PersonWrite Action = "person.write" // people and their roles
	TokenCreate Action = "token.create" // one's own personal access tokens

	AccountRead  Action = "account.read"  // one's own sessions, sign-ins and tokens
	AccountWrite Action = "account.write" // one's own password, second factor and sessions

	AuditRead   Action = "audit.read"   // what the people of one's company did; operators see all
	AuditExport Action = "audit.export" // and proving the chain

	SettingRead  Action = "setting.read" // limits, schedules and switches of the marketplace
	SettingWrite Action = "setting.write"
	SystemRead   Action = "system.read"   // jobs, queues, figures of the whole marketplace
	SystemBackup Action = "system.backup" // everything that is stored, in one file
)

// everyone stands for all roles of a kind in the table below.
func everyone(kinds ...party.Kind) (all []Role) {
	for _, k := range kinds {
		all = append(all, Roles[k]...)
	}
	return all
}

// table is the whole of the rules: who may do what. What is not in it is refused.
// spec: 01 §9, 20 A6
var table = map[Action][]Role{
	ProductRead:    everyone(Buyer, Seller, Operator),
	ProductCreate:  {SellerOwner, Administrator, ProductManager},
	ProductSubmit:  {SellerOwner, Administrator, ProductManager},
	ProductApprove: {Admin, Reviewer},

	OrderRead:   everyone(Buyer, Seller, Operator),
	OrderPlace:  {BuyerOwner, Purchaser},
	OrderPay:    {BuyerOwner, Purchaser},
	OrderCancel: {BuyerOwner, Purchaser, Admin, OperatorSupport},
	OrderRefund: {BuyerOwner, Purchaser, SellerOwner, Administrator, Sales, Admin, OperatorFinance},

	RefundRead:    everyone(Buyer, Operator),
	RefundApprove: {Admin, OperatorFinance},

	InstanceRead:  everyone(Buyer, Seller, Operator),
	InstanceRenew: {BuyerOwner, Purchaser},

	InstanceFreeze: {Admin, Reviewer},

	// Buyers see that and when a call was made; the bytes are kept from them by the use case.
	AttemptRead:    everyone(Buyer, Seller, Operator),
	AttemptRestart: {SellerOwner, Administrator, Delivery, Admin, OperatorSupport},
	AttemptReplay:  {SellerOwner, Administrator, Delivery, Admin, OperatorSupport},
	AttemptMark:    {SellerOwner, Administrator, Delivery, Admin},

	CompanyCreate: {Admin},
	CompanyTopUp:  {OperatorFinance},
	LedgerRead:    {BuyerOwner, Purchaser, Viewer, SellerOwner, Administrator, SellerFinance, Admin, OperatorFinance},

	SellerAddress: {SellerOwner, Administrator, Delivery},
	SellerKeys:    {SellerOwner, Administrator, Delivery},

	LabRead: append(everyone(Operator), SellerOwner, Administrator, ProductManager, Delivery, SellerSupport),
	LabRun:  {SellerOwner, Administrator, ProductManager, Delivery},

	ClockRead: everyone(Buyer, Seller, Operator),
	ClockMove: {Admin},
	FaultSet:  {SellerOwner, Administrator, Delivery, Admin},

	NoticeRead:     everyone(Buyer, Seller, Operator),
	MessageManage:  {BuyerOwner, SellerOwner, Administrator, Admin},
	CompanyContact: {BuyerOwner, SellerOwner, Admin},
	ShopEdit:       {SellerOwner, Administrator, Sales},

	PersonRead:  {BuyerOwner, SellerOwner, Administrator, Admin},
	PersonWrite: {BuyerOwner, SellerOwner, Admin},
	TokenCreate: everyone(Buyer, Seller, Operator),

	AccountRead:  everyone(Buyer, Seller, Operator),
	AccountWrite: everyone(Buyer, Seller, Operator),

	AuditRead:   {BuyerOwner, SellerOwner, Admin},
	AuditExport: {Admin},

	SettingRead:  everyone(Operator),
	SettingWrite: {Admin},
	SystemRead:   everyone(Operator),
	SystemBackup: {Admin},
}

// Actions lists every action, sorted.
func Actions() []Action {
	all := make([]Action, 0, len(table))
	for a := range table {
		all = append(all, a)
	}
	slices.Sort(all)
	return all
}

// Actor is who asks: a person acting for a company, through a session or a token.
type Actor struct {
	PersonID    string
	CompanyID   string
	CompanyKind party.Kind
	Roles       []Role
	// Limited says that the person, a sub-user of a seller, sees and acts on the products given to it alone. spec: 20 A6
	Limited bool
	// TokenScope narrows a token to these actions; empty means all that the roles allow.
	TokenScope []Action
}

// Anonymous tells that nobody is logged in.
func (a Actor) Anonymous() bool { return a.PersonID == "" }

// IsOperator tells that the actor sees the rows of all companies.
func (a Actor) IsOperator() bool { return a.CompanyKind == Operator && !a.Anonymous() }

// Can tells whether the actor may do the action at all. A role counts only in a company of its own kind.
// The anonymous actor may do nothing here; what is public needs no question.
func Can(a Actor, action Action) bool {
	if a.Anonymous() || len(a.TokenScope) > 0 && !slices.Contains(a.TokenScope, action) {
		return false
	}
	for _, r := range a.Roles {
		if KindOf(r) == a.CompanyKind && slices.Contains(table[action], r) {
			return true
		}
	}
	return false
}

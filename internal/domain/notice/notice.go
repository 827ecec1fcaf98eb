package notice

import (
	"slices"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
)

// Channel is a way to a receiver.
type Channel string

// The channels. spec: 20 A7
const (
	Site Channel = "site" // in-site: the page of messages
	Mail Channel = "mail"
	SMS  Channel = "sms"
)

// Channels lists all, and Outer those that leave the marketplace: the ones a receiver who is no member can have.
var (
	Channels = []Channel{Site, Mail, SMS}
	Outer    = []Channel{Mail, SMS}
)

// Categories of the original. spec: 20 A7
const (
	Created    = 101 // product created or opened, and what was decided about it
	Released   = 103 // product released
	Operations = 501 // reminder
	Other      = 901
)

// Kind is a row of Table.
type Kind struct {
	Name     string
	Audience party.Kind // the kind of company that is told
	Category int
	Roles    []access.Role // whom of its people mail and SMS reach; in-site it stands for all of them
	Urgent   bool          // somebody should act today
	Default  []Channel     // besides in-site
	// Mandatory notices always stand in-site and go to mail: penalties and what costs money. spec: 20 A7
	Mandatory bool
	// Service notices go to the seller's service mailbox as well. spec: 10 §2.6, 20 B7
	Service bool
}

var (
	buyers   = []access.Role{access.BuyerOwner, access.Purchaser}
	delivers = []access.Role{access.SellerOwner, access.Administrator, access.Delivery}
	products = []access.Role{access.SellerOwner, access.Administrator, access.ProductManager}
	sells    = []access.Role{access.SellerOwner, access.Administrator, access.Sales, access.SellerSupport}
	desk     = []access.Role{access.Admin, access.OperatorSupport}
	reviews  = []access.Role{access.Admin, access.Reviewer}
	moneys   = []access.Role{access.Admin, access.OperatorFinance}

	byMail = []Channel{Mail}
	byBoth = []Channel{Mail, SMS}
)

// Table is every kind of notice. A kind that is not in it stands in-site for everybody and goes nowhere else.
var Table = []Kind{
	{Name: "service.ready", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},
	{Name: "order.delayed", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail}, // spec: 22 §2.5
	{Name: "order.refunded", Audience: party.Buyer, Category: Other, Roles: buyers, Urgent: true, Default: byBoth, Mandatory: true},
	{Name: "order.canceled", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},
	{Name: "service.expired", Audience: party.Buyer, Category: Operations, Roles: buyers, Urgent: true, Default: byBoth},
	{Name: "service.released", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},
	{Name: "service.expiring", Audience: party.Buyer, Category: Operations, Roles: buyers, Default: byMail},
	{Name: "trial.ending", Audience: party.Buyer, Category: Operations, Roles: buyers, Default: byMail},
	{Name: "service.in_grace", Audience: party.Buyer, Category: Operations, Roles: buyers, Urgent: true, Default: byBoth},
	{Name: "service.releasing", Audience: party.Buyer, Category: Operations, Roles: buyers, Urgent: true, Default: byBoth, Mandatory: true},
	{Name: "service.changed", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},
	{Name: "service.violation", Audience: party.Buyer, Category: Operations, Roles: buyers, Urgent: true, Default: byBoth, Mandatory: true},
	{Name: "service.violation_lifted", Audience: party.Buyer, Category: Operations, Roles: buyers, Default: byMail},
	{Name: "order.unsubscribed", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},
	{Name: "refund.waiting", Audience: party.Buyer, Category: Other, Roles: buyers}, // spec: 22 §4.1
	{Name: "refund.approved", Audience: party.Buyer, Category: Other, Roles: buyers},
	{Name: "refund.rejected", Audience: party.Buyer, Category: Other, Roles: buyers, Urgent: true, Default: byBoth},
	{Name: "refund.impossible", Audience: party.Buyer, Category: Other, Roles: buyers, Urgent: true, Default: byBoth},
	{Name: "autorenew.failed", Audience: party.Buyer, Category: Operations, Roles: buyers, Urgent: true, Default: byBoth},
	{Name: "autorenew.done", Audience: party.Buyer, Category: Other, Roles: buyers, Default: byMail},

	// Every failure is told by mail, SMS and in-site. spec: 10 §2.6, 11 §6, 12 §1
	{Name: "call.failed", Audience: party.Seller, Category: Operations, Roles: delivers, Urgent: true, Default: byBoth, Service: true},
	{Name: "call.failed_for_good", Audience: party.Seller, Category: Operations, Roles: delivers, Urgent: true, Default: byBoth, Service: true},
	{Name: "order.failed", Audience: party.Seller, Category: Operations, Roles: delivers, Urgent: true, Default: byBoth, Mandatory: true},
	{Name: "order.possibly_orphaned", Audience: party.Seller, Category: Operations, Roles: delivers, Urgent: true, Default: byBoth, Mandatory: true},
	{Name: "service.violation", Audience: party.Seller, Category: Operations, Roles: delivers, Default: byMail, Mandatory: true}, // spec: 01 §2.7
	{Name: "service.violation_lifted", Audience: party.Seller, Category: Operations, Roles: delivers, Default: byMail},
	{Name: "order.unsubscribed", Audience: party.Seller, Category: Other, Roles: sells, Default: byMail},
	// What was decided about a product goes by mail and SMS. spec: 20 B7
	{Name: "product.approved", Audience: party.Seller, Category: Released, Roles: products, Default: byBoth},
	{Name: "product.rejected", Audience: party.Seller, Category: Created, Roles: products, Urgent: true, Default: byBoth},
	{Name: "product.stopped", Audience: party.Seller, Category: Operations, Roles: products, Urgent: true, Default: byBoth, Mandatory: true, Service: true},
	{Name: "product.resumed", Audience: party.Seller, Category: Operations, Roles: products, Default: byMail},
	{Name: "product.delisted", Audience: party.Seller, Category: Operations, Roles: products, Urgent: true, Default: byBoth, Mandatory: true, Service: true},
	{Name: "product.kept", Audience: party.Seller, Category: Operations, Roles: products, Default: byMail},
	{Name: "product.suspended", Audience: party.Seller, Category: Operations, Roles: products, Urgent: true, Default: byBoth, Mandatory: true, Service: true},
	{Name: "probe.failed", Audience: party.Seller, Category: Operations, Roles: delivers, Urgent: true, Default: byBoth, Service: true}, // spec: 10 §8.5
	{Name: "product.rated", Audience: party.Seller, Category: Operations, Roles: sells, Default: byMail},

	{Name: "product.delist_asked", Audience: party.Operator, Category: Operations, Roles: reviews, Default: byMail},
	{Name: "product.submitted", Audience: party.Operator, Category: Created, Roles: reviews},
	{Name: "product.suspended", Audience: party.Operator, Category: Operations, Roles: reviews, Default: byMail},
	{Name: "product.suspension_proposed", Audience: party.Operator, Category: Operations, Roles: reviews, Urgent: true, Default: byMail},
	{Name: "probe.suspension_proposed", Audience: party.Operator, Category: Operations, Roles: reviews, Urgent: true, Default: byMail}, // spec: 01 §2.11
	{Name: "refund.waiting", Audience: party.Operator, Category: Operations, Roles: moneys, Urgent: true, Default: byMail},             // spec: 22 §4.1
	{Name: "refund.impossible", Audience: party.Operator, Category: Operations, Roles: moneys, Default: byMail},
	{Name: "call.failed_for_good", Audience: party.Operator, Category: Operations, Roles: desk, Urgent: true, Default: byMail},
}

// Of finds the row of a kind for an audience; an unknown one is in-site for all roles.
func Of(audience party.Kind, name string) Kind {
	for _, k := range Table {
		if k.Audience == audience && k.Name == name {
			return k
		}
	}
	return Kind{Name: name, Audience: audience, Category: Other, Roles: access.Roles[audience]}
}

// Known tells that the kind stands in Table: it can go out, and be chosen.
func (k Kind) Known() bool {
	return slices.ContainsFunc(Table, func(o Kind) bool { return o.Audience == k.Audience && o.Name == k.Name })
}

// For lists the kinds of an audience, as they stand in Table.
func For(audience party.Kind) (out []Kind) {
	for _, k := range Table {
		if k.Audience == audience {
			out = append(out, k)
		}
	}
	return out
}

// Concerns tells whether a person with the roles is told without having asked for it.
func (k Kind) Concerns(roles []string) bool {
	return slices.ContainsFunc(k.Roles, func(r access.Role) bool { return slices.Contains(roles, string(r)) })
}

// Fixed tells that the channel cannot be switched off for the people whom the kind concerns.
func (k Kind) Fixed(c Channel) bool { return k.Mandatory && (c == Site || c == Mail) }

// ByDefault tells whether the kind comes through a channel to whom it concerns, before anything was chosen. In-site it
// comes to everybody.
func (k Kind) ByDefault(c Channel) bool { return c == Site || slices.Contains(k.Default, c) }

// Choice is what a person chose, by channel: only what differs from the default need be there.
type Choice map[Channel]bool

// Wants tells whether the kind comes to a person through a channel: what cannot be switched off, then what was chosen,
// then the default of whom it concerns.
func (k Kind) Wants(roles []string, chosen Choice, c Channel) bool {
	concerns := k.Concerns(roles)
	if concerns && k.Fixed(c) {
		return true
	}
	if on, ok := chosen[c]; ok {
		return on
	}
	return c == Site || concerns && k.ByDefault(c)
}

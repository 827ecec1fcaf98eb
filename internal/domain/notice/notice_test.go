package notice

import (
	"slices"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
)

func TestTheTableIsSound(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range Table {
		at := string(k.Audience) + " " + k.Name
		if seen[at] {
			t.Errorf("%s stands twice", at)
		}
		seen[at] = true
		if len(k.Roles) == 0 || !slices.Contains(k.Roles, access.Roles[k.Audience][0]) {
			t.Errorf("%s does not reach the %s", at, access.Roles[k.Audience][0])
		}
		for _, r := range k.Roles {
			if access.KindOf(r) != k.Audience {
				t.Errorf("%s: %s is no role of that audience", at, r)
			}
		}
		if k.Mandatory && !slices.Contains(k.Default, Mail) {
			t.Errorf("%s cannot be switched off and goes nowhere", at)
		}
		if k.Service && k.Audience != party.Seller {
			t.Errorf("%s: only sellers have a service mailbox", at)
		}
	}
	if len(For(party.Buyer)) < 5 || len(For(party.Seller)) < 8 || len(For(party.Operator)) < 3 {
		t.Error("an audience has too few kinds")
	}
}

// Chosen before default, and what is mandatory before both.
func TestWhoIsToldThroughWhat(t *testing.T) {
	delivery, finance := []string{"seller.delivery"}, []string{"seller.finance"}
	off := Choice{Site: false, Mail: false, SMS: false}
	for _, c := range []struct {
		kind    string
		roles   []string
		chosen  Choice
		channel Channel
		want    bool
	}{
		{"call.failed", delivery, nil, Mail, true},
		{"call.failed", delivery, nil, SMS, true},
		{"call.failed", finance, nil, Mail, false},
		{"call.failed", finance, nil, Site, true},
		{"call.failed", finance, Choice{Mail: true}, Mail, true},
		{"call.failed", delivery, off, Mail, false},
		{"call.failed", delivery, off, Site, false},
		{"order.failed", delivery, off, Site, true},
		{"order.failed", delivery, off, Mail, true},
		{"order.failed", delivery, off, SMS, false},
		{"order.failed", finance, off, Mail, false},
		{"never.heard.of", delivery, nil, Mail, false},
		{"never.heard.of", delivery, nil, Site, true},
	} {
		if got := Of(party.Seller, c.kind).Wants(c.roles, c.chosen, c.channel); got != c.want {
			t.Errorf("%s to %v by %s, chosen %v: %v", c.kind, c.roles, c.channel, c.chosen, got)
		}
	}
}

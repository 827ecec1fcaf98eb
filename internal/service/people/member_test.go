package people_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/catalog"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/people"
)

var generous = people.Options{Limits: people.Limits{Mails: 1000, MailsToOne: 1000, SignIns: 1000}}

func (w world) invite(a access.Actor, email string, roles ...access.Role) (i party.Invitation, err error) {
	err = w.change(func(ctx context.Context, tx *kernel.Tx) (err error) {
		i, err = w.p.Invite(ctx, tx, a, a.CompanyID, email, roles, "en-US")
		return err
	})
	return i, err
}

// join invites somebody and follows the link.
func (w world) join(a access.Actor, email string, roles ...access.Role) party.Person {
	w.Helper()
	_, err := w.invite(a, email, roles...)
	w.must(err)
	who, _, err := w.p.Join(w.Context(), w.link(email), "王敏", password)
	w.must(err)
	return who
}

// act runs one of the use cases about a member.
func (w world) act(f func(context.Context, *kernel.Tx, access.Actor, string, string) error, a access.Actor, person string) error {
	return w.change(func(ctx context.Context, tx *kernel.Tx) error { return f(ctx, tx, a, a.CompanyID, person) })
}

func (w world) roles(a access.Actor, person string, roles ...access.Role) error {
	return w.change(func(ctx context.Context, tx *kernel.Tx) error {
		_, err := w.p.SetRoles(ctx, tx, a, a.CompanyID, person, roles)
		return err
	})
}

func (w world) people(a access.Actor) string {
	w.Helper()
	list, err := w.p.People(w.Context(), a, a.CompanyID, "", 100)
	w.must(err)
	var b strings.Builder
	for _, c := range list {
		fmt.Fprintf(&b, "%s=%s", strings.TrimSuffix(c.Login, "@example.com"), strings.Join(c.Roles, "+"))
		if !c.DisabledAt.IsZero() {
			b.WriteString("(off)")
		}
		b.WriteString(" ")
	}
	return strings.TrimSpace(b.String())
}

func TestPeopleAreInvitedAndManaged(t *testing.T) {
	each(t, generous, func(w world) {
		li := w.member(party.Buyer, "li@example.com")
		_, err := w.invite(li, "wang@example.com", access.Admin)
		w.refuses(err, "roles")
		_, err = w.invite(li, "not an address", access.Viewer)
		w.refuses(err, "email")
		i, err := w.invite(li, "Wang@example.com", access.Viewer)
		w.must(err)
		if m := w.mails("wang@example.com"); m[0].Subject != "Join 青山制造" || !strings.Contains(m[0].Text, "/account/join?token=") {
			w.Errorf("%+v", m)
		}
		first := w.link("wang@example.com")
		if _, company, err := w.p.Invited(w.Context(), first); err != nil || company != "青山制造" {
			w.Errorf("%s %v", company, err)
		}
		_, err = w.invite(li, "wang@example.com", access.Purchaser) // replaces the first
		w.must(err)
		_, _, err = w.p.Join(w.Context(), first, "王敏", password)
		w.refuses(err, "link_dead")
		_, _, err = w.p.Join(w.Context(), w.link("wang@example.com"), "", "short")
		w.refuses(err, "name")
		w.refuses(err, "password")
		wang, roles, err := w.p.Join(w.Context(), w.link("wang@example.com"), "王敏", password)
		w.must(err)
		if len(roles) != 1 || wang.Login != "wang@example.com" || i.Email != wang.Login {
			w.Errorf("%+v %v", wang, roles)
		}
		if got := w.people(li); got != "li=buyer.owner wang=buyer.purchaser" {
			w.Error(got)
		}

		edit := func(d people.Details) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.Edit(ctx, tx, li, li.CompanyID, wang.ID, d) })
		}
		w.refuses(edit(people.Details{Name: "", Mobile: "call me"}), "mobile")
		w.must(edit(people.Details{Name: "王小敏", Mobile: "13800138000"}))
		w.refuses(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			return w.p.Edit(ctx, tx, li, li.CompanyID, "nothing", people.Details{Name: "x"})
		}), "not_found")
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			return w.p.EditMe(ctx, tx, li, people.Details{Name: "李小青", Language: "en-GB"})
		}))
		if m, err := w.p.Member(w.Context(), li, li.CompanyID, wang.ID); err != nil || m.Name != "王小敏" || m.Mobile != "13800138000" || m.Language != "en-US" {
			w.Errorf("%+v %v", m, err)
		}
		if m, err := w.p.Me(w.Context(), li); err != nil || m.Person.Name != "李小青" || m.Person.Language != "en-US" {
			w.Errorf("%+v %v", m, err)
		}
		s := w.signIn("wang@example.com")
		w.must(w.roles(li, wang.ID, access.Viewer, access.Viewer))
		if w.open(s.Session) {
			w.Error("a session outlived the change of roles")
		}
		if a, _, err := w.p.BySession(w.Context(), w.signIn("wang@example.com").Session); err != nil || access.Can(a, access.OrderPay) {
			w.Errorf("%+v %v", a, err)
		}
		s = w.signIn("wang@example.com")
		var token string
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) (err error) {
			token, err = w.p.IssueToken(ctx, tx, access.Actor{PersonID: wang.ID, CompanyID: li.CompanyID, CompanyKind: party.Buyer, Roles: []access.Role{access.Viewer}}, li.CompanyID, wang.ID, "x", 0)
			return err
		}))
		w.must(w.act(w.p.Disable, li, wang.ID))
		w.must(w.act(w.p.Disable, li, wang.ID)) // twice is once
		_, tokenErr := w.p.ByToken(w.Context(), token)
		_, err = w.p.SignIn(w.Context(), "wang@example.com", password)
		w.refuses(err, "account_disabled")
		w.refuses(tokenErr, "unauthenticated")
		if got := w.people(li); w.open(s.Session) || got != "li=buyer.owner wang=buyer.viewer(off)" {
			w.Error(got)
		}
		w.must(w.act(w.p.Enable, li, wang.ID))
		if _, err := w.p.ByToken(w.Context(), token); err != nil {
			w.Errorf("the token rested and is back: %v", err)
		}
		w.must(w.act(w.p.Remove, li, wang.ID))
		_, err = w.p.ByToken(w.Context(), token)
		w.refuses(err, "unauthenticated")
		w.refuses(w.act(w.p.Enable, li, wang.ID), "not_found")
		if got := w.people(li); got != "li=buyer.owner" {
			w.Error(got)
		}
	})
}

// Invitations are withdrawn, end by themselves, and tell an address with an account that it has one.
func TestInvitationsEnd(t *testing.T) {
	each(t, generous, func(w world) {
		li, chen := w.member(party.Buyer, "li@example.com"), w.member(party.Buyer, "chen@example.com")
		i, err := w.invite(li, "wang@example.com", access.Viewer)
		w.must(err)
		withdraw := func(a access.Actor, company, id string) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.Withdraw(ctx, tx, a, company, id) })
		}
		w.refuses(withdraw(chen, chen.CompanyID, i.ID), "not_found")
		w.refuses(withdraw(chen, li.CompanyID, i.ID), "not_found")
		w.must(withdraw(li, li.CompanyID, i.ID))
		_, _, err = w.p.Join(w.Context(), w.link("wang@example.com"), "王敏", password)
		w.refuses(err, "link_dead")
		_, err = w.invite(li, "wang@example.com", access.Viewer)
		w.must(err)
		w.wire.Add(party.InviteLife)
		_, _, err = w.p.Join(w.Context(), w.link("wang@example.com"), "王敏", password)
		w.refuses(err, "link_dead")
		_, err = w.invite(li, "chen@example.com", access.Viewer)
		w.must(err)
		if m := w.mails("chen@example.com"); strings.Contains(m[len(m)-1].Text, "token=") || !strings.Contains(m[len(m)-1].Text, "has an account already") {
			w.Errorf("%+v", m)
		}
		if open, err := w.p.Invitations(w.Context(), li, li.CompanyID); err != nil || len(open) != 1 {
			w.Errorf("%+v %v", open, err)
		}
	})
}

func TestTheLastOwnerStays(t *testing.T) {
	each(t, generous, func(w world) {
		li := w.member(party.Seller, "li@example.com")
		w.refuses(w.roles(li, li.PersonID, access.Sales), "last_owner")
		w.refuses(w.act(w.p.Disable, li, li.PersonID), "last_owner")
		w.refuses(w.act(w.p.Remove, li, li.PersonID), "last_owner")
		wang := w.join(li, "wang@example.com", access.SellerOwner)
		// Each takes the other out, at once: one of them stays.
		other := access.Actor{PersonID: wang.ID, CompanyID: li.CompanyID, CompanyKind: party.Seller, Roles: []access.Role{access.SellerOwner}}
		var wg sync.WaitGroup
		wg.Go(func() { _ = w.act(w.p.Remove, li, wang.ID) })
		wg.Go(func() { _ = w.act(w.p.Disable, other, li.PersonID) })
		wg.Wait()
		var owners int
		w.must(w.k.Read(w.Context(), func(ctx context.Context, tx *kernel.Tx) (err error) {
			owners, _, err = store.CountPeople(ctx, tx, li.CompanyID, string(access.SellerOwner))
			return err
		}))
		if owners != 1 {
			w.Errorf("%d owners are left", owners)
		}
	})
}

func TestACompanyHasFiftySubUsers(t *testing.T) {
	each(t, generous, func(w world) {
		li := w.member(party.Seller, "li@example.com")
		hash := people.HashPassword(password)
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			for i := range party.MaxSubUsers - 2 {
				if _, err := w.p.CreatePerson(ctx, tx, li, people.NewPerson{CompanyID: li.CompanyID, Login: fmt.Sprintf("sub%02d", i), Name: "sub", PasswordHash: hash, Roles: []access.Role{access.SellerSupport}}); err != nil {
					return err
				}
			}
			return nil
		}))
		w.join(li, "owner2@example.com", access.SellerOwner) // owners do not count
		var wg sync.WaitGroup
		errs := make(chan error, 6)
		for i := range 6 {
			wg.Go(func() {
				_, err := w.invite(li, fmt.Sprintf("new%d@example.com", i), access.Sales)
				errs <- err
			})
		}
		wg.Wait()
		close(errs)
		taken := 0
		for err := range errs {
			if err == nil {
				taken++
			} else {
				w.refuses(err, "too_many_people")
			}
		}
		if taken != 2 {
			w.Errorf("%d invitations for 2 places", taken)
		}
		// An owner who steps down needs a place too.
		open, err := w.p.Invitations(w.Context(), li, li.CompanyID)
		w.must(err)
		for _, i := range open {
			_, _, err := w.p.Join(w.Context(), w.link(i.Email), "new", password)
			w.must(err)
		}
		list, err := w.p.People(w.Context(), li, li.CompanyID, "", 200)
		w.must(err)
		for _, c := range list {
			if c.Login == "owner2@example.com" {
				w.refuses(w.roles(li, c.ID, access.Sales), "too_many_people")
			}
		}
		if len(list) != party.MaxSubUsers+2 {
			w.Errorf("%d people", len(list))
		}
		if page, err := w.p.People(w.Context(), li, li.CompanyID, list[1].Login, 3); err != nil || len(page) != 3 || page[0].Login != list[2].Login {
			w.Errorf("%+v %v", page, err)
		}
	})
}

// Another company's people are unknown; roles without the right to manage people are refused.
func TestPeopleAreKeptApart(t *testing.T) {
	each(t, generous, func(w world) {
		li, chen := w.member(party.Buyer, "li@example.com"), w.member(party.Buyer, "chen@example.com")
		wang := w.join(li, "wang@example.com", access.Viewer)
		viewer := access.Actor{PersonID: wang.ID, CompanyID: li.CompanyID, CompanyKind: party.Buyer, Roles: []access.Role{access.Viewer}}
		_, err := w.p.People(w.Context(), viewer, li.CompanyID, "", 10)
		w.refuses(err, "forbidden")
		_, foreign := w.p.People(w.Context(), chen, li.CompanyID, "", 10)
		_, unknown := w.p.People(w.Context(), chen, "nothing", "", 10)
		if foreign == nil || foreign.Error() != unknown.Error() {
			w.Errorf("%v, %v", foreign, unknown)
		}
		w.refuses(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			return w.p.Disable(ctx, tx, chen, chen.CompanyID, wang.ID)
		}), "not_found")
		w.refuses(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			return w.p.Remove(ctx, tx, chen, li.CompanyID, wang.ID)
		}), "not_found")
		if got := w.people(li); got != "li=buyer.owner wang=buyer.viewer" {
			w.Error(got)
		}
	})
}

// A seller's product is given to a sub-user of its own, and taken back. spec: 20 A6
func TestProductsAreGivenToSubUsers(t *testing.T) {
	each(t, generous, func(w world) {
		li, chen := w.member(party.Seller, "li@example.com"), w.member(party.Seller, "chen@example.com")
		wang, zhou := w.join(li, "wang@example.com", access.Delivery), w.join(chen, "zhou@example.com", access.Delivery)
		w.must(w.change(func(ctx context.Context, tx *kernel.Tx) error {
			return store.InsertProduct(ctx, tx, catalog.Product{ID: "p1", SellerID: li.CompanyID, Name: "云帆", Protocol: catalog.V1, State: catalog.Draft, CreatedAt: w.wire.Now(), UpdatedAt: w.wire.Now()})
		}))
		give := func(a access.Actor, product, person string) error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.Grant(ctx, tx, a, product, person) })
		}
		w.refuses(give(chen, "p1", zhou.ID), "not_found")
		w.refuses(give(li, "p1", zhou.ID), "not_found")
		w.must(give(li, "p1", wang.ID))
		w.must(give(li, "p1", wang.ID))
		if got, err := w.p.Granted(w.Context(), li, li.CompanyID, wang.ID); err != nil || len(got) != 1 || got[0] != "p1" {
			w.Errorf("%v %v", got, err)
		}
		take := func() error {
			return w.change(func(ctx context.Context, tx *kernel.Tx) error { return w.p.Revoke(ctx, tx, li, "p1", wang.ID) })
		}
		w.must(take())
		w.refuses(take(), "not_found")
	})
}

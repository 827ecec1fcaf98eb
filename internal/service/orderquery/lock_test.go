package orderquery_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/databasetest"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
	"github.com/souk-market/souk/internal/service/orderquery"
	"github.com/souk-market/souk/internal/service/people"
	"github.com/souk-market/souk/internal/service/proof"
)

type world struct {
	*testing.T
	k     *kernel.Kernel
	wire  *clock.Manual
	goods *catalogue.Catalogue
	owner access.Actor
}

func each(t *testing.T, f func(w world)) {
	databasetest.Each(t, store.Migrations, func(t *testing.T, db *database.DB) {
		ring, err := keyring.Parse(keyring.Generate())
		if err != nil {
			t.Fatal(err)
		}
		wire := clock.NewManual(time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC))
		w := world{T: t, wire: wire}
		w.k = &kernel.Kernel{DB: db, Wire: wire, Clock: clock.NewBusiness(wire), Ring: ring, Log: slog.New(slog.DiscardHandler), Zone: clock.Shanghai}
		w.goods = catalogue.New(w.k, nil)
		p := people.New(w.k, people.Options{})
		if err := w.k.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			c, err := p.CreateCompany(ctx, tx, kernel.System, people.NewCompany{Kind: party.Seller, Name: "云帆"})
			if err != nil {
				return err
			}
			who, err := p.CreatePerson(ctx, tx, kernel.System, people.NewPerson{CompanyID: c.ID, Login: "li", Name: "li", PasswordHash: "none", Roles: []access.Role{access.SellerOwner}})
			w.owner = access.Actor{PersonID: who.ID, CompanyID: c.ID, CompanyKind: party.Seller, Roles: []access.Role{access.SellerOwner}}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		f(w)
	})
}

func (w world) issue(description string) (ak string, err error) {
	err = w.k.Change(w.Context(), func(ctx context.Context, tx *kernel.Tx) (err error) {
		ak, _, err = w.goods.IssueAccessKey(ctx, tx, w.owner, w.owner.CompanyID, description)
		return err
	})
	return ak, err
}

// Wrong signatures are counted by all processes together: three here and three there lock the key for five minutes, and
// a right one in between begins anew. // spec: 14 §4
func TestProcessesLockAKeyTogether(t *testing.T) {
	each(t, func(w world) {
		ak, err := w.issue("")
		if err != nil {
			t.Fatal(err)
		}
		here, there := orderquery.New(w.k), orderquery.New(w.k)
		key := func() orderquery.Key {
			k, found, err := here.AccessKey(t.Context(), ak)
			if err != nil || !found {
				t.Fatal(found, err)
			}
			return k
		}
		fail := func(q *orderquery.Query, n int) {
			for range n {
				if err := q.Failed(t.Context(), ak); err != nil {
					t.Fatal(err)
				}
			}
		}
		fail(here, 3)
		fail(there, 2)
		if k := key(); k.Failures != 5 || !k.LockedUntil.IsZero() {
			t.Errorf("after five: %+v", k)
		}
		if err := there.Used(t.Context(), ak, key()); err != nil || key().Failures != 0 {
			t.Errorf("a right one: %v %+v", err, key())
		}
		fail(here, 3)
		fail(there, 3)
		if k := key(); !k.LockedUntil.Equal(w.wire.Now().Add(orderquery.LockFor)) || k.Failures != 0 {
			t.Errorf("after six: %+v", k)
		}
		// The use is noted once a minute.
		w.wire.Add(6 * time.Minute)
		before := w.wire.Now()
		for range 3 {
			if err := here.Used(t.Context(), ak, key()); err != nil {
				t.Fatal(err)
			}
			w.wire.Add(10 * time.Second)
		}
		if k := key(); !k.UsedAt.Equal(before) {
			t.Errorf("used at %s, want %s", k.UsedAt, before)
		}
	})
}

// Two keys a person, however they are made; a page makes one only for whom proved itself just now. // spec: 14 §5
func TestTwoKeysAPerson(t *testing.T) {
	each(t, func(w world) {
		for range catalogue.MaxAccessKeys {
			if _, err := w.issue("order query"); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := w.issue(""); err == nil {
			t.Error("a third key was made")
		} else if f, ok := fault.As(err); !ok || f.Code != "access_key_quota" {
			t.Error(err)
		}
		if _, err := w.issue("two\nlines"); err == nil {
			t.Error("a description of two lines was taken")
		}
		err := w.k.Change(t.Context(), func(ctx context.Context, tx *kernel.Tx) error {
			_, _, err := w.goods.NewAccessKey(ctx, tx, w.owner, proof.Vouch(proof.AccessKey, "somebody else"), "")
			return err
		})
		if f, ok := fault.As(err); !ok || f.Fields["code"] == "" {
			t.Errorf("another's proof: %v", err)
		}
	})
}

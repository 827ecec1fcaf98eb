// Package orderquery finds what the seller's order query (查询订单) answers: the order
// with its lines and what the product lets the seller know of the buyer, and the
// access keys (AK/SK) that may ask. Chapters: 01 §5, 14 §3.1, §5. It must not know
// the wire form, which is the face's.
package orderquery

import (
	"context"
	"errors"
	"time"

	"github.com/souk-market/souk/internal/domain/order"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/service/catalogue"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Query is the use cases.
type Query struct{ k *kernel.Kernel }

// New makes them.
func New(k *kernel.Kernel) *Query { return &Query{k} }

// Key is an access key, opened.
type Key struct {
	SK, SellerID string
	Disabled     bool
	LockedUntil  time.Time
	Failures     int       // in a row
	UsedAt       time.Time // to the minute
}

// Limits of guessing. // spec: 14 §4
const (
	LockAfter = 5 // wrong signatures in a row are forgiven; one more locks the key
	LockFor   = 5 * time.Minute
	useEvery  = time.Minute // how exactly "last used" is known
)

// Failed counts a wrong signature of a known key, in the database: so all processes lock it together.
func (q *Query) Failed(ctx context.Context, ak string) error {
	return q.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.CountAccessKeyFailure(ctx, tx, ak, LockAfter, q.k.Wire.Now().Add(LockFor))
	})
}

// Used notes a right signature: at most one write a minute, unless wrong ones came before.
func (q *Query) Used(ctx context.Context, ak string, k Key) error {
	now := q.k.Wire.Now()
	if k.Failures == 0 && now.Sub(k.UsedAt) < useEvery {
		return nil
	}
	return q.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.UseAccessKey(ctx, tx, ak, now, now.Add(-useEvery))
	})
}

// AccessKey finds an AK; false when it is unknown.
func (q *Query) AccessKey(ctx context.Context, ak string) (Key, bool, error) {
	var a store.AccessKey
	err := q.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		a, err = store.AccessKeyOf(ctx, tx, ak)
		return err
	})
	if errors.Is(err, store.ErrNoRow) {
		return Key{}, false, nil
	}
	if err != nil {
		return Key{}, false, err
	}
	sk, err := q.k.Ring.Open(catalogue.AccessKeyPurpose(ak), a.SealedSK)
	if err != nil {
		return Key{}, false, err
	}
	return Key{SK: string(sk), SellerID: a.SellerID, Disabled: a.Disabled, LockedUntil: a.LockedUntil, Failures: a.Failures, UsedAt: a.LastUsedAt}, true, nil
}

// Found is an order with what its seller may know of the buyer. Contact data is
// there only where the product asks for it, in clear. // spec: 01 §5
type Found struct {
	Order                    *order.Order
	CustomerID, CustomerName string
	UserID, UserName         string
	MobilePhone, Email       string
	ExpireAt                 map[string]time.Time // by line: the real end, or the announced one before activation
}

// Order finds an order by id, whosever it is; false when there is none, or when it
// was not paid yet: a seller learns of paid orders only.
func (q *Query) Order(ctx context.Context, id string) (f Found, found bool, err error) {
	err = q.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		o, err := store.Order(ctx, tx, store.Everything, id)
		if err != nil {
			return err
		}
		p, err := store.Product(ctx, tx, store.Everything, o.ProductID)
		if err != nil {
			return err
		}
		buyer, err := store.Company(ctx, tx, o.BuyerID)
		if err != nil {
			return err
		}
		person, err := store.Person(ctx, tx, o.PlacedBy)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		f = Found{Order: o, CustomerID: buyer.ID, CustomerName: buyer.Name, ExpireAt: map[string]time.Time{}}
		if p.Settings.SendUser && person.ID != "" {
			f.UserID, f.UserName = person.ID, person.Name
		}
		if p.Settings.SendMobile {
			if f.MobilePhone = buyer.Mobile; f.MobilePhone == "" {
				f.MobilePhone = person.Mobile
			}
		}
		if p.Settings.SendEmail {
			if f.Email = buyer.Email; f.Email == "" {
				f.Email = person.Email
			}
		}
		for _, l := range o.Lines {
			if f.ExpireAt[l.ID] = l.ExpireAt; l.ExpireAt.IsZero() {
				f.ExpireAt[l.ID] = l.AnnouncedExpiry
			}
		}
		return nil
	})
	if errors.Is(err, store.ErrNoRow) || err == nil && (f.Order.Status == order.PendingPayment || f.Order.Status == order.Canceled) {
		return Found{}, false, nil
	}
	return f, err == nil, err
}

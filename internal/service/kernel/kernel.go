// Package kernel is what every use case stands on: the store, the two clocks, the
// job queue, the keyring, and the one way to change something — Mutate, which runs a
// change, its jobs, its audit row and the stored reply of its idempotency key (幂等键)
// in one transaction.
//
// It must not hold a rule of the marketplace. // spec: 01 §8.5
package kernel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/domain/setting"
	"github.com/souk-market/souk/internal/engine/database"
	"github.com/souk-market/souk/internal/engine/jobs"
	"github.com/souk-market/souk/internal/engine/keyring"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/clock"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
)

// Tx is a transaction; faces pass it on without knowing what is behind it.
type Tx = store.Tx

// Kernel is shared by all use cases of one process.
type Kernel struct {
	DB    *database.DB
	Wire  clock.Clock
	Clock *clock.Business
	Queue *jobs.Queue
	Ring  *keyring.Ring
	Log   *slog.Logger

	Sandbox      bool
	Zone         *time.Location // business dates
	ExpireZone   *time.Location // V1 expireTime // spec: 01 §1.3
	TimeoutScale float64        // sandbox only // spec: 01 §1.2
	AllowHTTP    bool           // V1 addresses in production mode

	// Called is told of every call to a seller's server, once its outcome is known; nil tells nobody.
	Called func(protocol, activity, outcome string, took time.Duration)
	// Spread puts what comes of a notice into the outbox, in the notice's transaction; nil for notices in-site alone.
	Spread func(ctx context.Context, tx *Tx, n store.Notice, params map[string]string) error
	// SpreadAll is Spread for many.
	SpreadAll func(ctx context.Context, tx *Tx, ns []Note) error

	// Advance lets the sandbox's clock go on in a transaction that may have ended the last of
	// what was due; nil where no clock is moved.
	Advance func(ctx context.Context, tx *Tx) error

	// Faults are the ways in which a sandbox misbehaves; nil is none.
	Faults *Faults

	// Live are the settings that hold; nil means the defaults for good.
	Live *Live
}

// Installed are the settings that hold while nobody has changed them.
func (k *Kernel) Installed() setting.Values {
	if k.Live == nil {
		return setting.Defaults()
	}
	return k.Live.installed
}

// Settings are those that hold now. A use case reads them once.
func (k *Kernel) Settings() setting.Values {
	if k.Live == nil {
		return setting.Defaults()
	}
	return *k.Live.now.Load()
}

// Live holds the settings of one process.
type Live struct {
	installed setting.Values
	now       atomic.Pointer[setting.Values]
}

// NewLive begins with the settings that the installation chose.
func NewLive(installed setting.Values) *Live {
	l := &Live{installed: installed}
	l.Hold(installed)
	return l
}

// Hold puts settings into force in this process.
func (l *Live) Hold(v setting.Values) { l.now.Store(&v) }

// System is the actor behind everything the platform does by itself.
var System = access.Actor{PersonID: "system", CompanyKind: access.Operator}

// Row is a new row key.
func (k *Kernel) Row() string { return ident.Row(k.Wire.Now()) }

// Scope is whose rows an actor may see.
func Scope(a access.Actor) store.Scope {
	if a.Anonymous() {
		return store.Scope{}
	}
	s := store.Scope{Kind: a.CompanyKind, CompanyID: a.CompanyID}
	if a.Limited {
		s.PersonID = a.PersonID
	}
	return s
}

// Unlimited refuses a sub-user who is limited to some products what is about the whole seller. spec: 20 A6
func Unlimited(a access.Actor) error {
	if a.Limited {
		return fault.New(fault.Forbidden, "limited", "you are limited to the products given to you; this is about all of them")
	}
	return nil
}

// Missing turns a missing row into the answer that unknown and foreign ids share.
func Missing(err error, noun string) error {
	if errors.Is(err, store.ErrNoRow) {
		return fault.Unknown(noun)
	}
	return err
}

// May refuses an actor who may not do the action at all.
func May(a access.Actor, action access.Action) error {
	if a.PersonID == System.PersonID {
		return nil
	}
	if a.Anonymous() {
		return fault.New(fault.Unauthenticated, "unauthenticated", "sign in, or send a personal access token")
	}
	if !access.Can(a, action) {
		return fault.New(fault.Forbidden, "forbidden", "your role does not allow %s", action)
	}
	return nil
}

// Audit writes who did what, in the transaction of what was done.
func (k *Kernel) Audit(ctx context.Context, tx *Tx, a access.Actor, action access.Action, noun, detail string) error {
	return store.InsertAudit(ctx, tx, k.Row(), k.Clock.Now(), a.PersonID, a.CompanyID, string(action), noun, detail)
}

// Tell leaves a notice for a company, and puts the mails and SMS that come of it into the outbox. OperatorDesk addresses
// the operators. params may name the product_id that it is about; without, it is that of the order.
func (k *Kernel) Tell(ctx context.Context, tx *Tx, company, kind, orderID, attemptID string, params map[string]string) error {
	text, err := json.Marshal(params)
	if err != nil {
		return err
	}
	n := store.Notice{ID: k.Row(), CompanyID: company, Kind: kind, OrderID: orderID, AttemptID: attemptID, ProductID: params["product_id"], Params: string(text), CreatedAt: k.Clock.Now()}
	if n.ProductID == "" && orderID != "" {
		if n.ProductID, err = store.ProductOfOrder(ctx, tx, orderID); err != nil {
			return err
		}
	}
	if err := store.InsertNotice(ctx, tx, n); err != nil || k.Spread == nil {
		return err
	}
	return k.Spread(ctx, tx, n, params)
}

// Note is a notice that is left together with others.
type Note struct {
	store.Notice
	Texts   map[string]string // its Params
	Company *party.Company    // whom it is for, where that has been read
}

// TellAll is Tell for many. Of each it takes company, kind, order, attempt and texts.
func (k *Kernel) TellAll(ctx context.Context, tx *Tx, ns []Note) error {
	if len(ns) == 0 {
		return nil
	}
	now := k.Clock.Now()
	var orders []string
	for i := range ns {
		n := &ns[i]
		text, err := json.Marshal(n.Texts)
		if err != nil {
			return err
		}
		n.ID, n.ProductID, n.Params, n.CreatedAt = k.Row(), n.Texts["product_id"], string(text), now
		if n.ProductID == "" && n.OrderID != "" {
			orders = append(orders, n.OrderID)
		}
	}
	if len(orders) > 0 {
		products, err := store.ProductsOfOrders(ctx, tx, orders)
		if err != nil {
			return err
		}
		for i := range ns {
			if ns[i].ProductID == "" {
				ns[i].ProductID = products[ns[i].OrderID]
			}
		}
	}
	rows := make([]store.Notice, len(ns))
	for i, n := range ns {
		rows[i] = n.Notice
	}
	if err := store.InsertNotices(ctx, tx, rows); err != nil || k.SpreadAll == nil {
		return err
	}
	return k.SpreadAll(ctx, tx, ns)
}

// OperatorDesk stands for the operators' own company in notices.
const OperatorDesk = "operator"

// Request names a change so that its repetition is answered and not done again.
type Request struct {
	Caller string // the person
	Key    string // Idempotency-Key; "" makes the change plain
	Input  []byte // method, path and body: the same key with another input is a conflict
	Secret bool   // the reply shows a secret: it is stored sealed
}

// MaxIdempotencyKey bounds the key's length in bytes.
const MaxIdempotencyKey = 255

const replyPurpose = "stored reply"

// Reply is what a face answers to a change.
type Reply struct {
	Status   int
	Body     []byte
	Repeated bool // the stored answer of the first time
}

// Mutate runs f in one transaction. With a key, the reply is stored beside the
// effect and a repetition gets it again, whatever has happened since; the same key
// with another input is refused. An id drawn twice by chance is drawn again.
// spec: 01 §8.5
func (k *Kernel) Mutate(ctx context.Context, r Request, f func(ctx context.Context, tx *Tx) (Reply, error)) (Reply, error) {
	if len(r.Key) > MaxIdempotencyKey {
		return Reply{}, fault.New(fault.Invalid, "invalid", "Idempotency-Key is longer than %d bytes", MaxIdempotencyKey)
	}
	sum := sha256.Sum256(r.Input)
	hash := hex.EncodeToString(sum[:])
	var reply Reply
	once := func() error {
		return k.DB.Write(ctx, func(ctx context.Context, tx *Tx) (err error) {
			if r.Key != "" {
				stored, err := store.StoredReply(ctx, tx, r.Caller, r.Key)
				if err != nil {
					return err
				}
				if stored != nil {
					if stored.InputHash != hash {
						return fault.New(fault.Conflict, "idempotency_conflict", "this Idempotency-Key was used for another request; use a new key")
					}
					reply = Reply{Status: stored.Status, Body: stored.Body, Repeated: true}
					if r.Secret {
						reply.Body, err = k.Ring.Open(replyPurpose, string(stored.Body))
					}
					return err
				}
			}
			if reply, err = f(ctx, tx); err != nil || r.Key == "" {
				return err
			}
			kept := reply.Body
			if r.Secret {
				sealed, err := k.Ring.Seal(replyPurpose, reply.Body)
				if err != nil {
					return err
				}
				kept = []byte(sealed)
			}
			return store.InsertReply(ctx, tx, r.Caller, r.Key, store.Reply{InputHash: hash, Status: reply.Status, Body: kept}, k.Wire.Now())
		})
	}
	var err error
	for range 3 {
		// A unique violation is an id drawn twice, or the same key committed by
		// another request a moment ago: the next round sees it.
		if err = once(); !database.IsUnique(err) {
			break
		}
	}
	return reply, Translate(err)
}

// Known tells whether the answer of a key is stored.
func (k *Kernel) Known(ctx context.Context, caller, key string) (known bool, err error) {
	if key == "" {
		return false, nil
	}
	err = k.Read(ctx, func(ctx context.Context, tx *Tx) error {
		r, err := store.StoredReply(ctx, tx, caller, key)
		known = r != nil
		return err
	})
	return known, err
}

// CloseEnough is how far behind the business clock something may be done and still count as
// done at the instant at which it was due: a sandbox's clock goes on in short steps.
const CloseEnough = 5 * time.Minute

// AsOf is the business instant of something that was due at an instant.
func (k *Kernel) AsOf(due time.Time) time.Time {
	now := k.Clock.Now()
	if late := now.Sub(due); k.Sandbox && late > 0 && late <= CloseEnough {
		return due
	}
	return now
}

// Change is Mutate without a key and a reply.
func (k *Kernel) Change(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	_, err := k.Mutate(ctx, Request{}, func(ctx context.Context, tx *Tx) (Reply, error) { return Reply{}, f(ctx, tx) })
	return err
}

// Read runs f in a snapshot.
func (k *Kernel) Read(ctx context.Context, f func(ctx context.Context, tx *Tx) error) error {
	return Translate(k.DB.Read(ctx, f))
}

// Translate gives errors of the database the kind a caller can act on.
func Translate(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := fault.As(err); ok {
		return err
	}
	switch {
	case errors.Is(err, database.ErrCommitUnknown):
		return fault.Wrap(err, fault.Unavailable, "outcome_unknown", "the database was lost while it committed; repeat the request with the same Idempotency-Key to learn the outcome")
	case database.IsUnavailable(err):
		return fault.Wrap(err, fault.Unavailable, "unavailable", "the database cannot take this now; nothing was changed, try again")
	case database.IsText(err):
		return fault.Wrap(err, fault.Invalid, "invalid_text", "the input is not valid UTF-8, or holds the character U+0000")
	case database.IsUnique(err):
		return fault.Wrap(err, fault.Conflict, "conflict", "somebody else changed the same thing at the same time; try again")
	}
	return err
}

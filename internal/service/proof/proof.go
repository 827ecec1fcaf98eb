package proof

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"time"

	"github.com/souk-market/souk/internal/engine/mail"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// Limits of codes.
const (
	Life     = 10 * time.Minute
	MaxWrong = 5                // in a row, then a lock
	LockFor  = 15 * time.Minute // of the purpose and subject
)

// Outbox takes messages over in the transaction that they belong to.
type Outbox interface {
	Put(ctx context.Context, tx *kernel.Tx, m mail.Message) error
}

// Proofs sends codes and checks them.
type Proofs struct {
	k   *kernel.Kernel
	out Outbox
	may func(ctx context.Context, target string) error // bounds what one client causes
}

// New makes them. may refuses whoever causes too many messages.
func New(k *kernel.Kernel, out Outbox, may func(ctx context.Context, target string) error) *Proofs {
	return &Proofs{k, out, may}
}

// Pass says that a person has just proved itself for a purpose. Only this package and whoever checks passwords makes one.
type Pass struct{ purpose, subject string }

// For tells whether the pass is the subject's for the purpose.
func (p Pass) For(purpose, subject string) bool {
	return p.purpose == purpose && p.subject == subject && subject != ""
}

// Vouch makes a pass for whom another proof was checked, such as the password.
func Vouch(purpose, subject string) Pass { return Pass{purpose, subject} }

// What a code is for. It stands in the message.
const (
	AccessKey = "access_key"
	Mobile    = "mobile" // the number itself
)

// Target is where a code goes.
type Target struct {
	Channel  string // mail.Mail or mail.SMS
	Address  string
	Language string
}

type words struct{ subject, text string }

var texts = map[string]map[string]words{
	"zh-CN": {
		AccessKey: {"新增访问密钥的验证码", "【集市】验证码 %s，用于新增访问密钥，10 分钟内有效。如非本人操作，请立即修改密码。"},
		Mobile:    {"验证手机号码", "【集市】验证码 %s，用于验证此手机号码，10 分钟内有效。如非本人操作，请忽略。"},
	},
	"en-US": {
		AccessKey: {"Code for a new access key", "[Souk] %s is the code for a new access key, good for 10 minutes. If this was not you, change your password at once."},
		Mobile:    {"Prove your number", "[Souk] %s is the code that proves this number, good for 10 minutes. If this was not you, ignore it."},
	},
}

func name(purpose, subject string) string { return purpose + " " + subject }

func hash(purpose, subject, code string) string {
	return ident.Hash("code\n" + purpose + "\n" + subject + "\n" + code)
}

// Send draws a code for a purpose of a subject and sends it; one sent before is worthless from now on.
func (p *Proofs) Send(ctx context.Context, tx *kernel.Tx, purpose, subject string, t Target) error {
	if err := p.may(ctx, t.Address); err != nil {
		return err
	}
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	code := fmt.Sprintf("%06d", n)
	if err := store.DropMailLinks(ctx, tx, "code "+purpose, name(purpose, subject)); err != nil {
		return err
	}
	now := p.k.Wire.Now()
	if err := store.InsertMailLink(ctx, tx, hash(purpose, subject, code), "code "+purpose, name(purpose, subject), now, now.Add(Life)); err != nil {
		return err
	}
	w, ok := texts[t.Language][purpose]
	if !ok {
		w = texts["zh-CN"][purpose]
	}
	return p.out.Put(ctx, tx, mail.Message{Channel: t.Channel, To: t.Address, Subject: w.subject, Text: fmt.Sprintf(w.text, code)})
}

// Wrong is the answer to a code that is not the one, or is over.
func Wrong(field string) error { return fault.Field(field, "is wrong or over; ask for a new one") }

// Spend checks a code, which is good once. It has transactions of its own, so that a wrong one is counted whatever
// becomes of the caller's.
func (p *Proofs) Spend(ctx context.Context, purpose, subject, code string) error {
	now := p.k.Wire.Now()
	guess := "proof " + ident.Hash(name(purpose, subject))[:32]
	var locked time.Time
	if err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		locked, err = store.Guess(ctx, tx, guess, now, MaxWrong, LockFor)
		return err
	}); err != nil {
		return err
	}
	if !locked.IsZero() {
		return fault.New(fault.TooMany, "slow_down", "too many wrong codes; try again after %s", locked.Format(time.RFC3339))
	}
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		h := hash(purpose, subject, code)
		if _, err := store.MailLink(ctx, tx, h, "code "+purpose, now); err != nil {
			if errors.Is(err, store.ErrNoRow) {
				return Wrong("code")
			}
			return err
		}
		if err := store.UseMailLink(ctx, tx, h); err != nil {
			if errors.Is(err, store.ErrNoRow) {
				return Wrong("code")
			}
			return err
		}
		return store.Guessed(ctx, tx, guess)
	})
}

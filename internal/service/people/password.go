package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/argon2"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// cost is what argon2id takes of memory (KiB) and time.
type cost struct {
	memory, passes uint32
	threads        uint8
}

// fullCost is 19 MiB, two passes, one lane.
var fullCost = cost{19 * 1024, 2, 1}

// hashCost is that of new passwords. Tests whose subject it is not take less.
var hashCost = fullCost

const (
	argonSalt = 16
	argonKey  = 32
)

// hashing bounds how many passwords are hashed at once: a flood of logins must not take the memory.
var hashing = make(chan struct{}, max(2, runtime.NumCPU()))

func argon(password string, salt []byte, c cost, length uint32) []byte {
	hashing <- struct{}{}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.threads, length)
}

// HashPassword makes the stored form of a password.
func HashPassword(password string) string { return hashAt(password, hashCost) }

func hashAt(password string, c cost) string {
	salt := make([]byte, argonSalt)
	if _, err := rand.Read(salt); err != nil {
		panic("people: no randomness: " + err.Error())
	}
	sum := argon(password, salt, c, argonKey)
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.threads, b64(salt), b64(sum))
}

func passwordFits(stored, password string) bool {
	parts := strings.Split(stored, "$")
	var c cost
	if len(parts) != 6 || parts[1] != "argon2id" {
		return false
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.threads); err != nil {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil {
		return false
	}
	got := argon(password, salt, c, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}

// dummy is compared with when the login is unknown, so that both cases take the same time. New makes it, in the
// background: commands that know no people do not wait for it.
var dummy = sync.OnceValue(func() string { return HashPassword("no such person") })

// prove asks a signed-in person for the password again, before what a stolen session must not do. Wrong ones count
// like wrong sign-ins.
func (p *People) prove(ctx context.Context, person, field, password string) (party.Person, error) {
	var who party.Person
	var locked time.Time
	now := p.k.Wire.Now()
	if len(password) > 4*party.MaxPassword {
		return who, fault.Field(field, "is wrong")
	}
	err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if who, err = store.Person(ctx, tx, person); err != nil {
			return kernel.Missing(err, "person")
		}
		locked, err = store.Guess(ctx, tx, loginGuess(who.Login), now, p.k.Settings().MaxFailures, p.k.Settings().LockFor)
		return err
	})
	switch {
	case err != nil:
		return who, err
	case !locked.IsZero():
		return who, lockedUntil(locked)
	case !passwordFits(who.PasswordHash, password):
		return who, fault.Field(field, "is wrong")
	}
	return who, p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		return store.Guessed(ctx, tx, loginGuess(who.Login))
	})
}

// ProvePassword asks the signed-in person for the password again.
func (p *People) ProvePassword(ctx context.Context, a access.Actor, password string) error {
	if a.Anonymous() {
		return fault.New(fault.Unauthenticated, "unauthenticated", "sign in first")
	}
	_, err := p.prove(ctx, a.PersonID, "password", password)
	return err
}

// ChangePassword replaces one's own password. All other sessions end, the session that it is done in goes on under
// another secret (opened is empty when session is), and the owner is told by mail.
func (p *People) ChangePassword(ctx context.Context, a access.Actor, session, old, password string) (opened Opened, err error) {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return opened, err
	}
	who, err := p.prove(ctx, a.PersonID, "old_password", old)
	if err != nil {
		return opened, err
	}
	f := fault.Fields{}
	party.CheckPassword("password", password, who.Login, f)
	if password == old {
		f.Add("password", "is the one you have")
	}
	if err := f.Err(); err != nil {
		return opened, err
	}
	hash := HashPassword(password)
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		opened = Opened{}
		if err := p.setPassword(ctx, tx, who, hash, session); err != nil {
			return err
		}
		if session != "" {
			if opened, err = p.rotate(ctx, tx, session, false); err != nil {
				return err
			}
		}
		return p.k.Audit(ctx, tx, a, actPassword, who.ID, "changed")
	})
	return opened, err
}

// setPassword stores the hash, ends sessions but one, makes open reset links worthless, and writes the mail.
func (p *People) setPassword(ctx context.Context, tx *kernel.Tx, who party.Person, hash, exceptSession string) error {
	now := p.k.Wire.Now()
	if err := store.SetPassword(ctx, tx, who.ID, hash, now); err != nil {
		return err
	}
	if _, err := store.DeleteSessions(ctx, tx, who.ID, ident.Hash(exceptSession)); err != nil {
		return err
	}
	if err := store.DropMailLinks(ctx, tx, linkReset, who.ID); err != nil {
		return err
	}
	return p.write(ctx, tx, who.Email, who.Language, mailPasswordChanged, mailData{Name: who.Name, Client: clientOf(ctx), At: now})
}

// RequestReset sends a link to set a new password to the address of whoever has the login or address. The answer is
// the same when nobody has.
func (p *People) RequestReset(ctx context.Context, address string) error {
	address = cleanLogin(address)
	if err := checkLogin("login", address); err != nil {
		return err
	}
	if err := p.mayCauseMail(ctx, address); err != nil {
		return err
	}
	secret := ident.Token(linkPrefix)
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		now := p.k.Wire.Now()
		who, err := store.PersonByAddress(ctx, tx, address)
		if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		subject := who.ID
		if err != nil || who.Email == "" || !who.DisabledAt.IsZero() {
			subject = "" // a link that leads nowhere: the same work for the database
		}
		if err := store.InsertMailLink(ctx, tx, ident.Hash(secret), linkReset, subject, now, now.Add(party.ResetLife)); err != nil || subject == "" {
			return err
		}
		return p.write(ctx, tx, who.Email, who.Language, mailReset, mailData{Name: who.Name, Link: p.link("reset", secret), Until: now.Add(party.ResetLife), Client: clientOf(ctx)})
	})
}

// ConfirmReset sets a new password by a link, which is good once. All sessions end, and a lock with them.
func (p *People) ConfirmReset(ctx context.Context, secret, password string) error {
	if err := p.mayTry(ctx); err != nil {
		return err
	}
	var who party.Person
	if err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		id, err := store.MailLink(ctx, tx, ident.Hash(secret), linkReset, p.k.Wire.Now())
		if err != nil {
			return dead(err)
		}
		who, err = store.Person(ctx, tx, id)
		return dead(err)
	}); err != nil {
		return err
	}
	f := fault.Fields{}
	party.CheckPassword("password", password, who.Login, f)
	if err := f.Err(); err != nil {
		return err
	}
	hash := HashPassword(password)
	return p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if err := store.UseMailLink(ctx, tx, ident.Hash(secret)); err != nil {
			return dead(err)
		}
		if err := p.setPassword(ctx, tx, who, hash, ""); err != nil {
			return err
		}
		if err := store.Guessed(ctx, tx, loginGuess(who.Login)); err != nil {
			return err
		}
		return p.k.Audit(ctx, tx, access.Actor{PersonID: who.ID, CompanyID: p.home(ctx, tx, who.ID)}, actPassword, who.ID, "reset by mail")
	})
}

// Recover lets a person in again from the marketplace's own machine: a new password, no second factor (to be set up
// anew where it is required), no lock, all sessions ended. Whoever can call it holds the database and the master key.
// spec: 01 §8.1
func (p *People) Recover(ctx context.Context, login, password string) (party.Person, error) {
	var who party.Person
	login = cleanLogin(login)
	f := fault.Fields{}
	party.CheckPassword("password", password, login, f)
	if err := f.Err(); err != nil {
		return who, err
	}
	hash := HashPassword(password)
	err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		if who, err = store.PersonByLogin(ctx, tx, login); err != nil {
			return kernel.Missing(err, "person")
		}
		if err := p.setPassword(ctx, tx, who, hash, ""); err != nil {
			return err
		}
		if err := store.DeleteTOTP(ctx, tx, who.ID); err != nil {
			return err
		}
		for _, name := range []string{loginGuess(login), codeGuess(who.ID)} {
			if err := store.Guessed(ctx, tx, name); err != nil {
				return err
			}
		}
		return p.k.Audit(ctx, tx, kernel.System, actPassword, who.ID, "recovered on the machine, second factor taken away")
	})
	return who, err
}

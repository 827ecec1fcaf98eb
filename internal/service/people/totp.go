package people

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"image/png"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/souk-market/souk/internal/domain/access"
	"github.com/souk-market/souk/internal/domain/party"
	"github.com/souk-market/souk/internal/engine/store"
	"github.com/souk-market/souk/internal/ground/fault"
	"github.com/souk-market/souk/internal/ground/ident"
	"github.com/souk-market/souk/internal/service/kernel"
)

// The second factor is RFC 6238 as every authenticator app knows it: SHA-1, six digits, 30 seconds.
const (
	step          = 30 * time.Second
	skew          = 1 // steps of the wire clock to both sides // spec: 01 §1.1
	seedBytes     = 20
	RecoveryCodes = 10
	issuer        = "Souk"
)

// Enrolment is what an authenticator app is set up with. It is shown once.
type Enrolment struct {
	Seed string // base32, for typing
	URI  string // otpauth://…
	QR   []byte // the URI as a PNG picture
}

func totpPurpose(person string) string { return "totp " + person }

// BeginTOTP draws a seed. The second factor is in force when ConfirmTOTP has seen a code; until then nothing changes.
func (p *People) BeginTOTP(ctx context.Context, a access.Actor, password string) (Enrolment, error) {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return Enrolment{}, err
	}
	who, err := p.prove(ctx, a.PersonID, "password", password)
	if err != nil {
		return Enrolment{}, err
	}
	return p.enrol(ctx, who)
}

// BeginTOTPAtSignIn is BeginTOTP for a session that waits for the second factor to be set up: its password was given
// a moment ago.
func (p *People) BeginTOTPAtSignIn(ctx context.Context, session string) (Enrolment, error) {
	a, err := p.staged(ctx, session, party.StageEnrol)
	if err != nil {
		return Enrolment{}, err
	}
	var who party.Person
	if err := p.k.Read(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		who, err = store.Person(ctx, tx, a.PersonID)
		return err
	}); err != nil {
		return Enrolment{}, err
	}
	return p.enrol(ctx, who)
}

// staged is who holds a session at a stage.
func (p *People) staged(ctx context.Context, session, stage string) (access.Actor, error) {
	a, b, err := p.ByStage(ctx, session)
	if err == nil && b.Stage != stage {
		err = refused()
	}
	return a, err
}

func (p *People) enrol(ctx context.Context, who party.Person) (e Enrolment, err error) {
	seed := make([]byte, seedBytes)
	_, _ = rand.Read(seed) // never fails
	e.Seed = base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(seed)
	uri := "otpauth://totp/" + issuer + ":" + strings.NewReplacer("%", "%25", ":", "%3A", "/", "%2F", "?", "%3F", "#", "%23", "&", "%26", "+", "%2B").Replace(who.Login) + "?secret=" + e.Seed + "&issuer=" + issuer + "&algorithm=SHA1&digits=6&period=30"
	key, err := otp.NewKeyFromURL(uri)
	if err != nil {
		return e, err
	}
	picture, err := key.Image(220, 220)
	if err != nil {
		return e, err
	}
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		return e, err
	}
	e.URI, e.QR = uri, b.Bytes()
	sealed, err := p.k.Ring.Seal(totpPurpose(who.ID), []byte(e.Seed))
	if err != nil {
		return e, err
	}
	return e, p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		if t, err := store.TOTPOf(ctx, tx, who.ID); err == nil && !t.Confirmed.IsZero() {
			return fault.New(fault.Conflict, "totp_in_force", "the second factor is set up already; switch it off first")
		} else if err != nil && !errors.Is(err, store.ErrNoRow) {
			return err
		}
		return store.PutTOTP(ctx, tx, who.ID, sealed, p.k.Wire.Now())
	})
}

// ConfirmTOTP puts the second factor in force by its first code, and gives the recovery codes, which are shown once.
func (p *People) ConfirmTOTP(ctx context.Context, a access.Actor, code string) (codes []string, err error) {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return nil, err
	}
	_, codes, err = p.confirm(ctx, a, code, "")
	return codes, err
}

// ConfirmTOTPAtSignIn is ConfirmTOTP for a session that waits for it; the session is signed in then, under another
// secret.
func (p *People) ConfirmTOTPAtSignIn(ctx context.Context, session, code string) (Opened, []string, error) {
	a, err := p.staged(ctx, session, party.StageEnrol)
	if err != nil {
		return Opened{}, nil, err
	}
	return p.confirm(ctx, a, code, session)
}

func (p *People) confirm(ctx context.Context, a access.Actor, code, session string) (opened Opened, codes []string, err error) {
	codes, hashes := newRecoveryCodes(a.PersonID)
	_, err = p.withCode(ctx, a.PersonID, code, false, func(ctx context.Context, tx *kernel.Tx, _ string) (err error) {
		opened = Opened{}
		if err := store.PutRecoveryCodes(ctx, tx, a.PersonID, hashes); err != nil {
			return err
		}
		if session != "" {
			if opened, err = p.rotate(ctx, tx, session, true); err != nil {
				return err
			}
			if err := p.history(ctx, tx, a.PersonID, "totp", party.SignedIn); err != nil {
				return err
			}
		}
		return p.k.Audit(ctx, tx, a, actTOTP, a.PersonID, "set up")
	})
	if err != nil {
		return Opened{}, nil, err
	}
	return opened, codes, nil
}

// GiveCode ends the stage of a session by a code of the app or a recovery code. Wrong ones are counted; five in a
// row lock the second factor for a quarter of an hour. A code that was accepted once is not accepted again.
func (p *People) GiveCode(ctx context.Context, session, code string) (opened Opened, err error) {
	if err := p.mayTry(ctx); err != nil {
		return opened, err
	}
	a, err := p.staged(ctx, session, party.StageCode)
	if err != nil {
		return opened, err
	}
	_, err = p.withCode(ctx, a.PersonID, code, true, func(ctx context.Context, tx *kernel.Tx, way string) (err error) {
		if opened, err = p.rotate(ctx, tx, session, true); err != nil {
			return err
		}
		return p.history(ctx, tx, a.PersonID, way, party.SignedIn)
	})
	if err != nil {
		return Opened{}, err
	}
	return opened, nil
}

// DisableTOTP takes the second factor away, by password and a code. Operators who must have one keep it.
func (p *People) DisableTOTP(ctx context.Context, a access.Actor, password, code string) error {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return err
	}
	if a.IsOperator() && p.o.OperatorTOTP {
		return fault.New(fault.Rule, "totp_required", "operators of this marketplace must have the second factor")
	}
	who, err := p.prove(ctx, a.PersonID, "password", password)
	if err != nil {
		return err
	}
	_, err = p.withCode(ctx, a.PersonID, code, true, func(ctx context.Context, tx *kernel.Tx, _ string) error {
		if err := store.DeleteTOTP(ctx, tx, a.PersonID); err != nil {
			return err
		}
		if err := p.write(ctx, tx, who.Email, who.Language, mailTOTPOff, mailData{Name: who.Name, Client: clientOf(ctx), At: p.k.Wire.Now()}); err != nil {
			return err
		}
		return p.k.Audit(ctx, tx, a, actTOTP, a.PersonID, "switched off")
	})
	return err
}

// RenewRecoveryCodes replaces all recovery codes, by a code of the app.
func (p *People) RenewRecoveryCodes(ctx context.Context, a access.Actor, code string) ([]string, error) {
	if err := kernel.May(a, access.AccountWrite); err != nil {
		return nil, err
	}
	codes, hashes := newRecoveryCodes(a.PersonID)
	_, err := p.withCode(ctx, a.PersonID, code, true, func(ctx context.Context, tx *kernel.Tx, _ string) error {
		if err := store.PutRecoveryCodes(ctx, tx, a.PersonID, hashes); err != nil {
			return err
		}
		return p.k.Audit(ctx, tx, a, actTOTP, a.PersonID, "new recovery codes")
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// withCode does something if the code is right, in the transaction that spends it. inForce is whether the second
// factor must be in force already, or must not be.
func (p *People) withCode(ctx context.Context, person, code string, inForce bool, do func(ctx context.Context, tx *kernel.Tx, way string) error) (way string, err error) {
	now := p.k.Wire.Now()
	code = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' {
			return -1
		}
		return r
	}, strings.ToUpper(code))
	var locked time.Time
	// Counted first, in a transaction of its own: a wrong code must not undo it.
	if err := p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) (err error) {
		locked, err = store.Guess(ctx, tx, codeGuess(person), now, p.k.Settings().MaxFailures, p.k.Settings().LockFor)
		if err == nil && !locked.IsZero() && inForce {
			err = p.history(ctx, tx, person, "totp", party.Locked)
		}
		return err
	}); err != nil {
		return "", err
	}
	if !locked.IsZero() {
		return "", fault.New(fault.TooMany, "code_locked", "too many wrong codes; try again after %s", locked.Format(time.RFC3339))
	}
	right := false
	err = p.k.Change(ctx, func(ctx context.Context, tx *kernel.Tx) error {
		right, way = false, ""
		t, err := store.TOTPOf(ctx, tx, person)
		if errors.Is(err, store.ErrNoRow) || err == nil && t.Confirmed.IsZero() == inForce {
			return fault.New(fault.Conflict, "totp_state", "set the second factor up first, or switch it off first")
		}
		if err != nil {
			return err
		}
		if way, err = p.spend(ctx, tx, t, code, now); err != nil {
			return err
		}
		if right = way != ""; !right {
			if inForce {
				return p.history(ctx, tx, person, "totp", party.WrongCode)
			}
			return nil
		}
		if err := store.Guessed(ctx, tx, codeGuess(person)); err != nil {
			return err
		}
		return do(ctx, tx, way)
	})
	if err == nil && !right {
		err = &fault.Fault{Kind: fault.Invalid, Code: "wrong_code", Message: "the code is wrong, or was used already", Fields: map[string]string{"code": "is wrong, or was used already"}}
	}
	return way, err
}

// spend uses a code up: "totp", "recovery_code", or "" when it is wrong.
func (p *People) spend(ctx context.Context, tx *kernel.Tx, t store.TOTP, code string, now time.Time) (way string, err error) {
	if len(code) != 6 {
		if t.Confirmed.IsZero() {
			return "", nil
		}
		err := store.UseRecoveryCode(ctx, tx, t.PersonID, ident.Hash(t.PersonID+code), now)
		if errors.Is(err, store.ErrNoRow) {
			return "", nil
		}
		return "recovery_code", err
	}
	seed, err := p.k.Ring.Open(totpPurpose(t.PersonID), t.Sealed)
	if err != nil {
		return "", err
	}
	at := now.Unix() / int64(step/time.Second)
	for s := at - skew; s <= at+skew; s++ {
		want, err := hotp.GenerateCode(string(seed), uint64(s))
		if err != nil {
			return "", err
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) != 1 {
			continue
		}
		if err := store.UseTOTP(ctx, tx, t.PersonID, s, now); errors.Is(err, store.ErrNoRow) {
			return "", nil // replayed
		} else if err != nil {
			return "", err
		}
		return "totp", nil
	}
	return "", nil
}

// newRecoveryCodes draws codes of 80 bits; withCode looks them up by person and code without blanks and dashes.
func newRecoveryCodes(person string) (codes, hashes []string) {
	for range RecoveryCodes {
		c := rand.Text()[:16]
		hashes = append(hashes, ident.Hash(person+c))
		codes = append(codes, c[:4]+"-"+c[4:8]+"-"+c[8:12]+"-"+c[12:])
	}
	return codes, hashes
}

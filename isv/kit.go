package isv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/souk-market/souk/protocol/kit"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// KitListener is a Seller whose product is sold with the joint-operation kit: it is
// told which enterprises, applications, departments and users belong to an instance.
// The methods must bear repetitions: adding what is there and deleting what is gone
// succeed, and a delete may come after the instance was released. Without this
// interface kit callbacks are answered with 000002.
// spec: 13 §2
type KitListener interface {
	// TenantSynced adds, changes or deletes a tenant of an instance.
	TenantSynced(ctx context.Context, t kit.Tenant, c KitCall) error
	// ApplicationSynced gives the OAuth client of a tenant, its secret in clear.
	ApplicationSynced(ctx context.Context, a kit.Application, secret string, c KitCall) error
	// UsersSynced grants, changes or revokes the application for users.
	UsersSynced(ctx context.Context, a kit.Authorisation, c KitCall) error
	// DepartmentSynced adds, changes or deletes one department.
	DepartmentSynced(ctx context.Context, d kit.Department, c KitCall) error
	// DepartmentsSynced gives the whole list: a snapshot.
	DepartmentsSynced(ctx context.Context, d kit.Departments, c KitCall) error
}

// KitCall is how a callback came.
type KitCall struct {
	Generation Generation
	Test       bool   // the credential is being applied for or debugged: instance and order may be empty
	TimeStamp  string // UTC+8, 17 digits
}

// MaxKitRequest is the longest body of a kit callback that is read, in bytes: 500
// users with every field full fit.
const MaxKitRequest = 2 << 20

// codeSecret is the answer when clientSecret cannot be decrypted.
const codeSecret = kit.CodeSecret

// serveKit answers a callback: every answer is HTTP 200 and JSON; those of V1 are
// signed.
// spec: 13 §1.1–1.3
func (s *Server) serveKit(w http.ResponseWriter, r *http.Request, callback kit.Callback, generation kit.Generation) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxKitRequest))
	key, refusal := "", result(nil)
	switch {
	case err != nil:
		refusal = refused(codeParameter, "body is too long or broke off")
	case len(s.config.KitKeys) == 0:
		refusal = refused(codeAuth, "the kit is not served here")
	case generation == kit.V1:
		key, refusal = s.verifyKitV1(r, body)
	default:
		refusal = s.verifyKitV2(r, body)
	}
	if refusal != nil {
		s.config.Log.Warn("call refused", "activity", string(callback), "reason", refusal["resultMsg"])
	} else {
		refusal = s.actKit(acting(r), callback, generation, body)
	}
	if generation == kit.V1 {
		if key == "" && len(s.config.Keys) > 0 {
			key = s.config.Keys[0]
		}
		if key != "" {
			s.writeV1(w, key, refusal)
			return
		}
	}
	s.writeV2(w, refusal)
}

func (s *Server) verifyKitV1(r *http.Request, body []byte) (key string, refusal result) {
	keys := slices.Concat(s.config.Keys, s.config.KitKeys) // the base key; a seller may have given another // spec: 01 §2.4
	i, err := kit.VerifyV1(r.Header.Get("authToken"), body, keys...)
	if err != nil {
		return "", refused(codeAuth, v1.ErrAuthToken.Error())
	}
	return keys[i], nil
}

// spec: 13 §1.2, 02 §3.3
func (s *Server) verifyKitV2(r *http.Request, body []byte) result {
	now := s.config.Now()
	verified, err := kit.Verify(r.Header.Get, body, now, s.config.KitKeys...)
	var wrong *v2.VerifyError
	switch {
	case errors.As(err, &wrong):
		return refused(wrong.Code, wrong.Problem)
	case !s.nonces.fresh(verified.Nonce, now):
		return refused(codeParameter, "nonce was used before")
	}
	return nil
}

// actKit runs one verified callback.
func (s *Server) actKit(ctx context.Context, callback kit.Callback, generation kit.Generation, body []byte) result {
	listener, ok := s.seller.(KitListener)
	if !ok {
		return refused(codeParameter, "the kit is not served here")
	}
	received, err := kit.Read(callback, generation, body)
	if err != nil {
		return refused(codeParameter, err.Error())
	}
	call := KitCall{Generation: V1, Test: received.Test, TimeStamp: received.TimeStamp}
	if generation == kit.V2 {
		call.Generation = V2
	}
	// The secret is proved even where it is not needed: a seller with the wrong key
	// learns it from the first call. spec: 02 §3.1
	secret := ""
	if a, ok := received.Message.(kit.Application); ok {
		if secret, err = s.secret(a.ClientSecret); err != nil {
			s.config.Log.Warn("clientSecret is undecryptable", "profile", string(s.config.OAEP), "error", err)
			return refused(codeSecret, "clientSecret cannot be decrypted")
		}
	}
	what := received.Message
	if a, ok := what.(kit.Application); ok {
		a.ClientSecret = secret // encrypted anew it looks different each time
		what = a
	}
	var instance, tenant string
	var act func() error
	switch m := received.Message.(type) {
	case kit.Tenant:
		instance, tenant, act = m.InstanceID, m.TenantID, func() error { return listener.TenantSynced(ctx, m, call) }
	case kit.Application:
		instance, tenant, act = m.InstanceID, m.TenantID, func() error { return listener.ApplicationSynced(ctx, m, secret, call) }
	case kit.Authorisation:
		instance, tenant, act = m.InstanceID, m.TenantID, func() error { return listener.UsersSynced(ctx, m, call) }
	case kit.Department:
		instance, tenant, act = m.InstanceID, m.TenantID, func() error { return listener.DepartmentSynced(ctx, m, call) }
	case kit.Departments:
		instance, tenant, act = m.InstanceID, m.TenantID, func() error { return listener.DepartmentsSynced(ctx, m, call) }
	}
	return s.outcome(string(callback), call.Test, s.last(prefix("kit", call.Test)+instance+"/"+tenant, sameKit(callback, generation, what), act))
}

func (s *Server) secret(wire string) (string, error) {
	switch {
	case s.config.OpenSecret != nil:
		return s.config.OpenSecret(wire)
	case s.config.RSAKey == nil:
		return "", errors.New("no RSA key is configured")
	}
	return s.config.OAEP.Decrypt(s.config.RSAKey, wire)
}

// sameKit is equal for repetitions of a callback: the time stamps differ from call to
// call and do not count.
func sameKit(callback kit.Callback, generation kit.Generation, m kit.Message) string {
	if a, ok := m.(kit.Authorisation); ok {
		a.SyncTime = "00000000000000000"
		m = a
	}
	body, err := kit.Body(m, generation, kit.Settings{Debug: true}, time.Unix(0, 0))
	if err != nil {
		return "" // never equal to anything
	}
	sum := sha256.Sum256(append([]byte(string(callback)+"\n"), body...))
	return hex.EncodeToString(sum[:])
}

// last runs something for a tenant unless the very same was the last thing done: a
// repetition changes nothing, and what came in between is never forgotten.
// spec: 13 §2.1–2.4
func (s *Server) last(key, what string, act func() error) error {
	defer s.locks.lock(key)()
	record, _, err := s.config.Store.Get(key)
	if err != nil || record.Done && what != "" && record.InstanceID == what {
		return err
	}
	if err := act(); err != nil {
		return err
	}
	return s.config.Store.Put(Record{Key: key, InstanceID: what, Done: true})
}

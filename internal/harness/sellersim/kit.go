package sellersim

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/kit"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// lazyKey is the seller's RSA key: making one takes a second, and most sellers never
// need it.
type lazyKey struct {
	once sync.Once
	key  *rsa.PrivateKey
	err  error
}

// rsaKey is the key given, the one in the directory, or a new one that is put there.
func (s *Sim) rsaKey() (*rsa.PrivateKey, error) {
	s.rsa.once.Do(func() { s.rsa.key, s.rsa.err = s.findKey() })
	return s.rsa.key, s.rsa.err
}

func (s *Sim) findKey() (*rsa.PrivateKey, error) {
	if s.options.RSAKey != nil {
		return s.options.RSAKey, nil
	}
	path := filepath.Join(s.options.Dir, "rsa-key.pem")
	text, err := os.ReadFile(path)
	if err == nil {
		return sealed.ParsePrivateKey(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	key, err := rsa.GenerateKey(rand.Reader, sealed.MinRSABits)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return key, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

func (s *Sim) openSecret(wire string) (string, error) {
	key, err := s.rsaKey()
	if err != nil {
		return "", err
	}
	return s.options.OAEP.Decrypt(key, wire)
}

func (s *Sim) servePublicKey(w http.ResponseWriter) {
	key, err := s.rsaKey()
	var der []byte
	if err == nil {
		der, err = x509.MarshalPKIXPublicKey(&key.PublicKey)
	}
	if err != nil {
		s.log.Error("no RSA key", "error", err)
		http.Error(w, "no RSA key", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	if err := pem.Encode(w, &pem.Block{Type: "PUBLIC KEY", Bytes: der}); err != nil {
		s.log.Warn("answer not delivered", "error", err)
	}
}

var kitFaults = group("Kit callbacks", []Fault{
	{Name: "decrypt-first", Spec: "02 §3.1", Help: "decrypts clientSecret before it looks at the signature",
		before: func(x *exchange, _ string) *reply {
			if x.kit == 0 {
				return nil
			}
			received, err := kit.Read(x.callback, x.kit, x.body)
			if a, ok := received.Message.(kit.Application); x.callback == kit.ApplicationSync && (err != nil || !ok || !x.opens(a.ClientSecret)) {
				return answer(kit.CodeSecret, "clientSecret cannot be decrypted")
			}
			return nil
		}},
	{Name: "other-oaep", Spec: "02 §3.1", Help: "decrypts clientSecret by another OAEP profile",
		before: func(x *exchange, _ string) *reply {
			if x.callback == kit.ApplicationSync {
				return answer(kit.CodeSecret, "clientSecret cannot be decrypted")
			}
			return nil
		}},
	{Name: "no-v2-kit", Spec: "02 §3.3", Help: "has no kit paths of the second generation: HTTP 404",
		before: func(x *exchange, _ string) *reply {
			if x.kit == kit.V2 {
				return &reply{status: http.StatusNotFound, header: http.Header{}, body: []byte("404 page not found\n")}
			}
			return nil
		}},
})

func (x *exchange) opens(secret string) bool {
	_, err := x.sim.openSecret(secret)
	return err == nil
}

// kitAgain signs a callback anew, with a nonce of its own.
func (x *exchange) kitAgain() {
	r := x.r.Clone(x.r.Context())
	key := x.sim.keyFor(x)
	if x.kit == kit.V1 {
		if token, err := kit.AuthTokenV1(key, x.body); err == nil {
			r.Header.Set("authToken", token)
		}
	} else {
		stamp, nonce := v2.Timestamp(x.sim.now()), "resigned"+strconv.FormatInt(x.sim.serial.Add(1), 10)
		r.Header.Set("x-sign", kit.Sign(key, nonce, stamp, x.body))
		r.Header.Set("x-timestamp", stamp)
		r.Header.Set("x-nonce", nonce)
	}
	x.r = r
}

// wrote keeps a callback in the record.
func (s *seller) wrote(c kit.Callback, instance, order string, call isv.KitCall, line KitLine) error {
	if line.Generation = kit.V2; call.Generation == isv.V1 {
		line.Generation = kit.V1
	}
	return s.record.write(Line{Kind: "acted", Activity: string(c), InstanceID: instance, OrderID: order, Test: call.Test, Kit: &line})
}

// TenantSynced keeps an enterprise.
func (s *seller) TenantSynced(_ context.Context, t kit.Tenant, c isv.KitCall) error {
	return s.wrote(kit.TenantSync, t.InstanceID, t.OrderID, c, KitLine{Flag: t.Flag, TenantID: t.TenantID, Code: t.TenantCode, Name: t.Name, Domain: t.DomainName})
}

// ApplicationSynced keeps the OAuth client, its secret as a digest.
func (s *seller) ApplicationSynced(_ context.Context, a kit.Application, secret string, c isv.KitCall) error {
	return s.wrote(kit.ApplicationSync, a.InstanceID, "", c, KitLine{Flag: a.Flag, TenantID: a.TenantID, AppID: a.AppID, ClientID: a.ClientID, SecretSHA256: digest(secret)})
}

// UsersSynced keeps the users.
func (s *seller) UsersSynced(_ context.Context, a kit.Authorisation, c isv.KitCall) error {
	return s.wrote(kit.AuthSync, a.InstanceID, "", c, KitLine{Flag: a.Flag, TenantID: a.TenantID, AppID: a.AppID, Users: a.Users})
}

// DepartmentSynced keeps one department.
func (s *seller) DepartmentSynced(_ context.Context, d kit.Department, c isv.KitCall) error {
	return s.wrote(kit.SingleOrgSync, d.InstanceID, "", c, KitLine{Flag: d.Flag, TenantID: d.TenantID, Departments: []kit.Org{{Code: d.OrgCode, Name: d.OrgName, ParentCode: d.ParentCode}}})
}

// DepartmentsSynced keeps the whole list.
func (s *seller) DepartmentsSynced(_ context.Context, d kit.Departments, c isv.KitCall) error {
	return s.wrote(kit.AllOrgSync, d.InstanceID, "", c, KitLine{Flag: kit.Add, TenantID: d.TenantID, Departments: d.All})
}

func (s *seller) changeLicense(line Line, next func(State) State) error {
	found, err := s.record.changeLicense(line, next)
	if err == nil && !found {
		return isv.ErrNoInstance
	}
	return err
}

// RenewCode stores the new end.
func (s *seller) RenewCode(_ context.Context, r isv.CodeRenewal) error {
	return s.changeLicense(Line{Activity: "refreshLicenseCode", License: r.License, OrderID: r.OrderID, LineID: r.OrderLineID, ProductID: r.ProductID,
		ExpireTime: r.ExpireTime, Scene: r.Scene, Test: r.Test}, func(state State) State { return state })
}

// FreezeCode stops a code.
func (s *seller) FreezeCode(_ context.Context, c isv.CodeChange) error {
	return s.changeLicense(lineOfCode("freeze", c), func(State) State { return StateFrozen })
}

// UnfreezeCode starts it again.
func (s *seller) UnfreezeCode(_ context.Context, c isv.CodeChange) error {
	return s.changeLicense(lineOfCode("unfreeze", c), func(state State) State {
		if s.faults.on("never-thaw", "updateLicenseCodeStatus") {
			return state
		}
		return StateActive
	})
}

// ReleaseCode ends it.
func (s *seller) ReleaseCode(_ context.Context, c isv.CodeChange) error {
	return s.changeLicense(lineOfCode("releaseLicenseCode", c), func(State) State { return StateReleased })
}

func lineOfCode(activity string, c isv.CodeChange) Line {
	return Line{Activity: activity, License: c.License, OrderID: c.OrderID, LineID: c.OrderLineID, Test: c.Test}
}

package doctor

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/sealed"
)

// KitOptions are the choices of a joint-kit run.
type KitOptions struct {
	V1        bool               // the first generation: authToken header, other sub-paths
	Lists     kit.ListForm       // how lists travel
	PublicKey *rsa.PublicKey     // encrypts clientSecret; nil skips the rules about applications
	OAEP      sealed.OAEPProfile // its hashes; sealed.DefaultOAEP by default
}

func (k KitOptions) generation() kit.Generation {
	if k.V1 {
		return kit.V1
	}
	return kit.V2
}

// tweakKit changes a callback on its way out.
type tweakKit struct {
	manner
	age    time.Duration
	header func(name, value string) string // "" drops it
	drop   []string                        // members left away, before signing
	real   bool                            // testFlag 0 whatever the options say
}

// callKit makes one callback, signed as the marketplace does.
func (p *player) callKit(m kit.Message, t tweakKit) *reply {
	g := p.o.Kit.generation()
	body, err := kit.Body(m, g, kit.Settings{Debug: !p.o.Real, Lists: p.o.Kit.Lists}, time.Now())
	if err != nil {
		panic(fmt.Sprintf("doctor: %v", err)) // the doctor's own values
	}
	if t.drop != nil {
		body = remake(body, nil, t.drop)
	}
	var r production.Request
	if g == kit.V1 {
		r, err = kit.BuildV1(m.Callback(), body, p.a2, p.o.Key)
	} else {
		r = kit.Build(m.Callback(), body, p.a2, p.o.Key, newNonce(), time.Now().Add(-t.age))
	}
	if err != nil {
		panic(fmt.Sprintf("doctor: %v", err))
	}
	if t.header != nil {
		var kept []production.Header
		for _, h := range r.Headers {
			if h.Value = t.header(h.Name, h.Value); h.Value != "" {
				kept = append(kept, h)
			}
		}
		r.Headers = kept
	}
	return p.send(string(m.Callback()), r, t.manner, p.judgeKit)
}

// judgeKit reads an answer to a callback.
func (p *player) judgeKit(a production.Answer) ([]finding, production.Verdict) {
	return forgive(a, func(a production.Answer, strict bool) production.Verdict {
		return kit.Judge(a, kit.Judging{Debugging: strict}, p.o.Key)
	}, func(a *production.Answer) {
		a.Headers = map[string][]string{"Content-Type": jsonType} // a Body-Sign may be absent
	})
}

// wrongSign spoils the signature of either generation.
func wrongSign(name, value string) string {
	if name != "x-sign" && name != "authToken" {
		return value
	}
	if strings.HasPrefix(value, "0") {
		return "1" + value[1:]
	}
	return "0" + value[1:]
}

// noSign leaves it away.
func noSign(name, value string) string {
	if name == "x-sign" || name == "authToken" {
		return ""
	}
	return value
}

// The world of a kit run: one instance with one tenant and one application.
type kitWorld struct{ instance, order, tenant, app string }

func (p *player) newKitWorld() kitWorld {
	w := kitWorld{order: p.order()}
	w.instance, w.tenant, w.app = "doctor-instance-"+w.order, "doctor-tenant-"+w.order, "doctor-app-"+strings.ToLower(p.run)
	return w
}

func (w kitWorld) tenantSync(f kit.Flag) kit.Tenant {
	return kit.Tenant{InstanceID: w.instance, OrderID: w.order, TenantID: w.tenant, TenantCode: "doctor", Name: "体检 A&B 企业", DomainName: "https://doctor.example.com", Flag: f}
}

// application encrypts the secret anew each time, as the marketplace does.
func (p *player) application(w kitWorld, f kit.Flag) kit.Application {
	a := kit.Application{InstanceID: w.instance, TenantID: w.tenant, AppID: w.app, ClientID: "doctor-client", Flag: f}
	if p.o.Kit.PublicKey == nil {
		panic(unjudged{Text: Text{"没有给出公钥（--rsa-public-key）", "no public key was given (--rsa-public-key)"}})
	}
	profile := p.o.Kit.OAEP
	if profile == "" {
		profile = sealed.DefaultOAEP
	}
	var err error
	if a.ClientSecret, err = profile.Encrypt(rand.Reader, p.o.Kit.PublicKey, "doctor-client-secret"); err != nil {
		panic(fmt.Sprintf("doctor: %v", err))
	}
	return a
}

// users is a synchronisation of its own: no two have the same time.
func (p *player) users(f kit.Flag, n int) kit.Authorisation {
	p.mu.Lock()
	p.serial++
	at, w := time.Now().Add(time.Duration(p.serial)*time.Millisecond), p.world
	p.mu.Unlock()
	a := kit.Authorisation{InstanceID: w.instance, TenantID: w.tenant, AppID: w.app, SyncTime: kit.TimeStamp(at), Flag: f}
	for i := range n {
		a.Users = append(a.Users, kit.User{UserName: fmt.Sprintf("doctor%03d", i), Name: "张三 & 李四", OrgCode: "1001", Admin: i == 0, Enabled: true})
	}
	return a
}

func (w kitWorld) department(f kit.Flag) kit.Department {
	return kit.Department{InstanceID: w.instance, TenantID: w.tenant, OrgCode: "1002", OrgName: "研发部", ParentCode: "1001", Flag: f}
}

func (w kitWorld) departments() kit.Departments {
	return kit.Departments{InstanceID: w.instance, TenantID: w.tenant, All: []kit.Org{{Code: "1001", Name: "总部"}, {Code: "1002", Name: "研发部", ParentCode: "1001"}}}
}

// licenseCode is the code that is played: a test code of the seller centre, or one that is
// none.
func (p *player) licenseCode() string {
	if p.o.License != "" {
		return p.o.License
	}
	return "PLDOCTOR" + p.run
}

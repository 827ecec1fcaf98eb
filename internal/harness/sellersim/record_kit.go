package sellersim

import (
	"maps"
	"slices"

	"github.com/souk-market/souk/protocol/kit"
)

// KitLine is what a line says of a kit callback.
type KitLine struct {
	Generation   kit.Generation `json:"generation"`
	Flag         kit.Flag       `json:"flag"`
	TenantID     string         `json:"tenant"`
	Code         string         `json:"tenant_code,omitempty"`
	Name         string         `json:"name,omitempty"`
	Domain       string         `json:"domain,omitempty"`
	AppID        string         `json:"app,omitempty"`
	ClientID     string         `json:"client,omitempty"`
	SecretSHA256 string         `json:"secret_sha256,omitempty"` // of the decrypted clientSecret
	Users        []kit.User     `json:"users,omitempty"`
	Departments  []kit.Org      `json:"departments,omitempty"`
}

// Tenant is what the seller has of one enterprise under one instance.
type Tenant struct {
	InstanceID   string     `json:"instance"`
	TenantID     string     `json:"tenant"`
	OrderID      string     `json:"order,omitempty"`
	Code         string     `json:"tenant_code"`
	Name         string     `json:"name"`
	Domain       string     `json:"domain"`
	AppID        string     `json:"app,omitempty"`
	ClientID     string     `json:"client,omitempty"`
	SecretSHA256 string     `json:"secret_sha256,omitempty"`
	Users        []kit.User `json:"users"`       // by user name
	Departments  []kit.Org  `json:"departments"` // by code
	Test         bool       `json:"test,omitempty"`
}

// License is what the seller has of one authorisation code. The marketplace makes the
// codes, so that the first call about one is the first that the seller hears of it.
type License struct {
	License    string `json:"license"`
	State      State  `json:"state"`
	ExpireTime string `json:"expire_time,omitempty"`
	Test       bool   `json:"test,omitempty"`
}

// tenant is a Tenant while it changes.
type tenant struct {
	Tenant
	users       map[string]kit.User
	departments map[string]kit.Org
}

func (r *record) tenant(instance, id string) *tenant {
	for _, t := range r.tenants {
		if t.InstanceID == instance && t.TenantID == id {
			return t
		}
	}
	return nil
}

// applyKit changes the state as the callback says. Deletes of what is not there change
// nothing.
// spec: 13 §2
func (r *record) applyKit(line Line) {
	k := line.Kit
	t := r.tenant(line.InstanceID, k.TenantID)
	gone := k.Flag == kit.Delete || k.Flag == kit.Cancel
	if line.Activity == string(kit.TenantSync) && gone {
		r.tenants = slices.DeleteFunc(r.tenants, func(other *tenant) bool { return other == t })
		return
	}
	if t == nil {
		if gone {
			return
		}
		t = &tenant{Tenant: Tenant{InstanceID: line.InstanceID, TenantID: k.TenantID, Test: line.Test}, users: map[string]kit.User{}, departments: map[string]kit.Org{}}
		r.tenants = append(r.tenants, t)
	}
	switch kit.Callback(line.Activity) {
	case kit.TenantSync:
		t.OrderID, t.Code, t.Name, t.Domain = line.OrderID, k.Code, k.Name, k.Domain
	case kit.ApplicationSync:
		t.AppID, t.ClientID, t.SecretSHA256 = k.AppID, k.ClientID, k.SecretSHA256
		if gone {
			t.AppID, t.ClientID, t.SecretSHA256 = "", "", ""
		}
	case kit.AuthSync:
		for _, user := range k.Users {
			if delete(t.users, user.UserName); !gone {
				t.users[user.UserName] = user
			}
		}
	case kit.AllOrgSync:
		clear(t.departments) // the list is a snapshot
		for _, org := range k.Departments {
			t.departments[org.Code] = org
		}
	case kit.SingleOrgSync:
		for _, org := range k.Departments {
			if delete(t.departments, org.Code); !gone {
				t.departments[org.Code] = org
			}
		}
	}
}

func (r *record) applyLicense(line Line) {
	i := slices.IndexFunc(r.licenses, func(l *License) bool { return l.License == line.License })
	if i < 0 {
		i = len(r.licenses)
		r.licenses = append(r.licenses, &License{License: line.License, Test: line.Test})
	}
	r.licenses[i].State = line.State
	keep(&r.licenses[i].ExpireTime, line.ExpireTime)
}

// changeLicense moves a code to a state; found is false when it was released.
func (r *record) changeLicense(line Line, next func(State) State) (found bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state := StateActive
	for _, l := range r.licenses {
		if l.License == line.License {
			state = l.State
		}
	}
	if state == StateReleased {
		return false, nil
	}
	line.Kind, line.State = "acted", next(state)
	return true, r.writeLocked(line)
}

func (r *record) kitSnapshot() (tenants []Tenant, licenses []License) {
	for _, t := range r.tenants {
		one := t.Tenant
		one.Users, one.Departments = []kit.User{}, []kit.Org{}
		for _, name := range slices.Sorted(maps.Keys(t.users)) {
			one.Users = append(one.Users, t.users[name])
		}
		for _, code := range slices.Sorted(maps.Keys(t.departments)) {
			one.Departments = append(one.Departments, t.departments[code])
		}
		tenants = append(tenants, one)
	}
	for _, l := range r.licenses {
		licenses = append(licenses, *l)
	}
	return tenants, licenses
}

package isv_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/license"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

// listener is a Seller with the kit and with authorisation codes.
type listener struct{ recorder }

func (l *listener) TenantSynced(_ context.Context, t kit.Tenant, c isv.KitCall) error {
	return l.note("tenant %s %s %d %s", t.InstanceID, t.TenantID, t.Flag, c.Generation)
}
func (l *listener) ApplicationSynced(_ context.Context, a kit.Application, secret string, _ isv.KitCall) error {
	return l.note("application %s %s %d", a.AppID, secret, a.Flag)
}
func (l *listener) UsersSynced(_ context.Context, a kit.Authorisation, _ isv.KitCall) error {
	return l.note("users %d %s %d", len(a.Users), a.Users[0].UserName, a.Flag)
}
func (l *listener) DepartmentSynced(_ context.Context, d kit.Department, _ isv.KitCall) error {
	return l.note("department %s %d", d.OrgCode, d.Flag)
}
func (l *listener) DepartmentsSynced(_ context.Context, d kit.Departments, _ isv.KitCall) error {
	return l.note("departments %d", len(d.All))
}
func (l *listener) RenewCode(_ context.Context, r isv.CodeRenewal) error {
	return l.note("renew %s %s %s %s", r.License, r.Scene, r.OrderID, r.ExpireTime)
}
func (l *listener) FreezeCode(_ context.Context, c isv.CodeChange) error {
	return l.note("freeze %s", c.License)
}
func (l *listener) UnfreezeCode(_ context.Context, c isv.CodeChange) error {
	return l.note("unfreeze %s", c.License)
}
func (l *listener) ReleaseCode(_ context.Context, c isv.CodeChange) error {
	return l.note("release %s %s", c.License, c.OrderID)
}

var rsaKey = func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 3072)
	if err != nil {
		panic(err)
	}
	return key
}()

func withKit(c *isv.Config) {
	c.KitKeys, c.LicenseKeys, c.RSAKey = []string{"kit-key"}, []string{"license-key"}, rsaKey
}

func (m *market) kit(message kit.Message, g kit.Generation, settings kit.Settings, key string) production.Verdict {
	m.t.Helper()
	address, err := v2.ParseAddress(m.url + "/produce?own=x%20y")
	if err != nil {
		m.t.Fatal(err)
	}
	body, err := kit.Body(message, g, settings, m.now)
	if err != nil {
		m.t.Fatal(err)
	}
	if g == kit.V1 {
		request, err := kit.BuildV1(message.Callback(), body, address, key)
		if err != nil {
			m.t.Fatal(err)
		}
		return kit.Judge(send(request), kit.Judging{Debugging: true, RequireBodySign: true}, "kit-key", "key")
	}
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	return kit.Judge(send(kit.Build(message.Callback(), body, address, key, nonce, m.now)), kit.Judging{Debugging: true}, "kit-key")
}

func encrypted(t *testing.T, profile sealed.OAEPProfile) string {
	t.Helper()
	secret, err := profile.Encrypt(rand.Reader, &rsaKey.PublicKey, "client-secret")
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestTheKitInBothGenerations(t *testing.T) {
	for _, g := range []kit.Generation{kit.V1, kit.V2} {
		for _, lists := range []kit.ListForm{kit.ListDefault, kit.ListArray, kit.ListText} {
			l := &listener{}
			m := start(t, l, withKit)
			tenant := kit.Tenant{InstanceID: "i", OrderID: "CS1", TenantID: "t", TenantCode: "c", Name: "上海 A&B", DomainName: "https://d", Flag: kit.Add}
			users := kit.Authorisation{InstanceID: "i", TenantID: "t", AppID: "a", SyncTime: kit.TimeStamp(m.now), Flag: kit.Add,
				Users: []kit.User{{UserName: "张 三&", Name: "n", OrgCode: "1", Enabled: true, EmployeeType: 1}}}
			var want []string
			for _, step := range []struct {
				message kit.Message
				want    string
			}{
				{tenant, fmt.Sprintf("tenant i t 1 v%d", g)},
				{kit.Application{InstanceID: "i", TenantID: "t", AppID: "a", ClientID: "c", Flag: kit.Add}, "application a client-secret 1"},
				{kit.Departments{InstanceID: "i", TenantID: "t", All: []kit.Org{{Code: "1", Name: "总部"}}}, "departments 1"},
				{kit.Department{InstanceID: "i", TenantID: "t", OrgCode: "2", OrgName: "n", ParentCode: "1", Flag: kit.Add}, "department 2 1"},
				{users, "users 1 张 三& 1"},
				{func() kit.Message { u := users; u.Flag = kit.Delete; return u }(), "users 1 张 三& 0"},
				{users, "users 1 张 三& 1"}, // again after a delete: not forgotten
				{kit.Application{InstanceID: "i", TenantID: "t", AppID: "a", ClientID: "c", Flag: kit.Delete}, "application a client-secret 0"},
				{func() kit.Message { t := tenant; t.Flag = kit.Delete; return t }(), fmt.Sprintf("tenant i t 0 v%d", g)},
			} {
				for range 2 { // the second is a repetition, at another time and encrypted anew
					message := step.message
					if a, ok := message.(kit.Application); ok {
						a.ClientSecret = encrypted(t, sealed.DefaultOAEP)
						message = a
					}
					if v := m.kit(message, g, kit.Settings{Lists: lists}, "kit-key"); !v.OK {
						t.Fatalf("V%d %s: %+v", g, step.want, v)
					}
				}
				want = append(want, step.want)
			}
			if diff := cmp.Diff(want, l.calls); diff != "" {
				t.Errorf("V%d: %s", g, diff)
			}
		}
	}
}

// The base key is what callbacks of V1 come with, and no key of the second generation. // spec: 01 §2.4
func TestTheBaseKeyIsThatOfV1Callbacks(t *testing.T) {
	m := start(t, &listener{}, withKit)
	tenant := kit.Tenant{InstanceID: "i9", OrderID: "o9", TenantID: "t9", TenantCode: "c", Name: "n", DomainName: "https://d.example", Flag: kit.Add}
	if v := m.kit(tenant, kit.V1, kit.Settings{}, "key"); !v.OK {
		t.Errorf("V1, the base key: %+v", v)
	}
	if v := m.kit(tenant, kit.V2, kit.Settings{}, "key"); v.ResultCode != "000001" {
		t.Errorf("V2, the base key: %+v", v)
	}
}

func TestTheKitRefuses(t *testing.T) {
	l := &listener{}
	m := start(t, l, withKit)
	application := kit.Application{InstanceID: "i", TenantID: "t", AppID: "a", ClientID: "c", ClientSecret: encrypted(t, sealed.OAEPSHA1), Flag: kit.Delete}
	for _, g := range []kit.Generation{kit.V1, kit.V2} {
		if v := m.kit(application, g, kit.Settings{}, "kit-key"); v.ResultCode != kit.CodeSecret {
			t.Errorf("V%d, another OAEP profile: %+v", g, v)
		}
		if v := m.kit(application, g, kit.Settings{}, "general"); v.ResultCode != "000001" {
			t.Errorf("V%d, the key of another class: %+v", g, v)
		}
	}
	address, _ := v2.ParseAddress(m.url)
	body := []byte(`{"testFlag":0,"timeStamp":"1"}`)
	request := kit.Build(kit.TenantSync, body, address, "kit-key", "n1", m.now)
	if v := kit.Judge(send(request), kit.Judging{}); v.ResultCode != "000002" || !strings.Contains(v.ResultMsg, "instanceId") {
		t.Errorf("a body without members: %+v", v)
	}
	if v := kit.Judge(send(request), kit.Judging{}); v.ResultCode != "000002" || !strings.Contains(v.ResultMsg, "nonce") {
		t.Errorf("a replay: %+v", v)
	}
	late := kit.Build(kit.TenantSync, body, address, "kit-key", "n2", m.now.Add(-2*v2.Window))
	if v := kit.Judge(send(late), kit.Judging{}); v.ResultCode != "000002" {
		t.Errorf("a late one: %+v", v)
	}
	if len(l.calls) != 0 {
		t.Errorf("acted on %v", l.calls)
	}
	// Failures are not remembered as done; a debugging call has no instance.
	l.fail = errors.New("disk full")
	tenant := kit.Tenant{TenantID: "t", TenantCode: "c", Name: "n", DomainName: "d", Flag: kit.Add}
	if v := m.kit(tenant, kit.V2, kit.Settings{Debug: true}, "kit-key"); v.ResultCode != "000005" {
		t.Errorf("%+v", v)
	}
	l.fail = nil
	if v := m.kit(tenant, kit.V2, kit.Settings{Debug: true}, "kit-key"); !v.OK || len(l.calls) != 2 {
		t.Errorf("%+v %v", v, l.calls)
	}
	// What was done last is known after a restart.
	m.serve(l, withKit)
	if v := m.kit(tenant, kit.V2, kit.Settings{Debug: true}, "kit-key"); !v.OK || len(l.calls) != 2 {
		t.Errorf("after a restart: %+v %v", v, l.calls)
	}
	without := start(t, &recorder{}, withKit)
	if v := without.kit(tenant, kit.V1, kit.Settings{Debug: true}, "kit-key"); v.ResultCode != "000002" {
		t.Errorf("a seller without kit: %+v", v)
	}
	closed := start(t, l)
	if v := kit.Judge(send(kit.Build(kit.TenantSync, body, func() v2.Address { a, _ := v2.ParseAddress(closed.url); return a }(), "kit-key", "n", closed.now)), kit.Judging{}); v.ResultCode != "000001" {
		t.Errorf("no kit key: %+v", v)
	}
}

func (m *market) license(call license.Call, debug bool, key string) production.Verdict {
	m.t.Helper()
	address, err := v2.ParseAddress(m.url + "/Licenseproduce")
	if err != nil {
		m.t.Fatal(err)
	}
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	request, err := license.Build(call, debug, address, key, nonce, m.now)
	if err != nil {
		m.t.Fatal(err)
	}
	return license.Judge(call.Activity(), send(request), debug)
}

func TestLifeOfAnAuthorisationCode(t *testing.T) {
	l := &listener{}
	m := start(t, l, withKit)
	renewal := license.RefreshCode{License: "PL1", Scene: license.SceneRenewal, OrderID: "CS2", OrderLineID: "CS2-000001", ExpireTime: "20280101000000"}
	for range 2 {
		for _, call := range []license.Call{
			renewal, license.UpdateStatus{License: "PL1", Status: license.StatusFreeze}, license.UpdateStatus{License: "PL1", Status: license.StatusUnfreeze},
			license.ReleaseCode{License: "PL1", OrderID: "CS3"},
		} {
			if v := m.license(call, false, "license-key"); !v.OK {
				t.Errorf("%s: %+v", call.Activity(), v)
			}
		}
	}
	want := []string{"renew PL1 RENEWAL CS2 20280101000000", "freeze PL1", "unfreeze PL1", "release PL1 CS3", "freeze PL1", "unfreeze PL1"}
	if diff := cmp.Diff(want, l.calls); diff != "" {
		t.Error(diff)
	}
	if v := m.license(renewal, false, "key"); v.ResultCode != "000001" {
		t.Errorf("the base key: %+v", v)
	}
	l.fail = isv.ErrNoInstance
	if v := m.license(license.UpdateStatus{License: "PL9", Status: license.StatusFreeze}, false, "license-key"); v.ResultCode != "000003" {
		t.Errorf("unknown code: %+v", v)
	}
	if v := m.license(license.UpdateStatus{License: "PL9", Status: license.StatusFreeze}, true, "license-key"); !v.OK {
		t.Errorf("unknown code when debugging: %+v", v)
	}
	address, _ := v2.ParseAddress(m.url)
	for i, body := range []string{`{"activity":"releaseLicenseCode"}`, `{"activity":"updateLicenseCodeStatus","license":"l","status":"x"}`,
		`{"activity":"refreshLicenseCode","license":"l","scene":"x","orderId":"o","orderLineId":"n","expireTime":"e"}`} {
		if v := v2.Judge(license.ActivityRelease, send(v2.Post([]byte(body), address, "license-key", fmt.Sprint("n", i), m.now)), v2.Judging{}); v.ResultCode != "000002" {
			t.Errorf("%s: %+v", body, v)
		}
	}
	without := start(t, &recorder{}, withKit)
	if v := without.license(renewal, false, "license-key"); v.ResultCode != "000002" {
		t.Errorf("a seller without codes: %+v", v)
	}
	if v := m.v1(v1.ExpireInstance{InstanceID: "i", OrderID: "CS1"}, v1.Settings{}); v.ResultCode != "000003" {
		t.Errorf("the other interfaces go on: %+v", v)
	}
}

package sellersim

import (
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/kit"
	"github.com/souk-market/souk/protocol/license"
	"github.com/souk-market/souk/protocol/production"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/sealed"
)

func (m *market) address(path string) v2.Address {
	m.t.Helper()
	address, err := v2.ParseAddress(m.url + path)
	if err != nil {
		m.t.Fatal(err)
	}
	return address
}

func (m *market) nonce() string {
	m.t.Helper()
	nonce, err := v2.NewNonce(rand.Reader)
	if err != nil {
		m.t.Fatal(err)
	}
	return nonce
}

func (m *market) kitWith(message kit.Message, g kit.Generation, key string, now time.Time) production.Verdict {
	m.t.Helper()
	body, err := kit.Body(message, g, kit.Settings{}, now)
	if err != nil {
		m.t.Fatal(err)
	}
	request := kit.Build(message.Callback(), body, m.address(PathProduce), key, m.nonce(), now)
	if g == kit.V1 {
		if request, err = kit.BuildV1(message.Callback(), body, m.address(PathProduce), key); err != nil {
			m.t.Fatal(err)
		}
	}
	return kit.Judge(m.send(request), kit.Judging{RequireBodySign: g == kit.V1}, "kit", "key")
}

func (m *market) kit(message kit.Message, g kit.Generation) production.Verdict {
	m.t.Helper()
	return m.kitWith(message, g, "kit", time.Now())
}

// secret encrypts with the key that the seller shows.
func (m *market) secret(profile sealed.OAEPProfile) string {
	m.t.Helper()
	response, err := http.Get(m.url + PathPublicKey)
	if err != nil {
		m.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	key, err := sealed.ParsePublicKey(string(text))
	if err != nil {
		m.t.Fatal(err)
	}
	wire, err := profile.Encrypt(rand.Reader, key, "client-secret")
	if err != nil {
		m.t.Fatal(err)
	}
	return wire
}

func withKeys(o *Options) { o.KitKey, o.LicenseKey = "kit", "license" }

var (
	org        = kit.Org{Code: "1", Name: "总部"}
	user       = kit.User{UserName: "zhangsan", Name: "张三", OrgCode: "1", Admin: true, Enabled: true}
	enterprise = kit.Tenant{InstanceID: "i", OrderID: "CS1", TenantID: "t", TenantCode: "c", Name: "上海 A&B", DomainName: "https://d", Flag: kit.Add}
)

func application(secret string, flag kit.Flag) kit.Application {
	return kit.Application{InstanceID: "i", TenantID: "t", AppID: "a", ClientID: "client", ClientSecret: secret, Flag: flag}
}

func users(flag kit.Flag) kit.Authorisation {
	return kit.Authorisation{InstanceID: "i", TenantID: "t", AppID: "a", SyncTime: kit.TimeStamp(time.Now()), Flag: flag, Users: []kit.User{user}}
}

// The whole way of an enterprise, in both generations, as the seller's record has it.
func TestAWellBehavedKitSeller(t *testing.T) {
	for _, protocol := range []isv.Generation{isv.V1, isv.V2} {
		g := kit.V2
		if protocol == isv.V1 {
			g = kit.V1
		}
		directory := t.TempDir()
		m := start(t, protocol, withKeys, func(o *Options) { o.Dir = directory })
		ok := func(message kit.Message) {
			t.Helper()
			if v := m.kit(message, g); !v.OK {
				t.Fatalf("%s %s: %+v", protocol, message.Callback(), v)
			}
		}
		ok(enterprise)
		ok(application(m.secret(sealed.DefaultOAEP), kit.Add))
		ok(kit.Departments{InstanceID: "i", TenantID: "t", All: []kit.Org{org, {Code: "2", Name: "旧"}}})
		ok(kit.Department{InstanceID: "i", TenantID: "t", OrgCode: "2", OrgName: "旧", Flag: kit.Delete})
		ok(kit.Department{InstanceID: "i", TenantID: "t", OrgCode: "3", OrgName: "研发", ParentCode: "1", Flag: kit.Add})
		ok(users(kit.Add))
		want := []Tenant{{InstanceID: "i", TenantID: "t", OrderID: "CS1", Code: "c", Name: "上海 A&B", Domain: "https://d", AppID: "a", ClientID: "client",
			SecretSHA256: digest("client-secret"), Users: []kit.User{user}, Departments: []kit.Org{org, {Code: "3", Name: "研发", ParentCode: "1"}}}}
		var s Snapshot
		m.get(PathRecord, &s)
		if diff := cmp.Diff(want, s.Tenants); diff != "" {
			t.Errorf("%s: %s", protocol, diff)
		}
		// The record and the key survive a restart.
		secret := m.secret(sealed.DefaultOAEP)
		m = start(t, protocol, withKeys, func(o *Options) { o.Dir = directory })
		if diff := cmp.Diff(want, m.sim.Record().Tenants); diff != "" {
			t.Errorf("%s after a restart: %s", protocol, diff)
		}
		ok(users(kit.Delete))
		ok(application(secret, kit.Delete))
		if have := m.sim.Record().Tenants[0]; len(have.Users) != 0 || have.AppID != "" || have.SecretSHA256 != "" {
			t.Errorf("%+v", have)
		}
		gone := enterprise
		gone.Flag = kit.Delete
		ok(gone)
		ok(gone)
		ok(users(kit.Delete)) // deletes of what is not there succeed
		if left := m.sim.Record().Tenants; len(left) != 0 {
			t.Errorf("%+v", left)
		}
	}
}

func TestFaultsOfKitCallbacks(t *testing.T) {
	m := start(t, isv.V2, withKeys, func(o *Options) { o.OAEP = sealed.OAEPSHA256 })
	good, bad := m.secret(sealed.OAEPSHA256), m.secret(sealed.OAEPSHA1)
	for _, c := range []struct {
		name    string
		faults  []string
		message kit.Message
		g       kit.Generation
		key     string
		off     time.Duration
		code    string
		reason  production.Reason
	}{
		{"right", nil, application(good, kit.Add), kit.V2, "kit", 0, "000000", ""},
		{"another profile", nil, application(bad, kit.Add), kit.V2, "kit", 0, kit.CodeSecret, production.ReasonResultCode},
		{"wrong key", nil, application(bad, kit.Add), kit.V2, "key", 0, "000001", production.ReasonResultCode},
		{"wrong key, decrypted first", []string{"decrypt-first"}, application(bad, kit.Add), kit.V2, "key", 0, kit.CodeSecret, production.ReasonResultCode},
		{"decrypted first", []string{"decrypt-first"}, application(good, kit.Delete), kit.V2, "kit", 0, "000000", ""},
		{"other-oaep", []string{"other-oaep"}, application(good, kit.Add), kit.V1, "kit", 0, kit.CodeSecret, production.ReasonResultCode},
		{"no V2 paths", []string{"no-v2-kit"}, enterprise, kit.V2, "kit", 0, "", production.ReasonStatus},
		{"no V2 paths, V1", []string{"no-v2-kit"}, enterprise, kit.V1, "kit", 0, "000000", ""},
		{"old stamp", nil, enterprise, kit.V2, "kit", -10 * time.Minute, "000002", production.ReasonResultCode},
		{"no-verify", []string{"no-verify"}, enterprise, kit.V2, "wrong", -10 * time.Minute, "000000", ""},
		{"no-verify, V1", []string{"no-verify"}, enterprise, kit.V1, "wrong", 0, "000000", ""},
		{"reserialise", []string{"reserialise"}, users(kit.Add), kit.V2, "kit", 0, "000000", ""},
		{"code of one", []string{"code=000106@tenantSync"}, enterprise, kit.V2, "kit", 0, "000106", production.ReasonResultCode},
		{"code of another", []string{"code=000106@tenantSync"}, users(kit.Modify), kit.V2, "kit", 0, "000000", ""},
		{"html", []string{"html@authSync"}, users(kit.Add), kit.V2, "kit", 0, "", production.ReasonJSON},
		{"status", []string{"status=503@allOrgSync"}, kit.Departments{InstanceID: "i", TenantID: "t"}, kit.V2, "kit", 0, "", production.ReasonStatus},
		{"wrong Body-Sign", []string{"wrong-signature"}, enterprise, kit.V1, "kit", 0, "", production.ReasonBodySignValue},
		{"no Body-Sign", []string{"no-signature"}, enterprise, kit.V1, "kit", 0, "", production.ReasonBodySignMissing},
		{"no-result-code", []string{"no-result-code"}, enterprise, kit.V1, "kit", 0, "", production.ReasonNoResultCode},
	} {
		m.faults(c.faults...)
		v := m.kitWith(c.message, c.g, c.key, time.Now().Add(c.off))
		if v.Reason != c.reason || v.ResultCode != c.code || v.OK != (c.reason == "") {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	m.faults("fail-first=1@tenantSync")
	add, change := enterprise, enterprise
	change.Flag = kit.Modify
	for i, want := range []string{"000005", "000000"} {
		if v := m.kit(add, kit.V2); v.ResultCode != want {
			t.Errorf("call %d: %+v", i, v)
		}
	}
	if v := m.kit(change, kit.V2); v.ResultCode != "000005" {
		t.Errorf("another call fails at first too: %+v", v)
	}
	m.faults("drop-after-act@tenantSync")
	change.Name = "改名"
	if v := m.kit(change, kit.V2); !v.Unknown || m.sim.Record().Tenants[0].Name != "改名" {
		t.Errorf("%+v", v)
	}
}

func TestAuthorisationCodes(t *testing.T) {
	m := start(t, isv.V2, withKeys)
	call := func(c license.Call, path, key string) production.Verdict {
		t.Helper()
		request, err := license.Build(c, false, m.address(path), key, m.nonce(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return license.Judge(c.Activity(), m.send(request), false)
	}
	renewal := license.RefreshCode{License: "PL1", Scene: license.SceneRenewal, OrderID: "CS2", OrderLineID: "CS2-000001", ExpireTime: "20280101000000"}
	freeze, unfreeze := license.UpdateStatus{License: "PL1", Status: license.StatusFreeze}, license.UpdateStatus{License: "PL1", Status: license.StatusUnfreeze}
	for _, step := range []struct {
		call   license.Call
		faults []string
		state  State
	}{
		{renewal, nil, StateActive}, {freeze, nil, StateFrozen}, {unfreeze, []string{"never-thaw"}, StateFrozen}, {unfreeze, nil, StateActive},
		{license.ReleaseCode{License: "PL1"}, nil, StateReleased}, {license.ReleaseCode{License: "PL1"}, nil, StateReleased},
	} {
		m.faults(step.faults...)
		if v := call(step.call, PathLicense, "license"); !v.OK {
			t.Errorf("%s: %+v", step.call.Activity(), v)
		}
		if diff := cmp.Diff([]License{{License: "PL1", State: step.state, ExpireTime: "20280101000000"}}, m.sim.Record().Licenses); diff != "" {
			t.Errorf("%s: %s", step.call.Activity(), diff)
		}
	}
	if v := call(freeze, PathLicense, "license"); v.ResultCode != "000003" {
		t.Errorf("a released code: %+v", v)
	}
	if v := call(freeze, PathLicense, "key"); v.ResultCode != "000001" {
		t.Errorf("the base key: %+v", v)
	}
	m.faults("code=000004@refreshLicenseCode")
	if v := call(renewal, PathProduce, "license"); v.ResultCode != "000004" {
		t.Errorf("%+v", v)
	}
	creation := m.v2Request(creationV2("CS9"), time.Now())
	creation.URL = strings.Replace(creation.URL, PathProduce, PathLicense, 1)
	if a := m.send(creation); a.Status != http.StatusBadRequest {
		t.Errorf("another activity at the address of the codes: %+v", a)
	}
	text, err := os.ReadFile(filepath.Join(m.sim.options.Dir, "record.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var first Line
	if err := json.Unmarshal([]byte(strings.SplitN(string(text), "\n", 2)[0]), &first); err != nil || first.Kind != "received" || first.License != "PL1" {
		t.Errorf("%+v %v", first, err)
	}
}

package sellersim

import (
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/isv"
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

// effect is what the marketplace sees of a newInstance call of V1 under a fault.
type effect struct {
	reason   production.Reason
	field    string
	code     string   // result code, when it is not 000000
	warnings []string // of a success
	unknown  bool
	hidden   bool // success, but the credentials cannot be shown
	noApp    bool // success without entry information
	idle     bool // the seller did not act
	long     bool // the time-out is what shows it
}

// Every fault that shows in one call of V1, and the only thing that it shows as.
var effects = map[string]effect{
	"refuse":                    {reason: production.ReasonUnreachable, unknown: true, idle: true},
	"dead":                      {reason: production.ReasonTimeout, unknown: true, idle: true, long: true},
	"slow=1h":                   {reason: production.ReasonTimeout, unknown: true, long: true},
	"slow=1ms":                  {},
	"drop-after-act":            {reason: production.ReasonUnreachable, unknown: true},
	"chunked":                   {},
	"code=000106":               {reason: production.ReasonResultCode, code: "000106", idle: true},
	"act-then-code=999999":      {reason: production.ReasonResultCode, code: "999999"},
	"fail=newInstance":          {reason: production.ReasonResultCode, code: "000005", idle: true},
	"fail=upgrade":              {},
	"fail-first=1":              {reason: production.ReasonResultCode, code: "000005", idle: true},
	"fail-first=0":              {},
	"always-success":            {reason: production.ReasonMissingField, field: "instanceId", idle: true},
	"need-test-flag":            {reason: production.ReasonResultCode, code: "000002", idle: true},
	"need-platform-params":      {idle: true, noApp: true},
	"html":                      {reason: production.ReasonContentType},
	"not-json":                  {reason: production.ReasonJSON},
	"status201":                 {reason: production.ReasonStatus},
	"status=500":                {reason: production.ReasonStatus},
	"redirect":                  {reason: production.ReasonRedirect},
	"not-modified":              {},
	"huge":                      {reason: production.ReasonTooLarge},
	"text-plain":                {reason: production.ReasonContentType},
	"text-plain-without-accept": {},
	"latin1-without-accept":     {},
	"json-in-charset":           {reason: production.ReasonUTF8},
	"bom":                       {reason: production.ReasonBOM},
	"newline":                   {},
	"newline-unsigned":          {reason: production.ReasonBodySignValue},
	"trailing-comma":            {reason: production.ReasonJSON},
	"duplicate-name":            {reason: production.ReasonDuplicate, field: "resultCode"},
	"no-result-code":            {reason: production.ReasonNoResultCode, field: "resultCode"},
	"empty-object":              {reason: production.ReasonNoResultCode, field: "resultCode"},
	"numbers":                   {},
	"null-members":              {},
	"unknown-members":           {},
	"surrogates":                {},
	"wrong-signature":           {reason: production.ReasonBodySignValue},
	"no-signature":              {reason: production.ReasonBodySignMissing},
	"two-signatures-equal":      {},
	"two-signatures-different":  {reason: production.ReasonBodySignAmbiguous},
	"unquoted-signature":        {reason: production.ReasonBodySignForm},
	"sha1-signature":            {reason: production.ReasonBodySignForm},
	"lower-case-header":         {},
	"no-instance-id":            {reason: production.ReasonMissingField, field: "instanceId"},
	"null-instance-id":          {reason: production.ReasonMissingField, field: "instanceId"},
	"long-instance-id":          {reason: production.ReasonFieldLength, field: "instanceId"},
	"error-text-as-id":          {},
	"base64-ids":                {},
	"plain-credentials":         {hidden: true, warnings: []string{"undecryptable:userName", "undecryptable:password"}},
	"encrypt-type-2":            {},
	"encrypt-type-wrong":        {hidden: true, warnings: []string{"undecryptable:userName", "undecryptable:password"}},
	"encrypt-type-absent":       {},
	"null-encrypt-type":         {},
	"long-credentials":          {hidden: true, warnings: []string{"credential-size:userName", "credential-size:password"}},
	"undecryptable":             {hidden: true, warnings: []string{"undecryptable:userName", "undecryptable:password"}},
	"not-text":                  {hidden: true, warnings: []string{"undecryptable:userName", "undecryptable:password"}},
	"null-app-info":             {noApp: true},
	"no-app-info":               {noApp: true},
	"null-entry":                {warnings: []string{"no-front-end-url:frontEndUrl"}, noApp: true},
	"no-front-end-url":          {warnings: []string{"no-front-end-url:frontEndUrl"}},
	"strip-values":              {},
	"html@upgrade":              {},
}

// eventually waits until something that another goroutine does has happened.
func eventually(t *testing.T, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !happened(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("did not happen within 10 s")
		}
	}
}

// The faults that show otherwise have a test of their own below.
var ownTests = []string{
	"kill-after-act", "repeat-failure", "refuse-repeat", "no-verify", "clock-off", "fixed-parameters", "reserialise", "strings-only", "old-cancel-scene",
	"cancel-ends-access", "never-thaw", "never-ready", "ready-after", "not-ready-code", "no-info", "extra-entries", "first-id-only",
	"other-instance-id", "new-instance-id-each-time", "key-on-business-id", "same-instance-per-order", "license-only",
	"decrypt-first", "other-oaep", "no-v2-kit",
}

func TestEveryFaultShowsAsItself(t *testing.T) {
	covered := append([]string{}, ownTests...)
	for text := range effects {
		name, _, _ := strings.Cut(text, "@")
		name, _, _ = strings.Cut(name, "=")
		covered = append(covered, name)
	}
	for _, f := range Faults {
		if !slices.Contains(covered, f.Name) {
			t.Errorf("fault %s has no test", f.Name)
		}
	}
	m := start(t, isv.V1)
	for text, want := range effects {
		t.Run(text, func(t *testing.T) {
			m.t = t
			m.faults(text)
			m.timeout = 10 * time.Second
			if want.long {
				m.timeout = 100 * time.Millisecond
			}
			order := "CS-" + text
			v := m.v1(creation(order))
			if v.OK != (want.reason == "") || v.Reason != want.reason || v.Field != want.field || v.Unknown != want.unknown || !slices.Equal(v.Warnings, want.warnings) {
				t.Errorf("%+v", v)
			}
			if want.code != "" && v.ResultCode != want.code {
				t.Errorf("code %s", v.ResultCode)
			}
			if v.OK && !want.noApp && (v.App == nil || v.App.UserNameUndecryptable != want.hidden || v.App.PasswordUndecryptable != want.hidden || (v.App.Password == "") != want.hidden) {
				t.Errorf("entry information %+v", v.App)
			}
			acted := func() bool {
				return slices.ContainsFunc(m.sim.Record().Instances, func(i Instance) bool { return i.OrderID == order })
			}
			if want.long && !want.idle {
				eventually(t, acted) // the caller gave up first
			}
			if acted() == want.idle {
				t.Errorf("the seller acted: %v", acted())
			}
		})
	}
}

// Faults that depend on the request's headers.
func TestSellersThatNeedHeaders(t *testing.T) {
	m := start(t, isv.V1)
	for fault, header := range map[string]http.Header{
		"text-plain-without-accept": {},
		"latin1-without-accept":     {"Accept": {"application/json"}},
		"not-modified":              {"If-None-Match": {"x"}},
	} {
		m.faults(fault)
		m.header = header
		if v := m.v1(creation("CS-" + fault)); v.OK {
			t.Errorf("%s: %+v", fault, v)
		}
		m.header = nil
		if v := m.v1(creation("CS-" + fault)); !v.OK {
			t.Errorf("%s with our headers: %+v", fault, v)
		}
	}
}

func TestFailuresThatPassAndFailuresThatStay(t *testing.T) {
	m := start(t, isv.V1)
	m.faults("fail-first=2")
	for i, want := range []bool{false, false, true} {
		if v := m.v1(creation("CS1")); v.OK != want {
			t.Errorf("call %d: %+v", i, v)
		}
	}
	m.faults("fail-first=1", "repeat-failure")
	for range 3 {
		if v := m.v1(creation("CS2")); v.ResultCode != "000005" {
			t.Errorf("%+v", v)
		}
	}
	id := m.v1(creation("CS1")).InstanceID
	if id != "" {
		t.Errorf("fail-first counts per order, got %q", id)
	}
	m.faults("refuse-repeat=000003")
	first := m.v1(creation("CS3"))
	for i, want := range []string{"000000", "000003"} {
		if v := m.v1(v1.ExpireInstance{InstanceID: first.InstanceID, OrderID: "CS3"}); v.ResultCode != want {
			t.Errorf("expiry %d: %+v", i, v)
		}
	}
	if again := m.v1(creation("CS3")); again.InstanceID != first.InstanceID {
		t.Errorf("creation is repeatable: %+v", again)
	}
}

func TestSellersWithInstanceIdsOfTheirOwn(t *testing.T) {
	m := start(t, isv.V1)
	ids := func(fault string, calls ...v1.NewInstance) []string {
		if m.faults(); fault != "" {
			m.faults(fault)
		}
		var all []string
		for _, call := range calls {
			v := m.v1(call)
			if !v.OK {
				t.Errorf("%s: %+v", fault, v)
			}
			all = append(all, v.InstanceID)
		}
		return all
	}
	same := creation("CS1")
	if got := ids("new-instance-id-each-time", same, same); got[0] == got[1] {
		t.Errorf("new each time: %v", got)
	}
	other := creation("CS2")
	if got := ids("key-on-business-id", other, other, creation("CS2")); got[0] != got[1] || got[1] == got[2] {
		t.Errorf("keyed on the business id: %v", got)
	}
	item := func(product string) v1.NewInstance {
		c := creation("CS3")
		c.ChargingMode, c.ProductID = v1.PayPerUse, product
		return c
	}
	if got := ids("same-instance-per-order", item("p1"), item("p2")); got[0] != got[1] {
		t.Errorf("same per order: %v", got)
	}
	if got := ids("base64-ids", creation("CS4")); !strings.ContainsAny(got[0], "+/=") {
		t.Errorf("base64: %v", got)
	}
	ids("", creation("CS5"))
	record := m.sim.Record()
	m.faults("other-instance-id")
	if v := m.v1(creation("CS6")); !slices.ContainsFunc(record.Instances, func(i Instance) bool { return i.InstanceID == v.InstanceID && i.OrderID != "CS6" }) {
		t.Errorf("of another order: %+v", v)
	}
	m.faults()
	perOrder := map[string]int{}
	for _, i := range record.Instances {
		perOrder[i.OrderID]++
	}
	if diff := cmp.Diff(map[string]int{"CS1": 2, "CS2": 2, "CS3": 1, "CS4": 1, "CS5": 1}, perOrder); diff != "" {
		t.Error(diff)
	}
}

func TestLicenceSellers(t *testing.T) {
	m := start(t, isv.V1)
	call := v1.GetLicense{CustomerID: "c1", BusinessID: "b1", OrderID: "CS1", SKUCode: "s1", ProductID: "p1", ChargingMode: v1.Period,
		ExpireTime: "20270101000000", PeriodType: "year", PeriodNumber: 1, Extensions: []v1.Extension{{Name: "identificationCode", Value: "M1"}}}
	profile := v1.Settings{Optional: []string{"chargingMode", "expireTime", "periodNumber", "periodType", "provisionType", "saasExtendParams", "testFlag", "userId", "userName"}}
	judge := func(settings v1.Settings) production.Verdict {
		return v1.Judge(call.Activity(), m.send(m.v1Request(call, settings)), v1.Judging{}, "key")
	}
	if v := judge(v1.Settings{}); !v.OK || !strings.HasPrefix(v.License, "LIC-") || v.LicenseSubstitute {
		t.Errorf("%+v", v)
	}
	m.faults("fixed-parameters")
	if v := judge(v1.Settings{}); v.ResultCode != "000001" {
		t.Errorf("the usual parameters: %+v", v)
	}
	if v := judge(profile); !v.OK {
		t.Errorf("the fixed list: %+v", v)
	}
	m.faults("license-only")
	if v := judge(v1.Settings{}); !v.OK || !v.LicenseSubstitute {
		t.Errorf("%+v", v)
	}
}

// Check 19 of chapter 02, and its counterpart: a name that is not cleaned fails.
func TestASellerThatStripsValues(t *testing.T) {
	m := start(t, isv.V1)
	m.faults("strip-values")
	call := creation("CS1")
	call.CustomerName = "\u3000买家\x01 &=+%/ '\u3000"
	if v := m.v1(call); !v.OK {
		t.Errorf("cleaned: %+v", v)
	}
	address, _ := v1.ParseAddress(m.url + PathProduce)
	params, err := v1.Parameters(creation("CS2"), v1.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range params {
		if params[i].Name == "customerName" {
			params[i].Value = "\u3000买家"
		}
	}
	v := v1.Judge(v1.ActivityNewInstance, m.send(v1.Sign(params, address, "key", v1.TimeStamp(time.Now()))), v1.Judging{}, "key")
	if v.ResultCode != "000001" {
		t.Errorf("not cleaned: %+v", v)
	}
}

func TestSellersThatVerifyTooLittleOrOtherwise(t *testing.T) {
	m := start(t, isv.V1)
	address, _ := v1.ParseAddress(m.url + PathProduce)
	params, err := v1.Parameters(creation("CS1"), v1.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	forged := v1.Sign(params, address, "wrong", v1.TimeStamp(time.Now()))
	if v := v1.Judge(v1.ActivityNewInstance, m.send(forged), v1.Judging{}, "key"); v.ResultCode != "000001" {
		t.Errorf("forged: %+v", v)
	}
	m.faults("no-verify")
	if v := v1.Judge(v1.ActivityNewInstance, m.send(forged), v1.Judging{}, "key"); !v.OK {
		t.Errorf("forged, not verified: %+v", v)
	}

	m = start(t, isv.V2)
	old := m.v2Request(creationV2("CS1"), time.Now().Add(-10*time.Minute))
	judge := func(r production.Request) string {
		return v2.Judge(v2.ActivityNewInstance, m.send(r), v2.Judging{}).ResultCode
	}
	if code := judge(old); code != "000002" {
		t.Errorf("old stamp: %s", code)
	}
	m.faults("no-verify")
	if code := judge(old); code != "000000" {
		t.Errorf("old stamp, not verified: %s", code)
	}
	m.faults("clock-off=-10m")
	if code := judge(m.v2Request(creationV2("CS2"), time.Now())); code != "000002" {
		t.Errorf("clock off: %s", code)
	}
	m.faults("reserialise")
	if v := m.v2(creationV2("CS3")); !v.OK {
		t.Errorf("canonical body at a re-serialising seller: %+v", v)
	}
	to, _ := v2.ParseAddress(m.url + PathProduce)
	if code := judge(v2.Post([]byte(`{"orderId":"CS4","activity":"newInstance","orderLineId":"l","businessId":"b"}`), to, "key", "n1", time.Now())); code != "000001" {
		t.Errorf("unsorted body at a re-serialising seller: %s", code)
	}
	m.faults()
	if code := judge(v2.Post([]byte(`{"orderId":"CS4","activity":"newInstance","orderLineId":"l","businessId":"b"}`), to, "key", "n2", time.Now())); code != "000000" {
		t.Errorf("unsorted body at a seller who takes the bytes: %s", code)
	}
}

func TestFaultsOfPolls(t *testing.T) {
	m := start(t, isv.V2, func(o *Options) { o.ReadyAfter = 3 })
	m.faults("ready-after=0")
	id := m.v2(creationV2("CS1")).InstanceID
	if state, _ := m.poll(id); state != v2.PollReady {
		t.Errorf("at once: %s", state)
	}
	second := m.v2(creationV2("CS2")).InstanceID
	m.faults("never-ready", "not-ready-code=000003")
	third := m.v2(creationV2("CS3")).InstanceID
	for range 5 {
		if state, v := m.poll(third); state != v2.PollNotReady || v.ResultCode != "000003" {
			t.Errorf("never: %s %+v", state, v)
		}
	}
	for fault, want := range map[string]v2.PollState{
		"no-info": v2.PollNotReady, "extra-entries": v2.PollReady, "status=401": v2.PollAuth, "code=000001": v2.PollAuth, "html": v2.PollFailed,
		"null-encrypt-type": v2.PollReady, "null-app-info": v2.PollReady, "long-credentials": v2.PollReady, "plain-credentials": v2.PollReady,
	} {
		m.faults(fault)
		if state, v := m.poll(id); state != want {
			t.Errorf("%s: %s %+v", fault, state, v)
		}
	}
	m.faults("first-id-only")
	asked := []string{id, second}
	v := v2.Judge(v2.ActivityQueryInstance, m.send(m.v2Request(v2.QueryInstance{InstanceIDs: asked}, time.Now())), v2.Judging{Asked: asked})
	if !v.OK || len(v.Info) != 1 || v.Info[0].InstanceID != id {
		t.Errorf("first id only: %+v", v)
	}
}

func TestFaultsOfLaterCalls(t *testing.T) {
	m := start(t, isv.V2)
	id := m.v2(creationV2("CS1")).InstanceID
	state := func() State { i, _ := m.sim.record.instance(id); return i.State }
	m.faults("strings-only")
	check := v2.ChangeInstanceCheck{InstanceID: id, Product: v2.ProductInfo{SKUCode: "s", LinearValue: 5}}
	if v := m.v2(check); v.Reason != production.ReasonStatus {
		t.Errorf("object: %+v", v)
	}
	check.AsString = true
	if v := m.v2(check); !v.OK {
		t.Errorf("string: %+v", v)
	}
	m.faults("never-thaw")
	for _, status := range []string{v2.StatusFreeze, v2.StatusUnfreeze} {
		if v := m.v2(v2.UpdateInstanceStatus{InstanceID: id, Status: status}); !v.OK || state() != StateFrozen {
			t.Errorf("%s: %+v %s", status, v, state())
		}
	}
	cancel := v2.RefreshInstance{Scene: v2.SceneUnsubscribeRenewal, OrderID: "CS2", OrderLineID: "CS2-000001", InstanceID: id, ExpireTime: "20270101000000"}
	m.faults("old-cancel-scene")
	if v := m.v2(cancel); v.ResultCode != "000002" {
		t.Errorf("old scene: %+v", v)
	}
	m.faults("cancel-ends-access")
	if v := m.v2(cancel); !v.OK || state() != StateReleased {
		t.Errorf("cancelled: %+v %s", v, state())
	}
	m.faults("error-text-as-id")
	if v := m.v2(v2.UpgradeInstance{InstanceID: id, OrderID: "CS3", OrderLineID: "l"}); v.ResultCode != "000003" || v.InstanceID != "" {
		t.Errorf("upgrade of a released instance: %+v", v)
	}
}

package lab

import (
	"slices"
	"strings"
)

// Protocol is how a scenario's call is written, signed and judged.
type Protocol string

// The protocols of the debugging page.
const (
	V1      Protocol = "v1"      // GET, authToken, Body-Sign // spec: 10
	V2      Protocol = "v2"      // POST, HMAC // spec: 11
	Notify  Protocol = "notify"  // order notification // spec: 12 §1
	License Protocol = "license" // authorisation codes // spec: 12 §2
	Kit1    Protocol = "kit1"    // callbacks of the joint kit, first generation // spec: 13 §1.1
	Kit2    Protocol = "kit2"    // the second // spec: 13 §1.2
)

// Protocols lists them as the page's tabs stand.
var Protocols = []Protocol{V1, V2, Notify, License, Kit1, Kit2}

// Class is the interface class whose key and address a protocol uses. // spec: 01 §2.4
func (p Protocol) Class() string {
	switch p {
	case Notify:
		return "general"
	case License:
		return "license"
	case Kit2:
		return "kit"
	}
	return "base" // V1 kit callbacks too
}

// Kind tells how a value of a form travels.
type Kind string

// The kinds of fields.
const (
	Text    Kind = ""     // a text
	Integer Kind = "int"  // a plain JSON integer: members of the kit
	JSON    Kind = "json" // a JSON value
)

// Field is one parameter of a scenario's form.
type Field struct {
	Name     string
	Preset   string // what the form holds at first; formulas stand in braces
	Kind     Kind
	Required bool
	Max      int // characters of the finished value; 0 is no limit
}

// Scenario is one call that can be tried.
type Scenario struct {
	ID       string // stable: saved cases and texts key on it
	Protocol Protocol
	Activity string
	Fields   []Field
	// Creates says that the answer names the instance that "{instance}" stands for from then on.
	Creates bool
	// Inbound says that the seller's server makes the call and the marketplace receives it.
	Inbound bool
	// Order is the mock order of the order query that "{order}" is made from; V2 only. // spec: 14 §3.1
	Order string
}

// ScenarioOf finds a scenario.
func ScenarioOf(id string) (Scenario, bool) {
	i := slices.IndexFunc(Scenarios, func(s Scenario) bool { return s.ID == id })
	if i < 0 {
		return Scenario{}, false
	}
	return Scenarios[i], true
}

// Of lists the scenarios of a protocol.
func Of(p Protocol) (out []Scenario) {
	for _, s := range Scenarios {
		if s.Protocol == p {
			out = append(out, s)
		}
	}
	return out
}

// Preset is the form as it stands before anything was typed.
func (s Scenario) Preset() map[string]string {
	form := map[string]string{}
	for _, f := range s.Fields {
		form[f.Name] = f.Preset
	}
	return form
}

// Variant tells apart the cases of one scenario that count separately: which of its
// optional parameters are set. Saving a case again replaces the one of its variant.
// spec: 10 §8.2
func (s Scenario) Variant(form map[string]string) string {
	var set []string
	for _, f := range s.Fields {
		if !f.Required && form[f.Name] != "" {
			set = append(set, f.Name)
		}
	}
	slices.Sort(set)
	return strings.Join(set, ",")
}

func req(name, preset string, max int) Field {
	return Field{Name: name, Preset: preset, Required: true, Max: max}
}
func opt(name, preset string, max int) Field { return Field{Name: name, Preset: preset, Max: max} }

func fields(groups ...[]Field) (out []Field) {
	for _, g := range groups {
		out = append(out, g...)
	}
	return out
}

// Presets of V1. Values are our own, of the shape that sellers meet. // spec: 10 §8.1, 02 §1.21
var (
	buyer1 = []Field{req("businessId", "{uuid}", 64), req("customerId", "5c0f1e2d3b4a59687f6e5d4c3b2a1908", 100), opt("customerName", "集市测试客户", 64), opt("userId", "7a6b5c4d3e2f10918273645546372819", 64),
		opt("userName", "souk-tester", 64), opt("mobilePhone", "{seal 13800138000}", 0), opt("email", "{seal tester@example.com}", 0)}
	goods1 = []Field{req("orderId", "{order}", 64), req("productId", "00301-123456-0--0", 64), opt("skuCode", "", 64), opt("orderAmount", "99", 20), opt("provisionType", "1", 2),
		opt("amount", "", 7), opt("diskSize", "", 7), opt("bandWidth", "", 7), opt("saasExtendParams", "", 2048), opt("trialFlag", "", 2)}
	term1  = []Field{req("expireTime", "{expiry 1 month}", 20), req("periodType", "month", 10), req("periodNumber", "1", 2)}
	renew1 = []Field{req("instanceId", "{instance}", 64), req("orderId", "{order new}", 64), req("expireTime", "{expiry 2 month}", 20), opt("productId", "00301-123456-0--0", 64), opt("periodType", "month", 10),
		opt("periodNumber", "1", 2), opt("orderAmount", "99", 20), opt("trialToFormal", "", 2)}
	ended1 = []Field{req("instanceId", "{instance}", 64), req("orderId", "{order}", 64)}
)

func charging(mode string) []Field { return []Field{req("chargingMode", mode, 2)} }

// Bodies of V2. // spec: 11 §4
var (
	order2    = []Field{req("orderId", "{order}", 64), req("orderLineId", "{order}-000001", 64)}
	instance2 = []Field{req("instanceId", "{instance}", 64)}
)

func create2(id, mock string) Scenario {
	return Scenario{ID: id, Protocol: V2, Activity: "newInstance", Creates: true, Order: mock, Fields: fields(order2, []Field{req("businessId", "{uuid}", 64)})}
}

func refresh2(id, scene, mock string) Scenario {
	return Scenario{ID: id, Protocol: V2, Activity: "refreshInstance", Order: mock,
		Fields: fields([]Field{req("scene", scene, 64)}, order2, instance2, []Field{opt("productId", "", 64), req("expireTime", "{expiry 2 month}", 20)})}
}

func status2(id, status string) Scenario {
	return Scenario{ID: id, Protocol: V2, Activity: "updateInstanceStatus", Fields: fields(instance2, []Field{req("status", status, 32)})}
}

// Bodies of authorisation codes. // spec: 12 §2.1
var license = []Field{req("license", "PL7F3A9B2C4D", 64)}

func licenseStatus(id, status string) Scenario {
	return Scenario{ID: id, Protocol: License, Activity: "updateLicenseCodeStatus", Fields: fields(license, []Field{req("status", status, 32)})}
}

// Bodies of the kit: no order exists while debugging, so instanceId and orderId are empty. // spec: 13 §2, §2.5
func kit(p Protocol, callback string, own ...Field) Scenario {
	form := []Field{{Name: "instanceId", Max: 64}, req("tenantId", "5c0f1e2d3b4a59687f6e5d4c3b2a1908", 64)}
	form = append(form, own...)
	form = append(form, Field{Name: "testFlag", Preset: "1", Kind: Integer, Required: true, Max: 2}, req("timeStamp", "{stamp}", 17))
	return Scenario{ID: string(p) + "." + callback, Protocol: p, Activity: callback, Fields: form}
}

func flag(p Protocol) Field {
	return Field{Name: "flag", Preset: "1", Kind: Integer, Required: true, Max: 2}
}

func tenant(p Protocol) Scenario {
	return kit(p, "tenantSync", Field{Name: "orderId", Max: 64}, req("tenantCode", "souk-test", 64), req("name", "集市测试企业", 255), req("domainName", "https://souk-test.example.com", 255), flag(p))
}

func application(p Protocol) Scenario {
	return kit(p, "applicationSync", req("appId", "souk-app-0001", 64), req("clientId", "souk-client-0001", 64), req("clientSecret", "{rsa S3cr3t-client-0001}", 0), flag(p))
}

const users2 = `[{"email":"","employeeCode":"1001","enable":"true","mobile":"","name":"王小明","orgCode":"1001","position":"","role":"user","userName":"wang01"}]`

// usage is a push of the seller's own, for an instance that the lab made. // spec: 14 §2.1
func usage(p Protocol) Scenario {
	return Scenario{ID: string(p) + ".usage", Protocol: p, Activity: "usage-data", Inbound: true, Fields: []Field{req("instance_id", "{instance}", 64), req("metering_sn", "{uuid}", 64), req("begin_time", "{utc 60}", 17), req("end_time", "{utc 0}", 17),
		req("record_time", "{utc 0}", 17), req("usage_value", "1.5", 20), opt("relate_pkg_instance", "", 64)}}
}

// Scenarios is everything that can be tried, in the order in which a life goes.
// spec: 10 §8.1, 11 §7, 12 §1–2, 13 §3.5
var Scenarios = []Scenario{
	{ID: "v1.new.period", Protocol: V1, Activity: "newInstance", Creates: true, Fields: fields(buyer1, goods1, charging("1"), term1)},
	{ID: "v1.new.once", Protocol: V1, Activity: "newInstance", Creates: true, Fields: fields(buyer1, goods1, charging("3"))},
	{ID: "v1.new.demand", Protocol: V1, Activity: "newInstance", Creates: true, Fields: fields(buyer1, goods1, charging("0"))},
	{ID: "v1.new.package", Protocol: V1, Activity: "newInstance", Creates: true, Fields: fields(buyer1, goods1, charging("5"))},
	{ID: "v1.query", Protocol: V1, Activity: "queryInstance", Fields: []Field{req("instanceId", "{instance}", 6500)}},
	{ID: "v1.upgrade", Protocol: V1, Activity: "upgrade", Fields: []Field{req("instanceId", "{instance}", 64), req("orderId", "{order new}", 64), req("skuCode", "d0abcd12-1234-5678-ab90-11ab012aaaa1", 64), req("productId", "00301-123457-0--0", 64),
		opt("amount", "10", 7), opt("diskSize", "", 7), opt("bandWidth", "", 7)}},
	{ID: "v1.refresh", Protocol: V1, Activity: "refreshInstance", Fields: renew1},
	{ID: "v1.expire", Protocol: V1, Activity: "expireInstance", Fields: ended1},
	{ID: "v1.freeze", Protocol: V1, Activity: "instanceStatus", Fields: []Field{req("instanceId", "{instance}", 64), req("instanceStatus", "FREEZE", 20)}},
	{ID: "v1.thaw", Protocol: V1, Activity: "instanceStatus", Fields: []Field{req("instanceId", "{instance}", 64), req("instanceStatus", "NORMAL", 20)}},
	{ID: "v1.release", Protocol: V1, Activity: "releaseInstance", Fields: fields(ended1, []Field{opt("orderAmount", "99", 20)})},
	usage(V1),
	{ID: "v1.license", Protocol: V1, Activity: "getLicense", Creates: true, Fields: fields(buyer1[:3], []Field{req("orderId", "{order}", 64), req("productId", "00301-123458-0--0", 64), req("chargingMode", "1", 2), opt("expireTime", "{expiry 1 month}", 20), opt("periodType", "month", 10), opt("periodNumber", "1", 2)})},

	create2("v2.new.period", "MOCKPERIODYEARNEW"),
	create2("v2.new.once", "MOCKONETIMENEW"),
	create2("v2.new.trial", "MOCKPERIODDAYTRIAL"),
	create2("v2.new.demand", "MOCKONDEMAND"),
	create2("v2.new.package", "MOCKONDEMANDPKG"),
	{ID: "v2.query", Protocol: V2, Activity: "queryInstance", Fields: []Field{req("instanceId", "{instance}", 6500)}},
	refresh2("v2.refresh.trial", "TRIAL_TO_FORMAL", "MOCKMONTYTRIALTOFORMAL"),
	refresh2("v2.refresh.renewal", "RENEWAL", "MOCKMONTYRENEW"),
	refresh2("v2.refresh.cancel", "UNSUBSCRIBE_RENEWAL_PERIOD", "MOCKMONTYUNSUBSCRIBE"),
	refresh2("v2.refresh.change", "RENEWAL_CHANGE", "MOCKMONTYCHANGE"),
	{ID: "v2.upgrade", Protocol: V2, Activity: "upgradeInstance", Order: "MOCKMONTYCHANGE", Fields: fields(instance2, order2)},
	{ID: "v2.check", Protocol: V2, Activity: "changeInstanceCheck", Fields: fields(instance2, []Field{{Name: "productInfo", Kind: JSON, Required: true, Max: 1024,
		Preset: `{"linearValue":10,"productId":"OFFI000000000000000001","skuCode":"d0abcd12-1234-5678-ab90-11ab012aaaa1"}`}})},
	status2("v2.freeze", "FREEZE"),
	status2("v2.thaw", "UNFREEZE"),
	{ID: "v2.release", Protocol: V2, Activity: "releaseInstance", Order: "MOCKMONTYUNSUBSCRIBE", Fields: fields(instance2, []Field{opt("orderId", "", 64), opt("orderLineId", "", 64)})},
	usage(V2),

	{ID: "notify", Protocol: Notify, Activity: "orderNotify", Order: "MOCKPERIODYEARNEW", Fields: order2},

	{ID: "license.refresh", Protocol: License, Activity: "refreshLicenseCode", Order: "MOCKMONTYRENEW", Fields: fields([]Field{req("scene", "RENEWAL", 64)}, order2, license, []Field{opt("productId", "", 64), req("expireTime", "{expiry 1 month}", 20)})},
	licenseStatus("license.freeze", "FREEZE"),
	licenseStatus("license.thaw", "UNFREEZE"),
	{ID: "license.release", Protocol: License, Activity: "releaseLicenseCode", Order: "MOCKMONTYUNSUBSCRIBE", Fields: fields(license, []Field{opt("orderId", "", 64), opt("orderLineId", "", 64)})},

	tenant(Kit1), application(Kit1),
	kit(Kit1, "authSync", req("appId", "souk-app-0001", 64), req("userList", users2, 0), req("currentSyncTime", "{stamp}", 17), flag(Kit1)),
	kit(Kit1, "singleOrgSync", req("orgCode", "1001", 64), req("orgName", "研发部", 128), opt("parentCode", "", 64), flag(Kit1)),
	kit(Kit1, "allOrgSync", req("orgInfo", `[{"name":"研发部","orgCode":"1001","parentCode":""}]`, 0)),

	tenant(Kit2), application(Kit2),
	kit(Kit2, "authSync", req("appId", "souk-app-0001", 64), Field{Name: "userList", Preset: users2, Kind: JSON, Required: true}, req("currentSyncTime", "{stamp}", 17), flag(Kit2)),
	kit(Kit2, "singleOrgSync", req("orgCode", "1001", 64), req("orgName", "研发部", 128), opt("parentCode", "", 64), flag(Kit2)),
	kit(Kit2, "allOrgSync", Field{Name: "orgInfoList", Preset: `[{"orgCode":"1001","orgName":"研发部","parentCode":""}]`, Kind: JSON, Required: true}, flag(Kit2)),
}

// ByPush is the occasion of a call that the seller's server made: a push of usage.
const ByPush = "push"

// WarnCause stands before what explains a wrong signature, a code of protocol/explain.
const WarnCause = "cause"

// MockMark stands between the name of a mock order and the characters that make it one of
// the lab's own: the order query answers it like the mock order. // spec: 02 §1.19, 14 §3.1
const MockMark = "X"

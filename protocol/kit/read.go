package kit

import (
	"fmt"
	"strconv"
	"strings"

	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Received is a callback as a seller's server reads it, after Verify or VerifyV1.
type Received struct {
	Message   Message
	Test      bool
	TimeStamp string // UTC+8, 17 digits
}

// FindCallback tells which callback and generation a request's path means; the
// sub-path may stand behind any production address.
// spec: 13 §1
func FindCallback(path string) (Callback, Generation, bool) {
	for _, c := range Callbacks {
		for _, g := range []Generation{V1, V2} {
			if strings.HasSuffix(path, c.Path(g)) {
				return c, g, true
			}
		}
	}
	return "", 0, false
}

// Read reads a body. Lists are taken in both forms, integers as numbers or texts;
// unknown members are ignored. A *v2.FieldError names the first member that is missing
// or malformed; clientSecret stays as it is on the wire.
// spec: 13 §2, 02 §3.2
func Read(c Callback, g Generation, body []byte) (Received, error) {
	object, err := wirejson.ParseObject(body)
	if err != nil {
		return Received{}, &v2.FieldError{Field: "body", Problem: err.Error()}
	}
	r := &reader{object: object, test: integerOf(object, "testFlag") == "1"}
	get := r.need
	instance := r.may
	if !r.test {
		instance = r.need
	}
	received := Received{Test: r.test, TimeStamp: get("timeStamp")}
	switch c {
	case TenantSync:
		received.Message = Tenant{InstanceID: instance("instanceId"), OrderID: instance("orderId"), TenantID: get("tenantId"), TenantCode: get("tenantCode"),
			Name: get("name"), DomainName: get("domainName"), Flag: r.flag(g, c)}
	case ApplicationSync:
		received.Message = Application{InstanceID: instance("instanceId"), TenantID: get("tenantId"), AppID: get("appId"), ClientID: get("clientId"),
			ClientSecret: get("clientSecret"), Flag: r.flag(g, c)}
	case AuthSync:
		a := Authorisation{InstanceID: instance("instanceId"), TenantID: get("tenantId"), AppID: get("appId"), SyncTime: get("currentSyncTime"), Flag: r.flag(g, c)}
		for _, item := range r.list("userList") {
			a.Users = append(a.Users, r.user(item))
		}
		if len(a.Users) > MaxUsers {
			r.fail("userList", fmt.Sprintf("has more than %d users", MaxUsers))
		}
		received.Message = a
	case SingleOrgSync:
		received.Message = Department{InstanceID: instance("instanceId"), TenantID: get("tenantId"), OrgCode: get("orgCode"), OrgName: get("orgName"),
			ParentCode: r.may("parentCode"), Flag: r.flag(g, c)}
	case AllOrgSync:
		d := Departments{InstanceID: instance("instanceId"), TenantID: get("tenantId")}
		name, nameKey := "orgInfoList", "orgName"
		if g == V1 {
			name, nameKey = "orgInfo", "name"
		}
		for _, item := range r.list(name) {
			d.All = append(d.All, Org{Code: r.inner(item, "orgCode", true), Name: r.inner(item, nameKey, true), ParentCode: r.inner(item, "parentCode", false)})
		}
		received.Message = d
	default:
		return Received{}, &v2.FieldError{Field: "path", Problem: "names no callback"}
	}
	if r.err != nil {
		return Received{}, r.err
	}
	return received, nil
}

// reader keeps the first problem.
type reader struct {
	object wirejson.Value
	test   bool
	err    error
}

func (r *reader) fail(field, problem string) {
	if r.err == nil {
		r.err = &v2.FieldError{Field: field, Problem: problem}
	}
}

func (r *reader) may(name string) string { return r.inner(r.object, name, false) }

func (r *reader) need(name string) string { return r.inner(r.object, name, true) }

func (r *reader) inner(o wirejson.Value, name string, mandatory bool) string {
	v, present := o.Get(name)
	switch {
	case present && v.Kind != wirejson.String:
		r.fail(name, "is not a text")
	case mandatory && v.Text == "":
		r.fail(name, "is missing")
	case present:
		return v.Text
	}
	return ""
}

// integerOf returns the digits of an integer, sent as number or as text.
func integerOf(o wirejson.Value, name string) string {
	v, present := o.Get(name)
	if !present || v.Kind != wirejson.Number && v.Kind != wirejson.String {
		return ""
	}
	return v.Text
}

func (r *reader) flag(g Generation, c Callback) Flag {
	n, err := strconv.Atoi(integerOf(r.object, "flag"))
	if err != nil {
		r.fail("flag", "is missing or no integer")
		return 0
	}
	if _, err := flagMember(Flag(n), g, c); err != nil && r.err == nil {
		r.err = err
	}
	return Flag(n)
}

func (r *reader) list(name string) []wirejson.Value {
	v, present := r.object.Get(name)
	if present && v.Kind == wirejson.String {
		parsed, err := wirejson.Parse([]byte(v.Text))
		if err != nil {
			r.fail(name, "holds no JSON list")
			return nil
		}
		v = parsed
	}
	if !present || v.Kind != wirejson.Array {
		r.fail(name, "is missing or no list")
		return nil
	}
	for _, item := range v.Items {
		if item.Kind != wirejson.Object {
			r.fail(name, "holds something else than objects")
			return nil
		}
	}
	return v.Items
}

func (r *reader) user(o wirejson.Value) User {
	u := User{
		UserName: r.inner(o, "userName", true), Name: r.inner(o, "name", true), OrgCode: r.inner(o, "orgCode", true),
		Position: r.inner(o, "position", false), EmployeeCode: r.inner(o, "employeeCode", false),
		Mobile: r.inner(o, "mobile", false), Email: r.inner(o, "email", false),
	}
	switch role := r.inner(o, "role", true); role {
	case "admin":
		u.Admin = true
	case "user", "":
	default:
		r.fail("role", "is neither user nor admin")
	}
	switch enable := r.inner(o, "enable", true); enable {
	case "true":
		u.Enabled = true
	case "false", "":
	default:
		r.fail("enable", "is neither true nor false")
	}
	extension, extended := o.Get("extension")
	if !extended || extension.Kind != wirejson.Object {
		extension = o
	}
	u.WorkPlace, u.EntryDate = r.inner(extension, "workPlace", false), r.inner(extension, "entryDate", false)
	if kind := integerOf(extension, "employeeType"); kind != "" {
		n, err := strconv.Atoi(kind)
		if err != nil || n < 0 || n > 4 {
			r.fail("employeeType", "is none of 1, 2, 3, 4")
		}
		u.EmployeeType = n
	}
	return u
}

package kit

import (
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Generation is which of the two forms a callback has.
type Generation int

// The generations.
const (
	V1 Generation = 1
	V2 Generation = 2
)

// Path is the sub-path of a callback in a generation.
// spec: 13 §2
func (c Callback) Path(g Generation) string {
	if g == V1 {
		return c.PathV1()
	}
	return c.PathV2()
}

// Callbacks lists the five in the order in which a new order needs them.
// spec: 13 §2.5
var Callbacks = []Callback{TenantSync, ApplicationSync, AllOrgSync, SingleOrgSync, AuthSync}

// Flag says what happened to the thing that is synchronised.
type Flag int

// The flags. Modify of tenants and applications and Cancel exist in V2 only.
// spec: 13 §2
const (
	Delete Flag = 0
	Add    Flag = 1
	Modify Flag = 2
	Cancel Flag = 3 // the member exists but lost this application
)

// Settings are the choices that belong to the credential, not to the message.
type Settings struct {
	// Debug sends testFlag=1; only then may instance and order be empty.
	Debug bool
	// Lists is the form of userList, orgInfo and orgInfoList. spec: 02 §3.2
	Lists ListForm
}

// ListForm is how a list travels.
type ListForm int

// The forms. ListDefault is text in V1, where the tables say String, and an array in V2.
const (
	ListDefault ListForm = iota
	ListArray
	ListText // JSON text in a string
)

// MaxUsers is how many users one authSync may have.
// spec: 13 §2.3
const MaxUsers = 500

// Message is one callback before it is written.
type Message interface {
	Callback() Callback
	members(Generation, Settings) ([]member, error)
}

// Tenant is an enterprise that was bound to an instance.
// spec: 13 §2.1
type Tenant struct {
	InstanceID string
	OrderID    string
	TenantID   string
	TenantCode string // selects the login domain
	Name       string
	DomainName string // base URL of the authentication centre, scheme included
	Flag       Flag
}

// Application is the OAuth client of a tenant. ClientSecret is the wire value, made
// with sealed.OAEPProfile.Encrypt, and travels in every call, deletes included.
// spec: 13 §2.2, 02 §3.1
type Application struct {
	InstanceID   string
	TenantID     string
	AppID        string
	ClientID     string
	ClientSecret string
	Flag         Flag
}

// Authorisation grants, changes or revokes the application for at most MaxUsers users.
// spec: 13 §2.3
type Authorisation struct {
	InstanceID string
	TenantID   string
	AppID      string
	Users      []User
	SyncTime   string // UTC+8, 17 digits: the same in all calls of one change
	Flag       Flag
}

// User is a member of an enterprise; the JSON form is for records, not for the wire.
// The last seven are empty unless the buyer agreed
// to share them.
// spec: 13 §2.3, §3.3
type User struct {
	UserName     string `json:"userName"`
	Name         string `json:"name"`
	OrgCode      string `json:"orgCode"`
	Admin        bool   `json:"admin"`
	Enabled      bool   `json:"enabled"`
	Position     string `json:"position,omitempty"`
	EmployeeCode string `json:"employeeCode,omitempty"`
	Mobile       string `json:"mobile,omitempty"`
	Email        string `json:"email,omitempty"`
	EmployeeType int    `json:"employeeType,omitempty"` // 1 regular, 2 intern, 3 dispatched, 4 outsourced; 0: unknown
	WorkPlace    string `json:"workPlace,omitempty"`
	EntryDate    string `json:"entryDate,omitempty"`
}

// Department is one department that changed.
// spec: 13 §2.4
type Department struct {
	InstanceID, TenantID         string
	OrgCode, OrgName, ParentCode string
	Flag                         Flag
}

// Departments is the whole list of a tenant.
// spec: 13 §2.4
type Departments struct {
	InstanceID, TenantID string
	All                  []Org
}

// Org is a department in the whole list.
type Org struct {
	Code       string `json:"orgCode"`
	Name       string `json:"orgName"`
	ParentCode string `json:"parentCode,omitempty"`
}

// Callback returns TenantSync.
func (Tenant) Callback() Callback { return TenantSync }

// Callback returns ApplicationSync.
func (Application) Callback() Callback { return ApplicationSync }

// Callback returns AuthSync.
func (Authorisation) Callback() Callback { return AuthSync }

// Callback returns SingleOrgSync.
func (Department) Callback() Callback { return SingleOrgSync }

// Callback returns AllOrgSync.
func (Departments) Callback() Callback { return AllOrgSync }

// member is one member of a body with its rule.
type member struct {
	name     string
	value    any // string, int or []any
	max      int // characters of a string
	optional bool
}

func text(name, value string, max int) member { return member{name: name, value: value, max: max} }

// TimeStamp is the form of every time in a kit body: UTC+8, 17 digits.
// spec: 13 §1
func TimeStamp(t time.Time) string { return TimeStampV1(t) }

// Body writes the canonical body of a callback. now is the wire clock at the moment of
// sending. Missing, overlong and malformed values give a *v2.FieldError.
// spec: 13 §1.2, §2, 02 §2.1
func Body(m Message, g Generation, settings Settings, now time.Time) ([]byte, error) {
	members, err := m.members(g, settings)
	if err != nil {
		return nil, err
	}
	test := 0
	if settings.Debug {
		test = 1
	}
	o := wirejson.Obj{"testFlag": test, "timeStamp": TimeStamp(now)}
	for _, field := range members {
		value, isText := field.value.(string)
		if !isText {
			o[field.name] = field.value
			continue
		}
		if value = wirejson.Spell(value); value == "" && field.optional {
			continue
		}
		// No instance exists while the seller applies for the credential.
		waived := settings.Debug && (field.name == "instanceId" || field.name == "orderId")
		if err := check(field.name, value, field.max, !field.optional && !waived); err != nil {
			return nil, err
		}
		o[field.name] = value
	}
	return wirejson.Canonical(o)
}

func check(name, value string, max int, mandatory bool) error {
	switch {
	case !utf8.ValidString(value):
		return &v2.FieldError{Field: name, Problem: "is not valid UTF-8"}
	case mandatory && value == "":
		return &v2.FieldError{Field: name, Problem: "is missing"}
	case max > 0 && utf8.RuneCountInString(value) > max:
		return &v2.FieldError{Field: name, Problem: fmt.Sprintf("is longer than %d characters", max)}
	}
	return nil
}

// flagMember checks what a generation knows.
func flagMember(f Flag, g Generation, c Callback) (member, error) {
	last := Modify
	switch {
	case g == V1 && (c == TenantSync || c == ApplicationSync):
		last = Add
	case g == V2 && c == AuthSync:
		last = Cancel
	}
	if f < Delete || f > last {
		return member{}, &v2.FieldError{Field: "flag", Problem: fmt.Sprintf("%d does not exist in V%d of %s", int(f), int(g), c)}
	}
	return member{name: "flag", value: int(f)}, nil
}

func (t Tenant) members(g Generation, _ Settings) ([]member, error) {
	f, err := flagMember(t.Flag, g, TenantSync)
	return []member{
		text("instanceId", t.InstanceID, 64), text("orderId", t.OrderID, 64), text("tenantId", t.TenantID, 64), text("tenantCode", t.TenantCode, 64),
		text("name", t.Name, 255), text("domainName", t.DomainName, 255), f,
	}, err
}

func (a Application) members(g Generation, _ Settings) ([]member, error) {
	f, err := flagMember(a.Flag, g, ApplicationSync)
	return []member{
		text("instanceId", a.InstanceID, 64), text("tenantId", a.TenantID, 64), text("appId", a.AppID, 64), text("clientId", a.ClientID, 64),
		text("clientSecret", a.ClientSecret, 0), f,
	}, err
}

func (a Authorisation) members(g Generation, s Settings) ([]member, error) {
	f, err := flagMember(a.Flag, g, AuthSync)
	if err != nil {
		return nil, err
	}
	if len(a.Users) == 0 || len(a.Users) > MaxUsers {
		return nil, &v2.FieldError{Field: "userList", Problem: fmt.Sprintf("has %d users, 1 to %d are allowed", len(a.Users), MaxUsers)}
	}
	if len(a.SyncTime) != 17 {
		return nil, &v2.FieldError{Field: "currentSyncTime", Problem: "is not a time of 17 digits"}
	}
	users := make([]any, len(a.Users))
	for i, u := range a.Users {
		if users[i], err = u.object(g); err != nil {
			return nil, err
		}
	}
	list, err := list("userList", users, g, s)
	return []member{
		text("instanceId", a.InstanceID, 64), text("tenantId", a.TenantID, 64), text("appId", a.AppID, 64), list,
		text("currentSyncTime", a.SyncTime, 17), f,
	}, err
}

// object is a user as a list holds it. V1 has every top-level member, empty ones too,
// and puts the rest into extension as texts.
// spec: 13 §2.3
func (u User) object(g Generation) (wirejson.Obj, error) {
	role := "user"
	if u.Admin {
		role = "admin"
	}
	o := wirejson.Obj{"role": role, "enable": strconv.FormatBool(u.Enabled)}
	extension := wirejson.Obj{}
	for _, f := range []struct {
		name, value string
		max         int
		mandatory   bool
		extended    bool
	}{
		{"userName", u.UserName, 64, true, false}, {"name", u.Name, 64, true, false}, {"orgCode", u.OrgCode, 64, true, false},
		{"position", u.Position, 64, false, false}, {"employeeCode", u.EmployeeCode, 64, false, false},
		{"mobile", u.Mobile, 32, false, false}, {"email", u.Email, 128, false, false},
		{"workPlace", u.WorkPlace, 0, false, true}, {"entryDate", u.EntryDate, 0, false, true},
	} {
		value := wirejson.Spell(f.value)
		if err := check(f.name, value, f.max, f.mandatory); err != nil {
			return nil, err
		}
		switch {
		case g == V1 && !f.extended || g == V2 && value != "":
			o[f.name] = value
		case value != "":
			extension[f.name] = value
		}
	}
	switch {
	case u.EmployeeType < 0 || u.EmployeeType > 4:
		return nil, &v2.FieldError{Field: "employeeType", Problem: "is none of 1, 2, 3, 4"}
	case u.EmployeeType > 0 && g == V1:
		extension["employeeType"] = strconv.Itoa(u.EmployeeType)
	case u.EmployeeType > 0:
		o["employeeType"] = u.EmployeeType
	}
	if len(extension) > 0 {
		o["extension"] = extension
	}
	return o, nil
}

func (d Department) members(g Generation, _ Settings) ([]member, error) {
	f, err := flagMember(d.Flag, g, SingleOrgSync)
	parent := text("parentCode", d.ParentCode, 64)
	parent.optional = true
	return []member{
		text("instanceId", d.InstanceID, 64), text("tenantId", d.TenantID, 64), text("orgCode", d.OrgCode, 64), text("orgName", d.OrgName, 128), parent, f,
	}, err
}

// The list is called orgInfo in V1 and its names "name"; V2 says orgInfoList and
// "orgName", and has a flag like its printed example.
// spec: 13 §2.4
func (d Departments) members(g Generation, s Settings) ([]member, error) {
	name, nameKey := "orgInfoList", "orgName"
	if g == V1 {
		name, nameKey = "orgInfo", "name"
	}
	orgs := make([]any, len(d.All))
	for i, org := range d.All {
		o := wirejson.Obj{"orgCode": wirejson.Spell(org.Code), nameKey: wirejson.Spell(org.Name)}
		if org.ParentCode != "" || g == V1 {
			o["parentCode"] = wirejson.Spell(org.ParentCode)
		}
		for _, f := range []struct {
			name, value string
			max         int
		}{{"orgCode", org.Code, 64}, {nameKey, org.Name, 128}, {"parentCode", org.ParentCode, 64}} {
			if err := check(f.name, f.value, f.max, f.name != "parentCode"); err != nil {
				return nil, err
			}
		}
		orgs[i] = o
	}
	all, err := list(name, orgs, g, s)
	members := []member{text("instanceId", d.InstanceID, 64), text("tenantId", d.TenantID, 64), all}
	if g == V2 {
		members = append(members, member{name: "flag", value: int(Add)})
	}
	return members, err
}

// list puts a list into its form.
// spec: 02 §3.2
func list(name string, items []any, g Generation, s Settings) (member, error) {
	if s.Lists == ListArray || s.Lists == ListDefault && g == V2 {
		return member{name: name, value: items}, nil
	}
	value, err := wirejson.Text(items)
	return member{name: name, value: value}, err
}

// SplitUsers shares a grant out over as few calls as MaxUsers allows; all have the
// same SyncTime.
// spec: 13 §2.3
func SplitUsers(a Authorisation) []Authorisation {
	var all []Authorisation
	for rest := a.Users; len(rest) > 0; {
		n := min(len(rest), MaxUsers)
		part := a
		part.Users, rest = rest[:n], rest[n:]
		all = append(all, part)
	}
	return all
}

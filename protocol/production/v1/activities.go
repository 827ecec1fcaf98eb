package v1

import (
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/souk-market/souk/protocol/wirejson"
)

// ChargingMode is how the bought specification is billed.
type ChargingMode int

// The charging modes of V1.
const (
	PayPerUse ChargingMode = 0 // 按需
	Period    ChargingMode = 1 // 包周期
	OneTime   ChargingMode = 3 // 按次
	Package   ChargingMode = 5 // 按需套餐包
)

// Provision types.
// spec: 10 §2.2
const (
	ProvisionOnSubscription  = 1
	ProvisionAfterAcceptance = 2 // supervised goods
)

// Quantity holds the linear attributes of a specification; zero means that the
// specification has not got the attribute.
type Quantity struct {
	Amount    int64 // pieces
	DiskSize  int64 // GB
	BandWidth int64 // Mbit/s
}

func (q Quantity) params(unsold bool) []rule {
	return []rule{
		{name: "amount", value: integer(q.Amount), max: 7, form: formInteger, manual: unsold},
		{name: "diskSize", value: integer(q.DiskSize), max: 7, form: formInteger, manual: unsold},
		{name: "bandWidth", value: integer(q.BandWidth), max: 7, form: formInteger, manual: unsold},
	}
}

func integer(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// Extension is one extension parameter (扩展参数) of the order.
type Extension struct{ Name, Value string }

// PlatformParams makes the value of the extension parameter platformParams: JSON
// text inside a string.
// spec: 02 §1.8
func PlatformParams(tenantName, tenantID, userID string) string {
	// The misspelt name is the one that travels.
	text, err := wirejson.Canonical(wirejson.Obj{
		"tenantName": strings.ToValidUTF8(tenantName, ""), "tennantId": strings.ToValidUTF8(tenantID, ""),
		"userId": strings.ToValidUTF8(userID, ""),
	})
	if err != nil {
		return "" // cannot happen: three valid strings
	}
	return string(text)
}

// extensions encodes the parameters: identificationCode first, the others in the
// given order, cleaned, empty ones left out.
// spec: 10 §2.3, 02 §1.2, §1.8
func extensions(all []Extension) string {
	var first, rest []string
	for _, e := range all {
		value := Clean(strings.ToValidUTF8(e.Value, ""))
		if value == "" {
			continue
		}
		text, err := wirejson.Text(wirejson.Obj{"name": strings.ToValidUTF8(e.Name, ""), "value": value})
		if err != nil {
			continue // cannot happen: two valid strings
		}
		if e.Name == "identificationCode" {
			first = append(first, text)
		} else {
			rest = append(rest, text)
		}
	}
	items := append(first, rest...)
	if len(items) == 0 {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte("[" + strings.Join(items, ",") + "]"))
}

// NewInstance asks the seller to create the instance of a paid order; with the
// same order and a new BusinessID it is also the live details call.
// spec: 10 §2
type NewInstance struct {
	CustomerID   string
	CustomerName string // CustomerID is sent when nothing printable is left of it
	UserID       string // IAM sub-user; only where the product asks for it
	UserName     string
	MobilePhone  string // sealed (package sealed)
	Email        string // sealed
	BusinessID   string // new for every call unless the product keeps it stable
	OrderID      string
	SKUCode      string
	ProductID    string
	ChargingMode ChargingMode
	Trial        bool   // adds trialFlag=1 and ExpireTime, drops the period members
	ExpireTime   string // 14 digits, see ExpireTime; sent for periods, packages and trials
	PeriodType   string // "year" or "month"; sent for periods
	PeriodNumber int
	Quantity     Quantity // not sent for pay-per-use and packages
	Extensions   []Extension
	Provision    int    // ProvisionOnSubscription by default
	OrderAmount  string // really paid, decimal text; "" sends none
}

// Activity returns "newInstance".
func (NewInstance) Activity() Activity { return ActivityNewInstance }

func (n NewInstance) params() []rule {
	period := n.ChargingMode == Period && !n.Trial
	metered := n.ChargingMode == PayPerUse || n.ChargingMode == Package
	expires := n.ChargingMode == Period || n.ChargingMode == Package || n.Trial
	trial := "0"
	if n.Trial {
		trial = "1"
	}
	name := Clean(n.CustomerName)
	if name == "" {
		name = n.CustomerID
	}
	userID, userName := n.UserID, Clean(n.UserName)
	account := userID == "" && userName == ""
	if account {
		userID, userName = n.CustomerID, name
	}
	rules := []rule{
		{name: "customerId", value: n.CustomerID, max: 100, mandatory: true},
		{name: "customerName", value: name, max: 64, mandatory: true},
		{name: "userId", value: userID, max: 64, manual: account},
		{name: "userName", value: userName, max: 64, manual: account},
		{name: "mobilePhone", value: n.MobilePhone},
		{name: "email", value: n.Email},
		{name: "businessId", value: n.BusinessID, max: 64, mandatory: true},
		{name: "orderId", value: n.OrderID, max: 64, mandatory: true},
		{name: "skuCode", value: n.SKUCode, max: 64},
		{name: "productId", value: n.ProductID, max: 64, mandatory: true},
		{name: "trialFlag", value: trial, max: 2, manual: !n.Trial},
		{name: "expireTime", value: n.ExpireTime, max: 20, form: formExpire, manual: !expires},
		{name: "chargingMode", value: strconv.Itoa(int(n.ChargingMode)), max: 3, form: formOneOf("0", "1", "3", "5")},
		{name: "saasExtendParams", value: extensions(n.Extensions), max: 2048},
	}
	rules = append(rules, n.Quantity.params(metered)...)
	if period {
		rules = append(rules, periodParams(n.PeriodType, n.PeriodNumber)...)
	}
	return append(rules,
		rule{name: "provisionType", value: provision(n.Provision), form: formOneOf("1", "2")},
		rule{name: "orderAmount", value: plainAmount(n.OrderAmount), max: 20, form: formAmount(false)},
	)
}

func provision(p int) string {
	if p == 0 {
		p = ProvisionOnSubscription
	}
	return strconv.Itoa(p)
}

func periodParams(kind string, number int) []rule {
	return []rule{
		{name: "periodType", value: kind, max: 10, form: formOneOf("year", "month")},
		{name: "periodNumber", value: integer(int64(number)), max: 2, form: formInteger},
	}
}

// RefreshInstance announces a renewal, a cancelled renewal, or a trial that
// became a paid period.
// spec: 10 §3.1
type RefreshInstance struct {
	OrderID       string // the new order
	InstanceID    string
	ProductID     string // only when the period type changed or a trial was converted
	ExpireTime    string
	TrialToFormal bool
	PeriodType    string
	PeriodNumber  int
	OrderAmount   string // negative when a renewal is cancelled
}

// Activity returns "refreshInstance".
func (RefreshInstance) Activity() Activity { return ActivityRefreshInstance }

func (r RefreshInstance) params() []rule {
	formal := ""
	if r.TrialToFormal {
		formal = "1"
	}
	rules := []rule{
		{name: "orderId", value: r.OrderID, max: 64, mandatory: true},
		{name: "instanceId", value: r.InstanceID, max: 64, mandatory: true},
		{name: "productId", value: r.ProductID, max: 64},
		{name: "expireTime", value: r.ExpireTime, max: 20, form: formExpire, mandatory: true},
		{name: "trialToFormal", value: formal, max: 2},
	}
	rules = append(rules, periodParams(r.PeriodType, r.PeriodNumber)...)
	return append(rules, rule{name: "orderAmount", value: plainAmount(r.OrderAmount), max: 20, form: formAmount(true)})
}

// ExpireInstance asks the seller to freeze a period instance or trial.
// spec: 10 §3.2
type ExpireInstance struct {
	InstanceID string
	OrderID    string // of the subscription
}

// Activity returns "expireInstance".
func (ExpireInstance) Activity() Activity { return ActivityExpireInstance }

func (e ExpireInstance) params() []rule { return instanceOfOrder(e.InstanceID, e.OrderID) }

func instanceOfOrder(instance, order string) []rule {
	return []rule{
		{name: "instanceId", value: instance, max: 64, mandatory: true},
		{name: "orderId", value: order, max: 64, mandatory: true},
	}
}

// ReleaseInstance asks the seller to delete the resource.
// spec: 10 §3.3, 01 §2.6
type ReleaseInstance struct {
	InstanceID  string
	OrderID     string // of the subscription
	OrderAmount string // the refunded amount; "" on expiry
}

// Activity returns "releaseInstance".
func (ReleaseInstance) Activity() Activity { return ActivityReleaseInstance }

func (r ReleaseInstance) params() []rule {
	return append(instanceOfOrder(r.InstanceID, r.OrderID),
		rule{name: "orderAmount", value: plainAmount(r.OrderAmount), max: 20, form: formAmount(false)})
}

// Upgrade announces a changed specification or more capacity.
// spec: 10 §3.4
type Upgrade struct {
	InstanceID string
	OrderID    string // the new order
	SKUCode    string // after the upgrade
	ProductID  string
	Quantity   Quantity // new totals
	Extensions []Extension
}

// Activity returns "upgrade".
func (Upgrade) Activity() Activity { return ActivityUpgrade }

func (u Upgrade) params() []rule {
	rules := append(instanceOfOrder(u.InstanceID, u.OrderID),
		rule{name: "skuCode", value: u.SKUCode, max: 64, mandatory: true},
		rule{name: "productId", value: u.ProductID, max: 64, mandatory: true})
	rules = append(rules, u.Quantity.params(false)...)
	return append(rules, rule{name: "saasExtendParams", value: extensions(u.Extensions), max: 2048})
}

// Values of InstanceStatus.Status.
const (
	StatusFreeze = "FREEZE"
	StatusNormal = "NORMAL"
)

// InstanceStatus freezes or thaws a pay-per-use instance or a package.
// spec: 10 §3.5
type InstanceStatus struct {
	InstanceID string
	Status     string // StatusFreeze or StatusNormal
}

// Activity returns "instanceStatus".
func (InstanceStatus) Activity() Activity { return ActivityInstanceStatus }

func (i InstanceStatus) params() []rule {
	return []rule{
		{name: "instanceId", value: i.InstanceID, max: 64, mandatory: true},
		{name: "instanceStatus", value: i.Status, max: 32, mandatory: true, form: formOneOf(StatusFreeze, StatusNormal)},
	}
}

// MaxQueryIDs is how many instances one queryInstance may ask for.
// spec: 10 §3.6
const MaxQueryIDs = 100

// QueryInstance asks for entry information and usage; SplitQuery keeps the calls
// within the limits.
// spec: 10 §3.6
type QueryInstance struct{ InstanceIDs []string }

// Activity returns "queryInstance".
func (QueryInstance) Activity() Activity { return ActivityQueryInstance }

func (q QueryInstance) params() []rule {
	check := func(string) string {
		if len(q.InstanceIDs) > MaxQueryIDs {
			return "names more than 100 instances"
		}
		for _, id := range q.InstanceIDs {
			if id == "" || len([]rune(id)) > 64 {
				return "holds an id that is empty or longer than 64 characters"
			}
		}
		return ""
	}
	return []rule{{name: "instanceId", value: strings.Join(q.InstanceIDs, ","), mandatory: true, form: check}}
}

// GetLicense asks the seller for a licence code.
// spec: 10 §4
type GetLicense struct {
	CustomerID   string
	CustomerName string
	UserID       string
	UserName     string
	BusinessID   string
	OrderID      string
	SKUCode      string
	ProductID    string
	ChargingMode ChargingMode
	ExpireTime   string // periods only
	PeriodType   string
	PeriodNumber int
	Amount       int64
	Extensions   []Extension // identificationCode holds the machine code
	Provision    int
}

// Activity returns "getLicense".
func (GetLicense) Activity() Activity { return ActivityGetLicense }

func (g GetLicense) params() []rule {
	// A licence is ordered like an instance, less what the licence page does not list.
	all := NewInstance{
		CustomerID: g.CustomerID, CustomerName: g.CustomerName, UserID: g.UserID, UserName: g.UserName,
		BusinessID: g.BusinessID, OrderID: g.OrderID, SKUCode: g.SKUCode, ProductID: g.ProductID,
		ChargingMode: g.ChargingMode, ExpireTime: g.ExpireTime, PeriodType: g.PeriodType, PeriodNumber: g.PeriodNumber,
		Quantity: Quantity{Amount: g.Amount}, Extensions: g.Extensions, Provision: g.Provision,
	}.params()
	rules := all[:0]
	for _, r := range all {
		if r.name != "trialFlag" {
			rules = append(rules, r)
		}
	}
	return rules
}

// RefreshLicense announces the renewal of a licence.
// spec: 10 §4
type RefreshLicense struct {
	OrderID      string
	InstanceID   string
	ProductID    string
	ExpireTime   string
	PeriodType   string
	PeriodNumber int
}

// Activity returns "refreshLicense".
func (RefreshLicense) Activity() Activity { return ActivityRefreshLicense }

func (r RefreshLicense) params() []rule {
	return RefreshInstance{
		OrderID: r.OrderID, InstanceID: r.InstanceID, ProductID: r.ProductID,
		ExpireTime: r.ExpireTime, PeriodType: r.PeriodType, PeriodNumber: r.PeriodNumber,
	}.params()
}

// ExpireLicense announces the end of a licence.
// spec: 10 §4
type ExpireLicense struct{ InstanceID, OrderID string }

// Activity returns "expireLicense".
func (ExpireLicense) Activity() Activity { return ActivityExpireLicense }

func (e ExpireLicense) params() []rule { return instanceOfOrder(e.InstanceID, e.OrderID) }

// ReleaseLicense withdraws a licence.
// spec: 10 §4
type ReleaseLicense struct{ InstanceID, OrderID string }

// Activity returns "releaseLicense".
func (ReleaseLicense) Activity() Activity { return ActivityReleaseLicense }

func (r ReleaseLicense) params() []rule { return instanceOfOrder(r.InstanceID, r.OrderID) }

package sellersim

import (
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	v1 "github.com/souk-market/souk/protocol/production/v1"
	"github.com/souk-market/souk/protocol/wirejson"
)

// doctorFaults break one rule of `souk doctor` each, where the field lessons have no
// such seller.
var doctorFaults = group("One rule at a time", []Fault{
	{Name: "refuse-if", Value: "PARAMETER[:VALUE]", Spec: "10 §5", Help: "answers 000002 to calls with this parameter, or with this value of it",
		before: func(x *exchange, condition string) *reply {
			name, value, given := strings.Cut(condition, ":")
			if got := x.value(name); got != "" && (!given || got == value) {
				return answer("000002", name+" is not supported")
			}
			return nil
		}},
	{Name: "refuse-unless", Value: "PARAMETER", Spec: "10 §5", Help: "answers 000002 to calls without this parameter",
		before: func(x *exchange, name string) *reply {
			if x.value(name) == "" {
				return answer("000002", name+" is missing")
			}
			return nil
		}},
	{Name: "refuse-same", Value: "CODE", Default: "000005", Spec: "02 §1.15", Help: "answers this code to a call that came before with the same values",
		before: func(x *exchange, code string) *reply {
			key := "same/" + x.sameness()
			if x.sim.faults.recall(key) {
				return answer(code, "came before")
			}
			x.sim.faults.remember(key)
			return nil
		}},
	{Name: "refuse-existing", Spec: "13 §2.1", Help: "kit: answers 000005 when something is added that was added before",
		before: func(x *exchange, _ string) *reply {
			if x.kit != 0 && x.repeated && x.value("flag") == "1" {
				return answer("000005", "exists already")
			}
			return nil
		}},
	{Name: "refuse-gone", Spec: "13 §2.1", Help: "kit: answers 000003 when something is deleted that was deleted before",
		before: func(x *exchange, _ string) *reply {
			if x.kit != 0 && x.repeated && x.value("flag") == "0" {
				return answer("000003", "does not exist")
			}
			return nil
		}},
	{Name: "few-users", Value: "N", Default: "100", Spec: "13 §2.3", Help: "kit: answers 000002 to more than N users at once",
		before: func(x *exchange, n string) *reply {
			call, err := wirejson.ParseObject(x.body)
			users, _ := call.Get("userList")
			limit, _ := strconv.Atoi(n) // its form was checked when it was set
			if err == nil && (len(users.Items) > limit || strings.Count(users.Text, `"userName"`) > limit) {
				return answer("000002", "too many users")
			}
			return nil
		}},
	{Name: "short-columns", Value: "N", Default: "40", Spec: "10 §2.2", Help: "answers 000005 to ids and names of more than N characters",
		before: func(x *exchange, n string) *reply {
			limit, _ := strconv.Atoi(n) // its form was checked when it was set
			for _, name := range []string{"orderId", "orderLineId", "businessId", "productId", "skuCode", "customerName"} {
				if utf8.RuneCountInString(x.value(name)) > limit {
					return answer("000005", "data too long for column "+name)
				}
			}
			return nil
		}},
	{Name: "does-not-decode-plus", Spec: "10 §6.1", Help: "decodes V1 values twice, so that a plus becomes a blank and the token is wrong",
		before: func(x *exchange, _ string) *reply {
			if !x.v1() {
				return nil
			}
			params := query(x.r.URL.RawQuery)
			for i := range params {
				params[i].Value = strings.ReplaceAll(params[i].Value, "+", " ")
			}
			if !tokenFits(params, x.sim.options.Key) {
				return answer("000001", "authToken is wrong")
			}
			return nil
		}},
	{Name: "ignores-concurrency", Spec: "10 §2.5", Help: "makes further instances for calls of one order that come at the same time",
		before: func(x *exchange, _ string) *reply {
			if x.activity != "newInstance" {
				return nil
			}
			const race = 50 * time.Millisecond // between looking and acting
			alone := x.sim.racing.enter(x.order + x.line + x.product)
			time.Sleep(race)
			x.sim.racing.leave(x.order + x.line + x.product)
			if alone {
				return nil
			}
			out := answer("000000", "success.")
			out.object["instanceId"] = "raced-" + strconv.FormatInt(x.sim.serial.Add(1), 10)
			return out
		}},
	{Name: "hang-up-blocks-order", Spec: "01 §2.3", Help: "leaves an order half made when the caller hangs up, and refuses it ever after",
		before: func(x *exchange, _ string) *reply {
			const look = 100 * time.Millisecond
			refused := answer("000005", "the order is being worked on")
			if x.sim.faults.recall("lost/" + x.order) {
				return refused
			}
			timer := time.NewTimer(look)
			defer timer.Stop()
			select {
			case <-x.r.Context().Done():
				x.sim.faults.remember("lost/" + x.order)
				return refused
			case <-timer.C:
				return nil
			}
		}},
	{Name: "slow-creation", Value: "N", Default: "2", Spec: "10 §5", Help: "answers 000004 without instanceId to the first N creations of an order: right",
		before: func(x *exchange, n string) *reply {
			if limit, _ := strconv.Atoi(n); x.activity == "newInstance" && x.sim.faults.count("creation/"+x.order+x.line+x.product) <= limit {
				return answer("000004", "being created")
			}
			return nil
		}},
	{Name: "forgets-on-restart", Spec: "10 §2.5", Help: "begins with empty files whenever it starts"},
	{Name: "refuse-when-frozen", Spec: "10 §3.2", Help: "answers 000005 to renewals of frozen instances and codes",
		before: func(x *exchange, _ string) *reply {
			i, found := x.sim.record.instance(x.instance)
			frozen := found && i.State == StateFrozen && x.activity == "refreshInstance"
			if frozen || x.activity == "refreshLicenseCode" && x.sim.record.frozenLicense(x.license) {
				return answer("000005", "it is frozen")
			}
			return nil
		}},
	{Name: "refuse-release-when-frozen", Spec: "10 §9", Help: "answers 000005 to releases of frozen instances",
		before: func(x *exchange, _ string) *reply {
			if i, found := x.sim.record.instance(x.instance); found && i.State == StateFrozen && x.activity == "releaseInstance" {
				return answer("000005", "the instance is frozen")
			}
			return nil
		}},
	{Name: "forgets-renewed-orders", Spec: "10 §2.5", Help: "answers 000005 to newInstance for an order whose instance was renewed",
		before: func(x *exchange, _ string) *reply {
			if x.activity == "refreshInstance" {
				x.sim.faults.remember("renewed/" + x.instance)
			}
			if id, found := x.sim.record.ofOrder(x.order); found && x.activity == "newInstance" && x.sim.faults.recall("renewed/"+id) {
				return answer("000005", "the order is closed")
			}
			return nil
		}},
	{Name: "refuse-charging", Value: "CHARGINGMODE", Spec: "11 §3", Help: "V2: answers 000002 to orders of this charging mode (PERIOD, ONE_TIME, ON_DEMAND, ON_DEMAND_PKG) or type (TRIAL)"},
	{Name: "signs-orders-wrong", Spec: "14 §6.1", Help: "signs its order queries with a wrong secret"},
	{Name: "number-id", Spec: "10 §2.4", Help: "an instanceId that is a number", shape: setID(func(*exchange) any { return number("20261130001") })},
	{Name: "number-message", Spec: "10 §2.4", Help: "a resultMsg that is a number", shape: func(_ *exchange, out *reply, _ string) { out.object["resultMsg"] = number("7") }},
	{Name: "long-message", Spec: "10 §2.4", Help: "a resultMsg of 256 characters",
		shape: func(_ *exchange, out *reply, _ string) { out.object["resultMsg"] = strings.Repeat("长", 256) }},
	{Name: "usage-without-time", Spec: "10 §8.3", Help: "queryInstance answers usageInfo without statisticalTime",
		shape: func(_ *exchange, out *reply, _ string) {
			if info, ok := out.object["info"].([]any); ok {
				for _, item := range info {
					if o, ok := item.(wirejson.Obj); ok {
						o["usageInfo"] = []any{wirejson.Obj{"usageValue": number("12.5")}}
					}
				}
			}
		}},
	{Name: "bare-refusals", Spec: "10 §6.2", Help: "answers HTTP 401 with plain, unsigned text instead of a result code that is not 000000",
		signed: func(_ *exchange, out *reply, _ string) {
			if out.object["resultCode"] != "000000" {
				contentType(out, "text/plain")
				out.header.Del(v1.BodySignHeader)
				out.status, out.body = http.StatusUnauthorized, []byte("unauthorized")
			}
		}},
	{Name: "json-as-html", Spec: "11 §1", Help: "answers JSON as text/html, signed",
		signed: func(_ *exchange, out *reply, _ string) { contentType(out, "text/html") }},
})

// value is one parameter of a call, of either generation.
func (x *exchange) value(name string) string {
	if x.r.Method != http.MethodPost {
		return x.r.URL.Query().Get(name)
	}
	call, err := wirejson.ParseObject(x.body)
	if err != nil {
		return ""
	}
	v, _ := call.Get(name)
	return v.Text
}

// sameness is what two sends of one call have in common.
func (x *exchange) sameness() string {
	var parts []string
	if x.r.Method == http.MethodPost {
		call, _ := wirejson.ParseObject(x.body)
		for _, m := range call.Members {
			parts = append(parts, m.Name+"="+m.Value.Text)
		}
	} else {
		for _, p := range query(x.r.URL.RawQuery) {
			parts = append(parts, p.Name+"="+p.Value)
		}
	}
	parts = slices.DeleteFunc(parts, func(p string) bool {
		name, _, _ := strings.Cut(p, "=")
		return name == "authToken" || name == "timeStamp" || name == "businessId"
	})
	slices.Sort(parts)
	return strings.Join(parts, "&")
}

func (r *record) frozenLicense(code string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.licenses, func(l *License) bool { return l.License == code && l.State == StateFrozen })
}

// racing counts the calls of each order that are under way.
type racing struct {
	mu  sync.Mutex
	now map[string]int
}

func (r *racing) enter(key string) (alone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now == nil {
		r.now = map[string]int{}
	}
	r.now[key]++
	return r.now[key] == 1
}

func (r *racing) leave(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now[key]--; r.now[key] == 0 {
		delete(r.now, key)
	}
}

// forget removes what a seller of the fault forgets-on-restart had on disk.
func forget(dir string) error {
	for _, name := range []string{"journal.jsonl", "record.jsonl"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

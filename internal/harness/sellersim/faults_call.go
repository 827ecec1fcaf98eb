package sellersim

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/souk-market/souk/protocol/kit"
	v1 "github.com/souk-market/souk/protocol/production/v1"
	v2 "github.com/souk-market/souk/protocol/production/v2"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Faults lists every fault, grouped as the help shows them.
var Faults = slices.Concat(connectionFaults, callFaults, kitFaults, answerFaults, signatureFaults, instanceFaults, credentialFaults, doctorFaults)

var connectionFaults = group("Connection", []Fault{
	{Name: "refuse", Spec: "10 §8.3", Help: "resets the connection, does nothing",
		before: func(x *exchange, _ string) *reply { x.hangUp(true); panic(http.ErrAbortHandler) }},
	{Name: "dead", Spec: "10 §8.3", Help: "accepts the call and never answers, does nothing",
		before: func(x *exchange, _ string) *reply { <-x.r.Context().Done(); panic(http.ErrAbortHandler) }},
	{Name: "slow", Value: "DURATION", Default: "21s", Spec: "10 §12.5", Help: "acts at once and answers late",
		signed: func(_ *exchange, out *reply, value string) { out.delay, _ = time.ParseDuration(value) }},
	{Name: "drop-after-act", Spec: "01 §2.3", Help: "acts, then closes the connection without an answer",
		signed: func(_ *exchange, out *reply, _ string) { out.drop = true }},
	{Name: "kill-after-act", Spec: "proof", Help: "acts, then the process kills itself without an answer",
		signed: func(_ *exchange, out *reply, _ string) { out.kill = true }},
	{Name: "chunked", Spec: "02 §2.10", Help: "answers in chunks of one byte",
		signed: func(_ *exchange, out *reply, _ string) { out.chunked = true }},
})

var callFaults = group("How calls are treated", []Fault{
	{Name: "code", Value: "CODE", Spec: "10 §5", Help: "does nothing and answers this result code",
		before: func(_ *exchange, code string) *reply { return answer(code, "refused on request") }},
	{Name: "act-then-code", Value: "CODE", Spec: "10 §5", Help: "acts, but answers this result code",
		shape: func(_ *exchange, out *reply, code string) { out.object["resultCode"] = code }},
	{Name: "fail", Value: "ACTIVITY", Spec: "10 §5", Help: "answers 000005 to one activity, does nothing",
		before: func(x *exchange, activity string) *reply {
			if x.activity == activity {
				return answer("000005", "fails on request")
			}
			return nil
		}},
	{Name: "fail-first", Value: "N", Spec: "10 §3.7", Help: "answers 000005 to the first N calls of each order or instance and activity",
		before: func(x *exchange, n string) *reply {
			if limit, _ := strconv.Atoi(n); x.sim.faults.count("first/"+x.key) <= limit {
				return answer("000005", "fails at first")
			}
			return nil
		}},
	{Name: "repeat-failure", Spec: "02 §1.15", Help: "repeats a failure for ever once it was answered for an order or instance",
		before: func(x *exchange, _ string) *reply {
			if x.sim.faults.recall("failed/" + x.key) {
				return answer("000005", "failed before")
			}
			return nil
		}},
	{Name: "refuse-repeat", Value: "CODE", Default: "000005", Spec: "02 §1.15", Help: "answers this code to a call that succeeded before, except creations and queries",
		before: func(x *exchange, code string) *reply {
			if x.repeated && x.activity != "newInstance" && x.activity != "queryInstance" {
				return answer(code, "done already")
			}
			return nil
		}},
	{Name: "always-success", Spec: "02 §1.9", Help: "answers 000000 to anything, verifies nothing, does nothing",
		before: func(*exchange, string) *reply { return answer("000000", "success.") }},
	{Name: "no-verify", Spec: "02 §2.18", Help: "acts on calls with a wrong signature, stamp or nonce", before: resign},
	{Name: "clock-off", Value: "DURATION", Spec: "02 §2.3", Help: "the server's clock is off by this much (V2)"},
	{Name: "need-test-flag", Spec: "02 §1.6", Help: "refuses calls of V1 without testFlag",
		before: func(x *exchange, _ string) *reply {
			if x.v1() && x.r.URL.Query().Get("testFlag") == "" {
				return answer("000002", "testFlag is missing")
			}
			return nil
		}},
	{Name: "need-platform-params", Spec: "02 §1.8", Help: "answers success to a V1 order without platformParams, and drops it",
		before: func(x *exchange, _ string) *reply {
			if x.v1() && x.activity == "newInstance" && !hasExtension(x, "platformParams") {
				out := answer("000000", "success.")
				out.object["instanceId"] = "dropped-" + x.order
				return out
			}
			return nil
		}},
	{Name: "strip-values", Spec: "02 §1.2", Help: "strips blanks and control characters from values before the V1 check", before: stripped},
	{Name: "fixed-parameters", Spec: "02 §1.7", Help: "checks the token of getLicense over a fixed list of names", before: fixedList},
	{Name: "reserialise", Spec: "11 §2", Help: "checks the V2 signature over the body as it would write it itself", before: reserialised},
	{Name: "strings-only", Spec: "02 §2.6", Help: "answers HTTP 400 to a V2 body with nested members",
		before: func(x *exchange, _ string) *reply {
			if x.kit != 0 {
				return nil // integers and lists belong there
			}
			call, err := wirejson.ParseObject(x.body)
			for _, m := range call.Members {
				if err == nil && m.Value.Kind != wirejson.String {
					return &reply{status: http.StatusBadRequest, header: http.Header{}, body: []byte("cannot bind " + m.Name)}
				}
			}
			return nil
		}},
	{Name: "old-cancel-scene", Spec: "02 §2.17", Help: "refuses the scene UNSUBSCRIBE_RENEWAL_PERIOD",
		before: func(x *exchange, _ string) *reply {
			if x.scene == v2.SceneUnsubscribeRenewal {
				return answer("000002", "scene is unknown")
			}
			return nil
		}},
	{Name: "cancel-ends-access", Spec: "02 §2.17", Help: "ends the instance when a renewal is cancelled"},
	{Name: "never-thaw", Spec: "02 §1.15", Help: "answers success to renewals and unfreezing, but stays frozen"},
	{Name: "never-ready", Spec: "02 §2.13", Help: "V2 instances never become ready"},
	{Name: "ready-after", Value: "N", Spec: "01 §2.2", Help: "V2 instances become ready at the N-th poll; 0 is at once"},
	{Name: "not-ready-code", Value: "CODE", Default: "000003", Spec: "02 §2.13", Help: "what a poll answers while the instance is not ready",
		shape: func(x *exchange, out *reply, code string) {
			if x.activity == "queryInstance" && out.object["resultCode"] == "000004" {
				out.object["resultCode"] = code
			}
		}},
})

func group(name string, faults []Fault) []Fault {
	for i := range faults {
		faults[i].Group = name
	}
	return faults
}

// resign makes any call genuine, so that a seller who verifies nothing is played by
// one who does.
func resign(x *exchange, _ string) *reply {
	if x.kit != 0 {
		x.kitAgain()
		return nil
	}
	if !x.v1() {
		x.postAgain(x.body)
		return nil
	}
	var params []v1.Param
	stamp := v1.TimeStamp(time.Now())
	for _, p := range query(x.r.URL.RawQuery) {
		if p.Name != "authToken" && p.Name != "timeStamp" {
			params = append(params, p)
		}
	}
	params = append(params, v1.Param{Name: "timeStamp", Value: stamp})
	params = append(params, v1.Param{Name: "authToken", Value: v1.AuthToken(params, x.sim.options.Key, stamp)})
	pairs := make([]string, len(params))
	for i, p := range params {
		pairs[i] = v1.Encode(p.Name) + "=" + v1.Encode(p.Value)
	}
	x.rewrite(strings.Join(pairs, "&"), nil)
	return nil
}

// postAgain signs a V2 body anew, with a nonce of its own.
func (x *exchange) postAgain(body []byte) {
	stamp := v2.Timestamp(x.sim.now())
	nonce := "resigned" + strconv.FormatInt(x.sim.serial.Add(1), 10)
	x.rewrite("signature="+v2.Sign(x.sim.keyFor(x), nonce, stamp, body)+"&timestamp="+stamp+"&nonce="+nonce, body)
}

// stripped checks the token over stripped values, as a framework makes some sellers do.
func stripped(x *exchange, _ string) *reply {
	if !x.v1() {
		return nil
	}
	params := query(x.r.URL.RawQuery)
	for i := range params {
		params[i].Value = v1.Clean(params[i].Value)
	}
	if !tokenFits(params, x.sim.options.Key) {
		return answer("000001", "authToken is wrong")
	}
	return nil
}

func tokenFits(params []v1.Param, key string) bool {
	value := func(name string) string {
		for _, p := range params {
			if p.Name == name {
				return p.Value
			}
		}
		return ""
	}
	return v1.AuthToken(params, key, value("timeStamp")) == value("authToken")
}

// licenceNames is what one licence seller signs, no more and no less.
// spec: 02 §1.7
var licenceNames = strings.Fields("activity businessId chargingMode customerId customerName expireTime orderId periodNumber periodType " +
	"productId provisionType saasExtendParams testFlag timeStamp userId userName")

func fixedList(x *exchange, _ string) *reply {
	if !x.v1() || x.activity != string(v1.ActivityGetLicense) {
		return nil
	}
	got := map[string]string{}
	for _, p := range query(x.r.URL.RawQuery) {
		got[p.Name] = p.Value
	}
	params := []v1.Param{{Name: "authToken", Value: got["authToken"]}}
	for _, name := range licenceNames {
		params = append(params, v1.Param{Name: name, Value: got[name]})
	}
	if !tokenFits(params, x.sim.options.Key) {
		return answer("000001", "authToken is wrong")
	}
	return nil
}

// reserialised checks the signature as the vendor's sample does: members sorted,
// nulls dropped, written again.
// spec: 11 §2 point 2
func reserialised(x *exchange, _ string) *reply {
	if x.signs() {
		return nil
	}
	call, err := wirejson.ParseObject(x.body)
	again := wirejson.Obj{}
	for _, m := range call.Members {
		if m.Value.Kind != wirejson.Null {
			again[m.Name] = m.Value
		}
	}
	body, errAgain := wirejson.Canonical(again)
	if err != nil || errAgain != nil {
		return answer("000002", "body is unreadable")
	}
	if x.kit != 0 {
		if _, err := kit.Verify(x.r.Header.Get, body, x.sim.now(), x.sim.keyFor(x)); err != nil {
			return answer("000001", err.Error())
		}
		x.kitAgain()
		return nil
	}
	if _, err := v2.Verify(x.r.URL.RawQuery, body, x.sim.now(), x.sim.keyFor(x)); err != nil {
		return answer("000001", err.Error())
	}
	x.postAgain(x.body)
	return nil
}

func hasExtension(x *exchange, name string) bool {
	values, _ := url.ParseQuery(x.r.URL.RawQuery)
	raw, err := base64.StdEncoding.DecodeString(values.Get("saasExtendParams"))
	if err != nil {
		return false
	}
	var all []struct{ Name string }
	if json.Unmarshal(raw, &all) != nil {
		return false
	}
	return slices.ContainsFunc(all, func(e struct{ Name string }) bool { return e.Name == name })
}

package v2

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/sealed"
)

func answered(status int, body string) production.Answer {
	return production.Answer{Status: status, Body: []byte(body), Headers: map[string][]string{"Content-Type": {"text/html"}}}
}

// The order of judgement: no answer, status whatever the body says, JSON, code.
func TestJudgeOfACreation(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   production.Answer
		ok       bool
		unknown  bool
		reason   production.Reason
		field    string
		instance string
	}{
		{"success", answered(200, `{"resultCode":"000000","instanceId":"i1","x":1}`), true, false, "", "", "i1"},
		{"accepted, in process", answered(200, `{"resultCode":"000004","instanceId":"i1"}`), true, false, "", "", "i1"},
		{"in process without id", answered(200, `{"resultCode":"000004"}`), false, false, production.ReasonResultCode, "", ""},
		{"no answer", production.Answer{TimedOut: true}, false, true, production.ReasonTimeout, "", ""},
		{"TLS error", production.Answer{TransportErr: errors.New("tls")}, false, true, production.ReasonUnreachable, "", ""},
		{"400 with a success inside", answered(400, `{"resultCode":"000000","instanceId":"i1"}`), false, false, production.ReasonStatus, "", ""},
		{"redirect", answered(307, ``), false, false, production.ReasonRedirect, "", ""},
		{"web page", answered(200, `<html>`), false, false, production.ReasonJSON, "", ""},
		{"no code", answered(200, `{"instanceId":"i1"}`), false, false, production.ReasonNoResultCode, "resultCode", ""},
		{"error text as id", answered(200, `{"resultCode":"000002","instanceId":"bad request"}`), false, false, production.ReasonResultCode, "", ""},
		{"empty id", answered(200, `{"resultCode":"000000","instanceId":""}`), false, false, production.ReasonMissingField, "instanceId", ""},
		{"long id", answered(200, `{"resultCode":"000000","instanceId":"`+strings.Repeat("中", 65)+`"}`), false, false, production.ReasonFieldLength, "instanceId", ""},
	} {
		v := Judge(ActivityNewInstance, c.answer, Judging{})
		if v.OK != c.ok || v.Unknown != c.unknown || v.Reason != c.reason || v.Field != c.field || v.InstanceID != c.instance {
			t.Errorf("%s: %+v", c.name, v)
		}
	}
	if v := Judge(ActivityReleaseInstance, answered(200, `{"resultCode":"000000","instanceId":"ignored"}`), Judging{}); !v.OK || v.InstanceID != "" {
		t.Errorf("release: %+v", v)
	}
	long := answered(200, `{"resultCode":"000000","resultMsg":"`+strings.Repeat("x", 256)+`"}`)
	if v := Judge(ActivityUpgradeInstance, long, Judging{}); !v.OK || len(v.Warnings) != 1 {
		t.Errorf("long message: %+v", v)
	}
	if v := Judge(ActivityUpgradeInstance, long, Judging{Debugging: true}); v.Reason != production.ReasonFieldLength {
		t.Errorf("long message on the debugging page: %+v", v)
	}
}

func TestPolls(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   production.Answer
		otherWay bool
		want     PollState
	}{
		{"ready", answered(200, `{"resultCode":"000000","info":[{"instanceId":"other"},{"instanceId":"i1","appInfo":{"frontEndUrl":"u"}}]}`), false, PollReady},
		{"other instances only", answered(200, `{"resultCode":"000000","info":[{"instanceId":"I1"}]}`), false, PollNotReady},
		{"empty info", answered(200, `{"resultCode":"000000","info":[]}`), false, PollNotReady},
		{"no info", answered(200, `{"resultCode":"000000"}`), false, PollNotReady},
		{"no info, delivered another way", answered(200, `{"resultCode":"000000","info":null}`), true, PollReady},
		{"empty info, delivered another way", answered(200, `{"resultCode":"000000","info":[]}`), true, PollNotReady},
		{"does not exist yet", answered(200, `{"resultCode":"000003"}`), false, PollNotReady},
		{"in process", answered(200, `{"resultCode":"000004"}`), false, PollNotReady},
		{"bad signature by code", answered(200, `{"resultCode":"000001"}`), false, PollAuth},
		{"bad signature by status", answered(401, ``), false, PollAuth},
		{"forbidden", answered(403, `{"resultCode":"000000"}`), false, PollAuth},
		{"internal error", answered(200, `{"resultCode":"000005"}`), false, PollFailed},
		{"bad gateway", answered(502, `<html>`), false, PollFailed},
		{"no answer", production.Answer{TimedOut: true}, false, PollUnknown},
	} {
		if got, v := JudgePoll("i1", c.answer, c.otherWay); got != c.want {
			t.Errorf("%s: %s %+v", c.name, got, v)
		}
	}
}

func TestEntryInformation(t *testing.T) {
	wire, err := sealed.SealWithIV("k", sealed.AES128, "A1b2C3d4E5f6G7h8", "secret")
	if err != nil {
		t.Fatal(err)
	}
	body := func(encryptType string) production.Answer {
		return answered(200, `{"resultCode":"000000",`+encryptType+`"info":[{"instanceId":"i1","appInfo":{"frontEndUrl":"http://u","userName":"admin","password":"`+wire+`","memo":"中"}},{"instanceId":"i1"}]}`)
	}
	judge := func(encryptType string) production.AppInfo {
		v := Judge(ActivityQueryInstance, body(encryptType), Judging{Asked: []string{"i1"}}, "k")
		if !v.OK || len(v.Info) != 1 || v.Info[0].App == nil {
			t.Fatalf("%s: %+v", encryptType, v)
		}
		return *v.Info[0].App
	}
	plain := production.AppInfo{FrontEndURL: "http://u", UserName: "admin", Password: wire, Memo: "中"}
	for _, encryptType := range []string{``, `"encryptType":null,`, `"encryptType":"",`} {
		if diff := cmp.Diff(plain, judge(encryptType)); diff != "" {
			t.Errorf("%s: %s", encryptType, diff)
		}
	}
	if got := judge(`"encryptType":2,`); got.Password != "secret" || !got.UserNameUndecryptable {
		t.Errorf("sealed: %+v", got)
	}
}

// The debugging run names what is missing.
func TestDebuggingOfAQuery(t *testing.T) {
	for _, c := range []struct {
		body     string
		otherWay bool
		field    string
	}{
		{`{"resultCode":"000000"}`, false, "instanceId"},
		{`{"resultCode":"000000"}`, true, ""},
		{`{"resultCode":"000000","info":[{"instanceId":"i1"}]}`, false, "frontEndUrl"},
		{`{"resultCode":"000000","info":[{"instanceId":"i1","appInfo":{"frontEndUrl":""}}]}`, false, "frontEndUrl"},
		{`{"resultCode":"000000","info":[{"instanceId":"i1","appInfo":{"frontEndUrl":"u"}}]}`, false, ""},
	} {
		v := Judge(ActivityQueryInstance, answered(200, c.body), Judging{Debugging: true, Asked: []string{"i1"}, OtherWay: c.otherWay})
		if v.Field != c.field || v.OK != (c.field == "") {
			t.Errorf("%s: %+v", c.body, v)
		}
	}
}

func FuzzJudgePoll(f *testing.F) {
	f.Add([]byte(`{"resultCode":"000000","info":[{"instanceId":"i1","appInfo":{"frontEndUrl":"u"},"usageInfo":[{"usageValue":"1.5","statisticalTime":"x"}]}]}`), 200)
	f.Add([]byte(`{"resultCode":"000004"}`), 200)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		state, v := JudgePoll("i1", answered(status, string(body)), false, "k")
		if state == PollReady && (!v.OK || v.Info[0].InstanceID != "i1" || status != 200) {
			t.Fatalf("ready: %+v", v)
		}
	})
}

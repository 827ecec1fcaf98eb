package v1

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/sealed"
)

const key = "judge-key"

func signed(body string) production.Answer {
	return production.Answer{Status: 200, Body: []byte(body), Headers: map[string][]string{
		"Content-Type": {"application/json;charset=UTF-8"}, "Body-Sign": {MakeBodySign(key, []byte(body))},
	}}
}

func change(a production.Answer, f func(*production.Answer)) production.Answer { f(&a); return a }

func seal(bits sealed.Bits, text string) string {
	wire, err := sealed.SealWithIV(key, bits, "A1b2C3d4E5f6G7h8", text)
	if err != nil {
		panic(err)
	}
	return wire
}

const success = `{"resultCode":"000000","instanceId":"i1"}`

// One answer for every reason, in the order of examination.
func TestJudgeNamesEveryReason(t *testing.T) {
	for _, c := range []struct {
		name    string
		answer  production.Answer
		reason  production.Reason
		field   string
		unknown bool
	}{
		{"connection refused", production.Answer{TransportErr: errors.New("refused")}, production.ReasonUnreachable, "", true},
		{"too late", production.Answer{TimedOut: true, TransportErr: errors.New("deadline")}, production.ReasonTimeout, "", true},
		{"redirect", change(signed(success), func(a *production.Answer) { a.Status = 302 }), production.ReasonRedirect, "", false},
		{"not modified", change(signed(success), func(a *production.Answer) { a.Status = 304 }), production.ReasonRedirect, "", false},
		{"created", change(signed(success), func(a *production.Answer) { a.Status = 201 }), production.ReasonStatus, "", false},
		{"a megabyte", production.Answer{Status: 200, TooLarge: true}, production.ReasonTooLarge, "", false},
		{"web page", change(signed("<html>"), func(a *production.Answer) { a.Headers["Content-Type"] = []string{"text/html"} }), production.ReasonContentType, "", false},
		{"no content type", change(signed(success), func(a *production.Answer) { delete(a.Headers, "Content-Type") }), production.ReasonContentType, "", false},
		{"unsigned", change(signed(success), func(a *production.Answer) { delete(a.Headers, "Body-Sign") }), production.ReasonBodySignMissing, "", false},
		{"two signatures", change(signed(success), func(a *production.Answer) {
			a.Headers["Body-Sign"] = append(a.Headers["Body-Sign"], MakeBodySign(key, []byte("other")))
		}), production.ReasonBodySignAmbiguous, "", false},
		{"no quotes", change(signed(success), func(a *production.Answer) { a.Headers["Body-Sign"] = []string{"sign_type=HMAC-SHA256"} }), production.ReasonBodySignForm, "", false},
		{"wrong signature", change(signed(success), func(a *production.Answer) { a.Body = []byte(success + "\n") }), production.ReasonBodySignValue, "", false},
		{"byte order mark", signed("\xEF\xBB\xBF" + success), production.ReasonBOM, "", false},
		{"another charset", signed("{\"resultCode\":\"000000\",\"resultMsg\":\"\xd6\xd0\"}"), production.ReasonUTF8, "", false},
		{"signed web page", signed("<html>"), production.ReasonJSON, "", false},
		{"trailing comma", signed(`{"resultCode":"000000",}`), production.ReasonJSON, "", false},
		{"array", signed(`[]`), production.ReasonJSON, "", false},
		{"two codes", signed(`{"resultCode":"000000","resultCode":"000005"}`), production.ReasonDuplicate, "resultCode", false},
		{"signed {}", signed(`{}`), production.ReasonNoResultCode, "resultCode", false},
		{"null code", signed(`{"resultCode":null}`), production.ReasonNoResultCode, "resultCode", false},
		{"object as code", signed(`{"resultCode":{}}`), production.ReasonFieldType, "resultCode", false},
		{"processing", signed(`{"resultCode":"000004","instanceId":"i1"}`), production.ReasonResultCode, "", false},
		{"unknown code", signed(`{"resultCode":"999999"}`), production.ReasonResultCode, "", false},
		{"no instanceId", signed(`{"resultCode":"000000"}`), production.ReasonMissingField, "instanceId", false},
		{"null instanceId", signed(`{"resultCode":"000000","instanceId":null}`), production.ReasonMissingField, "instanceId", false},
		{"number as instanceId", signed(`{"resultCode":"000000","instanceId":7}`), production.ReasonFieldType, "instanceId", false},
		{"long instanceId", signed(`{"resultCode":"000000","instanceId":"` + strings.Repeat("i", 65) + `"}`), production.ReasonFieldLength, "instanceId", false},
	} {
		v := Judge(ActivityNewInstance, c.answer, Judging{}, key)
		if v.OK || v.Reason != c.reason || v.Field != c.field || v.Unknown != c.unknown || v.InstanceID != "" {
			t.Errorf("%s: %+v", c.name, v)
		}
		if (v.Expected != "") != (c.reason == production.ReasonBodySignValue) {
			t.Errorf("%s: expected signature %q", c.name, v.Expected)
		}
	}
}

// What production forgives with a warning, and what it accepts silently.
func TestJudgeIsTolerantInProduction(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   production.Answer
		judging  Judging
		warnings []string
		debug    production.Reason // of the same answer on the debugging page
	}{
		{"plain success", signed(success), Judging{}, nil, ""},
		{"numbers and unknown members", signed(`{"resultCode":0,"instanceId":"i1","x":{"y":[1]},"encryptType":2,"resultMsg":"\ud83d"}`), Judging{}, nil, ""},
		{"null appInfo", signed(`{"resultCode":"000000","instanceId":"i1","appInfo":null}`), Judging{}, nil, ""},
		{"appInfo of nulls", signed(`{"resultCode":"000000","instanceId":"i1","appInfo":{"frontEndUrl":null,"memo":null}}`), Judging{},
			[]string{"no-front-end-url:frontEndUrl"}, production.ReasonMissingField},
		{"appInfo as text", signed(`{"resultCode":"000000","instanceId":"i1","appInfo":"{}"}`), Judging{}, []string{"field-type:appInfo"}, production.ReasonFieldType},
		{"long message", signed(`{"resultCode":"000000","instanceId":"i1","resultMsg":"` + strings.Repeat("中", 256) + `"}`), Judging{},
			[]string{"field-length:resultMsg"}, production.ReasonFieldLength},
		{"text/plain", change(signed(success), func(a *production.Answer) { a.Headers["Content-Type"] = []string{"text/plain"} }), Judging{LenientContentType: true},
			[]string{"content-type"}, production.ReasonContentType},
	} {
		v := Judge(ActivityNewInstance, c.answer, c.judging, key)
		if !v.OK || v.InstanceID != "i1" || cmp.Diff(c.warnings, v.Warnings) != "" {
			t.Errorf("%s: %+v", c.name, v)
		}
		c.judging.Debugging = true
		if v := Judge(ActivityNewInstance, c.answer, c.judging, key); v.Reason != c.debug {
			t.Errorf("%s on the debugging page: %+v", c.name, v)
		}
	}
}

// Check 9 of chapter 10: credentials never fail the order.
func TestCredentials(t *testing.T) {
	app := func(encryptType, user, password string) production.Answer {
		return signed(`{"resultCode":"000000","instanceId":"i1",` + encryptType + `"appInfo":{"frontEndUrl":"http://x","userName":"` + user + `","password":"` + password + `"}}`)
	}
	for _, c := range []struct {
		name           string
		answer         production.Answer
		user, password string
		hidden         bool // both are
		warnings       int
	}{
		{"type 1", app(`"encryptType":"1",`, seal(sealed.AES256, "admin"), seal(sealed.AES256, "密")), "admin", "密", false, 0},
		{"type 2 as number", app(`"encryptType":2,`, seal(sealed.AES128, "admin"), seal(sealed.AES128, "密")), "admin", "密", false, 0},
		{"type absent", app(``, seal(sealed.AES256, "admin"), ""), "admin", "", false, 0},
		{"type null", app(`"encryptType":null,`, seal(sealed.AES256, "admin"), ""), "admin", "", false, 0},
		{"unknown type", app(`"encryptType":"3",`, seal(sealed.AES256, "admin"), seal(sealed.AES256, "x")), "", "", true, 2},
		{"wrong length", app(`"encryptType":"2",`, seal(sealed.AES256, "admin"), seal(sealed.AES256, "x")), "", "", true, 2},
		{"plain", app(``, "admin", "secret"), "", "", true, 2},
		{"too long", app(``, seal(sealed.AES256, strings.Repeat("a", 80)), seal(sealed.AES256, strings.Repeat("a", 80))), "", "", true, 2},
		{"just fits", app(``, seal(sealed.AES256, strings.Repeat("a", 79)), ""), strings.Repeat("a", 79), "", false, 0},
	} {
		v := Judge(ActivityNewInstance, c.answer, Judging{}, key)
		if !v.OK || v.App.UserName != c.user || v.App.Password != c.password || len(v.Warnings) != c.warnings ||
			v.App.UserNameUndecryptable != c.hidden || v.App.PasswordUndecryptable != c.hidden {
			t.Errorf("%s: %+v %+v", c.name, v, v.App)
		}
	}
}

func TestDuringARotationTheKeyThatSignedDecrypts(t *testing.T) {
	answer := signed(`{"resultCode":"000000","instanceId":"i1","appInfo":{"frontEndUrl":"x","userName":"` + seal(sealed.AES256, "admin") + `"}}`)
	v := Judge(ActivityNewInstance, answer, Judging{}, "new-key", key)
	if !v.OK || v.KeyIndex != 1 || v.App.UserName != "admin" || cmp.Diff([]string{"old-key"}, v.Warnings) != "" {
		t.Errorf("%+v %+v", v, v.App)
	}
	if v := Judge(ActivityNewInstance, answer, Judging{}); v.Reason != production.ReasonBodySignValue {
		t.Errorf("without any key: %+v", v)
	}
}

func TestQueryInstanceAnswers(t *testing.T) {
	body := `{"resultCode":"000000","info":[{"instanceId":"i1","appInfo":{"frontEndUrl":"u"},"usageInfo":[` +
		`{"relatedInstanceId":"r","usageValue":1.2500E2,"statisticalTime":"20260101000000000","dashboardUrl":"d"},{"usageValue":"0.10","statisticalTime":"20260101000000000"}]},` +
		`{"instanceId":"i1"},{"instanceId":"i2","appInfo":null}]}`
	v := Judge(ActivityQueryInstance, signed(body), Judging{Debugging: true}, key)
	want := []production.InstanceInfo{
		{InstanceID: "i1", App: &production.AppInfo{FrontEndURL: "u"}, Usage: []production.Usage{
			{RelatedInstanceID: "r", Value: "125", StatisticalTime: "20260101000000000", DashboardURL: "d"}, {Value: "0.1", StatisticalTime: "20260101000000000"}}},
		{InstanceID: "i2"},
	}
	if !v.OK || cmp.Diff(want, v.Info) != "" {
		t.Errorf("%+v %s", v, cmp.Diff(want, v.Info))
	}
	for body, field := range map[string]string{
		`{"resultCode":"000000"}`:                                                                  "instanceId",
		`{"resultCode":"000000","info":[]}`:                                                        "instanceId",
		`{"resultCode":"000000","info":[{}]}`:                                                      "instanceId",
		`{"resultCode":"000000","info":"[]"}`:                                                      "info",
		`{"resultCode":"000000","info":[{"instanceId":"i1","usageInfo":[{}]}]}`:                    "usageValue",
		`{"resultCode":"000000","info":[{"instanceId":"i1","usageInfo":{}}]}`:                      "usageInfo",
		`{"resultCode":"000000","info":[{"instanceId":"i1","usageInfo":[{"usageValue":1}]}]}`:      "statisticalTime",
		`{"resultCode":"000000","info":[{"instanceId":"i1","usageInfo":[{"usageValue":"many"}]}]}`: "usageValue",
	} {
		if v := Judge(ActivityQueryInstance, signed(body), Judging{Debugging: true}, key); v.OK || v.Field != field {
			t.Errorf("%s on the debugging page: %+v", body, v)
		}
		if v := Judge(ActivityQueryInstance, signed(body), Judging{}, key); !v.OK {
			t.Errorf("%s in production: %+v", body, v)
		}
	}
}

// Check 16 of chapter 02.
func TestGetLicenseAnswers(t *testing.T) {
	v := Judge(ActivityGetLicense, signed(`{"resultCode":"000000","license":"L1"}`), Judging{}, key)
	if !v.OK || v.License != "L1" || !v.LicenseSubstitute || len(v.Warnings) != 1 {
		t.Errorf("licence alone: %+v", v)
	}
	v = Judge(ActivityGetLicense, signed(`{"resultCode":"000000","license":"L1","instanceId":"i1"}`), Judging{}, key)
	if !v.OK || v.InstanceID != "i1" || v.LicenseSubstitute || len(v.Warnings) != 0 {
		t.Errorf("licence and id: %+v", v)
	}
	for _, body := range []string{success, `{"resultCode":"000000","instanceId":"i1","license":""}`} {
		if v := Judge(ActivityGetLicense, signed(body), Judging{}, key); v.Reason != production.ReasonMissingField || v.Field != "license" {
			t.Errorf("%s: %+v", body, v)
		}
	}
}

func TestOtherActivitiesNeedOnlyTheCode(t *testing.T) {
	for _, activity := range []Activity{ActivityRefreshInstance, ActivityExpireInstance, ActivityReleaseInstance, ActivityUpgrade, ActivityInstanceStatus, ActivityReleaseLicense} {
		v := Judge(activity, signed(`{"resultCode":"000000","resultMsg":"success.","instanceId":"ignored"}`), Judging{Debugging: true}, key)
		if !v.OK || v.InstanceID != "" || v.ResultMsg != "success." {
			t.Errorf("%s: %+v", activity, v)
		}
	}
}

func TestEveryFlipOfAnAnswerIsRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		answer := signed(success)
		at := rapid.IntRange(0, len(success)-1).Draw(t, "position")
		answer.Body[at] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if v := Judge(ActivityNewInstance, answer, Judging{}, key); v.OK {
			t.Fatalf("accepted %q", answer.Body)
		}
	})
}

func FuzzJudge(f *testing.F) {
	for _, body := range []string{success, `{}`, `{"resultCode":"000000","info":[{"instanceId":"i1","usageInfo":[{"usageValue":1e9}]}]}`, `{"resultCode":"000000","instanceId":"i","appInfo":{"userName":"A1b2C3d4E5f6G7h8HqEj1qmEp7PIaqaxqsLWAA=="}}`} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	activities := []Activity{ActivityNewInstance, ActivityQueryInstance, ActivityGetLicense, ActivityExpireInstance}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		for _, activity := range activities {
			v := Judge(activity, signed(string(body)), Judging{Debugging: strict}, key)
			if v.OK != (v.Reason == production.ReasonNone) || v.OK && v.ResultCode != production.CodeSuccess {
				t.Fatalf("%s: %+v", activity, v)
			}
		}
	})
}

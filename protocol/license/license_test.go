package license

import (
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/souk-market/souk/protocol/production"
	v2 "github.com/souk-market/souk/protocol/production/v2"
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile("testdata/signature.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Name  string
		Input struct {
			AccessKey              string `json:"access_key"`
			Nonce, Timestamp, Body string
		}
		Expected struct{ Signature string }
	}
	if err := json.Unmarshal(text, &vectors); err != nil || len(vectors) != 4 {
		t.Fatal(len(vectors), err)
	}
	at := time.Date(2023, 10, 27, 10, 30, 15, 0, time.UTC)
	calls := []Call{
		RefreshCode{License: "PL7F3A9B2C4D", Scene: SceneRenewal, OrderID: "CS2505231019ABCDE", OrderLineID: "CS2505231019ABCDE-000001", ExpireTime: "20260523201932"},
		UpdateStatus{License: "PL7F3A9B2C4D", Status: StatusFreeze},
		ReleaseCode{License: "PL7F3A9B2C4D", OrderID: "CS2505231019ABCDF", OrderLineID: "CS2505231019ABCDF-000001"},
		GetAsync{InstanceID: "RA2310270001LVS", EffectiveTime: AsyncTime(at), ExpireTime: AsyncTime(at.AddDate(1, 0, 0)), EventID: "8f1e5694c0a84b7d9a1c",
			DeviceFingerprint: "00:11:22:33:44:55|DISK1,DISK2|BOARD1|CPU1"},
	}
	address, err := v2.ParseAddress("https://seller.example.test/Licenseproduce")
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range vectors {
		millis, _ := strconv.ParseInt(c.Input.Timestamp, 10, 64)
		request, err := Build(calls[i], true, address, c.Input.AccessKey, c.Input.Nonce, time.UnixMilli(millis))
		if err != nil || string(request.Body) != c.Input.Body || !strings.Contains(request.URL, "signature="+c.Expected.Signature+"&") {
			t.Errorf("%s: %+v %v", c.Name, request, err)
		}
	}
}

func TestRealCallsHaveNoTestFlag(t *testing.T) {
	for want, call := range map[string]Call{
		`{"activity":"updateLicenseCodeStatus","license":"PL1","status":"UNFREEZE"}`: UpdateStatus{"PL1", StatusUnfreeze},
		`{"activity":"releaseLicenseCode","license":"PL1"}`:                          ReleaseCode{License: "PL1"},
	} {
		if body, err := Body(call, false); err != nil || string(body) != want {
			t.Errorf("%s %v", body, err)
		}
	}
}

func TestCallsThatCannotBeSent(t *testing.T) {
	for _, c := range []struct {
		call  Call
		field string
	}{
		{RefreshCode{}, "scene"},
		{RefreshCode{License: "l", Scene: "OTHER", OrderID: "o", OrderLineID: "n", ExpireTime: "20260523201932"}, "scene"},
		{RefreshCode{License: "l", Scene: SceneRenewal, OrderID: "o", OrderLineID: "n", ExpireTime: "2026-05-23"}, "expireTime"},
		{RefreshCode{License: "l", Scene: SceneRenewal, OrderID: "o", ExpireTime: "20260523201932"}, "orderLineId"},
		{UpdateStatus{"l", "NORMAL"}, "status"},
		{UpdateStatus{strings.Repeat("l", 65), StatusFreeze}, "license"},
		{ReleaseCode{}, "license"},
		{ReleaseCode{License: "\xff"}, "license"},
		{GetAsync{InstanceID: "i", EventID: "e", EffectiveTime: "20231027103015"}, "effectiveTime"},
	} {
		_, err := Body(c.call, false)
		var wrong *v2.FieldError
		if !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%+v: %v, want %s", c.call, err, c.field)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		activity v2.Activity
		body     string
		ok       bool
		reason   production.Reason
	}{
		{ActivityRefresh, `{"resultCode":"000000"}`, true, ""},
		{ActivityRelease, `{"resultCode":"000003"}`, false, production.ReasonResultCode},
		{ActivityStatus, `{"resultCode":"000004"}`, false, production.ReasonResultCode},
		{ActivityGetAsync, `{"resultCode":"000004"}`, true, ""},
		{ActivityGetAsync, `{"resultCode":"000903"}`, false, production.ReasonResultCode},
		{ActivityRefresh, `<html>`, false, production.ReasonJSON},
	} {
		if v := Judge(c.activity, production.Answer{Status: 200, Body: []byte(c.body)}, false); v.OK != c.ok || v.Reason != c.reason {
			t.Errorf("%s %s: %+v", c.activity, c.body, v)
		}
	}
}

package usagepush

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 1, 15, 8, 10, 0, 0, time.UTC)

const good = `{"begin_time":"20260115T070000Z","end_time":"20260115T080000Z","instance_id":"i-1","metering_sn":"sdr-1","record_time":"20260115T081000Z","usage_value":"99.5"}`

// with is the good record with one member replaced; "" takes it away.
func with(name, value string) string {
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(good), &m); err != nil {
		panic(err)
	}
	if m[name] = json.RawMessage(value); value == "" {
		delete(m, name)
	}
	b, _ := json.Marshal(m) // what came from JSON goes back
	return string(b)
}

// Each rule about a record alone, with the code and the field it names. // spec: 14 §2.1, §2.3, §2.4
func TestRecordsAreJudged(t *testing.T) {
	for _, c := range []struct {
		name, value string
		code        Code
	}{
		{"usage_value", `99.5`, None}, {"usage_value", `"0.0001"`, None}, {"usage_value", `1.23456785E7`, None}, {"usage_value", `"999999999999.9999"`, None}, {"usage_value", `"5.50000"`, None},
		{"usage_value", `0`, BadValue}, {"usage_value", `"-1"`, BadValue}, {"usage_value", `"1e3"`, BadValue}, {"usage_value", `"1.23456"`, BadValue}, {"usage_value", `"1234567890123"`, BadValue}, {"usage_value", `"ten"`, BadValue}, {"usage_value", `true`, BadValue}, {"usage_value", ``, BadValue},
		{"instance_id", ``, NoInstance}, {"instance_id", `"` + strings.Repeat("长", 65) + `"`, NoInstance}, {"instance_id", `7`, NoInstance}, {"instance_id", `"` + strings.Repeat("长", 64) + `"`, None},
		{"record_time", `"20260115081000"`, BadTime}, {"begin_time", `"20260115T070000"`, BadTime}, {"end_time", `"20260230T080000Z"`, BadTime}, {"end_time", ``, BadTime},
		{"metering_sn", ``, NoSerial}, {"metering_sn", `"` + strings.Repeat("x", 65) + `"`, NoSerial},
		{"begin_time", `"20251225T080959Z"`, TooOld}, {"begin_time", `"20251225T081000Z"`, None},
		{"begin_time", `"20260115T080001Z"`, BadSpan}, {"begin_time", `"20260115T080000Z"`, None}, {"end_time", `"20260115T081001Z"`, BadSpan}, {"end_time", `"20260115T081000Z"`, None},
		{"relate_pkg_instance", `"p-1"`, None}, {"something_else", `"1"`, None},
	} {
		records, refused := Read([]byte(`{"usage_records":[` + with(c.name, c.value) + `]}`))
		if refused != nil {
			t.Errorf("%s %s: %+v", c.name, c.value, refused)
			continue
		}
		f := records[0].Check(New, now)
		if f.Code != c.code || f.Code != None && (f.Field != c.name || f.Msg == "") && f.Code != BadSpan {
			t.Errorf("%s %s: %+v, want %q", c.name, c.value, f, c.code)
		}
	}
	// The old interface has no serial but a product.
	old := func(text string) Finding {
		records, _ := Read([]byte(`{"usage_records":[` + text + `]}`))
		return records[0].Check(Old, now)
	}
	if f := old(with("metering_sn", "")); f.Field != "product_id" || f.Code != Foreign {
		t.Errorf("old, no product: %+v", f)
	}
	if f := old(strings.TrimSuffix(with("metering_sn", ""), "}") + `,"product_id":"OFFI1"}`); f.Code != None {
		t.Errorf("old: %+v", f)
	}
}

// What is wrong with the request as a whole has a code of its own. // spec: 14 §2.3, 01 §6
func TestRequestsAreRefused(t *testing.T) {
	many := strings.Repeat(good+",", MaxRecords)
	for body, want := range map[string]string{
		``: Invalid, `[]`: Invalid, `{"usage_records":[` + good + `]} x`: Invalid, `{"usage_records":[],"usage_records":[]}`: Invalid,
		`{}`: Entities, `{"usage_records":[]}`: Entities, `{"usage_records":{}}`: Entities, `{"usage_records":["x"]}`: Entities,
		`{"usage_records":[` + many + good + `]}`: TooMany,
	} {
		if _, refused := Read([]byte(body)); refused == nil || refused.Code != want || refused.Status() < 400 {
			t.Errorf("%.40s: %+v, want %s", body, refused, want)
		}
	}
	if records, refused := Read([]byte(`{"usage_records":[` + many[:len(many)-1] + `]}`)); refused != nil || len(records) != MaxRecords {
		t.Errorf("1000 records: %d %+v", len(records), refused)
	}
}

func TestHeaders(t *testing.T) {
	at := func(d time.Duration) string { return fmt.Sprint(now.Add(d).UnixMilli()) }
	for _, c := range []struct {
		h    Headers
		want string
	}{
		{Headers{at(0), "n", "s"}, ""}, {Headers{at(MaxSkew), "n", "s"}, ""}, {Headers{at(-MaxSkew), "n", "s"}, ""},
		{Headers{at(MaxSkew + time.Second), "n", "s"}, "ts"}, {Headers{at(-MaxSkew - time.Second), "n", "s"}, "ts"}, {Headers{fmt.Sprint(now.Unix()), "n", "s"}, "ts"}, {Headers{"soon", "n", "s"}, "ts"}, {Headers{"", "n", "s"}, "ts"},
		{Headers{at(0), "", "s"}, "nonce"}, {Headers{at(0), strings.Repeat("n", 65), "s"}, "nonce"}, {Headers{at(0), "n", ""}, "signature"},
	} {
		if got, msg := c.h.Check(now); got != c.want || (msg == "") != (got == "") {
			t.Errorf("%+v: %q %q, want %q", c.h, got, msg, c.want)
		}
	}
}

// The bytes of the answers. // spec: 14 §2.3
func TestAnswers(t *testing.T) {
	if got := Taken(New, nil); string(got.JSON()) != `{"error_code":"MKT.0000","error_msg":"success"}` || got.Status() != 200 {
		t.Errorf("%s %d", got.JSON(), got.Status())
	}
	records, _ := Read([]byte(`{"usage_records":[{"usage_value":0.50,"metering_sn":"s"}]}`))
	bad := []Bad{{0, records[0], records[0].Check(New, now)}}
	want := `{"abnormal_usage_data":[{"error_code":"001","error_msg":"instance_id must be a text of 1 to 64 characters","metering_sn":"s","usage_value":0.50}],"error_code":"94060999","error_msg":"1 of the records failed, see abnormal_usage_data"}`
	if got := Taken(New, bad); string(got.JSON()) != want || got.Status() != 200 {
		t.Errorf("%s %d", got.JSON(), got.Status())
	}
	if sn := AbnormalSerials([]byte(want)); len(sn) != 1 || sn[0] != "s" {
		t.Errorf("serials: %v", sn)
	}
	if got := Taken(Old, bad); got.Code != Success {
		t.Errorf("old: %+v", got)
	}
}

// Whatever comes, reading, judging and answering never break.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"usage_records":[` + good + `]}`))
	f.Add([]byte(`{"usage_records":[{"usage_value":1e99,"x":[{"y":null}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		records, refused := Read(body)
		if refused != nil {
			if !json.Valid(refused.JSON()) || refused.Status() < 400 {
				t.Fatalf("%s %d", refused.JSON(), refused.Status())
			}
			return
		}
		var bad []Bad
		for i := range records {
			if f := records[i].Check(New, now); f.Code != None {
				bad = append(bad, Bad{i, records[i], f})
			} else if records[i].Begin.After(records[i].End) {
				t.Fatalf("taken: %+v", records[i])
			}
		}
		if a := Taken(New, bad); !json.Valid(a.JSON()) || a.Status() != 200 {
			t.Fatalf("%s", a.JSON())
		}
	})
}

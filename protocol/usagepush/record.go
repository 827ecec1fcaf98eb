package usagepush

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/wirejson"
)

// Generation is which of the two interfaces a push came by.
type Generation int

// The interfaces. // spec: 14 §2.1, §2.2
const (
	New Generation = iota // signed with the interconnection key; verdicts in the answer
	Old                   // signed with AK/SK; verdicts later
)

// Their paths.
const (
	NewPath = "/api/mkp-openapi-public/global/v1/isv/usage-data"
	OldPath = "/rest/marketplace/v1/isv/usage-data"
)

// Limits of a push. // spec: 14 §2.1, §2.3, 01 §6
const (
	MaxRecords = 1000
	MaxAge     = 21 * 24 * time.Hour // from begin_time
	MaxSkew    = 15 * time.Minute    // of ts, either way; a nonce is refused as long

	maxTS, maxNonce, maxSignature = 20, 64, 1000
	maxID                         = 64
	maxValue                      = 20 // characters of usage_value
	maxWhole, maxFraction         = 12, 4
)

// TimeForm is how a record writes an instant, in UTC.
const TimeForm = "20060102T150405Z"

// Code is the verdict about one record; None is none against it. // spec: 14 §2.3
type Code string

// The codes of records.
const (
	None           Code = ""
	NoInstance     Code = "001"
	BadTime        Code = "002"
	BadValue       Code = "003"
	NoSerial       Code = "004"
	SerialRepeated Code = "005"
	Delisted       Code = "006"
	TooOld         Code = "007"
	Foreign        Code = "009"
	Duplicate      Code = "010"
	BadSpan        Code = "011"
	NotOnDemand    Code = "012"
	Abnormal       Code = "013"
	Closed         Code = "014"
	BeforeStart    Code = "015"
	Opening        Code = "016"
	NoPackage      Code = "017"
	ForeignPackage Code = "018"
	RiskControl    Code = "019"
)

// Finding is what is wrong with a record: its code, the field and words.
type Finding struct {
	Code  Code
	Field string
	Msg   string
}

// Record is one usage record as it was sent: texts, in the forms of the wire.
type Record struct {
	InstanceID, ProductID          string
	RecordTime, BeginTime, EndTime string
	UsageValue                     string
	MeteringSN, RelatePkgInstance  string
	Begin, End, Made               time.Time // read by Check
	sent                           wirejson.Value
	valueIsNumber                  bool
}

// Read takes the records out of a body. A refusal is about the request as a whole.
// spec: 14 §2.1, §2.3, 01 §6
func Read(body []byte) ([]Record, *Answer) {
	object, err := wirejson.ParseObject(body)
	if err != nil {
		return nil, refuse(Invalid, "Invalid parameter: the body is no JSON object: "+err.Error()+".")
	}
	list, ok := object.Get("usage_records")
	switch {
	case !ok || list.Kind != wirejson.Array || len(list.Items) == 0:
		return nil, refuse(Entities, "Invalid usage entities: usage_records must be a list of at least one record.")
	case len(list.Items) > MaxRecords:
		return nil, refuse(TooMany, "The number of records is over the limit: at most 1000.")
	}
	out := make([]Record, 0, len(list.Items))
	for _, item := range list.Items {
		if item.Kind != wirejson.Object {
			return nil, refuse(Entities, "Invalid usage entities: each of usage_records must be an object.")
		}
		r := Record{sent: item}
		r.InstanceID, _ = item.StringOf("instance_id")
		r.ProductID, _ = item.StringOf("product_id")
		r.RecordTime, _ = item.StringOf("record_time")
		r.BeginTime, _ = item.StringOf("begin_time")
		r.EndTime, _ = item.StringOf("end_time")
		r.MeteringSN, _ = item.StringOf("metering_sn")
		r.RelatePkgInstance, _ = item.StringOf("relate_pkg_instance")
		if v, ok := item.Get("usage_value"); ok && (v.Kind == wirejson.String || v.Kind == wirejson.Number) {
			r.UsageValue, r.valueIsNumber = v.Text, v.Kind == wirejson.Number
		}
		out = append(out, r)
	}
	return out, nil
}

// Check judges what a record says of itself, in the order of the codes, and reads its
// instants. now is the wire clock. // spec: 14 §2.1, §2.4
func (r *Record) Check(g Generation, now time.Time) Finding {
	if n := utf8.RuneCountInString(r.InstanceID); n == 0 || n > maxID {
		return Finding{NoInstance, "instance_id", "instance_id must be a text of 1 to 64 characters"}
	}
	for _, t := range []struct {
		name, text string
		to         *time.Time
	}{{"record_time", r.RecordTime, &r.Made}, {"begin_time", r.BeginTime, &r.Begin}, {"end_time", r.EndTime, &r.End}} {
		at, err := time.Parse(TimeForm, t.text)
		if err != nil {
			return Finding{BadTime, t.name, t.name + " must be a UTC time like 20260115T081000Z"}
		}
		*t.to = at
	}
	value, ok := wirejson.PlainDecimal(r.UsageValue)
	whole, fraction, _ := strings.Cut(value, ".")
	switch {
	case r.UsageValue == "":
		return Finding{BadValue, "usage_value", "usage_value must be a number or a text that holds one"}
	case !ok || !r.valueIsNumber && strings.ContainsAny(r.UsageValue, "eE"), len(r.UsageValue) > maxValue:
		return Finding{BadValue, "usage_value", "usage_value must be a decimal of at most 20 characters"}
	case value == "0" || strings.HasPrefix(value, "-"):
		return Finding{BadValue, "usage_value", "usage_value must be more than 0"}
	case len(fraction) > maxFraction || len(whole) > maxWhole:
		return Finding{BadValue, "usage_value", "usage_value has at most 4 decimals and 12 digits before them"}
	}
	r.UsageValue = value
	switch n := utf8.RuneCountInString(r.MeteringSN); {
	case g == New && n == 0:
		return Finding{NoSerial, "metering_sn", "metering_sn is required"}
	case n > maxID:
		return Finding{NoSerial, "metering_sn", "metering_sn has at most 64 characters"}
	}
	if n := utf8.RuneCountInString(r.ProductID); g == Old && (n == 0 || n > maxID) {
		return Finding{Foreign, "product_id", "product_id must be a text of 1 to 64 characters"}
	}
	switch {
	case now.Sub(r.Begin) > MaxAge:
		return Finding{TooOld, "begin_time", "begin_time is more than 21 days ago"}
	case r.Begin.After(r.End):
		return Finding{BadSpan, "end_time", "end_time is before begin_time"}
	case r.End.After(now):
		return Finding{BadSpan, "end_time", "end_time is later than the report"}
	}
	return Finding{}
}

// Span is what makes two records of one instance duplicates. // spec: 14 §2.4
type Span struct{ InstanceID, Begin, End, Package string }

// Span of a record.
func (r Record) Span() Span { return Span{r.InstanceID, r.BeginTime, r.EndTime, r.RelatePkgInstance} }

// Same tells whether two records say the same. // spec: 14 §2.4
func (r Record) Same(o Record) bool {
	return r.Span() == o.Span() && r.UsageValue == o.UsageValue && r.RecordTime == o.RecordTime && r.MeteringSN == o.MeteringSN
}

package production

import (
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/sealed"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Transport judges everything up to the status line. done means that the verdict
// is final.
// spec: 10 §8.3, 02 §2.10
func (a Answer) Transport() (v Verdict, done bool) {
	switch {
	case a.TimedOut:
		return Verdict{Unknown: true, Reason: ReasonTimeout}, true
	case a.TransportErr != nil:
		return Verdict{Unknown: true, Reason: ReasonUnreachable}, true
	case a.Status >= 300 && a.Status <= 399:
		return Verdict{Reason: ReasonRedirect}, true
	case a.Status != 200:
		return Verdict{Reason: ReasonStatus}, true
	case a.TooLarge:
		return Verdict{Reason: ReasonTooLarge}, true
	}
	return Verdict{}, false
}

// ReadResult parses the body and reads resultCode and resultMsg into v. It returns
// false when the verdict is final, a result code other than success included.
// spec: 02 §1.11, 02 §2.10
func ReadResult(body []byte, v *Verdict) (wirejson.Value, bool) {
	object, err := wirejson.ParseObject(body)
	var duplicate *wirejson.DuplicateError
	switch {
	case errors.Is(err, wirejson.ErrBOM):
		v.Reason = ReasonBOM
	case errors.Is(err, wirejson.ErrUTF8):
		v.Reason = ReasonUTF8
	case errors.As(err, &duplicate):
		v.Reason, v.Field = ReasonDuplicate, duplicate.Name
	case err != nil:
		v.Reason = ReasonJSON
	}
	if err != nil {
		return object, false
	}
	v.ResultMsg, _ = object.StringOf("resultMsg")
	code, present := object.Get("resultCode")
	switch {
	case !present || code.Kind == wirejson.String && code.Text == "":
		v.Reason, v.Field = ReasonNoResultCode, "resultCode"
		return object, false
	case code.Kind != wirejson.String && code.Kind != wirejson.Number:
		v.Reason, v.Field = ReasonFieldType, "resultCode"
		return object, false
	}
	v.ResultCode = scalarCode(code)
	if v.ResultCode != CodeSuccess {
		v.Reason = ReasonResultCode
		return object, false
	}
	return object, true
}

// scalarCode pads a code sent as number, which has lost its leading zeros.
func scalarCode(v wirejson.Value) string {
	if v.Kind == wirejson.Number && len(v.Text) < 6 && strings.Trim(v.Text, "0123456789") == "" {
		return strings.Repeat("0", 6-len(v.Text)) + v.Text
	}
	return v.Text
}

// IsJSONContentType tells whether the answer calls itself application/json;
// parameters such as charset are tolerated.
// spec: 10 §1.1
func (a Answer) IsJSONContentType() bool {
	values := a.Header("Content-Type")
	if len(values) == 0 {
		return false
	}
	for _, value := range values {
		media, _, _ := strings.Cut(value, ";")
		if !strings.EqualFold(strings.TrimSpace(media), "application/json") {
			return false
		}
	}
	return true
}

// Reader reads the fields of a successful answer into a verdict. Strict is the
// debugging page: what production forgives with a warning is then a failure.
type Reader struct {
	Verdict *Verdict
	Strict  bool
	Key     string // access key for encrypted credentials
	// PlainUnlessTyped is V2: credentials are plain text unless encryptType says otherwise.
	PlainUnlessTyped bool
}

// fail records the first failure; later ones do not replace it.
func (r *Reader) fail(reason Reason, field string) {
	if r.Verdict.Reason == ReasonNone {
		r.Verdict.Reason, r.Verdict.Field = reason, field
	}
}

// complain fails when strict and warns otherwise.
func (r *Reader) complain(reason Reason, warning, field string) {
	if r.Strict {
		r.fail(reason, field)
		return
	}
	r.Verdict.Warn(warning, field)
}

// text reads an optional string of at most max characters.
func (r *Reader) text(o wirejson.Value, name, field string, max int) string {
	v, present := o.Get(name)
	if !present {
		return ""
	}
	if v.Kind != wirejson.String {
		r.complain(ReasonFieldType, WarnFieldType, field)
		return ""
	}
	if utf8.RuneCountInString(v.Text) > max {
		r.complain(ReasonFieldLength, WarnFieldLength, field)
	}
	return v.Text
}

// Common checks the lengths of the fields that every answer has.
func (r *Reader) Common(o wirejson.Value) {
	r.text(o, "resultMsg", "resultMsg", 255)
}

// RequiredID reads an identifier that must be there, of at most 64 characters.
// These failures are never forgiven: the identifier is stored.
// spec: 10 §2.4, 02 §2.11
func (r *Reader) RequiredID(o wirejson.Value, name string) string {
	v, present := o.Get(name)
	switch {
	case !present || v.Kind == wirejson.String && v.Text == "":
		r.fail(ReasonMissingField, name)
	case v.Kind != wirejson.String:
		r.fail(ReasonFieldType, name)
	case utf8.RuneCountInString(v.Text) > 64:
		r.fail(ReasonFieldLength, name)
	default:
		return v.Text
	}
	return ""
}

// EncryptType reads encryptType, which may be a number; null and "" are absent.
// spec: 02 §1.11, §2.15
func (r *Reader) EncryptType(o wirejson.Value) string {
	v, present := o.Get("encryptType")
	if !present {
		return ""
	}
	if v.Kind != wirejson.String && v.Kind != wirejson.Number {
		r.complain(ReasonFieldType, WarnFieldType, "encryptType")
		return ""
	}
	return v.Text
}

// AppInfo reads appInfo of o, decrypting the credentials. It returns nil when
// there is none.
// spec: 10 §2.4, 02 §1.13, 11 §4.2
func (r *Reader) AppInfo(o wirejson.Value, encryptType string) *AppInfo {
	v, present := o.Get("appInfo")
	if !present {
		return nil
	}
	if v.Kind != wirejson.Object {
		r.complain(ReasonFieldType, WarnFieldType, "appInfo")
		return nil
	}
	app := &AppInfo{
		FrontEndURL: r.text(v, "frontEndUrl", "frontEndUrl", 512),
		AdminURL:    r.text(v, "adminUrl", "adminUrl", 512),
		Memo:        r.text(v, "memo", "memo", 1024),
	}
	if app.FrontEndURL == "" {
		r.complain(ReasonMissingField, WarnFrontEndURL, "frontEndUrl")
	}
	app.UserName, app.UserNameUndecryptable = r.credential(v, "userName", encryptType)
	app.Password, app.PasswordUndecryptable = r.credential(v, "password", encryptType)
	return app
}

// credential never fails a production call: the order has succeeded all the same.
func (r *Reader) credential(o wirejson.Value, name, encryptType string) (text string, undecryptable bool) {
	v, present := o.Get(name)
	if !present || v.Kind == wirejson.String && v.Text == "" {
		return "", false
	}
	if v.Kind != wirejson.String {
		r.complain(ReasonFieldType, WarnFieldType, name)
		return "", true
	}
	if utf8.RuneCountInString(v.Text) > sealed.MaxCredential {
		r.complain(ReasonFieldLength, WarnCredentialSize, name)
		return "", true
	}
	if r.PlainUnlessTyped && encryptType != "1" && encryptType != "2" {
		return v.Text, false
	}
	bits, known := sealed.ForEncryptType(encryptType)
	if !known {
		r.Verdict.Warn(WarnEncryptType, encryptType)
		return "", true
	}
	text, err := sealed.OpenCredential(r.Key, bits, v.Text)
	if err != nil {
		r.Verdict.Warn(WarnUndecryptable, name)
		return "", true
	}
	return text, false
}

// Info reads the info array of a queryInstance answer. Entries without instanceId
// and second entries for one id are dropped.
// spec: 10 §3.6, 11 §4.2, 02 §2.15
func (r *Reader) Info(o wirejson.Value) []InstanceInfo {
	v, present := o.Get("info")
	if !present {
		return nil
	}
	if v.Kind != wirejson.Array {
		r.complain(ReasonFieldType, WarnFieldType, "info")
		return nil
	}
	encryptType := r.EncryptType(o)
	var entries []InstanceInfo
	seen := map[string]bool{}
	for _, item := range v.Items {
		id, ok := item.StringOf("instanceId")
		if !ok || id == "" || utf8.RuneCountInString(id) > 64 {
			r.complain(ReasonMissingField, WarnMissingField, "instanceId")
			continue
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		entries = append(entries, InstanceInfo{
			InstanceID: id, App: r.AppInfo(item, encryptType), Usage: r.usage(item),
		})
	}
	return entries
}

func (r *Reader) usage(o wirejson.Value) []Usage {
	v, present := o.Get("usageInfo")
	if !present {
		return nil
	}
	if v.Kind != wirejson.Array {
		r.complain(ReasonFieldType, WarnFieldType, "usageInfo")
		return nil
	}
	var all []Usage
	for _, item := range v.Items {
		value, present := item.Get("usageValue")
		if !present {
			r.complain(ReasonMissingField, WarnMissingField, "usageValue")
			continue
		}
		exact, ok := "", false
		if value.Kind == wirejson.Number || value.Kind == wirejson.String {
			exact, ok = wirejson.PlainDecimal(value.Text)
		}
		if !ok {
			r.complain(ReasonFieldType, WarnFieldType, "usageValue")
			continue
		}
		if len(strings.TrimPrefix(exact, "-")) > 20 {
			r.complain(ReasonFieldLength, WarnFieldLength, "usageValue")
		}
		u := Usage{
			RelatedInstanceID: r.text(item, "relatedInstanceId", "relatedInstanceId", 64),
			Value:             exact,
			StatisticalTime:   r.text(item, "statisticalTime", "statisticalTime", 20),
			DashboardURL:      r.text(item, "dashboardUrl", "dashboardUrl", 512),
		}
		if u.StatisticalTime == "" {
			r.complain(ReasonMissingField, WarnMissingField, "statisticalTime")
		}
		all = append(all, u)
	}
	return all
}

package v1

import (
	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Judging chooses how an answer is judged.
type Judging struct {
	// Debugging is strict: missing entry pages and wrong lengths fail instead of warning.
	Debugging bool
	// LenientContentType lets any content type pass when Body-Sign and JSON are right. It
	// has no effect when Debugging. spec: 02 §1.10
	LenientContentType bool
}

// Judge says what an answer means. accessKeys holds the current key first and, for
// a while after a rotation, the old one: credentials are decrypted with the key that
// made the Body-Sign.
// spec: 10 §8.3, §6.0, 02 §1.10–1.17
func Judge(activity Activity, answer production.Answer, judging Judging, accessKeys ...string) production.Verdict {
	v, done := answer.Transport()
	if done {
		return v
	}
	if !answer.IsJSONContentType() {
		if judging.Debugging || !judging.LenientContentType {
			v.Reason = production.ReasonContentType
			return v
		}
		v.Warn(production.WarnContentType, "")
	}
	v.KeyIndex, v.Reason, v.Expected = VerifyBodySign(answer.Header(BodySignHeader), answer.Body, accessKeys...)
	if v.Reason != production.ReasonNone {
		return v
	}
	if v.KeyIndex > 0 {
		v.Warn(production.WarnOldKey, "")
	}
	object, ok := production.ReadResult(answer.Body, &v)
	if !ok {
		return v
	}
	r := production.Reader{Verdict: &v, Strict: judging.Debugging, Key: accessKeys[v.KeyIndex]}
	read(activity, object, &r)
	r.Common(object)
	v.OK = v.Reason == production.ReasonNone
	if !v.OK {
		v.InstanceID = ""
	}
	return v
}

func read(activity Activity, object wirejson.Value, r *production.Reader) {
	switch activity {
	case ActivityNewInstance:
		r.Verdict.InstanceID = r.RequiredID(object, "instanceId")
		r.Verdict.App = r.AppInfo(object, r.EncryptType(object))
	case ActivityQueryInstance:
		r.Verdict.Info = r.Info(object)
		if r.Strict && len(r.Verdict.Info) == 0 && r.Verdict.Reason == production.ReasonNone {
			r.Verdict.Reason, r.Verdict.Field = production.ReasonMissingField, "instanceId"
		}
	case ActivityGetLicense:
		readLicense(object, r)
	}
}

// readLicense accepts a licence without instanceId: the order's id stands in.
// spec: 02 §1.14
func readLicense(object wirejson.Value, r *production.Reader) {
	license, present := object.Get("license")
	switch {
	case !present || license.Kind == wirejson.String && license.Text == "":
		r.Verdict.Reason, r.Verdict.Field = production.ReasonMissingField, "license"
		return
	case license.Kind != wirejson.String:
		r.Verdict.Reason, r.Verdict.Field = production.ReasonFieldType, "license"
		return
	}
	r.Verdict.License = license.Text
	if id, present := object.Get("instanceId"); !present || id.Text == "" {
		r.Verdict.LicenseSubstitute = true
		r.Verdict.Warn(production.WarnLicenseOnly, "instanceId")
		return
	}
	r.Verdict.InstanceID = r.RequiredID(object, "instanceId")
}

package v2

import (
	"unicode/utf8"

	"github.com/souk-market/souk/protocol/production"
	"github.com/souk-market/souk/protocol/wirejson"
)

// Judging chooses how an answer is judged.
type Judging struct {
	// Debugging is strict: wrong lengths and missing entry pages fail instead of warning.
	Debugging bool
	// Asked are the ids of a queryInstance call: other entries are ignored, and on the
	// debugging page each must be answered with its entry page.
	Asked []string
	// OtherWay is the product setting "usage data is delivered another way": an answer
	// without info is then complete. spec: 02 §2.14
	OtherWay bool
}

// Judge says what an answer means, in the order: no answer, status, JSON, result
// code. A Body-Sign is not asked for. accessKeys decrypt credentials in the rare
// answers that carry an encryptType.
// spec: 02 §2.10–2.15, 11 §1, §6
func Judge(activity Activity, answer production.Answer, judging Judging, accessKeys ...string) production.Verdict {
	v, done := answer.Transport()
	if done {
		return v
	}
	object, ok := production.ReadResult(answer.Body, &v)
	r := production.Reader{Verdict: &v, Strict: judging.Debugging, PlainUnlessTyped: true}
	if len(accessKeys) > 0 {
		r.Key = accessKeys[0]
	}
	if !ok {
		// "Being processed" together with an instanceId is an accepted creation. spec: 11 §6
		if activity == ActivityNewInstance && v.Reason == production.ReasonResultCode && v.Processing() {
			if id, present := object.StringOf("instanceId"); present && id != "" && utf8.RuneCountInString(id) <= 64 {
				v.OK, v.Reason, v.InstanceID = true, production.ReasonNone, id
			}
		}
		return v
	}
	switch activity {
	case ActivityNewInstance:
		v.InstanceID = r.RequiredID(object, "instanceId")
	case ActivityQueryInstance:
		readInfo(object, &r, judging)
	}
	r.Common(object)
	if v.OK = v.Reason == production.ReasonNone; !v.OK {
		v.InstanceID = ""
	}
	return v
}

// readInfo keeps the asked entries and, when debugging, names what is missing.
// spec: 02 §2.14–2.15
func readInfo(object wirejson.Value, r *production.Reader, judging Judging) {
	found := map[string]production.InstanceInfo{}
	for _, entry := range r.Info(object) {
		found[entry.InstanceID] = entry
	}
	_, present := object.Get("info")
	for _, id := range judging.Asked {
		entry, ok := found[id]
		if ok {
			r.Verdict.Info = append(r.Verdict.Info, entry)
		}
		if !judging.Debugging || r.Verdict.Reason != production.ReasonNone || judging.OtherWay && !present {
			continue
		}
		switch {
		case !ok:
			r.Verdict.Reason, r.Verdict.Field = production.ReasonMissingField, "instanceId"
		case entry.App == nil || entry.App.FrontEndURL == "":
			r.Verdict.Reason, r.Verdict.Field = production.ReasonMissingField, "frontEndUrl"
		}
	}
}

// PollState is what one poll after a creation says.
type PollState string

// The states of a poll. After every state but PollReady polling goes on until the
// create window ends.
// spec: 02 §2.13
const (
	PollReady    PollState = "ready"
	PollNotReady PollState = "not-ready"
	PollAuth     PollState = "authentication-failed" // tell the seller at once
	PollFailed   PollState = "failed"                // another status, code or unreadable answer
	PollUnknown  PollState = "unknown"               // no answer
)

// JudgePoll judges the answer of a queryInstance call for one instance that is
// being created. On PollReady the verdict's Info holds its entry, unless otherWay
// completed it without one.
// spec: 02 §2.13–2.14, 11 §4.2
func JudgePoll(instanceID string, answer production.Answer, otherWay bool, accessKeys ...string) (PollState, production.Verdict) {
	v := Judge(ActivityQueryInstance, answer, Judging{Asked: []string{instanceID}, OtherWay: otherWay}, accessKeys...)
	switch {
	case v.Unknown:
		return PollUnknown, v
	case answer.Status == 401 || answer.Status == 403 || v.ResultCode == "000001":
		return PollAuth, v
	case v.ResultCode == "000003" || v.Processing():
		return PollNotReady, v
	case !v.OK:
		return PollFailed, v
	case len(v.Info) == 1:
		return PollReady, v
	case otherWay && !hasInfo(answer.Body):
		return PollReady, v
	default:
		return PollNotReady, v
	}
}

func hasInfo(body []byte) bool {
	object, err := wirejson.ParseObject(body)
	_, present := object.Get("info")
	return err == nil && present
}

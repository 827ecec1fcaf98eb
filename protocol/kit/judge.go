package kit

import (
	"github.com/souk-market/souk/protocol/production"
	v1 "github.com/souk-market/souk/protocol/production/v1"
)

// Judging chooses how an answer is judged.
type Judging struct {
	// Debugging is strict: a wrong content type fails instead of warning.
	Debugging bool
	// RequireBodySign is the product switch: an answer without Body-Sign fails. One that
	// has it is checked in any case.
	RequireBodySign bool
}

// CodeSecret is the answer of a seller who cannot decrypt clientSecret: wrong OAEP
// profile or wrong key.
// spec: 02 §3.1
const CodeSecret = "000101"

// Judge says what the answer to a callback means, in the order: no answer, status,
// content type, Body-Sign, JSON, result code. A 404 means that the seller has no such
// path.
// spec: 13 §1.3, 02 §3.3
func Judge(answer production.Answer, judging Judging, accessKeys ...string) production.Verdict {
	v, done := answer.Transport()
	if done {
		return v
	}
	if !answer.IsJSONContentType() {
		if judging.Debugging {
			v.Reason = production.ReasonContentType
			return v
		}
		v.Warn(production.WarnContentType, "")
	}
	if signs := answer.Header(v1.BodySignHeader); judging.RequireBodySign || len(signs) > 0 {
		v.KeyIndex, v.Reason, v.Expected = v1.VerifyBodySign(signs, answer.Body, accessKeys...)
		if v.Reason != production.ReasonNone {
			return v
		}
		if v.KeyIndex > 0 {
			v.Warn(production.WarnOldKey, "")
		}
	}
	object, ok := production.ReadResult(answer.Body, &v)
	if !ok {
		return v
	}
	r := production.Reader{Verdict: &v, Strict: judging.Debugging}
	r.Common(object)
	v.OK = v.Reason == production.ReasonNone
	return v
}

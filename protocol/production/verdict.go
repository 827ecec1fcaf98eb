package production

// Reason names why a call failed. The values are stable: logs, pages and
// translations key on them.
type Reason string

// The reasons in the order in which an answer is examined.
// spec: 10 §8.3, 02 §1.10–1.12, 02 §2.10
const (
	ReasonNone              Reason = ""
	ReasonUnreachable       Reason = "unreachable"         // no connection, TLS error, or the connection broke
	ReasonTimeout           Reason = "timeout"             // no answer in time
	ReasonRedirect          Reason = "redirect"            // a 3xx status; it is not followed
	ReasonStatus            Reason = "status"              // HTTP status is not 200
	ReasonTooLarge          Reason = "too-large"           // more than MaxBody
	ReasonContentType       Reason = "content-type"        // not application/json
	ReasonBodySignMissing   Reason = "body-sign-missing"   // header absent
	ReasonBodySignAmbiguous Reason = "body-sign-ambiguous" // several headers that differ
	ReasonBodySignForm      Reason = "body-sign-form"      // sign_type or signature wrong or missing
	ReasonBodySignValue     Reason = "body-sign-value"     // signature does not fit; Expected holds the right one
	ReasonBOM               Reason = "byte-order-mark"
	ReasonUTF8              Reason = "invalid-utf8"
	ReasonJSON              Reason = "json"           // not a JSON object
	ReasonDuplicate         Reason = "duplicate-name" // Field occurs twice in one object
	ReasonNoResultCode      Reason = "no-result-code"
	ReasonResultCode        Reason = "result-code" // another code than 000000
	ReasonMissingField      Reason = "missing-field"
	ReasonFieldType         Reason = "field-type"
	ReasonFieldLength       Reason = "field-length"
)

// Reasons lists every failure in order of examination, for pages and for the test
// that each has a translation.
var Reasons = []Reason{
	ReasonUnreachable, ReasonTimeout, ReasonRedirect, ReasonStatus, ReasonTooLarge, ReasonContentType,
	ReasonBodySignMissing, ReasonBodySignAmbiguous, ReasonBodySignForm, ReasonBodySignValue,
	ReasonBOM, ReasonUTF8, ReasonJSON, ReasonDuplicate, ReasonNoResultCode, ReasonResultCode,
	ReasonMissingField, ReasonFieldType, ReasonFieldLength,
}

// Warnings. One may be followed by ":" and the field it speaks of.
const (
	WarnContentType    = "content-type" // passed only because the product is lenient
	WarnFrontEndURL    = "no-front-end-url"
	WarnUndecryptable  = "undecryptable"   // a credential is not shown
	WarnCredentialSize = "credential-size" // a credential is over 128 characters and not shown
	WarnEncryptType    = "encrypt-type"    // unknown encryptType
	WarnFieldType      = "field-type"
	WarnFieldLength    = "field-length"
	WarnMissingField   = "missing-field"
	WarnLicenseOnly    = "license-without-instance-id"
	WarnOldKey         = "old-key" // signed with a key that is being rotated out
)

// CodeSuccess and CodeProcessing are the only result codes with a meaning of
// their own; every other one is a failure, known or unknown.
// spec: 10 §5, 02 §1.16
const (
	CodeSuccess    = "000000"
	CodeProcessing = "000004"
)

// Verdict is the meaning of an answer.
type Verdict struct {
	OK      bool   // the seller has done it
	Unknown bool   // no answer: the seller may or may not have done it
	Reason  Reason // why not, when !OK
	Field   string // the field that Reason speaks of
	// Expected is the right Body-Sign signature, set with ReasonBodySignValue. Only the
	// seller who owns the key may see it, on the debugging page; never log or mail it.
	Expected   string
	ResultCode string // as answered; a number is padded to six digits
	ResultMsg  string // as answered: cut and escape before showing

	InstanceID string // only beside success, when the activity answers one
	License    string // getLicense
	// LicenseSubstitute says that a licence came without instanceId: the order's id
	// stands for it from now on. spec: 02 §1.14
	LicenseSubstitute bool
	App               *AppInfo       // newInstance of V1
	Info              []InstanceInfo // queryInstance, only well-formed entries
	KeyIndex          int            // which of the keys made the Body-Sign
	Warnings          []string
}

// Warn adds a warning, with the field it speaks of if there is one.
func (v *Verdict) Warn(warning, field string) {
	if field != "" {
		warning += ":" + field
	}
	v.Warnings = append(v.Warnings, warning)
}

// Processing reports the code "request is being processed": still a failure in
// V1, but one that needs no alarm at first. spec: 10 §5
func (v Verdict) Processing() bool { return v.ResultCode == CodeProcessing }

// AppInfo is the entry information of an instance, decrypted.
type AppInfo struct {
	FrontEndURL string
	AdminURL    string
	UserName    string // empty when UserNameUndecryptable
	Password    string // empty when PasswordUndecryptable
	Memo        string
	// These say that the seller sent a value that cannot be shown.
	UserNameUndecryptable bool
	PasswordUndecryptable bool
}

// InstanceInfo is one entry of a queryInstance answer.
type InstanceInfo struct {
	InstanceID string
	App        *AppInfo
	Usage      []Usage
}

// Usage is the seller's own count for one billing item.
type Usage struct {
	RelatedInstanceID string // packages: the pay-per-use instance meant
	Value             string // exact plain decimal, at most 4 decimals by the documents
	StatisticalTime   string // UTC yyyyMMddHHmmssSSS as answered
	DashboardURL      string
}
